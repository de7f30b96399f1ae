"""The signatory's page, declining, and the board's comments, as people meet them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import Assignment, BoardComment, PlannedAction
from tests.operations.test_returns import sign
from tests.operations.test_signing import commented, declined, waiting
from tests.world import World

# pages do not depend on the database
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Address = Callable[[str], str]
ClientAs = Callable[[str], FlaskClient]


@pytest.fixture
def code(world: World) -> str:
    return next(iter(world.returns))


@pytest.fixture
def address(world: World, code: str) -> Address:
    """The address of a page of the first agency's return."""
    return lambda page: f"/returns/{world.returns[code].public_id}/{page}"


def test_declining_needs_a_reason_and_shows_what_was_typed_again(
    world: World, code: str, client_as: ClientAs, address: Address
) -> None:
    client = client_as("signatory")
    empty = client.post(address("sign/decline"), data={"reason": "  "})
    assert empty.status_code == 422 and "Say why you do not sign" in empty.text and 'href="#reason"' in empty.text
    long = client.post(address("sign/decline"), data={"reason": "y" * 4001})
    assert long.status_code == 422 and "y" * 4001 in long.text
    done = client.post(address("sign/decline"), data={"reason": "Not <b>yet</b>."}, follow_redirects=True)
    assert "You declined to sign for now" in done.text and "Not &lt;b&gt;yet&lt;/b&gt;." in done.text
    assert waiting(world, code)


def test_everybody_of_the_agency_sees_the_reason_until_the_lead_asks_again(
    world: World, code: str, client_as: ClientAs, address: Address
) -> None:
    world.answer(code)
    declined(world, code, "Look at 1.1 again.")
    for who in ("lead", "contributor", "board", "signatory"):
        for page in ("", "sign"):
            shown = client_as(who).get(address(page)).text
            assert "Look at 1.1 again." in shown, (who, page)
            assert ("Ask for the signature again" in shown) is (who == "lead")
    # the page to sign is there all the same
    assert "Sign and submit" in client_as("signatory").get(address("sign")).text
    client = client_as("lead")
    done = client.post(address("sign/ask-again"), follow_redirects=True)
    assert "asked again" in done.text and "Look at 1.1 again." not in done.text
    page = client_as("signatory").get(address("sign")).text
    assert "Why it was not signed before" in page and "Look at 1.1 again." in page
    assert client.post(address("sign/ask-again")).status_code == 409


def test_oversight_bodies_read_neither_reasons_nor_comments(
    world: World, code: str, client_as: ClientAs, address: Address
) -> None:
    world.answer(code)
    commented(world, code, "A word among ourselves.")
    declined(world, code, "A reason among ourselves.")
    sign(world, code)
    inspector = client_as("inspector")
    history = inspector.get(address("history")).text
    assert "among ourselves" not in history
    assert "Commented for the board." in history and "Declined to sign for now." in history
    for page in ("board", "sign", "changes", "last-round"):
        assert inspector.get(address(page)).status_code == 404, page
    own = client_as("lead").get(address("history")).text
    assert "A word among ourselves." in own and "A reason among ourselves." in own


def test_the_board_reads_the_draft_and_comments_on_a_standard(
    world: World, code: str, client_as: ClientAs, address: Address
) -> None:
    section = world.work(code).sections[1]
    client = client_as("board")
    page = client.get(address(f"standards/{section.standard.id}")).text
    assert "Comment on this standard" in page and "<textarea" not in page
    form = client.get(address(f"board?standard={section.standard.id}")).text
    assert f'value="{section.standard.id}" selected' in form
    assert "oversight bodies never read them" in form
    empty = client.post(address("board"), data={"text": "", "standard": section.standard.id})
    assert empty.status_code == 422 and f'value="{section.standard.id}" selected' in empty.text
    client.post(address("board"), data={"text": "Why so late?\nAnd who?", "standard": section.standard.id})
    client.post(address("board"), data={"text": "As a whole: good."})
    assert "Why so late?" in client.get(address(f"standards/{section.standard.id}")).text
    other = client.get(address(f"standards/{world.work(code).sections[0].standard.id}")).text
    assert "Why so late?" not in other
    assert "Comments of the board</a> (2)" in client_as("lead").get(address("")).text
    assert "As a whole: good." in client_as("signatory").get(address("sign")).text
    lead = client_as("lead")
    assert "Add the comment" not in lead.get(address("board")).text
    assert lead.post(address("board"), data={"text": "x"}).status_code == 403
    world.session.rollback()
    assert len(world.session.scalars(select(BoardComment)).all()) == 2


def test_the_page_before_signing_puts_what_matters_first(
    world: World, code: str, client_as: ClientAs, address: Address
) -> None:
    world.answer(code, best=False)
    session = world.write()
    items, audit_return = world.work(code).items, world.returns[code]
    number = sum(item.started for item in items)
    gaps = sum(item.grade is not None for item in items)
    session.add_all(
        [
            PlannedAction(
                return_id=audit_return.id, criterion=items[0].criterion.id, what="Train all receptionists.",
                owner="Director of nursing", due=date(2003, 9, 1), made_at=world.now, saved_at=world.now,
            ),
            Assignment(
                return_id=audit_return.id, standard=world.work(code).sections[0].standard.id,
                user_id=world.people["contributor"].id, assigned_at=world.now, state_at=world.now,
            ),
        ]
    )  # fmt: skip
    session.commit()
    page = client_as("signatory").get(address("sign")).text
    assert page.index("What is not in place, and by when it will be") < page.index("standard by standard")
    assert page.index("standard by standard") < page.index("What you take responsibility for")
    assert page.index("What you take responsibility for") < page.index("Sign and submit")
    assert "Planned: Train all receptionists." in page and "Director of nursing" in page
    assert f"{number} answers about" in page
    assert f"1 planned action; {gaps - 1} gaps have none." in page
    assert "0 files of evidence." in page
    assert "Given to colleagues, and not accepted yet" in page and world.people["contributor"].name in page
    assert "Decline to sign for now" in page
    board = client_as("board").get(address("sign")).text
    assert "What the signatory takes responsibility for" in board and "Sign and submit" not in board
    assert "Decline to sign for now" not in board
