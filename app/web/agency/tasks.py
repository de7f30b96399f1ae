"""The task list of one return."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.operations.submissions import signing_post
from app.policy import allows
from app.queries.mergers import merged_into
from app.queries.recommended import addressed_to, to_answer
from app.queries.release import has_feedback, release_of, standing
from app.queries.returned_standards import correction_of
from app.queries.returns import checklist, return_facts, sees_drafts, signatories, submissions, why_closed
from app.queries.rounds import NotFound
from app.queries.sampling import committed_hash
from app.queries.sharing import by_standard, shares
from app.queries.threads import asked_of
from app.web.agency.blueprint import any_return, blueprint, crumbs, profile
from app.web.agency.board import beside
from app.web.deadlines import deadline
from app.web.permissions import requires
from app.web.request import actor, now, session


@blueprint.route("/")
@requires(GET="return.read")
def tasks(rid: str) -> str | BaseResponse:
    """Where the work stands and what comes next. Whoever sees submissions only is led to the latest."""
    audit_return = any_return(rid)
    history_of_submissions = submissions(session(), audit_return)
    if not sees_drafts(actor(), audit_return):
        if not history_of_submissions:
            raise NotFound
        return redirect(url_for("agency.submission", rid=rid, sid=history_of_submissions[0].public_id))
    work = checklist(session(), audit_return)
    closed = why_closed(audit_return, now=now())
    facts = return_facts(session(), audit_return, now=now())
    may_edit = allows(actor(), "return.edit", facts) and not closed
    to_do = work.outstanding
    saves = [(item.answer.saved_at, item.answer) for item in work.items if item.answer.saved_at]
    last = max(saves, key=lambda save: save[0])[1] if saves else None
    shared = shares(session(), work)
    may_share = allows(actor(), "return.share", facts)
    tells = has_feedback(session(), audit_return, actor=actor(), now=now())
    recommended = addressed_to(session(), audit_return)
    return render_template(
        "agency/tasks.html",
        audit_return=audit_return,
        work=work,
        due=deadline(audit_return, now=now()),
        closed=closed,
        sample_hash=committed_hash(session(), audit_return.audit_round),
        mergers=merged_into(session(), audit_return),
        may_edit=may_edit,
        may_sign=signing_post(actor(), audit_return) is not None,
        next_section=next((s for s in work.sections if any(item in to_do for item in s.questions)), None),
        submissions=history_of_submissions,
        last=last,
        signatories=signatories(session(), audit_return, now=now()),
        profile=profile(work.items),
        shared=by_standard(shared),
        my_shares=[share for share in shared if share.assignment.user_id == actor().user_id],
        may_share=may_share,
        to_accept=sum(1 for share in shared if share.assignment.state == "ready") if may_share else 0,
        correction=correction_of(session(), audit_return, work),
        feedback=standing(release_of(session(), audit_return.audit_round), now=now()) if tells else None,
        recommended=len(recommended),
        to_answer=to_answer(recommended),
        queries=asked_of(session(), audit_return, "query"),
        requests=asked_of(session(), audit_return, "progress", "peer"),
        beside=beside(work, closed=closed is not None),
        breadcrumbs=crumbs(audit_return)[:1],
    )
