"""Reading threads. The caller got the return with the permission that its kind of thread asks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.clock import today
from app.domain.paging import paged
from app.models import (
    Agency,
    AuditReturn,
    AuditRound,
    Evidence,
    EvidenceRevision,
    StoredFile,
    Thread,
    ThreadEvidence,
    ThreadPost,
)
from app.queries.evidence import Download
from app.queries.rounds import PAGE, NotFound, like


def _threads() -> Select[Thread]:
    return select(Thread).options(
        joinedload(Thread.opened_by),
        joinedload(Thread.closed_by),
        selectinload(Thread.posts).options(
            joinedload(ThreadPost.by),
            selectinload(ThreadPost.evidence)
            .joinedload(ThreadEvidence.revision)
            .options(joinedload(EvidenceRevision.file), joinedload(EvidenceRevision.evidence)),
        ),
    )


def threads_of(session: Session, audit_return: AuditReturn, *, kinds: Collection[str]) -> Sequence[Thread]:
    """The threads of a return of some kinds, latest first, with posts, names and files; four statements."""
    return session.scalars(
        _threads()
        .where(Thread.return_id == audit_return.id, Thread.kind.in_(kinds))
        .order_by(Thread.id.desc())
        .execution_options(populate_existing=True)
    ).all()


def thread_of(
    session: Session, audit_return: AuditReturn, public_id: str, *, kinds: Collection[str] = ()
) -> Thread:
    """One thread of a return with its posts; with `kinds`, only of those. Raises NotFound."""
    query = _threads().where(Thread.return_id == audit_return.id, Thread.public_id == public_id)
    if kinds:
        query = query.where(Thread.kind.in_(kinds))
    thread = session.scalar(query.execution_options(populate_existing=True))
    if thread is None:
        raise NotFound
    return thread


def file_of_thread(session: Session, thread: Thread, post: str, number: int) -> Download:
    """The file of a thread's post by its place there, from 1: exactly the revision that was shown, whatever became
    of the piece since. Raises NotFound.
    """
    rows = session.execute(
        select(EvidenceRevision.name, StoredFile)
        .join(ThreadEvidence, ThreadEvidence.revision_id == EvidenceRevision.id)
        .join(ThreadPost, ThreadPost.id == ThreadEvidence.post_id)
        .join(Evidence, Evidence.id == EvidenceRevision.evidence_id)
        .join(StoredFile, StoredFile.sha256 == EvidenceRevision.sha256)
        .where(ThreadPost.thread_id == thread.id, ThreadPost.public_id == post)
        .order_by(ThreadEvidence.id)
    ).all()
    if not 1 <= number <= len(rows) or rows[number - 1].StoredFile.gone_at:
        raise NotFound
    row = rows[number - 1]
    return Download(row.name, row.StoredFile.sha256, row.StoredFile.size, row.StoredFile.scan)


# --- queries of a round, for those who ask them ------------------------------------------------------------


QUERY_STATES = ("open", "overdue", "answered", "closed")


@dataclass(frozen=True)
class QueryRow:
    """A query in the list of a round. `state` is one of QUERY_STATES: an overdue one is open, and its day has passed.
    """

    id: str
    return_id: str
    agency: str
    agency_type: str
    subject: str
    about: str
    state: str
    due: date | None
    opened_at: datetime
    opened_by: str
    outcome: str


@dataclass(frozen=True)
class Queries:
    """A page of the queries of a round, and how many are in each state."""

    rows: Sequence[QueryRow]
    counts: Mapping[str, int]
    total: int
    page: int
    pages: int


def _state(day: date) -> ColumnElement[str]:
    return case((and_(Thread.state == "open", Thread.due < day), "overdue"), else_=Thread.state)


def queries_of_round(
    session: Session, audit_round: AuditRound, *, agency_types: Collection[str], now: datetime, state: str = "",
    asked_by: int | None = None, text: str = "", page: int = 1,
) -> Queries:  # fmt: skip
    """The queries to agencies of some types in a round: what waits longest first. Three statements.

    `asked_by`: the id of who asked; `text`: part of the agency's name or of the subject.
    """
    at = _state(today(now))
    every = (
        select(Thread, AuditReturn.public_id, Agency.name, AuditReturn.agency_type, at.label("at"))
        .join(AuditReturn, AuditReturn.id == Thread.return_id)
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .where(
            AuditReturn.round_id == audit_round.id,
            AuditReturn.agency_type.in_(agency_types),
            Thread.kind == "query",
        )
    )
    if asked_by is not None:
        every = every.where(Thread.opened_by_id == asked_by)
    if text:
        wanted = f"%{like(text)}%"
        every = every.where(
            or_(Agency.name.ilike(wanted, escape="\\"), Thread.subject.ilike(wanted, escape="\\"))
        )
    counted = every.with_only_columns(at.label("at")).subquery()
    counts = dict.fromkeys(QUERY_STATES, 0)
    for key, number in session.execute(select(counted.c.at, func.count()).group_by(counted.c.at)):
        counts[key] = number
    total = counts[state] if state else sum(counts.values())
    if state:
        every = every.where(at == state)
    page, pages = paged(total, PAGE, page)
    waits = case({"overdue": 0, "answered": 1, "open": 2}, value=at, else_=3)
    rows = session.execute(
        every.options(joinedload(Thread.opened_by))
        .order_by(waits, Thread.due, Thread.id.desc())
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    return Queries(
        [
            QueryRow(
                thread.public_id, return_id, agency, agency_type, thread.subject, thread.about, key, thread.due,
                thread.opened_at, thread.opened_by.name if thread.opened_by else "", thread.outcome,
            )
            for thread, return_id, agency, agency_type, key in rows
        ],
        counts,
        total,
        page,
        pages,
    )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """How many threads of some kinds a return has, and how many of them wait for its agency."""

    number: int
    waiting: int


def asked_of(session: Session, audit_return: AuditReturn, *kinds: str) -> Asked:
    """The threads of some kinds of a return, counted. One statement."""
    row = session.execute(
        select(func.count(), func.count().filter(Thread.state == "open")).where(
            Thread.return_id == audit_return.id, Thread.kind.in_(kinds)
        )
    ).one()
    return Asked(*row)
