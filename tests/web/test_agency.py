"""The agency's side in the browser's words: task list, saving, conflicts, signing, and who reads what."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from flask_security import hash_password
from sqlalchemy import event, select

from app.db import db
from app.domain.text import localise
from app.models import AuditReturn, SelfAssessment, SelfAssessmentVersion, SignInAttempt, Submission
from app.operations import rounds, submissions
from app.operations.rounds import set_dates
from app.queries.returns import Item, Section
from app.web.answer_forms import FORMS, merged, name_of
from tests.world import PASSWORD, World

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def code(world: World) -> str:
    """The code of the agency that `signatory`, `lead`, `contributor` and `board` are at."""
    return next(code for code in world.returns if code.startswith(next(iter(world.pack.agency_types))))


@pytest.fixture
def base(world: World, code: str) -> str:
    """The address of that agency's return."""
    return f"/returns/{world.returns[code].public_id}"


def words(response) -> str:  # type: ignore[no-untyped-def]
    """What a page says, without markup."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", response.get_data(as_text=True), flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


def section_of(world: World, code: str, place: int = 0) -> Section:
    """A standard of the agency's checklist, as it stands."""
    world.session.rollback()
    return world.work(code).sections[place]


def filled(section: Section, **answers: dict[str, str]) -> dict[str, str]:
    """The form of a standard as a browser sends it: stored answers, with some fields changed (by place: `q0`)."""
    form = {"page_key": "one-page"}
    for place, item in enumerate(section.items):
        typed = FORMS[item.criterion.answer.type].typed_of(item.answer.value) | answers.get(f"q{place}", {})
        form[name_of(item.criterion.id, "version")] = str(item.answer.version)
        form[name_of(item.criterion.id, "type")] = item.criterion.answer.type
        form |= {name_of(item.criterion.id, name): value for name, value in typed.items()}
    return form


def good(item: Item) -> dict[str, str]:
    """The fields of a finished answer."""
    grade = next(one for one in item.scheme.grades if one.counts_as == "met" and not one.needs)
    basis = next((one.key for one in item.scheme.bases if not one.asks), "")
    return {"grade": grade.key, "basis": basis}


def stored(world: World, code: str) -> dict[str, dict]:  # type: ignore[type-arg]
    """What the database holds: criterion to value."""
    world.session.rollback()
    rows = world.session.scalars(
        select(SelfAssessment).where(SelfAssessment.return_id == world.returns[code].id)
    )
    return {row.criterion: row.value for row in rows}


@contextmanager
def counted(app) -> Iterator[list[str]]:  # type: ignore[no-untyped-def]
    """The SQL statements of a block."""
    found: list[str] = []

    def note(_connection, _cursor, statement, *_rest):  # type: ignore[no-untyped-def]
        found.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_one_link_leads_to_ones_work(client_as: SignIn, base: str) -> None:
    response = client_as("contributor").get("/")
    assert response.status_code == 302 and response.location == f"{base}/"
    assert client_as("contributor").get("/?all=1").status_code == 200
    assert client_as("inspector").get("/").location == "/rounds"
    assert client_as("administrator").get("/").location == "/admin"
    assert client_as("coordinator").get("/").location.startswith("/areas/")


def test_task_list_says_what_is_left_and_what_comes_next(
    client_as: SignIn, world: World, code: str, base: str
) -> None:
    page = words(client_as("lead").get(f"{base}/"))
    work = world.work(code)
    assert "days left, due 16 June 2003" in page
    assert f"0 of {work.asked} required questions finished" in page
    assert f"Start: {localise(work.sections[0].standard.title)}" in page
    world.answer(code)
    page = words(client_as("signatory").get(f"{base}/"))
    assert f"{work.asked} of {work.asked} required questions finished" in page and "Read and sign" in page
    assert "can sign now" in words(client_as("lead").get(f"{base}/"))


def test_a_standard_is_saved_together(client_as: SignIn, world: World, code: str, base: str) -> None:
    section = section_of(world, code)
    address = f"{base}/standards/{section.standard.id}"
    changes = {f"q{place}": good(item) for place, item in enumerate(section.items)}
    client = client_as("contributor")
    response = client.post(address, data=filled(section, **changes))
    assert response.status_code == 303 and response.location == address
    assert f"{len(section.items)} answers saved at" in words(client.get(address))
    assert set(stored(world, code)) == {item.criterion.id for item in section.items}
    after = client.post(address, data={**filled(section_of(world, code)), "next": "1"})
    assert after.location == f"{base}/standards/{section_of(world, code, 1).standard.id}"


