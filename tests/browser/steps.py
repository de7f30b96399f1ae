"""What people do on the pages, by the words they see: answering, checking, signing, asking for a PDF."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.service import PASSWORD
from tests.browser.visitors import Visitors

REPORT = 300_000  # milliseconds; a joint report on a busy machine
ROUND = "Child protection self-audit 2003 (demonstration)"
HASH = re.compile(r"\b[0-9a-f]{64}\b")


@dataclass(frozen=True)
class Answer:
    """An answer as somebody would give it; what is None or empty is left alone."""

    grade: str
    basis: str = ""
    files: int | None = None
    looked_at: date | None = None
    commentary: str = ""
    expected: date | None = None
    reason: str = ""


# one of each kind that the checklists of 2003 know
ANSWERS = (
    Answer("Fully in place", "Case files looked at", files=24, looked_at=date(2003, 5, 20)),
    Answer(
        "Partly in place", "Policy only", commentary="Two of four teams do it.", expected=date(2003, 10, 31)
    ),
    Answer("Not in place", "Management information", commentary="It is planned.", expected=date(2004, 3, 31)),
    Answer("Not assured", "Not tested", commentary="Nobody could tell us.", expected=date(2003, 9, 30)),
    Answer("Not applicable", reason="We have no such service."),
)


def press(page: Page, name: str | re.Pattern[str]) -> None:
    """Press what has this name, be it a link, a button, or a link that looks like a button.

    Where that leads to another page, the whole page is there afterwards: what is counted on it counts.
    """
    link, button = (page.get_by_role(role, name=name, exact=True) for role in ("link", "button"))  # type: ignore[arg-type]
    link.or_(button).first.click()
    page.wait_for_load_state()


def alert(page: Page) -> Locator:
    """What a page says first: what was done, or what is wrong."""
    return page.get_by_role("alert")


def question(page: Page, number: str) -> Locator:
    """The grades of a question on the page of its standard."""
    return page.get_by_role("group", name=re.compile(rf"^{re.escape(number)}\s"))


def text_box(page: Page, label: str, number: str) -> Locator:
    """A text field of a question, such as its commentary."""
    return page.get_by_role("textbox", name=f"{label} (question {number})", exact=True)


def fill_day(group: Locator, day: date) -> None:
    """Fill the three fields of a day."""
    for label, value in (("Day", day.day), ("Month", day.month), ("Year", day.year)):
        group.get_by_label(label, exact=True).fill(str(value))


def give(page: Page, number: str, answer: Answer) -> None:
    """Fill the fields of one question on the page of its standard; nothing is saved yet."""
    question(page, number).get_by_role("radio", name=answer.grade, exact=True).check()
    if answer.basis:
        bases = page.get_by_role("group", name=f"How do you know? (question {number})", exact=True)
        bases.get_by_role("radio", name=re.compile(f"^{answer.basis}")).check()
    if answer.files is not None:
        text_box(page, "How many files", number).fill(str(answer.files))
    for label, day in (
        ("When they were looked at", answer.looked_at),
        ("By when do you expect it to be in place?", answer.expected),
    ):
        if day:
            fill_day(page.get_by_role("group", name=f"{label} (question {number})", exact=True), day)
    for label, words in (("Commentary", answer.commentary), ("Reason", answer.reason)):
        if words:
            text_box(page, label, number).fill(words)


def outstanding(page: Page) -> dict[str, list[str]]:
    """What the page “Check the answers” says is to finish: the address of a standard to numbers of questions."""
    if page.get_by_text("Every required question is finished.").count():
        return {}
    found: dict[str, list[str]] = {}
    links = page.get_by_role("listitem").get_by_role("link", name=re.compile(r"^\d+\.\d+\b"))
    for words, address in links.evaluate_all("links => links.map((link) => [link.innerText, link.href])"):
        number = re.match(r"[\d.]+", words)
        if number:
            found.setdefault(address.partition("#")[0], []).append(number.group())
    assert found, "the page does not say that all is finished, nor what is not"
    return found


def finish(page: Page) -> int:
    """Answer everything that is outstanding, standard by standard; returns how many answers that took.

    Starts on the task list and ends on the page that leads to signing.
    """
    given = 0
    for _ in range(4):  # an answer can bring questions up
        press(page, "All answers on one page")
        expect(page.get_by_role("heading", level=1)).to_have_text("Check the answers")
        left = outstanding(page)
        if not left:
            return given
        for address, numbers in left.items():
            page.goto(address)
            for number in numbers:
                give(page, number, ANSWERS[given % len(ANSWERS)])
                given += 1
            press(page, "Save this standard")
            expect(alert(page)).to_contain_text("saved")
        press(page, "Back to all standards")
    raise AssertionError(f"still outstanding: {outstanding(page)}")


def sign(page: Page, password: str = PASSWORD) -> str:
    """Make the declaration on the page for it; returns the content hash that stood there. Ends on the receipt."""
    expect(page.get_by_role("heading", level=1)).to_have_text("Read and sign")
    declared = HASH.search(page.get_by_role("region", name="Declaration").inner_text())
    assert declared, "the declaration shows no content hash"
    page.get_by_role("checkbox", name=re.compile("I make this declaration")).check()
    page.get_by_label("Your password", exact=True).fill(password)
    press(page, "Sign and submit")
    expect(page.get_by_role("heading", level=1)).to_have_text("Submitted")
    return declared.group()


def agency_page(visitors: Visitors, email: str, agency: str, *, scripts: bool = True) -> Page:
    """An inspector finds one agency of the demonstration's round through the response ledger."""
    page = visitors.open(email, scripts=scripts)
    press(page, ROUND)
    press(page, "Response ledger")
    page.get_by_label("Name or code", exact=True).fill(agency)
    press(page, "Show")
    press(page, agency)
    expect(page.get_by_role("heading", level=1)).to_have_text(agency)
    return page


def download(page: Page, folder: Path) -> Path:
    """Follow the progress page of a report to its end, and download the PDF."""
    ready = page.get_by_text("Download the PDF", exact=True)
    expect(ready).to_be_visible(timeout=REPORT)
    with page.expect_download() as coming:
        ready.click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path
