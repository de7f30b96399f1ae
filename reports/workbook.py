"""The figures and tables of a report as a workbook, and as one CSV file for each in a ZIP."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import xlsxwriter

from app.domain.message import N_
from app.sheets.formulas import safe_cell
from reports.source import Source
from reports.tables import Cell, Figure, figures_of

LONGEST_CELL = 32_767  # characters that a cell of a spreadsheet holds
EPOCH = (1980, 1, 1, 0, 0, 0)  # no file says when it was zipped: the same report gives the same bytes
Translate = Callable[[str], str]


def about(source: Source, translate: Translate) -> list[tuple[str, str]]:
    """What a report is and was made from, as names and values."""
    return [
        (translate(N_("Report")), source.title),
        (translate(N_("Oversight bodies")), source.author),
        (translate(N_("Facts as they stood")), source.as_at.isoformat()),
        (translate(N_("Snapshot")), source.snapshot_id),
        (translate(N_("Hash of the data")), source.content_sha256),
        (translate(N_("Program")), source.program),
    ]


def sheet_name(figure: Figure) -> str:
    """What the sheet or file of a figure is called: its printed name, else its place."""
    name = re.sub(r"[\[\]:*?/\\']", " ", figure.name or figure.id).strip()
    return name[:31]


def named(figures: Iterable[Figure]) -> list[tuple[str, Figure]]:
    """Figures with names that are all different, whatever was printed."""
    found: list[tuple[str, Figure]] = []
    used: set[str] = set()
    for figure in figures:
        name = sheet_name(figure)
        if name.lower() in used:
            name = figure.id[:31]
        used.add(name.lower())
        found.append((name, figure))
    return found


def columns(figure: Figure, translate: Translate) -> tuple[tuple[str, ...], list[tuple[Cell, ...]]]:
    """The heads and rows of a figure. Each row says to what group it belongs, where there are groups: a row that is
    sorted or cut out still says what it is of."""
    if not figure.rows:
        return (translate(N_("In words")),), [(Cell(words),) for words in figure.words]
    if not any(row.group for row in figure.rows):
        return figure.heads, [row.cells for row in figure.rows]
    rows = [(Cell(row.group), *row.cells) for row in figure.rows if not row.heading]
    return (translate(N_("Group")), *figure.heads), rows


def workbook(source: Source, translate: Translate = N_) -> bytes:
    """The bytes of an .xlsx file: contents, then a sheet for each figure and table. Numbers are numbers."""
    figures = named(figures_of(source.page))
    out = io.BytesIO()
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, {"in_memory": True, **plain})
    book.set_properties(
        {"title": source.title, "author": source.author, "created": source.as_at.replace(tzinfo=None),
         "comments": f"Snapshot {source.snapshot_id}"}
    )  # fmt: skip
    styles = {
        "title": book.add_format({"bold": True, "font_size": 14, "font_color": "#0B3C49"}),
        "head": book.add_format(
            {"bold": True, "bg_color": "#E7EEF0", "text_wrap": True, "valign": "top", "bottom": 1}
        ),
        "text": book.add_format({"text_wrap": True, "valign": "top"}),
        "group": book.add_format({"bold": True, "valign": "top"}),
        "quiet": book.add_format({"font_color": "#33484E", "text_wrap": True, "valign": "top"}),
        "link": book.add_format({"font_color": "#0B3C49", "underline": 1, "valign": "top"}),
    }

    def numbers(cell: Cell) -> Any:
        decimals = len(cell.text.rstrip("%").partition(".")[2])
        tail = "." + "0" * decimals if decimals else ""
        shape = f"0{tail}%" if cell.unit else f"#,##0{tail}"
        if shape not in styles:
            styles[shape] = book.add_format({"num_format": shape, "valign": "top"})
        return styles[shape]

    contents = book.add_worksheet(translate(N_("Contents"))[:31])
    contents.set_column(0, 0, 22)
    contents.set_column(1, 1, 90)
    contents.write_string(0, 0, source.title[:LONGEST_CELL], styles["title"])
    row = 2
    for name, value in about(source, translate):
        contents.write_string(row, 0, name, styles["group"])
        contents.write_string(row, 1, value[:LONGEST_CELL], styles["text"])
        row += 1
    row += 1
    for column, head in enumerate((translate(N_("Sheet")), translate(N_("What it shows")), translate(N_("Chapter")))):
        contents.write_string(row, column, head, styles["head"])
    contents.set_column(2, 2, 40)
    contents.freeze_panes(row + 1, 0)
    for place, (name, figure) in enumerate(figures, start=row + 1):
        contents.write_url(place, 0, f"internal:'{name}'!A1", styles["link"], name)
        shown = ". ".join(filter(None, (figure.caption, figure.counts)))
        contents.write_string(place, 1, shown[:LONGEST_CELL], styles["text"])
        contents.write_string(place, 2, figure.chapter[:LONGEST_CELL], styles["text"])

    for name, figure in figures:
        sheet = book.add_worksheet(name)
        sheet.write_string(0, 0, ". ".join(filter(None, (figure.name, figure.caption)))[:LONGEST_CELL], styles["title"])
        sheet.write_string(1, 0, figure.counts[:LONGEST_CELL])
        heads, rows = columns(figure, translate)
        for column, head in enumerate(heads):
            sheet.write_string(3, column, head[:LONGEST_CELL], styles["head"])
            longest = max([len(head) / 2, *(len(cells[column].text) for cells in rows if column < len(cells))])
            sheet.set_column(column, column, min(60, max(9, longest + 2)))
        sheet.freeze_panes(4, 1 if len(heads) > 1 else 0)
        line = 4
        for cells in rows:
            for column, cell in enumerate(cells):
                if cell.number is not None:
                    number = cell.number / 100 if cell.unit == "%" else cell.number
                    sheet.write_number(line, column, number, numbers(cell))
                elif cell.text:
                    sheet.write_string(line, column, cell.text[:LONGEST_CELL], styles["text"])
            line += 1
        for note in (*figure.notes, *(figure.words if figure.rows else ())):
            sheet.write_string(line + 1, 0, note[:LONGEST_CELL])
            line += 1
    book.close()
    return out.getvalue()


def tables_zip(source: Source, translate: Translate = N_) -> bytes:
    """A ZIP of CSV files, one for each figure and table, and `contents.csv` that says what they show.

    UTF-8 with a mark that spreadsheets know it by; what one would take for a formula begins with an apostrophe.
    """
    files: dict[str, bytes] = {}
    listed: list[Sequence[str]] = [
        [translate(one) for one in (N_("File"), N_("Name"), N_("What it shows"), N_("What it counts"), N_("Chapter"))]
    ]
    for figure in figures_of(source.page):
        name = f"{figure.id}.csv"
        listed.append((name, figure.name, figure.caption, figure.counts, figure.chapter))
        heads, rows = columns(figure, translate)
        lines: list[Sequence[str]] = [heads, *([cell.text for cell in cells] for cells in rows)]
        # a number stands as it is, so that a program reads it: it begins with no letter that could run
        numbers = [[cell.number is not None for cell in cells] for cells in rows]
        files[name] = _csv(lines, [[], *numbers])
    listed += [(), *((name, value) for name, value in about(source, translate))]
    files = {"contents.csv": _csv(listed, [])} | files
    return zipped(files)


def _csv(lines: Sequence[Sequence[str]], numbers: Sequence[Sequence[bool]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for place, line in enumerate(lines):
        known = numbers[place] if place < len(numbers) else ()
        writer.writerow(
            [text if column < len(known) and known[column] else safe_cell(text) for column, text in enumerate(line)]
        )
    return out.getvalue().encode("utf-8-sig")


def zipped(files: dict[str, bytes]) -> bytes:
    """Files by name as a ZIP that says nothing of when it was made."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return out.getvalue()
