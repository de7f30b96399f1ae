"""Queries on both sides, in pages: asking, answering with evidence, asking on, closing; who sees what."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from app.models import Evidence, Thread, ThreadPost
from app.operations.submissions import reopen
from tests.web.test_oversight import count, submit, words
from tests.world import World

Clients = Callable[[str], FlaskClient]
DUE = {"due-day": "26", "due-month": "5", "due-year": "2003"}
ASKED = "Which rota is in force in April?"
ANSWER = "The rota of March was carried on."


@pytest.fixture(autouse=True)
def evidence_folder(app: Flask, worker_home: Path) -> Iterator[None]:
    """A store that is opened anew, with nothing of another test."""
    for file in (worker_home / "evidence").rglob("*"):
        if file.is_file():
            file.unlink()
    app.extensions.pop("candour_evidence", None)
    yield


@pytest.fixture
def rid(world: World) -> str:
    """The first agency's return, which is submitted."""
    return submit(world, next(iter(world.returns))).public_id


def ask(client: FlaskClient, rid: str, **changes: str) -> TestResponse:
    form = {"sent": "1", "subject": "Rotas", "text": ASKED, **DUE, **changes}
    return client.post(f"/returns/{rid}/queries/ask", data=form)


@pytest.fixture
def query(client_as: Clients, rid: str) -> str:
    """The address of an open query of an inspector."""
    response = ask(client_as("inspector"), rid)
    assert response.status_code == 303, words(response)
    return str(response.headers["Location"])


def answer(
    client: FlaskClient, query: str, text: str = ANSWER, *, content: bytes = b"", name: str = "rota.txt", **more: object
) -> TestResponse:
    """Send an answer, with a new file where there is some content."""
    data: dict[str, object] = {"text": text, "title": "", "description": "", **more}
    if content:
        data["file"] = FileStorage(io.BytesIO(content), name)
    boundary, body = encode_multipart(data)
    return client.post(f"{query}/answer", data=body, content_type=f"multipart/form-data; boundary={boundary}")


def test_an_inspector_asks_the_agency_answers_with_a_new_file_and_the_inspector_closes(
    client_as: Clients, world: World, rid: str, query: str
) -> None:
    lead = client_as("lead")
    tasks = words(lead.get(f"/returns/{rid}/"))
    assert "1 query of an inspector waits for your answer" in tasks
    assert "Rotas" in words(lead.get(f"/returns/{rid}/queries"))
    assert ASKED in words(lead.get(query))
    sent = answer(lead, query, content=b"Monday: Sam.\n", description="The rota of March.")
    assert sent.status_code == 303, words(sent)
    assert "waits for your answer" not in words(lead.get(f"/returns/{rid}/"))
    world.session.rollback()
    assert world.returns[next(iter(world.returns))].stage == "submitted", "nothing was reopened"
    assert world.session.scalars(select(Evidence)).one().description == "The rota of March."
    # the inspector reads the answer and the file, and asks on
    inspector = client_as("inspector")
    page = inspector.get(query)
    assert ANSWER in words(page) and "Answered" in words(page)
    post = world.session.scalars(select(ThreadPost).order_by(ThreadPost.id.desc())).first()
    assert post is not None
    file = inspector.get(f"{query}/files/{post.public_id}/1")
    assert file.data == b"Monday: Sam.\n" and "attachment" in file.headers["Content-Disposition"]
    assert inspector.post(f"{query}/ask-on", data={"text": "And in May?"}).status_code == 303
    assert "And in May?" in words(lead.get(query))
    closed = inspector.post(f"{query}/close", data={"outcome": "answered"})
    assert closed.status_code == 303
    assert "Answered: nothing more to do" in words(lead.get(query))
    assert answer(lead, query).status_code == 422


def test_a_file_of_the_library_is_shown_with_the_answer(client_as: Clients, world: World, rid: str, query: str) -> None:
    lead = client_as("lead")
    assert answer(lead, query, content=b"Monday: Sam.\n", description="The rota.").status_code == 303
    world.session.rollback()
    piece = world.session.scalars(select(Evidence.public_id)).one()
    assert f'value="{piece}"' in lead.get(query).text
    assert answer(lead, query, "Once more.", files=piece).status_code == 303
    # the same file sent again is the piece that is there
    assert answer(lead, query, "And again.", content=b"Monday: Sam.\n", description="x").status_code == 303
    assert count(world, Evidence) == 1
    posts = world.session.scalars(select(ThreadPost).order_by(ThreadPost.id)).all()
    assert [len(post.evidence) for post in posts] == [0, 1, 1, 1]


