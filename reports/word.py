"""A report as a Word document, for those who edit and quote it: real headings, lists, captions and tables.

Made from the same page as the PDF. Type is what every machine has; charts are pictures with their words as
alternative text.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import resvg_py
from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.oxml.ns import qn
from docx.oxml.parser import OxmlElement
from docx.oxml.shape import CT_Inline
from docx.shared import Emu, Mm, Pt, RGBColor

from app.domain.message import N_
from app.languages import translations
from reports.registry import ASSETS
from reports.source import Source
from reports.tables import (
    alternative,
    caption_of,
    classes,
    grid,
    parsed,
    parts_of,
    picture,
    squeezed,
    text_of,
)
from reports.workbook import zipped

INK, ACCENT, QUIET = RGBColor(0x0B, 0x3C, 0x49), RGBColor(0x8C, 0x39, 0x13), RGBColor(0x33, 0x48, 0x4E)
SERIF, SANS = "Georgia", "Arial"
MARGINS = (Mm(22), Mm(22))  # left and right, of A4
WIDTH = Mm(210) - MARGINS[0] - MARGINS[1]
PER_POINT = 12_700  # EMU
ZOOM = 3  # pixels of a picture for a point
TAGS = {"en": "en-GB", "cy": "cy-GB"}
# what XML cannot hold
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# elements of a drawing that show what stands elsewhere
FETCHING = re.compile(r"<(?:\w+:)?(?:image|feimage|use|style|foreignobject)\b|<\?xml-style|<!doctype", re.IGNORECASE)
NUMBERS = "Numbered paragraph"
# grounds of a heat map, and whether the text on them is white
SHADES = {
    "h0": ("F1F5F6", False), "h1": ("DDE8EB", False), "h2": ("BCD2D8", False), "h3": ("8FB3BD", False),
    "h4": ("3F7886", True), "h5": ("0B3C49", True),
}  # fmt: skip
BLOCKS = frozenset(
    {"p", "div", "section", "nav", "ul", "ol", "table", "figure", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6",
     "header", "footer", "main", "article", "dl"}
)  # fmt: skip
APART = BLOCKS - {"p", "div"}  # what is no text of an item of a list
NONE: frozenset[str] = frozenset()
# what stands in the settings of a document after whether its fields are filled in
AFTER_FIELDS = frozenset(
    qn(name) for name in (
        "w:hdrShapeDefaults", "w:footnotePr", "w:endnotePr", "w:compat", "w:docVars", "w:rsids", "m:mathPr",
        "w:attachedSchema", "w:themeFontLang", "w:clrSchemeMapping", "w:shapeDefaults", "w:decimalSymbol",
        "w:listSeparator",
    )
)  # fmt: skip


def document(source: Source) -> bytes:
    """The bytes of a .docx file. The same source gives the same bytes."""
    return _Writer(source).written()


@lru_cache(maxsize=2048)
def drawn(svg: str) -> bytes:
    """A drawing as PNG. Nothing is fetched for it, and only packaged fonts are used. ValueError for one that would."""
    if FETCHING.search(svg):  # ours have none of these, and what people wrote stands in them as text
        raise ValueError("refused: drawings hold what they show")
    fonts = [str(path) for path in sorted((ASSETS / "fonts").glob("*.ttf"))] if "<text" in svg else []
    made = resvg_py.svg_to_bytes(
        svg_string=svg, dpi=72, zoom=ZOOM, skip_system_fonts=True, font_files=fonts, background="#ffffff",
        resources_dir=str(ASSETS / "fonts"),
    )  # fmt: skip
    return bytes(made)


def size_of(svg: Any) -> tuple[float, float]:
    """Width and height of a drawing in points."""

    def points(name: str) -> float:
        found = re.match(r"[\d.]+", svg.get(name) or "")
        return float(found.group()) if found else 10.0

    return points("width"), points("height")


def clean(text: str) -> str:
    """A text without what XML cannot hold."""
    return UNFIT.sub("�", text)


def _element(tag: str, parent: Any = None, **attributes: object) -> Any:
    one = OxmlElement(tag)
    for name, value in attributes.items():
        one.set(qn(f"w:{name}"), str(value))
    if parent is not None:
        parent.append(one)
    return one


class _Writer:
    """Writes one document. Elements are made directly: what python-docx offers is slow for long tables."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.words = translations(source.language).gettext
        self.docx = Document()
        self.body = self.docx.element.body
        self.styles: dict[str, str] = {}
        self.pictures: dict[str, str] = {}
        self.shapes = 0
        self.bookmarks: dict[str, str] = {}
        self.root = parsed(source.page)
        self.anchors = {link.get("href", "")[1:] for link in self.root.iter("a") if link.get("href", "#")[0] == "#"}
        self.lang = TAGS.get(source.language, source.language)

    def written(self) -> bytes:
        self._set_up()
        for block in self.root.find("body"):
            self._block(block, self.body)
        # the section's properties are the last of the body
        self.body.append(self.body.find(qn("w:sectPr")))
        out = io.BytesIO()
        self.docx.save(out)
        with zipfile.ZipFile(out) as archive:
            return zipped({one.filename: archive.read(one) for one in archive.infolist()})

    # --- the document ----------------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        source, properties = self.source, self.docx.core_properties
        properties.title, properties.author = clean(source.title)[:255], clean(source.author)[:255]
        properties.language, properties.comments = self.lang, f"Snapshot {source.snapshot_id}"
        properties.created = properties.modified = source.as_at.replace(tzinfo=None)
        properties.last_modified_by, properties.revision = source.program[:255], 1
        for one in list(self.body):
            if one.tag != qn("w:sectPr"):
                self.body.remove(one)
        section = self.docx.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.left_margin, section.right_margin = MARGINS
        section.top_margin, section.bottom_margin = Mm(24), Mm(24)
        self._styles()
        self._numbering()
        self._fill_fields()
        head, foot = section.header.paragraphs[0], section.footer.paragraphs[0]
        head.style, foot.style = self.docx.styles["Header"], self.docx.styles["Footer"]
        _field(head._p, 'STYLEREF "Heading 1"', "")
        self._runs(foot._p, [(f"{self.words(N_('Snapshot'))} {source.snapshot_id}", {})])
        _element("w:br", _element("w:r", foot._p))
        self._runs(foot._p, [(f"{self.words(N_('Hash of the data'))} {source.content_sha256}", {})])
        _element("w:br", _element("w:r", foot._p))
        self._runs(foot._p, [(self.words(N_("Page")) + " ", {})])
        _field(foot._p, "PAGE", "1")

    def _fill_fields(self) -> None:
        """Word fills in the pages of the contents when it opens the document: nobody knows them before."""
        settings = self.docx.settings.element
        for old in settings.findall(qn("w:updateFields")):
            settings.remove(old)
        fill = _element("w:updateFields", val="true")
        # the format asks for an order
        later = next((one for one in settings if one.tag in AFTER_FIELDS), None)
        if later is None:
            settings.append(fill)
        else:
            later.addprevious(fill)

    def _styles(self) -> None:
        styles = self.docx.styles
        defaults = styles.element.find(qn("w:docDefaults")).find(qn("w:rPrDefault")).find(qn("w:rPr"))
        for one in defaults.findall(qn("w:lang")):
            defaults.remove(one)
        _element("w:lang", defaults, val=self.lang, eastAsia="en-GB", bidi="ar-SA")

        def style(
            name: str, font: str, size: float, *, colour: RGBColor | None = None, bold: bool = False,
            before: float = 0, after: float = 6, keep: bool = False,
        ) -> Any:  # fmt: skip
            if name in styles:
                one = styles[name]
            else:
                one = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
                one.base_style = styles["Normal"]
            one.font.name, one.font.size, one.font.bold, one.font.italic = font, Pt(size), bold, False
            if colour is not None:
                one.font.color.rgb = colour
            # theme fonts would win over the names
            fonts = one.element.get_or_add_rPr().get_or_add_rFonts()
            for attribute in list(fonts.attrib):
                if "heme" in attribute:
                    del fonts.attrib[attribute]
            for script in ("ascii", "hAnsi", "cs", "eastAsia"):
                fonts.set(qn(f"w:{script}"), font)
            spacing = one.paragraph_format
            spacing.space_before, spacing.space_after = Pt(before), Pt(after)
            spacing.keep_with_next = keep
            one.quick_style, one.hidden = True, False
            return one

        style("Normal", SERIF, 10.5)
        title = style("Title", SERIF, 26, colour=INK, after=10)
        # the template sets it wide, and on a line
        for one in title.element.xpath("./w:pPr/w:pBdr | ./w:rPr/w:spacing | ./w:rPr/w:kern"):
            one.getparent().remove(one)
        style("Subtitle", SERIF, 14, colour=QUIET, after=12)
        for level, (size, before) in enumerate(((20, 0), (14, 16), (11.5, 12), (10.5, 8)), start=1):
            one = style(
                f"Heading {level}", SERIF if level < 3 else SANS, size, colour=INK, bold=True, before=before, keep=True
            )
            one.next_paragraph_style = styles["Normal"]
        style("Caption", SANS, 9.5, colour=INK, bold=True, before=8, after=4, keep=True)
        style("List Bullet", SERIF, 10.5, after=3)
        style("List Number", SERIF, 10.5, after=3)
        style("Quote", SERIF, 10.5)
        style("Header", SANS, 8, colour=QUIET)
        style("Footer", SANS, 7.5, colour=QUIET)
        style("Lead", SERIF, 12.5, colour=INK, after=10)
        style("Note", SANS, 8.5, colour=QUIET)
        style("Table text", SANS, 8.5, after=1)
        style("Table head", SANS, 8.5, colour=INK, bold=True, after=1, keep=True)
        style("Warning", SANS, 10, colour=ACCENT, bold=True)
        entry = style("Contents entry", SANS, 10, after=2)
        entry.paragraph_format.tab_stops.add_tab_stop(Emu(WIDTH), WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.DOTS)
        style(NUMBERS, SERIF, 10.5)

    def _numbering(self) -> None:
        """Lists of our own: bullets, numbers, and paragraphs with a number each."""
        root = self.docx.part.numbering_part.element
        for one in list(root):
            root.remove(one)
        for kind, (shape, text, indent) in enumerate(
            (("bullet", "•", 360), ("decimal", "%1.", 400), ("decimal", "%1.", 620)), start=1
        ):
            abstract = _element("w:abstractNum", root, abstractNumId=kind)
            _element("w:multiLevelType", abstract, val="hybridMultilevel")
            for depth in range(1 if kind == 3 else 4):
                level = _element("w:lvl", abstract, ilvl=depth)
                _element("w:start", level, val=1)
                _element("w:numFmt", level, val=shape)
                _element("w:lvlText", level, val=text.replace("%1", f"%{depth + 1}"))
                _element("w:lvlJc", level, val="left")
                place = _element("w:pPr", level)
                _element("w:ind", place, left=indent * (depth + 1), hanging=indent)
        for kind in (1, 2, 3):
            number = _element("w:num", root, numId=kind)
            _element("w:abstractNumId", number, val=kind)
        self.numbering, self.numbered = root, 3
        for name, kind in (("List Bullet", 1), ("List Number", 2), (NUMBERS, 3)):
            properties = self.docx.styles[name].element.get_or_add_pPr()
            for old in properties.findall(qn("w:numPr")):
                properties.remove(old)
            numbers = properties.get_or_add_numPr()
            numbers.get_or_add_numId().val = kind

    def _new_list(self) -> int:
        """A list of numbers that begins with 1."""
        self.numbered += 1
        number = _element("w:num", self.numbering, numId=self.numbered)
        _element("w:abstractNumId", number, val=2)
        for depth in range(4):
            start = _element("w:lvlOverride", number, ilvl=depth)
            _element("w:startOverride", start, val=1)
        return self.numbered

    # --- blocks ----------------------------------------------------------------------------------------------------

    def _paragraph(self, parent: Any, style: str) -> Any:
        one = _element("w:p", parent)
        properties = _element("w:pPr", one)
        if style not in self.styles:  # looking one up takes longer than writing its paragraph
            self.styles[style] = self.docx.styles[style].style_id
        _element("w:pStyle", properties, val=self.styles[style])
        return one

    def _block(self, element: Any, parent: Any) -> None:
        tag, names = element.tag, classes(element)
        if not isinstance(tag, str) or tag in ("style", "script", "svg", "link", "meta", "colgroup"):
            return
        if tag in ("h1", "h2", "h3", "h4"):
            self._heading(element, parent)
        elif tag == "nav":
            self._contents(element, parent)
        elif tag in ("ul", "ol"):
            self._list(element, parent, 0)
        elif tag == "table":
            self._table(element, parent)
        elif tag == "figure":
            self._figure(element, parent)
        elif tag == "blockquote":
            for one in [one for one in element if one.tag in BLOCKS] or [element]:
                self._inline(one, self._paragraph(parent, "Quote"))
        elif tag in BLOCKS and tag != "p":
            self._mixed(element, parent)
        elif tag == "p" or (element.text or "").strip() or len(element):
            self._text(element, parent, names)

    def _mixed(self, element: Any, parent: Any) -> None:
        """The blocks in an element; text that stands beside them is a paragraph of its own."""
        if not any(one.tag in BLOCKS for one in element):
            if text_of(element):
                self._text(element, parent, classes(element))
            return
        if (element.text or "").strip():
            self._runs(self._paragraph(parent, "Normal"), [(squeezed(element.text), {})])
        for one in element:
            self._block(one, parent)
            if (one.tail or "").strip():
                self._runs(self._paragraph(parent, "Normal"), [(squeezed(one.tail), {})])

    def _text(self, element: Any, parent: Any, names: frozenset[str]) -> None:
        if not text_of(element) and element.find(".//svg") is None:
            return
        if "n" in names:
            style = NUMBERS
        elif names & {"flagged", "voided", "late"}:
            style = "Warning"
        elif names & {"lead"}:
            style = "Lead"
        elif names & {"subtitle", "round"}:
            style = "Subtitle"
        elif names & {"note", "small", "legend", "source", "of", "facts", "by"}:
            style = "Note"
        else:
            style = "Normal"
        paragraph = self._paragraph(parent, style)
        if names & {"legend", "leads"}:
            # on the page of what it leads to
            paragraph.find(qn("w:pPr")).insert(1, _element("w:keepNext"))
        self._inline(element, paragraph)

    def _heading(self, element: Any, parent: Any) -> None:
        on_cover = any(classes(one) & {"cover", "panel"} for one in element.iterancestors())
        style = "Title" if element.tag == "h1" and on_cover else f"Heading {element.tag[1]}"
        paragraph = self._paragraph(parent, style)
        around = frozenset[str]().union(*(classes(one) for one in element.iterancestors()))
        if element.tag == "h1" and "chapter" in around and "continued" not in around:
            _element("w:pageBreakBefore", paragraph.find(qn("w:pPr")))
        self._inline(element, paragraph)

    def _contents(self, nav: Any, parent: Any) -> None:
        """A table of contents that Word brings up to date; until then its entries are links."""
        heading = nav.find("h1")
        if heading is None:
            heading = nav.find("h2")
        if heading is not None:
            paragraph = self._paragraph(parent, "Heading 1")
            _element("w:pageBreakBefore", paragraph.find(qn("w:pPr")))
            self._inline(heading, paragraph)
        entries = list(nav.iter("li"))
        is_field = "contents" in classes(nav) and "listed" not in classes(nav)
        for place, one in enumerate(entries):
            paragraph = self._paragraph(parent, "Contents entry")
            depth = sum(1 for above in one.iterancestors() if above.tag == "li")
            if depth:
                _element("w:ind", paragraph.find(qn("w:pPr")), left=400 * depth)
            if place == 0 and is_field:
                _mark(paragraph, "begin")
                _instruction(paragraph, 'TOC \\o "1-2" \\h \\z')
                _mark(paragraph, "separate")
            self._inline(one, paragraph, without=APART)
            if not is_field:
                self._page_of(one, paragraph)
            elif place == len(entries) - 1:
                _mark(paragraph, "end")

    def _page_of(self, entry: Any, paragraph: Any) -> None:
        """The page that an entry of the contents leads to, which the reader's program fills in."""
        href = next((one.get("href") or "" for one in entry if one.tag == "a"), "")
        if href[:1] == "#" and href[1:] in self._targets():
            _element("w:tab", _element("w:r", paragraph))
            _field(paragraph, f"PAGEREF {self._name(href[1:])} \\h", "")

    def _list(self, element: Any, parent: Any, depth: int) -> None:
        ordered = element.tag == "ol"
        plain = classes(element) & {"ticks"}
        number = self._new_list() if ordered else 1
        for item in element:
            if item.tag != "li":
                continue
            paragraph = self._paragraph(parent, "Note" if plain else "List Number" if ordered else "List Bullet")
            if not plain:
                properties = _element("w:numPr", paragraph.find(qn("w:pPr")))
                _element("w:ilvl", properties, val=min(depth, 3))
                _element("w:numId", properties, val=number)
            self._inline(item, paragraph, without=APART)
            for inner in item:
                if inner.tag in ("ul", "ol"):
                    self._list(inner, parent, depth + 1)
                elif inner.tag == "table":
                    self._table(inner, parent)

    def _figure(self, element: Any, parent: Any) -> None:
        caption = caption_of(element)
        if caption is not None:
            self._inline(caption, self._paragraph(parent, "Caption"))
        for one in element:
            if one is caption:
                continue
            if one.tag == "svg":
                paragraph = self._paragraph(parent, "Normal")
                self._picture(one, paragraph, WIDTH)
            else:
                self._block(one, parent)

    # --- tables ----------------------------------------------------------------------------------------------------

    def _table(self, element: Any, parent: Any) -> None:
        caption = caption_of(element)
        if caption is not None:
            self._inline(caption, self._paragraph(parent, "Caption"))
        head, body = parts_of(element)
        lines = [(True, line) for line in grid(head)] + [(False, line) for line in grid(body)]
        columns = max((len(line) for _head, (_heading, line) in lines), default=0)
        if not columns:
            return
        table = _element("w:tbl", parent)
        properties = _element("w:tblPr", table)
        _element("w:tblW", properties, w=5000, type="pct")
        borders = _element("w:tblBorders", properties)
        for side, size in (("top", 8), ("bottom", 8), ("insideH", 4)):
            _element(f"w:{side}", borders, val="single", sz=size, space=0, color="0B3C49" if size == 8 else "A9BCC1")
        _element("w:tblLayout", properties, type="fixed")
        margins = _element("w:tblCellMar", properties)
        for side in ("left", "right"):
            _element(f"w:{side}", margins, w=60, type="dxa")
        has_rows = any(one.tag == "th" for _heading, line in grid(body) for one, _begins in line[:1])
        _element(
            "w:tblLook", properties, val="0000", firstRow=int(bool(head)), lastRow=0, firstColumn=int(has_rows),
            lastColumn=0, noHBand=1, noVBand=1,
        )  # fmt: skip
        said = text_of(caption).replace("\n", " ") if caption is not None else ""
        if said:
            _element("w:tblCaption", properties, val=clean(said)[:250])
        widths = _widths(element, columns)
        columns_grid = _element("w:tblGrid", table)
        for width in widths:
            _element("w:gridCol", columns_grid, w=width)
        for is_head, (heading, line) in lines:
            row = _element("w:tr", table)
            row_properties = _element("w:trPr", row)
            _element("w:cantSplit", row_properties)
            if is_head:
                _element("w:tblHeader", row_properties)
            self._cells(row, line, widths, is_head or heading)
        spacer = self._paragraph(parent, "Table text")
        _element("w:spacing", spacer.find(qn("w:pPr")), after=120)

    def _cells(self, row: Any, line: list[tuple[Any, bool]], widths: list[int], strong: bool) -> None:
        place = 0
        while place < len(widths):
            if place >= len(line):
                cell = _element("w:tc", row)
                _element("w:tcW", _element("w:tcPr", cell), w=widths[place], type="dxa")
                self._paragraph(cell, "Table text")
                place += 1
                continue
            element, begins = line[place]
            span = 1
            while place + span < len(line) and line[place + span][0] is element:
                span += 1
            cell = _element("w:tc", row)
            properties = _element("w:tcPr", cell)
            _element("w:tcW", properties, w=sum(widths[place : place + span]), type="dxa")
            if span > 1:
                _element("w:gridSpan", properties, val=span)
            if not begins or int(element.get("rowspan") or 1) > 1:
                _element("w:vMerge", properties, **({"val": "restart"} if begins else {}))
            room = sum(widths[place : place + span]) * 635 - 100_000
            shades = [SHADES[one] for one in classes(element) if one in SHADES]
            if shades:
                _element("w:shd", properties, val="clear", color="auto", fill=shades[0][0])
            self._cell(cell, element if begins else None, strong, room)
            place += span

    def _cell(self, cell: Any, element: Any, strong: bool, room: int) -> None:
        if element is None:
            self._paragraph(cell, "Table text")
            return
        bold = strong or classes(element) & {"strong", "total"} or "total" in classes(element.getparent())
        style = "Table head" if bold else "Table text"
        blocks = [one for one in element if one.tag in BLOCKS]
        if not blocks:
            self._cell_text(cell, element, style, room)
            return
        lead = (element.text or "").strip() or any(one.tag not in BLOCKS for one in element)
        if lead:
            self._cell_text(cell, element, style, room, without=BLOCKS)
        for one in blocks:
            if one.tag in ("ul", "ol"):
                self._list(one, cell, 0)
            elif one.tag == "table":
                self._table(one, cell)
            elif any(inner.tag in BLOCKS for inner in one):
                self._mixed(one, cell)
            else:
                self._cell_text(cell, one, style, room)
        if cell[-1].tag != qn("w:p"):  # a cell ends with a paragraph
            self._paragraph(cell, "Table text")

    def _cell_text(self, cell: Any, element: Any, style: str, room: int, *, without: frozenset[str] = NONE) -> None:
        paragraph = self._paragraph(cell, style)
        if "r" in classes(element):
            _element("w:jc", paragraph.find(qn("w:pPr")), val="right")
        elif any("heat" in classes(one) for one in element.iterancestors()) and element.tag == "td":
            _element("w:jc", paragraph.find(qn("w:pPr")), val="center")
        self._inline(element, paragraph, without=without, room=room)

    # --- in a line -------------------------------------------------------------------------------------------------

    def _inline(
        self, element: Any, paragraph: Any, *, without: frozenset[str] = NONE, room: int = WIDTH
    ) -> None:
        """The text and drawings of an element as runs, without what stands in paragraphs of its own."""
        self._bookmark(element, paragraph)
        self._runs(paragraph, self._pieces(element, _manner(element, {}), without, room), trim=True)

    def _pieces(
        self, element: Any, how: dict[str, Any], without: frozenset[str], room: int
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        yield element.text or "", how
        for one in element:
            if not isinstance(one.tag, str) or one.tag in ("style", "script"):
                pass
            elif one.tag == "svg":
                yield ("svg", one, room), how
            elif one.tag == "br":
                yield "\n", how
            elif one.tag in without:
                pass
            else:
                yield from self._pieces(one, _manner(one, how), without, room)
                if one.tag in ("p", "div", "li"):
                    yield "\n", how
                elif classes(one) & {"no", "figure"}:
                    yield " ", how
            yield one.tail or "", how

    def _runs(self, paragraph: Any, pieces: Any, *, trim: bool = False) -> None:
        """Write pieces of text, breaks and drawings; runs of white space are one space, none at a line's ends."""
        tidy: list[tuple[Any, dict[str, Any]]] = []
        fresh = True  # at the beginning of a line, where no space stands
        for piece, how in pieces:
            if isinstance(piece, tuple):
                tidy.append((piece, how))
                fresh = False
                continue
            if piece == "\n":
                if not fresh:
                    tidy.append(("\n", how))
                fresh = True
                continue
            text = re.sub(r"[ \t\r\n\f]+", " ", clean(piece))
            if fresh and trim:
                text = text.lstrip(" ")
            if text:
                tidy.append((text, how))
                fresh = text.endswith(" ")
        while trim and tidy and tidy[-1][0] in ("\n", " "):
            tidy.pop()
        for piece, how in tidy:
            target = self._link(paragraph, how["href"]) if "href" in how else paragraph
            if isinstance(piece, tuple):
                self._picture(piece[1], target, piece[2])
                continue
            run = _element("w:r", target)
            if how:
                self._dress(run, how)
            if piece == "\n":
                _element("w:br", run)
                continue
            text = _element("w:t", run)
            text.text = piece
            text.set(qn("xml:space"), "preserve")

    def _dress(self, run: Any, how: dict[str, Any]) -> None:
        properties = _element("w:rPr", run)
        # in the order that the format asks for
        if how.get("bold"):
            _element("w:b", properties)
        elif how.get("quiet"):
            _element("w:b", properties, val=0)
        if how.get("italic"):
            _element("w:i", properties)
        if how.get("white") or how.get("quiet"):
            _element("w:color", properties, val="FFFFFF" if how.get("white") else str(QUIET))
        if str(how.get("href", "")).startswith("https://"):
            _element("w:u", properties, val="single")
        if how.get("lang"):
            _element("w:lang", properties, val=TAGS.get(how["lang"], how["lang"]))

    def _link(self, paragraph: Any, href: str) -> Any:
        if href.startswith("#") and href[1:] in self._targets():
            return _element("w:hyperlink", paragraph, anchor=self._name(href[1:]), history=1)
        if href.startswith("https://"):
            kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"
            link = _element("w:hyperlink", paragraph, history=1)
            link.set(qn("r:id"), self.docx.part.relate_to(clean(href), kind, is_external=True))
            return link
        return paragraph

    def _targets(self) -> set[str]:
        if not hasattr(self, "_known_targets"):
            self._known_targets = {one.get("id") for one in self.root.iter() if one.get("id")}
        return self._known_targets

    def _name(self, anchor: str) -> str:
        """A bookmark's name for an anchor: letters, digits and underlines, at most 40."""
        if anchor not in self.bookmarks:
            self.bookmarks[anchor] = f"b{len(self.bookmarks) + 1}_" + re.sub(r"\W", "_", anchor, flags=re.ASCII)[:30]
        return self.bookmarks[anchor]

    def _bookmark(self, element: Any, paragraph: Any) -> None:
        anchor = element.get("id")
        if anchor and anchor in self.anchors:
            self.shapes += 1
            _element("w:bookmarkStart", paragraph, id=self.shapes, name=self._name(anchor))
            _element("w:bookmarkEnd", paragraph, id=self.shapes)

    def _picture(self, svg: Any, parent: Any, room: int) -> None:
        drawing = picture(svg)
        if drawing not in self.pictures:
            part, _image = self.docx.part.get_or_add_image(io.BytesIO(drawn(drawing)))
            self.pictures[drawing] = part
        width, height = (round(one * PER_POINT) for one in size_of(svg))
        if width > room > 0:
            width, height = room, round(height * room / width)
        self.shapes += 1
        inline = CT_Inline.new_pic_inline(
            self.shapes, self.pictures[drawing], f"{self.shapes}.png", Emu(width), Emu(height)
        )
        words = clean(alternative(svg))
        inline.docPr.set("descr", words)
        inline.docPr.set("name", f"{self.words(N_('Chart'))} {self.shapes}")
        run = _element("w:r", parent)
        run.append(_wrapped(inline))


def _manner(element: Any, how: dict[str, Any]) -> dict[str, Any]:
    """How the text of an element is set, within something that is set as `how` says."""
    own, names = dict(how), classes(element)
    if any(SHADES[one][1] for one in names if one in SHADES):
        own["white"] = True
    if element.tag in ("strong", "b") or names & {"heading", "late", "figure"}:
        own["bold"] = True
    if element.tag in ("em", "i", "cite"):
        own["italic"] = True
    if names & {"dim", "of"} and element.tag == "span":
        own["quiet"] = True
    if element.get("lang"):
        own["lang"] = element.get("lang")
    if element.tag == "a" and element.get("href"):
        own["href"] = element.get("href")
    return own


def _wrapped(inline: Any) -> Any:
    drawing = _element("w:drawing")
    drawing.append(inline)
    return drawing


def _mark(paragraph: Any, kind: str) -> None:
    _element("w:fldChar", _element("w:r", paragraph), fldCharType=kind)


def _instruction(paragraph: Any, text: str) -> None:
    instruction = _element("w:instrText", _element("w:r", paragraph))
    instruction.set(qn("xml:space"), "preserve")
    instruction.text = f" {text} "


def _field(paragraph: Any, instruction: str, shown: str) -> None:
    """A field that Word fills in."""
    _mark(paragraph, "begin")
    _instruction(paragraph, instruction)
    _mark(paragraph, "separate")
    _element("w:t", _element("w:r", paragraph)).text = shown
    _mark(paragraph, "end")


def _widths(table: Any, columns: int) -> list[int]:
    """The widths of columns in twentieths of a point: those that the page sets, and the rest shared."""
    whole = round(WIDTH / 635)
    set_widths: list[int | None] = []
    for column in table.findall("./colgroup/col"):
        found = re.search(r"width:\s*([\d.]+)mm", column.get("style") or "")
        set_widths.append(round(float(found.group(1)) * 56.7) if found else None)
    set_widths = (set_widths + [None] * columns)[:columns]
    fixed = sum(one for one in set_widths if one)
    free = [place for place, one in enumerate(set_widths) if not one]
    share = max(700, (whole - fixed) // len(free)) if free else 0
    widths = [one or share for one in set_widths]
    if sum(widths) != whole:
        total = sum(widths)
        widths = [max(200, width * whole // total) for width in widths]
    return widths
