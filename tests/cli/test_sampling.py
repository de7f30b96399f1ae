"""The sample from the terminal: commit, draw, verify, through the real program."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from app import clock
from app.cli import main
from app.models import Sample, SampledReturn
from tests.operations.test_sampling import SHUT, more_agencies, submit
from tests.world import World


@pytest.fixture
def run(app):  # type: ignore[no-untyped-def]
    def invoke(*arguments: str, ok: bool = True) -> str:
        result: Result = CliRunner().invoke(main, ["sample", *arguments])
        assert (result.exit_code == 0) is ok, result.output
        assert "Traceback" not in result.output
        return result.output

    return invoke


def test_commit_draw_and_verify(run, world: World) -> None:  # type: ignore[no-untyped-def]
    for code in ["council-1", *more_agencies(world, 3)]:
        submit(world, code)
    key = world.audit_round.key
    assert "no round" in run("commit", "no-such-round", ok=False)
    assert "not drawn" in run("verify", key, ok=False)
    assert "share from 0 to 100" in run("commit", key, "--percent", "101", ok=False)
    assert "may not" in run("commit", key, "--as", "inspector@agency.example", ok=False)
    made = run("commit", key, "--percent", "50", "--minimum", "1", "--questions", "2", "--second", "0")
    digest = re.search(r"[0-9a-f]{64}", made)[0]  # type: ignore[index]
    assert "committed already" in run("commit", key, ok=False)
    assert "still open" in run("draw", key, ok=False)
    clock.pin(world.write(), SHUT.date())
    world.session.commit()
    drawn = run("draw", key, "--as", "lead-inspector@agency.example")
    assert "council: 2 of 4 at random" in drawn and "school: 0 of 0 at random" in drawn
    seed = re.search(r"Seed: ([0-9a-f]{64})", drawn)[1]  # type: ignore[index]
    assert seed != digest and f"Seed: {seed}" in run("draw", key), "a second draw is the first one"
    agreed = run("verify", key)
    assert agreed.count("agrees: ") == 8 and "DIFFERS" not in agreed
    world.write().execute(update(SampledReturn).values(place=None))
    world.session.commit()
    assert "DIFFERS: seed and list give the returns that were drawn" in run("verify", key, ok=False)
    world.write().execute(update(Sample).values(seed="0" * 64))
    world.session.commit()
    assert "DIFFERS: the seed has the hash that was made known" in run("verify", key, ok=False)
