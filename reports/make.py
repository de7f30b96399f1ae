"""Making a report: read the data as the actor may read them, and render them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.domain.findings import Document
from app.models import AuditReturn, AuditRound
from app.policy import Actor
from app.queries.release import is_oversight
from reports.origins import ORIGINS, kept_queries
from reports.read import read
from reports.registry import reports
from reports.render import RenderFailed, render_pdf
from reports.source import Query, Source, known, recorded, source_of


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
    edition: int = 0, body: str = "", coming_out: bool = False,
    data: Path | None = None,
    source: Path | None = None,
    progress: Callable[[int, str], None] | None = None,
) -> MadeReport:  # fmt: skip
    """Make a report as a PDF at `out` and, where `data` is given, its data there as JSON with the same figures.

    `source`: where to keep what its other forms are made from (`reports.formats`).

    `draft`: of a return as it is being written, not as it was signed; `agency_type`: what a form of a round is for;
    `area`: public id of the one that a letter is to, or a report about; `body`: code of the one a summary is for;
    `edition`: which version of feedback, or which publication of findings or of a letter; `coming_out`: joint findings
    with those figures and names alone that would come out.
    Raises Denied, and RenderFailed where there is no such report, nothing to report on, or rendering fails.
    """
    found, queries = _read(
        session, report_key, audit_round, audit_return, draft=draft, agency_type=agency_type, area=area,
        body=body, language=language, edition=edition, coming_out=coming_out, actor=actor, now=now,
    )  # fmt: skip
    content = found.model_dump(mode="json")
    pdf = render_pdf(report_key, content, out, progress=progress)
    if data is not None:
        data.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if source is not None:
        source_of(report_key, found, queries).keep(source)
    return MadeReport(pdf.pages, pdf.sha256, found.snapshot_id, pdf.seconds, pdf.peak_memory_mb)


def make_source(
    session: Session, report_key: str, audit_round: AuditRound, audit_return: AuditReturn | None, **what: Any
) -> Source:
    """What the forms of a report other than its PDF are made from. Arguments and errors as of `make_report`."""
    found, queries = _read(session, report_key, audit_round, audit_return, **what)
    return source_of(report_key, found, queries)


def _read(
    session: Session, report_key: str, audit_round: AuditRound, audit_return: AuditReturn | None, **what: Any
) -> tuple[Document, tuple[Query, ...]]:
    """The data of a report, and the statements that read them: as they were run for those who inspect, else as they are
    kept with the program."""
    if report_key not in reports():
        raise RenderFailed(f"There is no report “{report_key}”. Known are: {', '.join(reports())}.")
    with recorded(session, ORIGINS.get(reports()[report_key].data, {})) as queries:
        found = read(session, report_key, audit_round, audit_return, **what)
    # the values that they were given are keys of rows of ours: for those who may look behind a figure
    inspects = is_oversight(session, audit_round, actor=what["actor"], now=what["now"])
    session.rollback()  # rendering takes long: hold no transaction open meanwhile
    return found, tuple(queries) if inspects else known(kept_queries(report_key))
