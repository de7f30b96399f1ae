"""Reading progress against the last round, as the page of trends does, with what became of planned actions."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from app.clock import today
from app.db import rows_of
from app.domain.integrity import hash_of
from app.domain.profiles import Share
from app.domain.progress import (
    ActionsDone,
    LastRound,
    Movement,
    NotComparable,
    ProgressReport,
    TypeProgress,
)
from app.models import AuditReturn, AuditRound, PlannedAction
from app.policy import Actor
from app.queries.figures import Narrowed, Trend, TrendLine, trend
from app.queries.findings import joint_findings, scheme_infos


def progress_report(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, language: str = "en"
) -> ProgressReport:
    """This round beside the last one of the same audit that the actor may read. Raises Denied unless they inspect."""
    found = trend(session, audit_round, Narrowed(), actor=actor, now=now, language=language)
    joint = joint_findings(session, audit_round, actor=actor, now=now, language=language)
    reading, last = found.reading, found.last
    scored = [line for line in found.lines if not line.asked.optional]
    movements = [_movement(found, line) for line in scored]
    report = ProgressReport(
        snapshot_id="",
        language=language,
        audit_round=joint.audit_round,
        pack=joint.pack,
        bodies=joint.bodies,
        schemes=scheme_infos(reading.pack, {line.asked.scheme_key for line in scored}, language),
        met=joint.texts.met,
        small_number=joint.texts.small_number,
        last=None
        if last is None
        else LastRound(key=last.key, name=last.name, opens=today(last.opens), closes=today(last.closes)),
        both=found.both,
        only_now=found.only_now,
        only_then=found.only_then,
        then=Share.sum(line.then for line in scored),
        now=Share.sum(line.now for line in scored),
        types=tuple(
            TypeProgress(agency_type=kind, label=reading.plural(kind), then=then, now=now_)
            for kind, (then, now_) in found.by_type.items()
        ),
        movements=tuple(
            sorted(movements, key=lambda one: (one.change is None, -abs(one.change or 0), one.reference))
        ),
        not_comparable=tuple(
            NotComparable(
                agency_type=note.agency_type, label=reading.plural(note.agency_type), added=note.added,
                removed=note.removed, changed=note.changed,
            )
            for note in found.notes
            if note.differs
        ),
        actions=_actions(session, audit_round, found) if last else (),
    )  # fmt: skip
    content = report.model_dump(mode="json", exclude={"snapshot_id"})
    return report.model_copy(update={"snapshot_id": hash_of({"kind": "progress", "content": content})})


def _movement(found: Trend, line: TrendLine) -> Movement:
    then, now = Share.of(line.then), Share.of(line.now)
    both = then.percent is not None and now.percent is not None
    return Movement(
        reference=line.asked.reference, type_label=found.reading.plural(line.asked.agency_type),
        number=line.asked.placed.number, label=line.label, then=then, now=now,
        change=(now.percent or 0) - (then.percent or 0) if both else None,
    )  # fmt: skip


def _actions(session: Session, audit_round: AuditRound, found: Trend) -> tuple[ActionsDone, ...]:
    """Of the agencies that submitted in both rounds, what they planned in the last one. One statement."""
    assert found.last is not None  # noqa: S101 -- asked only where there is one
    again = aliased(AuditReturn)
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for kind, state, number in rows_of(
        session,
        select(AuditReturn.agency_type, PlannedAction.state, func.count())
        .join(PlannedAction, PlannedAction.return_id == AuditReturn.id)
        .join(
            again,
            (again.agency_id == AuditReturn.agency_id) & (again.agency_type == AuditReturn.agency_type)
            & (again.round_id == audit_round.id) & (again.stage == "submitted"),
        )
        .where(
            AuditReturn.round_id == found.last.id, AuditReturn.stage == "submitted",
            PlannedAction.removed_at.is_(None),
        )
        .group_by(AuditReturn.agency_type, PlannedAction.state)
    ):  # fmt: skip
        counts[kind][state] = number
    return tuple(
        ActionsDone(
            agency_type=kind, label=found.reading.plural(kind),
            **{state: counts[kind].get(state, 0) for state in ("done", "under_way", "planned", "dropped")},
        )
        for kind in found.reading.types
        if kind in counts
    )  # fmt: skip
