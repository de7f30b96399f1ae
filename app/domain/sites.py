"""Sites: the places of one agency (schools of a trust, clinics of a hospital) that questions are asked about."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from app.domain.life import NotPossible
from app.domain.message import N_, Message

LONGEST_CODE = 30
LONGEST_NAME = 200
MOST = 500  # sites of one return
CODE = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
HEADS = ("code", "name")


class Named(NamedTuple):
    """A site as somebody wrote it; the code may be empty."""

    code: str
    name: str


class SiteErrors(ValueError):
    """What is wrong with a site that was typed: field (`code`, `name`) to message."""

    def __init__(self, errors: Mapping[str, Message]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in errors.items()))
        self.errors = dict(errors)


class ListRefused(NotPossible):
    """Nothing of a pasted list was taken; `problems` says of each line why, line number to message."""

    def __init__(self, problems: Mapping[int, Message]) -> None:
        super().__init__(N_("Nothing of this list was added: mend what is wrong with it, then add it again."))
        self.problems = dict(problems)


def key_of(code: str) -> str:
    """What answers about a site name it by: its code, whatever its capitals."""
    return code.lower()


def check(typed: Named) -> Named:
    """A site without needless spaces. Raises SiteErrors."""
    code, name = typed.code.strip(), " ".join(typed.name.split())
    errors: dict[str, Message] = {}
    if code and (len(code) > LONGEST_CODE or not CODE.fullmatch(code)):
        errors["code"] = Message(
            N_("The code can have letters without accents, digits and single hyphens, up to %(most)s of them"),
            {"most": LONGEST_CODE},
        )
    if not name:
        errors["name"] = Message(N_("Enter the name of the site"))
    elif len(name) > LONGEST_NAME:
        errors["name"] = Message(
            N_("The name has %(length)s characters; shorten it to %(most)s or fewer"),
            {"length": len(name), "most": LONGEST_NAME},
        )
    if errors:
        raise SiteErrors(errors)
    return Named(code, name)


def free_code(taken: Collection[str]) -> str:
    """A code for a site that has none of its own; `taken` are keys."""
    number = 1
    while f"site-{number}" in taken:
        number += 1
    return f"site-{number}"


def read_list(text: str) -> list[tuple[int, Named]]:
    """The sites of a pasted list with the numbers of their lines: `code,name` on each line, or a name alone.

    A tab, a semicolon or a comma stands between the two; a name alone with one of these in it stands in quotes. A first
    line with the heads is passed over. Raises ListRefused: nothing in it, too many lines, a site that is wrong or
    stands there twice.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if lines and tuple(one.casefold() for one in _parts(lines[0][1])) == HEADS:
        lines = lines[1:]
    if not lines:
        raise ListRefused({1: Message(N_("Paste at least one line: the code and the name of a site"))})
    if len(lines) > MOST:
        raise ListRefused({lines[MOST][0]: _too_many()})
    found: list[tuple[int, Named]] = []
    problems: dict[int, Message] = {}
    seen: dict[str, int] = {}
    for number, line in lines:
        parts = _parts(line)
        typed = Named("", parts[0]) if len(parts) == 1 else Named(parts[0], ", ".join(parts[1:]))
        try:
            site = check(typed)
        except SiteErrors as wrong:
            problems[number] = next(iter(wrong.errors.values()))
            continue
        earlier = seen.setdefault(key_of(site.code), number) if site.code else number
        if earlier != number:
            problems[number] = Message(
                N_("The code “%(code)s” stands in line %(line)s already"), {"code": site.code, "line": earlier}
            )
        found.append((number, site))
    if problems:
        raise ListRefused(problems)
    return found


def check_number(sites: Iterable[object]) -> None:
    """Raise NotPossible where there are more sites than one return can have."""
    if sum(1 for _site in sites) > MOST:
        raise NotPossible(_too_many())


def _too_many() -> Message:
    return Message(N_("A return can have %(most)s sites at most"), {"most": MOST})


def _parts(line: str) -> list[str]:
    """What stands between the first of these signs that the line has; quotes as in CSV."""
    sign = next((one for one in "\t;," if one in line), ",")
    try:
        return [part.strip() for part in next(csv.reader([line], delimiter=sign, skipinitialspace=True))]
    except csv.Error:  # more than 131,072 characters between two signs: too long for a name, which is said then
        return [line]
