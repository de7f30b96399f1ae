"""What waits for somebody who inspects: their checks, answers to their queries, decisions and challenges."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from app.models import AuditReturn, AuditRound, Judgement, SampledReturn, Thread
from app.policy import Actor
from app.queries.moderation import hidden_from
from app.queries.own_types import types_where


@dataclass(frozen=True)
class Waiting:
    """How much waits for an actor in a round, of each kind.

    `checks`: returns to check that are submitted; `queries`: own queries that were answered; `proposals`: grades that
    another inspector proposed and the actor may decide on; `challenges`: unsettled ones to draft feedback.
    """

    checks: int
    queries: int
    proposals: int
    challenges: int


def waiting_for(session: Session, audit_round: AuditRound, *, actor: Actor) -> Waiting:
    """What waits for the actor in a round: two statements. What they must not know of yet is not counted."""
    if actor.user_id is None:
        return Waiting(0, 0, 0, 0)
    me, seen = actor.user_id, AuditReturn.id.not_in(hidden_from(session, audit_round, actor))
    in_round = AuditReturn.round_id == audit_round.id
    threads = select(func.count(Thread.id)).join(AuditReturn, AuditReturn.id == Thread.return_id).where(in_round)
    checks = (
        select(func.count(SampledReturn.id))
        .join(AuditReturn, AuditReturn.id == SampledReturn.return_id)
        .where(
            in_round,
            AuditReturn.stage == "submitted",
            or_(
                and_(SampledReturn.inspector_id == me, SampledReturn.finished_at.is_(None)),
                and_(SampledReturn.second_id == me, SampledReturn.second_finished_at.is_(None)),
            ),
        )
    )
    queries = threads.where(Thread.kind == "query", Thread.state == "answered", Thread.opened_by_id == me)
    proposals = (
        select(func.count(Judgement.id))
        .join(AuditReturn, AuditReturn.id == Judgement.return_id)
        .where(
            in_round,
            seen,
            Judgement.override != "",
            Judgement.approved_at.is_(None),
            or_(Judgement.override_by_id.is_(None), Judgement.override_by_id != me),
            AuditReturn.agency_type.in_(types_where(audit_round, actor, "judgement.approve")),
        )
    )
    challenges = threads.where(
        seen,
        Thread.kind == "accuracy",
        Thread.state == "open",
        AuditReturn.agency_type.in_(types_where(audit_round, actor, "feedback.write")),
    )
    counted = session.execute(
        select(*(one.scalar_subquery() for one in (checks, queries, proposals, challenges)))
    ).one()
    return Waiting(*counted)
