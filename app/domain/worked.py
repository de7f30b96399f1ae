"""Worked examples of a pack (`examples.yaml`): answers, and the judgements that the rules must make of them.

They prove that rules say what their source says. An example names a few answers and lets one grade stand for all the
others; it is tried on a return that exists nowhere. What comes out otherwise is told with the rule or the cap that did
it. Examples are no part of what is published.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag

from app.domain.answers import ANSWER_TYPES, AnswerErrors
from app.domain.asking import ChoiceAsked, YesNo
from app.domain.parts import Flag, Key, Part
from app.domain.rules.book import Rulebook
from app.domain.rules.check import Problem
from app.domain.rules.judging import Facts, Judged, Outcome, judge
from app.domain.rules.language import Given, Path
from app.domain.templates import Criterion, Pack, Template
from app.domain.text import Text, localise

FAILED = "failed"


# the tags spare the author a second complaint about the form not chosen
Others = Annotated[
    Annotated[Key, Tag("grade")] | Annotated[dict[Key, Key], Tag("schemes")],
    Discriminator(lambda value: "schemes" if isinstance(value, Mapping) else "grade"),
]


class Example(Part):
    """Answers of an agency that exists nowhere, and what the rules must make of them.

    `answers`: criterion to a grade's key, to what was answered, or to the fields of a value; asked per area or per
    site, a list has one for each. `sites`: how many it has, where no list says so; 0 is an agency without. `others`:
    the grade of every other question that must be answered and can come to it, or one for each grading scheme. `given`:
    what inspectors enter. `waits`: judgements that come to no grade before something is entered.
    `targets_failed` and `triggers` are exactly these.
    """

    name: Text
    source: Text
    agency_type: Key
    subtype: Key | None = None
    answers: dict[Key, Any] = {}
    sites: Annotated[int, Field(strict=True, ge=0, le=100)] | None = None
    others: Others | None = None
    given: dict[Key, Key] = {}
    expect: dict[Key, Key] = {}
    uncapped: dict[Key, Key] = {}
    capped: dict[Key, Flag] = {}
    waits: tuple[Key, ...] = ()
    targets_failed: tuple[Key, ...] | None = None
    triggers: tuple[Key, ...] | None = None

    @property
    def expects_something(self) -> bool:
        """Whether there is anything that can come out otherwise."""
        exactly = (self.targets_failed, self.triggers)
        said = (self.expect, self.uncapped, self.capped, self.waits)
        return any(said) or any(one is not None for one in exactly)


class Examples(Part):
    """The content of `examples.yaml`."""

    format: Literal[1]
    examples: Annotated[tuple[Example, ...], Field(min_length=1)]

    @classmethod
    def of(cls, pack: Pack) -> Self | None:
        """The worked examples of a pack; None where it has none. pydantic.ValidationError when they are of another
        shape."""
        return cls.model_validate(pack.examples) if pack.examples else None


@dataclass(frozen=True)
class Tried:
    """What became of an example. Paths of `problems` begin at the example.

    `facts` and `outcome` are None where the example cannot be tried as it stands.
    """

    problems: Sequence[Problem]
    facts: Facts | None = None
    outcome: Outcome | None = None


def problems(examples: Examples, pack: Pack) -> list[Problem]:
    """Everything in the examples of a pack that is wrong or comes out otherwise, in order; empty when all is well."""
    found: list[Problem] = []
    books = {key: Rulebook.of(pack, key) for key in pack.templates}
    names: set[str] = set()
    for place, example in enumerate(examples.examples):
        path: Path = ("examples", place)
        name = localise(example.name)
        if name in names:
            found.append(Problem((*path, "name"), "another example has this name; give it one of its own"))
        names.add(name)
        tried = try_out(example, pack, books)
        found += [Problem((*path, *one.path), one.message, one.name, one.known) for one in tried.problems]
    return found


def try_out(example: Example, pack: Pack, books: Mapping[str, Rulebook | None] | None = None) -> Tried:
    """What the rules make of an example, and what comes out otherwise than it says. `books`: rules made before."""
    if example.agency_type not in pack.templates:
        message = f"there is no agency type `{example.agency_type}`"
        return Tried([Problem(("agency_type",), message, example.agency_type, tuple(pack.templates))])
    book = books[example.agency_type] if books else Rulebook.of(pack, example.agency_type)
    if book is None:
        message = f"no rules judge the returns of `{example.agency_type}`; add some to judgements.yaml"
        return Tried([Problem(("agency_type",), message)])
    reading = _Reading(example, pack, book)
    facts = reading.facts()
    if reading.found:
        return Tried(reading.found)
    outcome = judge(book, facts)
    return Tried(_otherwise(example, book, outcome), facts, outcome)


class _Reading:
    """Makes of an example what rules are asked about, and notes what it names that is not there."""

    def __init__(self, example: Example, pack: Pack, book: Rulebook) -> None:
        self.example = example
        self.book = book
        self.template: Template = book.template
        self.found: list[Problem] = []
        subtypes = pack.agency_types[example.agency_type].subtypes
        if example.subtype is not None:
            self.known(("subtype",), example.subtype, subtypes, "subtype")
        self.judgements()
        if not example.expects_something:
            self.say((), "nothing is expected of this example; add `expect` with a judgement and its grade")

    def say(self, path: Path, message: str) -> None:
        self.found.append(Problem(path, message))

    def known(self, path: Path, name: str, known: Collection[str], what: str) -> bool:
        if name not in known:
            self.found.append(Problem(path, f"there is no {what} `{name}`", name, tuple(known)))
        return name in known

    def judgements(self) -> None:
        """What it says of judgements, key targets and triggers, by name."""
        example, profile = self.example, self.book.profile
        graded = {"given": example.given, "expect": example.expect, "uncapped": example.uncapped}
        for part, grades in graded.items():
            for key, grade in grades.items():
                if self.known((part, key), key, profile.judgements, "judgement"):
                    self.known((part, key), grade, self.book.ranks(key), f"grade on the scale of `{key}`")
        for key in example.given:
            if key in profile.judgements and not isinstance(profile.judgements[key], Given):
                self.say(("given", key), f"`{key}` follows from rules; nobody enters it, so write it under `expect`")
        for key in example.capped:
            self.known(("capped", key), key, profile.judgements, "judgement")
        for place, key in enumerate(example.waits):
            self.known(("waits", place), key, profile.judgements, "judgement")
        for place, key in enumerate(example.targets_failed or ()):
            self.known(("targets_failed", place), key, profile.targets, "key target")
        for place, key in enumerate(example.triggers or ()):
            self.known(("triggers", place), key, profile.triggers, "trigger")

    def facts(self) -> Facts:
        """The answers that are given and those that `others` stands for, as far as they are asked."""
        self.check_others()
        places = {"area": self.places("area"), "site": self.places("site")}
        values: dict[str, list[dict[str, Any]]] = {}
        for key, raw in self.example.answers.items():
            path: Path = ("answers", key)
            if key not in self.book.placed:
                message = f"`{self.template.agency_type}` has no criterion `{key}`"
                self.found.append(Problem(path, message, key, tuple(self.book.placed)))
                continue
            criterion = self.template.criterion(key)
            if criterion.scope and isinstance(raw, list):
                each = [self.value((*path, place), criterion, one) for place, one in enumerate(raw)]
            else:
                each = [self.value(path, criterion, raw)] * (places[criterion.scope] if criterion.scope else 1)
                if not each:
                    self.say(path, f"`{key}` is asked for each site, and this agency has none; remove it")
            values[key] = each
        shown = self.template.shown(self.example.subtype, _first(values))
        while more := self.others(shown.required - values.keys(), places):
            values |= more
            shown = self.template.shown(self.example.subtype, _first(values))
        asked = {criterion.id for criterion in shown.asked}
        grades, said = {}, {}
        for key, each in values.items():
            if key not in asked:
                if key in self.example.answers:
                    self.say(("answers", key), f"with these answers `{key}` is not asked of this agency; remove it")
                continue
            for number, value in enumerate(each, start=1):
                question = (key, str(number) if self.template.criterion(key).scope else "")
                if "grade" in value:
                    grades[question] = value["grade"]
                if key in self.book.facts_asked:
                    said[question] = value
        return Facts(grades, given=dict(self.example.given), said=said)

    def places(self, kind: str) -> int:
        """For how many areas or sites questions are answered: as many as the lists have entries."""
        lists = {
            key: len(raw)
            for key, raw in self.example.answers.items()
            if key in self.book.placed and self.template.criterion(key).scope == kind and isinstance(raw, list)
        }
        said = self.example.sites if kind == "site" else None
        first = next(iter(lists.values()), 1) if said is None else said
        for key, number in lists.items():
            if number != first or not number:
                other = "another answer has" if said is None else "`sites` says"
                message = f"this has {number} {kind}s, and {other} {first}; give as many for each"
                self.say(("answers", key), message if number else f"nothing is here; give one answer for each {kind}")
        return first

    def value(self, path: Path, criterion: Criterion, raw: Any) -> dict[str, Any]:
        """A stored value; empty, with a note, where there is something wrong with it."""
        asked, scheme = criterion.answer, self.book.schemes[criterion.id]
        handler = ANSWER_TYPES[asked.type]
        known = [grade.key for grade in scheme.grades]
        fields = raw
        if not isinstance(raw, Mapping):
            # a grade in place of a fact: as if one had been answered that comes to it
            if "grade" not in handler.own and raw in asked.comes_to and raw not in asked.choices_known():
                return {"grade": raw}
            if len(handler.own) != 1:
                names = ", ".join(f"`{name}`" for name in handler.own)
                mend = f"write a mapping with {names}" if names else "an example cannot have that, so remove it"
                self.say(path, f"`{criterion.id}` is answered with `{asked.type}`; {mend}")
                return {}
            fields = {handler.own[0]: raw}
        own = "grade" in handler.own
        given = fields.get("grade")
        at: Path = (*path, "grade") if isinstance(raw, Mapping) else path
        if not own and "grade" in fields:
            self.say(at, "the grade follows from the answer; remove it")
            return {}
        if own and isinstance(given, str) and not self.known(at, given, known, "grade"):
            return {}
        try:
            value = handler.clean(fields, criterion=criterion, scheme=scheme, today=None).value
        except AnswerErrors as wrong:
            for name, message in wrong.errors.items():
                where = (*path, name) if isinstance(raw, Mapping) else path
                # a name that is not known: of a field, or of a choice
                known_names = asked.choices_known() if name in handler.fields else handler.fields
                named = fields.get(name) if name in handler.fields else name
                suggests = isinstance(named, str) and bool(known_names)
                self.found.append(
                    Problem(where, _lower(str(message)), str(named) if suggests else "", tuple(known_names))
                )
            return {}
        for one in handler.missing(value, criterion, scheme):
            self.say(path, _lower(str(one.message)))
        return value

    def others(self, missing: Collection[str], places: Mapping[str, int]) -> dict[str, list[dict[str, Any]]]:
        """The values that `others` stands for, for criteria whose answers can come to that grade."""
        others = self.example.others
        found = {}
        for key in missing:
            criterion = self.template.criterion(key)
            scheme = criterion.grading or self.template.grading
            grade = others.get(scheme) if isinstance(others, dict) else others
            value = self.standing_for(criterion, grade) if grade else {}
            if value:
                found[key] = [value] * (places[criterion.scope] if criterion.scope else 1)
        return found

    def check_others(self) -> None:
        """Notes grades and schemes that `others` names and that the checklist does not have."""
        others = self.example.others
        schemes = {
            each.criterion.grading or self.template.grading: self.book.schemes[key]
            for key, each in self.book.placed.items()
        }
        if isinstance(others, dict):
            for key, grade in others.items():
                if self.known(("others", key), key, schemes, "grading scheme"):
                    self.known(("others", key), grade, [one.key for one in schemes[key].grades], "grade")
        elif others is not None:
            every = dict.fromkeys(one.key for scheme in schemes.values() for one in scheme.grades)
            self.known(("others",), others, every, "grade")

    def standing_for(self, criterion: Criterion, grade: str) -> dict[str, Any]:
        asked = criterion.answer
        if isinstance(asked, YesNo | ChoiceAsked):
            own = ANSWER_TYPES[asked.type].own[0]
            answers = ({own: choice, "grade": grade} for choice in asked.choices_known())
            return next((one for one in answers if asked.grade_of(one) == grade), {})
        able = asked.comes_to or (self.book.grades[criterion.id] if asked.is_graded else ())
        return {"grade": grade} if grade in able else {}


def _first(values: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Mapping[str, Any]]:
    """As conditions see them, which look at no question that is asked per area or per site."""
    return {key: each[0] if each else {} for key, each in values.items()}


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _otherwise(example: Example, book: Rulebook, outcome: Outcome) -> list[Problem]:
    """What comes out otherwise than an example says."""
    found: list[Problem] = []
    for key, grade in example.expect.items():
        judged = outcome.judgements[key]
        if judged.grade != grade:
            told = _came_out(book, key, judged, outcome)
            found.append(Problem(("expect", key), f"`{key}` {told}, expected `{grade}`"))
    for key, grade in example.uncapped.items():
        judged = outcome.judgements[key]
        if judged.uncapped != grade:
            came = f"comes out as `{judged.uncapped}`" if judged.uncapped else _came_out(book, key, judged, outcome)
            why = f" ({_rule(book, key, judged, outcome)})" if judged.uncapped else ""
            found.append(Problem(("uncapped", key), f"`{key}` {came}{why} without its caps, expected `{grade}`"))
    for key, is_capped in example.capped.items():
        judged = outcome.judgements[key]
        if bool(judged.bound) != is_capped:
            told = _came_out(book, key, judged, outcome)
            wanted = "a cap should have lowered it" if is_capped else "no cap should have lowered it"
            found.append(Problem(("capped", key), f"`{key}` {told}, but {wanted}"))
    for place, key in enumerate(example.waits):
        judged = outcome.judgements[key]
        if not judged.waits_for:
            message = f"`{key}` {_came_out(book, key, judged, outcome)}, and waits for nothing"
            found.append(Problem(("waits", place), message))
    failed = [key for key, state in outcome.targets.items() if state == FAILED]
    if example.targets_failed is not None and set(failed) != set(example.targets_failed):
        message = f"the key targets that are failed are {_listed(failed)}, expected {_listed(example.targets_failed)}"
        found.append(Problem(("targets_failed",), message))
    if example.triggers is not None and set(outcome.triggers) != set(example.triggers):
        message = f"what is called for is {_listed(outcome.triggers)}, expected {_listed(example.triggers)}"
        found.append(Problem(("triggers",), message))
    return found


def _came_out(book: Rulebook, key: str, judged: Judged, outcome: Outcome) -> str:
    """What a judgement came out as, and by which rule or cap."""
    if judged.waits_for:
        return f"comes to no grade, because `given` does not enter {_listed(_entered(book, judged.waits_for, outcome))}"
    why = [_rule(book, key, judged, outcome)]
    kind = book.profile.judgements[key]
    why += [f"cap: {localise(kind.caps[place].because)}" for place in judged.bound]
    return f"comes out as `{judged.grade}` ({'; '.join(one for one in why if one)})"


def _entered(book: Rulebook, waits_for: Sequence[str], outcome: Outcome) -> list[str]:
    """The judgements that nobody entered, at the end of what waits for them."""
    found: dict[str, None] = {}
    waiting = list(waits_for)
    while waiting:
        key = waiting.pop(0)
        further = [other for other in outcome.judgements[key].waits_for if other != key]
        waiting += further
        if isinstance(book.profile.judgements[key], Given) and not outcome.judgements[key].grade:
            found[key] = None
    return list(found)


def _rule(book: Rulebook, key: str, judged: Judged, outcome: Outcome) -> str:
    kind = book.profile.judgements[key]
    if judged.rule is not None:
        return f"rule: {localise(kind.steps[judged.rule].because)}"
    if kind.others:
        others = ", ".join(f"`{other}` `{outcome.judgements[other].grade}`" for other in kind.others)
        return f"the worst of {others}"
    return "entered"


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys) or "nothing"
