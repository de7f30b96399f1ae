"""Reading a round's figures for the people of its oversight bodies, in a fixed number of SQL statements per page.

Figures are of signed answers only. Self-grades come from the roll-up where that can tell them; what an inspector found
(`checked`) comes from moderation, of checked answers only, and is used only where a page says so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache, cached_property
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, joinedload, selectinload

from app.clock import today
from app.db import rows_of
from app.domain.control import place
from app.domain.findings import Figure
from app.domain.paging import paged
from app.domain.templates import GradingScheme
from app.models import (
    Agency,
    AgencyInArea,
    Area,
    AuditReturn,
    AuditRound,
    Declaration,
    Moderation,
    PackVersion,
    ReturnSite,
    RollUp,
    Submission,
    SubmissionAnswer,
)
from app.policy import INSPECTORS, Actor, allows, require
from app.queries.findings import Asked, Reading, latest_submissions, reading_of
from app.queries.moderation import hidden_from
from app.queries.rounds import IN_FORCE, NotFound, round_facts
from app.queries.twins import in_force, in_force_on

PAGE = 50
FEW = 25  # lines of a page that is opened again and again, and should be there at once
OUTSIDE = ("far_below", "below", "above", "far_above")

# (agency type, criterion) to subtype to grade to number
Grades = Mapping[tuple[str, str], Mapping[str, Mapping[str, int]]]


@dataclass(frozen=True)
class Narrowed:
    """What figures are narrowed to; empty means all. `area` is a public id.

    `checked`: the grades that inspectors found, of checked answers only, in place of self-grades.
    """

    agency_type: str = ""
    subtype: str = ""
    theme: str = ""
    area: str = ""
    checked: bool = False


@dataclass(frozen=True)
class CriterionFigures:
    """One criterion of one agency type. `counts`: subtype (may be empty) to grades, and to how many were asked."""

    asked: Asked
    label: str
    counts: Mapping[str, tuple[Mapping[str, int], int]]

    @cached_property
    def figure(self) -> Figure:
        """The criterion as a whole."""
        return together((self, subtype) for subtype in self.counts)

    @property
    def by_subtype(self) -> dict[str, Figure]:
        """The same for each subtype."""
        return {subtype: together([(self, subtype)]) for subtype in self.counts if subtype}


def together(parts: Iterable[tuple[CriterionFigures, str]]) -> Figure:
    """Criteria, each as one subtype answered it, as one figure.

    Grades are added up first: figures of hundreds of parts would take longer than the page.
    """
    schemes: dict[str, GradingScheme] = {}
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    numbers: dict[str, int] = defaultdict(int)
    for one, subtype in parts:
        key = one.asked.scheme_key
        by_grade, number = one.counts[subtype]
        schemes[key], own = one.asked.scheme, grades[key]
        numbers[key] += number
        for grade, times in by_grade.items():
            own[grade] = own.get(grade, 0) + times
    figures = [
        Figure.of(grades[key], scheme_key=key, scheme=scheme, asked=numbers[key]) for key, scheme in schemes.items()
    ]
    return figures[0] if len(figures) == 1 else Figure.total(figures)


@dataclass(frozen=True)
class RoundFigures:
    """The figures of a round as they are narrowed. `returns` counts submitted returns by (agency type, subtype)."""

    reading: Reading
    narrowed: Narrowed
    areas: tuple[AreaOf, ...]
    returns: Mapping[tuple[str, str], int]
    criteria: tuple[CriterionFigures, ...]
    # returns of which the reader must not know yet what was found: left out of the grades found
    hidden: int = 0

    @property
    def types(self) -> list[str]:
        """The agency types that are shown, in the pack's order."""
        wanted = self.narrowed.agency_type
        return [key for key in self.reading.types if wanted in ("", key)]

    @property
    def submitted(self) -> int:
        """How many submitted returns the figures are of."""
        return sum(self.returns.values())

    @property
    def total(self) -> Figure:
        """All answers to criteria that are not optional taken together."""
        return together((one, subtype) for one in self.criteria if not one.asked.optional for subtype in one.counts)

    def of_type(self, agency_type: str) -> list[CriterionFigures]:
        """The criteria of one agency type, in the order of its checklist."""
        return [one for one in self.criteria if one.asked.agency_type == agency_type]


def readable_types(audit_round: AuditRound, actor: Actor) -> frozenset[str]:
    """The agency types whose submissions the actor may read in a round: those that their own bodies ask."""
    bodies = {held.oversight_body_id for held in actor.holding(*INSPECTORS)}
    return frozenset(
        served.agency_type
        for served in audit_round.served
        if actor.system or served.oversight_body_id in bodies
    )


class AreaOf(NamedTuple):
    """An area that agencies of a round work in."""

    id: int
    public_id: str
    name: str
    code: str


