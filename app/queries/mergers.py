"""Reading mergers: who was merged into an agency in a round, and which agencies one can be merged into."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager, joinedload

from app.models import Agency, AuditReturn, AuditRound, Merger
from app.policy import Actor, allows
from app.queries.returns import return_facts
from app.queries.rounds import is_merged_clause


def return_of(session: Session, audit_return: AuditReturn, agency: Agency) -> AuditReturn | None:
    """The return of another agency in the same round, if it is in it. The caller asked policy for the first."""
    return session.scalar(
        select(AuditReturn)
        .where(AuditReturn.round_id == audit_return.round_id, AuditReturn.agency_id == agency.id)
        .options(joinedload(AuditReturn.merger).joinedload(Merger.into))
    )


def merged_into(session: Session, audit_return: AuditReturn) -> Sequence[Merger]:
    """The mergers into the agency of a return in its round: whose names and reasons its people read, and no answers."""
    return session.scalars(
        select(Merger)
        .join(Merger.audit_return)
        .where(Merger.into_id == audit_return.agency_id, AuditReturn.round_id == audit_return.round_id)
        .options(joinedload(Merger.audit_return).joinedload(AuditReturn.agency))
        .order_by(Merger.merged_on, Merger.id)
    ).all()


def open_elsewhere(
    session: Session, audit_return: AuditReturn, *, actor: Actor, now: datetime
) -> list[AuditReturn]:
    """The returns of the same agency in other rounds that are open, of which the actor may record the merger too."""
    rows = session.scalars(
        select(AuditReturn)
        .join(AuditReturn.audit_round)
        .where(
            AuditReturn.agency_id == audit_return.agency_id,
            AuditReturn.id != audit_return.id,
            AuditReturn.stage != "nil",
            AuditRound.stage == "open",
            AuditRound.closed_at.is_(None),
            AuditRound.archived_at.is_(None),
            ~is_merged_clause(),
        )
        .options(contains_eager(AuditReturn.audit_round))
        .order_by(AuditReturn.id)
    ).all()
    return [
        one
        for one in rows
        if now <= one.audit_round.open_until
        and allows(actor, "return.merge", return_facts(session, one, now=now))
    ]


def successors(session: Session, audit_return: AuditReturn) -> Sequence[Agency]:
    """The agencies of the round that this one can be merged into, those of its own type first, by name.

    The caller may record a merger of the return.
    """
    return session.scalars(
        select(Agency)
        .join(AuditReturn, AuditReturn.agency_id == Agency.id)
        .where(
            AuditReturn.round_id == audit_return.round_id,
            Agency.id != audit_return.agency_id,
            Agency.closed_on.is_(None),
            AuditReturn.stage != "nil",
            ~is_merged_clause(),
        )
        .order_by((Agency.agency_type != audit_return.agency_type), Agency.name)
    ).all()
