"""The pages for sharing a return out, the people of an agency, and signing in by a link alone."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import clock
from app.models import Appointment, Assignment, OutboxMessage, SignInLink, User
from app.operations import links, sharing
from app.operations.settings import set_contributor_links
from app.queries.sharing import shares
from app.queries.sign_in import links_are_on
from app.web.security import ASKED_FREE
from tests.operations.test_sharing import edit_first
from tests.world import PASSWORD, SYSTEM, World

# who may do what, and what pages say, does not depend on the database
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SignIn = Callable[[str], FlaskClient]


def words(response) -> str:  # type: ignore[no-untyped-def]
    """What a page says, without markup."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))))


@pytest.fixture
def code(world: World) -> str:
    return next(iter(world.returns))


@pytest.fixture
def base(world: World, code: str) -> str:
    """The address of the first agency's pages about sharing."""
    return f"/returns/{world.returns[code].public_id}/sharing"


@pytest.fixture
def links_on(world: World) -> World:
    """The world, in which contributors and board readers sign in by links."""
    set_contributor_links(world.write(), True, by=SYSTEM, now=world.now)
    world.session.commit()
    return world


def give(world: World, code: str, standard: int = 0, to: str = "contributor") -> Assignment:
    """Give a whole standard to somebody."""
    section = world.work(code).sections[standard]
    person, actor = world.people[to], world.actor("lead")
    sharing.assign(
        world.write(), world.returns[code].public_id, people=[person.public_id], parts=[(section.standard.id, "")],
        by=actor, now=world.now,
    )  # fmt: skip
    world.session.commit()
    return next(
        share.assignment
        for share in shares(world.session, world.work(code), user_id=person.id)
        if share.assignment.standard == section.standard.id
    )


def make_ready(world: World, code: str) -> Assignment:
    """A standard that its contributor has finished and called ready."""
    row = give(world, code)
    world.answer(code, by="contributor", standards=1)
    actor = world.actor("contributor")
    sharing.mark_ready(
        world.write(), world.returns[code].public_id, row.public_id, by=actor, now=world.now
    )
    world.session.commit()
    return row


# --- sharing out -----------------------------------------------------------------------------------------------------


def test_the_lead_gives_several_parts_to_several_people_on_one_page(
    world: World, client_as: SignIn, base: str, code: str
) -> None:
    first, second = world.work(code).sections[:2]
    client = client_as("lead")
    page = words(client.get(f"{base}/assign?part={first.standard.id}"))
    assert "Single questions" in page and "Nobody has all of it" in page and "contributor@agency.example" in page
    assert "board@agency.example" not in page, "a board reader cannot answer"
    people = [world.people[name].public_id for name in ("contributor", "signatory")]
    parts = [first.standard.id, f"{second.standard.id}/{second.items[0].criterion.id}"]
    done = client.post(f"{base}/assign", data={"person": people, "part": parts})
    assert done.status_code == 303 and done.location == base
    page = words(client.get(base))
    assert "4 parts are given away" in page
    assert "0 of" in page and "Has saved no answer yet" not in page, "nobody has joined yet"
    assert f"Question {second.items[0].number}" in page and "To do" in page
    again = words(client.get(f"{base}/assign"))
    assert "With Contributor, Sam" in again and "1 question is given away by itself" in again


@pytest.mark.parametrize(
    ("given", "told", "href"),
    [
        ({}, "Choose at least one colleague, or invite somebody new", "#person"),
        ({"person": "x", "part": "no-such"}, "not asked any more", "#part-"),
        ({"name": "Ada"}, "Enter an e-mail address", "#email"),
        ({"email": "ada@agency.example"}, "Enter the person’s name", "#name"),
        ({"until-day": "1"}, "A date needs a day", "#until-day"),
        ({"until-day": "1", "until-month": "9", "until-year": "2003"}, "of the new colleague too", "#name"),
    ],
)
def test_what_is_wrong_is_told_and_what_was_chosen_is_shown_again(
    world: World, client_as: SignIn, base: str, code: str, given: dict[str, str], told: str, href: str
) -> None:
    keep = world.work(code).sections[1].standard.id
    response = client_as("lead").post(f"{base}/assign", data={"part": keep} | given)
    assert response.status_code == 422 and told in words(response)
    assert f'href="{href}' in response.text
    if "part" not in given:
        assert re.search(rf'value="{keep}" checked', response.text)
    world.session.rollback()
    assert world.session.scalars(select(Assignment)).all() == []


