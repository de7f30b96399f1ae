"""What the writer and the reader of the workbook agree on.

Columns and answers are found by hidden ids, never by their place or their words: sheets and columns may be renamed and
moved. Rows of a standard's sheet: title, guidance, hidden column ids, heads, one row for each question.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.integrity import hash_of
from app.domain.message import N_

FORMAT = "candour-workbook/1"
MARK = "candour:"  # before the id of a column, in the hidden row
OURS = f"{MARK}no-answers"  # in a cell of the sheets that hold no answers
META_SHEET = "Candour"  # hidden: what the file is of
LISTS_SHEET = "Lists"  # hidden: what drop-downs offer


@dataclass(frozen=True)
class Column:
    """A column of a standard's sheet. `field` is the answer's field that is typed there, if any."""

    key: str
    head: str
    width: int
    field: str = ""


ANSWER_FIELDS = ("grade", "basis", "files", "files_date", "commentary", "date_expected", "reason")
COLUMNS = (
    Column("number", N_("No."), 6),
    Column("question", N_("Question"), 46),
    Column("area", N_("Area"), 16),
    Column("why", N_("Why it is asked"), 34),
    Column("evidence", N_("What could show it"), 34),
    Column("milestone", N_("Should be in place by"), 17),
    Column("grade", N_("Grade"), 20, "grade"),
    Column("basis", N_("How do you know?"), 24, "basis"),
    Column("files", N_("Files looked at"), 10, "files"),
    Column("files_date", N_("Date files were looked at"), 19, "files_date"),
    Column("commentary", N_("Commentary"), 60, "commentary"),
    Column("date_expected", N_("Expected in place by"), 19, "date_expected"),
    Column("reason", N_("Reason, where the grade asks for one"), 34, "reason"),
    Column("actions", N_("Planned actions"), 44),
    Column("files_attached", N_("Evidence"), 34),
    Column("saved", N_("Last saved"), 24),
    Column("id", N_("Id, do not change"), 8),
    Column("version", N_("Version, do not change"), 8),
)
DATES = frozenset({"files_date", "date_expected"})


def checksum(return_id: str, template_sha256: str, versions: Iterable[tuple[str, int]]) -> str:
    """Shows whether the hidden ids and versions are as they were written: (id, version) of every question."""
    return hash_of({"return": return_id, "template": template_sha256, "items": sorted(map(list, versions))})


def cell_text(text: str) -> str:
    """A text as a cell can hold it: two characters that XML has no place for become a replacement mark."""
    return text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
