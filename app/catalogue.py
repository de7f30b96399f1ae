"""Reads packs of audit templates, and says everything that is wrong with them at once.

A pack is a folder of YAML files; `docs/template-authors-guide.md` describes it. Every mistake is
reported with file, line and column, what is wrong and how to mend it, in the order of the files.
Files are read in three steps: YAML with positions (`read_document`), the shape of each file against
its pydantic model (`shape_errors`), and the references between parts (`_PackCheck`).
"""

import difflib
import json
import math
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, Tag, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import implicit_resolvers
from yaml import events as parsed
from yaml.cyaml import CParser
from yaml.error import YAMLError as Unreadable

from app.domain.asking import Answer, Asked, GradeAsked, Measured
from app.domain.demonstration import Plan
from app.domain.findings import FindingsTexts
from app.domain.guidance import mistakes
from app.domain.integrity import canonical_json, sha256_hex
from app.domain.parts import COLOUR_PATTERN, KEY_PATTERN, RECOMMENDATION_PATTERN, TWIN_PATTERN
from app.domain.risks import ModerationRules
from app.domain.rules import check as rules_check
from app.domain.rules.language import Judgements
from app.domain.survey import Survey
from app.domain.templates import Pack, PackFile, Template
from app.domain.text import LANGUAGE_PATTERN
from app.domain.worked import Examples
from app.domain.worked import problems as example_problems

MAX_BYTES = 2_000_000  # of one file
MAX_DEPTH = 40  # of lists and mappings inside each other
MAX_NUMBER = 2**53 - 1  # canonical JSON holds no larger whole number

PACK_FILE = "pack.yaml"
# files that are read as they are, for the modules that use them
RAW_FILES: dict[str, type[BaseModel]] = {
    "findings.yaml": FindingsTexts,
    "demonstration.yaml": Plan,
    "moderation.yaml": ModerationRules,
    "judgements.yaml": Judgements,
    "survey.yaml": Survey,
    "examples.yaml": Examples,
}
PLACEHOLDERS = ("agency", "signatory", "post", "round")  # may stand in a declaration
ANSWER: TypeAdapter[Asked] = TypeAdapter(Answer)
CONDITIONS = ("shown_if", "required_if", "not_applicable_if")
SCHEMA_FOLDER = Path(__file__).parent.parent / "audit_templates" / "schema"


@dataclass(frozen=True, order=True)
class CatalogueError:
    """One mistake in a pack. Line and column count from 1. As a string: `file:line:column: message`."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class CatalogueErrors(ValueError):
    """A pack cannot be used; `errors` holds every mistake found."""

    def __init__(self, errors: Sequence[CatalogueError]) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = tuple(errors)


@dataclass
class Node:
    """A YAML value with its position. `value` is plain data; `children` has the parts by key or index."""

    line: int
    column: int
    value: Any = None
    children: "dict[str | int, Node]" = field(default_factory=dict)
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)  # where each key of a mapping stands

    def get(self, *path: str | int) -> "Node | None":
        """The part at the end of the path, or None when there is none."""
        node: Node | None = self
        for step in path:
            node = node.children.get(step) if node else None
        return node

    def text(self, key: str) -> str | None:
        """The string under a key, or None when there is something else or nothing."""
        child = self.children.get(key)
        return child.value if child and isinstance(child.value, str) else None

    def entries(self, key: str) -> "list[Node]":
        """The parts of the list or mapping under a key, in order; none when there is nothing."""
        child = self.children.get(key)
        return list(child.children.values()) if child else []


@dataclass
class Document:
    """One YAML file: its parsed root, or None when it cannot be used, and the mistakes in its YAML."""

    file: str
    root: Node | None = None
    errors: list[CatalogueError] = field(default_factory=list)

    def error(self, at: Node | tuple[int, int], message: str) -> None:
        """Notes a mistake at a node or a (line, column)."""
        line, column = (at.line, at.column) if isinstance(at, Node) else at
        self.errors.append(CatalogueError(self.file, line, column, message))


# --- the public functions -------------------------------------------------------------------------


def load_pack(folder: Path | str) -> Pack:
    """The pack in a folder. CatalogueErrors when anything is wrong with it."""
    check = _PackCheck(Path(folder))
    if check.errors:
        raise CatalogueErrors(check.errors)
    return check.pack()


def load_all(root: Path | str) -> dict[str, Pack]:
    """All packs under `root` by key, sorted. CatalogueErrors with the mistakes of all of them."""
    packs: dict[str, Pack] = {}
    errors: list[CatalogueError] = []
    for folder in _pack_folders(Path(root)):
        try:
            packs[folder.name] = load_pack(folder)
        except CatalogueErrors as wrong:
            errors.extend(wrong.errors)
    if errors:
        raise CatalogueErrors(errors)
    return packs


def check(paths: Iterable[Path | str]) -> list[CatalogueError]:
    """Every mistake under `paths`, each a pack's folder or a folder of packs. Empty: all is well."""
    errors: list[CatalogueError] = []
    for path in map(Path, paths):
        folders = [path] if (path / PACK_FILE).exists() else list(_pack_folders(path))
        if not folders:
            message = f"no pack is here; a pack is a folder with {PACK_FILE}"
            errors.append(CatalogueError(str(path), 1, 1, message))
        for folder in folders:
            errors.extend(_PackCheck(folder).errors)
    return errors


