"""Reading batches of reports: what one would hold, how far it is, and who may fetch it.

A batch is for lead inspectors whose bodies ask every agency type in it: it may hold feedback that is not published.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.models import Agency, Area, AuditReturn, AuditRound, BatchDocument, Feedback, ReportBatch
from app.policy import Actor, allows, require
from app.queries.figures import areas_of_round
from app.queries.findings import latest_submissions
from app.queries.letters import edition_to_read, letter_exists
from app.queries.moderation import hidden_from
from app.queries.own_types import types_where
from app.queries.rounds import NotFound, round_facts

PERMISSION = "batch.make"
FEEDBACK, LETTER = "feedback", "area-letter"
PACE_OF = 20  # documents that the pace is taken of
PACE_FROM = 4  # with fewer it would be a guess
PAGE = 50  # documents on a page of those that failed


class Subject(NamedTuple):
    """What one document would be about: a return, or an area; `edition` as in `BatchDocument`."""

    return_id: int | None
    area_id: int | None
    edition: int
    code: str


@dataclass(frozen=True)
class Progress:
    """How far a batch is. `per_minute` and `minutes_left` are None until enough is made to tell.

    The pace is that of the last documents of this run, counted up to now: it falls while nothing comes.
    """

    waiting: int = 0
    making: int = 0
    made: int = 0
    failed: int = 0
    per_minute: float | None = None
    minutes_left: int | None = None

    @property
    def total(self) -> int:
        """All documents."""
        return self.waiting + self.making + self.made + self.failed

    @property
    def percent(self) -> int:
        """How much is dealt with, in whole per cent rounded down: 100 only when all is."""
        return 100 * (self.made + self.failed) // self.total if self.total else 100


class Failed(NamedTuple):
    """A document that could not be made, and why."""

    id: int
    code: str
    name: str
    error: str
    attempts: int


class Listed(NamedTuple):
    """A batch in the list of a round."""

    batch: ReportBatch
    progress: Progress


def subjects(
    session: Session, audit_round: AuditRound, report: str, *, of_areas: bool, actor: Actor, now: datetime,
    types: Collection[str] = (), codes: Collection[str] = (),
) -> list[Subject]:  # fmt: skip
    """What a batch of a report would be about, by code: of some agency types or codes where any are given, else of all.

    Feedback: the newest version of each agency that has one. Other reports on returns: those with a submission in
    force. Only agency types that the actor's bodies ask. Raises Denied.
    """
    require(actor, PERMISSION, round_facts(session, audit_round, now=now))
    if of_areas:
        return _areas(session, audit_round, report, codes, actor=actor, now=now)
    query = (
        select(AuditReturn.id, Agency.code)
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .where(
            AuditReturn.round_id == audit_round.id,
            AuditReturn.agency_type.in_(types_where(audit_round, actor, "return.read_all")),
        )
        .order_by(Agency.code)
    )  # fmt: skip
    if types:
        query = query.where(AuditReturn.agency_type.in_(types))
    versions: dict[int, int] = {}
    if report == FEEDBACK:
        newest = select(Feedback.return_id, func.max(Feedback.version).label("version")).group_by(Feedback.return_id)
        versions = {row.return_id: row.version for row in session.execute(newest)}
    else:
        latest = latest_submissions(audit_round)
        query = query.join(latest, latest.c.return_id == AuditReturn.id)
    found = [Subject(row.id, None, versions.get(row.id, 0), row.code) for row in session.execute(query)]
    return [
        one
        for one in found
        if (not codes or one.code in codes) and (report != FEEDBACK or one.return_id in versions)
    ]


def _areas(
    session: Session, audit_round: AuditRound, report: str, codes: Collection[str], *, actor: Actor, now: datetime
) -> list[Subject]:
    found = []
    for area in sorted(areas_of_round(session, audit_round), key=lambda one: one.code):
        if codes and area.code not in codes:
            continue
        edition = 0
        if report == LETTER:
            edition = edition_to_read(session, audit_round, area.public_id, actor=actor, now=now)
            if not letter_exists(session, audit_round, area.public_id, edition, now=now):
                continue
        found.append(Subject(None, area.id, edition, area.code))
    return found


def unknown_codes(
    session: Session, audit_round: AuditRound, codes: Collection[str], *, of_areas: bool
) -> list[str]:
    """Of some codes those that no agency of the round has, or with `of_areas` none of its areas."""
    if of_areas:
        known = {one.code for one in areas_of_round(session, audit_round)}
    else:
        known = set(
            session.scalars(
                select(Agency.code)
                .join(AuditReturn, AuditReturn.agency_id == Agency.id)
                .where(AuditReturn.round_id == audit_round.id)
            )
        )
    return [code for code in codes if code not in known]


def get_batch(
    session: Session, public_id: str, *, actor: Actor, now: datetime, lock: bool = False
) -> ReportBatch:
    """One batch. Raises NotFound where there is none, or it holds what the actor may not read."""
    query = select(ReportBatch).where(ReportBatch.public_id == public_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    batch = session.scalar(query)
    if batch is None or not allows(actor, PERMISSION, round_facts(session, batch.audit_round, now=now)):
        raise NotFound
    if not set(_types(session, batch)) <= types_where(batch.audit_round, actor, "return.read_all"):
        raise NotFound
    return batch


def _types(session: Session, batch: ReportBatch) -> Sequence[str]:
    return session.scalars(
        select(AuditReturn.agency_type)
        .join(BatchDocument, BatchDocument.return_id == AuditReturn.id)
        .where(BatchDocument.batch_id == batch.id)
        .distinct()
    ).all()


def is_blind(session: Session, batch: ReportBatch, *, actor: Actor) -> bool:
    """Whether the actor checks, second and not finished, a return that the batch is about: then they may not fetch it,
    as it may say what the first inspector found."""
    hidden = hidden_from(session, batch.audit_round, actor)
    return bool(hidden) and bool(
        session.scalar(
            select(func.count())
            .select_from(BatchDocument)
            .where(BatchDocument.batch_id == batch.id, BatchDocument.return_id.in_(hidden))
        )
    )


def batches_of(session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime) -> list[Listed]:
    """The batches of a round that the actor may fetch, the newest first. Three statements. Raises Denied."""
    require(actor, PERMISSION, round_facts(session, audit_round, now=now))
    rows = session.scalars(
        select(ReportBatch)
        .where(ReportBatch.round_id == audit_round.id)
        .options(joinedload(ReportBatch.requested_by))
        .order_by(ReportBatch.id.desc())
        .limit(PAGE)
    ).all()
    ids = [row.id for row in rows]
    types: dict[int, set[str]] = {}
    for batch_id, kind in session.execute(
        select(BatchDocument.batch_id, AuditReturn.agency_type)
        .join(AuditReturn, AuditReturn.id == BatchDocument.return_id)
        .where(BatchDocument.batch_id.in_(ids))
        .distinct()
    ):
        types.setdefault(batch_id, set()).add(kind)
    counts = _counts(session, ids)
    mine = types_where(audit_round, actor, "return.read_all")
    return [Listed(row, Progress(**counts.get(row.id, {}))) for row in rows if types.get(row.id, set()) <= mine]


def _counts(session: Session, ids: Collection[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for batch_id, stage, number in session.execute(
        select(BatchDocument.batch_id, BatchDocument.stage, func.count())
        .where(BatchDocument.batch_id.in_(ids))
        .group_by(BatchDocument.batch_id, BatchDocument.stage)
    ):
        found.setdefault(batch_id, {})[stage] = number
    return found


def progress_of(session: Session, batch: ReportBatch, *, now: datetime) -> Progress:
    """How far a batch is, which the caller got through `get_batch`. Two statements."""
    counts = _counts(session, [batch.id]).get(batch.id, {})
    if batch.stage != "running" or batch.turn_at is None:
        return Progress(**counts)
    recent = session.scalars(
        select(BatchDocument.finished_at)
        .where(BatchDocument.batch_id == batch.id, BatchDocument.finished_at >= batch.turn_at)
        .order_by(BatchDocument.finished_at.desc())
        .limit(PACE_OF + 1)
    ).all()
    per_minute, left = pace([at for at in recent if at], batch.turn_at, now, _left(counts))
    return Progress(**counts, per_minute=per_minute, minutes_left=left)


def _left(counts: dict[str, int]) -> int:
    return counts.get("waiting", 0) + counts.get("making", 0)


def pace(
    finished: Sequence[datetime], began: datetime, now: datetime, left: int
) -> tuple[float | None, int | None]:
    """Documents a minute and minutes left, from when the last documents were finished, the newest first."""
    since = finished[PACE_OF] if len(finished) > PACE_OF else began
    number = min(len(finished), PACE_OF)
    seconds = (now - since).total_seconds()
    if number < PACE_FROM or seconds <= 0:
        return None, None
    per_minute = 60 * number / seconds
    return per_minute, max(1, round(left / per_minute)) if left else 0


def failed_of(session: Session, batch: ReportBatch, *, page: int = 1) -> tuple[list[Failed], int]:
    """The documents that could not be made, by code, and how many pages there are of them."""
    of_batch = select(BatchDocument).where(BatchDocument.batch_id == batch.id, BatchDocument.stage == "failed")
    number = session.scalar(select(func.count()).select_from(of_batch.subquery())) or 0
    rows = session.execute(
        select(
            BatchDocument.id, func.coalesce(Agency.code, Area.code), func.coalesce(Agency.name, Area.name),
            BatchDocument.error, BatchDocument.attempts,
        )
        .outerjoin(AuditReturn, AuditReturn.id == BatchDocument.return_id)
        .outerjoin(Agency, Agency.id == AuditReturn.agency_id)
        .outerjoin(Area, Area.id == BatchDocument.area_id)
        .where(BatchDocument.batch_id == batch.id, BatchDocument.stage == "failed")
        .order_by(func.coalesce(Agency.code, Area.code), BatchDocument.id)
        .limit(PAGE)
        .offset(PAGE * (page - 1))
    )  # fmt: skip
    return [Failed(*row) for row in rows], -(-number // PAGE)


class Line(NamedTuple):
    """A document of a batch as the worker puts it into the file: see `BatchDocument`."""

    id: int
    code: str
    stage: str
    error: str
    file: str
    sha256: str
    pages: int
    snapshot_id: str


def lines_of(session: Session, batch_id: int) -> list[Line]:
    """All documents of a batch by code. For the worker."""
    rows = session.execute(
        select(
            BatchDocument.id, func.coalesce(Agency.code, Area.code), BatchDocument.stage, BatchDocument.error,
            BatchDocument.file, BatchDocument.sha256, BatchDocument.pages, BatchDocument.snapshot_id,
        )
        .outerjoin(AuditReturn, AuditReturn.id == BatchDocument.return_id)
        .outerjoin(Agency, Agency.id == AuditReturn.agency_id)
        .outerjoin(Area, Area.id == BatchDocument.area_id)
        .where(BatchDocument.batch_id == batch_id)
    )  # fmt: skip
    # sorted here: databases sort texts in different ways
    return sorted((Line(*row) for row in rows), key=lambda one: (one.code, one.id))


def unfinished(session: Session) -> list[tuple[str, str]]:
    """The batches that are to be made or being made: public id and turn. For the worker."""
    rows = session.execute(
        select(ReportBatch.public_id, ReportBatch.turn)
        .where(ReportBatch.stage.in_(("waiting", "running")))
        .order_by(ReportBatch.id)
    )
    return [(row.public_id, row.turn) for row in rows]


def last_sign(session: Session, public_id: str) -> datetime | None:
    """When a batch last moved: a document of it was finished, or a worker took it up. For the worker."""
    batch = session.scalar(select(ReportBatch).where(ReportBatch.public_id == public_id))
    if batch is None:
        return None
    finished = session.scalar(
        select(func.max(BatchDocument.finished_at)).where(BatchDocument.batch_id == batch.id)
    )
    return max(filter(None, (finished, batch.turn_at, batch.requested_at)))
