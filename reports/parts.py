"""A long report laid out in parts by two processes, and written as one file.

A part is some chapters that follow each other; each chapter starts a page, so that nothing runs over from one part to
the next. What goes through the whole report is handed on: page numbers (a part waits, once its pages are known, for
those before it), numbered paragraphs, links and bookmarks, and the pages that the contents name, for which what comes
before the first chapter is laid out last. Fonts are put in once, with the glyphs of all parts.

The numbers of objects are dealt out like cards, one to each part in turn, so that a part can compress what it writes
and the file is the parts one after the other. Where a report is cut follows from the report alone: the same data give
the same bytes, however many processes work.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import md5
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import pydyf
import weasyprint.layout
import weasyprint.pdf
from weasyprint import DEFAULT_OPTIONS
from weasyprint.document import Document, DocumentMetadata
from weasyprint.html import get_html_metadata
from weasyprint.pdf.anchors import add_outlines
from weasyprint.pdf.fonts import Font
from weasyprint.text.ffi import ffi, harfbuzz

from app.domain.message import N_
from reports import finish
from reports.write import HEADER, Entry, write_end, write_objects

AT_ONCE = 2  # processes
PARTS = 5  # about so many, where there are chapters enough: two processes are then about equally long at work
SMALLEST = 400  # a part has at least so much, in table cells
LARGEST = 3000  # and, unless one chapter has more, at most so much: about 60 MB of boxes
SHORT = 1200  # a report with less is not worth cutting
CHAPTER = re.compile(r'<section class="chapter">')
ID = re.compile(r'\sid="([^"]+)"')
# counters that run through the whole report, and the tags that count on
COUNTED = {"para": re.compile(r'<p class="n"')}
PAGES = "<style>.contents a[data-page]::after { content: leader(dotted) attr(data-page) }</style></head>"
KEYS = 1_000_000  # of the parent tree, for each part
OPTIONS = DEFAULT_OPTIONS | {"pdf_tags": True, "pdf_version": "1.7"}
ffi.cdef("""
hb_blob_t *hb_blob_create(const char *data, unsigned int length, int mode, void *user, void *destroy);
hb_face_t *hb_face_create(hb_blob_t *blob, unsigned int index);
""")


class Unfit(Exception):
    """The report cannot be made in parts after all."""


# --- cutting --------------------------------------------------------------------------------------------------------


def weight(html: str) -> int:
    """How much work a piece of a page is, in table cells."""
    return html.count("<td") + html.count("<th") + 8 * html.count("<svg") + len(html) // 300


def cut(html: str) -> list[str]:
    """What comes before the first chapter, then the parts, each as a page of its own; empty where it is not cut."""
    body = re.search(r"<body[^>]*>", html)
    end = html.rfind("</body>")
    if body is None or end < 0:
        return []
    head, rest = html[: body.end()], html[body.end() : end]
    starts = [found.start() for found in CHAPTER.finditer(rest)]
    if len(starts) < 2 or weight(rest) < SHORT:
        return []
    chapters = [rest[a:b] for a, b in zip(starts, [*starts[1:], len(rest)], strict=True)]
    most = max(SMALLEST, min(LARGEST, weight(rest) // PARTS))
    parts: list[str] = []
    for chapter in chapters:
        if parts and weight(parts[-1]) + weight(chapter) <= most:
            parts[-1] += chapter
        else:
            parts.append(chapter)
    if len(parts) < 2:
        return []
    found, counted = [], dict.fromkeys(COUNTED, 0)
    for part in [rest[: starts[0]], *parts]:
        counters = " ".join(f"{name} {number}" for name, number in counted.items())
        found.append(f'{head[: body.start()]}<body style="counter-reset: {counters}">{part}</body></html>')
        for name, tag in COUNTED.items():
            counted[name] += len(tag.findall(part))
    return found


def with_pages(front: str, pages: dict[str, int] | None = None) -> str:
    """The front with the page numbers that its contents name; with none known, as wide ones as there can be."""
    numbered = re.sub(
        r'<a href="#([^"]+)"',
        lambda m: f'{m[0]} data-page="{pages.get(m[1], "") if pages is not None else 100}"',
        front,
    )
    return numbered.replace("</head>", PAGES, 1)


# --- painting a part ------------------------------------------------------------------------------------------------


class Objects(list[Any]):
    """Objects of one place of several, found by their numbers."""

    places = 1

    def __getitem__(self, number: Any) -> Any:
        """The object with a number, or a slice by place in the list."""
        return super().__getitem__(number // self.places if isinstance(number, int) else number)


class Numbered(pydyf.PDF):  # type: ignore[misc]
    """A PDF whose objects have the numbers of one place of `places`; place 1 is kept for what all parts refer to."""

    def __init__(self, place: int, places: int) -> None:
        self.place, self.places = place, places
        self.shared: dict[int, Any] = {}
        self.objects: list[Any]
        super().__init__()
        objects = Objects(self.objects)
        objects.places = places
        self.objects = objects
        if place:
            self.pages.number = places  # that of the first place stands for all

    def add_object(self, object_: pydyf.Object) -> None:
        """Give the object its number."""
        number = len(self.objects) * self.places + self.place
        if isinstance(object_, dict) and object_.get("S") == "/Document":
            number = 1
        elif isinstance(object_, Fonts):
            number = object_.of * self.places + 1
        if number % self.places == 1:
            self.shared[number] = object_
        object_.number = number
        self.objects.append(object_)

    def next_number(self) -> int:
        """The number of one more object."""
        made = pydyf.Object()
        self.add_object(made)
        return int(made.number)

    def at(self, reference: bytes | str) -> Any:
        """The object of a reference."""
        number = int(reference.split()[0])
        return self.shared.get(number) or self.objects[number]


class Fonts(pydyf.Dictionary):  # type: ignore[misc]
    """The fonts that a part refers to; made when all parts are known."""

    of = 0


@dataclass
class Painted:
    """What a part hands on: its file, where objects stand in it, and what is put together of all parts."""

    file: Path
    digest: str
    index: list[Entry]
    pages: list[int]
    kids: list[bytes]
    parents: bytes
    keys: tuple[int, int] | None
    anchors: list[tuple[str, bytes, float, float]]
    bookmarks: list[Any]
    fonts: dict[int, dict[str, Any]]
    peak: int = 0
    processor: float = 0


@contextmanager
def _replaced(*what: tuple[Any, str, Any]) -> Iterator[None]:
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in what]
    for owner, name, value in what:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


@contextmanager
def numbering(first_page: Callable[[int], int]) -> Iterator[None]:
    """While open, a document's pages are numbered from what `first_page` says when it is told how many there are."""
    stock, offset = weasyprint.layout.make_margin_boxes, None

    def make_margin_boxes(context: Any, page: Any, state: Any) -> Any:
        nonlocal offset
        if offset is None:
            offset = first_page(state[1]["pages"][0])
        counters = state[1] | {"page": [*state[1]["page"][:-1], state[1]["page"][-1] + offset]}
        return stock(context, page, (state[0], counters, *state[2:]))

    with _replaced((weasyprint.layout, "make_margin_boxes", make_margin_boxes)):
        yield


