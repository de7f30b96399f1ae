"""Geometry of the chart of a round's response over time: a line for each agency type, labelled where it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.queries.chasing import ResponseOverTime

WIDTH, HEIGHT = 860, 320
LEFT, RIGHT, TOP, BOTTOM = 48, 268, 24, 36  # the labels of the lines stand to the right
LABEL = 18  # between two labels
# colours differ in grey too, and so do the dashes
LOOKS = (("#0b3c49", ""), ("#b5522b", "9 4"), ("#3f7886", "2 4"), ("#5b3a73", "12 4 2 4"), ("#5a6300", "5 3"))


@dataclass(frozen=True)
class Line:
    """One agency type's line, its points as SVG has them, and its label."""

    points: str
    colour: str
    dashes: str
    label: str
    end: tuple[float, float]
    label_y: float


@dataclass(frozen=True)
class Mark:
    """A value of an axis and where it stands."""

    at: float
    value: date | int


@dataclass(frozen=True)
class Chart:
    """Everything that the template draws."""

    lines: Sequence[Line]
    shares: Sequence[Mark]
    days: Sequence[Mark]
    due: float | None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def chart(response: ResponseOverTime, *, names: Mapping[str, str], due: date, closes: date) -> Chart | None:
    """The chart from the opening day to the closing day; None where there is nothing to draw yet.

    `names` are what the labels call the agency types.
    """
    drawn = [course for course in response.courses if course.expected]
    if not drawn or not response.days:
        return None
    first = response.days[0]
    span = max(1, (max(closes, response.days[-1]) - first).days)

    def x(day: date) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / span, 1)

    def y(share: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)

    ends = {course.agency_type: y(course.shares[-1]) for course in drawn}
    places = _apart(ends)
    lines = []
    for place, course in enumerate(drawn):
        colour, dashes = LOOKS[place % len(LOOKS)]
        points = [(x(day), y(share)) for day, share in zip(response.days, course.shares, strict=True)]
        if len(points) == 1:
            points.append((points[0][0] + 1, points[0][1]))  # a single day is a dot, not nothing
        lines.append(
            Line(
                points=" ".join(f"{px},{py}" for px, py in points),
                colour=colour,
                dashes=dashes,
                label=names[course.agency_type],
                end=points[-1],
                label_y=places[course.agency_type],
            )
        )
    step = max(1, round(span / 4))
    days = [first + timedelta(days=number) for number in range(0, span + 1, step)]
    return Chart(
        lines=lines,
        shares=[Mark(y(share / 100), share) for share in (0, 25, 50, 75, 100)],
        days=[Mark(x(day), day) for day in days],
        due=x(due) if first <= due else None,
    )


def _apart(ends: Mapping[str, float]) -> dict[str, float]:
    """Where labels stand so that none covers another: as near to the ends of their lines as there is room."""
    order = sorted(ends, key=lambda key: (ends[key], key))
    places: dict[str, float] = {}
    free = float(TOP)
    for key in order:
        places[key] = max(ends[key], free)
        free = places[key] + LABEL
    limit = float(HEIGHT - BOTTOM)
    for key in reversed(order):
        places[key] = min(places[key], limit)
        limit = places[key] - LABEL
    return places
