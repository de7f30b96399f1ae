"""The sample of a round: its plan, the hash that is made known, the draw, who checks what, and what that shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.domain.answers import question_parts
from app.domain.estimates import Estimate
from app.domain.life import NotPossible
from app.domain.message import N_
from app.domain.paging import paged
from app.domain.risks import BY_HAND, ModerationRules
from app.domain.sampling import PlanErrors, SamplePlan
from app.domain.templates import Pack
from app.models import AuditRound, Sample
from app.operations import sampling as operations
from app.policy import allows
from app.queries.moderation import has_desk
from app.queries.own_types import types_where
from app.queries.packs import pack_of
from app.queries.returns import HistoryLine
from app.queries.rounds import PAGE, NotFound, get_round, return_in_round, round_facts
from app.queries.sampling import (
    Drawn,
    SampledRow,
    agency_types_of,
    bodies_asking,
    candidates,
    drawn,
    frame_of,
    is_round_shut,
    sample_of,
    standings,
    stored_frame,
    verified,
)
from app.web.oversight.blueprint import round_crumbs, type_name
from app.web.pages import message, text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.sheets import csv_download
from app.web.typed import asked, page_asked, summary, typed

blueprint = Blueprint("sampling", __name__)

STATES = ("unassigned", "waiting", "checking", "done")


def state_names() -> dict[str, str]:
    """What the page calls the states of a check, in order."""
    return {
        "unassigned": _("Nobody assigned"), "waiting": _("Not begun"), "checking": _("Being checked"),
        "done": _("Checked"), "hidden": _("Hidden until you have checked it second"),
    }  # fmt: skip


def since_words() -> dict[str, str]:
    """What became of an audit after it was drawn."""
    return {
        "reopened": _("Open for changes at present."),
        "anew": _("Signed anew since: the sample keeps what was found on the audit that was drawn."),
    }


def _round(rid: str, permission: str = "sample.read") -> tuple[AuditRound, Sample | None]:
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission=permission)
    return audit_round, sample_of(session(), audit_round, actor=actor(), now=now())


def _drawn(rid: str, permission: str = "sample.read") -> tuple[AuditRound, Drawn]:
    """The round and its drawn sample; NotFound before there is one."""
    audit_round, sample = _round(rid, permission)
    if sample is None or sample.drawn_at is None:
        raise NotFound
    return audit_round, drawn(session(), sample, audit_round, actor=actor())


def _may_draw(audit_round: AuditRound) -> bool:
    return allows(actor(), "sample.draw", round_facts(session(), audit_round, now=now()))


# --- the page --------------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/sample")
@requires(GET="sample.read")
def overview(rid: str) -> str | BaseResponse:
    """Where the sample stands. `format=csv` gives the sample as a file, `format=frame` what it was drawn from."""
    audit_round, sample = _round(rid)
    may_draw = _may_draw(audit_round)
    shared: dict[str, Any] = {
        "audit_round": audit_round,
        "sample": sample,
        "may_draw": may_draw and not audit_round.archived_at,
        "breadcrumbs": round_crumbs(audit_round),
    }
    if sample is None or sample.drawn_at is None:
        current = standings(session(), audit_round, now=now())
        pack = pack_of(audit_round.pack_version)
        plan = (
            SamplePlan.from_data(sample.plan) if sample
            else SamplePlan.of(ModerationRules.of(pack), agency_types_of(audit_round))
        )  # fmt: skip
        return render_template(
            "oversight/sample.html",
            **shared,
            plan=plan,
            preview=_preview(audit_round, plan, current),
            is_shut=is_round_shut(audit_round, now=now()),
            waiting=sum(one.extended for one in current.values()),
            submitted=sum(one.submitted for one in current.values()),
        )
    found = drawn(session(), sample, audit_round, actor=actor())
    own = types_where(audit_round, actor(), "return.moderate")
    if asked("format") == "csv":
        return _csv(audit_round, found, own)
    if asked("format") == "frame":
        return _frame_csv(audit_round, sample)
    return _drawn_page(audit_round, found, own, shared)


def _preview(audit_round: AuditRound, plan: SamplePlan, current: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a plan gives: by agency type how many are expected and submitted, and how many would be drawn of each."""
    pack = pack_of(audit_round.pack_version)
    lines = [
        {
            "name": type_name(pack, key, plural=True), "percent": plan.percent.get(key, 0),
            "expected": one.expected, "submitted": one.submitted,
            "of_expected": plan.size(key, one.expected), "of_submitted": plan.size(key, one.submitted),
        }
        for key, one in current.items()
    ]  # fmt: skip
    counted = ("expected", "submitted", "of_expected", "of_submitted")
    total = {name: sum(line[name] for line in lines) for name in counted}
    return [*lines, {"name": _("All agencies"), "percent": None, **total}]


