"""One agency's return: the task list, the standards, checking, signing, the receipt, the history."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import format_time, ngettext
from flask_babel import gettext as _
from flask_security import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.clock import LONDON
from app.db import db
from app.domain.life import NotPossible
from app.domain.message import Message
from app.domain.templates import Criterion, Grade
from app.models import AuditReturn, Submission, User
from app.operations import events as chain
from app.operations.answers import Conflict, SaveResult, save_answers, withdraw_vouch
from app.operations.answers import vouch as record_vouch
from app.operations.submissions import declaration_text, sign_and_submit, signing_post
from app.policy import allows
from app.queries.packs import template_of
from app.queries.returns import (
    Answered,
    Checklist,
    Item,
    Section,
    checklist,
    content_hash,
    get_return,
    history,
    history_lines,
    return_facts,
    sees_drafts,
    signatories,
    signing_event,
    submissions,
    submitted_checklist,
    values_at,
    versions,
    why_closed,
)
from app.queries.rounds import NotFound
from app.web.answer_forms import FORMS, Typed, edit_of, form_of, is_changed, merged, name_of, sent, stored
from app.web.deadlines import deadline
from app.web.pages import day, message, text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.security import identity_proved

blueprint = Blueprint("agency", __name__, url_prefix="/returns/<rid>")

HISTORY_PAGE = 50


# --- What several pages share ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A share of a bar: a grade and how many answers have it."""

    label: Any
    colour: str
    count: int


UNANSWERED_COLOUR = "#cecece"


def profile(items: Sequence[Item]) -> list[Part]:
    """The grades of some answers, best first, those without one last."""
    parts: dict[tuple[int, str], Part] = {}
    for item in items:
        for grade in item.scheme.grades:
            parts.setdefault((id(item.scheme), grade.key), Part(grade.label, grade.colour, 0))
    blank = 0
    for item in items:
        if item.grade is None:
            blank += 1
            continue
        key = (id(item.scheme), item.grade.key)
        parts[key] = replace(parts[key], count=parts[key].count + 1)
    return [*parts.values(), Part(_("No grade yet"), UNANSWERED_COLOUR, blank)]


def _get(rid: str, permission: str = "return.read") -> AuditReturn:
    return get_return(session(), rid, actor=actor(), now=now(), permission=permission)


def _own(rid: str) -> AuditReturn:
    """A return whose drafts the actor may read. Everybody else gets the same answer as for one that is not there."""
    audit_return = _get(rid)
    if not sees_drafts(actor(), audit_return):
        raise NotFound
    return audit_return


def _may(permission: str, audit_return: AuditReturn) -> bool:
    return allows(actor(), permission, return_facts(session(), audit_return, now=now()))


def _crumbs(audit_return: AuditReturn, *more: tuple[str, str]) -> list[dict[str, str]]:
    """The way back: to the round for those who inspect, to the task list for the agency's own people."""
    if sees_drafts(actor(), audit_return):
        first = [
            (_("Home"), url_for("home.index", all=1)),
            (audit_return.agency.name, url_for("agency.tasks", rid=audit_return.public_id)),
        ]
    elif actor().body_ids():
        audit_round = audit_return.audit_round
        ledger_page = url_for("oversight.return_page", rid=audit_round.public_id, ret=audit_return.public_id)
        first = [
            (_("Rounds"), url_for("oversight.rounds")),
            (audit_round.name, url_for("oversight.round_page", rid=audit_round.public_id)),
            (audit_return.agency.name, ledger_page),
        ]
    else:
        first = [(_("Home"), url_for("home.index", all=1))]
    return [{"text": words, "href": href} for words, href in (*first, *more)]


def _redirect(endpoint: str, _anchor: str | None = None, **values: Any) -> BaseResponse:
    return redirect(url_for(endpoint, _anchor=_anchor, **values), 303)


# --- The task list ---------------------------------------------------------------------------------------


