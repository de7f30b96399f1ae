"""What the packaged fonts have no glyph for, such as most emoji, is printed as one sign that stands for it.

A PDF may not show a character without a glyph (PDF/A, PDF/UA). The data that are attached keep what was written.
"""

from __future__ import annotations

import re
from functools import cache
from unicodedata import category

from reports.registry import ASSETS

MISSING = "\ufffd"
# breaks of lines and words: these are no glyphs
MARKS = frozenset("\t\n\r \xa0\xad") | {chr(number) for number in range(0x200B, 0x2010)}
# turn the direction of what follows, though fonts have a sign for them
TURNING = frozenset(chr(number) for number in (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


@cache
def known() -> frozenset[int]:
    """The characters that a packaged font has."""
    from fontTools.ttLib import TTFont

    found: set[int] = set()
    for path in (ASSETS / "fonts").glob("*.ttf"):
        with TTFont(path, lazy=True) as font:
            found.update(font.getBestCmap())
    return frozenset(found)


def printable(text: str) -> str:
    """The text with what cannot be printed as `MISSING`, one for a run of them; control characters are dropped.

    So are those that turn the direction of what follows: a name with one would turn our words beside it.
    """
    if text.isascii() and text.isprintable():
        return text
    odd = {letter for letter in set(text) if ord(letter) not in known() and letter not in MARKS}
    # variants of the character before, what joins emoji, and what is no character at all
    dropped = {one for one in odd if category(one) in ("Cc", "Cs", "Cf", "Mn", "Me") or one in "\ufffe\uffff"}
    dropped |= ({"\ufeff"} | TURNING) & set(text)
    if dropped:
        text = text.translate({ord(one): None for one in dropped})
    shown = odd - dropped
    if shown:
        one = f"[{''.join(map(re.escape, sorted(shown)))}]+"
        text = re.sub(f"{one}(?:\u200d{one})*", MISSING, text)
    return text
