"""The sites of an agency: listing them for the questions that are asked about each."""

from __future__ import annotations

from collections.abc import Mapping

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.domain.life import NotPossible
from app.domain.paging import paged
from app.domain.sites import LONGEST_CODE, MOST, ListRefused, Named, SiteErrors, read_list
from app.models import AuditReturn
from app.operations import sites as operations
from app.queries.carrying import last_round
from app.queries.returns import Checklist, checklist, sites_of, why_closed
from app.queries.rounds import NotFound
from app.queries.sites import kept_about, removed_sites, site_row, site_rows
from app.web.agency.blueprint import any_return, blueprint, crumbs, may, own_return, see_other
from app.web.pages import message
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import page_asked, typed

PAGE = 50
PROBLEMS_SHOWN = 50


def _asking(audit_return: AuditReturn) -> Checklist:
    """The checklist of a return that asks about sites. Raises NotFound for every other."""
    work = checklist(session(), audit_return)
    if not work.template.asks_sites:
        raise NotFound
    return work


@blueprint.route("/sites", methods=["GET", "POST"])
@requires(GET="return.read", POST="return.sites")
def sites(rid: str) -> str | tuple[str, int] | BaseResponse:
    """The list of sites, with how far each is; adding one."""
    if request.method == "GET":
        return _list(own_return(rid))
    try:
        row = operations.add(session(), rid, Named(typed("code"), typed("name")), by=actor(), now=now())
    except SiteErrors as wrong:
        session().rollback()
        return _list(own_return(rid), {name: message(words) for name, words in wrong.errors.items()}), 422
    name = row.name
    commit()
    flash(_("“%(name)s” is in your list.", name=name), "success")
    return see_other("agency.sites", rid=rid)


def _list(audit_return: AuditReturn, problems: Mapping[str, str] | None = None) -> str:
    work = _asking(audit_return)
    closed = why_closed(audit_return, now=now())
    may_list = may("return.sites", audit_return) and not closed
    rows = site_rows(work)
    page, pages = paged(len(rows), PAGE, page_asked())
    return render_template(
        "sites/list.html",
        audit_return=audit_return,
        work=work,
        rows=rows[(page - 1) * PAGE : page * PAGE],
        number=len(rows),
        page=page,
        pages=pages,
        closed=closed,
        may_list=may_list,
        removed=removed_sites(session(), audit_return),
        last=_last_sites(work) if may_list and not rows else None,
        about=[placed for placed in work.template.criteria() if placed.criterion.scope == "site"],
        problems=problems or {},
        limit=LONGEST_CODE,
        breadcrumbs=crumbs(audit_return),
    )


def _last_sites(work: Checklist) -> tuple[str, list[Named]] | None:
    """The name of the last round and the sites that were listed in it; None where none were."""
    last = last_round(session(), work.audit_return)
    if last is None or not last.work.sites:
        return None
    return last.name, [Named(site.code, site.name) for site in last.work.sites]


@blueprint.route("/sites/paste", methods=["GET", "POST"])
@requires(GET="return.sites", POST="return.sites")
def paste_sites(rid: str) -> str | tuple[str, int] | BaseResponse:
    """Adding many sites at once, from lines that were copied from elsewhere."""
    if request.method == "GET":
        return _paste(any_return(rid, "return.sites"))
    any_return(rid, "return.sites")
    try:
        listed = operations.add_list(
            session(), rid, [site for _number, site in read_list(typed("list"))], by=actor(), now=now()
        )
    except ListRefused as refused:
        problems = [
            _("Line %(number)s: %(words)s", number=number, words=message(words))
            for number, words in sorted(refused.problems.items())
        ]
        if (left := len(problems) - PROBLEMS_SHOWN) > 0:
            problems[PROBLEMS_SHOWN:] = [ngettext("And %(num)d more.", "And %(num)d more.", left)]
        session().rollback()
        return _paste(any_return(rid, "return.sites"), problems), 422
    except NotPossible as reason:
        session().rollback()
        return _paste(any_return(rid, "return.sites"), [message(reason.message)]), 422
    added, known = len(listed.new) + len(listed.back), len(listed.known)
    commit()
    words = [ngettext("%(num)d site added to your list.", "%(num)d sites added to your list.", added)]
    if known:
        words.append(ngettext("%(num)d was in it already.", "%(num)d were in it already.", known))
    flash(" ".join(words), "success")
    return see_other("agency.sites", rid=rid)


