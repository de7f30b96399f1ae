"""Agencies that are known already, for picking them into a round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, selectinload

from app.domain.paging import paged
from app.models import Agency, AgencyInArea, Area, AuditReturn, AuditRound
from app.policy import Actor, require
from app.queries.rounds import PAGE, like, round_facts


@dataclass(frozen=True)
class AgencyFilter:
    """What the known agencies are narrowed to; empty means all. `area` is an area's public id."""

    text: str = ""
    agency_type: str = ""
    subtype: str = ""
    area: str = ""
    page: int = 1


@dataclass(frozen=True)
class Candidates:
    """A page of agencies that could be added to a round."""

    rows: Sequence[Agency]
    total: int
    page: int
    pages: int


def _matching(audit_round: AuditRound, narrowed: AgencyFilter) -> Select[Agency]:
    """Agencies of the types that the round asks, not closed, and not in it yet."""
    there = select(AuditReturn.agency_id).where(AuditReturn.round_id == audit_round.id)
    query = select(Agency).where(
        Agency.agency_type.in_({served.agency_type for served in audit_round.served}),
        Agency.closed_on.is_(None),
        Agency.id.not_in(there),
    )
    if narrowed.agency_type:
        query = query.where(Agency.agency_type == narrowed.agency_type)
    if narrowed.subtype:
        query = query.where(Agency.subtype == narrowed.subtype)
    if narrowed.area:
        inside = (
            select(AgencyInArea.agency_id)
            .join(AgencyInArea.area)
            .where(Area.public_id == narrowed.area, AgencyInArea.ends.is_(None))
        )
        query = query.where(Agency.id.in_(inside))
    if narrowed.text.strip():
        wanted = f"%{like(narrowed.text.strip())}%"
        query = query.where(or_(Agency.name.ilike(wanted, escape="\\"), Agency.code.ilike(wanted, escape="\\")))
    return query


def candidates(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, narrowed: AgencyFilter
) -> Candidates:
    """A page of the agencies that could be added. Raises Denied unless the actor may change the round."""
    require(actor, "round.edit", round_facts(session, audit_round, now=now))
    query = _matching(audit_round, narrowed)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    page, pages = paged(total, PAGE, narrowed.page)
    rows = session.scalars(
        query.options(selectinload(Agency.areas).joinedload(AgencyInArea.area))
        .order_by(Agency.name, Agency.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    ).all()
    return Candidates(rows, total, page, pages)


def candidate_ids(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, narrowed: AgencyFilter
) -> Sequence[str]:
    """The public ids of all agencies that match, for adding them at once. Raises Denied."""
    require(actor, "round.edit", round_facts(session, audit_round, now=now))
    return session.scalars(_matching(audit_round, narrowed).with_only_columns(Agency.public_id)).all()


def area_names(session: Session) -> dict[str, str]:
    """The code of each area in lower case, to its name."""
    return {area.code.casefold(): area.name for area in areas(session)}


def areas(session: Session) -> Sequence[Area]:
    """Every area, by name."""
    return session.scalars(select(Area).order_by(Area.name)).all()
