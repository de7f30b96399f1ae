"""What an area coordinator sees: the agencies of the area and the stage each is at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager, joinedload

from app.clock import today
from app.models import Agency, AgencyInArea, Area, AuditReturn, AuditRound, Merger
from app.policy import Actor, allows
from app.queries.rounds import NotFound


def areas_of(session: Session, *, actor: Actor) -> Sequence[Area]:
    """The areas that the actor coordinates."""
    ids = {held.area_id for held in actor.held if held.area_id}
    return session.scalars(select(Area).where(Area.id.in_(ids)).order_by(Area.name)).all()


def get_area(session: Session, public_id: str, *, actor: Actor) -> Area:
    """One area. Raises NotFound where there is none or the actor does not coordinate it."""
    area = session.scalar(select(Area).where(Area.public_id == public_id))
    if area is None or not allows(actor, "area.read", area.id):
        raise NotFound
    return area


def returns_in_area(session: Session, area: Area, *, now: datetime) -> Sequence[AuditReturn]:
    """The returns of the agencies that work in an area today, in open rounds: newest round first, then by type."""
    day = today(now)
    return session.scalars(
        select(AuditReturn)
        .join(AuditReturn.agency)
        .join(AuditReturn.audit_round)
        .join(AgencyInArea, AgencyInArea.agency_id == Agency.id)
        .where(
            AgencyInArea.area_id == area.id,
            AgencyInArea.starts <= day,
            (AgencyInArea.ends.is_(None)) | (AgencyInArea.ends >= day),
            AuditRound.stage == "open",
        )
        .options(
            contains_eager(AuditReturn.agency),
            contains_eager(AuditReturn.audit_round),
            joinedload(AuditReturn.merger).joinedload(Merger.into),
        )
        .order_by(AuditRound.opens.desc(), AuditReturn.agency_type, Agency.name)
    ).all()


def is_released(audit_return: AuditReturn, *, now: datetime) -> bool:
    """Whether the round's setting lets area coordinators read this submission."""
    audit_round = audit_return.audit_round
    if audit_return.stage != "submitted":
        return False
    return audit_round.area_release == "on_submission" or (
        audit_round.area_release == "at_close" and now > audit_round.open_until
    )
