"""Follow-up pages: how agencies stand on each recommendation, one agency in full, and who is monitored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.clock import today
from app.domain.answers import question_id
from app.domain.follow_up import STATES, WHYS, State
from app.domain.life import NotPossible
from app.domain.message import Message
from app.domain.paging import paged
from app.domain.recommendations import Cited, recommendations
from app.models import AuditReturn, AuditRound
from app.operations import follow_up as operations
from app.queries.actions import with_progress
from app.queries.follow_up import (
    ATTENTION,
    FollowedUp,
    Line,
    Wanted,
    areas_of_round,
    followed_up,
    get_monitoring,
    monitoring_of_return,
    monitoring_of_round,
    returns_to_ask,
)
from app.queries.moderation import checked_for
from app.queries.packs import pack_of
from app.queries.returns import get_return, submissions, submitted_checklist
from app.queries.rounds import NotFound, get_round
from app.queries.threads import threads_of
from app.web import charts
from app.web.addresses import addresses
from app.web.oversight.blueprint import round_crumbs, type_choices, type_name
from app.web.pages import message, text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.sheets import csv_download
from app.web.typed import TypedDay, asked, page_asked, read_day, summary, typed

blueprint = Blueprint("follow_up", __name__)

PAGE = 50
# fills of the bars by state; each differs from its neighbour in grey too
COLOURS: dict[State, str] = {
    "met": "#0b3c49", "on_track": "#7fb3b5", "unlikely": "#e0a458", "overdue": "#b5522b", "not_applicable": "#d9dedf",
}  # fmt: skip


def state_names() -> dict[State, str]:
    """What pages call the states, the best first."""
    return {state: message(Message(STATES[state])) for state in COLOURS}


@blueprint.app_template_filter("why_words")
def why_words(why: str) -> str:
    """What pages say a state follows from."""
    return message(Message(WHYS[why]))  # type: ignore[index]


@blueprint.app_template_filter("recommendation_name")
def recommendation_name(cited: Cited) -> str:
    """What pages call a recommendation: the report in short, and the number."""
    return _("%(report)s %(number)s", report=text(cited.short), number=cited.number)


def _wanted(audit_round: AuditRound) -> Wanted:
    agency_type, _slash, subtype = asked("type").partition("/")
    milestone = asked("milestone")
    known = pack_of(audit_round.pack_version).milestones
    return Wanted(agency_type, subtype, asked("area"), milestone if milestone in known else "")


def _args(wanted: Wanted, **changes: str) -> dict[str, Any]:
    """The address of a page as it is narrowed now, with changes; what is empty is left out."""
    args = {
        "type": "/".join(filter(None, (wanted.agency_type, wanted.subtype))),
        "area": wanted.area,
        "milestone": wanted.milestone,
    }
    return {name: value for name, value in (args | changes).items() if value}


def _filters(audit_round: AuditRound, wanted: Wanted) -> dict[str, Any]:
    """What the form of filters needs."""
    pack = pack_of(audit_round.pack_version)
    return {
        "choices": type_choices(audit_round),
        "areas": [{"value": key, "text": name} for key, name in areas_of_round(session(), audit_round)],
        "milestones": [{"value": key, "text": text(one.label)} for key, one in pack.milestones.items()],
        "chosen": _args(wanted),
    }


def _by_key(cited: Sequence[Cited]) -> dict[str, Cited]:
    return {one.key: one for one in cited}


def _types(found: FollowedUp, cited: Cited) -> str:
    return ", ".join(type_name(found.pack, one, plural=True) for one in cited.questions)


def _milestones(found: FollowedUp, cited: Cited) -> str:
    named = [text(one.label) for key, one in found.pack.milestones.items() if key in cited.milestones]
    return ", ".join(named)


# --- the round -------------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/follow-up")
@requires(GET="follow_up.read")
def overview(rid: str) -> str | BaseResponse:
    """Recommendations by states: how many agencies are in each. `format=csv` gives the table as a file."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="follow_up.read")
    wanted = _wanted(audit_round)
    found = followed_up(session(), audit_round, actor=actor(), now=now(), wanted=wanted)
    states = state_names()
    if asked("format") == "csv":
        heading = (_("Report"), _("Recommendation"), _("Concerns"), _("To be met"), *states.values())
        return csv_download(
            f"{audit_round.key}-follow-up.csv",
            heading,
            (
                (text(one.title), one.number, _types(found, one), _milestones(found, one),
                 *(found.counts[one.key][state] for state in states))
                for one in found.cited
            ),
        )  # fmt: skip
    counts = found.counts
    behind = addresses("follow_up.agencies", "recommendation", "state", rid=rid, **_args(wanted))
    return render_template(
        "follow_up/overview.html",
        audit_round=audit_round,
        found=found,
        rows=[
            {
                "cited": one,
                "bar": charts.profile(
                    [(name, counts[one.key][state], COLOURS[state]) for state, name in states.items()],
                    recommendation_name(one),
                ),
                "types": _types(found, one),
                "milestones": _milestones(found, one),
                "parts": [
                    (name, counts[one.key][state], behind(quote(one.key, safe=""), state))
                    for state, name in states.items()
                ],
            }
            for one in found.cited
        ],
        states=states,
        colours=COLOURS,
        unlikely=[
            (text(one.label), found.unlikely_by[key])
            for key, one in found.pack.milestones.items()
            if found.unlikely_by[key]
        ],
        monitored=sum(1 for line in found.lines if line.monitored),
        requests=sum(line.requests for line in found.lines),
        filters=_filters(audit_round, wanted),
        args=_args(wanted),
        breadcrumbs=round_crumbs(audit_round),
    )


