"""Earlier versions of an answer, and all answers on one page."""

from __future__ import annotations

from dataclasses import replace

from flask import render_template, url_for

from app.domain.answers import question_parts
from app.models import User
from app.operations.submissions import signing_post
from app.queries.packs import template_of
from app.queries.returns import Answered, Item, checklist, versions, why_closed
from app.queries.rounds import NotFound
from app.web.agency.blueprint import blueprint, crumbs, may, own_return, profile
from app.web.pages import text
from app.web.permissions import requires
from app.web.request import actor, now, session


@blueprint.route("/criteria/<criterion>/versions")
@requires(GET="return.read")
def earlier(rid: str, criterion: str) -> str:
    """Every saved version of one answer, with who saved it and when."""
    audit_return = own_return(rid)
    work = checklist(session(), audit_return)
    pack, template = template_of(audit_return)
    try:
        question = template.criterion(question_parts(criterion)[0])
    except KeyError:
        raise NotFound from None
    blank = Item(
        question, template.number_of(question), pack.scheme_of(template, question), False, Answered({}, 0, None, ""),
        (), None,
    )  # fmt: skip
    rows = versions(session(), audit_return, criterion)
    return render_template(
        "agency/versions.html",
        audit_return=audit_return,
        criterion=question,
        number=blank.number,
        versions=[
            replace(blank, answer=Answered(row.value, row.version, row.saved_at, _name_of(row.saved_by)))
            for row in rows
        ],
        breadcrumbs=crumbs(
            audit_return,
            *(
                (
                    text(section.standard.title),
                    url_for(
                        "agency.standard", rid=rid, standard=section.standard.id, _anchor=f"q-{criterion}"
                    ),
                )
                for section in work.sections
                if any(item.id == criterion for item in section.items)
            ),
        ),
    )


def _name_of(user: User | None) -> str:
    return user.name if user else ""


@blueprint.route("/check")
@requires(GET="return.read")
def check(rid: str) -> str:
    """All answers on one page, what is outstanding first."""
    audit_return = own_return(rid)
    work = checklist(session(), audit_return)
    closed = why_closed(audit_return, now=now())
    return render_template(
        "agency/check.html",
        audit_return=audit_return,
        work=work,
        closed=closed,
        may_edit=not closed and may("return.edit", audit_return),
        may_sign=signing_post(actor(), audit_return) is not None,
        profile=profile(work.items),
        breadcrumbs=crumbs(audit_return),
    )
