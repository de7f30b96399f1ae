"""From the fields of a form to an answer and back: one class per answer type, as `domain.answers` has them.

A field of a question is named `c-QUESTION--FIELD`: ids of questions have no double hyphen, so no two names clash.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from app.domain.message import N_, Message
from app.domain.templates import Criterion, GradingScheme
from app.operations.answers import Edit

PARTS = ("day", "month", "year")
CHECKED = Markup(" checked")
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


class GradeForm:
    """The form of a grade: radios, how the agency knows, texts and dates."""

    page = "agency/answers/grade.html"
    texts = ("grade", "basis", "files", "commentary", "reason")
    dates = ("files_date", "date_expected")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all fields, the parts of dates by themselves."""
        return (*self.texts, *(f"{name}-{part}" for name in self.dates for part in PARTS))

    def typed_of(self, value: Mapping[str, Any]) -> dict[str, str]:
        """The fields for a stored value."""
        fields = {name: str(value[name]) for name in self.texts if name in value}
        for name in self.dates:
            if value.get(name):
                year, month, day = value[name].split("-")
                fields |= {
                    f"{name}-day": str(int(day)),
                    f"{name}-month": str(int(month)),
                    f"{name}-year": year,
                }
        return fields

    def variant(self, typed: Typed) -> bool:
        """What decides which fields the template shows, besides the criterion: whether a reason stands there."""
        return bool(typed["reason"])

    def slots(self, scheme: GradingScheme, typed: Typed) -> dict[str, str | Markup]:
        """What changes from answer to answer in the form's template, by the name it has there."""
        values: dict[str, str | Markup] = {"version": str(typed.based_on)}
        for name in self.names:
            values[f"text-{name}"] = typed[name]
        for name in ("commentary", "reason"):
            values[f"rows-{name}"] = str(max(3, min(len(typed[name]) // 70 + 2, 14)))
        for name, options in (("grade", scheme.grades), ("basis", scheme.bases)):
            for option in options:
                values[f"checked-{name}-{option.key}"] = CHECKED if typed[name] == option.key else ""
        return values

    def raw_of(self, fields: Mapping[str, str]) -> dict[str, str]:
        """The fields as the domain reads them: dates joined to YYYY-MM-DD."""
        raw = {name: fields.get(name, "") for name in self.texts}
        for name in self.dates:
            parts = [fields.get(f"{name}-{part}", "") for part in PARTS]
            raw[name] = "-".join((parts[2], _month(parts[1]), parts[0])) if any(parts) else ""
        return raw

    def errors_of(self, fields: Mapping[str, str]) -> dict[str, Message]:
        """Dates that miss a part, each with what is missing: field to message."""
        errors = {}
        for name, words in (
            ("files_date", N_("The date on which files were looked at must have a %(missing)s")),
            ("date_expected", N_("The date expected must have a %(missing)s")),
        ):
            missing = [part for part in PARTS if not fields.get(f"{name}-{part}", "")]
            if 0 < len(missing) < len(PARTS):
                errors[name] = Message(words, {"missing": " and a ".join(missing)})
        return errors


FORMS: dict[str, GradeForm] = {"grade": GradeForm()}
VERSIONS = range(10**9)
USUAL = "grade"  # a form of another type says so in a field `type`


def _month(text: str) -> str:
    """The number of a month that somebody wrote as a word; anything else stays."""
    place = text[:3].casefold()
    return str(MONTHS.index(place) + 1) if place in MONTHS else text


def form_of(criterion: Criterion) -> GradeForm:
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
        match = re.fullmatch(rf"{prefix}-([a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)?)--version", name)
        kind = values.get(name_of(match[1], "type", prefix), USUAL) if match else ""
        if match is None or kind not in FORMS:
            continue
        fields = {part: values.get(name_of(match[1], part, prefix), "") for part in FORMS[kind].names}
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
    given = {part: fields.get(part, "") for part in FORMS[kind].names}
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
