"""Invitations, sign-in, one's password, and the pages that anybody may read."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password
from sqlalchemy import select

from app.models import Event, SignInAttempt
from app.web.security import FREE, invitation_token
from tests.world import PASSWORD, World

SignIn = Callable[[str], FlaskClient]
NEW = "four small words together"


def words(response) -> str:  # type: ignore[no-untyped-def]
    """What a page says, without markup."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))))


@pytest.fixture
def invitation(app: Flask, world: World) -> str:
    """The address of the signatory's invitation."""
    with app.app_context():
        return f"/welcome/{invitation_token(world.people['signatory'])}"


@pytest.fixture
def joined(app: Flask, world: World) -> World:
    """The world, with a password for the contributor."""
    with app.app_context():
        password = hash_password(PASSWORD)
    world.write()
    world.people["contributor"].password = password
    world.session.commit()
    return world


def test_an_invitation_is_taken_up_once(app: Flask, world: World, invitation: str) -> None:
    client = app.test_client()
    page = words(client.get(invitation))
    assert "Accountable signatory" in page and "Fictional" in page and "signatory@agency.example" in page
    done = client.post(invitation, data={"password": NEW, "again": NEW})
    assert done.status_code == 303 and done.location == "/"
    assert client.get("/").location.startswith("/returns/"), "they are signed in, and led to their work"
    again = app.test_client().get(invitation)
    assert again.status_code == 404 and "You have set your password already" in words(again)
    other = app.test_client()
    signed_in = other.post("/sign-in", data={"email": "signatory@agency.example", "password": NEW})
    assert signed_in.status_code == 302 and signed_in.location == "/"
    world.session.rollback()
    verbs = world.session.scalars(select(Event.verb).where(Event.chain == "service:people")).all()
    assert "person.joined" in verbs


@pytest.mark.parametrize(
    ("password", "again", "told"),
    [
        ("", "", "Choose a password"),
        ("short", "short", "at least 12 characters"),
        ("signatory@agency.example", "signatory@agency.example", "Your e-mail address is easy to guess"),
        ("aaaaaaaaaaaaaa", "aaaaaaaaaaaaaa", "easy to guess"),
        (NEW, NEW + "!", "The two passwords differ"),
        ("x" * 100_000, "x" * 100_000, "200 characters or fewer"),
    ],
)
def test_a_weak_password_is_told_how_to_mend(
    app: Flask, world: World, invitation: str, password: str, again: str, told: str
) -> None:
    response = app.test_client().post(invitation, data={"password": password, "again": again})
    assert response.status_code == 422 and told in words(response)
    world.session.rollback()
    assert world.people["signatory"].password is None


def test_a_forged_invitation_is_refused(app: Flask, world: World) -> None:
    response = app.test_client().get("/welcome/forged.token.here")
    assert response.status_code == 404 and "This invitation cannot be used" in words(response)


def test_signing_in_leads_to_where_one_wanted(app: Flask, joined: World) -> None:
    rid = next(iter(joined.returns.values())).public_id
    client = app.test_client()
    sent_away = client.get(f"/returns/{rid}/check")
    assert sent_away.status_code == 302 and sent_away.location.startswith("/sign-in?next=")
    assert f'value="/returns/{rid}/check"' in client.get(sent_away.location).get_data(as_text=True)
    form = {"email": "contributor@agency.example", "password": PASSWORD, "next": f"/returns/{rid}/check"}
    assert client.post("/sign-in", data=form).location == f"/returns/{rid}/check"
    elsewhere = app.test_client().post("/sign-in", data={**form, "next": "https://elsewhere.example/"})
    assert "elsewhere" not in elsewhere.headers.get("Location", "")


def test_a_wrong_password_says_so_and_is_slowed_down(app: Flask, joined: World) -> None:
    client = app.test_client()
    form = {"email": "contributor@agency.example", "password": "not the password"}
    page = client.post("/sign-in", data=form)
    assert "The e-mail address or the password is not right" in words(page)
    assert 'value="contributor@agency.example"' in page.get_data(as_text=True)
    unknown = client.post("/sign-in", data={"email": "nobody@agency.example", "password": "not the password"})
    assert "The e-mail address or the password is not right" in words(unknown), (
        "nobody learns who has an account"
    )
    for _number in range(FREE["account"]):
        page = client.post("/sign-in", data=form)
    assert re.search(r"There were too many tries\. Wait \d+ seconds", words(page))
    right = client.post("/sign-in", data={**form, "password": PASSWORD})
    assert "too many tries" in words(right), "guessing goes on being slow when a guess is right"
    joined.session.rollback()
    assert joined.session.scalars(select(SignInAttempt)).all()


def test_a_password_is_changed_and_recorded(app: Flask, joined: World, client_as: SignIn) -> None:
    client = client_as("contributor")
    form = {"password": "wrong", "new_password": NEW, "new_password_confirm": NEW}
    assert "Your present password is not right" in words(client.post("/account/password", data=form))
    form["password"] = PASSWORD
    differs = client.post("/account/password", data={**form, "new_password_confirm": "other"})
    assert "The two new passwords differ" in words(differs)
    assert client.post("/account/password", data=form).status_code == 302
    assert "Your password is changed" in words(client.get("/?all=1"))
    joined.session.rollback()
    last = joined.session.scalars(
        select(Event).where(Event.chain == "service:people").order_by(Event.seq)
    ).all()[-1]
    assert last.verb == "person.password_changed"


def test_signing_out_needs_a_post(app: Flask, joined: World, client_as: SignIn) -> None:
    client = client_as("contributor")
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").status_code == 302
    assert client.get("/").location == "/sign-in"


def test_anybody_may_read_about_the_service(app: Flask, world: World) -> None:
    client = app.test_client()
    assert client.get("/health").get_data(as_text=True) == "ok\n"
    assert "What is stored, and who reads it" in words(client.get("/about"))
    assert "axe-core" in words(client.get("/accessibility"))
    assert client.get("/").location == "/sign-in"
    page = client.get("/no-such-page")
    assert (
        page.status_code == 404 and "Page not found" in words(page) and "Skip to main content" in words(page)
    )
