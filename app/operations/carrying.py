"""Year after year: carrying the answers of the last round forward, and confirming that they still hold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.answers import question_id
from app.domain.life import NotPossible
from app.domain.message import N_
from app.domain.sites import Named
from app.models import AuditReturn, SelfAssessment, SelfAssessmentVersion
from app.operations import events, rollup, sharing
from app.operations.answers import end_vouches
from app.operations.sites import list_sites
from app.operations.stage import move
from app.policy import Actor, allows
from app.queries.carrying import carry_plan, is_overdue, to_confirm
from app.queries.returned_standards import correction_of
from app.queries.returns import Item, checklist, get_return, return_facts, why_closed


def carry(
    session: Session, public_id: str, *, standards: Collection[str] | None = None, by: Actor, now: datetime
) -> dict[str, int]:
    """Carry the answers of the last round forward, of some standards or (None) of all: question id to version.

    Only where the question is the same and nobody has answered it here. Each is marked as carried, and stands in the
    way of signing until somebody confirms or changes it. With answers about sites the list of the last round comes
    along while none is listed, except what was removed here, if the actor may list sites. Raises NotFound, and
    NotPossible where nothing can be carried.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.edit", lock=True)
    if reason := why_closed(audit_return, now=now):
        raise NotPossible(reason)
    work = checklist(session, audit_return)
    may_list = allows(by, "return.sites", return_facts(session, audit_return, now=now, actor=by))
    plan = carry_plan(session, work, may_list=may_list)
    if plan is None:
        raise NotPossible(N_("There is no earlier round of this audit to carry answers forward from."))
    chosen = [section for section in plan.sections if standards is None or section.standard.id in standards]
    if plan.sites and any(pair.now.criterion.scope == "site" for section in chosen for pair in section.open):
        sites = [Named(site.code, site.name) for site in plan.sites]
        list_sites(session, audit_return, sites, by=by, now=now)
    rows = _rows(session, audit_return)
    carried: dict[str, int] = {}
    grades: list[tuple[str, str]] = []
    correction = correction_of(session, audit_return, work)
    touched: dict[str, str] = {}
    for section in chosen:
        for pair in section.open:
            item, value = pair.now, dict(pair.then.answer.value)
            if correction and not correction.allows(section.standard.id, item.id):
                continue
            row = rows.get(item.id)
            if row is not None and row.value:
                continue  # answered, and not shown at present: its words stay
            if row is None:
                row = SelfAssessment(
                    return_id=audit_return.id, criterion=item.criterion.id, scope_key=item.scope,
                    type=item.criterion.answer.type, version=0,
                )  # fmt: skip
                session.add(row)
            _write(session, row, value, source="carried", by=by, now=now)
            row.to_confirm, row.carried_from_id = True, plan.last.audit_return.id
            carried[item.id] = row.version
            grades.append((item.criterion.id, row.grade))
            touched[item.criterion.id] = row.grade
    if not carried and plan.unlisted:
        raise NotPossible(
            N_(
                "Answers about sites can be carried forward once the sites are listed. Ask the audit lead to list those"
                " of the last round, then carry the answers."
            )
        )
    if not carried:
        raise NotPossible(
            N_("There is nothing to carry forward here: what is asked as before is answered already.")
        )
    if audit_return.stage == "invited":
        move(audit_return, "started", now=now)
        events.append(session, events.chain_of(audit_return), "return.started", by=by, now=now)
    session.flush()
    ended = end_vouches(session, audit_return, work.template, touched)
    _count(session, audit_return)
    data: dict[str, object] = {
        "criteria": carried,
        "from": plan.last.audit_return.public_id,
        "round": plan.last.name,
    }
    if ended:
        data["vouches_ended"] = ended
    if again := sharing.back_to_ready(session, audit_return, work.template, set(touched), by=by, now=now):
        data["to_accept_again"] = again
    events.append(session, events.chain_of(audit_return), "answer.carried", by=by, now=now, data=data)
    rollup.change(session, audit_return, "draft", before=(), after=grades)
    session.flush()
    return carried


@dataclass
class Confirmed:
    """What became of a confirmation. `overdue`: answers whose date expected has passed, which must be renewed."""

    questions: dict[str, int] = field(default_factory=dict)
    overdue: list[Item] = field(default_factory=list)


def confirm(
    session: Session, public_id: str, questions: Collection[str], *, by: Actor, now: datetime
) -> Confirmed:
    """Record that answers carried forward still hold, as a version of each with the same value.

    Questions that are not to be confirmed (any more) are passed over. Raises NotFound and NotPossible.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.edit", lock=True)
    if reason := why_closed(audit_return, now=now):
        raise NotPossible(reason)
    result = Confirmed()
    rows = _rows(session, audit_return)
    work = checklist(session, audit_return)
    correction = correction_of(session, audit_return, work)
    for item in to_confirm(work):
        standard = work.template.standard_of(item.criterion).id
        if item.id not in questions or (correction and not correction.allows(standard, item.id)):
            continue
        if is_overdue(item, today(now)):
            result.overdue.append(item)
            continue
        row = rows[item.id]
        _write(session, row, dict(row.value), source="confirmed", by=by, now=now)
        row.to_confirm = False
        result.questions[item.id] = row.version
    if result.questions:
        session.flush()
        _count(session, audit_return)
        events.append(
            session, events.chain_of(audit_return), "answer.confirmed", by=by, now=now,
            data={"criteria": result.questions},
        )  # fmt: skip
    session.flush()
    return result


def _rows(session: Session, audit_return: AuditReturn) -> dict[str, SelfAssessment]:
    return {
        question_id(row.criterion, row.scope_key): row
        for row in session.scalars(
            select(SelfAssessment)
            .where(SelfAssessment.return_id == audit_return.id)
            # a save of the same transaction writes past the session
            .execution_options(populate_existing=True)
        )
    }


def _write(
    session: Session, row: SelfAssessment, value: dict[str, object], *, source: str, by: Actor, now: datetime
) -> None:
    """Store a value as the next version of an answer."""
    row.value, row.grade, row.version = value, str(value.get("grade", "")), row.version + 1
    row.saved_at, row.saved_by_id = now, by.user_id
    session.add(
        SelfAssessmentVersion(
            return_id=row.return_id, criterion=row.criterion, scope_key=row.scope_key, type=row.type, value=value,
            version=row.version, based_on=row.version - 1, idempotency_key=f"{source}-{row.version}", source=source,
            saved_at=now, saved_by_id=by.user_id,
        )
    )  # fmt: skip


def _count(session: Session, audit_return: AuditReturn) -> None:
    work = checklist(session, audit_return)
    audit_return.asked, audit_return.complete = work.asked, work.complete
