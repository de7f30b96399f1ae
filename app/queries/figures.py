"""Reading a round's figures for the people of its oversight bodies, in a fixed number of SQL statements per page.

Figures are of signed answers only. Self-grades come from the roll-up where that can tell them; what an inspector found
(`checked`) comes from moderation, of checked answers only, and is used only where a page says so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import CTE, ColumnElement, Select, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from app.domain.control import place
from app.domain.findings import Figure
from app.models import (
    Agency,
    AgencyInArea,
    Area,
    AuditReturn,
    AuditRound,
    Moderation,
    PackVersion,
    RollUp,
    Submission,
    SubmissionAnswer,
    SubmissionVoided,
)
from app.policy import INSPECTORS, Actor, allows, require
from app.queries.findings import Asked, Reading, latest_submissions, reading_of
from app.queries.rounds import NotFound, round_facts
from app.queries.twins import in_force

PAGE = 50
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
    """One criterion of one agency type, as a whole and by subtype."""

    asked: Asked
    label: str
    figure: Figure
    by_subtype: Mapping[str, Figure]


@dataclass(frozen=True)
class RoundFigures:
    """The figures of a round as they are narrowed. `returns` counts submitted returns by (agency type, subtype)."""

    reading: Reading
    narrowed: Narrowed
    areas: tuple[Area, ...]
    returns: Mapping[tuple[str, str], int]
    criteria: tuple[CriterionFigures, ...]

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
        return Figure.total(one.figure for one in self.criteria if not one.asked.optional)

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


def areas_of_round(session: Session, audit_round: AuditRound) -> tuple[Area, ...]:
    """The areas that the round's agencies work in on the day it is due, by name."""
    of_round = (
        select(AgencyInArea.area_id)
        .join(AuditReturn, AuditReturn.agency_id == AgencyInArea.agency_id)
        .where(AuditReturn.round_id == audit_round.id, in_force(audit_round, AgencyInArea))
    )
    found = session.scalars(select(Area).where(Area.id.in_(of_round))).all()
    return tuple(sorted(found, key=lambda area: (area.name.casefold(), area.code)))


def _start(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, language: str
) -> Reading:
    require(actor, "figures.read", round_facts(session, audit_round, now=now))
    return reading_of(session, audit_round, language)


def round_figures(
    session: Session, audit_round: AuditRound, narrowed: Narrowed, *, actor: Actor, now: datetime, language: str
) -> RoundFigures:  # fmt: skip
    """The figures of every criterion. Four statements. Raises Denied unless the actor inspects in the round."""
    reading = _start(session, audit_round, actor=actor, now=now, language=language)
    areas = areas_of_round(session, audit_round)
    conditions = _conditions(reading, narrowed, areas)
    returns: dict[tuple[str, str], int] = {
        (row.agency_type, row.subtype): row.number
        for row in session.execute(
            select(AuditReturn.agency_type, AuditReturn.subtype, func.count().label("number"))
            .where(*conditions, AuditReturn.stage == "submitted")
            .group_by(AuditReturn.agency_type, AuditReturn.subtype)
        )
    }
    if narrowed.checked or any(narrowed.area == area.public_id for area in areas):
        grades = _counted(reading, narrowed, conditions)
    else:
        grades = _rolled_up(session, audit_round, narrowed)
    criteria = tuple(
        _criterion_figures(reading, asked, grades.get((asked.agency_type, asked.criterion.id), {}), returns, narrowed)
        for asked in reading.asked.values()
        if narrowed.agency_type in ("", asked.agency_type)
        and narrowed.theme in ("", asked.criterion.theme)
        and (not narrowed.subtype or asked.criterion.asked_of(narrowed.subtype))
    )
    return RoundFigures(reading, narrowed, areas, returns, criteria)


def _conditions(reading: Reading, narrowed: Narrowed, areas: Sequence[Area]) -> list[ColumnElement[bool]]:
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


def _rolled_up(session: Session, audit_round: AuditRound, narrowed: Narrowed) -> Grades:
    query = select(RollUp.agency_type, RollUp.subtype, RollUp.criterion, RollUp.grade, RollUp.count).where(
        RollUp.round_id == audit_round.id, RollUp.stage == "submitted", RollUp.count > 0
    )
    if narrowed.agency_type:
        query = query.where(RollUp.agency_type == narrowed.agency_type)
    if narrowed.subtype:
        query = query.where(RollUp.subtype == narrowed.subtype)
    return _gathered(session.execute(query))


