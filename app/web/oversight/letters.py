"""Letters to areas: as drafts for those who inspect, and as they came out for those that they are written to."""

from __future__ import annotations

import re

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.languages import known
from app.operations.reports import request_letter
from app.queries.letters import area_letter, get_letters, may_read_letter
from app.queries.release import is_oversight, release_of, standing
from app.queries.rounds import PAGE, NotFound
from app.web.oversight.blueprint import round_crumbs
from app.web.pages import language
from app.web.permissions import requires
from app.web.reports import enqueue
from app.web.request import actor, commit, now, session
from app.web.typed import asked, page_asked, typed

blueprint = Blueprint("letters", __name__)


def _edition(given: str) -> int:
    """Which edition an address names; 0 for the letter as it would be now. Raises NotFound for what is no number."""
    if not (given.isascii() and given.isdigit() and len(given) < 6):
        raise NotFound
    return int(given)


@blueprint.route("/rounds/<rid>/letters")
@requires(GET="letter.read")
def index(rid: str) -> str:
    """The areas of a round that get a letter, and a button for each letter that the reader may read."""
    audit_round, areas = get_letters(session(), rid, actor=actor(), now=now())
    inspects = is_oversight(session(), audit_round, actor=actor(), now=now())
    page = max(1, page_asked())
    release_page = [(_("Release"), url_for("release.overview", rid=rid))]
    return render_template(
        "release/letters.html",
        audit_round=audit_round,
        areas=areas[(page - 1) * PAGE : page * PAGE],
        page=page,
        pages=max(1, -(-len(areas) // PAGE)),
        inspects=inspects,
        standing=standing(release_of(session(), audit_round), now=now()),
        breadcrumbs=round_crumbs(audit_round, *release_page) if inspects else None,
        back={"href": url_for("home.index"), "text": _("Back to your start page")},
    )


@blueprint.route("/rounds/<rid>/letters/<area>", methods=["POST"])
@requires(POST="letter.read")
def make(rid: str, area: str) -> BaseResponse:
    """Ask for the letter to an area as a PDF; where an edition of it is made already, go there."""
    audit_round, _areas = get_letters(session(), rid, actor=actor(), now=now())
    run = request_letter(
        session(), audit_round, area, _edition(request.args.get("edition", "0")), by=actor(), now=now(),
        enqueue=enqueue(), language=known(typed("language") or language()),
    )  # fmt: skip
    commit()
    return redirect(url_for("reports.run_page", run=run.public_id), 303)


@blueprint.route("/rounds/<rid>/letters/<area>.json")
@requires(GET="letter.read")
def data(rid: str, area: str) -> Response:
    """The letter to an area as data."""
    audit_round, _areas = get_letters(session(), rid, actor=actor(), now=now())
    number = _edition(asked("edition") or "0")
    if not may_read_letter(session(), audit_round, area, number, actor=actor(), now=now()):
        raise NotFound
    found = area_letter(
        session(), audit_round, area, number, actor=actor(), now=now(), language=known(asked("language") or language())
    )
    if found is None:
        raise NotFound
    parts = [audit_round.key, "letter", found.area, str(number) if number else "draft"]
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(parts)) + ".json"
    return Response(
        found.model_dump_json(indent=2) + "\n",
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
