"""The pages of carrying answers forward, confirming them, and what changed since."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.templates import Criterion, Standard
from app.models import SelfAssessment
from app.operations.answers import Edit
from tests.next_year import changed, next_year
from tests.operations.test_carrying import carried
from tests.operations.test_returns import save, sign
from tests.world import World, complete_answer

# pages do not depend on the database
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def code(world: World) -> str:
    return next(iter(world.returns))


@pytest.fixture
def address(world: World, code: str) -> Callable[[str], str]:
    """The address of a page of the first agency's present return."""
    return lambda page: f"/returns/{world.returns[code].public_id}/{page}"


Address = Callable[[str], str]
ClientAs = Callable[[str], FlaskClient]


def waiting(world: World, code: str) -> list[str]:
    world.session.rollback()
    return [item.id for item in world.work(code).items if item.answer.to_confirm]


def test_without_an_earlier_round_the_pages_say_so(code: str, client_as: ClientAs, address: Address) -> None:
    client = client_as("lead")
    assert "nothing to carry forward" in client.get(address("last-round")).text
    assert "nothing to compare with" in client.get(address("changes")).text
    assert "No answer waits" in client.get(address("last-round/confirm")).text


def test_the_page_shows_beforehand_what_can_be_carried_and_what_changed(
    world: World, code: str, client_as: ClientAs, address: Address
) -> None:
    world.answer(code)
    sign(world, code)
    one, two = world.work(code).items[:2]

    def change(_standard: Standard, criterion: Criterion) -> list[Criterion]:
        if criterion.id == one.criterion.id:
            return [criterion.model_copy(update={"version": 2, "question": "Put quite differently?"})]
        return [] if criterion.id == two.criterion.id else [criterion]

    next_year(world, changed(world.pack, change))
    page = client_as("board").get(address("last-round")).text
    assert "Test round" in page and "Put quite differently?" in page
    assert "Now, version 2" in page and "version 1" in page
    assert "Carry the chosen" not in page, "a board reader changes nothing"
    lead = client_as("lead")
    page = lead.get(address("last-round")).text
    assert "Carry the chosen standards forward" in page
    first, second = (section.standard.id for section in world.work(code).sections[:2])
    nothing = lead.post(address("last-round"), data={})
    assert nothing.status_code == 422 and "Choose at least one standard" in nothing.text
    done = lead.post(address("last-round"), data={"standard": [first, second]})
    assert done.status_code == 303 and done.location.endswith("/last-round/confirm")
    sections = world.work(code).sections[:2]
    assert waiting(world, code) == [i.id for s in sections for i in s.items if i.id != one.id]


def test_answers_are_confirmed_by_standard_only_where_they_are_ticked(
    world: World, code: str, client_as: ClientAs, address: Address
) -> None:
    world.answer(code)
    sign(world, code)
    next_year(world)
    section = world.work(code).sections[0]
    carried(world, code, standards=[section.standard.id])
    client = client_as("contributor")
    page = client.get(address("last-round/confirm")).text
    for item in section.items:
        assert f'value="{item.id}" checked' in page
    assert page.count("Carried from “Test round”") == len(section.items)
    none = client.post(address("last-round/confirm"), data={"standard": section.standard.id})
    assert none.status_code == 422 and "Tick the answers that still hold" in none.text and " checked" not in none.text
    first, *others = [item.id for item in section.items]
    done = client.post(address("last-round/confirm"), data={"question": others}, follow_redirects=True)
    assert f"{len(others)} answers confirmed" in done.text
    assert waiting(world, code) == [first]
    late = client.post(address("last-round/confirm"), data={"question": others}, follow_redirects=True)
    assert "A colleague has confirmed or changed these meanwhile" in late.text
    last = client.post(address("last-round/confirm"), data={"question": [first]})
    assert last.location.endswith(f"{world.returns[code].public_id}/")


def test_a_promise_that_has_passed_is_asked_for_anew(
    world: World, code: str, client_as: ClientAs, address: Address
) -> None:
    world.answer(code, best=False)
    sign(world, code)
    next_year(world)
    section = world.work(code).sections[0]
    carried(world, code, standards=[section.standard.id])
    client = client_as("lead")
    page = client.get(address("last-round/confirm")).text
    assert "1 September 2003, has passed: give a new one" in page
    assert "Confirm the ticked answers" not in page
    item = section.items[0]
    back = client.post(address("confirm"), data={"confirm": item.id}, follow_redirects=True)
    assert "that day has passed" in back.text and item.id in waiting(world, code)


def test_confirming_one_answer_saves_what_else_was_typed(
    world: World, code: str, client_as: ClientAs, address: Address
) -> None:
    world.answer(code)
    sign(world, code)
    next_year(world)
    section = world.work(code).sections[0]
    carried(world, code, standards=[section.standard.id])
    one, two, three = section.items[:3]
    client = client_as("lead")

    def typed(item, **more: str) -> dict[str, str]:  # type: ignore[no-untyped-def]
        """An answer as its fields hold it."""
        value = {name: str(words) for name, words in item.answer.value.items()} | more
        fields = {f"c-{item.id}--{name}": words for name, words in value.items()}
        return fields | {f"c-{item.id}--version": "1"}

    section = world.work(code).sections[0]
    one, two, three = section.items[:3]
    page = client.get(address(f"standards/{section.standard.id}")).text
    assert "Carried from “Test round”" in page
    assert f'name="confirm" value="{one.id}" formaction="{address("confirm")}"' in page
    done = client.post(
        address("confirm"),
        data={"confirm": one.id, "page_key": "p", **typed(one), **typed(two, commentary="Typed meanwhile.")},
    )
    assert done.status_code == 303 and done.location.endswith(f"#q-{one.id}")
    assert waiting(world, code)[:1] == [three.id]
    stored = world.session.scalars(select(SelfAssessment).where(SelfAssessment.criterion == two.criterion.id)).all()
    assert stored[-1].value["commentary"] == "Typed meanwhile."
    # what cannot be saved goes to the page's own save, which shows it again; nothing is confirmed then
    wrong = client.post(
        address("confirm"),
        data={"confirm": three.id, "page_key": "q", **typed(three), **typed(one, grade="no-such-grade")},
    )
    assert wrong.status_code == 307 and wrong.location.endswith(f"/standards/{section.standard.id}")
    assert three.id in waiting(world, code)
    assert client.post(address("confirm"), data={"confirm": "no-such-question"}).status_code == 404


def test_the_page_of_changes_shows_what_is_worse_first(
    world: World, code: str, client_as: ClientAs, address: Address
) -> None:
    world.answer(code)
    sign(world, code)
    next_year(world)
    item = world.work(code).items[0]
    page = client_as("board").get(address("changes")).text
    assert "Not answered yet" in page
    worst = complete_answer(item.scheme, best=False) | {"date_expected": "2004-09-01"}
    save(world, code, Edit(item.id, worst, 0, "k"))
    page = client_as("board").get(address("changes")).text
    assert "better: 0; worse: 1; the same: 0." in page
    assert page.index("Worse than in the last round") < page.index("Standard by standard")
    assert client_as("inspector").get(address("changes")).status_code == 404
