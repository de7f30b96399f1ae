"""The other forms of a report read back: what the tables in them show, cell by cell."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

from docx import Document
from docx.oxml.ns import qn
from python_calamine import CalamineWorkbook

from reports.formats import FORMATS
from reports.source import Source
from reports.tables import Figure, figures_of
from reports.workbook import named
from tests.reports.shown import NUMBER

Rows = list[list[str]]


def tables_of(source: Source) -> list[Figure]:
    """The figures and tables of a report that have rows."""
    return [one for one in figures_of(source.page) if one.rows]


def shown(figure: Figure) -> Rows:
    """The cells of a table as they are printed."""
    return [[cell.text for cell in row.cells] for row in figure.rows]


def sorted_out(figure: Figure) -> Rows:
    """The same in CSV files and workbooks: each row says what it is of, in a column of its own, where groups are."""
    if not any(row.group for row in figure.rows):
        return shown(figure)
    return [[row.group, *(cell.text for cell in row.cells)] for row in figure.rows if not row.heading]


def in_json(source: Source) -> list[Rows]:
    """The same in the JSON."""
    figures = json.loads(FORMATS["json"].write(source))["figures"]
    return [[[cell["text"] for cell in row["cells"]] for row in one["rows"]] for one in figures if one["rows"]]


def in_html(source: Source) -> list[Rows]:
    """The same on the page for a phone."""
    return [shown(one) for one in figures_of(FORMATS["html"].write(source).decode()) if one.rows]


def in_csv(source: Source) -> list[Rows]:
    """The same in the CSV files, without the apostrophe before what a spreadsheet would take for a formula."""
    found = []
    with zipfile.ZipFile(io.BytesIO(FORMATS["csv"].write(source))) as archive:
        for one in tables_of(source):
            text = archive.read(f"{one.id}.csv").decode("utf-8-sig")
            rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
            found.append([[cell[cell.startswith("'") :] for cell in row] for row in rows])
    return found


def in_workbook(source: Source) -> list[Rows]:
    """The same in the workbook: a number as it is shown there, which is how it is printed."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(FORMATS["xlsx"].write(source)))
    found = []
    for name, one in named(figures_of(source.page)):
        if one.rows:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)[4:]
            found.append([
                [_printed(value, text) for value, text in zip(row, printed, strict=False)]
                for row, printed in zip(rows, sorted_out(one), strict=False)
            ])  # fmt: skip
    return found


def _printed(value: object, like: str) -> str:
    """A number of a workbook, with the sign, the commas and the decimals of the one that is printed."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return str(value)
    percent = "%" if like.endswith("%") else ""
    decimals = len(like.rstrip("%").partition(".")[2])
    text = f"{round(value * 100 if percent else value, 6):,.{decimals}f}{percent}".replace("-", "−")
    return f"+{text}" if like.startswith("+") else text


def numbers_in_word(source: Source) -> list[list[str]]:
    """The cells of the tables of the Word document that are numbers, in order, without their heads. Charts are pictures
    there."""
    body = Document(io.BytesIO(FORMATS["docx"].write(source))).element.body
    tables = [one for one in body.iter(qn("w:tbl")) if one.find(f"{qn('w:tblPr')}/{qn('w:tblCaption')}") is not None]
    return [
        numbers_of([
            _first_line(cell)
            for row in one.iter(qn("w:tr")) if row.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is None
            for cell in row.iter(qn("w:tc"))
        ])
        for one in tables
    ]  # fmt: skip


def _first_line(cell: Any) -> str:
    found = ""
    for part in cell.find(qn("w:p")).iter(qn("w:t"), qn("w:br")):
        if part.tag == qn("w:br"):
            break
        found += part.text or ""
    return found


def numbers_of(cells: list[str]) -> list[str]:
    """Those of some cells whose first line is a number."""
    first = [cell.split("\n")[0].strip() for cell in cells]
    return [cell for cell in first if NUMBER.fullmatch(cell)]
