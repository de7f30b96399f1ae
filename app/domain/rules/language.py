"""The content of `judgements.yaml`: scales, indicators, key targets, judgements, caps and triggers.

A new kind of indicator, condition or judgement is one class here and one entry in its union. A condition is told by the
key that stands in it (`indicator`, `criterion`, `all`, …), a judgement by `rules`, `worst_of` or `given`.

An indicator looks at the grades of answers (`Counted`) or at what they say (`Told`). A condition holds or does not in a
`View`: what is known of one return, or one of the finitely many cases that the check goes through. `tests` names what a
condition asks of single variables, so that the check knows which values need telling apart.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Protocol, Self

from pydantic import ConfigDict, Discriminator, Field, Tag

from app.domain.asking import Asked, Measured, Number
from app.domain.parts import Colour, Flag, Key, Keyed, Part, WholeNumber
from app.domain.templates import Grade, Pack
from app.domain.text import Text

# what a condition looks at: ("indicator" | "criterion" | "chosen" | "judgement", key)
Variable = tuple[str, str]
# a share is a Fraction from 0 to 1, a measure any Fraction, a count a whole number, a grade its key, what was chosen
# a set of keys; None: nothing to go by
Value = Fraction | int | str | frozenset[str] | None
Path = tuple[str | int, ...]
Weight = Annotated[float, Field(strict=True, gt=0, le=1_000_000)]


@cache
def exact(number: float) -> Fraction:
    """A number as its author wrote it: the float 0.9 is a little more than nine tenths."""
    return Fraction(str(number))


class Counted(NamedTuple):
    """One answer of a return: its criterion, the grade chosen and the grade's place in its scheme, 0 the best."""

    criterion: str
    grade: Grade
    rank: int


class Told(NamedTuple):
    """What one answer of a return says: its criterion, how that is answered, and the stored value."""

    criterion: str
    asked: Asked
    value: Mapping[str, Any]


class Book(Protocol):
    """The rules of one agency type, as conditions ask them."""

    profile: Profile

    def ranks(self, judgement: str) -> Mapping[str, int]:
        """The grades of a judgement's scale with their places, 0 the best."""

    def counts(self, criterion: str, grade: str) -> bool:
        """Whether a grade of a criterion counts as met or not met."""


class View(Protocol):
    """What conditions are asked about."""

    book: Book

    def value(self, variable: Variable) -> Value:
        """The value of an indicator, the grade of an answer, what was chosen, or the grade of a judgement."""


class Test(NamedTuple):
    """What a condition asks of one variable, with the limits and the choices that it compares it with."""

    variable: Variable
    holds: Callable[[Value], bool]
    limits: tuple[Fraction, ...] = ()
    choices: frozenset[str] = frozenset()


# --- scales ----------------------------------------------------------------------------------------------------------


class ScaleGrade(Part):
    """One step of a scale."""

    key: Key
    label: Text
    meaning: Text
    colour: Colour


class Scale(Part):
    """An ordered scale of judgement, best first."""

    title: Text
    grades: Annotated[tuple[ScaleGrade, ...], Field(min_length=2)]

    @property
    def ranks(self) -> dict[str, int]:
        """Each grade's key with its place, 0 the best."""
        return {grade.key: place for place, grade in enumerate(self.grades)}

    def grade(self, key: str) -> ScaleGrade:
        """The grade with this key. KeyError when there is none."""
        return self.grades[self.ranks[key]]


# --- indicators ------------------------------------------------------------------------------------------------------


class Selection(Part):
    """Criteria by standard, theme and id, put together. Optional standards only where they are named."""

    standards: tuple[Key, ...] = ()
    themes: tuple[Key, ...] = ()
    criteria: tuple[Key, ...] = ()


