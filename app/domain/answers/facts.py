"""Answers that are facts: yes or no, numbers, shares, dates, choices, texts, files and tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from app.domain.answers.base import AnswerType, Fact, Outstanding, Reader, Words
from app.domain.answers.reading import (
    Unreadable,
    is_blank,
    read_choice,
    read_date,
    read_decimal,
    read_text,
    read_whole,
)
from app.domain.asking import (
    MAX_ROWS,
    YES_NO,
    ChoiceAsked,
    ChoicesAsked,
    Column,
    DateAsked,
    FileAsked,
    NumberAsked,
    Percentage,
    TableAsked,
    TextAsked,
    YesNo,
)
from app.domain.message import N_, Message
from app.domain.templates import Criterion, GradingScheme

MAX_COUNT = 1_000_000_000
MAX_CELL = 2_000  # characters

YES_NO_WORDS = {"yes": N_("Yes"), "no": N_("No")}
_NOT_A_NUMBER = N_("Enter a number, such as 25")
_TOO_EXACT = N_("Enter a number with %(decimals)s decimal places or fewer")
_NO_DATE = N_("Enter a real date, such as 31 October 2003")
_TOO_LONG = N_("The text has %(length)s characters; shorten it to %(limit)s or fewer")
_NO_TEXT = N_("This must be text without control characters; type that part again")
_NOT_WHOLE = N_("Enter a whole number, such as 25")
_TOO_MANY = N_("The number must be from 0 to %(limit)s")


class YesNoAnswer(AnswerType[YesNo]):
    """Yes or no. Own field: `answer`."""

    type = "yes_no"
    own = ("answer",)

    def readers(self, criterion: Criterion, scheme: GradingScheme, today: date | None) -> dict[str, Reader]:
        return {"answer": lambda given: read_choice(given, YES_NO, N_("Choose yes or no"))}

    def missing(self, value: Mapping[str, Any], criterion: Criterion, scheme: GradingScheme) -> Iterable[Outstanding]:
        if "answer" not in value:
            yield Outstanding("answer", Message(N_("Choose yes or no")))

    def facts(self, value: Mapping[str, Any], criterion: Criterion) -> tuple[Fact, ...]:
        return (Fact(Message(YES_NO_WORDS[value["answer"]])),) if "answer" in value else ()


class NumberAnswer(AnswerType[NumberAsked]):
    """A number. Own field: `number`, a decimal in its one form, such as `-1234.5`."""

    type = "number"
    own = ("number",)

    def readers(self, criterion: Criterion, scheme: GradingScheme, today: date | None) -> dict[str, Reader]:
        asked = self.asked(criterion)
        return {"number": lambda given: _within(asked, read_decimal(given, asked.decimals, _NOT_A_NUMBER, _TOO_EXACT))}

    def missing(self, value: Mapping[str, Any], criterion: Criterion, scheme: GradingScheme) -> Iterable[Outstanding]:
        if "number" not in value:
            yield Outstanding("number", Message(N_("Give the number")))

    def facts(self, value: Mapping[str, Any], criterion: Criterion) -> tuple[Fact, ...]:
        asked = self.asked(criterion)
        return (Fact(Fraction(value["number"]), unit=asked.unit),) if "number" in value else ()


def _within(asked: NumberAsked, number: str) -> str:
    least, most = asked.lowest, asked.highest
    if least is not None and Fraction(number) < least:
        raise Unreadable(N_("The number must be %(least)s or more"), least=least)
    if most is not None and Fraction(number) > most:
        raise Unreadable(N_("The number must be %(most)s or less"), most=most)
    return number


class PercentageAnswer(AnswerType[Percentage]):
    """How many of how many. Own fields: `numerator` and `denominator`, whole numbers."""

    type = "percentage"
    own = ("numerator", "denominator")

    def readers(self, criterion: Criterion, scheme: GradingScheme, today: date | None) -> dict[str, Reader]:
        def read(given: object) -> int:
            return read_whole(given, MAX_COUNT, _NOT_WHOLE, _TOO_MANY)

        return {"numerator": read, "denominator": read}

    def contradictions(self, value: Mapping[str, Any], criterion: Criterion) -> dict[str, Message]:
        numerator, denominator = value.get("numerator"), value.get("denominator")
        if numerator is None or denominator is None or numerator <= denominator:
            return {}
        words = N_("This cannot be more than %(denominator)s, the number that it is out of")
        return {"numerator": Message(words, {"denominator": denominator})}

    def missing(self, value: Mapping[str, Any], criterion: Criterion, scheme: GradingScheme) -> Iterable[Outstanding]:
        asked = self.asked(criterion)
        for name, label in (("numerator", asked.counted), ("denominator", asked.out_of)):
            if name not in value:
                yield Outstanding(name, Message(N_("Give the number: %(label)s"), {"label": label}))

    def facts(self, value: Mapping[str, Any], criterion: Criterion) -> tuple[Fact, ...]:
        asked = self.asked(criterion)
        found = [
            Fact(Fraction(value[name]), label=label)
            for name, label in (("numerator", asked.counted), ("denominator", asked.out_of))
            if name in value
        ]
        share = asked.measure(value)
        if share is not None:
            found.append(Fact(Fraction(round(share, 1)), label=Message(N_("Share")), unit="%"))
        return tuple(found)


class DateAnswer(AnswerType[DateAsked]):
    """A day. Own field: `date` (YYYY-MM-DD)."""

    type = "date"
    own = ("date",)

    def readers(self, criterion: Criterion, scheme: GradingScheme, today: date | None) -> dict[str, Reader]:
        asked = self.asked(criterion)

        def read(given: object) -> str:
            day = read_date(given, _NO_DATE)
            if asked.past and today and day > today:
                raise Unreadable(N_("The date cannot be in the future"))
            return day.isoformat()

        return {"date": read}

    def missing(self, value: Mapping[str, Any], criterion: Criterion, scheme: GradingScheme) -> Iterable[Outstanding]:
        if "date" not in value:
            yield Outstanding("date", Message(N_("Give the date")))

    def facts(self, value: Mapping[str, Any], criterion: Criterion) -> tuple[Fact, ...]:
        return (Fact(date.fromisoformat(value["date"])),) if "date" in value else ()


class ChoiceAnswer(AnswerType[ChoiceAsked]):
    """One of several choices. Own field: `chosen`, a key."""

    type = "choice"
    own = ("chosen",)

    def readers(self, criterion: Criterion, scheme: GradingScheme, today: date | None) -> dict[str, Reader]:
        known = criterion.answer.choices_known()
        return {"chosen": lambda given: read_choice(given, known, N_("Choose one of those listed"))}

    def missing(self, value: Mapping[str, Any], criterion: Criterion, scheme: GradingScheme) -> Iterable[Outstanding]:
        if "chosen" not in value:
            yield Outstanding("chosen", Message(N_("Choose one of those listed")))

    def facts(self, value: Mapping[str, Any], criterion: Criterion) -> tuple[Fact, ...]:
        asked = self.asked(criterion)
        return tuple(Fact(one.label) for one in asked.choices if one.key == value.get("chosen"))


class ChoicesAnswer(AnswerType[ChoicesAsked]):
    """Several choices. Own field: `choices`, keys in the author's order; sent as a list, or with commas between."""

    type = "choices"
    own = ("choices",)

    def readers(self, criterion: Criterion, scheme: GradingScheme, today: date | None) -> dict[str, Reader]:
        asked = self.asked(criterion)

        def read(given: object) -> list[str]:
            keys = given.split(",") if isinstance(given, str) else given
            if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
                raise Unreadable(N_("Choose among those listed"))
            wanted = {key.strip() for key in keys if key.strip()}
            if wanted - set(asked.choices_known()):
                raise Unreadable(N_("Choose among those listed"))
            if asked.at_most is not None and len(wanted) > asked.at_most:
                raise Unreadable(N_("Choose %(most)s or fewer"), most=asked.at_most)
            return [key for key in asked.choices_known() if key in wanted]

        return {"choices": read}

    def missing(self, value: Mapping[str, Any], criterion: Criterion, scheme: GradingScheme) -> Iterable[Outstanding]:
        asked = self.asked(criterion)
        if len(value.get("choices", ())) < asked.at_least:
            yield Outstanding("choices", Message(N_("Choose at least %(least)s"), {"least": asked.at_least}))

    def facts(self, value: Mapping[str, Any], criterion: Criterion) -> tuple[Fact, ...]:
        asked = self.asked(criterion)
        return tuple(Fact(one.label) for one in asked.choices if one.key in value.get("choices", ()))


