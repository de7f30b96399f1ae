"""The joint findings as a table: the figures of the report, and none that it does not print."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.domain.findings import JointFindings
from app.domain.findings_table import Line, lines
from app.languages import translations
from app.queries.findings import joint_findings
from reports.render import render_pdf
from tests.pdf_text import text_of
from tests.reports.seeded import AFTER, seed
from tests.world import SYSTEM, pack

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def found(session: Session, key: str, *, agencies: int = 30) -> JointFindings:
    audit_round = seed(session, pack(key), agencies=agencies)
    return joint_findings(session, audit_round, actor=SYSTEM, now=AFTER)


def table(findings: JointFindings) -> list[Line]:
    return list(lines(findings, translations(findings.language).gettext))


def values(rows: list[Line], chapter: str) -> dict[tuple[str, str, str], dict[str, str]]:
    """Whose, number and about to the figures of it."""
    of: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row.chapter == chapter:
            assert row.figure not in of[row.agencies, row.number, row.about], row
            of[row.agencies, row.number, row.about][row.figure] = row.value
    return dict(of)


def test_every_criterion_has_the_figures_of_the_annex(session: Session) -> None:
    findings = found(session, "climbie-2003", agencies=60)
    rows = table(findings)
    criteria = values(rows, "Criteria")
    kinds = {kind.key: kind.plural for kind in findings.agency_types}
    labels = {grade.key: grade.label for grade in findings.schemes[0].grades}
    small = findings.texts.small_number
    few = 0
    for one in findings.criteria():
        figures = criteria[kinds[one.agency_type], one.number, one.label]
        assert {key: figures[labels[key]] for key in labels} == {
            key: str(number) for key, number in one.figure.by_grade.items()
        }
        assert figures["unanswered"] == str(one.figure.unanswered)
        if one.figure.counted >= small:
            assert figures["per cent met"] == str(one.figure.percent)
        else:
            few += 1
            assert "per cent met" not in figures
    assert few, "no criterion with few answers was seen"
    total = values(rows, "Response")["", "", ""]
    assert (total["invited"], total["submitted"]) == (
        str(findings.response_total.invited), str(findings.response_total.submitted)
    )  # fmt: skip
    chapters = list(dict.fromkeys(row.chapter for row in rows))
    assert chapters[:2] == ["About this document", "Key messages"]
    assert {"The findings at a glance", "Themes", "Milestones", "How agencies know",
            "Two views of one duty", "Further questions that agencies could answer"} <= set(chapters)  # fmt: skip


def test_what_the_table_says_of_themes_stands_in_the_pdf(session: Session, tmp_path: Path) -> None:
    findings = found(session, "section-11-2024", agencies=60)
    out = tmp_path / "findings.pdf"
    render_pdf("joint-findings", findings.model_dump(mode="json"), out)
    text = re.sub(r"\s+", "", text_of(out))
    rows = table(findings)
    themes, responses = values(rows, "Themes"), values(rows, "Response")
    checked = 0
    for (agencies, _number, about), figures in themes.items():
        if "per cent met" in figures and "counted" in figures:
            # a row of the table of a theme: its type of agency, the share met, the response, the answers
            response, counted = responses[agencies, "", ""]["per cent"], f"{int(figures['counted']):,}"
            wanted = f"{figures['per cent met']}%{response}%{counted}"
            assert re.sub(r"\s+", "", wanted) in text, (agencies, about, wanted)
            checked += 1
    assert checked > 5


def test_facts_are_counted_as_the_pdf_counts_them(session: Session, tmp_path: Path) -> None:
    findings = found(session, "every-answer")
    out = tmp_path / "findings.pdf"
    render_pdf("joint-findings", findings.model_dump(mode="json"), out)
    text = re.sub(r"\s+", "", text_of(out))
    facts = values(table(findings), "What was counted")
    assert len(facts) > 5
    for (_agencies, _number, about), figures in facts.items():
        assert re.sub(r"\s+", "", about) in text
        for figure, value in figures.items():
            if figure in ("earliest", "latest", "median") and "-" in value:
                continue  # days are written out there
            assert decimal(value) in text, (about, figure, value)


def decimal(value: str) -> str:
    """A number as pages print it."""
    whole, _point, rest = value.partition(".")
    return f"{int(whole):,}" + (f".{rest[:1]}" if rest else "")


def test_the_table_is_in_the_language_of_the_findings(session: Session) -> None:
    audit_round = seed(session, pack("climbie-2003"), agencies=13)
    found = joint_findings(session, audit_round, actor=SYSTEM, now=AFTER, language="cy")
    assert next(row for row in table(found)).chapter == translations("cy").gettext("About this document")
    assert translations("cy").gettext("About this document") != "About this document"
