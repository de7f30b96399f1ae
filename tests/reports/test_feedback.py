"""The feedback to an agency as a PDF and as data: the same statements, accessible, and marked for what it is."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.models import Moderation, Monitoring, Submission
from app.operations import release as operations
from app.queries.release import feedback_document, latest
from reports.make import make_report
from reports.render import RenderFailed
from tests.operations.test_release import challenged, clock, codes, prepare, publish, settled, window
from tests.pdf_gate import assert_pdf_ua
from tests.pdf_text import text_of
from tests.world import SYSTEM, World

# pages do not depend on the database
pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
__all__ = ["codes"]  # a fixture


def make(world: World, code: str, out: Path, by: str = "", **more: object) -> None:
    world.session.rollback()
    actor = world.actor(by) if by else SYSTEM
    make_report(
        world.session, "feedback", world.audit_round, world.returns[code], out=out, actor=actor,
        data=out.with_suffix(".json"), now=more.pop("now", world.now), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_draft_and_what_is_published(world: World, codes: list[str], tmp_path: Path) -> None:
    code = codes[1]
    item = world.work(code).items[0]
    audit_return = world.returns[code]
    best = next(grade for grade in item.scheme.grades if grade.counts_as == "met")
    session = world.write()
    submission = session.scalars(select(Submission).where(Submission.return_id == audit_return.id)).one()
    session.add_all(
        [
            Moderation(
                return_id=audit_return.id, submission_id=submission.id, criterion=item.criterion.id, version=1,
                outcome="adjusted", self_grade=item.answer.value["grade"], grade=best.key,
                reason="The files show more than you said.", at=world.now,
            ),
            Monitoring(return_id=audit_return.id, reason="Until the training is done.", since=world.now),
        ]
    )  # fmt: skip
    world.session.commit()
    prepare(world)
    actor = world.actor("inspector")
    operations.write_narrative(
        world.write(), audit_return.public_id, narrative="First.\n\nSecond <b>thing</b>.", version=1, by=actor,
        now=world.now,
    )  # fmt: skip
    world.session.commit()
    with pytest.raises(RenderFailed, match="no feedback"):
        make(world, code, tmp_path / "none.pdf", by=f"signatory-{audit_return.agency_type}")

    out = tmp_path / "draft.pdf"
    make(world, code, out)
    assert_pdf_ua(out)
    text = text_of(out)
    said = (
        "A draft, shown to the agency", "Second <b>thing</b>.", "The files show more than you said.",
        "We checked 1 of your answers", "Until the training is done.", "Too few agencies of your type",
    )  # fmt: skip
    for part in said:
        assert part in text, part
    assert audit_return.agency.name in text and world.returns[codes[0]].agency.name not in text
    data = json.loads(out.with_suffix(".json").read_text())
    assert data["is_draft"] and data["moderated"]["met"] == 1 and data["own"]["met"] == 0

    at = world.now + timedelta(hours=1)
    publish(world, at)
    clock(world, at)
    out = tmp_path / "published.pdf"
    make(world, code, out, by=f"signatory-{audit_return.agency_type}", now=at)
    assert_pdf_ua(out)
    assert "Publication 1" in text_of(out) and "A draft" not in text_of(out)
    again = tmp_path / "again.pdf"
    make(world, code, again, now=at)
    assert again.read_bytes() == out.read_bytes()
    make(world, code, tmp_path / "welsh.pdf", language="cy", now=at)
    assert_pdf_ua(tmp_path / "welsh.pdf")


def test_a_version_that_was_corrected_says_so(world: World, codes: list[str], tmp_path: Path) -> None:
    prepare(world)
    window(world, world.now, world.now + timedelta(hours=1))
    thread = challenged(world, codes[0], now=world.now)
    at = world.now + timedelta(hours=2)
    publish(world, at, waived={"challenges": "Too late."})
    clock(world, at)
    settled(world, codes[0], thread, "replace", at, replacement="All is met, and was.")
    operations.correct(
        world.write(), world.audit_round.public_id, reason="A fault.", by=world.actor("lead-inspector"), now=at
    )
    world.session.commit()
    make(world, codes[0], tmp_path / "old.pdf", now=at, edition=1)
    assert "publication 2 stands in its place" in text_of(tmp_path / "old.pdf")
    make(world, codes[0], tmp_path / "new.pdf", now=at)
    assert "All is met, and was." in text_of(tmp_path / "new.pdf")
    assert latest(world.session, world.returns[codes[0]]).version == 2
    document = feedback_document(world.session, world.returns[codes[0]], actor=world.actor("board"), now=at)
    assert (document.version, document.edition, document.is_draft) == (2, 2, False)
