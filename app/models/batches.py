"""Batches: one report for many agencies or areas of a round, made in the background and downloaded as one file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.agencies import Area
from app.models.base import Base, WithPublicId
from app.models.people import User
from app.models.rounds import AuditReturn, AuditRound

BATCH_STAGES = ("waiting", "running", "cancelled", "done")
DOCUMENT_STAGES = ("waiting", "making", "made", "failed")


class ReportBatch(Base, WithPublicId):
    """One making of a report for many. `file` is the name of the ZIP file in the data folder's `reports/batches/`.

    `turn` names the worker's run that works on it: what an earlier one still finishes is thrown away.
    `error`: why there is no ZIP file although all is done or, of one that is cancelled, why the worker gave it up.
    `options`: `language`, and `forms` that each document is wanted in beside the PDF.
    """

    __tablename__ = "report_batch"
    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("audit_round.id"), index=True)
    report: Mapped[str] = mapped_column(String(60))
    options: Mapped[dict[str, Any]]
    requested_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    requested_at: Mapped[datetime]
    stage: Mapped[str] = mapped_column(String(20), default="waiting")
    turn: Mapped[str] = mapped_column(String(16), default="")
    turn_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")
    file: Mapped[str] = mapped_column(String(200), default="")
    sha256: Mapped[str] = mapped_column(String(64), default="")
    size: Mapped[int] = mapped_column(default=0)

    audit_round: Mapped[AuditRound] = relationship()
    requested_by: Mapped[User | None] = relationship()

    __table_args__ = (CheckConstraint(f"stage IN {BATCH_STAGES}", name="stage_known"),)


class BatchDocument(Base):
    """One document of a batch, about a return or an area. `edition`: a version of feedback, or which letter.

    `file` is its name below `reports/batches/`, in the folder of the batch, until all is in the ZIP file.
    """

    __tablename__ = "batch_document"
    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("report_batch.id"))
    return_id: Mapped[int | None] = mapped_column(ForeignKey("audit_return.id"), index=True)
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    edition: Mapped[int] = mapped_column(default=0)
    stage: Mapped[str] = mapped_column(String(20), default="waiting")
    error: Mapped[str] = mapped_column(Text, default="")
    attempts: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None]
    file: Mapped[str] = mapped_column(String(200), default="")
    sha256: Mapped[str] = mapped_column(String(64), default="")
    pages: Mapped[int] = mapped_column(default=0)
    snapshot_id: Mapped[str] = mapped_column(String(80), default="")

    batch: Mapped[ReportBatch] = relationship()
    audit_return: Mapped[AuditReturn | None] = relationship()
    area: Mapped[Area | None] = relationship()

    __table_args__ = (
        UniqueConstraint("batch_id", "return_id", "area_id"),
        CheckConstraint(f"stage IN {DOCUMENT_STAGES}", name="stage_known"),
        CheckConstraint("(return_id IS NULL) <> (area_id IS NULL)", name="one_subject"),
    )
