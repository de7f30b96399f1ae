"""Answers marked as examples: by inspectors of the type alone, on record, and nothing of it reaches the agency."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.life import NotPossible
from app.models import AuditReturn, Event, Example, Submission
from app.operations import events, examples, submissions
from app.queries.examples import ExampleFilter, Marked
from app.queries.examples import examples as read_examples
from app.queries.returns import history
from app.queries.rounds import NotFound
from tests.operations.test_returns import sign
from tests.operations.test_search import signatory
from tests.world import World, build

CODE = "council-1"


@pytest.fixture
def signed(world: World) -> World:
    """The world with one submission."""
    world.answer(CODE)
    sign(world, CODE)
    return world


def submission(world: World, code: str = CODE) -> Submission:
    """The latest submission of a return."""
    return world.session.scalars(
        select(Submission).where(Submission.return_id == world.returns[code].id).order_by(Submission.number.desc())
    ).first()  # type: ignore[return-value]


def question(world: World, place: int = 0) -> str:
    """The id of a question."""
    return world.work(CODE).items[place].id


def mark(
    world: World, *, by: str = "inspector", kind: str = "good", note: str = "Shows how", place: int = 0,
    of: str = "", about: str = "", code: str = CODE,
) -> Example:  # fmt: skip
    """Mark an answer and commit."""
    actor, sid, about = world.actor(by), of or submission(world).public_id, about or question(world, place)
    one = examples.mark(
        world.write(), world.returns[code].public_id, submission=sid, question=about, kind=kind, note=note, by=actor,
        now=world.now,
    )  # fmt: skip
    world.session.commit()
    return one


def listed(world: World, who: str = "inspector", **narrowed: str) -> list[Marked]:
    """The examples that somebody reads."""
    return read_examples(
        world.session, world.audit_round, actor=world.actor(who), now=world.now, narrowed=ExampleFilter(**narrowed)
    )


def test_an_answer_is_marked_changed_and_unmarked_on_record(signed: World) -> None:
    one = mark(signed)
    (shown,) = listed(signed)
    assert shown.example.note == "Shows how" and shown.agency.code == CODE and shown.grade
    assert not shown.is_set_aside and shown.number and shown.submission == submission(signed).public_id
    assert mark(signed, note="Shows it better", by="lead-inspector").id == one.id
    other = mark(signed, kind="concern", note="And yet")
    assert [(row.example.kind, row.example.note) for row in listed(signed)] == [
        ("good", "Shows it better"), ("concern", "And yet"),
    ]  # fmt: skip
    actor = signed.actor("inspector")
    examples.unmark(signed.write(), signed.returns[CODE].public_id, other.public_id, by=actor, now=signed.now)
    signed.session.commit()
    assert len(listed(signed)) == 1
    with pytest.raises(NotFound):
        examples.unmark(signed.write(), signed.returns[CODE].public_id, other.public_id, by=actor, now=signed.now)
    chain = list(history(signed.session, events.oversight_chain(signed.returns[CODE])))
    assert [event.verb for event in chain] == [
        "example.marked", "example.changed", "example.marked", "example.removed",
    ]  # fmt: skip
    assert events.verify(chain) is None
    assert chain[0].texts[0].text == "Shows how" and "Shows how" not in str(chain[0].data)


def test_nothing_of_it_is_in_the_history_that_agencies_read(signed: World) -> None:
    before = len(history(signed.session, events.chain_of(signed.returns[CODE])))
    mark(signed)
    assert len(history(signed.session, events.chain_of(signed.returns[CODE]))) == before
    assert signed.session.scalar(select(Event.chain).where(Event.verb == "example.marked")) == (
        f"oversight:{signed.returns[CODE].public_id}"
    )


@pytest.mark.parametrize("name", ["signatory", "lead", "contributor", "board", "outsider", "coordinator"])
def test_only_inspectors_of_the_type_mark_and_unmark(signed: World, name: str) -> None:
    one = mark(signed)
    with pytest.raises(NotFound):
        mark(signed, by=name)
    actor = signed.actor(name)
    with pytest.raises(NotFound):
        examples.unmark(signed.write(), signed.returns[CODE].public_id, one.public_id, by=actor, now=signed.now)
    signed.session.rollback()
    assert len(listed(signed)) == 1


def test_what_cannot_be_marked_says_why(signed: World) -> None:
    for wrong, words in (
        ({"kind": "nonsense"}, "what it is an example of"), ({"note": "  "}, "Say in a sentence"),
        ({"note": "x" * 2001}, "shorten it to 2000"),
    ):  # fmt: skip
        with pytest.raises(NotPossible, match=words):
            mark(signed, **wrong)
    for missing in ({"of": "nothing"}, {"about": "nothing"}, {"code": "police-1"}):
        with pytest.raises(NotFound):
            mark(signed, **missing)
    assert listed(signed) == []


def test_a_draft_is_no_example_and_one_that_was_set_aside_says_so(signed: World) -> None:
    mark(signed)
    first, asked = submission(signed).public_id, question(signed)
    actor = signed.actor("inspector")
    submissions.reopen(signed.write(), signed.returns[CODE].public_id, reason="x", by=actor, now=signed.now)
    signed.session.commit()
    assert [row.is_set_aside for row in listed(signed)] == [True]
    with pytest.raises(NotPossible, match="set aside"):
        mark(signed, of=first, about=asked, kind="concern")
    signed.answer(CODE, best=False)
    sign(signed, CODE)
    assert [row.is_set_aside for row in listed(signed)] == [True]
    mark(signed, kind="concern")
    assert sorted(row.is_set_aside for row in listed(signed)) == [False, True]


def test_the_list_is_by_theme_and_narrows(signed: World) -> None:
    for place, item in enumerate(signed.work(CODE).items):
        if not item.started:
            continue
        mark(signed, place=place, kind="good" if place % 2 else "concern")
    rows = listed(signed)
    themes = [row.criterion.theme for row in rows]
    order = list(signed.pack.themes)
    assert themes == sorted(themes, key=order.index) and len(set(themes)) > 1
    assert {row.example.kind for row in listed(signed, kind="good")} == {"good"}
    one = listed(signed, theme=themes[0])
    assert {row.criterion.theme for row in one} == {themes[0]} and len(one) < len(rows)
    assert listed(signed, agency_type="police") == [] and len(listed(signed, agency_type="council")) == len(rows)


def test_other_bodies_see_none_of_the_types_that_they_do_not_ask(session: Session) -> None:
    world = build(session, pack_key="climbie-2003")
    asked = {s.agency_type for s in world.audit_round.served if s.oversight_body_id == world.body.id}
    foreign = next(code for code, one in world.returns.items() if one.agency_type not in asked)
    audit_return = world.session.get(AuditReturn, world.returns[foreign].id)
    name = signatory(world, foreign)
    world.answer(foreign, by=name)
    sign(world, foreign, by=name)
    signed = submission(world, foreign)
    answer = signed.answers[0]
    world.write().add(
        Example(
            return_id=audit_return.id, submission_id=signed.id, criterion=answer.criterion,  # type: ignore[union-attr]
            scope_key=answer.scope_key, kind="good", note="Theirs", at=world.now,
        )
    )  # fmt: skip
    world.session.commit()
    assert listed(world) == []
    with pytest.raises(NotFound):
        mark(world, of=signed.public_id, about=answer.criterion, code=foreign)
