"""Reopening around publication: what is left out, what the pages say of it, and what stays to be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app import clock as clocks
from app.domain.life import NotPossible
from app.models import AuditRound, Publication, Thread
from app.operations import querying, submissions
from app.operations import release as operations
from app.operations.returned_standards import return_for_correction
from app.queries.release import editions
from app.queries.rounds import NotFound
from tests.operations.test_release import clock, codes, mails, prepare, publish, seen  # noqa: F401
from tests.operations.test_returns import sign
from tests.web.test_oversight import words
from tests.web.test_release import queue  # noqa: F401
from tests.world import World

Clients = Callable[[str], FlaskClient]
HOUR = timedelta(hours=1)


def at_clock(world: World, day: date) -> None:
    """The application's clock goes on to a day."""
    clocks.pin(world.write(), day)
    world.session.commit()


def reopened(world: World, code: str, *, now: datetime) -> None:
    actor = world.actor("lead-inspector")
    submissions.reopen(world.write(), world.returns[code].public_id, reason="A fault.", by=actor, now=now)
    world.session.commit()


def corrected(world: World, *, now: datetime) -> Publication:
    actor = world.actor("lead-inspector")
    row = operations.correct(world.write(), world.audit_round.public_id, reason="A fault.", by=actor, now=now)
    world.session.commit()
    return row


def signed_again(world: World, code: str) -> None:
    world.answer(code, best=False)
    sign(world, code)


def test_feedback_about_a_submission_that_was_set_aside_does_not_come_out(
    client_as: Clients, world: World, codes: list[str]  # noqa: F811
) -> None:
    code, other = codes[:2]
    ret, signatory = world.returns[code].public_id, f"signatory-{world.returns[other].agency_type}"
    release, page = f"/rounds/{world.audit_round.public_id}/release", f"/returns/{ret}/feedback"
    lead, agency = client_as("lead-inspector"), client_as("lead")
    prepare(world)
    assert "The findings are set to come out" not in words(lead.get(f"/returns/{ret}/reopen"))
    at = world.now + 24 * HOUR
    publish(world, at)
    for place in ("reopen", "correction"):
        said = words(lead.get(f"/returns/{ret}/{place}"))
        assert "set to come out on 13 May 2003" in said and "the feedback to this agency is left out" in said
    assert "their feedback is left out" not in words(lead.get(release))
    reopened(world, code, now=world.now)
    said = words(lead.get(release))
    assert "Reopened since the time of publication was set" in said and "not signed again yet" in said

    # alike before the clock puts it on record, and after
    before = len(mails(world))
    for recorded in (False, True):
        world.session.rollback()
        [edition] = editions(world.session, world.session.get(AuditRound, world.audit_round.id), now=at)
        assert edition.is_recorded == recorded
        with pytest.raises(NotFound):
            seen(world, code, "lead", at)
        assert seen(world, other, signatory, at).edition == 1
        assert clock(world, at) == (not recorded)
    row = world.session.scalars(select(Publication)).one()
    assert row.sha256 == edition.sha256 and row.content["left_out"] == {ret: 1}
    assert row.content["feedback"] == {world.returns[other].public_id: 1}
    told = mails(world)[before:]
    assert [mail.user_id for mail in told] == [world.people[signatory].id], "only whose feedback came out"

    # signed again, it waits until it is prepared anew, and comes with a correction then
    at_clock(world, date(2003, 5, 14))
    later = world.now + 48 * HOUR
    assert "so their feedback did not come out" in words(lead.get(release))
    assert agency.get(page).status_code == 404
    signed_again(world, code)
    assert "signed again; prepare the feedback again" in words(lead.get(release))
    with pytest.raises(NotPossible, match="prepare the feedback again first"):
        corrected(world, now=later)  # what is prepared is about what was set aside
    assert agency.get(page).status_code == 404 and "Draft" in words(lead.get(page))
    prepare(world)
    assert "prepared anew" in words(lead.get(release))
    assert corrected(world, now=later).content["feedback"][ret] == 2
    assert "did not come out" not in words(lead.get(release))
    assert "Published" in words(agency.get(page))


def test_feedback_that_a_lead_publishes_knowingly_though_it_is_out_of_date_comes_out(
    world: World, codes: list[str]  # noqa: F811
) -> None:
    code = codes[0]
    prepare(world)
    reopened(world, code, now=world.now)
    signed_again(world, code)
    at = world.now + HOUR
    with pytest.raises(NotPossible, match="was replaced since: 1"):
        publish(world, at)
    publish(world, at, waived={"stale": "They know of it."})
    assert seen(world, code, "lead", at).row.version == 1


