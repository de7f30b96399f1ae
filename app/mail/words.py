"""The words of a mail in its reader's language, outside of any request: the worker and the commands write mails too."""

from __future__ import annotations

from datetime import date, datetime

from babel.dates import format_date

from app.clock import today
from app.domain.mail import plain
from app.domain.message import Message
from app.domain.text import localise
from app.languages import LANGUAGES, translations


def words(message: Message, language: str) -> str:
    """A message in one of our languages. Instants and days are written as London days."""

    def show(value: object) -> str:
        if isinstance(value, Message):
            return words(value, language)
        if isinstance(value, datetime):
            value = today(value)
        if isinstance(value, date):
            return format_date(value, "d MMMM y", locale=LANGUAGES[language])
        return plain(localise(value, language) if isinstance(value, dict) else str(value))

    return message.rendered(translations(language).gettext, show)
