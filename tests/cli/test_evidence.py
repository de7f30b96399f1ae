"""Files that agencies attached, from the terminal: scanned later, compared with their SHA-256, and tidied."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select

from app.cli import main
from app.models import StoredFile
from app.operations.evidence import SETTLED
from tests.files import clamd
from tests.web.test_evidence import Agency, evidence_folder, stored  # noqa: F401 - a fixture
from tests.world import World

VERSION = {b"zVERSION\0": b"ClamAV 1.4.3/27000/today\0"}
OF_ADMINISTRATORS = ("scan", "check", "tidy")


def run(*words: str) -> tuple[int, str]:
    """The exit status of a command about evidence, and what it said."""
    result = CliRunner().invoke(main, ["evidence", *words])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


@pytest.fixture
def agency(world: World, client_as: Callable[[str], FlaskClient], evidence_folder: Path) -> Iterator[Agency]:  # noqa: F811
    """The first agency, with two files in its library that nobody has scanned."""
    made = Agency(world, client_as("contributor"))
    made.add(b"Minutes of the board.\n", "minutes.txt")
    made.add(b"A rota of March.\n", "rota.txt")
    world.session.rollback()
    yield made


def scans(world: World) -> dict[str, str]:
    """How each stored file stands with the scanner, by its SHA-256."""
    world.session.rollback()
    world.session.expire_all()
    return {row.sha256: row.scan for row in world.session.scalars(select(StoredFile))}


def told(monkeypatch: pytest.MonkeyPatch, answer: bytes, *words: str) -> tuple[int, str]:
    """Run a scan while the scanner says this of every file."""
    with clamd.told(VERSION | {b"zINSTREAM\0": answer}) as address:
        monkeypatch.setenv("CANDOUR_CLAMD", address)
        return run("scan", *words)


def place(folder: Path, name: str) -> Path:
    """Where the store keeps the content with this SHA-256."""
    return folder / name[:2] / name[2:4] / name


def test_what_was_not_scanned_is_scanned_once(
    agency: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = agency.world
    monkeypatch.delenv("CANDOUR_CLAMD", raising=False)
    status, said = run("scan")
    assert status == 1 and "set CANDOUR_CLAMD" in said
    monkeypatch.setenv("CANDOUR_CLAMD", "127.0.0.1:1")
    status, said = run("scan")
    assert status == 1 and "0 clean, 0 infected, 2 not scanned." in said
    assert set(scans(world).values()) == {"not_scanned"}
    assert told(monkeypatch, b"stream: OK\0") == (0, "2 clean, 0 infected, 0 not scanned.\n")
    assert set(scans(world).values()) == {"clean"}
    # nothing is left to do
    assert told(monkeypatch, b"stream: OK\0") == (0, "0 clean, 0 infected, 0 not scanned.\n")


def test_what_a_scan_finds_is_named_and_kept_from_readers(
    agency: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(monkeypatch, b"stream: OK\0")
    status, said = told(monkeypatch, b"stream: Evil.Thing FOUND\0", "--all")
    assert status == 1 and "0 clean, 2 infected, 0 not scanned." in said
    found = scans(agency.world)
    assert set(found.values()) == {"infected"}
    assert all(f"{name}  infected: Evil.Thing" in said for name in found)
    assert agency.verbs()[-2:] == ["evidence.infected", "evidence.infected"]


def test_missing_damaged_and_nobodys_are_named_and_nothing_is_changed(
    agency: Agency, evidence_folder: Path  # noqa: F811
) -> None:
    assert run("check") == (0, "2 well, 0 missing, 0 damaged, 0 nobody’s.\n")
    first, second = sorted(stored(evidence_folder))
    place(evidence_folder, first).unlink()
    place(evidence_folder, second).chmod(0o600)
    place(evidence_folder, second).write_bytes(b"Other words.\n")
    left = sha256(b"left by a crash").hexdigest()
    place(evidence_folder, left).parent.mkdir(parents=True, exist_ok=True)
    place(evidence_folder, left).write_bytes(b"left by a crash")
    assert "0 nobody’s." in run("check")[1], "what was put there just now may be somebody's yet"
    long_ago = time.time() - SETTLED.total_seconds() - 60
    os.utime(place(evidence_folder, left), (long_ago, long_ago))
    status, said = run("check")
    assert status == 1 and said.endswith("0 well, 1 missing, 1 damaged, 1 nobody’s.\n")
    assert all(line in said for line in (f"{first}  missing", f"{second}  damaged", f"{left}  nobody’s"))
    assert stored(evidence_folder) == {second, left}


def test_only_what_belongs_to_nobody_is_deleted(agency: Agency, evidence_folder: Path) -> None:  # noqa: F811
    kept = stored(evidence_folder)
    left = sha256(b"left by a crash").hexdigest()
    place(evidence_folder, left).parent.mkdir(parents=True, exist_ok=True)
    place(evidence_folder, left).write_bytes(b"left by a crash")
    long_ago = time.time() - SETTLED.total_seconds() - 60
    for name in (*kept, left):
        os.utime(place(evidence_folder, name), (long_ago, long_ago))
    assert run("tidy") == (0, "1 file deleted.\n")
    assert stored(evidence_folder) == kept
    assert run("tidy") == (0, "0 files deleted.\n")


def test_a_store_that_somebody_else_asks_about_is_not_read_out(
    agency: Agency, evidence_folder: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    before = scans(agency.world)
    monkeypatch.setenv("CANDOUR_CLAMD", "127.0.0.1:1")
    for command in OF_ADMINISTRATORS:
        for who in ("lead", "lead-inspector"):
            status, said = run(command, "--as", f"{who}@agency.example")
            assert status == 1 and not any(name in said for name in before), (command, who, said)
    assert scans(agency.world) == before and stored(evidence_folder) == set(before)
    assert run("check", "--as", "administrator@agency.example")[0] == 0
