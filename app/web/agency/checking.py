"""Earlier versions of an answer, and all answers on one page."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from app.db import db
from app.domain.answers import question_parts
from app.domain.message import N_, Message
from app.domain.paging import paged
from app.models import AuditReturn, User
from app.operations.answers import restore
from app.operations.submissions import signing_post
from app.queries.packs import template_of
from app.queries.returns import (
    UNANSWERED,
    Answered,
    Item,
    checklist,
    places_of,
    scope_names,
    versions,
    why_closed,
)
from app.queries.rounds import NotFound
from app.web.agency.answering import marks
from app.web.agency.blueprint import (
    any_return,
    blueprint,
    crumbs,
    may,
    own_return,
    profile,
    question_address,
    see_other,
)
from app.web.pages import text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import page_asked

VERSIONS_PAGE = 20
SOURCES = {
    "page": N_("Written on its page"),
    "sheet": N_("From a spreadsheet"),
    "bundle": N_("From another service"),
    "carried": N_("Carried forward from the last round"),
    "confirmed": N_("Confirmed as carried forward"),
    "restored": N_("An earlier version, restored"),
}


@dataclass(frozen=True)
class Version:
    """One version of an answer, how it came, and the one before."""

    item: Item
    source: Message
    before: Item | None = None

    @property
    def marked(self) -> tuple[dict[str, Markup], dict[str, Markup]]:
        """The texts of this one and of the one before with their differences marked."""
        return marks(self.item.answer.value, self.before.answer.value if self.before else {})


def _question(audit_return: AuditReturn, question: str) -> Item:
    """A question without an answer, whether it is asked at present or not. Raises NotFound."""
    pack, template = template_of(audit_return)
    key, scope = question_parts(question)
    try:
        criterion = template.criterion(key)
    except KeyError:
        raise NotFound from None
    number = template.number_of(criterion)
    places = scope_names(places_of(session(), audit_return)) if scope else {}
    if scope and (criterion.scope, scope) not in places:
        raise NotFound
    name = places.get((criterion.scope, scope), "")
    return Item(
        criterion, f"{number}, {name}" if scope else number, pack.scheme_of(template, criterion), False,
        UNANSWERED, (), None, scope, name,
    )  # fmt: skip


def _versions(audit_return: AuditReturn, question: str) -> list[Version]:
    """Every version, the latest first."""
    blank, found = _question(audit_return, question), []
    before = None
    for row in reversed(versions(session(), audit_return, question)):
        item = replace(blank, answer=Answered(row.value, row.version, row.saved_at, _name_of(row.saved_by)))
        found.append(Version(item, Message(SOURCES[row.source]), before))
        before = item
    return found[::-1]


def _crumbs(audit_return: AuditReturn, question: str, *more: tuple[str, str]) -> list[dict[str, str]]:
    rid = audit_return.public_id
    around = [
        (text(section.standard.title), question_address(rid, section.standard.id, question))
        for section in checklist(session(), audit_return).sections
        if any(item.id == question for item in section.items)
    ]  # fmt: skip
    return crumbs(audit_return, *around, *more)


@blueprint.route("/criteria/<criterion>/versions")
@requires(GET="return.read")
def earlier(rid: str, criterion: str) -> str:
    """Every saved version of one answer, with who saved it, when, and how it came."""
    audit_return = own_return(rid)
    question = _question(audit_return, criterion)
    every = _versions(audit_return, criterion)
    page, pages = paged(len(every), VERSIONS_PAGE, page_asked())
    return render_template(
        "agency/versions.html",
        audit_return=audit_return,
        question=question,
        versions=every[(page - 1) * VERSIONS_PAGE : page * VERSIONS_PAGE],
        latest=len(every),
        page=page,
        pages=pages,
        may_restore=not why_closed(audit_return, now=now()) and may("return.edit", audit_return),
        breadcrumbs=_crumbs(audit_return, criterion),
    )


@blueprint.route("/criteria/<criterion>/versions/<int:version>/restore", methods=["GET", "POST"])
@requires(GET="return.edit", POST="return.edit")
def restore_version(rid: str, criterion: str, version: int) -> str | tuple[str, int] | BaseResponse:
    """Make an earlier version the present one, after a look at both. A newer save is not overwritten."""
    if request.method == "POST":
        based_on = request.form.get("based_on", 0, type=int)
        result = restore(session(), rid, criterion, version, based_on=based_on, by=actor(), now=now())
        if result.clean:
            words = _("Version %(number)s stands again.", number=version)
            commit()
            flash(words, "success")
            return see_other("agency.earlier", rid=rid, criterion=criterion)
        db.session.rollback()
    audit_return = any_return(rid, "return.edit")
    every = _versions(audit_return, criterion)
    chosen = next((one for one in every if one.item.answer.version == version), None)
    if chosen is None:
        raise NotFound
    page = render_template(
        "agency/restore.html",
        audit_return=audit_return,
        question=chosen.item,
        chosen=chosen.item,
        present=every[0].item,
        marked=marks(chosen.item.answer.value, every[0].item.answer.value),
        closed=why_closed(audit_return, now=now()),
        conflict=request.method == "POST",
        breadcrumbs=_crumbs(
            audit_return,
            criterion,
            (_("Earlier versions"), url_for("agency.earlier", rid=rid, criterion=criterion)),
        ),
    )
    return page, 409 if request.method == "POST" else 200


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
