"""Signing in by a link from a mail, for those who need no password: asking for one, and using it up."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_security import current_user, login_user, logout_user
from werkzeug.wrappers import Response as BaseResponse

from app.operations import sign_in as operations
from app.queries.rounds import NotFound
from app.queries.sign_in import links_are_on, usable_link
from app.web.permissions import requires
from app.web.request import commit, now, session
from app.web.security import ask_for_way_in
from app.web.typed import summary, typed

blueprint = Blueprint("sign_in_links", __name__, url_prefix="/sign-in")


@blueprint.app_context_processor
def _shared() -> dict[str, object]:
    return {"sign_in_links_on": lambda: links_are_on(session())}


def _back() -> dict[str, str]:
    return {"href": url_for("security.login"), "text": _("Back to sign-in")}


@blueprint.route("/link", methods=["GET", "POST"])
@requires(GET="public.read", POST="public.read")
def ask() -> str | tuple[str, int] | BaseResponse:
    """Ask for a link by e-mail. The answer does not tell who has an account. Throttled as forgotten passwords are."""
    if not links_are_on(session()):
        raise NotFound
    errors: dict[str, str] = {}
    email = typed("email")[:320]
    if request.method == "POST":
        email, errors, may_send = ask_for_way_in(session(), email)
        if not errors:
            if may_send:
                operations.ask_for_link(session(), email, now=now())
            commit()
            return redirect(url_for("sign_in_links.asked"), 303)
    page = render_template(
        "sign_in_links/ask.html", email=email, errors=errors, error_list=summary(errors), back=_back()
    )
    return (page, 422) if errors else page


@blueprint.route("/link-sent")
@requires(GET="public.read")
def asked() -> str:
    """The same words whether there is an account or not."""
    return render_template("sign_in_links/asked.html", back=_back())


@blueprint.route("/link/<token>", methods=["GET", "POST"])
@requires(GET="public.read", POST="public.read")
def use(token: str) -> str | tuple[str, int] | BaseResponse:
    """Sign in by a link. Opening the page changes nothing, for scanners open links: its button does it."""
    if request.method == "POST":
        user = operations.sign_in_by_link(session(), token, now=now())
        if user is None:
            return _gone()
        commit()
        if current_user.is_authenticated:
            logout_user()  # a shared computer: nothing of whoever was here before stays
        login_user(user, authn_via=["link"])
        flash(_("You are signed in."), "success")
        return redirect(url_for("home.index"), 303)
    link = usable_link(session(), token, now=now())
    if link is None:
        return _gone()
    return render_template("sign_in_links/use.html", token=token, name=link.user.name)


def _gone() -> tuple[str, int]:
    return render_template("sign_in_links/gone.html", links_on=links_are_on(session()), back=_back()), 404