def _counted(reading: Reading, narrowed: Narrowed, conditions: Sequence[ColumnElement[bool]]) -> Grades:
    answers = _answers(reading, checked=narrowed.checked)
    columns = (AuditReturn.agency_type, AuditReturn.subtype, answers.c.criterion, answers.c.grade)
    return _gathered(
        reading.session.execute(
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


def _answers(reading: Reading, *, checked: bool) -> CTE:
    """SQL: `return_id`, `submission_id`, `criterion`, `scope_key`, `grade` of signed answers, or of what was found."""
    latest = reading.latest
    if checked:
        found = found_last(reading)
        query = select(latest.c.return_id, found).join(
            latest, latest.c.submission_id == found.c.submission_id
        )
        return query.cte("graded")
    answer = SubmissionAnswer
    return (
        select(latest.c.return_id, answer.submission_id, answer.criterion, answer.scope_key, answer.grade)
        .join(latest, latest.c.submission_id == answer.submission_id)
        .where(answer.grade != "")
        .cte("graded")
    )


def found_last(reading: Reading) -> CTE:
    """SQL: what the first inspector found last about each answer of the round's submissions in force."""
    latest, later = reading.latest, aliased(Moderation)
    superseded = (
        select(later.id)
        .where(
            later.submission_id == Moderation.submission_id,
            later.criterion == Moderation.criterion,
            later.scope_key == Moderation.scope_key,
            ~later.second,
            later.version > Moderation.version,
        )
        .exists()
    )
    return (
        select(
            Moderation.submission_id, Moderation.criterion, Moderation.scope_key, Moderation.self_grade,
            Moderation.grade,
        )
        .join(latest, latest.c.submission_id == Moderation.submission_id)
        .where(~Moderation.second, ~superseded)
        .cte("found")
    )  # fmt: skip


def _criterion_figures(
    reading: Reading, asked: Asked, grades: Mapping[str, Mapping[str, int]],
    returns: Mapping[tuple[str, str], int], narrowed: Narrowed,
) -> CriterionFigures:  # fmt: skip
    parts: dict[str, Figure] = {}
    subtypes = {subtype for kind, subtype in returns if kind == asked.agency_type} | set(grades)
    order = [*reading.pack.agency_types[asked.agency_type].subtypes, ""]
    for subtype in sorted(subtypes, key=lambda key: (order.index(key) if key in order else len(order), key)):
        if not asked.criterion.asked_of(subtype or None):
            continue
        by_grade = grades.get(subtype, {})
        answers = sum(by_grade.values())
        # of checked answers nobody was asked more; one asked per area has several answers from a return
        returned = answers if narrowed.checked else returns.get((asked.agency_type, subtype), 0)
        parts[subtype] = Figure.of(
            by_grade, scheme_key=asked.scheme_key, scheme=asked.scheme,
            asked=max(returned, answers) if asked.criterion.scope else returned,
        )  # fmt: skip
    figure = Figure.total(parts.values()) if len(parts) > 1 else next(iter(parts.values()), None)
    return CriterionFigures(
        asked,
        reading.label(asked),
        figure or Figure(scheme=asked.scheme_key),
        {subtype: one for subtype, one in parts.items() if subtype},
    )


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
    """A page of the agencies behind a figure. `by_grade` counts all that the filter but the grade leaves."""

    reading: Reading
    asked: Asked
    areas: tuple[Area, ...]
    rows: tuple[AnswerRow, ...]
    by_grade: Mapping[str, int]
    total: int
    pages: int
    readable: bool


SORTS = ("name", "subtype", "grade", "checked", "expected")


def agencies_behind(
    session: Session, audit_round: AuditRound, agency_type: str, criterion: str, narrowed: Narrowed, behind: Behind,
    *, actor: Actor, now: datetime, language: str, page_size: int | None = PAGE,
) -> Answers:  # fmt: skip
    """The agencies behind one criterion's figure, the self-grade beside what was found. Four statements.

    `page_size` None gives all. Raises NotFound for a criterion that the round does not grade.
    """
    reading = _start(session, audit_round, actor=actor, now=now, language=language)
    asked = reading.asked.get(f"{agency_type}#{criterion}")
    if asked is None:
        raise NotFound
    areas = areas_of_round(session, audit_round)
    readable = agency_type in readable_types(audit_round, actor)
    # one criterion has an answer or two of each agency: filtering and sorting them here is quicker than SQL
    every = _rows_of(reading, asked, replace(narrowed, agency_type=agency_type), areas, readable=readable)
    sought = behind.text.strip().casefold()
    fitting = [
        row
        for row in every
        if (row.checked or not narrowed.checked)
        and (not sought or sought in row.agency.casefold() or sought in row.code.casefold())
    ]
    by_grade = Counter(row.checked if narrowed.checked else row.grade for row in fitting)
    ranks = {grade.key: place for place, grade in enumerate(asked.scheme.grades)}
    if behind.grade in ranks:
        fitting = [
            row for row in fitting if (row.checked if narrowed.checked else row.grade) == behind.grade
        ]
    fitting.sort(key=lambda row: (row.agency.casefold(), row.code, row.area))
    keys: dict[str, Callable[[AnswerRow], Any]] = {
        "name": lambda row: (row.agency.casefold(), row.code, row.area),
        "subtype": lambda row: row.subtype,
        "grade": lambda row: ranks.get(row.grade),
        "checked": lambda row: ranks.get(row.checked),
        "expected": lambda row: row.expected,
    }
    key = keys.get(behind.sort, keys["name"])
    # what has nothing to sort by comes last, whichever way round
    given = sorted((row for row in fitting if key(row) is not None), key=key, reverse=behind.descending)
    rows = given + [row for row in fitting if key(row) is None]
    pages = max(1, -(-len(rows) // page_size)) if page_size else 1
    start = (min(max(1, behind.page), pages) - 1) * page_size if page_size else 0
    shown = rows[start : start + page_size] if page_size else rows
    return Answers(reading, asked, areas, tuple(shown), by_grade, len(rows), pages, readable)


def _rows_of(
    reading: Reading, asked: Asked, narrowed: Narrowed, areas: Sequence[Area], *, readable: bool
) -> list[AnswerRow]:
    """Every signed answer to one criterion, with what was found about it. Two statements."""
    session, criterion = reading.session, asked.criterion.id
    conditions = _conditions(reading, narrowed, areas)
    found: dict[tuple[int, str], str] = {
        (submission_id, scope): grade
        for submission_id, scope, grade in session.execute(
            select(Moderation.submission_id, Moderation.scope_key, Moderation.grade)
            .join(AuditReturn, AuditReturn.id == Moderation.return_id)
            .where(*conditions, Moderation.criterion == criterion, ~Moderation.second)
            .order_by(Moderation.version)  # a later finding stands in the earlier one's place
        )
    }
    names = {area.public_id: area.name for area in areas}
    rows = session.execute(
        select(
            SubmissionAnswer.submission_id, SubmissionAnswer.scope_key, SubmissionAnswer.grade,
            SubmissionAnswer.value["date_expected"].as_string().label("expected"),
            Submission.public_id.label("submission"), AuditReturn.public_id.label("return_id"),
            AuditReturn.id, AuditReturn.subtype, Agency.name, Agency.code,
        )
        .join(Submission, Submission.id == SubmissionAnswer.submission_id)
        .outerjoin(SubmissionVoided, SubmissionVoided.submission_id == Submission.id)
        .join(AuditReturn, AuditReturn.id == Submission.return_id)
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .where(
            *conditions, SubmissionAnswer.criterion == criterion, SubmissionAnswer.grade != "",
            SubmissionVoided.id.is_(None),
        )
        .order_by(Submission.number)
    ).all()  # fmt: skip
    # of a return's submissions that were not set aside, the latest counts
    standing = {row.id: row.submission_id for row in rows}
    return [
        AnswerRow(
            agency=row.name, code=row.code, subtype=row.subtype, area=names.get(row.scope_key, row.scope_key),
            grade=row.grade, checked=found.get((row.submission_id, row.scope_key), ""),
            expected=date.fromisoformat(row.expected) if row.expected and readable else None,
            return_id=row.return_id, submission_id=row.submission if readable else "",
            question=f"{criterion}.{row.scope_key}" if row.scope_key else criterion,
        )
        for row in rows
        if standing[row.id] == row.submission_id
    ]  # fmt: skip


# --- how the agencies lie apart --------------------------------------------------------------------------------------


class Score(NamedTuple):
    """How many criteria one agency meets of those that count. `place` is where that lies: see `app.domain.control`."""

    agency: str
    code: str
    agency_type: str
    subtype: str
    return_id: str
    met: int
    counted: int
    place: str

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.met / self.counted


@dataclass(frozen=True)
class Scores:
    """Every agency's score, by name, and the mean that the limits lie around (a share; 0 of nothing)."""

    reading: Reading
    areas: tuple[Area, ...]
    rows: tuple[Score, ...]
    mean: float
    readable: frozenset[str]
    # submitted, but with no answer that counts
    without: int = 0


def scores(
    session: Session, audit_round: AuditRound, narrowed: Narrowed, *, actor: Actor, now: datetime, language: str
) -> Scores:  # fmt: skip
    """How many criteria each agency meets. Optional standards are left aside. Three statements."""
    reading = _start(session, audit_round, actor=actor, now=now, language=language)
    areas = areas_of_round(session, audit_round)
    answers = _answers(reading, checked=narrowed.checked)
    met = func.sum(case((_graded(reading, answers, narrowed.theme, "met"), 1), else_=0))
    counted = func.sum(
        case((_graded(reading, answers, narrowed.theme, "met", "not_met", "apart"), 1), else_=0)
    )
    per_return = (
        select(answers.c.return_id, met.label("met"), counted.label("counted"))
        .join(AuditReturn, AuditReturn.id == answers.c.return_id)
        .where(*_conditions(reading, narrowed, areas))
        .group_by(answers.c.return_id)
        .subquery()
    )
    found = session.execute(
        select(
            Agency.name, Agency.code, AuditReturn.agency_type, AuditReturn.subtype, AuditReturn.public_id,
            per_return.c.met, per_return.c.counted,
        )
        .join(AuditReturn, AuditReturn.id == per_return.c.return_id)
        .join(Agency, Agency.id == AuditReturn.agency_id)
    ).all()  # fmt: skip
    rows = [row for row in found if row.counted and row.agency_type in reading.types]
    whole = sum(row.counted for row in rows)
    mean = sum(row.met for row in rows) / whole if whole else 0.0
    return Scores(
        reading,
        areas,
        tuple(
            Score(
                row.name, row.code, row.agency_type, row.subtype, row.public_id, row.met, row.counted,
                place(row.met, row.counted, mean),
            )
            for row in sorted(rows, key=lambda row: (row.name.casefold(), row.code))
        ),
        mean,
        readable_types(audit_round, actor),
        len(found) - len(rows),
    )  # fmt: skip


def _graded(reading: Reading, answers: CTE, theme: str, *kinds: str) -> ColumnElement[bool]:
    """SQL: the answer is to a criterion that is not optional, with a grade that counts as one of `kinds`."""
    groups: dict[tuple[str, str], list[Asked]] = defaultdict(list)
    for asked in reading.asked.values():
        if not asked.optional and theme in ("", asked.criterion.theme):
            groups[asked.agency_type, asked.scheme_key].append(asked)
    return or_(
        literal(1) == 0,
        *(
            and_(
                AuditReturn.agency_type == agency_type,
                answers.c.grade.in_([g.key for g in group[0].scheme.grades if group[0].kind(g.key) in kinds]),
                answers.c.criterion.in_(sorted(one.criterion.id for one in group)),
            )
            for (agency_type, _scheme), group in groups.items()
        ),
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
    """Self-grades beside the grades found, by criterion; `returns` is how many returns had an answer checked."""

    reading: Reading
    areas: tuple[Area, ...]
    lines: tuple[CheckedLine, ...]
    returns: int


def checked_figures(
    session: Session, audit_round: AuditRound, narrowed: Narrowed, *, actor: Actor, now: datetime, language: str
) -> CheckedFigures:  # fmt: skip
    """Self-grade beside moderated grade for checked answers. Four statements."""
    reading = _start(session, audit_round, actor=actor, now=now, language=language)
    areas = areas_of_round(session, audit_round)
    found, latest = found_last(reading), reading.latest
    conditions = _conditions(reading, narrowed, areas)
    columns = (AuditReturn.agency_type, found.c.criterion, found.c.self_grade, found.c.grade)

    def of_found(*wanted: Any) -> Select[Any]:
        return (
            select(*wanted)
            .select_from(found)
            .join(latest, latest.c.submission_id == found.c.submission_id)
            .join(AuditReturn, AuditReturn.id == latest.c.return_id)
            .where(*conditions)
        )

    own: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    held: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    adjusted: dict[str, int] = defaultdict(int)
    for kind, criterion, self_grade, grade, number in session.execute(
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
    return CheckedFigures(reading, areas, lines, returns)


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
    areas: tuple[Area, ...]
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
    conditions = _conditions(reading, narrowed, areas)
    then, other = aliased(AuditReturn), aliased(AuditReturn)
    in_last = and_(
        then.round_id == last.id, then.agency_id == AuditReturn.agency_id,
        then.agency_type == AuditReturn.agency_type, then.stage == "submitted",
    )  # fmt: skip
    numbers = session.execute(
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
        rows = session.execute(
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

    def scale(asked: Asked) -> list[tuple[str, str]]:
        return [(grade.key, asked.kind(grade.key)) for grade in asked.scheme.grades]

    return one.criterion.version == other.criterion.version and scale(one) == scale(other)


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