class Indicator(Part):
    """A number or a grade from some answers of a return. Without `of`: from all but those of optional standards."""

    kind: str
    title: Text
    of: Selection | None = None

    # what a condition may compare it with
    compares: ClassVar[Literal["share", "count", "measure", "grade"]]
    by_facts: ClassVar[bool] = False  # by what answers say, and not by their grades

    def suits(self, asked: Asked) -> bool:
        """Whether it can look at answers of this type."""
        return asked.is_graded

    def value(self, answers: Sequence[Counted]) -> Value:
        """Its value for the grades of the answers to its criteria. None where no answer counts, or none has a grade."""
        return None

    def told(self, answers: Sequence[Told]) -> Value:
        """Its value for what the answers to its criteria say (`by_facts`). None where there is nothing to go by."""
        return None


class Share(Indicator):
    """A share of the answers that count as met or not met, each with the weight of its criterion (1 unless given)."""

    weights: dict[Key, Weight] = {}
    compares = "share"

    @abstractmethod
    def includes(self, grade: Grade) -> bool:
        """Whether an answer with this grade is in the share."""

    def value(self, answers: Sequence[Counted]) -> Value:
        counted = [answer for answer in answers if answer.grade.counts_as != "excluded"]
        part: Fraction | int = 0
        whole: Fraction | int = 0
        for answer in counted:
            weight: Fraction | int = exact(self.weights.get(answer.criterion, 1))
            if weight.denominator == 1:
                weight = weight.numerator  # whole numbers add up far faster
            whole += weight
            part += weight if self.includes(answer.grade) else 0
        return Fraction(part) / whole if whole else None


class ShareMet(Share):
    """The share of answers that count as met."""

    kind: Literal["share_met"]

    def includes(self, grade: Grade) -> bool:
        return grade.counts_as == "met"


class ShareOfGrades(Share):
    """The share of answers with one of some grades, such as those that are shown apart."""

    kind: Literal["share_of_grades"]
    grades: Annotated[tuple[Key, ...], Field(min_length=1)]

    def includes(self, grade: Grade) -> bool:
        return grade.key in self.grades


def worst_of_each(answers: Sequence[Counted]) -> dict[str, Counted]:
    """Criterion to its worst answer, where it is asked per area or per site."""
    worst: dict[str, Counted] = {}
    for one in answers:
        # an excluded answer about one area says nothing about the others
        order = (one.grade.counts_as != "excluded", one.rank)
        known = worst.get(one.criterion)
        if known is None or order > (known.grade.counts_as != "excluded", known.rank):
            worst[one.criterion] = one
    return worst


class CountOfGrades(Indicator):
    """How many answers have one of some grades; with `each: criterion`, of how many criteria the worst answer has."""

    kind: Literal["count_of_grades"]
    grades: Annotated[tuple[Key, ...], Field(min_length=1)]
    each: Literal["answer", "criterion"] = "answer"
    compares = "count"

    def value(self, answers: Sequence[Counted]) -> Value:
        counted = worst_of_each(answers).values() if self.each == "criterion" else answers
        return sum(answer.grade.key in self.grades for answer in counted)


class WorstGrade(Indicator):
    """The worst grade of the answers that count as met or not met. All their criteria have one grading scheme."""

    kind: Literal["worst_grade"]
    compares = "grade"

    def value(self, answers: Sequence[Counted]) -> Value:
        counted = [answer for answer in answers if answer.grade.counts_as != "excluded"]
        return max(counted, key=lambda answer: answer.rank).grade.key if counted else None


TAKEN: dict[str, Callable[[Sequence[Fraction]], Fraction]] = {
    "lowest": min,
    "highest": max,
    "total": lambda numbers: sum(numbers, Fraction(0)),
    "average": lambda numbers: sum(numbers, Fraction(0)) / len(numbers),
}


