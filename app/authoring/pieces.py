"""The files of a pack as text, while somebody drafts it: what is wrong with them, and changing one part at a time.

A part is named by its way there: the file, then keys; entries of lists go by their `id` or `key`, others by `#1`, `#2`.
"""

from __future__ import annotations

import copy
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from app.authoring.columns import languages_of
from app.authoring.draft import README, RESERVED, Draft, as_yaml
from app.authoring.rewriting import rewritten
from app.authoring.workbook import BEGIN, read_folder
from app.catalogue import PACK_FILE, RAW_FILES, CatalogueErrors, Node, load_pack, read_document
from app.domain.asking import Plain
from app.domain.life import NotPossible
from app.domain.message import N_
from app.domain.parts import KEY_PATTERN
from app.domain.templates import Pack

Files = Mapping[str, str]
At = tuple[str, ...]

MOST_FILES = 60
MOST_CHARACTERS = 6_000_000  # of all files together
LONGEST_KEY = 60  # characters of a pack's key and of the name of an agency type
LONGEST_MILESTONE = 40
EXAMPLES_FILE = "examples.yaml"


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a file of a draft, and where. Line and column count from 1."""

    file: str
    line: int
    column: int
    message: str
    at: At = ()  # the part that it stands in


@dataclass(frozen=True)
class Checked:
    """What the files of a draft come to. `pack` is None while anything is wrong.

    `content` is the plain content of each YAML file that can be read; nobody changes what stands in it. `comments`: how
    many lines of the files look like comments, which a workbook does not hold.
    """

    pack: Pack | None
    flaws: tuple[Flaw, ...]
    content: Mapping[str, Mapping[str, Any]]
    comments: int

    @property
    def examples(self) -> int:
        """How many worked examples there are."""
        entries = self.content.get(EXAMPLES_FILE, {}).get("examples")
        return len(entries) if isinstance(entries, list) else 0


def is_name(name: str) -> bool:
    """Whether a file of a pack can be called so."""
    stem, dot, ending = name.rpartition(".")
    if name in (README, PACK_FILE) or name in RAW_FILES:
        return True
    known = dot and ending == "yaml" and stem not in RESERVED
    return bool(known and re.match(KEY_PATTERN, stem)) and len(stem) <= LONGEST_KEY


def is_key(key: str) -> bool:
    """Whether a pack can have this key."""
    return bool(re.match(KEY_PATTERN, key)) and len(key) <= LONGEST_KEY


def checked(files: Files, key: str) -> Checked:
    """What the files of the pack of this key come to. Kept for as long as others are not asked for."""
    return _checked(tuple(sorted(files.items())), key)


@lru_cache(maxsize=12)
def _checked(files: tuple[tuple[str, str], ...], key: str) -> Checked:
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / key
        folder.mkdir()
        for name, text in files:
            (folder / name).write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
        content, roots = {}, {}
        for name, _text in files:
            if name.endswith(".yaml") and (root := read_document(folder / name).root):
                content[name], roots[name] = root.value, root
        pack: Pack | None = None
        flaws: list[Flaw] = []
        try:
            pack = load_pack(folder)
            flaws = list(_too_long(pack))
        except CatalogueErrors as wrong:
            for error in wrong.errors:
                name = Path(error.file).name
                at = _way(roots[name], error.line, error.column) if name in roots else ()
                flaws.append(Flaw(name, error.line, error.column, error.message, (name, *at)))
    comments = sum(
        bool(re.match(r"\s*#|.*\s#\s", line))
        for name, text in files
        if name.endswith(".yaml")
        for line in text.splitlines()
    )
    return Checked(None if flaws else pack, tuple(flaws), content, comments)


def _way(root: Node, line: int, column: int) -> At:
    """The way to the part that begins last before a place of a file."""
    found: tuple[tuple[int, int], At] = ((0, 0), ())

    def walk(node: Node, way: At) -> None:
        nonlocal found
        for place, (step, child) in enumerate(node.children.items()):
            own = (*way, step if isinstance(step, str) else name_of(child.value, place))
            at = node.keys.get(str(step), (child.line, child.column))
            if found[0] <= at <= (line, column):
                found = at, own
            walk(child, own)

    walk(root, ())
    return found[1]


def languages_in(found: Checked) -> list[str]:
    """The languages beside English in which something of a draft is written."""
    return sorted(languages_of([dict(content) for content in found.content.values()]))


def _too_long(pack: Pack) -> Iterator[Flaw]:
    """Keys that are too long to be published."""
    for key in (pack.pack, *pack.agency_types):
        if len(key) > LONGEST_KEY:
            yield Flaw(PACK_FILE, 1, 1, f"`{key}` has more than {LONGEST_KEY} characters; shorten it")
    for key in pack.milestones:
        if len(key) > LONGEST_MILESTONE:
            yield Flaw(PACK_FILE, 1, 1, f"`{key}` has more than {LONGEST_MILESTONE} characters; shorten it")


# --- what a draft can begin with ----------------------------------------------------------------------------------


def texts_of(draft: Draft) -> dict[str, str]:
    """The files of what was read from a workbook or another program's file, as text."""
    found = {name: as_yaml(content) for name, content in draft.files.items()}
    return found | ({README: draft.readme} if draft.readme else {})