def test_a_new_colleague_is_invited_in_the_same_step_and_the_link_is_shown_once(
    app: Flask, world: World, client_as: SignIn, base: str, code: str
) -> None:
    section = world.work(code).sections[0]
    client = client_as("lead")
    page = client.post(
        f"{base}/assign",
        data={"name": "Ada Bell", "email": "Ada@Agency.example", "part": section.standard.id},
    )
    assert page.status_code == 200 and "shown only now" in words(page)
    (link,) = re.findall(r"https?://[^<\s]*/welcome/[^<\s]+", page.text)
    assert link not in client.get(base).text and link not in client.get(f"{base}/people").text
    joining = app.test_client()
    welcome = words(joining.get(link))
    assert "Contributor" in welcome and "Welcome, Ada Bell" in welcome
    assert joining.post(link, data={"password": PASSWORD, "again": PASSWORD}).status_code == 303
    assert joining.get("/").location == "/assigned"
    assert words(client.get(base)).count("Ada Bell") and "Has saved no answer yet" in words(client.get(base))
    twice = client.post(
        f"{base}/assign",
        data={"name": "Ada", "email": "ada@agency.example", "part": section.standard.id},
    )
    assert twice.status_code == 422 and "choose them from the list" in words(twice)


@pytest.mark.parametrize("name", ["contributor", "board"])
def test_those_who_do_not_lead_see_none_of_it(
    world: World, client_as: SignIn, base: str, code: str, name: str
) -> None:
    row = give(world, code)
    client = client_as(name)
    for path in ("", "/assign", f"/{row.public_id}", f"/{row.public_id}/take-away", "/people", "/people/invite"):
        assert client.get(base + path).status_code == 403, path
    for path in ("/assign", "/nudge", f"/{row.public_id}", f"/{row.public_id}/take-away", "/people/invite"):
        assert client.post(base + path, data={"decision": "accept"}).status_code == 403, path
    assert "Who does what" not in words(client.get(f"/returns/{world.returns[code].public_id}/"))


def test_another_agency_is_not_found(world: World, client_as: SignIn, code: str) -> None:
    other = list(world.returns)[1]
    row = give(world, code)
    foreign = f"/returns/{world.returns[other].public_id}/sharing"
    client = client_as("lead")
    for path in ("", "/assign", "/people", "/people/invite", f"/{row.public_id}"):
        assert client.get(foreign + path).status_code == 404, path
    theirs = client_as(next(name for name in world.people if name.startswith("signatory-")))
    # a part of ours under the address of theirs
    assert theirs.get(f"{foreign}/{row.public_id}").status_code == 404
    assert theirs.post(f"{foreign}/{row.public_id}/take-away").status_code == 404
    assert theirs.get(f"{foreign}/{row.public_id}/ready").status_code == 404


# --- assigned to you -------------------------------------------------------------------------------------------------


def test_a_contributor_lands_on_what_is_assigned_to_them(
    world: World, client_as: SignIn, base: str, code: str
) -> None:
    client, rid = client_as("contributor"), world.returns[code].public_id
    assert client.get("/").location == f"/returns/{rid}/", "nothing is assigned yet"
    assert "Nothing is assigned to you now" in words(client.get("/assigned"))
    row = give(world, code)
    section = world.work(code).sections[0]
    assert client.get("/").location == "/assigned"
    assert "It is your turn in 1 audit" in words(client.get("/?all=1"))
    page = client.get("/assigned")
    said = words(page)
    assert f"0 of {len(section.items)} finished" in said and "To do" in said and world.audit_round.name in said
    assert f'href="/returns/{rid}/standards/{section.standard.id}#q-{section.items[0].id}"' in page.text
    tasks = words(client.get(f"/returns/{rid}/"))
    assert tasks.index("Assigned to you") < tasks.index("Standards") and "With Contributor" in tasks
    assert client_as("lead").get("/").location == f"/returns/{rid}/", "whoever leads goes to the task list"
    left = client.get(f"{base}/{row.public_id}/ready")
    assert "are not finished" in words(left) and "Yes, it is ready" not in words(left)
    refused = client.post(f"{base}/{row.public_id}/ready")
    assert refused.status_code == 409 and section.items[0].number in words(refused)
    assert client_as("signatory").get(f"{base}/{row.public_id}/ready").status_code == 404


