"""Rounds: the list, planning one, its page, what agencies will see, opening it, its history."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.clock import today
from app.domain.life import USUAL_GRACE, NotPossible
from app.models import AuditRound
from app.operations import events
from app.operations import rounds as operations
from app.operations.rounds import PlanErrors, RoundPlan
from app.policy import allows
from app.queries.closing import is_closed, shut
from app.queries.drafts import DraftNews, draft_news
from app.queries.packs import latest_versions, pack_of
from app.queries.people import bodies_led
from app.queries.returns import HistoryLine, history, history_lines
from app.queries.rounds import (
    NotFound,
    get_round,
    number_archived,
    response_counts,
    round_by_key,
    round_facts,
    rounds_for,
)
from app.queries.waiting import checks_waiting, waiting_for
from app.web.deadlines import deadline_rule
from app.web.oversight.blueprint import (
    blueprint,
    crumbs,
    phase_of,
    response_lines,
    round_crumbs,
    state_names,
)
from app.web.oversight.chasing import reason_words
from app.web.oversight.sampling import sample_event_words
from app.web.pages import day, message, moment, text
from app.web.permissions import requires
from app.web.preview import preview_of
from app.web.request import actor, commit, now, session
from app.web.typed import EARLIEST, TypedDay, asked, read_day, summary, typed

DAYS = ("opens", "due", "closes", "milestones_from")
WEEKS_TO_ANSWER, WEEKS_TO_CLOSE = 8, 10  # what a new round suggests


def may_edit(audit_round: AuditRound) -> bool:
    """Whether the person of this request may change the round."""
    return allows(actor(), "round.edit", round_facts(session(), audit_round, now=now()))


@blueprint.route("/rounds")
@requires(GET="round.read")
def rounds() -> str:
    """The rounds of one's oversight bodies."""
    archived = asked("show") == "archived"
    found = rounds_for(session(), actor=actor(), archived=archived)
    counts = response_counts(session(), found)
    listed = []
    for audit_round in found:
        _lines, total = response_lines(audit_round, counts[audit_round.id])
        listed.append((audit_round, phase_of(audit_round, now=now()), total))
    return render_template(
        "oversight/rounds.html",
        listed=listed,
        to_check={} if archived else checks_waiting(session(), found, actor=actor()),
        drafts=DraftNews() if archived else draft_news(session(), actor=actor(), now=now()),
        archived=archived,
        away=number_archived(session(), actor=actor()),
        breadcrumbs=crumbs() if archived else None,
    )


# --- planning --------------------------------------------------------------------------------------------------------


@dataclass
class PlanForm:
    """The plan of a round as typed."""

    name: str = ""
    key: str = ""
    pack: str = ""
    owner: str = ""
    area_release: str = "at_close"
    grace: str = str(USUAL_GRACE)
    days: dict[str, TypedDay] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def sent(cls) -> PlanForm:
        """What was sent, whatever it is."""
        return cls(
            name=typed("name"), key=typed("key"), pack=typed("pack"), owner=typed("owner"),
            area_release=typed("area_release"), grace=typed("grace_minutes")[:20],
        )  # fmt: skip

    def read(
        self, *, key: str, kept: Mapping[str, date] | None = None, of: AuditRound | None = None
    ) -> RoundPlan:
        """The plan; what cannot be read goes into `errors`. `kept` are days that the form does not ask for.

        `of` is the round whose plan it changes; its grace stays where the form does not ask for it.
        """
        read: dict[str, date | None] = dict(kept or {})
        for name in DAYS:
            if name not in read:
                self.days[name], read[name] = read_day(name, self.errors)
        # a day that cannot be read is reported already: one in its place must not make the others wrong
        opens = read["opens"] or date(EARLIEST, 1, 1)
        due = read["due"] or max(read["closes"] or opens, opens + timedelta(days=1))
        plan = RoundPlan(
            key=key,
            name=self.name,
            opens=opens,
            due=due,
            closes=read["closes"] or max(due, today(now())),
            milestones_from=read["milestones_from"] or opens,
            area_release=self.area_release,
            grace_minutes=self._grace(of),
        )
        for name, wrong in operations.check_plan(plan, now=now(), kept=of).items():
            self.errors.setdefault(name, message(wrong))
        return plan


    def _grace(self, of: AuditRound | None) -> int:
        if "grace_minutes" not in request.form:
            return of.grace_minutes if of else USUAL_GRACE
        # what is no number of minutes is refused like one that is out of range
        return int(self.grace) if self.grace.isascii() and self.grace.isdigit() and len(self.grace) < 6 else -1


