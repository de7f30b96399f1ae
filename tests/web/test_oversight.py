"""The pages of oversight bodies: rounds, their agencies, the ledger, single returns; and areas."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.models import Agency, AuditReturn, AuditRound, Submission, User
from app.operations import submissions
from app.queries.returns import content_hash
from app.sheets.formulas import safe_cell
from tests.world import World


def words(response: TestResponse) -> str:
    """The text of a page, without tags and with single spaces."""
    page = re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))
    return re.sub(r"\s+", " ", unescape(page))


def count(world: World, model: type) -> int:
    """How many rows there are now, read anew."""
    world.session.rollback()
    return world.session.scalar(select(func.count()).select_from(model)) or 0


def submit(world: World, code: str = "council-1", by: str = "signatory") -> AuditReturn:
    """Answer, sign and submit one return."""
    world.answer(code, by=by)
    audit_return = world.returns[code]
    shown = content_hash(world.work(code))
    actor = world.actor(by)
    submissions.sign_and_submit(
        world.write(), audit_return.public_id, by=actor, now=world.now, expected_hash=shown, identity_proved=True
    )
    world.session.commit()
    return audit_return


def plan(world: World, **changes: str) -> dict[str, str]:
    """The form of a new round, filled in."""
    form = {"pack": world.version.public_id, "name": "Summer round", "key": "", "area_release": "at_close"}
    for name, day in (
        ("opens", date(2003, 5, 12)), ("due", date(2003, 7, 7)), ("closes", date(2003, 7, 21)),
        ("milestones_from", date(2003, 5, 12)),
    ):  # fmt: skip
        form |= {f"{name}-day": str(day.day), f"{name}-month": str(day.month), f"{name}-year": str(day.year)}
    return form | changes


@pytest.fixture
def lead(client_as) -> FlaskClient:
    """A lead inspector of the body that owns the test round."""
    client: FlaskClient = client_as("lead-inspector")
    return client


@pytest.fixture
def draft(lead: FlaskClient, world: World) -> str:
    """The address of a round that is being prepared, with no agency in it."""
    answer = lead.post("/rounds/new", data=plan(world))
    assert answer.status_code == 303
    return str(answer.headers["Location"])


# --- who sees what ---------------------------------------------------------------------------------------------------


def test_rounds_show_to_their_bodies_only(client_as, world):
    address = f"/rounds/{world.audit_round.public_id}"
    assert "Test round" in words(client_as("inspector").get("/rounds"))
    outsider = client_as("outsider")
    assert "takes part in no round yet" in words(outsider.get("/rounds"))
    pages = ("", "/ledger", "/history", "/preview", "/agencies", "/invitations", "/edit", "/open")
    assert {outsider.get(address + page).status_code for page in pages} == {404}
    # an inspector reads, a lead inspector changes
    inspector = client_as("inspector")
    assert inspector.get(f"{address}/ledger").status_code == 200
    assert inspector.get(f"{address}/edit").status_code == 403
    assert client_as("signatory").get("/rounds").status_code == 403
    assert lead_page(client_as, "/rounds/nothere") == 404


def lead_page(client_as, address: str) -> int:
    """The status of a page for a lead inspector."""
    return client_as("lead-inspector").get(address).status_code


def test_an_open_round_shows_its_response(lead, world):
    submit(world)
    page = words(lead.get(f"/rounds/{world.audit_round.public_id}"))
    assert re.search(r"submitted 1 of 6 expected 17%", page)
    assert "35" in page and "days to the due date" in page


# --- planning and opening --------------------------------------------------------------------------------------------


def test_a_round_is_planned_with_a_key_made_from_its_name(lead, world, draft):
    world.session.rollback()
    made = world.session.scalars(select(AuditRound).where(AuditRound.name == "Summer round")).one()
    assert (made.key, made.stage, draft) == ("summer-round", "draft", f"/rounds/{made.public_id}")
    assert "Add at least one agency first" in words(lead.get(draft))
    again = lead.post("/rounds/new", data=plan(world))
    assert again.status_code == 303
    assert "summer-round-2" in words(lead.get(again.headers["Location"]))


def test_a_wrong_plan_says_everything_at_once_and_keeps_what_was_typed(lead, world):
    before = count(world, AuditRound)
    form = plan(world, pack="nothing", name="", key="No Good", area_release="whenever")
    form |= {"due-month": "2", "due-day": "31", "closes-year": "2001", "opens-day": ""}
    answer = lead.post("/rounds/new", data=form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and count(world, AuditRound) == before
    for field in ("pack", "name", "key", "due-day", "closes-day", "opens-day", "area_release"):
        assert f'href="#{field}"' in page and f'id="{field}"' in page, field
    assert 'value="31"' in page and 'value="No Good"' in page
    assert "The closing date has passed" in words(answer)
    for due in ("1", "0"):  # dates in the past, and zero
        answer = lead.post("/rounds/new", data=plan(world) | {"due-month": due})
        assert "The due date has passed" in words(answer) or "There is no such day" in words(answer)
    assert count(world, AuditRound) == before
    taken = lead.post("/rounds/new", data=plan(world, key="test-round"))
    assert "There is a round with the key “test-round” already" in words(taken)


def test_odd_bytes_in_a_form_are_no_error_of_the_service(lead, world):
    answer = lead.post("/rounds/new", data=plan(world, name="Zero\x00byte", key="a\x00b", pack="\x00"))
    assert answer.status_code == 422
    assert lead.get("/rounds/x/ledger?q=%00").status_code == 404
    assert lead.get("/rounds/a%00b").status_code == 404
    assert lead.post("/returns/%00/reopen", data={"reason": "\x00"}).status_code == 404
    ledger = f"/rounds/{world.audit_round.public_id}/ledger"
    odd = f"{ledger}?q=%00%25_&type=x/y/z&state=odd&sort=odd&dir=odd&page=99999999999"
    assert "No agency matches" in words(lead.get(odd))


def test_the_plan_of_an_open_round_moves_only_to_later(lead, world):
    address = f"/rounds/{world.audit_round.public_id}/edit"
    earlier = plan(world) | {"due-month": "6", "due-day": "1"}
    assert "it can only move to a later day" in words(lead.post(address, data=earlier))
    assert lead.post(address, data=plan(world, name="Renamed")).status_code == 303
    world.session.rollback()
    world.session.refresh(world.audit_round)
    assert world.audit_round.name == "Renamed" and world.audit_round.milestones_from == date(2003, 1, 28)


def test_a_round_opens_after_asking_and_only_with_agencies(lead, world, draft):
    assert "Add at least one agency before the round opens" in words(lead.post(f"{draft}/open"))
    lead.post(f"{draft}/agencies", data={"way": "matching", "type": "council"})
    assert "One agency will be asked" in words(lead.get(f"{draft}/open"))
    assert lead.post(f"{draft}/open").status_code == 303
    assert "Not started 1" in words(lead.get(draft))
    assert "This round is open already" in words(lead.post(f"{draft}/open"))
    assert lead.get(f"{draft}/open").status_code == 303
    history = words(lead.get(f"{draft}/history"))
    assert "Opened the round to 1 agency. " in history and "Record whole" in history


# --- agencies --------------------------------------------------------------------------------------------------------

GOOD = "\n".join(f"Pasted school {number}, school, head{number}@mere.example" for number in range(30))


def test_wrong_lines_are_shown_line_by_line_and_nothing_is_stored(lead, world, draft):
    before = count(world, Agency), count(world, User), count(world, AuditReturn)
    pasted = f"{GOOD}\nBroken, sausage, x@mere.example\nShort\nPasted school 1, school, head@mere.example"
    answer = lead.post(f"{draft}/agencies", data={"way": "paste", "lines": pasted.replace("\n", "\r\n")})
    page = words(answer)
    assert answer.status_code == 422
    assert "3 things must be mended" in page and "Nothing was stored" in page
    assert "31 Broken, sausage, x@mere.example “sausage” is no agency type here" in page
    assert "32 Short Give name, type and e-mail address" in page and "repeats the agency of line 2" in page
    assert "31 lines are right" in page
    assert "Pasted school 29, school, head29@mere.example Broken" in page  # the text again, whole
    assert (count(world, Agency), count(world, User), count(world, AuditReturn)) == before


def test_right_lines_are_shown_first_and_stored_when_confirmed(lead, world, draft):
    before = count(world, Agency)
    lines = {"way": "paste", "lines": GOOD}
    shown = lead.post(f"{draft}/agencies", data=lines)
    assert "Add 30 agencies to this round?" in words(shown) and count(world, Agency) == before
    assert lead.post(f"{draft}/agencies", data=lines | {"confirmed": "1"}).status_code == 303
    assert count(world, Agency) == before + 30
    assert "30 agencies are added" in words(lead.get(f"{draft}/agencies"))
    again = words(lead.post(f"{draft}/agencies", data=lines))
    assert "These agencies are in the round already" in again
    lead.post(f"{draft}/agencies", data=lines | {"confirmed": "1"})
    assert count(world, Agency) == before + 30


WRONG_FILES = [
    (b"", "The file is empty"),
    (b"name;type\nx;y", "The column “code” is missing"),
    (b"code,name,type,colour\n1,a,school,red", "There is no column “colour”"),
    (b"code,name,type\n1,a", "This line has 2 cells, the heading has 3"),
    (b"\xff\xfec\x00o\x00", "no plain CSV in UTF-8"),
    (b'code,name,type\n1,"never closed,school', "cannot be read"),
]


def test_a_wrong_file_is_explained(lead, world, draft):
    before = count(world, Agency)
    for content, says in WRONG_FILES:
        file = (io.BytesIO(content), "agencies.csv")
        answer = lead.post(f"{draft}/agencies", data={"way": "upload", "file": file})
        assert answer.status_code == 422 and says in words(answer), says
    megabyte = lead.post(f"{draft}/agencies", data={"way": "paste", "lines": "x" * 1_000_000})
    assert megabyte.status_code == 422 and "cannot be read" in words(megabyte)
    assert count(world, Agency) == before


def test_the_example_file_can_be_uploaded_as_it_is(lead, world, draft):
    example = lead.get(f"{draft}/agencies/example.csv")
    shown = lead.post(f"{draft}/agencies", data={"way": "upload", "file": (io.BytesIO(example.data), "a.csv")})
    assert "Add 6 agencies to this round?" in words(shown)
    lines = unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>", shown.get_data(as_text=True), re.S)[1])
    assert lead.post(f"{draft}/agencies", data={"way": "csv", "lines": lines, "confirmed": "1"}).status_code == 303
    assert "6 agencies are in this round" in words(lead.get(f"{draft}/agencies"))


def test_a_line_that_contradicts_what_is_stored_is_a_problem_too(lead, world, draft):
    before = world.session.scalar(select(Agency.name).where(Agency.code == "nhs-1"))
    text = "code,name,type\nnhs-1,Renamed,school\nnew-1,New one,school"
    answer = lead.post(f"{draft}/agencies", data={"way": "csv", "lines": text, "confirmed": "1"})
    assert "is known as an agency of another type" in words(answer)
    world.session.rollback()
    assert world.session.scalar(select(Agency.name).where(Agency.code == "nhs-1")) == before
    assert world.session.scalar(select(Agency.id).where(Agency.code == "new-1")) is None


def test_known_agencies_are_picked_and_removed_again(lead, world, draft):
    chosen = world.session.scalars(select(Agency.public_id).where(Agency.code.in_(("nhs-1", "school-1")))).all()
    assert "Tick at least one agency" in words(lead.post(f"{draft}/agencies", data={"way": "pick"}))
    lead.post(f"{draft}/agencies", data={"way": "pick", "agency": [*chosen, "unknown", "\x00"]})
    found = lead.get(f"{draft}/agencies?q=Fictional&type=police&area=")
    assert "2 agencies are in this round" in words(found) and "Add the one that matches" in words(found)
    remove = re.search(rf"{draft}/agencies/\w+/remove", found.get_data(as_text=True))[0]
    assert "Remove" in words(lead.get(remove))
    assert lead.post(remove).status_code == 303
    assert lead.post(remove).status_code == 404
    assert "1 agency is in this round" in words(lead.get(f"{draft}/agencies"))
    # of an open round none can be removed
    there = world.returns["nhs-1"].public_id
    answer = lead.post(f"/rounds/{world.audit_round.public_id}/agencies/{there}/remove")
    assert answer.status_code == 409 and "Record a nil return" in words(answer)


def test_invitations_give_a_link_to_those_who_have_not_joined(lead, world, app):
    address = f"/rounds/{world.audit_round.public_id}/invitations"
    page = lead.get(address)
    links = re.findall(r'value="http://localhost(/welcome/[^"]+)"', page.get_data(as_text=True))
    assert len(links) == 7  # six signatories and an audit lead
    assert app.test_client().get(links[0]).status_code == 200
    assert "People: 1" in words(lead.get(f"{address}?q=signatory-police"))
    assert "Nobody matches" in words(lead.get(f"{address}?state=joined"))
    rows = list(csv.reader(io.StringIO(lead.get(f"{address}?format=csv").get_data().decode("utf-8-sig"))))
    assert len(rows) == 8 and all("/welcome/" in row[-1] for row in rows[1:])


def test_the_preview_leaves_out_what_a_subtype_is_not_asked(lead, world):
    address = f"/rounds/{world.audit_round.public_id}/preview"
    assert "signed by the" in words(lead.get(address))
    for key, kind in world.pack.agency_types.items():
        for subtype in kind.subtypes or [""]:
            page = lead.get(f"{address}/{key}?subtype={subtype}").get_data(as_text=True)
            asked = {one.id for one in world.pack.templates[key].asked_of(subtype or None)}
            assert set(re.findall(r'id="criterion-([a-z0-9-]+)"', page)) == asked
    assert lead.get(f"{address}/nothing").status_code == 404


# --- the ledger ------------------------------------------------------------------------------------------------------


def test_the_ledger_narrows_sorts_and_downloads(lead, world):
    submit(world)
    address = f"/rounds/{world.audit_round.public_id}/ledger"
    assert "6 of 6 agencies" in words(lead.get(address))
    assert "1 of 6 agencies" in words(lead.get(f"{address}?state=submitted"))
    assert "1 of 6 agencies" in words(lead.get(f"{address}?type=council"))
    sorted_page = lead.get(f"{address}?sort=progress&dir=down").get_data(as_text=True)
    assert 'aria-sort="descending"' in sorted_page
    assert sorted_page.index("Fictional council one") < sorted_page.index("Fictional nhs one")
    rows = list(csv.DictReader(io.StringIO(lead.get(f"{address}?format=csv").get_data().decode("utf-8-sig"))))
    assert len(rows) == 6 and {row["State"] for row in rows} == {"Submitted on time", "Not started"}


def test_a_spreadsheet_takes_no_cell_for_a_formula(lead, world):
    assert [safe_cell(text) for text in ("=1+1", "+1", "-1", "@x", "\tx", "\rx", "a=1", None, 3)] == [
        "'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "a=1", "", "3",
    ]  # fmt: skip
    world.write().scalars(select(Agency).where(Agency.code == "nhs-1")).one().name = '=HYPERLINK("http://x")'
    world.session.commit()
    text = lead.get(f"/rounds/{world.audit_round.public_id}/ledger?format=csv").get_data(as_text=True)
    assert '"\'=HYPERLINK(' in text


# --- one return ------------------------------------------------------------------------------------------------------


def test_a_draft_stays_with_the_agency(lead, world):
    world.answer("council-1", standards=1)
    audit_return = world.returns["council-1"]
    page = words(lead.get(f"/rounds/{world.audit_round.public_id}/returns/{audit_return.public_id}"))
    assert "In progress" in page and "Nothing is submitted that you may read" in page
    assert lead.get(f"/rounds/{world.audit_round.public_id}/returns/unknown").status_code == 404


def test_reopening_asks_for_a_reason_and_keeps_the_submission(lead, client_as, world):
    audit_return = submit(world)
    address = f"/returns/{audit_return.public_id}/reopen"
    assert client_as("outsider").post(address, data={"reason": "x"}).status_code == 404
    assert "The signature is voided" in words(lead.get(address))
    empty = lead.post(address, data={"reason": "  "})
    assert empty.status_code == 422 and 'href="#reason"' in empty.get_data(as_text=True)
    long = "Too long. " * 100_000
    answer = lead.post(address, data={"reason": long})
    assert "shorten it to 4000 or fewer" in words(answer) and "Too long. Too long." in words(answer)
    done = lead.post(address, data={"reason": "Section three was left out."})
    assert done.status_code == 303
    page = words(lead.get(done.headers["Location"]))
    assert "Signature voided" in page and "Section three was left out." in page and "In progress" in page
    assert count(world, Submission) == 1
    twice = lead.post(address, data={"reason": "again"})
    assert twice.status_code == 409 and "nothing to reopen" in words(twice)


def test_a_nil_return_has_a_reason_and_can_be_taken_back(lead, world):
    audit_return = world.returns["school-1"]
    address = f"/returns/{audit_return.public_id}/nil"
    assert "Give the reason" in words(lead.post(address, data={"reason": ""}))
    done = lead.post(address, data={"reason": "Merged into another school."})
    assert "Merged into another school." in words(lead.get(done.headers["Location"]))
    assert lead.post(address, data={"reason": "again"}).status_code == 409
    assert "expected 0%" in words(lead.get(f"/rounds/{world.audit_round.public_id}"))
    assert lead.post(f"{address}/take-back").status_code == 303
    assert lead.post(f"{address}/take-back").status_code == 409


def test_more_time_must_be_later_than_the_due_date(lead, world):
    audit_return = world.returns["school-1"]
    address = f"/returns/{audit_return.public_id}/extend"

    def ask(day: str, month: str, year: str) -> TestResponse:
        return lead.post(address, data={"to-day": day, "to-month": month, "to-year": year})

    assert "The new date has passed already" in words(ask("1", "5", "2003"))
    assert "not after the round’s due date" in words(ask("16", "6", "2003"))
    assert "There is no such day" in words(ask("31", "6", "2003"))
    assert 'href="#to-day"' in ask("", "", "").get_data(as_text=True)
    done = ask("15", "7", "2003")
    assert done.status_code == 303 and "15 July 2003 (more time given)" in words(lead.get(done.headers["Location"]))


# --- areas -----------------------------------------------------------------------------------------------------------


def test_a_coordinator_sees_the_area_and_reads_what_is_released(client_as, world):
    coordinator = client_as("coordinator")
    address = coordinator.get("/").headers["Location"]
    assert "/areas/" in address and "Nil return" not in words(coordinator.get(address))
    audit_return = submit(world)
    page = coordinator.get(address)
    assert "Fictional council one" in words(page) and "Not started" in words(page)
    link = f"/returns/{audit_return.public_id}/"
    assert link in page.get_data(as_text=True)
    assert coordinator.get(link, follow_redirects=True).status_code == 200
    world.write().get(AuditRound, world.audit_round.id).area_release = "at_close"
    world.session.commit()
    page = coordinator.get(address)
    assert link not in page.get_data(as_text=True) and "Released when the round has closed" in words(page)
    assert coordinator.get(link).status_code == 404
    assert client_as("lead-inspector").get(address).status_code == 403
    assert coordinator.get("/areas/nothere").status_code == 404
