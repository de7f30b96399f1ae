"""`moderation.yaml`: what a pack says about checking returns, and the rules of risk that choose some of them.

A rule is one of a few known kinds with a limit, so it is data and nothing in it can be run. Which grades count, and
which bases of assurance are words on paper, is known from the pack alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import ceil
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.domain.answers import question_id, question_parts
from app.domain.parts import Key
from app.domain.rules.book import Rulebook
from app.domain.rules.judging import Facts, judge
from app.domain.rules.language import Judgements
from app.domain.templates import Criterion, GradingScheme, Pack, Template
from app.domain.text import Text

Percent = Annotated[int, Field(strict=True, ge=0, le=100)]
Number = Annotated[int, Field(strict=True, ge=0, le=1000)]
BY_HAND = "by-hand"  # stands where rules stand, for what a person chose; no rule may be called so


class Frozen(BaseModel):
    """What all parts share: they never change, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PlanDefaults(Frozen):
    """What the plan of a sample begins with; the lead inspector can change all of it before the draw.

    Of each agency type `percent` of the submitted returns (`percent_of_type`: of single types), and at least `minimum`,
    are drawn at random. `questions`: so many of each return's answers are checked, 0 all of them. `risk_most`: so many
    of each agency type are chosen by risk at most, and no more than `risk_percent` of its returns. A second
    inspector checks `second_percent` of those drawn at random.
    With fewer than `small_round` submitted returns names stand in the place of estimates.
    """

    percent: Percent = 10
    percent_of_type: dict[Key, Percent] = {}
    minimum: Number = 5
    questions: Number = 0
    risk_most: Number = 10
    risk_percent: Percent = 100
    second_percent: Percent = 10
    small_round: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 50


class RiskRule(Frozen):
    """One rule of risk: it chooses a return whose figure is above `limit`. `title` says why, in a few words.

    The kinds, and what their figure is:

    - `shown_apart`: per cent of the counted answers that have a grade shown apart (nobody knows)
    - `late`: days by which the return was submitted late; begun days count as whole ones
    - `jump`: percentage points by which the met answers rose since the last round, of questions that mean the same
    - `twins`: per cent of the questions with a twin where another agency of the area sees it much worse; "much" is a
      distance of `apart` or more per cent of the scale. Never where one side is not counted or is shown apart
    - `no_evidence`: per cent of the answers with the best grade that have no evidence attached
    - `basis`: per cent of the counted answers that rest on one of `bases` alone
    - `trigger`: how many of the pack's `triggers` call for something, by the grades that the agency gave itself

    A share of fewer than `at_least` answers says nothing, and chooses nothing.
    """

    key: Key
    kind: Literal["shown_apart", "late", "jump", "twins", "no_evidence", "basis", "trigger"]
    title: Text
    limit: Number
    at_least: Annotated[int, Field(strict=True, ge=1, le=1000)] = 5
    bases: tuple[Key, ...] = ()
    triggers: tuple[Key, ...] = ()
    apart: Annotated[int, Field(strict=True, ge=1, le=100)] = 100

    @property
    def unit(self) -> Literal["percent", "points", "days", "count"]:
        """What the figure and the limit are counted in."""
        return {"late": "days", "jump": "points", "trigger": "count"}.get(self.kind, "percent")  # type: ignore[return-value]


