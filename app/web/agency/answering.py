"""One standard: answering it, saving, and what to do when two people changed one answer."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any

from flask import flash, render_template, request
from flask_babel import format_time, ngettext
from flask_babel import gettext as _
from markupsafe import Markup, escape
from werkzeug.wrappers import Response as BaseResponse

from app.clock import LONDON
from app.db import db
from app.domain.answers import question_parts
from app.domain.life import NotPossible
from app.domain.message import Message
from app.domain.returned_standards import ELSEWHERE
from app.operations.answers import SITE_GONE, Conflict, Edit, SaveResult, save_answers, take_theirs
from app.queries.packs import template_of
from app.queries.returned_standards import correction_of
from app.queries.returns import (
    Answered,
    Checklist,
    Item,
    Section,
    checklist,
    values_at,
    why_closed,
)
from app.web.agency.blueprint import blueprint, crumbs, may, own_return, see_other
from app.web.agency.by_site import Page, page_of
from app.web.agency.to_copy import Held, as_far, held, held_of_gone
from app.web.answer_forms import LONG, Typed, edit_of, form_of, is_changed, name_of, sent, stored
from app.web.deadlines import deadline
from app.web.pages import message
from app.web.permissions import requires
from app.web.questions import Shown, is_unsaved, question_html, slots
from app.web.request import actor, commit, now, session
from app.web.typed import asked, page_asked


def _summary(shown: Sequence[Shown]) -> list[dict[str, str]]:
    """The error summary of a form: each error with its question's number and a link to its field."""
    return [
        {"text": f"{one.item.number} – {message(words)}", "href": f"#{_field_id(one.item, name)}"}
        for one in shown
        for name, words in one.errors.items()
    ]


def _field_id(item: Item, name: str) -> str:
    form = form_of(item.criterion)
    return name_of(item.id, f"{name}-day" if name in form.dates else name)


@blueprint.route("/standards/<standard>", methods=["GET", "POST"])
@requires(GET="return.read", POST="return.edit")
def standard(rid: str, standard: str) -> str | tuple[str, int] | BaseResponse:
    """One standard: to answer, or to read where nothing can be changed (any more)."""
    if request.method == "POST":
        return _save(rid, standard)
    audit_return = own_return(rid)
    work = checklist(session(), audit_return)
    if not _is_asked(work, standard) and any(one.id == standard for one in work.template.standards):
        return see_other("agency.tasks", rid=rid)  # an answer made all of its questions not applicable
    section = work.section(standard)
    page = page_of(work, section, _about())
    correction = correction_of(session(), audit_return, work)
    closed = why_closed(audit_return, now=now())
    if correction and not any(correction.allows(standard, item.id) for item in section.questions):
        closed = closed or ELSEWHERE
    if closed or not may("return.edit", audit_return):
        return render_template(
            "agency/standard_read.html", work=work, section=section, closed=closed, audit_return=audit_return,
            around=_around(work, section), breadcrumbs=crumbs(audit_return), part=page, rows_page=page_asked(),
        )  # fmt: skip
    shown = [Shown(item, stored(item.criterion, item.answer.value, item.answer.version)) for item in page.items]
    return _form(work, section, page, shown, just_saved=request.args.get("saved", ""))


def _site(item: Item) -> tuple[str, str]:
    """The site that a question is about, and its name; empty where it is about none."""
    return (item.scope, item.scope_name) if item.criterion.scope == "site" else ("", "")


def _about() -> str:
    """The site whose page of a standard is asked for, as the address has it."""
    return asked("about")


def _around(work: Checklist, section: Section) -> tuple[Section | None, Section | None]:
    """The standards before and after one."""
    place = work.sections.index(section)
    after = work.sections[place + 1] if place + 1 < len(work.sections) else None
    return (work.sections[place - 1] if place else None), after


