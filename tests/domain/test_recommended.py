"""The register of recommendations: how terms are counted, what is added up, when a reminder is due."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from app.domain.recommended import (
    Entry,
    Responses,
    Said,
    Standing,
    by_addressee,
    months_until,
    response_reminder,
    waiting_of,
)

PUBLISHED = date(2003, 1, 6)


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        (PUBLISHED, date(2003, 6, 16), 6), (PUBLISHED, date(2003, 6, 6), 5), (PUBLISHED, date(2003, 6, 7), 6),
        (date(2003, 1, 31), date(2003, 2, 28), 1), (date(2003, 1, 15), date(2003, 1, 31), 1),
        (date(2003, 2, 28), date(2003, 3, 31), 2), (PUBLISHED, PUBLISHED, 0), (date(2003, 3, 10), date(2003, 2, 20), 0),
        (PUBLISHED, date(2013, 1, 6), 120), (PUBLISHED, date(2013, 1, 7), None),
    ],
)  # fmt: skip
def test_a_term_is_the_least_number_of_months(start: date, end: date, months: int | None) -> None:
    assert months_until(start, end) == months


def reminders(days: int, due: date | None, published: date = PUBLISHED) -> dict[date, str]:
    """The first day of each reminder in so many days from publication."""
    found: dict[str, date] = {}
    for ahead in range(days):
        day = published + timedelta(days=ahead)
        found.setdefault(response_reminder(day, due=due, published=published), day)
    return {day: key for key, day in found.items() if key}


def test_who_does_not_respond_is_reminded_before_the_day_after_it_and_every_four_weeks() -> None:
    assert reminders(200, date(2003, 6, 16)) == {
        date(2003, 6, 2): "before-10", date(2003, 6, 9): "before-5", date(2003, 6, 13): "before-1",
        date(2003, 6, 17): "after-1", date(2003, 7, 15): "after-2",
    }  # fmt: skip
    every_four_weeks = {date(2003, 2, 3): "after-1", date(2003, 3, 3): "after-2", date(2003, 3, 31): "after-3"}
    assert reminders(90, None) == every_four_weeks
    # a day that had passed when it was published is none to look forward to
    assert reminders(90, PUBLISHED) == reminders(90, PUBLISHED - timedelta(days=9)) == every_four_weeks
    assert response_reminder(PUBLISHED, due=None, published=PUBLISHED) == ""


def entry(number: int, said: tuple[Said, ...], **more: object) -> Entry:
    """A recommendation with its addressees, all of them named."""
    return Entry.model_validate(
        {"number": number, "text": "Do it.", "language": "", "addressee": "Ones", "agency_type": "one", "edition": 1,
         "published_on": PUBLISHED, "withdrawn_in": None, "due": None, "months": None, "is_past": False,
         "responses": Responses.of(said), "standing": Standing.of(said), "is_counted_only": False, "said": said} | more
    )  # fmt: skip


def test_what_is_made_no_more_waits_for_nobody() -> None:
    yes, no = Said(name="A", code="a", answer="accepted", progress="done"), Said(name="B", code="b")
    entries = [entry(1, (yes, no)), entry(2, (no,)), entry(3, (no,), withdrawn_in=2)]
    (one,) = by_addressee([(each, each.said) for each in entries])
    assert (one.recommendations, one.addressed, one.waiting) == (2, 2, 1)
    assert one.responses == Responses(asked=3, accepted=1, awaited=2, done=1) and one.responses.given == 1
    assert one.standing == Standing(open=3)
    assert [(each.code, each.numbers) for each in waiting_of(entries)] == [("b", (1, 2))]
    assert waiting_of([entry(1, (no,), agency_type="", addressee="A body")]) == ()
