"""Reading one submission as a document: the agency's return, and the receipt for it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.answers import ANSWER_TYPES
from app.domain.findings import (
    AgencyInfo,
    AgencyReturnDocument,
    Figure,
    ReceiptDocument,
    ShownFact,
    Signature,
    SignedAnswer,
    SignedStandard,
    StaffSaid,
)
from app.domain.integrity import hash_of
from app.domain.life import is_late
from app.domain.templates import GradingScheme, Pack, Placed, Template
from app.domain.text import localise
from app.models import AuditReturn, Declaration, Event, Submission, SubmissionVoided
from app.policy import Actor, require
from app.queries.actions import ByQuestion, signed_actions
from app.queries.evidence import ByQuestion as EvidenceByQuestion
from app.queries.evidence import signed_evidence
from app.queries.findings import bodies_of, citations, pack_info, round_info, scheme_infos
from app.queries.packs import template_of
from app.queries.returns import return_facts
from app.queries.surveys import Beside, beside_answers, survey_of


@dataclass(frozen=True)
class _Signed:
    """A submission with all that its documents say, read once."""

    audit_return: AuditReturn
    submission: Submission
    signature: Signature
    content: Mapping[str, Any]
    actions: ByQuestion
    evidence: EvidenceByQuestion
    pack: Pack
    template: Template
    common: Mapping[str, Any]


def _signed(
    session: Session, audit_return: AuditReturn, submission: Submission | None, *, actor: Actor, now: datetime,
    language: str,
) -> _Signed | None:  # fmt: skip
    require(actor, "return.read", return_facts(session, audit_return, now=now))
    query = (
        select(Submission, Declaration, SubmissionVoided)
        .join(Declaration, Declaration.submission_id == Submission.id)
        .outerjoin(SubmissionVoided, SubmissionVoided.submission_id == Submission.id)
        .where(Submission.return_id == audit_return.id)
        # one that stands before those that were voided, the latest first
        .order_by(SubmissionVoided.id.is_not(None), Submission.number.desc())
        .limit(1)
    )
    if submission is not None:
        query = query.where(Submission.id == submission.id)
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    found, declaration, voided = row
    audit_round = audit_return.audit_round
    pack, template = template_of(audit_return)
    content = json.loads(found.content)
    signature = Signature(
        submission_number=found.number,
        text=declaration.text,
        language=declaration.language,
        name=declaration.name,
        post=declaration.post,
        acting=declaration.acting,
        signed_at=declaration.signed_at,
        content_hash=found.content_hash,
        submission_hash=declaration.submission_hash,
        is_voided=voided is not None,
        voided_reason=voided.reason if voided else "",
        voided_at=voided.at if voided else None,
    )
    common = {
        "language": language,
        "audit_round": round_info(
            audit_round, as_at=voided.at if voided else found.submitted_at, is_closed=now > audit_round.open_until
        ),
        "pack": pack_info(audit_round, pack, language),
        "template_title": localise(template.title, language),
        "template_sha256": content["template"]["sha256"],
        "bodies": bodies_of(session, audit_round, audit_return.agency_type),
        "agency": AgencyInfo.of(
            pack, audit_return.agency_type, audit_return.subtype, name=content["agency"]["name"],
            code=content["agency"]["code"], language=language,
        ),
        "signature": signature,
    }
    actions = signed_actions(content, found.submitted_at)
    evidence = signed_evidence(content)
    return _Signed(audit_return, found, signature, content, actions, evidence, pack, template, common)


def _snapshot(signed: _Signed, kind: str, **more: object) -> str:
    """What the document rests on, as a hash: the same facts give the same document."""
    info = signed.common["audit_round"]
    return hash_of(
        {
            "kind": kind,
            "submission": signed.signature.submission_hash,
            "voided": signed.signature.is_voided,
            "closed": info.is_closed,
            "language": signed.common["language"],
            **more,
        }
    )


def agency_return_document(
    session: Session, audit_return: AuditReturn, submission: Submission | None = None, *, actor: Actor,
    now: datetime, language: str = "en",
) -> AgencyReturnDocument | None:  # fmt: skip
    """One submission with its declaration and every answer; None when there is none.

    Without `submission`: the latest that is not voided, or else the latest. Raises Denied unless the actor may read it.
    What staff say stands beside the answers: something was submitted, so that all readers may see the same of it.
    """
    signed = _signed(session, audit_return, submission, actor=actor, now=now, language=language)
    if signed is None:
        return None
    said = beside_answers(session, audit_return, actor=actor, now=now)
    staff = {key: _staff(one, language) for key, one in said.items()}
    more = {"staff": {key: one.model_dump() for key, one in staff.items()}} if staff else {}
    info = signed.common["audit_round"]
    common = {
        **signed.common,
        "audit_round": info.model_copy(update={"as_at": max([info.as_at, *(one.at for one in said.values())])}),
    }
    answers: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for answer in signed.content["answers"]:
        answers[answer["criterion"]].append(answer)
    names = _place_names(signed.content)
    vouches = {vouch["standard"]: vouch for vouch in signed.content["vouches"]}
    standards = []
    used: set[str] = set()
    for place, standard in enumerate(signed.template.standards, start=1):
        found, figures = [], []
        for placed in (p for p in signed.template.criteria() if p.standard is standard):
            key = placed.criterion.grading or signed.template.grading
            scheme = signed.pack.grading_schemes[key]
            about = [
                (names.get((placed.criterion.scope, answer["scope"]), answer["scope"]), answer)
                for answer in answers.get(placed.criterion.id, ())
            ]
            for name, answer in sorted(about, key=lambda one: one[0].casefold()):
                shown = _answer(signed, placed, name, key, scheme, answer, language)
                found.append(shown.model_copy(update={"staff": staff.get(placed.criterion.id)}))
                if not placed.criterion.answer.is_graded:
                    continue  # a fact is counted nowhere
                figures.append(
                    Figure.of({answer["value"].get("grade", ""): 1}, scheme_key=key, scheme=scheme, asked=1)
                )
                used.add(key)
        if not found:
            continue
        vouch = vouches.get(standard.id, {})
        standards.append(
            SignedStandard(
                number=place,
                title=localise(standard.title, language),
                introduction=localise(standard.introduction or "", language),
                optional=standard.optional,
                label=localise(standard.label or "", language),
                figure=Figure.total(figures),
                answers=tuple(found),
                vouched_by=vouch.get("name", ""),
                vouched_post=vouch.get("post", ""),
            )
        )
    return AgencyReturnDocument(
        snapshot_id=_snapshot(signed, "agency-return", **more),
        schemes=scheme_infos(signed.pack, used, language),
        standards=tuple(standards),
        figure=Figure.total(s.figure for s in standards if not s.optional),
        outstanding=tuple(
            answer
            for standard in standards
            if not standard.optional
            for answer in standard.answers
            if answer.counts_as == "not_met"
        ),
        staff_title=_survey_title(audit_return, language) if staff else "",
        sites=_sites(signed.content),
        **common,
    )


def _place_names(content: Mapping[str, Any]) -> dict[tuple[str | None, str], str]:
    """The names of areas and sites as they were signed, by kind and scope. Content of the first format has none."""
    return {(kind, one["scope"]): one["name"] for kind in ("area", "site") for one in content.get(f"{kind}s", ())}


def _sites(content: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The sites that were signed, by name; empty where the agency says it has none, None where it was not asked."""
    if "sites" not in content:
        return None
    return tuple(sorted((f"{one['name']} ({one['code']})" for one in content["sites"]), key=str.casefold))