def _form(
    work: Checklist, section: Section, page: Page, shown: Sequence[Shown], *, intro: str = "", just_saved: str = "",
    gone: Sequence[Held] = (),
) -> str:  # fmt: skip
    html = _questions(work, shown, just_saved)
    return render_template(
        "agency/standard.html",
        work=work,
        section=section,
        audit_return=work.audit_return,
        part=page,
        rows_page=page_asked(),
        questions=bool(shown),
        groups=[
            ("" if page.site else name, [one for _item, one in own])
            for (_scope, name), own in groupby(zip(shown, html, strict=True), key=lambda pair: _site(pair[0].item))
        ],
        may_list=may("return.sites", work.audit_return),
        errors=[*_gone_errors(gone), *_summary(shown)],
        held=gone,
        intro=intro,
        correction=correction_of(session(), work.audit_return, work),
        page_key=secrets.token_urlsafe(12),
        around=_around(work, section),
        may_vouch=any(
            held.agency_id == work.audit_return.agency_id
            for held in actor().holding("accountable_signatory", "audit_lead")
        ),
        is_contributor=any(
            held.agency_id == work.audit_return.agency_id for held in actor().holding("contributor")
        ),
        due=deadline(work.audit_return, now=now()),
        breadcrumbs=crumbs(work.audit_return),
    )


def _questions(work: Checklist, shown: Sequence[Shown], just_saved: str) -> list[Markup]:
    return [
        question_html(work, one, slots(work, one, just_saved=just_saved == one.item.id)) for one in shown
    ]


def _is_asked(work: Checklist, standard: str) -> bool:
    return any(section.standard.id == standard for section in work.sections)


def _save(rid: str, standard: str) -> str | tuple[str, int] | BaseResponse:
    only = request.form.get("only", "")
    key = request.form.get("page_key", "")[:64]
    typed = sent(request.form)
    wanted = {only: typed[only]} if only in typed else typed
    try:
        result = _save_typed(rid, wanted, key)
        if result.conflicts and only in typed:
            # the page that shows the conflict leaves this one: what else was typed here is saved with it
            result.take(_save_typed(rid, {name: one for name, one in typed.items() if name != only}, key))
            only = ""
    except NotPossible as reason:
        return _not_saved(rid, standard, typed, message(reason.message))
    if result.clean and not only:
        # all that the answer needs is read before the commit: nothing is loaded again afterwards
        words = _saved_words(result)
        target = _after_save(result, rid, standard) if "next" in request.form else see_other(
            "agency.standard", rid=rid, standard=standard, about=_about() or None
        )
        commit()
        flash(words, "success")
        return target
    commit()
    work = checklist(session(), own_return(rid))
    gone = _not_taken(work, result, typed)
    if result.conflicts:
        return _conflict_page(work, standard, _disputes(work, result, typed), result, gone=gone), 409
    if not _is_asked(work, standard):
        if gone:
            return _gone_page(work, standard, result, gone)
        flash(_saved_words(result), "success")
        return see_other("agency.tasks", rid=rid)
    section = work.section(standard)
    page = page_of(work, section, _about())
    shown = _shown_again(page, typed, result)
    if result.errors or gone:
        return _form(work, section, page, shown, intro=_saved_in_part(result), gone=gone), 409 if gone else 422
    if any(one.item.id != only and is_unsaved(one) for one in shown):
        return _form(
            work, section, page, shown, just_saved=only,
            intro=_("Your other changes on this page are not saved yet. They are still here."),
        )  # fmt: skip
    return see_other(
        "agency.standard", rid=rid, standard=standard, about=_about() or None, saved=only, _anchor=f"q-{only}"
    )


def _after_save(result: SaveResult, rid: str, standard: str) -> BaseResponse:
    """Where “save and go to the next” leads."""
    work = result.work
    if work is None or not _is_asked(work, standard):
        return see_other("agency.tasks", rid=rid)
    if site := page_of(work, work.section(standard), _about()).after:
        return see_other("agency.standard", rid=rid, standard=standard, about=site.scope)
    after = _around(work, work.section(standard))[1]
    if after is None:
        return see_other("agency.check", rid=rid)
    return see_other("agency.standard", rid=rid, standard=after.standard.id)


def edits_of(typed: Mapping[str, Typed], key: str) -> list[Edit]:
    """What the operation is asked to save."""
    return [edit_of(name, one, key) for name, one in typed.items()]


