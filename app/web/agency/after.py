"""After signing: the receipt, submissions, the history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.models import AuditReturn, Submission
from app.operations import events as chain
from app.queries.packs import template_of
from app.queries.returns import (
    history,
    history_lines,
    sees_drafts,
    signing_event,
    submissions,
    submitted_checklist,
)
from app.queries.rounds import NotFound
from app.web.agency.blueprint import any_return, blueprint, crumbs, may, own_return, profile
from app.web.agency.signing import exceptions
from app.web.deadlines import deadline
from app.web.pages import day, text
from app.web.permissions import requires
from app.web.request import actor, now, session

HISTORY_PAGE = 50


@blueprint.route("/receipt")
@requires(GET="return.read")
def receipt(rid: str) -> str | BaseResponse:
    """What was submitted, by whom and when, and how anybody can check it."""
    audit_return = own_return(rid)
    every = submissions(session(), audit_return)
    if not every:
        return redirect(url_for("agency.tasks", rid=rid))
    latest = every[0]
    return render_template(
        "agency/receipt.html",
        audit_return=audit_return,
        latest=latest,
        signed_event=signing_event(session(), audit_return, latest.number),
        earlier=every[1:],
        due=deadline(audit_return, now=now()),
        breadcrumbs=crumbs(audit_return),
    )


def _submission(audit_return: AuditReturn, sid: str) -> Submission:
    for one in submissions(session(), audit_return):
        if one.public_id == sid:
            return one
    raise NotFound


@blueprint.route("/submissions/<sid>")
@requires(GET="return.read")
def submission(rid: str, sid: str) -> str:
    """One submission in full, as it was signed."""
    audit_return = any_return(rid)
    chosen = _submission(audit_return, sid)
    work = submitted_checklist(chosen, audit_return)
    answered = [item for item in work.items if item.started]
    return render_template(
        "agency/submission.html",
        audit_return=audit_return,
        chosen=chosen,
        work=work,
        profile=profile(answered),
        exceptions=exceptions(answered),
        others=[one for one in submissions(session(), audit_return) if one is not chosen],
        due=deadline(audit_return, now=now()),
        is_own=sees_drafts(actor(), audit_return),
        may_reopen=audit_return.stage == "submitted"
        and not chosen.voided
        and may("return.reopen", audit_return),
        may_read_history=may("return.history", audit_return),
        breadcrumbs=crumbs(audit_return),
    )


@blueprint.route("/submissions/<sid>/content.json")
@requires(GET="return.read")
def content(rid: str, sid: str) -> Response:
    """The signed content itself, byte for byte what the content hash is made over."""
    audit_return = any_return(rid)
    chosen = _submission(audit_return, sid)
    name = f"{audit_return.audit_round.key}-{audit_return.agency.code}-{chosen.number}.json"
    return Response(
        chosen.content,
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@blueprint.route("/history")
@requires(GET="return.history")
def events(rid: str) -> str:
    """Everything that happened to a return, in words, and whether its chain of hashes is whole."""
    audit_return = any_return(rid, "return.history")
    every = history(session(), chain.chain_of(audit_return))
    pages = max(1, -(-len(every) // HISTORY_PAGE))
    asked_page = request.args.get("page", 1, type=int) or 1
    page = min(max(1, asked_page), pages)
    newest_first = list(reversed(every))[(page - 1) * HISTORY_PAGE : page * HISTORY_PAGE]
    _pack, template = template_of(audit_return)
    titles = {one.id: text(one.title) for one in template.standards}
    lines = [
        (line, _sentence(line.verb, line.data, line.texts, titles))
        for line in history_lines(session(), newest_first)
    ]
    return render_template(
        "agency/history.html",
        audit_return=audit_return,
        lines=lines,
        number=len(every),
        head=every[-1].hash if every else "",
        broken=chain.verify(list(every)),
        page=page,
        pages=pages,
        breadcrumbs=crumbs(audit_return),
    )


def _sentence(verb: str, data: Mapping[str, Any], texts: Mapping[str, str], titles: Mapping[str, str]) -> str:
    """What an event says, without who and when. Texts may be erased."""
    title = titles.get(str(data.get("standard", "")), "")
    reason = texts.get("reason", _("(text erased)"))
    if verb == "answer.saved":
        number = len(data.get("criteria", {}))
        words = ngettext("Saved %(num)d answer.", "Saved %(num)d answers.", number)
        ended = [titles.get(key, key) for key in data.get("vouches_ended", [])]
        if ended:
            words += " " + _("The vouch for “%(standards)s” ended with it.", standards="”, “".join(ended))
        return str(words)
    sentences = {
        "return.invited": _("Invited the agency to the round."),
        "return.started": _("Started the audit."),
        "standard.vouched": _("%(name)s, %(post)s, vouched for “%(title)s”.",
            name=texts.get("name", _("Somebody")), post=texts.get("post", ""), title=title),
        "standard.vouch_withdrawn": _("Took the vouch for “%(title)s” back.", title=title),
        "return.submitted": _("Signed and submitted (submission %(number)s).", number=data.get("number", "")),
        "return.reopened": _("Reopened the audit, which set submission %(number)s aside. Reason: %(reason)s",
            number=data.get("voided", ""), reason=reason),
        "return.nil": _("Recorded a nil return. Reason: %(reason)s", reason=reason),
        "return.nil_taken_back": _("Took the nil return back."),
        "return.extended": _("Gave more time, until %(day)s.", day=_london_day(data.get("to"))),
        "report.requested": _("Asked for a report."),
    }  # fmt: skip
    return sentences.get(verb, verb)


def _london_day(value: Any) -> str:
    return day(datetime.fromisoformat(value)) if value else ""
