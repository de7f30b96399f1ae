"""An agency lists its sites in a browser, answers about each, and signs what names them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app import create_app, db
from app.clock import pin
from app.web.security import hashed
from config import Config
from tests.browser.look import Looks
from tests.browser.service import PASSWORD, Service, environment_of, free_port, served, set_up
from tests.browser.steps import alert, press, question, sign, text_box
from tests.browser.visitors import Visitors
from tests.world import NOW, build

LEAD, CONTRIBUTOR, SIGNATORY = (f"{name}@agency.example" for name in ("lead", "contributor", "signatory"))


def _furnish(home: Path) -> None:
    app = create_app(Config.load(home))
    with app.app_context():
        build(db.db.session, pack_key="every-site", password_hash=hashed(PASSWORD))
        pin(db.db.session, NOW.date())
        db.db.session.commit()
        db.db.engine.dispose()


@pytest.fixture(scope="module")
def trust(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a round that asks about sites."""
    home: Path = tmp_path_factory.mktemp("sites")
    set_up(home)
    # in a thread of its own: the browser's loop leaves no room for our context in this one
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_furnish, home).result()
    with served(home, environment_of(home), free_port()) as service:
        yield service


@pytest.fixture
def people(chromium: Browser, trust: Service) -> Iterator[Visitors]:
    """Browsers for its people."""
    visitors = Visitors(chromium, trust)
    yield visitors
    visitors.leave()
    assert not visitors.trouble, "\n".join([*visitors.trouble, f"The service says why in {trust.log}"])


def green(page: Page, number: str) -> None:
    """Answer a question with the best grade."""
    question(page, number).get_by_role("radio", name="Green", exact=True).check()
    bases = page.get_by_role("group", name=f"How do you know? (question {number})", exact=True)
    bases.get_by_role("radio", name=re.compile("^On paper")).check()


def test_sites_are_listed_answered_one_by_one_and_signed(people: Visitors, looks: Looks) -> None:
    # the list is made, mended and taken apart
    lead = people.open(LEAD)
    tasks = lead.url
    press(lead, "Your sites")
    expect(lead.get_by_role("main")).to_contain_text("No site is listed yet.")
    press(lead, "Add this site")
    expect(alert(lead).first).to_contain_text("Enter the name of the site")
    looks.at(lead, "no sites yet")
    press(lead, "Add many at once")
    lead.get_by_label("Sites", exact=True).fill("RX1,Northern clinic\nR X,Wrong")
    press(lead, "Add these sites")
    expect(alert(lead).first).to_contain_text("Line 2: The code can have")
    looks.at(lead, "a list of sites that cannot be read")
    lead.get_by_label("Sites", exact=True).fill("code,name\nRX1,Northern clinic\nRX2,Annexe\nRX3,Old house")
    press(lead, "Add these sites")
    expect(alert(lead)).to_contain_text("3 sites added to your list.")
    press(lead, re.compile("^Remove Old house"))
    expect(lead.get_by_role("heading", level=1)).to_have_text("Remove “Old house” from your sites?")
    looks.at(lead, "a site to remove")
    press(lead, "Remove it")
    press(lead, re.compile("^Rename Annexe"))
    lead.get_by_label("New name", exact=True).fill("The annexe")
    press(lead, "Rename")
    expect(alert(lead)).to_contain_text("The site is called “The annexe” now.")
    looks.at(lead, "sites")

    # answers about each are saved as they are typed
    page = people.open(CONTRIBUTOR)
    page.goto(tasks)
    press(page, "The trust as a whole")
    green(page, "1.1")
    green(page, "1.2, Mereland")
    press(page, "Save and go to the next standard")
    expect(page.get_by_role("heading", level=2, name="The annexe", exact=True)).to_be_visible()
    for site in ("The annexe", "Northern clinic"):
        green(page, f"2.1, {site}")
        green(page, f"2.2, {site}")
        text_box(page, "Number", f"2.3, {site}").fill("12")
        text_box(page, "Number", f"2.3, {site}").blur()
    expect(page.locator("[data-save-state]")).to_contain_text("Everything is saved.")
    looks.at(page, "questions about two sites")
    page.reload()
    expect(text_box(page, "Number", "2.3, Northern clinic")).to_have_value("12")

    signatory = people.open(SIGNATORY)
    signatory.goto(f"{tasks.rstrip('/')}/sign")
    expect(signatory.get_by_role("main")).to_contain_text("2 sites, about each of which questions were answered")
    looks.at(signatory, "answers about sites to sign")
    sign(signatory)
    signatory.goto(f"{tasks.rstrip('/')}/sites")
    expect(signatory.get_by_role("main")).to_contain_text("3 of 5 finished")
