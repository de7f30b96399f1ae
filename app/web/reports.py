"""Reports: asking for them, watching them being made, downloading them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, current_app, jsonify, redirect, render_template, send_file, url_for
from flask import Response as FlaskResponse
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.domain.life import NotPossible
from app.domain.message import N_
from app.languages import NAMES, known
from app.models import AuditRound, ReportRun
from app.operations import reports as operations
from app.policy import allows, could, system_actor
from app.queries.action_plan import shows_draft
from app.queries.area_report import areas_to_report
from app.queries.body_summary import bodies_asking
from app.queries.findings import has_joint, joint_findings
from app.queries.letters import area_named, has_letters
from app.queries.packs import pack_of
from app.queries.recommended_report import recommends
from app.queries.register import has_register
from app.queries.reports import get_run, runs_of_round
from app.queries.returns import get_return, submissions
from app.queries.rounds import NotFound, get_round, response_counts, round_facts
from app.web.findings_file import findings_csv
from app.web.oversight.blueprint import phase_of, response_lines, round_crumbs
from app.web.pages import language, text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import asked, typed
from reports.formats import FORMATS, file_of, schema_of
from reports.registry import Report
from reports.registry import reports as registered
from reports.source import SOURCE
from reports.web import policy

blueprint = Blueprint("reports", __name__)

REGISTER = "register"  # the data of the report on what is decided, which few rounds ask
RECOMMENDED = "recommended"  # the data of the register of what a published report recommends
JOINT = "joint-findings"  # the data of the report on what answers come to, where they are added up
# the data of other reports that add them up
ADDED_UP = ("regional-concerns", "progress")
BLANK_FORM = "blank-form"  # the report that can be made for each agency type of a round


_LOADER = system_actor("reports")  # policy is asked with more facts, once they are read


def enqueue() -> operations.Enqueue:
    """How a request hands the making of a report to the background."""
    port: operations.Enqueue = current_app.extensions["candour_jobs"].enqueue_report
    return port


def _offered(audit_round: AuditRound) -> list[Report]:
    """The reports that can be made about a whole round."""
    about = [report for report in registered().values() if report.about == "round"]
    has = {REGISTER: has_register(audit_round)} | dict.fromkeys((JOINT, *ADDED_UP), has_joint(audit_round))
    has[RECOMMENDED] = recommends(session(), audit_round)
    return [report for report in about if has.get(report.data, True)]


def _chosen(offered: Iterable[Report]) -> str:
    """The report that the form names, of those offered. Raises NotPossible for another."""
    report = next((one for one in offered if one.key == typed("report")), None)
    if report is None:
        raise NotPossible(N_("There is no such report. Go back and choose one of those offered."))
    return report.key


def _wanted_language() -> str:
    """The language that the form asks for, else the reader's."""
    return known(typed("language") or language())


def title_of(run: ReportRun) -> str:
    """What the report of a run is called; its key where there is no such report any more."""
    report = registered().get(run.report)
    title = text(report.title) if report else run.report
    if edition := run.options.get("edition"):
        title = _("%(report)s, number %(number)s", report=title, number=edition)
    if run.options.get("coming_out"):
        title = _("%(report)s, as it would be published", report=title)
    if _language_of(run) != language():
        title = f"{title} ({NAMES[_language_of(run)]})"
    if area := run.options.get("area"):
        return f"{title}: {area_named(session(), area)}"
    if body := run.options.get("body"):
        asking = bodies_asking(session(), run.audit_round)
        return f"{title}: {next((one.short for one in asking if one.code == body), body)}"
    kind = pack_of(run.audit_round.pack_version).agency_types.get(run.options.get("agency_type", ""))
    return f"{title}: {text(kind.plural)}" if kind else title


def _language_of(run: ReportRun) -> str:
    return known(run.options.get("language"))


def file_name(run: ReportRun, ending: str = ".pdf") -> str:
    """What a downloaded file is called: round, agency where it is about one, report; and how it ends."""
    area = run.options.get("area", "")
    is_letter = area and run.report != operations.AREA
    draft = "draft" if run.options.get("draft") or (is_letter and not run.options.get("edition")) else ""
    draft = "coming-out" if run.options.get("coming_out") else draft
    parts = [run.audit_round.key, run.audit_return.agency.code if run.audit_return else "", run.report,
             run.options.get("agency_type", ""), area and area_named(session(), area), run.options.get("body", ""),
             draft, str(run.options.get("edition", "")), "replaced" if run.options.get("replaced_by") else "",
             "" if _language_of(run) == "en" else _language_of(run)]  # fmt: skip
    return re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(filter(None, parts))) + ending


