"""The process that reads one workbook: the file on standard input, its cells as JSON on standard output.

It is started by path, so that it loads nothing of the program, and gives itself limits that it cannot raise again.
"""

from __future__ import annotations

import datetime
import io
import json
import posixpath
import re
import resource
import sys
import xml.etree.ElementTree as ET
import zipfile
from typing import Any

MEMORY = 400 * 1024**2  # bytes of address space
SECONDS = 6  # of the processor
UNPACKED = 60 * 1024**2  # bytes of all members together
MEMBERS = 1000
SHEETS = 200
ROWS, COLUMNS, CELLS = 20_000, 200, 60_000  # of a sheet; cells of all sheets
TEXT = 20 * 1024**2  # characters of all cells


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


class Refused(Exception):
    """The file is refused; the argument names the reason."""


def check(content: bytes) -> None:
    """Refuse what is no workbook in a zip of reasonable size, before anything unpacks it."""
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Refused("old")  # the container of .xls, and of workbooks with a password
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > MEMBERS or sum(member.file_size for member in members) > UNPACKED:
                raise Refused("too_much")
            names = {member.filename for member in members}
            if any(member.flag_bits & 1 for member in members):
                raise Refused("old")
            if "content.xml" in names:
                with archive.open("mimetype") as kind:
                    if b"opendocument.spreadsheet" not in kind.read(100):
                        raise Refused("not_workbook")
            elif "xl/workbook.xml" not in names:
                raise Refused("not_workbook")
    except Refused:
        raise
    except Exception:
        raise Refused("not_workbook") from None


def read(content: bytes) -> list[Any]:
    """Every sheet as [name, [[row, column, kind, value], …]]."""
    from python_calamine import CalamineWorkbook

    sheets: list[Any] = []
    broken = formula_errors(content)
    cells = text = 0
    with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
        names = book.sheet_names
        if len(names) > SHEETS:
            raise Refused("too_much")
        for name in names:
            sheet = book.get_sheet_by_name(name)
            start = sheet.start
            if start is None:
                sheets.append([clean(name), []])
                continue
            if sheet.height > ROWS or sheet.width > COLUMNS:
                raise Refused("too_much")
            found = [[*place, "text", value] for place, value in broken.get(name, {}).items()]
            # rows come without the empty ones before the first, and whole from the first column
            for row, values in enumerate(sheet.to_python(skip_empty_area=True), start=start[0]):
                for column, value in enumerate(values, start=start[1]):
                    cell = typed(value)
                    if cell is None:
                        continue
                    cells += 1
                    text += len(cell[1]) if isinstance(cell[1], str) else 0
                    if cells > CELLS or text > TEXT:
                        raise Refused("too_much")
                    found.append([row, column, *cell])
            sheets.append([clean(name), found])
    return sheets


def formula_errors(content: bytes) -> dict[str, dict[tuple[int, int], str]]:
    """The cells of an .xlsx whose formula gave an error, by sheet: the library reads them as empty."""
    found: dict[str, dict[tuple[int, int], str]] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if "xl/workbook.xml" not in archive.namelist():
            return found
        targets = {
            relation.get("Id"): relation.get("Target", "")
            for relation in parsed(archive.read("xl/_rels/workbook.xml.rels"))
        }
        for sheet in parsed(archive.read("xl/workbook.xml")).iter(f"{{{MAIN}}}sheet"):
            target = targets.get(sheet.get(f"{{{RELATIONS}}}id"), "")
            xml = archive.read(posixpath.normpath(posixpath.join("/xl", target)).lstrip("/"))
            if b't="e"' not in xml:
                continue
            for cell in parsed(xml).iter(f"{{{MAIN}}}c"):
                place = re.fullmatch(r"([A-Z]{1,3})([0-9]{1,7})", cell.get("r", ""))
                if cell.get("t") == "e" and place:
                    column = 0
                    for letter in place[1]:
                        column = column * 26 + ord(letter) - ord("A") + 1
                    shown = cell.findtext(f"{{{MAIN}}}v") or "#NAME?"
                    found.setdefault(sheet.get("name", ""), {})[int(place[2]) - 1, column - 1] = shown
    return found


def parsed(xml: bytes) -> ET.Element:
    """An XML document. What is made to grow without end meets the limits of this process."""
    return ET.fromstring(xml)  # noqa: S314


def typed(value: Any) -> tuple[str, Any] | None:
    """Kind and JSON value of a cell; None of an empty one."""
    if isinstance(value, str):
        return ("text", clean(value)) if value.strip() else None
    if isinstance(value, bool):
        return "flag", value
    if isinstance(value, (int, float)):
        # a number too large or not a number has no place in JSON
        return ("number", float(value)) if abs(value) < 1e15 else ("text", str(value))
    if isinstance(value, datetime.datetime):
        return "date", value.date().isoformat()
    if isinstance(value, datetime.date):
        return "date", value.isoformat()
    return ("text", str(value)) if value is not None else None


def clean(text: str) -> str:
    """A text that every database can hold."""
    return text.replace("\x00", "\ufffd")


def main() -> None:
    """Read the workbook; one JSON object says what was found, or why nothing was."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    try:
        content = sys.stdin.buffer.read()
        check(content)
        answer: dict[str, Any] = {"sheets": read(content)}
    except Refused as why:
        answer = {"error": why.args[0]}
    except MemoryError:
        answer = {"error": "too_much"}
    except BaseException:  # a panic of the reading library is no Exception
        answer = {"error": "damaged"}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
