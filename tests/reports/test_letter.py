"""The letter to an area: from answers that were signed, to the PDF and to whom it comes out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pypdf
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from obstore.store import LocalStore
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cli import main
from app.domain.letter import AreaLetter
from app.files.store import Store
from app.jobs.gallery import sample_reports
from app.models import Area, Event, Feedback, Publication
from app.operations import release
from app.operations.answers import Edit, save_answers
from app.policy import Denied
from app.queries.letters import area_letter, get_letters, letters_of
from app.queries.release import prepare_edition
from app.queries.reports import runs_of_round
from app.queries.rounds import NotFound
from reports.make import make_report
from reports.render import RenderFailed, render_pdf
from tests.operations.checking import check, finished, put_in_sample, uphold_all
from tests.operations.test_returns import sign
from tests.pdf_gate import assert_pdf_ua
from tests.pdf_text import pages_of
from tests.round_of import Round
from tests.web.test_release import AGES_AGO, moved
from tests.world import SYSTEM, World, build, complete_answer, pack

SEES, SEEN = "inspectorate-1", "area-committee-1"
SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def world(session: Session) -> World:
    """A joint review of an area, in which nobody has answered yet."""
    return build(session, pack_key="joint-review")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An evidence store of the test's own."""
    folder = tmp_path / "evidence"
    folder.mkdir()
    return Store(LocalStore(folder), folder)


def area_of(world: World) -> str:
    """The public id of the only area."""
    return world.session.scalars(select(Area.public_id)).one()


FACTS: dict[str, dict[str, Any]] = {
    "fieldwork-from": {"date": "2003-05-02"}, "fieldwork-to": {"date": "2003-05-09"},
    "cases-tracked": {"number": "17"}, "cases-together": {"numerator": "9", "denominator": "17"},
    "children-met": {"number": "40"}, "parents-met": {"number": "22"}, "staff-met": {"number": "61"},
    "how-seen": {"choices": "cases,nights"},
    "places-visited": {"rows": [{"day": "2003-05-02", "place": "A school", "met": "Teachers", "unannounced": "yes"}]},
    "not-seen": {"text": "Homes outside the area."}, "must-change": {"text": "The night desk."},
    "worked-well": {"text": "Children were seen.\n\nPeople knew them."},
    "one-childs-story": {"text": "She told it three times."},
    "asked-of-area": {"rows": [{"what": "Staff the night desk", "who": "All services", "by": "2003-09-01"}]},
    "urgent-matters": {"answer": "no"}, "one-letter": {"chosen": "agreed"},
}  # fmt: skip


def write(world: World, graded: dict[str, tuple[str, str]], facts: dict[str, dict[str, Any]] | None = None) -> None:
    """Answer and sign for the inspectorate: criterion to grade and commentary; what is not given was not looked at."""
    facts = FACTS | (facts or {})
    edits = []
    for item in world.work(SEES).items:
        key = item.criterion.id
        if item.criterion.answer.type == "grade":
            grade, words = graded.get(key, ("not-looked-at", ""))
            scheme = item.scheme.model_copy(update={"grades": (item.scheme.grade(grade),)})
            raw = complete_answer(scheme) if grade != "not-looked-at" else {"reason": "It is not for us."}
            raw |= {"grade": grade} | ({"commentary": words} if words else {})
        elif key in facts:
            raw = dict(facts[key])
        else:
            continue
        edits.append(Edit(item.id, raw, item.answer.version, "all"))
    actor = world.actor("signatory")
    result = save_answers(world.write(), world.returns[SEES].public_id, edits, by=actor, now=world.now)
    assert result.clean, result
    world.session.commit()
    sign(world, SEES)


def read(world: World, language: str = "en") -> AreaLetter:
    """The letter as it would be now."""
    world.session.rollback()
    found = area_letter(
        world.session, world.audit_round, area_of(world), actor=SYSTEM, now=world.now, language=language
    )
    assert found is not None
    return found


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def text_of(path: Path) -> str:
    """The text of a PDF without white space: a line may end anywhere."""
    return squeezed(" ".join(pages_of(path)))


