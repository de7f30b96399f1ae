"""Reading report runs: whoever may read what a report is about may read the report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.models import AuditReturn, AuditRound, ReportRun
from app.policy import Actor, allows, require
from app.queries.returns import return_facts, sees_drafts
from app.queries.rounds import NotFound, round_facts


def get_run(session: Session, public_id: str, *, actor: Actor, now: datetime) -> ReportRun:
    """One run. Raises NotFound where there is none or the actor may not read what it is about."""
    run = session.scalar(
        select(ReportRun)
        .where(ReportRun.public_id == public_id)
        .options(
            joinedload(ReportRun.audit_round).selectinload(AuditRound.served),
            joinedload(ReportRun.audit_return).joinedload(AuditReturn.agency),
        )
    )
    if run is None:
        raise NotFound
    if run.audit_return is not None:
        may = allows(actor, "return.read", return_facts(session, run.audit_return, now=now))
        if run.options.get("draft"):
            may = may and (bool(actor.system) or sees_drafts(actor, run.audit_return))
    else:
        facts = round_facts(session, run.audit_round, now=now, agencies=True)
        may = allows(actor, "findings.read", facts)
    if not may:
        raise NotFound
    return run


def runs_of_round(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime
) -> Sequence[ReportRun]:
    """The reports about a whole round that were asked for, newest first."""
    require(actor, "findings.read", round_facts(session, audit_round, now=now, agencies=True))
    return session.scalars(
        select(ReportRun)
        .where(ReportRun.round_id == audit_round.id, ReportRun.return_id.is_(None))
        .options(joinedload(ReportRun.requested_by))
        .order_by(ReportRun.id.desc())
        .limit(50)
    ).all()
