"""The command line: the same operations as the pages.

Every command works on the data folder that CANDOUR_HOME names. `--as EMAIL` acts as that person, with their
appointments; without it a command acts as the system, and the history says so.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from flask import Flask
from sqlalchemy.orm import Session

from app.languages import LANGUAGES
from config import ROOT, Config, ConfigError, default_home, make_home

LOCAL = "127.0.0.1:8000"


class Day(click.ParamType):
    """A day as YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day, or a usage error that shows the form."""
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date. Write it as 2003-06-16.", param, ctx)


DAY = Day()


@contextmanager
def said() -> Iterator[None]:
    """Turn what a person can mend into a message and exit status 1, without a stack trace."""
    from app.domain.life import NotPossible
    from app.operations.agencies import ImportFailed
    from app.operations.rounds import PlanErrors
    from app.policy import Denied
    from app.queries.rounds import NotFound
    from reports.render import RenderFailed

    try:
        yield
    except ImportFailed as failed:
        for problem in failed.problems:
            click.echo(str(problem), err=True)
        raise click.ClickException("nothing was imported: mend the lines above and try again") from None
    except PlanErrors as failed:
        for name, message in failed.errors.items():
            click.echo(f"{name}: {message}", err=True)
        raise click.ClickException("the round was not made") from None
    except Denied as denied:
        raise click.ClickException(f"that person may not do this ({denied.permission})") from None
    except NotFound:
        raise click.ClickException("there is no such thing, or that person may not see it") from None
    except (NotPossible, RenderFailed, ConfigError) as problem:
        raise click.ClickException(str(problem)) from None


def application() -> Flask:
    """The application on a database that is set up. Raises ClickException where it is not."""
    from app import create_app, migrate

    try:
        app = create_app()
    except ConfigError as problem:
        raise click.ClickException(str(problem)) from None
    if not migrate.is_current(app):
        raise click.ClickException("the database is not up to date: run `candour setup` first")
    return app


@contextmanager
def working(*, write: bool) -> Iterator[Session]:
    """A session in an application context; committed at the end of a write."""
    from app.db import begin_write, db

    app = application()
    with app.app_context():
        try:
            with said():
                if write:
                    begin_write(db.session)
                yield db.session
                if write:
                    db.session.commit()
        finally:
            db.session.close()
            db.engine.dispose()


def actor_for(session: Session, email: str | None, now: datetime) -> Any:
    """The actor of a command: the person of `--as`, or the system."""
    from app.policy import system_actor
    from app.queries.actors import actor_by_email

    if email is None:
        return system_actor("command")
    actor = actor_by_email(session, email, now=now)
    if actor is None:
        raise click.ClickException(f"there is nobody with the e-mail address {email}")
    return actor


as_person = click.option(
    "--as", "as_email", metavar="EMAIL", help="Act as this person; without it, as the system."
)


def steps(label: str) -> tuple[Any, Callable[[int, int, str], None]]:
    """A progress bar, and the function that moves it: (done, of, what). Plain lines where there is no terminal."""
    bar = click.progressbar(length=100, label=label, file=sys.stderr, show_percent=True, item_show_func=str)

    def move(done: int, of: int, what: str) -> None:
        wanted = round(100 * done / max(1, of))
        bar.update(max(0, wanted - bar.pos), what)

    return bar, move


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Candour: self-audits for agencies that protect children.

    A new service: `candour setup`, then `candour demo` for a demonstration or `candour templates publish` for a real
    one, then `candour serve`.
    """


@main.command()
def setup() -> None:
    """Make the data folder with its secrets, and bring the database up to date. Safe to run again."""
    from app import create_app, jobs, migrate

    home = default_home()
    make_home(home)
    with said():
        app = create_app()
        migrate.upgrade(app)
        jobs.prepare(app.config["CANDOUR"].database_url)
    click.echo(f"Ready: {home}")


# ---------------------------------------------------------------------------------------------- templates
@main.group()
def templates() -> None:
    """Check and publish packs of audit templates."""


