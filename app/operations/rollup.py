"""Keeping the roll-up of grades true, in the transaction of the save."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.models import AuditReturn, RollUp

# (criterion, grade) for each answer; one asked per area has several, an answer without a grade has ""
Grades = Iterable[tuple[str, str]]


def upsert(session: Session) -> Any:
    """The `insert` of this database that knows ON CONFLICT."""
    return sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert


def change(
    session: Session, audit_return: AuditReturn, stage: str, *, before: Grades, after: Grades
) -> None:
    """Count the grades `after` instead of those `before` for a return at a stage."""
    deltas: Counter[tuple[str, str]] = Counter()
    for key, grade in before:
        if grade:
            deltas[key, grade] -= 1
    for key, grade in after:
        if grade:
            deltas[key, grade] += 1
    rows = [
        {
            "round_id": audit_return.round_id,
            "agency_type": audit_return.agency_type,
            "subtype": audit_return.subtype,
            "criterion": criterion,
            "grade": grade,
            "stage": stage,
            "count": delta,
        }
        # in one order everywhere, so that two writers never wait for each other in a circle
        for (criterion, grade), delta in sorted(deltas.items())
        if delta
    ]
    if not rows:
        return
    session.connection().execute(_counting(upsert(session)), rows)


@cache
def _counting(insert: Any) -> Any:
    """The statement that adds to counts, made once for each kind of database."""
    statement = insert(RollUp.__table__)
    return statement.on_conflict_do_update(
        index_elements=["round_id", "agency_type", "subtype", "criterion", "grade", "stage"],
        set_={"count": RollUp.__table__.c.count + statement.excluded["count"]},
    )