@dataclass(frozen=True)
class Narrowed:
    """What the table of the sample is narrowed to; empty means all."""

    agency_type: str = ""
    stratum: str = ""
    state: str = ""
    inspector: str = ""

    def holds(self, row: SampledRow) -> bool:
        """Whether a row is shown."""
        return (
            self.agency_type in ("", row.agency_type)
            and (not self.stratum or (row.is_random if self.stratum == "random" else bool(row.risks)))
            and self.state in ("", row.state)
            and (not self.inspector or self.inspector in (str(row.inspector_id), str(row.second_id)))
        )


def _drawn_page(audit_round: AuditRound, found: Drawn, own: frozenset[str], shared: dict[str, Any]) -> str:
    pack = pack_of(audit_round.pack_version)
    rules = ModerationRules.of(pack)
    narrowed = Narrowed(
        asked("type"),
        asked("stratum") if asked("stratum") in ("random", "risk") else "",
        asked("state") if asked("state") in STATES else "",
        asked("inspector"),
    )
    rows = [row for row in found.rows if narrowed.holds(row)]
    page, pages = paged(len(rows), PAGE, page_asked())
    people = {row.inspector_id: row.inspector for row in found.rows if row.inspector_id}
    people |= {row.second_id: row.second for row in found.rows if row.second_id}
    here = {person.user_id for person in candidates(session(), audit_round, now=now())}
    named = [row for row in found.rows if row.agency_type in own]
    args = {"type": narrowed.agency_type, "stratum": narrowed.stratum, "state": narrowed.state}
    return render_template(
        "oversight/sample_drawn.html",
        **shared,
        found=found,
        plan=found.plan,
        rows=rows[(page - 1) * PAGE : page * PAGE],
        total=len(rows),
        page=page,
        pages=pages,
        args={key: value for key, value in (args | {"inspector": narrowed.inspector}).items() if value},
        narrowed=narrowed,
        states=state_names(),
        types=[{"value": key, "text": type_name(pack, key, plural=True)} for key in found.numbers],
        people=[
            {"value": str(key), "text": name} for key, name in sorted(people.items(), key=lambda one: one[1])
        ],
        reasons=lambda row: reasons_of(rules, row, readable=row.agency_type in own),
        own=own,
        leads=types_where(audit_round, actor(), "return.assign_check"),
        type_name=lambda row: type_name(pack, row.agency_type, row.subtype),
        plural=lambda key: type_name(pack, key, plural=True) if key else _("All agencies"),
        estimate=estimate_words,
        share=share_words,
        random=[row for row in named if row.is_random],
        by_risk=[row for row in named if row.risks],
        to_assign=sum(
            (not row.finished and row.inspector_id not in here)
            + ((row.to_second or row.second_id is not None) and not row.second_finished and row.second_id not in here)
            for row in named
        ),
        here=here,
        since=since_words(),
        risk_counts=_risk_counts(rules, found),
        done=sum(row.is_done for row in found.rows),
        random_done=found.total.stratum.checked,
        signs=_signs,
    )


def _risk_counts(rules: ModerationRules, found: Drawn) -> list[dict[str, Any]]:
    """How many each rule chose, of those how many are checked, and in how many an answer was adjusted."""
    lines = []
    for key in [*(rule.key for rule in rules.risks), BY_HAND]:
        rows = [row for row in found.rows if key in row.risks]
        if rows:
            checked = [row for row in rows if row.is_done]
            lines.append(
                {
                    "title": rule_title(rules, key), "chosen": len(rows), "checked": len(checked),
                    "adjusted": sum(bool(row.finding.adjusted) for row in checked),
                }
            )  # fmt: skip
    return lines


def rule_title(rules: ModerationRules, key: str) -> str:
    """What a rule of risk is called."""
    if key == BY_HAND:
        return _("Added by hand")
    rule = rules.rule(key)
    return text(rule.title) if rule else key


