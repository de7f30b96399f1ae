"""What people type to search for, read as words: nothing that is typed can break the query of a database."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 200  # characters that are read
MOST_TERMS = 20
_TERM = re.compile(r'(-?)(?:"([^"]*)"?|([^\s"]+))')
_WORD = re.compile(r"[^\W_]")


@dataclass(frozen=True)
class Wanted:
    """Groups of which one must fit: each has phrases that must be there and others that must not.

    A phrase holds a letter or digit and no quotation mark, so that it can stand between two of them.
    """

    groups: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]

    def __bool__(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self.groups)

    @property
    def fts5(self) -> str:
        """The query for SQLite's FTS5."""

        groups = []
        for must, must_not in self.groups:
            group = " AND ".join(f'"{phrase}"' for phrase in must)
            if must_not:
                others = " OR ".join(f'"{phrase}"' for phrase in must_not)
                group = f"({group}) NOT ({others})"
            groups.append(f"({group})")
        return " OR ".join(groups)

    @property
    def websearch(self) -> str:
        """The query for PostgreSQL's websearch_to_tsquery."""
        return " or ".join(
            " ".join([f'"{phrase}"' for phrase in must] + [f'-"{phrase}"' for phrase in must_not])
            for must, must_not in self.groups
        )


def wanted(typed: str) -> Wanted:
    """What was typed: words that must all be there, "phrases", -words that must not be there, and OR between groups.

    A group that says only what must not be there looks for nothing and is left out.
    """
    groups: list[tuple[list[str], list[str]]] = [([], [])]
    for number, found in enumerate(_TERM.finditer(typed[:LONGEST].replace("\0", " "))):
        minus, quoted, bare = found.groups()
        if number >= MOST_TERMS:
            break
        if bare and not minus and bare.upper() == "OR":
            groups.append(([], []))
        elif _WORD.search(phrase := quoted if quoted is not None else bare):
            groups[-1][1 if minus else 0].append(phrase)
    return Wanted(tuple((tuple(must), tuple(must_not)) for must, must_not in groups if must))
