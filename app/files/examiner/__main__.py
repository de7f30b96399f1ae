"""The process that looks through one file: `python -m app.files.examiner FAMILY EXTENSION MEGABYTES SECONDS`.

The file is its standard input. Writes one JSON line: `{"magic": …}`, or `{"refused": code, "detail": …}`. It
has no secrets, and limits on memory, time and files that it cannot raise again.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any, BinaryIO

from app.files.examiner import Refused

HEAD = 1024**2  # bytes that libmagic looks at


def limit(megabytes: int, seconds: int) -> None:
    """Give this process limits that it cannot raise again."""
    for what, most in (
        (resource.RLIMIT_AS, megabytes * 1024**2),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 100 * 1024**2),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def examine(file: BinaryIO, family: str, extension: str) -> dict[str, Any]:
    """Look through a file; what libmagic calls it. Raises Refused."""
    import magic

    head = file.read(HEAD)
    called = magic.Magic(mime=True).from_buffer(head) if head else ""
    file.seek(0)
    if family == "pdf":
        from app.files.examiner import pdf

        pdf.examine(file)
    elif family in ("png", "jpeg"):
        from app.files.examiner import images

        images.examine(file, family)
    elif family == "text":
        from app.files.examiner import text

        text.examine(file, extension)
    else:
        from app.files.examiner import office

        (office.examine_ooxml if family == "ooxml" else office.examine_odf)(file, extension)
    return {"magic": called}


def main() -> None:
    """Examine standard input as the arguments say."""
    family, extension, megabytes, seconds = sys.argv[1:5]
    limit(int(megabytes), int(seconds))
    try:
        with open(0, "rb", closefd=False) as file:
            answer = examine(file, family, extension)
    except Refused as refused:
        answer = {"refused": refused.code, "detail": refused.detail}
    except (MemoryError, RecursionError):
        answer = {"refused": "complex", "detail": ""}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
