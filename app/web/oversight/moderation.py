"""The moderation desk: who checks which submission and how far, and checking one, answer by answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.clock import today
from app.db import db
from app.domain.answers import question_parts
from app.domain.life import NotPossible
from app.models import AuditReturn, Moderation
from app.operations import moderation as operations
from app.operations.moderation import FindingConflict, FindingErrors, Typed
from app.policy import allows
from app.queries.evidence import scans_of
from app.queries.moderation import (
    Check,
    Desk,
    desk_of,
    duties,
    is_mine_reopened,
    signed_last_round,
    twin_answers,
)
from app.queries.packs import pack_of, template_of
from app.queries.returns import get_return, submissions
from app.queries.rounds import NotFound, get_round, round_facts
from app.queries.surveys import beside_answers
from app.queries.threads import threads_of
from app.web.deadlines import deadline_rule
from app.web.kept import page_not_taken
from app.web.oversight.blueprint import round_crumbs, type_name
from app.web.pages import message, text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import TypedDay, asked, page_asked, read_day, summary, typed

blueprint = Blueprint("moderation", __name__)


# --- the desk of a round --------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/moderation", methods=["GET", "POST"])
@requires(GET="moderation.read", POST="moderation.lead")
def overview(rid: str) -> str | tuple[str, int] | BaseResponse:
    """What is assigned to me, how far it is and until when; for lead inspectors everything, and setting the day."""
    permission = "moderation.lead" if request.method == "POST" else "moderation.read"
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission=permission)
    errors: dict[str, str] = {}
    due = TypedDay()
    if request.method == "POST":
        due, chosen = read_day("due", errors)
        if chosen:
            try:
                number = operations.ask_by(session(), rid, day=chosen, by=actor(), now=now())
            except NotPossible as reason:
                errors["due"] = message(reason.message)
            else:
                commit()
                flash(
                    ngettext(
                        "%(num)d return is to be checked by then.", "%(num)d returns are to be checked by then.", number
                    ),
                    "success",
                )
                return redirect(url_for("moderation.overview", rid=rid), 303)
    mine = asked("show") == "mine"
    found = duties(session(), audit_round, actor=actor(), now=now(), mine=mine, page=page_asked())
    pack = pack_of(audit_round.pack_version)
    facts = round_facts(session(), audit_round, now=now())
    page = render_template(
        "moderation/overview.html",
        audit_round=audit_round,
        found=found,
        mine=mine,
        leads=allows(actor(), "moderation.lead", facts),
        kinds={kind: type_name(pack, kind) for kind in pack.agency_types},
        day=today(now()),
        due=due,
        errors=errors,
        error_list=summary(errors, ("due",)),
        breadcrumbs=round_crumbs(audit_round),
    )
    return (page, 422) if errors else page


# --- checking one return --------------------------------------------------------------------------------------------


@dataclass
class Shown:
    """An answer to check as the page shows it: what is typed, what is wrong with it, what somebody else recorded."""

    check: Check
    typed: Typed
    based_on: int
    errors: Mapping[str, str] = field(default_factory=dict)
    theirs: Moderation | None = None

    @property
    def choices(self) -> list[dict[str, str]]:
        """The agency's own grade, which upholds the answer, and the others it can be adjusted to."""
        item = self.check.item
        found = []
        for grade in item.scheme.grades:
            own = item.grade is not None and grade.key == item.grade.key
            words = _("Uphold: %(grade)s", grade=text(grade.label)) if own else _(
                "Adjust to: %(grade)s", grade=text(grade.label)
            )
            found.append((not own, {"value": grade.key, "text": words}))
        return [choice for _order, choice in sorted(found, key=lambda one: one[0])]


def _stored(check: Check) -> Shown:
    """As it is stored; nothing chosen where nothing is."""
    one = check.finding
    if one is None:
        return Shown(check, Typed(""), 0)
    return Shown(check, Typed(one.grade, one.reason, one.evidence_seen), one.version)


def _sent(check: Check) -> Shown:
    """As it was sent."""
    key = check.item.id
    version = request.form.get(f"version-{key}", "")
    return Shown(
        check, Typed(typed(f"grade-{key}"), typed(f"reason-{key}"), typed(f"seen-{key}")),
        int(version) if version.isdecimal() and len(version) < 7 else 0,
    )  # fmt: skip


def _desk(rid: str) -> tuple[AuditReturn, Desk]:
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.moderate")
    return audit_return, desk_of(session(), audit_return, actor=actor(), now=now())


