"""The sheets and columns of the workbook in which a pack is made: what a cell holds, and how it is read and written.

A column is found by its heading, whatever its place. Whatever of a row no column can hold stands as JSON in the column
`Other parts`, so nothing is lost between a pack and its workbook.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from app.domain.text import LANGUAGE_PATTERN
from app.sheets.cells import Value

Kind = Literal["words", "key", "keys", "whole", "number", "flag", "bands", "condition", "sheet"]
ROWS_OFFERED = 1000  # how far down lists to choose from reach


class Wrong(ValueError):
    """What stands in a cell cannot be read; says how to mend it."""


@dataclass(frozen=True)
class Column:
    """A column: its heading, the part of the row's mapping that it holds, and how.

    `offers` is where its values are chosen from: `Sheet/Heading`, or words with commas between them. A list that is
    `always` there is written though nothing is in its cell.
    """

    head: str
    path: tuple[str, ...]
    kind: Kind
    note: str
    width: int = 18
    offers: str = ""
    always: bool = False


@dataclass(frozen=True)
class Table:
    """A sheet with a row for each entry of a list or mapping.

    `at` leads there from the whole pack: `*` is the entry that a parent column names, `?` any entry. The rows of a
    mapping (`keyed`) have their key in the first column.
    """

    sheet: str
    note: str
    at: tuple[str, ...]
    columns: tuple[Column, ...]
    parents: tuple[Column, ...] = ()
    keyed: bool = False


TAKEN_FROM = "Downloaded from"  # a row of the sheet with the help: which draft on a page, at which revision
TAKEN_AT = "draft %s, revision %s"

KEY = Column("Key", (), "key", "A short name that never changes: lower-case words, digits and hyphens.", 22)
OTHER = "Other parts"
OTHER_NOTE = "What has no column of its own, as JSON. Usually empty."
ABOUT, HELP, LINES = "About", "How to fill in", "README"
ABOUT_ROWS: tuple[tuple[str, str, Kind, str], ...] = (
    ("Key", "pack", "key", "The name of the pack’s folder: lower-case words, digits and hyphens."),
    ("Version", "version", "whole", "1 to begin with. Raised whenever the pack is published again."),
    ("Title", "title", "words", "What the audit is called."),
    ("Summary", "summary", "words", "One or two sentences on what is asked."),
    ("Source", "source", "words", "What it is based on."),
    ("What is new", "changes", "words", "What this version changes. Empty in the first."),
)
TYPE = Column("Agency type", (), "key", "Which agency type: a key of that sheet.", 18, "Agency types/Key")
QUESTION_OF = Column("Question id", (), "key", "The id of the question in its checklist.", 26)

TABLES: tuple[Table, ...] = (
    Table(
        "Agency types", "Who is audited. Each has one checklist.", ("agency_types",),
        (
            KEY,
            Column("Name", ("name",), "words", "One of them, such as “Council”.", 26),
            Column("Plural", ("plural",), "words", "Several, such as “Councils”.", 26),
            Column("Signatory", ("signatory",), "words", "What it calls the person who signs.", 22),
            Column(
                "Oversight body", ("oversight_body",), "key",
                "Who owns its audits.", 22, "Oversight bodies/Key",
            ),
        ),
        keyed=True,
    ),
    Table(
        "Subtypes", "Kinds of agency within a type, if there are any.", ("agency_types", "*", "subtypes"),
        (
            KEY,
            Column("Name", ("name",), "words", "One of them.", 30),
            Column("Plural", ("plural",), "words", "Several.", 30),
        ),
        (TYPE,), keyed=True,
    ),
    Table(
        "Oversight bodies", "Who owns rounds of this audit.", ("oversight_bodies",),
        (
            KEY,
            Column("Name", ("name",), "words", "The full name.", 40),
            Column("Short name", ("short",), "words", "An abbreviation.", 14),
            Column("Kind", ("kind",), "words", "What pages call it, such as “inspectorate”.", 20),
        ),
        keyed=True,
    ),
    Table(
        "Grading schemes", "Scales of grades. Their grades stand in the next sheet.", ("grading_schemes",),
        (KEY, Column("Title", ("title",), "words", "What is graded, such as “How far it is in place”.", 40)),
        keyed=True,
    ),
    Table(
        "Grades", "The steps of each scale, best first.", ("grading_schemes", "*", "grades"),
        (
            Column("Key", ("key",), "key", KEY.note, 18),
            Column("Label", ("label",), "words", "What pages call it.", 22),
            Column("Meaning", ("meaning",), "words", "One sentence: when it is right.", 50),
            Column("Colour", ("colour",), "key", "# and six hexadecimal digits, such as #00703c.", 10),
            Column(
                "Counts as", ("counts_as",), "key",
                "In shares: met, not met, or left out.", 12, "met,not_met,excluded",
            ),
            Column(
                "Shown apart", ("shown_apart",), "flag",
                "Whether findings count it by itself.", 10, "yes,no",
            ),
            Column(
                "Needs", ("needs",), "keys",
                "What must be given with it, with commas: commentary, date_expected, reason.", 28, always=True,
            ),
        ),
        (Column("Grading scheme", (), "key", "Which scale.", 18, "Grading schemes/Key"),),
    ),
    Table(
        "How they know", "What assurance can rest on, asked beside each grade; if it is to be asked.",
        ("grading_schemes", "*", "bases"),
        (
            Column("Key", ("key",), "key", KEY.note, 18),
            Column("Label", ("label",), "words", "What pages call it.", 26),
            Column("Meaning", ("meaning",), "words", "One sentence.", 50),
            Column("Asks", ("asks",), "keys", "What is asked beside it: files, files_date.", 20, always=True),
        ),
        (Column("Grading scheme", (), "key", "Which scale.", 18, "Grading schemes/Key"),),
    ),
    Table(
        "Milestones", "Times by which things should be in place.", ("milestones",),
        (
            KEY,
            Column("Label", ("label",), "words", "What pages call it.", 26),
            Column("Months", ("months",), "whole", "After the day that a round counts from.", 10),
        ),
        keyed=True,
    ),
    Table(
        "Themes", "Headings under which findings put questions together.", ("themes",),
        (
            KEY,
            Column("Title", ("title",), "words", "The heading.", 30),
            Column("Introduction", ("introduction",), "words", "A paragraph; may be empty.", 60),
        ),
        keyed=True,
    ),
    Table(
        "Reports cited", "Reports whose recommendations questions cite as key/number.", ("recommendation_reports",),
        (
            KEY,
            Column("Title", ("title",), "words", "The full title.", 60),
            Column("Short title", ("short",), "words", "As pages cite it.", 30),
        ),
        keyed=True,
    ),
    Table(
        "Quantifiers", "Words for shares of agencies, largest share first. The last is for 0.", ("quantifiers",),
        (
            Column("From this share", ("at_least",), "number", "From 0 to 1; or the next column.", 16),
            Column("Above this share", ("above",), "number", "From 0 to 1; or the column before.", 16),
            Column("Word", ("word",), "words", "Such as “most”.", 24),
        ),
    ),
    Table(
        "Checklists", "What each agency type is asked. Its questions stand in the sheet that is named here.",
        ("templates",),
        (
            Column(
                "Agency type", (), "key",
                "Which agency type: a key of that sheet.", 18, "Agency types/Key",
            ),
            Column("Sheet", (), "sheet", "The sheet with its questions; “Checklist KEY” if this is empty.", 26),
            Column("Title", ("title",), "words", "What the checklist is called.", 36),
            Column(
                "Introduction", ("introduction",), "words",
                "Two or three sentences to whoever signs.", 60,
            ),
            Column(
                "Grading scheme", ("grading",), "key",
                "The scale of its questions.", 18, "Grading schemes/Key",
            ),
            Column(
                "Declaration", ("declaration",), "words",
                "What is signed, in the first person, with {agency}, {signatory}, {post} and {round}.",
                60,
            ),
        ),
        keyed=True,
    ),
    Table(
        "Standards", "The sections of each checklist, in order.", ("templates", "*", "standards"),
        (
            Column("Id", ("id",), "key", KEY.note, 26),
            Column("Title", ("title",), "words", "The heading.", 36),
            Column(
                "Introduction", ("introduction",), "words",
                "One sentence for who fills it in; may be empty.", 60,
            ),
            Column("Optional", ("optional",), "flag", "Whether it may be left unanswered.", 10, "yes,no"),
            Column("Label", ("label",), "words", "What an optional section is labelled.", 18),
        ),
        (TYPE,),
    ),
    Table(
        "Choices", "What can be chosen where the answer is a choice, or choices.",
        ("templates", "*", "standards", "?", "criteria", "*", "answer", "choices"),
        (
            Column("Key", ("key",), "key", KEY.note, 22),
            Column("Label", ("label",), "words", "What pages call it.", 40),
            Column(
                "Grade", ("grade",), "key",
                "The grade that the choice comes to, if it comes to one.", 18, "Grades/Key",
            ),
        ),
        (TYPE, QUESTION_OF),
    ),
    Table(
        "Columns of tables", "The columns, where the answer is a table.",
        ("templates", "*", "standards", "?", "criteria", "*", "answer", "columns"),
        (
            Column("Key", ("key",), "key", KEY.note, 22),
            Column("Label", ("label",), "words", "What pages call it.", 36),
            Column(
                "Type", ("type",), "key",
                "What its cells hold; text when empty.", 12, "text,number,date,yes_no,choice",
            ),
            Column("Unit", ("unit",), "words", "Of numbers, such as “hours”.", 14),
            Column("Required", ("required",), "flag", "Whether each row must have it.", 10, "yes,no"),
        ),
        (TYPE, QUESTION_OF),
    ),
    Table(
        "Choices in tables", "What can be chosen in a column of a table.",
        ("templates", "*", "standards", "?", "criteria", "*", "answer", "columns", "*", "choices"),
        (
            Column("Key", ("key",), "key", KEY.note, 22),
            Column("Label", ("label",), "words", "What pages call it.", 40),
            Column("Grade", ("grade",), "key", "Empty: choices in tables come to no grade.", 18),
        ),
        (TYPE, QUESTION_OF, Column("Column", (), "key", "The key of the table’s column.", 18)),
    ),
)  # fmt: skip

_CONDITION = (
    "id: grade, grade · or id = choice, choice · or id = yes · or, for numbers, id >= 5 · id < 10"
    " · id >= 5 and < 10."
)
CHECKLIST_COLUMNS: tuple[Column, ...] = (
    Column(
        "Id", ("id",), "key",
        "Never changes, and is here once. Lower-case words, digits and hyphens.", 24,
    ),
    Column(
        "Question", ("question",), "words",
        "Asks one thing, so that the best grade means that it is good.", 60,
    ),
    Column("Why", ("why",), "words", "One sentence on why it is asked.", 40),
    Column("Evidence", ("evidence",), "words", "What good evidence looks like.", 40),
    Column(
        "Recommendations", ("recommendations",), "keys",
        "What it draws on, as report/number, with commas.", 26,
    ),
    Column("Milestone", ("milestone",), "key", "By when it should be in place.", 14, "Milestones/Key"),
    Column("Theme", ("theme",), "key", "Under which heading findings put it.", 16, "Themes/Key"),
    Column(
        "Answer", ("answer", "type"), "key", "How it is answered; grade when empty.", 12,
        "grade,yes_no,number,percentage,date,choice,choices,text,file,table",
    ),
    Column("Unit", ("answer", "unit"), "words", "Of a number, such as “hours”.", 12),
    Column("Smallest", ("answer", "least"), "number", "The smallest number that can be given; 0 when empty.", 10),
    Column("Largest", ("answer", "most"), "number", "The largest number that can be given.", 10),
    Column("Decimals", ("answer", "decimals"), "whole", "Of a number, up to 6; none when empty.", 10),
    Column("Counted", ("answer", "counted"), "words", "Of a percentage: what is counted.", 24),
    Column("Out of", ("answer", "out_of"), "words", "Of a percentage: out of what.", 24),
    Column("No later than today", ("answer", "past"), "flag", "Of a date.", 10, "yes,no"),
    Column("Longest", ("answer", "longest"), "whole", "Of a text: how many characters.", 10),
    Column("At least", ("answer", "at_least"), "whole", "How many choices, files or rows at least.", 10),
    Column("At most", ("answer", "at_most"), "whole", "How many choices or rows at most.", 10),
    Column(
        "Grade of yes", ("answer", "grades", "yes"), "key",
        "What yes comes to, if it comes to a grade.", 14, "Grades/Key",
    ),
    Column("Grade of no", ("answer", "grades", "no"), "key", "What no comes to.", 14, "Grades/Key"),
    Column(
        "Grades of numbers", ("answer", "bands"), "bands",
        "The first that holds: at least 90: KEY; above 50 and below 90: KEY; others: KEY. Limits are at least, above, "
        "at most, below. For percentages in per cent, for choices and tables how many.", 40,
    ),
    Column("Shown if", ("shown_if",), "condition", f"Asked only if. {_CONDITION}", 28),
    Column("Required if", ("required_if",), "condition", f"Must be answered if. {_CONDITION}", 28),
    Column("Not applicable if", ("not_applicable_if",), "condition", f"Does not apply if. {_CONDITION}", 28),
    Column(
        "Required", ("required",), "flag",
        "Whether it must be answered, whatever its standard says.", 10, "yes,no",
    ),
    Column("Asked per", ("scope",), "key", "area or site: once for each. Once in all when empty.", 10, "area,site"),
    Column("Subtypes", ("subtypes",), "keys", "Asked of these only; of all when empty.", 22),
    Column(
        "Twins", ("twins",), "keys",
        "The same duty seen from the other side, as agency-type#id. The twin names this one too.", 28,
    ),
    Column(
        "Grading scheme", ("grading",), "key",
        "If another than the checklist’s.", 16, "Grading schemes/Key",
    ),
    Column("Version", ("version",), "whole", "Raised when the meaning changes; 1 when empty.", 10),
)  # fmt: skip


def checklist(agency_type: str, sheet: str) -> Table:
    """The sheet with the questions of an agency type."""
    return Table(
        sheet, "The questions of an agency type, in order.",
        ("templates", agency_type, "standards", "*", "criteria"), CHECKLIST_COLUMNS,
        (Column("Standard", (), "key", "The section that it stands in.", 22, "Standards/Id"),),
    )  # fmt: skip


def sheet_of(agency_type: str) -> str:
    """What the sheet with the questions of an agency type is called where nothing else is said."""
    return f"Checklist {agency_type}"[:31]


# --- what a cell holds ----------------------------------------------------------------------------


def text_in(cell: Value) -> str:
    """A cell as text, as it was typed."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return cell.isoformat() if isinstance(cell, date) else cell.strip()


