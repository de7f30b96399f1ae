"""The agencies of a round: picking, pasting and uploading them, removing one, handing out invitations."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.clock import today
from app.domain.life import NotPossible
from app.domain.paging import paged
from app.domain.text import localise
from app.models import AuditRound
from app.operations import agencies as agencies_operations
from app.operations import registers
from app.operations import rounds as operations
from app.operations.agencies import ImportFailed, Parsed, Problem
from app.operations.registers import Register
from app.queries.agencies import AgencyFilter, area_names, areas, candidate_ids, candidates
from app.queries.packs import pack_of
from app.queries.rounds import (
    Invitee,
    LedgerFilter,
    get_round,
    invited_types,
    invitees,
    ledger,
    response_counts,
    return_in_round,
)
from app.web.account import role_words
from app.web.oversight.blueprint import blueprint, round_crumbs, type_choices, type_name
from app.web.pages import message, text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.security import invitation_token
from app.web.sheets import csv_download
from app.web.typed import asked, page_asked, summary, typed

PROBLEMS_SHOWN = 100
PAGE = 50
REGISTER_FIELDS = ("register_type", "register_agencies", "register_areas")  # what a register's file does not say


def _round(rid: str) -> AuditRound:
    return get_round(session(), rid, actor=actor(), now=now(), permission="round.edit")


def _filter() -> AgencyFilter:
    agency_type, _slash, subtype = asked("type").partition("/")
    return AgencyFilter(asked("q"), agency_type, subtype, asked("area"), page_asked())


@blueprint.route("/rounds/<rid>/agencies", methods=["GET", "POST"])
@requires(GET="round.edit", POST="round.edit")
def agencies(rid: str) -> tuple[str, int] | BaseResponse:
    """The agencies of a round, and three ways to add more."""
    audit_round = _round(rid)
    if request.method == "GET":
        return _page(audit_round)
    match typed("way"):
        case "pick":
            return _pick(audit_round, request.form.getlist("agency"))
        case "matching":
            narrowed = AgencyFilter(typed("q")[:200], *_type_parts(typed("type")), typed("area")[:200])
            found = candidate_ids(session(), audit_round, actor=actor(), now=now(), narrowed=narrowed)
            return _pick(audit_round, list(found))
        case "upload":
            return _upload(audit_round)
        case "csv":
            return _lines(audit_round, "csv")
    return _lines(audit_round, "paste")


def _type_parts(value: str) -> tuple[str, str]:
    agency_type, _slash, subtype = value[:200].partition("/")
    return agency_type, subtype


def _page(
    audit_round: AuditRound, *, pasted: str = "", errors: dict[str, str] | None = None,
    problems: list[tuple[Problem, str]] | None = None, parsed: Parsed | None = None, kind: str = "",
) -> tuple[str, int]:  # fmt: skip
    """The page with its three forms; with problems, what was sent stands in the form that it came from."""
    narrowed = _filter() if request.method == "GET" else AgencyFilter()
    pack = pack_of(audit_round.pack_version)
    there = ledger(
        session(), audit_round, actor=actor(), now=now(),
        narrowed=LedgerFilter(text=asked("in"), page=_page_of("members")),
    )  # fmt: skip
    problems = problems or []
    page = render_template(
        "oversight/agencies.html",
        audit_round=audit_round,
        pack=pack,
        choices=type_choices(audit_round),
        areas=areas(session()),
        narrowed=narrowed,
        chosen_type="/".join(filter(None, (narrowed.agency_type, narrowed.subtype))),
        found=candidates(session(), audit_round, actor=actor(), now=now(), narrowed=narrowed),
        there=there,
        there_page=min(_page_of("members"), there.pages),
        there_text=asked("in"),
        everybody=sum(sum(states.values()) for states in there.counts.values()),
        type_name=type_name,
        pasted=pasted,
        errors=errors or {},
        problems=problems[:PROBLEMS_SHOWN],
        more_problems=max(0, len(problems) - PROBLEMS_SHOWN),
        parsed=parsed,
        kind=kind,
        register={name: typed(name) for name in REGISTER_FIELDS},
        columns=agencies_operations.COLUMNS,
        required=agencies_operations.REQUIRED,
        type_names=[text(one.name) for one in pack.agency_types.values()],
        breadcrumbs=round_crumbs(audit_round),
    )
    return page, 422 if errors or problems else 200


def _page_of(name: str) -> int:
    given = asked(name)
    return int(given) if given.isascii() and given.isdigit() and len(given) < 7 else 1


def _pick(audit_round: AuditRound, ids: list[str]) -> tuple[str, int] | BaseResponse:
    if not ids:
        return _page(audit_round, errors={"pick": _("Tick at least one agency, then add.")})
    added = operations.add_agencies(
        session(), audit_round.public_id, [one.replace("\x00", "") for one in ids], by=actor(), now=now()
    )
    commit()
    return _added(audit_round.public_id, added)


def _added(rid: str, added: int) -> BaseResponse:
    if added:
        flash(ngettext("%(num)d agency is added.", "%(num)d agencies are added.", added), "success")
    else:
        flash(_("Nothing was added: these agencies are in the round already."), "notice")
    return redirect(url_for("oversight.agencies", rid=rid), 303)


def _upload(audit_round: AuditRound) -> tuple[str, int] | BaseResponse:
    """Read an uploaded file; from then on it is text like any other."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return _page(audit_round, errors={"file": _("Choose a CSV file to upload.")})
    try:
        lines = agencies_operations.decode(file.read())
    except NotPossible as reason:
        return _page(audit_round, errors={"file": message(reason.message)})
    return _lines(audit_round, "csv", lines)


