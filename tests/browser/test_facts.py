"""A question of each type is answered in a browser, without its script and with it, signed, and read in the PDF."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pypdf
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app import create_app, db
from app.clock import pin
from app.web.security import hashed
from config import Config
from tests.browser.look import Looks
from tests.browser.service import PASSWORD, Service, environment_of, free_port, served, set_up
from tests.browser.steps import alert, download, fill_day, press, question, sign, text_box
from tests.browser.visitors import Visitors
from tests.facts import PACK
from tests.world import NOW, build

INSPECTOR = "lead-inspector@agency.example"
CONTRIBUTOR, SIGNATORY = "contributor@agency.example", "signatory@agency.example"
SAVED = "Everything is saved."


def _furnish(home: Path) -> None:
    """A round of the pack with one question of every type, on the day on which it is open."""
    app = create_app(Config.load(home))
    with app.app_context():
        build(db.db.session, pack_key=PACK, password_hash=hashed(PASSWORD))
        pin(db.db.session, NOW.date())
        db.db.session.commit()
        db.db.engine.dispose()


@pytest.fixture(scope="module")
def club(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with that round."""
    home: Path = tmp_path_factory.mktemp("facts")
    set_up(home)
    # in a thread of its own: the browser's loop leaves no room for our context in this one
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_furnish, home).result()
    with served(home, environment_of(home), free_port()) as service:
        yield service


@pytest.fixture
def people(chromium: Browser, club: Service) -> Iterator[Visitors]:
    """Browsers for its people."""
    visitors = Visitors(chromium, club)
    yield visitors
    visitors.leave()
    assert not visitors.trouble, "\n".join([*visitors.trouble, f"The service says why in {club.log}"])


def open_standard(page: Page, title: str) -> str:
    """Open a standard from the task list; returns the list's address."""
    tasks = page.url
    page.get_by_role("link", name=title).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)
    return tasks


def radio(page: Page, number: str, name: str) -> None:
    """Choose one of a question."""
    question(page, number).get_by_role("radio", name=name, exact=True).check()


def on_paper(page: Page, number: str) -> None:
    """Say how the answer to a question is known."""
    bases = page.get_by_role("group", name=f"How do you know? (question {number})", exact=True)
    bases.get_by_role("radio", name=re.compile("^On paper")).check()


def cell(page: Page, column: str, row: int) -> Locator:
    """A cell of the table."""
    return page.get_by_label(f"{column}, row {row}", exact=True)


def state(page: Page) -> Locator:
    """The line at the foot of the page that says what is saved."""
    return page.locator("[data-save-state]")


