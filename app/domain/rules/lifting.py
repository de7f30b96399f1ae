"""Which answers would lift a judgement: single ones that alone would, else a small set of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from app.domain.rules.book import Rulebook
from app.domain.rules.judging import Facts, Outcome, Question, judge


@dataclass(frozen=True)
class Change:
    """A question, and the grade that it would need in place of its own."""

    question: Question
    grade: str


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
    """
    ranks = book.ranks(judgement)

    def rank(changes: Iterable[Change]) -> int:
        changed = replace(facts, grades={**facts.grades, **{one.question: one.grade for one in changes}})
        judged = judge(book, changed).judgements[judgement]
        return ranks.get(judged.grade, len(ranks))

    start = rank(())
    if start in (0, len(ranks)):
        return Lifts()
    candidates = _better(book, facts, judgement)
    alone = []
    for question, grades in candidates.items():
        change = next((one for one in (Change(question, key) for key in grades) if rank([one]) < start), None)
        if change:
            alone.append(change)
    if alone:
        return Lifts(alone=tuple(alone))
    best = {question: Change(question, grades[-1]) for question, grades in candidates.items()}
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


def _better(book: Rulebook, facts: Facts, judgement: str) -> Mapping[Question, tuple[str, ...]]:
    """The questions that a judgement rests on whose answers could be better, and with which grades, nearest first."""
    places = {key: place for place, key in enumerate(book.placed)}
    looked_at = book.looked_at(judgement)
    found = {}
    for criterion, scope in sorted(
        (question for question in facts.grades if question[0] in looked_at), key=lambda one: (places[one[0]], one[1])
    ):
        scheme, rank = book.schemes[criterion], book.grades[criterion].get(facts.grades[criterion, scope])
        # an excluded grade says that the question does not arise: no better answer can be given
        if rank is None or scheme.grades[rank].counts_as == "excluded":
            continue
        grades = [grade.key for grade in scheme.grades[:rank] if grade.counts_as != "excluded"]
        if grades:
            found[criterion, scope] = tuple(reversed(grades))
    return found


def _help(book: Rulebook, facts: Facts, before: Outcome, judgement: str, change: Change) -> tuple[int, Fraction]:
    """How far a change alone moves what the judgement rests on: targets and caps it mends, then shares it moves."""
    after = judge(book, replace(facts, grades={**facts.grades, change.question: change.grade}))
    mended = sum(after.targets[key] != state for key, state in before.targets.items() if state == "failed")
    mended += sum(len(judged.caps) - len(after.judgements[key].caps) for key, judged in before.judgements.items())
    moved = Fraction(0)
    for kind, key in book.rests_on(judgement):
        if kind == "indicator":
            was, now = before.indicators[key], after.indicators[key]
            if isinstance(was, Fraction | int) and isinstance(now, Fraction | int):
                moved += abs(Fraction(now) - Fraction(was))
    return mended, moved
