"""Published packs: frozen content with its hash, and rows per criterion for joins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, WithPublicId


class PackVersion(Base, WithPublicId):
    """One published version of a pack. `content` is the canonical JSON of the whole pack and never changes."""

    __tablename__ = "pack_version"
    id: Mapped[int] = mapped_column(primary_key=True)
    pack: Mapped[str] = mapped_column(String(60))
    version: Mapped[int]
    title: Mapped[dict[str, Any]]
    content: Mapped[str] = mapped_column(Text, deferred=True)
    sha256: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[datetime]
    published_by: Mapped[str] = mapped_column(String(200))

    templates: Mapped[list[TemplateVersion]] = relationship(back_populates="pack_version")

    __table_args__ = (UniqueConstraint("pack", "version"),)


class TemplateVersion(Base):
    """The checklist of one agency type in a published pack; returns are pinned to one."""

    __tablename__ = "template_version"
    id: Mapped[int] = mapped_column(primary_key=True)
    pack_version_id: Mapped[int] = mapped_column(ForeignKey("pack_version.id"), index=True)
    agency_type: Mapped[str] = mapped_column(String(60))
    sha256: Mapped[str] = mapped_column(String(64))

    pack_version: Mapped[PackVersion] = relationship(back_populates="templates")
    criteria: Mapped[list[CriterionRow]] = relationship(back_populates="template_version")

    __table_args__ = (UniqueConstraint("pack_version_id", "agency_type"),)


class CriterionRow(Base):
    """One criterion of a published template, for joins; its words are read from the frozen content."""

    __tablename__ = "criterion"
    id: Mapped[int] = mapped_column(primary_key=True)
    template_version_id: Mapped[int] = mapped_column(ForeignKey("template_version.id"))
    key: Mapped[str] = mapped_column(String(80))
    version: Mapped[int]
    position: Mapped[int]
    number: Mapped[str] = mapped_column(String(10))
    standard: Mapped[str] = mapped_column(String(80))
    optional: Mapped[bool]
    theme: Mapped[str] = mapped_column(String(80))
    milestone: Mapped[str] = mapped_column(String(40), default="")
    answer_type: Mapped[str] = mapped_column(String(40))
    twins: Mapped[list[str]]

    template_version: Mapped[TemplateVersion] = relationship(back_populates="criteria")

    __table_args__ = (UniqueConstraint("template_version_id", "key"),)
