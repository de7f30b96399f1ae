"""Workbooks for the tests: written from lines, or changed cell by cell."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import xlsxwriter

from app.sheets.cells import read_cells

Cells = dict[tuple[int, int], Any]


def write(sheets: Mapping[str, Cells]) -> bytes:
    """An .xlsx file with these cells."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for name, cells in sheets.items():
        page = book.add_worksheet(name)
        for (row, column), value in cells.items():
            if isinstance(value, date):
                page.write_datetime(row, column, value, day)
            elif isinstance(value, str):
                page.write_string(row, column, value)
            else:
                page.write(row, column, value)
    book.close()
    return out.getvalue()


def form(**sheets: Sequence[Sequence[Any]]) -> bytes:
    """A workbook with a sheet for each keyword, of lines; None is an empty cell."""
    return write(
        {
            name: {
                (row, column): value
                for row, line in enumerate(lines)
                for column, value in enumerate(line)
                if value is not None
            }
            for name, lines in sheets.items()
        }
    )


class Editor:
    """A workbook whose cells can be changed by the names that people give them: `Sheet!B7`."""

    def __init__(self, content: bytes) -> None:
        self.sheets = {sheet.name: dict(sheet.cells) for sheet in read_cells(content)}

    def column(self, sheet: str, head: str) -> str:
        """The letter of a heading's column."""
        place = next(place for place, value in self.sheets[sheet].items() if place[0] == 0 and value == head)
        letters, number = "", place[1] + 1
        while number:
            number, rest = divmod(number - 1, 26)
            letters = chr(ord("A") + rest) + letters
        return letters

    def row(self, sheet: str, holds: Callable[[Any], bool] | str) -> int:
        """The first row, from 1, with a cell that holds this."""
        wanted = holds if callable(holds) else lambda value: value == holds
        return 1 + next(
            row for (row, _), value in sorted(self.sheets[sheet].items()) if row and wanted(value)
        )

    def set(self, place: str, value: Any) -> None:
        """Put a value into a cell; None empties it."""
        sheet, _, cell = place.rpartition("!")
        found = re.fullmatch(r"([A-Z]+)(\d+)", cell)
        assert found
        column = 0
        for letter in found[1]:
            column = column * 26 + ord(letter) - ord("A") + 1
        at = int(found[2]) - 1, column - 1
        self.sheets[sheet].pop(at, None)
        if value is not None:
            self.sheets[sheet][at] = value

    def content(self) -> bytes:
        """The workbook as it is now."""
        return write(self.sheets)
