"""What the writer and the reader of the workbook agree on.

Columns and answers are found by hidden ids, never by their place or their words: sheets and columns may be renamed and
moved. Rows of a standard's sheet: title, guidance, hidden column ids, heads, one row for each question. A question that
is answered with a table has a sheet for its rows, made in the same way.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.domain.answers.facts import YES_NO_WORDS
from app.domain.asking import YES_NO, Asked, ChoiceAsked, ChoicesAsked
from app.domain.asking import Column as TableColumn
from app.domain.integrity import hash_of
from app.domain.message import N_
from app.domain.text import localise
from app.languages import LANGUAGES, translations

FORMAT = "candour-workbook/1"
MARK = "candour:"  # before the id of a column, in the hidden row
OURS = f"{MARK}no-answers"  # in a cell of the sheets that hold no answers
META_SHEET = "Candour"  # hidden: what the file is of
LISTS_SHEET = "Lists"  # hidden: what drop-downs offer
TABLE = f"{MARK}table:"  # before the id of the question whose rows a sheet holds
CELL = f"{MARK}cell:"  # before the key of a table's column
BETWEEN = ";"  # several choices in one cell


@dataclass(frozen=True)
class Column:
    """A column of a standard's sheet. `field` is the answer's field that is typed there, if any."""

    key: str
    head: str
    width: int
    field: str = ""

    @property
    def typed(self) -> bool:
        """Whether answers are typed there."""
        return bool(self.field) or self.key == "answer"


# fields beside those that a type of answer has of its own
ANSWER_FIELDS = ("grade", "basis", "files", "files_date", "commentary", "date_expected", "reason")
COLUMNS = (
    Column("number", N_("No."), 6),
    Column("question", N_("Question"), 46),
    Column("area", N_("Area"), 16),
    Column("why", N_("Why it is asked"), 34),
    Column("evidence", N_("What could show it"), 34),
    Column("milestone", N_("Should be in place by"), 17),
    Column("answer", N_("Answer"), 34),
    Column("numerator", N_("How many"), 12, "numerator"),
    Column("denominator", N_("Out of how many"), 12, "denominator"),
    Column("grade", N_("Grade"), 20, "grade"),
    Column("basis", N_("How do you know?"), 24, "basis"),
    Column("files", N_("Files looked at"), 10, "files"),
    Column("files_date", N_("Date files were looked at"), 19, "files_date"),
    Column("commentary", N_("Commentary"), 60, "commentary"),
    Column("date_expected", N_("Expected in place by"), 19, "date_expected"),
    Column("reason", N_("Reason, where the grade asks for one"), 34, "reason"),
    Column("actions", N_("Planned actions"), 44),
    Column("files_attached", N_("Evidence"), 34),
    Column("saved", N_("Last saved"), 24),
    Column("id", N_("Id, do not change"), 8),
    Column("version", N_("Version, do not change"), 8),
)
DATES = frozenset({"files_date", "date_expected", "date"})
SAID_ELSEWHERE = frozenset({"table", "file"})  # types of which the standard's sheet only says where the answer goes
FACT_COLUMNS = ("answer", "numerator", "denominator")
# the field of each type that is typed into the column `answer`
ANSWER_COLUMN = {
    "yes_no": "answer", "number": "number", "date": "date", "choice": "chosen", "choices": "choices", "text": "text",
}  # fmt: skip


def places_of(asked: Asked) -> dict[str, str]:
    """The fields that are typed for a question in its standard's sheet, each with the key of its column."""
    own = {ANSWER_COLUMN[asked.type]: "answer"} if asked.type in ANSWER_COLUMN else {}
    if asked.type == "percentage":
        own = {"numerator": "numerator", "denominator": "denominator"}
    beside = ANSWER_FIELDS if asked.type == "grade" else ANSWER_FIELDS[1:]
    return own | {name: name for name in beside}


def choices_of(asked: Asked | TableColumn) -> dict[str, str | Mapping[str, str]]:
    """What can be chosen: key to words."""
    if asked.type == "yes_no":
        return {
            key: {language: translations(language).gettext(YES_NO_WORDS[key]) for language in LANGUAGES}
            for key in YES_NO
        }
    choices = asked.choices if isinstance(asked, ChoiceAsked | ChoicesAsked | TableColumn) else None
    return {choice.key: choice.label for choice in choices or ()}


def offered(choices: Mapping[str, str | Mapping[str, str]], language: str) -> dict[str, str]:
    """Key to the words that a cell shows: those that two choices share have the key behind them."""
    words = {key: " ".join(localise(label, language).split()) for key, label in choices.items()}
    times = Counter(label.casefold() for label in words.values())
    return {key: label if times[label.casefold()] == 1 else f"{label} ({key})" for key, label in words.items()}


def number_in(cell: float) -> str:
    """A number as a cell shows it: with the fifteen digits that spreadsheets keep, never with an exponent."""
    return f"{Decimal(f'{cell:.15g}'):f}"


def as_raw(value: Mapping[str, Any], asked: Asked) -> dict[str, str]:
    """A stored value as texts that its type reads. A grade that is derived is left out."""
    found: dict[str, str] = {}
    for name, what in value.items():
        if what is None or (name == "grade" and asked.type != "grade"):
            continue
        if name == "rows":
            found[name] = rows_text(what)
        else:
            found[name] = ",".join(map(str, what)) if isinstance(what, list | tuple) else str(what)
    return found


def rows_text(rows: Iterable[Mapping[str, str]]) -> str:
    """The rows of a table as one text; the same rows give the same text."""
    return json.dumps([dict(sorted(row.items())) for row in rows], ensure_ascii=False)


def checksum(return_id: str, template_sha256: str, versions: Iterable[tuple[str, int]]) -> str:
    """Shows whether the hidden ids and versions are as they were written: (id, version) of every question."""
    return hash_of({"return": return_id, "template": template_sha256, "items": sorted(map(list, versions))})


def cell_text(text: str) -> str:
    """A text as a cell can hold it: two characters that XML has no place for become a replacement mark."""
    return text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