def test_the_letter_says_what_was_signed_and_counts_nothing(world: World, tmp_path: Path) -> None:
    write(
        world,
        {
            "leaders-know": ("to-improve", "Leaders hear of one case in four."),
            "leaders-act-together": ("strength", "They decide on one day\nand act on the next."),
            "resources-shared": ("in-order", ""),
            "concern-noticed": ("act-at-once", "Nobody looks at night."),
        },
    )
    out, data = tmp_path / "letter.pdf", tmp_path / "letter.json"
    area = area_of(world)
    make_report(
        world.session, "area-letter", world.audit_round, None, area=area, out=out, data=data, actor=SYSTEM,
        now=world.now,
    )  # fmt: skip
    assert_pdf_ua(out)
    found = AreaLetter.model_validate_json(data.read_text())
    assert found == read(world) and found.is_draft and found.area == "Mereland"
    assert [one.name for one in found.addressed_to] == ["Fictional area-committee one"]
    # as only one is of its kind, it is called by that
    (by,) = found.contributors
    assert by.short == "Social care inspectorate" and by.name == "Fictional inspectorate one"
    leading = next(one for one in found.sections if one.key == "leading")
    # under the words of the grades, in their order, whatever the order of the questions
    assert [one.label for one in leading.found] == ["What is strong", "What is in order", "What needs to get better"]
    assert leading.found[1].also == ("Money and staff follow the need",)
    # themes of which nothing was said, and what is asked once and not of the area, do not stand in it
    keys = [one.key for one in found.sections]
    assert keys == ["main-messages", "leading", "noticing", "asks", "what-was-seen"]
    subjects = [told.subject for section in found.sections for told in section.told]
    assert "Agreement with one letter" not in subjects and "Matters that could not wait" not in subjects
    text = text_of(out)
    for words in (
        "Mereland", "To the chair of Fictional area-committee one", "What is strong",
        "Leaders decide and act together. They decide on one day and act on the next. (Social care inspectorate)",
        "Money and staff follow the need.", "What cannot wait", "17 children (Social care inspectorate)",
        "Staff the night desk", "All services", "1 September 2003", "Draft, for its factual accuracy only",
        "The letter has no grade.", found.snapshot_id,
    ):  # fmt: skip
        assert squeezed(words) in text, words
    for figure in ("metby", "%ofcriteria", "Notlookedat", "notforus"):
        assert figure not in text
    # real lists and tables, for who listens
    tree = pypdf.PdfReader(out).root_object["/StructTreeRoot"]
    tags = tags_of(tree)
    assert {"/H1", "/H2", "/H3", "/L", "/LI", "/Table", "/TH", "/P"} <= tags, tags

    welsh = read(world, "cy")
    assert welsh.snapshot_id != found.snapshot_id
    assert welsh.sections[1].title == "Arwain gyda’n gilydd" and welsh.pack.untranslated


def tags_of(node: Any) -> set[str]:
    """Every tag in a structure tree."""
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        return set().union(*map(tags_of, node)) if node else set()
    if not isinstance(node, dict):
        return set()
    found = {str(node["/S"])} if "/S" in node else set()
    return found | tags_of(node["/K"]) if "/K" in node else found


def test_an_empty_letter_a_long_one_and_hostile_words(world: World, tmp_path: Path) -> None:
    hostile = "</p><script>alert(1)</script> & <b>bold</b>"
    write(world, {}, {"not-seen": {"text": f"{hostile}\n{'W' * 400}"}})
    content = read(world).model_dump(mode="json")
    # whatever an agency signed: nothing at all, or as much as it may
    empty = content | {"sections": [], "addressed_to": [], "opening": "", "about": [], "method": [], "limits": []}
    out = tmp_path / "empty.pdf"
    render_pdf("area-letter", empty, out)
    assert_pdf_ua(out)
    assert "signednothingthatcouldstandinaletter" in text_of(out)

    long = {
        "key": "leading", "title": "Leading", "introduction": [],
        "found": [{
            "label": "What is strong",
            "paragraphs": [
                {"subject": "A", "words": "Evermore. " * 2000, "by": "First"},
                {"subject": "B", "words": "W" * 2000, "by": "A" * 200},
                {"subject": "C", "words": "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", "by": "Third"},
                {"subject": "D", "words": hostile, "by": hostile},
            ],
            "also": [],
        }],
        "told": [],
    }  # fmt: skip
    render_pdf("area-letter", content | {"sections": [long, *content["sections"]], "area": hostile}, out)
    assert_pdf_ua(out)
    document, text = pypdf.PdfReader(out), text_of(out)
    assert text.count("Evermore.") == 2000 and text.count("W") >= 2400
    assert squeezed(hostile) in text
    for page in document.pages:  # nothing runs off the paper
        assert max_right(page) <= float(page.mediabox.width)


