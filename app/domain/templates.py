"""Packs of audit templates: agency types, grading schemes and checklists, as frozen values.

What is read from `audit_templates/` and what a published version holds are the same objects. Keys
(`agency_type`, grade keys, themes, …) are data: nothing here knows one by name. Rules between parts
(a milestone that a criterion names exists, no conditions in a circle) are checked where files are
read; these classes check shapes only.
"""

import calendar
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from app.domain.asking import Answer, Asked, FileAsked, GradeAsked, Number, Plain
from app.domain.parts import (
    FROZEN,
    Colour,
    Flag,
    Key,
    Keyed,
    Limit,
    Part,
    Raw,
    Recommendation,
    Twin,
    WholeNumber,
    exact,
)
from app.domain.text import Text, written_in

# of a pack: left out of what is frozen where a pack has none
LATER_PARTS = ("moderation", "judgements", "changes", "survey", "examples")
UNPUBLISHED = ("demonstration", "examples")  # of a pack: never part of what is published


class Subtype(Part):
    """A kind of agency within an agency type. A criterion may be asked of some subtypes only."""

    name: Text
    plural: Text


class AgencyType(Part):
    """A type of agency that is audited; `signatory` is what it calls the person who signs."""

    name: Text
    plural: Text
    signatory: Text
    oversight_body: Key
    subtypes: Keyed[Subtype] = {}


class OversightBody(Part):
    """Who owns rounds of this pack. `kind` is what pages call it."""

    name: Text
    short: Text
    kind: Text


class Grade(Part):
    """One step of a grading scheme, and what must be given with it before signing."""

    key: Key
    label: Text
    meaning: Text
    colour: Colour
    counts_as: Literal["met", "not_met", "excluded"]
    shown_apart: Flag = False
    needs: tuple[Literal["commentary", "date_expected", "reason"], ...]


class Basis(Part):
    """How the agency knows: the basis of assurance, and what is asked beside it."""

    key: Key
    label: Text
    meaning: Text
    asks: tuple[Literal["files", "files_date"], ...]


class GradingScheme(Part):
    """An ordered scale of grades, best first, with the bases of assurance asked beside it."""

    title: Text
    grades: Annotated[tuple[Grade, ...], Field(min_length=1)]
    bases: tuple[Basis, ...] = ()

    def grade(self, key: str) -> Grade:
        """The grade with this key. KeyError when there is none."""
        return self.grades[self.rank(key)]

    def rank(self, key: str) -> int:
        """The place of a grade in the scheme: 0 is the best. KeyError when there is none."""
        for place, grade in enumerate(self.grades):
            if grade.key == key:
                return place
        raise KeyError(key)

    def basis(self, key: str) -> Basis:
        """The basis of assurance with this key. KeyError when there is none."""
        for basis in self.bases:
            if basis.key == key:
                return basis
        raise KeyError(key)


class Milestone(Part):
    """A time by which criteria should be met, in calendar months after the round's counting date."""

    label: Text
    months: Annotated[int, Field(strict=True, ge=0, le=240)]

    def due(self, counts_from: date) -> date:
        """The same day of the month `months` later, or the last day of a month that is too short."""
        years, month = divmod(counts_from.month - 1 + self.months, 12)
        year, month = counts_from.year + years, month + 1
        return date(year, month, min(counts_from.day, calendar.monthrange(year, month)[1]))


class Theme(Part):
    """A heading under which findings put criteria together."""

    title: Text
    introduction: Text | None = None


class RecommendationReport(Part):
    """A report whose recommendations criteria cite as `key/number`."""

    title: Text
    short: Text


class Quantifier(Part):
    """A word for a share of agencies, used from `at_least` (or just `above`) this share, 0 to 1."""

    at_least: Limit | None = None
    above: Limit | None = None
    word: Text

    @property
    def threshold(self) -> tuple[Fraction, bool]:
        """The limit exactly as the author wrote it, and whether it is itself left out.

        Sorts by strictness: `above: 0` comes after `at_least: 0`.
        """
        limit = self.at_least if self.above is None else self.above
        return exact(limit or 0), self.above is not None

    def reached_by(self, share: Fraction) -> bool:
        """Whether a share from 0 to 1 is large enough for this word."""
        limit, above = self.threshold
        return share > limit if above else share >= limit


class Condition(Plain):
    """Holds when the answer to another criterion has one of these grades, or these choices, or such a number.

    `answers` are keys of choices, or `yes` and `no`; `at_least` and `below` go by the measure of the answer.
    """

    criterion: Key
    grades: Annotated[tuple[Key, ...], Field(min_length=1)] | None = None
    answers: Annotated[tuple[Key, ...], Field(min_length=1)] | None = None
    at_least: Number | None = None
    below: Number | None = None

    def holds(self, asked: Asked, value: Mapping[str, Any]) -> bool:
        """Whether it holds of a stored value."""
        if self.grades is not None and value.get("grade") not in self.grades:
            return False
        if self.answers is not None and not set(self.answers) & set(asked.chosen(value)):
            return False
        if self.at_least is None and self.below is None:
            return True
        measure = asked.measure(value)
        return (
            measure is not None
            and (self.at_least is None or measure >= exact(self.at_least))
            and (self.below is None or measure < exact(self.below))
        )


