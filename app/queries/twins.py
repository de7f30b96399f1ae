"""Reading two views of one duty: pairs of agencies of one area that answered twin criteria.

Views, not verdicts: what each side signed stands beside what the other signed. Nothing is compared where a side is
excluded or shown apart (not applicable, not assured); such pairs are counted apart.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, and_, or_, select

from app.clock import today
from app.db import rows_of
from app.models import AgencyInArea, Area, AuditReturn, AuditRound, Submission, SubmissionAnswer
from app.queries.rounds import IN_FORCE

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
    return in_force_on(today(audit_round.due), membership)


def in_force_on(day: date | ColumnElement[date], membership: Any) -> ColumnElement[bool]:
    """SQL: the agency works in the area on a day."""
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
    """The signed answers to twin criteria, once for each area that the agency works in. Two statements."""
    wanted = {(side.agency_type, side.criterion.id) for pair in pairs for side in pair}
    of_round = select(AuditReturn.agency_id).where(AuditReturn.round_id == reading.audit_round.id)
    areas: dict[int, list[tuple[str, tuple[str, int]]]] = defaultdict(list)
    for agency_id, public_id, name, area_id in rows_of(
        reading.session,
        select(AgencyInArea.agency_id, Area.public_id, Area.name, Area.id)
        .join(AgencyInArea.area)
        .where(in_force(reading.audit_round, AgencyInArea), AgencyInArea.agency_id.in_(of_round))
        .order_by(AgencyInArea.id)
    ):
        areas[agency_id].append((public_id, (name, area_id)))
    rows = rows_of(
        reading.session,
        select(
            AuditReturn.agency_type, SubmissionAnswer.criterion, SubmissionAnswer.scope_key, AuditReturn.agency_id,
            SubmissionAnswer.id, AuditReturn.id.label("return_id"), SubmissionAnswer.grade,
        )
        .join(Submission, Submission.id == SubmissionAnswer.submission_id)
        .join(AuditReturn, AuditReturn.id == Submission.return_id)
        .where(
            AuditReturn.round_id == reading.audit_round.id,
            SubmissionAnswer.grade != "",
            SubmissionAnswer.criterion.in_(sorted({criterion for _kind, criterion in wanted})),
            IN_FORCE,
        )
        .order_by(SubmissionAnswer.id)
    )  # fmt: skip
    found: dict[tuple[str, str], dict[tuple[str, int], list[Answer]]] = defaultdict(lambda: defaultdict(list))
    for kind, criterion, scope, agency_id, answer_id, return_id, grade in rows:
        if (kind, criterion) not in wanted:
            continue
        answer, by_area = Answer(answer_id, return_id, grade), found[kind, criterion]
        for public_id, area in areas.get(agency_id, ()):
            if scope in ("", public_id):  # an answer about one area stands for that area only
                by_area[area].append(answer)
    return {f"{kind}#{criterion}": by_area for (kind, criterion), by_area in found.items()}


def meetings(sides: Sides, pair: Pair, area: tuple[str, int]) -> Iterator[tuple[Answer, Answer]]:
    """Every two agencies of an area that answered the two sides of a duty: one side, the other."""
    for one in sides.get(pair[0].reference, {}).get(area, ()):
        for other in sides.get(pair[1].reference, {}).get(area, ()):
            if one.return_id != other.return_id:
                yield one, other


# (area, its id) to the two grades to the number of pairs of agencies that gave them
Met = Mapping[tuple[str, int], Mapping[tuple[str, str], int]]


def grades_by_area(sides: Sides, pair: Pair) -> Met:
    """How often each two grades meet in each area: counted from the grades of either side, not pair by pair."""
    ours, theirs = sides.get(pair[0].reference, {}), sides.get(pair[1].reference, {})
    found: dict[tuple[str, int], Counter[tuple[str, str]]] = {}
    for area, answers in ours.items():
        others = theirs.get(area)
        if not others:
            continue
        given, held = Counter(one.grade for one in answers), Counter(one.grade for one in others)
        met = Counter({(a, b): n * m for a, n in given.items() for b, m in held.items()})
        if pair[0].agency_type == pair[1].agency_type:  # an agency does not meet itself
            own = {one.return_id: one.grade for one in others}
            met.subtract((one.grade, own[one.return_id]) for one in answers if one.return_id in own)
        if met := +met:
            found[area] = met
    return found


def counts_by_area(met: Met, pair: Pair) -> dict[tuple[str, int], dict[str, int]]:
    """(area, its id) to view to the number of pairs of agencies."""
    counts: dict[tuple[str, int], dict[str, int]] = {}
    for area, grades in met.items():
        views = counts[area] = defaultdict(int)
        for (a, b), number in grades.items():
            views[view_of(pair[0].kind(a), pair[1].kind(b))] += number
    return counts
