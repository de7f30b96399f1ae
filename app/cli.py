"""The command line: the same operations as the pages.

Every command works on the data folder that CANDOUR_HOME names. `--as EMAIL` acts as that person, with their
appointments; without it a command acts as the system, and the history says so.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from sqlalchemy.orm import Session

from app.domain.chasing import REASONS, WITHIN
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


class Instant(click.ParamType):
    """A minute in London time as YYYY-MM-DD HH:MM."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant, or a usage error that shows the form."""
        from app.clock import LONDON, london

        try:
            given = datetime.strptime(value, "%Y-%m-%d %H:%M").replace(tzinfo=LONDON)
        except ValueError:
            self.fail(f"{value!r} is no time. Write it as 2003-07-01 09:30.", param, ctx)
        at = london(given.date(), given.time())
        if at is None:
            self.fail(f"the clocks go forward over {value}: choose a time an hour earlier or later.", param, ctx)
        return given


DAY = Day()
INSTANT = Instant()


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
        raise click.ClickException("nothing was changed: mend what is named above and try again") from None
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
    """Make, check and publish packs of audit templates."""


@templates.command("check")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
def templates_check(paths: tuple[Path, ...]) -> None:
    """Check packs: all those that come with the program, or the folders in PATHS.

    Prints a line `file:line:column: what is wrong and how to mend it` for every error at once, worked examples that
    come out otherwise among them, and exits with status 1 if there are any.
    """
    from app.catalogue import check, number_of_examples

    folders = paths or sorted(file.parent for file in (ROOT / "audit_templates").glob("*/pack.yaml"))
    with click.progressbar(folders, label="Checking packs", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        errors = [error for folder in bar for error in check([folder])]
    for error in errors:
        click.echo(str(error))
    if errors:
        sys.exit(1)
    worked = number_of_examples(folders)
    told = {0: "", 1: " 1 worked example comes out as it says."}.get(
        worked, f" {worked} worked examples come out as they say."
    )
    click.echo(f"All packs are in order.{told}")


@templates.command("new")
@click.argument("key", metavar="NAME")
@click.option("--xlsx", "file", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The workbook.")
@click.option(
    "--from", "source", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Begin with the pack in this folder.",
)
@click.option("--language", "spoken", multiple=True, help="Columns for this language, such as cy, beside English.")
def templates_new(key: str, file: Path, source: Path | None, spoken: tuple[str, ...]) -> None:
    """Write a workbook in which a pack called NAME can be made in a spreadsheet.

    `candour templates from-xlsx` makes the pack of it again, without loss.
    """
    from app.authoring.workbook import begin, comments_in, write_workbook
    from app.catalogue import CatalogueErrors

    if file.exists():
        raise click.ClickException(f"{file} is there already; name another file, or move it away first")
    with drafting():
        try:
            content = write_workbook(begin(key, source), spoken)
        except CatalogueErrors as failed:
            for error in failed.errors:
                click.echo(str(error), err=True)
            raise click.ClickException("the pack has errors: mend them first") from None
    file.write_bytes(content)
    click.echo(f"{file} is written. Its first sheet explains the others.")
    for name, lines in comments_in(source).items() if source else ():
        click.echo(f"{name}: comments ({lines} lines) do not go into a workbook.")


@templates.command("from-xlsx")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Write over the pack that is in FOLDER.")
def templates_from_xlsx(file: Path, folder: Path, replace: bool) -> None:
    """Make the pack in FOLDER of the workbook FILE that `templates new` began.

    Every mistake is named by its sheet and cell, and then nothing is written. The checks are those of
    `templates check`.
    """
    from app.authoring.draft import put
    from app.authoring.from_workbook import read_workbook

    with drafting():
        names = put(read_workbook(file.read_bytes()), folder, replace=replace)
    click.echo(f"{folder}: {', '.join(names)}")


@templates.group("import")
def templates_import() -> None:
    """Make packs of forms and frameworks that were made for other programs, as far as they can go."""


def import_options(command: Any) -> Any:
    """What all imports of packs take: FILE, FOLDER and --replace."""
    command = click.option("--replace", is_flag=True, help="Write over the pack that is in FOLDER.")(command)
    command = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))(command)
    return click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))(command)


@templates_import.command("xlsform")
@import_options
def templates_import_xlsform(file: Path, folder: Path, replace: bool) -> None:
    """Make the pack in FOLDER of an XLSForm workbook (.xlsx or .ods).

    What was left out and why is printed and stands in the pack's README. A form that cannot be read is refused with
    the cell and the reason.
    """
    from app.authoring.draft import put
    from app.authoring.xlsform import import_xlsform

    with drafting():
        draft = import_xlsform(file.read_bytes(), folder.resolve().name, file.name)
        put(draft, folder, replace=replace)
    click.echo(draft.readme)


@templates_import.command("ciso")
@import_options
def templates_import_ciso(file: Path, folder: Path, replace: bool) -> None:
    """Make the pack in FOLDER of a framework library of CISO Assistant (YAML).

    What was left out and why is printed and stands in the pack's README. A library that cannot be read, or holds no
    framework, is refused with the line and the reason.
    """
    from app.authoring.ciso import import_ciso
    from app.authoring.draft import put

    with drafting():
        draft = import_ciso(file, folder.resolve().name)
        put(draft, folder, replace=replace)
    click.echo(draft.readme)


