"""The end of a round: grace, more time for all, closing by hand and by the clock, reopening, archiving."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.clock import end_of
from app.domain.life import NotPossible, check_open, is_late, is_shut, with_grace
from app.jobs import clockwork
from app.models import AuditReturn, AuditRound, Event, OutboxMessage
from app.operations import closing, events, rounds, submissions
from app.operations.rounds import PlanErrors, RoundPlan
from app.queries.returns import content_hash, get_return, history, why_closed
from app.queries.rounds import LedgerFilter, NotFound, ledger, number_archived, rounds_for
from tests.world import SYSTEM, World

DUE, CLOSES = date(2003, 6, 16), date(2003, 6, 30)  # of the world's round, with the usual grace of 30 minutes
LAST_IN_TIME = datetime(2003, 6, 16, 23, 29, 59, tzinfo=UTC)  # 00:29:59 on 17 June in London's summer
LAST_OPEN = datetime(2003, 6, 30, 23, 29, 59, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def the_round(world: World) -> AuditRound:
    found = world.session.get(AuditRound, world.audit_round.id)
    assert found is not None
    return found


def of(world: World, code: str) -> AuditReturn:
    return get_return(world.session, world.returns[code].public_id, actor=SYSTEM, now=world.now)


def close(world: World, *, reason: str = "", now: datetime | None = None, by: str = "lead-inspector") -> int:
    actor = world.actor(by)
    told = closing.close_round(
        world.write(), world.audit_round.public_id, reason=reason, by=actor, now=now or world.now
    )
    world.session.commit()
    return told


def submit(world: World, code: str, at: datetime) -> None:
    """Answer as of today, sign at `at`."""
    kind = code.removesuffix("-1")
    who = "signatory" if kind == next(iter(world.pack.agency_types)) else f"signatory-{kind}"
    world.answer(code, by=who)
    shown = content_hash(world.work(code))
    actor = world.actor(who)
    submissions.sign_and_submit(
        world.write(), world.returns[code].public_id, by=actor, now=at, expected_hash=shown, identity_proved=True
    )
    world.session.commit()


def state(world: World, code: str) -> str:
    found = ledger(world.session, the_round(world), actor=SYSTEM, now=world.now, narrowed=LedgerFilter(text=code))
    return found.rows[0].state


def verbs(world: World) -> list[str]:
    return [event.verb for event in history(world.session, events.chain_of(the_round(world)))]


# --- the grace rule --------------------------------------------------------------------------------------------------


def test_grace_is_stored_when_dates_are_set(world: World) -> None:
    audit_round = the_round(world)
    assert (audit_round.grace_minutes, audit_round.late_after, audit_round.shut_at) == (30, LAST_IN_TIME, LAST_OPEN)
    plan = RoundPlan(
        key=audit_round.key, name=audit_round.name, opens=date(2003, 5, 1), due=date(2003, 6, 20), closes=CLOSES,
        milestones_from=audit_round.milestones_from, area_release="on_submission", grace_minutes=60,
    )  # fmt: skip
    submissions.extend(
        world.write(), world.returns["nhs-1"].public_id, to=end_of(date(2003, 7, 10)), by=SYSTEM, now=world.now
    )
    assert of(world, "nhs-1").late_after == end_of(date(2003, 7, 10)) + timedelta(minutes=30)
    rounds.change_plan(world.session, audit_round.public_id, plan, by=SYSTEM, now=world.now)
    world.session.commit()
    audit_round = the_round(world)
    assert audit_round.late_after == end_of(date(2003, 6, 20)) + timedelta(hours=1)
    assert audit_round.shut_at == end_of(CLOSES) + timedelta(hours=1)
    assert of(world, "nhs-1").late_after == end_of(date(2003, 7, 10)) + timedelta(hours=1)
    with pytest.raises(PlanErrors) as wrong:
        rounds.change_plan(
            world.write(), audit_round.public_id, replace(plan, grace_minutes=0), by=SYSTEM, now=world.now
        )
    assert list(wrong.value.errors) == ["grace_minutes"]


@pytest.mark.parametrize("grace", [-1, 1441])
def test_a_grace_out_of_range_is_refused(world: World, grace: int) -> None:
    plan = RoundPlan("k", "n", date(2003, 5, 12), DUE, CLOSES, date(2003, 5, 12), grace_minutes=grace)
    assert list(rounds.check_plan(plan, now=world.now)) == ["grace_minutes"]


def test_in_the_grace_one_is_in_time_and_after_it_late(world: World) -> None:
    submit(world, "council-1", LAST_IN_TIME)
    submit(world, "nhs-1", LAST_IN_TIME + SECOND)
    assert state(world, "council-1") == "submitted"
    assert state(world, "nhs-1") == "late"


def test_answers_are_taken_until_the_grace_is_over(world: World) -> None:
    assert why_closed(of(world, "council-1"), now=LAST_OPEN) is None
    reason = why_closed(of(world, "council-1"), now=LAST_OPEN + SECOND)
    assert reason is not None and "closed on 2003-07-01 at 00:29, London time" in str(reason)
    submissions.extend(
        world.write(), world.returns["council-1"].public_id, to=end_of(date(2003, 7, 4)), by=SYSTEM, now=world.now
    )
    world.session.commit()
    own_last = end_of(date(2003, 7, 4)) + timedelta(minutes=30)
    assert why_closed(of(world, "council-1"), now=own_last) is None
    assert why_closed(of(world, "council-1"), now=own_last + SECOND) is not None


def test_a_round_from_before_there_was_grace_goes_by_its_dates(world: World) -> None:
    audit_round = world.write().get(AuditRound, world.audit_round.id)
    assert audit_round is not None
    audit_round.grace_minutes, audit_round.late_after, audit_round.shut_at = 0, None, None
    world.session.commit()
    submit(world, "council-1", end_of(DUE))
    submit(world, "nhs-1", end_of(DUE) + SECOND)
    assert (state(world, "council-1"), state(world, "nhs-1")) == ("submitted", "late")
    assert why_closed(of(world, "police-1"), now=end_of(CLOSES)) is None
    assert why_closed(of(world, "police-1"), now=end_of(CLOSES) + SECOND) is not None


INSTANTS = st.integers(0, 365 * 86_400).map(lambda after: datetime(2003, 1, 1, tzinfo=UTC) + after * SECOND)


@given(INSTANTS, INSTANTS, st.integers(0, 1440), st.none() | INSTANTS)
def test_grace_never_takes_time_away(
    at: datetime, until: datetime, grace: int, own: datetime | None
) -> None:
    """Who is in time, or open, without grace is so with it; so it is with time of one's own."""
    more = with_grace(until, grace)
    if is_late(submitted_at=at, due=more, extended_to=own):
        assert is_late(submitted_at=at, due=until, extended_to=None)

    def open_at(open_until: datetime, own_until: datetime | None) -> bool:
        try:
            check_open(
                stage="open", opens=datetime(2002, 1, 1, tzinfo=UTC), open_until=open_until, own_until=own_until, now=at
            )
        except NotPossible:
            return False
        return True

    assert open_at(more, own) or not open_at(until, None)
    assert open_at(until, None) is not is_shut(open_until=until, closed_at=None, now=at)


