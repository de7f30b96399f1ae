"""Reading rounds: lists, one round, its response ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from app.clock import today
from app.domain.paging import paged
from app.models import (
    Agency,
    AgencyInArea,
    Appointment,
    Area,
    AuditReturn,
    AuditRound,
    Merger,
    RoundTemplate,
    Submission,
    SubmissionVoided,
    User,
)
from app.policy import Actor, RoundFacts, allows, require
from app.queries.own_types import types_where

LEDGER_STATES = ("not_started", "in_progress", "submitted", "late", "nil", "merged")
PAGE = 50


class NotFound(Exception):
    """There is no such thing, or the actor may not know that there is: both look alike."""


def round_facts(
    session: Session, audit_round: AuditRound, *, now: datetime, agencies: bool = False
) -> RoundFacts:
    """What policy needs to know of a round; its agencies only where asked for."""
    ids: frozenset[int] = frozenset()
    if agencies:
        ids = frozenset(
            session.scalars(select(AuditReturn.agency_id).where(AuditReturn.round_id == audit_round.id))
        )
    return RoundFacts(
        body_ids=frozenset(served.oversight_body_id for served in audit_round.served),
        owner_id=audit_round.owner_id,
        agency_ids=ids,
        findings_from=audit_round.findings_from,
        now=now,
    )


def _rounds() -> Select[AuditRound]:
    return select(AuditRound).options(
        selectinload(AuditRound.served).joinedload(RoundTemplate.oversight_body),
        joinedload(AuditRound.pack_version),
        joinedload(AuditRound.owner),
    )


# made once, and one statement: nearly every page of oversight begins with it
_ROUND = (
    select(AuditRound)
    .options(
        joinedload(AuditRound.served).joinedload(RoundTemplate.oversight_body),
        joinedload(AuditRound.pack_version),
        joinedload(AuditRound.owner),
    )
    .where(AuditRound.public_id == bindparam("public_id"))
)


def rounds_for(session: Session, *, actor: Actor, archived: bool = False) -> Sequence[AuditRound]:
    """The rounds that the actor's oversight bodies own or take part in, newest first; those archived, or the others."""
    return session.scalars(
        _rounds()
        .where(_of_bodies(actor), AuditRound.archived_at.is_not(None) == archived)
        .order_by(AuditRound.opens.desc(), AuditRound.id.desc())
    ).all()


def number_archived(session: Session, *, actor: Actor) -> int:
    """How many rounds of the actor's oversight bodies are archived."""
    return session.scalar(
        select(func.count(AuditRound.id)).where(_of_bodies(actor), AuditRound.archived_at.is_not(None))
    ) or 0  # fmt: skip


def _of_bodies(actor: Actor) -> ColumnElement[bool]:
    bodies = actor.body_ids()
    mine = select(RoundTemplate.round_id).where(RoundTemplate.oversight_body_id.in_(bodies))
    return or_(AuditRound.id.in_(mine), AuditRound.owner_id.in_(bodies))


def get_round(
    session: Session, public_id: str, *, actor: Actor, now: datetime, permission: str = "round.read"
) -> AuditRound:
    """One round by its public id. Raises NotFound where there is none or the actor may not."""
    audit_round = session.scalars(_ROUND, {"public_id": public_id}).unique().one_or_none()
    if audit_round is None:
        raise NotFound
    wants_agencies = permission == "findings.read"
    if not allows(actor, permission, round_facts(session, audit_round, now=now, agencies=wants_agencies)):
        raise NotFound
    return audit_round


def round_by_key(session: Session, key: str) -> AuditRound | None:
    """A round by its key, for commands; operations and findings ask policy themselves."""
    return session.scalar(_rounds().where(AuditRound.key == key))


# made once: SQLAlchemy takes longer to put an alias together than the database to answer
_LATER, _LATER_VOIDED = aliased(Submission), aliased(SubmissionVoided)
# SQL: of a return's submissions that were not set aside, the latest
IN_FORCE = and_(
    ~select(SubmissionVoided.id).where(SubmissionVoided.submission_id == Submission.id).exists(),
    ~select(_LATER.id)
    .outerjoin(_LATER_VOIDED)
    .where(
        _LATER.return_id == Submission.return_id, _LATER.number > Submission.number, _LATER_VOIDED.id.is_(None)
    )
    .exists(),
)


