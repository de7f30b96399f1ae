"""Small numbers: what is hidden cannot be worked out from what is shown, and no more is hidden than need be."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.suppression import Key, Sum, derivable, hidden


def rank(rows: list[list[int]]) -> int:
    """The rank of a matrix, exactly, by the schoolbook: independent of what is tested."""
    left = [[Fraction(value) for value in row] for row in rows]
    found = 0
    for column in range(len(left[0]) if left else 0):
        pivot = next((row for row in left[found:] if row[column]), None)
        if pivot is None:
            continue
        left.remove(pivot)
        left.insert(found, pivot)
        for place, row in enumerate(left):
            if place != found and row[column]:
                factor = row[column] / pivot[column]
                left[place] = [value - factor * other for value, other in zip(row, pivot, strict=True)]
        found += 1
    return found


def worked_out(out: set[Key], sums: list[Sum], empty: set[Key]) -> set[Key]:
    """The hidden cells that follow from those shown, by the rank of the equations."""
    unknown = sorted(out, key=repr)
    rows = []
    for one in sums:
        row = [(cell in one.parts and cell not in empty) - (cell == one.total) for cell in unknown]
        rows.append([int(value) for value in row])
    base = rank(rows)
    return {
        cell
        for place, cell in enumerate(unknown)
        if rank([*rows, [int(place == other) for other in range(len(unknown))]]) == base
    }


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[Key, int], list[Sum]]:
    """Types in columns, of which some have subtypes, by themes in rows with their totals: how many agencies each cell
    is about; some are asked nothing on a theme."""
    types = draw(st.integers(1, 3))
    themes = draw(st.integers(1, 3))
    about: dict[Key, int] = {}
    sums: list[Sum] = []
    sizes = {}
    for kind in range(types):
        sizes[kind] = draw(st.lists(st.integers(0, 9), min_size=1, max_size=3))
    for theme, kind in product(range(themes), range(types)):
        asked = draw(st.booleans()) or draw(st.booleans())
        parts = [("part", theme, kind, place) for place in range(len(sizes[kind]))]
        for cell, number in zip(parts, sizes[kind], strict=True):
            about[cell] = number if asked else 0
        about["cell", theme, kind] = sum(about[cell] for cell in parts)
        if len(parts) > 1:
            sums.append(Sum(("cell", theme, kind), tuple(parts)))
    for theme in range(themes):
        cells = tuple(("cell", theme, kind) for kind in range(types))
        about["theme", theme] = sum(about[cell] for cell in cells)
        sums.append(Sum(("theme", theme), cells))
    for kind in range(types):
        cells = tuple(("cell", theme, kind) for theme in range(themes))
        about["type", kind] = max(about[cell] for cell in cells)
        sums.append(Sum(("type", kind), cells, apart=False))
        for place in range(len(sizes[kind])):
            parts = [("part", theme, kind, place) for theme in range(themes)]
            about["type-part", kind, place] = max(about[cell] for cell in parts)
            sums.append(Sum(("type-part", kind, place), tuple(parts), apart=False))
    return about, sums


@settings(deadline=None, max_examples=60)
@given(tables(), st.integers(2, 8))
def test_nothing_hidden_can_be_worked_out(table: tuple[dict[Key, int], list[Sum]], below: int) -> None:
    about, sums = table
    out = set(hidden(about, sums, below))
    empty = {cell for cell, number in about.items() if not number}
    assert {cell for cell, number in about.items() if 0 < number < below} <= out
    assert not out & empty
    assert worked_out(out, [one for one in sums if about[one.total]], empty) == set()


@settings(deadline=None, max_examples=60)
@given(tables(), st.integers(2, 8))
def test_what_is_left_of_a_total_is_about_enough(table: tuple[dict[Key, int], list[Sum]], below: int) -> None:
    about, sums = table
    out = hidden(about, sums, below)
    for one in sums:
        gone = [cell for cell in one.parts if cell in out]
        if one.apart and gone and about[one.total] and one.total not in out:
            assert sum(about[cell] for cell in gone) >= below


@settings(deadline=None, max_examples=60)
@given(tables(), st.integers(2, 8))
def test_it_agrees_with_the_schoolbook(table: tuple[dict[Key, int], list[Sum]], below: int) -> None:
    about, sums = table
    some = {cell for cell, number in about.items() if number and number % 2}
    full = [Sum(one.total, tuple(cell for cell in one.parts if about[cell]), one.apart) for one in sums]
    assert derivable(some, full) == worked_out(some, sums, {cell for cell, number in about.items() if not number})


def test_nothing_is_hidden_where_all_are_enough_and_order_does_not_matter() -> None:
    about: dict[Key, int] = {"all": 40, "a": 20, "b": 15, "c": 5}
    sums = [Sum("all", ("a", "b", "c"))]
    assert hidden(about, sums, 5) == frozenset()
    assert hidden(about, sums, 0) == frozenset()
    assert hidden(about, sums, 6) == {"c", "b"}, "a second one goes with it: the smaller"
    assert hidden(dict(reversed(about.items())), [Sum("all", ("c", "b", "a"))], 6) == {"c", "b"}


def test_two_small_ones_that_are_too_few_together_take_a_third() -> None:
    about: dict[Key, int] = {"all": 42, "a": 20, "b": 20, "c": 1, "d": 1}
    assert hidden(about, [Sum("all", ("a", "b", "c", "d"))], 5) == {"a", "c", "d"}


def test_what_stands_nowhere_is_protected_where_it_is_small_and_else_does_no_harm() -> None:
    sums = [Sum("all", ("a", "b", "rest"))]
    few: dict[Key, int] = {"all": 42, "a": 20, "b": 20, "rest": 2}
    assert hidden(few, sums, 5, unsaid=["rest"]) == {"rest", "a"}
    many: dict[Key, int] = {"all": 60, "a": 20, "b": 20, "rest": 20}
    assert hidden(many, sums, 5, unsaid=["rest"]) == frozenset()


def test_a_total_that_is_all_in_one_part_goes_with_it() -> None:
    about: dict[Key, int] = {"all": 3, "a": 3, "b": 0}
    assert hidden(about, [Sum("all", ("a", "b"))], 5) == {"all", "a"}
    assert hidden({"all": 9, "a": 9}, [Sum("all", ("a",))], 5, also=["a"]) == {"all", "a"}
