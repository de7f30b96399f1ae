"""Action plans: planning, editing and removing actions before signing; reporting progress afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.domain.actions import Typed, check, check_progress, due_now
from app.domain.answers import question_id, question_parts
from app.domain.life import NotPossible
from app.domain.message import N_
from app.models import ActionProgress, AuditReturn, PlannedAction
from app.operations import events
from app.operations.stage import move
from app.policy import Actor
from app.queries.actions import reported
from app.queries.carrying import open_actions
from app.queries.returned_standards import check_questions
from app.queries.returns import checklist, get_return, why_closed
from app.queries.rounds import NotFound

MOST = 50  # actions for one question


@dataclass(frozen=True)
class ActionConflict:
    """A colleague changed the action since the page was shown. Both are kept: theirs is stored, yours is here."""

    yours: Typed
    theirs: Typed
    version: int
    saved_at: datetime
    saved_by: str


def plan_action(
    session: Session, public_id: str, question: str, typed: Typed, *, by: Actor, now: datetime
) -> PlannedAction:
    """Plan an action for a question of a return. The same action sent again is the same action.

    Raises NotFound (no such return or question), ActionErrors, and NotPossible where nothing can be changed.
    """
    audit_return = _changeable(session, public_id, by=by, now=now)
    if all(item.id != question for item in checklist(session, audit_return).items):
        raise NotFound
    check_questions(session, audit_return, [question])
    typed = check(typed)
    criterion, scope = question_parts(question)
    others = session.scalars(
        select(PlannedAction).where(
            PlannedAction.return_id == audit_return.id,
            PlannedAction.criterion == criterion,
            PlannedAction.scope_key == scope,
            PlannedAction.removed_at.is_(None),
        )
    ).all()
    for other in others:
        if _typed(other) == typed:
            return other
    if len(others) >= MOST:
        raise NotPossible(
            N_("There are %(number)s actions for this question already. Remove one, or put two together."),
            number=MOST,
        )
    if audit_return.stage == "invited":
        move(audit_return, "started", now=now)
        events.append(session, events.chain_of(audit_return), "return.started", by=by, now=now)
        session.flush()
    row = PlannedAction(
        return_id=audit_return.id,
        criterion=criterion,
        scope_key=scope,
        what=typed.what,
        owner=typed.owner,
        due=typed.due,
        state=typed.state,
        made_at=now,
        saved_at=now,
        saved_by_id=by.user_id,
    )
    session.add(row)
    session.flush()
    _record(session, audit_return, "action.planned", row, by=by, now=now)
    return row


def edit_action(
    session: Session, public_id: str, action: str, typed: Typed, *, based_on: int, by: Actor, now: datetime
) -> PlannedAction | ActionConflict:
    """Change an action that is not signed. An edit of an old version changes nothing and gives both texts back.

    Raises NotFound, ActionErrors, and NotPossible where nothing can be changed.
    """
    audit_return = _changeable(session, public_id, by=by, now=now)
    row = _action(session, audit_return, action)
    check_questions(session, audit_return, [question_id(row.criterion, row.scope_key)])
    typed = check(typed)
    before = _typed(row)
    if typed == before:
        return row
    if based_on != row.version:
        name = row.saved_by.name if row.saved_by else ""
        return ActionConflict(typed, before, row.version, row.saved_at, name)
    row.what, row.owner, row.due, row.state = typed
    row.version += 1
    row.saved_at, row.saved_by_id = now, by.user_id
    _record(session, audit_return, "action.edited", row, by=by, now=now)
    return row


def remove_action(
    session: Session, public_id: str, action: str, *, based_on: int, by: Actor, now: datetime
) -> PlannedAction:
    """Take an action out of the plan; its row and history are kept.

    Raises NotFound, and NotPossible where nothing can be changed or a colleague changed the action meanwhile.
    """
    audit_return = _changeable(session, public_id, by=by, now=now)
    row = _action(session, audit_return, action)
    if based_on != row.version:
        raise NotPossible(
            N_("A colleague changed this action after the page was shown to you. Read it again before you remove it.")
        )
    check_questions(session, audit_return, [question_id(row.criterion, row.scope_key)])
    row.removed_at = now
    _record(session, audit_return, "action.removed", row, by=by, now=now)
    return row


def report_progress(
    session: Session, public_id: str, action: str, *, state: str, note: str, due: date | None, by: Actor, now: datetime
) -> PlannedAction:
    """Say how an action goes once the plan itself can no longer be changed. What was signed stays as it is.

    `due`: a new date where it moved, else None. The same report sent again is the same report. Raises NotFound,
    ActionErrors, and NotPossible while the plan can still be changed, or for a nil return.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.progress", lock=True)
    row = _action(session, audit_return, action)
    closed = why_closed(audit_return, now=now)
    if closed is None:
        raise NotPossible(
            N_("This audit is not signed yet, so the action itself can be changed. Change it instead.")
        )
    if audit_return.stage == "nil":
        raise NotPossible(closed)
    last = row.progress[-1] if row.progress else None
    if last and (last.state, last.note, last.due, last.by_id) == (state, note.strip(), due, by.user_id):
        return row
    if due == due_now(row.due, row.version, reported(row)):
        due = None  # the date that holds already has not moved
    note = check_progress(state=state, note=note, due=due, before=row.state)  # type: ignore[arg-type]
    row.progress.append(
        ActionProgress(state=state, note=note, due=due, version=row.version, at=now, by_id=by.user_id)
    )
    row.state = state
    events.append(
        session,
        events.chain_of(audit_return),
        "action.progressed",
        by=by,
        now=now,
        data={**_place(row), "state": state, "due": due.isoformat() if due else None},
        texts={"note": note} if note else None,
    )
    session.flush()
    return row