@blueprint.route("/")
@requires(GET="return.read")
def tasks(rid: str) -> str | BaseResponse:
    """Where the work stands and what comes next. Whoever sees submissions only is led to the latest."""
    audit_return = _get(rid)
    history_of_submissions = submissions(session(), audit_return)
    if not sees_drafts(actor(), audit_return):
        if not history_of_submissions:
            raise NotFound
        return redirect(url_for("agency.submission", rid=rid, sid=history_of_submissions[0].public_id))
    work = checklist(session(), audit_return)
    closed = why_closed(audit_return, now=now())
    may_edit = _may("return.edit", audit_return) and not closed
    to_do = work.outstanding
    saves = [(item.answer.saved_at, item.answer) for item in work.items if item.answer.saved_at]
    last = max(saves, key=lambda save: save[0])[1] if saves else None
    return render_template(
        "agency/tasks.html",
        audit_return=audit_return,
        work=work,
        due=deadline(audit_return, now=now()),
        closed=closed,
        may_edit=may_edit,
        may_sign=signing_post(actor(), audit_return) is not None,
        next_section=next((s for s in work.sections if any(item in to_do for item in s.items)), None),
        submissions=history_of_submissions,
        last=last,
        signatories=signatories(session(), audit_return, now=now()),
        profile=profile(work.items),
        breadcrumbs=_crumbs(audit_return)[:1],
    )


# --- One standard ----------------------------------------------------------------------------------------


@dataclass
class Shown:
    """A criterion on the page of its standard: what is stored, what stands in the fields, what is wrong with it."""

    item: Item
    typed: Typed
    errors: Mapping[str, Message] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """The template of its answer type."""
        return FORMS[self.item.criterion.answer.type].page


def _summary(shown: Sequence[Shown]) -> list[dict[str, str]]:
    """The error summary of a form: each error with its question's number and a link to its field."""
    return [
        {"text": f"{one.item.number} – {message(words)}", "href": f"#{_field_id(one.item.criterion, name)}"}
        for one in shown
        for name, words in one.errors.items()
    ]


def _field_id(criterion: Criterion, name: str) -> str:
    form = form_of(criterion)
    return name_of(criterion.id, f"{name}-day" if name in form.dates else name)


@blueprint.route("/standards/<standard>", methods=["GET", "POST"])
@requires(GET="return.read", POST="return.edit")
def standard(rid: str, standard: str) -> str | tuple[str, int] | BaseResponse:
    """One standard: to answer, or to read where nothing can be changed (any more)."""
    if request.method == "POST":
        return _save(rid, standard)
    audit_return = _own(rid)
    work = checklist(session(), audit_return)
    if not _is_asked(work, standard) and any(one.id == standard for one in work.template.standards):
        return _redirect("agency.tasks", rid=rid)  # an answer made all of its questions not applicable
    section = work.section(standard)
    closed = why_closed(audit_return, now=now())
    facts = return_facts(session(), audit_return, now=now())
    if closed or not allows(actor(), "return.edit", facts):
        return render_template(
            "agency/standard_read.html", work=work, section=section, closed=closed, audit_return=audit_return,
            around=_around(work, section), breadcrumbs=_crumbs(audit_return),
        )  # fmt: skip
    shown = [
        Shown(item, stored(item.criterion, item.answer.value, item.answer.version)) for item in section.items
    ]
    return _form(work, section, shown, just_saved=request.args.get("saved", ""))


def _around(work: Checklist, section: Section) -> tuple[Section | None, Section | None]:
    """The standards before and after one."""
    place = work.sections.index(section)
    after = work.sections[place + 1] if place + 1 < len(work.sections) else None
    return (work.sections[place - 1] if place else None), after


