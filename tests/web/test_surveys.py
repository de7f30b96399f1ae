"""A survey of staff: who gives results and who sees them, that few answers are never shown, and the figures."""

from __future__ import annotations

import io
from collections.abc import Callable
from random import Random

import pytest
from flask.testing import FlaskClient
from obstore.store import MemoryStore
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from app.domain.integrity import hash_of
from app.domain.life import NotPossible
from app.files.store import Store
from app.models import Event, Submission, SurveyResult
from app.operations import sample, surveys
from app.operations.answers import Edit, save_answers
from app.operations.submissions import sign_and_submit
from app.policy import Denied
from app.queries.returns import content_of
from app.queries.rounds import NotFound
from app.queries.surveys import beside_answers, survey_figures
from tests.world import SYSTEM, World, build

HEADS = "agency,statement,asked,answered,agree,disagree,not-for-me"
CODE = "club-1"


@pytest.fixture
def world(session: Session) -> World:
    return build(session, pack_key="every-answer")


def given(*lines: str) -> str:
    return "\n".join([HEADS, *lines]) + "\n"


ENOUGH = given(f"{CODE},yes-no,60,40,10,30,0", f"{CODE},choice,60,9,9,0,0")


def send(client: FlaskClient, path: str, text: str) -> TestResponse:
    boundary, body = encode_multipart({"file": FileStorage(io.BytesIO(text.encode()), "results.csv")})
    return client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def give(world: World, text: str, by: str = "lead-inspector") -> int:
    number = surveys.give_for_round(
        world.write(), world.audit_round.public_id, text, by=world.actor(by), now=world.now
    )
    world.session.commit()
    return number


def shown(world: World, name: str) -> dict[str, int | None]:
    world.session.rollback()
    found = beside_answers(world.session, world.returns[CODE], actor=world.actor(name), now=world.now)
    return {key: one.percent for key, one in found.items()}


def test_an_agency_sees_what_it_gave_at_once_and_what_others_gave_after_it_submitted(world: World) -> None:
    rid = world.returns[CODE].public_id
    own = "statement,asked,answered,agree,disagree,not-for-me\nyes-no,20,20,10,10,0\n"
    assert surveys.give_own(world.write(), rid, own, by=world.actor("lead"), now=world.now) == 1
    world.session.commit()
    assert shown(world, "lead") == {"yes-no": 50}
    # before it submits nobody else reads anything of the agency
    with pytest.raises(Denied):
        shown(world, "inspector")
    give(world, ENOUGH)
    assert shown(world, "lead") == {}
    with pytest.raises(NotPossible):
        surveys.give_own(world.write(), rid, own, by=world.actor("lead"), now=world.now)
    world.session.rollback()
    submit(world)
    assert shown(world, "lead") == shown(world, "inspector") == {"yes-no": 25, "choice": None}
    assert shown(world, "coordinator") == shown(world, "lead")  # this round's submissions are released to areas
    for name in ("outsider", "administrator"):
        with pytest.raises(Denied):
            shown(world, name)
    # where it is checked
    asked = {"now": world.now, "permission": "return.moderate"}
    found = beside_answers(world.session, world.returns[CODE], actor=world.actor("inspector"), **asked)
    assert found["yes-no"].counted == 40
    with pytest.raises(Denied):
        beside_answers(world.session, world.returns[CODE], actor=world.actor("lead"), **asked)


def submit(world: World) -> None:
    """Answer everything of the agency and sign, by the machinery that makes samples."""
    session = world.write()
    audit_return = world.returns[CODE]
    sample._answer(session, audit_return, Random(1), world.now, SYSTEM, Store(MemoryStore()))
    stands = next(item.answer for item in world.work(CODE).items if item.id == "yes-no")
    yes = Edit("yes-no", {"answer": "yes", "basis": "paper"}, stands.version, "yes")
    save_answers(session, audit_return.public_id, [yes], by=SYSTEM, now=world.now)
    sample._answer(session, audit_return, Random(1), world.now, SYSTEM, Store(MemoryStore()))
    sign_and_submit(
        session, audit_return.public_id, by=world.actor("signatory"), now=world.now,
        expected_hash=hash_of(content_of(world.work(CODE))), identity_proved=True,
    )  # fmt: skip
    session.commit()


