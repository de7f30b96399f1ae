"""Reading report runs: whoever may read what a report is about may read the report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.models import AuditReturn, AuditRound, ReportRun
from app.policy import Actor, allows, require
from app.queries.actors import actor_of
from app.queries.area_report import may_read_area_report
from app.queries.letters import may_read_letter
from app.queries.release import may_see_version
from app.queries.returns import return_facts, sees_drafts
from app.queries.rounds import NotFound, round_facts

FEEDBACK = "feedback"  # the report whose readers are decided by the release
AREA = "area-report"  # the report about an area that is no letter to it
RECOMMENDED = "recommendations-register"  # names the agencies of the types of whoever asks for it


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
    if run.report == FEEDBACK and run.audit_return is not None:
        may = may_see_version(session, run.audit_return, run.options["edition"], actor=actor, now=now)
    elif run.audit_return is not None:
        may = allows(actor, "return.read_all", return_facts(session, run.audit_return, now=now))
        if run.options.get("draft"):
            may = may and (bool(actor.system) or sees_drafts(actor, run.audit_return))
    elif area := run.options.get("area"):
        number = run.options.get("edition", 0)
        may = (
            may_read_area_report(session, run.audit_round, area, actor=actor, now=now)
            if run.report == AREA
            else may_read_letter(session, run.audit_round, area, number, actor=actor, now=now)
        )
    else:
        facts = round_facts(session, run.audit_round, now=now, agencies=True)
        may = allows(actor, "findings.read", facts)
        # agencies read what was published, never figures that were made in between
        may = may and (allows(actor, "release.read", facts) or bool(run.options.get("edition")))
    if is_personal(run):
        may = may and (bool(actor.system) or run.requested_by_id == actor.user_id)
    if not may:
        raise NotFound
    return run


def is_personal(run: ReportRun) -> bool:
    """Whether what the report says depends on who asked for it, so that nobody else reads it: the draft of a letter
    opens with words from feedback that they may read, a report on an area shows coordinators less, and the register of
    recommendations names agencies of one's own types alone."""
    return run.report == RECOMMENDED or (bool(run.options.get("area")) and not run.options.get("edition"))


def asked_by(session: Session, run: ReportRun, *, now: datetime) -> Actor | None:
    """Whoever asked for a run, as the actor that they are now; None where no person did. For the worker."""
    return actor_of(session, run.requested_by, now=now) if run.requested_by else None


def runs_of_round(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime
) -> Sequence[ReportRun]:
    """The reports about a whole round that were asked for, newest first; for agencies those of what was published.

    Of those that depend on who asked for them the actor's own.
    """
    facts = round_facts(session, audit_round, now=now, agencies=True)
    require(actor, "findings.read", facts)
    runs = session.scalars(
        select(ReportRun)
        .where(ReportRun.round_id == audit_round.id, ReportRun.return_id.is_(None))
        .options(joinedload(ReportRun.requested_by))
        .order_by(ReportRun.id.desc())
        .limit(50)
    ).all()
    if allows(actor, "release.read", facts):
        return [run for run in runs if actor.system or not is_personal(run) or run.requested_by_id == actor.user_id]
    # letters are for some of the agencies only, and have a page of their own
    return [run for run in runs if run.options.get("edition") and not run.options.get("area")]