def files_of(pack: Pack) -> dict[str, str]:
    """A published pack as its author would write it: what was left to its default is left out."""
    plain = {
        "format": pack.format,
        **{key: value for key, value in _plain(pack).items() if key not in ("format", "templates", *_RAW)},
    }
    found = {PACK_FILE: as_yaml(plain)}
    for key, template in pack.templates.items():
        found[f"{key}.yaml"] = as_yaml(_plain(template))
    for key in _RAW:
        if (raw := getattr(pack, key)) is not None:
            found[f"{key}.yaml"] = as_yaml(raw)
    return found


_RAW = tuple(name.removesuffix(".yaml") for name in RAW_FILES)


def _plain(value: Any) -> Any:
    """A part as an author writes it."""
    if isinstance(value, BaseModel):
        found = {}
        for name, field in type(value).model_fields.items():
            part = getattr(value, name)
            kept = name in value.model_fields_set if isinstance(value, Plain) else part != field.default
            if name == "type" or ((field.is_required() or kept) and part is not None):
                found[field.alias or name] = _plain(part)
        return found
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def as_draft(files: Files, content: Mapping[str, Mapping[str, Any]]) -> Draft:
    """The files as a workbook is made of them."""
    names = sorted(content, key=lambda name: name != PACK_FILE)
    return Draft({name: copy.deepcopy(dict(content[name])) for name in names}, readme=files.get(README, ""))


def as_zip(files: Files, key: str) -> bytes:
    """The folder of the pack, packed; the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in sorted(files.items()):
            packed.writestr(zipfile.ZipInfo(f"{key}/{name}"), text.encode(), zipfile.ZIP_DEFLATED)
    return out.getvalue()


# --- finding parts ------------------------------------------------------------------------------------------------


def find(content: Mapping[str, Any], at: At) -> Any:
    """The part at the end of a way; None where there is none."""
    node: Any = content
    for step in at:
        node = _step(node, step)
        if node is None:
            return None
    return node


def _step(node: Any, step: str) -> Any:
    if isinstance(node, Mapping):
        return node.get(step)
    place = place_of(node, step) if isinstance(node, list) else None
    return None if place is None else node[place]


def place_of(entries: Sequence[Any], step: str) -> int | None:
    """The place of an entry of a list, from 0."""
    for place, entry in enumerate(entries):
        if name_of(entry, place) == step:
            return place
    return None


def name_of(entry: Any, place: int) -> str:
    """What an entry of a list goes by."""
    name = (entry.get("id") or entry.get("key")) if isinstance(entry, Mapping) else None
    return name if isinstance(name, str) and name else f"#{place + 1}"


# --- changes ------------------------------------------------------------------------------------------------------


class Change(Protocol):
    """A change of a draft's files."""

    def sees(self, files: Files, key: str) -> Any:
        """What it was made on: where somebody else changed that meanwhile, it is not applied unasked."""

    def apply(self, files: Files, key: str) -> dict[str, str]:
        """The files after it. Raises NotPossible."""


def _content(files: Files, key: str, name: str) -> dict[str, Any]:
    """The content of a file, to be changed. Raises NotPossible where it cannot be read."""
    found = checked(files, key).content.get(name)
    if found is None:
        raise _unreadable(name)
    return copy.deepcopy(dict(found))


def _unreadable(name: str) -> NotPossible:
    return NotPossible(
        N_("%(name)s cannot be read as it stands, so no form can change it. Mend its text first."), name=name
    )


