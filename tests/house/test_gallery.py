"""The gallery of the documentation is what the packs say today."""

from __future__ import annotations

from click.testing import CliRunner

from app.cli import main
from config import ROOT


def test_the_gallery_of_the_documentation_is_up_to_date() -> None:
    made = CliRunner().invoke(main, ["templates", "gallery"])
    assert made.exit_code == 0, made.output
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert page == made.output, "run `.venv/bin/candour templates gallery > docs/gallery.md`"
