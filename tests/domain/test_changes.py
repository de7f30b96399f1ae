"""How an answer moved between two rounds: better, worse, or neither."""

from __future__ import annotations

import pytest

from app.domain.changes import MOVES, move_of
from app.domain.templates import Grade, GradingScheme

SCHEME = GradingScheme(
    title="Grades",
    grades=tuple(
        Grade(key=key, label=key, meaning=key, colour="#000000", counts_as=counts, shown_apart=apart, needs=())
        for key, counts, apart in (
            ("best", "met", False), ("good", "met", False), ("part", "not_met", False), ("none", "not_met", False),
            ("unsure", "not_met", True), ("away", "excluded", False), ("gone", "excluded", False),
        )
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("then", "now", "move"),
    [
        ("part", "part", "same"),
        ("part", "good", "better"),
        ("good", "best", "better"),
        ("best", "part", "worse"),
        ("part", "none", "worse"),
        # nobody knows: no answer, neither good nor bad
        ("none", "unsure", "unknown"),
        ("part", "unsure", "unknown"),
        ("unsure", "none", "known"),
        ("unsure", "unsure", "same"),
        # but what was in place and is not known any more is worse, and the other way round better
        ("best", "unsure", "worse"),
        ("unsure", "good", "better"),
        ("away", "none", "applies"),
        ("best", "away", "not_applicable"),
        ("away", "gone", "same"),
        ("", "best", "first"),
        ("best", "", "blank"),
        ("", "", "blank"),
    ],
)
def test_how_an_answer_moved(then: str, now: str, move: str) -> None:
    assert move_of(SCHEME, then, now) == move
    assert move in MOVES
