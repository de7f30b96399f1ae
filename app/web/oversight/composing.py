"""Composing the joint report: chapters and what is written in them, key messages, recommendations, sign-off."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import SequenceMatcher
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from app.domain.composing import (
    Chapter,
    Composition,
    Recommendation,
    Words,
    in_line,
    read_narrative,
)
from app.domain.composing_facts import ANNEXES, Fact
from app.domain.life import NotPossible
from app.models import AuditRound
from app.operations import composing as operations
from app.policy import allows
from app.queries.composing import (
    Desk,
    comments,
    desk,
    get_composed_round,
    sign_offs,
    signing_bodies,
    to_quote,
    version_numbered,
    versions,
)
from app.queries.rounds import NotFound, round_facts
from app.web.oversight.blueprint import round_crumbs
from app.web.pages import language, message
from app.web.permissions import requires
from app.web.request import actor, begin, commit, now, reads_first, session
from app.web.typed import TypedDay, asked, page_asked, read_day, summary, typed
from reports import worker
from reports.registry import reports
from reports.web import Link, policy, screen

blueprint = Blueprint("composing", __name__)

REPORT = "joint-findings"
FACTS_SHOWN = 100  # on a page of figures
QUOTES_BESIDE = 40  # a chapter; all of them have a page
VERSIONS_SHOWN = 25
LANGUAGES = ("en", "cy")


def _round(rid: str, permission: str = "composing.read") -> AuditRound:
    return get_composed_round(session(), rid, actor=actor(), now=now(), permission=permission)


def _desk(audit_round: AuditRound, in_language: str = "") -> Desk:
    return desk(session(), audit_round, actor=actor(), now=now(), language=in_language or language())


def _crumbs(audit_round: AuditRound, *below: tuple[str, str]) -> list[dict[str, str]]:
    here = (_("Write the report"), url_for("composing.overview", rid=audit_round.public_id))
    return round_crumbs(audit_round, here, *below)


def _to(rid: str, words: str, endpoint: str = "composing.overview", **values: Any) -> BaseResponse:
    commit()
    flash(words, "success")
    return redirect(url_for(endpoint, rid=rid, **values), 303)


def _note(rid: str, problem: NotPossible, endpoint: str = "composing.overview", **values: Any) -> BaseResponse:
    """Back to where a button stood, with the reason why what it does cannot be done now."""
    session().rollback()
    flash(message(problem.message), "note")
    return redirect(url_for(endpoint, rid=rid, **values), 303)


def _typed_words(name: str) -> dict[str, str]:
    return {one: typed(f"{name}-{one}") for one in LANGUAGES}


def _based_on() -> int:
    given = typed("version")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 8 else 0


def _ahead(
    rid: str, *sent: Mapping[str, str], proposals: bool = False, permission: str = "composing.edit"
) -> operations.Ahead:
    """What a save of texts will need, read before it begins."""
    texts = {one: " ".join(words.get(one, "") for words in sent) for one in LANGUAGES}
    found = operations.read_ahead(
        session(), rid, by=actor(), now=now(), texts=texts, proposals=proposals, permission=permission
    )
    begin()
    return found


def _attempt(action: Callable[[], Any], errors: dict[str, str], field: str) -> bool:
    """Do something; what is wrong goes into `errors` under its field, or under `field`."""
    try:
        action()
    except operations.NotSaved as wrong:
        session().rollback()
        errors.update({name: message(problem) for name, problem in wrong.fields.items()})
    except NotPossible as problem:
        session().rollback()
        errors[field] = message(problem.message)
    return not errors


# --- the overview ----------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/composing")
@requires(GET="composing.read")
def overview(rid: str) -> str:
    """The chapters in their order, what is written in each, and who has signed the report off."""
    audit_round = _round(rid)
    here = _desk(audit_round)
    every = comments(session(), audit_round)
    bodies = signing_bodies(session(), audit_round)
    signed = sign_offs(session(), here.version) if here.version else {}
    return render_template(
        "oversight/composing/overview.html",
        audit_round=audit_round,
        desk=here,
        rows=[
            {
                "chapter": chapter,
                "title": here.title(chapter),
                "number": here.known.chapters.get(chapter.key, ""),
                "words": _count(chapter),
                "comments": sum(one.chapter == chapter.key and one.resolved_at is None for one in every),
                "can": _can_move(here.chapters, place),
            }
            for place, chapter in enumerate(here.chapters)
        ],
        bodies=[(body, signed.get(body.id), operations.may_sign_for(actor(), body)) for body in bodies],
        problems=here.problems(),
        numbers=here.typed_numbers(),
        undecided=here.undecided(),
        open_comments=sum(one.resolved_at is None for one in every),
        may_sign=allows(actor(), "composing.sign_off", round_facts(session(), audit_round, now=now())),
        breadcrumbs=round_crumbs(audit_round),
    )


def _count(chapter: Chapter) -> int:
    """How many words are written in a chapter, in the language that has more."""
    return max(len(f"{getattr(chapter.before, one)} {getattr(chapter.after, one)}".split()) for one in LANGUAGES)


def _can_move(chapters: list[Chapter], place: int) -> dict[str, bool]:
    annex = chapters[place].key in ANNEXES

    def fits(other: int) -> bool:
        return 0 <= other < len(chapters) and (chapters[other].key in ANNEXES) == annex

    return {"up": fits(place - 1), "down": fits(place + 1)}


@blueprint.route("/rounds/<rid>/composing/chapters/<chapter>/move", methods=["POST"])
@requires(POST="composing.edit")
@reads_first
def move(rid: str, chapter: str) -> BaseResponse:
    """Move a chapter one place up or down."""
    ahead = _ahead(rid)
    try:
        operations.move_chapter(session(), rid, chapter, up=typed("to") == "up", by=actor(), now=now(), ahead=ahead)
    except NotPossible as problem:
        return _note(rid, problem)
    commit()
    return redirect(url_for("composing.overview", rid=rid, _anchor=f"chapter-{chapter}"), 303)


@blueprint.route("/rounds/<rid>/composing/chapters/<chapter>/show", methods=["POST"])
@requires(POST="composing.edit")
@reads_first
def show(rid: str, chapter: str) -> BaseResponse:
    """Leave a chapter out of the report, or take it in again."""
    hidden, ahead = typed("hidden") == "yes", _ahead(rid)
    try:
        operations.hide_chapter(session(), rid, chapter, hidden=hidden, by=actor(), now=now(), ahead=ahead)
    except NotPossible as problem:
        return _note(rid, problem)
    return _to(rid, _("The chapter is left out.") if hidden else _("The chapter is in the report again."))


@blueprint.route("/rounds/<rid>/composing/new-chapter", methods=["GET", "POST"])
@requires(GET="composing.edit", POST="composing.edit")
@reads_first
def new_chapter(rid: str) -> tuple[str, int] | BaseResponse:
    """A chapter of one's own: its title; what stands in it is written on its page."""
    audit_round = _round(rid, "composing.edit")
    errors: dict[str, str] = {}
    title = _typed_words("title")
    if request.method == "POST":
        made, ahead = [], _ahead(rid)
        if _attempt(
            lambda: made.append(
                operations.add_chapter(session(), rid, title=title, by=actor(), now=now(), ahead=ahead)
            ),
            errors, "title-en",
        ):  # fmt: skip
            return _to(rid, _("The chapter is added. Now write it."), "composing.chapter", chapter=made[0])
        audit_round = _round(rid, "composing.edit")
    page = render_template(
        "oversight/composing/new_chapter.html",
        audit_round=audit_round,
        title_typed=title,
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=_crumbs(audit_round),
    )
    return page, 422 if errors else 200