def _staff(beside: Beside, language: str) -> StaffSaid:
    return StaffSaid(
        text=localise(beside.text, language), asked=beside.asked, agree=beside.agree, counted=beside.counted,
        percent=beside.percent,
    )  # fmt: skip


def _survey_title(audit_return: AuditReturn, language: str) -> str:
    found = survey_of(audit_return.audit_round)
    return localise(found[1].title, language) if found else ""


def _answer(
    signed: _Signed, placed: Placed, name: str, key: str, scheme: GradingScheme, answer: Mapping[str, Any],
    language: str,
) -> SignedAnswer:  # fmt: skip
    """An answer as it was signed; `name` is of the area or site that it is about."""
    criterion, value = placed.criterion, answer["value"]
    grade = next((g for g in scheme.grades if g.key == value.get("grade")), None)
    basis = next((b for b in scheme.bases if b.key == value.get("basis")), None)
    milestone = signed.pack.milestones[criterion.milestone] if criterion.milestone else None
    due = milestone.due(signed.audit_return.audit_round.milestones_from) if milestone else None
    expected = date.fromisoformat(value["date_expected"]) if value.get("date_expected") else None
    return SignedAnswer(
        number=placed.number,
        id=criterion.id,
        scope=answer["scope"],
        scope_name=name,
        question=localise(criterion.question, language),
        why=localise(criterion.why, language),
        grade=grade.key if grade else "",
        grade_label=localise(grade.label, language) if grade else "",
        counts_as=grade.counts_as if grade else "",
        type=criterion.answer.type,
        is_graded=criterion.answer.is_graded,
        facts=tuple(
            ShownFact.of(fact, language) for fact in ANSWER_TYPES[criterion.answer.type].facts(value, criterion)
        ),
        basis_label=localise(basis.label, language) if basis else "",
        files=value.get("files"),
        files_date=date.fromisoformat(value["files_date"]) if value.get("files_date") else None,
        commentary=value.get("commentary", ""),
        reason=value.get("reason", ""),
        date_expected=expected,
        recommendations=citations(signed.pack, criterion, language),
        milestone_label=localise(milestone.label, language) if milestone else "",
        milestone_date=due,
        is_after_milestone=bool(
            due and expected and expected > due and grade and grade.counts_as == "not_met"
        ),
        scheme=key,
        actions=tuple(signed.actions.get((criterion.id, answer["scope"]), ())),
        evidence=tuple(signed.evidence.get((criterion.id, answer["scope"]), ())),
    )


def receipt_document(
    session: Session, audit_return: AuditReturn, submission: Submission | None = None, *, actor: Actor, now: datetime,
    language: str = "en",
) -> ReceiptDocument | None:  # fmt: skip
    """What proves a submission: hashes, signatory, time, and the head of the return's history at that time.

    None when nothing was submitted. Raises Denied unless the actor may read the return.
    """
    signed = _signed(session, audit_return, submission, actor=actor, now=now, language=language)
    if signed is None:
        return None
    chain = f"return:{audit_return.public_id}"
    head = session.execute(
        select(Event.seq, Event.hash)
        .where(Event.chain == chain, Event.at <= signed.submission.submitted_at)
        .order_by(Event.seq.desc())
        .limit(1)
    ).one_or_none()
    asked = {placed.criterion.id for placed in signed.template.criteria() if not placed.standard.optional}
    return ReceiptDocument(
        snapshot_id=_snapshot(signed, "receipt", head=head.hash if head else ""),
        return_id=audit_return.public_id,
        is_late=is_late(
            submitted_at=signed.submission.submitted_at,
            due=audit_return.audit_round.in_time_until,
            extended_to=audit_return.own_until,
        ),
        answers=len(signed.content["answers"]),
        criteria=len(asked & {answer["criterion"] for answer in signed.content["answers"]}),
        chain=chain,
        chain_seq=head.seq if head else 0,
        chain_head=head.hash if head else "",
        **signed.common,
    )
