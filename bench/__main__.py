"""Measure Candour beside the minimal page: `python -m bench --help`.

Both are served alike, on copies of one database, and take turns: block by block, the one that starts changing with
each repeat, so that whatever else the machine does falls on both. What counts is the ratio of two blocks that follow
each other.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any
from urllib.request import urlopen

import click
import psycopg
import pysqlite3

from bench.data import Section, build
from config import ROOT, Config, make_home
from tests import postgres

RESULTS = ROOT / "bench" / "RESULTS.md"
OTHERS = "## Oversight pages"  # from here on the results are of `bench.oversight`
APPS = {"candour": "app:create_app()", "minimal": "bench.minimal:create_app()"}
PORTS = {"candour": 8391, "minimal": 8392}
# what `candour serve` passes; the control socket would be one file for both
SERVER = ["--workers", "2", "--threads", "4", "--log-level", "warning", "--no-control-socket"]
CELLS = [("page", 1), ("page", 16), ("save", 1), ("save", 16)]
NAMES = {"page": "Section page (GET)", "save": "Section save (POST)"}
MOST_REQUESTS = 400  # of one user in one block
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Block:
    """What one application did in one block: seconds of latency, and processor seconds per request."""

    median: float
    p95: float
    cpu: float
    per_second: float
    requests: int


class Server:
    """One application under gunicorn on a loopback port."""

    def __init__(self, name: str, home: Path, url: str) -> None:
        # only what is named here: a setting of this machine must not reach one of the two
        environment = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
        environment |= {"CANDOUR_HOME": str(home), "CANDOUR_DATABASE_URL": url}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{PORTS[name]}", *SERVER, APPS[name]],
            cwd=ROOT,
            env=environment,
        )

    def cpu(self) -> float:
        """Processor seconds that the worker processes have taken since they started."""
        pid = self.process.pid
        total = 0
        for worker in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def stop(self) -> None:
        """Ask the server to end, and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Client:
    """The process of `bench.client`."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.client"], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._orders: IO[str] = self.process.stdin  # type: ignore[assignment]
        self._answers: IO[str] = self.process.stdout  # type: ignore[assignment]
        self._send({name: [one.plain() | {"port": PORTS[name]} for one in sections] for name in APPS})

    def _send(self, line: Any) -> None:
        self._orders.write(json.dumps(line) + "\n")
        self._orders.flush()

    def do(self, what: str, name: str, **more: Any) -> dict[str, Any]:
        """Have an order carried out: see `bench.client.Load.run`. Raises ClickException where a request failed."""
        self._send({"do": what, "app": name, **more})
        line = self._answers.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the client has ended"}
        if "error" in answer:
            raise click.ClickException(answer["error"])
        return answer

    def stop(self) -> None:
        """End the process: its input ends."""
        self.process.communicate()


@contextmanager
def databases(kind: str, home: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The URL of an empty database of a kind, and for each application the URL at which `copy` puts its copy."""
    if kind == "SQLite":
        yield f"sqlite:///{home / 'first.sqlite'}", {name: f"sqlite:///{home / name}.sqlite" for name in APPS}
        return
    with ExitStack() as stack:
        # the server of the tests, but as durable as one in service
        postgres.SETTINGS |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes", "autovacuum"), "on")
        server = postgres.Server(Path(tempfile.mkdtemp(prefix="candour-bench-pg-")))
        stack.callback(shutil.rmtree, server.folder)
        server.start()
        stack.callback(server.stop)
        postgres.create_database(server.url("postgres"), "first")
        yield server.url("first"), {name: server.url(name) for name in APPS}


