"""Where ids and salts come from: the operating system, or, while a demonstration is built, a seed.

Ids and salts must be impossible to guess, so outside of `drawn_from` they always come from the operating system. A
demonstration has nothing to hide and must come out the same every time, also where the service's own operations make
it: for the length of its building, in its own thread alone, they come from a source that follows from its seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from random import Random, SystemRandom

_SECRET = SystemRandom()
_SOURCE: ContextVar[Random] = ContextVar("source", default=_SECRET)


def letters(alphabet: str, number: int) -> str:
    """So many characters of an alphabet, each drawn by itself."""
    source = _SOURCE.get()
    return "".join(source.choice(alphabet) for _ in range(number))


def token() -> str:
    """32 hexadecimal digits: 128 bits."""
    return f"{_SOURCE.get().getrandbits(128):032x}"


@contextmanager
def drawn_from(source: Random) -> Iterator[None]:
    """Until the end of the block, and in this thread alone, ids and salts come from `source`. Demonstrations only."""
    before = _SOURCE.set(source)
    try:
        yield
    finally:
        _SOURCE.reset(before)