def _free_key(name: str) -> str:
    """A key made from a name, with a number where it is taken."""
    stem = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:50].strip("-") or "round"
    key, number = stem, 1
    while round_by_key(session(), key):
        number += 1
        key = f"{stem}-{number}"
    return key


@blueprint.route("/rounds/new", methods=["GET", "POST"])
@requires(GET="round.create", POST="round.create")
def new_round() -> tuple[str, int] | BaseResponse:
    """Choose a pack, name the round and set its dates."""
    versions = latest_versions(session())
    bodies = bodies_led(session(), actor=actor())
    if request.method == "GET":
        start = today(now())
        form = PlanForm(
            days={
                "opens": TypedDay.of(start),
                "due": TypedDay.of(start + timedelta(weeks=WEEKS_TO_ANSWER)),
                "closes": TypedDay.of(start + timedelta(weeks=WEEKS_TO_CLOSE)),
                "milestones_from": TypedDay.of(start),
            }
        )
        return _new_page(form, versions, bodies)
    form = PlanForm.sent()
    version = next((one for one in versions if one.public_id == form.pack), None)
    if version is None:
        form.errors["pack"] = _("Choose the checklists that the agencies will answer.")
    owner = bodies[0] if len(bodies) == 1 else next((one for one in bodies if one.public_id == form.owner), None)
    if owner is None:
        form.errors["owner"] = _("Choose the oversight body that owns this round.")
    plan = form.read(key=form.key or _free_key(form.name))
    if form.errors or version is None or owner is None:
        return _new_page(form, versions, bodies)
    try:
        audit_round = operations.create_round(session(), plan, version, owner=owner, by=actor(), now=now())
    except PlanErrors as wrong:
        form.errors.update({name: message(words) for name, words in wrong.errors.items()})
        return _new_page(form, versions, bodies)
    except NotPossible as reason:
        form.errors["pack"] = message(reason.message)
        return _new_page(form, versions, bodies)
    commit()
    flash(_("%(name)s is prepared. Add its agencies, then open it.", name=audit_round.name), "success")
    return redirect(url_for("oversight.round_page", rid=audit_round.public_id), 303)


def _new_page(form: PlanForm, versions: Any, bodies: Any) -> tuple[str, int]:
    packs = [(version, pack_of(version)) for version in versions]
    page = render_template(
        "oversight/new.html",
        form=form,
        error_list=summary(form.errors, DAYS),
        packs=packs,
        bodies=bodies,
        breadcrumbs=crumbs(),
    )
    return page, 422 if form.errors else 200


@blueprint.route("/rounds/<rid>/edit", methods=["GET", "POST"])
@requires(GET="round.edit", POST="round.edit")
def edit_round(rid: str) -> tuple[str, int] | BaseResponse:
    """Change the name, the dates and the releases of a round."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="round.edit")
    is_open = audit_round.stage == "open"
    closed = is_closed(audit_round, now=now())
    kept = {"opens": today(audit_round.opens), "milestones_from": audit_round.milestones_from} if is_open else {}
    if closed:
        kept |= {"due": today(audit_round.due), "closes": today(audit_round.closes)}
    if request.method == "GET":
        form = PlanForm(
            name=audit_round.name,
            area_release=audit_round.area_release,
            grace=str(audit_round.grace_minutes),
            days={
                "opens": TypedDay.of(today(audit_round.opens)),
                "due": TypedDay.of(today(audit_round.due)),
                "closes": TypedDay.of(today(audit_round.closes)),
                "milestones_from": TypedDay.of(audit_round.milestones_from),
            },
        )
    else:
        form = PlanForm.sent()
        plan = form.read(key=audit_round.key, kept=kept, of=audit_round)
        if not form.errors:
            try:
                operations.change_plan(session(), rid, plan, by=actor(), now=now())
            except PlanErrors as wrong:
                form.errors.update({name: message(words) for name, words in wrong.errors.items()})
            else:
                commit()
                flash(_("The plan of this round is changed."), "success")
                return redirect(url_for("oversight.round_page", rid=rid), 303)
    page = render_template(
        "oversight/edit.html",
        audit_round=audit_round,
        form=form,
        error_list=summary(form.errors, DAYS),
        is_open=is_open,
        is_closed=closed,
        breadcrumbs=round_crumbs(audit_round),
    )
    return page, 422 if form.errors else 200


# --- one round -------------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>")
@requires(GET="round.read")
def round_page(rid: str) -> str:
    """A draft's steps to opening, or an open round's response and what is next."""
    audit_round = get_round(session(), rid, actor=actor(), now=now())
    lines, total = response_lines(audit_round, response_counts(session(), [audit_round])[audit_round.id])
    return render_template(
        "oversight/round.html",
        audit_round=audit_round,
        pack=pack_of(audit_round.pack_version),
        phase=phase_of(audit_round, now=now()),
        lines=lines,
        total=total,
        states=state_names(),
        may_edit=may_edit(audit_round) and not audit_round.archived_at,
        may_close=allows(actor(), "round.close", round_facts(session(), audit_round, now=now())),
        rule=deadline_rule(audit_round),
        closed=is_closed(audit_round, now=now()),
        shut=shut(audit_round, now=now()),
        may_report=allows(actor(), "findings.read", round_facts(session(), audit_round, now=now())),
        waiting=waiting_for(session(), audit_round, actor=actor()) if audit_round.stage == "open" else None,
        breadcrumbs=crumbs(),
    )


@blueprint.route("/rounds/<rid>/open", methods=["GET", "POST"])
@requires(GET="round.edit", POST="round.edit")
def open_round(rid: str) -> tuple[str, int] | BaseResponse:
    """Say what opening does, then do it."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="round.edit")
    errors = []
    if audit_round.stage == "open" and request.method == "GET":
        return redirect(url_for("oversight.round_page", rid=rid), 303)
    if request.method == "POST":
        try:
            operations.open_round(session(), rid, by=actor(), now=now())
        except NotPossible as reason:
            errors = [{"text": message(reason.message)}]
        else:
            commit()
            flash(_("The round is open. Hand out the invitations, so that the agencies can sign in."), "success")
            return redirect(url_for("oversight.round_page", rid=rid), 303)
    lines, total = response_lines(audit_round, response_counts(session(), [audit_round])[audit_round.id])
    page = render_template(
        "oversight/open.html",
        audit_round=audit_round,
        rule=deadline_rule(audit_round),
        lines=[line for line in lines if not line.subtype],
        total=total,
        error_list=errors,
        breadcrumbs=round_crumbs(audit_round),
    )
    return page, 422 if errors else 200


