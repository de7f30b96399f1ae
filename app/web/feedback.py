"""Feedback to one agency: read by its people in their time, written and settled by its inspectors."""

from __future__ import annotations

import json
import re

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.domain.feedback import NARRATIVE, PART_NAMES, SaidPart
from app.domain.life import NotPossible
from app.languages import known
from app.models import AuditReturn, Thread
from app.operations import release as operations
from app.operations.reports import request_feedback
from app.policy import allows
from app.queries.release import (
    Visible,
    editions,
    feedback_document,
    feedback_facts,
    get_feedback_return,
    release_of,
    said_parts,
    standing,
    version_of,
    versions,
    visible,
)
from app.queries.returns import return_facts
from app.queries.rounds import NotFound
from app.queries.threads import thread_of, threads_of
from app.web.oversight.blueprint import round_crumbs
from app.web.pages import language, message
from app.web.permissions import requires
from app.web.reports import enqueue
from app.web.request import actor, commit, now, session
from app.web.typed import asked, summary, typed

blueprint = Blueprint("feedback", __name__, url_prefix="/returns/<rid>/feedback")


def _return(rid: str, permission: str = "feedback.read", *, lock: bool = False) -> AuditReturn:
    return get_feedback_return(session(), rid, actor=actor(), now=now(), permission=permission, lock=lock)


def _writes(audit_return: AuditReturn) -> bool:
    return allows(actor(), "feedback.write", return_facts(session(), audit_return, now=now()))


def _way_back(audit_return: AuditReturn, *, below: bool = True) -> dict[str, object]:
    """Breadcrumbs for an inspector, a way back for the agency."""
    rid = audit_return.public_id
    if _writes(audit_return):
        round_id = audit_return.audit_round.public_id
        steps = [(_("Release"), url_for("release.overview", rid=round_id))]
        if below:
            steps.append((audit_return.agency.name, url_for("feedback.page", rid=rid)))
        return {"breadcrumbs": round_crumbs(audit_return.audit_round, *steps)}
    if below:
        return {"back": {"href": url_for("feedback.page", rid=rid), "text": _("Back to the feedback")}}
    return {"back": {"href": url_for("agency.tasks", rid=rid), "text": _("Back to the self-audit")}}


def _parts(seen: Visible) -> tuple[SaidPart, ...]:
    return said_parts(seen.content, seen.row.narrative, language())


def _short(thread: Thread, parts: tuple[SaidPart, ...]) -> str:
    """What a challenge is about, in the words of the statement where it still stands."""
    if thread.about == NARRATIVE:
        return _(PART_NAMES[NARRATIVE])
    for part in parts:
        for statement in part.statements:
            if statement.id == thread.about:
                return statement.text
    return _("A statement that is no longer in the feedback")


@blueprint.route("")
@requires(GET="feedback.read")
def page(rid: str) -> str:
    """The feedback as the reader sees it now, and the challenges to it with their answers."""
    audit_return = _return(rid)
    facts = feedback_facts(session(), audit_return, now=now())
    seen = visible(session(), audit_return, actor=actor(), now=now())
    writes = _writes(audit_return)
    parts = _parts(seen) if seen else ()
    threads = threads_of(session(), audit_return, kinds=("accuracy",))
    every = editions(session(), audit_return.audit_round, now=now())
    return render_template(
        "feedback/page.html",
        audit_return=audit_return,
        audit_round=audit_return.audit_round,
        seen=seen,
        parts=parts,
        threads=[(thread, _short(thread, parts)) for thread in threads],
        challenged={thread.about: thread for thread in reversed(threads)},
        standing=standing(release_of(session(), audit_return.audit_round), now=now()),
        edition=next((one for one in every if seen and one.number == seen.edition), None),
        may_challenge=allows(actor(), "feedback.challenge", facts),
        may_disclose=allows(actor(), "disclosure.read", facts),
        writes=writes,
        versions=versions(session(), audit_return) if writes else [],
        **_way_back(audit_return, below=False),
    )


@blueprint.route("/write", methods=["GET", "POST"])
@requires(GET="feedback.write", POST="feedback.write")
def write(rid: str) -> str | BaseResponse:
    """The inspector's own words to the agency."""
    audit_return = _return(rid, "feedback.write")
    seen = visible(session(), audit_return, actor=actor(), now=now())
    if seen is None:  # nothing is prepared: the page above says how to
        return redirect(url_for("feedback.page", rid=rid), 303)
    narrative, errors = seen.row.narrative, {}
    if request.method == "POST":
        narrative = typed("narrative")
        shown = typed("version")
        try:
            operations.write_narrative(
                session(), rid, narrative=narrative, version=int(shown) if re.fullmatch("[0-9]{1,6}", shown) else 0,
                by=actor(), now=now(),
            )  # fmt: skip
        except NotPossible as reason:
            session().rollback()
            errors["narrative"] = message(reason.message)
            audit_return = _return(rid, "feedback.write")
            seen = visible(session(), audit_return, actor=actor(), now=now())
        else:
            commit()
            flash(_("Saved."), "success")
            return redirect(url_for("feedback.page", rid=rid), 303)
    return render_template(
        "feedback/write.html",
        audit_return=audit_return,
        seen=seen,
        narrative=narrative,
        standing=standing(release_of(session(), audit_return.audit_round), now=now()),
        errors=errors,
        error_list=summary(errors),
        **_way_back(audit_return),
    )


