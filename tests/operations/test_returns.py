"""The life of a return through the real database: saving, conflicts, signing, reopening, and what is refused."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from app.domain.integrity import canonical_json, sha256_hex
from app.domain.life import NotPossible
from app.models import (
    Event,
    RollUp,
    SelfAssessment,
    SelfAssessmentVersion,
    Submission,
    SubmissionAnswer,
    Vouch,
)
from app.operations import events
from app.operations.answers import Edit, save_answers, vouch
from app.operations.submissions import extend, reopen, set_nil, sign_and_submit, take_back_nil
from app.queries.returns import content_hash, content_of, history
from app.queries.rounds import NotFound
from tests.world import World, complete_answer


@pytest.fixture
def code(world: World) -> str:
    """The first agency: the one with a signatory, a lead, a contributor and a board reader."""
    return next(iter(world.returns))


def first(world: World, code: str):  # type: ignore[no-untyped-def]
    return world.work(code).items[0]


def save(world: World, code: str, *edits: Edit, by: str = "signatory"):  # type: ignore[no-untyped-def]
    actor = world.actor(by)
    result = save_answers(world.write(), world.returns[code].public_id, edits, by=actor, now=world.now)
    world.session.commit()
    return result


def sign(world: World, code: str, *, by: str = "signatory", proved: bool = True, expected: str | None = None):  # type: ignore[no-untyped-def]
    shown = expected or content_hash(world.work(code))
    actor = world.actor(by)
    submission = sign_and_submit(
        world.write(), world.returns[code].public_id, by=actor, now=world.now, expected_hash=shown,
        identity_proved=proved,
    )  # fmt: skip
    world.session.commit()
    return submission


def test_a_save_makes_a_version_an_event_and_starts_the_return(world: World, code: str) -> None:
    item = first(world, code)
    result = save(world, code, Edit(item.criterion.id, {"commentary": "Begun."}, 0, "k1"))
    assert result.saved == {item.criterion.id: 1}
    world.session.rollback()
    audit_return = world.returns[code]
    assert audit_return.stage == "started" and audit_return.started_at == world.now
    chain = history(world.session, events.chain_of(audit_return))
    assert [event.verb for event in chain] == ["return.invited", "return.started", "answer.saved"]
    assert chain[-1].data["criteria"] == {item.criterion.id: 1}
    assert events.verify(list(chain)) is None


def test_saving_again_on_an_old_version_is_a_conflict_that_loses_neither_text(world: World, code: str) -> None:
    key = first(world, code).criterion.id
    save(world, code, Edit(key, {"commentary": "Mine."}, 0, "k1"))
    result = save(world, code, Edit(key, {"commentary": "Theirs."}, 0, "k2"), by="contributor")
    assert result.saved == {} and result.conflicts[key].yours == {"commentary": "Theirs."}
    assert result.conflicts[key].theirs.value == {"commentary": "Mine."}
    assert result.conflicts[key].theirs.version == 1
    assert world.work(code).items[0].answer.value == {"commentary": "Mine."}


def test_two_people_who_write_the_same_do_not_conflict(world: World, code: str) -> None:
    key = first(world, code).criterion.id
    save(world, code, Edit(key, {"commentary": "Same."}, 0, "k1"))
    result = save(world, code, Edit(key, {"commentary": "Same."}, 0, "k2"), by="contributor")
    assert result.unchanged == [key] and not result.conflicts


def test_a_retried_save_is_the_same_save(world: World, code: str) -> None:
    key = first(world, code).criterion.id
    edit = Edit(key, {"commentary": "Once."}, 0, "k1")
    assert save(world, code, edit).saved == save(world, code, edit).saved == {key: 1}
    assert world.session.scalar(select(sa.func.count()).select_from(SelfAssessmentVersion)) == 1


def test_an_old_page_sent_again_after_a_later_save_is_a_conflict_and_not_said_to_be_saved(
    world: World, code: str
) -> None:
    key = first(world, code).criterion.id
    old = Edit(key, {"commentary": "A."}, 0, "k1")
    save(world, code, old)
    save(world, code, Edit(key, {"commentary": "B."}, 1, "k2"), by="contributor")
    again = save(world, code, old)
    assert not again.saved and again.conflicts[key].theirs.value == {"commentary": "B."}


def test_one_wrong_answer_does_not_lose_the_others(world: World, code: str) -> None:
    one, two = world.work(code).items[:2]
    result = save(
        world, code, Edit(one.criterion.id, {"grade": "no-such-grade"}, 0, "k"),
        Edit(two.criterion.id, {"commentary": "Kept."}, 0, "k"),
    )  # fmt: skip
    assert "grade" in result.errors[one.criterion.id]
    assert result.saved == {two.criterion.id: 1}
    stored = world.session.scalars(select(SelfAssessment.criterion)).all()
    assert stored == [two.criterion.id]


def test_an_unknown_criterion_stores_nothing_at_all(world: World, code: str) -> None:
    key = first(world, code).criterion.id
    with pytest.raises(NotPossible, match="no question"):
        save(world, code, Edit(key, {"commentary": "x"}, 0, "k"), Edit("nonsense", {"commentary": "x"}, 0, "k"))
    world.session.rollback()
    assert world.session.scalar(select(sa.func.count()).select_from(SelfAssessment)) == 0


def test_a_date_expected_in_the_past_is_refused(world: World, code: str) -> None:
    key = first(world, code).criterion.id
    result = save(world, code, Edit(key, {"date_expected": "2003-05-11"}, 0, "k"))
    assert "2003-05-12" in str(result.errors[key]["date_expected"])


def test_a_megabyte_of_text_is_refused_with_its_length(world: World, code: str) -> None:
    key = first(world, code).criterion.id
    result = save(world, code, Edit(key, {"commentary": "x" * 1_000_000}, 0, "k"))
    assert "1000000" in str(result.errors[key]["commentary"])


def test_another_agency_and_a_return_that_does_not_exist_look_alike(world: World, code: str) -> None:
    other = list(world.returns)[1]
    for public_id in (world.returns[other].public_id, "no-such-return"):
        with pytest.raises(NotFound):
            save_answers(world.write(), public_id, [], by=world.actor("lead"), now=world.now)


@pytest.mark.parametrize("name", ["board", "inspector", "coordinator", "administrator"])
def test_who_only_reads_cannot_save(world: World, code: str, name: str) -> None:
    with pytest.raises(NotFound):
        save(world, code, Edit(first(world, code).criterion.id, {"commentary": "x"}, 0, "k"), by=name)


def test_a_closed_round_takes_no_answers_but_an_extended_return_does(world: World, code: str) -> None:
    key = first(world, code).criterion.id
    world.now = world.audit_round.open_until + timedelta(seconds=1)
    with pytest.raises(NotPossible, match="closed"):
        save(world, code, Edit(key, {"commentary": "x"}, 0, "k"))
    inspector = world.actor("inspector")
    extend(
        world.write(), world.returns[code].public_id, to=world.now + timedelta(days=3), by=inspector, now=world.now
    )
    world.session.commit()
    assert save(world, code, Edit(key, {"commentary": "x"}, 0, "k")).saved


def test_signing_freezes_the_content_and_its_hash(world: World, code: str) -> None:
    world.answer(code, best=False)
    work = world.work(code)
    submission = sign(world, code)
    assert canonical_json(content_of(work)).decode() == submission.content
    assert sha256_hex(submission.content.encode()) == submission.content_hash
    assert world.returns[code].stage == "submitted"
    assert submission.declaration.name == world.people["signatory"].name
    assert "{" not in submission.declaration.text
    signed = json.loads(submission.content)["answers"]
    assert {one["criterion"] for one in signed} == {item.id for item in work.items if item.started}
    rows = world.session.scalars(select(SubmissionAnswer).where(SubmissionAnswer.submission_id == submission.id))
    assert {row.criterion: row.value for row in rows} == {a["criterion"]: a["value"] for a in signed}


def test_nothing_can_be_saved_or_signed_again_after_submission(world: World, code: str) -> None:
    world.answer(code)
    sign(world, code)
    with pytest.raises(NotPossible, match="already"):
        sign(world, code)
    with pytest.raises(NotPossible, match="submitted"):
        save(world, code, Edit(first(world, code).criterion.id, {"commentary": "x"}, 1, "k"))
    world.session.rollback()
    assert world.session.scalar(select(sa.func.count()).select_from(Submission)) == 1


def test_an_incomplete_return_cannot_be_signed(world: World, code: str) -> None:
    world.answer(code, standards=1)
    with pytest.raises(NotPossible, match="not finished"):
        sign(world, code)


def test_content_that_changed_after_it_was_shown_is_not_signed(world: World, code: str) -> None:
    world.answer(code)
    shown = content_hash(world.work(code))
    item = first(world, code)
    raw = complete_answer(item.scheme) | {"commentary": "Changed."}
    save(world, code, Edit(item.criterion.id, raw, item.answer.version, "later"), by="lead")
    with pytest.raises(NotPossible, match="Somebody changed"):
        sign(world, code, expected=shown)


def test_only_the_accountable_signatory_signs_and_proves_who_they_are(world: World, code: str) -> None:
    world.answer(code)
    with pytest.raises(NotFound):
        sign(world, code, by="lead")
    with pytest.raises(NotPossible, match="password"):
        sign(world, code, proved=False)


def test_reopening_voids_the_signature_and_keeps_the_submission(world: World, code: str) -> None:
    world.answer(code)
    old = sign(world, code)
    inspector = world.actor("inspector")
    with pytest.raises(NotPossible, match="Say why"):
        reopen(world.write(), world.returns[code].public_id, reason="  ", by=inspector, now=world.now)
    reopen(
        world.write(), world.returns[code].public_id, reason="A figure was wrong.", by=inspector, now=world.now
    )
    world.session.commit()
    assert world.returns[code].stage == "started" and world.returns[code].submitted_at is None
    assert old.voided is not None and old.voided.reason == "A figure was wrong."
    again = sign(world, code)
    assert again.number == 2 and again.voided is None
    assert again.content_hash == old.content_hash
    assert again.declaration.submission_hash == old.declaration.submission_hash  # same words, same second


def test_a_nil_return_has_a_reason_and_can_be_taken_back(world: World, code: str) -> None:
    inspector = world.actor("inspector")
    public_id = world.returns[code].public_id
    set_nil(world.write(), public_id, reason="It closed in March.", by=inspector, now=world.now)
    world.session.commit()
    with pytest.raises(NotPossible, match="nil"):
        save(world, code, Edit(first(world, code).criterion.id, {"commentary": "x"}, 0, "k"))
    take_back_nil(world.write(), public_id, by=inspector, now=world.now)
    world.session.commit()
    assert world.returns[code].stage == "invited" and world.returns[code].nil_reason == ""
    save(world, code, Edit(first(world, code).criterion.id, {"commentary": "x"}, 0, "k"))
    set_nil(world.write(), public_id, reason="It closed after all.", by=inspector, now=world.now)
    take_back_nil(world.session, public_id, by=inspector, now=world.now)
    world.session.commit()
    assert world.returns[code].stage == "started", "what was begun goes on where it was"


def test_a_vouch_ends_when_an_answer_of_its_standard_changes(world: World, code: str) -> None:
    world.answer(code)
    section = world.work(code).sections[0]
    actor = world.actor("lead")
    vouch(
        world.write(), world.returns[code].public_id, section.standard.id, name="Ann Other", post="Director",
        by=actor, now=world.now,
    )  # fmt: skip
    world.session.commit()
    item = section.items[0]
    raw = complete_answer(item.scheme) | {"commentary": "Changed."}
    save(world, code, Edit(item.criterion.id, raw, item.answer.version, "later"))
    assert world.session.scalar(select(sa.func.count()).select_from(Vouch)) == 0
    last = history(world.session, events.chain_of(world.returns[code]))[-1]
    assert last.data["vouches_ended"] == [section.standard.id]


def recounted(world: World) -> Counter[tuple[str, ...]]:
    """The roll-up, counted again in plain Python from what is stored."""
    counted: Counter[tuple[str, ...]] = Counter()
    for audit_return in world.returns.values():
        key = (audit_return.agency_type, audit_return.subtype)
        if audit_return.stage == "submitted":
            submission = world.session.scalars(
                select(Submission).where(Submission.return_id == audit_return.id).order_by(Submission.number.desc())
            ).first()
            assert submission is not None
            counted.update((*key, a.criterion, a.grade, "submitted") for a in submission.answers if a.grade)
        elif audit_return.stage != "nil":
            rows = world.session.scalars(select(SelfAssessment).where(SelfAssessment.return_id == audit_return.id))
            counted.update((*key, row.criterion, row.grade, "draft") for row in rows if row.grade)
    return counted


def test_the_roll_up_is_kept_by_every_operation(world: World) -> None:
    def kept() -> Counter[tuple[str, ...]]:
        world.session.rollback()
        rows = world.session.scalars(select(RollUp).where(RollUp.count != 0))
        return Counter(
            {(r.agency_type, r.subtype, r.criterion, r.grade, r.stage): r.count for r in rows}
        )

    first_code, second = list(world.returns)[:2]
    world.answer(first_code)
    assert kept() == recounted(world) and kept()
    sign(world, first_code)
    assert kept() == recounted(world)
    inspector = world.actor("inspector")
    reopen(world.write(), world.returns[first_code].public_id, reason="x", by=inspector, now=world.now)
    world.session.commit()
    assert kept() == recounted(world)
    item = first(world, first_code)
    worst = complete_answer(item.scheme, best=False)
    save(world, first_code, Edit(item.criterion.id, worst, item.answer.version, "k9"))
    set_nil(world.write(), world.returns[second].public_id, reason="x", by=inspector, now=world.now)
    world.session.commit()
    assert kept() == recounted(world)


def test_the_event_of_a_change_is_rolled_back_with_it(world: World, code: str) -> None:
    before = world.session.scalar(select(sa.func.count()).select_from(Event))
    item = first(world, code)
    save_answers(
        world.write(), world.returns[code].public_id, [Edit(item.criterion.id, {"commentary": "x"}, 0, "k")],
        by=world.actor("lead"), now=world.now,
    )  # fmt: skip
    world.session.rollback()
    assert world.session.scalar(select(sa.func.count()).select_from(Event)) == before
    assert world.session.scalar(select(sa.func.count()).select_from(SelfAssessment)) == 0