def test_the_same_page_sent_twice_is_one_save(client_as: SignIn, world: World, code: str, base: str) -> None:
    section = section_of(world, code)
    address = f"{base}/standards/{section.standard.id}"
    form = filled(section, q0=good(section.items[0]))
    client = client_as("contributor")
    assert [client.post(address, data=form).status_code for _ in range(2)] == [303, 303]
    world.session.rollback()
    assert len(world.session.scalars(select(SelfAssessmentVersion)).all()) == 1


def test_one_answer_is_saved_by_itself_and_other_words_stay_on_the_page(
    client_as: SignIn, world: World, code: str, base: str
) -> None:
    section = section_of(world, code)
    address = f"{base}/standards/{section.standard.id}"
    place = next(place for place, item in enumerate(section.items) if place and item.criterion.answer.type == "grade")
    first, second = section.items[0].criterion.id, section.items[place].criterion.id
    form = filled(
        section, q0=good(section.items[0]), **{f"q{place}": {"commentary": "not saved yet, and still here"}}
    )
    response = client_as("contributor").post(address, data={**form, "only": first})
    assert response.status_code == 200 and "not saved yet, and still here" in response.get_data(as_text=True)
    assert "Your other changes on this page are not saved yet" in words(response)
    assert set(stored(world, code)) == {first}
    form = filled(section_of(world, code), **{f"q{place}": good(section.items[place])})
    response = client_as("contributor").post(address, data={**form, "only": second})
    assert response.status_code == 303 and response.location.endswith(f"?saved={second}#q-{second}")


def test_errors_keep_what_was_typed_and_say_what_was_saved(
    client_as: SignIn, world: World, code: str, base: str
) -> None:
    section = section_of(world, code)
    first = section.items[0].criterion.id
    wrong = good(section.items[0]) | {
        "commentary": "<b>kept</b> & whole", "date_expected-day": "31", "date_expected-year": "2003",
    }  # fmt: skip
    form = filled(section, q0=wrong, q1=good(section.items[1]))
    response = client_as("contributor").post(f"{base}/standards/{section.standard.id}", data=form)
    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert "The date expected must have a month" in page
    assert f'href="#{name_of(first, "date_expected-day")}"' in page
    assert f'id="{name_of(first, "date_expected-day")}"' in page
    assert "&lt;b&gt;kept&lt;/b&gt; &amp; whole</textarea>" in page and 'value="31"' in page
    assert "1 answer saved at" in words(response) and "1 answer is not saved yet" in words(response)
    assert set(stored(world, code)) == {section.items[1].criterion.id}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"grade": "splendid"}, "Choose one of the grades listed"),
        ({"commentary": "x" * 1_000_000}, "1000000 characters"),
        ({"date_expected-day": "1", "date_expected-month": "1", "date_expected-year": "2001"}, "or later"),
        (
            {"date_expected-day": "31", "date_expected-month": "June", "date_expected-year": "2003"},
            "real date",
        ),
    ],
)
def test_bad_input_is_told_plainly(
    client_as: SignIn, world: World, code: str, base: str, fields: dict[str, str], told: str
) -> None:
    section = section_of(world, code)
    response = client_as("contributor").post(
        f"{base}/standards/{section.standard.id}", data=filled(section, q0=fields)
    )
    assert response.status_code == 422 and told in words(response)
    assert stored(world, code) == {}


def test_months_may_be_words(client_as: SignIn, world: World, code: str, base: str) -> None:
    section = section_of(world, code)
    fields = {"date_expected-day": "30", "date_expected-month": "September", "date_expected-year": "2003"}
    client_as("contributor").post(f"{base}/standards/{section.standard.id}", data=filled(section, q0=fields))
    assert stored(world, code)[section.items[0].criterion.id] == {"date_expected": "2003-09-30"}


