"""Answers that are facts, from the page of a standard to what is signed: every type, with and without a grade."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.queries.returns import content_of
from app.web.answer_forms import form_of, name_of
from tests.web.test_agency import words
from tests.world import World, build

SignIn = Callable[[str], FlaskClient]
CODE = "club-1"

GRADED: dict[str, dict[str, str]] = {
    "plain": {"grade": "green", "basis": "paper"},
    "yes-no": {"answer": "yes", "basis": "paper"},
    "number": {"number": "1,0", "basis": "paper"},
    "percentage": {"numerator": "9", "denominator": "10", "basis": "paper"},
    "choice": {"chosen": "yearly"},
    "choices": {"choices-staff": "yes", "choices-drivers": "yes"},
}
FACTS: dict[str, dict[str, str]] = {
    "any-number": {"number": "0012"},
    "date": {"date-day": "3", "date-month": "April", "date-year": "2003"},
    "text": {"text": "The <b>door</b>."},
    "table": {
        "rows-1-name": "Ferry", "rows-1-places": "12.50", "rows-1-since": "2001-2-3", "rows-1-safe": "yes",
        "rows-1-kind": "night", "rows-3-name": "Bus",
    },
}  # fmt: skip


@pytest.fixture
def world(session: Session) -> World:
    """A round of the pack with one question of every type."""
    return build(session, pack_key="every-answer")


def post(client: FlaskClient, world: World, standard: str, answers: dict[str, dict[str, str]]) -> Any:
    """Save a standard as its page does."""
    work = world.work(CODE)
    data = {"page_key": "one-page"}
    for item in work.items:
        if item.id in answers:
            data[name_of(item.id, "version")] = str(item.answer.version)
            data[name_of(item.id, "type")] = item.criterion.answer.type
            data |= {name_of(item.id, field): text for field, text in answers[item.id].items()}
    return client.post(f"/returns/{world.returns[CODE].public_id}/standards/{standard}", data=data)


def values(world: World) -> dict[str, Any]:
    """The stored values by question."""
    world.session.rollback()
    return {item.id: dict(item.answer.value) for item in world.work(CODE).items if item.answer.value}


def test_every_type_is_saved_in_one_form_and_comes_to_its_grade(world: World, client_as: SignIn) -> None:
    client = client_as("contributor")
    assert post(client, world, "graded", GRADED).status_code == 303
    assert post(client, world, "facts", FACTS).status_code == 303
    assert values(world) == {
        "plain": {"grade": "green", "basis": "paper"},
        "yes-no": {"answer": "yes", "grade": "green", "basis": "paper"},
        "number": {"number": "10", "grade": "green", "basis": "paper"},
        "percentage": {"numerator": 9, "denominator": 10, "grade": "green", "basis": "paper"},
        "choice": {"chosen": "yearly", "grade": "low"},
        "choices": {"choices": ["staff", "drivers"], "grade": "low"},
        "any-number": {"number": "12"},
        "date": {"date": "2003-04-03"},
        "text": {"text": "The <b>door</b>."},
        "table": {
            "rows": [
                {"name": "Ferry", "places": "12.5", "since": "2001-02-03", "safe": "yes", "kind": "night"},
                {"name": "Bus"},
            ]
        },
    }


def test_the_page_shows_what_is_stored_and_saves_it_unchanged(world: World, client_as: SignIn) -> None:
    client = client_as("contributor")
    post(client, world, "graded", GRADED)
    post(client, world, "facts", FACTS)
    before = values(world)
    base = f"/returns/{world.returns[CODE].public_id}/standards"
    page = client.get(f"{base}/facts").text
    assert re.search(r'name="c-table--rows-1-kind"[^>]*>.*?value="night" selected', page, re.DOTALL)
    assert 'name="c-table--rows-5-name"' in page and 'name="c-table--rows-6-name"' not in page
    assert "The &lt;b&gt;door&lt;/b&gt;." in page
    graded = client.get(f"{base}/graded").text
    assert re.search(r'name="c-choices--choices-drivers"[^>]* checked', graded)
    assert re.search(r'name="c-yes-no--answer"[^>]*value="yes" checked', graded)
    for standard, answers in (("graded", GRADED), ("facts", FACTS)):
        again = {
            item.id: form_of(item.criterion).typed_of(item.answer.value)
            for item in world.work(CODE).items
            if item.id in answers
        }
        post(client, world, standard, again)
    assert values(world) == before
    assert all(item.answer.version == 1 for item in world.work(CODE).items if item.id in before)


@pytest.mark.parametrize(
    ("standard", "question", "fields", "field", "message"),
    [
        ("graded", "yes-no", {"answer": "maybe"}, "answer", "Choose yes or no"),
        ("graded", "number", {"number": "many"}, "number", "Enter a number, such as 25"),
        ("graded", "number", {"number": "1.25"}, "number", "1 decimal places or fewer"),
        ("graded", "number", {"number": "-1"}, "number", "must be 0 or more"),
        ("graded", "number", {"number": "501"}, "number", "must be 500 or less"),
        ("graded", "percentage", {"numerator": "11", "denominator": "10"}, "numerator", "cannot be more than 10"),
        ("graded", "percentage", {"numerator": "1.5", "denominator": "10"}, "numerator", "a whole number"),
        ("graded", "choice", {"chosen": "never"}, "chosen", "Choose one of those listed"),
        ("graded", "choices", {"choices-cats": "yes"}, "choices", "Choose among those listed"),
        ("facts", "date", {"date-day": "31", "date-month": "2", "date-year": "2003"}, "date-day", "a real date"),
        ("facts", "date", {"date-day": "13", "date-month": "5", "date-year": "2003"}, "date-day", "in the future"),
        ("facts", "date", {"date-day": "13", "date-year": "2003"}, "date-day", "must have a month"),
        ("facts", "text", {"text": "x" * 501}, "text", "has 501 characters; shorten it to 500"),
        ("facts", "table", {"rows-2-places": "few"}, "rows", "Row 1, “Places”: Enter a number"),
        ("facts", "table", {"rows-1-colour": "red"}, "rows", "no column called colour"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    world: World, client_as: SignIn, standard: str, question: str, fields: dict[str, str], field: str, message: str
) -> None:
    page = post(client_as("contributor"), world, standard, {question: fields})
    assert page.status_code == 422 and message in words(page)
    assert f'href="#c-{question}--{field}"' in page.text and f'id="c-{question}--{field}"' in page.text
    assert values(world) == {}


def test_what_is_outstanding_goes_by_type_and_by_the_grade_it_comes_to(world: World, client_as: SignIn) -> None:
    client = client_as("contributor")
    begun = {"yes-no": {"answer": "no"}, "percentage": {"numerator": "4"}, "choices": {"choices-staff": "yes"}}
    post(client, world, "graded", begun)
    post(client, world, "facts", {"table": {"rows-1-places": "3"}})
    world.session.rollback()
    outstanding = {item.id: [one.field for one in item.outstanding] for item in world.work(CODE).items}
    assert outstanding["yes-no"] == ["basis", "commentary"] and outstanding["percentage"] == ["denominator"]
    assert outstanding["choices"] == [] and outstanding["any-number"] == ["number"]
    assert outstanding["file"] == ["evidence"] and outstanding["table"] == ["rows"]
    left = words(client.get(f"/returns/{world.returns[CODE].public_id}/standards/facts"))
    assert "Row 1: give “Name”" in left


def test_questions_depend_on_choices_and_on_numbers(world: World, client_as: SignIn) -> None:
    client = client_as("contributor")

    def asked() -> set[str]:
        world.session.rollback()
        return {item.id for item in world.work(CODE).items} & {"after-yes", "after-wait"}

    assert asked() == set()
    post(client, world, "graded", {"yes-no": {"answer": "yes"}, "number": {"number": "71.9"}})
    assert asked() == {"after-yes"}
    post(client, world, "graded", {"yes-no": {"answer": "no"}, "number": {"number": "72"}})
    assert asked() == {"after-wait"}


def test_what_is_signed_holds_the_facts_and_only_what_applies(world: World, client_as: SignIn) -> None:
    client = client_as("contributor")
    post(client, world, "graded", GRADED | {"percentage": {"numerator": "0", "denominator": "0", "basis": "paper"}})
    post(client, world, "facts", FACTS)
    world.session.rollback()
    work = world.work(CODE)
    signed = {answer["criterion"]: answer for answer in content_of(work)["answers"]}
    assert signed["choices"]["value"] == {"choices": ["staff", "drivers"], "grade": "low"}
    # of nobody, none can be trained: no grade, and nothing to know it by
    assert signed["percentage"]["value"] == {"numerator": 0, "denominator": 0}
    assert signed["percentage"]["type"] == "percentage"
