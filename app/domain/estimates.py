"""What a random sample says about all returns: how often declarations were adjusted, and how sure one can be.

Only returns that chance drew count here; those chosen by risk would make the rate look worse than it is. Nothing is
approximated where it need not be:

- *Returns with any adjusted answer* are counted in a sample without replacement, so their number follows the
  hypergeometric distribution. The interval holds every number of such returns in the whole population under which what
  was found is not too unlikely: at most 2.5 per cent for as many or more, and for as few or fewer. It is computed with
  whole numbers and covers the truth at least 95 times in 100, whatever the truth is. When all were checked it has no
  width: the finite-population correction is in the distribution itself.
- *Answers adjusted* come in clusters (a return) and a cluster is a sample of its own where only some questions are
  drawn. The rate is a ratio estimate over clusters; its variance is Cochran's for two stages (Sampling Techniques,
  chapter 11), each with its finite-population correction. Its interval is Korn and Graubard's: what the variance is
  worth in answers drawn one by one goes into the exact binomial interval, which, unlike the rate plus and minus a
  margin, leans the right way where adjustments are rare. It covers the truth about 95 times in 100; with few returns
  and very unequal ones, nearer to 90. Where no answer was adjusted, or all were, a variance of nothing would claim too
  much: a bound on the chance of that takes its place.
- *Totals* over agency types weigh each type by its returns, not by how many of them were drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from math import comb, exp, lgamma, log, log1p, sqrt

CONFIDENCE = Fraction(95, 100)


@dataclass(frozen=True)
class Estimate:
    """A rate from 0 to 1 with its interval, from `checked` of `population`. None for an interval that nothing gives."""

    rate: Fraction
    low: Fraction | None
    high: Fraction | None
    found: int
    checked: int
    population: int


@dataclass(frozen=True)
class Cluster:
    """A return drawn at random: `size` answers in it, `checked` of them drawn and checked, `adjusted` of those."""

    size: int
    checked: int
    adjusted: int

    def __post_init__(self) -> None:
        if not 0 <= self.adjusted <= self.checked <= self.size or not self.checked:
            raise ValueError(f"no such cluster: {self}")


@dataclass(frozen=True)
class Stratum:
    """The returns of one agency type: `population` were submitted, `clusters` of them drawn at random and checked."""

    population: int
    clusters: tuple[Cluster, ...]

    def __post_init__(self) -> None:
        if len(self.clusters) > self.population:
            raise ValueError("more returns were checked than there are")

    @property
    def checked(self) -> int:
        """How many returns were checked."""
        return len(self.clusters)

    @property
    def adjusted(self) -> int:
        """In how many of them any answer was adjusted."""
        return sum(one.adjusted > 0 for one in self.clusters)


# --- returns with any adjusted answer --------------------------------------------------------------------------------


@cache
def bounds(found: int, checked: int, population: int, tail: Fraction) -> tuple[int, int]:
    """The least and the most there can be in the population when `found` of `checked` were, drawn without replacement.

    A number is ruled out where finding so many (or so few) has a chance of at most `tail` under it. Both chances move
    one way only as the number grows, so that a search by halves finds the ends.
    """
    if not 0 <= found <= checked <= population:
        raise ValueError("no such sample")
    ways = comb(population, checked)

    def chance(number: int, counts: Iterable[int]) -> Fraction:
        return Fraction(sum(comb(number, x) * comb(population - number, checked - x) for x in counts), ways)

    least, most = found, population - (checked - found)  # what was seen is certain
    low = _first(least, most, lambda number: chance(number, range(found, checked + 1)) > tail)
    high = _first(least, most, lambda number: chance(number, range(found + 1)) <= tail, otherwise=most + 1) - 1
    return low, high


def _first(start: int, end: int, holds: Callable[[int], bool], otherwise: int | None = None) -> int:
    """The first number from `start` to `end` for which something holds, and `otherwise` (or `end`) where none does."""
    after = end if otherwise is None else otherwise
    low, high = start, after
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def returns_rate(stratum: Stratum) -> Estimate | None:
    """The share of an agency type's returns with any adjusted answer among those drawn. None where none was checked."""
    found, checked, population = stratum.adjusted, stratum.checked, stratum.population
    if not checked:
        return None
    low, high = bounds(found, checked, population, (1 - CONFIDENCE) / 2)
    rate = Fraction(found, checked)
    # what was seen can be rarer in whole returns than its share says: the interval never leaves its estimate out
    return Estimate(
        rate, min(rate, Fraction(low, population)), max(rate, Fraction(high, population)), found, checked, population
    )


