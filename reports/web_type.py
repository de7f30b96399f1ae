"""The type of the page for phones, made of the packaged fonts: their letters for English and Welsh, and no more.

    python -m reports.web_type

writes it to `assets/web`, where it is kept. A cut font is another font: its licence (OFL) asks for another name.
"""

from __future__ import annotations

import io
from pathlib import Path

from reports.registry import ASSETS

WEB = ASSETS / "web"
# the printed font of each face: family and weight
FACES = {
    ("Serif", 400): "SourceSerif4-Regular.ttf", ("Serif", 600): "SourceSerif4-Semibold.ttf",
    ("Sans", 400): "SourceSans3-Regular.ttf", ("Sans", 600): "SourceSans3-Semibold.ttf",
}  # fmt: skip
LETTERS = (
    *range(0x20, 0x7F), *range(0xA0, 0x100), *range(0x174, 0x178), *range(0x2010, 0x2016), *range(0x2018, 0x201F),
    0x2020, 0x2021, 0x2022, 0x2026, 0x2030, 0x20AC, *range(0x2190, 0x2194), 0x2212, 0x2260, 0x2264, 0x2265, 0xFFFD,
)  # fmt: skip
FEATURES = ["ccmp", "kern", "liga", "lnum", "locl", "mark", "tnum"]
NAMED = {1: "Candour {}", 3: "Candour {} {}", 4: "Candour {} {}", 6: "Candour{}-{}", 16: "Candour {}"}


def cut(family: str, weight: int) -> bytes:
    """The bytes of a face as WOFF2."""
    # only who makes them needs it
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    with TTFont(ASSETS / "fonts" / FACES[family, weight], recalcTimestamp=False) as font:
        options = Options(flavor="woff2", hinting=False, desubroutinize=True, layout_features=FEATURES, name_IDs=["*"])
        cutter = Subsetter(options)
        cutter.populate(unicodes=LETTERS)
        cutter.subset(font)
        for record in list(font["name"].names):
            if record.nameID in NAMED:
                record.string = NAMED[record.nameID].format(family, weight)
        font.flavor = "woff2"
        out = io.BytesIO()
        font.save(out)
    return out.getvalue()


def file_of(family: str, weight: int) -> Path:
    """Where a face is kept."""
    return WEB / f"Candour{family}-{weight}.woff2"


def main() -> None:
    """Make all faces."""
    WEB.mkdir(exist_ok=True)
    for family, weight in FACES:
        file_of(family, weight).write_bytes(cut(family, weight))


if __name__ == "__main__":
    main()
