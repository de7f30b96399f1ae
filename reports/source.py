"""What a report was made from, kept beside its PDF: its data, its page as HTML, and the queries that read them.

Every other form of the report (data, workbook, Word, page for phones) is made from this whenever it is asked for, so
that it shows what the PDF shows, also when the program has changed since.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Dialect, event
from sqlalchemy.orm import Session

from app.domain.findings import Document
from reports.origins import Origins
from reports.registry import reports

FORMAT = "candour-report/1"
SOURCE = ".source.json"  # how the file beside a PDF ends
MOST_SHOWN = 20  # values of one query; of more there are the number and a hash
READERS = "app.queries."
# how SQLAlchemy writes a list whose length is not known yet
LISTED = re.compile(r"\(__\[POSTCOMPILE_(\w+)\]\)")


@dataclass(frozen=True)
class Query:
    """A statement that the data of a report were read with: its text with each run of white space as one space, the
    SHA-256 of that, the values it was given first, how often it was run, and the function that ran it first.

    `fills`: the fields of the data that rest on it; None where the whole report does."""

    statement: str
    sha256: str
    values: tuple[Any, ...] = ()
    times: int = 1
    reader: str = ""
    fills: tuple[str, ...] | None = None


_MANY = TypeAdapter(tuple[Query, ...])


def known(content: bytes) -> tuple[Query, ...]:
    """Statements from JSON; none from nothing. pydantic.ValidationError where they are none."""
    return _MANY.validate_json(content or b"[]")


@dataclass(frozen=True)
class Source:
    """A report as it was made. `data` is what its model gives as JSON; `page` is the HTML that the PDF was set from."""

    report: str
    title: str
    language: str
    snapshot_id: str
    content_sha256: str
    as_at: datetime
    author: str
    program: str
    data: dict[str, Any]
    page: str
    queries: tuple[Query, ...] = field(default=())

    def keep(self, path: Path) -> None:
        """Write it to a file, which appears whole or not at all."""
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        content = {"format": FORMAT} | asdict(self) | {"as_at": self.as_at.isoformat()}
        try:
            part.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    @classmethod
    def kept(cls, path: Path) -> Source:
        """What a file holds. ValueError where it is none of these."""
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.pop("format", "") != FORMAT:
            raise ValueError(f"{path.name} is not what a report was made from")
        content["as_at"] = datetime.fromisoformat(content["as_at"])
        content["queries"] = _MANY.validate_python(content["queries"])
        return cls(**content)


def source_of(report_key: str, document: Document, queries: tuple[Query, ...] = ()) -> Source:
    """The source of a report from its data. Raises KeyError for a report that does not exist."""
    from reports.attached import content_of
    from reports.worker import page, program

    report = reports()[report_key]
    content, content_sha256 = content_of(document)
    html = page(report.page, document, report.options, content_sha256)
    title = re.search(r"<title>(.*?)</title>", html, re.DOTALL)
    return Source(
        report=report_key,
        title=_plain(title.group(1)) if title else report_key,
        language=document.language,
        snapshot_id=document.snapshot_id,
        content_sha256=content_sha256,
        as_at=document.audit_round.as_at,
        author="; ".join(body.name for body in document.bodies),
        program=f"Candour {program()['version']}",
        data=json.loads(content),
        page=html,
        queries=queries,
    )


def _plain(text: str) -> str:
    from html import unescape

    return unescape(" ".join(text.split()))


@contextmanager
def recorded(
    session: Session, origins: Origins = MappingProxyType({}), *, dialect: Dialect | None = None
) -> Iterator[list[Query]]:
    """While open, the statements that the session runs; in the list when it is left.

    `origins`: what functions read for, of `reports.origins`. With a `dialect` they are as they would be put to that
    database, without what is of this one: a name stands for each value, and nothing was run.
    """
    found: dict[str, Query] = {}
    kept: list[Query] = []
    connection = session.connection()

    def note(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, context: Any, _many: bool
    ) -> None:
        text = " ".join((_put(context, statement, dialect) if dialect else statement).split())
        readers = _readers()
        fills = next((origins[reader] for reader in readers if reader in origins), None)
        before = found.get(text)
        if before:
            found[text] = replace(
                before, times=0 if dialect else before.times + 1, fills=_together(before.fills, fills)
            )
        else:
            found[text] = Query(
                text, hashlib.sha256(text.encode()).hexdigest(), () if dialect else _values(parameters),
                times=0 if dialect else 1, reader=f"{READERS}{readers[0]}" if readers else "", fills=fills,
            )  # fmt: skip

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield kept
    finally:
        event.remove(connection, "before_cursor_execute", note)
        kept.extend(found.values())


def _put(context: Any, statement: str, dialect: Dialect) -> str:
    """A statement in the words of a dialect, with the names of its values."""
    if context.compiled is None:
        return statement
    return LISTED.sub(r"(:\1)", str(context.compiled.statement.compile(dialect=dialect)))


def _together(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """What two runs of a statement read for: of the whole report where one of them is."""
    return None if one is None or other is None else tuple(dict.fromkeys((*one, *other)))


def _readers() -> list[str]:
    """The functions of ours that run a statement, the innermost first, without the name of their package."""
    found = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if module.startswith(READERS) and not name.startswith("<"):
            found.append(f"{module.removeprefix(READERS)}.{name}")
        frame = frame.f_back
    return found


def _values(parameters: Any) -> tuple[Any, ...]:
    """The values of a statement as JSON can say them; of many their number and a hash."""
    given = list(parameters.values()) if isinstance(parameters, dict) else list(parameters or ())
    said = [_said(value) for value in given]
    if len(said) <= MOST_SHOWN:
        return tuple(said)
    whole = hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()
    return (f"{len(said)} values, SHA-256 {whole}",)


def _said(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= 200 else f"{len(text)} characters, SHA-256 {hashlib.sha256(text.encode()).hexdigest()}"
