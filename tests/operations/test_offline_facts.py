"""Working offline on answers of every type: what is filled in comes back without loss, what is wrong by its cell."""

from __future__ import annotations

import io
from datetime import date
from random import Random
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.bundle import read_bundle, write_bundle
from app.domain.invented import invented
from app.operations.answers import Edit, save_answers
from app.operations.offline import Decision, stage_bundle
from app.queries.bundles import bundle_content
from app.queries.forms import draft_form
from app.queries.packs import template_of
from app.queries.returns import get_return
from app.sheets.cells import Sheet, Value, read_cells
from app.sheets.layout import CELL, TABLE
from app.sheets.write import write_workbook
from tests.operations.test_offline import decide, download, look, upload
from tests.sheets.workbooks import as_ods, edited, fill, members, saved_again
from tests.world import World, build

CODE = "club-1"
NASTY = "=1+1\n+44 20 7946 0000\n@SUM(A1) “x”; y, z | ŵ 𝄞"
# what somebody types into the cells of a fresh spreadsheet, and what is stored
TYPED: dict[str, tuple[dict[str, Value], dict[str, Any]]] = {
    "yes-no": ({"answer": " YES ", "basis": "on paper"}, {"answer": "yes", "grade": "green", "basis": "paper"}),
    "number": ({"answer": 71.5}, {"number": "71.5", "grade": "amber"}),
    "percentage": ({"numerator": 9.0, "denominator": "1,000"}, {"numerator": 9, "denominator": 1000, "grade": "red"}),
    "choice": ({"answer": "every month"}, {"chosen": "monthly", "grade": "high"}),
    "choices": ({"answer": "Drivers;\nstaff"}, {"choices": ["staff", "drivers"], "grade": "low"}),
    "any-number": ({"answer": "012"}, {"number": "12"}),
    "date": ({"answer": date(2003, 4, 3)}, {"date": "2003-04-03"}),
    "text": ({"answer": NASTY}, {"text": NASTY}),
    "file": ({"commentary": "It follows."}, {"commentary": "It follows."}),
}
ROWS: list[dict[str, Value]] = [
    {"name": "=Ferry; bus", "places": 12.5, "since": date(2001, 2, 3), "safe": True, "kind": "By night"},
    {"name": "Bus", "safe": "no"},
]
STORED_ROWS = [
    {"name": "=Ferry; bus", "places": "12.5", "since": "2001-02-03", "safe": "yes", "kind": "night"},
    {"name": "Bus", "safe": "no"},
]


@pytest.fixture
def world(session: Session) -> World:
    """A round of the pack with one question of every type."""
    return build(session, pack_key="every-answer")


def fill_rows(sheets: list[Sheet], question: str, rows: list[dict[str, Value]], first: int = 4) -> Sheet:
    """Type into the rows of a table, from a row (from 0)."""
    sheet = next(one for one in sheets if f"{TABLE}{question}" in one.cells.values())
    places = {str(value).removeprefix(CELL): column for (_, column), value in sheet.cells.items()
              if str(value).startswith(CELL)}  # fmt: skip
    for row, cells in enumerate(rows, start=first):
        for key, value in cells.items():
            sheet.cells[row, places[key]] = value
    return sheet


def save(world: World, values: dict[str, dict[str, Any]]) -> None:
    known = {item.id: item.answer.version for item in world.work(CODE).items}
    edits = [Edit(key, value, known.get(key, 0), f"k{known.get(key, 0)}") for key, value in values.items()]
    actor = world.actor("lead")
    assert save_answers(world.write(), world.returns[CODE].public_id, edits, by=actor, now=world.now).clean
    world.session.commit()


def values(world: World) -> dict[str, Any]:
    world.session.rollback()
    return {item.id: dict(item.answer.value) for item in world.work(CODE).items if item.answer.value}