def paint(document: Any, place: int, places: int, elsewhere: set[str], taken: set[str], file: Path) -> Painted:
    """Write a laid out part. Ids in `elsewhere` can be linked to; those in `taken` stand in an earlier part."""
    caught: dict[str, Any] = {}

    def outlines(_pdf: Any, bookmarks: list[Any]) -> None:
        caught["bookmarks"] = bookmarks

    def fonts_dictionary(_pdf: Any, fonts: dict[int, Any], *_options: Any) -> Fonts:
        caught["fonts"] = fonts
        made = Fonts()
        made.of = place - 1
        return made

    def resolve_links(pages: list[Any]) -> Iterator[tuple[list[Any], list[Any]]]:
        anchors, found = set(taken), []
        for page in pages:
            new = [(name, x, y) for name, (x, y, _, _) in page.anchors.items() if name not in anchors]
            anchors.update(name for name, _, _ in new)
            found.append(new)
        known = anchors | elsewhere
        for page, new in zip(pages, found, strict=True):
            yield [link for link in page.links if link[0] != "internal" or link[1] in known], new

    with (
        finish.logical_structure(document) as finisher,
        _replaced(
            (pydyf, "PDF", lambda: Numbered(place, places)),
            (weasyprint.pdf, "add_outlines", outlines),
            (weasyprint.pdf, "build_fonts_dictionary", fonts_dictionary),
            (weasyprint.pdf, "resolve_links", resolve_links),
        ),
    ):
        pdf: Any = weasyprint.pdf.generate_pdf(document, None, 1, **OPTIONS)
        finisher(document, pdf)
    base = place * KEYS
    for one in pdf.objects:
        if isinstance(one, dict) and one.get("Type") == "/Page":
            one["StructParents"] += base
        elif isinstance(one, dict) and one.get("Type") == "/Annot":
            one["F"] = 4  # printed, as PDF/A asks
            one["StructParent"] += base
    root = pdf.at(pdf.catalog["StructTreeRoot"])
    parents = pdf.at(root["ParentTree"])
    numbers = parents["Nums"]
    numbers[::2] = [key + base for key in numbers[::2]]
    keys = (numbers[0], numbers[-2]) if numbers else None
    if keys:
        parents["Limits"] = pydyf.Array(keys)
    names = pdf.catalog.get("Names", {}).get("Dests", {}).get("Names", [])
    left_out = {id(one) for one in (pdf.objects[0], pdf.pages, pdf.catalog, root, *pdf.shared.values())}
    with file.open("wb") as out:
        objects = [one for one in pdf.objects if id(one) not in left_out]
        index, digest = write_objects(objects, pdf.next_number, out)
    return Painted(
        file, digest, index,
        pages=list(pdf.pages["Kids"][::3]),
        kids=list(pdf.shared[1]["K"]),
        parents=parents.reference,
        keys=keys,
        anchors=[(n.string, d[0], d[2], d[3]) for n, d in zip(names[::2], names[1::2], strict=True)],
        bookmarks=caught["bookmarks"],
        fonts={key: _plain(font) for key, font in caught["fonts"].items()},
    )  # fmt: skip