def returns_total(strata: Sequence[Stratum]) -> Estimate | None:
    """The share over all agency types, each weighed by its returns. None while one of them has none checked.

    The interval is that of a weighted sum; within each type its variance is taken at a rate moved a little towards one
    half (one more of each kind), so that a type without any finding does not claim to be sure. It never contradicts
    what was seen.
    """
    strata = [one for one in strata if one.population]
    if not strata or not all(one.checked for one in strata):
        return None
    if len(strata) == 1:
        return returns_rate(strata[0])
    population = sum(one.population for one in strata)
    rate = sum((Fraction(one.population * one.adjusted, one.checked) for one in strata), Fraction()) / population
    variance = 0.0
    for one in strata:
        moved = Fraction(one.adjusted + 1, one.checked + 2)
        left = 1 - Fraction(one.checked, one.population)
        variance += float((Fraction(one.population, population) ** 2) * left * moved * (1 - moved) / one.checked)
    found, checked = sum(one.adjusted for one in strata), sum(one.checked for one in strata)
    freedom = sum(one.checked - 1 for one in strata)
    seen = Fraction(found, population), 1 - Fraction(checked - found, population)
    low, high = _interval(rate, variance, max(1, freedom), *seen)
    return Estimate(rate, low, high, found, checked, population)


# --- answers ---------------------------------------------------------------------------------------------------------


def answers_rate(strata: Sequence[Stratum]) -> Estimate | None:
    """The share of answers adjusted, over one agency type or several. None while one of them has no return checked.

    `population` and `checked` of what comes back are answers: those checked, and those that all returns have by
    estimate. No interval where there is one return of a type alone, which cannot show how much returns differ.
    """
    return _answers_rate(tuple(one for one in strata if one.population))


@lru_cache(maxsize=256)  # the exact interval takes longer than the rest of the page, and checks come one by one
def _answers_rate(strata: tuple[Stratum, ...]) -> Estimate | None:
    if not strata or not all(one.checked for one in strata):
        return None
    # N/n: how many returns each that was checked stands for
    stands = [Fraction(one.population, one.checked) for one in strata]
    size = sum((w * sum(c.size for c in one.clusters) for w, one in zip(stands, strata, strict=True)), Fraction())
    total = sum(
        (
            w * sum((Fraction(c.size * c.adjusted, c.checked) for c in one.clusters), Fraction())
            for w, one in zip(stands, strata, strict=True)
        ),
        Fraction(),
    )
    rate = total / size
    found = sum(c.adjusted for one in strata for c in one.clusters)
    checked = sum(c.checked for one in strata for c in one.clusters)
    freedom = sum(one.checked - 1 for one in strata if one.checked < one.population)
    variance = sum((_spread(one, rate) for one in strata), Fraction()) / size**2
    alone = any(one.checked == 1 < one.population for one in strata)
    # one answer of a return cannot show how much its answers differ
    alone = alone or any(c.checked == 1 < c.size for one in strata for c in one.clusters)
    low: Fraction | None
    high: Fraction | None
    if _is_census(strata):
        low = high = rate
    elif rate in (0, 1):
        low, high = _without_spread(strata, rate)
    elif alone or not variance:
        low = high = None  # like returns by chance: that shows nothing about the others
    else:
        low, high = _worth(rate, float(variance), max(1, freedom), checked)
        # never beyond what was seen for certain
        low, high = max(min(rate, found / size), low), min(max(rate, 1 - (checked - found) / size), high)
    return Estimate(rate, low, high, found, checked, round(size))


def _worth(rate: Fraction, variance: float, freedom: int, checked: int) -> tuple[Fraction, Fraction]:
    """The exact binomial interval for as many answers as would give this variance if they had been drawn one by one.

    Never more than were checked. Few clusters know their own variance badly, so that Student's t takes its part off
    (Korn and Graubard, 1998).
    """
    share = float(rate)
    worth = share * (1 - share) / variance * (student(max(1, checked - 1)) / student(freedom)) ** 2
    number = min(worth, float(checked))
    found, tail = share * number, float(1 - CONFIDENCE) / 2
    low = _where(lambda x: beta(x, found, number - found + 1) >= tail)
    high = _where(lambda x: beta(x, found + 1, number - found) >= 1 - tail)
    return Fraction(min(share, low)), Fraction(max(share, high))


def _where(holds: Callable[[float], bool], low: float = 0.0, high: float = 1.0) -> float:
    """Where something that holds from some point on begins, to within rounding."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return (low + high) / 2


def beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, for x from 0 to 1 and positive a and b.

    By its continued fraction (NIST Digital Library of Mathematical Functions, 8.17.22), worked out forwards.
    """
    if not 0 < x < 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # the fraction is quick on the other side only
        return 1 - beta(1 - x, b, a)
    factor = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    before, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 10_000):
        for step in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                     -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):  # fmt: skip
            d, before = 1 / (1 + step * d), 1 + step / before
            value *= d * before
        if abs(d * before - 1) < 1e-13:
            break
    return factor * value


