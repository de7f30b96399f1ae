"""Reading the round before: what an agency answered then, and what of it can be carried forward now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from app.domain.actions import OPEN
from app.domain.answers import ANSWER_TYPES, AnswerErrors, question_id
from app.domain.templates import Criterion, GradingScheme, Standard
from app.models import (
    AuditReturn,
    AuditRound,
    PackVersion,
    PlannedAction,
    Submission,
    SubmissionVoided,
    TemplateVersion,
)
from app.queries.returned_standards import correction_of
from app.queries.returns import (
    Answered,
    Checklist,
    Item,
    Place,
    build_checklist,
    checklist,
    submitted_checklist,
)
from app.queries.sites import removed_sites


@dataclass(frozen=True)
class LastRound:
    """The agency’s return of the round before: as signed or, never signed (`submission` None), as it was left."""

    audit_return: AuditReturn
    submission: Submission | None
    work: Checklist

    @property
    def name(self) -> str:
        """What the round is called."""
        return self.audit_return.audit_round.name

    @property
    def answered(self) -> dict[str, Item]:
        """Its answers by the id of their question. Files that answered one stay in their own round."""
        return {item.id: item for item in self.work.items if item.answer.value}


def last_round(session: Session, audit_return: AuditReturn) -> LastRound | None:
    """The latest earlier return with answers of the same agency, in its present type, to the same pack.

    The caller got the return through `get_return`; what the agency wrote before is for its own people only, so the
    caller has asked `sees_drafts` too.
    """
    present = audit_return.audit_round
    pack = audit_return.template_version.pack_version.pack
    earlier = session.scalars(
        select(AuditReturn)
        .join(AuditReturn.audit_round)
        .join(AuditReturn.template_version)
        .join(TemplateVersion.pack_version)
        .where(
            AuditReturn.agency_id == audit_return.agency_id,
            AuditReturn.agency_type == audit_return.agency_type,
            PackVersion.pack == pack,
            AuditRound.stage == "open",
            or_(
                AuditRound.opens < present.opens,
                (AuditRound.opens == present.opens) & (AuditRound.id < present.id),
            ),
        )
        .options(
            contains_eager(AuditReturn.audit_round),
            contains_eager(AuditReturn.template_version).contains_eager(TemplateVersion.pack_version),
            joinedload(AuditReturn.agency),
        )
        .order_by(AuditRound.opens.desc(), AuditRound.id.desc())
    )
    for one in earlier:
        submission = session.scalar(
            select(Submission)
            .outerjoin(SubmissionVoided, SubmissionVoided.submission_id == Submission.id)
            .where(Submission.return_id == one.id, SubmissionVoided.id.is_(None))
            .options(joinedload(Submission.declaration))
            .order_by(Submission.number.desc())
            .limit(1)
        )
        work = submitted_checklist(submission, one) if submission else checklist(session, one)
        if any(item.started for item in work.items):
            return LastRound(one, submission, work)
    return None


@dataclass(frozen=True)
class Pair:
    """A question as it is asked now, with the answer of the round before. `grading`: the grades offered changed."""

    now: Item
    then: Item
    grading: bool = False


@dataclass(frozen=True)
class CarrySection:
    """A standard as it is asked now, and what the round before has for it.

    `open` can be carried forward; `kept` could be, and somebody has answered it here already; `changed` is asked
    differently now; `anew` is asked anew in each round; `unanswered` was not answered then; `new` was not asked.
    """

    standard: Standard
    number: int
    open: Sequence[Pair]
    kept: Sequence[Pair]
    changed: Sequence[Pair]
    anew: Sequence[Pair]
    unanswered: Sequence[Item]
    new: Sequence[Item]


@dataclass(frozen=True)
class CarryPlan:
    """What can be carried forward from the last round, by standard, and what is no longer asked (`dropped`).

    `sites`: the list of sites of the last round, which comes along while none is listed here; `unlisted`: the same
    where the person may not list sites, so that answers about them stay where they are.
    """

    last: LastRound
    sections: Sequence[CarrySection]
    dropped: Sequence[Item]
    sites: Sequence[Place] = ()
    unlisted: Sequence[Place] = ()

    @property
    def open(self) -> list[Pair]:
        """Everything that can be carried forward now."""
        return [pair for section in self.sections for pair in section.open]

    @property
    def changed(self) -> list[Pair]:
        """Everything that is asked differently now."""
        return [pair for section in self.sections for pair in section.changed]

    @property
    def anew(self) -> list[Pair]:
        """Everything that each round asks anew."""
        return [pair for section in self.sections for pair in section.anew]

    @property
    def new(self) -> list[Item]:
        """Everything that was not asked then."""
        return [item for section in self.sections for item in section.new]


def carry_plan(session: Session, work: Checklist, *, may_list: bool = True) -> CarryPlan | None:
    """What of the last round can be carried forward into a return, `work`; None where there is no last round.

    An answer can be carried where the question is the same by id and version (and area or site), is not asked anew in
    each round, its grades are still offered, and nobody has answered it here. `may_list`: whether the person may list
    sites. One that was removed here stays removed. The caller asked `sees_drafts`.
    """
    last = last_round(session, work.audit_return)
    if last is None:
        return None
    answered = last.answered
    versions = {
        placed.criterion.id: placed.criterion.version
        for placed in work.template.criteria()
        if placed.criterion.carried is not False
    }
    fits = {
        key: Answered(item.answer.value, 0, None, "")
        for key, item in answered.items()
        if versions.get(item.criterion.id) == item.criterion.version and fitting(work, item)
    }
    given = {item.id: item.answer for item in work.items if item.started}
    sites: Sequence[Place] = ()
    if last.work.sites and work.template.asks_sites and not (work.sites or work.has_no_sites):
        removed = {row.key for row in removed_sites(session, work.audit_return)}
        sites = [site for site in last.work.sites if site.scope not in removed]
    unlisted: Sequence[Place] = () if may_list else sites
    sites = sites if may_list else ()
    # conditions: what will be asked once the answers are carried
    whole = build_checklist(
        work.audit_return, work.pack, work.template, {**fits, **given}, {}, [*work.places, *sites],
        no_sites=work.has_no_sites,
    )  # fmt: skip
    known = {placed.criterion.id for placed in last.work.template.criteria()}
    parts = [
        _section(one.standard, one.number, one.items, answered, fits, given, known) for one in whole.sections
    ]
    asked = {item.id for item in whole.items}
    waiting = {site.scope for site in unlisted}
    dropped = [
        item
        for key, item in answered.items()
        if key not in asked and not (item.criterion.scope == "site" and item.scope in waiting)
    ]
    return CarryPlan(last, parts, dropped, sites, unlisted)


@dataclass(frozen=True)
class OpenActions:
    """What was planned in the round before, is still to be done, and is not in the plan of a return yet."""

    round_name: str
    actions: Sequence[PlannedAction]


def open_actions(session: Session, work: Checklist) -> OpenActions | None:
    """The actions of the last round that can be carried into a return, `work`; None where there are none.

    An action can be carried where its question is asked in the same words now and may be changed. One with the same
    words for the same question is not carried again, even if it was removed here. The caller asked `sees_drafts`.
    """
    last = last_round(session, work.audit_return)
    if last is None:
        return None
    then = {placed.criterion.id: placed.criterion.version for placed in last.work.template.criteria()}
    correction = correction_of(session, work.audit_return, work)
    asked = {
        item.id
        for section in work.sections
        for item in section.items
        if then.get(item.criterion.id) == item.criterion.version
        and (correction is None or correction.allows(section.standard.id, item.id))
    }
    rows = session.scalars(
        select(PlannedAction)
        .where(PlannedAction.return_id.in_([last.audit_return.id, work.audit_return.id]))
        .options(selectinload(PlannedAction.progress))
        .order_by(PlannedAction.id)
    ).all()
    here = {
        (row.criterion, row.scope_key, row.what) for row in rows if row.return_id == work.audit_return.id
    }
    found = [
        row
        for row in rows
        if row.return_id == last.audit_return.id
        and row.removed_at is None
        and row.state in OPEN
        and question_id(row.criterion, row.scope_key) in asked
        and (row.criterion, row.scope_key, row.what) not in here
    ]
    return OpenActions(last.name, found) if found else None


def _section(
    standard: Standard, number: int, items: Iterable[Item], answered: Mapping[str, Item],
    fits: Mapping[str, Answered], given: Mapping[str, Answered], known: set[str],
) -> CarrySection:  # fmt: skip
    open_: list[Pair] = []
    kept: list[Pair] = []
    changed: list[Pair] = []
    anew: list[Pair] = []
    unanswered: list[Item] = []
    new: list[Item] = []
    for item in items:
        then = answered.get(item.id)
        if then is None and item.handler.needs_files:
            continue  # files are given anew: there is nothing to carry
        if then is None:
            (unanswered if item.criterion.id in known else new).append(item)
        elif item.criterion.carried is False:
            anew.append(Pair(item, then))
        elif item.id not in fits:
            changed.append(Pair(item, then, grading=item.criterion.version == then.criterion.version))
        else:
            (kept if item.id in given else open_).append(Pair(item, then))
    return CarrySection(standard, number, open_, kept, changed, anew, unanswered, new)


def fitting(work: Checklist, then: Item) -> bool:
    """Whether an answer of the round before can be given to the same question of `work`, whatever its dates.

    A fact fits where its type is the same, it can still be given, and it comes to the same grade.
    """
    criterion: Criterion = work.template.criterion(then.criterion.id)
    scheme: GradingScheme = work.pack.scheme_of(work.template, criterion)
    if criterion.answer.type != then.criterion.answer.type:
        return False
    try:
        found = ANSWER_TYPES[criterion.answer.type].clean(
            dict(then.answer.value), criterion=criterion, scheme=scheme, today=None
        )
    except AnswerErrors:
        return False
    return found.value.get("grade") == then.answer.value.get("grade")


def has_passed(value: Mapping[str, Any], criterion: Criterion, scheme: GradingScheme, day: date) -> bool:
    """Whether the date by which a value expects a question to be in place lies before `day`, where it counts."""
    counted = ANSWER_TYPES[criterion.answer.type].signed_value(value, criterion=criterion, scheme=scheme)
    expected = counted.get("date_expected")
    return expected is not None and date.fromisoformat(expected) < day


def is_overdue(item: Item, day: date) -> bool:
    """Whether the date by which an answer expects its question to be in place lies before `day`."""
    return has_passed(item.answer.value, item.criterion, item.scheme, day)


def to_confirm(work: Checklist) -> list[Item]:
    """The answers that were carried forward, and that nobody has confirmed yet."""
    return [item for item in work.items if item.answer.to_confirm]


def round_names(session: Session, return_ids: Iterable[int]) -> dict[int, str]:
    """The names of the rounds of some returns, by the return's id, for saying where an answer was carried from."""
    rows = session.execute(
        select(AuditReturn.id, AuditRound.name)
        .join(AuditReturn.audit_round)
        .where(AuditReturn.id.in_(set(return_ids)))
    )
    return {row.id: row.name for row in rows}