def _form(
    work: Checklist, section: Section, shown: Sequence[Shown], *, intro: str = "", just_saved: str = "",
) -> str:  # fmt: skip
    return render_template(
        "agency/standard.html",
        work=work,
        section=section,
        audit_return=work.audit_return,
        shown=shown,
        errors=_summary(shown),
        intro=intro,
        just_saved=just_saved,
        page_key=secrets.token_urlsafe(12),
        around=_around(work, section),
        may_vouch=any(
            held.agency_id == work.audit_return.agency_id
            for held in actor().holding("accountable_signatory", "audit_lead")
        ),
        due=deadline(work.audit_return, now=now()),
        breadcrumbs=_crumbs(work.audit_return),
    )


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
            also = _save_typed(rid, {name: one for name, one in typed.items() if name != only}, key)
            for name in ("saved", "conflicts", "errors"):
                getattr(result, name).update(getattr(also, name))
            only = ""
    except NotPossible as reason:
        return _not_saved(rid, standard, typed, str(reason))
    commit()
    to_next = "next" in request.form
    if result.clean and not only and not to_next:
        flash(_saved_words(result), "success")
        return _redirect("agency.standard", rid=rid, standard=standard)
    work = checklist(session(), _own(rid))
    if result.conflicts:
        return _conflict_page(work, standard, _disputes(work, result, typed), result), 409
    if not _is_asked(work, standard):
        flash(_saved_words(result), "success")
        return _redirect("agency.tasks", rid=rid)
    section = work.section(standard)
    shown = _shown_again(section, typed, result)
    if result.errors:
        return _form(work, section, shown, intro=_saved_in_part(result)), 422
    if only:
        if any(one.item.criterion.id != only and _is_unsaved(one) for one in shown):
            return _form(
                work, section, shown, just_saved=only,
                intro=_("Your other changes on this page are not saved yet. They are still here."),
            )  # fmt: skip
        return _redirect("agency.standard", rid=rid, standard=standard, saved=only, _anchor=f"q-{only}")
    flash(_saved_words(result), "success")
    after = _around(work, section)[1]
    if after is None:
        return _redirect("agency.check", rid=rid)
    return _redirect("agency.standard", rid=rid, standard=after.standard.id)


def _save_typed(rid: str, typed: Mapping[str, Typed], key: str) -> SaveResult:
    """Save what was typed. Raises NotPossible; what is wrong or disputed comes back in the result."""
    edits = [edit_of(name, one, key) for name, one in typed.items()]
    result = save_answers(session(), rid, edits, by=actor(), now=now())
    for name, one in typed.items():
        if one.errors and name in result.errors:
            # the domain's words for a date that cannot be read are less exact than “must have a month”
            result.errors[name] = {**result.errors[name], **one.errors}
    if result.conflicts:
        _forget_untouched(rid, result, typed)
    return result


def _forget_untouched(rid: str, result: SaveResult, typed: Mapping[str, Typed]) -> None:
    """A page sends all its answers: one that somebody else saved meanwhile, and nobody touched here, is no conflict."""
    audit_return = _own(rid)
    _pack, template = template_of(audit_return)
    shown = values_at(session(), audit_return, {name: typed[name].based_on for name in result.conflicts})
    for name, value in shown.items():
        if not is_changed(typed[name], stored(template.criterion(name), value, typed[name].based_on)):
            del result.conflicts[name]
            result.unchanged.append(name)


def _shown_again(section: Section, typed: Mapping[str, Typed], result: SaveResult) -> list[Shown]:
    """The form after a save: stored answers where they were saved, what was typed where they were not."""
    shown = []
    for item in section.items:
        key = item.criterion.id
        one = typed.get(key)
        if one is None or key in result.saved or key in result.unchanged:
            one = stored(item.criterion, item.answer.value, item.answer.version)
        shown.append(Shown(item, one, result.errors.get(key, {})))
    return shown


def _is_unsaved(one: Shown) -> bool:
    return is_changed(one.typed, stored(one.item.criterion, one.item.answer.value, one.item.answer.version))


