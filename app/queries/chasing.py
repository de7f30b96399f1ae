"""Reading who is to be chased in a round, whom a reminder would reach, and how the response grew day by day."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import accumulate

from sqlalchemy import ColumnElement, func, literal, or_, select, union_all
from sqlalchemy.orm import Session, joinedload

from app.clock import start_of, today
from app.domain.business_days import business_days_until
from app.domain.chasing import LAST_DAYS, LITTLE, REASONS, UNFINISHED, WITHIN, Standing, horizon, reasons_of
from app.domain.life import is_shut
from app.domain.paging import paged
from app.models import (
    Agency,
    AuditReturn,
    AuditRound,
    Chase,
    Submission,
    SubmissionVoided,
    Thread,
    User,
)
from app.policy import Actor, require
from app.queries.mail import people_at
from app.queries.own_types import types_where
from app.queries.rounds import PAGE, in_area_clause, is_merged_clause, like, round_facts, was_reopened_clause


@dataclass(frozen=True)
class ChaseFilter:
    """What the list to chase is narrowed to; empty means all. `within`: business days, `little`: per cent."""

    reason: str = ""
    agency_type: str = ""
    subtype: str = ""
    area: str = ""
    text: str = ""
    within: int = WITHIN
    little: int = LITTLE
    page: int = 1


@dataclass(frozen=True)
class Reminded:
    """The last reminder that was sent to an agency."""

    reason: str
    at: datetime
    people: int
    by: str


@dataclass(frozen=True)
class Case:
    """A return with how it stands. `left`: business days to its deadline, 0 where that is today or has passed."""

    audit_return: AuditReturn
    standing: Standing
    reasons: tuple[str, ...]
    left: int

    @property
    def agency(self) -> Agency:
        """Whose return it is."""
        return self.audit_return.agency


@dataclass(frozen=True)
class ChaseList:
    """A page of the list to chase. `counts` is reason to number, whatever reason the list is narrowed to.

    `last` is the last reminder and `people` who would get one, both by the id of the return.
    """

    rows: Sequence[Case]
    total: int
    page: int
    pages: int
    counts: Mapping[str, int]
    last: Mapping[int, Reminded]
    people: Mapping[int, Sequence[User]]


@dataclass(frozen=True)
class _Line:
    """How one return stands, before its rows are loaded."""

    return_id: int
    public_id: str
    standing: Standing
    reasons: tuple[str, ...]


def cases(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, narrowed: ChaseFilter | None = None,
    public_ids: Collection[str] | None = None,
) -> list[Case]:  # fmt: skip
    """Every return that the actor may chase, as it stands; with `public_ids` those alone. By deadline, then name.

    Three statements however many. Raises Denied.
    """
    lines = _lines(session, audit_round, actor=actor, now=now, narrowed=narrowed or ChaseFilter())
    if public_ids is not None:
        wanted = frozenset(public_ids)
        lines = [line for line in lines if line.public_id in wanted]
    return _loaded(session, lines, now=now)


def behind(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, narrowed: ChaseFilter
) -> list[str]:
    """The public ids of everybody on the list to chase, over all its pages. Raises Denied."""
    lines = _lines(session, audit_round, actor=actor, now=now, narrowed=narrowed, all_returns=False)
    return [line.public_id for line in lines if _is_listed(line, narrowed)]


def _is_listed(line: _Line, narrowed: ChaseFilter) -> bool:
    return narrowed.reason in line.reasons if narrowed.reason else bool(line.reasons)


def _lines(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, narrowed: ChaseFilter,
    all_returns: bool = True,
) -> list[_Line]:  # fmt: skip
    """How the returns stand. Without `all_returns` those are left out of which nothing can be expected any more."""
    require(actor, "round.chase", round_facts(session, audit_round, now=now))
    day = today(now)
    conditions: list[ColumnElement[bool]] = [
        AuditReturn.round_id == audit_round.id,
        AuditReturn.agency_type.in_(types_where(audit_round, actor, "return.chase")),
    ]
    if narrowed.agency_type:
        conditions.append(AuditReturn.agency_type == narrowed.agency_type)
    if narrowed.subtype:
        conditions.append(AuditReturn.subtype == narrowed.subtype)
    if narrowed.area:
        conditions.append(in_area_clause(narrowed.area, day=day))
    if narrowed.text.strip():
        wanted = f"%{like(narrowed.text.strip())}%"
        conditions.append(or_(Agency.name.ilike(wanted, escape="\\"), Agency.code.ilike(wanted, escape="\\")))
    overdue = _overdue_queries(session, audit_round, day=day)
    if not all_returns:
        conditions.append(or_(AuditReturn.stage.in_(UNFINISHED), AuditReturn.id.in_(overdue)))
    rows = session.execute(
        select(
            AuditReturn.id, AuditReturn.public_id, AuditReturn.stage, AuditReturn.asked, AuditReturn.complete,
            AuditReturn.extended_to, AuditReturn.late_after, was_reopened_clause().label("was_reopened"),
            is_merged_clause().label("is_merged"),
        )
        .join(AuditReturn.agency)
        .where(*conditions)
        .order_by(Agency.name, AuditReturn.id)
    )  # fmt: skip
    until, soon = horizon(day, narrowed.within), horizon(day, min(narrowed.within, LAST_DAYS))
    due, in_time, archived = audit_round.due, audit_round.in_time_until, audit_round.archived_at is not None
    shut = is_shut(open_until=audit_round.open_until, closed_at=audit_round.closed_at, now=now)
    last_day = today(due)
    lines = []
    for row in rows:
        own_until = row.late_after or row.extended_to
        standing = Standing(
            stage=row.stage,
            asked=row.asked,
            complete=row.complete,
            deadline=today(max(due, row.extended_to)) if row.extended_to else last_day,
            late_after=max(in_time, own_until) if own_until else in_time,
            is_shut=archived or (shut and not (own_until and now <= own_until)),
            was_returned=row.was_reopened and row.stage == "started",
            overdue_queries=overdue.get(row.id, 0),
            is_merged=row.is_merged,
        )
        reasons = reasons_of(standing, now=now, until=until, soon=soon, little=narrowed.little)
        lines.append(_Line(row.id, row.public_id, standing, reasons))
    return sorted(lines, key=lambda line: line.standing.deadline)


def _loaded(session: Session, lines: Sequence[_Line], *, now: datetime) -> list[Case]:
    ids = [line.return_id for line in lines]
    returns = {
        one.id: one
        for one in session.scalars(
            select(AuditReturn)
            .where(AuditReturn.id.in_(ids))
            .options(joinedload(AuditReturn.agency))
            .execution_options(populate_existing=True)
        )
    }
    day = today(now)
    left = {deadline: business_days_until(day, deadline) for deadline in {one.standing.deadline for one in lines}}
    return [
        Case(returns[line.return_id], line.standing, line.reasons, left[line.standing.deadline]) for line in lines
    ]


def _overdue_queries(session: Session, audit_round: AuditRound, *, day: date) -> dict[int, int]:
    rows = session.execute(
        select(Thread.return_id, func.count().label("number"))
        .join(Thread.audit_return)
        .where(
            AuditReturn.round_id == audit_round.id,
            Thread.kind == "query",
            Thread.state == "open",
            Thread.due < day,
        )
        .group_by(Thread.return_id)
    )
    return {row.return_id: row.number for row in rows}


def chase_list(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, narrowed: ChaseFilter
) -> ChaseList:
    """A page of those who are behind, each with the last reminder and who would get the next. Raises Denied."""
    lines = _lines(session, audit_round, actor=actor, now=now, narrowed=narrowed, all_returns=False)
    counts = Counter(reason for line in lines for reason in line.reasons)
    listed = [line for line in lines if _is_listed(line, narrowed)]
    page, pages = paged(len(listed), PAGE, narrowed.page)
    rows = _loaded(session, listed[(page - 1) * PAGE : page * PAGE], now=now)
    return ChaseList(
        rows=rows,
        total=len(listed),
        page=page,
        pages=pages,
        counts={reason: counts[reason] for reason in REASONS},
        last=_last_reminders(session, [case.audit_return.id for case in rows]),
        people=whom(session, rows, now=now),
    )


def whom(session: Session, rows: Collection[Case], *, now: datetime) -> dict[int, list[User]]:
    """Who gets a reminder: signatories and audit leads in office, by the id of the return, each person once."""
    by_agency: dict[int, list[User]] = {}
    for one in people_at(session, {case.audit_return.agency_id for case in rows}, now=now):
        people = by_agency.setdefault(one.agency_id, [])
        if one.user.active and one.user not in people:
            people.append(one.user)
    return {case.audit_return.id: by_agency.get(case.audit_return.agency_id, []) for case in rows}


def _last_reminders(session: Session, return_ids: Collection[int]) -> dict[int, Reminded]:
    rows = session.execute(
        select(Chase, User.name)
        .outerjoin(User, User.id == Chase.by_id)
        .where(Chase.return_id.in_(return_ids))
        .order_by(Chase.at, Chase.id)
    )
    return {
        row.Chase.return_id: Reminded(row.Chase.reason, row.Chase.at, row.Chase.people, row.name or "")
        for row in rows
    }


def reminded_on(session: Session, return_ids: Collection[int], *, reason: str, day: date) -> set[int]:
    """Which of these returns were reminded for a reason on a London day already."""
    return set(
        session.scalars(
            select(Chase.return_id).where(
                Chase.return_id.in_(return_ids), Chase.reason == reason, Chase.day == day
            )
        )
    )


# --- the response over time ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Course:
    """How the submissions of one agency type grew: `totals` at the end of each day of the response."""

    agency_type: str
    expected: int
    totals: Sequence[int] = field(default_factory=tuple)

    @property
    def shares(self) -> list[float]:
        """The totals as shares of what is expected, 0 to 1."""
        return [min(1.0, total / self.expected) for total in self.totals] if self.expected else []


@dataclass(frozen=True)
class ResponseOverTime:
    """Submissions that stood at the end of each London day, by agency type, against those expected now.

    Expected are all agencies invited without nil returns and without those merged before they submitted.
    """

    days: Sequence[date]
    courses: Sequence[Course]


def response_over_time(session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime) -> ResponseOverTime:
    """The response from the opening day to today, or to the closing day where that has passed. Two statements.

    From stored instants: a submission counts from the day it was signed to the day before it was set aside.
    Raises Denied.
    """
    require(actor, "round.read", round_facts(session, audit_round, now=now))
    expected = {
        row.agency_type: row.number
        for row in session.execute(
            select(AuditReturn.agency_type, func.count().label("number"))
            .where(
                AuditReturn.round_id == audit_round.id,
                AuditReturn.stage != "nil",
                or_(AuditReturn.stage == "submitted", ~is_merged_clause()),
            )
            .group_by(AuditReturn.agency_type)
        )
    }
    first, last = today(audit_round.opens), today(min(now, audit_round.closes))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    if not days:
        return ResponseOverTime([], [])
    signed = (
        select(AuditReturn.agency_type, literal(1).label("step"), Submission.submitted_at.label("at"))
        .join(AuditReturn, AuditReturn.id == Submission.return_id)
        .where(AuditReturn.round_id == audit_round.id)
    )
    voided = (
        select(AuditReturn.agency_type, literal(-1).label("step"), SubmissionVoided.at)
        .join(Submission, Submission.id == SubmissionVoided.submission_id)
        .join(AuditReturn, AuditReturn.id == Submission.return_id)
        .where(AuditReturn.round_id == audit_round.id)
    )
    steps: dict[str, Counter[int]] = {}
    ends = [start_of(day) for day in days[1:]]  # what comes after the last day that is drawn counts on it
    for kind, step, at in session.execute(union_all(signed, voided)):
        steps.setdefault(kind, Counter())[bisect_right(ends, at)] += step
    courses = [
        Course(kind, number, tuple(accumulate(steps.get(kind, Counter())[place] for place in range(len(days)))))
        for kind, number in sorted(expected.items())
    ]
    return ResponseOverTime(days, courses)
