"""Judgements: what the rules of a pack make of a return, and what inspectors decide on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, WithPublicId
from app.models.people import User
from app.models.rounds import AuditReturn
from app.models.submissions import Submission


class Judgement(Base, WithPublicId):
    """One judgement of the pack on one return, as it stands. `grade` is what the rules give, caps applied.

    `uncapped` is the grade without the caps, `self_grade` what the agency's own grades alone give, both "" while it
    waits for a judgement that nobody has entered. `explanation` is what came of the grades that hold, as data
    (`Outcome.data()`), with how many answers were checked and, under `self`, what came of the agency's own grades.
    With the key "" it is no judgement: the rules of its agency type have triggers alone. `triggered`: something is
    called for by what holds of the return. `given`: a grade that rules cannot know, entered by an inspector. An
    override waits until a lead inspector approves it; `stale` once answers or moderation changed after it was computed.
    """

    __tablename__ = "judgement"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id"))
    key: Mapped[str] = mapped_column(String(80))
    grade: Mapped[str] = mapped_column(String(60), default="")
    uncapped: Mapped[str] = mapped_column(String(60), default="")
    self_grade: Mapped[str] = mapped_column(String(60), default="")
    explanation: Mapped[dict[str, Any]]
    triggered: Mapped[bool] = mapped_column(default=False)
    inputs_hash: Mapped[str] = mapped_column(String(64), default="")
    stale: Mapped[bool] = mapped_column(default=False)
    judged_at: Mapped[datetime | None]
    given: Mapped[str] = mapped_column(String(60), default="")
    given_note: Mapped[str] = mapped_column(Text, default="")
    given_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    given_at: Mapped[datetime | None]
    override: Mapped[str] = mapped_column(String(60), default="")
    override_reason: Mapped[str] = mapped_column(Text, default="")
    override_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    override_at: Mapped[datetime | None]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    approved_at: Mapped[datetime | None]

    audit_return: Mapped[AuditReturn] = relationship()
    submission: Mapped[Submission | None] = relationship()
    given_by: Mapped[User | None] = relationship(foreign_keys=given_by_id)
    override_by: Mapped[User | None] = relationship(foreign_keys=override_by_id)
    approved_by: Mapped[User | None] = relationship(foreign_keys=approved_by_id)

    @property
    def holds(self) -> str:
        """The grade that holds: an override that was approved, or what the rules give. "" where there is none yet."""
        return self.override if self.approved_at else self.grade

    __table_args__ = (
        UniqueConstraint("return_id", "key"),
        CheckConstraint("override = '' OR override_reason <> ''", name="override_has_reason"),
        Index("ix_judgement_key_grade", "key", "grade"),
    )
