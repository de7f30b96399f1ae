"""Invented answers can be stored as they are, come to the grade that is wanted, and are the same by seed."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Any

import pytest
from pydantic import TypeAdapter

from app.domain.answers import ANSWER_TYPES
from app.domain.asking import Answer, Asked
from app.domain.invented import invented
from app.domain.templates import Criterion, GradingScheme
from tests.world import pack

DAY = date(2003, 5, 12)
PACK = pack("every-answer")
TEMPLATE = PACK.templates["club"]
CHOICES = [{"key": "a", "label": "A"}, {"key": "b", "label": "B"}, {"key": "c", "label": "C"}]
MORE: list[dict[str, Any]] = [
    {"type": "number", "least": -2.55, "most": -1.25, "decimals": 1},
    {"type": "number", "least": None, "decimals": 2},
    {"type": "number", "most": 3, "bands": [{"below": 1, "grade": "green"}, {"at_most": 1, "grade": "amber"},
                                            {"grade": "red"}]},
    {"type": "percentage", "counted": "x", "out_of": "y",
     "bands": [{"at_least": 100, "grade": "green"}, {"grade": "red"}]},
    {"type": "choices", "choices": CHOICES, "at_least": 2, "at_most": 2},
    {"type": "choices", "choices": CHOICES, "at_least": 0},
    {"type": "text", "longest": 12},
    {"type": "table", "columns": [{"key": "one", "label": "One"}, {"key": "two", "label": "Two", "type": "number"}],
     "at_most": 40, "bands": [{"at_least": 30, "grade": "green"}, {"grade": "red"}]},
    {"type": "table", "columns": [{"key": "one", "label": "One", "type": "date"}], "at_least": 0, "at_most": 1},
]  # fmt: skip
EVERY: list[tuple[Criterion, GradingScheme]] = [
    (placed.criterion, PACK.scheme_of(TEMPLATE, placed.criterion))
    for placed in TEMPLATE.criteria()
    if placed.criterion.answer.type != "grade"
]
READ: TypeAdapter[Asked] = TypeAdapter(Answer)
EVERY += [(EVERY[0][0].model_copy(update={"answer": READ.validate_python(one)}), EVERY[0][1]) for one in MORE]


@pytest.mark.parametrize(("criterion", "scheme"), EVERY, ids=lambda one: getattr(one, "id", ""))
def test_what_is_invented_is_stored_unchanged_and_complete(criterion: Criterion, scheme: GradingScheme) -> None:
    handler = ANSWER_TYPES[criterion.answer.type]
    seen = set()
    for seed in range(60):
        value = invented(criterion.answer, Random(seed), saved=DAY)
        assert value == invented(criterion.answer, Random(seed), saved=DAY)
        found = handler.clean(value, criterion=criterion, scheme=scheme, today=DAY).value
        assert {name: what for name, what in found.items() if name != "grade"} == value
        assert not list(handler.missing(found, criterion, scheme))
        seen.add(str(value))
    assert len(seen) > 1 or criterion.answer.type == "file"


@pytest.mark.parametrize(("criterion", "scheme"), EVERY, ids=lambda one: getattr(one, "id", ""))
def test_every_grade_that_is_wanted_is_reached(criterion: Criterion, scheme: GradingScheme) -> None:
    for grade in criterion.answer.comes_to:
        for seed in range(20):
            value = invented(criterion.answer, Random(seed), saved=DAY, grade=grade)
            assert criterion.answer.grade_of(value) == grade
