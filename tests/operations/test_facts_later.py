"""What becomes of facts later: carried into the next round, compared with it, found again, disclosed, restored."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.domain.search import wanted
from app.domain.templates import Criterion, Standard
from app.operations import search as search_index
from app.operations.answers import restore
from app.operations.submissions import sign_and_submit
from app.queries.carrying import carry_plan
from app.queries.changes import changes_document
from app.queries.disclosure import entries
from app.queries.returns import content_hash, get_return
from app.queries.search import search_agency
from tests.next_year import changed, next_year
from tests.operations.test_carrying import carried
from tests.operations.test_offline_facts import CODE, save, values
from tests.world import SYSTEM, World, build

GIVEN: dict[str, dict[str, Any]] = {
    "plain": {"grade": "green", "basis": "paper"},
    "yes-no": {"answer": "no", "basis": "paper", "commentary": "Nobody was found."},
    "number": {"number": "24", "basis": "paper"},
    "percentage": {"numerator": "0", "denominator": "0"},
    "choice": {"chosen": "yearly"},
    "choices": {"choices": ["staff", "drivers"]},
    "any-number": {"number": "12"},
    "date": {"date": "2003-04-03"},
    "text": {"text": "Our hedgehogs."},
    "table": {"rows": [{"name": "Ferry across the mere", "kind": "night"}]},
}


@pytest.fixture
def world(session: Session) -> World:
    """A round of the pack with one question of every type."""
    return build(session, pack_key="every-answer")


def changes(world: World) -> dict[str, Any]:
    world.session.rollback()
    audit_return = get_return(world.session, world.returns[CODE].public_id, actor=SYSTEM, now=world.now)
    found = changes_document(world.session, audit_return, actor=SYSTEM, now=world.now)
    assert found is not None
    return {"document": found, **{change.id: change for change in found.changes}}


def test_facts_are_carried_where_they_mean_the_same(world: World) -> None:
    save(world, GIVEN)
    before = values(world)

    def change(_standard: Standard, criterion: Criterion) -> list[Criterion]:
        answer: Any = criterion.answer
        if criterion.id == "number":  # the same number comes to another grade
            answer = answer.model_copy(
                update={"bands": (answer.bands[0].model_copy(update={"at_most": 20}), *answer.bands[1:])}
            )
        elif criterion.id == "choice":  # only worded anew
            first = answer.choices[0].model_copy(update={"label": "Twelve times a year"})
            answer = answer.model_copy(update={"choices": (first, *answer.choices[1:])})
        elif criterion.id == "any-number":  # 12 is too many now
            answer = answer.model_copy(update={"most": 10})
        elif criterion.id == "date":  # asked for as a text
            answer = world.pack.templates["club"].criterion("text").answer
        return [criterion.model_copy(update={"answer": answer})]

    later = type(world.pack).from_frozen(changed(world.pack, change).to_frozen())
    next_year(world, later)
    plan = carry_plan(world.session, world.work(CODE))
    assert plan is not None
    assert {pair.now.id for pair in plan.changed} == {"number", "any-number", "date"}
    assert carried(world, CODE).keys() == before.keys() - {"number", "any-number", "date"}
    assert values(world) == {key: before[key] for key in before if key not in ("number", "any-number", "date")}
    found = changes(world)
    assert {found[key].move for key in ("number", "date")} == {"changed"}
    assert found["choice"].move == "same" and found["any-number"].move == "blank"


def test_what_changed_of_a_fact_is_said(world: World) -> None:
    save(world, GIVEN)
    next_year(world)
    carried(world, CODE)
    save(
        world,
        {
            "number": {"number": "80", "basis": "paper", "commentary": "They waited."},
            "percentage": {"numerator": "1", "denominator": "2"},
            "any-number": {"number": "13"},
            "text": {},
            "table": {"rows": [{"name": "Ferry across the mere", "kind": "day"}]},
        },
    )
    found = changes(world)
    assert {key: change.move for key, change in found.items() if key != "document"} == {
        "plain": "same", "yes-no": "same", "number": "worse", "percentage": "differs", "choice": "same",
        "choices": "same", "any-number": "differs", "date": "same", "text": "blank", "file": "blank",
        "table": "differs", "after-wait": "new",
    }  # fmt: skip
    (then,), (now,) = found["number"].then.facts, found["number"].now.facts
    assert (then.words.text, now.words.text, now.unit.text) == ("24", "80", "hours")
    document = found["document"]
    # a fact without a grade is in no figure of grades
    assert document.now.asked == document.then.asked == 5 and document.compared == 9
    assert [change.id for change in document.moved("differs")] == ["percentage", "any-number", "table"]


def signed(world: World) -> None:
    """The return as it stands, signed."""
    work = world.work(CODE)
    actor = world.actor("signatory")
    sign_and_submit(
        world.write(), world.returns[CODE].public_id, by=actor, now=world.now, expected_hash=content_hash(work),
        identity_proved=True,
    )  # fmt: skip
    world.session.commit()


def without_file(session: Session) -> World:
    """The world a year later, with a version of the pack that asks for no file."""
    world = build(session, pack_key="every-answer")
    pack = changed(world.pack, lambda _s, criterion: [] if criterion.id == "file" else [criterion])
    next_year(world, type(world.pack).from_frozen(pack.to_frozen()))
    save(world, GIVEN)
    signed(world)
    return world


def test_own_words_are_found_and_disclosed(session: Session) -> None:
    world = without_file(session)
    actor = world.actor("lead")
    audit_return = get_return(world.session, world.returns[CODE].public_id, actor=actor, now=world.now)

    def about(words: str) -> list[str]:
        found = search_agency(world.session, audit_return, wanted(words), actor=actor, now=world.now)
        return [row.about for row in found.rows]

    for _again in range(2):
        assert about("hedgehogs") == ["text"] and about("ferry mere") == ["table"]
        assert about("nobody found") == ["yes-no"] and about("night") == []  # a choice is no word of theirs
        search_index.index_all(world.write())
        world.session.commit()
    said = {
        entry.id: entry.text for entry in entries(world.session, audit_return, actor=SYSTEM, now=world.now)
    }
    grades = said["submission:1:grades"]
    facts = ("No; Red; On paper", "24 hours; Green", "All staff: 0", "Staff; Drivers; Low", "”: 12\n", "”: 2003-04-03")
    for line in facts:
        assert line in grades, grades
    assert "hedgehogs" not in grades and "Ferry" not in grades
    assert said["submission:1:fact:text"] == "Our hedgehogs."
    assert said["submission:1:fact:table"].splitlines() == [
        "Name | Places | Since | Checked | Kind", "Ferry across the mere |  |  |  | By night",
    ]  # fmt: skip


def test_an_earlier_version_of_a_fact_stands_again(world: World) -> None:
    save(world, GIVEN)
    before = values(world)
    save(world, {"table": {"rows": [{"name": "Bus"}]}, "choices": {"choices": ["helpers"]}, "number": {"number": "1"}})
    for question in ("table", "choices", "number"):
        by = world.actor("lead")
        result = restore(
            world.write(), world.returns[CODE].public_id, question, 1, based_on=2, by=by, now=world.now
        )
        assert result.saved == {question: 3}
        world.session.commit()
    assert values(world) == before
