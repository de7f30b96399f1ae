"""The store: content under its SHA-256, in a local folder or an S3-compatible store, through one interface.

What is put is durable when `put` returns. obstore's local writes do not sync, so that is done here: content
is written beside its place, synced, moved there, and the folders are synced.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import IO, Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, S3Store

from config import Config

PIECE = 1024**2
_KEY = re.compile(r"[0-9a-f]{64}")
_NONE = (FileNotFoundError, NotFoundError)


class Missing(Exception):
    """The store has no such content."""


class Damaged(Exception):
    """What the store holds is no longer what was put there."""


class Unreachable(Exception):
    """The store does not answer, or refuses."""


def path_of(sha256: str) -> str:
    """Where content stands: two levels of folders, so that none grows too long.

    Raises ValueError for no SHA-256.
    """
    if not _KEY.fullmatch(sha256):
        raise ValueError("no SHA-256")
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


class Store:
    """Content by its SHA-256. The same for every place; see `open_store`."""

    def __init__(self, inner: Any, folder: Path | None = None) -> None:
        self._inner = inner
        self._folder = folder

    def put(self, file: IO[bytes], sha256: str) -> None:
        """Store a file's content, durably; nothing is written where it is there already. Leaves `file` at its start.

        Raises Damaged where the content is not what `sha256` says, and Unreachable.
        """
        place = path_of(sha256)
        file.seek(0, os.SEEK_END)
        size = file.tell()
        file.seek(0)
        if self.size(sha256) == size:
            return
        digest = hashlib.sha256()
        while piece := file.read(PIECE):
            digest.update(piece)
        if digest.hexdigest() != sha256:
            raise Damaged
        file.seek(0)
        with _answering():
            if self._folder is None:
                obstore.put(self._inner, place, file)
            else:
                self._put_locally(file, self._folder, place)
        file.seek(0)

    def _put_locally(self, file: IO[bytes], root: Path, place: str) -> None:
        part = f"incoming/{token_hex(12)}"
        try:
            obstore.put(self._inner, part, file, use_multipart=False)
            _sync(root / part)
            obstore.rename(self._inner, part, place, overwrite=True)
            for folder in ((root / place).parent, (root / place).parent.parent, root):
                _sync(folder)  # the name, and the folders that are new
        finally:
            with suppress(FileNotFoundError):
                (root / part).unlink()

    def size(self, sha256: str) -> int | None:
        """The size of stored content in bytes; None where there is none."""
        with _answering():
            try:
                return int(obstore.head(self._inner, path_of(sha256))["size"])
            except _NONE:
                return None

    def pieces(self, sha256: str) -> Iterator[bytes]:
        """Stored content, a megabyte at a time. Raises Missing, Unreachable."""
        with _answering():
            try:
                found = obstore.get(self._inner, path_of(sha256))
            except _NONE:
                raise Missing from None
            for piece in found.stream(min_chunk_size=PIECE):
                yield bytes(piece)

    def open(self, sha256: str) -> IO[bytes]:
        """Stored content as a file, checked against its SHA-256 before a byte of it is given.

        Raises Missing, Damaged.
        """
        copy = tempfile.SpooledTemporaryFile(max_size=PIECE)  # noqa: SIM115 (the caller closes it)
        digest = hashlib.sha256()
        try:
            for piece in self.pieces(sha256):
                digest.update(piece)
                copy.write(piece)
            if digest.hexdigest() != sha256:
                raise Damaged
        except BaseException:
            copy.close()
            raise
        copy.seek(0)
        return copy  # type: ignore[return-value]

    def delete(self, sha256: str) -> None:
        """Delete content; nothing happens where there is none."""
        with _answering(), suppress(*_NONE):
            obstore.delete(self._inner, path_of(sha256))
        if self._folder is not None:
            folder = (self._folder / path_of(sha256)).parent
            if folder.exists():
                _sync(folder)

    def every(self) -> Iterator[tuple[str, datetime]]:
        """SHA-256 of all that is stored, and since when (by the store's clock)."""
        with _answering():
            for batch in obstore.list(self._inner):
                for found in batch:
                    name = found["path"].rpartition("/")[2]
                    if _KEY.fullmatch(name):
                        yield name, found["last_modified"]


@contextmanager
def _answering() -> Iterator[None]:
    """Turn what the store complains of into Unreachable."""
    try:
        yield
    except (BaseError, OSError) as problem:
        raise Unreachable(str(problem)[:500]) from problem


def _sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_store(config: Config) -> Store:
    """The store that the settings name: a bucket, or a folder of the data folder."""
    if not config.evidence_url:
        folder = config.home / "evidence"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Store(LocalStore(folder), folder)
    parts = urlsplit(config.evidence_url)
    names = {"endpoint": "endpoint", "key_id": "access_key_id", "secret": "secret_access_key", "region": "region"}
    # what is not named here is left to the usual AWS_ variables
    options: dict[str, Any] = {names[key]: value for key, value in config.evidence_store.items() if value}
    options.setdefault("region", "eu-west-2")
    client = {"timeout": "6s", "connect_timeout": "2s", "allow_http": options.get("endpoint", "").startswith("http://")}
    return Store(
        S3Store(
            parts.netloc, prefix=parts.path.strip("/") or None, client_options=client,  # type: ignore[arg-type]
            retry_config={"max_retries": 1}, **options,
        )
    )  # fmt: skip
