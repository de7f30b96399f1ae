"""Sending what waits in the outbox, and the daily reminders: a thread of the worker process, and commands.

Each step is a short transaction of its own, so that nobody's save waits for a mail server.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import structlog
from flask import Flask
from sqlalchemy.orm import Session, sessionmaker

from app import clock
from app.clock import LONDON
from app.db import begin_write, db
from app.mail.transports import Down, Later, Refused, Transport, transport_for
from app.operations import outbox, reminders
from app.web.security import invitation_token
from config import Config

log = structlog.get_logger()

IDLE = 2.0  # seconds between two looks into the outbox
LONGEST_PAUSE = 300.0  # seconds, while nothing can be sent
REMIND_FROM = 7  # o'clock in London: nobody is reminded in the night


@dataclass
class Outcome:
    """What a look into the outbox did. `down`: why nothing could be sent; empty where the transport works."""

    sent: int = 0
    refused: int = 0
    later: int = 0
    down: str = ""


def send_due(
    make: sessionmaker[Session], transport: Transport, config: Config, *,
    now: Callable[[Session], datetime] = clock.now, stopping: Callable[[], bool] = lambda: False,
) -> Outcome:  # fmt: skip
    """Send everything that is due, in order; stop at once where the transport is down. In an application context.

    Any number of senders may do this at the same time: each message is claimed by one.
    """
    outcome = Outcome()
    with make() as session:
        if not outbox.is_due(session, now=now(session)):
            return outcome  # most looks end here: without a lock on the database
    try:
        while not stopping() and not outcome.down:
            with make() as session:
                begin_write(session)
                at = now(session)
                link_to = outbox.address_of(
                    session, base_url=config.base_url, invitation=invitation_token, now=at
                )
                claimed = outbox.claim(session, now=at, link_to=link_to)
                session.commit()
            if claimed is None:
                break
            _send(make, transport, claimed, outcome, now)
    finally:
        transport.close()
    return outcome


def _send(
    make: sessionmaker[Session], transport: Transport, claimed: outbox.Claimed, outcome: Outcome,
    now: Callable[[Session], datetime],
) -> None:  # fmt: skip
    provider_id, problem = "", None
    try:
        provider_id = transport.send(claimed.mail, again=claimed.attempts > 1)
    except (Refused, Later) as failed:
        problem = failed
    except Exception as failed:  # a fault of ours must not stop the mails behind this one
        log.exception("mail failed", message=claimed.mail.id)
        problem = Refused(f"It could not be written as an e-mail ({type(failed).__name__}).")
    with make() as session:
        begin_write(session)
        at = now(session)
        if problem is None:
            outbox.record_sent(session, claimed, provider_id, now=at)
            outcome.sent += 1
        elif isinstance(problem, Refused):
            outbox.record_refused(session, claimed, str(problem))
            outcome.refused += 1
        else:
            outbox.record_later(session, claimed, str(problem), now=at)
            outcome.later += 1
            outcome.down = str(problem) if isinstance(problem, Down) else ""
        session.commit()
    if problem is not None:
        log.warning("mail not sent", message=claimed.mail.id, attempts=claimed.attempts, reason=str(problem))


class Post:
    """The worker's postman: sends what is due and reminds once a day, until it is told to stop."""

    def __init__(self, app: Flask, *, idle: float = IDLE) -> None:
        self._app = app
        self._idle = idle
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mail", daemon=True)
        self._reminded: date | None = None
        self._pause = idle

    def start(self) -> None:
        """Start working, in a thread: reports do not wait for mails, nor mails for reports."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the mail that is being sent; waits for that."""
        self._stop.set()
        self._thread.join(timeout=15)

    def _run(self) -> None:
        with self._app.app_context():
            while not self._stop.wait(self._pause):
                try:
                    self._work()
                except Exception:  # the database may be away: the next look finds out
                    log.exception("mail round failed")
                    self._pause = min(LONGEST_PAUSE, max(self._pause, 1.0) * 2)

    def _work(self) -> None:
        config, make = self._app.config["CANDOUR"], db.sessionmaker
        self._remind(make)
        transport = transport_for(config)
        if transport is None:
            return
        outcome = send_due(make, transport, config, stopping=self._stop.is_set)
        self._pause = min(LONGEST_PAUSE, max(self._pause, 1.0) * 2) if outcome.down else self._idle

    def _remind(self, make: sessionmaker[Session]) -> None:
        with make() as session:
            at = clock.now(session)
            day = clock.today(at)
            if day == self._reminded or at.astimezone(LONDON).hour < REMIND_FROM:
                return
            session.rollback()
            begin_write(session)
            reminders.remind(session, now=at)
            outbox.forget_old(session, now=at)
            session.commit()
        self._reminded = day
