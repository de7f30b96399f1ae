"""The clock: London days, and a demonstration whose day stands still."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from sqlalchemy.orm import Session

from app import clock


def test_a_day_starts_and_ends_in_london() -> None:
    assert clock.start_of(date(2003, 6, 16)) == datetime(2003, 6, 15, 23, 0, tzinfo=UTC)
    assert clock.end_of(date(2003, 6, 16)) == datetime(2003, 6, 16, 22, 59, 59, tzinfo=UTC)
    assert clock.end_of(date(2003, 1, 16)) == datetime(2003, 1, 16, 23, 59, 59, tzinfo=UTC)


def test_a_time_that_the_clock_leaves_out_is_none() -> None:
    assert clock.london(date(2028, 3, 26), time(1, 30)) is None
    assert clock.london(date(2028, 3, 26), time(2, 0)) == datetime(2028, 3, 26, 1, 0, tzinfo=UTC)
    # the hour that comes twice: the first
    assert clock.london(date(2028, 10, 29), time(1, 30)) == datetime(2028, 10, 29, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("hour", [0, 12, 23])
@pytest.mark.parametrize("real", [date(2026, 1, 15), date(2026, 7, 15)])
@pytest.mark.parametrize("pinned", [date(2003, 6, 2), date(2003, 1, 2)])
def test_the_pinned_day_stands_still_at_any_hour(
    session: Session, monkeypatch: pytest.MonkeyPatch, hour: int, real: date, pinned: date
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(real.year, real.month, real.day, hour, 30, tzinfo=UTC)

    monkeypatch.setattr(clock, "datetime", Clock)
    clock.pin(session, pinned)
    assert clock.today(clock.now(session)) == pinned
