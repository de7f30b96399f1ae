"""The page that says below how many agencies nothing is published, and whether agencies are named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.operations import release
from app.queries.findings import small_numbers
from app.queries.release import prepare_edition
from tests.operations.test_release import codes  # noqa: F401 - a fixture
from tests.world import World


def address(world: World) -> str:
    return f"/rounds/{world.audit_round.public_id}/small-numbers"


def test_a_lead_inspector_sets_it_and_it_is_on_record(
    world: World, client_as: Callable[[str], FlaskClient]
) -> None:
    client = client_as("lead-inspector")
    assert address(world) in client.get(f"/rounds/{world.audit_round.public_id}/reports").text
    assert 'value="0"' in client.get(address(world)).text
    response = client.post(address(world), data={"below": "5", "names": "no"}, follow_redirects=True)
    assert "It holds for what is published from now on" in response.text
    world.session.rollback()
    assert small_numbers(world.audit_round) == (5, False)
    history = client.get(f"/rounds/{world.audit_round.public_id}/history").text
    assert "nothing is published of fewer than 5 agencies" in history


@pytest.mark.parametrize("typed", ["1", "101", "-3", "five", ""])
def test_a_number_that_makes_no_sense_is_refused_and_shown_again(
    world: World, client_as: Callable[[str], FlaskClient], typed: str
) -> None:
    response = client_as("lead-inspector").post(address(world), data={"below": typed, "names": "yes"})
    assert response.status_code == 422 and "from 2 to 100" in response.text
    assert f'value="{typed}"' in response.text or not typed
    world.session.rollback()
    assert small_numbers(world.audit_round) == (0, True)


@pytest.mark.parametrize("name", ["inspector", "outsider", "signatory"])
def test_nobody_else_does(world: World, client_as: Callable[[str], FlaskClient], name: str) -> None:
    client = client_as(name)
    assert client.get(address(world)).status_code in (403, 404)
    assert client.post(address(world), data={"below": "5", "names": "no"}).status_code in (403, 404)


def test_what_is_frozen_is_taken_back_first_and_feedback_is_prepared_anew(
    world: World, codes: list[str], client_as: Callable[[str], FlaskClient]  # noqa: F811
) -> None:
    lead = world.actor("lead-inspector")
    release.prepare(world.write(), world.audit_round.public_id, by=lead, now=world.now)
    world.session.commit()
    client = client_as("lead-inspector")
    said = client.post(address(world), data={"below": "7", "names": "yes"}, follow_redirects=True).text
    assert "Prepare it anew on the release page" in said
    waived = dict.fromkeys(release.OBSTACLES, "So it is.")
    release.set_publication(
        world.write(), world.audit_round.public_id, at=world.now + timedelta(days=1), waived=waived, by=lead,
        now=world.now,
    )  # fmt: skip
    world.session.commit()
    refused = client.post(address(world), data={"below": "9", "names": "yes"})
    assert refused.status_code == 422 and "Take it back on the release page" in refused.text
    same = client.post(address(world), data={"below": "7", "names": "yes"}, follow_redirects=True)
    assert same.status_code == 200 and "Prepare it anew" not in same.text
    release.take_back(world.write(), world.audit_round.public_id, by=lead, now=world.now)
    world.session.commit()
    assert client.post(address(world), data={"below": "9", "names": "yes"}).status_code == 303
    # what would come out now is by the limit of now
    world.session.rollback()
    content = prepare_edition(world.session, world.audit_round, actor=lead, now=world.now)
    assert content["findings"]["en"]["suppressed_below"] == 9