class MeasureOf(Indicator):
    """The number that answers come to. Where there may be several, `take` says which: those of several criteria, or of
    one that is asked per area or per site."""

    kind: Literal["measure"]
    of: Selection
    take: Literal["lowest", "highest", "total", "average"] | None = None
    compares = "measure"
    by_facts = True

    def suits(self, asked: Asked) -> bool:
        return isinstance(asked, Measured)

    def told(self, answers: Sequence[Told]) -> Value:
        found = [number for each in answers if (number := each.asked.measure(each.value)) is not None]
        return TAKEN[self.take or "lowest"](found) if found else None


class CountOfAnswers(Indicator):
    """How many answers chose one of some choices, such as `no`."""

    kind: Literal["count_of_answers"]
    answers: Annotated[tuple[Key, ...], Field(min_length=1)]
    compares = "count"
    by_facts = True

    def suits(self, asked: Asked) -> bool:
        return bool(asked.choices_known())

    def told(self, answers: Sequence[Told]) -> Value:
        return sum(not set(self.answers).isdisjoint(each.asked.chosen(each.value)) for each in answers)


AnyIndicator = Annotated[
    ShareMet | ShareOfGrades | CountOfGrades | WorstGrade | MeasureOf | CountOfAnswers, Field(discriminator="kind")
]


# --- conditions ------------------------------------------------------------------------------------------------------


class Condition(Part):
    """Holds or does not."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @abstractmethod
    def holds(self, view: View) -> bool:
        """Whether it holds."""

    def parts(self) -> Iterator[tuple[Path, Condition]]:
        """The conditions that it is made of, with the path to each."""
        return iter(())

    def tests(self, book: Book) -> Iterator[Test]:
        """What it asks of single variables, its parts' questions included."""
        for _path, part in self.parts():
            yield from part.tests(book)


class _Single(Condition):
    """A condition about one variable."""

    def holds(self, view: View) -> bool:
        return all(test.holds(view.value(test.variable)) for test in self.tests(view.book))


class IndicatorIs(_Single):
    """An indicator is at least a limit, below one, or (a worst grade) one of some grades. Never without a value."""

    indicator: Key
    at_least: Number | None = None
    below: Number | None = None
    grades: tuple[Key, ...] | None = Field(default=None, alias="is")

    def tests(self, book: Book) -> Iterator[Test]:
        limits = tuple(exact(limit) for limit in (self.at_least, self.below) if limit is not None)
        yield Test(("indicator", self.indicator), self._within, limits)

    def _within(self, value: Value) -> bool:
        if isinstance(value, str):
            return value in (self.grades or ())
        if not isinstance(value, Fraction | int):
            return False
        return (self.at_least is None or value >= exact(self.at_least)) and (
            self.below is None or value < exact(self.below)
        )


class Unknown(_Single):
    """An indicator has no value: no answer counts for it."""

    unknown: Key

    def tests(self, book: Book) -> Iterator[Test]:
        yield Test(("indicator", self.unknown), lambda value: value is None)


class AnswerIs(_Single):
    """The answer to a criterion has one of some grades, or one of some choices; with both, both.

    Asked per area or per site, its worst grade speaks, and whatever was chosen for any of them.
    """

    criterion: Key
    grades: Annotated[tuple[Key, ...], Field(min_length=1)] | None = None
    answers: Annotated[tuple[Key, ...], Field(min_length=1)] | None = None

    def tests(self, book: Book) -> Iterator[Test]:
        if self.grades is not None:
            yield Test(("criterion", self.criterion), self._has_grade)
        if self.answers is not None:
            yield Test(("chosen", self.criterion), self._has_choice, choices=frozenset(self.answers))

    def _has_grade(self, value: Value) -> bool:
        return value in (self.grades or ())

    def _has_choice(self, value: Value) -> bool:
        return isinstance(value, frozenset) and not value.isdisjoint(self.answers or ())


class TargetIs(Condition):
    """A key target is failed, or (`failed: false`) is not."""

    target: Key
    failed: Flag

    def holds(self, view: View) -> bool:
        return view.book.profile.targets[self.target].fails(view) == self.failed

    def tests(self, book: Book) -> Iterator[Test]:
        yield from book.profile.targets[self.target].tests(book)