# --- more time for all -----------------------------------------------------------------------------------------------


def test_more_time_for_all_tells_those_who_have_not_submitted(world: World) -> None:
    submit(world, "council-1", world.now)
    actor = world.actor("lead-inspector")
    told = closing.extend_round(
        world.write(), world.audit_round.public_id, due=date(2003, 7, 1), closes=date(2003, 7, 14),
        reason=" Floods in the north. ", by=actor, now=world.now,
    )  # fmt: skip
    world.session.commit()
    assert told == len(world.returns) - 1  # a signatory at each of the others
    audit_round = the_round(world)
    assert audit_round.late_after == end_of(date(2003, 7, 1)) + timedelta(minutes=30)
    mails = world.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "round_change")).all()
    assert len(mails) == told
    assert all("1 July 2003" in mail.body and "Floods" not in mail.body for mail in mails)
    assert world.returns["council-1"].id not in {mail.return_id for mail in mails}
    event = history(world.session, events.chain_of(audit_round))[-1]
    assert event.verb == "round.extended" and event.data["before"] == {"due": "2003-06-16", "closes": "2003-06-30"}
    assert {text.name: text.text for text in event.texts} == {"reason": "Floods in the north."}


@pytest.mark.parametrize(
    ("due", "closes", "reason", "field"),
    [
        (date(2003, 6, 15), CLOSES, "x", "due"),
        (DUE, date(2003, 6, 29), "x", "closes"),
        (date(2003, 7, 2), CLOSES, "x", "closes"),
        (DUE, CLOSES, "x", "due"),
        (DUE, date(2003, 7, 1), " ", "reason"),
        (DUE, date(2003, 7, 1), "x" * 2001, "reason"),
    ],
)  # fmt: skip
def test_time_is_only_ever_added(world: World, due: date, closes: date, reason: str, field: str) -> None:
    with pytest.raises(PlanErrors) as wrong:
        closing.extend_round(
            world.write(), world.audit_round.public_id, due=due, closes=closes, reason=reason, by=SYSTEM, now=world.now
        )
    assert list(wrong.value.errors) == [field]


# --- closing ---------------------------------------------------------------------------------------------------------


