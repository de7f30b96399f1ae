"""What the published report recommends to an agency, and what the agency says to it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.domain.life import NotPossible
from app.models import AuditReturn
from app.operations import responding
from app.operations.composing import NotSaved
from app.policy import allows
from app.queries.recommended import ANSWERS, PROGRESS, addressed_to, one_addressed, responses, withdrawn_on
from app.queries.returns import get_return, return_facts
from app.web.agency.blueprint import blueprint, crumbs
from app.web.pages import message, text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import TypedDay, read_day, summary, typed

TONES = {"": "quiet", "accepted": "active", "partly": "warn", "not_accepted": "bad"}


@blueprint.app_template_global("response_words")
def response_words(answer: str, progress: str = "") -> str:
    """What an agency says to a recommendation, in words."""
    said = [ANSWERS.get(answer, ""), PROGRESS.get(progress, "")]
    return " · ".join(_(one) for one in said if one) or _("Nothing said yet")


@blueprint.app_template_global("response_tone")
def response_tone(answer: str, progress: str = "") -> str:
    """The tone of its tag."""
    return "good" if progress == "done" else TONES[answer]


def _return(rid: str) -> AuditReturn:
    return get_return(session(), rid, actor=actor(), now=now(), permission="return.read_recommended")


@blueprint.route("/recommendations")
@requires(GET="return.read_recommended")
def recommendations(rid: str) -> str:
    """What the report recommends to the agency, and what it said to each."""
    audit_return = _return(rid)
    found = addressed_to(session(), audit_return)
    return render_template(
        "agency/recommendations.html",
        audit_return=audit_return,
        rows=[(one, text(one.row.text)) for one in found],
        withdrawn=withdrawn_on(session(), [one.row for one in found]),
        breadcrumbs=crumbs(audit_return),
    )


@blueprint.route("/recommendations/<recommendation>", methods=["GET", "POST"])
@requires(GET="return.read_recommended", POST="return.answer_recommended")
def recommendation(rid: str, recommendation: str) -> tuple[str, int] | BaseResponse:
    """One of them: what the agency says to it now, and said before."""
    errors: dict[str, str] = {}
    sent = {name: typed(name) for name in ("answer", "text", "progress")}
    expected = TypedDay()
    if request.method == "POST":
        expected, day = read_day("expected", errors, optional=True)
        try:
            if not errors:
                responding.respond(session(), rid, recommendation, expected=day, by=actor(), now=now(), **sent)
        except NotSaved as wrong:
            errors = {name: message(problem) for name, problem in wrong.fields.items()}
        except NotPossible as problem:
            errors["text"] = message(problem.message)
        if not errors:
            commit()
            flash(_("Your response is saved. Your oversight body can read it."), "success")
            return redirect(url_for("agency.recommendations", rid=rid), 303)
        session().rollback()
    audit_return = _return(rid)
    row = one_addressed(session(), audit_return, recommendation)
    before = responses(session(), row, audit_return)
    if request.method == "GET" and before:
        sent = {"answer": before[0].answer, "text": before[0].text, "progress": before[0].progress}
        expected = TypedDay.of(before[0].expected)
    may = allows(actor(), "return.answer_recommended", return_facts(session(), audit_return, now=now()))
    page = render_template(
        "agency/recommendation.html",
        audit_return=audit_return,
        row=row,
        words=text(row.text),
        withdrawn=withdrawn_on(session(), [row]),
        sent=sent,
        expected=expected,
        answers=[{"value": key, "text": _(name)} for key, name in ANSWERS.items()],
        progress=[{"value": key, "text": _(name)} for key, name in PROGRESS.items()],
        before=before,
        may=may and row.withdrawn_in is None,
        errors=errors,
        error_list=summary(errors, ("expected",)),
        breadcrumbs=[
            *crumbs(audit_return),
            {"text": _("Recommendations"), "href": url_for("agency.recommendations", rid=rid)},
        ],
    )
    return page, 422 if errors else 200
