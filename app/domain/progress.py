"""Progress against the last round: what can be compared, what moved, and what cannot be compared.

Of agencies that submitted in both rounds and of criteria that asked the same in both. Nothing here reads a database.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from app.domain.findings import Document, Figure, Frozen, SchemeInfo
from app.domain.profiles import Share

LARGEST = 15  # movements of each direction that are shown apart, of those that are not of few answers


class TypeProgress(Frozen):
    """All comparable criteria of one agency type, then and now."""

    agency_type: str
    label: str
    then: Figure
    now: Figure


class Movement(Frozen):
    """One criterion, then and now; `change` in percentage points, None where one side has nothing that counts."""

    reference: str
    type_label: str
    number: str
    label: str
    then: Share
    now: Share
    change: int | None


class NotComparable(Frozen):
    """Criteria of one agency type that cannot be compared, as (number, label): new, gone, or asked otherwise."""

    agency_type: str
    label: str
    added: tuple[tuple[str, str], ...]
    removed: tuple[tuple[str, str], ...]
    changed: tuple[tuple[str, str], ...]


class ActionsDone(Frozen):
    """The actions that agencies of one type planned in the last round, by how they stand now."""

    agency_type: str
    label: str
    done: int
    under_way: int
    planned: int
    dropped: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.done + self.under_way + self.planned + self.dropped


class LastRound(Frozen):
    """The round that is compared with."""

    key: str
    name: str
    opens: date
    closes: date


class ProgressReport(Document):
    """The document. `last` is None where there is no earlier round to compare with: then all else is empty.

    `both`, `only_now`, `only_then`: agencies by where they submitted. `movements`: the largest first, up or down.
    """

    format: Literal["candour-progress/1"] = "candour-progress/1"
    schemes: tuple[SchemeInfo, ...]
    met: str
    small_number: int
    last: LastRound | None
    both: int
    only_now: int
    only_then: int
    then: Share
    now: Share
    types: tuple[TypeProgress, ...]
    movements: tuple[Movement, ...]
    not_comparable: tuple[NotComparable, ...]
    actions: tuple[ActionsDone, ...]

    @property
    def moved(self) -> tuple[Movement, ...]:
        """The movements that are any, where both sides are of more than a few answers."""
        return tuple(
            one
            for one in self.movements
            if one.change and min(one.then.counted, one.now.counted) >= self.small_number
        )

    @property
    def up(self) -> tuple[Movement, ...]:
        """The largest movements to more that is met."""
        return tuple(one for one in self.moved if (one.change or 0) > 0)[:LARGEST]

    @property
    def down(self) -> tuple[Movement, ...]:
        """The largest movements to less that is met."""
        return tuple(one for one in self.moved if (one.change or 0) < 0)[:LARGEST]
