"""Feedback to one agency: read by its people in their time, written and settled by its inspectors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
from app.queries.letters import letters_of, opens_letter
from app.queries.release import (
    Published,
    Visible,
    challenged,
    editions,
    feedback_document,
    feedback_facts,
    get_feedback_return,
    published_versions,
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
from app.web.kept import page_not_taken
from app.web.oversight.blueprint import round_crumbs
from app.web.pages import language, message, moment
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


@dataclass(frozen=True)
class Challenge:
    """A challenge as the page shows it: `short` names the statement, in the words that were challenged; `words` stood
    with it. `now`: what stands in its place, where that reads otherwise; `is_gone`: nothing does.
    """

    thread: Thread
    short: str
    words: str = ""
    now: str = ""
    is_gone: bool = False


def _challenges(
    audit_return: AuditReturn, threads: Sequence[Thread], parts: tuple[SaidPart, ...]
) -> list[Challenge]:
    """The challenges with the words that were challenged; `parts`: the feedback that the reader sees, if any."""
    then = challenged(session(), audit_return, threads, language=language())
    now_said = {one.id: one for part in parts for one in part.statements}
    found = []
    for thread in threads:
        said, stands = then.get(thread.public_id), now_said.get(thread.about)
        if thread.about == NARRATIVE:
            # between the window and publication an agency reads no draft: not the inspector's own words either
            changed = said and parts and (stands is None or stands.text != said.text)
            short, words = _(PART_NAMES[NARRATIVE]), said.text if said and changed else ""
        elif said:
            short, words = said.text, said.words
        else:
            short, words = stands.text if stands else _("A statement of the draft"), ""
        now_words = "\n".join(filter(None, (stands.text, stands.words))) if stands else ""
        same = said is None or stands is None or (said.text, said.words) == (stands.text, stands.words)
        found.append(Challenge(thread, short, words, "" if same else now_words, bool(parts) and stands is None))
    return found


@blueprint.route("")
@requires(GET="feedback.read")
def page(rid: str) -> str:
    """The feedback as the reader sees it now, and the challenges to it with their answers."""
    return _page(_return(rid))


def _page(audit_return: AuditReturn, adding: Mapping[str, str] | None = None, wrong: str = "") -> str:
    """The page; with `adding`, thread to what was typed to add to it, and what is wrong with that."""
    facts = feedback_facts(session(), audit_return, now=now())
    seen = visible(session(), audit_return, actor=actor(), now=now())
    writes = _writes(audit_return)
    parts = _parts(seen) if seen else ()
    threads = threads_of(session(), audit_return, kinds=("accuracy",))
    every = {one.number: one for one in editions(session(), audit_return.audit_round, now=now())}
    came_out = published_versions(session(), audit_return, now=now())
    return render_template(
        "feedback/page.html",
        audit_return=audit_return,
        audit_round=audit_return.audit_round,
        seen=seen,
        parts=parts,
        challenges=_challenges(audit_return, threads, parts),
        challenged={thread.about: thread for thread in reversed(threads)},
        standing=standing(release_of(session(), audit_return.audit_round), now=now()),
        edition=every.get(seen.edition) if seen else None,
        corrected=_what_was_corrected(seen, every, came_out),
        # the newest edition that each of the other versions came out with
        earlier=sorted(
            (
                (every[number], version)
                for version, number in {version: number for number, version in reversed(came_out.items())}.items()
                if seen is None or version != seen.row.version
            ),
            key=lambda one: -one[0].number,
        ),
        may_challenge=allows(actor(), "feedback.challenge", facts),
        may_disclose=allows(actor(), "disclosure.read", facts),
        has_letter=bool(letters_of(session(), audit_return.audit_round, actor=actor(), now=now())),
        writes=writes,
        versions=versions(session(), audit_return) if writes else [],
        adding=adding or {},
        wrong=wrong,
        error_list=[{"text": wrong, "href": f"#text-{key}"} for key in adding or {}],
        **_way_back(audit_return, below=False),
    )


def _what_was_corrected(seen: Visible | None, every: Mapping[int, Published], came_out: Mapping[int, int]) -> str:
    """Why the version that is shown took the place of another that had been published; empty where it did not.

    `came_out` is the number of an edition to the version in it.
    """
    if seen is None or seen.is_draft:
        return ""
    first = min((number for number, version in came_out.items() if version == seen.row.version), default=0)
    if not any(number < first for number in came_out):
        return ""
    return seen.row.reason or every[first].reason


@blueprint.route("/write", methods=["GET", "POST"])
@requires(GET="feedback.write", POST="feedback.write")
def write(rid: str) -> tuple[str, int] | BaseResponse:
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
    page = render_template(
        "feedback/write.html",
        audit_return=audit_return,
        seen=seen,
        narrative=narrative,
        opens_letter=opens_letter(audit_return),
        standing=standing(release_of(session(), audit_return.audit_round), now=now()),
        errors=errors,
        error_list=summary(errors),
        **_way_back(audit_return),
    )
    return page, 422 if errors else 200


@blueprint.route("/challenge", methods=["GET", "POST"])
@requires(GET="feedback.challenge", POST="feedback.challenge")
def challenge(rid: str) -> tuple[str, int] | BaseResponse:
    """The agency says what is wrong in a statement of its draft. What comes too late is shown again, to copy."""
    try:
        audit_return = _return(rid, "feedback.challenge")
    except NotFound:
        return _too_late(rid)
    about = typed("about") or asked("about")
    seen = visible(session(), audit_return, actor=actor(), now=now())
    if seen is None or (request.method == "GET" and about != NARRATIVE and seen.content.statement(about) is None):
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
    page = render_template(
        "feedback/challenge.html",
        audit_return=audit_return,
        about=about,
        said=said,
        typed_text=typed("text"),
        errors=errors,
        error_list=summary(errors),
        **_way_back(audit_return),
    )
    return page, 422 if errors else 200


def _too_late(rid: str) -> tuple[str, int]:
    """What an agency typed after the time to challenge its draft, to copy. Raises NotFound where nothing was typed, or
    they may not know of the feedback.
    """
    session().rollback()
    text = typed("text")
    if request.method != "POST" or not text:
        raise NotFound
    audit_return = _return(rid)
    at = standing(release_of(session(), audit_return.audit_round), now=now())
    if at.publication == "published":
        why = _(
            "The feedback was published on %(when)s, so its draft can no longer be challenged.",
            when=moment(at.publish_at),
        )
    elif at.closes and at.window == "over":
        why = _("The window to check the draft closed on %(when)s, so this came too late.", when=moment(at.closes))
    else:
        raise NotFound
    why += " " + _("If something in the feedback is wrong, write to the oversight body.")
    back = {"href": url_for("feedback.page", rid=rid), "text": _("Back to the feedback")}
    return page_not_taken(why, [("", text)], back=back)


@blueprint.route("/challenges/<thread>/add", methods=["POST"])
@requires(POST="feedback.challenge")
def add(rid: str, thread: str) -> tuple[str, int] | BaseResponse:
    """The agency adds to its challenge. What cannot be added is shown again."""
    try:
        operations.add_to_challenge(session(), rid, thread, text=typed("text"), by=actor(), now=now())
    except NotFound:
        return _too_late(rid)
    except NotPossible as reason:
        session().rollback()
        words = message(reason.message)
        audit_return = _return(rid)
        if thread_of(session(), audit_return, thread, kinds=("accuracy",)).state != "closed":
            return _page(audit_return, {thread: typed("text")}, words), 422
        back = {"href": url_for("feedback.page", rid=rid) + f"#thread-{thread}", "text": _("Back to the feedback")}
        return page_not_taken(words, [("", typed("text"))], back=back)
    commit()
    flash(_("Sent."), "success")
    return redirect(url_for("feedback.page", rid=rid) + f"#thread-{thread}", 303)


@blueprint.route("/challenges/<thread>", methods=["GET", "POST"])
@requires(GET="feedback.write", POST="feedback.write")
def settle(rid: str, thread: str) -> tuple[str, int] | BaseResponse:
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
    page = render_template(
        "feedback/settle.html",
        audit_return=audit_return,
        thread=found,
        challenge=_challenges(audit_return, [found], _parts(seen) if seen else ())[0],
        decision=typed("decision"),
        typed_text=typed("text"),
        replacement=typed("replacement"),
        errors=errors,
        error_list=summary(errors),
        **_way_back(audit_return),
    )
    return page, 422 if errors else 200


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
    """The feedback as data, the same as on the page and in the PDF; with `version`, one that the reader may see."""
    audit_return = _return(rid)
    number = asked("version")
    document = feedback_document(
        session(), audit_return, int(number) if re.fullmatch("[0-9]{1,6}", number) else 0, actor=actor(), now=now(),
        language=known(asked("language") or language()),
    )  # fmt: skip
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
