"""A named executive vouches for a standard."""

from __future__ import annotations

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.operations.answers import vouch as record_vouch
from app.operations.answers import withdraw_vouch
from app.queries.returns import checklist, why_closed
from app.web.agency.blueprint import any_return, blueprint, crumbs, see_other
from app.web.pages import text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session


@blueprint.route("/standards/<standard>/vouch", methods=["GET", "POST"])
@requires(GET="return.vouch", POST="return.vouch")
def vouch(rid: str, standard: str) -> str | tuple[str, int] | BaseResponse:
    """A named executive vouches for a standard as it is answered now."""
    audit_return = any_return(rid, "return.vouch")
    work = checklist(session(), audit_return)
    section = work.section(standard)
    name, post = (request.form.get(field, "").strip() for field in ("name", "post"))
    problems = {}
    if request.method == "POST":
        if not name:
            problems["name"] = _("Give the name of the executive who vouches for this standard")
        if not post:
            problems["post"] = _("Give their post, such as director of nursing")
        for field_name, value in (("name", name), ("post", post)):
            if len(value) > 200:
                problems[field_name] = _("Shorten this to 200 characters or fewer")
        if not problems:
            record_vouch(session(), rid, standard, name=name, post=post, by=actor(), now=now())
            commit()
            title = text(section.standard.title)
            flash(_("%(name)s vouches for “%(standard)s”.", name=name, standard=title), "success")
            return see_other("agency.tasks", rid=rid)
    page = render_template(
        "agency/vouch.html", audit_return=audit_return, section=section, problems=problems,
        name=name or (section.vouch.name if section.vouch else ""),
        post=post or (section.vouch.post if section.vouch else ""),
        closed=why_closed(audit_return, now=now()),
        breadcrumbs=crumbs(
            audit_return, (text(section.standard.title), url_for("agency.standard", rid=rid, standard=standard))
        ),
    )  # fmt: skip
    return page, 422 if problems else 200


@blueprint.route("/standards/<standard>/vouch/withdraw", methods=["POST"])
@requires(POST="return.vouch")
def withdraw(rid: str, standard: str) -> BaseResponse:
    """Take a vouch back."""
    withdraw_vouch(session(), rid, standard, by=actor(), now=now())
    commit()
    flash(_("Nobody vouches for this standard any more. The answers stay as they are."), "success")
    return see_other("agency.tasks", rid=rid)
