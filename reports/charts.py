"""Geometry of the charts that `blocks.html` draws as SVG.

Order, lightness, hatching and figures say whatever colour says, so that a copy in grey says it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from babel.support import NullTranslations

from app.domain.findings import AssuranceFindings, Figure, SchemeInfo, percent
from app.domain.message import N_, number_words

INK, ACCENT = "#0b3c49", "#a8481b"
MET = ("#0b3c49", "#3f7886")
NOT_MET = ("#bcd2d8", "#f1f5f6")
ROLES = ("met", "not_met", "apart")


@dataclass(frozen=True)
class Tone:
    """How a grade looks: fill, hatching (`none`, `diagonal`, `upright`), the colours of its lines and of text."""

    fill: str
    hatching: str
    line: str
    text: str


@dataclass(frozen=True)
class Piece:
    """A part of a bar: a rectangle with its hatching, and what it stands for."""

    label: str
    count: int
    percent: int
    tone: Tone
    x: float
    width: float
    hatch: str


def tone(role: str, place: int, of: int) -> Tone:
    """The tone of the grade at `place` among `of` grades that count as `role`; they go from dark to light."""
    if role == "apart":
        return Tone(ACCENT, "upright", "#ffffff", "#ffffff")
    if role == "met":
        return Tone(MET[min(place, len(MET) - 1)], "none", "#ffffff", "#ffffff")
    # the worst is the lightest: what is not there is empty
    first = place < of - 1
    return Tone(NOT_MET[0] if first else NOT_MET[1], "diagonal" if first else "none", "#5d8793", INK)


def legend(
    schemes: Sequence[SchemeInfo], key: str, words: NullTranslations | None = None
) -> list[tuple[str, str, Tone]]:
    """The grades of a scheme that count, in the order of a bar: key, label and tone. Of several schemes: the roles,
    in the language of `words`."""
    scheme = next((one for one in schemes if one.key == key), None)
    if scheme is None:
        say = words.gettext if words else N_
        return [
            ("met", say(N_("Met")), tone("met", 0, 1)),
            ("not_met", say(N_("Not met")), tone("not_met", 0, 1)),
            ("apart", say(N_("Shown apart")), tone("apart", 0, 1)),
        ]
    found = []
    for role in ROLES:
        grades = [
            grade
            for grade in scheme.grades
            if grade.counts_as == ("not_met" if role == "apart" else role)
            and grade.shown_apart == (role == "apart")
        ]
        found += [
            (grade.key, grade.label, tone(role, place, len(grades))) for place, grade in enumerate(grades)
        ]
    return found


def pieces(
    figure: Figure,
    schemes: Sequence[SchemeInfo],
    width: float = 100,
    height: float = 8,
    words: NullTranslations | None = None,
) -> list[Piece]:
    """The parts of a stacked bar of grades, left to right. Empty when nothing is counted."""
    by_role = {"met": figure.met, "not_met": figure.not_met - figure.apart, "apart": figure.apart}
    counts = figure.by_grade if figure.scheme else by_role
    return strip(
        [(label, counts.get(key, 0), look) for key, label, look in legend(schemes, figure.scheme, words)],
        width,
        height,
    )


def strip(entries: Iterable[tuple[str, int, Tone]], width: float, height: float) -> list[Piece]:
    """The parts of a bar from (label, count, tone), left to right; those of nothing are left out."""
    given = [entry for entry in entries if entry[1]]
    total = sum(count for _, count, _ in given)
    found, x = [], 0.0
    for label, count, look in given:
        wide = width * count / total
        found.append(
            Piece(
                label=label,
                count=count,
                percent=percent(count, total) or 0,
                tone=look,
                x=round(x, 2),
                width=round(wide, 2),
                hatch=hatch(look.hatching, x, 0, wide, height),
            )
        )
        x += wide
    return found


def views() -> dict[str, Tone]:
    """The tones of the four views of a duty that two agencies share."""
    return {
        "both": Tone(MET[0], "none", "#ffffff", "#ffffff"),
        "only_a": Tone(NOT_MET[0], "diagonal", "#5d8793", INK),
        "only_b": Tone("#dde8eb", "upright", "#5d8793", INK),
        "neither": Tone(NOT_MET[1], "none", "#ffffff", INK),
    }


def bases(assurance: AssuranceFindings) -> list[tuple[str, str, Tone]]:
    """Key, label and tone of each basis of assurance: what was checked first, what nobody tested last."""
    labels = {basis.key: basis.label for row in assurance.rows for basis in row.bases}
    named = {*assurance.checked, *assurance.on_paper, *assurance.untested}
    between = [key for key in labels if key not in named]
    groups = (
        (assurance.checked, Tone(MET[0], "none", "#ffffff", "#ffffff")),
        (between[:1], Tone(MET[1], "none", "#ffffff", "#ffffff")),
        (between[1:], Tone("#7fa6b0", "upright", "#ffffff", INK)),
        (assurance.on_paper, Tone(NOT_MET[0], "diagonal", "#5d8793", INK)),
        (assurance.untested, Tone(NOT_MET[1], "none", "#ffffff", INK)),
    )
    return [(key, labels[key], look) for keys, look in groups for key in keys if key in labels]


def hatch(kind: str, x: float, y: float, width: float, height: float, step: float = 3) -> str:
    """The path of the hatching of a rectangle, cut to it. Empty where there is none."""
    lines = []
    if kind == "upright":
        at = x + step / 2
        while at < x + width:
            lines.append((at, y, at, y + height))
            at += step
    elif kind == "diagonal":
        # from a multiple of the step, so that the lines of neighbouring bars agree
        start = (x - height) // step * step
        while start < x + width:
            x1, y1, x2, y2 = start, y + height, start + height, y
            if x1 < x:
                x1, y1 = x, y1 - (x - x1)
            if x2 > x + width:
                x2, y2 = x + width, y2 + (x2 - x - width)
            if x2 > x1:
                lines.append((x1, y1, x2, y2))
            start += step
    return "".join(f"M{x1:.2f} {y1:.2f}L{x2:.2f} {y2:.2f}" for x1, y1, x2, y2 in lines)


def heat(figure: Figure, small: int) -> str:
    """The step of the heat map: `h0` (low) to `h5`, or `hx` where no percentage is given."""
    return (
        "hx" if figure.percent is None or figure.counted < small else f"h{min(5, figure.percent * 6 // 100)}"
    )


def along(values: Sequence[Fraction | int], least: Fraction | int, most: Fraction | int, width: float) -> list[float]:
    """The places of values on a line of a width from `least` to `most`, with room for a mark at both ends."""
    shares = [float((one - least) / Fraction(most - least)) if most > least else 0.5 for one in values]
    return [round(2 + (width - 4) * share, 2) for share in shares]


def least_first(criteria: Iterable[Any]) -> list[Any]:
    """Criteria by the share that is met, least first; those that nobody answered last."""
    return sorted(
        criteria,
        key=lambda c: (not c.figure.counted, c.figure.share if c.figure.counted else 0, c.reference),
    )


def most_adjusted(criteria: Iterable[Any]) -> list[Any]:
    """The ten criteria whose grades were adjusted most often when they were checked; those that never were left out."""
    changed = [one for one in criteria if one.compared.adjusted]
    return sorted(changed, key=lambda one: (-one.compared.adjusted, -one.compared.answers, one.reference))[:10]


def by_number(criteria: Iterable[Any]) -> list[Any]:
    """Criteria in the order of their checklist: 2.10 comes after 2.9."""
    return sorted(criteria, key=lambda c: [int(part) for part in c.number.split(".")])


def pick(rows: Iterable[Any], **wanted: Any) -> Any:
    """The first of the rows whose attributes are as wanted; None where there is none."""
    return next(
        (row for row in rows if all(getattr(row, name) == value for name, value in wanted.items())), None
    )


def filters(words: NullTranslations) -> dict[str, Callable[..., Any]]:
    """What pages call; labels are in the language of `words`."""
    return {
        "bases": bases,
        "by_number": by_number,
        "pick": pick,
        "strip": strip,
        "pieces": partial(pieces, words=words),
        "heat": heat,
        "legend": partial(legend, words=words),
        "hatch": hatch,
        "along": along,
        "decimal": number_words,
        "least_first": least_first,
        "most_adjusted": most_adjusted,
    }
