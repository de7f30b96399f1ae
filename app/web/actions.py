"""The action plan of a return: planning before signing, progress afterwards, the plan as a list and a spreadsheet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import format_date, ngettext
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.db import db
from app.domain.action_plan import ActionPlan, PlannedAction, PlanQuestion, rows
from app.domain.actions import STATES, ActionErrors, Typed, check
from app.domain.life import NotPossible
from app.domain.message import Message
from app.domain.paging import paged
from app.models import AuditReturn
from app.operations.actions import (
    ActionConflict,
    carry_actions,
    edit_action,
    plan_action,
    remove_action,
    report_progress,
)
from app.policy import allows
from app.queries.action_plan import action_plan, shows_draft
from app.queries.carrying import open_actions
from app.queries.returns import Item, checklist, return_facts, why_closed
from app.queries.rounds import NotFound
from app.sheets.action_plan import write_action_plan
from app.web.agency.blueprint import any_return, crumbs, question_address, see_other
from app.web.pages import day, language, message, text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import TypedDay, asked, page_asked, read_day, summary, typed

blueprint = Blueprint("actions", __name__, url_prefix="/returns/<rid>/actions")

PAGE = 50  # actions on a page of the list
ORDERS = ("standard", "owner", "date")
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass
class Fields:
    """The fields of a form as they stand in the browser; `what` is the note where it reports progress."""

    what: str = ""
    owner: str = ""
    due: TypedDay = field(default_factory=TypedDay)
    state: str = "planned"


@dataclass
class Form:
    """A form and what came of it. Nothing that was typed is lost: it stands in the fields again."""

    title: str
    fields: Fields = field(default_factory=Fields)
    aid: str = ""
    version: int = 0
    given: Typed = Typed("")  # noqa: RUF009 -- a tuple never changes
    errors: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    conflict: ActionConflict | None = None

    def read(self) -> None:
        """Take the form that was sent; what is wrong with it is in `errors`, by field."""
        wrong_day: dict[str, str] = {}
        fields_of_day, due = read_day("due", wrong_day, optional=True)
        self.given = Typed(typed("what"), typed("owner"), due, typed("state") or "planned")
        self.fields = Fields(self.given.what, self.given.owner, fields_of_day, self.given.state)
        errors = wrong_day
        try:
            check(self.given)
        except ActionErrors as wrong:
            errors = _words(wrong) | wrong_day
        self.errors = {name: errors[name] for name in ("what", "owner", "due", "state") if name in errors}

    def refuse(self, reason: NotPossible, rid: str) -> AuditReturn:
        """Say why nothing was saved; the return as it stands."""
        db.session.rollback()
        self.refused = message(reason.message)
        return any_return(rid)

    def summary(self) -> list[dict[str, str]]:
        """The error summary."""
        refused = [{"text": self.refused}] if self.refused else []
        return refused + summary(self.errors, days=("due",))

    @property
    def status(self) -> int:
        """The status that the page answers with."""
        if self.conflict or self.refused:
            return 409
        return 422 if self.errors else 200


def _words(wrong: ActionErrors) -> dict[str, str]:
    return {name: message(words) for name, words in wrong.errors.items()}


def _states() -> list[dict[str, str]]:
    return [{"value": state, "text": message(Message(words))} for state, words in STATES.items()]


def _plan(audit_return: AuditReturn) -> ActionPlan:
    """The plan that the actor may read: the draft for the agency's own people, else what was signed."""
    draft = shows_draft(actor(), audit_return)
    found = action_plan(
        session(), audit_return, draft=draft, actor=actor(), now=now(), language=language()
    )
    if found is None:
        raise NotFound
    return found


def _found(plan: ActionPlan, aid: str) -> tuple[PlanQuestion, PlannedAction]:
    """An action of the plan with its question. Raises NotFound, for one too that the actor's plan does not hold."""
    for question in (*plan.gaps, *plan.apart):
        for planned in question.actions:
            if planned.action.id == aid:
                return question, planned
    raise NotFound


def _rights(audit_return: AuditReturn) -> dict[str, Any]:
    """What the actor may do with the plan now."""
    closed = why_closed(audit_return, now=now())
    facts = return_facts(session(), audit_return, now=now())
    reports = closed is not None and audit_return.stage != "nil"
    return {
        "closed": closed,
        "may_edit": closed is None and allows(actor(), "return.edit", facts),
        "may_progress": reports and allows(actor(), "return.progress", facts),
    }


def _crumbs(audit_return: AuditReturn, *more: tuple[str, str]) -> list[dict[str, str]]:
    return crumbs(audit_return, (_("Action plan"), url_for("actions.plan", rid=audit_return.public_id)), *more)


@blueprint.app_template_filter("month")
def month(value: date) -> str:
    """A month as people write it: September 2003."""
    return format_date(value, "MMMM y")


