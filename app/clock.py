"""What time it is. `now` is passed into every operation; here it is made, once a request or command.

A demonstration pins the date: the day stands still while the time of day runs, so that its deadlines never pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.models import Setting

LONDON = ZoneInfo("Europe/London")
PINNED = "pinned_date"


def now(session: Session) -> datetime:
    """The current instant in UTC, on the pinned date where one is set."""
    setting = session.get(Setting, PINNED)
    return instant(setting.value if setting else None)


def instant(pinned_date: Mapping[str, Any] | None) -> datetime:
    """The current instant in UTC, on the date that the value of the setting pins, if there is one."""
    if pinned_date is None:
        return datetime.now(UTC)
    # in London's hours: an instant shortly before midnight UTC is the next day there in summer
    pinned = date.fromisoformat(pinned_date["date"])
    return datetime.combine(pinned, time_of_day(), tzinfo=LONDON).astimezone(UTC)


def time_of_day() -> time:
    """What a clock in London shows."""
    return datetime.now(LONDON).time()


def pin(session: Session, day: date) -> None:
    """Pin the date. Demonstrations only."""
    session.merge(Setting(key=PINNED, value={"date": day.isoformat()}))


def london(day: date, at: time) -> datetime | None:
    """The instant in UTC of a time of day in London; None for one that the clock leaves out in spring.

    Of the hour that comes twice in autumn it is the first.
    """
    instant = datetime.combine(day, at, tzinfo=LONDON).astimezone(UTC)
    return instant if instant.astimezone(LONDON).time() == at else None


def today(at: datetime) -> date:
    """The day in London at an instant."""
    return at.astimezone(LONDON).date()


def start_of(day: date) -> datetime:
    """The instant at which a day starts in London: a round opens then."""
    return datetime.combine(day, time(0, 0), tzinfo=LONDON).astimezone(UTC)


def end_of(day: date) -> datetime:
    """The last second of a day in London: due and closing dates include the day itself."""
    return datetime.combine(day, time(23, 59, 59), tzinfo=LONDON).astimezone(UTC)
