"""Messages in another language: the words, and the words that stand in them."""

from __future__ import annotations

from app.domain.message import Message


def test_words_within_words_are_translated_too() -> None:
    welsh = {"%(kind)s, closed": "%(kind)s, ar gau", "Query": "Ymholiad"}
    message = Message("%(kind)s, closed", {"kind": Message("Query")})
    assert message.rendered(lambda text: welsh.get(text, text)) == "Ymholiad, ar gau"
    assert str(message) == "Query, closed"
    assert Message("%(kind)s, closed", {"kind": {"en": "Query", "cy": "x"}}).rendered() == "Query, closed"
