"""The virus scanner: what it says is believed, and everything short of “clean” is never taken for it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from app.files.scan import parse_address, scan
from tests.files import clamd

VERSION = {b"zVERSION\0": b"ClamAV 1.4.3/27000/Mon May 12 09:00:00 2003\0"}


def test_debians_clamd_finds_what_its_signatures_know(tmp_path: Path) -> None:
    with clamd.real(tmp_path) as address:
        clean = io.BytesIO(b"Minutes of the board.\n" * 100_000)
        found = scan(clean, address, patience=60)
        assert (found.state, found.found) == ("clean", "")
        assert found.scanner.startswith("ClamAV")
        assert clean.tell() == 0
        harmful = scan(io.BytesIO(b"before " + clamd.HARMFUL + b" after"), address, patience=60)
        assert (harmful.state, harmful.found) == ("infected", "Candour.Test.UNOFFICIAL")
        assert scan(io.BytesIO(b"a" * 30 * 1024**2), address, patience=60).state == "not_scanned"  # over its limit
    assert scan(clean, address).state == "not_scanned"


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (b"stream: OK\0", "clean"),
        (b"stream: Evil.Thing FOUND\0", "infected"),
        (b"stream: Can't allocate memory ERROR\0", "not_scanned"),
        (b"INSTREAM size limit exceeded. ERROR\0", "not_scanned"),
        (b"UNKNOWN COMMAND\0", "not_scanned"),
        (b"OK\0", "not_scanned"),
        (b"stream: OK and more\0", "not_scanned"),
        (b"\xff\xfe\0", "not_scanned"),
        (b"", "not_scanned"),
        (b"x" * 10_000, "not_scanned"),
        (None, "not_scanned"),
    ],
)
def test_only_ok_is_clean(answer: bytes | None, state: str) -> None:
    answers = VERSION | ({b"zINSTREAM\0": answer} if answer is not None else {})
    with clamd.told(answers) as address:
        assert scan(io.BytesIO(b"content"), address, patience=0.5 if answer is None else 20).state == state


def test_without_a_scanner_nothing_is_scanned() -> None:
    assert scan(io.BytesIO(b"content"), "").state == "not_scanned"
    assert scan(io.BytesIO(b"content"), "127.0.0.1:1").state == "not_scanned"
    assert scan(io.BytesIO(b"content"), "/no/such/socket").state == "not_scanned"


def test_addresses() -> None:
    assert parse_address("/run/clamd.ctl") == parse_address("unix:/run/clamd.ctl") == "/run/clamd.ctl"
    assert parse_address("tcp://scanner:3310") == parse_address("scanner:3310") == ("scanner", 3310)
    assert parse_address("[::1]:3310") == ("::1", 3310)
    with pytest.raises(ValueError):
        parse_address("scanner")
