"""The recommendations of published reports: to whom, by when, and how each addressee stands on them over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Subquery, func, select
from sqlalchemy.orm import Session, joinedload

from app.domain.message import N_
from app.models import Agency, AuditReturn, AuditRound, Recommended, RecommendedStatus
from app.policy import Actor, RoundFacts, allows, require
from app.queries.own_types import types_where
from app.queries.rounds import NotFound, round_facts

# how an addressee stands; before anything is said it is open
STATES: dict[str, str] = {
    "accepted": N_("Accepted"),
    "under_way": N_("Under way"),
    "done": N_("Done"),
    "not_accepted": N_("Not accepted"),
}


@dataclass(frozen=True)
class Addressee:
    """One addressee of a recommendation: an agency with its return, or (`return_id` empty) an oversight body."""

    name: str
    return_id: str
    state: str
    note: str
    at: datetime | None


@dataclass(frozen=True)
class Tally:
    """A recommendation, and how many of its addressees stand how: state to number, empty for those still open."""

    row: Recommended
    total: int
    by_state: dict[str, int]


def _latest() -> Subquery:
    """SQL: the latest status of each recommendation and addressee."""
    return (
        select(func.max(RecommendedStatus.id).label("id"))
        .group_by(RecommendedStatus.recommended_id, RecommendedStatus.return_id)
        .subquery()
    )


def recommended(session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime) -> list[Tally]:
    """The recommendations of a round by number, those that are made no more last, and how those addressed stand.

    Raises Denied.
    """
    require(actor, "composing.read", round_facts(session, audit_round, now=now))
    rows = session.scalars(
        select(Recommended)
        .where(Recommended.round_id == audit_round.id)
        .options(joinedload(Recommended.body))
        .order_by(Recommended.withdrawn_in.is_not(None), Recommended.number)
    ).all()
    if not rows:
        return []
    agencies = {
        row.agency_type: row.number
        for row in session.execute(
            select(AuditReturn.agency_type, func.count().label("number"))
            .where(AuditReturn.round_id == audit_round.id)
            .group_by(AuditReturn.agency_type)
        )
    }
    latest = _latest()
    said = session.execute(
        select(RecommendedStatus.recommended_id, RecommendedStatus.state, func.count().label("number"))
        .join(latest, latest.c.id == RecommendedStatus.id)
        .where(RecommendedStatus.recommended_id.in_([row.id for row in rows]))
        .group_by(RecommendedStatus.recommended_id, RecommendedStatus.state)
    ).all()
    found = []
    for row in rows:
        by_state = {one.state: one.number for one in said if one.recommended_id == row.id}
        total = agencies.get(row.agency_type, 0) if row.agency_type else 1
        found.append(Tally(row, total, {"": max(0, total - sum(by_state.values())), **by_state}))
    return found


def one_recommended(session: Session, audit_round: AuditRound, public_id: str) -> Recommended:
    """A recommendation of a round. Raises NotFound. The caller asked policy for the round."""
    row = session.scalar(
        select(Recommended)
        .where(Recommended.round_id == audit_round.id, Recommended.public_id == public_id)
        .options(joinedload(Recommended.body))
    )
    if row is None:
        raise NotFound
    return row


def get_recommended(
    session: Session, audit_round: AuditRound, public_id: str, return_id: str
) -> tuple[Recommended, AuditReturn | None]:
    """A recommendation of a round, and the return of the agency that is named. Raises NotFound. The caller asked policy
    for the round."""
    row = one_recommended(session, audit_round, public_id)
    if bool(return_id) != bool(row.agency_type):
        raise NotFound
    if not return_id:
        return row, None
    audit_return = session.scalar(
        select(AuditReturn)
        .where(
            AuditReturn.round_id == audit_round.id, AuditReturn.public_id == return_id,
            AuditReturn.agency_type == row.agency_type,
        )
        .options(joinedload(AuditReturn.agency))
    )  # fmt: skip
    if audit_return is None:
        raise NotFound
    return row, audit_return


def may_track(
    session: Session, row: Recommended, audit_return: AuditReturn | None, *, actor: Actor, now: datetime
) -> bool:
    """Whether the actor may say how an addressee stands: inspectors of an agency's type, and of the body itself."""
    if audit_return is not None:
        return row.agency_type in types_where(row.audit_round, actor, "return.follow_up")
    facts = RoundFacts(body_ids=frozenset({row.oversight_body_id or 0}), owner_id=None)
    return allows(actor, "composing.edit", facts)


def standing_on(
    session: Session, audit_round: AuditRound, row: Recommended, *, actor: Actor, now: datetime, page: int, size: int
) -> tuple[list[Addressee], int]:
    """A page of the addressees of a recommendation with how each stands, by name, and how many there are.

    Single agencies are for inspectors of their type: for others there are none. The caller got the round.
    """
    latest = _latest()
    newest = select(RecommendedStatus).join(latest, latest.c.id == RecommendedStatus.id)
    if row.body is not None:
        status = session.scalar(newest.where(RecommendedStatus.recommended_id == row.id))
        one = Addressee(
            row.body.name, "", status.state if status else "", status.note if status else "",
            status.at if status else None,
        )  # fmt: skip
        return [one], 1
    if not row.agency_type or row.agency_type not in types_where(audit_round, actor, "return.follow_up"):
        return [], 0
    of_type = (AuditReturn.round_id == audit_round.id) & (AuditReturn.agency_type == row.agency_type)
    total = session.scalar(select(func.count()).select_from(AuditReturn).where(of_type)) or 0
    returns = session.execute(
        select(AuditReturn.id, AuditReturn.public_id, Agency.name)
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .where(of_type)
        .order_by(Agency.name, AuditReturn.id)
        .offset((page - 1) * size)
        .limit(size)
    ).all()
    said = {
        status.return_id: status
        for status in session.scalars(
            newest.where(
                RecommendedStatus.recommended_id == row.id,
                RecommendedStatus.return_id.in_([one.id for one in returns]),
            )
        )
    }
    return [
        Addressee(
            one.name, one.public_id, *((said[one.id].state, said[one.id].note, said[one.id].at) if one.id in said
                                       else ("", "", None)),
        )
        for one in returns
    ], total  # fmt: skip


def over_time(
    session: Session, row: Recommended, audit_return: AuditReturn | None
) -> Sequence[RecommendedStatus]:
    """All that was said about how one addressee stands, the newest first. The caller asked `may_track`."""
    return session.scalars(
        select(RecommendedStatus)
        .where(
            RecommendedStatus.recommended_id == row.id,
            RecommendedStatus.return_id == (audit_return.id if audit_return else None),
        )
        .options(joinedload(RecommendedStatus.by))
        .order_by(RecommendedStatus.id.desc())
    ).all()
