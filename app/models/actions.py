"""Action plans: what will be done where a criterion is not in place, and how it goes."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, WithPublicId
from app.models.people import User
from app.models.rounds import AuditReturn

ACTION_STATES = ("planned", "under_way", "done", "dropped")


class PlannedAction(Base, WithPublicId):
    """One action for one criterion: what, who, by when. `version` counts the edits; progress is beside it.

    `state` is the latest that was reported. What was planned is signed with the return and not changed afterwards.
    """

    __tablename__ = "planned_action"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    criterion: Mapped[str] = mapped_column(String(80))
    scope_key: Mapped[str] = mapped_column(String(60), default="")
    what: Mapped[str] = mapped_column(Text)
    owner: Mapped[str] = mapped_column(String(200))
    due: Mapped[date | None]
    state: Mapped[str] = mapped_column(String(20), default="planned")
    version: Mapped[int] = mapped_column(default=1)
    made_at: Mapped[datetime]
    saved_at: Mapped[datetime]
    saved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    removed_at: Mapped[datetime | None]

    audit_return: Mapped[AuditReturn] = relationship()
    saved_by: Mapped[User | None] = relationship()
    progress: Mapped[list[ActionProgress]] = relationship(
        back_populates="action", order_by="ActionProgress.id"
    )

    __table_args__ = (
        CheckConstraint("state IN ('planned', 'under_way', 'done', 'dropped')", name="state_known"),
        Index("ix_planned_action_return", "return_id", "criterion"),
    )


class ActionProgress(Base):
    """One update about an action, append-only: how it stands, in words, and a new date where it moved.

    `version` is the action's when it was reported: a later edit settles the date anew.
    """

    __tablename__ = "action_progress"
    id: Mapped[int] = mapped_column(primary_key=True)
    action_id: Mapped[int] = mapped_column(ForeignKey("planned_action.id"), index=True)
    state: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(Text, default="")
    due: Mapped[date | None]
    version: Mapped[int] = mapped_column(default=1)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    action: Mapped[PlannedAction] = relationship(back_populates="progress")
    by: Mapped[User | None] = relationship()

    __table_args__ = (
        CheckConstraint("state IN ('planned', 'under_way', 'done', 'dropped')", name="state_known"),
    )
