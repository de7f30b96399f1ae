"""A pack that is being made from something else: its files, and where in the source each part stands."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from app.catalogue import PACK_FILE, RAW_FILES, Node, check, read_document
from app.domain.parts import KEY_PATTERN

Where = tuple[str | int, ...]  # a file's name, then keys and positions down to the part
RESERVED = frozenset({Path(PACK_FILE).stem, *(Path(name).stem for name in RAW_FILES)})
README = "README.md"


@dataclass(frozen=True)
class Mistake:
    """What is wrong and where in the source: a cell such as `About!B4`, or a line."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class Refused(ValueError):
    """The source cannot be made into a pack; `mistakes` says why and where."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


@dataclass
class Draft:
    """The files of a pack by name, the places that their parts came from, and its README."""

    files: dict[str, dict[str, Any]]
    places: dict[Where, str] = field(default_factory=dict)
    readme: str = ""
    left_out: list[str] = field(default_factory=list)  # by an import, or changed or assumed: a line for each reason
    taken_from: tuple[str, int] = ("", 0)  # the draft on a page, and its revision, that a workbook was downloaded at

    @property
    def key(self) -> str:
        """The pack's key, as it was given."""
        return str(self.files[PACK_FILE].get("pack", ""))

    def place_of(self, where: Where) -> str:
        """Where a part came from; failing that the nearest part that it stands in."""
        for end in range(len(where), 0, -1):
            if where[:end] in self.places:
                return self.places[where[:end]]
        return ""


class _Dumper(yaml.CSafeDumper):
    """Writes texts so that they are read as texts by the rules of YAML 1.2 too, and parts that are alike in full."""

    def ignore_aliases(self, data: Any) -> bool:
        """Whether a part is written out again where it stands twice: always."""
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text:
        style = "|"
    elif not text[:1].isalpha() or text.lower() in (
        "true",
        "false",
        "null",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
    ):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def as_yaml(content: Mapping[str, Any]) -> str:
    """The YAML of a file of a pack."""
    return yaml.dump(
        dict(content),
        Dumper=_Dumper,
        allow_unicode=True,
        sort_keys=False,
        default_flow_style=False,
        width=110,
    )


def write(draft: Draft, folder: Path) -> list[str]:
    """Write the files of a draft into a folder, which is made; the names of those written."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in draft.files.items():
        (folder / name).write_text(as_yaml(content), encoding="utf-8")
    if draft.readme:
        (folder / README).write_text(draft.readme, encoding="utf-8")
    return [*draft.files, *([README] if draft.readme else [])]


def put(draft: Draft, folder: Path, *, replace: bool = False) -> list[str]:
    """Write a draft that is in order as the pack of a folder, named for its key; the names of the files.

    Refused where it is wrong, or where the folder holds a pack that is not to be replaced.
    """
    name = folder.resolve().name
    if name != draft.key:
        place = draft.place_of((PACK_FILE, "pack"))
        raise Refused(
            Mistake(place, f"the pack’s key is `{draft.key}` but its folder is `{name}`; give both one name")
        )
    if wrong := mistakes(draft):
        raise Refused(*wrong)
    there = [path for path in folder.glob("*.y*ml") if path.is_file()] if folder.is_dir() else []
    if there and not replace:
        raise Refused(Mistake(str(folder), "there is a pack already; say --replace to write over it"))
    for path in there:
        if path.name not in draft.files:
            path.unlink()
    return write(draft, folder)


def mistakes(draft: Draft) -> list[Mistake]:
    """What `catalogue.check` finds in a draft, each named by its place in the source."""
    unnamed = list(ill_named(draft))
    if unnamed:
        return unnamed  # nothing can be written under such a name
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / draft.key
        write(draft, folder)
        errors = check([folder])
        lines = {name: _Positions(folder / name) for name in {Path(error.file).name for error in errors}}
        found = []
        for error in errors:
            name = Path(error.file).name
            where = lines[name].wheres(error.line, error.column)
            found.append(
                Mistake(
                    _place(draft, name, where, error.message),
                    _worded(draft, lines[name], name, error.message),
                )
            )
        return list(dict.fromkeys(found))


def ill_named(draft: Draft) -> Iterator[Mistake]:
    """Names under which nothing can be written."""
    mend = "use lower-case words, digits and hyphens, such as `joint-working`"
    if not re.match(KEY_PATTERN, draft.key) or len(draft.key) > 80:
        yield Mistake(
            draft.place_of((PACK_FILE, "pack")), f"the pack’s key `{draft.key[:80]}` is ill-formed; {mend}"
        )
    for name in draft.files:
        if name != PACK_FILE and name not in RAW_FILES:
            key = name.removesuffix(".yaml")
            if not re.match(KEY_PATTERN, key) or len(key) > 80:
                yield Mistake(draft.place_of((name,)), f"the agency type `{key[:80]}` is ill-formed; {mend}")
    for key in draft.files[PACK_FILE].get("agency_types", ()):
        if key in RESERVED:
            place = draft.place_of((PACK_FILE, "agency_types", key))
            yield Mistake(place, f"an agency type cannot be called `{key}`; rename it")


class _Positions:
    """The parts that begin at each line and column of a file."""

    def __init__(self, path: Path) -> None:
        self.at: dict[tuple[int, int], list[Where]] = {}
        root = read_document(path).root if path.exists() else None
        if root:
            self._walk(root, ())

    def _walk(self, node: Node, where: Where) -> None:
        self.at.setdefault((node.line, node.column), []).append(where)
        for step, child in node.children.items():
            if isinstance(step, str):
                self.at.setdefault(node.keys[step], []).append((*where, step))
            self._walk(child, (*where, step))

    def wheres(self, line: int, column: int | None = None) -> list[Where]:
        """The parts at a place, or the last before it; without a column those of the line."""
        if column is None:
            return [where for (own, _), found in self.at.items() if own == line for where in found] or [()]
        before = [place for place in self.at if place <= (line, column)]
        return self.at[max(before)] if before else [()]


_MISSING = re.compile(r"`([^`]+)` is missing|needs `([^`]+)`")
_LINE = re.compile(r"first in line (\d+)")


def _place(draft: Draft, name: str, wheres: list[Where], message: str) -> str:
    """The cell of what is wrong: that of an empty part where something is missing."""
    if missing := _MISSING.search(message):
        for where in wheres:
            wanted = (name, *where, missing[1] or missing[2])
            if wanted in draft.places:
                return draft.places[wanted]
    deepest = max(wheres, key=len)
    return draft.place_of((name, *deepest)) or name


def _worded(draft: Draft, positions: _Positions, name: str, message: str) -> str:
    """The message in words that fit the source: places for lines, no advice that is about YAML."""

    def there(line: re.Match[str]) -> str:
        where = max(positions.wheres(int(line[1])), key=len)
        return f"first in {draft.place_of((name, *where)) or line[0]}"

    return _LINE.sub(there, message).replace(
        "; put it in quotes", "; write ' before it, so that it stays text"
    )
