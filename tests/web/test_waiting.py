"""What waits for an inspector, on the first page of a round."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.clock import today
from app.models import SampledReturn, Thread
from app.operations import querying
from app.queries.waiting import Waiting, waiting_for
from tests.operations.checking import finished, put_in_sample, uphold_all
from tests.web.test_oversight import submit, words
from tests.world import World

Clients = Callable[[str], FlaskClient]


@pytest.fixture
def code(world: World) -> str:
    """The first agency, whose return is submitted and drawn for the inspector to check one answer."""
    code = next(iter(world.returns))
    submit(world, code)
    put_in_sample(world, code, questions=[world.work(code).items[0].id])
    return code


def waits(world: World, who: str) -> Waiting:
    world.session.rollback()
    actor = world.actor(who)
    return waiting_for(world.session, world.audit_round, actor=actor)


def test_a_check_waits_for_whom_it_is_assigned_to_until_it_is_finished(
    client_as: Clients, world: World, code: str
) -> None:
    assert waits(world, "inspector") == Waiting(1, 0, 0, 0)
    assert waits(world, "lead-inspector") == Waiting(0, 0, 0, 0), "it is assigned to somebody else"
    page = words(client_as("inspector").get(f"/rounds/{world.audit_round.public_id}"))
    assert "What waits for you" in page and "1 audit to check" in page
    assert "What waits for you" not in words(client_as("lead-inspector").get(f"/rounds/{world.audit_round.public_id}"))
    uphold_all(world, code)
    finished(world, code)
    assert waits(world, "inspector").checks == 0


def test_the_first_page_of_an_inspector_says_what_is_theirs_to_check(
    client_as: Clients, world: World, code: str
) -> None:
    said, inspector = "1 audit waits for you to check it", client_as("inspector")
    mine = f"/rounds/{world.audit_round.public_id}/moderation?show=mine"
    for start in ("/", "/?all=1"):
        page = inspector.get(start, follow_redirects=True)
        assert said in words(page) and f'href="{mine}"' in page.text, start
    assert "waits for you" not in words(client_as("lead-inspector").get("/rounds"))
    uphold_all(world, code)
    finished(world, code)
    for start in ("/", "/?all=1"):
        assert "waits for you" not in words(inspector.get(start, follow_redirects=True))


def test_an_answered_query_waits_for_whoever_asked(world: World, code: str) -> None:
    public_id, inspector, lead = world.returns[code].public_id, world.actor("inspector"), world.actor("lead")
    querying.ask(
        world.write(), public_id, subject="May", text="Which teams?", due=today(world.now) + timedelta(days=3),
        by=inspector, now=world.now,
    )  # fmt: skip
    world.session.commit()
    assert waits(world, "inspector").queries == 0
    thread = world.session.scalars(select(Thread)).one().public_id
    querying.answer(world.write(), public_id, thread, text="The duty teams.", by=lead, now=world.now)
    world.session.commit()
    assert waits(world, "inspector").queries == 1
    assert waits(world, "lead-inspector").queries == 0


def test_a_return_that_is_open_again_waits_for_nobody(world: World, code: str) -> None:
    world.write()
    sampled = world.session.scalars(select(SampledReturn)).one()
    sampled.audit_return.stage = "started"
    sampled.audit_return.submitted_at = None
    world.session.commit()
    assert waits(world, "inspector").checks == 0
