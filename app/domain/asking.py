"""How a question is answered: the types of answers that an author can choose, each with what can be said about it.

An answer is a grade, or a fact (a number, a date, a choice, …). A fact may come to a grade of the criterion's scheme,
by bands or choice by choice; then it counts in figures, caps and triggers as a grade does, and asks for what the grade
asks for. A fact without grades is shown, exported and summed up by itself.

What is read from a person is the work of `domain.answers`; here is what a stored value means.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, model_serializer

from app.domain.parts import Flag, Key, Part, exact
from app.domain.text import Text

YES_NO = ("yes", "no")
MAX_ROWS = 200  # of a table
MAX_COLUMNS = 12
MAX_CHOICES = 100

Number = Annotated[float, Field(strict=True, ge=-1_000_000_000, le=1_000_000_000)]


class Wrong(ValueError):
    """What contradicts itself in how a question is answered; `at` is where, from the answer down."""

    def __init__(self, message: str, *at: str | int) -> None:
        super().__init__(message)
        self.at = at


class Plain(Part):
    """A part of which only what was given is frozen: published hashes stay when it learns more."""

    @model_serializer(mode="wrap")
    def _as_given(self, handler: Any) -> dict[str, Any]:
        frozen: dict[str, Any] = handler(self)
        return {key: value for key, value in frozen.items() if key == "type" or key in self.model_fields_set}


class Band(Plain):
    """A grade for the values within its limits; without limits for all the others."""

    at_least: Number | None = None
    above: Number | None = None
    at_most: Number | None = None
    below: Number | None = None
    grade: Key

    @property
    def is_open(self) -> bool:
        """Whether it holds for every value."""
        return self.at_least is self.above is self.at_most is self.below is None

    def holds(self, value: Fraction) -> bool:
        """Whether a value lies within its limits."""
        return (
            (self.at_least is None or value >= exact(self.at_least))
            and (self.above is None or value > exact(self.above))
            and (self.at_most is None or value <= exact(self.at_most))
            and (self.below is None or value < exact(self.below))
        )


class Choice(Plain):
    """One of several things that can be chosen, with the grade that it comes to."""

    key: Key
    label: Text
    grade: Key | None = None


class Asked(Plain):
    """What every type of answer has: the grade, the measure and the choices that a stored value comes to."""

    type: str

    @property
    def comes_to(self) -> tuple[str, ...]:
        """The grades that values can come to; empty for a fact that is not graded."""
        return ()

    @property
    def is_graded(self) -> bool:
        """Whether values come to a grade."""
        return bool(self.comes_to)

    def grade_of(self, value: Mapping[str, Any]) -> str:
        """The grade that a stored value comes to; "" for none."""
        return ""

    def measure(self, value: Mapping[str, Any]) -> Fraction | None:
        """The number that a stored value comes to, for bands, conditions and figures; None for none."""
        return None

    def chosen(self, value: Mapping[str, Any]) -> tuple[str, ...]:
        """The keys that were chosen, for conditions and figures."""
        return ()

    def choices_known(self) -> tuple[str, ...]:
        """The keys that can be chosen."""
        return ()

    def contradictions(self) -> tuple[Wrong, ...]:
        """What an author cannot have meant."""
        return ()


class GradeAsked(Asked):
    """A grade of the criterion's scheme, chosen by the agency."""

    type: Literal["grade"] = "grade"

    @property
    def is_graded(self) -> bool:
        return True

    def grade_of(self, value: Mapping[str, Any]) -> str:
        return str(value.get("grade", ""))


