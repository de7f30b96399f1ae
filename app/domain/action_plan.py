"""The action plan of one return as plain data: pages, the PDF and the spreadsheet all read it.

Texts are already in one language.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal, NamedTuple

from app.domain.actions import STATES, Action, State
from app.domain.findings import AgencyInfo, Document, Frozen, ShownFact, Signature


class PlannedAction(Frozen):
    """An action as its plan shows it. The warnings are about open actions only; none of them stops anybody."""

    action: Action
    is_overdue: bool
    is_after_milestone: bool
    is_after_expected: bool

    @classmethod
    def of(cls, action: Action, *, milestone: date | None, expected: date | None, today: date) -> PlannedAction:
        """Compare the date of an action with today, the milestone of its criterion, and the date its answer gives."""

        def past(limit: date | None) -> bool:
            return bool(action.is_open and action.due and limit and action.due > limit)

        return cls(
            action=action,
            is_overdue=bool(action.is_open and action.due and action.due < today),
            is_after_milestone=past(milestone),
            is_after_expected=past(expected),
        )


class PlanQuestion(Frozen):
    """A question with what is planned for it.

    `why_apart` is empty where it is a gap: its answer says that it is not in place. Else `in_place`, `not_graded`,
    `excluded` (does not apply, by its answer), or `not_asked` (no longer asked, because of another answer).
    `facts`: what its answer says beside its grade, but for tables.
    """

    id: str
    number: str
    question: str
    grade_label: str
    grade_colour: str
    why_apart: Literal["", "in_place", "not_graded", "excluded", "not_asked"]
    date_expected: date | None
    milestone_label: str
    milestone_date: date | None
    is_after_milestone: bool
    actions: tuple[PlannedAction, ...]
    facts: tuple[ShownFact, ...] = ()

    @property
    def has_plan(self) -> bool:
        """Whether anything is planned, under way or done for it: what was dropped is no plan."""
        return any(one.action.state != "dropped" for one in self.actions)


class PlanFigures(Frozen):
    """The plan in figures. Gaps are questions whose answer says “not in place”; the actions are those for gaps.

    `open_actions` are planned or under way; `after_milestone`, `overdue`, `no_owner` and `no_date` are of these.
    """

    gaps: int
    with_action: int
    without_action: int
    gaps_after_milestone: int
    actions: int
    by_state: dict[State, int]
    open_actions: int
    after_milestone: int
    overdue: int
    no_owner: int
    no_date: int

    @classmethod
    def of(cls, gaps: Iterable[PlanQuestion]) -> PlanFigures:
        """Count the gaps and their actions."""
        gaps = list(gaps)
        every = [one for gap in gaps for one in gap.actions]
        still = [one for one in every if one.action.is_open]
        planned = sum(1 for gap in gaps if gap.has_plan)
        return cls(
            gaps=len(gaps),
            with_action=planned,
            without_action=len(gaps) - planned,
            gaps_after_milestone=sum(1 for gap in gaps if gap.is_after_milestone),
            actions=len(every),
            by_state={state: sum(1 for one in every if one.action.state == state) for state in STATES},
            open_actions=len(still),
            after_milestone=sum(1 for one in still if one.is_after_milestone),
            overdue=sum(1 for one in still if one.is_overdue),
            no_owner=sum(1 for one in still if not one.action.owner),
            no_date=sum(1 for one in still if not one.action.due),
        )


class PlanStandard(Frozen):
    """A standard with those of its questions that are gaps."""

    id: str
    number: int
    title: str
    optional: bool
    label: str
    gaps: tuple[PlanQuestion, ...]

    @property
    def figures(self) -> PlanFigures:
        """Its gaps and their actions in figures."""
        return PlanFigures.of(self.gaps)


class ActionPlan(Document):
    """The action plan of one return. A draft (`signature` is None) is for the agency's own people only.

    A signed plan holds what was planned at signing, with the progress since. `apart` are questions with actions that
    are no gaps (any more).
    """

    format: Literal["candour-action-plan/1"] = "candour-action-plan/1"
    today: date
    template_title: str
    agency: AgencyInfo
    signature: Signature | None
    standards: tuple[PlanStandard, ...]
    apart: tuple[PlanQuestion, ...]
    figures: PlanFigures

    @property
    def gaps(self) -> tuple[PlanQuestion, ...]:
        """All questions that are not in place, in order."""
        return tuple(gap for standard in self.standards for gap in standard.gaps)

    @property
    def has_progress(self) -> bool:
        """Whether anything was reported about any action."""
        return any(one.action.progress for question in (*self.gaps, *self.apart) for one in question.actions)


class PlanRow(NamedTuple):
    """One line of the list: an action, its question, and the standard that the question is of."""

    standard: PlanStandard
    question: PlanQuestion
    planned: PlannedAction


def rows(plan: ActionPlan, *, by: str = "standard", state: str = "") -> Sequence[PlanRow]:
    """The actions for gaps in order of `standard`, `owner` or `date`; those without owner or date come last.

    `state` narrows: one of the states, `open` (planned or under way), `late` (overdue, or after the milestone).
    """
    found = [
        PlanRow(standard, gap, planned)
        for standard in plan.standards
        for gap in standard.gaps
        for planned in gap.actions
        if _is_wanted(planned, state)
    ]
    if by == "owner":
        found.sort(key=lambda row: (not row.planned.action.owner, row.planned.action.owner.casefold()))
    elif by == "date":
        found.sort(key=lambda row: row.planned.action.due or date.max)
    return found


def _is_wanted(planned: PlannedAction, state: str) -> bool:
    if state == "open":
        return planned.action.is_open
    if state == "late":
        return planned.is_overdue or planned.is_after_milestone
    return not state or planned.action.state == state
