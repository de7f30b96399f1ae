"""File names from outside: made safe to store, to show and to download under; never used as a path."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 120
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)")
_NOT_IN_NAMES = re.compile(r'[<>:"|?*]')


def clean(raw: str | None) -> str:
    """A name as it is kept and shown: its last part, without control and direction characters, 120 characters at most.

    The ending stays; what is cut is cut before it. Empty where nothing of a name is left.
    """
    name = unicodedata.normalize("NFC", raw or "")
    name = re.split(r"[/\\]", name)[-1]
    # control, format (direction overrides, zero width), surrogate, private and unassigned characters; odd spaces
    name = "".join(" " if unicodedata.category(one) in ("Zs", "Zl", "Zp") else one for one in name)
    name = "".join(one for one in name if unicodedata.category(one)[0] != "C")
    name = _NOT_IN_NAMES.sub("_", name)
    name = " ".join(name.split()).strip(". ")
    stem, dot, ending = name.rpartition(".")
    if not dot:
        stem, ending = name, ""
    stem, ending = stem.strip(". "), ending.strip()
    if _RESERVED.fullmatch(stem.split(".")[0].strip()):
        stem = f"_{stem}"
    room = LONGEST - len(ending) - 1 if dot else LONGEST
    return f"{stem[: max(1, room)].rstrip('. ')}{dot}{ending}"[:LONGEST] if stem else ""


def endings(name: str) -> list[str]:
    """The parts of a clean name after its first dot, in lower case: `report.final.PDF` gives `final` and `pdf`."""
    return [part.strip().lower() for part in name.split(".")[1:]]
