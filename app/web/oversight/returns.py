"""One return as its oversight body sees it, and what the body can do: reopen, nil return, more time."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.clock import end_of, today
from app.domain.life import NotPossible
from app.domain.message import N_
from app.models import AuditReturn
from app.operations import mergers
from app.operations import submissions as operations
from app.operations.rounds import PlanErrors
from app.policy import allows
from app.queries.mergers import merged_into, open_elsewhere, return_of, successors
from app.queries.moderation import has_desk
from app.queries.packs import pack_of
from app.queries.release import Standing, release_of, standing
from app.queries.returns import get_return, return_facts, submissions, why_closed
from app.queries.rounds import get_round, return_in_round
from app.queries.sampling import place_in_sample
from app.web.deadlines import deadline
from app.web.oversight.blueprint import blueprint, return_state, round_crumbs, type_name
from app.web.pages import day, message
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import TypedDay, read_day, summary, typed


@blueprint.route("/rounds/<rid>/returns/<ret>")
@requires(GET="round.read")
def return_page(rid: str, ret: str) -> str:
    """What the ledger says of one agency, what it submitted where one may read that, and what one may do."""
    audit_round = get_round(session(), rid, actor=actor(), now=now())
    audit_return = return_in_round(session(), audit_round, ret)
    facts = return_facts(session(), audit_return, now=now())
    names = ("read", "history", "reopen", "nil", "extend", "query", "correct", "merge", "follow_up",
             "read_challenges", "judge", "moderate", "assign_check")  # fmt: skip
    may = {name: allows(actor(), f"return.{name}", facts) for name in names}
    may |= {name: allows(actor(), name, facts) for name in ("feedback.write", "disclosure.read")}
    return render_template(
        "oversight/return.html",
        audit_round=audit_round,
        audit_return=audit_return,
        state=return_state(audit_return),
        kind=type_name(pack_of(audit_round.pack_version), audit_return.agency_type, audit_return.subtype),
        allowed=may,
        to_check=has_desk(session(), audit_return, actor=actor(), now=now()),
        in_sample=place_in_sample(session(), audit_return) if may["moderate"] else "",
        submissions=submissions(session(), audit_return) if may["read"] else [],
        mergers=merged_into(session(), audit_return),
        successor=return_of(session(), audit_return, audit_return.merger.into) if audit_return.merger else None,
        breadcrumbs=round_crumbs(audit_round, (_("Response ledger"), url_for("oversight.ledger", rid=rid))),
    )


def _page(template: str, audit_return: AuditReturn, **values: object) -> tuple[str, int]:
    """A page about one return, and its status; `errors` is field to message."""
    errors = values.pop("errors", {})
    page = render_template(
        template,
        audit_return=audit_return,
        audit_round=audit_return.audit_round,
        errors=errors,
        error_list=summary(errors, ("to", "closed_on", "merged_on")),  # type: ignore[arg-type]
        back={"href": _back(audit_return), "text": _("Back to %(name)s", name=audit_return.agency.name)},
        **values,
    )
    return page, 422 if errors else 200


def _back(audit_return: AuditReturn) -> str:
    return url_for(
        "oversight.return_page", rid=audit_return.audit_round.public_id, ret=audit_return.public_id
    )


def _done(audit_return: AuditReturn, words: str) -> BaseResponse:
    commit()
    flash(words, "success")
    return redirect(_back(audit_return), 303)


@blueprint.route("/returns/<rid>/reopen", methods=["GET", "POST"])
@requires(GET="return.reopen", POST="return.reopen")
def reopen(rid: str) -> tuple[str, int] | BaseResponse:
    """Reopen a submission with a reason, after saying what that does."""
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.reopen")
    if audit_return.stage != "submitted":
        raise NotPossible(N_("This audit is not submitted, so there is nothing to reopen."))
    errors = {}
    if request.method == "POST":
        try:
            operations.reopen(session(), rid, reason=typed("reason"), by=actor(), now=now())
        except NotPossible as reason:
            errors["reason"] = message(reason.message)
        else:
            return _done(
                audit_return, _("The audit of %(name)s is open again.", name=audit_return.agency.name)
            )
    return _page(
        "oversight/reopen.html", audit_return, errors=errors, reason=typed("reason"),
        is_closed=deadline(audit_return, now=now()).is_closed, publication=publication_of(audit_return),
    )  # fmt: skip


def publication_of(audit_return: AuditReturn) -> Standing:
    """Where the publication of the round's findings stands, for whoever is about to void a submission."""
    return standing(release_of(session(), audit_return.audit_round), now=now())


