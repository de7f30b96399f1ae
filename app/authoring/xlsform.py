"""Importing XLSForm workbooks (sheets `survey`, `choices` and `settings`) as far as a checklist can hold them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from babel import Locale

from app.authoring.columns import number_in, text_in
from app.authoring.draft import Draft, Mistake, Refused
from app.authoring.imports import Maker, Words, clean, joined, named, slug
from app.domain.asking import MAX_CHOICES, MAX_COLUMNS, YES_NO
from app.domain.text import LANGUAGE_PATTERN
from app.sheets.cells import Sheet, Unreadable, Value, read_cells, reference

TEXTS = ("label", "hint", "guidance_hint")
ASKED = {
    "text": "text",
    "string": "text",
    "integer": "number",
    "int": "number",
    "decimal": "number",
    "range": "number",
}
FILES = ("image", "photo", "audio", "video", "file")
SILENT = (
    "start", "end", "today", "deviceid", "device id", "phonenumber", "phone number", "simserial", "subscriberid",
    "username", "email", "audit", "start-geopoint", "background-audio", "hidden", "xml-external", "csv-external",
    "imei", "sim id", "subscriber id", "get start time", "get end time", "get today", "uri:deviceid",
)  # fmt: skip
WHY_NOT = {
    "calculate": "Calculations are left out: nothing is computed from answers in a checklist",
    "geopoint": "Places on a map are left out: no type of answer holds them",
    "geotrace": "Places on a map are left out: no type of answer holds them",
    "geoshape": "Places on a map are left out: no type of answer holds them",
    "location": "Places on a map are left out: no type of answer holds them",
    "gps": "Places on a map are left out: no type of answer holds them",
    "rank": "Rankings are left out: no type of answer holds them",
}
COLUMNS_KNOWN = {
    "type", "name", "label", "hint", "guidance_hint", "required", "relevant", "relevance", "constraint", "parameters",
    "constraint_message", "required_message", "note", "notes", "comment", "comments",
}  # fmt: skip
Range = tuple[Any, Any]


@dataclass
class _Row:
    """A row of a sheet: its cells by heading, the texts by language under their heading."""

    sheet: str
    number: int
    cells: dict[str, Value] = field(default_factory=dict)
    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    columns: dict[str, int] = field(default_factory=dict)

    def text(self, head: str) -> str:
        """What stands under a heading."""
        return text_in(self.cells[head]) if head in self.cells else ""

    def place(self, head: str = "type") -> str:
        """The cell under a heading."""
        return f"{self.sheet}!{reference(self.number, self.columns.get(head, 0))}"


@dataclass
class _Question:
    """A question that can be looked at: its id, its answer, and the keys of its choices by their names in the form."""

    id: str
    answer: dict[str, Any]
    keys: dict[str, str]


@dataclass
class _Group:
    """A group that is open: what it is called, its section once there is one, and its condition."""

    title: Words
    name: str
    place: str
    condition: dict[str, Any] | None
    standard: dict[str, Any] | None = None


@dataclass
class _Answer:
    """How a question is answered, and the keys of its choices by their names in the form."""

    asked: dict[str, Any]
    keys: dict[str, str] = field(default_factory=dict)


def import_xlsform(content: bytes, key: str, file_name: str = "the form") -> Draft:
    """The pack that an XLSForm workbook comes to, under this key. Refused with the cells that cannot be read."""
    try:
        sheets = read_cells(content)
    except Unreadable as why:
        raise Refused(Mistake("", str(why))) from None
    return _Import(sheets, key, file_name).draft()


class _Import:
    def __init__(self, sheets: Sequence[Sheet], key: str, file_name: str) -> None:
        self.maker = Maker(key)
        self.notes = self.maker.notes
        self.file_name = file_name
        self.sheets = {sheet.name.strip().casefold(): sheet for sheet in sheets}
        self.wrong: list[Mistake] = []
        self.default_language = "en"
        self.unknown: set[str] = set()
        settings = next(iter(self._rows("settings")), None)
        if settings:
            self.default_language = self._language(settings.text("default_language")) or "en"
            # texts without a language are in this one: known only now
            settings = next(iter(self._rows("settings")), settings)
        self.settings = settings
        self.choices: dict[str, list[_Row]] = {}
        for row in self._rows("choices"):
            name = row.text("list_name") or row.text("list name")
            self.choices.setdefault(name, []).append(row)
        self.questions: dict[str, _Question] = {}
        self.named: dict[tuple[str, str], str] = {}  # group and name -> where
        self.ambiguous: set[str] = set()  # names that questions of several groups have
        self.out: set[str] = set()  # names that are left out

    # --- reading

    def _rows(self, name: str) -> Iterator[_Row]:
        sheet = self.sheets.get(name)
        if sheet is None:
            return
        if not sheet.cells:
            return
        first = min(row for row, _ in sheet.cells)
        heads: dict[int, tuple[str, str]] = {}
        columns: dict[str, int] = {}
        for (row, column), value in sorted(sheet.cells.items()):
            if row == first:
                head, language = self._head(text_in(value), f"{sheet.name}!{reference(row, column)}")
                if head:
                    heads[column] = head, language
                    columns.setdefault(head, column)
        rows: dict[int, _Row] = {}
        for (row, column), value in sorted(sheet.cells.items()):
            if row > first and column in heads:
                each = rows.setdefault(row, _Row(sheet.name, row, columns=columns))
                head, language = heads[column]
                if head in TEXTS:
                    place = f"{sheet.name}!{reference(row, column)}"
                    each.texts.setdefault(head, {}).setdefault(
                        language, clean(text_in(value), self.notes, place)
                    )
                else:
                    each.cells.setdefault(head, value)
        yield from rows.values()

    def _head(self, text: str, place: str) -> tuple[str, str]:
        """A heading in small letters, and the language of its texts; "" where its texts cannot be kept."""
        head, _, named_language = text.partition("::") if "::" in text else text.partition(":")
        head = "_".join(head.strip().lower().split()) if head.strip().lower() != "list name" else "list_name"
        head = {"caption": "label", "relevance": "relevant", "command": "type", "value": "name"}.get(
            head, head
        )
        if head not in TEXTS:
            return (head, "") if not named_language else ("", "")
        if not named_language.strip():
            return head, self.default_language
        language = self._language(named_language)
        if language is None:
            if named_language not in self.unknown:
                self.notes.add(
                    place,
                    f"Texts in “{named_language.strip()}” are left out: it is no language that is known",
                )
            self.unknown.add(named_language)
            return "", ""
        return head, language

    @staticmethod
    def _language(name: str) -> str | None:
        """The code of a language, written as “Welsh (cy)”, “cy” or “Welsh”."""
        name = name.strip()
        if found := re.search(r"\(([A-Za-z]{2,3}(?:[-_][A-Za-z]{2})?)\)\s*$", name):
            name = found[1]
        if re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z]{2})?", name):
            language, _, country = name.replace("_", "-").partition("-")
            code = language.lower() + (f"-{country.upper()}" if country else "")
            if re.match(LANGUAGE_PATTERN, code):
                return code
        for locale in (Locale("en"), Locale("fr"), Locale("es")):
            for code, word in locale.languages.items():
                if word.casefold() == name.casefold() and re.match(LANGUAGE_PATTERN, code):
                    return str(code)
        return None

    def _words(self, row: _Row, head: str) -> Words | None:
        return joined({language: [text] for language, text in row.texts.get(head, {}).items()})

    # --- the survey

    def draft(self) -> Draft:
        if "survey" not in self.sheets:
            raise Refused(Mistake("", "there is no sheet “survey”, so this is not an XLSForm"))
        rows = list(self._rows("survey"))
        if rows and "type" not in rows[0].columns:
            raise Refused(
                Mistake(rows[0].place(), "no column has the heading “type”, so this is not an XLSForm")
            )
        for row in rows[:1]:
            for head in row.columns:
                if head not in COLUMNS_KNOWN:
                    self.notes.add(
                        f"{row.sheet}!{reference(0, row.columns[head])}",
                        f"The column “{head}” is left out: a checklist has nothing like it",
                    )
        self._survey(rows)
        if self.wrong:
            raise Refused(*self.wrong)
        title: Words = ""
        if self.settings:
            raw = (
                self.settings.text("form_title")
                or self.settings.text("title")
                or self.settings.text("form_id")
            )
            title = clean(raw, self.notes, self.settings.place("form_title"))
        title = title or self.maker.key.replace("-", " ").capitalize()
        return self.maker.draft(title, None, None, f"the XLSForm `{self.file_name}`")

    def _survey(self, rows: Sequence[_Row]) -> None:
        groups: list[_Group] = []
        top = _Group(self.maker.text("standard"), "questions", rows[0].place() if rows else "", None)
        repeat: list[_Row] | None = None
        repeat_row: _Row | None = None
        depth = 0  # of groups and repeats inside a repeat
        opened: list[tuple[str, _Row]] = []
        for row in rows:
            kind, rest = _kind(row.text("type"))
            if not kind:
                if row.cells.keys() & {"name"}:
                    self.notes.add(row.place(), "Rows without a type are left out")
                continue
            if kind in ("begin group", "begin repeat", "begin loop"):
                what = kind.split()[1]
                opened.append((what, row))
                if repeat is not None:
                    depth += 1
                    if what != "group":
                        self.notes.add(
                            row.place(), "A repeat inside a repeat is left out: a table holds no table"
                        )
                elif what == "group":
                    groups.append(self._group(row, groups))
                elif what == "repeat":
                    repeat, repeat_row = [], row
                else:
                    self.notes.add(row.place(), "Loops are left out: use a table")
                    repeat, repeat_row = None, None
                    groups.append(self._group(row, groups))
            elif kind in ("end group", "end repeat", "end loop"):
                what = kind.split()[1]
                if not opened or opened[-1][0] != what:
                    begun = (
                        f"; `begin {opened[-1][0]}` in {opened[-1][1].place()} is still open"
                        if opened
                        else ""
                    )
                    self.wrong.append(
                        Mistake(row.place(), f"`{row.text('type')}` ends what was not begun{begun}")
                    )
                    return
                opened.pop()
                if repeat is not None and depth:
                    depth -= 1
                elif repeat is not None and repeat_row is not None:
                    self._table(repeat_row, repeat, groups, top)
                    repeat, repeat_row = None, None
                else:
                    groups.pop()
            elif repeat is not None:
                if depth and any(what == "repeat" for what, _ in opened[-depth:]):
                    self.out.add(row.text("name"))
                else:
                    repeat.append(row)
            else:
                self._one(row, kind, rest, groups, top)
        for what, row in opened:
            self.wrong.append(Mistake(row.place(), f"`{row.text('type')}` has no `end {what}`; add it"))

    def _group(self, row: _Row, groups: Sequence[_Group]) -> _Group:
        label: Words = self._words(row, "label") or row.text("name") or self.maker.text("standard")
        if groups and isinstance(label, str) and isinstance(groups[-1].title, str):
            label = f"{groups[-1].title} – {label}"
        condition = self._condition(row)
        outer = groups[-1].condition if groups else None
        if condition and outer:
            self.notes.add(row.place("relevant"), _ONE_CONDITION)
        return _Group(label, row.text("name"), row.place(), condition or outer)

    def _standard(self, groups: Sequence[_Group], top: _Group) -> dict[str, Any]:
        group = groups[-1] if groups else top
        if group.standard is None:
            group.standard = self.maker.standard(group.title, None, group.place, group.name)
        return group.standard

    def _one(self, row: _Row, kind: str, rest: str, groups: Sequence[_Group], top: _Group) -> None:
        if kind == "note":
            words = self._words(row, "label")
            standard = self._standard(groups, top)
            if words and "introduction" not in standard and not standard["criteria"]:
                standard["introduction"] = words
            elif words:
                self.notes.add(row.place(), "Notes after the first question of a section are left out")
            return
        answer = self._answer(row, kind, rest)
        if answer is None:
            self.out.add(row.text("name"))
            return
        self._criterion(row, answer, groups, top)

    def _criterion(self, row: _Row, answer: _Answer, groups: Sequence[_Group], top: _Group) -> None:
        name = row.text("name")
        if not name:
            self.wrong.append(Mistake(row.place("name"), "the question has no name; fill it in"))
            return
        here = (groups[-1].place if groups else "", name)
        if here in self.named:
            message = f"the name `{name[:60]}` is here twice, first in {self.named[here]}; rename one"
            self.wrong.append(Mistake(row.place("name"), message))
            return
        self.named[here] = row.place("name")
        standard = self._standard(groups, top)
        key = self.maker.criterion_id(name)
        label = self._words(row, "label")
        if label is None:
            self.notes.add(row.place("label"), "Questions without a label are asked by their name")
        criterion: dict[str, Any] = {"id": key, "question": label or name}
        criterion["why"] = self._words(row, "hint") or self.maker.text("why")
        criterion["evidence"] = self._words(row, "guidance_hint") or self.maker.text("evidence")
        criterion["theme"] = self.maker.theme
        criterion["answer"] = answer.asked
        required = row.text("required").lower()
        criterion["required"] = required in ("yes", "true", "true()", "1", "oui")
        if required not in ("yes", "true", "true()", "1", "oui", "", "no", "false", "false()", "0"):
            self.notes.add(row.place("required"), "What is required by a formula may be left unanswered")
        own = self._condition(row)
        outer = groups[-1].condition if groups else None
        if own and outer:
            self.notes.add(row.place("relevant"), _ONE_CONDITION)
        if condition := own or outer:
            rule, told = condition["rule"], condition["told"]
            criterion[rule] = told
        standard["criteria"].append(criterion)
        self.maker.places[("criterion", key)] = row.place()
        if name in self.questions:
            self.ambiguous.add(name)
        self.questions[name] = _Question(key, answer.asked, answer.keys)

    # --- answers

    def _answer(self, row: _Row, kind: str, rest: str) -> _Answer | None:
        """How a question is answered; None where it is left out, which is noted."""
        if kind in SILENT:
            self.notes.add(row.place(), "What a device records by itself is left out")
            return None
        if kind in WHY_NOT:
            self.notes.add(row.place(), WHY_NOT[kind])
            return None
        if kind in FILES:
            return _Answer({"type": "file"})
        if kind in ("date", "datetime", "time"):
            if kind == "datetime":
                self.notes.add(row.place(), "Of a date with a time the date is asked")
            if kind == "time":
                self.notes.add(row.place(), "Times are answered as a text")
                return _Answer({"type": "text"})
            return _Answer({"type": "date"})
        if kind in ("acknowledge", "trigger"):
            return _Answer({"type": "yes_no"}, {"OK": "yes"})
        if kind == "barcode":
            self.notes.add(row.place(), "Barcodes are answered as a text")
            return _Answer({"type": "text"})
        if kind in ASKED:
            return _Answer(self._asked(row, kind))
        if kind in ("select_one", "select_multiple"):
            return self._choice(row, kind, rest)
        if kind in ("select_one_from_file", "select_multiple_from_file", "select_one_external"):
            self.notes.add(row.place(), "Choices that stand in another file are answered as a text")
            return _Answer({"type": "text"})
        if kind == "include":
            self.notes.add(row.place(), "Another form that is included is left out: it is not in this file")
            return None
        self.notes.add(row.place(), f"The type “{row.text('type')[:60]}” is left out: it is not known")
        return None

    def _asked(self, row: _Row, kind: str) -> dict[str, Any]:
        asked: dict[str, Any] = {"type": ASKED[kind]}
        if asked["type"] == "text":
            if row.text("constraint"):
                self.notes.add(row.place("constraint"), _NO_CONSTRAINT)
            return asked
        if kind == "decimal":
            asked["decimals"] = 6
        least, most = None, None
        if kind == "range":
            given = dict(re.findall(r"(start|end|step)\s*=\s*(-?[\d.]+)", row.text("parameters")))
            least, most = number_in(given.get("start", "1")), number_in(given.get("end", "10"))
            if "." in "".join(given.values()):
                asked["decimals"] = 6
        if constraint := row.text("constraint"):
            limits = _limits(constraint, whole=kind in ("integer", "int"))
            if limits is None:
                self.notes.add(row.place("constraint"), _NO_CONSTRAINT)
            else:
                least, most = limits
        if isinstance(least, int | float):
            asked["least"] = least
        else:
            self.notes.add("", "Numbers begin at 0 where the form does not say otherwise")
        if isinstance(most, int | float):
            asked["most"] = most
        return asked

    def _choice(self, row: _Row, kind: str, rest: str) -> _Answer | None:
        words = rest.split()
        name = words[0] if words else ""
        listed = self.choices.get(name, [])
        if not listed and not words:
            self.wrong.append(
                Mistake(row.place(), f"`{row.text('type')}` names no list of choices; add its name")
            )
            return None
        if not listed:
            known = ", ".join(f"`{each}`" for each in list(self.choices)[:12] if each)
            message = f"there is no list of choices `{name[:60]}`" + (
                f"; use one of {known}" if known else ""
            )
            if name.startswith("${"):
                self.notes.add(row.place(), "Choices that come from other answers are answered as a text")
                return _Answer({"type": "text"})
            self.wrong.append(Mistake(row.place(), message))
            return None
        choices: list[dict[str, Any]] = []
        keys: dict[str, str] = {}
        for each in listed:
            value = each.text("name")
            if not value or value in keys:
                self.notes.add(
                    each.place("name"), "Choices without a name, or with the name of another, are left out"
                )
                continue
            keys[value] = slug(value, keys.values(), "choice")
            choices.append({"key": keys[value], "label": self._words(each, "label") or value})
        if "or_other" in words[1:] or "or other" in rest:
            keys["other"] = slug("other", keys.values())
            choices.append({"key": keys["other"], "label": "Other"})
            self.notes.add(row.place(), "“Other” is a choice without a text beside it")
        if len(choices) > MAX_CHOICES:
            self.notes.add(row.place(), f"Lists of more than {MAX_CHOICES} choices are answered as a text")
            return _Answer({"type": "text"})
        if kind == "select_one" and set(keys) == set(YES_NO) and _plain_yes_no(choices):
            return _Answer({"type": "yes_no"}, keys)
        if len(choices) < 2:
            self.notes.add(row.place(), "A list of one choice is answered with yes or no")
            return _Answer({"type": "yes_no"}, dict.fromkeys(keys, "yes"))
        return _Answer({"type": "choice" if kind == "select_one" else "choices", "choices": choices}, keys)

    def _table(self, repeat: _Row, rows: Sequence[_Row], groups: Sequence[_Group], top: _Group) -> None:
        """A repeat, as a table with a row for each time."""
        columns: list[dict[str, Any]] = []
        taken: set[str] = set()
        for row in rows:
            kind, rest = _kind(row.text("type"))
            self.out.add(row.text("name"))
            if kind == "note":
                self.notes.add(row.place(), "Notes inside a repeat are left out")
                continue
            answer = self._answer(row, kind, rest)
            if answer is None:
                continue
            type_ = str(answer.asked["type"])
            if type_ not in ("text", "number", "date", "yes_no", "choice"):
                self.notes.add(
                    row.place(),
                    "Files and several choices inside a repeat are left out: no cell of a table holds them",
                )
                continue
            if len(columns) == MAX_COLUMNS:
                self.notes.add(
                    row.place(), f"A table has {MAX_COLUMNS} columns at most: the others are left out"
                )
                continue
            if row.text("relevant") or row.text("constraint"):
                self.notes.add(row.place(), "Conditions and limits inside a repeat are left out")
            key = slug(row.text("name"), taken, "column")
            taken.add(key)
            label = self._words(row, "label") or row.text("name") or key
            column: dict[str, Any] = {"key": key, "label": label, "type": type_}
            if type_ == "choice":
                column["choices"] = answer.asked["choices"]
            if row.text("required").lower() in ("yes", "true", "true()", "1"):
                column["required"] = True
            columns.append(column)
        if not columns:
            self.notes.add(repeat.place(), "Repeats without a question are left out")
            self.out.add(repeat.text("name"))
            return
        self._criterion(repeat, _Answer({"type": "table", "columns": columns}), groups, top)

    # --- conditions

    def _condition(self, row: _Row) -> dict[str, Any] | None:
        """A `relevant` as a condition with its rule; None where there is none, or it is left out, which is noted."""
        formula = row.text("relevant")
        if not formula:
            return None
        told = self._read_condition(formula)
        if isinstance(told, str):
            self.notes.add(row.place("relevant"), told)
            return None
        return told

    def _read_condition(self, formula: str) -> dict[str, Any] | str:
        looked: list[tuple[str, str, str]] = []
        alternatives = re.split(r"\s+or\s+", _unwrapped(formula))
        parts = re.split(r"\s+and\s+", _unwrapped(formula))
        if len(alternatives) > 1 and len(parts) > 1:
            return _TOO_COMPLEX
        for part in alternatives if len(alternatives) > 1 else parts:
            found = _comparison(_unwrapped(part))
            if found is None:
                return _TOO_COMPLEX
            looked.append(found)
        names = {name for name, _, _ in looked}
        if len(names) > 1:
            return "Conditions on several questions are left out: a condition looks at one"
        name = names.pop()
        if name in self.ambiguous:
            return "Conditions on a name that questions of several groups have are left out"
        question = self.questions.get(name)
        if question is None:
            if name in self.out:
                return "Conditions on what is left out, or asked in a table, are left out"
            return "Conditions on a question that comes later, or is not there, are left out"
        signs = {sign for _, sign, _ in looked}
        condition: dict[str, Any] = {"criterion": question.id}
        if question.answer["type"] in ("yes_no", "choice", "choices"):
            keys = [question.keys.get(value) for _, _, value in looked]
            if not all(keys) or signs not in ({"="}, {"!="}) or (len(looked) > 1 and len(alternatives) == 1):
                return _TOO_COMPLEX
            if signs == {"!="} and len(looked) > 1:
                return _TOO_COMPLEX
            rule = "shown_if" if signs == {"="} else "not_applicable_if"
            return {"rule": rule, "told": {**condition, "answers": list(dict.fromkeys(keys))}}
        if question.answer["type"] != "number" or len(alternatives) > 1:
            return _TOO_COMPLEX
        limits = _measured(
            [(sign, value) for _, sign, value in looked], whole="decimals" not in question.answer
        )
        return {"rule": "shown_if", "told": {**condition, **limits}} if limits else _TOO_COMPLEX


_TOO_COMPLEX = (
    "Conditions that are more than an answer compared with a value are left out: it is always asked"
)
_ONE_CONDITION = "A question has one condition: that of its group, or of an outer group, is left out"
_NO_CONSTRAINT = "Limits of answers that are more than a smallest and a largest number are left out"


def _kind(text: str) -> tuple[str, str]:
    """The type of a row in its usual spelling, and what follows it."""
    words = " ".join(text.split())
    plain = words.lower()
    if found := re.fullmatch(r"(begin|end)[ _-]?(group|repeat|loop)\b.*", plain):
        return f"{found[1]} {found[2]}", ""
    for spelled, kind in _SELECTS.items():
        if plain == spelled or plain.startswith(f"{spelled} "):
            return kind, words[len(spelled) :].strip()
    plain = {"string": "text", "signature": "image"}.get(plain, plain)
    first = plain.split(" ")[0] if plain else ""
    return (first, "") if first in ("include", "range") else (plain, "")


_SELECTS = {
    "select_one_from_file": "select_one_from_file",
    "select_multiple_from_file": "select_multiple_from_file",
    "select_one_external": "select_one_external",
    "select one from": "select_one",
    "select all that apply from": "select_multiple",
    "select_one": "select_one",
    "select one": "select_one",
    "select1": "select_one",
    "select_multiple": "select_multiple",
    "select multiple": "select_multiple",
    "add select one prompt using": "select_one",
    "add select multiple prompt using": "select_multiple",
    "select all that apply": "select_multiple",
    "rank": "rank",
}


def _plain_yes_no(choices: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the choices are the plain words, in English or without labels."""
    return all(named(choice["label"]).casefold() in YES_NO for choice in choices)


