"""The round that pages of oversight are measured on: everybody is asked as much, and oversight has done its part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date, datetime, timedelta
from itertools import cycle
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.domain.answers import question_id
from app.domain.risks import ModerationRules
from app.domain.sampling import SamplePlan
from app.domain.templates import Criterion, Pack, Template
from app.models import (
    Appointment,
    AuditReturn,
    AuditRound,
    Moderation,
    OversightBody,
    PlannedAction,
    SampledReturn,
    SubmissionAnswer,
    User,
)
from app.operations import follow_up, judgements, release, rollup, sampling
from app.policy import Actor
from app.queries.actors import actor_of
from app.queries.findings import latest_submissions
from app.queries.packs import pack_of

FINISHED = 0.7  # the share of checks that are finished


def sized(pack: Pack, criteria: int) -> Pack:
    """The pack with so many criteria asked of every agency: of every subtype, with copies where there are fewer.

    Where there are more, optional ones go first, then the last; what its demonstration names stays. That tells nothing
    of what oversight does: `taken_through` does that, to hundreds.
    """
    named = set(_words(pack.demonstration))
    changes = {
        "templates": {key: _sized(template, criteria, named) for key, template in pack.templates.items()},
        "demonstration": {**(pack.demonstration or {}), "story": []},
    }
    return Pack(**{name: getattr(pack, name) for name in Pack.model_fields} | changes)


def _sized(template: Template, criteria: int, named: Set[str]) -> Template:
    kept: dict[str, list[Criterion]] = {
        standard.id: [
            one.model_copy(update={"subtypes": ()})
            for one in standard.criteria
            if not standard.optional or one.id in named
        ]
        for standard in template.standards
    }
    plain = [
        (standard.id, one)
        for standard in template.standards
        if not standard.optional
        for one in kept[standard.id]
        if not (one.conditions or one.twins or one.id in named)
    ]
    more = criteria - sum(map(len, kept.values()))
    for number, (key, one) in zip(range(more), cycle(plain), strict=False):
        kept[key].append(one.model_copy(update={"id": f"{one.id}-{number}"}))
    for key, one in plain[more:] if more < 0 else ():
        kept[key].remove(one)
    standards = tuple(
        one.model_copy(update={"criteria": tuple(kept[one.id])}) for one in template.standards if kept[one.id]
    )
    return Template(**{name: getattr(template, name) for name in Template.model_fields} | {"standards": standards})


def _words(part: Any) -> Iterator[str]:
    """Every key and text in something made of maps and lists."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping):
        for key, value in part.items():
            yield from (key, *_words(value))
    elif isinstance(part, Sequence):
        for value in part:
            yield from _words(value)


def taken_through(session: Session, audit_round: AuditRound, user: User, *, seed: int) -> str:
    """Take the round from its open days to follow-up, as one inspector of all its bodies; returns that in words.

    Draws the sample, records findings, shares actions out, judges, prepares feedback and monitors; the days pass.
    """
    chance, opened = Random(seed), clock.now(session)
    for body in session.scalars(select(OversightBody)).all():
        if not any(held.oversight_body_id == body.id for held in user.appointments):
            session.add(
                Appointment(
                    user_id=user.id, role="lead_inspector", oversight_body_id=body.id, post="Lead inspector",
                    starts=date(2000, 1, 1),
                )
            )  # fmt: skip
    session.flush()
    by = actor_of(session, user, now=opened)
    types = [one.agency_type for one in audit_round.served]
    plan = SamplePlan.of(ModerationRules.of(pack_of(audit_round.pack_version)), types)
    sampling.commit_sample(session, audit_round.public_id, plan, by=by, now=opened, seed=f"{seed:064x}")
    clock.pin(session, clock.today(audit_round.closes) + timedelta(days=30))
    now = clock.now(session)
    sampling.draw_sample(session, audit_round.public_id, by=by, now=now)
    sampling.assign_rest(session, audit_round.public_id, by=by, now=now)
    checked = _findings(session, audit_round, now=now, chance=chance)
    planned = _actions(session, audit_round, now=now, chance=chance)
    judgements.judge_round(session, audit_round.public_id, by=by, now=now)
    release.prepare(session, audit_round.public_id, by=by, now=now)
    watched = _followed(session, audit_round, by=by, now=now, chance=chance)
    return f"{checked} answers checked, {planned} actions planned, {watched} agencies monitored"