def max_right(page: pypdf.PageObject) -> float:
    """How far to the right a run of text begins on a page, in points."""
    rights: list[float] = [0]

    def see(_text: str, cm: list[float], tm: list[float], _font: Any, _size: float) -> None:
        rights.append(float(tm[4] * cm[0] + cm[4]))

    page.extract_text(visitor_text=see)
    return max(rights)


def test_words_cannot_turn_the_direction_of_what_stands_behind_them(world: World) -> None:
    write(
        world, {"leaders-know": ("to-improve", "Leaders \u202eknow\u2066 little.")},
        {"worked-well": {"text": "Much \u202eworks."}},
    )  # fmt: skip
    dumped = read(world).model_dump_json()
    assert "Leaders know little." in dumped and "Much works." in dumped
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", dumped)


def test_a_check_moves_a_paragraph_under_another_heading(world: World) -> None:
    write(world, {"leaders-know": ("strength", "Leaders know every child.")})
    before = read(world)
    put_in_sample(world, SEES, second="lead-inspector")
    scope = f"leaders-know.{area_of(world)}"
    check(world, SEES, scope, "to-improve", reason="Four cases show that they do not.", seen="Cases.")
    # while a second inspector is at work, nobody sees what the first one found
    assert read(world) == before
    uphold_all(world, SEES)
    finished(world, SEES)
    uphold_all(world, SEES, by="lead-inspector")
    finished(world, SEES, by="lead-inspector")
    after = read(world)
    labels = [[found.label for found in one.found] for one in (before.sections[1], after.sections[1])]
    assert labels == [["What is strong"], ["What needs to get better"]]
    assert after.snapshot_id != before.snapshot_id


# --- who reads it, and when ------------------------------------------------------------------------------------------


def published(world: World, *, on_record: bool = True) -> None:
    """Prepare the feedback, say something to the committee, and publish everything; or only set the time for that."""
    lead, rid = world.actor("lead-inspector"), world.audit_round.public_id
    release.prepare(world.write(), rid, by=lead, now=world.now)
    world.session.commit()
    say(world, "Thank you for two open weeks.")
    waived = dict.fromkeys(release.OBSTACLES, "Agreed.")
    at = world.now + timedelta(hours=1)
    release.set_publication(world.write(), rid, at=at, waived=waived, by=lead, now=world.now)
    world.session.commit()
    if not on_record:
        return
    world.now += timedelta(hours=2)
    release.by_the_clock(world.write(), now=world.now)
    world.session.commit()


def say(world: World, words: str) -> None:
    """Write the lead inspector's own words to the committee."""
    ret = world.returns[SEEN]
    newest = select(Feedback.version).where(Feedback.return_id == ret.id).order_by(Feedback.version.desc()).limit(1)
    version = world.session.scalar(newest)
    assert version
    release.write_narrative(
        world.write(), ret.public_id, narrative=words, version=version, by=world.actor("lead-inspector"), now=world.now
    )
    world.session.commit()


def readable(world: World, name: str, number: int = 0) -> bool:
    """Whether somebody gets the letter."""
    try:
        area_letter(
            world.session, world.audit_round, area_of(world), number, actor=world.actor(name), now=world.now
        )
    except (Denied, NotFound):
        return False
    return True


