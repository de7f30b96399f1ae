"""Who is to be chased, and for what. Plain data and dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.domain.business_days import is_business_day
from app.domain.message import N_, Message

# in the order of pages
REASONS = ("past_due", "returned", "not_started", "little_done", "not_signed", "query_overdue")
REASON_WORDS = {
    "past_due": N_("Past the due date"),
    "returned": N_("Returned for correction, not signed again"),
    "not_started": N_("Not started"),
    "little_done": N_("In progress, not finished"),
    "not_signed": N_("Finished, not signed"),
    "query_overdue": N_("Queries overdue"),
}
WITHIN = 10  # business days before the deadline from which a page shows who is behind; a reader may choose another
UNFINISHED = ("invited", "started")  # stages of which a submission is still expected
LITTLE = 50  # per cent of the questions: fewer finished are "little done"
LAST_DAYS = 3  # business days before the deadline in which whoever has anything left to answer is behind


@dataclass(frozen=True)
class Standing:
    """How one return stands.

    `late_after` is the last instant at which a submission is in time, with what this return was given; `is_shut`
    whether nothing can be changed any more. `was_returned`: its last submission was set aside and not signed again.
    """

    stage: str
    asked: int
    complete: int
    deadline: date
    late_after: datetime
    is_shut: bool
    was_returned: bool
    overdue_queries: int
    is_merged: bool

    @property
    def is_unfinished(self) -> bool:
        """Whether a submission is still expected."""
        return self.stage in UNFINISHED and not self.is_merged


def horizon(day: date, business_days: int) -> date:
    """The last day of those that are at most so many business days after `day`."""
    left = business_days
    while True:
        following = day + timedelta(days=1)
        if is_business_day(following):
            if not left:
                return day
            left -= 1
        day = following


def fits(standing: Standing, reason: str, *, now: datetime) -> bool:
    """Whether a reminder for a reason would be true of a return, however much time is left."""
    unfinished, late = standing.is_unfinished, now > standing.late_after
    if reason == "past_due":
        return unfinished and late
    if reason == "returned":
        return unfinished and standing.was_returned
    if reason == "not_started":
        return unfinished and not late and standing.stage == "invited"
    if reason in ("little_done", "not_signed"):
        is_complete = standing.complete >= standing.asked
        under_way = unfinished and not late and standing.stage == "started" and not standing.was_returned
        return under_way and is_complete == (reason == "not_signed")
    return standing.overdue_queries > 0


def reasons_of(
    standing: Standing, *, now: datetime, until: date, soon: date, little: int = LITTLE
) -> tuple[str, ...]:
    """Why a return is on the list to chase; empty where it is not.

    Whoever has more time than to `until` is not behind yet. `little` is in per cent of the questions asked; whoever has
    time to `soon` at the most is behind with any question left.
    """
    return tuple(
        reason
        for reason in REASONS
        if fits(standing, reason, now=now)
        and (reason not in ("not_started", "little_done", "not_signed") or standing.deadline <= until)
        and (
            reason != "little_done"
            or standing.deadline <= soon
            or standing.complete * 100 < standing.asked * little
        )
    )


def why_left_out(standing: Standing, reason: str, *, now: datetime) -> Message | None:
    """Why no reminder for a reason can go to a return now; None where one can."""
    if reason == "query_overdue":
        return None if standing.overdue_queries else Message(N_("No query to it is overdue."))
    if standing.is_merged:
        return Message(N_("It was merged into another agency."))
    if standing.stage == "submitted":
        return Message(N_("It has been submitted."))
    if standing.stage == "nil":
        return Message(N_("It is recorded as a nil return."))
    if standing.is_shut:
        return Message(N_("The round is closed for it: give it more time first."))
    if fits(standing, reason, now=now):
        return None
    if reason == "past_due":
        return Message(N_("Its due date has not passed."))
    if reason == "returned":
        return Message(N_("Nothing was returned to it for correction."))
    if now > standing.late_after:
        return Message(N_("Its due date has passed: remind it of that instead."))
    if standing.was_returned:
        return Message(N_("It was returned for correction: remind it of that instead."))
    if reason == "not_started":
        return Message(N_("It has been started."))
    if standing.stage == "invited":
        return Message(N_("It has not been started."))
    if reason == "little_done":
        return Message(N_("Every question is finished: remind it to sign instead."))
    return Message(N_("It has questions left to answer."))
