"""Queries about what was signed: inspectors ask, the agency answers; both read the same page of a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.clock import today
from app.db import db
from app.domain.answers import question_id
from app.domain.life import NotPossible
from app.domain.message import Message
from app.domain.queries import OUTCOMES
from app.models import AuditReturn, Thread
from app.operations import querying
from app.policy import Actor, allows
from app.queries.moderation import latest_submission
from app.queries.own_types import types_where
from app.queries.packs import pack_of, template_of
from app.queries.returns import Item, get_return, return_facts, sees_drafts, submitted_checklist
from app.queries.rounds import get_round
from app.queries.sites import site_names
from app.queries.threads import QUERY_STATES, file_of_thread, queries_of_round, thread_of, threads_of
from app.web.agency.blueprint import crumbs
from app.web.evidence import attachment
from app.web.oversight.blueprint import round_crumbs, type_name
from app.web.pages import message
from app.web.permissions import requires
from app.web.request import actor, commit, now, session, takes_file
from app.web.threads import Reply, reply_context, send_reply, side_words
from app.web.typed import TypedDay, asked, page_asked, read_day, summary, typed

blueprint = Blueprint("queries", __name__)

KINDS = (querying.KIND,)
USUAL_DAYS = 14  # to answer in, offered in the form


@blueprint.app_template_filter("query_outcome")
def outcome_words(outcome: str) -> str:
    """What came of a query, in words."""
    return message(Message(OUTCOMES[outcome])) if outcome in OUTCOMES else ""


# --- the list of a round --------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/queries")
@requires(GET="queries.read")
def overview(rid: str) -> str:
    """The queries of a round to agencies of the body's own types: what waits longest first."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="queries.read")
    state = asked("state")
    args = {"state": state if state in QUERY_STATES else "", "mine": asked("mine"), "q": asked("q")}
    found = queries_of_round(
        session(),
        audit_round,
        agency_types=types_where(audit_round, actor(), "return.query"),
        now=now(),
        state=args["state"],
        asked_by=actor().user_id if args["mine"] else None,
        text=args["q"],
        page=page_asked(),
    )
    pack = pack_of(audit_round.pack_version)
    return render_template(
        "queries/overview.html",
        audit_round=audit_round,
        found=found,
        args={name: value for name, value in args.items() if value},
        kinds={kind: type_name(pack, kind) for kind in pack.agency_types},
        breadcrumbs=round_crumbs(audit_round),
    )


# --- the queries of one return --------------------------------------------------------------------------------------


def _return(rid: str, permission: str = "return.read_queries") -> AuditReturn:
    return get_return(session(), rid, actor=actor(), now=now(), permission=permission)


def _may(audit_return: AuditReturn, person: Actor) -> dict[str, bool]:
    facts = return_facts(session(), audit_return, now=now())
    return {name: allows(person, f"return.{name}", facts) for name in ("query", "answer_query")}


@blueprint.route("/returns/<rid>/queries")
@requires(GET="return.read_queries")
def index(rid: str) -> str:
    """Every query about a return."""
    audit_return = _return(rid)
    return render_template(
        "queries/index.html",
        audit_return=audit_return,
        threads=threads_of(session(), audit_return, kinds=KINDS),
        numbers=_numbers(audit_return),
        day=today(now()),
        allowed=_may(audit_return, actor()),
        is_own=sees_drafts(actor(), audit_return),
        breadcrumbs=crumbs(audit_return),
    )


def _numbers(audit_return: AuditReturn) -> dict[str, str]:
    """Question id to its number, as far as the checklist has it, and those about a site with its name.

    One that is asked per area stands by its criterion's.
    """
    _pack, template = template_of(audit_return)
    names = site_names(session(), [audit_return.id])[audit_return.id] if template.asks_sites else {}
    numbers = {placed.criterion.id: placed.number for placed in template.criteria()}
    return numbers | {
        question_id(placed.criterion.id, key): f"{placed.number}, {name}"
        for placed in template.criteria()
        if placed.criterion.scope == "site"
        for key, name in names.items()
    }


@dataclass(frozen=True)
class About:
    """The signed answer that a query is about, and where in the checklist it stands."""

    item: Item
    standard: str


def _about(audit_return: AuditReturn, question: str) -> About | None:
    submission = latest_submission(session(), audit_return) if question else None
    if submission is None:
        return None
    for section in submitted_checklist(submission, audit_return).sections:
        for item in section.items:
            if item.id == question:
                return About(item, section.standard.id)
    return None


@blueprint.route("/returns/<rid>/queries/ask", methods=["GET", "POST"])
@requires(GET="return.query", POST="return.query")
def ask(rid: str) -> str | tuple[str, int] | BaseResponse:
    """Ask an agency about its submission, or (`?about=`) one answer of it."""
    audit_return = _return(rid, "return.query")
    # of the form where one was sent: what the page was about must not change under the words
    question = typed("about") or asked("about")
    about = _about(audit_return, question)
    subject = _("Question %(number)s", number=about.item.number) if about else ""
    due = TypedDay.of(today(now()) + timedelta(days=USUAL_DAYS))
    text = ""
    errors: dict[str, str] = {}
    if typed("sent"):
        subject, text = typed("subject"), typed("text")
        due, chosen = read_day("due", errors)
        if not subject:
            errors["subject"] = _("Say in a few words what it is about.")
        if not text:
            errors["text"] = _("Write what you want to know.")
        if chosen and not errors:
            try:
                thread = querying.ask(
                    session(), rid, subject=subject, text=text, due=chosen, about=about.item.id if about else "",
                    by=actor(), now=now(),
                )  # fmt: skip
            except NotPossible as reason:
                db.session.rollback()
                audit_return = _return(rid, "return.query")
                errors["due" if chosen < today(now()) else "text"] = message(reason.message)
            else:
                commit()
                flash(_("The query is sent. The signatory and the audit leads are told by e-mail."), "success")
                return redirect(url_for("queries.query", rid=rid, tid=thread.public_id), 303)
    page = render_template(
        "queries/ask.html",
        audit_return=audit_return,
        audit_round=audit_return.audit_round,
        about=about,
        subject=subject,
        text=text,
        due=due,
        errors=errors,
        error_list=summary(errors, ("due",)),
        back={"href": url_for("queries.index", rid=rid), "text": _("Back to the queries")},
    )
    return (page, 422) if errors else page


