"""The virus scanner: clamd, over its INSTREAM command.

Without one, or while it is down, a file is *not scanned*, never clean.
"""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass
from typing import IO

PIECE = 64 * 1024
PATIENCE = 3.0  # seconds for a scan while somebody waits


@dataclass(frozen=True)
class Scan:
    """What a scanner said: `clean`, `infected` or `not_scanned`; what it found, or why it did not look; its version."""

    state: str
    found: str = ""
    scanner: str = ""


def parse_address(text: str) -> str | tuple[str, int]:
    """Where clamd listens: a path (`/run/clamav/clamd.ctl`) or `host:port`.

    Raises ValueError for anything else.
    """
    text = text.removeprefix("unix:").removeprefix("tcp://")
    if text.startswith("/"):
        return text
    host, _colon, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(text)
    return host.strip("[]"), int(port)


def scan(file: IO[bytes], address: str, *, patience: float = PATIENCE) -> Scan:
    """Have a file scanned, within `patience` seconds altogether. Leaves it at its start."""
    if not address:
        return Scan("not_scanned", "no scanner")
    until = time.monotonic() + patience
    try:
        version = _ask(address, until, b"zVERSION\0").split("/")
        file.seek(0)
        answer = _ask(address, until, b"zINSTREAM\0", file)
    except (OSError, UnicodeDecodeError, ValueError) as problem:
        return Scan("not_scanned", type(problem).__name__)
    finally:
        file.seek(0)
    scanner = "/".join(version)[:120]
    if answer == "stream: OK":
        return Scan("clean", "", scanner)
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        return Scan("infected", answer.removeprefix("stream: ").removesuffix(" FOUND")[:120], scanner)
    return Scan("not_scanned", answer[:120], scanner)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _ask(address: str, until: float, command: bytes, file: IO[bytes] | None = None) -> str:
    """One command and its answer. Raises OSError (TimeoutError too) where clamd does not answer in time."""
    where = parse_address(address)
    family = socket.AF_UNIX if isinstance(where, str) else socket.AF_UNSPEC
    if family == socket.AF_UNIX:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(_left(until))
    else:
        line = socket.create_connection(where, timeout=_left(until))  # type: ignore[arg-type]
    with line:
        if family == socket.AF_UNIX:
            line.connect(where)
        line.sendall(command)
        try:
            while file and (piece := file.read(PIECE)):
                line.settimeout(_left(until))
                line.sendall(struct.pack(">I", len(piece)) + piece)
            if file:
                line.sendall(struct.pack(">I", 0))
        except BrokenPipeError:
            pass  # it hung up over its size limit, and says so
        answer = b""
        while b"\0" not in answer and len(answer) < 4096:
            line.settimeout(_left(until))
            piece = line.recv(4096)
            if not piece:
                break
            answer += piece
    if not answer:
        raise ConnectionError
    return answer.partition(b"\0")[0].decode().strip()


