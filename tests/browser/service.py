"""The real service for the browser tests: a data folder, the demonstration, `candour serve` as a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import sample

from sqlalchemy import select

from app import create_app, db
from app.db import begin_write
from app.models import User
from app.web.security import hashed
from config import ROOT, Config

PASSWORD = "lanterns-over-northmere"  # of the demonstration's accounts; its sign-in page shows it
CANDOUR = [sys.executable, "-m", "app.cli"]


@dataclass(frozen=True)
class Service:
    """A running service: where it is, its data folder, and the file that it writes its messages to."""

    url: str
    home: Path
    log: Path


@contextmanager
def running(
    home: Path, *, agencies: int, joined: Sequence[str] = (), before: Sequence[Sequence[str]] = (),
    web_workers: int = 1,
) -> Iterator[Service]:  # fmt: skip
    """Set up, load the demonstration, and serve it, with its worker, until the end of the block.

    `joined`: e-mail addresses of invited people of the demonstration who get its password, so that they can sign in.
    `before`: commands that are run before it serves.
    """
    environment = environment_of(home)
    set_up(home, agencies=agencies, joined=joined)
    for command in before:
        subprocess.run([*CANDOUR, *command], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=600)
    with served(home, environment, free_port(), web_workers=web_workers) as service:
        yield service


def set_up(home: Path, *, agencies: int = 0, joined: Sequence[str] = ()) -> None:
    """A data folder that is ready to be served, with the demonstration where it is to have agencies.

    `joined`: see `running`.
    """
    shutil.copytree(_fresh(agencies, home.parent), home, dirs_exist_ok=True)
    if joined:
        # in a thread of its own: the loop of a browser that is open in this one leaves no room for our context
        with ThreadPoolExecutor(1) as thread:
            thread.submit(_let_in, home, joined).result()


_LOADED: dict[int, Path] = {}  # number of agencies to a data folder that nobody has worked in


def _fresh(agencies: int, beside: Path) -> Path:
    """A data folder that is set up, with the demonstration where it is to have agencies; made once, to be copied."""
    if agencies not in _LOADED:
        fresh = Path(tempfile.mkdtemp(prefix="fresh-", dir=beside))
        command = ["setup"]
        if agencies:
            shutil.copytree(_fresh(0, beside), fresh, dirs_exist_ok=True)
            command = ["demo", "--agencies", str(agencies)]
        subprocess.run(
            [*CANDOUR, *command], cwd=ROOT, env=environment_of(fresh), check=True, capture_output=True, timeout=600
        )
        _LOADED[agencies] = fresh
    return _LOADED[agencies]


@contextmanager
def sending(home: Path, mail_server: str, *, before: Sequence[Sequence[str]]) -> Iterator[Service]:
    """A service without any demonstration, which sends its mails to the server with this address."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CANDOUR_")}
    environment |= {
        "CANDOUR_HOME": str(home), "CANDOUR_BASE_URL": f"http://127.0.0.1:{port}", "CANDOUR_SMTP_URL": mail_server,
        "CANDOUR_MAIL_FROM": "candour@service.example", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    set_up(home)
    for command in before:
        subprocess.run([*CANDOUR, *command], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=600)
    with served(home, environment, port) as service:
        yield service


def environment_of(home: Path) -> dict[str, str]:
    """The environment that a service with this data folder runs in."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CANDOUR_")}
    return environment | {"CANDOUR_HOME": str(home), "PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    """A port that nobody listens on, and that nobody is given meanwhile.

    Not one of those that the system gives to whoever opens a connection; other processes of this run try others.
    """
    first = 20_000 + 100 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for port in sample(range(first, first + 100), 100):
        with socket.socket() as free:
            if free.connect_ex(("127.0.0.1", port)):
                return port
    raise RuntimeError(f"somebody listens on every port from {first} on")


@contextmanager
def served(home: Path, environment: dict[str, str], port: int, *, web_workers: int = 1) -> Iterator[Service]:
    """Serve a data folder that is set up, at a port, until the end of the block.

    Each of `web_workers` takes seconds to start: one of them, with its threads, is enough for a single test.
    """
    url = f"http://127.0.0.1:{port}"
    log_path = home / "serve.log"
    with open(log_path, "wb") as log:
        process = subprocess.Popen(
            [*CANDOUR, "serve", "--bind", f"127.0.0.1:{port}", "--web-workers", str(web_workers)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(url, process, log_path)
            yield Service(url, home, log_path)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=600)


def _let_in(home: Path, emails: Sequence[str]) -> None:
    """Give people who never took their invitation up a password. Taking one up has a test of its own."""
    app = create_app(Config.load(home))
    with app.app_context():
        begin_write(db.db.session)
        password = hashed(PASSWORD)
        people = db.db.session.scalars(select(User).where(User.email.in_(emails))).all()
        assert len(people) == len(emails), f"the demonstration has only {[one.email for one in people]}"
        for person in people:
            person.password = password
        db.db.session.commit()
        db.db.engine.dispose()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the service answers. Raises RuntimeError where it ends, or says nothing for minutes."""
    for _ in range(1500):
        if process.poll() is not None:
            raise RuntimeError(f"candour serve ended with status {process.returncode}:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"candour serve does not answer:\n{log.read_text()}")
