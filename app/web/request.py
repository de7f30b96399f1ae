"""What every request needs: the session, the time, the actor; and the one commit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from flask import Flask, abort, current_app, g, request
from flask_security import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.db import begin_write, db, rows_of
from app.models import Setting
from app.policy import ANONYMOUS, Actor
from app.queries.actors import actor_with

SAFE = ("GET", "HEAD", "OPTIONS")
View = TypeVar("View", bound=Callable[..., Any])
TAKES_FILE = "_candour_takes_file"
READS_FIRST = "_candour_reads_first"
BESIDE_FILE = 1024**2  # bytes of a form's other fields
_SETTINGS = select(Setting.key, Setting.value)  # made once: every request asks


def takes_file(view: View) -> View:
    """Declare that a view takes a file: it may be as large as the settings say, and its write begins with `begin()`.

    Receiving and examining a file takes seconds, in which nobody else's save may wait for it.
    """
    setattr(view, TAKES_FILE, True)
    return view


def takes_files(megabytes: int) -> Callable[[View], View]:
    """The same for a view that takes several files in one, of at most so many megabytes together."""

    def declare(view: View) -> View:
        setattr(view, TAKES_FILE, megabytes)
        return view

    return declare


def reads_first(view: View) -> View:
    """Declare that a view reads for long before it writes, so that nobody waits: its write begins with `begin()`."""
    setattr(view, READS_FIRST, True)
    return view


def begin() -> None:
    """Open the transaction of a view that takes a file, or reads first, as a write. What was read is read anew."""
    db.session.rollback()
    begin_write(db.session)


def init_app(app: Flask) -> None:
    """Open the transaction of an unsafe request as a write, before anything reads."""

    @app.before_request
    def _begin() -> None:
        if "\x00" in request.path:
            abort(404)  # PostgreSQL refuses this character; no id has it
        view = current_app.view_functions.get(request.endpoint or "")
        if getattr(view, READS_FIRST, False):
            return
        if most := getattr(view, TAKES_FILE, False):
            megabytes = current_app.config["CANDOUR"].evidence_max_mb if most is True else most
            request.max_content_length = megabytes * 1024**2 + BESIDE_FILE
            return
        if request.method not in SAFE and request.endpoint != "static":
            begin_write(db.session)


def session() -> Session:
    """The database session of this request."""
    return db.session


def setting(key: str) -> dict[str, Any] | None:
    """The value of a setting, None where it is not set. All are read at once, and anew for every request."""
    if "settings" not in g:
        g.settings = dict(rows_of(db.session, _SETTINGS).all())
    return g.settings.get(key)  # type: ignore[no-any-return]


def now() -> datetime:
    """The instant of this request: the same however often it is asked."""
    if "now" not in g:
        g.now = clock.instant(setting(clock.PINNED))
    return g.now


def actor() -> Actor:
    """Who makes this request."""
    if "actor" not in g:
        g.actor = (
            actor_with(current_user, current_user.appointments, now=now())
            if current_user.is_authenticated
            else ANONYMOUS
        )
    return g.actor


def wants_json() -> bool:
    """Whether a script of our own asks, which reads JSON: it cannot follow a redirect to a page."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def commit() -> None:
    """Make the request's changes durable. Called once, after the operation and before “saved” is said."""
    db.session.commit()
