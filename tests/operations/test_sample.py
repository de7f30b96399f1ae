"""A round invented for a pack: complete, the same every time, and said to be invented."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from obstore.store import LocalStore
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import begin_write
from app.files.store import Store
from app.jobs.gallery import sample_findings
from app.models import AuditReturn, SubmissionAnswer
from app.operations import sample
from app.queries.findings import joint_findings
from app.queries.returns import checklist
from tests.world import SYSTEM, pack

DAY = date(2026, 3, 31)


@pytest.mark.parametrize("key", ["every-answer", "every-site", "climbie-2003"])
def test_any_pack_has_a_round_that_is_answered_whole(session: Session, tmp_path: Path, app: Flask, key: str) -> None:
    session.rollback()
    begin_write(session)
    store = Store(LocalStore(tmp_path / "files", mkdir=True), tmp_path / "files")
    moved: list[tuple[int, int]] = []
    audit_round, now = sample.build(
        session, pack(key), seed=1, day=DAY, by=SYSTEM, store=store, each=5,
        progress=lambda done, of: moved.append((done, of)),
    )  # fmt: skip
    returns = session.scalars(select(AuditReturn)).all()
    assert len(returns) == 5 * len(pack(key).agency_types)
    assert moved[-1] == (len(returns), len(returns))
    submitted = [one for one in returns if one.stage == "submitted"]
    assert len(submitted) == len(returns) - len(returns) // sample.SILENT
    assert all(not checklist(session, one).outstanding for one in submitted)
    types = set(session.scalars(select(SubmissionAnswer.type).distinct()))
    placed = [one for template in pack(key).templates.values() for one in template.criteria()]
    assert types == {one.criterion.answer.type for one in placed}
    findings = joint_findings(session, audit_round, actor=SYSTEM, now=now)
    assert findings.audit_round.is_demonstration
    assert findings.audit_round.is_closed
    assert findings.response_total.submitted == len(submitted)


def test_the_same_pack_gives_the_same_findings() -> None:
    first, second = (sample_findings(pack("every-answer"), each=2) for _ in range(2))
    assert first == second
    assert sample_findings(pack("every-answer"), each=3) != first


def test_a_pack_with_a_survey_of_staff_has_results_of_it() -> None:
    staff = sample_findings(pack("every-answer"))["staff"]
    assert [line["id"] for line in staff["lines"]] == ["yes-no", "choice"]
    assert all(line["agencies"] and line["counted"] >= staff["least"] for line in staff["lines"])
    assert any(line["few"] for line in staff["lines"]), "too few answered somewhere"
