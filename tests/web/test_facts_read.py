"""Pages that read answers, with answers that are facts: the agency's own, those of inspectors, and what is kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.models import Moderation, Submission
from app.operations.rounds import set_dates
from tests.facts import ANSWERS, CODE, PACK, answer, give_file, submit
from tests.operations.checking import put_in_sample
from tests.web.test_agency import words
from tests.web.test_facts import FACTS, post
from tests.world import World, build

SignIn = Callable[[str], FlaskClient]
SAID = (
    "1.5 hours", "Staff who are trained: 2", "Share: 66.7 %", "Every year", "12,345", "3 April 2003", "First line.",
    "Ferry <b>", "By night", "Nobody was found.",
)  # fmt: skip


@pytest.fixture
def world(session: Session) -> World:
    """A round of the pack with one question of every type."""
    return build(session, pack_key=PACK)


@pytest.fixture
def base(world: World) -> str:
    return f"/returns/{world.returns[CODE].public_id}"


def shows(page: object, *texts: str) -> None:
    for text in texts:
        assert text in words(page), text  # type: ignore[arg-type]


def test_the_agency_reads_its_facts_before_and_at_signing(world: World, client_as: SignIn, base: str) -> None:
    answer(world)
    give_file(world)
    check = client_as("lead").get(f"{base}/check")
    shows(check, *SAID, "1 file given as evidence")
    # every question that comes to a grade has one, and the others are no gap in the profile
    assert "No grade yet" not in words(check)
    sign = client_as("signatory").get(f"{base}/sign")
    shows(sign, "Answers without a grade", "5 answers without a grade", "12,345", "Ferry <b>", "Share: 66.7 %")
    assert "Not answered" not in words(sign)
    board = client_as("board").get(f"{base}/standards/facts")
    shows(board, "12,345", "3 April 2003", "Ferry <b>", "1 file given as evidence")


def test_what_was_signed_is_read_by_everybody_who_may(world: World, client_as: SignIn, base: str) -> None:
    submit(world)
    submission = world.session.query(Submission).one()
    for who in ("signatory", "inspector"):
        page = client_as(who).get(f"{base}/submissions/{submission.public_id}")
        shows(page, *SAID, "1 file given as evidence")
        assert "No grade yet" not in words(page)


def test_versions_are_compared_and_restored(world: World, client_as: SignIn, base: str) -> None:
    answer(world)
    answer(world, {"text": {"text": "Second line."}, "number": {"number": "80", "basis": "paper"}})
    client = client_as("contributor")
    versions = client.get(f"{base}/criteria/text/versions")
    assert "<ins>Second</ins>" in versions.text and "<del>First</del>" in versions.text
    number = client.get(f"{base}/criteria/number/versions")
    shows(number, "80 hours", "1.5 hours", "Red", "Green")
    page = client.get(f"{base}/criteria/number/versions/1/restore")
    shows(page, "1.5 hours", "80 hours")
    assert client.post(f"{base}/criteria/number/versions/1/restore", data={"based_on": "2"}).status_code == 303
    world.session.rollback()
    item = next(item for item in world.work(CODE).items if item.id == "number")
    assert item.answer.value == {"number": "1.5", "grade": "green", "basis": "paper"}


def conflicting(world: World, client: FlaskClient, mine: dict[str, dict[str, str]]) -> object:
    """Save a page that was opened before a colleague answered the same questions."""
    data = {"page_key": "an-old-page"}
    for question, fields in mine.items():
        criterion = world.work(CODE).template.criterion(question)
        data |= {f"c-{question}--version": "0", f"c-{question}--type": criterion.answer.type}
        data |= {f"c-{question}--{field}": text for field, text in fields.items()}
    return client.post(f"/returns/{world.returns[CODE].public_id}/standards/facts", data=data)


MINE = {
    "any-number": {"number": "7"},
    "text": {"text": "A <i>word</i> of mine."},
    "date": {"date-day": "1", "date-month": "May", "date-year": "2003"},
    "table": {"rows-1-name": "Bus", "rows-1-places": "", "rows-2-name": "Train", "rows-2-safe": "no"},
}


def test_two_facts_are_shown_beside_each_other_and_put_together(world: World, client_as: SignIn, base: str) -> None:
    answer(world)
    client = client_as("lead")
    page = conflicting(world, client, MINE)
    assert page.status_code == 409  # type: ignore[attr-defined]
    shows(page, "12,345", "1 May 2003", "3 April 2003", "Ferry <b>", "Bus", "Train")
    html = page.text  # type: ignore[attr-defined]
    assert "&lt;i&gt;" in html and "<i>" not in html and "<ins>" in html
    # the form holds both texts, and the rows of both
    assert re.search(r'name="c-table--rows-3-name"[^>]*>\nFerry &lt;b&gt;<', html)
    assert re.search(r'name="c-table--rows-2-name"[^>]*>\nTrain<', html)
    fields = dict(re.findall(r'name="([cm]-[^"]+--(?:version|type))" value="([^"]*)"', html))
    form = {**fields, "page_key": "resolving"}
    for question, mine in MINE.items():
        form |= {f"m-{question}--{field}": text for field, text in mine.items() if text}
    form |= {"c-any-number--choice": "mine", "c-any-number--number": "7"}
    form |= {"c-text--choice": "theirs", "c-text--text": "unused"}
    form |= {"c-date--choice": "theirs"}
    form |= {"c-table--choice": "merge", "c-table--rows-1-name": "Bus", "c-table--rows-2-name": "Ferry <b>"}
    response = client.post(f"{base}/standards/facts/resolve", data=form)
    assert response.status_code == 303, words(response)
    world.session.rollback()
    items = {item.id: item.answer for item in world.work(CODE).items}
    assert items["any-number"].value == {"number": "7"}
    assert items["table"].value == {"rows": [{"name": "Bus"}, {"name": "Ferry <b>"}]}
    assert items["text"].value == ANSWERS["text"] and items["date"].value == ANSWERS["date"]
    # mine is kept among the earlier versions
    shows(client.get(f"{base}/criteria/text/versions"), "A <i>word</i> of mine.")
    shows(client.get(f"{base}/criteria/date/versions"), "1 May 2003")


def test_what_was_typed_when_the_round_closed_comes_back_to_copy(world: World, client_as: SignIn) -> None:
    world.write()
    set_dates(world.audit_round, due=world.now - timedelta(days=2), closes=world.now - timedelta(days=1))
    world.session.commit()
    page = post(client_as("contributor"), world, "facts", {**FACTS, "any-number": {"number": "about nine"}})
    assert page.status_code == 409
    shows(page, "The <b>door</b>.", "3 April 2003", "Ferry 12.5 3 February 2001 Yes By night", "about nine")
    assert "Ferry\t12.5\t" in page.text


def test_a_check_is_of_grades_chosen_or_derived(world: World, client_as: SignIn, base: str) -> None:
    submit(world)
    put_in_sample(world, CODE)
    client = client_as("inspector")
    page = client.get(f"{base}/moderation")
    shows(page, "0 of 6 answers checked.", "1.5 hours", "Share: 66.7 %")
    assert "12,345" not in words(page)
    submission = world.session.query(Submission).one().public_id
    form = {"submission": submission, "version-any-number": "0", "grade-any-number": "green", "only": "any-number"}
    client.post(f"{base}/moderation/save", data=form)
    form = {
        "submission": submission, "version-number": "0", "grade-number": "red", "reason-number": "It was a week.",
        "only": "number",
    }  # fmt: skip
    assert client.post(f"{base}/moderation/save", data=form).status_code == 303
    world.session.rollback()
    found = {(row.criterion, row.outcome) for row in world.session.query(Moderation)}
    assert found == {("number", "adjusted")}, "an answer that comes to no grade is not checked"
    shows(client.get(f"{base}/moderation"), "1 of 6 answers checked.", "Adjusted")


def test_examples_and_queries_are_about_facts_too(world: World, client_as: SignIn, base: str) -> None:
    submit(world)
    submission = world.session.query(Submission).one().public_id
    client = client_as("inspector")
    shows(client.get(f"{base}/queries/ask?about=any-number"), "12,345")
    for question in ("any-number", "table", "number"):
        page = client.post(f"{base}/examples/{submission}/{question}", data={"kind": "good", "note": "Worth a look."})
        assert page.status_code in (302, 303), words(page)
    rounds = f"/rounds/{world.audit_round.public_id}/examples"
    shows(client.get(rounds), "12,345", "Ferry <b>", "1.5 hours", "Green")
    file = client.get(f"{rounds}?format=csv").text
    assert '"12,345"' in file and "Ferry <b>\t12.5\t3 February 2001\tYes\tBy night" in file


def test_the_action_plan_shows_the_facts_that_it_is_about(world: World, client_as: SignIn, base: str) -> None:
    answer(world)
    plan = words(client_as("lead").get(f"{base}/actions/"))
    gaps = plan.partition("Not in place, and nothing planned")[2]
    assert "Share: 66.7 %" in gaps and "No · " in gaps
