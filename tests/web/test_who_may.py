"""Every route, every person, somebody else's things: refused as if they did not exist, and nothing changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import Area, Event, OversightBody, RoundTemplate, User
from app.operations import people
from app.web.permissions import permissions_of
from tests.world import SYSTEM, World

PEOPLE = [
    "signatory", "lead", "contributor", "board", "lead-inspector", "inspector", "outsider", "coordinator",
    "administrator", "anonymous", "peer", "other-type", "other-type-lead",
]  # fmt: skip
# everybody asks on SQLite; on PostgreSQL too, one of each kind that asks another question of the database
ON_BOTH = {"signatory", "peer", "other-type-lead", "lead-inspector"}
PUBLIC = {"public.read"}

# what inspectors, and lead inspectors besides, may do with a return of their types that is not submitted, and the round
OF_INSPECTORS = {
    "figures.read", "findings.make", "findings.read", "follow_up.read", "judgement.read", "moderation.read",
    "peers.read", "queries.read", "release.read", "return.extend", "return.history", "return.merge", "return.nil",
    "return.reopen", "round.chase", "round.judge", "round.read", "sample.read", "search.use", "example.mark",
    "gallery.read", "letter.read", "draft.use", "composing.read", "composing.edit",
}  # fmt: skip
OF_LEADS = {
    "batch.make", "disclosure.read", "moderation.lead", "peers.assign", "release.publish", "round.close",
    "round.create", "round.edit", "sample.draw", "survey.give", "composing.sign_off",
}  # fmt: skip
# of those, what is about a round and not about one return
OF_THE_ROUND = {
    one for one in OF_INSPECTORS | OF_LEADS if not one.startswith("return.") and one != "disclosure.read"
}


def filled(app: Flask, world: World, code: str) -> list[tuple[str, str, str]]:
    """(method, path, permission) of every route, about the return of an agency and the round it is in."""
    audit_return = world.returns[code]
    section = world.work(code).sections[0]
    values = {
        "standard": section.standard.id, "criterion": section.items[0].criterion.id, "sid": "no-such-submission",
        "ret": audit_return.public_id, "agency_type": audit_return.agency_type, "run": "no-such-run",
        "form": "docx",
        "mid": "no-such-message", "iid": "no-such-import",
        "eid": "no-such-evidence", "number": 1, "sha256": "no-such-content",
        "version": 1, "token": "no-such-token", "filename": "nothing.css",
        "person": "no-such-person", "thread": "no-such-thread", "tid": "no-such-thread",
        "post": "no-such-post", "key": "no-such-judgement",
    }  # fmt: skip
    area = world.session.scalars(select(Area.public_id)).one()
    found = []
    for rule in app.url_map.iter_rules():
        about_round = rule.rule.startswith("/rounds/")
        own = values | {
            "rid": world.audit_round.public_id if about_round else audit_return.public_id,
            "aid": area if rule.rule.startswith("/areas/") else "no-such-appointment",
        }
        named = {name: own.get(name, f"no-such-{name}") for name in rule.arguments}
        path = app.url_map.bind("localhost").build(rule.endpoint, named)
        for method, permission in permissions_of(app, rule.endpoint).items():
            if method in (rule.methods or ()):
                found.append((method, path, permission))
    return sorted(set(found))


@pytest.fixture
def joint(world: World) -> World:
    """The round with a second body, which asks the last agency type; its inspectors, and a peer reviewer."""
    session = world.write()
    people.add_oversight_body(
        session, code="west", name="Westmere Inspectorate", short="West", kind="inspectorate", by=SYSTEM, now=world.now
    )
    west = session.scalars(select(OversightBody.id).where(OversightBody.code == "west")).one()
    last = list(world.returns.values())[-1].agency_type
    session.execute(
        sa.update(RoundTemplate).where(RoundTemplate.agency_type == last).values(oversight_body_id=west)
    )
    for name, role, code in (
        ("peer", "peer_reviewer", world.body.code),
        ("other-type", "inspector", "west"),
        ("other-type-lead", "lead_inspector", "west"),
    ):
        people.add_person(
            session, email=f"{name}@agency.example", name=name.title(), role=role, body_code=code, post="",
            starts=world.now.date(), ends=None, by=SYSTEM, now=world.now,
        )  # fmt: skip
    session.commit()
    world.people |= {user.email.split("@")[0]: user for user in session.scalars(select(User))}
    return world


@pytest.fixture
def visit(app: Flask, client_as: Callable[[str], FlaskClient]) -> Callable[[str], FlaskClient]:
    """A client for anybody, `anonymous` too."""
    return lambda name: app.test_client() if name == "anonymous" else client_as(name)


def each(names: Iterable[str]) -> pytest.MarkDecorator:
    """The mark of a test that these people take, each on the databases that it is worth asking."""
    asked = [(kind, name) for kind in ("sqlite", "postgresql") for name in names if kind == "sqlite" or name in ON_BOTH]
    return pytest.mark.parametrize(("database_url", "name"), asked, indirect=["database_url"])


@each(PEOPLE)
def test_nobody_reaches_what_is_not_theirs(
    app: Flask, joint: World, visit: Callable[[str], FlaskClient], name: str
) -> None:
    """The second agency's return is foreign to the first's people, and to inspectors of other agency types; the round
    to all but its own inspectors."""
    world = joint
    other = list(world.returns)[1]
    marker = world.returns[other].agency.name
    theirs = {
        # what each may do with the second agency's return and the round, by permission
        "lead-inspector": OF_LEADS | OF_INSPECTORS,
        "inspector": OF_INSPECTORS,
        "outsider": {"round.create", "gallery.read", "draft.use"},
        "other-type": OF_THE_ROUND & OF_INSPECTORS,
        "other-type-lead": OF_THE_ROUND,
        "peer": {"peer.desk"},
        "coordinator": {"area.read"},
        "administrator": {"service.administer", "gallery.read", "draft.use"},
    }.get(name, set())
    before = world.session.scalar(sa.select(sa.func.count()).select_from(Event))
    client = visit(name)
    wrong = []
    for method, path, permission in filled(app, world, other):
        if permission in theirs or permission in PUBLIC or path in ("/rounds", "/sign-out"):
            continue
        if permission == "account.own" and "/reports/" not in path:
            continue
        response = client.open(path, method=method, data={"reason": "x"} if method == "POST" else None)
        refused = (
            response.status_code == 302 and "/sign-in" in response.headers["Location"]
            if name == "anonymous"
            else response.status_code in (403, 404)
        )
        if not refused or marker in response.text:
            wrong.append(f"{method} {path} ({permission}): {response.status_code}")
    assert wrong == []
    world.session.rollback()
    assert world.session.scalar(sa.select(sa.func.count()).select_from(Event)) == before


@each(["signatory", "lead", "contributor", "board", "lead-inspector", "inspector"])
def test_what_is_theirs_opens(
    app: Flask, world: World, visit: Callable[[str], FlaskClient], name: str
) -> None:
    own = next(iter(world.returns))
    broken = []
    for method, path, _permission in filled(app, world, own):
        if method == "GET" and "no-such" not in path:
            status = visit(name).get(path).status_code
            if status >= 500:
                broken.append(f"{path}: {status}")
    assert broken == []


def test_a_foreign_return_and_none_at_all_give_the_same_page(
    world: World, client_as: Callable[[str], FlaskClient]
) -> None:
    other = world.returns[list(world.returns)[1]].public_id
    client = client_as("lead")
    foreign, missing = client.get(f"/returns/{other}/"), client.get("/returns/222222222222/")
    assert foreign.status_code == missing.status_code == 404

    def without_tokens(text: str) -> str:
        return re.sub(r'(nonce|value)="[^"]*"', "", text)

    assert without_tokens(foreign.text) == without_tokens(missing.text)
