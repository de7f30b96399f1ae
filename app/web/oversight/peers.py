"""Peers, as the oversight body and the agency see them; and what scrutineers of an area say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.domain.life import NotPossible
from app.domain.message import Message
from app.domain.paging import paged
from app.models import AuditReturn, PeerReview, Thread
from app.operations import peers as operations
from app.policy import allows
from app.queries.packs import pack_of
from app.queries.peers import (
    COMMENT,
    KIND,
    candidates,
    comments_of_areas,
    reviews_of_return,
    reviews_of_round,
    standing_submission,
)
from app.queries.returns import get_return, return_facts, sees_drafts, submitted_checklist
from app.queries.rounds import get_round, round_facts
from app.queries.threads import file_of_thread, thread_of, threads_of
from app.web.agency.blueprint import crumbs
from app.web.evidence import attachment
from app.web.oversight.blueprint import round_crumbs, type_name
from app.web.pages import message, text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session, takes_file
from app.web.threads import Reply, reply_context, send_reply, side_words
from app.web.typed import asked, page_asked, summary, typed

blueprint = Blueprint("peers", __name__)

PAGE = 50


@blueprint.app_template_global("review_state")
def review_state(review: PeerReview) -> tuple[str, str]:
    """Where a review stands: words, and the tone of its tag."""
    if review.conflict:
        return _("Conflict declared"), "warn"
    if review.ended_at:
        return _("Ended"), "quiet"
    if review.declared_at is None:
        return _("Not declared yet"), "quiet"
    if review.finished_at:
        return _("Finished"), "good"
    return _("Under review"), "active"


def questions_of(audit_return: AuditReturn) -> list[dict[str, str]]:
    """The questions of the submission that stands, as options: id, number and words."""
    submission = standing_submission(session(), audit_return)
    if submission is None:
        return []
    return [
        {"value": item.id, "text": f"{item.number} {text(item.criterion.question)}"}
        for item in submitted_checklist(submission, audit_return).items
    ]


# --- the oversight body ----------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/peers")
@requires(GET="peers.read")
def overview(rid: str) -> str:
    """The submitted returns of one's own types, who reviews each, and the challenges that wait or are answered."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="peers.read")
    every = reviews_of_round(session(), audit_round, actor=actor(), now=now())
    show = asked("show") if asked("show") in ("reviewed", "not_reviewed") else ""
    listed = [one for one in every if not show or bool(one.reviews) == (show == "reviewed")]
    page, pages = paged(len(listed), PAGE, page_asked())
    pack = pack_of(audit_round.pack_version)
    return render_template(
        "peers/overview.html",
        audit_round=audit_round,
        rows=[
            (one, type_name(pack, one.agency_type, one.subtype))
            for one in listed[(page - 1) * PAGE : page * PAGE]
        ],
        total=len(listed),
        reviewed=sum(1 for one in every if one.reviews),
        waiting=sum(one.challenges.get("open", 0) for one in every),
        answered=sum(one.challenges.get("answered", 0) for one in every),
        show=show,
        page=page,
        pages=pages,
        may_assign=allows(actor(), "peers.assign", round_facts(session(), audit_round, now=now())),
        breadcrumbs=round_crumbs(audit_round),
    )


@blueprint.route("/returns/<rid>/peers")
@requires(GET="return.read_challenges")
def return_page(rid: str) -> str:
    """The reviews of one return, who could review it, the challenges, and what scrutineers said."""
    return _return_page(get_return(session(), rid, actor=actor(), now=now(), permission="return.read_challenges"))


def _return_page(audit_return: AuditReturn, *, problem: str = "", person: str = "") -> str:
    audit_round = audit_return.audit_round
    may_assign = allows(actor(), "return.assign_peer", return_facts(session(), audit_return, now=now()))
    return render_template(
        "peers/return.html",
        audit_return=audit_return,
        audit_round=audit_round,
        reviews=reviews_of_return(session(), audit_return),
        candidates=[
            (one, message(Message(operations.OBSTACLES[one.obstacle], {"name": one.user.name})) if one.obstacle else "")
            for one in candidates(session(), audit_return, now=now())
        ]
        if may_assign
        else [],
        may_assign=may_assign,
        challenges=threads_of(session(), audit_return, kinds=(KIND,)),
        comments=comments_of_areas(session(), audit_return, actor=actor()),
        sides=_sides(audit_return),
        questions={one["value"]: one["text"] for one in questions_of(audit_return)},
        problem=problem,
        person=person,
        breadcrumbs=round_crumbs(
            audit_round, (_("Peers"), url_for("peers.overview", rid=audit_round.public_id))
        ),
    )


def _sides(audit_return: AuditReturn) -> dict[str, str]:
    return {side: side_words(side, audit_return) for side in ("agency", "oversight", "peer", "area")}


@blueprint.route("/returns/<rid>/peers", methods=["POST"])
@requires(POST="return.assign_peer")
def assign(rid: str) -> tuple[str, int] | BaseResponse:
    """Ask a reviewer; a conflict of interest refuses."""
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.assign_peer")
    person = typed("person")
    if not person:
        return _return_page(audit_return, problem=_("Choose a reviewer")), 422
    try:
        review = operations.assign(session(), rid, person, by=actor(), now=now())
    except NotPossible as reason:
        session().rollback()
        audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.assign_peer")
        return _return_page(audit_return, problem=message(reason.message), person=person), 422
    name = review.user.name
    commit()
    flash(_("%(name)s is asked. They read nothing before they have declared.", name=name), "success")
    return redirect(url_for("peers.return_page", rid=rid), 303)


