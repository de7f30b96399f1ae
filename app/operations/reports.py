"""Asking for reports: they are made in the background, by whoever the enqueue port reaches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import AuditReturn, AuditRound, ReportRun
from app.operations import events
from app.policy import Actor, require
from app.queries.returns import return_facts
from app.queries.rounds import round_facts

# how operations hand work to the background: the run's public id, in the caller's transaction
Enqueue = Callable[[Session, str], None]


def request_round_report(
    session: Session, audit_round: AuditRound, report: str, *, by: Actor, now: datetime, enqueue: Enqueue
) -> ReportRun:
    """Ask for a report about a whole round. A run of it that is still waiting or running is returned instead."""
    require(by, "findings.make", round_facts(session, audit_round, now=now))
    return _request(session, report, audit_round, None, by=by, now=now, enqueue=enqueue)


def request_return_report(
    session: Session, audit_return: AuditReturn, report: str, *, by: Actor, now: datetime, enqueue: Enqueue
) -> ReportRun:
    """Ask for a report about one return's latest submission."""
    require(by, "return.read", return_facts(session, audit_return, now=now))
    return _request(session, report, audit_return.audit_round, audit_return, by=by, now=now, enqueue=enqueue)


def _request(
    session: Session, report: str, audit_round: AuditRound, audit_return: AuditReturn | None, *, by: Actor,
    now: datetime, enqueue: Enqueue,
) -> ReportRun:  # fmt: skip
    under_way = session.scalar(
        select(ReportRun).where(
            ReportRun.report == report,
            ReportRun.round_id == audit_round.id,
            ReportRun.return_id.is_(None) if audit_return is None else ReportRun.return_id == audit_return.id,
            ReportRun.requested_by_id == by.user_id,
            ReportRun.stage.in_(("waiting", "running")),
        )
    )
    if under_way:
        return under_way
    run = ReportRun(
        report=report,
        round_id=audit_round.id,
        return_id=audit_return.id if audit_return else None,
        options={},
        requested_by_id=by.user_id,
        requested_at=now,
    )
    session.add(run)
    session.flush()
    subject = audit_return or audit_round
    events.append(
        session,
        events.chain_of(subject),
        "report.requested",
        by=by,
        now=now,
        data={"report": report, "run": run.public_id},
    )
    session.flush()
    enqueue(session, run.public_id)
    return run
