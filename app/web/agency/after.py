"""After signing: the receipt, submissions, the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.domain.actions import STATES
from app.domain.answers import question_parts
from app.domain.message import Message
from app.domain.paging import paged
from app.models import AuditReturn, Submission
from app.operations import events as chain
from app.queries.evidence import scans_of
from app.queries.moderation import shown_findings
from app.queries.packs import template_of
from app.queries.recommended import ANSWERS
from app.queries.returns import (
    HistoryLine,
    history,
    history_lines,
    sees_drafts,
    signing_event,
    submissions,
    submitted_checklist,
)
from app.queries.rounds import NotFound
from app.queries.surveys import beside_answers
from app.web.account import role_words
from app.web.agency.blueprint import any_return, blueprint, crumbs, may, own_return, profile
from app.web.agency.signing import exceptions
from app.web.deadlines import deadline
from app.web.pages import day, message, text
from app.web.permissions import requires
from app.web.request import actor, now, session
from app.web.typed import page_asked

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


def _submissions(audit_return: AuditReturn) -> Sequence[Submission]:
    """The submissions that the actor may read, latest first: all, or for a peer the one that stands."""
    every = submissions(session(), audit_return)
    return every if may("return.read_all", audit_return) else [one for one in every if not one.voided][:1]


def _submission(every: Sequence[Submission], sid: str) -> Submission:
    for one in every:
        if one.public_id == sid:
            return one
    raise NotFound


@blueprint.route("/submissions/<sid>")
@requires(GET="return.read")
def submission(rid: str, sid: str) -> str:
    """One submission in full, as it was signed."""
    audit_return = any_return(rid)
    every = _submissions(audit_return)
    chosen = _submission(every, sid)
    work = submitted_checklist(chosen, audit_return)
    answered = [item for item in work.items if item.started]
    return render_template(
        "agency/submission.html",
        audit_return=audit_return,
        chosen=chosen,
        work=work,
        profile=profile(answered),
        exceptions=exceptions(answered),
        others=[one for one in every if one is not chosen],
        due=deadline(audit_return, now=now()),
        is_own=sees_drafts(actor(), audit_return),
        found=shown_findings(session(), audit_return, chosen, actor=actor(), now=now()),
        may_query=may("return.query", audit_return) and audit_return.stage == "submitted" and not chosen.voided,
        may_read_all=may("return.read_all", audit_return),
        may_mark=may("return.mark_example", audit_return) and not chosen.voided,
        may_scrutinise=may("return.scrutinise", audit_return),
        staff=beside_answers(session(), audit_return, actor=actor(), now=now(), permission="return.read_all")
        if may("return.read_all", audit_return)
        else {},
        scans=scans_of(session(), {piece.sha256 for item in work.items for piece in item.evidence}),
        may_download=sees_drafts(actor(), audit_return) or chosen is every[0],
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
    chosen = _submission(_submissions(audit_return), sid)
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
    page, pages = paged(len(every), HISTORY_PAGE, page_asked())
    newest_first = list(reversed(every))[(page - 1) * HISTORY_PAGE : page * HISTORY_PAGE]
    _pack, template = template_of(audit_return)
    titles = {one.id: text(one.title) for one in template.standards}
    titles |= {one.criterion.id: _("question %(number)s", number=one.number) for one in template.criteria()}
    is_own = sees_drafts(actor(), audit_return)
    lines = [
        (line, _sentence(line.verb, line.data, _readable(line, is_own=is_own), titles))
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


# what an oversight body may read besides that it happened: the rest is the agency's own, drafts and names
OPEN_TO_OVERSIGHT = (
    "return.submitted", "return.reopened", "return.nil", "standard.vouched", "person.cover_named",
    "standards.returned", "thread.opened", "thread.replied", "thread.closed", "recommendation.answered",
)  # fmt: skip


def _readable(line: HistoryLine, *, is_own: bool) -> Mapping[str, str]:
    """The texts of an event that the reader may see."""
    return line.texts if is_own or line.verb in OPEN_TO_OVERSIGHT else {}


def _sentence(verb: str, data: Mapping[str, Any], texts: Mapping[str, str], titles: Mapping[str, str]) -> str:
    """What an event says, without who and when. Texts may be erased."""
    title = titles.get(str(data.get("standard", "")), "")
    reason = texts.get("reason", _("(text erased)"))
    if verb in ("answer.saved", "answer.restored"):
        number = len(data.get("criteria", {}))
        words = ngettext("Saved %(num)d answer.", "Saved %(num)d answers.", number)
        if verb == "answer.restored":
            words = _("Restored version %(number)s of an answer.", number=data.get("from", ""))
        return str(words) + _what_ended(data, titles)
    if verb.startswith(("assignment.", "person.")):
        return _about_colleague(verb, data, texts, titles)
    sentences = {
        "return.invited": _("Invited the agency to the round."),
        "return.started": _("Started the audit."),
        "standard.vouched": _("%(name)s, %(post)s, vouched for “%(title)s”.",
            name=texts.get("name", _("Somebody")), post=texts.get("post", ""), title=title),
        "standard.vouch_withdrawn": _("Took the vouch for “%(title)s” back.", title=title),
        "return.submitted": _("Signed and submitted (submission %(number)s).", number=data.get("number", "")),
        "return.reopened": _("Reopened the audit, which set submission %(number)s aside. Reason: %(reason)s",
            number=data.get("voided", ""), reason=reason),
        "return.nil": _(
            "Recorded a nil return: the agency closed on %(day)s. Reason: %(reason)s",
            day=day(data["closed_on"]), reason=reason)
            if "closed_on" in data else _("Recorded a nil return. Reason: %(reason)s", reason=reason),
        "return.merged": _(
            "Recorded that the agency was merged into %(into)s on %(day)s. Reason: %(reason)s",
            into=data.get("into", ""), day=day(data.get("merged_on")), reason=reason),
        "return.unmerged": _("Took the merger into %(into)s back.", into=data.get("into", "")),
        "return.nil_taken_back": _("Took the nil return back."),
        "return.reminded": {
            "past_due": _("Reminded the agency that its audit is past the due date."),
            "returned": _("Reminded the agency that its corrected audit waits to be signed again."),
            "not_started": _("Reminded the agency that its audit has not been started."),
            "little_done": _("Reminded the agency that its audit is not finished."),
            "not_signed": _("Reminded the agency that its audit waits for its signature."),
            "query_overdue": _("Reminded the agency that a query waits for an answer."),
        }.get(str(data.get("reason", "")), verb),
        "survey.given": _("Gave results of a survey of staff."),
        "return.extended": _("Gave more time, until %(day)s.", day=_london_day(data.get("to"))),
        "answer.carried": ngettext(
            "Carried %(num)d answer forward from “%(round)s”, to be confirmed.",
            "Carried %(num)d answers forward from “%(round)s”, to be confirmed.",
            len(data.get("criteria", {})), round=data.get("round", "")),
        "answer.confirmed": ngettext("Confirmed %(num)d answer that was carried forward.",
            "Confirmed %(num)d answers that were carried forward.", len(data.get("criteria", {}))),
        "return.signing_declined": _("Declined to sign for now. Reason: %(reason)s", reason=reason)
            if "reason" in texts else _("Declined to sign for now."),
        "return.signature_asked_again": _("Asked for the signature again."),
        "board.commented": (_("Commented on “%(title)s”: %(words)s", title=title, words=texts["comment"])
            if title else _("Commented: %(words)s", words=texts["comment"]))
            if "comment" in texts else _("Commented for the board."),
        "report.requested": _("Asked for a report."),
        "recommendation.answered": _("Responded to recommendation %(number)s: %(answer)s. %(words)s",
            number=data.get("number", ""), answer=message(Message(ANSWERS.get(str(data.get("answer", "")), ""))),
            words=texts.get("text", "")).strip(),
        "import.uploaded": _("Uploaded “%(name)s”, to look at what it would change.",
            name=texts.get("name", _("(text erased)"))),
        "import.applied": ngettext("Saved %(num)d answer from an uploaded file.", "Saved %(num)d answers from an"
            " uploaded file.", len(data.get("saved", {}))),
        "import.dismissed": _("Dismissed an uploaded file."),
        "standards.returned": _("Returned standards for correction, until %(day)s: %(standards)s.",
            day=_london_day(data.get("until")),
            standards=", ".join(titles.get(key, key) for key in data.get("standards", []))),
        **_about_sites(data, texts, titles),
        **_about_action(data, texts, titles),
        **_about_evidence(data, texts, titles),
        **_about_thread(data, texts, titles),
    }  # fmt: skip
    return sentences.get(verb, verb)


def _what_ended(data: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    """What a change to answers ended, to stand behind the sentence about it."""
    words = ""
    if ended := [titles.get(key, key) for key in data.get("vouches_ended", [])]:
        words += " " + _("The vouch for “%(standards)s” ended with it.", standards="”, “".join(ended))
    if again := [titles.get(key, key) for key in data.get("to_accept_again", [])]:
        words += " " + _(
            "“%(standards)s” was accepted before, and is to be accepted again.", standards="”, “".join(again)
        )
    return words


def _about_thread(
    data: Mapping[str, Any], texts: Mapping[str, str], titles: Mapping[str, str]
) -> dict[str, str]:
    """What events of a thread say. Texts may be erased, or not for this reader."""
    kind = {
        "query": _("query"), "progress": _("request for progress"), "peer": _("challenge of a peer"),
        "accuracy": _("challenge to the feedback"),
    }.get(str(data.get("kind", "")), "")  # fmt: skip
    question = question_parts(str(data.get("about", "")))[0]
    about = titles.get(question, "")
    opened = _("Opened a %(kind)s about %(about)s.", kind=kind, about=about) if about else _(
        "Opened a %(kind)s.", kind=kind
    )
    said = ": ".join(texts[name] for name in ("subject", "text") if texts.get(name))
    return {
        "thread.opened": f"{opened} {said}".strip(),
        "thread.replied": " ".join([_("Wrote in a %(kind)s.", kind=kind), texts.get("text", "")]).strip(),
        "thread.closed": _("Closed a %(kind)s.", kind=kind),
    }


def _about_evidence(
    data: Mapping[str, Any], texts: Mapping[str, str], titles: Mapping[str, str]
) -> dict[str, str]:
    """What events about evidence say. Texts may be erased, or not for this reader."""

    def named(key: str) -> str:
        return _("“%(words)s”", words=texts[key]) if key in texts else _("a file")

    def questions(key: str) -> str:
        return ", ".join(titles.get(question_parts(one)[0], one) for one in data.get(key, []))

    title, name = named("title") if "title" in texts else _("a piece of evidence"), named("name")
    added = _("Added evidence: %(title)s (%(name)s).", title=title, name=name)
    changed = _("Changed what is said about %(title)s.", title=title)
    for key, words in (
        ("attached", _("It now supports %(questions)s too.", questions=questions("attached"))),
        ("detached", _("It no longer supports %(questions)s.", questions=questions("detached"))),
    ):
        changed += f" {words}" if data.get(key) else ""
    if data.get("questions"):
        added += " " + _("It supports %(questions)s.", questions=questions("questions"))
    ended = _what_ended(data, titles)
    attached = _("Attached %(title)s to %(questions)s.", title=title, questions=questions("questions"))
    detached = _("Took %(title)s off %(questions)s.", title=title, questions=questions("questions"))
    replaced = _(
        "Replaced the file of %(title)s by %(name)s, revision %(number)s.",
        title=title, name=name, number=data.get("revision", ""),
    )  # fmt: skip
    return {
        "evidence.added": added + ended,
        "evidence.described": changed + ended,
        "evidence.attached": attached + ended,
        "evidence.detached": detached + ended,
        "evidence.replaced": replaced + ended,
        "evidence.removed": _("Removed %(title)s from the library.", title=title) + ended,
        "evidence.refused": _("Refused %(name)s: a virus scanner found something harmful (%(found)s). Nothing of it was"
            " kept.", name=name, found=texts.get("found", "")),
        "evidence.infected": _("A virus scanner found something harmful in a file that was kept (%(found)s). It can no"
            " longer be downloaded.", found=texts.get("found", "")),
    }  # fmt: skip


def _about_sites(data: Mapping[str, Any], texts: Mapping[str, str], titles: Mapping[str, str]) -> dict[str, str]:
    """What events about the list of sites say; by their codes where names are erased or not to be read."""
    named = ", ".join(texts["names"].splitlines() if "names" in texts else data.get("sites", []))
    ended = _what_ended(data, titles)
    return {
        "site.added": _("Listed sites: %(sites)s.", sites=named) + ended,
        "site.removed": _("Took a site off the list: %(sites)s.", sites=named) + ended,
        "site.renamed": _("Renamed the site %(code)s: %(sites)s.", code=", ".join(data.get("sites", [])), sites=named),
        "site.none": _("Said that the agency has no sites.") + ended,
        "site.none_taken_back": _("Took back that the agency has no sites.") + ended,
    }


def _about_action(data: Mapping[str, Any], texts: Mapping[str, str], titles: Mapping[str, str]) -> dict[str, str]:
    """What events about planned actions say; without what is planned where its text is erased or not to be read."""
    question = str(data.get("criterion", ""))
    about = titles.get(question, question)
    due = day(data.get("due"))
    state = message(Message(STATES[data["state"]])) if data.get("state") in STATES else ""
    planned = [texts.get("what", ""), texts.get("owner", ""), due, state] if "what" in texts else []
    reported = [state, _("new date: %(day)s", day=due) if due else "", texts.get("note", "")]
    return {
        "action.planned": _said(_("Planned an action for %(question)s.", question=about), planned),
        "action.edited": _said(_("Changed an action for %(question)s.", question=about), planned),
        "action.removed": _said(_("Removed an action for %(question)s.", question=about), planned),
        "action.progressed": _said(_("Reported progress of an action for %(question)s.", question=about), reported),
    }


def _said(sentence: str, parts: Sequence[str]) -> str:
    return " ".join([sentence, "; ".join(part for part in parts if part)]).strip()


def _about_colleague(
    verb: str, data: Mapping[str, Any], texts: Mapping[str, str], titles: Mapping[str, str]
) -> str:
    """What an event says that is about somebody's part of the work, or their appointment."""
    name, note = texts.get("name", _("Somebody")), texts.get("note", "")
    given = [*data.get("standards", []), *data.get("criteria", [])]
    part = str(data.get("criterion") or data.get("standard") or "")
    about = {
        "name": name,
        "part": titles.get(part, part),
        "parts": "”, “".join(titles.get(key, key) for key in given),
        "role": role_words(str(data.get("role", ""))),
        "starts": day(data.get("from", "")),
        "ends": day(data.get("until", "") or data.get("last_day", "")),
    }
    sentences = {
        "assignment.made": _("Gave “%(parts)s” to %(name)s.", **about),
        "assignment.taken_away": _("Took “%(part)s” away from %(name)s.", **about),
        "assignment.ready": _("Said that “%(part)s” is ready.", **about),
        "assignment.accepted": _("Accepted “%(part)s” by %(name)s.", **about),
        "assignment.sent_back": _("Sent “%(part)s” back to %(name)s.", **about),
        "assignment.nudged": _("Reminded %(name)s of their part.", **about),
        "person.invited": _("Invited %(name)s as %(role)s, from %(starts)s to %(ends)s.", **about)
        if data.get("until")
        else _("Invited %(name)s as %(role)s.", **about),
        "person.link_handed_out": _("Was shown a link that lets %(name)s in, to hand it out.", **about),
        "person.ended": _("Ended the appointment of %(name)s as %(role)s with %(ends)s.", **about),
        "person.called_off": _("Called the appointment of %(name)s as %(role)s off.", **about),
        "person.cover_named": _("Named %(name)s to sign from %(starts)s to %(ends)s, as acting cover.", **about),
    }
    words = sentences.get(verb, verb)
    return words + (" " + _("The note: %(note)s", note=note) if note else "")


def _london_day(value: Any) -> str:
    return day(datetime.fromisoformat(value)) if value else ""
