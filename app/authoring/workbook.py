"""Writing a pack as a workbook, in which somebody who knows spreadsheets can make it their own."""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter

from app.authoring.columns import (
    ABOUT,
    ABOUT_ROWS,
    HELP,
    LINES,
    OTHER,
    OTHER_NOTE,
    ROWS_OFFERED,
    TABLES,
    TAKEN_AT,
    TAKEN_FROM,
    Column,
    Table,
    as_cell,
    as_json,
    checklist,
    languages_of,
    sheet_of,
)
from app.authoring.draft import README, Draft, Mistake, Refused
from app.authoring.from_workbook import read_workbook
from app.catalogue import PACK_FILE, RAW_FILES, CatalogueErrors, check, read_document
from app.domain.templates import Pack

LONGEST = 32_767  # characters that a cell can hold
INK, PALE = "#0B3C49", "#E7EEF0"
BEGIN = Path(__file__).parent / "begin"
WHERE_NOTE = (
    "One line for each text, number, yes or no: `Where` leads to it, with ` / ` between the names and #1, #2, … for the"
    " entries of a list. `Kind` is empty but for an `empty list`, an `empty mapping`, and a `text` that looks like a"
    " number."
)
INTRODUCTION = (
    "This workbook holds a pack: an audit with all its checklists. Fill in the sheets from left to right, replace what"
    " is there, and add rows as you need them.",
    "Headings must stay as they are; columns and sheets may be moved. A heading with a language, such as “Title (cy)”,"
    " holds the same text in that language; you can add a column for another. Sheets whose names begin with"
    " “Note” are yours.",
    "Then `candour templates from-xlsx FILE FOLDER` makes the pack, or names every mistake by its sheet and cell.",
)

TAKEN_NOTE = (
    "Leave this row as it is, and upload the workbook to the same draft: what others save there meanwhile is not"
    " overwritten unasked."
)

Cell = str | int | float | bool


def read_folder(folder: Path) -> Draft:
    """The files of a pack that is in order, as they were written. CatalogueErrors where it is not."""
    errors = check([folder])
    if errors:
        raise CatalogueErrors(errors)
    files: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.yaml"), key=lambda path: path.name != PACK_FILE):
        root = read_document(path).root
        files[path.name] = dict(root.value) if root else {}
    readme = folder / README
    return Draft(files, readme=readme.read_text(encoding="utf-8") if readme.exists() else "")


def begin(key: str, source: Path | None = None) -> Draft:
    """A pack to begin with, or that of a folder; under another key than its own it is a first version."""
    draft = read_folder(source or BEGIN)
    pack = draft.files[PACK_FILE]
    if pack["pack"] != key:
        pack.update(pack=key, version=1)
        pack.pop("changes", None)
        draft.readme = ""
    return draft


def comments_in(folder: Path) -> dict[str, int]:
    """How many lines of each YAML file of a pack look like comments: they do not go into a workbook."""
    counts = {
        path.name: sum(
            bool(re.match(r"\s*#|.*\s#\s", line)) for line in path.read_text(encoding="utf-8").splitlines()
        )
        for path in sorted(folder.glob("*.yaml"))
    }
    return {name: count for name, count in counts.items() if count}


def write_workbook(draft: Draft, languages: Iterable[str] = ()) -> bytes:
    """The workbook of a pack, as bytes of an .xlsx file, with columns for the languages beside those that it uses.

    It is read again, and Refused where what was read is not the same pack: nothing is lost unsaid.
    """
    every = sorted(languages_of(list(draft.files.values())) | set(languages) - {"en"})
    sheets = _sheets(draft, every)
    content = _book(sheets, draft.taken_from)
    back = read_workbook(content)
    if frozen(back) != frozen(draft):
        raise Refused(Mistake("", "this pack has a part that a workbook cannot hold; nothing was written"))
    return content


def frozen(draft: Draft) -> dict[str, Any]:
    """The pack as it would be frozen, whatever its folder is called."""
    pack = draft.files[PACK_FILE]
    templates = {key: draft.files[f"{key}.yaml"] for key in pack["agency_types"]}
    raw = {name.removesuffix(".yaml"): draft.files[name] for name in RAW_FILES if name in draft.files}
    return Pack.model_validate({**pack, "templates": templates, **raw}).to_frozen()


# --- from parts to rows ---------------------------------------------------------------------------


@dataclass
class _Sheet:
    """A sheet to be written, with its columns."""

    name: str
    columns: Sequence[Column]
    note: str
    rows: list[list[Cell | None]]


