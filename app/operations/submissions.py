"""Signing and submitting, reopening, nil returns, extensions."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.integrity import canonical_json, sha256_hex, submission_hash
from app.domain.life import NotPossible, with_grace
from app.domain.message import N_
from app.domain.text import localise, written_in
from app.models import (
    Agency,
    AuditReturn,
    Declaration,
    Merger,
    ReturnedStandard,
    SelfAssessment,
    Submission,
    SubmissionAnswer,
    SubmissionVoided,
)
from app.operations import events, judgements, mail, moderation, rollup, search
from app.operations.stage import move
from app.policy import Actor, Held
from app.queries.returns import Checklist, checklist, content_of, get_return, why_closed

LONGEST_REASON = 4000  # characters


def signing_post(by: Actor, audit_return: AuditReturn) -> Held | None:
    """The appointment by which the actor signs for the agency of a return; None where they hold none."""
    return next(
        (held for held in by.holding("accountable_signatory") if held.agency_id == audit_return.agency_id),
        None,
    )


def declaration_text(work: Checklist, *, signatory: str, post: str, language: str = "en") -> str:
    """The exact words that are signed, with the names filled in, in the signatory's language where there are any."""
    return localise(work.template.declaration, language).format(
        agency=work.audit_return.agency.name,
        signatory=signatory,
        post=post,
        round=work.audit_return.audit_round.name,
    )


def sign_and_submit(
    session: Session, public_id: str, *, by: Actor, now: datetime, expected_hash: str, identity_proved: bool,
    language: str = "en",
) -> Submission:  # fmt: skip
    """The accountable signatory signs the content whose hash they were shown, and it is submitted.

    The declaration is stored as they read it, in `language` where the checklist has it in that language.
    Raises NotFound, and NotPossible: something is outstanding, the content changed since the page was shown, it was
    submitted already, the round is closed, or the signatory did not prove anew who they are.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.sign", lock=True)
    if audit_return.stage == "submitted":
        raise NotPossible(N_("This audit has been submitted already, so it was not submitted again."))
    if reason := why_closed(audit_return, now=now):
        raise NotPossible(reason)
    if not identity_proved:
        raise NotPossible(N_("Your password is not right. Nothing was signed."))
    work = checklist(session, audit_return)
    if work.outstanding:
        raise NotPossible(
            N_(
                "This audit cannot be signed yet. Questions that are not finished: %(number)s."
                " Check your answers to see which."
            ),
            number=len(work.outstanding),
        )
    signed = content_of(work)
    content = canonical_json(signed)
    content_hash = sha256_hex(content)
    if content_hash != expected_hash:
        raise NotPossible(
            N_(
                "Somebody changed an answer after this page was shown to you. Nothing was signed."
                " Read what is new, then sign again."
            )
        )
    held = signing_post(by, audit_return)
    if held is None:
        raise NotPossible(N_("Only the accountable signatory of the agency can sign."))
    post = held.post or localise(
        work.pack.agency_types[audit_return.agency_type].signatory, language
    )
    number = (
        session.scalar(select(func.max(Submission.number)).where(Submission.return_id == audit_return.id))
        or 0
    ) + 1
    signature = submission_hash(
        content_hash=content_hash,
        signatory={"name": by.name, "post": post, "person": by.public_id, "acting": held.acting},
        signed_at=events.iso(now),
    )
    submission = Submission(
        return_id=audit_return.id,
        number=number,
        content=content.decode(),
        content_hash=content_hash,
        submitted_at=now,
    )
    submission.declaration = Declaration(
        text=declaration_text(work, signatory=by.name, post=post, language=language),
        language=written_in(work.template.declaration, language),
        name=by.name,
        post=post,
        acting=held.acting,
        user_id=by.user_id,
        signed_at=now,
        submission_hash=signature,
    )
    submission.answers = [
        SubmissionAnswer(
            criterion=answer["criterion"],
            scope_key=answer["scope"],
            type=answer["type"],
            value=answer["value"],
            grade=str(answer["value"].get("grade", "")),
        )
        for answer in signed["answers"]
    ]
    session.add(submission)
    if audit_return.stage == "invited":
        move(audit_return, "started", now=now)
    move(audit_return, "submitted", now=now)
    submitted = [(answer.criterion, answer.grade) for answer in submission.answers]
    rollup.change(session, audit_return, "draft", before=_draft_grades(session, audit_return), after=())
    rollup.change(session, audit_return, "submitted", before=(), after=submitted)
    events.append(
        session,
        events.chain_of(audit_return),
        "return.submitted",
        by=by,
        now=now,
        data={"number": number, "content_hash": content_hash, "submission_hash": signature},
        texts={"name": by.name, "post": post},
    )
    session.execute(
        update(ReturnedStandard)
        .where(ReturnedStandard.return_id == audit_return.id, ReturnedStandard.settled_at.is_(None))
        .values(settled_at=now)
    )
    judgements.mark_stale(session, audit_return)
    search.index_submission(session, submission)
    mail.receipt(session, audit_return, submission, by=by, now=now)
    session.flush()
    return submission


def _draft_grades(session: Session, audit_return: AuditReturn) -> list[tuple[str, str]]:
    rows = session.execute(
        select(SelfAssessment.criterion, SelfAssessment.grade).where(
            SelfAssessment.return_id == audit_return.id
        )
    )
    return [(row.criterion, row.grade) for row in rows]


def reopen(session: Session, public_id: str, *, reason: str, by: Actor, now: datetime) -> AuditReturn:
    """Reopen a submitted return: its signature is voided, visibly, and the old submission kept.

    Raises NotFound, and NotPossible without a reason or where it is not submitted.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.reopen", lock=True)
    reason = _reason(
        reason, N_("Say why this audit is reopened: the agency reads it, and it stays in the history.")
    )
    if audit_return.stage != "submitted":
        raise NotPossible(N_("This audit is not submitted, so there is nothing to reopen."))
    set_aside(session, audit_return, reason=reason, by=by, now=now)
    return audit_return


