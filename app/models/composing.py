"""Composed reports: what inspectors wrote around the figures of a round, who signed it off, what it recommends."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.agencies import OversightBody
from app.models.base import Base, WithPublicId
from app.models.people import User
from app.models.rounds import AuditReturn, AuditRound


class CompositionVersion(Base):
    """What the joint report of a round was composed as, append-only: the highest `number` counts.

    `content` is an `app.domain.composing.Composition` as data.
    """

    __tablename__ = "composition_version"
    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("audit_round.id"))
    number: Mapped[int]
    content: Mapped[dict[str, Any]]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]

    audit_round: Mapped[AuditRound] = relationship()
    by: Mapped[User | None] = relationship()

    __table_args__ = (UniqueConstraint("round_id", "number"),)


class CompositionComment(Base, WithPublicId):
    """A remark of an inspector on one chapter, open until somebody resolves it."""

    __tablename__ = "composition_comment"
    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("audit_round.id"), index=True)
    chapter: Mapped[str] = mapped_column(String(80))
    text: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    by: Mapped[User | None] = relationship(foreign_keys=by_id)
    resolved_by: Mapped[User | None] = relationship(foreign_keys=resolved_by_id)


class CompositionSignOff(Base):
    """A lead inspector signed one version off for their body, append-only. It holds while no newer version is saved."""

    __tablename__ = "composition_sign_off"
    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("composition_version.id"))
    oversight_body_id: Mapped[int] = mapped_column(ForeignKey("oversight_body.id"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]

    version: Mapped[CompositionVersion] = relationship()
    body: Mapped[OversightBody] = relationship()
    by: Mapped[User | None] = relationship()

    __table_args__ = (UniqueConstraint("version_id", "oversight_body_id"),)


class Recommended(Base, WithPublicId):
    """A recommendation of a published report, in the register from its publication on.

    `key` is the recommendation's in the composition, the same in every edition. `text` by language. It is addressed to
    the agencies of a type in the round (`agency_type`) or to an oversight body (`oversight_body_id`).
    `withdrawn_in`: the edition that no longer makes it.
    """

    __tablename__ = "recommended"
    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("audit_round.id"))
    key: Mapped[str] = mapped_column(String(20))
    number: Mapped[int]
    text: Mapped[dict[str, Any]]
    agency_type: Mapped[str] = mapped_column(String(60), default="")
    oversight_body_id: Mapped[int | None] = mapped_column(ForeignKey("oversight_body.id"))
    due: Mapped[date | None]
    made_at: Mapped[datetime]
    edition: Mapped[int]
    withdrawn_in: Mapped[int | None]

    audit_round: Mapped[AuditRound] = relationship()
    body: Mapped[OversightBody | None] = relationship()

    __table_args__ = (
        UniqueConstraint("round_id", "key"),
        CheckConstraint("(agency_type <> '') <> (oversight_body_id IS NOT NULL)", name="one_addressee"),
    )


class RecommendedResponse(Base):
    """What an agency says to a recommendation that is addressed to it, append-only: its latest counts.

    `progress`: how far it is with it, empty where it does not accept it. `expected`: when it will be done.
    """

    __tablename__ = "recommended_response"
    id: Mapped[int] = mapped_column(primary_key=True)
    recommended_id: Mapped[int] = mapped_column(ForeignKey("recommended.id"), index=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"), index=True)
    answer: Mapped[str] = mapped_column(String(40))
    progress: Mapped[str] = mapped_column(String(40), default="")
    text: Mapped[str] = mapped_column(Text)
    expected: Mapped[date | None]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]

    recommended: Mapped[Recommended] = relationship()
    audit_return: Mapped[AuditReturn] = relationship()
    by: Mapped[User | None] = relationship()

    __table_args__ = (
        CheckConstraint("answer IN ('accepted', 'partly', 'not_accepted')", name="answer_known"),
        CheckConstraint("progress IN ('', 'not_begun', 'under_way', 'done')", name="progress_known"),
    )


class RecommendedStatus(Base):
    """How inspectors say that one addressee stands on a recommendation, append-only: the latest counts.

    `return_id`: of an agency in the round; None where the addressee is an oversight body.
    """

    __tablename__ = "recommended_status"
    id: Mapped[int] = mapped_column(primary_key=True)
    recommended_id: Mapped[int] = mapped_column(ForeignKey("recommended.id"), index=True)
    return_id: Mapped[int | None] = mapped_column(ForeignKey("audit_return.id"), index=True)
    state: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]

    recommended: Mapped[Recommended] = relationship()
    audit_return: Mapped[AuditReturn | None] = relationship()
    by: Mapped[User | None] = relationship()

    __table_args__ = (
        CheckConstraint("state IN ('accepted', 'under_way', 'done', 'not_accepted')", name="state_known"),
    )
