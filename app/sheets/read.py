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

from app.domain.message import N_, Message
from app.domain.templates import GradingScheme
from app.sheets.cells import Sheet, Unreadable, Value, reference
from app.sheets.layout import ANSWER_FIELDS, COLUMNS, DATES, FORMAT, MARK, OURS, cell_text, checksum

LONGEST_SHOWN = 200  # characters of a cell that is shown in a message
MOST_PASSED_OVER = 100  # cells that are listed one by one


@dataclass(frozen=True)
class Expected:
    """What the reader knows of the return that a file is uploaded for: question id to its grading scheme."""

    return_id: str
    template_sha256: str
    questions: Mapping[str, GradingScheme]


@dataclass
class ReadAnswer:
    """One row: what stands in its cells, as the answer type reads it (dates as YYYY-MM-DD), and where.

    `cells` names the place of each field. `based_on` is the version that the row was written from; 0 where nothing was
    saved then, or where the hidden version cannot be trusted.
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
    for sheet in sheets:
        columns = _columns(sheet)
        if columns is None:
            if OURS not in sheet.cells.values():
                _pass_over(reading, sheet, sheet.cells)
            continue
        head, places = columns
        _read_sheet(reading, sheet, head, places, expected, seen, versions)
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
        filled = {name: cells[places[name]] for name in ANSWER_FIELDS if name in places and places[name] in cells}
        others = {(row, column): value for column, value in cells.items() if column not in known}
        if id_:
            versions.append((id_, version if version is not None else -1))
        if id_ not in expected.questions:
            # a note below the table; or a question that is not asked (any more), of which its answer matters
            written = {(row, places[name]): value for name, value in filled.items()}
            every = {(row, column): value for column, value in cells.items()}
            _pass_over(reading, sheet, others | written if id_ else every)
            continue
        _pass_over(reading, sheet, others)
        answer = ReadAnswer(id_, sheet.name, row + 1, based_on=version or 0)
        for name in ANSWER_FIELDS:
            if name not in places:
                answer.errors[name] = Message(N_("The column of this answer is missing from the sheet"))
                continue
            answer.cells[name] = reference(row, places[name])
            if name in filled:
                _read_field(answer, name, filled[name], expected.questions[id_])
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
                _pass_over(reading, sheet, {(row, places[name]): value for name, value in filled.items()})
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


def _read_field(answer: ReadAnswer, name: str, value: Value, scheme: GradingScheme) -> None:
    """Put the value of a cell into the answer, as text that the answer type reads; say so where it cannot be."""
    text = _text(value)
    answer.raw[name] = text
    if text in BROKEN:
        answer.errors[name] = Message(N_("This cell holds a formula without a result: type the text itself"))
    elif name == "grade":
        _choose(answer, name, text, {grade.key: grade.label for grade in scheme.grades})
    elif name == "basis":
        _choose(answer, name, text, {basis.key: basis.label for basis in scheme.bases})
    elif name in DATES:
        day = read_day(value)
        if day is None:
            answer.errors[name] = Message(
                N_("“%(text)s” is not a date that can be read: write day, month and year, such as 31/10/2003"),
                {"text": text[:LONGEST_SHOWN]},
            )
        else:
            answer.raw[name] = day.isoformat()


def _choose(answer: ReadAnswer, name: str, text: str, labels: Mapping[str, str | Mapping[str, str]]) -> None:
    wanted = _plain(text)
    for key, label in labels.items():
        words = label.values() if isinstance(label, Mapping) else [label]
        if wanted in {_plain(key), *map(_plain, words)}:
            answer.raw[name] = key
            return
    msgid = (
        N_("“%(text)s” is not one of the grades of this question: choose one from the list")
        if name == "grade"
        else N_("“%(text)s” is not one of the ways of knowing: choose one from the list")
    )
    answer.errors[name] = Message(msgid, {"text": text[:LONGEST_SHOWN]})


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


def same_value(raw: Mapping[str, str], value: Mapping[str, Any]) -> bool:
    """Whether a row says what a stored value says. Tabs do not count: nobody types one into a cell, and an OpenDocument
    spreadsheet loses them."""
    stored = {name: _settled(cell_text(str(what))) for name, what in value.items()}
    return {name: _settled(text) for name, text in raw.items()} == stored


def _settled(text: str) -> str:
    return re.sub(r"\r\n?", "\n", text).replace("\t", "").strip()
