"""Measure rendering beside stock WeasyPrint: `python -m bench.reports --help`.

Stock is one process for each report, `HTML(...).write_pdf(pdf_variant="pdf/ua-1")`, from the finished HTML. Ours
starts from the data, and the joint report from the database: it fills the page, attaches data and schema, and writes
PDF/A-3a with PDF/UA-1, with the libraries that `make faster` compiles. Both take turns in one run, so that whatever
else the machine does falls on both; a ratio is of two that follow each other, and the figure is the median. Ends with
an error where a target is missed.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from bench.reports import invented
from config import ROOT
from reports import compiled, worker
from reports.pool import Pool, environment
from reports.registry import reports
from reports.render import RenderFailed, render_pdf

RESULTS = ROOT / "bench" / "REPORTS.md"
WORKERS = 2
AGENCIES = 818


@dataclass
class Cost:
    """What one rendering took: seconds on the clock and of processors, and MB of its largest process."""

    pages: int
    wall: float
    processor: float
    memory: int


@dataclass
class Line:
    """A line of the table: pairs of stock and ours."""

    name: str
    most: float
    memory: int = 0
    pairs: list[tuple[Cost, Cost]] = field(default_factory=list)

    def ratio(self, what: str = "wall") -> float:
        """Ours by stock, the median of the pairs."""
        return statistics.median(getattr(ours, what) / getattr(stock, what) for stock, ours in self.pairs)

    @property
    def peak(self) -> int:
        """The most memory of one of our processes."""
        return max(ours.memory for _stock, ours in self.pairs)

    @property
    def misses(self) -> list[str]:
        """What is above its target, in words."""
        found = []
        if self.ratio() > self.most:
            found.append(f"{self.name}: {self.ratio():.2f} of stock's time, may be {self.most:.2f}")
        if self.memory and self.peak > self.memory:
            found.append(f"{self.name}: {self.peak} MB, may be {self.memory}")
        return found


class Bench:
    """Files and processes of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pool = Pool("bench.reports.serve")
        (folder / "cache").mkdir()

    def page(self, key: str, data: Any) -> Path:
        """The HTML of a report, for stock."""
        report = reports()[key]
        path = self.folder / f"{key}-{id(data)}.html"
        path.write_text(worker.page(report.page, data, report.options, "0" * 64))
        return path

    def stock(self, page: Path) -> Cost:
        """Stock WeasyPrint on a page."""
        started = time.monotonic()
        as_installed = environment(str(self.folder / "cache"))
        as_installed.pop("PYTHONPATH", None)
        made = json.loads(
            subprocess.run(
                [sys.executable, "-m", "bench.reports.stock", str(page), str(self.folder / f"{page.stem}-stock.pdf")],
                cwd=ROOT, env=as_installed, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            ).stdout
        )  # fmt: skip
        return Cost(made["pages"], time.monotonic() - started, made["processor"], made["peak_memory_mb"])

    def ours(self, key: str, data: Any, out: str = "") -> Cost:
        """Our renderer on the data, or on those that a function reads."""
        started, used = time.monotonic(), time.process_time()
        found = data().model_dump(mode="json") if callable(data) else data
        reading = time.process_time() - used
        made = render_pdf(key, found, self.folder / f"{key}{out}.pdf", pool=self.pool, timeout=3000)
        return Cost(made.pages, time.monotonic() - started, reading + made.processor, made.peak_memory_mb)


def said(text: str) -> None:
    """Tell how far it is."""
    click.echo(text, err=True)