@pytest.mark.parametrize("name", ["inspector", "outsider", "coordinator", "administrator", "lead"])
def test_only_a_lead_inspector_of_the_round_gives_results_for_it(world: World, name: str) -> None:
    with pytest.raises(NotFound):
        surveys.give_for_round(
            world.write(), world.audit_round.public_id, ENOUGH, by=world.actor(name), now=world.now
        )


@pytest.mark.parametrize("name", ["contributor", "board", "lead-inspector"])
def test_only_the_lead_and_the_signatory_give_the_own_results(world: World, name: str) -> None:
    with pytest.raises(NotFound):
        surveys.give_own(
            world.write(), world.returns[CODE].public_id, ENOUGH, by=world.actor(name), now=world.now
        )


def test_where_a_line_is_wrong_nothing_is_stored(world: World, client_as: Callable[[str], FlaskClient]) -> None:
    give(world, ENOUGH)
    before = world.session.scalar(select(Event.id).order_by(Event.id.desc()).limit(1))
    path = f"/rounds/{world.audit_round.public_id}/survey"
    page = send(client_as("lead-inspector"), path, given(f"{CODE},yes-no,60,40,40,0,0", "x,yes-no,1,1,1,0,0"))
    assert page.status_code == 422
    assert "Line 3: There is no agency “x” here" in page.text
    world.session.rollback()
    assert world.session.scalar(select(SurveyResult.counts).order_by(SurveyResult.id).limit(1))["agree"] == 10
    assert world.session.scalar(select(Event.id).order_by(Event.id.desc()).limit(1)) == before


def test_the_pages_show_staff_beside_the_leadership(world: World, client_as: Callable[[str], FlaskClient]) -> None:
    path = f"/rounds/{world.audit_round.public_id}/survey"
    lead = client_as("lead-inspector")
    assert "has results of a survey yet" in lead.get(path).text
    assert send(lead, path, ENOUGH).status_code == 303
    submit(world)
    page = lead.get(path).text
    assert "25%" in page
    assert "I know who leads on safety here." in page
    assert "Where leadership and staff differ most" in page
    assert world.returns[CODE].agency.name in page
    rid = world.returns[CODE].public_id
    signed_page = lead.get(f"/returns/{rid}/submissions/{sid(world)}").text
    assert "25% agree (10 of 40; 60 were asked)" in signed_page
    assert "Too few answered" in signed_page
    assert "9 of 9" not in signed_page
    own = client_as("lead").get(f"/returns/{rid}/survey").text
    assert "25% agree" in own
    assert "Gave results of a survey of staff for 1 agency." in lead.get(
        f"/rounds/{world.audit_round.public_id}/history"
    ).text
    example = lead.get(f"{path}/example.csv")
    assert example.data.decode("utf-8-sig").strip() == HEADS


def sid(world: World) -> str:
    world.session.rollback()
    return str(world.session.scalar(select(Submission.public_id)))


def test_figures_leave_out_few_answers_and_drafts(world: World) -> None:
    give(world, ENOUGH)

    def figures() -> object:
        world.session.rollback()
        return survey_figures(world.session, world.audit_round, actor=world.actor("inspector"), now=world.now)

    assert figures().lines == ()  # type: ignore[attr-defined]
    submit(world)
    by_id = {line.criterion.id: line for line in figures().lines}  # type: ignore[attr-defined]
    whole, few = by_id["yes-no"], by_id["choice"]
    assert (whole.agencies, whole.few, whole.agree, whole.counted, whole.met, whole.graded) == (1, 0, 10, 40, 1, 1)
    assert (few.agencies, few.few, few.agree, few.counted, few.graded) == (0, 1, 0, 0, 0)
    assert few.percent is None
    assert [(one.number, one.percent) for one in figures().apart] == [(whole.number, 25)]  # type: ignore[attr-defined]
    with pytest.raises(Denied):
        survey_figures(world.session, world.audit_round, actor=world.actor("lead"), now=world.now)