def _unwrapped(formula: str) -> str:
    """A formula without brackets around the whole of it."""
    text = formula.strip()
    while text.startswith("(") and text.endswith(")") and _closes_last(text):
        text = text[1:-1].strip()
    return text


def _closes_last(text: str) -> bool:
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if not depth:
            return place == len(text) - 1
    return False


_VALUE = r"""(?:'([^']*)'|"([^"]*)"|[‘’]([^‘’]*)’|[“”]([^“”]*)”|(-?\d+(?:\.\d+)?))"""
_COMPARED = re.compile(r"\$\{\s*([^{}]+?)\s*\}\s*(=|!=|>=|<=|>|<)\s*" + _VALUE)
_SELECTED = re.compile(r"selected\(\s*\$\{\s*([^{}]+?)\s*\}\s*,\s*" + _VALUE + r"\s*\)")


def _comparison(text: str) -> tuple[str, str, str] | None:
    """The question, the sign and the value of a simple comparison."""
    if found := _COMPARED.fullmatch(text):
        return found[1], found[2], next((part for part in found.groups()[2:] if part is not None), "")
    if found := _SELECTED.fullmatch(text):
        return found[1], "=", next((part for part in found.groups()[1:] if part is not None), "")
    if (inner := re.fullmatch(r"not\s*\((.*)\)", text)) and (found := _SELECTED.fullmatch(inner[1].strip())):
        return found[1], "!=", next((part for part in found.groups()[1:] if part is not None), "")
    return None