def batch(bench: Bench, documents: list[Any], repeats: int) -> Line:
    """Many feedbacks with two workers; a pair is of two batches. Its pages are those of one feedback, on average."""
    line = Line("Individual feedback, 2 workers", 1 / 2.5)
    pages = [bench.page("feedback", one) for one in documents]
    data = [one.model_dump(mode="json") for one in documents]
    number = len(documents)
    for _ in range(repeats):
        costs = []
        for ours in (False, True):
            started = time.monotonic()
            with ThreadPoolExecutor(WORKERS) as workers:
                if ours:
                    made = list(workers.map(lambda n: bench.ours("feedback", data[n], f"-{n}"), range(number)))
                else:
                    made = list(workers.map(bench.stock, pages))
            costs.append(
                Cost(round(sum(one.pages for one in made) / number), (time.monotonic() - started) / number,
                     sum(one.processor for one in made) / number, max(one.memory for one in made))
            )  # fmt: skip
        line.pairs.append((costs[0], costs[1]))
        said(f"{line.name}: {costs}")
    return line


def alternated(bench: Bench, line: Line, key: str, page: Path, data: Any, repeats: int) -> Line:
    """One long report, made by stock and by ours in turns."""
    for _ in range(repeats):
        line.pairs.append((bench.stock(page), bench.ours(key, data)))
        said(f"{line.name}: {line.pairs[-1]}")
    return line


class Demonstration:
    """The two rounds of the demonstration: feedback of the one that is over, joint findings of the other."""

    def __init__(self, folder: Path) -> None:
        from app import create_app
        from app.policy import system_actor

        home = os.environ | {"CANDOUR_HOME": str(folder / "home")}
        for command in ("setup", "demo"):
            program = [sys.executable, "-m", "app.cli", command]
            subprocess.run(program, cwd=ROOT, env=home, check=True, capture_output=True)
        os.environ["CANDOUR_HOME"] = home["CANDOUR_HOME"]
        create_app().app_context().push()
        self.actor = system_actor("bench")

    def read(self, key: str, round_at: int, audit_return: Any = None) -> Any:
        """The data of a report on the first or last round, or on a return."""
        from sqlalchemy import select

        from app import clock
        from app.db import db
        from app.models import AuditRound
        from reports.read import read

        session = db.session
        audit_round = session.scalars(select(AuditRound).order_by(AuditRound.opens)).all()[round_at]
        found = read(session, key, audit_round, audit_return, actor=self.actor, now=clock.now(session))
        session.rollback()
        return found

    def feedback(self, number: int) -> list[Any]:
        """The longest feedback that agencies got, so many."""
        from sqlalchemy import select

        from app.db import db
        from app.models import AuditReturn, AuditRound

        first = select(AuditRound.id).order_by(AuditRound.opens).limit(1).scalar_subquery()
        returns = select(AuditReturn).where(AuditReturn.round_id == first).order_by(AuditReturn.id)
        found = []
        for audit_return in db.session.scalars(returns).all():
            with suppress(RenderFailed):
                found.append(self.read("feedback", 0, audit_return))
        return sorted(found, key=lambda one: -len(one.model_dump_json()))[:number]

    def joint(self) -> Any:
        """The joint findings as they stand, read from the database."""
        return self.read("joint-findings", -1)


def table(lines: list[Line], flat: float, rate: float) -> str:
    """The results in words and numbers."""
    rows = [
        f"| {one.name} | {one.pairs[0][1].pages} | {statistics.median(s.wall for s, _ in one.pairs):.1f} | "
        f"{statistics.median(o.wall for _, o in one.pairs):.1f} | **{one.ratio():.2f}** | {one.most:.2f} | "
        f"{one.ratio('processor'):.2f} | {max(s.memory for s, _ in one.pairs)} | {one.peak} | {one.memory or '–'} |"
        for one in lines
    ]
    return "\n".join(
        [
            "| | pages | stock, s | ours, s | ratio | may be | of processor time | stock, MB | ours, MB | may be |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
            *rows,
            "",
            "Seconds are on the clock, from the data to the file; for the batch, by report. Memory is that of the",
            "largest process.",
            "",
            f"- Of individual feedback two workers make {60 / rate:.0f} a minute as the machine was: {AGENCIES} take"
            f" {AGENCIES * rate / 60:.1f} minutes (may be 10).",
            f"- A page of the long annex takes {flat:.2f} times the processor time of one of the short (may be 1.30).",
        ]
    )