class ModerationRules(Frozen):
    """The content of `moderation.yaml`. A pack without one has the defaults and no rules of risk."""

    format: Literal[1] = 1
    plan: PlanDefaults = PlanDefaults()
    risks: tuple[RiskRule, ...] = ()

    @classmethod
    def of(cls, pack: Pack) -> ModerationRules:
        """What a pack says. pydantic.ValidationError when it is of another shape."""
        # a published version may hold keys that a later program no longer knows
        return cls.model_validate(pack.moderation or {}, extra="ignore")

    def rule(self, key: str) -> RiskRule | None:
        """The rule with this key."""
        return next((rule for rule in self.risks if rule.key == key), None)

    def mistakes(self, pack: Pack) -> list[tuple[tuple[str | int, ...], str]]:
        """What does not fit the pack or itself: (path of the place, what is wrong and how to mend it)."""
        found: list[tuple[tuple[str | int, ...], str]] = []
        for key in self.plan.percent_of_type:
            if key not in pack.agency_types:
                found.append((("plan", "percent_of_type", key), f"there is no agency type `{key}`; correct it"))
        bases = {basis.key for scheme in pack.grading_schemes.values() for basis in scheme.bases}
        judgements = Judgements.of(pack)
        called_for = {key for profile in judgements.profiles for key in profile.triggers} if judgements else set()
        seen: set[str] = set()
        for place, rule in enumerate(self.risks):
            at = ("risks", place)
            if rule.key in seen:
                found.append(((*at, "key"), f"the rule `{rule.key}` is here twice; rename one"))
            seen.add(rule.key)
            if rule.key == BY_HAND:
                found.append(((*at, "key"), f"`{BY_HAND}` is kept for what people choose; rename the rule"))
            if rule.unit in ("percent", "points") and rule.limit >= 100:
                found.append(((*at, "limit"), "nothing is above 100 per cent, so this rule chooses nothing; lower it"))
            if rule.kind == "basis" and not rule.bases:
                found.append((at, "a rule of the kind `basis` needs `bases`; name those that are words on paper"))
            if rule.kind != "basis" and rule.bases:
                found.append(((*at, "bases"), "`bases` belongs to rules of the kind `basis`; remove it"))
            if rule.kind == "trigger" and not rule.triggers:
                found.append((at, "a rule of the kind `trigger` needs `triggers`; name some of `judgements.yaml`"))
            if rule.kind != "trigger" and rule.triggers:
                found.append(((*at, "triggers"), "`triggers` belongs to rules of the kind `trigger`; remove it"))
            if rule.kind == "trigger" and 0 < len(rule.triggers) <= rule.limit:
                message = "the figure is never above the number of `triggers`, so this rule chooses nothing; lower it"
                found.append(((*at, "limit"), message))
            found += [
                ((*at, "triggers", number), f"there is no trigger `{key}` in `judgements.yaml`; correct it")
                for number, key in enumerate(rule.triggers)
                if key not in called_for
            ]
            if rule.kind != "twins" and "apart" in rule.model_fields_set:
                found.append(((*at, "apart"), "`apart` belongs to rules of the kind `twins`; remove it"))
            found += [
                ((*at, "bases", number), f"there is no basis of assurance `{key}`; correct it")
                for number, key in enumerate(rule.bases)
                if key not in bases
            ]
        return found


# --- what the rules look at ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Signed:
    """One submitted return as the rules read it.

    `areas`: the public ids of the areas that the agency works in; `answers`: question id to signed value; `evidenced`:
    the questions that a piece of evidence supports; `late_after`: the last instant that was in time.
    """

    id: str
    agency_type: str
    areas: frozenset[str]
    answers: Mapping[str, Mapping[str, Any]]
    evidenced: frozenset[str]
    submitted_at: datetime
    late_after: datetime


@dataclass(frozen=True)
class Then:
    """The same agency's submission of the round before, with the pack that it answered."""

    pack: Pack
    answers: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Reason:
    """Why a rule chose a return: its figure, and of how many answers that is (0 where it is no share)."""

    rule: str
    figure: int
    of: int = 0

    def as_data(self) -> dict[str, int]:
        """The figures as they are stored beside the rule's key."""
        return {"figure": self.figure, "of": self.of}


@dataclass(frozen=True)
class _Counted:
    question: str
    criterion: Criterion
    scheme: GradingScheme
    grade: str
    basis: str

    def areas(self, one: Signed) -> frozenset[str]:
        """An answer about one area stands for that area only."""
        scope = question_parts(self.question)[1]
        return frozenset({scope}) if scope else one.areas

    @property
    def apart(self) -> bool:
        return self.scheme.grade(self.grade).shown_apart

    @property
    def met(self) -> bool:
        return self.scheme.grade(self.grade).counts_as == "met"

    @property
    def depth(self) -> Fraction | None:
        """0 for the best grade of its scale, 1 for the worst; None for a grade that is shown apart."""
        scale = [g.key for g in self.scheme.grades if g.counts_as != "excluded" and not g.shown_apart]
        if self.grade not in scale:
            return None
        return Fraction(scale.index(self.grade), max(1, len(scale) - 1))


def _counted(pack: Pack, template: Template, answers: Mapping[str, Mapping[str, Any]]) -> list[_Counted]:
    """The answers that count as met or not met, of questions that the checklist knows."""
    known = {placed.criterion.id: placed.criterion for placed in template.criteria()}
    found = []
    for question, value in answers.items():
        criterion = known.get(question_parts(question)[0])
        grade = value.get("grade")
        if criterion is None or not grade:
            continue
        scheme = pack.scheme_of(template, criterion)
        if scheme.grade(grade).counts_as != "excluded":
            found.append(_Counted(question, criterion, scheme, grade, value.get("basis", "")))
    return found


def _percent(part: int, whole: int) -> int:
    """Whole per cent, rounded down: a figure that is said to be above a limit is above it."""
    return part * 100 // whole


