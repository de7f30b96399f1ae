"""Settings of the service, for administrators."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.operations.settings import set_contributor_links
from app.policy import require
from app.queries.sign_in import links_are_on
from app.web.admin import crumbs
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import summary, typed

blueprint = Blueprint("settings", __name__, url_prefix="/admin/settings")


@blueprint.route("")
@requires(GET="service.administer")
def index() -> str:
    """Whether contributors and board readers may sign in by links alone."""
    require(actor(), "service.administer")
    return _page({})


@blueprint.route("/contributor-links", methods=["POST"])
@requires(POST="service.administer")
def contributor_links() -> str | tuple[str, int] | BaseResponse:
    """Switch links for contributors on or off."""
    chosen = typed("contributor_links")
    if chosen not in ("on", "off"):
        return _page({"contributor_links": _("Choose on or off.")}), 422
    if set_contributor_links(session(), chosen == "on", by=actor(), now=now()):
        commit()
        flash(
            _("Contributors and board readers can sign in by links now.")
            if chosen == "on"
            else _("Links no longer sign anybody in. Everybody needs a password."),
            "success",
        )
    else:
        flash(_("It was set so already. Nothing was changed."))
    return redirect(url_for("settings.index"), 303)


def _page(errors: dict[str, str]) -> str:
    return render_template(
        "admin/settings.html",
        links_on=links_are_on(session()),
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=crumbs(),
    )
