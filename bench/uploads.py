"""What hostile uploads cost: `python -m bench.uploads`.

Sends the corpus of the tests, one request after the other, to Candour under gunicorn in processes of its own, and
prints the slowest requests and the most memory that the server and the processes it starts had in use at once.
"""

from __future__ import annotations

import io
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import chain
from pathlib import Path

import click
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from bench.__main__ import PORTS, Server, wait_for
from bench.client import inputs
from bench.data import build
from config import Config, make_home
from tests.files import corpus

EVERY = 0.02  # seconds between two looks at the memory
MOST_SECONDS, MOST_MB = 10, 500


def children(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += children(int(child))
    except OSError:
        pass  # it has ended
    return found


def memory(pid: int) -> int:
    """Bytes of memory that a process has for itself or shares, counted in proportion."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


@dataclass
class Watch:
    """Looks at the memory of a server while requests run."""

    pid: int
    most: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look until it is told to end."""
        while not self.ended.wait(EVERY):
            self.most = max(self.most, sum(memory(pid) for pid in children(self.pid)))


@click.command()
@click.option("--slowest", default=5, show_default=True, help="How many of the slowest to name.")
def main(slowest: int) -> None:
    """Send the corpus of hostile uploads, and say what the slowest request took and how much memory was in use."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        make_home(home)
        url = f"sqlite:///{home / 'candour.sqlite'}"
        (section,), _words = build(Config.load(home, database_url=url), pack_key="climbie-2003", users=1)
        server = Server("candour", home, url)
        try:
            wait_for(server, "candour")
            watch = Watch(server.process.pid)
            watcher = threading.Thread(target=watch.run)
            watcher.start()
            try:
                taken = send(section.path.split("/standards/")[0], section.cookie)
            finally:
                watch.ended.set()
                watcher.join()
        finally:
            server.stop()
    taken.sort(reverse=True)
    click.echo(f"{len(taken)} uploads, {sum(one[0] for one in taken):.0f} s.")
    click.echo(f"Slowest: {taken[0][0]:.2f} s. Most memory of the server and its examiners: {watch.most / 1e6:.0f} MB.")
    for seconds, status, what in taken[:slowest]:
        click.echo(f"  {seconds:5.2f} s  {status}  {what}")
    if taken[0][0] > MOST_SECONDS or watch.most > MOST_MB * 1e6 or any(status >= 500 for _s, status, _w in taken):
        sys.exit(1)


def send(path: str, cookie: str) -> list[tuple[float, int, str]]:
    """Send the whole corpus; seconds, status and name of each request."""
    line = HTTPConnection("127.0.0.1", PORTS["candour"], timeout=60)
    headers = {"Cookie": cookie}
    line.request("GET", f"{path}/evidence/add", headers=headers)
    answer = line.getresponse()
    page = answer.read().decode()
    if answer.status != 200:
        raise click.ClickException(f"the form did not open: {answer.status} {page[:300]}")
    headers["Cookie"] = (answer.getheader("Set-Cookie") or cookie).partition(";")[0]
    token = next(one["value"] for one in inputs(page) if one.get("name") == "csrf_token")
    taken = []
    fields = {"csrf_token": token, "description": "Sent by the benchmark."}
    whole = ((sample.what, *form(fields, sample)) for sample in corpus.samples())
    # without a token these end early, as they would for anybody else; the tests send them past that
    odd = ((one.what, one.content_type, one.body) for one in corpus.requests())
    for what, content_type, body in chain(whole, odd):
        started = time.perf_counter()
        line = HTTPConnection("127.0.0.1", PORTS["candour"], timeout=60)
        line.request("POST", f"{path}/evidence/add", body, headers | {"Content-Type": content_type})
        answer = line.getresponse()
        answer.read()
        taken.append((time.perf_counter() - started, answer.status, what))
        line.close()
    return taken


def form(fields: dict[str, str], sample: corpus.Sample) -> tuple[str, bytes]:
    """The content type and the body of a form with one file."""
    boundary, body = encode_multipart(fields | {"file": FileStorage(io.BytesIO(sample.content), sample.name)})
    return f"multipart/form-data; boundary={boundary}", body


if __name__ == "__main__":
    main()
