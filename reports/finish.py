"""What is done to a PDF before it is written: one structure element per HTML element, and PDF/A beside PDF/UA.

WeasyPrint 70 starts a new table, paragraph or list on each page and tags every repeated table head. A screen
reader then announces one table of ten pages as ten tables. Here the parts are put together again, repeated heads
become artifacts, and header cells get their scope. Drop that when WeasyPrint does the same.

WeasyPrint writes PDF/A-3a or PDF/UA-1; `archive` makes a file of the first say that it is the second as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pydyf
from weasyprint.formatting_structure import boxes
from weasyprint.pdf import tags
from weasyprint.pdf.stream import Stream

# elements that a page break cuts; a figure is never cut
MERGED = frozenset(
    {"/Table", "/THead", "/TBody", "/TFoot", "/TR", "/TD", "/TH", "/Caption", "/P", "/L", "/LI", "/LBody", "/Lbl",
     "/Div", "/Sect", "/Art", "/Part", "/NonStruct", "/Span", "/BlockQuote", "/H1", "/H2", "/H3", "/H4", "/Link"}
)  # fmt: skip

# what PDF/UA-1 wants in the metadata, and what PDF/A-3 wants to know of that
UA = (
    b'<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">'
    b"<pdfuaid:part>1</pdfuaid:part></rdf:Description>"
    b'<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
    b' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
    b' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">'
    b'<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">'
    b"<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>"
    b"<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>"
    b"<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>"
    b'<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">'
    b"<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>"
    b"<pdfaProperty:category>internal</pdfaProperty:category>"
    b"<pdfaProperty:description>PDF/UA part</pdfaProperty:description>"
    b"</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"
)


@contextmanager
def logical_structure(document: Any) -> Iterator[Callable[[Any, Any], None]]:
    """While open, PDFs of the document are written with one element per HTML element; gives the finisher to pass."""
    repeated = _repeated_heads(document)
    build, marked = tags._build_box_tree, Stream.marked

    def build_box_tree(
        box: Any, parent: Any, pdf: Any, page_number: int, nums: Any, annotations: Any, known: Any
    ) -> Iterator[Any]:
        real = box._box if isinstance(box, tags.AbsolutePlaceholder) else box
        if real in repeated:
            return
        for element in build(box, parent, pdf, page_number, nums, annotations, known):
            if not hasattr(element, "source"):
                # the same HTML element gives the same key on every page
                html = real.element
                element.source = None if html is None else (id(html), real.element_tag, element["S"])
            yield element

    @contextmanager
    def mark(stream: Any, box: Any, tag: str) -> Iterator[None]:
        with stream.artifact() if box in repeated else marked(stream, box, tag):
            yield

    tags._build_box_tree, Stream.marked = build_box_tree, mark
    try:
        yield _finish
    finally:
        tags._build_box_tree, Stream.marked = build, marked


def _finish(_document: Any, pdf: Any) -> None:
    _put_together(pdf)
    if "Metadata" in pdf.catalog:
        archive(pdf)


def archive(pdf: Any) -> None:
    """Make a PDF/A-3a that is to be written say that it is PDF/UA-1 too, and name each attached file once."""
    at = pdf.at if hasattr(pdf, "at") else lambda reference: pdf.objects[int(reference.split()[0])]
    metadata = at(pdf.catalog["Metadata"])
    metadata.stream = [metadata.stream[0].replace(b"</rdf:RDF>", UA + b"</rdf:RDF>")]
    metadata.compress = False
    if "AF" in pdf.catalog:
        pdf.catalog["AF"] = pydyf.Array(dict.fromkeys(pdf.catalog["AF"]))


def _repeated_heads(document: Any) -> set[Any]:
    """The boxes of table heads that are printed again on later pages."""
    seen: set[Any] = set()
    repeated: set[Any] = set()
    for page in document.pages:
        for placed in page._page_box.descendants(placeholders=True):
            box = getattr(placed, "_box", placed)
            if isinstance(box, boxes.TableRowGroupBox) and box.is_header and box.element is not None:
                if box.element in seen:
                    repeated.add(box)
                    for inner in box.descendants():
                        repeated.add(inner)
                        if isinstance(inner, boxes.TableCellBox):
                            inner.mark = {"A": {}}  # read when cells are linked to heads
                else:
                    seen.add(box.element)
    return repeated


def _put_together(pdf: Any) -> None:
    """Merge what page breaks cut, mend the parent tree, and give header cells a scope instead of lists of ids."""
    objects = pdf.objects

    def at(reference: Any) -> Any:
        if not isinstance(reference, bytes | str):
            return None
        return pdf.at(reference) if hasattr(pdf, "at") else objects[int(reference.split()[0])]

    replaced: dict[Any, Any] = {}
    pending = [next(o for o in objects if isinstance(o, dict) and o.get("S") == "/Document")]
    while pending:
        parent = pending.pop()
        first: dict[Any, Any] = {}
        kept = []
        for kid in parent["K"]:
            element = at(kid)
            source = getattr(element, "source", None)
            if source is None or element["S"] not in MERGED:
                kept.append(kid)
            elif source not in first:
                first[source] = element
                kept.append(kid)
            else:
                _move_kids(element, first[source], at)
                replaced[element.reference] = first[source].reference
                element.free = "f"
        parent["K"][:] = kept
        pending += [element for kid in kept if isinstance(element := at(kid), dict) and "K" in element]

    root = next(o for o in objects if isinstance(o, dict) and o.get("Type") == "/StructTreeRoot")
    numbers = at(root["ParentTree"])["Nums"]
    for place in range(1, len(numbers), 2):
        value = numbers[place]
        if isinstance(value, list):
            numbers[place] = pydyf.Array([replaced.get(reference, reference) for reference in value])
        else:
            numbers[place] = replaced.get(value, value)

    for cell in objects:
        if isinstance(cell, dict) and cell.get("S") in ("/TH", "/TD") and "A" in cell:
            cell["A"].pop("Headers", None)
            if cell["S"] == "/TH":
                cell.pop("ID", None)
                group = at(at(cell["P"])["P"])
                cell["A"]["Scope"] = "/Column" if group["S"] == "/THead" else "/Row"
            elif len(cell["A"]) == 1:
                del cell["A"]


def _move_kids(source: Any, target: Any, at: Callable[[Any], Any]) -> None:
    """Hand the content of a later part to the first; marked content keeps the page that it stands on."""
    for kid in source["K"]:
        if isinstance(kid, int):
            target["K"].append(pydyf.Dictionary({"Type": "/MCR", "Pg": source["Pg"], "MCID": kid}))
            continue
        element = at(kid)
        if isinstance(element, dict) and element.get("Type") == "/StructElem":
            element["P"] = target.reference
        target["K"].append(kid)
