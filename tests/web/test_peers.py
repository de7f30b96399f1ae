"""Peers on pages: what a reviewer reaches before and after declaring, challenges and answers; scrutineers."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import PeerReview, Submission, Thread
from app.operations import submissions
from tests.operations.test_peers import person
from tests.operations.test_returns import sign
from tests.web.test_who_may import filled
from tests.world import World

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Client = Callable[[str], FlaskClient]


@pytest.fixture
def code(world: World) -> str:
    found = next(iter(world.returns))
    world.answer(found)
    sign(world, found)
    person(world, "peer", "peer_reviewer", world.body.code)
    return found


@pytest.fixture
def ret(world: World, code: str) -> str:
    return world.returns[code].public_id


@pytest.fixture
def review(client_as: Client, world: World, ret: str) -> str:
    """A review that is assigned and not declared."""
    answer = client_as("lead-inspector").post(
        f"/returns/{ret}/peers", data={"person": world.people["peer"].public_id}
    )
    assert answer.status_code == 303
    return one(world, PeerReview).public_id


@pytest.fixture
def declared(client_as: Client, review: str) -> str:
    assert client_as("peer").post(f"/peer/{review}/declare", data={"choice": "none"}).status_code == 303
    return review


def one(world: World, what: type):  # type: ignore[no-untyped-def]
    world.session.rollback()
    return world.session.scalars(select(what)).one()


def reached(app: Flask, world: World, client: FlaskClient, code: str) -> set[str]:
    """The paths about a return and its round that answer with 200 to a GET; every POST is refused, and does nothing."""
    for method, path, permission in filled(app, world, code):
        if method == "POST" and path.startswith(("/returns/", "/rounds")) and permission != "account.own":
            assert client.post(path, data={"reason": "x"}).status_code in (403, 404), path
    paths = {
        path
        for method, path, _permission in filled(app, world, code)
        if method == "GET" and path.startswith(("/returns/", "/rounds", "/areas", "/peer", "/reports"))
    }
    return {path for path in paths if client.get(path).status_code == 200}


def test_before_declaring_a_reviewer_reaches_nothing_but_the_desk(
    app: Flask, client_as: Client, world: World, code: str, ret: str, review: str
) -> None:
    client = client_as("peer")
    assert reached(app, world, client, code) == {"/peer"}
    desk = client.get("/peer").text
    assert world.returns[code].agency.name in desk
    assert client.get(f"/peer/{review}").headers["Location"].endswith(f"/peer/{review}/declare")
    assert client.get(f"/peer/{review}/challenge").status_code == 404
    submission = one(world, Submission).public_id
    assert client.get(f"/returns/{ret}/submissions/{submission}").status_code == 404
    assert client.get(f"/returns/{ret}/submissions/{submission}/content.json").status_code == 404


def test_a_declared_reviewer_reaches_exactly_the_submission(
    app: Flask, client_as: Client, world: World, code: str, ret: str, declared: str
) -> None:
    client = client_as("peer")
    submission = one(world, Submission).public_id
    assert reached(app, world, client, code) == {"/peer"}
    assert reached(app, world, client, list(world.returns)[1]) == {"/peer"}
    page = client.get(f"/returns/{ret}/submissions/{submission}")
    assert page.status_code == 200
    for gone in ("/history", "/plan", "/follow-up", "/reports"):
        assert f'href="/returns/{ret}{gone}' not in page.text
    content = client.get(f"/returns/{ret}/submissions/{submission}/content.json")
    assert json.loads(content.text)["agency"]["code"] == code
    assert client.get("/", follow_redirects=False).headers["Location"].endswith("/peer")
    for path in (f"/returns/{ret}/reports", f"/returns/{ret}/reopen", f"/returns/{ret}/peers"):
        assert client.post(path, data={"report": "agency-return", "reason": "x"}).status_code in (403, 404), path


def test_an_earlier_submission_is_not_read(
    client_as: Client, world: World, code: str, ret: str, declared: str
) -> None:
    first = one(world, Submission).public_id
    actor = world.actor("inspector")
    submissions.reopen(world.write(), ret, reason="A date", by=actor, now=world.now)
    world.session.commit()
    client = client_as("peer")
    assert client.get(f"/returns/{ret}/submissions/{first}").status_code == 404
    assert "Your review goes on when it is submitted again" in client.get(f"/peer/{declared}").text
    sign(world, code)
    world.session.rollback()
    second = world.session.scalars(select(Submission).order_by(Submission.number.desc())).first()
    assert second is not None
    page = client.get(f"/returns/{ret}/submissions/{second.public_id}")
    assert page.status_code == 200 and first not in page.text
    for path in (f"submissions/{first}", f"submissions/{first}/content.json", f"sheet/signed/{first}"):
        assert client.get(f"/returns/{ret}/{path}").status_code == 404
    assert client_as("inspector").get(f"/returns/{ret}/submissions/{first}").status_code == 200


def test_a_conflict_is_declared_and_nothing_is_read(
    client_as: Client, world: World, ret: str, review: str
) -> None:
    client = client_as("peer")
    assert client.post(f"/peer/{review}/declare", data={}).status_code == 422
    assert client.post(f"/peer/{review}/declare", data={"choice": "conflict"}).status_code == 422
    client.post(f"/peer/{review}/declare", data={"choice": "conflict", "conflict": "SECRET-CONFLICT"})
    assert client.get(f"/returns/{ret}/").status_code == 404
    assert "has ended" in client.get(f"/peer/{review}").text
    assert "SECRET-CONFLICT" in client_as("lead-inspector").get(f"/returns/{ret}/peers").text
    for name in ("signatory", "lead", "coordinator"):
        for path in (f"/returns/{ret}/history", f"/returns/{ret}/peers", f"/returns/{ret}/progress"):
            assert "SECRET-CONFLICT" not in client_as(name).get(path).text


def test_whoever_cannot_review_is_refused_with_the_reason(client_as: Client, world: World, code: str, ret: str) -> None:
    person(world, "peer", "contributor", code, starts_before=400, days=30)
    client = client_as("lead-inspector")
    assert "is or was appointed at this agency" in client.get(f"/returns/{ret}/peers").text
    answer = client.post(f"/returns/{ret}/peers", data={"person": world.people["peer"].public_id})
    assert answer.status_code == 422 and "is or was appointed at this agency" in answer.text
    assert client.post(f"/returns/{ret}/peers", data={}).status_code == 422


def test_a_challenge_goes_to_the_agency_and_back(
    client_as: Client, world: World, code: str, ret: str, declared: str
) -> None:
    peer, lead = client_as("peer"), client_as("lead")
    question = world.work(code).items[0].id
    assert peer.get(f"/peer/{declared}/challenge").status_code == 200
    refused = peer.post(f"/peer/{declared}/challenge", data={"subject": "", "text": "KEPT"})
    assert refused.status_code == 422 and "KEPT" in refused.text
    peer.post(f"/peer/{declared}/challenge", data={"about": question, "subject": "How?", "text": "Which files?"})
    tid = one(world, Thread).public_id
    assert f"/returns/{ret}/challenges/{tid}" in lead.get(f"/returns/{ret}/progress").text
    assert "Which files?" in lead.get(f"/returns/{ret}/challenges/{tid}").text
    assert lead.post(f"/returns/{ret}/challenges/{tid}", data={"text": ""}).status_code == 422
    assert lead.post(f"/returns/{ret}/challenges/{tid}", data={"text": "Ten files"}).status_code == 303
    assert "Ten files" in peer.get(f"/peer/{declared}/challenges/{tid}").text
    assert "Ten files" in client_as("inspector").get(f"/returns/{ret}/challenges/{tid}").text
    assert client_as("board").post(f"/returns/{ret}/challenges/{tid}", data={"text": "x"}).status_code in (403, 404)
    assert peer.post(f"/peer/{declared}/challenges/{tid}", data={"text": ""}).status_code == 422
    assert peer.post(f"/peer/{declared}/challenges/{tid}", data={"act": "close"}).status_code == 303
    assert peer.post(f"/peer/{declared}/finish").status_code == 303
    assert "How?" in client_as("inspector").get(f"/returns/{ret}/peers").text
    assert client_as("inspector").get(f"/rounds/{world.audit_round.public_id}/peers").status_code == 200
    for name in ("signatory-council", "outsider", "coordinator", "administrator"):
        if name in world.people:
            assert client_as(name).get(f"/returns/{ret}/challenges/{tid}").status_code in (403, 404)


def test_ending_a_review(client_as: Client, ret: str, declared: str) -> None:
    client = client_as("lead-inspector")
    assert client.get(f"/returns/{ret}/peers/{declared}/end").status_code == 200
    assert client_as("inspector").get(f"/returns/{ret}/peers/{declared}/end").status_code in (403, 404)
    assert client.post(f"/returns/{ret}/peers/{declared}/end").status_code == 303
    peer = client_as("peer")
    assert peer.get(f"/returns/{ret}/").status_code == 404
    assert peer.get(f"/peer/{declared}/challenge").status_code == 404


def test_another_reviewers_review_is_not_there(client_as: Client, world: World, declared: str) -> None:
    person(world, "other", "peer_reviewer", world.body.code)
    other = client_as("other")
    for path in ("", "/declare", "/challenge"):
        assert other.get(f"/peer/{declared}{path}").status_code == 404
    assert other.post(f"/peer/{declared}/finish").status_code == 404
    assert client_as("lead").get("/peer").status_code == 403


def test_a_scrutineer_comments_and_the_agency_reads_nothing_of_it(
    client_as: Client, world: World, ret: str
) -> None:
    client = client_as("coordinator")
    submission = one(world, Submission).public_id
    assert f"/returns/{ret}/scrutiny" in client.get(f"/returns/{ret}/submissions/{submission}").text
    assert client.post(f"/returns/{ret}/scrutiny", data={"subject": "S"}).status_code == 422
    client.post(f"/returns/{ret}/scrutiny", data={"subject": "As we see it", "text": "SECRET-COMMENT"})
    assert "SECRET-COMMENT" in client.get(f"/returns/{ret}/scrutiny").text
    assert "SECRET-COMMENT" in client_as("inspector").get(f"/returns/{ret}/peers").text
    for name in ("signatory", "lead", "board"):
        for path in ("", "history", "progress", "scrutiny", "peers", f"submissions/{submission}"):
            assert "SECRET-COMMENT" not in client_as(name).get(f"/returns/{ret}/{path}").text
    tid = one(world, Thread).public_id
    assert client_as("lead").get(f"/returns/{ret}/challenges/{tid}").status_code == 404
    assert client_as("lead").get(f"/returns/{ret}/progress/{tid}").status_code == 404