def _lines(audit_round: AuditRound, kind: str, lines: str | None = None) -> tuple[str, int] | BaseResponse:
    """Check lines; show what is wrong with them, or what they will add, or add them when that was confirmed."""
    given = request.form.get("lines", "") if lines is None else lines
    given = given.replace("\x00", "").replace("\r\n", "\n")
    rid = audit_round.public_id
    types = pack_of(audit_round.pack_version).agency_types
    register = registers.recognise(given) if kind == "csv" else None
    if register:
        agency_type, subtype = _type_parts(typed("register_type"))
        if agency_type not in types:
            return _ask_register(audit_round, register, given, asked_before="register_type" in request.form)
        parsed = registers.parse_register(
            given, register, types, agency_type=agency_type, subtype=subtype, agencies=typed("register_agencies"),
            areas=typed("register_areas"), today=today(now()),
        )  # fmt: skip
    else:
        parse = agencies_operations.parse_csv if kind == "csv" else agencies_operations.parse_lines
        parsed = parse(given, types)
    if not parsed.problems:
        try:
            added = operations.add_entries(session(), rid, parsed.entries, by=actor(), now=now())
        except ImportFailed as wrong:
            parsed.problems = wrong.problems
        else:
            if typed("confirmed"):
                commit()
                return _added(rid, added)
    # so far only tried out, to know what it would do
    session().rollback()
    audit_round = _round(rid)
    if not parsed.problems:
        return _confirm(audit_round, parsed, kind, given, added), 200
    rows = given.split("\n")
    problems = [
        (problem, rows[problem.line - 1][:200] if 0 < problem.line <= len(rows) else "")
        for problem in sorted(parsed.problems, key=lambda problem: problem.line)
    ]
    return _page(audit_round, pasted=given, problems=problems, parsed=parsed, kind=kind)


def _ask_register(
    audit_round: AuditRound, register: Register, given: str, *, asked_before: bool
) -> tuple[str, int]:
    """What a register's file does not say: the type of its agencies, and which of its columns are what."""
    errors = {"register_type": _("Choose what type of agency these are.")} if asked_before else {}
    page = render_template(
        "oversight/agencies_register.html",
        audit_round=audit_round,
        register=register,
        lines=len([line for line in given.split("\n") if line.strip()]) - register.has_heading,
        choices=type_choices(audit_round),
        text=given,
        chosen_agencies=typed("register_agencies") or register.agencies[0].key,
        chosen_areas=typed("register_areas") if asked_before else register.areas[0].key if register.areas else "",
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=round_crumbs(
            audit_round, (_("Agencies"), url_for("oversight.agencies", rid=audit_round.public_id))
        ),
    )
    return page, 422 if errors else 200