def _behind(
    found: FollowedUp, recommendation: str, states: Sequence[str], *, page: int | None
) -> tuple[list[tuple[Line, str]], int, int]:
    """The agencies and recommendations behind a number, by agency: those of a page (None: all), how many there are in
    all, and the page."""
    numbers = [
        line.states.get(recommendation) in states if recommendation else sum(line.numbers[one] for one in states)
        for line in found.lines
    ]
    total = sum(numbers)
    page_ = min(page or 1, max(1, -(-total // PAGE)))
    start, end = (0, total) if page is None else ((page_ - 1) * PAGE, page_ * PAGE)
    listed: list[tuple[Line, str]] = []
    upto = 0
    for line, number in zip(found.lines, numbers, strict=True):
        before, upto = upto, upto + number
        if before < end and upto > start:
            keys = [key for key, state in line.states.items() if recommendation in ("", key) and state in states]
            listed += [(line, key) for key in keys[max(0, start - before) : end - before]]
    return listed, total, page_


@blueprint.route("/rounds/<rid>/follow-up/agencies")
@requires(GET="follow_up.read")
def agencies(rid: str) -> str | BaseResponse:
    """The agencies behind a number: one recommendation or all, in one state or all that ask for attention."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="follow_up.read")
    wanted = _wanted(audit_round)
    found = followed_up(session(), audit_round, actor=actor(), now=now(), wanted=wanted)
    cited = _by_key(found.cited)
    recommendation = asked("recommendation") if asked("recommendation") in cited else ""
    states = state_names()
    state = next((one for one in states if one == asked("state")), "")
    # without a recommendation every agency is in nearly every state: then what needs a look is shown
    chosen = [state] if state else list(states) if recommendation else list(ATTENTION)
    is_file = asked("format") == "csv"
    listed, total, page = _behind(found, recommendation, chosen, page=None if is_file else page_asked())
    args = _args(wanted, recommendation=recommendation, state=state)
    if is_file:
        heading = (
            _("Code"), _("Agency"), _("Type"), _("Report"), _("Recommendation"), _("State that holds"),
            _("What follows from the answers"), _("Milestone"), _("Date of the milestone"), _("Inspector’s note"),
            _("Monitored"),
        )  # fmt: skip
        return csv_download(
            f"{audit_round.key}-follow-up-agencies.csv",
            heading,
            (
                (
                    line.code, line.name, type_name(found.pack, line.agency_type, line.subtype),
                    text(cited[one.recommendation].title), cited[one.recommendation].number, states[one.state],
                    states[one.stand.state], _label(found, one.stand.milestone),
                    one.stand.by.isoformat() if one.stand.by else "", one.word.note if one.word else "",
                    _("yes") if line.monitored else _("no"),
                )
                for line, one in ((line, line.standing(key)) for line, key in listed)
            ),
        )  # fmt: skip
    return render_template(
        "follow_up/agencies.html",
        audit_round=audit_round,
        cited=cited,
        recommendation=cited.get(recommendation),
        recommendations=[{"value": key, "text": recommendation_name(one)} for key, one in cited.items()],
        state=state,
        states=states,
        rows=[
            (line, line.standing(key), type_name(found.pack, line.agency_type, line.subtype),
             _label(found, line.stands[key].milestone))
            for line, key in listed
        ],
        total=total,
        page=page,
        pages=max(1, -(-total // PAGE)),
        filters=_filters(audit_round, wanted),
        args=args,
        breadcrumbs=round_crumbs(audit_round, (_("Follow-up"), url_for("follow_up.overview", rid=rid))),
    )  # fmt: skip


def _label(found: FollowedUp, milestone: str) -> str:
    return text(found.pack.milestones[milestone].label) if milestone else ""


# --- one agency ------------------------------------------------------------------------------------------------------


def _mine(rid: str) -> AuditReturn:
    return get_return(session(), rid, actor=actor(), now=now(), permission="return.follow_up")


def _return_crumbs(audit_return: AuditReturn, *more: tuple[str, str]) -> list[dict[str, str]]:
    audit_round = audit_return.audit_round
    return round_crumbs(
        audit_round, (_("Follow-up"), url_for("follow_up.overview", rid=audit_round.public_id)), *more
    )


@blueprint.route("/returns/<rid>/follow-up")
@requires(GET="return.follow_up")
def return_page(rid: str) -> str:
    """One agency's recommendations: how it stands, what that follows from, what is planned, what inspectors said."""
    audit_return = _mine(rid)
    return _return_page(audit_return)


def _return_page(
    audit_return: AuditReturn, *, problem: str = "", at: str = "", given: Mapping[str, str] | None = None
) -> str:
    """The page; `problem` stands at the form of the recommendation `at`, with what was typed there."""
    audit_round = get_round(
        session(), audit_return.audit_round.public_id, actor=actor(), now=now(), permission="follow_up.read"
    )
    found = followed_up(session(), audit_round, actor=actor(), now=now(), return_id=audit_return.id)
    line = found.lines[0] if found.lines else None
    items: dict[str, Any] = {}
    submission = None
    if line and line.submitted:
        submission = next((one for one in submissions(session(), audit_return) if not one.voided), None)
    if submission:
        work = submitted_checklist(submission, audit_return)
        items = {item.id: item for item in work.items}
    cited = _by_key(found.cited)
    plans = _plans(audit_return, submission)
    moderated = checked_for(session(), audit_return.audit_round, [audit_return.id], actor=actor()).get(
        audit_return.id, {}
    )
    return render_template(
        "follow_up/return.html",
        audit_return=audit_return,
        audit_round=audit_round,
        line=line,
        submission=submission,
        kind=type_name(found.pack, audit_return.agency_type, audit_return.subtype),
        standings=[
            {
                "standing": standing,
                "cited": cited[key],
                "milestone": _label(found, standing.stand.milestone),
                "place": number,
                "parts": [
                    {
                        "part": part,
                        "item": items.get(part.question.id),
                        "actions": plans.get(part.question.id, ()),
                        "checked": moderated.get(
                            (items[part.question.id].criterion.id, items[part.question.id].scope)
                        )
                        if part.question.id in items
                        else None,
                    }
                    for part in standing.stand.parts
                ],
            }
            for number, (key, standing) in enumerate(line.standings.items(), start=1)
        ]
        if line
        else [],
        states=state_names(),
        monitoring=monitoring_of_return(session(), audit_return),
        requests=threads_of(session(), audit_return, kinds=(operations.KIND,)),
        cited=cited,
        problem=problem,
        at=at,
        given=given or {},
        today=today(now()),
        breadcrumbs=_return_crumbs(audit_return),
    )


def _plans(audit_return: AuditReturn, submission: Any) -> dict[str, Sequence[Any]]:
    """What is planned for each question as it stands since the signing, by question id."""
    if submission is None:
        return {}
    found = with_progress(session(), audit_return, json.loads(submission.content), submission.submitted_at)
    return {question_id(criterion, scope): actions for (criterion, scope), actions in found.items()}


@blueprint.route("/returns/<rid>/follow-up/word", methods=["POST"])
@requires(POST="return.follow_up")
def word(rid: str) -> str | tuple[str, int] | BaseResponse:
    """Put a word over what follows from the answers, or take it back."""
    recommendation = typed("recommendation")
    back = url_for("follow_up.return_page", rid=rid)
    if typed("take_back"):
        operations.take_back(session(), rid, recommendation, by=actor(), now=now())
        commit()
        flash(_("Your body’s word is taken back. What follows from the answers holds again."), "success")
        return redirect(back, 303)
    given = {"state": typed("state"), "note": typed("note")}
    try:
        operations.say(session(), rid, recommendation, state=given["state"], note=given["note"], by=actor(), now=now())
    except NotPossible as reason:
        page = _return_page(_mine(rid), problem=message(reason.message), at=recommendation, given=given)
        return page, 422
    commit()
    flash(_("Recorded. What follows from the answers still stands beside it."), "success")
    return redirect(back, 303)


# --- monitoring ------------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/monitoring")
@requires(GET="follow_up.read")
def monitoring(rid: str) -> str | BaseResponse:
    """Who is monitored until they are cleared, who is proposed, and who was."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="follow_up.read")
    every = monitoring_of_round(session(), audit_round, actor=actor(), now=now())
    pack = pack_of(audit_round.pack_version)
    cited = _by_key(recommendations(pack, list(pack.agency_types)))
    if asked("format") == "csv":
        heading = (
            _("Code"), _("Agency"), _("Recommendation"), _("Since"), _("Reason"), _("To be reviewed"), _("Cleared"),
            _("Reason for clearing"),
        )  # fmt: skip
        return csv_download(
            f"{audit_round.key}-monitoring.csv",
            heading,
            (
                (
                    one.audit_return.agency.code, one.audit_return.agency.name, one.recommendation,
                    today(one.since).isoformat(), one.reason, one.review_on.isoformat() if one.review_on else "",
                    today(one.cleared_at).isoformat() if one.cleared_at else "", one.clear_reason,
                )
                for one in every
            ),
        )  # fmt: skip
    found = followed_up(session(), audit_round, actor=actor(), now=now())
    # whoever is monitored for anything is on the list already
    proposed = sorted(
        (
            (line, number, line.numbers["overdue"])
            for line in found.lines
            if not line.monitored and (number := sum(line.numbers[state] for state in ATTENTION))
        ),
        key=lambda one: (-one[2], -one[1], one[0].name.casefold()),
    )
    page, pages = paged(len(proposed), PAGE, page_asked())
    return render_template(
        "follow_up/monitoring.html",
        audit_round=audit_round,
        current=[one for one in every if one.cleared_at is None],
        cleared=[one for one in every if one.cleared_at is not None],
        cited=cited,
        proposed=[
            (line, number, overdue, type_name(pack, line.agency_type, line.subtype))
            for line, number, overdue in proposed[(page - 1) * PAGE : page * PAGE]
        ],
        total=len(proposed),
        page=page,
        pages=pages,
        today=today(now()),
        breadcrumbs=round_crumbs(audit_round, (_("Follow-up"), url_for("follow_up.overview", rid=rid))),
    )


@blueprint.route("/rounds/<rid>/monitoring/add", methods=["GET", "POST"])
@requires(GET="follow_up.read", POST="follow_up.read")
def add_monitoring(rid: str) -> str | tuple[str, int] | BaseResponse:
    """Put chosen agencies (`ret`, several) under monitoring, after saying why."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="follow_up.read")
    cited = _by_key(recommendations(pack_of(audit_round.pack_version), [one.agency_type for one in audit_round.served]))
    recommendation = request.values.get("recommendation", "")
    if recommendation and recommendation not in cited:
        raise NotFound
    chosen = request.values.getlist("ret")
    errors: dict[str, str] = {}
    review = TypedDay()
    if request.method == "POST":
        review, on = read_day("review", errors, optional=True)
        if not errors:
            try:
                new = operations.monitor(
                    session(), chosen, reason=typed("reason"), review_on=on, recommendation=recommendation, by=actor(),
                    now=now(),
                )  # fmt: skip
            except NotPossible as reason:
                errors["reason"] = message(reason.message)
            else:
                commit()
                flash(
                    ngettext("%(num)d agency is monitored now.", "%(num)d agencies are monitored now.", len(new))
                    if new
                    else _("These agencies were monitored already."),
                    "success",
                )
                return redirect(url_for("follow_up.monitoring", rid=rid), 303)
    page = render_template(
        "follow_up/add_monitoring.html",
        audit_round=audit_round,
        returns=returns_to_ask(session(), audit_round, chosen, actor=actor()),
        recommendation=cited.get(recommendation),
        reason=typed("reason"),
        review=review,
        errors=errors,
        error_list=summary(errors, ("review",)),
        back={"href": url_for("follow_up.monitoring", rid=rid), "text": _("Back to monitoring")},
    )
    return page, 422 if errors else 200


@blueprint.route("/returns/<rid>/monitoring/<mid>", methods=["GET", "POST"])
@requires(GET="return.follow_up", POST="return.follow_up")
def monitored(rid: str, mid: str) -> str | tuple[str, int] | BaseResponse:
    """End a monitoring with a reason, or set another day to review it."""
    audit_return = _mine(rid)
    row = get_monitoring(session(), audit_return, mid)
    back = url_for("follow_up.monitoring", rid=audit_return.audit_round.public_id)
    errors: dict[str, str] = {}
    review = TypedDay.of(row.review_on)
    if request.method == "POST" and typed("act") == "review":
        review, on = read_day("review", errors)
        if on:
            try:
                operations.review_again(session(), rid, mid, on=on, by=actor(), now=now())
            except NotPossible as reason:
                errors["review"] = message(reason.message)
            else:
                commit()
                flash(_("The day to review it is set."), "success")
                return redirect(back, 303)
    elif request.method == "POST":
        try:
            operations.clear(session(), rid, mid, reason=typed("reason"), by=actor(), now=now())
        except NotPossible as reason:
            errors["reason"] = message(reason.message)
        else:
            commit()
            flash(_("%(name)s is no longer monitored for this.", name=audit_return.agency.name), "success")
            return redirect(back, 303)
    pack = pack_of(audit_return.template_version.pack_version)
    page = render_template(
        "follow_up/monitored.html",
        audit_return=audit_return,
        row=row,
        recommendation=_by_key(recommendations(pack, [audit_return.agency_type])).get(row.recommendation),
        reason=typed("reason"),
        review=review,
        errors=errors,
        error_list=summary(errors, ("review",)),
        back={"href": back, "text": _("Back to monitoring")},
    )
    return page, 422 if errors else 200