def told_errors(result: SaveResult, typed: Mapping[str, Typed]) -> None:
    """The domain's words for a date that cannot be read are less exact than “must have a month”."""
    for name, one in typed.items():
        if one.errors and name in result.errors:
            result.errors[name] = {**result.errors[name], **one.errors}


def _save_typed(rid: str, typed: Mapping[str, Typed], key: str) -> SaveResult:
    """Save what was typed. Raises NotPossible; what is wrong or disputed comes back in the result."""
    result = save_answers(session(), rid, edits_of(typed, key), by=actor(), now=now())
    told_errors(result, typed)
    forget_untouched(rid, result, typed)
    return result


def forget_untouched(rid: str, result: SaveResult, typed: Mapping[str, Typed]) -> None:
    """A page sends all its answers: one that somebody else saved meanwhile, and nobody touched here, is no conflict."""
    gone = [name for name, problems in result.errors.items() if _is_gone(problems)]
    if not (result.conflicts or gone):
        return
    audit_return = own_return(rid)
    _pack, template = template_of(audit_return)
    names = [*result.conflicts, *gone]
    shown = values_at(session(), audit_return, {name: typed[name].based_on for name in names})
    for name, value in shown.items():
        criterion = template.criterion(question_parts(name)[0])
        if not is_changed(typed[name], stored(criterion, value, typed[name].based_on)):
            result.conflicts.pop(name, None)
            result.errors.pop(name, None)
            result.unchanged.append(name)


def _shown_again(page: Page, typed: Mapping[str, Typed], result: SaveResult) -> list[Shown]:
    """The form after a save: stored answers where they were saved, what was typed where they were not."""
    shown = []
    for item in page.items:
        key = item.id
        one = typed.get(key)
        if one is None or key in result.saved or key in result.unchanged:
            one = stored(item.criterion, item.answer.value, item.answer.version)
        shown.append(Shown(item, one, result.errors.get(key, {})))
    return shown


def _saved_words(result: SaveResult) -> str:
    number = len(result.saved)
    if not number:
        return _("Everything on this page is saved.")
    at = format_time(now().astimezone(LONDON), "HH:mm", rebase=False)
    return ngettext("%(num)d answer saved at %(at)s.", "%(num)d answers saved at %(at)s.", number, at=at)


def _is_gone(problems: Mapping[str, Message]) -> bool:
    """Whether an answer was not saved because its site was removed from the list meanwhile."""
    return any(words.msgid == SITE_GONE for words in problems.values())


def _saved_in_part(result: SaveResult) -> str:
    number = sum(1 for problems in result.errors.values() if not _is_gone(problems))
    if not number:
        return _saved_words(result) if result.saved else ""
    not_saved = ngettext(
        "%(num)d answer is not saved yet: mend what is listed here, then save again.",
        "%(num)d answers are not saved yet: mend what is listed here, then save again.",
        number,
    )
    return f"{_saved_words(result)} {not_saved}" if result.saved else not_saved


def _not_saved(rid: str, standard: str, typed: Mapping[str, Typed], reason: str) -> tuple[str, int]:
    """The round closed, or the return was submitted, while somebody was typing: their texts, to copy."""
    db.session.rollback()
    audit_return = own_return(rid)
    page = render_template(
        "agency/not_saved.html", audit_return=audit_return, standard=standard, reason=reason,
        held=[one for one in held(audit_return, typed) if one.words], breadcrumbs=crumbs(audit_return),
    )  # fmt: skip
    return page, 409


def _not_taken(work: Checklist, result: SaveResult, typed: Mapping[str, Typed]) -> list[Held]:
    """What was typed about sites that somebody removed meanwhile, and is not stored."""
    stands = {*result.saved, *result.unchanged}
    return held_of_gone(work, {name: one for name, one in typed.items() if name not in stands})


def _gone_errors(gone: Sequence[Held]) -> list[dict[str, str]]:
    """The error summary's lines about them, each with a link to its text."""
    return [
        {"text": _("%(number)s – Not saved: this site is not in your list any more", number=one.number),
         "href": f"#kept-{place}"}
        for place, one in enumerate(gone, start=1)
    ]  # fmt: skip


