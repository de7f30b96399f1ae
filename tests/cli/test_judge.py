"""`candour judge`: a round, or one agency's return, judged from the terminal through the real program."""

from __future__ import annotations

from click.testing import CliRunner
from flask import Flask

from app.cli import main
from tests.operations.test_judgements import submitted, world  # noqa: F401 - a fixture
from tests.world import World


def run(*arguments: str, ok: bool = True) -> str:
    """The output of the command."""
    result = CliRunner().invoke(main, ["judge", *arguments])
    assert (result.exit_code == 0) is ok and "Traceback" not in result.output, result.output
    return result.output


def test_a_round_is_judged_from_the_terminal(app: Flask, world: World) -> None:  # noqa: F811
    assert "Judged 0" in run("test-round")
    submitted(world)
    assert "no round with the key" in run("no-such-round", ok=False)
    assert "no such thing" in run("test-round", "--agency", "nobody", ok=False)
    assert "not submitted" in run("test-round", "--agency", "nhs-1", ok=False)
    assert "may not see it" in run("test-round", "--as", "signatory@agency.example", ok=False)
    said = run("test-round", "--agency", "council-1", "--as", "assessor@agency.example")
    assert said == "Judged 1: judgements of 1 changed, 1 wait for a judgement to be entered.\n"
    assert "Judged 1: judgements of 0 changed" in run("test-round")