@blueprint.route("/returns/<rid>/moderation")
@requires(GET="return.moderate")
def desk(rid: str) -> str:
    """One inspector's check of one return; where it is open for changes, a page that says so."""
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.moderate")
    if is_mine_reopened(session(), audit_return, actor=actor(), now=now()):
        return _reopened(audit_return)
    found = desk_of(session(), audit_return, actor=actor(), now=now())
    return _page(audit_return, found, [_stored(check) for check in found.checks.values()])


def _reopened(audit_return: AuditReturn) -> str:
    """Why there is nothing to check at present, until when the agency can sign again, and the way back."""
    audit_round = audit_return.audit_round
    return render_template(
        "moderation/reopened.html",
        audit_return=audit_return,
        voided=next((one.voided for one in submissions(session(), audit_return)), None),
        rule=deadline_rule(audit_round, audit_return),
        breadcrumbs=round_crumbs(
            audit_round, (_("Moderation"), url_for("moderation.overview", rid=audit_round.public_id))
        ),
    )


def _page(audit_return: AuditReturn, found: Desk, shown: Sequence[Shown], *, intro: str = "") -> str:
    items = [one.check.item for one in shown]
    last = signed_last_round(session(), audit_return, actor=actor(), now=now())
    audit_round = audit_return.audit_round
    queries: dict[str, list[object]] = {}
    for thread in threads_of(session(), audit_return, kinds=("query",)):
        queries.setdefault(thread.about, []).append(thread)
    return render_template(
        "moderation/desk.html",
        staff=beside_answers(session(), audit_return, actor=actor(), now=now(), permission="return.moderate"),
        audit_return=audit_return,
        audit_round=audit_round,
        desk=found,
        shown=shown,
        last=last.answered if last else {},
        last_name=last.name if last else "",
        twins=twin_answers(session(), audit_return, items, actor=actor()),
        queries=queries,
        scans=scans_of(session(), {piece.sha256 for item in items for piece in item.evidence}),
        errors=[
            {"text": f"{one.check.item.number} – {words}", "href": f"#{name}-{one.check.item.id}"}
            for one in shown
            for name, words in one.errors.items()
        ],
        intro=intro,
        next_up=_next_up(audit_return) if found.finished_at else None,
        day=today(now()),
        breadcrumbs=round_crumbs(
            audit_round, (_("Moderation"), url_for("moderation.overview", rid=audit_round.public_id))
        ),
    )


def _next_up(audit_return: AuditReturn) -> AuditReturn | None:
    """The next return of the round that the actor has to check, after one that is finished."""
    page = pages = 1
    while page <= pages:
        mine = duties(session(), audit_return.audit_round, actor=actor(), now=now(), mine=True, page=page)
        for line in mine.lines:
            other = line.sampled.audit_return
            if not line.finished_at and line.can_open and other.stage == "submitted" and other.id != audit_return.id:
                return other
        page, pages = page + 1, mine.pages
    return None


@blueprint.route("/returns/<rid>/moderation/save", methods=["POST"])
@requires(POST="return.moderate")
def save(rid: str) -> str | tuple[str, int] | BaseResponse:
    """Save what was typed, each answer by itself with the version it was based on; with `finish`, finish the check.

    What is not saved is shown again, also where the desk is gone: the audit was opened again, or somebody else has it.
    """
    try:
        return _save(rid)
    except NotFound:
        db.session.rollback()
        return _no_desk(rid)


