"""Answers that came in a file and wait for somebody to decide what becomes of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, WithPublicId
from app.models.people import User
from app.models.rounds import AuditReturn


class StagedImport(Base, WithPublicId):
    """A spreadsheet or a bundle that was uploaded for a return. `content` is what was read from it."""

    __tablename__ = "staged_import"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[dict[str, Any]]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(20), default="open")
    settled_at: Mapped[datetime | None]

    audit_return: Mapped[AuditReturn] = relationship()
    by: Mapped[User | None] = relationship()

    __table_args__ = (
        CheckConstraint("kind IN ('sheet', 'bundle')", name="kind_known"),
        CheckConstraint("state IN ('open', 'settled', 'dismissed')", name="state_known"),
    )
