"""Chasing: who is behind, how the response grew, and reminders to a selection, previewed before they are sent."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.clock import today
from app.domain.chasing import LAST_DAYS, LITTLE, REASON_WORDS, REASONS, WITHIN, why_left_out
from app.domain.life import NotPossible
from app.domain.mail import fill
from app.domain.message import Message
from app.languages import LANGUAGES, NAMES, known
from app.models import AuditRound
from app.operations import chasing as operations
from app.operations.mail import written
from app.policy import Actor
from app.queries.chasing import ChaseFilter, behind, cases, chase_list, response_over_time
from app.queries.packs import pack_of
from app.queries.rounds import areas_in_round, get_round
from app.queries.rounds import ledger as read_ledger
from app.web.oversight.blueprint import phase_of, round_crumbs, type_choices, type_name
from app.web.oversight.ledger import narrowed_ledger
from app.web.oversight.response_chart import chart
from app.web.pages import message
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import asked, page_asked, summary, typed

blueprint = Blueprint("chasing", __name__)


@blueprint.app_template_filter("chase_reason")
def reason_words(reason: str) -> str:
    """What pages call a reason to chase."""
    return message(Message(REASON_WORDS[reason]))


def _number(name: str, usual: int, most: int) -> int:
    given = asked(name)
    return min(int(given), most) if re.fullmatch(r"[0-9]{1,4}", given) else usual


def _narrowed() -> ChaseFilter:
    agency_type, _slash, subtype = asked("type").partition("/")
    reason = asked("reason")
    return ChaseFilter(
        reason=reason if reason in REASONS else "",
        agency_type=agency_type,
        subtype=subtype,
        area=asked("area"),
        text=asked("q"),
        within=_number("within", WITHIN, 250),
        little=_number("little", LITTLE, 100),
        page=page_asked(),
    )


def _args(narrowed: ChaseFilter, **changes: Any) -> dict[str, Any]:
    """The address of the list as it is narrowed now, with changes; what is usual is left out."""
    args = {
        "reason": narrowed.reason,
        "type": "/".join(filter(None, (narrowed.agency_type, narrowed.subtype))),
        "area": narrowed.area,
        "q": narrowed.text,
        "within": narrowed.within if narrowed.within != WITHIN else "",
        "little": narrowed.little if narrowed.little != LITTLE else "",
    }
    return {name: value for name, value in (args | changes).items() if value != ""}


@blueprint.route("/rounds/<rid>/chase")
@requires(GET="round.chase")
def overview(rid: str) -> str:
    """The list to chase, narrowed by the address, and the response over time."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="round.chase")
    narrowed = _narrowed()
    pack = pack_of(audit_round.pack_version)
    response = response_over_time(session(), audit_round, actor=actor(), now=now())
    names = {
        course.agency_type: _(
            "%(type)s: %(number)s of %(expected)s",
            type=type_name(pack, course.agency_type, plural=True),
            number=course.totals[-1] if course.totals else 0,
            expected=course.expected,
        )
        for course in response.courses
    }
    # a day on which nothing changed says nothing new
    changed = [
        place
        for place in range(len(response.days))
        if place in (0, len(response.days) - 1)
        or any(course.totals[place] != course.totals[place - 1] for course in response.courses)
    ]
    return render_template(
        "oversight/chase.html",
        audit_round=audit_round,
        pack=pack,
        phase=phase_of(audit_round, now=now()),
        found=chase_list(session(), audit_round, actor=actor(), now=now(), narrowed=narrowed),
        narrowed=narrowed,
        args=_args(narrowed),
        args_for=lambda **changes: _args(narrowed, **changes),
        reasons=REASONS,
        last_days=LAST_DAYS,
        choices=type_choices(audit_round),
        areas=[{"value": key, "text": name} for key, name in areas_in_round(session(), audit_round)],
        response=response,
        changed=changed,
        chart=chart(response, names=names, due=today(audit_round.due), closes=today(audit_round.closes)),
        today=today(now()),
        type_name=type_name,
        breadcrumbs=round_crumbs(audit_round),
    )


# --- a reminder to a selection ---------------------------------------------------------------------------------------


