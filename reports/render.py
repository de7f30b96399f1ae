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
from pathlib import Path
from typing import IO, Any, cast

from reports.registry import ASSETS, HERE, reports

TIMEOUT = 600  # seconds


class RenderFailed(Exception):
    """A report could not be rendered; the message says why, for a person."""


@dataclass(frozen=True)
class RenderedPdf:
    """A PDF that was written: its pages, its SHA-256, and what it cost."""

    pages: int
    sha256: str
    seconds: float
    peak_memory_mb: int


def render_pdf(
    report_key: str,
    data: dict[str, Any],
    out: Path,
    *,
    progress: Callable[[int, str], None] | None = None,
    timeout: float = TIMEOUT,
) -> RenderedPdf:
    """Render a report from JSON-ready data to `out`, which appears whole or not at all.

    `progress` is called with per cent and a step in English. Raises KeyError for a report that does not exist, and
    RenderFailed where the data do not fit, a limit is met, or rendering fails.
    """
    if report_key not in reports():
        raise KeyError(report_key)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    request = json.dumps(
        {"report": report_key, "data": data, "out": str(part.absolute()), "seconds": int(timeout)}
    )
    try:
        answer = _run(request, progress, timeout)
        if "error" in answer:
            raise RenderFailed(answer["error"])
        made = RenderedPdf(**answer["done"])
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return made


def _run(request: str, progress: Callable[[int, str], None] | None, timeout: float) -> dict[str, Any]:
    """Run one worker; its last line of output. Errors of the worker itself end up in the message."""
    with tempfile.TemporaryFile("w+") as complaints, tempfile.TemporaryDirectory() as cache:
        worker = subprocess.Popen(
            [sys.executable, "-m", "reports.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            encoding="utf-8",
            cwd=HERE.parent,
            env={
                "PATH": os.defpath,
                "LANG": "C.UTF-8",
                "PYTHONHASHSEED": "0",
                # fonts come from the packaged style sheet alone, so that every machine sets the same lines
                "FONTCONFIG_FILE": str(ASSETS / "fonts.conf"),
                "XDG_CACHE_HOME": cache,
            },
            start_new_session=True,
        )
        stdin, stdout = cast(IO[str], worker.stdin), cast(IO[str], worker.stdout)
        timed_out = threading.Event()

        def stop() -> None:
            timed_out.set()
            os.killpg(worker.pid, signal.SIGKILL)

        timer = threading.Timer(timeout, stop)
        timer.start()
        answer: dict[str, Any] = {}
        try:
            try:
                stdin.write(request)
                stdin.close()
            except BrokenPipeError:  # it died before reading: its complaint says why
                with suppress(BrokenPipeError):
                    stdin.close()
            for line in stdout:
                answer = json.loads(line)
                if progress and "progress" in answer:
                    progress(answer["progress"], answer["step"])
            worker.wait()
        finally:
            timer.cancel()
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()
            stdout.close()
        if timed_out.is_set():
            raise RenderFailed(f"The report was stopped after {timeout:.0f} seconds.")
        if "done" in answer or "error" in answer:
            return answer
        complaints.seek(0)
        last = complaints.read().strip().splitlines()[-1:] or ["no reason given"]
        raise RenderFailed(f"The renderer stopped (code {worker.returncode}): {last[0]}")