class TextAnswer(AnswerType[TextAsked]):
    """A text. Own field: `text`."""

    type = "text"
    own = ("text",)

    def readers(self, criterion: Criterion, scheme: GradingScheme, today: date | None) -> dict[str, Reader]:
        asked = self.asked(criterion)
        return {"text": lambda given: read_text(given, _TOO_LONG, _NO_TEXT, asked.longest)}

    def missing(self, value: Mapping[str, Any], criterion: Criterion, scheme: GradingScheme) -> Iterable[Outstanding]:
        if "text" not in value:
            yield Outstanding("text", Message(N_("Write your answer")))

    def facts(self, value: Mapping[str, Any], criterion: Criterion) -> tuple[Fact, ...]:
        return (Fact(value["text"], typed=True),) if "text" in value else ()

    def own_texts(self, value: Mapping[str, Any], criterion: Criterion) -> tuple[str, ...]:
        return (value["text"],) if "text" in value else ()


class FileAnswer(AnswerType[FileAsked]):
    """Files that are given as evidence for the question: they are counted where they are, not in the value."""

    type = "file"
    needs_files = True

    def short_of(self, given: int, criterion: Criterion) -> tuple[Outstanding, ...]:
        """What is outstanding where so many files are there."""
        asked = self.asked(criterion)
        if given >= asked.at_least:
            return ()
        if asked.at_least == 1:
            return (Outstanding("evidence", Message(N_("Add the file as evidence"))),)
        words = N_("Add at least %(least)s files as evidence")
        return (Outstanding("evidence", Message(words, {"least": asked.at_least})),)


