"""Guidance in Markdown where people read it: on pages, on paper, and in the workbook."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest
import python_calamine
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.queries.forms import blank_form_of_pack
from reports.render import render_pdf
from tests.pdf_gate import assert_pdf_ua
from tests.reports.test_letter import tags_of
from tests.world import World, build, pack

SignIn = Callable[[str], FlaskClient]
LINK = '<a class="govuk-link" href="https://rules.example/lead?a=1&amp;b=2" rel="noreferrer noopener">the rule</a>'


@pytest.fixture
def world(session: Session) -> World:
    """A round of the pack with one question of every type, one of which has guidance with everything in it."""
    return build(session, pack_key="every-answer")


def test_on_the_page_of_a_question(world: World, client_as: SignIn) -> None:
    ret = world.returns["club-1"].public_id
    standard = world.work("club-1").sections[0].standard.id
    page = client_as("signatory").get(f"/returns/{ret}/standards/{standard}").get_data(as_text=True)
    assert '<p class="govuk-hint">Somebody <em>has to</em>:</p>' in page
    assert '<ul class="govuk-list govuk-list--bullet govuk-hint"><li>by day, and</li>' in page
    assert LINK in page and '<td class="govuk-table__cell">&lt;the door&gt;</td>' in page
    assert 'role="region" aria-label="Table"' in page and "<the door>" not in page
    # what has nothing of Markdown in it is what it was
    assert '<p class="govuk-hint">Cold.</p>' in page


def test_on_a_page_in_another_language(world: World, client_as: SignIn) -> None:
    ret = world.returns["club-1"].public_id
    standard = world.work("club-1").sections[0].standard.id
    client = client_as("signatory")
    client.post("/language", data={"language": "cy"})
    page = client.get(f"/returns/{ret}/standards/{standard}", headers={"Accept-Language": "cy"}).get_data(as_text=True)
    assert '<p class="govuk-hint" lang="en">Somebody <em>has to</em>:</p>' in page
    assert '<ul class="govuk-list govuk-list--bullet govuk-hint" lang="en">' in page
    assert '<p class="govuk-body">Enw <strong>ar y drws</strong>.</p>' in page


def test_in_the_gallery_and_at_the_desk_it_has_its_lead(world: World, client_as: SignIn) -> None:
    page = client_as("inspector").get("/gallery/every-answer/1/form/club").get_data(as_text=True)
    assert '<p class="cnd-criterion__meta"><strong>Good evidence:</strong> A key.</p>' in page
    assert '<p class="cnd-criterion__meta"><strong>Good evidence:</strong> </p>' in page  # a table comes behind it
    assert LINK in page


def test_on_paper(tmp_path: Path, world: World) -> None:
    out = tmp_path / "blank.pdf"
    form = blank_form_of_pack(pack("every-answer"), "club", sha256="0" * 64, now=world.now)
    render_pdf("blank-form", form.model_dump(mode="json"), out)
    assert_pdf_ua(out)
    document = pypdf.PdfReader(out)
    text = " ".join(" ".join(page.extract_text() for page in document.pages).split())
    assert "Somebody has to:" in text and "by night." in text and "<the door>" in text
    assert "**" not in text and "the rule (https://rules.example/lead?a=1&b=2)" in text
    assert {"/L", "/LI", "/Table", "/TH", "/Link"} <= tags_of(document.root_object["/StructTreeRoot"])


def test_in_the_workbook_it_is_words(world: World, client_as: SignIn) -> None:
    ret = world.returns["club-1"].public_id
    response = client_as("signatory").get(f"/returns/{ret}/offline/workbook")
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(response.data))
    cells = {str(cell) for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python() for cell in row}
    whole = "Somebody has to:\n• by day, and\n• by night.\n\nSee the rule (https://rules.example/lead?a=1&b=2)."
    assert whole in cells
    assert "What | Where\nA name | <the door>" in cells
