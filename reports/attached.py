"""The files that are attached inside every PDF: its data, their schema, what it was made with, and the statements that
its figures rest on."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from app.domain.findings import Document
from app.domain.integrity import canonical_json, sha256_hex
from reports.origins import QUERIES, kept_queries
from reports.registry import ASSETS, HERE, Report, reports

MADE = "made.json"
FORMAT = "candour-made/1"


class NotOurs(Exception):
    """A file that no report of this program is; the message says why, for a person."""


@dataclass(frozen=True)
class Attached:
    """What was found in a PDF: its data as they stand in it, and what it was made with."""

    data: bytes
    made: dict[str, str]

    @property
    def report(self) -> str:
        """The key of the report."""
        return self.made["report"]


def content_of(document: Document) -> tuple[bytes, str]:
    """The data of a report as canonical JSON (RFC 8785), and their SHA-256: the content hash of the colophon."""
    content = canonical_json(document.model_dump(mode="json"))
    return content, sha256_hex(content)


@cache
def design(report: str) -> str:
    """The SHA-256 of what decides how a report looks: its page, the blocks, the styles and the code that sets them."""
    page = [path for path in (HERE / report).rglob("*") if path.is_file()]
    return _hash([*page, *HERE.glob("*.py"), *HERE.glob("*.html"), *ASSETS.glob("*.css")])


@cache
def fonts() -> str:
    """The SHA-256 of the packaged fonts."""
    return _hash([path for path in (ASSETS / "fonts").iterdir() if path.suffix in (".ttf", ".otf", ".css")])


def _hash(paths: Iterable[Path]) -> str:
    found = hashlib.sha256()
    for path in sorted(paths):
        found.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def made_with(report: Report, document: Document, program: dict[str, str], content_sha256: str) -> dict[str, str]:
    """What a PDF was made with: two that agree in all of this are the same file."""
    return {
        "format": FORMAT,
        "report": report.key,
        "language": document.language,
        "snapshot_id": document.snapshot_id,
        "content_sha256": content_sha256,
        "program": program["version"],
        "weasyprint": program["weasyprint"],
        "pango": program["pango"],
        "fonts": fonts(),
        "design": design(report.key),
    }


@cache
def schema(report_key: str) -> str:
    """The JSON Schema of a report's data."""
    return json.dumps(reports()[report_key].model.model_json_schema(), ensure_ascii=False, sort_keys=True)


def attachments(report: Report, document: Document, content: bytes, made: dict[str, str]) -> list[Any]:
    """The attachments, dated as the facts of the report are: nothing in them is of now."""
    from weasyprint import Attachment

    at = document.audit_round.as_at.astimezone(UTC)
    queries = kept_queries(report.key).decode()
    return [
        Attachment(
            string=text, name=name, description=what, created=at, modified=at, relationship=relationship
        )
        for name, text, what, relationship in (
            (f"{report.key}.json", content.decode(), "The data that this report shows", "Source"),
            (f"{report.key}.schema.json", schema(report.key), "JSON Schema of the data", "Supplement"),
            (MADE, json.dumps(made, sort_keys=True), "What this file was made with", "Supplement"),
            (QUERIES, queries, "The statements that its figures rest on", "Supplement"),
        )
        if text
    ]


def read(pdf: bytes) -> Attached:
    """What is attached in a PDF. NotOurs where it is no PDF, or none that this program made."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what is wrong is said below
    try:
        files = {name: found[0] for name, found in PdfReader(BytesIO(pdf)).attachments.items() if found}
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError):
        raise NotOurs("This file is not a PDF that can be read.") from None
    try:
        made = json.loads(files[MADE])
        data = files[f"{made['report']}.json"]
        fits = made["format"] == FORMAT and all(isinstance(value, str) for value in made.values())
    except (KeyError, ValueError, TypeError):
        fits = False
    if not fits or not re.fullmatch(r"[a-z0-9-]+", made["report"]):
        raise NotOurs("No data are attached in this PDF, or they are not of a report of Candour.")
    return Attached(data, made)
