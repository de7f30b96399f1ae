"""Agencies from a CSV file or from pasted lines: all errors at once, by line; nothing stored if there are any."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.clock import today
from app.domain.life import NotPossible
from app.domain.message import N_, Message
from app.domain.templates import AgencyType
from app.domain.text import Text, localise
from app.models import Agency, AgencyInArea, Area
from app.operations import events, people
from app.policy import Actor, allows, require

COLUMNS = ("code", "name", "type", "subtype", "areas", "email", "signatory", "region")
REQUIRED = ("code", "name", "type")
LONGEST_LINE = 2000
LONGEST_NAME = 200
MOST_LINES = 5000
# control characters, those of no width and those that turn the direction of the text around them
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True)
class Entry:
    """One agency as read from a line. `areas` is code to name. `code` is empty where the line gives none.

    `region` is that of the areas of the line; empty where it says nothing of it.
    """

    line: int
    name: str
    agency_type: str
    subtype: str = ""
    code: str = ""
    email: str = ""
    signatory: str = ""
    areas: tuple[tuple[str, str], ...] = ()
    region: str = ""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a line, and how to mend it."""

    line: int
    message: Message

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


def problem_at(line: int, msgid: str, **params: object) -> Problem:
    """A problem of a line, in words that can be translated."""
    return Problem(line, Message(msgid, params))


@dataclass(frozen=True)
class LeftOut:
    """An agency of a register that has closed, so that it is not asked; `closed_on` where the file says the day."""

    line: int
    code: str
    name: str
    closed_on: date | None = None


@dataclass
class Parsed:
    """What was read: the good lines, what is wrong with the others, and which are left out.

    `areas` is the code of an area in lower case to the first line that names it, and the name; `regions` the same to
    the first line that says which region it lies in, and that.
    """

    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    areas: dict[str, tuple[int, str]] = field(default_factory=dict)
    regions: dict[str, tuple[int, str]] = field(default_factory=dict)

    def area_named(self, line: int, code: str, name: str) -> None:
        """Note what a line calls an area; a problem where a line above calls it otherwise."""
        if not name:
            return
        first, called = self.areas.setdefault(code.casefold(), (line, name))
        if _plain(called) != _plain(name):
            self.problems.append(
                problem_at(
                    line,
                    N_("The area %(code)s is called “%(name)s” here and “%(other)s” in line %(number)s. Use one name."),
                    code=code,
                    name=name,
                    other=called,
                    number=first,
                )
            )


    def area_lies_in(self, line: int, code: str, region: str) -> None:
        """Note which region a line puts an area in; a problem where a line above puts it in another."""
        if not region:
            return
        first, before = self.regions.setdefault(code.casefold(), (line, region))
        if _plain(before) != _plain(region):
            self.problems.append(
                problem_at(
                    line,
                    N_(
                        "The area %(code)s lies in “%(name)s” here and in “%(other)s” in line %(number)s. Leave the"
                        " region empty for agencies that work in several, and name it in the lines of one."
                    ),
                    code=code,
                    name=region,
                    other=before,
                    number=first,
                )
            )


