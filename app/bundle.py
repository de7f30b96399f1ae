"""A return in a file that another installation takes: answers, planned actions and evidence, each byte under its hash.

`candour-return-bundle/1` is a zip: `manifest.json` (RFC 8785) and `evidence/SHA-256` for each file. The manifest lists
every member with its hash, and holds the hash of itself without that hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import IO, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from app.domain.actions import State
from app.domain.integrity import canonical_json, hash_of
from app.domain.message import N_
from app.sheets.cells import Unreadable

FORMAT = "candour-return-bundle/1"
MANIFEST = "manifest.json"
LARGEST_MANIFEST = 16 * 1024**2  # bytes
MOST_FILES = 2000
PIECE = 256 * 1024
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the time of every member: the same content gives the same bytes

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Line = Annotated[str, StringConstraints(max_length=400)]
# a field of an answer; several choices, or the rows of a table
Value = str | int | float | bool | None | tuple[str, ...] | tuple[dict[str, str], ...]


class Part(BaseModel):
    """What all parts share: they know all of their keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Criterion(Part):
    """A criterion of the template that the answers were given to."""

    id: Line
    version: int


class Area(Part):
    """An area or a site that scopes name. `scope` means something where it comes from only; `code` to others."""

    scope: Line
    code: Line
    name: Line


class Answer(Part):
    """An answer to a criterion, about an area or a site where it is asked for each."""

    criterion: Line
    scope: Line
    type: Line
    value: dict[str, Value]


class PlannedAction(Part):
    """What is planned for a criterion."""

    criterion: Line
    scope: Line
    what: Annotated[str, StringConstraints(max_length=10_000)]
    owner: Line
    due: date | None
    state: State


class Piece(Part):
    """A file that supports an answer."""

    id: Line
    criterion: Line
    scope: Line
    title: Line
    description: Annotated[str, StringConstraints(max_length=10_000)]
    name: Line
    sha256: Sha256
    size: Annotated[int, Field(ge=0)]


class Member(Part):
    """A member of the bundle beside the manifest."""

    path: Line
    sha256: Sha256
    size: Annotated[int, Field(ge=0)]


class Named(Part):
    """The key and the name of a round."""

    key: Line
    name: Line


class Agency(Part):
    """The agency that answered."""

    code: Line
    name: Line
    type: Line
    subtype: Line


class TemplateOf(Part):
    """The template that the answers are of."""

    pack: Line
    version: int
    sha256: Sha256


class Manifest(Part):
    """What is in a bundle."""

    format: Literal["candour-return-bundle/1"]
    exported_at: datetime
    round: Named
    agency: Agency
    template: TemplateOf
    criteria: tuple[Criterion, ...]
    areas: tuple[Area, ...]
    sites: tuple[Area, ...] = ()
    answers: tuple[Answer, ...]
    actions: tuple[PlannedAction, ...]
    evidence: tuple[Piece, ...]
    files: tuple[Member, ...]
    content_hash: Sha256


def path_of(sha256: str) -> str:
    """The member that holds a file."""
    return f"evidence/{sha256}"


def write_bundle(content: Mapping[str, Any], out: IO[bytes], open_file: Callable[[str], IO[bytes]]) -> Manifest:
    """Write a bundle to `out`. `content` is the manifest without `format`, `files` and `content_hash`.

    `open_file` gives the content of a piece of evidence by its SHA-256. The same content gives the same bytes.
    """
    sizes = {piece["sha256"]: piece["size"] for piece in content["evidence"]}
    files = [{"path": path_of(key), "sha256": key, "size": size} for key, size in sorted(sizes.items())]
    whole = {"format": FORMAT, **content, "files": files}
    whole["content_hash"] = hash_of(whole)
    manifest = Manifest.model_validate(whole)
    with zipfile.ZipFile(out, "w") as archive:
        _write(archive, MANIFEST, [canonical_json(whole)], zipfile.ZIP_DEFLATED)
        for member in manifest.files:
            with open_file(member.sha256) as file:
                _write(archive, member.path, _pieces(file), zipfile.ZIP_STORED)
    return manifest


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def _write(archive: zipfile.ZipFile, name: str, pieces: Iterable[bytes], how: int) -> None:
    info = zipfile.ZipInfo(name, LONG_AGO)
    info.compress_type = how
    info.external_attr = 0o600 << 16
    with archive.open(info, "w", force_zip64=True) as member:
        for piece in pieces:
            member.write(piece)


