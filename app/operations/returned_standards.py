"""Returning standards of a submission for correction: the rest stays as it was signed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.clock import end_of, today
from app.domain.life import NotPossible, check_not_archived, with_grace
from app.domain.message import N_, Message
from app.domain.text import localise
from app.models import AuditReturn, ReturnedStandard
from app.operations import events, submissions
from app.policy import Actor
from app.queries.moderation import latest_submission
from app.queries.returns import get_return, submitted_checklist
from app.queries.rounds import NotFound

LONGEST_REASON = 2000  # characters, of one standard


class CorrectionErrors(Exception):
    """What is wrong with the form: `standards`, `until`, or `reason-STANDARD` to message."""

    def __init__(self, errors: dict[str, Message]) -> None:
        super().__init__("; ".join(map(str, errors.values())))
        self.errors = errors


def return_for_correction(
    session: Session, public_id: str, reasons: Mapping[str, str], *, until: date, by: Actor, now: datetime
) -> AuditReturn:
    """Return some standards of a submission, each with a reason, to be corrected and signed again by a London day.

    The signature is voided, visibly, and the submission kept. Until the return is signed again only these standards
    can be changed. A day after its due date gives the agency more time, so that it is neither closed nor late then.
    Raises NotFound, CorrectionErrors, and NotPossible where nothing is submitted.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.correct", lock=True)
    check_not_archived(audit_return.audit_round.archived_at)
    submission = latest_submission(session, audit_return)
    if audit_return.stage != "submitted" or submission is None:
        raise NotPossible(N_("This audit is not submitted at present, so no standard of it can be returned."))
    sections = {one.standard.id: one for one in submitted_checklist(submission, audit_return).sections}
    if set(reasons) - set(sections):
        raise NotFound
    chosen = {key: text.replace("\r\n", "\n").strip() for key, text in reasons.items()}
    _check(chosen, until, now)
    titled = [
        f"{localise(sections[key].standard.title, 'en')}: {chosen[key]}" for key in sections if key in chosen
    ]
    submissions.set_aside(session, audit_return, reason="\n".join(titled), by=by, now=now)
    for key in sections:
        if key in chosen:
            session.add(
                ReturnedStandard(
                    return_id=audit_return.id, submission_id=submission.id, standard=key, reason=chosen[key], at=now,
                    by_id=by.user_id,
                )
            )  # fmt: skip
    audit_round, to = audit_return.audit_round, end_of(until)
    if to > max(audit_round.due, audit_return.extended_to or audit_round.due):
        audit_return.extended_to = to
        audit_return.late_after = with_grace(to, audit_round.grace_minutes)
    events.append(
        session, events.chain_of(audit_return), "standards.returned", by=by, now=now,
        data={"standards": [key for key in sections if key in chosen], "until": events.iso(to)},
        texts={"reasons": "\n".join(titled)},
    )  # fmt: skip
    session.flush()
    return audit_return


def _check(chosen: Mapping[str, str], until: date, now: datetime) -> None:
    errors: dict[str, Message] = {}
    if not chosen:
        errors["standards"] = Message(N_("Choose at least one standard"))
    for key, text in chosen.items():
        if not text:
            errors[f"reason-{key}"] = Message(N_("Say what is to be corrected: the agency reads it"))
        elif len(text) > LONGEST_REASON:
            errors[f"reason-{key}"] = Message(
                N_("This has %(length)s characters; shorten it to %(limit)s or fewer"),
                {"length": len(text), "limit": LONGEST_REASON},
            )
        elif "\0" in text:
            errors[f"reason-{key}"] = Message(N_("This holds a character that cannot be kept. Type it anew."))
    if until < today(now):
        errors["until"] = Message(N_("The date has passed already. Choose a day from today on."))
    if errors:
        raise CorrectionErrors(errors)
