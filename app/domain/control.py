"""Control limits of a funnel plot: how far shares may lie apart by chance alone, given how much was counted.

Each agency is a number of criteria that are met out of those that count. Were every one met with the same chance, the
round's mean, the number met would follow a binomial distribution. Its tails are computed exactly, so that the limits
hold where an agency answered few questions too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import exp, fsum, lgamma, log, log1p

# of what chance alone would give, the share that lies inside the limits
WARNING, ALARM = 0.95, 0.998
SLACK = 1e-12  # tails are sums of rounded numbers: what is equal must not differ by the last digit


@lru_cache(maxsize=4096)
def _chances(counted: int, share: float) -> tuple[float, ...]:
    """How probable each number from 0 to `counted` is."""
    if share <= 0 or share >= 1:
        certain = 0 if share <= 0 else counted
        return tuple(float(number == certain) for number in range(counted + 1))
    yes, no, whole = log(share), log1p(-share), lgamma(counted + 1)
    return tuple(
        exp(whole - lgamma(n + 1) - lgamma(counted - n + 1) + n * yes + (counted - n) * no)
        for n in range(counted + 1)
    )


def at_most(met: int, counted: int, share: float) -> float:
    """The chance that at most `met` of `counted` are met, from 0 to 1."""
    return min(1.0, fsum(_chances(counted, share)[: max(0, met + 1)]))


def at_least(met: int, counted: int, share: float) -> float:
    """The chance that at least `met` of `counted` are met, from 0 to 1."""
    return min(1.0, fsum(_chances(counted, share)[max(0, met) :]))


@lru_cache(maxsize=4096)
def limits(counted: int, share: float, inside: float) -> tuple[int, int]:
    """The least and the greatest number met of `counted` that is still inside the limits.

    Outside is a number that it, or one further out, comes about by chance in at most (1 - `inside`) / 2 of all cases.
    """
    tail = (1 - inside) / 2 + SLACK
    low = next(n for n in range(counted + 1) if at_most(n, counted, share) > tail)
    high = next(n for n in range(counted, -1, -1) if at_least(n, counted, share) > tail)
    return low, high


@dataclass(frozen=True)
class Limits:
    """The limits at one number of criteria: shares from 0 to 1, outer (alarm) and inner (warning)."""

    counted: int
    outer_low: float
    inner_low: float
    inner_high: float
    outer_high: float


def funnel(numbers: Iterable[int], share: float) -> tuple[Limits, ...]:
    """The limits at each number of criteria between the least and the greatest given; none of nothing."""
    given = [number for number in numbers if number > 0]
    if not given:
        return ()
    found = []
    for counted in range(min(given), max(given) + 1):
        low, high = limits(counted, share, WARNING)
        lowest, highest = limits(counted, share, ALARM)
        found.append(Limits(counted, lowest / counted, low / counted, high / counted, highest / counted))
    return tuple(found)


def place(met: int, counted: int, share: float) -> str:
    """Where an agency lies: `far_below`, `below`, `inside`, `above` or `far_above`; `none` where nothing counts.

    `below` and `above` are outside the limits of 95 %, `far_below` and `far_above` outside those of 99.8 %.
    """
    if not counted:
        return "none"
    for inside, below, above in ((ALARM, "far_below", "far_above"), (WARNING, "below", "above")):
        low, high = limits(counted, share, inside)
        if met < low:
            return below
        if met > high:
            return above
    return "inside"