def _saved_words(result: SaveResult) -> str:
    number = len(result.saved)
    if not number:
        return _("Nothing had changed, so everything is as you saved it before.")
    at = format_time(now().astimezone(LONDON), "HH:mm", rebase=False)
    return ngettext("%(num)d answer saved at %(at)s.", "%(num)d answers saved at %(at)s.", number, at=at)


def _saved_in_part(result: SaveResult) -> str:
    number = len(result.errors)
    not_saved = ngettext(
        "%(num)d answer is not saved yet: mend what is listed here, then save again.",
        "%(num)d answers are not saved yet: mend what is listed here, then save again.",
        number,
    )
    return f"{_saved_words(result)} {not_saved}" if result.saved else not_saved


def _not_saved(rid: str, standard: str, typed: Mapping[str, Typed], reason: str) -> tuple[str, int]:
    """The round closed, or the return was submitted, while somebody was typing: their texts, to copy."""
    db.session.rollback()
    audit_return = _own(rid)
    _pack, template = template_of(audit_return)
    texts = [
        (template.number_of(criterion), criterion, words)
        for criterion in (placed.criterion for placed in template.criteria())
        if (one := typed.get(criterion.id)) and (words := f"{one['commentary']}\n\n{one['reason']}".strip())
    ]
    page = render_template(
        "agency/not_saved.html", audit_return=audit_return, standard=standard, texts=texts, reason=reason,
        breadcrumbs=_crumbs(audit_return),
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
    def page(self) -> str:
        """The template of its answer type."""
        return FORMS[self.item.criterion.answer.type].page

    @property
    def mine_as_item(self) -> Item:
        """Mine, to be shown as a stored answer is."""
        return replace(self.item, answer=Answered(_readable(self.item, self.mine), 0, None, ""))

    @property
    def theirs_as_item(self) -> Item:
        """Theirs, likewise."""
        return replace(self.item, answer=self.theirs or self.item.answer)


def _readable(item: Item, typed: Typed) -> dict[str, Any]:
    """What was typed as far as it can be read, for showing only."""
    form = form_of(item.criterion)
    value = {name: words for name, words in form.raw_of(typed.fields).items() if words}
    for name in form.dates:
        if name in value:
            try:
                value[name] = date(*map(int, value[name].split("-"))).isoformat()
            except (ValueError, TypeError):
                del value[name]
    return value


def _dispute(item: Item, mine: Typed, conflict: Conflict | None) -> Dispute:
    if conflict is None:
        return Dispute(item, mine, None, mine)
    theirs = stored(item.criterion, conflict.theirs.value, conflict.theirs.version)
    both = {name: merged(mine[name], theirs[name]) for name in ("commentary", "reason")}
    fields = {**theirs.fields, **mine.fields, **{name: words for name, words in both.items() if words}}
    return Dispute(
        item,
        replace(mine, based_on=theirs.based_on),
        conflict.theirs,
        Typed(theirs.type, fields, theirs.based_on),
    )


def _disputes(work: Checklist, result: SaveResult, typed: Mapping[str, Typed]) -> list[Dispute]:
    """What was not saved, in the order of the questions."""
    disputes = []
    for item in work.items:
        key = item.criterion.id
        if key not in typed or (key not in result.conflicts and key not in result.errors):
            continue
        dispute = _dispute(item, typed[key], result.conflicts.get(key))
        dispute.errors = result.errors.get(key, {})
        disputes.append(dispute)
    return disputes


def _conflict_page(
    work: Checklist, standard: str, disputes: Sequence[Dispute], result: SaveResult | None, *,
    problems: Sequence[dict[str, str]] = (),
) -> str:  # fmt: skip
    errors = [
        {"text": f"{one.item.number} – {message(words)}", "href": f"#{_field_id(one.item.criterion, name)}"}
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
        errors=[*problems, *errors],
        page_key=secrets.token_urlsafe(12),
        forms=FORMS,
        breadcrumbs=_crumbs(work.audit_return),
    )


@blueprint.route("/standards/<standard>/resolve", methods=["POST"])
@requires(POST="return.edit")
def resolve(rid: str, standard: str) -> str | tuple[str, int] | BaseResponse:
    """Settle conflicts: keep mine, take theirs, or save the two put together. Nothing is dropped unasked."""
    work = checklist(session(), _own(rid))
    key = request.form.get("page_key", "")[:64]
    disputes: list[Dispute] = []
    undecided: list[dict[str, str]] = []
    chosen: dict[str, Typed] = {}
    every, own = sent(request.form), sent(request.form, "m")
    for item in work.items:
        both, mine = every.get(item.criterion.id), own.get(item.criterion.id)
        if both is None:
            continue
        choice = request.form.get(name_of(item.criterion.id, "choice"), "")
        theirs = item.answer if mine else None
        disputes.append(Dispute(item, mine or both, theirs, both, choice))
        if mine is None or choice == "merge":
            chosen[item.criterion.id] = both
        elif choice == "mine":
            chosen[item.criterion.id] = mine
        elif choice != "theirs":
            undecided.append(
                {
                    "text": _("%(number)s – Choose which text to keep", number=item.number),
                    "href": f"#{name_of(item.criterion.id, 'choice')}",
                }
            )
    if undecided:
        return _conflict_page(work, standard, disputes, None, problems=undecided), 422
    try:
        result = _save_typed(rid, chosen, key)
    except NotPossible as reason:
        return _not_saved(rid, standard, chosen, str(reason))
    commit()
    if result.conflicts or result.errors:
        work = checklist(session(), _own(rid))
        again = []
        for dispute in disputes:
            name = dispute.item.criterion.id
            item = next(one for one in work.items if one.criterion.id == name)
            if name in result.conflicts:
                again.append(_dispute(item, chosen[name], result.conflicts[name]))
            elif name in result.errors:
                again.append(replace(dispute, item=item, errors=result.errors[name]))
        return _conflict_page(work, standard, again, result), 409 if result.conflicts else 422
    flash(_saved_words(result), "success")
    return _redirect("agency.standard", rid=rid, standard=standard)


# --- Vouching --------------------------------------------------------------------------------------------


@blueprint.route("/standards/<standard>/vouch", methods=["GET", "POST"])
@requires(GET="return.vouch", POST="return.vouch")
def vouch(rid: str, standard: str) -> str | tuple[str, int] | BaseResponse:
    """A named executive vouches for a standard as it is answered now."""
    audit_return = _get(rid, "return.vouch")
    work = checklist(session(), audit_return)
    section = work.section(standard)
    name, post = (request.form.get(field, "").strip() for field in ("name", "post"))
    problems = {}
    if request.method == "POST":
        if not name:
            problems["name"] = _("Give the name of the executive who vouches for this standard")
        if not post:
            problems["post"] = _("Give their post, such as director of nursing")
        for field_name, value in (("name", name), ("post", post)):
            if len(value) > 200:
                problems[field_name] = _("Shorten this to 200 characters or fewer")
        if not problems:
            record_vouch(session(), rid, standard, name=name, post=post, by=actor(), now=now())
            commit()
            title = text(section.standard.title)
            flash(_("%(name)s vouches for “%(standard)s”.", name=name, standard=title), "success")
            return _redirect("agency.tasks", rid=rid)
    page = render_template(
        "agency/vouch.html", audit_return=audit_return, section=section, problems=problems,
        name=name or (section.vouch.name if section.vouch else ""),
        post=post or (section.vouch.post if section.vouch else ""),
        closed=why_closed(audit_return, now=now()),
        breadcrumbs=_crumbs(
            audit_return, (text(section.standard.title), url_for("agency.standard", rid=rid, standard=standard))
        ),
    )  # fmt: skip
    return page, 422 if problems else 200


@blueprint.route("/standards/<standard>/vouch/withdraw", methods=["POST"])
@requires(POST="return.vouch")
def withdraw(rid: str, standard: str) -> BaseResponse:
    """Take a vouch back."""
    withdraw_vouch(session(), rid, standard, by=actor(), now=now())
    commit()
    flash(_("Nobody vouches for this standard any more. The answers stay as they are."), "success")
    return _redirect("agency.tasks", rid=rid)


# --- Earlier versions, checking --------------------------------------------------------------------------


@blueprint.route("/criteria/<criterion>/versions")
@requires(GET="return.read")
def earlier(rid: str, criterion: str) -> str:
    """Every saved version of one answer, with who saved it and when."""
    audit_return = _own(rid)
    work = checklist(session(), audit_return)
    pack, template = template_of(audit_return)
    try:
        question = template.criterion(criterion)
    except KeyError:
        raise NotFound from None
    blank = Item(
        question, template.number_of(question), pack.scheme_of(template, question), False, Answered({}, 0, None, ""),
        (), None,
    )  # fmt: skip
    rows = versions(session(), audit_return, criterion)
    return render_template(
        "agency/versions.html",
        audit_return=audit_return,
        criterion=question,
        number=blank.number,
        versions=[
            replace(blank, answer=Answered(row.value, row.version, row.saved_at, _name_of(row.saved_by)))
            for row in rows
        ],
        breadcrumbs=_crumbs(
            audit_return,
            *(
                (
                    text(section.standard.title),
                    url_for(
                        "agency.standard", rid=rid, standard=section.standard.id, _anchor=f"q-{criterion}"
                    ),
                )
                for section in work.sections
                if any(item.criterion.id == criterion for item in section.items)
            ),
        ),
    )


def _name_of(user: User | None) -> str:
    return user.name if user else ""


@blueprint.route("/check")
@requires(GET="return.read")
def check(rid: str) -> str:
    """All answers on one page, what is outstanding first."""
    audit_return = _own(rid)
    work = checklist(session(), audit_return)
    closed = why_closed(audit_return, now=now())
    return render_template(
        "agency/check.html",
        audit_return=audit_return,
        work=work,
        closed=closed,
        may_edit=not closed and _may("return.edit", audit_return),
        may_sign=signing_post(actor(), audit_return) is not None,
        profile=profile(work.items),
        breadcrumbs=_crumbs(audit_return),
    )


# --- Signing ---------------------------------------------------------------------------------------------


class Exceptions(NamedTuple):
    """Answers that a signatory should see before anything else. `kind` makes their anchor."""

    kind: str
    label: str
    items: Sequence[Item]
    colour: str = ""


def exceptions(items: Sequence[Item]) -> list[Exceptions]:
    """What is not in place and what is not known, grade by grade; what comes too late; what has no date.

    The worst grade comes first, then what nobody knows, then what is partly there.
    """
    groups: dict[tuple[int, str], tuple[Grade, list[Item]]] = {}
    for item in items:
        known = [one for one in item.scheme.grades if one.counts_as == "not_met" and not one.shown_apart]
        apart = [one for one in item.scheme.grades if one.shown_apart]
        for grade in (*known[-1:], *apart, *reversed(known[:-1])):
            groups.setdefault((id(item.scheme), grade.key), (grade, []))
    for item in items:
        if item.grade and (id(item.scheme), item.grade.key) in groups:
            groups[id(item.scheme), item.grade.key][1].append(item)
    found = [
        Exceptions(f"grade-{place}", text(grade.label), tuple(own), grade.colour)
        for place, (grade, own) in enumerate(groups.values(), start=1)
    ]
    found.append(
        Exceptions("late", _("Expected later than the milestone"), [item for item in items if item.is_late])
    )
    undated = [
        item
        for item in items
        if item.grade and item.grade.counts_as == "not_met" and item.date_expected is None
    ]
    found.append(Exceptions("undated", _("Not in place, and no date given"), undated))
    return found


@blueprint.route("/sign", methods=["GET", "POST"])
@requires(GET="return.read", POST="return.sign")
def sign(rid: str) -> str | tuple[str, int] | BaseResponse:
    """The signatory reads the exceptions, the profile and the declaration, proves who they are, and signs."""
    if request.method == "GET":
        audit_return = _own(rid)
        if audit_return.stage == "submitted":
            return redirect(url_for("agency.receipt", rid=rid))
        return _sign_page(audit_return, {})
    _get(rid, "return.sign")
    problems = {}
    if request.form.get("confirm") != "yes":
        problems["confirm"] = _("Tick the box if you make this declaration")
    if not request.form.get("password"):
        problems["password"] = _("Enter your password: it is your signature")
    proved = False
    if not problems:
        proved, why = identity_proved(current_user._get_current_object(), request.form["password"])
        if not proved:
            problems["password"] = why
            commit()  # a wrong try is remembered
    if not problems:
        try:
            sign_and_submit(
                session(), rid, by=actor(), now=now(), expected_hash=request.form.get("content_hash", ""),
                identity_proved=proved,
            )  # fmt: skip
        except NotPossible as reason:
            db.session.rollback()
            audit_return = _own(rid)
            if audit_return.stage == "submitted":
                flash(str(reason), "important")
                return _redirect("agency.receipt", rid=rid)
            return _sign_page(audit_return, {"": str(reason)}, 409)
        commit()
        return _redirect("agency.receipt", rid=rid)
    return _sign_page(_own(rid), problems, 422)


def _sign_page(audit_return: AuditReturn, problems: Mapping[str, str], status: int = 200) -> tuple[str, int]:
    work = checklist(session(), audit_return)
    held = signing_post(actor(), audit_return)
    called = text(work.pack.agency_types[audit_return.agency_type].signatory)
    answered = [item for item in work.items if item.started]
    page = render_template(
        "agency/sign.html",
        audit_return=audit_return,
        work=work,
        closed=why_closed(audit_return, now=now()),
        due=deadline(audit_return, now=now()),
        held=held,
        called=called,
        signatories=signatories(session(), audit_return, now=now()),
        exceptions=exceptions(answered),
        profile=profile(answered),
        profiles=[(s, profile([item for item in s.items if item.started])) for s in work.sections],
        declaration=declaration_text(work, signatory=actor().name, post=held.post or called) if held else "",
        content_hash=content_hash(work),
        problems=problems,
        confirmed=request.form.get("confirm") == "yes",
        breadcrumbs=_crumbs(audit_return),
    )
    return page, status


# --- After signing ---------------------------------------------------------------------------------------


@blueprint.route("/receipt")
@requires(GET="return.read")
def receipt(rid: str) -> str | BaseResponse:
    """What was submitted, by whom and when, and how anybody can check it."""
    audit_return = _own(rid)
    every = submissions(session(), audit_return)
    if not every:
        return redirect(url_for("agency.tasks", rid=rid))
    latest = every[0]
    return render_template(
        "agency/receipt.html",
        audit_return=audit_return,
        latest=latest,
        signed_event=signing_event(session(), audit_return, latest.number),
        earlier=every[1:],
        due=deadline(audit_return, now=now()),
        breadcrumbs=_crumbs(audit_return),
    )


def _submission(audit_return: AuditReturn, sid: str) -> Submission:
    for one in submissions(session(), audit_return):
        if one.public_id == sid:
            return one
    raise NotFound


@blueprint.route("/submissions/<sid>")
@requires(GET="return.read")
def submission(rid: str, sid: str) -> str:
    """One submission in full, as it was signed."""
    audit_return = _get(rid)
    chosen = _submission(audit_return, sid)
    work = submitted_checklist(chosen, audit_return)
    answered = [item for item in work.items if item.started]
    return render_template(
        "agency/submission.html",
        audit_return=audit_return,
        chosen=chosen,
        work=work,
        profile=profile(answered),
        exceptions=exceptions(answered),
        others=[one for one in submissions(session(), audit_return) if one is not chosen],
        due=deadline(audit_return, now=now()),
        is_own=sees_drafts(actor(), audit_return),
        may_reopen=audit_return.stage == "submitted"
        and not chosen.voided
        and _may("return.reopen", audit_return),
        may_read_history=_may("return.history", audit_return),
        breadcrumbs=_crumbs(audit_return),
    )


@blueprint.route("/submissions/<sid>/content.json")
@requires(GET="return.read")
def content(rid: str, sid: str) -> Response:
    """The signed content itself, byte for byte what the content hash is made over."""
    audit_return = _get(rid)
    chosen = _submission(audit_return, sid)
    name = f"{audit_return.audit_round.key}-{audit_return.agency.code}-{chosen.number}.json"
    return Response(
        chosen.content,
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@blueprint.route("/history")
@requires(GET="return.history")
def events(rid: str) -> str:
    """Everything that happened to a return, in words, and whether its chain of hashes is whole."""
    audit_return = _get(rid, "return.history")
    every = history(session(), chain.chain_of(audit_return))
    pages = max(1, -(-len(every) // HISTORY_PAGE))
    asked_page = request.args.get("page", 1, type=int) or 1
    page = min(max(1, asked_page), pages)
    newest_first = list(reversed(every))[(page - 1) * HISTORY_PAGE : page * HISTORY_PAGE]
    _pack, template = template_of(audit_return)
    titles = {one.id: text(one.title) for one in template.standards}
    lines = [
        (line, _sentence(line.verb, line.data, line.texts, titles))
        for line in history_lines(session(), newest_first)
    ]
    return render_template(
        "agency/history.html",
        audit_return=audit_return,
        lines=lines,
        number=len(every),
        head=every[-1].hash if every else "",
        broken=chain.verify(list(every)),
        page=page,
        pages=pages,
        breadcrumbs=_crumbs(audit_return),
    )


def _sentence(verb: str, data: Mapping[str, Any], texts: Mapping[str, str], titles: Mapping[str, str]) -> str:
    """What an event says, without who and when. Texts may be erased."""
    title = titles.get(str(data.get("standard", "")), "")
    reason = texts.get("reason", _("(text erased)"))
    if verb == "answer.saved":
        number = len(data.get("criteria", {}))
        words = ngettext("Saved %(num)d answer.", "Saved %(num)d answers.", number)
        ended = [titles.get(key, key) for key in data.get("vouches_ended", [])]
        if ended:
            words += " " + _("The vouch for “%(standards)s” ended with it.", standards="”, “".join(ended))
        return str(words)
    sentences = {
        "return.invited": _("Invited the agency to the round."),
        "return.started": _("Started the audit."),
        "standard.vouched": _("%(name)s, %(post)s, vouched for “%(title)s”.",
            name=texts.get("name", _("Somebody")), post=texts.get("post", ""), title=title),
        "standard.vouch_withdrawn": _("Took the vouch for “%(title)s” back.", title=title),
        "return.submitted": _("Signed and submitted (submission %(number)s).", number=data.get("number", "")),
        "return.reopened": _("Reopened the audit, which set submission %(number)s aside. Reason: %(reason)s",
            number=data.get("voided", ""), reason=reason),
        "return.nil": _("Recorded a nil return. Reason: %(reason)s", reason=reason),
        "return.nil_taken_back": _("Took the nil return back."),
        "return.extended": _("Gave more time, until %(day)s.", day=_london_day(data.get("to"))),
        "report.requested": _("Asked for a report."),
    }  # fmt: skip
    return sentences.get(verb, verb)


def _london_day(value: Any) -> str:
    return day(datetime.fromisoformat(value)) if value else ""
