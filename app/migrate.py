"""Alembic, and the triggers that it would lose.

Batch mode copies a SQLite table and silently drops its triggers, so they are put back after every migration.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask.ctx import AppContext
from flask_alembic import Alembic
from sqlalchemy import Connection, event, text

from app.db import db
from app.models import Base
from config import ROOT

UNCHANGEABLE = (
    "submission", "submission_answer", "submission_voided", "declaration", "event", "self_assessment_version",
    "pack_version", "template_version", "criterion", "evidence_revision", "action_progress", "board_comment",
    "thread_post", "moderation", "feedback", "publication", "composition_version", "composition_sign_off",
    "recommended_status", "recommended_response",
)  # fmt: skip
# on SQLite the index over the words of `search_text` is a table of its own, which follows it
KEPT_IN_STEP = {
    "INSERT": "INSERT INTO search_index(rowid, text) VALUES (new.id, new.text);",
    "DELETE": "INSERT INTO search_index(search_index, rowid, text) VALUES ('delete', old.id, old.text);",
    "UPDATE": "INSERT INTO search_index(search_index, rowid, text) VALUES ('delete', old.id, old.text);"
    " INSERT INTO search_index(rowid, text) VALUES (new.id, new.text);",
}

alembic = Alembic(metadatas=Base.metadata)


def init_app(app: Flask) -> None:
    """Set Alembic up. DBOS keeps its tables in the same database: they are not ours to compare or drop."""
    app.config["ALEMBIC"] = {"script_location": str(ROOT / "migrations"), "path_separator": "os"}
    own = set(Base.metadata.tables)

    def ours(name: str | None, kind: str, parents: object) -> bool:
        return name in own if kind == "table" else name != "ix_search_text_words"

    app.config["ALEMBIC_CONTEXT"] = {"render_as_batch": True, "include_name": ours, "compare_type": True}
    alembic.init_app(app)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # the extension turns on a line per step


def upgrade(app: Flask) -> None:
    """Bring the database to the newest version, and put the triggers in place."""
    with _without_foreign_keys(app), _context(app):
        alembic.upgrade()
    with _context(app), db.engine.begin() as connection:
        put_triggers(connection)


def downgrade(app: Flask, target: str = "base") -> None:
    """Take the database back. The triggers go first: they would forbid emptying the tables."""
    with _context(app), db.engine.begin() as connection:
        drop_triggers(connection)
    with _without_foreign_keys(app), _context(app):
        alembic.downgrade(target)


@contextmanager
def _without_foreign_keys(app: Flask) -> Iterator[None]:
    """Let SQLite replace a table that others point to, as batch mode does, and look afterwards that all still do.

    Raises RuntimeError where a row points to nothing.
    """
    with _context(app):
        engine = db.engine
    if engine.dialect.name != "sqlite":
        yield
        return

    def switch_off(connection: Any, *_rest: object) -> None:
        connection.execute("PRAGMA foreign_keys=OFF")  # outside a transaction: within one it does nothing

    engine.dispose()
    event.listen(engine, "connect", switch_off)
    try:
        yield
    finally:
        event.remove(engine, "connect", switch_off)
        engine.dispose()
    with engine.connect() as connection:
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if lost:
        raise RuntimeError(f"The migration left rows that point to nothing, first in {lost[0][0]}: restore the copy")


def is_current(app: Flask) -> bool:
    """Whether the database has the version that this program needs."""
    with _context(app):
        return {str(revision.revision) for revision in alembic.current()} == {
            str(revision.revision) for revision in alembic.heads()
        }


def differences(app: Flask) -> list[Any]:
    """How the database differs from the models; empty when a migration was written for every change."""
    with _context(app):
        return list(alembic.compare_metadata())


def _context(app: Flask) -> AppContext:
    """A context of its own for each step: Alembic keeps a transaction open until its context ends."""
    return app.app_context()


def put_triggers(connection: Connection) -> None:
    """Forbid changing or deleting rows of what was signed, published or recorded; keep the index of words in step."""
    drop_triggers(connection)
    if connection.dialect.name == "sqlite":
        for table in UNCHANGEABLE:
            for verb in ("UPDATE", "DELETE"):
                connection.execute(
                    text(
                        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN"
                        f" SELECT RAISE(ABORT, '{table} rows are never changed or deleted'); END"
                    )
                )
        for verb, step in KEPT_IN_STEP.items():
            connection.execute(
                text(f"CREATE TRIGGER search_text_in_step_{verb.lower()} AFTER {verb} ON search_text BEGIN {step} END")
            )
        return
    connection.execute(
        text(
            "CREATE OR REPLACE FUNCTION candour_unchangeable() RETURNS trigger AS $$ BEGIN"
            " RAISE EXCEPTION '% rows are never changed or deleted', TG_TABLE_NAME; END $$ LANGUAGE plpgsql"
        )
    )
    for table in UNCHANGEABLE:
        connection.execute(
            text(
                f"CREATE TRIGGER {table}_unchangeable BEFORE UPDATE OR DELETE ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION candour_unchangeable()"
            )
        )
        connection.execute(
            text(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION candour_unchangeable()"
            )
        )


def drop_triggers(connection: Connection) -> None:
    """Remove the triggers, where they are: before a migration is taken back."""
    if connection.dialect.name == "sqlite":
        names = connection.execute(
            text(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND"
                " (name LIKE '%\\_no\\_%' ESCAPE '\\' OR name LIKE '%\\_in\\_step\\_%' ESCAPE '\\')"
            )
        ).scalars().all()  # fmt: skip
        for name in names:
            connection.execute(text(f"DROP TRIGGER {name}"))
        return
    rows = connection.execute(
        text(
            "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal"
            " AND (tgname LIKE '%\\_unchangeable' OR tgname LIKE '%\\_no\\_truncate')"
        )
    ).all()
    for name, table in rows:
        connection.execute(text(f"DROP TRIGGER {name} ON {table}"))