def _is_census(strata: Sequence[Stratum]) -> bool:
    return all(
        one.checked == one.population and all(c.checked == c.size for c in one.clusters) for one in strata
    )


def _spread(one: Stratum, rate: Fraction) -> Fraction:
    """Cochran's variance of a stratum's adjusted answers less what the rate expects, for two stages."""
    number, population = one.checked, one.population
    between = within = Fraction()
    if 1 < number < population:
        parts = [c.size * (Fraction(c.adjusted, c.checked) - rate) for c in one.clusters]
        # about their mean: with several agency types a type may be better or worse than all together
        mean = sum(parts, Fraction()) / number
        squares = sum(((part - mean) ** 2 for part in parts), Fraction()) / (number - 1)
        between = population**2 * (1 - Fraction(number, population)) * squares / number
    for c in one.clusters:
        if 1 < c.checked < c.size:
            share = Fraction(c.adjusted, c.checked)
            left = 1 - Fraction(c.checked, c.size)
            within += c.size**2 * left * share * (1 - share) / (c.checked - 1)
    return between + Fraction(population, number) * within


def _without_spread(strata: Sequence[Stratum], rate: Fraction) -> tuple[Fraction, Fraction]:
    """The bound where no checked answer was adjusted, or all were; each type has its part of the chance.

    Where returns were checked whole: at most so many returns can have any such answer (`bounds`), so at most about that
    share of answers. Where questions were drawn, each return counts as if one answer of it had been seen: with a share
    p of such answers, seeing none in n returns has a chance of at most (1 - p) to the power n, however they are spread.
    Where every return was checked, every answer seen counts.
    """
    tail = (1 - CONFIDENCE) / (2 * len(strata))
    possible = Fraction()
    for one in strata:
        if all(c.checked == c.size for c in one.clusters):
            _least, most = bounds(0, one.checked, one.population, tail)
            possible += most
        else:
            every = one.checked == one.population
            seen = sum(c.checked for c in one.clusters) if every else one.checked
            possible += one.population * (1 - Fraction(float(tail) ** (1 / seen)))
    share = possible / sum(one.population for one in strata)
    return (Fraction(), share) if rate == 0 else (1 - share, Fraction(1))


def _interval(
    rate: Fraction, variance: float, freedom: int, least: Fraction, most: Fraction
) -> tuple[Fraction, Fraction]:
    """The rate, its standard error times Student's t to both sides, within what is certain from what was seen."""
    if not variance:
        return rate, rate
    reach = Fraction(student(freedom) * sqrt(variance))
    return max(min(rate, least), rate - reach), min(max(rate, most), rate + reach)


@cache
def student(freedom: int) -> float:
    """The number of standard errors on each side for 95 per cent, with so many degrees of freedom (from 1).

    Beyond t and -t lies a chance of I(freedom / (freedom + t squared); freedom / 2, 1 / 2).
    """
    beyond = float(1 - CONFIDENCE)
    return _where(lambda t: beta(freedom / (freedom + t * t), freedom / 2, 0.5) <= beyond, 1.9, 13.0)


# --- two inspectors --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Agreement:
    """How often two inspectors gave the same grade. `kappa` takes away what chance alone would give.

    None where chance alone would agree always: both gave one and the same grade throughout.
    """

    pairs: int
    agreed: int
    kappa: Fraction | None

    @property
    def share(self) -> Fraction:
        """The share of answers with the same grade."""
        return Fraction(self.agreed, self.pairs)


def agreement(pairs: Iterable[tuple[str, str]]) -> Agreement | None:
    """Agreement over (first inspector's grade, second's) of the same answers. None without any.

    Cohen's kappa: (observed - expected) / (1 - expected), where expected is what two inspectors with these habits would
    agree on by chance. 1 is perfect, 0 no better than chance, below 0 worse.
    """
    given = list(pairs)
    if not given:
        return None
    number, agreed = len(given), sum(one == other for one, other in given)
    grades = {grade for pair in given for grade in pair}
    expected = sum(
        (
            Fraction(sum(one == grade for one, _ in given) * sum(other == grade for _, other in given), number**2)
            for grade in grades
        ),
        Fraction(),
    )
    observed = Fraction(agreed, number)
    return Agreement(number, agreed, (observed - expected) / (1 - expected) if expected < 1 else None)
