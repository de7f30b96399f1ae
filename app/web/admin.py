"""Administration: packs, people and their appointments, oversight bodies."""

from __future__ import annotations

import re
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.catalogue import PACK_FILE, CatalogueErrors, load_pack, pack_hash
from app.clock import today
from app.domain.life import NotPossible
from app.domain.templates import Pack
from app.models import AGENCY_ROLES, OVERSIGHT_ROLES, ROLES, PackVersion
from app.operations import people as people_operations
from app.operations import templates as templates_operations
from app.policy import require
from app.queries.drafts import draft_news
from app.queries.mail import outbox_counts
from app.queries.packs import latest_versions, pack_of
from app.queries.people import get_appointment, oversight_bodies
from app.queries.people import people as read_people
from app.web.account import role_words
from app.web.pages import message
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.security import invitation_token
from app.web.typed import TypedDay, asked, page_asked, read_day, summary, typed

blueprint = Blueprint("admin", __name__, url_prefix="/admin")


def crumbs() -> list[dict[str, str]]:
    """Breadcrumbs of a page below the start page of administration."""
    return [{"text": _("Administration"), "href": url_for("admin.index")}]


@blueprint.route("")
@requires(GET="service.administer")
def index() -> str:
    """Where an administrator starts."""
    return render_template(
        "admin/index.html",
        program=installed_version("candour"),
        published=len(latest_versions(session())),
        bodies=len(oversight_bodies(session(), actor=actor())),
        people=read_people(session(), actor=actor()).total,
        refused_mails=outbox_counts(session(), actor=actor())["failed"],
        drafts=draft_news(session(), actor=actor(), now=now()),
    )


# --- packs -----------------------------------------------------------------------------------------------------------


def _on_disk() -> dict[str, Pack | CatalogueErrors]:
    """Folder name to the pack in it, or to what is wrong with it."""
    found: dict[str, Pack | CatalogueErrors] = {}
    root = Path(current_app.config["CANDOUR"].templates)
    for folder in sorted(path.parent for path in root.glob(f"*/{PACK_FILE}")):
        try:
            found[folder.name] = load_pack(folder)
        except CatalogueErrors as wrong:
            found[folder.name] = wrong
    return found


def _standing(pack: Pack, published: PackVersion | None) -> str:
    """How a pack on disk stands to what is published of it: `new`, `newer`, `same`, `changed` or `older`."""
    if published is None:
        return "new"
    if pack.version != published.version:
        return "newer" if pack.version > published.version else "older"
    same = pack_hash(pack.as_published()) == published.sha256
    return "same" if same else "changed"


@blueprint.route("/packs", methods=["GET", "POST"])
@requires(GET="service.administer", POST="service.administer")
def packs() -> str | BaseResponse:
    """Packs that are published and those on disk; publish one."""
    require(actor(), "service.administer")
    on_disk = _on_disk()
    errors: list[dict[str, str]] = []
    if request.method == "POST":
        pack = on_disk.get(typed("pack"))
        if isinstance(pack, Pack):
            try:
                done = templates_operations.publish(session(), pack, by=actor(), now=now())
            except NotPossible as reason:
                errors = [{"text": message(reason.message)}]
            else:
                commit()
                flash(_("%(pack)s version %(version)s is published.", pack=done.pack, version=done.version), "success")
                return redirect(url_for("admin.packs"), 303)
        else:
            errors = [{"text": _("There is no such pack on disk, or it has mistakes. Mend them, then publish.")}]
    published = {version.pack: version for version in latest_versions(session())}
    rows: list[dict[str, Any]] = []
    for name, pack in on_disk.items():
        if isinstance(pack, Pack):
            rows.append({"name": name, "pack": pack, "standing": _standing(pack, published.get(pack.pack))})
        else:
            rows.append({"name": name, "mistakes": [str(one) for one in pack.errors]})
    return render_template(
        "admin/packs.html",
        rows=rows,
        published=[(version, pack_of(version).changes) for version in published.values()],
        error_list=errors,
        breadcrumbs=crumbs(),
    )


# --- oversight bodies ------------------------------------------------------------------------------------------------


@blueprint.route("/bodies", methods=["GET", "POST"])
@requires(GET="service.administer", POST="service.administer")
def bodies() -> str | BaseResponse:
    """The oversight bodies; add one."""
    given = {name: typed(name) for name in ("code", "name", "short", "kind")}
    errors: dict[str, str] = {}
    if request.method == "POST":
        errors = _body_errors(given)
        if not errors:
            try:
                people_operations.add_oversight_body(session(), **given, by=actor(), now=now())
            except NotPossible as reason:
                errors["code"] = message(reason.message)
            else:
                commit()
                flash(_("%(name)s is added.", name=given["name"]), "success")
                return redirect(url_for("admin.bodies"), 303)
    return render_template(
        "admin/bodies.html",
        bodies=oversight_bodies(session(), actor=actor()),
        given=given,
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=crumbs(),
    )