def _path(run: ReportRun) -> Path | None:
    """The file of a finished run in the data folder; None where it is not there any more."""
    if not run.file or Path(run.file).name != run.file:
        return None
    path = Path(current_app.config["CANDOUR"].home) / "reports" / run.file
    return path if path.is_file() else None


def _source(run: ReportRun) -> Path | None:
    """What the other forms of a finished run are made from; None where that, or its PDF, is not there any more."""
    path = _path(run) if run.stage == "done" else None
    source = path.with_name(path.stem + SOURCE) if path else None
    return source if source and source.is_file() else None


# --- a round's reports -----------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/reports")
@requires(GET="findings.read")
def round_reports(rid: str) -> str:
    """The reports about a round that were made, and a button for each that can be made."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="findings.read")
    facts = round_facts(session(), audit_round, now=now())
    may_make = allows(actor(), "findings.make", facts)
    _lines, total = response_lines(audit_round, response_counts(session(), [audit_round])[audit_round.id])
    runs = runs_of_round(session(), audit_round, actor=actor(), now=now())
    return render_template(
        "reports/round.html",
        audit_round=audit_round,
        phase=phase_of(audit_round, now=now()),
        total=total,
        may_make=may_make,
        may_batch=allows(actor(), "batch.make", facts),
        forms=_blank_forms(audit_round),
        offered=_offered(audit_round),
        joint=has_joint(audit_round),
        bodies=bodies_asking(session(), audit_round) if may_make and has_joint(audit_round) else (),
        areas=areas_to_report(session(), audit_round) if may_make and has_joint(audit_round) else (),
        letters=may_make and has_letters(audit_round),
        runs=[(run, title_of(run)) for run in runs if may_make or run.stage == "done"],
        breadcrumbs=round_crumbs(audit_round) if could(actor(), "round.read") else None,
        back={"href": url_for("home.index"), "text": _("Back to your start page")},
    )


@blueprint.route("/rounds/<rid>/reports/findings.csv")
@requires(GET="findings.make")
def findings_table(rid: str) -> FlaskResponse:
    """The figures of the joint findings as they stand now, one in a line."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="findings.make")
    if not has_joint(audit_round):
        raise NotFound
    found = joint_findings(session(), audit_round, actor=actor(), now=now(), language=_asked_language())
    return findings_csv(found, f"{audit_round.key}-findings")


def _asked_language() -> str:
    return known(asked("language") or language())


def _blank_forms(audit_round: AuditRound) -> list[tuple[str, Any]]:
    """The agency types that a round asks, key and plural name, in the pack's order."""
    served = {one.agency_type for one in audit_round.served}
    pack = pack_of(audit_round.pack_version)
    return [(key, kind.plural) for key, kind in pack.agency_types.items() if key in served]


@blueprint.route("/rounds/<rid>/reports", methods=["POST"])
@requires(POST="findings.make")
def make_round_report(rid: str) -> BaseResponse:
    """Ask for a report about a round."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="findings.make")
    run = operations.request_round_report(
        session(), audit_round, _chosen(_offered(audit_round)), by=actor(), now=now(), enqueue=enqueue(),
        language=_wanted_language(), coming_out=typed("figures") == "coming-out",
    )  # fmt: skip
    commit()
    return redirect(url_for("reports.run_page", run=run.public_id), 303)


@blueprint.route("/rounds/<rid>/forms/<agency_type>", methods=["POST"])
@requires(POST="findings.make")
def make_blank_form(rid: str, agency_type: str) -> BaseResponse:
    """Ask for the blank form of an agency type that the round asks."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="findings.make")
    if agency_type not in {served.agency_type for served in audit_round.served}:
        raise NotFound
    run = operations.request_blank_form(
        session(), audit_round, BLANK_FORM, agency_type, by=actor(), now=now(), enqueue=enqueue(),
        language=_wanted_language(),
    )  # fmt: skip
    commit()
    return redirect(url_for("reports.run_page", run=run.public_id), 303)


