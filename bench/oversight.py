"""What the pages of oversight cost: `python -m bench.oversight`.

Builds the demonstration (818 agencies by default) with sixty criteria asked of each, takes the round through
to follow-up, signs an inspector of all its bodies in, and asks for each page a number of times, in this process. What
is measured is processor time from the request to the whole answer, which hardly depends on what else the machine does,
and SQL statements. Ends with an error where a page takes longer than it may, or more statements.

`--database postgresql+psycopg://…` measures on an empty database of a PostgreSQL server; its own work is then not in
the processor time, but in the time that passed.
"""

from __future__ import annotations

import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import click
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select, text

from app import create_app, db, jobs, migrate
from app.catalogue import load_pack
from app.db import begin_write
from app.models import Appointment, AuditReturn, AuditRound, Submission, SubmissionAnswer, User
from app.operations import demonstration
from app.policy import system_actor
from bench.oversight_round import sized, taken_through
from config import Config, make_home

MOST_STATEMENTS = 15
SEED = 2003


@dataclass(frozen=True)
class Page:
    """A page, and the most milliseconds of processor time that it may take on SQLite (median)."""

    name: str
    path: str
    most: int


def pages(rid: str, agency_type: str, criterion: str) -> list[Page]:
    """What is asked for: every page of a round that inspectors open day by day."""
    figures, behind = f"/rounds/{rid}/figures", f"/rounds/{rid}/figures/{agency_type}/{criterion}"
    asked = {
        "The round": f"/rounds/{rid}",
        "Response ledger": f"/rounds/{rid}/ledger",
        "Response ledger, narrowed and sorted": f"/rounds/{rid}/ledger?state=submitted&sort=progress",
        "Chasing": f"/rounds/{rid}/chase",
        "Figures: heat map": figures,
        "Figures: heat map of the grades found": f"{figures}?grades=checked",
        "Figures: by criterion": f"{figures}/criteria?type={agency_type}",
        "Figures: agencies behind one criterion": behind,
        "Figures: the same by the grades found": f"{behind}?grades=checked&sort=checked",
        "Figures: by agency (funnel)": f"{figures}/agencies",
        "Figures: self-grades and checks": f"{figures}/checked",
        "Figures: since the last round": f"{figures}/last-round",
        "Two views of one duty": f"/rounds/{rid}/two-views",
        "Sample": f"/rounds/{rid}/sample",
        "Moderation": f"/rounds/{rid}/moderation",
        "Queries": f"/rounds/{rid}/queries",
        "Judgements": f"/rounds/{rid}/judgements",
        "Follow-up": f"/rounds/{rid}/follow-up",
        "Follow-up: agencies": f"/rounds/{rid}/follow-up/agencies",
        "Monitored agencies": f"/rounds/{rid}/monitoring",
        "Requests for progress": f"/rounds/{rid}/progress",
        "Peers": f"/rounds/{rid}/peers",
        "Search": f"/rounds/{rid}/search?q=children",
        "Examples": f"/rounds/{rid}/examples",
        "Release": f"/rounds/{rid}/release",
    }
    return [Page(name, path, 25 if path.startswith(behind) else 100) for name, path in asked.items()]


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """The SQL statements of a block."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        found.append(statement)

    with app.app_context():
        engine = db.db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def build(
    config: Config, *, pack_key: str, agencies: int | None, criteria: int
) -> tuple[Flask, FlaskClient, list[Page], str]:
    """The round, a client of a lead inspector of all its bodies, the pages, and what was built, in words."""
    app = create_app(config)
    migrate.upgrade(app)
    jobs.prepare(config.database_url)
    pack = sized(load_pack(config.templates / pack_key), criteria)
    with app.app_context():
        session = db.db.session
        begin_write(session)
        made = demonstration.build(
            session, pack=pack, seed=SEED, by=system_actor("benchmark"), hash_password=lambda _word: "", scale=agencies
        )
        audit_round = session.scalars(select(AuditRound).where(AuditRound.public_id == made.round_id)).one()
        # the criterion that most agencies answered
        most = session.execute(
            select(AuditReturn.agency_type, SubmissionAnswer.criterion)
            .join(Submission, Submission.return_id == AuditReturn.id)
            .join(SubmissionAnswer, SubmissionAnswer.submission_id == Submission.id)
            .where(AuditReturn.round_id == audit_round.id)
            .group_by(AuditReturn.agency_type, SubmissionAnswer.criterion)
            .order_by(func.count().desc(), SubmissionAnswer.criterion)
        ).first()
        owner = audit_round.owner_id
        user = session.scalars(
            select(User)
            .join(User.appointments)
            .where(Appointment.role == "lead_inspector", Appointment.oversight_body_id == owner)
        ).first()
        if user is None or most is None:
            raise click.ClickException("the demonstration has no lead inspector of the round's owner, or no answers")
        done = taken_through(session, audit_round, user, seed=SEED)
        words = (
            f"pack {pack_key} with {criteria} criteria for each agency: {made.agencies} agencies,"
            f" {made.answers} answers, {done}"
        )
        asked = pages(audit_round.public_id, most.agency_type, most.criterion)
        key = user.fs_uniquifier
        session.commit()
        if db.db.engine.dialect.name == "postgresql":
            with db.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("ANALYZE"))  # as a server does by itself before long
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"], cookie["fs_cc"] = key, True, "set"
    return app, client, asked, words


@click.command()
@click.option("--pack", default="climbie-2003", show_default=True)
@click.option("--agencies", type=int, default=None, help="About how many; all of the demonstration by default.")
@click.option("--criteria", default=60, show_default=True, help="How many are asked of every agency.")
@click.option("--repeats", default=15, show_default=True)
@click.option("--database", default="", help="The URL of an empty PostgreSQL database; SQLite without.")
def main(pack: str, agencies: int | None, criteria: int, repeats: int, database: str) -> None:
    """Say what each page takes, and fail where it is more than it may."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        make_home(home)
        config = Config.load(home, database_url=database or f"sqlite:///{home / 'candour.sqlite'}")
        app, client, asked, words = build(config, pack_key=pack, agencies=agencies, criteria=criteria)
        click.echo(words)
        gc.collect()
        gc.freeze()  # what building the round left behind is no part of a server's memory
        heads = (("median", 7), ("least", 7), ("passed", 7), ("first", 7), ("may", 4), ("KiB", 4), ("SQL", 4))
        click.echo(f"{'milliseconds':40} {' '.join(f'{head:>{wide}}' for head, wide in heads)}")
        too_much = False
        for page in asked:
            first = _took(client, page)  # and what is read once for a process is read
            with counted(app) as statements:
                size = len(client.get(page.path).data)
            gc.collect()
            taken = [_took(client, page) for _ in range(repeats)]
            median = statistics.median(one.processor for one in taken)
            over = len(statements) > MOST_STATEMENTS or (not database and median > page.most)
            too_much = too_much or over
            click.echo(
                f"{page.name:40} {median:7.1f} {min(one.processor for one in taken):7.1f}"
                f" {min(one.passed for one in taken):7.1f} {first.processor:7.1f} {page.most:4} {size // 1024:4}"
                f" {len(statements):4}{'  TOO MUCH' if over else ''}"
            )
        with app.app_context():
            db.db.engine.dispose()
    if too_much:
        sys.exit(1)


class Took(NamedTuple):
    """What one request took: milliseconds of this process's processor time, and milliseconds that passed."""

    processor: float
    passed: float


def _took(client: FlaskClient, page: Page) -> Took:
    processor, passed = time.process_time(), time.perf_counter()
    status = client.get(page.path).status_code
    took = Took(1000 * (time.process_time() - processor), 1000 * (time.perf_counter() - passed))
    if status != 200:
        raise click.ClickException(f"{page.path} did not open: {status}")
    return took


if __name__ == "__main__":
    main()
