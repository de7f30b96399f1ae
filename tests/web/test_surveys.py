"""A survey of staff: who gives results and who sees them, that few answers are never shown, and the figures."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random

import pypdf
import pytest
from flask.testing import FlaskClient
from obstore.store import MemoryStore
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from app.domain.corrections import changes
from app.domain.disclosure import Entry
from app.domain.findings import AgencyReturnDocument, JointFindings, SignedAnswer
from app.domain.integrity import hash_of
from app.domain.life import NotPossible
from app.files.store import Store
from app.models import Event, Submission, SurveyResult
from app.operations import sample, surveys
from app.operations.answers import Edit, save_answers
from app.operations.submissions import sign_and_submit
from app.policy import Denied
from app.queries.disclosure import entries
from app.queries.documents import agency_return_document
from app.queries.findings import joint_findings
from app.queries.returns import content_of
from app.queries.rounds import NotFound
from app.queries.surveys import beside_answers, survey_figures
from reports.make import make_report
from tests.pdf_gate import assert_pdf_ua
from tests.world import SYSTEM, World, build

HEADS = "agency,statement,asked,answered,agree,disagree,not-for-me"
CODE = "club-1"


@pytest.fixture
def world(session: Session) -> World:
    return build(session, pack_key="every-answer")


def given(*lines: str) -> str:
    return "\n".join([HEADS, *lines]) + "\n"


ENOUGH = given(f"{CODE},yes-no,60,40,10,30,0", f"{CODE},choice,60,9,9,0,0")


def send(client: FlaskClient, path: str, text: str) -> TestResponse:
    boundary, body = encode_multipart({"file": FileStorage(io.BytesIO(text.encode()), "results.csv")})
    return client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def give(world: World, text: str, by: str = "lead-inspector") -> int:
    number = surveys.give_for_round(
        world.write(), world.audit_round.public_id, text, by=world.actor(by), now=world.now
    )
    world.session.commit()
    return number


def shown(world: World, name: str) -> dict[str, int | None]:
    world.session.rollback()
    found = beside_answers(world.session, world.returns[CODE], actor=world.actor(name), now=world.now)
    return {key: one.percent for key, one in found.items()}


def test_an_agency_sees_what_it_gave_at_once_and_what_others_gave_after_it_submitted(world: World) -> None:
    rid = world.returns[CODE].public_id
    own = "statement,asked,answered,agree,disagree,not-for-me\nyes-no,20,20,10,10,0\n"
    assert surveys.give_own(world.write(), rid, own, by=world.actor("lead"), now=world.now) == 1
    world.session.commit()
    assert shown(world, "lead") == {"yes-no": 50}
    # before it submits nobody else reads anything of the agency
    with pytest.raises(Denied):
        shown(world, "inspector")
    give(world, ENOUGH)
    assert shown(world, "lead") == {}
    with pytest.raises(NotPossible):
        surveys.give_own(world.write(), rid, own, by=world.actor("lead"), now=world.now)
    world.session.rollback()
    submit(world)
    assert shown(world, "lead") == shown(world, "inspector") == {"yes-no": 25, "choice": None}
    assert shown(world, "coordinator") == shown(world, "lead")  # this round's submissions are released to areas
    for name in ("outsider", "administrator"):
        with pytest.raises(Denied):
            shown(world, name)
    # where it is checked
    asked = {"now": world.now, "permission": "return.moderate"}
    found = beside_answers(world.session, world.returns[CODE], actor=world.actor("inspector"), **asked)
    assert found["yes-no"].counted == 40
    with pytest.raises(Denied):
        beside_answers(world.session, world.returns[CODE], actor=world.actor("lead"), **asked)


def submit(world: World) -> None:
    """Answer everything of the agency and sign, by the machinery that makes samples."""
    session = world.write()
    audit_return = world.returns[CODE]
    sample._answer(session, audit_return, Random(1), world.now, SYSTEM, Store(MemoryStore()))
    stands = next(item.answer for item in world.work(CODE).items if item.id == "yes-no")
    yes = Edit("yes-no", {"answer": "yes", "basis": "paper"}, stands.version, "yes")
    save_answers(session, audit_return.public_id, [yes], by=SYSTEM, now=world.now)
    sample._answer(session, audit_return, Random(1), world.now, SYSTEM, Store(MemoryStore()))
    sign_and_submit(
        session, audit_return.public_id, by=world.actor("signatory"), now=world.now,
        expected_hash=hash_of(content_of(world.work(CODE))), identity_proved=True,
    )  # fmt: skip
    session.commit()


@pytest.mark.parametrize("name", ["inspector", "outsider", "coordinator", "administrator", "lead"])
def test_only_a_lead_inspector_of_the_round_gives_results_for_it(world: World, name: str) -> None:
    with pytest.raises(NotFound):
        surveys.give_for_round(
            world.write(), world.audit_round.public_id, ENOUGH, by=world.actor(name), now=world.now
        )


@pytest.mark.parametrize("name", ["contributor", "board", "lead-inspector"])
def test_only_the_lead_and_the_signatory_give_the_own_results(world: World, name: str) -> None:
    with pytest.raises(NotFound):
        surveys.give_own(
            world.write(), world.returns[CODE].public_id, ENOUGH, by=world.actor(name), now=world.now
        )


def test_where_a_line_is_wrong_nothing_is_stored(world: World, client_as: Callable[[str], FlaskClient]) -> None:
    give(world, ENOUGH)
    before = world.session.scalar(select(Event.id).order_by(Event.id.desc()).limit(1))
    path = f"/rounds/{world.audit_round.public_id}/survey"
    page = send(client_as("lead-inspector"), path, given(f"{CODE},yes-no,60,40,40,0,0", "x,yes-no,1,1,1,0,0"))
    assert page.status_code == 422
    assert "Line 3: There is no agency “x” here" in page.text
    world.session.rollback()
    assert world.session.scalar(select(SurveyResult.counts).order_by(SurveyResult.id).limit(1))["agree"] == 10
    assert world.session.scalar(select(Event.id).order_by(Event.id.desc()).limit(1)) == before


def test_the_pages_show_staff_beside_the_leadership(world: World, client_as: Callable[[str], FlaskClient]) -> None:
    path = f"/rounds/{world.audit_round.public_id}/survey"
    lead = client_as("lead-inspector")
    assert "has results of a survey yet" in lead.get(path).text
    assert send(lead, path, ENOUGH).status_code == 303
    submit(world)
    page = lead.get(path).text
    assert "25%" in page
    assert "I know who leads on safety here." in page
    assert "Where leadership and staff differ most" in page
    assert world.returns[CODE].agency.name in page
    rid = world.returns[CODE].public_id
    signed_page = lead.get(f"/returns/{rid}/submissions/{sid(world)}").text
    assert "25% agree (10 of 40; 60 were asked)" in signed_page
    assert "Too few answered" in signed_page
    assert "9 of 9" not in signed_page
    own = client_as("lead").get(f"/returns/{rid}/survey").text
    assert "25%" in own and "10 of 40" in own and "Too few answered" in own
    assert "Gave results of a survey of staff for 1 agency." in lead.get(
        f"/rounds/{world.audit_round.public_id}/history"
    ).text
    example = lead.get(f"{path}/example.csv")
    assert example.data.decode("utf-8-sig").strip() == HEADS


def test_figures_can_be_narrowed_and_downloaded(world: World, client_as: Callable[[str], FlaskClient]) -> None:
    path = f"/rounds/{world.audit_round.public_id}/survey"
    lead = client_as("lead-inspector")
    give(world, ENOUGH)
    submit(world)

    def file(query: str = "") -> list[dict[str, str]]:
        answer = lead.get(f"{path}?format=csv{query}")
        assert answer.content_type.startswith("text/csv")
        return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))

    by_id = {line["Id"]: line for line in file()}
    assert set(by_id) == {"yes-no", "choice"}
    assert by_id["yes-no"]["Per cent of staff who agree"] == "25"
    assert by_id["yes-no"]["Signed grades met"] == "1"
    few = by_id["choice"]
    assert few["Agencies with too few answers"] == "1"
    hidden = ("Staff asked", "Staff who answered", "Staff who agree", "Per cent of staff who agree")
    assert [few[name] for name in hidden] == [""] * 4
    assert [line["Id"] for line in file("&statement=choice")] == ["choice"]
    assert file("&type=nobody") == []
    page = lead.get(f"{path}?statement=choice").text
    assert "We practise at least once a month." in page
    assert page.count("I know who leads on safety here.") == 1  # among the choices, and not in the table
    assert "Nothing matches." in lead.get(f"{path}?statement=no-such").text


def test_an_agency_downloads_what_it_sees_and_no_more(
    world: World, client_as: Callable[[str], FlaskClient]
) -> None:
    give(world, ENOUGH)
    path = f"/returns/{world.returns[CODE].public_id}/survey"
    lead = client_as("lead")

    def rows() -> list[list[str]]:
        return list(csv.reader(io.StringIO(lead.get(f"{path}?format=csv").data.decode("utf-8-sig"))))[1:]

    assert rows() == []  # the body gave them, and nothing is submitted yet
    submit(world)
    assert [row[:1] + row[2:] for row in rows()] == [["yes-no", "60", "40", "10", "25"], ["choice", "", "", "", ""]]


def test_the_signed_return_shows_staff_beside_the_answers(world: World) -> None:
    submit(world)

    def document(name: str) -> AgencyReturnDocument:
        world.session.rollback()
        found = agency_return_document(world.session, world.returns[CODE], actor=world.actor(name), now=world.now)
        assert found is not None
        return found

    before = document("lead")
    assert not before.staff_title and all(answer.staff is None for answer in answers_of(before))
    give(world, ENOUGH)
    after = document("lead")
    # a report is made once, and read by all who may read the submission
    assert after == document("inspector") == document("coordinator")
    assert after.snapshot_id != before.snapshot_id
    assert after.staff_title == "Survey of helpers 2003"
    staff = {answer.id: answer.staff for answer in answers_of(after) if answer.staff}
    assert set(staff) == {"yes-no", "choice"}
    assert (staff["yes-no"].percent, staff["yes-no"].agree, staff["yes-no"].counted) == (25, 10, 40)
    assert (staff["choice"].percent, staff["choice"].agree, staff["choice"].counted) == (None, None, None)


def answers_of(document: AgencyReturnDocument) -> list[SignedAnswer]:
    return [answer for standard in document.standards for answer in standard.answers]


def test_joint_findings_set_staff_beside_leaders_and_name_nobody(world: World) -> None:
    def findings() -> JointFindings:
        world.session.rollback()
        return joint_findings(world.session, world.audit_round, actor=world.actor("inspector"), now=world.now)

    give(world, ENOUGH)
    assert findings().staff is None  # nothing is submitted
    submit(world)
    first = findings()
    staff = first.staff
    assert staff is not None and (staff.returns, staff.least) == (1, 10)
    whole, few = staff.lines
    assert (whole.id, whole.agree, whole.counted, whole.percent) == ("yes-no", 10, 40, 25)
    assert (whole.met, whole.graded, whole.percent_met, whole.agencies, whole.few) == (1, 1, 100, 1, 0)
    assert (few.id, few.agree, few.counted, few.percent, few.asked, few.few) == ("choice", 0, 0, None, 0, 1)
    assert world.returns[CODE].agency.name not in staff.model_dump_json()
    give(world, given(f"{CODE},yes-no,60,40,20,20,0"))
    again = findings()
    assert again.snapshot_id != first.snapshot_id
    changed = changes(first.model_dump(mode="json"), again.model_dump(mode="json"))
    assert {(one.chapter, one.field, one.old, one.new) for one in changed if "I know" in one.what} == {
        ("staff", "agree", "10", "20"), ("staff", "percent", "25", "50"),
    }  # fmt: skip
    # what was taken away is said too
    assert any("We practise" in one.what and not one.new for one in changed)


def test_reports_say_what_staff_said(world: World, tmp_path: Path) -> None:
    give(world, ENOUGH)
    submit(world)
    for key, audit_return in (("agency-return", world.returns[CODE]), ("joint-findings", None)):
        for language in ("en", "cy"):
            out = tmp_path / f"{key}-{language}.pdf"
            made = {"out": out, "actor": SYSTEM, "now": world.now, "language": language}
            make_report(world.session, key, world.audit_round, audit_return, **made)
            assert_pdf_ua(out)
            words = re.sub(r"\s+", " ", "".join(page.extract_text() for page in pypdf.PdfReader(out).pages))
            assert "I know who leads on safety here." in words
            assert "25%" in words
            assert "9 of 9" not in words
            title = "Survey of helpers 2003" if language == "en" else "Arolwg o gynorthwywyr 2003"
            assert title in words


def test_the_disclosure_pack_holds_what_may_be_shown(world: World) -> None:
    def said() -> Entry:
        world.session.rollback()
        by = world.actor("lead-inspector")
        found = entries(world.session, world.returns[CODE], actor=by, now=world.now)
        return next(one for one in found if one.what.rendered() == "Survey of staff, results")

    rid = world.returns[CODE].public_id
    own = "statement,asked,answered,agree,disagree,not-for-me\nyes-no,20,20,10,10,0\n"
    surveys.give_own(world.write(), rid, own, by=world.actor("lead"), now=world.now)
    world.session.commit()
    with pytest.raises(StopIteration):
        said()  # a draft of the agency, until it submits
    give(world, ENOUGH)
    assert said().suggestion == "unpublished"  # the agency is not to see them before it submits
    submit(world)
    entry = said()
    assert (entry.suggestion, entry.role) == ("", "lead_inspector")
    assert "25% agree (10 of 40; 60 were asked)" in entry.text
    assert "Too few answered" in entry.text
    assert "9 of 9" not in entry.text
    # the body gives others: nothing that was decided of these holds for them
    world.now += timedelta(hours=1)
    give(world, given(f"{CODE},yes-no,60,40,20,20,0"))
    assert said().id != entry.id


def sid(world: World) -> str:
    world.session.rollback()
    return str(world.session.scalar(select(Submission.public_id)))


def test_figures_leave_out_few_answers_and_drafts(world: World) -> None:
    give(world, ENOUGH)

    def figures() -> object:
        world.session.rollback()
        return survey_figures(world.session, world.audit_round, actor=world.actor("inspector"), now=world.now)

    assert figures().lines == ()  # type: ignore[attr-defined]
    submit(world)
    by_id = {line.id: line for line in figures().lines}  # type: ignore[attr-defined]
    whole, few = by_id["yes-no"], by_id["choice"]
    assert (whole.agencies, whole.few, whole.agree, whole.counted, whole.met, whole.graded) == (1, 0, 10, 40, 1, 1)
    assert (few.agencies, few.few, few.agree, few.counted, few.graded) == (0, 1, 0, 0, 0)
    assert few.percent is None
    assert [(one.number, one.percent) for one in figures().apart] == [(whole.number, 25)]  # type: ignore[attr-defined]
    with pytest.raises(Denied):
        survey_figures(world.session, world.audit_round, actor=world.actor("lead"), now=world.now)