def test_closing_early_needs_a_reason_and_gives_its_grace(world: World) -> None:
    with pytest.raises(NotPossible, match="Say why"):
        close(world)
    told = close(world, reason="The inquiry has ended.")
    assert told == len(world.returns) + 1  # one agency has an audit lead beside its signatory
    audit_round = the_round(world)
    assert audit_round.closes == audit_round.due == audit_round.closed_at == world.now
    assert audit_round.shut_at == world.now + timedelta(minutes=30)
    assert why_closed(of(world, "council-1"), now=world.now + timedelta(minutes=30)) is None
    assert why_closed(of(world, "council-1"), now=world.now + timedelta(minutes=30, seconds=1)) is not None
    # a demonstration's clock starts the day again: closed stays closed
    assert why_closed(of(world, "council-1"), now=world.now - timedelta(hours=3)) is not None
    with pytest.raises(NotPossible, match="already"):
        close(world, reason="Again.")
    mail = world.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "round_change")).first()
    assert mail is not None and "10:30, London time" in mail.body and "inquiry" not in mail.body


def test_what_was_submitted_before_an_early_closing_is_not_late(world: World) -> None:
    submit(world, "council-1", world.now)
    later = world.now + timedelta(hours=1)
    close(world, reason="The inquiry has ended.", now=later)
    world.now = later
    submit(world, "nhs-1", later + timedelta(minutes=20))
    assert (state(world, "council-1"), state(world, "nhs-1")) == ("submitted", "submitted")


def test_an_agency_with_time_of_its_own_keeps_it_when_the_round_closes(world: World) -> None:
    submissions.extend(
        world.write(), world.returns["nhs-1"].public_id, to=end_of(date(2003, 7, 10)), by=SYSTEM, now=world.now
    )
    world.session.commit()
    close(world, reason="Early.")
    day_after = world.now + timedelta(days=1)
    assert why_closed(of(world, "nhs-1"), now=day_after) is None
    assert why_closed(of(world, "council-1"), now=day_after) is not None


def test_only_a_lead_inspector_of_the_round_closes_it(world: World) -> None:
    for who in ("inspector", "outsider", "signatory", "coordinator", "administrator"):
        with pytest.raises(NotFound):
            close(world, reason="x", by=who)


def test_a_round_that_is_not_open_yet_cannot_be_closed(world: World) -> None:
    with pytest.raises(NotPossible, match="not open yet"):
        close(world, reason="x", now=datetime(2003, 4, 30, 12, tzinfo=UTC))


def test_the_clock_puts_a_closing_on_record_once(world: World) -> None:
    assert closing.put_on_record(world.write(), now=LAST_OPEN) == 0
    assert closing.put_on_record(world.session, now=LAST_OPEN + SECOND) == 1
    assert closing.put_on_record(world.session, now=LAST_OPEN + 2 * SECOND) == 0
    world.session.commit()
    audit_round = the_round(world)
    assert audit_round.closed_at == LAST_OPEN + SECOND and audit_round.closes == end_of(CLOSES)
    event = history(world.session, events.chain_of(audit_round))[-1]
    assert (event.verb, event.actor, event.data["early"]) == ("round.closed", "system:clock", False)
    assert world.session.scalar(
        select(func.count(OutboxMessage.id)).where(OutboxMessage.kind == "round_change")
    ) == 0  # fmt: skip


def test_the_workers_tick_does_what_is_due_and_nothing_else(app: Flask, world: World) -> None:
    world.session.rollback()
    assert clockwork.tick(app) == {}
    rounds.set_dates(the_round_to_write(world), due=world.now - timedelta(days=2), closes=world.now - timedelta(days=1))
    world.session.commit()
    assert clockwork.tick(app) == {"rounds closed": 1}
    assert clockwork.tick(app) == {}
    assert "round.closed" in verbs(world)


def the_round_to_write(world: World) -> AuditRound:
    world.write()
    return the_round(world)


# --- reopening -------------------------------------------------------------------------------------------------------


def test_reopening_opens_again_with_the_due_date_as_it_was(world: World) -> None:
    with pytest.raises(NotPossible, match="not closed"):
        closing.reopen_round(
            world.write(), world.audit_round.public_id, to=date(2003, 7, 7), reason="x", by=SYSTEM, now=world.now
        )
    submit(world, "council-1", world.now)
    now = LAST_OPEN + timedelta(days=1)
    with pytest.raises(PlanErrors) as wrong:
        closing.reopen_round(
            world.write(), world.audit_round.public_id, to=date(2003, 6, 30), reason="", by=SYSTEM, now=now
        )
    assert set(wrong.value.errors) == {"to", "reason"}
    told = closing.reopen_round(
        world.write(), world.audit_round.public_id, to=date(2003, 7, 7), reason="Two forces asked.", by=SYSTEM, now=now
    )
    world.session.commit()
    assert told == len(world.returns) - 1
    audit_round = the_round(world)
    assert (audit_round.closes, audit_round.due, audit_round.closed_at) == (
        end_of(date(2003, 7, 7)), end_of(DUE), None,
    )  # fmt: skip
    assert why_closed(of(world, "nhs-1"), now=now) is None
    submit_late = now + timedelta(hours=1)
    submit(world, "nhs-1", submit_late)
    assert state(world, "nhs-1") == "late"