def reasons_of(rules: ModerationRules, row: SampledRow, *, readable: bool) -> list[str]:
    """Why risk chose a return: each rule with its figure; its title alone where the reader may not read the return."""
    words = []
    for key in row.risks:
        title, figures, rule = rule_title(rules, key), row.figures.get(key, {}), rules.rule(key)
        if not readable:
            words.append(title)
        elif key == BY_HAND:
            words.append(_("%(title)s: %(reason)s", title=title, reason=figures.get("reason", "")))
        elif rule is None or rule.unit == "count":
            words.append(title)
        elif rule.unit == "days":
            late = ngettext("%(num)d day", "%(num)d days", figures["figure"])
            words.append(_("%(title)s: %(figure)s", title=title, figure=late))
        elif rule.unit == "points":
            points = ngettext("up by %(num)d point", "up by %(num)d points", figures["figure"])
            words.append(
                _("%(title)s: %(figure)s, of %(of)s answers", title=title, figure=points, of=figures["of"])
            )
        else:
            words.append(
                _("%(title)s: %(figure)s%% of %(of)s answers", title=title, figure=figures["figure"], of=figures["of"])
            )
    return words


def share_words(value: Fraction | None) -> str:
    """A share as a percentage with one decimal, where 0 and 100 mean none and all."""
    if value is None:
        return "–"
    if value in (0, 1):
        return "100%" if value else "0%"
    tenths = min(999, max(1, int(value * 1000 + Fraction(1, 2))))
    return f"{tenths // 10}.{tenths % 10}%"


def _signs(value: Fraction | None) -> str:
    """A kappa with two decimals and a true minus."""
    return "–" if value is None else f"{float(value):.2f}".replace("-", "−")


def estimate_words(one: Estimate | None) -> str:
    """A rate with its interval: `41.7% (28.1% to 56.9%)`."""
    if one is None:
        return _("not yet")
    if one.low is None or one.high is None:
        return _("%(rate)s (too few for an interval)", rate=share_words(one.rate))
    return _(
        "%(rate)s (%(low)s to %(high)s)", rate=share_words(one.rate), low=share_words(one.low),
        high=share_words(one.high),
    )  # fmt: skip


def _csv(audit_round: AuditRound, found: Drawn, own: frozenset[str]) -> BaseResponse:
    pack = pack_of(audit_round.pack_version)
    rules, states = ModerationRules.of(pack), state_names()
    heading = (
        _("Code"), _("Agency"), _("Type"), _("Subtype"), _("Id of the return"), _("Place in the random draw"),
        _("Reasons of risk"), _("State"), _("Inspector"), _("Second inspector"), _("Answers to check"),
        _("Answers checked"), _("Answers adjusted"), _("Questions"),
    )  # fmt: skip
    rows = (
        (
            row.code, row.agency, type_name(pack, row.agency_type),
            type_name(pack, row.agency_type, row.subtype) if row.subtype else "", row.public_id, row.place or "",
            "; ".join(reasons_of(rules, row, readable=row.agency_type in own)), states[row.state], row.inspector,
            row.second, row.finding.asked, row.finding.checked if _is_shown(row, own) else "",
            len(row.finding.adjusted) if _is_shown(row, own) else "", " ".join(row.questions),
        )
        for row in found.rows
    )  # fmt: skip
    return csv_download(f"{audit_round.key}-sample.csv", heading, rows)


def _is_shown(row: SampledRow, own: frozenset[str]) -> bool:
    """Whether the reader sees what came of the checks of a return."""
    return row.agency_type in own and not row.is_hidden


def _frame_csv(audit_round: AuditRound, sample: Sample) -> BaseResponse:
    """What the draw was from: column names and keys are the same in every language, because machines read them."""
    rows = [
        (kind, public_id, submission)
        for kind, returns in sorted(stored_frame(sample).items())
        for public_id, submission in returns
    ]
    return csv_download(f"{audit_round.key}-frame.csv", ("type", "return", "submission_hash"), rows)


# --- the plan and the seed -------------------------------------------------------------------------------------------


def _number(name: str, errors: dict[str, str]) -> int:
    given = typed(name)
    if re.fullmatch(r"[0-9]{1,6}", given):
        return int(given)
    errors[name] = _("Give a whole number.")
    return 0