def _sheets(draft: Draft, languages: Sequence[str]) -> list[_Sheet]:
    pack = copy.deepcopy(draft.files[PACK_FILE])
    pack["templates"] = {key: copy.deepcopy(draft.files[f"{key}.yaml"]) for key in pack["agency_types"]}
    names: dict[str, str] = {}
    taken = {table.sheet.casefold() for table in TABLES}
    for key, template in pack["templates"].items():
        template.pop("format")
        template.pop("agency_type")
        name, number = sheet_of(key), 2
        while name.casefold() in taken:
            name, number = f"{sheet_of(key)[:28]} {number}", number + 1
        taken.add(name.casefold())
        names[key] = name
    pack.pop("format")

    written: dict[str, _Sheet] = {}
    order = [*TABLES, *(checklist(key, name) for key, name in names.items())]
    # what stands inside of others is taken out of them first
    for table in sorted(order, key=lambda table: -len(table.at)):
        written[table.sheet] = _rows(table, pack, languages, names)
    about = _about(pack, languages)
    sheets = [about, *(written[table.sheet] for table in order)]
    raw = {name.removesuffix(".yaml"): content for name, content in draft.files.items() if name in RAW_FILES}
    if pack:
        raw["pack"] = pack  # what this program does not know yet
    sheets += [_lines(name, content) for name, content in raw.items()]
    if draft.readme:
        column = Column("Line", (), "words", "The pack’s README, a line in each row.", 120)
        sheets.append(_Sheet(LINES, [column], column.note, [[line] for line in draft.readme.split("\n")]))
    return sheets


def _about(pack: dict[str, Any], languages: Sequence[str]) -> _Sheet:
    value = Column("Value", (), "words", "What the audit is. One row for each.", 60)
    columns = [
        Column("What", (), "key", "Do not change.", 16),
        value,
        *(_in_language(value, language) for language in languages),
        Column("Explanation", (), "key", "What belongs there.", 60),
    ]
    rows: list[list[Cell | None]] = []
    for head, key, kind, note in ABOUT_ROWS:
        cells = _cells(Column(head, (key,), kind, note), pack, languages)
        rows.append([head, *(cells + [None] * (1 + len(languages) - len(cells))), note])
    return _Sheet(ABOUT, columns, value.note, rows)


def _in_language(column: Column, language: str) -> Column:
    return Column(f"{column.head} ({language})", column.path, column.kind, column.note, column.width)


def _rows(table: Table, pack: dict[str, Any], languages: Sequence[str], names: dict[str, str]) -> _Sheet:
    columns = [*table.parents]
    for column in table.columns:
        columns.append(column)
        if column.kind == "words":
            columns += [_in_language(column, language) for language in languages]
    columns.append(Column(OTHER, (), "key", OTHER_NOTE, 20))
    rows: list[list[Cell | None]] = []
    for parents, owner, key in list(_containers(pack, table.at)):
        container = owner.pop(key)
        entries = container.items() if table.keyed else ((None, entry) for entry in container)
        for own, entry in entries:
            row: list[Cell | None] = list(parents)
            for column in table.columns:
                if column.kind == "sheet":
                    row.append(names[str(own)])
                elif not column.path:
                    row.append(own)
                else:
                    row += _cells(column, entry, languages)
            rows.append([*row, as_json(entry) if entry else None])
    return _Sheet(table.sheet, columns, table.note, rows)


def _containers(node: Any, at: Sequence[str]) -> Iterator[tuple[list[str], dict[str, Any], str]]:
    """The lists and mappings at the end of a path: the names on the way there, what each stands in, and its key."""
    step, rest = at[0], at[1:]
    if not rest:
        if step in node:
            yield [], node, step
    elif step in ("*", "?"):
        entries = (
            list(node.items())
            if isinstance(node, dict)
            else [(entry.get("id") or entry.get("key"), entry) for entry in node]
        )
        for name, entry in entries:
            for parents, owner, key in _containers(entry, rest):
                yield [name, *parents] if step == "*" else parents, owner, key
    elif step in node:
        yield from _containers(node[step], rest)


def _cells(column: Column, entry: dict[str, Any], languages: Sequence[str]) -> list[Cell | None]:
    """The cells of a column; what they hold is taken out of the entry, what they cannot hold stays there."""
    owner: Any = entry
    for step in column.path[:-1]:
        owner = owner.get(step, {})
    name = column.path[-1]
    value = owner.get(name)
    cells: list[Cell | None] = [None] * (1 + len(languages) if column.kind == "words" else 1)
    if column.kind == "words" and isinstance(value, dict) and set(value) != {"en"}:
        cells = [value.get("en"), *(value.get(language) for language in languages)]
        kept = sum(as_cell("words", cell) is not None for cell in cells) == len(value)
    elif value == [] and column.always:
        kept = True
    else:
        cells[0] = None if value is None else as_cell(column.kind, value)
        kept = cells[0] is not None
    if not kept:
        return [None] * len(cells)
    del owner[name]
    # a mapping that is now empty has been taken out whole
    for end in range(len(column.path) - 1, 0, -1):
        outer: Any = entry
        for step in column.path[: end - 1]:
            outer = outer[step]
        if not outer[column.path[end - 1]]:
            del outer[column.path[end - 1]]
    return cells


