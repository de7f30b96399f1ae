"""The examination of files by itself: names, what ordinary programs write, limits, and refusing when it cannot work."""

from __future__ import annotations

import io
import sys
import time
import zlib

import pytest

from app.files import check as checking
from app.files.check import FileRefused, check
from app.files.names import clean
from tests.files import corpus

MOST = 20 * 1024**2


def code_of(name: str, content: bytes) -> str:
    """Why a file is refused; `kept` where it is not."""
    try:
        check(io.BytesIO(content), name, most=MOST).file.close()
    except FileRefused as refused:
        return refused.code
    return "kept"


def test_there_are_enough_samples_and_all_differ() -> None:
    every = [(sample.name, sample.content) for sample in corpus.samples() if not sample.keep]
    assert len(set(every)) == len(every) >= 300


def test_refusals_say_what_is_wrong() -> None:
    small = [sample for sample in corpus.samples() if sample.codes and len(sample.content) < 1024**2]
    codes = {sample: code_of(sample.name, sample.content) for sample in small}
    assert not [f"{sample.what}: {code}" for sample, code in codes.items() if code not in sample.codes]


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("C:\\Users\\me\\report.pdf", "report.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("a\u202efdp.txt", "afdp.txt"),
        ("tab\tand\nline.txt", "tabandline.txt"),
        ("no\u00a0break.txt", "no break.txt"),
        ("CON.txt", "_CON.txt"),
        ("a<b>c.txt", "a_b_c.txt"),
        ("report.pdf. ", "report.pdf"),
        ("report. pdf", "report.pdf"),
        ("...", ""),
        ("", ""),
        ("e\u0301.txt", "é.txt"),
    ],
)
def test_names_are_made_safe(raw: str, kept: str) -> None:
    assert clean(raw) == kept


def test_a_long_name_keeps_its_ending() -> None:
    assert clean("a" * 400 + ".docx") == "a" * 115 + ".docx"


@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("chart.docx", corpus.ooxml(more={"word/embeddings/sheet.xlsx": corpus.ooxml("xlsx")})),
        ("linked.docx", corpus.ooxml(more={"word/_rels/document.xml.rels": corpus.relations(
            corpus.relation("hyperlink", "https://www.example.org/a", external=True))})),
        ("printed.xlsx", corpus.ooxml("xlsx", more={"xl/printerSettings/printerSettings1.bin": b"\0P\0r\0i\0n\0t"})),
        ("pictured.docx", corpus.ooxml(more={"word/media/image1.png": corpus.png()})),
        ("linked.odt", corpus.odf(body='<text:a xlink:href="https://www.example.org/"/>')),
        ("linked.pdf", corpus.pdf(page=b"/Annots[<</Subtype/Link/A<</S/URI/URI(https://example.org/Launch)>>>>]")),
        ("opens.pdf", corpus.pdf(catalog=b"/OpenAction[3 0 R/Fit]/AA<</O<</S/GoTo/D[3 0 R/Fit]>>>>")),
        ("packed.pdf", corpus.pdf(streams=((6, b"/Type/ObjStm/N 1/First 4/Filter/FlateDecode",
            zlib.compress(b"7 0 <</Title(A JavaScript course)>>")),))),
        ("wide.txt", "Cofnodion – cytûn".encode("utf-16")),
        ("windows.txt", "Caf\u00e9 \u201cquoted\u201d".encode("cp1252")),
        ("welsh.csv", "enw,nifer\nCaerdydd,12\nFfôn,+44 29 2000 0000\n- dim (eto),-3\n".encode()),
        ("interlaced.png", corpus.png(extra=(corpus.chunk(b"tEXt", b"Author\0Somebody"),))),
        ("preview.jpg", corpus.jpeg(tail=corpus.JPEG)),
    ],
)  # fmt: skip
def test_what_ordinary_programs_write_is_kept(what: str, content: bytes) -> None:
    assert code_of(what, content) == "kept"


def test_what_takes_too_long_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "SECONDS", 1)
    slow = corpus.pdf()[:-6] + b"/a#41" * (3 * 1024**2) + b"\n%%EOF\n"
    started = time.monotonic()
    assert code_of("slow.pdf", slow) == "slow"
    assert time.monotonic() - started < 60  # it ended, however busy the machine is


def test_what_needs_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "MEMORY", 56)
    assert code_of("large.txt", "é".encode() * (9 * 1024**2)) in ("complex", "slow", "unexaminable")


def test_nothing_is_kept_while_files_cannot_be_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert code_of("minutes.txt", b"Minutes.\n") == "unexaminable"
