"""Writing a return as a workbook. Texts stay texts: nothing that somebody typed becomes a formula or a link."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from babel.dates import format_date, format_datetime
from xlsxwriter.utility import xl_range_abs

from app.domain.actions import STATES
from app.domain.answers import MAX_FILES, MAX_TEXT
from app.domain.findings import Sentence
from app.domain.forms import FormAction, FormDocument, FormQuestion, FormScheme, FormStandard
from app.domain.message import N_
from app.languages import LANGUAGES, translations
from app.sheets.layout import (
    COLUMNS,
    DATES,
    FORMAT,
    LISTS_SHEET,
    MARK,
    META_SHEET,
    OURS,
    Column,
    cell_text,
    checksum,
)

LONDON = ZoneInfo("Europe/London")
INK, PALE, ANSWER, LINE = "#0B3C49", "#E7EEF0", "#FFF9E5", "#9FB4BA"
TITLE_ROW, GUIDE_ROW, KEY_ROW, HEAD_ROW, FIRST_ROW = 0, 1, 2, 3, 4
EARLIEST = date(1900, 3, 1)  # what a spreadsheet calls earlier days differs between programs

SIGNED = N_("These are the answers as they were signed. They cannot be changed here.")
CLOSED = N_("These are the answers as they stood. Nothing can be changed any more.")
GUIDANCE = (
    (
        N_("How to fill this in"),
        (
            N_("Each standard has a sheet of its own. Type only in the pale yellow cells: all others are locked."),
            N_("Choose the grade, and how you know, from the list that opens in the cell."),
            N_("Write dates as day, month, year: 31/10/2003 or 31 October 2003."),
            N_("Leave out what you do not know yet. What is in the service already is filled in here."),
            N_(
                "Do not write names or details of children, or anything by which a child could be recognised."
                " Nor write them into the name of the file."
            ),
        ),
    ),
    (
        N_("What not to change"),
        (
            N_(
                "Leave the questions, the columns and the hidden sheets as they are: by them the answers find their"
                " way back."
            ),
            N_(
                "Your colleagues can go on working in the service meanwhile. Nothing of theirs is overwritten"
                " without asking you."
            ),
        ),
    ),
    (
        N_("How to upload it"),
        (
            N_(
                "Save the file as an Excel workbook (.xlsx) or an OpenDocument spreadsheet (.ods), without a"
                " password."
            ),
            N_(
                "Sign in, open this audit, choose “Work offline”, and upload the file. You see what would change"
                " before anything is saved."
            ),
        ),
    ),
)


def write_workbook(form: FormDocument) -> bytes:
    """The workbook of a return, as bytes of an .xlsx file, in the language of the form.

    Where `form.closed` says that nothing can be changed, or the form is of what was signed, every cell is locked. The
    same form gives the same bytes.
    """
    return _Writer(form).write()


class _Writer:
    def __init__(self, form: FormDocument) -> None:
        self.form = form
        self._ = translations(form.language).gettext
        self.locale = LANGUAGES.get(form.language, form.language)
        self.out = io.BytesIO()
        self.book = xlsxwriter.Workbook(
            self.out,
            {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
        )
        self.fillable = form.kind == "draft" and form.closed is None
        self.formats: dict[str, Any] = {}
        self.lists: dict[tuple[str, str], str] = {}
        has_areas = any(question.scope for question in form.questions())
        left_out = {"actions", "files_attached"} if self.fillable else {"id", "version"}
        if form.kind == "signed":
            left_out.add("saved")
        if not has_areas:
            left_out.add("area")
        self.columns = [column for column in COLUMNS if column.key not in left_out]

    def write(self) -> bytes:
        form = self.form
        self.book.set_properties(
            {
                "title": self._title(),
                "author": ", ".join(body.name for body in form.bodies),
                "comments": form.audit_round.name,
                "created": form.audit_round.as_at.replace(tzinfo=None),
            }
        )
        self._instructions()
        sheets = [(standard, self._add(self._sheet_name(standard))) for standard in form.standards]
        if self.fillable:
            self._lists()
            self._meta()
        for standard, sheet in sheets:
            self._standard(standard, sheet)
        self.book.close()
        return self.out.getvalue()

    # --- what several sheets share -----------------------------------------------------------------------------------

    def _title(self) -> str:
        agency = self.form.agency.name if self.form.agency else self.form.type_label
        return f"{agency}: {self.form.template_title}"

    def _sheet_name(self, standard: FormStandard) -> str:
        return f"{self._(N_('Standard'))} {standard.number}"[:31]

    def _add(self, name: str) -> Any:
        sheet = self.book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        sheet.fit_to_pages(1, 0)
        # an ampersand begins a code in headers and footers
        agency = self.form.agency.name if self.form.agency else self.form.type_label
        sheet.set_footer(f"&L&8{agency.replace('&', '&&')[:100]}&R&8&P / &N")
        sheet.hide_gridlines(2)
        return sheet

    def _format(self, **properties: Any) -> Any:
        """A cell format; the same properties give the same one."""
        key = repr(sorted(properties.items()))
        if key not in self.formats:
            base = {"font_name": "Arial", "font_size": 10, "valign": "top"}
            self.formats[key] = self.book.add_format(base | properties)
        return self.formats[key]

    def _day(self, value: date) -> str:
        return str(format_date(value, "d MMMM y", locale=self.locale))

    def _moment(self, value: datetime) -> str:
        local = value.astimezone(LONDON)
        return f"{self._day(local.date())}, {format_datetime(local, 'HH:mm', locale=self.locale)}"

    def _sentence(self, sentence: Sentence) -> str:
        return sentence.rendered(self._)

    def _write(self, sheet: Any, row: int, column: int, text: str, look: Any) -> None:
        if text:
            sheet.write_string(row, column, cell_text(text), look)
        else:
            sheet.write_blank(row, column, None, look)

    def _facts(self, sheet: Any, row: int, facts: Sequence[tuple[str, str]]) -> int:
        name, value = self._format(bold=True, text_wrap=True), self._format(text_wrap=True)
        for words, what in facts:
            self._write(sheet, row, 0, words, name)
            self._write(sheet, row, 1, what, value)
            row += 1
        return row

    # --- the sheets --------------------------------------------------------------------------------------------------

    def _instructions(self) -> None:
        _, form = self._, self.form
        sheet = self._add(_(N_("Instructions")))
        sheet.set_portrait()
        sheet.set_column(0, 0, 26)
        sheet.set_column(1, 1, 78)
        self._write(sheet, 0, 0, self._title(), self._format(bold=True, font_size=16, font_color=INK))
        facts = [(_(N_("Audit round")), form.audit_round.name)]
        if form.agency:
            facts.append((_(N_("Agency")), f"{form.agency.name} ({form.agency.code})"))
        facts += [
            (_(N_("Checklist")), f"{form.pack.title}, {_(N_('version'))} {form.pack.version}"),
            (_(N_("Due")), self._day(form.due)),
            (_(N_("As it stood on")), self._moment(form.audit_round.as_at)),
        ]
        if form.signature:
            facts += [
                (_(N_("Signed by")), f"{form.signature.name}, {form.signature.post}"),
                (_(N_("Signed on")), self._moment(form.signature.signed_at)),
                (_(N_("Content hash")), form.signature.content_hash),
                (_(N_("Submission hash")), form.signature.submission_hash),
            ]
            if form.signature.is_voided:
                facts.append((_(N_("Set aside")), form.signature.voided_reason))
        if self.fillable:
            sheet.write_string(0, 25, OURS)
            sheet.set_column(25, 25, None, None, {"hidden": True})
        row = self._facts(sheet, 2, facts) + 1
        heading, line = self._format(bold=True, font_size=12, font_color=INK), self._format(text_wrap=True)
        for title, lines in self._guidance():
            self._write(sheet, row, 0, title, heading)
            row += 1
            for words in lines:
                self._write(sheet, row, 1, words, line)
                row += 1
            row += 1
        self._write(sheet, row, 0, _(N_("The standards")), heading)
        row += 1
        for standard in form.standards:
            self._write(sheet, row, 0, self._sheet_name(standard), line)
            self._write(sheet, row, 1, standard.title, line)
            row += 1
        row += 1
        for scheme in form.schemes:
            row = self._scheme(sheet, row, scheme, heading)
        sheet.print_area(0, 0, row, 1)
        self._protect(sheet)
        sheet.activate()

    def _guidance(self) -> list[tuple[str, list[str]]]:
        _, form = self._, self.form
        if form.kind == "signed":
            return [(_(N_("What this is")), [_(SIGNED)])]
        if form.closed:
            return [(_(N_("What this is")), [f"{_(CLOSED)} {self._sentence(form.closed)}"])]
        return [(_(title), [_(line) for line in lines]) for title, lines in GUIDANCE]

    def _scheme(self, sheet: Any, row: int, scheme: FormScheme, heading: Any) -> int:
        _ = self._
        self._write(sheet, row, 0, f"{_(N_('Grades'))}: {scheme.title}", heading)
        row = self._facts(sheet, row + 1, [(grade.label, grade.meaning) for grade in scheme.grades]) + 1
        if scheme.bases:
            self._write(sheet, row, 0, _(N_("How do you know?")), heading)
            row = self._facts(sheet, row + 1, [(basis.label, basis.meaning) for basis in scheme.bases]) + 1
        return row

    def _lists(self) -> None:
        sheet = self.book.add_worksheet(LISTS_SHEET)
        sheet.write_string(0, 0, OURS)
        column = 0
        for scheme in self.form.schemes:
            for name, labels in (
                ("grade", [grade.label for grade in scheme.grades]),
                ("basis", [basis.label for basis in scheme.bases]),
            ):
                if not labels:
                    continue
                for row, label in enumerate(labels, start=1):
                    sheet.write_string(row, column, label)
                place = xl_range_abs(1, column, len(labels), column)
                self.lists[scheme.key, name] = f"={LISTS_SHEET}!{place}"
                column += 1
        self._protect(sheet)
        sheet.very_hidden()

    def _meta(self) -> None:
        form = self.form
        sheet = self.book.add_worksheet(META_SHEET)
        facts = {
            "format": FORMAT,
            "return": form.return_id,
            "template": form.template_sha256,
            "checksum": checksum(
                form.return_id, form.template_sha256, ((q.id, q.version) for q in form.questions())
            ),
            "written": form.audit_round.as_at.isoformat(),
        }
        for row, (name, value) in enumerate(facts.items()):
            sheet.write_string(row, 0, MARK + name)
            sheet.write_string(row, 1, value)
        sheet.write_string(0, 2, OURS)
        self._protect(sheet)
        sheet.very_hidden()

    def _standard(self, standard: FormStandard, sheet: Any) -> None:
        _ = self._
        title = f"{standard.number}. {standard.title}"
        if standard.optional:
            title += f" ({standard.label or _(N_('optional'))})"
        self._write(sheet, TITLE_ROW, 0, title, self._format(bold=True, font_size=14, font_color=INK))
        guide = standard.introduction
        if standard.vouched_by:
            guide = _(N_("%(name)s, %(post)s, vouches for these answers.")) % {
                "name": standard.vouched_by, "post": standard.vouched_post,
            }  # fmt: skip
        self._write(sheet, GUIDE_ROW, 0, guide, self._format(font_color="#33484E"))
        head = self._format(bold=True, font_color="#FFFFFF", bg_color=INK, text_wrap=True, valign="vcenter", border=1)
        for place, column in enumerate(self.columns):
            hidden = column.key in ("id", "version") or (column.key == "milestone" and not self._milestones())
            sheet.set_column(place, place, column.width, None, {"hidden": hidden})
            if self.fillable:
                sheet.write_string(KEY_ROW, place, MARK + column.key)
        sheet.set_row(KEY_ROW, None, None, {"hidden": True})
        last = FIRST_ROW + len(standard.questions) - 1
        # a table of its own tells a screen reader which head belongs to a cell
        sheet.add_table(
            HEAD_ROW, 0, last, len(self.columns) - 1,
            {
                "name": f"Standard_{standard.number}",
                "title": title[:250],
                "autofilter": False,
                "style": None,
                "columns": [{"header": _(column.head), "header_format": head} for column in self.columns],
            },
        )  # fmt: skip
        for row, question in enumerate(standard.questions, start=FIRST_ROW):
            for place, column in enumerate(self.columns):
                self._cell(sheet, row, place, column, question)
        sheet.freeze_panes(FIRST_ROW, 2)
        sheet.repeat_rows(HEAD_ROW)
        visible = [p for p, column in enumerate(self.columns) if column.key not in ("id", "version")]
        sheet.print_area(0, 0, last, visible[-1])
        sheet.ignore_errors({"number_stored_as_text": xl_range_abs(0, 0, last, len(self.columns) - 1)})
        self._protect(sheet)

    def _milestones(self) -> bool:
        return any(question.milestone_date for question in self.form.questions())

    def _protect(self, sheet: Any) -> None:
        # without a password: it keeps from accidents, and the reader trusts nothing that it finds
        sheet.protect("", {"format_columns": True, "format_rows": True})

    def _cell(self, sheet: Any, row: int, place: int, column: Column, question: FormQuestion) -> None:
        if not column.field:
            look = self._format(text_wrap=True, border=1, border_color=LINE, bg_color=PALE)
            self._write(sheet, row, place, self._words(column.key, question), look)
            return
        name = column.field
        style: dict[str, Any] = {"text_wrap": True, "border": 1, "border_color": LINE, "align": "left"}
        if self.fillable:
            style |= {"locked": False, "bg_color": ANSWER}
        value = question.value.get(name)
        if name in DATES:
            look = self._format(**style, num_format="d mmmm yyyy")
            day = date.fromisoformat(value) if value else None
            if day and day >= EARLIEST:
                sheet.write_datetime(row, place, datetime(day.year, day.month, day.day), look)  # noqa: DTZ001
            else:
                self._write(sheet, row, place, value or "", look)
        elif name == "files":
            look = self._format(**style, num_format="0")
            if value is None:
                sheet.write_blank(row, place, None, look)
            else:
                sheet.write_number(row, place, value, look)
        else:
            # a text format: what begins with an equals sign stays a text when somebody types it, too
            look = self._format(**style, num_format="@")
            self._write(sheet, row, place, self._shown(name, question), look)
        if self.fillable:
            self._validate(sheet, row, place, name, question)

    def _shown(self, name: str, question: FormQuestion) -> str:
        value = str(question.value.get(name, ""))
        scheme = self.form.scheme(question.scheme)
        if name == "grade":
            return next((grade.label for grade in scheme.grades if grade.key == value), value)
        if name == "basis":
            return next((basis.label for basis in scheme.bases if basis.key == value), value)
        return value

    def _action(self, action: FormAction) -> str:
        known = (action.owner, self._day(action.due) if action.due else "", self._(STATES[action.state]))
        return f"{action.what} ({', '.join(filter(None, known))})"

    def _words(self, key: str, question: FormQuestion) -> str:
        _ = self._
        if key == "question":
            return "\n".join([question.question, *map(self._sentence, question.conditions)])
        if key == "milestone":
            due = self._day(question.milestone_date) if question.milestone_date else ""
            return "\n".join(filter(None, (due, question.milestone_label)))
        if key == "actions":
            return "\n".join(self._action(action) for action in question.actions)
        if key == "files_attached":
            return "\n".join(f"{piece.title} ({piece.name}, SHA-256 {piece.sha256})" for piece in question.evidence)
        if key == "saved":
            if not question.saved_at:
                return ""
            return f"{self._moment(question.saved_at)}\n{question.saved_by}".strip()
        return {
            "number": question.number,
            "area": question.scope_name,
            "why": question.why,
            "evidence": question.evidence_hint,
            "id": question.id,
            "version": str(question.version),
        }[key]

    def _validate(self, sheet: Any, row: int, place: int, name: str, question: FormQuestion) -> None:
        _ = self._
        offered = self.lists.get((question.scheme, name))
        if offered:
            sheet.data_validation(
                row, place, row, place,
                {
                    "validate": "list",
                    "source": offered,
                    "error_title": _(N_("Choose from the list"))[:32],
                    "error_message": _(N_("Open the list in this cell and choose one of its entries."))[:255],
                },
            )  # fmt: skip
        elif name == "files":
            sheet.data_validation(
                row, place, row, place,
                {
                    "validate": "integer",
                    "criteria": "between",
                    "minimum": 0,
                    "maximum": MAX_FILES,
                    "error_title": _(N_("A whole number"))[:32],
                    "error_message": _(N_("Enter the number of files as a whole number, such as 25."))[:255],
                },
            )  # fmt: skip
        elif name in ("commentary", "reason"):
            sheet.data_validation(
                row, place, row, place,
                {
                    "validate": "length",
                    "criteria": "<=",
                    "value": MAX_TEXT,
                    "error_title": _(N_("This text is too long"))[:32],
                    "error_message": (_(N_("Shorten it to %(limit)s characters or fewer.")) % {"limit": MAX_TEXT})[
                        :255
                    ],
                },
            )  # fmt: skip
