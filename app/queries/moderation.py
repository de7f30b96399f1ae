"""Reading moderation: what inspectors found about signed answers. For oversight bodies only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session, contains_eager, defer, joinedload

from app.clock import today
from app.domain.answers import question_id
from app.domain.life import NotPossible
from app.domain.message import N_
from app.domain.paging import paged
from app.domain.templates import Grade
from app.models import (
    Agency,
    AgencyInArea,
    Area,
    AuditReturn,
    AuditRound,
    Moderation,
    Sample,
    SampledReturn,
    Submission,
    SubmissionAnswer,
    SubmissionVoided,
    TemplateVersion,
    User,
)
from app.policy import Actor, allows
from app.queries.carrying import LastRound, last_round
from app.queries.own_types import types_where
from app.queries.packs import template_of
from app.queries.returns import Checklist, Item, Section, return_facts, submitted_checklist
from app.queries.rounds import PAGE, NotFound

Findings = dict[tuple[str, str], Moderation]
PARTS = ("first", "second")


def checked(session: Session, return_ids: Collection[int]) -> dict[int, Findings]:
    """Return to (criterion, scope) to what the first inspector found last, on the submission in force.

    Nothing for a return that was reopened: its next submission is looked at anew. One statement. The caller may read
    what the oversight body does in private.
    """
    rows = session.scalars(
        select(Moderation)
        .join(Submission, Submission.id == Moderation.submission_id)
        .outerjoin(SubmissionVoided, SubmissionVoided.submission_id == Submission.id)
        .where(Moderation.return_id.in_(return_ids), ~Moderation.second, SubmissionVoided.id.is_(None))
        .order_by(Moderation.version)
    )
    found: dict[int, Findings] = defaultdict(dict)
    for row in rows:
        found[row.return_id][row.criterion, row.scope_key] = row  # a later version stands in the earlier one's place
    return dict(found)


def checked_for(
    session: Session, audit_round: AuditRound, return_ids: Collection[int], *, actor: Actor
) -> dict[int, Findings]:
    """As `checked`, without the returns of a round whose findings the actor must not see yet. Two statements."""
    hidden = hidden_from(session, audit_round, actor)
    return checked(session, [one for one in return_ids if one not in hidden])


def findings_on(session: Session, submission: Submission, *, second: bool = False) -> Findings:
    """What one of the two inspectors found last about a submission, voided or not: (criterion, scope) to finding."""
    rows = session.scalars(
        select(Moderation)
        .where(Moderation.submission_id == submission.id, Moderation.second.is_(second))
        .options(joinedload(Moderation.by))
        .order_by(Moderation.version)
    )
    return {(row.criterion, row.scope_key): row for row in rows}


# --- who checks what ----------------------------------------------------------------------------------------


# made once: most pages of oversight ask
_BLIND = select(SampledReturn.return_id).where(
    SampledReturn.second_id == bindparam("user_id"), SampledReturn.second_finished_at.is_(None)
)
_BLIND_IN_ROUND = _BLIND.join(SampledReturn.audit_return).where(AuditReturn.round_id == bindparam("round_id"))


def hidden_from(session: Session, audit_round: AuditRound, actor: Actor) -> set[int]:
    """The ids of returns whose first findings the actor must not see yet, nor what follows from them.

    They check these second, without knowing what the first inspector found, until they have finished; lead inspectors
    too. One statement; empty for everybody else.
    """
    return set(session.scalars(_BLIND_IN_ROUND, {"user_id": actor.user_id, "round_id": audit_round.id}))


def is_hidden_from(session: Session, audit_return: AuditReturn, actor: Actor) -> bool:
    """Whether this return is one of those of `hidden_from`. One statement."""
    blind = _BLIND.where(SampledReturn.return_id == audit_return.id)
    return session.scalar(blind, {"user_id": actor.user_id}) is not None


class NotYetYours(NotPossible):
    """A page, or a change, that is made of what the first inspector found, for whoever checks the return second."""

    def __init__(self, audit_return: AuditReturn) -> None:
        super().__init__(
            N_("You check this return second. You see what the first inspector found when you have finished.")
        )
        self.audit_return = audit_return


def check_not_hidden(session: Session, audit_return: AuditReturn, actor: Actor) -> None:
    """Raise NotYetYours where the actor must not see the first findings about a return, nor what follows from them."""
    if is_hidden_from(session, audit_return, actor):
        raise NotYetYours(audit_return)


def part_of(sampled: SampledReturn, actor: Actor, *, any_return: bool) -> str:
    """Which check of a return is the actor's: `first`, `second`, or none (empty).

    `any_return`: whether they may check what is not assigned to them (`return.moderate_any`); then they act as the
    first, except where they are the second.
    """
    if actor.user_id is not None and actor.user_id == sampled.second_id:
        return "second"
    if any_return or (actor.user_id is not None and actor.user_id == sampled.inspector_id):
        return "first"
    return ""


def _sampled(audit_round: AuditRound, actor: Actor) -> Select[SampledReturn]:
    mine = or_(
        AuditReturn.agency_type.in_(types_where(audit_round, actor, "return.moderate_any")),
        SampledReturn.inspector_id == actor.user_id,
        SampledReturn.second_id == actor.user_id,
    )
    return (
        select(SampledReturn)
        .join(Sample, Sample.id == SampledReturn.sample_id)
        .join(AuditReturn, AuditReturn.id == SampledReturn.return_id)
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .where(
            Sample.round_id == audit_round.id,
            AuditReturn.agency_type.in_(types_where(audit_round, actor, "return.moderate")),
            mine,
        )
        .options(
            contains_eager(SampledReturn.audit_return).contains_eager(AuditReturn.agency).load_only(Agency.name),
            joinedload(SampledReturn.inspector).load_only(User.name),
            joinedload(SampledReturn.second).load_only(User.name),
            defer(SampledReturn.risks),
            defer(SampledReturn.figures),
        )
        .order_by(Agency.name, SampledReturn.id)
    )


def sampled_returns(session: Session, audit_round: AuditRound, *, actor: Actor) -> Sequence[SampledReturn]:
    """The sampled returns of a round that are the actor's: assigned to them, or for lead inspectors all of their own
    agency types; by agency.
    """
    return session.scalars(_sampled(audit_round, actor)).all()


@dataclass(frozen=True)
class Duty:
    """One check of one return: a line of the desk. `part` is `first` or `second`; `can_open`: it is the actor's."""

    sampled: SampledReturn
    part: str
    checked: int
    asked: int
    can_open: bool

    @property
    def inspector(self) -> str:
        """Who checks; empty where nobody is named yet."""
        who = self.sampled.second if self.part == "second" else self.sampled.inspector
        return who.name if who else ""

    @property
    def finished_at(self) -> datetime | None:
        """When it was finished, if it is."""
        return self.sampled.second_finished_at if self.part == "second" else self.sampled.finished_at

    @property
    def due(self) -> date | None:
        """The day by which it is asked for."""
        return self.sampled.check_by

    def is_overdue(self, day: date) -> bool:
        """Whether that day has passed and it is not finished."""
        return self.due is not None and self.due < day and self.finished_at is None


