"""Words for people that the domain says in English and the web translates: a text and what stands in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.domain.text import localise


def N_(msgid: str) -> str:
    """Marks an English text for extraction; the web layer translates it when it is shown."""
    return msgid


def _plain(value: object) -> str:
    return localise(value) if isinstance(value, Mapping) else str(value)


@dataclass(frozen=True)
class Message:
    """An English text with `%(name)s` places and what stands in them, not yet translated."""

    msgid: str
    params: Mapping[str, object] = field(default_factory=dict)

    def rendered(
        self,
        translate: Callable[[str], str] = N_,
        show: Callable[[object], str] = _plain,
    ) -> str:
        """The text in the language of `translate`; `show` writes each parameter.

        Parameters are texts (a string or a mapping of languages), whole numbers, dates, or other messages.
        """
        text = translate(self.msgid)
        return text % {name: show(value) for name, value in self.params.items()} if self.params else text

    def __str__(self) -> str:
        return self.rendered()