@contextmanager
def drafting() -> Iterator[None]:
    """Turn what is wrong with the source of a pack into lines with its places, and exit status 1."""
    from app.authoring.draft import Refused

    try:
        yield
    except Refused as refused:
        for mistake in refused.mistakes:
            click.echo(str(mistake), err=True)
        raise click.ClickException("nothing was written: mend what is named above") from None


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


@templates.command("compare")
@click.argument("pack_key", metavar="PACK")
@click.argument("then", metavar="[VERSION", type=click.IntRange(min=1), required=False)
@click.argument("now", metavar="[VERSION]]", type=click.IntRange(min=1), required=False)
def templates_compare(pack_key: str, then: int | None, now: int | None) -> None:
    """Compare two versions of a PACK: what was added, changed and removed, and what it means for answers and figures.

    Without versions the latest published one is compared with the folder in `audit_templates/`; with one, that one.
    """
    from app.domain.versions import compare
    from app.queries.packs import latest_version, pack_of, published_version

    with working(write=False) as session:

        def published(version: int | None) -> Any:
            if version is None:
                row = latest_version(session, pack_key)
            else:
                row = published_version(session, pack_key, version)
            if row is None:
                number = "" if version is None else f" version {version}"
                raise click.ClickException(f"“{pack_key}”{number} is not published, so there is nothing to compare")
            return pack_of(row)

        found = compare(published(then), load(pack_key) if now is None else published(now))
    on_disk = " (on disk)" if now is None else ""
    click.echo(f"{pack_key}: version {found.then.version} beside version {found.now.version}{on_disk}")
    for line in compared_lines(found):
        click.echo(line)


@templates.command("sample")
@click.argument("pack_key", metavar="PACK")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def templates_sample(pack_key: str, folder: Path) -> None:
    """Make the blank forms of a PACK in `audit_templates/`, and the findings of a round invented for it, as PDF.

    They are written into FOLDER. The agencies of the round and their answers are drawn by chance, always the same for
    the same pack; no data of this service is read or changed.
    """
    from datetime import UTC

    from app.catalogue import pack_hash
    from app.jobs.gallery import make_documents

    with said():
        pack = load(pack_key)
    bar, move = steps(f"Making the documents of {pack_key}")
    with bar, said():
        made = make_documents(
            pack, pack_hash(pack.as_published()), folder, now=datetime.now(UTC), progress=move
        )
    for path in made:
        click.echo(path)


@templates.command("gallery")
def templates_gallery() -> None:
    """Print the gallery of the packs in `audit_templates/` in Markdown: what docs/gallery.md holds."""
    from app.catalogue import CatalogueErrors, load_all
    from app.domain.gallery import Shown, as_markdown

    folder = ROOT / "audit_templates"
    try:
        packs = load_all(folder)
    except CatalogueErrors as failed:
        raise click.ClickException(str(failed)) from None
    readmes = {key: folder / key / "README.md" for key in packs}
    found = [
        Shown(pack, readmes[key].read_text(encoding="utf-8") if readmes[key].is_file() else "")
        for key, pack in packs.items()
    ]
    click.echo(as_markdown(found), nl=False)


