"""The action plan in a browser: planned, edited by two people, signed, and reported on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.look import Looks
from tests.browser.steps import agency_page, alert, download, fill_day, press, sign
from tests.browser.visitors import Visitors
from tests.pdf_gate import assert_pdf_ua

AGENCY = "Tarrowstead Primary Care Trust"


def test_a_plan_from_the_first_gap_to_progress(visitors: Visitors, looks: Looks, tmp_path: Path) -> None:
    """An audit lead plans and, without JavaScript, the signatory edits and signs; the inspector reads the progress."""
    inspector = agency_page(visitors, "lead.health@inspectorate.example.org", AGENCY)
    press(inspector, "Reopen it, with a reason")
    inspector.get_by_label("Why is it reopened?", exact=True).fill("Please plan what you will do.")
    press(inspector, "Void the signature and reopen")

    lead = visitors.open("audit.lead.h014@agencies.example.org")
    press(lead, "Action plan")
    expect(lead.get_by_role("heading", level=1)).to_have_text("Action plan")
    looks.at(lead, "a plan without an action")
    lead.get_by_role("link", name="Plan an action").first.click()
    press(lead, "Save")
    expect(alert(lead)).to_contain_text("Say what will be done")
    looks.at(lead, "planning an action, with an error")
    lead.get_by_label("What will be done?", exact=True).fill("Train all reception staff")
    lead.get_by_label("Who owns it?", exact=True).fill("Head of training")
    fill_day(lead.get_by_role("group", name="By when?"), date(2009, 1, 31))
    press(lead, "Save")
    expect(lead.get_by_role("main")).to_contain_text("The action is planned.")
    expect(lead.get_by_role("main")).to_contain_text("Head of training, by 31 January 2009")
    looks.at(lead, "a plan with an action and a warning")
    for order in ("Owner", "Date"):
        lead.get_by_label("In order of", exact=True).select_option(order)
        press(lead, "Show")
        expect(lead.get_by_role("main")).to_contain_text("Train all reception staff")
        looks.at(lead, f"a plan in order of {order}")

    signatory = visitors.open("signatory.h014@agencies.example.org", scripts=False)
    plan = lead.url
    for page in (lead, signatory):
        page.goto(plan)
        page.get_by_role("link", name="Change the action").click()
    for page, words in ((lead, "What the lead wrote"), (signatory, "What the signatory wrote")):
        page.get_by_label("What will be done?", exact=True).fill(words)
        press(page, "Save")
    expect(signatory.get_by_role("heading", level=1)).to_have_text("A colleague changed this action too")
    for words in ("What the lead wrote", "What the signatory wrote"):
        expect(signatory.get_by_role("main")).to_contain_text(words)
    lead.get_by_role("link", name="Change the action").click()
    press(signatory, "Save")
    expect(signatory.get_by_role("main")).to_contain_text("The action is saved.")
    lead.get_by_label("What will be done?", exact=True).fill("What the lead wrote afterwards")
    press(lead, "Save")
    expect(lead.get_by_role("heading", level=1)).to_have_text("A colleague changed this action too")
    looks.at(lead, "an action that two people changed")
    signatory.get_by_role("link", name="Remove the action").click()
    lead.goto(signatory.url)
    looks.at(lead, "removing an action")
    press(signatory, "Keep it")

    press(signatory, AGENCY)
    press(signatory, "Read and sign")
    sign(signatory)
    press(signatory, "Read what was signed, answer by answer")
    expect(signatory.get_by_role("main")).to_contain_text("What the signatory wrote")
    lead.goto(signatory.url)
    looks.at(lead, "a submission with a planned action")
    press(signatory, "Action plan, and progress since")
    signatory.get_by_role("link", name="Report progress").click()
    press(signatory, "Record the progress")
    expect(alert(signatory)).to_contain_text("Say what is new")
    lead.goto(signatory.url)
    press(lead, "Record the progress")
    looks.at(lead, "reporting progress, with an error")
    signatory.get_by_role("radio", name="Under way", exact=True).check()
    signatory.get_by_label("Note", exact=True).fill("Two of four teams are trained.")
    press(signatory, "Record the progress")
    expect(alert(signatory)).to_contain_text("The progress is recorded")
    lead.goto(signatory.url)
    looks.at(lead, "an action with progress")

    inspector.goto(signatory.url)
    expect(inspector.get_by_role("main")).to_contain_text("Two of four teams are trained.")
    expect(inspector.get_by_role("button", name="Record the progress")).to_have_count(0)
    looks.at(inspector, "an action as an inspector reads it")
    press(inspector, "Action plan")
    press(inspector, "The plan (PDF)")
    assert_pdf_ua(download(inspector, tmp_path))