class ImportFailed(Exception):
    """The lines cannot be imported; `problems` says why, line by line. Nothing was stored."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = list(problems)


def parse_csv(text: str, types: Mapping[str, AgencyType]) -> Parsed:
    """Read a CSV file with a heading line: code, name, type, and as wished subtype, areas, email, signatory,
    region.

    `areas` holds area codes separated by semicolons, each as `code` or `code: name`; `region` is the name of the region
    that they lie in. `types` is agency type by key.
    """
    parsed = Parsed()
    rows = rows_of(text, parsed)
    if not rows:
        parsed.problems = parsed.problems or [
            problem_at(1, N_("The file is empty. It needs a heading line and one line per agency."))
        ]
        return parsed
    (heading_line, heading), body = rows[0], rows[1:]
    names = [cell.strip().lower() for cell in heading]
    for name in REQUIRED:
        if name not in names:
            parsed.problems.append(
                problem_at(
                    heading_line,
                    N_("The column “%(name)s” is missing. The heading must name: %(columns)s."),
                    name=name,
                    columns=", ".join(COLUMNS),
                )
            )
    for name in names:
        if name not in COLUMNS:
            parsed.problems.append(
                problem_at(
                    heading_line,
                    N_("There is no column “%(name)s”. Known are: %(columns)s."),
                    name=name[:40],
                    columns=", ".join(COLUMNS),
                )
            )
        elif names.count(name) > 1:
            parsed.problems.append(problem_at(heading_line, N_("The column “%(name)s” stands there twice."), name=name))
    if parsed.problems:
        return parsed
    for line, cells in body:
        if len(cells) != len(names):
            parsed.problems.append(
                problem_at(
                    line,
                    N_("This line has %(cells)s cells, the heading has %(columns)s. Put quotes round commas."),
                    cells=len(cells),
                    columns=len(names),
                )
            )
            continue
        given = dict(zip(names, (cell.strip() for cell in cells), strict=True))
        if not given["code"]:
            parsed.problems.append(
                problem_at(line, N_("The code is missing. Give each agency a code of its own."))
            )
            continue
        read_line(parsed, line, given, types)
    _find_twice(parsed)
    for entry in parsed.entries:
        for code, name in entry.areas:
            parsed.area_named(entry.line, code, name)
            parsed.area_lies_in(entry.line, code, entry.region)
    if not parsed.entries and not parsed.problems:
        parsed.problems.append(problem_at(heading_line, N_("There is no agency below the heading line.")))
    return parsed


def parse_lines(text: str, types: Mapping[str, AgencyType]) -> Parsed:
    """Read pasted lines “name, type, e-mail of the signatory”, each as wished with a subtype after it.

    The type is the key or the name of an agency type, or of one of its subtypes. Tabs (from a spreadsheet) do as
    well as commas.
    """
    parsed = Parsed()
    for line, cells in rows_of(text, parsed):
        if len(cells) < 2:
            parsed.problems.append(
                problem_at(line, N_("Give name, type and e-mail address, separated by commas."))
            )
            continue
        if len(cells) > 4:
            parsed.problems.append(
                problem_at(line, N_("There are more than four parts. Put a name that has a comma in quotes."))
            )
            continue
        name, kind, email, subtype = (*(cell.strip() for cell in cells), "", "")[:4]
        if not email:
            parsed.problems.append(
                problem_at(line, N_("The signatory’s e-mail address is missing: add it after the type."))
            )
            continue
        read_line(parsed, line, {"name": name, "type": kind, "email": email, "subtype": subtype}, types)
    _find_twice(parsed)
    if not parsed.entries and not parsed.problems:
        parsed.problems.append(
            problem_at(1, N_("Paste at least one line: name, type, e-mail of the signatory."))
        )
    return parsed


def rows_of(text: str, parsed: Parsed) -> list[tuple[int, list[str]]]:
    """The lines that are not empty, split at tabs or commas; line numbers are those that a person sees.

    What cannot be split goes into the problems of `parsed`.
    """
    text = text.lstrip("\ufeff")
    delimiter = "\t" if "\t" in text.split("\n", 1)[0] else ","
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return rows
        except csv.Error as wrong:
            parsed.problems.append(
                problem_at(
                    reader.line_num, N_("This line cannot be read (%(reason)s). Check its quotes."), reason=str(wrong)
                )
            )
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(rows) >= MOST_LINES:
            parsed.problems.append(
                problem_at(
                    reader.line_num, N_("There are more than %(number)s lines. Split the file."), number=MOST_LINES
                )
            )
            return rows
        if sum(map(len, cells)) > LONGEST_LINE:
            parsed.problems.append(
                problem_at(
                    reader.line_num,
                    N_("This line has more than %(number)s characters. Check its quotes."),
                    number=LONGEST_LINE,
                )
            )
            continue
        rows.append((reader.line_num, cells))


def read_line(parsed: Parsed, line: int, given: Mapping[str, str], types: Mapping[str, AgencyType]) -> None:
    """Read one line, by the names of COLUMNS, into the entries of `parsed`, or into its problems."""
    wrong = len(parsed.problems)

    def problem(msgid: str, **params: object) -> None:
        parsed.problems.append(problem_at(line, msgid, **params))

    if not given["name"]:
        problem(N_("The name of the agency is missing."))
    elif len(given["name"]) > LONGEST_NAME:
        problem(
            N_("The name has %(length)s characters; shorten it to %(limit)s or fewer."),
            length=len(given["name"]),
            limit=LONGEST_NAME,
        )
    unseen = [field for field in ("name", "signatory", "areas", "region") if _UNSEEN.search(given.get(field, ""))]
    if unseen:
        problem(
            N_(
                "There are characters that cannot be seen (in: %(fields)s), which would turn or hide the text around"
                " them. Type it again."
            ),
            fields=", ".join(unseen),
        )
    agency_type, subtype = find_type(given["type"], types)
    if not agency_type:
        known = ", ".join(localise(kind.name) for kind in types.values())
        problem(
            N_("“%(type)s” is no agency type here. Use one of: %(known)s."), type=given["type"][:60], known=known
        )
    elif given.get("subtype"):
        found = _subtype(given["subtype"], types[agency_type])
        if not found:
            problem(
                N_("“%(subtype)s” is no subtype of %(type)s. Known: %(known)s."),
                subtype=given["subtype"][:60],
                type=types[agency_type].name,
                known=", ".join(types[agency_type].subtypes) or "–",
            )
        subtype = found
    email = given.get("email", "").lower()
    if email:
        try:
            email = validate_email(
                email, check_deliverability=False, test_environment=True
            ).normalized.lower()
        except EmailNotValidError:
            problem(
                N_("“%(email)s” is no e-mail address. It should look like name@agency.example."), email=email[:80]
            )
    if given.get("code") and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", given["code"]):
        problem(
            N_("The code “%(code)s” may have letters, digits, dots and hyphens only, 40 at most."),
            code=given["code"][:40],
        )
    areas = []
    for part in filter(None, (part.strip() for part in given.get("areas", "").split(";"))):
        code, _, name = (piece.strip() for piece in part.partition(":"))
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", code):
            problem(
                N_("The area code “%(code)s” may have letters, digits, dots and hyphens only, 40 at most."),
                code=code[:40],
            )
        areas.append((code, name[:200]))
    if len(parsed.problems) == wrong:
        parsed.entries.append(
            Entry(
                line,
                given["name"],
                agency_type,
                subtype,
                given.get("code", ""),
                email,
                given.get("signatory", "")[:200],
                tuple(areas),
                given.get("region", "")[:LONGEST_NAME],
            )
        )


def find_type(text: str, types: Mapping[str, AgencyType]) -> tuple[str, str]:
    """(agency type, subtype) that a person means by a key, a name or a plural of either; ("", "") for neither."""
    wanted = _plain(text)
    for key, kind in types.items():
        if wanted in {_plain(key), *_names(kind.name), *_names(kind.plural)}:
            return key, ""
    for key, kind in types.items():
        if subtype := _subtype(text, kind):
            return key, subtype
    return "", ""


def _subtype(text: str, kind: AgencyType) -> str:
    wanted = _plain(text)
    for key, subtype in kind.subtypes.items():
        if wanted in {_plain(key), *_names(subtype.name), *_names(subtype.plural)}:
            return key
    return ""


def _names(text: Text) -> set[str]:
    """A name in every language that it is given in."""
    return {_plain(one) for one in ([text] if isinstance(text, str) else text.values())}


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).strip().casefold()


def _find_twice(parsed: Parsed) -> None:
    seen: dict[tuple[str, str], int] = {}
    for entry in parsed.entries:
        keys = [
            (
                N_("This line repeats the agency of line %(number)s. Remove one of them."),
                _plain(entry.name) + "/" + entry.agency_type,
            )
        ]
        if entry.code:
            keys.append(
                (
                    N_("This line repeats the code of line %(number)s. Remove one of them."),
                    entry.code.casefold(),
                )
            )
        for what, value in keys:
            if (what, value) in seen:
                parsed.problems.append(problem_at(entry.line, what, number=seen[what, value]))
            else:
                seen[what, value] = entry.line


def store(
    session: Session, entries: Iterable[Entry], types: Mapping[str, AgencyType], *, by: Actor, now: datetime
) -> list[Agency]:
    """Store agencies, their areas and signatories, and return them in the order given.

    Agencies that are known (by code, else by name and type) stay as they are, unless an administrator or a command
    brings them up to date. Only these may name another signatory for an agency that has one: whoever else could would
    let a stranger sign. Raises ImportFailed where a line contradicts what is stored. The caller asked policy.
    """
    day = today(now)
    entries = list(entries)
    may_change = allows(by, "service.administer")
    placed = selectinload(Agency.areas).joinedload(AgencyInArea.area)
    by_code = {agency.code.casefold(): agency for agency in session.scalars(select(Agency).options(placed))}
    by_name = {(_plain(agency.name), agency.agency_type): agency for agency in by_code.values()}
    areas = {area.code.casefold(): area for area in session.scalars(select(Area))}
    # a line may give the code alone where another one names the area
    names = {code.casefold(): name for entry in entries for code, name in entry.areas if name}
    regions = {code.casefold(): entry.region for entry in entries for code, _name in entry.areas if entry.region}
    signatories = people.signatories(session, day)
    problems: list[Problem] = []
    stored: list[Agency] = []
    for entry in entries:
        known = (
            by_code.get(entry.code.casefold())
            if entry.code
            else by_name.get((_plain(entry.name), entry.agency_type))
        )
        if known and known.agency_type != entry.agency_type:
            problems.append(
                problem_at(
                    entry.line,
                    N_("%(code)s is known as an agency of another type (%(type)s). Use another code."),
                    code=known.code,
                    type=known.agency_type,
                )
            )
            continue
        if known and entry.email and not may_change:
            there = signatories.get(known.id, set())
            if there and entry.email not in there:
                problems.append(
                    problem_at(
                        entry.line,
                        N_(
                            "%(agency)s has another signatory already. Pick it from the agencies that are known,"
                            " or ask the administrator to appoint this person."
                        ),
                        agency=known.name,
                    )
                )
                continue
        agency = known or Agency(code=entry.code or _new_code(entry.name, by_code), agency_type=entry.agency_type)
        if known is None or may_change:
            agency.name = entry.name
            agency.subtype = entry.subtype or (known.subtype if known else "")
        if known is None:
            session.add(agency)
            by_code[agency.code.casefold()] = agency
            by_name[_plain(agency.name), agency.agency_type] = agency
        if known is None or may_change:
            _place(agency, entry, areas, names, session, day)
        for code, _name in entry.areas:
            area, region = areas.get(code.casefold()), regions.get(code.casefold(), "")
            # where it lies is said once; bringing it up to date is for those who bring agencies up to date
            if area is not None and region and (may_change or not area.region):
                area.region = region
        stored.append(agency)
    if problems:
        raise ImportFailed(problems)
    session.flush()
    people.appoint_signatories(
        session,
        [
            people.NewSignatory(agency.id, entry.email, entry.signatory, localise(types[entry.agency_type].signatory))
            for agency, entry in zip(stored, entries, strict=True)
            if entry.email
        ],
        now=now,
    )
    return stored


def _new_code(name: str, taken: Mapping[str, Agency]) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:34] or "agency"
    code, number = stem, 1
    while code in taken:
        number += 1
        code = f"{stem}-{number}"
    return code


def _place(
    agency: Agency, entry: Entry, areas: dict[str, Area], names: Mapping[str, str], session: Session, day: date
) -> None:
    present = (
        {placed.area.code.casefold() for placed in agency.areas if placed.ends is None}
        if agency.id
        else set()
    )
    for code, _name in entry.areas:
        area = areas.get(code.casefold())
        if area is None:
            area = areas[code.casefold()] = Area(code=code, name=names.get(code.casefold(), code))
            session.add(area)
        if code.casefold() not in present:
            session.add(AgencyInArea(agency=agency, area=area, starts=day))
            present.add(code.casefold())


@dataclass(frozen=True)
class NameKept:
    """An area that is known by another name than a line gives it. It keeps its own."""

    line: int
    code: str
    name: str
    given: str


def names_kept(entries: Iterable[Entry], known: Mapping[str, str]) -> list[NameKept]:
    """The areas that lines call otherwise than they are called already, each once.

    `known` is the code of an area in lower case to its name.
    """
    found: dict[str, NameKept] = {}
    for entry in entries:
        for code, given in entry.areas:
            name = known.get(code.casefold(), given)
            if given and _plain(name) != _plain(given):
                found.setdefault(code.casefold(), NameKept(entry.line, code, name, given))
    return list(found.values())


def import_csv(
    session: Session, text: str, types: Mapping[str, AgencyType], *, by: Actor, now: datetime,
    parsed: Parsed | None = None,
) -> list[Agency]:  # fmt: skip
    """Import a CSV file of agencies, or one that was `parsed` already.

    Raises ImportFailed with every problem; then nothing is stored.
    """
    require(by, "service.administer")
    parsed = parsed or parse_csv(text, types)
    if parsed.problems:
        raise ImportFailed(sorted(parsed.problems, key=lambda problem: problem.line))
    agencies = store(session, parsed.entries, types, by=by, now=now)
    events.append(
        session, "service:agencies", "agencies.imported", by=by, now=now, data={"number": len(agencies)}
    )
    session.flush()
    return agencies


def decode(content: bytes) -> str:
    """The text of an uploaded file. Raises NotPossible where it is no UTF-8 text."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotPossible(
            N_("The file is no plain CSV in UTF-8. Save it as “CSV UTF-8” from your spreadsheet and try again.")
        ) from None
