"""Taking an invitation up, and what else belongs to one's own account."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_security import login_user
from flask_security.signals import password_changed
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response as BaseResponse

from app.clock import today
from app.domain.message import Message
from app.domain.roles import ROLE_NAMES
from app.models import Appointment, User
from app.operations.people import set_password
from app.policy import Actor
from app.queries.actors import actor_of
from app.web.pages import message
from app.web.permissions import requires
from app.web.request import commit, now, session
from app.web.security import hashed, invited_user

blueprint = Blueprint("account", __name__)

SHORTEST = 12
LONGEST = 200


@blueprint.app_template_filter("role")
def role_words(role: str) -> str:
    """What pages call a role."""
    return message(Message(ROLE_NAMES[role])) if role in ROLE_NAMES else role


def _appointments(user: User) -> list[Appointment]:
    """The appointments of a person that are in force today, with the bodies they are at."""
    rows = session().scalars(
        select(Appointment)
        .where(Appointment.user_id == user.id)
        .options(
            joinedload(Appointment.agency),
            joinedload(Appointment.oversight_body),
            joinedload(Appointment.area),
        )
        .order_by(Appointment.id)
    )
    return [row for row in rows if row.in_force(today(now()))]


def password_problems(user: User, password: str, again: str) -> dict[str, str]:
    """What is wrong with a new password: field to message."""
    if not password:
        return {"password": _("Choose a password.")}
    if len(password) < SHORTEST:
        return {"password": _("Use at least %(number)s characters: a few words do well.", number=SHORTEST)}
    if len(password) > LONGEST:
        return {"password": _("Use %(number)s characters or fewer.", number=LONGEST)}
    if user.email.casefold() in password.casefold() or password.casefold() in user.email.casefold():
        return {
            "password": _(
                "Your e-mail address is easy to guess. Choose something that has nothing to do with it."
            )
        }
    if len(set(password)) < 5:
        return {"password": _("This is easy to guess. Use more than four different characters.")}
    if password != again:
        return {"again": _("The two passwords differ. Enter the same password twice.")}
    return {}


@blueprint.route("/welcome/<token>", methods=["GET", "POST"])
@requires(GET="public.read", POST="public.read")
def welcome(token: str) -> str | tuple[str, int] | BaseResponse:
    """An invited person sees what they were appointed to, chooses a password, and is signed in."""
    user = invited_user(session(), token)
    if user is None:
        return render_template("account/invitation_gone.html"), 404
    problems: dict[str, str] = {}
    if request.method == "POST":
        normalise = current_app.extensions["security"].password_util.normalize
        password, again = (normalise(request.form.get(name, "")) for name in ("password", "again"))
        problems = password_problems(user, password, again)
        if not problems:
            by: Actor = actor_of(session(), user, now=now())
            set_password(session(), user, hashed(password), by=by, now=now())
            commit()
            login_user(user, authn_via=["password"])
            flash(_("Your password is set, and you are signed in."), "success")
            return redirect(url_for("home.index"), 303)
    page = render_template(
        "account/welcome.html", token=token, user=user, appointments=_appointments(user), problems=problems,
        shortest=SHORTEST,
    )  # fmt: skip
    return page, 422 if problems else 200


@password_changed.connect
def _password_changed(_app: object, user: User, **_extra: Any) -> None:
    """Flask-Security changed a password: record it, and say so. It commits by itself afterwards."""
    set_password(session(), user, str(user.password), by=actor_of(session(), user, now=now()), now=now())
    flash(_("Your password is changed."), "success")
