"""Small numbers in the joint findings: what comes out gives no hidden figure away, and inspectors go on seeing all.

The check knows nothing of how figures are hidden: every figure shown is written as a sum of the smallest counts there
are (a criterion, as one subtype answered it), and no hidden figure may be a combination of those. Then hidden figures
are changed: not a letter of any form of the report may change with them.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Hashable, Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pypdf
import pytest
from docx import Document
from docx.oxml.ns import qn
from pydantic import BaseModel
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.area_report import AreaReport
from app.domain.counted import ChoiceFound, Counted, Days, FactFindings, FactRow, Spread
from app.domain.findings import (
    CheckedByRisk,
    CheckedType,
    CheckFindings,
    Compared,
    ComparedCriterion,
    ComparedTheme,
    Figure,
    JointFindings,
    StaffFindings,
    StaffLine,
)
from app.domain.findings_table import HIDDEN, lines
from app.domain.suppression import for_readers
from app.models import Area, AuditReturn, AuditRound
from app.policy import Actor, Held, system_actor
from app.queries.area_report import area_report
from app.queries.findings import joint_findings, reading_of
from config import ROOT
from reports import read as reading
from reports.formats import FORMATS
from reports.registry import reports
from reports.render import render_pdf
from reports.source import Source, source_of
from reports.tables import figures_of
from tests.pdf_gate import assert_pdf_ua
from tests.reports.seeded import AFTER, seed
from tests.world import pack

BELOW = 5
PRIME = 2**61 - 1
BY = system_actor("test")
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it is made of data alone
Cell = Hashable
Row = dict[Cell, int]


@pytest.fixture
def audit_round(session: Session) -> AuditRound:
    return seed(session, pack("climbie-2003"), agencies=120)


def read(session: Session, audit_round: AuditRound, below: int, *, names: bool = True) -> JointFindings:
    audit_round.suppress_below, audit_round.names_agencies = below, names
    return joint_findings(session, audit_round, actor=BY, now=AFTER, publishing=True)


def figures(found: JointFindings, whole: JointFindings) -> Iterator[tuple[str, Figure, Row]]:
    """Every figure of `found` with what it is a sum of; what that is comes from `whole`, which hides nothing."""
    base: dict[str, Row] = {}
    of_part: dict[tuple[str, str], Row] = {}
    for criterion in (*whole.criteria(), *whole.optional):
        parts: Row = {(criterion.reference, part.subtype): 1 for part in criterion.by_subtype if part.figure.asked}
        if criterion.figure.asked > sum(part.figure.asked for part in criterion.by_subtype):
            parts[criterion.reference, None] = 1
        base[criterion.reference] = parts
        for part in criterion.by_subtype:
            of_part[criterion.reference, part.subtype] = {(criterion.reference, part.subtype): 1}
    scored = {one.reference: one for one in whole.criteria()}

    def total(references: list[str], subtype: str = "") -> Row:
        row: Row = {}
        for reference in references:
            row |= of_part.get((reference, subtype), {}) if subtype else base[reference]
        return {cell: 1 for cell in row if _asked(cell, whole)}

    for criterion in (*found.criteria(), *found.optional):
        yield criterion.reference, criterion.figure, total([criterion.reference])
        for part in criterion.by_subtype:
            yield f"{criterion.reference}/{part.subtype}", part.figure, total([criterion.reference], part.subtype)
    for theme in found.themes:
        own = [key for key, one in scored.items() if one.theme == theme.key]
        yield theme.key, theme.figure, total(own)
        for row in (*theme.by_type, *theme.by_subtype):
            mine = [key for key in own if scored[key].agency_type == row.agency_type]
            yield f"{theme.key}/{row.agency_type}/{row.subtype}", row.figure, total(mine, row.subtype)
    for row in found.overall.by_type:
        mine = [key for key, one in scored.items() if one.agency_type == row.agency_type]
        yield row.agency_type, row.figure, total(mine)
    for milestone in found.milestones:
        own = [key for key, one in scored.items() if one.milestone == milestone.key]
        figure = Figure(counted=milestone.counted, asked=milestone.counted, hidden=not milestone.counted)
        yield milestone.key, figure, total(own)


def _asked(cell: Cell, whole: JointFindings) -> bool:
    reference, subtype = cell  # type: ignore[misc]
    one = next(each for each in (*whole.criteria(), *whole.optional) if each.reference == reference)
    part = next((each for each in one.by_subtype if each.subtype == subtype), None)
    return subtype is None or bool(part and part.figure.asked)


class Span:
    """What can be combined from some rows, in a field that is large enough."""

    def __init__(self) -> None:
        self.rows: dict[Cell, Row] = {}

    def rest(self, row: Row) -> Row:
        row = dict(row)
        while cell := next((cell for cell in row if cell in self.rows), None):
            factor = row[cell]
            for other, value in self.rows[cell].items():
                row[other] = (row.get(other, 0) - factor * value) % PRIME
            row = {other: value for other, value in row.items() if value}
        return row

    def add(self, row: Row) -> None:
        if left := self.rest(row):
            pivot = next(iter(left))
            inverse = pow(left[pivot], -1, PRIME)
            self.rows[pivot] = {cell: value * inverse % PRIME for cell, value in left.items()}


def test_no_hidden_figure_follows_from_those_shown(session: Session, audit_round: AuditRound) -> None:
    whole, found = read(session, audit_round, 0), read(session, audit_round, BELOW)
    span, out = Span(), []
    for name, figure, row in figures(found, whole):
        if figure.hidden:
            out.append((name, row))
        else:
            span.add(row)
    assert len(out) > 50, "the round is made so that some figures are about few"
    assert [name for name, row in out if row and not span.rest(row)] == []


def test_nothing_is_said_of_few_and_all_else_is_as_it_was(session: Session, audit_round: AuditRound) -> None:
    whole, found = read(session, audit_round, 0), read(session, audit_round, BELOW)
    shown = hidden = 0
    for (_, before, _), (name, after, _) in zip(figures(whole, whole), figures(found, whole), strict=True):
        if after.hidden:
            hidden += 1
            assert after.asked == after.met == after.counted == 0 or "milestone" in name
        else:
            shown += 1
            assert after == before
    assert shown > hidden, "no more is hidden than need be"
    small = {(r.agency_type, r.subtype) for r in whole.response if 0 < r.submitted < BELOW}
    rows = {(row.agency_type, row.subtype): row for row in found.response}
    assert all(rows[key].hidden and not rows[key].invited for key in small)
    texts = {one.text for theme in whole.themes for one in theme.sentences}
    for theme in found.themes:
        assert all(one.text in texts for one in theme.sentences[1:])
    assert {one.sentence.text for one in found.key_messages} <= {one.sentence.text for one in whole.key_messages}
    assert found.snapshot_id != whole.snapshot_id and found.suppressed_below == BELOW
    table = list(lines(found, str))
    assert HIDDEN in {line.value for line in table}
    gone = {name for name, figure, _row in figures(found, whole) if figure.hidden}
    assert not {line.about for line in table if line.number and line.value not in ("c",)} <= gone


def test_inspectors_see_everything_whatever_the_setting(session: Session, audit_round: AuditRound) -> None:
    whole = joint_findings(session, audit_round, actor=BY, now=AFTER)
    audit_round.suppress_below, audit_round.names_agencies = BELOW, False
    assert joint_findings(session, audit_round, actor=BY, now=AFTER) == whole
    assert whole.not_responding


def test_agencies_are_named_only_where_the_setting_says_so(session: Session, audit_round: AuditRound) -> None:
    whole, found = read(session, audit_round, 0), read(session, audit_round, 0, names=False)
    names = {one.name for one in whole.not_responding}
    assert names and not any(name in found.model_dump_json() for name in names)
    assert all("are named in this report" not in one.sentence.text for one in found.key_messages)


def test_a_whole_round_that_is_too_small_says_nothing(session: Session, audit_round: AuditRound) -> None:
    found = read(session, audit_round, 100)
    assert all(figure.hidden for _name, figure, row in figures(found, found) if row)
    assert found.response_total.hidden and not found.key_messages and not found.overall.all_met
    assert all(twin.hidden for twin in found.twins) and found.assurance.total is None
    assert all(row.hidden for row in found.assurance.rows) and not any(one.counted for one in found.milestones)


def test_every_report_says_for_whom_it_is_and_the_guide_says_the_same() -> None:
    rows = [
        set(re.findall(r"`([a-z-]+)`", line.split("|")[1])) & set(reports())
        for line in (ROOT / "docs" / "user-guide.md").read_text().splitlines()
        if line.startswith("|") and "`" in line.split("|")[1]
    ]
    rows = [row for row in rows if row]
    assert sorted(key for row in rows for key in row) == sorted(reports()), "each stands in the table once"
    settings = [{(reports()[key].options["readers"], reports()[key].options["names"]) for key in row} for row in rows]
    assert all(len(one) == 1 for one in settings) and len({*map(frozenset, settings)}) == len(rows)
    # who reads them beyond the inspectorates, as the policy has it
    readers = {key: one.options["readers"] for key, one in reports().items()}
    assert {key for key, one in reports().items() if one.about in ("return", "feedback")} == {
        key for key, of in readers.items() if of == "agency"
    }
    assert {key for key, one in reports().items() if one.about == "area"} == {
        key for key, of in readers.items() if of == "area"
    }


@sqlite_only
def test_what_is_made_for_one_agency_names_no_other(session: Session, audit_round: AuditRound) -> None:
    read_by = {"actor": BY, "now": AFTER}
    audit_return = session.scalars(
        select(AuditReturn).where(AuditReturn.round_id == audit_round.id, AuditReturn.stage == "submitted")
    ).first()
    assert audit_return
    for key in ("agency-return", "receipt", "action-plan", "blank-form", "draft-return"):
        found = reading.read(session, key, audit_round, audit_return, **read_by)  # type: ignore[arg-type]
        names = set(re.findall(r"Agency \d+\b", found.model_dump_json()))
        assert names <= {audit_return.agency.name.split(" <")[0]}, key


def test_a_coordinator_reads_nothing_of_few_agencies_elsewhere(session: Session, audit_round: AuditRound) -> None:
    area = session.scalars(select(Area).order_by(Area.id)).all()[0]
    audit_round.findings_from, audit_round.area_release = AFTER, "on_submission"
    session.flush()
    coordinator = Actor(
        user_id=1, held=(Held("area_coordinator", "", False, None, None, area.id, 1),)
    )

    def made(below: int, actor: Actor = coordinator) -> AreaReport:
        audit_round.suppress_below, audit_round.names_agencies = below, False
        session.flush()
        return area_report(session, audit_round, area.public_id, actor=actor, now=AFTER)

    whole, inspected = made(0), made(60, BY)
    assert whole.everywhere == inspected.everywhere and whole.everywhere.counted and not inspected.suppressed_below
    elsewhere = whole.here.counted, len(whole.agencies)
    few = made(65)  # in all more are behind it; of these, fewer are not of the area
    assert 0 < 84 - len(few.agencies) < 65 < 84 and elsewhere == (few.here.counted, len(few.agencies))
    assert few.everywhere.hidden and not few.everywhere.counted
    assert any(one.place for one in whole.agencies) and not any(one.place for one in few.agencies)
    assert all(theme.everywhere.hidden and not theme.everywhere.counted for theme in few.themes)
    assert [one.name for one in few.agencies] == [one.name for one in whole.agencies], "their own they read by name"
    names = set(re.findall(r"Agency \d+", few.model_dump_json()))
    here = {one.name for one in (*few.agencies, *few.not_responding)}
    assert names and names <= {name.split(" <")[0] for name in here}, "nobody else is named"
    made_from = source_of("area-report", few)
    in_every_form(made_from)
    cells = [cell.text for one in figures_of(made_from.page) for row in one.rows for cell in row.cells]
    # of each theme once in a table; in charts its share and its number, and its share beside that of each agency
    assert cells.count("c") == len(few.themes) * (1 + 2 + len(few.agencies))
    assert "fewer than 65 agencies" in made_from.page


# --- what was counted, checked and said by staff ---------------------------------------------------------------------


def spread(number: int) -> Spread:
    five = zip(("smallest", "lower", "median", "upper", "largest"), map(Fraction, (1, 2, 3, 4, 97531)), strict=True)
    return Spread(number=number, total=Fraction(40), **dict(five))


def with_more(found: JointFindings) -> JointFindings:
    """Findings with facts, checks and staff too, made up so that each has something that is about few."""
    sizes = {row.agency_type: row.submitted for row in found.response if not row.subtype}
    small, *others = sorted(sizes, key=lambda kind: sizes[kind])
    days = Days(number=9, earliest=date(1999, 9, 9), median=date(2003, 1, 1), latest=date(2009, 9, 9))
    facts = []
    kinds = ({"chosen": {"yes": 6, "no": 2}}, {"spread": spread(8)}, {"days": days}, {})
    for place, counted in enumerate(Counted(answers=8, **one) for one in kinds):
        rows = [
            FactRow(agency_type=kind, label=kind, number="9.1", returns=3 if kind == small else sizes[kind],
                    counted=counted)
            for kind in sizes
        ]  # fmt: skip
        facts.append(
            FactFindings(
                id=f"made-up-{place}", label=f"Made up {place}", question="How many?", theme="", optional=False,
                type="text", unit="people", numerator="", denominator="",
                choices=(ChoiceFound(key="yes", label="Yes"), ChoiceFound(key="no", label="No")) if not place else (),
                rows=tuple(rows), returns=sum(row.returns for row in rows), counted=counted,
            )
        )  # fmt: skip
    criteria = [one for one in found.criteria() if one.agency_type == others[-1]]
    lines_ = [
        StaffLine(
            agency_type=one.agency_type, id=one.id, number=one.number, label=one.label, agencies=agencies, few=1,
            asked=500, agree=77, counted=99, percent=78, met=agencies - 1, graded=agencies, percent_met=90,
        )
        # few agencies, enough of them, and all but two: what is left of the criterion's own figure is about these
        for one, agencies in zip(criteria, (3, 9, criteria[2].figure.counted - 2), strict=False)
    ]  # fmt: skip
    return found.model_copy(
        update={
            "facts": tuple(facts),
            "staff": StaffFindings(title="Survey", least=10, returns=40, given_at=None, lines=tuple(lines_)),
            "checks": checked(found, small, others, sizes),
        }
    )


def checked(found: JointFindings, small: str, others: list[str], sizes: dict[str, int]) -> CheckFindings:
    """Checks of a few returns of the smallest type, of all but three of another, and of half of the largest."""
    numbers = {small: 2, **{kind: sizes[kind] - 3 for kind in others}, others[-1]: sizes[others[-1]] // 2}

    def compared(answers: int) -> Compared:
        return Compared(answers=answers, own_met=answers - 1, found_met=answers - 2, adjusted=2, lower=1, higher=1)

    def of(kind: str, number: int) -> CheckedType:
        population = sizes.get(kind, sum(sizes.values()))
        return CheckedType(
            agency_type=kind, label=kind, population=population, drawn=number, checked=number, returns=None,
            answers=None, compared=compared(number * 10),
        )  # fmt: skip

    criteria = [
        ComparedCriterion(
            reference=one.reference, agency_type=one.agency_type, number=one.number, label=one.label,
            compared=compared(max(1, number)),
        )
        for one in found.criteria()
        for answered in [one.figure.counted + one.figure.excluded]
        for number in [{small: 2, others[-1]: answered // 2}.get(one.agency_type, answered - 3)]
    ]  # fmt: skip
    risks = [
        CheckedByRisk(key=key, title=key, chosen=number, checked=number, changed=1, compared=compared(number * 4))
        for key, number in (("late", 2), ("bold", 8), ("all", 10))
    ]
    return CheckFindings(
        committed_at=AFTER, seed_hash="ab", drawn_at=AFTER, seed="1", frame_hash="cd",
        frame={kind: tuple((f"{kind}-{n}", "ef") for n in range(size)) for kind, size in sizes.items()},
        drawn_returns={kind: tuple(f"{kind}-{n}" for n in range(number)) for kind, number in numbers.items()},
        minimum=2, questions=0, second_percent=0, is_small=False,
        types=tuple(of(kind, number) for kind, number in numbers.items()), total=of("", sum(numbers.values())),
        themes=tuple(
            ComparedTheme(key=theme.key, title=theme.title, compared=compared(len(theme.criteria) * 9))
            for theme in found.themes
        ),
        criteria=tuple(criteria), risks=tuple(risks[:2]), by_risk=risks[2], named=(), twice=0, agreed=0, kappa="",
    )  # fmt: skip


@pytest.fixture
def both(session: Session, audit_round: AuditRound) -> tuple[JointFindings, JointFindings]:
    """Findings with something of everything, whole and as they come out, without names."""
    whole = with_more(read(session, audit_round, 0))
    return whole, out_of(session, audit_round, whole)


def out_of(session: Session, audit_round: AuditRound, whole: JointFindings, *, names: bool = False) -> JointFindings:
    words = reading_of(session, audit_round, "en").words
    return for_readers(whole, below=BELOW, names=names, words=words)


@sqlite_only
def test_what_else_is_about_few_is_hidden_and_cannot_be_worked_out(both: tuple[JointFindings, JointFindings]) -> None:
    whole, found = both
    assert found.checks and found.staff and whole.checks
    sizes = {row.agency_type: row.submitted for row in whole.response if not row.subtype}
    small = min(sizes, key=lambda kind: sizes[kind])
    for fact in found.facts:
        gone = [row for row in fact.rows if row.hidden]
        assert small in {row.agency_type for row in gone} and (len(gone) > 1 or fact.hidden)
        if fact.counted.spread:
            assert fact.counted.spread.smallest is fact.counted.spread.largest is None
    assert "97531" not in found.model_dump_json() and "2009-09-09" not in found.model_dump_json()
    assert [line.hidden for line in found.staff.lines] == [True, False, True], "the last leaves two agencies"
    # all but three were checked: what is left of what was declared is of these
    shown = {row.agency_type for row in found.checks.types if not row.hidden}
    assert shown <= {max(sizes, key=lambda kind: sizes[kind])}
    assert not any(one.compared.answers for one in found.checks.criteria if one.agency_type not in shown)
    hidden_figures = {one.reference for one in found.criteria() if one.figure.hidden}
    assert all(one.hidden for one in found.checks.criteria if one.reference in hidden_figures)
    assert [one.hidden for one in found.checks.risks] == [True, True] and found.checks.by_risk
    for one in found.milestones:
        own = [each for each in found.criteria() if each.milestone == one.key]
        rows = {row.reference: row.hidden for row in one.rows}
        assert all(rows[each.reference] for each in own if each.figure.hidden), "each stands there, whatever it is"
    if found.assurance.total:
        gone_rows = [row for row in found.assurance.rows if row.hidden]
        assert len(gone_rows) != 1
    for twin in found.twins:
        assert twin.hidden or sum(area.hidden for area in twin.by_area) != 1
    span, out = Span(), []
    for name, is_hidden, row in others(found):
        if is_hidden:
            out.append((name, row))
        else:
            span.add(row)
    # the answers that nobody checked, where few agencies gave them
    answered = {one.reference: one.figure.counted + one.figure.excluded for one in whole.criteria()}
    for one in whole.checks.criteria:
        if 0 < answered[one.reference] - one.compared.answers < BELOW:
            out.append((f"rest of {one.reference}", {("rest", one.reference): 1}))
    assert len(out) > 100
    assert [name for name, row in out if not span.rest(row)] == []


def others(found: JointFindings) -> Iterator[tuple[str, bool, Row]]:
    """What was counted, how agencies know, views of duties, and checks: name, whether it is hidden, what it is a sum
    of. What was declared on a criterion is what was checked of it and the rest."""
    for fact in found.facts:
        cells = {row.agency_type: ("fact", fact.id, row.agency_type) for row in fact.rows}
        yield fact.id, fact.hidden, dict.fromkeys(cells.values(), 1)
        yield from ((f"{fact.id}/{row.agency_type}", row.hidden, {cells[row.agency_type]: 1}) for row in fact.rows)
    rows = found.assurance.rows
    yield "assurance", found.assurance.total is None, {("assurance", row.agency_type): 1 for row in rows}
    yield from ((row.agency_type, row.hidden, {("assurance", row.agency_type): 1}) for row in rows)
    for place, twin in enumerate(found.twins):
        areas = {area.area: ("twin", place, area.area) for area in twin.by_area}
        yield f"twin {place}", twin.hidden, dict.fromkeys(areas.values(), 1)
        yield from ((f"twin {place}/{area.area}", area.hidden, {areas[area.area]: 1}) for area in twin.by_area)
    assert found.checks
    theme_of = {one.reference: one.theme for one in found.criteria()}
    hidden_figures = {one.reference: one.figure.hidden for one in found.criteria()}
    cells_of = {one.reference: ("checked", one.reference) for one in found.checks.criteria}
    yield "checks", False, dict.fromkeys(cells_of.values(), 1)
    for kind in found.checks.types:
        mine = [one.reference for one in found.checks.criteria if one.agency_type == kind.agency_type]
        yield f"checks/{kind.agency_type}", kind.hidden, {cells_of[one]: 1 for one in mine}
    for theme in found.checks.themes:
        own = [one for one in cells_of if theme_of[one] == theme.key]
        yield f"checks/{theme.key}", theme.hidden, {cells_of[one]: 1 for one in own}
    for one in found.checks.criteria:
        yield f"checked {one.reference}", one.hidden, {cells_of[one.reference]: 1}
        declared = {cells_of[one.reference]: 1, ("rest", one.reference): 1}
        yield f"declared {one.reference}", hidden_figures[one.reference], declared


# what says how many are behind a figure, and so whether it is hidden
ABOUT = {
    "asked", "counted", "invited", "submitted", "nil", "pairs", "agencies", "returns", "checked", "answers", "compared",
    "graded", "population", "total",
}  # fmt: skip


def other(whole: Any, found: Any) -> Any:
    """Data with other values wherever those that come out are hidden."""
    if isinstance(whole, BaseModel):
        is_hidden = getattr(found, "hidden", False)
        values = {
            name: changed(value, name) if is_hidden else other(value, getattr(found, name))
            for name in type(whole).model_fields
            for value in [getattr(whole, name)]
        }
        return whole.model_copy(update=values)
    if isinstance(whole, tuple) and isinstance(found, tuple) and len(whole) == len(found):
        return tuple(map(other, whole, found))
    return whole


def changed(value: Any, name: str = "") -> Any:
    """Another value, which is about as many."""
    if isinstance(value, BaseModel):
        return value.model_copy(update={key: changed(getattr(value, key), key) for key in type(value).model_fields})
    if isinstance(value, bool) or value is None or name in ABOUT:
        return value if name != "compared" or not isinstance(value, BaseModel) else changed(value)
    if isinstance(value, int | Fraction):
        return value + 70_003
    if isinstance(value, dict):
        return {key: changed(one) for key, one in value.items()}
    return value


@sqlite_only
def test_what_is_hidden_leaves_no_trace_in_any_form(
    session: Session, audit_round: AuditRound, both: tuple[JointFindings, JointFindings], tmp_path: Path
) -> None:
    whole, found = both
    named = out_of(session, audit_round, whole, names=True)
    aligned = named.model_copy(update={"milestones": whole.milestones})  # their rows are in another order there
    scrambled = other(whole, aligned)
    assert scrambled != whole
    assert out_of(session, audit_round, scrambled, names=True) == named, "so no form of it changes either"

    made = source_of("joint-findings", found)
    pdf = tmp_path / "report.pdf"
    render_pdf("joint-findings", found.model_dump(mode="json"), pdf)
    assert_pdf_ua(pdf)
    attached = pypdf.PdfReader(pdf).attachments
    data = json.loads(attached["joint-findings.json"][0])
    forms, said = in_every_form(made)
    assert data == json.loads(forms["json"])["data"] == found.model_dump(mode="json")
    names = {one.name for one in whole.not_responding}
    assert names and not any(name in form.decode(errors="ignore") for name in names for form in forms.values())
    # none holds a number that is hidden
    numbers = set(re.findall(r"\b7\d{4}\b", scrambled.model_dump_json()))
    assert numbers and not [(key, one) for key, text in said.items() for one in numbers if f" {one}" in text]


def in_every_form(made: Source) -> tuple[dict[str, bytes], dict[str, str]]:
    """The forms of a report, and what each says: all have the cells of its page, neither more nor other ones, and "c"
    wherever the page has it."""
    forms = {key: form.write(made) for key, form in FORMATS.items()}
    as_json = json.loads(forms["json"])
    assert as_json["data"] == made.data
    tables = figures_of(made.page)
    cells = {one.name: [[cell.text for cell in row.cells] for row in one.rows] for one in tables}
    hidden_cells = sum(cell == "c" for rows in cells.values() for row in rows for cell in row)
    assert hidden_cells
    assert [[[cell["text"] for cell in row["cells"]] for row in one["rows"]] for one in as_json["figures"]] == [
        *cells.values()
    ]
    with zipfile.ZipFile(io.BytesIO(forms["csv"])) as archive:
        rows = [
            row
            for name in archive.namelist()
            if name != "contents.csv"
            for row in csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline=""))
        ]
    assert sum(cell == "c" for row in rows for cell in row) == hidden_cells
    book = CalamineWorkbook.from_filelike(io.BytesIO(forms["xlsx"]))
    sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    assert set(sheets) == {"Contents", *cells}
    assert sum(cell == "c" for rows in sheets.values() for row in rows for cell in row) == hidden_cells
    document = Document(io.BytesIO(forms["docx"]))
    in_tables = [one.text for table in document.tables for row in table.rows for one in row.cells]
    # charts are pictures there
    of_tables = {one.name for one in tables if one.kind == "table"}
    assert in_tables.count("c") >= sum(
        cell == "c" for name, rows in cells.items() if name in of_tables for row in rows for cell in row
    )
    html = figures_of(forms["html"].decode())
    assert sum(cell.text == "c" for one in html for row in one.rows for cell in row.cells) == hidden_cells
    return forms, {
        "docx": " ".join(one.text or "" for one in document.element.body.iter(qn("w:t"))),
        "html": forms["html"].decode(),
        "csv": json.dumps(rows),
        "xlsx": json.dumps(sheets),
        "json": forms["json"].decode(),
    }
