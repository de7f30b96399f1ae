"""The start page that leads everybody to their work, pages about the service, and the health check."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_security import current_user
from sqlalchemy import text
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response as BaseResponse

from app.languages import known
from app.operations import people
from app.policy import BY_LINK, could
from app.queries.areas import areas_of
from app.queries.drafts import draft_news
from app.queries.returns import returns_of_agencies, why_closed
from app.queries.rounds import rounds_for
from app.queries.sharing import returns_with_open_shares
from app.queries.waiting import checks_waiting
from app.web.deadlines import deadline
from app.web.pages import use_language
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import typed

blueprint = Blueprint("home", __name__)

# which menu entry a page belongs to, by its blueprint
SECTIONS = {
    "oversight": "rounds", "reports": "rounds", "admin": "admin", "settings": "admin", "follow_up": "rounds",
    "progress": "rounds", "peers": "rounds", "peer_desk": "peer", "chasing": "rounds", "search": "rounds",
    "examples": "rounds", "sampling": "rounds", "moderation": "rounds", "correction": "rounds", "queries": "rounds",
    "judgements": "rounds", "figures": "rounds", "twins": "rounds", "release": "rounds", "feedback": "rounds",
    "disclosure": "rounds", "letters": "rounds", "gallery": "rounds", "drafts": "rounds",
}  # fmt: skip


def _hats() -> set[str]:
    """What the person of this request does here: agency, rounds, areas, peer, admin."""
    hats = set()
    if any(held.agency_id for held in actor().held):
        hats.add("agency")
    if could(actor(), "round.read"):
        hats.add("rounds")
    if could(actor(), "area.read"):
        hats.add("areas")
    if could(actor(), "peer.desk"):
        hats.add("peer")
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
    if "peer" in hats:
        entries.append(("peer", _("Peer reviews"), url_for("peer_desk.desk")))
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
    waiting = [
        one for one in returns_with_open_shares(session(), actor=actor()) if not why_closed(one, now=now())
    ]
    areas = areas_of(session(), actor=actor()) if "areas" in hats else []
    if hats == {"agency"} and not whole:
        if waiting and all(held.role in BY_LINK for held in actor().held):
            return redirect(url_for("sharing.mine"))
        to_do = [one for one in returns if not why_closed(one, now=now())]
        only = returns if len(returns) == 1 else to_do
        if len(only) == 1:
            return redirect(url_for("agency.tasks", rid=only[0].public_id))
    if hats == {"rounds"} and not whole:
        return redirect(url_for("oversight.rounds"))
    if hats == {"areas"} and len(areas) == 1 and not whole:
        return redirect(url_for("oversight.area", aid=areas[0].public_id))
    if hats == {"peer"} and not whole:
        return redirect(url_for("peer_desk.desk"))
    if hats == {"admin"} and not whole:
        return redirect(url_for("admin.index"))
    rounds = rounds_for(session(), actor=actor()) if "rounds" in hats else []
    return render_template(
        "home/index.html",
        hats=hats,
        returns=[(one, deadline(one, now=now())) for one in returns],
        waiting=waiting,
        areas=areas,
        rounds=rounds,
        to_check=checks_waiting(session(), rounds, actor=actor()),
        drafts=draft_news(session(), actor=actor(), now=now()),
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


@blueprint.route("/language", methods=["POST"])
@requires(POST="public.read")
def choose_language() -> BaseResponse:
    """Go on in another language, on the page that one was on; it is remembered for who is signed in."""
    chosen = known(typed("language"))
    if actor().user_id:
        people.choose_language(session(), current_user._get_current_object(), chosen, by=actor(), now=now())
        commit()
    use_language(chosen)
    return redirect(_page_to_read(request.form.get("back", "")), 303)


def _page_to_read(address: str) -> str:
    """The page of an address of ours that can be read with GET; where only forms go, the next page above it."""
    parts = urlsplit(address)
    if not re.fullmatch(r"/[^/\\\s][^\\\s]*|/", address) or parts.netloc:
        return "/"
    path = parts.path
    routes = current_app.url_map.bind("")
    while path:
        try:
            routes.match(path, method="GET")
        except MethodNotAllowed:
            path = path.rpartition("/")[0]
        except HTTPException:
            break  # there is no such page: it says so in the other language
        else:
            break
    return (path or "/") + (f"?{parts.query}" if parts.query and path == parts.path else "")


@blueprint.route("/accessibility")
@requires(GET="public.read")
def accessibility() -> str:
    """How accessible the service is, as far as that is known."""
    return render_template("home/accessibility.html")
