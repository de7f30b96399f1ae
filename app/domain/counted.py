"""What the facts of many answers come to: choices counted, numbers and shares spread out, days from first to last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator

from app.domain.asking import Asked, DateAsked, NumberAsked, Percentage, TableAsked


class Frozen(BaseModel):
    """What all parts share: they never change, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def decimal_text(value: Fraction) -> str:
    """A number with finitely many decimals, as `-1234.5`."""
    return f"{Decimal(value.numerator) / Decimal(value.denominator):f}"


# a number in data as `1234.5`: no reader of JSON has to guess how exact it is
Exact = Annotated[Fraction, PlainValidator(Fraction), PlainSerializer(decimal_text, return_type=str)]


class Spread(Frozen):
    """How numbers lie: their `number`, the smallest and largest, and the quartiles between. Shares are in per cent.

    No `smallest` and `largest`, which one agency each gave, where small numbers are left out.

    `total` is of numbers and of rows, `numerator` of `denominator` of shares: both added up, which `together` is the
    share of. What was out of nothing has no share, and is not among the `number`.
    """

    number: int
    smallest: Exact | None
    lower: Exact
    median: Exact
    upper: Exact
    largest: Exact | None
    total: Exact | None = None
    numerator: int | None = None
    denominator: int | None = None
    together: Exact | None = None

    @property
    def shown(self) -> tuple[Fraction, ...]:
        """The smallest, the quartiles and the largest, but for those that are left out."""
        five = (self.smallest, self.lower, self.median, self.upper, self.largest)
        return tuple(one for one in five if one is not None)


class Days(Frozen):
    """The first and the last of some days, and the one in the middle: of two in the middle the earlier.

    No first and last, which one agency each gave, where small numbers are left out.
    """

    number: int
    earliest: date | None
    median: date
    latest: date | None

    @property
    def shown(self) -> tuple[date, ...]:
        """The first, the middle and the last, but for those that are left out."""
        return tuple(one for one in (self.earliest, self.median, self.latest) if one is not None)


class Counted(Frozen):
    """What answers to one question say, taken together.

    `answers`: how many say anything; `chosen`: every choice there is to how often it was chosen.
    """

    answers: int = 0
    chosen: dict[str, int] = {}
    spread: Spread | None = None
    days: Days | None = None


class ChoiceFound(Frozen):
    """Something that can be chosen, with its words."""

    key: str
    label: str


class FactRow(Frozen):
    """A question of facts as the agencies of one type answered it; `returns` were asked, as question `number`.

    Where it is `hidden`, for small numbers, nothing is counted.
    """

    agency_type: str
    label: str
    number: str
    returns: int
    counted: Counted
    hidden: bool = False


class FactFindings(Frozen):
    """A question that is answered with a fact, of each agency type that is asked it alike, and of all together.

    `unit` is of numbers, `numerator` and `denominator` name the two parts of a share, `choices` what can be chosen.
    """

    id: str
    label: str
    question: str
    theme: str
    optional: bool
    type: str
    unit: str
    numerator: str
    denominator: str
    choices: tuple[ChoiceFound, ...]
    rows: tuple[FactRow, ...]
    returns: int
    counted: Counted
    hidden: bool = False


Said = tuple[Mapping[str, Any], int]  # a stored value, and how many answers have it


def counted(asked: Asked, said: Iterable[Said]) -> Counted:
    """What values come to that answer a question. Of a table's value only the number of its rows is looked at."""
    given = list(said)
    chosen = Counter[str]()
    for value, times in given:
        for key in asked.chosen(value):
            chosen[key] += times
    return Counted(
        answers=sum(times for _value, times in given),
        chosen={key: chosen[key] for key in asked.choices_known()},
        spread=_spread(asked, given),
        days=_days(given) if isinstance(asked, DateAsked) else None,
    )


def quartiles(ordered: Sequence[Fraction]) -> tuple[Fraction, Fraction, Fraction]:
    """Lower quartile, median and upper quartile of numbers in order, at least one.

    By linear interpolation between order statistics, with the smallest at 0 and the largest at 1: type 7 of Hyndman
    and Fan, as spreadsheets (QUARTILE.INC), R and `statistics.quantiles(method="inclusive")` have it. Exact.
    """

    def at(part: Fraction) -> Fraction:
        place = (len(ordered) - 1) * part
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (place - below) * (ordered[above] - ordered[below])

    return at(Fraction(1, 4)), at(Fraction(1, 2)), at(Fraction(3, 4))


def _spread(asked: Asked, given: Sequence[Said]) -> Spread | None:
    if not isinstance(asked, NumberAsked | Percentage | TableAsked):
        return None
    measured = [(measure, times) for value, times in given if (measure := asked.measure(value)) is not None]
    ordered = [measure for measure, times in sorted(measured) for _time in range(times)]
    if not ordered:
        return None
    five = (ordered[0], *quartiles(ordered), ordered[-1])
    if not isinstance(asked, Percentage):
        total = sum((measure * times for measure, times in measured), Fraction(0))
        return Spread(**_five(five), number=len(ordered), total=total)
    numerator = sum(value["numerator"] * times for value, times in given if asked.measure(value) is not None)
    denominator = sum(value["denominator"] * times for value, times in given if asked.measure(value) is not None)
    return Spread(
        **_five([_tenth(one) for one in five]), number=len(ordered), numerator=numerator, denominator=denominator,
        together=_tenth(Fraction(100 * numerator, denominator)),
    )  # fmt: skip


def _tenth(share: Fraction) -> Fraction:
    """A share with one decimal, halves up as all others."""
    return Fraction(int(10 * share + Fraction(1, 2)), 10)


def _five(numbers: Sequence[Fraction]) -> dict[str, Fraction]:
    return dict(zip(("smallest", "lower", "median", "upper", "largest"), numbers, strict=True))


def _days(given: Sequence[Said]) -> Days | None:
    ordered = sorted(date.fromisoformat(value["date"]) for value, times in given for _time in range(times))
    if not ordered:
        return None
    return Days(
        number=len(ordered), earliest=ordered[0], median=ordered[(len(ordered) - 1) // 2], latest=ordered[-1]
    )
