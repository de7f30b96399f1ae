"""Rendering: accessible, the same bytes every time, and nothing but packaged assets."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import page
import pypdf
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import make_engine
from app.domain.findings import JointFindings
from app.models import AuditReturn, Base, Submission
from app.policy import system_actor
from config import ROOT
from reports import worker
from reports.attached import read
from reports.make import make_report
from reports.registry import ASSETS, HERE, load
from reports.registry import reports as all_reports
from reports.render import RenderFailed, render_pdf
from reports.word import drawn
from tests import pdf_text
from tests.pdf_gate import assert_pdf_ua
from tests.reports.engine import anchors, bookmarks, elements, links, parent_tree, render_whole, streams
from tests.reports.seeded import AFTER, seed
from tests.world import pack

SYSTEM = system_actor("test")
# one worker makes these files once

@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The PDF and the data of each report, from one seeded round."""
    folder = tmp_path_factory.mktemp("made")
    engine = make_engine(f"sqlite:///{folder / 'seeded.db'}")
    Base.metadata.create_all(engine)
    files: dict[str, Path] = {}
    with Session(engine) as session:
        audit_round = seed(session, pack("climbie-2003"), agencies=44)
        submitted = select(AuditReturn).join(Submission, Submission.return_id == AuditReturn.id)
        voided = session.scalars(submitted.where(AuditReturn.stage == "started")).first()
        signed = session.scalars(submitted.where(AuditReturn.stage == "submitted")).first()
        for name, key, audit_return in (
            ("joint", "joint-findings", None),
            ("return", "agency-return", signed),
            ("voided", "agency-return", voided),
            ("receipt", "receipt", signed),
        ):
            files[name], data = folder / f"{name}.pdf", folder / f"{name}.json"
            files[f"{name}.json"] = data
            make_report(
                session, key, audit_round, audit_return, out=files[name], data=data, actor=SYSTEM, now=AFTER
            )
    engine.dispose()
    return files


def pages_of(path: Path) -> tuple[str, ...]:
    """The text of each page of a PDF, with each run of white space as one space."""
    return tuple(re.sub(r"\s+", " ", page) for page in pdf_text.pages_of(path))


def text_of(path: Path) -> str:
    """The text of a PDF."""
    return " ".join(pages_of(path))


@pytest.mark.parametrize("name", ["joint", "return", "voided", "receipt"])
def test_every_report_is_accessible_and_named(made: dict[str, Path], name: str) -> None:
    assert_pdf_ua(made[name])
    document = pypdf.PdfReader(made[name])
    assert document.metadata is not None
    assert document.metadata.title
    archival = page.validate_pdf(made[name], profile=page.ValidationProfile.PDF_A_3A)
    assert [one.message for one in archival.failures] == []
    assert document.root_object["/Lang"] == "en"


def test_texts_are_read_as_pypdf_reads_them(made: dict[str, Path]) -> None:
    """`tests/pdf_text.py` reads in a tenth of the time; only what is white space differs."""
    for name in ("receipt", "return"):
        slowly = "".join(page.extract_text() for page in pypdf.PdfReader(made[name]).pages)
        assert "".join(text_of(made[name]).split()) == "".join(slowly.split())


def test_the_joint_report_says_what_the_data_say(made: dict[str, Path]) -> None:
    findings = JointFindings.model_validate_json(made["joint.json"].read_text())
    text = text_of(made["joint"])
    assert 15 <= len(pages_of(made["joint"])) <= 46
    for message in findings.key_messages:
        assert message.sentence.text in text
        assert message.figure in text
        assert message.population.text in text
    for theme in findings.themes:
        assert theme.title in text
    # a line may end after a hyphen inside a word
    joined = text.replace(" ", "")
    for criterion in findings.criteria():
        assert criterion.question.replace(" ", "") in joined
    for agency in findings.not_responding:
        assert agency.name in text
    assert findings.snapshot_id in text
    assert findings.pack.sha256 in text


def test_a_demonstration_says_so_on_every_page(made: dict[str, Path]) -> None:
    for name in ("joint", "return", "receipt"):
        for text in pages_of(made[name]):
            assert "Demonstration: fictional agencies" in text


def test_bookmarks_lead_to_the_chapters(made: dict[str, Path]) -> None:
    titles = [entry.title for entry in pypdf.PdfReader(made["joint"]).outline if not isinstance(entry, list)]
    assert any("Key messages" in title for title in titles)
    assert any("Figures for every criterion" in title for title in titles)