def test_ready_sent_back_and_accepted_on_pages(world: World, client_as: SignIn, base: str, code: str) -> None:
    row = give(world, code)
    world.answer(code, by="contributor", standards=1)
    contributor, lead = client_as("contributor"), client_as("lead")
    assert "Yes, it is ready" in words(contributor.get(f"{base}/{row.public_id}/ready"))
    done = contributor.post(f"{base}/{row.public_id}/ready")
    assert done.status_code == 303 and done.location == "/assigned"
    assert "Your audit lead reads it next" in words(contributor.get("/assigned"))
    assert contributor.get("/").location != "/assigned"
    rid = world.returns[code].public_id
    assert "1 part is ready for you" in words(lead.get(f"/returns/{rid}/"))
    page = words(lead.get(f"{base}/{row.public_id}"))
    assert "Accept it" in page and "The answers so far" in page
    for data, told in (({}, "Choose whether"), ({"decision": "send_back"}, "Say what is still to be done")):
        wrong = lead.post(f"{base}/{row.public_id}", data=data)
        assert wrong.status_code == 422 and told in words(wrong)
    long = lead.post(f"{base}/{row.public_id}", data={"decision": "send_back", "note": "x" * 4001})
    assert long.status_code == 422 and "x" * 4001 in long.text and "4000 characters" in words(long)
    back = lead.post(f"{base}/{row.public_id}", data={"decision": "send_back", "note": "Name the <team>."})
    assert back.status_code == 303
    page = contributor.get("/assigned")
    assert "Name the <team>." in words(page) and "&lt;team&gt;" in page.text and "Sent back" in words(page)
    contributor.post(f"{base}/{row.public_id}/ready")
    assert lead.post(f"{base}/{row.public_id}", data={"decision": "accept"}).status_code == 303
    assert "Accepted" in words(contributor.get("/assigned"))
    own = words(lead.get(f"/returns/{rid}/history"))
    for said in ("Gave “", "is ready", "back to Contributor", "Name the <team>.", "Accepted “"):
        assert said in own
    inspectors = words(client_as("inspector").get(f"/returns/{rid}/history"))
    assert "back to Somebody" in inspectors, "that a part was sent back"
    assert "Name the" not in inspectors and "back to Contributor" not in inspectors, "to whom, and why, is the agency's"


def test_an_edit_after_acceptance_shows_in_the_history(
    world: World, client_as: SignIn, base: str, code: str
) -> None:
    row = make_ready(world, code)
    client_as("lead").post(f"{base}/{row.public_id}", data={"decision": "accept"})
    edit_first(world, code, "contributor", "One more thing.")
    assert "Ready for you to read" in words(client_as("lead").get(base))
    page = words(client_as("lead").get(f"/returns/{world.returns[code].public_id}/history"))
    assert "was accepted before, and is to be accepted again" in page


def test_taking_away_asks_first(world: World, client_as: SignIn, base: str, code: str) -> None:
    row = give(world, code)
    lead = client_as("lead")
    assert "All answers are kept" in words(lead.get(f"{base}/{row.public_id}/take-away"))
    assert lead.post(f"{base}/{row.public_id}/take-away").status_code == 303
    assert "Nothing is shared out yet" in words(lead.get(base))
    assert lead.get(f"{base}/{row.public_id}").status_code == 404


def test_a_nudge_and_a_second_one_too_early(world: World, client_as: SignIn, base: str, code: str) -> None:
    give(world, code)
    lead, person = client_as("lead"), world.people["contributor"].public_id
    assert lead.post(f"{base}/nudge", data={"person": person}).status_code == 303
    assert "gets a reminder by e-mail" in words(lead.get(base))
    lead.post(f"{base}/nudge", data={"person": person})
    assert "was reminded today already" in words(lead.get(base))
    assert lead.post(f"{base}/nudge", data={"person": "nobody"}).status_code == 404
    world.session.rollback()
    kinds = world.session.scalars(select(OutboxMessage.kind).where(OutboxMessage.kind == "nudge")).all()
    assert kinds == ["nudge"]


