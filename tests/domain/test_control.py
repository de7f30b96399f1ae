"""Control limits: exact tails, and what lies outside of them."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.domain.control import ALARM, WARNING, at_least, at_most, funnel, limits, place


def exact(numbers: range, counted: int, share: Fraction) -> Fraction:
    """The chance of any of these numbers, in whole numbers: another way to the same figure."""
    return sum(
        (comb(counted, n) * share**n * (1 - share) ** (counted - n) for n in numbers), start=Fraction(0)
    )


@given(some.integers(1, 120), some.integers(0, 120), some.integers(0, 40))
def test_tails_are_those_of_the_binomial_distribution(counted: int, met: int, fortieths: int) -> None:
    met, share = min(met, counted), Fraction(fortieths, 40)
    below, above = exact(range(met + 1), counted, share), exact(range(met, counted + 1), counted, share)
    assert at_most(met, counted, float(share)) == pytest.approx(float(below), abs=1e-9)
    assert at_least(met, counted, float(share)) == pytest.approx(float(above), abs=1e-9)


@given(some.integers(1, 100), some.integers(1, 39), some.sampled_from([WARNING, ALARM]))
def test_a_limit_is_the_last_number_that_chance_gives_often_enough(
    counted: int, fortieths: int, inside: float
) -> None:
    share, tail = Fraction(fortieths, 40), (1 - Fraction(str(inside))) / 2
    low, high = limits(counted, float(share), inside)
    assert 0 <= low <= high <= counted
    assert exact(range(low), counted, share) <= tail < exact(range(low + 1), counted, share)
    assert exact(range(high + 1, counted + 1), counted, share) <= tail
    assert exact(range(high, counted + 1), counted, share) > tail


def test_a_known_table() -> None:
    """Twenty tosses of a coin: 6 to 14 heads are inside 95 %, 3 to 17 inside 99.8 % (tables of the binomial)."""
    assert limits(20, 0.5, WARNING) == (6, 14)
    assert limits(20, 0.5, ALARM) == (3, 17)
    assert [place(n, 20, 0.5) for n in (2, 3, 5, 6, 10, 14, 15, 17, 18)] == [
        "far_below", "below", "below", "inside", "inside", "inside", "above", "above", "far_above",
    ]  # fmt: skip


@given(some.integers(1, 80), some.integers(0, 20))
def test_the_outer_limits_hold_the_inner_ones(counted: int, twentieths: int) -> None:
    low, high = limits(counted, twentieths / 20, WARNING)
    lowest, highest = limits(counted, twentieths / 20, ALARM)
    assert lowest <= low <= high <= highest


def test_where_all_or_none_is_met_only_that_is_inside() -> None:
    assert limits(12, 1.0, ALARM) == (12, 12) and limits(12, 0.0, ALARM) == (0, 0)
    assert place(11, 12, 1.0) == "far_below" and place(1, 12, 0.0) == "far_above"
    assert place(12, 12, 1.0) == place(0, 12, 0.0) == "inside"


def test_few_answers_are_never_outside_by_a_whisker() -> None:
    """Of one or two criteria anything can come about by chance."""
    assert {place(met, 2, 0.6) for met in range(3)} == {"inside"}
    assert place(0, 0, 0.6) == "none"


def test_the_funnel_narrows_and_covers_every_number() -> None:
    found = funnel([40, 8, 0, 25], 0.7)
    assert [one.counted for one in found] == list(range(8, 41))
    first, last = found[0], found[-1]
    assert last.outer_high - last.outer_low < first.outer_high - first.outer_low
    assert all(one.outer_low <= one.inner_low <= 0.7 <= one.inner_high <= one.outer_high for one in found)
    assert funnel([], 0.7) == funnel([0], 0.7) == ()
