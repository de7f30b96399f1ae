"""The pages of batches: asking, watching, stopping, trying again, fetching the file, removing it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.jobs import batches as files
from app.models import BatchDocument, OversightBody, ReportBatch, RoundTemplate
from app.operations import batches
from config import Config
from tests.operations.checking import put_in_sample
from tests.operations.test_batches import signed
from tests.world import World


@pytest.fixture
def lead(world: World, client_as: Callable[[str], FlaskClient]) -> FlaskClient:
    """A lead inspector; two agencies have signed, and they alone are in `world.returns`."""
    world.returns = {code: world.returns[code] for code in signed(world, 2)}
    return client_as("lead-inspector")


def page(world: World) -> str:
    return f"/rounds/{world.audit_round.public_id}/batches"


def newest(world: World) -> ReportBatch:
    world.session.rollback()
    return world.session.scalars(select(ReportBatch).order_by(ReportBatch.id.desc())).first()  # type: ignore[return-value]


def done(app: Flask, world: World, config: Config, *, failed: int = 0) -> str:
    """The newest batch as a worker leaves it, with some that failed; its address."""
    batch = newest(world)
    session = world.write()
    rows = session.scalars(select(BatchDocument).where(BatchDocument.batch_id == batch.id)).all()
    for place, row in enumerate(rows):
        row.stage, row.error = ("failed", "Nothing has been submitted yet.") if place < failed else ("made", "")
        row.attempts, row.finished_at = 1, world.now
    path = files.file_of(config.home, batch.public_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.csv", "file")
    batch.stage, batch.file, batch.size, batch.sha256 = "done", path.name, path.stat().st_size, "ab" * 32
    session.commit()
    return f"{page(world)}/{batch.public_id}"


def test_a_lead_inspector_asks_and_follows(world: World, lead: FlaskClient) -> None:
    reports = lead.get(f"/rounds/{world.audit_round.public_id}/reports")
    assert page(world) in reports.text
    shown = lead.get(page(world))
    assert "No batch of this round has been asked for yet" in shown.text
    assert 'value="feedback"' in shown.text and 'value="draft-return"' not in shown.text
    assert 'value="area-report"' in shown.text
    response = lead.post(page(world), data={"report": "receipt"})
    assert response.status_code == 303
    address = response.headers["Location"]
    shown = lead.get(address)
    assert "Waiting for its turn" in shown.text and f"0 of {len(world.returns)} made" in shown.text
    assert 'http-equiv="refresh"' in shown.text, "it follows without a script too"
    told = lead.get(f"{address}/status").get_json()
    assert told["stage"] == "waiting" and told["progress"] == 0
    assert "Being made" in lead.get(page(world)).text
    history = lead.get(f"/rounds/{world.audit_round.public_id}/history")
    assert "Asked for the report “receipt”" in history.text


def test_what_cannot_be_made_is_said_and_what_was_typed_is_kept(world: World, lead: FlaskClient) -> None:
    response = lead.post(page(world), data={"report": "receipt", "codes": "nowhere, elsewhere"})
    assert response.status_code == 422
    assert "Not in this round: nowhere, elsewhere" in response.text and "nowhere, elsewhere</textarea>" in response.text
    response = lead.post(page(world), data={"report": "draft-return"})
    assert response.status_code == 422 and "Choose the report to make" in response.text
    response = lead.post(page(world), data={"report": "feedback"})
    assert response.status_code == 422 and "There is nothing to make yet" in response.text


def test_it_is_stopped_and_goes_on(world: World, lead: FlaskClient) -> None:
    address = lead.post(page(world), data={"report": "receipt"}).headers["Location"]
    assert "Stop it first" in lead.get(f"{address}/remove", follow_redirects=True).text
    assert "Stopped" in lead.post(f"{address}/cancel", follow_redirects=True).text
    shown = lead.post(f"{address}/cancel", follow_redirects=True)
    assert "nothing to stop" in shown.text
    assert lead.get(f"{address}/status").get_json()["stage"] == "done", "the page shows something else now"
    assert "It goes on where it was" in lead.post(f"{address}/resume", follow_redirects=True).text
    assert newest(world).stage == "waiting"


def test_one_that_could_not_go_on_says_so_and_goes_on(world: World, lead: FlaskClient) -> None:
    asked = {"report": "receipt", "form": ["docx", "nonsense"]}
    address = lead.post(page(world), data=asked).headers["Location"]
    assert newest(world).options["forms"] == ["docx"]
    batch = newest(world)
    assert batches.give_up(world.write(), batch.public_id, "", now=world.now, error=files.NO_ROOM)
    world.session.commit()
    shown = lead.get(address).text
    assert "It could not go on" in shown and "no room left" in shown and batch.public_id in shown
    assert "Could not go on" in lead.get(page(world)).text
    history = lead.get(f"/rounds/{world.audit_round.public_id}/history").text
    assert "A batch of the report “receipt” could not go on" in history
    assert "It goes on where it was" in lead.post(f"{address}/resume", follow_redirects=True).text
    assert "no room left" not in lead.get(address).text


def test_the_file_is_fetched_and_what_failed_is_tried_again(
    app: Flask, world: World, lead: FlaskClient, config: Config
) -> None:
    lead.post(page(world), data={"report": "receipt"})
    address = done(app, world, config, failed=1)
    shown = lead.get(address)
    assert "Done, but for those that failed" in shown.text and "Nothing has been submitted yet." in shown.text
    response = lead.get(f"{address}/download")
    assert response.mimetype == "application/zip" and response.headers["Cache-Control"] == "no-store"
    assert zipfile.ZipFile(io.BytesIO(response.data)).namelist() == ["manifest.csv"]
    response.close()
    assert "It is tried again" in lead.post(f"{address}/retry", follow_redirects=True).text
    assert newest(world).stage == "waiting"
    assert lead.post(f"{address}/retry", data={"document": "999999"}, follow_redirects=True).status_code == 200


def test_an_old_batch_is_removed_with_its_file(app: Flask, world: World, lead: FlaskClient, config: Config) -> None:
    lead.post(page(world), data={"report": "receipt"})
    address = done(app, world, config)
    path = files.file_of(config.home, newest(world).public_id)
    assert "Remove this batch?" in lead.get(f"{address}/remove").text and path.is_file()
    assert "The batch is removed" in lead.post(f"{address}/remove", follow_redirects=True).text
    assert not path.exists() and lead.get(address).status_code == 404


@pytest.mark.parametrize("name", ["inspector", "outsider", "signatory", "coordinator", "administrator"])
def test_nobody_else_sees_it(
    app: Flask, world: World, lead: FlaskClient, client_as: Callable[[str], FlaskClient], config: Config, name: str
) -> None:
    lead.post(page(world), data={"report": "receipt"})
    address = done(app, world, config)
    client = client_as(name)
    for path in ("", "/status", "/download", "/remove"):
        assert client.get(address + path).status_code in (403, 404)
    for path in ("/cancel", "/resume", "/retry", "/remove"):
        assert client.post(address + path).status_code in (403, 404)
    assert newest(world) is not None


def test_a_lead_of_another_body_does_not_fetch_what_theirs_does_not_ask(
    app: Flask, world: World, lead: FlaskClient, config: Config
) -> None:
    """As `test_who_may` has it: the last agency type is another body's, and its lead inspectors read of it alone."""
    lead.post(page(world), data={"report": "receipt"})
    address = done(app, world, config)
    session = world.write()
    south = session.scalars(select(OversightBody.id).where(OversightBody.id != world.body.id)).first()
    last = list(world.returns.values())[-1].agency_type
    session.execute(update(RoundTemplate).where(RoundTemplate.agency_type == last).values(oversight_body_id=south))
    session.commit()
    assert lead.get(f"{address}/download").status_code == 404, "one type in it is not theirs any more"
    assert address not in lead.get(page(world)).text


def test_who_checks_second_does_not_fetch_what_the_first_found(
    app: Flask, world: World, lead: FlaskClient, config: Config
) -> None:
    lead.post(page(world), data={"report": "receipt"})
    address = done(app, world, config)
    put_in_sample(world, next(iter(world.returns)), second="lead-inspector")
    assert "You check an agency of this batch second" in lead.get(address).text
    assert lead.get(f"{address}/download").status_code == 404