@blueprint.route("/returns/<rid>/peers/<prid>/end", methods=["GET", "POST"])
@requires(GET="return.assign_peer", POST="return.assign_peer")
def end(rid: str, prid: str) -> str | BaseResponse:
    """End a review, after saying what that does."""
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.assign_peer")
    if request.method == "POST":
        operations.end(session(), rid, prid, by=actor(), now=now())
        commit()
        flash(_("The review has ended. The reviewer reads nothing of it any more."), "success")
        return redirect(url_for("peers.return_page", rid=rid), 303)
    review = operations.review_of_return(session(), audit_return, prid)
    return render_template(
        "peers/end.html",
        audit_return=audit_return,
        audit_round=audit_return.audit_round,
        review=review,
        error_list=[],
        back={"href": url_for("peers.return_page", rid=rid), "text": _("Back")},
    )


# --- a challenge, as the agency answers it and an inspector reads it -------------------------------------------------


def _challenge(rid: str, tid: str, permission: str = "return.see_challenges") -> tuple[AuditReturn, Thread]:
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission=permission)
    return audit_return, thread_of(session(), audit_return, tid, kinds=(KIND,))


@blueprint.route("/returns/<rid>/challenges/<tid>")
@requires(GET="return.see_challenges")
def challenge(rid: str, tid: str) -> str:
    """A peer's challenge with the answers."""
    return _challenge_page(*_challenge(rid, tid))


def _challenge_page(
    audit_return: AuditReturn, thread: Thread, *, reply: Reply | None = None, problems: dict[str, str] | None = None
) -> str:
    own = sees_drafts(actor(), audit_return)
    facts = return_facts(session(), audit_return, now=now())
    audit_round = audit_return.audit_round
    more: dict[str, Any] = reply_context(audit_return, reply or Reply(), problems or {}) if own else {"errors": []}
    return render_template(
        "peers/challenge.html",
        audit_return=audit_return,
        thread=thread,
        own=own,
        may_answer=allows(actor(), "return.answer_challenge", facts) and thread.state != "closed",
        about=_about(audit_return, thread),
        sides=_sides(audit_return),
        files="peers.file",
        breadcrumbs=crumbs(audit_return)
        if own
        else round_crumbs(
            audit_round,
            (_("Peers"), url_for("peers.overview", rid=audit_round.public_id)),
            (audit_return.agency.name, url_for("peers.return_page", rid=audit_return.public_id)),
        ),
        **more,
    )


def _about(audit_return: AuditReturn, thread: Thread) -> str:
    """The question that a thread is about, in words; empty for the whole."""
    return next((one["text"] for one in questions_of(audit_return) if one["value"] == thread.about), "")


@blueprint.route("/returns/<rid>/challenges/<tid>", methods=["POST"])
@takes_file
@requires(POST="return.answer_challenge")
def answer(rid: str, tid: str) -> tuple[str, int] | BaseResponse:
    """The agency answers, with files of its library where it likes."""
    _challenge(rid, tid, "return.answer_challenge")
    reply = Reply.sent()

    def act(words: str, files: Sequence[str]) -> None:
        operations.answer(session(), rid, tid, text=words, evidence=files, by=actor(), now=now())

    if problems := send_reply(rid, reply, permission="return.answer_challenge", act=act):
        audit_return, thread = _challenge(rid, tid, "return.answer_challenge")
        return _challenge_page(audit_return, thread, reply=reply, problems=problems), 422
    flash(_("Your answer is sent. What was signed stays as it is."), "success")
    return redirect(url_for("peers.challenge", rid=rid, tid=tid), 303)


@blueprint.route("/returns/<rid>/challenges/<tid>/files/<post>/<int:number>")
@requires(GET="return.see_challenges")
def file(rid: str, tid: str, post: str, number: int) -> Response:
    """A file that an answer shows: exactly the revision that was shown."""
    _audit_return, thread = _challenge(rid, tid)
    return attachment(file_of_thread(session(), thread, post, number))


# --- scrutineers of an area ------------------------------------------------------------------------------------------


@blueprint.route("/returns/<rid>/scrutiny", methods=["GET", "POST"])
@requires(GET="return.scrutinise", POST="return.scrutinise")
def scrutiny(rid: str) -> str | tuple[str, int] | BaseResponse:
    """What an area's scrutineers say about a released submission, for the oversight body."""
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.scrutinise")
    errors: dict[str, str] = {}
    given = {name: typed(name) for name in ("about", "subject", "text")}
    if request.method == "POST":
        errors = missing_words(given)
        if not errors:
            try:
                operations.comment(session(), rid, by=actor(), now=now(), **given)
            except NotPossible as reason:
                session().rollback()
                errors["text"] = message(reason.message)
                audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.scrutinise")
            else:
                commit()
                flash(_("Your comment is sent to the oversight body."), "success")
                return redirect(url_for("peers.scrutiny", rid=rid), 303)
    page = render_template(
        "peers/scrutiny.html",
        audit_return=audit_return,
        comments=comments_of_areas(session(), audit_return, actor=actor()),
        kind=COMMENT,
        questions=questions_of(audit_return),
        sides=_sides(audit_return),
        given=given,
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=crumbs(
            audit_return, (audit_return.agency.name, url_for("agency.tasks", rid=audit_return.public_id))
        ),
    )
    return page, 422 if errors else 200


def missing_words(given: dict[str, str]) -> dict[str, str]:
    """What is missing in the form that opens a challenge or a comment."""
    errors = {}
    if not given["subject"]:
        errors["subject"] = _("Say in a few words what it is about")
    if not given["text"]:
        errors["text"] = _("Write what you want to say")
    return errors
