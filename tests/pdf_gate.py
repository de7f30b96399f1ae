"""The gate that every PDF passes: PDF/UA-1, so that a screen reader can read it."""

from __future__ import annotations

from os import PathLike

import page


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
