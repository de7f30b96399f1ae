"""The table of responses comes out with the findings, frozen, for the agencies of the round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import AuditRound, ReportRun
from app.operations.release import correction
from app.operations.submissions import reopen
from app.policy import Denied
from app.queries.register import register
from app.queries.release import published_register
from reports.make import make_report
from reports.source import source_of
from reports.tables import figures_of
from tests.operations.test_returns import sign
from tests.reports.test_register import DECIDES, FOLLOWS, load_example
from tests.reports.test_small_numbers import in_every_form
from tests.web.test_published_files import came_out
from tests.web.test_release import queue, words  # noqa: F401 -- queue is a fixture
from tests.world import World, build

Client = Callable[[str], FlaskClient]


@pytest.fixture
def world(session: Session) -> World:
    """A round of the registers in which those who decide have answered."""
    world = build(session, pack_key="recommendations")
    load_example(world)
    return world


def test_the_table_of_responses_comes_out_for_agencies(
    world: World, client_as: Client, queue: list[str], tmp_path: Path  # noqa: F811
) -> None:
    rid = world.audit_round.public_id
    lead, agency = client_as("lead-inspector"), client_as("lead")
    asked = {"report": "register-responses"}
    pdf = f"/rounds/{rid}/publications/1/pdf"
    assert agency.post(pdf, data=asked).status_code == 404
    with pytest.raises(Denied):
        register(world.session, world.audit_round, actor=world.actor("lead"), now=world.now)
    came_out(world)
    page = agency.get(f"/rounds/{rid}/publications")
    assert "The table of responses as a PDF" in words(page)
    assert agency.post(pdf, data={"report": "agency-return"}).status_code == 404
    made = agency.post(pdf, data=asked).headers["Location"]
    assert lead.post(pdf, data=asked).headers["Location"] == made and len(queue) == 1
    assert agency.get(made).status_code == 200
    assert agency.get(f"/rounds/{rid}/publications/1.json").get_json()["register"]["reports"]
    live = lead.post(f"/rounds/{rid}/reports", data=asked).headers["Location"]
    assert agency.get(live).status_code == 404, "what is made in between stays with the inspectors"
    run = world.write().scalars(select(ReportRun).where(ReportRun.public_id == made.rsplit("/", 1)[1])).one()
    out = tmp_path / "register.pdf"
    make_report(
        world.session, run.report, world.audit_round, None, out=out, actor=world.actor("lead"), now=world.now,
        edition=run.options["edition"],
    )  # fmt: skip
    cover = pypdf.PdfReader(out).pages[0].extract_text()
    assert "Publication 1" in cover

    # it stays as it came out, and a correction says what it changes
    then = published_register(world.session, world.audit_round, actor=world.actor("lead"), now=world.now)
    reopen(world.write(), world.returns[DECIDES].public_id, reason="A fault.", by=world.actor("lead-inspector"),
           now=world.now)  # fmt: skip
    world.session.commit()
    assert published_register(world.session, world.audit_round, actor=world.actor("lead"), now=world.now) == then
    by = world.actor("lead-inspector")
    changes = correction(world.session, world.audit_round, by=by, now=world.now).changes
    counts = {one.what: (one.old, one.new) for one in changes if (one.chapter, one.field) == ("register", "number")}
    assert ("86", "0") in counts.values() and ("19", "0") in counts.values()
    decided = [one for one in changes if (one.chapter, one.field) == ("register", "decision")]
    assert len(decided) == 138 and all(one.old and not one.new for one in decided)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it is frozen by the same code
def test_what_comes_out_says_nothing_of_few_agencies_and_names_none(world: World, client_as: Client) -> None:
    world.answer(FOLLOWS, by="signatory-council")
    sign(world, FOLLOWS, by="signatory-council")
    whole = register(world.session, world.audit_round, actor=world.actor("lead-inspector"), now=world.now)
    assert whole and any(one.answers for report in whole.reports for entry in report.entries for one in entry.progress)
    world.write().get_one(AuditRound, world.audit_round.id).suppress_below = 5
    world.session.get_one(AuditRound, world.audit_round.id).names_agencies = False
    world.session.commit()
    came_out(world)
    rid = world.audit_round.public_id
    told = client_as("lead").get(f"/rounds/{rid}/publications/1.json")
    found = published_register(world.session, world.audit_round, actor=world.actor("lead"), now=world.now)
    assert told.get_json()["register"]["suppressed_below"] == found.suppressed_below == 5
    progress = [one for report in found.reports for entry in report.entries for one in entry.progress]
    assert any(one.hidden for one in progress) and not any(one.answers or one.expected for one in progress)
    assert all(moment.hidden for report in found.reports for moment in report.over_time)
    names = {one.agency.name for one in world.returns.values()}
    assert names and not any(name in told.text for name in names)
    # what was decided, and the words, are what the table is there for
    assert [report.decisions for report in found.reports] == [report.decisions for report in whole.reports]
    made_from = source_of("register-responses", found)
    page = made_from.page
    forms, _said = in_every_form(made_from)
    assert not any(name in form.decode(errors="ignore") for name in names for form in forms.values())
    assert "progress of fewer than 5 agencies" in page and not any(name in page for name in names)
    cells = [cell.text for one in figures_of(page) for row in one.rows for cell in row.cells]
    assert cells.count("c") > 10
    # inspectors go on reading all of it
    assert register(world.session, world.audit_round, actor=world.actor("lead-inspector"), now=world.now) == whole