@blueprint.route("/rounds/<rid>/sample/plan", methods=["GET", "POST"])
@requires(GET="sample.draw", POST="sample.draw")
def plan(rid: str) -> tuple[str, int] | BaseResponse:
    """The plan with the numbers it would give; sending it makes the seed, or changes the plan until the draw."""
    audit_round, sample = _round(rid, "sample.draw")
    if sample and sample.drawn_at:
        raise NotPossible(N_("The sample is drawn, so its plan can no longer change."))
    rules = ModerationRules.of(pack_of(audit_round.pack_version))
    kinds = agency_types_of(audit_round)
    chosen = SamplePlan.from_data(sample.plan) if sample else SamplePlan.of(rules, kinds)
    numbers = ("minimum", "questions", "risk_most", "risk_percent", "second_percent")
    form = {f"percent-{key}": str(chosen.percent.get(key, 0)) for key in kinds}
    form |= {name: str(getattr(chosen, name)) for name in numbers}
    errors: dict[str, str] = {}
    if request.method == "POST":
        form = {name: typed(name)[:20] for name in form}
        share = {key: _number(f"percent-{key}", errors) for key in kinds}
        given = {name: _number(name, errors) for name in numbers}
        chosen = SamplePlan(
            percent=share, small_round=chosen.small_round,
            rules=tuple(rule.key for rule in rules.risks if rule.key in request.form.getlist("rules")), **given,
        )  # fmt: skip
        for name, wrong in chosen.errors([rule.key for rule in rules.risks]).items():
            errors.setdefault(name, message(wrong))
        if not errors and typed("do") != "show":
            return _planned(audit_round, sample, chosen)
    current = standings(session(), audit_round, now=now())
    page = render_template(
        "oversight/sample_plan.html",
        audit_round=audit_round,
        sample=sample,
        form=form,
        errors=errors,
        error_list=summary(errors),
        kinds=[(key, type_name(pack_of(audit_round.pack_version), key, plural=True)) for key in kinds],
        rules=rules.risks,
        chosen_rules=chosen.rules,
        small_round=chosen.small_round,
        preview=_preview(audit_round, chosen, current) if not errors else [],
        breadcrumbs=_crumbs(audit_round),
    )
    return page, 422 if errors else 200


def _planned(audit_round: AuditRound, sample: Sample | None, chosen: SamplePlan) -> BaseResponse:
    rid = audit_round.public_id
    try:
        if sample:
            operations.change_plan(session(), rid, chosen, by=actor(), now=now())
            words = _("The plan is changed. The seed stays as it was.")
        else:
            operations.commit_sample(session(), rid, chosen, by=actor(), now=now())
            words = _("The seed is made, and its hash is on record.")
    except PlanErrors as wrong:  # checked above; only a pack that changed in between comes here
        raise NotPossible(next(iter(wrong.errors.values()))) from None
    commit()
    flash(words, "success")
    return redirect(url_for("sampling.overview", rid=rid), 303)


def _crumbs(audit_round: AuditRound) -> list[dict[str, str]]:
    return round_crumbs(audit_round, (_("Sample"), url_for("sampling.overview", rid=audit_round.public_id)))


@blueprint.route("/rounds/<rid>/sample/draw", methods=["GET", "POST"])
@requires(GET="sample.draw", POST="sample.draw")
def draw(rid: str) -> str | BaseResponse:
    """Draw the sample, after saying that it cannot be drawn again."""
    audit_round, sample = _round(rid, "sample.draw")
    if request.method == "POST":
        operations.draw_sample(session(), rid, by=actor(), now=now())
        commit()
        flash(_("The sample is drawn, and its seed is known to all who may read this page."), "success")
        return redirect(url_for("sampling.overview", rid=rid), 303)
    if sample is None:
        return redirect(url_for("sampling.overview", rid=rid), 303)
    current = standings(session(), audit_round, now=now())
    chosen = SamplePlan.from_data(sample.plan)
    return render_template(
        "oversight/sample_draw.html",
        audit_round=audit_round,
        sample=sample,
        is_shut=is_round_shut(audit_round, now=now()),
        waiting=sum(one.extended for one in current.values()),
        submitted=sum(one.submitted for one in current.values()),
        preview=_preview(audit_round, chosen, current),
        breadcrumbs=_crumbs(audit_round),
    )