def _back(audit_round: AuditRound) -> str:
    """The list that a selection was made in."""
    endpoint = "oversight.ledger" if asked("list") == "ledger" else "chasing.overview"
    args = {name: value for name, value in request.args.items() if name != "list"}
    return url_for(endpoint, rid=audit_round.public_id, **args)  # type: ignore[arg-type]


def _selected(audit_round: AuditRound, by: Actor) -> list[str]:
    """The returns that were chosen: named one by one, or all that the list in the address holds."""
    if given := typed("ids"):
        return given.split(",")
    if not typed("all"):
        return request.form.getlist("ret")
    if asked("list") == "ledger":
        page = read_ledger(
            session(), audit_round, actor=by, now=now(), narrowed=narrowed_ledger(), page_size=None
        )
        return [row.public_id for row in page.rows]
    return behind(session(), audit_round, actor=by, now=now(), narrowed=_narrowed())


@blueprint.route("/rounds/<rid>/chase/reminder", methods=["POST"])
@requires(POST="round.chase")
def reminder(rid: str) -> str | BaseResponse:
    """Choose what to remind a selection of, then see exactly who would get which words. Sends nothing."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="round.chase")
    selected = _selected(audit_round, actor())
    reason = typed("reason")
    chosen = cases(session(), audit_round, actor=actor(), now=now(), public_ids=selected)
    if not chosen:
        flash(_("Tick at least one agency of a type that your body asks."), "error")
        return redirect(_back(audit_round), 303)
    shared = {
        "audit_round": audit_round,
        "ids": ",".join(case.audit_return.public_id for case in chosen),
        "number": len(chosen),
        "reason": reason,
        "where": request.args.to_dict(),
        "back": {"href": _back(audit_round), "text": _("Back to the list")},
    }
    if reason not in REASONS:
        errors = {"reason": _("Choose what the reminder is about.")} if typed("chosen") else {}
        reached = {
            one: sum(not why_left_out(case.standing, one, now=now()) for case in chosen) for one in REASONS
        }
        return render_template(
            "oversight/chase_reason.html", **shared, reasons=REASONS, reached=reached, errors=errors,
            error_list=summary(errors),
        )  # fmt: skip
    preview = operations.preview(session(), rid, reason=reason, returns=selected, by=actor(), now=now())
    return render_template(
        "oversight/chase_preview.html",
        **shared,
        preview=preview,
        letters=_letters(preview),
        pack=pack_of(audit_round.pack_version),
        language_of=lambda user: NAMES[known(user.language)],
        type_name=type_name,
    )


def _letters(preview: operations.Preview) -> list[dict[str, Any]]:
    """The mail in each language as it would be sent: to its first reader, or to the first of all where nobody reads it.

    Links that open something are made in the moment of sending, so that a page can only say what they are.
    """
    base = current_app.config["CANDOUR"].base_url
    letters = []
    for language in LANGUAGES:
        readers = [draft for draft in preview.drafts if known(draft.to.language) == language]
        shown = (readers or preview.drafts)[:1]
        for draft in shown:
            subject, body = written(draft, language)
            letters.append(
                {
                    "language": language,
                    "name": NAMES[language],
                    "readers": len(readers),
                    "to": draft.to,
                    "subject": subject,
                    "body": fill(body, lambda marker: base + marker if marker.startswith("/") else _link_words()),
                }
            )
    return letters


def _link_words() -> str:
    return _("[a link for this person alone, made when the e-mail is sent]")


@blueprint.route("/rounds/<rid>/chase/send", methods=["POST"])
@requires(POST="round.chase")
def send(rid: str) -> BaseResponse:
    """Send what was previewed, as things stand now."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="round.chase")
    back = _back(audit_round)
    try:
        sent = operations.send(
            session(), rid, reason=typed("reason"), returns=typed("ids").split(","), by=actor(), now=now()
        )
    except NotPossible as problem:
        flash(message(problem.message), "error")
        return redirect(back, 303)
    commit()
    if sent.agencies:
        flash(
            ngettext(
                "A reminder is on its way to %(num)d agency (e-mails: %(mails)s).",
                "Reminders are on their way to %(num)d agencies (e-mails: %(mails)s).",
                sent.agencies,
                mails=sent.mails,
            ),
            "success",
        )
    else:
        flash(_("No reminder was sent: nobody of the selection is to be reminded of this now."), "error")
    return redirect(back, 303)
