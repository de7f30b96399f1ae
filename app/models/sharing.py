"""Who does what within an agency: assignments, the board's comments, refusals to sign, links to sign in by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, WithPublicId
from app.models.people import User
from app.models.rounds import AuditReturn


class Assignment(Base, WithPublicId):
    """A standard, or one criterion of it (`criterion` not empty), is given to a colleague to answer.

    `state`: `open`, `ready` (the colleague says that it is done), `accepted` by the lead, `sent_back` with `note`.
    """

    __tablename__ = "assignment"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    standard: Mapped[str] = mapped_column(String(80))
    criterion: Mapped[str] = mapped_column(String(80), default="")
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    assigned_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    assigned_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(20), default="open")
    state_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text, default="")
    nudged_at: Mapped[datetime | None]

    audit_return: Mapped[AuditReturn] = relationship()
    user: Mapped[User] = relationship(foreign_keys=user_id)
    assigned_by: Mapped[User | None] = relationship(foreign_keys=assigned_by_id)

    __table_args__ = (
        UniqueConstraint("return_id", "standard", "criterion", "user_id"),
        CheckConstraint("state IN ('open', 'ready', 'accepted', 'sent_back')", name="state_known"),
    )


class BoardComment(Base, WithPublicId):
    """What a member of the board says about the draft, or about one standard of it. Comments are never edited."""

    __tablename__ = "board_comment"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"), index=True)
    standard: Mapped[str] = mapped_column(String(80), default="")
    text: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]

    by: Mapped[User | None] = relationship()


class SigningDeclined(Base, WithPublicId):
    """The accountable signatory declined to sign, with the reason; `answered_at` once the lead asks again."""

    __tablename__ = "signing_declined"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    by: Mapped[User | None] = relationship(foreign_keys=by_id)
    answered_by: Mapped[User | None] = relationship(foreign_keys=answered_by_id)


class SignInLink(Base):
    """A link that was sent to somebody, by the digest of its token. It works once and until `expires_at`."""

    __tablename__ = "sign_in_link"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()

    __table_args__ = (CheckConstraint("purpose IN ('sign_in', 'password')", name="purpose_known"),)
