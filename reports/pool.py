"""A process that has fonts, styles and pages ready, and forks a process of its own for every report.

What is forked is as much apart as a process that starts from nothing: it sets the same limits on itself, and is killed
with all that it started when the caller is done with it, gives up or dies. It only need not load everything again.
"""

from __future__ import annotations

import atexit
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import IO

from reports import compiled
from reports.registry import ASSETS, HERE

MODULE = "reports.pool"


def environment(folder: str) -> dict[str, str]:
    """The variables of a renderer, alike on every machine. Fonts come from the packaged style sheet alone."""
    libraries = {"PYTHONPATH": str(compiled.folder())} if compiled.folder().is_dir() else {}
    return libraries | {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "FONTCONFIG_FILE": str(ASSETS / "fonts.conf"),
        "XDG_CACHE_HOME": folder,
        "TMPDIR": folder,
    }


class Job:
    """A renderer that was forked: a request goes into `stdin`, answers come out of `stdout`."""

    def __init__(self, pid: int, stdin: IO[str], stdout: IO[str], line: socket.socket) -> None:
        self.pid, self.stdin, self.stdout, self.line = pid, stdin, stdout, line
        self.status: int | None = None

    def kill(self) -> None:
        """End it, and all that it started, wherever it is."""
        with suppress(OSError):
            self.line.shutdown(socket.SHUT_WR)

    def wait(self) -> int:
        """Its exit status, as of `Popen.returncode`; what is still there is ended."""
        if self.status is None:
            self.kill()
            with suppress(OSError):
                told = self.line.recv(64)
                self.status = int(told) if told else None
            self.line.close()
        return -signal.SIGKILL if self.status is None else self.status


class Pool:
    """The process that forks, started when it is first needed and ended with this one. Threads may share it."""

    def __init__(self, module: str = MODULE) -> None:
        self.module = module
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = 0

    def start(self, complaints: IO[str], report: str = "", language: str = "") -> Job:
        """A fresh renderer, of this report if it is told. What it complains of goes to `complaints`."""
        about = f"{report} {language}".encode()
        with self.lock:
            if self.process is None or self.owner != os.getpid() or self.process.poll() is not None:
                self._begin()
            try:
                return self._ask(complaints, about)
            except OSError:  # it ended between two reports
                self._begin()
                return self._ask(complaints, about)

    def _begin(self) -> None:
        if self.owner == os.getpid():
            self._end()
        self.folder = tempfile.TemporaryDirectory(prefix="candour-renderer-")
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd=HERE.parent,
                env=environment(self.folder.name),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self.owner = os.getpid()
        atexit.register(self.close)

    def _ask(self, complaints: IO[str], about: bytes) -> Job:
        request, stdin = os.pipe()
        stdout, answer = os.pipe()
        ours, line = socket.socketpair()
        try:
            socket.send_fds(self.control, [about], [request, answer, complaints.fileno(), line.fileno()])
            line.close()
            told = ours.recv(64)
            if not told:
                raise ConnectionError("the process that forks has ended")
        except OSError:
            for one in (stdin, stdout):
                os.close(one)
            ours.close()
            raise
        finally:
            line.close()
            for one in (request, answer):
                os.close(one)
        return Job(int(told), os.fdopen(stdin, "w", encoding="utf-8"), os.fdopen(stdout, encoding="utf-8"), ours)

    def _end(self) -> None:
        if self.process is not None:
            self.control.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
            self.folder.cleanup()

    def close(self) -> None:
        """End the process, and every renderer that it forked."""
        with self.lock:
            if self.owner == os.getpid():
                self._end()


POOL = Pool()


# --- the process that forks -----------------------------------------------------------------------------------------


def serve(
    control: socket.socket,
    prepare: Callable[[], None],
    work: Callable[[], int],
    load: Callable[[str, str], None] | None = None,
) -> None:
    """Fork a process that does `work` for each request, until the caller is gone.

    What processes need for all reports is loaded by `prepare`, and by `load` what they need for one, in a language.
    """
    prepare()
    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for key, _events in selector.select():
            if key.fileobj is not control:
                pid, line = running.pop(key.fd)
                selector.unregister(line)
                _finish(pid, line)
                continue
            told, fds, _flags, _address = socket.recv_fds(control, 128, 4)
            if not told:
                for pid, line in running.values():
                    _finish(pid, line)
                return
            request, answer, complaints, ours = fds
            if load:
                with suppress(Exception):  # the forked process meets it too, and says so
                    load(*told.decode().split(" "))
            pid = os.fork()
            if not pid:
                _become(request, answer, complaints, [control.fileno(), ours, *running], work)
            for one in (request, answer, complaints):
                os.close(one)
            line = socket.socket(fileno=ours)
            with suppress(OSError):
                line.sendall(str(pid).encode())
            running[line.fileno()] = (pid, line)
            selector.register(line, selectors.EVENT_READ)


def _become(request: int, answer: int, complaints: int, others: list[int], work: Callable[[], int]) -> None:
    """Be the process of one report; does not return."""
    code = 1
    try:
        os.setsid()
        for fd in others:
            os.close(fd)
        for place, fd in enumerate((request, answer, complaints)):
            os.dup2(fd, place)
            os.close(fd)
        sys.stdin, sys.stdout = os.fdopen(0, encoding="utf-8"), os.fdopen(1, "w", encoding="utf-8")
        code = work()
        sys.stdout.flush()
    except BaseException as problem:
        print(f"{type(problem).__name__}: {problem}", file=sys.stderr, flush=True)  # noqa: T201 -- the complaint
    finally:
        os._exit(code)


def _finish(pid: int, line: socket.socket) -> None:
    """End a renderer and all that it started, and tell how it ended. It was not waited for: the id is still its own."""
    done, status = os.waitpid(pid, os.WNOHANG)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    if not done:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
    with suppress(OSError):
        line.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    line.close()


def main() -> None:
    """Serve the caller whose end of a socket is given as a number."""
    warnings.filterwarnings("ignore", message="No fonts configured")  # those of the machine: ours come with the styles
    from reports import worker

    serve(socket.socket(fileno=int(sys.argv[1])), worker.prepare, worker.main, worker.load)


if __name__ == "__main__":
    main()
