"""Nothing that is typed is lost: saving as one types, two at once, no network, no server, no session, no script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.look import Looks
from tests.browser.service import environment_of, free_port, served, set_up
from tests.browser.steps import alert, press, question, text_box
from tests.browser.test_plain import tab_to
from tests.browser.visitors import Visitors, sign_in

LEAD, SIGNATORY = "audit.lead.c007@agencies.example.org", "signatory.c007@agencies.example.org"
ALL_SAVED = "Everything is saved."


@pytest.fixture(autouse=True)
def refusals(visitors: Visitors) -> Iterator[None]:
    """These tests are about saves that are refused: that one was is no trouble."""
    yield
    visitors.trouble[:] = [one for one in visitors.trouble if "/answers" not in one]


def open_standard(page: Page, place: int) -> str:
    """Open a standard from the task list, by its place in it; returns its address."""
    standards = page.get_by_role("list").filter(has=page.get_by_text(re.compile(r"\d+ of \d+ finished"))).first
    standards.get_by_role("link").nth(place - 1).click()
    expect(question(page, f"{place}.1")).to_be_visible()
    return page.url.partition("#")[0]


def commentary(page: Page, number: str) -> Locator:
    """The commentary of a question."""
    return text_box(page, "Commentary", number)


def begin(page: Page, number: str, words: str) -> None:
    """Choose a grade that asks for a commentary, and type into it, instead of what stands there, without leaving it."""
    question(page, number).get_by_role("radio", name="Partly in place", exact=True).check()
    commentary(page, number).fill("")
    commentary(page, number).press_sequentially(words)


def state(page: Page) -> Locator:
    """The line at the foot of the page that says what is saved."""
    return page.locator("[data-save-state]")


@contextmanager
def hold(page: Page) -> Iterator[None]:
    """The saves that a page sends meanwhile, which reach the server only at the end."""
    held: list[Route] = []
    page.route("**/answers", lambda route: held.append(route))
    yield
    for route in held:
        route.continue_()
    page.unroute("**/answers")


def kept_here(page: Page) -> int:
    """How many answers this browser keeps."""
    return int(page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('candour-unsaved')).length"))


def test_answers_save_themselves(visitors: Visitors, looks: Looks) -> None:
    """Saving and saved are said beside the question and at the foot of the page; nothing is left in the browser."""
    page = visitors.open(LEAD)
    open_standard(page, 2)
    expect(state(page)).to_contain_text("Answers are saved as you type.")
    with page.expect_response("**/answers"):
        begin(page, "2.1", "Typed and never sent by hand")
    own = page.locator("[data-criterion]").first
    expect(state(page)).to_contain_text(ALL_SAVED)
    expect(own.get_by_text("Saved", exact=True)).to_be_visible()
    expect(own).to_contain_text("Last saved by")
    assert kept_here(page) == 0
    looks.at(page, "everything is saved")
    page.reload()
    expect(commentary(page, "2.1")).to_have_value("Typed and never sent by hand")

    # what cannot be read is said where it stands, and the rest of the answer waits with it
    when = page.get_by_role("group", name=re.compile(r"^By when .*question 2\.1\b(?!\d)"))
    day = when.get_by_label("Day", exact=True)
    for part in ("Month", "Year"):
        when.get_by_label(part, exact=True).fill("")
    day.fill("31")
    commentary(page, "2.1").focus()
    expect(state(page)).to_contain_text("Not saved: The date expected must have a month")
    expect(own.get_by_text("The date expected must have a month and a year")).not_to_have_count(0)
    looks.at(page, "not saved because of a mistake")
    day.fill("")
    commentary(page, "2.1").focus()
    expect(state(page)).to_contain_text(ALL_SAVED)
    press(page, "Save this standard")
    expect(alert(page)).to_contain_text("saved")


def test_two_people_in_one_question_see_both_texts(visitors: Visitors, looks: Looks) -> None:
    """Neither leaves the page; keeping, taking and putting together all leave every word to be read."""
    lead, signatory = visitors.open(LEAD), visitors.open(SIGNATORY)
    for person in (lead, signatory):
        open_standard(person, 3)
    numbers = ("3.1", "3.2", "3.3")
    for number in numbers:
        begin(signatory, number, f"The signatory on {number}.")
    expect(state(signatory)).to_contain_text(ALL_SAVED)
    for number, choice in zip(numbers, ("Keep mine", "Take theirs", "Put the two together"), strict=True):
        begin(lead, number, f"The lead on {number}.")
        dispute = lead.get_by_role("group", name=re.compile(rf"^A colleague has changed this answer too.*{number}"))
        expect(dispute).to_contain_text(f"The lead on {number}.")
        expect(dispute).to_contain_text(f"The signatory on {number}.")
        expect(state(lead)).to_contain_text("Both texts are here")
        if choice == "Keep mine":
            looks.at(lead, "a conflict on the page")
            press(lead, "Save this standard")  # leads to the choice, not away from it
            expect(dispute).to_be_focused()
        tab_to(lead, dispute.get_by_role("button", name=choice))
        lead.keyboard.press("Enter")
        expect(dispute).to_be_hidden()
        expect(state(lead)).to_contain_text(ALL_SAVED)
    both = "The lead on 3.3.\n\nThe signatory on 3.3."
    for number, words in zip(numbers, ("The lead on 3.1.", "The signatory on 3.2.", both), strict=True):
        expect(commentary(lead, number)).to_have_value(words)
    lead.reload()
    expect(commentary(lead, "3.3")).to_have_value(both)
    lead.get_by_role("link", name=re.compile(r"of the answer to question 3\.2$")).click()
    main = lead.get_by_role("main")
    expect(main).to_contain_text("The lead on 3.2.")
    expect(main).to_contain_text("An earlier version, restored")
    looks.at(lead, "the versions of an answer")
    press(lead, "Restore version 2")
    looks.at(lead, "restoring a version")
    press(lead, "Restore version 2")
    expect(alert(lead)).to_contain_text("Version 2 stands again")


def test_a_choice_stands_against_what_was_sent_before_it(visitors: Visitors) -> None:
    """Words typed under a conflict are on their way, and slow: what comes back does not ask again what was chosen."""
    lead, signatory = visitors.open(LEAD), visitors.open(SIGNATORY)
    for person in (lead, signatory):
        open_standard(person, 6)
    numbers = ("6.1", "6.2")
    for number in numbers:
        begin(signatory, number, f"The signatory on {number}.")
    expect(state(signatory)).to_contain_text(ALL_SAVED)
    for number, choice in zip(numbers, ("Keep mine", "Take theirs"), strict=True):
        begin(lead, number, f"The lead on {number}.")
        dispute = lead.get_by_role("group", name=re.compile(rf"^A colleague has changed this answer too.*{number}"))
        expect(dispute).to_contain_text(f"The lead on {number}.")
        with hold(lead):
            with lead.expect_request("**/answers"):
                commentary(lead, number).press_sequentially(" And more.")
            dispute.get_by_role("button", name=choice).click()
            expect(dispute).to_be_hidden()
        expect(state(lead)).to_contain_text(ALL_SAVED)
        expect(dispute).to_be_hidden()
    lead.reload()
    expect(commentary(lead, "6.1")).to_have_value("The lead on 6.1. And more.")
    expect(commentary(lead, "6.2")).to_have_value("The signatory on 6.2.")


def test_without_a_network_the_words_stay(visitors: Visitors, looks: Looks) -> None:
    page = visitors.open(LEAD)
    address = open_standard(page, 4)
    begin(page, "4.1", "Before the tunnel. ")
    expect(state(page)).to_contain_text(ALL_SAVED)
    page.context.set_offline(True)
    commentary(page, "4.1").press_sequentially("In the tunnel. ")
    expect(state(page)).to_contain_text("There is no connection")
    looks.at(page, "no connection")
    page.context.set_offline(False)
    commentary(page, "4.1").press_sequentially("And out.")
    expect(state(page)).to_contain_text(ALL_SAVED)

    # the browser is closed before the connection is back
    page.context.set_offline(True)
    commentary(page, "4.1").press_sequentially(" Then the battery died.")
    expect(state(page)).to_contain_text("There is no connection")
    context = page.context
    page.close()
    context.set_offline(False)
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_role("heading", name="We kept what you typed")).to_be_visible()
    expect(commentary(page, "4.1")).to_have_value("Before the tunnel. In the tunnel. And out. Then the battery died.")
    expect(state(page)).to_contain_text(ALL_SAVED)
    looks.at(page, "what was kept is back")
    assert kept_here(page) == 0


def test_a_session_that_ends_in_mid_sentence(visitors: Visitors, looks: Looks) -> None:
    """Signed in again, in another tab or in this one, everything is there; nobody else sees it."""
    page = visitors.open()
    sign_in(page, LEAD)
    address = open_standard(page, 5)
    begin(page, "5.1", "Half a sentence")
    expect(state(page)).to_contain_text(ALL_SAVED)
    page.context.clear_cookies()
    commentary(page, "5.1").press_sequentially(" and the other half")
    expect(state(page)).to_contain_text("You are signed out")
    looks.at(page, "signed out")
    with page.context.expect_page() as opened:
        press(page, "Sign in (opens in a new tab)")
    other = opened.value
    other.get_by_label("E-mail address", exact=True).wait_for()
    sign_in(other, LEAD)
    expect(other.get_by_role("button", name="Sign out")).to_be_visible()
    other.close()
    page.bring_to_front()
    # the page tries by itself too, and then there is no button to be seen any more
    page.locator("[data-retry]").evaluate("(button) => button.click()")
    expect(state(page)).to_contain_text(ALL_SAVED)

    # the form is sent all the same: its page holds it
    other = page.context.new_page()
    other.goto(address)
    page.context.clear_cookies()
    other.evaluate("document.querySelector('form[data-answering]').submit()")
    expect(other.get_by_role("heading", level=1)).to_have_text("Your words are kept: send them again")
    looks.at(other, "a form to send again")
    other.close()

    commentary(page, "5.1").press_sequentially(", kept for its writer")
    expect(state(page)).to_contain_text("You are signed out")
    page.on("dialog", lambda dialog: dialog.accept())  # leaving with something unsaved
    page.goto("/sign-in")
    assert kept_here(page) == 1
    sign_in(page, SIGNATORY)
    page.goto(address)
    expect(commentary(page, "5.1")).to_have_value("Half a sentence and the other half")
    press(page, "Sign out")
    sign_in(page, LEAD)
    page.goto(address)
    expect(commentary(page, "5.1")).to_have_value("Half a sentence and the other half, kept for its writer")
    expect(state(page)).to_contain_text(ALL_SAVED)


def test_signing_out_asks_before_it_deletes(visitors: Visitors) -> None:
    page = visitors.open()
    sign_in(page, LEAD)
    open_standard(page, 6)
    page.route("**/answers", lambda route: route.abort())
    begin(page, "6.1", "Nowhere but here")
    expect(state(page)).to_contain_text("There is no connection")
    asked: list[str] = []
    answers = iter((False, True))

    def decide(dialog) -> None:  # type: ignore[no-untyped-def]
        if dialog.type == "beforeunload":
            dialog.accept()
            return
        asked.append(dialog.message)
        if next(answers):
            dialog.accept()
        else:
            dialog.dismiss()

    page.on("dialog", decide)
    press(page, "Sign out")
    expect(commentary(page, "6.1")).to_have_value("Nowhere but here")
    assert kept_here(page) == 1
    press(page, "Sign out")
    expect(page.get_by_label("E-mail address", exact=True)).to_be_visible()
    assert kept_here(page) == 0 and all("Signing out deletes it" in words for words in asked) and len(asked) == 2


def test_back_brings_the_words_and_the_right_version(visitors: Visitors) -> None:
    page = visitors.open(LEAD)
    open_standard(page, 2)
    begin(page, "2.2", "First words.")
    expect(state(page)).to_contain_text(ALL_SAVED)
    commentary(page, "2.2").press_sequentially(" Typed as the page was left.")
    press(page, "Back to all standards")
    expect(page.get_by_role("heading", name="Standards", exact=True)).to_be_visible()
    page.go_back()
    expect(commentary(page, "2.2")).to_have_value("First words. Typed as the page was left.")
    commentary(page, "2.2").press("Control+End")
    commentary(page, "2.2").press_sequentially(" And after Back.")
    expect(state(page)).to_contain_text(ALL_SAVED)
    page.reload()
    expect(commentary(page, "2.2")).to_have_value("First words. Typed as the page was left. And after Back.")


def test_without_a_script_a_lost_session_loses_no_words(visitors: Visitors) -> None:
    page = visitors.open(scripts=False)
    sign_in(page, LEAD)
    address = open_standard(page, 2)
    question(page, "2.3").get_by_role("radio", name="Partly in place", exact=True).check()
    commentary(page, "2.3").fill("Written slowly,\nwithout a script.")
    page.context.clear_cookies()
    press(page, "Save this standard")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your words are kept: send them again")
    expect(page.get_by_role("main")).to_contain_text("without a script.")
    with page.context.expect_page() as opened:
        press(page, "Sign in (opens in a new tab)")
    sign_in(opened.value, LEAD)
    expect(opened.value.get_by_role("button", name="Sign out")).to_be_visible()
    opened.value.close()
    press(page, "Send again")
    if page.get_by_role("button", name="Send again").count():  # a form token of before the sign-in
        press(page, "Send again")
    expect(alert(page)).to_contain_text("1 answer saved")
    assert page.url == address
    expect(commentary(page, "2.3")).to_have_value("Written slowly,\nwithout a script.")


def test_a_server_that_stops_and_starts_again(chromium: Browser, tmp_path: Path) -> None:
    """What is typed while nobody answers is saved when somebody does, without a click."""
    set_up(tmp_path, agencies=40, joined=[LEAD])
    port, environment = free_port(), environment_of(tmp_path)
    with served(tmp_path, environment, port) as service:
        visitors = Visitors(chromium, service)
        page = visitors.open(LEAD)
        open_standard(page, 2)
        begin(page, "2.1", "While it runs. ")
        expect(state(page)).to_contain_text(ALL_SAVED)
    commentary(page, "2.1").press_sequentially("While it is down.")
    expect(state(page)).to_contain_text("kept in this browser")
    assert kept_here(page) == 1
    with served(tmp_path, environment, port):
        expect(state(page)).to_contain_text(ALL_SAVED, timeout=180_000)  # between two tries it waits a minute at most
        page.reload()
        expect(commentary(page, "2.1")).to_have_value("While it runs. While it is down.")
        page.context.close()
