"""What the page of a report holds as data: its figures and tables, with their captions, heads and cells.

Workbook, CSV, JSON, Word and the page for phones are made from the same HTML as the PDF, so that they show what it
shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from lxml import etree
from lxml import html as lxml_html

# a number as it is written: thousands with commas, a sign, decimals, per cent. "007" and "1.10.2" are names.
NUMBER = re.compile(r"([-−+]?)((?:[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,14}|0)(?:\.\d{1,6})?)(%?)")
SLIM = "slim"  # class of a chart that is drawn once more for narrow screens
CHART = "data-table"  # of a figure: what is drawn in it, as a table
# what stands on lines of its own inside a cell
LINES = frozenset({"br", "p", "div", "li", "ul", "ol"})
SPACE = re.compile(r"[ \t\r\n\f]+")


@dataclass(frozen=True)
class Cell:
    """A cell: its text as shown, with a line break where the page has one; the number where it is one, per cent as
    `unit` "%". A chart in a cell is its words."""

    text: str
    number: float | int | None = None
    unit: str = ""


@dataclass(frozen=True)
class Row:
    """A row with as many cells as the table has columns; `heading` is of a row that names those below it. `group` is
    what such a row, or the row that it is a part of, is called."""

    cells: tuple[Cell, ...]
    heading: bool = False
    group: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure or table of a report. `id` is its place ("table-3"), `name` what is printed ("Table 3"; empty where it
    is not numbered), `counts` what it counts, `source` the path in the data of what it shows, `chapter` where it
    stands, `words` the alternative texts of its pictures, `notes` what is said below it."""

    id: str
    kind: Literal["table", "figure"]
    name: str
    number: int | None
    caption: str
    counts: str = ""
    source: str = ""
    chapter: str = ""
    heads: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    words: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def parsed(page: str) -> Any:
    """The root element of a page. A page of ours is whole; what is not is read as browsers do."""
    parser = lxml_html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    return lxml_html.document_fromstring(page.encode(), parser=parser)


def classes(element: Any) -> frozenset[str]:
    """The classes of an element."""
    return frozenset((element.get("class") or "").split())


def picture(svg: Any) -> str:
    """A drawing as a file of its own: what reading as HTML made of its names is put right."""
    text = etree.tostring(svg, encoding="unicode", with_tail=False)
    text = text.replace(" viewbox=", " viewBox=")
    # a name with a digit on its own is quoted, else no font is found and the words are left out
    text = text.replace('font-family="Source Sans 3"', "font-family=\"'Source Sans 3'\"")
    return text if "xmlns=" in text[:200] else text.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)


def alternative(svg: Any) -> str:
    """The words of a drawing."""
    title = svg.find("title")
    return squeezed(title.text or "") if title is not None else ""


def squeezed(text: str) -> str:
    """A text with runs of white space as one space."""
    return SPACE.sub(" ", text).strip()


def text_of(element: Any, *, without: frozenset[str] = frozenset(), words: bool = True) -> str:
    """The text of an element in lines; without children of a class in `without`; with `words` drawings are theirs."""
    parts: list[str] = []

    def walk(one: Any) -> None:
        if one.tag == "svg":
            if words:
                parts.append(f" {alternative(one)} ")
            return
        if not isinstance(one.tag, str) or (one is not element and without & classes(one)):
            return
        if one.tag in LINES and one is not element:
            parts.append("\0")
        parts.append(one.text or "")
        for child in one:
            walk(child)
            parts.append(child.tail or "")
        if one.tag in LINES - {"br"} and one is not element:
            parts.append("\0")

    walk(element)
    lines = (squeezed(line) for line in "".join(parts).split("\0"))
    return "\n".join(line for line in lines if line)


def number_of(text: str) -> tuple[float | int | None, str]:
    """The number that a text is, and its unit; None where it is none."""
    found = NUMBER.fullmatch(text)
    if found is None:
        return None, ""
    sign, digits, unit = found.groups()
    plain = digits.replace(",", "")
    value: float | int = float(plain) if "." in plain else int(plain)
    return (-value if sign in ("-", "−") else value), unit


def cell_of(element: Any) -> Cell:
    """The cell that a `td` or `th` is. Heads are text, and so are the numbers by which criteria are called."""
    text = text_of(element)
    if element.tag == "th" or "num" in classes(element):
        return Cell(text)
    return Cell(text, *number_of(text))


def _span(element: Any, name: str) -> int:
    try:
        return max(1, min(1000, int(element.get(name, "1"))))
    except ValueError:
        return 1


def grid(rows: list[Any]) -> list[tuple[bool, list[tuple[Any, bool]]]]:
    """Rows as cells in every column: for each whether it is a heading for those below, and its elements, each with
    whether it begins there. A cell over several rows or columns stands in all of them."""
    found: list[tuple[bool, list[tuple[Any, bool]]]] = []
    held: dict[int, tuple[Any, int]] = {}
    for row in rows:
        line: list[tuple[Any, bool]] = []
        own = [one for one in row if one.tag in ("td", "th")]
        cells = iter(own)
        while True:
            place = len(line)
            if place in held:
                element, left = held.pop(place)
                line.append((element, False))
                if left > 1:
                    held[place] = (element, left - 1)
                continue
            cell = next(cells, None)
            if cell is None:
                break
            for step in range(_span(cell, "colspan")):
                line.append((cell, step == 0))
                if (down := _span(cell, "rowspan")) > 1:
                    held[place + step] = (cell, down - 1)
        is_heading = "group" in classes(row) or (len(own) == 1 and own[0].tag == "th" and len(line) > 1)
        found.append((is_heading, line))
    return found