DAMAGED = N_("This bundle is damaged: what it holds is not what its list says. Export it again, and upload that.")


def read_bundle(file: IO[bytes], *, largest_file: int, largest: int) -> Manifest:
    """The manifest of a bundle, once every member was found to be what the manifest says.

    `largest_file` and `largest`: bytes of one member, and of all together. Raises Unreadable.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            return _read(archive, largest_file, largest)
    except Unreadable:
        raise
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError, zipfile.LargeZipFile):
        raise Unreadable(
            N_("This file is not a bundle that can be read. Export it again, and upload the file as it is.")
        ) from None


def _read(archive: zipfile.ZipFile, largest_file: int, largest: int) -> Manifest:
    members = archive.infolist()
    if len(members) > MOST_FILES + 1 or sum(member.file_size for member in members) > largest:
        raise Unreadable(
            N_("This bundle holds more than can be taken at once: at most %(files)s files of %(limit)s MB together."),
            files=MOST_FILES,
            limit=largest // 1024**2,
        )
    names = [member.filename for member in members]
    if names.count(MANIFEST) != 1 or len(set(names)) != len(names):
        raise Unreadable(N_("This file is not a bundle of a self-audit: it has no list of what it holds."))
    manifest = _manifest(archive)
    if {member.path for member in manifest.files} != set(names) - {MANIFEST}:
        raise Unreadable(DAMAGED)
    if {piece.sha256 for piece in manifest.evidence} != {member.sha256 for member in manifest.files}:
        raise Unreadable(DAMAGED)
    for member in manifest.files:
        info = archive.getinfo(member.path)
        if member.path != path_of(member.sha256) or info.file_size != member.size or member.size > largest_file:
            raise Unreadable(DAMAGED)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable(DAMAGED)
        digest = hashlib.sha256()
        with archive.open(info) as content:
            while piece := content.read(PIECE):
                digest.update(piece)
        if digest.hexdigest() != member.sha256:
            raise Unreadable(DAMAGED)
    return manifest


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    info = archive.getinfo(MANIFEST)
    if info.file_size > LARGEST_MANIFEST or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable(DAMAGED)
    try:
        content = json.loads(archive.read(info))
        stated = content.pop("content_hash")
        # lone surrogates have no canonical form; neither they nor zero bytes have a place in every database
        if hash_of(content) != stated or any("\0" in text for text in _texts(content)):
            raise Unreadable(DAMAGED)
        return Manifest.model_validate({**content, "content_hash": stated})
    except (ValidationError, RecursionError, AttributeError, KeyError, TypeError, ValueError):
        raise Unreadable(DAMAGED) from None


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def kept_file(home: Path, key: str) -> Path:
    """Where the file of an uploaded bundle waits in the data folder until somebody has decided about its evidence."""
    return home / "imports" / f"{key}.zip"


def keep_file(home: Path, key: str, stream: IO[bytes]) -> None:
    """Keep an uploaded bundle there, readable by the service only; it appears whole or not at all."""
    path = kept_file(home, key)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    part = path.with_suffix(".part")
    stream.seek(0)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        shutil.copyfileobj(stream, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def open_member(file: IO[bytes], sha256: str) -> IO[bytes]:
    """The content of a piece of evidence in a bundle that was read before. KeyError where there is none."""
    archive = zipfile.ZipFile(file)
    return archive.open(path_of(sha256))