def test_a_round_closed_early_and_reopened_is_due_when_it_closes(world: World) -> None:
    close(world, reason="By mistake.")
    closing.reopen_round(
        world.write(), world.audit_round.public_id, to=CLOSES, reason="It was a mistake.", by=SYSTEM, now=world.now
    )
    world.session.commit()
    audit_round = the_round(world)
    assert audit_round.due == audit_round.closes == end_of(CLOSES) and audit_round.shut_at == LAST_OPEN
    assert verbs(world)[-2:] == ["round.closed", "round.reopened"]


def test_the_plan_of_a_closed_round_keeps_its_dates_and_takes_the_rest(world: World) -> None:
    audit_round = the_round(world)
    now = LAST_OPEN + timedelta(days=1)
    plan = RoundPlan(
        key=audit_round.key, name="Renamed", opens=date(2003, 5, 1), due=DUE, closes=CLOSES,
        milestones_from=audit_round.milestones_from, area_release="never",
    )  # fmt: skip
    rounds.change_plan(world.write(), audit_round.public_id, plan, by=SYSTEM, now=now)
    world.session.commit()
    assert the_round(world).name == "Renamed" and the_round(world).shut_at == LAST_OPEN
    with pytest.raises(PlanErrors) as wrong:
        rounds.change_plan(
            world.write(), audit_round.public_id,
            replace(plan, due=date(2003, 7, 3), closes=date(2003, 7, 9), grace_minutes=90), by=SYSTEM, now=now,
        )  # fmt: skip
    assert set(wrong.value.errors) == {"due", "closes", "grace_minutes"}


# --- archiving -------------------------------------------------------------------------------------------------------


def test_an_archived_round_leaves_the_list_and_nothing_in_it_changes(world: World) -> None:
    rid = world.audit_round.public_id
    lead = world.actor("lead-inspector")
    with pytest.raises(NotPossible, match="still takes answers"):
        closing.archive_round(world.write(), rid, by=lead, now=world.now)
    submit(world, "council-1", world.now)
    now = LAST_OPEN + timedelta(days=1)
    closing.archive_round(world.write(), rid, by=lead, now=now)
    world.session.commit()
    assert rounds_for(world.session, actor=lead) == []
    assert [one.public_id for one in rounds_for(world.session, actor=lead, archived=True)] == [rid]
    assert number_archived(world.session, actor=lead) == 1
    assert number_archived(world.session, actor=world.actor("outsider")) == 0
    before = world.session.scalar(select(func.count(Event.id)))
    code = world.returns["council-1"].public_id
    refused = [
        lambda session: submissions.reopen(session, code, reason="x", by=lead, now=now),
        lambda session: submissions.extend(session, code, to=end_of(date(2003, 9, 1)), by=lead, now=now),
        lambda session: rounds.add_agencies(session, rid, [], by=lead, now=now),
        lambda session: closing.archive_round(session, rid, by=lead, now=now),
        lambda session: closing.reopen_round(session, rid, to=date(2003, 9, 1), reason="x", by=lead, now=now),
    ]
    for act in refused:
        with pytest.raises(NotPossible, match="archived"):
            act(world.write())
    world.session.rollback()
    assert world.session.scalar(select(func.count(Event.id))) == before
    reason = why_closed(of(world, "nhs-1"), now=world.now)
    assert reason is not None and "archived" in str(reason)
    closing.unarchive_round(world.write(), rid, by=lead, now=now)
    world.session.commit()
    assert [one.public_id for one in rounds_for(world.session, actor=lead)] == [rid]
    submissions.reopen(world.write(), code, reason="x", by=lead, now=now)


def test_the_chain_of_a_round_stays_whole(world: World) -> None:
    close(world, reason="Early.")
    now = world.now + timedelta(days=1)
    closing.archive_round(world.write(), world.audit_round.public_id, by=SYSTEM, now=now)
    closing.unarchive_round(world.session, world.audit_round.public_id, by=SYSTEM, now=now)
    world.session.commit()
    assert verbs(world)[-3:] == ["round.closed", "round.archived", "round.unarchived"]
    assert events.verify(list(history(world.session, events.chain_of(the_round(world))))) is None
