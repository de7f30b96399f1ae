"""Summaries for one body and reports on one area: who asks for them, who reads them, and what is in them for whom."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from app.models import Area, AuditRound, Moderation, ReportRun, Submission
from app.policy import Denied
from app.queries.area_report import area_report
from app.queries.body_summary import body_summary
from app.queries.progress_report import progress_report
from app.queries.regional import regional_concerns
from app.queries.rounds import NotFound
from tests.web.test_oversight import submit, words
from tests.web.test_reports import change, finish, queue
from tests.world import World

__all__ = ["queue"]  # a fixture


@pytest.fixture
def area(world: World) -> str:
    return world.session.scalars(select(Area.public_id)).one()


def publish(world: World) -> None:
    """From now on agencies may read the findings."""
    world.write().get_one(AuditRound, world.audit_round.id).findings_from = datetime(2003, 5, 1, tzinfo=UTC)
    world.session.commit()


def test_inspectors_ask_for_a_summary_and_a_report_on_an_area(app, client_as, world, queue, area):
    lead, rid = client_as("lead-inspector"), world.audit_round.public_id
    page = lead.get(f"/rounds/{rid}/reports").text
    assert f'action="/rounds/{rid}/summaries/{world.body.code}"' in page and "Mereland" in page
    submit(world)
    asked = lead.post(f"/rounds/{rid}/summaries/{world.body.code}")
    assert asked.status_code == 303 and len(queue) == 1
    finish(app, world, queue[0])
    done = lead.get(asked.headers["Location"])
    assert f"Summary for one oversight body: {world.body.short}" in words(done)
    assert f'action="/rounds/{rid}/summaries/{world.body.code}"' in done.text
    file = lead.get(f"{asked.headers['Location']}/download")
    assert f"test-round-body-summary-{world.body.code}.pdf" in file.headers["Content-Disposition"]
    file.close()
    assert lead.post(f"/rounds/{rid}/summaries/nobody").status_code == 404

    by_form = lead.post(f"/rounds/{rid}/area-reports", data={"area": area}).headers["Location"]
    finish(app, world, queue[1])
    assert "Report on one area: Mereland" in words(lead.get(by_form))
    assert f'action="/rounds/{rid}/area-reports/{area}"' in lead.get(by_form).text
    # it shows each what they may see: it is for whoever asked
    assert client_as("inspector").get(by_form).status_code == 404
    assert "Report on one area" not in words(client_as("inspector").get(f"/rounds/{rid}/reports"))
    assert lead.post(f"/rounds/{rid}/area-reports", data={"area": "nowhere"}).status_code == 404
    for name in ("signatory", "outsider", "coordinator"):
        assert client_as(name).post(f"/rounds/{rid}/area-reports/{area}").status_code in (403, 404)
        assert client_as(name).post(f"/rounds/{rid}/summaries/{world.body.code}").status_code in (403, 404)
    assert len(queue) == 2


def test_a_coordinator_asks_once_it_is_published_and_released(app, client_as, world, queue, area):
    submit(world)
    coordinator, rid = client_as("coordinator"), world.audit_round.public_id
    address = f"/rounds/{rid}/area-reports/{area}"
    assert coordinator.post(address).status_code == 404
    assert "Make the report on this area" not in coordinator.get(f"/areas/{area}").text
    publish(world)
    assert "Make the report on this area" in coordinator.get(f"/areas/{area}").text
    page = coordinator.post(address).headers["Location"]
    finish(app, world, queue[0])
    assert "Back to the area" in words(coordinator.get(page))
    file = coordinator.get(f"{page}/download")
    assert file.status_code == 200
    file.close()
    world.write().get_one(AuditRound, world.audit_round.id).area_release = "never"
    world.session.commit()
    assert coordinator.get(page).status_code == 404
    assert coordinator.post(address).status_code == 404


def test_what_was_found_is_for_inspectors_alone(world, area):
    submit(world)
    publish(world)
    session = world.write()
    submission = session.scalars(select(Submission)).first()
    item = world.work(next(code for code, one in world.returns.items() if one.id == submission.return_id)).items[0]
    grades = [grade.key for grade in item.scheme.grades]
    own = item.answer.value["grade"]
    session = world.write()
    session.add(
        Moderation(
            return_id=submission.return_id, submission_id=submission.id, criterion=item.criterion.id, version=1,
            outcome="adjusted", self_grade=own, grade=next(key for key in grades if key != own), reason="We looked.",
            at=world.now,
        )
    )  # fmt: skip
    session.commit()
    seen = {
        name: area_report(session, world.audit_round, area, actor=world.actor(name), now=world.now)
        for name in ("lead-inspector", "coordinator")
    }
    assert seen["lead-inspector"].shows_findings and not seen["coordinator"].shows_findings
    checked = [one.checked.answers for one in seen["lead-inspector"].agencies]
    assert sum(checked) == 1 and not sum(one.checked.answers for one in seen["coordinator"].agencies)
    assert seen["coordinator"].judgements == () and all(one.judged == () for one in seen["coordinator"].agencies)
    # but for that both read the same
    assert [one.share for one in seen["lead-inspector"].agencies] == [one.share for one in seen["coordinator"].agencies]
    for name in ("signatory", "outsider", "administrator"):
        with pytest.raises(Denied):
            area_report(session, world.audit_round, area, actor=world.actor(name), now=world.now)
        for read in (regional_concerns, progress_report):
            with pytest.raises(Denied):
                read(session, world.audit_round, actor=world.actor(name), now=world.now)
        with pytest.raises(Denied):
            body_summary(session, world.audit_round, world.body.code, actor=world.actor(name), now=world.now)
    with pytest.raises(NotFound):
        body_summary(session, world.audit_round, "south", actor=world.actor("inspector"), now=world.now)
    with pytest.raises(NotFound):
        area_report(session, world.audit_round, "nowhere", actor=world.actor("inspector"), now=world.now)


def test_the_lists_for_inspectors_are_offered_with_the_joint_findings(app, client_as, world, queue):
    submit(world)
    lead, address = client_as("lead-inspector"), f"/rounds/{world.audit_round.public_id}/reports"
    for report, title in (("regional-concerns", "Regional list of concerns"), ("progress", "Progress since")):
        assert title in words(lead.get(address))
        page = lead.post(address, data={"report": report}).headers["Location"]
        finish(app, world, queue[-1])
        assert lead.get(page).status_code == 200
        publish(world)
        assert client_as("signatory").get(page).status_code == 404
    runs = world.session.scalars(select(ReportRun.report).order_by(ReportRun.id)).all()
    assert runs == ["regional-concerns", "progress"]
    change(world, queue[0], stage="failed", error="It was stopped.")
    assert "It was stopped." in words(lead.get(f"/reports/{queue[0]}"))
