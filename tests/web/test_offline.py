"""The pages for working offline, as a person uses them, without JavaScript."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.models import ReportRun, SelfAssessment, StagedImport
from app.operations.answers import Edit, save_answers
from app.operations.rounds import set_dates
from app.operations.submissions import reopen, sign_and_submit
from app.queries.returns import content_hash
from app.sheets.cells import Sheet, read_cells
from tests.operations.test_offline import in_a_form
from tests.sheets.workbooks import edited, fill, members, zipped
from tests.world import World

Client = Callable[[str], FlaskClient]


@pytest.fixture
def code(world: World) -> str:
    return next(iter(world.returns))


@pytest.fixture
def base(world: World, code: str) -> str:
    return f"/returns/{world.returns[code].public_id}/offline"


def words(response: TestResponse) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", response.text)))


def fields(response: TestResponse) -> dict[str, str]:
    """What a browser would send of the page's decisions: hidden fields, ticks, texts."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", response.text):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        kind = attributes.get("type", "text")
        if not attributes.get("name", "").startswith("c-"):
            continue
        if kind in ("radio", "checkbox") and " checked" not in tag:
            continue
        found[attributes["name"]] = html.unescape(attributes.get("value", ""))
    for name, text in re.findall(r'<textarea[^>]*name="(c-[^"]+)"[^>]*>\n?(.*?)</textarea>', response.text, re.DOTALL):
        found[name] = html.unescape(text)
    return found


def send(client: FlaskClient, base: str, content: bytes, name: str = "filled.xlsx") -> TestResponse:
    return client.post(f"{base}/upload", data={"file": (io.BytesIO(content), name)}, follow_redirects=True)


def save(world: World, code: str, question: str, commentary: str) -> None:
    item = next(item for item in world.work(code).items if item.id == question)
    edit = Edit(question, {"commentary": commentary}, item.answer.version, f"key-{item.answer.version}")
    actor = world.actor("lead")
    assert save_answers(world.write(), world.returns[code].public_id, [edit], by=actor, now=world.now).clean
    world.session.commit()


def stored(world: World, code: str) -> dict[str, dict[str, object]]:
    world.session.rollback()
    rows = world.session.scalars(
        select(SelfAssessment).where(SelfAssessment.return_id == world.returns[code].id)
    )
    return {row.criterion: row.value for row in rows}


def test_download_fill_in_upload_look_save(world: World, code: str, base: str, client_as: Client) -> None:
    client = client_as("contributor")
    page = client.get(f"{base}/")
    assert page.status_code == 200
    assert "Nothing has been uploaded yet" in page.text
    download = client.get(f"{base}/workbook")
    assert download.headers["Content-Disposition"].startswith("attachment;")
    one, two = world.work(code).items[:2]
    content = edited(
        download.data,
        lambda sheets: [fill(sheets, item.id, commentary=f"=Typed {item.id} <b>") for item in (one, two)],
    )
    shown = send(client, base, content)
    assert shown.status_code == 200
    assert stored(world, code) == {}  # looking changes nothing
    text = words(shown)
    assert "2 answers would change" in text
    assert f"=Typed {one.id} <b>" in text
    assert f"{len(in_a_form(world, code)) - 2} answers are the same" in text
    given = fields(shown)
    del given[f"c-{two.id}--take"]  # the tick is taken away
    after = client.post(shown.request.path, data=given, follow_redirects=True)
    assert "1 answer saved" in words(after)
    assert stored(world, code) == {one.id: {"commentary": f"=Typed {one.id} <b>"}}
    assert "1 answer would change" in words(after)
    after = client.post(shown.request.path, data={**fields(after), "clean": "1"}, follow_redirects=True)
    assert "Nothing is left to decide" in words(after)
    assert stored(world, code)[two.id] == {"commentary": f"=Typed {two.id} <b>"}
    assert "Settled" in words(client.get(f"{base}/"))
    # sent once more by an impatient finger
    again = client.post(shown.request.path, data=given, follow_redirects=True)
    assert "settled already" in words(again)
    history = words(client.get(f"/returns/{world.returns[code].public_id}/history"))
    assert "Saved 1 answer from an uploaded file" in history
    assert "filled.xlsx" in history


