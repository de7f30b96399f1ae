"""Release in the browser: from feedback through the window and the confirmation page to a correction; disclosure."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from app.clock import LONDON
from app.models import AuditRound, Feedback, Moderation, Publication, Release, ReportRun, Submission, Thread
from app.operations import events
from app.operations import release as operations
from app.operations.submissions import reopen
from app.queries.returns import history
from tests.operations.test_returns import sign
from tests.world import World

Client = Callable[[str], FlaskClient]


def words(response: Any) -> str:
    """The page's text without tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", response.get_data(as_text=True)).split())


@pytest.fixture
def codes(world: World) -> list[str]:
    """The agencies; the first two have submitted."""
    codes = list(world.returns)
    for code in codes[:2]:
        by = "signatory" if code == codes[0] else f"signatory-{world.returns[code].agency_type}"
        world.answer(code, by=by, best=code == codes[0])
        sign(world, code, by=by)
    return codes


@pytest.fixture
def queue(app, monkeypatch) -> list[str]:  # type: ignore[no-untyped-def]
    """Reports are queued here instead of by the worker's library, which is tested in tests/jobs."""
    asked: list[str] = []
    monkeypatch.setattr(
        app.extensions["candour_jobs"], "enqueue_report", lambda _session, run: asked.append(run)
    )
    return asked


def fields(name: str, at: datetime) -> dict[str, str]:
    """An instant as a form sends it."""
    local = at.astimezone(LONDON)
    return {
        f"{name}-day": str(local.day), f"{name}-month": str(local.month), f"{name}-year": str(local.year),
        f"{name}-time": f"{local:%H:%M}",
    }  # fmt: skip


def moved(world: World, **instants: datetime) -> None:
    """Move instants of the release: the application's clock runs on its own."""
    release = world.write().scalars(select(Release)).one()
    for name, at in instants.items():
        setattr(release, name, at)
    if "publish_at" in instants:
        world.session.get(AuditRound, world.audit_round.id).findings_from = instants["publish_at"]
    world.session.commit()


AGES_AGO, FAR_AHEAD = datetime(2003, 5, 1, tzinfo=UTC), datetime(2003, 9, 1, 8, 30, tzinfo=UTC)


