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
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationInfo,
    WrapSerializer,
    model_serializer,
    model_validator,
)

from app.domain.text import Text, written_in

KEY_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
COLOUR_PATTERN = r"^#[0-9a-fA-F]{6}$"
RECOMMENDATION_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*/[A-Za-z0-9][A-Za-z0-9.-]*$"  # report/number
TWIN_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*#[a-z0-9]+(-[a-z0-9]+)*$"  # agency-type#criterion

Key = Annotated[str, StringConstraints(strict=True, pattern=KEY_PATTERN, max_length=80)]
WholeNumber = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Limit = Annotated[float, Field(strict=True, ge=0, le=1)]
Flag = Annotated[bool, Field(strict=True)]
Colour = Annotated[str, StringConstraints(strict=True, pattern=COLOUR_PATTERN)]
Recommendation = Annotated[str, StringConstraints(strict=True, pattern=RECOMMENDATION_PATTERN)]
Twin = Annotated[str, StringConstraints(strict=True, pattern=TWIN_PATTERN)]

LATER_PARTS = ("moderation", "judgements")  # of a pack: left out of what is frozen where a pack has none

_FROZEN = "frozen"  # validation context of `Pack.from_frozen`


def _thaw_keyed(value: Any, info: ValidationInfo) -> Any:
    if info.context == _FROZEN and isinstance(value, list):
        return {entry["key"]: {k: v for k, v in entry.items() if k != "key"} for entry in value}
    return value


def _freeze_keyed(value: Any, handler: SerializerFunctionWrapHandler) -> Any:
    return [{"key": key, **entry} for key, entry in handler(value).items()]


def _freeze_raw(value: Any) -> Any:
    """Mappings become `{"pairs": [[key, value], …]}`, everything else stays."""
    if isinstance(value, Mapping):
        return {"pairs": [[key, _freeze_raw(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_freeze_raw(item) for item in value]
    return value


def _thaw_raw(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _thaw_raw(item) for key, item in value["pairs"]}
    if isinstance(value, list):
        return [_thaw_raw(item) for item in value]
    return value


def _thaw_raw_field(value: Any, info: ValidationInfo) -> Any:
    return _thaw_raw(value) if info.context == _FROZEN else value


T = TypeVar("T")
# A mapping whose order matters on pages. Canonical JSON and PostgreSQL's jsonb sort keys, so it is
# frozen as a list of entries with their `key`.
Keyed = Annotated[dict[Key, T], BeforeValidator(_thaw_keyed), WrapSerializer(_freeze_keyed)]
# The content of a file that another module defines. The order of its keys is kept too.
Raw = Annotated[
    dict[str, Any],
    BeforeValidator(_thaw_raw_field),
    WrapSerializer(lambda value, _handler: _freeze_raw(value)),
]


class Part(BaseModel):
    """What all parts of a pack share: they never change, and they know all of their keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _older(cls, value: Any, info: ValidationInfo) -> Any:
        """A published version may hold keys that a later program no longer knows: they are passed over."""
        if info.context == _FROZEN and isinstance(value, Mapping) and cls.model_config["extra"] == "forbid":
            return {key: item for key, item in value.items() if key in cls.model_fields}
        return value


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
        return _exact(limit or 0), self.above is not None

    def reached_by(self, share: Fraction) -> bool:
        """Whether a share from 0 to 1 is large enough for this word."""
        limit, above = self.threshold
        return share > limit if above else share >= limit


class Condition(Part):
    """Holds when the answer to another criterion has one of these grades."""

    criterion: Key
    grades: Annotated[tuple[Key, ...], Field(min_length=1)]


class Answer(Part):
    """The type of a criterion's answer, and that type's own parameters beside it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: Key

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What the author gave beside `type`, by name."""
        return self.model_extra or {}


class Criterion(Part):
    """One question of a checklist. `version` is raised when its meaning changes.

    With `scope: area` it is asked once for each area that the agency works in.
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
    answer: Answer = Answer(type="grade")
    scope: Literal["area"] | None = None
    shown_if: Condition | None = None
    required_if: Condition | None = None
    not_applicable_if: Condition | None = None

    @model_serializer(mode="wrap")
    def _without_scope(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A criterion without a scope is frozen as it was before there were any: published hashes stay."""
        frozen: dict[str, Any] = handler(self)
        if frozen.get("scope", "") is None:
            del frozen["scope"]
        return frozen

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions that this criterion has, of any kind."""
        every = (self.shown_if, self.required_if, self.not_applicable_if)
        return tuple(condition for condition in every if condition)

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
    """What an agency is asked, given the grades that it has chosen so far. All in template order."""

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
        return any(placed.criterion.scope for placed in self._placed.values())

    def shown(self, subtype: str | None, grades: Mapping[str, str]) -> Shown:
        """What is asked, required and not applicable, given `grades`: criterion id to grade key.

        A condition looks only at criteria that are themselves asked: the grade left behind by a
        question that is now hidden changes nothing. A criterion of a standard that is not optional
        is required, unless it has `required_if`: then that alone decides, in any standard.
        """
        asked: dict[str, bool] = {}
        required: set[str] = set()
        not_applicable: set[str] = set()

        def holds(condition: Condition) -> bool:
            other = condition.criterion
            return asked.get(other, False) and grades.get(other) in condition.grades

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
            if visible and (holds(rule) if rule else not standard.optional):
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
    """The content of `pack.yaml`."""

    format: Literal[1]
    pack: Key
    version: WholeNumber
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

    `findings`, `demonstration`, `moderation` and `judgements` are the raw content of the files of these names
    (mappings, lists, strings, numbers, true and false; dates as ISO strings), or None when there is no such file.
    """

    templates: Keyed[Template]
    findings: Raw | None = None
    demonstration: Raw | None = None
    moderation: Raw | None = None
    judgements: Raw | None = None

    @model_serializer(mode="wrap")
    def _without_later_parts(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A pack without a part that older packs did not know is frozen as they were: published hashes stay."""
        frozen: dict[str, Any] = handler(self)
        return {key: part for key, part in frozen.items() if key not in LATER_PARTS or part is not None}

    def scheme_of(self, template: Template, criterion: Criterion) -> GradingScheme:
        """The grading scheme of a criterion: its own, or else its template's."""
        return self.grading_schemes[criterion.grading or template.grading]

    def quantify(self, share: Fraction | float) -> str | dict[str, str]:
        """The word for a share of agencies, from 0 to 1. ValueError outside of that.

        Pass a Fraction of two counts: it compares exactly with limits such as 0.9.
        """
        exact = _exact(share)
        if not 0 <= exact <= 1:
            raise ValueError(f"a share lies between 0 and 1: {share}")
        return next(quantifier.word for quantifier in self.quantifiers if quantifier.reached_by(exact))

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
        return cls.model_validate(frozen, context=_FROZEN)


def _exact(share: Fraction | float) -> Fraction:
    # by way of the shortest decimal: the float 0.9 is a little more than nine tenths
    return share if isinstance(share, Fraction) else Fraction(str(share))