@blueprint.route("/rounds/<rid>/summaries/<body>", methods=["POST"])
@requires(POST="findings.make")
def make_body_summary(rid: str, body: str) -> BaseResponse:
    """Ask for the summary of what an oversight body asks in the round, given by its code."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="findings.make")
    run = operations.request_body_summary(
        session(), audit_round, body, by=actor(), now=now(), enqueue=enqueue(), language=_wanted_language()
    )
    commit()
    return redirect(url_for("reports.run_page", run=run.public_id), 303)


@blueprint.route("/rounds/<rid>/area-reports", methods=["POST"], defaults={"area": ""})
@blueprint.route("/rounds/<rid>/area-reports/<area>", methods=["POST"])
@requires(POST="area_report.read")
def make_area_report(rid: str, area: str) -> BaseResponse:
    """Ask for the report on an area, given by its public id, in the address or in the form."""
    # its coordinators may know of the report, and not of the round's other pages
    audit_round = get_round(session(), rid, actor=_LOADER, now=now())
    run = operations.request_area_report(
        session(), audit_round, area or typed("area"), by=actor(), now=now(), enqueue=enqueue(),
        language=_wanted_language(),
    )  # fmt: skip
    commit()
    return redirect(url_for("reports.run_page", run=run.public_id), 303)


@blueprint.route("/returns/<rid>/reports", methods=["POST"])
@requires(POST="return.read_all")
def make_return_report(rid: str) -> BaseResponse:
    """Ask for a report about one return: of its latest submission or, where none stands, of the draft if it can be."""
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.read_all")
    report = _chosen(one for one in registered().values() if one.about == "return")
    chosen = registered()[report]
    draft = chosen.of_drafts and (chosen.is_form or shows_draft(actor(), audit_return))
    of_signed = not draft and not chosen.is_form
    if of_signed and all(submission.voided for submission in submissions(session(), audit_return)):
        raise NotPossible(N_("Nothing is submitted that a report could be made of. It can be made once it is signed."))
    run = operations.request_return_report(
        session(), audit_return, report, by=actor(), now=now(), enqueue=enqueue(), draft=draft,
        language=_wanted_language(),
    )  # fmt: skip
    commit()
    return redirect(url_for("reports.run_page", run=run.public_id), 303)


# --- one run ---------------------------------------------------------------------------------------------------------


def _state(run: ReportRun) -> str:
    """Where the making of a report stands, in words."""
    if run.stage == "waiting":
        return _("Waiting for its turn")
    if run.stage == "running":
        return _("Being made")
    return _("Ready to download") if run.stage == "done" else _("Could not be made")


def _detail(run: ReportRun) -> str:
    step = f"{_(run.step)}. " if run.step and run.stage == "running" else ""
    return step + _("%(percent)s per cent done.", percent=run.progress)


@blueprint.route("/reports/<run>")
@requires(GET="account.own")
def run_page(run: str) -> str:
    """How far a report is; the download once it is there; what to do where it failed."""
    found = get_run(session(), run, actor=actor(), now=now())
    audit_return = found.audit_return
    if audit_return is None:
        away = {"href": url_for("reports.round_reports", rid=found.audit_round.public_id), "text": _("Reports")}
        again = url_for("reports.make_round_report", rid=found.audit_round.public_id)
        if agency_type := found.options.get("agency_type"):
            again = url_for(
                "reports.make_blank_form", rid=found.audit_round.public_id, agency_type=agency_type
            )
        may_retry = could(actor(), "findings.make")
    else:
        away = _back_to_return(found)
        again = url_for("reports.make_return_report", rid=audit_return.public_id)
        may_retry = True
    if body := found.options.get("body"):
        again = url_for("reports.make_body_summary", rid=found.audit_round.public_id, body=body)
    if (area := found.options.get("area")) and found.report == operations.AREA:
        again = url_for("reports.make_area_report", rid=found.audit_round.public_id, area=area)
        may_retry = True
        if not could(actor(), "round.read"):
            away = {"href": url_for("oversight.area", aid=area), "text": _("Back to the area")}
    elif area:
        rid = found.audit_round.public_id
        again = url_for("letters.make", rid=rid, area=area, edition=found.options.get("edition", 0))
        away = {"href": url_for("letters.index", rid=rid), "text": _("Back to the letters")}
        may_retry = True
    elif edition := found.options.get("edition"):
        again, away = _of_release(found, edition)
        may_retry = True
    path = _path(found)
    return render_template(
        "reports/run.html",
        run=found,
        name=title_of(found),
        subject=audit_return.agency.name if audit_return else found.audit_round.name,
        state=_state(found),
        detail=_detail(found),
        size=size_words(path.stat().st_size) if path else "",
        forms=[(one.key, _(one.words), _(one.why)) for one in FORMATS.values()] if _source(found) else [],
        pages=ngettext("%(num)d page", "%(num)d pages", found.pages),
        again=again,
        may_retry=may_retry,
        made_in=_language_of(found),
        back=away,
    )


def _of_release(run: ReportRun, edition: int) -> tuple[str, dict[str, str]]:
    """Where the PDF of an edition, or of a version of feedback, is asked for again, and the way back to it."""
    if run.audit_return is not None:
        rid = run.audit_return.public_id
        away = {"href": url_for("feedback.page", rid=rid), "text": _("Back to the feedback")}
        return url_for("feedback.pdf", rid=rid, version=edition), away
    rid = run.audit_round.public_id
    away = {"href": url_for("release.publications", rid=rid), "text": _("Back to what is published")}
    return url_for("release.publication_pdf", rid=rid, number=edition), away


def _back_to_return(run: ReportRun) -> dict[str, str]:
    audit_return = run.audit_return
    assert audit_return is not None  # noqa: S101 -- asked for runs about a return only
    if any(held.agency_id == audit_return.agency_id for held in actor().held):
        return {"href": url_for("agency.tasks", rid=audit_return.public_id), "text": _("Back to the self-audit")}
    if could(actor(), "round.read"):
        href = url_for("oversight.return_page", rid=run.audit_round.public_id, ret=audit_return.public_id)
        return {"href": href, "text": _("Back to %(name)s", name=audit_return.agency.name)}
    return {"href": url_for("home.index"), "text": _("Back to your start page")}


def size_words(size: int) -> str:
    """A number of bytes as people read it."""
    if size >= 1_000_000:
        return _("%(size)s MB", size=f"{size / 1_000_000:.1f}")
    return _("%(size)s kB", size=max(1, round(size / 1000)))


@blueprint.route("/reports/<run>/status")
@requires(GET="account.own")
def run_status(run: str) -> FlaskResponse:
    """The state of a run as JSON, for the progress page."""
    found = get_run(session(), run, actor=actor(), now=now())
    return jsonify(stage=found.stage, progress=found.progress, state=_state(found), detail=_detail(found))


@blueprint.route("/reports/<run>/download")
@requires(GET="account.own")
def download(run: str) -> BaseResponse:
    """The PDF file. 404 where it is not made, or not there any more."""
    found = get_run(session(), run, actor=actor(), now=now())
    path = _path(found) if found.stage == "done" else None
    if path is None:
        abort(404)
    response = send_file(path, mimetype="application/pdf", as_attachment=True, download_name=file_name(found))
    response.headers["Cache-Control"] = "no-store"
    return response


def _form(run: str, key: str) -> tuple[ReportRun, Path]:
    """A run and the file of one of its forms, made now where it was not asked for before. 404 where there is none."""
    found = get_run(session(), run, actor=actor(), now=now())
    source = _source(found)
    if source is None or key not in FORMATS:
        abort(404)
    session().rollback()  # making it can take seconds: hold no transaction open meanwhile
    return found, file_of(source, key)


@blueprint.route("/reports/<run>/download/<form>")
@requires(GET="account.own")
def download_form(run: str, form: str) -> BaseResponse:
    """Another form of the same report: Word, workbook, CSV, data, or the web page as a file."""
    found, path = _form(run, form)
    kind = FORMATS[form]
    response = send_file(
        path, mimetype=kind.mimetype, as_attachment=True, download_name=file_name(found, kind.ending)
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.route("/reports/<run>/page")
@requires(GET="account.own")
def read_page(run: str) -> BaseResponse:
    """The report as a page to read, on a phone too. It may run and fetch nothing."""
    _found, path = _form(run, "html")
    content = path.read_text(encoding="utf-8")
    response = current_app.response_class(content, mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = policy(content)
    return response


@blueprint.route("/reports/<run>/schema.json")
@requires(GET="account.own")
def schema(run: str) -> FlaskResponse:
    """The JSON schema of this report as data."""
    found = get_run(session(), run, actor=actor(), now=now())
    if found.report not in registered():
        abort(404)
    response = jsonify(schema_of(found.report))
    response.headers["Content-Disposition"] = f'attachment; filename="{found.report}.schema.json"'
    return response
