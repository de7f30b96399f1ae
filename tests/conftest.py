"""Fixtures that every test can use: databases, a private data folder, a browser."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, has_app_context
from flask.globals import app_ctx
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from xdist.scheduler import LoadScopeScheduling

from app import clock, create_app, db, jobs, migrate
from app.db import begin_write
from config import Config, make_home
from tests import kept, postgres
from tests import world as world_module

# Set by the controlling process; the xdist workers inherit them: one server for all is in the first folder, compiled
# templates are in the second.
_PG_FOLDER = "CANDOUR_TEST_POSTGRES_FOLDER"
_TEMPLATES = "CANDOUR_TEST_TEMPLATES_FOLDER"

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str:
    """The browser that tests open: one without a window of its own, whose parts would cost more than the pages."""
    return os.environ.get("CANDOUR_CHROMIUM", "/usr/bin/chromium-headless-shell")


# Tests that share what is slow to make (the service and its browser; demonstrations and their reports) go to one
# process, by folder: the groups of pytest-xdist 3.8 do nothing with pytest 9.2.
# The first that fits counts: a round that has a service of its own need not wait for the others.
TOGETHER = {
    "tests/browser/test_oversight_pages.py": "rounds",
    "tests/browser/": "browser",
    "tests/reports/": "reports",
    "tests/jobs/test_worker.py": "reports",
    "tests/operations/test_demonstration": "demonstrations",
    "tests/house/test_fixtures.py": "fixtures",
}


class Together(LoadScopeScheduling):
    """Gives each process a test at a time, and those of `TOGETHER` to one of them."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for start, group in TOGETHER.items() if nodeid.startswith(start)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """How tests are shared out between processes."""
    return Together(config, log)


def write_addresses_later() -> None:
    """Prepare a route to write addresses when the first is written, not when the route is made.

    Every command makes an application with all routes of ours, and writes hardly any address: preparing them took more
    than half of the time of the tests of commands.
    """
    prepare_now = Rule._compile_builder

    def prepare_later(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
        prepared: list[Callable[..., Any]] = []

        def build(own: Rule, **values: Any) -> Any:
            if not prepared:
                prepared.append(prepare_now(rule, append_unknown))
            return prepared[0](own, **values)

        return build

    Rule._compile_builder = prepare_later  # type: ignore[method-assign]


write_addresses_later()


def pytest_configure(config: pytest.Config) -> None:
    """Name one folder for the PostgreSQL server of this run, and one for compiled templates."""
    if not hasattr(config, "workerinput"):
        os.environ[_PG_FOLDER] = tempfile.mkdtemp(prefix="candour-pg-")
        os.environ[_TEMPLATES] = tempfile.mkdtemp(prefix="candour-templates-")


def pytest_collection_finish() -> None:
    """Search less often for garbage, and not among what was imported: it took a fifth of the time."""
    keep_for_good()
    gc.set_threshold(100_000, 20, 100)


def keep_for_good() -> None:
    """Leave out of later searches for garbage what lives now: it lives as long as this process."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Close what all tests of this process shared."""
    for app in _APPS.values():
        with app.app_context():
            db.db.engine.dispose()
    postgres.let_go()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the PostgreSQL server of this run, if a test started it."""
    if not hasattr(config, "workerinput"):
        server = postgres.Server(Path(os.environ.pop(_PG_FOLDER)))
        if server.is_started:
            server.stop()
        shutil.rmtree(server.folder)
        shutil.rmtree(os.environ.pop(_TEMPLATES))


@pytest.fixture(scope="session")
def worker_name() -> str:
    """The name of this xdist worker (``gw0``), or ``main`` without xdist."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def pg_url(worker_name: str) -> str:
    """The URL of a PostgreSQL database that belongs to this xdist worker; it is new and empty.

    The server is started when the first test asks. ``CANDOUR_TEST_POSTGRES_URL`` names another one; its
    user must be allowed to create databases.
    """
    database = f"candour_test_{worker_name}"
    server_url = os.environ.get("CANDOUR_TEST_POSTGRES_URL")
    if server_url:
        postgres.create_database(server_url, database)
        head, _, query = server_url.partition("?")
        return f"{head.rpartition('/')[0]}/{database}" + (f"?{query}" if query else "")
    server = postgres.Server(Path(os.environ[_PG_FOLDER]))
    with open(f"{server.folder}/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not server.is_started:
            server.start()
    postgres.create_database(server.url("postgres"), database)
    return server.url(database)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database, once for each kind that Candour runs on.

    SQLite: a new file for each test. PostgreSQL: the worker's database as the last test left it; use
    ``kept.put_back`` or ``postgres.drop_everything`` on it.
    """
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'candour.db'}"
    url: str = request.getfixturevalue("pg_url")
    return url


@pytest.fixture
def tmp_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private data folder with its own secrets, named by ``CANDOUR_HOME`` for the length of a test."""
    home = tmp_path / "home"
    make_home(home)
    monkeypatch.setenv("CANDOUR_HOME", str(home))
    return home


def prepare(config: Config) -> None:
    """Migrate an empty database and make the queue's tables: what `candour setup` does."""
    app = create_app(config)
    migrate.upgrade(app)
    jobs.prepare(config.database_url)
    with app.app_context():
        db.db.engine.dispose()


@pytest.fixture(scope="session")
def worker_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder that the tests of this xdist worker share, one after the other."""
    home = tmp_path_factory.mktemp("home")
    make_home(home)
    return home


@pytest.fixture
def config(worker_home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Settings for one test, named in the environment too: an empty, migrated database, once for each kind."""
    monkeypatch.setenv("CANDOUR_HOME", str(worker_home))
    if database_url.startswith("sqlite"):
        database_url = f"sqlite:///{worker_home / 'candour.sqlite'}"  # one place for all tests: see `app`
    else:
        monkeypatch.setenv("CANDOUR_DATABASE_URL", database_url)
    settings = Config.load(testing=True)
    if database_url in EMPTY:
        kept.put_back(database_url, EMPTY[database_url])
    else:
        if not database_url.startswith("sqlite"):
            postgres.drop_everything(database_url)
        prepare(settings)
        EMPTY[database_url] = kept.keep(database_url)
    return settings


# what is kept of each database when it is migrated and empty: migrating for each test would take longer than the test
EMPTY: dict[str, kept.Kept] = {}
_APPS: dict[str, Flask] = {}


@pytest.fixture
def app(config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The application on that database. The clock is pinned to the day of `world.NOW` and runs from that time of day.

    One application for all tests of a kind: a new engine would compile every statement again.
    """
    app = _APPS.get(config.database_url)
    if app is None:
        app = _APPS[config.database_url] = create_app(config)
        app.config["WTF_CSRF_ENABLED"] = False
        with app.app_context():
            _do_not_wait_for_the_disk(db.db.engine)
        # each application would compile every template again
        app.jinja_env.bytecode_cache = FileSystemBytecodeCache(os.environ[_TEMPLATES])
        keep_for_good()
    with app.app_context():
        begin_write(db.db.session)
        clock.pin(db.db.session, world_module.NOW.date())
        db.db.session.commit()
    late = datetime.now(UTC) - world_module.NOW
    monkeypatch.setattr(
        clock, "time_of_day", lambda: (datetime.now(UTC) - late).astimezone(clock.LONDON).time()
    )
    assert not has_app_context(), "an application context was left open before this test"
    yield app
    left = 0
    while has_app_context():  # requests inside it would share its `g`: the hour, and who asks
        left += 1
        app_ctx.pop()
    with app.app_context():
        kept.let_go(db.db.engine)
    assert not left, "this test left an application context open"


def _do_not_wait_for_the_disk(engine: Engine) -> None:
    """As PostgreSQL is set for tests: what they write is thrown away."""
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _connect(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A session of the test's own, open for writing, beside those of the requests it makes.

    Not the application context's: a request inside an open context would share its session and its `g`.
    """
    with app.app_context():
        make = db.db.sessionmaker
    with make() as session:
        begin_write(session)
        yield session


@pytest.fixture
def world(session: Session) -> world_module.World:
    """An open round with agencies and people: see `tests/world.py`."""
    return world_module.build(session)


@pytest.fixture
def client_as(app: Flask, world: world_module.World) -> Callable[[str], FlaskClient]:
    """A test client that is signed in as somebody of the world, without the slow password."""

    def sign_in(name: str) -> FlaskClient:
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie["_user_id"] = world.people[name].fs_uniquifier
            cookie["_fresh"] = True
            cookie["fs_cc"] = "set"
        return client

    return sign_in
