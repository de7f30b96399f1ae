"""Sites: the places of one agency that its return answers questions about."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class ReturnSite(Base):
    """A site that an agency listed in one return: what was listed in one round changes nothing in another.

    `key` is how answers name it (`scope_key`): its code in small letters, the same in every round. A site that was
    removed keeps its row and its answers; added again, it has them back.
    """

    __tablename__ = "return_site"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    key: Mapped[str] = mapped_column(String(30))
    code: Mapped[str] = mapped_column(String(30))
    name: Mapped[str] = mapped_column(String(200))
    added_at: Mapped[datetime]
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    removed_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("return_id", "key"),)
