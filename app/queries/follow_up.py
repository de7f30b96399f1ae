"""Reading follow-up: how agencies stand on each recommendation, who is monitored, and what was asked of them.

For oversight bodies only. In a fixed number of statements however many agencies there are; what a state means is
decided in `app.domain.follow_up`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import case, func, null, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from app.clock import today
from app.domain.answers import question_id
from app.domain.follow_up import Part, Planned, Question, Stand, of_parts, part_of
from app.domain.templates import Criterion, GradingScheme, Pack, Placed
from app.domain.text import Text
from app.models import (
    ActionProgress,
    Agency,
    AgencyInArea,
    Area,
    AuditReturn,
    AuditRound,
    Moderation,
    Monitoring,
    PlannedAction,
    RecommendationStatus,
    SubmissionAnswer,
    Thread,
)
from app.policy import Actor, require
from app.queries.findings import latest_submissions
from app.queries.moderation import checked
from app.queries.own_types import types_where
from app.queries.packs import pack_of
from app.queries.rounds import NotFound, is_merged_clause, round_facts

ATTENTION = ("overdue", "unlikely")  # the states that monitoring is proposed for


# --- what is recommended ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cited:
    """A recommendation that questions cite, as `key` (`report/number`), and those questions by agency type."""

    key: str
    number: str
    title: Text
    short: Text
    questions: Mapping[str, tuple[Placed, ...]]

    @property
    def milestones(self) -> set[str]:
        """The milestones of the questions."""
        return {one.criterion.milestone for placed in self.questions.values() for one in placed
                if one.criterion.milestone}  # fmt: skip


def recommendations(pack: Pack, types: Collection[str], *, milestone: str = "") -> list[Cited]:
    """What the checklists of some agency types cite, in the order of the reports and then by number.

    With `milestone`, only as far as questions should be in place by it.
    """
    found: dict[str, dict[str, list[Placed]]] = defaultdict(dict)
    for agency_type in pack.agency_types:
        if agency_type not in types:
            continue
        for placed in pack.templates[agency_type].criteria():
            # other types of answers have no grades to follow
            if placed.criterion.answer.type != "grade" or milestone not in ("", placed.criterion.milestone):
                continue
            for key in placed.criterion.recommendations:
                found[key].setdefault(agency_type, []).append(placed)
    order = list(pack.recommendation_reports)

    def place(key: str) -> tuple[int, list[tuple[int, str]]]:
        report, _slash, number = key.partition("/")
        parts = re.findall(r"\d+|\D+", number)
        return order.index(report), [(int(one), "") if one.isdigit() else (0, one) for one in parts]

    return [
        Cited(
            key, key.partition("/")[2], pack.recommendation_reports[key.partition("/")[0]].title,
            pack.recommendation_reports[key.partition("/")[0]].short,
            {agency_type: tuple(placed) for agency_type, placed in found[key].items()},
        )
        for key in sorted(found, key=place)
    ]  # fmt: skip


# --- how agencies stand ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """How one agency stands on one recommendation: what follows, and an inspector's word over it, if any."""

    recommendation: str
    stand: Stand
    word: RecommendationStatus | None = None

    @property
    def state(self) -> str:
        """The state that holds: the inspector's word, or else what follows."""
        return self.word.state if self.word else self.stand.state


@dataclass(frozen=True)
class Line:
    """One agency that is followed up. `standings` is empty while nothing stands submitted."""

    return_id: int
    public_id: str
    name: str
    code: str
    agency_type: str
    subtype: str
    submitted: bool
    standings: Mapping[str, Standing]
    monitored: Mapping[str, Monitoring]
    requests: int = 0  # requests for progress that are not closed

    def worst(self) -> Counter[str]:
        """How many recommendations are in each state."""
        return Counter(standing.state for standing in self.standings.values())


@dataclass(frozen=True)
class Wanted:
    """What follow-up is narrowed to; empty means all."""

    agency_type: str = ""
    subtype: str = ""
    area: str = ""  # its public id
    milestone: str = ""


