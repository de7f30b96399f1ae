"""Reading the actions that are planned in a return. The caller got it through `get_return`, which asked policy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Executable, bindparam, select
from sqlalchemy.orm import Session, aliased

from app.domain.actions import Action, Progress, due_now
from app.models import ActionProgress, AuditReturn, PlannedAction, User

ByQuestion = dict[tuple[str, str], list[Action]]


def actions_of_return(session: Session, audit_return: AuditReturn) -> ByQuestion:
    """What is planned in a return as it stands, with all progress: (criterion, scope) to actions, the earliest first.

    One statement. For the agency's own people: it shows drafts.
    """
    return _by_question(_action(*found) for found in _rows(session, audit_return, _STANDING))


def signed_actions(content: Mapping[str, Any], at: datetime) -> ByQuestion:
    """What was planned when content was signed: (criterion, scope) to actions, the earliest first. Touches no database.

    Content of the first format has none.
    """
    return _by_question(Action.of_signed(one, at=at) for one in content.get("actions", ()))


def with_progress(session: Session, audit_return: AuditReturn, content: Mapping[str, Any], at: datetime) -> ByQuestion:
    """What was planned when content was signed, as it stands since. One statement."""
    reports = {row.public_id: progress for row, progress in _rows(session, audit_return, _ACTIONS)}
    return _by_question(
        Action.of_signed(one, at=at, progress=reports.get(one["id"], ())) for one in content.get("actions", ())
    )


def _by_question(actions: Iterable[Action]) -> ByQuestion:
    found: ByQuestion = defaultdict(list)
    # those without a date come last
    for action in sorted(actions, key=lambda action: action.due or date.max):
        found[action.criterion, action.scope].append(action)
    return dict(found)


# columns, not rows of the mapper: every page of a return reads them
_SAVER, _REPORTER = aliased(User), aliased(User)
_ACTIONS = (
    select(
        PlannedAction.id,
        PlannedAction.public_id,
        PlannedAction.criterion,
        PlannedAction.scope_key,
        PlannedAction.what,
        PlannedAction.owner,
        PlannedAction.due,
        PlannedAction.state,
        PlannedAction.version,
        PlannedAction.saved_at,
        _SAVER.name.label("saved_by"),
        ActionProgress.id.label("update"),
        ActionProgress.state.label("update_state"),
        ActionProgress.note,
        ActionProgress.due.label("update_due"),
        ActionProgress.version.label("update_version"),
        ActionProgress.at,
        _REPORTER.name.label("by"),
    )
    .outerjoin(_SAVER, _SAVER.id == PlannedAction.saved_by_id)
    .outerjoin(ActionProgress, ActionProgress.action_id == PlannedAction.id)
    .outerjoin(_REPORTER, _REPORTER.id == ActionProgress.by_id)
    .where(PlannedAction.return_id == bindparam("id"))
    .order_by(PlannedAction.id, ActionProgress.id)
)
_STANDING = _ACTIONS.where(PlannedAction.removed_at.is_(None))


def _rows(session: Session, audit_return: AuditReturn, query: Executable) -> Iterable[tuple[Any, list[Progress]]]:
    """The actions of a return, each with what was reported about it."""
    found: dict[int, tuple[Any, list[Progress]]] = {}
    for row in session.execute(query, {"id": audit_return.id}):
        _first, progress = found.setdefault(row.id, (row, []))
        if row.update is not None:
            progress.append(
                Progress(
                    state=row.update_state, note=row.note, due=row.update_due, version=row.update_version, at=row.at,
                    by=row.by or "",
                )
            )  # fmt: skip
    return found.values()


def reported(row: PlannedAction) -> list[Progress]:
    """The progress of an action whose rows are loaded, without the names of who reported it."""
    return [
        Progress(state=one.state, note=one.note, due=one.due, version=one.version, at=one.at, by="")  # type: ignore[arg-type]
        for one in row.progress
    ]


def _action(row: Any, progress: list[Progress]) -> Action:
    return Action(
        id=row.public_id,
        criterion=row.criterion,
        scope=row.scope_key,
        what=row.what,
        owner=row.owner,
        planned_due=row.due,
        due=due_now(row.due, row.version, progress),
        state=row.state,
        version=row.version,
        saved_at=row.saved_at,
        saved_by=row.saved_by or "",
        progress=tuple(progress),
    )
