"""What many documents of a batch have in common, read once by a session that makes them one after the other.

Only what never changes goes in, under a key that names it wholly: an edition that came out, a pack that is published.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from sqlalchemy.orm import Session

_PLACE = "candour_shared"
_MOST = 8  # things that are kept: an edition of a large round is some megabytes
T = TypeVar("T")


def share(session: Session) -> None:
    """From now on the session keeps what `once` reads."""
    session.info[_PLACE] = {}


def once(session: Session, key: Hashable, read: Callable[[], T]) -> T:
    """What `read` gives; kept where the session shares. What it gives must not hold rows of the database."""
    kept: dict[Hashable, T] | None = session.info.get(_PLACE)
    if kept is None:
        return read()
    if key not in kept:
        while len(kept) >= _MOST:
            kept.pop(next(iter(kept)))
        kept[key] = read()
    return kept[key]