def parts_of(table: Any) -> tuple[list[Any], list[Any]]:
    """The rows of the head and of the body of a table, without those of tables inside its cells."""
    head: list[Any] = []
    body: list[Any] = []
    for part in table:
        if part.tag == "tr":
            body.append(part)
        elif part.tag in ("thead", "tbody", "tfoot"):
            (head if part.tag == "thead" else body).extend(one for one in part if one.tag == "tr")
    return head, body


def heads_of(table: Any) -> list[str]:
    """What the columns of a table are called; those in several lines of heads by all of them."""
    heads: list[str] = []
    for _heading, line in grid(parts_of(table)[0]):
        for place, (element, _begins) in enumerate(line):
            text = text_of(element).replace("\n", " ")
            if place >= len(heads):
                heads.append(text)
            elif text and text != heads[place]:
                heads[place] = f"{heads[place]}: {text}"
    return heads


def _rows(table: Any) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    _head, body = parts_of(table)
    lines = grid(body)
    heads = heads_of(table)
    width = max([len(heads), *(len(line) for _heading, line in lines)], default=0)
    heads += [""] * (width - len(heads))
    rows = []
    named = whole = ""
    for (heading, line), names in zip(lines, (classes(one) for one in body), strict=True):
        # what stands over several rows is said in each; over several columns, once
        cells: list[Cell] = []
        for place, (element, begins) in enumerate(line):
            beside = not begins and place > 0 and line[place - 1][0] is element
            cells.append(Cell("") if beside else cell_of(element))
        cells += [Cell("")] * (width - len(cells))
        first = cells[0].text.replace("\n", " ") if cells else ""
        if heading:
            named = first
        elif "total" in names and "sub" not in names:
            named = ""  # it is of all groups
        # a row of parts belongs to the one above them
        whole = whole if "sub" in names else "" if heading else first
        parts = [] if heading else [one for one in (named, whole if "sub" in names else "") if one]
        rows.append(Row(tuple(cells), heading, ": ".join(parts)))
    return tuple(heads), tuple(rows)


def _drawn(table: str) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """Heads and rows of a chart, which hands them over with itself as JSON (`charts.Drawing.table`)."""
    heads, lines, _again = json.loads(table)
    rows = []
    named = ""
    for label, *texts in lines:
        heading = not texts
        named = label if heading else named
        cells = (Cell(label), *(Cell(text, *number_of(text)) for text in texts))
        rows.append(Row(cells + (Cell(""),) * (len(heads) - len(cells)), heading, "" if heading else named))
    return tuple(heads), tuple(rows)


def caption_of(element: Any) -> Any:
    """The caption of a table or figure; None where it has none."""
    return next((one for one in element if one.tag in ("caption", "figcaption")), None)


def figures_of(page: str | Any) -> tuple[Figure, ...]:
    """The figures and captioned tables of a page, in the order in which they are read."""
    return tuple(figure for figure, _element in placed(parsed(page) if isinstance(page, str) else page))


def placed(root: Any) -> Iterator[tuple[Figure, Any]]:
    """The figures and captioned tables below an element, each with its element."""
    chapter, others = "", 0
    used: set[str] = set()
    for element in root.iter("h1", "table", "figure"):
        if element.tag == "h1":
            chapter = text_of(element, without=frozenset({"no"}))
            continue
        caption = caption_of(element)
        if caption is None or (element.tag == "table" and next(element.iterancestors("figure"), None) is not None):
            continue
        printed = next((text_of(one) for one in caption.iter() if "no" in classes(one)), "")
        digits = re.search(r"\d+", printed)
        counted = next((text_of(one) for one in caption.iter() if "of" in classes(one)), "")
        kind: Literal["table", "figure"] = "table" if element.tag == "table" else "figure"
        number = int(digits.group()) if digits else None
        place = f"{kind}-{number}"
        if number is None or place in used:
            others += 1
            place = f"{kind}-x{others}"
        used.add(place)
        table = element if kind == "table" else element.find(".//table")
        heads, rows = _rows(table) if table is not None else _drawn(element.get(CHART) or "[[], [], []]")
        yield (
            Figure(
                id=place,
                kind=kind,
                name=printed,
                number=number,
                caption=text_of(caption, without=frozenset({"no", "of"})).replace("\n", " "),
                counts=counted.replace("\n", " "),
                source=element.get("data-source") or caption.get("data-source") or "",
                chapter=chapter.replace("\n", " "),
                heads=heads,
                rows=rows,
                words=() if kind == "table" else _words(element),
                notes=tuple(text_of(one) for one in element.iter("p") if classes(one) & {"source", "note"}),
            ),
            element,
        )


def _words(element: Any) -> tuple[str, ...]:
    """The alternative texts of what is drawn in a figure, without the marks of its legend."""
    return tuple(
        words
        for svg in element.iter("svg")
        if (words := alternative(svg)) and SLIM not in classes(svg)
        and not any("legend" in classes(one) for one in svg.iterancestors())
    )