def _body_errors(given: dict[str, str]) -> dict[str, str]:
    errors = {}
    if not given["name"] or len(given["name"]) > 200:
        errors["name"] = _("Give the body’s full name, in 200 characters or fewer.")
    if not given["short"] or len(given["short"]) > 40:
        errors["short"] = _("Give a short name of 40 characters or fewer, for tables.")
    if not given["kind"] or len(given["kind"]) > 40:
        errors["kind"] = _("Say what kind of body it is in 40 characters or fewer, for example inspectorate.")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", given["code"]) or len(given["code"]) > 60:
        errors["code"] = _("The code may have lower-case letters, digits and single hyphens only, 60 at most.")
    return errors


# --- people ----------------------------------------------------------------------------------------------------------


@blueprint.route("/people")
@requires(GET="service.administer")
def people() -> str:
    """People, their appointments, and the invitations of those who have not joined."""
    found = read_people(session(), actor=actor(), text=asked("q"), page=page_asked())
    return render_template(
        "admin/people.html",
        found=found,
        text=asked("q"),
        day=today(now()),
        links={
            user.id: url_for("account.welcome", token=invitation_token(user), _external=True)
            for user in found.rows
            if user.password is None
        },
        breadcrumbs=crumbs(),
    )


@blueprint.route("/people/new", methods=["GET", "POST"])
@requires(GET="service.administer", POST="service.administer")
def new_person() -> str | BaseResponse:
    """Appoint somebody, and make their account where there is none."""
    given = {name: typed(name) for name in ("email", "name", "role", "body", "post")}
    acting = request.form.get("acting") == "yes"
    errors: dict[str, str] = {}
    days = {"starts": TypedDay.of(today(now())), "ends": TypedDay()}
    if request.method == "POST":
        days["starts"], starts = read_day("starts", errors)
        days["ends"], ends = read_day("ends", errors, optional=True)
        errors = _person_errors(given) | errors
        if starts and ends and ends < starts:
            errors["ends"] = _("The last day must be the first day or later.")
        elif acting and not ends:
            errors.setdefault("ends", _(people_operations.COVER_ENDS))
        if starts and not errors:
            try:
                user = people_operations.add_person(
                    session(), email=given["email"], name=given["name"], role=given["role"],
                    body_code=given["body"], post=given["post"], starts=starts, ends=ends,
                    acting=acting, by=actor(), now=now(),
                )  # fmt: skip
            except NotPossible as reason:
                errors["body"] = message(reason.message)
            else:
                commit()
                flash(_("%(name)s is appointed.", name=user.name), "success")
                return redirect(url_for("admin.people", q=user.email), 303)
    return render_template(
        "admin/new_person.html",
        given=given,
        acting=acting,
        days=days,
        roles=[{"value": role, "text": role_words(role)} for role in ROLES],
        errors=errors,
        error_list=summary(errors, ("starts", "ends")),
        breadcrumbs=[*crumbs(), {"text": _("People"), "href": url_for("admin.people")}],
    )


def _person_errors(given: dict[str, str]) -> dict[str, str]:
    errors = {}
    try:
        checked = validate_email(given["email"], check_deliverability=False, test_environment=True)
        given["email"] = checked.normalized
    except EmailNotValidError:
        errors["email"] = _("Enter an e-mail address like name@agency.example.")
    if not given["name"] or len(given["name"]) > 200:
        errors["name"] = _("Enter the person’s name, in 200 characters or fewer.")
    if given["role"] not in ROLES:
        errors["role"] = _("Choose a role.")
    elif given["role"] in (*AGENCY_ROLES, *OVERSIGHT_ROLES, "area_coordinator") and not given["body"]:
        errors["body"] = _("Enter the code of the agency, oversight body or area that this role is at.")
    if len(given["post"]) > 200:
        errors["post"] = _("Shorten the post to 200 characters or fewer.")
    return errors


@blueprint.route("/appointments/<aid>/end", methods=["GET", "POST"])
@requires(GET="service.administer", POST="service.administer")
def end_appointment(aid: str) -> str | BaseResponse:
    """Give an appointment a last day."""
    appointment = get_appointment(session(), aid, actor=actor())
    errors: dict[str, str] = {}
    ends = TypedDay.of(appointment.ends or today(now()))
    if request.method == "POST":
        ends, last = read_day("ends", errors)
        if last:
            try:
                people_operations.end_appointment(session(), appointment, ends=last, by=actor(), now=now())
            except NotPossible as reason:
                errors["ends"] = message(reason.message)
            else:
                commit()
                flash(_("The appointment of %(name)s has a last day.", name=appointment.user.name), "success")
                return redirect(url_for("admin.people", q=appointment.user.email), 303)
    return render_template(
        "admin/end_appointment.html",
        appointment=appointment,
        ends=ends,
        errors=errors,
        error_list=summary(errors, ("ends",)),
        breadcrumbs=[*crumbs(), {"text": _("People"), "href": url_for("admin.people")}],
    )