# --- who checks what -------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/sample/assign-rest", methods=["POST"])
@requires(POST="sample.draw")
def assign_rest(rid: str) -> BaseResponse:
    """Share out evenly what nobody checks yet."""
    given, left = operations.assign_rest(session(), rid, by=actor(), now=now())
    commit()
    if given:
        flash(ngettext("%(num)d check is assigned.", "%(num)d checks are assigned.", given), "success")
    if left:
        flash(
            ngettext(
                "%(num)d check is left over: no inspector of the right body is free of ties to the agency.",
                "%(num)d checks are left over: no inspector of the right body is free of ties to the agency.",
                left,
            ),
            "notice",
        )
    if not given and not left:
        flash(_("Everything is assigned already."), "notice")
    return redirect(url_for("sampling.overview", rid=rid), 303)


@blueprint.route("/rounds/<rid>/sample/add", methods=["GET", "POST"])
@requires(GET="sample.draw", POST="sample.draw")
def add(rid: str) -> tuple[str, int] | BaseResponse:
    """Add an agency by hand, with the reason."""
    try:
        audit_round, found = _drawn(rid, "sample.draw")
    except NotFound:
        _round(rid, "sample.draw")  # not found for whoever may not draw
        raise NotPossible(N_("Agencies are added by hand once the sample is drawn.")) from None
    own = types_where(audit_round, actor(), "return.assign_check")
    errors: dict[str, str] = {}
    if request.method == "POST":
        if not typed("ret"):
            errors["ret"] = _("Choose an agency.")
        if not typed("reason"):
            errors["reason"] = _("Give the reason: it stands beside the agency in the list.")
        if not errors:
            try:
                operations.add_by_hand(
                    session(), rid, typed("ret"), reason=typed("reason"), by=actor(), now=now()
                )
            except NotPossible as reason:
                errors["ret"] = message(reason.message)
            else:
                commit()
                flash(_("The agency is added to the cases of risk."), "success")
                return redirect(url_for("sampling.one", rid=rid, ret=typed("ret")), 303)
    there = {row.public_id for row in found.rows if BY_HAND in row.risks}
    page = render_template(
        "oversight/sample_add.html",
        audit_round=audit_round,
        errors=errors,
        error_list=summary(errors),
        ret=typed("ret") or asked("ret"),
        reason=typed("reason"),
        choices=[
            {"value": one.public_id, "text": one.agency}
            for one in sorted(frame_of(session(), audit_round), key=lambda one: one.agency)
            if one.agency_type in own and one.public_id not in there
        ],
        breadcrumbs=_crumbs(audit_round),
    )
    return page, 422 if errors else 200


@blueprint.route("/rounds/<rid>/sample/<ret>", methods=["GET", "POST"])
@requires(GET="sample.read", POST="sample.draw")
def one(rid: str, ret: str) -> tuple[str, int] | BaseResponse:
    """One return of the sample: why it is there, what is checked in it, and who does."""
    audit_round, found = _drawn(rid, "sample.draw" if request.method == "POST" else "sample.read")
    row = next((row for row in found.rows if row.public_id == ret), None)
    if row is None or row.agency_type not in types_where(audit_round, actor(), "return.moderate"):
        raise NotFound
    errors: dict[str, str] = {}
    people = candidates(session(), audit_round, now=now())
    first, second = row.inspector_public_id, row.second_public_id
    if request.method == "POST":
        first, second = typed("inspector"), typed("second")
        try:
            operations.assign(session(), rid, ret, inspector=first, second=second, by=actor(), now=now())
        except NotPossible as reason:
            errors["second" if first == second or not first else "inspector"] = message(reason.message)
        else:
            commit()
            flash(_("Who checks %(name)s is saved.", name=row.agency), "success")
            return redirect(url_for("sampling.overview", rid=rid), 303)
    pack = pack_of(audit_round.pack_version)
    asking = bodies_asking(audit_round, row.agency_type)
    page = render_template(
        "oversight/sample_one.html",
        audit_round=audit_round,
        row=row,
        kind=type_name(pack, row.agency_type, row.subtype),
        reasons=reasons_of(ModerationRules.of(pack), row, readable=True),
        questions=_questions(pack, row),
        states=state_names(),
        since=since_words(),
        to_check=has_desk(session(), return_in_round(session(), audit_round, ret), actor=actor(), now=now()),
        may_assign=row.agency_type in types_where(audit_round, actor(), "return.assign_check")
        and not audit_round.archived_at,
        choices=[
            {"value": person.public_id, "text": person.name}
            for person in people
            if person.may_check(row.agency_id, asking)
        ]
        + [
            {"value": public_id, "text": _("%(name)s (has left)", name=name)}
            for user_id, public_id, name in (
                (row.inspector_id, row.inspector_public_id, row.inspector),
                (row.second_id, row.second_public_id, row.second),
            )
            if user_id and user_id not in {person.user_id for person in people}
        ],
        first=first,
        second=second,
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=_crumbs(audit_round),
    )
    return page, 422 if errors else 200


