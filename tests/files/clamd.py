"""A virus scanner for tests: Debian's clamd with a signature of our own, or a server that answers as it is told."""

from __future__ import annotations

import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLAMD = shutil.which("clamd", path="/usr/sbin:/usr/bin") or "/usr/sbin/clamd"  # scripts/setup --test installs it
HARMFUL = b"candour-test-signature: " + b"no real virus"  # in two pieces, as scanners of sources go


@contextmanager
def real(folder: Path) -> Iterator[str]:
    """Debian's clamd in the foreground, with one signature; the path of its socket."""
    (folder / "signatures").mkdir()
    (folder / "signatures" / "own.ndb").write_text(f"Candour.Test:0:*:{HARMFUL.hex()}\n")
    settings = {
        "LocalSocket": folder / "clamd.sock", "DatabaseDirectory": folder / "signatures", "Foreground": "yes",
        "TemporaryDirectory": folder, "MaxThreads": "2", "StreamMaxLength": "25M",
    }  # fmt: skip
    (folder / "clamd.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    with (folder / "clamd.log").open("wb") as log:
        process = subprocess.Popen([CLAMD, "-c", str(folder / "clamd.conf")], stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while not _answers(folder / "clamd.sock"):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((folder / "clamd.log").read_text())
            time.sleep(0.1)
        yield str(folder / "clamd.sock")
    finally:
        process.terminate()
        process.wait(timeout=120)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(path))
        except OSError:
            return False
    return True


@contextmanager
def told(answers: dict[bytes, bytes]) -> Iterator[str]:
    """A server that answers each command as it is told, once it was sent a whole stream; its `host:port`."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            command = b""
            while not command.endswith(b"\0"):
                command += self.rfile.read(1)
            if command == b"zINSTREAM\0":
                while size := int.from_bytes(self.rfile.read(4)):
                    self.rfile.read(size)
            answer = answers.get(command)
            if answer is None:
                self.rfile.read(1)  # silent until the other side gives up
            else:
                self.wfile.write(answer)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
