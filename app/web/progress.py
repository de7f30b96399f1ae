"""Requests for progress on planned actions: the oversight body asks a selection of agencies, each answers."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.clock import today
from app.domain.life import NotPossible
from app.domain.paging import paged
from app.domain.recommendations import Cited, recommendations
from app.models import AuditReturn, Thread
from app.operations import follow_up as operations
from app.policy import allows
from app.queries.actions import with_progress
from app.queries.follow_up import progress_requests, returns_to_ask
from app.queries.packs import pack_of, template_of
from app.queries.peers import KIND as PEER
from app.queries.returns import get_return, return_facts, sees_drafts, submissions, submitted_checklist
from app.queries.rounds import get_round
from app.queries.threads import file_of_thread, thread_of, threads_of
from app.web.agency.blueprint import crumbs
from app.web.evidence import attachment
from app.web.oversight.blueprint import round_crumbs
from app.web.oversight.follow_up import recommendation_name
from app.web.pages import message
from app.web.permissions import requires
from app.web.request import actor, commit, now, session, takes_file
from app.web.sheets import csv_download
from app.web.threads import Reply, reply_context, send_reply, side_words
from app.web.typed import TypedDay, asked, page_asked, read_day, summary, typed

blueprint = Blueprint("progress", __name__)

PAGE = 50
STATES = ("overdue", "open", "answered", "closed")


def state_of(thread: Thread) -> str:
    """`overdue` where an answer is awaited and its day has passed, else the state of the thread."""
    is_overdue = thread.state == "open" and thread.due is not None and thread.due < today(now())
    return "overdue" if is_overdue else thread.state


# --- the round -------------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/progress")
@requires(GET="follow_up.read")
def requests(rid: str) -> str | BaseResponse:
    """The requests of a round, what waits for an answer first; narrowed by `state`."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="follow_up.read")
    every = [(one, state_of(one)) for one in progress_requests(session(), audit_round, actor=actor(), now=now())]
    names = {
        "overdue": _("Overdue"), "open": _("Waiting for an answer"), "answered": _("Answered"), "closed": _("Closed"),
    }  # fmt: skip
    state = asked("state") if asked("state") in STATES else ""
    listed = [(one, here) for one, here in every if state in ("", here)]
    if asked("format") == "csv":
        heading = (_("Code"), _("Agency"), _("Subject"), _("About"), _("Asked"), _("Answer by"), _("State"))
        return csv_download(
            f"{audit_round.key}-progress-requests.csv",
            heading,
            (
                (
                    one.audit_return.agency.code, one.audit_return.agency.name, one.subject, one.about,
                    today(one.opened_at).isoformat(), one.due.isoformat() if one.due else "", names[here],
                )
                for one, here in listed
            ),
        )  # fmt: skip
    page, pages = paged(len(listed), PAGE, page_asked())
    return render_template(
        "progress/requests.html",
        audit_round=audit_round,
        rows=listed[(page - 1) * PAGE : page * PAGE],
        total=len(listed),
        counts={key: sum(1 for _one, here in every if here == key) for key in STATES},
        names=names,
        state=state,
        page=page,
        pages=pages,
        breadcrumbs=round_crumbs(audit_round, (_("Follow-up"), url_for("follow_up.overview", rid=rid))),
    )