def copy(first: str, to: str) -> None:
    """Copy a database that nobody is connected to."""
    if first.startswith("sqlite:///"):
        with pysqlite3.connect(first.removeprefix("sqlite:///")) as connection:
            connection.execute("VACUUM INTO ?", [to.removeprefix("sqlite:///")])
        connection.close()
        return
    name = to.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(postgres.plain_url(first.replace("/first?", "/postgres?")), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE first')


def engine_name(kind: str, url: str) -> str:
    """The name and version of the database engine behind a URL."""
    if kind == "SQLite":
        return f"SQLite {pysqlite3.sqlite_version}"
    with psycopg.connect(postgres.plain_url(url)) as connection:
        return f"PostgreSQL {connection.info.parameter_status('server_version')}"


def wait_for(server: Server, name: str) -> None:
    """Wait until a server answers at all; ClickException after two minutes."""
    until = time.monotonic() + 120
    while time.monotonic() < until and server.process.poll() is None:
        try:
            urlopen(f"http://127.0.0.1:{PORTS[name]}/health", timeout=5).close()
        except OSError as problem:
            if hasattr(problem, "code"):  # an HTTP error is an answer
                return
            time.sleep(0.1)
        else:
            return
    raise click.ClickException(f"the server of {name} did not start")


def measure(client: Client, server: Server, name: str, what: str, users: int, seconds: float) -> Block:
    """One block of requests to one application."""
    before = server.cpu()
    done = client.do(what, name, users=users, seconds=seconds, requests=MOST_REQUESTS)
    cpu = server.cpu() - before
    latencies = done["latencies"]
    return Block(
        median=statistics.median(latencies),
        p95=statistics.quantiles(latencies, n=20, method="inclusive")[-1],
        cpu=cpu / done["requests"],
        per_second=done["requests"] / done["seconds"],
        requests=done["requests"],
    )


Results = dict[tuple[str, int], list[dict[str, Block]]]


def run(kind: str, *, pack: str, repeats: int, seconds: float) -> tuple[Results, str]:
    """All blocks on one kind of database, and what was measured on, in words."""
    folder = Path(tempfile.mkdtemp(prefix="candour-bench-"))
    results: Results = {cell: [] for cell in CELLS}
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        make_home(folder)
        first, urls = stack.enter_context(databases(kind, folder))
        click.echo(f"{kind}: building the data", err=True)
        sections, words = build(
            Config.load(folder, database_url=first), pack_key=pack, users=max(users for _, users in CELLS)
        )
        engine = engine_name(kind, first)
        servers = {}
        for name, url in urls.items():
            copy(first, url)
            servers[name] = Server(name, folder, url)
            stack.callback(servers[name].stop)
        for name, server in servers.items():
            wait_for(server, name)
        client = Client(sections)
        stack.callback(client.stop)
        sizes = {name: client.do("prepare", name)["bytes"] for name in APPS}
        for name in APPS:  # both workers of each parse the pack and compile their pages
            client.do("page", name, users=16, seconds=1, requests=6)
        for repeat in range(repeats):
            for what, users in CELLS:
                order = list(APPS) if repeat % 2 == 0 else list(reversed(APPS))
                results[what, users].append(
                    {name: measure(client, servers[name], name, what, users, seconds) for name in order}
                )
            click.echo(f"{kind}: {repeat + 1} of {repeats} repeats done", err=True)
        for name in APPS:
            client.do("check", name)
    size = " and ".join(f"{sizes[name] / 1024:.0f} KiB ({name})" for name in APPS)
    return results, f"{engine}: {words}; the page has {size}"


def ratio(blocks: Sequence[dict[str, Block]], figure: str) -> str:
    """Median, least and greatest of the repeats' ratios of Candour to the minimal page."""
    ratios = [
        getattr(pair["candour"], figure) / max(getattr(pair["minimal"], figure), 1e-6) for pair in blocks
    ]
    return f"**{statistics.median(ratios):.1f}** ({min(ratios):.1f}–{max(ratios):.1f})"


def tables(results: Results) -> str:
    """The ratios, and the absolute figures beside them, as Markdown."""
    lines = [
        "| Candour / minimal | users | median latency | 95th percentile | processor time |",
        "|---|---:|---:|---:|---:|",
    ]
    for (what, users), blocks in results.items():
        shown = (ratio(blocks, figure) for figure in ("median", "p95", "cpu"))
        lines.append(f"| {NAMES[what]} | {users} | {' | '.join(shown)} |")
    lines += [
        "",
        "| | users | | median ms | 95th percentile ms | processor ms a request | requests a second | requests |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for (what, users), blocks in results.items():
        for name in APPS:
            own = [pair[name] for pair in blocks]

            def middle(figure: str, own: list[Block] = own) -> float:
                return statistics.median(getattr(block, figure) for block in own)

            lines.append(
                f"| {NAMES[what]} | {users} | {name} | {1000 * middle('median'):.1f} | {1000 * middle('p95'):.1f}"
                f" | {1000 * middle('cpu'):.1f} | {middle('per_second'):.0f} | {sum(one.requests for one in own)} |"
            )
    return "\n".join(lines)


def machine() -> str:
    """The machine and the versions, as a Markdown list."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    packages = ("flask", "werkzeug", "jinja2", "sqlalchemy", "flask-security", "flask-login", "flask-wtf", "gunicorn")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"- Machine: {os.cpu_count()} cores, {model}, Linux {platform.release()}; load average"
        f" {os.getloadavg()[0]:.1f} before the run\n"
        f"- Versions: Python {platform.python_version()}, {versions},"
        f" psycopg {psycopg.__version__}\n"
    )


METHOD = """\
Two applications serve and save the same section of a checklist, from copies of one database: Candour, and a
[minimal page](minimal.py) with sign-in, form tokens and the same engine options and pragmas, but no policy, history,
version check, roll-up, translation or design system. The minimal page is the ceiling: the ratio says what those cost.

- A page is loaded; a save sends the whole section with every answer changed, and ends with the redirect.
- Each user works on the return of an agency of its own, over one connection that stays open, and sends its next request
  when the last one is answered. The client is one process on the same machine, so at 16 users it takes its share of it.
- Both run under gunicorn ({server}). They take turns, block by block; a ratio is of two blocks that
  follow each other, and the figure is the median of the repeats (least–greatest in brackets).
- Processor time is that of the worker processes; it does not hold the work of a PostgreSQL server.
- At the end every stored version is compared with what was sent: both applications did the work.
"""


def _others() -> str:
    """What other benchmarks wrote into the results, which this one leaves as it is."""
    _own, heading, rest = RESULTS.read_text().partition(OTHERS)
    return f"\n{heading}{rest}" if heading else ""


@click.command()
@click.option("--quick", is_flag=True, help="Two short repeats, printed and not kept: a first impression.")
@click.option("--postgresql", is_flag=True, help="Measure on PostgreSQL too, on a throw-away server.")
@click.option("--repeats", type=click.IntRange(1, 50), default=None, help="Repeats of every block (6).")
@click.option("--seconds", type=click.FloatRange(0.2, 30), default=None, help="Longest time of a block (2).")
@click.option("--pack", default="climbie-2003", show_default=True, help="The pack whose section is measured.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Where the results go.")
def main(
    quick: bool, postgresql: bool, repeats: int | None, seconds: float | None, pack: str, out: Path | None
) -> None:
    """Measure a section page and a section save beside a minimal Flask and SQLAlchemy page.

    Prints Markdown and writes it to bench/RESULTS.md (with --quick only where --out asks for it).
    """
    repeats, seconds = repeats or (2 if quick else 6), seconds or (0.6 if quick else 2.0)
    given = " ".join(["python -m bench", *sys.argv[1:]])
    parts = [
        f"# What a page costs\n\n{METHOD.format(server=' '.join(SERVER[:4]))}",
        f"- Command: `{given}` ({repeats} repeats, blocks of at most {seconds:g} s), {datetime.now(UTC):%-d %B %Y}\n"
        + machine(),
    ]
    started = time.monotonic()
    for kind in ("SQLite", "PostgreSQL") if postgresql else ("SQLite",):
        results, words = run(kind, pack=pack, repeats=repeats, seconds=seconds)
        parts.append(f"## {kind}\n\nMeasured on {words}.\n\n{tables(results)}\n")
    text = "\n".join(parts)
    click.echo(text)
    if not quick or out:
        (out or RESULTS).write_text(text + ("" if out else _others()))
    click.echo(f"Took {time.monotonic() - started:.0f} s.", err=True)


if __name__ == "__main__":
    main()
