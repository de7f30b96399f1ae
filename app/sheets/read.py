"""Finding the answers in the cells of a workbook that came back.

Sheets, columns and rows are known by their hidden ids. What cannot be read is named by sheet and cell; nothing that
somebody typed is passed over in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from babel import Locale

from app.domain.answers.facts import read_cell
from app.domain.answers.reading import Unreadable as WrongCell
from app.domain.asking import YES_NO, Asked, TableAsked
from app.domain.asking import Column as TableColumn
from app.domain.message import N_, Message
from app.domain.templates import GradingScheme
from app.languages import LANGUAGES
from app.sheets.cells import Sheet, Unreadable, Value, reference
from app.sheets.layout import (
    BETWEEN,
    CELL,
    COLUMNS,
    DATES,
    FORMAT,
    MARK,
    OURS,
    SAID_ELSEWHERE,
    TABLE,
    as_raw,
    cell_text,
    checksum,
    choices_of,
    number_in,
    offered,
    places_of,
    rows_text,
)

LONGEST_SHOWN = 200  # characters of a cell that is shown in a message
MOST_PASSED_OVER = 100  # cells that are listed one by one


@dataclass(frozen=True)
class Question:
    """How a question is answered, and the grades that it offers."""

    asked: Asked
    scheme: GradingScheme


@dataclass(frozen=True)
class Expected:
    """What the reader knows of the return that a file is uploaded for: its questions by id."""

    return_id: str
    template_sha256: str
    questions: Mapping[str, Question]


@dataclass
class ReadAnswer:
    """One row: what stands in its cells, as the answer type reads it (dates as YYYY-MM-DD), and where.

    `cells` names the place of each field, with the sheet before it (`Sheet!B7`) where that is another. What is wrong in
    a cell of a table stands under `rows-ROW-COLUMN`. `based_on` is the version that the row was written from; 0 where
    nothing was saved then, or where the hidden version cannot be trusted.
    """

    id: str
    sheet: str
    row: int
    raw: dict[str, str] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)
    errors: dict[str, Message] = field(default_factory=dict)
    based_on: int = 0


@dataclass(frozen=True)
class PassedOver:
    """A cell that belongs to no answer."""

    sheet: str
    cell: str
    text: str


@dataclass
class Reading:
    """All that was found in a workbook. `more_passed_over` counts those that are not listed."""

    answers: list[ReadAnswer]
    notes: list[Message]
    passed_over: list[PassedOver]
    more_passed_over: int = 0


def read_answers(sheets: Sequence[Sheet], expected: Expected) -> Reading:
    """The answers in a workbook that was written for the expected return. Raises Unreadable for any other."""
    meta = _meta(sheets)
    if meta.get("format") != FORMAT:
        raise Unreadable(
            N_(
                "This is not a spreadsheet that was downloaded here. Download the spreadsheet of this audit, copy your"
                " answers into it, and upload that."
            )
        )
    if meta.get("return") != expected.return_id:
        raise Unreadable(N_("This spreadsheet is of another audit. Open that audit and upload it there."))
    reading = Reading([], [], [])
    versions: list[tuple[str, int]] = []
    seen: dict[str, ReadAnswer] = {}
    tables = _tables(reading, sheets, expected)
    for sheet in sheets:
        if _table_of(sheet):
            continue
        columns = _columns(sheet)
        if columns is None:
            if OURS not in sheet.cells.values():
                _pass_over(reading, sheet, sheet.cells)
            continue
        head, places = columns
        _read_sheet(reading, sheet, head, places, expected, seen, versions)
    for id_, table in tables.items():
        if id_ in seen:
            table.give(seen[id_])
    for id_, answer in seen.items():
        if isinstance(expected.questions[id_].asked, TableAsked) and id_ not in tables:
            answer.errors["rows"] = Message(N_("The sheet with the rows of this table is missing from the file"))
    trusted = meta.get("template") == expected.template_sha256 and meta.get("checksum") == checksum(
        expected.return_id, expected.template_sha256, versions
    )
    if not trusted:
        for answer in reading.answers:
            answer.based_on = 0
        reading.notes.append(
            Message(
                N_(
                    "Rows or hidden numbers of this file were changed since it was downloaded, so it is not known what"
                    " each answer was before. Decide about each that differs from what is saved."
                )
            )
        )
    missing = len(expected.questions) - len(seen)
    if missing > 0:
        reading.notes.append(
            Message(N_("Questions that are not in the file and stay as they are: %(number)s."), {"number": missing})
        )
    return reading


def _meta(sheets: Sequence[Sheet]) -> dict[str, str]:
    for sheet in sheets:
        if str(sheet.cells.get((0, 0), "")) == f"{MARK}format":
            return {
                str(value).removeprefix(MARK): str(sheet.cells.get((row, 1), ""))
                for (row, column), value in sheet.cells.items()
                if column == 0
            }
    return {}


def _columns(sheet: Sheet) -> tuple[int, dict[str, int]] | None:
    """The row of hidden column ids, and the place of each column; None where the sheet holds no answers."""
    rows: dict[int, dict[str, int]] = {}
    for (row, column), value in sheet.cells.items():
        if isinstance(value, str) and value.startswith(MARK):
            rows.setdefault(row, {})[value.removeprefix(MARK).strip()] = column
    for row, places in sorted(rows.items()):
        if "id" in places:
            return row, places
    return None


def _read_sheet(
    reading: Reading, sheet: Sheet, head: int, places: Mapping[str, int], expected: Expected,
    seen: dict[str, ReadAnswer], versions: list[tuple[str, int]],
) -> None:  # fmt: skip
    known = {places[column.key] for column in COLUMNS if column.key in places}
    rows: dict[int, dict[int, Value]] = {}
    for (row, column), value in sheet.cells.items():
        if row > head + 1:
            rows.setdefault(row, {})[column] = value
        elif row > head and column not in known:
            _pass_over(reading, sheet, {(row, column): value})
    for row, cells in sorted(rows.items()):
        id_ = str(cells.get(places["id"], "")).strip()
        version = _whole(cells.get(places.get("version", -1)))
        question = expected.questions.get(id_)
        # a question that is not asked (any more): what was typed for it, whatever it is
        wanted = places_of(question.asked) if question else {one.key: one.key for one in COLUMNS if one.typed}
        at = {name: places[key] for name, key in wanted.items() if key in places}
        filled = {name: cells[column] for name, column in at.items() if column in cells}
        others = {(row, column): value for column, value in cells.items() if column not in known}
        if id_:
            versions.append((id_, version if version is not None else -1))
        if question is None:
            # a note below the table; or a question that is not asked (any more), of which its answer matters
            written = {(row, at[name]): value for name, value in filled.items()}
            every = {(row, column): value for column, value in cells.items()}
            _pass_over(reading, sheet, others | written if id_ else every)
            continue
        # in a locked cell: a grade that follows from the answer, say. What we wrote there ourselves is no answer
        ours = {"answer"} if question.asked.type in SAID_ELSEWHERE else set()
        locked = {one.key for one in COLUMNS if one.typed} - set(wanted.values()) - ours
        others |= {(row, places[key]): cells[places[key]] for key in locked & places.keys() if places[key] in cells}
        _pass_over(reading, sheet, others)
        answer = ReadAnswer(id_, sheet.name, row + 1, based_on=version or 0)
        for name in wanted:
            if name not in at:
                answer.errors[name] = Message(N_("The column of this answer is missing from the sheet"))
                continue
            answer.cells[name] = reference(row, at[name])
            if name in filled:
                _read_field(answer, name, filled[name], question)
        if id_ in seen:
            twin = seen[id_]
            if answer.raw != twin.raw or answer.errors != twin.errors:
                where = f"{twin.sheet}, {twin.row}"
                reading.notes.append(
                    Message(
                        N_("The same question stands twice, in rows %(one)s and %(other)s. The first is read."),
                        {"one": where, "other": f"{answer.sheet}, {answer.row}"},
                    )
                )
                _pass_over(reading, sheet, {(row, at[name]): value for name, value in filled.items()})
            continue
        seen[id_] = answer
        reading.answers.append(answer)


def _pass_over(reading: Reading, sheet: Sheet, cells: Mapping[tuple[int, int], Value]) -> None:
    for (row, column), value in sorted(cells.items()):
        if len(reading.passed_over) < MOST_PASSED_OVER:
            reading.passed_over.append(PassedOver(sheet.name, reference(row, column), _text(value)))
        else:
            reading.more_passed_over += 1


# --- one cell --------------------------------------------------------------------------------------------------------

BROKEN = frozenset({"#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#N/A", "#NULL!", "#NUM!"})


NO_DAY = N_("“%(text)s” is not a date that can be read: write day, month and year, such as 31/10/2003")
NOT_OFFERED = {
    "grade": N_("“%(text)s” is not one of the grades of this question: choose one from the list"),
    "basis": N_("“%(text)s” is not one of the ways of knowing: choose one from the list"),
    "choices": N_("“%(text)s” is not one of the choices: write some of those listed, with semicolons between them"),
}
NOT_CHOICE = N_("“%(text)s” is not one of the choices: choose one from the list")


class _Wrong(Exception):
    """What stands in a cell cannot be read."""

    def __init__(self, msgid: str, text: str) -> None:
        super().__init__(msgid)
        self.message = Message(msgid, {"text": text[:LONGEST_SHOWN]})


def _read_field(answer: ReadAnswer, name: str, value: Value, question: Question) -> None:
    """Put the value of a cell into the answer, as text that the answer type reads; say so where it cannot be."""
    text = answer.raw[name] = _text(value)
    try:
        answer.raw[name] = _read(name, value, text, question)
    except _Wrong as wrong:
        answer.errors[name] = wrong.message


def _read(name: str, value: Value, text: str, question: Question) -> str:
    asked, scheme = question.asked, question.scheme
    if text in BROKEN:
        raise _Wrong(N_("This cell holds a formula without a result: type the text itself"), text)
    if name == "grade":
        return _choose(text, {grade.key: grade.label for grade in scheme.grades}, NOT_OFFERED[name])
    if name == "basis":
        return _choose(text, {basis.key: basis.label for basis in scheme.bases}, NOT_OFFERED[name])
    if name in DATES:
        return _day_of(value, text)
    if name in ("answer", "chosen"):
        return _choose(_yes_no(value), choices_of(asked), NOT_CHOICE)
    if name == "choices":
        return ",".join(_several(text, choices_of(asked)))
    if name == "number" and isinstance(value, float):
        return number_in(value)
    return text


def _day_of(value: Value, text: str) -> str:
    day = read_day(value)
    if day is None:
        raise _Wrong(NO_DAY, text)
    return day.isoformat()


def _choose(text: str, labels: Mapping[str, str | Mapping[str, str]], msgid: str) -> str:
    """The key of what a cell names: by its words in any language, or by its key."""
    wanted = _plain(text)
    for key, label in labels.items():
        words = label.values() if isinstance(label, Mapping) else [label]
        if wanted in {_plain(key), *map(_plain, words)} and _is_alone(key, wanted, labels):
            return key
    for language in LANGUAGES:
        for key, shown in offered(labels, language).items():
            if wanted == _plain(shown):
                return key
    raise _Wrong(msgid, text)


def _yes_no(value: Value) -> str:
    """A cell in which something is chosen, as text; some programs make true or false of it."""
    if isinstance(value, bool):
        return YES_NO[0] if value else YES_NO[1]
    return _text(value)


def _is_alone(key: str, wanted: str, labels: Mapping[str, str | Mapping[str, str]]) -> bool:
    """Whether no other choice has the same words: those are told apart by the key behind them."""
    return wanted == _plain(key) or not any(
        wanted in map(_plain, label.values() if isinstance(label, Mapping) else [label])
        for other, label in labels.items()
        if other != key
    )


def _several(text: str, labels: Mapping[str, str | Mapping[str, str]]) -> list[str]:
    """The keys of the choices that a cell names, with semicolons or line breaks between them.

    A choice may have a semicolon in its words: as many pieces as make a choice are taken together.
    """
    pieces = [piece.strip() for line in text.split("\n") for piece in line.split(BETWEEN) if piece.strip()]
    found: list[str] = []
    while pieces:
        for number in range(len(pieces), 0, -1):
            try:
                found.append(_choose(f"{BETWEEN} ".join(pieces[:number]), labels, NOT_OFFERED["choices"]))
            except _Wrong:
                if number == 1:
                    raise
                continue
            pieces = pieces[number:]
            break
    return list(dict.fromkeys(found))


# --- tables ----------------------------------------------------------------------------------------------------------


@dataclass
class _Table:
    """The rows of a table, as they stand in its sheet."""

    sheet: Sheet
    head: int
    rows: list[dict[str, str]] = field(default_factory=list)
    cells: dict[str, str] = field(default_factory=dict)
    errors: dict[str, Message] = field(default_factory=dict)

    def give(self, answer: ReadAnswer) -> None:
        """Put the rows into the answer."""
        answer.cells |= {"rows": f"{self.sheet.name}!{reference(self.head + 2, 0)}", **self.cells}
        answer.errors |= self.errors
        if self.rows:
            answer.raw["rows"] = rows_text(self.rows)


def _table_of(sheet: Sheet) -> str:
    """The question whose rows a sheet holds; empty for any other sheet."""
    marks = (str(value) for value in sheet.cells.values() if isinstance(value, str) and value.startswith(TABLE))
    return next(marks, "").removeprefix(TABLE).strip()


def _tables(reading: Reading, sheets: Sequence[Sheet], expected: Expected) -> dict[str, _Table]:
    """The rows of all tables, by question."""
    found: dict[str, _Table] = {}
    for sheet in sheets:
        id_ = _table_of(sheet)
        if not id_:
            continue
        question = expected.questions.get(id_)
        columns = question.asked.columns if question and isinstance(question.asked, TableAsked) else ()
        table = _read_table(sheet, columns)
        written = {place: value for place, value in sheet.cells.items() if place[0] > table.head + 1}
        if not columns:
            _pass_over(reading, sheet, written)
        elif id_ in found:
            if table.rows != found[id_].rows or table.errors:
                words = N_("The rows of a table stand twice, on the sheets %(one)s and %(other)s. The first are read.")
                reading.notes.append(Message(words, {"one": found[id_].sheet.name, "other": sheet.name}))
                _pass_over(reading, sheet, written)
        else:
            found[id_] = table
            known = set(_table_places(sheet)[1].values())
            _pass_over(reading, sheet, {place: value for place, value in written.items() if place[1] not in known})
    return found


def _table_places(sheet: Sheet) -> tuple[int, dict[str, int]]:
    """The row of hidden column ids of a table's sheet, and the place of each column."""
    head = min(row for (row, _column), value in sheet.cells.items() if str(value).startswith(TABLE))
    marked = {
        str(value).removeprefix(CELL).strip(): column
        for (row, column), value in sheet.cells.items()
        if row == head and str(value).startswith(CELL)
    }
    return head, marked


