"""The end of a round: more time for all, closing, reopening, archiving; each page says first what it does."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.clock import LONDON, today
from app.domain.life import NotPossible, with_grace
from app.domain.message import N_
from app.models import AuditRound
from app.operations import closing as operations
from app.operations.rounds import PlanErrors
from app.queries.closing import is_closed, shut, to_be_told, with_own_time
from app.queries.rounds import get_round
from app.web.deadlines import deadline_rule
from app.web.mail import sends_mail
from app.web.oversight.blueprint import blueprint, round_crumbs
from app.web.pages import day, message, moment
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import TypedDay, read_day, summary, typed

DAYS = ("due", "closes", "to")


def _round(rid: str) -> AuditRound:
    return get_round(session(), rid, actor=actor(), now=now(), permission="round.close")


def _page(template: str, audit_round: AuditRound, errors: dict[str, str], **values: Any) -> tuple[str, int]:
    page = render_template(
        template,
        audit_round=audit_round,
        errors=errors,
        error_list=summary(errors, DAYS),
        back={"href": url_for("oversight.round_page", rid=audit_round.public_id),
              "text": _("Back to %(name)s", name=audit_round.name)},
        breadcrumbs=round_crumbs(audit_round),
        **values,
    )  # fmt: skip
    return page, 422 if errors else 200


def _done(audit_round: AuditRound, words: str) -> BaseResponse:
    commit()
    flash(words, "success")
    return redirect(url_for("oversight.round_page", rid=audit_round.public_id), 303)


def _told(number: int) -> str:
    if sends_mail():
        return ngettext("%(num)d e-mail is on its way.", "%(num)d e-mails are on their way.", number)
    return ngettext(
        "%(num)d e-mail is written; this service sends none.", "%(num)d e-mails are written; this service sends none.",
        number,
    )  # fmt: skip


@blueprint.route("/rounds/<rid>/extend", methods=["GET", "POST"])
@requires(GET="round.close", POST="round.close")
def extend_round(rid: str) -> tuple[str, int] | BaseResponse:
    """More time for all: the new dates, then who is told of them, then it is done."""
    audit_round = _round(rid)
    if audit_round.stage != "open":
        raise NotPossible(N_("This round is not open yet: change its plan instead."))
    if is_closed(audit_round, now=now()):
        raise NotPossible(N_("This round is closed. Reopen it, with a new closing date."))
    errors: dict[str, str] = {}
    reason = typed("reason")
    if request.method == "GET":
        days = {"due": TypedDay.of(today(audit_round.due)), "closes": TypedDay.of(today(audit_round.closes))}
        return _page("oversight/extend_round.html", audit_round, errors, days=days, reason="")
    days, chosen = {}, {}
    for name in ("due", "closes"):
        days[name], chosen[name] = read_day(name, errors)
    due, closes = chosen["due"], chosen["closes"]
    if due and closes:
        wrong = operations.check_extension(audit_round, due=due, closes=closes, reason=reason, now=now())
        errors |= {name: message(words) for name, words in wrong.items()}
        if not errors and typed("confirmed"):
            told = operations.extend_round(
                session(), rid, due=due, closes=closes, reason=reason, by=actor(), now=now()
            )
            return _done(audit_round, _("All agencies have more time.") + " " + _told(told))
    if errors:
        return _page("oversight/extend_round.html", audit_round, errors, days=days, reason=reason)
    agencies, people = to_be_told(session(), audit_round, now=now())
    return _page(
        "oversight/extend_round_confirm.html", audit_round, errors, days=days, due=due, closes=closes, reason=reason,
        agencies=agencies, people=people,
    )  # fmt: skip


@blueprint.route("/rounds/<rid>/close", methods=["GET", "POST"])
@requires(GET="round.close", POST="round.close")
def close_round(rid: str) -> tuple[str, int] | BaseResponse:
    """Close a round before its time, with a reason, after saying what that does."""
    audit_round = _round(rid)
    if audit_round.closed_at:
        raise NotPossible(N_("This round is closed already."))
    if audit_round.stage != "open" or now() < audit_round.opens:
        raise NotPossible(N_("This round is not open yet, so it cannot be closed. Change its dates instead."))
    errors: dict[str, str] = {}
    early = now() < audit_round.closes
    if request.method == "POST":
        try:
            told = operations.close_round(session(), rid, reason=typed("reason"), by=actor(), now=now())
        except NotPossible as wrong:
            errors["reason"] = message(wrong.message)
        else:
            words = _("The round is closed: answers are taken until %(when)s.", when=moment(audit_round.open_until))
            return _done(audit_round, f"{words} {_told(told)}" if early else words)
    agencies, people = to_be_told(session(), audit_round, now=now())
    until = with_grace(now(), audit_round.grace_minutes) if early else audit_round.open_until
    return _page(
        "oversight/close_round.html", audit_round, errors, reason=typed("reason"), early=early, agencies=agencies,
        people=people, own_time=with_own_time(session(), audit_round), until=f"{until.astimezone(LONDON):%H:%M}",
        rule=deadline_rule(audit_round),
    )  # fmt: skip


@blueprint.route("/rounds/<rid>/reopen", methods=["GET", "POST"])
@requires(GET="round.close", POST="round.close")
def reopen_round(rid: str) -> tuple[str, int] | BaseResponse:
    """Open a closed round again, with a new closing date and a reason."""
    audit_round = _round(rid)
    if not is_closed(audit_round, now=now()):
        raise NotPossible(N_("This round is not closed, so it cannot be reopened. Give more time instead."))
    errors: dict[str, str] = {}
    to = TypedDay()
    if request.method == "POST":
        to, chosen = read_day("to", errors)
        if chosen:
            try:
                told = operations.reopen_round(
                    session(), rid, to=chosen, reason=typed("reason"), by=actor(), now=now()
                )
            except PlanErrors as wrong:
                errors |= {name: message(words) for name, words in wrong.errors.items()}
            else:
                words = _("The round is open again until %(day)s.", day=day(chosen))
                return _done(audit_round, f"{words} {_told(told)}")
    agencies, people = to_be_told(session(), audit_round, now=now())
    return _page(
        "oversight/reopen_round.html", audit_round, errors, to=to, reason=typed("reason"), agencies=agencies,
        people=people, moves_due=audit_round.due == audit_round.closes,
    )  # fmt: skip


@blueprint.route("/rounds/<rid>/archive", methods=["GET", "POST"])
@requires(GET="round.close", POST="round.close")
def archive_round(rid: str) -> tuple[str, int] | BaseResponse:
    """Put a round away that no longer takes answers, after saying what that does."""
    audit_round = _round(rid)
    if request.method == "POST":
        operations.archive_round(session(), rid, by=actor(), now=now())
        return _done(audit_round, _("%(name)s is archived.", name=audit_round.name))
    if audit_round.archived_at:
        return redirect(url_for("oversight.round_page", rid=rid), 303)
    if audit_round.stage == "open" and not shut(audit_round, now=now()):
        raise NotPossible(N_("This round still takes answers. Close it first, then archive it."))
    return _page("oversight/archive_round.html", audit_round, {}, away=True)


@blueprint.route("/rounds/<rid>/unarchive", methods=["GET", "POST"])
@requires(GET="round.close", POST="round.close")
def unarchive_round(rid: str) -> tuple[str, int] | BaseResponse:
    """Bring an archived round back as it was."""
    audit_round = _round(rid)
    if request.method == "POST":
        operations.unarchive_round(session(), rid, by=actor(), now=now())
        return _done(audit_round, _("%(name)s is back among the rounds.", name=audit_round.name))
    if not audit_round.archived_at:
        return redirect(url_for("oversight.round_page", rid=rid), 303)
    return _page("oversight/archive_round.html", audit_round, {}, away=False)
