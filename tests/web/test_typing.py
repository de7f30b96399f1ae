"""Saving in the background: what a page sends as somebody types, what it is told, and how it looks afterwards."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.domain.message import Message
from app.models import Event, SelfAssessmentVersion
from app.operations.rounds import set_dates
from app.queries.returns import Item
from app.web.agency.answering import differences
from app.web.answer_forms import Typed, form_of, name_of
from app.web.questions import Shown, plain_html, question_html, slots
from tests.web.test_agency import filled, good, section_of, words
from tests.world import World

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def code(world: World) -> str:
    """The code of the agency that `lead`, `contributor` and `board` are at."""
    return next(iter(world.returns))


@pytest.fixture
def base(world: World, code: str) -> str:
    """The address of that agency's return."""
    return f"/returns/{world.returns[code].public_id}"


@pytest.fixture
def first(world: World, code: str) -> Item:
    """The first question."""
    return section_of(world, code).items[0]


def send(
    client: FlaskClient, world: World, base: str, who: str, question: str, fields: dict[str, str], based_on: int,
    **more: Any,
) -> TestResponse:  # fmt: skip
    """Save one answer as the page's script does."""
    body = {
        "person": world.people[who].public_id,
        "page_key": more.pop("page_key", "one-page"),
        "answers": {question: {"fields": fields, "based_on": based_on, **more}},
    }
    return client.post(f"{base}/answers", json=body, headers={"Accept": "application/json"})


def versions_of(world: World, question: str) -> list[dict[str, Any]]:
    """The stored values of an answer, in order."""
    world.session.rollback()
    rows = world.session.scalars(
        select(SelfAssessmentVersion)
        .where(SelfAssessmentVersion.criterion == question)
        .order_by(SelfAssessmentVersion.version)
    )
    return [row.value for row in rows]


def test_an_answer_is_saved_and_the_page_is_told_what_changed(
    client_as: SignIn, world: World, base: str, first: Item
) -> None:
    client = client_as("contributor")
    response = send(client, world, base, "contributor", first.id, good(first), 0)
    told = response.get_json()["answers"][first.id]
    assert response.status_code == 200 and told["outcome"] == "saved" and told["version"] == 1
    assert "Finished" in told["parts"]["tag"] and "Last saved by Contributor" in told["parts"]["saved"]
    half = send(client, world, base, "contributor", first.id, {"commentary": "<b>&"}, 1).get_json()["answers"][first.id]
    assert half["version"] == 2 and "Still to do before signing" in half["parts"]["left"]
    assert half["fields"] == {"commentary": "<b>&"}
    # the answer was on its way when the connection broke: sent again it is the same save
    again = send(client, world, base, "contributor", first.id, {"commentary": "<b>&"}, 1).get_json()["answers"]
    assert again[first.id]["version"] == 2 and len(versions_of(world, first.id)) == 2


def test_what_is_wrong_is_told_by_field_and_nothing_is_stored(
    client_as: SignIn, world: World, base: str, first: Item
) -> None:
    fields = {"commentary": "kept on the page", "date_expected-day": "31"}
    told = send(client_as("lead"), world, base, "lead", first.id, fields, 0).get_json()["answers"][first.id]
    assert told["outcome"] == "wrong" and "must have a month" in told["errors"]["date_expected"]
    assert "Not saved" in told["parts"]["tag"] and versions_of(world, first.id) == []


def test_a_conflict_brings_both_texts_and_every_choice_keeps_both(
    client_as: SignIn, world: World, base: str, first: Item
) -> None:
    lead, contributor = client_as("lead"), client_as("contributor")
    send(lead, world, base, "lead", first.id, {"commentary": "what the lead <wrote>"}, 0)
    mine = {"commentary": "what I <wrote>"}
    told = send(contributor, world, base, "contributor", first.id, mine, 0).get_json()["answers"][first.id]
    assert told["outcome"] == "disputed" and told["version"] == 1
    assert told["theirs"] == {"commentary": "what the lead <wrote>"}
    assert told["merged"]["commentary"] == "what I <wrote>\n\nwhat the lead <wrote>"
    assert "<ins>I</ins>" in told["dispute"] and "<del>the lead</del>" in told["dispute"]
    assert "&lt;wrote&gt;" in told["dispute"] and "Saved by Lead" in told["dispute"]

    told = send(
        contributor, world, base, "contributor", first.id, mine, 1, choice="theirs"
    ).get_json()["answers"][first.id]  # fmt: skip
    assert told["outcome"] == "saved" and told["version"] == 3
    assert told["fields"] == {"commentary": "what the lead <wrote>"}
    texts = [value["commentary"] for value in versions_of(world, first.id)]
    assert texts == ["what the lead <wrote>", "what I <wrote>", "what the lead <wrote>"]
    page = words(lead.get(f"{base}/criteria/{first.id}/versions"))
    assert "what I <wrote>" in page and "An earlier version, restored" in page
    told = send(contributor, world, base, "contributor", first.id, mine, 3).get_json()["answers"][first.id]
    assert told["version"] == 4, "keeping mine after all"


