"""Release: each agency's feedback, the window in which it can be challenged, and what was published."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, JsonValue, WithPublicId
from app.models.people import User
from app.models.rounds import AuditReturn, AuditRound


class Release(Base, WithPublicId):
    """How the findings of a round come out: the window for factual accuracy, and the instant of publication.

    Until `publish_at` is set by a lead inspector and has come, nothing of it is known outside the oversight bodies.
    `prepared` is what comes out then, frozen when the instant was set; `told_at` when the agencies were told of the
    window that is set now.
    """

    __tablename__ = "release"
    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("audit_round.id"), unique=True)
    accuracy_opens: Mapped[datetime | None]
    accuracy_closes: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    publish_at: Mapped[datetime | None]
    prepared: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)  # megabytes, of which most readers need none
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    audit_round: Mapped[AuditRound] = relationship()


class Feedback(Base, WithPublicId):
    """One version of the feedback to an agency, append-only: the highest counts. `content` is statements as data.

    `narrative` is the inspector's own text; `reason` says what a version after the first corrects.
    """

    __tablename__ = "feedback"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    narrative: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]

    audit_return: Mapped[AuditReturn] = relationship()
    by: Mapped[User | None] = relationship()

    __table_args__ = (UniqueConstraint("return_id", "version"),)


class Publication(Base, WithPublicId):
    """What was published, frozen: the findings as data. A correction is the next number, with what it changed.

    `changes` is a list of `app.domain.corrections.Changed` as data.
    """

    __tablename__ = "publication"
    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("audit_round.id"))
    number: Mapped[int]
    content: Mapped[dict[str, Any]]
    sha256: Mapped[str] = mapped_column(String(64))
    snapshot_id: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(Text, default="")
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JsonValue)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    audit_round: Mapped[AuditRound] = relationship()
    by: Mapped[User | None] = relationship()

    __table_args__ = (
        UniqueConstraint("round_id", "number"),
        CheckConstraint("number = 1 OR reason <> ''", name="correction_has_reason"),
    )