def _keys(cell: Value) -> list[str]:
    return [part.strip() for part in text_in(cell).split(",") if part.strip()]


def number_in(cell: Value) -> Any:
    """A number, whole where it has no decimals; what is none comes as text, for the check to refuse."""
    if isinstance(cell, bool | date):
        return text_in(cell)
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else cell
    text = cell.strip()
    if re.fullmatch(r"-?\d{1,15}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", text) else text


def _flag(cell: Value) -> Any:
    return {"yes": True, "true": True, "no": False, "false": False}.get(text_in(cell).lower(), text_in(cell))


def _write_flag(value: Any) -> str | None:
    return {True: "yes", False: "no"}.get(value) if isinstance(value, bool) else None


LIMITS = {"at least": "at_least", "above": "above", "at most": "at_most", "below": "below"}


def _write_bands(bands: Any) -> str:
    told = []
    for band in bands:
        limits = [f"{words} {_number(band[key])}" for words, key in LIMITS.items() if key in band]
        told.append(f"{' and '.join(limits) or 'others'}: {band['grade']}")
    return "; ".join(told)


def _bands(cell: Value) -> list[dict[str, Any]]:
    bands: list[dict[str, Any]] = []
    for part in filter(None, (part.strip() for part in text_in(cell).split(";"))):
        limits, colon, grade = part.rpartition(":")
        band: dict[str, Any] = {}
        for limit in [] if limits.strip().lower() == "others" else limits.split(" and "):
            found = re.fullmatch(r"\s*(at least|above|at most|below)\s+(-?[\d.]+)\s*", limit.lower())
            number = number_in(found[2]) if found else ""
            if not colon or found is None or isinstance(number, str) or LIMITS[found[1]] in band:
                raise Wrong(
                    f"“{part}” is not a limit with a grade; write it as `at least 90: KEY` or `others: KEY`"
                )
            band[LIMITS[found[1]]] = number
        bands.append({**band, "grade": grade.strip()})
    return bands