# made once: every page of figures asks
_AREAS_OF_ROUND = select(Area.id, Area.public_id, Area.name, Area.code).where(
    Area.id.in_(
        select(AgencyInArea.area_id)
        .join(AuditReturn, AuditReturn.agency_id == AgencyInArea.agency_id)
        .where(AuditReturn.round_id == bindparam("round_id"), in_force_on(bindparam("day", type_=Date()), AgencyInArea))
    )
)


def areas_of_round(session: Session, audit_round: AuditRound) -> tuple[AreaOf, ...]:
    """The areas that the round's agencies work in on the day it is due, by name."""
    rows = rows_of(session, _AREAS_OF_ROUND, {"round_id": audit_round.id, "day": today(audit_round.due)})
    return tuple(sorted((AreaOf(*row) for row in rows), key=lambda area: (area.name.casefold(), area.code)))


def _start(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, language: str
) -> Reading:
    require(actor, "figures.read", round_facts(session, audit_round, now=now))
    return reading_of(session, audit_round, language)


def round_figures(
    session: Session, audit_round: AuditRound, narrowed: Narrowed, *, actor: Actor, now: datetime, language: str
) -> RoundFigures:  # fmt: skip
    """The figures of every criterion. Four statements, five where checked. Raises Denied unless one inspects in it."""
    reading = _start(session, audit_round, actor=actor, now=now, language=language)
    hidden = hidden_from(session, audit_round, actor) if narrowed.checked else set()
    areas = areas_of_round(session, audit_round)
    conditions = narrowing(reading, narrowed, areas)
    returns = submitted_returns(session, conditions)
    if narrowed.checked or any(narrowed.area == area.public_id for area in areas):
        grades = _counted(reading, narrowed, conditions, hidden)
    else:
        grades = _rolled_up(session, audit_round, narrowed)
    by_type: dict[str, dict[str, int]] = {}
    for key in reading.types:
        order = [*reading.pack.agency_types[key].subtypes, ""]
        found = {subtype: number for (kind, subtype), number in returns.items() if kind == key}
        by_type[key] = {one: found[one] for one in (*order, *sorted(set(found) - set(order))) if one in found}
    criteria = tuple(
        _criterion_figures(
            reading, asked, grades.get((asked.agency_type, asked.criterion.id), {}), by_type[asked.agency_type],
            narrowed,
        )
        for asked in reading.asked.values()
        if narrowed.agency_type in ("", asked.agency_type)
        and narrowed.theme in ("", asked.criterion.theme)
        and (not narrowed.subtype or asked.criterion.asked_of(narrowed.subtype))
    )
    return RoundFigures(reading, narrowed, areas, returns, criteria, len(hidden))


class Cell(NamedTuple):
    """What a figure of checked answers is of: an agency type, one of its subtypes (may be empty), a criterion."""

    agency_type: str
    subtype: str
    criterion: str


def checks_beside(
    session: Session, found: RoundFigures, *, actor: Actor
) -> tuple[dict[Cell, Beside], int]:
    """What was declared and what was found of the checked answers that figures are narrowed to, by what they are of.

    The second number is how many returns are left out, because the reader must not know yet. The caller got the figures
    through `round_figures`. Two statements.
    """
    reading, narrowed = found.reading, found.narrowed
    hidden = hidden_from(session, reading.audit_round, actor)
    findings = found_last(reading, hidden)
    of = (AuditReturn.agency_type, AuditReturn.subtype, findings.c.criterion)
    columns = (*of, findings.c.self_grade, findings.c.grade)
    rows = rows_of(
        session,
        select(*columns, func.count())
        .select_from(findings)
        .join(AuditReturn, AuditReturn.id == findings.c.return_id)
        .where(*narrowing(reading, narrowed, found.areas))
        .group_by(*columns)
    )
    asked = {(one.asked.agency_type, one.asked.criterion.id): one.asked for one in found.criteria}
    cells: dict[Cell, list[Beside]] = defaultdict(list)
    for agency_type, subtype, criterion, self_grade, grade, number in rows:
        one = asked.get((agency_type, criterion))
        if one:
            own, held = one.kind(self_grade), one.kind(grade)
            cells[Cell(agency_type, subtype, criterion)].append(
                Beside(
                    number * (own == "met"), number * (own != "excluded"),
                    number * (held == "met"), number * (held != "excluded"),
                )
            )  # fmt: skip
    return {cell: Beside.sum(parts) for cell, parts in cells.items()}, len(hidden)


def narrowing(reading: Reading, narrowed: Narrowed, areas: Sequence[AreaOf]) -> list[ColumnElement[bool]]:
    """SQL: the returns of the round that figures are narrowed to."""
    found = [AuditReturn.round_id == reading.audit_round.id]
    if narrowed.agency_type:
        found.append(AuditReturn.agency_type == narrowed.agency_type)
    if narrowed.subtype:
        found.append(AuditReturn.subtype == narrowed.subtype)
    area = next((one for one in areas if one.public_id == narrowed.area), None)
    if area:
        members = select(AgencyInArea.agency_id).where(
            AgencyInArea.area_id == area.id, in_force(reading.audit_round, AgencyInArea)
        )
        found.append(AuditReturn.agency_id.in_(members))
    return found