def test_conflicts_show_both_texts_and_are_decided_one_by_one(
    world: World, code: str, base: str, client_as: Client
) -> None:
    client = client_as("contributor")
    items = world.work(code).items[:4]
    content = edited(
        client.get(f"{base}/workbook").data,
        lambda sheets: [fill(sheets, item.id, commentary="From the file") for item in items],
    )
    for item in items[:3]:
        save(world, code, item.id, "From the page")
    shown = send(client, base, content)
    text = words(shown)
    assert "3 answers were changed by somebody else too" in text
    assert text.count("From the page") >= 3
    assert "by Lead on" in text
    given = fields(shown)
    for item, choice in zip(items, ("file", "saved", "typed"), strict=False):
        given[f"c-{item.id}--choice"] = choice
    assert given[f"c-{items[2].id}--commentary"] == "From the file\n\nFrom the page"
    # and meanwhile
    save(world, code, items[3].id, "Just now")
    after = client.post(shown.request.path, data=given)
    assert after.status_code == 409
    assert "While you were deciding, a colleague saved an answer" in words(after)
    assert "Just now" in words(after)
    assert {key: value["commentary"] for key, value in stored(world, code).items()} == {
        items[0].id: "From the file",
        items[1].id: "From the page",
        items[2].id: "From the file\n\nFrom the page",
        items[3].id: "Just now",
    }
    given = fields(after) | {f"c-{items[3].id}--choice": "file"}
    after = client.post(shown.request.path, data=given, follow_redirects=True)
    assert "Nothing is left to decide" in words(after)
    assert stored(world, code)[items[3].id] == {"commentary": "From the file"}


def test_what_is_wrong_is_named_and_mended_on_the_page(world: World, code: str, base: str, client_as: Client) -> None:
    client = client_as("contributor")
    item = world.work(code).items[0]
    sheet: list[str] = []

    def type_into(sheets: list[Sheet]) -> None:
        found = fill(sheets, item.id, grade="Splendid", commentary="Kept", date_expected="31/2/2003")
        sheet.append(found.name)

    shown = send(client, base, edited(client.get(f"{base}/workbook").data, type_into))
    text = words(shown)
    assert re.search(rf"{sheet[0]}, cell [A-Z]+5: “Splendid” is not one of the grades", text)
    assert "“31/2/2003” is not a date" in text
    given = fields(shown) | {f"c-{item.id}--choice": "typed", f"c-{item.id}--date_expected-day": "3"}
    assert given[f"c-{item.id}--commentary"] == "Kept"
    after = client.post(shown.request.path, data=given)
    assert after.status_code == 422
    assert "must have a month and a year" in words(after)
    assert f'href="#c-{item.id}--date_expected-day"' in after.text
    assert "Kept" in after.text
    given = fields(after) | {f"c-{item.id}--date_expected-month": "9", f"c-{item.id}--date_expected-year": "2003"}
    given[f"c-{item.id}--grade"] = item.scheme.grades[0].key
    given[f"c-{item.id}--choice"] = "typed"
    after = client.post(shown.request.path, data=given, follow_redirects=True)
    assert "1 answer saved" in words(after)
    assert stored(world, code)[item.id] == {
        "grade": item.scheme.grades[0].key, "commentary": "Kept", "date_expected": "2003-09-03",
    }  # fmt: skip


def test_an_upload_can_be_dismissed_and_still_be_read(world: World, code: str, base: str, client_as: Client) -> None:
    client = client_as("contributor")
    item = world.work(code).items[0]
    content = edited(
        client.get(f"{base}/workbook").data, lambda sheets: fill(sheets, item.id, commentary="Never saved")
    )
    shown = send(client, base, content)
    confirm = client.get(f"{shown.request.path}/dismiss")
    assert "1 thing in it is not decided about" in words(confirm)
    after = client.post(f"{shown.request.path}/dismiss", follow_redirects=True)
    assert "The upload is dismissed" in words(after)
    again = client.get(shown.request.path)
    assert "Never saved" in again.text
    assert "Save what is ticked" not in again.text
    assert stored(world, code) == {}