def number_of_examples(paths: Iterable[Path | str]) -> int:
    """How many worked examples there are under `paths`, whose packs are in order."""
    found = 0
    for path in map(Path, paths):
        for folder in [path] if (path / PACK_FILE).exists() else _pack_folders(path):
            worked = read_document(folder / "examples.yaml").root
            found += len(worked.entries("examples")) if worked else 0
    return found


def pack_hash(pack: Pack) -> str:
    """SHA-256, in hexadecimal, of the canonical JSON of the frozen pack."""
    return sha256_hex(canonical_json(pack.to_frozen()))


def json_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schemas for editors, by file name, made from the definitions that the check uses."""
    named: dict[str, tuple[type[BaseModel], str]] = {
        "pack.schema.json": (PackFile, "Candour pack"),
        "template.schema.json": (Template, "Candour audit template"),
        "moderation.schema.json": (ModerationRules, "Candour: how the returns of a pack are checked"),
        "judgements.schema.json": (Judgements, "Candour: rules by which returns are judged"),
        "survey.schema.json": (Survey, "Candour: a survey of front-line staff beside the answers of a pack"),
        "examples.schema.json": (Examples, "Candour: worked examples of the rules of a pack"),
    }
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {
        name: {**schema, **_closed(model.model_json_schema()), "title": title}
        for name, (model, title) in named.items()
    }


def _closed(schema: Any) -> Any:
    """The schema with no other keys in mappings whose keys have a pattern: pydantic leaves this out."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(item) for key, item in schema.items()}
    return {**closed, "additionalProperties": False} if "patternProperties" in schema else closed