def _lines(name: str, content: dict[str, Any]) -> _Sheet:
    columns = [
        Column("Where", (), "key", WHERE_NOTE, 60),
        Column("Kind", (), "key", "", 14, "empty list,empty mapping,text,number"),
        Column("Value", (), "key", "", 100),
    ]
    rows = [[" / ".join(steps), kind, value] for steps, kind, value in _leaves(content, ())]
    return _Sheet(name, columns, WHERE_NOTE, rows)


def _leaves(value: Any, steps: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str | None, Cell | None]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            plain = key.strip() == key and key and " / " not in key and not key.startswith(("#", '"'))
            yield from _leaves(item, (*steps, key if plain else as_json(key)))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value, 1):
            yield from _leaves(item, (*steps, f"#{number}"))
    elif isinstance(value, dict | list):
        yield steps, "empty mapping" if isinstance(value, dict) else "empty list", None
    elif (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and (abs(value) >= 1e15 or float(f"{value:.15g}") != value)
    ):
        yield steps, "number", repr(value)
    elif isinstance(value, str) and (value.strip() != value or not value):
        yield steps, "text", as_json(value)
    else:
        yield steps, None, value


# --- from rows to a workbook ----------------------------------------------------------------------


def _book(sheets: Sequence[_Sheet], taken_from: tuple[str, int]) -> bytes:
    out = io.BytesIO()
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, {"in_memory": True, **plain})
    base = {"font_name": "Calibri", "font_size": 11, "valign": "top", "text_wrap": True}
    head = book.add_format({**base, "bold": True, "font_color": INK, "bg_color": PALE, "bottom": 1})
    body = book.add_format(base)
    _help(book.add_worksheet(HELP), sheets, taken_from, head, body)
    heads = {sheet.name: [column.head for column in sheet.columns] for sheet in sheets}
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        for place, column in enumerate(sheet.columns):
            page.set_column(place, place, column.width, body)
            page.write_string(0, place, column.head, head)
            if offered := _offered(column, heads):
                page.data_validation(
                    1, place, ROWS_OFFERED, place,
                    {"validate": "list", "source": offered, "error_type": "warning", "ignore_blank": True},
                )  # fmt: skip
        for row, cells in enumerate(sheet.rows, 1):
            for place, cell in enumerate(cells):
                _write_cell(page, row, place, cell, sheet.name)
        page.freeze_panes(1, 0)
        page.set_landscape()
        page.set_paper(9)
        page.fit_to_pages(1, 0)
    book.close()
    return out.getvalue()


def _write_cell(page: Any, row: int, place: int, cell: Cell | None, name: str) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, bool):
        page.write_boolean(row, place, cell)
    elif isinstance(cell, int | float):
        page.write_number(row, place, cell)
    elif len(cell) > LONGEST:
        message = (
            f"a text has {len(cell):,} characters, and a cell holds {LONGEST:,}; shorten it: {cell[:60]}…"
        )
        raise Refused(Mistake(f"{name}, row {row + 1}", message))
    else:
        page.write_string(row, place, cell)


def _offered(column: Column, heads: dict[str, list[str]]) -> Any:
    """Where a cell's values are chosen from, as spreadsheets say it; None where anything can be typed."""
    if not column.offers or column.kind == "words":
        return None
    name, slash, head = column.offers.partition("/")
    if not slash:
        return column.offers.split(",")
    letter = chr(ord("A") + heads[name].index(head))
    return f"='{name}'!${letter}$2:${letter}${ROWS_OFFERED}"


def _help(page: Any, sheets: Sequence[_Sheet], taken_from: tuple[str, int], head: Any, body: Any) -> None:
    for place, width in enumerate((24, 26, 100)):
        page.set_column(place, place, width, body)
    row = 0
    for line in INTRODUCTION:
        page.merge_range(row, 0, row, 2, line, body)
        page.set_row(row, 48)
        row += 1
    for place, words in enumerate(("Sheet", "Heading", "What it holds")):
        page.write_string(row, place, words, head)
    told: set[tuple[str, ...]] = set()
    for sheet in sheets:
        heads = tuple(column.head for column in sheet.columns)
        row += 1
        page.write_string(row, 0, sheet.name)
        page.write_string(
            row, 2, sheet.note if heads not in told else "As the sheet above it that has the same headings."
        )
        for column in sheet.columns if heads not in told else ():
            if column.note and column.note != sheet.note and not re.search(r" \([a-z]{2}", column.head):
                row += 1
                page.write_string(row, 1, column.head)
                page.write_string(row, 2, column.note)
        told.add(heads)
    if taken_from[0]:
        for place, words in enumerate((TAKEN_FROM, TAKEN_AT % taken_from, TAKEN_NOTE)):
            page.write_string(row + 2, place, words)
    page.freeze_panes(len(INTRODUCTION) + 1, 0)