def submitted_returns(
    session: Session, conditions: Sequence[ColumnElement[bool]]
) -> dict[tuple[str, str], int]:  # fmt: skip
    """How many returns that meet the conditions are submitted, by (agency type, subtype). One statement."""
    of = AuditReturn.agency_type, AuditReturn.subtype
    rows = rows_of(
        session,
        select(*of, func.count()).where(*conditions, AuditReturn.stage == "submitted").group_by(*of)
    )
    return {(agency_type, subtype): number for agency_type, subtype, number in rows}


def _rolled_up(session: Session, audit_round: AuditRound, narrowed: Narrowed) -> Grades:
    query = select(RollUp.agency_type, RollUp.subtype, RollUp.criterion, RollUp.grade, RollUp.count).where(
        RollUp.round_id == audit_round.id, RollUp.stage == "submitted", RollUp.count > 0
    )
    if narrowed.agency_type:
        query = query.where(RollUp.agency_type == narrowed.agency_type)
    if narrowed.subtype:
        query = query.where(RollUp.subtype == narrowed.subtype)
    return _gathered(rows_of(session, query))


def _counted(
    reading: Reading, narrowed: Narrowed, conditions: Sequence[ColumnElement[bool]], hidden: Collection[int]
) -> Grades:
    answers = _answers(reading, checked=narrowed.checked, hidden=hidden)
    columns = (AuditReturn.agency_type, AuditReturn.subtype, answers.c.criterion, answers.c.grade)
    return _gathered(
        rows_of(
            reading.session,
            select(*columns, func.count())
            .join(AuditReturn, AuditReturn.id == answers.c.return_id)
            .where(*conditions)
            .group_by(*columns)
        )
    )


