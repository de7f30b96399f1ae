"""What feedback says of judgements: the grade, the rule, a cap and what it is without, own grades, overrides."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.feedback import FeedbackContent
from app.operations import judgements
from app.operations import release as operations
from app.queries.release import content_of, latest
from tests.operations.test_judgements import check, judged, submitted
from tests.operations.test_judgements import world as world  # a fixture
from tests.pdf_gate import assert_pdf_ua
from tests.reports.test_feedback import make, text_of
from tests.world import SYSTEM, World

# pages do not depend on the database
pytestmark = [pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
CODE = "council-1"


def prepared(world: World) -> FeedbackContent:
    """The newest feedback to the council."""
    operations.prepare(world.write(), world.audit_round.public_id, by=SYSTEM, now=world.now)
    world.session.commit()
    row = latest(world.session, world.returns[CODE])
    assert row is not None
    return content_of(row)


def said(content: FeedbackContent) -> dict[str, str]:
    """The statements on judgements as they are read."""
    return {one.id: str(one.message) for one in content.statements if one.part == "judgement"}


def test_nothing_is_said_before_anything_is_judged_nor_of_what_waits(world: World) -> None:
    public_id = submitted(world)
    assert said(prepared(world)) == {}
    judged(world, public_id)
    found = said(prepared(world))
    assert set(found) == {
        "judgement.child-protection", "judgement.child-protection.rule", "judgement.children", "judgement.children.rule"
    }  # fmt: skip
    assert found["judgement.child-protection"] == "Child protection services: Serving people well."
    assert "the rule that gives “Serving people well”: Nearly all of referral" in (
        found["judgement.child-protection.rule"]
    )


def test_checks_a_cap_and_an_override_are_said_in_words(world: World, tmp_path: Path) -> None:
    public_id = submitted(world)
    for criterion in ("police-informed-of-crimes", "section-47-trained-workers-only"):
        check(world, public_id, criterion, "none")
    judged(world, public_id)
    found = said(prepared(world))
    some, well = "“Serving some people well”", "“Serving people well”"
    assert f"is limited to {some}; without the limit it would be {well}" in found["judgement.children.cap.0"]
    assert found["judgement.child-protection.own"].endswith(
        f"on your own grades alone the rules would give {well}. With what we found when we checked they give {some}."
    )
    assert f"the rule that gives {well}" in found["judgement.children.rule"], "the rule before the cap"

    proposer, lead = world.actor("lead-inspector"), world.actor("other-lead")
    judgements.propose_override(
        world.write(), public_id, "child-protection", grade="most", reason="Both gaps were closed in May.", by=proposer,
        now=world.now,
    )  # fmt: skip
    world.session.commit()
    assert said(prepared(world)) == found, "what is only proposed is not said"
    judgements.approve_override(
        world.write(), public_id, "child-protection", grade="most", by=lead, now=world.now
    )
    world.session.commit()
    content = prepared(world)
    found = said(content)
    assert found["judgement.child-protection"] == "Child protection services: Serving most people well."
    assert f"the rules give {some}" in found["judgement.child-protection.override"]
    reason = content.statement("judgement.child-protection.override")
    assert reason is not None and reason.words == "Both gaps were closed in May."
    assert "judgement.children.cap.0" not in found, "what follows from the override is judged with it"

    out = tmp_path / "judged.pdf"
    make(world, CODE, out)
    assert_pdf_ua(out)
    text = text_of(out)
    said_ = ("Serving most people well.", "Both gaps were closed in May.", "a lead inspector approved it", "we found")
    for part in said_:
        assert part in text, part
    for name in ("Lead-Inspector", "Other-Lead"):
        assert name not in text, "roles, and no names"


def test_what_is_called_for_is_said(world: World, tmp_path: Path) -> None:
    judged(world, submitted(world, best=False))
    found = said(prepared(world))
    assert found["trigger.dedicated-inspection"].startswith(
        "This is called for: A dedicated inspection of children’s services. Three of four"
    )
    make(world, CODE, tmp_path / "called.pdf")
    assert "What is called for" in text_of(tmp_path / "called.pdf")


def test_an_entered_judgement_brings_its_note(world: World) -> None:
    public_id = submitted(world)
    judgements.give(
        world.write(), public_id, "capacity", grade="promising", note="Plans are funded.", by=world.actor("assessor"),
        now=world.now,
    )  # fmt: skip
    world.session.commit()
    content = prepared(world)
    statement = content.statement("judgement.capacity")
    assert statement is not None and statement.words == "Plans are funded."
    assert not any(key.startswith("judgement.capacity.") for key in said(content))
