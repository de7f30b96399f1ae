"""The rules of one agency type, tied to its checklist: which criteria an indicator looks at, and in which order
judgements follow from each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from graphlib import TopologicalSorter

from app.domain.asking import Asked
from app.domain.rules.language import (
    AnyIndicator,
    Condition,
    Judgements,
    Profile,
    Scale,
    Selection,
    Target,
    TargetIs,
    TargetsFailed,
    Test,
    Variable,
    walk,
)
from app.domain.templates import GradingScheme, Pack, Placed, Template


class Rulebook:
    """What a pack's rules are for one agency type. Touches no answers, and never changes."""

    def __init__(self, judgements: Judgements, profile: Profile, pack: Pack, agency_type: str) -> None:
        self.agency_type = agency_type
        self.profile = profile
        self.scales = judgements.scales
        self.template: Template = pack.templates[agency_type]
        self.placed: dict[str, Placed] = {each.criterion.id: each for each in self.template.criteria()}
        self.schemes: dict[str, GradingScheme] = {
            key: pack.scheme_of(self.template, each.criterion) for key, each in self.placed.items()
        }
        self.grades: dict[str, dict[str, int]] = {
            key: {grade.key: place for place, grade in enumerate(scheme.grades)}
            for key, scheme in self.schemes.items()
        }
        self._counts = {
            (key, grade.key): grade.counts_as != "excluded"
            for key, scheme in self.schemes.items()
            for grade in scheme.grades
        }

    @classmethod
    def of(cls, pack: Pack, agency_type: str) -> Rulebook | None:
        """The rules of a pack for an agency type; None where it has none."""
        judgements = Judgements.of(pack)
        profiles = judgements.profiles if judgements else ()
        for profile in profiles:
            if judgements and agency_type in profile.agency_types:
                return cls(judgements, profile, pack, agency_type)
        return None

    def scale(self, judgement: str) -> Scale:
        """The scale of a judgement."""
        return self.scales[self.profile.judgements[judgement].scale]

    def ranks(self, judgement: str) -> Mapping[str, int]:
        """The grades of a judgement's scale with their places, 0 the best."""
        return self._ranks[judgement]

    @cached_property
    def _ranks(self) -> dict[str, dict[str, int]]:
        return {key: self.scale(key).ranks for key in self.profile.judgements}

    def counts(self, criterion: str, grade: str) -> bool:
        """Whether a grade of a criterion counts as met or not met."""
        return self._counts.get((criterion, grade), False)

    def criteria_of(self, indicator: AnyIndicator) -> tuple[str, ...]:
        """The criteria that an indicator looks at, in the order of the checklist: those whose answers suit it."""
        return self.selected(indicator.of, indicator.suits)

    def selected(self, of: Selection | None, suits: Callable[[Asked], bool]) -> tuple[str, ...]:
        """The criteria of a selection that suit, in order; None: of all but those of optional standards."""
        found = []
        for key, (criterion, standard, _position, _number) in self.placed.items():
            if of is None:
                chosen = not standard.optional
            else:
                chosen = (
                    key in of.criteria
                    or standard.id in of.standards
                    or (criterion.theme in of.themes and not standard.optional)
                )
            if chosen and suits(criterion.answer):
                found.append(key)
        return tuple(found)

    @cached_property
    def selections(self) -> dict[str, frozenset[str]]:
        """Indicator to the criteria that it looks at."""
        return {key: frozenset(self.criteria_of(indicator)) for key, indicator in self.profile.indicators.items()}

    @cached_property
    def follows_from(self) -> dict[str, frozenset[str]]:
        """Judgement to the judgements that it looks at."""
        return {key: judgement.looks_at() for key, judgement in self.profile.judgements.items()}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The judgements, each after those that it follows from; among these in the order of the file."""
        places = {key: place for place, key in enumerate(self.profile.judgements)}
        sorter = TopologicalSorter(self.follows_from)
        sorter.prepare()
        found: list[str] = []
        while sorter.is_active():
            ready = sorted(sorter.get_ready(), key=places.__getitem__)
            found += ready
            sorter.done(*ready)
        return tuple(found)

    @cached_property
    def criteria_asked(self) -> tuple[str, ...]:
        """The criteria whose grades conditions and key targets look at one by one, in order."""
        return self._asked_one_by_one("criterion")

    @cached_property
    def choices_asked(self) -> tuple[str, ...]:
        """The criteria whose choices conditions look at one by one, in order."""
        return self._asked_one_by_one("chosen")

    def _asked_one_by_one(self, kind: str) -> tuple[str, ...]:
        asking: list[Condition | Target] = [condition for _path, condition in self.profile.conditions()]
        asking += self.profile.targets.values()
        tests: list[Test] = [test for one in asking for test in one.tests(self)]
        named = {test.variable[1] for test in tests if test.variable[0] == kind}
        return tuple(key for key in self.placed if key in named)

    @cached_property
    def facts_asked(self) -> frozenset[str]:
        """The criteria of which the rules look at what the answer says, and not at its grade alone."""
        by_facts = [self.selections[key] for key, one in self.profile.indicators.items() if one.by_facts]
        return frozenset(self.choices_asked).union(*by_facts)

    def asked(self, criterion: str) -> Asked:
        """How a criterion is answered."""
        return self.placed[criterion].criterion.answer

    def rests_on(self, judgement: str) -> frozenset[Variable]:
        """What a judgement looks at, and what the judgements look at that it follows from."""
        found: set[Variable] = set()
        waiting, seen = [judgement], set()
        while waiting:
            key = waiting.pop()
            if key not in seen:
                seen.add(key)
                found |= self.variables(key)
                waiting += self.follows_from[key]
        return frozenset(found)

    def looked_at(self, judgement: str) -> frozenset[str]:
        """The criteria that a judgement rests on."""
        found: set[str] = set()
        for kind, key in self.rests_on(judgement):
            if kind == "indicator":
                found |= self.selections[key]
            elif kind in ("criterion", "chosen"):
                found.add(key)
        return frozenset(found)

    def variables(self, judgement: str) -> frozenset[Variable]:
        """What the rules and caps of a judgement look at."""
        return frozenset(test.variable for condition in self.conditions_of(judgement) for test in condition.tests(self))

    def conditions_of(self, judgement: str) -> list[Condition]:
        """The conditions of a judgement's rules and caps, whole."""
        kind = self.profile.judgements[judgement]
        return [*(rule.when for rule in kind.steps if rule.when), *(cap.when for cap in kind.caps)]

    def targets_of(self, judgement: str) -> tuple[str, ...]:
        """The key targets that a judgement's rules and caps look at, in order."""
        named: set[str] = set()
        for condition in self.conditions_of(judgement):
            for _path, part in walk(condition):
                if isinstance(part, TargetIs):
                    named.add(part.target)
                elif isinstance(part, TargetsFailed):
                    named |= self.profile.targets.keys()
        return tuple(key for key in self.profile.targets if key in named)
