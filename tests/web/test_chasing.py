"""The ledger's selection, the page of who is behind, and reminders previewed before they are sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy import event, insert, select

from app import clock
from app.db import db
from app.models import Agency, AuditReturn, Chase, OutboxMessage
from tests.web.test_oversight import submit, words
from tests.world import World


@pytest.fixture
def inspector(client_as) -> FlaskClient:
    """An inspector of the body that owns the test round."""
    client: FlaskClient = client_as("inspector")
    return client


@pytest.fixture
def late(world: World) -> World:
    """The world two days before its due date, with nothing submitted."""
    return at(world, 13 + 31)


def at(world: World, days: int) -> World:
    """The world some days after 1 May 2003, for pages too."""
    day = world.audit_round.opens + timedelta(days=days)
    clock.pin(world.write(), clock.today(day))
    world.session.commit()
    return world


def address(world: World, rest: str = "") -> str:
    """An address below the round."""
    return f"/rounds/{world.audit_round.public_id}{rest}"


def ids(world: World, *codes: str) -> list[str]:
    """Public ids of returns."""
    return [world.returns[code].public_id for code in codes]


def rows(world: World, model: type) -> list:  # type: ignore[type-arg]
    """All rows of a table, read anew."""
    world.session.rollback()
    return list(world.session.scalars(select(model)))


@contextmanager
def counted(app) -> Iterator[list[str]]:  # type: ignore[no-untyped-def]
    """The statements that the application makes meanwhile."""
    made: list[str] = []
    with app.app_context():
        engine = db.engine

    def note(_connection, _cursor, statement, *_rest):  # type: ignore[no-untyped-def]
        made.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield made
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_the_list_says_who_is_behind_why_and_who_would_be_told(late, inspector):
    page = words(inspector.get(address(late, "/chase")))
    assert "6 agencies to chase" in page and "Fictional council one" in page
    assert "Not started (6)" in page and "1 business day left" in page
    assert "has not joined yet" in page
    assert "Due date passed" not in page
    # narrowed by reason, type and text
    assert "6 agencies to chase" in words(inspector.get(address(late, "/chase?reason=not_started")))
    assert "Nobody matches" in words(inspector.get(address(late, "/chase?reason=past_due")))
    assert "1 agency to chase" in words(inspector.get(address(late, "/chase?type=police")))
    assert "Nobody matches" in words(inspector.get(address(late, "/chase?q=nowhere")))
    # with enough time left nobody is behind, unless the reader looks further ahead
    at(late, 11)
    assert "Nobody is behind today" in words(inspector.get(address(late, "/chase")))
    assert "6 agencies to chase" in words(inspector.get(address(late, "/chase?within=40")))
    for odd in ("within=x", "within=99999", "little=-1", "page=0", "type=%00", "reason='"):
        assert inspector.get(address(late, f"/chase?{odd}")).status_code == 200


def test_only_inspectors_of_the_round_chase(late, client_as):
    for name, status in (("outsider", 404), ("signatory", 403), ("coordinator", 403), ("administrator", 403)):
        client = client_as(name)
        assert client.get(address(late, "/chase")).status_code == status, name
        data = {"ret": ids(late, "council-1"), "reason": "not_started", "ids": ids(late, "council-1")[0]}
        assert client.post(address(late, "/chase/reminder"), data=data).status_code == status
        assert client.post(address(late, "/chase/send"), data=data).status_code == status
    assert rows(late, Chase) == []


def test_a_reminder_is_previewed_exactly_and_then_sent_once(late, inspector, client_as):
    before = {row.id for row in rows(late, OutboxMessage)}
    chosen = ids(late, "council-1", "police-1")
    page = inspector.post(address(late, "/chase/reminder"), data={"ret": chosen, "reason": "not_started"})
    shown = words(page)
    assert "Nothing has been sent yet" in shown and "Send it to 2 agencies" in shown
    assert "Fictional council one" in shown and "Fictional nhs one" not in shown
    assert "English : 3 people get it" in shown and "Cymraeg : 0 people get it" in shown
    assert rows(late, Chase) == [] and {row.id for row in rows(late, OutboxMessage)} == before
    sent = inspector.post(address(late, "/chase/send?list=chase"), data=fields(page))
    assert sent.status_code == 303 and sent.headers["Location"] == address(late, "/chase")
    mails = [row for row in rows(late, OutboxMessage) if row.id not in before]
    assert len(mails) == 3 and {mail.kind for mail in mails} == {"chase"}
    # to the letter what was shown, but for the links that open something
    text = shown.replace("[a link for this person alone, made when the e-mail is sent]", "⟦invitation⟧")
    first = next(mail for mail in mails if mail.address == "signatory@agency.example")
    assert " ".join(first.subject.split()) in text
    for paragraph in first.body.split("\n\n"):
        if "⟦/" not in paragraph:
            assert " ".join(paragraph.split()) in text
    page = words(inspector.get(address(late, "/chase")))
    assert "Reminders are on their way to 2 agencies (e-mails: 3)" in page
    assert "14 June 2003" in page
    # the agency's history and the round's say so
    assert "Reminded 2 agencies (Not started)." in words(inspector.get(address(late, "/history")))
    history = client_as("lead").get(f"/returns/{chosen[0]}/history")
    assert "Reminded the agency that its audit has not been started." in words(history)
    # again, from the same page or a new one: nothing
    again = inspector.post(address(late, "/chase/send"), data={"ids": ",".join(chosen), "reason": "not_started"})
    assert again.status_code == 303
    assert "No reminder was sent" in words(inspector.get(address(late, "/chase")))
    assert len([row for row in rows(late, OutboxMessage) if row.id not in before]) == 3
    page = words(inspector.post(address(late, "/chase/reminder"), data={"ret": chosen, "reason": "not_started"}))
    assert page.count("It was reminded of this today already.") == 2 and "Send it to" not in page


def fields(response) -> dict[str, str]:  # type: ignore[no-untyped-def]
    """The hidden fields of the form on a page that sends."""
    found = re.findall(r'<input type="hidden" name="(ids|reason)" value="([^"]*)">', response.get_data(as_text=True))
    return {name: unescape(value) for name, value in found}


def test_whoever_submits_meanwhile_is_left_out(late, inspector):
    chosen = ids(late, "council-1", "police-1")
    page = inspector.post(address(late, "/chase/reminder"), data={"ret": chosen, "reason": "not_started"})
    submit(late, "council-1")
    inspector.post(address(late, "/chase/send"), data=fields(page))
    (chase,) = rows(late, Chase)
    assert chase.return_id == late.returns["police-1"].id
    shown = words(inspector.post(address(late, "/chase/reminder"), data={"ret": chosen, "reason": "not_started"}))
    assert "Fictional council one It has been submitted." in shown


def test_without_a_reason_the_page_asks_for_one_and_says_of_whom_each_is_true(late, inspector):
    path = address(late, "/chase/reminder?list=ledger&type=council")
    page = inspector.post(path, data={"all": "1"})
    shown = words(page)
    assert "1 agency is chosen" in shown and "true of 1 of them" in shown
    kept = fields(page)
    assert kept == {"ids": ids(late, "council-1")[0]}
    wrong = inspector.post(path, data=kept | {"chosen": "1"})
    assert "Choose what the reminder is about." in words(wrong) and 'href="#reason"' in wrong.text
    assert "Send it to 1 agency" in words(inspector.post(path, data=kept | {"reason": "not_started"}))
    empty = inspector.post(path, data={})
    assert empty.status_code == 303 and empty.headers["Location"] == address(late, "/ledger?type=council")
    for odd in ({"ret": ["nothing", "'"]}, {"ids": "\x00,x"}):
        assert inspector.post(path, data=odd).status_code == 303
    assert inspector.post(address(late, "/chase/send"), data={"ids": "x", "reason": "x"}).status_code == 303


def test_all_that_match_means_every_page_of_the_list(late, inspector, app):
    many(late, 120)
    page = inspector.post(address(late, "/chase/reminder?list=chase&reason=not_started"), data={"all": "1"})
    assert "126 agencies are chosen" in words(page)
    page = inspector.post(address(late, "/chase/reminder?list=ledger&state=not_started&q=Made"), data={"all": "1"})
    assert "120 agencies are chosen" in words(page)
    assert "page 1 of 3" in words(inspector.get(address(late, "/chase")))
    assert "page 3 of 3" in words(inspector.get(address(late, "/chase?page=9")))


def many(world: World, number: int) -> None:
    """Add invited agencies to the round, without people."""
    session = world.write()
    pattern = world.returns["council-1"]
    session.execute(
        insert(Agency),
        [
            {"public_id": f"m{place:05}", "code": f"made-{place}", "name": f"Made {place}", "agency_type": "council"}
            for place in range(number)
        ],
    )
    made = session.scalars(select(Agency.id).where(Agency.code.like("made-%"))).all()
    session.execute(
        insert(AuditReturn),
        [
            {
                "public_id": f"r{agency:05}", "round_id": pattern.round_id, "agency_id": agency,
                "template_version_id": pattern.template_version_id, "agency_type": "council", "subtype": "",
                "stage": "invited", "asked": 60, "complete": 0, "invited_at": world.now,
            }
            for agency in made
        ],
    )  # fmt: skip
    session.commit()


def test_ledger_and_chasing_take_at_most_fifteen_statements_at_818_agencies(late, inspector, app):
    many(late, 812)
    for path in ("/ledger", "/ledger?state=not_started&type=council", "/chase", "/chase?reason=not_started"):
        inspector.get(address(late, path))  # whatever is kept by the process is kept now
        with counted(app) as made:
            page = inspector.get(address(late, path))
        assert page.status_code == 200
        assert len(made) <= 15, "\n\n".join(made)


def test_the_ledger_narrows_to_areas_and_to_more_time_and_selects(late, inspector):
    pattern = late.returns["police-1"]
    late.write().execute(
        sa.update(AuditReturn).where(AuditReturn.id == pattern.id).values(extended_to=late.audit_round.closes)
    )
    late.session.commit()
    page = inspector.get(address(late, "/ledger?extended=1"))
    assert "1 of 6 agencies" in words(page) and "More time until 30 June 2003" in words(page)
    assert f'value="{pattern.public_id}"' in page.text and 'action="' in page.text
    assert "Remind those that are ticked" in words(page)
    area = re.search(r'<option value="([^"]+)">Mereland', inspector.get(address(late, "/ledger")).text)
    assert area
    assert "6 of 6 agencies" in words(inspector.get(address(late, f"/ledger?area={area[1]}")))
    assert "No agency matches" in words(inspector.get(address(late, "/ledger?area=elsewhere")))


def test_the_response_over_time_has_a_line_and_a_table(world, inspector):
    submit(world)
    page = inspector.get(address(world, "/chase"))
    shown = words(page)
    assert re.search(r"12 May 2003 1( 0){5} The", shown) or re.search(r"12 May 2003( \d){6}", shown)
    assert "<polyline" in page.text and "style=" not in page.text
    assert page.text.count("<polyline") == 6 and "1 of 1" in shown
