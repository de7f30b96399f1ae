"""Drafting packs on pages: what an inspector does from the beginning to publication, and what is refused."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.authoring.forms import LISTS, filled, is_own, table_at
from app.authoring.from_workbook import read_workbook
from app.authoring.pieces import as_draft, checked, find
from app.authoring.workbook import write_workbook
from app.catalogue import MAX_BYTES
from app.models import PackDraft, PackVersion
from app.queries.drafts import files_at
from app.web.drafts.parts import PACK_LISTS
from app.web.drafts.words import WORDS
from tests.world import World

KEY = "section-11-2024"


@pytest.fixture
def inspector(world: World, client_as: Callable[[str], FlaskClient]) -> FlaskClient:
    """An inspector of the body that owns the round."""
    return client_as("inspector")


def the_draft(world: World) -> PackDraft:
    """The draft that was begun last."""
    world.session.rollback()
    return world.session.scalars(select(PackDraft).order_by(PackDraft.id.desc())).first()  # type: ignore[return-value]


def files(world: World) -> dict[str, str]:
    return files_at(world.session, the_draft(world))


def content(world: World, *at: str) -> Any:
    """A part of the draft that was begun last."""
    return find(checked(files(world), the_draft(world).pack).content, at)


def begun(client: FlaskClient, how: str, **data: Any) -> str:
    """Begin a draft; the address of its page."""
    response = client.post(f"/drafts/new/{how}", data=data)
    assert response.status_code == 303, errors(response.text)
    return str(response.headers["Location"])


def errors(page: str) -> str:
    """What the error summary of a page says."""
    found = re.search(r'govuk-error-summary__body">(.*?)</div>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


def plain(page: str) -> str:
    """The words of a page."""
    main = page[page.index("<main") :]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def form_values(page: str) -> dict[str, str]:
    """The fields of the form of a page, as a browser would send them."""
    import html as entities

    main = page[page.index("<main") :]
    values = {}
    for name, value in re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', main):
        values[name] = entities.unescape(value)
    for field in re.findall(r"<input[^>]*>", main):
        name, value = re.search(r'name="([^"]+)"', field), re.search(r'value="([^"]*)"', field)
        if name and 'type="checkbox"' not in field and 'type="radio"' not in field:
            values[name[1]] = entities.unescape(value[1]) if value else ""
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', main, re.DOTALL):
        values[name] = entities.unescape(text).strip()
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', main, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        first = re.search(r'value="([^"]*)"', options)
        values[name] = entities.unescape((chosen or first)[1]) if (chosen or first) else ""  # type: ignore[index]
    values.pop("csrf_token", None)
    return values


def xlsform(rows: list[list[str]], choices: list[list[str]] | None = None) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    for name, lines in (("survey", rows), ("choices", choices or [["list_name", "name", "label"]])):
        sheet = book.add_worksheet(name)
        for place, line in enumerate(lines):
            sheet.write_row(place, 0, line)
    book.close()
    return out.getvalue()


# --- beginning -------------------------------------------------------------------------------------------------------


def test_a_draft_begins_from_a_plain_example_and_has_no_mistakes(world: World, inspector: FlaskClient) -> None:
    assert "There is no draft yet" in inspector.get("/drafts").text
    address = begun(inspector, "empty", title="Joint working")
    page = inspector.get(address).text
    assert "Joint working" in page and "There are no mistakes in it" in page
    assert the_draft(world).pack == "joint-working"
    assert the_draft(world).body_id == world.body.id
    assert "Joint working" in inspector.get("/drafts").text


def test_a_plain_example_needs_a_title_and_shows_what_was_typed(world: World, inspector: FlaskClient) -> None:
    response = inspector.post("/drafts/new/empty", data={"title": "", "key": "Joint Working"})
    assert response.status_code == 422 and "Say what the audit is called" in errors(response.text)
    assert 'value="Joint Working"' in response.text
    response = inspector.post("/drafts/new/empty", data={"title": "Joint", "key": "Joint Working"})
    assert response.status_code == 422 and "lower-case words" in errors(response.text)
    assert the_draft(world) is None


def test_a_draft_of_a_published_pack_comes_to_the_same_content(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "pack", pack=f"{KEY}/{world.pack.version}")
    draft = the_draft(world)
    assert draft.base_id == world.version.id and draft.mistakes == 0
    pack = checked(files(world), KEY).pack
    assert pack is not None and pack.as_published().to_frozen() == world.pack.as_published().to_frozen()
    page = inspector.get(f"{address}/compare").text
    assert "Nothing differs between these versions" in page


def test_a_pack_of_ones_own_begins_with_another_at_version_one(world: World, inspector: FlaskClient) -> None:
    begun(inspector, "pack", pack=f"{KEY}/{world.pack.version}", key="our-own")
    assert content(world, "pack.yaml", "pack") == "our-own"
    assert content(world, "pack.yaml", "version") == 1
    assert content(world, "pack.yaml", "changes") is None
    assert the_draft(world).base_id is None and the_draft(world).mistakes == 0


def test_an_xlsform_is_imported_with_what_was_left_out_and_why(world: World, inspector: FlaskClient) -> None:
    form = xlsform(
        [
            ["type", "name", "label"],
            ["text", "what", "What was done?"],
            ["geopoint", "where", "Where was it?"],
        ]
    )
    address = begun(inspector, "xlsform", key="our-form", file=(io.BytesIO(form), "visits.xlsx"))
    page = plain(inspector.get(address).text)
    assert "Left out, changed or assumed by the import" in page and "survey!A3" in page
    assert "Imported from the XLSForm visits.xlsx" in page
    link = re.search(rf"{address}/checklist/[^\"]+", inspector.get(address).text)
    assert link and "What was done?" in inspector.get(link[0]).text


def test_a_form_that_cannot_be_read_is_refused_with_its_cells(world: World, inspector: FlaskClient) -> None:
    form = xlsform([["type", "name", "label"], ["select_one nothing", "what", "What?"]])
    data = {"key": "our-form", "file": (io.BytesIO(form), "visits.xlsx")}
    response = inspector.post("/drafts/new/xlsform", data=data)
    assert response.status_code == 422 and "survey!A2" in errors(response.text)
    assert 'value="our-form"' in response.text and the_draft(world) is None


@pytest.mark.parametrize("how", ["workbook", "xlsform", "ciso"])
def test_what_is_no_such_file_is_refused(world: World, inspector: FlaskClient, how: str) -> None:
    data = {"key": "x", "file": (io.BytesIO(b"\x00\xff: {"), "../../etc/passwd")}
    response = inspector.post(f"/drafts/new/{how}", data=data)
    assert response.status_code == 422 and errors(response.text)
    response = inspector.post(f"/drafts/new/{how}", data={"key": "x"})
    assert "Choose a file to upload" in errors(response.text)
    assert the_draft(world) is None


def test_a_framework_library_is_imported(world: World, inspector: FlaskClient) -> None:
    library = """
