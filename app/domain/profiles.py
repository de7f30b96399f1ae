"""Shapes that the reports on several agencies share: a share of criteria, what was checked, an agency in a line.

Nothing here reads a database or knows a pack, a grade or an agency type by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from app.domain.findings import Figure, Frozen, JudgedCell, percent


class Share(Frozen):
    """How many criteria (or answers) are met of those that count, and how many are shown apart (not assured).

    Where it is `hidden`, for small numbers, all else is empty.
    """

    met: int = 0
    counted: int = 0
    apart: int = 0
    percent: int | None = None
    percent_apart: int | None = None
    hidden: bool = False

    @classmethod
    def of(cls, figure: Figure) -> Share:
        """The share of a figure."""
        return cls.sum([figure])

    @classmethod
    def sum(cls, parts: Iterable[Share | Figure]) -> Share:
        """Several taken together."""
        met = counted = apart = 0
        for one in parts:
            met += one.met
            counted += one.counted
            apart += one.apart
        return cls(
            met=met, counted=counted, apart=apart, percent=percent(met, counted), percent_apart=percent(apart, counted)
        )


class Pairing(Frozen):
    """Checked answers, as they were declared and as they were found. All zero where nothing was checked.

    `own` and `found` are shares of the same answers; `adjusted` of them changed, `lower` for the worse.
    """

    answers: int = 0
    adjusted: int = 0
    lower: int = 0
    own: Share = Share()
    found: Share = Share()


class AgencyLine(Frozen):
    """One agency with a submission in force, in a line. `parts` are its shares by theme, in the document's order.

    `place`: where its share lies among those of all agencies, as `app.domain.control.place` names it; empty where that
    is not told.
    """

    name: str
    code: str
    agency_type: str
    type_label: str
    areas: tuple[str, ...]
    signed_at: datetime
    share: Share
    parts: tuple[Share, ...]
    checked: Pairing
    place: str
    judged: tuple[JudgedCell, ...] = ()


class Part(Frozen):
    """A theme or a standard by its key, number (empty for a theme) and title."""

    key: str
    number: str = ""
    title: str