@dataclass(frozen=True)
class Duties:
    """A page of the desk of a round. `number`, `finished` and `overdue` count all of its checks."""

    lines: Sequence[Duty]
    number: int
    finished: int
    overdue: int
    page: int
    pages: int


def duties(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, mine: bool = False, page: int = 1
) -> Duties:
    """The checks of a round that are the actor's to see, unfinished ones first, then by agency; `mine`: theirs.

    Six statements at most, however many.
    """
    leads = frozenset() if mine else types_where(audit_round, actor, "return.moderate_any")
    every: list[tuple[SampledReturn, str]] = []
    for sampled in sampled_returns(session, audit_round, actor=actor):
        all_of_it = sampled.audit_return.agency_type in leads
        if all_of_it or sampled.inspector_id == actor.user_id:
            every.append((sampled, "first"))
        if sampled.second_id and (all_of_it or sampled.second_id == actor.user_id):
            every.append((sampled, "second"))
    every.sort(key=lambda one: Duty(one[0], one[1], 0, 0, False).finished_at is not None)
    page, pages = paged(len(every), PAGE, page)
    shown = every[(page - 1) * PAGE : page * PAGE]
    asked, done = _how_far(session, {sampled.return_id: sampled for sampled, _part in shown})
    day = today(now)
    states = [Duty(one, part, 0, 0, False) for one, part in every]
    return Duties(
        [
            Duty(
                one, part, done.get((one.return_id, part == "second"), 0), asked.get(one.return_id, 0),
                part_of(one, actor, any_return=one.audit_return.agency_type in leads) == part,
            )
            for one, part in shown
        ],
        len(every),
        sum(1 for one in states if one.finished_at),
        sum(1 for one in states if one.is_overdue(day)),
        page,
        pages,
    )  # fmt: skip


def in_force(return_ids: Collection[int]) -> Select[int, int]:
    """SQL: the submission in force of each return, as rows of `id` and `return_id`."""
    return (
        select(Submission.id, Submission.return_id)
        .outerjoin(SubmissionVoided, SubmissionVoided.submission_id == Submission.id)
        .where(Submission.return_id.in_(return_ids), SubmissionVoided.id.is_(None))
    )


