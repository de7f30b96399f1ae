"""Composing the joint report: chapters and what is written in them, key messages, recommendations, sign-off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from app.domain.composing import (
    FIGURE,
    Chapter,
    Composition,
    Known,
    Words,
    fields_of,
    in_line,
    read_narrative,
    with_chapter,
    words_of,
)
from app.domain.composing_facts import ANNEXES, Fact
from app.domain.life import NotPossible
from app.domain.message import N_
from app.domain.paging import paged
from app.models import AuditRound
from app.operations import composing as operations
from app.policy import allows
from app.queries.composing import (
    Desk,
    comments,
    content_of,
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
from app.web.oversight.two_at_once import Tried
from app.web.pages import day as in_words
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
        named=here.named(),
        leaves_out=_left_out(here),
        undecided=here.undecided(),
        open_comments=sum(one.resolved_at is None for one in every),
        may_sign=allows(actor(), "composing.sign_off", round_facts(session(), audit_round, now=now())),
        breadcrumbs=round_crumbs(audit_round),
    )


def _left_out(here: Desk) -> list[str]:
    """What inspectors see elsewhere and does not come out with this report: few agencies, names."""
    found = []
    if here.findings.suppressed_below:
        found.append(
            _(
                "As in what is published, figures about fewer than %(number)s agencies are left out, and those that"
                " would give them away.",
                number=here.findings.suppressed_below,
            )
        )
    if not here.findings.names_agencies:
        found.append(_("As in what is published, no agency is named."))
    return found


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
    tried, title = Tried(0), _typed_words("title")
    if request.method == "POST":
        made, ahead = [], _ahead(rid)
        if tried.does(
            lambda: made.append(
                operations.add_chapter(session(), rid, title=title, by=actor(), now=now(), ahead=ahead)
            ),
            "title-en",
        ):
            return _to(rid, _("The chapter is added. Now write it."), "composing.chapter", chapter=made[0])
        audit_round = _round(rid, "composing.edit")
    page = render_template(
        "oversight/composing/new_chapter.html",
        audit_round=audit_round,
        title_typed=title,
        errors=tried.errors,
        error_list=summary(tried.errors),
        breadcrumbs=_crumbs(audit_round),
    )
    return page, 422 if tried.errors else 200


# --- one chapter -----------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/composing/chapters/<chapter>", methods=["GET", "POST"])
@requires(GET="composing.read", POST="composing.edit")
@reads_first
def chapter(rid: str, chapter: str) -> tuple[str, int] | BaseResponse:
    """What is written before and after the figures of a chapter, what can be put in, and how it reads.

    Every button of the page sends all that is typed there, so that none throws away what another would save.
    """
    audit_round = _round(rid)
    tried, said, is_saved = Tried(_based_on()), typed("comment"), request.method == "GET"
    sent = {name: typed(name) for name in fields_of(title=Words(), before=Words(), after=Words())}
    if request.method == "POST":
        step, _space, about = typed("step").partition(" ")
        step = step if step in ("look", *_DONE) else "save"
        done = tried.does(lambda: _do(rid, chapter, step, about, sent, tried), _NAMED.get(step, "before-en"))
        is_saved = done and step == "save"
        said = "" if done and step == "comment" else said
        if done and step in _DONE:
            if not said and (is_saved or not _is_changed(audit_round, chapter, sent, tried.version)):
                return _to(rid, _(_DONE[step]), "composing.chapter", chapter=chapter)
            commit()
            flash(_(_DONE[step]), "success")
        audit_round = _round(rid)
    return _chapter_page(audit_round, chapter, tried, None if is_saved else sent, said)


def _chapter_page(
    audit_round: AuditRound, chapter: str, tried: Tried, sent: Mapping[str, str] | None, said: str
) -> tuple[str, int]:
    """The page of a chapter as it is saved, or with the texts that were `sent`; and with a comment that is `said`."""
    here = _desk(audit_round)
    # one that somebody took away meanwhile is shown for what is typed in it
    before = () if request.method == "GET" else _opened(audit_round, tried.version).chapters
    saved = next((one for one in (*here.chapters, *before) if one.key == chapter), None)
    if saved is None:
        raise NotFound
    found = saved
    if sent is not None:
        fields = tried.filled_in(sent, [name for name in sent if not name.startswith("title")])
        names = ("title", "before", "after") if saved.is_own else ("before", "after")
        found = saved.model_copy(update={name: words_of(fields, name) for name in names})
    known = here.known_in(with_chapter(here.composition, here.standard, found))
    parts = _shown(found, known, here.findings.language)
    page = render_template(
        "oversight/composing/chapter.html",
        audit_round=audit_round,
        desk=here,
        chapter=found,
        is_unsaved=found != saved or bool(said),
        comment=said,
        sides=tried.sides(sent or {}),
        name=here.title(found),
        version=tried.version if request.method == "POST" else here.number,
        parts=parts,
        refers=any(f"](#{FIGURE}" in part["text"] for every in parts.values() for part in every),
        facts=_beside(here, found),
        figures=known.figures,
        stand=known.stand,
        quotes=here.to_quote(actor())[:QUOTES_BESIDE],
        titles=[(key, known.titles[key], name) for key, name in known.chapters.items()],
        recommendations=[
            (key, name, in_line(one.text.in_(here.findings.language)[0], known)[0])
            for key, name in known.recommendations.items()
            if (one := here.composition.recommendation(key))
        ],
        notes=[one for one in comments(session(), audit_round) if one.chapter == chapter],
        errors=tried.errors,
        error_list=summary(tried.errors),
        breadcrumbs=_crumbs(audit_round),
    )
    return page, 422 if tried.errors else 200


_DONE = {
    "save": N_("Saved."), "comment": N_("Your comment stands below the chapter."),
    "resolve": N_("The comment is resolved."),
}  # fmt: skip
_NAMED = {"comment": "comment"}  # the field that a step is about


def _do(rid: str, chapter: str, step: str, about: str, sent: Mapping[str, str], tried: Tried) -> None:
    """What a button on the page of a chapter does; looking does nothing."""
    if step == "look":
        return
    if step == "resolve":
        begin()
        operations.resolve(session(), rid, about, by=actor(), now=now())
    elif step == "comment":
        operations.comment(
            session(), rid, chapter, text=typed("comment"), by=actor(), now=now(), ahead=_ahead(rid)
        )
    else:
        words = {name: words_of(sent, name).model_dump() for name in ("title", "before", "after")}
        row = operations.save_chapter(
            session(), rid, chapter, **words, based_on=tried.version, by=actor(), now=now(),
            ahead=_ahead(rid, words["before"], words["after"]),
        )  # fmt: skip
        tried.version = row.number


def _opened(audit_round: AuditRound, version: int) -> Composition:
    """What was written when a page was opened."""
    return content_of(version_numbered(session(), audit_round, version) if version else None)


def _is_changed(audit_round: AuditRound, chapter: str, sent: Mapping[str, str], version: int) -> bool:
    """Whether what is typed differs from the version that the page of a chapter was opened with."""
    opened = _opened(audit_round, version).chapter(chapter)
    return any(sent[name] != text for name, text in opened.fields().items() if opened.is_own or name[:5] != "title")


def _shown(chapter: Chapter, known: Known, language: str) -> dict[str, list[dict[str, Any]]]:
    """How the texts of a chapter read, by place, in the reader's language, and what is wrong with them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for where in ("before", "after"):
        text, other = getattr(chapter, where).in_(language)
        found[where] = [part.model_dump() for part in read_narrative(text, known, other).parts]
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
    page, pages = paged(len(found), FACTS_SHOWN, page_asked())
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
    page, pages = paged(len(found), size, page_asked())
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
        gone=[(one, _anchor(one.rule)) for one in here.without_data],
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
    tried = Tried(_based_on())
    sent = fields_of(**{name: Words(**_typed_words(name)) for name in ("heading", "text")})
    if request.method == "POST":
        heading, text = (words_of(sent, name).model_dump() for name in ("heading", "text"))
        if tried.does(
            lambda: operations.decide(
                session(), rid, rule, state="edited", heading=heading, text=text, based_on=tried.version, by=actor(),
                now=now(), ahead=_ahead(rid, heading, text, proposals=True),
            ),
            "text-en",
        ):
            return _to(rid, _("The key message is saved."), "composing.messages", _anchor=_anchor(rule))
        audit_round = _round(rid, "composing.edit")
    here = _desk(audit_round)
    proposed = next((one for one in here.proposed if one.rule == rule), None)
    choice = here.composition.choice(rule)
    if proposed is None and choice and request.method == "GET":  # there it can be dropped
        return redirect(url_for("composing.messages", rid=rid, _anchor=_anchor(rule)), 303)
    if proposed is None:
        raise NotFound
    fields = tried.filled_in(sent, ("text-en", "text-cy"))
    if request.method == "GET" and choice and choice.state == "edited":
        fields = choice.fields()
    elif request.method == "GET":
        # the words of the rule to begin with, in the language that they are in
        for name, sentence in (("heading", proposed.heading), ("text", proposed.sentence)):
            fields[f"{name}-{here.findings.language}"] = sentence.rendered(here.translate)
    page = render_template(
        "oversight/composing/edit_message.html",
        audit_round=audit_round,
        desk=here,
        message=proposed,
        words=lambda sentence: sentence.rendered(here.translate),
        heading=words_of(fields, "heading"),
        text=words_of(fields, "text"),
        version=tried.version if request.method == "POST" else here.number,
        sides=tried.sides(sent),
        errors=tried.errors,
        error_list=summary(tried.errors),
        breadcrumbs=_crumbs(audit_round, (_("Key messages"), url_for("composing.messages", rid=rid))),
    )
    return page, 422 if tried.errors else 200


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
                number,
                one,
                in_line(one.text.in_(language())[0], here.known)[0],
                here.addressees.get((one.agency_type, one.body), ""),
            )
            for number, one in here.recommendations
        ],
        breadcrumbs=_crumbs(audit_round),
    )


