"""With less than most have: without JavaScript, and without a mouse."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.service import PASSWORD
from tests.browser.steps import Answer, agency_page, alert, download, give, press, question, sign, text_box
from tests.browser.visitors import Visitors
from tests.pdf_gate import assert_pdf_ua


def test_without_javascript(visitors: Visitors, tmp_path: Path) -> None:
    """Signing in, answering a standard, signing and downloading the receipt need no script."""
    inspector = agency_page(
        visitors,
        "lead.police@inspectorate.example.org",
        "Calderwyn Metropolitan Police Force",
        scripts=False,
    )
    press(inspector, "Reopen it, with a reason")
    inspector.get_by_label("Why is it reopened?", exact=True).fill("You asked us to.")
    press(inspector, "Void the signature and reopen")
    expect(alert(inspector)).to_contain_text("open again")

    page = visitors.open("signatory.f03@agencies.example.org", scripts=False)
    expect(page.get_by_role("main")).to_contain_text("You asked us to.")
    press(page, "Response and protection")
    number = "1.1"
    # an unfinished answer is kept, and the page says what is still to do
    give(page, number, Answer("Not in place", "Not tested"))
    text_box(page, "Commentary", number).fill("")
    press(page, "Save this standard")
    expect(page.get_by_role("main")).to_contain_text("Still to do before signing")
    give(
        page,
        number,
        Answer("Partly in place", "Policy only", commentary="By hand.", expected=date(2003, 12, 1)),
    )
    press(page, "Save this standard")
    expect(page.get_by_role("main")).to_contain_text("1 answer saved")
    press(page, "Back to all standards")
    press(page, "Read and sign")
    content_hash = sign(page)
    expect(page.get_by_role("main")).to_contain_text(content_hash)
    press(page, "Download the receipt (PDF)")
    assert_pdf_ua(download(page, tmp_path))


def tab_to(page: Page, wanted: Locator) -> None:
    """Press the tabulator key until the focus is on something, as somebody without a mouse does."""
    page.wait_for_load_state()
    for _ in range(120):
        page.keyboard.press("Tab")
        if wanted.evaluate("(one) => one === document.activeElement"):
            return
    raise AssertionError(f"the keyboard does not reach {wanted}")


def test_by_keyboard_only(visitors: Visitors) -> None:
    """Sign in, open a standard, choose a grade with the arrow keys, save with Enter."""
    page = visitors.open()
    page.goto("/sign-in")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("E-mail address", exact=True))
    page.keyboard.type("audit.lead.c006@agencies.example.org")
    tab_to(page, page.get_by_label("Password", exact=True))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Standards", exact=True)).to_be_visible()
    tab_to(page, page.get_by_role("link", name="Organisation and management", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Organisation and management")
    grades = question(page, "6.1")
    tab_to(page, grades.get_by_role("radio").first)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(grades.get_by_role("radio", name="Not in place", exact=True)).to_be_checked()
    commentary = text_box(page, "Commentary", "6.1")
    tab_to(page, commentary)
    page.keyboard.type("Typed without a mouse.")
    page.keyboard.press("Shift+Tab")  # back to the choice before it: Enter in a text makes a new line
    page.keyboard.press("Enter")
    expect(alert(page)).to_contain_text("saved")
    expect(grades.get_by_role("radio", name="Not in place", exact=True)).to_be_checked()
    expect(commentary).to_have_value("Typed without a mouse.")