# --- what an agency will see -----------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/preview")
@requires(GET="round.read")
def preview(rid: str) -> str:
    """The checklists of the round, one for each agency type."""
    audit_round = get_round(session(), rid, actor=actor(), now=now())
    pack = pack_of(audit_round.pack_version)
    checklists = []
    for key, kind in pack.agency_types.items():
        template = pack.templates[key]
        numbers = {subtype: len(template.asked_of(subtype)) for subtype in kind.subtypes}
        checklists.append((key, kind, template, numbers))
    return render_template(
        "oversight/preview.html",
        audit_round=audit_round,
        pack=pack,
        checklists=checklists,
        breadcrumbs=round_crumbs(audit_round),
    )


@blueprint.route("/rounds/<rid>/preview/<agency_type>")
@requires(GET="round.read")
def preview_type(rid: str, agency_type: str) -> str:
    """One checklist as an agency of a type, and of a subtype where one is asked for, will be asked it."""
    audit_round = get_round(session(), rid, actor=actor(), now=now())
    pack = pack_of(audit_round.pack_version)
    if agency_type not in pack.templates:
        raise NotFound
    return render_template(
        "oversight/preview_type.html",
        audit_round=audit_round,
        breadcrumbs=round_crumbs(
            audit_round, (_("What agencies will see"), url_for("oversight.preview", rid=rid))
        ),
        **preview_of(pack, agency_type, asked("subtype"), audit_round.milestones_from),
    )


# --- history ---------------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/history")
@requires(GET="round.read")
def round_history(rid: str) -> str:
    """The events of a round in words, and whether its chain is whole."""
    audit_round = get_round(session(), rid, actor=actor(), now=now())
    chain = history(session(), events.chain_of(audit_round))
    lines = history_lines(session(), chain)
    return render_template(
        "oversight/history.html",
        audit_round=audit_round,
        lines=[(line, event_words(line, text(audit_round.pack_version.title))) for line in reversed(lines)],
        broken=events.verify(list(chain)),
        head=lines[-1].hash if lines else "",
        breadcrumbs=round_crumbs(audit_round),
    )


