"""Durable background work with DBOS, on the application's own database.

The web and the commands only enqueue, in their own transaction; `candour work` is the process that does the work.
DBOS gets an engine of its own: our listeners begin transactions by themselves and would collide with its own.
"""

from __future__ import annotations

import logging
from secrets import token_hex

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions
from flask import Flask
from sqlalchemy.orm import Session

from app.db import engine_options

QUEUE = "reports"
BATCHES = "batches"  # a queue of its own: a report that somebody waits for does not wait for hundreds
WORKFLOW = "make_report"
BATCH = "make_batch"
GALLERY = "make_gallery"
APPLICATION = "candour"
# pinned: work that waits in the queue must be done by the program that comes after an update
VERSION = "1"


def jobs_engine(url: str) -> sa.Engine:
    """The engine that DBOS uses: the same SQLite library as ours."""
    options = engine_options(url)
    return sa.create_engine(options.pop("url"), **options, pool_size=5, max_overflow=5)


class Jobs:
    """The enqueue port of operations. The client connects when the first job is enqueued."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: DBOSClient | None = None

    def enqueue_report(self, session: Session, run_id: str) -> None:
        """Queue the making of a report run, in the transaction of `session`: both are stored, or neither."""
        self._enqueue(session, WORKFLOW, f"report-{run_id}", run_id)

    def enqueue_batch(self, session: Session, batch_id: str, run: str) -> None:
        """Queue the making of a batch, in the transaction of `session`; `run` tells apart what is queued for it."""
        self._enqueue(session, BATCH, f"batch-{batch_id}-{run}", batch_id, queue=BATCHES)

    def enqueue_gallery(self, session: Session, pack: str, edition: str) -> None:
        """Queue the making of the documents of a pack in the gallery, in the transaction of `session`."""
        self._enqueue(session, GALLERY, f"gallery-{token_hex(8)}", pack, edition)

    def _enqueue(self, session: Session, workflow: str, id_: str, *given: str, queue: str = QUEUE) -> None:
        if self._client is None:
            self._client = DBOSClient(
                system_database_engine=jobs_engine(self._url), application_name=APPLICATION, lazy=True
            )
        options: EnqueueOptions = {
            "workflow_name": workflow, "queue_name": queue, "workflow_id": id_, "app_version": VERSION,
        }  # fmt: skip
        self._client.enqueue_in_transaction(session, options, *given)


def init_app(app: Flask) -> None:
    """Give the application its enqueue port."""
    app.extensions["candour_jobs"] = Jobs(app.config["CANDOUR"].database_url)


def start_dbos(engine: sa.Engine, *, executor: str) -> None:
    """Set DBOS up in this process on an engine of `jobs_engine`, which the caller disposes of."""
    logging.getLogger("dbos").setLevel(logging.WARNING)
    config: DBOSConfig = {
        "name": APPLICATION,
        "system_database_engine": engine,
        "application_version": VERSION,
        "executor_id": executor,
        "log_level": "WARNING",
    }
    DBOS(config=config)


def launch() -> None:
    """Start DBOS: make or update its tables, which live beside ours, and register the queues."""
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=0.25)
    DBOS.register_queue(BATCHES, worker_concurrency=1, polling_interval_sec=1)


def prepare(url: str) -> None:
    """Make the queues and their tables. Part of `candour setup`; safe to run again."""
    engine = jobs_engine(url)
    try:
        start_dbos(engine, executor="setup")
        DBOS.listen_queues([])  # setting up takes no work from the queue
        launch()
    finally:
        DBOS.destroy()
        engine.dispose()
