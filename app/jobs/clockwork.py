"""What follows from the time alone: each step looks first, without a lock, and writes only where something is due.

The worker calls `tick` again and again. A service without a worker is no less right: pages go by the clock, and only
the record of it waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from flask import Flask
from sqlalchemy.orm import Session

from app import clock
from app.db import begin_write, db
from app.operations import closing, release
from app.queries.closing import to_put_on_record

log = structlog.get_logger()
EVERY = 15  # seconds between two ticks


@dataclass(frozen=True)
class Step:
    """Something that the clock does. `is_due` only reads; `do` writes, and says how many things it did."""

    name: str
    is_due: Callable[[Session, datetime], bool]
    do: Callable[[Session, datetime], int]


STEPS = (
    Step(
        "rounds closed",
        lambda session, now: bool(to_put_on_record(session, now=now)),
        lambda session, now: closing.put_on_record(session, now=now),
    ),
    Step(
        "releases moved on",
        lambda session, now: release.is_due(session, now=now),
        lambda session, now: release.by_the_clock(session, now=now),
    ),
)


def tick(app: Flask) -> dict[str, int]:
    """Do what is due now, each step in a transaction of its own. Returns step to number, of the steps that did any.

    A step that fails is logged and tried again at the next tick; it does not stop the others.
    """
    done = {}
    with app.app_context():
        for step in STEPS:
            try:
                if number := _run(step):
                    done[step.name] = number
                    log.info("clock", step=step.name, number=number)
            except Exception:  # the database may be away, or another worker was first
                log.exception("clock failed", step=step.name)
    return done


def _run(step: Step) -> int:
    with db.sessionmaker() as session:
        if not step.is_due(session, clock.now(session)):
            return 0
        session.rollback()
        begin_write(session)
        number = step.do(session, clock.now(session))
        session.commit()
        return number
