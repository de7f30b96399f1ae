"""The joint findings as a table: every figure that the report prints, one in a line, and none that it does not.

A per cent of fewer answers than the report's small number stands as its count there, and is left out here too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from app.domain.corrections import CHAPTERS, FIELDS, HIDDEN
from app.domain.counted import Counted, FactFindings, decimal_text
from app.domain.findings import (
    CheckFindings,
    Compared,
    CriterionFindings,
    Figure,
    JointFindings,
    JudgementFindings,
    MilestoneFindings,
    Rate,
    percent,
)
from app.domain.key_messages import in_tenths
from app.domain.message import N_

# chapters that a correction does not compare as such
MORE_CHAPTERS: dict[str, str] = {
    "document": N_("About this document"),
    "overview": N_("The findings at a glance"),
    "checklists": N_("The checklists"),
    "optional": N_("Further questions that agencies could answer"),
}
# figures that a correction does not compare as such
MORE_FIGURES: dict[str, str] = {
    "snapshot": N_("snapshot"),
    "as_at": N_("facts as they stood"),
    "edition": N_("publication"),
    "published": N_("published"),
    "replaced_by": N_("replaced by publication"),
    "suppressed_below": N_("c: fewer agencies than this"),
    "interim": N_("interim: the round was still open"),
    "criteria": N_("criteria"),
    "optional": N_("optional criteria"),
    "all_met": N_("agencies that say that every criterion is met"),
    "percent_apart": N_("per cent shown apart"),
    "of_met": N_("answers that say that it is met"),
    "returns": N_("submitted returns"),
    "asked": N_("staff asked"),
    "staff_counted": N_("staff who answered"),
    "percent_agree": N_("per cent of staff who agree"),
    "population": N_("submitted"),
    "drawn": N_("drawn"),
    "low": N_("lower end of the interval"),
    "high": N_("upper end of the interval"),
    "lower_than": N_("found lower"),
    "higher_than": N_("found higher"),
    "risk_chosen": N_("chosen for a risk"),
    "changed": N_("with a change"),
    "twice": N_("checked twice"),
    "kappa": N_("Cohen’s kappa"),
    "waiting": N_("without a grade yet"),
    "capped": N_("limited by a cap"),
    "overridden": N_("decided otherwise by inspectors"),
    "differs": N_("not what own grades alone would give"),
    "own_grade": N_("what own grades alone would give"),
    "by_rules": N_("what the rules give"),
    "decided": N_("what was decided"),
    "called_for": N_("agencies of which it is called for"),
}
# a part of a label that begins with a grade or a basis
GRADE_PERCENT = N_("%(label)s, per cent")
MET_GRADE_PERCENT = N_("%(label)s, per cent of the answers that say that it is met")


@dataclass(frozen=True)
class Line:
    """One figure: its chapter, whose it is, the number of what it is about and its words, what is counted, the value.

    A whole number has no commas; a per cent has no sign; a day is YYYY-MM-DD.
    """

    chapter: str
    agencies: str
    number: str
    about: str
    figure: str
    value: str


def lines(findings: JointFindings, translate: Callable[[str], str]) -> Iterator[Line]:
    """Every figure of the findings in the order of the report. `translate` gives words in the findings' language."""
    yield from _Table(findings, translate).lines()


