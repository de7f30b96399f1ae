"""Workbooks as other programs leave them: written anew with everything that the reader sees, or as OpenDocument."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from xml.sax.saxutils import escape

import xlsxwriter

from app.sheets.cells import Sheet, Value, read_cells
from app.sheets.layout import MARK

Place = tuple[int, int]


def column_of(sheet: Sheet, key: str) -> int:
    """The column with an id."""
    return next(column for (_row, column), value in sheet.cells.items() if value == MARK + key)


def row_of(sheet: Sheet, question: str) -> int:
    """The row of a question."""
    column = column_of(sheet, "id")
    return next(row for (row, at), value in sheet.cells.items() if at == column and value == question)


def sheet_with(sheets: Sequence[Sheet], question: str) -> Sheet:
    """The sheet that a question stands in."""
    return next(sheet for sheet in sheets if question in sheet.cells.values())


def fill(sheets: Sequence[Sheet], question: str, **typed: Value | None) -> Sheet:
    """Type into the cells of a question; None empties one. Returns the sheet."""
    sheet = sheet_with(sheets, question)
    row = row_of(sheet, question)
    for name, value in typed.items():
        place = row, column_of(sheet, name)
        if value is None:
            sheet.cells.pop(place, None)
        else:
            sheet.cells[place] = value
    return sheet


def saved_again(sheets: Sequence[Sheet]) -> bytes:
    """The workbook as another program saves it: all cells, no styles of ours, dates as dates."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        for (row, column), value in sorted(sheet.cells.items()):
            if isinstance(value, bool):
                page.write_boolean(row, column, value)
            elif isinstance(value, date):
                page.write_datetime(row, column, value, day)
            elif isinstance(value, float | int):
                page.write_number(row, column, value)
            else:
                page.write_string(row, column, value)
    book.close()
    return out.getvalue()


def edited(content: bytes, change: Callable[[list[Sheet]], object]) -> bytes:
    """A workbook after somebody opened it elsewhere, changed cells, and saved it."""
    sheets = read_cells(content)
    change(sheets)
    return saved_again(sheets)


def as_ods(sheets: Sequence[Sheet]) -> bytes:
    """The same workbook as an OpenDocument spreadsheet."""
    tables = []
    for sheet in sheets:
        rows: dict[int, dict[int, Value]] = {}
        for (row, column), value in sheet.cells.items():
            rows.setdefault(row, {})[column] = value
        lines, at = [], 0
        for row, cells in sorted(rows.items()):
            if row > at:
                lines.append(
                    f'<table:table-row table:number-rows-repeated="{row - at}"><table:table-cell/></table:table-row>'
                )
            at = row + 1
            lines.append(f"<table:table-row>{_ods_cells(cells)}</table:table-row>")
        tables.append(f'<table:table table:name="{escape(sheet.name)}">{"".join(lines)}</table:table>')
    content = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content office:version="1.3"'
        ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
        f"{''.join(tables)}</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    return zipped({"mimetype": kind, "content.xml": content, "META-INF/manifest.xml": manifest})


def _ods_cells(cells: Mapping[int, Value]) -> str:
    parts, at = [], 0
    for column, value in sorted(cells.items()):
        if column > at:
            parts.append(f'<table:table-cell table:number-columns-repeated="{column - at}"/>')
        at = column + 1
        if isinstance(value, date):
            parts.append(f'<table:table-cell office:value-type="date" office:date-value="{value.isoformat()}"/>')
        elif isinstance(value, float | int):
            parts.append(f'<table:table-cell office:value-type="float" office:value="{value}"/>')
        else:
            lines = "".join(f"<text:p>{_ods_text(line)}</text:p>" for line in value.split("\n"))
            parts.append(f'<table:table-cell office:value-type="string">{lines}</table:table-cell>')
    return "".join(parts)


def _ods_text(line: str) -> str:
    spaced = re.sub(r" {2,}", lambda found: f' <text:s text:c="{len(found[0]) - 1}"/>', escape(line))
    return spaced.replace("\t", "<text:tab/>")


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    """A zip file of some members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def members(content: bytes) -> dict[str, bytes]:
    """The members of a zip file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