# --- fonts ----------------------------------------------------------------------------------------------------------


def _plain(font: Any) -> dict[str, Any]:
    """A font without what lives in one process only."""
    return {name: value for name, value in vars(font).items() if name not in ("hb_font", "hb_face")}


def _font(plain: dict[str, Any]) -> Any:
    font = Font.__new__(Font)
    vars(font).update(plain)
    font.kept = ffi.from_buffer(font.file_content)
    blob = harfbuzz.hb_blob_create(font.kept, len(font.file_content), 1, ffi.NULL, ffi.NULL)
    font.hb_face = ffi.gc(harfbuzz.hb_face_create(blob, font.index), harfbuzz.hb_face_destroy)
    harfbuzz.hb_blob_destroy(blob)
    font.hb_font = ffi.NULL
    return font


def _together(parts: list[Painted]) -> tuple[dict[int, Any], dict[int, dict[int, Any]]]:
    """The fonts of all parts with all their glyphs; and, by part, those that lack glyphs and so stand alone."""
    lacking = {key for part in parts for key, font in part.fonts.items() if font["missing"]}
    shared: dict[int, Any] = {}
    alone: dict[int, dict[int, Any]] = {}
    for number, part in enumerate(parts):
        for key, plain in part.fonts.items():
            if key in lacking:
                alone.setdefault(number, {})[key] = _font(plain)
            elif key not in shared:
                shared[key] = _font(plain)
            else:
                shared[key].widths = plain["widths"] | shared[key].widths
                shared[key].to_unicode = plain["to_unicode"] | shared[key].to_unicode
    for font in shared.values():  # in one order, whichever part came first
        font.widths, font.to_unicode = dict(sorted(font.widths.items())), dict(sorted(font.to_unicode.items()))
    return shared, alone


# --- putting together -----------------------------------------------------------------------------------------------