def test_it_comes_out_with_the_findings_and_only_then(world: World, store: Store) -> None:
    write(world, {"leaders-know": ("to-improve", "Leaders hear of one case in four.")})
    committee = Round(world, store)
    committee.answer(SEEN)
    committee.sign(SEEN)
    people = ("signatory", "lead", "board", "signatory-area-committee", "coordinator", "outsider", "administrator")
    for name in ("lead-inspector", "inspector"):
        assert readable(world, name)
    assert not any(readable(world, name, number) for name in people for number in (0, 1))

    # in the window for factual accuracy those that it is written to see the draft, and nobody else
    lead, rid = world.actor("lead-inspector"), world.audit_round.public_id
    release.prepare(world.write(), rid, by=lead, now=world.now)
    opens, closes = world.now + timedelta(hours=1), world.now + timedelta(hours=2)
    release.set_window(world.session, rid, opens=opens, closes=closes, by=lead, now=world.now)
    world.session.commit()
    world.now = opens
    assert [name for name in people if readable(world, name)] == ["signatory-area-committee"]
    world.now = closes
    assert not any(readable(world, name) for name in people)

    published(world)
    readers = ["signatory", "lead", "board", "signatory-area-committee", "coordinator"]
    assert [name for name in people if readable(world, name, 1)] == readers
    assert not any(readable(world, name) for name in people)  # what it would be now stays with those who inspect
    out = area_letter(
        world.session, world.audit_round, area_of(world), 1, actor=world.actor("coordinator"), now=world.now
    )
    assert out is not None and out.edition is not None and not out.is_draft
    assert out.opening == "Thank you for two open weeks." and out.edition.number == 1
    for name in people:
        rows = letters_of(world.session, world.audit_round, actor=world.actor(name), now=world.now)
        assert [row.edition for row in rows] == ([1] if name in readers else []), name

    # what is said afterwards changes nothing of it, until a correction brings it
    say(world, "Thank you for two weeks.")
    again = area_letter(
        world.session, world.audit_round, area_of(world), 1, actor=world.actor("coordinator"), now=world.now
    )
    assert again == out
    lead = world.actor("lead-inspector")
    release.correct(world.write(), rid, reason="They were not open.", by=lead, now=world.now)
    world.session.commit()
    found = area_letter(world.session, world.audit_round, area_of(world), 2, actor=lead, now=world.now)
    assert found is not None and found.opening == "Thank you for two weeks."
    old = area_letter(world.session, world.audit_round, area_of(world), 1, actor=lead, now=world.now)
    assert old is not None and old.edition is not None and old.edition.replaced_by == 2 and old.opening == out.opening
    content = world.session.scalars(select(Publication.changes).where(Publication.number == 2)).one()
    (change,) = [one for one in content if one["chapter"] == "letters"]
    assert change["what"] == "Mereland" and change["old"] == out.snapshot_id[:8] != change["new"]


