"""Every report also as Word, page, workbook, CSV and data: for whoever may read its PDF, and nobody else."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from docx import Document
from flask import Flask

from app.models import ReportRun
from reports.formats import FORMATS
from reports.source import SOURCE
from tests.reports.made_up import made_up
from tests.web.test_oversight import submit, words
from tests.web.test_reports import change, finish, queue
from tests.world import World

__all__ = ["queue"]  # a fixture


def made(app: Flask, world: World, run_id: str) -> Path:
    """Make a run done, with a PDF and what its other forms are made from."""
    path = finish(app, world, run_id)
    made_up().keep(path.with_name(f"{run_id}{SOURCE}"))
    return path


@pytest.fixture
def page(app, client_as, world, queue) -> str:
    """The address of a run of the joint findings that is done."""
    submit(world)
    address = f"/rounds/{world.audit_round.public_id}/reports"
    asked = client_as("lead-inspector").post(address, data={"report": "joint-findings"})
    made(app, world, queue[0])
    return str(asked.headers["Location"])


def test_every_form_is_offered_and_downloaded(client_as, page):
    lead = client_as("lead-inspector")
    shown = lead.get(page)
    assert "Other forms of the same report" in words(shown)
    for key, form in FORMATS.items():
        assert f'href="{page}/download/{key}"' in shown.get_data(as_text=True)
        answer = lead.get(f"{page}/download/{key}")
        assert answer.status_code == 200 and answer.mimetype == form.mimetype
        assert f"test-round-joint-findings{form.ending}" in answer.headers["Content-Disposition"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.data == form.write(made_up())
        answer.close()
    assert lead.get(f"{page}/download/gif").status_code == 404


def test_the_forms_open_as_what_they_are(client_as, page):
    lead = client_as("lead-inspector")
    word = lead.get(f"{page}/download/docx")
    assert "Table 1 Counts of returns" in [one.text for one in Document(io.BytesIO(word.data)).paragraphs]
    archive = lead.get(f"{page}/download/csv")
    assert "contents.csv" in zipfile.ZipFile(io.BytesIO(archive.data)).namelist()
    data, schema = lead.get(f"{page}/download/json"), lead.get(f"{page}/schema.json")
    assert set(json.loads(data.data)) == set(schema.get_json()["properties"])
    for answer in (word, archive, data, schema):
        answer.close()


def test_the_page_may_run_and_fetch_nothing(client_as, page):
    shown = client_as("lead-inspector").get(f"{page}/page")
    policy = shown.headers["Content-Security-Policy"]
    assert shown.status_code == 200 and shown.mimetype == "text/html"
    assert "default-src 'none'" in policy and "script-src" not in policy and "unsafe" not in policy
    assert "style-src 'sha256-" in policy and "Content-Disposition" not in shown.headers
    html = shown.get_data(as_text=True)
    assert '<meta name="viewport"' in html and "Counts" in html and shown.headers["Cache-Control"] == "no-store"


def test_who_may_not_read_the_pdf_gets_none_of_the_forms(app, client_as, world, page):
    addresses = [f"{page}/page", f"{page}/schema.json", *(f"{page}/download/{key}" for key in FORMATS)]
    for person in ("outsider", "signatory", "signatory-nhs"):
        client = client_as(person)
        assert {client.get(address).status_code for address in addresses} == {404}, person
    assert {app.test_client().get(address).status_code for address in addresses} == {302}  # to the sign-in page


def test_an_agency_reads_what_is_published_in_every_form(app, client_as, world, page, queue):
    from datetime import UTC, datetime

    from app.models import AuditRound

    world.write().get(AuditRound, world.audit_round.id).findings_from = datetime(2003, 5, 1, tzinfo=UTC)
    world.session.commit()
    change(world, queue[0], options={"language": "en", "edition": 1, "replaced_by": 0})
    signatory = client_as("signatory")
    for address in (f"{page}/page", f"{page}/download/docx", f"{page}/schema.json"):
        answer = signatory.get(address)
        assert answer.status_code == 200
        answer.close()


def test_a_report_made_before_there_were_forms_has_its_pdf_alone(app, client_as, world, queue):
    submit(world)
    lead = client_as("lead-inspector")
    page = lead.post(
        f"/rounds/{world.audit_round.public_id}/reports", data={"report": "joint-findings"}
    ).headers["Location"]  # fmt: skip
    assert lead.get(f"{page}/download/docx").status_code == 404  # not made yet
    finish(app, world, queue[0])
    shown = words(lead.get(page))
    assert "Download the PDF" in shown and "Other forms" not in shown
    assert lead.get(f"{page}/download/docx").status_code == lead.get(f"{page}/page").status_code == 404


def test_without_its_pdf_a_report_has_no_forms_either(app, client_as, world, page, queue):
    run = world.session.query(ReportRun).one()
    (Path(app.config["CANDOUR"].home) / "reports" / run.file).unlink()
    assert client_as("lead-inspector").get(f"{page}/download/xlsx").status_code == 404