def compared_lines(found: Any) -> Iterator[str]:
    """A comparison of two versions of a pack, in lines."""
    from app.domain.text import localise

    if found.is_same:
        yield "Nothing differs."
    for word, keys in (("added", found.new_types), ("removed", found.gone_types)):
        if keys:
            yield f"agency types {word}: {', '.join(keys)}"
    for scheme in found.schemes:
        told = [
            f"{word} {', '.join(keys)}"
            for word, keys in (("added", scheme.added), ("changed", scheme.changed), ("removed", scheme.removed))
            if keys
        ]
        yield f"grading scheme {scheme.key}: {'; '.join(told + ['in another order'] * scheme.reordered)}"
    if found.parts:
        yield f"also changed: {', '.join(found.parts)}"
    for one in found.templates:
        if one.is_same:
            continue
        yield f"{one.agency_type}: {len(one.added)} added, {len(one.changed)} changed, {len(one.removed)} removed"
        if one.texts:
            yield f"  changed: {', '.join(one.texts)}"
        for placed in one.added:
            yield f"  + {placed.number} {placed.criterion.id}: {localise(placed.criterion.question)}"
        for each in one.changed:
            before = "" if each.now.number == each.then.number else f" (was {each.then.number})"
            number = each.now.number + before
            parts = ", ".join(each.parts) or "grades"
            yield f"  ~ {number} {each.now.criterion.id} ({parts}): {'; '.join(map(str, each.meanings))}"
        for placed in one.removed:
            yield f"  - {placed.number} {placed.criterion.id}: {localise(placed.criterion.question)}"
        for word, parts in (("+", one.rules.added), ("~", one.rules.changed), ("-", one.rules.removed)):
            for part, keys in parts.items():
                yield f"  {word} rules, {part}: {', '.join(keys)}"


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
@click.option("--type", "kind", default="", help="TYPE or TYPE/SUBTYPE of all agencies in a register’s file.")
@click.option("--agencies", "agency_columns", default="", help="Which columns of a code list, such as PFA23.")
@click.option("--areas", "area_columns", default="", help="Which columns are their areas, such as LAD23.")
@as_person
def agencies_import(
    file: Any, kind: str, agency_columns: str, area_columns: str, as_email: str | None
) -> None:
    """Import agencies from a CSV FILE (`-` reads standard input).

    \b
    The first line names the columns: code,name,type and as wished subtype,areas,email,signatory,region.
    type and subtype are those of a published pack; areas are codes separated by semicolons, each
    as `code` or `code: name`; region is the one that these areas lie in; email is that of the
    accountable signatory. All errors are printed
    at once, by line, and nothing is imported if there are any.

    Files of the NHS organisation register and code lists of the ONS are taken as they are, with --type.
    """
    from app import clock
    from app.operations.agencies import decode, find_type, import_csv, names_kept, parse_csv
    from app.operations.registers import parse_register, recognise
    from app.queries.agencies import area_names
    from app.queries.packs import agency_types

    with working(write=True) as session:
        types = agency_types(session)
        if not types:
            raise click.ClickException("no pack is published yet: run `candour templates publish PACK` first")
        now = clock.now(session)
        text = decode(file.read())
        if register := recognise(text):
            if not kind:
                raise click.ClickException("this is a register: say with --type what type its agencies are")
            named, _slash, subtype = kind.partition("/")
            agency_type, implied = find_type(named, types)
            if not agency_type:
                raise click.ClickException(f"“{named}” is no agency type here; known are: {', '.join(types)}")
            parsed = parse_register(
                text, register, types, agency_type=agency_type, subtype=subtype or implied, agencies=agency_columns,
                areas=area_columns, today=clock.today(now),
            )  # fmt: skip
        else:
            parsed = parse_csv(text, types)
        kept = names_kept(parsed.entries, area_names(session))
        stored = import_csv(
            session, text, types, by=actor_for(session, as_email, now), now=now, parsed=parsed
        )
        click.echo(f"{len(stored)} agencies imported.")
        if parsed.left_out:
            click.echo(f"{len(parsed.left_out)} closed organisations left out.")
        for one in kept:
            name = f"the area {one.code} keeps its name “{one.name}”"
            click.echo(f"line {one.line}: {name}; the file says “{one.given}”.")


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
@click.option(
    "--grace", type=int, default=30, show_default=True,
    help="Minutes after the due date that still count as in time, and after closing in which answers are taken.",
)
@as_person
def round_open(
    key: str, pack_key: str, opens: date, due: date, closes: date, name: str, milestones_from: date | None,
    body_code: str | None, grace: int, as_email: str | None,
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
            milestones_from=milestones_from or opens, grace_minutes=grace,
        )  # fmt: skip
        audit_round = rounds.create_round(session, plan, version, owner=owner, by=by, now=now)
        ids = candidate_ids(session, audit_round, actor=by, now=now, narrowed=AgencyFilter())
        added = rounds.add_agencies(session, audit_round.public_id, ids, by=by, now=now)
        rounds.open_round(session, audit_round.public_id, by=by, now=now)
        click.echo(f"Round {key} is open for {added} agencies, until {closes:%-d %B %Y}.")


@round_.command("close")
@click.argument("key")
@click.option("--reason", default="", help="Why it closes before its closing date; needed then.")
@as_person
def round_close(key: str, reason: str, as_email: str | None) -> None:
    """Close the round with this KEY now; after its closing time, put on record that the clock closed it."""
    from app.clock import LONDON
    from app.operations import closing

    with changing_round(key, as_email) as (session, audit_round, by, now):
        told = closing.close_round(session, audit_round.public_id, reason=reason, by=by, now=now)
        last = audit_round.open_until.astimezone(LONDON)
        click.echo(
            f"Round {key} is closed: answers are taken until {last:%-d %B %Y, %H:%M} (London time). E-mails: {told}."
        )


@round_.command("reopen")
@click.argument("key")
@click.option("--to", "to", type=DAY, required=True, help="The new closing date.")
@click.option("--reason", required=True, help="Why it is reopened; it stays in the history.")
@as_person
def round_reopen(key: str, to: date, reason: str, as_email: str | None) -> None:
    """Open the closed round with this KEY again."""
    from app.operations import closing

    with changing_round(key, as_email) as (session, audit_round, by, now):
        told = closing.reopen_round(session, audit_round.public_id, to=to, reason=reason, by=by, now=now)
        click.echo(f"Round {key} is open again until {to:%-d %B %Y}. E-mails: {told}.")


@round_.command("extend")
@click.argument("key")
@click.option("--due", type=DAY, default=None, help="The new due date; as it is by default.")
@click.option("--closes", type=DAY, default=None, help="The new closing date; as it is by default.")
@click.option("--reason", required=True, help="Why there is more time; it stays in the history.")
@as_person
def round_extend(key: str, due: date | None, closes: date | None, reason: str, as_email: str | None) -> None:
    """Give all agencies of the round with this KEY more time."""
    from app.clock import today
    from app.operations import closing

    with changing_round(key, as_email) as (session, audit_round, by, now):
        due, closes = due or today(audit_round.due), closes or today(audit_round.closes)
        told = closing.extend_round(
            session, audit_round.public_id, due=due, closes=closes, reason=reason, by=by, now=now
        )
        click.echo(f"Round {key} is due {due:%-d %B %Y} and closes {closes:%-d %B %Y}. E-mails: {told}.")


