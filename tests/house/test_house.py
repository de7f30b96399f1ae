"""Rules about the code itself: what an auditor would otherwise have to check by reading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from app import create_app, db, jobs, migrate, models
from app.catalogue import load_all
from app.models import Base
from app.models.base import UTCDateTime
from app.policy import PERMISSIONS
from app.web import permissions
from config import ROOT, Config, ConfigError, make_home
from tests import postgres, world
from tests.world import pack as load_pack

PACKS = sorted(path.parent.name for path in (ROOT / "audit_templates").glob("*/pack.yaml"))


def test_every_route_declares_a_permission_for_each_method(app: Flask) -> None:
    assert permissions.gaps(app) == []
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert set(permissions.LIBRARY_ROUTES) <= endpoints, "a library route is declared that does not exist"


def test_a_route_without_a_permission_stops_the_program(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.web import home

    view = next(iter(create_app(config).view_functions[name] for name in ("home.health",)))
    monkeypatch.delattr(view, permissions.DECLARED)
    assert home.blueprint is not None
    with pytest.raises(RuntimeError, match="/health"):
        create_app(config)


def test_every_permission_is_used_by_a_route_or_an_operation() -> None:
    source = "".join(path.read_text() for path in (ROOT / "app").rglob("*.py") if path.name != "policy.py")
    assert [name for name in PERMISSIONS if f'"{name}"' not in source] == []


def _data_words() -> set[str]:
    """Keys that only packs may know: packs, agency types, subtypes, grades, bases, themes."""
    words: set[str] = set()
    for key, pack in load_all(ROOT / "audit_templates").items():
        words |= {key, *pack.agency_types, *pack.themes}
        words |= {subtype for kind in pack.agency_types.values() for subtype in kind.subtypes}
        for scheme in pack.grading_schemes.values():
            words |= {grade.key for grade in scheme.grades} | {basis.key for basis in scheme.bases}
    # words of the language that a program needs for other things
    return words - {"none", "full", "staff", "cases", "information", "policy", "asks"} - {
        "checked", "special", "primary", "figures", "recommendations"
    }  # fmt: skip


def test_no_code_names_a_pack_an_agency_type_or_a_grade() -> None:
    words = _data_words()
    quoted = re.compile(r"""(["'])(""" + "|".join(map(re.escape, sorted(words))) + r")\1")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for folder in ("app", "reports")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".html", ".yaml", ".js", ".css"} and "static" not in path.parts
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if quoted.search(line)
    ]
    assert found == []


def test_migrations_go_up_and_down_and_match_the_models(tmp_home: Path, database_url: str) -> None:
    if not database_url.startswith("sqlite"):
        postgres.drop_everything(database_url)
    app = create_app(Config.load(tmp_home, database_url=database_url, testing=True))
    migrate.upgrade(app)
    assert migrate.differences(app) == []
    jobs.prepare(database_url)
    assert migrate.differences(app) == [], "the queue's tables must not be taken for ours"
    migrate.downgrade(app)
    with app.app_context():
        left = set(sa.inspect(db.db.engine).get_table_names()) & set(Base.metadata.tables)
    assert left == set()
    migrate.upgrade(app)
    assert migrate.differences(app) == [] and migrate.is_current(app)
    with app.app_context():
        assert _trigger_tables(db.db.engine) == set(migrate.UNCHANGEABLE)
        db.db.engine.dispose()
    if not database_url.startswith("sqlite"):
        from tests.conftest import EMPTY

        EMPTY.pop(database_url, None)


def test_migrations_keep_what_is_stored(tmp_home: Path, database_url: str) -> None:
    """Down to each version and up again, with a round, agencies and returns that others point to."""
    if not database_url.startswith("sqlite"):
        postgres.drop_everything(database_url)
    app = create_app(Config.load(tmp_home, database_url=database_url, testing=True))
    migrate.upgrade(app)
    jobs.prepare(database_url)
    with app.app_context():
        returns = sorted(world.build(db.db.session).returns)
        db.db.session.commit()
    steps = [path.name[:4] for path in sorted((ROOT / "migrations").glob("0*.py"))]
    for step in reversed(steps[:-1]):
        migrate.downgrade(app, step)
        migrate.upgrade(app)
    assert migrate.differences(app) == [] and migrate.is_current(app)
    with app.app_context():
        kept = db.db.session.scalars(
            sa.select(models.Agency.code).join(models.AuditReturn, models.AuditReturn.agency_id == models.Agency.id)
        )
        assert sorted(kept) == returns
        assert db.db.session.scalar(sa.text("SELECT count(*) FROM event"))
        db.db.session.close()
        db.db.engine.dispose()
    if not database_url.startswith("sqlite"):
        from tests.conftest import EMPTY

        EMPTY.pop(database_url, None)


def _trigger_tables(engine: sa.Engine) -> set[str]:
    query = (
        "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE 'search_text_in_step_%'"
        if engine.dialect.name == "sqlite"
        else "SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal"
        " AND tgname LIKE '%\\_unchangeable'"
    )
    with engine.connect() as connection:
        return set(connection.execute(sa.text(query)).scalars())


