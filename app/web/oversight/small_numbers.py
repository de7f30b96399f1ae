"""Saying below how many agencies nothing is published, and whether agencies are named there."""

from __future__ import annotations

import re

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.domain.life import NotPossible
from app.operations.small_numbers import set_small_numbers
from app.queries.findings import has_joint, small_numbers
from app.queries.rounds import NotFound, get_round
from app.web.oversight.blueprint import round_crumbs
from app.web.pages import message
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import summary, typed

blueprint = Blueprint("small_numbers", __name__)


@blueprint.route("/rounds/<rid>/small-numbers", methods=["GET", "POST"])
@requires(GET="round.edit", POST="round.edit")
def page(rid: str) -> str | BaseResponse | tuple[str, int]:
    """The setting of a round."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="round.edit")
    if not has_joint(audit_round):
        raise NotFound
    below, names = small_numbers(audit_round)
    shown, errors = str(below), {}
    if request.method == "POST":
        shown, names = typed("below")[:20], typed("names") == "yes"
        try:
            number = int(shown) if re.fullmatch(r"[0-9]{1,4}", shown) else -1
            is_prepared = set_small_numbers(session(), rid, below=number, names=names, by=actor(), now=now())
            commit()
            flash(_("Saved. It holds for what is published from now on; what was published stays as it is."), "success")
            if is_prepared:
                flash(_("Feedback that is prepared compares as before. Prepare it anew on the release page."), "note")
            return redirect(url_for("reports.round_reports", rid=rid), 303)
        except NotPossible as problem:
            session().rollback()
            audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="round.edit")
            errors["below"] = message(problem.message)
    shown_page = render_template(
        "oversight/small_numbers.html",
        audit_round=audit_round,
        below=shown,
        names=names,
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=round_crumbs(audit_round, (_("Reports"), url_for("reports.round_reports", rid=rid))),
    )
    return (shown_page, 422) if errors else shown_page
