"""The engine: forked processes that are as much apart as new ones, reports in parts, and what is attached in a PDF."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import page
import pypdf
import pytest

from bench.reports import invented
from reports import parts, registry, worker, xhtml
from reports.attached import NotOurs, read
from reports.letters import MISSING, printable
from reports.pool import Pool
from reports.registry import ASSETS, HERE
from reports.render import RenderFailed, render_pdf
from tests.pdf_gate import assert_pdf_ua
from tests.reports.engine import anchors, bookmarks, elements, links, parent_tree, render_whole, streams

KINDS = {"bench-annex": invented.Annex, "bench-profile": invented.Profile}


@pytest.fixture(scope="module", autouse=True)
def invented_reports() -> Iterator[None]:
    """The reports of the benchmark, while these tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "FOLDERS", [HERE, invented.FOLDER])
        patch.setattr(registry, "DATA_KINDS", registry.DATA_KINDS | KINDS)
        forget()
        yield
    forget()


def forget() -> None:
    """What is remembered of which reports there are."""
    registry.reports.cache_clear()
    worker.environment.cache_clear()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """A process that forks, with those reports."""
    found = Pool("bench.reports.serve")
    yield found
    found.close()


@pytest.fixture(scope="module")
def annex() -> dict[str, Any]:
    """Data of a report that is long enough to be cut: its tables run over pages, and its chapters link to others."""
    return invented.annex(3600, 6).model_dump(mode="json")


