"""The gates of PDFs: PDF/UA-1, so that a screen reader can read them, and no word over another, so that eyes can."""

from __future__ import annotations

import re
import subprocess
from html import unescape
from os import PathLike
from pathlib import Path

import page

WORD = re.compile(r'<word xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">(.*)</word>')


def assert_pdf_ua(pdf: str | PathLike[str] | bytes) -> None:
    """Check a PDF, given as a path or as its bytes, against PDF/UA-1.

    Raises AssertionError with one line for each finding, and ``page.ParseError`` for what is no PDF.
    """
    profile = page.ValidationProfile.PDF_UA_1
    if isinstance(pdf, bytes):
        report = page.validate_pdf_bytes(pdf, profile=profile)
    else:
        report = page.validate_pdf(pdf, profile=profile)
    findings = [f"{failure.rule_id}: {failure.message}" for failure in report.failures]
    if findings or not report.is_compliant:
        raise AssertionError("not PDF/UA-1:\n" + "\n".join(findings))


def words_over_words(pdf: Path) -> list[str]:
    """The words of a PDF that are printed over each other, as lines "page 3: one, other"."""
    found = []
    boxes = subprocess.run(["pdftotext", "-bbox", pdf, "-"], check=True, capture_output=True, text=True).stdout
    for number, page_of_words in enumerate(boxes.split("<page ")[1:], start=1):
        words: list[tuple[float, float, float, float, str]] = []
        for *corners, text in WORD.findall(page_of_words):
            left, top, right, bottom = map(float, corners)
            for *others, other in words:
                across = min(right, others[2]) - max(left, others[0])
                down = min(bottom, others[3]) - max(top, others[1])
                # a point and a large part of the line: what only touches can be read
                if across > 1 and down > 0.6 * min(bottom - top, others[3] - others[1]):
                    found.append(f"page {number}: {unescape(other)}, {unescape(text)}")
            words.append((left, top, right, bottom, text))
    return found
