"""Making a batch of reports, two at a time: each is read, rendered in a process of its own, and kept; in the end all
are put into one file with a manifest.

A run that is killed leaves the documents that it was making as they are; the next run makes those again and goes on.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

import structlog
from flask import Flask
from sqlalchemy.orm import Session

from app import clock
from app.db import begin_write, db
from app.domain.life import NotPossible
from app.domain.message import N_
from app.models import Area, AuditReturn, ReportBatch
from app.operations import batches as operations
from app.operations.batches import Task
from app.policy import Denied, system_actor
from app.queries.actors import actor_of
from app.queries.batches import Line, lines_of
from app.queries.rounds import NotFound
from app.queries.shared import share
from app.sheets.formulas import safe_cell
from reports.formats import FORMATS
from reports.formats import file_of as form_of
from reports.make import MadeReport, make_report
from reports.render import RenderFailed
from reports.source import SOURCE

log = structlog.get_logger()

AT_ONCE = 2  # a machine for this service has two cores
FOLDER = "batches"  # below `reports` in the data folder
MANIFEST = ("manifest.csv", "manifest.json")
COLUMNS = ("file", "code", "sha256", "pages", "snapshot_id")
GAVE_UP = N_("The reason is in the service’s log. What is made is kept.")
NO_ROOM = N_("There is no room left where the service keeps its files. What is made is kept.")
LOST = N_("Nobody has been making it for a while, and nobody is about to. What is made is kept.")
# as old as the format can say: the same documents give the same file on any day
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class Damaged(Exception):
    """A document is not there, or not as it was made. `document`: its id."""

    def __init__(self, document: int) -> None:
        super().__init__(f"Document {document} is not as it was made")
        self.document = document


def folder_of(home: Path, public_id: str) -> Path:
    """Where the documents of a batch stand until they are in its file."""
    return home / "reports" / FOLDER / public_id


def file_of(home: Path, public_id: str) -> Path:
    """The file that all documents of a batch are in, once it is done."""
    return home / "reports" / FOLDER / f"{public_id}.zip"


def forget(home: Path, public_id: str) -> None:
    """Delete the files of a batch that was removed."""
    file_of(home, public_id).unlink(missing_ok=True)
    shutil.rmtree(folder_of(home, public_id), ignore_errors=True)


@contextmanager
def _writing() -> Iterator[Session]:
    """A short transaction of its own."""
    with db.sessionmaker() as session:
        begin_write(session)
        yield session
        session.commit()


def make(app: Flask, public_id: str, *, stopping: Callable[[], bool] = lambda: False) -> str:
    """Make what is left of a batch, and its file. `done`, `stopped` (by a person, or another run has it), `paused`
    where the worker is stopping: then it waits in the queue again, or `failed` where it could not go on: then it says
    why, and a person can go on with it.

    Safe to run at any time and any number of times.
    """
    turn = token_hex(8)
    with app.app_context():
        try:
            return _make(app, public_id, turn, stopping)
        except Exception as problem:
            if isinstance(problem, OSError) and problem.errno == errno.ENOSPC:
                log.error("a batch failed: no room is left", batch=public_id)
                return give_up(public_id, turn, NO_ROOM)
            log.exception("a batch failed", batch=public_id)
            return give_up(public_id, turn, GAVE_UP)


def give_up(public_id: str, turn: str, error: str) -> str:
    """Store that a run could not go on with a batch. `failed`, or `stopped` where that is not its business any more."""
    with _writing() as session:
        given_up = operations.give_up(session, public_id, turn, now=clock.now(session), error=error)
    return "failed" if given_up else "stopped"


def _make(app: Flask, public_id: str, turn: str, stopping: Callable[[], bool]) -> str:
    home = app.config["CANDOUR"].home
    with _writing() as session:
        batch_id = operations.begin(session, public_id, turn, now=clock.now(session))
    if batch_id is None:
        return "stopped"
    folder = folder_of(home, public_id)
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="batch") as pool:
            for worker in [pool.submit(_work, app, batch_id, turn, folder, stopping) for _ in range(AT_ONCE)]:
                worker.result()
        if stopping():
            with _writing() as session:
                operations.pause(session, batch_id, turn, enqueue=app.extensions["candour_jobs"].enqueue_batch)
            return "paused"
        with _writing() as session:
            if not operations.is_finished(session, batch_id, turn):
                return "stopped"
        try:
            return _bind(batch_id, turn, folder, file_of(home, public_id))
        except Damaged as damaged:
            log.error("a document of a batch is damaged", batch=public_id, document=damaged.document)
            with _writing() as session:
                operations.damaged(session, batch_id, turn, damaged.document)


def _work(app: Flask, batch_id: int, turn: str, folder: Path, stopping: Callable[[], bool]) -> None:
    """Make one document after the other until none waits."""
    with app.app_context():
        share(db.session)
        try:
            while not stopping():
                with _writing() as session:
                    task = operations.take(session, batch_id, turn)
                if task is None:
                    return
                _make_one(batch_id, turn, task, folder)
        finally:
            db.session.close()


def _make_one(batch_id: int, turn: str, task: Task, folder: Path) -> None:
    out = folder / f"{task.id}-{turn}.pdf"
    error = ""
    made = None
    try:
        made = _render(batch_id, task, out)
    except (RenderFailed, NotPossible) as problem:
        error = str(problem)
    except (Denied, NotFound):
        error = N_("Whoever asked for this batch may not read this, or it is not there any more.")
    except Exception:  # one bad agency must not stop the others
        log.exception("a document of a batch failed", batch=batch_id, document=task.id)
        error = N_("The report could not be made. The reason is in the service’s log. Nothing else is affected.")
    with _writing() as session:
        now = clock.now(session)
        if made is None:
            operations.fail(session, batch_id, turn, task, now=now, error=error)
            taken = False
        else:
            taken = operations.keep(
                session, batch_id, turn, task, now=now, file=out.name, sha256=made.sha256, pages=made.pages,
                snapshot_id=made.snapshot_id,
            )  # fmt: skip
    if not taken:
        for path in folder.glob(f"{out.stem}*"):
            path.unlink(missing_ok=True)


def _render(batch_id: int, task: Task, out: Path) -> MadeReport:
    session = db.session
    session.rollback()
    batch = session.get_one(ReportBatch, batch_id)
    now = clock.now(session)
    actor = actor_of(session, batch.requested_by, now=now) if batch.requested_by else system_actor("worker")
    audit_return = session.get_one(AuditReturn, task.return_id) if task.return_id else None
    area = session.get_one(Area, task.area_id).public_id if task.area_id else ""
    forms = batch.options.get("forms", ())
    source = out.with_suffix(SOURCE) if forms else None
    made = make_report(
        session, batch.report, batch.audit_round, audit_return, out=out, actor=actor, now=now, area=area,
        edition=task.edition, language=batch.options.get("language", "en"), source=source,
    )  # fmt: skip
    if source is not None:
        for form in forms:
            form_of(source, form)
        source.unlink()
    return made


# --- the file --------------------------------------------------------------------------------------------------------


def _bind(batch_id: int, turn: str, folder: Path, out: Path) -> str:
    """Put the documents into one file and store that the batch is done. Raises Damaged."""
    with db.sessionmaker() as session:
        batch = session.get_one(ReportBatch, batch_id)
        lines = lines_of(session, batch_id)
        about = {
            "report": batch.report, "language": batch.options.get("language", "en"),
            "round": batch.audit_round.key, "round_name": batch.audit_round.name,
        }  # fmt: skip
        forms = batch.options.get("forms", ())
    part = out.with_name(f".{out.name}.{turn}.part")
    try:
        size, sha256 = 0, ""
        if any(line.stage == "made" for line in lines):
            sha256 = write_file(part, folder, lines, about, forms)
            size = part.stat().st_size
        with _writing() as session:
            error = "" if size else N_("No document could be made, so there is no file to download.")
            # stored first: the file is put in place under a lock that no other run of the batch gets past
            if not operations.finish(
                session, batch_id, turn, now=clock.now(session), file=out.name if size else "", sha256=sha256,
                size=size, error=error,
            ):  # fmt: skip
                return "stopped"
            if size:
                part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    if all(line.stage == "made" for line in lines):
        shutil.rmtree(folder, ignore_errors=True)  # all is in the file: nothing is to be tried again
    return "done"


def write_file(
    out: Path, folder: Path, lines: list[Line], about: dict[str, str], forms: Sequence[str] = ()
) -> str:
    """Write the ZIP file of some documents, those made in it and those that failed named; its SHA-256. `forms`: those
    that each was made in beside the PDF.

    Documents are copied in pieces, in the order of the lines. The same documents give the same bytes. Raises Damaged.
    """
    names = names_of(lines, about)
    files: list[_File] = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for line in lines:
            if line.stage != "made":
                continue
            for ending in (".pdf", *(FORMATS[form].ending for form in forms)):
                source = (folder / line.file).with_suffix("")
                name = names[line.id].removesuffix(".pdf") + ending
                digest = _copy(archive, source.with_name(source.name + ending), name, line)
                files.append(_File(name, line, digest, line.pages if ending == ".pdf" else None))
        archive.writestr(_entry(MANIFEST[0]), _as_csv(files))
        archive.writestr(_entry(MANIFEST[1]), _as_json(files, lines, about))
    with out.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


class _File(NamedTuple):
    """A file in the ZIP file, of the document of a line. `pages`: of a PDF."""

    name: str
    line: Line
    sha256: str
    pages: int | None

    @property
    def row(self) -> tuple[str, str, str, int | None, str]:
        """What the manifest says of it, in the order of COLUMNS."""
        return self.name, self.line.code, self.sha256, self.pages, self.line.snapshot_id


def names_of(lines: list[Line], about: dict[str, str]) -> dict[int, str]:
    """What each document is called in the file: code of the agency or area, report, language; no two alike."""
    found: dict[int, str] = {}
    used: set[str] = set()
    for line in lines:
        language = "" if about["language"] == "en" else f"-{about['language']}"
        base = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{line.code}-{about['report']}{language}").lstrip(".-")
        name, number = f"{base}.pdf", 1
        while name.casefold() in used:
            number += 1
            name = f"{base}-{number}.pdf"
        used.add(name.casefold())
        found[line.id] = name
    return found


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _LONG_AGO)
    info.create_system = 3
    info.external_attr = 0o644 << 16
    info.compress_type = zipfile.ZIP_STORED if name.endswith(".pdf") else zipfile.ZIP_DEFLATED
    return info


def _copy(archive: zipfile.ZipFile, source: Path, name: str, line: Line) -> str:
    """Put a file in; its SHA-256, which of a PDF is that of when it was made. Raises Damaged."""
    digest = hashlib.sha256()
    try:
        with source.open("rb") as file, archive.open(_entry(name), "w", force_zip64=True) as into:
            while piece := file.read(1 << 20):
                digest.update(piece)
                into.write(piece)
    except FileNotFoundError:
        raise Damaged(line.id) from None
    if name.endswith(".pdf") and digest.hexdigest() != line.sha256:
        raise Damaged(line.id)
    return digest.hexdigest()


def _as_csv(files: list[_File]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for file in files:
        writer.writerow(map(safe_cell, file.row))
    return text.getvalue()


def _as_json(files: list[_File], lines: list[Line], about: dict[str, str]) -> str:
    content: dict[str, Any] = {"format": "candour-batch/1", **about}
    content["documents"] = [
        {name: value for name, value in zip(COLUMNS, file.row, strict=True) if value is not None} for file in files
    ]
    content["failed"] = [{"code": one.code, "reason": one.error} for one in lines if one.stage != "made"]
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"