def assemble(
    parts: list[Painted], source: Any, font_config: Any, attachments: list[Any], out: Any
) -> None:  # fmt: skip
    """Write the whole file: the parts, and what holds them together."""
    places = len(parts) + 2
    shared, alone = _together(parts)
    empty = Document([], DocumentMetadata(**get_html_metadata(source)), source.url_fetcher, font_config, {}, "srgb")
    empty.fonts = shared
    options = OPTIONS | {"pdf_variant": "pdf/a-3a", "output_intent": "srgb", "attachments": attachments,
                         "attachment_relationships": None}  # fmt: skip
    caught: dict[str, Any] = {}
    build = weasyprint.pdf.build_fonts_dictionary

    def fonts_dictionary(*given: Any) -> Any:
        caught["given"], caught["fonts"] = given, build(*given)
        return caught["fonts"]

    with _replaced(
        (pydyf, "PDF", lambda: Numbered(0, places)), (weasyprint.pdf, "build_fonts_dictionary", fonts_dictionary)
    ):
        pdf: Any = weasyprint.pdf.generate_pdf(empty, None, 1, **options)
    given = caught["given"]
    for number in range(len(parts)):
        fonts = Fonts(caught["fonts"])
        if number in alone:
            fonts.update(build(pdf, alone[number], *given[2:]))
        fonts.of = number + 1
        pdf.add_object(fonts)
    for part in parts:
        pdf.pages["Kids"].extend(entry for number in part.pages for entry in (number, 0, "R"))
    pdf.pages["Count"] = sum(len(part.pages) for part in parts)
    bookmarks, before = [], 0
    for part in parts:
        bookmarks += [_moved(one, before) for one in part.bookmarks]
        before += len(part.pages)
    add_outlines(pdf, bookmarks)
    anchors = sorted((anchor for part in parts for anchor in part.anchors), key=lambda one: one[0])
    names = pydyf.Array()
    for name, page, x, y in anchors:
        names += [pydyf.String(name), pydyf.Array([page, "/XYZ", x, y, 0])]
    if names:
        pdf.catalog.setdefault("Names", pydyf.Dictionary())["Dests"] = pydyf.Dictionary({"Names": names})
    root = pdf.at(pdf.catalog["StructTreeRoot"])
    root["ParentTreeNextKey"] = (len(parts) + 2) * KEYS
    tree = pdf.at(root["ParentTree"])
    del tree["Nums"]
    tree["Kids"] = pydyf.Array(part.parents for part in parts if part.keys)
    for part in parts:
        pdf.shared[1]["K"].extend(part.kids)
    finish.archive(pdf)
    out.write(HEADER)
    index: list[Entry] = []
    for part in parts:
        at = out.tell()
        index += [(n, kind, a + at if kind == 1 else a, b) for n, kind, a, b in part.index]
        with part.file.open("rb") as content:
            shutil.copyfileobj(content, out)
    pdf.add_object(pdf.info)
    own, digest = write_objects(list(pdf.objects[1:]), pdf.next_number, out)
    digests = [digest, *(part.digest for part in parts)]
    write_end(
        pdf, index + own, pdf.next_number(), md5("".join(digests).encode(), usedforsecurity=False).hexdigest(), out
    )


def _moved(bookmark: Any, pages: int) -> Any:
    label, (page, x, y), children, state = bookmark
    return label, (page + pages, x, y), [_moved(one, pages) for one in children], state


# --- the processes --------------------------------------------------------------------------------------------------


@dataclass
class _Part:
    """A part as its process is at work."""

    pid: int
    line: Connection
    state: str = "laying out"  # then "waiting", "painting", "done"
    anchors: dict[str, int] | None = None  # the page of each, within the part
    painted: Painted | None = None