@templates.command("check")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
def templates_check(paths: tuple[Path, ...]) -> None:
    """Check packs: all those that come with the program, or the folders in PATHS.

    Prints a line `file:line:column: what is wrong and how to mend it` for every error at once, and exits with status 1
    if there are any.
    """
    from app.catalogue import check

    folders = paths or sorted(file.parent for file in (ROOT / "audit_templates").glob("*/pack.yaml"))
    with click.progressbar(folders, label="Checking packs", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        errors = [error for folder in bar for error in check([folder])]
    for error in errors:
        click.echo(str(error))
    if errors:
        sys.exit(1)
    click.echo("All packs are in order.")


@templates.command("publish")
@click.argument("pack_key", metavar="PACK")
@as_person
def templates_publish(pack_key: str, as_email: str | None) -> None:
    """Publish a PACK by its key: freeze this version with its hash, so that rounds can use it."""
    from app import clock
    from app.operations.templates import publish

    with working(write=True) as session:
        now = clock.now(session)
        version = publish(session, load(pack_key), by=actor_for(session, as_email, now), now=now)
        click.echo(f"{version.pack} version {version.version}, SHA-256 {version.sha256}")


def load(pack_key: str) -> Any:
    """A pack from `audit_templates/`, or a ClickException that lists what is wrong or what there is."""
    from app.catalogue import CatalogueErrors, load_pack

    folder = Config.load().templates
    known = sorted(path.parent.name for path in folder.glob("*/pack.yaml"))
    if pack_key not in known:
        raise click.ClickException(f"there is no pack “{pack_key}”. Known are: {', '.join(known)}")
    try:
        return load_pack(folder / pack_key)
    except CatalogueErrors as failed:
        for error in failed.errors:
            click.echo(str(error), err=True)
        raise click.ClickException("the pack has errors: mend them first") from None


# ---------------------------------------------------------------------------------------------- agencies
@main.group()
def agencies() -> None:
    """The agencies that are audited."""


@agencies.command("import")
@click.argument("file", type=click.File("rb"))
@as_person
def agencies_import(file: Any, as_email: str | None) -> None:
    """Import agencies from a CSV FILE (`-` reads standard input).

    \b
    The first line names the columns: code,name,type and as wished subtype,areas,email,signatory.
    type and subtype are those of a published pack; areas are codes separated by semicolons, each
    as `code` or `code: name`; email is that of the accountable signatory. All errors are printed
    at once, by line, and nothing is imported if there are any.
    """
    from app import clock
    from app.operations.agencies import decode, import_csv
    from app.queries.packs import agency_types

    with working(write=True) as session:
        types = agency_types(session)
        if not types:
            raise click.ClickException("no pack is published yet: run `candour templates publish PACK` first")
        now = clock.now(session)
        stored = import_csv(
            session, decode(file.read()), types, by=actor_for(session, as_email, now), now=now
        )
        click.echo(f"{len(stored)} agencies imported.")


# ---------------------------------------------------------------------------------------------- people
@main.group()
def people() -> None:
    """People and what they are appointed to."""


@people.command("add")
@click.argument("email")
@click.option("--name", required=True, help="The person’s name.")
@click.option(
    "--role", required=True, help="For example lead_inspector, accountable_signatory, administrator."
)
@click.option(
    "--body", default="", help="Code of the agency, oversight body or area; none for an administrator."
)
@click.option("--post", default="", help="The post they hold, as it is printed under a signature.")
@click.option(
    "--from", "starts", type=DAY, default=None, help="First day of the appointment; today by default."
)
@click.option("--until", "ends", type=DAY, default=None, help="Last day of the appointment.")
@click.option("--acting", is_flag=True, help="They cover for whoever holds the post; a signature says so.")
@click.option(
    "--url", default=lambda: Config.load().base_url, show_default="CANDOUR_BASE_URL",
    help="Address of the service, for the invitation.",
)
@as_person
def people_add(
    email: str, name: str, role: str, body: str, post: str, starts: date | None, ends: date | None, acting: bool,
    url: str, as_email: str | None,
) -> None:  # fmt: skip
    """Appoint the person with this EMAIL, and print the invitation with which they set their password."""
    from app import clock
    from app.operations.people import add_person
    from app.web.security import invitation_token

    with working(write=True) as session:
        now = clock.now(session)
        user = add_person(
            session, email=email, name=name, role=role, body_code=body, post=post, starts=starts or clock.today(now),
            ends=ends, acting=acting, by=actor_for(session, as_email, now), now=now,
        )  # fmt: skip
        if user.password is None:
            click.echo(f"Invitation for {user.email}: {url}/welcome/{invitation_token(user)}")
        else:
            click.echo(f"{user.email} is appointed.")


@people.command("invite")
@click.argument("email")
@click.option(
    "--url", default=lambda: Config.load().base_url, show_default="CANDOUR_BASE_URL",
    help="Address of the service, for the invitation.",
)
@as_person
def people_invite(email: str, url: str, as_email: str | None) -> None:
    """Invite the person with this EMAIL anew, when they forgot their password.

    The old password stops working at once; the invitation that is printed lets them set a new one.
    """
    from app import clock
    from app.operations.people import invite_again
    from app.web.security import invitation_token

    with working(write=True) as session:
        now = clock.now(session)
        user = invite_again(session, email, by=actor_for(session, as_email, now), now=now)
        click.echo(f"Invitation for {user.email}: {url}/welcome/{invitation_token(user)}")


@main.group()
def bodies() -> None:
    """Oversight bodies: inspectorates and partnerships."""


@bodies.command("add")
@click.argument("code")
@click.option("--name", required=True, help="The full name.")
@click.option("--short", required=True, help="The short name, such as initials.")
@click.option("--kind", required=True, help="What it is: inspectorate, partnership, …")
@as_person
def bodies_add(code: str, name: str, short: str, kind: str, as_email: str | None) -> None:
    """Set up an oversight body with this CODE."""
    from app import clock
    from app.operations.people import add_oversight_body

    with working(write=True) as session:
        now = clock.now(session)
        add_oversight_body(
            session,
            code=code,
            name=name,
            short=short,
            kind=kind,
            by=actor_for(session, as_email, now),
            now=now,
        )
        click.echo(f"{name} is set up.")


# ---------------------------------------------------------------------------------------------- settings
@main.group()
def setting() -> None:
    """Settings of the service that can change while it runs."""


@setting.command("contributor-links")
@click.argument("state", type=click.Choice(["on", "off"]))
@as_person
def setting_contributor_links(state: str, as_email: str | None) -> None:
    """Whether contributors and board readers may sign in by links alone, without a password: on or off."""
    from app import clock
    from app.operations.settings import set_contributor_links

    with working(write=True) as session:
        now = clock.now(session)
        changed = set_contributor_links(session, state == "on", by=actor_for(session, as_email, now), now=now)
        click.echo(f"Links for contributors are {state}{'' if changed else ' already'}.")


# ---------------------------------------------------------------------------------------------- rounds
@main.group("round")
def round_() -> None:
    """Audit rounds."""


@round_.command("open")
@click.argument("key")
@click.option("--pack", "pack_key", required=True, help="Key of a published pack, such as climbie-2003.")
@click.option("--opens", type=DAY, required=True, help="First day on which agencies can answer.")
@click.option("--due", type=DAY, required=True, help="Last day on which a submission is in time.")
@click.option("--closes", type=DAY, required=True, help="Last day on which anything can be changed.")
@click.option("--name", default="", help="The name that agencies see; the pack’s title by default.")
@click.option(
    "--milestones-from",
    type=DAY,
    default=None,
    help="The day milestones count from; the opening day by default.",
)
@click.option("--body", "body_code", default=None, help="Code of the oversight body that owns the round.")
@as_person
def round_open(
    key: str, pack_key: str, opens: date, due: date, closes: date, name: str, milestones_from: date | None,
    body_code: str | None, as_email: str | None,
) -> None:  # fmt: skip
    """Open a round with this KEY for every agency of the pack's types that is known and not closed."""
    from app import clock
    from app.domain.text import localise
    from app.operations import rounds
    from app.queries.agencies import AgencyFilter, candidate_ids
    from app.queries.bodies import owner_for
    from app.queries.packs import latest_version, pack_of

    with working(write=True) as session:
        now = clock.now(session)
        by = actor_for(session, as_email, now)
        version = latest_version(session, pack_key)
        if version is None:
            raise click.ClickException(
                f"{pack_key} is not published: run `candour templates publish {pack_key}` first"
            )
        pack = pack_of(version)
        owner = owner_for(session, pack, body_code, actor=by)
        if owner is None:
            raise click.ClickException("name the oversight body that owns the round with --body CODE")
        plan = rounds.RoundPlan(
            key=key, name=name or localise(pack.title), opens=opens, due=due, closes=closes,
            milestones_from=milestones_from or opens,
        )  # fmt: skip
        audit_round = rounds.create_round(session, plan, version, owner=owner, by=by, now=now)
        ids = candidate_ids(session, audit_round, actor=by, now=now, narrowed=AgencyFilter())
        added = rounds.add_agencies(session, audit_round.public_id, ids, by=by, now=now)
        rounds.open_round(session, audit_round.public_id, by=by, now=now)
        click.echo(f"Round {key} is open for {added} agencies, until {closes:%-d %B %Y}.")


# ---------------------------------------------------------------------------------------------- reports
@main.group()
def report() -> None:
    """Reports as PDF and as data."""


@report.command("render")
@click.argument("report_key", metavar="REPORT")
@click.option("--round", "round_key", required=True, help="Key of the round.")
@click.option(
    "--agency", "agency_code", default=None, help="Code of the agency, for a report about one return."
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The PDF to write."
)
@click.option(
    "--data",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Also write the data, as JSON.",
)
@click.option("--language", type=click.Choice(list(LANGUAGES)), default="en", help="The language of the PDF.")
@as_person
def report_render(
    report_key: str,
    round_key: str,
    agency_code: str | None,
    out: Path,
    data: Path | None,
    language: str,
    as_email: str | None,
) -> None:
    """Render REPORT (joint-findings, agency-return, receipt) to a PDF file.

    Reads submissions only, never drafts.
    """
    from app import clock
    from app.queries.returns import return_by_agency
    from app.queries.rounds import round_by_key
    from reports.make import make_report

    with working(write=False) as session:
        now = clock.now(session)
        audit_round = round_by_key(session, round_key)
        if audit_round is None:
            raise click.ClickException(f"there is no round with the key “{round_key}”")
        audit_return = return_by_agency(session, audit_round, agency_code) if agency_code else None
        bar, move = steps(f"Rendering {report_key}")
        with bar:
            made = make_report(
                session, report_key, audit_round, audit_return, out=out, data=data, language=language,
                actor=actor_for(session, as_email, now), now=now,
                progress=lambda percent, what: move(percent, 100, what),
            )  # fmt: skip
            move(100, 100, "done")
    click.echo(
        f"{out}: {made.pages} pages, SHA-256 {made.sha256}, {made.seconds:.1f} s, {made.peak_memory_mb} MB"
    )


# ---------------------------------------------------------------------------------------------- mail
@main.group()
def mail() -> None:
    """The outbox of e-mails: see what waits or was refused, send it, try the mail server."""


@mail.command("list")
@click.option("--state", type=click.Choice(["waiting", "failed", "sent"]), default=None, help="Only those.")
@as_person
def mail_list(state: str | None, as_email: str | None) -> None:
    """List the messages of the outbox that wait or were refused, the newest first, each with its id and error."""
    from app import clock
    from app.queries.mail import outbox

    with working(write=False) as session:
        actor = actor_for(session, as_email, clock.now(session))
        for wanted in [state] if state else ["failed", "waiting"]:
            page, pages = 1, 1
            while page <= pages:
                found = outbox(session, actor=actor, state=wanted, page=page)
                for one in found.rows:
                    told = f" ({one.attempts} attempts: {one.error})" if one.error else ""
                    click.echo(f"{one.public_id}  {one.state:8}{one.address}  {one.subject}{told}")
                page, pages = page + 1, found.pages
        counts = outbox(session, actor=actor).counts
    click.echo(", ".join(f"{number} {name}" for name, number in counts.items()), err=True)


@mail.command("send")
def mail_send() -> None:
    """Send what is due now. The worker does this by itself, every few seconds."""
    from app.db import db
    from app.jobs.mail import send_due
    from app.mail.transports import transport_for
    from app.queries.mail import sends_nothing

    with working(write=False) as session:
        config = Config.load()
        transport = transport_for(config)
        if transport is None:
            raise click.ClickException("no mail server is set up: set CANDOUR_SMTP_URL or CANDOUR_NOTIFY_API_KEY")
        if sends_nothing(session):
            raise click.ClickException("this is a demonstration: its e-mails are never sent")
        session.rollback()
        outcome = send_due(db.sessionmaker, transport, config)
    click.echo(f"{outcome.sent} sent, {outcome.refused} refused, {outcome.later} to be tried again.")
    if outcome.down:
        raise click.ClickException(outcome.down)


@mail.command("retry")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--refused", is_flag=True, help="Everything that was refused.")
@as_person
def mail_retry(ids: tuple[str, ...], refused: bool, as_email: str | None) -> None:
    """Let messages be tried again now: those with these IDs (`candour mail list` shows them), or all refused ones."""
    from app import clock
    from app.operations import outbox

    if not ids and not refused:
        raise click.UsageError("name messages by their ID, or say --refused")
    with working(write=True) as session:
        now = clock.now(session)
        by = actor_for(session, as_email, now)
        for public_id in ids:
            outbox.retry(session, public_id, by=by, now=now)
        number = len(ids) + (outbox.retry_failed(session, by=by, now=now) if refused else 0)
    click.echo(f"{number} to be tried again.")


@mail.command("remind")
def mail_remind() -> None:
    """Write the reminders that are due today. The worker does this by itself; nobody is reminded twice."""
    from app import clock
    from app.operations.mail import remind

    with working(write=True) as session:
        number = remind(session, now=clock.now(session))
    click.echo(f"{number} reminders written.")


@mail.command("test")
@click.argument("address")
def mail_test(address: str) -> None:
    """Send a test message to this ADDRESS at once, past the outbox, to see whether the settings are right."""
    from app.mail.transports import Later, Mail, Refused, transport_for
    from app.models import new_public_id

    with said():
        config = Config.load()
    transport = transport_for(config)
    if transport is None:
        raise click.ClickException("no mail server is set up: set CANDOUR_SMTP_URL or CANDOUR_NOTIFY_API_KEY")
    body = f"This is a test from Candour at {config.base_url}. If you can read it, the settings are right.\n"
    try:
        provider_id = transport.send(Mail(new_public_id(), address, "A test from Candour", body))
    except (Refused, Later) as problem:
        raise click.ClickException(str(problem)) from None
    finally:
        transport.close()
    click.echo(f"Accepted: {provider_id}")


# ---------------------------------------------------------------------------------------------- evidence
@main.group()
def evidence() -> None:
    """Files that agencies attached: scan what was not scanned yet, check that the store is whole."""


@evidence.command("scan")
@click.option("--all", "everything", is_flag=True, help="Scan again what was scanned before, too.")
@as_person
def evidence_scan(everything: bool, as_email: str | None) -> None:
    """Have clamd (CANDOUR_CLAMD) scan the files that are held as not scanned.

    What is infected can no longer be downloaded. Exits with status 1 where something is, or was not scanned.
    """
    from app import clock
    from app.db import begin_write, db
    from app.files.scan import Scan, scan
    from app.files.store import Damaged, Missing, open_store
    from app.operations.evidence import record_scan
    from app.queries.evidence import not_scanned

    config = Config.load()
    if not config.clamd:
        raise click.ClickException("set CANDOUR_CLAMD to where clamd listens first")
    counted = {"clean": 0, "infected": 0, "not_scanned": 0}
    with working(write=False) as session:
        store, now = open_store(config), clock.now(session)
        by = actor_for(session, as_email, now)
        hashes = not_scanned(session, everything=everything)
        with click.progressbar(hashes, label="Scanning", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
            for sha256 in bar:
                session.rollback()  # nobody waits while a file is scanned
                try:
                    with store.open(sha256) as file:
                        result = scan(file, config.clamd, patience=120)
                except (Missing, Damaged) as problem:
                    result = Scan("not_scanned", type(problem).__name__)
                counted[result.state] += 1
                if result.state != "clean":
                    click.echo(f"{sha256}  {result.state.replace('_', ' ')}: {result.found}", err=True)
                begin_write(db.session)
                record_scan(session, sha256, result, by=by, now=now)
                session.commit()
    click.echo(f"{counted['clean']} clean, {counted['infected']} infected, {counted['not_scanned']} not scanned.")
    if counted["infected"] or counted["not_scanned"]:
        sys.exit(1)


@evidence.command("check")
@as_person
def evidence_check(as_email: str | None) -> None:
    """Read every file of the store and compare it with its SHA-256. Changes nothing.

    Exits with status 1 where one is missing or damaged. It also counts content that belongs to nobody: what was given
    up and not deleted, or was left by a crash.
    """
    from app import clock
    from app.files.store import Unreachable, open_store
    from app.operations.evidence import check_store

    with working(write=False) as session:
        by = actor_for(session, as_email, clock.now(session))
        try:
            found = check_store(session, store=open_store(Config.load()), by=by)
        except Unreachable as problem:
            raise click.ClickException(f"the store does not answer: {problem}") from None
    for words, hashes in (("missing", found.missing), ("damaged", found.damaged), ("nobody’s", found.nobodys)):
        for sha256 in hashes:
            click.echo(f"{sha256}  {words}", err=True)
    click.echo(f"{found.well} well, {len(found.missing)} missing, {len(found.damaged)} damaged,"
        f" {len(found.nobodys)} nobody’s.")  # fmt: skip
    if found.missing or found.damaged:
        sys.exit(1)


@evidence.command("tidy")
@as_person
def evidence_tidy(as_email: str | None) -> None:
    """Delete content of the store that belongs to nobody.

    What an agency keeps, or something signed names, is never touched.
    """
    from app import clock
    from app.files.store import open_store
    from app.operations.evidence import check_store, delete_given_up

    with working(write=True) as session:
        store, by = open_store(Config.load()), actor_for(session, as_email, clock.now(session))
        deleted = delete_given_up(session, check_store(session, store=store, by=by).nobodys, store=store)
    click.echo(f"{len(deleted)} files deleted.")


# ---------------------------------------------------------------------------------------------- bundles
@main.group()
def bundle() -> None:
    """Take a return to another installation, or bring one from there."""


@bundle.command("export")
@click.argument("round_key", metavar="ROUND")
@click.argument("agency_code", metavar="AGENCY")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The .zip to write.")
@as_person
def bundle_export(round_key: str, agency_code: str, out: Path, as_email: str | None) -> None:
    """Write the answers, planned actions and evidence of a return, as they stand, to one file."""
    from flask import current_app

    from app.bundle import write_bundle
    from app.files.store import open_store
    from app.queries.bundles import bundle_content

    with working(write=False) as session:
        store = open_store(current_app.config["CANDOUR"])
        audit_return, actor, now = return_for(session, round_key, agency_code, as_email)
        content = bundle_content(session, audit_return, actor=actor, now=now)
        part = out.with_name(f".{out.name}.part")
        try:
            with part.open("wb") as file:
                manifest = write_bundle(content, file, store.open)
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
    click.echo(f"{out}: {len(manifest.answers)} answers, {len(manifest.files)} files, content {manifest.content_hash}")


@bundle.command("import")
@click.argument("round_key", metavar="ROUND")
@click.argument("agency_code", metavar="AGENCY")
@click.argument("file", type=click.File("rb"))
@as_person
def bundle_import(round_key: str, agency_code: str, file: Any, as_email: str | None) -> None:
    """Verify a bundle and lay it before a return. What becomes of it is decided on its page, under “Work offline”."""
    import hashlib

    from flask import current_app

    from app.bundle import keep_file, read_bundle
    from app.operations.offline import stage_bundle
    from app.sheets.cells import Unreadable

    with working(write=True) as session:
        config = current_app.config["CANDOUR"]
        audit_return, actor, now = return_for(session, round_key, agency_code, as_email)
        try:
            manifest = read_bundle(
                file, largest_file=config.evidence_max_mb * 1024**2, largest=config.evidence_quota_mb * 1024**2
            )
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            staged = stage_bundle(
                session, audit_return.public_id, name=Path(file.name).name, digest=digest, manifest=manifest, by=actor,
                now=now,
            )  # fmt: skip
        except Unreadable as reason:
            raise click.ClickException(str(reason)) from None
        keep_file(config.home, staged.public_id, file)
        click.echo(f"/returns/{audit_return.public_id}/offline/uploads/{staged.public_id}")


def return_for(session: Session, round_key: str, agency_code: str, as_email: str | None) -> tuple[Any, Any, datetime]:
    """The return of an agency in a round, who acts, and when."""
    from app import clock
    from app.queries.returns import return_by_agency
    from app.queries.rounds import round_by_key

    now = clock.now(session)
    audit_round = round_by_key(session, round_key)
    if audit_round is None:
        raise click.ClickException(f"there is no round with the key “{round_key}”")
    return return_by_agency(session, audit_round, agency_code), actor_for(session, as_email, now), now


# ---------------------------------------------------------------------------------------------- demonstration
@main.command()
@click.option(
    "--pack", "pack_key", default=None, help="The pack to demonstrate; by default the first that can be."
)
@click.option("--seed", type=int, default=2003, show_default=True, help="The same seed gives the same data.")
@click.option("--today", type=DAY, default=None, help="The date that the demonstration stands still on.")
@click.option(
    "--agencies",
    "number",
    type=click.IntRange(min=20),
    default=None,
    help="About how many agencies; all by default.",
)
@click.option("--if-empty", is_flag=True, help="Do nothing if there is any data yet.")
def demo(pack_key: str | None, seed: int, today: date | None, number: int | None, if_empty: bool) -> None:
    """Fill an empty database with a demonstration round of plainly fictional agencies.

    Its date stands still, so that its deadlines never pass. Every page and report of it says that it is a
    demonstration. Sign in as anybody whom the sign-in page shows.
    """
    from app.catalogue import load_all
    from app.operations import demonstration
    from app.operations.templates import publish
    from app.policy import system_actor
    from app.queries.packs import anything_published
    from app.web.security import hashed

    with working(write=True) as session:
        if anything_published(session):
            if if_empty:
                return
            raise click.ClickException(
                "there is data already. A demonstration needs an empty data folder: name one with CANDOUR_HOME"
            )
        packs = load_all(Config.load().templates)
        able = [key for key, pack in packs.items() if pack.demonstration]
        chosen = pack_key or (able[0] if able else "")
        if chosen not in able:
            raise click.ClickException(f"choose a pack that has a demonstration: {', '.join(able)}")
        by = system_actor("demonstration")
        bar, move = steps("Building the demonstration")
        with bar:
            summary = demonstration.build(
                session, pack=packs[chosen], seed=seed, today=today, by=by, progress=move, scale=number,
                hash_password=hashed,
            )  # fmt: skip
            for key, pack in packs.items():
                if key != chosen:
                    publish(session, pack, by=by, now=summary.now)
    click.echo(summary.text())


# ---------------------------------------------------------------------------------------------- serving
@main.command()
@click.option("--bind", default=LOCAL, show_default=True, help="Address and port to serve on.")
@click.option("--web-workers", type=int, default=2, show_default=True, help="Web processes.")
def serve(bind: str, web_workers: int) -> None:
    """Serve the pages and make reports: the web server and one background worker, until Ctrl-C."""
    application()
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    program = [sys.executable, "-m"]
    processes = {
        "web": subprocess.Popen(
            [*program, "gunicorn", "--bind", bind, "--workers", str(web_workers), "--threads", "4",
             "--log-level", "warning", "--no-control-socket", "app:create_app()"],
            cwd=ROOT, env=environment, start_new_session=True,
        ),
        "worker": subprocess.Popen([*program, "app.cli", "work"], cwd=ROOT, env=environment, start_new_session=True),
    }  # fmt: skip
    click.echo(f"Candour is at http://{bind} (stop it with Ctrl-C)")
    stopping = False

    def stop(*_: Any) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    status = 0
    try:
        while not stopping:
            time.sleep(0.5)
            for name, process in processes.items():
                if process.poll() is not None:
                    click.echo(f"The {name} process has ended (status {process.returncode}).", err=True)
                    stopping, status = True, 1
    finally:
        for process in processes.values():
            if process.poll() is None:
                process.terminate()
        for process in processes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
    sys.exit(status)


@main.command()
@click.option(
    "--executor", default="worker-1", show_default=True, help="A name that stays the same across restarts."
)
def work(executor: str) -> None:
    """Make reports in the background until stopped. `candour serve` starts one of these."""
    from app.jobs import worker

    worker.run(application(), executor=executor)


if __name__ == "__main__":
    main()
