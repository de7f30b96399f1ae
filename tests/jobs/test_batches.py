"""Batches made by workers: one that is killed goes on where it was, one bad agency stops nobody, the file is exact."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import signal
import zipfile
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.jobs import batches as files
from app.jobs import worker as worker_module
from app.models import BatchDocument, Event, ReportBatch
from app.operations import batches
from app.queries.batches import Line
from config import Config
from reports.render import RenderFailed
from tests.jobs.test_worker import wait_for, worker
from tests.operations.test_batches import signed
from tests.world import World


def ask(app: Flask, world: World, number: int = 3, forms: tuple[str, ...] = ()) -> ReportBatch:
    """A batch of receipts of the first agencies, which have signed; they alone are in `world.returns` then."""
    world.returns = {code: world.returns[code] for code in signed(world, number)}
    batch = batches.request_batch(
        world.write(), world.audit_round.public_id, "receipt", by=world.actor("lead-inspector"), now=world.now,
        enqueue=app.extensions["candour_jobs"].enqueue_batch, forms=forms,
    )  # fmt: skip
    world.session.commit()
    return batch


def stages(world: World, batch: ReportBatch) -> dict[str, int]:
    world.session.rollback()
    rows = world.session.execute(
        select(BatchDocument.stage, func.count())
        .where(BatchDocument.batch_id == batch.id)
        .group_by(BatchDocument.stage)
    )
    return {row[0]: row[1] for row in rows}


def content(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(names) == len(set(names))
        return {name: archive.read(name) for name in names}


def test_a_batch_outlives_a_worker_that_is_killed(app: Flask, world: World, config: Config) -> None:
    batch = ask(app, world, 4)
    number = len(world.returns)
    with worker("tests.jobs.killed", "batch") as first:
        assert first.wait(300) == -signal.SIGKILL
    made = {one.id: one.sha256 for one in _made(world, batch)}
    assert 1 <= len(made) < number, "it was killed at work"
    with worker() as second:
        wait_for(lambda: _stage(world, batch) == "done", second)
    assert stages(world, batch) == {"made": number}
    found = content(files.file_of(config.home, batch.public_id))
    assert set(found) == {f"{code}-receipt.pdf" for code in world.returns} | set(files.MANIFEST)
    assert made.items() <= {one.id: one.sha256 for one in _made(world, batch)}.items(), "what was made stays as it was"
    listed = list(csv.DictReader(io.StringIO(found["manifest.csv"].decode())))
    assert [row["code"] for row in listed] == sorted(world.returns)
    for row in listed:
        pdf = found[row["file"]]
        assert pdf.startswith(b"%PDF") and row["sha256"] == hashlib.sha256(pdf).hexdigest()
        assert int(row["pages"]) >= 1 and row["snapshot_id"]
    told = json.loads(found["manifest.json"])
    assert [one["file"] for one in told["documents"]] == [row["file"] for row in listed] and told["failed"] == []
    world.session.rollback()
    assert batch.sha256 == hashlib.sha256(files.file_of(config.home, batch.public_id).read_bytes()).hexdigest()
    assert not files.folder_of(config.home, batch.public_id).exists(), "all is in the file"


def _made(world: World, batch: ReportBatch) -> list[BatchDocument]:
    world.session.rollback()
    query = select(BatchDocument).where(BatchDocument.batch_id == batch.id, BatchDocument.stage == "made")
    return list(world.session.scalars(query))


def _stage(world: World, batch: ReportBatch) -> str:
    world.session.rollback()
    return world.session.scalars(select(ReportBatch.stage).where(ReportBatch.id == batch.id)).one()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_bad_agency_stops_nobody_and_can_be_tried_again(
    app: Flask, world: World, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = ask(app, world)
    bad, broken = list(world.returns)[:2]
    render = files.make_report

    def failing(session, report, audit_round, audit_return, **given):  # type: ignore[no-untyped-def]
        if audit_return.agency.code == bad:
            raise RenderFailed("The data do not fit.")
        if audit_return.agency.code == broken:
            raise ZeroDivisionError
        return render(session, report, audit_round, audit_return, **given)

    monkeypatch.setattr(files, "make_report", failing)
    assert files.make(app, batch.public_id) == "done"
    assert stages(world, batch) == {"made": len(world.returns) - 2, "failed": 2}
    errors = {one["code"]: one["reason"] for one in json.loads(_manifest(config, batch))["failed"]}
    assert errors[bad] == "The data do not fit." and "service’s log" in errors[broken]
    monkeypatch.undo()
    batches.retry(
        world.write(), batch.public_id, by=world.actor("lead-inspector"), now=world.now, enqueue=lambda *_: None
    )
    world.session.commit()
    assert files.make(app, batch.public_id) == "done"
    assert stages(world, batch) == {"made": len(world.returns)}
    assert len(json.loads(_manifest(config, batch))["documents"]) == len(world.returns)
    assert files.make(app, batch.public_id) == "stopped", "nothing is left to do"


def _manifest(config: Config, batch: ReportBatch) -> bytes:
    return content(files.file_of(config.home, batch.public_id))["manifest.json"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_that_is_stopped_leaves_the_batch_in_the_queue(app: Flask, world: World) -> None:
    batch = ask(app, world)
    assert files.make(app, batch.public_id, stopping=lambda: True) == "paused"
    assert _stage(world, batch) == "waiting" and stages(world, batch) == {"waiting": len(world.returns)}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_batch_that_cannot_go_on_says_why_and_a_person_goes_on_with_it(
    app: Flask, world: World, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = ask(app, world, forms=("docx", "csv"))

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write_file", full)
    assert files.make(app, batch.public_id) == "failed"
    assert _stage(world, batch) == "cancelled" and batch.error == files.NO_ROOM
    assert stages(world, batch) == {"made": len(world.returns)}, "what is made is kept"
    event = world.session.scalars(select(Event).where(Event.verb == "batch.given_up")).one()
    assert event.data["batch"] == batch.public_id
    monkeypatch.setattr(files, "_work", lambda *_args: 1 / 0)
    batches.resume(
        world.write(), batch.public_id, by=world.actor("lead-inspector"), now=world.now, enqueue=lambda *_: None
    )
    world.session.commit()
    assert batch.error == ""
    assert files.make(app, batch.public_id) == "failed" and _stage(world, batch) == "cancelled"
    assert batch.error == files.GAVE_UP
    monkeypatch.undo()
    batches.resume(
        world.write(), batch.public_id, by=world.actor("lead-inspector"), now=world.now, enqueue=lambda *_: None
    )
    world.session.commit()
    assert files.make(app, batch.public_id) == "done"
    # each in the forms that were asked for, and all of them in the manifest
    found = content(files.file_of(config.home, batch.public_id))
    endings = ("pdf", "docx", "csv.zip")
    assert sorted({*found} - {*files.MANIFEST}) == sorted(
        f"{code}-receipt{'-' if ending == 'csv.zip' else '.'}{ending}" for code in world.returns for ending in endings
    )
    listed = json.loads(found["manifest.json"])["documents"]
    assert {one["file"]: one["sha256"] for one in listed} == {
        name: hashlib.sha256(data).hexdigest() for name, data in found.items() if name not in files.MANIFEST
    }
    assert sum("pages" in one for one in listed) == len(world.returns), "pages are of PDFs"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_batch_that_nobody_makes_is_given_up(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = ask(app, world, 1)
    batch_id = batches.begin(world.write(), batch.public_id, "gone", now=world.now)
    world.session.commit()
    queued: list[str] = [batch.public_id]
    monkeypatch.setattr(
        worker_module.DBOS, "list_workflows", lambda **_: [SimpleNamespace(input={"args": [one]}) for one in queued]
    )
    later = world.now + worker_module.ABANDONED_AFTER + timedelta(minutes=1)
    monkeypatch.setattr(worker_module.clock, "now", lambda _session: later)
    assert worker_module.give_up_lost(app) == [], "somebody has it in the queue"
    queued.clear()
    monkeypatch.setattr(worker_module.clock, "now", lambda _session: world.now)
    assert worker_module.give_up_lost(app) == [], "it moved a moment ago"
    monkeypatch.setattr(worker_module.clock, "now", lambda _session: later)
    assert worker_module.give_up_lost(app) == [batch.public_id]
    assert _stage(world, batch) == "cancelled" and batch.error == files.LOST
    assert batches.take(world.write(), batch_id or 0, "gone") is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_document_that_is_not_as_it_was_made_is_made_again(
    app: Flask, world: World, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = ask(app, world)
    bind = files._bind
    spoilt: list[str] = []

    def spoil(batch_id: int, turn: str, folder: Path, out: Path) -> str:
        if not spoilt:
            victim = sorted(folder.glob("*.pdf"))[0]
            victim.write_bytes(b"not a PDF")
            spoilt.append(victim.name)
        return bind(batch_id, turn, folder, out)

    monkeypatch.setattr(files, "_bind", spoil)
    assert files.make(app, batch.public_id) == "done" and spoilt
    found = content(files.file_of(config.home, batch.public_id))
    assert all(data.startswith(b"%PDF") for name, data in found.items() if name.endswith(".pdf"))


def test_the_same_documents_give_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF one")
    (tmp_path / "b.pdf").write_bytes(b"%PDF two")
    sha = {name: hashlib.sha256((tmp_path / f"{name}.pdf").read_bytes()).hexdigest() for name in "ab"}
    lines = [
        Line(7, "x/1", "made", "", "a.pdf", sha["a"], 2, "s1"),
        Line(9, "X-1", "made", "", "b.pdf", sha["b"], 3, "s2"),
        Line(8, "=cmd", "failed", "No.", "", "", 0, ""),
    ]
    about = {"report": "receipt", "language": "cy", "round": "r", "round_name": "R"}
    first, second = tmp_path / "1.zip", tmp_path / "2.zip"
    assert files.write_file(first, tmp_path, lines, about) == files.write_file(second, tmp_path, lines, about)
    assert first.read_bytes() == second.read_bytes()
    assert list(content(first)) == ["x-1-receipt-cy.pdf", "X-1-receipt-cy-2.pdf", "manifest.csv", "manifest.json"]
    (tmp_path / "a.pdf").unlink()
    with pytest.raises(files.Damaged):
        files.write_file(tmp_path / "3.zip", tmp_path, lines, about)