urn: urn:x:library:small
locale: en
ref_id: small
name: A small framework
objects:
  framework:
    urn: urn:x:framework:small
    ref_id: small
    name: A small framework
    requirement_nodes:
      - {urn: "urn:x:req:1", assessable: false, depth: 1, ref_id: "1", name: Governing}
      - urn: "urn:x:req:1.1"
        parent_urn: "urn:x:req:1"
        assessable: true
        depth: 2
        ref_id: "1.1"
        name: Roles
        weight: 3
"""
    address = begun(inspector, "ciso", key="small", file=(io.BytesIO(library.encode()), "small.yaml"))
    assert "Weights are left out" in inspector.get(address).text


def test_a_workbook_comes_back_as_the_same_draft(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    before = {name: content(world, name) for name in files(world)}
    book = inspector.get(f"{address}/workbook.xlsx")
    assert book.status_code == 200 and book.data[:2] == b"PK"
    begun(inspector, "workbook", file=(io.BytesIO(book.data), "book.xlsx"))
    assert {name: content(world, name) for name in files(world)} == before
    other = f"/drafts/{the_draft(world).public_id}"
    inspector.post(f"{other}/part/pack.yaml", data={"title": "Another", "summary": "S", "source": "S", "revision": "1"})
    assert content(world, "pack.yaml", "title") == "Another"
    data = {"file": (io.BytesIO(book.data), "book.xlsx"), "revision": "2"}
    assert inspector.post(f"{other}/upload", data=data).status_code == 303
    assert {name: content(world, name) for name in files(world)} == before


def test_the_workbook_of_another_pack_is_refused(world: World, inspector: FlaskClient) -> None:
    first = begun(inspector, "empty", title="One")
    book = inspector.get(f"{first}/workbook.xlsx").data
    second = begun(inspector, "empty", title="Two")
    data = {"file": (io.BytesIO(book), "book.xlsx"), "revision": "1"}
    response = inspector.post(f"{second}/upload", data=data)
    assert response.status_code == 422 and "workbook of “one”" in errors(response.text)
    assert content(world, "pack.yaml", "title") == "Two"


def test_a_workbook_does_not_overwrite_what_was_saved_since_it_was_downloaded(
    world: World, inspector: FlaskClient, client_as: Callable[[str], FlaskClient]
) -> None:
    address = begun(inspector, "empty", title="Joint working")
    book = inspector.get(f"{address}/workbook.xlsx").data
    lead = client_as("lead-inspector")
    values = form_values(lead.get(f"{address}/part/pack.yaml").text) | {"title": "Theirs"}
    assert lead.post(f"{address}/part/pack.yaml", data=values).status_code == 303

    def upload(page: str, content: bytes = book) -> TestResponse:
        data = {**form_values(page), "file": (io.BytesIO(content), "book.xlsx")}
        return inspector.post(f"{address}/upload", data=data)

    # the page is newer than what others saved; the workbook is not
    refused = upload(inspector.get(f"{address}/upload").text)
    assert refused.status_code == 409 and "after this workbook was downloaded" in errors(refused.text)
    assert "Revision 2" in plain(refused.text) and "Revision 1:" not in plain(refused.text)
    assert content(world, "pack.yaml", "title") == "Theirs" and the_draft(world).revision == 2
    # what was saved later still is no part of what they saw
    values = form_values(lead.get(f"{address}/part/pack.yaml").text) | {"title": "Theirs again"}
    assert lead.post(f"{address}/part/pack.yaml", data=values).status_code == 303
    again = upload(refused.text)
    assert again.status_code == 409 and content(world, "pack.yaml", "title") == "Theirs again"
    # a fresh one is taken; so is the old one, once what it would replace was shown
    assert upload(again.text, inspector.get(f"{address}/workbook.xlsx").data).status_code == 303
    assert content(world, "pack.yaml", "title") == "Theirs again"
    assert upload(again.text).status_code == 303
    assert content(world, "pack.yaml", "title") == "Joint working"
    assert "Theirs again" in inspector.get(f"{address}/revisions/3/pack.yaml").text


def test_a_workbook_is_uploaded_again_and_again_by_who_works_on_it(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    draft = read_workbook(inspector.get(f"{address}/workbook.xlsx").data)
    for number, title in enumerate(("First", "Second", "Third"), start=2):
        draft.files["pack.yaml"]["title"] = title
        page = form_values(inspector.get(f"{address}/upload").text)
        data = {**page, "file": (io.BytesIO(write_workbook(draft)), "book.xlsx")}
        assert inspector.post(f"{address}/upload", data=data).status_code == 303
        assert content(world, "pack.yaml", "title") == title and the_draft(world).revision == number


def test_a_workbook_made_elsewhere_is_taken_on_the_revision_of_its_page(
    world: World, inspector: FlaskClient, client_as: Callable[[str], FlaskClient]
) -> None:
    address = begun(inspector, "empty", title="Joint working")
    draft = as_draft(files(world), checked(files(world), "joint-working").content)
    draft.files["pack.yaml"]["title"] = "Made elsewhere"
    page = form_values(inspector.get(f"{address}/upload").text)
    data = {"text": "Theirs.", "revision": "1"}
    assert client_as("lead-inspector").post(f"{address}/files/README.md", data=data).status_code == 303

    def upload(page: dict[str, str]) -> TestResponse:
        sent = {**page, "file": (io.BytesIO(write_workbook(draft)), "book.xlsx")}
        return inspector.post(f"{address}/upload", data=sent)

    assert upload(page).status_code == 409
    assert files(world)["README.md"] == "Theirs.\n"
    assert upload(form_values(inspector.get(f"{address}/upload").text)).status_code == 303
    assert content(world, "pack.yaml", "title") == "Made elsewhere"


# --- parts -----------------------------------------------------------------------------------------------------------


def test_a_question_is_added_changed_moved_and_removed(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    at = "organisation.yaml/standards/first-standard/criteria"
    page = inspector.get(f"{address}/add/{at}")
    values = form_values(page.text) | {
        "question": "Is there a named lead?", "why": "Somebody must be asked.", "evidence": "The name.",
    }  # fmt: skip
    assert values["theme"] == "everything"  # as the question before it
    assert inspector.post(f"{address}/add/{at}", data=values).status_code == 303
    own = "is-there-a-named-lead"
    assert content(world, *at.split("/"), own)["question"] == "Is there a named lead?"
    assert the_draft(world).mistakes == 0

    page = inspector.get(f"{address}/part/{at}/{own}")
    values = form_values(page.text)
    assert values["question"] == "Is there a named lead?" and values["answer-type"] == "grade"
    chosen = inspector.post(f"{address}/part/{at}/{own}", data=values | {"answer-type": "choice", "action": "type"})
    assert chosen.status_code == 200 and 'name="answer-choices"' in chosen.text
    values = form_values(chosen.text) | {"answer-choices": "always | Always | fully\nnever | Never | not-yet"}
    assert inspector.post(f"{address}/part/{at}/{own}", data=values).status_code == 303
    assert content(world, *at.split("/"), own)["answer"] == {
        "type": "choice",
        "choices": [
            {"key": "always", "label": "Always", "grade": "fully"},
            {"key": "never", "label": "Never", "grade": "not-yet"},
        ],
    }  # fmt: skip

    revision = the_draft(world).revision
    move = {"move": f"up:{at}/{own}", "revision": str(revision)}
    assert inspector.post(f"{address}/move", data=move).status_code == 303
    ids = [one["id"] for one in content(world, *at.split("/"))]
    assert ids == ["first-question", own, "second-question"]

    assert "Remove this?" in inspector.get(f"{address}/remove/{at}/{own}").text
    data = {"revision": str(revision + 1)}
    assert inspector.post(f"{address}/remove/{at}/{own}", data=data).status_code == 303
    assert [one["id"] for one in content(world, *at.split("/"))] == ["first-question", "second-question"]


def test_choosing_another_type_of_answer_asks_for_its_settings_first(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    at = "organisation.yaml/standards/first-standard/criteria/first-question"
    values = form_values(inspector.get(f"{address}/part/{at}").text)
    page = inspector.post(f"{address}/part/{at}", data=values | {"answer-type": "percentage"})
    assert page.status_code == 200 and 'name="answer-out_of"' in page.text
    assert the_draft(world).revision == 1


def test_another_language_is_added_in_a_form(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    at = f"{address}/part/{FIRST}"
    page = inspector.get(at).text
    assert 'name="question-cy"' not in page and 'value="also-cy"' in page
    page = inspector.post(at, data=form_values(page) | {"why": "So.", "action": "also-cy"})
    values = form_values(page.text)
    assert page.status_code == 200 and values["why"] == "So." and values["question-cy"] == "" and values["also"] == "cy"
    assert "Nothing is saved yet" not in page.text and 'value="also-cy"' not in page.text
    wrong = inspector.post(at, data=values | {"question-cy": "A oes digon?", "shown_if": "whenever we like"})
    assert wrong.status_code == 422 and form_values(wrong.text)["question-cy"] == "A oes digon?"
    values = form_values(wrong.text) | {"shown_if": ""}
    assert inspector.post(at, data=values).status_code == 303
    entry = content(world, *FIRST.split("/"))
    assert entry["question"] == {"en": "Does every team have what it needs?", "cy": "A oes digon?"}
    assert entry["why"] == "So." and the_draft(world).mistakes == 0
    # every form has fields for it now; what is asked for and left empty changes nothing
    assert 'name="title-cy"' in inspector.get(f"{address}/part/pack.yaml").text
    page = inspector.post(f"{address}/part/pack.yaml", data={"action": "also-<b>", "title": "T", "revision": "2"})
    assert "&lt;b&gt;" not in page.text and the_draft(world).revision == 2
    other = f"{address}/add/pack.yaml/themes"
    page = inspector.post(other, data=form_values(inspector.get(other).text) | {"action": "also-cy", "title": "New"})
    assert form_values(page.text)["title"] == "New" and "title-cy" in form_values(page.text)


def put_answer(world: World, client: FlaskClient, address: str, answer: str) -> str:
    """Write the answer of the first question as text; the way to its form."""
    text = files(world)["organisation.yaml"]
    own = "- id: first-question\n"
    assert text.count(own) == 1
    text = text.replace(own, own + f"    answer: {answer}\n")
    data = {"text": text, "revision": str(the_draft(world).revision)}
    assert client.post(f"{address}/files/organisation.yaml", data=data).status_code == 303
    assert content(world, *FIRST.split("/"))["answer"], "it can be read"
    return f"{address}/part/{FIRST}"


FIRST = "organisation.yaml/standards/first-standard/criteria/first-question"


def test_what_a_form_does_not_show_of_an_answer_stays_in_its_place(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    answer = "{unti: hours, type: yes_no, unit: hours, grades: {maybe: x, yes: fully}}"
    at = put_answer(world, inspector, address, answer)
    before = content(world, *FIRST.split("/"))
    text = files(world)["organisation.yaml"]
    values = form_values(inspector.get(at).text)
    assert values["answer-type"] == "yes_no" and values["answer-grades-yes"] == "fully"
    assert inspector.post(at, data=values | {"why": "So."}).status_code == 303
    after = content(world, *FIRST.split("/"))
    assert list(after["answer"].items()) == list(before["answer"].items()) and after["why"] == "So."
    assert f"answer: {answer}\n" in text and f"answer: {answer}\n" in files(world)["organisation.yaml"]
    # what is emptied goes, and what is beside it stays
    values = form_values(inspector.get(at).text) | {"answer-grades-yes": ""}
    assert inspector.post(at, data=values).status_code == 303
    assert content(world, *FIRST.split("/"))["answer"]["grades"] == {"maybe": "x"}


@pytest.mark.parametrize("chosen", ["text", "grade"])  # one with settings, one without
def test_another_type_of_answer_says_what_it_drops_before_it_is_saved(
    world: World, inspector: FlaskClient, chosen: str
) -> None:
    address = begun(inspector, "empty", title="Joint working")
    at = put_answer(world, inspector, address, "{type: number, unit: hours, most: 60, unti: [days], 7: 2003-02-01}")
    values = form_values(inspector.get(at).text) | {"answer-type": chosen}
    page = inspector.post(at, data=values)
    words = plain(page.text)
    assert page.status_code == 200 and "Nothing is saved yet" in words
    told = words[words.index("It is dropped when you save:") :]
    assert "Unit hours" in told and "Largest 60" in told and 'unti [&#34;days&#34;]' in told
    assert ("has no settings" in words) is (chosen == "grade")
    assert content(world, *FIRST.split("/"))["answer"]["type"] == "number"
    assert inspector.post(at, data=form_values(page.text)).status_code == 303
    assert content(world, *FIRST.split("/"))["answer"] == {"type": chosen}
    assert the_draft(world).mistakes == 0


def test_what_both_types_of_answer_have_stays_when_the_type_is_changed(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    choices = "choices: [{key: always, label: Always}, {key: never, label: Never}]"
    at = put_answer(world, inspector, address, f"{{type: choice, {choices}}}")
    page = inspector.post(at, data=form_values(inspector.get(at).text) | {"answer-type": "choices"})
    assert "It is dropped" not in page.text and form_values(page.text)["answer-choices"].startswith("always | Always")
    assert inspector.post(at, data=form_values(page.text)).status_code == 303
    assert [one["key"] for one in content(world, *FIRST.split("/"))["answer"]["choices"]] == ["always", "never"]


@pytest.mark.parametrize(
    ("answer", "shown"), [("{type: nubmer, unit: hours, least: 2}", "nubmer"), ("{unit: hours, least: 2}", "")]
)
def test_a_type_of_answer_that_there_is_not_becomes_no_grade_by_itself(
    world: World, inspector: FlaskClient, answer: str, shown: str
) -> None:
    address = begun(inspector, "empty", title="Joint working")
    at = put_answer(world, inspector, address, answer)
    listed = plain(inspector.get(f"{address}/checklist/organisation").text)
    assert (f"first-question · {shown} (there is none)" if shown else "first-question · Not said") in listed
    page = inspector.get(at)
    values = form_values(page.text)
    assert values["answer-type"] == shown and "answer-unit" not in values
    text = files(world)["organisation.yaml"]
    for action in ({}, {"action": "type"}):
        refused = inspector.post(at, data=values | {"why": "So."} | action)
        assert refused.status_code == 422 and 'href="#answer-type"' in refused.text
        assert "Choose how this question is answered" in errors(refused.text) and shown in errors(refused.text)
        assert form_values(refused.text)["why"] == "So."
    assert files(world)["organisation.yaml"] == text
    # once it is chosen, what goes with it is there
    page = inspector.post(at, data=values | {"answer-type": "number", "why": "So."})
    assert page.status_code == 200 and "It is dropped" not in page.text
    assert form_values(page.text)["answer-unit"] == "hours"
    assert inspector.post(at, data=form_values(page.text)).status_code == 303
    assert content(world, *FIRST.split("/"))["answer"] == {"type": "number", "unit": "hours", "least": 2}
    assert content(world, *FIRST.split("/"))["why"] == "So." and the_draft(world).mistakes == 0


def test_a_cell_that_cannot_be_read_is_an_error_at_its_field(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    at = "organisation.yaml/standards/first-standard/criteria/second-question"
    values = form_values(inspector.get(f"{address}/part/{at}").text) | {"shown_if": "whenever we like"}
    page = inspector.post(f"{address}/part/{at}", data=values)
    assert page.status_code == 422 and 'href="#shown_if"' in page.text and "whenever we like" in page.text


def test_a_standard_goes_with_its_questions_and_a_question_to_another(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    at = "organisation.yaml/standards"
    values = form_values(inspector.get(f"{address}/add/{at}").text) | {"title": "The second", "optional": "yes"}
    assert inspector.post(f"{address}/add/{at}", data=values).status_code == 303
    assert content(world, *at.split("/"), "the-second")["optional"] is True
    way = f"{at}/first-standard/criteria/second-question"
    page = inspector.get(f"{address}/move-to/{way}")
    assert "The second" in page.text
    assert "Choose the standard" in errors(inspector.post(f"{address}/move-to/{way}", data={}).text)
    data = {"to": "the-second", "revision": "2"}
    assert inspector.post(f"{address}/move-to/{way}", data=data).status_code == 303
    assert [one["id"] for one in content(world, *at.split("/"), "the-second", "criteria")] == ["second-question"]
    page = inspector.get(f"{address}/remove/{at}/the-second")
    assert "The question in it is removed too" in page.text


def test_an_agency_type_has_a_checklist_of_its_own(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    values = form_values(inspector.get(f"{address}/add/pack.yaml/agency_types").text)
    values |= {"own": "charity", "name": "Charity", "plural": "Charities", "signatory": "chair of trustees"}
    assert inspector.post(f"{address}/add/pack.yaml/agency_types", data=values).status_code == 303
    assert the_draft(world).mistakes == 0
    assert "Does every team have what it needs?" in inspector.get(f"{address}/checklist/charity").text
    data = {"revision": "2"}
    assert inspector.post(f"{address}/remove/pack.yaml/agency_types/charity", data=data).status_code == 303
    assert set(files(world)) == {"pack.yaml", "organisation.yaml"} and the_draft(world).mistakes == 0


def test_every_part_of_every_list_has_a_form_that_changes_nothing_by_itself(
    world: World, inspector: FlaskClient
) -> None:
    address = begun(inspector, "pack", pack=f"{KEY}/{world.pack.version}")
    links = set(re.findall(rf'href="({address}/(?:part|add)/[^"]+)"', inspector.get(f"{address}/lists").text))
    for agency_type in list(world.pack.agency_types)[:1]:
        page = inspector.get(f"{address}/checklist/{agency_type}").text
        links |= set(re.findall(rf'href="({address}/(?:part|add)/[^"]+)"', page)[:12])
    assert len(links) > 30
    before = {name: content(world, name) for name in files(world)}
    for link in sorted(links):
        page = inspector.get(link)
        assert page.status_code == 200, link
        if "/part/" in link:
            values = form_values(page.text) | {"revision": str(the_draft(world).revision)}
            assert inspector.post(link, data=values).status_code == 303, link
    assert {name: content(world, name) for name in files(world)} == before


def test_two_people_who_change_one_part_see_a_conflict_and_lose_nothing(
    world: World, inspector: FlaskClient, client_as: Callable[[str], FlaskClient]
) -> None:
    address = begun(inspector, "empty", title="Joint working")
    lead = client_as("lead-inspector")
    at = "organisation.yaml/standards/first-standard/criteria"
    mine = form_values(inspector.get(f"{address}/part/{at}/first-question").text)
    theirs = form_values(lead.get(f"{address}/part/{at}/first-question").text)
    other = form_values(lead.get(f"{address}/part/{at}/second-question").text)
    first = lead.post(f"{address}/part/{at}/first-question", data=theirs | {"why": "Theirs."})
    assert first.status_code == 303
    refused = inspector.post(f"{address}/part/{at}/first-question", data=mine | {"why": "Mine."})
    assert refused.status_code == 409
    assert "Theirs." in refused.text and "Mine." in refused.text
    # what was made on an older revision of another question is no conflict
    assert lead.post(f"{address}/part/{at}/second-question", data=other | {"why": "Other."}).status_code == 303
    again = form_values(refused.text)
    assert inspector.post(f"{address}/part/{at}/first-question", data=again).status_code == 303
    entries = content(world, *at.split("/"))
    assert [entries[0]["why"], entries[1]["why"]] == ["Mine.", "Other."]
    saved = plain(inspector.get(f"{address}/revisions").text)
    assert "Revision 4" in saved and "Revision 2" in saved
    old = inspector.get(f"{address}/revisions/2/organisation.yaml")
    assert "Theirs." in old.text
    data = {"revision": "4"}
    assert inspector.post(f"{address}/revisions/2/organisation.yaml/put-back", data=data).status_code == 303
    assert content(world, *at.split("/"), "first-question")["why"] == "Theirs."


def test_a_form_that_comes_back_is_still_made_on_the_revision_that_was_shown(
    world: World, inspector: FlaskClient, client_as: Callable[[str], FlaskClient]
) -> None:
    address = begun(inspector, "empty", title="Joint working")
    lead = client_as("lead-inspector")
    at = "organisation.yaml/standards/first-standard/criteria/second-question"
    mine = form_values(inspector.get(f"{address}/part/{at}").text)
    theirs = form_values(lead.get(f"{address}/part/{at}").text)
    assert lead.post(f"{address}/part/{at}", data=theirs | {"why": "Theirs."}).status_code == 303
    page = inspector.post(f"{address}/part/{at}", data=mine | {"shown_if": "whenever we like"})
    assert page.status_code == 422
    page = inspector.post(f"{address}/part/{at}", data=form_values(page.text) | {"shown_if": "", "action": "type"})
    assert page.status_code == 200
    page = inspector.post(f"{address}/part/{at}", data=form_values(page.text) | {"why": "Mine."})
    assert page.status_code == 409 and "Theirs." in page.text
    assert content(world, *at.split("/"))["why"] == "Theirs."
    # what they saved is shown now: to save again is a decision
    assert inspector.post(f"{address}/part/{at}", data=form_values(page.text)).status_code == 303
    assert content(world, *at.split("/"))["why"] == "Mine."


def test_a_file_that_was_too_large_does_not_overwrite_what_others_saved(
    world: World, inspector: FlaskClient, client_as: Callable[[str], FlaskClient]
) -> None:
    address = begun(inspector, "empty", title="Joint working")
    at = f"{address}/files/README.md"
    mine = form_values(inspector.get(at).text)
    assert client_as("lead-inspector").post(at, data={"text": "Theirs.", "revision": "1"}).status_code == 303
    page = inspector.post(at, data=mine | {"text": "x" * (MAX_BYTES + 1)})
    assert page.status_code == 422
    page = inspector.post(at, data=form_values(page.text) | {"text": "Mine."})
    assert page.status_code == 409 and "Theirs." in page.text and files(world)["README.md"] == "Theirs.\n"


def test_nobody_sends_what_they_have_not_been_shown(
    world: World, inspector: FlaskClient, client_as: Callable[[str], FlaskClient]
) -> None:
    address = begun(inspector, "empty", title="Joint working")
    mine = form_values(inspector.get(f"{address}/send").text)
    data = {"text": "Theirs.", "revision": "1"}
    assert client_as("lead-inspector").post(f"{address}/files/README.md", data=data).status_code == 303
    page = inspector.post(f"{address}/send", data=mine | {"version": "one"})
    assert page.status_code == 422
    page = inspector.post(f"{address}/send", data=form_values(page.text) | {"version": "1"})
    assert page.status_code == 409 and "Somebody else changed this" in errors(page.text)
    assert f'href="{address}/revisions"' in page.text
    assert the_draft(world).state == "drafting"


MISTAKEN = """format: 1
agency_type: organisation
standards:
  - id: texts
    criteria:
      - {id: one, question: Is it so?, answer: yes_no}
      - {id: two, question: How many?, answer: {type: yes_no, grades: fully}, shown_if: one, twins: x}
  - {id: none, title: None, criteria: none}
  - {id: five, title: Five, criteria: 5}
  - {id: keyed, title: Keyed, criteria: {one: {}}}
  - {id: empty, title: Empty, criteria: {}}
  - none
