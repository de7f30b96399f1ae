"""Results of a survey of front-line staff: totals only, beside what the leadership of an agency answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

SURVEY_SIDES = ("agency", "body")


class SurveyResult(Base):
    """The totals of one statement for one return. `given_by`: the agency itself, or the oversight body.

    `counts`: how many chose each answer; together they are `answered`.
    """

    __tablename__ = "survey_result"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    statement: Mapped[str] = mapped_column(String(80))
    asked: Mapped[int]
    answered: Mapped[int]
    counts: Mapped[dict[str, Any]]
    given_by: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    __table_args__ = (
        UniqueConstraint("return_id", "statement"),
        CheckConstraint("given_by IN ('agency', 'body')", name="given_by_known"),
        CheckConstraint("0 <= answered AND answered <= asked", name="answered_of_asked"),
    )