def _number(number: float) -> str:
    return str(number) if isinstance(number, int) or not number.is_integer() else str(int(number))


def _write_condition(condition: Any) -> str | None:
    given = set(condition) - {"criterion"}
    name = condition.get("criterion")
    if given == {"grades"}:
        return f"{name}: {', '.join(condition['grades'])}"
    if given == {"answers"}:
        return f"{name} = {', '.join(condition['answers'])}"
    if given and given <= {"at_least", "below"}:
        signs = {"at_least": ">=", "below": "<"}
        limits = [f"{signs[key]} {_number(condition[key])}" for key in signs if key in condition]
        return f"{name} {' and '.join(limits)}"
    return None


def _condition(cell: Value) -> dict[str, Any]:
    text = text_in(cell)
    found = re.fullmatch(r"([^\s:=<>]+)\s*(:|=|>=|<)\s*(.+)", text, re.DOTALL)
    if found is None:
        raise Wrong(f"“{text[:60]}” is no condition; write it as `id: grade`, `id = choice` or `id >= 5`")
    name, sign, rest = found.groups()
    if sign in ":=":
        return {"criterion": name, {":": "grades", "=": "answers"}[sign]: _keys(rest)}
    condition: dict[str, Any] = {"criterion": name}
    for limit in (sign + rest).split(" and "):
        parts = re.fullmatch(r"\s*(>=|<)\s*(-?[\d.]+)\s*", limit)
        number = number_in(parts[2]) if parts else ""
        if parts is None or isinstance(number, str):
            raise Wrong(f"“{limit.strip()[:60]}” is no limit; write it as `>= 5` or `< 10`")
        condition["at_least" if parts[1] == ">=" else "below"] = number
    return condition


