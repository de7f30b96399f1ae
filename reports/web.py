"""A report as one HTML file for screens, from a phone on: from the same page as the PDF, with a style sheet of its own.

It has no script and fetches nothing; its type is in it. On a narrow screen charts are drawn as narrow as it is, and the
rows of tables with more than a few columns stand one below the other. What is wider still scrolls in a box of its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from app.domain.message import N_
from app.languages import translations
from reports.charts import Drawing, redrawn
from reports.registry import ASSETS
from reports.source import Source
from reports.tables import (
    CHART,
    SLIM,
    alternative,
    caption_of,
    classes,
    figures_of,
    grid,
    heads_of,
    parsed,
    parts_of,
    text_of,
)
from reports.web_type import FACES, file_of

A_LONG_CELL = 60  # characters from which a cell is given room
SHORT = 20  # characters: columns of cells up to here stand side by side on a phone
FEW, ROOM = 3, 36  # columns that fit there, and characters of their longest words beside each other
NARROW = 210  # points: a drawing up to here is made as small as its column
ROLES = {
    "table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell",
}  # fmt: skip
SHALLOW = {"h1": "h2", "h2": "h3", "h3": "h4", "h4": "h5"}


@cache
def styles() -> str:
    """The style sheet of all pages, with its type."""
    return "".join(map(_face, FACES)) + (ASSETS / "web.css").read_text(encoding="utf-8")


def _face(face: tuple[str, int]) -> str:
    name, weight = face
    data = base64.b64encode(file_of(name, weight).read_bytes()).decode()
    return (
        f'@font-face {{ font-family: "Candour {name}"; font-weight: {weight}; font-display: swap; '
        f'src: url("data:font/woff2;base64,{data}") format("woff2"); }}\n'
    )


def policy(html: str) -> str:
    """The content security policy that fits such a page: its own styles, by their hash, the type in them, and nothing
    else."""
    own = html.partition("<style>")[2].partition("</style>")[0]  # in the head; what people wrote comes later
    digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; font-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


@dataclass(frozen=True)
class Link:
    """A link of ours on the page of a report."""

    href: str
    text: str


def page(source: Source) -> str:
    """The page as HTML."""
    return screen(source.page, source.language)


def screen(
    text: str, language: str, *, about: Sequence[str | Link] = (), under: Mapping[str, Link] | None = None
) -> str:
    """The page that a PDF is set from, for screens. For those who write the report: `about` stands above it, and the
    links of `under` stand under the headings with these ids."""
    words = translations(language).gettext
    root = parsed(text)
    head, body = root.find("head"), root.find("body")
    for one in [*head.iter("style", "link")]:
        one.getparent().remove(one)
    head.insert(1, head.makeelement("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}))
    style = etree.SubElement(head, "style")
    style.text = styles()
    main = body.makeelement("main", {})
    for one in list(body):
        main.append(one)
    body.append(main)
    _levels(main)
    for number, element in enumerate(list(main.iter("table", "figure")), start=1):
        if element.tag == "table":
            _table(element, f"scroll-{number}", words)
        else:
            _figure(element, f"scroll-{number}", words)
    # elements that styles of print named, and styles that this page's policy refuses
    for one in main.iter():
        if isinstance(one.tag, str):
            one.attrib.pop("style", None)
            one.attrib.pop("data-short", None)
            if one.tag == "svg":
                one.set("role", "img")
                if "viewbox" in one.attrib:
                    one.set("viewBox", one.attrib.pop("viewbox"))
            if one.tag == "nav" and not one.get("aria-label"):
                heading = next((text_of(inner) for inner in one if inner.tag in ("h1", "h2")), "")
                one.set("aria-label", heading or words(N_("Contents")))
    for one in main.xpath(".//nav[contains(@class, 'listed')]"):
        _fold(one)
    _untangle(main)
    for anchor, link in (under or {}).items():
        for heading in main.xpath(".//*[@id=$anchor]", anchor=anchor)[:1]:
            heading.addnext(_paragraph(heading, [link]))
    if about:
        bar = body.makeelement("aside", {"class": "about-it", "aria-label": words(N_("Draft"))})
        bar.append(_paragraph(bar, about))
        main.addprevious(bar)
    html = lxml_html.tostring(root, encoding="unicode", doctype="<!DOCTYPE html>")
    return str(html) + "\n"


def _paragraph(beside: Any, parts: Sequence[str | Link]) -> Any:
    """A paragraph of words and links, one after the other."""
    found = beside.makeelement("p", {"class": "own-link"})
    last = None
    for part in parts:
        if isinstance(part, Link):
            last = etree.SubElement(found, "a", {"href": part.href})
            last.text, last.tail = part.text, " "
        elif last is None:
            found.text = f"{found.text or ''}{part} "
        else:
            last.tail = f"{last.tail}{part} "
    return found


def _fold(nav: Any) -> None:
    """A list of tables and figures opens when it is asked for: on a phone it is screens long. It is named already."""
    heading, *rest = list(nav)
    details = nav.makeelement("details", {})
    summary = etree.SubElement(details, "summary")
    summary.text = text_of(heading)
    nav.remove(heading)
    for one in rest:
        details.append(one)
    nav.append(details)


def _levels(main: Any) -> None:
    """One heading of the first level: the title. Where the page has more, all but that one go a level down."""
    first = list(main.iter("h1"))
    if len(first) < 2:
        return
    for one in list(main.iter("h1", "h2", "h3", "h4")):
        if one is not first[0]:
            one.tag = SHALLOW[one.tag]


def _box(element: Any, name: str, **more: str) -> Any:
    """A box around an element in which it scrolls, by keyboard too."""
    box = element.makeelement("div", {"class": "scroll", "tabindex": "0", "role": "region", **more})
    element.addprevious(box)
    box.tail, element.tail = element.tail, None
    box.append(element)
    return box


def _table(table: Any, place: str, words: Any) -> None:
    caption = caption_of(table)
    for one in table.findall("colgroup"):
        table.remove(one)
    for cell in table.iter("td"):
        if len(text_of(cell, words=False)) > A_LONG_CELL:
            cell.set("class", " ".join([*sorted(classes(cell)), "wide"]))
    if any(one.tag == "table" for one in table.iterancestors()):
        return
    if not _fits(table):
        _stack(table)
    if caption is not None:
        held = caption.makeelement("span", {"class": "held", "id": place})
        held.text, caption.text = caption.text, None
        for one in list(caption):
            held.append(one)
        caption.append(held)
        _box(table, place, **{"aria-labelledby": place})
    elif not classes(table) & {"facts", "messages"}:
        _box(table, place, **{"aria-label": words(N_("Table"))})


def _fits(table: Any) -> bool:
    """Whether the columns of a table find room beside each other on a phone."""
    longest: dict[int, int] = {}
    for _heading, line in [one for rows in parts_of(table) for one in grid(rows)]:
        for place, (cell, _begins) in enumerate(line):
            words = text_of(cell, words=False).split() if int(cell.get("colspan") or 1) == 1 else []
            longest[place] = max([longest.get(place, 0), *map(len, words)])
    return len(longest) <= FEW and sum(longest.values()) <= ROOM and table.find(".//td[@class='bar']") is None


def _stack(table: Any) -> None:
    """For a narrow screen: each cell knows what its column is called, and with which role it stands, which a browser
    forgets when it lays out a table as anything else."""
    heads = heads_of(table)
    for one in table.iter("table", "thead", "tbody", "tr", "td"):
        one.set("role", ROLES[one.tag])
    for one in table.iter("th"):
        one.set("role", "columnheader" if one.get("scope") in ("col", "colgroup") else "rowheader")
    table.set("class", " ".join([*sorted(classes(table)), "stack"]))
    columns: dict[int, list[Any]] = {}
    for _heading, line in grid(parts_of(table)[1]):
        for place, (cell, begins) in enumerate(line):
            if begins and cell.tag == "td" and place < len(heads):
                columns.setdefault(place, []).append(cell)
    for place, cells in columns.items():
        is_short = all(len(text_of(one, words=False)) <= SHORT and not classes(one) & {"num", "bar"} for one in cells)
        for cell in cells:
            if heads[place]:
                cell.set("data-label", heads[place])
            if is_short:
                cell.set("class", " ".join([*sorted(classes(cell)), "short"]))


def _numbers(figure: Any, words: Any) -> None:
    """What a chart shows as a table below it, which opens when it is asked for."""
    shown = next(iter(figures_of(figure)), None)
    if shown is None or not shown.rows:
        return
    details = etree.Element("details", {"class": "numbers"})
    etree.SubElement(details, "summary").text = words(N_("The numbers of this chart"))
    table = etree.SubElement(details, "table")
    # the chart above is called so: those who see it need not read it twice
    etree.SubElement(table, "caption", {"class": "unseen"}).text = shown.caption
    row = etree.SubElement(etree.SubElement(table, "thead"), "tr")
    for place, head in enumerate(shown.heads):
        etree.SubElement(row, "th", {"scope": "col"} | ({"class": "r"} if place else {})).text = head
    body = etree.SubElement(table, "tbody")
    for line in shown.rows:
        row = etree.SubElement(body, "tr", {"class": "group"} if line.heading else {})
        for place, cell in enumerate(line.cells):
            if line.heading:
                etree.SubElement(row, "th", {"scope": "rowgroup", "colspan": str(len(line.cells))}).text = cell.text
                break
            kind = ("th", {"scope": "row"}) if not place else ("td", {"class": "r"} if cell.number is not None else {})
            etree.SubElement(row, *kind).text = cell.text
    note = next((one for one in figure if "source" in classes(one)), None)
    (note.addprevious if note is not None else figure.append)(details)
    _stack(table)


def _slim(svg: Any, table: str) -> None:
    """A chart as narrow as a phone, beside the one that is as wide as a page; styles show one of them."""
    _heads, _rows, again = json.loads(table)
    svg.set("class", "broad")
    if not again:
        return
    made = _drawn(redrawn(*again), alternative(svg))
    made.tail, svg.tail = svg.tail, None
    svg.addnext(made)


def _drawn(drawing: Drawing, title: str) -> Any:
    size = f"{round(drawing.width, 1)} {round(drawing.height, 1)}"
    svg = etree.Element("svg", {"class": SLIM, "viewBox": f"0 0 {size}", "role": "img"})
    etree.SubElement(svg, "title").text = title
    for tag, attributes, text in drawing.shapes:
        etree.SubElement(svg, tag, {name: str(value) for name, value in attributes.items()}).text = text
    return svg


def _figure(figure: Any, place: str, words: Any) -> None:
    caption = caption_of(figure)
    table = figure.get(CHART)
    if table:
        _numbers(figure, words)
        del figure.attrib[CHART]
    for svg in [one for one in figure if one.tag == "svg"]:
        if table:
            _slim(svg, table)
        if _width(svg) > NARROW:
            if caption is not None and not caption.get("id"):
                caption.set("id", place)
            name = {"aria-labelledby": caption.get("id")} if caption is not None else {"aria-label": words(N_("Chart"))}
            _box(svg, place, **name)


def _width(svg: Any) -> float:
    try:
        return float((svg.get("width") or "0").removesuffix("pt"))
    except ValueError:
        return 0.0


def _untangle(main: Any) -> None:
    """Boxes of scrolling with the same name in a page are told apart by where they are: names are ids, ids are once."""
    seen: set[str] = set()
    for one in main.iter():
        anchor = one.get("id") if isinstance(one.tag, str) else None
        if anchor and anchor in seen:
            del one.attrib["id"]
        elif anchor:
            seen.add(anchor)
