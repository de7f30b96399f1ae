"""The pages of follow-up: the table, the agencies behind a number, one agency, monitoring, requests for progress."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.models import AuditReturn, Monitoring, RecommendationStatus, Thread
from app.operations import actions, agencies, rounds
from app.operations.submissions import reopen
from tests import world as world_module
from tests.operations.test_returns import sign
from tests.world import SYSTEM, World

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CODE = "nhs-1"
DAY = {"due-day": "30", "due-month": "6", "due-year": "2003"}
Client = Callable[[str], FlaskClient]


@pytest.fixture
def world(session: Session) -> Iterator[World]:
    """A round of the pack whose questions cite recommendations; one agency has submitted the worst answers."""
    found = world_module.build(session, pack_key="climbie-2003")
    found.answer(CODE, best=False)
    sign(found, CODE)
    return found  # type: ignore[return-value]


@pytest.fixture
def rid(world: World) -> str:
    return world.audit_round.public_id


@pytest.fixture
def ret(world: World) -> str:
    return world.returns[CODE].public_id


def rows(world: World, what: type) -> list:  # type: ignore[type-arg]
    world.session.rollback()
    return list(world.session.scalars(select(what)))


def test_the_table_leads_to_the_agencies_behind_a_number(client_as: Client, rid: str, ret: str) -> None:
    client = client_as("inspector")
    page = client.get(f"/rounds/{rid}/follow-up")
    assert page.status_code == 200
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/rounds/[^"]+state=unlikely[^"]*)"', page.text)]
    behind = client.get(links[0])
    assert behind.status_code == 200 and "Fictional nhs one" in behind.text
    assert f"/returns/{ret}/follow-up" in behind.text
    for kind in ("police", "council"):
        assert f"Fictional {kind} one" not in page.text + behind.text
    assert "Follow-up" in client.get(f"/rounds/{rid}").text


def test_filters_narrow_and_files_can_be_had(client_as: Client, rid: str) -> None:
    client = client_as("inspector")
    narrowed = client.get(f"/rounds/{rid}/follow-up?milestone=3-months&type=nhs")
    assert narrowed.status_code == 200
    assert client.get(f"/rounds/{rid}/follow-up?type=police").status_code == 200
    table = client.get(f"/rounds/{rid}/follow-up?format=csv").get_data(as_text=True)
    assert len(table.splitlines()) > 10 and "Victoria Climbié" in table
    lines = client.get(f"/rounds/{rid}/follow-up/agencies?format=csv").get_data(as_text=True)
    assert "Fictional nhs one" in lines and "Fictional police one" not in lines
    assert client.get(f"/rounds/{rid}/follow-up/agencies?state=met").status_code == 200
    assert client.get(f"/rounds/{rid}/follow-up/agencies?state=nonsense&recommendation=x").status_code == 200


def test_an_inspectors_word_stands_beside_what_follows(
    client_as: Client, world: World, ret: str
) -> None:
    client = client_as("inspector")
    page = client.get(f"/returns/{ret}/follow-up")
    key = re.search(r'name="recommendation" value="([^"]+)"', page.text)[1]  # type: ignore[index]
    refused = client.post(f"/returns/{ret}/follow-up/word", data={"recommendation": key, "state": "met", "note": " "})
    assert refused.status_code == 422 and "Say what this rests on" in refused.text
    assert rows(world, RecommendationStatus) == []
    client.post(
        f"/returns/{ret}/follow-up/word", data={"recommendation": key, "state": "met", "note": "Seen on a visit"}
    )
    after = client.get(f"/returns/{ret}/follow-up").text
    assert "Seen on a visit" in after and len(rows(world, RecommendationStatus)) == 1
    client.post(f"/returns/{ret}/follow-up/word", data={"recommendation": key, "take_back": "1"})
    assert rows(world, RecommendationStatus) == []


def test_monitoring_from_the_proposals_to_clearing(client_as: Client, world: World, rid: str, ret: str) -> None:
    client = client_as("inspector")
    assert f'value="{ret}"' in client.get(f"/rounds/{rid}/monitoring").text  # proposed
    form = client.get(f"/rounds/{rid}/monitoring/add?ret={ret}")
    assert "Fictional nhs one" in form.text
    refused = client.post(f"/rounds/{rid}/monitoring/add", data={"ret": ret, "reason": ""})
    assert refused.status_code == 422 and "Say why they are monitored" in refused.text
    client.post(f"/rounds/{rid}/monitoring/add", data={"ret": ret, "reason": "No dates at all"})
    listed = client.get(f"/rounds/{rid}/monitoring").text
    assert "No dates at all" in listed and f'value="{ret}"' not in listed
    (row,) = rows(world, Monitoring)
    at = f"/returns/{ret}/monitoring/{row.public_id}"
    assert client.get(at).status_code == 200
    assert client.post(at, data={"reason": ""}).status_code == 422
    assert client.post(at, data={"act": "review", "review-day": "40"}).status_code == 422
    client.post(
        at, data={"act": "review", "review-day": "1", "review-month": "7", "review-year": "2003"}
    )
    assert "1 July 2003" in client.get(f"/rounds/{rid}/monitoring").text
    client.post(at, data={"reason": "Dates were given"})
    assert "Dates were given" in client.get(f"/rounds/{rid}/monitoring").text
    assert "No dates at all" in client.get(f"/rounds/{rid}/monitoring?format=csv").get_data(as_text=True)


def test_a_request_for_progress_goes_there_and_back(client_as: Client, world: World, rid: str, ret: str) -> None:
    inspector, lead = client_as("inspector"), client_as("lead")
    assert "Fictional nhs one" in inspector.get(f"/rounds/{rid}/progress/ask?ret={ret}").text
    refused = inspector.post(f"/rounds/{rid}/progress/ask", data={"ret": ret, "subject": "S", "text": "KEPT-WORDS"})
    assert refused.status_code == 422 and "KEPT-WORDS" in refused.text and 'href="#due-day"' in refused.text
    inspector.post(f"/rounds/{rid}/progress/ask", data={"ret": ret, "subject": "How far?", "text": "Tell us", **DAY})
    (thread,) = rows(world, Thread)
    at = f"/returns/{ret}/progress/{thread.public_id}"
    assert "waits for your answer" in lead.get(f"/returns/{ret}/").text
    assert at in lead.get(f"/returns/{ret}/progress").text
    assert "Tell us" in lead.get(at).text
    assert lead.post(f"{at}/answer", data={"text": ""}).status_code == 422
    assert lead.post(f"{at}/answer", data={"text": "Half of it"}).status_code == 303
    assert "Half of it" in inspector.get(at).text
    assert "Answered" in inspector.get(f"/rounds/{rid}/progress?state=answered").text
    assert inspector.post(f"{at}/act", data={"act": "ask", "text": ""}).status_code == 422
    assert inspector.post(f"{at}/act", data={"act": "ask", "text": "And then?"}).status_code == 303
    assert inspector.post(f"{at}/act", data={"act": "close"}).status_code == 303
    assert lead.post(f"{at}/answer", data={"text": "Too late"}).status_code in (409, 422)
    assert "How far?" in inspector.get(f"/rounds/{rid}/progress?format=csv").get_data(as_text=True)
    assert "request for progress" in lead.get(f"/returns/{ret}/history").text


@pytest.fixture
def plan(world: World) -> dict[str, str]:
    """The words of two signed actions of the agency, each to its public id."""
    world.session.rollback()
    rid, actor = world.returns[CODE].public_id, world.actor("lead")
    question = world.work(CODE).items[0].id
    reopen(world.write(), rid, reason="An action was missing.", by=world.actor("lead-inspector"), now=world.now)
    made = {
        what: actions.plan_action(
            world.session, rid, question, actions.Typed(what), by=actor, now=world.now
        ).public_id
        for what in ("Train everybody", "Write it down")
    }
    world.session.commit()
    sign(world, CODE)
    return made


def ticked(page: str, name: str) -> set[str]:
    """The values of the boxes with this name that are ticked."""
    boxes = re.findall(rf'<input[^>]*name="{name}" type="checkbox"[^>]*>', page)
    return {re.search(r'value="([^"]*)"', box)[1] for box in boxes if " checked" in box}  # type: ignore[index]


def boxes(page: str, name: str) -> set[str]:
    """The values of all boxes with this name. Each has a label of its own."""
    found = re.findall(rf'<input[^>]*id="([^"]+)" name="{name}" type="checkbox" value="([^"]*)"', page)
    for box, _value in found:
        assert len(re.findall(rf'<label[^>]*for="{box}"', page)) == 1, box
    return {value for _box, value in found}


def test_single_actions_are_ticked_and_asked_about(
    client_as: Client, world: World, plan: dict[str, str], rid: str, ret: str
) -> None:
    inspector, address = client_as("inspector"), f"/rounds/{rid}/progress/ask"
    page = inspector.get(f"{address}?ret={ret}").text
    assert boxes(page, "action") == set(plan.values()) and ticked(page, "action") == set()
    cited = sorted(boxes(page, "recommendation"))
    kept = plan["Train everybody"]
    form = {"ret": ret, "subject": "How far?", "text": "Tell us", "action": [kept], "recommendation": cited[:1]}
    refused = inspector.post(address, data=form)  # no day
    assert refused.status_code == 422
    assert ticked(refused.text, "action") == {kept} and ticked(refused.text, "recommendation") == set(cited[:1])
    assert rows(world, Thread) == []
    many = inspector.post(address, data=form | DAY | {"recommendation": cited[:5]})
    assert many.status_code == 422 and "or fewer, or none to ask about the whole plan" in many.text
    assert inspector.post(address, data=form | DAY | {"recommendation": []}).status_code == 303
    (thread,) = rows(world, Thread)
    page = client_as("lead").get(f"/returns/{ret}/progress/{thread.public_id}").text
    assert "About single actions of the plan, below." in page
    assert "Train everybody" in page and "Write it down" not in page


def test_no_single_actions_are_offered_where_several_agencies_are_asked(
    client_as: Client, world: World, plan: dict[str, str], rid: str, ret: str
) -> None:
    session = world.write()
    text = "code,name,type,subtype,areas\nnhs-2,Fictional nhs two,nhs,acute-trust,\n"
    made = agencies.import_csv(session, text, world.pack.agency_types, by=SYSTEM, now=world.now)
    added = rounds.add_agencies(session, rid, [made[0].public_id], by=SYSTEM, now=world.now)
    assert added
    second = session.scalars(select(AuditReturn).where(AuditReturn.agency_id == made[0].id)).one()
    session.execute(
        update(AuditReturn).where(AuditReturn.id == second.id).values(stage="submitted", submitted_at=world.now)
    )
    session.commit()
    page = client_as("inspector").get(f"/rounds/{rid}/progress/ask?ret={ret}&ret={second.public_id}").text
    assert boxes(page, "ret") == {ret, second.public_id} and boxes(page, "recommendation")
    assert boxes(page, "action") == set() and "Train everybody" not in page


PRIVATE = ("/rounds/{rid}/follow-up", "/rounds/{rid}/follow-up/agencies", "/rounds/{rid}/monitoring",
           "/rounds/{rid}/progress", "/returns/{ret}/follow-up")  # fmt: skip


@pytest.mark.parametrize(
    "name", ["signatory", "lead", "board", "signatory-police", "coordinator", "outsider", "administrator"]
)
def test_nobody_else_reads_what_the_oversight_body_says_among_itself(
    client_as: Client, world: World, rid: str, ret: str, name: str
) -> None:
    inspector = client_as("inspector")
    inspector.post(f"/rounds/{rid}/monitoring/add", data={"ret": ret, "reason": "SECRET-REASON"})
    page = inspector.get(f"/returns/{ret}/follow-up").text
    key = re.search(r'name="recommendation" value="([^"]+)"', page)[1]  # type: ignore[index]
    inspector.post(
        f"/returns/{ret}/follow-up/word", data={"recommendation": key, "state": "overdue", "note": "SECRET-NOTE"}
    )
    client = client_as(name)
    for path in PRIVATE:
        answer = client.get(path.format(rid=rid, ret=ret))
        assert answer.status_code in (403, 404), path
        assert "SECRET" not in answer.text
    for path in (f"/returns/{ret}/", f"/returns/{ret}/history", f"/returns/{ret}/progress", f"/returns/{ret}/receipt"):
        assert "SECRET" not in client.get(path, follow_redirects=True).text


def test_another_agency_and_another_inspectorate_read_no_request(
    client_as: Client, world: World, rid: str, ret: str
) -> None:
    client_as("inspector").post(
        f"/rounds/{rid}/progress/ask", data={"ret": ret, "subject": "How far?", "text": "Tell us", **DAY}
    )
    (thread,) = rows(world, Thread)
    for name in ("signatory-police", "coordinator", "outsider", "administrator"):
        client = client_as(name)
        for path in (f"/returns/{ret}/progress", f"/returns/{ret}/progress/{thread.public_id}"):
            assert client.get(path).status_code in (403, 404)
    # the same request under the address of another return
    other = world.returns["police-1"].public_id
    for name in ("signatory-police", "inspector"):
        assert client_as(name).get(f"/returns/{other}/progress/{thread.public_id}").status_code == 404
