"""The desk of a peer reviewer: one's reviews, the declaration that comes first, challenges and their answers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.domain.life import NotPossible
from app.models import AuditReturn, Thread
from app.operations import peers as operations
from app.queries.packs import pack_of
from app.queries.peers import Mine, my_challenges, my_review, my_reviews, standing_submission
from app.queries.returns import get_return
from app.queries.rounds import NotFound
from app.queries.threads import file_of_thread
from app.web.evidence import attachment
from app.web.oversight.blueprint import type_name
from app.web.oversight.peers import missing_words, questions_of
from app.web.pages import message
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.threads import side_words
from app.web.typed import summary, typed

blueprint = Blueprint("peer_desk", __name__, url_prefix="/peer")


def _crumbs(*more: tuple[str, str]) -> list[dict[str, str]]:
    here = ((_("Peer reviews"), url_for("peer_desk.desk")), *more)
    return [{"text": words, "href": href} for words, href in here]


def _kind(audit_return: AuditReturn) -> str:
    pack = pack_of(audit_return.template_version.pack_version)
    return type_name(pack, audit_return.agency_type, audit_return.subtype)


@blueprint.route("")
@requires(GET="peer.desk")
def desk() -> str:
    """Everything that was assigned to the reviewer, what is still to be done first."""
    mine = my_reviews(session(), actor=actor(), now=now())
    return render_template(
        "peer_desk/desk.html", reviews=[(one, _kind(one.review.audit_return)) for one in mine]
    )


def _mine(prid: str) -> Mine:
    return my_review(session(), prid, actor=actor(), now=now())


def _open(prid: str) -> tuple[Mine, AuditReturn]:
    """A review that can be read: declared, not ended, and something stands submitted. Raises NotFound."""
    mine = _mine(prid)
    audit_return = get_return(
        session(), mine.review.audit_return.public_id, actor=actor(), now=now(), permission="return.peer_review"
    )
    return mine, audit_return


@blueprint.route("/<prid>")
@requires(GET="peer.desk")
def review(prid: str) -> str | BaseResponse:
    """One review: the submission to read, what was challenged and answered. Before anything else, the declaration."""
    mine = _mine(prid)
    if mine.state == "to_declare":
        return redirect(url_for("peer_desk.declare", prid=prid))
    if mine.state in ("ended", "waiting"):
        return render_template(
            "peer_desk/closed.html", mine=mine, audit_return=mine.review.audit_return, breadcrumbs=_crumbs()
        )
    mine, audit_return = _open(prid)
    submission = standing_submission(session(), audit_return)
    return render_template(
        "peer_desk/review.html",
        mine=mine,
        audit_return=audit_return,
        kind=_kind(audit_return),
        submission=submission,
        challenges=my_challenges(session(), mine.review),
        breadcrumbs=_crumbs(),
    )


@blueprint.route("/<prid>/declare", methods=["GET", "POST"])
@requires(GET="peer.desk", POST="peer.desk")
def declare(prid: str) -> str | tuple[str, int] | BaseResponse:
    """Say whether a conflict of interest stands in the way; one that does ends the review."""
    mine = _mine(prid)
    errors: dict[str, str] = {}
    choice, words = typed("choice"), typed("conflict")
    if request.method == "POST":
        if choice not in ("none", "conflict"):
            errors["choice"] = _("Choose whether a conflict of interest stands in the way")
        elif choice == "conflict" and not words:
            errors["conflict"] = _("Say in a few words what stands in the way")
        else:
            try:
                operations.declare(
                    session(), prid, conflict=words if choice == "conflict" else "", by=actor(), now=now()
                )
            except NotPossible as reason:
                session().rollback()
                errors["choice"] = message(reason.message)
                mine = _mine(prid)
            else:
                commit()
                if choice == "conflict":
                    flash(_("Thank you. The review has ended; whoever assigned it sees why."), "success")
                    return redirect(url_for("peer_desk.desk"), 303)
                flash(_("Thank you. You can read the submission now."), "success")
                return redirect(url_for("peer_desk.review", prid=prid), 303)
    elif mine.state != "to_declare":
        return redirect(url_for("peer_desk.review", prid=prid))
    page = render_template(
        "peer_desk/declare.html",
        audit_return=mine.review.audit_return,
        kind=_kind(mine.review.audit_return),
        choice=choice,
        words=words,
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=_crumbs(),
    )
    return page, 422 if errors else 200


@blueprint.route("/<prid>/challenge", methods=["GET", "POST"])
@requires(GET="peer.desk", POST="peer.desk")
def challenge(prid: str) -> str | tuple[str, int] | BaseResponse:
    """Leave a challenge about a question, or the whole."""
    _mine_one, audit_return = _open(prid)
    errors: dict[str, str] = {}
    given = {name: typed(name) for name in ("about", "subject", "text")}
    if request.method == "POST":
        errors = missing_words(given)
        if not errors:
            try:
                operations.challenge(session(), prid, by=actor(), now=now(), **given)
            except NotPossible as reason:
                session().rollback()
                errors["text"] = message(reason.message)
                _mine_one, audit_return = _open(prid)
            else:
                commit()
                flash(_("Your challenge is sent to the agency."), "success")
                return redirect(url_for("peer_desk.review", prid=prid), 303)
    page = render_template(
        "peer_desk/challenge.html",
        audit_return=audit_return,
        questions=questions_of(audit_return),
        given=given,
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=_crumbs((audit_return.agency.name, url_for("peer_desk.review", prid=prid))),
    )
    return page, 422 if errors else 200


def _thread(mine: Mine, tid: str) -> Thread:
    """One of the reviewer's own challenges. Raises NotFound."""
    for one in my_challenges(session(), mine.review):
        if one.public_id == tid:
            return one
    raise NotFound


