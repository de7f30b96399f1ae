"""The start page that leads everybody to their work, pages about the service, and the health check."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import text
from werkzeug.wrappers import Response as BaseResponse

from app.policy import could
from app.queries.areas import areas_of
from app.queries.returns import returns_of_agencies, why_closed
from app.queries.rounds import rounds_for
from app.web.deadlines import deadline
from app.web.permissions import requires
from app.web.request import actor, now, session

blueprint = Blueprint("home", __name__)

# which menu entry a page belongs to, by its blueprint
SECTIONS = {"oversight": "rounds", "reports": "rounds", "admin": "admin"}


def _hats() -> set[str]:
    """What the person of this request does here: agency, rounds, areas, admin."""
    hats = set()
    if any(held.agency_id for held in actor().held):
        hats.add("agency")
    if could(actor(), "round.read"):
        hats.add("rounds")
    if could(actor(), "area.read"):
        hats.add("areas")
    if could(actor(), "service.administer"):
        hats.add("admin")
    return hats


@blueprint.app_context_processor
def _navigation() -> dict[str, Any]:
    """The entries of the menu. One alone makes no menu."""
    hats = _hats()
    here = SECTIONS.get(request.blueprint or "", "home")
    if here == "rounds" and "rounds" not in hats:
        here = "home"
    if request.blueprint == "agency" and "rounds" in hats and "agency" not in hats:
        here = "rounds"  # they read a submission on their way from the round
    entries = [("home", _("Home"), url_for("home.index", all=1) if len(hats) > 1 else url_for("home.index"))]
    if "rounds" in hats:
        entries.append(("rounds", _("Rounds"), url_for("oversight.rounds")))
    if "admin" in hats:
        entries.append(("admin", _("Administration"), url_for("admin.index")))
    return {
        "navigation": [{"text": words, "href": href, "active": key == here} for key, words, href in entries]
    }


@blueprint.route("/")
@requires(GET="public.read")
def index() -> str | BaseResponse:
    """One link leads to one's work: straight there where there is one piece of it, else a list."""
    if not actor().user_id:
        return redirect(url_for("security.login"))
    hats = _hats()
    whole = "all" in request.args
    returns = returns_of_agencies(session(), actor=actor()) if "agency" in hats else []
    areas = areas_of(session(), actor=actor()) if "areas" in hats else []
    if hats == {"agency"} and not whole:
        to_do = [one for one in returns if not why_closed(one, now=now())]
        only = returns if len(returns) == 1 else to_do
        if len(only) == 1:
            return redirect(url_for("agency.tasks", rid=only[0].public_id))
    if hats == {"rounds"} and not whole:
        return redirect(url_for("oversight.rounds"))
    if hats == {"areas"} and len(areas) == 1 and not whole:
        return redirect(url_for("oversight.area", aid=areas[0].public_id))
    if hats == {"admin"} and not whole:
        return redirect(url_for("admin.index"))
    return render_template(
        "home/index.html",
        hats=hats,
        returns=[(one, deadline(one, now=now())) for one in returns],
        areas=areas,
        rounds=rounds_for(session(), actor=actor()) if "rounds" in hats else [],
    )


@blueprint.route("/health")
@requires(GET="public.read")
def health() -> Response:
    """`ok` where the service answers and reaches its database."""
    session().execute(text("SELECT 1"))
    return Response("ok\n", mimetype="text/plain")


@blueprint.route("/about")
@requires(GET="public.read")
def about() -> str:
    """What the service is, how a self-audit goes, what is stored and who reads it."""
    return render_template("home/about.html")


@blueprint.route("/accessibility")
@requires(GET="public.read")
def accessibility() -> str:
    """How accessible the service is, as far as that is known."""
    return render_template("home/accessibility.html")
