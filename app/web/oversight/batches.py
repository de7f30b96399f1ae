"""A report for many agencies, or areas, of a round: asking for it, watching it, stopping it, fetching the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, current_app, flash, jsonify, redirect, render_template, send_file, url_for
from flask import Response as FlaskResponse
from flask import request as flask_request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.domain.life import NotPossible
from app.jobs import batches as files
from app.languages import NAMES, known
from app.models import AuditRound, ReportBatch
from app.operations import batches as operations
from app.queries.batches import (
    FEEDBACK,
    LETTER,
    PERMISSION,
    Progress,
    batches_of,
    failed_of,
    get_batch,
    is_blind,
    progress_of,
)
from app.queries.findings import has_joint
from app.queries.letters import has_letters
from app.queries.own_types import types_where
from app.queries.packs import pack_of
from app.queries.rounds import NotFound, get_round
from app.web.oversight.blueprint import round_crumbs
from app.web.pages import language, message, text
from app.web.permissions import requires
from app.web.reports import size_words
from app.web.request import actor, commit, now, session
from app.web.typed import page_asked, summary, typed
from reports.formats import FORMATS
from reports.registry import Report
from reports.registry import reports as registered

blueprint = Blueprint("batches", __name__)

OF_MANY = ("return", "feedback", "area")  # what reports are about that there can be many of
AREA_REPORT = "area-report"


def _enqueue() -> operations.Enqueue:
    port: operations.Enqueue = current_app.extensions["candour_jobs"].enqueue_batch
    return port


def _home() -> Path:
    return Path(current_app.config["CANDOUR"].home)


def _round(rid: str) -> AuditRound:
    return get_round(session(), rid, actor=actor(), now=now(), permission=PERMISSION)


def offered(audit_round: AuditRound) -> list[Report]:
    """The reports that can be made for many agencies or areas of a round, feedback first.

    Not forms and drafts, which are the agencies' own.
    """
    has = {LETTER: has_letters(audit_round), AREA_REPORT: has_joint(audit_round)}
    found = [
        one
        for one in registered().values()
        if one.about in OF_MANY and not one.is_form and has.get(one.key, True)
    ]
    return sorted(found, key=lambda one: (one.key != FEEDBACK, one.about == "area", one.key))


def _title(batch: ReportBatch) -> str:
    report = registered().get(batch.report)
    title = text(report.title) if report else batch.report
    made_in = known(batch.options.get("language"))
    return title if made_in == language() else f"{title} ({NAMES[made_in]})"


@blueprint.route("/rounds/<rid>/batches")
@requires(GET=PERMISSION)
def overview(rid: str) -> str:
    """The batches of a round, and the form to ask for one."""
    return _overview(_round(rid), {})


def _overview(audit_round: AuditRound, errors: dict[str, str]) -> str:
    mine = types_where(audit_round, actor(), "return.read_all")
    pack = pack_of(audit_round.pack_version)
    return render_template(
        "oversight/batches/overview.html",
        audit_round=audit_round,
        offered=offered(audit_round),
        types=[(key, kind.plural) for key, kind in pack.agency_types.items() if key in mine],
        chosen={"report": typed("report"), "types": flask_request.form.getlist("type"), "codes": typed("codes"),
                "language": typed("language") or language(), "forms": flask_request.form.getlist("form")},
        forms=list(FORMATS.values()),
        rows=[(one, _title(one.batch)) for one in batches_of(session(), audit_round, actor=actor(), now=now())],
        languages=NAMES,
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=round_crumbs(
            audit_round, (_("Reports"), url_for("reports.round_reports", rid=audit_round.public_id))
        ),
    )  # fmt: skip




@blueprint.route("/rounds/<rid>/batches", methods=["POST"])
@requires(POST=PERMISSION)
def ask(rid: str) -> BaseResponse | tuple[str, int]:
    """Ask for a batch."""
    audit_round = _round(rid)
    chosen = next((one for one in offered(audit_round) if one.key == typed("report")), None)
    errors: dict[str, str] = {}
    if chosen is None:
        errors["report"] = _("Choose the report to make.")
    else:
        try:
            batch = operations.request_batch(
                session(), rid, chosen.key, of_areas=chosen.about == "area", by=actor(), now=now(),
                enqueue=_enqueue(), language=known(typed("language") or language()),
                types=flask_request.form.getlist("type"), codes=re.findall(r"[^\s,;]+", typed("codes")),
                forms=[key for key in FORMATS if key in flask_request.form.getlist("form")],
            )  # fmt: skip
            commit()
            return redirect(url_for("batches.page", rid=rid, batch=batch.public_id), 303)
        except NotPossible as problem:
            session().rollback()
            errors["codes"] = message(problem.message)
            audit_round = _round(rid)
    return _overview(audit_round, errors), 422


def _get(rid: str, public_id: str) -> ReportBatch:
    batch = get_batch(session(), public_id, actor=actor(), now=now())
    if batch.audit_round.public_id != rid:
        raise NotFound
    return batch


def _state(batch: ReportBatch, progress: Progress) -> str:
    if batch.stage == "waiting":
        return _("Waiting for its turn")
    if batch.stage == "running" and progress.waiting + progress.making == 0:
        return _("Putting the documents into one file")
    if batch.stage == "cancelled":
        return _("It could not go on") if batch.error else _("Stopped")
    return {"running": _("Being made")}.get(batch.stage) or (
        _("Done") if not progress.failed else _("Done, but for those that failed")
    )


def _detail(batch: ReportBatch, progress: Progress) -> str:
    words = [_("%(made)s of %(total)s made.", made=progress.made, total=progress.total)]
    if progress.failed:
        words.append(ngettext("%(num)d failed.", "%(num)d failed.", progress.failed))
    if batch.stage != "running":
        return " ".join(words)
    if progress.per_minute is None or progress.minutes_left is None:
        words.append(_("It is too early to say how long it takes."))
    elif progress.minutes_left > 0:
        words.append(
            ngettext(
                "At the pace of the last ones (%(pace)s a minute) about %(num)d minute is left.",
                "At the pace of the last ones (%(pace)s a minute) about %(num)d minutes are left.",
                progress.minutes_left, pace=f"{progress.per_minute:.1f}",
            )
        )  # fmt: skip
    return " ".join(words)


@blueprint.route("/rounds/<rid>/batches/<batch>")
@requires(GET=PERMISSION)
def page(rid: str, batch: str) -> str:
    """How far a batch is, what failed and why, and the file once it is there."""
    found = _get(rid, batch)
    progress = progress_of(session(), found, now=now())
    failed, pages = failed_of(session(), found, page=page_asked())
    path = files.file_of(_home(), found.public_id) if found.file else None
    there = path is not None and path.is_file()
    return render_template(
        "oversight/batches/batch.html",
        batch=found,
        audit_round=found.audit_round,
        name=_title(found),
        progress=progress,
        state=_state(found, progress),
        detail=_detail(found, progress),
        failed=failed,
        page=page_asked(),
        pages=pages,
        size=size_words(found.size) if there else "",
        blind=is_blind(session(), found, actor=actor()),
        breadcrumbs=round_crumbs(found.audit_round, (_("Batches"), url_for("batches.overview", rid=rid))),
    )


@blueprint.route("/rounds/<rid>/batches/<batch>/status")
@requires(GET=PERMISSION)
def status(rid: str, batch: str) -> FlaskResponse:
    """The state of a batch as JSON, for its page. `stage` is `done` when the page has something else to show."""
    found = _get(rid, batch)
    progress = progress_of(session(), found, now=now())
    return jsonify(
        stage="done" if found.stage in ("done", "cancelled") else found.stage, progress=progress.percent,
        state=_state(found, progress), detail=_detail(found, progress),
    )  # fmt: skip


def _do(rid: str, public_id: str, act: Callable[[], Any], words: str) -> BaseResponse:
    _get(rid, public_id)
    try:
        act()
        commit()
        flash(words, "success")
    except NotPossible as problem:
        session().rollback()
        flash(message(problem.message), "note")
    return redirect(url_for("batches.page", rid=rid, batch=public_id), 303)


@blueprint.route("/rounds/<rid>/batches/<batch>/cancel", methods=["POST"])
@requires(POST=PERMISSION)
def cancel(rid: str, batch: str) -> BaseResponse:
    """Stop a batch."""
    return _do(
        rid, batch, lambda: operations.cancel(session(), batch, by=actor(), now=now()),
        _("Stopped. What is made is kept: you can go on where it was."),
    )  # fmt: skip


@blueprint.route("/rounds/<rid>/batches/<batch>/resume", methods=["POST"])
@requires(POST=PERMISSION)
def resume(rid: str, batch: str) -> BaseResponse:
    """Go on with a batch that was stopped."""
    return _do(
        rid, batch, lambda: operations.resume(session(), batch, by=actor(), now=now(), enqueue=_enqueue()),
        _("It goes on where it was."),
    )  # fmt: skip


@blueprint.route("/rounds/<rid>/batches/<batch>/retry", methods=["POST"])
@requires(POST=PERMISSION)
def retry(rid: str, batch: str) -> BaseResponse:
    """Try those that failed once more, or the one that the form names."""
    given = typed("document")
    document = int(given) if re.fullmatch(r"[0-9]{1,9}", given) else 0
    return _do(
        rid, batch,
        lambda: operations.retry(session(), batch, by=actor(), now=now(), enqueue=_enqueue(), document=document),
        _("It is tried again."),
    )  # fmt: skip


@blueprint.route("/rounds/<rid>/batches/<batch>/download")
@requires(GET=PERMISSION)
def download(rid: str, batch: str) -> BaseResponse:
    """The file of a batch. 404 where it is not there (any more)."""
    found = _get(rid, batch)
    if is_blind(session(), found, actor=actor()):
        raise NotFound
    path = files.file_of(_home(), found.public_id)
    if not found.file or not path.is_file():
        abort(404)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{found.audit_round.key}-{found.report}.zip")
    response = send_file(path, mimetype="application/zip", as_attachment=True, download_name=name)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.route("/rounds/<rid>/batches/<batch>/remove", methods=["GET", "POST"])
@requires(GET=PERMISSION, POST=PERMISSION)
def remove(rid: str, batch: str) -> str | BaseResponse:
    """Remove a batch with its file, after a confirmation."""
    found = _get(rid, batch)
    if flask_request.method == "POST":
        try:
            gone = operations.remove(session(), batch, by=actor(), now=now())
        except NotPossible as problem:
            session().rollback()
            flash(message(problem.message), "note")
            return redirect(url_for("batches.page", rid=rid, batch=batch), 303)
        commit()
        files.forget(_home(), gone)
        flash(_("The batch is removed."), "success")
        return redirect(url_for("batches.overview", rid=rid), 303)
    if found.stage in ("waiting", "running"):
        flash(_("This batch is being made. Stop it first, then it can be removed."), "note")
        return redirect(url_for("batches.page", rid=rid, batch=batch), 303)
    return render_template(
        "oversight/batches/remove.html",
        batch=found,
        audit_round=found.audit_round,
        name=_title(found),
        progress=progress_of(session(), found, now=now()),
        breadcrumbs=round_crumbs(found.audit_round, (_("Batches"), url_for("batches.overview", rid=rid))),
    )
