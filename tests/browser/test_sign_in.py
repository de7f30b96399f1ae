"""Signing in and out: everybody whom the demonstration shows lands on their work; guessing is slowed down."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Response, expect

from tests.browser.look import Looks
from tests.browser.service import PASSWORD
from tests.browser.steps import ROUND
from tests.browser.visitors import Visitors, heading, sign_in

LANDS_ON = {
    "Accountable signatory": ROUND,
    "Audit lead": ROUND,
    "Contributor": ROUND,
    "Board reader": ROUND,
    "Inspector": "Audit rounds",
    "Lead inspector": "Audit rounds",
    "Peer reviewer": "Your work",
    "Area coordinator": "Northmere Area Child Protection Committee",
    "Administrator": "Administration",
}


def accounts(page: Page) -> list[tuple[str, str]]:
    """The accounts that the sign-in page of a demonstration shows: role, e-mail address."""
    rows = page.get_by_role("table", name="Accounts of this demonstration").get_by_role("row")
    found = rows.evaluate_all(
        "rows => rows.slice(1).map((row) => [row.querySelector('th').innerText, row.querySelector('a').innerText])"
    )
    return [(role.strip(), email.strip()) for role, email in found]


def lands_on(page: Page, work: str) -> None:
    """Their work, or the list that it is in for those whom another test has given more."""
    expect(page.get_by_role("heading", level=1)).to_have_text(
        re.compile(f"^({re.escape(work)}|Your work)$" if work == ROUND else f"^{re.escape(work)}$")
    )
    if heading(page) != work:
        expect(page.get_by_role("link", name=ROUND)).to_be_visible()


def test_every_role_of_the_demonstration_leads_to_its_work(visitors: Visitors) -> None:
    """One of each role signs in with the password shown, sees their work and no error, and signs out."""
    page = visitors.open()
    refused: list[str] = []

    def note(response: Response) -> None:
        if response.status >= 400:
            refused.append(f"{response.status} {response.url}")

    page.on("response", note)
    expect(page.get_by_text(PASSWORD)).to_be_visible()
    first = dict(reversed(accounts(page)))
    assert set(first) == set(LANDS_ON)
    for role, email in first.items():
        # as a visitor of the demonstration does: choose the address, type the password
        page.get_by_role("link", name=email).click()
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        lands_on(page, LANDS_ON[role])
        if "nspector" in role:
            expect(page.get_by_role("link", name=ROUND)).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.goto("/rounds")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert not refused


def test_a_wrong_password_is_refused_and_guessing_is_slowed_down(visitors: Visitors, looks: Looks) -> None:
    """The message does not say which of the two was wrong; after a few tries it says how many seconds to wait."""
    page = visitors.open()
    waiting = page.get_by_role("alert").get_by_text(re.compile(r"too many tries.*\d+ seconds", re.IGNORECASE))
    wrong = page.get_by_role("alert").get_by_text("The e-mail address or the password is not right")
    tries = 0
    while not waiting.count():
        sign_in(page, "somebody.who.guesses@example.org", "not the right password")
        expect(wrong.or_(waiting)).to_be_visible()
        expect(page.get_by_label("E-mail address", exact=True)).to_have_value(
            "somebody.who.guesses@example.org"
        )
        tries += 1
        assert tries < 12, "nothing slows guessing down"
    assert tries > 5, "the first few tries cost no delay"
    looks.at(page, "sign-in page with an error")
    # others are not shut out meanwhile
    sign_in(page, "board.reader@council.example.org")
    lands_on(page, ROUND)
