"""The action plan in the browser's words: planning, editing, conflicts, progress, and who reads what."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from app.domain.actions import Typed
from app.models import ActionProgress, PlannedAction, ReportRun
from app.operations.actions import plan_action, report_progress
from app.operations.submissions import reopen
from tests.next_year import next_year
from tests.operations.test_actions import TRAIN, plan, question
from tests.operations.test_returns import sign
from tests.web.test_agency import counted, words
from tests.world import World, graded

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def code(world: World) -> str:
    """The agency that `signatory`, `lead`, `contributor` and `board` are at."""
    return next(iter(world.returns))


@pytest.fixture
def base(world: World, code: str) -> str:
    """The address of that agency's plan."""
    return f"/returns/{world.returns[code].public_id}/actions"


def form(**fields: str) -> dict[str, str]:
    """The form of an action as a browser sends it."""
    return {
        "what": "Train all reception staff", "owner": "Head of training", "due-day": "1", "due-month": "9",
        "due-year": "2003", "state": "planned", "version": "1",
    } | {name.replace("_", "-"): value for name, value in fields.items()}  # fmt: skip


def stored(world: World) -> list[PlannedAction]:
    world.session.rollback()
    return list(world.session.scalars(select(PlannedAction).order_by(PlannedAction.id)))


def test_gaps_come_first_and_an_action_is_planned_from_there(
    client_as: SignIn, world: World, code: str, base: str
) -> None:
    world.answer(code, best=False)
    about, item = question(world, code), world.work(code).items[0]
    client = client_as("contributor")
    page = client.get(f"{base}/")
    assert "Not in place, and nothing planned" in words(page)
    assert f'href="{base}/new/{about}"' in page.text
    form_page = words(client.get(f"{base}/new/{about}"))
    assert item.criterion.question in form_page and "1 September 2003" in form_page  # what the answer expects
    answer = client.post(f"{base}/new/{about}", data=form())
    assert answer.status_code == 303 and answer.location == f"{base}/"
    after = client.get(f"{base}/")
    assert "The action is planned." in words(after)
    assert "Train all reception staff" in words(after) and f'href="{base}/new/{about}"' in after.text
    assert "Head of training, by 1 September 2003" in words(after)
    [row] = stored(world)
    assert (row.what, row.owner, row.due, row.state) == (*TRAIN[:3], "planned")


def test_one_can_go_on_planning_or_go_back_to_the_answer(client_as: SignIn, world: World, code: str, base: str) -> None:
    world.answer(code, best=False)
    about = question(world, code)
    client = client_as("lead")
    answer = client.post(f"{base}/new/{about}?back=answer", data=form(another="1"))
    assert answer.location == f"{base}/new/{about}?back=answer"
    answer = client.post(answer.location, data=form(what="Another"))
    standard = world.work(code).sections[0].standard.id
    assert answer.location == f"/returns/{world.returns[code].public_id}/standards/{standard}#q-{about}"
    assert [row.what for row in stored(world)] == ["Train all reception staff", "Another"]


def test_a_late_date_is_warned_of_and_not_forbidden(client_as: SignIn, world: World, code: str, base: str) -> None:
    world.answer(code, best=False)
    items = world.work(code).items
    place = next(place for place, item in enumerate(items) if item.milestone_due)
    client = client_as("lead")
    client.post(f"{base}/new/{items[place].id}", data=form(due_year="2009"))
    page = words(client.get(f"{base}/"))
    assert "1 September 2009, is after the milestone of this criterion" in page
    assert "is after 1 September 2003, the day by which the answer expects the criterion in place" in page
    assert "After the milestone," in page and "After the date of the answer, 1 September 2003" in page
    assert len(stored(world)) == 1


@pytest.mark.parametrize(
    ("fields", "told", "field"),
    [
        ({"what": "  "}, "Say what will be done", "#what"),
        ({"what": "x" * 5000}, "5000 characters", "#what"),
        ({"owner": "y" * 300}, "300 characters", "#owner"),
        ({"due_day": "31", "due_month": "6"}, "There is no such day", "#due-day"),
        ({"due_year": ""}, "A date needs a day, a month and a year", "#due-day"),
        ({"state": "splendid"}, "Choose one of the statuses", "#state"),
    ],
)
def test_mistakes_are_linked_to_their_field_and_what_was_typed_stays(
    client_as: SignIn, world: World, code: str, base: str, fields: dict[str, str], told: str, field: str
) -> None:
    answer = client_as("lead").post(
        f"{base}/new/{question(world, code)}", data=form(**({"owner": "<b>Me</b>"} | fields))
    )
    assert answer.status_code == 422 and told in words(answer)
    assert f'href="{field}"' in answer.text and f'id="{field[1:]}"' in answer.text
    assert "<title>" in answer.text and "Error: Plan an action" in answer.text
    if "owner" not in fields:
        assert 'value="&lt;b&gt;Me&lt;/b&gt;"' in answer.text
    assert stored(world) == []


