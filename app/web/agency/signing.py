"""The signatory’s page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_security import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.db import db
from app.domain.life import NotPossible
from app.domain.templates import Grade
from app.models import AuditReturn
from app.operations.signing import ask_again, decline
from app.operations.submissions import LONGEST_REASON, declaration_text, sign_and_submit, signing_post
from app.queries.returns import Checklist, Item, checklist, content_hash, signatories, why_closed
from app.queries.signing import Briefing, briefing, open_decline
from app.web.agency.blueprint import any_return, blueprint, crumbs, may, own_return, profile, see_other
from app.web.agency.changes import worsened
from app.web.deadlines import deadline
from app.web.pages import language, message, text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.security import identity_proved
from app.web.typed import typed


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
    items = [item for item in items if item.criterion.answer.is_graded]
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
                identity_proved=proved, language=language(),
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
    known = briefing(session(), work, now=now(), language=language())
    groups = exceptions(answered)
    parts = profile(answered)
    page = render_template(
        "agency/sign.html",
        audit_return=audit_return,
        work=work,
        closed=why_closed(audit_return, now=now()),
        due=deadline(audit_return, now=now()),
        held=held,
        called=called,
        signatories=signatories(session(), audit_return, now=now()),
        exceptions=groups,
        known=known,
        planned={gap.item.id: gap.actions for gap in (*known.gaps, *known.unknown)},
        worsened=worsened(known.changes) if known.changes else [],
        titles={one.id: text(one.title) for one in work.template.standards},
        decline=open_decline(session(), audit_return),
        may_ask=may("return.ask_to_sign", audit_return),
        profile=parts,
        facts=[item for item in answered if not item.criterion.answer.is_graded],
        profiles=[(s, profile([item for item in s.items if item.started])) for s in work.sections],
        responsible=responsibilities(work, known, groups),
        declaration=(
            declaration_text(work, signatory=actor().name, post=held.post or called, language=language())
            if held
            else ""
        ),
        content_hash=content_hash(work),
        problems=problems,
        confirmed=request.form.get("confirm") == "yes",
        breadcrumbs=crumbs(audit_return),
    )
    return page, status


def responsibilities(work: Checklist, known: Briefing, groups: Sequence[Exceptions]) -> list[str]:
    """What a signatory takes responsibility for, in sentences with the figures as they stand."""
    answered = [item for item in work.items if item.started]
    grades = ", ".join(f"{text(part.label)} {part.count}" for part in profile(answered) if part.count)
    late = next(group for group in groups if group.kind == "late").items
    vouched = sum(1 for section in work.sections if section.vouch)
    carried = sum(1 for item in answered if item.answer.carried_from_id)
    gaps = len(known.gaps) + len(known.unknown)
    lines = [
        ngettext(
            "%(num)d answer about %(agency)s, as it stands: %(grades)s.",
            "%(num)d answers about %(agency)s, as they stand: %(grades)s.",
            len(answered), agency=work.audit_return.agency.name, grades=grades or _("no grade"),
        ),
        ngettext(
            "%(num)d question to which the answer is that nobody can say yet.",
            "%(num)d questions to which the answer is that nobody can say yet.",
            len(known.unknown),
        ),
        ngettext(
            "%(num)d gap, and the day by which it is to be closed",
            "%(num)d gaps, and the days by which they are to be closed",
            gaps,
        )
        + (
            ngettext("; %(num)d day is later than its milestone.", "; %(num)d days are later than their milestones.",
                     len(late))
            if late
            else "."
        ),
        ngettext("%(num)d planned action", "%(num)d planned actions", known.actions)
        + (
            ngettext("; %(num)d gap has none.", "; %(num)d gaps have none.", len(known.unplanned))
            if known.unplanned
            else "."
        ),
        ngettext("%(num)d file of evidence", "%(num)d files of evidence", known.files)
        + (
            ngettext(
                "; %(num)d answer says “in place” without any.", "; %(num)d answers say “in place” without any.",
                len(known.bare),
            )
            if known.bare
            else "."
        ),
        ngettext(
            "%(num)d of %(all)s standards has an executive who vouches for it by name.",
            "%(num)d of %(all)s standards have an executive who vouches for them by name.",
            vouched, all=len(work.sections),
        ),
    ]  # fmt: skip
    if work.sites:
        names = ", ".join(site.name for site in work.sites)
        lines.append(
            ngettext(
                "%(num)d site, about which questions were answered: %(names)s.",
                "%(num)d sites, about each of which questions were answered: %(names)s.",
                len(work.sites), names=names,
            )
        )  # fmt: skip
    if work.has_no_sites:
        lines.append(_("That the agency has no sites, so that what is asked for each site does not apply."))
    if carried:
        lines.append(
            ngettext(
                "%(num)d answer that was carried forward from an earlier round, and confirmed or changed since.",
                "%(num)d answers that were carried forward from an earlier round, and confirmed or changed since.",
                carried,
            )
        )
    return lines


@blueprint.route("/sign/decline", methods=["GET", "POST"])
@requires(GET="return.sign", POST="return.sign")
def decline_to_sign(rid: str) -> str | tuple[str, int] | BaseResponse:
    """The signatory declines to sign for now, with a reason for the audit lead."""
    audit_return = any_return(rid, "return.sign")
    reason, problem = typed("reason"), ""
    if request.method == "POST":
        if not reason:
            problem = _("Say why you do not sign")
        elif len(reason) > LONGEST_REASON:
            problem = _(
                "The reason has %(length)s characters; shorten it to %(limit)s or fewer",
                length=len(reason), limit=LONGEST_REASON,
            )  # fmt: skip
        else:
            decline(session(), rid, reason=reason, by=actor(), now=now())
            commit()
            flash(_("You declined to sign for now. The audit lead has been told, and reads your reason."), "success")
            return see_other("agency.tasks", rid=rid)
    page = render_template(
        "agency/decline.html",
        audit_return=audit_return,
        closed=why_closed(audit_return, now=now()),
        decline=open_decline(session(), audit_return),
        reason=reason,
        problem=problem,
        breadcrumbs=crumbs(audit_return, (_("Read and sign"), url_for("agency.sign", rid=rid))),
    )
    return page, 422 if problem else 200


@blueprint.route("/sign/ask-again", methods=["POST"])
@requires(POST="return.ask_to_sign")
def ask_to_sign_again(rid: str) -> BaseResponse:
    """The audit lead answers a signatory who declined: please look again."""
    ask_again(session(), rid, by=actor(), now=now())
    commit()
    flash(_("The signatory is asked again to read and sign."), "success")
    return see_other("agency.tasks", rid=rid)