def render(
    pieces: list[str], lay_out: Callable[[str], tuple[Any, Any]], attachments: Callable[[], list[Any]],
    font_config: Any, out: Any, send: Callable[[dict[str, Any]], None], peak: Callable[[], int],
    folder: str,
) -> tuple[int, int, float]:  # fmt: skip
    """Render the pieces of `cut` to the file `out`; how many pages, the most memory that a process took, and the
    processor time of the processes that were started.

    `lay_out` gives the source and the document of a page. Raises Unfit where it must be made in one piece, MemoryError
    where a part needs more than it may have, and RuntimeError where one fails.
    """
    front, *bodies = pieces
    places = len(pieces) + 2
    ids = [set(ID.findall(piece)) for piece in pieces]
    with tempfile.TemporaryDirectory(dir=folder) as files:

        def painted(document: Any, number: int) -> Painted:
            elsewhere = set().union(*(ids[other] for other in range(len(pieces)) if other != number))
            taken = set().union(*ids[:number])
            return paint(document, number + 2, places, elsewhere, taken, Path(files) / f"{number}")

        def work(number: int, line: Connection) -> None:
            def first_page(pages: int) -> int:
                line.send(("laid out", pages))
                return int(line.recv())

            with numbering(first_page):
                _source, document = lay_out(pieces[number])
            line.send(("anchors", {name: i for i, page in enumerate(document.pages) for name in page.anchors}))
            made = painted(document, number)
            made.peak, made.processor = peak(), time.process_time()
            line.send(("done", made))

        # the widest numbers: what the contents take is known before the pages that they name
        _source, first = lay_out(with_pages(front))
        counts: dict[int, int] = {0: len(first.pages)}
        del first
        order = list(range(1, len(pieces)))
        if len(order) <= 2 * PARTS:  # the longest first, as none is left over then; of very many, in their order
            order.sort(key=lambda number: -weight(pieces[number]))
        at_work: dict[int, _Part] = {}
        finished: Painted | None = None
        source: Any = None
        try:
            while finished is None or any(one.state != "done" for one in at_work.values()):
                _go_on(at_work, order, counts, work)
                if finished is None and not order and all(one.anchors is not None for one in at_work.values()):
                    with numbering(lambda _pages: 0):
                        source, last = lay_out(with_pages(front, _pages(counts, at_work)))
                    if len(last.pages) != counts[0]:
                        raise Unfit
                    finished = painted(last, 0)
                    del last
                    continue
                busy = {one.line: n for n, one in at_work.items() if one.state in ("laying out", "painting")}
                for line in wait(list(busy)):
                    _hear(at_work[busy[line]], busy[line], counts)  # type: ignore[index]
                done = sum(one.state == "done" for one in at_work.values())
                send({"progress": 25 + 60 * done // len(bodies), "step": N_("Setting the pages")})
            send({"progress": 90, "step": N_("Writing the file")})
            parts = [finished, *(at_work[n].painted for n in range(1, len(pieces)))]
            made = [one for one in parts if one is not None]
            assemble(made, source, font_config, attachments(), out)
        finally:
            for one in at_work.values():
                one.line.close()
                with suppress(ProcessLookupError):
                    os.kill(one.pid, signal.SIGKILL)
                os.waitpid(one.pid, 0)
    return sum(counts.values()), max(peak(), *(part.peak for part in made)), sum(part.processor for part in made)


def _pages(counts: dict[int, int], at_work: dict[int, _Part]) -> dict[str, int]:
    """The page of each anchor in the parts, from 1."""
    starts = {number: sum(counts[n] for n in range(number)) for number in counts}
    return {
        name: starts[number] + page + 1
        for number in sorted(at_work, reverse=True)  # of an id that comes twice the first counts
        for name, page in (at_work[number].anchors or {}).items()
    }


def _go_on(
    at_work: dict[int, _Part], order: list[int], counts: dict[int, int], work: Callable[[int, Connection], None]
) -> None:
    """Let as many processes work as may: first those that know their first page by now, then new ones."""
    busy = sum(one.state in ("laying out", "painting") for one in at_work.values())
    for number in sorted(at_work):
        one = at_work[number]
        if busy < AT_ONCE and one.state == "waiting" and all(n in counts for n in range(number)):
            one.line.send(sum(counts[n] for n in range(number)))
            one.state = "painting"
            busy += 1
    while busy < AT_ONCE and order:
        number = order.pop(0)
        at_work[number] = _start(number, work, at_work)
        busy += 1


def _start(number: int, work: Callable[[int, Connection], None], others: dict[int, _Part]) -> _Part:
    ours, theirs = Pipe()
    pid = os.fork()
    if pid:
        theirs.close()
        return _Part(pid, ours)
    try:
        ours.close()
        for other in others.values():
            other.line.close()
        work(number, theirs)
    except MemoryError:
        theirs.send(("memory", None))
    except BaseException as problem:
        with suppress(OSError):
            theirs.send(("failed", f"{type(problem).__name__}: {problem}"))
    finally:
        os._exit(0)


def _hear(one: _Part, number: int, counts: dict[int, int]) -> None:
    """Take what a part says."""
    try:
        what, content = one.line.recv()
    except EOFError:
        raise RuntimeError(f"part {number} of the report stopped") from None
    if what == "laid out":
        counts[number], one.state = content, "waiting"
    elif what == "anchors":
        one.anchors = content
    elif what == "done":
        one.painted, one.state = content, "done"
    elif what == "memory":
        raise MemoryError
    else:
        raise RuntimeError(f"part {number} of the report: {content}")
