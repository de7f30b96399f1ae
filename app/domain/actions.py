"""Actions: what is planned where a criterion is not in place, and how it goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from app.domain.message import N_, Message

State = Literal["planned", "under_way", "done", "dropped"]
STATES: dict[State, str] = {
    "planned": N_("Planned"),
    "under_way": N_("Under way"),
    "done": N_("Done"),
    "dropped": N_("Dropped"),
}
OPEN: tuple[State, ...] = ("planned", "under_way")
LONGEST_WHAT = 4000  # characters
LONGEST_OWNER = 200
LONGEST_NOTE = 4000


class ActionErrors(Exception):
    """What is wrong with an action as it was typed: field to message."""

    def __init__(self, errors: dict[str, Message]) -> None:
        super().__init__("; ".join(map(str, errors.values())))
        self.errors = errors


class Typed(NamedTuple):
    """An action as somebody typed it. The owner and the date may follow later."""

    what: str
    owner: str = ""
    due: date | None = None
    state: str = "planned"


def check(typed: Typed) -> Typed:
    """The same with its ends trimmed. Raises ActionErrors."""
    errors: dict[str, Message] = {}
    what, owner = typed.what.strip(), " ".join(typed.owner.split())
    if not what:
        errors["what"] = Message(N_("Say what will be done"))
    _too_long(errors, "what", what, LONGEST_WHAT)
    _too_long(errors, "owner", owner, LONGEST_OWNER)
    _unknown_state(errors, typed.state)
    if errors:
        raise ActionErrors(errors)
    return Typed(what, owner, typed.due, typed.state)


def check_progress(*, state: str, note: str, due: date | None, before: State) -> str:
    """The note with its ends trimmed. `before`: the state so far. Raises ActionErrors, also where nothing is new."""
    errors: dict[str, Message] = {}
    note = note.strip()
    _too_long(errors, "note", note, LONGEST_NOTE)
    _unknown_state(errors, state)
    if not errors and state == before and not note and due is None:
        errors["note"] = Message(N_("Say what is new: another status, a note, or a new date"))
    if errors:
        raise ActionErrors(errors)
    return note


def _too_long(errors: dict[str, Message], name: str, text: str, most: int) -> None:
    if len(text) > most:
        errors[name] = Message(
            N_("This has %(length)s characters; shorten it to %(limit)s or fewer"),
            {"length": len(text), "limit": most},
        )


def _unknown_state(errors: dict[str, Message], state: str) -> None:
    if state not in STATES:
        errors["state"] = Message(N_("Choose one of the statuses listed"))


class Progress(BaseModel):
    """One update: how the action stood then, in words, and the new date where it moved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: State
    note: str
    due: date | None
    version: int
    at: datetime
    by: str


def due_now(planned: date | None, version: int, progress: Iterable[Progress]) -> date | None:
    """The date that holds: the last that was reported, of the version that is planned, or else the planned one.

    An edit after a reopening settles the date anew, so what was reported before it no longer moves it.
    """
    moved = [update.due for update in progress if update.due and update.version == version]
    return moved[-1] if moved else planned


class Action(BaseModel):
    """One action for one question of a return.

    `due` is the date that holds now, `planned_due` the one before it moved; `version` counts the edits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    criterion: str
    scope: str
    what: str
    owner: str
    planned_due: date | None
    due: date | None
    state: State
    version: int
    saved_at: datetime
    saved_by: str
    progress: tuple[Progress, ...]

    def signed(self) -> dict[str, object]:
        """The action as it stands in signed content."""
        return {
            "id": self.id,
            "criterion": self.criterion,
            "scope": self.scope,
            "what": self.what,
            "owner": self.owner,
            "due": self.due.isoformat() if self.due else None,
            "state": self.state,
            "version": self.version,
        }

    @classmethod
    def of_signed(cls, signed: Mapping[str, Any], *, at: datetime, progress: Sequence[Progress] = ()) -> Action:
        """An action from signed content, as it stood at the signing (`at`) or, with `progress`, as it stands since."""
        since = tuple(update for update in progress if update.version == signed["version"])
        planned = date.fromisoformat(signed["due"]) if signed["due"] else None
        return cls(
            **{name: signed[name] for name in ("id", "criterion", "scope", "what", "owner", "version")},
            planned_due=planned,
            due=due_now(planned, signed["version"], since),
            state=since[-1].state if since else signed["state"],
            saved_at=at,
            saved_by="",
            progress=tuple(progress),
        )

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return self.state in OPEN

    @property
    def latest(self) -> Progress | None:
        """The last update, if any."""
        return self.progress[-1] if self.progress else None