"""


def test_a_draft_with_ordinary_mistakes_can_be_changed_and_loses_nothing(
    world: World, inspector: FlaskClient
) -> None:
    address = begun(inspector, "empty", title="Joint working")
    standards = ("organisation.yaml", "standards")
    inspector.post(f"{address}/files/organisation.yaml", data={"text": MISTAKEN, "revision": "1"})
    assert the_draft(world).mistakes
    at = "organisation.yaml/standards/texts/criteria"
    for own, held in (("one", {"answer": "yes_no"}), ("two", {"twins": "x", "shown_if": "one"})):
        page = inspector.get(f"{address}/part/{at}/{own}")
        assert page.status_code == 200 and "stays as it is" in page.text
        response = inspector.post(f"{address}/part/{at}/{own}", data=form_values(page.text) | {"why": "So."})
        assert response.status_code == 303
        entry = content(world, *standards, "texts", "criteria", own)
        assert entry["why"] == "So." and held.items() <= entry.items()
    assert content(world, *standards, "texts", "criteria", "two", "answer") == {"type": "yes_no", "grades": "fully"}
    revision = the_draft(world).revision
    for standard in ("none", "five", "keyed"):
        add = f"{address}/add/organisation.yaml/standards/{standard}/criteria"
        values = form_values(inspector.get(add).text) | {"question": "Is it new?"}
        response = inspector.post(add, data=values)
        assert response.status_code == 422 and "Mend its text first" in errors(response.text), standard
        assert inspector.get(f"{address}/remove/organisation.yaml/standards/{standard}").status_code == 200
        data = {"to": standard, "revision": str(revision)}
        response = inspector.post(f"{address}/move-to/{at}/two", data=data, follow_redirects=True)
        assert "Mend its text first" in response.text, standard
    assert the_draft(world).revision == revision
    add = f"{address}/add/organisation.yaml/standards/empty/criteria"
    values = form_values(inspector.get(add).text) | {"question": "Is it new?", "own": "new"}
    assert inspector.post(add, data=values).status_code == 303
    assert content(world, *standards, "empty", "criteria")[0]["id"] == "new"
    # a checklist like one whose parts are no parts, and that checklist less
    values = form_values(inspector.get(f"{address}/add/pack.yaml/agency_types").text)
    values |= {"own": "charity", "name": "Charity", "plural": "Charities", "signatory": "chair"}
    assert inspector.post(f"{address}/add/pack.yaml/agency_types", data=values).status_code == 303
    assert content(world, "charity.yaml", "standards", "none", "criteria") == "none"
    for own in ("charity", "organisation"):
        data = {"revision": str(the_draft(world).revision)}
        assert inspector.post(f"{address}/remove/pack.yaml/agency_types/{own}", data=data).status_code == 303
    assert set(files(world)) == {"pack.yaml"}
    # nothing is left to be like
    page = inspector.get(f"{address}/add/pack.yaml/agency_types")
    response = inspector.post(f"{address}/add/pack.yaml/agency_types", data=form_values(page.text) | values)
    assert response.status_code == 303 and content(world, "charity.yaml", "agency_type") == "charity"


def test_lists_of_a_pack_that_are_no_lists_are_named_and_not_overwritten(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    pack = re.sub(r"(?ms)^(agency_types|themes|milestones):\n(?:[ -].*?\n)+", r"\1: 5\n", files(world)["pack.yaml"])
    pack = re.sub(r"label: .*", "label: 5", pack)
    assert inspector.post(f"{address}/files/pack.yaml", data={"text": pack, "revision": "1"}).status_code == 303
    assert content(world, "pack.yaml", "themes") == content(world, "pack.yaml", "agency_types") == 5
    assert inspector.get(f"{address}/lists").status_code == inspector.get(address).status_code == 200
    for name in ("agency_types", "themes", "milestones"):
        add = f"{address}/add/pack.yaml/{name}"
        values = form_values(inspector.get(add).text) | {"own": "new", "title": "New", "label": "New", "name": "New"}
        response = inspector.post(add, data=values)
        assert response.status_code == 422 and "Mend its text first" in errors(response.text), name
    criterion = "organisation.yaml/standards/first-standard/criteria/first-question"
    assert inspector.get(f"{address}/part/{criterion}").status_code == 200
    assert the_draft(world).revision == 2


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_file_is_saved_with_mistakes_that_are_named_by_line(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    text = files(world)["organisation.yaml"].replace("theme: everything", "theme: nothing", 1)
    data = {"text": text.replace("\n", "\r\n"), "revision": "1"}
    response = inspector.post(f"{address}/files/organisation.yaml", data=data)
    assert response.status_code == 303
    line = text[: text.index("theme: nothing")].count("\n") + 1
    page = plain(inspector.get(response.headers["Location"]).text)
    assert f"Line {line}, column" in page and "there is no theme `nothing`" in page
    assert files(world)["organisation.yaml"] == text and the_draft(world).mistakes == 1
    main = inspector.get(address).text
    assert "/part/organisation.yaml/standards/first-standard/criteria/first-question" in main
    assert "can be sent once it is mended" in inspector.get(f"{address}/send").text
    assert "once it is mended" in inspector.get(f"{address}/form/organisation").text
    response = inspector.post(f"{address}/files/organisation.yaml", data={"text": "a: [", "revision": "2"})
    assert response.status_code == 303
    assert "Its text cannot be read as it stands" in inspector.get(address).text


def test_only_files_of_a_pack_can_be_written(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    for name in ("..", "..%2Fx.yaml", "x.py", ".yaml", "Ä.yaml", "pack.yml"):
        assert inspector.post(f"{address}/files/{name}", data={"text": "x", "revision": "1"}).status_code == 404
    assert set(files(world)) == {"pack.yaml", "organisation.yaml"}


def test_a_file_of_rules_is_added_and_removed(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    response = inspector.get(f"{address}/files?name=judgements.yaml")
    assert response.status_code == 303
    assert inspector.get(response.headers["Location"]).status_code == 200
    assert inspector.post(f"{address}/files/judgements.yaml", data={"text": RULES, "revision": "1"}).status_code == 303
    assert the_draft(world).mistakes == 0, inspector.get(f"{address}/files/judgements.yaml").text
    assert "Remove this?" in inspector.get(f"{address}/files/judgements.yaml/remove").text
    assert inspector.post(f"{address}/files/judgements.yaml/remove", data={"revision": "2"}).status_code == 303
    assert "judgements.yaml" not in files(world)


def test_the_folder_is_downloaded_as_it_is(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    packed = zipfile.ZipFile(io.BytesIO(inspector.get(f"{address}/pack.zip").data))
    assert {name: packed.read(name).decode() for name in packed.namelist()} == {
        f"joint-working/{name}": text for name, text in files(world).items()
    }


def test_agencies_are_shown_what_the_draft_asks(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    page = inspector.get(f"{address}/form/organisation")
    assert "This is a preview" in page.text and "Does every team have what it needs?" in page.text
    assert inspector.get(f"{address}/form/nobody").status_code == 404


# --- trying ----------------------------------------------------------------------------------------------------------

RULES = """format: 1
scales:
  whole:
    title: Overall
    grades:
      - {key: good, label: Good, meaning: All is well., colour: "#00703c"}
      - {key: poor, label: Poor, meaning: It is not., colour: "#d4351c"}
