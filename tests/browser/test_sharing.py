"""A lead shares an audit out: two new colleagues come in by links, answer, call it ready; the lead decides."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.look import Looks
from tests.browser.steps import ANSWERS, alert, give, press
from tests.browser.visitors import Visitors, heading

LEAD = "audit.lead.h026@agencies.example.org"


def share_out(lead: Page, looks: Looks | None, *, name: str, email: str, standard: int) -> str:
    """From the overview: invite somebody and give them a whole standard, all in one form. Returns their link.

    Without `looks` where no script runs: axe is one.
    """
    press(lead, "Share out")
    press(lead, "Share out")  # with nothing chosen
    expect(alert(lead)).to_contain_text("Choose at least one colleague")
    expect(alert(lead)).to_contain_text("Choose at least one standard")
    if looks:
        looks.at(lead, "sharing out, with errors")
    lead.get_by_text("Somebody new: invite them in the same step").click()
    lead.get_by_label("Name", exact=True).fill(name)
    lead.get_by_label("E-mail address", exact=True).fill(email)
    whole = lead.get_by_role("group", name=re.compile(rf"^{standard}\. "))
    whole.get_by_role("checkbox", name=re.compile("^The whole standard")).check()
    press(lead, "Share out")
    expect(lead.get_by_role("heading", level=1)).to_have_text(f"A link for {name}")
    if looks:
        looks.at(lead, "a link to hand out")
    link = lead.get_by_label(f"Link for {email}").input_value()
    press(lead, "Go on to who does what")
    return link


def come_in(visitors: Visitors, looks: Looks | None, link: str, name: str) -> Page:
    """Open a link in a browser of one's own, and press its button: no password, straight to what is assigned."""
    page = visitors.open(scripts=looks is not None)
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Sign in as {name}")
    if looks:
        looks.at(page, "a link to sign in by")
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Assigned to you")
    return page


def answer_all(page: Page, looks: Looks | None) -> None:
    """Ask whether it is ready, answer what the page says is missing, and say that it is ready."""
    mine = page.url
    page.get_by_role("link", name=re.compile("^Say that it is ready")).click()
    expect(page.get_by_role("main")).to_contain_text("not finished")
    page.wait_for_load_state()
    assert not page.get_by_role("button", name="Yes, it is ready").count()
    if looks:
        looks.at(page, "not ready yet")
    missing = page.get_by_role("main").get_by_role("listitem").get_by_role("link")
    numbers = missing.all_inner_texts()
    assert numbers
    missing.first.click()
    for place, number in enumerate(numbers):
        give(page, number, ANSWERS[place % len(ANSWERS)])
    press(page, "Save this standard")
    expect(alert(page)).to_contain_text("saved")
    page.goto(mine)
    say_ready(page)


def say_ready(page: Page) -> None:
    """From the page of what is assigned: it is ready."""
    page.get_by_role("link", name=re.compile("^Say that it is ready")).click()
    press(page, "Yes, it is ready")
    expect(alert(page)).to_contain_text("Your audit lead reads it next")


def decide(lead: Page, looks: Looks | None, name: str, choice: str, note: str = "") -> None:
    """From the overview: read the part of somebody, and accept it or send it back."""
    section = lead.get_by_role("region", name=name)
    section.get_by_role("link").first.click()
    expect(lead.get_by_text(f"With {name}")).to_be_visible()
    if looks:
        looks.at(lead, "a part that is ready")
    lead.get_by_role("radio", name=choice, exact=True).check()
    if note:
        lead.get_by_role("textbox", name=re.compile("^What is still to be done")).fill(note)
    press(lead, "Continue")
    expect(lead.get_by_role("heading", level=1)).to_have_text("Who does what")


