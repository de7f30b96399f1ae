"""Packs that people draft in the browser: files as text, every revision kept, until a second person publishes them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.agencies import OversightBody
from app.models.base import Base, WithPublicId
from app.models.people import User
from app.models.templates import PackVersion


class PackDraft(Base, WithPublicId):
    """A pack in the making. Without `body` it is the administrators'.

    `base` is the published version that it began from. `revision` is raised by every save. `left_out`: what an import
    could not take over, and why. `mistakes`: how many the check found in it as it stands. What stands under `note` is
    what the sender says is new, and under `reason` why it was returned last. `settled`: it was published, set aside, or
    returned.
    """

    __tablename__ = "pack_draft"
    id: Mapped[int] = mapped_column(primary_key=True)
    body_id: Mapped[int | None] = mapped_column(ForeignKey("oversight_body.id"), index=True)
    pack: Mapped[str] = mapped_column(String(80))
    title: Mapped[str] = mapped_column(String(300))
    origin: Mapped[str] = mapped_column(String(20))
    origin_name: Mapped[str] = mapped_column(String(200), default="")
    left_out: Mapped[list[str]]
    base_id: Mapped[int | None] = mapped_column(ForeignKey("pack_version.id"))
    state: Mapped[str] = mapped_column(String(20), default="drafting")
    revision: Mapped[int] = mapped_column(default=1)
    mistakes: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    edited_at: Mapped[datetime]
    edited_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    sent_at: Mapped[datetime | None]
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    note: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    published_id: Mapped[int | None] = mapped_column(ForeignKey("pack_version.id"))

    body: Mapped[OversightBody | None] = relationship()
    base: Mapped[PackVersion | None] = relationship(foreign_keys=base_id)
    published: Mapped[PackVersion | None] = relationship(foreign_keys=published_id)
    made_by: Mapped[User | None] = relationship(foreign_keys=made_by_id)
    edited_by: Mapped[User | None] = relationship(foreign_keys=edited_by_id)
    sent_by: Mapped[User | None] = relationship(foreign_keys=sent_by_id)
    settled_by: Mapped[User | None] = relationship(foreign_keys=settled_by_id)

    __table_args__ = (
        CheckConstraint("state IN ('drafting', 'sent', 'published', 'withdrawn')", name="state_known"),
        CheckConstraint(
            "origin IN ('published', 'gallery', 'workbook', 'xlsform', 'ciso', 'empty')", name="origin_known"
        ),
        CheckConstraint("(state = 'published') = (published_id IS NOT NULL)", name="published_has_version"),
        CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name="sent_has_time"),
    )


class DraftFile(Base):
    """A file of a draft as one revision left it: the newest row of a name is what stands. No text: it was removed."""

    __tablename__ = "pack_draft_file"
    id: Mapped[int] = mapped_column(primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("pack_draft.id"))
    name: Mapped[str] = mapped_column(String(100))
    revision: Mapped[int]
    text: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    by: Mapped[User | None] = relationship()

    __table_args__ = (UniqueConstraint("draft_id", "name", "revision"),)