def test_nothing_chosen_and_nothing_decided_say_so(world: World, code: str, base: str, client_as: Client) -> None:
    client = client_as("contributor")
    page = client.post(f"{base}/upload", data={})
    assert page.status_code == 422
    assert 'href="#file"' in page.text
    assert "Choose the file to upload" in words(page)
    item = world.work(code).items[0]
    shown = send(
        client, base, edited(client.get(f"{base}/workbook").data, lambda s: fill(s, item.id, commentary="x"))
    )
    after = client.post(shown.request.path, data={}, follow_redirects=True)
    assert "Nothing was ticked or decided" in words(after)


def test_after_the_deadline_it_is_there_to_read(world: World, code: str, base: str, client_as: Client) -> None:
    client = client_as("contributor")
    item = world.work(code).items[0]
    content = edited(client.get(f"{base}/workbook").data, lambda s: fill(s, item.id, commentary="Too late"))
    shown = send(client, base, content)
    session = world.write()
    audit_round = session.merge(world.audit_round)
    set_dates(audit_round, due=audit_round.opens + timedelta(days=2), closes=audit_round.opens + timedelta(days=3))
    session.commit()
    page = client.get(f"{base}/")
    assert 'name="file"' not in page.text
    assert send(client, base, content).status_code == 409
    assert client.get(f"{base}/workbook").status_code == 200
    again = client.get(shown.request.path)
    assert "Too late" in again.text
    assert "Save what is ticked" not in again.text
    assert client.post(shown.request.path, data=fields(shown)).status_code == 409
    assert stored(world, code) == {}


def test_what_was_signed_can_be_downloaded_as_a_spreadsheet(
    world: World, code: str, base: str, client_as: Client
) -> None:
    world.answer(code)
    item = world.work(code).items[0]
    save_edit = {**item.answer.value, "commentary": "As it was signed"}
    actor = world.actor("lead")
    save_answers(
        world.write(), world.returns[code].public_id, [Edit(item.id, save_edit, item.answer.version, "s")], by=actor,
        now=world.now,
    )  # fmt: skip
    world.session.commit()
    digest = content_hash(world.work(code))
    signatory = world.actor("signatory")
    submission = sign_and_submit(
        world.write(), world.returns[code].public_id, by=signatory, now=world.now, expected_hash=digest,
        identity_proved=True,
    )  # fmt: skip
    world.session.commit()
    sid = submission.public_id
    for name in ("board", "inspector", "coordinator"):
        found = client_as(name).get(f"{base}/signed/{sid}")
        assert found.status_code == 200
        cells = [value for sheet in read_cells(found.data) for value in sheet.cells.values()]
        assert "As it was signed" in cells
        assert submission.content_hash in cells
        assert not any(str(value).startswith("candour:") for value in cells)
        for member, content in members(found.data).items():
            if member.startswith("xl/worksheets/sheet"):
                assert b"sheetProtection" in content
    assert client_as("outsider").get(f"{base}/signed/{sid}").status_code == 404
    # uploading it is no way back in
    reopener = world.actor("inspector")
    reopen(world.write(), world.returns[code].public_id, reason="Again", by=reopener, now=world.now)
    world.session.commit()
    client = client_as("lead")
    assert "set aside" in words(client.get(f"{base}/"))
    refused = send(client, base, client.get(f"{base}/signed/{sid}").data)
    assert refused.status_code == 422
    assert "not a spreadsheet that was downloaded here" in words(refused)