@dataclass(frozen=True)
class FollowedUp:
    """A round's agencies, as far as one's own bodies ask their types, and how each stands."""

    audit_round: AuditRound
    pack: Pack
    cited: Sequence[Cited]
    lines: Sequence[Line]

    @cached_property
    def counts(self) -> dict[str, Counter[str]]:
        """Recommendation to state to the number of agencies."""
        found: dict[str, Counter[str]] = {one.key: Counter() for one in self.cited}
        for line in self.lines:
            for key, standing in line.standings.items():
                found[key][standing.state] += 1
        return found

    @cached_property
    def agencies(self) -> Counter[str]:
        """State to the number of agencies with at least one recommendation in it."""
        return Counter(state for line in self.lines for state in line.worst())

    @cached_property
    def unlikely_by(self) -> Counter[str]:
        """Milestone to the number of agencies that are unlikely to meet some recommendation by it."""
        return Counter(
            milestone
            for line in self.lines
            for milestone in {
                standing.stand.milestone
                for standing in line.standings.values()
                if standing.state == "unlikely" and standing.stand.milestone
            }
        )

    @property
    def submitted(self) -> int:
        """How many agencies there is anything to say of."""
        return sum(1 for line in self.lines if line.submitted)


@dataclass
class _Kinds:
    """What grades of each question count as, looked up once."""

    pack: Pack
    found: dict[tuple[str, str], GradingScheme] = field(default_factory=dict)

    def of(self, agency_type: str, criterion: Criterion, grade: str) -> tuple[str, bool]:
        """What a grade counts as, and whether the agency knows; ("excluded", True) for a grade of no scheme."""
        scheme = self.found.get((agency_type, criterion.id))
        if scheme is None:
            scheme = self.pack.scheme_of(self.pack.templates[agency_type], criterion)
            self.found[agency_type, criterion.id] = scheme
        for one in scheme.grades:
            if one.key == grade:
                return one.counts_as, not one.shown_apart
        return "excluded", True


# one answer: its question's scope, grade, and date expected as signed
_Answer = tuple[str, str, str]
_Actions = dict[tuple[str, str], list[tuple[str, date | None, datetime | None]]]


def followed_up(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, wanted: Wanted = Wanted(),
    return_id: int | None = None,
) -> FollowedUp:  # fmt: skip
    """How the agencies of a round stand, by name: those whose types the actor's bodies ask. Raises Denied.

    Nothing is expected of nil returns and of agencies that were merged before they submitted: they are left out. With
    `return_id`, one return alone.
    """
    require(actor, "follow_up.read", round_facts(session, audit_round, now=now))
    pack = pack_of(audit_round.pack_version)
    types = types_where(audit_round, actor, "return.follow_up")
    if wanted.agency_type:
        types &= {wanted.agency_type}
    cited = recommendations(pack, types, milestone=wanted.milestone)
    # as a condition of every statement, so that none names eight hundred returns
    conditions = [AuditReturn.round_id == audit_round.id, AuditReturn.agency_type.in_(types)]
    if return_id is not None:
        conditions.append(AuditReturn.id == return_id)
    if wanted.subtype:
        conditions.append(AuditReturn.subtype == wanted.subtype)
    if wanted.area:
        day = today(now)
        conditions.append(
            select(AgencyInArea.id)
            .join(AgencyInArea.area)
            .where(
                AgencyInArea.agency_id == AuditReturn.agency_id, Area.public_id == wanted.area,
                AgencyInArea.starts <= day, or_(AgencyInArea.ends.is_(None), AgencyInArea.ends >= day),
            )
            .exists()
        )  # fmt: skip
    rows = session.execute(
        select(
            AuditReturn.id, AuditReturn.public_id, AuditReturn.agency_type, AuditReturn.subtype, AuditReturn.stage,
            AuditReturn.submitted_at, Agency.name, Agency.code,
        )
        .join(AuditReturn.agency)
        .where(
            *conditions, AuditReturn.stage != "nil", or_(AuditReturn.stage == "submitted", ~is_merged_clause())
        )
        .order_by(Agency.name, AuditReturn.id)
    ).all()  # fmt: skip
    answers = _answers(session, audit_round, conditions, pack, cited)
    plans = _plans(session, conditions)
    words: dict[tuple[int, str], RecommendationStatus] = {
        (word.return_id, word.recommendation): word
        for word in session.scalars(
            select(RecommendationStatus)
            .join(AuditReturn, AuditReturn.id == RecommendationStatus.return_id)
            .where(*conditions)
            .options(joinedload(RecommendationStatus.by))
        )
    }
    monitored: dict[int, dict[str, Monitoring]] = defaultdict(dict)
    for one in session.scalars(
        select(Monitoring).join(Monitoring.audit_return).where(*conditions, Monitoring.cleared_at.is_(None))
    ):
        monitored[one.return_id][one.recommendation] = one
    requests: dict[int, int] = {
        row.return_id: row.number
        for row in session.execute(
            select(Thread.return_id, func.count().label("number"))
            .join(Thread.audit_return)
            .where(*conditions, Thread.kind == "progress", Thread.state != "closed")
            .group_by(Thread.return_id)
        )
    }
    moderated = checked(session, [row.id for row in rows if row.stage == "submitted"])
    reader = _Reader(audit_round, pack, cited, _Kinds(pack), today(now))
    lines = [
        Line(
            row.id, row.public_id, row.name, row.code, row.agency_type, row.subtype, row.stage == "submitted",
            {
                key: Standing(key, found, words.get((row.id, key)))
                for key, found in reader.stands(
                    row, answers.get(row.id, {}), plans.get(row.id, {}), moderated.get(row.id, {})
                )
            }
            if row.stage == "submitted"
            else {},
            monitored.get(row.id, {}),
            requests.get(row.id, 0),
        )
        for row in rows
    ]  # fmt: skip
    return FollowedUp(audit_round, pack, cited, lines)


