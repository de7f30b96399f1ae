"""The people of one agency: who is appointed to what, inviting colleagues, acting cover."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from app.clock import today
from app.db import db
from app.domain.life import NotPossible
from app.models import AuditReturn, User
from app.operations import colleagues as operations
from app.queries.sharing import colleagues, get_appointment_at
from app.queries.sign_in import links_are_on
from app.web.account import role_words
from app.web.agency.blueprint import any_return, crumbs, may
from app.web.mail import sends_mail
from app.web.pages import message
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.security import INVITATION_DAYS, invitation_token
from app.web.typed import TypedDay, read_day, summary, typed

blueprint = Blueprint("colleagues", __name__, url_prefix="/returns/<rid>/sharing/people")

LONGEST = 200  # characters of a name or a post


def _crumbs(audit_return: AuditReturn) -> list[dict[str, str]]:
    return crumbs(
        audit_return,
        (_("Who does what"), url_for("sharing.overview", rid=audit_return.public_id)),
        (_("People"), url_for("colleagues.people", rid=audit_return.public_id)),
    )


def checked_email(email: str, name: str, fields: tuple[str, str], errors: dict[str, str]) -> str:
    """An e-mail address in its usual form; what is wrong with it or with the name goes into `errors` by field."""
    email_field, name_field = fields
    if not name or len(name) > LONGEST:
        errors[name_field] = _("Enter the person’s name, in 200 characters or fewer.")
    try:
        return validate_email(email, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        errors[email_field] = _("Enter an e-mail address like name@agency.example.")
        return email


def way_in(rid: str, user: User) -> str:
    """The address that lets somebody in who was just invited, where no mail brings it to them; else empty.

    To be called before the commit: that it was handed out is part of what is recorded.
    """
    if sends_mail() or user.password is not None:
        return ""
    try:
        return _link(rid, user.public_id)[1]
    except NotPossible:
        return ""  # the page says who has it


def _link(rid: str, person: str) -> tuple[User, str]:
    user, token = operations.hand_out(session(), rid, person, by=actor(), now=now())
    if token:
        return user, url_for("sign_in_links.use", token=token, _external=True)
    return user, url_for("account.welcome", token=invitation_token(user), _external=True)


def invited_page(audit_return: AuditReturn, user: User, link: str) -> str:
    """What to hand out, shown once, in answer to the form: nowhere else is it kept."""
    return render_template(
        "sharing/invited.html",
        audit_return=audit_return,
        user=user,
        link=link,
        by_link="/sign-in/link/" in link,
        days=INVITATION_DAYS,
        breadcrumbs=_crumbs(audit_return),
    )


def tell_invited(user: User) -> None:
    """Say what became of an invitation whose link is not for the inviting person to see."""
    if sends_mail():
        flash(_("%(name)s is appointed, and gets an e-mail that leads them here.", name=user.name), "success")
    elif user.password is not None:
        flash(_("%(name)s is appointed. They have an account here, and sign in as always.", name=user.name), "success")
    else:
        flash(
            _(
                "%(name)s is appointed. If they are not in yet, the administrator of this service has a link for them.",
                name=user.name,
            ),
            "success",
        )


@blueprint.route("")
@requires(GET="return.share")
def people(rid: str) -> str:
    """Who is appointed at the agency, in which role, from when to when."""
    audit_return = any_return(rid, "return.share")
    may_cover = may("return.cover", audit_return)
    return render_template(
        "sharing/people.html",
        audit_return=audit_return,
        everybody=colleagues(session(), audit_return, now=now()),
        why_not_end=lambda appointment: operations.why_not_end(appointment, leads=may_cover),
        may_cover=may_cover,
        links_on=links_are_on(session()),
        breadcrumbs=_crumbs(audit_return)[:-1],
    )


@blueprint.route("/invite", methods=["GET", "POST"])
@requires(GET="return.share", POST="return.share")
def invite(rid: str) -> str | tuple[str, int] | BaseResponse:
    """Invite a colleague by name and e-mail address."""
    audit_return = any_return(rid, "return.share")
    given = {name: typed(name) for name in ("name", "email", "role")}
    errors: dict[str, str] = {}
    ends = TypedDay()
    if request.method == "POST":
        email = checked_email(given["email"], given["name"], ("email", "name"), errors)
        if given["role"] not in operations.INVITED_AS:
            errors["role"] = _("Choose what they will do.")
        ends, last = read_day("ends", errors, optional=True)
        if not errors:
            try:
                user = operations.invite(
                    session(), rid, email=email, name=given["name"], role=given["role"], ends=last, by=actor(),
                    now=now(),
                )  # fmt: skip
                link = way_in(rid, user)
            except NotPossible as reason:
                db.session.rollback()
                audit_return = any_return(rid, "return.share")
                errors["email"] = message(reason.message)
            else:
                commit()
                if link:
                    return invited_page(audit_return, user, link)
                tell_invited(user)
                return redirect(url_for("colleagues.people", rid=rid), 303)
    page = render_template(
        "sharing/invite.html",
        audit_return=audit_return,
        given=given,
        ends=ends,
        roles=[
            {"value": "contributor", "text": role_words("contributor"),
             "hint": _("Answers the questions that you give them, and can read and change the others.")},
            {"value": "board_reader", "text": role_words("board_reader"),
             "hint": _("Reads everything and comments on it, and changes nothing.")},
            {"value": "audit_lead", "text": role_words("audit_lead"),
             "hint": _("Does all that you do here, besides you.")},
        ],
        links_on=links_are_on(session()),
        errors=errors,
        error_list=summary(errors, ("ends",)),
        breadcrumbs=_crumbs(audit_return),
    )  # fmt: skip
    return (page, 422) if errors else page


@blueprint.route("/<person>/link", methods=["POST"])
@requires(POST="return.share")
def link(rid: str, person: str) -> str | BaseResponse:
    """A new link for somebody who has not joined, shown once."""
    audit_return = any_return(rid, "return.share")
    user, address = _link(rid, person)
    commit()
    return invited_page(audit_return, user, address)


@blueprint.route("/<aid>/end", methods=["GET", "POST"])
@requires(GET="return.share", POST="return.share")
def end(rid: str, aid: str) -> str | tuple[str, int] | BaseResponse:
    """Give an appointment its last day, or call one off that has not begun."""
    audit_return = any_return(rid, "return.share")
    appointment = get_appointment_at(session(), audit_return, aid)
    day = today(now())
    to_come = appointment.starts > day
    errors: dict[str, str] = {}
    ends = TypedDay.of(min(appointment.ends, day) if appointment.ends else day)
    if why_not := operations.why_not_end(appointment, leads=may("return.cover", audit_return)):
        raise NotPossible(why_not)
    if request.method == "POST":
        ends, last = (ends, day) if to_come else read_day("ends", errors)
        if last:
            name = appointment.user.name
            try:
                operations.end(session(), rid, aid, ends=last, by=actor(), now=now())
            except NotPossible as reason:
                db.session.rollback()
                errors["ends"] = message(reason.message)
                audit_return = any_return(rid, "return.share")
                appointment = get_appointment_at(session(), audit_return, aid)
            else:
                commit()
                words = (
                    _("The appointment of %(name)s is called off.", name=name)
                    if to_come
                    else _("The appointment of %(name)s has a last day.", name=name)
                )
                flash(words, "success")
                return redirect(url_for("colleagues.people", rid=rid), 303)
    page = render_template(
        "sharing/end.html",
        audit_return=audit_return,
        appointment=appointment,
        to_come=to_come,
        ends=ends,
        errors=errors,
        error_list=summary(errors, ("ends",)),
        breadcrumbs=_crumbs(audit_return),
    )
    return (page, 422) if errors else page


@blueprint.route("/cover", methods=["GET", "POST"])
@requires(GET="return.cover", POST="return.cover")
def cover(rid: str) -> str | tuple[str, int] | BaseResponse:
    """The signatory names who signs in their place, from a day to a day."""
    audit_return = any_return(rid, "return.cover")
    day = today(now())
    given = {name: typed(name) for name in ("who", "name", "email", "post")}
    errors: dict[str, str] = {}
    starts, ends = TypedDay.of(day), TypedDay.of(day + timedelta(days=14))
    known: dict[str, User] = {
        one.user.public_id: one.user
        for one in colleagues(session(), audit_return, now=now())
        if one.standing == "now" and one.appointment.role != "accountable_signatory"
    }
    if request.method == "POST":
        starts, first = read_day("starts", errors)
        ends, last = read_day("ends", errors)
        if given["who"] in known:
            email, name = known[given["who"]].email, known[given["who"]].name
        elif given["who"] == "new":
            name = given["name"]
            email = checked_email(given["email"], name, ("email", "name"), errors)
        else:
            errors["who"] = _("Choose who covers for you.")
        if len(given["post"]) > LONGEST:
            errors["post"] = _("Shorten the post to 200 characters or fewer.")
        if first and last and not errors:
            try:
                user = operations.name_cover(
                    session(), rid, email=email, name=name, post=given["post"], starts=first, ends=last, by=actor(),
                    now=now(),
                )  # fmt: skip
            except NotPossible as reason:
                db.session.rollback()
                audit_return = any_return(rid, "return.cover")
                errors["who"] = message(reason.message)
            else:
                commit()
                flash(_("%(name)s covers for you on these days.", name=user.name), "success")
                if user.password is None and not sends_mail():
                    flash(_("The administrator of this service has the link with which they choose a password."))
                return redirect(url_for("colleagues.people", rid=rid), 303)
    page = render_template(
        "sharing/cover.html",
        audit_return=audit_return,
        given=given,
        starts=starts,
        ends=ends,
        people=_choices(known),
        errors=errors,
        error_list=summary(errors, ("starts", "ends")),
        breadcrumbs=_crumbs(audit_return),
    )
    return (page, 422) if errors else page


def _choices(known: dict[str, User]) -> list[dict[str, Any]]:
    shown = Markup('{}<br><span class="cnd-quiet cnd-typed">{}</span>')
    return [{"value": key, "html": shown.format(user.name, user.email)} for key, user in known.items()]
