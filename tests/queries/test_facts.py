"""What was counted, against the same counted slowly in plain Python, and facts without a grade left out of grades."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.asking import FileAsked
from app.domain.recommendations import recommendations
from app.domain.templates import Pack
from app.models import Area, AuditReturn, AuditRound, Evidence, EvidenceLink, Submission
from app.operations import rollup
from app.policy import Denied, system_actor
from app.queries.fact_figures import FactFilter, agencies_said, fact_figures
from app.queries.facts import FactGroup
from app.queries.figures import Behind, Narrowed, agencies_behind, round_figures, scores
from app.queries.findings import joint_findings
from app.queries.rounds import NotFound
from app.queries.sampling import questions_of
from tests.queries.test_figures import inspector
from tests.reports.seeded import AFTER, OPENS, seed
from tests.reports.test_figures import Answered, standing
from tests.world import pack

SYSTEM = system_actor("test")
NOW = {"now": AFTER, "language": "en"}
UNGRADED = {"any-number", "date", "text", "file", "table", "after-yes"}


@cache
def two_types() -> Pack:
    """The pack with one question of every type, asked of a second type of agency too: one of them in another unit.

    Another body asks the second type. Every question cites a recommendation.
    """
    frozen = pack("every-answer").to_frozen()
    (kind,), (template,), (body,) = frozen["agency_types"], frozen["templates"], frozen["oversight_bodies"]
    frozen["oversight_bodies"] = [body, body | {"key": "league"}]
    frozen["agency_types"] = [
        kind, kind | {"key": "band", "name": "Band", "plural": "Bands", "oversight_body": "league"},
    ]  # fmt: skip
    frozen["recommendation_reports"] = [{"key": "report", "title": "Report", "short": "Report"}]
    for standard in template["standards"]:
        for criterion in standard["criteria"]:
            criterion["recommendations"] = [f"report/{criterion['id']}"]
    standards = [
        standard
        | {
            "criteria": [
                one | {"answer": one["answer"] | {"unit": "people"}} if one["id"] == "any-number" else one
                for one in standard["criteria"]
            ]
        }
        for standard in template["standards"]
    ]
    other = template | {"key": "band", "agency_type": "band", "standards": standards}
    frozen["templates"] = [template, other]
    return Pack.from_frozen(frozen)


def counted_in(session: Session, chosen: Pack, *, agencies: int = 40) -> AuditRound:
    """A seeded round with its roll-up, and files behind every third submitted return of a type."""
    found = seed(session, chosen, agencies=agencies)
    seen: Counter[str] = Counter()
    for one in sorted(standing(session, found), key=lambda one: one.audit_return.id):
        place = seen[one.audit_return.agency_type]
        seen[one.audit_return.agency_type] += 1
        given = [(key, value.get("grade", "")) for key, value in one.answers.items()]
        rollup.change(session, one.audit_return, "submitted", before=(), after=given)
        if place % 3 == 0:
            for _piece in range(1 + place // 3 % 2):
                evidence = Evidence(agency_id=one.audit_return.agency_id, title="Policy", added_at=OPENS)
                session.add(evidence)
                session.flush()
                session.add(EvidenceLink(return_id=one.audit_return.id, criterion="file", evidence_id=evidence.id))
    session.commit()
    return found


@pytest.fixture
def audit_round(session: Session) -> AuditRound:
    """A seeded round of two types of agencies that are asked the same."""
    return counted_in(session, two_types())


def given(returns: list[Answered], key: str, *, kind: str = "") -> Iterator[dict[str, Any]]:
    """The values that were signed for a question."""
    for one in returns:
        if key in one.answers and kind in ("", one.audit_return.agency_type):
            yield one.answers[key]


def by_id(groups: tuple[FactGroup, ...]) -> dict[str, FactGroup]:
    """Groups by criterion; of those that share one, the first."""
    found: dict[str, FactGroup] = {}
    for group in groups:
        found.setdefault(group.asked.criterion.id, group)
    return found


@pytest.mark.parametrize("by_area", [False, True])
def test_facts_are_counted(session: Session, audit_round: AuditRound, by_area: bool) -> None:
    area = session.scalars(select(Area).order_by(Area.id)).first()
    assert area
    narrowed = Narrowed(area=area.public_id if by_area else "")
    found = fact_figures(session, audit_round, narrowed, actor=SYSTEM, **NOW)
    returns = [one for one in standing(session, audit_round) if not by_area or area.id in one.areas]
    assert found.submitted == len(returns) > 5
    groups = by_id(found.groups)
    # what is asked alike is one group; the number in another unit is two
    assert [len(one.lines) for one in found.groups if one.asked.criterion.id == "any-number"] == [1, 1]
    assert all(len(group.lines) == 2 for key, group in groups.items() if key != "any-number")
    assert "plain" not in groups and "after-wait" not in groups

    for key in ("number", "any-number"):
        kind = "" if key == "number" else "club"
        numbers = [Fraction(value["number"]) for value in given(returns, key, kind=kind)]
        spread = groups[key].counted.spread
        assert spread and spread.number == len(numbers) and spread.total == sum(numbers)
        assert [spread.lower, spread.median, spread.upper] == statistics.quantiles(numbers, n=4, method="inclusive")
        assert (spread.smallest, spread.largest) == (min(numbers), max(numbers))
    shares = list(given(returns, "percentage"))
    pooled = groups["percentage"].counted.spread
    assert pooled and groups["percentage"].counted.answers == len(shares)
    assert pooled.number == sum(1 for one in shares if one["denominator"])
    assert pooled.numerator == sum(one["numerator"] for one in shares)
    assert pooled.denominator == sum(one["denominator"] for one in shares)
    for key, field in (("yes-no", "answer"), ("choice", "chosen")):
        numbers_of = Counter(value[field] for value in given(returns, key))
        assert {key: n for key, n in groups[key].counted.chosen.items() if n} == numbers_of
    several = Counter(one for value in given(returns, "choices") for one in value["choices"])
    assert groups["choices"].counted.chosen == several
    days = sorted(date.fromisoformat(value["date"]) for value in given(returns, "date"))
    assert (counted := groups["date"].counted.days) and (counted.earliest, counted.latest) == (days[0], days[-1])
    assert counted.median.toordinal() == statistics.median_low([day.toordinal() for day in days])
    rows = [len(value["rows"]) for value in given(returns, "table")]
    assert (table := groups["table"].counted.spread) and (table.total, table.number) == (sum(rows), len(rows))
    assert groups["text"].counted.answers == len(list(given(returns, "text")))
    with_files = set(session.scalars(select(EvidenceLink.return_id)))
    assert groups["file"].counted.answers == sum(1 for one in returns if one.audit_return.id in with_files) > 0
    # types add up, and each was asked of its own returns
    for group in found.groups:
        assert sum(line.counted.answers for line in group.lines) == group.counted.answers
        for line in group.lines:
            own = [one for one in returns if one.audit_return.agency_type == line.asked.agency_type]
            assert line.returns == len(own)


def test_facts_are_narrowed_and_only_inspectors_read_them(session: Session, audit_round: AuditRound) -> None:
    found = fact_figures(session, audit_round, Narrowed(agency_type="band"), actor=SYSTEM, **NOW)
    assert {line.asked.agency_type for group in found.groups for line in group.lines} == {"band"}
    nothing = fact_figures(session, audit_round, Narrowed(theme="none"), actor=SYSTEM, **NOW)
    assert nothing.groups == () and nothing.asks_facts
    other = inspector(audit_round, "club")
    fact_figures(session, audit_round, Narrowed(), actor=other, **NOW)
    nobody = type(other)(user_id=2, held=())
    with pytest.raises(Denied):
        fact_figures(session, audit_round, Narrowed(), actor=nobody, **NOW)
    with pytest.raises(Denied):
        agencies_said(session, audit_round, "club", "text", Narrowed(), FactFilter(), actor=nobody, **NOW)


def said(session: Session, audit_round: AuditRound, key: str, **wanted: Any) -> list[Any]:
    found = agencies_said(
        session, audit_round, "club", key, Narrowed(), FactFilter(**wanted), actor=SYSTEM, page_size=None, **NOW
    )
    assert found.total == len(found.rows)
    return list(found.rows)


def test_from_a_figure_to_the_agencies_behind_it(session: Session, audit_round: AuditRound) -> None:
    returns = standing(session, audit_round)
    names = {one.audit_return.public_id: one for one in returns}
    for row in (rows := said(session, audit_round, "yes-no", choice="yes")):
        assert names[row.return_id].answers["yes-no"]["answer"] == "yes"
    assert len(rows) == sum(1 for value in given(returns, "yes-no", kind="club") if value["answer"] == "yes") > 0
    drivers = said(session, audit_round, "choices", choice="drivers")
    assert len(drivers) == sum(1 for v in given(returns, "choices", kind="club") if "drivers" in v["choices"]) > 0
    above = said(session, audit_round, "number", at_least=Fraction(200), sort="value", descending=True)
    numbers = [Fraction(row.value["number"]) for row in above]
    assert numbers == sorted(
        (n for v in given(returns, "number", kind="club") if (n := Fraction(v["number"])) >= 200), reverse=True
    )
    assert numbers
    shares = said(session, audit_round, "percentage", at_most=Fraction(50))
    assert shares and all(row.value["numerator"] * 2 <= row.value["denominator"] > 0 for row in shares)
    days = said(session, audit_round, "date", at_least=date(2002, 1, 1), sort="value")
    found = [row.value["date"] for row in days]
    assert found == sorted(d for v in given(returns, "date", kind="club") if (d := v["date"]) >= "2002-01-01")
    assert found
    rows_of = said(session, audit_round, "table", at_least=Fraction(3))
    assert rows_of and all(len(row.value["rows"]) >= 3 for row in rows_of)
    files = {row.return_id: row.files for row in said(session, audit_round, "file")}
    links = Counter(session.scalars(select(AuditReturn.public_id).join(
        EvidenceLink, EvidenceLink.return_id == AuditReturn.id).where(AuditReturn.agency_type == "club")))
    assert files == links and set(links.values()) == {1, 2}
    (one,) = said(session, audit_round, "text", text=f" {rows[-1].code.upper()}")
    assert one.code == rows[-1].code
    with pytest.raises(NotFound):
        said(session, audit_round, "plain")


def test_texts_are_for_the_body_that_asks(session: Session, audit_round: AuditRound) -> None:
    def read(actor: Any) -> list[Any]:
        found = agencies_said(session, audit_round, "club", "text", Narrowed(), FactFilter(), actor=actor, **NOW)
        return list(found.rows)

    readers = read(inspector(audit_round, "club"))
    assert readers and all(row.value["text"].startswith("A story") and row.submission_id for row in readers)
    others = read(inspector(audit_round, "band"))
    assert [row.code for row in others] == [row.code for row in readers]
    assert {(row.value["text"], row.submission_id) for row in others} == {("", "")}


def test_pages_of_a_list_end(session: Session, audit_round: AuditRound) -> None:
    def page(number: int) -> Any:
        return agencies_said(
            session, audit_round, "club", "text", Narrowed(), FactFilter(page=number), actor=SYSTEM, page_size=4, **NOW
        )

    first = page(1)
    every = [row.code for number in range(1, first.pages + 1) for row in page(number).rows]
    assert first.pages > 2 and len(every) == len(set(every)) == first.total
    assert [row.code for row in page(99).rows] == [row.code for row in page(first.pages).rows]


# --- what has no grade is no part of what is of grades --------------------------------------------------------------


def test_questions_without_a_grade_are_in_no_figure_of_grades(session: Session, audit_round: AuditRound) -> None:
    graded = {p.criterion.id for p in two_types().templates["club"].criteria() if p.criterion.answer.is_graded}
    assert graded.isdisjoint(UNGRADED)
    figures = round_figures(session, audit_round, Narrowed(), actor=SYSTEM, **NOW)
    assert {one.asked.criterion.id for one in figures.criteria} == graded
    returns = standing(session, audit_round)
    for one in figures.criteria:
        key, kind = one.asked.criterion.id, one.asked.agency_type
        grades = Counter(value["grade"] for value in given(returns, key, kind=kind) if "grade" in value)
        assert {grade: number for grade, number in one.figure.by_grade.items() if number} == grades
        if key not in ("percentage",):  # of nothing no share can be graded
            assert one.figure.unanswered == 0
    counted = sum(one.figure.counted for one in figures.criteria)
    assert counted == sum(1 for one in returns for value in one.answers.values() if value.get("grade"))
    together = scores(session, audit_round, Narrowed(), actor=SYSTEM, **NOW)
    assert sum(row.counted for row in together.rows) == counted and not together.without
    with pytest.raises(NotFound):
        agencies_behind(session, audit_round, "club", "text", Narrowed(), Behind(), actor=SYSTEM, **NOW)
    behind = agencies_behind(session, audit_round, "club", "number", Narrowed(), Behind(), actor=SYSTEM, **NOW)
    assert behind.total == len(list(given(returns, "number", kind="club")))


def test_only_questions_with_a_grade_are_followed_up(session: Session, audit_round: AuditRound) -> None:
    chosen = two_types()
    every = {one for kind in chosen.templates.values() for p in kind.criteria() for one in p.criterion.recommendations}
    cited = {one.number for one in recommendations(chosen, ["club", "band"])}
    assert {f"report/{number}" for number in cited} == every - {f"report/{key}" for key in UNGRADED}
    assert "yes-no" in cited and "percentage" in cited


def test_only_answers_with_a_grade_are_drawn_for_checking(session: Session, audit_round: AuditRound) -> None:
    submissions = list(session.scalars(select(Submission.id)))
    drawn = {question for asked in questions_of(session, submissions).values() for question in asked}
    assert drawn and drawn.isdisjoint(UNGRADED)


def test_the_joint_findings_say_what_was_counted(session: Session, audit_round: AuditRound) -> None:
    findings = joint_findings(session, audit_round, actor=SYSTEM, **NOW)
    assert {c.id for c in findings.criteria()}.isdisjoint(UNGRADED)
    assert all(not c.figure.unanswered for c in findings.criteria() if c.id != "percentage")
    page = fact_figures(session, audit_round, Narrowed(), actor=SYSTEM, **NOW)
    assert [(one.id, one.counted, one.returns) for one in findings.facts] == [
        (group.asked.criterion.id, group.counted, group.returns) for group in page.groups
    ]
    told = {one.id: one for one in findings.facts}
    assert [choice.label for choice in told["yes-no"].choices] == ["Yes", "No"]
    assert told["number"].unit == "hours" and told["percentage"].numerator == "Staff who are trained"
    assert [row.label for row in told["date"].rows] == ["Clubs", "Bands"]
    again = type(findings).model_validate_json(findings.model_dump_json())
    assert again == findings
    welsh = {one.id: one for one in joint_findings(session, audit_round, actor=SYSTEM, now=AFTER, language="cy").facts}
    assert welsh["number"].unit == "awr"


@cache
def no_grades() -> Pack:
    """A pack without any question that comes to a grade."""
    frozen = pack("every-answer").to_frozen()
    template = frozen["templates"][0]
    template["standards"] = [one for one in template["standards"] if one["id"] == "facts"]
    return Pack.from_frozen(frozen)


def test_a_round_without_grades_has_findings_and_figures(session: Session) -> None:
    audit_round = counted_in(session, no_grades(), agencies=20)
    figures = round_figures(session, audit_round, Narrowed(), actor=SYSTEM, **NOW)
    assert figures.criteria == () and figures.total.asked == 0
    assert scores(session, audit_round, Narrowed(), actor=SYSTEM, **NOW).rows == ()
    findings = joint_findings(session, audit_round, actor=SYSTEM, **NOW)
    assert findings.themes == () and findings.schemes == () and len(findings.facts) == 5
    assert isinstance(no_grades().templates["club"].criterion(findings.facts[3].id).answer, FileAsked)
