"""The languages of pages, documents and mails, and the words of each: `translations/` has a catalogue for every
language but English, whose words stand in the code."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from babel.support import NullTranslations, Translations

# code to the locale of dates and numbers, and to the language's own name
LANGUAGES = {"en": "en_GB", "cy": "cy"}
NAMES = {"en": "English", "cy": "Cymraeg"}
FOLDER = Path(__file__).parent / "translations"


@cache
def translations(language: str) -> NullTranslations:
    """The catalogue of a language; the one that leaves words as they are for English or a language unknown."""
    if language == "en" or language not in LANGUAGES:
        return NullTranslations()
    return Translations.load(FOLDER, [language])


def known(language: str | None) -> str:
    """The language where it is one of ours, else English."""
    return language if language in LANGUAGES else "en"
