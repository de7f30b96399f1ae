"""A demonstration of a pack whose questions ask for facts: every type is answered, complete, and the same by seed."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.answers import ANSWER_TYPES
from app.domain.asking import Answer, Asked
from app.domain.demonstration import Answers, Plan, Respondent, chance
from app.domain.templates import Criterion, Pack, Template
from app.models import SelfAssessment, SubmissionAnswer
from app.operations import demonstration
from app.policy import system_actor
from tests.world import pack

DAY = date(2003, 5, 12)
READ: TypeAdapter[Asked] = TypeAdapter(Answer)


def asked(grades: list[str]) -> list[Asked]:
    """Answers of every type but grade and file, graded where a type can be."""
    best, worst = grades[0], grades[-1]
    choices = [{"key": key, "label": key.title()} for key in ("one", "two", "three")]
    bands = [{"at_least": 2, "grade": best}, {"grade": worst}]
    every: list[dict[str, Any]] = [
        {"type": "yes_no", "grades": {"yes": best, "no": worst}},
        {"type": "yes_no"},
        {"type": "number", "most": 90, "bands": [{"at_most": 5, "grade": best}, {"grade": worst}]},
        {"type": "number", "decimals": 2},
        {"type": "percentage", "counted": "Trained", "out_of": "All",
         "bands": [{"at_least": 95, "grade": best}, {"grade": worst}]},
        {"type": "date", "past": True},
        {"type": "choice", "choices": [{**one, "grade": best if one["key"] == "one" else worst} for one in choices]},
        {"type": "choices", "choices": choices, "bands": bands},
        {"type": "text", "longest": 300},
        {"type": "table", "bands": bands, "columns": [
            {"key": "name", "label": "Name", "required": True}, {"key": "places", "label": "Places", "type": "number"},
        ]},
    ]  # fmt: skip
    return [READ.validate_python(one) for one in every]


def anew(chosen: Pack, templates: dict[str, Template]) -> Pack:
    """The pack with other templates, read anew: what a copy remembers is of the old ones."""
    return Pack.from_frozen(chosen.model_copy(update={"templates": templates}).to_frozen())


@pytest.fixture(scope="module")
def with_facts() -> Pack:
    """The pack with a demonstration, in which questions that nothing else rests on ask for facts."""
    chosen = pack("climbie-2003")
    plan = chosen.demonstration or {}
    named = json.dumps([plan["story"], plan["earlier"]["story"], plan["answers"]["circumstances"]])
    templates = {}
    for kind, template in chosen.templates.items():
        looked_at = {c.criterion for placed in template.criteria() for c in placed.criterion.conditions}
        free = [
            placed.criterion.id
            for placed in template.criteria()
            if not placed.criterion.twins and placed.criterion.id not in looked_at
            and f'"{placed.criterion.id}"' not in named
        ]  # fmt: skip
        grades = [one.key for one in chosen.grading_schemes[template.grading].grades if one.counts_as != "excluded"]
        answers = dict(zip(free, asked(grades[:2]), strict=False))
        assert len(answers) >= 5, kind

        def changed(criterion: Criterion, answers: dict[str, Asked] = answers) -> Criterion:
            return criterion.model_copy(update={"answer": answers[criterion.id]} if criterion.id in answers else {})

        templates[kind] = template.model_copy(
            update={
                "standards": tuple(
                    standard.model_copy(update={"criteria": tuple(map(changed, standard.criteria))})
                    for standard in template.standards
                )
            }
        )
    return anew(chosen, templates)


def test_values_of_every_type_can_be_stored_and_signed(with_facts: Pack) -> None:
    plan = Plan.model_validate(with_facts.demonstration)
    answers = Answers(with_facts, plan, 7, milestones_from=DAY)
    seen: Counter[str] = Counter()
    for kind, template in with_facts.templates.items():
        subtype = next(iter(plan.agencies[kind].subtypes), "")
        for placed in template.criteria():
            criterion = placed.criterion
            if criterion.answer.type == "grade":
                continue
            scheme, handler = with_facts.scheme_of(template, criterion), ANSWER_TYPES[criterion.answer.type]
            for number in range(25):
                who = Respondent(f"A{number}", kind, subtype, number)
                value = answers.value(who, template, criterion, chance(number, criterion.id), saved=DAY)
                again = answers.value(who, template, criterion, chance(number, criterion.id), saved=DAY)
                assert value == again
                clean = handler.clean(value, criterion=criterion, scheme=scheme, today=DAY + timedelta(1)).value
                assert clean == value
                assert handler.problems(value, criterion=criterion, scheme=scheme) == ()
                seen[criterion.answer.type] += 1
                seen[f"{criterion.answer.type}:{value.get('grade', '')}"] += 1
    assert {"yes_no", "number", "percentage", "date", "choice", "choices"} <= seen.keys()
    assert len([key for key in seen if key.startswith("yes_no:")]) >= 3  # both grades, and none


def test_files_that_must_be_given_are_refused_with_a_remedy(with_facts: Pack) -> None:
    kind, template = next(iter(with_facts.templates.items()))
    standard = next(one for one in template.standards if not one.optional)
    first = standard.criteria[0].model_copy(update={"answer": READ.validate_python({"type": "file"})})
    standard = standard.model_copy(update={"criteria": (first, *standard.criteria[1:])})
    changed = anew(with_facts, {**with_facts.templates, kind: template.model_copy(update={"standards": (standard,)})})
    mistakes = Plan.model_validate(with_facts.demonstration).mistakes(changed)
    assert any(first.id in one and "make it optional" in one for one in mistakes)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_demonstration_of_it_is_built_and_signed(session: Session, with_facts: Pack) -> None:
    demonstration.build(
        session, pack=with_facts, seed=2003, scale=40, by=system_actor("demonstration"), hash_password=lambda _w: "h"
    )
    session.commit()
    kinds = set(session.scalars(select(SubmissionAnswer.type).distinct()))
    assert {"yes_no", "number", "percentage", "date", "choice"} <= kinds
    stored = session.execute(select(SelfAssessment.type, SelfAssessment.value, SelfAssessment.grade)).all()
    assert all(row.value.get("grade", "") == row.grade for row in stored)
    assert any(row.type == "number" and not row.grade for row in stored)