def test_from_feedback_to_a_correction(world: World, codes: list[str], client_as: Client, queue: list[str]) -> None:
    rid, ret = world.audit_round.public_id, world.returns[codes[0]].public_id
    inspector, lead = client_as("inspector"), client_as("lead-inspector")
    agency, board = client_as("lead"), client_as("board")
    page = f"/returns/{ret}/feedback"

    overview = words(inspector.get(f"/rounds/{rid}/release"))
    assert "0 of 2 submitted returns have feedback" in overview and "Set the window" not in overview
    assert "No feedback is prepared" in words(inspector.get(page))
    done = inspector.post(f"/rounds/{rid}/release/prepare")
    assert done.status_code == 303
    assert "prepared for" not in words(inspector.post(f"/rounds/{rid}/release/prepare", follow_redirects=True))
    assert "By your own grades" in words(inspector.get(page))
    assert inspector.get(f"/rounds/{rid}/release/publish").status_code == 403

    # the inspector's own words, and what somebody else wrote meanwhile
    assert inspector.post(f"{page}/write", data={"version": "1", "narrative": "Good work."}).status_code == 303
    lost = inspector.post(f"{page}/write", data={"version": "1", "narrative": "Other words."})
    assert lost.status_code == 422 and "Good work." in words(lost) and "Other words." in words(lost)

    # the window: refused, then set
    wrong = lead.post(f"/rounds/{rid}/release/window", data={"opens-day": "31", "opens-time": "25:00"})
    assert wrong.status_code == 422 and 'href="#opens-time"' in wrong.text and 'value="25:00"' in wrong.text
    assert agency.get(page).status_code == 404
    set_ = lead.post(
        f"/rounds/{rid}/release/window", data=fields("opens", AGES_AGO) | fields("closes", FAR_AHEAD)
    )
    assert set_.status_code == 303, words(set_)
    assert "Draft" in words(agency.get(page)) and "Good work." in words(agency.get(page))
    assert "Challenge this" in words(agency.get(page)) and "Challenge this" not in words(board.get(page))
    assert agency.get(f"{page}/feedback.json").get_json()["is_draft"] is True
    assert board.get(f"{page}/challenge?about=overall").status_code == 403
    assert "Feedback to your agency" in words(agency.get(f"/returns/{ret}/"))

    # a challenge and its answer
    assert agency.get(f"{page}/challenge?about=nothing").status_code == 404
    empty = agency.post(f"{page}/challenge", data={"about": "overall", "text": ""})
    assert empty.status_code == 422 and 'href="#text"' in empty.text
    assert agency.post(f"{page}/challenge", data={"about": "overall", "text": "Not so."}).status_code == 303
    thread = world.write().scalars(select(Thread)).one().public_id
    world.session.rollback()
    assert agency.post(f"{page}/challenges/{thread}/add", data={"text": "And more."}).status_code == 303
    assert "1 challenge is not settled" in words(lead.get(f"/rounds/{rid}/release"))
    answer = f"{page}/challenges/{thread}"
    assert "And more." in words(inspector.get(answer)) and agency.get(answer).status_code == 403
    assert 'href="#replacement"' in inspector.post(answer, data={"decision": "replace", "text": "Yes."}).text
    given = {"decision": "replace", "text": "You are right.", "replacement": "Everything is met."}
    assert inspector.post(answer, data=given).status_code == 303
    read = words(agency.get(page))
    assert "Everything is met." in read and "Accepted" in read and "You are right." in read
    assert "Why" not in words(agency.get(f"{page}/versions/1")) and agency.get(f"{page}/versions/1").status_code == 403
    assert "Good work." not in words(inspector.get(f"{page}/versions/1"))

    # after the window the draft is gone, the challenges stay
    moved(world, accuracy_closes=datetime(2003, 5, 2, tzinfo=UTC))
    read = words(agency.get(page))
    assert "Everything is met." not in read and "You are right." in read and "read again once it is published" in read
    assert agency.get(f"{page}/feedback.json").status_code == 404

    # publication: looked at, confirmed, at its minute
    address = f"/rounds/{rid}/release/publish"
    assert "Choose a time that is ahead" in words(lead.post(address, data=fields("at", AGES_AGO)))
    at = fields("at", FAR_AHEAD)
    look = lead.post(address, data=at | {"step": "look"})
    assert "1 September 2003 at 09:30" in words(look) and "2 agencies get the feedback" in words(look)
    expected = re.search(r'name="expected" value="(\w{64})"', look.text)[1]
    stale = lead.post(address, data=at | {"step": "confirm", "expected": "0" * 64})
    assert stale.status_code == 422 and "Something changed" in words(stale)
    assert lead.post(address, data=at | {"step": "confirm", "expected": expected}).status_code == 303
    assert "The findings come out on 1 September 2003" in words(lead.get(f"/rounds/{rid}/release"))
    for path in (f"/rounds/{rid}/publications", f"/rounds/{rid}/publications/1.json", page + "/feedback.json"):
        assert agency.get(path).status_code == 404, path
    assert lead.post(f"/rounds/{rid}/release/take-back").status_code == 303
    assert lead.post(address, data=at | {"step": "confirm", "expected": expected}).status_code == 303

    moved(world, publish_at=AGES_AGO + timedelta(hours=9))
    for _recorded in (False, True):
        assert "In force" in words(agency.get(f"/rounds/{rid}/publications"))
        data = agency.get(f"/rounds/{rid}/publications/1.json").get_json()
        assert data["findings"]["response_total"]["submitted"] == 2 and "feedback" not in data
        assert "Published" in words(board.get(page)) and "Everything is met." in words(board.get(page))
        operations.by_the_clock(world.write(), now=world.now)
        world.session.commit()
    assert client_as("coordinator").get(f"/rounds/{rid}/publications").status_code in (403, 404)
    assert client_as("outsider").get(f"/rounds/{rid}/publications/1.json").status_code == 404

    # the PDF of what is published serves everybody; figures made in between stay with the inspectors
    made = agency.post(f"/rounds/{rid}/publications/1/pdf").headers["Location"]
    assert lead.post(f"/rounds/{rid}/publications/1/pdf").headers["Location"] == made and len(queue) == 1
    assert agency.get(made).status_code == 200
    live = lead.post(f"/rounds/{rid}/reports", data={"report": "joint-findings"}).headers["Location"]
    assert agency.get(live).status_code == 404 and lead.get(live).status_code == 200
    feedback = agency.post(f"{page}/versions/3/pdf").headers["Location"]
    assert board.get(feedback).status_code == 200
    assert client_as(f"signatory-{world.returns[codes[1]].agency_type}").get(feedback).status_code == 404
    assert agency.post(f"{page}/versions/1/pdf").status_code == 404

    # a correction
    assert "Nothing is different" in words(lead.get(f"/rounds/{rid}/release/correct"))
    reopen(
        world.write(), world.returns[codes[1]].public_id, reason="A fault.", by=world.actor("lead-inspector"),
        now=world.now,
    )  # fmt: skip
    world.session.commit()
    address = f"/rounds/{rid}/release/correct"
    shown = lead.get(address)
    assert "Feedback to single agencies" in words(shown)
    assert 'href="#reason"' in lead.post(address, data={"reason": ""}).text
    expected = re.search(r'name="expected" value="(\w{64})"', shown.text)[1]
    assert lead.post(address, data={"reason": "One was withdrawn.", "expected": expected}).status_code == 303
    listed = words(agency.get(f"/rounds/{rid}/publications"))
    assert "Replaced by number 2" in listed and "One was withdrawn." in listed and "What changed" in listed
    old = agency.get(f"/rounds/{rid}/publications/1.json")
    assert old.get_json()["replaced_by"] == 2 and "findings-1-replaced" in old.headers["Content-Disposition"]
    again = agency.post(f"/rounds/{rid}/publications/1/pdf").headers["Location"]
    assert again != made, "the PDF of before lacks the mark that it was replaced"
    assert len(world.write().scalars(select(Publication)).all()) == 2
    assert world.session.scalars(select(ReportRun).where(ReportRun.report == "feedback")).one().options["edition"] == 3
    assert len(world.session.scalars(select(Feedback)).all()) == 4