def test_nothing_can_be_shared_once_it_is_submitted(
    world: World, client_as: SignIn, base: str, code: str
) -> None:
    from tests.operations.test_returns import sign

    row = give(world, code)
    world.answer(code)
    sign(world, code)
    lead = client_as("lead")
    assert "Share out" not in words(lead.get(base)) and lead.get(f"{base}/assign").status_code == 409
    assert "Take this part away" not in words(lead.get(f"{base}/{row.public_id}"))
    assert lead.post(f"{base}/{row.public_id}/take-away").status_code == 409
    assert "Say that it is ready" not in words(client_as("contributor").get("/assigned"))
    assert client_as("contributor").post(f"{base}/{row.public_id}/ready").status_code == 409


def test_the_pages_cost_the_same_however_much_is_shared(
    app: Flask, world: World, client_as: SignIn, base: str, code: str
) -> None:
    from sqlalchemy import event

    from app import db

    lead = client_as("lead")
    give(world, code)
    lead.get(base)

    def statements(path: str) -> int:
        seen: list[str] = []

        def count(_connection, _cursor, statement, *_rest) -> None:  # type: ignore[no-untyped-def]
            seen.append(statement)

        with app.app_context():
            engine = db.db.engine
        event.listen(engine, "before_cursor_execute", count)
        try:
            assert lead.get(path).status_code == 200
        finally:
            event.remove(engine, "before_cursor_execute", count)
        return len(seen)

    task_list = f"/returns/{world.returns[code].public_id}/"
    before = {path: statements(path) for path in (base, f"{base}/assign", f"{base}/people", task_list)}
    for standard, to in enumerate(("contributor", "signatory", "lead", "contributor"), start=1):
        give(world, code, standard, to)
    after = {path: statements(path) for path in before}
    assert after == before


# --- people ----------------------------------------------------------------------------------------------------------


def test_people_are_listed_invited_and_ended(world: World, client_as: SignIn, base: str, code: str) -> None:
    lead = client_as("lead")
    page = words(lead.get(f"{base}/people"))
    assert "Accountable signatory" in page and "Not yet" in page and "from 12 May 2003" in page
    wrong = lead.post(f"{base}/people/invite", data={"name": "", "email": "nonsense"})
    assert wrong.status_code == 422 and 'value="nonsense"' in wrong.text
    for told in ("Enter the person’s name", "Enter an e-mail address", "Choose what they will do"):
        assert told in words(wrong)
    forged = lead.post(
        f"{base}/people/invite",
        data={"name": "Eve", "email": "eve@agency.example", "role": "accountable_signatory"},
    )
    assert forged.status_code == 422
    done = lead.post(
        f"{base}/people/invite",
        data={"name": "Bo Reed", "email": "bo@agency.example", "role": "board_reader",
              "ends-day": "1", "ends-month": "7", "ends-year": "2003"},
    )  # fmt: skip
    assert "/welcome/" in done.text
    assert "12 May 2003 to 1 July 2003" in words(lead.get(f"{base}/people"))
    world.session.rollback()
    held = world.session.scalars(
        select(Appointment).join(Appointment.user).where(User.email == "bo@agency.example")
    ).one()
    ending = f"{base}/people/{held.public_id}/end"
    assert "Bo Reed" in words(lead.get(ending))
    early = lead.post(ending, data={"ends-day": "1", "ends-month": "5", "ends-year": "2003"})
    assert early.status_code == 422 and "yesterday or a later day" in words(early)
    assert lead.post(ending, data={"ends-day": "12", "ends-month": "5", "ends-year": "2003"}).status_code == 303
    signs = world.session.scalars(
        select(Appointment.public_id)
        .join(Appointment.user)
        .where(User.email == "signatory@agency.example")
    ).one()
    assert lead.get(f"{base}/people/{signs}/end").status_code == 409


def test_a_lead_gets_no_link_of_who_signs_or_serves_elsewhere(
    world: World, client_as: SignIn, base: str, code: str
) -> None:
    lead = client_as("lead")
    page = lead.get(f"{base}/people")
    offered = set(re.findall(r"/people/([2-9a-z]{12})/link", page.text))
    assert offered == {world.people[name].public_id for name in ("lead", "contributor", "board")}
    signatory = world.people["signatory"].public_id
    assert lead.post(f"{base}/people/{signatory}/link").status_code == 409
    done = lead.post(
        f"{base}/people/invite",
        data={"name": "", "email": "inspector@agency.example", "role": "contributor"} | {"name": "In Spector"},
    )
    assert done.status_code == 303, "no link is shown"
    assert "administrator of this service has a link" in words(lead.get(f"{base}/people"))
    inspector = world.people["inspector"].public_id
    assert lead.post(f"{base}/people/{inspector}/link").status_code == 409
    assert lead.post(f"{base}/people/{world.people['coordinator'].public_id}/link").status_code == 404
    assert "/welcome/" in lead.post(f"{base}/people/{world.people['contributor'].public_id}/link").text


