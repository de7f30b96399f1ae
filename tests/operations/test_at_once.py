"""Two people at the same instant: real threads, real transactions, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import db
from app.domain.life import NotPossible
from app.models import Event, SelfAssessmentVersion, Submission
from app.operations import events, people
from app.operations.answers import Edit, SaveResult, save_answers
from app.operations.submissions import sign_and_submit
from app.queries.returns import content_hash, history
from tests.world import NOW, SYSTEM, World


@pytest.fixture
def together(app: Flask) -> Callable[..., list[Any]]:
    """Run functions of a session at the same time, each in a thread and a transaction of its own."""

    def run(*works: Callable[[Session], Any]) -> list[Any]:
        with app.app_context():
            make = db.db.sessionmaker
        gate = threading.Barrier(len(works))
        results: list[Any] = [None] * len(works)

        def one(place: int, work: Callable[[Session], Any]) -> None:
            with make() as session:
                gate.wait()
                try:
                    db.begin_write(session)
                    results[place] = work(session)
                    session.commit()
                except Exception as problem:  # kept for the test to look at
                    session.rollback()
                    results[place] = problem

        threads = [threading.Thread(target=one, args=pair) for pair in enumerate(works)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
        return results

    return run


def test_two_who_submit_at_once_submit_once(world: World, together: Callable[..., list[Any]]) -> None:
    code = next(iter(world.returns))
    world.answer(code)
    shown, public_id, actor = content_hash(world.work(code)), world.returns[code].public_id, world.actor("signatory")
    world.session.rollback()

    def sign(session: Session) -> Submission:
        return sign_and_submit(
            session, public_id, by=actor, now=NOW, expected_hash=shown, identity_proved=True
        )

    results = together(sign, sign, sign)
    assert sum(isinstance(result, Submission) for result in results) == 1, results
    assert all("already" in str(result) for result in results if isinstance(result, NotPossible))
    assert sum(isinstance(result, NotPossible) for result in results) == 2, results
    world.session.rollback()
    assert world.session.scalar(select(sa.func.count()).select_from(Submission)) == 1


def test_of_many_who_save_one_answer_one_saves_and_the_others_see_a_conflict(
    world: World, together: Callable[..., list[Any]]
) -> None:
    code = next(iter(world.returns))
    key, public_id = world.work(code).items[0].criterion.id, world.returns[code].public_id
    actor = world.actor("contributor")
    world.session.rollback()

    def saving(number: int) -> Callable[[Session], SaveResult]:
        edit = Edit(key, {"commentary": f"Text {number}."}, 0, f"key-{number}")
        return lambda session: save_answers(session, public_id, [edit], by=actor, now=NOW)

    results = together(*(saving(number) for number in range(8)))
    assert all(isinstance(result, SaveResult) for result in results), results
    assert sum(bool(result.saved) for result in results) == 1
    assert sum(bool(result.conflicts) for result in results) == 7
    world.session.rollback()
    assert world.session.scalar(select(sa.func.count()).select_from(SelfAssessmentVersion)) == 1
    chain = history(world.session, events.chain_of(world.returns[code]))
    assert events.verify(list(chain)) is None


def test_different_answers_saved_at_once_are_all_kept_and_counted(
    world: World, together: Callable[..., list[Any]]
) -> None:
    code = next(iter(world.returns))
    items, public_id = world.work(code).items[:8], world.returns[code].public_id
    actor = world.actor("contributor")
    world.session.rollback()

    def saving(key: str) -> Callable[[Session], SaveResult]:
        edit = Edit(key, {"commentary": f"About {key}."}, 0, "key")
        return lambda session: save_answers(session, public_id, [edit], by=actor, now=NOW)

    results = together(*(saving(item.criterion.id) for item in items))
    assert all(isinstance(result, SaveResult) and result.saved for result in results), results
    world.session.rollback()
    stored = {item.criterion.id: item.answer.value for item in world.work(code).items if item.started}
    assert stored == {item.criterion.id: {"commentary": f"About {item.criterion.id}."} for item in items}
    chain = list(history(world.session, events.chain_of(world.returns[code])))
    assert events.verify(chain) is None
    assert [event.verb for event in chain].count("return.started") == 1


def test_a_chain_without_a_row_to_lock_keeps_its_numbers(
    world: World, together: Callable[..., list[Any]]
) -> None:
    def add(number: int) -> Callable[[Session], Any]:
        return lambda session: people.add_oversight_body(
            session, code=f"body-{number}", name="N", short="N", kind="partnership", by=SYSTEM, now=NOW
        )

    results = together(*(add(number) for number in range(8)))
    assert not [result for result in results if isinstance(result, Exception)], results
    world.session.rollback()
    chain = world.session.scalars(select(Event).where(Event.chain == "service:people").order_by(Event.seq)).all()
    assert events.verify(list(chain)) is None
