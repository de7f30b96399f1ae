"""Reminders that an oversight body sends to a selection of agencies: previewed first, once a day for each reason."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.business_days import business_days_until
from app.domain.chasing import REASONS, why_left_out
from app.domain.life import NotPossible, check_not_archived
from app.domain.message import N_, Message
from app.models import AuditReturn, AuditRound, Chase, Event, User
from app.operations import events
from app.operations.mail import Draft, queue_all, way_in
from app.policy import Actor
from app.queries.chasing import Case, cases, reminded_on, whom
from app.queries.mail import unwanted
from app.queries.rounds import get_round
from app.queries.sign_in import by_link

BATCH = 200  # rows in one statement


@dataclass(frozen=True)
class Reminder:
    """What one agency would get: a mail to each of these people."""

    case: Case
    drafts: Sequence[Draft]


@dataclass(frozen=True)
class LeftOut:
    """An agency that gets none, and why."""

    case: Case
    why: Message


@dataclass(frozen=True)
class Preview:
    """What sending would do now: exactly these mails, to exactly these people."""

    reason: str
    reminders: Sequence[Reminder]
    left_out: Sequence[LeftOut]

    @property
    def drafts(self) -> list[Draft]:
        """All mails."""
        return [draft for reminder in self.reminders for draft in reminder.drafts]


@dataclass(frozen=True)
class Sent:
    """What sending did: how many agencies, how many mails are in the outbox, and who was left out."""

    agencies: int
    mails: int
    left_out: Sequence[LeftOut]


def preview(
    session: Session, public_id: str, *, reason: str, returns: Collection[str], by: Actor, now: datetime
) -> Preview:
    """Who of the returns (public ids) would get a reminder for a reason, in which words, and who not and why.

    Returns of other rounds, or of types that the actor may not chase, are not in it at all. Changes nothing. Raises
    NotFound, and NotPossible for a reason that does not exist or an empty selection.
    """
    audit_round = get_round(session, public_id, actor=by, now=now, permission="round.chase")
    return _preview(session, audit_round, reason=reason, returns=returns, by=by, now=now)


def _preview(
    session: Session, audit_round: AuditRound, *, reason: str, returns: Collection[str], by: Actor, now: datetime
) -> Preview:
    if reason not in REASONS:
        raise NotPossible(N_("Choose what the reminder is about."))
    chosen = cases(session, audit_round, actor=by, now=now, public_ids=returns)
    if not chosen:
        raise NotPossible(N_("Choose at least one agency."))
    day = today(now)
    done = reminded_on(session, [case.audit_return.id for case in chosen], reason=reason, day=day)
    people = whom(session, chosen, now=now)
    everybody = {user.id: user for users in people.values() for user in users}
    kind = _kind(reason)
    refused = {user_id for user_id, unwanted_kind in unwanted(session, set(everybody)) if unwanted_kind == kind}
    alone = by_link(session, list(everybody.values()), now=now)
    reminders, left_out = [], []
    for case in chosen:
        users = people[case.audit_return.id]
        wanting = [user for user in users if user.id not in refused]
        if why := why_left_out(case.standing, reason, now=now):
            left_out.append(LeftOut(case, why))
        elif case.audit_return.id in done:
            left_out.append(LeftOut(case, Message(N_("It was reminded of this today already."))))
        elif not users:
            left_out.append(LeftOut(case, Message(N_("Nobody is appointed there who could be written to."))))
        elif not wanting:
            left_out.append(LeftOut(case, Message(N_("Everybody there chose not to get such e-mails."))))
        else:
            sender = _sender(audit_round, case, by)
            drafts = [_draft(case, reason, user, sender, now=now, by_link=user.id in alone) for user in wanting]
            reminders.append(Reminder(case, drafts))
    return Preview(reason, reminders, left_out)


def _kind(reason: str) -> str:
    # the outbox drops a `chase` that a submission has overtaken; a query is about what was submitted
    return "query" if reason == "query_overdue" else "chase"


def _sender(audit_round: AuditRound, case: Case, by: Actor) -> str:
    """The body in whose name an agency is reminded: the one that asks its type, the sender's own before others."""
    asking = [
        served.oversight_body
        for served in audit_round.served
        if served.agency_type == case.audit_return.agency_type
    ]
    own = [body for body in asking if body.id in by.body_ids()]
    return (own or asking or [audit_round.owner])[0].name


