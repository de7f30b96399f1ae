"""Reading two views of one duty: pairs of agencies of one area that answered twin criteria.

Views, not verdicts: what each side signed stands beside what the other signed. Nothing is compared where a side is
excluded or shown apart (not applicable, not assured); such pairs are counted apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, and_, or_, select

from app.clock import today
from app.models import AgencyInArea, Area, AuditReturn, AuditRound, SubmissionAnswer

if TYPE_CHECKING:
    from app.queries.findings import Asked, Reading

VIEWS = ("both", "only_a", "only_b", "neither", "not_comparable")

Pair = tuple["Asked", "Asked"]


def twin_pairs(asked: Mapping[str, Asked]) -> tuple[Pair, ...]:
    """Every pair of twins once, in the order of the templates; a criterion is no twin of itself."""
    order = list(asked)
    pairs = {
        tuple(sorted((reference, twin), key=order.index))
        for reference, one in asked.items()
        for twin in one.criterion.twins
        if twin in asked and twin != reference
    }
    return tuple(
        (asked[a], asked[b])
        for a, b in sorted(pairs, key=lambda pair: (order.index(pair[0]), order.index(pair[1])))
    )


def in_force(audit_round: AuditRound, membership: Any) -> ColumnElement[bool]:
    """SQL: the agency works in the area on the day that the round's answers are due."""
    day: date = today(audit_round.due)
    return and_(membership.starts <= day, or_(membership.ends.is_(None), membership.ends >= day))


def view_of(a: str, b: str) -> str:
    """Two views of one duty as one word; nothing is compared where a side is excluded or shown apart."""
    if not {a, b} <= {"met", "not_met"}:
        return "not_comparable"
    return {("met", "met"): "both", ("met", "not_met"): "only_a", ("not_met", "met"): "only_b"}.get(
        (a, b), "neither"
    )


class Answer(NamedTuple):
    """A signed answer to a twin criterion, for one area that its agency works in."""

    answer_id: int
    return_id: int
    grade: str


# reference to (name of the area, its id) to the answers given for it
Sides = Mapping[str, Mapping[tuple[str, int], Sequence[Answer]]]


def sides_of(reading: Reading, pairs: Sequence[Pair]) -> Sides:
    """The signed answers to twin criteria, once for each area that the agency works in. One statement."""
    latest = reading.latest
    # by reference: a criterion whose texts have several languages cannot be hashed
    wanted = {side.reference: side for pair in pairs for side in pair}
    kinds: dict[str, list[str]] = defaultdict(list)
    for _reference, side in sorted(wanted.items()):
        kinds[side.agency_type].append(side.criterion.id)
    rows = reading.session.execute(
        select(
            AuditReturn.agency_type,
            SubmissionAnswer.criterion,
            Area.name,
            Area.id.label("area_id"),
            SubmissionAnswer.id,
            AuditReturn.id.label("return_id"),
            SubmissionAnswer.grade,
        )
        .join(latest, latest.c.submission_id == SubmissionAnswer.submission_id)
        .join(AuditReturn, AuditReturn.id == latest.c.return_id)
        .join(AgencyInArea, AgencyInArea.agency_id == AuditReturn.agency_id)
        .join(Area, Area.id == AgencyInArea.area_id)
        .where(
            in_force(reading.audit_round, AgencyInArea),
            SubmissionAnswer.grade != "",
            # an answer about one area stands for that area only
            SubmissionAnswer.scope_key.in_(("", Area.public_id)),
            or_(
                *(
                    and_(AuditReturn.agency_type == kind, SubmissionAnswer.criterion.in_(ids))
                    for kind, ids in kinds.items()
                )
            ),
        )
        .order_by(SubmissionAnswer.id)
    )
    found: dict[tuple[str, str], dict[tuple[str, int], list[Answer]]] = defaultdict(lambda: defaultdict(list))
    for kind, criterion, area, area_id, answer_id, return_id, grade in rows:
        found[kind, criterion][area, area_id].append(Answer(answer_id, return_id, grade))
    return {f"{kind}#{criterion}": by_area for (kind, criterion), by_area in found.items()}


def meetings(sides: Sides, pair: Pair) -> Iterator[tuple[tuple[str, int], Answer, Answer]]:
    """Every two agencies of one area that answered the two sides of a duty: (area, its id), one side, the other."""
    ours, theirs = sides.get(pair[0].reference, {}), sides.get(pair[1].reference, {})
    for area, answers in ours.items():
        for one in answers:
            for other in theirs.get(area, ()):
                if one.return_id != other.return_id:
                    yield area, one, other


def counts_by_area(sides: Sides, pair: Pair) -> dict[tuple[str, int], dict[str, int]]:
    """(area, its id) to view to the number of pairs of agencies."""
    views = {
        (a.key, b.key): view_of(pair[0].kind(a.key), pair[1].kind(b.key))
        for a in pair[0].scheme.grades
        for b in pair[1].scheme.grades
    }
    counts: dict[tuple[str, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for area, one, other in meetings(sides, pair):
        counts[area][views[one.grade, other.grade]] += 1
    return counts
