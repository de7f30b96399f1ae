"""Findings as plain data: what a figure means, and the shapes that pages, PDF and JSON all read.

Nothing here reads a database or knows a pack, a grade or an agency type by name. Texts are already in one language;
sentences keep their pattern and parameters, so that a report can be translated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.domain.actions import Action
from app.domain.answers import Fact, Words
from app.domain.counted import FactFindings
from app.domain.estimates import Estimate
from app.domain.evidence import Attached
from app.domain.message import Message, number_words
from app.domain.parts import Key
from app.domain.templates import GradingScheme, Pack
from app.domain.text import PlainText, Text, localise

REFERENCE_PATTERN = r"^([a-z0-9]+(-[a-z0-9]+)*#)?[a-z0-9]+(-[a-z0-9]+)*$"


class Frozen(BaseModel):
    """What all parts share: they never change, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- what a pack says about itself in its joint report (`findings.yaml`) ---------------------------------------------


class AssuranceTexts(Frozen):
    """Which bases of assurance somebody checked, which are words on paper, and how sentences name the two.

    `untested`: the bases that say that nobody looked. The others stand between.
    """

    introduction: tuple[Text, ...] = ()
    checked: tuple[Key, ...] = ()
    checked_phrase: Text | None = None
    on_paper: tuple[Key, ...] = ()
    on_paper_phrase: Text | None = None
    untested: tuple[Key, ...] = ()


class Introduced(Frozen):
    """Paragraphs that stand before the figures of a chapter."""

    introduction: tuple[Text, ...] = ()


class FindingsTexts(Frozen):
    """The content of `findings.yaml`: the words of a pack's joint report that are not computed from data.

    `met` is how a sentence says that a criterion is met ("fully in place"), `met_by` how it does where all that it is
    about is graded by one scheme. `labels` maps a criterion's id, or
    `agency-type#id` where types differ, to a few words for it; without one its question is shown. Percentages of fewer
    than `small_number` agencies are given as counts. Beyond the inspectorates nothing is said of fewer than
    `suppress_below` agencies (0: no limit), and agencies are named only with `names_agencies`; a round can set both
    otherwise. `capitals`: first words of names that keep their capital inside a sentence. `letter`: the findings come
    out as a letter to each area too, in words.
    `joint: false`: nothing is added up, so there are no joint findings and no shares.
    """

    format: Literal[1] = 1
    letter: Annotated[bool, Field(strict=True)] = False
    joint: Annotated[bool, Field(strict=True)] = True
    title: Text | None = None
    subtitle: Text | None = None
    met: Text = "met"
    met_by: dict[Key, Text] = {}
    small_number: Annotated[int, Field(strict=True, ge=1, le=100)] = 10
    suppress_below: Annotated[int, Field(strict=True, ge=0, le=100)] = 0
    names_agencies: Annotated[bool, Field(strict=True)] = True
    capitals: tuple[PlainText, ...] = ()
    about: tuple[Text, ...] = ()
    method: tuple[Text, ...] = ()
    limits: tuple[Text, ...] = ()
    themes: dict[Key, Introduced] = {}
    milestones: Introduced = Introduced()
    assurance: AssuranceTexts = AssuranceTexts()
    twins: Introduced = Introduced()
    optional: Introduced = Introduced()
    acknowledgement: Text | None = None
    labels: dict[Annotated[str, StringConstraints(pattern=REFERENCE_PATTERN)], Text] = {}

    @classmethod
    def of(cls, pack: Pack) -> FindingsTexts:
        """The pack's texts; plain defaults without a file. pydantic.ValidationError when it is of another shape."""
        # a published version may hold keys that a later program no longer knows
        return cls.model_validate(pack.findings or {}, extra="ignore")

    def unknown_keys(self, pack: Pack) -> tuple[str, ...]:
        """What these texts name that the pack does not have, as `part: key`. Empty when all is well."""
        bases = {basis.key for scheme in pack.grading_schemes.values() for basis in scheme.bases}
        ids = {placed.criterion.id for template in pack.templates.values() for placed in template.criteria()}
        references = {
            f"{kind}#{placed.criterion.id}"
            for kind, template in pack.templates.items()
            for placed in template.criteria()
        }
        named = [
            *(("themes", key) for key in self.themes if key not in pack.themes),
            *(("met_by", key) for key in self.met_by if key not in pack.grading_schemes),
            *(("assurance.checked", key) for key in self.assurance.checked if key not in bases),
            *(("assurance.on_paper", key) for key in self.assurance.on_paper if key not in bases),
            *(("assurance.untested", key) for key in self.assurance.untested if key not in bases),
            *(("labels", key) for key in self.labels if key not in ids | references),
        ]
        return tuple(f"{part}: {key}" for part, key in named)