def test_who_is_not_there_any_more_is_told_so(
    app: Flask, client_as: SignIn, world: World, base: str, first: Item
) -> None:
    nobody = app.test_client()
    response = send(nobody, world, base, "lead", first.id, {"commentary": "x"}, 0)
    assert response.status_code == 401 and response.get_json()["why"] == "session"
    other = send(client_as("contributor"), world, base, "lead", first.id, {"commentary": "x"}, 0)
    assert other.status_code == 409 and other.get_json()["why"] == "person"
    assert send(client_as("outsider"), world, base, "outsider", first.id, {}, 0).status_code in (403, 404)
    assert send(client_as("board"), world, base, "board", first.id, {}, 0).status_code == 403
    assert versions_of(world, first.id) == []


def test_a_form_token_is_asked_for_and_given_anew(
    app: Flask, client_as: SignIn, world: World, base: str, first: Item
) -> None:
    client = client_as("lead")
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        refused = send(client, world, base, "lead", first.id, {"commentary": "x"}, 0)
        assert refused.status_code == 400 and refused.get_json()["why"] == "token"
        stand = client.get(f"{base}/answers?standard={section_of(world, next(iter(world.returns))).standard.id}")
        told = stand.get_json()
        assert told["person"] == world.people["lead"].public_id and told["answers"][first.id]["version"] == 0
        body = {"person": told["person"], "answers": {first.id: {"fields": {"commentary": "x"}, "based_on": 0}}}
        response = client.post(f"{base}/answers", json=body, headers={"X-CSRFToken": told["token"]})
        assert response.get_json()["answers"][first.id]["outcome"] == "saved"
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_a_closed_round_says_why(client_as: SignIn, world: World, base: str, first: Item) -> None:
    world.write()
    set_dates(world.audit_round, due=world.now - timedelta(days=2), closes=world.now - timedelta(days=1))
    world.session.commit()
    response = send(client_as("lead"), world, base, "lead", first.id, {"commentary": "x"}, 0)
    assert response.status_code == 409 and "closed" in response.get_json()["message"]


@pytest.mark.parametrize(
    "body",
    [
        None, [], "text", {"answers": []}, {"answers": {"x": {}}}, {"answers": {"x": {"fields": {}, "based_on": True}}},
        {"answers": {"x": {"fields": {"commentary": 1}, "based_on": 0}}},
        {"answers": {"x": {"fields": {}, "based_on": -1}}},
        {"answers": {"x": {"fields": {}, "based_on": 0, "type": "no such type"}}},
        {"answers": {str(number): {"fields": {}, "based_on": 0} for number in range(201)}},
    ],
)  # fmt: skip
def test_nonsense_is_refused(client_as: SignIn, base: str, body: Any) -> None:
    response = client_as("lead").post(f"{base}/answers", json=body, headers={"Accept": "application/json"})
    assert response.status_code == 400 and "message" in response.get_json()


def test_an_earlier_version_is_restored_unless_somebody_saved_meanwhile(
    client_as: SignIn, world: World, base: str, first: Item
) -> None:
    lead = client_as("lead")
    for number, text in enumerate(("first words", "second words")):
        send(lead, world, base, "lead", first.id, {"commentary": text}, number)
    address = f"{base}/criteria/{first.id}/versions"
    assert "Compare it with version 1" in words(lead.get(address)) and "Restore version 1" in words(lead.get(address))
    assert "Restore" not in words(client_as("board").get(address))
    page = lead.get(f"{address}/1/restore")
    assert "<ins>first</ins>" in page.text and "<del>second</del>" in page.text
    assert lead.post(f"{address}/1/restore", data={"based_on": "1"}).status_code == 409
    assert lead.get(f"{address}/7/restore").status_code == 404
    assert lead.post(f"{address}/7/restore", data={"based_on": "2"}).status_code == 404
    assert client_as("board").post(f"{address}/1/restore", data={"based_on": "2"}).status_code == 403
    assert len(versions_of(world, first.id)) == 2
    assert lead.post(f"{address}/1/restore", data={"based_on": "2"}).status_code == 303
    texts = [value["commentary"] for value in versions_of(world, first.id)]
    assert texts == ["first words", "second words", "first words"]
    verbs = world.session.scalars(select(Event.verb).where(Event.chain.like("return:%")).order_by(Event.seq)).all()
    assert verbs[-1] == "answer.restored"
    assert "Restored version 1 of an answer." in words(lead.get(f"{base}/history"))


