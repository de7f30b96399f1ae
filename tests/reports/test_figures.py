"""The figures of SQL against the same counted slowly in plain Python, on both databases."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.domain.findings import JointFindings
from app.domain.templates import Criterion, Pack
from app.models import (
    AgencyInArea,
    AuditReturn,
    AuditRound,
    OversightBody,
    Submission,
    SubmissionVoided,
    User,
)
from app.policy import Actor, Denied, Held, system_actor
from app.queries.documents import agency_return_document, receipt_document
from app.queries.findings import joint_findings
from tests.reports.seeded import AFTER, COUNTS_FROM, DUE, seed
from tests.world import pack

SYSTEM = system_actor("test")


BOTH_PACKS = pytest.mark.parametrize("chosen", ["climbie-2003", "section-11-2024"], indirect=True)


@pytest.fixture
def chosen(request: pytest.FixtureRequest) -> Pack:
    """The pack that a test runs with: the first, or each of `BOTH_PACKS`."""
    return pack(getattr(request, "param", "climbie-2003"))


@pytest.fixture
def audit_round(session: Session, chosen: Pack) -> AuditRound:
    """A seeded round."""
    return seed(session, chosen)


@dataclass
class Answered:
    """One return with its standing submission, read from the frozen content and not from the rows of answers."""

    audit_return: AuditReturn
    submission: Submission
    answers: dict[str, dict[str, Any]]
    areas: set[int]


def standing(session: Session, audit_round: AuditRound) -> list[Answered]:
    found = []
    for audit_return in session.scalars(select(AuditReturn).where(AuditReturn.round_id == audit_round.id)):
        submissions = [
            s
            for s in session.scalars(select(Submission).where(Submission.return_id == audit_return.id))
            if session.scalar(select(SubmissionVoided).where(SubmissionVoided.submission_id == s.id)) is None
        ]
        if submissions:
            latest = max(submissions, key=lambda s: s.number)
            answers = {a["criterion"]: a["value"] for a in json.loads(latest.content)["answers"]}
            areas = {
                row.area_id
                for row in session.scalars(
                    select(AgencyInArea).where(AgencyInArea.agency_id == audit_return.agency_id)
                )
                if row.starts <= DUE.date() and (row.ends is None or row.ends >= DUE.date())
            }
            found.append(Answered(audit_return, latest, answers, areas))
    return found


def kind_of(chosen: Pack, agency_type: str, criterion: Criterion, grade: str) -> str:
    template = chosen.templates[agency_type]
    found = chosen.scheme_of(template, criterion).grade(grade)
    return "apart" if found.shown_apart and found.counts_as == "not_met" else found.counts_as


def read(session: Session, audit_round: AuditRound) -> JointFindings:
    return joint_findings(session, audit_round, actor=SYSTEM, now=AFTER)


@BOTH_PACKS
def test_criteria_themes_and_subtypes(session: Session, audit_round: AuditRound, chosen: Pack) -> None:
    findings, returns = read(session, audit_round), standing(session, audit_round)
    every = {c.reference: c for c in (*findings.criteria(), *findings.optional)}
    themes: dict[tuple[str, str], Counter[str]] = {}
    for agency_type, template in chosen.templates.items():
        for placed in template.criteria():
            criterion = placed.criterion
            own = [r for r in returns if r.audit_return.agency_type == agency_type]
            asked = [r for r in own if criterion.asked_of(r.audit_return.subtype)]
            given = [r.answers[criterion.id].get("grade", "") for r in asked if criterion.id in r.answers]
            if not criterion.answer.is_graded:
                assert not any(given) and f"{agency_type}#{criterion.id}" not in every, "facts have their own figures"
                continue
            grades = Counter(grade for grade in given if grade)
            kinds: Counter[str] = Counter()
            for grade, number in grades.items():
                kinds[kind_of(chosen, agency_type, criterion, grade)] += number
            figure = every[f"{agency_type}#{criterion.id}"].figure
            assert {grade: number for grade, number in figure.by_grade.items() if number} == dict(grades)
            assert figure.asked == len(asked)
            assert figure.met == kinds["met"]
            assert figure.not_met == kinds["not_met"] + kinds["apart"]
            assert figure.apart == kinds["apart"]
            assert figure.excluded == kinds["excluded"]
            assert figure.unanswered == len(asked) - sum(grades.values())
            for part in every[f"{agency_type}#{criterion.id}"].by_subtype:
                assert part.figure.asked == sum(1 for r in asked if r.audit_return.subtype == part.subtype)
            if not placed.standard.optional:
                themes.setdefault((criterion.theme, agency_type), Counter()).update(kinds)
    for theme in findings.themes:
        for row in theme.by_type:
            wanted = themes[theme.key, row.agency_type]
            assert (row.figure.met, row.figure.not_met) == (wanted["met"], wanted["not_met"] + wanted["apart"])
            subtypes = [s.figure for s in theme.by_subtype if s.agency_type == row.agency_type]
            assert sum(one.met for one in subtypes) == row.figure.met


def test_response_and_who_did_not_respond(session: Session, audit_round: AuditRound) -> None:
    findings, returns = read(session, audit_round), standing(session, audit_round)
    every = session.scalars(select(AuditReturn).where(AuditReturn.round_id == audit_round.id)).all()
    late = [
        r
        for r in returns
        if r.submission.submitted_at > max(DUE, r.audit_return.extended_to or DUE)
    ]
    total = findings.response_total
    nil = sum(1 for r in every if r.stage == "nil")
    assert (total.invited, total.submitted, total.late, total.nil) == (len(every), len(returns), len(late), nil)
    assert total.on_time == len(returns) - len(late)
    assert total.in_progress == sum(1 for r in every if r.stage == "started")
    assert total.not_started == sum(1 for r in every if r.stage == "invited")
    types = [row for row in findings.response if not row.subtype]
    assert sum(row.invited for row in types) == total.invited
    assert sum(row.submitted for row in findings.response if row.subtype) == total.submitted
    answered = {r.audit_return.agency.code for r in returns}
    assert {row.code for row in findings.not_responding} == {r.agency.code for r in every} - answered
    assert {row.reason for row in findings.not_responding if row.stage == "nil"} == {"Merged"}


def test_milestones(session: Session, audit_round: AuditRound, chosen: Pack) -> None:
    findings, returns = read(session, audit_round), standing(session, audit_round)
    for milestone in findings.milestones:
        due = chosen.milestones[milestone.key].due(COUNTS_FROM)
        assert milestone.date == due
        for row in milestone.rows:
            criterion = chosen.templates[row.agency_type].criterion(row.reference.split("#")[1])
            assert criterion.milestone == milestone.key
            wanted: Counter[str] = Counter()
            for one in returns:
                value = one.answers.get(criterion.id)
                if one.audit_return.agency_type != row.agency_type or value is None:
                    continue
                if kind_of(chosen, row.agency_type, criterion, value["grade"]) in ("not_met", "apart"):
                    expected = value.get("date_expected")
                    when = "no_date" if not expected else "by_then" if expected <= due.isoformat() else "after"
                    wanted[when] += 1
            assert (row.by_then, row.after, row.no_date) == (wanted["by_then"], wanted["after"], wanted["no_date"])
            assert row.not_yet == wanted.total()
        assert milestone.not_yet == sum(row.not_yet for row in milestone.rows)


@BOTH_PACKS
def test_bases_of_assurance(session: Session, audit_round: AuditRound, chosen: Pack) -> None:
    findings, returns = read(session, audit_round), standing(session, audit_round)
    for row in findings.assurance.rows:
        template = chosen.templates[row.agency_type]
        every, of_met = Counter[str](), Counter[str]()
        for one in (r for r in returns if r.audit_return.agency_type == row.agency_type):
            for placed in template.criteria():
                value = one.answers.get(placed.criterion.id, {})
                if placed.standard.optional or "basis" not in value:
                    continue
                every[value["basis"]] += 1
                if kind_of(chosen, row.agency_type, placed.criterion, value["grade"]) == "met":
                    of_met[value["basis"]] += 1
        assert {b.key: b.answers for b in row.bases if b.answers} == dict(every)
        assert {b.key: b.met for b in row.bases if b.met} == dict(of_met)


@BOTH_PACKS
def test_twins_pair_agencies_of_one_area(session: Session, audit_round: AuditRound, chosen: Pack) -> None:
    findings, returns = read(session, audit_round), standing(session, audit_round)
    assert findings.twins
    for twin in findings.twins:
        wanted: Counter[str] = Counter()
        areas = set()
        (a_type, a_id), (b_type, b_id) = twin.a.reference.split("#"), twin.b.reference.split("#")
        for one in returns:
            for other in returns:
                if one is other or (one.audit_return.agency_type, other.audit_return.agency_type) != (a_type, b_type):
                    continue
                if a_id not in one.answers or b_id not in other.answers:
                    continue
                a = kind_of(chosen, a_type, chosen.templates[a_type].criterion(a_id), one.answers[a_id]["grade"])
                b = kind_of(chosen, b_type, chosen.templates[b_type].criterion(b_id), other.answers[b_id]["grade"])
                for area in one.areas & other.areas:
                    areas.add(area)
                    if not {a, b} <= {"met", "not_met"}:
                        wanted["not_comparable"] += 1
                    elif a == b:
                        wanted["both" if a == "met" else "neither"] += 1
                    else:
                        wanted["only_a" if a == "met" else "only_b"] += 1
        for view in ("both", "only_a", "only_b", "neither", "not_comparable"):
            assert getattr(twin, view) == wanted[view], (twin.a.reference, twin.b.reference, view)
        assert twin.pairs == wanted.total()
        assert twin.compared == twin.pairs - twin.not_comparable
        assert twin.areas == len(areas)
        assert sum(area.pairs for area in twin.by_area) == twin.pairs


def test_agencies_that_meet_everything(session: Session, audit_round: AuditRound, chosen: Pack) -> None:
    findings, returns = read(session, audit_round), standing(session, audit_round)
    number = 0
    for one in returns:
        template = chosen.templates[one.audit_return.agency_type]
        kinds = {
            kind_of(chosen, one.audit_return.agency_type, p.criterion, one.answers[p.criterion.id]["grade"])
            for p in template.criteria()
            if not p.standard.optional and p.criterion.id in one.answers
        }
        number += "met" in kinds and kinds <= {"met", "excluded"}
    assert number
    assert findings.overall.all_met == number
    assert findings.overall.agencies == len(returns)


def test_the_snapshot_follows_the_submissions(session: Session, audit_round: AuditRound) -> None:
    first = read(session, audit_round)
    assert read(session, audit_round) == first
    later = joint_findings(session, audit_round, actor=SYSTEM, now=AFTER + timedelta(days=400))
    assert later.model_dump_json() == first.model_dump_json()
    submission = session.scalars(select(Submission).order_by(Submission.id.desc())).first()
    assert submission is not None
    session.add(SubmissionVoided(submission_id=submission.id, reason="Again", at=AFTER))
    session.flush()
    after = read(session, audit_round)
    assert after.snapshot_id != first.snapshot_id
    assert after.response_total.submitted == first.response_total.submitted - 1


def test_statements_do_not_grow_with_agencies(session: Session, chosen: Pack) -> None:
    audit_round = seed(session, chosen, agencies=60)
    statements: list[str] = []
    engine = session.get_bind()

    def count(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    try:
        read(session, audit_round)
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert len(statements) <= 20


def test_only_who_may_read_findings_gets_them(session: Session, audit_round: AuditRound) -> None:
    other = OversightBody(code="other", name="Other", short="O", kind="inspectorate")
    session.add(other)
    session.flush()
    audit_return = session.scalars(select(AuditReturn)).first()
    assert audit_return is not None
    outsider = Actor(user_id=1, held=(Held("lead_inspector", oversight_body_id=other.id),))
    agency = Actor(user_id=1, held=(Held("audit_lead", agency_id=audit_return.agency_id),))
    for actor in (outsider, agency, Actor()):
        with pytest.raises(Denied):
            joint_findings(session, audit_round, actor=actor, now=AFTER)
    audit_round.findings_from = AFTER - timedelta(days=1)
    session.flush()
    assert joint_findings(session, audit_round, actor=agency, now=AFTER).themes
    with pytest.raises(Denied):
        joint_findings(session, audit_round, actor=outsider, now=AFTER)


def test_a_document_is_of_the_standing_submission(session: Session, audit_round: AuditRound) -> None:
    for one in standing(session, audit_round):
        document = agency_return_document(session, one.audit_return, actor=SYSTEM, now=AFTER)
        receipt = receipt_document(session, one.audit_return, actor=SYSTEM, now=AFTER)
        assert document is not None
        assert receipt is not None
        assert document.signature.content_hash == one.submission.content_hash
        assert not document.signature.is_voided
        shown = {answer.id for standard in document.standards for answer in standard.answers}
        assert shown == set(one.answers)
        assert receipt.answers == len(one.answers)
        assert len(receipt.chain_head) == 64


def test_a_document_of_a_reopened_return_is_marked_voided(session: Session, audit_round: AuditRound) -> None:
    reopened = session.scalars(
        select(AuditReturn)
        .join(Submission, Submission.return_id == AuditReturn.id)
        .where(AuditReturn.stage == "started")
    ).first()
    assert reopened is not None
    document = agency_return_document(session, reopened, actor=SYSTEM, now=AFTER)
    assert document is not None
    assert document.signature.is_voided
    assert document.signature.voided_reason == "To be looked at again"
    begun = session.scalars(select(AuditReturn).where(AuditReturn.stage == "invited")).first()
    assert begun is not None
    assert agency_return_document(session, begun, actor=SYSTEM, now=AFTER) is None
    user = session.scalars(select(User)).first()
    assert user is not None
    with pytest.raises(Denied):
        agency_return_document(session, reopened, actor=Actor(user_id=user.id), now=AFTER)
