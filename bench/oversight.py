"""What the pages of oversight cost: `python -m bench.oversight`.

Builds the demonstration (818 agencies by default) on SQLite in a folder of its own, signs an inspector in, and asks
for each page a number of times, in this process: what is measured is the server's time, from the request to the whole
answer, and its SQL statements. Ends with an error where a page takes longer than it may, or more statements.
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

import click
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select

from app import create_app, db, jobs, migrate
from app.catalogue import load_pack
from app.db import begin_write
from app.models import Appointment, AuditReturn, AuditRound, Submission, SubmissionAnswer, User
from app.operations import demonstration
from app.policy import system_actor
from config import Config, make_home

MOST_STATEMENTS = 15


@dataclass(frozen=True)
class Page:
    """A page, and the most milliseconds of server time that it may take (median); None where nothing is promised."""

    name: str
    path: str
    most: int | None


def pages(rid: str, agency_type: str, criterion: str) -> list[Page]:
    """What is asked for."""
    figures = f"/rounds/{rid}/figures"
    return [
        Page("Response ledger", f"/rounds/{rid}/ledger", 100),
        Page("Figures: heat map", figures, 100),
        Page("Figures: by criterion", f"{figures}/criteria?type={agency_type}", 100),
        Page("Figures: agencies behind one criterion", f"{figures}/{agency_type}/{criterion}", 25),
        Page("Figures: by agency (funnel)", f"{figures}/agencies", 100),
        Page("Figures: self-grades and checks", f"{figures}/checked", 100),
        Page("Two views of one duty", f"/rounds/{rid}/two-views", 100),
    ]


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


def build(config: Config, *, pack_key: str, agencies: int | None) -> tuple[Flask, FlaskClient, list[Page], str]:
    """The demonstration, a client of a lead inspector of its owner, the pages, and what was built, in words."""
    app = create_app(config)
    migrate.upgrade(app)
    jobs.prepare(config.database_url)
    pack = load_pack(config.templates / pack_key)
    with app.app_context():
        session = db.db.session
        begin_write(session)
        made = demonstration.build(
            session, pack=pack, seed=2003, by=system_actor("benchmark"), hash_password=lambda _word: "", scale=agencies
        )
        session.commit()
        audit_round = session.scalars(select(AuditRound).where(AuditRound.public_id == made.round_id)).one()
        rows = session.execute(
            select(AuditReturn.agency_type, SubmissionAnswer.criterion, func.count().label("number"))
            .join(Submission, Submission.return_id == AuditReturn.id)
            .join(SubmissionAnswer, SubmissionAnswer.submission_id == Submission.id)
            .group_by(AuditReturn.agency_type, SubmissionAnswer.criterion)
        ).all()
        # the criterion that most agencies answered, and an inspector who may read all about it
        most = max(rows, key=lambda row: (row.number, row.criterion))
        body = next(one for one in audit_round.served if one.agency_type == most.agency_type)
        user = session.scalars(
            select(User)
            .join(User.appointments)
            .where(Appointment.role == "lead_inspector", Appointment.oversight_body_id == body.oversight_body_id)
        ).first()
        if user is None:
            raise click.ClickException("the demonstration has no lead inspector of the body that asks")
        criteria = sum(len(template.criteria()) for template in pack.templates.values())
        words = (
            f"pack {pack_key}: {made.agencies} agencies, {sum(row.number for row in rows)} signed answers to"
            f" {criteria} criteria of {len(pack.templates)} checklists"
        )
        asked = pages(audit_round.public_id, most.agency_type, most.criterion)
        key = user.fs_uniquifier
        session.rollback()
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"], cookie["fs_cc"] = key, True, "set"
    return app, client, asked, words


@click.command()
@click.option("--pack", default="climbie-2003", show_default=True)
@click.option("--agencies", type=int, default=None, help="About how many; all of the demonstration by default.")
@click.option("--repeats", default=15, show_default=True)
def main(pack: str, agencies: int | None, repeats: int) -> None:
    """Say what each page takes, and fail where it is more than it may."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        make_home(home)
        config = Config.load(home, database_url=f"sqlite:///{home / 'candour.sqlite'}")
        app, client, asked, words = build(config, pack_key=pack, agencies=agencies)
        click.echo(words)
        click.echo(f"{'':42} {'median':>8} {'least':>8} {'may take':>9} {'KiB':>5} {'SQL':>4}")
        too_much = False
        for page in asked:
            if client.get(page.path).status_code != 200:  # and what is read once for a process is read
                raise click.ClickException(f"{page.path} did not open")
            with counted(app) as statements:
                size = len(client.get(page.path).data)
            taken = []
            gc.collect()
            for _ in range(repeats):
                started = time.perf_counter()
                client.get(page.path)
                taken.append(1000 * (time.perf_counter() - started))
            median = statistics.median(taken)
            over = len(statements) > MOST_STATEMENTS or (page.most is not None and median > page.most)
            too_much = too_much or over
            click.echo(
                f"{page.name:42} {median:5.1f} ms {min(taken):5.1f} ms {page.most or '–':>6} ms {size // 1024:5}"
                f" {len(statements):4}{'  TOO MUCH' if over else ''}"
            )
        with app.app_context():
            db.db.engine.dispose()
    if too_much:
        sys.exit(1)


if __name__ == "__main__":
    main()