def _gone_page(work: Checklist, standard: str, result: SaveResult, gone: Sequence[Held]) -> tuple[str, int]:
    """What was typed about them, on a page of its own: the standard has none for it."""
    page = render_template(
        "agency/not_saved.html", audit_return=work.audit_return, standard=standard, held=gone,
        errors=_gone_errors(gone), saved=_saved_words(result) if result.saved else "",
        breadcrumbs=crumbs(work.audit_return),
    )  # fmt: skip
    return page, 409


# --- When two people changed one answer ------------------------------------------------------------------


@dataclass
class Dispute:
    """A criterion that was not saved: mine beside theirs, or (`theirs` None) mine with what is wrong in it."""

    item: Item
    mine: Typed
    theirs: Answered | None
    merged: Typed
    choice: str = ""
    errors: Mapping[str, Message] = field(default_factory=dict)

    @property
    def form(self) -> dict[str, Any]:
        """What the template of its answer type needs for the form that holds both texts."""
        form, item = form_of(self.item.criterion), self.item
        return {
            "page": form.page,
            "variant": form.variant(self.merged),
            "table_rows": form.rows(item.criterion, self.merged),
            "s": {"id": item.id, "number": item.number, **form.slots(item.criterion, item.scheme, self.merged)},
        }

    @property
    def marked(self) -> tuple[dict[str, Markup], dict[str, Markup]]:
        """The texts of mine and of theirs with their differences marked; empty where one side has none."""
        return marks(self.mine_as_item.answer.value, self.theirs_as_item.answer.value)

    @property
    def mine_as_item(self) -> Item:
        """Mine, to be shown as a stored answer is."""
        return replace(self.item, answer=Answered(_readable(self.item, self.mine), 0, None, ""))

    @property
    def theirs_as_item(self) -> Item:
        """Theirs, likewise."""
        return replace(self.item, answer=self.theirs or self.item.answer)