def test_every_type_of_answer_from_the_page_to_the_pdf(people: Visitors, looks: Looks, tmp_path: Path) -> None:
    # without a script: all fields are there, and the button saves
    plain = people.open(CONTRIBUTOR, scripts=False)
    tasks = open_standard(plain, "Answers that come to a grade")
    radio(plain, "1.2", "Yes")
    on_paper(plain, "1.2")
    text_box(plain, "Number", "1.3").fill("10")
    text_box(plain, "Staff who are trained", "1.4").fill("9")
    text_box(plain, "All staff", "1.4").fill("8")
    radio(plain, "1.5", "Every month")
    question(plain, "1.6").get_by_role("checkbox", name="Staff", exact=True).check()
    press(plain, "Save this standard")
    expect(alert(plain).first).to_contain_text("1.4 – This cannot be more than 8")
    expect(text_box(plain, "Staff who are trained", "1.4")).to_have_value("9")
    text_box(plain, "All staff", "1.4").fill("10")
    press(plain, "Save this standard")
    expect(alert(plain)).to_contain_text("saved")
    plain.goto(tasks)
    open_standard(plain, "Answers without a grade")
    text_box(plain, "Number", "2.1").fill("120")
    fill_day(plain.get_by_role("group", name="Date (question 2.2)", exact=True), date(2003, 4, 3))
    text_box(plain, "Your answer", "2.3").fill("The door.")
    for row in (1, 2, 3):
        cell(plain, "Name", row).fill(f"Service {row}")
    cell(plain, "Kind", 1).select_option("By night")
    expect(cell(plain, "Name", 4)).to_have_count(0)
    press(plain, "Save this standard")
    expect(alert(plain)).to_contain_text("saved")
    expect(cell(plain, "Name", 5)).to_be_visible()  # the most there can be
    expect(cell(plain, "Name", 6)).to_have_count(0)

    # with its script: what a grade asks for comes and goes with the answer, and all is saved as it is typed
    page = people.open(CONTRIBUTOR)
    page.goto(tasks)
    open_standard(page, "Answers that come to a grade")
    looks.at(page, "graded facts")
    expected = page.get_by_role("group", name="By when do you expect it to be in place? (question 1.3)", exact=True)
    expect(expected).to_be_hidden()
    with page.expect_response("**/answers"):
        text_box(page, "Number", "1.3").fill("72")
        text_box(page, "Number", "1.3").blur()
    expect(expected).to_be_visible()
    expect(text_box(page, "Commentary", "1.3")).to_be_visible()
    text_box(page, "Commentary", "1.3").fill("The log was lost.")
    on_paper(page, "1.3")
    text_box(page, "Staff who are trained", "1.4").fill("2")
    on_paper(page, "1.4")
    text_box(page, "Commentary", "1.4").fill("Others are new.")
    radio(page, "1.1", "Green")
    on_paper(page, "1.1")
    question(page, "1.6").get_by_role("checkbox", name="Drivers", exact=True).check()
    expect(state(page)).to_contain_text(SAVED)
    # a mistake is said at its field, outside of what it is made of
    text_box(page, "Number", "1.3").fill("many")
    text_box(page, "Number", "1.3").blur()
    expect(state(page)).to_contain_text("Not saved: Enter a number")
    looks.at(page, "a number that cannot be read")
    text_box(page, "Number", "1.3").fill("80")
    text_box(page, "Number", "1.3").blur()
    expect(state(page)).to_contain_text(SAVED)
    page.reload()
    expect(text_box(page, "Number", "1.3")).to_have_value("80")

    page.goto(tasks)
    open_standard(page, "Answers without a grade")
    with page.expect_response("**/answers"):
        cell(page, "Name", 3).fill("")
        cell(page, "Name", 2).fill("")
        cell(page, "Places", 1).fill("12")
        cell(page, "Places", 1).blur()
    expect(state(page)).to_contain_text(SAVED)
    page.reload()
    expect(cell(page, "Name", 5)).to_have_count(0)
    cell(page, "Name", 4).fill("Service 4")  # a row below it comes by itself
    expect(cell(page, "Name", 5)).to_be_visible()
    expect(cell(page, "Name", 5)).to_have_value("")
    cell(page, "Name", 5).fill("Service 5")
    cell(page, "Name", 5).blur()
    expect(state(page)).to_contain_text(SAVED)
    looks.at(page, "facts without a grade")
    page.reload()
    expect(cell(page, "Name", 3)).to_have_value("Service 5")
    policy = tmp_path / "policy.txt"
    policy.write_text("Doors are shut.\n")
    page.locator("#q-file").get_by_role("link", name=re.compile("^Add evidence")).click()
    page.get_by_label("File", exact=True).set_input_files(policy)
    page.get_by_label("What does it show?", exact=True).fill("Our policy.")
    press(page, "Add it")
    expect(page.locator("#q-file")).to_contain_text("policy.txt")

    page.goto(tasks)
    open_standard(page, "Questions that depend on answers")
    text_box(page, "Your answer", "3.1").fill("Lee Lead")
    question(page, "3.2").get_by_role("radio", name="Green", exact=True).check()
    on_paper(page, "3.2")
    press(page, "Save this standard")  # once the answers that are on their way have arrived: that is later than this
    expect(alert(page)).to_contain_text("saved")

    # what is signed says it all
    signatory = people.open(SIGNATORY)
    signatory.goto(f"{tasks.rstrip('/')}/sign")
    looks.at(signatory, "facts to sign")
    expect(signatory.get_by_role("main")).to_contain_text("Share: 20 %")
    sign(signatory)
    press(signatory, "Download the whole audit (PDF)")
    file = download(signatory, tmp_path)
    text = re.sub(r"\s+", "", "".join(one.extract_text() for one in pypdf.PdfReader(file).pages))
    for words in ("80 hours", "Share: 20 %", "3 April 2003", "Lee Lead", "Service 5", "By night", "policy.txt"):
        assert re.sub(r"\s+", "", words) in text, words

    # what inspectors see of it, and what staff say beside it
    inspector = people.open(INSPECTOR)
    inspector.goto("/rounds")
    inspector.get_by_role("main").get_by_role("link", name="Test round").click()
    inspector.wait_for_url(re.compile(r"/rounds/\w+$"))
    here = inspector.url
    inspector.goto(f"{here}/figures/facts")
    looks.at(inspector, "figures of facts")
    inspector.goto(f"{here}/figures/facts/club/number")
    looks.at(inspector, "the agencies behind a number")
    inspector.goto(f"{here}/survey")
    looks.at(inspector, "a survey without results")
    results = tmp_path / "results.csv"
    heads = "agency,statement,asked,answered,agree,disagree,not-for-me"
    results.write_text(f"{heads}\nclub-1,yes-no,60,40,10,40,0\n")
    inspector.get_by_label("CSV file with the results").set_input_files(results)
    press(inspector, "Take these results")
    expect(alert(inspector)).to_contain_text("Line 2")
    looks.at(inspector, "results that were not taken")
    results.write_text(f"{heads}\nclub-1,yes-no,60,40,10,30,0\nclub-1,choice,60,9,9,0,0\n")
    inspector.get_by_label("CSV file with the results").set_input_files(results)
    press(inspector, "Take these results")
    expect(inspector.get_by_role("table", name="Staff and leadership")).to_contain_text("25%")
    looks.at(inspector, "a survey with results")
    signatory.goto(f"{tasks.rstrip('/')}/survey")
    expect(signatory.get_by_role("table", name="What your staff say")).to_contain_text("Too few answered")
    looks.at(signatory, "an agency's own survey")