def _how_far(
    session: Session, sampled: Mapping[int, SampledReturn]
) -> tuple[dict[int, int], dict[tuple[int, bool], int]]:
    """Return to how many answers are to be checked; (return, second) to how many are. Two statements, or three."""
    standing = {row.id: row.return_id for row in session.execute(in_force(sampled))}
    asked: dict[int, int] = defaultdict(int)
    again = []
    for submission_id, return_id in standing.items():
        one = sampled[return_id]
        if one.questions and one.submission_id == submission_id:
            asked[return_id] += len(one.questions)  # drawn from this submission, which never changes
        else:
            again.append(submission_id)
    if again:
        for row in session.execute(
            select(SubmissionAnswer.submission_id, SubmissionAnswer.criterion, SubmissionAnswer.scope_key).where(
                SubmissionAnswer.submission_id.in_(again), SubmissionAnswer.grade != ""
            )
        ):
            return_id = standing[row.submission_id]
            questions = sampled[return_id].questions
            asked[return_id] += not questions or question_id(row.criterion, row.scope_key) in questions
    done = session.execute(
        select(
            Moderation.return_id,
            Moderation.second,
            func.count(func.distinct(Moderation.criterion + "." + Moderation.scope_key)).label("number"),
        )
        .where(Moderation.submission_id.in_(standing))
        .group_by(Moderation.return_id, Moderation.second)
    )
    return dict(asked), {(row.return_id, row.second): row.number for row in done}


# --- the desk -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TwinAnswer:
    """What another agency of the same area signed about the same duty."""

    agency: str
    area: str
    question: Any
    number: str
    grade: Grade | None
    commentary: str


@dataclass(frozen=True)
class Check:
    """A signed answer that is to be checked. `other`: what the other inspector found, where both have finished."""

    section: Section
    item: Item
    finding: Moderation | None
    other: Moderation | None


@dataclass(frozen=True)
class Desk:
    """One inspector's check of one return: by question id, in the order of the checklist."""

    sampled: SampledReturn
    submission: Submission
    work: Checklist
    part: str
    checks: Mapping[str, Check]

    @property
    def finished_at(self) -> datetime | None:
        """When this inspector finished, if they did."""
        return self.sampled.second_finished_at if self.part == "second" else self.sampled.finished_at

    @property
    def unchecked(self) -> list[Check]:
        """What has no finding yet."""
        return [check for check in self.checks.values() if check.finding is None]


def latest_submission(session: Session, audit_return: AuditReturn) -> Submission | None:
    """The submission in force, with its declaration; None where there is none."""
    return session.scalar(
        select(Submission)
        .where(Submission.id.in_(in_force([audit_return.id]).with_only_columns(Submission.id)))
        .options(joinedload(Submission.declaration))
    )


def sampled_of(session: Session, audit_return: AuditReturn) -> SampledReturn | None:
    """The line of the sample that a return is in, read anew, if it is in one."""
    return session.scalar(
        select(SampledReturn)
        .where(SampledReturn.return_id == audit_return.id)
        .options(joinedload(SampledReturn.inspector), joinedload(SampledReturn.second))
        .execution_options(populate_existing=True)
    )


def is_mine_reopened(session: Session, audit_return: AuditReturn, *, actor: Actor, now: datetime) -> bool:
    """Whether a return would be the actor's to check, but that it is open for changes. The caller got it with
    `return.moderate`."""
    if audit_return.stage == "submitted":
        return False
    sampled = sampled_of(session, audit_return)
    leads = allows(actor, "return.moderate_any", return_facts(session, audit_return, now=now, actor=actor))
    return sampled is not None and bool(part_of(sampled, actor, any_return=leads))


def has_desk(session: Session, audit_return: AuditReturn, *, actor: Actor, now: datetime) -> bool:
    """Whether a return is the actor's to check now."""
    facts = return_facts(session, audit_return, now=now, actor=actor)
    if audit_return.stage != "submitted" or not allows(actor, "return.moderate", facts):
        return False
    sampled = sampled_of(session, audit_return)
    leads = allows(actor, "return.moderate_any", facts)
    return sampled is not None and bool(part_of(sampled, actor, any_return=leads))