def _measured(compared: Sequence[tuple[str, str]], *, whole: bool) -> dict[str, Any] | None:
    """Comparisons of a number as `at_least` and `below`; None where they cannot be said so."""
    limits: dict[str, Any] = {}
    for sign, text in compared:
        number = number_in(text)
        if isinstance(number, str) or (sign in ("=", "<=", ">") and not (whole and isinstance(number, int))):
            return None
        said = {
            ">=": {"at_least": number},
            "<": {"below": number},
            ">": {"at_least": number + 1},
            "<=": {"below": number + 1},
            "=": {"at_least": number, "below": number + 1},
        }.get(sign)
        if said is None or said.keys() & limits.keys():
            return None
        limits |= said
    return limits


def _limits(constraint: str, *, whole: bool) -> Range | None:
    """The smallest and the largest number that a constraint allows; None where it says something else."""
    least: Any = None
    most: Any = None
    for part in re.split(r"\s+and\s+", _unwrapped(constraint)):
        found = re.fullmatch(r"\.\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)", _unwrapped(part))
        number = number_in(found[2]) if found else ""
        if found is None or isinstance(number, str):
            return None
        sign = found[1]
        if sign in (">", "<") and not (whole and isinstance(number, int)):
            return None
        if sign in (">=", ">") and least is None:
            least = number + (sign == ">")
        elif sign in ("<=", "<") and most is None:
            most = number - (sign == "<")
        else:
            return None
    return least, most