def _save(rid: str) -> str | tuple[str, int] | BaseResponse:
    audit_return, found = _desk(rid)
    submission = request.form.get("submission", "")
    again: dict[str, Shown] = {}
    saved = 0
    for key, check in found.checks.items():
        sent = _sent(check)
        if sent.typed in (Typed(""), _stored(check).typed):
            continue
        try:
            result = operations.record(
                session(), rid, key, sent.typed, submission=submission, based_on=sent.based_on, by=actor(), now=now()
            )
        except FindingErrors as wrong:
            sent.errors = {name: message(words) for name, words in wrong.errors.items()}
            again[key] = sent
            continue
        except NotPossible as reason:
            words = message(reason.message)
            db.session.rollback()
            return _not_saved(rid, words)
        if isinstance(result, FindingConflict):
            sent.theirs, sent.based_on = result.theirs, result.theirs.version
            sent.errors = {"grade": _("Somebody else recorded a finding meanwhile. Theirs stands beside yours.")}
            again[key] = sent
        else:
            saved += 1
    target = request.form.get("only", "") or request.form.get("next", "")
    words = ngettext("%(num)d finding is saved.", "%(num)d findings are saved.", saved) if saved else ""
    finishes, unfinished = "finish" in request.form and not again, ""
    if finishes:
        try:
            operations.finish(session(), rid, submission=submission, by=actor(), now=now())
        except NotPossible as reason:
            unfinished = message(reason.message)
    commit()
    if again or unfinished:
        audit_return, found = _desk(rid)
        shown = [again.get(key) or _stored(check) for key, check in found.checks.items()]
        status = 409 if unfinished or any(one.theirs for one in shown) else 422
        return _page(audit_return, found, shown, intro=f"{words} {unfinished}".strip()), status
    if finishes:
        words = _("You have finished checking this audit. Thank you.")
    flash(words or _("Nothing was changed."), "success" if words else "info")
    if "next" in request.form and target in found.checks:
        target = _unchecked_after(_desk(rid)[1], target)
    anchor = f"q-{target}" if target in found.checks else None
    return redirect(url_for("moderation.desk", rid=rid, _anchor=anchor), 303)


def _unchecked_after(found: Desk, key: str) -> str:
    """The next answer that is not checked, from one on and then from the top; the one itself where none is left."""
    keys = list(found.checks)
    place = keys.index(key) + 1
    return next((one for one in keys[place:] + keys[:place] if found.checks[one].finding is None), key)


def _not_saved(rid: str, words: str) -> tuple[str, int]:
    """Nothing could be saved, for a reason; what was typed is shown again, to copy."""
    audit_return, found = _desk(rid)
    shown = [_sent(check) for check in found.checks.values()]
    for one in shown:
        if one.typed == Typed(""):
            one.typed, one.based_on = _stored(one.check).typed, _stored(one.check).based_on
    page = _page(audit_return, found, shown, intro=words)
    return page, 409


def _no_desk(rid: str) -> tuple[str, int]:
    """There is nothing for the actor to check any more; what was typed is shown, to copy. Raises NotFound where nothing
    was typed, or they may not know of the return.
    """
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.moderate")
    pack, template = template_of(audit_return)
    names = {"grade": _("Your finding"), "reason": _("Reason"), "seen": _("What did you look at?")}
    held = []
    for placed in template.criteria():
        grades = {one.key: text(one.label) for one in pack.scheme_of(template, placed.criterion).grades}
        for name, value in request.form.items():
            kind, _dash, question = name.partition("-")
            if kind in names and question_parts(question)[0] == placed.criterion.id and value.strip():
                held.append((f"{placed.number} – {names[kind]}", grades.get(value, "") if kind == "grade" else value))
    if not held:
        raise NotFound
    if audit_return.stage != "submitted":
        why = _(
            "The audit of %(name)s was opened again for the agency to correct, so there is nothing to check until it is"
            " signed again.", name=audit_return.agency.name,
        )  # fmt: skip
    else:
        why = _(
            "The check of %(name)s is not yours any more: it was given to somebody else, or is not asked for now.",
            name=audit_return.agency.name,
        )
    overview_ = url_for("moderation.overview", rid=audit_return.audit_round.public_id, show="mine")
    return page_not_taken(why, held, back={"href": overview_, "text": _("What is assigned to me")})


@blueprint.route("/returns/<rid>/moderation/finish", methods=["POST"])
@requires(POST="return.moderate")
def finish(rid: str) -> tuple[str, int] | BaseResponse:
    """Say that everything is checked; refused while an answer is not."""
    try:
        operations.finish(
            session(), rid, submission=request.form.get("submission", ""), by=actor(), now=now()
        )
    except NotPossible as reason:
        words = message(reason.message)
        db.session.rollback()
        audit_return, found = _desk(rid)
        return _page(audit_return, found, [_stored(one) for one in found.checks.values()], intro=words), 409
    commit()
    flash(_("You have finished checking this audit. Thank you."), "success")
    return redirect(url_for("moderation.desk", rid=rid), 303)


@blueprint.route("/returns/<rid>/moderation/take-up-again", methods=["POST"])
@requires(POST="return.moderate")
def take_up_again(rid: str) -> BaseResponse:
    """Take the finishing back, to change findings."""
    operations.take_up_again(session(), rid, by=actor(), now=now())
    commit()
    flash(_("You can change your findings again."), "success")
    return redirect(url_for("moderation.desk", rid=rid), 303)
