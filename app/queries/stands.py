"""How the returns of a round stand on each recommendation: read in few statements, and kept while nothing happens.

What was worked out for a return is kept under the heads of its two event chains. Every change appends its event in the
same transaction, so what is kept under a head is what that head stands for; it holds dates and states, no words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from sys import intern
from typing import Any, NamedTuple

from sqlalchemy import case, func, literal, null, select
from sqlalchemy.orm import Session

from app.db import rows_of
from app.domain.answers import question_id
from app.domain.follow_up import Part, Planned, Question, Stand, State, of_parts, part_of
from app.domain.recommendations import recommendations
from app.domain.templates import Pack, Placed
from app.models import (
    ActionProgress,
    AuditReturn,
    AuditRound,
    Event,
    Moderation,
    PlannedAction,
    SubmissionAnswer,
)
from app.queries.findings import latest_submissions
from app.queries.moderation import checked
from app.queries.packs import pack_of


class Stands(dict[str, Stand]):
    """How a return stands on each recommendation, by its key. What pages count of hundreds is worked out once."""

    @cached_property
    def states(self) -> dict[str, State]:
        """The state that follows, by recommendation."""
        return {key: stand.state for key, stand in self.items()}

    @cached_property
    def places(self) -> tuple[str, ...]:
        """The same as `RECOMMENDATION STATE`, one string for all returns alike: those are counted fastest."""
        return tuple(intern(f"{key} {state}") for key, state in self.states.items())

    @cached_property
    def numbers(self) -> Counter[str]:
        """How many recommendations are in each state."""
        return Counter(self.states.values())

    @cached_property
    def unlikely_by(self) -> frozenset[str]:
        """The milestones that some recommendation is unlikely to be met by."""
        return unlikely_by(self, self.states)


def unlikely_by(stands: Mapping[str, Stand], states: Mapping[str, State]) -> frozenset[str]:
    """The milestones by which some recommendation is unlikely to be met; `states` are those that hold."""
    return frozenset(stands[key].milestone for key, state in states.items() if state == "unlikely") - {""}


_Question = tuple[str, str]  # criterion and scope
_Actions = Mapping[_Question, Sequence[tuple[str, date | None, datetime | None]]]

_KEPT: dict[tuple[object, ...], Stands] = {}
MOST_KEPT = 6000  # returns; of one with sixty answers about fifteen kilobytes


class Standable(NamedTuple):
    """A submitted return. `hidden`: what its first inspector found is left out."""

    id: int
    agency_type: str
    subtype: str
    submitted_at: datetime
    hidden: bool = False


def stands_of(
    session: Session, audit_round: AuditRound, conditions: Sequence[Any], returns: Sequence[Standable], *,
    milestone: str, day: date,
) -> dict[int, Stands]:  # fmt: skip
    """How the submitted returns of a round stand, by id; `conditions` are those that gave them. Four statements or one.

    With `milestone`, as far as questions should be in place by it. The caller asked policy.
    """
    # before all else: what is read after it is as new as the head that it is kept under, or newer
    heads = _heads(session, conditions)
    about = (audit_round.pack_version.sha256, audit_round.milestones_from, milestone, day)
    keys = {one.id: (*heads[one.id], *about, one.hidden) for one in returns}
    found = {id_: stands for id_, key in keys.items() if (stands := _KEPT.get(key)) is not None}
    missing = [one for one in returns if one.id not in found]
    if missing:
        fresh = work_out(session, audit_round, conditions, missing, milestone=milestone, day=day)
        if len(_KEPT) + len(fresh) > MOST_KEPT:
            _KEPT.clear()
        _KEPT.update((keys[id_], stands) for id_, stands in fresh.items())
        found |= fresh
    return found


def _heads(session: Session, conditions: Sequence[Any]) -> dict[int, tuple[str, str, int]]:
    """Of each submitted return the hash of its last event, that of the last of its oversight, and its last finding."""

    def head(kind: str) -> Any:
        return (
            select(Event.hash)
            .where(Event.chain == literal(f"{kind}:") + AuditReturn.public_id)
            .order_by(Event.seq.desc())
            .limit(1)
            .correlate(AuditReturn)
            .scalar_subquery()
        )

    finding = select(func.max(Moderation.id)).where(Moderation.return_id == AuditReturn.id).scalar_subquery()
    rows = rows_of(
        session,
        select(AuditReturn.id, head("return"), head("oversight"), finding).where(
            *conditions, AuditReturn.stage == "submitted"
        )
    )
    return {id_: (own or "", private or "", last or 0) for id_, own, private, last in rows}


def work_out(
    session: Session, audit_round: AuditRound, conditions: Sequence[Any], returns: Sequence[Standable], *,
    milestone: str, day: date,
) -> dict[int, Stands]:  # fmt: skip
    """The same, worked out from the answers, the plans and the findings. Three statements."""
    if len(returns) <= 100:  # few: they are named, where naming hundreds would cost more than reading all
        conditions = [*conditions, AuditReturn.id.in_([one.id for one in returns])]
    pack = pack_of(audit_round.pack_version)
    reader = _Reader(pack, audit_round.milestones_from, milestone, day)
    answers = _answers(session, audit_round, conditions, pack)
    plans = _plans(session, conditions)
    found = checked(session, [one.id for one in returns if not one.hidden])
    return {
        one.id: reader.stands(one, answers.get(one.id, ()), plans.get(one.id, {}), found.get(one.id, {}))
        for one in returns
    }


def _answers(
    session: Session, audit_round: AuditRound, conditions: Sequence[Any], pack: Pack
) -> dict[int, Sequence[str]]:
    """By return its signed answers, each as `criterion scope grade date`: one row for a return is quickest by far."""
    grades = [grade for scheme in pack.grading_schemes.values() for grade in scheme.grades]
    # the date is looked for in those answers only that may have one
    dated = {grade.key for grade in grades if grade.counts_as == "not_met"}
    expected = case(
        (SubmissionAnswer.grade.in_(dated), SubmissionAnswer.value["date_expected"].as_string()), else_=null()
    )
    answer = (
        SubmissionAnswer.criterion + " " + SubmissionAnswer.scope_key + " " + SubmissionAnswer.grade + " "
        + func.coalesce(expected, "")
    )  # fmt: skip
    latest = latest_submissions(audit_round)
    rows = rows_of(
        session,
        select(latest.c.return_id, func.aggregate_strings(answer, ","))
        .join(latest, latest.c.submission_id == SubmissionAnswer.submission_id)
        .join(AuditReturn, AuditReturn.id == latest.c.return_id)
        .where(*conditions, SubmissionAnswer.grade != "")
        .group_by(latest.c.return_id)
    )
    return {return_id: sorted(together.split(",")) for return_id, together in rows}


def _plans(session: Session, conditions: Sequence[Any]) -> Mapping[int, _Actions]:
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
    found: dict[int, dict[_Question, list[tuple[str, date | None, datetime | None]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for return_id, criterion, scope, state, due, done in rows_of(
        session,
        select(
            PlannedAction.return_id, PlannedAction.criterion, PlannedAction.scope_key, PlannedAction.state,
            func.coalesce(moved_to, PlannedAction.due), done_at,
        )
        .join(PlannedAction.audit_return)
        .where(*conditions, AuditReturn.stage == "submitted", PlannedAction.removed_at.is_(None))
    ):  # fmt: skip
        found[return_id][criterion, scope].append((state, due, done))
    return found


@dataclass
class _Reader:
    """Turns the rows of one round into states; what many agencies have in common is worked out once."""

    pack: Pack
    milestones_from: date
    milestone: str
    day: date
    # by agency type, and the answer as `criterion scope grade date`
    read: dict[tuple[str, str], tuple[str, _Question, Part | None]] = field(default_factory=dict)
    parts: dict[tuple[object, ...], Part] = field(default_factory=dict)
    known: dict[tuple[int, ...], Stand] = field(default_factory=dict)
    asked: dict[tuple[str, str], list[tuple[str, list[str]]]] = field(default_factory=dict)
    cited: dict[str, dict[str, Placed]] = field(default_factory=dict)

    def stands(
        self, one: Standable, answers: Sequence[str], plans: _Actions, found: Mapping[_Question, Moderation]
    ) -> Stands:
        """How one return stands on each recommendation that its checklist cites and its agency was asked about."""
        # few returns are checked or planned for in any one question: the others share their parts
        own = set(plans) | set(found)
        parts: dict[str, list[Part]] = defaultdict(list)
        for answer in answers:
            read = self.read.get((one.agency_type, answer))
            if read is None:
                read = self.read[one.agency_type, answer] = self._read(one.agency_type, answer)
            criterion, question, part = read
            if question in own:
                finding = found.get(question)
                since = max(one.submitted_at, finding.at) if finding else one.submitted_at
                planned = plans.get(question, ())
                actions = tuple((state, due, done is not None and done > since) for state, due, done in planned)
                part = self._part(one.agency_type, answer, finding.grade if finding else "", actions)
            if part is not None:
                parts[criterion].append(part)
        stands = Stands()
        for name, criteria in self._asked(one.agency_type, one.subtype):
            together = [part for criterion in criteria if criterion in parts for part in parts[criterion]]
            ids = tuple(map(id, together))  # parts are kept, so each is itself
            stand = self.known.get(ids)
            if stand is None:
                stand = self.known[ids] = of_parts(together)
            stands[name] = stand
        return stands

    def _read(self, agency_type: str, answer: str) -> tuple[str, _Question, Part | None]:
        criterion, scope, _grade, _expected = answer.split(" ")
        return criterion, (criterion, scope), self._part(agency_type, answer, "", ())

    def _part(
        self, agency_type: str, answer: str, grade: str, actions: tuple[tuple[str, date | None, bool], ...]
    ) -> Part | None:
        """How one question stands; `grade` is the one that was found, if one was. None where nothing cites it."""
        key = agency_type, answer, grade, actions
        if key in self.parts:
            return self.parts[key]
        criterion, scope, own_grade, expected = answer.split(" ")
        placed = self._cited(agency_type).get(criterion)
        if placed is None:
            return None
        asked = placed.criterion
        milestone = asked.milestone or ""
        counts_as, assured = self._counts(agency_type, placed, grade or own_grade)
        part = self.parts[key] = part_of(
            Question(
                question_id(criterion, scope), counts_as, assured,
                date.fromisoformat(expected) if expected else None, milestone,
                self.pack.milestones[milestone].due(self.milestones_from) if milestone else None,
                tuple(Planned(*action) for action in actions),
            ),
            today=self.day,
        )  # fmt: skip
        return part

    def _counts(self, agency_type: str, placed: Placed, grade: str) -> tuple[str, bool]:
        """What a grade counts as, and whether the agency knows; ("excluded", True) for a grade of no scheme."""
        for one in self.pack.scheme_of(self.pack.templates[agency_type], placed.criterion).grades:
            if one.key == grade:
                return one.counts_as, not one.shown_apart
        return "excluded", True

    def _cited(self, agency_type: str) -> dict[str, Placed]:
        """The questions of an agency type that cite a recommendation."""
        if agency_type not in self.cited:
            self.cited[agency_type] = {
                placed.criterion.id: placed
                for one in recommendations(self.pack, [agency_type], milestone=self.milestone)
                for placed in one.questions[agency_type]
            }
        return self.cited[agency_type]

    def _asked(self, agency_type: str, subtype: str) -> list[tuple[str, list[str]]]:
        """The recommendations that concern agencies of a type and subtype, each with the questions that cite it."""
        if (agency_type, subtype) not in self.asked:
            self.asked[agency_type, subtype] = [
                (one.key, criteria)
                for one in recommendations(self.pack, [agency_type], milestone=self.milestone)
                if (
                    criteria := [
                        placed.criterion.id
                        for placed in one.questions[agency_type]
                        if placed.criterion.asked_of(subtype or None)
                    ]
                )
            ]
        return self.asked[agency_type, subtype]
