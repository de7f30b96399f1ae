"""Keeping the words that can be searched: written with every signing and every post, taken out at a reopening."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session, contains_eager

from app.domain.answers import ANSWER_TYPES, question_id
from app.models import (
    AuditReturn,
    SearchText,
    Submission,
    SubmissionVoided,
    TemplateVersion,
    Thread,
    ThreadPost,
)
from app.policy import Actor, require
from app.queries.packs import template_of

BATCH = 500  # rows in one statement
# marks of the snippets, and what no page could show
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def _plain(text: str) -> str:
    return _CONTROLS.sub(" ", text).strip()


def _rows_of_submission(submission: Submission, audit_return: AuditReturn) -> Iterator[dict[str, Any]]:
    content = json.loads(submission.content)
    _pack, template = template_of(audit_return)
    grades = {}
    shared = {"round_id": audit_return.round_id, "return_id": audit_return.id, "thread_kind": ""}
    for answer in content["answers"]:
        value, about = answer["value"], question_id(answer["criterion"], answer["scope"])
        grades[about] = str(value.get("grade", ""))
        handler = ANSWER_TYPES[answer["type"]]
        text = _plain("\n".join(handler.texts(value, template.criterion(answer["criterion"]))))
        if text:
            yield shared | {
                "kind": "answer", "about": about, "place": submission.public_id, "grade": grades[about], "text": text,
            }  # fmt: skip
    for action in content.get("actions", ()):
        about = question_id(action["criterion"], action["scope"])
        if text := _plain(action["what"]):
            yield shared | {
                "kind": "action", "about": about, "place": submission.public_id, "grade": grades.get(about, ""),
                "text": text,
            }  # fmt: skip


def _row_of_post(post: ThreadPost, thread: Thread) -> dict[str, Any]:
    audit_return = thread.audit_return
    return {
        "round_id": audit_return.round_id, "return_id": audit_return.id, "kind": "thread", "thread_kind": thread.kind,
        "about": thread.about, "place": thread.public_id, "grade": "", "text": _plain(post.text),
    }  # fmt: skip


def _insert(session: Session, rows: Iterable[dict[str, Any]]) -> int:
    batch: list[dict[str, Any]] = []
    number = 0
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            session.execute(insert(SearchText), batch)
            number, batch = number + len(batch), []
    if batch:
        session.execute(insert(SearchText), batch)
    return number + len(batch)


def index_submission(session: Session, submission: Submission) -> None:
    """Make what was just signed searchable, in place of what the return had submitted before."""
    session.flush()
    audit_return = session.get_one(AuditReturn, submission.return_id)
    forget_submission(session, audit_return)
    _insert(session, _rows_of_submission(submission, audit_return))


def forget_submission(session: Session, audit_return: AuditReturn) -> None:
    """Take what a return had submitted out of the search: it was set aside. What was written in threads stays."""
    session.execute(
        delete(SearchText).where(SearchText.return_id == audit_return.id, SearchText.kind != "thread")
    )


def index_post(session: Session, post: ThreadPost) -> None:
    """Make a post of a thread searchable, for those who read that kind of thread."""
    session.flush()
    _insert(session, [_row_of_post(post, post.thread)])


def index_all(session: Session) -> int:
    """Fill the search anew from what stands submitted and from all threads. Returns how many texts it holds."""
    session.execute(delete(SearchText))
    submissions = session.scalars(
        select(Submission)
        .join(Submission.audit_return)
        .outerjoin(SubmissionVoided, SubmissionVoided.submission_id == Submission.id)
        .where(SubmissionVoided.id.is_(None), AuditReturn.stage == "submitted")
        .options(
            contains_eager(Submission.audit_return)
            .joinedload(AuditReturn.template_version)
            .joinedload(TemplateVersion.pack_version)
        )
        .order_by(Submission.id)
        .execution_options(yield_per=50)
    )
    number = _insert(session, (row for one in submissions for row in _rows_of_submission(one, one.audit_return)))
    posts = session.scalars(
        select(ThreadPost)
        .join(ThreadPost.thread)
        .join(Thread.audit_return)
        .options(contains_eager(ThreadPost.thread).contains_eager(Thread.audit_return))
        .order_by(ThreadPost.id)
        .execution_options(yield_per=500)
    )
    return number + _insert(session, (_row_of_post(post, post.thread) for post in posts))


def rebuild(session: Session, *, by: Actor) -> int:
    """Fill the search anew, for an operator: after an update from a version without it. Raises Denied.

    It holds nothing that is not written elsewhere, so nothing is recorded in the history.
    """
    require(by, "service.administer")
    return index_all(session)