@pytest.fixture(scope="module")
def made(annex: dict[str, Any], pool: Pool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The annex, made in parts."""
    out = tmp_path_factory.mktemp("annex") / "annex.pdf"
    render_pdf("annex", annex, out, pool=pool)
    return out


@pytest.fixture(scope="module")
def whole(annex: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The annex, made in one piece."""
    out = tmp_path_factory.mktemp("annex") / "whole.pdf"
    render_whole("annex", annex, out)
    return out


def processes_below(pid: int) -> list[int]:
    """The processes that a process started, and theirs."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):  # it ended
            continue
        if parent == pid:
            child = int(status.parent.name)
            found += [child, *processes_below(child)]
    return found


# --- in parts --------------------------------------------------------------------------------------------------------


def test_parts_make_what_one_piece_makes(made: Path, whole: Path) -> None:
    ours, expected = pypdf.PdfReader(made), pypdf.PdfReader(whole)
    assert len(ours.pages) > 10
    # every page to the last byte: text, places, numbers of pages and paragraphs, running heads, marked content
    assert streams(ours) == streams(expected)
    assert bookmarks(ours) == bookmarks(expected)
    assert len(bookmarks(ours)) > 6
    assert anchors(ours) == anchors(expected)
    assert links(ours) == links(expected)
    assert len(links(ours)) > 15
    assert elements(ours) == elements(expected)
    assert dict(ours.metadata or {}) == dict(expected.metadata or {})
    assert made.stat().st_size < 1.2 * whole.stat().st_size


def test_contents_and_feet_name_the_pages(made: Path) -> None:
    pdf = pypdf.PdfReader(made)
    contents = pdf.pages[1].extract_text()
    places = anchors(pdf)
    for number in range(1, 7):
        at = places[f"c{number}"]
        assert at is not None
        assert re.search(rf"Region {number}: [^\n]*?\.+\s*{at + 1}\b", contents), contents
        assert pdf.pages[at].extract_text().endswith(f"fictional agencies {at + 1}")


def test_one_element_for_each_table_and_paragraph(made: Path) -> None:
    found = elements(pypdf.PdfReader(made))
    assert found["/Table"] == 7  # one a chapter, and that of the colophon
    assert found["/THead"] == 6
    assert found["/Document"] == 1
    assert found["/Sect"] == 8


def test_each_page_and_link_stands_in_the_parent_tree(made: Path) -> None:
    pdf = pypdf.PdfReader(made)
    tree = parent_tree(pdf)
    for one in pdf.pages:
        assert one["/StructParents"] in tree
        for annotation in one.get("/Annots", []):
            assert tree[annotation.get_object()["/StructParent"]].get_object()["/S"] == "/Link"
    assert len(tree) == len(pdf.pages) + len(links(pdf))


def test_numbered_paragraphs_go_on(made: Path) -> None:
    text = " ".join(one.extract_text() for one in pypdf.PdfReader(made).pages)
    assert [number for number in range(1, 7) if re.search(rf"\b{number}\.\s+50 agencies", text)] == [1, 2, 3, 4, 5, 6]


def test_counters_of_the_styles_are_known_to_the_parts() -> None:
    styles = (ASSETS / "report.css").read_text()
    assert set(re.findall(r"counter-increment:\s*(\w+)", styles)) == set(parts.COUNTED)
    # what would need to know of other parts, and is not handed on
    assert not re.search(r"@page\s*\w*:(first|left|right)|counter\(pages\)|float:\s*footnote", styles)


def test_where_a_report_is_cut() -> None:
    chapter = '<section class="chapter"><p class="n">x</p>' + "<td></td>" * 700 + "</section>"
    joined = '<section class="chapter continued"><p class="n">y</p></section>'
    html = f'<html><head></head><body><nav></nav>{chapter}{joined}{chapter}{chapter}</body></html>'
    pieces = parts.cut(html)
    assert [len(re.findall("<section", piece)) for piece in pieces] == [0, 2, 1, 1]
    assert [re.findall(r"counter-reset: ([^\"]*)", piece) for piece in pieces] == [
        ["para 0"], ["para 0"], ["para 2"], ["para 3"],
    ]  # fmt: skip
    assert parts.cut(html.replace("<td></td>", "")) == []
    assert parts.cut("<html><body></body></html>") == []


def test_a_part_that_fails_fails_the_report(tmp_path: Path) -> None:
    annex = invented.annex(30000, 2).model_dump(mode="json")
    small = Pool("tests.reports.small_pool")
    try:
        with pytest.raises(RenderFailed, match=r"needs more than|stopped"):
            render_pdf("annex", annex, tmp_path / "x.pdf", pool=small)
        assert small.process is not None
        assert processes_below(small.process.pid) == []
    finally:
        small.close()
    assert list(tmp_path.iterdir()) == []


# --- the same bytes --------------------------------------------------------------------------------------------------


def test_bytes_are_the_same_pooled_or_not_alone_or_together(pool: Pool, tmp_path: Path) -> None:
    data = invented.profile(1).model_dump(mode="json")
    with ThreadPoolExecutor(2) as threads:
        found = list(
            threads.map(
                lambda name: render_pdf("profile", data, tmp_path / f"{name}.pdf", pool=pool).sha256, ("a", "b")
            )
        )
    assert set(found) == {render_whole("profile", data, tmp_path / "c.pdf")["sha256"]}


def test_parts_give_the_same_bytes_again(annex: dict[str, Any], made: Path, pool: Pool, tmp_path: Path) -> None:
    again = render_pdf("annex", annex, tmp_path / "again.pdf", pool=pool)
    assert again.sha256 == hashlib.sha256(made.read_bytes()).hexdigest()
    assert again.peak_memory_mb < 400


# --- archival and accessible -----------------------------------------------------------------------------------------


def test_every_pdf_is_archival_and_accessible_at_once(made: Path, whole: Path) -> None:
    for path in (made, whole):
        assert_pdf_ua(path)
        archival = page.validate_pdf(path, profile=page.ValidationProfile.PDF_A_3A)
        assert [f"{one.rule_id}: {one.message}" for one in archival.failures] == []
        assert archival.is_compliant


def test_the_gate_finds_what_is_taken_out_of_the_metadata(made: Path, tmp_path: Path) -> None:
    content = made.read_bytes()
    assert b"<pdfuaid:part>1</pdfuaid:part>" in content  # not compressed: found by what reads no PDF
    with pytest.raises(AssertionError, match="PDF/UA-1"):
        assert_pdf_ua(content.replace(b"<pdfuaid:part>1</pdfuaid:part>", b"<pdfuaid:part>7</pdfuaid:part>"))
    broken = content.replace(b'pdfaid:conformance="A"', b'pdfaid:conformance="Z"')
    assert broken != content
    assert not page.validate_pdf_bytes(broken, profile=page.ValidationProfile.PDF_A_3A).is_compliant


def test_data_and_schema_are_attached_once_and_dated_by_the_facts(made: Path, annex: dict[str, Any]) -> None:
    pdf = pypdf.PdfReader(made)
    root = pdf.trailer["/Root"]
    files = [one.get_object() for one in root["/AF"]]  # type: ignore[index]
    assert [str(one["/UF"]) for one in files] == ["annex.json", "annex.schema.json", "made.json"]
    assert [one["/AFRelationship"] for one in files] == ["/Source", "/Supplement", "/Supplement"]
    for one in files:
        dates = one["/EF"]["/F"]["/Params"]
        assert {str(dates["/CreationDate"]), str(dates["/ModDate"])} == {"D:20030601090000Z"}
    found = read(made.read_bytes())
    assert json.loads(found.data) == annex
    assert found.made["content_sha256"] == hashlib.sha256(found.data).hexdigest()
    assert found.made["content_sha256"] in pdf.pages[-1].extract_text().replace("\n", "")
    schema = json.loads(pdf.attachments["annex.schema.json"][0])
    assert schema["title"] == "Annex"
    invented.Annex.model_validate(json.loads(found.data))


# WeasyPrint leaves the file of its colour profile open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_no_report_is_said_in_words(made: Path) -> None:
    with pytest.raises(NotOurs, match="not a PDF"):
        read(b"hello")
    with pytest.raises(NotOurs, match="No data are attached"):
        read(worker.pdf('<html lang="en"><head><title>x</title></head><body><h1>x</h1></body></html>', print)[1])


# --- apart -----------------------------------------------------------------------------------------------------------


def test_a_report_that_takes_too_long_leaves_nothing_behind(annex: dict[str, Any], pool: Pool, tmp_path: Path) -> None:
    assert pool.process is not None
    with pytest.raises(RenderFailed, match="stopped after"):
        render_pdf("annex", annex, tmp_path / "x.pdf", pool=pool, timeout=0.7)
    assert processes_below(pool.process.pid) == []
    assert list(tmp_path.iterdir()) == []
    # and the next one is made
    assert render_pdf("profile", invented.profile(2).model_dump(mode="json"), tmp_path / "y.pdf", pool=pool).pages


def test_a_forked_process_has_limits_of_its_own(pool: Pool) -> None:
    with (HERE / "registry.py").open() as complaints:
        job = pool.start(complaints)
        assert pool.process is not None
        try:
            assert processes_below(pool.process.pid) == [job.pid]
            job.stdin.write("not json")
            job.stdin.close()
            assert job.stdout.read() == ""
        finally:
            assert job.wait() != 0
            job.stdout.close()
    assert processes_below(pool.process.pid) == []


def test_a_pool_that_was_killed_is_started_again(tmp_path: Path) -> None:
    pool = Pool("bench.reports.serve")
    data = invented.profile(3).model_copy(update={"parts": ()}).model_dump(mode="json")
    try:
        first = render_pdf("profile", data, tmp_path / "a.pdf", pool=pool)
        assert pool.process is not None
        os.kill(pool.process.pid, signal.SIGKILL)
        pool.process.wait()
        assert render_pdf("profile", data, tmp_path / "b.pdf", pool=pool).sha256 == first.sha256
    finally:
        pool.close()
    assert pool.process is None


# --- pages -----------------------------------------------------------------------------------------------------------


def test_what_no_font_has_is_printed_as_a_sign() -> None:
    assert printable("Plain é — ‘x’ שלום\n") == "Plain é — ‘x’ שלום\n"
    assert printable("a\x00b\x0b\ufeff\ufffe") == "ab"
    assert printable("\u202eשלום 1\u202c \u2066two\u2069") == "שלום 1 two", "no name turns the words beside it"
    assert printable("one 漢字 two 👩\u200d👩\u200d👧") == f"one {MISSING} two {MISSING}"


def flat(element: Any) -> list[Any]:
    """An element and all in it, without comments and the white space around head and body."""
    return [
        (one.tag, dict(one.attrib), one.text or "", (one.tail or "").rstrip())
        for one in element.iter()
        if isinstance(one.tag, str)
    ]


@pytest.mark.parametrize("key", ["annex", "profile"])
def test_pages_read_as_xml_are_what_html_says(key: str) -> None:
    from weasyprint import HTML

    document = invented.annex(200, 2) if key == "annex" else invented.profile(1)
    html = worker.page(f"{key}/page.html", document, {})
    root = xhtml.parsed(html)
    assert root is not None
    expected = flat(HTML(string=html).etree_element)
    found = flat(root)
    # HTML moves the white space after the body into it
    assert [one for one in found if one[0] != "html"][1:-1] == [one for one in expected if one[0] != "html"][1:-1]


def test_what_is_not_xhtml_is_read_as_html() -> None:
    assert xhtml.parsed("<html><head></head><body><p>one<p>two</body></html>") is None
    assert xhtml.parsed("<html><head></head><body>a &nbsp; b</body></html>") is None
    assert xhtml.parsed('<!DOCTYPE x [<!ENTITY a "b">]><html><body>&a;</body></html>') is None
    page = worker.read_page("<html><head></head><body><p>one<p>two</body></html>")
    assert len(page.etree_element.findall("body/p")) == 2


def test_the_cost_of_a_page_does_not_grow(pool: Pool, tmp_path: Path) -> None:
    costs = []
    for cells, chapters in ((1800, 3), (7200, 12)):
        data = invented.annex(cells, chapters).model_dump(mode="json")
        started = time.process_time()
        cost = render_pdf("annex", data, tmp_path / "x.pdf", pool=pool)
        assert time.process_time() - started < cost.processor  # the work is done elsewhere
        costs.append(cost.processor / cost.pages)
    assert costs[1] < 2 * costs[0]  # the benchmark measures; this finds what grows by the square
