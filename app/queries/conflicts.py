"""Conflicts of interest of peer reviewers, as SQL: asked when one is assigned, and again whenever one reads."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import aliased

from app.models import AgencyInArea, Appointment

# columns of the statement around these clauses, parameters of it, or plain values
Number = Any
Day = Any


def was_appointed_at(user_id: Number, agency_id: Number) -> ColumnElement[bool]:
    """Whether a person holds, held or will hold an appointment at an agency."""
    held = aliased(Appointment)
    return select(held.id).where(held.user_id == user_id, held.agency_id == agency_id).exists()


def works_in_area_of(user_id: Number, agency_id: Number, day: Day) -> ColumnElement[bool]:
    """Whether a person holds an appointment on `day` at an agency that shares an area with another, or at the area."""
    held, theirs, its = aliased(Appointment), aliased(AgencyInArea), aliased(AgencyInArea)

    def on_day(row: Any) -> ColumnElement[bool]:
        return (row.starts <= day) & (row.ends.is_(None) | (row.ends >= day))

    return (
        select(held.id)
        .join(its, its.agency_id == agency_id)
        .outerjoin(theirs, (theirs.agency_id == held.agency_id) & on_day(theirs))
        .where(
            held.user_id == user_id,
            on_day(held),
            on_day(its),
            or_(theirs.area_id == its.area_id, held.area_id == its.area_id),
        )
        .exists()
    )


def in_conflict(user_id: Number, agency_id: Number, day: Day) -> ColumnElement[bool]:
    """Whether a person must not review an agency on `day`: either of the two."""
    return or_(was_appointed_at(user_id, agency_id), works_in_area_of(user_id, agency_id, day))
