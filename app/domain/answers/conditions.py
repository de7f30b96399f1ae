"""What a condition looks at, in words."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from app.domain.answers.base import Words
from app.domain.answers.facts import YES_NO_WORDS
from app.domain.asking import ChoiceAsked, ChoicesAsked
from app.domain.message import N_, Message
from app.domain.templates import Condition, Criterion, GradingScheme


def listed(words: Iterable[Words]) -> Message:
    """Several words with commas between, as one message."""
    params = {f"word{place}": one for place, one in enumerate(words)}
    return Message(", ".join(f"%({name})s" for name in params), params)


def condition_words(condition: Condition, looked_at: Criterion, scheme: GradingScheme) -> Message:
    """The answers for which a condition holds: labels of grades and choices, limits of numbers."""
    found: list[Words] = [grade.label for grade in scheme.grades if grade.key in (condition.grades or ())]
    wanted = condition.answers or ()
    asked = looked_at.answer
    if isinstance(asked, ChoiceAsked | ChoicesAsked):
        found += [choice.label for choice in asked.choices if choice.key in wanted]
    else:
        found += [Message(YES_NO_WORDS[key]) for key in asked.choices_known() if key in wanted]
    if condition.at_least is not None:
        found.append(Message(N_("%(number)s or more"), {"number": _limit(condition.at_least)}))
    if condition.below is not None:
        found.append(Message(N_("less than %(number)s"), {"number": _limit(condition.below)}))
    return listed(found)


def _limit(number: float) -> int | str:
    exact = Fraction(str(number))
    return exact.numerator if exact.denominator == 1 else str(number)
