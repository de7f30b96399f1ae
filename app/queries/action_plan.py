"""Reading the action plan of one return: as it stands, or as it was signed with the progress since."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.clock import today
from app.domain.action_plan import ActionPlan, PlanFigures, PlannedAction, PlanQuestion, PlanStandard
from app.domain.actions import Action
from app.domain.answers import question_id
from app.domain.findings import ShownFact, Signature
from app.domain.integrity import hash_of
from app.domain.text import localise
from app.models import AuditReturn, Submission, SubmissionVoided
from app.policy import Actor, Denied, require
from app.queries.actions import ByQuestion, with_progress
from app.queries.findings import agency_info, bodies_of, pack_info, round_info
from app.queries.returns import (
    Checklist,
    Item,
    checklist,
    return_facts,
    scope_names,
    sees_drafts,
    submitted_checklist,
)


def action_plan(
    session: Session, audit_return: AuditReturn, *, draft: bool, actor: Actor, now: datetime, language: str = "en"
) -> ActionPlan | None:
    """The action plan of a return: what was planned at the last signing that stands, with the progress since.

    Where none stands, of the last that was set aside; None where nothing was ever signed. With `draft`: as it is being
    written, for the agency's own people. Raises Denied unless the actor may read it.
    """
    require(actor, "return.read_all", return_facts(session, audit_return, now=now))
    if draft:
        if not (actor.system or sees_drafts(actor, audit_return)):
            raise Denied("return.read")
        work = checklist(session, audit_return)
        return _plan(session, work, work.actions, None, now=now, language=language)
    submission = session.scalars(
        select(Submission)
        .outerjoin(SubmissionVoided, SubmissionVoided.submission_id == Submission.id)
        .where(Submission.return_id == audit_return.id)
        .options(joinedload(Submission.declaration), joinedload(Submission.voided))
        # one that stands before those that were voided, the latest first
        .order_by(SubmissionVoided.id.is_not(None), Submission.number.desc())
        .limit(1)
    ).first()
    if submission is None:
        return None
    work = submitted_checklist(submission, audit_return)
    actions = with_progress(session, audit_return, json.loads(submission.content), submission.submitted_at)
    return _plan(session, work, actions, submission, now=now, language=language)


def shows_draft(actor: Actor, audit_return: AuditReturn) -> bool:
    """Whether the actor's plan of a return is the draft: the agency's own people, while nothing stands signed."""
    return audit_return.stage != "submitted" and sees_drafts(actor, audit_return)


def _plan(
    session: Session, work: Checklist, actions: ByQuestion, submission: Submission | None, *, now: datetime,
    language: str,
) -> ActionPlan:  # fmt: skip
    audit_return = work.audit_return
    audit_round = audit_return.audit_round
    reader = _Reader(work, now, language)
    standards = []
    apart = []
    left = dict(actions)
    for section in work.sections:
        gaps = []
        for item in section.items:
            question = reader.question(item, left.pop((item.criterion.id, item.scope), ()))
            if not question.why_apart:
                gaps.append(question)
            elif question.actions:
                apart.append(question)
        if gaps:
            standards.append(
                PlanStandard(
                    id=section.standard.id,
                    number=section.number,
                    title=localise(section.standard.title, language),
                    optional=section.standard.optional,
                    label=localise(section.standard.label or "", language),
                    gaps=tuple(gaps),
                )
            )
    apart += [reader.not_asked(*key, of_question) for key, of_question in left.items()]
    plan = ActionPlan(
        snapshot_id="",
        language=language,
        today=today(now),
        audit_round=round_info(
            audit_round, as_at=_as_at(work, actions, submission), is_closed=now > audit_round.open_until
        ),
        pack=pack_info(audit_round, work.pack, language),
        template_title=localise(work.template.title, language),
        bodies=bodies_of(session, audit_round, audit_return.agency_type),
        agency=agency_info(audit_return, work.pack, language),
        signature=_signature(submission) if submission else None,
        standards=tuple(standards),
        apart=tuple(apart),
        figures=PlanFigures.of(gap for standard in standards for gap in standard.gaps),
    )
    return plan.model_copy(
        update={"snapshot_id": hash_of(plan.model_dump(mode="json", exclude={"snapshot_id"}))}
    )


class _Reader:
    """Puts questions and their actions into one language."""

    def __init__(self, work: Checklist, now: datetime, language: str) -> None:
        self.work = work
        self.today = today(now)
        self.language = language

    def question(self, item: Item, actions: Sequence[Action]) -> PlanQuestion:
        why: Literal["", "in_place", "not_graded", "excluded", "not_asked"] = "not_graded"
        if item.grade:
            why = {"met": "in_place", "not_met": "", "excluded": "excluded"}[item.grade.counts_as]  # type: ignore[assignment]
        milestone = item.criterion.milestone
        return PlanQuestion(
            id=item.id,
            number=item.number,
            question=localise(item.criterion.question, self.language),
            grade_label=localise(item.grade.label, self.language) if item.grade else "",
            grade_colour=item.grade.colour if item.grade else "",
            why_apart=why,
            date_expected=item.date_expected,
            milestone_label=localise(self.work.pack.milestones[milestone].label, self.language)
            if milestone
            else "",
            milestone_date=item.milestone_due,
            is_after_milestone=item.is_late,
            actions=tuple(
                PlannedAction.of(
                    action,
                    milestone=item.milestone_due,
                    # a date that the grade no longer asks for warns of nothing
                    expected=None if why else item.date_expected,
                    today=self.today,
                )
                for action in actions
            ),
            facts=tuple(ShownFact.of(fact, self.language) for fact in item.facts if not fact.rows),
        )

    def not_asked(self, criterion: str, scope: str, actions: Iterable[Action]) -> PlanQuestion:
        """A question that is no longer asked: because of another answer, or because its site was removed."""
        one = self.work.template.criterion(criterion)
        # of a site that was removed only the code is at hand
        name = scope_names(self.work.places).get((one.scope, scope), scope if one.scope == "site" else "")
        return PlanQuestion(
            id=question_id(criterion, scope),
            number=self.work.template.number_of(one) + (f", {name}" if name else ""),
            question=localise(one.question, self.language),
            grade_label="",
            grade_colour="",
            why_apart="not_asked",
            date_expected=None,
            milestone_label="",
            milestone_date=None,
            is_after_milestone=False,
            actions=tuple(
                PlannedAction.of(action, milestone=None, expected=None, today=self.today)
                for action in actions
            ),
        )


def _as_at(work: Checklist, actions: ByQuestion, submission: Submission | None) -> datetime:
    """The instant of the latest fact in a plan."""
    audit_return = work.audit_return
    known = [submission.submitted_at if submission else audit_return.started_at or audit_return.invited_at]
    if submission is None:
        known += [item.answer.saved_at for item in work.items if item.answer.saved_at]
    for of_question in actions.values():
        for action in of_question:
            known += [action.saved_at, *(update.at for update in action.progress)]
    return max(known)


def _signature(submission: Submission) -> Signature:
    declaration, voided = submission.declaration, submission.voided
    return Signature(
        submission_number=submission.number,
        text=declaration.text,
        name=declaration.name,
        post=declaration.post,
        acting=declaration.acting,
        signed_at=declaration.signed_at,
        content_hash=submission.content_hash,
        submission_hash=declaration.submission_hash,
        is_voided=voided is not None,
        voided_reason=voided.reason if voided else "",
        voided_at=voided.at if voided else None,
    )
