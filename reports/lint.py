"""A lint of the HTML of reports, for what no checker of PDFs sees.

Contrast of text on its ground, words of links, lists and headings that only look like it, tables without caption or
heads, drawings without words, skipped levels of headings, and the language of parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import cssselect2
import tinycss2
import tinycss2.color4

from reports.registry import ASSETS
from reports.tables import alternative, caption_of, classes, parsed, parts_of, text_of

EMPTY_LINKS = frozenset({"here", "click here", "more", "read more", "link", "this", "this link", "yma", "mwy", "dolen"})
BULLET = re.compile(r"[•‣▪◦●·∙*–—-]\s+\S")
COUNTED = re.compile(r"(?:\(?(\d{1,2}|[a-z]|[ivx]{1,4})[.)])\s+\S")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
# words that sentences of a language can hardly do without, and those of the other have not
TELLING = {
    "en": frozenset({"the", "of", "and", "that", "with", "is", "are", "was", "were", "which", "for", "have", "not"}),
    "cy": frozenset({"yn", "yr", "mae", "wedi", "gan", "eu", "bod", "nid", "sydd", "oedd", "neu", "ym", "hwn", "hon"}),
}
ENOUGH, LARGE_ENOUGH = 4.5, 3.0  # contrast of text, and of large text: WCAG 2.2, 1.4.3
BLOCKS = frozenset({"p", "ul", "ol", "table", "div", "section", "figure", "h1", "h2", "h3", "h4", "blockquote"})


@dataclass(frozen=True)
class Problem:
    """What is wrong: the rule, the element with its beginning, and why."""

    rule: str
    where: str
    why: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.why}: {self.where}"


def lint(page: str, css: str | None = None) -> list[Problem]:
    """What is wrong with a page, in order. `css`: its style sheet, by default that of printed reports."""
    root = parsed(page)
    found = [*_links(root), *_lists(root), *_headings(root), *_tables(root), *_drawings(root), *_languages(root)]
    return [*found, *_contrast(root, css if css is not None else printed_styles())]


@cache
def printed_styles() -> str:
    """The style sheet of printed reports."""
    return (ASSETS / "report.css").read_text(encoding="utf-8")


def _problem(rule: str, element: Any, why: str) -> Problem:
    names = "".join(f".{one}" for one in sorted(classes(element)))
    text = text_of(element).replace("\n", " ")
    return Problem(rule, f"<{element.tag}{names}> {text[:80]}", why)


def _links(root: Any) -> Iterator[Problem]:
    for link in root.iter("a"):
        if not link.get("href"):
            continue
        words = text_of(link)
        if not words:
            yield _problem("link-words", link, "a link without words")
        elif words.lower().strip(" .") in EMPTY_LINKS:
            yield _problem("link-words", link, "the words do not say where the link leads")


def _lists(root: Any) -> Iterator[Problem]:
    for one in root.iter("p", "td", "li"):
        lines = text_of(one, words=False).split("\n") if one.tag != "p" or one.find("br") is not None else []
        if one.tag == "p" and BULLET.match(text_of(one, words=False)):
            yield _problem("list", one, "a paragraph that begins with a bullet: use a list")
        elif sum(1 for line in lines if BULLET.match(line)) > 1 and not any(inner.tag in BLOCKS for inner in one):
            yield _problem("list", one, "lines that begin with bullets: use a list")
    for parent in root.iter():
        if not isinstance(parent.tag, str):
            continue
        before = None
        for one in parent:
            mark = COUNTED.match(text_of(one, words=False)) if one.tag == "p" else None
            if mark and before and _follows(before, mark.group(1)):
                yield _problem("list", one, "paragraphs that count themselves: use a list")
            before = mark.group(1) if mark else None


def _follows(before: str, after: str) -> bool:
    if before.isdigit() and after.isdigit():
        return int(after) == int(before) + 1
    return len(before) == len(after) == 1 and ord(after) == ord(before) + 1


def _headings(root: Any) -> Iterator[Problem]:
    level = 0
    for one in root.iter("h1", "h2", "h3", "h4", "h5", "h6"):
        own = int(one.tag[1])
        if not text_of(one):
            yield _problem("heading", one, "a heading without words")
        if own > level + 1:
            why = f"level {own} follows level {level}" if level else f"begins with level {own}"
            yield _problem("heading", one, why)
        level = own
    if level == 0:
        yield Problem("heading", "<html>", "no heading at all")
    for one in root.iter("p", "div"):
        children = [inner for inner in one if isinstance(inner.tag, str)]
        alone = len(children) == 1 and children[0].tag in ("strong", "b")
        if alone and not (one.text or "").strip() and not (children[0].tail or "").strip():
            text, after = text_of(one), one.getnext()
            inside = any(above.tag in ("td", "th", "li", "blockquote") for above in one.iterancestors())
            if len(text) <= 120 and not text.endswith(".") and after is not None and not inside:
                yield _problem("heading", one, "a bold paragraph alone: use a heading")


def _tables(root: Any) -> Iterator[Problem]:
    for table in root.iter("table"):
        head, body = parts_of(table)
        heads = [cell for row in (*head, *body) for cell in row if cell.tag == "th"]
        by_row = bool(body) and all(len(row) and row[0].tag == "th" for row in body)
        caption = caption_of(table)
        # a list of names and values under its heading needs no caption: each row says what it is
        if (caption is None and (head or not by_row)) or (caption is not None and not text_of(caption)):
            yield _problem("table", table, "a table without a caption")
        if not heads:
            yield _problem("table", table, "a table without header cells")
        for cell in heads:
            if cell.get("scope") not in ("col", "row", "colgroup", "rowgroup"):
                yield _problem("table", cell, "a header cell without scope")
            if cell.getparent() in head and cell.get("scope") in ("col", "colgroup") and not text_of(cell):
                yield _problem("table", table, "a column without a name")


def _drawings(root: Any) -> Iterator[Problem]:
    for svg in root.iter("svg"):
        if not alternative(svg):
            yield _problem("words", svg, "a drawing without words")
        elif svg[0].tag != "title":
            yield _problem("words", svg, "the words of a drawing come first in it")
    for image in root.iter("img"):
        if image.get("alt") is None:
            yield _problem("words", image, "an image without alternative text")
    for figure in root.iter("figure"):
        caption = caption_of(figure)
        if caption is None or not text_of(caption):
            yield _problem("words", figure, "a figure without a caption")


def _languages(root: Any) -> Iterator[Problem]:
    own = root.get("lang") or ""
    if not LANGUAGE.fullmatch(own):
        yield Problem("language", "<html>", "the page does not say its language")
    title = root.find("head/title")
    if title is None or not (title.text or "").strip():
        yield Problem("language", "<html>", "the page has no title")
    for one in root.iter():
        if isinstance(one.tag, str) and one.get("lang") is not None and not LANGUAGE.fullmatch(one.get("lang")):
            yield _problem("language", one, "not the name of a language")
    for one in root.iter("p", "li", "td", "th", "caption", "h1", "h2", "h3"):
        if any(inner.tag in BLOCKS for inner in one):
            continue
        language = next((above.get("lang") for above in (one, *one.iterancestors()) if above.get("lang")), "")[:2]
        words = re.findall(r"\w+", text_of(one, words=False).lower())
        counts = {name: sum(1 for word in words if word in telling) for name, telling in TELLING.items()}
        others = [name for name, number in counts.items() if name != language and number >= 4]
        if language in counts and counts[language] == 0 and others:
            yield _problem("language", one, f"reads as “{others[0]}” and is marked as “{language}”")


# --- contrast --------------------------------------------------------------------------------------------------------


def _colour(text: str) -> tuple[float, float, float] | None:
    found = tinycss2.color4.parse_color(text)
    if found is None or found == "currentcolor" or found.alpha == 0:
        return None
    red, green, blue = list(found.to("srgb"))[:3]
    return red, green, blue


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """How far two colours are apart: 1 to 21, as WCAG counts."""

    def light(colour: tuple[float, float, float]) -> float:
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)


@cache
def _matcher(css: str) -> Any:
    """What the rules of a style sheet say of colour, ground, size and weight; media rules are left out."""
    names = dict(re.findall(r"(--[\w-]+):\s*([^;}]+)", css))
    text = re.sub(r"var\((--[\w-]+)\)", lambda found: names.get(found.group(1), "inherit").strip(), css)
    matcher = cssselect2.Matcher()
    for rule in tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True):
        if rule.type != "qualified-rule":
            continue
        said: dict[str, str] = {}
        for declaration in tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True):
            if declaration.type == "declaration":
                value = tinycss2.serialize(declaration.value).strip()
                if declaration.lower_name in ("color", "background-color", "font-size", "font-weight"):
                    said[declaration.lower_name] = value
                elif declaration.lower_name == "background":
                    said["background-color"] = value.split()[0]
                elif declaration.lower_name == "font":
                    size = re.search(r"[\d.]+(?:pt|rem|em)", value)
                    said |= {"font-size": size.group()} if size else {}
                    said["font-weight"] = "600" if re.search(r"\b(600|700|bold)\b", value) else "400"
        if said:
            for selector in cssselect2.compile_selector_list(rule.prelude):
                if selector.pseudo_element is None:
                    matcher.add_selector(selector, said)
    return matcher


def _points(size: str, above: float) -> float:
    found = re.fullmatch(r"([\d.]+)(pt|rem|em|%)", size)
    if not found:
        return above
    number, unit = float(found.group(1)), found.group(2)
    return {"pt": number, "rem": number * 12.75, "em": number * above, "%": number * above / 100}[unit]


def _contrast(root: Any, css: str) -> Iterator[Problem]:
    matcher = _matcher(css)
    seen: set[tuple[str, str]] = set()
    known: dict[Any, tuple[Any, Any, float, bool]] = {}
    black, white = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    for wrapped in cssselect2.ElementWrapper.from_html_root(root).iter_subtree():
        element = wrapped.etree_element
        if not isinstance(element.tag, str):
            continue
        ink, ground, size, bold = known.get(element.getparent(), (black, white, 10.5, False))
        said: dict[str, str] = {}
        for match in sorted(matcher.match(wrapped), key=lambda one: one[:2]):
            said |= match[3]
        ink = _colour(said["color"]) or ink if "color" in said else ink
        ground = _colour(said["background-color"]) or ground if "background-color" in said else ground
        size = _points(said["font-size"], size) if "font-size" in said else size
        bold = said["font-weight"] in ("600", "700", "bold") if "font-weight" in said else bold
        known[element] = (ink, ground, size, bold)
        if element.tag == "svg":
            yield from _contrast_in(element)
            continue
        own = (element.text or "").strip() or any((one.tail or "").strip() for one in element)
        if not own or element.tag in ("title", "style", "script") or any(
            one.tag in ("svg", "head") for one in element.iterancestors()
        ):  # fmt: skip
            continue
        large = size >= 18 or (bold and size >= 14)
        ratio = contrast(ink, ground)
        key = (element.tag, element.get("class") or "")
        if ratio < (LARGE_ENOUGH if large else ENOUGH) and key not in seen:
            seen.add(key)
            yield _problem("contrast", element, f"text stands out {ratio:.1f} to 1 from its ground")


def _contrast_in(svg: Any) -> Iterator[Problem]:
    """Text in a drawing, on the last shape drawn below it."""
    shapes: list[tuple[float, float, float, float, Any]] = []
    for one in svg.iter("rect", "text"):
        try:
            x, y = float(one.get("x") or 0), float(one.get("y") or 0)
            fill = _colour(one.get("fill") or "#000000")
            if one.tag == "rect":
                if fill is not None and one.get("fill") != "none":
                    shapes.append((x, y, x + float(one.get("width")), y + float(one.get("height")), fill))
                continue
        except (TypeError, ValueError):
            continue
        below = [shape[4] for shape in shapes if shape[0] <= x <= shape[2] and shape[1] <= y - 1 <= shape[3]]
        ratio = contrast(fill or (0.0, 0.0, 0.0), below[-1] if below else (1.0, 1.0, 1.0))
        if ratio < ENOUGH:
            yield _problem("contrast", svg, f"“{text_of(one)}” stands out {ratio:.1f} to 1 from its ground")
            return