class Measured(Asked):
    """A fact with a measure, which comes to a grade by bands: the first that holds, from the top."""

    bands: tuple[Band, ...] = ()

    @property
    def comes_to(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(band.grade for band in self.bands))

    def grade_of(self, value: Mapping[str, Any]) -> str:
        measure = self.measure(value)
        if measure is None:
            return ""
        return next((band.grade for band in self.bands if band.holds(measure)), "")

    @property
    @abstractmethod
    def lowest(self) -> Fraction | None:
        """The smallest measure that can be given, if there is one."""

    @property
    @abstractmethod
    def highest(self) -> Fraction | None:
        """The largest measure that can be given, if there is one."""

    def contradictions(self) -> tuple[Wrong, ...]:
        """Bands that leave a value without a grade, and bands that no value reaches."""
        if not self.bands:
            return ()
        found: list[Wrong] = []
        tried = self._cases()
        reached: set[int] = set()
        for value in tried:
            place = next((place for place, band in enumerate(self.bands) if band.holds(value)), None)
            if place is None and not found:
                found.append(Wrong(f"{_number(value)} has no grade; end with a band that has only a `grade`", "bands"))
            elif place is not None:
                reached.add(place)
        found += [
            Wrong("no value reaches this band; change its limits, or remove it", "bands", place)
            for place in range(len(self.bands))
            if place not in reached
        ]
        return tuple(found)

    def _cases(self) -> list[Fraction]:
        """Values on, between and beyond all limits: one for every case that bands can tell apart."""
        limits = {
            exact(limit)
            for band in self.bands
            for limit in (band.at_least, band.above, band.at_most, band.below)
            if limit is not None
        }
        limits |= {limit for limit in (self.lowest, self.highest) if limit is not None}
        if not limits:
            return [Fraction(0)]
        ordered = sorted(limits)
        between = [(one + other) / 2 for one, other in pairwise(ordered)]
        every = [ordered[0] - 1, *ordered, *between, ordered[-1] + 1]
        return sorted(
            value
            for value in every
            if (self.lowest is None or value >= self.lowest) and (self.highest is None or value <= self.highest)
        )


class YesNo(Asked):
    """Yes or no."""

    type: Literal["yes_no"]
    grades: Annotated[dict[Literal["yes", "no"], Key], Field(min_length=2)] | None = None

    @property
    def comes_to(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.grades.values())) if self.grades else ()

    def grade_of(self, value: Mapping[str, Any]) -> str:
        return (self.grades or {}).get(value.get("answer", ""), "")

    def chosen(self, value: Mapping[str, Any]) -> tuple[str, ...]:
        return (value["answer"],) if "answer" in value else ()

    def choices_known(self) -> tuple[str, ...]:
        return YES_NO


class NumberAsked(Measured):
    """A number with a unit, from `least` to `most`, with up to so many `decimals`."""

    type: Literal["number"]
    unit: Text | None = None
    least: Number | None = 0
    most: Number | None = None
    decimals: Annotated[int, Field(strict=True, ge=0, le=6)] = 0

    def measure(self, value: Mapping[str, Any]) -> Fraction | None:
        return Fraction(value["number"]) if "number" in value else None

    @property
    def lowest(self) -> Fraction | None:
        return None if self.least is None else exact(self.least)

    @property
    def highest(self) -> Fraction | None:
        return None if self.most is None else exact(self.most)

    def contradictions(self) -> tuple[Wrong, ...]:
        if self.lowest is not None and self.highest is not None and self.lowest > self.highest:
            return (Wrong("`least` is more than `most`; swap them", "least"),)
        return super().contradictions()


class Percentage(Measured):
    """A share: how many of how many. The measure is in per cent. Where there was nothing to count there is none."""

    type: Literal["percentage"]
    counted: Text
    out_of: Text
    lowest: ClassVar[Fraction] = Fraction(0)
    highest: ClassVar[Fraction] = Fraction(100)

    def measure(self, value: Mapping[str, Any]) -> Fraction | None:
        numerator, denominator = value.get("numerator"), value.get("denominator")
        return Fraction(numerator * 100, denominator) if numerator is not None and denominator else None


class DateAsked(Asked):
    """A date; with `past` none after today."""

    type: Literal["date"]
    past: Flag = False


class ChoiceAsked(Asked):
    """One of several choices."""

    type: Literal["choice"]
    choices: Annotated[tuple[Choice, ...], Field(min_length=2, max_length=MAX_CHOICES)]

    @property
    def comes_to(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(choice.grade for choice in self.choices if choice.grade))

    def grade_of(self, value: Mapping[str, Any]) -> str:
        return next((one.grade or "" for one in self.choices if one.key == value.get("chosen")), "")

    def chosen(self, value: Mapping[str, Any]) -> tuple[str, ...]:
        return (value["chosen"],) if "chosen" in value else ()

    def choices_known(self) -> tuple[str, ...]:
        return tuple(choice.key for choice in self.choices)

    def contradictions(self) -> tuple[Wrong, ...]:
        graded = [choice.grade is not None for choice in self.choices]
        if any(graded) and not all(graded):
            place = graded.index(False)
            return (Wrong("other choices have a `grade`; give this one too", "choices", place), *_twice(self.choices))
        return _twice(self.choices)


