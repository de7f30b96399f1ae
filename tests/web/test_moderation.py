"""The moderation desk in pages: checking, conflicts, finishing, and what agencies never see; correction too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.domain.text import localise
from app.models import Agency, Moderation, ReturnedStandard, Submission
from app.operations.submissions import reopen
from app.queries.returns import Item
from tests.operations.checking import check, finished, put_in_sample, uphold_all
from tests.operations.test_returns import sign
from tests.web.test_oversight import count, submit, words
from tests.world import World, graded

Clients = Callable[[str], FlaskClient]
TOKEN = "Zinnober-1717"  # stands in every text that inspectors write, and nowhere else


@pytest.fixture
def code(world: World) -> str:
    """The first agency, whose return is submitted."""
    code = next(iter(world.returns))
    submit(world, code)
    return code


def address(world: World, code: str, place: str = "") -> str:
    return f"/returns/{world.returns[code].public_id}/moderation{place}"


def drawn(world: World, code: str, number: int = 2, **people: str) -> list[Item]:
    """The first questions of a return that come to a grade, put into the sample."""
    items = graded(world.work(code))[:number]
    put_in_sample(world, code, questions=[item.id for item in items], **people)
    return items


def worse(item: Item) -> str:
    assert item.grade
    return next(grade.key for grade in reversed(item.scheme.grades) if grade.key != item.grade.key)


def save(client: FlaskClient, world: World, code: str, **fields: str) -> TestResponse:
    world.session.rollback()
    latest = world.session.scalars(select(Submission.public_id).order_by(Submission.id.desc())).first()
    form = {"submission": str(latest), **fields}
    return client.post(address(world, code, "/save"), data=form)


def test_answers_are_checked_on_one_page_and_the_check_is_finished(
    client_as: Clients, world: World, code: str
) -> None:
    one, two = drawn(world, code)
    inspector = client_as("inspector")
    listed = words(inspector.get(f"/rounds/{world.audit_round.public_id}/moderation"))
    assert world.returns[code].agency.name in listed and "0 / 2" in listed
    page = inspector.get(address(world, code))
    assert str(one.criterion.question)[:30] in words(page) and "Not checked yet" in words(page)
    assert one.grade
    sent = save(
        inspector, world, code,
        **{f"grade-{one.id}": one.grade.key, f"grade-{two.id}": worse(two), f"reason-{two.id}": TOKEN,
           f"seen-{two.id}": "The rota.", "only": two.id},
    )  # fmt: skip
    assert sent.status_code == 303 and sent.headers["Location"].endswith(f"#q-{two.id}")
    assert count(world, Moderation) == 2
    page = words(inspector.get(address(world, code)))
    assert "2 of 2 answers checked" in page and "Adjusted" in page and "Upheld" in page
    assert save(inspector, world, code, finish="1").status_code == 303
    done = inspector.get(address(world, code))
    assert "You have finished checking" in words(done) and TOKEN in words(done)
    assert save(inspector, world, code, **{f"grade-{one.id}": worse(one), f"reason-{one.id}": "x"}).status_code == 409
    again = inspector.post(address(world, code, "/take-up-again"), follow_redirects=True)
    assert "You can change your findings again" in words(again)


def test_what_is_wrong_comes_back_and_the_rest_is_saved(client_as: Clients, world: World, code: str) -> None:
    one, two = drawn(world, code)
    inspector = client_as("inspector")
    assert one.grade
    page = save(
        inspector, world, code,
        **{f"grade-{one.id}": one.grade.key, f"grade-{two.id}": worse(two), f"seen-{two.id}": "The rota of March."},
    )  # fmt: skip
    assert page.status_code == 422 and f'href="#reason-{two.id}"' in page.text
    assert "The rota of March." in page.text and "1 finding is saved" in words(page)
    assert count(world, Moderation) == 1
    page = save(inspector, world, code, **{f"reason-{two.id}": "Only a reason."})
    assert page.status_code == 422 and "Only a reason." in page.text
    page = save(inspector, world, code, finish="1")
    assert page.status_code == 409 and "not checked yet: 1" in words(page)
    # a page that shows a submission which no longer stands: what was typed is shown, to copy
    page = inspector.post(
        address(world, code, "/save"),
        data={"submission": "old", f"grade-{two.id}": worse(two), f"reason-{two.id}": "Typed long and wide."},
    )
    assert page.status_code == 409 and "Typed long and wide." in page.text


def test_a_finding_of_somebody_else_is_shown_beside_mine(client_as: Clients, world: World, code: str) -> None:
    (one,) = drawn(world, code, 1)
    assert one.grade
    check(world, code, one.id, one.grade.key, by="lead-inspector", seen="Theirs.")
    page = save(
        client_as("inspector"), world, code,
        **{f"grade-{one.id}": worse(one), f"reason-{one.id}": "Mine.", f"version-{one.id}": "0"},
    )  # fmt: skip
    assert page.status_code == 409 and "Mine." in page.text and "Theirs." in page.text
    assert count(world, Moderation) == 1
    sent = save(
        client_as("inspector"), world, code,
        **{f"grade-{one.id}": worse(one), f"reason-{one.id}": "Mine.", f"version-{one.id}": "1"},
    )  # fmt: skip
    assert sent.status_code == 303 and count(world, Moderation) == 2


def test_the_second_inspector_checks_without_knowing(client_as: Clients, world: World, code: str) -> None:
    (one,) = drawn(world, code, 1, second="lead-inspector")
    assert one.grade
    check(world, code, one.id, worse(one), reason=TOKEN, seen=TOKEN)
    second = client_as("lead-inspector")
    submission = f"/returns/{world.returns[code].public_id}/"
    for page in (address(world, code), submission, f"/rounds/{world.audit_round.public_id}/moderation"):
        assert TOKEN not in second.get(page, follow_redirects=True).text, page
    check(world, code, one.id, one.grade.key, by="lead-inspector")
    finished(world, code)
    finished(world, code, by="lead-inspector")
    assert TOKEN in second.get(address(world, code)).text
    assert TOKEN in second.get(submission, follow_redirects=True).text


def test_self_grade_and_checked_grade_stand_side_by_side_for_inspectors_only(
    client_as: Clients, world: World, code: str
) -> None:
    (one,) = drawn(world, code, 1)
    check(world, code, one.id, worse(one), reason=TOKEN, seen=TOKEN)
    page = client_as("inspector").get(f"/returns/{world.returns[code].public_id}/", follow_redirects=True)
    assert "Self-grade" in page.text and "Checked: adjusted" in page.text and TOKEN in page.text


PAGES = (
    "/", "/history", "/check", "/receipt", "/queries", "/moderation", "/actions", "/evidence/", "/board", "/changes",
)  # fmt: skip


@pytest.mark.parametrize(
    "name", ["signatory", "lead", "contributor", "board", "outsider", "coordinator", "administrator"]
)
def test_nobody_else_finds_a_word_of_what_was_found(client_as: Clients, world: World, code: str, name: str) -> None:
    (one,) = drawn(world, code, 1)
    check(world, code, one.id, worse(one), reason=TOKEN, seen=TOKEN)
    finished(world, code)
    client = client_as(name)
    rid = world.returns[code].public_id
    submission = world.session.scalars(select(Submission.public_id)).one()
    pages = [f"/returns/{rid}{page}" for page in PAGES]
    pages += [f"/returns/{rid}/submissions/{submission}", f"/returns/{rid}/submissions/{submission}/content.json"]
    pages += [f"/rounds/{world.audit_round.public_id}{page}" for page in ("", "/moderation", "/ledger", "/history")]
    for page in pages:
        text = client.get(page, follow_redirects=True).text
        assert TOKEN not in text and "Self-grade" not in text and "oderated" not in text, page
    for page in ("", "/save", "/take-up-again"):
        found = client.open(address(world, code, page), method="POST" if page else "GET")
        assert found.status_code in (403, 404)
    assert count(world, Moderation) == 1


def test_the_lead_inspector_sets_the_day(client_as: Clients, world: World, code: str) -> None:
    drawn(world, code)
    page = f"/rounds/{world.audit_round.public_id}/moderation"
    lead = client_as("lead-inspector")
    form = {"due-day": "20", "due-month": "5", "due-year": "2003"}
    assert client_as("inspector").post(page, data=form).status_code in (403, 404)
    assert "1 return is to be checked" in words(lead.post(page, data=form, follow_redirects=True))
    assert "20 May 2003" in words(client_as("inspector").get(page))
    wrong = lead.post(page, data=form | {"due-year": "2001"})
    assert wrong.status_code == 422 and "passed already" in words(wrong)
    assert "Nobody yet" not in words(lead.get(f"{page}?show=mine"))


def test_a_desk_that_is_not_mine_is_not_there(client_as: Clients, world: World, code: str) -> None:
    drawn(world, code, inspector="lead-inspector")
    assert client_as("inspector").get(address(world, code)).status_code == 404
    assert client_as("lead-inspector").get(address(world, code)).status_code == 200


def test_the_desk_of_an_audit_that_was_opened_again_says_so(client_as: Clients, world: World, code: str) -> None:
    drawn(world, code)
    lead = world.actor("lead-inspector")
    reopen(world.write(), world.returns[code].public_id, reason="The wrong file was sent.", by=lead, now=world.now)
    world.session.commit()
    inspector = client_as("inspector")
    page = inspector.get(address(world, code))
    assert page.status_code == 200 and "The wrong file was sent." in words(page)
    assert "nothing to check until it is signed again" in words(page) and "in London time" in words(page)
    back = f"/rounds/{world.audit_round.public_id}/moderation?show=mine"
    assert f'href="{back}"' in page.text and f'href="{address(world, code)}"' in inspector.get(back).text
    assert client_as("signatory").get(address(world, code)).status_code == 403


def test_what_is_not_finished_stands_first(client_as: Clients, world: World, code: str) -> None:
    other = "zz-last"
    put_in_sample(world, code, questions=[world.work(code).items[0].id])
    uphold_all(world, code)
    finished(world, code)
    second = list(world.returns)[1]
    world.answer(second, by=f"signatory-{second.split('-')[0]}")
    sign(world, second, by=f"signatory-{second.split('-')[0]}")
    world.write().get(Agency, world.returns[second].agency_id).name = other
    world.session.commit()
    put_in_sample(world, second)
    inspector = client_as("inspector")
    for address_ in ("", "?show=mine"):
        page = words(inspector.get(f"/rounds/{world.audit_round.public_id}/moderation{address_}"))
        assert page.index(other) < page.index(world.returns[code].agency.name)


# --- standards returned for correction ------------------------------------------------------------------------------


def test_standards_are_returned_corrected_and_signed_again(client_as: Clients, world: World, code: str) -> None:
    drawn(world, code, 1)
    uphold_all(world, code)
    rid = world.returns[code].public_id
    first, second = world.work(code).sections[:2]
    inspector, lead = client_as("inspector"), client_as("lead")
    place = f"/returns/{rid}/correction"
    assert localise(second.standard.title, "en") in words(inspector.get(place))
    until = {"until-day": "31", "until-month": "7", "until-year": "2003"}
    page = inspector.post(place, data=until)
    assert page.status_code == 422 and "Choose at least one standard" in words(page)
    page = inspector.post(place, data={"standards": second.standard.id})
    assert page.status_code == 422 and f'href="#reason-{second.standard.id}"' in page.text
    assert count(world, ReturnedStandard) == 0
    form = until | {"standards": second.standard.id, f"reason-{second.standard.id}": "Figures of last year."}
    assert inspector.post(place, data=form).status_code == 303
    tasks = words(lead.get(f"/returns/{rid}/"))
    assert "1 standard is returned for correction" in tasks and "Figures of last year." in tasks
    read = words(lead.get(f"/returns/{rid}/standards/{first.standard.id}"))
    assert "Only the standards that were returned" in read and "Save" not in read
    edit = words(lead.get(f"/returns/{rid}/standards/{second.standard.id}"))
    assert "This standard is returned for correction" in edit and "Figures of last year." in edit
    history = words(lead.get(f"/returns/{rid}/history"))
    assert "Returned standards for correction, until 31 July 2003" in history
    assert client_as("inspector").get(place).status_code == 409
    world.session.rollback()
    world.session.expire_all()
    assert world.session.scalars(select(Submission)).one().voided is not None
    assert "Signature voided" in words(
        inspector.get(f"/rounds/{world.audit_round.public_id}/returns/{rid}")
    )
