"""Reports: findings as plain data made into PDF files by a process of its own.

One folder per report: `report.yaml` says what it is and which data it takes, `page.html` is the document.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.models import AuditReturn, AuditRound
    from app.policy import Actor


@dataclass(frozen=True)
class Made:
    """A report that was made: the file's pages and hash, what it cost, and the snapshot it rests on."""

    pages: int
    sha256: str
    seconds: float
    peak_memory_mb: int
    snapshot_id: str


def make(
    session: Session, report_key: str, audit_round: AuditRound, audit_return: AuditReturn | None, *, out: Path,
    actor: Actor, now: datetime, progress: Callable[[int, str], None] | None = None, data: Path | None = None,
) -> Made:  # fmt: skip
    """Read what a report needs as the actor may, render it to `out`, and write the data as JSON to `data` if given.

    Nothing of the session is used once rendering starts, so `progress` (per cent, step) may commit. Raises Denied,
    RenderFailed, and KeyError for a report that does not exist.
    """
    # the renderer's own process imports this package too, and must stay small
    from reports.read import read
    from reports.render import render_pdf

    document = read(session, report_key, audit_round, audit_return, actor=actor, now=now)
    if data is not None:
        data.write_text(document.model_dump_json(indent=2) + "\n", encoding="utf-8")
    made = render_pdf(report_key, document.model_dump(mode="json"), out, progress=progress)
    return Made(made.pages, made.sha256, made.seconds, made.peak_memory_mb, document.snapshot_id)
