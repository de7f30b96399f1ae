"""Writing a return as a workbook. Texts stay texts: nothing that somebody typed becomes a formula or a link."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from babel.dates import format_date, format_datetime
from xlsxwriter.utility import xl_range_abs

from app.domain.actions import STATES
from app.domain.answers import MAX_FILES, MAX_TEXT
from app.domain.answers.facts import MAX_CELL, MAX_COUNT
from app.domain.asking import Asked, ChoicesAsked, DateAsked, NumberAsked, Percentage, TableAsked, TextAsked
from app.domain.asking import Column as TableColumn
from app.domain.findings import Sentence
from app.domain.forms import FormAction, FormDocument, FormQuestion, FormScheme, FormStandard
from app.domain.guidance import plain
from app.domain.message import N_
from app.domain.templates import Template
from app.domain.text import localise
from app.languages import LANGUAGES, translations
from app.sheets.layout import (
    BETWEEN,
    CELL,
    COLUMNS,
    DATES,
    FACT_COLUMNS,
    FORMAT,
    LISTS_SHEET,
    MARK,
    META_SHEET,
    OURS,
    SAID_ELSEWHERE,
    TABLE,
    Column,
    cell_text,
    checksum,
    choices_of,
    number_in,
    offered,
    places_of,
)

LONDON = ZoneInfo("Europe/London")
INK, PALE, ANSWER, LINE = "#0B3C49", "#E7EEF0", "#FFF9E5", "#9FB4BA"
TITLE_ROW, GUIDE_ROW, KEY_ROW, HEAD_ROW, FIRST_ROW = 0, 1, 2, 3, 4
WIDEST = 1e15  # numbers beyond it lose digits in a spreadsheet
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

# where questions are answered with more than grades
FACTS = (
    N_("Where a question asks for something else than a grade, write it under “Answer”."),
    N_("Of several choices write those that apply, with semicolons between them."),
    N_("The rows of a table have a sheet of their own, which the question names."),
    N_("A grade that follows from an answer is worked out by the service, and files are added there."),
)

UNLISTED = N_(
    "Questions that are asked for each of your sites are not in this file yet. List your sites in the service, then"
    " download it again."
)
# the head of the column that says what a question is about
_PLACE_HEADS = {
    frozenset({"area"}): N_("Area"),
    frozenset({"site"}): N_("Site"),
    frozenset({"area", "site"}): N_("Area or site"),
}


def _listed(form: FormDocument) -> FormDocument:
    """The form without what is asked for each site while no site is listed."""
    standards = (
        standard.model_copy(
            update={"questions": tuple(question for question in standard.questions if not question.unlisted)}
        )
        for standard in form.standards
    )
    return form.model_copy(update={"standards": tuple(one for one in standards if one.questions)})


def write_workbook(form: FormDocument, template: Template) -> bytes:
    """The workbook of a return, as bytes of an .xlsx file, in the language of the form.

    `template` is the one that the form is of. Where `form.closed` says that nothing can be changed, or the form is of
    what was signed, every cell is locked. The same form gives the same bytes.
    """
    return _Writer(form, template).write()


class _Writer:
    def __init__(self, form: FormDocument, template: Template) -> None:
        # what waits for the agency to list its sites has no place for an answer yet
        self.waits = any(question.unlisted for question in form.questions())
        self.form = form = _listed(form) if self.waits else form
        self.template = template
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
        scopes = {
            str(template.criterion(question.criterion).scope) for question in form.questions() if question.scope
        }
        left_out = {"actions", "files_attached"} if self.fillable else {"id", "version"}
        if form.kind == "signed":
            left_out.add("saved")
        if not scopes:
            left_out.add("area")
        types = {self._asked(question).type for question in form.questions()}
        if types <= {"grade"}:
            left_out.add("answer")
        if "percentage" not in types:
            left_out |= {"numerator", "denominator"}
        self.columns = [
            replace(column, head=_PLACE_HEADS[frozenset(scopes)]) if column.key == "area" else column
            for column in COLUMNS
            if column.key not in left_out
        ]

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
        tables = [(question, asked, self._add(name)) for question, asked, name in self._tables()]
        if self.fillable:
            self._lists()
            self._meta()
        for standard, sheet in sheets:
            self._standard(standard, sheet)
        for place, (question, asked, sheet) in enumerate(tables, start=1):
            self._table(place, question, asked, sheet)
        self.book.close()
        return self.out.getvalue()

    # --- what several sheets share -----------------------------------------------------------------------------------

    def _title(self) -> str:
        agency = self.form.agency.name if self.form.agency else self.form.type_label
        return f"{agency}: {self.form.template_title}"

    def _sheet_name(self, standard: FormStandard) -> str:
        return f"{self._(N_('Standard'))} {standard.number}"[:31]

    def _asked(self, question: FormQuestion) -> Asked:
        return self.template.criterion(question.criterion).answer

    def _say(self, text: str | Mapping[str, str] | None) -> str:
        """A text of the pack on one line."""
        return " ".join(localise(text, self.form.language).split()) if text else ""

    def _tables(self) -> list[tuple[FormQuestion, TableAsked, str]]:
        """Every question that is answered with a table, and the name of the sheet for its rows."""
        found: list[tuple[FormQuestion, TableAsked, str]] = []
        for question in self.form.questions():
            asked = self._asked(question)
            if isinstance(asked, TableAsked):
                # these have no place in the name of a sheet
                name = re.sub(r"[\[\]:*?/\\']", " ", f"{self._(N_('Table'))} {question.number}")[:31].strip()
                if name.casefold() in {other.casefold() for *_, other in found}:
                    name = f"{name[:26].strip()} ({len(found) + 1})"
                found.append((question, asked, name))
        return found

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
        for question, _asked, name in self._tables():
            self._write(sheet, row, 0, name, line)
            self._write(sheet, row, 1, question.question, line)
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
        guidance = [(_(title), [_(line) for line in lines]) for title, lines in GUIDANCE]
        if any(column.key == "answer" for column in self.columns):
            guidance[0][1].extend(_(line) for line in FACTS)
        if self.waits:
            guidance[0][1].append(_(UNLISTED))
        return guidance

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
        wanted: dict[tuple[str, str], Mapping[str, str | Mapping[str, str]]] = {}
        for scheme in self.form.schemes:
            wanted[scheme.key, "grade"] = {grade.key: grade.label for grade in scheme.grades}
            wanted[scheme.key, "basis"] = {basis.key: basis.label for basis in scheme.bases}
        for question in self.form.questions():
            asked = self._asked(question)
            if asked.type in ("yes_no", "choice"):
                wanted[question.criterion, asked.type] = choices_of(asked)
            if isinstance(asked, TableAsked):
                wanted |= {(question.criterion, f"cell:{one.key}"): choices_of(one) for one in asked.columns}
        column = 0
        for key, choices in wanted.items():
            labels = list(offered(choices, self.form.language).values())
            if not labels:
                continue
            for row, label in enumerate(labels, start=1):
                sheet.write_string(row, column, label)
            place = xl_range_abs(1, column, len(labels), column)
            self.lists[key] = f"={LISTS_SHEET}!{place}"
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
        guide = plain(standard.introduction)
        if standard.vouched_by:
            guide = _(N_("%(name)s, %(post)s, vouches for these answers.")) % {
                "name": standard.vouched_by, "post": standard.vouched_post,
            }  # fmt: skip
        self._write(sheet, GUIDE_ROW, 0, guide, self._format(font_color="#33484E"))
        head = self._format(bold=True, font_color="#FFFFFF", bg_color=INK, text_wrap=True, valign="vcenter", border=1)
        unused = set() if self._milestones() else {"milestone"}
        if not any(self._asked(question).is_graded for question in self.form.questions()):
            unused |= {"grade", "basis", "files", "files_date", "date_expected", "reason"}
        for place, column in enumerate(self.columns):
            hidden = column.key in ("id", "version") or column.key in unused
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
        asked = self._asked(question)
        name = next((field for field, key in places_of(asked).items() if key == column.key), "")
        if not name:
            look = self._format(text_wrap=True, border=1, border_color=LINE, bg_color=PALE)
            self._write(sheet, row, place, self._words(column.key, question), look)
            return
        style = self._style()
        value = question.value.get(name)
        if name in DATES:
            self._write_day(sheet, row, place, value or "", style)
        elif name in ("files", "numerator", "denominator"):
            look = self._format(**style, num_format="0")
            if value is None:
                sheet.write_blank(row, place, None, look)
            else:
                sheet.write_number(row, place, value, look)
        elif name == "number":
            self._write_number(sheet, row, place, value or "", style)
        else:
            # a text format: what begins with an equals sign stays a text when somebody types it, too
            look = self._format(**style, num_format="@")
            self._write(sheet, row, place, self._shown(name, question), look)
        if self.fillable:
            self._validate(sheet, row, place, name, question)

    def _style(self) -> dict[str, Any]:
        """How a cell for an answer looks."""
        style: dict[str, Any] = {"text_wrap": True, "border": 1, "border_color": LINE, "align": "left"}
        return style | ({"locked": False, "bg_color": ANSWER} if self.fillable else {})

    def _write_day(self, sheet: Any, row: int, place: int, value: str, style: Mapping[str, Any]) -> None:
        look = self._format(**style, num_format="d mmmm yyyy")
        day = date.fromisoformat(value) if value else None
        if day and day >= EARLIEST:
            sheet.write_datetime(row, place, datetime(day.year, day.month, day.day), look)  # noqa: DTZ001
        else:
            self._write(sheet, row, place, value, look)

    def _write_number(self, sheet: Any, row: int, place: int, value: str, style: Mapping[str, Any]) -> None:
        look = self._format(**style, num_format="General")
        if value and number_in(float(value)) == value:
            sheet.write_number(row, place, float(value), look)
        else:  # also one with more digits than a spreadsheet keeps
            self._write(sheet, row, place, value, look)

    def _shown(self, name: str, question: FormQuestion) -> str:
        value = question.value.get(name, "")
        scheme, asked = self.form.scheme(question.scheme), self._asked(question)
        labels: Mapping[str, str | Mapping[str, str]] = {}
        if name == "grade":
            labels = {grade.key: grade.label for grade in scheme.grades}
        elif name == "basis":
            labels = {basis.key: basis.label for basis in scheme.bases}
        elif name in ("answer", "chosen", "choices"):
            labels = choices_of(asked)
        words = offered(labels, self.form.language)
        if name == "choices":
            return f"{BETWEEN} ".join(words.get(key, key) for key in value)
        return words.get(value, str(value))

    def _action(self, action: FormAction) -> str:
        known = (action.owner, self._day(action.due) if action.due else "", self._(STATES[action.state]))
        return f"{action.what} ({', '.join(filter(None, known))})"

    def _words(self, key: str, question: FormQuestion) -> str:
        _ = self._
        if key == "question":
            return "\n".join([question.question, *self._asks(question), *map(self._sentence, question.conditions)])
        if key in FACT_COLUMNS:
            return self._elsewhere(question) if key == "answer" else ""
        if key == "grade":
            return "" if self.fillable else self._shown("grade", question)
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
            "why": plain(question.why),
            "evidence": plain(question.evidence_hint),
            "id": question.id,
            "version": str(question.version),
        }[key]

    def _asks(self, question: FormQuestion) -> list[str]:
        """What an answer is, where the cell itself does not say it."""
        _, asked = self._, self._asked(question)
        found = []
        if isinstance(asked, NumberAsked):
            if asked.unit:
                found.append(f"{_(N_('Unit'))}: {self._say(asked.unit)}")
            found.append(self._limits(asked))
        elif isinstance(asked, Percentage):
            found = [
                f"{_(N_('How many'))}: {self._say(asked.counted)}",
                f"{_(N_('Out of how many'))}: {self._say(asked.out_of)}",
            ]
        elif isinstance(asked, ChoicesAsked):
            words = offered(choices_of(asked), self.form.language).values()
            found = [f"{_(N_('Write those that apply, with semicolons between them'))}: {f'{BETWEEN} '.join(words)}"]
        elif isinstance(asked, DateAsked) and asked.past:
            found = [_(N_("Not a day in the future."))]
        return list(filter(None, found))

    def _limits(self, asked: NumberAsked) -> str:
        _ = self._
        limits = {"least": _number(asked.lowest), "most": _number(asked.highest)}
        if asked.lowest is not None and asked.highest is not None:
            return _(N_("A number from %(least)s to %(most)s.")) % limits
        if asked.lowest is not None:
            return _(N_("A number, %(least)s or more.")) % limits
        return _(N_("A number, %(most)s or less.")) % limits if asked.highest is not None else ""

    def _elsewhere(self, question: FormQuestion) -> str:
        """Where an answer goes that has no cell of its own in the standard's sheet."""
        _, kind = self._, self._asked(question).type
        if kind not in SAID_ELSEWHERE:
            return ""
        if kind == "table":
            name = next(name for other, _asked, name in self._tables() if other.id == question.id)
            return _(N_("On the sheet “%(name)s”")) % {"name": name}
        return _(N_("Files are added in the service, as evidence.")) if self.fillable else ""

    def _table(self, number: int, question: FormQuestion, asked: TableAsked, sheet: Any) -> None:
        """The rows of a table, on a sheet of their own."""
        title = f"{question.number} {question.question}"
        self._write(sheet, TITLE_ROW, 0, title, self._format(bold=True, font_size=14, font_color=INK))
        most = self._(N_("One row for each. At most %(most)s rows.")) % {"most": asked.at_most}
        self._write(sheet, GUIDE_ROW, 0, most if self.fillable else "", self._format(font_color="#33484E"))
        rows = question.value.get("rows", [])
        last = FIRST_ROW + max(1, asked.at_most if self.fillable else len(rows)) - 1
        if self.fillable:
            sheet.write_string(KEY_ROW, len(asked.columns), f"{TABLE}{question.id}")
            sheet.set_column(len(asked.columns), len(asked.columns), 8, None, {"hidden": True})
        for place, column in enumerate(asked.columns):
            sheet.set_column(place, place, 40 if column.type == "text" else 22)
            if self.fillable:
                sheet.write_string(KEY_ROW, place, f"{CELL}{column.key}")
        sheet.set_row(KEY_ROW, None, None, {"hidden": True})
        head = self._format(bold=True, font_color="#FFFFFF", bg_color=INK, text_wrap=True, valign="vcenter", border=1)
        sheet.add_table(
            HEAD_ROW, 0, last, len(asked.columns) - 1,
            {
                "name": f"Rows_{number}",
                "title": title[:250],
                "autofilter": False,
                "style": None,
                "columns": [{"header": words, "header_format": head} for words in self._heads(asked.columns)],
            },
        )  # fmt: skip
        for row in range(FIRST_ROW, last + 1):
            cells = rows[row - FIRST_ROW] if row - FIRST_ROW < len(rows) else {}
            for place, column in enumerate(asked.columns):
                self._table_cell(sheet, row, place, column, cells.get(column.key, ""))
        if self.fillable:
            for place, column in enumerate(asked.columns):
                self._validate_column(sheet, place, last, column, question)
        sheet.freeze_panes(FIRST_ROW, 0)
        sheet.repeat_rows(HEAD_ROW)
        sheet.print_area(0, 0, last, len(asked.columns) - 1)
        sheet.ignore_errors({"number_stored_as_text": xl_range_abs(0, 0, last, len(asked.columns) - 1)})
        self._protect(sheet)

    def _heads(self, columns: Sequence[TableColumn]) -> list[str]:
        """The heads of a table's columns, each different from the others, as a spreadsheet wants them."""
        found: list[str] = []
        for column in columns:
            words = self._say(column.label)[:200]
            if column.unit:
                words += f" ({self._say(column.unit)[:40]})"
            if words.casefold() in {other.casefold() for other in found}:
                words += f" ({len(found) + 1})"
            found.append(words)
        return found

    def _table_cell(self, sheet: Any, row: int, place: int, column: TableColumn, cell: str) -> None:
        style = self._style()
        if column.type == "date":
            self._write_day(sheet, row, place, cell, style)
        elif column.type == "number":
            self._write_number(sheet, row, place, cell, style)
        else:
            words = offered(choices_of(column), self.form.language).get(cell, cell)
            self._write(sheet, row, place, words, self._format(**style, num_format="@"))

    def _validate_column(self, sheet: Any, place: int, last: int, column: TableColumn, question: FormQuestion) -> None:
        cells = FIRST_ROW, place, last, place
        source = self.lists.get((question.criterion, f"cell:{column.key}"))
        if source:
            self._from_list(sheet, cells, source)
        elif column.type == "number":
            self._number_within(sheet, cells, "decimal", None, None)
        elif column.type == "text":
            self._no_longer(sheet, cells, MAX_CELL)

    def _validate(self, sheet: Any, row: int, place: int, name: str, question: FormQuestion) -> None:
        _ = self._
        cells, asked = (row, place, row, place), self._asked(question)
        source = self.lists.get((question.scheme, name)) or (
            self.lists.get((question.criterion, asked.type)) if name in ("answer", "chosen") else None
        )
        if source:
            self._from_list(sheet, cells, source)
        elif name == "files":
            self._check(
                sheet, cells, N_("A whole number"), N_("Enter the number of files as a whole number, such as 25."),
                validate="integer", criteria="between", minimum=0, maximum=MAX_FILES,
            )  # fmt: skip
        elif name in ("numerator", "denominator"):
            self._number_within(sheet, cells, "integer", Fraction(0), Fraction(MAX_COUNT))
        elif isinstance(asked, NumberAsked) and name == "number":
            self._number_within(sheet, cells, "decimal" if asked.decimals else "integer", asked.lowest, asked.highest)
        elif isinstance(asked, TextAsked) and name == "text":
            self._no_longer(sheet, cells, asked.longest)
        elif name in ("commentary", "reason"):
            self._no_longer(sheet, cells, MAX_TEXT)

    def _from_list(self, sheet: Any, cells: tuple[int, int, int, int], source: str) -> None:
        self._check(
            sheet, cells, N_("Choose from the list"), N_("Open the list in this cell and choose one of its entries."),
            validate="list", source=source,
        )  # fmt: skip

    def _number_within(
        self, sheet: Any, cells: tuple[int, int, int, int], kind: str, least: Fraction | None, most: Fraction | None
    ) -> None:
        # a spreadsheet knows no number without limits
        limits = -WIDEST if least is None else float(least), WIDEST if most is None else float(most)
        words = N_("Enter a whole number within the limits, such as 25.")
        if kind == "decimal":
            words = N_("Enter a number within the limits, such as 25 or 2.5.")
        self._check(
            sheet, cells, N_("A number"), words, validate=kind, criteria="between", minimum=limits[0],
            maximum=limits[1],
        )  # fmt: skip

    def _no_longer(self, sheet: Any, cells: tuple[int, int, int, int], limit: int) -> None:
        self._check(
            sheet, cells, N_("This text is too long"), N_("Shorten it to %(limit)s characters or fewer."), limit=limit,
            validate="length", criteria="<=", value=limit,
        )  # fmt: skip

    def _check(
        self, sheet: Any, cells: tuple[int, int, int, int], title: str, words: str, *, limit: int = 0, **rule: Any
    ) -> None:
        """What a cell accepts, and what the spreadsheet says of anything else."""
        said = self._(words) % {"limit": limit}
        sheet.data_validation(*cells, rule | {"error_title": self._(title)[:32], "error_message": said[:255]})


def _number(value: Fraction | None) -> str:
    return "" if value is None else number_in(float(value))
