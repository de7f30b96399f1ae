"""Threads: opening one about a return, replying with files of the agency's library, closing it.

The caller has asked policy for its kind of thread, and holds the lock of the return.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.domain.life import NotPossible, check_not_archived
from app.domain.message import N_
from app.domain.threads import MOST_FILES, PRIVATE, line, state_after, words
from app.models import AuditReturn, Thread, ThreadEvidence, ThreadPost
from app.operations import events, search
from app.policy import Actor
from app.queries.evidence import evidence_row


def _chain(thread: Thread) -> str:
    of = events.oversight_chain if thread.kind in PRIVATE else events.chain_of
    return of(thread.audit_return)


def open_thread(
    session: Session, audit_return: AuditReturn, *, kind: str, subject: str, text: str, side: str, by: Actor,
    now: datetime, about: str = "", due: date | None = None, evidence: Sequence[str] = (),
) -> Thread:  # fmt: skip
    """Open a thread with its first post.

    `about`: the id of a question, recommendation or statement, or empty; `due`: the London day by which an answer is
    asked for. Raises NotPossible: nothing written, too long, or a file that cannot be shown.
    """
    thread = Thread(
        audit_return=audit_return, kind=kind, subject=line(subject), about=about, due=due, state="open", outcome="",
        opened_by_id=by.user_id, opened_at=now,
    )  # fmt: skip
    session.add(thread)
    session.flush()
    post = _post(session, thread, text=text, side=side, by=by, now=now, evidence=evidence)
    events.append(
        session, _chain(thread), "thread.opened", by=by, now=now,
        data=_data(thread, post) | {"about": about, "due": due.isoformat() if due else ""},
        texts={"subject": thread.subject, "text": post.text},
    )  # fmt: skip
    session.flush()
    return thread


def reply(
    session: Session, thread: Thread, *, text: str, side: str, by: Actor, now: datetime, evidence: Sequence[str] = ()
) -> ThreadPost:  # fmt: skip
    """Add a post for a side. It answers the thread where that side was asked, and asks on where it was not.

    `evidence`: public ids of pieces of the agency's library; their latest revisions are shown from then on, whatever
    becomes of the pieces. Raises NotPossible: closed, nothing written, too long, or a file that cannot be shown;
    NotFound for a piece that is not in the library.
    """
    if thread.state == "closed":
        raise NotPossible(N_("This is closed already. If there is more to say, a new one can be opened."))
    post = _post(session, thread, text=text, side=side, by=by, now=now, evidence=evidence)
    thread.state = state_after(thread.kind, side)
    events.append(
        session, _chain(thread), "thread.replied", by=by, now=now, data=_data(thread, post), texts={"text": post.text}
    )
    session.flush()
    return post


def close_thread(
    session: Session, thread: Thread, *, by: Actor, now: datetime, outcome: str = ""
) -> Thread:
    """Close a thread, with what came of it where its kind has words for that. Raises NotPossible: closed already."""
    if thread.state == "closed":
        raise NotPossible(N_("This is closed already."))
    check_not_archived(thread.audit_return.audit_round.archived_at)
    thread.state, thread.outcome = "closed", outcome
    thread.closed_at, thread.closed_by_id = now, by.user_id
    events.append(
        session, _chain(thread), "thread.closed", by=by, now=now,
        data={"kind": thread.kind, "thread": thread.public_id, "outcome": outcome},
    )  # fmt: skip
    session.flush()
    return thread


def _data(thread: Thread, post: ThreadPost) -> dict[str, object]:
    return {
        "kind": thread.kind,
        "thread": thread.public_id,
        "post": post.public_id,
        "side": post.side,
        "files": [shown.revision.sha256 for shown in post.evidence],
    }


def _post(
    session: Session, thread: Thread, *, text: str, side: str, by: Actor, now: datetime, evidence: Sequence[str]
) -> ThreadPost:  # fmt: skip
    check_not_archived(thread.audit_return.audit_round.archived_at)
    wanted = list(dict.fromkeys(evidence))
    if len(wanted) > MOST_FILES:
        raise NotPossible(N_("Choose %(limit)s files or fewer."), limit=MOST_FILES)
    text = words(text)
    shown = []
    for public_id in wanted:
        revision = evidence_row(session, thread.audit_return, public_id).revisions[-1]
        if revision.file.scan == "infected":
            raise NotPossible(
                N_("A virus scanner found something harmful in “%(name)s”, so it cannot be shown to anybody."),
                name=revision.name,
            )
        shown.append(ThreadEvidence(revision=revision))
    post = ThreadPost(thread=thread, side=side, text=text, by_id=by.user_id, at=now, evidence=shown)
    session.add(post)
    search.index_post(session, post)
    return post
