"""The cells of a workbook that somebody sent, read in a process of its own with limits on memory and time.

A file can be made so that reading it takes all memory, or stops the process that does. That process is not ours.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from app.domain.message import N_, Message

LARGEST = 10 * 1024 * 1024  # bytes of an uploaded workbook
TIMEOUT = 8  # seconds
READER = Path(__file__).with_name("reader.py")

Value = str | float | bool | date


class Unreadable(Exception):
    """The file is no workbook that can be read; the message says why and what to do."""

    def __init__(self, msgid: str, **params: object) -> None:
        self.message = Message(msgid, params)
        super().__init__(str(self.message))


@dataclass
class Sheet:
    """A sheet by name, with the cells that hold something: (row, column), counted from 0, to value."""

    name: str
    cells: dict[tuple[int, int], Value] = field(default_factory=dict)


def reference(row: int, column: int) -> str:
    """A cell as people name it: row 6, column 5 (from 0) is F7."""
    letters = ""
    column += 1
    while column:
        column, place = divmod(column - 1, 26)
        letters = chr(ord("A") + place) + letters
    return f"{letters}{row + 1}"


WHY = {
    "not_workbook": N_(
        "This file is not a spreadsheet that can be read. Save it as an Excel workbook (.xlsx) or an OpenDocument"
        " spreadsheet (.ods) and upload it again."
    ),
    "old": N_(
        "This file is of an older kind (.xls), or it is protected with a password. Save it as an Excel workbook (.xlsx)"
        " without a password and upload it again."
    ),
    "too_much": N_(
        "This spreadsheet holds far more than the one that you downloaded. Copy your answers into a freshly downloaded"
        " spreadsheet and upload that."
    ),
    "damaged": N_(
        "This spreadsheet is damaged and cannot be read. Open it, save it again as an Excel workbook (.xlsx), and"
        " upload it again."
    ),
}


def read_cells(content: bytes) -> list[Sheet]:
    """The sheets of a workbook (.xlsx or .ods) in their order.

    Numbers come as floats, dates and times as dates, everything else as text. Raises Unreadable.
    """
    if len(content) > LARGEST:
        raise Unreadable(
            N_("The file is larger than %(limit)s MB. A filled-in spreadsheet of this audit is much smaller."),
            limit=LARGEST // 1024**2,
        )
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        try:
            done = subprocess.run(
                [sys.executable, "-I", str(READER)], stdin=file, capture_output=True, timeout=TIMEOUT, check=False,
                env={"PATH": "", "LANG": "C.UTF-8"},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Unreadable(WHY["too_much"]) from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:  # it was stopped by a limit, or by the file
        raise Unreadable(WHY["too_much" if done.returncode < 0 else "damaged"]) from None
    if "error" in answer:
        raise Unreadable(WHY[answer["error"]])
    return [
        Sheet(name, {(row, column): _value(kind, value) for row, column, kind, value in cells})
        for name, cells in answer["sheets"]
    ]


def _value(kind: str, value: str | float | bool) -> Value:
    return date.fromisoformat(str(value)) if kind == "date" else value