def _entries(owner: dict[str, Any], name: str, kind: type[list[Any]] | type[dict[str, Any]]) -> Any:
    """What is to have one entry more, made where there is nothing. Raises NotPossible where it has another shape."""
    if owner.get(name) in (None, [], {}):
        owner[name] = kind()
    if not isinstance(owner[name], kind):
        raise _unreadable(name)
    return owner[name]


def _gone(at: At) -> NotPossible:
    return NotPossible(N_("“%(part)s” is not there any more: somebody removed or renamed it."), part=at[-1])


@dataclass(frozen=True)
class Put:
    """Another content for a part."""

    at: At
    entry: Mapping[str, Any]

    def sees(self, files: Files, key: str) -> Any:
        return find(checked(files, key).content, self.at)

    def apply(self, files: Files, key: str) -> dict[str, str]:
        name, *way = self.at
        whole = _content(files, key, name)
        if not way:
            return {**files, name: rewritten(files[name], self.entry)}
        owner = find(whole, tuple(way[:-1]))
        if _step(owner, way[-1]) is None:
            raise _gone(self.at)
        if isinstance(owner, list):
            owner[place_of(owner, way[-1]) or 0] = dict(self.entry)
        else:
            owner[way[-1]] = dict(self.entry)
        return {**files, name: rewritten(files[name], whole)}


@dataclass(frozen=True)
class Add:
    """A new part at the end of a list, or of a mapping under its own key. What it stands in is made where need be."""

    at: At
    own: str
    entry: Mapping[str, Any]

    def sees(self, files: Files, key: str) -> Any:
        return None

    def apply(self, files: Files, key: str) -> dict[str, str]:
        name, *way = self.at
        whole = _content(files, key, name)
        owner = find(whole, tuple(way[:-1]))
        if not isinstance(owner, dict):
            raise _gone(self.at[:-1])
        keyed = self.own and "id" not in self.entry and "key" not in self.entry
        entries = _entries(owner, way[-1], dict if keyed else list)
        if self.own and _step(entries, self.own) is not None:
            raise NotPossible(N_("There is a “%(name)s” already. Choose another name."), name=self.own)
        if isinstance(entries, dict):
            entries[self.own] = dict(self.entry)
        else:
            entries.append(dict(self.entry))
        return {**files, name: rewritten(files[name], whole)}


@dataclass(frozen=True)
class Remove:
    """A part less."""

    at: At

    def sees(self, files: Files, key: str) -> Any:
        return find(checked(files, key).content, self.at)

    def apply(self, files: Files, key: str) -> dict[str, str]:
        name, *way = self.at
        whole = _content(files, key, name)
        owner = find(whole, tuple(way[:-1]))
        if not way or _step(owner, way[-1]) is None:
            raise _gone(self.at)
        if isinstance(owner, list):
            del owner[place_of(owner, way[-1]) or 0]
        else:
            del owner[way[-1]]
        return {**files, name: rewritten(files[name], whole)}


@dataclass(frozen=True)
class Move:
    """A part some places down (or up) among its own; or to the end of another list, `to`."""

    at: At
    by: int = 0
    to: At | None = None

    def sees(self, files: Files, key: str) -> Any:
        content = checked(files, key).content
        found = []
        for at in (self.at[:-1], self.to):
            owner = find(content, at) if at else None
            found.append(list(owner) if isinstance(owner, Mapping) else _names(owner))
        return found

    def apply(self, files: Files, key: str) -> dict[str, str]:
        name, *way = self.at
        whole = _content(files, key, name)
        owner = find(whole, tuple(way[:-1]))
        if _step(owner, way[-1]) is None:
            raise _gone(self.at)
        keyed = isinstance(owner, dict)
        entries = list(owner.items()) if keyed else owner
        place = list(owner).index(way[-1]) if keyed else place_of(owner, way[-1]) or 0
        entry = entries.pop(place)
        if self.to is None:
            entries.insert(max(0, min(len(entries), place + self.by)), entry)
        else:
            other = find(whole, self.to[1:-1])
            if not isinstance(other, dict):
                raise _gone(self.to[:-1])
            _entries(other, self.to[-1], list).append(entry)
        if keyed:
            owner.clear()
            owner.update(entries)
        return {**files, name: rewritten(files[name], whole)}


def _names(entries: Any) -> list[str]:
    return [name_of(entry, place) for place, entry in enumerate(entries if isinstance(entries, list) else ())]


