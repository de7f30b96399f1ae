"""Saving answers in the background, as somebody types: JSON in, JSON out. The pages work without it.

What a page does with the answers is in `static/answering.js`. Every answer is saved by itself, with the version it was
based on; what is wrong or disputed comes back with the words to show, and the page keeps it until it is saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import abort, jsonify, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as BaseResponse

from app.db import db
from app.domain.life import NotPossible
from app.domain.message import Message
from app.operations.answers import SaveResult, save_answers, take_theirs
from app.queries.returns import Checklist, Item, checklist, why_closed
from app.web.agency.answering import Dispute, dispute_of, edits_of, forget_untouched, told_errors
from app.web.agency.blueprint import any_return, blueprint, own_return
from app.web.answer_forms import Typed, form_of, read, stored
from app.web.pages import message
from app.web.permissions import requires
from app.web.questions import Shown, parts_of
from app.web.request import actor, commit, now, session

MOST = 200  # answers in one request


@blueprint.route("/answers", methods=["GET", "POST"])
@requires(GET="return.edit", POST="return.edit")
def answers(rid: str) -> BaseResponse | tuple[BaseResponse, int]:
    """The answers of a standard as they stand (GET), or saving some (POST).

    Sent: `{person, page_key, answers: {QUESTION: {fields, based_on, type?, choice?}}}`; `choice` is `theirs` to let
    stand what somebody else saved. Answered: `{person, token, answers: {QUESTION: {…}}}`, each with its `outcome`
    (`saved`, `unchanged`, `wrong`, `disputed`), the `version` that stands, the `parts` of the page that changed, and
    `errors` by field, or the `dispute` with `theirs` and both texts `merged`. 401 without a session, 409 where nothing
    can be changed any more, each with a `message`.
    """
    return _save(rid) if request.method == "POST" else _stand(rid)


def _stand(rid: str) -> BaseResponse:
    audit_return = own_return(rid)
    work = checklist(session(), audit_return)
    closed = why_closed(audit_return, now=now())
    wanted = request.args.get("standard", "")
    return jsonify(
        person=actor().public_id,
        token=generate_csrf(),
        closed=message(closed),
        answers={
            item.id: {**_told(work, item, "stands"), "fields": form_of(item.criterion).typed_of(item.answer.value)}
            for section in work.sections
            if section.standard.id == wanted
            for item in section.items
        },
    )


def _sent(body: Any) -> tuple[str, dict[str, Typed], dict[str, Typed]] | None:
    """The page's key, what to save, and for what theirs shall stand; None where it cannot be read."""
    given = body.get("answers") if isinstance(body, Mapping) else None
    if not isinstance(given, Mapping) or len(given) > MOST:
        return None
    mine: dict[str, Typed] = {}
    theirs: dict[str, Typed] = {}
    for question, one in given.items():
        typed = read(one) if isinstance(one, Mapping) else None
        if typed is None:
            return None
        (theirs if one.get("choice") == "theirs" else mine)[question] = typed
    return str(body.get("page_key", ""))[:64], mine, theirs


def _save(rid: str) -> BaseResponse | tuple[BaseResponse, int]:
    body: Any = request.get_json(silent=True)
    sent = _sent(body)
    if sent is None:
        any_return(rid, "return.edit")  # not theirs: the same answer as for one that is not there
        abort(400)
    key, mine, theirs = sent
    if body.get("person") != actor().public_id:
        # the page is of somebody who has signed out in this browser: it must not save under another name
        words = _("Somebody else is signed in now. Sign in as yourself to save this.")
        return jsonify(why="person", message=words), 409
    try:
        results = []
        if mine or not theirs:
            results.append(save_answers(session(), rid, edits_of(mine, key), by=actor(), now=now()))
        if theirs:
            results.append(take_theirs(session(), rid, edits_of(theirs, key), by=actor(), now=now()))
    except NotPossible as reason:
        db.session.rollback()
        return jsonify(why="closed", message=message(reason.message)), 409
    typed = mine | theirs
    result = results[0]
    for other in results[1:]:
        result.take(other)
    told_errors(result, typed)
    forget_untouched(rid, result, typed)
    told = _outcomes(result, typed)
    # a question that another answer has hidden is saved like any other, and has no place on a page
    stands = result.saved | {name: typed[name].based_on for name in result.unchanged}
    hidden = {name: version for name, version in stands.items() if name not in told}
    told |= {name: {"outcome": "hidden", "version": version} for name, version in hidden.items()}
    # one about a site that was removed meanwhile is not saved, and stays on the page that it was typed on
    told |= {
        name: {"outcome": "wrong", "errors": {field: message(words) for field, words in problems.items()}}
        for name, problems in result.errors.items()
        if name not in told
    }
    answer = jsonify(person=actor().public_id, answers=told)
    commit()
    return answer


def _outcomes(result: SaveResult, typed: Mapping[str, Typed]) -> dict[str, dict[str, Any]]:
    work = result.work
    if work is None:
        return {}
    return {item.id: _outcome(work, item, result, typed[item.id]) for item in work.items if item.id in typed}


def _outcome(work: Checklist, item: Item, result: SaveResult, typed: Typed) -> dict[str, Any]:
    """What became of one answer, and what its page shows now."""
    if item.id in result.errors:
        told = _told(work, item, "wrong", result.errors[item.id])
        return told | {"errors": {name: message(words) for name, words in result.errors[item.id].items()}}
    if item.id in result.conflicts:
        dispute = dispute_of(item, typed, result.conflicts[item.id])
        return _told(work, item, "disputed") | _disputed(dispute)
    outcome = "saved" if item.id in result.saved else "unchanged"
    fields = form_of(item.criterion).typed_of(item.answer.value)
    return _told(work, item, outcome) | {"fields": fields}


def _told(work: Checklist, item: Item, outcome: str, errors: Mapping[str, Message] | None = None) -> dict[str, Any]:
    shown = Shown(item, stored(item.criterion, item.answer.value, item.answer.version), errors or {})
    return {"outcome": outcome, "version": item.answer.version, "parts": parts_of(work, shown)}


def _disputed(dispute: Dispute) -> dict[str, Any]:
    """Both sides of a conflict: to read, and as fields."""
    item = dispute.item
    return {
        "dispute": render_template("agency/dispute_inline.html", dispute=dispute, item=item),
        "theirs": form_of(item.criterion).typed_of(item.answer.value),
        "merged": dict(dispute.merged.fields),
        "message": _("A colleague has saved this answer meanwhile. Both texts are here: choose which should stand."),
    }
