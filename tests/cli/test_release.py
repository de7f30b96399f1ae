"""What comes out of a round, from the terminal: feedback, the window for its facts, publication, corrections."""

from __future__ import annotations

import errno
import re
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app import clock
from app.jobs import batches as files
from app.models import Feedback, Publication, Release
from tests.cli.test_cli import run  # noqa: F401
from tests.operations.test_release import clock as clock_of_the_worker
from tests.operations.test_release import codes  # noqa: F401 - a fixture
from tests.operations.test_returns import sign
from tests.world import World

LEAD = ("--as", "lead-inspector@agency.example")
INSPECTOR = ("--as", "inspector@agency.example")
TO_PUBLISH = ("--at", "2003-05-20 09:30")


@pytest.fixture
def key(world: World, codes: list[str]) -> str:  # noqa: F811
    """The round's key; two of its agencies have submitted."""
    world.session.rollback()
    return world.audit_round.key


def later(world: World, day: date) -> None:
    """Let the service's clock stand at another day."""
    clock.pin(world.write(), day)
    world.session.commit()


def test_feedback_is_prepared_and_again_only_where_something_changed(run, world: World, key: str) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    assert "no round with the key “other”" in run("release", "prepare", "other", ok=False).output
    signatory = ("--as", "signatory@agency.example")
    assert "may not see it" in run("release", "prepare", key, *signatory, ok=False).output
    assert "Feedback: 2 new versions" in run("release", "prepare", key, *INSPECTOR).output
    assert "Feedback: 0 new versions" in run("release", "prepare", key).output
    world.session.rollback()
    assert len(world.session.scalars(select(Feedback)).all()) == 2


def test_a_window_says_what_is_wrong_with_it(run, world: World, key: str) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    def window(opens: str, closes: str, *more: str, ok: bool = True) -> str:
        return str(run("release", "window", key, "--from", opens, "--to", closes, *more, ok=ok).output)

    week = ("2003-05-14 09:00", "2003-05-21 17:00")
    assert "No feedback is prepared yet" in window(*week, *LEAD, ok=False)
    run("release", "prepare", key)
    assert "Write it as 2003-07-01 09:30" in window("14 May", "2003-05-21 17:00", ok=False)
    assert "must close after it opens" in window(*reversed(week), ok=False)
    assert "later than now" in window("2003-05-01 09:00", "2003-05-02 09:00", ok=False)
    assert "may not see it" in window(*week, *INSPECTOR, ok=False)
    assert "from 2003-05-14 09:00 to 2003-05-21 17:00" in window(*week, *LEAD)
    world.session.rollback()
    release = world.session.scalars(select(Release)).one()
    assert release.accuracy_opens is not None and release.accuracy_opens.hour == 8, "London’s summer time"


def test_publishing_names_what_stands_in_the_way_and_how_to_go_on(run, world: World, key: str) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    run("release", "prepare", key)
    run("release", "window", key, "--from", "2003-05-14 09:00", "--to", "2003-05-21 17:00")
    refused = run("publish", key, *TO_PUBLISH, *LEAD, ok=False).output
    assert "window: The window for factual accuracy is not over by then: 1 (or --waive window=REASON)" in refused
    assert "Settle this first, or give a reason" in refused
    assert "nothing is called windows; known are missing," in (
        run("publish", key, *TO_PUBLISH, "--waive", "windows=x", ok=False).output
    )
    assert "as --waive window=REASON" in run("publish", key, *TO_PUBLISH, "--waive", "window", ok=False).output
    assert "Choose a time that is ahead" in run("publish", key, "--at", "2003-05-01 09:30", ok=False).output
    assert "may not see it" in run("publish", key, *TO_PUBLISH, *INSPECTOR, ok=False).output
    world.session.rollback()
    assert world.session.scalars(select(Release)).one().prepared is None, "nothing of it was stored"
    said = run("publish", key, *TO_PUBLISH, "--waive", "window=Ministers wait for it.", *LEAD).output
    assert "come out on 2003-05-20 at 09:30 London time, with the feedback to 2 agencies" in said
    world.session.rollback()
    assert world.session.scalars(select(Publication)).all() == [], "not before its minute"


def test_a_correction_prints_what_it_changes(run, world: World, codes: list[str], key: str) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    correct = ("release", "correct", key, "--reason", "A figure was wrong.")
    assert "Nothing is published yet" in run(*correct, ok=False).output
    run("release", "prepare", key)
    run("publish", key, *TO_PUBLISH, *LEAD)
    later(world, date(2003, 5, 21))
    assert clock_of_the_worker(world, world.now + timedelta(days=9)) == 1
    assert "Nothing is different" in run(*correct, *LEAD, ok=False).output
    assert "published already" in run("publish", key, "--at", "2003-05-30 09:30", ok=False).output
    assert "is over" in (
        run("release", "window", key, "--from", "2003-05-22 09:00", "--to", "2003-05-23 09:00", ok=False).output
    )
    # an agency submits after the findings came out
    third = list(world.returns)[2]
    world.answer(third, by=f"signatory-{world.returns[third].agency_type}")
    sign(world, third, by=f"signatory-{world.returns[third].agency_type}")
    assert "Say why" in run("release", "correct", key, "--reason", " ", *LEAD, ok=False).output
    said = run(*correct, *LEAD).output
    assert "Published as number 2," in said and "Response" in said and "->" in said
    world.session.rollback()
    rows = world.session.scalars(select(Publication).order_by(Publication.number)).all()
    assert [(row.number, row.reason) for row in rows] == [(1, ""), (2, "A figure was wrong.")]
    assert rows[1].sha256 in said


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the worker's steps are tested on both
def test_a_batch_is_made_from_the_terminal_and_goes_on_after_it_failed(
    run, world: World, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch  # type: ignore[no-untyped-def] # noqa: F811
) -> None:
    out = tmp_path / "receipts.zip"
    asked = ("report", "batch", "receipt", "--round", key, "--form", "json", "--out", str(out))
    assert "is no report that can be made for many" in run("report", "batch", "joint-findings", "--round", key,
                                                           ok=False).output  # fmt: skip

    def full(*_given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_file", full)
        said = run(*asked, ok=False).output
    assert "2 of 2 made. There is no room left where the service keeps its files" in said and not out.exists()
    batch = re.findall(r"--resume (\w+)", said)[0]
    assert "2 made, 0 failed, SHA-256" in run(*asked, "--resume", batch).output
    with zipfile.ZipFile(out) as archive:
        assert sorted(Path(name).suffix for name in archive.namelist()) == [".csv", *[".json"] * 3, *[".pdf"] * 2]
