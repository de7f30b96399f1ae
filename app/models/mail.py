"""Mail: an outbox that is written in the transaction of what it tells of, and what each person wants to receive."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, WithPublicId
from app.models.people import User


class OutboxMessage(Base, WithPublicId):
    """One mail, to be sent, sent, or given up. `dedupe_key` is unique: the same mail is queued once."""

    __tablename__ = "outbox_message"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    address: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(40))
    return_id: Mapped[int | None] = mapped_column(ForeignKey("audit_return.id"), index=True)
    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True)
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    queued_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    next_try: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")
    provider_id: Mapped[str] = mapped_column(String(120), default="")

    user: Mapped[User | None] = relationship()

    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'sent', 'failed')", name="state_known"),
        Index("ix_outbox_message_due", "state", "next_try"),
    )


class MailPreference(Base):
    """Whether a person wants mails of a kind. No row: they do."""

    __tablename__ = "mail_preference"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[str] = mapped_column(String(40))
    wanted: Mapped[bool]

    __table_args__ = (UniqueConstraint("user_id", "kind"),)
