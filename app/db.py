"""The database engine: one SQLite library everywhere, writes that take the lock at once, foreign keys on.

SQLite through `pysqlite3` only: two SQLite libraries that open one file in one process break each other's locks, and
the system's library has a corruption bug in WAL mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pysqlite3
import sqlalchemy as sa
from flask_sqlalchemy_lite import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.orm import Session

db = SQLAlchemy()

WRITE = "candour_write"


def engine_options(url: str) -> dict[str, Any]:
    """Arguments for `create_engine`, so that every engine of the program is made alike."""
    if sa.make_url(url).get_backend_name() == "sqlite":
        return {"url": url, "module": pysqlite3, "connect_args": {"timeout": 30, "check_same_thread": False}}
    return {"url": url, "pool_pre_ping": True}


def listen(engine: sa.Engine) -> None:
    """Attach the SQLite settings to an engine of ours (DBOS gets an engine of its own, without them)."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        cursor = connection.cursor()
        # pages of a whole round read more than the 2 MB that SQLite keeps at hand by itself
        for pragma in (
            "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000", "cache_size=-65536",
        ):  # fmt: skip
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # a plain read must not wait behind a writer, and a write that starts as a read may fail when it upgrades
        write = connection.get_execution_options().get(WRITE)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def begin_write(session: Session) -> None:
    """Open the session's transaction as a write. Must come before the session's first statement."""
    session.connection(execution_options={WRITE: True})


def rows_of(
    session: Session, statement: sa.Executable, values: Mapping[str, Any] | None = None
) -> sa.CursorResult[*tuple[Any, ...]]:  # fmt: skip
    """The rows of a statement that reads columns only, in the session's transaction, what is pending written first.

    A session prepares for objects what it executes: for the thousands of rows of a round's pages, up to half the time.
    """
    session.flush()
    return session.connection().execute(statement, values)


def make_engine(url: str) -> sa.Engine:
    """An engine of our own outside Flask (the worker, the benchmarks)."""
    options = engine_options(url)
    engine = sa.create_engine(options.pop("url"), **options)
    listen(engine)
    return engine