def _answers(
    session: Session, audit_round: AuditRound, conditions: Sequence[Any], pack: Pack, cited: Sequence[Cited]
) -> dict[int, dict[str, list[_Answer]]]:
    """Return to criterion to its answers: signed, and not set aside. One statement, a row for each grade and date."""
    criteria = {one.criterion.id for cite in cited for placed in cite.questions.values() for one in placed}
    if not criteria:
        return {}
    # the date is looked for in those answers only that may have one
    settled = {grade.key for scheme in pack.grading_schemes.values() for grade in scheme.grades}
    settled -= {
        grade.key for scheme in pack.grading_schemes.values() for grade in scheme.grades
        if grade.counts_as == "not_met"
    }  # fmt: skip
    latest = latest_submissions(audit_round)
    inner = (
        select(
            latest.c.return_id,
            SubmissionAnswer.grade,
            case(
                (SubmissionAnswer.grade.in_(settled), null()),
                else_=SubmissionAnswer.value["date_expected"].as_string(),
            ).label("expected"),
            (SubmissionAnswer.criterion + " " + SubmissionAnswer.scope_key).label("question"),
        )
        .join(latest, latest.c.submission_id == SubmissionAnswer.submission_id)
        .join(AuditReturn, AuditReturn.id == latest.c.return_id)
        .where(*conditions, SubmissionAnswer.criterion.in_(criteria), SubmissionAnswer.grade != "")
        .subquery()
    )
    found: dict[int, dict[str, list[_Answer]]] = defaultdict(lambda: defaultdict(list))
    for return_id, grade, expected, questions in session.execute(
        select(
            inner.c.return_id, inner.c.grade, inner.c.expected, func.aggregate_strings(inner.c.question, ",")
        ).group_by(inner.c.return_id, inner.c.grade, inner.c.expected)
    ):
        mine = found[return_id]
        for question in questions.split(","):
            criterion, _space, scope = question.partition(" ")
            mine[criterion].append((scope, grade, expected or ""))
    return found


