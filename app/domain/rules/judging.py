"""What the rules make of one return: each judgement with the rule that gave it, and the caps that held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from app.domain.integrity import hash_of
from app.domain.rules.book import Rulebook
from app.domain.rules.language import Book, Counted, Given, Told, Value, Variable, worst_of_each

Question = tuple[str, str]  # criterion and scope


@dataclass(frozen=True)
class Facts:
    """What is known of one return.

    `grades`: the grade of each answered question. `given`: judgements that inspectors entered. `decided`: what was
    decided in place of what the rules give; judgements that follow from one follow from what was decided. `said`: the
    stored values of the answers that are asked for more than their grade (`Rulebook.facts_asked`).
    """

    grades: Mapping[Question, str]
    given: Mapping[str, str] = field(default_factory=dict)
    decided: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[Question, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """SHA-256 over all of it."""
        answers = [[criterion, scope, grade] for (criterion, scope), grade in sorted(self.grades.items())]
        whole: dict[str, Any] = {"answers": answers, "given": dict(self.given), "decided": dict(self.decided)}
        if self.said:  # without any the hash is as it was before there were answers of other types than grades
            whole["said"] = [[criterion, scope, dict(value)] for (criterion, scope), value in sorted(self.said.items())]
        return hash_of(whole)


@dataclass(frozen=True)
class Judged:
    """One judgement. Places count from 0.

    `grade` is what the rules give with the caps, `uncapped` without; both "" while it waits for judgements that
    nobody has entered yet (`waits_for`, itself among them where it is one of those). `rule`: the rule that fired.
    `caps`: those that held; `bound`: those of them that made the grade what it is.
    """

    grade: str
    uncapped: str
    rule: int | None = None
    caps: tuple[int, ...] = ()
    bound: tuple[int, ...] = ()
    waits_for: tuple[str, ...] = ()

    def data(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "grade": self.grade, "uncapped": self.uncapped, "rule": self.rule, "caps": list(self.caps),
            "bound": list(self.bound), "waits_for": list(self.waits_for),
        }  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """All judgements of a return by key, and what they rest on.

    `targets`: `passed`, `failed` or `not_applicable`. `answers`: the grades of the criteria that the rules look at one
    by one; "" where there is no answer. `chosen`: what was chosen where the rules look at that. `triggers` are those
    that hold.
    """

    judgements: Mapping[str, Judged]
    indicators: Mapping[str, Value]
    targets: Mapping[str, str]
    answers: Mapping[str, str]
    chosen: Mapping[str, tuple[str, ...]]
    triggers: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """As JSON: a share is written as a fraction, such as `23/40`."""
        return {
            "judgements": {key: judged.data() for key, judged in self.judgements.items()},
            "indicators": {
                key: str(value) if isinstance(value, Fraction) else value for key, value in self.indicators.items()
            },
            "targets": dict(self.targets),
            "answers": dict(self.answers),
            **({"chosen": {key: list(chosen) for key, chosen in self.chosen.items()}} if self.chosen else {}),
            "triggers": list(self.triggers),
        }


class _Return:
    """One return as conditions see it. Judgements are added as they are made."""

    def __init__(self, book: Rulebook, facts: Facts) -> None:
        self.book: Book = book
        self._values: dict[Variable, Value] = {}
        answers: list[Counted] = []
        for (criterion, _scope), key in facts.grades.items():
            rank = book.grades.get(criterion, {}).get(key)
            if rank is not None:
                answers.append(Counted(criterion, book.schemes[criterion].grades[rank], rank))
        said = [
            Told(criterion, book.asked(criterion), value)
            for (criterion, _scope), value in facts.said.items()
            if criterion in book.placed
        ]
        for name, indicator in book.profile.indicators.items():
            criteria = book.selections[name]
            if indicator.by_facts:
                value = indicator.told([one for one in said if one.criterion in criteria])
            else:
                value = indicator.value([one for one in answers if one.criterion in criteria])
            self._values["indicator", name] = value
        self.chosen: dict[str, frozenset[str]] = {}
        for each in said:
            chosen = each.asked.chosen(each.value)
            self.chosen[each.criterion] = self.chosen.get(each.criterion, frozenset()).union(chosen)
        self.worst = {criterion: one.grade.key for criterion, one in worst_of_each(answers).items()}

    def value(self, variable: Variable) -> Value:
        kind, key = variable
        if kind == "chosen":
            return self.chosen.get(key, frozenset())
        return self.worst.get(key) if kind == "criterion" else self._values[variable]

    def add(self, judgement: str, grade: str) -> None:
        """A judgement that others may look at."""
        self._values["judgement", judgement] = grade or None


def judge(book: Rulebook, facts: Facts) -> Outcome:
    """Every judgement of a return. The same facts give the same outcome."""
    view = _Return(book, facts)
    found: dict[str, Judged] = {}
    standing: dict[str, str] = {}
    for key in book.order:
        judged = _judge_one(book, key, view, facts, standing)
        found[key] = judged
        standing[key] = facts.decided.get(key) or judged.grade
        view.add(key, standing[key])
    profile = book.profile
    return Outcome(
        judgements={key: found[key] for key in profile.judgements},
        indicators={key: view.value(("indicator", key)) for key in profile.indicators},
        targets={
            key: ("failed" if target.fails(view) else "passed") if target.applies(view) else "not_applicable"
            for key, target in profile.targets.items()
        },
        answers={key: view.worst.get(key, "") for key in book.criteria_asked},
        chosen={
            key: tuple(one for one in book.asked(key).choices_known() if one in view.chosen.get(key, ()))
            for key in book.choices_asked
        },
        triggers=tuple(key for key, trigger in profile.triggers.items() if trigger.when.holds(view)),
    )


def _judge_one(
    book: Rulebook, key: str, view: _Return, facts: Facts, standing: Mapping[str, str]
) -> Judged:
    judgement, ranks = book.profile.judgements[key], book.ranks(key)
    waits_for = [other for other in book.order if other in book.follows_from[key] and not standing[other]]
    entered = facts.given.get(key, "")
    if isinstance(judgement, Given) and entered not in ranks:
        waits_for.append(key)
    if waits_for:
        return Judged("", "", waits_for=tuple(waits_for))
    rule = None
    if isinstance(judgement, Given):
        uncapped = entered
    elif judgement.others:
        uncapped = max((standing[other] for other in judgement.others), key=ranks.__getitem__)
    else:
        # the check at load makes sure that one holds
        rule = next(
            place for place, step in enumerate(judgement.steps) if step.when is None or step.when.holds(view)
        )
        uncapped = judgement.steps[rule].grade
    held = tuple(place for place, cap in enumerate(judgement.caps) if cap.when.holds(view))
    grade = max((uncapped, *(judgement.caps[place].to for place in held)), key=ranks.__getitem__)
    bound = tuple(place for place in held if grade != uncapped and judgement.caps[place].to == grade)
    return Judged(grade, uncapped, rule, held, bound)