READ: Mapping[Kind, Callable[[Value], Any]] = {
    "words": text_in,
    "key": text_in,
    "sheet": text_in,
    "keys": _keys,
    "whole": number_in,
    "number": number_in,
    "flag": _flag,
    "bands": _bands,
    "condition": _condition,
}
_WRITE: Mapping[Kind, Callable[[Any], str | float | None]] = {
    "words": lambda value: value if isinstance(value, str) else None,
    "key": lambda value: value if isinstance(value, str) else None,
    "keys": ", ".join,
    "whole": lambda value: value,
    "number": lambda value: value,
    "flag": _write_flag,
    "bands": _write_bands,
    "condition": _write_condition,
}


def as_cell(kind: Kind, value: Any) -> str | float | None:
    """What is written for a value; None where a cell of this kind cannot hold it and give it back."""
    try:
        cell = _WRITE[kind](value)
        if cell is None or cell == "" or isinstance(cell, bool):
            return None
        back = READ[kind](float(cell) if isinstance(cell, int | float) else cell)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        return None
    same = value.strip() if isinstance(value, str) else value
    return cell if back == same else None


def languages_of(content: Any) -> set[str]:
    """The languages, but for English, in which the texts of a pack are written."""
    if isinstance(content, list):
        return set().union(*map(languages_of, content))
    if not isinstance(content, dict):
        return set()
    if is_words(content):
        return set(content) - {"en"}
    return set().union(*map(languages_of, content.values()))


def is_words(value: dict[str, Any]) -> bool:
    """Whether this is one text in several languages, English among them."""
    return "en" in value and all(
        isinstance(text, str) and re.match(LANGUAGE_PATTERN, language) for language, text in value.items()
    )


def as_json(value: Any) -> str:
    """What `Other parts` holds."""
    return json.dumps(value, ensure_ascii=False)


def read_json(cell: Value) -> dict[str, Any]:
    """What stands in `Other parts`."""
    try:
        value = json.loads(text_in(cell), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Wrong('this is not JSON; write it as {"key": "value"}, or clear the cell') from None
    if not isinstance(value, dict):
        raise Wrong('expected a mapping, such as {"key": "value"}')
    return value


def _no_number(name: str) -> float:
    raise ValueError(name)
