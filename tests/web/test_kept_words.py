"""What was typed comes back where it can no longer be taken: a check that is gone, a window that has just shut."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.text import localise
from app.models import Moderation, Release, SampledReturn, Thread
from app.operations import release
from app.operations.returned_standards import return_for_correction
from tests.operations.checking import put_in_sample
from tests.web.test_moderation import save, worse
from tests.web.test_oversight import count, submit, words
from tests.world import World

Clients = Callable[[str], FlaskClient]
TYPED = "Typed at length, after reading forty files."


@pytest.fixture
def code(world: World) -> str:
    """The first agency, whose return is submitted."""
    code = next(iter(world.returns))
    submit(world, code)
    return code


def test_findings_come_back_when_a_standard_was_returned_meanwhile(
    client_as: Clients, world: World, code: str
) -> None:
    item = world.work(code).items[0]
    put_in_sample(world, code, questions=[item.id])
    inspector = client_as("inspector")
    form = {f"grade-{item.id}": worse(item), f"reason-{item.id}": TYPED, f"seen-{item.id}": "The rota."}
    standard = world.work(code).sections[1].standard.id
    return_for_correction(
        world.write(), world.returns[code].public_id, {standard: "Last year’s figures."},
        until=world.now.date() + timedelta(days=9), by=world.actor("lead-inspector"), now=world.now,
    )  # fmt: skip
    world.session.commit()
    page = save(inspector, world, code, **form)
    assert page.status_code == 409 and TYPED in words(page) and "The rota." in words(page)
    label = next(localise(grade.label) for grade in item.scheme.grades if grade.key == worse(item))
    assert "opened again for the agency to correct" in words(page) and f"– Your finding {label}" in words(page)
    assert count(world, Moderation) == 0
    # a form without words has nothing to hold, and others learn nothing
    assert save(inspector, world, code).status_code == 404
    assert save(client_as("outsider"), world, code, **form).status_code in (403, 404)


def test_findings_come_back_when_the_check_was_given_to_somebody_else(
    client_as: Clients, world: World, code: str
) -> None:
    item = world.work(code).items[0]
    put_in_sample(world, code, questions=[item.id])
    sampled = world.write().scalars(select(SampledReturn)).one()
    sampled.inspector_id = world.people["lead-inspector"].id
    world.session.commit()
    page = save(client_as("inspector"), world, code, **{f"reason-{item.id}": TYPED})
    assert page.status_code == 409 and TYPED in words(page) and "is not yours any more" in words(page)
    assert count(world, Moderation) == 0


@pytest.fixture
def page(world: World, code: str) -> str:
    """The feedback to the agency, in an open window."""
    lead, rid = world.actor("lead-inspector"), world.audit_round.public_id
    release.prepare(world.write(), rid, by=lead, now=world.now)
    opens, closes = datetime(2003, 5, 1, tzinfo=UTC), datetime(2003, 9, 1, 16, tzinfo=UTC)
    release.set_window(world.session, rid, opens=opens, closes=closes, by=lead, now=world.now)
    world.session.commit()
    return f"/returns/{world.returns[code].public_id}/feedback"


def shut(world: World) -> None:
    """The window shuts while somebody types."""
    world.write().scalars(select(Release)).one().accuracy_closes = datetime(2003, 5, 2, 16, tzinfo=UTC)
    world.session.commit()


def test_a_challenge_comes_back_when_the_window_has_just_shut(client_as: Clients, world: World, page: str) -> None:
    agency = client_as("lead")
    shut(world)
    late = agency.post(f"{page}/challenge", data={"about": "overall", "text": TYPED})
    assert late.status_code == 409 and TYPED in words(late)
    assert "closed on 2 May 2003 at 17:00" in words(late) and count(world, Thread) == 0
    assert agency.get(f"{page}/challenge?about=overall").status_code == 404
    assert agency.post(f"{page}/challenge", data={"about": "overall", "text": ""}).status_code == 404
    other = client_as(f"signatory-{list(world.returns.values())[1].agency_type}")
    assert other.post(f"{page}/challenge", data={"about": "overall", "text": TYPED}).status_code == 404


def test_a_challenge_to_a_statement_that_is_gone_meanwhile_is_shown_again(
    client_as: Clients, world: World, page: str
) -> None:
    back = client_as("lead").post(f"{page}/challenge", data={"about": "gone", "text": TYPED})
    assert back.status_code < 500 and TYPED in back.text and "not in your feedback any more" in words(back)
    assert count(world, Thread) == 0


def test_what_is_added_to_a_challenge_comes_back(client_as: Clients, world: World, page: str) -> None:
    agency = client_as("lead")
    assert agency.post(f"{page}/challenge", data={"about": "overall", "text": "Not so."}).status_code == 303
    world.session.rollback()
    thread = world.session.scalars(select(Thread.public_id)).one()
    add = f"{page}/challenges/{thread}/add"
    empty = agency.post(add, data={"text": ""})
    assert empty.status_code == 422 and f'href="#text-{thread}"' in empty.text and "Write what you want" in words(empty)
    long = agency.post(add, data={"text": TYPED + "x" * 4000})
    assert long.status_code == 422 and TYPED in long.text and "shorten it" in words(long)
    settled = client_as("inspector").post(
        f"{page}/challenges/{thread}", data={"decision": "decline", "text": "It stands."}
    )
    assert settled.status_code == 303
    closed = agency.post(add, data={"text": TYPED})
    assert closed.status_code == 409 and TYPED in words(closed) and "closed already" in words(closed)
    shut(world)
    late = agency.post(add, data={"text": TYPED})
    assert late.status_code == 409 and TYPED in words(late) and "closed on 2 May 2003" in words(late)