def write(results: str, command: str, load: float) -> None:
    """Keep the results beside those of the other benchmarks."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    kinds = [line.split(":")[1].strip() for line in lines if "model name" in line]
    now = datetime.now(UTC)
    RESULTS.write_text(
        f"""# What a report costs

Rendering beside stock WeasyPrint: one process for each report, `HTML(...).write_pdf(pdf_variant="pdf/ua-1")`, from
the finished HTML. Ours starts from the data, and the joint report from the database: it fills the page, attaches the
data and their schema, and writes PDF/A-3a with PDF/UA-1, with the libraries that `make faster` compiles. The two take
turns; a ratio is of two that follow each other, and the figure is the median. Feedback and joint report are those of
the demonstration (818 agencies); the annexes have invented data and are made for the benchmark only. What makes it
fast is in [docs/rendering.md](../docs/rendering.md).

- Command: `{command}`, {now.day} {now:%B %Y}
- Machine: {os.cpu_count()} cores, {kinds[0] if kinds else platform.machine()}, {platform.system()}; load average
  {load:.1f} before the run
- Versions: Python {platform.python_version()}, WeasyPrint {version("weasyprint")}, pydyf {version("pydyf")}

{results}
"""
    )


@click.command()
@click.option("--repeats", default=3, show_default=True, help="Pairs of stock and ours.")
@click.option("--batch-of", default=12, show_default=True, help="Reports of a batch.")
@click.option("--only", type=click.Choice(["batch", "joint", "annex"]), multiple=True, help="Only these lines.")
@click.option("--write/--no-write", "keep", default=True, help="Write bench/REPORTS.md (only of a whole run).")
def main(repeats: int, batch_of: int, only: tuple[str, ...], keep: bool) -> None:
    """Measure rendering beside stock WeasyPrint."""
    invented.register()
    load, wanted = os.getloadavg()[0], only or ("batch", "joint", "annex")
    if not compiled.folder().is_dir():
        said("Compiling the libraries (make faster), which takes some minutes")
        compiled.build()
    lines, flat, rate = [], 1.0, 1.0
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name))
        bench.ours("annex", invented.annex(120, 1).model_dump(mode="json"))  # the pool is warm in a service that runs
        demonstration = Demonstration(bench.folder) if {"batch", "joint"} & {*wanted} else None
        if demonstration and "batch" in wanted:
            lines.append(batch(bench, demonstration.feedback(batch_of), repeats))
            rate = statistics.median(ours.wall for _, ours in lines[-1].pairs)
        if demonstration and "joint" in wanted:
            line = Line("Joint report of the demonstration, from the database", 0.45, 400)
            page = bench.page("joint-findings", demonstration.joint())
            lines.append(alternated(bench, line, "joint-findings", page, demonstration.joint, repeats))
        if "annex" in wanted:
            line = Line("Annex of about 20 pages", 1.0)
            long = Line("National annex, 90,000 cells", 0.35, 600)
            for one, cells, chapters, times in ((line, 7_800, 2, repeats), (long, 90_000, 24, max(1, repeats // 3))):
                found = invented.annex(cells, chapters)
                lines.append(
                    alternated(bench, one, "annex", bench.page("annex", found), found.model_dump(mode="json"), times)
                )
            by_page = [
                statistics.median(o.processor / o.pages for _, o in one.pairs) for one in (line, long)
            ]
            flat = by_page[1] / by_page[0]
        bench.pool.close()
    results = table(lines, flat, rate)
    click.echo(results)
    misses = [one for line in lines for one in line.misses]
    if flat > 1.3:
        misses.append(f"cost of a page grows by {flat:.2f}, may be 1.30")
    if "batch" in wanted and AGENCIES * rate > 600:
        misses.append(f"{AGENCIES} take {AGENCIES * rate / 60:.1f} minutes, may be 10")
    if keep and not only:
        write(results, "python -m bench.reports", load)
    for one in misses:
        said(f"missed: {one}")
    sys.exit(bool(misses))


if __name__ == "__main__":
    main()