@blueprint.route("/<prid>/challenges/<tid>", methods=["GET", "POST"])
@requires(GET="peer.desk", POST="peer.desk")
def thread(prid: str, tid: str) -> str | tuple[str, int] | BaseResponse:
    """A challenge with its answers; the reviewer replies, or has no more to ask."""
    mine, audit_return = _open(prid)
    found = _thread(mine, tid)
    words, problem = typed("text"), ""
    if request.method == "POST":
        try:
            if typed("act") == "close":
                operations.close(session(), prid, tid, by=actor(), now=now())
                done = _("The challenge is closed.")
            else:
                operations.ask_on(session(), prid, tid, text=words, by=actor(), now=now())
                done = _("Your reply is sent.")
        except NotPossible as reason:
            session().rollback()
            problem = message(reason.message)
            mine, audit_return = _open(prid)
            found = _thread(mine, tid)
        else:
            commit()
            flash(done, "success")
            return redirect(url_for("peer_desk.thread", prid=prid, tid=tid), 303)
    values: dict[str, Any] = {
        "audit_return": audit_return,
        "prid": prid,
        "thread": found,
        "about": next((one["text"] for one in questions_of(audit_return) if one["value"] == found.about), ""),
        "sides": {post.side: side_words(post.side, audit_return) for post in found.posts},
        "words": words,
        "problem": problem,
        "breadcrumbs": _crumbs((audit_return.agency.name, url_for("peer_desk.review", prid=prid))),
    }
    return render_template("peer_desk/thread.html", **values), 422 if problem else 200


@blueprint.route("/<rid>/challenges/<tid>/files/<post>/<int:number>")
@requires(GET="peer.desk")
def file(rid: str, tid: str, post: str, number: int) -> Response:
    """A file that the agency shows in an answer to the reviewer (`rid` is the review's id)."""
    mine, _audit_return = _open(rid)
    return attachment(file_of_thread(session(), _thread(mine, tid), post, number))


@blueprint.route("/<prid>/finish", methods=["POST"])
@requires(POST="peer.desk")
def finish(prid: str) -> BaseResponse:
    """Finish the review, or take that back."""
    finished = operations.finish(session(), prid, by=actor(), now=now()).finished_at is not None
    commit()
    flash(
        _("The review is finished. You can still read the answers to your challenges.")
        if finished
        else _("The review goes on."),
        "success",
    )
    return redirect(url_for("peer_desk.review", prid=prid), 303)
