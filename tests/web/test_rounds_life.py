"""The life of a round on its pages: the grace rule, more time, closing, reopening, archiving, mergers, registers."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.clock import end_of
from app.models import Agency, Area, AuditReturn, AuditRound, Event, Merger
from app.operations import closing, rounds
from tests.operations.test_registers import LOOKUP, NO_HEADING
from tests.world import SYSTEM, World, build

RULE = "what is submitted by 17 June 2003 at 00:29 is in time, and until 1 July 2003 at 00:29 answers are taken."


def words(response: TestResponse) -> str:
    """The text of a page, without tags and with single spaces."""
    page = re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))
    return re.sub(r"\s+", " ", unescape(page))


def days(**named: date) -> dict[str, str]:
    """Days as the fields of a form."""
    form = {}
    for name, day in named.items():
        form |= {f"{name}-day": str(day.day), f"{name}-month": str(day.month), f"{name}-year": str(day.year)}
    return form


def fresh(world: World) -> AuditRound:
    world.session.rollback()
    found = world.session.get(AuditRound, world.audit_round.id)
    assert found is not None
    return found


@pytest.fixture
def lead(client_as: Callable[[str], FlaskClient]) -> FlaskClient:
    return client_as("lead-inspector")


@pytest.fixture
def base(world: World) -> str:
    return f"/rounds/{world.audit_round.public_id}"


@pytest.fixture
def past(world: World) -> None:
    """The round closed yesterday by the clock."""
    rounds.set_dates(
        world.session.get(AuditRound, world.audit_round.id) if world.write() else world.audit_round,  # type: ignore[arg-type]
        due=world.now - timedelta(days=2), closes=world.now - timedelta(days=1),
    )  # fmt: skip
    world.session.commit()


# --- grace -----------------------------------------------------------------------------------------------------------


def test_the_rule_stands_on_the_round_and_on_the_agencys_task_list(
    client_as: Callable[[str], FlaskClient], lead: FlaskClient, world: World, base: str
) -> None:
    audit_return = world.returns["council-1"]
    for page in (words(lead.get(base)), words(client_as("lead").get(f"/returns/{audit_return.public_id}/"))):
        assert "The clock of this service decides, in London time. There are 30 minutes of grace: " + RULE in page


def test_the_closed_message_says_when_by_which_clock(
    client_as: Callable[[str], FlaskClient], world: World, past: None
) -> None:
    audit_return = world.returns["council-1"]
    page = words(client_as("lead").get(f"/returns/{audit_return.public_id}/"))
    assert "It closed on 11 May 2003 at 10:30, London time by the clock of this service" in page


def test_the_grace_is_planned_and_only_becomes_longer(lead: FlaskClient, world: World, base: str) -> None:
    page = lead.get(f"{base}/edit").get_data(as_text=True)
    assert re.search(r'name="grace_minutes"[^>]*value="30"', page)
    form = days(due=date(2003, 6, 16), closes=date(2003, 6, 30))
    form |= {"name": "Test round", "area_release": "on_submission"}
    for typed in ("soon", "29", "1441", "-5", "²"):
        response = lead.post(f"{base}/edit", data=form | {"grace_minutes": typed})
        assert response.status_code == 422 and "#grace_minutes" in response.get_data(as_text=True), typed
        assert f'value="{typed}"' in response.get_data(as_text=True)
    assert lead.post(f"{base}/edit", data=form | {"grace_minutes": "60"}).status_code == 303
    assert fresh(world).late_after == end_of(date(2003, 6, 16)) + timedelta(hours=1)


# --- more time for all -----------------------------------------------------------------------------------------------


def test_more_time_for_all_shows_first_who_is_told(lead: FlaskClient, world: World, base: str) -> None:
    assert "More time for all agencies" in words(lead.get(base))
    form = days(due=date(2003, 7, 1), closes=date(2003, 7, 14)) | {"reason": "Floods."}
    shown = lead.post(f"{base}/extend", data=form)
    number = len(world.returns)
    assert shown.status_code == 200
    assert f"{number} agencies have not submitted yet. An e-mail with the new dates goes to {number + 1} people" in (
        words(shown)
    )
    assert fresh(world).due == end_of(date(2003, 6, 16))  # nothing has changed yet
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', shown.get_data(as_text=True)))
    done = lead.post(f"{base}/extend", data=hidden | {"reason": "Floods."}, follow_redirects=True)
    assert "All agencies have more time." in words(done) and "Due 1 July 2003" in words(done)
    assert "Gave all agencies more time: due 1 July 2003, closes 14 July 2003. Reason: Floods." in (
        words(lead.get(f"{base}/history"))
    )


def test_wrong_dates_are_said_at_their_fields(lead: FlaskClient, world: World, base: str) -> None:
    response = lead.post(f"{base}/extend", data=days(due=date(2003, 6, 1), closes=date(2003, 6, 20)) | {"reason": ""})
    page = response.get_data(as_text=True)
    assert all(f'href="#{field}"' in page for field in ("due-day", "closes-day", "reason"))
    response = lead.post(f"{base}/extend", data={"due-day": "x", "reason": "Floods."})
    assert 'href="#due-day"' in response.get_data(as_text=True) and "Floods." in response.get_data(as_text=True)


# --- closing, reopening, archiving -----------------------------------------------------------------------------------


def test_a_round_is_closed_early_and_reopened(lead: FlaskClient, world: World, base: str) -> None:
    page = words(lead.get(f"{base}/close"))
    assert "30 minutes of grace from now on" in page and "An e-mail goes to" in page
    refused = lead.post(f"{base}/close", data={"reason": " "})
    assert refused.status_code == 422 and 'href="#reason"' in refused.get_data(as_text=True)
    assert fresh(world).closed_at is None
    closed = lead.post(f"{base}/close", data={"reason": "The inquiry has ended."}, follow_redirects=True)
    assert "The round is closed: answers are taken until 12 May 2003 at" in words(closed)
    assert "Reopen the round" in words(closed) and "Close the round now" not in words(closed)
    assert "grace until" in words(closed)
    assert lead.get(f"{base}/close").status_code == 409
    wrong = lead.post(f"{base}/reopen", data=days(to=date(2003, 5, 11)) | {"reason": "No"})
    assert 'href="#to-day"' in wrong.get_data(as_text=True)
    form = days(to=date(2003, 6, 20)) | {"reason": "Too early."}
    opened = lead.post(f"{base}/reopen", data=form, follow_redirects=True)
    assert "The round is open again until 20 June 2003." in words(opened)
    history = words(lead.get(f"{base}/history"))
    assert "Closed the round early" in history and "Reason: The inquiry has ended." in history
    assert "Reopened the round until 20 June 2003. Reason: Too early." in history


def test_a_closed_round_keeps_its_dates_on_the_form(lead: FlaskClient, world: World, base: str, past: None) -> None:
    page = lead.get(f"{base}/edit").get_data(as_text=True)
    assert 'name="due-day"' not in page and "To give more time, reopen it." in page
    form = {"name": "Spring round", "area_release": "at_close"} | days(findings_from=date(2003, 9, 1))
    assert lead.post(f"{base}/edit", data=form).status_code == 303
    found = fresh(world)
    assert found.name == "Spring round" and found.closes == world.now - timedelta(days=1)


def test_the_clocks_closing_is_told_in_the_history(lead: FlaskClient, world: World, base: str, past: None) -> None:
    closing.put_on_record(world.write(), now=world.now)
    world.session.commit()
    assert "Put on record that the round closed: answers were taken until 11 May 2003 at 10:30." in (
        words(lead.get(f"{base}/history"))
    )


def test_an_archived_round_leaves_the_list_and_comes_back(
    lead: FlaskClient, client_as: Callable[[str], FlaskClient], world: World, base: str, past: None
) -> None:
    assert "Archive this round?" in words(lead.get(f"{base}/archive"))
    lead.post(f"{base}/archive", follow_redirects=True)
    assert "Test round" not in words(lead.get("/rounds")) and "Show 1 archived round" in words(lead.get("/rounds"))
    assert "Test round" in words(lead.get("/rounds?show=archived"))
    page = words(lead.get(base))
    assert "Nothing in it can be changed." in page and "Change name and dates" not in page
    events = world.session.scalar(select(func.count(Event.id)))
    council = world.returns["council-1"].public_id
    for path, data in (
        (f"{base}/edit", {"name": "x", "area_release": "never"}),
        (f"{base}/reopen", days(to=date(2003, 7, 1)) | {"reason": "x"}),
        (f"/returns/{council}/extend", days(to=date(2003, 7, 1))),
        (f"/returns/{council}/nil", {"reason": "x"}),
    ):
        response = lead.post(path, data=data)
        assert response.status_code in (409, 422), path
        assert "archived" in words(response), path
    world.session.rollback()
    assert world.session.scalar(select(func.count(Event.id))) == events
    agency = words(client_as("lead").get(f"/returns/{council}/"))
    assert "This round is archived: it can be read and downloaded, and no longer changed." in agency
    lead.post(f"{base}/unarchive")
    assert "Test round" in words(lead.get("/rounds"))
    assert "Show 1 archived" not in words(lead.get("/rounds"))


def test_a_round_that_still_takes_answers_is_not_archived(lead: FlaskClient, world: World, base: str) -> None:
    assert lead.get(f"{base}/archive").status_code == 409
    assert lead.post(f"{base}/archive").status_code == 409
    assert fresh(world).archived_at is None


def test_an_inspector_who_leads_nothing_sees_no_ending_and_cannot_do_it(
    client_as: Callable[[str], FlaskClient], world: World, base: str
) -> None:
    inspector = client_as("inspector")
    page = words(inspector.get(base))
    assert "Close the round" not in page and "More time for all" not in page
    for page_name in ("close", "extend", "reopen", "archive", "unarchive"):
        assert inspector.post(f"{base}/{page_name}", data={"reason": "x"}).status_code in (403, 404)
    assert fresh(world).closed_at is None


# --- mergers ---------------------------------------------------------------------------------------------------------


def test_a_merger_is_recorded_shown_and_taken_back(
    client_as: Callable[[str], FlaskClient], world: World, base: str
) -> None:
    council, trust = world.returns["council-1"], world.returns["nhs-1"]
    inspector = client_as("inspector")
    address = f"/returns/{council.public_id}/merge"
    empty = inspector.post(address, data={"reason": ""})
    page = empty.get_data(as_text=True)
    assert all(f'href="#{field}"' in page for field in ("into", "merged_on-day", "reason"))
    form = days(merged_on=date(2003, 5, 1)) | {"into": trust.agency.public_id, "reason": "Reorganised."}
    done = inspector.post(address, data=form, follow_redirects=True)
    assert "It is recorded that Fictional council one was merged." in words(done)
    assert "Fictional nhs one, on 1 May 2003" in words(done) and "Give more time" not in words(done)
    assert "Answers also for" in words(inspector.get(f"{base}/returns/{trust.public_id}"))
    assert "1 of them merged into another" in words(inspector.get(base))
    ledger = words(inspector.get(f"{base}/ledger?state=merged"))
    assert "Fictional council one" in ledger and "Fictional police one" not in ledger
    merged = words(client_as("lead").get(f"/returns/{council.public_id}/"))
    assert "Fictional council one was merged into Fictional nhs one on 1 May 2003" in merged
    assert "The reason given: Reorganised." in merged
    successor = client_as("signatory-nhs")
    theirs = words(successor.get(f"/returns/{trust.public_id}/"))
    assert "From then on you answer for both here." in theirs and "Reorganised." in theirs
    assert council.public_id not in successor.get(f"/returns/{trust.public_id}/").get_data(as_text=True)
    assert successor.get(f"/returns/{council.public_id}/").status_code == 404
    history = words(client_as("lead").get(f"/returns/{council.public_id}/history"))
    assert "merged into nhs-1 on 1 May 2003. Reason: Reorganised." in history
    back = inspector.post(f"{address}/take-back", follow_redirects=True)
    assert "Fictional council one answers for itself again." in words(back)
    world.session.rollback()
    assert not world.session.scalars(select(Merger)).all()


def test_a_day_that_cannot_be_read_records_nothing(client_as: Callable[[str], FlaskClient], world: World) -> None:
    council, trust = world.returns["council-1"], world.returns["nhs-1"]
    form = {"into": trust.agency.public_id, "reason": "Reorganised.", "merged_on-day": "40", "merged_on-month": "x"}
    response = client_as("inspector").post(f"/returns/{council.public_id}/merge", data=form)
    page = response.get_data(as_text=True)
    assert 'href="#merged_on-day"' in page and 'value="40"' in page and "Reorganised." in page
    assert re.search(rf'value="{trust.agency.public_id}" selected', page)
    world.session.rollback()
    assert not world.session.scalars(select(Merger)).all()


def test_a_successor_outside_the_round_is_offered_to_be_added(
    lead: FlaskClient, client_as: Callable[[str], FlaskClient], world: World, base: str
) -> None:
    session = world.write()
    session.add(Agency(code="NEW1", name="Newly made trust", agency_type="nhs"))
    session.commit()
    council = world.returns["council-1"]
    form = days(merged_on=date(2003, 5, 1)) | {"code": "new1", "reason": "Reorganised."}
    done = lead.post(f"/returns/{council.public_id}/merge", data=form, follow_redirects=True)
    assert "Newly made trust is not in this round, so nobody answers for this agency now." in words(done)
    link = re.search(r'href="([^"]+q=NEW1[^"]*)"', done.get_data(as_text=True))
    assert link and "Newly made trust" in words(lead.get(unescape(link[1])))


def test_an_agency_that_closed_is_a_nil_return_with_its_day(
    client_as: Callable[[str], FlaskClient], world: World
) -> None:
    council = world.returns["council-1"]
    inspector = client_as("inspector")
    form = {"reason": "Dissolved."} | days(closed_on=date(2003, 5, 1))
    done = inspector.post(f"/returns/{council.public_id}/nil", data=form, follow_redirects=True)
    assert "Closed 1 May 2003" in words(done)
    assert "the agency closed on 1 May 2003. Reason: Dissolved." in (
        words(inspector.get(f"/returns/{council.public_id}/history"))
    )
    wrong = inspector.post(
        f"/returns/{world.returns['nhs-1'].public_id}/nil", data={"reason": "Gone", "closed_on-day": "x"}
    )
    assert 'href="#closed_on-day"' in wrong.get_data(as_text=True) and "Gone" in wrong.get_data(as_text=True)


# --- one round, several inspectorates --------------------------------------------------------------------------------


def test_each_inspectorate_reads_its_own_types_and_all_read_the_whole(app, session) -> None:  # type: ignore[no-untyped-def]
    """A pack of several bodies: the ledger is joint, a return's content is its own body's."""
    from app.operations import people, submissions
    from app.queries.returns import content_hash

    world = build(session, pack_key="climbie-2003")
    bodies = {served.oversight_body.code: served.agency_type for served in world.audit_round.served}
    assert len(bodies) > 1
    codes = list(world.returns)
    for code in codes:
        kind = code.removesuffix("-1")
        who = "signatory" if kind == next(iter(world.pack.agency_types)) else f"signatory-{kind}"
        world.answer(code, by=who)
        shown, actor = content_hash(world.work(code)), world.actor(who)
        submissions.sign_and_submit(
            world.write(), world.returns[code].public_id, by=actor, now=world.now, expected_hash=shown,
            identity_proved=True,
        )  # fmt: skip
        world.session.commit()
    inspectors = {}
    for body in bodies:
        inspectors[body] = people.add_person(
            world.write(), email=f"{body}@agency.example", name=f"Inspector {body}", role="inspector", body_code=body,
            post="", starts=world.now.date(), ends=None, by=SYSTEM, now=world.now,
        )  # fmt: skip
        world.session.commit()
    base = f"/rounds/{world.audit_round.public_id}"
    for body, user in inspectors.items():
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie["_user_id"], cookie["_fresh"], cookie["fs_cc"] = user.fs_uniquifier, True, "set"
        ledger = words(client.get(f"{base}/ledger"))
        for code in codes:
            audit_return = world.returns[code]
            assert audit_return.agency.name in ledger
            own = bodies[body] == audit_return.agency_type
            assert (client.get(f"/returns/{audit_return.public_id}/", follow_redirects=True).status_code == 200) is own
            assert (client.get(f"/returns/{audit_return.public_id}/history").status_code == 200) is own
            assert (client.get(f"/returns/{audit_return.public_id}/merge").status_code == 200) is own
            assert client.get(f"{base}/returns/{audit_return.public_id}").status_code == 200  # its line of the ledger


# --- registers -------------------------------------------------------------------------------------------------------


def upload(client: FlaskClient, base: str, content: str) -> TestResponse:
    return client.post(
        f"{base}/agencies", data={"way": "upload", "file": (io.BytesIO(content.encode()), "etr.csv")},
        content_type="multipart/form-data",
    )  # fmt: skip


def test_a_file_of_the_health_register_is_asked_its_type_then_confirmed(
    lead: FlaskClient, world: World, base: str
) -> None:
    before = world.session.scalar(select(func.count(Agency.id)))
    asked = upload(lead, base, NO_HEADING)
    assert "This looks like the NHS organisation register. It has 4 lines." in words(asked)
    form = {"way": "csv", "lines": NO_HEADING, "register_type": "", "register_areas": "High Level Health Geography"}
    refused = lead.post(f"{base}/agencies", data=form)
    assert 'href="#register_type"' in refused.get_data(as_text=True)
    shown = lead.post(f"{base}/agencies", data=form | {"register_type": "nhs"})
    assert "2 closed organisations are left out" in words(shown)
    assert "OLD MERE NHS TRUST (RX8), closed on 31 March 2002" in words(shown)
    world.session.rollback()
    assert world.session.scalar(select(func.count(Agency.id))) == before
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', shown.get_data(as_text=True)))
    assert hidden["register_type"] == "nhs"
    done = lead.post(f"{base}/agencies", data=hidden | {"lines": NO_HEADING}, follow_redirects=True)
    assert "2 agencies are added." in words(done)
    world.session.rollback()
    found = world.session.scalars(select(Agency).where(Agency.code == "RX9")).one()
    assert [placed.area.code for placed in found.areas] == ["Q99"]
    assert world.session.scalar(select(AuditReturn.id).where(AuditReturn.agency_id == found.id))


def test_a_lookup_is_asked_which_columns_are_what(lead: FlaskClient, world: World, base: str) -> None:
    asked = words(upload(lead, base, LOOKUP))
    assert "code list of the Office for National Statistics" in asked
    assert "Which columns are the agencies?" in asked and "PFA23" in asked
    form = {"way": "csv", "lines": LOOKUP, "register_type": "police", "register_agencies": "PFA23",
            "register_areas": "LAD23"}  # fmt: skip
    shown = words(lead.post(f"{base}/agencies", data=form))
    assert "Add 2 agencies to this round?" in shown and "Northmere, Southmere the lake" in shown
    assert "keeps it" not in shown
    world.write().add(Area(code="e99000001", name="Old Northmere"))
    world.session.commit()
    shown = words(lead.post(f"{base}/agencies", data=form))
    assert "One area is known by another name already, and keeps it:" in shown
    assert "Line 2: the area E99000001 is “Old Northmere” here, and “Northmere” in the file" in shown


def test_problems_of_a_register_keep_what_was_chosen(lead: FlaskClient, world: World, base: str) -> None:
    broken = LOOKUP + "E99000004,Eastmere\n"
    form = {"way": "csv", "lines": broken, "register_type": "police", "register_agencies": "PFA23"}
    page = lead.post(f"{base}/agencies", data=form).get_data(as_text=True)
    assert "has 2 cells" in page and "E99000004,Eastmere" in page
    assert 'name="register_type" value="police"' in page and 'name="register_agencies" value="PFA23"' in page
