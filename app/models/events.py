"""The history: hash chains of events, one per return and one per round or pack."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base


class Event(Base):
    """One operation's record in a chain. Never changed or deleted: database triggers forbid it.

    `chain` is `return:ID`, `round:ID` or `pack:KEY` with public ids; `data` holds no personal text, only salted digests
    of what stands in `event_text`.
    """

    __tablename__ = "event"
    id: Mapped[int] = mapped_column(primary_key=True)
    chain: Mapped[str] = mapped_column(String(80))
    seq: Mapped[int]
    verb: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(80))
    data: Mapped[dict[str, Any]]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    texts: Mapped[list[EventText]] = relationship(back_populates="event")

    __table_args__ = (UniqueConstraint("chain", "seq"),)


class EventText(Base):
    """Personal text of an event, beside the chain: erasing text and salt leaves the chain whole."""

    __tablename__ = "event_text"
    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    salt: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)

    event: Mapped[Event] = relationship(back_populates="texts")
