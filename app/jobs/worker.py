"""The worker process: takes report runs from the queue, one at a time, and makes them, and batches of reports beside
them; a thread of it sends mails.

It also does what follows from the time alone, such as putting on record that a round has closed.

A worker that is killed leaves its run pending. A restart takes up its own runs again (the executor id is fixed); the
janitor resumes those of a worker that never comes back.
"""

from __future__ import annotations

import os
import signal
import threading
from datetime import UTC, datetime, timedelta

import structlog
from dbos import DBOS
from flask import Flask

from app import clock
from app.db import db
from app.jobs import (
    BATCH,
    BATCHES,
    GALLERY,
    QUEUE,
    WORKFLOW,
    batches,
    clockwork,
    gallery,
    jobs_engine,
    launch,
    report_runs,
    start_dbos,
)
from app.jobs.mail import Post
from app.queries.batches import last_sign, unfinished

log = structlog.get_logger()
ABANDONED_AFTER = timedelta(minutes=20)  # longer than any report takes: the renderer is stopped after ten


def run(app: Flask, *, executor: str = "worker-1") -> None:
    """Work until SIGTERM or SIGINT. Blocks."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    parent = os.getppid()
    engine = jobs_engine(app.config["CANDOUR"].database_url)
    start_dbos(engine, executor=executor)

    @DBOS.workflow(name=WORKFLOW)
    def make_report(run_id: str) -> str:
        with app.app_context():
            return report_runs.make(app, run_id)

    @DBOS.workflow(name=GALLERY)
    def make_gallery(pack: str, edition: str) -> str:
        with app.app_context():
            return gallery.make(app, pack, edition)

    @DBOS.workflow(name=BATCH)
    def make_batch(batch_id: str) -> str:
        with app.app_context():
            return batches.make(app, batch_id, stopping=stop.is_set)

    launch()
    post = Post(app)
    post.start()
    log.info("worker started", executor=executor)
    second = 0
    try:
        while not stop.wait(1):
            second = (second + 1) % 60
            if second % clockwork.EVERY == 0:
                clockwork.tick(app)
            if second == 0:
                resume_abandoned(executor)
                resume_batches(app, executor)
            if os.getppid() != parent:  # `candour serve` is gone: nobody would stop this process
                break
    finally:
        stop.set()  # a batch ends after the documents that are being made, and waits in the queue for the next worker
        post.stop()
        DBOS.destroy()
        engine.dispose()


def resume_abandoned(executor: str) -> list[str]:
    """Put runs back into the queue that another worker left pending for longer than any report takes."""
    limit = datetime.now(UTC) - ABANDONED_AFTER
    resumed = []
    for status in DBOS.list_workflows(status="PENDING", name=WORKFLOW):
        started = datetime.fromtimestamp((status.updated_at or status.created_at or 0) / 1000, UTC)
        if status.executor_id != executor and started < limit:
            DBOS.resume_workflow(status.workflow_id, queue_name=QUEUE)
            resumed.append(status.workflow_id)
    return resumed


def resume_batches(app: Flask, executor: str) -> list[str]:
    """Put batches back into the queue that another worker left pending, where none of their documents was finished for
    longer than any report takes. One that nobody has in the queue any more is given up: it says so."""
    limit = datetime.now(UTC) - ABANDONED_AFTER
    resumed = []
    for status in DBOS.list_workflows(status="PENDING", name=BATCH, load_input=True):
        started = datetime.fromtimestamp((status.updated_at or status.created_at or 0) / 1000, UTC)
        if status.executor_id == executor or started > limit or not status.input:
            continue
        if is_silent(app, status.input["args"][0]):
            DBOS.resume_workflow(status.workflow_id, queue_name=BATCHES)
            resumed.append(status.workflow_id)
    give_up_lost(app)
    return resumed


def is_silent(app: Flask, batch: str) -> bool:
    """Whether nothing of a batch was finished for longer than any report takes."""
    with app.app_context(), db.sessionmaker() as session:
        moved = last_sign(session, batch)
        return moved is None or moved < clock.now(session) - ABANDONED_AFTER


def give_up_lost(app: Flask) -> list[str]:
    """Give up batches that nobody makes and that are in no queue: a run failed and could not even say so, or the
    command that made one was killed."""
    with app.app_context(), db.sessionmaker() as session:
        waiting = unfinished(session)
    if not waiting:
        return []
    known = {
        status.input["args"][0]
        for status in DBOS.list_workflows(status=["PENDING", "ENQUEUED"], name=BATCH, load_input=True)
        if status.input
    }
    lost = [(batch, turn) for batch, turn in waiting if batch not in known and is_silent(app, batch)]
    with app.app_context():
        return [batch for batch, turn in lost if batches.give_up(batch, turn, batches.LOST) == "failed"]
