"""The end of a round: more time for all, closing, reopening, archiving; and what the clock does by itself."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from app.clock import end_of, today
from app.domain.life import LONDON, NotPossible
from app.domain.message import N_, Message
from app.models import AuditRound
from app.operations import events
from app.operations.mail import Draft, queue_all, way_in
from app.operations.rounds import PlanErrors, locked_round, set_dates
from app.policy import Actor, system_actor
from app.queries.closing import expected_returns, is_closed, shut, to_put_on_record
from app.queries.mail import people_at

LONGEST_REASON = 2000


def extend_round(
    session: Session, public_id: str, *, due: date, closes: date, reason: str, by: Actor, now: datetime
) -> int:
    """More time for all agencies of a round that is open. Returns how many mails are new.

    Agencies that were given time of their own keep the later of the two. Raises NotFound, PlanErrors (by field) and
    NotPossible where the round does not run.
    """
    audit_round = locked_round(session, public_id, by=by, now=now, permission="round.close")
    _check_runs(audit_round, now)
    if errors := check_extension(audit_round, due=due, closes=closes, reason=reason, now=now):
        raise PlanErrors(errors)
    old = {"due": today(audit_round.due).isoformat(), "closes": today(audit_round.closes).isoformat()}
    set_dates(
        audit_round,
        due=audit_round.due if due == today(audit_round.due) else end_of(due),
        closes=audit_round.closes if closes == today(audit_round.closes) else end_of(closes),
    )
    events.append(
        session, events.chain_of(audit_round), "round.extended", by=by, now=now,
        data={"due": due.isoformat(), "closes": closes.isoformat(), "before": old}, texts={"reason": reason.strip()},
    )  # fmt: skip
    session.flush()
    return _tell(
        session, audit_round, "extended", now=now, subject=N_("%(round)s: more time"),
        words=N_("All agencies have more time for “%(round)s”: please submit the audit of %(agency)s by %(due)s."),
    )  # fmt: skip


def check_extension(
    audit_round: AuditRound, *, due: date, closes: date, reason: str, now: datetime
) -> dict[str, Message]:
    """What is wrong with more time for all: field to message; empty when nothing is."""
    errors = {}
    old_due, old_closes = today(audit_round.due), today(audit_round.closes)
    if due < old_due:
        errors["due"] = Message(N_("The due date can only move to a later day: agencies were told %(day)s."),
                                {"day": old_due})  # fmt: skip
    elif due != old_due and due < today(now):
        errors["due"] = Message(N_("The due date has passed. Choose a date from today on."))
    if closes < old_closes:
        errors["closes"] = Message(N_("The closing date can only move to a later day: agencies were told %(day)s."),
                                   {"day": old_closes})  # fmt: skip
    elif closes < due:
        errors["closes"] = Message(N_("The closing date must be the due date or later."))
    elif (due, closes) == (old_due, old_closes):
        errors["due"] = Message(N_("Both dates are as they were. Move one of them to a later day."))
    if wrong := _wrong_reason(reason, N_("Say why there is more time: it stays in the history of the round.")):
        errors["reason"] = wrong
    return errors


def close_round(session: Session, public_id: str, *, by: Actor, now: datetime, reason: str = "") -> int:
    """Close a round: before its closing time with a reason, after it only to put it on record.

    Closed early, it closes now: its grace runs from this minute, and the agencies that have not submitted get a mail.
    Agencies with time of their own keep it. Returns how many mails are new. Raises NotFound and NotPossible.
    """
    audit_round = locked_round(session, public_id, by=by, now=now, permission="round.close")
    if audit_round.stage != "open" or now < audit_round.opens:
        raise NotPossible(N_("This round is not open yet, so it cannot be closed. Change its dates instead."))
    if audit_round.closed_at:
        raise NotPossible(N_("This round is closed already."))
    early = now < audit_round.closes
    reason = reason.strip()
    if early and (wrong := _wrong_reason(reason, N_("Say why the round closes early: it stays in its history."))):
        raise NotPossible(wrong)
    before = audit_round.closes
    if early:
        set_dates(audit_round, due=min(audit_round.due, now), closes=now)
    audit_round.closed_at = now
    events.append(
        session, events.chain_of(audit_round), "round.closed", by=by, now=now,
        data={
            "closes": events.iso(audit_round.closes), "shut_at": events.iso(audit_round.open_until), "early": early,
            "before": events.iso(before),
        },
        texts={"reason": reason[:LONGEST_REASON]} if reason else {},
    )  # fmt: skip
    session.flush()
    if not early:
        return 0
    return _tell(
        session, audit_round, "closed", now=now, subject=N_("%(round)s closes today"),
        words=N_(
            "“%(round)s” closes today, earlier than planned. What %(agency)s has answered stays as it is and can be"
            " read. Until %(time)s, London time, it can still be submitted."
        ),
    )  # fmt: skip


def reopen_round(session: Session, public_id: str, *, to: date, reason: str, by: Actor, now: datetime) -> int:
    """Open a closed round again until the end of a day; agencies that have not submitted get a mail.

    The due date stays, so that a submission counts as late, unless the round closed on it: then it moves along.
    Returns how many mails are new. Raises NotFound, PlanErrors (`to`, `reason`) and NotPossible.
    """
    audit_round = locked_round(session, public_id, by=by, now=now, permission="round.close")
    if not is_closed(audit_round, now=now):
        raise NotPossible(N_("This round is not closed, so it cannot be reopened. Give more time instead."))
    errors = {}
    if to < today(now):
        errors["to"] = Message(N_("The new closing date has passed already. Choose a date from today on."))
    if wrong := _wrong_reason(reason, N_("Say why the round is reopened: it stays in its history.")):
        errors["reason"] = wrong
    if errors:
        raise PlanErrors(errors)
    closes = end_of(to)
    set_dates(audit_round, due=closes if audit_round.due == audit_round.closes else audit_round.due, closes=closes)
    audit_round.closed_at = None
    events.append(
        session, events.chain_of(audit_round), "round.reopened", by=by, now=now,
        data={"closes": to.isoformat(), "due": today(audit_round.due).isoformat()}, texts={"reason": reason.strip()},
    )  # fmt: skip
    session.flush()
    return _tell(
        session, audit_round, "reopened", now=now, subject=N_("%(round)s is open again"),
        words=N_(
            "“%(round)s” is open again until %(closes)s. %(agency)s has not submitted its audit yet: it can now be"
            " finished and submitted."
        ),
    )  # fmt: skip


def archive_round(session: Session, public_id: str, *, by: Actor, now: datetime) -> AuditRound:
    """Put a round away that is closed or never opened: it can be read, and no longer changed. Can be taken back.

    Raises NotFound, and NotPossible while it runs.
    """
    audit_round = locked_round(session, public_id, by=by, now=now, permission="round.close")
    if audit_round.stage == "open" and not shut(audit_round, now=now):
        raise NotPossible(N_("This round still takes answers. Close it first, then archive it."))
    audit_round.archived_at = now
    events.append(session, events.chain_of(audit_round), "round.archived", by=by, now=now)
    session.flush()
    return audit_round


def unarchive_round(session: Session, public_id: str, *, by: Actor, now: datetime) -> AuditRound:
    """Bring an archived round back as it was. Raises NotFound and NotPossible."""
    audit_round = locked_round(session, public_id, by=by, now=now, permission="round.close", archived=True)
    if not audit_round.archived_at:
        raise NotPossible(N_("This round is not archived."))
    audit_round.archived_at = None
    events.append(session, events.chain_of(audit_round), "round.unarchived", by=by, now=now)
    session.flush()
    return audit_round


def put_on_record(session: Session, *, now: datetime) -> int:
    """Put the closing of every round on record that the clock has shut. Returns how many. Safe to run at any time."""
    rounds = to_put_on_record(session, now=now)
    for public_id in rounds:
        close_round(session, public_id, by=system_actor("clock"), now=now)
    return len(rounds)


def _check_runs(audit_round: AuditRound, now: datetime) -> None:
    if audit_round.stage != "open":
        raise NotPossible(N_("This round is not open yet: change its plan instead."))
    if is_closed(audit_round, now=now):
        raise NotPossible(N_("This round is closed. Reopen it, with a new closing date."))


def _wrong_reason(text: str, remedy: str) -> Message | None:
    length = len(text.strip())
    if not length:
        return Message(remedy)
    if length > LONGEST_REASON:
        return Message(
            N_("The reason has %(length)s characters; shorten it to %(limit)s or fewer."),
            {"length": length, "limit": LONGEST_REASON},
        )
    return None


def _tell(
    session: Session, audit_round: AuditRound, what: str, *, subject: str, words: str, now: datetime
) -> int:
    """A mail to signatories and audit leads of all agencies that have not submitted. Returns how many are new."""
    returns = {one.agency_id: one for one in expected_returns(session, audit_round)}
    last = audit_round.open_until.astimezone(LONDON)
    drafts = []
    for one in people_at(session, returns, now=now):
        audit_return = returns[one.agency_id]
        path = f"/returns/{audit_return.public_id}/"
        own = audit_return.extended_to
        about = {
            "round": audit_round.name, "agency": audit_return.agency.name, "time": f"{last:%H:%M}",
            "due": today(max(audit_round.due, own or audit_round.due)),
            "closes": today(max(audit_round.closes, own or audit_round.closes)),
        }  # fmt: skip
        body = [Message(words, about)]
        if own and own > audit_round.closes:
            body.append(Message(N_("The time that %(agency)s was given for itself stays: until %(closes)s."), about))
        drafts.append(
            Draft(
                to=one.user, kind="round_change", audit_return=audit_return, subject=Message(subject, about), body=body,
                link=way_in(one.user, path),
                dedupe_key=f"{what}:{audit_return.public_id}:{one.user.public_id}:{now.isoformat()}",
            )
        )  # fmt: skip
    return queue_all(session, drafts, now=now)
