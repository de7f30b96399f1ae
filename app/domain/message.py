"""Words for people that the domain says in English and the web translates: a text and what stands in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from app.domain.text import localise


def N_(msgid: str) -> str:
    """Marks an English text for extraction; the web layer translates it when it is shown."""
    return msgid


def number_words(value: Fraction) -> str:
    """A number with commas at the thousands, and as many decimals as it has (six at most)."""
    if value.denominator == 1:
        return f"{value.numerator:,}"
    return f"{float(value):,.6f}".rstrip("0")


def _plain(value: object) -> str:
    if isinstance(value, Fraction):
        return number_words(value)
    return localise(value) if isinstance(value, Mapping) else str(value)


@dataclass(frozen=True)
class Message:
    """An English text with `%(name)s` places and what stands in them, not yet translated."""

    msgid: str
    params: Mapping[str, object] = field(default_factory=dict)

    def rendered(
        self,
        translate: Callable[[str], str] = N_,
        show: Callable[[object], str] | None = None,
    ) -> str:
        """The text in the language of `translate`; `show` writes each parameter, else it is written plainly.

        Parameters are texts (a string or a mapping of languages), numbers, dates, or other messages.
        """

        def plain(value: object) -> str:
            return value.rendered(translate) if isinstance(value, Message) else _plain(value)

        text = translate(self.msgid)
        return text % {name: (show or plain)(value) for name, value in self.params.items()} if self.params else text

    def __str__(self) -> str:
        return self.rendered()


def too_long(text: str, limit: int) -> Message | None:
    """What a person is told whose text has more than `limit` characters; None where it has not."""
    if len(text) <= limit:
        return None
    return Message(
        N_("The text has %(length)s characters; shorten it to %(limit)s or fewer."),
        {"length": len(text), "limit": limit},
    )