# --- one chapter -----------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/composing/chapters/<chapter>", methods=["GET", "POST"])
@requires(GET="composing.read", POST="composing.edit")
@reads_first
def chapter(rid: str, chapter: str) -> tuple[str, int] | BaseResponse:
    """What is written before and after the figures of a chapter, what can be put in, and how it reads."""
    audit_round = _round(rid)
    errors: dict[str, str] = {}
    sent = {name: _typed_words(name) for name in ("title", "before", "after")}
    saved = None
    if request.method == "POST":
        looks_only = typed("step") == "look"
        if not looks_only and _attempt(
            lambda: operations.save_chapter(
                session(), rid, chapter, before=sent["before"], after=sent["after"], title=sent["title"],
                based_on=_based_on(), by=actor(), now=now(), ahead=_ahead(rid, sent["before"], sent["after"]),
            ),
            errors, "before-en",
        ):  # fmt: skip
            return _to(rid, _("Saved."), "composing.chapter", chapter=chapter)
        audit_round = _round(rid)
    here = _desk(audit_round)
    found = next((one for one in here.chapters if one.key == chapter), None)
    if found is None:
        raise NotFound
    if request.method == "POST":
        saved = found
        found = found.model_copy(
            update={name: Words(**words) for name, words in sent.items() if name != "title" or found.is_own}
        )
    page = render_template(
        "oversight/composing/chapter.html",
        audit_round=audit_round,
        desk=here,
        chapter=found,
        # what somebody else saved meanwhile, to be read beside one's own words
        saved=saved if saved and errors and here.number != _based_on() else None,
        name=here.title(found),
        version=here.number if request.method == "GET" or errors else _based_on(),
        parts=_shown(here, found),
        facts=_beside(here, found),
        figures=here.known.figures,
        quotes=here.to_quote(actor())[:QUOTES_BESIDE],
        titles=[(key, here.title(here.composition.chapter(key)), name) for key, name in here.known.chapters.items()],
        notes=[one for one in comments(session(), audit_round) if one.chapter == chapter],
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=_crumbs(audit_round),
    )
    return page, 422 if errors else 200


