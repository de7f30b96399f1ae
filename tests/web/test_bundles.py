"""A bundle through the pages: answers, actions and files, each decided about, each examined."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.bundle import path_of, read_bundle, write_bundle
from app.domain.integrity import sha256_hex
from app.models import Evidence, StagedImport
from app.queries.bundles import bundle_content
from app.queries.returns import get_return
from tests.sheets.workbooks import members, zipped
from tests.web.test_offline import fields, stored, words
from tests.world import World

GOOD, BAD = b"Minutes of the board, May 2003.\n", b"MZ\x90\x00 a program"
FILES = {sha256_hex(content): content for content in (GOOD, BAD)}


@pytest.fixture
def code(world: World) -> str:
    return next(iter(world.returns))


@pytest.fixture
def base(world: World, code: str) -> str:
    return f"/returns/{world.returns[code].public_id}/offline"


@pytest.fixture
def content(world: World, code: str) -> dict[str, Any]:
    """What a bundle of this return could hold elsewhere: an answer, two actions, two files of which one is not well."""
    actor = world.actor("lead")
    audit_return = get_return(world.session, world.returns[code].public_id, actor=actor, now=world.now)
    first = world.work(code).items[0].criterion.id
    pieces = [
        {"id": name, "criterion": first, "scope": "", "title": f"Title of {name}", "description": "What it shows",
         "name": name, "sha256": sha256_hex(what), "size": len(what)}
        for name, what in (("minutes.txt", GOOD), ("minutes.pdf", BAD))
    ]  # fmt: skip
    return {
        **bundle_content(world.session, audit_return, actor=actor, now=world.now),
        "answers": [{"criterion": first, "scope": "", "type": "grade", "value": {"commentary": "From elsewhere"}}],
        "actions": [
            {"criterion": first, "scope": "", "what": what, "owner": "", "due": None, "state": "planned"}
            for what in ("Wanted", "Not wanted")
        ],
        "evidence": pieces,
    }


def packed(content: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    write_bundle(content, out, lambda sha256: io.BytesIO(FILES[sha256]))
    return out.getvalue()


def test_a_bundle_is_looked_at_decided_about_and_taken(
    app: Flask, world: World, code: str, base: str, content: dict[str, Any], client_as: Callable[[str], FlaskClient]
) -> None:
    client = client_as("contributor")
    assert client.get(f"{base}/bundle").status_code == 200
    shown = client.post(
        f"{base}/bundle", data={"file": (io.BytesIO(packed(content)), "bundle.zip")}, follow_redirects=True
    )
    assert shown.status_code == 200
    text = words(shown)
    for wanted in ("1 answer would change", "2 planned actions", "2 files of evidence", "From elsewhere"):
        assert wanted in text
    path = shown.request.path
    kept = Path(app.config["CANDOUR"].home) / "imports" / f"{path.rsplit('/', 1)[1]}.zip"
    assert kept.read_bytes() == packed(content)
    assert kept.stat().st_mode & 0o077 == 0
    assert stored(world, code) == {}

    after = client.post(path, data=fields(shown), follow_redirects=True)
    assert "1 answer saved" in words(after)
    assert list(stored(world, code).values()) == [{"commentary": "From elsewhere"}]
    after = client.post(f"{path}/actions", data={"shown": ["0", "1"], "action": "0"}, follow_redirects=True)
    assert "1 action planned" in words(after)
    after = client.post(f"{path}/evidence", follow_redirects=True)
    assert "1 file added to the evidence. 1 could not be taken" in words(after)
    assert "is not what its ending .pdf says" in words(after)
    assert "Nothing is left to decide" in words(after)
    assert not kept.exists()
    world.session.rollback()
    (piece,) = world.session.scalars(select(Evidence)).all()
    assert (piece.title, piece.revisions[0].sha256) == ("Title of minutes.txt", sha256_hex(GOOD))
    assert world.session.scalars(select(StagedImport)).one().state == "settled"
    (item, *_others) = world.work(code).items
    assert [action.what for action in item.actions] == ["Wanted"]
    assert [one.name for one in item.evidence] == ["minutes.txt"]

    # and out again, to the next
    download = client.get(f"{base}/bundle/download", buffered=True)
    assert download.headers["Content-Disposition"].startswith("attachment;")
    again = read_bundle(io.BytesIO(download.data), largest_file=10**6, largest=10**7)
    assert [dict(answer.value) for answer in again.answers] == [{"commentary": "From elsewhere"}]
    assert members(download.data)[path_of(sha256_hex(GOOD))] == GOOD
    assert [action.what for action in again.actions] == ["Wanted"]


def test_files_can_be_left_out_and_a_dismissed_bundle_is_not_kept(
    app: Flask, world: World, base: str, content: dict[str, Any], client_as: Callable[[str], FlaskClient]
) -> None:
    client = client_as("lead")
    shown = client.post(
        f"{base}/bundle", data={"file": (io.BytesIO(packed(content)), "b.zip")}, follow_redirects=True
    )
    path = shown.request.path
    kept = Path(app.config["CANDOUR"].home) / "imports" / f"{path.rsplit('/', 1)[1]}.zip"
    assert "The files are left out" in words(
        client.post(f"{path}/evidence", data={"leave": "1"}, follow_redirects=True)
    )
    assert kept.exists()
    client.post(f"{path}/dismiss")
    assert not kept.exists()
    world.session.rollback()
    assert world.session.scalars(select(Evidence)).all() == []


def test_what_is_no_bundle_is_refused_in_words(
    world: World, base: str, content: dict[str, Any], client_as: Callable[[str], FlaskClient]
) -> None:
    client = client_as("lead")
    good = packed(content)
    changed = zipped({**members(good), path_of(sha256_hex(GOOD)): BAD})
    for data in ({}, {"file": (io.BytesIO(b"x"), "b.zip")}, {"file": (io.BytesIO(changed), "b.zip")}):
        page = client.post(f"{base}/bundle", data=data)
        assert page.status_code == 422
        assert 'href="#file"' in page.text
    assert "is damaged" in words(page)
    world.session.rollback()
    assert world.session.scalars(select(StagedImport)).all() == []


@pytest.mark.parametrize("name", ["outsider", "inspector", "coordinator", "board"])
def test_bundles_are_for_the_agency_s_own_people(
    world: World, base: str, content: dict[str, Any], client_as: Callable[[str], FlaskClient], name: str
) -> None:
    lead = client_as("lead")
    path = lead.post(
        f"{base}/bundle", data={"file": (io.BytesIO(packed(content)), "b.zip")}, follow_redirects=True
    ).request.path
    client = client_as(name)
    reads = (200,) if name == "board" else (404,)
    assert client.get(f"{base}/bundle/download", buffered=True).status_code in reads
    assert client.get(f"{base}/bundle").status_code in reads
    refused = (403, 404)
    assert client.post(f"{base}/bundle", data={"file": (io.BytesIO(b"x"), "b.zip")}).status_code in refused
    assert client.post(f"{path}/actions", data={"action": "0"}).status_code in refused
    assert client.post(f"{path}/evidence").status_code in refused
    assert re.search("/uploads/", path)
