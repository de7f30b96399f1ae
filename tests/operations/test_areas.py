"""Questions that are asked once for each area of an agency."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.life import NotPossible
from app.models import Area, RollUp, SubmissionAnswer
from app.operations.answers import Edit, save_answers
from app.queries.findings import joint_findings
from app.queries.returns import checklist, submissions, submitted_checklist, values_at, versions
from tests import world as world_module
from tests.operations.test_returns import sign


@pytest.fixture
def world(session: Session) -> world_module.World:
    """A round whose first question is asked about each of two areas."""
    return world_module.build(session, per_area=True)


def save(world: world_module.World, code: str, question: str, raw: dict[str, object], based_on: int = 0):  # type: ignore[no-untyped-def]
    actor = world.actor("lead")
    result = save_answers(
        world.write(), world.returns[code].public_id, [Edit(question, raw, based_on, f"{question}-{based_on}")],
        by=actor, now=world.now,
    )  # fmt: skip
    world.session.commit()
    return result


def test_one_question_for_each_area_and_one_for_all_the_others(world: world_module.World) -> None:
    code = next(iter(world.returns))
    first, second, third = world.work(code).items[:3]
    assert [first.scope_name, second.scope_name, third.scope_name] == ["Lakeland", "Mereland", ""]
    assert first.criterion is second.criterion
    assert first.criterion is not third.criterion
    assert {first.id, second.id} == {
        f"{first.criterion.id}.{key}" for key in world.session.scalars(select(Area.public_id))
    }
    assert second.number.endswith(", Mereland")
    asked = [item for section in world.work(code).sections if not section.standard.optional for item in section.items]
    assert asked[:3] == [first, second, third]
    assert world.work(code).asked == len(asked)


def test_answers_about_two_areas_are_two_answers(world: world_module.World) -> None:
    code = next(iter(world.returns))
    lake, mere = world.work(code).items[:2]
    best, worst = (world_module.complete_answer(lake.scheme, best=flag) for flag in (True, False))
    assert save(world, code, lake.id, best).saved == {lake.id: 1}
    assert save(world, code, mere.id, worst).saved == {mere.id: 1}
    again = {**best, "commentary": "Said again."}
    assert save(world, code, lake.id, again, based_on=1).saved == {lake.id: 2}
    audit_return = world.returns[code]
    assert [row.version for row in versions(world.session, audit_return, lake.id)] == [2, 1]
    assert [row.version for row in versions(world.session, audit_return, mere.id)] == [1]
    before = values_at(world.session, audit_return, {lake.id: 1, mere.id: 1})
    assert before[lake.id]["grade"] == best["grade"]
    assert before[mere.id]["grade"] == worst["grade"]
    counts = {
        row.grade: row.count
        for row in world.session.scalars(select(RollUp).where(RollUp.criterion == lake.criterion.id))
    }
    assert counts == {best["grade"]: 1, worst["grade"]: 1}


def test_an_area_that_is_not_the_agencys_is_refused(world: world_module.World) -> None:
    code = next(iter(world.returns))
    item = world.work(code).items[0]
    answer = world_module.complete_answer(item.scheme)
    for question in (item.criterion.id, f"{item.criterion.id}.elsewhere"):
        with pytest.raises(NotPossible, match="not asked of this area"):
            save(world, code, question, answer)
    other = world.work(code).items[2]
    with pytest.raises(NotPossible, match="not asked of this area"):
        save(world, code, f"{other.id}.{item.scope}", answer)


def test_what_is_signed_names_the_areas(world: world_module.World) -> None:
    code = next(iter(world.returns))
    world.answer(code)
    submission = sign(world, code)
    content = json.loads(submission.content)
    lake, mere = world.work(code).items[:2]
    assert sorted(area["name"] for area in content["areas"]) == ["Lakeland", "Mereland"]
    assert {area["scope"] for area in content["areas"]} == {lake.scope, mere.scope}
    signed = submitted_checklist(submissions(world.session, world.returns[code])[0], world.returns[code])
    assert [item.number for item in signed.items] == [item.number for item in world.work(code).items]
    assert all(item.started for item in signed.items if not item.handler.needs_files)


def test_findings_count_one_answer_for_each_area(world: world_module.World) -> None:
    code = next(iter(world.returns))
    world.answer(code)
    sign(world, code)
    item = world.work(code).items[0]
    found = joint_findings(world.session, world.audit_round, actor=world_module.SYSTEM, now=world.now)
    figure, plain = (
        next(
            one.figure
            for theme in found.themes
            for one in theme.criteria
            if one.id == chosen.criterion.id and one.agency_type == world.returns[code].agency_type
        )
        for chosen in (item, next(one for one in world_module.graded(world.work(code)) if one.scope == ""))
    )
    assert (figure.asked, figure.met, figure.unanswered) == (2, 2, 0)
    assert (plain.asked, plain.met, plain.unanswered) == (1, 1, 0)
    scopes = world.session.scalars(
        select(SubmissionAnswer.scope_key).where(SubmissionAnswer.criterion == item.criterion.id)
    )
    assert len(set(scopes)) == 2


def test_the_page_asks_about_each_area_and_saves_both(
    app: Flask, world: world_module.World, client_as: Callable[[str], FlaskClient]
) -> None:
    code = next(iter(world.returns))
    work = world.work(code)
    lake, mere = work.items[:2]
    address = f"/returns/{world.returns[code].public_id}/standards/{work.sections[0].standard.id}"
    client = client_as("lead")
    page = client.get(address).get_data(as_text=True)
    assert "Lakeland" in page
    assert "Mereland" in page
    answer = world_module.complete_answer(lake.scheme)
    form = {"page_key": "one"}
    for item, words in ((lake, "About the lake."), (mere, "About the mere.")):
        form |= {f"c-{item.id}--{name}": str(value) for name, value in answer.items()}
        form |= {f"c-{item.id}--version": "0", f"c-{item.id}--commentary": words}
    assert client.post(address, data=form).status_code == 303
    world.session.rollback()
    after = checklist(world.session, world.returns[code])
    assert [item.answer.value["commentary"] for item in after.items[:2]] == ["About the lake.", "About the mere."]
    history = client.get(f"/returns/{world.returns[code].public_id}/criteria/{lake.id}/versions")
    assert "About the lake." in history.get_data(as_text=True)
    assert "About the mere." not in history.get_data(as_text=True)