def event_words(line: HistoryLine, pack: str) -> str:
    """What an event of a round says. `pack` is the title of the round's pack."""
    data = line.data
    number = int(data.get("number") or data.get("agencies") or 0)
    match line.verb:
        case "round.created":
            return _(
                "Prepared it with %(pack)s, version %(version)s: opens %(opens)s, due %(due)s, closes %(closes)s.",
                pack=pack,
                version=data["version"],
                opens=day(data["opens"]),
                due=day(data["due"]),
                closes=day(data["closes"]),
            )
        case "round.extended":
            return _("Gave all agencies more time: due %(due)s, closes %(closes)s. Reason: %(reason)s",
                     due=day(data["due"]), closes=day(data["closes"]), reason=line.texts.get("reason", ""))  # fmt: skip
        case "round.closed":
            last = moment(datetime.fromisoformat(data["shut_at"]))
            if data["early"]:
                return _("Closed the round early; answers were taken until %(when)s. Reason: %(reason)s",
                         when=last, reason=line.texts.get("reason", ""))  # fmt: skip
            return _("Put on record that the round closed: answers were taken until %(when)s.", when=last)
        case "round.reopened":
            return _("Reopened the round until %(closes)s. Reason: %(reason)s",
                     closes=day(data["closes"]), reason=line.texts.get("reason", ""))  # fmt: skip
        case "round.archived":
            return _("Archived the round.")
        case "round.unarchived":
            return _("Brought the round back from the archive.")
        case "round.changed":
            return _(
                "Changed the plan: opens %(opens)s, due %(due)s, closes %(closes)s, milestones count from %(counts)s.",
                opens=day(data["opens"]), due=day(data["due"]), closes=day(data["closes"]),
                counts=day(data["milestones_from"]),
            )  # fmt: skip
        case "round.reminded":
            return ngettext(
                "Reminded %(num)d agency (%(reason)s).", "Reminded %(num)d agencies (%(reason)s).", data["agencies"],
                reason=reason_words(data["reason"]),
            )  # fmt: skip
        case "round.agencies_added":
            return ngettext("Added %(num)d agency.", "Added %(num)d agencies.", number)
        case "round.agency_removed":
            return _("Removed %(agency)s before the round opened.", agency=line.texts.get("name", data["agency"]))
        case "survey.given":
            return ngettext(
                "Gave results of a survey of staff for %(num)d agency.",
                "Gave results of a survey of staff for %(num)d agencies.", data["agencies"],
            )  # fmt: skip
        case "round.opened":
            return ngettext("Opened the round to %(num)d agency.", "Opened the round to %(num)d agencies.", number)
        case "feedback.prepared":
            return ngettext(
                "Prepared the feedback to %(num)d agency.", "Prepared the feedback to %(num)d agencies.", data["new"]
            )
        case "accuracy.window_set":
            return _(
                "Set the window for factual accuracy: from %(opens)s to %(closes)s.",
                opens=moment(datetime.fromisoformat(data["opens"])),
                closes=moment(datetime.fromisoformat(data["closes"])),
            )
        case "publication.set":
            return _("Set the findings to come out on %(when)s.", when=moment(datetime.fromisoformat(data["at"])))
        case "publication.held":
            return _(
                "Challenged a draft feedback: the publication of %(when)s is held back.",
                when=moment(datetime.fromisoformat(data["at"])),
            )
        case "publication.taken_back":
            return _("Took the time of publication back.")
        case "findings.published":
            return _("Published the findings, number %(number)s.", number=number)
        case "composition.saved":
            return _("Saved version %(number)s of what is written in the report.", number=data["version"])
        case "composition.commented":
            return _("Commented on a chapter of the report.")
        case "composition.comment_resolved":
            return _("Resolved a comment on the report.")
        case "composition.signed_off":
            return _("Signed off version %(number)s of what is written in the report.", number=data["version"])
        case "recommendation.tracked":
            return _("Said how recommendation %(number)s stands.", number=number)
        case "round.small_numbers_set":
            if not data["below"]:
                return _("Said that figures about however few agencies are published.")
            return _("Said that nothing is published of fewer than %(number)s agencies.", number=data["below"])
        case "batch.requested":
            return ngettext(
                "Asked for the report “%(report)s” for %(num)d agency or area.",
                "Asked for the report “%(report)s” for %(num)d agencies or areas.",
                data["documents"], report=data["report"],
            )  # fmt: skip
        case "batch.cancelled":
            return _("Stopped a batch of the report “%(report)s”.", report=data["report"])
        case "batch.given_up":
            return _("A batch of the report “%(report)s” could not go on.", report=data["report"])
        case "batch.resumed":
            return _("Went on with a batch of the report “%(report)s”.", report=data["report"])
        case "batch.retried":
            return _("Tried again what failed in a batch of the report “%(report)s”.", report=data["report"])
        case "batch.removed":
            return _("Removed a batch of the report “%(report)s”.", report=data["report"])
        case "report.requested":
            return _("Asked for the report “%(report)s”.", report=data.get("report", ""))
    return sample_event_words(line) if line.verb.startswith("sample.") else line.verb
