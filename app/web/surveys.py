"""A survey of front-line staff: its figures beside the leadership's answers, and giving its results."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.domain.life import NotPossible
from app.domain.survey import Survey, SurveyRefused
from app.domain.templates import Pack
from app.models import AuditReturn, AuditRound
from app.operations import surveys as operations
from app.operations.agencies import decode
from app.policy import allows
from app.queries.packs import pack_of
from app.queries.returns import get_return, why_closed
from app.queries.rounds import NotFound, get_round, round_facts
from app.queries.surveys import SurveyFigures, beside_answers, survey_figures, survey_of
from app.web.agency.blueprint import crumbs as agency_crumbs
from app.web.oversight.blueprint import round_crumbs, type_name
from app.web.oversight.figures import figures_crumb
from app.web.pages import language, message, text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.sheets import csv_download
from app.web.typed import asked

blueprint = Blueprint("surveys", __name__)

PROBLEMS_SHOWN = 100


@blueprint.app_template_global("has_survey")
def has_survey(audit_round: AuditRound) -> bool:
    """Whether the checklists of a round have a survey of staff."""
    return bool(pack_of(audit_round.pack_version).survey)


def _file() -> tuple[str, str]:
    """The text of the file that was sent, and what is wrong with it: one of them is empty."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return "", _("Choose a CSV file to upload.")
    try:
        return decode(file.read()), ""
    except NotPossible as reason:
        return "", message(reason.message)


def _problems(refused: SurveyRefused) -> list[dict[str, str]]:
    shown = [
        {"text": _("Line %(number)s: %(words)s", number=one.line, words=message(one.message)), "href": "#file"}
        for one in refused.problems[:PROBLEMS_SHOWN]
    ]
    if left := len(refused.problems) - len(shown):
        shown.append({"text": ngettext("And %(num)d more.", "And %(num)d more.", left), "href": "#file"})
    return shown


# --- a round ---------------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/survey")
@requires(GET="figures.read")
def overview(rid: str) -> tuple[str, int] | Response:
    """What staff say beside what leaders answered, and for a lead inspector the way to give results."""
    return _overview(get_round(session(), rid, actor=actor(), now=now(), permission="figures.read"))


def _overview(audit_round: AuditRound, errors: list[dict[str, str]] | None = None) -> tuple[str, int] | Response:
    kind, statement = asked("type").partition("/")[0], asked("statement")
    figures = survey_figures(
        session(), audit_round, actor=actor(), now=now(), language=language(), agency_type=kind, statement=statement
    )
    found = survey_of(audit_round)
    if figures is None or found is None:
        raise NotFound
    pack = found[0]
    if asked("format") == "csv":
        return _figures_csv(audit_round, pack, figures)
    served = {one.agency_type for one in audit_round.served}
    args = {name: value for name, value in (("type", kind), ("statement", statement)) if value}
    page = render_template(
        "surveys/round.html",
        audit_round=audit_round,
        found=figures,
        args=args,
        printed=False,
        kinds=[
            {"value": key, "text": type_name(pack, key, plural=True)} for key in pack.agency_types if key in served
        ],
        statements=[{"value": key, "text": text(words)} for key, words in figures.statements.items()],
        may_give=allows(actor(), "survey.give", round_facts(session(), audit_round, now=now()))
        and not audit_round.archived_at,
        columns=_survey(audit_round).columns(),
        type_name=type_name,
        pack=pack,
        error_list=errors or [],
        breadcrumbs=round_crumbs(audit_round, *figures_crumb(audit_round)),
    )
    return page, 422 if errors else 200


def _figures_csv(audit_round: AuditRound, pack: Pack, figures: SurveyFigures) -> Response:
    """The figures as they are narrowed, each statement and agency type in a line; empty where nothing may be shown."""
    heading = (
        _("Agency type"), _("Number"), _("Id"), _("Statement"), _("Agencies"), _("Agencies with too few answers"),
        _("Staff asked"), _("Staff who answered"), _("Staff who agree"), _("Per cent of staff who agree"),
        _("Signed grades that count"), _("Signed grades met"), _("Per cent met"),
    )  # fmt: skip
    rows = (
        (type_name(pack, one.agency_type, plural=True), one.number, one.id, one.label, one.agencies, one.few,
         *((one.asked, one.counted, one.agree, one.percent) if one.agencies else ("", "", "", "")),
         one.graded, one.met, one.percent_met)
        for one in figures.lines
    )  # fmt: skip
    return csv_download(f"{audit_round.key}-survey.csv", heading, rows)