@blueprint.route("/challenge", methods=["GET", "POST"])
@requires(GET="feedback.challenge", POST="feedback.challenge")
def challenge(rid: str) -> str | BaseResponse:
    """The agency says what is wrong in a statement of its draft."""
    audit_return = _return(rid, "feedback.challenge")
    about = typed("about") or asked("about")
    seen = visible(session(), audit_return, actor=actor(), now=now())
    if seen is None or (about != NARRATIVE and seen.content.statement(about) is None):
        raise NotFound
    parts, errors = _parts(seen), {}
    if request.method == "POST":
        try:
            operations.challenge(session(), rid, about=about, text=typed("text"), by=actor(), now=now())
        except NotPossible as reason:
            session().rollback()
            errors["text"] = message(reason.message)
            audit_return = _return(rid, "feedback.challenge")
        else:
            commit()
            flash(_("Your challenge is sent. The answer appears here."), "success")
            return redirect(url_for("feedback.page", rid=rid), 303)
    said = next((one for part in parts for one in part.statements if one.id == about), None)
    return render_template(
        "feedback/challenge.html",
        audit_return=audit_return,
        about=about,
        said=said,
        typed_text=typed("text"),
        errors=errors,
        error_list=summary(errors),
        **_way_back(audit_return),
    )


@blueprint.route("/challenges/<thread>/add", methods=["POST"])
@requires(POST="feedback.challenge")
def add(rid: str, thread: str) -> BaseResponse:
    """The agency adds to its challenge."""
    operations.add_to_challenge(session(), rid, thread, text=typed("text"), by=actor(), now=now())
    commit()
    flash(_("Sent."), "success")
    return redirect(url_for("feedback.page", rid=rid) + f"#thread-{thread}", 303)


@blueprint.route("/challenges/<thread>", methods=["GET", "POST"])
@requires(GET="feedback.write", POST="feedback.write")
def settle(rid: str, thread: str) -> str | BaseResponse:
    """An inspector answers a challenge, and accepts or declines it."""
    audit_return = _return(rid, "feedback.write")
    found = thread_of(session(), audit_return, thread, kinds=("accuracy",))
    errors: dict[str, str] = {}
    if request.method == "POST":
        decision, text, replacement = typed("decision"), typed("text"), typed("replacement")
        if decision not in operations.DECISIONS:
            errors["decision"] = _("Say what you decide.")
        if not text:
            errors["text"] = _("Write what you say to the agency.")
        if decision == "replace" and not replacement:
            errors["replacement"] = _("Write the words that stand in its place.")
        if not errors:
            try:
                operations.settle(
                    session(), rid, thread, decision=decision, text=text, replacement=replacement, by=actor(), now=now()
                )
            except NotPossible as reason:
                session().rollback()
                errors["text"] = message(reason.message)
                audit_return = _return(rid, "feedback.write")
                found = thread_of(session(), audit_return, thread, kinds=("accuracy",))
            else:
                commit()
                flash(_("Your answer is sent."), "success")
                return redirect(url_for("feedback.page", rid=rid), 303)
    seen = visible(session(), audit_return, actor=actor(), now=now())
    return render_template(
        "feedback/settle.html",
        audit_return=audit_return,
        thread=found,
        short=_short(found, _parts(seen) if seen else ()),
        decision=typed("decision"),
        typed_text=typed("text"),
        replacement=typed("replacement"),
        errors=errors,
        error_list=summary(errors),
        **_way_back(audit_return),
    )


@blueprint.route("/versions/<int:version>")
@requires(GET="feedback.write")
def version(rid: str, version: int) -> str:
    """An earlier version of the feedback, for its inspectors."""
    audit_return = _return(rid, "feedback.write")
    row = version_of(session(), audit_return, version)
    document = feedback_document(
        session(), audit_return, row.version, actor=actor(), now=now(), language=language()
    )
    return render_template(
        "feedback/version.html", audit_return=audit_return, row=row, document=document, **_way_back(audit_return)
    )


@blueprint.route("/feedback.json")
@requires(GET="feedback.read")
def data(rid: str) -> Response:
    """The feedback as data, the same as on the page and in the PDF."""
    audit_return = _return(rid)
    document = feedback_document(
        session(), audit_return, actor=actor(), now=now(), language=known(asked("language") or language())
    )
    name = f"{audit_return.audit_round.key}-{audit_return.agency.code}-feedback-{document.version}.json"
    return Response(
        json.dumps(document.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n",
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="{re.sub("[^A-Za-z0-9._-]+", "-", name)}"'},
    )


@blueprint.route("/versions/<int:version>/pdf", methods=["POST"])
@requires(POST="feedback.read")
def pdf(rid: str, version: int) -> BaseResponse:
    """Ask for the PDF of a version that the reader may see."""
    audit_return = _return(rid)
    run = request_feedback(
        session(), audit_return, version, by=actor(), now=now(), enqueue=enqueue(),
        language=known(typed("language") or language()),
    )  # fmt: skip
    commit()
    return redirect(url_for("reports.run_page", run=run.public_id), 303)