def test_the_same_data_give_the_same_bytes(made: dict[str, Path], tmp_path: Path) -> None:
    for name, key in (("joint", "joint-findings"), ("receipt", "receipt")):
        again = render_pdf(key, json.loads(made[f"{name}.json"].read_text()), tmp_path / "again.pdf")
        assert (tmp_path / "again.pdf").read_bytes() == made[name].read_bytes()
        assert again.sha256 == hashlib.sha256(made[name].read_bytes()).hexdigest()
        assert again.pages == len(pages_of(made[name]))
        assert again.peak_memory_mb < 600


def test_what_agencies_wrote_stays_text(made: dict[str, Path]) -> None:
    text = text_of(made["return"])
    assert "</p><script>alert(1)</script> & more." in text
    assert re.search(r"Agency \d+ <b>", text)


def test_a_voided_signature_is_marked(made: dict[str, Path]) -> None:
    text = text_of(made["voided"])
    assert "This signature was voided" in text
    assert "To be looked at again" in text
    assert "voided" not in text_of(made["return"])


def test_the_receipt_is_one_page_with_all_hashes(made: dict[str, Path]) -> None:
    data = json.loads(made["receipt.json"].read_text())
    assert len(pages_of(made["receipt"])) == 1
    text = text_of(made["receipt"])
    for wanted in (data["signature"]["content_hash"], data["signature"]["submission_hash"], data["chain_head"]):
        assert wanted in text


def structure(document: pypdf.PdfReader) -> list[str]:
    """The types of all structure elements that the document's tree reaches."""
    found: list[str] = []
    pending: list[Any] = [document.root_object["/StructTreeRoot"]]
    while pending:
        element = pending.pop().get_object()
        if not isinstance(element, dict):
            continue
        found.append(str(element.get("/S", "")))
        kids = element.get("/K", [])
        pending += list(kids.get_object() if hasattr(kids, "get_object") else kids) if isinstance(kids, list) else []
    return found


def test_tables_are_whole_over_pages_and_heads_come_once(made: dict[str, Path]) -> None:
    findings = JointFindings.model_validate_json(made["joint.json"].read_text())
    html = worker.page("joint-findings/page.html", findings, {})
    types = structure(pypdf.PdfReader(made["joint"]))
    assert types.count("/Table") == html.count("<table")
    assert types.count("/THead") == html.count("<thead")
    assert types.count("/TR") == html.count("<tr")


# --- what a report may reach -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://127.0.0.1:9/x.css",
        "https://example.org/x.css",
        "data:text/css,body{}",
        f"{ASSETS.as_uri()}/../render.py",
        f"{ASSETS.as_uri()}/%2e%2e/render.py",
        f"file://example.org{ASSETS}/report.css",
        f"{ASSETS.as_uri()}/fonts.conf",
    ],
)
def test_the_fetcher_refuses(url: str) -> None:
    with pytest.raises(ValueError, match="refused"):
        worker.fetcher().fetch(url)


def test_the_fetcher_serves_packaged_assets() -> None:
    assert b"@page" in worker.fetcher().fetch(f"{ASSETS.as_uri()}/report.css").read()