def test_publishing_all_the_same_takes_a_reason_for_each_obstacle(
    world: World, codes: list[str], client_as: Client
) -> None:
    rid, lead = world.audit_round.public_id, client_as("lead-inspector")
    at = fields("at", FAR_AHEAD)
    refused = lead.post(f"/rounds/{rid}/release/publish", data=at | {"step": "confirm"})
    assert refused.status_code == 422 and 'href="#waived-missing"' in refused.text
    assert world.write().scalars(select(Release)).all() == []
    world.session.rollback()
    given = at | {"step": "confirm", "waived-missing": "They are told by letter."}
    assert lead.post(f"/rounds/{rid}/release/publish", data=given).status_code == 303
    assert world.write().scalars(select(Release)).one().prepared["feedback"] == {}


def test_a_challenge_holds_publication_back_and_the_pages_say_so(
    world: World, codes: list[str], client_as: Client
) -> None:
    rid, ret = world.audit_round.public_id, world.returns[codes[0]].public_id
    lead, agency, page = client_as("lead-inspector"), client_as("lead"), f"/rounds/{rid}/release"
    lead.post(f"{page}/prepare")
    lead.post(f"{page}/window", data=fields("opens", AGES_AGO) | fields("closes", FAR_AHEAD))
    at = FAR_AHEAD + timedelta(days=3)
    form = fields("at", at) | {"step": "look"}
    shown = lead.post(f"{page}/publish", data=form)
    assert "A new challenge holds the publication back" in words(shown) and 'name="waived-later"' in shown.text
    waived = {f"waived-{key}": "They were told." for key in operations.OBSTACLES}
    done = lead.post(f"{page}/publish", data=form | waived | {"step": "confirm"}, follow_redirects=True)
    assert "A challenge that comes until" in words(done) and 'id="held"' not in done.text
    agency.post(f"/returns/{ret}/feedback/challenge", data={"about": "overall", "text": "That is not so."})
    held = lead.get(page)
    assert "Held back: the findings were to come out on 4 September 2003" in words(held)
    assert f'href="/returns/{ret}/feedback"' in held.text and "No time is set for publication" in words(held)
    assert "is held back" in words(lead.get(f"/rounds/{rid}/history"))
    assert "held back" not in words(agency.get(f"/returns/{ret}/feedback")).lower()
    # accepted beforehand, the next one does not
    again = form | waived | {"step": "confirm", "waived-later": "The minister speaks then."}
    done = lead.post(f"{page}/publish", data=again, follow_redirects=True)
    assert "do not hold it back" in words(done) and "The minister speaks then." in words(done)
    agency.post(f"/returns/{ret}/feedback/challenge", data={"about": "peers", "text": "Nor is that."})
    assert "The findings come out on 4 September 2003" in words(lead.get(page))


