"""The disclosure pack of one agency: what is exempt and why, and the pack as a spreadsheet or a page to print."""

from __future__ import annotations

import re

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.domain.disclosure import GROUNDS, ROLES
from app.domain.life import NotPossible
from app.domain.paging import paged
from app.languages import translations
from app.models import AuditReturn
from app.operations import disclosure as operations
from app.queries.disclosure import entries, exports, tally
from app.queries.returns import get_return
from app.sheets.disclosure import write_disclosure
from app.web.oversight.blueprint import round_crumbs
from app.web.pages import language, message
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import page_asked, summary, typed

blueprint = Blueprint("disclosure", __name__, url_prefix="/returns/<rid>/disclosure")

ENTRIES_PAGE = 100
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _return(rid: str) -> AuditReturn:
    return get_return(session(), rid, actor=actor(), now=now(), permission="disclosure.read")


def _crumbs(audit_return: AuditReturn, *steps: tuple[str, str]) -> list[dict[str, str]]:
    audit_round = audit_return.audit_round
    href = url_for("oversight.return_page", rid=audit_round.public_id, ret=audit_return.public_id)
    return round_crumbs(audit_round, (audit_return.agency.name, href), *steps)


def _page(audit_return: AuditReturn, errors: dict[str, str] | None = None) -> str:
    found = entries(session(), audit_return, actor=actor(), now=now())
    page, pages = paged(len(found), ENTRIES_PAGE, page_asked())
    return render_template(
        "disclosure/page.html",
        audit_return=audit_return,
        entries=found[(page - 1) * ENTRIES_PAGE : page * ENTRIES_PAGE],
        tally=tally(found),
        page=page,
        pages=pages,
        grounds=GROUNDS,
        roles=ROLES,
        exports=exports(session(), audit_return),
        chosen=request.form.getlist("entries"),
        ground=typed("ground"),
        reason=typed("reason"),
        errors=errors or {},
        error_list=summary(errors or {}),
        breadcrumbs=_crumbs(audit_return),
    )


@blueprint.route("", methods=["GET", "POST"])
@requires(GET="disclosure.read", POST="disclosure.read")
def page(rid: str) -> str | tuple[str, int] | BaseResponse:
    """Everything that was said, and the decision on each entry: exempt with a reason, or handed out."""
    audit_return = _return(rid)
    if request.method == "POST":
        exempt = typed("decision") == "exempt"
        try:
            number = operations.mark(
                session(), rid, request.form.getlist("entries"), exempt=exempt, ground=typed("ground"),
                reason=typed("reason"), by=actor(), now=now(),
            )  # fmt: skip
        except NotPossible as reason:
            session().rollback()
            return _page(_return(rid), {"decision": message(reason.message)}), 422
        commit()
        words = (
            ngettext("%(num)d entry is exempt.", "%(num)d entries are exempt.", number)
            if exempt
            else ngettext("%(num)d entry is handed out.", "%(num)d entries are handed out.", number)
        )
        flash(words, "success")
        return redirect(url_for("disclosure.page", rid=rid, page=page_asked()), 303)
    return _page(audit_return)


@blueprint.route("/pack", methods=["POST"])
@requires(POST="disclosure.read")
def pack(rid: str) -> BaseResponse:
    """The pack: as a spreadsheet at once, or as a page to print. Either is put on record."""
    audit_return = _return(rid)
    form = "page" if typed("form") == "page" else "sheet"
    found = operations.export(session(), rid, form=form, by=actor(), now=now())
    commit()
    if form == "page":
        return redirect(url_for("disclosure.printable", rid=rid), 303)
    name = f"{audit_return.audit_round.key}-{audit_return.agency.code}-disclosure.xlsx"
    content = write_disclosure(
        found, title=_title(audit_return), author=audit_return.audit_round.owner.name, made=now(),
        translate=translations(language()).gettext,
    )  # fmt: skip
    return Response(
        content,
        mimetype=XLSX,
        headers={"Content-Disposition": f'attachment; filename="{re.sub("[^A-Za-z0-9._-]+", "-", name)}"'},
    )


def _title(audit_return: AuditReturn) -> str:
    return _(
        "%(agency)s in “%(round)s”: what was said",
        agency=audit_return.agency.name,
        round=audit_return.audit_round.name,
    )


@blueprint.route("/print")
@requires(GET="disclosure.read")
def printable(rid: str) -> str:
    """The pack as a page to print, without the texts that are exempt."""
    audit_return = _return(rid)
    found = entries(session(), audit_return, actor=actor(), now=now())
    return render_template(
        "disclosure/print.html",
        audit_return=audit_return,
        title=_title(audit_return),
        entries=found,
        tally=tally(found),
        grounds=GROUNDS,
        roles=ROLES,
        breadcrumbs=_crumbs(audit_return, (_("Disclosure"), url_for("disclosure.page", rid=rid))),
    )