def write_schemas(folder: Path) -> None:
    """Writes the JSON Schemas into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in json_schemas().items():
        text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        (folder / name).write_text(text, encoding="utf-8")


def _pack_folders(root: Path) -> Iterator[Path]:
    """Folders under root with any YAML file: one without pack.yaml is a mistake to report."""
    if root.is_dir():
        for folder in sorted(root.iterdir()):
            if folder.is_dir() and _yaml_files(folder):
                yield folder


def _yaml_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in (".yaml", ".yml"))


# --- YAML with positions --------------------------------------------------------------------------


def read_document(path: Path, *, most: int = MAX_BYTES) -> Document:
    """Reads one YAML file of at most so many bytes. Never raises for what is in it; mistakes are in `errors`.

    Dates stay ISO strings. `root` is None when the content cannot be used at all.
    """
    document = Document(str(path))
    try:
        with path.open("rb") as stream:
            content = stream.read(most + 1)
    except FileNotFoundError:
        document.error((1, 1), "there is no such file; add it")
        return document
    except OSError as error:
        document.error((1, 1), f"cannot be read: {error.strerror}")
        return document
    if len(content) > most:
        document.error((1, 1), f"larger than {most:,} bytes; split it or shorten it")
        return document
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig")
        document.error(_place(before, len(before)), "not UTF-8; save the file in UTF-8")
        return document
    try:
        build = _Builder(document, text)
        root = build.root()
    except Unreadable as error:
        _say_why(document, text, error)
        return document
    except _Enough:
        return document
    if root is None:
        document.error((1, 1), "the file is empty; it must hold a mapping of keys to values")
    elif not isinstance(root.value, dict):
        document.error(root, f"expected a mapping of keys to values, but this is {_kind(root.value)}")
    elif build.usable:
        document.root = root
    return document


def _say_why(document: Document, text: str, refused: Unreadable) -> None:
    """Notes why a text that the fast parser refused is not YAML, and only that: a slower one says it better."""
    document.errors.clear()
    try:
        YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        problem = str(error.problem or error.context)
        # a quote or bracket that is never closed is noticed at the end, but begins elsewhere
        unclosed = error.context_mark if _UNCLOSED.search(problem) else None
        mark = unclosed or error.problem_mark or error.context_mark
        at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        document.error(at, _yaml_message(problem))
    except ReaderError as error:
        message = f"a character that YAML does not allow ({error.character:#x}); remove it"
        document.error(_place(text, error.position), message)
    except RecursionError:
        document.error((1, 1), _TOO_DEEP)
    except YAMLError as error:
        document.error((1, 1), f"not valid YAML: {error}")
    else:
        # the slower one lets pass what cannot be stored, such as half of a character
        mark = getattr(refused, "problem_mark", None)
        at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        document.error(at, _yaml_message(str(getattr(refused, "problem", refused))))


_NO_ANCHORS = "anchors and aliases are not allowed; write the value out where it is used"
_TOO_DEEP = f"lists and mappings are nested more than {MAX_DEPTH} deep; flatten them"

_UNCLOSED = re.compile("end of stream|stream end")

_YAML_HINTS = (
    ("alias", f"{_NO_ANCHORS}, and quote a text that starts with `*`"),
    ("mapping values are not allowed", "put a text that holds a colon and a space in quotes or after `>-`"),
    ("'\\t'", "use spaces, not tabs"),
    ("cannot start any token", "put a text that starts with this character in quotes"),
    ("end of stream", "close the quote that opens here"),
    ("stream end", "close the bracket that opens here"),
    ("another document", "keep one document in a file; remove `---`"),
    ("", "check indentation and quotes here and just above"),
)


def _yaml_message(problem: str) -> str:
    hint = next(hint for part, hint in _YAML_HINTS if part in problem)
    return f"not valid YAML: {problem}; {hint}"


def _place(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


class _Enough(Exception):
    """Not read any further: to read on would take long, and what is wrong has been said."""


class _Builder:
    """Turns YAML into `Node`s of plain data, by the rules of YAML 1.2 for what is a number, a date or a truth value.

    Anchors, tags, too deep nesting and values that cannot be stored make the document unusable: what
    would be built instead of them is not what the author wrote. `Unreadable` where it is not YAML.
    """

    def __init__(self, document: Document, text: str) -> None:
        self.document = document
        self.usable = True
        self.anchors: set[str] = set()
        self.parser = CParser(text)

    def root(self) -> Node | None:
        """The only document of the text; None when there is none."""
        root = None
        self.parser.get_event()
        while not isinstance(self.parser.get_event(), parsed.StreamEndEvent):  # a document begins
            if root is not None:
                raise Unreadable("a second document")
            root = self.node(self.parser.get_event(), 0)
            self.parser.get_event()  # it ends
        return root

    def refuse(self, node: Node, message: str) -> Node:
        self.usable = False
        self.document.error(node, message)
        return node

    def node(self, event: parsed.NodeEvent, depth: int) -> Node:
        node = Node(*_start(event))
        if isinstance(event, parsed.AliasEvent):
            if event.anchor not in self.anchors:
                raise Unreadable("an alias of nothing")
            return node  # its anchor has been reported
        kind = self.kind(event)
        if event.anchor is not None:
            self.anchors.add(event.anchor)
            self.skip(event)
            return self.refuse(node, _NO_ANCHORS)
        if depth > MAX_DEPTH:
            self.refuse(node, _TOO_DEEP)
            raise _Enough
        if isinstance(event, parsed.MappingStartEvent) and kind == "map":
            self.mapping(node, depth)
        elif isinstance(event, parsed.SequenceStartEvent) and kind == "seq":
            while not isinstance(item := self.parser.get_event(), parsed.SequenceEndEvent):
                node.children[len(node.children)] = self.node(item, depth + 1)
            node.value = [child.value for child in node.children.values()]
        elif isinstance(event, parsed.ScalarEvent) and kind in _SCALARS:
            try:
                node.value = _SCALARS[kind](event.value)
            except ValueError as error:
                self.refuse(node, str(error))
        else:
            self.skip(event)
            self.refuse(node, f"the tag {_quoted(str(event.tag))} is not allowed; remove it")
        return node

    def mapping(self, node: Node, depth: int) -> None:
        node.value = {}
        while not isinstance(named := self.parser.get_event(), parsed.MappingEndEvent):
            at = _start(named)
            if not isinstance(named, parsed.ScalarEvent) or named.anchor is not None:
                self.usable = False
                self.document.error(at, "a key must be plain text")
                self.skip(named)
                self.skip(self.parser.get_event())
                continue
            key = named.value
            event = self.parser.get_event()
            if self.kind(named) not in ("str", "merge"):
                self.document.error(at, f"the key {_quoted(key)} is not read as text; put it in quotes")
                self.skip(event)
            elif key in node.keys:
                message = f"{_quoted(key)} is here twice, first in line {node.keys[key][0]}; remove one"
                self.document.error(at, message)
                self.skip(event)
            else:
                child = self.node(event, depth + 1)
                if isinstance(event, parsed.ScalarEvent) and not event.value and child.value is None:
                    # YAML places an absent value at the next key: the author looks for this one
                    child.line, child.column = at
                node.keys[key] = at
                node.children[key] = child
                node.value[key] = child.value

    @staticmethod
    def kind(event: parsed.NodeEvent) -> str:
        """What a value is, by its tag or, where it has none and stands without quotes, by how it is written."""
        if event.tag not in (None, "!"):
            return str(event.tag).removeprefix(_TAG)
        if not isinstance(event, parsed.ScalarEvent):
            return "map" if isinstance(event, parsed.MappingStartEvent) else "seq"
        if not event.implicit[0]:
            return "str"
        written = _WRITTEN.get(event.value[:1], ())
        return next((kind for kind, pattern in written if pattern.match(event.value)), "str")

    def skip(self, event: parsed.NodeEvent) -> None:
        """Read to the end of a value that is not used."""
        depth = 0
        while True:
            depth += isinstance(event, parsed.CollectionStartEvent)
            depth -= isinstance(event, parsed.CollectionEndEvent)
            if (
                isinstance(event, parsed.NodeEvent)
                and event.anchor
                and not isinstance(event, parsed.AliasEvent)
            ):
                self.anchors.add(event.anchor)
            if not depth:
                return
            event = self.parser.get_event()


def _start(event: parsed.Event) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


_TAG = "tag:yaml.org,2002:"
# first character (empty: none) -> kinds of values that may begin with it, and how they are written
_WRITTEN: dict[str, list[tuple[str, Any]]] = {}
for _versions, _tag, _pattern, _first in implicit_resolvers:
    if (1, 2) in _versions:
        for _character in _first:
            _WRITTEN.setdefault(_character, []).append((_tag.removeprefix(_TAG), _pattern))


def _text_value(text: str) -> str:
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", text):
        raise ValueError("the text holds a control character, which cannot be stored or printed; remove it")
    return text


def _int_value(text: str) -> int:
    plain = text.replace("_", "")
    base = {"0x": 16, "0o": 8, "0b": 2}.get(plain.lstrip("+-")[:2].lower(), 10)
    # by length first: Python refuses to read a number of thousands of digits
    if len(plain) > 60 or abs(number := int(plain, base)) > MAX_NUMBER:
        raise ValueError("the number is too large; put it in quotes if it is text")
    return number


def _float_value(text: str) -> float:
    plain = text.replace("_", "")
    # float() refuses YAML's own spelling of infinity and of no number
    number = math.nan if plain.lower().endswith((".inf", ".nan")) else float(plain)
    if not math.isfinite(number):
        raise ValueError("the number has no finite value; put it in quotes if it is text")
    return number


_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": _text_value,
    "timestamp": _text_value,  # JSON has no dates
    "merge": _text_value,
    "null": lambda text: None,
    "bool": lambda text: text.lower() in ("true", "yes", "on", "y"),
    "int": _int_value,
    "float": _float_value,
}


# --- the shape of one file ------------------------------------------------------------------------


def shape_errors(document: Document, model: type[BaseModel]) -> list[CatalogueError]:
    """What keeps a document from being valid under `model`; empty when its root is None."""
    root = document.root
    if root is None:
        return []
    try:
        model.model_validate(root.value)
    except ValidationError as invalid:
        details = invalid.errors(include_url=False)
    else:
        return []
    messages = [(item, _shape_message(item, model, root)) for item in details]
    # `evidnce` for `evidence` is one mistake: an unknown key and a missing one would be two
    meant = {(item["loc"][:-1], message.suggestion) for item, message in messages if message.suggestion}
    found = []
    for item, message in messages:
        if item["type"] == "missing" and (item["loc"][:-1], item["loc"][-1]) in meant:
            continue
        # a list loses its parts that are wrong, which are said by themselves: that does not make it short
        if item["type"] == "too_short" and len(item["input"]) >= item["ctx"]["min_length"]:
            continue
        line, column = _position(root, item)
        found.append(CatalogueError(document.file, line, column, message.text))
    return found


def _complete_shape_errors(document: Document, model: type[BaseModel]) -> list[CatalogueError]:
    """The shape's errors, and keys left empty, which a field that may be left out would accept."""
    found = shape_errors(document, model)
    places = {(error.line, error.column) for error in found}

    def walk(node: Node) -> None:
        if node.value is None and (node.line, node.column) not in places:
            found.append(CatalogueError(document.file, node.line, node.column, _NOTHING))
        for child in node.children.values():
            walk(child)

    if document.root:
        walk(document.root)
    return found