@blueprint.route("/")
@requires(GET="return.read_all")
def plan(rid: str) -> str:
    """The whole plan: gaps without an action first, then the actions in the order asked for."""
    audit_return = any_return(rid, "return.read_all")
    found = _plan(audit_return)
    order = asked("by") if asked("by") in ORDERS else "standard"
    show = asked("show") if asked("show") in (*STATES, "open", "late") else ""
    listed = rows(found, by=order, state=show)
    page, pages = paged(len(listed), PAGE, page_asked())
    rights = _rights(audit_return)
    return render_template(
        "actions/plan.html",
        carried=open_actions(session(), checklist(session(), audit_return)) if rights["may_edit"] else None,
        audit_return=audit_return,
        plan=found,
        order=order,
        show=show,
        number=len(listed),
        rows=listed[(page - 1) * PAGE : page * PAGE],
        page=page,
        pages=pages,
        bare=[gap for gap in found.gaps if not gap.has_plan],
        states=_states(),
        **rights,
        breadcrumbs=crumbs(audit_return),
    )


@blueprint.route("/carry", methods=["POST"])
@requires(POST="return.edit")
def carry(rid: str) -> BaseResponse:
    """Carry the open actions of the last round into this plan."""
    any_return(rid, "return.edit")
    try:
        number = carry_actions(session(), rid, by=actor(), now=now())
    except NotPossible as reason:
        flash(message(reason.message), "important")
    else:
        commit()
        flash(
            ngettext(
                "%(num)d action carried into this plan. Check its date and its owner.",
                "%(num)d actions carried into this plan. Check their dates and owners.",
                number,
            ),
            "success",
        )
    return redirect(url_for("actions.plan", rid=rid), 303)


@blueprint.route("/plan.xlsx")
@requires(GET="return.read_all")
def sheet(rid: str) -> Response:
    """The plan as a spreadsheet, for downloading."""
    audit_return = any_return(rid, "return.read_all")
    found = _plan(audit_return)
    draft = "" if found.signature else "-draft"
    name = f"{audit_return.audit_round.key}-{audit_return.agency.code}-action-plan{draft}.xlsx"
    content = write_action_plan(found, translate=lambda words: message(Message(words)))
    return Response(
        content,
        mimetype=SHEET,
        headers={"Content-Disposition": f'attachment; filename="{re.sub(r"[^A-Za-z0-9._-]+", "-", name)}"'},
    )


@blueprint.route("/new/<criterion>", methods=["GET", "POST"])
@requires(GET="return.edit", POST="return.edit")
def new(rid: str, criterion: str) -> str | tuple[str, int] | BaseResponse:
    """Plan an action for a question; `criterion` is the question's id."""
    audit_return = any_return(rid, "return.edit")
    item = _item(audit_return, criterion)
    form = Form(_("Plan an action"))
    if request.method == "POST":
        form.read()
        if not form.errors:
            try:
                plan_action(session(), rid, criterion, form.given, by=actor(), now=now())
            except NotPossible as reason:
                audit_return = form.refuse(reason, rid)
            else:
                commit()
                _say(_("The action is planned."), item, form.given)
                if "another" in request.form:
                    return see_other("actions.new", rid=rid, criterion=criterion, back=asked("back") or None)
                return redirect(_origin(audit_return, criterion), 303)
    return _form(audit_return, item, form)


@blueprint.route("/<aid>/edit", methods=["GET", "POST"])
@requires(GET="return.edit", POST="return.edit")
def edit(rid: str, aid: str) -> str | tuple[str, int] | BaseResponse:
    """Change an action before it is signed; a colleague's change meanwhile is shown beside one's own."""
    audit_return = any_return(rid, "return.edit")
    question, planned = _found(_plan(audit_return), aid)
    before = planned.action
    fields = Fields(before.what, before.owner, TypedDay.of(before.due), before.state)
    form = Form(_("Change an action"), fields, aid, before.version)
    if request.method == "POST":
        form.read()
        form.version = _version()
        if not form.errors:
            try:
                result = edit_action(
                    session(), rid, aid, form.given, based_on=form.version, by=actor(), now=now()
                )
            except NotPossible as reason:
                audit_return = form.refuse(reason, rid)
            else:
                if not isinstance(result, ActionConflict):
                    commit()
                    _say(_("The action is saved."), question, form.given)
                    return redirect(_origin(audit_return, question.id), 303)
                form.conflict, form.version = result, result.version
    return _form(audit_return, question, form)


