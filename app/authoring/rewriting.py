"""The text of a YAML file with other content: what did not change stays as its author wrote it, comments too."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.authoring.draft import as_yaml
from app.catalogue import Node, read_document


def rewritten(text: str, after: Mapping[str, Any]) -> str:
    """The text of a file that comes to another content. Parts that are as they were keep their lines.

    Where that cannot be done part by part, because the text is laid out in another way, all of it is written anew.
    """
    root = _read(text)
    if root is None:
        return as_yaml(after)
    if root.value == after and list(root.value) == list(after):
        return text
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    start = min((line for line, _column in root.keys.values()), default=1) - 1
    found = "\n".join([*lines[:start], *_mapping(root, after, lines, start, len(lines), 0)]) + "\n"
    again = _read(found)
    return found if again and again.value == after and _order(again.value) == _order(after) else as_yaml(after)


def _read(text: str) -> Node | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.yaml"
        path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
        return read_document(path).root


def _order(value: Any) -> Any:
    """The keys of a content, in order."""
    if isinstance(value, Mapping):
        return [(key, _order(part)) for key, part in value.items()]
    return [_order(part) for part in value] if isinstance(value, list) else None


def _written(content: Any, indent: int) -> list[str]:
    return [" " * indent + line if line else "" for line in as_yaml(content).rstrip("\n").split("\n")]


def _starts(lines: list[str], at: list[int], first: int) -> list[int]:
    """Where each part begins, with the lines of comment right above it; `at` are the lines of their own."""
    found = []
    for line in at:
        while line - 1 > first and lines[line - 1].lstrip().startswith("#"):
            line -= 1
        found.append(line)
    return found


def _mapping(
    node: Node, after: Mapping[str, Any], lines: list[str], first: int, end: int, indent: int
) -> list[str]:
    """The lines of a mapping whose keys each begin a line, from `first` to before `end`."""
    keys = list(node.keys)
    own = [line - 1 for line, _column in node.keys.values()]
    starts = [first, *_starts(lines, own[1:], first)]
    ends = [*starts[1:], end]
    places = {key: place for place, key in enumerate(keys)}
    found: list[str] = []
    for key, value in after.items():
        place = places.get(key)
        if place is None:
            found += _written({key: value}, indent)
            continue
        if value == node.value[key] and _order(value) == _order(node.value[key]):
            found += lines[starts[place] : ends[place]]
            continue
        head, child = own[place], node.children[key]
        inside = _inside(child, value, lines, head, ends[place])
        comments = lines[starts[place] : head]
        found += [*comments, *(_written({key: value}, indent) if inside is None else [lines[head], *inside])]
    return found


def _inside(child: Node, value: Any, lines: list[str], head: int, end: int) -> list[str] | None:
    """The lines below a key of a part that changed; None where it must be written anew."""
    if not child.children or child.line - 1 <= head or not value:
        return None
    if isinstance(value, Mapping) and isinstance(child.value, dict):
        first = min(line for line, _column in child.keys.values()) - 1
        return [*lines[head + 1 : first], *_mapping(child, value, lines, first, end, child.column - 1)]
    if isinstance(value, list) and isinstance(child.value, list):
        return _list(child, value, lines, head + 1, end)
    return None


def _list(node: Node, after: list[Any], lines: list[str], first: int, end: int) -> list[str] | None:
    """The lines of a list whose entries each begin a line with a hyphen."""
    entries = list(node.children.values())
    own = [entry.line - 1 for entry in entries]
    if len(set(own)) < len(own) or not all(lines[line].lstrip().startswith("- ") for line in own):
        return None
    indent = len(lines[own[0]]) - len(lines[own[0]].lstrip())
    starts = [first, *_starts(lines, own[1:], first)]
    ends = [*starts[1:], end]
    left = list(range(len(entries)))
    found: list[str] = []
    for value in after:
        same = next((place for place in left if entries[place].value == value), None)
        named = next((place for place in left if _name(entries[place].value) == _name(value)), None)
        alike = named if same is None else same
        if alike is None:
            found += _entry(_written(value, indent + 2), indent)
            continue
        left.remove(alike)
        entry, head = entries[alike], own[alike]
        comments = lines[starts[alike] : head]
        if value == entry.value and _order(value) == _order(entry.value):
            found += lines[starts[alike] : ends[alike]]
        elif isinstance(value, Mapping) and value and entry.column - 1 == indent + 2 and _is_block(entry, lines):
            changed = [*lines[:head], lines[head].replace("- ", "  ", 1), *lines[head + 1 :]]
            found += [*comments, *_entry(_mapping(entry, value, changed, head, ends[alike], indent + 2), indent)]
        else:
            found += [*comments, *_entry(_written(value, indent + 2), indent)]
    return found


def _is_block(entry: Node, lines: list[str]) -> bool:
    """Whether each key of an entry begins a line, or stands behind its hyphen."""
    return bool(entry.keys) and not lines[entry.line - 1].lstrip()[2:].lstrip().startswith("{")


def _entry(lines: list[str], indent: int) -> list[str]:
    return [lines[0][:indent] + "- " + lines[0][indent + 2 :], *lines[1:]]


def _name(value: Any) -> Any:
    """What an entry goes by; unlike anything else where it goes by nothing."""
    name = (value.get("id") or value.get("key") or value.get("name")) if isinstance(value, Mapping) else None
    return name if isinstance(name, str) else object()