def test_two_new_colleagues_answer_and_the_lead_decides(visitors: Visitors, looks: Looks) -> None:
    """One of the two works without JavaScript, and the lead now and then; every page on the way is looked at."""
    administrator = visitors.open("administrator@candour.example.org")
    press(administrator, "Settings")
    administrator.get_by_role("radio", name="On", exact=True).check()
    press(administrator, "Save")
    looks.at(administrator, "settings")

    lead, plain = visitors.open(LEAD), visitors.open(LEAD, scripts=False)
    tasks = lead.url
    press(lead, "Who does what")
    expect(lead.get_by_role("main")).to_contain_text("Nothing is shared out yet")
    looks.at(lead, "nothing is shared out")
    overview = lead.url
    links = [share_out(lead, looks, name="Ada Bell", email="ada@agencies.example.org", standard=1)]
    plain.goto(overview)
    links.append(share_out(plain, None, name="Ben Marsh", email="ben@agencies.example.org", standard=2))
    looks.at(lead, "who does what")

    ada, ben = come_in(visitors, looks, links[0], "Ada Bell"), come_in(visitors, None, links[1], "Ben Marsh")
    looks.at(ada, "assigned to you")
    again = visitors.open()
    again.goto(links[0])
    expect(again.get_by_role("heading", level=1)).to_have_text("This link signs nobody in")
    looks.at(again, "a link that was used")
    answer_all(ada, looks)
    answer_all(ben, None)
    looks.at(ada, "assigned to you, ready")
    ada.goto("/")
    assert heading(ada) != "Assigned to you", "there is nothing left to do, so the start page leads elsewhere"

    lead.goto(tasks)
    expect(lead.get_by_role("main")).to_contain_text("2 parts are ready for you")
    looks.at(lead, "the task list with colleagues")
    press(lead, "Who does what")
    decide(lead, looks, "Ada Bell", "Send it back with a note", "Which year is this about?")
    plain.goto(overview)
    decide(plain, None, "Ben Marsh", "Accept it")

    ada.goto("/")
    expect(ada.get_by_role("heading", level=1)).to_have_text("Assigned to you")
    expect(ada.get_by_role("main")).to_contain_text("Which year is this about?")
    expect(ada.get_by_role("main")).to_contain_text("Sent back")
    looks.at(ada, "assigned to you, sent back")
    say_ready(ada)
    lead.goto(overview)
    decide(lead, looks, "Ada Bell", "Accept it")
    expect(lead.get_by_role("main")).to_contain_text("accepted of 2")
    ben.goto("/assigned")
    expect(ben.get_by_role("main")).to_contain_text("Nothing more to do")

    lead.goto(tasks)
    press(lead, "History")
    said = lead.get_by_role("main").inner_text()
    for words in (
        "Invited Ada Bell as Contributor", "Was shown a link that lets Ben Marsh in", "Which year is this about?",
        "Sent “", "Accepted “", "is ready",
    ):  # fmt: skip
        assert words in said, words


def test_people_cover_and_asking_for_a_link(visitors: Visitors, looks: Looks) -> None:
    """The other pages, with their errors: inviting, ending an appointment, acting cover, asking for a link."""
    signatory = visitors.open("signatory.h026@agencies.example.org")
    press(signatory, "People of your agency")
    looks.at(signatory, "people")
    people = signatory.url
    press(signatory, "Invite a colleague")
    press(signatory, "Invite")
    expect(alert(signatory)).to_contain_text("Choose what they will do")
    looks.at(signatory, "inviting, with errors")
    signatory.get_by_label("Name", exact=True).fill("Cy Dunn")
    signatory.get_by_label("E-mail address", exact=True).fill("cy@agencies.example.org")
    signatory.get_by_role("radio", name="Board reader", exact=True).check()
    press(signatory, "Invite")
    expect(signatory.get_by_role("heading", level=1)).to_have_text("A link for Cy Dunn")
    signatory.goto(people)
    press(signatory, "Name somebody who signs while you are away")
    press(signatory, "Name them")
    expect(alert(signatory)).to_contain_text("Choose who covers for you")
    looks.at(signatory, "acting cover, with errors")
    signatory.get_by_role("radio", name=re.compile("^Cy Dunn")).check()
    signatory.get_by_label("Their post, as the signature shows it").fill("Deputy")
    press(signatory, "Name them")
    expect(signatory.get_by_role("row", name=re.compile("acting"))).to_contain_text("Cy Dunn")
    press(signatory, "End the appointment of Cy Dunn as Board reader")
    looks.at(signatory, "ending an appointment")
    press(signatory, "Set the last day")
    expect(alert(signatory)).to_contain_text("has a last day")

    administrator = visitors.open("administrator@candour.example.org")
    press(administrator, "Settings")
    administrator.get_by_role("radio", name="On", exact=True).check()
    press(administrator, "Save")
    stranger = visitors.open()
    press(stranger, "No password? Get a link by e-mail")
    press(stranger, "Send me a link")
    expect(alert(stranger)).to_contain_text("Enter an e-mail address")
    looks.at(stranger, "asking for a link, with an error")
    stranger.get_by_label("E-mail address", exact=True).fill("nobody@agencies.example.org")
    press(stranger, "Send me a link")
    expect(stranger.get_by_role("heading", level=1)).to_have_text("Look into your e-mail")
    looks.at(stranger, "a link is on its way")