class TargetsFailed(Condition):
    """At least so many of the key targets are failed."""

    targets_failed: WholeNumber

    def holds(self, view: View) -> bool:
        return sum(target.fails(view) for target in view.book.profile.targets.values()) >= self.targets_failed

    def tests(self, book: Book) -> Iterator[Test]:
        for target in book.profile.targets.values():
            yield from target.tests(book)


class JudgementIs(_Single):
    """Another judgement is one of some grades, is at least as good as one, or at most."""

    judgement: Key
    grades: tuple[Key, ...] | None = Field(default=None, alias="is")
    at_least: Key | None = None
    at_most: Key | None = None

    def tests(self, book: Book) -> Iterator[Test]:
        ranks = book.ranks(self.judgement)
        best = ranks[self.at_most] if self.at_most else 0
        worst = ranks[self.at_least] if self.at_least else len(ranks)
        among = {
            grade
            for grade, rank in ranks.items()
            if best <= rank <= worst and (self.grades is None or grade in self.grades)
        }
        yield Test(("judgement", self.judgement), lambda value: value in among)


class All(Condition):
    """All of some conditions hold."""

    conditions: Annotated[tuple[AnyCondition, ...], Field(min_length=2, alias="all")]

    def holds(self, view: View) -> bool:
        return all(part.holds(view) for part in self.conditions)

    def parts(self) -> Iterator[tuple[Path, Condition]]:
        return ((("all", place), part) for place, part in enumerate(self.conditions))


class Any_(Condition):
    """Any of some conditions holds."""

    conditions: Annotated[tuple[AnyCondition, ...], Field(min_length=2, alias="any")]

    def holds(self, view: View) -> bool:
        return any(part.holds(view) for part in self.conditions)

    def parts(self) -> Iterator[tuple[Path, Condition]]:
        return ((("any", place), part) for place, part in enumerate(self.conditions))


class Not(Condition):
    """A condition does not hold."""

    condition: AnyCondition = Field(alias="not")

    def holds(self, view: View) -> bool:
        return not self.condition.holds(view)

    def parts(self) -> Iterator[tuple[Path, Condition]]:
        return iter([(("not",), self.condition)])


class Several(Condition):
    """At least so many of some conditions hold, such as three red indicators."""

    at_least: WholeNumber
    conditions: Annotated[tuple[AnyCondition, ...], Field(min_length=2, alias="of")]

    def holds(self, view: View) -> bool:
        return sum(part.holds(view) for part in self.conditions) >= self.at_least

    def parts(self) -> Iterator[tuple[Path, Condition]]:
        return ((("of", place), part) for place, part in enumerate(self.conditions))


# the key that tells a condition, and its class
CONDITIONS: dict[str, type[Condition]] = {
    "all": All, "any": Any_, "not": Not, "of": Several, "unknown": Unknown, "targets_failed": TargetsFailed,
    "target": TargetIs, "criterion": AnswerIs, "judgement": JudgementIs, "indicator": IndicatorIs,
}  # fmt: skip


def _told_by(kinds: Mapping[str, type[Part]]) -> Callable[[Any], str | None]:
    def kind(value: Any) -> str | None:
        if isinstance(value, Part):
            return next(f"<{key}>" for key, known in kinds.items() if type(value) is known)
        return next((f"<{key}>" for key in kinds if isinstance(value, Mapping) and key in value), None)

    return kind


