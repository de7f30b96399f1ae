"""The commands that make what the gallery shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from config import Config


def test_a_pack_that_is_not_there_is_said_with_those_that_are(
    config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CANDOUR_HOME", str(config.home))
    made = CliRunner().invoke(main, ["templates", "sample", "nothing", str(tmp_path / "out")])
    assert made.exit_code == 1
    assert "there is no pack “nothing”" in made.output
    assert "section-11-2024" in made.output
    assert not (tmp_path / "out").exists()


def test_without_settings_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CANDOUR_HOME", str(tmp_path / "nowhere"))
    made = CliRunner().invoke(main, ["templates", "sample", "section-11-2024", str(tmp_path / "out")])
    assert made.exit_code == 1
    assert "candour setup" in made.output
