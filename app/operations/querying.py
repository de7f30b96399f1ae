"""Queries: an inspector asks an agency about what it signed, the agency answers, the inspector asks on or closes.

Nothing of it changes the return: it goes on while the audit is submitted, and after its round has closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.clock import today
from app.domain.life import NotPossible
from app.domain.message import N_, Message
from app.domain.queries import OUTCOMES
from app.models import AuditReturn, Thread, ThreadPost
from app.operations import mail, threads
from app.policy import Actor
from app.queries.mail import people_at, person
from app.queries.moderation import latest_submission
from app.queries.returns import get_return, submitted_checklist
from app.queries.threads import thread_of

KIND = "query"


def ask(
    session: Session, public_id: str, *, subject: str, text: str, due: date, about: str = "", by: Actor, now: datetime
) -> Thread:  # fmt: skip
    """Ask an agency about its submission, or (`about`) one signed answer of it, to be answered by a London day.

    Its signatories and audit leads are told by mail. Raises NotFound, and NotPossible: nothing submitted, no such
    question, nothing written, or a day that has passed.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.query", lock=True)
    if about:
        submission = latest_submission(session, audit_return)
        asked = submitted_checklist(submission, audit_return).items if submission else []
        if all(item.id != about for item in asked):
            raise NotPossible(N_("This answer is not submitted at present. Ask about the audit as a whole."))
    if due < today(now):
        raise NotPossible(N_("This day has passed already. Choose a day from today on."))
    thread = threads.open_thread(
        session, audit_return, kind=KIND, subject=subject, text=text, side="oversight", about=about, due=due, by=by,
        now=now,
    )  # fmt: skip
    _tell_agency(session, audit_return, thread, thread.posts[-1], now=now)
    return thread


def answer(
    session: Session, public_id: str, thread_id: str, *, text: str, evidence: Sequence[str] = (), by: Actor,
    now: datetime,
) -> ThreadPost:  # fmt: skip
    """Answer a query for the agency, with pieces of its library. Whoever asked is told by mail.

    Raises NotFound and NotPossible.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.answer_query", lock=True)
    thread = thread_of(session, audit_return, thread_id, kinds=(KIND,))
    post = threads.reply(session, thread, text=text, side="agency", evidence=evidence, by=by, now=now)
    about = _about(audit_return)
    asker = person(session, thread.opened_by_id)
    mail.queue_all(
        session,
        [
            mail.Draft(
                to=asker, kind=KIND, audit_return=audit_return,
                subject=Message(N_("%(round)s: %(agency)s has answered a query"), about),
                body=[
                    Message(N_("%(agency)s has answered a query of yours about “%(round)s”."), about),
                    Message(N_("The answer stands with the query after you sign in.")),
                ],
                link=mail.page(_path(audit_return, thread)),
                dedupe_key=f"query:{post.public_id}:{asker.public_id}",
            )
        ]
        if asker
        else [],
        now=now,
    )  # fmt: skip
    return post


def ask_on(
    session: Session, public_id: str, thread_id: str, *, text: str, due: date | None = None, by: Actor, now: datetime
) -> ThreadPost:  # fmt: skip
    """Ask on in a query, with a new day to answer by where one is given. Raises NotFound and NotPossible."""
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.query", lock=True)
    thread = thread_of(session, audit_return, thread_id, kinds=(KIND,))
    if due and due < today(now):
        raise NotPossible(N_("This day has passed already. Choose a day from today on."))
    post = threads.reply(session, thread, text=text, side="oversight", by=by, now=now)
    if due:
        thread.due = due
    session.flush()
    _tell_agency(session, audit_return, thread, post, now=now)
    return post


def close(
    session: Session, public_id: str, thread_id: str, *, outcome: str, by: Actor, now: datetime
) -> Thread:
    """Close a query with what came of it: one of `domain.queries.OUTCOMES`. Raises NotFound and NotPossible."""
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.query", lock=True)
    thread = thread_of(session, audit_return, thread_id, kinds=(KIND,))
    if outcome not in OUTCOMES:
        raise NotPossible(N_("Choose what came of this query."))
    return threads.close_thread(session, thread, outcome=outcome, by=by, now=now)


def _about(audit_return: AuditReturn) -> dict[str, object]:
    return {"agency": audit_return.agency.name, "round": audit_return.audit_round.name}


def _path(audit_return: AuditReturn, thread: Thread) -> str:
    return f"/returns/{audit_return.public_id}/queries/{thread.public_id}"


def _tell_agency(
    session: Session, audit_return: AuditReturn, thread: Thread, post: ThreadPost, *, now: datetime
) -> None:
    about = _about(audit_return) | {"day": thread.due}
    path = _path(audit_return, thread)
    people = people_at(session, [audit_return.agency_id], now=now)
    mail.queue_all(
        session,
        [
            mail.Draft(
                to=user, kind=KIND, audit_return=audit_return,
                subject=Message(N_("%(round)s: a query about the audit of %(agency)s"), about),
                body=[
                    Message(N_("An inspector has a question about what %(agency)s submitted in “%(round)s”."), about),
                    Message(N_("Please answer it by %(day)s. The audit itself stays as it was signed."), about),
                ],
                link=mail.way_in(user, path),
                dedupe_key=f"query:{post.public_id}:{user.public_id}",
            )
            for user in dict.fromkeys(one.user for one in people)
        ],
        now=now,
    )  # fmt: skip