def _plans(session: Session, conditions: Sequence[Any]) -> dict[int, _Actions]:
    """Return to question to its actions: state, date that holds, and when it was last reported as done."""
    moved = (
        select(func.max(ActionProgress.id))
        .where(
            ActionProgress.action_id == PlannedAction.id,
            ActionProgress.version == PlannedAction.version,
            ActionProgress.due.is_not(None),
        )
        .correlate(PlannedAction)
        .scalar_subquery()
    )
    moved_to = select(ActionProgress.due).where(ActionProgress.id == moved).scalar_subquery()
    done_at = (
        select(func.max(ActionProgress.at))
        .where(ActionProgress.action_id == PlannedAction.id, ActionProgress.state == "done")
        .correlate(PlannedAction)
        .scalar_subquery()
    )
    found: dict[int, _Actions] = defaultdict(lambda: defaultdict(list))
    for row in session.execute(
        select(
            PlannedAction.return_id, PlannedAction.criterion, PlannedAction.scope_key, PlannedAction.state,
            func.coalesce(moved_to, PlannedAction.due).label("due"), done_at.label("done_at"),
        )
        .join(PlannedAction.audit_return)
        .where(*conditions, AuditReturn.stage == "submitted", PlannedAction.removed_at.is_(None))
    ):  # fmt: skip
        found[row.return_id][row.criterion, row.scope_key].append((row.state, row.due, row.done_at))
    return found


@dataclass
class _Reader:
    """Turns the rows of one round into states; what many agencies have in common is worked out once."""

    audit_round: AuditRound
    pack: Pack
    cited: Sequence[Cited]
    kinds: _Kinds
    day: date
    parts: dict[tuple[str, str, str, str, str], Part] = field(default_factory=dict)
    known: dict[tuple[int, ...], Stand] = field(default_factory=dict)
    asked: dict[tuple[str, str], list[tuple[str, list[str]]]] = field(default_factory=dict)

    def stands(
        self, row: Any, answers: Mapping[str, list[_Answer]], plans: _Actions,
        moderated: Mapping[tuple[str, str], Moderation],
    ) -> Iterable[tuple[str, Stand]]:  # fmt: skip
        """How one return stands on each recommendation that its checklist cites and its agency was asked about."""
        # few returns are checked or planned for in any one question: the others share their parts
        planned_for = set(plans) | set(moderated)
        parts: dict[str, list[Part]] = {}
        for criterion, found in answers.items():
            mine = parts[criterion] = []
            for answer in sorted(found) if len(found) > 1 else found:
                question = criterion, answer[0]
                if question in planned_for:
                    mine.append(
                        self._own_part(row, criterion, answer, plans.get(question, ()), moderated.get(question))
                    )
                    continue
                key = row.agency_type, criterion, *answer
                part = self.parts.get(key)
                if part is None:
                    part = self.parts[key] = self._new(row.agency_type, criterion, *answer, ())
                mine.append(part)
        for name, criteria in self._asked(row.agency_type, row.subtype):
            together = [part for criterion in criteria for part in parts.get(criterion, ())]
            ids = tuple(map(id, together))  # parts are kept, so each is itself
            found_stand = self.known.get(ids)
            if found_stand is None:
                found_stand = self.known[ids] = of_parts(together)
            yield name, found_stand

    def _asked(self, agency_type: str, subtype: str) -> list[tuple[str, list[str]]]:
        """The recommendations that concern agencies of a type and subtype, each with the questions that cite it."""
        if (agency_type, subtype) not in self.asked:
            self.asked[agency_type, subtype] = [
                (cite.key, criteria)
                for cite in self.cited
                if (
                    criteria := [
                        one.criterion.id
                        for one in cite.questions.get(agency_type, ())
                        if one.criterion.asked_of(subtype or None)
                    ]
                )
            ]
        return self.asked[agency_type, subtype]

    def _own_part(
        self, row: Any, criterion: str, answer: _Answer,
        actions: Sequence[tuple[str, date | None, datetime | None]], checked: Moderation | None,
    ) -> Part:  # fmt: skip
        scope, grade, expected = answer
        if checked is not None:
            grade = checked.grade
        since = max(row.submitted_at, checked.at) if checked is not None else row.submitted_at
        planned = tuple(
            Planned(state, due, done_at is not None and done_at > since) for state, due, done_at in actions
        )
        part = self._new(row.agency_type, criterion, scope, grade, expected, planned)
        self.parts[row.public_id, criterion, scope, grade, expected] = part
        return part

    def _new(
        self, agency_type: str, criterion: str, scope: str, grade: str, expected: str, actions: tuple[Planned, ...]
    ) -> Part:
        asked = self.pack.templates[agency_type].criterion(criterion)
        counts_as, assured = self.kinds.of(agency_type, asked, grade)
        milestone = asked.milestone or ""
        return part_of(
            Question(
                question_id(criterion, scope), counts_as, assured,
                date.fromisoformat(expected) if expected else None, milestone,
                self.pack.milestones[milestone].due(self.audit_round.milestones_from) if milestone else None,
                actions,
            ),
            today=self.day,
        )  # fmt: skip


