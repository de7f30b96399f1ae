"""Uploading facts on the pages: what would change in words, what is wrong by its cell, and mending it there."""

from __future__ import annotations

import html
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.operations.test_offline_facts import CODE, STORED_ROWS, fill_rows, save, values
from tests.sheets.workbooks import edited, fill
from tests.web.test_offline import fields, send, words
from tests.world import World, build

# pages do not depend on the database
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Client = Callable[[str], FlaskClient]


@pytest.fixture
def world(session: Session) -> World:
    """A round of the pack with one question of every type."""
    return build(session, pack_key="every-answer")


@pytest.fixture
def base(world: World) -> str:
    return f"/returns/{world.returns[CODE].public_id}/offline"


def test_what_would_change_is_said_in_words_and_saved(world: World, base: str, client_as: Client) -> None:
    client = client_as("contributor")
    save(world, {"number": {"number": "12"}})
    content = edited(
        client.get(f"{base}/workbook").data,
        lambda sheets: [
            fill(sheets, "number", answer=1e2), fill(sheets, "choices", answer="Staff"),
            fill_rows(sheets, "table", [{"name": "<b>Bus", "kind": "night"}]),
        ],
    )  # fmt: skip
    page = send(client, base, content)
    shown = words(page)
    assert "3 answers would change" in shown
    assert "12 hours" in shown and "100 hours" in shown and "<b>Bus | | | | By night" in shown
    assert "Amber" not in shown  # nobody chose it
    saved = client.post(page.request.path, data={"csrf_token": "", "clean": "1"} | fields(page), follow_redirects=True)
    assert "3 answers saved" in words(saved)
    assert values(world) == {
        "number": {"number": "100", "grade": "red"}, "choices": {"choices": ["staff"], "grade": "low"},
        "table": {"rows": [{"name": "<b>Bus", "kind": "night"}]},
    }  # fmt: skip


def test_what_is_wrong_is_mended_on_the_page(world: World, base: str, client_as: Client) -> None:
    client = client_as("contributor")
    content = edited(
        client.get(f"{base}/workbook").data,
        lambda sheets: [
            fill(sheets, "number", answer="many"), fill_rows(sheets, "table", [{"name": "Bus", "places": "few"}]),
        ],
    )  # fmt: skip
    page = send(client, base, content)
    shown = html.unescape(words(page))
    assert "Standard 1, cell F7: Enter a number, such as 25" in shown and "many" in shown
    assert "Table 2.5, cell B5: Enter a number" in shown
    sent = fields(page) | {
        "c-number--choice": "typed", "c-number--number": "7", "c-table--choice": "typed", "c-table--rows-1-places": "x",
    }  # fmt: skip
    again = client.post(page.request.path, data=sent)
    assert again.status_code == 422 and 'href="#c-table--rows"' in again.text
    assert "1 answer saved" in words(again)
    sent = fields(again) | {"c-table--choice": "typed", "c-table--rows-1-places": "4"}
    assert client.post(page.request.path, data=sent).status_code == 303
    assert values(world) == {
        "number": {"number": "7", "grade": "green"}, "table": {"rows": [{"name": "Bus", "places": "4"}]},
    }  # fmt: skip


def test_rows_of_a_colleague_are_put_together_with_those_of_the_file(
    world: World, base: str, client_as: Client
) -> None:
    client = client_as("contributor")
    content = edited(
        client.get(f"{base}/workbook").data, lambda sheets: fill_rows(sheets, "table", [{"name": "Bus"}])
    )
    save(world, {"table": {"rows": STORED_ROWS[:1]}})
    page = send(client, base, content)
    assert "changed by somebody else too" in words(page)
    sent = fields(page) | {"c-table--choice": "typed"}
    # selects are no inputs: what they show is what a browser sends
    sent |= {"c-table--rows-2-safe": "yes", "c-table--rows-2-kind": "night"}
    assert client.post(page.request.path, data=sent).status_code == 303
    assert values(world)["table"]["rows"] == [{"name": "Bus"}, STORED_ROWS[0]]


