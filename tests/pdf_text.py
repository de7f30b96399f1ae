"""The text of our own PDFs, as somebody reads it: of what our renderer writes alone, in a tenth of pypdf's time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pypdf

# what the renderer writes of a text: its matrix, its font and size, and its glyphs with corrections between them
STEP = re.compile(rb"((?:[-\d.]+ ){6})Tm|/(\S+) ([\d.]+) Tf|\[([^\]]*)\] TJ")
GLYPHS = re.compile(rb"<([0-9a-f]+)>|(-?[\d.]+)")
ENTRY = re.compile(rb"<([0-9a-f]{4})> <([0-9a-f]+)>\n")
NEAR = 0.15  # of the size of letters: texts that are no further apart are one word


class Font:
    """What the glyphs of a font mean, and how wide they are."""

    def __init__(self, font: Any) -> None:
        entries = ENTRY.findall(font["/ToUnicode"].get_data())
        self.meanings = {int(glyph, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for glyph, text in entries}
        self.widths: dict[int, float] = {}
        widths = font["/DescendantFonts"][0].get_object()["/W"]
        for first, those in zip(widths[::2], widths[1::2], strict=True):
            self.widths |= {int(first) + place: float(width) for place, width in enumerate(those)}

    def read(self, glyphs: bytes) -> tuple[str, float]:
        """What a row of glyphs says, and how wide it is, in thousandths of the size."""
        text, width = [], 0.0
        for shown, back in GLYPHS.findall(glyphs):
            if back:
                width -= float(back)
                continue
            for start in range(0, len(shown), 4):
                glyph = int(shown[start : start + 4], 16)
                text.append(self.meanings.get(glyph, ""))
                width += self.widths.get(glyph, 0)
        return "".join(text), width


def pages_of(path: Path) -> tuple[str, ...]:
    """The text of each page: a new line where a text stands lower or higher, a space where there is a gap."""
    fonts: dict[int, Font] = {}
    return tuple("".join(_texts(page, fonts)).strip() for page in pypdf.PdfReader(path).pages)


def text_of(path: Path) -> str:
    """The text of all pages, with each run of white space as one space."""
    return re.sub(r"\s+", " ", " ".join(pages_of(path)))


def _texts(page: Any, fonts: dict[int, Font]) -> list[str]:
    content, own = page.get_contents(), page["/Resources"].get("/Font", {})
    found: list[str] = []
    font, size, x, y, start, end, line = None, 0.0, 0.0, 0.0, 0.0, 0.0, None
    for matrix, name, of_size, glyphs in STEP.findall(content.get_data() if content is not None else b""):
        if matrix:
            x, y = map(float, matrix.split()[4:])
        elif name:
            reference, size = own.raw_get(f"/{name.decode()}").idnum, float(of_size)
            if reference not in fonts:
                fonts[reference] = Font(own[f"/{name.decode()}"])
            font = fonts[reference]
        elif font:
            text, width = font.read(glyphs)
            width *= size / 1000
            # the dots of contents are written from right to left
            apart = min(abs(x - end), abs(x + width - start)) > NEAR * size
            found += ["\n" if y != line else " " if apart else "", text]
            start, end, line = x, x + width, y
    return found