@dataclass
class _Said:
    text: str
    suggestion: str = ""  # the key that an unknown key was probably meant to be


_PATTERNS = {
    KEY_PATTERN: "use lower-case words, digits and hyphens, such as `joint-working`",
    COLOUR_PATTERN: 'a colour is `#` and six hexadecimal digits in quotes, such as `"#00703c"`',
    RECOMMENDATION_PATTERN: "cite a recommendation as `report/number`, such as `some-inquiry/19`",
    TWIN_PATTERN: "write a twin as `agency-type#criterion`",
    LANGUAGE_PATTERN: "a language is a code such as `en` or `cy`",
}

_NOTHING = "nothing is here; fill it in, or remove the key"

_EXPECTED = {
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "dict_type": "a mapping of keys to values",
    "tuple_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
}


def _shape_message(item: ErrorDetails, model: type[BaseModel], root: Node) -> _Said:
    kind, given, context = item["type"], item["input"], item.get("ctx", {})
    if kind == "missing":
        return _Said(f"`{item['loc'][-1]}` is missing; add it")
    if kind == "extra_forbidden":
        key = str(item["loc"][-1])
        known = _fields_at(model, item["loc"])
        near = _nearest(key, known)
        return _Said(f"unknown key {_quoted(key)}{_suggest(key, known)}", near)
    if kind in _EXPECTED:
        wanted = _EXPECTED[kind]
        if given is None:
            return _Said(f"expected {wanted}, but {_NOTHING}")
        mend = "; put it in quotes" if wanted == "text" and not isinstance(given, list | dict) else ""
        return _Said(f"expected {wanted}, but this is {_kind(given)}{mend}")
    if kind == "string_pattern_mismatch":
        mend = _PATTERNS.get(context["pattern"], f"it must match {context['pattern']}")
        return _Said(f"{_quoted(str(given))} is ill-formed; {mend}")
    if kind == "union_tag_invalid":
        choices = re.findall(r"'([^']*)'", context["expected_tags"])
        return _Said(f"{_quoted(context['tag'])} is not allowed here{_suggest(context['tag'], choices)}")
    if kind == "union_tag_not_found":
        return _Said(f"`{context['discriminator'].strip(chr(39))}` is missing; add it")
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"]) or [context["expected"]]
        return _Said(f"{_quoted(given)} is not allowed here{_suggest(str(given), choices)}")
    if kind == "too_short" and given:
        return _Said(f"at least {context['min_length']} are needed here; add what is missing")
    if kind in ("string_too_short", "too_short"):
        return _Said("this is empty; fill it in")
    return _Said(item["msg"].replace("Input should", "this must"))


