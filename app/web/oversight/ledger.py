"""The response ledger: every agency of a round accounted for, on a page and as a CSV file."""

from __future__ import annotations

from typing import Any

from flask import render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.clock import LONDON
from app.queries.own_types import types_where
from app.queries.packs import pack_of
from app.queries.rounds import LEDGER_STATES, LedgerFilter, LedgerRow, areas_in_round, get_round
from app.queries.rounds import ledger as read_ledger
from app.web.oversight.blueprint import (
    blueprint,
    own_types,
    response_lines,
    round_crumbs,
    state_names,
    type_choices,
    type_name,
)
from app.web.permissions import requires
from app.web.request import actor, now, session
from app.web.sheets import csv_download
from app.web.typed import asked, page_asked

SORTS = ("name", "type", "state", "progress", "submitted")


def narrowed_ledger() -> LedgerFilter:
    """What the address narrows the ledger to."""
    agency_type, _slash, subtype = asked("type").partition("/")
    state, sort = asked("state"), asked("sort")
    return LedgerFilter(
        agency_type=agency_type,
        subtype=subtype,
        state=state if state in LEDGER_STATES else "",
        area=asked("area"),
        extended=asked("extended") == "1",
        text=asked("q"),
        sort=sort if sort in SORTS else "name",
        descending=asked("dir") == "down",
        page=page_asked(),
    )


def _args(narrowed: LedgerFilter, **changes: Any) -> dict[str, str]:
    """The address of the ledger as it is narrowed now, with changes; what is empty is left out."""
    args = {
        "type": "/".join(filter(None, (narrowed.agency_type, narrowed.subtype))),
        "state": narrowed.state,
        "area": narrowed.area,
        "extended": "1" if narrowed.extended else "",
        "q": narrowed.text,
        "sort": narrowed.sort if narrowed.sort != "name" else "",
        "dir": "down" if narrowed.descending else "",
    }
    return {name: value for name, value in (args | changes).items() if value}


@blueprint.route("/rounds/<rid>/ledger")
@requires(GET="round.read")
def ledger(rid: str) -> str | BaseResponse:
    """The ledger, narrowed and sorted by the address; `format=csv` gives all its lines as a file."""
    audit_round = get_round(session(), rid, actor=actor(), now=now())
    narrowed = narrowed_ledger()
    pack = pack_of(audit_round.pack_version)
    states = state_names()
    if asked("format") == "csv":
        whole = read_ledger(session(), audit_round, actor=actor(), now=now(), narrowed=narrowed, page_size=None)
        heading = (
            _("Code"), _("Agency"), _("Type"), _("Subtype"), _("Areas"), _("State"), _("Questions asked"),
            _("Questions finished"), _("Submitted"), _("Extended to"), _("Reopened"), _("Reason for nil return"),
            _("Merged into"),
        )  # fmt: skip
        rows = (
            (
                row.agency_code, row.agency_name, type_name(pack, row.agency_type),
                type_name(pack, row.agency_type, row.subtype) if row.subtype else "", row.areas, states[row.state],
                row.asked, row.complete, _instant(row.submitted_at), _instant(row.extended_to)[:10],
                _("yes") if row.reopened else _("no"), row.nil_reason, row.merged_into,
            )
            for row in whole.rows
        )  # fmt: skip
        return csv_download(f"{audit_round.key}-ledger.csv", heading, rows)
    page = read_ledger(session(), audit_round, actor=actor(), now=now(), narrowed=narrowed)
    _lines, total = response_lines(audit_round, page.counts)
    return render_template(
        "oversight/ledger.html",
        audit_round=audit_round,
        pack=pack,
        ledger=page,
        narrowed=narrowed,
        args=_args(narrowed),
        page=min(narrowed.page, page.pages),
        chosen_type=_args(narrowed).get("type", ""),
        choices=type_choices(audit_round),
        areas=[{"value": key, "text": name} for key, name in areas_in_round(session(), audit_round)],
        chaseable=types_where(audit_round, actor(), "return.chase"),
        states=states,
        total=total,
        columns=_columns(rid, narrowed),
        readable=own_types(audit_round, actor()),
        note=_note,
        type_name=type_name,
        breadcrumbs=round_crumbs(audit_round),
    )


def _columns(rid: str, narrowed: LedgerFilter) -> list[dict[str, str]]:
    """The headings that sort: text, address that sorts by it (or turns the order round), and aria-sort."""
    columns = []
    for key, name in (
        ("name", _("Agency")), ("type", _("Type")), ("state", _("State")), ("progress", _("Progress")),
        ("submitted", _("Submitted")),
    ):  # fmt: skip
        chosen = narrowed.sort == key
        turned = chosen and not narrowed.descending
        args = _args(narrowed, sort=key if key != "name" else "", dir="down" if turned else "")
        columns.append(
            {
                "key": key,
                "text": name,
                "href": url_for("oversight.ledger", rid=rid, **args),  # type: ignore[arg-type]
                "aria": ("descending" if narrowed.descending else "ascending") if chosen else "",
            }
        )
    return columns


def _note(row: LedgerRow) -> list[str]:
    """What else is to be said of a line."""
    notes = []
    if row.reopened:
        notes.append(_("Submitted again after reopening") if row.state in ("submitted", "late") else _("Reopened"))
    if row.merged_into:
        notes.append(_("Merged into %(name)s", name=row.merged_into))
    if row.nil_reason:
        notes.append(row.nil_reason)
    return notes


def _instant(value: Any) -> str:
    return value.astimezone(LONDON).strftime("%Y-%m-%d %H:%M") if value else ""

