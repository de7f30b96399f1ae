"""Who is behind and why, reminders once a day for each reason, and the response over time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import end_of
from app.domain.business_days import business_days_until
from app.domain.chasing import REASONS, Standing, fits, horizon, reasons_of, why_left_out
from app.domain.life import NotPossible
from app.models import Agency, AuditReturn, Chase, Event, MailPreference, Merger, OutboxMessage, Thread
from app.operations import chasing, events, outbox, submissions
from app.queries.chasing import ChaseFilter, cases, chase_list, response_over_time
from app.queries.returns import history
from app.queries.rounds import NotFound
from tests.operations.test_at_once import together  # noqa: F401
from tests.world import SYSTEM, World

FRIDAY = datetime(2003, 6, 13, 9, 0, tzinfo=UTC)  # one business day before the due date, Monday 16 June


@pytest.fixture
def late(world: World) -> World:
    """The world shortly before its due date; all mails of before are gone."""
    for mail in world.write().scalars(select(OutboxMessage)):
        world.session.delete(mail)
    world.session.commit()
    world.now = FRIDAY
    return world


def ids(world: World, *codes: str) -> list[str]:
    """Public ids of returns; of all without codes."""
    return [world.returns[code].public_id for code in codes or world.returns]


def send(world: World, reason: str, *codes: str, by: str = "inspector") -> chasing.Sent:
    """Remind agencies of something and commit."""
    actor = world.actor(by)
    sent = chasing.send(
        world.write(), world.audit_round.public_id, reason=reason, returns=ids(world, *codes), by=actor, now=world.now
    )
    world.session.commit()
    return sent


def listed(world: World, **narrowed: Any) -> dict[str, tuple[str, ...]]:
    """Agency code to reasons, of the list to chase."""
    found = chase_list(
        world.session, world.audit_round, actor=world.actor("inspector"), now=world.now,
        narrowed=ChaseFilter(**narrowed),
    )  # fmt: skip
    return {case.agency.code: case.reasons for case in found.rows}


def sign(world: World, code: str, at: datetime) -> None:
    """Answer, sign and submit a return at an instant."""
    from tests.operations.test_returns import sign as sign_it

    by = "signatory" if code == "council-1" else f"signatory-{code.removesuffix('-1')}"
    now, world.now = world.now, at
    world.answer(code, by=by)
    sign_it(world, code, by=by)
    world.now = now


# --- who is behind ---------------------------------------------------------------------------------------------------


def standing(**changes: Any) -> Standing:
    """A return that was not started, due on 16 June 2003."""
    usual: dict[str, Any] = {
        "stage": "invited", "asked": 20, "complete": 0, "deadline": date(2003, 6, 16),
        "late_after": end_of(date(2003, 6, 16)), "is_shut": False, "was_returned": False, "overdue_queries": 0,
        "is_merged": False,
    }  # fmt: skip
    return Standing(**usual | changes)


def test_the_reasons_follow_from_stage_time_and_progress() -> None:
    until = date(2003, 6, 30)
    late = end_of(date(2003, 6, 16)) + timedelta(seconds=1)

    def reasons(
        now: datetime = FRIDAY, until: date = until, soon: date = date(2003, 6, 15), **changes: Any
    ) -> tuple[str, ...]:
        return reasons_of(standing(**changes), now=now, until=until, soon=soon)

    assert reasons() == ("not_started",)
    assert reasons(until=date(2003, 6, 15)) == ()
    assert reasons(late) == ("past_due",)
    assert reasons(end_of(date(2003, 6, 16))) == ("not_started",), "the last second is in time"
    assert reasons(stage="started", complete=9) == ("little_done",)
    assert reasons(stage="started", complete=10) == ()
    assert reasons(stage="started", complete=19, soon=date(2003, 6, 16)) == ("little_done",), "hardly any time left"
    assert reasons(stage="started", complete=20, soon=date(2003, 6, 16)) == ("not_signed",)
    assert reasons(stage="started", complete=20) == ("not_signed",)
    assert reasons(stage="started", complete=20, until=date(2003, 6, 15)) == ()
    assert reasons(stage="started", complete=20, was_returned=True) == ("returned",)
    assert reasons(late, stage="started", was_returned=True) == ("past_due", "returned")
    assert reasons(late, stage="submitted", overdue_queries=2) == ("query_overdue",)
    assert reasons(late, stage="nil") == reasons(late, is_merged=True) == ()


def test_whoever_is_left_out_is_told_why_and_nobody_else() -> None:
    for now in (FRIDAY, FRIDAY + timedelta(days=10)):
        for stage in ("invited", "started", "submitted", "nil"):
            for more in ({}, {"was_returned": True}, {"is_merged": True}, {"overdue_queries": 1}, {"complete": 20}):
                one = standing(stage=stage, **more)
                for reason in REASONS:
                    why = why_left_out(one, reason, now=now)
                    assert (why is None) == fits(one, reason, now=now), (stage, more, reason)
                    assert why is None or str(why)
    assert "give it more time" in str(why_left_out(standing(is_shut=True), "past_due", now=FRIDAY))


def test_the_horizon_is_the_last_day_within_so_many_business_days() -> None:
    for start in (date(2003, 6, 13), date(2003, 12, 23), date(2004, 4, 7)):
        for number in (0, 1, 5, 10):
            last = horizon(start, number)
            assert business_days_until(start, last) <= number
            assert business_days_until(start, last + timedelta(days=1)) == number + 1


def test_the_list_holds_own_types_past_due_returned_and_overdue_queries(late: World) -> None:
    assert listed(late) == dict.fromkeys(late.returns, ("not_started",))
    assert listed(late, within=0) == {}
    sign(late, "council-1", FRIDAY)
    assert "council-1" not in listed(late)
    actor = late.actor("inspector")
    submissions.reopen(late.write(), *ids(late, "council-1"), reason="Correct it", by=actor, now=FRIDAY)
    late.session.commit()
    assert listed(late)["council-1"] == ("returned",)
    assert list(listed(late, reason="returned")) == ["council-1"]
    sign(late, "police-1", FRIDAY)
    thread = Thread(
        return_id=late.returns["police-1"].id, kind="query", subject="Why?", due=date(2003, 6, 12), opened_at=FRIDAY
    )
    late.write().add(thread)
    late.session.commit()
    assert listed(late)["police-1"] == ("query_overdue",)
    late.session.get(Thread, thread.id).state = "answered"  # type: ignore[union-attr]
    late.session.commit()
    assert "police-1" not in listed(late)
    late.now = FRIDAY + timedelta(days=5)
    assert listed(late)["council-1"] == ("past_due", "returned")
    # one that has more time is not late, and not behind while that is far away
    late.write().get(AuditReturn, late.returns["nhs-1"].id).extended_to = FRIDAY + timedelta(days=60)  # type: ignore[union-attr]
    late.session.commit()
    assert "nhs-1" not in listed(late)


def test_nobody_of_another_body_sees_or_sends(late: World) -> None:
    outsider = late.actor("outsider")
    rid = late.audit_round.public_id
    for name in ("outsider", "signatory", "coordinator", "administrator"):
        actor = late.actor(name)
        for operation in (chasing.preview, chasing.send):
            with pytest.raises(NotFound):
                operation(late.write(), rid, reason="not_started", returns=ids(late), by=actor, now=late.now)
    assert late.session.scalars(select(Chase)).all() == [] and outsider.body_ids()


def test_an_inspector_of_one_body_chases_the_types_that_it_asks(session: Session) -> None:
    from tests.world import build

    world = build(session, pack_key="climbie-2003")
    world.now = FRIDAY
    everybody = cases(world.session, world.audit_round, actor=SYSTEM, now=world.now)
    mine = cases(world.session, world.audit_round, actor=world.actor("inspector"), now=world.now)
    types = {case.audit_return.agency_type for case in mine}
    asked = {s.agency_type for s in world.audit_round.served if s.oversight_body_id == world.body.id}
    assert types == asked and len(mine) < len(everybody)
    foreign = [case for case in everybody if case.audit_return.agency_type not in asked]
    actor = world.actor("inspector")
    with pytest.raises(NotPossible, match="at least one agency"):
        chasing.send(
            world.write(), world.audit_round.public_id, reason="not_started",
            returns=[case.audit_return.public_id for case in foreign], by=actor, now=world.now,
        )  # fmt: skip


# --- reminders -------------------------------------------------------------------------------------------------------


def test_a_reminder_goes_out_once_a_day_for_each_reason_and_is_on_record(late: World) -> None:
    sent = send(late, "not_started", "council-1", "police-1")
    assert (sent.agencies, sent.mails, sent.left_out) == (2, 3, [])
    again = send(late, "not_started", by="lead-inspector")
    assert again.agencies == 4 and [str(one.why) for one in again.left_out] == [
        "It was reminded of this today already."
    ] * 2
    assert send(late, "not_started").agencies == 0
    late.now += timedelta(days=1)
    assert send(late, "not_started", "council-1").agencies == 1
    rows = late.session.scalars(select(Chase)).all()
    assert len(rows) == 7 and {row.people for row in rows} == {1, 2}
    chain = history(late.session, f"return:{ids(late, 'council-1')[0]}")
    assert [event.data for event in chain if event.verb == "return.reminded"] == [
        {"reason": "not_started", "people": 2}
    ] * 2
    assert events.verify(list(chain)) is None
    whole = history(late.session, f"round:{late.audit_round.public_id}")
    assert [e.data["agencies"] for e in whole if e.verb == "round.reminded"] == [2, 4, 1]
    assert events.verify(list(whole)) is None


def test_a_preview_changes_nothing_and_is_what_is_sent(late: World) -> None:
    actor = late.actor("inspector")
    before = late.session.scalar(select(Event.id).order_by(Event.id.desc()).limit(1))
    shown = chasing.preview(
        late.session, late.audit_round.public_id, reason="not_started", returns=ids(late), by=actor, now=late.now
    )
    late.session.commit()
    assert late.session.scalar(select(Event.id).order_by(Event.id.desc()).limit(1)) == before
    assert late.session.scalars(select(OutboxMessage)).all() == []
    send(late, "not_started")
    from app.operations.mail import written

    stored = {(mail.address, mail.subject, mail.body) for mail in late.session.scalars(select(OutboxMessage))}
    assert stored == {(draft.to.email, *written(draft, "en")) for draft in shown.drafts}


def test_whoever_cannot_or_need_not_be_reminded_is_left_out_with_the_reason(late: World) -> None:
    sign(late, "council-1", FRIDAY)
    session = late.write()
    nhs, police = late.returns["nhs-1"], late.returns["police-1"]
    merged = session.get(AuditReturn, nhs.id)
    other = session.scalars(select(Agency).where(Agency.code == "police-1")).one()
    session.add(Merger(return_id=merged.id, into_id=other.id, merged_on=FRIDAY.date(), reason="Merged", at=FRIDAY))  # type: ignore[union-attr]
    session.add(MailPreference(user_id=late.people["signatory-police"].id, kind="chase", wanted=False))
    late.people["signatory-school"].active = False
    session.commit()
    sent = send(late, "not_started")
    why = {one.case.agency.code: str(one.why) for one in sent.left_out}
    assert why == {
        "council-1": "It has been submitted.",
        "nhs-1": "It was merged into another agency.",
        "police-1": "Everybody there chose not to get such e-mails.",
        "school-1": "Nobody is appointed there who could be written to.",
    }
    assert sent.agencies == 2 and police.id
    for reason in ("", "nonsense"):
        with pytest.raises(NotPossible, match="what the reminder is about"):
            send(late, reason)


def test_two_browsers_at_once_remind_once(late: World, together: Callable[..., list[Any]]) -> None:  # noqa: F811
    actors = [late.actor(name) for name in ("inspector", "lead-inspector", "inspector", "lead-inspector")]
    chosen, rid, now = ids(late), late.audit_round.public_id, late.now
    late.session.rollback()

    def sender(actor: Any) -> Callable[[Session], int]:
        return lambda session: chasing.send(
            session, rid, reason="not_started", returns=chosen, by=actor, now=now
        ).agencies

    results = together(*map(sender, actors))
    assert sorted(results) == [0, 0, 0, 6], results
    late.session.rollback()
    assert len(late.session.scalars(select(Chase)).all()) == 6
    mails = late.session.scalars(select(OutboxMessage.address)).all()
    assert len(mails) == len(set(mails)) == 7
    for public_id in chosen:
        assert events.verify(list(history(late.session, f"return:{public_id}"))) is None


def test_a_reminder_that_a_submission_has_overtaken_is_not_sent(late: World) -> None:
    send(late, "not_started")
    waiting = {mail.return_id for mail in late.session.scalars(select(OutboxMessage))}
    assert late.returns["council-1"].id in waiting
    sign(late, "council-1", FRIDAY)
    taken = []
    while claimed := outbox.claim(late.write(), now=FRIDAY, link_to=lambda _user, marker: marker):
        outbox.record_sent(late.session, claimed, "", now=FRIDAY)
        late.session.commit()
        taken.append(claimed.mail)
    late.session.commit()
    council = [mail for mail in taken if "Fictional council one" in mail.subject]
    assert {mail.subject for mail in council} == {"Test round: the audit of Fictional council one is submitted"}
    assert len([mail for mail in taken if "has not started yet" in mail.subject]) == 5
    assert [mail.state for mail in late.session.scalars(select(OutboxMessage))] == ["sent"] * len(taken)


# --- the response over time ------------------------------------------------------------------------------------------


def test_the_response_counts_what_stood_at_the_end_of_each_day(late: World) -> None:
    sign(late, "council-1", datetime(2003, 5, 12, 22, 59, tzinfo=UTC))
    sign(late, "police-1", FRIDAY - timedelta(days=1))
    actor = late.actor("inspector")
    submissions.reopen(late.write(), *ids(late, "police-1"), reason="Correct it", by=actor, now=FRIDAY)
    submissions.set_nil(late.session, *ids(late, "nhs-1"), reason="Nothing to return", by=actor, now=FRIDAY)
    late.session.commit()
    found = response_over_time(late.session, late.audit_round, actor=actor, now=late.now)
    assert found.days[0] == date(2003, 5, 1) and found.days[-1] == date(2003, 6, 13)
    courses = {course.agency_type: dict(zip(found.days, course.totals, strict=True)) for course in found.courses}
    assert "nhs" not in courses
    assert (courses["council"][date(2003, 5, 11)], courses["council"][date(2003, 5, 12)]) == (0, 1)
    police = courses["police"]
    assert [police[date(2003, 6, day)] for day in (11, 12, 13)] == [0, 1, 0]
    late.now = datetime(2004, 1, 1, tzinfo=UTC)
    assert response_over_time(late.session, late.audit_round, actor=actor, now=late.now).days[-1] == date(2003, 6, 30)
