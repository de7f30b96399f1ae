"""Files as answers: they make their question complete, and a change to them is a change to the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.operations.answers import Edit, save_answers
from app.operations.answers import vouch as record_vouch
from tests.web.test_evidence import Agency, stored
from tests.world import World, build

CODE, STANDARD = "club-1", "facts"
ANSWERS: dict[str, dict[str, object]] = {
    "any-number": {"number": "12"},
    "date": {"date": "2003-04-03"},
    "text": {"text": "The door."},
    "table": {"rows": [{"name": "Ferry"}]},
}


@pytest.fixture
def world(session: Session) -> World:
    """A round of the pack with one question of every type."""
    return build(session, pack_key="every-answer")


@pytest.fixture
def agency(world: World, client_as: Callable[[str], FlaskClient], app: Flask, worker_home: Path) -> Iterator[Agency]:
    """The agency, whose store is empty."""
    folder = worker_home / "evidence"
    for file in stored(folder):
        (folder / file[:2] / file[2:4] / file).unlink()
    app.extensions.pop("candour_evidence", None)
    yield Agency(world, client_as("contributor"))


def save(world: World, answers: dict[str, dict[str, object]], by: str = "contributor") -> None:
    versions = {item.id: item.answer.version for item in world.work(CODE).items}
    actor = world.actor(by)
    edits = [Edit(name, raw, versions[name], "once") for name, raw in answers.items()]
    result = save_answers(world.write(), world.returns[CODE].public_id, edits, by=actor, now=world.now)
    assert result.clean
    world.session.commit()


def counted(world: World) -> int:
    """How many questions are complete, as it is stored; which is what the checklist counts."""
    world.session.rollback()
    world.session.expire_all()
    audit_return, work = world.returns[CODE], world.work(CODE)
    assert (audit_return.asked, audit_return.complete) == (work.asked, work.complete)
    return work.complete


def test_adding_and_removing_files_says_how_far_the_return_is(agency: Agency, world: World) -> None:
    save(world, {"text": {"text": "The door."}})
    assert counted(world) == 1
    piece = agency.add(questions=["file"])
    assert counted(world) == 2
    # a save counts the files too
    save(world, {"date": ANSWERS["date"]})
    assert counted(world) == 3
    agency.client.post(f"{agency.path}/{piece}/remove", data={"question": "file"})
    assert counted(world) == 2
    agency.client.post(f"{agency.path}/{piece}/attach", data={"question": "file"})
    assert counted(world) == 3
    described = {"title": "x", "description": "What it shows.", "questions": ["text"]}
    page = agency.client.get(f"{agency.path}/{piece}/edit").text
    token = page.split('name="based_on" value="')[1].split('"')[0]
    assert agency.client.post(f"{agency.path}/{piece}/edit", data={**described, "based_on": token}).status_code == 303
    assert counted(world) == 2
    another = agency.add(b"Other minutes.\n", "other.txt", questions=["file"])
    assert counted(world) == 3
    assert agency.client.post(f"{agency.path}/{another}/remove", data={}).status_code == 303
    assert counted(world) == 2


def test_evidence_beside_other_answers_counts_nothing(agency: Agency, world: World) -> None:
    agency.add(questions=["text"])
    assert counted(world) == 0


def test_a_new_file_ends_a_vouch_as_a_new_answer_does(agency: Agency, world: World) -> None:
    piece = agency.add(questions=["file", "text"])
    save(world, ANSWERS)

    def vouched() -> bool:
        world.session.rollback()
        world.session.expire_all()
        return world.work(CODE).section(STANDARD).vouch is not None

    def vouch() -> None:
        lead = world.actor("lead")
        record_vouch(world.write(), agency.rid, STANDARD, name="Vera", post="Chair", by=lead, now=world.now)
        world.session.commit()

    vouch()
    assert vouched()
    agency.add(b"Beside a text.\n", "beside.txt", questions=["text"])
    assert vouched()
    agency.send(f"/{piece}/replace", b"A later policy.\n", "later.txt")
    assert not vouched()
    vouch()
    agency.add(b"One more.\n", "more.txt", questions=["file"])
    assert not vouched()
    history = agency.client.get(f"/returns/{agency.rid}/history").text
    assert "ended with it" in history


def test_the_page_shows_the_file_as_the_answer(agency: Agency, world: World) -> None:
    base = f"/returns/{agency.rid}/standards/{STANDARD}"
    assert "Add the file as evidence" in agency.client.get(base).text
    agency.add(questions=["file"])
    world.session.rollback()
    item = next(item for item in world.work(CODE).items if item.id == "file")
    assert item.started and not item.outstanding