def is_late_clause(audit_round: AuditRound | type[AuditRound]) -> ColumnElement[bool]:
    """SQL: the return was submitted after its own due date. Derived from stored dates, never in a loop."""
    return (AuditReturn.stage == "submitted") & (AuditReturn.submitted_at > own_due(audit_round))


def own_due(audit_round: AuditRound | type[AuditRound]) -> ColumnElement[datetime]:
    """SQL: the last instant at which a submission of the return is in time; its own extension and grace count."""
    due = audit_round.in_time_until
    own = func.coalesce(AuditReturn.late_after, AuditReturn.extended_to)
    return case((own > due, own), else_=due)


def is_merged_clause() -> ColumnElement[bool]:
    """SQL: the agency of the return was merged into another."""
    return select(Merger.id).where(Merger.return_id == AuditReturn.id).exists()


Counts = dict[tuple[str, str], dict[str, int]]


def response_counts(session: Session, rounds: Sequence[AuditRound]) -> dict[int, Counts]:
    """Round id to (agency type, subtype) to ledger state to number, one statement however many rounds.

    The caller got the rounds through a query that asked policy.
    """
    state = _state(AuditRound)  # the due date is then the column, so that each return meets its own round's
    found: dict[int, Counts] = {audit_round.id: {} for audit_round in rounds}
    for row in session.execute(
        select(
            AuditReturn.round_id, AuditReturn.agency_type, AuditReturn.subtype, state.label("state"),
            func.count().label("number"),
        )
        .join(AuditReturn.audit_round)
        .where(AuditReturn.round_id.in_(found))
        .group_by(AuditReturn.round_id, AuditReturn.agency_type, AuditReturn.subtype, state)
    ):  # fmt: skip
        found[row.round_id].setdefault((row.agency_type, row.subtype), {})[row.state] = row.number
    return found


def return_in_round(session: Session, audit_round: AuditRound, public_id: str) -> AuditReturn:
    """One return of a round that the actor may read, for its line of the ledger. Raises NotFound."""
    audit_return = session.scalar(
        select(AuditReturn)
        .where(AuditReturn.round_id == audit_round.id, AuditReturn.public_id == public_id)
        .options(
            joinedload(AuditReturn.agency),
            joinedload(AuditReturn.audit_round),
            joinedload(AuditReturn.merger).joinedload(Merger.into),
        )
    )
    if audit_return is None:
        raise NotFound
    return audit_return


@dataclass(frozen=True)
class LedgerRow:
    """One agency in the response ledger. `state` is one of LEDGER_STATES."""

    public_id: str
    agency_code: str
    agency_name: str
    agency_type: str
    subtype: str
    areas: str
    state: str
    asked: int
    complete: int
    submitted_at: datetime | None
    extended_to: datetime | None
    nil_reason: str
    reopened: bool
    merged_into: str = ""


@dataclass(frozen=True)
class LedgerFilter:
    """What the ledger is narrowed to; empty means all."""

    agency_type: str = ""
    subtype: str = ""
    state: str = ""
    area: str = ""
    extended: bool = False
    text: str = ""
    sort: str = "name"
    descending: bool = False
    page: int = 1


@dataclass(frozen=True)
class Ledger:
    """A page of the response ledger. `counts` is (agency type, subtype) to state to number, of the whole round."""

    rows: Sequence[LedgerRow]
    total: int
    pages: int
    counts: dict[tuple[str, str], dict[str, int]]


def _state(audit_round: AuditRound | type[AuditRound]) -> ColumnElement[str]:
    return case(
        (AuditReturn.stage == "nil", "nil"),
        (is_late_clause(audit_round), "late"),
        (AuditReturn.stage == "submitted", "submitted"),
        (is_merged_clause(), "merged"),
        (AuditReturn.stage == "started", "in_progress"),
        else_="not_started",
    )