def test_two_people_who_edit_one_action_see_both_texts(client_as: SignIn, world: World, code: str, base: str) -> None:
    action = plan(world, code)
    theirs = client_as("contributor").post(f"{base}/{action}/edit", data=form(what="Theirs, at length"))
    assert theirs.status_code == 303
    client = client_as("lead")
    mine = client.post(f"{base}/{action}/edit", data=form(what="Mine, at length", owner="Me"))
    assert mine.status_code == 409
    page = words(mine)
    assert "A colleague changed this action too" in page and "Saved by Contributor on" in page
    assert "Theirs, at length" in page and mine.text.count("Mine, at length") == 2  # to read, and in the form
    assert stored(world)[0].what == "Theirs, at length"
    [version] = re.findall(r'name="version" value="(\d+)"', mine.text)
    again = client.post(f"{base}/{action}/edit", data=form(what="Both", version=version))
    assert again.status_code == 303 and stored(world)[0].what == "Both"


def test_removing_asks_first(client_as: SignIn, world: World, code: str, base: str) -> None:
    action = plan(world, code)
    client = client_as("lead")
    page = client.get(f"{base}/{action}/remove")
    assert "Remove this action?" in words(page) and stored(world)[0].removed_at is None
    client_as("contributor").post(f"{base}/{action}/edit", data=form(what="Changed meanwhile"))
    refused = client.post(f"{base}/{action}/remove", data={"version": "1"})
    assert refused.status_code == 409 and "Changed meanwhile" in words(refused)
    assert client.post(f"{base}/{action}/remove", data={"version": "2"}).status_code == 303
    assert "removed from the plan" in words(client.get(f"{base}/"))
    assert stored(world)[0].removed_at is not None


def test_what_is_typed_when_the_audit_is_signed_meanwhile_is_shown_again(
    client_as: SignIn, world: World, code: str, base: str
) -> None:
    world.answer(code, best=False)
    action = plan(world, code)
    sign(world, code)
    client = client_as("lead")
    for address in (f"{base}/{action}/edit", f"{base}/new/{question(world, code)}"):
        answer = client.post(address, data=form(what="Half a page of thought"))
        assert answer.status_code == 409
        assert "has been submitted" in words(answer) and "Half a page of thought" in words(answer)
        assert client.get(address).status_code == 200 and "has been submitted" in words(client.get(address))
    assert client.post(f"{base}/{action}/remove", data={"version": "1"}).status_code == 409
    assert len(stored(world)) == 1 and stored(world)[0].removed_at is None


def test_progress_stands_beside_what_was_signed(client_as: SignIn, world: World, code: str, base: str) -> None:
    world.answer(code, best=False)
    action = plan(world, code)
    client = client_as("contributor")
    early = client.post(f"{base}/{action}", data={"state": "done", "note": "My note"})
    assert early.status_code == 409 and "not signed yet" in words(early) and "My note" in words(early)
    sign(world, code)
    wrong = client.post(
        f"{base}/{action}",
        data={"state": "under_way", "note": "Kept", "due-day": "1", "due-month": "13", "due-year": "2004"},
    )
    assert wrong.status_code == 422 and "Kept</textarea>" in wrong.text and 'href="#due-day"' in wrong.text
    nothing = client.post(f"{base}/{action}", data={"state": "planned"})
    assert nothing.status_code == 422 and "Say what is new" in words(nothing) and 'href="#note"' in nothing.text
    good = client.post(
        f"{base}/{action}",
        data={
            "state": "under_way", "note": "Two of four teams.", "due-day": "1", "due-month": "12", "due-year": "2003",
        },
    )  # fmt: skip
    assert good.status_code == 303
    page = words(client.get(good.location))
    assert "Two of four teams." in page and "By when, as first planned 1 September 2003" in page
    assert "1 December 2003" in words(client.get(f"{base}/"))
    world.session.rollback()
    assert len(world.session.scalars(select(ActionProgress)).all()) == 1
    submission = client.get(f"/returns/{world.returns[code].public_id}/submissions/{_submission(world, code)}")
    assert "Train all reception staff" in words(submission)
    assert "by 1 September 2003" in words(submission) and "Two of four teams." not in words(submission)


