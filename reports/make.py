"""Making a report: read the data as the actor may read them, and render them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from app.models import AuditReturn, AuditRound
from app.policy import Actor
from reports.read import read
from reports.registry import reports
from reports.render import RenderFailed, render_pdf


@dataclass(frozen=True)
class MadeReport:
    """A PDF that was written, what it shows (`snapshot_id`), and what it cost."""

    pages: int
    sha256: str
    snapshot_id: str
    seconds: float
    peak_memory_mb: int


def make_report(
    session: Session, report_key: str, audit_round: AuditRound, audit_return: AuditReturn | None, *, out: Path,
    actor: Actor, now: datetime, draft: bool = False, agency_type: str = "", area: str = "", language: str = "en",
    edition: int = 0,
    data: Path | None = None,
    progress: Callable[[int, str], None] | None = None,
) -> MadeReport:  # fmt: skip
    """Make a report as a PDF at `out` and, where `data` is given, its data there as JSON with the same figures.

    `draft`: of a return as it is being written, not as it was signed; `agency_type`: what a form of a round is for;
    `area`: public id of the one that a letter is to; `edition`: which version of feedback, or which publication of
    findings or of a letter.
    Raises Denied, and RenderFailed where there is no such report, nothing to report on, or rendering fails.
    """
    if report_key not in reports():
        raise RenderFailed(f"There is no report “{report_key}”. Known are: {', '.join(reports())}.")
    found = read(
        session, report_key, audit_round, audit_return, draft=draft, agency_type=agency_type, area=area,
        language=language, edition=edition, actor=actor, now=now,
    )  # fmt: skip
    session.rollback()  # rendering takes long: hold no transaction open meanwhile
    content = found.model_dump(mode="json")
    pdf = render_pdf(report_key, content, out, progress=progress)
    if data is not None:
        data.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return MadeReport(pdf.pages, pdf.sha256, found.snapshot_id, pdf.seconds, pdf.peak_memory_mb)
