"""Judgements that follow from numbers and choices: from signed answers to the page that explains them."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Judgement
from app.operations import judgements
from app.operations.answers import Edit, save_answers
from app.operations.submissions import sign_and_submit
from app.queries.judgements import sheet
from app.queries.returns import content_hash
from tests.next_year import changed, next_year
from tests.world import World, build, complete_answer

Visit = Callable[[str], FlaskClient]
CODE = "club-1"
RULES: dict[str, Any] = {
    "format": 1,
    "scales": {
        "trust": {
            "title": "Trust",
            "grades": [
                {"key": "high", "label": "High trust", "meaning": "m", "colour": "#00703c"},
                {"key": "low", "label": "Low trust", "meaning": "m", "colour": "#d4351c"},
            ],
        }
    },
    "profiles": [
        {
            "agency_types": ["club"],
            "indicators": {
                "wait": {"kind": "measure", "title": "Hours of waiting", "of": {"criteria": ["number"]}},
                "trained": {"kind": "measure", "title": "Staff trained", "of": {"criteria": ["percentage"]}},
                "noes": {"kind": "count_of_answers", "title": "Answers no", "answers": ["no"]},
            },
            "judgements": {
                "trust": {
                    "title": "Trust",
                    "scale": "trust",
                    "rules": [
                        {
                            "grade": "high",
                            "when": {
                                "all": [
                                    {"indicator": "wait", "below": 48},
                                    {"indicator": "trained", "at_least": 66},
                                    {"criterion": "choices", "answers": ["drivers"]},
                                ]
                            },
                            "because": "Little waiting, and drivers are checked.",
                        },
                        {"grade": "low", "because": "Everything else."},
                    ],
                    "caps": [{"to": "low", "when": {"indicator": "noes", "at_least": 2}, "because": "Two noes."}],
                }
            },
        }
    ],
}
FACTS: dict[str, dict[str, object]] = {
    "yes-no": {"answer": "no", "basis": "paper", "commentary": "Nobody was found."},
    "number": {"number": "50.5", "basis": "paper"},
    "percentage": {"numerator": "2", "denominator": "3", "basis": "paper"},
    "choice": {"chosen": "yearly"},
    "choices": {"choices": "staff,drivers"},
    "any-number": {"number": "12"},
    "date": {"date": "2003-04-03"},
    "text": {"text": "All of it."},
    "table": {"rows": [{"name": "Ferry"}]},
}


@pytest.fixture
def world(session: Session) -> World:
    """A round of the pack with one question of every type and with rules, in which the club has signed."""
    made = build(session, pack_key="every-answer")
    # a file would have to be uploaded first
    pack = changed(made.pack, lambda _standard, one: [] if one.answer.type == "file" else [one])
    pack = pack.model_copy(update={"judgements": RULES})
    next_year(made, pack)
    for _round in range(2):  # an answer can make further questions due
        edits = [
            Edit(item.id, FACTS.get(item.id) or complete_answer(item.scheme), item.answer.version, "all")
            for item in made.work(CODE).items
        ]
        rid, actor = made.returns[CODE].public_id, made.actor("signatory")
        saved = save_answers(made.write(), rid, edits, by=actor, now=made.now)
        assert saved.clean, saved
        made.session.commit()
    sign_and_submit(
        made.write(), rid, by=actor, now=made.now, expected_hash=content_hash(made.work(CODE)), identity_proved=True
    )
    made.session.commit()
    return made


def words(page: str) -> str:
    """The text of a page, without markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page[page.index("<main") :])).split())


def test_signed_numbers_and_choices_are_judged_and_explained(world: World, client_as: Visit) -> None:
    rid = world.returns[CODE].public_id
    judgements.judge_return(world.write(), rid, by=world.actor("lead-inspector"), now=world.now)
    world.session.commit()
    row = world.session.scalars(select(Judgement)).one()
    assert (row.grade, row.uncapped) == ("low", "low")
    assert row.explanation["indicators"] == {"wait": "101/2", "trained": "200/3", "noes": 1}
    assert row.explanation["chosen"] == {"choices": ["staff", "drivers"]}
    found = sheet(world.session, rid, actor=world.actor("lead-inspector"), now=world.now).lifts("trust")
    assert [(one.question, one.value) for one in found.alone] == [
        (("number", ""), {"number": "47.9", "grade": "amber"})
    ]
    world.session.rollback()
    page = words(client_as("lead-inspector").get(f"/returns/{rid}/judgements").text)
    assert "Low trust" in page and "Everything else." in page
    assert "Hours of waiting 50.5 hours below 48: no" in page
    assert "Staff trained 66.67% at least 66: yes" in page
    assert "Answers no 1 at least 2: no" in page
    assert "Who is checked before they start? Staff, Drivers" in page
    assert "now “50.5 hours”, with “47.9 hours” it would" in page


def test_what_did_not_change_is_not_judged_again(world: World) -> None:
    rid = world.returns[CODE].public_id
    first = judgements.judge_return(world.write(), rid, by=world.actor("lead-inspector"), now=world.now)
    world.session.commit()
    again = judgements.judge_return(world.write(), rid, by=world.actor("lead-inspector"), now=world.now)
    assert (first.changed, again.changed) == (1, 0)
