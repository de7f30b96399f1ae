"""Which answers would lift a judgement: single ones that alone would, else a small set of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import Any

from app.domain.answers import ANSWER_TYPES
from app.domain.asking import Asked, ChoiceAsked, Measured, NumberAsked, Percentage, YesNo
from app.domain.parts import exact
from app.domain.rules.book import Rulebook
from app.domain.rules.judging import Facts, Outcome, Question, judge
from app.domain.rules.language import AnyIndicator, IndicatorIs, IndicatorTarget, walk

MOST_TRIED = 300  # combinations of facts, before the answers that help most are taken


@dataclass(frozen=True)
class Change:
    """A question, and what it would need in place of its own answer: a grade or, where the rules ask for what the
    answer says, a value with the grade that it comes to ("" for none)."""

    question: Question
    grade: str
    value: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Lifts:
    """`alone`: changes each of which lifts the judgement by itself. `together`: where none does, changes that lift it
    only all at once. Both empty: no answers would lift it."""

    alone: tuple[Change, ...] = ()
    together: tuple[Change, ...] = ()


def lifts(book: Rulebook, facts: Facts, judgement: str) -> Lifts:
    """What would lift a judgement. Deterministic: questions in the order of the checklist, scopes by key.

    Alone: for each answer the nearest better grade that does it. Together: the answers that help most are taken first
    until the judgement is lifted, then each that is not needed is let go again; none of those left can be spared.
    Facts that rules ask for are tried with other choices, and with the numbers at the limits of the rules.
    """
    ranks = book.ranks(judgement)

    def rank(changes: Iterable[Change]) -> int:
        judged = judge(book, _changed(facts, changes)).judgements[judgement]
        return ranks.get(judged.grade, len(ranks))

    start = rank(())
    if start in (0, len(ranks)):
        return Lifts()
    candidates = _candidates(book, facts, judgement)
    alone = []
    for changes in candidates.values():
        change = next((one for one in changes if rank([one]) < start), None)
        if change:
            alone.append(change)
    if alone:
        return Lifts(alone=tuple(alone))
    few = _few(candidates, lambda changes: rank(changes) < start)
    if few:
        return Lifts(together=few)
    # of grades the best; of facts, which have no order, the one that does most by itself
    best = {
        question: changes[-1] if changes[-1].value is None else min(changes, key=lambda one: rank([one]))
        for question, changes in candidates.items()
    }
    # stable: among equals the order of the checklist stays
    before = judge(book, facts)
    helps = {question: _help(book, facts, before, judgement, change) for question, change in best.items()}
    order = sorted(best, key=helps.__getitem__, reverse=True)
    taken: list[Change] = []
    for question in order:
        taken.append(best[question])
        if rank(taken) < start:
            break
    else:
        return Lifts()
    for change in reversed(taken[:]):
        without = [one for one in taken if one != change]
        if rank(without) < start:
            taken = without
    return Lifts(together=tuple(sorted(taken, key=lambda one: list(best).index(one.question))))


def _few(
    candidates: Mapping[Question, tuple[Change, ...]], does_it: Callable[[Iterable[Change]], bool]
) -> tuple[Change, ...]:
    """Two or three changes with facts among them that do it together; none where too many would have to be tried.

    Grades have an order, in which better ones never harm, so that taking the best finds a set; facts have none.
    """
    every = [
        one for changes in candidates.values() for one in (changes if changes[-1].value is not None else changes[-1:])
    ]
    tried = 0
    for size in (2, 3):
        for chosen in combinations(every, size):
            if len({one.question for one in chosen}) < size or all(one.value is None for one in chosen):
                continue
            tried += 1
            if tried > MOST_TRIED:
                return ()
            if does_it(chosen):
                return chosen
    return ()


def _changed(facts: Facts, changes: Iterable[Change]) -> Facts:
    """The facts with some changes."""
    grades, said = dict(facts.grades), dict(facts.said)
    for one in changes:
        grades.pop(one.question, None)
        if one.grade:
            grades[one.question] = one.grade
        if one.value is not None:
            said[one.question] = one.value
    return replace(facts, grades=grades, said=said)


def _candidates(book: Rulebook, facts: Facts, judgement: str) -> Mapping[Question, tuple[Change, ...]]:
    """The questions that a judgement rests on whose answers could be others, and which, nearest first."""
    places = {key: place for place, key in enumerate(book.placed)}
    looked_at = book.looked_at(judgement)
    asked = [question for question in {*facts.grades, *facts.said} if question[0] in looked_at]
    found = {}
    for question in sorted(asked, key=lambda one: (places[one[0]], one[1])):
        changes = tuple(_other_values(book, facts, judgement, question)) or _better(book, facts, question)
        if changes:
            found[question] = changes
    return found


def _better(book: Rulebook, facts: Facts, question: Question) -> tuple[Change, ...]:
    """Better grades of a question, nearest first."""
    criterion = question[0]
    scheme, rank = book.schemes[criterion], book.grades[criterion].get(facts.grades.get(question, ""))
    # an excluded grade says that the question does not arise: no better answer can be given
    if rank is None or scheme.grades[rank].counts_as == "excluded":
        return ()
    grades = [grade.key for grade in scheme.grades[:rank] if grade.counts_as != "excluded"]
    return tuple(Change(question, grade) for grade in reversed(grades))


def _other_values(book: Rulebook, facts: Facts, judgement: str, question: Question) -> Iterator[Change]:
    """Other values of a question of which rules ask what was answered."""
    criterion, _scope = question
    asked, value = book.asked(criterion), facts.said.get(question)
    if value is None:
        return
    if isinstance(asked, YesNo | ChoiceAsked):
        own = ANSWER_TYPES[asked.type].own[0]
        values: list[dict[str, Any]] = [
            {own: choice} for choice in asked.choices_known() if choice not in asked.chosen(value)
        ]
    else:
        values = list(_numbers(asked, value, _limits(book, facts, judgement, question)))
    for other in values:
        grade = asked.grade_of(other)
        yield Change(question, grade, {**other, "grade": grade} if grade else other)


def _limits(book: Rulebook, facts: Facts, judgement: str, question: Question) -> set[Fraction]:
    """The numbers on both sides of which rules, or bands, tell the answer to a question apart."""
    criterion, _scope = question
    asked = book.asked(criterion)
    found = {
        exact(limit)
        for band in (asked.bands if isinstance(asked, Measured) else ())
        for limit in (band.at_least, band.above, band.at_most, band.below)
        if limit is not None
    }
    tests: list[IndicatorIs | IndicatorTarget] = [
        part
        for key in {judgement, *_followed(book, judgement)}
        for condition in book.conditions_of(key)
        for _path, part in walk(condition)
        if isinstance(part, IndicatorIs)
    ]
    tests += [target for target in book.profile.targets.values() if isinstance(target, IndicatorTarget)]
    for one in tests:
        indicator = book.profile.indicators[one.indicator]
        if indicator.compares == "measure" and criterion in book.selections[one.indicator]:
            rest, share = _rest(book, facts, indicator, question)
            limits = [exact(limit) for limit in (one.at_least, one.below) if limit is not None]
            found |= {limit * share - rest for limit in limits}
    return found


def _followed(book: Rulebook, judgement: str) -> set[str]:
    """The judgements that one follows from, directly or not."""
    found: set[str] = set()
    waiting = [judgement]
    while waiting:
        for other in book.follows_from[waiting.pop()] - found:
            found.add(other)
            waiting.append(other)
    return found


def _rest(book: Rulebook, facts: Facts, indicator: AnyIndicator, question: Question) -> tuple[Fraction, int]:
    """What other answers add to an indicator, and among how many all of it is shared."""
    take = getattr(indicator, "take", None)
    if take not in ("total", "average"):
        return Fraction(0), 1
    criteria = book.criteria_of(indicator)
    others = [
        measure
        for other, value in facts.said.items()
        if other != question
        and other[0] in criteria
        and (measure := book.asked(other[0]).measure(value)) is not None
    ]
    return sum(others, Fraction(0)), len(others) + 1 if take == "average" else 1


def _numbers(asked: Asked, value: Mapping[str, Any], limits: set[Fraction]) -> Iterator[dict[str, Any]]:
    """Values of a number or a share on both sides of some limits, nearest to the given one first."""
    if isinstance(asked, NumberAsked):
        scale, name, first = Fraction(10**asked.decimals), "number", {}
        lowest, highest = asked.lowest, asked.highest
    elif isinstance(asked, Percentage) and value.get("denominator"):
        # in steps of one of those that are counted
        whole = value["denominator"]
        scale, name, first = Fraction(whole, 100), "numerator", {"denominator": whole}
        lowest, highest = Fraction(0), Fraction(100)
    else:
        return
    now = asked.measure(value) or Fraction(0)
    steps = {step for limit in limits for step in _around(limit * scale)}
    for step in sorted(steps, key=lambda one: (abs(one - now * scale), one)):
        number = step / scale
        if number != now and (lowest is None or number >= lowest) and (highest is None or number <= highest):
            yield {name: _decimal(number) if name == "number" else step, **first}


def _around(point: Fraction) -> tuple[int, ...]:
    """The whole numbers at a point and on both sides of it."""
    floor = point.numerator // point.denominator
    return (floor - 1, floor, floor + 1)


def _decimal(number: Fraction) -> str:
    """A number as answers store it."""
    return str(number.numerator) if number.denominator == 1 else f"{float(number):.6f}".rstrip("0")


def _help(book: Rulebook, facts: Facts, before: Outcome, judgement: str, change: Change) -> tuple[int, Fraction]:
    """How far a change alone moves what the judgement rests on: targets and caps it mends, then shares it moves."""
    after = judge(book, _changed(facts, [change]))
    mended = sum(after.targets[key] != state for key, state in before.targets.items() if state == "failed")
    mended += sum(len(judged.caps) - len(after.judgements[key].caps) for key, judged in before.judgements.items())
    moved = Fraction(0)
    for kind, key in book.rests_on(judgement):
        if kind == "indicator" and book.profile.indicators[key].compares != "measure":
            was, now = before.indicators[key], after.indicators[key]
            if isinstance(was, Fraction | int) and isinstance(now, Fraction | int):
                moved += abs(Fraction(now) - Fraction(was))
    return mended, moved
