"""Year after year: what can be carried forward from the last round, confirming it, and what changed since."""

from __future__ import annotations

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.clock import today
from app.db import db
from app.domain.answers import question_parts
from app.domain.life import NotPossible
from app.models import AuditReturn
from app.operations.answers import save_answers
from app.operations.carrying import carry, confirm
from app.queries.carrying import carry_plan, is_overdue, round_names, to_confirm
from app.queries.packs import template_of
from app.queries.returns import Item, checklist, why_closed
from app.queries.rounds import NotFound
from app.web.agency.blueprint import (
    any_return,
    blueprint,
    crumbs,
    may,
    own_return,
    question_address,
    see_other,
)
from app.web.answer_forms import edit_of, sent
from app.web.pages import day
from app.web.permissions import requires
from app.web.request import actor, commit, now, session


@blueprint.route("/last-round", methods=["GET", "POST"])
@requires(GET="return.read", POST="return.edit")
def last_round(rid: str) -> str | tuple[str, int] | BaseResponse:
    """What the last round has for this return, and carrying all of it forward, or some standards."""
    if request.method == "GET":
        return _last_round_page(own_return(rid))
    any_return(rid, "return.edit")
    chosen = request.form.getlist("standard")
    if not chosen:
        return _last_round_page(own_return(rid), _("Choose at least one standard to carry forward")), 422
    carried = carry(session(), rid, standards=chosen, by=actor(), now=now())
    commit()
    flash(
        ngettext(
            "%(num)d answer carried forward. Please confirm it, or change it, before signing.",
            "%(num)d answers carried forward. Please confirm each, or change it, before signing.",
            len(carried),
        ),
        "success",
    )
    return see_other("agency.confirm_all", rid=rid)


def _last_round_page(audit_return: AuditReturn, problem: str = "") -> str:
    work = checklist(session(), audit_return)
    plan = carry_plan(session(), work, may_list=may("return.sites", audit_return))
    return render_template(
        "carrying/last_round.html",
        audit_return=audit_return,
        work=work,
        plan=plan,
        closed=why_closed(audit_return, now=now()),
        may_edit=may("return.edit", audit_return),
        waiting=to_confirm(work),
        chosen=request.form.getlist("standard") if problem else None,
        problem=problem,
        overdue={pair.now.id for pair in plan.open if is_overdue(pair.then, today(now()))} if plan else set(),
        breadcrumbs=crumbs(audit_return),
    )


@blueprint.route("/last-round/confirm", methods=["GET", "POST"])
@requires(GET="return.read", POST="return.edit")
def confirm_all(rid: str) -> str | tuple[str, int] | BaseResponse:
    """Every answer that was carried forward and not confirmed yet, standard by standard; confirming those ticked."""
    if request.method == "GET":
        return _confirm_page(own_return(rid))
    any_return(rid, "return.edit")
    chosen = request.form.getlist("question")
    if not chosen:
        return _confirm_page(own_return(rid), _("Tick the answers that still hold")), 422
    result = confirm(session(), rid, chosen, by=actor(), now=now())
    commit()
    if result.questions:
        flash(_confirmed_words(len(result.questions)), "success")
    elif not result.overdue:
        words = _("A colleague has confirmed or changed these meanwhile. Nothing is left of them to confirm.")
        flash(words, "important")
    _say_overdue(result.overdue)
    if not to_confirm(checklist(session(), own_return(rid))):
        return see_other("agency.tasks", rid=rid)
    return see_other("agency.confirm_all", rid=rid)


def _confirmed_words(number: int) -> str:
    return ngettext(
        "%(num)d answer confirmed: it holds as it was.", "%(num)d answers confirmed: they hold as they were.", number
    )


def _say_overdue(overdue: list[Item]) -> None:
    for item in overdue:
        flash(
            _(
                "Question %(number)s was expected in place by %(day)s, and that day has passed. Give a new date, or"
                " another grade, and save.",
                number=item.number, day=day(item.date_expected),
            ),
            "important",
        )  # fmt: skip


def _confirm_page(audit_return: AuditReturn, problem: str = "") -> str:
    work = checklist(session(), audit_return)
    waiting = to_confirm(work)
    chosen = set(request.form.getlist("question"))
    if request.method == "POST":
        # the other standards have a form of their own, which nobody touched
        sent_in = request.form.get("standard", "")
        chosen |= {
            item.id for one in work.sections if one.standard.id != sent_in for item in one.items
        }
    return render_template(
        "carrying/confirm.html",
        audit_return=audit_return,
        sections=[
            (one, [item for item in one.items if item.answer.to_confirm])
            for one in work.sections
            if any(item.answer.to_confirm for item in one.items)
        ],
        waiting=waiting,
        overdue={item.id for item in waiting if is_overdue(item, today(now()))},
        chosen=chosen if request.method == "POST" else {item.id for item in waiting},
        closed=why_closed(audit_return, now=now()),
        may_edit=may("return.edit", audit_return),
        problem=problem,
        breadcrumbs=crumbs(
            audit_return,
            (_("Carry answers forward"), url_for("agency.last_round", rid=audit_return.public_id)),
        ),
    )


@blueprint.route("/confirm", methods=["POST"])
@requires(POST="return.edit")
def confirm_one(rid: str) -> BaseResponse:
    """Confirm one answer, from the page of its standard: what else was typed there is saved with it.

    Where that cannot be saved, the form goes to the page's own save, which shows what is wrong and loses nothing.
    """
    question = request.form.get("confirm", "")
    audit_return = any_return(rid, "return.edit")
    _pack, template = template_of(audit_return)
    try:
        standard = template.standard_of(template.criterion(question_parts(question)[0])).id
    except KeyError:
        raise NotFound from None
    key = request.form.get("page_key", "")[:64]
    edits = [edit_of(name, one, key) for name, one in sent(request.form).items()]
    try:
        saved = save_answers(session(), rid, edits, by=actor(), now=now())
        is_clean = saved.clean
    except NotPossible:
        is_clean = False
    if not is_clean:
        db.session.rollback()
        return redirect(url_for("agency.standard", rid=rid, standard=standard), 307)
    result = confirm(session(), rid, [question], by=actor(), now=now())
    commit()
    words = [_confirmed_words(len(result.questions))] if result.questions else []
    if saved.saved:
        words.append(ngettext("%(num)d answer saved.", "%(num)d answers saved.", len(saved.saved)))
    if words:
        flash(" ".join(words), "success")
    _say_overdue(result.overdue)
    return redirect(question_address(rid, standard, question), 303)


@blueprint.app_template_global("carried_round")
def carried_round(return_id: int) -> str:
    """The name of the round that an answer was carried from. One statement for each return in a request."""
    names: dict[int, str] = g.setdefault("carried_rounds", {})
    if return_id not in names:
        names.update(round_names(session(), [return_id]))
    return names.get(return_id, "")


@blueprint.app_template_global("carried_overdue")
def carried_overdue(item: Item) -> bool:
    """Whether an answer that is to be confirmed promises a day that has passed: then it must be renewed."""
    return item.answer.to_confirm and is_overdue(item, today(now()))
