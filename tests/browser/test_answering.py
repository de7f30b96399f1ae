"""Agencies at work: answering, two people at once, signing, the receipt, the PDF."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.browser.look import too_wide
from tests.browser.steps import (
    ANSWERS,
    HASH,
    ROUND,
    Answer,
    alert,
    download,
    finish,
    give,
    press,
    question,
    sign,
    text_box,
)
from tests.browser.visitors import Visitors
from tests.pdf_gate import assert_pdf_ua


@pytest.mark.parametrize(
    ("email", "agency"),
    [
        ("chief.executive@council.example.org", "Northmere County Council"),
        ("chief.executive@hospital.example.org", "Dellowstead General Hospital NHS Trust"),
        ("chief.constable@police.example.org", "Northmere Constabulary"),
    ],
    ids=["council", "hospital", "police"],
)
def test_a_signatory_completes_signs_and_downloads(
    visitors: Visitors, tmp_path: Path, email: str, agency: str
) -> None:
    """From the task list to the PDF of the signed audit; then nothing can be changed any more."""
    page = visitors.open(email)
    tasks = page.url
    expect(page.get_by_text(agency).first).to_be_visible()
    finish(page)

    # second thoughts about one answer, from the page that shows them all
    press(page, "Change the answer to question 1.1")
    view = f"As {email} sees it."
    give(page, "1.1", Answer("Not in place", "Not tested", commentary=view, expected=date(2003, 12, 1)))
    press(page, "Save this answer (question 1.1)")
    expect(page.get_by_role("status").filter(has_text="Saved on")).to_be_visible()

    page.goto(tasks)
    standards = (
        page.get_by_role("list").filter(has=page.get_by_text(re.compile(r"\d+ of \d+ finished"))).first
    )
    addresses = standards.get_by_role("link").evaluate_all("links => links.map((link) => link.href)")
    press(page, "Check the answers")
    expect(page.get_by_text("Every required question is finished.")).to_be_visible()
    press(page, "Go on to signing")
    expect(page.get_by_text(view).first).to_be_visible()  # and again in what changed since the last round
    content_hash = sign(page)

    shown = page.get_by_role("term").filter(has_text="Content hash").locator("xpath=..")
    expect(shown).to_contain_text(content_hash)
    press(page, "Download the whole audit (PDF)")
    progress = page.url
    # while it is being made
    nothing_can_be_changed(page, [*addresses[:2], tasks])
    expect(page.get_by_text("Submitted", exact=True).first).to_be_visible()
    page.goto(progress)
    path = download(page, tmp_path)
    assert_pdf_ua(path)
    text = "".join(leaf.extract_text() for leaf in PdfReader(path).pages)
    assert agency in " ".join(text.split())
    assert content_hash in "".join(text.split())


def nothing_can_be_changed(page: Page, addresses: list[str]) -> None:
    """The pages show answers and no field or button to change them with."""
    for address in addresses:
        page.goto(address)
        main = page.get_by_role("main")
        expect(main.get_by_role("heading", level=1)).to_be_visible()
        for role in ("radio", "textbox", "checkbox", "combobox"):
            assert not main.get_by_role(role).count(), f"{address} has a {role}"  # type: ignore[arg-type]
        assert not main.get_by_role("button", name=re.compile("save|vouch|sign", re.IGNORECASE)).count(), (
            address
        )


def versions_of(page: Page, number: str) -> str:
    """All that the page of earlier versions of an answer says, from the page of its standard."""
    page.get_by_role(
        "link", name=re.compile(rf"versions? of the answer to question {re.escape(number)}$")
    ).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"question {number}")
    page.wait_for_load_state()
    words = page.get_by_role("main").inner_text()
    page.go_back()
    return words


def test_two_people_in_one_section_lose_nothing(visitors: Visitors) -> None:
    """Without a script: both texts are shown; keeping, taking and putting together all work, and nothing goes."""
    numbers = ("1.1", "1.2", "1.3")
    lead, signatory = (
        visitors.open(f"{who}.c007@agencies.example.org", scripts=False) for who in ("audit.lead", "signatory")
    )
    for person in (lead, signatory):
        person.get_by_role("link", name="Referral").first.click()
    for person, name in ((lead, "lead"), (signatory, "signatory")):
        for number in numbers:
            words = f"What the {name} wrote on {number}."
            give(
                person,
                number,
                Answer("Partly in place", "Policy only", commentary=words, expected=date(2003, 11, 3)),
            )
    give(lead, "1.4", ANSWERS[0])  # a question that only one of them touches is no conflict
    press(signatory, "Save this standard")
    expect(alert(signatory)).to_contain_text("3 answers saved")
    press(lead, "Save this standard")

    expect(lead.get_by_role("heading", level=1)).to_have_text("Somebody else changed this too")
    expect(lead.get_by_role("main")).to_contain_text("1 answer saved")
    said = lead.get_by_role("main").inner_text()
    for number in numbers:
        assert f"What the lead wrote on {number}." in said
        assert f"What the signatory wrote on {number}." in said
    assert not too_wide(lead)

    def choose(number: str, choice: str) -> None:
        which = lead.get_by_role(
            "group", name=re.compile(rf"^Which should stand\? \(question {re.escape(number)}\)")
        )
        which.get_by_role("radio", name=re.compile(f"^{choice}")).check()

    choose("1.1", "Keep mine")
    choose("1.2", "Take theirs")
    choose("1.3", "Put the two together")
    lead.get_by_text(re.compile(r"The form, filled with yours and with both texts.*1\.3")).click()
    both = text_box(lead, "Commentary", "1.3")
    together = both.input_value()
    assert "What the lead wrote on 1.3." in together and "What the signatory wrote on 1.3." in together
    both.fill("The two of us agree.")
    press(lead, "Save")
    expect(lead.get_by_role("heading", level=1)).to_have_text("Referral")
    settled = ("What the lead wrote on 1.1.", "What the signatory wrote on 1.2.", "The two of us agree.")
    for number, words in zip(numbers, settled, strict=True):
        expect(text_box(lead, "Commentary", number)).to_have_value(words)
    expect(question(lead, "1.4").get_by_role("radio", name="Fully in place", exact=True)).to_be_checked()

    # whoever looks later finds what either of them wrote, where it ever stood
    first, second, third = (versions_of(lead, number) for number in numbers)
    assert "What the lead wrote on 1.1." in first and "What the signatory wrote on 1.1." in first
    assert "What the signatory wrote on 1.2." in second  # the lead gave theirs up for it, as the form said
    assert "The two of us agree." in third and "What the signatory wrote on 1.3." in third


def test_a_receipt_matches_the_signed_content(visitors: Visitors) -> None:
    """Anybody can check the hash: the signed content can be downloaded, and its SHA-256 is the one shown."""
    page = visitors.open("coordinator@northmere.example.org")
    newest = page.get_by_role("table", name=re.compile(re.escape(ROUND)))
    newest.get_by_role("link", name="Read South Northmere County Council", exact=True).click()
    shown = HASH.findall(
        page.get_by_role("region", name=re.compile("declaration", re.IGNORECASE)).inner_text()
    )
    with page.expect_download() as coming:
        press(page, "Signed content (JSON)")
    assert hashlib.sha256(coming.value.path().read_bytes()).hexdigest() == shown[0]