def made_up(world: World, seed: int) -> dict[str, dict[str, Any]]:
    """An answer to every question, by chance."""
    found = {}
    for placed in world.pack.templates["club"].criteria():
        value = invented(placed.criterion.answer, Random(f"{seed}{placed.criterion.id}"), saved=world.now.date())
        if placed.criterion.answer.type == "grade":
            value = {"grade": "red", "commentary": NASTY}
        found[placed.criterion.id] = value
    found["yes-no"] = {"answer": "yes"}  # so that the question which depends on it is asked
    found["text"] = {"text": NASTY}
    found["table"]["rows"][0]["name"] = NASTY
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_saved_comes_back_as_it_was(world: World, seed: int) -> None:
    save(world, made_up(world, seed))
    assert len(values(world)) >= 11
    content = download(world, CODE)
    for again in (content, saved_again(read_cells(content)), as_ods(read_cells(content))):
        found = look(world, CODE, upload(world, CODE, again))
        assert {entry.kind for entry in found.entries} == {"same"}, [
            (entry.item.id, entry.raw, entry.errors) for entry in found.entries if entry.kind != "same"
        ]
        assert not found.notes and not found.passed_over


def test_what_is_typed_into_a_fresh_spreadsheet_is_saved(world: World) -> None:
    def type_into(sheets: list[Sheet]) -> None:
        for question, (cells, _value) in TYPED.items():
            fill(sheets, question, **cells)
        fill_rows(sheets, "table", ROWS[:1])
        fill_rows(sheets, "table", ROWS[1:], first=8)

    staged = upload(world, CODE, edited(download(world, CODE), type_into))
    found = look(world, CODE, staged)
    assert not found.passed_over and not found.notes
    assert {entry.item.id for entry in found.pending} == {*TYPED, "table"} == {e.item.id for e in found.of("changed")}
    assert decide(world, CODE, staged, *(Decision(key, "file", 0) for key in (*TYPED, "table"))).clean
    assert values(world) == {key: value for key, (_cells, value) in TYPED.items()} | {"table": {"rows": STORED_ROWS}}


def test_what_is_wrong_is_named_by_its_cell(world: World) -> None:
    wrong = {
        "yes-no": ("answer", "perhaps", "“perhaps” is not one of the choices"),
        "number": ("answer", 500.5, "must be 500 or less"),
        "percentage": ("numerator", 1.5, "a whole number"),
        "choice": ("answer", "never", "“never” is not one of the choices"),
        "choices": ("answer", "Staff; cats", "“cats” is not one of the choices"),
        "date": ("answer", "31/4/2003", "is not a date that can be read"),
        "text": ("answer", "x" * 501, "shorten it to 500"),
    }

    def type_into(sheets: list[Sheet]) -> None:
        for question, (column, typed, _words) in wrong.items():
            fill(sheets, question, **{column: typed})
        fill_rows(sheets, "table", [ROWS[0], {"name": "Bus", "places": "few", "kind": "at dawn", "since": "soon"}])

    found = look(world, CODE, upload(world, CODE, edited(download(world, CODE), type_into)))
    entries = {entry.item.id: entry for entry in found.of("wrong")}
    assert set(entries) == {*wrong, "table"}
    for question, (_column, _typed, words) in wrong.items():
        (message,) = entries[question].errors.values()
        (name,) = entries[question].errors
        assert words in str(message), str(message)
        assert entries[question].cells[name][0] in "FGH"
    table = entries["table"]
    assert {table.cells[name]: str(words) for name, words in table.errors.items()} == {
        "Table 2.5!B6": "Enter a number, such as 25",
        "Table 2.5!C6": "“soon” is not a date that can be read: write day, month and year, such as 31/10/2003",
        "Table 2.5!E6": "“at dawn” is not one of the choices: choose one from the list",
    }
    assert table.value == {"rows": [STORED_ROWS[0], {"name": "Bus"}]}  # what could be read stays


def test_too_many_rows_are_not_cut_off(world: World) -> None:
    def type_into(sheets: list[Sheet]) -> None:
        fill_rows(sheets, "table", [{"name": f"Service {number}"} for number in range(6)])

    (entry,) = look(world, CODE, upload(world, CODE, edited(download(world, CODE), type_into))).pending
    assert entry.kind == "wrong" and str(entry.errors["rows"]) == "Fill in 5 rows or fewer"
    assert "Service 5" in entry.raw["rows"]


