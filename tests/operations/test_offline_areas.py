"""Working offline where a question is asked once for each area: a row, and a place in a bundle, for each."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from app.operations.offline import Decision
from app.queries.forms import blank_form_of_type
from app.sheets.cells import read_cells
from tests import world as world_module
from tests.operations.test_bundles import export, pack_up, read, stage
from tests.operations.test_bundles import look as look_at_bundle
from tests.operations.test_offline import decide, download, look, upload
from tests.sheets.workbooks import column_of, edited, fill, row_of, sheet_with
from tests.world import World


@pytest.fixture
def world(session: Session) -> World:
    """A round whose first question is asked about each of two areas."""
    return world_module.build(session, per_area=True)


@pytest.fixture
def code(world: World) -> str:
    return next(iter(world.returns))


def test_each_area_has_a_row_and_keeps_its_own_answer(world: World, code: str) -> None:
    lake, mere = world.work(code).items[:2]
    content = download(world, code)
    sheets = read_cells(content)
    sheet = sheet_with(sheets, lake.id)
    area = column_of(sheet, "area")
    assert [sheet.cells[row_of(sheet, item.id), area] for item in (lake, mere)] == ["Lakeland", "Mereland"]
    staged = upload(
        world, code, edited(content, lambda found: [fill(found, lake.id, commentary="By the lake"),
                                                    fill(found, mere.id, commentary="By the mere")]),
    )  # fmt: skip
    assert [entry.item.id for entry in look(world, code, staged).of("changed")] == [lake.id, mere.id]
    decide(world, code, staged, Decision(lake.id, "file", 0), Decision(mere.id, "saved", 0))
    saved = {item.id: item.answer.value for item in world.work(code).items}
    assert saved[lake.id] == {"commentary": "By the lake"}
    assert saved[mere.id] == {}
    assert {entry.kind for entry in look(world, code, upload(world, code, download(world, code))).entries} == {"same"}


def test_areas_of_a_bundle_are_known_by_their_codes(world: World, code: str) -> None:
    lake, mere = world.work(code).items[:2]
    content = export(world, code)
    # elsewhere areas have other ids, and the agency works in one that is not here
    elsewhere = {area["scope"]: f"id-of-{area['code']}-there" for area in content["areas"]}
    content["areas"] = [{**area, "scope": elsewhere[area["scope"]]} for area in content["areas"]]
    content["areas"].append({"scope": "third", "code": "third", "name": "Third"})
    content["answers"] = [
        {"criterion": lake.criterion.id, "scope": scope, "type": "grade", "value": {"commentary": scope}}
        for scope in (elsewhere[lake.scope], "third", "")
    ]
    found = look_at_bundle(world, code, stage(world, code, read(pack_up(content))))
    assert {entry.item.id: entry.raw["commentary"] for entry in found.entries} == {lake.id: elsewhere[lake.scope]}
    assert [str(one.reason) for one in found.unmatched] == [
        "The agency does not work in this area here.",
        "The question is asked per area on one side and once on the other.",
    ]
    assert mere.id not in {entry.item.id for entry in found.entries}


def test_the_form_of_a_type_says_what_is_asked_per_area(world: World, code: str) -> None:
    form = blank_form_of_type(
        world.session, world.audit_round, world.returns[code].agency_type, actor=world.actor("inspector"),
        now=world.now,
    )  # fmt: skip
    first, *others = form.questions()
    assert "once for each area" in first.conditions[0].text
    assert not [one for question in others for one in question.conditions if "each area" in one.text]
