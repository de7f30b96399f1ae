"""Answers that are facts, in PDF files: as blank form, as a draft, and as they were signed; in both languages."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.domain.action_plan import ActionPlan
from app.domain.findings import AgencyReturnDocument
from app.domain.forms import FormDocument, FormQuestion
from reports.make import make_report
from tests.facts import CODE, PACK, answer, give_file, sign
from tests.pdf_gate import assert_pdf_ua
from tests.pdf_text import pages_of
from tests.world import SYSTEM, World, build

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
@pytest.fixture
def world(session: Session) -> World:
    """A round of the pack with one question of every type, all answered but the file."""
    world = build(session, pack_key=PACK)
    answer(world)
    return world


def make(world: World, tmp_path: Path, key: str, **options: object) -> tuple[Path, str]:
    out, data = tmp_path / f"{key}.pdf", tmp_path / f"{key}.json"
    make_report(
        world.session, key, world.audit_round, world.returns[CODE], out=out, data=data, actor=SYSTEM, now=world.now,
        **options,
    )  # fmt: skip
    assert_pdf_ua(out)
    return out, data.read_text()


@cache
def text_of(path: Path) -> str:
    """The text without white space: a line may end anywhere."""
    return re.sub(r"\s+", "", " ".join(pages_of(path)))


def has(path: Path, *texts: str) -> None:
    for text in texts:
        assert re.sub(r"\s+", "", text) in text_of(path), text


def by_id(form: FormDocument) -> dict[str, FormQuestion]:
    return {question.id: question for question in form.questions()}


SAID = (
    "Grade", "Amber", "Red", "1.5 hours", "Staff who are trained: 2", "All staff: 3", "Share: 66.7 %", "Every year",
    "Staff", "Drivers", "12,345", "3 April 2003", "</p><script>alert(1)</script> & more.", "Ferry <b>", "12.5",
    "3 February 2001", "By night", "Nobody was found.",
)  # fmt: skip


def test_a_draft_shows_what_each_answer_says_and_the_grade_it_comes_to(world: World, tmp_path: Path) -> None:
    pdf, data = make(world, tmp_path, "draft-return", draft=True)
    has(pdf, *SAID, "Answers without a grade", "1 row", "Not answered")
    form = FormDocument.model_validate_json(data)
    questions = by_id(form)
    assert questions["number"].facts[0].words.text == "1.5" and questions["number"].value["grade"] == "green"
    assert questions["yes-no"].facts[0].words.sentence is not None
    # a fact without a grade is counted nowhere
    figures = {standard.id: standard.figure for standard in form.standards}
    assert figures["graded"].asked == 6 and figures["graded"].unanswered == 0
    assert figures["facts"].asked == 0 and form.figure.asked == figures["graded"].asked + figures["conditions"].asked
    assert text_of(pdf).count("Nogradeyet") == sum(
        1 for one in form.questions() if one.asked.is_graded and one.value and not one.value.get("grade")
    )


def test_a_blank_form_asks_in_the_way_of_each_type(world: World, tmp_path: Path) -> None:
    pdf, data = make(world, tmp_path, "blank-form")
    has(
        pdf, "Tick one Yes No", "Tick one Every month Every year", "Tick all that apply Staff Helpers Drivers",
        "from 0 to 500", "hours", "Staff who are trained", "All staff", "Date", "up to 500 characters",
        "Attach the file in the service", "Name Places Since date Checked yes or no Kind By day / By night",
        "from 1 to 5 rows",
    )  # fmt: skip
    form = FormDocument.model_validate_json(data)
    derived = [one for one in form.questions() if one.asked.is_graded and one.type != "grade"]
    assert len(derived) == 5
    assert text_of(pdf).count("Grade:workedoutfromtheanswer.") == len(derived)
    # grades to tick only where a grade is what is asked for
    assert text_of(pdf).count("Grade:tickone") == sum(1 for one in form.questions() if one.type == "grade")
    assert not any(question.facts or question.value for question in form.questions())
    asked = by_id(form)
    assert [choice.key for choice in asked["choices"].asked.choices] == ["staff", "helpers", "drivers"]
    assert (asked["any-number"].asked.least, asked["any-number"].asked.most) == ("0", "")
    assert [column.type for column in asked["table"].asked.columns] == ["text", "number", "date", "yes_no", "choice"]


def test_what_was_signed_shows_facts_and_counts_grades_only(world: World, tmp_path: Path) -> None:
    give_file(world)
    sign(world)
    pdf, data = make(world, tmp_path, "agency-return")
    has(pdf, *SAID, "Answers without a grade", "1 file given as evidence")
    document = AgencyReturnDocument.model_validate_json(data)
    answers = {answer.id: answer for standard in document.standards for answer in standard.answers}
    assert (answers["number"].grade, answers["number"].counts_as) == ("green", "met")
    assert (answers["date"].grade, answers["date"].counts_as) == ("", "")
    assert answers["date"].facts[0].words.day is not None and answers["date"].facts[0].words.day.year == 2003
    assert document.figure.asked == 6 and document.figure.excluded == 0
    assert {answer.id for answer in document.outstanding} == {"plain", "yes-no", "percentage", "choice", "choices"}
    assert "Nograde" not in text_of(pdf)
    # a document as it was written before answers could be facts still fits
    before = json.loads(data)
    for standard in before["standards"]:
        standard["answers"] = [one for one in standard["answers"] if one["type"] == "grade"]
        for one in standard["answers"]:
            for name in ("type", "is_graded", "facts"):
                del one[name]
    old = AgencyReturnDocument.model_validate(before)
    assert old.standards[0].answers[0].is_graded and old.standards[0].answers[0].facts == ()


def test_a_plan_names_the_facts_of_its_gaps(world: World, tmp_path: Path) -> None:
    pdf, data = make(world, tmp_path, "action-plan", draft=True)
    plan = ActionPlan.model_validate_json(data)
    assert {gap.id for gap in plan.gaps} == {"plain", "yes-no", "percentage", "choice", "choices"}
    has(pdf, *(gap.question for gap in plan.gaps), "Every year Low", "Share: 66.7 % Amber")
    (answer,) = (gap.facts for gap in plan.gaps if gap.id == "choice")
    assert answer[0].words.text == "Every year"


def test_facts_stand_in_the_language_of_the_document(world: World, tmp_path: Path) -> None:
    pdf, data = make(world, tmp_path, "draft-return", draft=True, language="cy")
    has(pdf, "1.5 awr", "Staff wedi’u hyfforddi: 2", "3 Ebrill 2003", "3 Chwefror 2001")
    questions = by_id(FormDocument.model_validate_json(data))
    answer = questions["yes-no"].facts[0].words.sentence
    assert answer is not None and answer.msgid == "No"
    blank, _data = make(world, tmp_path, "blank-form", language="cy")
    has(blank, "awr", "Staff wedi’u hyfforddi", "Yr holl staff")
