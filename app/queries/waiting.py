"""What waits for somebody who inspects: their checks, answers to their queries, decisions and challenges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select
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


def _to_check(user_id: int) -> ColumnElement[bool]:
    """SQL: that a sampled return is submitted, and somebody's to check, and not finished by them."""
    return and_(
        AuditReturn.stage == "submitted",
        or_(
            and_(SampledReturn.inspector_id == user_id, SampledReturn.finished_at.is_(None)),
            and_(SampledReturn.second_id == user_id, SampledReturn.second_finished_at.is_(None)),
        ),
    )


def checks_waiting(session: Session, rounds: Iterable[AuditRound], *, actor: Actor) -> dict[int, int]:
    """Round to how many returns the actor has to check in it, where there are any. One statement.

    The caller got the rounds as the actor's own.
    """
    if actor.user_id is None:
        return {}
    rows = session.execute(
        select(AuditReturn.round_id, func.count(SampledReturn.id).label("number"))
        .join(AuditReturn, AuditReturn.id == SampledReturn.return_id)
        .where(AuditReturn.round_id.in_([one.id for one in rounds]), _to_check(actor.user_id))
        .group_by(AuditReturn.round_id)
    )
    return {row.round_id: row.number for row in rows}


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
        .where(in_round, _to_check(me))
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
