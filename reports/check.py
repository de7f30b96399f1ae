"""Whether a PDF is what its data give: made again from what is attached in it, and compared byte for byte."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.domain.integrity import sha256_hex
from reports.attached import NotOurs, read
from reports.registry import reports
from reports.render import render_pdf

NAMES = {
    "language": "language",
    "snapshot_id": "snapshot",
    "content_sha256": "hash of the data",
    "program": "version of Candour",
    "weasyprint": "version of WeasyPrint",
    "pango": "version of Pango",
    "fonts": "hash of the fonts",
    "design": "hash of the report’s design",
}


@dataclass(frozen=True)
class Checked:
    """What a check found. `differs`: what the file was made with and what is here, by name, where the two differ."""

    report: str
    sha256: str
    again: str
    data_hold: bool
    differs: dict[str, tuple[str, str]]

    @property
    def agrees(self) -> bool:
        """Whether the same bytes came out."""
        return self.sha256 == self.again


def check(path: Path) -> Checked:
    """Make the PDF at a path again and compare. Raises NotOurs for another file, and RenderFailed."""
    content = path.read_bytes()
    found = read(content)
    if found.report not in reports():
        raise NotOurs(f"This version of Candour has no report “{found.report}”.")
    try:
        data = json.loads(found.data)
    except ValueError:
        raise NotOurs("The data that are attached in this PDF cannot be read.") from None
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "again.pdf"
        made = render_pdf(found.report, data, out)
        here = read(out.read_bytes()).made if made.sha256 != sha256_hex(content) else found.made
    return Checked(
        report=found.report,
        sha256=sha256_hex(content),
        again=made.sha256,
        data_hold=sha256_hex(found.data) == found.made.get("content_sha256"),
        differs={
            name: (found.made.get(key, ""), here.get(key, ""))
            for key, name in NAMES.items()
            if found.made.get(key) != here.get(key)
        },
    )
