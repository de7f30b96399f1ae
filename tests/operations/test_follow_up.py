"""Following up: what follows from answers and plans, an inspector's word, monitoring, requests for progress."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.domain.life import NotPossible
from app.models import Moderation, OutboxMessage, RecommendationStatus, Submission, Thread
from app.operations import actions, events, submissions
from app.operations import follow_up as operations
from app.operations.actions import Typed
from app.operations.answers import Edit
from app.policy import Denied
from app.queries.follow_up import (
    FollowedUp,
    Standing,
    Wanted,
    followed_up,
    monitoring_of_round,
    progress_requests,
)
from app.queries.returns import get_return, history
from app.queries.rounds import NotFound, get_round
from app.queries.threads import threads_of
from tests import world as world_module
from tests.operations.test_returns import save, sign
from tests.world import SYSTEM, World, complete_answer

CODE = "nhs-1"
REVIEW = date(2003, 6, 30)


@pytest.fixture
def world(session: Session) -> Iterator[World]:
    """A round of the pack whose questions cite recommendations; the first inspectorate asks the first type only."""
    return world_module.build(session, pack_key="climbie-2003")  # type: ignore[return-value]


def submitted(world: World, code: str = CODE, *, best: bool = False, by: str = "signatory") -> Submission:
    world.answer(code, by=by, best=best)
    found: Submission = sign(world, code, by=by)
    return found


def read(world: World, name: str = "inspector", *, now: datetime | None = None, **wanted: str) -> FollowedUp:
    world.session.rollback()
    actor = SYSTEM if name == "system" else world.actor(name)
    at = now or world.now
    audit_round = get_round(world.session, world.audit_round.public_id, actor=actor, now=at)
    return followed_up(world.session, audit_round, actor=actor, now=at, wanted=Wanted(**wanted))


def standings(world: World, code: str = CODE, *, now: datetime | None = None) -> dict[str, Standing]:
    found = next(line for line in read(world, "system", now=now).lines if line.code == code)
    return dict(found.standings)


def first(world: World) -> str:
    """A recommendation that is in no state but `unlikely` when all is at its worst."""
    return next(key for key, one in standings(world).items() if one.state == "unlikely")


# --- what follows ----------------------------------------------------------------------------------------------------


def test_nothing_follows_before_anything_is_submitted(world: World) -> None:
    world.answer(CODE, best=False)
    found = read(world)
    assert [line.code for line in found.lines] == [CODE]
    assert not found.lines[0].submitted and not found.lines[0].standings
    assert found.submitted == 0 and all(not counts for counts in found.counts.values())


def test_the_best_answers_meet_everything(world: World) -> None:
    submitted(world, best=True)
    assert {one.state for one in standings(world).values()} == {"met"}


def test_the_date_expected_decides_by_milestone(world: World) -> None:
    """The worst answers are expected on 1 September 2003; three months end on 28 April, six on 28 July."""
    submitted(world)
    pack = world.pack
    for one in standings(world).values():
        for part in one.stand.parts:
            by = part.question.by
            if by is None:
                continue
            assert by == pack.milestones[part.question.milestone].due(world.audit_round.milestones_from)
            expected = "overdue" if by < date(2003, 5, 12) else "unlikely" if by < date(2003, 9, 1) else "on_track"
            assert part.state == expected, part
    states = {one.state for one in standings(world).values()}
    assert "overdue" in states and len(states) > 1
    later = standings(world, now=world.now + timedelta(days=5 * 365))
    assert {one.state for one in later.values()} == {"overdue"}


def test_progress_moves_a_date_and_done_actions_meet_it(world: World) -> None:
    world.answer(CODE, best=False)
    work = world.work(CODE)
    item = next(one for one in work.items if one.criterion.recommendations and one.milestone_due
                and one.milestone_due > date(2003, 7, 1))  # fmt: skip
    sooner = complete_answer(item.scheme, best=False) | {"date_expected": "2003-07-01"}
    save(world, CODE, Edit(item.id, sooner, item.answer.version, "sooner"))
    key, rid = item.criterion.recommendations[0], world.returns[CODE].public_id
    actor = world.actor("signatory")
    planned = actions.plan_action(
        world.write(), rid, item.id, Typed("Train the duty teams", "A", date(2003, 7, 10), "planned"), by=actor,
        now=world.now,
    )  # fmt: skip
    world.session.commit()
    action = planned.public_id
    sign(world, CODE)

    def state() -> str:
        return next(
            part.state for part in standings(world)[key].stand.parts if part.question.id == item.id
        )

    def report(at: datetime, state: str, due: date | None = None) -> None:
        actions.report_progress(world.write(), rid, action, state=state, note="x", due=due, by=actor, now=at)
        world.session.commit()

    assert state() == "on_track"
    report(world.now + timedelta(hours=1), "under_way", date(2006, 1, 1))
    assert state() == "unlikely"
    report(world.now + timedelta(hours=2), "done")
    assert state() == "met"
    # what an inspector finds after that holds, and what was reported before it no longer counts
    submission = world.session.scalars(select(Submission)).one()
    session = world.write()
    grade = item.scheme.grades[1].key  # partly in place
    signed = next(a.grade for a in submission.answers if a.criterion == item.criterion.id)
    assert grade != signed
    session.add(
        Moderation(
            return_id=submission.return_id, submission_id=submission.id, criterion=item.criterion.id, scope_key="",
            version=1, outcome="adjusted", self_grade=signed, grade=grade, reason="Seen on the spot",
            at=world.now + timedelta(hours=3),
        )
    )  # fmt: skip
    session.commit()
    assert state() != "met"


def test_a_checked_grade_holds_over_the_agencys_own(world: World) -> None:
    submission = submitted(world, best=True)
    item = next(one for one in world.work(CODE).items if one.criterion.recommendations)
    session = world.write()
    worst = next(grade for grade in item.scheme.grades if grade.counts_as == "not_met" and not grade.shown_apart)
    session.add(
        Moderation(
            return_id=submission.return_id, submission_id=submission.id, criterion=item.criterion.id, scope_key="",
            version=1, outcome="adjusted", self_grade=item.scheme.grades[0].key, grade=worst.key, reason="Not so",
            at=world.now,
        )
    )  # fmt: skip
    session.commit()
    found = standings(world)
    for key, one in found.items():
        assert (one.state == "met") == (key not in item.criterion.recommendations)


def test_reopening_takes_what_followed_away(world: World) -> None:
    submitted(world)
    actor = world.actor("inspector")
    submissions.reopen(world.write(), world.returns[CODE].public_id, reason="A date", by=actor, now=world.now)
    world.session.commit()
    assert standings(world) == {}


def test_only_ones_own_types_are_read_and_only_by_those_who_may(world: World) -> None:
    for code in world.returns:
        submitted(world, code, best=True, by="signatory" if code == CODE else f"signatory-{code.partition('-')[0]}")
    assert [line.code for line in read(world).lines] == [CODE]
    assert {line.code for line in read(world, "system").lines} == set(world.returns)
    world.session.rollback()
    audit_round = get_round(world.session, world.audit_round.public_id, actor=SYSTEM, now=world.now)
    for name in ("signatory", "coordinator", "outsider", "administrator"):
        with pytest.raises(Denied):
            followed_up(world.session, audit_round, actor=world.actor(name), now=world.now)


def test_narrowed_by_type_milestone_and_area(world: World) -> None:
    submitted(world)
    assert read(world, agency_type="police").lines == []
    assert len(read(world, area="no-such-area").lines) == 0
    narrowed = read(world, milestone="3-months")
    assert 0 < len(narrowed.cited) < len(read(world).cited)
    parts = [part for one in narrowed.lines[0].standings.values() for part in one.stand.parts]
    assert {part.question.milestone for part in parts} == {"3-months"}


def test_the_number_of_statements_does_not_grow(world: World) -> None:
    def count() -> int:
        world.session.rollback()
        world.session.expire_all()
        actor = SYSTEM
        audit_round = get_round(world.session, world.audit_round.public_id, actor=actor, now=world.now)
        made: list[str] = []
        engine = world.session.get_bind()

        def note(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
            made.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        try:
            followed_up(world.session, audit_round, actor=actor, now=world.now)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return len(made)

    submitted(world)
    one = count()
    for code in set(world.returns) - {CODE}:
        submitted(world, code, best=True, by=f"signatory-{code.partition('-')[0]}")
    assert count() == one <= 10


# --- an inspector's word ---------------------------------------------------------------------------------------------


def say(world: World, key: str, state: str = "met", note: str = "Seen on a visit", by: str = "inspector") -> None:
    actor = world.actor(by)
    operations.say(
        world.write(), world.returns[CODE].public_id, key, state=state, note=note, by=actor, now=world.now
    )
    world.session.commit()


def test_a_word_holds_and_what_follows_stays_beside_it(world: World) -> None:
    submitted(world)
    key = first(world)
    say(world, key)
    one = standings(world)[key]
    assert (one.state, one.stand.state) == ("met", "unlikely")
    assert one.word is not None and one.word.note == "Seen on a visit"
    say(world, key, "overdue", "Seen again")
    assert standings(world)[key].state == "overdue"
    actor = world.actor("inspector")
    operations.take_back(world.write(), world.returns[CODE].public_id, key, by=actor, now=world.now)
    world.session.commit()
    assert standings(world)[key].state == "unlikely"
    chain = history(world.session, events.oversight_chain(world.returns[CODE]))
    assert [one.verb for one in chain] == [
        "recommendation.judged", "recommendation.judged", "recommendation.taken_back",
    ]  # fmt: skip
    assert events.verify(list(chain)) is None


def test_a_word_needs_a_reason_a_state_and_a_recommendation_of_the_checklist(world: World) -> None:
    submitted(world)
    key = first(world)
    with pytest.raises(NotPossible, match="rests on"):
        say(world, key, note="  ")
    with pytest.raises(NotPossible, match="states listed"):
        say(world, key, state="splendid")
    with pytest.raises(NotFound):
        say(world, "climbie-inquiry-2003/9999")
    for name in ("signatory", "outsider", "coordinator"):
        with pytest.raises(NotFound):
            say(world, key, by=name)
    world.session.rollback()
    assert world.session.scalars(select(RecommendationStatus)).all() == []


# --- monitoring ------------------------------------------------------------------------------------------------------


def monitor(
    world: World, *codes: str, reason: str = "No dates", by: str = "inspector", recommendation: str = ""
) -> int:
    actor = world.actor(by)
    new = operations.monitor(
        world.write(), [world.returns[code].public_id for code in codes], reason=reason, review_on=REVIEW,
        recommendation=recommendation, by=actor, now=world.now,
    )  # fmt: skip
    world.session.commit()
    return len(new)


def test_monitored_until_cleared_with_a_reason(world: World) -> None:
    submitted(world)
    key = first(world)
    assert monitor(world, CODE) == 1
    assert monitor(world, CODE) == 0  # already
    assert monitor(world, CODE, recommendation=key) == 1
    assert set(read(world).lines[0].monitored) == {"", key}
    actor = world.actor("inspector")
    row = read(world).lines[0].monitored[""].public_id
    with pytest.raises(NotPossible, match="no longer monitored"):
        operations.clear(world.write(), world.returns[CODE].public_id, row, reason=" ", by=actor, now=world.now)
    operations.clear(
        world.write(), world.returns[CODE].public_id, row, reason="Dates given", by=actor, now=world.now
    )
    world.session.commit()
    assert set(read(world).lines[0].monitored) == {key}
    with pytest.raises(NotPossible, match="already"):
        operations.clear(world.write(), world.returns[CODE].public_id, row, reason="Again", by=actor, now=world.now)
    world.session.rollback()
    listed = monitoring_of_round(world.session, world.audit_round, actor=actor, now=world.now)
    assert [one.clear_reason for one in listed] == ["", "Dates given"]
    # cleared, it can be monitored anew
    assert monitor(world, CODE, reason="Slipped again") == 1


def test_what_oversight_does_in_private_stays_out_of_the_agencys_history(world: World) -> None:
    submitted(world)
    before = len(history(world.session, events.chain_of(world.returns[CODE])))
    monitor(world, CODE, reason="SECRET-REASON")
    say(world, first(world), note="SECRET-NOTE")
    world.session.rollback()
    chain = history(world.session, events.chain_of(world.returns[CODE]))
    assert len(chain) == before
    assert world.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "query")).all() == []


def test_monitoring_is_refused_where_it_is_not_ones_own(world: World) -> None:
    submitted(world)
    with pytest.raises(NotFound):
        monitor(world, "police-1")  # asked by another inspectorate
    with pytest.raises(NotFound):
        monitor(world, CODE, by="signatory")
    with pytest.raises(NotPossible, match="at least one"):
        monitor(world)
    with pytest.raises(NotFound):
        monitor(world, CODE, recommendation="climbie-inquiry-2003/9999")


# --- requests for progress -------------------------------------------------------------------------------------------


def ask(world: World, *codes: str, due: date = REVIEW, by: str = "inspector", about: tuple[str, ...] = ()) -> list[str]:
    actor = world.actor(by)
    opened = operations.ask_for_progress(
        world.write(), [world.returns[code].public_id for code in codes], subject="How far are you?",
        text="Please say what is done.", due=due, about=about, by=actor, now=world.now,
    )  # fmt: skip
    ids = [one.public_id for one in opened]
    world.session.commit()
    return ids


def test_a_request_is_answered_and_closed_and_nothing_is_reopened(world: World) -> None:
    submitted(world)
    key = first(world)
    (tid,) = ask(world, CODE, about=(key,))
    rid = world.returns[CODE].public_id
    told = world.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "query")).all()
    assert {one.address for one in told} == {"signatory@agency.example", "lead@agency.example"}
    assert all("Please say" not in one.body for one in told)
    assert read(world).lines[0].requests == 1
    agency, inspector = world.actor("lead"), world.actor("inspector")
    operations.answer(world.write(), rid, tid, text="Half of it.", by=agency, now=world.now)
    world.session.commit()
    audit_return = get_return(world.session, rid, actor=agency, now=world.now)
    (thread,) = threads_of(world.session, audit_return, kinds=("progress",))
    assert (thread.state, thread.about, audit_return.stage) == ("answered", key, "submitted")
    operations.ask_on(world.write(), rid, tid, text="And the rest?", by=inspector, now=world.now)
    world.session.commit()
    operations.close(world.write(), rid, tid, by=inspector, now=world.now)
    world.session.commit()
    assert read(world).lines[0].requests == 0
    (listed,) = progress_requests(world.session, world.audit_round, actor=inspector, now=world.now)
    assert listed.state == "closed"
    with pytest.raises(NotPossible):
        operations.answer(world.write(), rid, tid, text="More", by=agency, now=world.now)


def test_single_actions_of_one_plan_can_be_asked_about(world: World) -> None:
    question = world.work(CODE).items[0].id
    world.answer(CODE, best=False)
    rid, actor, inspector = world.returns[CODE].public_id, world.actor("lead"), world.actor("inspector")
    session = world.write()
    kept, other = (
        actions.plan_action(session, rid, question, Typed(what), by=actor, now=world.now)
        for what in ("Train everybody", "Write it down")
    )
    session.commit()
    sign(world, CODE)

    def asked(*ids: str, of: tuple[str, ...] = (rid,), about: tuple[str, ...] = ()) -> Thread:
        (thread,) = operations.ask_for_progress(
            world.write(), of, subject="How far?", text="Say.", due=REVIEW, about=about, actions=ids, by=inspector,
            now=world.now,
        )  # fmt: skip
        world.session.commit()
        return thread

    thread = asked(kept.public_id, about=(first(world),))
    assert operations.actions_in(thread.about) == {kept.public_id} and first(world) in thread.about.split()
    with pytest.raises(NotFound):
        asked("no-such-action")
    with pytest.raises(NotPossible, match="one agency"):
        asked(kept.public_id, of=(rid, world.returns["police-1"].public_id))
    with pytest.raises(NotPossible, match="5"):
        asked(*(f"action-{place}" for place in range(6)))
    assert other.public_id not in thread.about


def test_whoever_asked_for_progress_is_told_of_the_answer(world: World) -> None:
    submitted(world)
    (tid,) = ask(world, CODE)
    rid = world.returns[CODE].public_id
    operations.answer(world.write(), rid, tid, text="Half of it.", by=world.actor("lead"), now=world.now)
    world.session.commit()
    told = world.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc())).first()
    assert told is not None and told.address == "inspector@agency.example" and "Half of it" not in told.body
    operations.ask_on(world.write(), rid, tid, text="And the rest?", by=world.actor("inspector"), now=world.now)
    world.session.commit()
    again = world.session.scalars(select(OutboxMessage).where(OutboxMessage.id > told.id)).all()
    assert {one.address for one in again} == {"signatory@agency.example", "lead@agency.example"}


def test_who_may_ask_and_who_may_answer(world: World) -> None:
    submitted(world)
    for name in ("signatory", "coordinator", "outsider", "administrator"):
        with pytest.raises(NotFound):
            ask(world, CODE, by=name)
    (tid,) = ask(world, CODE)
    rid = world.returns[CODE].public_id
    for name in ("board", "signatory-police", "coordinator", "inspector", "outsider"):
        with pytest.raises(NotFound):
            operations.answer(world.write(), rid, tid, text="No", by=world.actor(name), now=world.now)
    for name in ("lead", "signatory-police", "coordinator"):
        with pytest.raises(NotFound):
            operations.close(world.write(), rid, tid, by=world.actor(name), now=world.now)


def test_what_cannot_be_asked(world: World) -> None:
    with pytest.raises(NotFound):
        ask(world, CODE)  # nothing was ever submitted: drafts are private
    submitted(world)
    with pytest.raises(NotPossible, match="ahead"):
        ask(world, CODE, due=date(2003, 5, 11))
    with pytest.raises(NotPossible, match="concerned by none"):
        ask(world, CODE, about=("climbie-inquiry-2003/9999",))
    with pytest.raises(NotPossible, match="5"):
        ask(world, CODE, about=tuple(list(standings(world))[:6]))