def _shown(here: Desk, chapter: Chapter) -> dict[str, list[dict[str, Any]]]:
    """How the texts of a chapter read, by place, in the reader's language, and what is wrong with them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for where in ("before", "after"):
        text, other = getattr(chapter, where).in_(here.findings.language)
        read = read_narrative(text, here.known, other)
        found[where] = [part.model_dump() for part in read.parts]
    return found


def _beside(here: Desk, chapter: Chapter) -> list[tuple[str, list[Fact]]]:
    """The figures that a writer of a chapter most likely needs, by group: those of the chapter, else the whole's."""
    of_chapter = {
        fact.group: [one for one in here.known.facts.values() if one.group == fact.group]
        for fact in here.known.facts.values()
        if fact.group == here.title(chapter)
    }
    if of_chapter:
        return list(of_chapter.items())
    groups: dict[str, list[Fact]] = {}
    for fact in here.known.facts.values():
        if not fact.key.startswith("criterion."):
            groups.setdefault(fact.group, []).append(fact)
    return list(groups.items())


@blueprint.route("/rounds/<rid>/composing/chapters/<chapter>/remove", methods=["GET", "POST"])
@requires(GET="composing.edit", POST="composing.edit")
def remove(rid: str, chapter: str) -> str | BaseResponse:
    """Take a chapter of one's own away, after a page that asks."""
    audit_round = _round(rid, "composing.edit")
    if request.method == "POST":
        operations.remove_chapter(session(), rid, chapter, by=actor(), now=now())
        return _to(rid, _("The chapter is taken away. Earlier versions keep it."))
    here = _desk(audit_round)
    found = next((one for one in here.chapters if one.key == chapter and one.is_own), None)
    if found is None:
        raise NotFound
    return render_template(
        "oversight/composing/remove.html",
        audit_round=audit_round,
        name=here.title(found),
        error_list=[],
        breadcrumbs=_crumbs(audit_round, (here.title(found), url_for("composing.chapter", rid=rid, chapter=chapter))),
    )


@blueprint.route("/rounds/<rid>/composing/chapters/<chapter>/comments", methods=["POST"])
@requires(POST="composing.edit")
@reads_first
def comment(rid: str, chapter: str) -> BaseResponse | tuple[str, int]:
    """Say something about a chapter to the others who compose the report."""
    errors: dict[str, str] = {}
    text = typed("comment")
    if _attempt(
        lambda: operations.comment(session(), rid, chapter, text=text, by=actor(), now=now(), ahead=_ahead(rid)),
        errors, "comment",
    ):  # fmt: skip
        return _to(rid, _("Your comment stands below the chapter."), "composing.chapter", chapter=chapter)
    audit_round = _round(rid, "composing.edit")
    here = _desk(audit_round)
    found = next((one for one in here.chapters if one.key == chapter), None)
    if found is None:
        raise NotFound
    page = render_template(
        "oversight/composing/comment.html",
        audit_round=audit_round,
        name=here.title(found),
        text=text,
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=_crumbs(audit_round, (here.title(found), url_for("composing.chapter", rid=rid, chapter=chapter))),
    )
    return page, 422


