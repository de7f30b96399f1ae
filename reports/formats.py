"""The forms in which a report can be had beside its PDF, each made from its source."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from app.domain.message import N_
from app.languages import translations
from reports.registry import reports
from reports.source import FORMAT, SOURCE, Query, Source
from reports.tables import Figure, figures_of


@dataclass(frozen=True)
class Format:
    """A form of a report. `key` is also how its files end; `words` says what it is, `why` what it is good for."""

    key: str
    mimetype: str
    words: str
    why: str
    write: Callable[[Source], bytes]
    suffix: str = ""

    @property
    def ending(self) -> str:
        """How its files end."""
        return self.suffix or f".{self.key}"


class ReportFile(BaseModel):
    """A report as data: what it is, the data it was made from, the figures and tables as they are shown, and the
    statements that read the data."""

    model_config = ConfigDict(title="A report of Candour as data")

    format: str = Field(description="Always “candour-report/1”")
    report: str = Field(description="Key of the report")
    title: str
    language: str = Field(description="Language of title, captions and cells: a BCP 47 tag")
    snapshot_id: str = Field(description="Names the facts that the report was made from")
    content_sha256: str = Field(description="SHA-256 of `data` as canonical JSON (RFC 8785)")
    as_at: str = Field(description="When the facts stood so, ISO 8601")
    program: str
    figures: tuple[Figure, ...] = Field(
        description="Figures and tables in order; `source` is the path in `data` of what each shows"
    )
    queries: tuple[Query, ...] = Field(description="The statements that read `data`, in order of their first run")


def as_data(source: Source) -> dict[str, Any]:
    """A report as data, ready for JSON."""
    head = ReportFile(
        format=FORMAT, report=source.report, title=source.title, language=source.language,
        snapshot_id=source.snapshot_id, content_sha256=source.content_sha256, as_at=source.as_at.isoformat(),
        program=source.program, figures=figures_of(source.page), queries=source.queries,
    )  # fmt: skip
    return head.model_dump(mode="json") | {"data": source.data}


def schema_of(report_key: str) -> dict[str, Any]:
    """The JSON schema of a report as data. Raises KeyError for a report that does not exist."""
    model = create_model("ReportFile", __base__=ReportFile, data=(reports()[report_key].model, ...))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | model.model_json_schema()


def file_of(source: Path, key: str) -> Path:
    """The file of a form of a report, beside its source at `source`: made when it is first asked for, and kept.

    Raises KeyError for a form that does not exist, OSError and ValueError where the source is not there or is none.
    """
    form = FORMATS[key]
    path = source.with_name(source.name.removesuffix(SOURCE) + form.ending)
    if path.is_file() and path.stat().st_mtime_ns >= source.stat().st_mtime_ns:
        return path
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        part.write_bytes(form.write(Source.kept(source)))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _json(source: Source) -> bytes:
    return (json.dumps(as_data(source), ensure_ascii=False, indent=2) + "\n").encode()


def _csv(source: Source) -> bytes:
    from reports.workbook import tables_zip

    return tables_zip(source, translations(source.language).gettext)


def _xlsx(source: Source) -> bytes:
    from reports.workbook import workbook

    return workbook(source, translations(source.language).gettext)


def _docx(source: Source) -> bytes:
    from reports.word import document

    return document(source)


def _html(source: Source) -> bytes:
    from reports.web import page

    return page(source).encode()


FORMATS: dict[str, Format] = {
    one.key: one
    for one in (
        Format("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
               N_("Word document"), N_("to edit and to quote from"), _docx),
        Format("html", "text/html", N_("Web page"), N_("reads well on a phone; one file"), _html),
        Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
               N_("Workbook"), N_("every figure and table on a sheet of its own"), _xlsx),
        Format("csv", "application/zip", N_("CSV files"), N_("a ZIP with a file for each figure and table"), _csv,
               "-csv.zip"),
        Format("json", "application/json", N_("Data (JSON)"), N_("all data, and the figures and tables, for programs"),
               _json),
    )
}  # fmt: skip