@blueprint.route("/rounds/<rid>/progress/ask", methods=["GET", "POST"])
@requires(GET="follow_up.read", POST="follow_up.read")
def ask(rid: str) -> str | tuple[str, int] | BaseResponse:
    """Ask chosen agencies (`ret`, several), after showing who they are and what they are asked."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="follow_up.read")
    chosen = request.values.getlist("ret")
    returns = returns_to_ask(session(), audit_round, chosen, actor=actor())
    cited = recommendations(pack_of(audit_round.pack_version), {one.agency_type for one in returns})
    about = [one.key for one in cited if one.key in request.values.getlist("recommendation")]
    # the actions of a plan are one agency's own
    planned = _planned(returns[0], ()) if len(returns) == 1 else []
    named = request.values.getlist("action") if planned else []
    errors: dict[str, str] = {}
    due = TypedDay()
    subject, words = _("How far are you with what you planned?"), ""
    if request.method == "POST":
        subject, words = typed("subject"), typed("text")
        due, by_day = read_day("due", errors)
        for name, given, missing in (
            ("subject", subject, _("Say in a few words what you ask about")),
            ("text", words, _("Write what you want to know")),
        ):
            if not given:
                errors[name] = missing
        if not errors and by_day:
            try:
                opened = operations.ask_for_progress(
                    session(), chosen, subject=subject, text=words, due=by_day, about=about, actions=named,
                    by=actor(), now=now(),
                )  # fmt: skip
            except NotPossible as reason:
                errors["text"] = message(reason.message)
            else:
                commit()
                flash(ngettext("%(num)d agency is asked.", "%(num)d agencies are asked.", len(opened)), "success")
                return redirect(url_for("progress.requests", rid=rid), 303)
    page = render_template(
        "progress/ask.html",
        audit_round=audit_round,
        returns=returns,
        cited=cited,
        about=about,
        planned=planned,
        named=named,
        subject=subject,
        words=words,
        due=due,
        errors=errors,
        error_list=summary(errors, ("due",)),
        back={"href": url_for("progress.requests", rid=rid), "text": _("Back to the requests")},
    )
    return page, 422 if errors else 200


# --- one agency's list -----------------------------------------------------------------------------------------------


@blueprint.route("/returns/<rid>/progress")
@requires(GET="return.read_progress")
def index(rid: str) -> str:
    """What an agency was asked, and what peers challenged."""
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.read_progress")
    return render_template(
        "progress/index.html",
        audit_return=audit_return,
        own=sees_drafts(actor(), audit_return),
        threads=[
            (one, state_of(one), "progress.request_page" if one.kind == operations.KIND else "peers.challenge")
            for one in threads_of(session(), audit_return, kinds=(operations.KIND, PEER))
        ],
        breadcrumbs=crumbs(audit_return),
    )


# --- one request, for both sides -------------------------------------------------------------------------------------


def _request(rid: str, tid: str, permission: str = "return.read_progress") -> tuple[AuditReturn, Thread]:
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission=permission)
    return audit_return, thread_of(session(), audit_return, tid, kinds=(operations.KIND,))


def _cited(audit_return: AuditReturn, about: str) -> list[Cited]:
    """The recommendations that a request names."""
    pack, _template = template_of(audit_return)
    wanted = about.split()
    return [one for one in recommendations(pack, [audit_return.agency_type]) if one.key in wanted]


def _planned(
    audit_return: AuditReturn, cited: Sequence[Cited], named: Collection[str] = ()
) -> list[tuple[Any, Sequence[Any]]]:
    """The questions that a request is about, each with its actions as they stand: those of its recommendations, and
    the actions that it names; all that have some, where it names neither.
    """
    submission = next((one for one in submissions(session(), audit_return) if not one.voided), None)
    if submission is None:
        return []
    asked_about = {
        placed.criterion.id for one in cited for placed in one.questions.get(audit_return.agency_type, ())
    }
    actions = with_progress(session(), audit_return, json.loads(submission.content), submission.submitted_at)
    found: list[tuple[Any, Sequence[Any]]] = []
    for item in submitted_checklist(submission, audit_return).items:
        of_item = actions.get((item.criterion.id, item.scope), ())
        if item.criterion.id in asked_about:
            if of_item or (item.grade is not None and item.grade.counts_as == "not_met"):
                found.append((item, of_item))
        elif mine := [one for one in of_item if not (asked_about or named) or one.id in named]:
            found.append((item, mine))
    return found


@blueprint.route("/returns/<rid>/progress/<tid>")
@requires(GET="return.read_progress")
def request_page(rid: str, tid: str) -> str:
    """What was asked, what is planned, and what was answered."""
    audit_return, thread = _request(rid, tid)
    return _page(audit_return, thread)


def _page(
    audit_return: AuditReturn, thread: Thread, *, reply: Reply | None = None, problems: dict[str, str] | None = None,
    typed_words: str = "", problem: str = "",
) -> str:  # fmt: skip
    facts = return_facts(session(), audit_return, now=now())
    own = sees_drafts(actor(), audit_return)
    cited = _cited(audit_return, thread.about)
    audit_round = audit_return.audit_round
    more = (
        reply_context(audit_return, reply or Reply(), problems or {})
        if own
        else {"errors": [{"text": problem, "href": "#text"}] if problem else []}
    )
    return render_template(
        "progress/request.html",
        audit_return=audit_return,
        thread=thread,
        state=state_of(thread),
        own=own,
        may_answer=allows(actor(), "return.answer_progress", facts) and thread.state != "closed",
        may_act=allows(actor(), "return.follow_up", facts) and thread.state != "closed",
        may_report=allows(actor(), "return.progress", facts),
        about=[recommendation_name(one) for one in cited],
        names_actions=bool(operations.actions_in(thread.about)),
        planned=_planned(audit_return, cited, operations.actions_in(thread.about)),
        sides={post.side: side_words(post.side, audit_return) for post in thread.posts},
        typed_words=typed_words,
        problem=problem,
        breadcrumbs=crumbs(audit_return)
        if own
        else round_crumbs(
            audit_round,
            (_("Follow-up"), url_for("follow_up.overview", rid=audit_round.public_id)),
            (_("Requests for progress"), url_for("progress.requests", rid=audit_round.public_id)),
        ),
        **more,
    )


@blueprint.route("/returns/<rid>/progress/<tid>/answer", methods=["POST"])
@takes_file
@requires(POST="return.answer_progress")
def answer(rid: str, tid: str) -> tuple[str, int] | BaseResponse:
    """The agency answers, with files of its library where it likes."""
    _request(rid, tid, "return.answer_progress")
    reply = Reply.sent()
    problems = send_reply(
        rid,
        reply,
        permission="return.answer_progress",
        act=lambda words, files: operations.answer(
            session(), rid, tid, text=words, evidence=files, by=actor(), now=now()
        ),
    )
    if problems:
        audit_return, thread = _request(rid, tid, "return.answer_progress")
        return _page(audit_return, thread, reply=reply, problems=problems), 422
    flash(_("Your answer is sent. What was signed stays as it is."), "success")
    return redirect(url_for("progress.request_page", rid=rid, tid=tid), 303)


@blueprint.route("/returns/<rid>/progress/<tid>/act", methods=["POST"])
@requires(POST="return.follow_up")
def act(rid: str, tid: str) -> tuple[str, int] | BaseResponse:
    """The oversight body asks on, or closes the request."""
    _request(rid, tid, "return.follow_up")
    words = typed("text")
    try:
        if typed("act") == "close":
            operations.close(session(), rid, tid, by=actor(), now=now())
            done = _("The request is closed.")
        else:
            operations.ask_on(session(), rid, tid, text=words, by=actor(), now=now())
            done = _("The agency is asked on.")
    except NotPossible as reason:
        session().rollback()
        audit_return, thread = _request(rid, tid, "return.follow_up")
        return _page(audit_return, thread, typed_words=words, problem=message(reason.message)), 422
    commit()
    flash(done, "success")
    return redirect(url_for("progress.request_page", rid=rid, tid=tid), 303)


@blueprint.route("/returns/<rid>/progress/<tid>/files/<post>/<int:number>")
@requires(GET="return.read_progress")
def file(rid: str, tid: str, post: str, number: int) -> Response:
    """A file that an answer shows: exactly the revision that was shown."""
    _audit_return, thread = _request(rid, tid)
    return attachment(file_of_thread(session(), thread, post, number))