def add_rows(world) -> None:  # type: ignore[no-untyped-def]
    """A row in each of the tables that signing alone does not fill."""
    session, audit_return = world.write(), next(iter(world.returns.values()))
    at, person = world.now, world.people["lead"].id
    file = models.StoredFile(sha256="0" * 64, size=1, media_type="text/plain", stored_at=at)
    evidence = models.Evidence(agency_id=audit_return.agency_id, title="Policy", added_at=at)
    evidence.revisions = [models.EvidenceRevision(number=1, file=file, name="policy.txt", at=at)]
    action = models.PlannedAction(
        return_id=audit_return.id, criterion="any", what="Train", owner="Director", made_at=at, saved_at=at
    )
    action.progress = [models.ActionProgress(state="done", at=at)]
    comment = models.BoardComment(return_id=audit_return.id, text="Read.", by_id=person, at=at)
    thread = models.Thread(return_id=audit_return.id, kind="query", subject="Why?", opened_at=at)
    thread.posts = [models.ThreadPost(side="oversight", text="Why?", at=at)]
    submission = session.scalars(sa.select(models.Submission)).first()
    found = models.Moderation(
        return_id=audit_return.id, submission_id=submission.id, criterion="any", version=1, outcome="upheld",
        self_grade="any", grade="any", at=at,
    )  # fmt: skip
    feedback = models.Feedback(return_id=audit_return.id, version=1, content={}, at=at)
    publication = models.Publication(
        round_id=audit_return.round_id, number=1, content={}, sha256="0" * 64, snapshot_id="x", changes=[], at=at
    )
    session.add_all([evidence, action, comment, thread, found, feedback, publication])
    version = models.CompositionVersion(round_id=audit_return.round_id, number=1, content={}, at=at)
    owner = session.scalars(sa.select(models.OversightBody)).first()
    recommended = models.Recommended(
        round_id=audit_return.round_id, key="rec-1", number=1, text={}, body=owner, made_at=at, edition=1
    )
    session.add_all([
        models.CompositionSignOff(version=version, body=owner, at=at),
        models.RecommendedStatus(recommended=recommended, state="accepted", note="Said.", at=at),
        models.RecommendedResponse(
            recommended=recommended, return_id=audit_return.id, answer="accepted", text="Done.", at=at
        ),
    ])  # fmt: skip
    session.commit()


@pytest.mark.parametrize("table", migrate.UNCHANGEABLE)
def test_what_was_signed_or_recorded_cannot_be_changed_or_deleted(app: Flask, world, table: str) -> None:
    """Through raw SQL, as somebody with the database's password would try."""
    from tests.operations.test_returns import sign

    code = next(iter(world.returns))
    world.answer(code)
    sign(world, code)
    if table == "submission_voided":
        from app.operations.submissions import reopen

        inspector = world.actor("inspector")
        reopen(world.write(), world.returns[code].public_id, reason="x", by=inspector, now=world.now)
        world.session.commit()
    with app.app_context():
        add_rows(world)
        for statement in (f"UPDATE {table} SET id = id + 1000", f"DELETE FROM {table}"):
            with db.db.engine.connect() as connection:
                assert connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one() > 0
                with pytest.raises(sa.exc.DatabaseError, match="never changed or deleted"):
                    connection.execute(sa.text(statement))


def test_one_sqlite_library_everywhere(tmp_home: Path) -> None:
    import pysqlite3

    url = f"sqlite:///{tmp_home / 'candour.sqlite'}"
    app = create_app(Config.load(tmp_home, database_url=url, testing=True))
    with app.app_context():
        engines = {"application": db.db.engine, "own": db.make_engine(url), "queue": jobs.jobs_engine(url)}
        for name, engine in engines.items():
            with engine.connect() as connection:
                version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
            engine.dispose()
            assert version == pysqlite3.sqlite_version, name
    assert tuple(map(int, pysqlite3.sqlite_version.split("."))) >= (3, 51, 3)
    code = [
        path
        for path in (*ROOT.glob("app/**/*.py"), *ROOT.glob("reports/**/*.py"), ROOT / "config.py")
        if re.search(r"^\s*(import sqlite3|from sqlite3)", path.read_text(), re.MULTILINE)
    ]
    assert code == []


def test_every_instant_is_stored_in_utc() -> None:
    """Flask-Security writes naive UTC into columns of its own; all others go through the decorator."""
    theirs = {"user", "role", "fs_refresh"}
    naive = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.DateTime) and not isinstance(column.type, UTCDateTime)
        if table.name not in theirs
    ]
    assert naive == []


@pytest.mark.parametrize("key", PACKS)
def test_every_pack_loads_and_survives_freezing(key: str) -> None:
    import json

    from app.domain.integrity import canonical_json
    from app.domain.templates import Pack

    pack = load_pack(key)
    assert Pack.from_frozen(json.loads(canonical_json(pack.to_frozen()))) == pack


def test_the_program_refuses_missing_weak_and_readable_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="candour setup"):
        Config.load(tmp_path)
    make_home(tmp_path)
    Config.load(tmp_path)
    secret = tmp_path / "secrets" / "SECRET_KEY"
    assert secret.stat().st_mode & 0o777 == 0o600
    secret.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        Config.load(tmp_path)
    monkeypatch.setenv("CANDOUR_SECRET_KEY", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
    with pytest.raises(ConfigError, match="too weak"):
        Config.load(tmp_path)


def test_every_public_function_says_what_it_does() -> None:
    import ast

    missing = []
    for path in sorted([*ROOT.glob("app/**/*.py"), *ROOT.glob("reports/**/*.py"), ROOT / "config.py"]):
        tree = ast.parse(path.read_text())
        for node in [tree, *tree.body]:
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                name = getattr(node, "name", path.name)
                if not name.startswith("_") and ast.get_docstring(node) is None and path.stat().st_size:
                    missing.append(f"{path.relative_to(ROOT)}: {name}")
    assert missing == []