class ChoicesAsked(Measured):
    """Several choices, `at_least` to `at_most` of them. The measure is how many were chosen."""

    type: Literal["choices"]
    choices: Annotated[tuple[Choice, ...], Field(min_length=2, max_length=MAX_CHOICES)]
    at_least: Annotated[int, Field(strict=True, ge=0, le=MAX_CHOICES)] = 1
    at_most: Annotated[int, Field(strict=True, ge=1, le=MAX_CHOICES)] | None = None

    def measure(self, value: Mapping[str, Any]) -> Fraction | None:
        return Fraction(len(value["choices"])) if "choices" in value else None

    def chosen(self, value: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(value.get("choices", ()))

    def choices_known(self) -> tuple[str, ...]:
        return tuple(choice.key for choice in self.choices)

    @property
    def lowest(self) -> Fraction:
        return Fraction(self.at_least)

    @property
    def highest(self) -> Fraction:
        return Fraction(len(self.choices) if self.at_most is None else self.at_most)

    def contradictions(self) -> tuple[Wrong, ...]:
        found = list(_twice(self.choices))
        found += [
            Wrong("a `grade` belongs to the `bands`, which count how many were chosen; remove it", "choices", place)
            for place, choice in enumerate(self.choices)
            if choice.grade is not None
        ]
        if self.at_least > min(len(self.choices), self.at_most or len(self.choices)):
            found.append(Wrong("so many cannot be chosen; lower it", "at_least"))
        return (*found, *(() if found else super().contradictions()))


class TextAsked(Asked):
    """A text of up to `longest` characters."""

    type: Literal["text"]
    longest: Annotated[int, Field(strict=True, ge=10, le=20_000)] = 20_000


class FileAsked(Asked):
    """A file or more, given as evidence for the question."""

    type: Literal["file"]
    at_least: Annotated[int, Field(strict=True, ge=1, le=20)] = 1


class Column(Plain):
    """A column of a table: what its cells hold."""

    key: Key
    label: Text
    type: Literal["text", "number", "date", "yes_no", "choice"] = "text"
    unit: Text | None = None
    choices: Annotated[tuple[Choice, ...], Field(min_length=2, max_length=MAX_CHOICES)] | None = None
    required: Flag = False

    def choices_known(self) -> tuple[str, ...]:
        """The keys that can be chosen in a cell."""
        return YES_NO if self.type == "yes_no" else tuple(choice.key for choice in self.choices or ())


class TableAsked(Measured):
    """Rows that the agency adds, `at_least` to `at_most` of them. The measure is how many there are."""

    type: Literal["table"]
    columns: Annotated[tuple[Column, ...], Field(min_length=1, max_length=MAX_COLUMNS)]
    at_least: Annotated[int, Field(strict=True, ge=0, le=MAX_ROWS)] = 1
    at_most: Annotated[int, Field(strict=True, ge=1, le=MAX_ROWS)] = 50

    def measure(self, value: Mapping[str, Any]) -> Fraction | None:
        return Fraction(len(value["rows"])) if "rows" in value else None

    @property
    def lowest(self) -> Fraction:
        return Fraction(self.at_least)

    @property
    def highest(self) -> Fraction:
        return Fraction(self.at_most)

    def contradictions(self) -> tuple[Wrong, ...]:
        found: list[Wrong] = []
        seen: set[str] = set()
        for place, column in enumerate(self.columns):
            if column.key in seen:
                found.append(Wrong(f"the column `{column.key}` is here twice; rename one", "columns", place, "key"))
            seen.add(column.key)
            if (column.type == "choice") != (column.choices is not None):
                found.append(Wrong("a column has `choices` if, and only if, its type is `choice`", "columns", place))
            found += [
                Wrong(wrong.args[0], "columns", place, *wrong.at) for wrong in _twice(column.choices or ())
            ]
        if self.at_least > self.at_most:
            found.append(Wrong("`at_least` is more than `at_most`; swap them", "at_least"))
        return (*found, *(() if found else super().contradictions()))


Answer = Annotated[
    GradeAsked
    | YesNo
    | NumberAsked
    | Percentage
    | DateAsked
    | ChoiceAsked
    | ChoicesAsked
    | TextAsked
    | FileAsked
    | TableAsked,
    Discriminator("type"),
]


def _twice(choices: tuple[Choice, ...]) -> tuple[Wrong, ...]:
    seen: set[str] = set()
    found = []
    for place, choice in enumerate(choices):
        if choice.key in seen:
            found.append(Wrong(f"the choice `{choice.key}` is here twice; rename one", "choices", place, "key"))
        seen.add(choice.key)
    return tuple(found)


def _number(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else str(float(value))
