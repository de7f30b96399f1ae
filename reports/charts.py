"""Geometry of the charts that `blocks.html` and `plots.html` draw as SVG.

Order, lightness, hatching and figures say whatever colour says, so that a copy in grey says it too. Charts that stand
alone come as a `Drawing`; measures are points, and a line of text of the page is 465 of them wide.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import date
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from typing import Any

from babel.dates import format_date
from babel.support import NullTranslations

from app.domain.control import Limits
from app.domain.control import funnel as limits_of
from app.domain.findings import AssuranceFindings, Figure, SchemeInfo, percent
from app.domain.message import N_, number_words
from app.languages import LANGUAGES

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


# --- charts that stand alone -----------------------------------------------------------------------------------------

GRID, QUIET = "#ccd8db", "#33484e"
FONT = "Source Sans 3"
LEAST = 8.0  # points: no figure and no name stands in smaller type
WIDE = 465.0  # points: the text of a page


SLIM = 240.0  # points: the same on the screen of a phone, where a point is larger
AXIS = 7.5  # points: the type of what stands at an axis, and is no figure


@dataclass(frozen=True)
class Drawing:
    """A chart: its size in points, and its shapes from back to front as (SVG element, attributes, text in it).

    `heads` and `rows` are what it shows as a table, cells as they are printed; a row of one cell names those below it.
    `again`: what `redrawn` draws it from once more, for a narrow screen: which chart it is, and its arguments.
    """

    width: float
    height: float
    shapes: list[tuple[str, dict[str, str | float], str]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    again: list[Any] = field(default_factory=list)

    @property
    def table(self) -> str:
        """Heads, rows and what it is drawn again from as JSON, for the page."""
        return json.dumps([self.heads, self.rows, self.again], ensure_ascii=False, separators=(",", ":"))

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str = GRID, wide: float = 0.6,
             dashes: str = "") -> None:  # fmt: skip
        """A straight line."""
        given: dict[str, str | float] = {
            "x1": _at(x1), "y1": _at(y1), "x2": _at(x2), "y2": _at(y2), "stroke": colour, "stroke-width": wide,
        }  # fmt: skip
        self.shapes.append(("line", given | ({"stroke-dasharray": dashes} if dashes else {}), ""))

    def rect(self, x: float, y: float, width: float, height: float, fill: str, stroke: str = "") -> None:
        """A rectangle; `stroke` is the colour of its edge, if it has one."""
        given: dict[str, str | float] = {
            "x": _at(x), "y": _at(y), "width": _at(max(0.0, width)), "height": _at(height), "fill": fill,
        }  # fmt: skip
        self.shapes.append(("rect", given | ({"stroke": stroke, "stroke-width": 0.5} if stroke else {}), ""))

    def circle(self, x: float, y: float, radius: float, fill: str, stroke: str = "", wide: float = 0.6) -> None:
        """A circle; with `stroke` and `fill` white a ring."""
        given: dict[str, str | float] = {"cx": _at(x), "cy": _at(y), "r": _at(radius), "fill": fill}
        self.shapes.append(("circle", given | ({"stroke": stroke, "stroke-width": wide} if stroke else {}), ""))

    def diamond(self, x: float, y: float, radius: float, fill: str) -> None:
        """A square on its corner: a shape of its own, so that it is found without colours."""
        self.path(f"M{_at(x)} {_at(y - radius)}L{_at(x + radius)} {_at(y)}L{_at(x)} {_at(y + radius)}"
                  f"L{_at(x - radius)} {_at(y)}Z", fill=fill)  # fmt: skip

    def path(self, d: str, *, fill: str = "none", stroke: str = "", wide: float = 1, dashes: str = "") -> None:
        """A path."""
        given: dict[str, str | float] = {"d": d, "fill": fill}
        if stroke:
            given |= {"stroke": stroke, "stroke-width": wide}
        self.shapes.append(("path", given | ({"stroke-dasharray": dashes} if dashes else {}), ""))

    def text(self, x: float, y: float, words: str, *, size: float = 8, colour: str = QUIET, bold: bool = False) -> None:
        """Words that start at a place, on their base line."""
        given: dict[str, str | float] = {
            "x": _at(x), "y": _at(y), "font-family": FONT, "font-size": size, "fill": colour,
        }  # fmt: skip
        self.shapes.append(("text", given | ({"font-weight": "600"} if bold else {}), words))

    def label(self, x: float, y: float, words: str, width: float, *, size: float = 8, lines: int = 2,
              colour: str = QUIET, bold: bool = False) -> None:  # fmt: skip
        """Words in at most so many lines of a width, around the middle `y`; what finds no room is cut."""
        wrapped = wrap(words, width, size, lines)
        first = y + size * 0.35 - (len(wrapped) - 1) * size * 0.55
        for number, one in enumerate(wrapped):
            self.text(x, first + number * size * 1.1, one, size=size, colour=colour, bold=bold)


def _at(value: float) -> float:
    return round(value, 2)


def _said(share: int | str | None) -> str:
    """A share as a cell: per cent, words where it is not given as a number, a dash of nothing."""
    return "–" if share is None else share if isinstance(share, str) else f"{share}%"


def _drawn(share: int | str | None) -> int | None:
    """A share where it is a number: what is only said has no place on a line."""
    return share if isinstance(share, int) else None


def wide(words: str, size: float) -> float:
    """About how wide words are in the text face, in points; never less than they are in Latin letters."""
    return sum(0.62 if one.isupper() or one in "mw%" or ord(one) > 0x24F else 0.5 for one in words) * size


def column(head: str, least: float, size: float = 8.5) -> float:
    """The width of a column of numbers in millimetres: what the longest word of its head takes, `least` to 24."""
    return min(24, max([least, *(round(wide(word, size) * 25.4 / 72 + 1, 1) for word in head.split())]))


def wrap(words: str, width: float, size: float, lines: int) -> list[str]:
    """Words as lines of a width, at most so many; the last ends with an ellipsis where something is cut."""
    found: list[str] = [""]
    # no chart has room for more, and some text is a megabyte
    for word in words[: int(width * lines)].split():
        longer = f"{found[-1]} {word}".strip()
        if wide(longer, size) <= width or not found[-1]:
            found[-1] = longer
        else:
            found.append(word)
    shown = [_cut(one, width, size) for one in found[:lines]]
    if len(found) > lines or len(words) > int(width * lines):
        shown[-1] = _cut(f"{shown[-1].rstrip('…')}…", width, size)
    return shown


def _cut(words: str, width: float, size: float) -> str:
    if wide(words, size) <= width:
        return words
    while words and wide(words + "…", size) > width:
        words = words[:-1]
    return words.rstrip("… ") + "…"


def _scale(drawing: Drawing, left: float, width: float, top: float, bottom: float) -> None:
    """Upright lines at the quarters from 0 to 100 per cent, named above."""
    for share in (0, 25, 50, 75, 100):
        x = left + width * share / 100
        drawing.line(x, top, x, bottom, QUIET if share in (0, 100) else GRID, 0.5)
        words = f"{share}%"
        drawing.text(x - wide(words, AXIS) / 2, top - 4, words, size=AXIS)


def _middles(
    rows: Iterable[Sequence[tuple[str, float]]], top: float, one: float, two: float
) -> tuple[list[float], float]:
    """The middle of each row from `top` down, and the end of the last.

    A row is its labels, each with the width that it has; one of two lines takes more room.
    """
    middles = []
    for labels in rows:
        tall = two if any(len(wrap(label, width, 8, 2)) > 1 for label, width in labels) else one
        middles.append(top + tall / 2)
        top += tall
    return middles, top


def _above(
    drawing: Drawing, rows: Iterable[tuple[str, str, bool]], top: float, tall: float
) -> tuple[list[float], float, list[tuple[float, list[str], bool]]]:
    """Where there is no room beside them, labels stand above what they name: the middle of each row from `top` down,
    the end of the last, and the labels as (top, lines, whether it is a heading).

    A row is (label, words at its end, whether it is a heading); under a label it is as `tall`.
    """
    middles, labels = [], []
    for label, words, is_heading in rows:
        lines = wrap(f"{label}: {words}" if words else label, drawing.width, 8, 4)
        labels.append((top, lines, is_heading))
        top += 9 * len(lines) + 3
        middles.append(top + tall / 2)
        top += 2 if is_heading else tall + 5
    return middles, top, labels


def _write(drawing: Drawing, labels: Iterable[tuple[float, list[str], bool]]) -> None:
    """Labels above their rows, so that no line runs through the words."""
    for top, lines, is_heading in labels:
        drawing.rect(0, top, drawing.width, 9 * len(lines) + 2, "#ffffff")
        for place, line in enumerate(lines):
            drawing.text(0, top + 8 + 9 * place, line, colour=INK, bold=is_heading)


def _lines(
    kind: str, rows: Sequence[tuple[Any, ...]], labels: float, width: float, *, end: float, steps: tuple[int, int],
    tall: float, is_heading: Callable[[tuple[Any, ...]], bool] = lambda row: False,
) -> tuple[Drawing, list[float], float, float]:  # fmt: skip
    """A chart of rows on a line from 0 to 100 per cent, with its scale: the drawing, the middle of each row, and where
    the line begins and how long it is. With no room for `labels` beside the rows they stand above."""
    top = 16.0
    if labels:
        middles, foot = _middles((((row[0], labels), (row[3], end - 12)) for row in rows), top, *steps)
        drawing = Drawing(width, foot + 4, again=[kind, [row[:4] for row in rows]])
        left, across = labels + 12, width - labels - 12 - end
        _scale(drawing, left, across, top, foot)
        return drawing, middles, left, across
    drawing = Drawing(width, 0)
    middles, foot, above = _above(drawing, ((row[0], row[3], is_heading(row)) for row in rows), top, tall)
    drawing = replace(drawing, height=foot + 4)
    left, across = 10, width - 20
    _scale(drawing, left, across, top, foot)
    _write(drawing, above)
    return drawing, middles, left, across


def dots(
    rows: Sequence[tuple[Any, ...]], *, heads: Sequence[str] = (), labels: float = 165, width: float = WIDE
) -> Drawing:
    """Two shares for each row on a line from 0 to 100: a ring for the first, a filled dot for the second.

    A row is (label, first, second, words at its end), and the cells that stand beside the shares in its table where
    `heads` has more than three. Where the second is less, the line between them is broken. A share that is not given
    as a number is words. Without shares and words a row is a heading.
    """
    end = 82.0
    drawing, middles, left, across = _lines(
        "dots", rows, labels, width, end=end, steps=(15, 19), tall=12,
        is_heading=lambda row: row[1] is row[2] is None,
    )  # fmt: skip
    drawing.heads.extend(heads)
    for y, (label, first, second, words, *beside) in zip(middles, rows, strict=True):
        is_heading = not words and first is None and second is None
        drawing.rows.append([label] if is_heading else [label, _said(first), _said(second), *map(str, beside)])
        if labels:
            drawing.label(0, y, label, labels, bold=is_heading)
        ring, dot = (None if one is None else left + across * one / 100 for one in (_drawn(first), _drawn(second)))
        if ring is not None and dot is not None and abs(ring - dot) > 1:
            fewer = dot < ring
            drawing.line(ring, y, dot, y, ACCENT if fewer else INK, 1.6, "3 2" if fewer else "")
        if dot is not None:
            drawing.circle(dot, y, 3.6, INK)
        if ring is not None:
            drawing.circle(ring, y, 4.4, "none" if dot is not None and abs(ring - dot) <= 4 else "#ffffff", ACCENT, 1.6)
        if labels:
            drawing.label(left + across + 12, y, words, end - 12, colour=INK, bold=True)
    return drawing


def stacked(
    rows: Sequence[tuple[str, Figure, str]], schemes: Sequence[SchemeInfo], *, words: NullTranslations | None = None,
    heads: Sequence[str] = ("", "", ""), small: int = 1, labels: float = 165, width: float = WIDE,
) -> Drawing:  # fmt: skip
    """A stacked bar of grades for each row of (label, figure, words at its end); a heading where nothing is asked.

    `heads` of its table: of the labels, of how many are counted, of the words at the end. Where fewer than `small` are
    counted no percentages are given.
    """
    grades = dict.fromkeys(
        label for _label, figure, _said in rows if figure.asked
        for _key, label, _tone in legend(schemes, figure.scheme, words)
    )  # fmt: skip
    drawn: list[BarRow] = []
    cells = []
    for label, figure, said in rows:
        if not figure.asked:
            drawn.append((label, [], None, False))
            cells.append([label])
            continue
        parts = pieces(figure, schemes, words=words)
        few = figure.counted < max(small, 1)
        drawn.append((label, [(one.label, one.count, one.tone) for one in parts], said, not few))
        numbers = {grade: (0, 0) for _key, grade, _tone in legend(schemes, figure.scheme, words)}
        numbers |= {part.label: (part.count, part.percent) for part in parts}
        counts = [f"{numbers[grade][0]:,}" if grade in numbers else "–" for grade in grades]
        shares = [f"{numbers[grade][1]}%" if grade in numbers and not few else "–" for grade in grades]
        cells.append([label, f"{figure.counted:,}", *counts, *shares, said])
    drawing = _bars(drawn, labels, width)
    drawing.heads.extend([*heads[:2], *grades, *(f"{label}, %" for label in grades), heads[2]])
    drawing.rows.extend(cells)
    return drawing


# a label, entries of a bar, words at its end (None: the label is a heading), whether percentages are said
BarRow = tuple[str, Sequence[tuple[str, int, Tone]], str | None, bool]


def _bars(rows: Sequence[BarRow], labels: float, width: float) -> Drawing:
    """Stacked bars. With no room for labels beside them they stand above."""
    end = 52.0
    if labels:
        # a heading has the whole width
        middles, foot = _middles((() if row[2] is None else ((row[0], labels),) for row in rows), 0, 16, 19)
        given = [(label, [(name, count, astuple(look)) for name, count, look in entries], said, tells)
                 for label, entries, said, tells in rows]  # fmt: skip
        drawing = Drawing(width, foot + 2, again=["stacked", given])
        left, across = labels + 8, width - labels - 8 - end
    else:
        drawing = Drawing(width, 0)
        middles, foot, above = _above(drawing, ((row[0], row[2] or "", row[2] is None) for row in rows), 0, 12)
        drawing = replace(drawing, height=foot + 2)
        left, across = 1, width - 2
        _write(drawing, above)
    for y, (label, entries, said, tells) in zip(middles, rows, strict=True):
        if said is None:
            if labels:
                drawing.label(0, y + 2, label, width, colour=INK, bold=True, lines=1)
            continue
        if labels:
            drawing.label(0, y, label, labels)
            drawing.label(left + across + 8, y, said, end - 8, colour=INK, bold=True, lines=1)
        _bar(drawing, strip(entries, across, 11), left, y, across, tells)
    return drawing


def _bar(drawing: Drawing, parts: Sequence[Piece], left: float, y: float, across: float, tells: bool) -> None:
    """A bar of pieces around the middle `y`; `tells`: with their percentages where there is room."""
    for part in parts:
        x = left + part.x
        drawing.rect(x, y - 5.5, part.width, 11, part.tone.fill)
        if part.tone.hatching != "none":
            drawing.path(hatch(part.tone.hatching, x, y - 5.5, part.width, 11), stroke=part.tone.line, wide=0.6)
        if part.width >= 24 and tells:
            if part.hatch:
                drawing.rect(x + 2.5, y - 4.5, 20, 9, part.tone.fill)
            drawing.text(x + 4, y + 2.8, f"{part.percent}%", colour=part.tone.text)
    if parts:
        drawing.rect(left, y - 5.5, across, 11, "none", INK)


def strips(
    rows: Sequence[tuple[Any, ...]], *, heads: Sequence[str] = (), labels: float = 165,
    width: float = WIDE,
) -> Drawing:  # fmt: skip
    """Where one share lies among others: for each row (label, own, quartiles of the others, words at its end), and the
    cells that stand beside the shares in its table.

    A box from the first to the third quartile with a line in its middle, and a diamond for the own share.
    """
    end = 112.0
    drawing, middles, left, across = _lines("strips", rows, labels, width, end=end, steps=(17, 20), tall=16)
    drawing.heads.extend(heads)
    for y, (label, own, quartiles, words, *beside) in zip(middles, rows, strict=True):
        drawing.rows.append([label, _said(own), *map(_said, quartiles or (None,) * 3), *map(str, beside)])
        if labels:
            drawing.label(0, y, label, labels)
            drawing.label(left + across + 12, y, words, end - 12, colour=INK, bold=True)
        if len(quartiles) == 3:
            low, middle, high = (left + across * one / 100 for one in quartiles)
            drawing.rect(low, y - 5, high - low, 10, NOT_MET[0], INK)
            drawing.line(middle, y - 7, middle, y + 7, INK, 1.6)
        if own is not None:
            drawing.diamond(left + across * own / 100, y, 5.2, "#ffffff")
            drawing.diamond(left + across * own / 100, y, 4.4, ACCENT)
    return drawing


def bins(
    numbers: Sequence[int], own: int | None, here: str, *, heads: Sequence[str] = (), names: Sequence[str] = (),
    width: float = WIDE,
) -> Drawing:  # fmt: skip
    """How many lie in each tenth from 0 to 100 per cent; that of `own` is marked, and named `here`. `names`: of the
    tenths, in its table."""
    top, high, foot = 24.0, 72.0, 18.0
    drawing = Drawing(width, top + high + foot, heads=list(heads), again=["bins", [list(numbers), own, here]])
    step, most = width / max(1, len(numbers)), max([*numbers, 1])
    mine = None if own is None else min(len(numbers) - 1, own * len(numbers) // 100)
    for place, number in enumerate(numbers):
        name = names[place] if place < len(names) else f"{place * 100 // len(numbers)}%"
        drawing.rows.append([name, f"{number:,}", _said(own) if place == mine else ""])
        tall = high * number / most
        x = step * place
        drawing.rect(x + 2, top + high - tall, step - 4, tall, INK if place == mine else NOT_MET[0], INK)
        drawing.text(x + step / 2 - wide(str(number), 8) / 2, top + high - tall - 4, str(number), colour=INK,
                     bold=place == mine)  # fmt: skip
        if place % 2 and step < 30:
            continue  # no room for every one
        ends = f"{place * 100 // len(numbers)}%"
        drawing.text(x + 2 - (wide(ends, AXIS) / 2 if place else 0), top + high + 11, ends, size=AXIS)
    drawing.text(width - wide("100%", AXIS), top + high + 11, "100%", size=AXIS)
    drawing.line(0, top + high, width, top + high, INK, 0.8)
    if mine is not None:
        tall = high * numbers[mine] / most
        x = min(max(0.0, step * (mine + 0.5) - wide(here, 8) / 2), width - wide(here, 8))
        drawing.text(x, 9 if step < 30 else top + high - tall - 14, here, colour=ACCENT, bold=True)
    return drawing


@dataclass(frozen=True)
class Spot:
    """Agencies at one place of the funnel plot: how many criteria count, the share met, and where that lies.

    `place` is as `app.domain.control.place` names it; `label` stands beside it where there is room.
    """

    counted: int
    share: float
    agencies: int
    place: str = "inside"
    label: str = ""


def funnel(
    spots: Sequence[Spot], limits: Sequence[Limits], mean: float, *, across: str, mean_words: str, width: float = WIDE,
    height: float = 250,
) -> Drawing:  # fmt: skip
    """The share met of each agency against how many criteria count, with the limits of chance around the mean.

    `across` names the lower axis, `mean_words` the line of the mean. Empty without limits.
    """
    drawing = Drawing(width, height if limits else 0)
    if not limits:
        return drawing
    left, right, top, bottom = 30.0, 8.0, 8.0, 32.0
    least, most = limits[0].counted - 1, limits[-1].counted + 1
    lowest = min([one.share for one in spots] + [limit.outer_low for limit in limits])
    floor = max(0.0, int(lowest * 10 - 0.3) / 10)

    def x(counted: float) -> float:
        return left + (width - left - right) * (counted - least) / (most - least)

    def y(share: float) -> float:
        return top + (height - top - bottom) * (1 - share) / (1 - floor)

    for tenth in range(round(floor * 10), 11, 2 if floor < 0.5 else 1):
        drawing.line(left, y(tenth / 10), width - right, y(tenth / 10))
        words = f"{tenth * 10}%"
        drawing.text(left - 4 - wide(words, AXIS), y(tenth / 10) + 2.5, words, size=AXIS)
    step = next(size for size in (1, 2, 5, 10, 20, 50, 100, 1000) if (most - least) / size <= 14)
    for counted in range(-(-max(1, least) // step) * step, most + 1, step):
        drawing.text(x(counted) - wide(str(counted), AXIS) / 2, height - bottom + 11, str(counted), size=AXIS)
    drawing.text((left + width - right) / 2 - wide(across, 8) / 2, height - 5, across)
    for name, dashes in (("outer_low", ""), ("outer_high", ""), ("inner_low", "4 3"), ("inner_high", "4 3")):
        d = "".join(
            f"{'L' if place else 'M'}{_at(x(one.counted - 0.5))} {_at(y(getattr(one, name)))}"
            f"H{_at(x(one.counted + 0.5))}"
            for place, one in enumerate(limits)
        )
        drawing.path(d, stroke="#5d8793", wide=0.9, dashes=dashes)
    drawing.line(left, y(mean), width - right, y(mean), INK, 1.2)
    drawing.text(left + 3, y(mean) - 3, mean_words, colour=INK, bold=True)
    taken = [(left + 3, y(mean) - 10, left + 3 + wide(mean_words, 8), y(mean))]
    for one in sorted(spots, key=lambda spot: spot.place != "inside"):
        radius = min(8.0, 2.2 * one.agencies**0.5)
        if one.place.startswith("far"):
            drawing.diamond(x(one.counted), y(one.share), radius + 2, ACCENT)
        else:
            inside = one.place in ("inside", "none")
            drawing.circle(x(one.counted), y(one.share), radius, NOT_MET[0] if inside else ACCENT,
                           INK if inside else "#ffffff", 0.5)  # fmt: skip
        taken.append((x(one.counted) - radius, y(one.share) - radius, x(one.counted) + radius, y(one.share) + radius))
    for one in sorted(spots, key=lambda spot: -abs(spot.share - mean)):
        label = _cut(one.label, 120, LEAST)
        if not label:
            continue
        gap, long = min(8.0, 2.2 * one.agencies**0.5) + 4, wide(label, LEAST)
        for start in (x(one.counted) + gap, x(one.counted) - gap - long):
            box = (start, y(one.share) - 5, start + long, y(one.share) + 3)
            if box[0] >= left and box[2] <= width and not any(
                box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3] for other in taken
            ):
                taken.append(box)
                # so that no line runs through the words
                drawing.rect(start - 1, y(one.share) - 4.5, long + 2, 9, "#ffffff")
                drawing.text(start, y(one.share) + 2.5, label, size=LEAST, colour=INK)
                break
    return drawing


def funnel_of(
    agencies: Iterable[Any], across: str, mean_words: str, *, heads: Sequence[str] = (),
    places: Mapping[str, str] = MappingProxyType({}),
) -> Drawing:  # fmt: skip
    """The funnel plot of agencies that have `share`, `place` and `name`; those at one place are one spot. `places`:
    what a place is called in its table."""
    counted = [one for one in agencies if one.share.counted]
    whole = sum(one.share.counted for one in counted)
    mean = sum(one.share.met for one in counted) / whole if whole else 0.0
    spots: dict[tuple[int, int], list[Any]] = {}
    for one in counted:
        spots.setdefault((one.share.counted, one.share.met), []).append(one)
    given = [
        Spot(
            of, met / of, len(here), here[0].place,
            here[0].name if len(here) == 1 and here[0].place != "inside" else "",
        )
        for (of, met), here in sorted(spots.items())
    ]  # fmt: skip
    drawing = _funnel(given, mean, across, mean_words)
    drawing.heads.extend(heads)
    drawing.again.extend(["funnel", [[astuple(one) for one in given], mean, across, mean_words]])
    drawing.rows.extend(
        [one.name, f"{one.share.counted:,}", _said(one.share.percent), places.get(one.place, one.place)]
        for one in counted
    )
    return drawing


def _funnel(spots: Sequence[Spot], mean: float, across: str, mean_words: str, **size: float) -> Drawing:
    limits = limits_of((one.counted for one in spots), mean)
    return funnel(spots, limits, mean, across=across, mean_words=mean_words, **size)


def response_over_time(
    document: Any, due: str, closes: str, ends: str, expected_words: str, *, heads: Sequence[str] = ()
) -> Drawing:
    """When the submissions of a document came in (`came_in`), with the days of its round."""
    info, total = document.audit_round, document.response_total
    locale = LANGUAGES.get(document.language, document.language)
    return over_time(
        [(one.day, one.number) for one in document.came_in], total.invited - total.nil,
        [(info.due, due), (info.closes, closes)], first=info.opens, last=info.closes, ends=ends,
        expected_words=expected_words, named=lambda day: str(format_date(day, "d MMMM y", locale=locale)), heads=heads,
    )  # fmt: skip


def over_time(
    days: Sequence[tuple[date, int]], expected: int, marks: Sequence[tuple[date, str]], *, first: date, last: date,
    ends: str, expected_words: str, named: Callable[[date], str], heads: Sequence[str] = (), width: float = WIDE,
    height: float = 190,
) -> Drawing:  # fmt: skip
    """How many came in by each day, added up: (day, how many on it). `marks` are days with a name of their own.

    The upper edge is how many are expected, named `expected_words`; `ends` stands at the end of the line. `named`
    writes a day.
    """
    left, right, top, bottom = 4.0, 64.0, 22.0, 30.0
    first = min([first, *(day for day, _number in days)])
    last = max([last, *(day for day, _number in days), *(day for day, _name in marks)])
    given = [
        [(day.isoformat(), number) for day, number in days], expected, [(day.isoformat(), name) for day, name in marks],
        [(day.isoformat(), named(day)) for day in (first, last)], ends, expected_words,
    ]  # fmt: skip
    drawing = Drawing(width, height, heads=list(heads), again=["over_time", given])
    total, most = (last - first).days or 1, max(expected, sum(number for _day, number in days), 1)

    def x(day: date) -> float:
        return left + (width - left - right) * (day - first).days / total

    def y(number: float) -> float:
        return top + (height - top - bottom) * (1 - number / most)

    drawing.line(left, y(0), width - right, y(0), INK, 0.8)
    drawing.line(left, y(most), width - right, y(most), GRID, 0.6, "4 3")
    drawing.label(width - right + 4, y(most), expected_words, right - 4, lines=2)
    for place, (day, name) in enumerate(marks):
        drawing.line(x(day), top, x(day), y(0), ACCENT, 0.8, "2 2")
        words = _cut(name, 150, AXIS)
        drawing.text(max(left, min(x(day) - wide(words, AXIS) / 2, width - right - wide(words, AXIS) / 2)),
                     top - 6 - 8 * (place % 2), words, size=AXIS, colour=ACCENT, bold=True)  # fmt: skip
    number, d = 0, f"M{_at(left)} {_at(y(0))}"
    for day, many in sorted(days):
        d += f"H{_at(x(day))}"
        number += many
        d += f"V{_at(y(number))}"
        drawing.rows.append([named(day), f"{many:,}", f"{number:,}", f"{expected:,}"])
    drawing.path(f"{d}H{_at(width - right)}", stroke=INK, wide=1.8)
    near = abs(y(number) - y(most)) < 18
    drawing.label(width - right + 4, y(number) + (20 if near else 0), ends, right - 4, colour=INK, bold=True, lines=2)
    for day in (first, last):
        words = named(day)
        start = left if day == first else width - right - wide(words, AXIS) + 6
        drawing.text(start, height - bottom + 11, words, size=AXIS)
    return drawing


def panels(
    places: Sequence[tuple[str, str, Sequence[tuple[str, int | None, int | str | None]]]], *,
    heads: Sequence[str] = (), titles: Sequence[str] = (), columns: int = 3, width: float = WIDE,
) -> Drawing:  # fmt: skip
    """Small charts of one form side by side: (name, words below it, rows of (short label, share, share of all)).

    Each row is a bar from 0 to 100 per cent, with an upright stroke where the share of all is. `titles`: what the short
    labels stand for.
    """
    gap, step, head = 14.0, 10.0, 25.0
    wide_each = (width - gap * (columns - 1)) / columns
    tall = head + step * max([len(rows) for _name, _note, rows in places], default=0) + 12
    drawing = Drawing(
        width, tall * -(-len(places) // columns), heads=list(heads), again=["panels", list(places)]
    )
    for number, (name, note, rows) in enumerate(places):
        left, top = (wide_each + gap) * (number % columns), tall * (number // columns)
        drawing.text(left, top + 9, _cut(name, wide_each, 8.5), size=8.5, colour=INK, bold=True)
        drawing.text(left, top + 18.5, _cut(note, wide_each, LEAST), size=LEAST)
        start, across = left + 14, wide_each - 14 - 24
        for place, (label, own, every) in enumerate(rows):
            title = f"{label} {titles[place]}" if place < len(titles) else label
            drawing.rows.append([name, note, title, _said(own), _said(every)])
            y = top + head + step * place
            drawing.text(left, y + 6.5, _cut(label, 14, LEAST), size=LEAST)
            drawing.rect(start, y + 1, across, step - 3, NOT_MET[1])
            if own is not None:
                drawing.rect(start, y + 1, across * own / 100, step - 3, MET[1])
                drawing.text(start + across + 4, y + 6.5, f"{own}%", size=LEAST, colour=INK)
            if (stroke := _drawn(every)) is not None:
                drawing.line(start + across * stroke / 100, y - 0.5, start + across * stroke / 100, y + step - 1.5,
                             ACCENT, 1.4)  # fmt: skip
    return drawing


def redrawn(kind: str, given: Sequence[Any]) -> Drawing:
    """A chart once more as narrow as a phone, from what it was drawn from (`Drawing.again`). ValueError for a chart
    that does not exist."""
    match kind:
        case "dots":
            return dots([tuple(row) for row in given], labels=0, width=SLIM)
        case "strips":
            return strips([tuple(row) for row in given], labels=0, width=SLIM)
        case "stacked":
            rows = [(label, [(name, count, Tone(*look)) for name, count, look in entries], said, tells)
                    for label, entries, said, tells in given]  # fmt: skip
            return _bars(rows, 0, SLIM)
        case "bins":
            return bins(*given, width=SLIM)
        case "panels":
            return panels(given, columns=1, width=SLIM)
        case "funnel":
            spots, mean, across, mean_words = given
            return _funnel([Spot(*one) for one in spots], mean, across, mean_words, width=SLIM, height=SLIM)
        case "over_time":
            days, expected, marks, ((first, first_name), (last, last_name)), ends, expected_words = given
            return over_time(
                [(date.fromisoformat(day), number) for day, number in days], expected,
                [(date.fromisoformat(day), name) for day, name in marks], first=date.fromisoformat(first),
                last=date.fromisoformat(last), ends=ends, expected_words=expected_words,
                named=lambda day: str(first_name if day.isoformat() == first else last_name), width=SLIM,
            )  # fmt: skip
    raise ValueError(f"there is no chart of this kind: {kind}")


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


def asked_alike(themes: Iterable[Any], small: int, most: int = 30) -> list[tuple[str, list[Any]]]:
    """Criteria that several agency types are asked with the same id, as (label, those of each type).

    Those whose shares lie furthest apart come first, as many as have room in `most` rows. What is not shown, or counts
    fewer than `small` answers, is left out.
    """
    by_id: dict[str, list[Any]] = {}
    for one in (criterion for theme in themes for criterion in theme.criteria):
        if not one.figure.hidden and one.figure.counted >= max(small, 1):
            by_id.setdefault(one.id, []).append(one)
    groups = [own for own in by_id.values() if len(own) > 1]
    groups.sort(key=lambda own: min(one.figure.share for one in own) - max(one.figure.share for one in own))
    found, rows = [], 0
    for own in groups:
        rows += 1 + len(own)
        if rows > most:
            break
        found.append((own[0].label, own))
    return found


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
        "asked_alike": asked_alike,
        "by_number": by_number,
        "column": column,
        "percent_of": percent,
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
        "dots": dots,
        "funnel": funnel_of,
        "response_over_time": response_over_time,
        "stacked": partial(stacked, words=words),
        "strips": strips,
        "bins": bins,
        "panels": panels,
    }
