"""Reading one field of an answer from what a person, a spreadsheet or a program sent."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, datetime
from fractions import Fraction

from app.domain.message import Message

MAX_TEXT = 20_000  # characters in a commentary or a reason
LONGEST_NUMBER = 30  # digits


class Unreadable(Exception):
    """What was sent for one field cannot be stored."""

    def __init__(self, msgid: str, **params: object) -> None:
        super().__init__(msgid)
        self.message = Message(msgid, params)


def is_blank(given: object) -> bool:
    """Whether nothing was given."""
    return given is None or (isinstance(given, str) and not given.strip())


def read_choice(given: object, known: Collection[str], msgid: str) -> str:
    """One of the keys that are known."""
    if isinstance(given, str) and given.strip() in known:
        return given.strip()
    raise Unreadable(msgid)


def read_whole(given: object, most: int, msgid: str, limit_msgid: str) -> int:
    """A whole number from 0 to `most`, which the second message names as `limit`; thousands may have commas."""
    digits = str(given).strip().replace(",", "") if isinstance(given, str | int) else ""
    if isinstance(given, bool) or not re.fullmatch(r"-?[0-9]+", digits):
        raise Unreadable(msgid)
    # by length first: Python refuses to read a number of thousands of digits
    if digits.startswith("-") or len(digits.lstrip("0")) > len(str(most)) or int(digits) > most:
        raise Unreadable(limit_msgid, limit=most)
    return int(digits)


def read_decimal(given: object, decimals: int, msgid: str, too_exact: str) -> str:
    """A decimal number in its one form: `-1234.5`, no zeros at either end. `too_exact` names `decimals`."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise Unreadable(msgid)
    text = str(given).strip().replace(",", "").replace("\N{MINUS SIGN}", "-")
    if not re.fullmatch(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)", text) or len(text) > LONGEST_NUMBER:
        raise Unreadable(msgid)
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _, part = digits.partition(".")
    whole, part = whole.lstrip("0") or "0", part.rstrip("0")
    if len(part) > decimals:
        raise Unreadable(too_exact, decimals=decimals)
    plain = f"{whole}.{part}" if part else whole
    return plain if Fraction(plain) == 0 else sign + plain


def read_date(given: object, msgid: str) -> date:
    """A day as YYYY-MM-DD, with or without zeros in front."""
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    text = given.strip() if isinstance(given, str) else ""
    parts = re.fullmatch(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", text)
    try:
        if parts:
            return date(*map(int, parts.groups()))
    except ValueError:
        pass  # such as 31 June: the same message
    raise Unreadable(msgid)


def read_text(given: object, too_long: str, unusable: str, most: int = MAX_TEXT) -> str:
    """A text with plain line breaks and no blanks around it. `too_long` names `length` and `limit`."""
    if not isinstance(given, str):
        raise Unreadable(unusable)
    # browsers send CR LF; word processors paste vertical tabs and form feeds for line breaks
    text = re.sub(r"\r\n|[\r\v\f]", "\n", given).strip()
    # these cannot be stored in every database, or not be printed
    if re.search(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]", text):
        raise Unreadable(unusable)
    if len(text) > most:
        raise Unreadable(too_long, length=len(text), limit=most)
    return text
