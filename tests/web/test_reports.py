"""Asking for reports, following them, downloading them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy import select

from app.models import AuditRound, ReportRun
from tests.web.test_oversight import submit, words
from tests.world import World


@pytest.fixture
def queue(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were handed to the background."""
    runs: list[str] = []
    background = SimpleNamespace(enqueue_report=lambda _session, run_id: runs.append(run_id))
    monkeypatch.setitem(app.extensions, "candour_jobs", background)
    return runs


def change(world: World, run_id: str, **values: object) -> None:
    """Do to a run what the background would."""
    run = world.write().scalars(select(ReportRun).where(ReportRun.public_id == run_id)).one()
    for name, value in values.items():
        setattr(run, name, value)
    world.session.commit()


def finish(app: Flask, world: World, run_id: str, file: str = "") -> Path:
    """Make a run done, with a file in the data folder."""
    path = Path(app.config["CANDOUR"].home) / "reports" / (file or f"{run_id}.pdf")
    path.write_bytes(b"%PDF-1.7 test")
    change(
        world, run_id, stage="done", progress=100, file=path.name, pages=22, sha256="ab" * 32, snapshot_id="cd" * 32,
        finished_at=datetime(2003, 5, 12, 10, tzinfo=UTC),
    )  # fmt: skip
    return path


def test_joint_findings_are_asked_for_followed_and_downloaded(app, client_as, world, queue):
    submit(world)
    lead = client_as("lead-inspector")
    address = f"/rounds/{world.audit_round.public_id}/reports"
    assert "No report of this round has been made yet" in words(lead.get(address))
    asked = lead.post(address, data={"report": "joint-findings"})
    assert asked.status_code == 303 and len(queue) == 1
    page = asked.headers["Location"]
    assert page == f"/reports/{queue[0]}"
    waiting = lead.get(page).get_data(as_text=True)
    assert "Waiting for its turn" in waiting
    # without JavaScript the page comes again by itself; with it, it asks for the state
    assert re.search(r'<noscript><meta http-equiv="refresh" content="3"></noscript>', waiting)
    assert f'data-progress="{page}/status"' in waiting
    assert lead.get(f"{page}/download").status_code == 404
    # one that is under way is not asked for twice
    assert lead.post(address, data={"report": "joint-findings"}).headers["Location"] == page and len(queue) == 1
    change(world, queue[0], stage="running", progress=40, step="Setting the pages")
    state = lead.get(f"{page}/status").get_json()
    assert state == {
        "stage": "running", "progress": 40, "state": "Being made", "detail": "Setting the pages. 40 per cent done.",
    }  # fmt: skip
    path = finish(app, world, queue[0])
    done = lead.get(page)
    assert "22 pages" in words(done) and "ab" * 32 in words(done) and "cd" * 32 in words(done)
    assert "http-equiv" not in done.get_data(as_text=True)
    file = lead.get(f"{page}/download")
    assert file.data == b"%PDF-1.7 test" and file.mimetype == "application/pdf"
    assert "test-round-joint-findings.pdf" in file.headers["Content-Disposition"]
    assert file.headers["Cache-Control"] == "no-store"
    file.close()
    path.unlink()
    assert lead.get(f"{page}/download").status_code == 404
    assert "is not kept any more" in words(lead.get(page))
    assert "Joint findings" in words(lead.get(address))


def test_a_failed_report_says_what_to_do(client_as, world, queue):
    lead = client_as("lead-inspector")
    lead.post(f"/rounds/{world.audit_round.public_id}/reports", data={"report": "joint-findings"})
    change(world, queue[0], stage="failed", error="The renderer was stopped.")
    page = words(lead.get(f"/reports/{queue[0]}"))
    assert "Could not be made" in page and "The renderer was stopped." in page and "Try again" in page
    lead.post(f"/rounds/{world.audit_round.public_id}/reports", data={"report": "joint-findings"})
    assert len(queue) == 2


def test_who_may_ask_and_who_may_read(app, client_as, world, queue):
    address = f"/rounds/{world.audit_round.public_id}/reports"
    lead = client_as("lead-inspector")
    assert client_as("outsider").post(address, data={"report": "joint-findings"}).status_code == 404
    assert client_as("signatory").post(address, data={"report": "joint-findings"}).status_code == 403
    for wrong in ("agency-return", "nothing", ""):
        answer = lead.post(address, data={"report": wrong})
        assert answer.status_code == 409 and "There is no such report" in words(answer)
    assert queue == []
    lead.post(address, data={"report": "joint-findings"})
    finish(app, world, queue[0])
    signatory, page = client_as("signatory"), f"/reports/{queue[0]}"
    # under embargo the agency may not know of it; afterwards it may read it, and make none itself
    assert {signatory.get(path).status_code for path in (address, page, f"{page}/status", f"{page}/download")} == {404}
    world.write().get(AuditRound, world.audit_round.id).findings_from = datetime(2003, 5, 1, tzinfo=UTC)
    world.session.commit()
    # figures that inspectors made in between stay with them; what is published is there for the agencies
    assert signatory.get(page).status_code == 404 and "Joint findings" not in words(signatory.get(address))
    change(world, queue[0], options={"language": "en", "edition": 1, "replaced_by": 0})
    listed = words(signatory.get(address))
    assert "Joint findings, number 1" in listed and "Make" not in listed
    assert signatory.get(page).status_code == 200
    assert client_as("outsider").get(page).status_code == 404
    assert app.test_client().get(page).status_code == 302  # to the sign-in page


def test_an_agency_gets_the_pdf_of_what_it_submitted(app, client_as, world, queue):
    signatory = client_as("signatory")
    address = f"/returns/{world.returns['council-1'].public_id}/reports"
    early = signatory.post(address, data={"report": "agency-return"})
    assert early.status_code == 409 and "Nothing is submitted" in words(early)
    submit(world)
    assert signatory.post(address, data={"report": "joint-findings"}).status_code == 409
    page = signatory.post(address, data={"report": "receipt"}).headers["Location"]
    finish(app, world, queue[0])
    file = signatory.get(f"{page}/download")
    assert "test-round-council-1-receipt.pdf" in file.headers["Content-Disposition"]
    file.close()
    assert client_as("signatory-nhs").get(page).status_code == 404
    assert client_as("signatory-nhs").post(address, data={"report": "receipt"}).status_code == 404


def test_a_file_outside_the_folder_is_never_sent(app, client_as, world, queue):
    submit(world)
    lead = client_as("lead-inspector")
    lead.post(f"/rounds/{world.audit_round.public_id}/reports", data={"report": "joint-findings"})
    finish(app, world, queue[0])
    change(world, queue[0], file="../secrets/SECRET_KEY")
    assert lead.get(f"/reports/{queue[0]}/download").status_code == 404