@round_.command("archive")
@click.argument("key")
@click.option("--bring-back", is_flag=True, help="Bring an archived round back instead.")
@as_person
def round_archive(key: str, bring_back: bool, as_email: str | None) -> None:
    """Put the round with this KEY away: it can be read, and no longer changed."""
    from app.operations import closing

    with changing_round(key, as_email) as (session, audit_round, by, now):
        act = closing.unarchive_round if bring_back else closing.archive_round
        act(session, audit_round.public_id, by=by, now=now)
        click.echo(f"Round {key} is {'back among the rounds' if bring_back else 'archived'}.")


@contextmanager
def changing_round(key: str, as_email: str | None) -> Iterator[tuple[Session, Any, Any, datetime]]:
    """A session open for writing, a round by its key, who acts, and when."""
    from app import clock
    from app.queries.rounds import round_by_key

    with working(write=True) as session:
        now = clock.now(session)
        by = actor_for(session, as_email, now)
        audit_round = round_by_key(session, key)
        if audit_round is None:
            raise click.ClickException(f"there is no round with the key “{key}”")
        yield session, audit_round, by, now


@round_.command("chase")
@click.argument("key")
@click.option(
    "--reason", required=True, type=click.Choice(REASONS), help="What the reminder is about: who it goes to follows."
)
@click.option("--agency", "codes", multiple=True, metavar="CODE", help="This agency only; may be given again.")
@click.option("--within", type=int, default=WITHIN, show_default=True, help="Business days left, at most.")
@click.option("--dry-run", is_flag=True, help="Show who would get it and who not, and send nothing.")
@as_person
def round_chase(
    key: str, reason: str, codes: tuple[str, ...], within: int, dry_run: bool, as_email: str | None
) -> None:
    """Remind the agencies of round KEY that are behind. No agency is reminded twice a day for one reason."""
    from app import clock
    from app.operations import chasing
    from app.operations.mail import written
    from app.queries.chasing import ChaseFilter, behind, cases
    from app.queries.rounds import get_round, round_by_key

    with working(write=not dry_run) as session:
        now = clock.now(session)
        by = actor_for(session, as_email, now)
        found = round_by_key(session, key)
        if found is None:
            raise click.ClickException(f"there is no round with the key {key}")
        audit_round = get_round(session, found.public_id, actor=by, now=now, permission="round.chase")
        narrowed = ChaseFilter(reason=reason, within=within)
        chosen = (
            [
                case.audit_return.public_id
                for case in cases(session, audit_round, actor=by, now=now)
                if case.agency.code in codes
            ]
            if codes
            else behind(session, audit_round, actor=by, now=now, narrowed=narrowed)
        )
        if not chosen:
            click.echo("Nobody is to be reminded of this now.")
            return
        preview = chasing.preview(session, audit_round.public_id, reason=reason, returns=chosen, by=by, now=now)
        for left in preview.left_out:
            click.echo(f"left out: {left.case.agency.code}: {left.why}")
        if dry_run:
            for one in preview.reminders:
                people = ", ".join(draft.to.email for draft in one.drafts)
                click.echo(f"would be reminded: {one.case.agency.code}: {people}")
            if preview.drafts:
                subject, body = written(preview.drafts[0], "en")
                click.echo(f"\nThe first of {len(preview.drafts)} e-mails:\n\n{subject}\n\n{body}")
            return
        sent = chasing.send(session, audit_round.public_id, reason=reason, returns=chosen, by=by, now=now)
        click.echo(f"Agencies reminded: {sent.agencies}. E-mails written: {sent.mails}.")


# ---------------------------------------------------------------------------------------------- samples
@main.group()
def sample() -> None:
    """The sample of returns that is checked: commit to a seed, draw once the round is closed, verify."""


def sampled_round(session: Session, key: str, as_email: str | None) -> tuple[Any, Any, datetime]:
    """The round with a key, who acts, and when."""
    from app import clock
    from app.queries.rounds import round_by_key

    now = clock.now(session)
    audit_round = round_by_key(session, key)
    if audit_round is None:
        raise click.ClickException(f"there is no round with the key “{key}”")
    return audit_round, actor_for(session, as_email, now), now


