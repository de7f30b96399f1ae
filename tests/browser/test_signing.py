"""Declining to sign, being asked again, and signing; the signatory does all of it without JavaScript."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.look import Looks
from tests.browser.steps import alert, press, sign
from tests.browser.visitors import Visitors

REASON = "Nobody has told me how 1.1 was found out. Please say."


def test_the_signatory_declines_once_and_then_signs(visitors: Visitors, looks: Looks) -> None:
    """The reason reaches the lead, who asks again; the history has every step."""
    signatory = visitors.open("signatory.c003@agencies.example.org", scripts=False)
    press(signatory, "Read and sign")
    expect(signatory.get_by_role("main")).to_contain_text("What you take responsibility for")
    press(signatory, "Decline to sign for now")
    press(signatory, "Decline to sign for now")
    expect(alert(signatory)).to_contain_text("Say why you do not sign")
    signatory.get_by_label("Why do you not sign?", exact=True).fill(REASON)
    press(signatory, "Decline to sign for now")
    expect(alert(signatory)).to_contain_text("You declined to sign for now")

    lead = visitors.open("audit.lead.c003@agencies.example.org")
    expect(lead.get_by_role("region", name="Not signed yet")).to_contain_text(REASON)
    looks.at(lead, "task list after declining")
    press(lead, "Ask for the signature again")
    expect(alert(lead)).to_contain_text("asked again")
    expect(lead.get_by_role("main")).not_to_contain_text(REASON)
    press(lead, "See what will be signed")
    looks.at(lead, "what will be signed")

    watching = visitors.open("signatory.c003@agencies.example.org")
    press(watching, "Read and sign")
    looks.at(watching, "page to sign")
    press(watching, "Decline to sign for now")
    press(watching, "Decline to sign for now")
    expect(alert(watching)).to_contain_text("Say why you do not sign")
    looks.at(watching, "declining without a reason")

    signatory.reload()
    press(signatory, "Read and sign")
    signatory.get_by_text("Why it was not signed before").click()
    expect(signatory.get_by_text(REASON)).to_be_visible()
    sign(signatory)
    press(lead, "Tamselden Borough Council")
    press(lead, "History")
    for words in ("Declined to sign for now", "Asked for the signature again.", "Signed and submitted"):
        expect(lead.get_by_role("main")).to_contain_text(words)


def test_the_board_comments_and_the_signatory_reads_it(visitors: Visitors, looks: Looks) -> None:
    """A member of the board, invited by the lead, cannot change an answer, and comments on a standard."""
    administrator = visitors.open("administrator@candour.example.org")
    press(administrator, "Settings")
    administrator.get_by_role("radio", name="On", exact=True).check()
    press(administrator, "Save")
    lead = visitors.open("audit.lead.c006@agencies.example.org")
    press(lead, "People of your agency")
    press(lead, "Invite a colleague")
    email = "board.c006@agencies.example.org"
    lead.get_by_label("Name", exact=True).fill("Ines Carrow")
    lead.get_by_label("E-mail address", exact=True).fill(email)
    lead.get_by_role("radio", name="Board reader", exact=True).check()
    press(lead, "Invite")
    link = lead.get_by_label(f"Link for {email}").input_value()

    board = visitors.open()
    board.goto(link)
    press(board, "Sign in")
    press(board, "Comments of the board")
    looks.at(board, "comments of the board")
    press(board, "Add the comment")
    expect(alert(board)).to_contain_text("Write your comment")
    looks.at(board, "a comment without words")
    board.get_by_label("What is it about?", exact=True).select_option(index=1)
    board.get_by_label("Your comment", exact=True).fill("Who has checked this?")
    press(board, "Add the comment")
    expect(board.get_by_role("main")).to_contain_text("Who has checked this?")
    looks.at(board, "a comment of the board")
    signatory = visitors.open("signatory.c006@agencies.example.org")
    press(signatory, "Comments of the board")
    expect(signatory.get_by_role("main")).to_contain_text("Who has checked this?")