_LATER_KEYS = ("scope", "required", "carried")  # of a criterion: left out of what is frozen where it has none


class Criterion(Part):
    """One question of a checklist. `version` is raised when its meaning changes.

    With `scope: area` it is asked once for each area that the agency works in, with `scope: site` once for each site
    that the agency lists. `required` says whether it must be answered whatever its standard says.
    With `carried: false` each round asks it anew: no answer of the round before is carried forward.
    """

    id: Key
    question: Text
    why: Text
    evidence: Text
    recommendations: tuple[Recommendation, ...] = ()
    milestone: Key | None = None
    theme: Key
    version: WholeNumber = 1
    subtypes: tuple[Key, ...] = ()
    twins: tuple[Twin, ...] = ()
    grading: Key | None = None
    answer: Answer = GradeAsked()
    scope: Literal["area", "site"] | None = None
    required: Flag | None = None
    carried: Flag | None = None
    shown_if: Condition | None = None
    required_if: Condition | None = None
    not_applicable_if: Condition | None = None

    @model_serializer(mode="wrap")
    def _without_later_keys(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A criterion without a key that older packs did not know is frozen as they were: published hashes stay."""
        frozen: dict[str, Any] = handler(self)
        return {key: part for key, part in frozen.items() if key not in _LATER_KEYS or part is not None}

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions that this criterion has, of any kind."""
        every = (self.shown_if, self.required_if, self.not_applicable_if)
        return tuple(condition for condition in every if condition)

    def is_required(self, standard: "Standard") -> bool:
        """Whether it must be answered where it is asked and no `required_if` decides."""
        return not standard.optional if self.required is None else self.required

    def asked_of(self, subtype: str | None) -> bool:
        """Whether agencies of this subtype (None: of no subtype) are asked at all."""
        return not self.subtypes or subtype in self.subtypes


class Standard(Part):
    """A section of a checklist. An optional one may be left unanswered and is labelled so."""

    id: Key
    title: Text
    introduction: Text | None = None
    optional: Flag = False
    label: Text | None = None
    criteria: tuple[Criterion, ...]


class Placed(NamedTuple):
    """A criterion and where it stands in its template."""

    criterion: Criterion
    standard: Standard
    position: int  # 1 is the template's first criterion
    number: str  # "2.3": the third criterion of the second standard


class Shown(NamedTuple):
    """What an agency is asked, given its answers so far. All in template order."""

    asked: tuple[Criterion, ...]
    required: frozenset[str]  # ids of those asked that must be answered before signing
    not_applicable: tuple[Criterion, ...]  # not asked, because a condition makes them not applicable


class Template(Part):
    """The checklist of one agency type."""

    format: Literal[1]
    agency_type: Key
    title: Text
    introduction: Text
    grading: Key
    declaration: Text
    standards: Annotated[tuple[Standard, ...], Field(min_length=1)]

    @cached_property
    def _placed(self) -> dict[str, Placed]:
        placed: dict[str, Placed] = {}
        for section, standard in enumerate(self.standards, 1):
            for place, criterion in enumerate(standard.criteria, 1):
                number = f"{section}.{place}"
                placed[criterion.id] = Placed(criterion, standard, len(placed) + 1, number)
        return placed

    @cached_property
    def _by_dependence(self) -> tuple[str, ...]:
        """Ids of all criteria, each after those that its conditions look at."""
        return tuple(
            TopologicalSorter(
                {
                    key: [condition.criterion for condition in placed.criterion.conditions]
                    for key, placed in self._placed.items()
                }
            ).static_order()
        )

    def criteria(self) -> tuple[Placed, ...]:
        """All criteria in order, each with its standard, position and display number."""
        return tuple(self._placed.values())

    def criterion(self, key: str) -> Criterion:
        """The criterion with this id. KeyError when there is none."""
        return self._placed[key].criterion

    def standard_of(self, criterion: Criterion) -> Standard:
        """The standard that a criterion of this template stands in."""
        return self._placed[criterion.id].standard

    def number_of(self, criterion: Criterion) -> str:
        """The display number: "2.3" is the third criterion of the second standard."""
        return self._placed[criterion.id].number

    def asked_of(self, subtype: str | None) -> tuple[Criterion, ...]:
        """The criteria for agencies of this subtype, in order, conditions left aside.

        With None (an agency of no subtype) these are the criteria that are asked of all.
        """
        return tuple(p.criterion for p in self._placed.values() if p.criterion.asked_of(subtype))

    @cached_property
    def asks_areas(self) -> bool:
        """Whether any criterion is asked per area."""
        return any(placed.criterion.scope == "area" for placed in self._placed.values())

    @cached_property
    def asks_sites(self) -> bool:
        """Whether any criterion is asked per site."""
        return any(placed.criterion.scope == "site" for placed in self._placed.values())

    @cached_property
    def asks_files(self) -> bool:
        """Whether files are the answer to any criterion."""
        return any(isinstance(placed.criterion.answer, FileAsked) for placed in self._placed.values())

    def shown(self, subtype: str | None, values: Mapping[str, Mapping[str, Any]]) -> Shown:
        """What is asked, required and not applicable, given `values`: criterion id to stored value.

        A condition looks only at criteria that are themselves asked: the answer left behind by a
        question that is now hidden changes nothing. A criterion of a standard that is not optional
        is required, unless it has `required` or `required_if`: then that alone decides, in any standard.
        """
        asked: dict[str, bool] = {}
        required: set[str] = set()
        not_applicable: set[str] = set()

        def holds(condition: Condition) -> bool:
            other = condition.criterion
            return asked.get(other, False) and condition.holds(self.criterion(other).answer, values.get(other, {}))

        for key in self._by_dependence:
            criterion, standard, _, _ = self._placed[key]
            visible = criterion.asked_of(subtype)
            if visible and criterion.shown_if:
                visible = holds(criterion.shown_if)
            if visible and criterion.not_applicable_if and holds(criterion.not_applicable_if):
                not_applicable.add(key)
                visible = False
            asked[key] = visible
            rule = criterion.required_if
            if visible and (holds(rule) if rule else criterion.is_required(standard)):
                required.add(key)
        return Shown(
            asked=self._in_order(key for key, visible in asked.items() if visible),
            required=frozenset(required),
            not_applicable=self._in_order(not_applicable),
        )

    def _in_order(self, keys: Iterable[str]) -> tuple[Criterion, ...]:
        wanted = frozenset(keys)
        return tuple(p.criterion for key, p in self._placed.items() if key in wanted)


class PackFile(Part):
    """The content of `pack.yaml`. `changes` says what is new in this version."""

    format: Literal[1]
    pack: Key
    version: WholeNumber
    changes: Text | None = None
    title: Text
    summary: Text
    source: Text
    agency_types: Annotated[Keyed[AgencyType], Field(min_length=1)]
    oversight_bodies: Keyed[OversightBody]
    grading_schemes: Annotated[Keyed[GradingScheme], Field(min_length=1)]
    milestones: Keyed[Milestone]
    themes: Keyed[Theme]
    recommendation_reports: Keyed[RecommendationReport]
    quantifiers: Annotated[tuple[Quantifier, ...], Field(min_length=1)]


class Pack(PackFile):
    """A whole pack: `pack.yaml`, one template for each agency type, and the files that are kept as read.

    `findings`, `demonstration`, `moderation`, `judgements`, `survey` and `examples` are the raw content of the files of
    these names (mappings, lists, strings, numbers, true and false; dates as ISO strings), or None when there is no such
    file.
    """

    templates: Keyed[Template]
    findings: Raw | None = None
    demonstration: Raw | None = None
    moderation: Raw | None = None
    judgements: Raw | None = None
    survey: Raw | None = None
    examples: Raw | None = None

    @model_serializer(mode="wrap")
    def _without_later_parts(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A pack without a part that older packs did not know is frozen as they were: published hashes stay."""
        frozen: dict[str, Any] = handler(self)
        return {key: part for key, part in frozen.items() if key not in LATER_PARTS or part is not None}

    def as_published(self) -> Self:
        """The pack without what is never published: how a demonstration is made, and worked examples."""
        return self.model_copy(update=dict.fromkeys(UNPUBLISHED))

    def scheme_of(self, template: Template, criterion: Criterion) -> GradingScheme:
        """The grading scheme of a criterion: its own, or else its template's."""
        return self.grading_schemes[criterion.grading or template.grading]

    def quantify(self, share: Fraction | float) -> str | dict[str, str]:
        """The word for a share of agencies, from 0 to 1. ValueError outside of that.

        Pass a Fraction of two counts: it compares exactly with limits such as 0.9.
        """
        part = exact(share)
        if not 0 <= part <= 1:
            raise ValueError(f"a share lies between 0 and 1: {share}")
        return next(quantifier.word for quantifier in self.quantifiers if quantifier.reached_by(part))

    def is_translated(self, language: str) -> bool:
        """Whether every question can be read in a language. English is what untranslated texts are in."""
        return language == "en" or all(
            written_in(placed.criterion.question, language) == language
            for template in self.templates.values()
            for placed in template.criteria()
        )

    def to_frozen(self) -> dict[str, Any]:
        """The whole pack as JSON-ready data, for `from_frozen`. The same pack gives the same data.

        Nothing depends on the order of keys: mappings with an order are lists of entries with `key`.
        """
        return self.model_dump(mode="json")

    @classmethod
    def from_frozen(cls, frozen: Mapping[str, Any]) -> Self:
        """The pack that `to_frozen` gave. pydantic.ValidationError when it is of another shape."""
        return cls.model_validate(frozen, context=FROZEN)
