"""The action plan as PDF and spreadsheet: accessible, marked as a draft, and with the figures of the page."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path

import pypdf
import pytest
from python_calamine import CalamineWorkbook

from app.domain.action_plan import ActionPlan
from app.domain.actions import Typed
from app.queries.action_plan import action_plan
from app.sheets.action_plan import write_action_plan
from reports.make import make_report
from reports.render import render_pdf
from tests.operations.test_actions import TRAIN, plan, progress
from tests.operations.test_returns import sign
from tests.pdf_gate import assert_pdf_ua
from tests.reports.test_render import text_of
from tests.world import SYSTEM, World

# what the report reads is tested on both databases; rendering does not depend on them
pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


@pytest.fixture
def code(world: World) -> str:
    """An agency with a plan: nothing is in place, some of it is planned, one action names markup."""
    code = next(iter(world.returns))
    world.answer(code, best=False)
    plan(world, code, TRAIN)
    plan(world, code, Typed("First line\nSecond </td><script>alert(1)</script>", "", None, "under_way"))
    plan(world, code, Typed("Given up", "Me", date(2003, 9, 1), "dropped"), place=1)
    plan(world, code, Typed("Too late", "Me", date(2019, 9, 1)), place=2)
    return code


def made(world: World, code: str, out: Path, *, draft: bool) -> ActionPlan:
    """Make the PDF; its data."""
    world.session.rollback()
    audit_return = world.session.merge(world.returns[code])
    data = out.with_suffix(".json")
    make_report(
        world.session, "action-plan", audit_return.audit_round, audit_return, out=out, data=data, actor=SYSTEM,
        now=world.now, draft=draft,
    )  # fmt: skip
    return ActionPlan.model_validate_json(data.read_text())


def test_the_draft_says_so_and_counts_what_page_and_sheet_count(world: World, code: str, tmp_path: Path) -> None:
    out = tmp_path / "plan.pdf"
    data = made(world, code, out, draft=True)
    assert_pdf_ua(out)
    text = text_of(out)
    assert "DRAFT" in text and "Demonstration" not in text
    for page in pypdf.PdfReader(out).pages:
        assert "Draft, not signed" in page.extract_text()
    world.session.rollback()
    shown = action_plan(
        world.session, world.session.merge(world.returns[code]), draft=True, actor=world.actor("board"), now=world.now
    )
    assert shown == data
    figures = data.figures
    assert (figures.gaps, figures.without_action, figures.actions) == (len(data.gaps), len(data.gaps) - 2, 4)
    for words, number in (
        ("Criteria not in place", figures.gaps),
        ("without any action", figures.without_action),
        ("Actions for them", 4),
        ("due after the milestone", figures.after_milestone),
        ("without an owner", 1),
    ):
        assert f"{words} {number}" in text, words
    book = CalamineWorkbook.from_filelike(io.BytesIO(write_action_plan(data)))
    summary = {row[0]: row[1] for row in book.get_sheet_by_name("Summary").to_python()}
    assert summary["Criteria not in place"] == figures.gaps
    assert summary["Criteria not in place, without any action"] == figures.without_action
    assert summary["of these, due after the milestone"] == figures.after_milestone
    # everything that is planned stands in it, as text
    assert "Second </td><script>alert(1)</script>" in text and "no owner" in text and "no date" in text
    for standard in data.standards:
        assert standard.title in text


def test_the_signed_plan_shows_progress_beside_what_was_signed(world: World, code: str, tmp_path: Path) -> None:
    first = action_plan(
        world.session, world.session.merge(world.returns[code]), draft=True, actor=SYSTEM, now=world.now
    )
    assert first
    action = next(one.action for gap in first.gaps for one in gap.actions if one.action.what == TRAIN.what)
    sign(world, code)
    progress(world, code, action.id, "under_way", "Two of four teams.", date(2003, 12, 1))
    out = tmp_path / "plan.pdf"
    data = made(world, code, out, draft=False)
    assert_pdf_ua(out)
    text = text_of(out)
    assert "DRAFT" not in text and "Draft, not signed" not in text
    assert data.signature and data.signature.name in text
    assert "Two of four teams." in text and "1 December 2003" in text and "at first 1 September 2003" in text
    again = render_pdf("action-plan", json.loads(data.model_dump_json()), tmp_path / "again.pdf")
    assert again.sha256 and (tmp_path / "again.pdf").read_bytes() == out.read_bytes()


def test_what_was_planned_stands_in_the_agencys_return(world: World, code: str, tmp_path: Path) -> None:
    sign(world, code)
    world.session.rollback()
    audit_return = world.session.merge(world.returns[code])
    out = tmp_path / "return.pdf"
    make_report(
        world.session, "agency-return", audit_return.audit_round, audit_return, out=out, actor=SYSTEM, now=world.now
    )
    assert_pdf_ua(out)
    text = text_of(out)
    assert "Train all reception staff Head of training, by 1 September 2003, planned" in text
    assert "no owner named, no date, under way" in text


def test_a_plan_with_nothing_to_plan_says_so(world: World, tmp_path: Path) -> None:
    code = next(iter(world.returns))
    world.answer(code)
    out = tmp_path / "plan.pdf"
    data = made(world, code, out, draft=True)
    assert data.figures.gaps == 0
    assert_pdf_ua(out)
    assert "there is nothing to plan" in text_of(out)
