"""What every request needs: the session, the time, the actor; and the one commit."""

from __future__ import annotations

from datetime import datetime

from flask import Flask, abort, g, request
from flask_security import current_user
from sqlalchemy.orm import Session

from app import clock
from app.db import begin_write, db
from app.policy import ANONYMOUS, Actor
from app.queries.actors import actor_of

SAFE = ("GET", "HEAD", "OPTIONS")


def init_app(app: Flask) -> None:
    """Open the transaction of an unsafe request as a write, before anything reads."""

    @app.before_request
    def _begin() -> None:
        if "\x00" in request.path:
            abort(404)  # PostgreSQL refuses this character; no id has it
        if request.method not in SAFE and request.endpoint != "static":
            begin_write(db.session)


def session() -> Session:
    """The database session of this request."""
    return db.session


def now() -> datetime:
    """The instant of this request: the same however often it is asked."""
    if "now" not in g:
        g.now = clock.now(db.session)
    return g.now


def actor() -> Actor:
    """Who makes this request."""
    if "actor" not in g:
        g.actor = (
            actor_of(db.session, current_user, now=now()) if current_user.is_authenticated else ANONYMOUS
        )
    return g.actor


def commit() -> None:
    """Make the request's changes durable. Called once, after the operation and before “saved” is said."""
    db.session.commit()
