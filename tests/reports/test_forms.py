"""The blank form and the current draft: accessible, with every question, and what the data say."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from app.domain.forms import FormDocument
from app.operations.answers import Edit, save_answers
from app.policy import Denied
from app.queries.forms import blank_form, blank_form_of_type, draft_form
from app.queries.rounds import NotFound
from reports.make import make_report
from tests import pdf_text
from tests.operations.test_offline import in_a_form
from tests.pdf_gate import assert_pdf_ua
from tests.world import SYSTEM, World, complete_answer

# what a document says does not depend on the database
pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


@cache
def pages_of(path: Path) -> tuple[str, ...]:
    return tuple(re.sub(r"\s+", " ", page) for page in pdf_text.pages_of(path))


def text_of(path: Path) -> str:
    """The text without white space: a line may end anywhere."""
    return re.sub(r"\s+", "", " ".join(pages_of(path)))


def has(path: Path, words: str) -> bool:
    return re.sub(r"\s+", "", words) in text_of(path)


@pytest.fixture
def code(world: World) -> str:
    return next(iter(world.returns))


def make(world: World, tmp_path: Path, key: str, code: str | None, **options: object) -> tuple[Path, FormDocument]:
    out, data = tmp_path / f"{key}.pdf", tmp_path / f"{key}.json"
    make_report(
        world.session, key, world.audit_round, world.returns[code] if code else None, out=out, data=data,
        actor=SYSTEM, now=world.now, **options,
    )  # fmt: skip
    return out, FormDocument.model_validate(json.loads(data.read_text()))


def test_the_draft_holds_every_answer_so_far(world: World, code: str, tmp_path: Path) -> None:
    world.answer(code, best=False, standards=2)
    item = world.work(code).items[0]
    words = "First line.\n</p><script>alert(1)</script> & more."
    raw = complete_answer(item.scheme, best=False) | {"commentary": words}
    actor = world.actor("contributor")
    save_answers(
        world.write(), world.returns[code].public_id, [Edit(item.id, raw, 1, "k")], by=actor, now=world.now
    )
    world.session.commit()
    pdf, form = make(world, tmp_path, "draft-return", code, draft=True)
    assert_pdf_ua(pdf)
    assert form.complete == world.work(code).complete > 0
    for question in form.questions():
        assert has(pdf, question.question)
        if question.value.get("commentary"):
            for line in question.value["commentary"].split("\n"):
                assert has(pdf, line)
    assert has(pdf, "Version 2, saved on 12 May 2003")
    assert has(pdf, "by Contributor")
    assert form.snapshot_id in text_of(pdf)
    for page in pages_of(pdf):
        assert "DRAFT · as it stood on 12 May 2003" in page


def test_the_draft_can_be_had_after_the_deadline_and_after_signing(world: World, code: str, tmp_path: Path) -> None:
    world.answer(code, standards=1)
    world.now = world.audit_round.closes.replace(year=2004)
    pdf, form = make(world, tmp_path, "draft-return", code, draft=True)
    assert form.closed is not None
    assert has(pdf, form.closed.text)


def test_drafts_are_for_the_agency_s_own_people(world: World, code: str) -> None:
    audit_return = world.returns[code]
    for name in ("lead", "contributor", "board", "signatory"):
        assert draft_form(world.session, audit_return, actor=world.actor(name), now=world.now).kind == "draft"
    other = list(world.returns)[1]
    for name in ("lead-inspector", "coordinator", "outsider", "administrator", f"signatory-{other.rsplit('-', 1)[0]}"):
        with pytest.raises((NotFound, Denied)):
            draft_form(world.session, audit_return, actor=world.actor(name), now=world.now)
        with pytest.raises((NotFound, Denied)):
            blank_form(world.session, audit_return, actor=world.actor(name), now=world.now)
    with pytest.raises(Denied):
        blank_form_of_type(
            world.session, world.audit_round, audit_return.agency_type, actor=world.actor("outsider"), now=world.now
        )
    with pytest.raises(NotFound):
        blank_form_of_type(
            world.session, world.audit_round, "no-such-type", actor=world.actor("inspector"), now=world.now
        )


def test_the_blank_form_asks_everything_and_answers_nothing(world: World, code: str, tmp_path: Path) -> None:
    world.answer(code, best=False)
    pdf, form = make(world, tmp_path, "blank-form", code)
    assert_pdf_ua(pdf)
    assert not any(question.value or question.saved_by for question in form.questions())
    assert [question.id for question in form.questions()] == [one.id for one in in_a_form(world, code)]
    for question in form.questions():
        assert has(pdf, question.question)
        assert has(pdf, question.why)
    assert {scheme.key for scheme in form.schemes} == set(world.pack.grading_schemes)
    for scheme in form.schemes:
        # in the table of grades, and as a box to tick at each question that is graded
        of_it = [one for one in form.questions() if one.scheme == scheme.key and one.type == "grade"]
        for grade in scheme.grades:
            assert text_of(pdf).count(re.sub(r"\s+", "", grade.label)) > len(of_it), grade.label
    assert has(pdf, world.returns[code].agency.name)
    assert has(pdf, "names or details of children")


def test_the_blank_form_of_a_round_is_for_a_type_and_all_its_kinds(world: World, tmp_path: Path) -> None:
    kind = next(key for key, template in world.pack.templates.items()
                if any(placed.criterion.subtypes for placed in template.criteria()))  # fmt: skip
    pdf, form = make(world, tmp_path, "blank-form", None, agency_type=kind)
    assert_pdf_ua(pdf)
    assert form.agency is None
    assert len(form.questions()) == len(world.pack.templates[kind].criteria())
    narrow = next(q for q in form.questions() if q.conditions)
    assert has(pdf, narrow.conditions[0].text)


def test_the_same_answers_give_the_same_file(world: World, code: str, tmp_path: Path) -> None:
    world.answer(code, standards=1)
    first = make(world, tmp_path, "draft-return", code, draft=True)[0].read_bytes()
    assert make(world, tmp_path, "draft-return", code, draft=True)[0].read_bytes() == first
