"""Bundles from the terminal: out of one return, before another; decided about on its page."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from app.bundle import kept_file, read_bundle
from app.cli import main
from app.models import StagedImport
from config import Config
from tests.world import World


@pytest.fixture
def code(world: World) -> str:
    return next(iter(world.returns))


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, words)
    return result.exit_code, result.output


def test_out_and_in_again(world: World, code: str, config: Config, tmp_path: Path) -> None:
    world.answer(code, standards=1)
    world.session.commit()
    out = tmp_path / "bundle.zip"
    status, said = run("bundle", "export", "test-round", code, "--out", str(out))
    assert status == 0, said
    with out.open("rb") as file:
        manifest = read_bundle(file, largest_file=10**6, largest=10**7)
    assert manifest.content_hash in said
    assert len(manifest.answers) == sum(1 for item in world.work(code).items if item.started)
    world.session.commit()
    status, said = run("bundle", "import", "test-round", code, str(out), "--as", "lead@agency.example")
    assert status == 0, said
    world.session.rollback()
    staged = world.session.scalars(select(StagedImport)).one()
    assert said.strip().endswith(f"/offline/uploads/{staged.public_id}")
    assert staged.by_id == world.people["lead"].id
    assert kept_file(config.home, staged.public_id).read_bytes() == out.read_bytes()


def test_what_cannot_be_taken_is_said_in_words(world: World, code: str, config: Config, tmp_path: Path) -> None:
    world.session.commit()
    wrong = tmp_path / "b.zip"
    wrong.write_bytes(b"x")
    status, said = run("bundle", "import", "test-round", code, str(wrong))
    assert status == 1
    assert "not a bundle" in said
    assert "there is no round" in run("bundle", "export", "none", code, "--out", str(tmp_path / "x"))[1]
    status, said = run(
        "bundle", "export", "test-round", code, "--out", str(tmp_path / "x"), "--as", "inspector@agency.example"
    )
    assert status == 1
    assert not (tmp_path / "x").exists()
