"""Reading two views of one duty for the people of a round: counts by area, and what each side signed.

The figures are those of `app.queries.twins`; here a reader goes on from a count to the agencies behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.templates import GradingScheme
from app.models import Agency, AuditReturn, AuditRound, Submission, SubmissionAnswer
from app.policy import Actor, require
from app.queries.figures import AreaOf, areas_of_round, readable_types
from app.queries.findings import Asked, Reading, reading_of
from app.queries.moderation import checked, hidden_from
from app.queries.rounds import round_facts
from app.queries.twins import VIEWS, Pair, Sides, counts_by_area, meetings, sides_of, twin_pairs, view_of

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
    pairs = tuple(_pair_counts(pair, counts_by_area(sides, pair), area) for pair in every)
    chosen = [one.sides for one in pairs if narrowed.pair in ("", one.key)]
    view = narrowed.view if narrowed.view in COMPARED else ""
    found = sorted(
        met
        for pair in chosen
        for met in _compared(sides, pair)
        if view in ("", met.view) and (area is None or met.area[1] == area.id)
    )
    pages = max(1, -(-len(found) // page_size)) if page_size else 1
    start = (min(max(1, narrowed.page), pages) - 1) * page_size if page_size else 0
    shown = found[start : start + page_size] if page_size else found
    hidden = hidden_from(session, audit_round, actor)
    said = _said(reading, {met.a for met in shown} | {met.b for met in shown}, hidden, actor) if shown else {}
    rows = tuple(TwoSides(met.area[0], met.view, -met.closeness, said[met.a], said[met.b]) for met in shown)
    return TwoViews(reading, pairs, areas, rows, len(found), pages, len(hidden))


class _Met(NamedTuple):
    """Two answers, by their ids, that can be compared. They sort as they are listed: those furthest apart first."""

    closeness: float  # 0 where they are the same, less the further apart they are
    area: tuple[str, int]
    a: int
    b: int
    view: str


def _compared(sides: Sides, pair: Pair) -> Iterator[_Met]:
    """The two answers of every two agencies that can be compared, with how far they are apart."""
    scales = [steps(side.scheme) for side in pair]
    known = {}
    for a, one in enumerate(scales[0]):
        for b, other in enumerate(scales[1]):
            apart = abs(a / max(1, len(scales[0]) - 1) - b / max(1, len(scales[1]) - 1))
            known[one, other] = view_of(pair[0].kind(one), pair[1].kind(other)), -apart
    for area, ours, theirs in meetings(sides, pair):
        if seen := known.get((ours.grade, theirs.grade)):
            yield _Met(seen[1], area, ours.answer_id, theirs.answer_id, seen[0])


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
