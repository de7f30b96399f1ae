"""Examples for the report: marking a signed answer, the list by theme, a file of it. Oversight bodies only."""

from __future__ import annotations

from itertools import groupby

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.domain.answers import question_parts
from app.domain.life import NotPossible
from app.domain.paging import paged
from app.models import AuditReturn, Submission
from app.operations import examples as operations
from app.queries.examples import KINDS, ExampleFilter, Marked, examples, examples_on
from app.queries.moderation import checked_for
from app.queries.packs import pack_of
from app.queries.returns import Item, get_return, submissions, submitted_checklist
from app.queries.rounds import NotFound, get_round
from app.web.fact_words import lines as fact_lines
from app.web.oversight.blueprint import round_crumbs, type_name
from app.web.pages import day, message, text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.sheets import csv_download
from app.web.typed import asked, page_asked, summary, typed

blueprint = Blueprint("examples", __name__)

PAGE = 50


@blueprint.app_template_filter("example_kind")
def kind_words(kind: str) -> str:
    """What pages call a kind of example."""
    return {"good": _("Good practice"), "concern": _("Concern")}[kind]


@blueprint.route("/rounds/<rid>/examples")
@requires(GET="example.mark")
def overview(rid: str) -> str | BaseResponse:
    """The examples of a round by theme, narrowed by the address; `format=csv` gives them as a file."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="example.mark")
    pack = pack_of(audit_round.pack_version)
    args = {name: asked(name) for name in ("kind", "theme", "type") if asked(name)}
    narrowed = ExampleFilter(args.get("kind", ""), args.get("theme", ""), args.get("type", ""))
    found = examples(session(), audit_round, actor=actor(), now=now(), narrowed=narrowed)
    themes = {key: text(theme.title) for key, theme in pack.themes.items()}
    findings = checked_for(session(), audit_round, {one.example.return_id for one in found}, actor=actor())

    def checked_grade(one: Marked) -> str:
        """The grade that an inspector found, in words; empty where nobody looked."""
        example = one.example
        finding = findings.get(example.return_id, {}).get((example.criterion, example.scope_key))
        if finding is None or finding.submission_id != example.submission_id:
            return ""
        scheme = pack.scheme_of(pack.templates[example.audit_return.agency_type], one.criterion)
        return next((text(grade.label) for grade in scheme.grades if grade.key == finding.grade), "")

    if asked("format") == "csv":
        heading = (
            _("Theme"), _("Kind"), _("Code"), _("Agency"), _("Type"), _("Question"), _("Words of the question"),
            _("Own grade"), _("Checked grade"), _("Answer"), _("Note"), _("Marked by"), _("Marked on"), _("Set aside"),
        )  # fmt: skip
        rows = (
            (
                themes[one.criterion.theme], kind_words(one.example.kind), one.agency.code, one.agency.name,
                type_name(pack, one.example.audit_return.agency_type), one.number, text(one.criterion.question),
                text(one.grade.label) if one.grade else "", checked_grade(one), _said(one),
                one.example.note, one.example.by.name if one.example.by else "", day(one.example.at),
                _("yes") if one.is_set_aside else _("no"),
            )
            for one in found
        )  # fmt: skip
        return csv_download(f"{audit_round.key}-examples.csv", heading, rows)
    page, pages = paged(len(found), PAGE, page_asked())
    shown = found[(page - 1) * PAGE : page * PAGE]
    return render_template(
        "oversight/examples.html",
        audit_round=audit_round,
        pack=pack,
        groups=[
            (key, themes[key], list(group)) for key, group in groupby(shown, key=lambda one: one.criterion.theme)
        ],
        number=len(found),
        page=page,
        pages=pages,
        args=args,
        kinds=[{"value": kind, "text": kind_words(kind)} for kind in KINDS],
        themes=[{"value": key, "text": title} for key, title in themes.items()],
        types=[{"value": key, "text": text(kind.plural)} for key, kind in pack.agency_types.items()],
        checked_grade=checked_grade,
        type_name=type_name,
        breadcrumbs=round_crumbs(audit_round),
    )


def _said(one: Marked) -> str:
    """What the agency said, in plain text."""
    said = [line for fact in one.facts for line in fact_lines(fact)]
    return "\n".join(filter(None, (*said, one.value.get("commentary", ""))))


def _answer(rid: str, sid: str, question: str) -> tuple[AuditReturn, Submission, Item]:
    """The signed answer that an address names, to somebody who may mark it. Raises NotFound."""
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.mark_example")
    chosen = next((one for one in submissions(session(), audit_return) if one.public_id == sid), None)
    if chosen is None:
        raise NotFound
    items = submitted_checklist(chosen, audit_return).items
    item = next((item for item in items if item.id == question and item.started), None)
    if item is None:
        raise NotFound
    return audit_return, chosen, item


@blueprint.route("/returns/<rid>/examples/<sid>/<criterion>", methods=["GET", "POST"])
@requires(GET="return.mark_example", POST="return.mark_example")
def mark(rid: str, sid: str, criterion: str) -> str | tuple[str, int] | BaseResponse:
    """Mark one signed answer as an example with a note, or change that; below, what it is marked as already."""
    audit_return, chosen, item = _answer(rid, sid, criterion)
    here = [
        one
        for one in examples_on(session(), chosen)
        if (one.criterion, one.scope_key) == question_parts(criterion)
    ]
    errors: dict[str, str] = {}
    kind, note = asked("kind"), next((one.note for one in here if one.kind == asked("kind")), "")
    if request.method == "POST":
        kind, note = typed("kind"), typed("note")
        if kind not in KINDS:
            errors["kind"] = _("Choose what it is an example of.")
        if not errors:
            try:
                operations.mark(
                    session(), rid, submission=sid, question=criterion, kind=kind, note=note, by=actor(), now=now()
                )
            except NotPossible as problem:
                errors["note"] = message(problem.message)
            else:
                commit()
                flash(_("The answer is marked as an example."), "success")
                return redirect(
                    url_for("agency.submission", rid=rid, sid=sid, _anchor=f"q-{criterion}"), 303
                )
    page = render_template(
        "oversight/example_mark.html",
        audit_return=audit_return,
        audit_round=audit_return.audit_round,
        chosen=chosen,
        item=item,
        here=here,
        kind=kind,
        note=note,
        kinds=[{"value": one, "text": kind_words(one)} for one in KINDS],
        errors=errors,
        error_list=summary(errors),
        back={
            "href": url_for("agency.submission", rid=rid, sid=sid, _anchor=f"q-{criterion}"),
            "text": _("Back to the submission"),
        },
    )
    return (page, 422) if errors else page


@blueprint.route("/returns/<rid>/examples/<example>/remove", methods=["POST"])
@requires(POST="return.mark_example")
def unmark(rid: str, example: str) -> BaseResponse:
    """Take the mark away; the answer stays as it is."""
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.mark_example")
    operations.unmark(session(), rid, example, by=actor(), now=now())
    commit()
    flash(_("The mark is taken away."), "success")
    return redirect(url_for("examples.overview", rid=audit_return.audit_round.public_id), 303)