def set_aside(
    session: Session, audit_return: AuditReturn, *, reason: str, by: Actor, now: datetime
) -> Submission:
    """Void the signature on what a return has submitted, and open it for changes: the caller asked policy, and why.

    Raises NotPossible where its agency was merged into another.
    """
    _check_not_merged(audit_return)
    submission = session.scalars(
        select(Submission)
        .where(Submission.return_id == audit_return.id)
        .order_by(Submission.number.desc())
        .limit(1)
    ).one()
    session.add(SubmissionVoided(submission_id=submission.id, reason=reason, at=now, by_id=by.user_id))
    move(audit_return, "started", now=now)
    search.forget_submission(session, audit_return)
    grades = [(answer.criterion, answer.grade) for answer in submission.answers]
    rollup.change(session, audit_return, "submitted", before=grades, after=())
    rollup.change(session, audit_return, "draft", before=(), after=_draft_grades(session, audit_return))
    events.append(
        session,
        events.chain_of(audit_return),
        "return.reopened",
        by=by,
        now=now,
        data={"voided": submission.number},
        texts={"reason": reason},
    )
    moderation.begin_anew(session, audit_return, submission)
    judgements.mark_stale(session, audit_return)
    mail.returned(session, audit_return, submission.number, now=now)
    session.flush()
    return submission


def set_nil(
    session: Session, public_id: str, *, reason: str, by: Actor, now: datetime, closed_on: date | None = None
) -> AuditReturn:
    """Record that an agency has nothing to return, with the reason; `closed_on` where it closed without a successor.

    Raises NotFound and NotPossible.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.nil", lock=True)
    reason = _reason(reason, N_("Give the reason for the nil return: it is printed in the findings."))
    _check_not_merged(audit_return)
    if closed_on and closed_on > today(now):
        raise NotPossible(N_("The day on which the agency closed lies ahead. Record it when it has closed."))
    _check_answers_for_nobody(session, audit_return)
    move(audit_return, "nil", now=now, nil_reason=reason)
    if closed_on:
        audit_return.agency.closed_on = closed_on
    rollup.change(session, audit_return, "draft", before=_draft_grades(session, audit_return), after=())
    events.append(
        session, events.chain_of(audit_return), "return.nil", by=by, now=now,
        data={"closed_on": closed_on.isoformat()} if closed_on else {}, texts={"reason": reason},
    )  # fmt: skip
    session.flush()
    return audit_return


def take_back_nil(session: Session, public_id: str, *, by: Actor, now: datetime) -> AuditReturn:
    """Take a nil return back: the agency answers after all. Raises NotFound and NotPossible."""
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.nil", lock=True)
    if audit_return.stage != "nil":
        raise NotPossible(N_("This audit is not recorded as a nil return."))
    move(audit_return, "started" if audit_return.started_at else "invited", now=now)
    audit_return.agency.closed_on = None  # it answers, so it is there
    rollup.change(session, audit_return, "draft", before=(), after=_draft_grades(session, audit_return))
    events.append(session, events.chain_of(audit_return), "return.nil_taken_back", by=by, now=now)
    session.flush()
    return audit_return


def extend(session: Session, public_id: str, *, to: datetime, by: Actor, now: datetime) -> AuditReturn:
    """Give one agency more time: until `to` it is neither late nor closed. Raises NotFound and NotPossible."""
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.extend", lock=True)
    _check_not_merged(audit_return)
    if to <= now:
        raise NotPossible(N_("The new date has passed already. Choose a date from today on."))
    if to <= audit_return.audit_round.due:
        raise NotPossible(N_("The new date is not after the round’s due date, so it would give no more time."))
    audit_return.extended_to = to
    audit_return.late_after = with_grace(to, audit_return.audit_round.grace_minutes)
    events.append(
        session, events.chain_of(audit_return), "return.extended", by=by, now=now, data={"to": events.iso(to)}
    )
    session.flush()
    return audit_return


def _check_answers_for_nobody(session: Session, audit_return: AuditReturn) -> None:
    """An agency into which another was merged answers for both, so it cannot have nothing to return."""
    merged = session.scalar(
        select(Agency.name)
        .join(AuditReturn, AuditReturn.agency_id == Agency.id)
        .join(Merger, Merger.return_id == AuditReturn.id)
        .where(AuditReturn.round_id == audit_return.round_id, Merger.into_id == audit_return.agency_id)
        .order_by(Agency.name)
        .limit(1)
    )
    if merged:
        raise NotPossible(
            N_("%(merged)s was merged into %(agency)s, which answers for both. Take that merger back first."),
            merged=merged, agency=audit_return.agency.name,
        )  # fmt: skip


def _check_not_merged(audit_return: AuditReturn) -> None:
    if audit_return.merger:
        raise NotPossible(
            N_("%(agency)s was merged into %(into)s. Take the merger back first, if that is wrong."),
            agency=audit_return.agency.name,
            into=audit_return.merger.into.name,
        )


def _reason(text: str, remedy: str) -> str:
    text = text.strip()
    if not text:
        raise NotPossible(remedy)
    if len(text) > LONGEST_REASON:
        raise NotPossible(
            N_("The reason has %(length)s characters; shorten it to %(limit)s or fewer."),
            length=len(text),
            limit=LONGEST_REASON,
        )
    return text