def test_what_is_wrong_is_said_and_what_was_typed_is_shown_again(
    client_as: Clients, world: World, rid: str, query: str
) -> None:
    inspector, lead = client_as("inspector"), client_as("lead")
    for form, says in (
        ({"subject": ""}, "few words"), ({"text": ""}, "what you want to know"), ({"due-day": ""}, "needs a day"),
        ({"due-year": "2002"}, "passed already"), ({"text": "x" * 4001}, "shorten it"),
    ):  # fmt: skip
        page = ask(inspector, rid, **form)
        assert page.status_code == 422 and says in words(page)
        assert "Rotas" in page.text or "subject" in form
    assert count(world, Thread) == 1
    page = answer(lead, query, "", content=b"Monday: Sam.\n", description="The rota of March.")
    assert page.status_code == 422 and "Write what you want to say" in words(page)
    assert "The rota of March." in page.text
    page = answer(lead, query, ANSWER, content=b"MZ\x90\x00", name="rota.exe", description="The rota.")
    assert page.status_code == 422 and ANSWER in page.text and 'href="#file"' in page.text
    page = answer(lead, query, ANSWER, content=b"Monday: Sam.\n")
    assert page.status_code == 422 and ANSWER in page.text and 'href="#description"' in page.text
    assert count(world, ThreadPost) == 1 and count(world, Evidence) == 0
    page = inspector.post(f"{query}/ask-on", data={"text": "May?", **DUE, "due-month": "13"})
    assert page.status_code == 422 and "May?" in page.text
    page = inspector.post(f"{query}/close", data={})
    assert page.status_code == 422 and "Choose what came of this query" in words(page)


def test_a_query_about_one_answer_shows_it(client_as: Clients, world: World, rid: str) -> None:
    item = world.work(next(iter(world.returns))).items[0]
    inspector = client_as("inspector")
    submission = inspector.get(f"/returns/{rid}/", follow_redirects=True)
    assert f"/returns/{rid}/queries/ask?about={item.id}" in submission.text
    form = inspector.get(f"/returns/{rid}/queries/ask?about={item.id}")
    assert f"Question {item.number}" in form.text and str(item.criterion.question)[:30] in words(form)
    made = ask(inspector, rid, about=item.id)
    page = words(client_as("lead").get(made.headers["Location"]))
    assert item.number in page
    # its answer is not submitted while the return is open again: the query still stands
    reopen(world.write(), rid, reason="x", by=world.actor("inspector"), now=world.now)
    world.session.commit()
    assert f"About question {item.number}" in words(client_as("lead").get(made.headers["Location"]))


def test_the_list_of_the_round_filters(client_as: Clients, world: World, rid: str, query: str) -> None:
    address = f"/rounds/{world.audit_round.public_id}/queries"
    inspector = client_as("inspector")
    assert "Rotas" in words(inspector.get(address))
    assert "Rotas" in words(inspector.get(f"{address}?state=open&mine=1&q=rot"))
    for narrowed in ("state=closed", "state=overdue", "q=nothing-like-it"):
        page = words(inspector.get(f"{address}?{narrowed}"))
        assert "No query matches" in page and "Rotas" not in page
    assert "Rotas" not in words(client_as("lead-inspector").get(f"{address}?mine=1"))
    for value in ("page=99999999999", "page=-1", "state=%00", "page=1'"):
        assert inspector.get(f"{address}?{value}").status_code == 200


@pytest.mark.parametrize("name", ["outsider", "coordinator", "administrator", "signatory-police"])
def test_nobody_else_learns_that_there_is_a_query(
    client_as: Clients, world: World, rid: str, query: str, name: str
) -> None:
    if name not in world.people:
        name = next(key for key in world.people if key.startswith("signatory-"))
    client = client_as(name)
    other = next(row.public_id for row in world.returns.values() if row.public_id != rid)
    tid = query.rpartition("/")[2]
    pages = [f"/returns/{rid}/queries", query, f"/rounds/{world.audit_round.public_id}/queries",
             f"/returns/{other}/queries/{tid}", f"{query}/files/x/1"]  # fmt: skip
    for page in pages:
        response = client.get(page)
        assert response.status_code in (403, 404) and "Rotas" not in response.text, page
    before = count(world, ThreadPost)
    assert answer(client, query).status_code in (403, 404)
    assert client.post(f"{query}/ask-on", data={"text": "x"}).status_code in (403, 404)
    assert client.post(f"{query}/close", data={"outcome": "answered"}).status_code in (403, 404)
    assert count(world, ThreadPost) == before


def test_the_board_reads_and_does_not_answer(client_as: Clients, query: str) -> None:
    board = client_as("board")
    page = board.get(query)
    assert ASKED in words(page) and "Send the answer" not in words(page)
    assert answer(board, query).status_code in (403, 404)
    assert "Ask on" not in words(client_as("lead").get(query))
    assert "Send the answer" not in words(client_as("inspector").get(query))
