"""What answers say, as plain text: for what is copied or downloaded. Pages have `macros/answers.html`."""

from __future__ import annotations

from app.domain.answers import Fact
from app.web.pages import words


def lines(fact: Fact) -> list[str]:
    """A fact as lines in the reader's language; the cells of a table with tabs between, as spreadsheets take them."""
    if fact.rows:
        return ["\t".join(words(cell) for cell in row) for row in fact.rows]
    label = f"{words(fact.label)}: " if fact.label else ""
    unit = f" {words(fact.unit)}" if fact.unit else ""
    return [f"{label}{words(fact.words)}{unit}"]
