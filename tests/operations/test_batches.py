"""Batches of reports: what is in one, and that no document is made twice or lost however workers come and go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.domain.life import NotPossible
from app.models import BatchDocument, Event, ReportBatch
from app.operations import batches
from app.queries.batches import Progress, get_batch, is_blind, pace, progress_of
from app.queries.rounds import NotFound
from tests.operations.test_returns import sign
from tests.world import SYSTEM, World

QUEUED: list[tuple[str, str]] = []


def enqueue(_session: object, batch: str, run: str) -> None:
    QUEUED.append((batch, run))


def signed(world: World, number: int = 3) -> list[str]:
    """The codes of the first agencies, which have signed."""
    codes = list(world.returns)[:number]
    for place, code in enumerate(codes):
        by = f"signatory-{world.returns[code].agency_type}" if place else "signatory"
        world.answer(code, by=by)
        sign(world, code, by=by)
    return codes


def ask(world: World, report: str = "receipt", **options: object) -> ReportBatch:
    batch = batches.request_batch(
        world.write(), world.audit_round.public_id, report, by=world.actor("lead-inspector"), now=world.now,
        enqueue=enqueue, **options,  # type: ignore[arg-type]
    )  # fmt: skip
    world.session.commit()
    return batch


def documents(world: World, batch: ReportBatch) -> list[BatchDocument]:
    world.session.rollback()
    return list(world.session.scalars(select(BatchDocument).where(BatchDocument.batch_id == batch.id)))


def test_a_batch_holds_each_agency_once_and_is_on_record(world: World) -> None:
    QUEUED.clear()
    codes = signed(world)
    batch = ask(world)
    assert sorted(one.return_id or 0 for one in documents(world, batch)) == sorted(
        world.returns[code].id for code in codes
    )
    assert [key for key, _run in QUEUED] == [batch.public_id]
    event = world.session.scalars(select(Event).where(Event.verb == "batch.requested")).one()
    assert event.data["documents"] == 3


def test_only_what_is_signed_is_reported_on_and_a_choice_is_kept_to(world: World) -> None:
    with pytest.raises(NotPossible, match="nothing to make"):
        ask(world, "agency-return")
    first, second = signed(world, 2)
    ids = {world.returns[first].id, world.returns[second].id}
    assert {one.return_id for one in documents(world, ask(world, "agency-return"))} == ids
    with pytest.raises(NotPossible, match="Not in this round: nowhere"):
        ask(world, codes=["nowhere"])
    chosen = documents(world, ask(world, codes=[second]))
    assert [one.return_id for one in chosen] == [world.returns[second].id]
    of_type = documents(world, ask(world, types=[world.returns[first].agency_type]))
    assert [one.return_id for one in of_type] == [world.returns[first].id]
    with pytest.raises(NotPossible, match="nothing to make"):
        ask(world, "feedback")


@pytest.mark.parametrize("name", ["inspector", "outsider", "lead", "coordinator", "administrator"])
def test_only_lead_inspectors_of_the_round_have_batches(world: World, name: str) -> None:
    signed(world, 1)
    batch = ask(world)
    with pytest.raises(NotFound):
        batches.request_batch(
            world.write(), world.audit_round.public_id, "receipt", by=world.actor(name), now=world.now,
            enqueue=enqueue,
        )  # fmt: skip
    world.session.rollback()
    with pytest.raises(NotFound):
        get_batch(world.session, batch.public_id, actor=world.actor(name), now=world.now)


def test_who_took_a_batch_up_later_makes_it_and_nothing_twice(world: World) -> None:
    number = len(signed(world))
    batch = ask(world)
    first = batches.begin(world.write(), batch.public_id, "first", now=world.now)
    assert first is not None
    old = batches.take(world.session, first, "first")
    assert old is not None
    world.session.commit()
    # the worker was killed, or is slow: another takes the batch up, and makes that document anew
    assert batches.begin(world.write(), batch.public_id, "second", now=world.now) == first
    made = []
    while task := batches.take(world.session, first, "second"):
        assert not batches.keep(
            world.session, first, "first", task, now=world.now, file="old.pdf", sha256="0", pages=1, snapshot_id="s"
        )
        made.append(task.id)
        assert batches.keep(
            world.session, first, "second", task, now=world.now, file=f"{task.id}.pdf", sha256="1", pages=1,
            snapshot_id="s",
        )  # fmt: skip
        assert not batches.fail(world.session, first, "second", task, now=world.now, error="late")
    world.session.commit()
    assert len(made) == len(set(made)) == number and old.id in made
    assert batches.take(world.write(), first, "first") is None
    assert {one.stage for one in documents(world, batch)} == {"made"}
    assert {one.file for one in documents(world, batch)} == {f"{one}.pdf" for one in made}


def test_stopping_keeps_what_is_made_and_going_on_makes_the_rest(world: World) -> None:
    QUEUED.clear()
    signed(world)
    batch = ask(world)
    lead = world.actor("lead-inspector")
    batch_id = batches.begin(world.write(), batch.public_id, "one", now=world.now)
    assert batch_id
    task = batches.take(world.session, batch_id, "one")
    assert task
    batches.cancel(world.session, batch.public_id, by=lead, now=world.now)
    assert batches.take(world.session, batch_id, "one") is None
    assert batches.keep(
        world.session, batch_id, "one", task, now=world.now, file="a.pdf", sha256="1", pages=1, snapshot_id="s"
    ), "what was being made when it was stopped is kept"
    assert batches.begin(world.session, batch.public_id, "two", now=world.now) is None
    with pytest.raises(NotPossible, match="not being made"):
        batches.cancel(world.session, batch.public_id, by=lead, now=world.now)
    batches.resume(world.session, batch.public_id, by=lead, now=world.now, enqueue=enqueue)
    assert batches.begin(world.session, batch.public_id, "two", now=world.now) == batch_id
    left = []
    while task := batches.take(world.session, batch_id, "two"):
        left.append(task)
    world.session.commit()
    assert len(left) == 2 and len(QUEUED) == 2
    with pytest.raises(NotPossible, match="Stop it first"):
        batches.remove(world.write(), batch.public_id, by=lead, now=world.now)


def test_what_failed_is_tried_again_and_a_removed_batch_is_gone(world: World) -> None:
    signed(world, 2)
    batch = ask(world)
    lead = world.actor("lead-inspector")
    batch_id = batches.begin(world.write(), batch.public_id, "one", now=world.now)
    assert batch_id
    while task := batches.take(world.session, batch_id, "one"):
        batches.fail(world.session, batch_id, "one", task, now=world.now, error="No.")
    assert batches.is_finished(world.session, batch_id, "one")
    assert batches.finish(world.session, batch_id, "one", now=world.now, file="", sha256="", size=0)
    world.session.commit()
    some = documents(world, batch)[0].id
    batches.retry(world.write(), batch.public_id, by=lead, now=world.now, enqueue=enqueue, document=some)
    world.session.commit()
    assert [one.id for one in documents(world, batch) if one.stage == "waiting"] == [some]
    assert world.session.get_one(ReportBatch, batch_id).stage == "waiting"
    batches.cancel(world.write(), batch.public_id, by=lead, now=world.now)
    batches.remove(world.session, batch.public_id, by=lead, now=world.now)
    world.session.commit()
    assert documents(world, batch) == []
    assert world.session.scalars(select(ReportBatch)).all() == []


def test_the_pace_is_said_once_it_is_known_and_falls_while_nothing_comes(world: World) -> None:
    began = world.now
    few = [began + timedelta(seconds=10 * n) for n in (3, 2, 1)]
    assert pace(few, began, few[0], 10) == (None, None)
    many = [began + timedelta(seconds=10 * n) for n in range(40, 0, -1)]
    assert pace(many, began, many[0], 60) == (6.0, 10)
    later = pace(many, began, many[0] + timedelta(minutes=30), 60)
    assert later[0] is not None and later[0] < 1
    assert Progress(waiting=1, made=199).percent == 99
    signed(world, 2)
    batch = ask(world)
    assert progress_of(world.session, batch, now=world.now).waiting == 2
    assert not is_blind(world.session, batch, actor=SYSTEM)
