"""Returning standards of a submission for correction: choosing them, with a reason each and a day."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.clock import today
from app.db import db
from app.domain.life import NotPossible
from app.domain.message import N_
from app.operations.returned_standards import CorrectionErrors, return_for_correction
from app.queries.moderation import latest_submission
from app.queries.returned_standards import returned_standards
from app.queries.returns import get_return, submitted_checklist
from app.web.oversight.returns import publication_of
from app.web.pages import message
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import TypedDay, read_day, summary, typed

blueprint = Blueprint("correction", __name__)

USUAL_DAYS = 14  # to correct in, offered in the form


@blueprint.route("/returns/<rid>/correction", methods=["GET", "POST"])
@requires(GET="return.correct", POST="return.correct")
def choose(rid: str) -> str | tuple[str, int] | BaseResponse:
    """Choose standards of a submission that the agency must correct, after saying what that does."""
    audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.correct")
    submission = latest_submission(session(), audit_return)
    if audit_return.stage != "submitted" or submission is None:
        raise NotPossible(N_("This audit is not submitted at present, so no standard of it can be returned."))
    sections = submitted_checklist(submission, audit_return).sections
    known = [section.standard.id for section in sections]
    errors: dict[str, str] = {}
    until = TypedDay.of(today(now()) + timedelta(days=USUAL_DAYS))
    chosen = [key for key in request.form.getlist("standards") if key in known]
    back = url_for("oversight.return_page", rid=audit_return.audit_round.public_id, ret=rid)
    if request.method == "POST":
        until, day = read_day("until", errors)
        reasons = {key: typed(f"reason-{key}") for key in chosen}
        try:
            return_for_correction(session(), rid, reasons, until=day or today(now()), by=actor(), now=now())
        except CorrectionErrors as wrong:
            errors |= {name: message(words) for name, words in wrong.errors.items()}
        except NotPossible as reason:
            errors["standards"] = message(reason.message)
        if not errors:
            commit()
            words = ngettext(
                "%(num)d standard is returned for correction.", "%(num)d standards are returned for correction.",
                len(chosen),
            )  # fmt: skip
            flash(words, "success")
            return redirect(back, 303)
        db.session.rollback()
        audit_return = get_return(session(), rid, actor=actor(), now=now(), permission="return.correct")
    page = render_template(
        "moderation/correction.html",
        audit_return=audit_return,
        audit_round=audit_return.audit_round,
        sections=sections,
        chosen=chosen,
        reasons={key: typed(f"reason-{key}") for key in known},
        earlier=returned_standards(session(), audit_return),
        titles={section.standard.id: section.standard.title for section in sections},
        until=until,
        publication=publication_of(audit_return),
        errors=errors,
        error_list=summary(errors, ("until",)),
        back={"href": back, "text": _("Back to %(name)s", name=audit_return.agency.name)},
    )
    return (page, 422) if errors else page
