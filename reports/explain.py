"""What stands behind a figure of a report: its caption, where its data stand, the statements that read them, its rows.

From the PDF, in which the data are attached, or from the report as data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

from pydantic import TypeAdapter

from reports.origins import QUERIES
from reports.registry import reports
from reports.source import FORMAT, Query, known
from reports.tables import Figure, figures_of

MOST_SAID = 2000  # characters of one thing in the data
NAMES = ("name", "plural", "title", "label", "agency", "reference", "key")
# a field, a place in a list (every one where it is empty), those of a list with one of some values in a field
STEP = re.compile(r"([A-Za-z_][\w-]*)|\[(\d*)\]|\[(\w+)=([^\]]*)\]|\.")


class CannotExplain(Exception):
    """The file is no report of ours, or has no such figure; the message says why, for a person."""


@dataclass(frozen=True)
class Explained:
    """A report to explain: its key, its data, its figures, and the statements that read the data (none where the file
    does not hold them)."""

    report: str
    data: dict[str, Any]
    figures: tuple[Figure, ...]
    queries: tuple[Query, ...]

    def figure(self, name: str) -> Figure:
        """A figure by its printed name, its id, or its number (figures before tables). Raises CannotExplain."""
        wanted = " ".join(name.lower().split())
        for figure in self.figures:
            if wanted in (figure.id, figure.name.lower(), f"{figure.kind} {figure.number}"):
                return figure
        for kind in ("figure", "table"):
            for figure in self.figures:
                if figure.kind == kind and wanted == str(figure.number):
                    return figure
        known = ", ".join(figure.name or figure.id for figure in self.figures) or "none"
        raise CannotExplain(f"There is no figure or table “{name}” in this report. It has: {known}.")


def opened(content: bytes) -> Explained:
    """The report in a PDF with its data attached, or in a JSON file. Raises CannotExplain."""
    if content.startswith(b"%PDF"):
        return _attached(content)
    try:
        found = json.loads(content)
    except ValueError:
        raise CannotExplain("This file is neither a PDF nor a report as data.") from None
    return _of_data(found)


def _of_data(found: Any, report: str = "") -> Explained:
    if not isinstance(found, dict):
        raise CannotExplain("This file holds no report as data.")
    if found.get("format") == FORMAT:
        figures = found.get("figures")
        return Explained(
            report=found["report"],
            data=found["data"],
            figures=TypeAdapter(tuple[Figure, ...]).validate_python(figures) if figures else figures_of(found["page"]),
            queries=TypeAdapter(tuple[Query, ...]).validate_python(found["queries"]),
        )
    if report not in reports():
        raise CannotExplain("This file holds data, and does not say of which report. Give the PDF, or --format json.")
    return Explained(report, found, figures_of(_page(report, found)), ())


def _page(report: str, data: dict[str, Any]) -> str:
    """The page of a report from its data, as this program sets it."""
    from pydantic import ValidationError

    from reports.source import source_of

    try:
        document = reports()[report].model.model_validate(data)
    except ValidationError:
        raise CannotExplain("The data do not fit this report: another version of the program made it.") from None
    return source_of(report, document).page


def _attached(content: bytes) -> Explained:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        files = {name: found[0] for name, found in PdfReader(BytesIO(content)).attachments.items() if found}
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError):
        raise CannotExplain("This PDF cannot be read.") from None
    try:
        made = json.loads(files.get("made.json", b"{}"))
        report = str(made.get("report", ""))
        name = next((name for name in (f"{report}.json", "data.json") if name in files), None)
        if name is None:
            raise CannotExplain("No data are attached in this PDF. Give the report as data (--format json) instead.")
        found = _of_data(json.loads(files[name]), report)
        queries = found.queries or known(files.get(QUERIES, b""))
    except (ValueError, AttributeError):
        raise CannotExplain("What is attached in this PDF is not the data of a report.") from None
    return replace(found, queries=queries)


def rows_at(data: Any, path: str) -> list[tuple[str, Any]]:
    """What stands at a path of the data, `themes[2].by_type`: each of a list, with the names of those that it is of.
    `[]` is each of a list, `[kind=a|b]` each whose `kind` is one of these; `;` parts several paths. KeyError where
    nothing stands there."""
    try:
        return [row for one in path.split("; ") for row in _rows_at(data, list(_steps(one)), ())]
    except (KeyError, IndexError, TypeError):
        raise KeyError(path) from None


@dataclass(frozen=True)
class Those:
    """A step to those of a list whose `field` is one of some values; to all without a field."""

    field: str = ""
    values: tuple[str, ...] = ()

    def of(self, data: Any) -> Iterator[Any]:
        """Those of a list."""
        return (one for one in data if not self.field or str(one[self.field]) in self.values)


def _rows_at(data: Any, steps: Sequence[str | int | Those], names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for place, step in enumerate(steps):
        if isinstance(step, Those):
            for one in step.of(data):
                yield from _rows_at(one, steps[place + 1 :], (*names, _name_of(one)))
            return
        data = data[step]
    name = ": ".join(filter(None, names))
    yield from ((name, one) for one in data) if isinstance(data, list) else [(name, data)]


def _name_of(one: Any) -> str:
    """What something of a list is called; empty where it has no name."""
    return next((str(one[name]) for name in NAMES if isinstance(one, dict) and one.get(name)), "")


def _steps(path: str) -> Iterator[str | int | Those]:
    at = 0
    while at < len(path):
        step = STEP.match(path, at)
        if step is None:
            raise KeyError(path)
        if step.group(1):
            yield step.group(1)
        elif step.group(3):
            yield Those(step.group(3), tuple(step.group(4).split("|")))
        elif step.group(2) is not None:
            yield int(step.group(2)) if step.group(2) else Those()
        at = step.end()


def explanation(found: Explained, figure: Figure) -> Iterator[str]:
    """What stands behind a figure, in lines."""
    yield ". ".join(one for one in (figure.name or figure.id, figure.caption) if one)
    if figure.counts:
        yield f"Counts: {figure.counts}"
    if figure.chapter:
        yield f"Chapter: {figure.chapter}"
    for note in figure.notes:
        yield f"Note: {note}"
    yield ""
    if figure.source:
        yield f"Data: {figure.source}"
        try:
            for name, one in rows_at(found.data, figure.source):
                said = json.dumps(one, ensure_ascii=False)
                yield f"  {name}{': ' if name else ''}{said if len(said) <= MOST_SAID else f'{said[:MOST_SAID]} …'}"
        except KeyError:
            yield "  (nothing stands there in these data)"
    else:
        yield "Data: the page does not name their place; the rows below are what it shows"
    yield ""
    yield from _read_by(found.queries, figure)
    yield ""
    if figure.rows:
        yield "Rows:"
        yield "  " + " | ".join(figure.heads)
        for row in figure.rows:
            yield "  " + " | ".join(cell.text.replace("\n", "; ") for cell in row.cells)
    for words in figure.words:
        yield f"In words: {words}"


def _read_by(queries: Sequence[Query], figure: Figure) -> Iterator[str]:
    """The statements behind a figure, then those that the whole report rests on."""
    if not queries:
        yield "The statements that read the data are not in this file; the report as data (JSON) has them."
        return
    field = next((step for step in _steps(figure.source) if isinstance(step, str)), "") if figure.source else ""
    own = [query for query in queries if query.fills is not None and field in query.fills]
    whole = [query for query in queries if query.fills is None]
    if not any(query.times for query in queries):
        yield "Statements as the program that made this file puts them to PostgreSQL; a name stands for each value."
    if own:
        yield f"“{field}” rests on {_number(own)}:"
        yield from _said(own, 1)
    elif not whole:
        yield f"None of its statements fills “{field}” alone: it comes with the round and its checklist."
    if whole:
        yield f"The whole report rests on {_number(whole)}: who may read it, its round, its checklist, or all its data:"
        yield from _said(whole, len(own) + 1)


def _number(queries: Sequence[Query]) -> str:
    return "1 statement" if len(queries) == 1 else f"{len(queries)} statements, in this order"


def _said(queries: Sequence[Query], first: int) -> Iterator[str]:
    for number, query in enumerate(queries, start=first):
        yield f"  {number}. {query.statement}"
        ran = f"; run {query.times}×" if query.times else ""
        yield f"     by {query.reader or 'the session'}{ran}; SHA-256 {query.sha256}"
        if query.values:
            yield f"     values {json.dumps(query.values, ensure_ascii=False)}"