AnyCondition = Annotated[
    Annotated[All, Tag("<all>")]
    | Annotated[Any_, Tag("<any>")]
    | Annotated[Not, Tag("<not>")]
    | Annotated[Several, Tag("<of>")]
    | Annotated[Unknown, Tag("<unknown>")]
    | Annotated[TargetsFailed, Tag("<targets_failed>")]
    | Annotated[TargetIs, Tag("<target>")]
    | Annotated[AnswerIs, Tag("<criterion>")]
    | Annotated[JudgementIs, Tag("<judgement>")]
    | Annotated[IndicatorIs, Tag("<indicator>")],
    Discriminator(
        _told_by(CONDITIONS),
        custom_error_type="no_condition",
        custom_error_message="not a condition; give one of " + ", ".join(f"`{key}`" for key in CONDITIONS),
    ),
]


# --- key targets -----------------------------------------------------------------------------------------------------


class Target(Part):
    """Passed or failed: by the grades of some criteria, or by an indicator's limit.

    An answer that is excluded or not asked fails nothing, nor does an indicator without a value.
    """

    title: Text

    def fails(self, view: View) -> bool:
        """Whether it is failed."""
        return any(test.holds(view.value(test.variable)) for test in self.tests(view.book))

    @abstractmethod
    def applies(self, view: View) -> bool:
        """Whether there is anything to go by."""

    @abstractmethod
    def tests(self, book: Book) -> Iterator[Test]:
        """What would fail it."""


class AnswersTarget(Target):
    """Failed where the answer to any of its criteria counts and is none of the grades that pass."""

    criteria: Annotated[tuple[Key, ...], Field(min_length=1)]
    passes: Annotated[tuple[Key, ...], Field(min_length=1)]

    def applies(self, view: View) -> bool:
        values = ((key, view.value(("criterion", key))) for key in self.criteria)
        return any(isinstance(value, str) and view.book.counts(key, value) for key, value in values)

    def tests(self, book: Book) -> Iterator[Test]:
        for criterion in self.criteria:
            yield Test(("criterion", criterion), self._fails(book, criterion))

    def _fails(self, book: Book, criterion: str) -> Callable[[Value], bool]:
        return lambda value: (
            isinstance(value, str) and value not in self.passes and book.counts(criterion, value)
        )


class IndicatorTarget(Target):
    """Failed where an indicator is not at least, or not below, a limit."""

    indicator: Key
    at_least: Number | None = None
    below: Number | None = None

    def applies(self, view: View) -> bool:
        return view.value(("indicator", self.indicator)) is not None

    def tests(self, book: Book) -> Iterator[Test]:
        limits = tuple(exact(limit) for limit in (self.at_least, self.below) if limit is not None)
        yield Test(("indicator", self.indicator), self._missed, limits)

    def _missed(self, value: Value) -> bool:
        if not isinstance(value, Fraction | int):
            return False
        return (self.at_least is not None and value < exact(self.at_least)) or (
            self.below is not None and value >= exact(self.below)
        )


TARGETS: dict[str, type[Target]] = {"criteria": AnswersTarget, "indicator": IndicatorTarget}
AnyTarget = Annotated[
    Annotated[AnswersTarget, Tag("<criteria>")] | Annotated[IndicatorTarget, Tag("<indicator>")],
    Discriminator(
        _told_by(TARGETS),
        custom_error_type="no_target",
        custom_error_message="a key target looks at `criteria` or at an `indicator`; give one of them",
    ),
]


# --- judgements ------------------------------------------------------------------------------------------------------


class Rule(Part):
    """Gives a grade when its condition holds, or always where it has none. `because` says so in words."""

    grade: Key
    when: AnyCondition | None = None
    because: Text


class Cap(Part):
    """Limits a judgement to a grade, or worse, when its condition holds."""

    to: Key
    when: AnyCondition
    because: Text


class Judgement(Part):
    """One judgement of a return on a scale; caps may limit it."""

    title: Text
    scale: Key
    note: Text | None = None
    caps: tuple[Cap, ...] = ()

    def looks_at(self) -> frozenset[str]:
        """The judgements that this one follows from."""
        conditions = [cap.when for cap in self.caps] + [rule.when for rule in self.steps if rule.when]
        return frozenset(judgements_in(conditions)) | frozenset(self.others)

    @property
    def steps(self) -> tuple[Rule, ...]:
        """Its rules; none where it has another way."""
        return ()

    @property
    def others(self) -> tuple[str, ...]:
        """The judgements of which it takes the worst; none where it has another way."""
        return ()

    @property
    def left_to_people(self) -> tuple[str, ...]:
        """The grades that only an override gives."""
        return ()