@sample.command("commit")
@click.argument("key")
@click.option("--percent", type=int, default=None, help="Of each agency type; what the checklists say by default.")
@click.option("--minimum", type=int, default=None, help="Of each agency type at least.")
@click.option("--questions", type=int, default=None, help="Answers checked in each return; 0: all of them.")
@click.option("--second", "second_percent", type=int, default=None, help="Per cent that a second inspector checks.")
@as_person
def sample_commit(
    key: str, percent: int | None, minimum: int | None, questions: int | None, second_percent: int | None,
    as_email: str | None,
) -> None:  # fmt: skip
    """Make the secret seed of the round with this KEY, before it closes, and print the hash that is put on record."""
    import dataclasses

    from app.domain.risks import ModerationRules
    from app.domain.sampling import PlanErrors, SamplePlan
    from app.operations.sampling import commit_sample
    from app.queries.packs import pack_of
    from app.queries.sampling import agency_types_of

    with working(write=True) as session:
        audit_round, by, now = sampled_round(session, key, as_email)
        kinds = agency_types_of(audit_round)
        plan = SamplePlan.of(ModerationRules.of(pack_of(audit_round.pack_version)), kinds)
        given: dict[str, Any] = {"minimum": minimum, "questions": questions, "second_percent": second_percent}
        plan = dataclasses.replace(plan, **{name: value for name, value in given.items() if value is not None})
        if percent is not None:
            plan = dataclasses.replace(plan, percent=dict.fromkeys(kinds, percent))
        try:
            made = commit_sample(session, audit_round.public_id, plan, by=by, now=now)
        except PlanErrors as wrong:
            raise click.ClickException("; ".join(f"{name}: {why}" for name, why in wrong.errors.items())) from None
        click.echo(f"SHA-256 of the seed: {made.seed_hash}")


@sample.command("draw")
@click.argument("key")
@as_person
def sample_draw(key: str, as_email: str | None) -> None:
    """Draw the sample of the closed round with this KEY, once, and print its seed and what was drawn."""
    from app.operations.sampling import draw_sample
    from app.queries.sampling import drawn

    with working(write=True) as session:
        audit_round, by, now = sampled_round(session, key, as_email)
        made = draw_sample(session, audit_round.public_id, by=by, now=now)
        found = drawn(session, made, audit_round, actor=by)
        click.echo(f"Seed: {made.seed}")
        click.echo(f"SHA-256 of the list that was drawn from: {made.frame_hash}")
        for line in found.lines:
            risk = sum(row.agency_type == line.agency_type for row in found.by_risk)
            click.echo(f"{line.agency_type}: {line.drawn} of {line.population} at random, {risk} by risk")


@sample.command("verify")
@click.argument("key")
@as_person
def sample_verify(key: str, as_email: str | None) -> None:
    """Draw the sample of the round with this KEY again from its seed, and compare. Changes nothing.

    Exits with status 1 where seed, hash, list, draw or the round's chain of events do not agree.
    """
    from app.operations.events import chain_of, verify
    from app.queries.returns import history
    from app.queries.sampling import sample_of, verified

    with working(write=False) as session:
        audit_round, actor, now = sampled_round(session, key, as_email)
        made = sample_of(session, audit_round, actor=actor, now=now)
        if made is None or made.drawn_at is None:
            raise click.ClickException("the sample of this round is not drawn yet")
        checks = verified(session, made, audit_round)
        broken = verify(list(history(session, chain_of(audit_round))))
    words = {
        "seed": "the seed has the hash that was made known",
        "committed": "the hash was on record before the round closed",
        "frame": "the list that was drawn from has its hash",
        "returns": "the list is what had been submitted",
        "draw": "seed and list give the returns that were drawn",
        "questions": "the seed gives the questions that are checked",
        "record": "plan, places and rules of risk are those on record, and so is whatever was added",
    }
    for check in checks:
        told = f" ({check.detail})" if check.detail else ""
        click.echo(f"{'agrees' if check.holds else 'DIFFERS'}: {words[check.name]}{told}")
    click.echo("agrees: the round's chain of events is whole" if broken is None
        else f"DIFFERS: the round's chain of events is broken at entry {broken}")  # fmt: skip
    if broken is not None or not all(check.holds for check in checks):
        sys.exit(1)


# ------------------------------------------------------------------------------------------ judgements
@main.command("judge")
@click.argument("key")
@click.option("--agency", "agency_code", default="", help="Code of one agency; all submitted returns otherwise.")
@as_person
def judge(key: str, agency_code: str, as_email: str | None) -> None:
    """Judge the submitted returns of the round KEY by the rules of its pack."""
    from app import clock
    from app.operations.judgements import judge_round
    from app.queries.rounds import round_by_key

    with working(write=True) as session:
        now = clock.now(session)
        audit_round = round_by_key(session, key)
        if audit_round is None:
            raise click.ClickException(f"there is no round with the key “{key}”")
        by = actor_for(session, as_email, now)
        done = judge_round(session, audit_round.public_id, agency_code=agency_code, by=by, now=now)
        waits = f", {done.waiting} wait for a judgement to be entered" if done.waiting else ""
        click.echo(f"Judged {done.judged}: judgements of {done.changed} changed{waits}.")


# ---------------------------------------------------------------------------------------------- release
@main.group()
def release() -> None:
    """What comes out of a round: feedback to each agency, publication, corrections."""


@release.command("prepare")
@click.argument("key")
@as_person
def release_prepare(key: str, as_email: str | None) -> None:
    """Prepare the feedback to every agency that submitted in the round with this KEY.

    Run it again after moderation or judgements changed: only what is different becomes a new version.
    """
    from app.operations import release as operations

    with changing_round(key, as_email) as (session, audit_round, by, now):
        new = operations.prepare(session, audit_round.public_id, by=by, now=now)
        click.echo(f"Feedback: {new} new versions. Nobody but the inspectors reads them yet.")