@blueprint.route("/returns/<rid>/nil", methods=["GET", "POST"], endpoint="nil")
@requires(GET="return.nil", POST="return.nil")
def nil_return(rid: str) -> tuple[str, int] | BaseResponse:
    """Record that an agency has nothing to return, with the reason."""
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.nil")
    if audit_return.stage not in ("invited", "started"):
        raise NotPossible(N_("Only an audit that is not submitted can be recorded as a nil return."))
    errors: dict[str, str] = {}
    closed_on = TypedDay()
    if request.method == "POST":
        closed_on, day_closed = read_day("closed_on", errors, optional=True)
        if not errors:
            try:
                operations.set_nil(
                    session(), rid, reason=typed("reason"), closed_on=day_closed, by=actor(), now=now()
                )
            except NotPossible as reason:
                errors["reason"] = message(reason.message)
            else:
                return _done(
                    audit_return, _("%(name)s is recorded as a nil return.", name=audit_return.agency.name)
                )
    return _page("oversight/nil.html", audit_return, errors=errors, reason=typed("reason"), closed_on=closed_on)


@blueprint.route("/returns/<rid>/nil/take-back", methods=["POST"])
@requires(POST="return.nil")
def take_back_nil(rid: str) -> BaseResponse:
    """Take a nil return back: the agency answers after all."""
    audit_return = operations.take_back_nil(session(), rid, by=actor(), now=now())
    return _done(audit_return, _("%(name)s is asked to answer again.", name=audit_return.agency.name))


@blueprint.route("/returns/<rid>/extend", methods=["GET", "POST"])
@requires(GET="return.extend", POST="return.extend")
def extend(rid: str) -> tuple[str, int] | BaseResponse:
    """Give one agency more time."""
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.extend")
    errors: dict[str, str] = {}
    to = TypedDay.of(today(audit_return.extended_to) if audit_return.extended_to else None)
    if request.method == "POST":
        to, chosen = read_day("to", errors)
        if chosen:
            try:
                operations.extend(session(), rid, to=end_of(chosen), by=actor(), now=now())
            except NotPossible as reason:
                errors["to"] = message(reason.message)
            else:
                words = _("%(name)s has until %(day)s.", name=audit_return.agency.name, day=day(chosen))
                return _done(audit_return, words)
    return _page(
        "oversight/extend.html", audit_return, errors=errors, to=to, why_closed=why_closed(audit_return, now=now())
    )


@blueprint.route("/returns/<rid>/merge", methods=["GET", "POST"])
@requires(GET="return.merge", POST="return.merge")
def merge(rid: str) -> tuple[str, int] | BaseResponse:
    """Record that an agency was merged into another while the round runs."""
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.merge")
    if audit_return.merger or audit_return.stage == "nil":
        raise NotPossible(N_("This agency is recorded as merged, or as a nil return. Take that back first."))
    errors: dict[str, str] = {}
    merged_on = TypedDay()
    if request.method == "POST":
        merged_on, chosen = read_day("merged_on", errors)
        # all that is wrong at once, a day that cannot be read too
        try:
            record = mergers.merge_everywhere if typed("everywhere") else mergers.merge
            record(
                session(), rid, into=typed("code") or typed("into"), merged_on=chosen or today(now()),
                reason=typed("reason"), with_areas=bool(typed("with_areas")), by=actor(), now=now(),
            )  # fmt: skip
        except PlanErrors as wrong:
            errors |= {name: message(words) for name, words in wrong.errors.items()}
        else:
            if not errors:
                words = _("It is recorded that %(name)s was merged.", name=audit_return.agency.name)
                return _done(audit_return, words)
        session().rollback()
        audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.merge")
    pack = pack_of(audit_return.audit_round.pack_version)
    return _page(
        "oversight/merge.html", audit_return, errors=errors, merged_on=merged_on, reason=typed("reason"),
        into=typed("into"), code=typed("code"), with_areas=bool(typed("with_areas")),
        elsewhere=[
            one.audit_round.name for one in open_elsewhere(session(), audit_return, actor=actor(), now=now())
        ],
        everywhere=request.method == "GET" or bool(typed("everywhere")),
        choices=[
            {"value": one.public_id, "text": f"{one.name} ({type_name(pack, one.agency_type, one.subtype)})"}
            for one in successors(session(), audit_return)
        ],
    )  # fmt: skip


@blueprint.route("/returns/<rid>/merge/take-back", methods=["POST"])
@requires(POST="return.merge")
def take_back_merger(rid: str) -> BaseResponse:
    """Take a merger back: the agency answers for itself again."""
    audit_return = mergers.unmerge(session(), rid, by=actor(), now=now())
    return _done(audit_return, _("%(name)s answers for itself again.", name=audit_return.agency.name))
