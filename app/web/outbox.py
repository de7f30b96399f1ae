"""The outbox, for administrators: what waits, what was sent, what was refused and why."""

from __future__ import annotations

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.domain.life import NotPossible
from app.domain.mail import fill, secrets_in
from app.models import OutboxMessage
from app.operations import outbox as operations
from app.queries import mail as queries
from app.web.admin import blueprint, crumbs
from app.web.mail import sends_mail
from app.web.pages import message as message_words
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.security import invitation_token
from app.web.typed import asked, page_asked


def _crumbs() -> list[dict[str, str]]:
    return [*crumbs(), {"text": _("E-mails"), "href": url_for("admin.outbox")}]


@blueprint.app_template_filter("mail_state")
def state_words(state: str) -> str:
    """What pages call the state of a message."""
    return {"waiting": _("Waiting"), "sent": _("Sent"), "failed": _("Refused")}[state]


@blueprint.route("/mail")
@requires(GET="service.administer")
def outbox() -> str:
    """Messages, the newest first, narrowed by state, address and subject."""
    return render_template(
        "mail/outbox.html",
        found=queries.outbox(
            session(), actor=actor(), state=asked("state"), text=asked("q"), page=page_asked()
        ),
        state=asked("state"),
        text=asked("q"),
        states=[{"value": state, "text": state_words(state)} for state in queries.STATES],
        is_configured=current_app.config["CANDOUR"].sends_mail,
        breadcrumbs=crumbs(),
    )


@blueprint.route("/mail/<mid>")
@requires(GET="service.administer")
def outbox_message(mid: str) -> str:
    """One message in full, without the links that would open something for whoever reads this."""
    return _page(queries.get_message(session(), mid, actor=actor()))


def _page(message: OutboxMessage, link: str = "", problem: str = "") -> str:
    base = current_app.config["CANDOUR"].base_url
    hidden = _("[a link that is made for this person when the e-mail is sent]")
    return render_template(
        "mail/message.html",
        message=message,
        body=fill(message.body, lambda marker: base + marker if marker.startswith("/") else hidden),
        link=link,
        can_show=secrets_in(message.body) in ({"invitation"}, {"sign_in"}, {"sign_in_now"}) and not sends_mail(),
        problem=problem,
        breadcrumbs=_crumbs(),
    )


@blueprint.route("/mail/<mid>/link", methods=["POST"])
@requires(POST="service.administer")
def outbox_link(mid: str) -> str | tuple[str, int]:
    """Show the link of a message that no server sends, so that it can be handed out. This is recorded."""
    if sends_mail():
        message = queries.get_message(session(), mid, actor=actor())
        return _page(message, problem=_("This service sends e-mails, so nobody needs to hand this link out.")), 422
    link_to = operations.address_of(
        session(), base_url=request.host_url.rstrip("/"), invitation=invitation_token, now=now()
    )
    try:
        message, link = operations.shown_link(session(), mid, link_to=link_to, by=actor(), now=now())
    except NotPossible as reason:
        message = queries.get_message(session(), mid, actor=actor())
        return _page(message, problem=message_words(reason.message)), 422
    commit()
    return _page(message, link)


@blueprint.route("/mail/<mid>/retry", methods=["POST"])
@requires(POST="service.administer")
def outbox_retry(mid: str) -> str | tuple[str, int] | BaseResponse:
    """Try a message again now."""
    try:
        message = operations.retry(session(), mid, by=actor(), now=now())
    except NotPossible as reason:
        return _page(
            queries.get_message(session(), mid, actor=actor()), problem=message_words(reason.message)
        ), 422
    commit()
    flash(_("The e-mail to %(address)s is tried again now.", address=message.address), "success")
    return redirect(url_for("admin.outbox_message", mid=mid), 303)


@blueprint.route("/mail/retry", methods=["POST"])
@requires(POST="service.administer")
def outbox_retry_refused() -> BaseResponse:
    """Try everything again that was refused."""
    number = operations.retry_failed(session(), by=actor(), now=now())
    commit()
    flash(ngettext("%(num)d e-mail is tried again now.", "%(num)d e-mails are tried again now.", number), "success")
    return redirect(url_for("admin.outbox"), 303)
