"""The gallery: what it shows, to whom, its documents, and two versions compared."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader

from app.catalogue import load_pack
from app.domain.templates import Pack
from app.jobs.gallery import make as make_in_background
from app.jobs.gallery import make_documents
from app.operations import templates
from app.queries.gallery import FINDINGS, blank_name, exhibit, gallery
from config import ROOT
from tests.world import SYSTEM, World

KEY = "section-11-2024"


@pytest.fixture
def shelf(app: Flask, tmp_path: Path) -> Iterator[Path]:
    """Folders of packs of one's own: the pack of the world, and one that is not published."""
    folder = tmp_path / "packs"
    shutil.copytree(ROOT / "audit_templates" / KEY, folder / KEY)
    shutil.copytree(ROOT / "tests" / "packs" / "every-answer", folder / "every-answer")
    before = app.config["CANDOUR"]
    app.config["CANDOUR"] = replace(before, templates=folder, home=tmp_path)
    yield folder
    app.config["CANDOUR"] = before


def later(world: World) -> Pack:
    """The pack of the world with a question less, one reworded, and a higher version, published."""
    frozen = world.pack.to_frozen()
    frozen |= {"version": world.pack.version + 1, "changes": "A question fell away."}
    criteria = frozen["templates"][0]["standards"][-1]["criteria"]
    del criteria[-1]
    frozen["templates"][0]["standards"][0]["criteria"][0]["question"] = "Is it another question now?"
    pack = Pack.from_frozen(frozen)
    templates.publish(world.write(), pack, by=SYSTEM, now=world.now)
    world.session.commit()
    return pack


def test_every_pack_is_there_with_what_it_shows(
    shelf: Path, world: World, client_as: Callable[[str], FlaskClient]
) -> None:
    client = client_as("inspector")
    page = client.get("/gallery").text
    assert f"/gallery/{KEY}/{world.pack.version}" in page
    assert "/gallery/every-answer/draft" in page
    assert f"/gallery/{KEY}/draft" not in page  # it is what is published
    for agency_type in world.pack.agency_types:
        assert client.get(f"/gallery/{KEY}/{world.pack.version}/form/{agency_type}").status_code == 200
    shown = client.get(f"/gallery/{KEY}/{world.pack.version}").text
    assert "What is different" in shown  # from its README
    assert "Not published" not in shown


def test_a_folder_with_mistakes_is_named_and_the_others_are_shown(
    shelf: Path, world: World, client_as: Callable[[str], FlaskClient]
) -> None:
    (shelf / "every-answer" / "pack.yaml").write_text("format: 1\n")
    page = client_as("administrator").get("/gallery")
    assert page.status_code == 200
    assert "<li>every-answer</li>" in page.text
    assert client_as("inspector").get("/gallery/every-answer/draft").status_code == 404


def test_a_form_shows_how_each_question_is_answered(
    shelf: Path, world: World, client_as: Callable[[str], FlaskClient]
) -> None:
    every = load_pack(shelf / "every-answer")
    agency_type = next(iter(every.agency_types))
    page = client_as("inspector").get(f"/gallery/every-answer/draft/form/{agency_type}").text
    for words in (
        "Answered with yes or no", "Answered with a number", "of which the service works out the percentage",
        "Answered with a date", "One is chosen:", "Several can be chosen:", "Answered with a text", "Answered with a",
        "Answered with a table", "Grades to choose from",
    ):  # fmt: skip
        assert words in page, words


@pytest.mark.parametrize("name", ["lead", "signatory", "board", "coordinator"])
def test_others_are_refused(shelf: Path, world: World, client_as: Callable[[str], FlaskClient], name: str) -> None:
    client = client_as(name)
    for path in ("/gallery", "/gallery/every-answer/draft", f"/gallery/{KEY}/compare"):
        assert client.get(path).status_code == 403


@pytest.mark.parametrize(
    "path", ["no-such/1", "every-answer/1", KEY + "/99", KEY + "/x", "../packs/draft", "%2e%2e/draft"]
)
def test_what_is_not_there_is_not_found(
    shelf: Path, world: World, client_as: Callable[[str], FlaskClient], path: str
) -> None:
    assert client_as("inspector").get(f"/gallery/{path}").status_code == 404


def test_documents_are_asked_for_once_and_downloaded(
    shelf: Path, world: World, app: Flask, client_as: Callable[[str], FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    jobs = app.extensions["candour_jobs"]
    monkeypatch.setattr(jobs, "enqueue_gallery", lambda _session, *given: asked.append(given))
    client = client_as("inspector")
    base = "/gallery/every-answer/draft"
    assert client.get(f"{base}/documents/{FINDINGS}").status_code == 404
    assert client.post(f"{base}/documents").status_code == 303
    assert client.post(f"{base}/documents").status_code == 303
    assert asked == [("every-answer", "draft")]
    assert "They are being made" in client.get(base).text
    with app.app_context():
        assert make_in_background(app, "every-answer", "draft") == "done"
    page = client.get(base).text
    assert "They are being made" not in page
    assert "Make these documents" not in page
    every = load_pack(shelf / "every-answer")
    for name in (FINDINGS, *map(blank_name, every.agency_types)):
        assert f"{base}/documents/{name}" in page
        with client.get(f"{base}/documents/{name}") as response:
            assert response.data[:5] == b"%PDF-"
    assert client.get(f"{base}/documents/asked").status_code == 404
    assert "letter.pdf" not in page and client.get(f"{base}/documents/letter.pdf").status_code == 404
    # another content has none of these
    readable = (shelf / "every-answer" / "pack.yaml").read_text().replace("version: 1", "version: 2")
    (shelf / "every-answer" / "pack.yaml").write_text(readable)
    assert "Make these documents" in client.get(base).text


def test_documents_say_that_they_are_of_no_round_and_invented(tmp_path: Path, world: World) -> None:
    folder = tmp_path / "made"
    found = load_pack(ROOT / "tests" / "packs" / "every-answer")
    made = make_documents(found, "0" * 64, folder, now=world.now, each=2)
    texts = [" ".join(page.extract_text() for page in PdfReader(path).pages) for path in made]
    for text in texts[:-1]:
        assert "It belongs to no round yet" in text
        assert "To be submitted by" not in text
    assert "Demonstration: fictional agencies" in texts[-1]


def test_two_versions_are_compared(shelf: Path, world: World, client_as: Callable[[str], FlaskClient]) -> None:
    client = client_as("inspector")
    assert "one version of this pack only" in client.get(f"/gallery/{KEY}/compare").text
    new = later(world)
    page = client.get(f"/gallery/{KEY}/compare").text
    assert "Questions added: 0, changed: 1, removed: 1." in page
    assert "Is it another question now?" in page
    gone = next(iter(world.pack.templates.values())).standards[-1].criteria[-1]
    assert gone.id in page
    assert "A question fell away." in page
    other_way = client.get(f"/gallery/{KEY}/compare?then={new.version}&now={world.pack.version}").text
    assert "Questions added: 1, changed: 1, removed: 0." in other_way
    same = client.get(f"/gallery/{KEY}/compare?then={new.version}&now={new.version}").text
    assert "the same version" in same


def test_the_queries_ask_policy(shelf: Path, world: World) -> None:
    from app.policy import Denied

    for ask in (
        lambda actor: gallery(world.session, shelf, actor=actor),
        lambda actor: exhibit(world.session, shelf, KEY, str(world.pack.version), actor=actor),
    ):
        ask(world.actor("inspector"))
        with pytest.raises(Denied):
            ask(world.actor("lead"))