def test_two_people_change_one_answer_and_neither_loses_a_word(
    client_as: SignIn, world: World, code: str, base: str
) -> None:
    section = section_of(world, code)
    address = f"{base}/standards/{section.standard.id}"
    first, second, third = (item.criterion.id for item in section.items[:3])
    theirs = filled(section, q0={"commentary": "their words"}, q1={"commentary": "theirs alone"})
    assert client_as("lead").post(address, data=theirs).status_code == 303
    mine = filled(section, q0={"commentary": "my words"}, q2=good(section.items[2]))
    client = client_as("contributor")
    response = client.post(address, data=mine)
    page = words(response)
    assert (
        response.status_code == 409
        and "my words" in page
        and "their words" in page
        and "Saved by Lead" in page
    )
    assert name_of(second, "choice") not in response.get_data(as_text=True), "nobody here touched the second"
    held = stored(world, code)
    assert held[first] == {"commentary": "their words"} and held[second] == {"commentary": "theirs alone"}
    assert third in held, "what was not disputed is saved"

    def resolving(choice: str, text: str = "") -> dict[str, str]:
        return {
            "page_key": "settling",
            name_of(first, "choice"): choice,
            name_of(first, "version"): "1",
            name_of(first, "commentary"): text,
            name_of(first, "version", "m"): "1",
            name_of(first, "commentary", "m"): "my words",
        }

    undecided = client.post(f"{address}/resolve", data=resolving("", "my words, their words"))
    assert undecided.status_code == 422 and "Choose which text to keep" in words(undecided)
    assert "my words, their words</textarea>" in undecided.get_data(as_text=True)
    assert client.post(f"{address}/resolve", data=resolving("theirs")).status_code == 303
    assert stored(world, code)[first] == {"commentary": "their words"}
    # what was given up is kept as a version, and theirs stands again on top of it
    assert client.post(f"{address}/resolve", data=resolving("mine")).status_code == 409
    mine = resolving("mine") | {name_of(first, "version", "m"): "3"}
    assert client.post(f"{address}/resolve", data=mine).status_code == 303
    assert stored(world, code)[first] == {"commentary": "my words"}
    again = client.post(f"{address}/resolve", data=resolving("merge", "both"))
    assert again.status_code == 409, "it changed once more meanwhile"
    form = resolving("merge", "both") | {name_of(first, "version"): "4"}
    assert client.post(f"{address}/resolve", data=form).status_code == 303
    assert stored(world, code)[first] == {"commentary": "both"}
    history = words(client.get(f"{base}/criteria/{first}/versions"))
    assert all(text in history for text in ("their words", "my words", "both", "Version 5"))


def test_merged_texts_hold_both() -> None:
    assert merged("mine", "theirs") == "mine\n\ntheirs"
    assert merged("the same", "the same") == "the same" and merged("more of it", "of") == "more of it"
    assert merged("", "theirs") == "theirs" and merged("mine", "") == "mine"


def test_a_closed_round_gives_the_words_back(client_as: SignIn, world: World, code: str, base: str) -> None:
    section = section_of(world, code)
    form = filled(section, q0={"commentary": "a long evening's work"})
    world.write()
    set_dates(world.audit_round, due=world.now - timedelta(days=2), closes=world.now - timedelta(days=1))
    world.session.commit()
    client = client_as("contributor")
    response = client.post(f"{base}/standards/{section.standard.id}", data=form)
    assert response.status_code == 409 and "a long evening's work" in words(response)
    assert "This round is closed" in words(response) and stored(world, code) == {}
    page = client.get(f"{base}/standards/{section.standard.id}").get_data(as_text=True)
    assert "<textarea" not in page and "This round is closed" in page


