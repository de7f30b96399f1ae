"""Databases as they were at a moment, put back in an instant: what is slow to make is made once by each process.

What is put back is the same to the byte: ids, counters of ids, triggers and the queue's tables. No row of the test
before is left, of whatever table. No transaction may be open meanwhile, and no connection to an SQLite file (`let_go`).
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, make_url

from tests import postgres

Kept = bytes | postgres.Rows


def keep(url: str) -> Kept:
    """All that a database holds now."""
    return postgres.rows_of(url) if (file := file_of(url)) is None else file.read_bytes()


def put_back(url: str, what: Kept) -> None:
    """Make the database that something was kept of what it was then."""
    if isinstance(what, postgres.Rows):
        postgres.fill(url, what)
        return
    file = file_of(url)
    assert file is not None
    for old in file.parent.glob(f"{file.name}*"):  # with the log of what was written last
        old.unlink()
    file.write_bytes(what)


def let_go(engine: Engine) -> None:
    """Close the connections to an SQLite file, which is to be replaced. Those to PostgreSQL stay: see `postgres`."""
    if engine.dialect.name == "sqlite":
        engine.dispose()


def file_of(url: str) -> Path | None:
    """The file of an SQLite database."""
    parts = make_url(url)
    return Path(parts.database or "") if parts.get_backend_name() == "sqlite" else None
