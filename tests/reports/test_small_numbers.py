"""Small numbers in the joint findings: what comes out gives no hidden figure away, and inspectors go on seeing all.

The check knows nothing of how figures are hidden: every figure shown is written as a sum of the smallest counts there
are (a criterion, as one subtype answered it), and no hidden figure may be a combination of those.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import pytest
from sqlalchemy.orm import Session

from app.domain.findings import Figure, JointFindings
from app.domain.findings_table import HIDDEN, lines
from app.models import AuditRound
from app.policy import system_actor
from app.queries.findings import joint_findings
from tests.reports.seeded import AFTER, seed
from tests.world import pack

BELOW = 5
PRIME = 2**61 - 1
BY = system_actor("test")
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
    assert not found.twins and found.assurance.total is None
