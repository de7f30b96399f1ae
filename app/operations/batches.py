"""Batches of reports: asking for one, stopping it, going on, and the steps of the worker that makes it.

Each step of the worker is a short transaction of its own. A document is made by the run that holds the batch's `turn`:
whatever an earlier run still finishes is not taken, so that nothing is made twice however workers come and go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.domain.life import NotPossible
from app.domain.message import N_
from app.models import AuditRound, BatchDocument, ReportBatch
from app.operations import events
from app.policy import Actor, system_actor
from app.queries.batches import PERMISSION, get_batch, subjects, unknown_codes
from app.queries.rounds import get_round

# how operations hand work to the background: the batch's public id and a name for the run, in the caller's transaction
Enqueue = Callable[[Session, str, str], None]


def request_batch(
    session: Session, public_id: str, report: str, *, by: Actor, now: datetime, enqueue: Enqueue,
    of_areas: bool = False, language: str = "en", types: Collection[str] = (), codes: Collection[str] = (),
    forms: Collection[str] = (),
) -> ReportBatch:  # fmt: skip
    """Ask for a report for many agencies of a round, or areas: of some agency types or codes, or of all.

    `forms`: in which each is wanted beside the PDF, as `reports.formats` calls them.

    What each document is about, down to the version of the feedback, is fixed now. Raises NotFound, Denied, and
    NotPossible where there is nothing to make.
    """
    audit_round = get_round(session, public_id, actor=by, now=now, permission=PERMISSION)
    _lock(session, audit_round)
    if unknown := unknown_codes(session, audit_round, codes, of_areas=of_areas):
        raise NotPossible(
            N_("Not in this round: %(codes)s. Check the codes, or leave them out to have all."),
            codes=", ".join(unknown[:10]),
        )
    found = subjects(
        session, audit_round, report, of_areas=of_areas, actor=by, now=now, types=types, codes=codes
    )
    if not found:
        raise NotPossible(
            N_("There is nothing to make yet: no agency that you chose has what this report is made from.")
        )
    batch = ReportBatch(
        report=report, round_id=audit_round.id, requested_by_id=by.user_id, requested_at=now,
        options={"language": language, "forms": list(forms)},
    )  # fmt: skip
    session.add(batch)
    session.flush()
    session.add_all(
        BatchDocument(batch_id=batch.id, return_id=one.return_id, area_id=one.area_id, edition=one.edition)
        for one in found
    )
    data = {"report": report, "batch": batch.public_id, "documents": len(found)}
    events.append(session, events.chain_of(audit_round), "batch.requested", by=by, now=now, data=data)
    session.flush()
    enqueue(session, batch.public_id, token_hex(4))
    return batch


def cancel(session: Session, public_id: str, *, by: Actor, now: datetime) -> ReportBatch:
    """Stop a batch: the documents that are being made are finished or dropped, and what is made is kept."""
    batch = _get(session, public_id, by=by, now=now)
    if batch.stage not in ("waiting", "running"):
        raise NotPossible(N_("This batch is not being made, so there is nothing to stop."))
    batch.stage = "cancelled"
    _record(session, batch, "batch.cancelled", by=by, now=now)
    return batch


def resume(session: Session, public_id: str, *, by: Actor, now: datetime, enqueue: Enqueue) -> ReportBatch:
    """Go on with a batch that was stopped, where it was."""
    batch = _get(session, public_id, by=by, now=now)
    if batch.stage != "cancelled":
        raise NotPossible(N_("This batch was not stopped, so there is nothing to go on with."))
    _go_on(session, batch, enqueue=enqueue)
    _record(session, batch, "batch.resumed", by=by, now=now)
    return batch


def retry(
    session: Session, public_id: str, *, by: Actor, now: datetime, enqueue: Enqueue, document: int = 0
) -> ReportBatch:
    """Make the documents that failed once more, or one of them; the file is written anew afterwards."""
    batch = _get(session, public_id, by=by, now=now)
    query = update(BatchDocument).where(BatchDocument.batch_id == batch.id, BatchDocument.stage == "failed")
    if document:
        query = query.where(BatchDocument.id == document)
    number = session.execute(query.values(stage="waiting", error="", finished_at=None)).rowcount  # type: ignore[attr-defined]
    if not number:
        raise NotPossible(N_("No document of this batch failed, so there is nothing to try again."))
    if batch.stage == "done":
        _go_on(session, batch, enqueue=enqueue)
    _record(session, batch, "batch.retried", by=by, now=now)
    return batch


def remove(session: Session, public_id: str, *, by: Actor, now: datetime) -> str:
    """Remove a batch that is not being made, and its documents. Returns what its files are named by: the caller deletes
    them once this is stored."""
    batch = _get(session, public_id, by=by, now=now)
    if batch.stage in ("waiting", "running"):
        raise NotPossible(N_("This batch is being made. Stop it first, then it can be removed."))
    _record(session, batch, "batch.removed", by=by, now=now)
    session.execute(delete(BatchDocument).where(BatchDocument.batch_id == batch.id))
    session.delete(batch)
    session.flush()
    return batch.public_id


def _get(session: Session, public_id: str, *, by: Actor, now: datetime) -> ReportBatch:
    batch = get_batch(session, public_id, actor=by, now=now, lock=True)
    _lock(session, batch.audit_round)
    return batch


def _lock(session: Session, audit_round: AuditRound) -> None:
    session.execute(select(AuditRound.id).where(AuditRound.id == audit_round.id).with_for_update())


def _go_on(session: Session, batch: ReportBatch, *, enqueue: Enqueue) -> None:
    batch.stage = "waiting"
    batch.finished_at = None
    batch.error = ""
    session.flush()
    enqueue(session, batch.public_id, token_hex(4))


def _record(session: Session, batch: ReportBatch, verb: str, *, by: Actor, now: datetime) -> None:
    data = {"report": batch.report, "batch": batch.public_id}
    events.append(session, events.chain_of(batch.audit_round), verb, by=by, now=now, data=data)
    session.flush()


# --- the worker's steps ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """A document that a run has taken to make."""

    id: int
    return_id: int | None
    area_id: int | None
    edition: int


def begin(session: Session, public_id: str, turn: str, *, now: datetime) -> int | None:
    """Take a batch up for a run; what an earlier run left half made waits again. Its id; None: nothing is to do."""
    batch = session.scalar(select(ReportBatch).where(ReportBatch.public_id == public_id).with_for_update())
    if batch is None or batch.stage not in ("waiting", "running"):
        return None
    batch.stage, batch.turn, batch.turn_at = "running", turn, now
    session.execute(
        update(BatchDocument)
        .where(BatchDocument.batch_id == batch.id, BatchDocument.stage == "making")
        .values(stage="waiting")
    )
    session.flush()
    return batch.id


def _holds(session: Session, batch_id: int, turn: str) -> ReportBatch | None:
    """The batch, locked, while the run with this turn has it and it was not stopped."""
    return session.scalar(
        select(ReportBatch)
        .where(ReportBatch.id == batch_id, ReportBatch.turn == turn, ReportBatch.stage == "running")
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def take(session: Session, batch_id: int, turn: str) -> Task | None:
    """Take the next document that waits; None where none does, or the run has the batch no more."""
    if _holds(session, batch_id, turn) is None:
        return None
    row = session.scalar(
        select(BatchDocument)
        .where(BatchDocument.batch_id == batch_id, BatchDocument.stage == "waiting")
        .order_by(BatchDocument.id)
        .limit(1)
    )
    if row is None:
        return None
    row.stage = "making"
    row.attempts += 1
    session.flush()
    return Task(row.id, row.return_id, row.area_id, row.edition)


def put_back(session: Session, batch_id: int, turn: str, task: Task) -> None:
    """A document that was taken waits again: the worker stops before it is made."""
    if _holds(session, batch_id, turn) is not None:
        session.execute(
            update(BatchDocument)
            .where(BatchDocument.id == task.id, BatchDocument.stage == "making")
            .values(stage="waiting")
        )


def keep(
    session: Session, batch_id: int, turn: str, task: Task, *, now: datetime, file: str, sha256: str, pages: int,
    snapshot_id: str,
) -> bool:  # fmt: skip
    """Store that a document is made. False where it is not taken, since the run has the batch no more."""
    return _finish(
        session, batch_id, turn, task, stage="made", error="", finished_at=now, file=file, sha256=sha256, pages=pages,
        snapshot_id=snapshot_id,
    )  # fmt: skip


def fail(session: Session, batch_id: int, turn: str, task: Task, *, now: datetime, error: str) -> bool:
    """Store that a document could not be made, and why."""
    return _finish(session, batch_id, turn, task, stage="failed", error=error, finished_at=now)


def _finish(session: Session, batch_id: int, turn: str, task: Task, **values: object) -> bool:
    # one that was stopped meanwhile keeps what is finished; one that another run has taken up does not
    batch = session.scalar(
        select(ReportBatch).where(ReportBatch.id == batch_id, ReportBatch.turn == turn).with_for_update()
    )
    if batch is None:
        return False
    found = session.execute(
        update(BatchDocument)
        .where(BatchDocument.id == task.id, BatchDocument.stage == "making")
        .values(**values)
    )
    return bool(found.rowcount)  # type: ignore[attr-defined]


def damaged(session: Session, batch_id: int, turn: str, document: int) -> None:
    """A document that was made is not as it was stored: it is made again."""
    if _holds(session, batch_id, turn) is not None:
        session.execute(
            update(BatchDocument)
            .where(BatchDocument.id == document)
            .values(stage="waiting", file="", sha256="", finished_at=None)
        )


def is_finished(session: Session, batch_id: int, turn: str) -> bool:
    """Whether the run still has the batch and every document of it is dealt with."""
    if _holds(session, batch_id, turn) is None:
        return False
    left = session.scalar(
        select(func.count())
        .select_from(BatchDocument)
        .where(BatchDocument.batch_id == batch_id, BatchDocument.stage.in_(("waiting", "making")))
    )
    return not left


def finish(
    session: Session, batch_id: int, turn: str, *, now: datetime, file: str, sha256: str, size: int, error: str = ""
) -> bool:
    """Store that a batch is done, with its file; `error` says why there is none. False where the run has it no more."""
    batch = _holds(session, batch_id, turn)
    if batch is None:
        return False
    batch.stage, batch.finished_at, batch.error = "done", now, error
    batch.file, batch.sha256, batch.size = file, sha256, size
    session.flush()
    return True


def give_up(session: Session, public_id: str, turn: str, *, now: datetime, error: str) -> bool:
    """A run could not go on, and why: the batch stops, what is made is kept, and a person can go on with it. `turn`: of
    the run, or that the batch had when nobody was seen to work on it. False where another run has it, or none need."""
    batch = session.scalar(
        select(ReportBatch)
        .where(ReportBatch.public_id == public_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if batch is None or not (batch.stage == "waiting" or (batch.stage == "running" and batch.turn == turn)):
        return False
    _lock(session, batch.audit_round)
    batch.stage, batch.error = "cancelled", error
    _record(session, batch, "batch.given_up", by=system_actor("worker"), now=now)
    return True


def pause(session: Session, batch_id: int, turn: str, *, enqueue: Enqueue) -> None:
    """The worker is stopping: the batch waits, in the queue, for the next one."""
    batch = _holds(session, batch_id, turn)
    if batch is not None:
        _go_on(session, batch, enqueue=enqueue)