def _position(root: Node, item: ErrorDetails) -> tuple[int, int]:
    """Where a mistake stands: a key that is wrong, the owner of one that is missing, or a value."""
    steps = list(item["loc"])
    if item["type"] == "missing":
        steps.pop()
    on_key = item["type"] in ("extra_forbidden", "missing") or (steps and steps[-1] == "[key]")
    node, at = root, (root.line, root.column)
    for step in steps:
        child = node.children.get(step)
        if child is None:  # pydantic's own steps, such as the chosen form of a text
            continue
        named = isinstance(step, str) and on_key
        at = node.keys[step] if named and isinstance(step, str) else (child.line, child.column)
        node = child
    if item["type"] == "union_tag_invalid":  # the word that was not understood, not all that it stands in
        told_by = node.get(item["ctx"]["discriminator"].strip("'"))
        at = (told_by.line, told_by.column) if told_by else at
    return at


def _fields_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The keys known where an unknown one stands: follows the fields on the way there."""
    annotation: Any = model
    for step in loc[:-1]:
        fields = {info.alias or name: info for name, info in model.model_fields.items()}
        if isinstance(step, str) and step in fields:
            annotation = fields[step].annotation
            model = _model_in(annotation) or model
        elif isinstance(step, str):  # which form of a union was chosen
            model = _variant(annotation, step) or model
    return [info.alias or name for name, info in model.model_fields.items()]


def _variant(annotation: Any, chosen: str) -> type[BaseModel] | None:
    """The form that pydantic names so: by its tag, or by the text of the field that tells the forms apart."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        kind = annotation.model_fields.get("kind")
        return annotation if kind and chosen in get_args(kind.annotation) else None
    parts = get_args(annotation)
    if Tag(chosen) in parts:
        return _model_in(parts[0])
    return next((found for part in parts if (found := _variant(part, chosen))), None)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _nearest_node(root: Node, path: Sequence[str | int]) -> Node | tuple[int, int]:
    """What stands at the end of a path; failing that what it would stand in. A block is pointed at by its key."""
    node: Node = root
    at: Node | tuple[int, int] = root
    for step in path:
        child = node.children.get(step)
        if child is None:
            break
        key = node.keys.get(str(step))
        at = key if key and key[0] < child.line else child
        node = child
    return at


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "read as true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else "text"


def _quoted(value: object) -> str:
    """A value as it stands in a message: on one line, not too long, visibly apart."""
    text = " ".join(str(value).split())
    return f"`{text[:60]}…`" if len(text) > 60 else f"`{text}`"


def _nearest(name: str, known: Collection[str]) -> str:
    return next(iter(difflib.get_close_matches(name[:80], known, 1)), "")


def _suggest(name: str, known: Collection[str]) -> str:
    """How to mend a name that is not known: the nearest one, or those there are."""
    if near := _nearest(name, known):
        return f"; did you mean `{near}`?"
    if not known:
        return "; there are none"
    some = ", ".join(f"`{each}`" for each in list(known)[:12])
    return f"; use one of {some}{' …' if len(known) > 12 else ''}"


# --- the references between parts -----------------------------------------------------------------


