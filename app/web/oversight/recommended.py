"""The recommendations of published reports: each with its addressees, and how they stand on it over time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.clock import today
from app.domain.life import NotPossible
from app.models import AuditRound, Recommended
from app.operations import composing as operations
from app.queries.composing import get_composed_round
from app.queries.own_types import types_where
from app.queries.packs import pack_of
from app.queries.recommended import (
    ANSWERS,
    PROGRESS,
    STATES,
    Addressee,
    get_recommended,
    may_track,
    one_recommended,
    over_time,
    recommended,
    responses,
    standing_on,
    standing_on_all,
    withdrawn_on,
)
from app.queries.reports import RECOMMENDED
from app.queries.rounds import PAGE, NotFound
from app.web.oversight.blueprint import round_crumbs, type_name
from app.web.pages import message, text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.sheets import csv_download
from app.web.typed import asked, page_asked, summary, typed

blueprint = Blueprint("recommended", __name__)

TONES = {"": "quiet", "accepted": "active", "under_way": "active", "done": "good", "not_accepted": "bad"}


def _round(rid: str) -> AuditRound:
    return get_composed_round(session(), rid, actor=actor(), now=now())


@blueprint.app_template_filter("recommended_state")
def state_words(state: str) -> str:
    """How an addressee stands, in words."""
    return _(STATES[state]) if state else _("Nothing said yet")


@blueprint.app_template_global("recommended_tones")
def tones() -> dict[str, str]:
    """The tone of the tag of each state."""
    return TONES


def _addressee(row: Recommended) -> str:
    """Whom a recommendation is addressed to, in words."""
    if row.body is not None:
        return row.body.name
    return type_name(pack_of(row.audit_round.pack_version), row.agency_type, plural=True)


@blueprint.route("/rounds/<rid>/recommendations")
@requires(GET="composing.read")
def overview(rid: str) -> str:
    """What the published report of a round recommends, and how many of those addressed stand how."""
    audit_round = _round(rid)
    found = recommended(session(), audit_round, actor=actor(), now=now())
    return render_template(
        "oversight/recommended/overview.html",
        audit_round=audit_round,
        rows=[(one, _addressee(one.row), text(one.row.text)) for one in found],
        withdrawn=withdrawn_on(session(), [one.row for one in found]),
        day=today(now()),
        states=("", *STATES),
        report=RECOMMENDED,
        breadcrumbs=round_crumbs(audit_round),
    )


@blueprint.route("/rounds/<rid>/recommendations.csv")
@requires(GET="composing.read")
def register_csv(rid: str) -> BaseResponse:
    """The register as a file: each recommendation with each addressee that the reader may follow up."""
    audit_round = _round(rid)
    heading = (
        _("Number"), _("Recommendation"), _("To whom"), _("By when"), _("Published on"), _("Withdrawn on"),
        _("Code"), _("Who"), _("Response"), _("How far"), _("What they say"), _("To be done by"), _("Said on"),
        _("How it stands"), _("What it rests on"), _("Recorded on"),
    )  # fmt: skip
    return csv_download(f"{audit_round.key}-recommendations.csv", heading, _lines(audit_round))


def _lines(audit_round: AuditRound) -> Iterator[tuple[str, ...]]:
    rows = [one.row for one in recommended(session(), audit_round, actor=actor(), now=now())]
    standing = standing_on_all(session(), audit_round, rows, actor=actor())
    withdrawn = withdrawn_on(session(), rows)
    for row in rows:
        first = (
            str(row.number), text(row.text), _addressee(row), _iso(row.due), _iso(today(row.made_at)),
            _iso(today(withdrawn[row.id]) if row.id in withdrawn else None),
        )  # fmt: skip
        for one in standing[row.id] or [Addressee("")]:
            said, status = one.response, one.status
            yield (
                *first, one.code, one.name,
                *(
                    (_(ANSWERS[said.answer]), _(PROGRESS[said.progress]) if said.progress else "", said.text,
                     _iso(said.expected), _iso(today(said.at)))
                    if said else ("",) * 5
                ),
                *((state_words(status.state), status.note, _iso(today(status.at))) if status else ("",) * 3),
            )  # fmt: skip


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


@blueprint.route("/rounds/<rid>/recommendations/<recommendation>")
@requires(GET="composing.read")
def addressees(rid: str, recommendation: str) -> str:
    """One recommendation with those it is addressed to, and how each stands."""
    audit_round = _round(rid)
    row = one_recommended(session(), audit_round, recommendation)
    page = max(1, page_asked())
    waiting = bool(asked("waiting")) and row.withdrawn_in is None
    found, total = standing_on(
        session(), audit_round, row, actor=actor(), page=page, size=PAGE, waiting=waiting
    )
    return render_template(
        "oversight/recommended/addressees.html",
        audit_round=audit_round,
        row=row,
        words=text(row.text),
        withdrawn=withdrawn_on(session(), [row]),
        addressee=_addressee(row),
        found=found,
        total=total,
        page=page,
        pages=max(1, -(-total // PAGE)),
        waiting=waiting,
        mine=row.agency_type in types_where(audit_round, actor(), "return.follow_up"),
        may=row.body is None or may_track(session(), row, None, actor=actor(), now=now()),
        breadcrumbs=round_crumbs(
            audit_round, (_("Published recommendations"), url_for("recommended.overview", rid=rid))
        ),
    )


@blueprint.route("/rounds/<rid>/recommendations/<recommendation>/status", methods=["GET", "POST"])
@requires(GET="composing.edit", POST="composing.edit")
def status(rid: str, recommendation: str) -> tuple[str, int] | BaseResponse:
    """How one addressee stands (`return` in the address names an agency's), and how it stood before."""
    audit_round = _round(rid)
    return_id = asked("return")
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            operations.track(
                session(), rid, recommendation, return_id=return_id, state=typed("state"), note=typed("note"),
                by=actor(), now=now(),
            )  # fmt: skip
        except operations.NotSaved as wrong:
            session().rollback()
            errors = {name: message(problem) for name, problem in wrong.fields.items()}
        except NotPossible as problem:
            session().rollback()
            errors["note"] = message(problem.message)
        else:
            commit()
            flash(_("How it stands is saved."), "success")
            return redirect(url_for("recommended.addressees", rid=rid, recommendation=recommendation), 303)
        audit_round = _round(rid)
    row, audit_return = get_recommended(session(), audit_round, recommendation, return_id)
    if not may_track(session(), row, audit_return, actor=actor(), now=now()):
        raise NotFound
    page = render_template(
        "oversight/recommended/status.html",
        audit_round=audit_round,
        row=row,
        words=text(row.text),
        addressee=audit_return.agency.name if audit_return else _addressee(row),
        states=[{"value": key, "text": _(name)} for key, name in STATES.items()],
        state=typed("state"),
        note=typed("note"),
        before=over_time(session(), row, audit_return),
        said=responses(session(), row, audit_return) if audit_return else [],
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=round_crumbs(
            audit_round,
            (_("Published recommendations"), url_for("recommended.overview", rid=rid)),
            (
                _("Recommendation %(number)s", number=row.number),
                url_for("recommended.addressees", rid=rid, recommendation=recommendation),
            ),
        ),
    )
    return page, 422 if errors else 200