def ledger(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, narrowed: LedgerFilter,
    page_size: int | None = PAGE,
) -> Ledger:  # fmt: skip
    """The response ledger: every agency of the population accounted for. `page_size` None gives all rows."""
    require(actor, "round.read", round_facts(session, audit_round, now=now))
    state = _state(audit_round)
    base = select(AuditReturn.id).where(AuditReturn.round_id == audit_round.id)
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for row in session.execute(
        select(
            AuditReturn.agency_type, AuditReturn.subtype, state.label("state"), func.count().label("number")
        )
        .where(AuditReturn.round_id == audit_round.id)
        .group_by(AuditReturn.agency_type, AuditReturn.subtype, state)
        .order_by(AuditReturn.agency_type, AuditReturn.subtype)
    ):
        counts.setdefault((row.agency_type, row.subtype), {})[row.state] = row.number
    conditions = [AuditReturn.round_id == audit_round.id]
    if narrowed.agency_type:
        conditions.append(AuditReturn.agency_type == narrowed.agency_type)
    if narrowed.subtype:
        conditions.append(AuditReturn.subtype == narrowed.subtype)
    if narrowed.state in LEDGER_STATES:
        conditions.append(state == narrowed.state)
    if narrowed.area:
        conditions.append(in_area_clause(narrowed.area, day=today(now)))
    if narrowed.extended:
        conditions.append(AuditReturn.extended_to.is_not(None))
    if narrowed.text.strip():
        wanted = f"%{like(narrowed.text.strip())}%"
        conditions.append(or_(Agency.name.ilike(wanted, escape="\\"), Agency.code.ilike(wanted, escape="\\")))
    total = session.scalar(
        select(func.count()).select_from(AuditReturn).join(AuditReturn.agency).where(*conditions)
    ) or 0  # fmt: skip
    page, pages = paged(total, page_size, narrowed.page)
    orders = {
        "name": Agency.name,
        "type": AuditReturn.agency_type,
        "state": state,
        "progress": AuditReturn.complete * 1000 / func.max(1, AuditReturn.asked)
        if session.get_bind().dialect.name == "sqlite"
        else AuditReturn.complete * 1000 / func.greatest(1, AuditReturn.asked),
        "submitted": AuditReturn.submitted_at,
    }
    order = orders.get(narrowed.sort, Agency.name)
    into, merger = aliased(Agency), aliased(Merger)
    query = (
        select(AuditReturn, Agency, state.label("state"), into.name.label("merged_into"))
        .join(AuditReturn.agency)
        .outerjoin(merger, merger.return_id == AuditReturn.id)
        .outerjoin(into, into.id == merger.into_id)
        .where(*conditions)
        .order_by(
            (order.desc() if narrowed.descending else order.asc()).nulls_last(), Agency.name, AuditReturn.id
        )
    )
    if page_size:
        query = query.limit(page_size).offset((page - 1) * page_size)
    found = session.execute(query).all()
    ids = [row.AuditReturn.id for row in found]
    areas: dict[int, list[str]] = {}
    for agency_id, name in session.execute(
        select(AgencyInArea.agency_id, Area.name)
        .join(AgencyInArea.area)
        .where(AgencyInArea.agency_id.in_([row.Agency.id for row in found]))
        .order_by(Area.name)
    ):
        areas.setdefault(agency_id, []).append(name)
    reopened = set(session.scalars(base.where(AuditReturn.id.in_(ids), was_reopened_clause())))
    rows = [
        LedgerRow(
            public_id=r.AuditReturn.public_id, agency_code=r.Agency.code, agency_name=r.Agency.name,
            agency_type=r.AuditReturn.agency_type, subtype=r.AuditReturn.subtype,
            areas=", ".join(areas.get(r.Agency.id, [])), state=r.state, asked=r.AuditReturn.asked,
            complete=r.AuditReturn.complete, submitted_at=r.AuditReturn.submitted_at,
            extended_to=r.AuditReturn.extended_to, nil_reason=r.AuditReturn.nil_reason,
            reopened=r.AuditReturn.id in reopened, merged_into=r.merged_into or "",
        )
        for r in found
    ]  # fmt: skip
    return Ledger(rows=rows, total=total, pages=pages, counts=counts)