class ByRules(Judgement):
    """The first rule that holds, from the top, gives the grade.

    `by_override` are grades of the scale that no rule and no cap gives, because inspectors alone decide on them.
    """

    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    by_override: tuple[Key, ...] = ()

    @property
    def left_to_people(self) -> tuple[str, ...]:
        return self.by_override

    @property
    def steps(self) -> tuple[Rule, ...]:
        return self.rules


class WorstOf(Judgement):
    """The worst of some other judgements on the same scale."""

    worst_of: Annotated[tuple[Key, ...], Field(min_length=2)]

    @property
    def others(self) -> tuple[str, ...]:
        return self.worst_of


class Given(Judgement):
    """An inspector enters it: the answers cannot tell."""

    given: Literal[True]


JUDGEMENTS: dict[str, type[Judgement]] = {"rules": ByRules, "worst_of": WorstOf, "given": Given}
AnyJudgement = Annotated[
    Annotated[ByRules, Tag("<rules>")]
    | Annotated[WorstOf, Tag("<worst_of>")]
    | Annotated[Given, Tag("<given>")],
    Discriminator(
        _told_by(JUDGEMENTS),
        custom_error_type="no_judgement",
        custom_error_message="a judgement needs `rules`, `worst_of` or `given: true`; give one of them",
    ),
]


class Trigger(Part):
    """What is called for when a condition holds, such as an inspection. It changes no judgement."""

    calls_for: Text
    when: AnyCondition
    because: Text


class Profile(Part):
    """The indicators, key targets, judgements and triggers of some agency types; there is a judgement or a trigger."""

    agency_types: Annotated[tuple[Key, ...], Field(min_length=1)]
    indicators: Keyed[AnyIndicator] = {}
    targets: Keyed[AnyTarget] = {}
    judgements: Keyed[AnyJudgement] = {}
    triggers: Keyed[Trigger] = {}

    def conditions(self) -> Iterator[tuple[Path, Condition]]:
        """Every condition from which others are made, with the path to it."""
        for key, judgement in self.judgements.items():
            for place, rule in enumerate(judgement.steps):
                if rule.when:
                    yield ("judgements", key, "rules", place, "when"), rule.when
            for place, cap in enumerate(judgement.caps):
                yield ("judgements", key, "caps", place, "when"), cap.when
        for key, trigger in self.triggers.items():
            yield ("triggers", key, "when"), trigger.when


class Judgements(Part):
    """The content of `judgements.yaml`."""

    format: Literal[1]
    scales: Keyed[Scale] = {}
    profiles: Annotated[tuple[Profile, ...], Field(min_length=1)]

    @classmethod
    def of(cls, pack: Pack) -> Self | None:
        """The rules of a pack; None where it has none. pydantic.ValidationError when they are of another shape."""
        return cls.model_validate(pack.judgements) if pack.judgements else None


def walk(condition: Condition, path: Path = ()) -> Iterator[tuple[Path, Condition]]:
    """A condition and all that it is made of, parts first, each with the path to it."""
    for step, part in condition.parts():
        yield from walk(part, path + step)
    yield path, condition


def judgements_in(conditions: Sequence[Condition]) -> Iterator[str]:
    """The judgements that some conditions look at."""
    for condition in conditions:
        for _path, part in walk(condition):
            if isinstance(part, JudgementIs):
                yield part.judgement


for _model in (All, Any_, Not, Several, Rule, Cap, ByRules, WorstOf, Given, Trigger, Profile, Judgements):
    _model.model_rebuild()