# --- figures ---------------------------------------------------------------------------------------------------------


def percent(part: int, whole: int) -> int | None:
    """`part` of `whole` in whole per cent, halves up; None of nothing.

    0 means none and 100 means all: one agency in a thousand is 1 per cent, never none.
    """
    if not whole:
        return None
    if part in (0, whole):
        return 100 if part else 0
    return min(99, max(1, (200 * part + whole) // (2 * whole)))


class Figure(Frozen):
    """How returns (or answers, where several criteria are taken together) stand on one thing.

    `counted` = `met` + `not_met` is what percentages are of. `apart` (grades shown apart) is part of `not_met`.
    `excluded` grades and `unanswered` stand beside. `scheme` is the key of the grading scheme of `by_grade`, or
    empty where several are taken together. Where it is `hidden`, for small numbers, all else is empty.
    """

    asked: int = 0
    counted: int = 0
    met: int = 0
    not_met: int = 0
    apart: int = 0
    excluded: int = 0
    unanswered: int = 0
    percent: int | None = None
    percent_apart: int | None = None
    scheme: str = ""
    by_grade: dict[str, int] = {}
    hidden: bool = False

    @property
    def share(self) -> Fraction:
        """The exact share that is met. ZeroDivisionError where nothing is counted."""
        return Fraction(self.met, self.counted)

    @classmethod
    def of(cls, by_grade: Mapping[str, int], *, scheme_key: str, scheme: GradingScheme, asked: int) -> Figure:
        """The figure of one criterion, from how often each grade was given. Unknown grades count as no answer."""
        known: dict[str, int] = {}
        count = {"met": 0, "not_met": 0, "excluded": 0}
        apart = 0
        for grade in scheme.grades:
            number = known[grade.key] = by_grade.get(grade.key, 0)
            count[grade.counts_as] += number
            if grade.shown_apart and grade.counts_as == "not_met":
                apart += number
        return cls._with_percentages(
            asked=asked,
            met=count["met"],
            not_met=count["not_met"],
            apart=apart,
            excluded=count["excluded"],
            unanswered=max(0, asked - sum(known.values())),
            scheme=scheme_key,
            by_grade=known,
        )

    @classmethod
    def total(cls, figures: Iterable[Figure]) -> Figure:
        """Several figures taken together: counts of answers, no longer of returns."""
        by_grade: dict[str, int] = {}
        schemes = set()
        asked = met = not_met = apart = excluded = unanswered = 0
        # one loop: a page of figures takes a thousand figures together
        for part in figures:
            for grade, number in part.by_grade.items():
                by_grade[grade] = by_grade.get(grade, 0) + number
            schemes.add(part.scheme)
            asked += part.asked
            met += part.met
            not_met += part.not_met
            apart += part.apart
            excluded += part.excluded
            unanswered += part.unanswered
        return cls._with_percentages(
            asked=asked, met=met, not_met=not_met, apart=apart, excluded=excluded, unanswered=unanswered,
            scheme=schemes.pop() if len(schemes) == 1 else "", by_grade=by_grade,
        )  # fmt: skip

    @classmethod
    def _with_percentages(cls, **values: Any) -> Figure:
        counted = values["met"] + values["not_met"]
        return cls(
            **values,
            counted=counted,
            percent=percent(values["met"], counted),
            percent_apart=percent(values["apart"], counted),
        )


# --- the joint findings ----------------------------------------------------------------------------------------------


def fill(pattern: str, params: Mapping[str, str | int | Sentence]) -> str:
    """A pattern with its parameters in place; whole numbers have commas at the thousands."""
    return pattern % {
        name: f"{value:,}" if isinstance(value, int) else value.text if isinstance(value, Sentence) else value
        for name, value in params.items()
    }


class Sentence(Frozen):
    """A sentence computed from data: its English pattern, what stands in it, and the English text."""

    msgid: str
    params: dict[str, str | int | Sentence]
    text: str

    @classmethod
    def of(cls, message: Message, language: str = "en") -> Sentence:
        """From a message; texts of the pack in it are read in the language."""

        def param(value: object) -> str | int | Sentence:
            if isinstance(value, Message):
                return cls.of(value, language)
            if isinstance(value, Mapping):
                return localise(value, language)
            if isinstance(value, Fraction):
                return number_words(value)
            return value if isinstance(value, int) else str(value)

        params = {name: param(value) for name, value in message.params.items()}
        return cls(msgid=message.msgid, params=params, text=fill(message.msgid, params))

    def rendered(self, translate: Callable[[str], str]) -> str:
        """The sentence in the language of `translate`."""
        params = {
            name: value.rendered(translate) if isinstance(value, Sentence) else value
            for name, value in self.params.items()
        }
        return fill(translate(self.msgid), params)


class Said(Frozen):
    """Words of an answer in one language. A sentence is still to be translated, and a day to be written out."""

    text: str = ""
    sentence: Sentence | None = None
    day: date | None = None

    @classmethod
    def of(cls, words: Words, language: str = "en") -> Said:
        """From the words of a fact; numbers have commas at the thousands."""
        if isinstance(words, Message):
            return cls(sentence=Sentence.of(words, language))
        if isinstance(words, date):
            return cls(day=words)
        if isinstance(words, Fraction):
            return cls(text=number_words(words))
        return cls(text=words if isinstance(words, str) else localise(words, language))


class ShownFact(Frozen):
    """Something that an answer says beside its grade, to show: see `answers.Fact`."""

    words: Said
    label: Said | None = None
    unit: Said | None = None
    typed: bool = False
    rows: tuple[tuple[Said, ...], ...] = ()

    @classmethod
    def of(cls, fact: Fact, language: str = "en") -> ShownFact:
        """A fact with its texts in a language."""
        return cls(
            words=Said.of(fact.words, language),
            label=Said.of(fact.label, language) if fact.label else None,
            unit=Said.of(fact.unit, language) if fact.unit else None,
            typed=fact.typed,
            rows=tuple(tuple(Said.of(cell, language) for cell in row) for row in fact.rows),
        )


class KeyMessage(Frozen):
    """What a reader should take away, its figure, of whom it is a figure, and the chapter it comes from.

    `rule` names the ranking rule that chose it; `chapter` is the anchor of a chapter of the report.
    """

    rule: str
    heading: Sentence
    sentence: Sentence
    figure: str
    population: Sentence
    chapter: str


class Named(Frozen):
    """A key of the pack with its words."""

    key: str
    name: str
    plural: str


class AgencyTypeInfo(Named):
    """An agency type of the round; `template_title` is the checklist it answered."""

    template_title: str
    criteria: int
    optional_criteria: int
    sha256: str
    body: str
    subtypes: tuple[Named, ...]


class GradeInfo(Frozen):
    """A grade as the report explains it."""

    key: str
    label: str
    meaning: str
    counts_as: Literal["met", "not_met", "excluded"]
    shown_apart: bool


class BasisInfo(Frozen):
    """A basis of assurance as the report explains it."""

    key: str
    label: str
    meaning: str


class SchemeInfo(Frozen):
    """A grading scheme, best grade first."""

    key: str
    title: str
    grades: tuple[GradeInfo, ...]
    bases: tuple[BasisInfo, ...]


class Body(Frozen):
    """An oversight body that publishes the findings."""

    name: str
    short: str
    kind: str


class RoundInfo(Frozen):
    """The audit round. `as_at` is the instant of the latest fact read; `is_closed` whether the round was over."""

    key: str
    name: str
    opens: date
    due: date
    closes: date
    milestones_from: date
    is_demonstration: bool
    is_closed: bool
    as_at: datetime


class PackInfo(Frozen):
    """The published pack version that the figures rest on.

    `untranslated`: some of its questions are not in the language of the document, so they stand there in another.
    """

    key: str
    version: int
    title: str
    source: str
    sha256: str
    untranslated: bool = False


class Document(Frozen):
    """What every document of a round has: one that pages, the PDF and every other form of a report read.

    `format` names its kind, with a version. `snapshot_id` names the facts in it. `bodies` are those whose report it is,
    or that are served by it.
    """

    format: str
    snapshot_id: str
    language: str
    audit_round: RoundInfo
    pack: PackInfo
    bodies: tuple[Body, ...]


class Quantified(Frozen):
    """A word for a share of agencies, and the lower limit from which it is used (`above`: the limit is left out)."""

    word: str
    limit: str
    above: bool


class Texts(Frozen):
    """The pack's own paragraphs, in the language of the findings."""

    title: str
    subtitle: str
    met: str
    met_by: dict[str, str] = {}  # by grading scheme
    small_number: int
    about: tuple[str, ...]
    method: tuple[str, ...]
    limits: tuple[str, ...]
    milestones: tuple[str, ...]
    assurance: tuple[str, ...]
    twins: tuple[str, ...]
    optional: tuple[str, ...]
    acknowledgement: str


class ResponseRow(Frozen):
    """How many agencies were invited and what came of it. `percent` is of those invited without nil returns.

    `submitted` = `on_time` + `late`; `reopened` of those `in_progress` had signed before. `hidden`: see `Figure`.
    """

    agency_type: str = ""
    subtype: str = ""
    label: str = ""
    invited: int = 0
    submitted: int = 0
    on_time: int = 0
    late: int = 0
    nil: int = 0
    in_progress: int = 0
    not_started: int = 0
    percent: int | None = None
    hidden: bool = False


class FigureBy(Frozen):
    """A figure of one agency type, or of one of its subtypes."""

    agency_type: str
    subtype: str = ""
    label: str
    figure: Figure


class CriterionFindings(Frozen):
    """One criterion of one agency type's checklist."""

    reference: str
    agency_type: str
    id: str
    number: str
    label: str
    question: str
    standard: str
    theme: str
    optional: bool
    milestone: str
    recommendations: tuple[str, ...]
    figure: Figure
    by_subtype: tuple[FigureBy, ...]


class ThemeFindings(Frozen):
    """A theme: figures by agency type and subtype (of answers), its criteria, and sentences made from them.

    `most` and `least` are references of the criteria most and least often met.
    """

    key: str
    title: str
    introduction: tuple[str, ...]
    figure: Figure
    by_type: tuple[FigureBy, ...]
    by_subtype: tuple[FigureBy, ...]
    criteria: tuple[CriterionFindings, ...]
    most: tuple[str, ...]
    least: tuple[str, ...]
    sentences: tuple[Sentence, ...]


class MilestoneRow(Frozen):
    """One criterion against its milestone: how many do not meet it yet, and by when those expect to.

    `not_yet` = `by_then` + `after` + `no_date`. `hidden`: see `Figure`; so it is in the rows below.
    """

    reference: str
    agency_type: str
    number: str
    label: str
    counted: int
    not_yet: int
    by_then: int
    after: int
    no_date: int
    hidden: bool = False


class MilestoneFindings(Frozen):
    """What must be in place by a date and is not, worst first within each agency type; those that are hidden last."""

    key: str
    label: str
    date: date
    counted: int
    met: int
    percent: int | None
    not_yet: int
    by_then: int
    after: int
    no_date: int
    rows: tuple[MilestoneRow, ...]
    sentences: tuple[Sentence, ...]
    hidden: bool = False


class BasisCount(Frozen):
    """How many answers rest on a basis of assurance; `percent` of all answers that give one."""

    key: str
    label: str
    answers: int
    percent: int | None
    met: int
    percent_met: int | None


class AssuranceRow(Frozen):
    """How the agencies of a type know: answers by basis, all and those that say that a criterion is met."""

    agency_type: str
    label: str
    answers: int
    met: int
    bases: tuple[BasisCount, ...]
    checked_met: int
    percent_checked_met: int | None
    on_paper_met: int
    percent_on_paper_met: int | None
    hidden: bool = False


class AssuranceFindings(Frozen):
    """The basis of assurance by agency type, with the pack's phrases for checked and on paper."""

    checked: tuple[str, ...]
    checked_phrase: str
    on_paper: tuple[str, ...]
    on_paper_phrase: str
    untested: tuple[str, ...]
    rows: tuple[AssuranceRow, ...]
    total: AssuranceRow | None
    sentences: tuple[Sentence, ...]


class TwinSide(Frozen):
    """One side of a duty that two agencies share."""

    reference: str
    agency_type: str
    agencies: str
    number: str
    label: str
    question: str


class TwinCounts(Frozen):
    """Pairs of agencies in an area, one on each side, both of which submitted. No verdict.

    `compared` = `both` + `only_a` + `only_b` + `neither`; `not_comparable`: a side is excluded or shown apart.
    """

    pairs: int = 0
    compared: int = 0
    both: int = 0
    only_a: int = 0
    only_b: int = 0
    neither: int = 0
    not_comparable: int = 0
    hidden: bool = False


class TwinArea(TwinCounts):
    """The counts of one area."""

    area: str


class TwinFindings(TwinCounts):
    """Two views of one duty, over all areas."""

    a: TwinSide
    b: TwinSide
    areas: int
    percent_one_sided: int | None
    by_area: tuple[TwinArea, ...]
    sentences: tuple[Sentence, ...]


class NotResponding(Frozen):
    """An agency without a submission that stands."""

    name: str
    code: str
    agency_type: str
    subtype: str
    type_label: str
    stage: Literal["not_started", "in_progress", "nil"]
    reason: str


class Overall(Frozen):
    """The audit as a whole, without optional standards. `all_met`: agencies that say that every criterion is met."""

    by_type: tuple[FigureBy, ...]
    agencies: int
    all_met: int
    percent_all_met: int | None
    areas: int
    sentence: Sentence


# --- what checks and rules made of it --------------------------------------------------------------------------------


class Rate(Frozen):
    """A rate among `population`, from `found` of `checked` of them, with its bounds, in tenths of a per cent.

    0 means none and 1000 all. No `low` and `high`: nothing gives bounds.
    """

    found: int
    checked: int
    population: int
    tenths: int
    low: int | None = None
    high: int | None = None

    @classmethod
    def of(cls, one: Estimate | None) -> Rate | None:
        """An estimate as it is printed."""
        if one is None:
            return None
        return cls(
            found=one.found, checked=one.checked, population=one.population, tenths=tenths(one.rate),
            low=None if one.low is None else tenths(one.low), high=None if one.high is None else tenths(one.high),
        )  # fmt: skip


def tenths(share: Fraction) -> int:
    """A share in tenths of a per cent, halves up; 0 and 1000 only where it is none and all."""
    if share in (0, 1):
        return int(share * 1000)
    return min(999, max(1, int(share * 1000 + Fraction(1, 2))))


class Compared(Frozen):
    """Checked answers: how many say that it is met by the agency's own grade and as it was found, and what changed.

    `lower` of those `adjusted` were found worse than they were graded, `higher` better; the others are neither.
    """

    answers: int = 0
    own_met: int = 0
    found_met: int = 0
    adjusted: int = 0
    lower: int = 0
    higher: int = 0


class CheckedType(Frozen):
    """What the random sample shows of an agency type, or (`agency_type` empty) of all. Nothing of cases of risk.

    `returns`: the share of returns with any adjusted answer; `answers`: the share of answers that were adjusted.
    """

    agency_type: str
    label: str
    population: int
    drawn: int
    checked: int
    returns: Rate | None
    answers: Rate | None
    compared: Compared
    hidden: bool = False


class ComparedTheme(Frozen):
    """The checked answers of a theme, of all agency types."""

    key: str
    title: str
    compared: Compared
    hidden: bool = False


class ComparedCriterion(Frozen):
    """The checked answers to one criterion of one agency type."""

    reference: str
    agency_type: str
    number: str
    label: str
    compared: Compared
    hidden: bool = False


class CheckedByRisk(Frozen):
    """What a rule of risk chose, and what came of it: of returns that it chose, those checked, those with a change."""

    key: str
    title: str
    chosen: int
    checked: int
    changed: int
    compared: Compared
    hidden: bool = False


class CheckedReturn(Frozen):
    """A checked return by name, where a round is too small for estimates. `twice`: answers that two people checked."""

    name: str
    code: str
    agency_type: str
    type_label: str
    reasons: tuple[str, ...]
    compared: Compared
    twice: int
    agreed: int


class CheckFindings(Frozen):
    """How declarations were checked, and what that showed, with what anybody needs to repeat the draw.

    `frame`: agency type to (return, submission hash) of each that the draw was from, which `frame_hash` is the hash of;
    `drawn_returns`: those that chance drew, in the order of the draw.
    `themes` and `criteria` are of the returns that chance drew; `risks` and `by_risk` (all of them together) of those
    that rules or people chose. `named`: in small rounds, in place of estimates and agreement. `kappa` is a number with
    two decimals, or empty.
    """

    committed_at: datetime
    seed_hash: str
    drawn_at: datetime
    seed: str
    frame_hash: str
    frame: dict[str, tuple[tuple[str, str], ...]]
    drawn_returns: dict[str, tuple[str, ...]]
    minimum: int
    questions: int
    second_percent: int
    is_small: bool
    types: tuple[CheckedType, ...]
    total: CheckedType
    themes: tuple[ComparedTheme, ...]
    criteria: tuple[ComparedCriterion, ...]
    risks: tuple[CheckedByRisk, ...]
    by_risk: CheckedByRisk | None
    named: tuple[CheckedReturn, ...]
    twice: int
    agreed: int
    kappa: str


class JudgedGrade(Frozen):
    """How many returns have a grade; `colour` is the pack's."""

    key: str
    label: str
    colour: str
    number: int
    percent: int | None


class JudgedSpread(Frozen):
    """How one judgement came out for one agency type. `waiting` have no grade yet; `total` counts them too.

    `capped`: limited by a cap; `overridden`: an inspector decided otherwise; `differs`: not what the agencies' own
    grades alone would give.
    """

    agency_type: str
    label: str
    key: str
    title: str
    grades: tuple[JudgedGrade, ...]
    waiting: int
    total: int
    capped: int
    overridden: int
    differs: int
    hidden: bool = False


class JudgedCell(Frozen):
    """One judgement of one agency: the grade that holds, in words, "" without one.

    `own`: what its own grades alone would give, where that differs. `is_stale`: something changed since.
    """

    key: str
    grade: str
    own: str = ""
    is_capped: bool = False
    is_overridden: bool = False
    is_stale: bool = False


class JudgedAgency(Frozen):
    """The judgements of one agency, in the order of the rules."""

    name: str
    code: str
    agency_type: str
    cells: tuple[JudgedCell, ...]


class Overridden(Frozen):
    """A judgement that is not what the rules give, and the reason on record."""

    name: str
    code: str
    agency_type: str
    title: str
    by_rules: str
    decided: str
    reason: str


class CalledFor(Frozen):
    """Something that rules call for, and of which agencies."""

    agency_type: str
    label: str
    what: str
    because: str
    agencies: tuple[str, ...]


class JudgementFindings(Frozen):
    """What the rules of the pack, and inspectors, made of the returns."""

    spreads: tuple[JudgedSpread, ...]
    agencies: tuple[JudgedAgency, ...]
    overridden: tuple[Overridden, ...]
    called_for: tuple[CalledFor, ...]


class StaffLine(Frozen):
    """What front-line staff say to a statement, beside what leaders signed, for one agency type.

    `agencies` have enough answers, and every figure is of them alone; of the `few` others nothing is in it. `agree` of
    `counted` staff; `met` of `graded` signed answers.
    """

    agency_type: str
    id: str
    number: str
    label: str
    agencies: int
    few: int
    asked: int
    agree: int
    counted: int
    percent: int | None
    met: int
    graded: int
    percent_met: int | None
    hidden: bool = False


class StaffFindings(Frozen):
    """The survey of staff in a round, of `returns` submitted returns with results.

    Of fewer than `least` answers nothing is shown. `given_at`: when the latest of what is shown was given.
    """

    title: str
    least: int
    returns: int
    given_at: datetime | None
    lines: tuple[StaffLine, ...]


class Edition(Frozen):
    """Which publication findings belong to: number and instant, why it was corrected, what replaced it (0: nothing)."""

    number: int
    at: datetime
    reason: str
    replaced_by: int


# --- what inspectors wrote around the figures ------------------------------------------------------------------------


class ComposedPart(Frozen):
    """A part of a narrative: `text` in Markdown with its figures in words, a `figure` by its key, or a `quote` with
    whose words they are (`source`). `language`: of the text, where it is not the document's. Links in a text to `#…`
    are to a chapter, a recommendation or (`#figure:…`) a table or chart by its key, which has its number in the report.
    """

    kind: Literal["text", "figure", "quote"]
    text: str = ""
    key: str = ""
    source: str = ""
    language: str = ""


class ComposedChapter(Frozen):
    """A chapter in its place: of every report (by `key`), or the inspectors' own (`is_own`, with its title), with what
    stands before and after its figures."""

    key: str
    title: str
    is_own: bool = False
    before: tuple[ComposedPart, ...] = ()
    after: tuple[ComposedPart, ...] = ()


class ComposedRecommendation(Frozen):
    """A recommendation that the report makes. `key` is the same in every version; `agency_type` or `body` (a code) says
    whom it is addressed to."""

    key: str
    number: int
    text: str
    addressee: str
    agency_type: str = ""
    body: str = ""
    due: date | None = None
    language: str = ""


class UsedFact(Frozen):
    """A figure that a narrative refers to: its key, what it is, and the words that stand in the text."""

    key: str
    label: str
    value: str


class ComposedReport(Frozen):
    """How the inspectors composed the report: `version` is that of their text, `signed_off` the bodies that signed that
    version off. `problems`: references to data that are not there, each with its place; none in what is published."""

    version: int
    chapters: tuple[ComposedChapter, ...]
    messages: tuple[KeyMessage, ...]
    recommendations: tuple[ComposedRecommendation, ...]
    facts: tuple[UsedFact, ...]
    signed_off: tuple[str, ...] = ()
    is_signed_off: bool = False
    problems: tuple[Sentence, ...] = ()


class JointFindings(Document):
    """Everything that the joint report says, from submissions only. The same facts give the same object.

    `suppressed_below`: figures about fewer agencies are left out, and those that would give them away (0: none is).
    """

    format: Literal["candour-joint-findings/1"] = "candour-joint-findings/1"
    texts: Texts
    agency_types: tuple[AgencyTypeInfo, ...]
    schemes: tuple[SchemeInfo, ...]
    quantifiers: tuple[Quantified, ...]
    response: tuple[ResponseRow, ...]
    response_total: ResponseRow
    overall: Overall
    themes: tuple[ThemeFindings, ...]
    milestones: tuple[MilestoneFindings, ...]
    assurance: AssuranceFindings
    twins: tuple[TwinFindings, ...]
    optional: tuple[CriterionFindings, ...]
    facts: tuple[FactFindings, ...] = ()  # where questions are answered with facts
    staff: StaffFindings | None = None  # where agencies have results of a survey of staff
    not_responding: tuple[NotResponding, ...]
    key_messages: tuple[KeyMessage, ...]
    checks: CheckFindings | None = None  # once something was checked
    judgements: JudgementFindings | None = None  # once something was judged
    edition: Edition | None = None  # where these are findings as they were published
    composition: ComposedReport | None = None  # where inspectors wrote around the figures
    suppressed_below: int = 0
    names_agencies: bool = True

    def criteria(self) -> tuple[CriterionFindings, ...]:
        """All criteria of standards that are not optional, theme by theme."""
        return tuple(criterion for theme in self.themes for criterion in theme.criteria)


# --- one agency's return and its receipt -----------------------------------------------------------------------------


class StaffSaid(Frozen):
    """What staff of the agency say to the statement beside a question. Without `percent`: too few answered."""

    text: str
    asked: int
    agree: int | None
    counted: int | None
    percent: int | None


class SignedAnswer(Frozen):
    """One criterion as the agency answered it. Empty strings and None where nothing was given.

    `type` is how it is answered, and `facts` are what the answer says beside its grade. `counts_as` is empty where
    there is no grade: the question asks for a fact, or nothing was there to come to a grade by. `staff` is no part of
    what was signed. `scope_name`: the area or site that it is about.
    """

    number: str
    id: str
    scope: str
    scope_name: str = ""
    question: str
    why: str
    grade: str
    grade_label: str
    counts_as: Literal["met", "not_met", "excluded", ""]
    type: str = "grade"
    is_graded: bool = True
    facts: tuple[ShownFact, ...] = ()
    basis_label: str
    files: int | None
    files_date: date | None
    commentary: str
    reason: str
    date_expected: date | None
    recommendations: tuple[str, ...]
    milestone_label: str
    milestone_date: date | None
    is_after_milestone: bool
    scheme: str
    actions: tuple[Action, ...] = ()
    evidence: tuple[Attached, ...] = ()
    staff: StaffSaid | None = None


class SignedStandard(Frozen):
    """A standard of the checklist with its answers, who vouched for it, and the profile of its grades."""

    number: int
    title: str
    introduction: str
    optional: bool
    label: str
    figure: Figure
    answers: tuple[SignedAnswer, ...]
    vouched_by: str
    vouched_post: str


class Signature(Frozen):
    """Who declared what, when, and the hashes that prove it."""

    submission_number: int
    text: str
    language: str = "en"
    name: str
    post: str
    acting: bool
    signed_at: datetime
    content_hash: str
    submission_hash: str
    is_voided: bool
    voided_reason: str
    voided_at: datetime | None


class AgencyInfo(Frozen):
    """The agency as it was when it was invited."""

    name: str
    code: str
    type_label: str
    subtype_label: str
    signatory: str

    @classmethod
    def of(
        cls, pack: Pack, agency_type: str, subtype: str, *, name: str, code: str, language: str
    ) -> AgencyInfo:
        """An agency of a type and subtype of a pack, in a language."""
        kind = pack.agency_types[agency_type]
        part = kind.subtypes.get(subtype)
        return cls(
            name=name, code=code, type_label=localise(kind.name, language),
            subtype_label=localise(part.name, language) if part else "", signatory=localise(kind.signatory, language),
        )  # fmt: skip


class AgencyReturnDocument(Document):
    """One submission as a document. `sites`: those that the agency lists; None where it is asked about none."""

    format: Literal["candour-agency-return/1"] = "candour-agency-return/1"
    template_title: str
    template_sha256: str
    agency: AgencyInfo
    signature: Signature
    schemes: tuple[SchemeInfo, ...]
    standards: tuple[SignedStandard, ...]
    figure: Figure
    outstanding: tuple[SignedAnswer, ...]
    staff_title: str = ""  # of the survey whose results stand beside answers
    sites: tuple[str, ...] | None = None


class ReceiptDocument(Document):
    """One page that proves what was submitted. `chain_seq` and `chain_head` are of the return's history then."""

    format: Literal["candour-receipt/1"] = "candour-receipt/1"
    template_title: str
    template_sha256: str
    agency: AgencyInfo
    return_id: str
    signature: Signature
    is_late: bool
    answers: int
    criteria: int
    chain: str
    chain_seq: int
    chain_head: str
