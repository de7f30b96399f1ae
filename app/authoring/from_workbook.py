"""Reading the workbook in which a pack was made: the pack's files, with the cell that each part came from."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.authoring.columns import (
    ABOUT,
    ABOUT_ROWS,
    HELP,
    LINES,
    OTHER,
    READ,
    TABLES,
    TAKEN_AT,
    TAKEN_FROM,
    Column,
    Table,
    Wrong,
    checklist,
    number_in,
    read_json,
    sheet_of,
    text_in,
)
from app.authoring.draft import Draft, Mistake, Refused, Where
from app.catalogue import MAX_DEPTH, PACK_FILE, RAW_FILES
from app.domain.text import LANGUAGE_PATTERN
from app.sheets.cells import Sheet, Unreadable, Value, read_cells, reference

OWN_SHEETS = frozenset({"format", *(table.at[0] for table in TABLES)})
RAW_SHEETS = ("pack", *(name.removesuffix(".yaml") for name in RAW_FILES))


def read_workbook(content: bytes) -> Draft:
    """The pack that stands in a workbook. Refused with every cell that cannot be read.

    What can be read but is wrong is not looked for here: `draft.mistakes` finds it.
    """
    try:
        sheets = read_cells(content)
    except Unreadable as why:
        raise Refused(Mistake("", str(why))) from None
    reader = _Reader(sheets)
    if reader.wrong:
        raise Refused(*reader.wrong)
    return Draft(reader.files(), reader.places, reader.readme, taken_from=reader.taken_from)


@dataclass
class _Row:
    """A row of a sheet: its number from 0, and its cells by heading and language."""

    number: int
    cells: dict[tuple[str, str], tuple[Value, str]] = field(default_factory=dict)


class _Reader:
    """Builds the whole pack as one mapping, its checklists under `templates`, with a place for every part."""

    def __init__(self, sheets: Sequence[Sheet]) -> None:
        self.sheets = {sheet.name.strip().casefold(): sheet for sheet in sheets}
        self.wrong: list[Mistake] = []
        self.pack: dict[str, Any] = {"format": 1}
        self.raw: dict[str, dict[str, Any]] = {}
        self.found: dict[Where, str] = {}  # by the way there in the whole pack
        self.checklists: dict[str, str] = {}  # agency type -> its sheet
        known = {HELP.casefold(), ABOUT.casefold(), LINES.casefold(), *RAW_SHEETS}
        self._about()
        for table in TABLES:
            known.add(table.sheet.casefold())
            if table.at == ("templates", "*", "standards"):
                self._table(table)
                self._checklists(known)
            else:
                self._table(table)
        for name in RAW_SHEETS:
            if sheet := self.sheets.get(name):
                self._raw(name, sheet)
        lines = self.sheets.get(LINES.casefold())
        self.readme = _lines(lines) if lines else ""
        for name, sheet in self.sheets.items():
            if name not in known and not name.startswith("note") and sheet.cells:
                near = _near(sheet.name, [table.sheet for table in TABLES])
                self._say(
                    sheet.name,
                    f"this sheet is not known; rename it{near}, begin its name with “Note”, or remove it",
                )

    def _say(self, place: str, message: str) -> None:
        self.wrong.append(Mistake(place, message))

    # --- results

    def files(self) -> dict[str, dict[str, Any]]:
        """The files of the pack by name."""
        pack = {key: value for key, value in self.pack.items() if key != "templates"}
        files = {PACK_FILE: pack}
        for key, template in self.pack.get("templates", {}).items():
            files[f"{key}.yaml"] = {"format": 1, "agency_type": key, **template}
        return files | {f"{name}.yaml": content for name, content in self.raw.items()}

    @property
    def places(self) -> dict[Where, str]:
        """Where each part of each file came from."""
        found: dict[Where, str] = {(PACK_FILE,): ABOUT}
        for where, place in self.found.items():
            if where[0] == "templates" and len(where) > 1:
                found[(f"{where[1]}.yaml", *where[2:])] = place
            elif str(where[0]).endswith(".yaml"):
                found[where] = place
            else:
                found[(PACK_FILE, *where)] = place
        return found

    @property
    def taken_from(self) -> tuple[str, int]:
        """The draft on a page that it was downloaded from, and its revision then; ("", 0) where it says none."""
        sheet = self.sheets.get(HELP.casefold())
        cells = sheet.cells if sheet else {}
        for (row, column), value in cells.items():
            if column == 0 and text_in(value) == TAKEN_FROM:
                pattern = TAKEN_AT % (r"(\w{1,40})", r"(\d{1,8})")
                if found := re.fullmatch(pattern, text_in(cells.get((row, 1), "")), re.ASCII):
                    return found[1], int(found[2])
        return "", 0

    # --- sheets

    def _about(self) -> None:
        sheet = self.sheets.get(ABOUT.casefold())
        if sheet is None:
            raise Refused(Mistake("", f"there is no sheet “{ABOUT}”, so this is not the workbook of a pack"))
        rows = {row: text_in(value) for (row, column), value in sheet.cells.items() if column == 0 and row}
        languages: dict[int, str] = {}
        for (row, column), value in sorted(sheet.cells.items()):
            if row == 0:
                head, language = _head(text_in(value))
                if head.casefold() == "value":
                    languages[column] = language
        known = {head.casefold(): (key, kind) for head, key, kind, _ in ABOUT_ROWS}
        for row, head in sorted(rows.items()):
            if head.casefold() not in known:
                near = _near(head, [head for head, *_ in ABOUT_ROWS])
                self._say(_cell(sheet, row, 0), f"“{head}” is not known{near}")
                continue
            key, kind = known[head.casefold()]
            texts = {
                language: (sheet.cells[row, column], _cell(sheet, row, column))
                for column, language in languages.items()
                if (row, column) in sheet.cells
            }
            self.found[(key,)] = next((place for _, place in texts.values()), _cell(sheet, row, 1))
            self._put(self.pack, Column(head, (key,), kind, ""), texts, ())

    def _checklists(self, known: set[str]) -> None:
        for key in self.pack.get("templates", {}):
            name = self.checklists.get(key) or sheet_of(key)
            known.add(name.casefold())
            if name.casefold() in self.sheets:
                self._table(checklist(key, self.sheets[name.casefold()].name))
            else:
                place = self.found.get(("templates", key, "sheet"), self.found.get(("templates", key), ""))
                self._say(
                    place,
                    f"there is no sheet “{name}”; add it, or name the sheet with the questions of `{key}`",
                )

    def _table(self, table: Table) -> None:
        if len(table.at) == 1:
            self.pack.setdefault(table.at[0], {} if table.keyed else [])
            self.found[(table.at[0],)] = table.sheet
        sheet = self.sheets.get(table.sheet.casefold())
        if sheet is None:
            if len(table.at) == 1:
                self._say("", f"the sheet “{table.sheet}” is missing; add it, if only with its headings")
            return
        for row in self._rows(sheet, table):
            self._row(sheet, table, row)

    def _rows(self, sheet: Sheet, table: Table) -> Iterator[_Row]:
        columns = {column.head.casefold(): column for column in (*table.parents, *table.columns)}
        columns[OTHER.casefold()] = Column(OTHER, (), "key", "")
        heads: dict[int, tuple[str, str]] = {}
        taken: dict[tuple[str, str], int] = {}
        for (row, column), value in sorted(sheet.cells.items()):
            if row:
                continue
            named, language = _head(text_in(value))
            place = _cell(sheet, 0, column)
            known = columns.get(named.casefold())
            if known is None:
                near = _near(named, [column.head for column in columns.values()])
                self._say(
                    place, f"the heading “{named}” is not known{near}; correct it, or remove the column"
                )
            elif language and known.kind != "words":
                self._say(place, f"“{named}” is no text, so it has no languages; remove the column")
            elif language and not re.match(LANGUAGE_PATTERN, language):
                self._say(place, f"“{language}” is no language; write a code such as cy")
            elif (known.head, language) in taken:
                first = _cell(sheet, 0, taken[known.head, language])
                self._say(
                    place, f"the heading “{text_in(value)}” is here twice, first in {first}; remove one"
                )
            else:
                heads[column] = known.head, language
                taken[known.head, language] = column
        rows: dict[int, _Row] = {}
        for (row, column), value in sorted(sheet.cells.items()):
            if not row:
                continue
            if column in heads:
                rows.setdefault(row, _Row(row)).cells[heads[column]] = value, _cell(sheet, row, column)
            elif (0, column) not in sheet.cells:
                self._say(_cell(sheet, row, column), "this column has no heading; add one, or clear the cell")
        # a cell that is empty has a place too: it is where something is missing
        for each in rows.values():
            for column, head in heads.items():
                each.cells.setdefault(head, ("", _cell(sheet, each.number, column)))
        yield from rows.values()

    def _row(self, sheet: Sheet, table: Table, row: _Row) -> None:
        first = _cell(sheet, row.number, 0)
        names: list[str] = []
        for column in table.parents:
            value, place = row.cells.get((column.head, ""), ("", first))
            if not text_in(value):
                self._say(place, f"“{column.head}” is empty; fill it in")
                return
            names.append(text_in(value))
        reached = _reach(self.pack, table.at, names, ())
        if isinstance(reached, _Lost):
            parent = table.parents[reached.depth]
            _, place = row.cells[parent.head, ""]
            message = f"there is no {parent.head[:1].lower()}{parent.head[1:]} `{reached.name}`"
            self._say(place, message + _near(reached.name, reached.known))
            return
        owner, key, where = reached
        container: Any = owner.setdefault(key, {} if table.keyed else []) if isinstance(owner, dict) else None
        fits = isinstance(container, dict if table.keyed else list)
        if not fits:
            self._say(first, f"`{OTHER}` of what this row belongs to says something else; clear that cell")
            return
        entry: dict[str, Any] = {}
        if table.keyed:
            value, place = row.cells.get((table.columns[0].head, ""), ("", first))
            own = text_in(value)
            if not own:
                self._say(place, f"“{table.columns[0].head}” is empty; fill it in")
                return
            where = (*where, own)
            if own in container:
                self._say(
                    place,
                    f"`{own}` is here twice, first in {self.found.get(where, 'a row above')}; rename one",
                )
                return
            container[own] = entry
        else:
            place = next((place for value, place in row.cells.values() if value != ""), first)
            where = (*where, len(container))
            container.append(entry)
        self.found[where] = place
        self._fill(entry, table, row, where)

    def _fill(self, entry: dict[str, Any], table: Table, row: _Row, where: Where) -> None:
        for column in table.columns:
            texts = {language: cell for (head, language), cell in row.cells.items() if head == column.head}
            if column.kind == "sheet":
                value, place = texts.get("", ("", ""))
                self.checklists[str(where[-1])] = text_in(value)
                self.found[(*where, "sheet")] = place
            elif column.path:
                if "" in texts:
                    self.found[(*where, *column.path)] = texts[""][1]
                filled = {language: cell for language, cell in texts.items() if cell[0] != ""}
                self._put(entry, column, filled, where)
        value, place = row.cells.get((OTHER, ""), ("", ""))
        if value != "":
            try:
                self._merge(entry, read_json(value), where, place)
            except Wrong as wrong:
                self._say(place, str(wrong))
        if table.at[0] == "templates" and table.at[-1] == "standards":
            entry.setdefault("criteria", [])

    def _put(
        self, entry: dict[str, Any], column: Column, texts: Mapping[str, tuple[Value, str]], where: Where
    ) -> None:
        """Put what stands in the cells of a column where it belongs."""
        if not texts and not column.always:
            return
        owner = entry
        for step in column.path[:-1]:
            owner = owner.setdefault(step, {})
        name, path = column.path[-1], (*where, *column.path)
        if not texts:
            owner[name] = []
        elif column.kind == "words" and set(texts) != {""}:
            owner[name] = {language or "en": text_in(value) for language, (value, _) in texts.items()}
            for language, (_, place) in texts.items():
                self.found[(*path, language or "en")] = place
        else:
            value, place = texts[""]
            try:
                owner[name] = READ[column.kind](value)
            except Wrong as wrong:
                self._say(place, str(wrong))
                return
            self.found[path] = place
            if column.kind == "condition":
                self.found[(*path, "criterion")] = place

    def _merge(self, entry: dict[str, Any], more: Mapping[str, Any], where: Where, place: str) -> None:
        for key, value in more.items():
            own = entry.get(key)
            if isinstance(own, dict) and isinstance(value, dict):
                self._merge(own, value, (*where, key), place)
            elif key in entry:
                self._say(place, f"`{key}` has a column of its own that is filled in; remove it here")
            else:
                entry[key] = value
                self.found[(*where, key)] = place

    # --- files that are kept as they are

    def _raw(self, name: str, sheet: Sheet) -> None:
        columns = {
            text_in(value).casefold(): column for (row, column), value in sheet.cells.items() if not row
        }
        if not {"where", "kind", "value"} <= set(columns):
            self._say(
                _cell(sheet, 0, 0), "the headings must be “Where”, “Kind” and “Value”; add what is missing"
            )
            return
        content: dict[str, Any] = self.pack if name == "pack" else self.raw.setdefault(name, {})
        at: Where = () if name == "pack" else (f"{name}.yaml",)
        for row in sorted({row for row, _ in sheet.cells if row}):
            cells = {head: sheet.cells.get((row, column), "") for head, column in columns.items()}
            places = {head: _cell(sheet, row, column) for head, column in columns.items()}
            try:
                steps = _steps(text_in(cells["where"]))
            except Wrong as wrong:
                self._say(places["where"], str(wrong))
                continue
            try:
                value = _raw_value(text_in(cells["kind"]).lower(), cells["value"])
            except Wrong as wrong:
                self._say(places["kind"], str(wrong))
                continue
            if name == "pack" and steps[0] in OWN_SHEETS:
                self._say(places["where"], f"`{steps[0]}` has a sheet of its own; write it there")
                continue
            if problem := _place_in(content, steps, value):
                self._say(places["where"], problem)
                continue
            for end in range(1, len(steps)):
                self.found.setdefault((*at, *steps[:end]), places["where"])
            self.found[(*at, *steps)] = places["value"]


@dataclass(frozen=True)
class _Lost:
    """A name on the way to a list that nothing has: which parent column, and what there is."""

    depth: int
    name: str
    known: tuple[str, ...]


def _reach(
    node: Any, at: Sequence[str], names: Sequence[str], where: Where, depth: int = 0
) -> tuple[dict[str, Any], str, Where] | _Lost:
    """What the list or mapping at the end of a path stands in, its key there, and the way to it."""
    step, rest = at[0], at[1:]
    if not rest:
        return node, step, (*where, step)
    if step not in ("*", "?"):
        inside = node.setdefault(step, {}) if isinstance(node, dict) else {}
        return _reach(inside, rest, names, (*where, step), depth)
    entries: list[tuple[str | int, Any, str]]
    if not isinstance(node, dict | list):
        entries = []
    elif isinstance(node, dict):
        entries = [(key, entry, key) for key, entry in node.items()]
    else:
        entries = [
            (place, entry, str(entry.get("id") or entry.get("key") or "")) for place, entry in enumerate(node)
        ]
    if step == "*":
        wanted = names[depth]
        for key, entry, name in entries:
            if name == wanted:
                return _reach(entry, rest, names, (*where, key), depth + 1)
        return _Lost(depth, wanted, tuple(name for *_, name in entries))
    known: list[str] = []
    for key, entry, _ in entries:
        found = _reach(entry, rest, names, (*where, key), depth)
        if not isinstance(found, _Lost) or found.depth > depth:
            return found
        known += found.known
    return _Lost(depth, names[depth], tuple(known))


def _name_of(entry: Any) -> str:
    return str(entry.get("id") or entry.get("key") or "") if isinstance(entry, dict) else ""


def _steps(text: str) -> Where:
    """The steps of a `Where` cell; entries of lists as their positions from 0."""
    steps: list[str | int] = []
    for part in re.findall(r'(?:\A|(?<= / ))(?:"(?:\\.|[^"\\])*"(?= / |\Z)|.*?(?= / |\Z))', text, re.DOTALL):
        if re.fullmatch(r"#[1-9]\d{0,5}", part):
            steps.append(int(part[1:]) - 1)
        elif part.startswith('"'):
            try:
                steps.append(str(json.loads(part)))
            except ValueError:
                raise Wrong(f"`{part}` has no closing quote; add it") from None
        elif not part.strip() or part.startswith("#"):
            raise Wrong("write where it belongs, as names and #1, #2, … with ` / ` between them")
        else:
            steps.append(part.strip())
    if isinstance(steps[0], int) or len(steps) > MAX_DEPTH:
        raise Wrong("begin with a name, such as `title`")
    return tuple(steps)


def _raw_value(kind: str, cell: Value) -> Any:
    if kind == "empty list":
        return []
    if kind == "empty mapping":
        return {}
    if kind == "text":
        text = text_in(cell)
        return str(json.loads(text)) if re.fullmatch(r'"(\\.|[^"\\])*"', text) else text
    if kind == "number":
        number = text_in(cell)
        try:
            return json.loads(number) if re.fullmatch(r"-?[\d.]+([eE][-+]?\d+)?", number) else number
        except ValueError:
            return number
    if kind:
        raise Wrong(f"“{kind}” is no kind; write `empty list`, `empty mapping`, `text`, `number` or nothing")
    if isinstance(cell, bool):
        return cell
    return number_in(cell) if isinstance(cell, float) else text_in(cell)


def _place_in(content: dict[str, Any], steps: Where, value: Any) -> str:
    """Put a value where its steps lead; what is wrong with them, or nothing."""
    node: Any = content
    for place, step in enumerate(steps):
        last = place == len(steps) - 1
        made = value if last else ([] if isinstance(steps[place + 1], int) else {})
        if isinstance(step, int):
            if not isinstance(node, list) or step > len(node):
                return f"#{step + 1} has no #{step} before it; number the entries of a list from #1, in order"
            if step == len(node):
                node.append(made)
            elif last:
                return "this is here twice; remove one of the rows"
        else:
            if not isinstance(node, dict):
                return f"`{step}` cannot stand here: the rows above make this a list or a text"
            if step not in node:
                node[step] = made
            elif last:
                return "this is here twice; remove one of the rows"
        node = node[step]
    return ""


def _lines(sheet: Sheet) -> str:
    cells = {row: value for (row, column), value in sheet.cells.items() if row and not column}
    texts = {row: value if isinstance(value, str) else text_in(value) for row, value in cells.items()}
    return "\n".join(texts.get(row, "") for row in range(1, max(texts, default=0) + 1)) + "\n"


def _cell(sheet: Sheet, row: int, column: int) -> str:
    return f"{sheet.name}!{reference(row, column)}"


def _head(text: str) -> tuple[str, str]:
    """A heading without its language, and the language: “Title (cy)”."""
    found = re.fullmatch(r"(.*\S)\s*\(([^()]+)\)", " ".join(text.split()))
    return (found[1], found[2].strip()) if found else (" ".join(text.split()), "")


def _near(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name[:80], list(known), 1)
    return f"; did you mean “{near[0]}”?" if near else ""
