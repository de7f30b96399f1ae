"""From the fields of a form to an answer and back: one class per answer type, as `domain.answers` has them.

A field of a question is named `c-QUESTION--FIELD`: ids of questions have no double hyphen, so no two names clash.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from markupsafe import Markup

from app.domain.asking import TableAsked
from app.domain.message import N_, Message
from app.domain.templates import Criterion, GradingScheme
from app.operations.answers import Edit

PARTS = ("day", "month", "year")
LONG = ("commentary", "reason", "text")  # fields that hold what somebody wrote
NAMES = {
    "grade": N_("Grade"),
    "basis": N_("How do you know?"),
    "files": N_("Files looked at"),
    "files_date": N_("Date files were looked at"),
    "commentary": N_("Commentary"),
    "date_expected": N_("Expected in place by"),
    "reason": N_("Reason"),
}
CHECKED = Markup(" checked")
SELECTED = Markup(" selected")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def name_of(criterion: str, part: str, prefix: str = "c") -> str:
    """The name, and the id, of a field. `criterion` is the id of a question."""
    return f"{prefix}-{criterion}--{part}"


@dataclass(frozen=True)
class Typed:
    """What a form holds for one criterion, exactly as typed; `errors` is found before the domain reads it."""

    type: str
    fields: Mapping[str, str]
    based_on: int = 0
    errors: Mapping[str, Message] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """A field by name: `commentary`, or `date_expected-month`. Empty where there is none."""
        return self.fields.get(name, "")


class AnswerForm:
    """The form of an answer: fields of its type's own, how the agency knows, texts and dates."""

    page = "agency/answers/fact.html"
    own: tuple[str, ...] = ()  # its own fields that hold text, or the key of what is chosen
    own_dates: tuple[str, ...] = ()
    beside = ("basis", "files", "commentary", "reason")

    @property
    def texts(self) -> tuple[str, ...]:
        """The names of the fields that are read as they stand."""
        return (*self.own, *self.beside)

    @property
    def dates(self) -> tuple[str, ...]:
        """The names of the fields of three parts."""
        return (*self.own_dates, "files_date", "date_expected")

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all fields, the parts of dates by themselves."""
        return frozenset((*self.texts, *(f"{name}-{part}" for name in self.dates for part in PARTS)))

    def knows(self, name: str) -> bool:
        """Whether a field of this name can be in the form."""
        return name in self.names

    def typed_of(self, value: Mapping[str, Any]) -> dict[str, str]:
        """The fields for a stored value."""
        fields = {name: str(value[name]) for name in self.texts if name in value}
        for name in self.dates:
            if value.get(name):
                fields |= _parts(name, value[name])
        return fields

    def variant(self, typed: Typed) -> Hashable:
        """What decides which fields the template shows, besides the criterion: whether a reason stands there."""
        return bool(typed["reason"])

    def rows(self, criterion: Criterion, typed: Typed) -> range:
        """The numbers of the rows that a table shows."""
        return range(0)

    def slots(self, criterion: Criterion, scheme: GradingScheme, typed: Typed) -> dict[str, str | Markup]:
        """What changes from answer to answer in the form's template, by the name it has there."""
        values: dict[str, str | Markup] = {"version": str(typed.based_on)}
        for name in self.names:
            values[f"text-{name}"] = typed[name]
        for name in LONG:
            values[f"rows-{name}"] = str(max(3, min(len(typed[name]) // 70 + 2, 14)))
        own = criterion.answer.choices_known()
        grades, bases = ([one.key for one in every] for every in (scheme.grades, scheme.bases))
        for name, keys in (("grade", grades), ("basis", bases), ("answer", own), ("chosen", own)):
            for key in keys:
                values[f"checked-{name}-{key}"] = CHECKED if typed[name] == key else ""
        return values

    def raw_of(self, fields: Mapping[str, str]) -> dict[str, str]:
        """The fields as the domain reads them: dates joined to YYYY-MM-DD."""
        raw = {name: fields.get(name, "") for name in self.texts}
        for name in self.dates:
            raw[name] = _joined(name, fields)
        return raw

    def together(self, mine: Typed, theirs: Typed) -> dict[str, str]:
        """The fields with what two people typed put together: both texts, and mine where only one thing can stand."""
        both = {name: merged(mine[name], theirs[name]) for name in LONG}
        return {**theirs.fields, **mine.fields, **{name: words for name, words in both.items() if words}}

    def errors_of(self, fields: Mapping[str, str]) -> dict[str, Message]:
        """Dates that miss a part, each with what is missing: field to message."""
        errors = {}
        for name, words in (
            ("date", N_("The date must have a %(missing)s")),
            ("files_date", N_("The date on which files were looked at must have a %(missing)s")),
            ("date_expected", N_("The date expected must have a %(missing)s")),
        ):
            missing = [part for part in PARTS if not fields.get(f"{name}-{part}", "")]
            if name in self.dates and 0 < len(missing) < len(PARTS):
                errors[name] = Message(words, {"missing": " and a ".join(missing)})
        return errors


class GradeForm(AnswerForm):
    """The form of a grade: radios."""

    page = "agency/answers/grade.html"
    own = ("grade",)


class YesNoForm(AnswerForm):
    """Two radios."""

    own = ("answer",)


class NumberForm(AnswerForm):
    """A field for a number."""

    own = ("number",)


class PercentageForm(AnswerForm):
    """Two fields for whole numbers."""

    own = ("numerator", "denominator")


class DateForm(AnswerForm):
    """A date of three parts."""

    own_dates = ("date",)


class ChoiceForm(AnswerForm):
    """Radios."""

    own = ("chosen",)


class TextForm(AnswerForm):
    """A text."""

    own = ("text",)


class FileForm(AnswerForm):
    """Nothing of its own: the files are evidence."""


class ChoicesForm(AnswerForm):
    """Checkboxes, each a field by itself: `choices-KEY`."""

    def knows(self, name: str) -> bool:
        return name in self.names or name.startswith("choices-")

    def typed_of(self, value: Mapping[str, Any]) -> dict[str, str]:
        return super().typed_of(value) | {f"choices-{key}": "yes" for key in value.get("choices", ())}

    def slots(self, criterion: Criterion, scheme: GradingScheme, typed: Typed) -> dict[str, str | Markup]:
        values = super().slots(criterion, scheme, typed)
        for key in criterion.answer.choices_known():
            values[f"checked-choices-{key}"] = CHECKED if typed[f"choices-{key}"] else ""
        return values

    def raw_of(self, fields: Mapping[str, str]) -> dict[str, str]:
        chosen = (name.removeprefix("choices-") for name in fields if name.startswith("choices-") and fields[name])
        return super().raw_of(fields) | {"choices": ",".join(sorted(chosen))}


class TableForm(AnswerForm):
    """Rows of cells: `rows-NUMBER-COLUMN`, dates in cells as one text."""

    SPARE = 3  # empty rows below those that are filled in

    def knows(self, name: str) -> bool:
        return name in self.names or re.fullmatch(r"rows-[0-9]{1,3}-[a-z0-9-]{1,80}", name) is not None

    def typed_of(self, value: Mapping[str, Any]) -> dict[str, str]:
        cells = {
            f"rows-{number}-{key}": cell
            for number, row in enumerate(value.get("rows", ()), start=1)
            for key, cell in row.items()
        }
        return super().typed_of(value) | cells

    def _filled(self, typed: Typed) -> int:
        """The number of the last row with anything in it."""
        filled = (name for name, cell in typed.fields.items() if cell and _is_cell(name))
        return max((int(name.split("-")[1]) for name in filled), default=0)

    def rows(self, criterion: Criterion, typed: Typed) -> range:
        asked, filled = cast(TableAsked, criterion.answer), self._filled(typed)
        # more than may be are shown too, to be taken out by hand
        return range(1, max(min(max(filled + self.SPARE, asked.at_least), asked.at_most), filled) + 1)

    def variant(self, typed: Typed) -> Hashable:
        return super().variant(typed), self._filled(typed)

    def slots(self, criterion: Criterion, scheme: GradingScheme, typed: Typed) -> dict[str, str | Markup]:
        values = super().slots(criterion, scheme, typed)
        for number in self.rows(criterion, typed):
            for column in cast(TableAsked, criterion.answer).columns:
                name = f"rows-{number}-{column.key}"
                values[f"text-{name}"] = typed[name]
                for key in column.choices_known():
                    values[f"selected-{name}-{key}"] = SELECTED if typed[name] == key else ""
        return values

    def raw_of(self, fields: Mapping[str, str]) -> dict[str, str]:
        rows = _rows_of(fields)
        return super().raw_of(fields) | {"rows": json.dumps(rows) if rows else ""}

    def together(self, mine: Typed, theirs: Typed) -> dict[str, str]:
        """As of other types; of tables all rows of both, mine first."""
        rows = _rows_of(mine.fields)
        rows += [row for row in _rows_of(theirs.fields) if row not in rows]
        fields = super().together(mine, theirs)
        return {name: words for name, words in fields.items() if not _is_cell(name)} | {
            f"rows-{number}-{key}": cell for number, row in enumerate(rows, start=1) for key, cell in row.items()
        }


def _is_cell(name: str) -> bool:
    return name.startswith("rows-")


def _rows_of(fields: Mapping[str, str]) -> list[dict[str, str]]:
    """The rows of a table that have anything in them, in order."""
    rows: dict[int, dict[str, str]] = {}
    for name, cell in fields.items():
        if cell and _is_cell(name):
            _, number, key = name.split("-", 2)
            rows.setdefault(int(number), {})[key] = cell
    return [dict(sorted(rows[number].items())) for number in sorted(rows)]


def _parts(name: str, day: str) -> dict[str, str]:
    year, month, of_month = day.split("-")
    return {f"{name}-day": str(int(of_month)), f"{name}-month": str(int(month)), f"{name}-year": year}


def _joined(name: str, fields: Mapping[str, str]) -> str:
    parts = [fields.get(f"{name}-{part}", "") for part in PARTS]
    return "-".join((parts[2], _month(parts[1]), parts[0])) if any(parts) else ""


FORMS: dict[str, AnswerForm] = {
    "grade": GradeForm(),
    "yes_no": YesNoForm(),
    "number": NumberForm(),
    "percentage": PercentageForm(),
    "date": DateForm(),
    "choice": ChoiceForm(),
    "choices": ChoicesForm(),
    "text": TextForm(),
    "file": FileForm(),
    "table": TableForm(),
}
VERSIONS = range(10**9)
USUAL = "grade"  # a form of another type says so in a field `type`


def _month(text: str) -> str:
    """The number of a month that somebody wrote as a word; anything else stays."""
    place = text[:3].casefold()
    return str(MONTHS.index(place) + 1) if place in MONTHS else text


def form_of(criterion: Criterion) -> AnswerForm:
    """The form of a criterion's answer type."""
    return FORMS[criterion.answer.type]


def stored(criterion: Criterion, value: Mapping[str, Any], version: int) -> Typed:
    """The form as it shows a stored answer."""
    return Typed(criterion.answer.type, form_of(criterion).typed_of(value), version)


def sent(values: Mapping[str, str], prefix: str = "c") -> dict[str, Typed]:
    """What was sent, by criterion. Whether those criteria exist is for the operation to say."""
    found = {}
    for name in values:
        if not name.endswith("--version"):
            continue
        match = re.fullmatch(rf"{prefix}-([a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)?)--version", name)
        kind = values.get(name_of(match[1], "type", prefix), USUAL) if match else ""
        if match is None or kind not in FORMS:
            continue
        start = name_of(match[1], "", prefix)
        given = {field.removeprefix(start): words for field, words in values.items() if field.startswith(start)}
        fields = {field: words for field, words in given.items() if FORMS[kind].knows(field)}
        version = values[name]
        found[match[1]] = _typed(kind, fields, int(version) if re.fullmatch(r"[0-9]{1,9}", version) else 0)
    return found


def read(one: Mapping[str, Any]) -> Typed | None:
    """What was sent for one criterion as JSON: `fields`, `based_on`, and `type` unless it is the usual one.

    None where it is nothing of the kind.
    """
    kind, fields, based_on = one.get("type", USUAL), one.get("fields"), one.get("based_on")
    if kind not in FORMS or not isinstance(fields, Mapping) or type(based_on) is not int or based_on not in VERSIONS:
        return None
    given = {part: words for part, words in fields.items() if isinstance(part, str) and FORMS[kind].knows(part)}
    if not all(isinstance(words, str) for words in given.values()):
        return None
    return _typed(kind, given, based_on)


def _typed(kind: str, fields: Mapping[str, str], based_on: int) -> Typed:
    plain = {part: _plain(words) for part, words in fields.items()}
    return Typed(kind, plain, based_on, FORMS[kind].errors_of(plain))


def _plain(text: str) -> str:
    """A text as stored texts are written, so that what was not changed compares equal."""
    return text.replace("\x00", "").replace("\r\n", "\n").strip()


def edit_of(criterion: str, typed: Typed, page_key: str) -> Edit:
    """The edit that a form asks for.

    Its key covers what was typed: the same page sent twice is one save, and the same page sent again with other words
    (after the browser's Back) is another.
    """
    raw = FORMS[typed.type].raw_of(typed.fields)
    seed = "\n".join(
        (page_key, criterion, str(typed.based_on), *(f"{name}={raw[name]}" for name in sorted(raw)))
    )
    return Edit(
        criterion, raw, typed.based_on, hashlib.sha256(seed.encode(errors="replace")).hexdigest()[:40]
    )


def is_changed(typed: Typed, before: Typed) -> bool:
    """Whether what was typed differs from what is stored."""
    return any(typed[name] != before[name] for name in {*typed.fields, *before.fields})


def merged(mine: str, theirs: str) -> str:
    """Both texts below each other, or the one that holds the other."""
    if not theirs or theirs in mine:
        return mine
    return theirs if mine in theirs else f"{mine}\n\n{theirs}"
