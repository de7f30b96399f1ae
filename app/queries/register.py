"""Reading the register of a round's recommendations: decisions and progress, from what was signed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.clock import today
from app.domain.findings import FindingsTexts
from app.domain.integrity import hash_of
from app.domain.recommendations import is_decision
from app.domain.register import InRound, Register, Signed, beside, decided_by, reports_of, without_names
from app.domain.templates import Pack
from app.domain.text import localise
from app.models import Agency, AuditReturn, AuditRound, PackVersion, SubmissionAnswer
from app.policy import Actor, allows, require
from app.queries.checks import is_second_at_work
from app.queries.findings import bodies_of, latest_submissions, pack_info, round_info, small_numbers
from app.queries.moderation import checked
from app.queries.packs import pack_of
from app.queries.rounds import round_facts

MOST_ROUNDS = 12  # told over time, the round itself among them


def has_register(audit_round: AuditRound) -> bool:
    """Whether a round asks anybody to decide on recommendations."""
    return bool(decided_by(pack_of(audit_round.pack_version), _types(audit_round)))


def register(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, language: str = "en",
    publishing: bool = False, hidden: Collection[str] = (),
) -> Register | None:  # fmt: skip
    """The register of a round as it stands now; None where the round decides on nothing.

    For oversight bodies: raises Denied for others. From submissions only; where an inspector checked an answer about
    progress, the grade found holds, unless a second inspector is still at work in that round; in this one it does then
    too where the register is for `publishing`, which is for nobody to read before. What is published says nothing of
    too few agencies, nor of criteria `hidden` in the findings that come out with it. Three statements for each round.
    """
    require(actor, "release.read", round_facts(session, audit_round, now=now))
    if not has_register(audit_round):
        return None
    pack = pack_of(audit_round.pack_version)
    texts = FindingsTexts.of(pack)
    below, names = small_numbers(audit_round, texts) if publishing else (0, True)
    rounds, facts, instants = [], [], []
    has_checks = False
    for one in (*_earlier(session, audit_round, actor=actor, now=now), audit_round):
        found, rests_on, latest, was_checked = _in_round(session, one, whole=publishing and one is audit_round)
        # what an earlier round left out stays left out here
        limit = max(below, small_numbers(one)[0]) if publishing else 0
        rounds.append(replace(found, below=limit, hidden=hidden if one is audit_round else ()))
        facts.append({"round": one.key, "template": one.pack_version.sha256, **rests_on})
        instants += [latest] if latest else []
        has_checks = has_checks or was_checked
    if not names:
        rounds[-1] = without_names(rounds[-1], language)
    is_closed = now > audit_round.open_until
    limits = [one.below for one in rounds]
    left_out = {"below": limits, "names": names} if any(limits) or not names else {}
    return Register(
        snapshot_id=hash_of(
            {"kind": "register", "rounds": facts, "closed": is_closed, "language": language, **left_out}
        ),
        language=language,
        audit_round=round_info(audit_round, as_at=max(instants, default=audit_round.opens), is_closed=is_closed),
        pack=pack_info(audit_round, pack, language),
        title=localise(texts.title or pack.title, language),
        subtitle=localise(texts.subtitle, language) if texts.subtitle else "",
        acknowledgement=localise(texts.acknowledgement, language) if texts.acknowledgement else "",
        bodies=bodies_of(session, audit_round),
        reports=reports_of(rounds, language),
        beside=beside(rounds[-1], language),
        has_checks=has_checks,
        suppressed_below=max(limits),
        names_agencies=names,
    )


def _types(audit_round: AuditRound) -> frozenset[str]:
    return frozenset(one.agency_type for one in audit_round.served)


def _earlier(session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime) -> list[AuditRound]:
    """The last earlier rounds of the same pack and owner that all who inspect in this round may read, in their order.

    A report is made once and read by all of them.
    """
    found = session.scalars(
        select(AuditRound)
        .join(AuditRound.pack_version)
        .where(
            PackVersion.pack == audit_round.pack_version.pack,
            AuditRound.owner_id == audit_round.owner_id,
            AuditRound.is_demonstration == audit_round.is_demonstration,
            AuditRound.stage != "draft",
            or_(
                AuditRound.opens < audit_round.opens,
                and_(AuditRound.opens == audit_round.opens, AuditRound.id < audit_round.id),
            ),
        )
        .order_by(AuditRound.opens.desc(), AuditRound.id.desc())
        .options(joinedload(AuditRound.pack_version), selectinload(AuditRound.served))
        .limit(MOST_ROUNDS - 1)
    )
    bodies = {served.oversight_body_id for served in audit_round.served} - {audit_round.owner_id}
    readable = [
        one
        for one in found
        if bodies <= {served.oversight_body_id for served in one.served}
        and allows(actor, "release.read", round_facts(session, one, now=now))
    ]
    return readable[::-1]


def _in_round(
    session: Session, audit_round: AuditRound, *, whole: bool
) -> tuple[InRound, dict[str, Any], datetime | None, bool]:
    """The submissions of a round, what they are for a snapshot, the latest fact, and whether anything was checked.

    `whole`: with what was found, even where a second inspector is at work.
    """
    pack = pack_of(audit_round.pack_version)
    latest = latest_submissions(audit_round)
    rows = session.execute(
        select(
            latest.c.return_id, latest.c.submitted_at, AuditReturn.public_id, AuditReturn.agency_type, Agency.name,
            SubmissionAnswer.criterion, SubmissionAnswer.scope_key, SubmissionAnswer.value,
        )
        .join(AuditReturn, AuditReturn.id == latest.c.return_id)
        .join(AuditReturn.agency)
        .join(SubmissionAnswer, SubmissionAnswer.submission_id == latest.c.submission_id)
        .where(or_(*(
            and_(AuditReturn.agency_type == kind, SubmissionAnswer.criterion.in_(wanted))
            for kind, wanted in _wanted(pack).items()
        )))
        .order_by(Agency.name, AuditReturn.id, SubmissionAnswer.id)
    ).all()  # fmt: skip
    ids = {row.return_id for row in rows}
    found = checked(session, ids) if whole or not is_second_at_work(session, audit_round) else {}
    decisions = _decisions(pack)
    answers: dict[int, dict[str, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    of: dict[int, Any] = {}
    instants = []
    was_checked = False
    for row in rows:
        value, finding = row.value, found.get(row.return_id, {}).get((row.criterion, row.scope_key))
        instants.append(row.submitted_at)
        # a decision is that of whoever decided
        if finding and row.criterion not in decisions.get(row.agency_type, ()):
            value = {**value, "grade": finding.grade}
            instants.append(finding.at)
            was_checked = True
        answers[row.return_id][row.criterion].append(value)
        of[row.return_id] = row
    returns = [Signed(row.name, row.agency_type, dict(answers[id_])) for id_, row in of.items()]
    in_round = InRound(audit_round.name, today(audit_round.due), pack, _types(audit_round), returns)
    rests_on = {"answers": {of[id_].public_id: each for id_, each in answers.items()}}
    return in_round, rests_on, max(instants, default=None), was_checked


def _wanted(pack: Pack) -> dict[str, list[str]]:
    """By agency type what the register tells: questions about recommendations, and facts in optional standards."""
    return {
        kind: [
            placed.criterion.id
            for placed in template.criteria()
            if placed.criterion.recommendations or (placed.standard.optional and not placed.criterion.answer.is_graded)
        ]
        for kind, template in pack.templates.items()
    }


def _decisions(pack: Pack) -> dict[str, set[str]]:
    """By agency type the questions that are answered by decisions."""
    return {
        kind: {placed.criterion.id for placed in template.criteria() if is_decision(pack, template, placed.criterion)}
        for kind, template in pack.templates.items()
    }
