"""What every table shares: the declarative base, UTC times, opaque public ids."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, MetaData, String, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.domain.entropy import letters

ID_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"  # no look-alikes: people read these out on the telephone
ID_LENGTH = 12


def new_public_id() -> str:
    """A random opaque id of 12 characters, for addresses and documents."""
    return letters(ID_ALPHABET, ID_LENGTH)


class UTCDateTime(TypeDecorator[datetime]):
    """An instant. Takes aware datetimes only and gives UTC back; on SQLite the plain type gives naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone cannot be stored: pass an aware one")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


JsonValue = JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    """The declarative base; constraint names are fixed, so that migrations can name them on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UTCDateTime(), dict[str, Any]: JsonValue, list[str]: JsonValue}


class WithPublicId:
    """Integers stay inside; what people see is `public_id`."""

    public_id: Mapped[str] = mapped_column(String(20), unique=True, default=new_public_id)
