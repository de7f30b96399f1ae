"""Business days in England and Wales: Monday to Friday without bank holidays.

The bank holidays come from a maintained library, which knows the moved and the single ones (jubilees, a coronation) of
past years and is updated when a new one is proclaimed.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache


@lru_cache(maxsize=64)
def bank_holidays(year: int) -> frozenset[date]:
    """The bank holidays of a year in England and Wales, those moved from a weekend included."""
    import holidays  # here: it takes a third of a second to load, and most processes never ask

    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year, expand=False))


def is_business_day(day: date) -> bool:
    """Whether offices work on a day."""
    return day.weekday() < 5 and day not in bank_holidays(day.year)


def business_days_before(day: date, number: int) -> date:
    """The business day that is `number` (1 or more) business days before a day; the day itself may be any."""
    for _ in range(number):
        day -= timedelta(days=1)
        while not is_business_day(day):
            day -= timedelta(days=1)
    return day


def business_days_until(day: date, end: date) -> int:
    """How many business days are left after `day` up to and with `end`; 0 where `end` is not later."""
    return sum(is_business_day(day + timedelta(days=ahead)) for ahead in range(1, (end - day).days + 1))