def areas_of_round(session: Session, audit_round: AuditRound) -> Sequence[tuple[str, str]]:
    """The areas that agencies of a round work in: public id and name, for a filter."""
    rows = session.execute(
        select(Area.public_id, Area.name)
        .where(
            Area.id.in_(
                select(AgencyInArea.area_id)
                .join(AuditReturn, AuditReturn.agency_id == AgencyInArea.agency_id)
                .where(AuditReturn.round_id == audit_round.id)
            )
        )
        .order_by(Area.name)
    )
    return [(row.public_id, row.name) for row in rows]


# --- monitoring ------------------------------------------------------------------------------------------------------


def monitoring_of_round(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime
) -> Sequence[Monitoring]:
    """Everything under monitoring, then what was cleared, of one's own types: what is to be reviewed first, first."""
    require(actor, "follow_up.read", round_facts(session, audit_round, now=now))
    return session.scalars(
        select(Monitoring)
        .join(Monitoring.audit_return)
        .join(AuditReturn.agency)
        .where(
            AuditReturn.round_id == audit_round.id,
            AuditReturn.agency_type.in_(types_where(audit_round, actor, "return.follow_up")),
        )
        .options(
            contains_eager(Monitoring.audit_return).contains_eager(AuditReturn.agency),
            joinedload(Monitoring.by),
            joinedload(Monitoring.cleared_by),
        )
        .order_by(
            Monitoring.cleared_at.is_not(None), Monitoring.cleared_at.desc(),
            Monitoring.review_on.is_(None), Monitoring.review_on, Agency.name, Monitoring.id,
        )
    ).all()  # fmt: skip


def monitoring_of_return(session: Session, audit_return: AuditReturn) -> Sequence[Monitoring]:
    """All monitoring of one return, what goes on first. The caller got it with `return.follow_up`."""
    return session.scalars(
        select(Monitoring)
        .where(Monitoring.return_id == audit_return.id)
        .options(joinedload(Monitoring.by), joinedload(Monitoring.cleared_by))
        .order_by(Monitoring.cleared_at.is_not(None), Monitoring.id.desc())
    ).all()


def get_monitoring(session: Session, audit_return: AuditReturn, public_id: str) -> Monitoring:
    """One monitoring of a return got with `return.follow_up`. Raises NotFound."""
    found = session.scalar(
        select(Monitoring)
        .where(Monitoring.return_id == audit_return.id, Monitoring.public_id == public_id)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


# --- requests for progress -------------------------------------------------------------------------------------------


def progress_requests(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime
) -> Sequence[Thread]:
    """The requests for progress of a round, of one's own types: those that are not closed first, by their date."""
    require(actor, "follow_up.read", round_facts(session, audit_round, now=now))
    return session.scalars(
        select(Thread)
        .join(Thread.audit_return)
        .join(AuditReturn.agency)
        .where(
            AuditReturn.round_id == audit_round.id,
            AuditReturn.agency_type.in_(types_where(audit_round, actor, "return.follow_up")),
            Thread.kind == "progress",
        )
        .options(
            contains_eager(Thread.audit_return).contains_eager(AuditReturn.agency), joinedload(Thread.opened_by)
        )
        .order_by(Thread.state == "closed", Thread.due.is_(None), Thread.due, Thread.id)
    ).all()


def returns_to_ask(
    session: Session, audit_round: AuditRound, public_ids: Collection[str], *, actor: Actor
) -> Sequence[AuditReturn]:
    """Of some returns those of a round that are submitted and of one's own types, by name."""
    return session.scalars(
        select(AuditReturn)
        .join(AuditReturn.agency)
        .where(
            AuditReturn.round_id == audit_round.id,
            AuditReturn.public_id.in_(public_ids),
            AuditReturn.agency_type.in_(types_where(audit_round, actor, "return.follow_up")),
            AuditReturn.stage == "submitted",
        )
        .options(contains_eager(AuditReturn.agency))
        .order_by(Agency.name, AuditReturn.id)
    ).all()
