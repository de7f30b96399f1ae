"""Writing an action plan as a workbook. Texts stay texts: nothing that somebody typed becomes a formula or a link."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import xlsxwriter

from app.domain.action_plan import ActionPlan, PlannedAction, PlanQuestion, PlanStandard
from app.domain.actions import STATES
from app.domain.message import N_

LONDON = ZoneInfo("Europe/London")
INK, PALE = "#0B3C49", "#E7EEF0"
HEAD_ROW = 3
Kind = Literal["text", "date"]
COLUMNS: tuple[tuple[str, int, Kind], ...] = (
    (N_("Standard"), 28, "text"),
    (N_("No."), 8, "text"),
    (N_("Criterion"), 50, "text"),
    (N_("Grade"), 18, "text"),
    (N_("Milestone"), 13, "date"),
    (N_("Expected in place by"), 13, "date"),
    (N_("What will be done"), 50, "text"),
    (N_("Owner"), 24, "text"),
    (N_("By when"), 13, "date"),
    (N_("By when, as first planned"), 13, "date"),
    (N_("Status"), 13, "text"),
    (N_("To note"), 26, "text"),
    (N_("Latest progress"), 40, "text"),
    (N_("Reported on"), 13, "date"),
)
WHY_APART = {
    "in_place": N_("the criterion is in place"),
    "not_graded": N_("the criterion has no grade yet"),
    "excluded": N_("the criterion does not apply"),
    "not_asked": N_("the criterion is no longer asked"),
}

Translate = Callable[[str], str]


def write_action_plan(plan: ActionPlan, *, translate: Translate = N_) -> bytes:
    """The workbook of an action plan, as bytes of an .xlsx file. The same plan gives the same bytes."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    book.set_properties(
        {
            "title": f"{plan.agency.name}: {translate(N_('Action plan'))}",
            "author": ", ".join(body.name for body in plan.bodies),
            "comments": plan.audit_round.name,
            "created": plan.audit_round.as_at.replace(tzinfo=None),
        }
    )
    base = {"font_name": "Calibri", "font_size": 11, "valign": "top", "text_wrap": True}
    formats = {
        "title": book.add_format({**base, "bold": True, "font_size": 16, "font_color": INK, "text_wrap": False}),
        "line": book.add_format({**base, "text_wrap": False}),
        "head": book.add_format({**base, "bold": True, "font_color": INK, "bg_color": PALE, "bottom": 1}),
        "text": book.add_format(base),
        "date": book.add_format({**base, "num_format": "d mmmm yyyy", "align": "left"}),
        "number": book.add_format({**base, "num_format": "0"}),
    }
    _summary(book.add_worksheet(translate(N_("Summary"))), plan, formats, translate)
    _actions(book.add_worksheet(translate(N_("Actions"))), plan, formats, translate)
    book.close()
    return out.getvalue()


def _title(sheet: Any, plan: ActionPlan, formats: dict[str, Any], translate: Translate) -> None:
    """The first rows of a sheet: whose plan it is, and whether it is signed."""
    sheet.write_string(0, 0, f"{translate(N_('Action plan'))}: {plan.agency.name}", formats["title"])
    sheet.write_string(1, 0, f"{plan.audit_round.name}, {plan.template_title}", formats["line"])
    words = (
        translate(N_("What was planned was signed by %(name)s, %(post)s. Progress is as reported since."))
        % {"name": plan.signature.name, "post": plan.signature.post}
        if plan.signature
        else translate(N_("DRAFT. Nobody has signed this plan, and it can still change."))
    )
    sheet.write_string(2, 0, words, formats["line"])
    sheet.hide_gridlines(2)


