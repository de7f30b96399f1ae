"""Follow-up: how an agency stands on each recommendation, and who is watched until it is done."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, WithPublicId
from app.models.people import User
from app.models.rounds import AuditReturn


class RecommendationStatus(Base):
    """What an inspector says of one recommendation and one return, over what follows from the answers."""

    __tablename__ = "recommendation_status"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    recommendation: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]

    by: Mapped[User | None] = relationship()

    __table_args__ = (UniqueConstraint("return_id", "recommendation"),)


class Monitoring(Base, WithPublicId):
    """An agency is monitored, for one recommendation or (empty) as a whole, until it is cleared with a reason."""

    __tablename__ = "monitoring"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"), index=True)
    recommendation: Mapped[str] = mapped_column(String(120), default="")
    reason: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    review_on: Mapped[date | None]
    cleared_at: Mapped[datetime | None]
    clear_reason: Mapped[str] = mapped_column(Text, default="")
    cleared_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    audit_return: Mapped[AuditReturn] = relationship()
    by: Mapped[User | None] = relationship(foreign_keys=by_id)
    cleared_by: Mapped[User | None] = relationship(foreign_keys=cleared_by_id)

    __table_args__ = (CheckConstraint("(cleared_at IS NULL) = (clear_reason = '')", name="cleared_has_reason"),)


class PeerReview(Base, WithPublicId):
    """A peer reviewer from another agency reads the submission of a return, once it is released to them."""

    __tablename__ = "peer_review"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    assigned_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    assigned_at: Mapped[datetime]
    # the reviewer says that nothing stands in the way, or what does: then the review ends
    declared_at: Mapped[datetime | None]
    conflict: Mapped[str] = mapped_column(Text, default="")
    finished_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    audit_return: Mapped[AuditReturn] = relationship()
    user: Mapped[User] = relationship(foreign_keys=user_id)
    assigned_by: Mapped[User | None] = relationship(foreign_keys=assigned_by_id)

    __table_args__ = (
        UniqueConstraint("return_id", "user_id"),
        Index("ix_peer_review_user", "user_id", "ended_at"),
    )