@release.command("window")
@click.argument("key")
@click.option("--from", "opens", type=INSTANT, required=True, help="When it opens, in London time.")
@click.option("--to", "closes", type=INSTANT, required=True, help="When it closes, in London time.")
@as_person
def release_window(key: str, opens: datetime, closes: datetime, as_email: str | None) -> None:
    """Set the window in which the agencies of the round with this KEY check the facts of their draft feedback."""
    from app.operations import release as operations

    with changing_round(key, as_email) as (session, audit_round, by, now):
        operations.set_window(session, audit_round.public_id, opens=opens, closes=closes, by=by, now=now)
        click.echo(f"Agencies read their own drafts from {opens:%Y-%m-%d %H:%M} to {closes:%Y-%m-%d %H:%M}.")


@release.command("correct")
@click.argument("key")
@click.option("--reason", required=True, help="Why it is corrected; everybody who reads the findings reads it.")
@click.option(
    "--name-agencies", default="", metavar="REASON",
    help="Publish although what was written names agencies in a report that is to name none.",
)
@as_person
def release_correct(key: str, reason: str, name_agencies: str, as_email: str | None) -> None:
    """Publish a correction of the round with this KEY at once, and print what it changes."""
    from app.domain.corrections import CHAPTERS, FIELDS
    from app.operations import release as operations

    with changing_round(key, as_email) as (session, audit_round, by, now):
        row = operations.correct(
            session, audit_round.public_id, reason=reason, waived={"named": name_agencies}, by=by, now=now
        )
        for one in row.changes:
            what = ", ".join(filter(None, (CHAPTERS[one["chapter"]], one["what"], FIELDS[one["field"]])))
            click.echo(f"{what}: {one['old'] or '-'} -> {one['new'] or '-'}")
        click.echo(f"Published as number {row.number}, {len(row.changes)} figures changed, SHA-256 {row.sha256}")


@main.command()
@click.argument("key")
@click.option("--at", type=INSTANT, required=True, help="When, in London time, as 2003-07-01 09:30.")
@click.option(
    "--waive", multiple=True, metavar="WHAT=REASON",
    help="Publish although something stands in the way; the refusal names WHAT.",
)
@as_person
def publish(key: str, at: datetime, waive: tuple[str, ...], as_email: str | None) -> None:
    """Set the minute at which the findings of the round with this KEY come out, and freeze them as they stand.

    Refused, with the list of what is missing, while challenges, judgements, moderation or feedback are not settled.
    A challenge that comes afterwards takes the minute back, unless `--waive later=REASON` accepts that.
    """
    from app.operations import release as operations
    from app.queries.release import counts_of, release_of

    waived = dict(one.partition("=")[::2] for one in waive)
    if unknown := set(waived) - set(operations.WAIVABLE):
        raise click.ClickException(
            f"nothing is called {', '.join(sorted(unknown))}; known are {', '.join(operations.WAIVABLE)}"
        )
    if silent := [name for name, reason in waived.items() if not reason.strip()]:
        raise click.ClickException(f"give the reason too, as --waive {silent[0]}=REASON")
    with changing_round(key, as_email) as (session, audit_round, by, now):
        counts = counts_of(session, audit_round, actor=by, now=now)
        for one in operations.obstacles(counts, release_of(session, audit_round), at=at):
            how = "" if one.key in waived else f" (or --waive {one.key}=REASON)"
            which = "".join(f"\n  {each}" for each in one.which)
            click.echo(f"{one.key}: {one.words}: {one.number}{how}{which}", err=True)
        row = operations.set_publication(
            session, audit_round.public_id, at=at, waived=waived, by=by, now=now
        )
        assert row.prepared is not None  # noqa: S101 -- it was frozen just now
        number = len(row.prepared["feedback"])
        click.echo(
            f"The findings come out on {at:%Y-%m-%d at %H:%M} London time, with the feedback to {number} agencies."
        )


# ---------------------------------------------------------------------------------------------- reports
@main.group()
def report() -> None:
    """Reports as PDF and as data."""


