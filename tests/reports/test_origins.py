"""What the figures of a report rest on: what functions read for, what changes without rows, what files keep of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.queries import stands
from reports.explain import rows_at
from reports.make import make_source
from reports.origins import ORIGINS, QUERIES
from reports.read import read
from reports.registry import HERE, reports
from reports.source import known, recorded
from reports.tables import figures_of
from scripts.queries import asked, every, world

OF_FULL = ("joint-findings", "body-summary", "area-report", "regional-concerns", "progress", "recommendations-register")
# what comes with the round and its checklist, whatever is answered
GIVEN = {"schemes"}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """An invented round with findings, judgements, feedback and an earlier round."""
    with world("full", tmp_path_factory.mktemp("origins")) as session:
        yield session


def test_the_kept_statements_are_those_that_the_program_asks(tmp_path: Path) -> None:
    found = every(tmp_path)
    kept = {path.parent.name: path.read_text() for path in HERE.glob(f"*/{QUERIES}")}
    assert sorted(found) == sorted(kept)
    for key, text in found.items():
        assert text == kept[key], f"{key}: run make queries"
        assert "password" not in text and "Agency" not in text
        model = reports()[key].model.model_fields
        for query in known(text.encode()):
            assert query.fills and set(query.fills) <= set(model), query.reader
            assert query.statement.startswith(("SELECT", "WITH")) and not query.values and not query.times


@pytest.mark.parametrize("key", [*OF_FULL, "feedback", "agency-return", "action-plan", "draft-return", "changes"])
def test_every_figure_names_data_that_are_there_and_has_a_statement(full: Session, key: str) -> None:
    source = make_source(full, key, **asked(full, key))
    figures = figures_of(source.page)
    assert figures and any(query.fills for query in source.queries)
    filled = {field for query in known((HERE / key / QUERIES).read_bytes()) for field in query.fills or ()}
    for figure in figures:
        assert figure.number and figure.source, figure.caption
        assert rows_at(source.data, figure.source), figure.caption
        field = figure.source.partition("[")[0].partition(".")[0]
        assert field in filled | GIVEN, figure.caption
    for kind in ("table", "figure"):
        assert [one.number for one in figures if one.kind == kind] == [
            *range(1, 1 + sum(one.kind == kind for one in figures))
        ]
    if len(figures) > 5:
        assert source.page.count('class="contents listed') == 1


@contextmanager
def without(session: Session, text: str) -> Iterator[None]:
    """While open a statement finds no rows."""

    def none(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> Any:
        if " ".join(statement.split()) == text:
            statement = f"SELECT * FROM ({statement}) AS rows_of_it WHERE 1 = 0"
        return statement, parameters

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", none, retval=True)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", none)


def test_what_the_joint_findings_rest_on(full: Session) -> None:
    nothing_else_changes(full, "joint-findings")


@pytest.mark.proof
@pytest.mark.parametrize(
    ("name", "key"), [("drawn", OF_FULL[0]), ("facts", OF_FULL[0]), *(("full", key) for key in OF_FULL[1:])]
)
def test_what_every_report_rests_on(tmp_path: Path, name: str, key: str) -> None:
    with world(name, tmp_path) as session:
        nothing_else_changes(session, key)


def nothing_else_changes(session: Session, key: str) -> None:
    """Take the rows of one statement after the other away: only what it reads for is another then."""

    def made() -> dict[str, Any]:
        session.expunge_all()
        stands._KEPT.clear()
        return read(session, key, **asked(session, key)).model_dump(mode="json", exclude={"snapshot_id"})

    made()  # packs are read once by a process
    with recorded(session, ORIGINS[reports()[key].data]) as queries:
        whole = made()
    page = make_source(session, key, **asked(session, key)).page
    shown = {figure.source.partition("[")[0].partition(".")[0] for figure in figures_of(page)}
    moved: set[str] = set()
    for query in queries:
        try:
            with without(session, query.statement):
                left = made()
        except Exception:  # without it there is no report
            session.rollback()
            moved |= set(query.fills or ())
            continue
        changed = {field for field, value in whole.items() if value != left[field]}
        assert query.fills is None or changed <= set(query.fills), query.reader
        moved |= changed
    assert shown <= moved | GIVEN, "each figure rests on a statement"
