"""The background worker as a process of its own: it makes reports, and a run outlives a worker that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import select

from app.models import ReportRun
from app.operations.reports import request_round_report
from config import ROOT, Config
from tests.operations.test_returns import sign
from tests.pdf_gate import assert_pdf_ua
from tests.world import World


@contextmanager
def worker(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A `candour work` process on the database that the environment names; stopped in the end.

    `command`: what stands in its place, as of `tests/jobs/killed.py`.
    """
    command = command or ("app.cli", "work")
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=dict(os.environ))
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(300)


def wait_for(what: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Until something holds, or the worker has ended, or five minutes have passed."""
    for _ in range(3000):
        if what():
            return
        assert process.poll() is None, "the worker ended by itself"
        time.sleep(0.1)
    raise AssertionError("it did not happen")


@pytest.fixture
def run(app: Flask, world: World) -> ReportRun:
    """A joint report that somebody asked for, of one submission."""
    code = next(iter(world.returns))
    world.answer(code)
    sign(world, code)
    inspector = world.actor("inspector")
    run = request_round_report(
        world.write(), world.audit_round, "joint-findings", by=inspector, now=world.now,
        enqueue=app.extensions["candour_jobs"].enqueue_report,
    )  # fmt: skip
    world.session.commit()
    return run


def test_a_run_outlives_a_worker_that_is_killed(world: World, run: ReportRun, config: Config) -> None:
    def stage() -> str:
        world.session.rollback()
        return world.session.scalars(select(ReportRun.stage).where(ReportRun.id == run.id)).one()

    assert stage() == "waiting"
    with worker("tests.jobs.killed", "report") as first:
        assert first.wait(300) == -signal.SIGKILL
    assert stage() == "running", "it was killed at work"
    with worker() as second:
        wait_for(lambda: stage() in ("done", "failed"), second)
    world.session.rollback()
    assert run.stage == "done" and run.progress == 100 and run.pages > 10
    assert_pdf_ua(config.home / "reports" / run.file)


def test_what_is_not_committed_is_not_enqueued(app: Flask, world: World, config: Config) -> None:
    inspector = world.actor("inspector")
    request_round_report(
        world.write(), world.audit_round, "joint-findings", by=inspector, now=world.now,
        enqueue=app.extensions["candour_jobs"].enqueue_report,
    )  # fmt: skip
    schema = "" if config.database_url.startswith("sqlite") else "dbos."
    queued = sa.text(f"SELECT count(*) FROM {schema}workflow_status WHERE workflow_uuid LIKE 'report-%'")
    assert world.session.scalar(queued) == 1
    world.session.rollback()
    assert world.session.scalar(queued) == 0
    assert world.session.scalars(select(ReportRun)).all() == []
