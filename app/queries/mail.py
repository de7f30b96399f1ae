"""Mail: the outbox, what people want to receive, and who is to be reminded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from app.clock import today
from app.domain.mail import CATCH_UP
from app.domain.paging import paged
from app.models import (
    Appointment,
    Assignment,
    AuditReturn,
    AuditRound,
    MailPreference,
    OutboxMessage,
    Setting,
    User,
)
from app.policy import Actor, require
from app.queries.rounds import PAGE, NotFound, is_merged_clause, like

STATES = ("waiting", "sent", "failed")
ROUND = "round:"  # how the key of a mail begins that invites an agency to a round
RESPONSIBLE = ("accountable_signatory", "audit_lead")


def sends_nothing(session: Session) -> bool:
    """Whether this service is a demonstration: its mails can be read in the outbox and are never sent."""
    return session.get(Setting, "demonstration") is not None


def unwanted(session: Session, user_ids: Collection[int]) -> set[tuple[int, str]]:
    """Which of these people do not want which kind of mail."""
    rows = session.execute(
        select(MailPreference.user_id, MailPreference.kind).where(
            MailPreference.user_id.in_(user_ids), ~MailPreference.wanted
        )
    )
    return {(row.user_id, row.kind) for row in rows}


def person(session: Session, user_id: int | None) -> User | None:
    """The account of an actor; None for the system and for nobody."""
    return session.get(User, user_id) if user_id else None


def person_with(session: Session, email: str) -> User | None:
    """The account with an e-mail address, in whatever case it was typed."""
    return session.scalar(select(User).where(User.email == email.strip().lower()))


@dataclass(frozen=True)
class Responsible:
    """Somebody with an appointment in force at an agency."""

    agency_id: int
    role: str
    user: User


def people_at(
    session: Session, agency_ids: Collection[int], *, now: datetime, roles: Collection[str] = RESPONSIBLE
) -> Sequence[Responsible]:
    """Who holds one of the roles at the agencies on this day, signatories first; one statement however many."""
    day = today(now)
    rows = session.execute(
        select(Appointment.agency_id, Appointment.role, User)
        .join(User, User.id == Appointment.user_id)
        .where(
            Appointment.agency_id.in_(agency_ids),
            Appointment.role.in_(roles),
            Appointment.starts <= day,
            (Appointment.ends.is_(None)) | (Appointment.ends >= day),
        )
        .order_by(Appointment.agency_id, Appointment.role, User.id)
    )
    return [Responsible(row.agency_id, row.role, row.User) for row in rows]


def unfinished_returns(session: Session, *, now: datetime) -> Sequence[AuditReturn]:
    """The returns that are not submitted and whose deadline is ahead, in rounds that run; no demonstration's."""
    return session.scalars(
        select(AuditReturn)
        .join(AuditReturn.audit_round)
        .where(
            AuditReturn.stage.in_(("invited", "started")),
            AuditRound.stage == "open",
            AuditRound.opens <= now,
            AuditRound.archived_at.is_(None),
            or_(AuditRound.due >= now, AuditReturn.extended_to >= now),
            ~is_merged_clause(),
            ~AuditRound.is_demonstration,
        )
        .options(contains_eager(AuditReturn.audit_round), joinedload(AuditReturn.agency))
        .order_by(AuditReturn.id)
    ).all()


def invited_days(session: Session, return_ids: Collection[int], *, now: datetime) -> dict[int, date]:
    """Return to the day on which its agency was last invited by mail, of those invited within the last days."""
    rows = session.execute(
        select(OutboxMessage.return_id, func.max(OutboxMessage.queued_at).label("at"))
        .where(
            OutboxMessage.return_id.in_(return_ids),
            OutboxMessage.dedupe_key.startswith(ROUND),
            OutboxMessage.queued_at > now - CATCH_UP - timedelta(days=1),
        )
        .group_by(OutboxMessage.return_id)
    )
    return {row.return_id: today(row.at) for row in rows}


def still_answering(session: Session, return_ids: Collection[int], *, now: datetime) -> set[tuple[int, int]]:
    """(return, person) of everybody whose share of these returns is open, and who is still appointed there."""
    day = today(now)
    rows = session.execute(
        select(Assignment.return_id, Assignment.user_id)
        .join(AuditReturn, AuditReturn.id == Assignment.return_id)
        .join(
            Appointment,
            (Appointment.user_id == Assignment.user_id) & (Appointment.agency_id == AuditReturn.agency_id),
        )
        .where(
            Assignment.return_id.in_(return_ids),
            Assignment.state.in_(("open", "sent_back")),
            Appointment.starts <= day,
            (Appointment.ends.is_(None)) | (Appointment.ends >= day),
        )
        .distinct()
    )
    return {(row.return_id, row.user_id) for row in rows}


# --- the outbox, for administrators ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outbox:
    """A page of the outbox, and how many messages are in each state."""

    rows: Sequence[OutboxMessage]
    counts: dict[str, int]
    total: int
    page: int
    pages: int


def outbox(session: Session, *, actor: Actor, state: str = "", text: str = "", page: int = 1) -> Outbox:
    """Messages, the newest first, narrowed to a state and to what an address or a subject holds. Raises Denied."""
    require(actor, "service.administer")
    query = select(OutboxMessage)
    if state in STATES:
        query = query.where(OutboxMessage.state == state)
    if text.strip():
        wanted = f"%{like(text.strip())}%"
        query = query.where(
            or_(
                OutboxMessage.address.ilike(wanted, escape="\\"),
                OutboxMessage.subject.ilike(wanted, escape="\\"),
            )
        )
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    page, pages = paged(total, PAGE, page)
    rows = session.scalars(
        query.order_by(OutboxMessage.id.desc()).limit(PAGE).offset((page - 1) * PAGE)
    ).all()
    return Outbox(rows, outbox_counts(session, actor=actor), total, page, pages)


def outbox_counts(session: Session, *, actor: Actor) -> dict[str, int]:
    """How many messages are in each state. Raises Denied."""
    require(actor, "service.administer")
    counts = dict.fromkeys(STATES, 0)
    for state, number in session.execute(
        select(OutboxMessage.state, func.count()).group_by(OutboxMessage.state)
    ):
        counts[state] = number
    return counts


def get_message(session: Session, public_id: str, *, actor: Actor, lock: bool = False) -> OutboxMessage:
    """One message with its person. Raises Denied, NotFound."""
    require(actor, "service.administer")
    query = (
        select(OutboxMessage)
        .where(OutboxMessage.public_id == public_id)
        .options(joinedload(OutboxMessage.user))
    )
    if lock:
        query = query.with_for_update(of=OutboxMessage).execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFound
    return found
