"""The figures of the joint findings as a table: made at any time by inspectors, and as they came out."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.operations.submissions import reopen
from app.queries.findings import joint_findings
from app.queries.release import edition_content, published_register
from app.queries.rounds import NotFound
from reports.make import make_report
from reports.render import RenderFailed
from tests.operations.test_release import clock, publish
from tests.operations.test_returns import sign
from tests.web.test_release import AGES_AGO, moved, words
from tests.world import World

Client = Callable[[str], FlaskClient]


def rows(response: object) -> list[list[str]]:
    assert response.status_code == 200, response.status  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(response.data.decode("utf-8-sig"))))  # type: ignore[attr-defined]


def came_out(world: World) -> None:
    """Publish what there is, in the past of the application's clock too."""
    reasons = {"waived": dict.fromkeys(("missing", "window", "unfinished", "queries"), "All the same.")}
    publish(world, world.now + timedelta(hours=1), **reasons)
    moved(world, publish_at=AGES_AGO + timedelta(hours=9))
    clock(world, world.now + timedelta(hours=2))


def test_the_figures_as_a_table_come_out_with_the_findings(world: World, client_as: Client) -> None:
    code = next(iter(world.returns))
    world.answer(code)
    sign(world, code)
    rid = world.audit_round.public_id
    lead, agency = client_as("lead-inspector"), client_as("lead")
    live, published = f"/rounds/{rid}/reports/findings.csv", f"/rounds/{rid}/publications/1.csv"
    now = rows(lead.get(live))
    assert now[0] == ["Chapter", "Agencies (empty: all)", "Number", "About", "Figure", "Value"]
    assert "reports/findings.csv" in lead.get(f"/rounds/{rid}/reports").text
    for path in (live, published):
        assert agency.get(path).status_code in (403, 404)
        assert client_as("outsider").get(path).status_code == 404
    assert lead.get(published).status_code == 404, "nothing is published"
    publish(world, world.now + timedelta(days=200), waived={"missing": "All the same."})
    assert agency.get(published).status_code == 404, "the minute has not come"
    moved(world, publish_at=AGES_AGO + timedelta(hours=9))
    came = rows(agency.get(published))
    assert "publications/1.csv" in agency.get(f"/rounds/{rid}/publications").text
    assert agency.get(live).status_code in (403, 404), "what is made in between stays with the inspectors"
    figures = [row for row in came if row[0] != "About this document"]
    assert figures == [row for row in now if row[0] != "About this document"]
    assert ["About this document", "", "", "", "publication", "1"] in came
    welsh = rows(agency.get(f"{published}?language=cy"))
    assert len(welsh) == len(came) and welsh[5][0] != came[5][0]
    # reopening changes what there is now, and nothing of what came out
    reopen(world.write(), world.returns[code].public_id, reason="A fault.", by=world.actor("lead-inspector"),
           now=world.now)  # fmt: skip
    world.session.commit()
    assert rows(agency.get(published)) == came


def test_a_round_without_decisions_publishes_no_table(world: World, client_as: Client) -> None:
    code = next(iter(world.returns))
    world.answer(code)
    sign(world, code)
    came_out(world)
    rid = world.audit_round.public_id
    assert "register" not in edition_content(world.session, world.audit_round, 1, now=world.now)
    assert "table of responses" not in words(client_as("lead").get(f"/rounds/{rid}/publications"))
    answer = client_as("lead").post(f"/rounds/{rid}/publications/1/pdf", data={"report": "register-responses"})
    assert answer.status_code == 404
    with pytest.raises(NotFound):
        published_register(world.session, world.audit_round, actor=world.actor("lead"), now=world.now)
    with pytest.raises(RenderFailed):
        make_report(
            world.session, "register-responses", world.audit_round, None, out=Path("never.pdf"),
            actor=world.actor("lead"), now=world.now, edition=1,
        )  # fmt: skip
    assert joint_findings(world.session, world.audit_round, actor=world.actor("inspector"), now=world.now)
