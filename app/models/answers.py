"""Self-assessments: the current answer, every earlier version, vouching, and the roll-up of grades."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base
from app.models.people import User
from app.models.rounds import AuditReturn


class SelfAssessment(Base):
    """One agency's answer to one criterion, as it stands. `value` is the canonical value of its `type`.

    `scope_key` is empty, or names the area or site the answer is about. `version` counts the saves from 1.
    """

    __tablename__ = "self_assessment"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    criterion: Mapped[str] = mapped_column(String(80))
    scope_key: Mapped[str] = mapped_column(String(60), default="")
    type: Mapped[str] = mapped_column(String(40))
    value: Mapped[dict[str, Any]]
    # the grade for joins and figures; empty for other types and while no grade is chosen
    grade: Mapped[str] = mapped_column(String(60), default="")
    version: Mapped[int]
    saved_at: Mapped[datetime]
    saved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    # carried forward from an earlier return, and whether somebody has yet to confirm that it still holds
    carried_from_id: Mapped[int | None] = mapped_column(ForeignKey("audit_return.id"))
    to_confirm: Mapped[bool] = mapped_column(default=False, server_default=false())

    audit_return: Mapped[AuditReturn] = relationship(foreign_keys=return_id)
    saved_by: Mapped[User | None] = relationship()

    __table_args__ = (UniqueConstraint("return_id", "criterion", "scope_key"),)


SOURCES = ("page", "sheet", "bundle", "carried", "confirmed", "restored")


class SelfAssessmentVersion(Base):
    """Every save, append-only. `idempotency_key` makes a retried save the same save; `source` says how it came."""

    __tablename__ = "self_assessment_version"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    criterion: Mapped[str] = mapped_column(String(80))
    scope_key: Mapped[str] = mapped_column(String(60), default="")
    type: Mapped[str] = mapped_column(String(40))
    value: Mapped[dict[str, Any]]
    version: Mapped[int]
    based_on: Mapped[int]
    idempotency_key: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(20), default="page", server_default="page")
    saved_at: Mapped[datetime]
    saved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    saved_by: Mapped[User | None] = relationship()

    __table_args__ = (
        UniqueConstraint(
            "return_id", "criterion", "scope_key", "version", name="uq_self_assessment_version_version"
        ),
        UniqueConstraint(
            "return_id",
            "criterion",
            "scope_key",
            "idempotency_key",
            name="uq_self_assessment_version_idempotency",
        ),
    )


class Vouch(Base):
    """A named executive vouches for a standard. It holds for the answers as they were: a later save ends it."""

    __tablename__ = "vouch"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    standard: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(200))
    post: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    __table_args__ = (UniqueConstraint("return_id", "standard"),)


class RollUp(Base):
    """How many returns of a kind gave a grade to a criterion, by stage (draft or submitted). Kept in every save.

    Submitted figures are of the latest submission that is not voided.
    """

    __tablename__ = "roll_up"
    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("audit_round.id"))
    agency_type: Mapped[str] = mapped_column(String(60))
    subtype: Mapped[str] = mapped_column(String(60))
    criterion: Mapped[str] = mapped_column(String(80))
    grade: Mapped[str] = mapped_column(String(60))
    stage: Mapped[str] = mapped_column(String(20))
    count: Mapped[int] = mapped_column(default=0)

    __table_args__ = (
        UniqueConstraint("round_id", "agency_type", "subtype", "criterion", "grade", "stage"),
        Index("ix_roll_up_round_stage", "round_id", "stage"),
    )