def marks(
    mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> tuple[dict[str, Markup], dict[str, Markup]]:
    """The texts of two answers with their differences marked, by field; none where one side has none, or both agree."""
    sides: tuple[dict[str, Markup], dict[str, Markup]] = ({}, {})
    for name in LONG:
        if mine.get(name) and theirs.get(name) and mine[name] != theirs[name]:
            sides[0][name], sides[1][name] = differences(mine[name], theirs[name])
    return sides


MOST_COMPARED = 6000  # words of two texts: more would take longer than a page may


def differences(mine: str, theirs: str) -> tuple[Markup, Markup]:
    """Both texts, the words that only mine has within `ins` and those that only theirs has within `del`."""
    ours, others = (re.findall(r"\s+|\S+", one) for one in (mine, theirs))
    if len(ours) + len(others) > 2 * MOST_COMPARED:
        return escape(mine), escape(theirs)
    left, right = Markup(), Markup()
    for kind, a, b, c, d in SequenceMatcher(None, ours, others, autojunk=False).get_opcodes():
        left += Markup("<ins>{}</ins>").format("".join(ours[a:b])) if kind != "equal" and b > a else "".join(ours[a:b])
        right += (
            Markup("<del>{}</del>").format("".join(others[c:d])) if kind != "equal" and d > c else "".join(others[c:d])
        )
    return left, right


def _readable(item: Item, typed: Typed) -> dict[str, Any]:
    """What was typed as far as it can be read, for showing only."""
    return as_far(item.criterion, item.scheme, form_of(item.criterion).raw_of(typed.fields))


def dispute_of(item: Item, mine: Typed, conflict: Conflict | None) -> Dispute:
    """What was not saved, beside what somebody else saved, where that is why."""
    if conflict is None:
        return Dispute(item, mine, None, mine)
    theirs = stored(item.criterion, conflict.theirs.value, conflict.theirs.version)
    return Dispute(
        item,
        replace(mine, based_on=theirs.based_on),
        conflict.theirs,
        Typed(theirs.type, form_of(item.criterion).together(mine, theirs), theirs.based_on),
    )


def _disputes(work: Checklist, result: SaveResult, typed: Mapping[str, Typed]) -> list[Dispute]:
    """What was not saved, in the order of the questions."""
    disputes = []
    for item in work.items:
        key = item.id
        if key not in typed or (key not in result.conflicts and key not in result.errors):
            continue
        dispute = dispute_of(item, typed[key], result.conflicts.get(key))
        dispute.errors = result.errors.get(key, {})
        disputes.append(dispute)
    return disputes


def _conflict_page(
    work: Checklist, standard: str, disputes: Sequence[Dispute], result: SaveResult | None, *,
    problems: Sequence[dict[str, str]] = (), gone: Sequence[Held] = (),
) -> str:  # fmt: skip
    errors = [
        {"text": f"{one.item.number} – {message(words)}", "href": f"#{_field_id(one.item, name)}"}
        for one in disputes
        for name, words in one.errors.items()
    ]
    return render_template(
        "agency/conflict.html",
        audit_return=work.audit_return,
        standard=standard,
        disputes=disputes,
        number=sum(1 for one in disputes if one.theirs),
        saved=_saved_words(result) if result and result.saved else "",
        errors=[*problems, *_gone_errors(gone), *errors],
        held=gone,
        page_key=secrets.token_urlsafe(12),
        breadcrumbs=crumbs(work.audit_return),
    )


@blueprint.route("/standards/<standard>/resolve", methods=["POST"])
@requires(POST="return.edit")
def resolve(rid: str, standard: str) -> str | tuple[str, int] | BaseResponse:
    """Settle conflicts: keep mine, take theirs, or save the two put together. Nothing is dropped unasked."""
    work = checklist(session(), own_return(rid))
    key = request.form.get("page_key", "")[:64]
    disputes: list[Dispute] = []
    undecided: list[dict[str, str]] = []
    given_up: dict[str, Typed] = {}
    every, own = sent(request.form), sent(request.form, "m")
    listed = {item.id for item in work.items}
    # what was typed about a site that was removed since this page was shown has no place on it any more
    elsewhere = {name: own.get(name, both) for name, both in every.items() if name not in listed}
    chosen = {one.question: elsewhere[one.question] for one in held_of_gone(work, elsewhere)}
    for item in work.items:
        both, mine = every.get(item.id), own.get(item.id)
        if both is None:
            continue
        choice = request.form.get(name_of(item.id, "choice"), "")
        theirs = item.answer if mine else None
        disputes.append(Dispute(item, mine or both, theirs, both, choice))
        if mine is None or choice == "merge":
            chosen[item.id] = both
        elif choice == "mine":
            chosen[item.id] = mine
        elif choice == "theirs":
            given_up[item.id] = mine
        else:
            undecided.append(
                {
                    "text": _("%(number)s – Choose which text to keep", number=item.number),
                    "href": f"#{name_of(item.id, 'choice')}",
                }
            )
    if undecided:
        return _conflict_page(work, standard, disputes, None, problems=undecided, gone=held_of_gone(work, chosen)), 422
    try:
        result = _save_typed(rid, chosen, key)
        if given_up:
            result.take(take_theirs(session(), rid, edits_of(given_up, key), by=actor(), now=now()))
    except NotPossible as reason:
        return _not_saved(rid, standard, chosen | given_up, message(reason.message))
    commit()
    typed = chosen | given_up
    if not result.clean:
        work = checklist(session(), own_return(rid))
        asked_now = {item.id: item for item in work.items}
        gone = _not_taken(work, result, typed)
        again = []
        for dispute in disputes:
            name = dispute.item.id
            if name not in asked_now:
                continue  # it is among those that are gone
            item = asked_now[name]
            if name in result.conflicts:
                again.append(dispute_of(item, typed[name], result.conflicts[name]))
            elif name in result.errors:
                again.append(replace(dispute, item=item, errors=result.errors[name]))
        if again:
            return _conflict_page(work, standard, again, result, gone=gone), 409 if result.conflicts else 422
        if gone:
            return _gone_page(work, standard, result, gone)
    flash(_saved_words(result), "success")
    about = next((dispute.item.scope for dispute in disputes), "")
    return see_other("agency.standard", rid=rid, standard=standard, about=about or None)
