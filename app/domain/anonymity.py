"""What would give away who said something: an agency's names, codes and places, and the names of its people.

Only what the service knows can be found. A reader who knows the place may still see through the rest.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

SHORTEST = 4  # letters of a single word that is looked for
_WORD = re.compile(r"[^\W\d_][\w’'-]*")


@dataclass(frozen=True)
class Identity:
    """The words that give an agency away. `names` and `people` are found whatever their capitals, `words` (single ones,
    initials, surnames) only with these: “Young” is a surname, “young” is not."""

    names: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    surnames: tuple[str, ...] = ()

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        def any_of(texts: Collection[str]) -> str:
            # the longest first: of a name and a part of it, the whole is found
            found = sorted({one.strip() for one in texts if one.strip()}, key=lambda one: (-len(one), one))
            return "|".join(r"\s+".join(re.escape(word) for word in one.split()) for one in found)

        kinds = [
            rf"(?P<{kind}>{flags}{any_of(texts)}))"
            for kind, flags, texts in (
                ("people", "(?i:", self.people), ("names", "(?i:", self.names),
                ("surnames", "(?:", self.surnames), ("words", "(?:", self.words),
            )
            if any(one.strip() for one in texts)
        ]  # fmt: skip
        return re.compile(rf"(?<!\w)(?:{'|'.join(kinds)})(?!\w)") if kinds else None

    def given_away(self, text: str) -> tuple[str, ...]:
        """What in a text gives the agency away, each once, in the order of the text."""
        found = self._pattern.finditer(text) if self._pattern else ()
        return tuple(dict.fromkeys(match[0] for match in found))

    def left_out(self, text: str, *, agency: str, person: str) -> str:
        """The text with other words for what gives the agency away, and for people."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: person if match.lastgroup in ("people", "surnames") else agency, text)


NOBODY = Identity()  # nothing is known that would give them away

# emphasis and escapes of a narrative: they can stand within a name
_SIGNS = re.compile(r"[*_`\\]")


def names_in(text: str, names: Collection[str]) -> tuple[str, ...]:
    """Which of some names and codes stand in a text, as they stand there, each once: whatever their capitals, however
    they are spaced, with `&` for “and”. Short codes, and those of digits alone, are no names."""
    plain = _plain(text)
    whole = plain.casefold()
    wanted = [_plain(one) for one in names if len(one) >= SHORTEST and not one.isdecimal()]
    # of hundreds of names hardly any is there: only those are looked for word by word
    there = tuple(one for one in wanted if one.casefold() in whole)
    return Identity(names=there).given_away(plain) if there else ()


def _plain(text: str) -> str:
    return " ".join(_SIGNS.sub("", text).replace("’", "'").replace("&", " and ").split())


@dataclass(frozen=True)
class Placed:
    """An agency of a round: its name, and the areas that it works in, by id."""

    id: int
    name: str
    areas: dict[int, str]


def telling_words(agencies: Sequence[Placed], common: Collection[str]) -> dict[int, tuple[str, ...]]:
    """By agency the single words of its name and of its areas' that only agencies of its areas have.

    In a round of one area: that only itself has. Never `common` ones (in small letters), such as those of its type.
    """
    of_word: dict[str, set[int]] = defaultdict(set)
    of_agency: dict[int, list[str]] = {}
    several = len({area for one in agencies for area in one.areas}) > 1
    for one in agencies:
        own = [word for text in (one.name, *(one.areas.values() if several else ())) for word in _WORD.findall(text)]
        of_agency[one.id] = list(dict.fromkeys(word for word in own if _is_name(word, common)))
        for word in of_agency[one.id]:
            of_word[word].add(one.id)
    areas = {one.id: set(one.areas) for one in agencies}
    return {
        agency: tuple(
            word
            for word in words
            if of_word[word] == {agency}
            or (several and all(other == agency or areas[other] & areas[agency] for other in of_word[word]))
        )
        for agency, words in of_agency.items()
    }


def _is_name(word: str, common: Collection[str]) -> bool:
    return len(word) >= SHORTEST and word[0].isupper() and word.casefold() not in common


def initials(name: str) -> str:
    """What an agency's name is shortened to: the capitals that its words begin with; empty for fewer than three."""
    found = "".join(word[0] for word in _WORD.findall(name) if word[0].isupper())
    return found if len(found) > 2 else ""


def surname(name: str) -> str:
    """The last word of a person's name; empty where that is too short to be looked for, or all there is."""
    words = name.split()
    return words[-1] if len(words) > 1 and len(words[-1]) >= SHORTEST and words[-1][0].isupper() else ""