def test_signing_shows_the_exceptions_and_asks_for_the_password(
    app, client_as: SignIn, world: World, code: str, base: str
) -> None:
    with app.app_context():
        password_hash = hash_password(PASSWORD)
    world.write()
    world.people["signatory"].password = password_hash
    world.session.commit()
    world.answer(code, best=False)
    client = client_as("signatory")
    page = client.get(f"{base}/sign")
    text = page.get_data(as_text=True)
    shown = re.search(r'name="content_hash" value="(\w{64})"', text)
    assert shown, text
    assert "Expected later than the milestone" in words(page) and "Declaration" in words(page)
    assert words(page).index("Read this first") < words(page).index("Declaration")

    form = {"content_hash": shown.group(1), "confirm": "yes", "password": PASSWORD}
    missing = client.post(f"{base}/sign", data={"content_hash": shown.group(1)})
    assert missing.status_code == 422 and "Tick the box" in words(missing)
    wrong = client.post(f"{base}/sign", data={**form, "password": "guess"})
    assert wrong.status_code == 422 and "Your password is not right" in words(wrong)
    world.session.rollback()
    assert world.session.scalars(select(SignInAttempt)).all(), "a wrong password is remembered"
    stale = client.post(f"{base}/sign", data={**form, "content_hash": "0" * 64})
    assert stale.status_code == 409 and "Somebody changed an answer" in words(stale)
    world.session.rollback()
    assert world.session.scalar(select(Submission.id)) is None

    signed = client.post(f"{base}/sign", data=form)
    assert signed.status_code == 303 and signed.location == f"{base}/receipt"
    receipt = words(client.get(f"{base}/receipt"))
    assert shown.group(1) in receipt and "Submitted" in receipt and "12 May 2003" in receipt
    assert client.post(f"{base}/sign", data=form).location == f"{base}/receipt", "signing twice signs once"
    world.session.rollback()
    assert len(world.session.scalars(select(Submission)).all()) == 1
    submission = world.session.scalars(select(Submission)).one()
    assert submission.declaration.submission_hash in receipt
    downloaded = client.get(f"{base}/submissions/{submission.public_id}/content.json")
    assert downloaded.get_data(as_text=True) == submission.content
    history = words(client.get(f"{base}/history"))
    assert "Signed and submitted (submission 1)" in history and "Whole" in history


def test_who_may_not_sign_sees_who_can(client_as: SignIn, world: World, code: str, base: str) -> None:
    world.answer(code)
    page = client_as("lead").get(f"{base}/sign")
    assert "Who can sign" in words(page) and "Sam " in words(page)
    assert 'name="password"' not in page.get_data(as_text=True)
    assert (
        client_as("lead").post(f"{base}/sign", data={"confirm": "yes", "password": PASSWORD}).status_code
        == 403
    )
    assert client_as("board").post(f"{base}/standards/x", data={}).status_code == 403


def submitted(world: World, code: str) -> Submission:
    """A return that was signed."""
    from app.queries.returns import content_hash

    world.answer(code)
    expected = content_hash(world.work(code))
    actor = world.actor("signatory")
    submission = submissions.sign_and_submit(
        world.write(), world.returns[code].public_id, by=actor, now=world.now, expected_hash=expected,
        identity_proved=True,
    )  # fmt: skip
    world.session.commit()
    return submission


def test_a_submission_is_read_by_those_it_is_for(
    client_as: SignIn, world: World, code: str, base: str
) -> None:
    assert client_as("inspector").get(f"{base}/").status_code == 404, "a draft is private"
    assert client_as("coordinator").get(f"{base}/").status_code == 404
    submission = submitted(world, code)
    address = f"{base}/submissions/{submission.public_id}"
    for name in ("inspector", "coordinator"):
        client = client_as(name)
        assert client.get(f"{base}/").location == address
        assert submission.content_hash in words(client.get(address))
        for page in ("check", "sign", "receipt", f"standards/{section_of(world, code).standard.id}"):
            assert client.get(f"{base}/{page}").status_code == 404
    assert "Reopen this audit" in words(client_as("inspector").get(address))
    assert "Reopen this audit" not in words(client_as("coordinator").get(address))
    assert client_as("inspector").get(f"{base}/history").status_code == 200
    assert client_as("coordinator").get(f"{base}/history").status_code == 403
    assert client_as("outsider").get(address).status_code == 404
    assert client_as("board").get(address).status_code == 200
    assert client_as("board").get(f"{base}/submissions/nothing-of-the-kind").status_code == 404


def test_a_reopened_return_says_so_and_keeps_the_first_signature(
    client_as: SignIn, world: World, code: str, base: str
) -> None:
    submission = submitted(world, code)
    actor = world.actor("inspector")
    submissions.reopen(
        world.write(), world.returns[code].public_id, reason="Two teams are missing.", by=actor, now=world.now
    )
    world.session.commit()
    client = client_as("lead")
    assert "Two teams are missing." in words(client.get(f"{base}/"))
    kept = words(client.get(f"{base}/submissions/{submission.public_id}"))
    assert "Set aside" in kept and "Two teams are missing." in kept
    assert "no longer counts" in words(client.get(f"{base}/receipt"))
    assert "set submission 1 aside. Reason: Two teams are missing." in words(client.get(f"{base}/history"))
    assert "<textarea" in client.get(f"{base}/standards/{section_of(world, code).standard.id}").get_data(
        as_text=True
    )