def _questions(pack: Pack, row: SampledRow) -> Sequence[dict[str, str]]:
    """The questions that are checked, in the order of the checklist: number, words, and what came of it."""
    template = pack.templates[row.agency_type]
    known = {placed.criterion.id: placed for placed in template.criteria()}
    lines = []
    for question in row.questions:
        placed = known.get(question_parts(question)[0])
        if placed is None:
            continue
        scheme = pack.scheme_of(template, placed.criterion)
        pair = row.finding.adjusted.get(question)
        outcome = (
            _("%(was)s → %(now)s", was=text(scheme.grade(pair[0]).label), now=text(scheme.grade(pair[1]).label))
            if pair and pair[0] else ""
        )  # fmt: skip
        lines.append((placed.position, {"number": placed.number, "text": text(placed.criterion.question),
            "outcome": outcome}))  # fmt: skip
    return [line for _position, line in sorted(lines, key=lambda one: one[0])]


@blueprint.route("/rounds/<rid>/sample/verify")
@requires(GET="sample.read")
def verify(rid: str) -> str:
    """How anybody can repeat the draw, and whether it comes out the same here; before the draw, what comes when."""
    audit_round, sample = _round(rid)
    if sample is None or sample.drawn_at is None:
        return render_template(
            "oversight/sample_not_drawn.html", audit_round=audit_round, sample=sample, breadcrumbs=_crumbs(audit_round)
        )
    checks = verified(session(), sample, audit_round)
    example = next(iter(sorted(stored_frame(sample).items())))
    chosen = SamplePlan.from_data(sample.plan)
    return render_template(
        "oversight/sample_verify.html",
        audit_round=audit_round,
        sample=sample,
        checks=[(check_words()[check.name], check.holds) for check in checks],
        kind=example[0],
        kind_name=type_name(pack_of(audit_round.pack_version), example[0], plural=True),
        size=chosen.size(example[0], len(example[1])),
        breadcrumbs=_crumbs(audit_round),
    )


def check_words() -> dict[str, str]:
    """What each check of the verification says when it holds."""
    return {
        "seed": _("The seed that was revealed has the hash that was made known."),
        "committed": _("That hash was put on record before the round closed."),
        "frame": _("The list that was drawn from has the hash that was recorded at the draw."),
        "returns": _("The list holds every audit that was submitted then, and no other."),
        "draw": _("Seed and list give the returns that were drawn, in the same places."),
        "questions": _("The seed gives the questions that are checked in each of them."),
        "record": _("Plan, places and rules of risk are those that were put on record, and so is whatever was added."),
    }


def sample_event_words(line: HistoryLine) -> str:
    """What an event about the sample says in the history of its round."""
    data = line.data
    match line.verb:
        case "sample.committed":
            return _("Made the seed of the sample and put its hash on record: %(hash)s.", hash=data["seed_hash"])
        case "sample.plan_changed":
            return _("Changed the plan of the sample.")
        case "sample.drawn":
            number = len({*data["risk"], *(one for ids in data["random"].values() for one in ids)})
            return ngettext(
                "Drew the sample: %(num)d return. Its seed: %(seed)s.",
                "Drew the sample: %(num)d returns. Its seed: %(seed)s.",
                number,
                seed=data["seed"],
            )
        case "sample.assigned":
            number = len(data["returns"])
            return ngettext("Assigned the checks of %(num)d return.", "Assigned the checks of %(num)d returns.", number)
        case "sample.added":
            return _("Added a return to the sample by hand: %(reason)s", reason=line.texts.get("reason", ""))
    return line.verb
