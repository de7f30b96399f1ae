"""What mails there are, when reminders are due, and how a failed mail is tried again. Plain data and arithmetic."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from app.domain.business_days import business_days_before

# in the order of a person's page of choices
KINDS = (
    "invitation", "assignment", "sent_back", "ready", "nudge", "reminder", "declined", "receipt", "returned", "query",
    "chase", "round_change", "feedback", "check", "draft", "sign_in_link", "password",
)  # fmt: skip
# what inspectors and administrators get of these, and what agencies' people never get
FOR_INSPECTORS = ("check", "query", "draft")
FOR_ADMINISTRATORS = ("draft",)
NOT_FOR_AGENCIES = ("check", "draft")
# without these nobody could come in, or would learn that somebody else did
ALWAYS_SENT = ("invitation", "sign_in_link", "password")

REMIND_BEFORE = (10, 5, 1)  # business days before the deadline
CATCH_UP = timedelta(days=3)  # a service that stood still over a weekend still reminds
LONGEST_WAIT = timedelta(hours=6)

# A link stands in a stored mail as a marker between these two: what opens something is made when the mail is sent
# or shown, so that neither the database nor a backup of it holds a working link.
OPENING, CLOSING = "⟦", "⟧"
SIGN_IN, SIGN_IN_NOW, PASSWORD, INVITATION = (
    f"{OPENING}{name}{CLOSING}" for name in ("sign_in", "sign_in_now", "password", "invitation")
)
_MARKER = re.compile(f"{OPENING}([^{OPENING}{CLOSING}]*){CLOSING}")


def page(path: str) -> str:
    """The marker of a page of this service, by its path."""
    return f"{OPENING}{path}{CLOSING}"


def plain(text: str) -> str:
    """A text that people wrote, without what would read as a marker."""
    return text.replace(OPENING, "[").replace(CLOSING, "]")


def fill(body: str, resolve: Callable[[str], str]) -> str:
    """A stored body with its markers resolved: `resolve` gets a path, or `sign_in`, `password` or `invitation`."""
    return _MARKER.sub(lambda found: resolve(found[1]), body)


def secrets_in(body: str) -> frozenset[str]:
    """Which links that open something a stored body holds: of `sign_in`, `password`, `invitation`."""
    return frozenset(name for name in _MARKER.findall(body) if not name.startswith("/"))


def next_wait(attempts: int) -> timedelta:
    """How long to wait after a number of failed attempts: a minute, doubling, six hours at most. It never ends."""
    return min(LONGEST_WAIT, timedelta(minutes=2 ** min(attempts - 1, 20)))


def reminder_due(today: date, deadline: date, *, invited: date = date.min) -> int | None:
    """Which reminder (10, 5 or 1) is due on a day for a deadline; None where none is.

    It stays due for three days, so that it is caught up after a standstill, and until the next one is due. Whoever was
    `invited` on its day or later knows the deadline from the invitation.
    """
    if today > deadline:
        return None
    for number in sorted(REMIND_BEFORE):
        day = business_days_before(deadline, number)
        if day <= today:
            return number if today <= day + CATCH_UP and invited < day else None
    return None