def _submission(world: World, code: str) -> str:
    from app.queries.returns import submissions

    return submissions(world.session, world.returns[code])[0].public_id


def test_who_reads_what(client_as: SignIn, world: World, code: str, base: str) -> None:
    world.answer(code, best=False)
    action = plan(world, code)
    for name in ("inspector", "coordinator", "outsider", "administrator"):
        for path in ("/", f"/{action}", "/plan.xlsx"):
            assert client_as(name).get(base + path).status_code in (403, 404), (name, path)
    board = client_as("board").get(f"{base}/")
    assert "Train all reception staff" in words(board) and "/edit" not in board.text and "/new/" not in board.text
    assert client_as("board").post(f"{base}/new/{question(world, code)}", data=form()).status_code in (403, 404)
    sign(world, code)
    report_progress(
        world.write(), world.returns[code].public_id, action, state="under_way", note="Begun well.", due=None,
        by=world.actor("lead"), now=world.now,
    )  # fmt: skip
    world.session.commit()
    for name in ("inspector", "coordinator", "board"):
        page = client_as(name).get(f"{base}/")
        assert "Begun well." in words(page) and "Report progress" not in words(page), name
        one = client_as(name).get(f"{base}/{action}")
        assert "Begun well." in words(one) and "Record the progress" not in words(one), name
        assert client_as(name).post(f"{base}/{action}", data={"state": "done"}).status_code in (403, 404), name
        assert client_as(name).get(f"{base}/plan.xlsx").status_code == 200
    assert client_as("outsider").get(f"{base}/").status_code == 404


def test_a_reopened_plan_is_a_draft_that_others_do_not_see(
    client_as: SignIn, world: World, code: str, base: str
) -> None:
    world.answer(code, best=False)
    plan(world, code)
    sign(world, code)
    inspector = world.actor("inspector")
    reopen(world.write(), world.returns[code].public_id, reason="Look again.", by=inspector, now=world.now)
    world.session.commit()
    new = plan_action(
        world.write(), world.returns[code].public_id, question(world, code, 1), TRAIN._replace(what="Secret draft"),
        by=world.actor("lead"), now=world.now,
    )  # fmt: skip
    world.session.commit()
    assert "Secret draft" in words(client_as("board").get(f"{base}/"))
    visitor = client_as("inspector")
    page = words(visitor.get(f"{base}/"))
    assert "Secret draft" not in page and "Train all reception staff" in page and "set aside" in page
    assert visitor.get(f"{base}/{new.public_id}").status_code == 404
    assert "Secret draft" not in words(visitor.get(base.replace("/actions", "/history")))
    assert "Secret draft" in words(client_as("lead").get(base.replace("/actions", "/history")))


def test_the_history_says_what_was_planned(client_as: SignIn, world: World, code: str, base: str) -> None:
    action = plan(world, code)
    client = client_as("lead")
    client.post(f"{base}/{action}/edit", data=form(what="Train everybody", state="under_way"))
    client.post(f"{base}/{action}/remove", data={"version": "2"})
    page = words(client.get(base.replace("/actions", "/history")))
    about = f"an action for question {world.work(code).items[0].number}."
    assert f"Planned {about} Train all reception staff; Head of training; 1 September 2003; Planned" in page
    assert f"Changed {about} Train everybody; Head of training; 1 September 2003; Under way" in page
    assert f"Removed {about} Train everybody" in page


def test_order_filter_and_pages_need_no_script(client_as: SignIn, world: World, code: str, base: str) -> None:
    world.answer(code, best=False)
    for number in range(60):
        due = date(2003, 9, 30) - timedelta(number)
        plan(world, code, Typed(f"Action {number:02}", f"Owner {9 - number % 3}", due), place=number % 2)
    client = client_as("lead")
    first, second = (
        re.findall(r'cnd-typed">(Action \d\d)<', client.get(f"{base}/?by=date&page={page}").text) for page in (1, 2)
    )
    assert first[:2] == ["Action 59", "Action 58"]
    assert first + second == [f"Action {number:02}" for number in reversed(range(60))]
    owners = re.findall(r"<h3[^>]*>(Owner \d)</h3>", client.get(f"{base}/?by=owner").text)
    assert owners == ["Owner 7", "Owner 8", "Owner 9"]
    client.post(f"{base}/{stored(world)[0].public_id}/edit", data=form(what="Finished", state="done"))
    only = words(client.get(f"{base}/?show=done"))
    assert "Finished" in only and "Action 01" not in only
    assert "No action is like that" in words(client.get(f"{base}/?show=dropped"))
    assert client.get(f"{base}/?by=nonsense&show=nonsense&page=999999").status_code == 200


