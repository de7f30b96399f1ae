"""Reading two views of one duty for the people of a round: counts by area, and what each side signed.

The figures are those of `app.queries.twins`; here a reader goes on from a count to the agencies behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.paging import paged
from app.domain.templates import GradingScheme
from app.models import Agency, AuditReturn, AuditRound, Submission, SubmissionAnswer
from app.policy import Actor, require
from app.queries.figures import AreaOf, areas_of_round, readable_types
from app.queries.findings import Asked, Reading, reading_of
from app.queries.moderation import checked, hidden_from
from app.queries.rounds import round_facts
from app.queries.twins import (
    VIEWS,
    Pair,
    Sides,
    counts_by_area,
    grades_by_area,
    meetings,
    sides_of,
    twin_pairs,
    view_of,
)

COMPARED = VIEWS[:4]
PAGE = 25
MOST = 500  # of a page to print



@dataclass(frozen=True)
class TwinFilter:
    """What the list is narrowed to; empty means all. `pair` is `REFERENCE~REFERENCE`, `area` a public id."""

    pair: str = ""
    area: str = ""
    view: str = ""
    page: int = 1


@dataclass(frozen=True)
class PairCounts:
    """A pair of criteria with its counts: view to number, and by area (name to view to number)."""

    key: str
    sides: Pair
    views: Mapping[str, int]
    by_area: Mapping[str, Mapping[str, int]]

    @property
    def compared(self) -> int:
        """Pairs of agencies whose two views can be compared."""
        return sum(self.views.get(view, 0) for view in COMPARED)


@dataclass(frozen=True)
class Said:
    """What one side signed. `commentary` is None where the actor's body does not ask this type of agency.

    `checked` is the grade that an inspector found; empty where nobody looked.
    """

    asked: Asked
    agency: str
    return_id: str
    submission_id: str
    readable: bool
    grade: str
    checked: str
    commentary: str | None
    rank: int
    of: int


@dataclass(frozen=True)
class TwoSides:
    """Two agencies of one area on one duty. `apart` is how far, from 0 (the same) to 1 (from best to worst)."""

    area: str
    view: str
    apart: float
    a: Said
    b: Said


@dataclass(frozen=True)
class TwoViews:
    """Twin criteria of a round by area, and a page of the list of what was said.

    `hidden`: returns of which the reader must not know yet what was found: they are shown as not checked.
    """

    reading: Reading
    pairs: tuple[PairCounts, ...]
    areas: tuple[AreaOf, ...]
    rows: tuple[TwoSides, ...]
    total: int
    pages: int
    hidden: int


def steps(scheme: GradingScheme) -> list[str]:
    """The grades of a scheme that can be compared, best first: neither excluded nor shown apart."""
    return [g.key for g in scheme.grades if g.counts_as != "excluded" and not g.shown_apart]


def two_views(
    session: Session, audit_round: AuditRound, narrowed: TwinFilter, *, actor: Actor, now: datetime, language: str,
    page_size: int | None = PAGE,
) -> TwoViews:  # fmt: skip
    """Counts of every pair, and the pairs of agencies whose views can be compared, those furthest apart first.

    `page_size` None gives all rows. Raises Denied unless the actor is an inspector of the round.
    """
    require(actor, "figures.read", round_facts(session, audit_round, now=now))
    reading = reading_of(session, audit_round, language)
    areas = areas_of_round(session, audit_round)
    every = twin_pairs(reading.asked)
    if not every:
        return TwoViews(reading, (), areas, (), 0, 1, 0)
    area = next((one for one in areas if one.public_id == narrowed.area), None)
    sides = sides_of(reading, every)
    met = [grades_by_area(sides, pair) for pair in every]
    pairs = tuple(
        _pair_counts(pair, counts_by_area(grades, pair), area) for pair, grades in zip(every, met, strict=True)
    )
    view = narrowed.view if narrowed.view in COMPARED else ""
    chosen = [
        (pair, grades, _scale(pair, view))
        for pair, grades, one in zip(every, met, pairs, strict=True)
        if narrowed.pair in ("", one.key)
    ]
    # how many are how far apart in which area: only those of the page are put together one by one
    numbers: Counter[tuple[float, tuple[str, int]]] = Counter()
    for _pair, grades, scale in chosen:
        for place, together in grades.items():
            if area is None or place[1] == area.id:
                for both, number in together.items():
                    if seen := scale.get(both):
                        numbers[seen[0], place] += number
    total = numbers.total()
    page, pages = paged(total, page_size, narrowed.page)
    start = (page - 1) * page_size if page_size else 0
    end = start + page_size if page_size else total
    shown: list[_Met] = []
    upto = 0
    for (closeness, place), number in sorted(numbers.items()):
        before, upto = upto, upto + number
        if before < end and upto > start:
            listed = sorted(_met(sides, [(pair, scale) for pair, _grades, scale in chosen], closeness, place))
            shown += listed[max(0, start - before) : end - before]
    hidden = hidden_from(session, audit_round, actor)
    said = _said(reading, {one.a for one in shown} | {one.b for one in shown}, hidden, actor) if shown else {}
    rows = tuple(TwoSides(one.area[0], one.view, -one.closeness, said[one.a], said[one.b]) for one in shown)
    return TwoViews(reading, pairs, areas, rows, total, pages, len(hidden))


class _Met(NamedTuple):
    """Two answers, by their ids, that can be compared. They sort as they are listed: those furthest apart first."""

    closeness: float  # 0 where they are the same, less the further apart they are
    area: tuple[str, int]
    a: int
    b: int
    view: str


# two grades to how close they are, and the view that they give
_Scale = Mapping[tuple[str, str], tuple[float, str]]


def _scale(pair: Pair, view: str) -> _Scale:
    """The grades of a pair that can be compared; with `view`, those that give it."""
    ours, theirs = (steps(side.scheme) for side in pair)
    found = {}
    for a, one in enumerate(ours):
        for b, other in enumerate(theirs):
            apart = abs(a / max(1, len(ours) - 1) - b / max(1, len(theirs) - 1))
            seen = view_of(pair[0].kind(one), pair[1].kind(other))
            if view in ("", seen):
                found[one, other] = -apart, seen
    return found


def _met(
    sides: Sides, chosen: Iterable[tuple[Pair, _Scale]], closeness: float, area: tuple[str, int]
) -> Iterator[_Met]:
    """The two answers of every two agencies of an area that are so close."""
    for pair, scale in chosen:
        for ours, theirs in meetings(sides, pair, area):
            seen = scale.get((ours.grade, theirs.grade))
            if seen and seen[0] == closeness:
                yield _Met(closeness, area, ours.answer_id, theirs.answer_id, seen[1])


def _pair_counts(
    pair: Pair, by_area: Mapping[tuple[str, int], Mapping[str, int]], area: AreaOf | None
) -> PairCounts:
    kept = {
        name: dict(views)
        for (name, area_id), views in sorted(by_area.items())
        if area is None or area.id == area_id
    }
    views = {view: sum(one.get(view, 0) for one in kept.values()) for view in VIEWS}
    return PairCounts(f"{pair[0].reference}~{pair[1].reference}", pair, views, kept)


def _said(
    reading: Reading, answer_ids: Collection[int], hidden: Collection[int], actor: Actor
) -> dict[int, Said]:
    """What was signed, by the id of the answer. Two statements."""
    rows = reading.session.execute(
        select(SubmissionAnswer, AuditReturn, Agency.name, Submission.public_id)
        .join(Submission, Submission.id == SubmissionAnswer.submission_id)
        .join(AuditReturn, AuditReturn.id == Submission.return_id)
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .where(SubmissionAnswer.id.in_(answer_ids))
    ).all()
    found = checked(reading.session, {row.AuditReturn.id for row in rows}.difference(hidden))
    readable = readable_types(reading.audit_round, actor)
    said = {}
    for row in rows:
        answer, audit_return = row.SubmissionAnswer, row.AuditReturn
        asked = reading.asked[f"{audit_return.agency_type}#{answer.criterion}"]
        may = audit_return.agency_type in readable
        looked_at = found.get(audit_return.id, {}).get((answer.criterion, answer.scope_key))
        keys = steps(asked.scheme)
        said[answer.id] = Said(
            asked=asked,
            agency=row.name,
            return_id=audit_return.public_id,
            submission_id=row.public_id,
            readable=may,
            grade=answer.grade,
            checked=looked_at.grade if looked_at else "",
            commentary=str(answer.value.get("commentary") or "") if may else None,
            rank=keys.index(answer.grade),
            of=len(keys),
        )
    return said
