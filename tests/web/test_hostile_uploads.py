"""Hostile and broken uploads, through the real route: nothing is stored that is not allowed.

A third of each kind that the corpus has goes this way here. The whole corpus is examined in `tests/files`, and is sent
over the network by `python -m bench.uploads`, which measures the time and the memory of each request.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from app.files.kinds import KINDS
from app.models import EvidenceRevision, StoredFile
from tests.files import corpus
from tests.world import World

# what is examined does not depend on the database
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PARTS = 2  # so that two processes share them
ENOUGH = 300


def chosen() -> list[corpus.Sample]:
    """The first of each kind, and every third after it; a kind is what two words name."""
    kinds: Counter[str] = Counter()
    found = []
    for sample in corpus.samples():
        kind = " ".join(sample.what.split()[:2])
        if kinds[kind] % 3 == 0:
            found.append(sample)
        kinds[kind] += 1
    return found


@pytest.fixture
def folder(app: Flask, worker_home: Path) -> Iterator[Path]:
    """The store's folder, empty."""
    folder = worker_home / "evidence"
    for file in folder.rglob("*"):
        if file.is_file():
            file.unlink()
    app.extensions.pop("candour_evidence", None)
    yield folder


def stored(folder: Path) -> dict[str, Path]:
    """SHA-256 by name to file, of all that the store holds."""
    return {file.name: file for file in folder.rglob("*") if file.is_file()}


def check_page(response: TestResponse, what: str) -> None:
    """A refusal is a page for people, of this service, never a fault of it."""
    assert response.status_code in (400, 409, 413, 422), f"{what}: {response.status_code}"
    assert response.content_type.startswith("text/html"), what
    assert "<h1" in response.text and "Content-Security-Policy" in response.headers, what


def check_store(world: World, folder: Path, allowed: dict[str, bytes]) -> None:
    """What is stored, in the folder and in the tables, is what is allowed, byte for byte, under a clean name."""
    world.session.rollback()
    found = stored(folder)
    for name, file in found.items():
        assert sha256(file.read_bytes()).hexdigest() == name
    assert set(found) == set(world.session.scalars(select(StoredFile.sha256))) == set(allowed)
    for row in world.session.scalars(select(StoredFile)):
        assert row.media_type in {kind.media_type for kind in KINDS.values()}
    for name in world.session.scalars(select(EvidenceRevision.name)):
        assert name.rpartition(".")[2].lower() in KINDS
        assert name == name.strip(". ") and len(name) <= 120
        assert not any(one in name for one in '/\\:*?"<>|\0\n\r\t\u202e\u200b')


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_stored_that_is_not_allowed(
    world: World, client_as: Callable[[str], FlaskClient], folder: Path, part: int
) -> None:
    rid = next(iter(world.returns.values())).public_id
    client = client_as("contributor")
    allowed: dict[str, bytes] = {}
    wrong = []
    samples = chosen()
    assert len(samples) >= ENOUGH
    for number, sample in enumerate(samples):
        if number % PARTS != part:
            continue
        file = FileStorage(io.BytesIO(sample.content), sample.name)
        boundary, body = encode_multipart({"file": file, "title": f"Piece {number}", "description": sample.what})
        response = client.post(
            f"/returns/{rid}/evidence/add", data=body, content_type=f"multipart/form-data; boundary={boundary}"
        )
        if response.status_code != 303:
            check_page(response, sample.what)
            if sample.what.startswith("good "):  # some strange names do not survive the form's own syntax
                wrong.append(f"{sample.what}: refused")
        elif sample.keep:
            allowed[sha256(sample.content).hexdigest()] = sample.content
        else:
            wrong.append(f"{sample.what}: kept")
    assert not wrong, "; ".join(wrong)
    check_store(world, folder, allowed)


# the reader of forms leaves the file of a form that breaks off to Python to close
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_requests_that_no_browser_sends(
    world: World, client_as: Callable[[str], FlaskClient], folder: Path
) -> None:
    rid = next(iter(world.returns.values())).public_id
    client = client_as("contributor")
    wrong = []
    kept = 0
    for odd in corpus.requests():
        response = client.post(f"/returns/{rid}/evidence/add", data=odd.body, content_type=odd.content_type)
        if response.status_code != 303:
            check_page(response, odd.what)  # what a reader of forms makes of some may change with its version
            continue
        kept += 1
        if not odd.keep:
            wrong.append(odd.what)
    assert not wrong, "; ".join(wrong)
    found = stored(folder)
    assert len(found) == kept >= 5
    check_store(world, folder, {name: file.read_bytes() for name, file in found.items()})
    assert all(file.read_bytes().startswith(b"Sent oddly") for file in found.values())


def test_nothing_that_is_kept_is_served_inline(
    world: World, client_as: Callable[[str], FlaskClient], folder: Path
) -> None:
    rid = next(iter(world.returns.values())).public_id
    client = client_as("contributor")
    for ending, content in corpus.good().items():
        data = {"file": FileStorage(io.BytesIO(content), f"good.{ending}"), "description": "What it shows."}
        assert client.post(f"/returns/{rid}/evidence/add", data=data).status_code == 303, ending
    world.session.rollback()
    revisions = world.session.scalars(select(EvidenceRevision)).all()
    assert len(revisions) == len(corpus.good())
    for revision in revisions:
        path = f"/returns/{rid}/evidence/{revision.evidence.public_id}/files/{revision.number}"
        for headers in ({}, {"Accept": "text/html"}, {"Range": "bytes=0-10"}, {"If-None-Match": "*"}):
            got = client.get(path, headers=headers)
            assert got.status_code == 200 and sha256(got.data).hexdigest() == revision.sha256
            assert got.headers["Content-Disposition"].startswith("attachment")
            assert got.headers["Content-Type"] == "application/octet-stream"
            assert got.headers["X-Content-Type-Options"] == "nosniff"
            assert "sandbox" in got.headers["Content-Security-Policy"]
        with client.head(path) as head:
            assert head.headers["Content-Disposition"].startswith("attachment")