def test_what_was_published_stays_to_be_read_after_a_correction_leaves_it_out(
    client_as: Clients, world: World, codes: list[str], queue: list[str]  # noqa: F811
) -> None:
    code = codes[0]
    page = f"/returns/{world.returns[code].public_id}/feedback"
    lead, agency = client_as("lead-inspector"), client_as("lead")
    prepare(world)
    at = world.now + 24 * HOUR
    publish(world, at)
    clock(world, at)
    at_clock(world, date(2003, 5, 14))
    assert "stay as they are until a correction is published" in words(
        lead.get(f"/returns/{world.returns[code].public_id}/reopen")
    )
    reopened(world, code, now=at + HOUR)
    corrected(world, now=at + 2 * HOUR)
    for client in (agency, lead):
        read = words(client.get(page))
        assert "Published number 1, on 13 May 2003" in read and "This is what was published before" in read
        assert "Draft" not in read and "not published" not in read
        data = client.get(f"{page}/feedback.json").get_json()
        assert (data["edition"], data["replaced_by"], data["is_draft"]) == (1, 2, False)
    assert "By your own grades" in words(agency.get(page))
    assert agency.post(f"{page}/versions/1/pdf").status_code == 303 and len(queue) == 1

    # a newer version is a draft until it comes out, and what came out stays beside it
    signed_again(world, code)
    prepare(world)
    read = words(lead.get(page))
    assert "Draft" in read and "Number 1, on 13 May 2003" in read and "Replaced by number 2" in read
    assert agency.get(f"{page}/feedback.json?version=2").status_code == 404
    corrected(world, now=at + 3 * HOUR)
    read = words(agency.get(page))
    assert "number 3, on" in read and "Number 1, on 13 May 2003" in read
    assert agency.get(f"{page}/feedback.json?version=1").get_json()["replaced_by"] == 2
    assert agency.get(f"{page}/feedback.json").get_json()["version"] == 2
    other = client_as(f"signatory-{world.returns[codes[1]].agency_type}")
    assert other.get(f"{page}/feedback.json?version=1").status_code == 404


def test_open_queries_and_standards_with_an_agency_are_waived_one_by_one(
    client_as: Clients, world: World, codes: list[str]  # noqa: F811
) -> None:
    inspector, at = world.actor("inspector"), world.now + HOUR
    prepare(world)
    asked = querying.ask(
        world.write(), world.returns[codes[0]].public_id, subject="The rota", text="Since when?",
        due=date(2003, 5, 20), by=inspector, now=world.now,
    )  # fmt: skip
    world.session.commit()
    with pytest.raises(NotPossible, match="Queries that agencies have not answered: 1"):
        publish(world, at)
    standard = world.work(codes[1]).sections[0].standard.id
    return_for_correction(
        world.write(), world.returns[codes[1]].public_id, {standard: "Last year’s."}, until=date(2003, 5, 20),
        by=world.actor("lead-inspector"), now=world.now,
    )  # fmt: skip
    world.session.commit()
    with pytest.raises(NotPossible, match="not signed again: 1"):
        publish(world, at, waived={"queries": "It does not matter."})
    overview = client_as("lead-inspector").get(f"/rounds/{world.audit_round.public_id}/release")
    assert "Queries that agencies have not answered" in words(overview) and "not signed again" in words(overview)
    thread = world.write().get(Thread, asked.id)
    assert thread
    thread.state = "answered"
    world.session.commit()
    publish(world, at, waived={"returned": "They answer next year."})


def test_the_words_that_were_challenged_stay_beside_the_new_ones(
    client_as: Clients, world: World, codes: list[str]  # noqa: F811
) -> None:
    page = f"/returns/{world.returns[codes[0]].public_id}/feedback"
    inspector, agency, lead = client_as("inspector"), client_as("lead"), world.actor("lead-inspector")
    prepare(world)
    operations.set_window(
        world.write(), world.audit_round.public_id, opens=world.now - HOUR, closes=world.now + 240 * HOUR, by=lead,
        now=world.now - 2 * HOUR,
    )  # fmt: skip
    world.session.commit()
    written = {"version": "1", "narrative": "You did well in spring."}
    assert inspector.post(f"{page}/write", data=written).status_code == 303

    def settled(about: str, **decision: str) -> str:
        assert agency.post(f"{page}/challenge", data={"about": about, "text": f"Not {about}."}).status_code == 303
        world.session.rollback()
        thread = world.session.scalars(select(Thread.public_id).order_by(Thread.id.desc())).first()
        given = inspector.post(f"{page}/challenges/{thread}", data={"text": "You are right."} | decision)
        assert given.status_code == 303
        return f"{page}/challenges/{thread}"

    first = settled("overall", decision="replace", replacement="Nearly all is met.")
    for client, place in ((agency, page), (inspector, page), (inspector, first)):
        read = words(client.get(place))
        assert "By your own grades" in read.rpartition("It reads now:")[0][-900:], place
        assert "It reads now: Nearly all is met." in read
    gone = settled("peers", decision="withdraw")
    read = words(agency.get(page))
    assert "Too few agencies of your type submitted" in read and "It stands in the feedback no longer." in read
    assert "Too few agencies of your type submitted" in words(inspector.get(gone))
    settled("narrative", decision="replace", replacement="You did well in summer.")
    read = words(agency.get(page))
    assert "You did well in spring." in read and "It reads now: You did well in summer." in read

    # after the window the draft is gone, and with it what it says now
    at_clock(world, date(2003, 6, 2))
    read = words(agency.get(page))
    assert "By your own grades" in read and "Nearly all is met." not in read and "You did well" not in read
