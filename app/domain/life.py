"""The life of a return: which stage may follow which, and what is late.

invited -> started -> submitted
   |          |  ^        |
   |          |  +--------+   reopened: the signature is voided
   +-> nil <--+               a nil return has a reason; taken back, it is where it was
"""

from __future__ import annotations

from datetime import datetime

from app.domain.message import N_, Message

STAGES = ("invited", "started", "submitted", "nil")
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


def check_open(
    *, stage: str, opens: datetime, closes: datetime, extended_to: datetime | None, now: datetime
) -> None:
    """Raise NotPossible unless a return in this round can be changed at `now`."""
    last = max(closes, extended_to) if extended_to else closes
    if stage != "open" or now < opens:
        raise NotPossible(N_("This round is not open yet."))
    if now > last:
        raise NotPossible(
            N_(
                "This round is closed: nothing can be changed any more. You can still read and download everything."
                " If you must change something, ask the oversight body for an extension."
            )
        )


def is_late(*, submitted_at: datetime | None, due: datetime, extended_to: datetime | None) -> bool:
    """Late means submitted after the due date, or after the date that this return was extended to."""
    return submitted_at is not None and submitted_at > (max(due, extended_to) if extended_to else due)
