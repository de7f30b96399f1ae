"""Mail as people meet it: invited by one, a forgotten password, what to receive, what was refused."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.look import Looks
from tests.browser.service import Service, sending
from tests.browser.steps import alert, press
from tests.browser.test_plain import tab_to
from tests.browser.visitors import Visitors, sign_in
from tests.jobs.test_mail import Letters, mail_server, parsed

ADMINISTRATOR = "ada@elm.example"
FIRST, SECOND = "four small words together", "five other words put together"


@pytest.fixture(scope="module")
def letters() -> Letters:
    """What the mail server takes."""
    return Letters(recipient={"nobody@elm.example": "550 there is nobody of that name"})


@pytest.fixture(scope="module")
def mailing(chromium: Browser, letters: Letters, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that sends mail, with an administrator who is invited."""
    home: Path = tmp_path_factory.mktemp("mailing")
    ada = ["people", "add", ADMINISTRATOR, "--name", "Ada Field", "--role", "administrator"]
    with mail_server(letters) as address, sending(home, address, before=[ada]) as service:
        yield service


@pytest.fixture
def readers(chromium: Browser, mailing: Service) -> Iterator[Visitors]:
    """Browsers for its people."""
    visitors = Visitors(chromium, mailing)
    yield visitors
    visitors.leave()
    assert not visitors.trouble, "\n".join([*visitors.trouble, f"The service says why in {mailing.log}"])


def link_from(letters: Letters, subject: str) -> str:
    """The link in the last mail with this subject; waits until there is one."""
    for _ in range(1200):
        found = [one for one in map(parsed, list(letters.taken)) if one["Subject"] == subject]
        if found:
            link = re.search(r"^http://\S+", found[-1].get_content(), re.MULTILINE)
            assert link
            return link[0]
        time.sleep(0.1)
    raise AssertionError(f"no mail says {subject}")


def until_shown(page: Page, path: str, words: str) -> None:
    """Open a page again and again, until it says something: the server writes down later what became of a mail."""
    for _ in range(240):
        page.goto(path)
        if page.get_by_role("main").get_by_text(words).count():
            return
        time.sleep(0.5)
    raise AssertionError(f"{path} does not say {words}")


def choose_password(page: Page, password: str, label: str, button: str) -> None:
    """Type a password twice and send it, by keyboard alone."""
    tab_to(page, page.get_by_label(label, exact=True))
    page.keyboard.type(password)
    tab_to(page, page.locator("#again"))
    page.keyboard.type(password)
    tab_to(page, page.get_by_role("button", name=button, exact=True))
    page.keyboard.press("Enter")


def test_from_the_invitation_to_a_forgotten_password_and_back(
    readers: Visitors, letters: Letters, looks: Looks
) -> None:
    """By keyboard, every page and every error looked at; what was refused is seen and tried again."""
    page = readers.open()
    page.goto(link_from(letters, "You are invited to Candour"))
    choose_password(page, FIRST, "Choose a password", "Set password and sign in")
    expect(alert(page)).to_contain_text("you are signed in")
    press(page, "Sign out")

    press(page, "Forgotten your password?")
    looks.at(page, "a forgotten password")
    tab_to(page, page.get_by_label("E-mail address", exact=True))
    page.keyboard.type("ada")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Enter an e-mail address like name@agency.example.")).to_be_visible()
    looks.at(page, "a forgotten password, with an error")
    page.get_by_label("E-mail address", exact=True).fill(ADMINISTRATOR)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your e-mails")
    looks.at(page, "a link is on its way")

    link = link_from(letters, "Choose a new password")
    page.goto(link)
    looks.at(page, "a new password")
    choose_password(page, "short", "Your new password", "Set the new password")
    expect(page.get_by_role("link", name="Use at least 12 characters")).to_be_visible()
    looks.at(page, "a new password, with an error")

    plain = readers.open(scripts=False)
    plain.goto(link)
    plain.get_by_label("Your new password", exact=True).fill(SECOND)
    plain.get_by_label("The new password again", exact=True).fill(SECOND)
    press(plain, "Set the new password")
    expect(plain.get_by_role("main")).to_contain_text("Your new password is set")
    plain.get_by_label("Password", exact=True).fill(SECOND)
    press(plain, "Sign in")
    expect(plain.get_by_role("button", name="Sign out")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("main")).to_contain_text("each link works once")
    looks.at(page, "a link that cannot be used")
    link_from(letters, "Your password was changed")

    sign_in(page, ADMINISTRATOR, SECOND)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.goto("/admin/people/new")
    page.get_by_label("E-mail", exact=True).fill("nobody@elm.example")
    page.get_by_label("Name", exact=True).fill("No Body")
    page.get_by_label("Role", exact=True).select_option("administrator")
    press(page, "Appoint")
    until_shown(page, "/admin/mail?state=failed", "there is nobody of that name")
    looks.at(page, "the outbox with something refused")
    press(page, "You are invited to Candour")
    expect(page.get_by_role("main")).to_contain_text("550 there is nobody of that name")
    looks.at(page, "a message that was refused")
    letters.recipient.clear()
    press(page, "Try again now")
    expect(alert(page)).to_contain_text("is tried again now")
    until_shown(page, "/admin/mail?state=sent&q=nobody", "nobody@elm.example")
    assert any(one.rcpt_tos == ["nobody@elm.example"] for one in list(letters.taken))


def test_what_to_receive_is_chosen_by_keyboard(visitors: Visitors, looks: Looks) -> None:
    page = visitors.open("contributor@council.example.org")
    press(page, "Your e-mails")
    nudge = page.get_by_label("A nudge from the audit lead", exact=True)
    expect(nudge).to_be_checked()
    tab_to(page, nudge)
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Save", exact=True))
    page.keyboard.press("Enter")
    expect(alert(page)).to_contain_text("Your choice is saved")
    expect(nudge).not_to_be_checked()
    looks.at(page, "what to receive, saved")
