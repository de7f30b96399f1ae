"""What a draft changes, sending it to be published, and publishing or returning it as a second person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.authoring.pieces import Number
from app.catalogue import PACK_FILE
from app.domain.life import NotPossible
from app.domain.versions import compare
from app.languages import NAMES
from app.operations import drafts as operations
from app.operations.drafts import LONGEST_NOTE, DraftConflict
from app.policy import allows
from app.queries.drafts import Work, needs_administrator, published
from app.queries.packs import pack_of
from app.web.drafts.blueprint import (
    blueprint,
    foresee,
    gone_back,
    own_work,
    page_of,
    refused,
    shown_revision,
    spoken,
)
from app.web.gallery import part_words
from app.web.permissions import requires
from app.web.request import actor, begin, commit, now, session, takes_files
from app.web.typed import typed


@blueprint.route("/<did>/compare")
@requires(GET="draft.read")
def compared(did: str) -> tuple[str, int]:
    """What the draft changes of the latest published version, and what that means for carried answers."""
    found = own_work(did)
    if found.checked.pack is None:
        return page_of("not_ready.html", found, what=_("What it changes"))
    return page_of("compare.html", found, **_changes(found))


def _changes(found: Work) -> dict[str, Any]:
    latest = published(session(), found.draft)
    pack = found.checked.pack
    return {
        "latest": latest,
        "found": compare(pack_of(latest), pack) if latest and pack else None,
        "part_words": part_words(),
    }


@blueprint.route("/<did>/send", methods=["GET", "POST"])
@requires(GET="draft.edit", POST="draft.edit")
@takes_files(1)
def send(did: str) -> tuple[str, int] | BaseResponse:
    """Say what is new, and send the draft to be published by somebody else."""
    found = own_work(did, "draft.edit")
    latest = published(session(), found.draft)
    languages = spoken(found)
    content = found.checked.content.get(PACK_FILE, {})
    own = content.get("version")
    suggested = max(own if isinstance(own, int) else 1, latest.version + 1 if latest else 1)
    told = content.get("changes") if not latest or own != latest.version else None
    values = {"version": str(suggested)}
    for language in ("en", *languages):
        words = told.get(language, "") if isinstance(told, dict) else told if language == "en" else ""
        values[f"note-{language}"] = words if isinstance(words, str) else ""
    errors: dict[str, str] = {}
    problem, status = "", 422
    more: dict[str, Any] = {}
    if request.method == "POST":
        values = {name: typed(name) for name in values}
        given = values["version"]
        if not (given.isascii() and given.isdigit() and 0 < len(given) < 7 and int(given)):
            errors["version"] = _("Enter a whole number, such as %(number)s.", number=suggested)
        elif latest and int(given) <= latest.version:
            errors["version"] = _(
                "Version %(latest)s is published, so this must be version %(next)s or higher.",
                latest=latest.version, next=latest.version + 1,
            )  # fmt: skip
        if latest and not values["note-en"]:
            errors["note-en"] = _("Say what is new in this version.")
        for name, words in values.items():
            if name != "version" and len(words) > LONGEST_NOTE:
                errors[name] = _("Use up to %(number)s characters.", number=LONGEST_NOTE)
        if not errors:
            note = {name.removeprefix("note-"): words for name, words in values.items() if name != "version"}
            made = Number(int(given), note)
            foresee(did, made)
            begin()
            try:
                operations.send(session(), did, made, revision=shown_revision(), by=actor(), now=now())
            except (NotPossible, DraftConflict) as reason:
                session().rollback()
                problem = refused(reason)
                found = own_work(did, "draft.edit")
                if isinstance(reason, DraftConflict):
                    # the page leads to what it is: to send it all the same is a decision
                    status, more = 409, {"conflict": True, "revision": found.draft.revision}
            else:
                commit()
                flash(_("Sent. Somebody else has to look at it and publish it."), "success")
                return redirect(url_for("drafts.page", did=did), 303)
    summary = [{"text": words, "href": f"#{name}"} for name, words in errors.items()]
    if problem:
        summary.insert(0, {"text": problem, "href": ""})
    return page_of(
        "send.html", found, status=status if summary else 200, values=values, errors=errors, error_list=summary,
        spoken=[(language, NAMES.get(language, language)) for language in languages],
        needs_administrator=_needs_administrator(found), **_changes(found), **more,
    )  # fmt: skip


def _needs_administrator(found: Work) -> bool:
    pack = found.checked.pack
    return pack is not None and needs_administrator(session(), found.draft, list(pack.oversight_bodies))


@blueprint.route("/<did>/decide", methods=["GET", "POST"])
@requires(GET="draft.publish", POST="draft.publish")
@takes_files(1)
def decide(did: str) -> tuple[str, int] | BaseResponse:
    """Look at what somebody else sent, and publish it or return it with a reason."""
    found = own_work(did, "draft.publish")
    if found.draft.state != "sent":
        flash(_("This draft does not wait to be published."), "error")
        return redirect(url_for("drafts.page", did=did), 303)
    errors: dict[str, str] = {}
    problem = ""
    more: dict[str, Any] = {}
    if request.method == "POST":
        decision = typed("decision")
        if decision not in ("publish", "return"):
            errors["decision"] = _("Choose whether to publish it or to return it.")
        elif decision == "return" and not typed("reason"):
            errors["reason"] = _("Say why you return it, so that it can be mended.")
        elif decision == "return" and len(typed("reason")) > LONGEST_NOTE:
            errors["reason"] = _("Use up to %(number)s characters.", number=LONGEST_NOTE)
        else:
            begin()
            try:
                if decision == "publish":
                    version = operations.publish(session(), did, revision=shown_revision(), by=actor(), now=now())
                    words = _("Version %(number)s is published. Rounds can use it now.", number=version.version)
                else:
                    operations.give_back(session(), did, reason=typed("reason"), by=actor(), now=now())
                    words = _("Returned. Those who work on it see why.")
            except (NotPossible, DraftConflict) as reason:
                session().rollback()
                problem = refused(reason)
                found = own_work(did, "draft.publish")
                if isinstance(reason, DraftConflict):
                    more = {"revision": found.draft.revision}  # the page shows what that changes
            else:
                commit()
                flash(words, "success")
                return redirect(url_for("drafts.page", did=did), 303)
    summary = [{"text": words, "href": f"#{name}"} for name, words in errors.items()]
    if problem:
        summary.insert(0, {"text": problem, "href": ""})
    second = operations.why_not_second(found.draft, actor())
    by_others = _needs_administrator(found) and not allows(actor(), "service.administer")
    return page_of(
        "decide.html", found, status=422 if summary else 200, errors=errors, error_list=summary,
        decision=typed("decision"), reason=typed("reason"), not_second=refused(second) if second else "",
        needs_administrator=by_others, **_changes(found), **more,
    )  # fmt: skip


@blueprint.route("/<did>/take-back", methods=["POST"])
@requires(POST="draft.edit")
def take_back(did: str) -> BaseResponse:
    """Go on with a draft that was sent or set aside."""
    return _done(did, lambda: operations.take_back(session(), did, by=actor(), now=now()), _("You can go on with it."))


@blueprint.route("/<did>/set-aside", methods=["GET", "POST"])
@requires(GET="draft.edit", POST="draft.edit")
def set_aside(did: str) -> tuple[str, int] | BaseResponse:
    """Ask whether a draft is to be set aside, and do so. Nothing is deleted."""
    found = own_work(did, "draft.edit")
    if request.method == "POST":
        words = _("Set aside. Nothing of it is deleted; you can take it up again.")
        return _done(did, lambda: operations.set_aside(session(), did, by=actor(), now=now()), words)
    return page_of("set_aside.html", found)


def _done(did: str, operation: Callable[[], object], words: str) -> BaseResponse:
    problem: NotPossible | DraftConflict | None = None
    try:
        operation()
    except (NotPossible, DraftConflict) as reason:
        session().rollback()
        problem = reason
    else:
        commit()
    return gone_back(url_for("drafts.page", did=did), problem, words)