@pytest.mark.parametrize("reason", ["", "because"])
def test_a_kept_question_is_the_same_as_a_plain_one(app: Flask, world: World, code: str, reason: str) -> None:
    """Filling what was kept gives what the template gives, byte for byte, whatever stands in the fields."""
    rng = random.Random(reason)
    world.answer(code, best=False)
    section = section_of(world, code)
    work = world.work(code)
    alphabet = "ab <>&\"'{}%()\n\r\t.é\u2028\U0001f600" + "version-id-text"
    with app.test_request_context("/", headers={"Accept-Language": "en"}):
        for _ in range(40):
            item = rng.choice(section.items)
            form = form_of(item.criterion)
            fields = {name: "".join(rng.choices(alphabet, k=rng.choice((0, 3, 300)))) for name in form.names}
            fields |= {"reason": reason and fields["reason"] + reason, "grade": rng.choice(item.scheme.grades).key}
            shown = Shown(item, Typed("grade", fields, rng.randrange(99)))
            if rng.random() < 0.2:
                shown.errors = {"commentary": Message("Too <b>long</b> & more")}
            values = slots(work, shown, just_saved=rng.random() < 0.3)
            kept = question_html(work, shown, values)
            assert kept == plain_html(work, shown, values)
            assert fields["commentary"].strip() == "" or "<b>long" not in kept


def test_differences_hold_every_word_of_both() -> None:
    mine, theirs = differences("the same <words> and more", "the same words, and less")
    assert mine == "the same <ins>&lt;words&gt;</ins> and <ins>more</ins>"
    assert theirs == "the same <del>words,</del> and <del>less</del>"
    assert differences("a " * 20_000, "b") == ("a " * 20_000, "b"), "too long to compare: both as they are"


def test_the_page_tells_its_script_what_it_needs(client_as: SignIn, world: World, code: str, base: str) -> None:
    section = section_of(world, code)
    address = f"{base}/standards/{section.standard.id}"
    page = client_as("lead").get(address).text
    assert f'data-person="{world.people["lead"].public_id}"' in page and f'data-save-at="{base}/answers"' in page
    assert " data-unsaved" not in page
    form = filled(section, q0={"date_expected-day": "31"})
    response = client_as("lead").post(address, data=form)
    assert response.status_code == 422 and response.text.count(" data-unsaved") == 1
    assert name_of(section.items[0].id, "date_expected-day") in response.text


SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


def test_a_form_that_comes_after_the_session_ended_can_be_sent_again(
    app: Flask, client_as: SignIn, world: World, code: str, base: str
) -> None:
    """Without a script: the page that comes back holds the form; signed in again, sending it saves every word."""
    section = section_of(world, code)
    address = f"{base}/standards/{section.standard.id}"
    text = "An evening's <work>\r\nin two lines & more"
    form = filled(section, q0={"commentary": text})
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        client = app.test_client()
        lost = client.post(address, data=form, headers=SAME_SITE)
        assert lost.status_code == 400 and "sign in" in words(lost).lower()
        for _sent in range(2):  # once without a session again, once signed in
            held = [
                (html.unescape(name), html.unescape(value).lstrip("\n") if area else html.unescape(value))
                for name, value, area in fields_of(lost.text)
            ]
            if _sent:
                with client.session_transaction() as cookie:
                    cookie["_user_id"], cookie["_fresh"] = world.people["lead"].fs_uniquifier, True
                    cookie["fs_cc"] = "set"
            lost = client.post(address, data=dict(held), headers=SAME_SITE)
        assert lost.status_code == 303
        assert versions_of(world, section.items[0].id) == [{"commentary": text.replace("\r\n", "\n")}]
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def fields_of(page: str) -> list[tuple[str, str, bool]]:
    """Name, value as it stands in the page, and whether it is an area of text, of the form that is sent again."""
    main = page.partition("<main")[2]
    inputs = [(*found, False) for found in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', main)]
    areas = [(*found, True) for found in re.findall(r'<textarea name="([^"]*)" hidden>(.*?)</textarea>', main, re.S)]
    return inputs + areas


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}])
def test_another_site_cannot_put_words_into_a_form(app: Flask, base: str, headers: dict[str, str]) -> None:
    response = app.test_client().post(f"{base}/standards/x", data={"c-x--commentary": "their words"}, headers=headers)
    assert response.status_code == 302 and "their words" not in response.text
    secret = {"password": "a password that was sent", "confirm": "yes"}
    response = app.test_client().post(f"{base}/sign", data=secret, headers=SAME_SITE)
    assert response.status_code == 302, "a password is never written into a page"
