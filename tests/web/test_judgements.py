"""The pages of judgements: how a round came out, why a return got its grades, what inspectors enter and decide."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.operations import judgements
from tests.operations.test_judgements import check, submitted, world  # noqa: F401 - a fixture
from tests.operations.test_returns import sign
from tests.world import SYSTEM, World, build

Visit = Callable[[str], FlaskClient]


def words(page: str) -> str:
    """The text of a page, without markup."""
    inside = page[page.index("<main") :]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", inside)).split())


@pytest.fixture
def address(world: World) -> str:  # noqa: F811
    return f"/rounds/{world.audit_round.public_id}/judgements"


def test_a_round_is_judged_from_its_page(world: World, client_as: Visit, address: str) -> None:  # noqa: F811
    empty = client_as("assessor").get(address)
    assert (
        empty.status_code == 200 and "No return is submitted yet" in empty.text and "disabled" in empty.text
    )
    for code in world.returns:
        submitted(world, code, best=code == "nhs-1")
    client = client_as("assessor")
    before = words(client.get(address).text)
    assert "1 submitted return is not judged yet" in before and "Not judged yet" in before
    done = client.post(f"{address}/judge", follow_redirects=True)
    assert "1 return was judged; judgements of 1 changed. 1 waits for a judgement to be entered." in words(
        done.text
    )
    judgements.judge_round(world.write(), world.audit_round.public_id, by=SYSTEM, now=world.now)
    world.session.commit()
    shown = words(client.get(address).text)
    # the whole round jointly as figures, the returns of one's own types by name
    assert "NHS bodies: Child protection arrangements" in shown and "Councils: Children’s services" in shown
    assert "Fictional council one" in shown and "Fictional nhs one" not in shown
    assert "A dedicated inspection of children’s services" in shown


def test_the_list_is_narrowed_and_downloaded(world: World, client_as: Visit, address: str) -> None:  # noqa: F811
    public_id = submitted(world)
    for criterion in ("police-informed-of-crimes", "section-47-trained-workers-only"):
        check(world, public_id, criterion, "none")
    client = client_as("assessor")
    client.post(f"{address}/judge")
    for query, found in (
        ("type=council", True), ("type=council/county", True), ("type=council/unitary", False),
        ("grade=children=some", True), ("grade=children=well", False), ("mark=capped", True), ("mark=differs", True),
        ("mark=overridden", False), ("mark=stale", False), ("mark=waiting", True), ("q=council-1", True),
        ("q=zzz", False), ("mark=nonsense&page=0&page=99999", True), ("grade=children", True),
    ):  # fmt: skip
        page = client.get(f"{address}?{query}")
        assert page.status_code == 200 and ("Fictional council one" in page.text) == found, query
    file = client.get(f"{address}?format=csv")
    lines = list(csv.reader(io.StringIO(file.data.decode("utf-8-sig"))))
    assert [line[4] for line in lines[1:]] == [
        "Child protection services",
        "Children’s services",
        "Capacity for improvement",
        "Place on the two axes",
    ]
    assert lines[2][5:9] == [
        "Serving some people well", "Serving some people well", "Serving people well", "Serving people well",
    ]  # fmt: skip
    assert "limit" not in lines[1][10] and "serve only some people well" in lines[2][10]


def test_a_page_says_in_words_why_a_return_was_judged_so(world: World, client_as: Visit) -> None:  # noqa: F811
    public_id = submitted(world)
    page = f"/returns/{public_id}/judgements"
    client = client_as("assessor")
    assert "This return is not judged yet" in client.get(page).text
    assert "Judged by the rules" in client.post(f"/returns/{public_id}/judge", follow_redirects=True).text
    for criterion in ("police-informed-of-crimes", "section-47-trained-workers-only"):
        check(world, public_id, criterion, "none")
    assert "Something changed since this was judged" in client.get(page).text
    client.post(f"/returns/{public_id}/judge")
    text = client.get(page).text
    shown = words(text)
    assert "2 answers were checked by inspectors" in shown
    assert "Without the cap it would be “Serving people well”." in shown
    assert "Not better than “Serving some people well”: The audit shows" in shown
    assert "The rule that fired, number 3 from the top: At least two fifths of referral" in shown
    assert "failed The police are told of possible crimes" in shown
    assert "2 answers would each lift it by themselves (Children’s services)" in shown
    assert re.search(r"at least 90%: yes", shown) and "own grades: 100%" in shown
    [link, *_more] = re.findall(r'href="(/returns/[^"]+#q-police-informed-of-crimes)"', text)
    answer = client.get(link.split("#")[0])
    assert answer.status_code == 200 and 'id="q-police-informed-of-crimes"' in answer.text
    # what inspectors enter waits for nothing else; what follows from it does
    assert re.findall(r"It waits for: [^.]+", shown) == ["It waits for: Capacity for improvement"]
    assert "no grade yet" in shown


def test_a_judgement_is_entered_with_what_it_rests_on(world: World, client_as: Visit) -> None:  # noqa: F811
    public_id = submitted(world)
    client = client_as("assessor")
    client.post(f"/returns/{public_id}/judge")
    page = f"/returns/{public_id}/judgements/capacity/give"
    assert "Answers" in client.get(page).text or "checklist cannot tell" in client.get(page).text
    for data, problem in (
        ({}, "Choose a grade."), ({"grade": "poor"}, "Say what this judgement rests on"),
        ({"grade": "splendid", "note": "typed words"}, "Choose one of the grades listed."),
        ({"grade": "poor", "note": "x" * 4001}, "shorten it to 4000"),
    ):  # fmt: skip
        again = client.post(page, data=data)
        assert (
            again.status_code == 422
            and problem in unescape(again.text)
            and "There is a problem" in again.text
        )
        assert data.get("note", "") in again.text
    done = client.post(page, data={"grade": "promising", "note": "A funded plan."}, follow_redirects=True)
    assert "Entered." in done.text and "A funded plan." in done.text and "Assessor" in done.text
    assert client.get(f"/returns/{public_id}/judgements/children/give").status_code == 404


def test_another_grade_is_proposed_decided_and_taken_back(world: World, client_as: Visit) -> None:  # noqa: F811
    public_id = submitted(world)
    page = f"/returns/{public_id}/judgements"
    lead, other, assessor = client_as("lead-inspector"), client_as("other-lead"), client_as("assessor")
    lead.post(f"/returns/{public_id}/judge")
    override, decide, back = (f"{page}/children/{name}" for name in ("override", "decide", "take-back"))
    for data, problem in (
        ({}, "Choose a grade."), ({"grade": "well", "reason": "x"}, "The rules give this grade already"),
        ({"grade": "most"}, "Give the reason"),
    ):  # fmt: skip
        again = lead.post(override, data=data)
        assert again.status_code == 422 and problem in unescape(again.text) and "There is a problem" in again.text
    done = lead.post(override, data={"grade": "most", "reason": "Seen at night."}, follow_redirects=True)
    assert (
        "Proposed." in done.text and "Seen at night." in done.text and "Approve or decline" not in done.text
    )
    assert assessor.get(decide).status_code == 403 and "Approve or decline" in other.get(page).text
    assert "You proposed this yourself" in unescape(
        lead.post(decide, data={"decision": "approve", "proposed": "most"}).text
    )
    shown = other.get(decide)
    assert "Seen at night." in shown.text and 'value="most"' in shown.text
    undecided = other.post(decide, data={})
    assert undecided.status_code == 422 and "Choose whether to approve it" in undecided.text
    assert "Say why not" in other.post(decide, data={"decision": "decline"}).text
    done = other.post(decide, data={"decision": "approve", "proposed": "most"}, follow_redirects=True)
    assert "Approved." in done.text and "Overridden" in done.text
    assert "Serving most people well" in words(
        assessor.get(f"/rounds/{world.audit_round.public_id}/judgements").text
    )
    assert "Say why it is taken back" in other.post(back, data={"reason": " "}).text
    done = other.post(back, data={"reason": "Wrong council."}, follow_redirects=True)
    assert "Taken back." in done.text and "Overridden" not in done.text
    lead.post(override, data={"grade": "some", "reason": "Again."})
    done = other.post(decide, data={"decision": "decline", "reason": "No."}, follow_redirects=True)
    assert "Declined." in done.text


def test_agencies_and_other_bodies_learn_nothing(world: World, client_as: Visit, address: str) -> None:  # noqa: F811
    public_id = submitted(world)
    judgements.judge_return(world.write(), public_id, by=SYSTEM, now=world.now)
    world.session.commit()
    for name in ("signatory-council", "signatory", "outsider", "coordinator", "administrator"):
        for path in (
            address,
            f"/returns/{public_id}/judgements",
            f"/returns/{public_id}/judgements/capacity/give",
        ):
            assert client_as(name).get(path).status_code in (403, 404), (name, path)
    # an inspector of another body of the round sees the figures, and no agency that is not theirs
    other = client_as("inspector")
    assert "Fictional council" not in other.get(address).text
    assert other.get(f"/returns/{public_id}/judgements").status_code == 404
    history = client_as("signatory-council").get(f"/returns/{public_id}/history").text
    assert "judged" not in history.lower()


def test_a_partnership_judges_all_its_types(app: Flask, session: Session) -> None:
    made = build_partnership(session)
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"], cookie["fs_cc"] = (
            made.people["inspector"].fs_uniquifier,
            True,
            "set",
        )
    done = client.post(f"/rounds/{made.audit_round.public_id}/judgements/judge", follow_redirects=True)
    shown = words(done.text)
    assert "1 return was judged" in shown and "Safeguarding arrangements: Assured" in shown
    page = words(client.get(f"/returns/{next(iter(made.returns.values())).public_id}/judgements").text)
    assert (
        "The rule that fired, number 1 from the top" in page
        and "passed There is a current safeguarding policy" in page
    )


def build_partnership(session: Session) -> World:
    """A partnership's round with one signed return."""
    made = build(session)
    code = f"{next(iter(made.pack.agency_types))}-1"
    made.answer(code)
    sign(made, code)
    made.returns = {code: made.returns[code]}
    return made
