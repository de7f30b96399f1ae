"""What people typed into forms: texts, days, pages of lists. Never raises on what a browser may send."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from flask import request
from flask_babel import gettext as _

from app.clock import LONDON, london

EARLIEST, LATEST = 1990, 2100  # years that a form takes


def text_in(values: Mapping[str, str], name: str) -> str:
    """A typed text: ends trimmed, line breaks as `\\n`, without the zero byte that databases refuse."""
    return values.get(name, "").replace("\x00", "").replace("\r\n", "\n").strip()


def typed(name: str) -> str:
    """A text of the form that was sent."""
    return text_in(request.form, name)


def asked(name: str) -> str:
    """A text of the address, for filters."""
    return text_in(request.args, name)[:200]


def page_asked() -> int:
    """The page of a list that the address names; 1 where it names none."""
    given = asked("page")
    return int(given) if re.fullmatch(r"[0-9]{1,6}", given) else 1


@dataclass(frozen=True)
class TypedDay:
    """A day as typed into three fields, so that it can be shown again whatever it is."""

    day: str = ""
    month: str = ""
    year: str = ""

    @classmethod
    def of(cls, value: date | None) -> TypedDay:
        """The fields for a day; empty for none."""
        return cls(str(value.day), str(value.month), str(value.year)) if value else cls()

    @classmethod
    def sent(cls, name: str) -> TypedDay:
        """The fields `NAME-day`, `NAME-month` and `NAME-year` of the form that was sent."""
        return cls(*(typed(f"{name}-{part}")[:20] for part in ("day", "month", "year")))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed."""
        return not (self.day or self.month or self.year)

    def read(self) -> date:
        """The day. Raises ValueError with a message for the person who typed it."""
        if self.is_empty:
            raise ValueError(_("Enter a date, for example 27 9 2003."))
        parts = (self.day, self.month, self.year)
        if not all(re.fullmatch(r"[0-9]{1,4}", part) for part in parts):
            raise ValueError(_("A date needs a day, a month and a year in figures, for example 27 9 2003."))
        day, month, year = map(int, parts)
        if not EARLIEST <= year <= LATEST:
            raise ValueError(_("Enter a year from %(first)s to %(last)s.", first=EARLIEST, last=LATEST))
        try:
            return date(year, month, day)
        except ValueError:
            raise ValueError(_("There is no such day. Check the day and the month.")) from None


def read_day(name: str, errors: dict[str, str], *, optional: bool = False) -> tuple[TypedDay, date | None]:
    """A day of the form and as typed; what is wrong with it goes into `errors` under `name`."""
    fields = TypedDay.sent(name)
    if optional and fields.is_empty:
        return fields, None
    try:
        return fields, fields.read()
    except ValueError as wrong:
        errors[name] = str(wrong)
        return fields, None


@dataclass(frozen=True)
class TypedInstant:
    """A day and a time of day in London as typed, so that they can be shown again whatever they are."""

    day: TypedDay = TypedDay()
    time: str = ""

    @classmethod
    def of(cls, at: datetime | None) -> TypedInstant:
        """The fields for an instant; empty for none."""
        return cls(TypedDay.of(at.astimezone(LONDON).date()), f"{at.astimezone(LONDON):%H:%M}") if at else cls()


def read_instant(name: str, errors: dict[str, str]) -> tuple[TypedInstant, datetime | None]:
    """A day with a time of day in London (the field `NAME-time`, such as 09:30) and as typed.

    What is wrong with either goes into `errors`, under `name` or `NAME-time`.
    """
    day, chosen = read_day(name, errors)
    given = typed(f"{name}-time")[:20]
    parts = re.fullmatch(r"([01]?[0-9]|2[0-3])[:.]([0-5][0-9])", given)
    if parts is None:
        errors[f"{name}-time"] = _("Enter a time of day from 00:00 to 23:59, for example 09:30.")
        return TypedInstant(day, given), None
    if chosen is None:
        return TypedInstant(day, given), None
    at = london(chosen, time(int(parts[1]), int(parts[2])))
    if at is None:
        errors[f"{name}-time"] = _("The clocks go forward over this time. Choose one an hour earlier or later.")
    return TypedInstant(day, given), at


def summary(errors: Mapping[str, str], days: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """The error summary: each error linked to its field; `days` are the fields made of three."""
    return [
        {"text": text, "href": f"#{name}-day" if name in days else f"#{name}"} for name, text in errors.items()
    ]