def _summary(sheet: Any, plan: ActionPlan, formats: dict[str, Any], translate: Translate) -> None:
    figures, status = plan.figures, translate(N_("Status"))
    _title(sheet, plan, formats, translate)
    sheet.set_column(0, 0, 60)
    sheet.set_column(1, 1, 14)
    sheet.write_string(HEAD_ROW, 0, translate(N_("What is counted")), formats["head"])
    sheet.write_string(HEAD_ROW, 1, translate(N_("Number")), formats["head"])
    lines = (
        (N_("Criteria not in place"), figures.gaps),
        (N_("Criteria not in place, with an action"), figures.with_action),
        (N_("Criteria not in place, without any action"), figures.without_action),
        (N_("Criteria expected in place after their milestone"), figures.gaps_after_milestone),
        (N_("Actions for criteria not in place"), figures.actions),
        *((f"{status}: {translate(STATES[state])}", number) for state, number in figures.by_state.items()),
        (N_("Actions planned or under way"), figures.open_actions),
        (N_("of these, overdue"), figures.overdue),
        (N_("of these, due after the milestone"), figures.after_milestone),
        (N_("of these, without an owner"), figures.no_owner),
        (N_("of these, without a date"), figures.no_date),
    )
    for row, (words, number) in enumerate(lines, start=HEAD_ROW + 1):
        sheet.write_string(row, 0, translate(words), formats["text"])
        sheet.write_number(row, 1, number, formats["number"])
    after = HEAD_ROW + len(lines) + 2
    sheet.write_string(after, 0, translate(N_("Facts as they stood on")), formats["text"])
    sheet.write_datetime(after, 1, _midnight(plan.today), formats["date"])
    sheet.write_string(after + 1, 0, translate(N_("Snapshot")), formats["text"])
    sheet.write_string(after + 1, 1, plan.snapshot_id, formats["line"])


def _actions(sheet: Any, plan: ActionPlan, formats: dict[str, Any], translate: Translate) -> None:
    _title(sheet, plan, formats, translate)
    for place, (words, width, _kind) in enumerate(COLUMNS):
        sheet.set_column(place, place, width)
        sheet.write_string(HEAD_ROW, place, translate(words), formats["head"])
    lines = [
        _cells(standard, question, planned, translate)
        for standard in plan.standards
        for question in standard.gaps
        for planned in question.actions or (None,)
    ]
    lines += [_cells(None, question, planned, translate) for question in plan.apart for planned in question.actions]
    for row, cells in enumerate(lines, start=HEAD_ROW + 1):
        for place, (value, (_words, _width, kind)) in enumerate(zip(cells, COLUMNS, strict=True)):
            if isinstance(value, str):
                sheet.write_string(row, place, value, formats["text"])
            elif value is None:
                sheet.write_blank(row, place, None, formats[kind])
            else:
                sheet.write_datetime(row, place, _midnight(value), formats["date"])
    sheet.freeze_panes(HEAD_ROW + 1, 0)
    sheet.autofilter(HEAD_ROW, 0, HEAD_ROW + max(1, len(lines)), len(COLUMNS) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEAD_ROW)


def _cells(
    standard: PlanStandard | None, question: PlanQuestion, planned: PlannedAction | None, translate: Translate
) -> tuple[str | date | None, ...]:
    """One line of the list; without an action it says that there is none."""
    start = (
        f"{standard.number}. {standard.title}" if standard else translate(N_("Other actions")),
        question.number,
        question.question,
        question.grade_label,
        question.milestone_date,
        question.date_expected if not question.why_apart else None,
    )
    if planned is None:
        none = translate(N_("No action is planned."))
        return (*start, "", "", None, None, "", none, "", None)
    action = planned.action
    notes = [
        translate(words)
        for holds, words in (
            (bool(question.why_apart), WHY_APART.get(question.why_apart, "")),
            (planned.is_overdue, N_("overdue")),
            (planned.is_after_milestone, N_("after the milestone")),
            (planned.is_after_expected, N_("after the date of the answer")),
            (action.is_open and not action.owner, N_("no owner")),
            (action.is_open and not action.due, N_("no date")),
        )
        if holds
    ]
    latest = action.latest
    return (
        *start,
        action.what,
        action.owner,
        action.due,
        action.planned_due,
        translate(STATES[action.state]),
        "; ".join(notes),
        latest.note if latest else "",
        latest.at.astimezone(LONDON).date() if latest else None,
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 -- a cell has no time zone