class TableAnswer(AnswerType[TableAsked]):
    """Rows of a table. Own field: `rows`, a list of mappings from a column's key to its cell; sent so, or as JSON."""

    type = "table"
    own = ("rows",)

    def readers(self, criterion: Criterion, scheme: GradingScheme, today: date | None) -> dict[str, Reader]:
        asked = self.asked(criterion)
        return {"rows": lambda given: _rows(given, asked)}

    def missing(self, value: Mapping[str, Any], criterion: Criterion, scheme: GradingScheme) -> Iterable[Outstanding]:
        asked = self.asked(criterion)
        rows = value.get("rows", [])
        if len(rows) < asked.at_least:
            yield Outstanding("rows", Message(N_("Fill in at least %(least)s rows"), {"least": asked.at_least}))
        for number, row in enumerate(rows, start=1):
            for column in asked.columns:
                if column.required and column.key not in row:
                    words = N_("Row %(number)s: give “%(column)s”")
                    yield Outstanding("rows", Message(words, {"number": number, "column": column.label}))

    def facts(self, value: Mapping[str, Any], criterion: Criterion) -> tuple[Fact, ...]:
        asked = self.asked(criterion)
        if not value.get("rows"):
            return ()
        head: tuple[Words, ...] = tuple(column.label for column in asked.columns)
        body = tuple(
            tuple(_cell_words(column, row.get(column.key, "")) for column in asked.columns) for row in value["rows"]
        )
        return (Fact("", rows=(head, *body), typed=True),)

    def own_texts(self, value: Mapping[str, Any], criterion: Criterion) -> tuple[str, ...]:
        written = [column.key for column in self.asked(criterion).columns if column.type == "text"]
        return tuple(row[key] for row in value.get("rows", ()) for key in written if key in row)


def _rows(given: object, asked: TableAsked) -> list[dict[str, str]]:
    """The rows of a table that have anything in them. Raises Unreadable, which names row and column."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            given = None
    if not isinstance(given, list) or not all(isinstance(row, Mapping) for row in given):
        raise Unreadable(N_("The rows of the table cannot be read; fill them in again"))
    rows = [row for row in given if not all(is_blank(cell) for cell in row.values())]
    if len(rows) > min(asked.at_most, MAX_ROWS):
        raise Unreadable(N_("Fill in %(most)s rows or fewer"), most=min(asked.at_most, MAX_ROWS))
    known = {column.key: column for column in asked.columns}
    found = []
    for number, row in enumerate(rows, start=1):
        clean: dict[str, str] = {}
        for key in row:
            if key not in known:
                raise Unreadable(N_("There is no column called %(name)s"), name=str(key)[:80])
        for key, column in known.items():
            if is_blank(row.get(key)):
                continue
            try:
                clean[key] = read_cell(row[key], column)
            except Unreadable as wrong:
                words = N_("Row %(number)s, “%(column)s”: %(problem)s")
                raise Unreadable(words, number=number, column=column.label, problem=wrong.message) from wrong
        found.append(clean)
    return found


def read_cell(given: object, column: Column) -> str:
    """What is stored of a cell of a table. Raises Unreadable."""
    if column.type == "number":
        return read_decimal(given, 6, _NOT_A_NUMBER, _TOO_EXACT)
    if column.type == "date":
        return read_date(given, _NO_DATE).isoformat()
    if column.type == "yes_no":
        return read_choice(given, YES_NO, N_("Choose yes or no"))
    if column.type == "choice":
        return read_choice(given, column.choices_known(), N_("Choose one of those listed"))
    return read_text(given, _TOO_LONG, _NO_TEXT, MAX_CELL)


def _cell_words(column: Column, cell: str) -> Words:
    if not cell:
        return ""
    if column.type == "number":
        return Fraction(cell)
    if column.type == "date":
        return date.fromisoformat(cell)
    if column.type == "yes_no":
        return Message(YES_NO_WORDS[cell])
    if column.type == "choice":
        return next((one.label for one in column.choices or () if one.key == cell), cell)
    return cell