def carry_actions(session: Session, public_id: str, *, by: Actor, now: datetime) -> int:
    """Carry what was planned in the round before, and is still to be done, into the plan of a return; returns how many.

    Each begins here with the date and state that hold now, without what was reported about it there. Raises NotFound,
    and NotPossible where nothing can be changed or there is nothing to carry.
    """
    audit_return = _changeable(session, public_id, by=by, now=now)
    found = open_actions(session, checklist(session, audit_return))
    if found is None:
        raise NotPossible(N_("There are no open actions of the last round to carry into this plan (any more)."))
    if audit_return.stage == "invited":
        move(audit_return, "started", now=now)
        events.append(session, events.chain_of(audit_return), "return.started", by=by, now=now)
        session.flush()
    for row in found.actions:
        copy = PlannedAction(
            return_id=audit_return.id,
            criterion=row.criterion,
            scope_key=row.scope_key,
            what=row.what,
            owner=row.owner,
            due=due_now(row.due, row.version, reported(row)),
            state=row.state,
            made_at=now,
            saved_at=now,
            saved_by_id=by.user_id,
        )
        session.add(copy)
        session.flush()
        _record(session, audit_return, "action.planned", copy, by=by, now=now)
    return len(found.actions)


def _changeable(session: Session, public_id: str, *, by: Actor, now: datetime) -> AuditReturn:
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.edit", lock=True)
    if reason := why_closed(audit_return, now=now):
        raise NotPossible(reason)
    return audit_return


def _action(session: Session, audit_return: AuditReturn, public_id: str) -> PlannedAction:
    row = session.scalar(
        select(PlannedAction)
        .where(
            PlannedAction.return_id == audit_return.id,
            PlannedAction.public_id == public_id,
            PlannedAction.removed_at.is_(None),
        )
        .options(selectinload(PlannedAction.progress))
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound
    return row


def _typed(row: PlannedAction) -> Typed:
    return Typed(row.what, row.owner, due_now(row.due, row.version, reported(row)), row.state)


def _place(row: PlannedAction) -> dict[str, Any]:
    return {"action": row.public_id, "criterion": row.criterion, "scope": row.scope_key}


def _record(
    session: Session, audit_return: AuditReturn, verb: str, row: PlannedAction, *, by: Actor, now: datetime
) -> None:
    due = row.due.isoformat() if row.due else None
    events.append(
        session,
        events.chain_of(audit_return),
        verb,
        by=by,
        now=now,
        data={**_place(row), "state": row.state, "due": due, "version": row.version},
        texts={"what": row.what, "owner": row.owner},
    )
    session.flush()
