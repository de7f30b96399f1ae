"""Making one report run: read the data, render it in a process of its own, keep the file."""

from __future__ import annotations

import structlog
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.db import begin_write, db
from app.domain.message import N_
from app.models import ReportRun
from app.policy import system_actor
from app.queries.reports import asked_by, is_personal
from reports.make import make_report
from reports.render import RenderFailed
from reports.source import SOURCE

log = structlog.get_logger()


def _change(session: Session, run_id: str, **values: object) -> ReportRun:
    session.rollback()
    begin_write(session)
    run = session.scalars(select(ReportRun).where(ReportRun.public_id == run_id)).one()
    for name, value in values.items():
        setattr(run, name, value)
    session.commit()
    return run


def make(app: Flask, run_id: str) -> str:
    """Make a run and return its stage. What fails is said in words on the run; the job itself never fails for it.

    Safe to run twice: the file is replaced and the run is stored anew.
    """
    session = db.session
    folder = app.config["CANDOUR"].home / "reports"
    run = _change(session, run_id, stage="running", step=N_("Reading the submissions"), progress=5, error="")
    out = folder / f"{run_id}.pdf"

    def progress(percent: int, step: str) -> None:
        _change(session, run_id, progress=percent, step=step)

    try:
        now = clock.now(session)
        actor = (asked_by(session, run, now=now) if is_personal(run) else None) or system_actor("worker")
        made = make_report(
            session, run.report, run.audit_round, run.audit_return, out=out, actor=actor, now=now,
            draft=run.options.get("draft", False), agency_type=run.options.get("agency_type", ""),
            area=run.options.get("area", ""), language=run.options.get("language", "en"),
            edition=run.options.get("edition", 0), body=run.options.get("body", ""),
            coming_out=run.options.get("coming_out", False),
            source=folder / f"{run_id}{SOURCE}", progress=progress,
        )  # fmt: skip
    except RenderFailed as problem:
        log.exception("report failed", run=run_id)
        _change(session, run_id, stage="failed", error=str(problem), finished_at=clock.now(session))
        return "failed"
    except Exception:
        log.exception("report failed", run=run_id)
        _change(
            session, run_id, stage="failed", finished_at=clock.now(session),
            error=N_("The report could not be made. The reason is in the service’s log. Nothing else is affected."),
        )  # fmt: skip
        return "failed"
    _change(
        session, run_id, stage="done", step="", progress=100, finished_at=clock.now(session), file=out.name,
        sha256=made.sha256, pages=made.pages, snapshot_id=made.snapshot_id,
    )  # fmt: skip
    return "done"
