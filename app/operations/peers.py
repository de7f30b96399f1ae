"""Peer reviews: assigning a reviewer, declaring, challenging, answering, finishing; and scrutineers' comments.

That somebody reviews a return is the oversight body's own business until they challenge something: it goes to the
chain that agencies do not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.domain.follow_up import LONGEST_NOTE
from app.domain.life import NotPossible, check_length, check_not_archived
from app.domain.mail import page
from app.domain.message import N_, Message
from app.models import AuditReturn, PeerReview, Thread, ThreadPost, User
from app.operations import events, mail, threads
from app.operations.mail import Draft
from app.policy import Actor
from app.queries.mail import people_at
from app.queries.peers import COMMENT, KIND, candidates, my_review, review_of_return, standing_submission
from app.queries.returns import get_return, submitted_checklist
from app.queries.rounds import NotFound
from app.queries.threads import thread_of

OBSTACLES = {
    "assigned": N_("%(name)s reviews this agency already."),
    "agency": N_("%(name)s is or was appointed at this agency, so they cannot review it. Choose somebody else."),
    "area": N_(
        "%(name)s works at an agency of the same area, or for the area, so they cannot review this one. Choose somebody"
        " else."
    ),
}


# --- the oversight body ----------------------------------------------------------------------------------------------


def assign(session: Session, public_id: str, person: str, *, by: Actor, now: datetime) -> PeerReview:
    """Ask a peer reviewer to look at a submission. They read nothing before they declare.

    Raises NotFound (no such return or reviewer), and NotPossible: nothing is submitted, a conflict of interest, or they
    review it already.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.assign_peer", lock=True)
    if audit_return.stage != "submitted":
        raise NotPossible(N_("This audit is not submitted, so there is nothing to review yet."))
    chosen = next((one for one in candidates(session, audit_return, now=now) if one.user.public_id == person), None)
    if chosen is None:
        raise NotFound
    if chosen.obstacle:
        raise NotPossible(OBSTACLES[chosen.obstacle], name=chosen.user.name)
    review = PeerReview(
        audit_return=audit_return, user=chosen.user, assigned_by_id=by.user_id, assigned_at=now, conflict=""
    )
    session.add(review)
    session.flush()
    _record(session, review, "peer.assigned", by=by, now=now, person=chosen.user)
    about = {"round": audit_return.audit_round.name}
    mail.queue(
        session, to=chosen.user, kind="query", now=now, audit_return=None,
        subject=Message(N_("%(round)s: you are asked to review an agency as a peer"), about),
        body=[
            Message(N_("You are asked to review an agency’s self-audit in “%(round)s”."), about),
            Message(N_("Before you can read anything, please say whether a conflict of interest stands in the way.")),
        ],
        link=page("/peer"), dedupe_key=f"peer:{review.public_id}",
    )  # fmt: skip
    return review


def end(session: Session, public_id: str, review: str, *, by: Actor, now: datetime) -> PeerReview:
    """End a review: the reviewer reads nothing of it any more. Raises NotFound, NotPossible: it has ended already."""
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.assign_peer", lock=True)
    row = review_of_return(session, audit_return, review)
    if row.ended_at:
        raise NotPossible(N_("This review has ended already."))
    row.ended_at = now
    _record(session, row, "peer.ended", by=by, now=now, person=row.user)
    session.flush()
    return row


# --- the reviewer ----------------------------------------------------------------------------------------------------


def _own(session: Session, review: str, *, by: Actor, now: datetime) -> tuple[PeerReview, AuditReturn]:
    """A review of the actor's own that can go on, and its return under lock."""
    mine = my_review(session, review, actor=by, now=now)
    audit_return = get_return(
        session, mine.review.audit_return.public_id, actor=by, now=now, permission="return.peer_review", lock=True
    )
    return mine.review, audit_return


def declare(session: Session, review: str, *, conflict: str, by: Actor, now: datetime) -> PeerReview:
    """Declare that no conflict of interest stands in the way (`conflict` empty), or which: that ends the review.

    Raises NotFound, and NotPossible: declared or ended already, or the words are too long.
    """
    mine = my_review(session, review, actor=by, now=now, lock=True)
    row = mine.review
    check_not_archived(row.audit_return.audit_round.archived_at)
    if mine.state == "ended":
        raise NotPossible(N_("This review has ended."))
    if row.declared_at:
        raise NotPossible(N_("You have declared already."))
    conflict = conflict.strip()
    check_length(conflict, LONGEST_NOTE)
    row.declared_at, row.conflict = now, conflict
    if conflict:
        row.ended_at = now
    _record(
        session, row, "peer.conflict_declared" if conflict else "peer.declared", by=by, now=now,
        texts={"conflict": conflict} if conflict else None,
    )  # fmt: skip
    session.flush()
    return row


