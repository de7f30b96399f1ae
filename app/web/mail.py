"""What concerns e-mail and everybody: choosing what to receive, and a forgotten password."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_security import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.domain.mail import ALWAYS_SENT, FOR_ADMINISTRATORS, FOR_INSPECTORS, KINDS, NOT_FOR_AGENCIES
from app.languages import LANGUAGES, NAMES, known
from app.operations import mail as operations
from app.operations import people, sign_in
from app.policy import INSPECTORS, could
from app.queries.links import find
from app.queries.mail import person_with, sends_nothing, unwanted
from app.web.account import SHORTEST, password_problems
from app.web.pages import language as page_language
from app.web.pages import use_language
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.security import ask_for_way_in, hashed
from app.web.typed import summary, typed

blueprint = Blueprint("mail", __name__)

CHOICES = tuple(kind for kind in KINDS if kind not in ALWAYS_SENT)


def sends_mail() -> bool:
    """Whether mails leave this service: a transport is set up, and it is no demonstration."""
    return current_app.config["CANDOUR"].sends_mail and not sends_nothing(session())


@blueprint.app_context_processor
def _shared() -> dict[str, Any]:
    return {"sends_mail": sends_mail}


@blueprint.app_template_filter("mail_kind")
def kind_words(kind: str) -> str:
    """What pages call a kind of mail."""
    words = {
        "invitation": _("Invitation"),
        "assignment": _("Questions are assigned to me"),
        "sent_back": _("My answers are sent back to me"),
        "ready": _("A colleague’s part is ready for me to look at"),
        "nudge": _("A nudge from the audit lead"),
        "reminder": _("Reminders 10, 5 and 1 business days before the deadline"),
        "declined": _("The signatory declined to sign"),
        "receipt": _("The audit is submitted"),
        "returned": _("The audit is returned for correction"),
        "query": _("A question about what was submitted, or an answer to one"),
        "chase": _("A reminder from an oversight body"),
        "round_change": _("A round’s dates change, or agencies merge"),
        "feedback": _("Feedback to my agency, and findings that are published"),
        "check": _("Audits are given to me to check"),
        "draft": _("A draft of a pack waits for me, or mine was published or returned"),
        "sign_in_link": _("Link to sign in"),
        "password": _("New password"),
    }
    return words.get(kind, kind)


# --- what to receive -------------------------------------------------------------------------------------------------


def _offered() -> list[str]:
    """The kinds of mail that somebody with these appointments gets."""
    at_agency = any(held.agency_id for held in actor().held)
    inspects = any(held.role in INSPECTORS for held in actor().held)
    administers = could(actor(), "service.administer")
    return [
        kind
        for kind in CHOICES
        if (at_agency and kind not in NOT_FOR_AGENCIES)
        or (inspects and kind in FOR_INSPECTORS)
        or (administers and kind in FOR_ADMINISTRATORS)
    ]


@blueprint.route("/account/mail", methods=["GET", "POST"])
@requires(GET="account.own", POST="account.own")
def preferences() -> str | BaseResponse:
    """Choose which mails to receive, and in which language."""
    user = current_user._get_current_object()
    offered = _offered()
    if request.method == "POST":
        # what is not offered stays as it is wanted
        refused = {kind for _user, kind in unwanted(session(), {user.id})}
        wanted = {kind for kind in CHOICES if kind not in offered and kind not in refused}
        wanted |= set(request.form.getlist("kinds")) & set(offered)
        language = known(typed("language"))
        operations.choose(session(), user, wanted=wanted, by=actor(), now=now())
        people.choose_language(session(), user, language, by=actor(), now=now())
        commit()
        use_language(language)
        flash(_("Your choice is saved."), "success")
        return redirect(url_for("mail.preferences"), 303)
    return render_template(
        "mail/preferences.html",
        offered=offered,
        refused={kind for _user, kind in unwanted(session(), {user.id})},
        always=ALWAYS_SENT,
        email=user.email,
        names={code: NAMES[code] for code in LANGUAGES},
        chosen=known(user.language or page_language()),
        back={"href": url_for("home.index"), "text": _("Back to your start page")},
    )


# --- a forgotten password --------------------------------------------------------------------------------------------


@blueprint.route("/forgotten-password", methods=["GET", "POST"])
@requires(GET="public.read", POST="public.read")
def forgotten() -> str | tuple[str, int] | BaseResponse:
    """Ask for a link by which to choose a new password. The answer does not tell who has an account."""
    errors: dict[str, str] = {}
    email = typed("email")[:320]
    if request.method == "POST" and sends_mail():
        email, errors, may_send = ask_for_way_in(session(), email)
        if not errors:
            user = person_with(session(), email)
            if user is not None and may_send and user.password is not None:
                operations.forgotten_password(session(), user, now=now())
            elif may_send:
                sign_in.ask_for_link(session(), email, now=now())  # they need another way in, if they are anybody
            commit()
            return redirect(url_for("mail.on_its_way"), 303)
    page = render_template(
        "mail/forgotten.html",
        email=email,
        errors=errors,
        error_list=summary(errors),
        back={"href": url_for("security.login"), "text": _("Back to sign-in")},
    )
    return (page, 422) if errors else page


@blueprint.route("/forgotten-password/sent")
@requires(GET="public.read")
def on_its_way() -> str:
    """The same words whether there is an account or not."""
    return render_template(
        "mail/on_its_way.html", back={"href": url_for("security.login"), "text": _("Back to sign-in")}
    )


@blueprint.route("/new-password/<token>", methods=["GET", "POST"])
@requires(GET="public.read", POST="public.read")
def new_password(token: str) -> str | tuple[str, int] | BaseResponse:
    """Choose a new password by a link from a mail. Opening the page does not use the link up: scanners open links."""
    link = find(session(), token, "password", now=now())
    if link is None:
        return render_template("mail/link_gone.html"), 404
    problems: dict[str, str] = {}
    if request.method == "POST":
        normalise = current_app.extensions["security"].password_util.normalize
        password, again = (normalise(request.form.get(name, "")) for name in ("password", "again"))
        problems = password_problems(link.user, password, again)
        if not problems:
            user = people.reset_password(session(), token, hashed(password), now=now())
            if user is None:  # somebody was faster with the same link
                return render_template("mail/link_gone.html"), 404
            commit()
            flash(_("Your new password is set. Sign in with it."), "success")
            return redirect(url_for("security.login", email=user.email), 303)
    page = render_template(
        "mail/new_password.html", token=token, user=link.user, problems=problems, shortest=SHORTEST
    )
    return page, 422 if problems else 200