@blueprint.route("/<aid>/remove", methods=["GET", "POST"])
@requires(GET="return.edit", POST="return.edit")
def remove(rid: str, aid: str) -> str | tuple[str, int] | BaseResponse:
    """Take an action out of the plan, after asking."""
    audit_return = any_return(rid, "return.edit")
    question, planned = _found(_plan(audit_return), aid)
    problem = ""
    if request.method == "POST":
        try:
            remove_action(session(), rid, aid, based_on=_version(), by=actor(), now=now())
        except NotPossible as reason:
            problem = message(reason.message)
        else:
            commit()
            flash(_("The action is removed from the plan. The history keeps what it said."), "success")
            return see_other("actions.plan", rid=rid)
    page = render_template(
        "actions/remove.html", audit_return=audit_return, question=question, planned=planned, problem=problem,
        **_rights(audit_return), breadcrumbs=_crumbs(audit_return),
    )  # fmt: skip
    return page, 409 if problem else 200


@blueprint.route("/<aid>", methods=["GET", "POST"])
@requires(GET="return.read_all", POST="return.progress")
def action(rid: str, aid: str) -> str | tuple[str, int] | BaseResponse:
    """One action with everything that was reported about it, and the form to report more."""
    reports = request.method == "POST"
    audit_return = any_return(rid, "return.progress" if reports else "return.read_all")
    question, planned = _found(_plan(audit_return), aid)
    form = Form("", Fields(state=planned.action.state))
    if reports:
        form.fields = Fields(what=typed("note"), state=typed("state"))
        form.fields.due, due = read_day("due", form.errors, optional=True)
        if not form.errors:
            try:
                report_progress(
                    session(), rid, aid, state=form.fields.state, note=form.fields.what, due=due, by=actor(),
                    now=now(),
                )  # fmt: skip
            except ActionErrors as wrong:
                form.errors = _words(wrong)
            except NotPossible as reason:
                audit_return = form.refuse(reason, rid)
            else:
                commit()
                flash(_("The progress is recorded. What was signed stays as it was."), "success")
                return see_other("actions.action", rid=rid, aid=aid)
    page = render_template(
        "actions/action.html", audit_return=audit_return, question=question, planned=planned, form=form,
        errors=form.summary(), states=_states(), **_rights(audit_return), breadcrumbs=_crumbs(audit_return),
    )  # fmt: skip
    return page, form.status


def _item(audit_return: AuditReturn, question: str) -> Item:
    for item in checklist(session(), audit_return).items:
        if item.id == question:
            return item
    raise NotFound


def _version() -> int:
    """The version that the form was based on; 0, which is none, where it names no number."""
    given = typed("version")
    return int(given) if re.fullmatch(r"[0-9]{1,9}", given) else 0


def _dates(about: Item | PlanQuestion) -> dict[str, Any]:
    """The dates of a question that an action is held against."""
    if isinstance(about, Item):
        is_gap = bool(about.grade and about.grade.counts_as == "not_met")
        return {"milestone": about.milestone_due, "expected": about.date_expected if is_gap else None}
    return {"milestone": about.milestone_date, "expected": None if about.why_apart else about.date_expected}


def _say(done: str, about: Item | PlanQuestion, given: Typed) -> None:
    """Say what was done, and warn of a date that comes too late. Nothing is forbidden."""
    flash(done, "success")
    limits = _dates(about)
    if given.state not in ("planned", "under_way") or given.due is None:
        return
    warnings = []
    if limits["milestone"] and given.due > limits["milestone"]:
        warnings.append(
            _("Its date, %(day)s, is after the milestone of this criterion, %(milestone)s.",
              day=day(given.due), milestone=day(limits["milestone"]))
        )  # fmt: skip
    if limits["expected"] and given.due > limits["expected"]:
        warnings.append(
            _("Its date, %(day)s, is after %(expected)s, the day by which the answer expects the criterion in place.",
              day=day(given.due), expected=day(limits["expected"]))
        )  # fmt: skip
    if warnings:
        flash(" ".join(warnings), "warning")  # one notice: two would be two landmarks of one name


def _origin(audit_return: AuditReturn, question: str) -> str:
    """The address that somebody came from: the answer, or the plan."""
    rid = audit_return.public_id
    if asked("back") == "answer":
        for section in checklist(session(), audit_return).sections:
            if any(item.id == question for item in section.items):
                return question_address(rid, section.standard.id, question)
    return url_for("actions.plan", rid=rid)


def _form(audit_return: AuditReturn, about: Item | PlanQuestion, form: Form) -> tuple[str, int]:
    page = render_template(
        "actions/edit.html",
        audit_return=audit_return,
        number=about.number,
        question=text(about.criterion.question) if isinstance(about, Item) else about.question,
        limits=_dates(about),
        form=form,
        errors=form.summary(),
        states=_states(),
        away=_origin(audit_return, about.id),
        **_rights(audit_return),
        breadcrumbs=_crumbs(audit_return),
    )
    return page, form.status