# WeasyPrint leaves the file of its colour profile open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_hostile_fragment_reaches_nothing(tmp_path: Path) -> None:
    """Even markup that no commentary becomes: of files, addresses and data nothing is shown, and nobody is asked."""
    secret, picture = tmp_path / "secret.css", tmp_path / "secret.png"
    secret.write_text("p::after { content: 'leaked' }")
    picture.write_bytes(drawn('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'))
    data = f"data:image/png;base64,{b64encode(picture.read_bytes()).decode()}"
    sheet = "data:text/css,p::after{content:'leaked'}"
    with HTTPServer(("127.0.0.1", 0), Visits) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        http = f"http://127.0.0.1:{server.server_port}"
        pictures = [picture.as_uri(), str(picture), f"{http}/a.png", data]
        shown = "".join(
            f"""<img alt="picture" src="{url}"><object data="{url}">x</object><embed src="{url}">
            <svg width="9pt" height="9pt"><title>x</title><image href="{url}" width="9" height="9"/>
            <image xlink:href="{url}" width="9" height="9"/><use href="{url}#a"/></svg>
            <span style="background: url('{url}')">x</span><li style="list-style-image: url('{url}')">x</li>
            <span style="content: url('{url}')">x</span><a rel="attachment" href="{url}">link</a>"""
            for url in pictures
        )
        heads = "".join(
            f"""<link rel="attachment" href="{url}"><link rel="stylesheet" href="{url}">
            <style>@import url("{url}"); @font-face {{ font-family: x; src: url("{url}") }}
            p {{ background: url("{url}"); font-family: x }}</style>"""
            for url in (secret.as_uri(), f"{http}/b.css", sheet, *pictures)
        )
        html = f"""<html lang="en"><head><title>x</title><base href="{tmp_path.as_uri()}/">{heads}</head><body>
          <h1>Title</h1><p>Text</p>{shown}</body></html>"""
        for page_ in (html, html.replace("<body>", "<body><br></p>")):  # read as XML, and as HTML
            _pages, content = worker.pdf(page_, lambda _message: None)
            document = pypdf.PdfReader(BytesIO(content))
            assert document.attachments == {}
            assert not [image for one in document.pages for image in one.images]
            assert "leaked" not in " ".join(one.extract_text() for one in document.pages)
        server.shutdown()
    assert Visits.seen == []


