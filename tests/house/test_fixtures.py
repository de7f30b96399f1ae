"""The tests' own ground: each test finds the database as new, whatever the test before it left there."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import db
from app.models import Agency, Area, Event, Setting
from app.operations.reports import request_round_report
from tests import kept
from tests.house.test_house import add_rows
from tests.operations.test_returns import sign
from tests.world import World, build

_FOUND: dict[str, str] = {}  # kind of database to all that the first test found there


def everything(session: Session) -> str:
    """All rows of all tables, those of the queue too, and the state of all counters."""
    engine = session.connection().engine
    lines = []
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        for schema in inspector.get_schema_names():
            if schema == "information_schema":
                continue
            for table in inspector.get_table_names(schema):
                name = f'"{schema}"."{table}"'
                rows = connection.exec_driver_sql(f"SELECT * FROM {name}")
                lines += sorted(f"{name} {tuple(row)!r}" for row in rows)
        if engine.dialect.name == "postgresql":
            counters = "SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2"
            lines += [f"counter {tuple(row)!r}" for row in connection.exec_driver_sql(counters)]
    return "\n".join(lines)


def leave_behind(app: Flask, world: World) -> None:
    """Change rows, add rows to append-only tables and others, delete some, and put something into the queue."""
    code = next(iter(world.returns))
    world.answer(code)
    sign(world, code)
    add_rows(world)
    session = world.write()
    session.delete(session.get_one(Setting, "pinned_date"))
    session.add(Area(code="left", name="Left behind"))
    world.audit_round.name = "Changed"
    request_round_report(
        session, world.audit_round, "joint-findings", by=world.actor("inspector"), now=world.now,
        enqueue=app.extensions["candour_jobs"].enqueue_report,
    )  # fmt: skip
    session.commit()


@pytest.mark.parametrize("turn", ["first", "second", "third"])
def test_no_row_of_another_test_is_left(app: Flask, session: Session, world: World, turn: str) -> None:
    """The runner gives the turns to one process; each leaves all that it can behind."""
    found = everything(session)
    assert _FOUND.setdefault(session.get_bind().dialect.name, found) == found
    leave_behind(app, world)
    assert everything(world.session) != found


def test_what_is_put_back_is_the_same_and_goes_on_the_same(app: Flask, world: World) -> None:
    before = everything(world.session)
    url = app.config["CANDOUR"].database_url

    def next_id() -> int:
        session = world.write()
        session.add(agency := Agency(code="new", name="New", agency_type="any", subtype=""))
        session.commit()
        return agency.id

    def close() -> None:
        world.session.rollback()
        with app.app_context():
            kept.let_go(db.db.engine)

    close()
    was = kept.keep(url)
    numbers = {next_id()}
    leave_behind(app, world)
    close()
    kept.put_back(url, was)
    assert everything(world.session) == before
    numbers.add(next_id())
    assert len(numbers) == 1, "counters go on where they were"
    with pytest.raises(sa.exc.DatabaseError, match="never changed or deleted"):
        world.write().execute(sa.delete(Event))


def test_a_world_is_made_in_an_empty_database_only(world: World) -> None:
    assert world.session.scalar(select(func.count()).select_from(Event))
    with pytest.raises(AssertionError, match="empty"):
        build(world.session)