class _PackCheck:
    """Reads and checks one pack's folder; `errors` holds all mistakes, sorted by file and place.

    Works on what was read, not on models, so that a mistake in shape hides no other. Where a part
    that others refer to is missing or broken, references to it are not complained about.
    """

    def __init__(self, folder: Path) -> None:
        # resolved, so that `.` has the name of its folder
        self.name = folder.resolve().name
        self.folder = folder
        self.templates: dict[str, Document] = {}
        self.raw: dict[str, Document] = {}
        self.strays: list[CatalogueError] = []
        self.pack_document = read_document(folder / PACK_FILE)
        self._check_pack()
        self._read_files()
        for key, document in self.templates.items():
            document.errors.extend(_complete_shape_errors(document, Template))
            if document.root:
                _TemplateCheck(self, key, document, document.root)
        for key, document in self.raw.items():
            document.errors.extend(_complete_shape_errors(document, RAW_FILES[f"{key}.yaml"]))
        documents = [self.pack_document, *self.templates.values(), *self.raw.values()]
        if not self.strays and not any(document.errors for document in documents):
            self._check_raw(self.pack())
        found = {error for document in documents for error in document.errors}
        self.errors = sorted(found.union(self.strays))

    def _check_raw(self, pack: Pack) -> None:
        """What the other files name that the pack does not have. Needs a pack that is whole by itself."""
        findings, demonstration = self.raw.get("findings"), self.raw.get("demonstration")
        if findings and findings.root:
            for unknown in FindingsTexts.of(pack).unknown_keys(pack):
                part, _, key = unknown.partition(": ")
                node = findings.root.get(*part.split(".")) or findings.root
                findings.error(
                    node.keys.get(key, node), f"the pack has no {_quoted(key)}; remove it or correct it"
                )
            if FindingsTexts.of(pack).letter and not any(one.asks_areas for one in pack.templates.values()):
                findings.error(
                    findings.root.keys["letter"],
                    "no checklist asks anything per area, so there is nothing for a letter to an area; remove it, or"
                    " give questions `scope: area`",
                )
        if demonstration and demonstration.root:
            for mistake in Plan.model_validate(pack.demonstration).mistakes(pack):
                demonstration.error(demonstration.root, f"{mistake}; correct it here or in the pack")
        judgements, rules = self.raw.get("judgements"), Judgements.of(pack)
        if judgements and rules:
            _note(judgements, rules_check.problems(rules, pack))
        examples, worked = self.raw.get("examples"), Examples.of(pack)
        # rules that are wrong cannot be tried
        if examples and worked and not (judgements and judgements.errors):
            _note(examples, example_problems(worked, pack))
        statements, survey = self.raw.get("survey"), Survey.of(pack)
        if statements and statements.root and survey:
            for place, message, name, known in survey.problems(pack):
                suggestion = _suggest(name, known) if name else ""
                statements.error(_nearest_node(statements.root, place), message + suggestion)
        moderation = self.raw.get("moderation")
        if moderation and moderation.root:
            for path, message in ModerationRules.of(pack).mistakes(pack):
                owner = moderation.root.get(*path[:-1]) or moderation.root
                at = owner.keys.get(path[-1]) if isinstance(path[-1], str) else None
                moderation.error(at or moderation.root.get(*path) or moderation.root, message)

    def pack(self) -> Pack:
        """The pack, once there are no errors."""
        agency_types = self.keys("agency_types") or ()
        return Pack.model_validate(
            {
                **_content(self.pack_document),
                "templates": {key: _content(self.templates[key]) for key in agency_types},
                **{key: _content(document) for key, document in self.raw.items()},
            }
        )

    def keys(self, part: str) -> list[str] | None:
        """The keys of a part of pack.yaml in order; None when it is not there to compare with."""
        node = self.pack_document.root and self.pack_document.root.get(part)
        return list(node.keys) if node and isinstance(node.value, dict) else None

    def grades(self, scheme: str | None) -> list[str] | None:
        """The grade keys of a grading scheme, or None when it cannot be compared with."""
        root = self.pack_document.root
        node = root.get("grading_schemes", scheme) if root and scheme else None
        return [key for grade in node.entries("grades") if (key := grade.text("key"))] if node else None

    def subtypes(self, agency_type: str) -> list[str] | None:
        """The subtypes of an agency type, or None when it is not known."""
        root = self.pack_document.root
        node = root.get("agency_types", agency_type) if root else None
        if node is None:
            return None
        subtypes = node.get("subtypes")
        return list(subtypes.keys) if subtypes else []

    def _check_pack(self) -> None:
        document, root = self.pack_document, self.pack_document.root
        document.errors.extend(_complete_shape_errors(document, PackFile))
        if root is None:
            return
        key = root.get("pack")
        if key and isinstance(key.value, str) and key.value != self.name:
            document.error(
                key, f"the pack is {_quoted(key.value)} but its folder is `{self.name}`; give both one name"
            )
        _check_guidance(document, root.get("summary"), root.get("source"))
        for agency_type in root.entries("agency_types"):
            body = agency_type.get("oversight_body")
            _known(document, body, self.keys("oversight_bodies"), "oversight body")
        for scheme in root.entries("grading_schemes"):
            _unique(document, scheme.entries("grades"), "key", "grade")
            _unique(document, scheme.entries("bases"), "key", "basis")
        self._check_quantifiers(document, root)

    @staticmethod
    def _check_quantifiers(document: Document, root: Node) -> None:
        quantifiers = [node for node in root.entries("quantifiers") if isinstance(node.value, dict)]
        limits: list[tuple[float, bool]] = []
        for node in quantifiers:
            given = [key for key in ("at_least", "above") if key in node.keys]
            if len(given) != 1:
                document.error(node, "a quantifier has either `at_least` or `above`; give one of them")
                return
            value = node.value[given[0]]
            if isinstance(value, bool) or not isinstance(value, int | float):
                return  # said already, by its shape
            limit = (float(value), given[0] == "above")
            if limits and limit >= limits[-1]:
                document.error(node, "quantifiers must descend; move this one up, above the smaller limits")
                return
            limits.append(limit)
        if limits and limits[-1] != (0.0, False):
            document.error(quantifiers[-1], "some shares have no word; end with a quantifier `at_least: 0`")

    def _read_files(self) -> None:
        if not self.folder.is_dir():
            return
        agency_types = self.keys("agency_types")
        for file in _yaml_files(self.folder):
            if file.name == PACK_FILE:
                continue
            if file.name in RAW_FILES:
                self.raw[file.stem] = read_document(file)
            elif file.suffix != ".yaml":
                mend = f"rename it to {_quoted(file.stem + '.yaml')}"
                self.strays.append(CatalogueError(str(file), 1, 1, f"its name must end in `.yaml`; {mend}"))
            elif agency_types is not None and file.stem not in agency_types:
                message = f"{_quoted(file.stem)} is not an agency type of the pack"
                self.strays.append(
                    CatalogueError(str(file), 1, 1, message + _suggest(file.stem, agency_types))
                )
            else:
                self.templates[file.stem] = read_document(file)
        listed = self.pack_document.root and self.pack_document.root.get("agency_types")
        for key, at in listed.keys.items() if listed else ():
            if f"{key}.yaml" in (PACK_FILE, *RAW_FILES):
                message = f"an agency type cannot be called {_quoted(key)}; rename it"
                self.pack_document.error(at, message)
            elif key not in self.templates:
                message = f"the agency type {_quoted(key)} has no template"
                self.pack_document.error(at, f"{message}; add a file {_quoted(key + '.yaml')}")


