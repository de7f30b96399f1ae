"""The life of a return: which stage may follow which, and what is late.

invited -> started -> submitted
   |          |  ^        |
   |          |  +--------+   reopened: the signature is voided
   +-> nil <--+               a nil return has a reason; taken back, it is where it was
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.domain.message import N_, Message, too_long

USUAL_GRACE = 30  # minutes that a new round suggests
LONGEST_GRACE = 24 * 60
LONDON = ZoneInfo("Europe/London")
FOLLOWS: dict[str, tuple[str, ...]] = {
    "invited": ("started", "nil"),
    "started": ("submitted", "nil"),
    "submitted": ("started",),
    "nil": ("started", "invited"),
}


class NotPossible(Exception):
    """What was asked cannot be done now; the message tells a person why and what to do instead.

    `NotPossible(N_("%(number)s questions are not finished."), number=3)`: the web translates the words when it shows
    them; as a string it is English. A message that is at hand already is taken as it is.
    """

    def __init__(self, words: str | Message, **params: object) -> None:
        self.message = words if isinstance(words, Message) else Message(words, params)
        super().__init__(self.message.msgid)

    def __str__(self) -> str:
        return str(self.message)


def check_length(text: str, limit: int) -> None:
    """Raise NotPossible where a text has more than `limit` characters."""
    if is_long := too_long(text, limit):
        raise NotPossible(is_long)


def check_move(stage: str, to: str) -> None:
    """Raise NotPossible where a return at `stage` cannot move to `to`."""
    if to in FOLLOWS[stage]:
        return
    if stage == "submitted":
        raise NotPossible(
            N_("This audit has been submitted already. To change it, ask the oversight body to reopen it.")
        )
    if stage == "nil":
        raise NotPossible(
            N_("This audit is recorded as a nil return. Ask the oversight body to take that back first.")
        )
    raise NotPossible(N_("This audit has not been started yet, so there is nothing to submit."))


def with_grace(until: datetime, minutes: int) -> datetime:
    """The last instant that still counts, where a deadline has a grace of some minutes."""
    return until + timedelta(minutes=minutes)


def is_shut(*, open_until: datetime, closed_at: datetime | None, now: datetime) -> bool:
    """Whether a round takes nothing any more: the clock decides, grace included.

    In a demonstration, whose day stands still, the time of day runs past midnight and starts again: a round that was
    closed there stays closed then too.
    """
    return now > open_until or (closed_at is not None and now < closed_at)


def check_not_archived(archived_at: datetime | None) -> None:
    """Raise NotPossible in a round that is archived: nothing in it can be changed."""
    if archived_at:
        raise NotPossible(
            N_("This round is archived, so nothing in it can be changed. A lead inspector can bring it back.")
        )


def check_open(
    *, stage: str, opens: datetime, open_until: datetime, own_until: datetime | None, now: datetime,
    closed_at: datetime | None = None, archived_at: datetime | None = None,
) -> None:  # fmt: skip
    """Raise NotPossible unless a return in this round can be changed at `now`.

    `open_until` is when the round shuts and `own_until` until when this return was given more time, both with grace.
    """
    if archived_at:
        raise NotPossible(N_("This round is archived: it can be read and downloaded, and no longer changed."))
    if stage != "open" or now < opens:
        raise NotPossible(N_("This round is not open yet."))
    if own_until and now <= own_until:
        return
    if is_shut(open_until=open_until, closed_at=closed_at, now=now):
        shut = max(open_until, own_until or open_until).astimezone(LONDON)
        raise NotPossible(
            N_(
                "This round is closed: nothing can be changed any more. It closed on %(day)s at %(time)s, London time"
                " by the clock of this service. You can still read and download everything. If you must change"
                " something, ask the oversight body for an extension."
            ),
            day=shut.date(),
            time=f"{shut:%H:%M}",
        )


def is_late(*, submitted_at: datetime | None, due: datetime, extended_to: datetime | None) -> bool:
    """Late means submitted after the due date, or after the date that this return was extended to.

    Both are the last instants that count as in time: with the round's grace, where it has one.
    """
    return submitted_at is not None and submitted_at > (max(due, extended_to) if extended_to else due)