@pytest.mark.parametrize("name", ["outsider", "inspector", "coordinator", "administrator", "board"])
def test_uploads_are_for_those_who_may_answer(
    world: World, code: str, base: str, client_as: Client, name: str
) -> None:
    lead = client_as("lead")
    item = world.work(code).items[0]
    content = edited(lead.get(f"{base}/workbook").data, lambda s: fill(s, item.id, commentary="Private words"))
    shown = send(lead, base, content).request.path
    client = client_as(name)
    reads = name == "board"
    assert client.get(f"{base}/").status_code == (200 if reads else 404 if name != "administrator" else 403)
    for path in (shown, f"{base}/workbook"):
        found = client.get(path)
        assert found.status_code == (200 if reads else 404 if name != "administrator" else 403)
        assert (b"Private words" in found.data) == (reads and path == shown)
    refused = (403, 404)
    assert send(client, base, content).status_code in refused
    assert client.post(shown, data={}).status_code in refused
    assert client.get(f"{shown}/dismiss").status_code in refused
    assert client.post(f"{shown}/dismiss").status_code in refused


def test_a_spreadsheet_of_another_audit_is_refused_in_words(world: World, base: str, client_as: Client) -> None:
    other = list(world.returns)[1]
    theirs = client_as(f"signatory-{other.rsplit('-', 1)[0]}")
    content = theirs.get(f"/returns/{world.returns[other].public_id}/offline/workbook").data
    page = send(client_as("lead"), base, content)
    assert page.status_code == 422
    assert "This spreadsheet is of another audit" in words(page)
    world.session.rollback()
    assert world.session.scalars(select(StagedImport)).all() == []


def test_hostile_files_are_refused_in_words(world: World, base: str, client_as: Client) -> None:
    client = client_as("lead")
    good = client.get(f"{base}/workbook").data
    parts = members(good)
    sheet = "xl/worksheets/sheet2.xml"
    for content in (
        b"",
        b"not a file",
        good[: len(good) // 2],
        b"\xd0\xcf\x11\xe0" + b"\0" * 5000,
        zipped({**parts, sheet: b"<worksheet"}),
    ):
        page = send(client, base, content)
        assert page.status_code == 422, content[:40]
        assert 'href="#file"' in page.text or "Choose the file" in words(page)
    world.session.rollback()
    assert world.session.scalars(select(StagedImport)).all() == []


def test_forms_and_drafts_are_made_in_the_background(world: World, code: str, base: str, client_as: Client) -> None:
    rid = world.returns[code].public_id
    client = client_as("contributor")
    for report in ("blank-form", "draft-return"):
        page = client.post(f"/returns/{rid}/reports", data={"report": report}, follow_redirects=True)
        assert page.status_code == 200
        assert "Waiting for its turn" in page.text
    world.session.rollback()
    runs = {run.report: run for run in world.session.scalars(select(ReportRun))}
    assert runs["draft-return"].options["draft"] is True
    assert client_as("lead").get(f"/reports/{runs['draft-return'].public_id}").status_code == 200
    # before anything is submitted an inspector knows of neither, and of the draft never
    inspector = client_as("inspector")
    for run in runs.values():
        assert inspector.get(f"/reports/{run.public_id}").status_code == 404
    assert inspector.post(f"/returns/{rid}/reports", data={"report": "draft-return"}).status_code == 404


def test_an_inspector_makes_the_blank_form_of_a_type(world: World, code: str, client_as: Client) -> None:
    round_id, kind = world.audit_round.public_id, world.returns[code].agency_type
    inspector = client_as("inspector")
    reports = inspector.get(f"/rounds/{round_id}/reports")
    assert f"/rounds/{round_id}/forms/{kind}" in reports.text
    page = inspector.post(f"/rounds/{round_id}/forms/{kind}", follow_redirects=True)
    assert "Waiting for its turn" in page.text
    assert inspector.post(f"/rounds/{round_id}/forms/nothing").status_code == 404
    assert client_as("outsider").post(f"/rounds/{round_id}/forms/{kind}").status_code == 404
    world.session.rollback()
    run = world.session.scalars(select(ReportRun)).one()
    assert run.options["agency_type"] == kind
