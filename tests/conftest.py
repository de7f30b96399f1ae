"""Fixtures that every test can use: databases, a private data folder, a browser."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from config import make_home
from tests import postgres

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Set by the controlling process; the xdist workers inherit it and share one server in this folder.
_PG_FOLDER = "CANDOUR_TEST_POSTGRES_FOLDER"

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure(config: pytest.Config) -> None:
    """Name one folder for the PostgreSQL server of this run."""
    if not hasattr(config, "workerinput"):
        os.environ[_PG_FOLDER] = tempfile.mkdtemp(prefix="candour-pg-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the PostgreSQL server of this run, if a test started it."""
    if not hasattr(config, "workerinput"):
        server = postgres.Server(Path(os.environ.pop(_PG_FOLDER)))
        if server.is_started:
            server.stop()
        shutil.rmtree(server.folder)


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
    ``postgres.empty_tables`` or ``postgres.drop_everything`` on it.
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


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium; call ``new_context()`` on it for each test.

    Playwright keeps an event loop running in this process until the session ends, so browser tests carry
    ``@pytest.mark.xdist_group("browser")`` and stay in one worker.
    """
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CANDOUR_CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()
