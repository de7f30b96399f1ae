"""A part of a pack as the fields of a form, and back: the columns of the workbook, a field each.

What no field can hold stays in the part as it is, so that saving a form loses nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from app.authoring.columns import (
    ABOUT,
    ABOUT_ROWS,
    READ,
    TABLES,
    Column,
    Table,
    Wrong,
    as_cell,
    checklist,
    text_in,
)
from app.authoring.pieces import At
from app.catalogue import PACK_FILE, RAW_FILES
from app.domain.asking import Answer

GRADE = "grade"  # the type of answer that is written by leaving it out
NO_FORM = ("pack", "version", "changes")  # what is said of a pack when it is begun and sent
LISTS = ("choices", "columns")  # settings of an answer that are lists: a line for each entry
OWN = (("id",), ("key",))  # what an entry of a list goes by: chosen once
TYPE = ("answer", "type")
BETWEEN = " | "  # the cells of a line

# type of answer -> what can be said of it beside its type
SETTINGS: dict[str, tuple[str, ...]] = {
    get_args(one.model_fields["type"].annotation)[0]: tuple(name for name in one.model_fields if name != "type")
    for one in get_args(get_args(Answer)[0])
}
_OF_LISTS: dict[str, tuple[Column, ...]] = {
    table.at[-1]: table.columns for table in TABLES if table.at[-2:-1] == ("answer",)
}


def table_at(at: At) -> Table | None:
    """The table whose rows are like the part at a way; None where no form is made for it.

    `("pack.yaml",)` is the pack itself and `("TYPE.yaml",)` a checklist.
    """
    if at == (PACK_FILE,):
        columns = [
            Column(head, (key,), kind, note) for head, key, kind, note in ABOUT_ROWS if key not in NO_FORM
        ]
        return Table(ABOUT, "", (), tuple(columns))
    if at[0] in RAW_FILES or not at[0].endswith(".yaml"):
        return None
    way = at[1:] if at[0] == PACK_FILE else ("templates", at[0].removesuffix(".yaml"), *at[1:])
    for table in (*TABLES, checklist("*", "")):
        if len(way) == len(table.at) + 1 and all(step in ("*", own) for step, own in zip(table.at, way, strict=False)):
            return table
    return None


@dataclass(frozen=True)
class Field:
    """A field of a form. `language`: of a text in another language than English. `lines`: a line for each entry."""

    name: str
    column: Column
    language: str = ""
    lines: bool = False


@dataclass
class Filled:
    """The fields of a form as filled in. `held`: columns of whose part no field can hold what is there.

    `type` is that of the answer, as far as the part is a question; it may be none that there is: see `SETTINGS`.
    """

    fields: list[Field]
    values: dict[str, str]
    held: list[Column] = field(default_factory=list)
    type: str = GRADE


def is_own(column: Column) -> bool:
    """Whether a column is what a part goes by, in its list or mapping."""
    return not column.path or column.path in OWN


def name_of(column: Column, language: str = "") -> str:
    """What a field is called."""
    return "-".join((*column.path, *([language] if language else [])))


def answer_type(entry: Mapping[str, Any]) -> str:
    """The type of the answer of a part as its text says it, which may be none that there is; empty where it is left out
    though other things are said of the answer."""
    answer = entry.get("answer", {"type": GRADE})
    if not isinstance(answer, Mapping):
        return GRADE  # it stays as it is
    told = answer.get("type")
    return "" if told is None else str(told)


def left_behind(entry: Mapping[str, Any], type_: str) -> dict[Any, Any]:
    """What is said of the answer of a part that does not go with another type of answer."""
    answer = entry.get("answer")
    if not isinstance(answer, Mapping) or type_ not in SETTINGS or type_ == answer_type(entry):
        return {}
    return {key: value for key, value in answer.items() if key != "type" and key not in SETTINGS[type_]}


def _columns(columns: Iterable[Column], type_: str) -> list[Column]:
    """The columns that a part with answers of this type has, and a column for each setting that is a list."""
    found: list[Column] = []
    settings = SETTINGS.get(type_, ())
    for column in columns:
        if is_own(column) or column.kind == "sheet":
            continue
        if column.path[0] != "answer" or column.path[1] == "type" or column.path[1] in settings:
            found.append(column)
        if column.path == TYPE:
            found += [Column(name.capitalize(), ("answer", name), "key", "") for name in LISTS if name in settings]
    return found


def filled(columns: Sequence[Column], entry: Mapping[str, Any], languages: Sequence[str], type_: str = "") -> Filled:
    """The form for a part. `languages`: those beside English. `type_`: of the answer, where another was chosen."""
    type_ = type_ or answer_type(entry)
    found = Filled([], {}, type=type_)
    for column in _columns(columns, type_):
        value = _dig(entry, column.path)
        if column.path == TYPE:
            value = type_ or None
        is_list = column.path[0] == "answer" and column.path[-1] in LISTS
        spoken = languages if column.kind == "words" or is_list else ()
        texts = _lines(value, column.path[-1], languages) if is_list else _texts(column, value, languages)
        if texts is None or _broken(entry, column.path) is not None:
            found.held.append(column)
            continue
        for language in ("", *spoken):
            name = name_of(column, language)
            found.fields.append(Field(name, column, language, is_list))
            found.values[name] = texts.get(language, "")
    return found


def _texts(column: Column, value: Any, languages: Sequence[str]) -> dict[str, str] | None:
    """What the fields of a column hold, by language; None where they cannot hold it."""
    if value is None or (value == [] and column.kind == "keys"):
        return {}
    if column.kind == "words" and isinstance(value, Mapping):
        if not all(isinstance(text, str) and language in ("en", *languages) for language, text in value.items()):
            return None
        return {"" if language == "en" else language: text for language, text in value.items()}
    cell = as_cell(column.kind, value)
    if cell is None:
        return None
    return {"": text_in(float(cell)) if isinstance(cell, int | float) else str(cell)}


def _lines(entries: Any, name: str, languages: Sequence[str]) -> dict[str, str] | None:
    """The entries of a list as lines, by language; None where lines cannot hold them."""
    if entries is None:
        return {}
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return None
    texts: dict[str, list[str]] = {language: [] for language in ("", *languages)}
    for entry in entries:
        for language, lines in texts.items():
            cells = []
            for column in _OF_LISTS[name]:
                told = _texts(column, entry.get(column.path[0]), languages)
                if told is None:
                    return None
                if not language or column.kind == "words" or is_own(column):
                    cells.append(told.get("" if is_own(column) else language, ""))
            if language and not any(cells[1:]):
                continue
            lines.append(BETWEEN.join(cells).rstrip(" |"))
    told = {language: "\n".join(lines) for language, lines in texts.items()}
    try:
        back = _entries(told, name, languages)
    except Wrong:
        return None
    return told if back == entries else None


def _entries(texts: Mapping[str, str], name: str, languages: Sequence[str]) -> list[dict[str, Any]]:
    """The entries that lines tell. Raises Wrong."""
    columns = _OF_LISTS[name]
    spoken = [column for column in columns if is_own(column) or column.kind == "words"]
    more: dict[str, dict[str, dict[str, str]]] = {}
    for language in languages:
        for line in filter(None, map(str.strip, texts.get(language, "").split("\n"))):
            cells = [cell.strip() for cell in line.split("|")]
            told = {column.path[0]: cell for column, cell in zip(spoken[1:], cells[1:], strict=False) if cell}
            more.setdefault(cells[0], {})[language] = told
    found: list[dict[str, Any]] = []
    for line in filter(None, map(str.strip, texts.get("", "").split("\n"))):
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > len(columns):
            raise Wrong(f"“{line[:60]}” has more parts than {BETWEEN.strip()} can divide it into")
        entry: dict[str, Any] = {}
        for column, cell in zip(columns, cells, strict=False):
            own = more.get(cells[0], {}) if column.kind == "words" else {}
            told = {language: texts[column.path[0]] for language, texts in own.items() if column.path[0] in texts}
            if told:
                entry[column.path[0]] = {**({"en": cell} if cell else {}), **told}
            elif cell:
                entry[column.path[0]] = READ[column.kind](cell)
        found.append(entry)
    if unknown := more.keys() - {entry.get("key") for entry in found}:
        raise Wrong(f"there is no entry “{min(unknown)[:60]}” to give a text in another language")
    return found


def entry_from(
    columns: Sequence[Column], before: Mapping[str, Any], typed: Mapping[str, str], languages: Sequence[str],
    type_: str = "",
) -> tuple[dict[str, Any], dict[str, str]]:  # fmt: skip
    """The part that a form comes to, and what is wrong with its fields, by their names.

    What the fields of the form before could not hold, and what has no field, is taken over from `before`: but for what
    is `left_behind` by another type of answer. The type stays where none that there is was chosen.
    """
    form = filled(columns, before, languages, type_)
    held = {column.path for column in form.held}
    entry: dict[str, Any] = {}
    errors: dict[str, str] = {}
    shown = [column for column in _columns(columns, form.type) if column.path != TYPE or form.type in SETTINGS]
    for column in shown:
        if column.path in held:
            kept = _broken(before, column.path) or column.path
            _bury(entry, kept, copy.deepcopy(_dig(before, kept)))
            continue
        texts = {language: typed.get(name_of(column, language), "").strip() for language in ("", *languages)}
        try:
            value = form.type if column.path == TYPE else _value(column, texts, languages)
        except Wrong as wrong:
            errors[name_of(column)] = str(wrong)
            continue
        if value is not None:
            _bury(entry, column.path, value)
    answered = entry.get("answer")
    if answered == {"type": GRADE} and "answer" not in before:
        del entry["answer"]
    gone = left_behind(before, form.type)
    if gone:
        before = {**before, "answer": {key: value for key, value in before["answer"].items() if key not in gone}}
    return _with_the_rest(before, entry, {column.path for column in shown}), errors


def _with_the_rest(
    before: Mapping[str, Any], entry: Mapping[str, Any], shown: Collection[tuple[str, ...]], way: tuple[str, ...] = ()
) -> dict[str, Any]:
    """An entry with what of the part before no field shows, all in the order in which it stood there."""
    found: dict[str, Any] = {}
    for key, value in before.items():
        own = (*way, key)
        is_shown = any(path[: len(own)] == own for path in shown)
        if isinstance(value, Mapping) and any(path[: len(own)] == own and len(path) > len(own) for path in shown):
            inside = entry.get(key, {})
            found[key] = _with_the_rest(value, inside, shown, own) if isinstance(inside, Mapping) else inside
            if value and not found[key]:
                del found[key]
        elif key in entry:
            found[key] = entry[key]
        elif not is_shown:
            found[key] = copy.deepcopy(value)
    return found | {key: value for key, value in entry.items() if key not in before}


def _value(column: Column, texts: Mapping[str, str], languages: Sequence[str]) -> Any:
    """What the fields of a column say; None for nothing."""
    if column.path[0] == "answer" and column.path[-1] in LISTS:
        return _entries(texts, column.path[-1], languages) or None
    if column.kind == "words":
        told = {language or "en": text for language, text in texts.items() if text}
        return (told["en"] if set(told) == {"en"} else told) or None
    if not texts[""]:
        return [] if column.always else None
    return READ[column.kind](texts[""])


def _dig(entry: Mapping[str, Any], path: Sequence[str]) -> Any:
    node: Any = entry
    for step in path:
        node = node.get(step) if isinstance(node, Mapping) else None
    return node


def _broken(entry: Mapping[str, Any], path: Sequence[str]) -> Sequence[str] | None:
    """The way to what a column's part stands in, where that has another shape than a mapping."""
    for end in range(1, len(path)):
        owner = _dig(entry, path[:end])
        if owner is not None and not isinstance(owner, Mapping):
            return path[:end]
    return None


def _bury(entry: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for step in path[:-1]:
        entry = entry.setdefault(step, {})
    entry[path[-1]] = value