def _read_table(sheet: Sheet, columns: Sequence[TableColumn]) -> _Table:
    head, places = _table_places(sheet)
    table = _Table(sheet, head)
    at = {places[column.key]: column for column in columns if column.key in places}
    if len(at) < len(columns):
        table.errors["rows"] = Message(N_("A column of this table is missing from its sheet"))
    lines: dict[int, dict[str, str]] = {}
    for (row, place), value in sorted(sheet.cells.items()):
        if row <= head + 1 or place not in at or not _text(value).strip():
            continue
        column = at[place]
        line = lines.setdefault(row, {})
        name = f"rows-{len(lines)}-{column.key}"
        table.cells[name] = f"{sheet.name}!{reference(row, place)}"
        try:
            line[column.key] = read_cell(_read_cell(value, column), column)
        except (_Wrong, WrongCell) as wrong:
            table.errors[name] = wrong.message
    table.rows = [line for line in lines.values() if line]
    return table


def _read_cell(value: Value, column: TableColumn) -> str:
    """A cell of a table, as its column reads it."""
    text = _text(value)
    if text in BROKEN:
        raise _Wrong(N_("This cell holds a formula without a result: type the text itself"), text)
    if column.choices_known():
        return _choose(_yes_no(value), choices_of(column), NOT_CHOICE)
    if column.type == "date":
        return _day_of(value, text)
    if column.type == "number" and isinstance(value, float):
        return number_in(value)
    return text


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _whole(value: Value | None) -> int | None:
    """The whole number in a cell of the hidden version; None where there is none."""
    text = _text(value).strip() if value is not None else ""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _text(value: Value) -> str:
    """A cell as text; a whole number without its decimals, as people typed it."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, date):
        return value.isoformat()
    return re.sub(r"\r\n?", "\n", value).strip()


DAY_ZERO = date(1899, 12, 30)  # what spreadsheets count days from
SERIALS = range(30_000, 80_000)  # 1982 to 2119: numbers that can only be meant as days


def read_day(value: Value) -> date | None:
    """The day that a cell means: a date, the number of one, or words as people here write them (day first).

    31/10/2003, 31.10.03, 31 October 2003, 31 Hydref 2003, 2003-10-31. None where it cannot be read.
    """
    if isinstance(value, date):
        return value
    if isinstance(value, float):
        return DAY_ZERO + timedelta(days=int(value)) if int(value) in SERIALS else None
    if not isinstance(value, str):
        return None
    text = _plain(value).replace(",", " ")
    if iso := re.fullmatch(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[t ].*)?", text):
        return _day(int(iso[1]), int(iso[2]), int(iso[3]))
    if numbers := re.fullmatch(r"([0-9]{1,2})\s*[./ -]\s*([0-9]{1,2})\s*[./ -]\s*([0-9]{4}|[0-9]{2})", text):
        return _day(_year(numbers[3]), int(numbers[2]), int(numbers[1]))
    words = re.fullmatch(r"(?:[^\W\d]+\s+)?([0-9]{1,2})(?:st|nd|rd|th|af|il|ydd|eg|fed|ain)?[\s./-]+([^\W\d]+)\.?"
                         r"[\s./-]+([0-9]{4}|[0-9]{2})", text)  # fmt: skip
    if words and (month := _MONTHS.get(words[2][:5], _MONTHS.get(words[2][:3]))):
        return _day(_year(words[3]), month, int(words[1]))
    return None


def _year(text: str) -> int:
    return int(text) + (2000 if len(text) == 2 else 0)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month_names(languages: Iterable[str]) -> dict[str, int]:
    """The first letters of the months' names, as many as tell them apart, to their numbers."""
    found: dict[str, int] = {}
    for language in languages:
        for width in ("abbreviated", "wide"):
            for number, name in Locale.parse(language).months["format"][width].items():
                found.setdefault(name.casefold()[:5], number)
                if language == "en":
                    found.setdefault(name.casefold()[:3], number)
    return found


_MONTHS = _month_names(("en", "cy"))


def same_value(raw: Mapping[str, str], value: Mapping[str, Any], asked: Asked) -> bool:
    """Whether a row says what a stored value says. Tabs do not count: nobody types one into a cell, and an OpenDocument
    spreadsheet loses them."""
    stored = {name: _settled(name, cell_text(text)) for name, text in as_raw(value, asked).items()}
    return {name: _settled(name, text) for name, text in raw.items()} == stored


def _settled(name: str, text: str) -> str:
    tab = "\\t" if name == "rows" else "\t"  # rows are JSON
    return re.sub(r"\r\n?", "\n", text).replace(tab, "").strip()
