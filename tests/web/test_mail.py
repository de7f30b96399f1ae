"""What to receive, a forgotten password, and the administrator's outbox."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password, verify_password
from sqlalchemy import select

from app.domain.message import Message
from app.models import Event, MailPreference, OutboxMessage, Setting, SignInAttempt
from app.operations import links, mail
from app.web.security import ASKED_FREE
from tests.web.test_account import NEW, words
from tests.world import NOW, PASSWORD, World

SignIn = Callable[[str], FlaskClient]
FORM = {"password": NEW, "again": NEW}


@pytest.fixture
def sending(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service with a mail server; nothing in these tests sends."""
    settings = replace(app.config["CANDOUR"], smtp_url="smtp://mail.example", mail_from="candour@service.example")
    monkeypatch.setitem(app.config, "CANDOUR", settings)


@pytest.fixture
def joined(app: Flask, world: World) -> Iterator[World]:
    """The world with an empty outbox, and a password for the contributor."""
    with app.app_context():
        password = hash_password(PASSWORD)
    world.write().execute(sa.delete(OutboxMessage))
    world.people["contributor"].password = password
    world.session.commit()
    yield world


def stored(world: World) -> list[OutboxMessage]:
    """The outbox."""
    world.session.rollback()
    world.session.expire_all()
    return list(world.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


# --- what to receive -------------------------------------------------------------------------------------------------


def test_somebody_chooses_what_to_receive(app: Flask, joined: World, client_as: SignIn) -> None:
    client = client_as("contributor")
    page = client.get("/account/mail")
    assert "contributor@agency.example" in words(page) and "does not send e-mails at present" in words(page)
    boxes = re.findall(r'<input class="govuk-checkboxes__input"[^>]*>', page.text)
    offered = set(mail.KINDS) - set(mail.ALWAYS_SENT) - {"check", "draft"}
    assert len(boxes) == len(offered) and all(" checked" in box for box in boxes)
    kinds = ["reminder", "receipt", "password", "nonsense"]
    done = client.post("/account/mail", data={"kinds": kinds, "language": "cy"})
    assert done.status_code == 303
    joined.session.rollback()
    joined.session.expire_all()
    refused = set(joined.session.scalars(select(MailPreference.kind).where(~MailPreference.wanted)))
    assert refused == offered - {"reminder", "receipt"}
    assert joined.people["contributor"].language == "cy"
    page = client.get("/account/mail")
    assert '<html lang="cy"' in page.text
    assert len(re.findall(r'name="kinds"[^>]* checked', page.text)) == 2
    assert re.search(r'id="language-cy"[^>]*value="cy" checked', page.text)
    verbs = joined.session.scalars(select(Event.verb).where(Event.chain == "service:people")).all()
    assert "person.mails_chosen" in verbs


def test_inspectors_choose_among_what_inspectors_get(joined: World, client_as: SignIn) -> None:
    client = client_as("inspector")
    page = client.get("/account/mail")
    assert re.findall(r'name="kinds" type="checkbox" value="(\w+)" checked', page.text) == ["query", "check", "draft"]
    client.post("/account/mail", data={"kinds": ["query"], "language": "en"})
    joined.session.rollback()
    refused = joined.session.scalars(select(MailPreference.kind).where(~MailPreference.wanted)).all()
    assert sorted(refused) == ["check", "draft"]
    page = client_as("administrator").get("/account/mail")
    assert re.findall(r'name="kinds" type="checkbox" value="(\w+)" checked', page.text) == ["draft"]


def test_who_is_at_no_agency_keeps_what_is_not_offered(joined: World, client_as: SignIn) -> None:
    client = client_as("coordinator")
    page = client.get("/account/mail")
    assert 'name="kinds"' not in page.text and "Always sent" in words(page)
    assert client.post("/account/mail", data={"language": "en"}).status_code == 303
    joined.session.rollback()
    assert joined.session.scalars(select(MailPreference)).all() == []


def test_everybody_finds_the_page_and_nobody_who_is_not_signed_in(app: Flask, joined: World, client_as: SignIn) -> None:
    assert 'href="/account/mail"' in client_as("board").get("/?all=1").text
    assert "/sign-in" in app.test_client().get("/account/mail").location


# --- a forgotten password --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("sending")
def test_a_forgotten_password_is_replaced_by_a_link(app: Flask, joined: World, client_as: SignIn) -> None:
    person = joined.people["contributor"]
    elsewhere = client_as("contributor")
    assert elsewhere.get("/account/mail").status_code == 200
    client = app.test_client()
    assert 'href="/forgotten-password"' in client.get("/sign-in").text
    asked = client.post("/forgotten-password", data={"email": " Contributor@agency.example "})
    assert asked.status_code == 303 and "is on its way to it" in words(client.get(asked.location))
    (message,) = stored(joined)
    assert (message.kind, message.address) == ("password", "contributor@agency.example")
    token = links.make(joined.write(), person, "password", now=NOW)
    joined.session.commit()
    for _ in range(2):  # a scanner of mails opens it first
        page = app.test_client().get(f"/new-password/{token}")
        assert page.status_code == 200 and "contributor@agency.example" in words(page)
    short = client.post(f"/new-password/{token}", data={"password": "short", "again": "short"})
    assert short.status_code == 422 and "at least 12 characters" in words(short) and 'href="#password"' in short.text
    done = client.post(f"/new-password/{token}", data=FORM)
    assert done.status_code == 303 and done.location.startswith("/sign-in?email=")
    assert "Your new password is set" in words(client.get(done.location))
    joined.session.rollback()
    joined.session.expire_all()
    with app.app_context():
        assert verify_password(NEW, person.password)
    assert "/sign-in" in elsewhere.get("/account/mail").location, "other sign-ins end"
    again = client.post(f"/new-password/{token}", data=FORM)
    assert again.status_code == 404 and "each link works once" in words(again)
    assert stored(joined)[-1].subject == "Your password was changed"
    signed_in = client.post("/sign-in", data={"email": "contributor@agency.example", "password": NEW})
    assert signed_in.status_code == 302


@pytest.mark.usefixtures("sending")
def test_the_answer_does_not_tell_who_has_an_account(app: Flask, joined: World) -> None:
    joined.write()
    joined.people["lead"].active = False
    joined.session.commit()
    answers = []
    for name in ("contributor", "nobody", "lead", "signatory"):
        done = app.test_client().post("/forgotten-password", data={"email": f"{name}@agency.example"})
        answers.append((done.status_code, done.location, done.get_data()))
    assert len(set(answers)) == 1
    kinds = {one.address.split("@")[0]: one.kind for one in stored(joined)}
    assert kinds == {"contributor": "password", "signatory": "sign_in_link"}
    (_password, invitation) = stored(joined)
    assert mail.INVITATION in invitation.body, "who has not joined is invited anew"


@pytest.mark.usefixtures("sending")
def test_asking_is_throttled_by_account_in_silence_and_by_address_aloud(app: Flask, joined: World) -> None:
    client = app.test_client()
    for _ in range(ASKED_FREE["forgot"] + 2):
        assert client.post("/forgotten-password", data={"email": "contributor@agency.example"}).status_code == 303
    assert len(stored(joined)) == ASKED_FREE["forgot"]
    statuses = [
        client.post("/forgotten-password", data={"email": f"person-{number}@agency.example"}).status_code
        for number in range(ASKED_FREE["forgot-by"])
    ]
    assert statuses[0] == 303 and statuses[-1] == 422
    page = client.post("/forgotten-password", data={"email": "other@agency.example"})
    assert "Wait a quarter of an hour" in words(page) and 'value="other@agency.example"' in page.text
    joined.write().execute(sa.update(SignInAttempt).values(at=SignInAttempt.__table__.c.at))
    rows = joined.session.scalars(select(SignInAttempt)).all()
    for row in rows:
        row.at -= timedelta(minutes=16)
    joined.session.commit()
    assert client.post("/forgotten-password", data={"email": "contributor@agency.example"}).status_code == 303
    assert len(stored(joined)) == ASKED_FREE["forgot"] + 1


@pytest.mark.usefixtures("sending")
@pytest.mark.parametrize("email", ["", "nobody", "a b@c.example", "x" * 400 + "@agency.example"])
def test_what_is_no_address_is_told_so(app: Flask, joined: World, email: str) -> None:
    page = app.test_client().post("/forgotten-password", data={"email": email})
    assert page.status_code == 422 and 'href="#email"' in page.text and "Enter an e-mail address like" in words(page)


def test_without_mail_the_administrator_helps(app: Flask, joined: World) -> None:
    client = app.test_client()
    assert "/forgotten-password" not in client.get("/sign-in").text
    page = client.post("/forgotten-password", data={"email": "contributor@agency.example"})
    assert page.status_code == 200 and "Ask its administrator for a new invitation" in words(page)
    assert stored(joined) == []


def test_links_that_are_forged_too_old_or_for_something_else_let_nobody_in(app: Flask, joined: World) -> None:
    person = joined.people["contributor"]
    old = links.make(joined.write(), person, "password", now=NOW - timedelta(days=1))
    other = links.make(joined.session, person, "sign_in", now=NOW)
    joined.session.commit()
    for token in (old, other, "forged", "%F0%9F%92%A9"):
        for response in (
            app.test_client().get(f"/new-password/{token}"),
            app.test_client().post(f"/new-password/{token}", data=FORM),
        ):
            assert response.status_code == 404 and "This link cannot be used" in words(response)
    joined.session.rollback()
    with app.app_context():
        assert verify_password(PASSWORD, person.password)


# --- the outbox ------------------------------------------------------------------------------------------------------


def write(world: World, name: str, key: str, **more: Any) -> OutboxMessage:
    """Put a message into the outbox."""
    given: dict[str, Any] = {"kind": "nudge", "link": mail.page("/here"), "subject": Message("For you"), **more}
    mail.queue(
        world.write(), to=world.people[name], body=[Message("<b>Words</b>")], dedupe_key=key, now=NOW, **given
    )
    world.session.commit()
    return stored(world)[-1]


def test_an_administrator_sees_what_waits_and_what_was_refused(joined: World, client_as: SignIn) -> None:
    admin = client_as("administrator")
    assert "No e-mail has been written yet" in words(admin.get("/admin/mail"))
    waiting, refused = write(joined, "lead", "1"), write(joined, "contributor", "2")
    joined.write()
    refused.state, refused.error, refused.attempts = "failed", "550 no such person", 1
    joined.session.commit()
    start = words(admin.get("/admin"))
    assert "1 was refused" in start
    page = words(admin.get("/admin/mail"))
    assert "No mail server is set up" in page and "550 no such person" in page
    narrowed = words(admin.get("/admin/mail?state=waiting&q=LEAD"))
    assert "lead@agency.example" in narrowed and "contributor@agency.example" not in narrowed
    assert "No e-mail matches" in words(admin.get("/admin/mail?q=%25nobody"))
    one = admin.get(f"/admin/mail/{waiting.public_id}")
    assert "&lt;b&gt;Words&lt;/b&gt;" in one.text and "http://127.0.0.1:8000/here" in one.text
    assert admin.get("/admin/mail/no-such-message").status_code == 404
    assert client_as("lead-inspector").get(f"/admin/mail/{waiting.public_id}").status_code == 403


def test_what_was_refused_is_tried_again(joined: World, client_as: SignIn) -> None:
    admin = client_as("administrator")
    first, second, sent = (write(joined, "lead", key) for key in "abc")
    joined.write()
    for one in (first, second):
        one.state, one.error = "failed", "550"
    sent.state, sent.sent_at = "sent", NOW
    joined.session.commit()
    assert admin.post(f"/admin/mail/{first.public_id}/retry").status_code == 303
    assert [one.state for one in stored(joined)] == ["waiting", "failed", "sent"]
    again = admin.post(f"/admin/mail/{sent.public_id}/retry")
    assert again.status_code == 422 and "has been sent already" in words(again)
    done = admin.post("/admin/mail/retry")
    assert done.status_code == 303 and "1 e-mail is tried again now" in words(admin.get(done.location))
    assert [one.state for one in stored(joined)] == ["waiting", "waiting", "sent"]
    verbs = joined.session.scalars(select(Event.verb).where(Event.chain == "service:mail").order_by(Event.seq)).all()
    assert verbs == ["mail.retried", "mail.all_retried"]


def test_without_a_mail_server_a_link_is_handed_out_and_that_is_recorded(
    app: Flask, joined: World, client_as: SignIn
) -> None:
    admin = client_as("administrator")
    message = write(joined, "lead", "1", kind="invitation", link=mail.INVITATION)
    address = f"/admin/mail/{message.public_id}"
    page = admin.get(address)
    assert "/welcome/" not in page.text and "[a link that is made for this person" in words(page)
    shown = admin.post(f"{address}/link")
    link = re.search(r'value="http://localhost(/welcome/[^\s<"]+)"', shown.text)
    assert link and "Link for Lead" in words(shown)
    assert "lead@agency.example" in app.test_client().get(link[1]).text
    joined.session.rollback()
    event = joined.session.scalars(select(Event).where(Event.verb == "mail.link_shown")).one()
    assert event.data["person"] == joined.people["lead"].public_id and event.actor.startswith("person:")
    assert stored(joined)[0].body == message.body


def test_no_administrator_reads_a_link_to_somebody_elses_password(joined: World, client_as: SignIn) -> None:
    admin = client_as("administrator")
    message = write(joined, "contributor", "1", kind="password", link=mail.PASSWORD)
    assert "Show the link" not in admin.get(f"/admin/mail/{message.public_id}").text
    refused = admin.post(f"/admin/mail/{message.public_id}/link")
    assert refused.status_code == 422 and "goes to its owner only" in words(refused)
    plain = write(joined, "contributor", "2")
    assert "There is no such link" in words(admin.post(f"/admin/mail/{plain.public_id}/link"))


@pytest.mark.usefixtures("sending")
def test_where_mail_is_sent_nobody_sees_the_links(joined: World, client_as: SignIn) -> None:
    admin = client_as("administrator")
    message = write(joined, "lead", "1", kind="invitation", link=mail.INVITATION)
    assert "Show the link" not in admin.get(f"/admin/mail/{message.public_id}").text
    assert admin.post(f"/admin/mail/{message.public_id}/link").status_code == 422
    joined.session.rollback()
    assert not joined.session.scalars(select(Event).where(Event.verb == "mail.link_shown")).all()


@pytest.mark.usefixtures("sending")
def test_a_demonstration_says_that_it_sends_nothing(app: Flask, joined: World, client_as: SignIn) -> None:
    joined.write().add(Setting(key="demonstration", value={"accounts": [], "password": "x", "note": ""}))
    joined.session.commit()
    write(joined, "lead", "1")
    assert "its e-mails are never sent" in words(client_as("administrator").get("/admin/mail"))
    assert "/forgotten-password" not in app.test_client().get("/sign-in").text
