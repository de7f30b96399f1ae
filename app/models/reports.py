"""Reports that were asked for: made in the background, kept, and downloaded from there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, WithPublicId
from app.models.people import User
from app.models.rounds import AuditReturn, AuditRound


class ReportRun(Base, WithPublicId):
    """One making of one report. `progress` is 0 to 100; `file` is a name in the data folder's `reports/`."""

    __tablename__ = "report_run"
    id: Mapped[int] = mapped_column(primary_key=True)
    report: Mapped[str] = mapped_column(String(60))
    round_id: Mapped[int] = mapped_column(ForeignKey("audit_round.id"), index=True)
    return_id: Mapped[int | None] = mapped_column(ForeignKey("audit_return.id"), index=True)
    options: Mapped[dict[str, Any]]
    requested_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    requested_at: Mapped[datetime]
    stage: Mapped[str] = mapped_column(String(20), default="waiting")
    step: Mapped[str] = mapped_column(String(200), default="")
    progress: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")
    snapshot_id: Mapped[str] = mapped_column(String(80), default="")
    file: Mapped[str] = mapped_column(String(200), default="")
    sha256: Mapped[str] = mapped_column(String(64), default="")
    pages: Mapped[int] = mapped_column(default=0)

    audit_round: Mapped[AuditRound] = relationship()
    audit_return: Mapped[AuditReturn | None] = relationship()
    requested_by: Mapped[User | None] = relationship()

    __table_args__ = (
        CheckConstraint("stage IN ('waiting', 'running', 'done', 'failed')", name="stage_known"),
    )