def test_the_plan_takes_as_many_statements_for_one_action_as_for_many(
    app, client_as: SignIn, world: World, code: str, base: str  # type: ignore[no-untyped-def]
) -> None:
    world.answer(code, best=False)
    client = client_as("lead")
    taken = []
    for places in ((0,), (1, 2, 3)):
        for place in places:
            plan(world, code, place=place)
        client.get(f"{base}/")
        with counted(app) as statements:
            assert client.get(f"{base}/").status_code == 200
        taken.append(len([one for one in statements if one.startswith("SELECT")]))
    assert taken[0] == taken[1] <= 15


def test_the_spreadsheet_holds_texts_only_and_the_same_figures(
    client_as: SignIn, world: World, code: str, base: str
) -> None:
    world.answer(code, best=False)
    evil = "=HYPERLINK(\"http://example.org\")"
    plan(world, code, TRAIN._replace(what=evil, owner="@SUM(1)"))
    plan(world, code, TRAIN._replace(what="http://example.org/x", owner="+1"), place=1)
    plan(world, code, TRAIN._replace(what="Second for the same", state="done"))
    answer = client_as("board").get(f"{base}/plan.xlsx")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert "-draft.xlsx" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.data)) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/")]
        assert not any("hyperlink" in name for name in parts.namelist())
    assert sheets and not any("<f>" in sheet or "<f " in sheet or "hyperlink" in sheet for sheet in sheets)
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.data))
    summary, actions = (book.get_sheet_by_name(name).to_python() for name in ("Summary", "Actions"))
    figures = {row[0]: row[1] for row in summary}
    gaps = [item for item in graded(world.work(code)) if item.grade]
    assert figures["Criteria not in place"] == len(gaps)
    assert figures["Criteria not in place, without any action"] == len(gaps) - 2
    assert figures["Actions for criteria not in place"] == 3 and figures["Status: Done"] == 1
    rows = actions[4:]
    assert len(rows) == len(gaps) + 1  # every gap has a line, and one has two
    assert [row[6] for row in rows[:3]] == [evil, "Second for the same", "http://example.org/x"]
    assert rows[0][8] == date(2003, 9, 1) and rows[0][7] == "@SUM(1)"
    assert any("DRAFT" in str(cell) for row in summary[:3] for cell in row)


def test_a_draft_plan_can_be_asked_for_as_pdf_and_only_by_ones_own_people(
    client_as: SignIn, world: World, code: str, base: str
) -> None:
    world.answer(code, best=False)
    address = base.replace("/actions", "/reports")
    answer = client_as("board").post(address, data={"report": "action-plan"})
    assert answer.status_code == 303
    world.session.rollback()
    run = world.session.scalars(select(ReportRun)).one()
    assert run.options["draft"] is True
    assert client_as("lead").get(answer.location).status_code == 200
    sign(world, code)
    assert client_as("inspector").get(answer.location).status_code == 404
    signed = client_as("inspector").post(address, data={"report": "action-plan"})
    assert signed.status_code == 303 and client_as("lead").get(signed.location).status_code == 200
    world.session.rollback()
    assert "draft" not in world.session.scalars(select(ReportRun).order_by(ReportRun.id.desc())).first().options


def test_open_actions_of_the_last_round_are_offered_once(client_as: SignIn, world: World, code: str) -> None:
    world.answer(code, best=False)
    plan(world, code)
    sign(world, code)
    next_year(world)
    base = f"/returns/{world.returns[code].public_id}/actions"
    client = client_as("lead")
    page = client.get(f"{base}/").text
    assert "1 action of “Test round” is still to be done" in page and TRAIN.what in page
    assert "still to be done" not in client_as("board").get(f"{base}/").text, "who reads does not carry"
    assert client_as("board").post(f"{base}/carry").status_code == 403
    page = client.post(f"{base}/carry", follow_redirects=True).text
    assert "1 action carried into this plan" in page and "still to be done" not in page
    page = client.post(f"{base}/carry", follow_redirects=True).text
    assert "no open actions of the last round" in page
    assert len(stored(world)) == 2
