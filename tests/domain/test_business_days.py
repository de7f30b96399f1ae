"""Business days in England and Wales, and on which day which reminder is due."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.business_days import bank_holidays, business_days_before, business_days_until, is_business_day
from app.domain.mail import next_wait, reminder_due


@pytest.mark.parametrize(
    ("year", "days"),
    [
        (2002, ["01-01", "03-29", "04-01", "05-06", "06-03", "06-04", "08-26", "12-25", "12-26"]),  # golden jubilee
        (2003, ["01-01", "04-18", "04-21", "05-05", "05-26", "08-25", "12-25", "12-26"]),
        (2011, ["01-03", "04-22", "04-25", "04-29", "05-02", "05-30", "08-29", "12-26", "12-27"]),  # a wedding
        (2020, ["01-01", "04-10", "04-13", "05-08", "05-25", "08-31", "12-25", "12-28"]),  # May Day moved to VE Day
        (2022, ["01-03", "04-15", "04-18", "05-02", "06-02", "06-03", "08-29", "09-19", "12-26", "12-27"]),
        (2023, ["01-02", "04-07", "04-10", "05-01", "05-08", "05-29", "08-28", "12-25", "12-26"]),  # a coronation
        (2026, ["01-01", "04-03", "04-06", "05-04", "05-25", "08-31", "12-25", "12-28"]),
        (2027, ["01-01", "03-26", "03-29", "05-03", "05-31", "08-30", "12-27", "12-28"]),
    ],
)
def test_bank_holidays_on_working_days_are_those_of_the_government(year: int, days: list[str]) -> None:
    found = sorted(day.isoformat()[5:] for day in bank_holidays(year) if day.weekday() < 5)
    assert found == days


def test_counting_back_jumps_weekends_and_bank_holidays() -> None:
    assert business_days_before(date(2003, 6, 16), 1) == date(2003, 6, 13)  # Monday to Friday
    assert business_days_before(date(2003, 6, 16), 5) == date(2003, 6, 9)
    assert business_days_before(date(2003, 6, 16), 10) == date(2003, 6, 2)
    assert business_days_before(date(2003, 5, 28), 2) == date(2003, 5, 23)  # Monday the 26th was a bank holiday
    assert business_days_before(date(2003, 4, 22), 1) == date(2003, 4, 17)  # Easter
    assert business_days_before(date(2026, 12, 29), 1) == date(2026, 12, 24)  # Boxing Day moved to the 28th
    assert business_days_before(date(2003, 6, 15), 1) == date(2003, 6, 13)  # a deadline on a Sunday


DAYS = st.dates(date(2001, 1, 1), date(2040, 12, 31))


@given(DAYS, st.integers(1, 30))
def test_counting_back_and_counting_what_is_left_agree(deadline: date, number: int) -> None:
    day = business_days_before(deadline, number)
    assert is_business_day(day) and day < deadline
    assert business_days_until(day, deadline - timedelta(days=1)) == number - 1


@given(DAYS)
def test_each_reminder_is_due_first_on_its_day_and_only_for_a_while(deadline: date) -> None:
    days = [deadline - timedelta(days=back) for back in range(40, -3, -1)]
    due = [reminder_due(day, deadline) for day in days]
    for number in (10, 5, 1):
        first = days[due.index(number)]
        assert first == business_days_before(deadline, number)
        assert 1 <= due.count(number) <= 4
    numbers = [number for number in due if number is not None]
    assert numbers == sorted(numbers, reverse=True)
    assert reminder_due(deadline + timedelta(days=1), deadline) is None


def test_waits_double_to_six_hours_and_stay_there() -> None:
    waits = [next_wait(attempts).total_seconds() / 60 for attempts in range(1, 12)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]
    assert next_wait(100_000).total_seconds() == 6 * 3600
