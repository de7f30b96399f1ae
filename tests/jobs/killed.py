"""`candour work`, killed as the system would kill it, in the middle of its work: `python -m tests.jobs.killed WHAT`.

It is killed by what it does itself, at the same point each time. A test that watches it from outside comes too late on
a busy machine, or too early.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from app import cli
from app.jobs import batches, report_runs


def and_die(work: Callable[..., Any]) -> Callable[..., Any]:
    """A function that kills this process when it has done its work for the first time."""

    def work_and_die(*args: Any, **more: Any) -> None:
        work(*args, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    return work_and_die


def die_in_a_report() -> None:
    """When the renderer has said for the first time how far it is."""
    make: Callable[..., Any] = report_runs.make_report

    def make_and_die(*args: Any, progress: Callable[..., Any], **more: Any) -> Any:
        return make(*args, progress=and_die(progress), **more)

    report_runs.make_report = make_and_die


def die_in_a_batch() -> None:
    """When the first document is made; another is in the making."""
    batches._make_one = and_die(batches._make_one)


if __name__ == "__main__":
    {"report": die_in_a_report, "batch": die_in_a_batch}[sys.argv[1]]()
    sys.argv[1:] = ["work"]
    cli.main()
