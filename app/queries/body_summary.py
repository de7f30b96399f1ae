"""Reading the summary for one inspectorate: the joint findings of the agency types that it asks, agency by agency.

For who inspects in the round. Figures are of submissions only; what was found stands beside what was declared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.body_summary import (
    BodySummary,
    FollowedRow,
    MilestoneSummary,
    MonitoredRow,
    StandardSummary,
    TypeSummary,
    came_in_by_day,
    messages_of,
)
from app.domain.findings import (
    Body,
    CriterionFindings,
    Figure,
    FigureBy,
    JointFindings,
    MilestoneFindings,
    ResponseRow,
    percent,
)
from app.domain.integrity import hash_of
from app.domain.key_messages import rank_by_met
from app.models import AuditRound, OversightBody, RoundTemplate
from app.policy import Actor, require
from app.queries.findings import Reading, joint_findings, reading_of
from app.queries.follow_up import FollowedUp, followed_up, monitoring_of_round
from app.queries.profiles import Signed, everybody, figure_of, lines_of, pairing, themes_of
from app.queries.release import cited
from app.queries.rounds import NotFound, round_facts

EXTREMES = 5  # how many criteria of a type are listed as most and least often met


def bodies_asking(session: Session, audit_round: AuditRound) -> list[OversightBody]:
    """The oversight bodies that ask agencies in a round, in the order in which they were given."""
    rows = session.scalars(
        select(OversightBody)
        .join(RoundTemplate, RoundTemplate.oversight_body_id == OversightBody.id)
        .where(RoundTemplate.round_id == audit_round.id)
        .order_by(RoundTemplate.id)
    )
    return list(dict.fromkeys(rows))


def body_summary(
    session: Session, audit_round: AuditRound, code: str, *, actor: Actor, now: datetime, language: str = "en"
) -> BodySummary:
    """The summary for the oversight body with a code. Raises Denied, and NotFound where it asks nobody in the round."""
    require(actor, "findings.make", round_facts(session, audit_round, now=now))
    body = next((one for one in bodies_asking(session, audit_round) if one.code == code), None)
    if body is None:
        raise NotFound
    asked_by = {one.agency_type for one in audit_round.served if one.oversight_body_id == body.id}
    joint = joint_findings(session, audit_round, actor=actor, now=now, language=language)
    whole = reading_of(session, audit_round, language)
    reading = replace(
        whole,
        types=tuple(key for key in whole.types if key in asked_by),
        asked={reference: one for reference, one in whole.asked.items() if one.agency_type in asked_by},
    )
    found = everybody(reading)
    themes = themes_of(reading)
    criteria = [one for one in (*joint.criteria(), *joint.optional) if one.agency_type in asked_by]
    followed = followed_up(session, audit_round, actor=actor, now=now)
    monitored = [
        MonitoredRow(
            agency=one.audit_return.agency.name, recommendation=cited(reading.pack, one.recommendation),
            since=today(one.since), review_on=one.review_on,
        )
        for one in monitoring_of_round(session, audit_round, actor=actor, now=now)
        if one.cleared_at is None and one.audit_return.agency_type in asked_by
    ]  # fmt: skip
    types = tuple(_type(reading, joint, key, found.signed, criteria) for key in reading.types)
    summary = BodySummary(
        snapshot_id="",
        language=language,
        audit_round=joint.audit_round,
        pack=joint.pack,
        bodies=(Body(name=body.name, short=body.short, kind=body.kind),),
        schemes=tuple(
            one for one in joint.schemes if one.key in {asked.scheme_key for asked in reading.asked.values()}
        ),
        met=joint.texts.met,
        small_number=joint.texts.small_number,
        response=tuple(row for row in joint.response if row.agency_type in asked_by),
        response_total=_total(row for row in joint.response if row.agency_type in asked_by and not row.subtype),
        came_in=came_in_by_day(today(one.signed_at) for one in found.signed),
        figure=Figure.total(one.figure for one in criteria if not one.optional),
        checked=pairing(reading, found.signed),
        themes=themes,
        types=types,
        milestones=_milestones(joint.milestones, criteria, asked_by),
        agencies=lines_of(
            reading, found.signed, themes, judgements=None if found.without_findings else joint.judgements
        ),
        not_responding=tuple(one for one in joint.not_responding if one.agency_type in asked_by),
        followed=_followed(followed, asked_by, reading),
        monitored=tuple(monitored),
        is_withheld=found.without_findings,
    )  # fmt: skip
    facts = summary.model_dump(mode="json", exclude={"snapshot_id"})
    return summary.model_copy(
        update={
            "snapshot_id": hash_of({"kind": "body-summary", "joint": joint.snapshot_id, "body": code, "facts": facts}),
            "messages": messages_of(summary),
        }
    )


def _total(rows: object) -> ResponseRow:
    parts: Sequence[ResponseRow] = list(rows)  # type: ignore[call-overload]
    names = ("invited", "submitted", "on_time", "late", "nil", "in_progress", "not_started")
    numbers = {name: sum(getattr(one, name) for one in parts) for name in names}
    return ResponseRow(**numbers, percent=percent(numbers["submitted"], numbers["invited"] - numbers["nil"]))


def _type(
    reading: Reading, joint: JointFindings, key: str, signed: Sequence[Signed],
    criteria: Sequence[CriterionFindings],
) -> TypeSummary:  # fmt: skip
    template = reading.pack.templates[key]
    info = next(one for one in joint.agency_types if one.key == key)
    own = [one for one in criteria if one.agency_type == key]
    mine = [one for one in signed if one.agency_type == key]
    ranked = rank_by_met([one for one in own if not one.optional and one.figure.counted])
    extremes = min(EXTREMES, len(ranked) // 2)
    places = {placed.criterion.id: placed.standard for placed in template.criteria()}
    by_subtype: dict[tuple[str, str], list[tuple]] = defaultdict(list)  # type: ignore[type-arg]
    for one in mine:
        for given in one.given:
            by_subtype[places[given.asked.criterion.id].id, one.subtype].append((given.asked, given.grade))
    standards = []
    for number, standard in enumerate(template.standards, start=1):
        of = [one for one in own if places[one.id] is standard]
        if not of:
            continue
        standards.append(
            StandardSummary(
                key=standard.id,
                number=str(number),
                title=reading.say(standard.title),
                optional=standard.optional,
                figure=Figure.total(one.figure for one in of),
                by_subtype=tuple(
                    FigureBy(
                        agency_type=key, subtype=subtype, label=reading.say(known.plural),
                        figure=figure_of(by_subtype[standard.id, subtype]),
                    )
                    for subtype, known in reading.pack.agency_types[key].subtypes.items()
                    if by_subtype[standard.id, subtype]
                ),
                checked=pairing(reading, mine, lambda asked, at=standard: asked.placed.standard is at),  # type: ignore[misc]
            )
        )  # fmt: skip
    return TypeSummary(
        key=key,
        name=info.name,
        plural=info.plural,
        template_title=info.template_title,
        submitted=len(mine),
        figure=Figure.total(one.figure for one in own if not one.optional),
        checked=pairing(reading, mine),
        standards=tuple(standards),
        criteria=tuple(own),
        most=tuple(one.reference for one in reversed(ranked[len(ranked) - extremes :])),
        least=tuple(one.reference for one in ranked[:extremes]),
        judgements=tuple(one for one in joint.judgements.spreads if one.agency_type == key) if joint.judgements else (),
    )


def _milestones(
    every: Sequence[MilestoneFindings], criteria: Sequence[CriterionFindings], asked_by: set[str]
) -> tuple[MilestoneSummary, ...]:
    found = []
    for one in every:
        figure = Figure.total(each.figure for each in criteria if each.milestone == one.key and not each.optional)
        if figure.counted:
            found.append(
                MilestoneSummary(
                    key=one.key, label=one.label, date=one.date, counted=figure.counted, met=figure.met,
                    percent=figure.percent, rows=tuple(row for row in one.rows if row.agency_type in asked_by),
                )
            )  # fmt: skip
    return tuple(found)


def _followed(found: FollowedUp, asked_by: set[str], reading: Reading) -> tuple[FollowedRow, ...]:
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in found.lines:
        if line.agency_type in asked_by:
            for key, state in line.states.items():
                counts[key][state] += 1
    return tuple(
        FollowedRow(reference=cited(reading.pack, one.key), title=reading.say(one.title), **_states(counts[one.key]))
        for one in found.cited
        if counts[one.key]
    )


def _states(counts: Mapping[str, int]) -> dict[str, int]:
    return {state: counts.get(state, 0) for state in ("overdue", "unlikely", "on_track", "met")}
