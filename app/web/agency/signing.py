"""The signatory’s page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_security import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.db import db
from app.domain.life import NotPossible
from app.domain.templates import Grade
from app.models import AuditReturn
from app.operations.submissions import declaration_text, sign_and_submit, signing_post
from app.queries.returns import Item, checklist, content_hash, signatories, why_closed
from app.web.agency.blueprint import any_return, blueprint, crumbs, own_return, profile, see_other
from app.web.deadlines import deadline
from app.web.pages import message, text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.security import identity_proved


class Exceptions(NamedTuple):
    """Answers that a signatory should see before anything else. `kind` makes their anchor."""

    kind: str
    label: str
    items: Sequence[Item]
    colour: str = ""


def exceptions(items: Sequence[Item]) -> list[Exceptions]:
    """What is not in place and what is not known, grade by grade; what comes too late; what has no date.

    The worst grade comes first, then what nobody knows, then what is partly there.
    """
    groups: dict[tuple[int, str], tuple[Grade, list[Item]]] = {}
    for item in items:
        known = [one for one in item.scheme.grades if one.counts_as == "not_met" and not one.shown_apart]
        apart = [one for one in item.scheme.grades if one.shown_apart]
        for grade in (*known[-1:], *apart, *reversed(known[:-1])):
            groups.setdefault((id(item.scheme), grade.key), (grade, []))
    for item in items:
        if item.grade and (id(item.scheme), item.grade.key) in groups:
            groups[id(item.scheme), item.grade.key][1].append(item)
    found = [
        Exceptions(f"grade-{place}", text(grade.label), tuple(own), grade.colour)
        for place, (grade, own) in enumerate(groups.values(), start=1)
    ]
    found.append(
        Exceptions("late", _("Expected later than the milestone"), [item for item in items if item.is_late])
    )
    undated = [
        item
        for item in items
        if item.grade and item.grade.counts_as == "not_met" and item.date_expected is None
    ]
    found.append(Exceptions("undated", _("Not in place, and no date given"), undated))
    return found


@blueprint.route("/sign", methods=["GET", "POST"])
@requires(GET="return.read", POST="return.sign")
def sign(rid: str) -> str | tuple[str, int] | BaseResponse:
    """The signatory reads the exceptions, the profile and the declaration, proves who they are, and signs."""
    if request.method == "GET":
        audit_return = own_return(rid)
        if audit_return.stage == "submitted":
            return redirect(url_for("agency.receipt", rid=rid))
        return _sign_page(audit_return, {})
    any_return(rid, "return.sign")
    problems = {}
    if request.form.get("confirm") != "yes":
        problems["confirm"] = _("Tick the box if you make this declaration")
    if not request.form.get("password"):
        problems["password"] = _("Enter your password: it is your signature")
    proved = False
    if not problems:
        proved, why = identity_proved(current_user._get_current_object(), request.form["password"])
        if not proved:
            problems["password"] = why
            commit()  # a wrong try is remembered
    if not problems:
        try:
            sign_and_submit(
                session(), rid, by=actor(), now=now(), expected_hash=request.form.get("content_hash", ""),
                identity_proved=proved,
            )  # fmt: skip
        except NotPossible as reason:
            db.session.rollback()
            audit_return = own_return(rid)
            if audit_return.stage == "submitted":
                flash(message(reason.message), "important")
                return see_other("agency.receipt", rid=rid)
            return _sign_page(audit_return, {"": message(reason.message)}, 409)
        commit()
        return see_other("agency.receipt", rid=rid)
    return _sign_page(own_return(rid), problems, 422)


def _sign_page(audit_return: AuditReturn, problems: Mapping[str, str], status: int = 200) -> tuple[str, int]:
    work = checklist(session(), audit_return)
    held = signing_post(actor(), audit_return)
    called = text(work.pack.agency_types[audit_return.agency_type].signatory)
    answered = [item for item in work.items if item.started]
    page = render_template(
        "agency/sign.html",
        audit_return=audit_return,
        work=work,
        closed=why_closed(audit_return, now=now()),
        due=deadline(audit_return, now=now()),
        held=held,
        called=called,
        signatories=signatories(session(), audit_return, now=now()),
        exceptions=exceptions(answered),
        profile=profile(answered),
        profiles=[(s, profile([item for item in s.items if item.started])) for s in work.sections],
        declaration=declaration_text(work, signatory=actor().name, post=held.post or called) if held else "",
        content_hash=content_hash(work),
        problems=problems,
        confirmed=request.form.get("confirm") == "yes",
        breadcrumbs=crumbs(audit_return),
    )
    return page, status
