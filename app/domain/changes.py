"""What changed between two returns of one agency, as plain data: what the page, the signatory and the PDF read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from app.domain.findings import AgencyInfo, Document, Figure, Frozen, SchemeInfo, ShownFact
from app.domain.templates import GradingScheme

# How an answer moved. Only the first six compare two answers to one question; what cannot be compared says why. A fact
# without a grade is the same or `differs`, and neither is better or worse.
Move = Literal[
    "worse",
    "unknown",
    "better",
    "known",
    "differs",
    "same",
    "applies",
    "not_applicable",
    "changed",
    "new",
    "first",
    "blank",
    "dropped",
]
# in the order in which a reader should meet them
MOVES: tuple[Move, ...] = (
    "worse", "unknown", "better", "known", "differs", "same", "applies", "not_applicable", "changed", "new", "first",
    "blank", "dropped",
)  # fmt: skip
COMPARED: tuple[Move, ...] = ("worse", "unknown", "better", "known", "differs", "same")
# what a signatory should see first
WORSENED: tuple[Move, ...] = ("worse", "unknown")


def move_of(scheme: GradingScheme, then: str, now: str) -> Move:
    """How the answer to one question moved from a grade to another of its scheme, by their keys; empty: no grade.

    `worse` and `better` follow the order of the scheme. A grade that is shown apart says that nobody knows: from a
    grade that is not met to it is `unknown`, from it to such a grade is `known`, and neither is better or worse.
    """
    if not now:
        return "blank"
    if not then:
        return "first"
    before, after = scheme.grade(then), scheme.grade(now)
    if before.counts_as == "excluded" or after.counts_as == "excluded":
        if before.counts_as == after.counts_as:
            return "same"
        return "applies" if before.counts_as == "excluded" else "not_applicable"
    if then == now:
        return "same"
    if before.shown_apart != after.shown_apart and before.counts_as == after.counts_as:
        return "unknown" if after.shown_apart else "known"
    return "better" if scheme.rank(now) < scheme.rank(then) else "worse"


class Given(Frozen):
    """An answer as it was given in one round. Empty strings and None where nothing was given.

    `facts` are what it says beside its grade.
    """

    grade: str = ""
    label: str = ""
    colour: str = ""
    counts_as: str = ""
    basis: str = ""
    commentary: str = ""
    expected: date | None = None
    facts: tuple[ShownFact, ...] = ()


class Change(Frozen):
    """One question, then and now. `then_question` and `then_version` are of the round before; 0: it was not asked.

    `days`: by how many days the date expected moved, later above 0; None without two dates. `is_missed`: it was to be
    in place by a day that has passed, and is not.
    """

    id: str
    number: str
    question: str
    version: int
    then_number: str
    then_question: str
    then_version: int
    area: str
    scheme: str
    move: Move
    then: Given
    now: Given
    days: int | None = None
    is_missed: bool = False


class ChangedStandard(Frozen):
    """A standard with its questions. The figures are of those that both rounds ask alike and that apply in both."""

    number: int
    id: str
    title: str
    optional: bool
    label: str
    then: Figure
    now: Figure
    changes: tuple[Change, ...]


class Count(Frozen):
    """How many answers moved in one way."""

    move: Move
    number: int


class OtherRound(Frozen):
    """The round before. `signed_at` is None where its answers were never signed."""

    name: str
    opens: date
    version: int
    signed_at: datetime | None
    signed_by: str


class ChangesDocument(Document):
    """What changed since the last round. `is_draft`: the present answers are not signed yet."""

    format: Literal["candour-changes/1"] = "candour-changes/1"
    template_title: str
    agency: AgencyInfo
    is_draft: bool
    signed_at: datetime | None
    signed_by: str
    to_confirm: int
    last: OtherRound
    schemes: tuple[SchemeInfo, ...]
    counts: tuple[Count, ...]
    then: Figure
    now: Figure
    standards: tuple[ChangedStandard, ...]
    dropped: tuple[Change, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """All questions that are asked now, in order."""
        return tuple(change for standard in self.standards for change in standard.changes)

    @property
    def compared(self) -> int:
        """How many questions are asked alike, and answered in both rounds."""
        return self.number(*COMPARED)

    @property
    def ungraded(self) -> bool:
        """Whether any answer says something beside a grade."""
        return any(change.then.facts or change.now.facts for change in (*self.changes, *self.dropped))

    @property
    def missed(self) -> tuple[Change, ...]:
        """What was to be in place by a day that has passed, and is not."""
        return tuple(change for change in self.changes if change.is_missed)

    @property
    def postponed(self) -> tuple[Change, ...]:
        """What is expected later than it was."""
        return tuple(change for change in self.changes if change.days and change.days > 0)

    def number(self, *moves: str) -> int:
        """How many answers moved in one of these ways."""
        return sum(count.number for count in self.counts if count.move in moves)

    def moved(self, *moves: str) -> tuple[Change, ...]:
        """The questions whose answers moved in one of these ways, in order."""
        return tuple(change for change in (*self.changes, *self.dropped) if change.move in moves)