profiles:
  - agency_types: [organisation]
    indicators:
      met: {title: Share that is in place, kind: share_met}
    judgements:
      overall:
        title: Overall
        scale: whole
        rules:
          - {grade: good, when: {indicator: met, at_least: 0.5}, because: Half of it is in place.}
          - {grade: poor, because: Less than half is in place.}
        caps:
          - {to: poor, when: {criterion: first-question, grades: [not-yet]}, because: The teams come first.}
"""


def test_rules_are_tried_and_what_came_out_is_kept_as_an_example(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    inspector.post(f"{address}/files/judgements.yaml", data={"text": RULES, "revision": "1"})
    assert the_draft(world).mistakes == 0, plain(inspector.get(f"{address}/files/judgements.yaml").text)
    page = inspector.get(f"{address}/try/organisation")
    values = form_values(page.text)
    assert values["others-how-far"] == "fully"
    came = inspector.post(f"{address}/try/organisation", data=values)
    assert "Overall: Good" in plain(came.text) and "Half of it is in place." in came.text
    capped = inspector.post(f"{address}/try/organisation", data=values | {"a-first-question-grade": "not-yet"})
    shown = plain(capped.text)
    assert "Overall: Poor" in shown and "The teams come first." in shown
    assert "Without the cap it would be “Good”" in shown and "would lift it by itself" in shown
    assert the_draft(world).revision == 2
    kept = form_values(capped.text) | {"action": "keep"}
    response = inspector.post(f"{address}/try/organisation", data=kept)
    assert response.status_code == 422 and "Give the example a name" in errors(response.text)
    kept |= {"name": "Teams that lack what they need", "source": "Our own assumption."}
    assert "Kept as a worked example" in inspector.post(f"{address}/try/organisation", data=kept).text
    assert content(world, "examples.yaml", "examples") == [
        {
            "name": "Teams that lack what they need", "source": "Our own assumption.", "agency_type": "organisation",
            "answers": {"first-question": "not-yet"}, "others": "fully", "expect": {"overall": "poor"},
            "uncapped": {"overall": "good"}, "capped": {"overall": True}, "triggers": [],
        }
    ]  # fmt: skip
    assert the_draft(world).mistakes == 0
    assert "Its worked example comes out as it says" in inspector.get(address).text
    again = inspector.post(f"{address}/try/organisation", data=kept)
    assert again.status_code == 422 and "Another example is called" in errors(again.text)


def test_an_answer_that_nobody_could_give_is_told_at_its_field(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    inspector.post(f"{address}/files/judgements.yaml", data={"text": RULES, "revision": "1"})
    values = form_values(inspector.get(f"{address}/try/organisation").text)
    values |= {"a-second-question-numerator": "12", "a-second-question-denominator": "a few"}
    page = inspector.post(f"{address}/try/organisation", data=values)
    assert page.status_code == 422 and 'href="#a-second-question-numerator"' in page.text
    assert 'value="a few"' in page.text


def test_a_pack_without_rules_says_so(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    assert "No rules judge the returns" in inspector.get(f"{address}/try/organisation").text


# --- publication -----------------------------------------------------------------------------------------------------


def test_a_second_person_publishes_what_was_sent(
    world: World, inspector: FlaskClient, client_as: Callable[[str], FlaskClient]
) -> None:
    address = begun(inspector, "empty", title="Joint working")
    values = form_values(inspector.get(f"{address}/send").text)
    assert values["version"] == "1"
    assert inspector.post(f"{address}/send", data=values).status_code == 303
    assert the_draft(world).state == "sent"
    assert inspector.get(f"{address}/decide").status_code == 403  # an inspector is no lead inspector
    lead = client_as("lead-inspector")
    waits = f'href="{address}/decide">“Joint working” waits for you to look at it and publish it</a>'
    for name, page in (("lead-inspector", "/"), ("lead-inspector", "/?all=1"), ("administrator", "/")):
        assert waits in client_as(name).get(page, follow_redirects=True).text, (name, page)
    assert waits not in inspector.get("/rounds").text and waits not in lead.get("/rounds?show=archived").text
    page = lead.get(f"{address}/decide").text
    assert "all of it is new" in page
    response = lead.post(f"{address}/decide", data={"decision": "return", "revision": "1"})
    assert response.status_code == 422 and "Say why" in errors(response.text)
    data = {"decision": "return", "reason": "The title is too short.", "revision": "1"}
    assert lead.post(f"{address}/decide", data=data).status_code == 303
    page = inspector.get(address).text
    assert "The title is too short." in page and "Lead Inspector returned it on" in plain(page)
    assert f'href="{address}">“Joint working” is returned, to be mended</a>' in inspector.get("/rounds").text
    assert "is returned" not in lead.get("/rounds").text
    values = form_values(inspector.get(f"{address}/part/pack.yaml").text) | {"title": "Working together well"}
    assert inspector.post(f"{address}/part/pack.yaml", data=values).status_code == 303
    inspector.post(f"{address}/send", data=form_values(inspector.get(f"{address}/send").text))
    response = lead.post(f"{address}/decide", data={"decision": "publish", "revision": str(the_draft(world).revision)})
    assert response.status_code == 303, errors(response.text)
    world.session.rollback()
    version = world.session.scalars(select(PackVersion).where(PackVersion.pack == "joint-working")).one()
    assert version.version == 1 and the_draft(world).published_id == version.id
    done = f'href="{address}">“Working together well” is published as version 1</a>'
    assert done in inspector.get("/?all=1").text and done not in lead.get("/?all=1").text
    assert "Working together well" in lead.get("/gallery/joint-working/1").text
    assert "was published by" in inspector.get(address).text
    # the next version is the body's own again
    begun(inspector, "pack", pack="joint-working/1")
    later = f"/drafts/{the_draft(world).public_id}"
    values = form_values(inspector.get(f"{later}/send").text)
    assert values["version"] == "2"
    response = inspector.post(f"{later}/send", data=values)
    assert response.status_code == 422 and "Say what is new" in errors(response.text)
    assert inspector.post(f"{later}/send", data=values | {"note-en": "Nothing much."}).status_code == 303
    assert content(world, "pack.yaml", "changes") == "Nothing much."
    data = {"decision": "publish", "revision": str(the_draft(world).revision)}
    assert lead.post(f"{later}/decide", data=data).status_code == 303
    assert the_draft(world).state == "published"


def test_nobody_publishes_what_they_sent_or_changed_last(
    world: World, client_as: Callable[[str], FlaskClient]
) -> None:
    lead = client_as("lead-inspector")
    address = begun(lead, "empty", title="Joint working")
    lead.post(f"{address}/send", data=form_values(lead.get(f"{address}/send").text))
    assert "You sent this draft" in lead.get(f"{address}/decide").text
    response = lead.post(f"{address}/decide", data={"decision": "publish", "revision": "1"})
    assert response.status_code == 422 and "You sent this draft" in errors(response.text)
    assert the_draft(world).state == "sent"
    administrator = client_as("administrator")
    response = administrator.post(f"{address}/decide", data={"decision": "publish", "revision": "1"})
    assert response.status_code == 303 and the_draft(world).state == "published"


def test_a_pack_that_others_published_needs_an_administrator(
    world: World, inspector: FlaskClient, client_as: Callable[[str], FlaskClient]
) -> None:
    address = begun(inspector, "pack", pack=f"{KEY}/{world.pack.version}")
    page = inspector.get(f"{address}/send").text
    assert "An administrator of the service has to be that person" in page
    values = form_values(page) | {"note-en": "A new title."}
    assert inspector.post(f"{address}/send", data=values).status_code == 303
    lead = client_as("lead-inspector")
    assert "Only an administrator of the service can publish it" in lead.get(f"{address}/decide").text
    data = {"decision": "publish", "revision": str(the_draft(world).revision)}
    response = lead.post(f"{address}/decide", data=data)
    assert response.status_code == 422 and the_draft(world).state == "sent"
    response = client_as("administrator").post(f"{address}/decide", data=data)
    assert response.status_code == 303 and the_draft(world).state == "published"


def test_a_draft_is_set_aside_and_taken_up_again(world: World, inspector: FlaskClient) -> None:
    address = begun(inspector, "empty", title="Joint working")
    assert "Set this draft aside?" in inspector.get(f"{address}/set-aside").text
    assert inspector.post(f"{address}/set-aside").status_code == 303
    at = f"{address}/part/pack.yaml"
    data = {"title": "X", "summary": "X", "source": "X", "revision": "1"}
    response = inspector.post(at, data=data)
    assert response.status_code == 422 and "was set aside" in errors(response.text)
    assert inspector.post(f"{address}/take-back").status_code == 303
    assert inspector.post(at, data=data).status_code == 303


# --- who -------------------------------------------------------------------------------------------------------------


def test_a_draft_is_nobody_elses(
    app: Flask, world: World, inspector: FlaskClient, client_as: Callable[[str], FlaskClient]
) -> None:
    address = begun(inspector, "empty", title="A title that nobody else reads")
    did = the_draft(world).public_id
    for name in ("outsider", "lead", "signatory", "board", "coordinator"):
        client = client_as(name)
        for rule in app.url_map.iter_rules():
            if "<did>" not in rule.rule:
                continue
            values = {"did": did, "at": "pack.yaml", "name": "pack.yaml", "agency_type": "organisation", "number": 1}
            path = app.url_map.bind("localhost").build(rule.endpoint, {key: values[key] for key in rule.arguments})
            for method in {"GET", "POST"} & (rule.methods or set()):
                response = client.open(path, method=method, data={"revision": "1"} if method == "POST" else None)
                assert response.status_code in (403, 404), f"{name}: {method} {path}: {response.status_code}"
        assert "A title that nobody else reads" not in client.get("/drafts").text
    assert the_draft(world).revision == 1 and the_draft(world).state == "drafting"
    assert client_as("administrator").get(address).status_code == 200


def test_the_form_of_every_part_takes_only_what_its_table_has() -> None:
    table = table_at(("any.yaml", "standards", "a", "criteria", "b"))
    assert table is not None
    form = filled(table.columns, {"id": "b", "question": "Q?", "answer": {"type": "number", "least": 3}}, ["cy"])
    names = {field.name for field in form.fields}
    assert {"question", "question-cy", "answer-least", "answer-unit-cy"} <= names
    assert "answer-longest" not in names and "id" not in names
    assert table_at(("findings.yaml", "about")) is None and table_at(("README.md",)) is None


def test_every_label_and_hint_of_a_form_can_be_translated() -> None:
    """The columns of the workbook are the labels of forms: a new one needs its words in `app/web/drafts/words.py`."""
    ways = [
        ("pack.yaml",), ("x.yaml",), ("x.yaml", "standards", "a"), ("x.yaml", "standards", "a", "criteria", "b"),
        *(("pack.yaml", name, "a") for name, _inner in PACK_LISTS),
        *(("pack.yaml", name, "a", inner, "b") for name, all_inner in PACK_LISTS for inner in all_inner),
    ]  # fmt: skip
    wanted = set()
    for way in ways:
        table = table_at(way)
        assert table is not None, way
        wanted |= {table.sheet} - {""}
        for column in table.columns:
            if column.path and not is_own(column) and column.kind != "sheet":
                wanted |= {column.head, *([column.note] if column.path != ("answer", "type") else [])}
    wanted |= {name.capitalize() for name in LISTS}
    assert sorted(wanted - WORDS) == []
    assert sorted(WORDS - wanted) == []
