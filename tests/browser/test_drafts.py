"""An inspector drafts a pack in the browser, without a text editor; a lead inspector looks at it and publishes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.look import Looks
from tests.browser.steps import alert, press
from tests.browser.visitors import Visitors
from tests.web.test_drafts import RULES, xlsform

INSPECTOR, LEAD = "inspector.social@inspectorate.example.org", "lead.social@inspectorate.example.org"
TITLE = "Working together well"


def begin(page: Page, looks: Looks | None, way: str) -> None:
    """From anywhere: the list of drafts, and the form to begin one."""
    page.goto("/rounds")
    press(page, "Drafts of packs")
    if looks:
        looks.at(page, "the list of drafts")
    press(page, "Begin a draft")
    if looks:
        looks.at(page, "how a draft can begin")
    press(page, way)


def add_question(page: Page, looks: Looks | None) -> None:
    """From the page of the draft: a question with two choices."""
    page.get_by_role("link", name=re.compile("^Standards and questions")).click()
    if looks:
        looks.at(page, "a checklist of a draft")
    page.get_by_role("link", name=re.compile("^Add a question")).first.click()
    page.get_by_label("Question", exact=True).fill("Is there a named lead?")
    page.get_by_label("Why", exact=True).fill("Somebody must be asked.")
    page.get_by_label("Evidence", exact=True).fill("The name.")
    page.get_by_label("Answer", exact=True).select_option(label="One of several choices")
    press(page, "Show the settings of this answer")
    if looks:
        looks.at(page, "a new question with choices")
    page.get_by_label("Choices", exact=True).fill("always | Always | fully\nnever | Never | not-yet")
    page.get_by_label("Shown if", exact=True).fill("whenever")
    press(page, "Add")
    expect(alert(page)).to_contain_text("is no condition")
    if looks:
        looks.at(page, "a new question with an error")
    page.get_by_label("Shown if", exact=True).fill("")
    press(page, "Add")
    expect(page.get_by_text("Is there a named lead?")).to_be_visible()
    page.get_by_role("button", name=re.compile(r"^Up\s*: 1\.3")).click()
    expect(page.locator("main")).to_contain_text(re.compile(r"1\.2\s+Is there a named lead\?"))


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_a_pack_is_drafted_tried_and_published_by_two_people(visitors: Visitors, looks: Looks, scripts: bool) -> None:
    seen = looks if scripts else None
    title = f"{TITLE} {'with' if scripts else 'without'} scripts"
    page = visitors.open(INSPECTOR, scripts=scripts)
    begin(page, seen, "From a plain example")
    press(page, "Begin the draft")
    expect(alert(page).first).to_contain_text("Say what the audit is called")
    page.get_by_label("What is the audit called?").fill(title)
    press(page, "Begin the draft")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    own = page.url
    if seen:
        seen.at(page, "a draft")
    add_question(page, seen)

    page.goto(own)
    page.get_by_label("Another file").select_option("judgements.yaml")
    press(page, "Write it")
    page.get_by_label("Text of the file").fill(RULES.replace("share_met", "share_of_met"))
    press(page, "Save")
    expect(page.locator("main")).to_contain_text("did you mean `share_met`?")
    if seen:
        seen.at(page, "a file with a mistake")
    page.get_by_label("Text of the file").fill(RULES)
    press(page, "Save")
    expect(page.locator("main")).to_contain_text("There are no mistakes in it")

    page.get_by_role("link", name=re.compile("^Try the rules")).click()
    page.get_by_label(re.compile(r"^1\.1 ")).select_option(label="Not in place")
    press(page, "See what comes out")
    expect(page.get_by_role("heading", name=re.compile("^Overall: Poor"))).to_be_visible()
    expect(page.locator("main")).to_contain_text("The teams come first.")
    if seen:
        seen.at(page, "what rules make of sample answers")
    page.get_by_text("Keep this as a worked example").click()
    page.get_by_label("Name", exact=True).fill("Teams that lack what they need")
    page.get_by_label("Source", exact=True).fill("Our own assumption.")
    press(page, "Keep it")
    page.goto(own)
    expect(page.locator("main")).to_contain_text("Its worked example comes out as it says")
    press(page, "Send for publication")
    if seen:
        seen.at(page, "sending a draft")
    press(page, "Send")
    expect(alert(page)).to_contain_text("Somebody else has to look at it")

    lead = visitors.open(LEAD, scripts=scripts)
    lead.goto(own)
    press(lead, "Look at it and decide")
    if seen:
        seen.at(lead, "deciding on a draft")
    lead.get_by_role("radio", name="Publish it").check()
    press(lead, "Confirm")
    expect(alert(lead)).to_contain_text("Version 1 is published")
    if seen:
        seen.at(lead, "a draft that is published")
    assert looks.wrong == []


def test_a_form_made_elsewhere_comes_in_with_what_was_left_out(
    visitors: Visitors, looks: Looks, tmp_path: Path
) -> None:
    page = visitors.open(INSPECTOR)
    begin(page, None, "From an XLSForm")
    path = tmp_path / "visits.xlsx"
    path.write_bytes(xlsform([["type", "name", "label"], ["select_one nothing", "what", "What?"]]))
    page.get_by_label("Key", exact=True).fill("visits")
    page.get_by_label("XLSForm", exact=True).set_input_files(path)
    press(page, "Begin the draft")
    expect(alert(page)).to_contain_text("survey!A2")
    looks.at(page, "a form that is refused")
    rows = [["type", "name", "label"], ["text", "what", "What was done?"], ["geopoint", "where", "Where?"]]
    path.write_bytes(xlsform(rows))
    page.get_by_label("XLSForm", exact=True).set_input_files(path)
    press(page, "Begin the draft")
    expect(page.get_by_role("heading", name="Left out, changed or assumed by the import")).to_be_visible()
    looks.at(page, "a draft that was imported")
    with page.expect_download() as download:
        press(page, "Download as a workbook (.xlsx)")
    press(page, "Upload a workbook in place of it")
    looks.at(page, "uploading a workbook")
    page.get_by_label("Workbook", exact=True).set_input_files(download.value.path())
    press(page, "Upload")
    expect(alert(page)).to_contain_text("The workbook is taken")
    assert looks.wrong == []