def _gathered(rows: Iterable[Any]) -> Grades:
    found: dict[tuple[str, str], dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for agency_type, subtype, criterion, grade, number in rows:
        found[agency_type, criterion][subtype][grade] = number
    return found


def _answers(reading: Reading, *, checked: bool, hidden: Collection[int]) -> CTE:
    """SQL: `return_id`, `submission_id`, `criterion`, `scope_key`, `grade` of signed answers, or of what was found."""
    latest = reading.latest
    if checked:
        return found_last(reading, hidden)
    answer = SubmissionAnswer
    return (
        select(latest.c.return_id, answer.submission_id, answer.criterion, answer.scope_key, answer.grade)
        .join(latest, latest.c.submission_id == answer.submission_id)
        .where(answer.grade != "")
        .cte("graded")
    )


def found_last(reading: Reading, hidden: Collection[int]) -> CTE:
    """SQL: what the first inspector found last about each answer of the round's submissions in force, with `return_id`.

    Without the returns `hidden`.
    """
    latest = reading.latest
    return (
        select(
            latest.c.return_id, Moderation.submission_id, Moderation.criterion, Moderation.scope_key,
            Moderation.self_grade, Moderation.grade,
        )
        .join(latest, latest.c.submission_id == Moderation.submission_id)
        .where(*_found_last(Moderation.__table__), Moderation.return_id.not_in(hidden))
        .cte("found")
    )  # fmt: skip


_LATER_FINDING = aliased(Moderation)  # made once, as all aliases here: it takes as long as to answer


def _found_last(found: Any) -> list[ColumnElement[bool]]:
    """SQL: the finding is the first inspector's, and no later one stands in its place."""
    later = _LATER_FINDING
    superseded = (
        select(later.id)
        .where(
            later.submission_id == found.c.submission_id,
            later.criterion == found.c.criterion,
            later.scope_key == found.c.scope_key,
            ~later.second,
            later.version > found.c.version,
        )
        .correlate(found)
        .exists()
    )
    return [~found.c.second, ~superseded]


def _criterion_figures(
    reading: Reading, asked: Asked, grades: Mapping[str, Mapping[str, int]], returns: Mapping[str, int],
    narrowed: Narrowed,
) -> CriterionFigures:  # fmt: skip
    """`grades` and `returns` are by subtype, in the pack's order."""
    counts: dict[str, tuple[Mapping[str, int], int]] = {}
    for subtype in (*returns, *(one for one in grades if one not in returns)):
        if not asked.criterion.asked_of(subtype or None):
            continue
        by_grade = grades.get(subtype, {})
        # of checked answers nobody was asked more; one asked per area has several answers from a return, and one
        # asked per site none from an agency without sites
        number, answers = returns.get(subtype, 0), sum(by_grade.values())
        if narrowed.checked or asked.criterion.scope == "site":
            number = answers
        elif asked.criterion.scope:
            number = max(number, answers)
        counts[subtype] = by_grade, number
    return CriterionFigures(asked, reading.label(asked), counts)


# --- the agencies behind a bar ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Behind:
    """What the list of agencies behind a figure is narrowed to and sorted by."""

    grade: str = ""
    text: str = ""
    sort: str = "name"
    descending: bool = False
    page: int = 1


class AnswerRow(NamedTuple):
    """An agency's answer to one criterion. `checked` is empty where nobody looked, `area` where it is about all.

    What stands beside the grades is given only where the actor's body asks this type of agency (`submission_id`).
    """

    agency: str
    code: str
    subtype: str
    area: str
    grade: str
    checked: str
    expected: date | None
    return_id: str
    submission_id: str
    question: str


@dataclass(frozen=True)
class Answers:
    """A page of the agencies behind a figure. `by_grade` counts all that the filter but the grade leaves.

    `hidden`: returns of which the reader must not know yet what was found: they are shown as not checked.
    """

    reading: Reading
    asked: Asked
    areas: tuple[AreaOf, ...]
    rows: tuple[AnswerRow, ...]
    by_grade: Mapping[str, int]
    total: int
    pages: int
    readable: bool
    hidden: int


SORTS = ("name", "subtype", "grade", "checked", "expected")


def agencies_behind(
    session: Session, audit_round: AuditRound, agency_type: str, criterion: str, narrowed: Narrowed, behind: Behind,
    *, actor: Actor, now: datetime, language: str, page_size: int | None = FEW,
) -> Answers:  # fmt: skip
    """The agencies behind one criterion's figure, the self-grade beside what was found. Five statements.

    `page_size` None gives all. Raises NotFound for a criterion that the round does not grade.
    """
    reading = _start(session, audit_round, actor=actor, now=now, language=language)
    asked = reading.asked.get(f"{agency_type}#{criterion}")
    if asked is None:
        raise NotFound
    areas = areas_of_round(session, audit_round)
    readable = agency_type in readable_types(audit_round, actor)
    hidden = hidden_from(session, audit_round, actor)
    given = _signed_answers(asked.criterion.scope or "", narrowed.checked).where(
        *narrowing(reading, replace(narrowed, agency_type=agency_type), areas)
    )
    about = {"criterion": criterion, "hidden": list(hidden)}
    found = Moderation.grade
    grade = found if narrowed.checked else SubmissionAnswer.grade
    sought = behind.text.strip()
    if sought:
        given = given.where(or_(*(one.icontains(sought, autoescape=True) for one in (Agency.name, Agency.code))))
    by_grade: dict[str, int]
    if sought or narrowed.checked or narrowed.area:
        counted = given.with_only_columns(grade, func.count()).group_by(grade)
        by_grade = dict(rows_of(session, counted, about).all())
    else:
        by_grade = Counter()
        counted_already = {"round_id": audit_round.id, "agency_type": agency_type, "criterion": criterion}
        for subtype, key, number in rows_of(session, _ROLLED_UP, counted_already):
            if narrowed.subtype in ("", subtype):
                by_grade[key] += number
    ranks = {one.key: place for place, one in enumerate(asked.scheme.grades)}
    total = sum(by_grade.values())
    if behind.grade in ranks:
        given, total = given.where(grade == behind.grade), by_grade.get(behind.grade, 0)
    page, pages = paged(total, page_size, behind.page)
    expected = func.nullif(SubmissionAnswer.value["date_expected"].as_string(), "")
    keys: dict[str, Any] = {
        "subtype": AuditReturn.subtype,
        "grade": case(ranks, value=SubmissionAnswer.grade),
        "checked": case(ranks, value=found),
        "expected": expected if readable else None,
    }
    by_name: list[Any] = [func.lower(Agency.name), Agency.code]
    if asked.criterion.scope:
        by_name += [_PLACES[asked.criterion.scope], SubmissionAnswer.scope_key]
    if (key := keys.get(behind.sort)) is not None:
        # what has nothing to sort by comes last, whichever way round
        order = [(key.desc() if behind.descending else key.asc()).nulls_last(), *by_name]
    else:
        order = [one.desc() for one in by_name] if _backwards(behind) else by_name
    listed = given.add_columns(expected).order_by(*order)
    if page_size:
        listed = listed.limit(page_size).offset((page - 1) * page_size)
    shown = tuple(
        AnswerRow(
            agency, code, subtype, place_name or scope, own, held or "",
            date.fromisoformat(when) if when and readable else None,
            return_id, submission if readable else "", f"{criterion}.{scope}" if scope else criterion,
        )
        for agency, code, subtype, scope, place_name, own, held, return_id, submission, when
        in rows_of(session, listed, about)
    )  # fmt: skip
    return Answers(reading, asked, areas, shown, by_grade, total, pages, readable, len(hidden))


def _backwards(behind: Behind) -> bool:
    return behind.descending and behind.sort not in SORTS[1:]


_ROLLED_UP = select(RollUp.subtype, RollUp.grade, RollUp.count).where(
    RollUp.round_id == bindparam("round_id"), RollUp.stage == "submitted", RollUp.count > 0,
    RollUp.agency_type == bindparam("agency_type"), RollUp.criterion == bindparam("criterion"),
)  # fmt: skip


_PLACES: dict[str, Any] = {"area": Area.name, "site": ReturnSite.name}  # what an answer of this scope is about


@cache
def _signed_answers(scope: str, checked: bool) -> Select[*tuple[Any, ...]]:
    """SQL: signed answers in force of criteria of this scope, with what was found last about each (`Moderation`).

    `checked`: those that were looked at only. Parameters: `criterion`, and `hidden`, the ids of returns whose findings
    are left out.
    """
    answer = SubmissionAnswer
    query = (
        select(
            Agency.name, Agency.code, AuditReturn.subtype, answer.scope_key,
            _PLACES.get(scope, literal("")), answer.grade, Moderation.grade,
            AuditReturn.public_id, Submission.public_id,
        )
        .select_from(answer)
        .join(Submission, Submission.id == answer.submission_id)
        .join(AuditReturn, AuditReturn.id == Submission.return_id)
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .join(
            Moderation,
            and_(
                Moderation.submission_id == answer.submission_id, Moderation.criterion == answer.criterion,
                Moderation.scope_key == answer.scope_key,
                Moderation.return_id.not_in(bindparam("hidden", expanding=True)),
                *_found_last(Moderation.__table__),
            ),
            isouter=not checked,
        )
        .where(answer.criterion == bindparam("criterion"), answer.grade != "", IN_FORCE)
    )  # fmt: skip
    if checked:  # the same rows: from the few that were looked at, not from all answers
        looked_at = select(Moderation.submission_id).where(Moderation.criterion == bindparam("criterion"))
        query = query.where(answer.submission_id.in_(looked_at))
    if scope == "site":
        return query.outerjoin(ReturnSite, site_of(answer.scope_key))
    return query.outerjoin(Area, Area.public_id == answer.scope_key) if scope else query


def site_of(scope_key: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """SQL: the site that an answer of a return is about, for joining it to its return. At most one row."""
    return (ReturnSite.return_id == AuditReturn.id) & (ReturnSite.key == scope_key)


# --- how the agencies lie apart --------------------------------------------------------------------------------------


class Beside(NamedTuple):
    """Of checked answers, how many are met and how many count: by self-grade, and as inspectors found."""

    own_met: int = 0
    own_counted: int = 0
    found_met: int = 0
    found_counted: int = 0

    @property
    def any(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.own_counted or self.found_counted)

    @classmethod
    def sum(cls, parts: Iterable[Beside]) -> Beside:
        """Several taken together."""
        return cls(*map(sum, zip(*parts, strict=True)))


class Score(NamedTuple):
    """How many criteria one agency meets of those that count. `place` is where that lies: see `app.domain.control`.

    `beside` is of its answers that were checked, where there are any.
    """

    agency: str
    code: str
    agency_type: str
    subtype: str
    return_id: str
    met: int
    counted: int
    place: str
    beside: Beside

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.met / self.counted


@dataclass(frozen=True)
class Scores:
    """Every agency's score, by name, and the mean that the limits lie around (a share; 0 of nothing)."""

    reading: Reading
    areas: tuple[AreaOf, ...]
    rows: tuple[Score, ...]
    mean: float
    readable: frozenset[str]
    # submitted, but with no answer that counts
    without: int = 0
    hidden: int = 0


def scores(
    session: Session, audit_round: AuditRound, narrowed: Narrowed, *, actor: Actor, now: datetime, language: str
) -> Scores:  # fmt: skip
    """How many criteria each agency meets, and of its checked answers what it gave and what was found.

    Optional standards are left aside. Six statements at most.
    """
    reading = _start(session, audit_round, actor=actor, now=now, language=language)
    areas = areas_of_round(session, audit_round)
    hidden = hidden_from(session, audit_round, actor)
    conditions = narrowing(reading, narrowed, areas)
    latest = reading.latest
    found: Sequence[Any] = rows_of(
        session,
        select(
            Agency.name, Agency.code, AuditReturn.agency_type, AuditReturn.subtype, AuditReturn.public_id,
            AuditReturn.id, Declaration.submission_hash,
        )
        .join(latest, latest.c.return_id == AuditReturn.id)
        .join(Declaration, Declaration.submission_id == latest.c.submission_id)
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .where(*conditions)
    ).all()  # fmt: skip
    checks = _checks_of_returns(reading, narrowed, conditions, hidden)
    if narrowed.checked:
        found = [row for row in found if row.id in checks]
        scored = {id_: (one.found_met, one.found_counted) for id_, one in checks.items()}
    else:
        scored = _signed_scores(reading, narrowed, conditions, {row.id: row.submission_hash for row in found})
    rows = []
    for agency, code, agency_type, subtype, return_id, id_, _hash in found:
        met, counted = scored[id_]
        if counted:
            rows.append((agency, code, agency_type, subtype, return_id, met, counted, checks.get(id_, Beside())))
    rows.sort(key=lambda row: (row[0].casefold(), row[1]))
    whole = sum(counted for *_row, counted, _beside in rows)
    mean = sum(met for *_row, met, _counted, _beside in rows) / whole if whole else 0.0
    return Scores(
        reading,
        areas,
        tuple(
            Score(agency, code, agency_type, subtype, return_id, met, counted, place(met, counted, mean), beside)
            for agency, code, agency_type, subtype, return_id, met, counted, beside in rows
        ),
        mean,
        readable_types(audit_round, actor),
        len(found) - len(rows),
        len(hidden),
    )  # fmt: skip


def _checks_of_returns(
    reading: Reading, narrowed: Narrowed, conditions: Sequence[Any], hidden: Collection[int]
) -> dict[int, Beside]:
    """What was declared and what was found of the checked answers of each return that has any. One statement."""
    findings = found_last(reading, hidden)
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for return_id, agency_type, criterion, self_grade, grade in rows_of(
        reading.session,
        select(findings.c.return_id, AuditReturn.agency_type, findings.c.criterion, findings.c.self_grade,
               findings.c.grade)
        .join(AuditReturn, AuditReturn.id == findings.c.return_id)
        .where(*conditions)
    ):  # fmt: skip
        own = counts[return_id]
        asked = reading.asked.get(f"{agency_type}#{criterion}")
        if asked is None or asked.optional or narrowed.theme not in ("", asked.criterion.theme):
            continue
        for at, kind in ((0, asked.kind(self_grade)), (2, asked.kind(grade))):
            own[at] += kind == "met"
            own[at + 1] += kind not in ("", "excluded")
    return {return_id: Beside(*own) for return_id, own in counts.items()}


# how many signed answers are met and how many count, by the submission's hash and what is counted: neither changes
_SCORED: dict[tuple[str, str, str], tuple[int, int]] = {}
MOST_SCORED = 20_000


def _signed_scores(
    reading: Reading, narrowed: Narrowed, conditions: Sequence[Any], hashes: Mapping[int, str]
) -> dict[int, tuple[int, int]]:
    """Return to how many of its signed answers are met and how many count, for the returns whose submissions' hashes
    are given. One statement where any is not known yet, else none."""
    by = reading.audit_round.pack_version.sha256, narrowed.theme
    found = {id_: known for id_, hash_ in hashes.items() if (known := _SCORED.get((hash_, *by)))}
    missing = hashes.keys() - found.keys()
    if missing:
        if len(missing) <= FEW:  # few are named, where naming hundreds would cost more than reading all
            conditions = [*conditions, AuditReturn.id.in_(missing)]
        latest = reading.latest
        by_type = {one: _score(reading, narrowed, one) for one in reading.types}
        score = case(*((AuditReturn.agency_type == one, query) for one, query in by_type.items()), else_="0 0")
        fresh = {}
        for id_, text in rows_of(
            reading.session,
            select(AuditReturn.id, score).join(latest, latest.c.return_id == AuditReturn.id).where(*conditions)
        ):
            met, counted = text.split(" ")
            fresh[id_] = int(met), int(counted)
        if len(_SCORED) + len(fresh) > MOST_SCORED:
            _SCORED.clear()
        _SCORED.update(((hashes[id_], *by), fresh[id_]) for id_ in missing & fresh.keys())
        found |= fresh
    return found


def _score(reading: Reading, narrowed: Narrowed, agency_type: str) -> ColumnElement[str]:
    """SQL: of an agency's signed answers how many are met and how many count, as `met counted`.

    Counted return by return and once: to group fifty thousand answers they would have to be sorted first. Optional
    standards are left aside.
    """
    answers = SubmissionAnswer.__table__
    met, counted = [literal(1) == 0], [literal(1) == 0]
    groups: dict[str, list[Asked]] = defaultdict(list)
    every = {one.criterion.id: one for one in reading.asked.values() if one.agency_type == agency_type}
    for asked in every.values():
        if not asked.optional and narrowed.theme in ("", asked.criterion.theme):
            groups[asked.scheme_key].append(asked)
    for group in groups.values():
        chosen = {one.criterion.id for one in group}
        others = sorted(set(every) - chosen)
        # a short list is looked through sooner than a long one
        named = answers.c.criterion.in_(sorted(chosen))
        within = answers.c.criterion.not_in(others) if len(others) < len(chosen) else named
        kinds = group[0].kinds
        met.append(answers.c.grade.in_([key for key, kind in kinds.items() if kind == "met"]) & within)
        counted.append(answers.c.grade.in_([key for key, kind in kinds.items() if kind != "excluded"]) & within)
    number = func.coalesce(func.sum(case((or_(*met), 1), else_=0)), 0)
    return (
        select(cast(number, String) + " " + cast(func.count(), String))
        .select_from(answers)
        .where(answers.c.submission_id == reading.latest.c.submission_id, or_(*counted))
        .correlate(reading.latest)
        .scalar_subquery()
    )


# --- self-grades beside what was found -------------------------------------------------------------------------------


@dataclass(frozen=True)
class CheckedLine:
    """A criterion of which answers were checked: the self-grades and the grades found, of the same answers."""

    asked: Asked
    label: str
    own: Figure
    found: Figure
    adjusted: int

    @property
    def answers(self) -> int:
        """How many answers were checked."""
        return self.own.asked


@dataclass(frozen=True)
class CheckedFigures:
    """Self-grades beside the grades found, by criterion; `returns` is how many returns had an answer checked.

    `hidden`: returns that are left out, because the reader must not know yet what was found.
    """

    reading: Reading
    areas: tuple[AreaOf, ...]
    lines: tuple[CheckedLine, ...]
    returns: int
    hidden: int


def checked_figures(
    session: Session, audit_round: AuditRound, narrowed: Narrowed, *, actor: Actor, now: datetime, language: str
) -> CheckedFigures:  # fmt: skip
    """Self-grade beside moderated grade for checked answers. Five statements."""
    reading = _start(session, audit_round, actor=actor, now=now, language=language)
    areas = areas_of_round(session, audit_round)
    hidden = hidden_from(session, audit_round, actor)
    found = found_last(reading, hidden)
    conditions = narrowing(reading, narrowed, areas)
    columns = (AuditReturn.agency_type, found.c.criterion, found.c.self_grade, found.c.grade)

    def of_found(*wanted: Any) -> Select[Any]:
        return (
            select(*wanted)
            .select_from(found)
            .join(AuditReturn, AuditReturn.id == found.c.return_id)
            .where(*conditions)
        )

    own: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    held: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    adjusted: dict[str, int] = defaultdict(int)
    for kind, criterion, self_grade, grade, number in rows_of(
        session,
        of_found(*columns, func.count()).group_by(*columns)
    ):
        reference = f"{kind}#{criterion}"
        own[reference][self_grade] += number
        held[reference][grade] += number
        adjusted[reference] += number if grade != self_grade else 0
    returns = session.scalar(of_found(func.count(AuditReturn.id.distinct()))) or 0

    def figure(asked: Asked, grades: Mapping[str, int]) -> Figure:
        return Figure.of(
            grades, scheme_key=asked.scheme_key, scheme=asked.scheme, asked=sum(grades.values())
        )

    lines = tuple(
        CheckedLine(
            asked, reading.label(asked), figure(asked, own[reference]), figure(asked, held[reference]),
            adjusted[reference],
        )
        for reference, asked in reading.asked.items()
        if reference in own and narrowed.theme in ("", asked.criterion.theme)
    )  # fmt: skip
    return CheckedFigures(reading, areas, lines, returns, len(hidden))


# --- the last round --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TrendLine:
    """A criterion that was asked in both rounds, of the agencies that submitted in both."""

    asked: Asked
    label: str
    then: Figure
    now: Figure


@dataclass(frozen=True)
class Comparability:
    """What changed in the checklist of one agency type: criteria by number and label (of the round that has them)."""

    agency_type: str
    added: tuple[tuple[str, str], ...] = ()
    removed: tuple[tuple[str, str], ...] = ()
    changed: tuple[tuple[str, str], ...] = ()

    @property
    def differs(self) -> bool:
        """Whether anything changed."""
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True)
class Trend:
    """This round beside the last one. `last` is None where there is none that can be compared.

    `both`, `only_now`, `only_then`: agencies by where they submitted.
    """

    reading: Reading
    areas: tuple[AreaOf, ...]
    last: AuditRound | None = None
    lines: tuple[TrendLine, ...] = ()
    notes: tuple[Comparability, ...] = ()
    both: int = 0
    only_now: int = 0
    only_then: int = 0
    by_type: Mapping[str, tuple[Figure, Figure]] = field(default_factory=dict)


def trend(
    session: Session, audit_round: AuditRound, narrowed: Narrowed, *, actor: Actor, now: datetime, language: str
) -> Trend:  # fmt: skip
    """This round beside the last round of the same pack that has agencies of it. At most nine statements.

    Of agencies that submitted in both rounds, in the same type, and of criteria whose id, version and grades are the
    same. Rounds that the actor may not read are passed over.
    """
    reading = _start(session, audit_round, actor=actor, now=now, language=language)
    areas = areas_of_round(session, audit_round)
    last = _last_round(session, audit_round, actor=actor, now=now)
    if last is None:
        return Trend(reading, areas)
    before = reading_of(session, last, language)
    conditions = narrowing(reading, narrowed, areas)
    then, other = aliased(AuditReturn), aliased(AuditReturn)
    in_last = and_(
        then.round_id == last.id, then.agency_id == AuditReturn.agency_id,
        then.agency_type == AuditReturn.agency_type, then.stage == "submitted",
    )  # fmt: skip
    numbers = rows_of(
        session,
        select(func.count(), func.count(then.id))
        .select_from(AuditReturn)
        .outerjoin(then, in_last)
        .where(*conditions, AuditReturn.stage == "submitted")
    ).one()
    of_last = [other.round_id == last.id, other.stage == "submitted"]
    if narrowed.agency_type:
        of_last.append(other.agency_type == narrowed.agency_type)
    if narrowed.subtype:
        of_last.append(other.subtype == narrowed.subtype)
    area = next((one for one in areas if one.public_id == narrowed.area), None)
    if area:
        members = select(AgencyInArea.agency_id).where(
            AgencyInArea.area_id == area.id, in_force(audit_round, AgencyInArea)
        )
        of_last.append(other.agency_id.in_(members))
    all_then = session.scalar(select(func.count()).select_from(other).where(*of_last)) or 0

    def grades(of: AuditRound, chosen: Any) -> Grades:
        answers = latest_submissions(of)
        columns = (chosen.agency_type, SubmissionAnswer.criterion, SubmissionAnswer.grade)
        rows = rows_of(
            session,
            select(*columns, func.count().label("number"))
            .select_from(AuditReturn)
            .join(then, in_last)
            .join(answers, answers.c.return_id == chosen.id)
            .join(SubmissionAnswer, SubmissionAnswer.submission_id == answers.c.submission_id)
            .where(*conditions, AuditReturn.stage == "submitted", SubmissionAnswer.grade != "")
            .group_by(*columns)
        )
        return _gathered((kind, "", criterion, grade, number) for kind, criterion, grade, number in rows)

    of_now, of_then = grades(audit_round, AuditReturn), grades(last, then)
    lines = []
    for reference, asked in reading.asked.items():
        old = before.asked.get(reference)
        if old is None or not _same(asked, old) or narrowed.theme not in ("", asked.criterion.theme):
            continue
        key = asked.agency_type, asked.criterion.id
        lines.append(
            TrendLine(
                asked, reading.label(asked), _whole(asked, of_then.get(key, {})), _whole(asked, of_now.get(key, {}))
            )
        )  # fmt: skip
    shown = [line for line in lines if line.then.counted or line.now.counted]
    scored = [line for line in shown if not line.asked.optional]
    return Trend(
        reading,
        areas,
        last,
        tuple(shown),
        tuple(_comparability(reading, before, kind) for kind in reading.types),
        numbers[1],
        numbers[0] - numbers[1],
        all_then - numbers[1],
        {
            kind: tuple(
                Figure.total(getattr(line, when) for line in scored if line.asked.agency_type == kind)
                for when in ("then", "now")
            )  # type: ignore[misc]
            for kind in reading.types
            if any(line.asked.agency_type == kind for line in scored)
        },
    )


def _whole(asked: Asked, grades: Mapping[str, Mapping[str, int]]) -> Figure:
    by_grade = grades.get("", {})
    return Figure.of(
        by_grade, scheme_key=asked.scheme_key, scheme=asked.scheme, asked=sum(by_grade.values())
    )


def _same(one: Asked, other: Asked) -> bool:
    """Whether two figures can be compared: the same version of the question, and grades that count alike."""

    same_grades = list(one.kinds.items()) == list(other.kinds.items())  # and in the same order
    return one.criterion.version == other.criterion.version and same_grades


def _comparability(reading: Reading, before: Reading, agency_type: str) -> Comparability:
    now = {key: one for key, one in reading.asked.items() if one.agency_type == agency_type}
    then = {key: one for key, one in before.asked.items() if one.agency_type == agency_type}

    def named(of: Reading, chosen: Iterable[Asked]) -> tuple[tuple[str, str], ...]:
        return tuple((one.placed.number, of.label(one)) for one in chosen)

    return Comparability(
        agency_type,
        named(reading, (one for key, one in now.items() if key not in then)),
        named(before, (one for key, one in then.items() if key not in now)),
        named(reading, (one for key, one in now.items() if key in then and not _same(one, then[key]))),
    )


def _last_round(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime
) -> AuditRound | None:
    """The latest earlier round of the same pack that has agencies of this one, of those that the actor may read."""
    mine = select(AuditReturn.agency_id).where(AuditReturn.round_id == audit_round.id)
    shared = (
        select(AuditReturn.id)
        .where(AuditReturn.round_id == AuditRound.id, AuditReturn.agency_id.in_(mine))
        .exists()
    )
    earlier = session.scalars(
        select(AuditRound)
        .join(AuditRound.pack_version)
        .where(
            PackVersion.pack == audit_round.pack_version.pack,
            AuditRound.id != audit_round.id,
            AuditRound.stage != "draft",
            AuditRound.opens < audit_round.opens,
            shared,
        )
        .order_by(AuditRound.opens.desc(), AuditRound.id.desc())
        .options(joinedload(AuditRound.pack_version), selectinload(AuditRound.served))
    )
    for one in earlier:
        if allows(actor, "figures.read", round_facts(session, one, now=now)):
            return one
    return None
