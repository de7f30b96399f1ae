"""The life of a return: which stage may follow which, and what is late.

invited -> started -> submitted
   |          |  ^        |
   |          |  +--------+   reopened: the signature is voided
   +-> nil <--+               a nil return has a reason; taken back, it is where it was
"""

from __future__ import annotations

from datetime import datetime

STAGES = ("invited", "started", "submitted", "nil")
FOLLOWS: dict[str, tuple[str, ...]] = {
    "invited": ("started", "nil"),
    "started": ("submitted", "nil"),
    "submitted": ("started",),
    "nil": ("started", "invited"),
}


class NotPossible(Exception):
    """What was asked cannot be done now; the message tells a person why and what to do instead."""


def check_move(stage: str, to: str) -> None:
    """Raise NotPossible where a return at `stage` cannot move to `to`."""
    if to in FOLLOWS[stage]:
        return
    if stage == "submitted":
        raise NotPossible(
            "This audit has been submitted already. To change it, ask the oversight body to reopen it."
        )
    if stage == "nil":
        raise NotPossible(
            "This audit is recorded as a nil return. Ask the oversight body to take that back first."
        )
    raise NotPossible("This audit has not been started yet, so there is nothing to submit.")


def check_open(
    *, stage: str, opens: datetime, closes: datetime, extended_to: datetime | None, now: datetime
) -> None:
    """Raise NotPossible unless a return in this round can be changed at `now`."""
    last = max(closes, extended_to) if extended_to else closes
    if stage != "open":
        raise NotPossible("This round is not open yet.")
    if now < opens:
        raise NotPossible("This round is not open yet.")
    if now > last:
        raise NotPossible(
            "This round is closed: nothing can be changed any more. You can still read and download everything."
            " If you must change something, ask the oversight body for an extension."
        )


def is_late(*, submitted_at: datetime | None, due: datetime, extended_to: datetime | None) -> bool:
    """Late means submitted after the due date, or after the date that this return was extended to."""
    return submitted_at is not None and submitted_at > (max(due, extended_to) if extended_to else due)
