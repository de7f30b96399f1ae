"""What was counted, in the joint report and its data, and what a correction of it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.domain.corrections import changes
from app.domain.counted import decimal_text
from app.domain.findings import JointFindings
from app.domain.templates import Pack
from app.models import AuditRound
from app.policy import system_actor
from app.queries.findings import joint_findings
from reports.make import make_report
from tests.pdf_gate import assert_pdf_ua
from tests.queries.test_facts import counted_in, no_grades, two_types
from tests.reports.seeded import AFTER
from tests.reports.test_checks import text_of

SYSTEM = system_actor("test")


def made(session: Session, audit_round: AuditRound, folder: Path) -> tuple[Path, JointFindings]:
    out, data = folder / "joint.pdf", folder / "joint.json"
    make_report(session, "joint-findings", audit_round, None, out=out, data=data, actor=SYSTEM, now=AFTER)
    return out, JointFindings.model_validate_json(data.read_text())


def test_the_report_says_what_was_counted(session: Session, tmp_path: Path) -> None:
    audit_round = counted_in(session, two_types())
    out, findings = made(session, audit_round, tmp_path)
    assert_pdf_ua(out)
    text = " ".join(text_of(out).split())
    assert "What was counted" in text and "per cent: Staff who are trained, of: All staff" in text
    told = {one.id: one for one in findings.facts}
    for label, number in zip(("Yes", "No"), told["yes-no"].counted.chosen.values(), strict=True):
        own = " ".join(str(row.counted.chosen[label.lower()]) for row in told["yes-no"].rows)
        assert f"{label} {number} {own}" in text
    spread = told["number"].counted.spread
    assert spread
    five = (spread.smallest, spread.lower, spread.median, spread.upper, spread.largest, spread.total)
    assert " ".join(f"{float(one):,.6f}".rstrip("0").rstrip(".") for one in five if one is not None) in text
    # both grading schemes have their tables of every criterion
    assert text.count("Every answer, for clubs") >= 3
    data = json.loads((tmp_path / "joint.json").read_text())
    (number,) = (one for one in data["facts"] if one["id"] == "number")
    assert number["counted"]["spread"]["median"] == decimal_text(spread.median)


@pytest.mark.parametrize("chosen", [no_grades()], ids=["no-grades"])
def test_a_report_without_grades_has_only_what_was_counted(session: Session, tmp_path: Path, chosen: Pack) -> None:
    audit_round = counted_in(session, chosen, agencies=14)
    out, findings = made(session, audit_round, tmp_path)
    assert_pdf_ua(out)
    text = " ".join(text_of(out).split())
    assert "What was counted" in text and "The findings at a glance" not in text and "Figures for every" not in text
    assert len(findings.facts) == 5


def test_a_correction_names_the_facts_that_it_changes(session: Session) -> None:
    audit_round = counted_in(session, two_types(), agencies=14)
    old = joint_findings(session, audit_round, actor=SYSTEM, now=AFTER).model_dump(mode="json")
    assert changes(old, old) == []
    new = json.loads(json.dumps(old))
    (fact,) = (one for one in new["facts"] if one["id"] == "number")
    fact["counted"]["spread"]["median"] = "7.25"
    (changed,) = changes(old, new)
    assert (changed.chapter, changed.field, changed.new) == ("facts", "median", "7.25")
    # findings of before there were facts
    del old["facts"]
    assert {one.chapter for one in changes(old, new)} == {"facts"}
