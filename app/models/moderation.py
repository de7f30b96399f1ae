"""Moderation: the sample that was drawn, what inspectors found, and what is returned for correction."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, WithPublicId
from app.models.people import User
from app.models.rounds import AuditReturn, AuditRound
from app.models.submissions import Submission


class Sample(Base, WithPublicId):
    """The sample of one round. `seed_hash` is made known before the round closes, `seed` after the draw.

    `plan`: how many returns of each agency type, how many questions of each, which rules of risk, the share that a
    second inspector checks. `frame` is the list that it was drawn from, and `frame_hash` its hash.
    """

    __tablename__ = "sample"
    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("audit_round.id"), unique=True)
    seed: Mapped[str] = mapped_column(String(64))
    seed_hash: Mapped[str] = mapped_column(String(64))
    plan: Mapped[dict[str, Any]]
    committed_at: Mapped[datetime]
    committed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    drawn_at: Mapped[datetime | None]
    drawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    frame_hash: Mapped[str] = mapped_column(String(64), default="")
    # agency type to [public id of the return, submission hash] of each submitted return that the draw was from
    frame: Mapped[dict[str, Any]]

    audit_round: Mapped[AuditRound] = relationship()
    returns: Mapped[list[SampledReturn]] = relationship(back_populates="sample")


class SampledReturn(Base, WithPublicId):
    """A return that is checked, with the submission that it was drawn with. It can be in both strata.

    `place` is its place in the random draw of its agency type, from 1; none where chance did not choose it. `risks`
    are the rules that chose it, with the figures that made them; empty where none did. `questions` are the questions
    that are checked. `second_id`: who checks again without seeing the first. `check_by`: the day by which the checks
    are asked for. `finished_at` is of the submission in force: it begins anew when the agency submits again.
    """

    __tablename__ = "sampled_return"
    id: Mapped[int] = mapped_column(primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"))
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"), index=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    place: Mapped[int | None]
    risks: Mapped[list[str]]
    figures: Mapped[dict[str, Any]]
    questions: Mapped[list[str]]
    check_by: Mapped[date | None]
    inspector_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    finished_at: Mapped[datetime | None]
    second_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    second_finished_at: Mapped[datetime | None]

    sample: Mapped[Sample] = relationship(back_populates="returns")
    audit_return: Mapped[AuditReturn] = relationship()
    submission: Mapped[Submission] = relationship()
    inspector: Mapped[User | None] = relationship(foreign_keys=inspector_id)
    second: Mapped[User | None] = relationship(foreign_keys=second_id)

    __table_args__ = (UniqueConstraint("sample_id", "return_id"),)


class Moderation(Base, WithPublicId):
    """What an inspector found about one signed answer, append-only: the highest `version` counts.

    `outcome` is `upheld` or `adjusted`; `grade` the grade that holds from then on, `self_grade` the agency's own.
    `second`: by the second inspector, for agreement only.
    """

    __tablename__ = "moderation"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    criterion: Mapped[str] = mapped_column(String(80))
    scope_key: Mapped[str] = mapped_column(String(60), default="")
    second: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int]
    outcome: Mapped[str] = mapped_column(String(20))
    self_grade: Mapped[str] = mapped_column(String(60))
    grade: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str] = mapped_column(Text, default="")
    evidence_seen: Mapped[str] = mapped_column(Text, default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]

    by: Mapped[User | None] = relationship()

    __table_args__ = (
        UniqueConstraint(
            "submission_id", "criterion", "scope_key", "second", "version", name="uq_moderation_version"
        ),
        CheckConstraint("outcome IN ('upheld', 'adjusted')", name="outcome_known"),
        CheckConstraint("(outcome = 'upheld') = (grade = self_grade)", name="adjusted_differs"),
        Index("ix_moderation_return", "return_id"),
    )


class ReturnedStandard(Base):
    """A standard that was returned for correction: until the return is signed again only such standards change."""

    __tablename__ = "returned_standard"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    standard: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("submission_id", "standard"),
        Index("ix_returned_standard_return", "return_id"),
    )


class Example(Base, WithPublicId):
    """A signed answer that an inspector marked for the report: of `good` practice, or of `concern`."""

    __tablename__ = "example"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"), index=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    criterion: Mapped[str] = mapped_column(String(80))
    scope_key: Mapped[str] = mapped_column(String(60), default="")
    kind: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(Text, default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]

    audit_return: Mapped[AuditReturn] = relationship()
    by: Mapped[User | None] = relationship()

    __table_args__ = (
        UniqueConstraint("submission_id", "criterion", "scope_key", "kind"),
        CheckConstraint("kind IN ('good', 'concern')", name="kind_known"),
    )
