"""Signed answers marked as examples for the report, of good practice or of concern. Private to oversight bodies."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.answers import question_parts
from app.domain.life import NotPossible
from app.domain.message import N_
from app.models import AuditReturn, Example, Submission, SubmissionAnswer
from app.operations import events
from app.policy import Actor
from app.queries.examples import KINDS, example_on
from app.queries.returns import get_return
from app.queries.rounds import NotFound

LONGEST_NOTE = 2000  # characters


def mark(
    session: Session, public_id: str, *, submission: str, question: str, kind: str, note: str, by: Actor,
    now: datetime,
) -> Example:  # fmt: skip
    """Mark an answer of a submission (its public id) as an example, or change the note of one that is marked so.

    Raises NotFound, and NotPossible: no kind or no note, too long, or a submission that was set aside.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.mark_example", lock=True)
    signed = _signed(session, audit_return, submission, question)
    if signed.voided:
        raise NotPossible(N_("This submission was set aside, so nothing in it can become an example."))
    if kind not in KINDS:
        raise NotPossible(N_("Choose what it is an example of."))
    note = note.strip()
    if not note:
        raise NotPossible(N_("Say in a sentence or two what makes it an example."))
    if len(note) > LONGEST_NOTE:
        raise NotPossible(
            N_("The note has %(length)s characters; shorten it to %(limit)s or fewer."),
            length=len(note),
            limit=LONGEST_NOTE,
        )
    criterion, scope = question_parts(question)
    example = example_on(session, signed.id, criterion, scope, kind)
    is_new = example is None
    if example is None:
        example = Example(
            audit_return=audit_return, submission_id=signed.id, criterion=criterion, scope_key=scope, kind=kind
        )
        session.add(example)
    example.note, example.by_id, example.at = note, by.user_id, now
    session.flush()
    _tell(session, example, "example.marked" if is_new else "example.changed", by=by, now=now, note=note)
    session.flush()
    return example


def unmark(session: Session, public_id: str, example: str, *, by: Actor, now: datetime) -> None:
    """Take the mark of an example (its public id) away. Raises NotFound."""
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.mark_example", lock=True)
    found = session.scalar(
        select(Example).where(Example.return_id == audit_return.id, Example.public_id == example)
    )
    if found is None:
        raise NotFound
    _tell(session, found, "example.removed", by=by, now=now, note=found.note)
    session.delete(found)
    session.flush()


def _signed(session: Session, audit_return: AuditReturn, public_id: str, question: str) -> Submission:
    criterion, scope = question_parts(question)
    found = session.scalar(
        select(Submission)
        .join(Submission.answers)
        .where(
            Submission.return_id == audit_return.id,
            Submission.public_id == public_id,
            SubmissionAnswer.criterion == criterion,
            SubmissionAnswer.scope_key == scope,
        )
    )
    if found is None:
        raise NotFound
    return found


def _tell(session: Session, example: Example, verb: str, *, by: Actor, now: datetime, note: str) -> None:
    events.append(
        session, events.oversight_chain(example.audit_return), verb, by=by, now=now,
        data={
            "example": example.public_id,
            "criterion": example.criterion,
            "scope": example.scope_key,
            "kind": example.kind,
        },
        texts={"note": note},
    )  # fmt: skip
