"""A long list in pages."""

from __future__ import annotations


def paged(total: int, size: int | None, asked: int) -> tuple[int, int]:
    """Which page of `total` entries is shown, the one asked for or the nearest that there is, and of how many pages.

    Without a size all stand on one.
    """
    pages = max(1, -(-total // size)) if size else 1
    return min(max(1, asked), pages), pages