@dataclass(frozen=True)
class PutFile:
    """Another text for a file, which may be new; None removes it."""

    name: str
    text: str | None

    def sees(self, files: Files, key: str) -> Any:
        return files.get(self.name)

    def apply(self, files: Files, key: str) -> dict[str, str]:
        found = {name: text for name, text in files.items() if name != self.name}
        return found if self.text is None else {**found, self.name: self.text}


@dataclass(frozen=True)
class PutAll:
    """Other files in place of all, as they came in a workbook."""

    files: Files

    def sees(self, files: Files, key: str) -> Any:
        return dict(files)

    def apply(self, files: Files, key: str) -> dict[str, str]:
        return dict(self.files)


@dataclass(frozen=True)
class AddType:
    """A new agency type with a checklist of its own: a copy of another's, whose twins are left out.

    `like` is "" where there is no other, so that it begins with a plain one. A file of its name that is there stays.
    """

    own: str
    entry: Mapping[str, Any]
    like: str

    def sees(self, files: Files, key: str) -> Any:
        return None

    def apply(self, files: Files, key: str) -> dict[str, str]:
        if self.own in RESERVED or not is_name(f"{self.own}.yaml"):
            raise NotPossible(N_("An agency type cannot be called “%(name)s”. Choose another name."), name=self.own)
        template = _content(files, key, f"{self.like}.yaml") if self.like else _plain_checklist()
        for standard in _mappings(template.get("standards")):
            for criterion in _mappings(standard.get("criteria")):
                criterion.pop("twins", None)
                criterion.pop("subtypes", None)
        template["agency_type"] = self.own
        found = Add((PACK_FILE, "agency_types"), self.own, self.entry).apply(files, key)
        return {f"{self.own}.yaml": as_yaml(template), **found}


def _mappings(entries: Any) -> list[dict[str, Any]]:
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def _plain_checklist() -> dict[str, Any]:
    return next(content for name, content in read_folder(BEGIN).files.items() if name != PACK_FILE)


@dataclass(frozen=True)
class RemoveType:
    """An agency type less, and its checklist."""

    own: str

    def sees(self, files: Files, key: str) -> Any:
        return files.get(f"{self.own}.yaml"), Remove((PACK_FILE, "agency_types", self.own)).sees(files, key)

    def apply(self, files: Files, key: str) -> dict[str, str]:
        found = Remove((PACK_FILE, "agency_types", self.own)).apply(files, key)
        if self.own not in RESERVED:  # a mistake of the pack is no reason to lose another file
            found.pop(f"{self.own}.yaml", None)
        return found


@dataclass(frozen=True)
class Number:
    """The version that a draft is to be, and what is new in it: language to text."""

    version: int
    note: Mapping[str, str]

    @property
    def changes(self) -> str | dict[str, str] | None:
        """What is new, as pack.yaml says it."""
        given = {language: text for language, text in self.note.items() if text}
        return (given["en"] if set(given) == {"en"} else given) or None

    def sees(self, files: Files, key: str) -> Any:
        return dict(files)

    def apply(self, files: Files, key: str) -> dict[str, str]:
        pack: dict[str, Any] = {}
        for name, value in _content(files, key, PACK_FILE).items():
            if name == "version":
                pack["version"] = self.version
                if self.changes:
                    pack["changes"] = self.changes
            elif name != "changes":
                pack[name] = value
        return {**files, PACK_FILE: rewritten(files[PACK_FILE], pack)}


@dataclass(frozen=True)
class KeepExample:
    """A worked example more, at the end of those that there are."""

    example: Mapping[str, Any]

    def sees(self, files: Files, key: str) -> Any:
        return None

    def apply(self, files: Files, key: str) -> dict[str, str]:
        if EXAMPLES_FILE not in files:
            return {**files, EXAMPLES_FILE: as_yaml({"format": 1, "examples": [dict(self.example)]})}
        whole = _content(files, key, EXAMPLES_FILE)
        examples = _entries(whole, "examples", list)
        names = [one.get("name") for one in _mappings(examples)]
        if self.example["name"] in names:
            raise NotPossible(
                N_("Another example is called “%(name)s”. Give this one a name of its own."),
                name=self.example["name"],
            )
        examples.append(dict(self.example))
        return {**files, EXAMPLES_FILE: rewritten(files[EXAMPLES_FILE], whole)}


def same(one: Any, other: Any) -> bool:
    """Whether two parts are alike, and in the same order."""
    return json.dumps(one, default=str) == json.dumps(other, default=str)