def test_a_disclosure_pack_names_roles_and_leaves_out_what_is_exempt(
    world: World, codes: list[str], client_as: Client
) -> None:
    code = codes[0]
    ret, lead = world.returns[code].public_id, client_as("lead-inspector")
    address = f"/returns/{ret}/disclosure"
    submission = world.write().scalars(select(Submission).where(Submission.return_id == world.returns[code].id)).one()
    item = world.work(code).items[0]
    grade = item.answer.value["grade"]
    world.write().add(
        Moderation(
            return_id=world.returns[code].id, submission_id=submission.id, criterion=item.criterion.id, version=1,
            outcome="upheld", self_grade=grade, grade=grade, reason="Sam Council showed us the files.",
            by_id=world.people["inspector"].id, at=world.now,
        )
    )  # fmt: skip
    world.session.commit()
    assert client_as("inspector").get(address).status_code == 403
    assert client_as("outsider").get(address).status_code == 404
    page = lead.get(address)
    assert "Accountable signatory" in words(page) and "Not published yet" in words(page)
    assert "showed us the files" in words(page), "the inspector decides with the text before them"
    moderated = re.search(r'value="(moderation:\w+)"', page.text)[1]
    declared = re.search(r'value="(declaration:1)"', page.text)[1]

    empty = lead.post(address, data={"decision": "exempt"})
    assert empty.status_code == 422 and "Choose at least one" in words(empty)
    no_reason = lead.post(address, data={"decision": "exempt", "entries": declared, "ground": "personal"})
    assert "Say why" in words(no_reason) and f'value="{declared}" checked' in no_reason.text
    data = {"decision": "exempt", "entries": declared, "ground": "personal", "reason": "The words of one person."}
    assert lead.post(address, data=data).status_code == 303
    assert lead.post(address, data={"decision": "hand_out", "entries": moderated}).status_code == 303

    made = lead.post(f"{address}/pack", data={"form": "sheet"})
    rows = CalamineWorkbook.from_filelike(io.BytesIO(made.data)).get_sheet_by_index(0).to_python()
    by_what = {row[3]: row for row in rows[3:]}
    signed = by_what["Declaration, submission 1"]
    assert signed[2] == "Accountable signatory" and signed[4] == "" and signed[5] == "yes"
    assert signed[6] == "Personal data: The words of one person."
    checked = next(row for what, row in by_what.items() if what.startswith("Moderation of"))
    assert checked[2] == "Inspector" and checked[5] == "no"
    assert checked[4].splitlines()[1] == "[Accountable signatory] showed us the files.", "no name, in texts neither"
    assert lead.post(f"{address}/pack", data={"form": "page"}).status_code == 303
    printed = words(lead.get(f"{address}/print"))
    assert "Exempt: Personal data" in printed and "Sam Council" not in printed.replace("Sam Council showed", "?")
    world.session.rollback()
    verbs = [event.verb for event in history(world.session, events.oversight_chain(world.returns[code]))]
    assert verbs == ["disclosure.marked", "disclosure.marked", "disclosure.exported", "disclosure.exported"]
    told = history(world.session, events.chain_of(world.returns[code]))
    assert not any(event.verb.startswith("disclosure") for event in told)