@blueprint.route("/rounds/<rid>/composing/comments/<comment>/resolve", methods=["POST"])
@requires(POST="composing.edit")
def resolve(rid: str, comment: str) -> BaseResponse:
    """Say that a comment is dealt with."""
    row = operations.resolve(session(), rid, comment, by=actor(), now=now())
    return _to(rid, _("The comment is resolved."), "composing.chapter", chapter=row.chapter)


# --- what can be put in ----------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/composing/facts")
@requires(GET="composing.read")
def facts(rid: str) -> str:
    """Every figure that a text can refer to, to be searched: what it is, what it says now, and what to type."""
    audit_round = _round(rid)
    here = _desk(audit_round)
    wanted = asked("text").casefold().split()
    found = [
        one
        for one in here.known.facts.values()
        if all(word in f"{one.group} {one.label} {one.key}".casefold() for word in wanted)
    ]
    pages = max(1, -(-len(found) // FACTS_SHOWN))
    page = min(max(1, page_asked()), pages)
    return render_template(
        "oversight/composing/facts.html",
        audit_round=audit_round,
        facts=found[(page - 1) * FACTS_SHOWN : page * FACTS_SHOWN],
        number=len(found),
        page=page,
        pages=pages,
        text=asked("text"),
        figures=here.known.figures,
        breadcrumbs=_crumbs(audit_round),
    )


@blueprint.route("/rounds/<rid>/composing/quotations")
@requires(GET="composing.read")
def quotations(rid: str) -> str:
    """What agencies said in the answers that are marked as examples, and what to type to quote them."""
    audit_round = _round(rid)
    found = to_quote(session(), audit_round, actor=actor(), language=language())
    size = 25
    pages = max(1, -(-len(found) // size))
    page = min(max(1, page_asked()), pages)
    return render_template(
        "oversight/composing/quotations.html",
        audit_round=audit_round,
        quotes=found[(page - 1) * size : page * size],
        page=page,
        pages=pages,
        breadcrumbs=_crumbs(audit_round),
    )


# --- key messages ----------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/composing/messages", methods=["GET", "POST"])
@requires(GET="composing.read", POST="composing.edit")
@reads_first
def messages(rid: str) -> str | BaseResponse:
    """The key messages that rules propose, each to be accepted, edited or dropped."""
    audit_round = _round(rid)
    if request.method == "POST":
        rule, state, ahead = typed("rule"), typed("state"), _ahead(rid, proposals=True)
        try:
            operations.decide(
                session(), rid, rule, state=state if state in ("accepted", "dropped") else "", based_on=_based_on(),
                by=actor(), now=now(), ahead=ahead,
            )  # fmt: skip
        except NotPossible as problem:
            return _note(rid, problem, "composing.messages")
        commit()
        return redirect(url_for("composing.messages", rid=rid, _anchor=_anchor(rule)), 303)
    here = _desk(audit_round)
    usual = {one.rule for one in here.findings.key_messages}
    return render_template(
        "oversight/composing/messages.html",
        audit_round=audit_round,
        desk=here,
        rows=[
            {
                "message": one, "choice": here.composition.choice(one.rule), "usual": one.rule in usual,
                "anchor": _anchor(one.rule),
            }
            for one in here.proposed
        ],
        words=lambda sentence: sentence.rendered(here.translate),
        in_line=lambda words: in_line(words.in_(here.findings.language)[0], here.known)[0],
        breadcrumbs=_crumbs(audit_round),
    )  # fmt: skip


def _anchor(rule: str) -> str:
    return "m-" + "".join(character if character.isalnum() else "-" for character in rule)


@blueprint.route("/rounds/<rid>/composing/messages/edit", methods=["GET", "POST"])
@requires(GET="composing.edit", POST="composing.edit")
@reads_first
def edit_message(rid: str) -> tuple[str, int] | BaseResponse:
    """Say a key message in one's own words; its figure stays that of the data."""
    audit_round = _round(rid, "composing.edit")
    rule = asked("rule")
    errors: dict[str, str] = {}
    sent = {name: _typed_words(name) for name in ("heading", "text")}
    if request.method == "POST":
        if _attempt(
            lambda: operations.decide(
                session(), rid, rule, state="edited", heading=sent["heading"], text=sent["text"],
                based_on=_based_on(), by=actor(), now=now(),
                ahead=_ahead(rid, sent["heading"], sent["text"], proposals=True),
            ),
            errors, "text-en",
        ):  # fmt: skip
            return _to(rid, _("The key message is saved."), "composing.messages", _anchor=_anchor(rule))
        audit_round = _round(rid, "composing.edit")
    here = _desk(audit_round)
    proposed = next((one for one in here.proposed if one.rule == rule), None)
    choice = here.composition.choice(rule)
    if proposed is None:
        raise NotFound
    if request.method == "GET":
        if choice and choice.state == "edited":
            sent = {"heading": choice.heading.model_dump(), "text": choice.text.model_dump()}
        else:
            # the words of the rule to begin with, in the language that they are in
            own = {"en": "", "cy": ""} | {here.findings.language: ""}
            sent = {"heading": dict(own), "text": dict(own)}
            for name, sentence in (("heading", proposed.heading), ("text", proposed.sentence)):
                sent[name]["en"] = sentence.text if here.findings.language == "en" else ""
                if here.findings.language != "en":
                    sent[name][here.findings.language] = sentence.rendered(here.translate)
    page = render_template(
        "oversight/composing/edit_message.html",
        audit_round=audit_round,
        desk=here,
        message=proposed,
        words=lambda sentence: sentence.rendered(here.translate),
        sent=sent,
        saved=choice if errors and choice and choice.state == "edited" and here.number != _based_on() else None,
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=_crumbs(audit_round, (_("Key messages"), url_for("composing.messages", rid=rid))),
    )
    return page, 422 if errors else 200


# --- recommendations -------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/composing/recommendations")
@requires(GET="composing.read")
def recommendations(rid: str) -> str:
    """What the report recommends, numbered as it will stand in it."""
    audit_round = _round(rid)
    here = _desk(audit_round)
    return render_template(
        "oversight/composing/recommendations.html",
        audit_round=audit_round,
        desk=here,
        rows=[
            (
                one,
                in_line(one.text.in_(language())[0], here.known)[0],
                here.addressees.get((one.agency_type, one.body), ""),
            )
            for one in here.composition.recommendations
        ],
        breadcrumbs=_crumbs(audit_round),
    )


def _recommendation(content: Composition, key: str) -> Recommendation | None:
    return next((one for one in content.recommendations if one.key == key), None)


@blueprint.route("/rounds/<rid>/composing/recommendations/edit", methods=["GET", "POST"])
@requires(GET="composing.edit", POST="composing.edit")
@reads_first
def edit_recommendation(rid: str) -> tuple[str, int] | BaseResponse:
    """A new recommendation, or (`key` in the address) one that is there."""
    audit_round = _round(rid, "composing.edit")
    key = asked("key")
    errors: dict[str, str] = {}
    text, addressee, due = _typed_words("text"), typed("addressee"), TypedDay()
    if request.method == "POST":
        due, day = read_day("due", errors, optional=True)
        if not errors and _attempt(
            lambda: operations.save_recommendation(
                session(), rid, key, text=text, addressee=addressee, due=day, based_on=_based_on(), by=actor(),
                now=now(), ahead=_ahead(rid, text),
            ),
            errors, "text-en",
        ):  # fmt: skip
            return _to(rid, _("The recommendation is saved."), "composing.recommendations")
        audit_round = _round(rid, "composing.edit")
    here = _desk(audit_round)
    found = _recommendation(here.composition, key)
    if key and found is None:
        raise NotFound
    if request.method == "GET" and found:
        text, due = found.text.model_dump(), TypedDay.of(found.due)
        addressee = f"type:{found.agency_type}" if found.agency_type else f"body:{found.body}"
    page = render_template(
        "oversight/composing/edit_recommendation.html",
        audit_round=audit_round,
        desk=here,
        is_new=not key,
        text=text,
        addressee=addressee,
        due=due,
        choices=[
            {"value": f"type:{kind}" if kind else f"body:{body}", "text": name}
            for (kind, body), name in here.addressees.items()
        ],
        saved=found if errors and found and here.number != _based_on() else None,
        errors=errors,
        error_list=summary(errors, ("due",)),
        breadcrumbs=_crumbs(audit_round, (_("Recommendations"), url_for("composing.recommendations", rid=rid))),
    )
    return page, 422 if errors else 200


@blueprint.route("/rounds/<rid>/composing/recommendations/move", methods=["POST"])
@requires(POST="composing.edit")
def move_recommendation(rid: str) -> BaseResponse:
    """Move a recommendation one place up or down."""
    try:
        operations.move_recommendation(session(), rid, typed("key"), up=typed("to") == "up", by=actor(), now=now())
    except NotPossible as problem:
        return _note(rid, problem, "composing.recommendations")
    commit()
    return redirect(url_for("composing.recommendations", rid=rid), 303)


@blueprint.route("/rounds/<rid>/composing/recommendations/remove", methods=["GET", "POST"])
@requires(GET="composing.edit", POST="composing.edit")
def remove_recommendation(rid: str) -> str | BaseResponse:
    """Take a recommendation out of the report, after a page that asks."""
    audit_round = _round(rid, "composing.edit")
    key = asked("key")
    if request.method == "POST":
        operations.remove_recommendation(session(), rid, key, by=actor(), now=now())
        return _to(rid, _("The recommendation is taken out."), "composing.recommendations")
    found = _recommendation(_desk(audit_round).composition, key)
    if found is None:
        raise NotFound
    return render_template(
        "oversight/composing/remove.html",
        audit_round=audit_round,
        recommendation=found.text.en,
        error_list=[],
        breadcrumbs=_crumbs(audit_round, (_("Recommendations"), url_for("composing.recommendations", rid=rid))),
    )


# --- looking it over -------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/composing/check")
@requires(GET="composing.read")
def check(rid: str) -> str:
    """What to look at before signing off: numbers typed by hand, references to nothing, what nobody decided."""
    audit_round = _round(rid)
    here = _desk(audit_round)
    bodies = signing_bodies(session(), audit_round)
    signed = sign_offs(session(), here.version) if here.version else {}
    return render_template(
        "oversight/composing/check.html",
        audit_round=audit_round,
        desk=here,
        problems=here.problems(),
        numbers=here.typed_numbers(),
        named=here.named(),
        undecided=[one.heading.rendered(here.translate) for one in here.undecided()],
        empty=[here.title(one) for one in here.chapters if one.is_own and not one.is_hidden and not _count(one)],
        only_english=sorted(
            {here.title(one) for one in here.chapters for words in (one.before, one.after) if words.en and not words.cy}
        ),
        notes=[
            (one, here.title(here.composition.chapter(one.chapter)))
            for one in comments(session(), audit_round)
            if one.resolved_at is None
        ],
        unsigned=[body.name for body in bodies if body.id not in signed],
        breadcrumbs=_crumbs(audit_round),
    )


@blueprint.route("/rounds/<rid>/composing/preview")
@requires(GET="composing.read")
def preview(rid: str) -> FlaskResponse:
    """The report as it reads now, whole, as a page: with its figures, and links to where each chapter is written."""
    here = _desk(_round(rid))
    found = here.with_composition()
    report = reports()[REPORT]
    about: list[str | Link] = [Link(url_for("composing.overview", rid=rid), _("Back to “Write the report”"))]
    if found.composition is None:
        about.append(_("Nothing is written yet. The report comes out as it is without you."))
    else:
        about.append(_("Version %(number)s, as it reads now.", number=here.number))
        if found.composition.problems:
            about += [
                _("Some references are to what is not there."),
                Link(url_for("composing.check", rid=rid), _("Check it")),
            ]
    content = screen(
        worker.page(report.page, found, report.options), found.language, about=about,
        under={
            one.key: Link(
                url_for("composing.chapter", rid=rid, chapter=one.key), _("Write in “%(title)s”", title=here.title(one))
            )
            for one in here.chapters
            if not one.is_hidden
        },
    )  # fmt: skip
    response = current_app.response_class(content, mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = policy(content)
    return response


@blueprint.route("/rounds/<rid>/composing/sign-off", methods=["POST"])
@requires(POST="composing.sign_off")
@reads_first
def sign_off(rid: str) -> BaseResponse:
    """Sign the newest version off for one's own inspectorate."""
    ahead = _ahead(rid, permission="composing.sign_off")
    try:
        operations.sign_off(
            session(), rid, typed("body"), version=_based_on(), by=actor(), now=now(), ahead=ahead
        )
    except NotPossible as problem:
        return _note(rid, problem)
    return _to(rid, _("The report is signed off for your inspectorate."))


# --- versions --------------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/composing/versions")
@requires(GET="composing.read")
def all_versions(rid: str) -> str:
    """Every version that was saved, the newest first."""
    audit_round = _round(rid)
    page = max(1, page_asked())
    rows, total = versions(session(), audit_round, page=page, size=VERSIONS_SHOWN)
    return render_template(
        "oversight/composing/versions.html",
        audit_round=audit_round,
        rows=rows,
        total=total,
        page=page,
        pages=max(1, -(-total // VERSIONS_SHOWN)),
        breadcrumbs=_crumbs(audit_round),
    )


@blueprint.route("/rounds/<rid>/composing/versions/<int:number>", methods=["GET", "POST"])
@requires(GET="composing.read", POST="composing.edit")
def version(rid: str, number: int) -> str | BaseResponse:
    """One version beside another (`with`; else the one before it): what was written, and what was written before."""
    audit_round = _round(rid)
    if request.method == "POST":
        row = operations.restore(session(), rid, number, by=actor(), now=now())
        return _to(rid, _("Version %(old)s is saved again, as version %(new)s.", old=number, new=row.number))
    row = version_numbered(session(), audit_round, number)
    given = asked("with")
    other = int(given) if given.isascii() and given.isdigit() and len(given) < 8 else number - 1
    before = version_numbered(session(), audit_round, other) if other else None
    here = _desk(audit_round)
    return render_template(
        "oversight/composing/version.html",
        audit_round=audit_round,
        row=row,
        before=before,
        newest=here.number,
        changes=_changes(_texts(here, before), _texts(here, row)),
        breadcrumbs=_crumbs(audit_round, (_("Versions"), url_for("composing.all_versions", rid=rid))),
    )


def _texts(here: Desk, row: Any) -> dict[str, str]:
    """Every text of a version by its place, and the order of its chapters."""
    shown = here.at(row)
    found = {message(one.name): one.text for one in shown.places}
    order = [
        f"{shown.title(one)}{' ' + _('(left out)') if one.is_hidden else ''}" for one in shown.chapters
    ]
    found[_("Order of the chapters")] = "\n".join(order)
    for one in shown.composition.choices:
        found[_("Key message “%(rule)s”", rule=one.rule)] = {
            "accepted": _("Accepted"), "edited": _("Edited"), "dropped": _("Dropped"),
        }[one.state]  # fmt: skip
    return found


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[tuple[str, Markup]]:
    """What differs between the texts of two versions, by place, with what was taken out and what was put in."""
    return [
        (place, written_difference(before.get(place, ""), after.get(place, "")))
        for place in dict.fromkeys([*after, *before])
        if before.get(place, "") != after.get(place, "")
    ]


MOST_COMPARED = 4_000  # words of a text that are compared one by one


def written_difference(before: str, after: str) -> Markup:
    """A text with what was put in (`ins`) and what was taken out (`del`), word by word."""
    old, new = (re.findall(r"\s+|[^\s]+", text) for text in (before, after))
    if len(old) + len(new) > MOST_COMPARED:
        old, new = [before], [after]
    found = Markup()
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            found += "".join(new[c:d])
            continue
        if b > a:
            found += Markup("<del>{}</del>").format("".join(old[a:b]))
        if d > c:
            found += Markup("<ins>{}</ins>").format("".join(new[c:d]))
    return found