def test_a_process_of_a_report_cannot_run_away(tmp_path: Path) -> None:
    """Processor time, memory, open files and their size end by themselves."""
    begin = "from reports import worker; worker.limit(1); "

    def run(code: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", begin + code]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)

    with ThreadPoolExecutor(2) as pool:
        endless = pool.submit(run, "exec('while True: pass')")
        memory = run("bytearray(3 << 30)")
        assert "MemoryError" in memory.stderr
        files = run(f"[open({str(Path(__file__))!r}) for _ in range(200)]")
        assert "Too many open files" in files.stderr
        long = tmp_path / "long"
        size = run(f"f = open({str(long)!r}, 'wb'); f.truncate(1 << 40)")
        assert size.returncode and (not long.exists() or long.stat().st_size <= worker.LARGEST_FILE)
        assert endless.result().returncode in (-signal.SIGXCPU, -signal.SIGKILL)


HOSTILE = (
    '<img src="{http}/img.png" alt="x">',
    '<link rel="stylesheet" href="{http}/link.css"><style>@import url({http}/import.css); p {{ color: red }}</style>',
    '<a rel="attachment" href="{file}">x</a> <object data="{file}"></object> <iframe src="{http}/frame"></iframe>',
    '" style="background: url({http}/style.png)" x="',
    "</p></section></body></html><html><body><svg><image href='{http}/svg.png'/></svg>",
    "{{{{ config }}}} {{% include '/etc/passwd' %}} url({file}) @import '{http}/x.css'; javascript:alert(1)",
    "]]> <!--> <?xml-stylesheet href='{http}/pi.css'?> <!DOCTYPE x [<!ENTITY a SYSTEM '{file}'>]> &a; &#0; &amp;lt;",
)
SCRIPTS = (
    "שלום עולם, العربية من اليمين إلى اليسار, " * 20,
    "emoji 😀 👩\u200d👩\u200d👧 🇬🇧 and 漢字 𝔘 in one line",
    "x" * 5000,
    "\u202e" + "backwards \x00 \x0b \ufffe \ufeff " * 3,
    "e" + "\u0301" * 300,
    "word " * 8000,
)


def with_commentaries(data: dict[str, Any], texts: Iterable[str]) -> dict[str, Any]:
    """The data of a return with these texts as commentaries."""
    changed: dict[str, Any] = json.loads(json.dumps(data))
    given = iter(texts)
    for standard in changed["standards"]:
        for answer in standard["answers"]:
            text = next(given, None)
            if text is None:
                return changed
            answer["commentary"] = text
    raise AssertionError("more texts than answers")


class Visits(BaseHTTPRequestHandler):
    """Remembers what was asked for."""

    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_response(404)
        self.end_headers()


def test_hostile_commentaries_fetch_nothing_and_stay_text(made: dict[str, Path], tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("what nobody may read")
    with HTTPServer(("127.0.0.1", 0), Visits) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        where = {"http": f"http://127.0.0.1:{server.server_port}", "file": secret.as_uri()}
        texts = [text.format(**where) for text in HOSTILE]
        data = with_commentaries(json.loads(made["return.json"].read_text()), texts)
        render_pdf("agency-return", data, tmp_path / "x.pdf")
        server.shutdown()
    assert Visits.seen == []
    assert_pdf_ua(tmp_path / "x.pdf")
    document = pypdf.PdfReader(tmp_path / "x.pdf")
    names = {"agency-return.json", "agency-return.schema.json", "made.json", "queries.json"}
    assert set(document.attachments) == names
    text = text_of(tmp_path / "x.pdf").replace(" ", "")
    assert "whatnobodymayread" not in text
    for one in texts:
        assert re.sub(r"\s", "", one) in text


def test_long_and_foreign_commentaries_stay_accessible(made: dict[str, Path], tmp_path: Path) -> None:
    data = with_commentaries(json.loads(made["return.json"].read_text()), SCRIPTS)
    cost = render_pdf("agency-return", data, tmp_path / "x.pdf")
    assert cost.peak_memory_mb < 400
    assert_pdf_ua(tmp_path / "x.pdf")
    archival = page.validate_pdf(tmp_path / "x.pdf", profile=page.ValidationProfile.PDF_A_3A)
    assert [one.message for one in archival.failures] == []
    text = text_of(tmp_path / "x.pdf").replace(" ", "")
    assert text.count("x" * 60) > 50  # broken into lines, not cut off
    assert text.count("word") == 8000
    # what no font has is a sign on the page, and as it was in the data
    assert "emoji" in text
    assert "漢字" in read(tmp_path.joinpath("x.pdf").read_bytes()).data.decode()


@pytest.mark.proof
def test_a_commentary_of_a_megabyte_is_rendered_within_limits(made: dict[str, Path], tmp_path: Path) -> None:
    data = with_commentaries(json.loads(made["return.json"].read_text()), ["word " * 200_000])
    cost = render_pdf("agency-return", data, tmp_path / "x.pdf")
    assert cost.pages > 200
    assert cost.peak_memory_mb < 600
    assert_pdf_ua(tmp_path / "x.pdf")


def test_the_joint_report_is_the_same_in_parts_and_in_one_piece(made: dict[str, Path], tmp_path: Path) -> None:
    render_whole("joint-findings", json.loads(made["joint.json"].read_text()), tmp_path / "whole.pdf")
    ours, whole = pypdf.PdfReader(made["joint"]), pypdf.PdfReader(tmp_path / "whole.pdf")
    assert len(parent_tree(ours)) == len(parent_tree(whole))
    for what in (streams, bookmarks, anchors, links, elements):
        assert what(ours) == what(whole), what.__name__


# --- failing in words ------------------------------------------------------------------------------------------------


def test_data_that_do_not_fit_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(RenderFailed, match="do not fit this report: snapshot_id"):
        render_pdf("receipt", {"format": "candour-receipt/1"}, tmp_path / "x.pdf")
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_takes_too_long_is_stopped(made: dict[str, Path], tmp_path: Path) -> None:
    data = json.loads(made["joint.json"].read_text())
    with pytest.raises(RenderFailed, match="stopped after"):
        render_pdf("joint-findings", data, tmp_path / "x.pdf", timeout=0.3)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_report_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        render_pdf("no-such-report", {}, tmp_path / "x.pdf")


def test_progress_is_told_in_steps(made: dict[str, Path], tmp_path: Path) -> None:
    steps: list[int] = []
    data = json.loads(made["receipt.json"].read_text())
    render_pdf("receipt", data, tmp_path / "x.pdf", progress=lambda percent, _step: steps.append(percent))
    assert steps == sorted(steps)
    assert len(steps) > 2


def test_reports_are_found_in_their_folders(tmp_path: Path) -> None:
    assert {"joint-findings", "agency-return", "receipt"} <= set(all_reports())
    folder = tmp_path / "wrong"
    folder.mkdir()
    (folder / "report.yaml").write_text("key: other\ntitle: x\ndata: receipt\n")
    with pytest.raises(ValueError, match="calls itself other"):
        load(folder)


def test_pages_hold_no_figures_of_their_own() -> None:
    for path in HERE.glob("*/page.html"):
        text = re.sub(r"{[{%].*?[%}]}", "", path.read_text(), flags=re.DOTALL)  # these may hold a “>”
        text = re.sub(r"<[^>]*>", "", text)
        assert not re.search(r"\d+\s*%", text), path