def challenge(
    session: Session, review: str, *, about: str, subject: str, text: str, by: Actor, now: datetime
) -> Thread:
    """Challenge an answer (`about` is the id of its question), or (empty) the submission as a whole.

    Raises NotFound (no such review, or the submission has no such question), and NotPossible: it has ended or is
    finished, nothing stands submitted, or words are missing.
    """
    row, audit_return = _own(session, review, by=by, now=now)
    if row.finished_at:
        raise NotPossible(N_("You have finished this review. Take that back to challenge more."))
    submission = standing_submission(session, audit_return)
    if submission is None:
        raise NotFound
    if about and all(item.id != about for item in submitted_checklist(submission, audit_return).items):
        raise NotFound
    thread = threads.open_thread(
        session, audit_return, kind=KIND, subject=subject, text=text, side="peer", by=by, now=now, about=about
    )
    told = {
        "agency": audit_return.agency.name,
        "round": audit_return.audit_round.name,
    }
    mail.queue_all(
        session,
        [
            Draft(
                to=one.user, kind="query", audit_return=audit_return,
                subject=Message(N_("%(round)s: a peer reviewer asks %(agency)s"), told),
                body=[Message(N_("A peer reviewer has a question about what %(agency)s submitted."), told)],
                link=page(f"/returns/{audit_return.public_id}/challenges/{thread.public_id}"),
                dedupe_key=f"challenge:{thread.public_id}:{one.user.public_id}",
            )
            for one in people_at(session, [audit_return.agency_id], now=now)
        ],
        now=now,
    )  # fmt: skip
    return thread


def ask_on(session: Session, review: str, thread: str, *, text: str, by: Actor, now: datetime) -> ThreadPost:
    """The reviewer replies to the agency's answer. Raises NotFound (another's challenge), NotPossible."""
    _row, found = _own_thread(session, review, thread, by=by, now=now)
    return threads.reply(session, found, text=text, side="peer", by=by, now=now)


def close(session: Session, review: str, thread: str, *, by: Actor, now: datetime) -> Thread:
    """The reviewer has no more to ask. Raises NotFound (another's challenge), NotPossible: closed already."""
    _row, found = _own_thread(session, review, thread, by=by, now=now)
    return threads.close_thread(session, found, by=by, now=now)


def _own_thread(
    session: Session, review: str, thread: str, *, by: Actor, now: datetime
) -> tuple[PeerReview, Thread]:
    row, audit_return = _own(session, review, by=by, now=now)
    found = thread_of(session, audit_return, thread, kinds=(KIND,))
    if found.opened_by_id != row.user_id:
        raise NotFound
    return row, found


def finish(session: Session, review: str, *, by: Actor, now: datetime) -> PeerReview:
    """The reviewer has finished; answers can still be read. Finishing again takes it back. Raises NotFound."""
    row, _audit_return = _own(session, review, by=by, now=now)
    row.finished_at = None if row.finished_at else now
    _record(session, row, "peer.finished" if row.finished_at else "peer.resumed", by=by, now=now)
    session.flush()
    return row


# --- the agency ------------------------------------------------------------------------------------------------------


def answer(
    session: Session, public_id: str, thread: str, *, text: str, evidence: Sequence[str] = (), by: Actor, now: datetime
) -> ThreadPost:
    """The agency answers a challenge. Raises NotFound, NotPossible: closed, nothing written, a file not to be shown."""
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.answer_challenge", lock=True)
    found = thread_of(session, audit_return, thread, kinds=(KIND,))
    return threads.reply(session, found, text=text, side="agency", by=by, now=now, evidence=evidence)


# --- scrutineers of an area ------------------------------------------------------------------------------------------


def comment(
    session: Session, public_id: str, *, about: str, subject: str, text: str, by: Actor, now: datetime
) -> Thread:
    """A coordinator comments on what is released to their area, for the oversight body: on a question or the whole.

    Raises NotFound, NotPossible: nothing stands submitted, or words are missing.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.scrutinise", lock=True)
    submission = standing_submission(session, audit_return) if audit_return.stage == "submitted" else None
    if submission is None:
        raise NotPossible(N_("Nothing stands submitted that could be commented on."))
    if about and all(item.id != about for item in submitted_checklist(submission, audit_return).items):
        raise NotFound
    return threads.open_thread(
        session, audit_return, kind=COMMENT, subject=subject, text=text, side="area", by=by, now=now, about=about
    )


def _record(
    session: Session, review: PeerReview, verb: str, *, by: Actor, now: datetime, person: User | None = None,
    texts: dict[str, str] | None = None,
) -> None:  # fmt: skip
    data = {"review": review.public_id}
    if person:
        data["person"] = person.public_id
    events.append(
        session, events.oversight_chain(review.audit_return), verb, by=by, now=now, data=data, texts=texts
    )
