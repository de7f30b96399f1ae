"""Canonical JSON: the fast way gives the bytes of RFC 8785, and what JSON cannot say is refused either way."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.integrity import canonical_json

TEXTS = st.text(max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda parts: st.lists(parts, max_size=5) | st.dictionaries(TEXTS, parts, max_size=5) | st.tuples(parts, parts),
    max_leaves=25,
)  # fmt: skip


@given(value=VALUES)
@example(value={"\u20ac": 1, "\r": 2, "1": 3, "\U0001f600": 4, "\ufb33": 5, "\x80": 6})  # of RFC 8785: no code points
@example(value={"b": "\x00\x1f\x7f\"\\/\u2028\u2029<é>", "a": [True, False, None, -0, 10**15]})
@example(value=[1e21, 1.0, 0.1, {"z": 1, "a": ()}])
def test_the_fast_way_gives_the_same_bytes(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


class Grade(StrEnum):
    """A text that is more than a text."""

    GOOD = "good"


@pytest.mark.parametrize(
    "value", [2**53, {1: "a"}, {"a": date(2003, 1, 28)}, {"a"}, ["\ud800"], float("nan"), object()]
)
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical_json([value])


def test_subclasses_are_written_as_the_library_does() -> None:
    assert canonical_json({"grade": Grade.GOOD}) == rfc8785.dumps({"grade": Grade.GOOD})