def test_a_grade_that_follows_is_not_asked_for_and_nothing_typed_is_lost(world: World) -> None:
    def type_into(sheets: list[Sheet]) -> None:
        fill(sheets, "yes-no", answer="no", grade="Green")  # into a locked cell
        fill(sheets, "plain", grade="Green", answer="Quite.")

    found = look(world, CODE, upload(world, CODE, edited(download(world, CODE), type_into)))
    assert {entry.item.id: entry.value for entry in found.of("changed")} == {
        "yes-no": {"answer": "no", "grade": "red"}, "plain": {"grade": "green"},
    }  # fmt: skip
    assert sorted(one["text"] for one in found.passed_over) == ["Green", "Quite."]


def test_a_table_whose_sheet_is_gone_is_not_emptied(world: World) -> None:
    save(world, {"table": {"rows": STORED_ROWS}})
    sheets = [one for one in read_cells(download(world, CODE)) if not one.name.startswith("Table")]
    (entry,) = look(world, CODE, upload(world, CODE, saved_again(sheets))).pending
    assert entry.kind == "wrong" and "is missing from the file" in str(entry.errors["rows"])


def test_rows_that_were_removed_empty_the_answer_only_when_asked(world: World) -> None:
    save(world, {"table": {"rows": STORED_ROWS}, "choices": {"choices": ["staff"]}})

    def type_into(sheets: list[Sheet]) -> None:
        fill(sheets, "choices", answer=None)
        sheet = fill_rows(sheets, "table", [])
        for place in [place for place in sheet.cells if place[0] >= 4]:
            del sheet.cells[place]

    found = look(world, CODE, upload(world, CODE, edited(download(world, CODE), type_into)))
    assert [entry.item.id for entry in found.of("emptied")] == ["choices", "table"] == [
        entry.item.id for entry in found.pending
    ]


def test_cells_offer_lists_and_limits_in_the_language_of_the_form(world: World) -> None:
    actor, audit_return = world.actor("lead"), world.returns[CODE]
    form = draft_form(world.session, audit_return, actor=actor, now=world.now, language="cy")
    content = write_workbook(form, template_of(audit_return)[1])
    xml = "".join(part.decode() for name, part in members(content).items() if "worksheets/sheet" in name)
    for rule in ('type="decimal"', 'type="whole"', 'type="textLength"', 'type="list"'):
        assert rule in xml
    cells = {str(value) for sheet in read_cells(content) for value in sheet.cells.values()}
    assert any("Staff wedi’u hyfforddi" in words for words in cells) and any("awr" in words for words in cells)
    assert content == write_workbook(form, template_of(audit_return)[1])


def test_a_closed_return_shows_facts_and_takes_none(world: World) -> None:
    save(world, made_up(world, 3))
    actor, audit_return = world.actor("lead"), world.returns[CODE]
    form = draft_form(world.session, audit_return, actor=actor, now=world.now)
    closed = form.model_copy(update={"closed": form.standards[2].questions[0].conditions[0]})
    content = write_workbook(closed, template_of(audit_return)[1])
    assert 'locked="0"' not in members(content)["xl/styles.xml"].decode()
    cells = {str(value) for sheet in read_cells(content) for value in sheet.cells.values()}
    assert NASTY in cells and "Yes" in cells and "Green" in cells
    assert not any(value.startswith((TABLE, CELL)) for value in cells)


def test_facts_travel_in_bundles(world: World) -> None:
    given = made_up(world, 4)
    save(world, given)
    stored = values(world)
    actor = world.actor("lead")
    audit_return = get_return(world.session, world.returns[CODE].public_id, actor=actor, now=world.now)
    content = bundle_content(world.session, audit_return, actor=actor, now=world.now)
    out = io.BytesIO()
    write_bundle(content, out, lambda _sha256: io.BytesIO())
    manifest = read_bundle(out, largest_file=1024, largest=10 * 1024**2)
    save(world, {key: {} for key in stored})
    staged = stage_bundle(
        world.write(), world.returns[CODE].public_id, name="b.zip", digest="0" * 64, manifest=manifest, by=actor,
        now=world.now,
    )  # fmt: skip
    world.session.commit()
    found = look(world, CODE, staged)
    assert not found.unmatched and not found.of("wrong")
    decisions = [Decision(entry.item.id, "file", entry.item.answer.version) for entry in found.pending]
    assert decide(world, CODE, staged, *decisions).clean
    assert values(world) == stored
