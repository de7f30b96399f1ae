"""Agencies from public registers: the NHS organisation register, and the code lists and lookups of the ONS.

Their layouts are recognised by heading or shape. They say neither what type an agency is of nor who signs: the type is
chosen for the whole file. Closed organisations are left out, and areas are made from codes where the file has them.

NHS register: files such as etr.csv, ect.csv or etrust.csv come without a heading, 27 columns of which the first 12 are
code, name, national grouping, high level health geography, five lines of address, postcode, open and close date
(YYYYMMDD); the newer export has these names as its heading. ONS: columns in pairs such as LAD23CD, LAD23NM or PFA23CD,
PFA23NM, of any year; a lookup has several pairs, and a code stands in as many lines as it has partners.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.domain.message import N_
from app.domain.templates import AgencyType
from app.operations.agencies import LeftOut, Parsed, problem_at, read_line, rows_of

NHS, ONS = "nhs-register", "ons-codes"

# in the files without a heading, by place
_CODE, _NAME, _GROUPING, _GEOGRAPHY, _OPENS, _CLOSES = 0, 1, 2, 3, 10, 11
_SHORTEST = 12
# in those with one, by name without spaces and case
_CODES = ("organisationcode", "orgid", "odscode")
_NAMES = ("name", "organisationname")
_CLOSE_DATES = ("closedate", "closeddate")
_REGISTER_MARKS = ("nationalgrouping", "highlevelhealthgeography", "opendate", *_CLOSE_DATES, "orgrecordclass")
_AREAS = (("highlevelhealthgeography", "High Level Health Geography"), ("nationalgrouping", "National Grouping"))
_INACTIVE = ("inactive", "closed")
_ONS_COLUMN = re.compile(r"([A-Z]{2,10}[0-9]{2})(CD|NM)", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """Two columns, of codes and of names. `name` is none where the file has codes only."""

    key: str
    code: int
    name: int | None


@dataclass(frozen=True)
class Register:
    """A layout that was recognised: which columns agencies can come from, and which areas.

    `agencies` and `areas` start with the ones to suggest. `closes` and `status` are columns, where there are such.
    """

    kind: str
    has_heading: bool
    agencies: tuple[Pair, ...]
    areas: tuple[Pair, ...]
    closes: int | None = None
    status: int | None = None


def recognise(text: str) -> Register | None:
    """The register that a file comes from; None where it is none that is known."""
    rows = rows_of(text, Parsed())
    if not rows:
        return None
    cells = [cell.strip() for cell in rows[0][1]]
    return _ons(cells) or _nhs_with_heading(cells) or _nhs_by_shape(cells)


def _ons(heading: Sequence[str]) -> Register | None:
    found: dict[str, dict[str, int]] = {}
    for place, name in enumerate(heading):
        if column := _ONS_COLUMN.fullmatch(name):
            found.setdefault(column[1].upper(), {}).setdefault(column[2].upper(), place)
    pairs = tuple(
        Pair(key, columns["CD"], columns["NM"])
        for key, columns in found.items()
        if {"CD", "NM"} <= columns.keys()
    )
    # a lookup's first suggestion: its first kind works in the areas of its second
    return Register(ONS, True, pairs, (*pairs[1:], *pairs[:1])) if pairs else None


def _nhs_with_heading(heading: Sequence[str]) -> Register | None:
    names = [re.sub(r"[^a-z]", "", name.casefold()) for name in heading]
    code, name = _place(names, _CODES), _place(names, _NAMES)
    if code is None or name is None or not any(mark in names for mark in _REGISTER_MARKS):
        return None
    areas = tuple(Pair(label, names.index(key), None) for key, label in _AREAS if key in names)
    return Register(
        NHS, True, (Pair("", code, name),), areas, _place(names, _CLOSE_DATES), _place(names, ("status",))
    )


def _place(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _nhs_by_shape(cells: Sequence[str]) -> Register | None:
    if len(cells) < _SHORTEST or not re.fullmatch(r"[A-Z0-9]{3,10}", cells[_CODE]) or not cells[_NAME]:
        return None
    if not re.fullmatch(r"[0-9]{8}", cells[_OPENS]) or not re.fullmatch(r"([0-9]{8})?", cells[_CLOSES]):
        return None
    areas = (Pair(_AREAS[0][1], _GEOGRAPHY, None), Pair(_AREAS[1][1], _GROUPING, None))
    return Register(NHS, False, (Pair("", _CODE, _NAME),), areas, _CLOSES)


def parse_register(
    text: str, register: Register, types: Mapping[str, AgencyType], *, agency_type: str, subtype: str = "",
    agencies: str = "", areas: str = "", today: date,
) -> Parsed:  # fmt: skip
    """Read a register's file: all its agencies are of one type, and of one subtype if given.

    `agencies` and `areas` are keys of the register's pairs; without `areas` none are made. Organisations closed by
    `today` are left out. An agency that stands in several lines of a lookup is one agency, in several areas.
    """
    parsed = Parsed()
    rows = rows_of(text, parsed)
    width = len(rows[0][1]) if rows else 0
    who = next((pair for pair in register.agencies if pair.key == agencies), register.agencies[0])
    where = next((pair for pair in register.areas if pair.key == areas), None) if areas else None
    found: dict[str, _Found] = {}
    for line, raw in rows[1:] if register.has_heading else rows:
        cells = [cell.strip() for cell in raw]
        if len(cells) != width:
            parsed.problems.append(
                problem_at(
                    line,
                    N_("This line has %(cells)s cells, the first has %(columns)s. Put quotes round commas."),
                    cells=len(cells),
                    columns=width,
                )
            )
            continue
        _take(parsed, found, line, cells, register, who, where, today)
    for code, one in found.items():
        given = {
            "code": code, "name": one.name, "type": agency_type, "subtype": subtype,
            "areas": ";".join(one.areas),
        }  # fmt: skip
        read_line(parsed, one.line, given, types)
    if not parsed.entries and not parsed.problems:
        parsed.problems.append(
            problem_at(1, N_("There is no open organisation in this file."))
            if parsed.left_out
            else problem_at(1, N_("There is no organisation in this file."))
        )
    return parsed


@dataclass
class _Found:
    """An organisation with the areas of all its lines, each as `code: name`."""

    line: int
    name: str
    areas: list[str]


def _take(
    parsed: Parsed, found: dict[str, _Found], line: int, cells: Sequence[str], register: Register, who: Pair,
    where: Pair | None, today: date,
) -> None:  # fmt: skip
    code, name = cells[who.code], cells[who.name] if who.name is not None else ""
    if not code:
        parsed.problems.append(problem_at(line, N_("The code is missing. Remove this line, or add its code.")))
        return
    try:
        closed_on = read_date(cells[register.closes]) if register.closes is not None else None
    except ValueError:
        parsed.problems.append(
            problem_at(
                line,
                N_("The close date “%(date)s” cannot be read. Write it as 20030616."),
                date=cells[register.closes][:40],  # type: ignore[index]
            )
        )
        return
    inactive = register.status is not None and cells[register.status].casefold() in _INACTIVE
    if inactive or (closed_on and closed_on <= today):
        parsed.left_out.append(LeftOut(line, code, name, closed_on))
        return
    known = found.setdefault(code, _Found(line, name, []))
    if known.line != line and (register.kind != ONS or known.name != name):
        parsed.problems.append(
            problem_at(
                line, N_("This line repeats the code of line %(number)s. Remove one of them."), number=known.line
            )
        )
        return
    if where and cells[where.code]:
        # what would part areas from each other is no part of a name here
        called = re.sub(r"\s*[;:]\s*", " ", cells[where.name]) if where.name is not None else ""
        parsed.area_named(line, cells[where.code], called)
        area = f"{cells[where.code]}: {called}" if called else cells[where.code]
        if area not in known.areas:
            known.areas.append(area)


def read_date(text: str) -> date | None:
    """A date as registers write it: 20030616, 2003-06-16 or 16/06/2003; None for an empty one. Raises ValueError."""
    if not text:
        return None
    if parts := re.fullmatch(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})", text):
        return date(int(parts[1]), int(parts[2]), int(parts[3]))
    if parts := re.fullmatch(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", text):
        return date(int(parts[3]), int(parts[2]), int(parts[1]))
    raise ValueError(text)