def test_an_executive_vouches_and_a_later_save_ends_it(
    client_as: SignIn, world: World, code: str, base: str
) -> None:
    world.answer(code)
    section = section_of(world, code)
    address = f"{base}/standards/{section.standard.id}"
    client = client_as("lead")
    assert client.post(f"{address}/vouch", data={"name": "", "post": "Director"}).status_code == 422
    done = client.post(f"{address}/vouch", data={"name": "Ann Other", "post": "Director"})
    assert done.status_code == 303 and "Ann Other, Director, vouches for it" in words(client.get(f"{base}/"))
    assert client_as("contributor").get(f"{address}/vouch").status_code == 403
    assert client.post(f"{address}/vouch/withdraw").status_code == 303
    assert "Ann Other" not in words(client.get(f"{base}/"))
    section = section_of(world, code)
    client.post(f"{address}/vouch", data={"name": "Ann Other", "post": "Director"})
    assert "Ann Other, Director, vouches for it" in words(client.get(f"{base}/"))
    client.post(address, data=filled(section, q0={"commentary": "one more word"}))
    assert "Ann Other" not in words(client.get(f"{base}/"))
    assert "ended with it" in words(client.get(f"{base}/history"))


def test_another_agency_gets_the_same_404_as_for_nothing(client_as: SignIn, world: World, base: str) -> None:
    other = next(name for name in world.people if name.startswith("signatory-"))
    client = client_as(other)
    pages = ("/", "/check", "/sign", "/history", "/receipt", "/standards/x", "/criteria/x/versions")
    assert {client.get(f"{base}{page}").status_code for page in pages} == {404}
    assert {client.get(f"/returns/no-such-return{page}").status_code for page in pages} == {404}
    assert client.post(f"{base}/standards/x", data={}).status_code == 404


def test_a_board_reader_reads_and_changes_nothing(
    client_as: SignIn, world: World, code: str, base: str
) -> None:
    section = section_of(world, code)
    page = client_as("board").get(f"{base}/standards/{section.standard.id}").get_data(as_text=True)
    assert "<textarea" not in page and section.items[0].criterion.question in html.unescape(page)
    assert "Start:" not in words(client_as("board").get(f"{base}/"))


def test_a_round_that_is_not_open_is_not_there(client_as: SignIn, world: World, code: str) -> None:
    plan = rounds.RoundPlan(
        key="later", name="Later", opens=date(2003, 5, 20), due=date(2003, 7, 1), closes=date(2003, 7, 31),
        milestones_from=date(2003, 5, 20),
    )  # fmt: skip
    actor = world.actor("lead-inspector")
    session = world.write()
    later = rounds.create_round(session, plan, world.version, owner=world.body, by=actor, now=world.now)
    agency = world.returns[code].agency.public_id
    rounds.add_agencies(session, later.public_id, [agency], by=actor, now=world.now)
    rid = session.scalar(select(AuditReturn.public_id).where(AuditReturn.round_id == later.id))
    session.commit()
    assert client_as("signatory").get(f"/returns/{rid}/").status_code == 404


def test_a_page_and_a_save_stay_within_their_statements(
    app, client_as: SignIn, world: World, code: str, base: str
) -> None:
    world.answer(code)
    section = section_of(world, code)
    address = f"{base}/standards/{section.standard.id}"
    client = client_as("contributor")
    client.get(address)  # the pack is parsed once per process
    with counted(app) as read:
        assert client.get(address).status_code == 200
    assert len(read) <= 12, "\n\n".join(read)
    changes = {f"q{place}": {"commentary": f"changed {place}"} for place in range(len(section.items))}
    form = filled(section_of(world, code), **changes)
    with counted(app) as written:
        assert client.post(address, data=form).status_code == 303
    assert len(written) <= 12, "\n\n".join(written)
    # one answer, as the page's script saves it while somebody types
    body = {
        "person": world.people["contributor"].public_id,
        "answers": {section.items[0].id: {"fields": {**good(section.items[0]), "commentary": "typed"}, "based_on": 2}},
    }
    with counted(app) as typed:
        assert client.post(f"{base}/answers", json=body).get_json()["answers"][section.items[0].id]["version"] == 3
    # a checklist that asks for files looks at them, because they are answers
    assert len(typed) <= 12 + world.work(code).template.asks_files, "\n\n".join(typed)
