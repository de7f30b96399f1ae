"""Plain text and CSV: readable, without control characters, no web page, no script, no formula that runs."""

from __future__ import annotations

import csv
import io
import re
from typing import BinaryIO

from app.files.examiner import Refused, foreign, no_second_format

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\x80-\x9f\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
_MARKUP = re.compile(
    r"<\s*(?:!doctype|html|head|body|script|svg|iframe|object|embed|meta|link|style|form|img|\?xml|\?php|%)", re.I
)
_SCRIPT_START = re.compile(
    r"\s*(?:#!|@echo\s+off|<\?|'use strict'|\"use strict\"|x5o!p%@ap"
    r"|from:?\s.+\n(?:[\w-]+:.*\n){0,50}(?:subject|mime-version):)",
    re.I,
)
# a formula, or the old way to start a program from a sheet; a telephone number or “- none” is neither
_FORMULA = re.compile(r"[\s\x00]*(?:=|[+\-@]\s*[A-Za-z_.]{2,}\(|[+\-@].*\|.*!)")
LONGEST_FIELD = 200_000


def decoded(data: bytes) -> str:
    """The text of a file: UTF-8, UTF-16 with its mark, or what Windows wrote before (Windows-1252)."""
    try:
        if is_wide := data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16")
        if b"\0" in data:
            raise Refused("controls")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if is_wide:
            raise Refused("encoding") from None
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        raise Refused("encoding") from None


def examine(file: BinaryIO, extension: str) -> None:
    """Examine a text. Raises Refused."""
    data = file.read()
    no_second_format(data[:1200], data[-66000:])
    if what := foreign(data[:64]):
        raise Refused("mismatch", what)
    text = decoded(data)
    if not text.strip():
        raise Refused("empty")
    if _CONTROLS.search(text):
        raise Refused("controls")
    if _MARKUP.search(text) or _SCRIPT_START.match(text):
        raise Refused("script")
    if extension == "csv":
        _check_cells(text)


def _check_cells(text: str) -> None:
    csv.field_size_limit(LONGEST_FIELD)
    first = text[:10_000].splitlines()[0] if text.strip() else ""
    separator = max(",;\t", key=first.count)
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), start=1):
            for cell in row:
                if _FORMULA.match(cell):
                    raise Refused("formula", str(number))
    except csv.Error:
        raise Refused("damaged") from None
    # other programs split at other signs than this one did
    if found := re.search(r"(?:^|[,;\t\n\r|])[\"' ]*=\s*[A-Za-z_]+\s*[(|]", text):
        raise Refused("formula", str(text.count("\n", 0, found.start()) + 1))
