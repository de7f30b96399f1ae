"""Agencies, the areas they work in, and the bodies that oversee them."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, WithPublicId


class Agency(Base, WithPublicId):
    """An audited organisation. Its type and subtype are strings that a pack knows, never an enum."""

    __tablename__ = "agency"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    agency_type: Mapped[str] = mapped_column(String(60), index=True)
    subtype: Mapped[str] = mapped_column(String(60), default="")
    closed_on: Mapped[date | None]

    areas: Mapped[list[AgencyInArea]] = relationship(back_populates="agency")


class Area(Base, WithPublicId):
    """A place whose agencies work together: an area committee, a partnership. `region` is the name of the region that
    it lies in; empty where areas are not grouped."""

    __tablename__ = "area"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    region: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))

    agencies: Mapped[list[AgencyInArea]] = relationship(back_populates="area")


class AgencyInArea(Base):
    """An agency works in an area from a day to a day; an agency can be in several."""

    __tablename__ = "agency_in_area"
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), index=True)
    starts: Mapped[date]
    ends: Mapped[date | None]

    agency: Mapped[Agency] = relationship(back_populates="areas")
    area: Mapped[Area] = relationship(back_populates="agencies")

    __table_args__ = (
        UniqueConstraint("agency_id", "area_id", "starts"),
        CheckConstraint("ends IS NULL OR ends >= starts", name="ends_after_starts"),
    )


class OversightBody(Base, WithPublicId):
    """Who owns rounds: an inspectorate or a safeguarding partnership. Pages call it by its own name."""

    __tablename__ = "oversight_body"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    short: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(40))
