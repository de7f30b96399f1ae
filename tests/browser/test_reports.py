"""The joint findings, from asking for them to the file."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect
from pypdf import PdfReader

from tests.browser.look import Looks
from tests.browser.steps import ROUND, download, press
from tests.browser.visitors import Visitors
from tests.pdf_gate import assert_pdf_ua


def test_an_inspector_downloads_the_joint_findings(visitors: Visitors, looks: Looks, tmp_path: Path) -> None:
    """The page follows the making of it; the PDF can be read by everybody and says what it is on every page."""
    page = visitors.open("inspector.health@inspectorate.example.org")
    press(page, ROUND)
    press(page, "Reports")
    press(page, "Make “Joint findings” as a PDF")
    expect(page.get_by_role("progressbar")).to_be_visible()
    looks.at(page, "progress of a report")
    path = download(page, tmp_path)
    assert_pdf_ua(path)
    pages = [leaf.extract_text() for leaf in PdfReader(path).pages]
    assert 15 <= len(pages) <= 45
    assert [
        number for number, text in enumerate(pages, start=1) if "demonstration" not in text.casefold()
    ] == []
    press(page, "Reports")
    expect(page.get_by_role("row").filter(has_text="Farida Winterbourne").first).to_contain_text("Ready")
    looks.at(page, "reports of a round")