def test_the_letter_is_made_on_its_page(
    app: Flask, world: World, store: Store, client_as: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    queue = SimpleNamespace(enqueue_report=lambda _session, run_id: asked.append(run_id))
    monkeypatch.setitem(app.extensions, "candour_jobs", queue)
    address = f"/rounds/{world.audit_round.public_id}/letters"
    letter_of = f"{address}/{area_of(world)}"
    lead, committee = client_as("lead-inspector"), client_as("signatory-area-committee")
    page = lead.get(address).get_data(as_text=True)
    assert "Mereland" in page and "Nothing about this area is signed yet." in page
    assert lead.post(letter_of).status_code == 409
    assert "Letters to areas" in lead.get(f"/rounds/{world.audit_round.public_id}/reports").get_data(as_text=True)
    for name in ("signatory", "signatory-area-committee", "coordinator", "outsider"):
        assert client_as(name).get(address).status_code == client_as(name).post(letter_of).status_code == 404

    write(world, {"leaders-know": ("to-improve", "Leaders hear of one case in four.")})
    Round(world, store).answer(SEEN)
    Round(world, store).sign(SEEN)
    assert "The draft as a PDF" in lead.get(address).get_data(as_text=True)
    for number in ("7", "x", "99999999"):
        assert lead.post(f"{letter_of}?edition={number}").status_code == 404
    sent = lead.post(letter_of)
    assert sent.status_code == 303 and lead.post(letter_of).headers["Location"] == sent.headers["Location"]
    run_page = lead.get(sent.headers["Location"]).get_data(as_text=True)
    assert "Letter to an area: Mereland" in run_page
    draft = lead.get(f"{letter_of}.json").get_json()
    assert draft["is_draft"] and draft["area"] == "Mereland"
    assert client_as("coordinator").get(f"{letter_of}.json").status_code == 404
    assert committee.get(sent.headers["Location"]).status_code == 404

    published(world, on_record=False)
    moved(world, publish_at=AGES_AGO)  # the application's clock runs on its own
    page = committee.get(address).get_data(as_text=True)
    assert "The letter as a PDF" in page and "As it would be now" not in page
    for name in ("signatory-area-committee", "coordinator", "signatory"):
        assert client_as(name).post(letter_of).status_code == 404  # the draft stays with those who inspect
        out = client_as(name).post(f"{letter_of}?edition=1")
        assert out.status_code == 303 and client_as(name).get(out.headers["Location"]).status_code == 200
        assert client_as(name).get(f"{letter_of}.json?edition=1").get_json()["edition"]["number"] == 1
        assert client_as(name).get(sent.headers["Location"]).status_code == 404
    assert len(asked) == 2  # the draft, and one letter for all of them
    world.session.rollback()
    requests = world.session.scalars(select(Event).where(Event.verb == "report.requested").order_by(Event.seq)).all()
    assert [(one.data["report"], one.data["area"]) for one in requests] == [("area-letter", area_of(world))] * 2
    runs = runs_of_round(world.session, world.audit_round, actor=world.actor("signatory"), now=world.now)
    assert runs == []
    area_page = client_as("coordinator").get(f"/areas/{area_of(world)}").get_data(as_text=True)
    assert f'href="{address}"' in area_page
    for where in ("publications", "letters"):
        listed = committee.get(f"/rounds/{world.audit_round.public_id}/{where}").get_data(as_text=True)
        assert "Letters to areas" in listed


def test_where_the_author_wants_no_letters_there_are_none(app: Flask, session: Session, tmp_path: Path) -> None:
    world = build(session, per_area=True)
    area = session.scalars(select(Area.public_id).order_by(Area.id).limit(1)).one()
    lead = world.actor("lead-inspector")
    assert letters_of(session, world.audit_round, actor=lead, now=world.now) == []
    with pytest.raises(NotFound):
        get_letters(session, world.audit_round.public_id, actor=lead, now=world.now)
    with pytest.raises(RenderFailed, match="no letters"):
        make_report(
            session, "area-letter", world.audit_round, None, area=area, out=tmp_path / "none.pdf", actor=SYSTEM,
            now=world.now,
        )  # fmt: skip
    assert "letters" not in prepare_edition(session, world.audit_round, actor=SYSTEM, now=world.now)


def test_feedback_says_nothing_of_shares_where_nothing_is_counted(world: World, store: Store) -> None:
    Round(world, store).answer(SEEN)
    Round(world, store).sign(SEEN)
    lead = world.actor("lead-inspector")
    release.prepare(world.write(), world.audit_round.public_id, by=lead, now=world.now)
    world.session.commit()
    content = world.session.scalars(select(Feedback.content)).one()
    assert {one["part"] for one in content["statements"]} == {"checked"}
    assert content["standards"] == [] and content["own"]["counted"] == 0


def test_it_is_rendered_from_the_terminal(app: Flask, world: World, tmp_path: Path) -> None:
    write(world, {"leaders-know": ("to-improve", "Leaders hear of one case in four.")})
    out, data = tmp_path / "letter.pdf", tmp_path / "letter.json"

    def run(area: str, *more: str) -> str:
        given = ["report", "render", "area-letter", "--round", "test-round", "--area", area, "--out", str(out)]
        result = CliRunner().invoke(main, [*given, "--data", str(data), *more])
        assert "Traceback" not in result.output
        return result.output

    assert "say which area of the round it is to" in run("nowhere")
    for name in ("coordinator", "signatory-area-committee"):
        assert "may not do this" in run("mere", "--as", f"{name}@agency.example")
    assert not out.exists()
    assert "pages, SHA-256" in run("mere")
    assert AreaLetter.model_validate_json(data.read_text()).area == "Mereland"
    assert_pdf_ua(out)


def test_the_gallery_shows_one_where_a_pack_has_letters() -> None:
    made = sample_reports(pack("joint-review"), each=3)
    assert list(made) == ["area-letter"]
    letter = AreaLetter.model_validate(made["area-letter"])
    assert letter.audit_round.is_demonstration and not letter.is_draft and letter.sections
