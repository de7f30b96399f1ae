"""Reading how a round ends: whether it is closed, whose closing is to be put on record, who is still expected."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.domain.life import is_shut
from app.models import AuditReturn, AuditRound
from app.queries.mail import people_at
from app.queries.rounds import is_merged_clause


def shut(audit_round: AuditRound, *, now: datetime) -> bool:
    """Whether a round takes nothing any more, save from agencies that were given time of their own."""
    return is_shut(open_until=audit_round.open_until, closed_at=audit_round.closed_at, now=now)


def is_closed(audit_round: AuditRound, *, now: datetime) -> bool:
    """Whether a round was open and is closed: by the clock, or by somebody before. Its grace may still run."""
    return audit_round.stage == "open" and (audit_round.closed_at is not None or shut(audit_round, now=now))


def expected_returns(session: Session, audit_round: AuditRound) -> Sequence[AuditReturn]:
    """The returns of a round that are still to come: not submitted, nil or merged. The caller may read the round."""
    return session.scalars(
        select(AuditReturn)
        .where(
            AuditReturn.round_id == audit_round.id,
            AuditReturn.stage.in_(("invited", "started")),
            ~is_merged_clause(),
        )
        .options(joinedload(AuditReturn.agency), joinedload(AuditReturn.audit_round))
        .order_by(AuditReturn.id)
    ).all()


def to_be_told(session: Session, audit_round: AuditRound, *, now: datetime) -> tuple[int, int]:
    """How many agencies have not submitted, and how many of their people a mail to them goes to."""
    waiting = expected_returns(session, audit_round)
    people = people_at(session, [one.agency_id for one in waiting], now=now)
    return len(waiting), len({one.user.id for one in people})


def with_own_time(session: Session, audit_round: AuditRound) -> int:
    """How many returns that are still to come were given more time than the round has."""
    return session.scalar(
        select(func.count(AuditReturn.id)).where(
            AuditReturn.round_id == audit_round.id,
            AuditReturn.stage.in_(("invited", "started")),
            AuditReturn.extended_to > audit_round.closes,
        )
    ) or 0  # fmt: skip


def to_put_on_record(session: Session, *, now: datetime) -> list[str]:
    """The public ids of rounds that the clock has shut and whose closing is not on record yet."""
    return list(
        session.scalars(
            select(AuditRound.public_id)
            .where(
                AuditRound.stage == "open",
                AuditRound.closed_at.is_(None),
                AuditRound.archived_at.is_(None),
                AuditRound.open_until < now,
            )
            .order_by(AuditRound.id)
        )
    )