def _confirm(audit_round: AuditRound, parsed: Parsed, kind: str, given: str, added: int) -> str:
    """What would be added, to be confirmed."""
    return render_template(
        "oversight/agencies_confirm.html",
        audit_round=audit_round,
        entries=parsed.entries,
        left_out=parsed.left_out,
        names_kept=agencies_operations.names_kept(parsed.entries, area_names(session())),
        register={name: typed(name) for name in REGISTER_FIELDS},
        pack=pack_of(audit_round.pack_version),
        type_name=type_name,
        kind=kind,
        text=given,
        added=added,
        breadcrumbs=round_crumbs(
            audit_round, (_("Agencies"), url_for("oversight.agencies", rid=audit_round.public_id))
        ),
    )


@blueprint.route("/rounds/<rid>/agencies/example.csv")
@requires(GET="round.edit")
def example_csv(rid: str) -> BaseResponse:
    """A CSV file with the heading and one line for each agency type, to fill in."""
    pack = pack_of(_round(rid).pack_version)
    rows = [
        (
            f"EX{number:03}",
            f"Example {localise(kind.name)}",
            key,
            next(iter(kind.subtypes), ""),
            "example-area: Example area",
            f"signatory{number}@agency.example",
            f"Example Person {number}",
            "Example region",
        )
        for number, (key, kind) in enumerate(pack.agency_types.items(), start=1)
    ]
    return csv_download("agencies-example.csv", agencies_operations.COLUMNS, rows)


@blueprint.route("/rounds/<rid>/agencies/<ret>/remove", methods=["GET", "POST"])
@requires(GET="round.edit", POST="round.edit")
def remove_agency(rid: str, ret: str) -> str | BaseResponse:
    """Take an agency out of a draft, after asking."""
    audit_round = _round(rid)
    audit_return = return_in_round(session(), audit_round, ret)
    name = audit_return.agency.name
    if request.method == "POST":
        operations.remove_agency(session(), rid, ret, by=actor(), now=now())
        commit()
        flash(_("%(name)s is no longer in this round.", name=name), "success")
        return redirect(url_for("oversight.agencies", rid=rid), 303)
    return render_template(
        "oversight/remove.html",
        audit_round=audit_round,
        name=name,
        breadcrumbs=round_crumbs(audit_round, (_("Agencies"), url_for("oversight.agencies", rid=rid))),
    )


# --- invitations -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A person and the address by which they join; empty for who has joined or is not ours to invite."""

    person: Invitee
    link: str


def _link(person: Invitee) -> str:
    if person.can_sign_in or not person.is_ours:
        return ""
    return url_for("account.welcome", token=invitation_token(person), _external=True)


@blueprint.route("/rounds/<rid>/invitations")
@requires(GET="round.edit")
def invitations(rid: str) -> str | BaseResponse:
    """Who signs for which agency, whether they have joined, and the links that let the others join."""
    audit_round = _round(rid)
    everybody = invitees(session(), audit_round, actor=actor(), now=now())
    wanted, state = asked("q").casefold(), asked("state")
    people = [
        one
        for one in everybody
        if (not wanted or any(wanted in part.casefold() for part in (one.agency_name, one.name, one.email)))
        and (state not in ("joined", "waiting") or one.can_sign_in == (state == "joined"))
    ]
    if asked("format") == "csv":
        heading = (_("Agency"), _("Name"), _("E-mail"), _("Role"), _("Joined"), _("Link to join"))
        rows = (
            (p.agency_name, p.name, p.email, role_words(p.role), _("yes") if p.can_sign_in else _("no"), _link(p))
            for p in people
        )
        return csv_download(f"{audit_round.key}-invitations.csv", heading, rows)
    page, pages = paged(len(people), PAGE, page_asked())
    without = _agencies_without(audit_round, {one.agency_id for one in everybody})
    return render_template(
        "oversight/invitations.html",
        audit_round=audit_round,
        shown=[Shown(one, _link(one)) for one in people[(page - 1) * PAGE : page * PAGE]],
        total=len(people),
        everybody=len(everybody),
        joined=sum(1 for one in everybody if one.can_sign_in),
        without=without,
        role_words=role_words,
        page=page,
        pages=pages,
        text=asked("q"),
        state=state,
        breadcrumbs=round_crumbs(audit_round),
    )


def _agencies_without(audit_round: AuditRound, invited: set[int]) -> int:
    """How many agencies of the round, of the types that one may invite, have nobody who could be invited."""
    counts, types = response_counts(session(), [audit_round])[audit_round.id], invited_types(audit_round, actor())
    return max(0, sum(sum(states.values()) for (kind, _sub), states in counts.items() if kind in types) - len(invited))