def in_area_clause(area: str, *, day: date) -> ColumnElement[bool]:
    """SQL: the agency of the return works in the area with this public id on a day."""
    return (
        select(AgencyInArea.id)
        .join(AgencyInArea.area)
        .where(
            AgencyInArea.agency_id == AuditReturn.agency_id,
            Area.public_id == area,
            AgencyInArea.starts <= day,
            (AgencyInArea.ends.is_(None)) | (AgencyInArea.ends >= day),
        )
        .exists()
    )


def areas_in_round(session: Session, audit_round: AuditRound) -> list[tuple[str, str]]:
    """(public id, name) of the areas that agencies of a round work in, by name. For those who may read the round."""
    rows = session.execute(
        select(Area.public_id, Area.name)
        .where(
            Area.id.in_(
                select(AgencyInArea.area_id)
                .join(AuditReturn, AuditReturn.agency_id == AgencyInArea.agency_id)
                .where(AuditReturn.round_id == audit_round.id)
            )
        )
        .order_by(Area.name)
    )
    return [(row.public_id, row.name) for row in rows]


def was_reopened_clause() -> ColumnElement[bool]:
    """SQL: a submission of the return was set aside."""
    return (
        select(Submission.id)
        .join(SubmissionVoided, SubmissionVoided.submission_id == Submission.id)
        .where(Submission.return_id == AuditReturn.id)
        .exists()
    )


def like(text: str) -> str:
    """Typed text for a LIKE pattern that escapes with a backslash: it matches itself only."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@dataclass(frozen=True)
class Invitee:
    """A signatory of an invited agency, and whether they have ever signed in.

    `is_ours`: the actor may hand out the link with which this person joins. It opens everything the person is appointed
    to, so it is only for the bodies that ask all of that.
    """

    agency_id: int
    agency_name: str
    name: str
    email: str
    role: str
    fs_uniquifier: str
    can_sign_in: bool
    is_ours: bool


def invited_types(audit_round: AuditRound, actor: Actor) -> frozenset[str]:
    """The agency types whose people the actor may invite to a round: all for the body that runs it, else their own."""
    if audit_round.owner_id in actor.body_ids():
        return frozenset(one.agency_type for one in audit_round.served)
    return types_where(audit_round, actor, "return.extend")


def invitees(session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime) -> Sequence[Invitee]:
    """The signatories and audit leads of a round's agencies, for handing out their invitations: of the types of
    `invited_types`."""
    require(actor, "round.edit", round_facts(session, audit_round, now=now))
    day = today(now)
    held, other = aliased(Appointment), aliased(AuditReturn)
    asked_by_us = (
        select(RoundTemplate.id)
        .where(
            RoundTemplate.round_id == other.round_id,
            RoundTemplate.agency_type == other.agency_type,
            RoundTemplate.oversight_body_id.in_(actor.body_ids()),
        )
        .exists()
    )
    elsewhere = (
        select(held.id)
        .outerjoin(other, other.agency_id == held.agency_id)
        .where(held.user_id == User.id, or_(held.agency_id.is_(None), other.id.is_not(None) & ~asked_by_us))
        .exists()
    )
    rows = session.execute(
        # columns: of a whole population there are two thousand people
        select(
            Agency.id, Agency.name, User.name, User.email, Appointment.role, User.fs_uniquifier,
            User.password.is_not(None), elsewhere,
        )
        .join(AuditReturn, AuditReturn.agency_id == Agency.id)
        .join(Appointment, Appointment.agency_id == Agency.id)
        .join(User, User.id == Appointment.user_id)
        .where(
            AuditReturn.round_id == audit_round.id,
            AuditReturn.agency_type.in_(invited_types(audit_round, actor)),
            Appointment.role.in_(("accountable_signatory", "audit_lead")),
            Appointment.starts <= day,
            (Appointment.ends.is_(None)) | (Appointment.ends >= day),
        )
        .order_by(Agency.name, Appointment.role, User.name)
    )  # fmt: skip
    return [
        Invitee(agency_id, agency, name, email, role, uniquifier, joined, bool(actor.system) or not is_elsewhere)
        for agency_id, agency, name, email, role, uniquifier, joined, is_elsewhere in rows
    ]