def desk_of(session: Session, audit_return: AuditReturn, *, actor: Actor, now: datetime) -> Desk:
    """The actor's check of a return. The caller got it with `return.moderate`.

    Raises NotFound: not sampled, not assigned to them, or not submitted at present.
    """
    sampled = sampled_of(session, audit_return)
    submission = latest_submission(session, audit_return)
    facts = return_facts(session, audit_return, now=now, actor=actor)
    part = part_of(sampled, actor, any_return=allows(actor, "return.moderate_any", facts)) if sampled else ""
    if sampled is None or submission is None or not part:
        raise NotFound
    work = submitted_checklist(submission, audit_return)
    second = part == "second"
    own = findings_on(session, submission, second=second)
    both = sampled.second_finished_at is not None and (second or sampled.finished_at is not None)
    others = findings_on(session, submission, second=not second) if both else {}
    checks = {
        item.id: Check(
            section, item, own.get((item.criterion.id, item.scope)), others.get((item.criterion.id, item.scope))
        )
        for section in work.sections
        for item in section.items
        if item.grade and (not sampled.questions or item.id in sampled.questions)
    }
    return Desk(sampled, submission, work, part, checks)


def shown_findings(
    session: Session, audit_return: AuditReturn, submission: Submission, *, actor: Actor, now: datetime
) -> Findings:
    """What the first inspector found about a submission, for whoever may read it beside the self-grades.

    Empty for everybody else: agencies, peers, areas, other inspectorates, and a second inspector at work.
    """
    if not allows(actor, "return.moderate", return_facts(session, audit_return, now=now, actor=actor)):
        return {}
    if is_hidden_from(session, audit_return, actor):
        return {}
    return findings_on(session, submission)


def signed_last_round(
    session: Session, audit_return: AuditReturn, *, actor: Actor, now: datetime
) -> LastRound | None:
    """What the agency signed in the round before, where the actor may read that too."""
    last = last_round(session, audit_return)
    if last is None or last.submission is None:
        return None
    may = allows(actor, "return.read", return_facts(session, last.audit_return, now=now, actor=actor))
    return last if may else None


def twin_answers(
    session: Session, audit_return: AuditReturn, items: Collection[Item], *, actor: Actor
) -> dict[str, list[TwinAnswer]]:
    """Question id to what agencies of the same areas signed about the same duty, of the actor's own agency types.

    Two statements. An answer about one area stands for that area only.
    """
    audit_round = audit_return.audit_round
    asked = [tuple(twin.split("#", 1)) for item in items for twin in item.criterion.twins]
    types = types_where(audit_round, actor, "return.read")
    wanted = {(kind, criterion) for kind, criterion in asked if kind in types}
    if not wanted:
        return {}
    day = today(audit_round.due)
    here = select(AgencyInArea.area_id).where(
        AgencyInArea.agency_id == audit_return.agency_id, *_works_there(AgencyInArea, day)
    )
    rows = session.execute(
        select(AuditReturn, SubmissionAnswer, Area)
        .join(Submission, Submission.return_id == AuditReturn.id)
        .outerjoin(SubmissionVoided, SubmissionVoided.submission_id == Submission.id)
        .join(SubmissionAnswer, SubmissionAnswer.submission_id == Submission.id)
        .join(AgencyInArea, AgencyInArea.agency_id == AuditReturn.agency_id)
        .join(Area, Area.id == AgencyInArea.area_id)
        .join(AuditReturn.agency)
        .where(
            AuditReturn.round_id == audit_round.id,
            AuditReturn.id != audit_return.id,
            AuditReturn.stage == "submitted",
            SubmissionVoided.id.is_(None),
            SubmissionAnswer.grade != "",
            SubmissionAnswer.scope_key.in_(("", Area.public_id)),
            AgencyInArea.area_id.in_(here),
            *_works_there(AgencyInArea, day),
            or_(
                *(
                    and_(AuditReturn.agency_type == kind, SubmissionAnswer.criterion == criterion)
                    for kind, criterion in sorted(wanted)
                )
            ),
        )
        .options(
            contains_eager(AuditReturn.agency),
            joinedload(AuditReturn.template_version).joinedload(TemplateVersion.pack_version),
        )
        .order_by(Area.name, Agency.name)
    ).all()
    by_twin: dict[str, list[tuple[str, TwinAnswer]]] = defaultdict(list)
    for other, answer, area in rows:
        pack, template = template_of(other)
        criterion = template.criterion(answer.criterion)
        grades = {grade.key: grade for grade in pack.scheme_of(template, criterion).grades}
        by_twin[f"{other.agency_type}#{answer.criterion}"].append(
            (
                area.public_id,
                TwinAnswer(
                    other.agency.name, area.name, criterion.question, template.number_of(criterion),
                    grades.get(answer.grade), str(answer.value.get("commentary", "")),
                ),
            )
        )  # fmt: skip
    return {
        item.id: [
            one
            for twin in item.criterion.twins
            for area, one in by_twin.get(twin, ())
            if item.scope in ("", area)
        ]
        for item in items
    }


def _works_there(membership: type[AgencyInArea], day: date) -> tuple[ColumnElement[bool], ...]:
    return (membership.starts <= day, or_(membership.ends.is_(None), membership.ends >= day))