def _draft(case: Case, reason: str, user: User, sender: str, *, now: datetime, by_link: bool) -> Draft:
    audit_return, standing = case.audit_return, case.standing
    about: dict[str, object] = {
        "round": audit_return.audit_round.name,
        "agency": case.agency.name,
        "body": sender,
        "day": standing.deadline,
        "left": business_days_until(today(now), standing.deadline),
        "complete": standing.complete,
        "asked": standing.asked,
        "number": standing.overdue_queries,
    }
    subject, opening = {
        "past_due": (
            N_("%(round)s: the audit of %(agency)s was due on %(day)s"),
            N_("The audit “%(round)s” of %(agency)s was due on %(day)s and has not been submitted yet."),
        ),
        "returned": (
            N_("%(round)s: the audit of %(agency)s waits to be signed again"),
            N_(
                "The audit “%(round)s” of %(agency)s was returned for correction and has not been signed again. Its"
                " due date is %(day)s."
            ),
        ),
        "not_started": (
            N_("%(round)s: %(agency)s has not started yet"),
            N_("%(agency)s has not started the audit “%(round)s” yet. It is due on %(day)s."),
        ),
        "little_done": (
            N_("%(round)s: the audit of %(agency)s is not finished yet"),
            N_("The audit “%(round)s” of %(agency)s is due on %(day)s and has questions left to answer."),
        ),
        "not_signed": (
            N_("%(round)s: the audit of %(agency)s waits for its signature"),
            N_(
                "Every question of the audit “%(round)s” of %(agency)s is finished. It counts once it is signed and"
                " submitted, which is due on %(day)s."
            ),
        ),
        "query_overdue": (
            N_("%(round)s: a question to %(agency)s waits for an answer"),
            N_(
                "What %(agency)s submitted in “%(round)s” was asked about, and the day by which an answer was hoped"
                " for has passed. Questions that wait: %(number)s."
            ),
        ),
    }[reason]
    body = [Message(opening, about)]
    if reason in ("past_due", "returned", "little_done"):
        body.append(Message(N_("Questions finished: %(complete)s of %(asked)s."), about))
    if reason in ("not_started", "little_done", "not_signed"):
        body.append(Message(N_("Business days left: %(left)s."), about))
    if reason == "query_overdue":
        body.append(Message(N_("Sign in to read what was asked and to answer it.")))
    else:
        body.append(
            Message(N_("If something stands in the way, tell %(body)s: you can be given more time where there is"
                       " a reason."), about)
        )
    body.append(Message(N_("This reminder was sent for %(body)s."), about))
    path = f"/returns/{audit_return.public_id}/"
    return Draft(
        to=user, kind=_kind(reason), subject=Message(subject, about), body=body, audit_return=audit_return,
        link=way_in(user, path, by_link=by_link),
        dedupe_key=f"chase:{reason}:{today(now)}:{audit_return.public_id}:{user.public_id}",
    )  # fmt: skip


def send(
    session: Session, public_id: str, *, reason: str, returns: Collection[str], by: Actor, now: datetime
) -> Sent:
    """Put the reminders of a preview into the outbox, as things stand now.

    An agency gets one for a reason on a London day, whoever sends and however often: a row of the database sees to
    that. Its history says that it was reminded, and of what. Raises as `preview`.
    """
    audit_round = get_round(session, public_id, actor=by, now=now, permission="round.chase")
    check_not_archived(audit_round.archived_at)
    # two senders take turns; saves of answers, which refer to the round, do not wait
    session.execute(select(AuditRound.id).where(AuditRound.id == audit_round.id).with_for_update(key_share=True))
    session.execute(
        select(AuditReturn.id)
        .where(AuditReturn.round_id == audit_round.id, AuditReturn.public_id.in_(returns))
        .order_by(AuditReturn.id)
        .with_for_update()
    )
    plan = _preview(session, audit_round, reason=reason, returns=returns, by=by, now=now)
    new = _record(session, plan, by=by, now=now)
    reminders = [one for one in plan.reminders if one.case.audit_return.id in new]
    mails = queue_all(session, [draft for one in reminders for draft in one.drafts], now=now)
    _tell(session, audit_round, reminders, reason, by=by, now=now)
    session.flush()
    return Sent(len(reminders), mails, plan.left_out)


def _record(session: Session, plan: Preview, *, by: Actor, now: datetime) -> set[int]:
    """A row for each return; those that have one for this reason and day already are not among what comes back."""
    insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert
    rows = [
        {
            "return_id": one.case.audit_return.id,
            "reason": plan.reason,
            "day": today(now),
            "at": now,
            "people": len(one.drafts),
            "by_id": by.user_id,
        }
        for one in plan.reminders
    ]
    new: set[int] = set()
    for start in range(0, len(rows), BATCH):
        new |= set(
            session.scalars(
                insert(Chase)
                .values(rows[start : start + BATCH])
                .on_conflict_do_nothing(index_elements=["return_id", "reason", "day"])
                .returning(Chase.return_id)
            )
        )
    return new


def _tell(
    session: Session, audit_round: AuditRound, reminders: Sequence[Reminder], reason: str, *, by: Actor, now: datetime
) -> None:
    """An event in the history of each agency, one statement for all, and one in that of the round."""
    if not reminders:
        return
    chains = {events.chain_of(one.case.audit_return): one for one in reminders}
    latest = (
        select(Event.chain, func.max(Event.seq).label("seq")).where(Event.chain.in_(chains)).group_by(Event.chain)
    ).subquery()
    heads = {
        row.chain: row
        for row in session.execute(
            select(Event.chain, Event.seq, Event.hash).join(
                latest, (latest.c.chain == Event.chain) & (latest.c.seq == Event.seq)
            )
        )
    }
    session.add_all(
        events.build(
            chain=chain,
            seq=heads[chain].seq + 1,
            previous_hash=heads[chain].hash,
            verb="return.reminded",
            at=now,
            actor=by.label,
            data={"reason": reason, "people": len(one.drafts)},
            texts={},
        )
        for chain, one in chains.items()
    )
    events.append(
        session, events.chain_of(audit_round), "round.reminded", by=by, now=now,
        data={
            "reason": reason,
            "agencies": len(reminders),
            "people": sum(len(one.drafts) for one in reminders),
            "returns": [one.case.audit_return.public_id for one in reminders],
        },
    )  # fmt: skip