def reasons(
    pack: Pack, returns: Sequence[Signed], last: Mapping[str, Then], rules: Collection[RiskRule]
) -> dict[str, list[Reason]]:
    """Return id to why rules choose it, in the order of the rules; returns that no rule chooses are left out.

    `last`: return id to the submission of the round before, where there is one.
    """
    counted = {one.id: _counted(pack, pack.templates[one.agency_type], one.answers) for one in returns}
    called_for = _called_for(pack, returns) if any(rule.kind == "trigger" for rule in rules) else {}
    twins = _Twins(returns, counted)
    found: dict[str, list[Reason]] = {}
    for one in returns:
        for rule in rules:
            reason: Reason | None
            if rule.kind == "trigger":
                reason = Reason(rule.key, len(called_for[one.id].intersection(rule.triggers)))
            else:
                reason = _reason(rule, pack, one, counted[one.id], last.get(one.id), twins)
            if reason and reason.figure > rule.limit and (not reason.of or reason.of >= rule.at_least):
                found.setdefault(one.id, []).append(reason)
    return found


def _called_for(pack: Pack, returns: Sequence[Signed]) -> dict[str, frozenset[str]]:
    """Return id to the triggers that hold by its own answers: nothing is checked yet, and nothing entered."""
    books = {kind: Rulebook.of(pack, kind) for kind in {one.agency_type for one in returns}}
    found: dict[str, frozenset[str]] = {}
    for one in returns:
        book, found[one.id] = books[one.agency_type], frozenset()
        if book:
            asked = {question_parts(key): value for key, value in one.answers.items()}
            grades = {key: value["grade"] for key, value in asked.items() if value.get("grade")}
            said = {key: value for key, value in asked.items() if key[0] in book.facts_asked}
            found[one.id] = frozenset(judge(book, Facts(grades=grades, said=said)).triggers)
    return found


def _reason(
    rule: RiskRule, pack: Pack, one: Signed, counted: list[_Counted], then: Then | None, twins: _Twins
) -> Reason | None:
    if rule.kind == "late":
        late = (one.submitted_at - one.late_after).total_seconds() / 86400
        return Reason(rule.key, ceil(late)) if late > 0 else None
    if rule.kind == "jump":
        return _jump(rule, pack, one, counted, then)
    if rule.kind == "twins":
        part, whole = twins.worse(one, counted, Fraction(rule.apart, 100))
    elif rule.kind == "no_evidence":
        best = [a for a in counted if a.depth == 0]
        part, whole = sum(a.question not in one.evidenced for a in best), len(best)
    elif rule.kind == "basis":
        part, whole = sum(a.basis in rule.bases for a in counted), len(counted)
    else:
        part, whole = sum(a.apart for a in counted), len(counted)
    return Reason(rule.key, _percent(part, whole), whole) if whole else None


def _jump(rule: RiskRule, pack: Pack, one: Signed, counted: list[_Counted], then: Then | None) -> Reason | None:
    """Only like is compared with like: questions of the same version that counted both times."""
    template = then.pack.templates.get(one.agency_type) if then else None
    if then is None or template is None:
        return None
    before = {a.question: a for a in _counted(then.pack, template, then.answers)}
    pairs = [
        (a, before[a.question])
        for a in counted
        if a.question in before and before[a.question].criterion.version == a.criterion.version
    ]
    if not pairs:
        return None
    rise = sum(now.met for now, _ in pairs) - sum(was.met for _, was in pairs)
    return Reason(rule.key, _percent(rise, len(pairs)), len(pairs)) if rise > 0 else None


class _Twins:
    """What the other agencies of an area say about the same duties, looked up by area and criterion."""

    def __init__(self, returns: Sequence[Signed], counted: Mapping[str, list[_Counted]]) -> None:
        # (area, agency type, criterion) to the worst answer there that can be compared
        self.worst: dict[tuple[str, str, str], Fraction] = {}
        for one in returns:
            for answer in counted[one.id]:
                if not answer.criterion.twins or (depth := answer.depth) is None:
                    continue
                for area in answer.areas(one):
                    key = (area, one.agency_type, answer.criterion.id)
                    self.worst[key] = max(depth, self.worst.get(key, depth))

    def worse(self, one: Signed, counted: list[_Counted], apart: Fraction) -> tuple[int, int]:
        """How many of a return's answers another agency of its areas sees worse by `apart`, of how many with a twin."""
        part = whole = 0
        for answer in counted:
            depth = answer.depth
            if depth is None:
                continue
            views = [
                self.worst[area, *_split(twin)]
                for twin in answer.criterion.twins
                for area in answer.areas(one)
                if (area, *_split(twin)) in self.worst
            ]
            if views:
                whole += 1
                part += max(views) - depth >= apart
        return part, whole


def _split(twin: str) -> tuple[str, str]:
    agency_type, _, criterion = twin.partition("#")
    return agency_type, criterion


def answers_of(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Question id to value, of a submission's frozen content."""
    return {question_id(one["criterion"], one["scope"]): one["value"] for one in content["answers"]}


def evidenced_in(content: Mapping[str, Any]) -> frozenset[str]:
    """The questions that a submission's evidence supports."""
    return frozenset(question_id(one["criterion"], one["scope"]) for one in content.get("evidence", ()))