def _paste(audit_return: AuditReturn, problems: list[str] | None = None) -> str:
    _asking(audit_return)
    return render_template(
        "sites/paste.html",
        audit_return=audit_return,
        closed=why_closed(audit_return, now=now()),
        problems=problems or [],
        lines=typed("list"),
        most=MOST,
        breadcrumbs=crumbs(audit_return, _sites_crumb(audit_return)),
    )


def _sites_crumb(audit_return: AuditReturn) -> tuple[str, str]:
    return _("Your sites"), url_for("agency.sites", rid=audit_return.public_id)


@blueprint.route("/sites/copy", methods=["POST"])
@requires(POST="return.sites")
def copy_sites(rid: str) -> BaseResponse:
    """Listing the sites of the last round."""
    found = _last_sites(_asking(any_return(rid, "return.sites")))
    if found is None:
        raise NotFound
    listed = operations.add_list(session(), rid, found[1], by=actor(), now=now())
    number = len(listed.new) + len(listed.back)
    commit()
    flash(ngettext("%(num)d site added to your list.", "%(num)d sites added to your list.", number), "success")
    return see_other("agency.sites", rid=rid)


@blueprint.route("/sites/none", methods=["POST"])
@requires(POST="return.sites")
def no_sites(rid: str) -> BaseResponse:
    """Saying that the agency has no sites, or taking that back."""
    none = request.form.get("none") == "yes"
    operations.say_none(session(), rid, none=none, by=actor(), now=now())
    commit()
    flash(
        _("It is recorded that your agency has no sites. What is asked for each site does not apply.")
        if none
        else _("It is no longer recorded that your agency has no sites. Please list them."),
        "success",
    )
    return see_other("agency.sites", rid=rid)


@blueprint.route("/sites/<key>/rename", methods=["GET", "POST"])
@requires(GET="return.sites", POST="return.sites")
def rename_site(rid: str, key: str) -> str | tuple[str, int] | BaseResponse:
    """Giving a site another name."""
    audit_return = any_return(rid, "return.sites")
    site = next((one for one in sites_of(session(), audit_return) if one.scope == key), None)
    if site is None:
        raise NotFound
    name, problem = site.name, ""
    if request.method == "POST":
        name = typed("name")
        try:
            operations.rename(session(), rid, key, name, by=actor(), now=now())
        except SiteErrors as wrong:
            session().rollback()
            audit_return = any_return(rid, "return.sites")
            problem = message(next(iter(wrong.errors.values())))
        else:
            commit()
            flash(_("The site is called “%(name)s” now.", name=name), "success")
            return see_other("agency.sites", rid=rid)
    page = render_template(
        "sites/rename.html",
        audit_return=audit_return,
        site=site,
        name=name,
        problem=problem,
        closed=why_closed(audit_return, now=now()),
        breadcrumbs=crumbs(audit_return, _sites_crumb(audit_return)),
    )
    return page, 422 if problem else 200


@blueprint.route("/sites/<key>/remove", methods=["GET", "POST"])
@requires(GET="return.sites", POST="return.sites")
def remove_site(rid: str, key: str) -> str | BaseResponse:
    """Taking a site off the list, once that is confirmed."""
    audit_return = any_return(rid, "return.sites")
    if request.method == "GET":
        work = _asking(audit_return)
        row = site_row(work, key)
        return render_template(
            "sites/remove.html",
            audit_return=audit_return,
            site=row.site,
            kept=kept_about(session(), work, key),
            vouched=[
                section.standard
                for section in work.sections
                if section.vouch and any(item.criterion.scope == "site" for item in section.items)
            ],
            closed=why_closed(audit_return, now=now()),
            breadcrumbs=crumbs(audit_return, _sites_crumb(audit_return)),
        )
    name = operations.remove(session(), rid, key, by=actor(), now=now()).name
    commit()
    flash(_("“%(name)s” is off your list. What was answered about it is kept.", name=name), "success")
    return see_other("agency.sites", rid=rid)
