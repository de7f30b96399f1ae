"""Writing a disclosure pack as a workbook. Texts stay texts: nothing that was typed becomes a formula or a link."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import xlsxwriter

from app.domain.disclosure import GROUNDS, ROLES, Entry
from app.domain.message import N_

LONDON = ZoneInfo("Europe/London")
COLUMNS = (
    (N_("No."), 7),
    (N_("When"), 18),
    (N_("Who, by role"), 24),
    (N_("What"), 34),
    (N_("Text"), 80),
    (N_("Exempt"), 10),
    (N_("Why it is exempt"), 44),
)
LONGEST_CELL = 32767  # characters; a longer text goes on in the next row

Translate = Callable[[str], str]


def write_disclosure(
    found: Sequence[Entry], *, title: str, author: str, made: datetime, translate: Translate = N_
) -> bytes:
    """The pack as bytes of an .xlsx file. What is exempt is listed with the reason and without its text."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    book.set_properties({"title": title, "author": author, "created": made.replace(tzinfo=None)})
    sheet = book.add_worksheet(translate(N_("Disclosure"))[:31])
    head = book.add_format({"bold": True, "bg_color": "#E7EEF0", "text_wrap": True, "valign": "top"})
    body = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.write_string(0, 0, title, book.add_format({"bold": True, "font_size": 14}))
    for column, (name, width) in enumerate(COLUMNS):
        sheet.set_column(column, column, width)
        sheet.write_string(2, column, translate(name), head)
    row = 3
    for number, one in enumerate(found, start=1):
        why = ""
        if one.is_exempt:
            why = ": ".join(filter(None, (translate(GROUNDS[one.ground]), one.reason)))
        text = "" if one.is_exempt else one.text
        for start in range(0, max(1, len(text)), LONGEST_CELL):
            cells = (
                str(number), f"{one.at.astimezone(LONDON):%Y-%m-%d %H:%M}", translate(ROLES[one.role]),
                one.what.rendered(translate), text[start : start + LONGEST_CELL],
                translate(N_("yes")) if one.is_exempt else translate(N_("no")), why,
            )  # fmt: skip
            for column, value in enumerate(cells):
                sheet.write_string(row, column, value[:LONGEST_CELL], body)
            row += 1
    sheet.freeze_panes(3, 0)
    sheet.autofilter(2, 0, max(2, row - 1), len(COLUMNS) - 1)
    book.close()
    return out.getvalue()
