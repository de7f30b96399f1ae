"""Invented answers: what an agency might say to a question, of any type. For demonstrations, and to try a checklist."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from random import Random
from typing import Any

from app.domain.answers.reading import read_decimal
from app.domain.asking import (
    Asked,
    ChoiceAsked,
    ChoicesAsked,
    Column,
    DateAsked,
    NumberAsked,
    Percentage,
    TableAsked,
    TextAsked,
    YesNo,
)
from app.domain.parts import exact

TRIES = 300  # draws until a value comes to the grade that is wanted
# cells of tables; a plan may bring its own
WORDS = ("Community team", "Day service", "Evening session", "Family support", "Helpline", "Outreach", "Transport")
SENTENCES = (
    "It is written down, and everybody who starts here is shown it.",
    "We began in the spring, and look at it again every quarter.",
    "Two teams work in this way; the third follows by the end of the year.",
)


def invented(
    asked: Asked, rng: Random, *, saved: date, grade: str = "", words: Sequence[str] = WORDS,
    sentences: Sequence[str] = SENTENCES,
) -> dict[str, Any]:  # fmt: skip
    """The own fields of an answer given on a day, as they are stored, without its grade. Empty where files answer.

    With `grade` it comes to that grade where chance finds such a value; narrow bands are tried at their limits.
    """
    value: dict[str, Any] = {}
    for _ in range(TRIES if grade else 1):
        value = _drawn(asked, rng, saved, words, sentences)
        if asked.grade_of(value) == grade:
            break
    return value


def _drawn(
    asked: Asked, rng: Random, saved: date, words: Sequence[str], sentences: Sequence[str]
) -> dict[str, Any]:
    if isinstance(asked, YesNo):
        return {"answer": rng.choice(asked.choices_known())}
    if isinstance(asked, NumberAsked):
        return {"number": _number(asked, rng)}
    if isinstance(asked, Percentage):
        return _share(asked, rng)
    if isinstance(asked, DateAsked):
        return {"date": (saved - timedelta(rng.randint(1, 900))).isoformat()}
    if isinstance(asked, ChoiceAsked):
        return {"chosen": rng.choice(asked.choices_known())}
    if isinstance(asked, ChoicesAsked):
        keys = asked.choices_known()
        chosen = rng.sample(keys, rng.randint(asked.at_least, int(asked.highest)))
        return {"choices": [key for key in keys if key in chosen]} if chosen else {}
    if isinstance(asked, TextAsked):
        return {"text": rng.choice(sentences)[: asked.longest].strip()}
    if isinstance(asked, TableAsked):
        number = rng.randint(asked.at_least, min(asked.at_most, asked.at_least + 4))
        if asked.bands and rng.random() < 0.5:
            number = round(_within(asked.lowest, asked.highest, rng.choice(_limits(asked))))
        return {"rows": [_row(asked, rng, saved, words) for _ in range(number)]} if number else {}
    return {}


def _limits(asked: NumberAsked | Percentage | TableAsked) -> list[Fraction]:
    """The limits of the bands; 0 where there are none."""
    found = [
        exact(limit)
        for band in asked.bands
        for limit in (band.at_least, band.above, band.at_most, band.below)
        if limit is not None
    ]
    return found or [Fraction(0)]


def _within(least: Fraction | None, most: Fraction | None, value: Fraction) -> Fraction:
    if least is not None:
        value = max(value, least)
    return value if most is None else min(value, most)


def _number(asked: NumberAsked, rng: Random) -> str:
    """A number on the grid of its decimals: half of them on a limit of a band or beside it, the others anywhere."""
    step = Fraction(1, 10**asked.decimals)
    limits = _limits(asked)
    if asked.bands and rng.random() < 0.5:
        value = rng.choice(limits) + rng.choice((-1, 0, 1)) * step
    else:
        lowest = asked.lowest if asked.lowest is not None else min(limits) - 100
        highest = asked.highest if asked.highest is not None else max(*limits, lowest, Fraction(0)) * 2 + 100
        value = lowest + (highest - lowest) * Fraction(rng.randint(0, 1000), 1000)
    units = round(_within(asked.lowest, asked.highest, value) / step)
    # rounding to the grid may have left the limits
    if asked.highest is not None and units * step > asked.highest:
        units -= 1
    if asked.lowest is not None and units * step < asked.lowest:
        units += 1
    sign, digits = ("-" if units < 0 else ""), str(abs(units)).rjust(asked.decimals + 1, "0")
    text = f"{digits[:-asked.decimals]}.{digits[-asked.decimals:]}" if asked.decimals else digits
    return read_decimal(sign + text, asked.decimals, "", "")


def _share(asked: Percentage, rng: Random) -> dict[str, Any]:
    whole = rng.randint(5, 200)
    if asked.bands and rng.random() < 0.5:
        part = round(rng.choice(_limits(asked)) * whole / 100) + rng.choice((-1, 0, 1))
    else:
        part = rng.randint(0, whole)
    return {"numerator": min(max(part, 0), whole), "denominator": whole}


def _row(asked: TableAsked, rng: Random, saved: date, words: Sequence[str]) -> dict[str, str]:
    """A row with all that must be given in it, and most of the rest."""
    row = {
        column.key: _CELLS[column.type](column, rng, saved, words)
        for column in asked.columns
        if column.required or rng.random() < 0.8
    }
    first = asked.columns[0]
    return row or {first.key: _CELLS[first.type](first, rng, saved, words)}


_CELLS: Mapping[str, Callable[[Column, Random, date, Sequence[str]], str]] = {
    "text": lambda column, rng, saved, words: rng.choice(words),
    "number": lambda column, rng, saved, words: str(rng.randint(0, 60)),
    "date": lambda column, rng, saved, words: (saved - timedelta(rng.randint(1, 2000))).isoformat(),
    "yes_no": lambda column, rng, saved, words: rng.choice(column.choices_known()),
    "choice": lambda column, rng, saved, words: rng.choice(column.choices_known()),
}
