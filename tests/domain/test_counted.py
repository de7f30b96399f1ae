"""What facts come to, against the standard library."""

from __future__ import annotations

import statistics
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.asking import ChoicesAsked, DateAsked, NumberAsked, Percentage, TableAsked, TextAsked, YesNo
from app.domain.counted import Counted, Days, counted, decimal_text, quartiles

NUMBER = NumberAsked(type="number", least=None, decimals=2)
SHARE = Percentage(type="percentage", counted="Trained", out_of="All")

decimals = st.integers(-10_000, 10_000).map(lambda whole: Fraction(whole, 100))


@given(st.lists(decimals, min_size=2, max_size=40))
def test_quartiles_are_those_of_the_standard_library(numbers: list[Fraction]) -> None:
    assert list(quartiles(sorted(numbers))) == statistics.quantiles(numbers, n=4, method="inclusive")


def test_one_number_is_all_its_quartiles() -> None:
    assert quartiles([Fraction(7)]) == (7, 7, 7)


def test_numbers_are_spread_out_each_as_often_as_it_was_given() -> None:
    said = [({"number": "1.5"}, 2), ({"number": "-4"}, 1), ({"number": "10"}, 1), ({"grade": "green"}, 1)]
    found = counted(NUMBER, said)
    assert found.answers == 5 and found.spread
    spread = found.spread
    assert (spread.number, spread.smallest, spread.largest, spread.total) == (4, -4, 10, 9)
    assert (spread.lower, spread.median, spread.upper) == (Fraction("0.125"), Fraction("1.5"), Fraction("3.625"))
    assert spread.numerator is None


def test_shares_are_pooled_and_what_is_out_of_nothing_has_none() -> None:
    said = [
        ({"numerator": 1, "denominator": 2}, 1), ({"numerator": 2, "denominator": 6}, 2),
        ({"numerator": 0, "denominator": 0}, 3),
    ]  # fmt: skip
    found = counted(SHARE, said)
    spread = found.spread
    assert found.answers == 6 and spread and spread.number == 3
    assert (spread.numerator, spread.denominator) == (5, 14)
    assert [decimal_text(one) for one in (spread.smallest, spread.median, spread.largest)] == ["33.3", "33.3", "50"]
    assert spread.together == Fraction("35.7") and spread.total is None
    # 6.25 and 43.75: halves up, whatever stands before them
    for part, whole in ((1, "6.3"), (7, "43.8")):
        alone = counted(SHARE, [({"numerator": part, "denominator": 16}, 1)]).spread
        assert alone and decimal_text(alone.median) == decimal_text(alone.together or Fraction()) == whole


def test_choices_that_nobody_made_are_counted_as_none() -> None:
    asked = YesNo(type="yes_no")
    assert counted(asked, [({"answer": "no"}, 3)]).chosen == {"yes": 0, "no": 3}
    several = ChoicesAsked.model_validate(
        {"type": "choices", "choices": [{"key": key, "label": key} for key in ("a", "b", "c")]}
    )
    found = counted(several, [({"choices": ["a", "c"]}, 2), ({"choices": ["c"]}, 1)])
    assert (found.answers, found.chosen) == (3, {"a": 2, "b": 0, "c": 3})


@pytest.mark.parametrize(
    ("days", "median"), [([1, 2, 30], 2), ([1, 2, 3, 30], 2), ([5], 5)]
)  # of two in the middle the earlier
def test_days_go_from_first_to_last(days: list[int], median: int) -> None:
    said = [({"date": f"2003-04-{day:02}"}, 1) for day in reversed(days)]
    assert counted(DateAsked(type="date"), said).days == Days(
        number=len(days), earliest=date(2003, 4, days[0]), median=date(2003, 4, median),
        latest=date(2003, 4, days[-1]),
    )  # fmt: skip


def test_rows_are_counted_and_texts_only_that_they_are_there() -> None:
    table = TableAsked.model_validate({"type": "table", "columns": [{"key": "name", "label": "Name"}]})
    found = counted(table, [({"rows": [{}, {}]}, 1), ({"rows": [{}] * 4}, 1)])
    assert found.spread and (found.spread.total, found.spread.median) == (6, 3)
    assert counted(TextAsked(type="text"), [({"text": ""}, 9)]) == Counted(answers=9)
    assert counted(NUMBER, []) == Counted()


def test_numbers_stand_in_data_as_people_write_them_and_come_back_the_same() -> None:
    found = counted(NUMBER, [({"number": "1"}, 1), ({"number": "2.25"}, 1)])
    data = found.model_dump(mode="json")
    assert data["spread"]["median"] == "1.625" and data["spread"]["total"] == "3.25"
    assert Counted.model_validate(data) == found
