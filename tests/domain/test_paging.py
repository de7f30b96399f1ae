"""Lists in pages."""

from __future__ import annotations

import pytest

from app.domain.paging import paged


@pytest.mark.parametrize(
    ("total", "size", "asked", "found"),
    [
        (0, 50, 1, (1, 1)), (50, 50, 1, (1, 1)), (51, 50, 2, (2, 2)), (51, 50, 3, (2, 2)), (101, 50, 0, (1, 3)),
        (101, 50, -7, (1, 3)), (101, None, 2, (1, 1)),
    ],
)  # fmt: skip
def test_there_is_always_a_page_to_show(total: int, size: int | None, asked: int, found: tuple[int, int]) -> None:
    assert paged(total, size, asked) == found