def _survey(audit_round: AuditRound) -> Survey:
    found = survey_of(audit_round)
    if found is None:
        raise NotFound
    return found[1]


@blueprint.route("/rounds/<rid>/survey", methods=["POST"])
@requires(POST="survey.give")
def give(rid: str) -> tuple[str, int] | BaseResponse:
    """Take a file of results for the agencies of a round; where anything is wrong with it, say all of it."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="survey.give")
    _survey(audit_round)
    lines, wrong = _file()
    if wrong:
        return _overview(audit_round, [{"text": wrong, "href": "#file"}])
    try:
        agencies = operations.give_for_round(session(), rid, lines, by=actor(), now=now())
    except SurveyRefused as refused:
        session().rollback()
        return _overview(
            get_round(session(), rid, actor=actor(), now=now(), permission="survey.give"), _problems(refused)
        )
    commit()
    flash(
        ngettext("Results of %(num)d agency are taken.", "Results of %(num)d agencies are taken.", agencies), "success"
    )
    return redirect(url_for("surveys.overview", rid=rid), 303)


@blueprint.route("/rounds/<rid>/survey/example.csv")
@requires(GET="figures.read")
def example(rid: str) -> Response:
    """An empty file of results, with its heads."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="figures.read")
    return csv_download("survey.csv", _survey(audit_round).columns(), [])


# --- an agency -------------------------------------------------------------------------------------------------------


@blueprint.route("/returns/<rid>/survey")
@requires(GET="return.give_survey")
def own(rid: str) -> tuple[str, int] | Response:
    """An agency's own results, also as a file, and the way to give them."""
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.give_survey")
    if asked("format") == "csv":
        return _own_csv(audit_return)
    return _own(audit_return)


def _own_csv(audit_return: AuditReturn) -> Response:
    _survey(audit_return.audit_round)
    heading = (
        _("Id"), _("Statement"), _("Staff asked"), _("Staff who answered"), _("Staff who agree"),
        _("Per cent of staff who agree"),
    )  # fmt: skip
    found = beside_answers(session(), audit_return, actor=actor(), now=now())
    rows = (
        (key, text(one.text), *((one.asked, one.counted, one.agree, one.percent) if one.counted else [""] * 4))
        for key, one in found.items()
    )
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{audit_return.audit_round.key}-{audit_return.agency.code}-survey.csv")
    return csv_download(name, heading, rows)


def _own(audit_return: AuditReturn, errors: list[dict[str, str]] | None = None) -> tuple[str, int]:
    survey = _survey(audit_return.audit_round)
    page = render_template(
        "surveys/own.html",
        audit_return=audit_return,
        survey=survey,
        found=beside_answers(session(), audit_return, actor=actor(), now=now()),
        columns=survey.columns()[1:],
        closed=why_closed(audit_return, now=now()),
        error_list=errors or [],
        breadcrumbs=agency_crumbs(audit_return),
    )
    return page, 422 if errors else 200


@blueprint.route("/returns/<rid>/survey", methods=["POST"])
@requires(POST="return.give_survey")
def give_own(rid: str) -> tuple[str, int] | BaseResponse:
    """Take an agency's file of its own results."""
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.give_survey")
    _survey(audit_return.audit_round)
    lines, wrong = _file()
    if wrong:
        return _own(audit_return, [{"text": wrong, "href": "#file"}])
    errors: list[dict[str, Any]]
    try:
        statements = operations.give_own(session(), rid, lines, by=actor(), now=now())
    except SurveyRefused as refused:
        errors = _problems(refused)
    except NotPossible as reason:
        errors = [{"text": message(reason.message), "href": "#file"}]
    else:
        commit()
        flash(
            ngettext("Results of %(num)d statement are taken.", "Results of %(num)d statements are taken.", statements),
            "success",
        )
        return redirect(url_for("surveys.own", rid=rid), 303)
    session().rollback()
    return _own(get_return(session(), rid, actor=actor(), now=now(), permission="return.give_survey"), errors)
