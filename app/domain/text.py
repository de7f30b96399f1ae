"""Texts that an author writes once, or once for each language."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Discriminator, StringConstraints, Tag

PlainText = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]
LANGUAGE_PATTERN = r"^[a-z]{2,3}(-[A-Z]{2})?$"
Language = Annotated[str, StringConstraints(strict=True, pattern=LANGUAGE_PATTERN)]


def _kind(value: object) -> str:
    return "languages" if isinstance(value, Mapping) else "text"


# The tags spare the author a second complaint ("not a mapping either") about the form not chosen.
Text = Annotated[
    Annotated[PlainText, Tag("text")] | Annotated[dict[Language, PlainText], Tag("languages")],
    Discriminator(_kind),
]


def localise(text: str | Mapping[str, str], lang: str = "en") -> str:
    """The text in `lang`; failing that in English; failing that in the first language by code.

    A language with a country (`en-GB`, `en_GB`) falls back to the language alone before it falls
    back to English. An empty mapping gives an empty string.
    """
    if isinstance(text, str):
        return text
    return text[written_in(text, lang)] if text else ""


def written_in(text: str | Mapping[str, str], lang: str) -> str:
    """The language that `localise` gives this text in; what has no language of its own counts as English."""
    if isinstance(text, str) or not text:
        return "en"
    code = lang.replace("_", "-")
    for wanted in (code, code.split("-")[0], "en"):
        if wanted in text:
            return wanted
    # by code and not by place: canonical JSON does not keep the order of keys
    return min(text)
