"""Follow-up: how an agency stands on a recommendation, from its answers, its plans and what was reported since.

A recommendation is followed through the questions that cite it. Milestones are data; days are London days.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from app.domain.message import N_

State = Literal["overdue", "unlikely", "on_track", "met", "not_applicable"]
Why = Literal["graded", "done", "dated", "no_date", "not_assured", "too_late", "passed", "excluded"]

# the worst first: of several questions the worst speaks for the recommendation
STATES: dict[State, str] = {
    "overdue": N_("Overdue"),
    "unlikely": N_("Unlikely to be met in time"),
    "on_track": N_("On track"),
    "met": N_("Met"),
    "not_applicable": N_("Not applicable"),
}
WHYS: dict[Why, str] = {
    "graded": N_("It is in place by the grade that holds."),
    "done": N_("All actions planned for it are reported as done since."),
    "dated": N_("It is expected in time."),
    "no_date": N_("No date is given by which it will be in place."),
    "not_assured": N_("The agency does not know how it works in practice."),
    "too_late": N_("It is expected after the date by which it should be in place."),
    "passed": N_("The date by which it should be in place has passed."),
    "excluded": N_("It does not apply to this agency."),
}
LONGEST_NOTE = 4000  # characters, of a note or a reason


@dataclass(frozen=True)
class Planned:
    """One action for a question, as it stands. `done_since`: reported as done after the grade that holds was given."""

    state: str
    due: date | None = None
    done_since: bool = False

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return self.state in ("planned", "under_way")


@dataclass(frozen=True)
class Question:
    """One question that cites the recommendation, with what the agency answered.

    `counts_as` is the kind of the grade that holds (`met`, `not_met`, `excluded`); `assured` is False where the grade
    is shown apart: the agency does not know. `milestone` names the time by which it should be in place, `by` is its
    day; None where it has none.
    """

    id: str
    counts_as: str
    assured: bool = True
    expected: date | None = None
    milestone: str = ""
    by: date | None = None
    actions: tuple[Planned, ...] = ()

    @property
    def done_since(self) -> bool:
        """Whether all that was planned is reported as done since: none is open, none was dropped."""
        return bool(self.actions) and all(a.state == "done" for a in self.actions) and any(
            a.done_since for a in self.actions
        )

    @property
    def finish(self) -> date | None:
        """When it will be in place: the later of the date expected and the last open action; None where not known."""
        still_open = [action.due for action in self.actions if action.is_open]
        if self.expected is None and None in still_open:
            return None  # some action has no end
        return max((day for day in (self.expected, *still_open) if day), default=None)


@dataclass(frozen=True)
class Part:
    """How one question stands and why. `slipped`: the agency's own date has passed, nothing says that it is done."""

    question: Question
    state: State
    why: Why
    slipped: bool = False


@dataclass(frozen=True)
class Stand:
    """How an agency stands on one recommendation, and what that follows from.

    `milestone` and `by` are those of the first question in the state (the earliest); empty and None where it has none.
    """

    state: State
    parts: tuple[Part, ...]
    milestone: str = ""
    by: date | None = None


def part_of(question: Question, *, today: date) -> Part:
    """How one question stands on a day."""
    if question.counts_as == "excluded":
        return Part(question, "not_applicable", "excluded")
    if question.counts_as == "met":
        return Part(question, "met", "graded")
    if question.assured and question.done_since:
        return Part(question, "met", "done")
    finish = question.finish
    slipped = finish is not None and finish < today
    if question.by is not None and question.by < today:
        return Part(question, "overdue", "passed", slipped)
    if not question.assured:
        return Part(question, "unlikely", "not_assured", slipped)
    if finish is None:
        return Part(question, "unlikely", "no_date")
    if question.by is not None:
        late = finish > question.by
        return Part(question, "unlikely" if late else "on_track", "too_late" if late else "dated", slipped)
    # nothing says by when but the agency itself
    return Part(question, "overdue" if slipped else "on_track", "passed" if slipped else "dated", slipped)


def stand(questions: Iterable[Question], *, today: date) -> Stand:
    """How an agency stands on a recommendation on a day, from the questions that cite it."""
    return of_parts([part_of(question, today=today) for question in questions])


def of_parts(parts: Sequence[Part]) -> Stand:
    """The worst of the questions that apply; `not_applicable` where none does."""
    order: list[str] = list(STATES)
    state: State = min((part.state for part in parts), key=order.index, default="not_applicable")
    first = min(
        (part.question for part in parts if part.state == state and part.question.by),
        key=lambda question: question.by or date.max,
        default=None,
    )
    if first is None or state in ("met", "not_applicable"):
        return Stand(state, tuple(parts))
    return Stand(state, tuple(parts), first.milestone, first.by)
