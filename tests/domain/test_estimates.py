"""Estimates from the random stratum: checked on whole small populations, where the truth is known."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product
from math import comb
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.domain.estimates import (
    Cluster,
    Stratum,
    agreement,
    answers_rate,
    beta,
    bounds,
    returns_rate,
    returns_total,
    student,
)

TAIL = Fraction(25, 1000)


@st.composite
def strata(draw: st.DrawFn) -> Stratum:
    clusters = []
    for _ in range(draw(st.integers(1, 8))):
        size = draw(st.integers(1, 12))
        checked = draw(st.integers(1, size))
        clusters.append(Cluster(size, checked, draw(st.integers(0, checked))))
    return Stratum(len(clusters) + draw(st.integers(0, 30)), tuple(clusters))


def census(adjusted: list[tuple[int, int]]) -> Stratum:
    return Stratum(len(adjusted), tuple(Cluster(size, size, number) for size, number in adjusted))


# --- returns ---------------------------------------------------------------------------------------------------------


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n), st.integers(0, n))))
def test_bounds_hold_what_was_seen_and_grow_with_it(case: tuple[int, int, int]) -> None:
    population, checked, found = case
    assume(found <= checked)
    low, high = bounds(found, checked, population, TAIL)
    assert found <= low <= high <= population - (checked - found)
    if found < checked:
        more = bounds(found + 1, checked, population, TAIL)
        assert low <= more[0] and high <= more[1]
    if checked == population:
        assert low == high == found
    # the mirror image: what was not found
    other = bounds(checked - found, checked, population, TAIL)
    assert (low, high) == (population - other[1], population - other[0])


@pytest.mark.parametrize(("population", "checked"), [(10, 1), (10, 4), (10, 9), (25, 7), (40, 12)])
def test_the_interval_covers_every_truth_at_least_95_times_in_100(population: int, checked: int) -> None:
    """Exactly: for each true number, the chance of all samples whose interval holds it."""
    for truth in range(population + 1):
        covered = Fraction()
        for found in range(max(0, checked - (population - truth)), min(checked, truth) + 1):
            low, high = bounds(found, checked, population, TAIL)
            if low <= truth <= high:
                ways = comb(truth, found) * comb(population - truth, checked - found)
                covered += Fraction(ways, comb(population, checked))
        assert covered >= Fraction(95, 100), (truth, float(covered))


def test_known_bounds() -> None:
    # computed apart by adding up the distribution: 12 of 60 checked, 5 of them found
    low, high = bounds(5, 12, 60, TAIL)

    def at_least(number: int) -> Fraction:
        ways = sum(comb(number, x) * comb(60 - number, 12 - x) for x in range(5, 13))
        return Fraction(ways, comb(60, 12))

    def at_most(number: int) -> Fraction:
        return Fraction(sum(comb(number, x) * comb(60 - number, 12 - x) for x in range(6)), comb(60, 12))

    assert at_least(low) > TAIL >= at_least(low - 1)
    assert at_most(high) > TAIL >= at_most(high + 1)


@given(strata())
def test_the_rate_of_returns_lies_in_its_interval(one: Stratum) -> None:
    found = returns_rate(one)
    assert found and found.low is not None and found.high is not None
    assert 0 <= found.low <= found.rate <= found.high <= 1
    assert found.rate == Fraction(one.adjusted, one.checked)
    if one.checked == one.population:
        assert found.low == found.rate == found.high


def test_nothing_checked_gives_nothing() -> None:
    none = Stratum(5, ())
    assert returns_rate(none) is None and answers_rate([none]) is None
    some = Stratum(4, (Cluster(3, 3, 1), Cluster(3, 3, 0)))
    assert returns_total([some, none]) is None and answers_rate([some, none]) is None
    # a type of which nothing was submitted stands in nobody's way
    assert returns_total([some, Stratum(0, ())]) == returns_rate(some)


@given(st.lists(strata(), min_size=2, max_size=4))
def test_the_total_weighs_each_type_by_its_returns(several: list[Stratum]) -> None:
    found = returns_total(several)
    assert found and found.low is not None and found.high is not None
    population = sum(one.population for one in several)
    expected = sum(Fraction(one.adjusted, one.checked) * one.population for one in several) / population
    assert found.rate == expected
    assert 0 <= found.low <= found.rate <= found.high <= 1
    # never against what was seen
    assert found.low <= 1 - Fraction(found.checked - found.found, population)
    assert found.high >= Fraction(found.found, population)
    if all(one.checked == one.population for one in several):
        assert found.low == found.rate == found.high
    else:
        assert found.low < found.high


def test_more_returns_checked_make_the_interval_narrower() -> None:
    widths = []
    for checked in (5, 10, 20, 40, 80):
        clusters = tuple(Cluster(10, 10, number % 2) for number in range(checked))
        one = returns_rate(Stratum(80, clusters))
        assert one and one.low is not None and one.high is not None
        widths.append(one.high - one.low)
    assert widths == sorted(widths, reverse=True) and widths[-1] == 0


# --- answers ---------------------------------------------------------------------------------------------------------


@given(st.lists(strata(), min_size=1, max_size=3))
@settings(max_examples=200)
def test_the_rate_of_answers_lies_in_its_interval(several: list[Stratum]) -> None:
    found = answers_rate(several)
    assert found and 0 <= found.rate <= 1
    if found.low is None or found.high is None:
        assert found.low is found.high is None
        return
    assert 0 <= found.low <= found.rate <= found.high <= 1
    whole = all(
        one.checked == one.population and all(c.checked == c.size for c in one.clusters) for one in several
    )
    assert (found.low == found.high) is whole


def test_a_census_of_answers_is_exact() -> None:
    found = answers_rate([census([(10, 3), (5, 0), (8, 8)])])
    assert found and found.rate == found.low == found.high == Fraction(11, 23)
    assert (found.found, found.checked, found.population) == (11, 23, 23)


def test_returns_count_by_their_answers_not_alike() -> None:
    found = answers_rate([Stratum(10, (Cluster(30, 30, 0), Cluster(10, 10, 10)))])
    assert found and found.rate == Fraction(10, 40)


def test_questions_that_were_drawn_stand_for_their_return() -> None:
    # half of the checked answers of the large return were adjusted, none of the small one's
    found = answers_rate([Stratum(2, (Cluster(40, 10, 5), Cluster(10, 10, 0)))])
    assert found and found.rate == Fraction(20, 50)
    # every return was checked, but not every answer: still an interval
    assert found.low is not None and found.high is not None and found.low < found.rate < found.high


def test_nothing_adjusted_is_no_proof_that_nothing_is_wrong() -> None:
    whole = answers_rate([Stratum(40, tuple(Cluster(10, 10, 0) for _ in range(8)))])
    assert whole and whole.rate == 0 and whole.low == 0 and whole.high is not None
    assert whole.high == Fraction(bounds(0, 8, 40, TAIL)[1], 40) > 0
    drawn = answers_rate([Stratum(40, tuple(Cluster(60, 12, 0) for _ in range(8)))])
    assert drawn and drawn.high is not None and 0 < drawn.high < 1
    everything = answers_rate([Stratum(40, tuple(Cluster(10, 10, 10) for _ in range(8)))])
    assert everything and everything.high == 1 and everything.low == 1 - whole.high


def test_one_return_alone_has_no_interval() -> None:
    found = answers_rate([Stratum(9, (Cluster(10, 10, 4),))])
    assert found and found.rate == Fraction(4, 10) and found.low is found.high is None
    alike = answers_rate([Stratum(9, (Cluster(10, 10, 4), Cluster(10, 10, 4)))])
    assert alike and alike.low is alike.high is None


@pytest.mark.parametrize("checked", [4, 6])
def test_the_interval_of_answers_covers_the_truth_over_all_samples(checked: int) -> None:
    """Every sample that can be drawn of a small population whose answers are all known."""
    population = [(12, 2), (8, 0), (20, 9), (10, 1), (15, 6), (9, 0), (11, 4), (14, 3), (10, 5)]
    truth = Fraction(sum(x for _, x in population), sum(m for m, _ in population))
    covered = total = 0
    mean = Fraction()
    for chosen in combinations(population, checked):
        found = answers_rate([Stratum(len(population), tuple(Cluster(m, m, x) for m, x in chosen))])
        assert found and found.low is not None and found.high is not None
        covered += found.low <= truth <= found.high
        mean += found.rate
        total += 1
    assert covered / total >= 0.9
    # a ratio of sums is nearly without bias
    assert abs(mean / total - truth) < Fraction(2, 100)


def test_the_interval_covers_where_questions_are_drawn_too() -> None:
    """All samples of three of four returns, and of two of three answers in each: the truth is within as promised."""
    population = [(0, 1, 1), (0, 0, 1), (1, 1, 1), (0, 1, 0)]
    truth = Fraction(7, 12)
    covered = total = 0
    for chosen in combinations(population, 3):
        for parts in product(*(list(combinations(answers, 2)) for answers in chosen)):
            found = answers_rate([Stratum(4, tuple(Cluster(3, 2, sum(part)) for part in parts))])
            assert found
            total += 1
            covered += found.low is not None and found.high is not None and found.low <= truth <= found.high
    assert covered / total >= 0.85


@given(st.integers(0, 30), st.integers(1, 30), st.floats(0, 1))
def test_beta_is_the_tail_of_the_binomial(found: int, more: int, share: float) -> None:
    number = found + more
    exact = sum(comb(number, x) * share**x * (1 - share) ** (number - x) for x in range(found + 1, number + 1))
    assert beta(share, found + 1, number - found) == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize(("drawn", "questions", "usual"), [(10, 26, 0.1), (15, 10, 0.1), (10, 5, 0.3), (4, 26, 0.05)])
def test_the_interval_covers_where_adjustments_are_rare_and_returns_unlike(
    drawn: int, questions: int, usual: float
) -> None:
    """Samples of a hundred returns of 26 answers that differ much: nine in ten intervals hold the truth."""
    random = Random(20)
    population = []
    for _ in range(100):
        own = random.betavariate(usual * 3, (1 - usual) * 3)
        population.append([random.random() < own for _ in range(26)])
    truth = Fraction(sum(map(sum, population)), 2600)
    covered = 0
    for _ in range(200):
        clusters = [
            Cluster(26, questions, sum(random.sample(one, questions))) for one in random.sample(population, drawn)
        ]
        found = answers_rate([Stratum(100, tuple(clusters))])
        assert found
        covered += found.low is None or found.high is None or found.low <= truth <= found.high
    assert covered >= 180


def test_combining_types_weighs_by_what_returns_stand_for() -> None:
    many = Stratum(100, (Cluster(10, 10, 0), Cluster(10, 10, 2)))
    few = Stratum(2, (Cluster(10, 10, 10), Cluster(10, 10, 10)))
    found = answers_rate([many, few])
    assert found and found.rate == Fraction(100 + 20, 1000 + 20)


@pytest.mark.parametrize(
    ("freedom", "expected"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042), (999, 1.962)],
)
def test_student_is_as_in_the_tables(freedom: int, expected: float) -> None:
    assert student(freedom) == pytest.approx(expected, abs=0.0006)


def test_impossible_samples_are_refused() -> None:
    for cluster in ((5, 6, 1), (5, 4, 5), (5, 0, 0)):
        with pytest.raises(ValueError, match="cluster"):
            Cluster(*cluster)
    with pytest.raises(ValueError, match="more returns"):
        Stratum(1, (Cluster(1, 1, 0), Cluster(1, 1, 0)))
    with pytest.raises(ValueError, match="no such sample"):
        bounds(3, 2, 10, TAIL)


# --- two inspectors --------------------------------------------------------------------------------------------------


def test_kappa_of_a_worked_example() -> None:
    # 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: observed 0.7, by chance 0.5, kappa 0.4
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = agreement(pairs)
    assert found and (found.pairs, found.agreed, found.share) == (50, 35, Fraction(7, 10))
    assert found.kappa == Fraction(2, 5)


def test_kappa_says_nothing_where_nothing_varies_and_nothing_of_nothing() -> None:
    same = agreement([("y", "y")] * 4)
    assert same and same.share == 1 and same.kappa is None
    assert agreement([]) is None
    apart = agreement([("y", "n"), ("n", "y")])
    assert apart and apart.kappa == -1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=40))
def test_kappa_is_one_only_for_perfect_agreement(pairs: list[tuple[str, str]]) -> None:
    found = agreement(pairs)
    assert found and 0 <= found.share <= 1
    if found.kappa is not None:
        assert -1 <= found.kappa <= found.share
        assert (found.kappa == 1) is (found.share == 1)
