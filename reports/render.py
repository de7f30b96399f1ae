"""The one way to make a PDF: in a process of its own, with limits, that can reach nothing but packaged assets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import IO, Any, cast

from reports.pool import POOL, Pool, environment
from reports.registry import HERE, reports

TIMEOUT = 600  # seconds


class RenderFailed(Exception):
    """A report could not be rendered; the message says why, for a person."""


@dataclass(frozen=True)
class RenderedPdf:
    """A PDF that was written: its pages, its SHA-256, and what it cost: time on the clock and of processors, memory."""

    pages: int
    sha256: str
    seconds: float
    processor: float
    peak_memory_mb: int


def render_pdf(
    report_key: str,
    data: dict[str, Any],
    out: Path,
    *,
    progress: Callable[[int, str], None] | None = None,
    timeout: float = TIMEOUT,
    fresh: bool = False,
    pool: Pool = POOL,
) -> RenderedPdf:
    """Render a report from JSON-ready data to `out`, which appears whole or not at all.

    `progress` is called with per cent and a step in English. The process is forked from one that has everything loaded;
    with `fresh` it is started from nothing, which takes longer and gives the same bytes. Raises KeyError for a report
    that does not exist, and RenderFailed where the data do not fit, a limit is met, or rendering fails.
    """
    if report_key not in reports():
        raise KeyError(report_key)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    request = {"report": report_key, "data": data, "out": str(part.absolute()), "seconds": ceil(timeout) + 5}
    try:
        answer = _run(request, progress, timeout, None if fresh else pool)
        if "error" in answer:
            raise RenderFailed(answer["error"])
        made = RenderedPdf(**answer["done"])
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return made


def _run(
    request: dict[str, Any], progress: Callable[[int, str], None] | None, timeout: float, pool: Pool | None
) -> dict[str, Any]:
    """Run one worker; its last line of output. Errors of the worker itself end up in the message."""
    with tempfile.TemporaryFile("w+") as complaints, tempfile.TemporaryDirectory() as folder:
        worker = (
            pool.start(complaints, request["report"], request["data"].get("language", "en"))
            if pool
            else _Fresh(complaints, folder)
        )
        timed_out = threading.Event()

        def stop() -> None:
            timed_out.set()
            worker.kill()

        timer = threading.Timer(timeout, stop)
        timer.start()
        answer: dict[str, Any] = {}
        try:
            try:
                json.dump(request | {"folder": folder}, worker.stdin)
                worker.stdin.close()
            except BrokenPipeError:  # it died before reading: its complaint says why
                with suppress(BrokenPipeError):
                    worker.stdin.close()
            for line in worker.stdout:
                answer = json.loads(line)
                if progress and "progress" in answer:
                    progress(answer["progress"], answer["step"])
        finally:
            timer.cancel()
            returncode = worker.wait()
            worker.stdout.close()
        if timed_out.is_set():
            raise RenderFailed(f"The report was stopped after {timeout:.0f} seconds.")
        if "done" in answer or "error" in answer:
            return answer
        complaints.seek(0)
        last = complaints.read().strip().splitlines()[-1:] or ["no reason given"]
        raise RenderFailed(f"The renderer stopped (code {returncode}): {last[0]}")


class _Fresh:
    """A renderer that is started from nothing."""

    def __init__(self, complaints: IO[str], folder: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "reports.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            encoding="utf-8",
            cwd=HERE.parent,
            env=environment(folder),
            start_new_session=True,
        )
        self.stdin, self.stdout = cast(IO[str], self.process.stdin), cast(IO[str], self.process.stdout)

    def kill(self) -> None:
        """End it and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Its exit status."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(5)  # its output has ended: so does it
        if self.process.returncode is None:
            self.kill()
        return self.process.wait()