@blueprint.route("/returns/<rid>/queries/<tid>")
@requires(GET="return.read_queries")
def query(rid: str, tid: str) -> str:
    """One query with all that was written."""
    audit_return = _return(rid)
    return _page(audit_return, thread_of(session(), audit_return, tid, kinds=KINDS))


def _page(
    audit_return: AuditReturn, thread: Thread, *, reply: Reply | None = None, problems: Mapping[str, str] | None = None,
    due: TypedDay | None = None, outcome: str = "", days: Sequence[str] = (),
) -> str:  # fmt: skip
    problems = problems or {}
    is_own = sees_drafts(actor(), audit_return)
    numbers = _numbers(audit_return)
    context: dict[str, Any] = {"reply": reply or Reply(), "problems": problems, "errors": summary(problems, ("due",))}
    if is_own:
        context = reply_context(audit_return, reply or Reply(), problems)
    return render_template(
        "queries/query.html",
        audit_return=audit_return,
        thread=thread,
        about=_about(audit_return, thread.about),
        number=numbers.get(thread.about) or numbers.get(thread.about.partition(".")[0], ""),
        overdue=thread.state == "open" and thread.due is not None and thread.due < today(now()),
        allowed=_may(audit_return, actor()),
        is_own=is_own,
        sides={side: side_words(side, audit_return) for side in ("agency", "oversight")},
        due=due or TypedDay(),
        outcome=outcome,
        outcomes=[{"value": key, "text": message(Message(words))} for key, words in OUTCOMES.items()],
        breadcrumbs=crumbs(audit_return, (_("Queries"), url_for("queries.index", rid=audit_return.public_id))),
        **context,
    )


@blueprint.route("/returns/<rid>/queries/<tid>/answer", methods=["POST"])
@requires(POST="return.answer_query")
@takes_file
def answer(rid: str, tid: str) -> tuple[str, int] | BaseResponse:
    """Answer for the agency, with words and evidence. The return stays as it was signed."""
    audit_return = _return(rid, "return.answer_query")
    thread_of(session(), audit_return, tid, kinds=KINDS)
    reply = Reply.sent()
    problems = send_reply(
        rid,
        reply,
        permission="return.answer_query",
        act=lambda text, evidence: querying.answer(
            session(), rid, tid, text=text, evidence=evidence, by=actor(), now=now()
        ),
    )
    if not problems:
        flash(_("Your answer is sent."), "success")
        return redirect(url_for("queries.query", rid=rid, tid=tid), 303)
    audit_return = _return(rid, "return.answer_query")
    thread = thread_of(session(), audit_return, tid, kinds=KINDS)
    return _page(audit_return, thread, reply=reply, problems=problems), 422


@blueprint.route("/returns/<rid>/queries/<tid>/ask-on", methods=["POST"])
@requires(POST="return.query")
def ask_on(rid: str, tid: str) -> tuple[str, int] | BaseResponse:
    """Ask on, with a new day to answer by where one is given."""
    audit_return = _return(rid, "return.query")
    problems: dict[str, str] = {}
    due, chosen = read_day("due", problems, optional=True)
    reply = Reply(typed("text"))
    if not problems:
        try:
            querying.ask_on(session(), rid, tid, text=reply.text, due=chosen, by=actor(), now=now())
        except NotPossible as reason:
            problems["due" if chosen and chosen < today(now()) else "text"] = message(reason.message)
        else:
            commit()
            flash(_("Your question is sent."), "success")
            return redirect(url_for("queries.query", rid=rid, tid=tid), 303)
    db.session.rollback()
    audit_return = _return(rid, "return.query")
    thread = thread_of(session(), audit_return, tid, kinds=KINDS)
    return _page(audit_return, thread, reply=reply, problems=problems, due=due), 422


@blueprint.route("/returns/<rid>/queries/<tid>/close", methods=["POST"])
@requires(POST="return.query")
def close(rid: str, tid: str) -> tuple[str, int] | BaseResponse:
    """Close a query with what came of it."""
    try:
        querying.close(session(), rid, tid, outcome=typed("outcome"), by=actor(), now=now())
    except NotPossible as reason:
        words = message(reason.message)
        db.session.rollback()
        audit_return = _return(rid, "return.query")
        thread = thread_of(session(), audit_return, tid, kinds=KINDS)
        return _page(audit_return, thread, problems={"outcome": words}, reply=Reply(typed("text"))), 422
    commit()
    flash(_("The query is closed."), "success")
    return redirect(url_for("queries.query", rid=rid, tid=tid), 303)


@blueprint.route("/returns/<rid>/queries/<tid>/files/<post>/<int:number>")
@requires(GET="return.read_queries")
def file(rid: str, tid: str, post: str, number: int) -> Response:
    """A file that was shown in a query: exactly the revision that was shown."""
    audit_return = _return(rid)
    thread = thread_of(session(), audit_return, tid, kinds=KINDS)
    return attachment(file_of_thread(session(), thread, post, number))
