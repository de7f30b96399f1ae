"""Sharing a return out: who does what, giving parts away, what is assigned to you, accepting and sending back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from app.db import db
from app.domain.life import NotPossible
from app.domain.message import Message
from app.models import AuditReturn, User
from app.operations import colleagues as people_operations
from app.operations import sharing as operations
from app.queries.returns import Checklist, checklist, why_closed
from app.queries.sharing import (
    Share,
    assignable,
    colleagues,
    get_share,
    last_saves,
    returns_with_shares,
    shares,
    without_anybody,
)
from app.web.agency.blueprint import any_return, crumbs, may, own_return
from app.web.colleagues import checked_email, invited_page, tell_invited, way_in
from app.web.deadlines import Deadline, deadline
from app.web.pages import message, text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import TypedDay, read_day, summary, typed

blueprint = Blueprint("sharing", __name__)


def _crumbs(audit_return: AuditReturn) -> list[dict[str, str]]:
    return crumbs(audit_return, (_("Who does what"), url_for("sharing.overview", rid=audit_return.public_id)))


def _name_of(share: Share) -> str:
    """A part as one names it in a sentence."""
    return text(share.title) if share.is_whole else _("question %(number)s", number=share.number)


# --- for the lead ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sharer:
    """Somebody who has parts of a return, as the lead sees them. `roles` is empty where they are appointed no more."""

    user: User
    roles: Sequence[str]
    has_joined: bool
    last_active: datetime | None
    shares: Sequence[Share]

    @property
    def is_waiting(self) -> bool:
        """Whether anything of theirs is still to be done."""
        return any(share.is_open for share in self.shares)

    @property
    def nudged_at(self) -> datetime | None:
        """When they were last reminded."""
        return max((one.assignment.nudged_at for one in self.shares if one.assignment.nudged_at), default=None)


@blueprint.route("/returns/<rid>/sharing")
@requires(GET="return.share")
def overview(rid: str) -> str:
    """Who has which part, how far they are, what waits for the lead, and what nobody has."""
    audit_return = any_return(rid, "return.share")
    work = checklist(session(), audit_return)
    found = shares(session(), work)
    return render_template(
        "sharing/overview.html",
        audit_return=audit_return,
        sharers=_sharers(audit_return, found),
        ready=[one for one in found if one.assignment.state == "ready"],
        number=len(found),
        accepted=sum(1 for one in found if one.assignment.state == "accepted"),
        free=without_anybody(work, found),
        closed=why_closed(audit_return, now=now()),
        due=deadline(audit_return, now=now()),
        may_cover=may("return.cover", audit_return),
        breadcrumbs=crumbs(audit_return),
    )


def _sharers(audit_return: AuditReturn, found: Sequence[Share]) -> list[Sharer]:
    """Those who have parts, by name."""
    roles: dict[int, list[str]] = {}
    joined: set[int] = set()
    for one in colleagues(session(), audit_return, now=now()):
        if one.standing == "now":
            roles.setdefault(one.user.id, []).append(one.appointment.role)
            joined |= {one.user.id} if one.has_joined else set()
    saves = last_saves(session(), audit_return)
    own: dict[int, list[Share]] = {}
    for share in found:
        own.setdefault(share.assignment.user_id, []).append(share)
    sharers = [
        Sharer(theirs[0].assignment.user, roles.get(user_id, []), user_id in joined, saves.get(user_id), theirs)
        for user_id, theirs in own.items()
    ]
    return sorted(sharers, key=lambda one: (one.user.name.casefold(), one.user.id))


@blueprint.route("/returns/<rid>/sharing/assign", methods=["GET", "POST"])
@requires(GET="return.share", POST="return.share")
def assign(rid: str) -> str | tuple[str, int] | BaseResponse:
    """Give standards and questions to colleagues, many at once; invite somebody new in the same step."""
    audit_return = any_return(rid, "return.share")
    if request.method == "GET":
        if closed := why_closed(audit_return, now=now()):
            raise NotPossible(closed)
        return _assign_page(audit_return, request.args, {}, TypedDay())
    errors: dict[str, str] = {}
    chosen = request.form.getlist("person")
    name, email = typed("name"), typed("email")
    until, last = read_day("until", errors, optional=True)
    is_new = bool(name or email)
    if is_new:
        email = checked_email(email, name, ("email", "name"), errors)
    elif not until.is_empty:
        errors.setdefault("name", _("Give the name and the e-mail address of the new colleague too."))
    if not chosen and not is_new:
        errors["person"] = _("Choose at least one colleague, or invite somebody new.")
    parts = [_part(value) for value in request.form.getlist("part")]
    if not parts:
        errors["part"] = _("Choose at least one standard or question to give away.")
    if not errors:
        link, new = "", None
        field = "email"
        try:
            if is_new:
                new = people_operations.invite(
                    session(), rid, email=email, name=name, role="contributor", ends=last, by=actor(), now=now()
                )
                link = way_in(rid, new)
                chosen = [*chosen, new.public_id]
            field = "part"
            made = operations.assign(session(), rid, people=chosen, parts=parts, by=actor(), now=now())
        except NotPossible as reason:
            db.session.rollback()
            audit_return = any_return(rid, "return.share")
            errors[field] = message(reason.message)
        else:
            commit()
            flash(ngettext("%(num)d part is given away.", "%(num)d parts are given away.", made), "success")
            if new is not None and link:
                return invited_page(audit_return, new, link)
            if new is not None:
                tell_invited(new)
            return redirect(url_for("sharing.overview", rid=rid), 303)
    return _assign_page(audit_return, request.form, errors, until), 422


def _part(value: str) -> tuple[str, str]:
    """A standard and a criterion of it, or none, from the value of a box that was ticked."""
    standard, _slash, criterion = value.partition("/")
    return standard, criterion


def _assign_page(
    audit_return: AuditReturn, given: MultiDict[str, str], errors: Mapping[str, str], until: TypedDay
) -> str:
    work = checklist(session(), audit_return)
    found = shares(session(), work)
    names: dict[tuple[str, str], list[str]] = {}
    for share in found:
        row = share.assignment
        names.setdefault((row.standard, row.criterion), []).append(row.user.name)
    return render_template(
        "sharing/assign.html",
        audit_return=audit_return,
        work=work,
        # a criterion that is asked per area is given away as a whole
        criteria={
            section.standard.id: list({item.criterion.id: item.criterion for item in section.questions}.values())
            for section in work.sections
        },
        number_of=work.template.number_of,
        names=names,
        people=assignable(session(), audit_return, now=now()),
        chosen=set(given.getlist("person")),
        parts=set(given.getlist("part")),
        name=given.get("name", ""),
        email=given.get("email", ""),
        until=until,
        errors=errors,
        error_list=[
            one | ({"href": _first_field(one["href"], work)} if one["href"] in ("#part", "#person") else {})
            for one in summary(errors, ("until",))
        ],
        breadcrumbs=_crumbs(audit_return),
    )


def _first_field(href: str, work: Checklist) -> str:
    """The first of several boxes: where an error about all of them leads."""
    return f"#part-{work.sections[0].standard.id}" if href == "#part" and work.sections else "#person"


@blueprint.route("/returns/<rid>/sharing/<aid>", methods=["GET", "POST"])
@requires(GET="return.share", POST="return.share")
def part(rid: str, aid: str) -> str | tuple[str, int] | BaseResponse:
    """One part as its colleague answered it; accept it, or send it back with a note."""
    audit_return = any_return(rid, "return.share")
    work = checklist(session(), audit_return)
    share = get_share(session(), work, aid)
    decision, note = typed("decision"), typed("note")
    errors: dict[str, str] = {}
    if request.method == "POST":
        who, what = share.assignment.user.name, _name_of(share)
        if decision not in ("accept", "send_back"):
            errors["decision"] = _("Choose whether you accept it or send it back.")
        elif decision == "send_back" and not note:
            errors["note"] = _("Say what is still to be done, so that your colleague knows.")
        else:
            try:
                if decision == "accept":
                    operations.accept(session(), rid, aid, by=actor(), now=now())
                    words = _("You accepted “%(part)s” by %(name)s.", part=what, name=who)
                else:
                    operations.send_back(session(), rid, aid, note=note, by=actor(), now=now())
                    words = _("You sent “%(part)s” back to %(name)s.", part=what, name=who)
            except NotPossible as reason:
                db.session.rollback()
                errors["decision" if decision == "accept" else "note"] = message(reason.message)
                audit_return = any_return(rid, "return.share")
                work = checklist(session(), audit_return)
                share = get_share(session(), work, aid)
            else:
                commit()
                flash(words, "success")
                return redirect(url_for("sharing.overview", rid=rid), 303)
    page = render_template(
        "sharing/part.html",
        audit_return=audit_return,
        share=share,
        work=work,
        closed=why_closed(audit_return, now=now()),
        decision=decision,
        note=note,
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=_crumbs(audit_return),
    )
    return (page, 422) if errors else page


@blueprint.route("/returns/<rid>/sharing/<aid>/take-away", methods=["GET", "POST"])
@requires(GET="return.share", POST="return.share")
def take_away(rid: str, aid: str) -> str | BaseResponse:
    """Take a part away from a colleague, after asking."""
    audit_return = any_return(rid, "return.share")
    share = get_share(session(), checklist(session(), audit_return), aid)
    if request.method == "POST":
        what = _name_of(share)
        user = operations.take_away(session(), rid, aid, by=actor(), now=now())
        commit()
        flash(_("%(name)s no longer has “%(part)s”. All answers are kept.", name=user.name, part=what), "success")
        return redirect(url_for("sharing.overview", rid=rid), 303)
    return render_template(
        "sharing/take_away.html", audit_return=audit_return, share=share, name=_name_of(share),
        breadcrumbs=_crumbs(audit_return),
    )  # fmt: skip


@blueprint.route("/returns/<rid>/sharing/nudge", methods=["POST"])
@requires(POST="return.share")
def nudge(rid: str) -> BaseResponse:
    """Remind a colleague of what is still to be done."""
    any_return(rid, "return.share")
    try:
        user = operations.nudge(session(), rid, typed("person"), by=actor(), now=now())
    except NotPossible as reason:
        db.session.rollback()
        flash(message(reason.message))
    else:
        commit()
        flash(_("%(name)s gets a reminder by e-mail.", name=user.name), "success")
    return redirect(url_for("sharing.overview", rid=rid), 303)


# --- for whoever has parts -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mine:
    """What is assigned to a person in one return."""

    audit_return: AuditReturn
    due: Deadline
    closed: Message | None
    shares: Sequence[Share]


@blueprint.route("/assigned")
@requires(GET="account.own")
def mine() -> str:
    """What is assigned to you, return by return; where you have your turn first."""
    found = []
    for rid in returns_with_shares(session(), actor=actor()):
        audit_return = own_return(rid)
        own = shares(session(), checklist(session(), audit_return), user_id=actor().user_id)
        turns = {"sent_back": 0, "open": 1, "ready": 2, "accepted": 3}
        own.sort(key=lambda share: turns[share.assignment.state])
        closed = why_closed(audit_return, now=now())
        found.append(Mine(audit_return, deadline(audit_return, now=now()), closed, own))
    found.sort(key=lambda one: one.closed is not None)
    return render_template(
        "sharing/mine.html", found=found, breadcrumbs=[{"text": _("Home"), "href": url_for("home.index", all=1)}]
    )


@blueprint.route("/returns/<rid>/sharing/<aid>/ready", methods=["GET", "POST"])
@requires(GET="return.edit", POST="return.edit")
def ready(rid: str, aid: str) -> str | tuple[str, int] | BaseResponse:
    """Say that a part of yours is ready, after seeing what is left in it."""
    audit_return = any_return(rid, "return.edit")
    share = get_share(session(), checklist(session(), audit_return), aid, user_id=actor().user_id)
    if request.method == "POST":
        what = _name_of(share)
        try:
            operations.mark_ready(session(), rid, aid, by=actor(), now=now())
        except NotPossible as reason:
            db.session.rollback()
            audit_return = any_return(rid, "return.edit")
            share = get_share(session(), checklist(session(), audit_return), aid, user_id=actor().user_id)
            return _ready_page(audit_return, share, message(reason.message)), 409
        commit()
        flash(_("“%(part)s” is ready. Your audit lead reads it next.", part=what), "success")
        return redirect(url_for("sharing.mine"), 303)
    return _ready_page(audit_return, share)


def _ready_page(audit_return: AuditReturn, share: Share, problem: str = "") -> str:
    return render_template(
        "sharing/ready.html", audit_return=audit_return, share=share, name=_name_of(share), problem=problem,
        closed=why_closed(audit_return, now=now()),
        breadcrumbs=crumbs(audit_return, (_("Assigned to you"), url_for("sharing.mine"))),
    )  # fmt: skip
