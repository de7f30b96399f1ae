"""Looking through a file that somebody sent. Runs in a process of its own, with limits: see `__main__`.

Each module reads one family of formats, strictly: what it does not understand it refuses, because the program
that opens the file later may understand it differently.
"""

from __future__ import annotations

import re

MOST_UNPACKED = 200 * 1024**2  # bytes, of all parts of a file together
MOST_RATIO = 150  # unpacked to packed, from the size on that could trouble anybody
RATIO_MATTERS = 20 * 1024**2
MOST_PARTS = 4000
MOST_PIXELS = 64_000_000
LONGEST_SIDE = 20_000


class Refused(Exception):
    """A file is not taken. `code` chooses the words; `detail` names the place or the thing, safe to show."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = re.sub(r"[^\w .,:/()#+-]", "?", detail)[:80]


_SIGNATURES = (
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"\xfe\xed\xfa\xce", "a program"),
    (b"\xfe\xed\xfa\xcf", "a program"),
    (b"\xce\xfa\xed\xfe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\x00asm", "a program"),
    (b"#!", "a script"),
    (b"\xd0\xcf\x11\xe0", "an older Office file"),
    (b"PK\x03\x04", "an archive"),
    (b"PK\x05\x06", "an archive"),
    (b"Rar!", "an archive"),
    (b"7z\xbc\xaf", "an archive"),
    (b"\x1f\x8b", "an archive"),
    (b"MSCF", "an archive"),
    (b"{\\rtf", "an RTF file"),
    (b"%PDF-", "a PDF"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "a shortcut"),
)
_MARKUP = re.compile(rb"(?i)<(?:!doctype|html|script|svg|iframe|object|embed|body|head|\?php|%@)|<\?xml")


def foreign(head: bytes) -> str:
    """What the first bytes of a file or a part say it is, where that is never taken inside another."""
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            return what
    return "a web page or script" if _MARKUP.match(head.lstrip(b"\xef\xbb\xbf \t\r\n")) else ""


def no_second_format(head: bytes, tail: bytes) -> None:
    """Refuse a file that is a PDF or an archive too: readers look for those in the first kilobyte and at the end."""
    if b"%PDF-" in head[:1100]:
        raise Refused("hidden", "PDF")
    if b"PK\x05\x06" in tail or b"PK\x06\x07" in tail:
        raise Refused("hidden", "ZIP")
