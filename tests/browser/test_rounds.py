"""Oversight bodies at work: opening a round for thirty pasted agencies, reopening, nil returns, more time, areas."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from playwright.sync_api import Locator, Page, expect

from tests.browser.look import Looks
from tests.browser.steps import ROUND, Answer, agency_page, alert, fill_day, give, press, sign
from tests.browser.visitors import Visitors, heading

SECTION_11 = "Section 11 self-assessment, Northmere"
KINDS = ("Council", "NHS organisation", "Police force", "Primary school", "Secondary school", "Faith group")
WRONG = {
    3: ("Saltcombe Scouts, Bakery, leader@saltcombe.example", "no agency type"),
    11: ("Harbour School, Primary school, head at harbour", "no e-mail address"),
    19: ("Tolland School, Secondary school", "e-mail address is missing"),
    30: ("Agency 01 of Northmere, NHS organisation, other@agency01.example", "repeats the agency of line 1"),
}


def thirty_lines() -> list[str]:
    """Thirty agencies as somebody pastes them: name, type, e-mail address of the signatory."""
    return [
        f"Agency {number:02} of Northmere, {KINDS[number % len(KINDS)]}, head@agency{number:02}.example"
        for number in range(1, 31)
    ]


def test_a_partnership_opens_a_section_11_round_for_thirty_pasted_agencies(
    visitors: Visitors, looks: Looks
) -> None:
    """Plan, paste with mistakes, mend, preview, open, invite; and one who was invited answers."""
    page = visitors.open("lead.partnership@partnership.example.org")
    press(page, "Open a new round")
    press(page, "Prepare the round")
    expect(alert(page)).to_contain_text("There is a problem")
    looks.at(page, "planning a round, with errors")
    page.get_by_role("radio", name="Safeguarding children self-assessment 2024", exact=True).check()
    page.get_by_label("What is the round called?", exact=True).fill(SECTION_11)
    press(page, "Prepare the round")
    expect(page.get_by_role("heading", level=1)).to_have_text(SECTION_11)
    looks.at(page, "a round that is being prepared")

    paste(page, looks)
    page.get_by_role("navigation").get_by_role("link", name=SECTION_11).click()
    press(page, "See what agencies will see")
    press(page, "Primary schools")
    expect(page.get_by_role("main")).to_contain_text("Embedded")
    page.get_by_role("navigation").get_by_role("link", name=SECTION_11).click()
    press(page, "Open the round")
    expect(page.get_by_role("heading", level=1)).to_have_text("Open this round?")
    expect(page.get_by_role("main")).to_contain_text("30 agencies will be asked")
    looks.at(page, "opening a round")
    press(page, "Open the round")
    expect(alert(page)).to_contain_text("The round is open")
    press(page, "Invitations")
    link = page.get_by_label("Link for head@agency04.example").input_value()
    take_the_invitation_up(visitors, looks, link)
    page.reload()
    expect(page.get_by_role("row").filter(has_text="head@agency04.example")).to_contain_text("Joined")


def paste(page: Page, looks: Looks) -> None:
    """Paste thirty lines, four of them wrong, mend those, and add the agencies."""
    press(page, "Agencies")
    lines = thirty_lines()
    pasted = [WRONG[number][0] if number in WRONG else line for number, line in enumerate(lines, start=1)]
    box = page.get_by_label("Agencies, one on each line", exact=True)
    box.fill("\n".join(pasted))
    page.get_by_role("button", name="Check these lines").first.click()
    expect(alert(page)).to_contain_text("4 things must be mended")
    table = page.get_by_role("table", name="What must be mended")
    expect(table.get_by_role("row")).to_have_count(1 + len(WRONG))
    for number, (line, message) in WRONG.items():
        row = table.get_by_role("row").filter(has=page.get_by_role("rowheader", name=str(number), exact=True))
        expect(row).to_contain_text(line)
        expect(row).to_contain_text(message)
    expect(box).to_have_value("\n".join(pasted))
    looks.at(page, "agencies, with mistakes on some lines")
    box.fill("\n".join(lines))
    page.get_by_role("button", name="Check these lines").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Add 30 agencies to this round?")
    looks.at(page, "agencies to be confirmed")
    press(page, "Add 30 agencies")
    expect(alert(page)).to_contain_text("30 agencies are added")


def take_the_invitation_up(visitors: Visitors, looks: Looks, link: str) -> None:
    """An invited signatory sets a password, lands on their task list, and saves one answer."""
    page = visitors.open()
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Welcome")
    expect(page.get_by_role("main")).to_contain_text("Agency 04 of Northmere")
    press(page, "Set password and sign in")
    expect(alert(page)).to_contain_text("Choose a password")
    looks.at(page, "taking an invitation up, with an error")
    for label in ("Choose a password", "The same password again"):
        page.get_by_label(label, exact=True).fill("kettles on a windy quay")
    press(page, "Set password and sign in")
    expect(page.get_by_role("heading", level=1)).to_have_text(SECTION_11)
    expect(page.get_by_text("Agency 04 of Northmere").first).to_be_visible()
    looks.at(page, "task list of somebody new")
    press(page, re.compile("^Start: "))
    give(
        page,
        "1.1",
        Answer("Developing", "Policy on paper", commentary="We began.", expected=date(2003, 12, 1)),
    )
    press(page, "Save this answer (question 1.1)")
    expect(page.get_by_role("status").filter(has_text="Saved on")).to_be_visible()
    looks.at(page, "a standard with one answer just saved")
    page.goto("/")
    expect(page.get_by_text("1 of ").first).to_be_visible()
    # an invitation works once
    again = visitors.open()
    again.goto(link)
    assert heading(again) == "This invitation cannot be used"


def test_reopening_voids_the_signature_until_it_is_signed_anew(visitors: Visitors, looks: Looks) -> None:
    """It needs a reason; the agency reads it; what was signed is kept. Who writes too late keeps their words."""
    page = agency_page(visitors, "lead.police@inspectorate.example.org", "Harrowmarch Constabulary")
    press(page, "Reopen it, with a reason")
    press(page, "Void the signature and reopen")
    expect(alert(page)).to_contain_text("Say why this audit is reopened")
    looks.at(page, "reopening, without a reason")
    reason = "Two answers contradict the figures of your own custody records."
    page.get_by_label("Why is it reopened?", exact=True).fill(reason)
    press(page, "Void the signature and reopen")
    expect(alert(page)).to_contain_text("open again")
    expect(page.get_by_text("Signature voided", exact=True)).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(reason)
    looks.at(page, "an agency whose audit was reopened")
    press(page, re.compile("^Read this submission"))
    expect(page.get_by_role("region", name="Set aside")).to_contain_text(reason)
    expect(page.get_by_role("main")).to_contain_text("The declaration, as signed")
    looks.at(page, "a voided submission")

    signatory = visitors.open("signatory.f02@agencies.example.org")
    expect(signatory.get_by_role("main")).to_contain_text("This audit was reopened on")
    expect(signatory.get_by_role("main")).to_contain_text(reason)
    expect(signatory.get_by_text("In progress", exact=True).first).to_be_visible()
    press(signatory, "History")
    expect(signatory.get_by_role("main")).to_contain_text(f"Reason: {reason}")
    expect(signatory.get_by_role("main")).to_contain_text("Signed and submitted (submission 1)")

    # signed anew while a colleague is still writing
    lead = visitors.open("audit.lead.f02@agencies.example.org")
    press(lead, "Response and protection")
    answer = Answer("Not in place", "Policy only", commentary="In time.", expected=date(2003, 9, 1))
    give(lead, "1.1", answer)
    expect(lead.get_by_role("main")).to_contain_text("Everything is saved.")
    signatory.goto("/")
    press(signatory, "Read and sign")
    refuse_to_sign_blindly(signatory)
    looks.at(signatory, "signing, with errors")
    sign(signatory)
    looks.at(signatory, "receipt")
    expect(signatory.get_by_role("link", name=re.compile("^Earlier submission 1"))).to_be_visible()
    give(lead, "1.1", replace(answer, commentary="Too late."))
    press(lead, "Save this standard")
    expect(lead.get_by_role("heading", level=1)).to_have_text("Your answers were not saved")
    expect(lead.get_by_role("textbox", name=re.compile(r"^1\.1 "))).to_have_value(re.compile("Too late."))
    # the script may have tried to save it too, and was refused
    visitors.trouble[:] = [one for one in visitors.trouble if "/answers" not in one]
    looks.at(lead, "answers that came too late")
    press(lead, "Go back to this standard as it is stored")
    looks.at(lead, "a standard that was signed")


def refuse_to_sign_blindly(page: Page) -> None:
    """There is no signature without the tick and the right password."""
    press(page, "Sign and submit")
    expect(alert(page).get_by_role("link")).to_have_count(2)
    page.get_by_role("checkbox", name=re.compile("I make this declaration")).check()
    page.get_by_label("Your password", exact=True).fill("not my password")
    press(page, "Sign and submit")
    expect(alert(page)).to_contain_text("Nothing was signed")


def test_a_nil_return_is_recorded_with_its_reason_and_taken_back(visitors: Visitors, looks: Looks) -> None:
    """The ledger names the reason; afterwards the agency is asked again."""
    agency = "Harrowmarch Mental Health NHS Trust"
    page = agency_page(visitors, "inspector.health@inspectorate.example.org", agency)
    press(page, "Record a nil return, with the reason")
    looks.at(page, "recording a nil return")
    reason = "It merged with its neighbour on 1 April."
    page.get_by_label("What is the reason?", exact=True).fill(reason)
    press(page, "Record the nil return")
    expect(alert(page)).to_contain_text("nil return")
    press(page, "Response ledger")
    page.get_by_label("State", exact=True).select_option(label="Nil return")
    press(page, "Show")
    expect(page.get_by_role("row").filter(has_text=agency)).to_contain_text(reason)
    press(page, agency)
    press(page, "Take the nil return back: the agency answers after all")
    expect(alert(page)).to_contain_text("asked to answer again")
    expect(page.get_by_text("Not started", exact=True)).to_be_visible()


def test_an_agency_gets_more_time(visitors: Visitors, looks: Looks) -> None:
    """A day in the past is refused; a later day shows on the agency's own page."""
    page = agency_page(
        visitors, "inspector.social@inspectorate.example.org", "Ambrickbourne Metropolitan Borough Council"
    )
    press(page, "Give more time")
    which = page.get_by_role("group", name="Until which day?")
    fill_day(which, date(2003, 5, 1))
    press(page, "Give more time")
    expect(alert(page)).to_contain_text("There is a problem")
    expect(which.get_by_label("Year", exact=True)).to_have_value("2003")
    looks.at(page, "more time, with an error")
    fill_day(which, date(2003, 7, 4))
    press(page, "Give more time")
    expect(alert(page)).to_contain_text("until 4 July 2003")
    lead = visitors.open("audit.lead.c006@agencies.example.org")
    expect(lead.get_by_role("main")).to_contain_text("due 4 July 2003")


def test_an_area_coordinator_sees_stages_and_released_submissions(visitors: Visitors) -> None:
    """Every agency of the area with its stage; what is submitted can be read, and a draft cannot."""
    page = visitors.open("coordinator@northmere.example.org")

    here = page.get_by_role("table", name=f"Agencies of this area in “{ROUND}”", exact=True)

    def row(agency: str) -> Locator:
        return here.get_by_role("row").filter(has=page.get_by_role("rowheader", name=agency, exact=True))

    expect(row("Northmere Ambulance Service NHS Trust")).to_contain_text("Nil return")
    drafts = here.get_by_role("row").filter(has_text="In progress")
    assert drafts.count(), "this area has agencies that are still at it"
    expect(drafts.get_by_role("link")).to_have_count(0)
    submitted = row("South Northmere County Council")
    expect(submitted).to_contain_text("Submitted")
    submitted.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("South Northmere County Council")
    expect(page.get_by_role("main")).to_contain_text("The declaration, as signed")
    assert not page.get_by_role("button", name=re.compile("Reopen")).count()