class _TemplateCheck:
    """Checks one template's references, within it and to the rest of its pack."""

    def __init__(self, pack: _PackCheck, key: str, document: Document, root: Node) -> None:
        self.pack = pack
        self.key = key
        self.document = document
        self.root = root
        self.criteria = _criteria(document)
        self._check()

    def _check(self) -> None:
        document, root, pack = self.document, self.root, self.pack
        agency_type = root.get("agency_type")
        if agency_type and isinstance(agency_type.value, str) and agency_type.value != self.key:
            document.error(
                agency_type, f"the file is named for {_quoted(self.key)}; write that, or rename the file"
            )
        _known(document, root.get("grading"), pack.keys("grading_schemes"), "grading scheme")
        self._check_placeholders(root, False)
        _check_guidance(document, root.get("introduction"))
        _unique(document, root.entries("standards"), "id", "standard")
        standards = root.entries("standards")
        every = [criterion for standard in standards for criterion in standard.entries("criteria")]
        _unique(document, every, "id", "criterion")
        for standard in standards:
            optional = standard.get("optional")
            _check_guidance(document, standard.get("introduction"))
            for criterion in standard.entries("criteria"):
                if isinstance(criterion.value, dict):
                    self._check_criterion(criterion, required=not (optional and optional.value is True))
        self._check_cycles()

    def _check_placeholders(self, node: Node, allowed: bool) -> None:
        for key, child in node.children.items():
            within = allowed or (node is self.root and key == "declaration")
            text = child.value if isinstance(child.value, str) else ""
            for name in re.findall(r"\{([^{}]*)\}", text):
                placeholder = _quoted("{" + name + "}")
                if within and name not in PLACEHOLDERS:
                    message = f"unknown placeholder {placeholder}{_suggest(name, PLACEHOLDERS)}"
                    self.document.error(child, message)
                elif not within and name in PLACEHOLDERS:
                    message = f"{placeholder} may stand in the declaration only; reword this"
                    self.document.error(child, message)
            if within and re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", text)):
                self.document.error(child, "a single brace; write a placeholder as `{agency}`")
            self._check_placeholders(child, within)

    def _check_criterion(self, criterion: Node, required: bool) -> None:
        document, pack = self.document, self.pack
        _check_guidance(document, criterion.get("why"), criterion.get("evidence"))
        asked = self._asked(criterion)
        # what comes to no grade is never in place or not: there is no day by which it should be
        if required and (asked is None or asked.is_graded):
            # a pack that draws on no reports has nothing to cite
            cites = ["recommendations"] if pack.keys("recommendation_reports") else []
            for key in ["milestone", *cites]:
                if key not in criterion.keys or criterion.value[key] == []:
                    message = f"a criterion of a standard that is not optional needs `{key}`; add it"
                    document.error(criterion.keys.get(key, (criterion.line, criterion.column)), message)
        _known(document, criterion.get("milestone"), pack.keys("milestones"), "milestone")
        _known(document, criterion.get("theme"), pack.keys("themes"), "theme")
        _known(document, criterion.get("grading"), pack.keys("grading_schemes"), "grading scheme")
        for subtype in criterion.entries("subtypes"):
            _known(document, subtype, pack.subtypes(self.key), "subtype")
        for cited in criterion.entries("recommendations"):
            if isinstance(cited.value, str) and "/" in cited.value:
                report = cited.value.split("/")[0]
                _known(document, cited, pack.keys("recommendation_reports"), "recommendation report", report)
        if "required" in criterion.keys and "required_if" in criterion.keys:
            message = "a criterion has either `required` or `required_if`; remove one of them"
            document.error(criterion.keys["required"], message)
        self._check_answer(criterion)
        if criterion.text("scope") == "site" and criterion.entries("twins"):
            # twins are two views in one area; a site is in an area that nobody says
            message = "a criterion that is asked per site has no twins; remove them, or ask it per area"
            document.error(criterion.keys["twins"], message)
        for twin in criterion.entries("twins"):
            self._check_twin(criterion, twin)
        for rule in CONDITIONS:
            if (condition := criterion.get(rule)) and isinstance(condition.value, dict):
                self._check_condition(criterion, condition)

    def _check_answer(self, criterion: Node) -> None:
        """What contradicts itself in how a question is answered, and grades that its scheme does not have."""
        answer, asked = criterion.get("answer"), self._asked(criterion)
        if answer is None or asked is None:
            return
        for wrong in asked.contradictions():
            self.document.error(answer.get(*wrong.at) or answer, str(wrong))
        known = self.pack.grades(criterion.text("grading") or self.root.text("grading"))
        for part in ("grades", "bands", "choices"):
            for entry in answer.entries(part):
                grade = entry.get("grade") if part != "grades" else entry
                _known(self.document, grade, known, "grade")

    @staticmethod
    def _asked(criterion: Node) -> Asked | None:
        """How a criterion is answered; None where that is not well-formed, which is said by its shape."""
        answer = criterion.get("answer")
        if answer is None:
            return GradeAsked()
        try:
            return ANSWER.validate_python(answer.value)
        except ValidationError:
            return None

    def _check_twin(self, criterion: Node, twin: Node) -> None:
        own = f"{self.key}#{criterion.text('id')}"
        if "id" not in criterion.keys or not isinstance(twin.value, str) or twin.value.count("#") != 1:
            return  # said already
        if twin.value == own:
            self.document.error(twin, "a criterion cannot be its own twin; name the other one")
            return
        agency_type, other_id = twin.value.split("#")
        agency_types = self.pack.keys("agency_types")
        if agency_types is not None and agency_type not in agency_types:
            _known(self.document, twin, agency_types, "agency type", agency_type)
            return
        other = self.pack.templates.get(agency_type)
        if other is None or other.root is None:
            return  # its file is missing or broken, which is said elsewhere
        criteria = _criteria(other)
        if other_id not in criteria:
            message = f"`{agency_type}` has no criterion {_quoted(other_id)}"
            self.document.error(twin, message + _suggest(other_id, criteria))
        elif own not in [node.value for node in criteria[other_id].entries("twins")]:
            message = f"{_quoted(twin.value)} does not name this one back; add {_quoted(own)} to its `twins`"
            self.document.error(twin, message)

    def _check_condition(self, criterion: Node, condition: Node) -> None:
        other = condition.get("criterion")
        if other is None or not isinstance(other.value, str):
            return
        if other.value == criterion.text("id"):
            self.document.error(other, "a condition cannot look at its own criterion; name another")
            return
        if other.value not in self.criteria:
            _known(self.document, other, list(self.criteria), "criterion")
            return
        looked_at = self.criteria[other.value]
        if looked_at.text("scope"):
            message = (
                f"{_quoted(other.value)} is asked per {looked_at.text('scope')}, so it has no one answer to look at;"
                " name another"
            )
            self.document.error(other, message)
        scheme = looked_at.text("grading") or self.root.text("grading")
        for grade in condition.entries("grades"):
            _known(self.document, grade, self.pack.grades(scheme), "grade")
        asked = self._asked(looked_at)
        if asked is None:
            return
        given = [key for key in ("grades", "answers", "at_least", "below") if key in condition.keys]
        if not given:
            message = f"say which answers: {', '.join(map(_quoted, _looked_at_by(asked)))}"
            self.document.error(condition, message)
        for key in given:
            if key not in _looked_at_by(asked):
                message = f"{_quoted(other.value)} is answered with `{asked.type}`, which has no {_quoted(key)}"
                self.document.error(condition.keys[key], message + _suggest(key, _looked_at_by(asked)))
        for answer in condition.entries("answers"):
            _known(self.document, answer, list(asked.choices_known()) or None, "answer")

    def _check_cycles(self) -> None:
        # criterion -> the criterion that a condition looks at -> where the condition says so
        looks_at: dict[str, dict[str, Node]] = {key: {} for key in self.criteria}
        for key, criterion in self.criteria.items():
            for rule in CONDITIONS:
                other = criterion.get(rule, "criterion")
                name = other.value if other else None
                if other and isinstance(name, str) and name in self.criteria and name != key:
                    looks_at[key].setdefault(name, other)
        order = list(self.criteria)
        while True:
            try:
                TopologicalSorter(looks_at).prepare()
                return
            except CycleError as error:
                # each member looks at the one before it; reported once, where the file comes to it first
                members = error.args[1][:0:-1]
                first = min(range(len(members)), key=lambda place: order.index(members[place]))
                members = members[first:] + members[:first]
                at = looks_at[members[0]].pop(members[1])
                circle = " → ".join(f"`{member}`" for member in [*members, members[0]])
                self.document.error(at, f"conditions go round in a circle: {circle}; remove one of them")