@blueprint.route("/rounds/<rid>/composing/recommendations/edit", methods=["GET", "POST"])
@requires(GET="composing.edit", POST="composing.edit")
@reads_first
def edit_recommendation(rid: str) -> tuple[str, int] | BaseResponse:
    """A new recommendation, or (`key` in the address) one that is there."""
    audit_round = _round(rid, "composing.edit")
    key = asked("key")
    tried, text, due = Tried(_based_on()), _typed_words("text"), TypedDay()
    sent: dict[str, Any] = fields_of(text=Words(**text)) | {"addressee": typed("addressee"), "due": None}
    if request.method == "POST":
        due, sent["due"] = read_day("due", tried.errors, optional=True)
        if not tried.errors and tried.does(
            lambda: operations.save_recommendation(
                session(), rid, key, text=text, addressee=sent["addressee"], due=sent["due"], based_on=tried.version,
                by=actor(), now=now(), ahead=_ahead(rid, text),
            ),
            "text-en",
        ):
            return _to(rid, _("The recommendation is saved."), "composing.recommendations")
        audit_round = _round(rid, "composing.edit")
    here = _desk(audit_round)
    found = here.composition.recommendation(key)
    if request.method == "POST" and found is None:
        found = _opened(audit_round, tried.version).recommendation(key)
    if key and found is None:
        raise NotFound
    fields = tried.filled_in(sent, ("text-en", "text-cy"))
    if request.method == "GET" and found:
        fields = found.fields()
    if tried.disputed or request.method == "GET":
        due = TypedDay.of(fields["due"])
    choices = [
        {"value": f"type:{kind}" if kind else f"body:{body}", "text": name}
        for (kind, body), name in here.addressees.items()
    ]
    names = {one["value"]: one["text"] for one in choices}
    page = render_template(
        "oversight/composing/edit_recommendation.html",
        audit_round=audit_round,
        desk=here,
        is_new=not key,
        text=words_of(fields, "text"),
        addressee=fields["addressee"],
        due=due,
        choices=choices,
        version=tried.version if request.method == "POST" else here.number,
        sides=tried.sides(sent, {"addressee": lambda value: names.get(value, ""), "due": in_words}),
        errors=tried.errors,
        error_list=summary(tried.errors, ("due",)),
        breadcrumbs=_crumbs(audit_round, (_("Recommendations"), url_for("composing.recommendations", rid=rid))),
    )
    return page, 422 if tried.errors else 200


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
    here = _desk(audit_round)
    found = here.composition.recommendation(key)
    if found is None:
        raise NotFound
    return render_template(
        "oversight/composing/remove.html",
        audit_round=audit_round,
        recommendation=found.text.en,
        published=here.published.get(key),
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
    about += _left_out(here)
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
    ahead = _ahead(rid, proposals=True, permission="composing.sign_off")
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


# words, each reference as one, and what stands between them
_PIECES = re.compile(r"\[\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\]\]|\s+|(?:(?!\[\[)\S)+|\[\[")


def written_difference(before: str, after: str) -> Markup:
    """A text with what was put in (`ins`) and what was taken out (`del`), word by word."""
    old, new = (_PIECES.findall(text) for text in (before, after))
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
