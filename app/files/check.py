"""Examining what somebody sent, before any of it is kept: name, size, content and structure must agree.

The content is looked through in a process of its own (`app.files.examiner`), with limits on memory and time:
whatever is sent, the answer comes within seconds, and a fault in a parser harms nothing. What cannot be
examined is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import IO, Any

import structlog

from app.domain.message import N_, Message
from app.files.kinds import ARCHIVES, KINDS, MAILS, OLD_OFFICE, PICTURES, PROGRAMS, WITH_MACROS, Kind
from app.files.names import clean, endings
from config import ROOT

log = structlog.get_logger()

MEMORY = 200  # megabytes of address space for one examination of a file of up to 20 megabytes
SECONDS = 4  # of processor time, and a little more of any
PIECE = 256 * 1024

WORDS: dict[str, str] = {
    "no_file": N_("Choose a file"),
    "several": N_("Choose one file at a time. Add this one first, then the next."),
    "no_name": N_(
        "This file has no name that can be kept. Give it a name of letters, with its ending, and choose it"
        " again."
    ),
    "no_ending": N_(
        "“%(name)s” has no ending such as .pdf, so it cannot be told what it is. Save it as PDF, Word, Excel,"
        " PowerPoint, OpenDocument, text, CSV, PNG or JPEG, and choose it again."
    ),
    "kind": N_(
        "“%(name)s” is not a kind of file that can be attached. Save it as PDF, Word, Excel, PowerPoint,"
        " OpenDocument, text, CSV, PNG or JPEG, and choose it again."
    ),
    "old_office": N_(
        "“%(name)s” is an older format that may hold programs. Open it, save it as a .docx, .xlsx or .pptx"
        " file or as a PDF, and choose that."
    ),
    "archive": N_(
        "“%(name)s” is an archive, and nobody can see what is in it. Attach the files that are in it, one"
        " at a time."
    ),
    "mail": N_(
        "“%(name)s” is an e-mail. Print it to a PDF, check that it names no child, and attach the PDF."
    ),
    "picture": N_(
        "“%(name)s” is a kind of picture that not everybody can open. Save it as PNG or JPEG, and choose"
        " that."
    ),
    "program_name": N_(
        "“%(name)s” has .%(detail)s in its name, as programs do. Rename the file without it, and choose it"
        " again."
    ),
    "empty": N_("“%(name)s” is empty. Open it to see whether it was saved, then choose it again."),
    "too_large": N_(
        "“%(name)s” is larger than %(most)s MB, which is the most for one file. Attach the pages that"
        " matter, or save its pictures smaller."
    ),
    "mismatch": N_(
        "“%(name)s” is not what its ending .%(extension)s says. Open it in the program it was made with,"
        " save it again as %(label)s, and choose the new file."
    ),
    "damaged": N_(
        "“%(name)s” is damaged or was not copied whole, so nobody could read it. Open it in the program it"
        " was made with, save it again, and send the new file."
    ),
    "hidden": N_(
        "“%(name)s” holds something else before, between or after its own content. Open it, save it again"
        " under a new name, and choose the new file."
    ),
    "encrypted": N_(
        "“%(name)s” is protected by a password, or against printing or copying, so nobody can check what is"
        " in it. Take the protection off, save it, and choose it again."
    ),
    "macros": N_(
        "“%(name)s” holds macros, which are programs. Save it without them, or as a PDF, and choose that."
    ),
    "inside": N_(
        "“%(name)s” holds another file or object inside it (%(detail)s). Take it out, or save the document"
        " as a PDF, and choose that."
    ),
    "external": N_(
        "“%(name)s” fetches content from somewhere else when it is opened (%(detail)s). Break its links to"
        " other files, or save it as a PDF, and choose that."
    ),
    "link": N_(
        "“%(name)s” has a link that opens more than a web page (%(detail)s). Take the link out, and choose"
        " the file again."
    ),
    "attached": N_("“%(name)s” has other files attached inside it. Print it to a new PDF, and choose that."),
    "active": N_(
        "“%(name)s” does something by itself or sends data when it is used (%(detail)s). Print it to a new"
        " PDF, and choose that."
    ),
    "script": N_(
        "“%(name)s” holds a web page or a script, which could run when it is opened. Save what it says as"
        " text or as a PDF, and choose that."
    ),
    "formula": N_(
        "Line %(detail)s of “%(name)s” begins a cell with a formula, which could run when it is opened."
        " Save the sheet as .xlsx, or with values in place of formulas, and choose that."
    ),
    "controls": N_(
        "“%(name)s” holds characters that are no text. Save it as plain text (UTF-8), and choose it again."
    ),
    "encoding": N_(
        "The characters of “%(name)s” cannot be read. Save it as plain text (UTF-8), and choose it again."
    ),
    "dimensions": N_(
        "“%(name)s” is a picture of %(detail)s pixels, which is too many to open safely. Save it smaller,"
        " and choose it again."
    ),
    "bomb": N_(
        "“%(name)s” unpacks to far more than its size, so it could stop a computer that opens it. Attach"
        " the part that matters, or save it as a PDF."
    ),
    "xml_type": N_(
        "“%(name)s” is built in a way that could stop a computer that opens it. Open it, save it again"
        " under a new name, and choose the new file."
    ),
    "complex": N_(
        "“%(name)s” is built in a way that cannot be examined safely. Print it to a PDF, and choose that."
    ),
    "slow": N_("“%(name)s” takes too long to examine. Print it to a PDF, or attach the part that matters."),
    "unexaminable": N_(
        "“%(name)s” was not kept: the service cannot examine files at the moment. Try again later; if it"
        " happens again, tell whoever runs this service."
    ),
    "infected": N_(
        "A virus scanner found something harmful in “%(name)s” (%(detail)s), so it was not kept. Tell your"
        " information technology department, and do not open it."
    ),
}


class FileRefused(Exception):
    """A file was not taken. `message` says for people what is wrong with it and how to mend it."""

    def __init__(self, code: str, *, name: str = "", detail: str = "", **params: object) -> None:
        words = {"name": name, "detail": detail} | params
        self.code = code
        self.message = Message(WORDS[code], words)
        super().__init__(code)


@dataclass(frozen=True)
class CheckedFile:
    """A file that may be kept. `file` stands at its start; it is gone when it is closed."""

    name: str
    kind: Kind
    size: int
    sha256: str
    file: IO[bytes]


def check_name(raw: str | None) -> tuple[str, Kind]:
    """The name as it is kept, and the kind its ending says. Raises FileRefused."""
    if not raw:
        raise FileRefused("no_file")
    name = clean(raw)
    if not name:
        raise FileRefused("no_name")
    parts = endings(name)
    if not parts or not parts[-1]:
        raise FileRefused("no_ending", name=name)
    last = parts[-1]
    if last not in KINDS:
        for code, extensions in (
            ("macros", WITH_MACROS), ("old_office", OLD_OFFICE), ("archive", ARCHIVES), ("mail", MAILS),
            ("picture", PICTURES),
        ):  # fmt: skip
            if last in extensions:
                raise FileRefused(code, name=name)
        raise FileRefused("kind", name=name)
    if inner := next((part for part in parts[:-1] if part in PROGRAMS), ""):
        raise FileRefused("program_name", name=name, detail=inner)
    return name, KINDS[last]


def check(sent: IO[bytes], raw_name: str | None, *, most: int) -> CheckedFile:
    """Examine a file of at most `most` bytes. Raises FileRefused, with words for whoever sent it.

    The caller closes `file` of the result.
    """
    name, kind = check_name(raw_name)
    kept = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
    try:
        digest, size = hashlib.sha256(), 0
        while piece := sent.read(PIECE):
            size += len(piece)
            if size > most:
                raise FileRefused("too_large", name=name, most=most // 1024**2)
            digest.update(piece)
            kept.write(piece)
        if not size:
            raise FileRefused("empty", name=name)
        kept.flush()
        kept.seek(0)
        answer = _examined(kept, kind, MEMORY + 5 * max(0, most // 1024**2 - 20))
        if code := answer.get("refused"):
            raise FileRefused(
                code if code in WORDS else "complex", name=name, detail=answer.get("detail") or kind.label,
                extension=kind.extension, label=kind.label,
            )  # fmt: skip
        if answer.get("magic") not in kind.magic and not _is_other_text(kind, str(answer.get("magic"))):
            raise FileRefused("mismatch", name=name, extension=kind.extension, label=kind.label)
        kept.seek(0)
    except BaseException:
        kept.close()
        raise
    return CheckedFile(name, kind, size, digest.hexdigest(), kept)


_NEVER_TEXT = frozenset(
    f"text/{one}"
    for one in (
        "html", "xml", "rtf", "x-shellscript", "x-msdos-batch", "x-python", "x-script.python", "x-perl", "x-php",
        "x-ruby", "javascript",
    )
)  # fmt: skip


def _is_other_text(kind: Kind, called: str) -> bool:
    """libmagic takes prose for many kinds of text (a programming language, troff); few of them can do anything."""
    return kind.family == "text" and called.startswith("text/") and called not in _NEVER_TEXT


def _examined(file: IO[bytes], kind: Kind, memory: int) -> dict[str, Any]:
    """What the examining process says of a file; `memory` is its limit in megabytes."""
    command = [sys.executable, "-m", "app.files.examiner", kind.family, kind.extension, str(memory), str(SECONDS)]
    try:
        done = subprocess.run(
            command, stdin=file, capture_output=True, timeout=SECONDS + 2, cwd=ROOT, check=False,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"refused": "slow"}
    if done.returncode < 0:
        return {"refused": "slow"}  # the limit on processor time
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        complaint = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        log.error("examination failed", code=done.returncode, complaint=complaint)
        return {"refused": "complex" if b"MemoryError" in done.stderr else "unexaminable"}
    return answer