def _check_guidance(document: Document, *nodes: Node | None) -> None:
    """Notes what texts have, in each language, that guidance may not have."""
    for node in nodes:
        for text in (node.children.values() or [node]) if node else ():
            for mistake in mistakes(text.value) if isinstance(text.value, str) else ():
                document.error(text, mistake)


def _criteria(document: Document) -> dict[str, Node]:
    """The criteria of a template by id; of two with one id the first."""
    found: dict[str, Node] = {}
    for standard in document.root.entries("standards") if document.root else ():
        for criterion in standard.entries("criteria"):
            if key := criterion.text("id"):
                found.setdefault(key, criterion)
    return found


def _looked_at_by(asked: Asked) -> list[str]:
    """By what a condition can look at an answer."""
    return [
        *(["grades"] if asked.is_graded else []),
        *(["answers"] if asked.choices_known() else []),
        *(["at_least", "below"] if isinstance(asked, Measured) else []),
    ]


def _note(document: Document, problems: Iterable[rules_check.Problem]) -> None:
    """Notes what is wrong with rules, or with examples, where it stands."""
    if document.root is None:
        return
    for problem in problems:
        suggestion = _suggest(problem.name, problem.known) if problem.name else ""
        document.error(_nearest_node(document.root, problem.path), problem.message + suggestion)


def _content(document: Document) -> dict[str, Any]:
    return dict(document.root.value) if document.root else {}


def _known(
    document: Document, node: Node | None, known: list[str] | None, what: str, name: str | None = None
) -> None:
    """Notes an unknown name at a node; `name` when it is only part of the node's text."""
    if node is None or known is None or not isinstance(node.value, str) or not node.value:
        return
    name = node.value if name is None else name
    if name not in known:
        document.error(node, f"there is no {what} {_quoted(name)}{_suggest(name, known)}")


def _unique(document: Document, nodes: Iterable[Node], key: str, what: str) -> None:
    """Notes every node whose `key` an earlier one has."""
    first: dict[str, int] = {}
    for node in nodes:
        name = node.text(key)
        if name is None:
            continue
        if name in first:
            message = f"the {what} {_quoted(name)} is here twice, first in line {first[name]}; rename one"
            document.error(node.children[key], message)
        else:
            first[name] = node.children[key].line


if __name__ == "__main__":
    if sys.argv[1:] != ["schema"]:
        sys.exit("usage: python -m app.catalogue schema")
    write_schemas(SCHEMA_FOLDER)