def _findings(session: Session, audit_round: AuditRound, *, now: datetime, chance: Random) -> int:
    """What inspectors found about every question of the sample; about half are adjusted to the next grade."""
    pack = pack_of(audit_round.pack_version)
    number = 0
    for sampled in session.scalars(
        select(SampledReturn).join(SampledReturn.audit_return).where(AuditReturn.round_id == audit_round.id)
    ).all():
        sampled.finished_at = now if chance.random() < FINISHED else None
        audit_return = sampled.audit_return
        template = pack.templates[audit_return.agency_type]
        found: list[tuple[str, str]] = []
        for answer in session.scalars(
            select(SubmissionAnswer).where(SubmissionAnswer.submission_id == sampled.submission_id)
        ).all():
            if question_id(answer.criterion, answer.scope_key) not in sampled.questions or not answer.grade:
                continue
            grades = [one.key for one in pack.scheme_of(template, template.criterion(answer.criterion)).grades]
            lower = grades[min(grades.index(answer.grade) + chance.randint(0, 1), len(grades) - 1)]
            adjusted = lower != answer.grade
            session.add(
                Moderation(
                    return_id=audit_return.id, submission_id=sampled.submission_id, criterion=answer.criterion,
                    scope_key=answer.scope_key, version=1, outcome="adjusted" if adjusted else "upheld",
                    self_grade=answer.grade, grade=lower, reason="Seen on the spot." if adjusted else "", at=now,
                )
            )  # fmt: skip
            found.append((answer.criterion, lower))
        rollup.change(session, audit_return, "moderated", before=(), after=found)
        number += len(found)
    session.flush()
    return number


def _actions(session: Session, audit_round: AuditRound, *, now: datetime, chance: Random) -> int:
    """An action for about every third answer that expects a date."""
    latest = latest_submissions(audit_round)
    rows: list[Any] = []
    for return_id, criterion, scope, value in session.execute(
        select(latest.c.return_id, SubmissionAnswer.criterion, SubmissionAnswer.scope_key, SubmissionAnswer.value).join(
            latest, latest.c.submission_id == SubmissionAnswer.submission_id
        )
    ):
        if value.get("date_expected") and chance.random() < 1 / 3:
            rows.append(
                PlannedAction(
                    return_id=return_id, criterion=criterion, scope_key=scope, what="Train every team.",
                    owner="A head", due=date.fromisoformat(value["date_expected"]),
                    state=chance.choice(("planned", "under_way", "done")), made_at=audit_round.opens,
                    saved_at=audit_round.opens,
                )
            )  # fmt: skip
    session.add_all(rows)
    session.flush()
    return len(rows)


def _followed(session: Session, audit_round: AuditRound, *, by: Actor, now: datetime, chance: Random) -> int:
    """A tenth of the agencies are monitored, and as many are asked how their plans go."""
    every: Sequence[str] = session.scalars(
        select(AuditReturn.public_id)
        .where(AuditReturn.round_id == audit_round.id, AuditReturn.stage == "submitted")
        .order_by(AuditReturn.id)
    ).all()
    watched, asked = (chance.sample(every, len(every) // 10) for _ in range(2))
    follow_up.monitor(session, watched, reason="Key targets are missed.", review_on=None, by=by, now=now)
    follow_up.ask_for_progress(
        session, asked, subject="Your plan", text="How does it go?", due=clock.today(now) + timedelta(days=14), by=by,
        now=now,
    )  # fmt: skip
    return len(watched)