class _Table:
    def __init__(self, findings: JointFindings, translate: Callable[[str], str]) -> None:
        self.found = findings
        self.translate = translate
        self.small = findings.texts.small_number
        self.kinds = {kind.key: kind.plural for kind in findings.agency_types}
        self.labels = {
            scheme.key: {grade.key: grade.label for grade in scheme.grades} for scheme in findings.schemes
        }

    def line(
        self, chapter: str, figure: str, value: object, *, agencies: str = "", number: str = "", about: str = ""
    ) -> Iterator[Line]:
        """A line, where there is a value. `figure` is a key of our own words, or words of the pack."""
        if value is None or value == "":
            return
        words = CHAPTERS.get(chapter) or MORE_CHAPTERS[chapter]
        known = MORE_FIGURES.get(figure) or FIELDS.get(figure)
        yield Line(
            self.translate(words), agencies, number, about, self.translate(known) if known else figure, str(value)
        )

    def lines(self) -> Iterator[Line]:
        found = self.found
        yield from self.document()
        for message in found.key_messages:
            about = f"{message.heading.rendered(self.translate)} ({message.population.rendered(self.translate)})"
            yield from self.line("messages", "figure", message.figure.replace(",", ""), about=about)
        for row in found.overall.by_type:
            yield from self.of_type("overview", row.label, "", row.figure)
        yield from self.line("overview", "all_met", found.overall.all_met if found.overall.agencies else None)
        for kind in found.agency_types:
            for figure, value in (("criteria", kind.criteria), ("optional", kind.optional_criteria)):
                yield from self.line("checklists", figure, value, agencies=kind.plural, about=kind.template_title)
        yield from self.response()
        for theme in found.themes:
            for one in theme.by_type:
                yield from self.of_type("themes", one.label, theme.title, one.figure)
            for one in theme.by_subtype:
                share = self.share(one.figure)
                yield from self.line("themes", "percent_met", share, agencies=one.label, about=theme.title)
        for theme in found.themes:
            for criterion in theme.criteria:
                yield from self.criterion("criteria", criterion)
        for milestone in found.milestones:
            yield from self.milestone(milestone)
        yield from self.twins()
        yield from self.assurance()
        for fact in found.facts:
            yield from self.fact(fact)
        yield from self.staff()
        if found.checks:
            yield from self.checks(found.checks)
        if found.judgements:
            yield from self.judgements(found.judgements)
        for criterion in found.optional:
            yield from self.criterion("optional", criterion)
        for missing in found.not_responding:
            agencies = self.kinds.get(missing.agency_type, missing.type_label)
            yield from self.line("not_responding", missing.stage, "1", agencies=agencies, about=missing.name)

    def document(self) -> Iterator[Line]:
        found = self.found
        yield from self.line("document", "snapshot", found.snapshot_id)
        yield from self.line("document", "as_at", _instant(found.audit_round.as_at))
        if found.edition:
            yield from self.line("document", "edition", found.edition.number)
            yield from self.line("document", "published", _instant(found.edition.at))
            yield from self.line("document", "replaced_by", found.edition.replaced_by or None)
        yield from self.line("document", "suppressed_below", found.suppressed_below or None)
        if not found.audit_round.is_closed:
            yield from self.line("document", "interim", "1")

    def response(self) -> Iterator[Line]:
        for row in (*self.found.response, self.found.response_total):
            if row.hidden:
                yield from self.line("response", "invited", HIDDEN, agencies=row.label)
                continue
            for field in ("invited", "submitted", "on_time", "late", "in_progress", "not_started", "nil", "percent"):
                yield from self.line("response", field, getattr(row, field), agencies=row.label)

    def share(self, figure: Figure) -> int | None:
        """Per cent met, where the report prints it."""
        return figure.percent if figure.counted >= self.small else None

    def of_type(self, chapter: str, agencies: str, about: str, figure: Figure) -> Iterator[Line]:
        """A bar of all answers of a type: the shares of its grades, and what stands beside it."""
        if figure.hidden:
            yield from self.line(chapter, "counted", HIDDEN, agencies=agencies, about=about)
            return
        for label, number in self.by_grade(figure):
            words = self.translate(GRADE_PERCENT) % {"label": label}
            yield from self.line(
                chapter, words, percent(number, figure.counted) if number else None, agencies=agencies, about=about
            )
        yield from self.line(chapter, "percent_met", self.share(figure), agencies=agencies, about=about)
        if chapter == "overview":
            yield from self.line(chapter, "percent_apart", figure.percent_apart, agencies=agencies, about=about)
        yield from self.line(chapter, "counted", figure.counted, agencies=agencies, about=about)

    def by_grade(self, figure: Figure) -> Iterable[tuple[str, int]]:
        """The grades that a bar shows, or, of several schemes together, what they count as."""
        if figure.scheme:
            scheme = next(one for one in self.found.schemes if one.key == figure.scheme)
            counted = [grade for grade in scheme.grades if grade.counts_as != "excluded"]
            return [(grade.label, figure.by_grade.get(grade.key, 0)) for grade in counted]
        rest = figure.not_met - figure.apart
        parts = (("met", figure.met), ("not_met", rest), ("apart", figure.apart))
        return [(self.translate(FIELDS[key]), number) for key, number in parts]

    def criterion(self, chapter: str, one: CriterionFindings) -> Iterator[Line]:
        where = {"agencies": self.kinds[one.agency_type], "number": one.number, "about": one.label}
        if one.figure.hidden:
            yield from self.line(chapter, "counted", HIDDEN, **where)
        # in the author's order: a database may keep what was frozen in another
        shown = {} if one.figure.hidden else self.labels.get(one.figure.scheme, {})
        for key, label in shown.items():
            yield from self.line(chapter, label, one.figure.by_grade.get(key, 0), **where)
        for field in () if one.figure.hidden else ("counted", "met", "apart", "unanswered"):
            yield from self.line(chapter, field, getattr(one.figure, field), **where)
        yield from self.line(chapter, "percent_met", self.share(one.figure), **where)
        if len(one.by_subtype) > 1:
            for part in one.by_subtype:
                here = where | {"agencies": part.label}
                if part.figure.hidden:
                    yield from self.line(chapter, "counted", HIDDEN, **here)
                elif part.figure.counted >= self.small:
                    yield from self.line(chapter, "percent_met", part.figure.percent, **here)
                elif part.figure.counted:
                    yield from self.line(chapter, "met", part.figure.met, **here)
                    yield from self.line(chapter, "counted", part.figure.counted, **here)

    def milestone(self, one: MilestoneFindings) -> Iterator[Line]:
        fields = ("not_yet", "by_then", "after", "no_date")
        about = f"{one.label} ({one.date.isoformat()})"
        if one.hidden:
            yield from self.line("milestones", "percent_met", HIDDEN, about=about)
        else:
            yield from self.line("milestones", "percent_met", one.percent, about=about)
            for field in fields:
                yield from self.line("milestones", field, getattr(one, field), about=about)
        for row in one.rows:
            where = {"agencies": self.kinds[row.agency_type], "number": row.number, "about": f"{about}: {row.label}"}
            if row.hidden:
                yield from self.line("milestones", "counted", HIDDEN, **where)
                continue
            for field in ("counted", *fields):
                yield from self.line("milestones", field, getattr(row, field), **where)

    def twins(self) -> Iterator[Line]:
        for twin in self.found.twins:
            where = {
                "agencies": f"{twin.a.agencies} / {twin.b.agencies}", "number": f"{twin.a.number} / {twin.b.number}",
                "about": f"{twin.a.label} / {twin.b.label}",
            }  # fmt: skip
            if twin.hidden:
                yield from self.line("twins", "both", HIDDEN, **where)
                continue
            for field in ("both", "only_a", "only_b", "neither", "not_comparable"):
                yield from self.line("twins", field, getattr(twin, field), **where)

    def assurance(self) -> Iterator[Line]:
        for row in self.found.assurance.rows:
            if row.hidden:
                yield from self.line("assurance", "answers", HIDDEN, agencies=row.label)
                continue
            for basis in row.bases:
                for words, value in (
                    (MET_GRADE_PERCENT, basis.percent_met), (GRADE_PERCENT, basis.percent),
                ):  # fmt: skip
                    figure = self.translate(words) % {"label": basis.label}
                    yield from self.line("assurance", figure, value, agencies=row.label)
            yield from self.line("assurance", "of_met", row.met, agencies=row.label)
            yield from self.line("assurance", "answers", row.answers, agencies=row.label)

    def fact(self, fact: FactFindings) -> Iterator[Line]:
        rows: list[tuple[str, str, int, Counted, bool]] = [
            (row.label, row.number, row.returns, row.counted, row.hidden) for row in fact.rows
        ]
        if len(rows) > 1:
            rows.append(("", rows[0][1], fact.returns, fact.counted, fact.hidden))
        for agencies, number, returns, counted, hidden in rows:
            where = {"agencies": agencies, "number": number, "about": fact.label}
            if hidden:
                yield from self.line("facts", "answers", HIDDEN, **where)
                continue
            for one in fact.choices:
                yield from self.line("facts", one.label, counted.chosen.get(one.key, 0), **where)
            yield from self.line("facts", "answers", counted.answers, **where)
            if not (counted.chosen or counted.spread or counted.days):
                yield from self.line("facts", "returns", returns, **where)
            if spread := counted.spread:
                for field in ("smallest", "lower", "median", "upper", "largest", "total", "together"):
                    value = getattr(spread, field)
                    if value is not None and not (field == "total" and spread.together is not None):
                        yield from self.line("facts", field, decimal_text(value), **where)
                    elif field in ("smallest", "largest"):
                        yield from self.line("facts", field, HIDDEN, **where)
                if spread.together is not None:
                    yield from self.line("facts", "numerator", spread.numerator, **where)
                    yield from self.line("facts", "denominator", spread.denominator, **where)
            if days := counted.days:
                for field in ("earliest", "median", "latest"):
                    value = getattr(days, field)
                    yield from self.line("facts", field, value.isoformat() if value else HIDDEN, **where)

    def staff(self) -> Iterator[Line]:
        staff = self.found.staff
        if staff is None:
            return
        yield from self.line("staff", "returns", staff.returns, about=staff.title)
        for one in staff.lines:
            where = {"agencies": self.kinds[one.agency_type], "number": one.number, "about": one.label}
            if one.hidden:
                yield from self.line("staff", "agencies", HIDDEN, **where)
                continue
            if one.graded and one.graded < self.small:
                yield from self.line("staff", "met", one.met, **where)
                yield from self.line("staff", "graded", one.graded, **where)
            else:
                yield from self.line("staff", "percent_met", one.percent_met, **where)
            yield from self.line("staff", "percent_agree", one.percent, **where)
            yield from self.line("staff", "staff_counted", one.counted if one.agencies else None, **where)
            yield from self.line("staff", "agencies", one.agencies, **where)
            yield from self.line("staff", "few", one.few, **where)

    # --- what was checked and judged -----------------------------------------------------------------------------

    def compared(self, one: Compared, hidden: bool = False, **where: str) -> Iterator[Line]:
        if hidden:
            yield from self.line("checks", "answers_checked", HIDDEN, **where)
            return
        for figure, value in (
            ("answers_checked", one.answers), ("own_met", one.own_met), ("found_met", one.found_met),
            ("adjusted", one.adjusted), ("lower_than", one.lower), ("higher_than", one.higher),
        ):  # fmt: skip
            yield from self.line("checks", figure, value, **where)

    def rate(self, field: str, rate: Rate | None, **where: str) -> Iterator[Line]:
        if rate is None:
            return
        name = self.translate(FIELDS[field])
        yield from self.line("checks", name, in_tenths(rate.tenths), **where)
        for end, value in (("low", rate.low), ("high", rate.high)):
            if value is not None:
                words = f"{name}: {self.translate(MORE_FIGURES[end])}"
                yield from self.line("checks", words, in_tenths(value), **where)

    def checks(self, found: CheckFindings) -> Iterator[Line]:
        for one in (*found.types, found.total):
            if one.hidden:
                yield from self.line("checks", "checked", HIDDEN, agencies=one.label)
                continue
            if not found.is_small:
                for field in ("population", "drawn", "checked"):
                    yield from self.line("checks", field, getattr(one, field), agencies=one.label)
                yield from self.rate("returns_rate", one.returns, agencies=one.label)
                yield from self.rate("answers_rate", one.answers, agencies=one.label)
            yield from self.compared(one.compared, agencies=one.label)
        for named in found.named:
            where = {"agencies": named.type_label, "about": named.name}
            yield from self.compared(named.compared, False, **where)
            if named.twice:
                yield from self.line("checks", "twice", named.twice, **where)
                yield from self.line("checks", "agreed", named.agreed, **where)
        for theme in found.themes:
            yield from self.compared(theme.compared, theme.hidden, about=theme.title)
        for criterion in found.criteria:
            yield from self.compared(
                criterion.compared, criterion.hidden, agencies=self.kinds[criterion.agency_type],
                number=criterion.number, about=criterion.label,
            )  # fmt: skip
        for risk in (*found.risks, *((found.by_risk,) if found.by_risk else ())):
            if risk.hidden:
                yield from self.line("checks", "risk_chosen", HIDDEN, about=risk.title)
                continue
            for figure, value in (("risk_chosen", risk.chosen), ("checked", risk.checked), ("changed", risk.changed)):
                yield from self.line("checks", figure, value, about=risk.title)
            yield from self.compared(risk.compared, about=risk.title)
        if found.twice and not found.is_small:
            yield from self.line("checks", "twice", found.twice)
            yield from self.line("checks", "agreed", found.agreed)
            yield from self.line("checks", "kappa", found.kappa)

    def judgements(self, found: JudgementFindings) -> Iterator[Line]:
        titles = {(row.agency_type, row.key): row.title for row in found.spreads}
        for row in found.spreads:
            where = {"agencies": row.label, "about": row.title}
            if row.hidden:
                yield from self.line("judgements", "number", HIDDEN, **where)
                continue
            for grade in row.grades:
                yield from self.line("judgements", grade.label, grade.number, **where)
                if row.total - row.waiting >= self.small:
                    words = self.translate(GRADE_PERCENT) % {"label": grade.label}
                    yield from self.line("judgements", words, grade.percent, **where)
            for field in ("capped", "overridden", "differs", "waiting"):
                yield from self.line("judgements", field, getattr(row, field) or None, **where)
        for decided in found.overridden:
            where = {"agencies": self.kinds[decided.agency_type], "about": f"{decided.name}: {decided.title}"}
            for field in ("by_rules", "decided"):
                yield from self.line("judgements", field, getattr(decided, field), **where)
        for called in found.called_for:
            about = f"{called.what}: {', '.join(called.agencies)}"
            yield from self.line("judgements", "called_for", len(called.agencies), agencies=called.label, about=about)
        for agency in found.agencies:
            for cell in agency.cells:
                about = f"{agency.name}: {titles[agency.agency_type, cell.key]}"
                where = {"agencies": self.kinds[agency.agency_type], "about": about}
                yield from self.line("judgements", "grade", cell.grade, **where)
                yield from self.line("judgements", "own_grade", cell.own, **where)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
