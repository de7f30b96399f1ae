"""Words to be found: what was signed and what was written in threads, one row for each text."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class SearchText(Base):
    """One text of a return that can be searched. The index over the words is the database's own (see migrations).

    `kind`: an `answer` or `action` of the latest submission that is not voided, or a `thread`'s post. `about` is the
    question's id, `place` the public id of what a result leads to.
    """

    __tablename__ = "search_text"
    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("audit_round.id"))
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    thread_kind: Mapped[str] = mapped_column(String(20), default="")
    about: Mapped[str] = mapped_column(String(160), default="")
    place: Mapped[str] = mapped_column(String(40), default="")
    grade: Mapped[str] = mapped_column(String(60), default="")
    text: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("kind IN ('answer', 'action', 'thread')", name="kind_known"),
        Index("ix_search_text_round", "round_id", "kind"),
    )