@report.command("render")
@click.argument("report_key", metavar="REPORT", required=False)
@click.option("--round", "round_key", default=None, help="Key of the round.")
@click.option(
    "--agency", "agency_code", default=None, help="Code of the agency, for a report about one return."
)
@click.option("--area", "area_code", default=None, help="Code of the area, for a letter to it or a report on it.")
@click.option("--body", "body_code", default="", help="Code of the oversight body, for a summary for it.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="The file to write.")
@click.option(
    "--check", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None, metavar="FILE.pdf",
    help="Say whether a PDF is what the data attached in it give, instead of making one.",
)
@click.option(
    "--data",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Also write the data, as JSON.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["pdf", "docx", "html", "xlsx", "csv", "json"]),
    default=None,
    help="What to write: a PDF, a Word document, a web page, a workbook, a ZIP of CSV files, or data. By default what"
    " the name of the file says, else a PDF.",
)
@click.option("--language", type=click.Choice(list(LANGUAGES)), default="en", help="The language of the report.")
@as_person
def report_render(
    report_key: str | None,
    round_key: str | None,
    agency_code: str | None,
    area_code: str | None,
    body_code: str,
    out: Path | None,
    check: Path | None,
    data: Path | None,
    form: str | None,
    language: str,
    as_email: str | None,
) -> None:
    """Render REPORT (joint-findings, body-summary, area-report, agency-return, feedback, …) to a file.

    Reads submissions only, never drafts. Of findings, letters and feedback, an agency’s people get what is published.
    With --check, nothing is read but the file, which is made again from what is attached in it; ends with status 1
    where the bytes are not the same, and says what differs.
    """
    if check:
        if report_key or round_key or out:
            raise click.UsageError("--check reads one file, and takes no report, round or file to write.")
        check_report(check)
        return
    if not (report_key and round_key and out):
        raise click.UsageError("Give a report, --round and --out; or --check and a file.")
    from app import clock
    from app.operations.reports import LETTER
    from app.queries.letters import area_coded, edition_to_read
    from app.queries.returns import return_by_agency
    from app.queries.rounds import round_by_key
    from reports.formats import FORMATS
    from reports.make import make_report, make_source

    form = form or (out.suffix[1:] if out.suffix[1:] in FORMATS else "pdf")
    if data is not None and form != "pdf":
        raise click.UsageError("--data goes with a PDF; for the data alone write --format json")
    with working(write=False) as session:
        now = clock.now(session)
        audit_round = round_by_key(session, round_key)
        if audit_round is None:
            raise click.ClickException(f"there is no round with the key “{round_key}”")
        audit_return = return_by_agency(session, audit_round, agency_code) if agency_code else None
        actor = actor_for(session, as_email, now)
        area = area_coded(session, area_code) if area_code else ""
        is_letter = report_key == LETTER and area
        edition = edition_to_read(session, audit_round, area, actor=actor, now=now) if is_letter else 0
        what = {
            "area": area, "edition": edition, "language": language, "actor": actor, "now": now, "body": body_code,
        }  # fmt: skip
        if form != "pdf":
            source = make_source(session, report_key, audit_round, audit_return, **what)
            content = FORMATS[form].write(source)
            out.write_bytes(content)
            click.echo(f"{out}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
            return
        bar, move = steps(f"Rendering {report_key}")
        with bar:
            made = make_report(
                session, report_key, audit_round, audit_return, out=out, data=data,
                progress=lambda percent, step: move(percent, 100, step), **what,
            )  # fmt: skip
            move(100, 100, "done")
    click.echo(
        f"{out}: {made.pages} pages, SHA-256 {made.sha256}, {made.seconds:.1f} s, {made.peak_memory_mb} MB"
    )


def check_report(path: Path) -> None:
    """Say whether a PDF is what its data give. Raises ClickException where it is not."""
    from reports.attached import NotOurs
    from reports.check import check

    with said():
        try:
            found = check(path)
        except NotOurs as problem:
            raise click.ClickException(str(problem)) from None
    if found.agrees:
        click.echo(f"{path}: the data attached in it give the same file, byte for byte. SHA-256 {found.sha256}")
        return
    for name, (there, here) in found.differs.items():
        click.echo(f"The {name} differs: {there or 'none'} in the file, {here or 'none'} here.")
    if not found.data_hold:
        click.echo("The attached data do not have the hash that the file gives for them.")
    if not found.differs:
        click.echo("It says that it was made as it would be here, so the file was changed after it was made.")
    raise click.ClickException(
        f"this is not what the data give. SHA-256 {found.sha256}; made again, {found.again}"
    )


@report.command("data")
@click.argument("path", metavar="FILE.pdf", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="The file to write.")
def report_data(path: Path, out: Path | None) -> None:
    """Take the data out of FILE.pdf, as JSON: exactly the figures and texts that the report shows.

    They are written as they are attached, so that their SHA-256 is the hash of the data in the report’s colophon.
    """
    from reports.attached import NotOurs, read

    try:
        found = read(path.read_bytes())
    except NotOurs as problem:
        raise click.ClickException(str(problem)) from None
    if out is None:
        click.echo(found.data, nl=False)
        return
    out.write_bytes(found.data)
    click.echo(f"{out}: the data of {found.report}, snapshot {found.made['snapshot_id']}", err=True)


@report.command("batch")
@click.argument("report_key", metavar="REPORT")
@click.option("--round", "round_key", required=True, help="Key of the round.")
@click.option("--type", "types", multiple=True, help="Only agencies of this type; can be given several times.")
@click.option("--code", "codes", multiple=True, help="Only this agency, or area; can be given several times.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to copy the ZIP file to.")
@click.option("--language", type=click.Choice(list(LANGUAGES)), default="en", help="The language of the PDFs.")
@click.option("--form", "forms", multiple=True, type=click.Choice(["docx", "html", "xlsx", "csv", "json"]),
              help="In which form each is wanted beside the PDF; can be given several times.")
@click.option("--background", is_flag=True, help="Leave the making to `candour work`, and end at once.")
@click.option("--resume", "resume_id", default="", help="Id of a batch to go on with, in place of a new one.")
@as_person
def report_batch(
    report_key: str, round_key: str, types: tuple[str, ...], codes: tuple[str, ...], out: Path | None, language: str,
    forms: tuple[str, ...], background: bool, resume_id: str, as_email: str | None,
) -> None:  # fmt: skip
    """Make REPORT (feedback, agency-return, area-report, …) for all agencies or areas of a round, two at a time.

    In the end all documents are in one ZIP file with a manifest. Ctrl-C stops it; --resume goes on where it was.
    """
    import shutil

    from app import clock
    from app.jobs import batches as files
    from app.operations import batches as operations
    from app.queries.batches import failed_of, get_batch, progress_of
    from app.queries.rounds import round_by_key
    from reports.registry import reports

    stop = threading.Event()
    with working(write=True) as session:
        now = clock.now(session)
        by = actor_for(session, as_email, now)
        audit_round = round_by_key(session, round_key)
        if audit_round is None:
            raise click.ClickException(f"there is no round with the key “{round_key}”")
        known = reports().get(report_key)
        if known is None or known.about not in ("return", "feedback", "area") or known.is_form:
            raise click.ClickException(f"“{report_key}” is no report that can be made for many")
        port = current_app.extensions["candour_jobs"].enqueue_batch
        enqueue = port if background else lambda *_: None
        if resume_id:
            batch = get_batch(session, resume_id, actor=by, now=now)
            if batch.stage == "cancelled":
                operations.resume(session, resume_id, by=by, now=now, enqueue=enqueue)
            elif batch.stage == "done":
                operations.retry(session, resume_id, by=by, now=now, enqueue=enqueue)
            elif background:
                port(session, resume_id, secrets.token_hex(4))
        else:
            batch = operations.request_batch(
                session, audit_round.public_id, report_key, of_areas=known.about == "area", by=by, now=now,
                enqueue=enqueue, language=language, types=types, codes=codes, forms=forms,
            )  # fmt: skip
        batch_id = batch.public_id
    if background:
        click.echo(f"{batch_id}: asked for")
        return
    app = application()
    home = app.config["CANDOUR"].home
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    bar, move = steps(f"Making {report_key}")
    ended = threading.Event()

    def follow() -> None:
        from app.db import db

        with app.app_context():
            while not ended.wait(1):
                with db.sessionmaker() as looking:
                    row = get_batch(looking, batch_id, actor=by, now=clock.now(looking))
                    at = progress_of(looking, row, now=clock.now(looking))
                left = f", about {at.minutes_left} min left" if at.minutes_left else ""
                move(at.made + at.failed, at.total, f"{at.made} made, {at.failed} failed{left}")

    from app.db import db

    with app.app_context(), bar:
        looker = threading.Thread(target=follow, daemon=True)
        looker.start()
        outcome = files.make(app, batch_id, stopping=stop.is_set)
        ended.set()
        looker.join()
        now = clock.now(db.session)
        batch = get_batch(db.session, batch_id, actor=by, now=now)
        at = progress_of(db.session, batch, now=now)
        for one in failed_of(db.session, batch)[0]:
            click.echo(f"{one.code}: {one.error}", err=True)
        file, sha256, error = batch.file, batch.sha256, batch.error
    with app.app_context():
        db.engine.dispose()
    if outcome == "paused":
        raise click.ClickException(f"stopped at {at.made} of {at.total}: go on with --resume {batch_id}")
    if outcome == "failed":
        raise click.ClickException(f"{at.made} of {at.total} made. {error} Go on with --resume {batch_id}")
    if not file:
        raise click.ClickException(f"{at.made} of {at.total} made, {at.failed} failed: there is no file")
    path = files.file_of(home, batch_id)
    if out is not None:
        shutil.copyfile(path, out)
    click.echo(f"{out or path}: {at.made} made, {at.failed} failed, SHA-256 {sha256}")


@report.command("explain")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--figure", "name", required=True, help="Its number (3), or its name as printed (“Table 3”).")
def report_explain(file: Path, name: str) -> None:
    """Say what stands behind a figure of FILE: its caption, its data, the statements that read them, its rows.

    FILE is the PDF of a report, or the report as data (`report render --format json`). It needs no database.
    """
    from reports.explain import CannotExplain, explanation, opened

    try:
        found = opened(file.read_bytes())
        for line in explanation(found, found.figure(name)):
            click.echo(line)
    except CannotExplain as problem:
        raise click.ClickException(str(problem)) from None


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
    from app.operations.reminders import remind

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


# ---------------------------------------------------------------------------------------------- search
@main.group()
def search() -> None:
    """The words of submissions and threads that can be searched."""


@search.command("rebuild")
@as_person
def search_rebuild(as_email: str | None) -> None:
    """Fill the search anew from everything that stands submitted: after an update from a version without it."""
    from app import clock
    from app.operations.search import rebuild

    with working(write=True) as session:
        number = rebuild(session, by=actor_for(session, as_email, clock.now(session)))
    click.echo(f"{number} texts can be searched.")


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
        hashes = not_scanned(session, actor=by, everything=everything)
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
    click.echo("1 file deleted." if len(deleted) == 1 else f"{len(deleted)} files deleted.")


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
