"""What was signed. Rows here are never changed or deleted: database triggers forbid it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, WithPublicId
from app.models.people import User
from app.models.rounds import AuditReturn


class Submission(Base, WithPublicId):
    """The frozen content of a return. `content` is canonical JSON (RFC 8785), `content_hash` its SHA-256."""

    __tablename__ = "submission"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    number: Mapped[int]
    content: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str] = mapped_column(String(64))
    submitted_at: Mapped[datetime]

    audit_return: Mapped[AuditReturn] = relationship()
    declaration: Mapped[Declaration] = relationship(back_populates="submission")
    voided: Mapped[SubmissionVoided | None] = relationship(back_populates="submission")
    answers: Mapped[list[SubmissionAnswer]] = relationship(back_populates="submission")

    __table_args__ = (UniqueConstraint("return_id", "number"),)


class Declaration(Base):
    """The signature on a submission: the exact words, who signed, when, and the submission hash."""

    __tablename__ = "declaration"
    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), unique=True)
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(10), default="en", server_default="en")
    name: Mapped[str] = mapped_column(String(200))
    post: Mapped[str] = mapped_column(String(200))
    acting: Mapped[bool]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    signed_at: Mapped[datetime]
    submission_hash: Mapped[str] = mapped_column(String(64))

    submission: Mapped[Submission] = relationship(back_populates="declaration")
    user: Mapped[User] = relationship()


class SubmissionAnswer(Base):
    """One signed answer, for figures."""

    __tablename__ = "submission_answer"
    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    criterion: Mapped[str] = mapped_column(String(80))
    scope_key: Mapped[str] = mapped_column(String(60), default="")
    type: Mapped[str] = mapped_column(String(40))
    value: Mapped[dict[str, Any]]
    grade: Mapped[str] = mapped_column(String(60), default="")

    submission: Mapped[Submission] = relationship(back_populates="answers")

    __table_args__ = (
        UniqueConstraint("submission_id", "criterion", "scope_key"),
        Index("ix_submission_answer_criterion_grade", "criterion", "grade"),
        Index("ix_submission_answer_submission_grade", "submission_id", "grade", "criterion"),
    )


class SubmissionVoided(Base):
    """A submission was set aside, with the reason; the submission itself stays as it was."""

    __tablename__ = "submission_voided"
    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), unique=True)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    submission: Mapped[Submission] = relationship(back_populates="voided")
    by: Mapped[User | None] = relationship()