def test_where_mail_is_sent_the_lead_sees_no_link(
    app: Flask, world: World, client_as: SignIn, base: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    settings = app.config["CANDOUR"]
    sending = dataclasses.replace(settings, smtp_url="smtp://mail.agency.example")
    assert sending.sends_mail and not settings.sends_mail
    monkeypatch.setitem(app.config, "CANDOUR", sending)
    done = client_as("lead").post(
        f"{base}/people/invite", data={"name": "Ada", "email": "ada@agency.example", "role": "contributor"}
    )
    assert done.status_code == 303
    world.session.rollback()
    waiting = world.session.scalars(select(OutboxMessage.address).order_by(OutboxMessage.id)).all()
    assert waiting[-1] == "ada@agency.example"


def test_the_signatory_names_cover_and_pages_say_so(world: World, client_as: SignIn, base: str, code: str) -> None:
    assert client_as("lead").get(f"{base}/people/cover").status_code == 403
    signatory = client_as("signatory")
    page = signatory.get(f"{base}/people/cover")
    assert "Lead" in words(page) and "Somebody who is not listed here" in words(page)
    days = {"starts-day": "12", "starts-month": "5", "starts-year": "2003"}
    wrong = signatory.post(f"{base}/people/cover", data=days | {"who": "new", "name": "Dee"})
    assert wrong.status_code == 422 and "Enter a date" in words(wrong) and "Enter an e-mail address" in words(wrong)
    days |= {"ends-day": "14", "ends-month": "5", "ends-year": "2003"}
    done = signatory.post(
        f"{base}/people/cover", data=days | {"who": world.people["lead"].public_id, "post": "Deputy"}
    )
    assert done.status_code == 303
    assert "(acting)" in words(signatory.get(f"{base}/people"))
    rid = world.returns[code].public_id
    world.session.rollback()  # they are signed out: the lead had no password, and gets a new invitation
    assert "Deputy (acting)" in words(client_as("lead").get(f"/returns/{rid}/"))
    world.answer(code)
    assert "Lead, Deputy" in words(client_as("lead").get(f"/returns/{rid}/sign")), "the declaration names them"
    assert "as acting cover" in words(signatory.get(f"/returns/{rid}/history"))


# --- links -----------------------------------------------------------------------------------------------------------


def token_for(world: World, name: str) -> str:
    token = links.make(world.write(), world.people[name], "sign_in", now=world.now)
    world.session.commit()
    return token


def test_a_link_signs_in_when_its_button_is_pressed_and_only_once(
    app: Flask, links_on: World, code: str
) -> None:
    give(links_on, code)
    address = f"/sign-in/link/{token_for(links_on, 'contributor')}"
    client = app.test_client()
    for _scanner in range(3):
        assert "Sign in as Contributor" in words(client.get(address))
        assert client.get("/").location == "/sign-in"
    done = client.post(address)
    assert done.status_code == 303 and client.get("/").location == "/assigned"
    assert client.get("/assigned").status_code == 200
    late = app.test_client()
    for response in (late.get(address), late.post(address)):
        assert response.status_code == 404 and "signs nobody in" in words(response)
    assert late.get("/").location == "/sign-in"


def test_a_link_ends_whoever_was_signed_in_here_before(
    app: Flask, links_on: World, client_as: SignIn
) -> None:
    client = client_as("lead")
    address = f"/sign-in/link/{token_for(links_on, 'board')}"
    assert "Lead is signed in here now" in words(client.get(address))
    client.post(address)
    assert "Board" in words(client.get("/assigned")) and client.get("/admin").status_code == 403
    assert client.get(f"/returns/{links_on.returns[next(iter(links_on.returns))].public_id}/sharing").status_code == 403


@pytest.mark.parametrize("name", ["signatory", "lead", "inspector", "lead-inspector", "coordinator", "administrator"])
def test_a_link_never_signs_in_who_needs_a_password(app: Flask, links_on: World, name: str) -> None:
    address = f"/sign-in/link/{token_for(links_on, name)}"
    client = app.test_client()
    assert client.get(address).status_code == client.post(address).status_code == 404
    assert client.get("/").location == "/sign-in"
    links_on.session.rollback()
    assert links_on.session.scalars(select(SignInLink.used_at)).all() == [None]


def test_links_that_are_too_old_switched_off_or_of_somebody_who_left(app: Flask, links_on: World) -> None:
    world = links_on
    old = links.make(
        world.write(), world.people["contributor"], "sign_in", now=world.now - links.LASTS["sign_in"]
    )
    good = token_for(world, "contributor")
    client = app.test_client()
    assert client.post(f"/sign-in/link/{old}").status_code == 404
    for on, status in ((False, 404), (True, 200)):
        set_contributor_links(world.write(), on, by=SYSTEM, now=world.now)
        world.session.commit()
        assert client.get(f"/sign-in/link/{good}").status_code == status
        assert client.get("/sign-in/link").status_code == status
    held = world.session.scalars(
        select(Appointment).where(Appointment.user_id == world.people["contributor"].id)
    ).one()
    world.write()
    held.ends = held.starts
    clock.pin(world.session, (world.now + timedelta(days=1)).date())
    world.session.commit()
    assert client.get(f"/sign-in/link/{good}").status_code == client.post(f"/sign-in/link/{good}").status_code == 404


def test_asking_for_a_link_says_the_same_to_everybody_and_is_throttled(app: Flask, links_on: World) -> None:
    client = app.test_client()
    assert "No password? Get a link by e-mail" in words(client.get("/sign-in"))
    answers = set()
    for email in ("contributor@agency.example", "signatory@agency.example", "nobody@agency.example"):
        done = client.post("/sign-in/link", data={"email": email})
        answers.add((done.status_code, done.location))
    assert answers == {(303, "/sign-in/link-sent")}
    wrong = client.post("/sign-in/link", data={"email": "nonsense"})
    assert wrong.status_code == 422 and 'value="nonsense"' in wrong.text
    for _again in range(ASKED_FREE["forgot"] + 2):
        assert client.post("/sign-in/link", data={"email": "contributor@agency.example"}).status_code == 303
    links_on.session.rollback()
    sent = links_on.session.scalars(
        select(OutboxMessage.address).where(OutboxMessage.kind == "sign_in_link")
    ).all()
    assert sent.count("contributor@agency.example") == ASKED_FREE["forgot"]
    assert sent.count("signatory@agency.example") == 1 and "nobody@agency.example" not in sent
    for number in range(ASKED_FREE["forgot-by"]):
        last = client.post("/sign-in/link", data={"email": f"nobody{number}@agency.example"})
    assert last.status_code == 422 and "too often" in words(last)


def test_an_invitation_by_link_needs_no_password(
    app: Flask, links_on: World, client_as: SignIn, base: str, code: str
) -> None:
    lead = client_as("lead")
    page = lead.post(
        f"{base}/people/invite", data={"name": "Ada", "email": "ada@agency.example", "role": "contributor"}
    )
    assert "They need no password" in words(page)
    (link,) = re.findall(r"https?://[^<\s]*(/sign-in/link/[^<\s]+)", page.text)
    assert len(link) == len("/sign-in/link/") + 43
    mine = app.test_client()
    assert mine.post(link).status_code == 303
    assert mine.get("/").status_code == 302 and mine.get("/assigned").status_code == 200
    # whoever came by a link may choose a password, and then needs no link
    changed = mine.post("/account/password", data={"new_password": PASSWORD, "new_password_confirm": PASSWORD})
    assert changed.status_code == 302, words(changed)
    fresh = app.test_client()
    signed_in = fresh.post("/sign-in", data={"email": "ada@agency.example", "password": PASSWORD})
    assert signed_in.status_code == 302 and fresh.get("/assigned").status_code == 200


def test_an_administrator_switches_links_on_a_page(app: Flask, world: World, client_as: SignIn) -> None:
    client = client_as("administrator")
    assert "Links for contributors and board readers" in words(client.get("/admin/settings"))
    assert client.post("/admin/settings/contributor-links", data={"contributor_links": "maybe"}).status_code == 422
    for state in ("on", "off"):
        done = client.post("/admin/settings/contributor-links", data={"contributor_links": state})
        assert done.status_code == 303
        world.session.rollback()
        assert links_are_on(world.session) == (state == "on")
    assert client_as("lead").get("/admin/settings").status_code == 403
    assert app.test_client().get("/sign-in/link").status_code == 404
