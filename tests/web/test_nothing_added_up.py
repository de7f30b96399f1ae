"""An audit whose author says that nothing is added up: no joint findings and no shares, anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from flask.testing import FlaskClient
from obstore.store import MemoryStore
from sqlalchemy.orm import Session

from app.domain.findings import FindingsTexts
from app.files.store import Store
from app.jobs.gallery import sample_reports
from app.operations import release, sample
from reports.make import make_report
from reports.render import RenderFailed
from tests.operations.test_returns import sign
from tests.web.test_published_files import came_out
from tests.web.test_release import FAR_AHEAD, fields, words
from tests.world import SYSTEM, World, build, pack

Client = Callable[[str], FlaskClient]
CODE = "inspectorate-1"
SHARES = ("figures", "figures/criteria", "figures/agencies", "figures/last-round", "figures/checked",
          "reports/findings.csv", "publications/1.csv", "composing", "recommendations",
          "recommendations.csv")  # fmt: skip


@pytest.fixture
def world(session: Session) -> World:
    """A round of such an audit in which one agency has signed."""
    world = build(session, pack_key="joint-review")
    assert not FindingsTexts.of(world.pack).joint
    session = world.write()
    sample._answer(session, world.returns[CODE], Random(1), world.now, SYSTEM, Store(MemoryStore()))
    session.commit()
    sign(world, CODE)
    return world


def test_no_page_offers_what_is_not_added_up(world: World, client_as: Client, tmp_path: Path) -> None:
    rid, lead, agency = world.audit_round.public_id, client_as("lead-inspector"), client_as("lead")
    page = lead.get(f"/rounds/{rid}").text
    assert f"/rounds/{rid}/figures" not in page and "Two views of one duty" in page
    reports = lead.get(f"/rounds/{rid}/reports").text
    assert 'value="joint-findings"' not in reports and "findings.csv" not in reports
    assert lead.post(f"/rounds/{rid}/reports", data={"report": "joint-findings"}).status_code == 409
    confirm = lead.post(f"/rounds/{rid}/release/publish", data=fields("at", FAR_AHEAD) | {"step": "look"})
    assert "Publish on" in words(confirm) and "the joint findings:" not in words(confirm)
    came_out(world)
    for path in SHARES:
        assert lead.get(f"/rounds/{rid}/{path}").status_code == 404, path
    for client in (lead, agency):
        published = client.get(f"/rounds/{rid}/publications").text
        assert "In force" in published and "The findings as a PDF" not in published and ".csv" not in published
        assert "findings" not in client.get(f"/rounds/{rid}/publications/1.json").get_json()
        assert client.post(f"/rounds/{rid}/publications/1/pdf").status_code == 404
    with pytest.raises(RenderFailed):
        make_report(
            world.session, "joint-findings", world.audit_round, None, out=tmp_path / "never.pdf", actor=SYSTEM,
            now=world.now,
        )  # fmt: skip
    found = release.correction(world.session, world.audit_round, by=world.actor("lead-inspector"), now=world.now)
    assert not {one.chapter for one in found.changes} - {"letters", "feedback"}


def test_facts_and_the_survey_stay_where_there_are_some(world: World, client_as: Client) -> None:
    rid, lead = world.audit_round.public_id, client_as("lead-inspector")
    facts = lead.get(f"/rounds/{rid}/figures/facts")
    assert facts.status_code == 200
    assert f'href="/rounds/{rid}/figures"' not in facts.text


def test_its_samples_have_no_joint_findings() -> None:
    assert set(sample_reports(pack("joint-review"), each=2)) == {"area-letter"}
