"""Sites through all that is done with answers: offline, bundles, the next round, figures, feedback, documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.actions import Typed
from app.domain.life import NotPossible
from app.domain.message import Message
from app.models import Event
from app.operations import sites
from app.operations.actions import plan_action
from app.operations.carrying import carry
from app.operations.offline import Decision, dismiss_import
from app.queries.action_plan import action_plan
from app.queries.carrying import carry_plan
from app.queries.disclosure import entries
from app.queries.fact_figures import FactFilter, agencies_said
from app.queries.figures import Behind, Narrowed, agencies_behind, round_figures
from app.queries.findings import joint_findings
from app.queries.forms import blank_form_of_type
from app.queries.imports import get_import
from app.queries.release import gather
from app.queries.returns import Place
from app.sheets.cells import read_cells
from reports.make import make_report
from tests import world as world_module
from tests.next_year import next_year
from tests.operations.checking import check, put_in_sample
from tests.operations.test_bundles import export, pack_up, read, stage
from tests.operations.test_bundles import look as look_at_bundle
from tests.operations.test_offline import decide, download, look, upload
from tests.operations.test_returns import sign
from tests.operations.test_sites import CODE, GREEN, add, answer_all, remove, save
from tests.pdf_gate import assert_pdf_ua
from tests.reports.test_forms import has, make
from tests.sheets.workbooks import column_of, edited, fill, row_of, sheet_with
from tests.world import SYSTEM, World

RED = {"grade": "red", "basis": "paper", "commentary": "It stands open."}


@pytest.fixture
def world(session: Session) -> World:
    return world_module.build(session, pack_key="every-site")


@pytest.fixture
def signed(world: World) -> World:
    """Two sites, answered and signed; the door of one stands open."""
    add(world, ("RX1", "Northern clinic"), ("RX2", "Annexe"))
    save(world, "door.rx1", **RED)
    answer_all(world)
    sign(world, CODE)
    return world


# --- offline ---------------------------------------------------------------------------------------------------------


def test_each_site_has_its_row_in_a_workbook_and_before_any_is_listed_there_is_none(world: World) -> None:
    sheets = read_cells(download(world, CODE))
    texts = " ".join(str(cell) for sheet in sheets for cell in sheet.cells.values())
    assert "Questions that are asked for each of your sites are not in this file yet." in texts
    assert "Is the door shut?" not in texts
    add(world, ("RX1", "Northern clinic"), ("RX2", "Annexe"))
    content = download(world, CODE)
    sheet = sheet_with(read_cells(content), "door.rx1")
    place = column_of(sheet, "area")
    assert [sheet.cells[row_of(sheet, f"door.{key}"), place] for key in ("rx1", "rx2")] == ["Northern clinic", "Annexe"]
    staged = upload(
        world, CODE, edited(content, lambda found: [fill(found, "door.rx1", commentary="In the north"),
                                                    fill(found, "door.rx2", commentary="In the yard")]),
    )  # fmt: skip
    assert {entry.item.id for entry in look(world, CODE, staged).of("changed")} == {"door.rx1", "door.rx2"}
    # a site that is removed meanwhile has no place for its answer any more, which is told
    remove(world, "rx2")
    found = look(world, CODE, staged)
    assert {entry.item.id for entry in found.of("changed")} == {"door.rx1"}
    assert "In the yard" in [one["text"] for one in found.passed_over]
    decide(world, CODE, staged, Decision("door.rx1", "file", 0))
    assert {item.id: item.answer.value for item in world.work(CODE).items}["door.rx1"] == {"commentary": "In the north"}


def brought(world: World, *keys: str, **more: object) -> dict[str, Any]:
    """A bundle with answers about sites that this return never listed."""
    content = export(world, CODE)
    names = {"rx1": "Northern clinic", "rx2": "Annexe", "odd": "Odd"}
    content["sites"] = [
        {"scope": key, "code": "o d d" if key == "odd" else key.upper(), "name": names[key]} for key in keys
    ]
    content["answers"] = [
        {"criterion": "door", "scope": scope, "type": "grade", "value": {"commentary": scope}} for scope in (*keys, "")
    ]
    return content | more


def verbs(world: World) -> list[str]:
    return list(world.session.scalars(select(Event.verb).where(Event.verb.like("site.%"))))


def test_sites_of_a_bundle_are_listed_with_the_answers_that_are_taken(world: World) -> None:
    planned = [
        {"criterion": "door", "scope": "rx1", "what": "Mend it", "owner": "", "due": None, "state": "planned"}
    ]
    content = brought(world, "rx1", "rx2", "odd", actions=planned)
    iid = stage(world, CODE, read(pack_up(content)))
    found = look_at_bundle(world, CODE, iid)
    # looking at it lists nothing
    assert not world.work(CODE).sites
    assert not verbs(world)
    assert [(entry.item.number, entry.kind, entry.raw["commentary"]) for entry in found.entries] == [
        ("2.1, Northern clinic", "changed", "rx1"), ("2.1, Annexe", "changed", "rx2"),
    ]  # fmt: skip
    assert [str(one.reason) for one in found.unmatched] == [
        "This site is not in the list of the agency here.",
        "The question is asked per site here, and once on the other side.",
    ]
    assert str(found.notes[0]).startswith("Sites that are not in your list: Northern clinic, Annexe.")
    assert not found.actions
    # a contributor lists no sites
    staged = get_import(world.session, world.returns[CODE], iid)
    result = decide(world, CODE, staged, Decision("door.rx1", "file", 0))
    assert str(result.errors["door.rx1"]["grade"]).startswith(
        "“Northern clinic” is not in your list of sites, so this answer was not saved. Ask the audit lead"
    )
    assert not world.work(CODE).sites
    assert look_at_bundle(world, CODE, iid).left == 2
    # the lead does, those whose answers are taken
    result = decide(
        world, CODE, staged, Decision("door.rx1", "file", 0), Decision("door.rx2", "saved", 0), by="lead"
    )
    assert result.saved == {"door.rx1": 1}
    assert [site.name for site in world.work(CODE).sites] == ["Northern clinic"]
    found = look_at_bundle(world, CODE, iid)
    assert [one.what for one in found.actions] == ["Mend it"]
    assert found.left == 1


def test_a_bundle_that_is_dismissed_changes_nothing(world: World) -> None:
    iid = stage(world, CODE, read(pack_up(brought(world, "rx1", "rx2"))), by="lead")
    actor = world.actor("lead")
    dismiss_import(world.write(), world.returns[CODE].public_id, iid, by=actor, now=world.now)
    world.session.commit()
    assert not world.work(CODE).sites
    assert not verbs(world)


def test_a_bundle_brings_back_no_site_that_was_removed_here(world: World) -> None:
    content = brought(world, "rx1")
    add(world, ("RX1", "Northern clinic"))
    before = stage(world, CODE, read(pack_up(content)), by="lead")
    remove(world, "rx1")
    # laid before the return while the site was listed: the answer is shown, and has no place any more
    found = look_at_bundle(world, CODE, before)
    assert not found.entries
    assert [str(one.reason) for one in found.unmatched][-1] == "This site is not in the list of the agency here."
    staged = get_import(world.session, world.returns[CODE], before)
    result = decide(world, CODE, staged, Decision("door.rx1", "file", 0), by="lead")
    assert "not in your list of sites any more" in str(result.errors["door.rx1"]["grade"])
    # and after
    again = stage(world, CODE, read(pack_up({**content, "exported_at": "2003-05-13"})), by="lead")
    assert again != before
    assert not look_at_bundle(world, CODE, again).entries
    assert not world.work(CODE).sites


def test_a_bundle_adds_nothing_where_the_agency_has_no_sites(world: World) -> None:
    actor = world.actor("lead")
    sites.say_none(world.write(), world.returns[CODE].public_id, none=True, by=actor, now=world.now)
    world.session.commit()
    content = export(world, CODE) | {"sites": [{"scope": "rx1", "code": "RX1", "name": "Northern clinic"}]}
    found = look_at_bundle(world, CODE, stage(world, CODE, read(pack_up(content)), by="lead"))
    assert not found.notes
    assert world.work(CODE).has_no_sites


def test_what_one_installation_exports_another_reads(world: World) -> None:
    add(world, ("RX1", "Northern clinic"))
    save(world, "door.rx1", **GREEN)
    content = export(world, CODE)
    assert content["sites"] == [{"scope": "rx1", "code": "RX1", "name": "Northern clinic"}]
    assert [area["name"] for area in content["areas"]] == ["Mereland"]
    found = look_at_bundle(world, CODE, stage(world, CODE, read(pack_up(content))))
    assert [(entry.item.id, entry.kind) for entry in found.entries] == [("door.rx1", "same")]
    assert not found.notes


# --- the next round --------------------------------------------------------------------------------------------------


def test_the_list_is_carried_into_the_next_round_with_the_answers(signed: World) -> None:
    world = signed
    next_year(world)
    work = world.work(CODE)
    assert not work.sites
    plan = carry_plan(world.session, work)
    assert plan is not None
    assert [(site.code, site.name) for site in plan.sites] == [("RX2", "Annexe"), ("RX1", "Northern clinic")]
    assert {"door.rx1", "door.rx2", "beds.rx1"} <= {pair.now.id for pair in plan.open}
    assert not plan.dropped
    actor = world.actor("lead")
    # an answer about no site brings no list
    carry(world.write(), world.returns[CODE].public_id, standards=["whole"], by=actor, now=world.now)
    world.session.commit()
    assert not world.work(CODE).sites
    carried = carry(world.write(), world.returns[CODE].public_id, by=actor, now=world.now)
    world.session.commit()
    assert {"door.rx1", "door.rx2"} <= set(carried)
    work = world.work(CODE)
    assert [site.code for site in work.sites] == ["RX2", "RX1"]
    door = next(item for item in work.items if item.id == "door.rx1")
    assert door.answer.to_confirm
    assert door.answer.value["commentary"] == "It stands open."


def test_answers_are_carried_to_the_sites_that_are_listed_now(signed: World) -> None:
    world = signed
    next_year(world)
    add(world, ("rx1", "The northern clinic"), ("RX3", "New house"))
    plan = carry_plan(world.session, world.work(CODE))
    assert plan is not None
    assert not plan.sites
    assert {pair.now.id for pair in plan.open if pair.now.criterion.id == "door"} == {"door.rx1"}
    assert {item.id for item in plan.dropped} == {"door.rx2", "lock.rx2", "beds.rx2"}
    actor = world.actor("lead")
    carry(world.write(), world.returns[CODE].public_id, by=actor, now=world.now)
    world.session.commit()
    # what one round calls a site changes nothing in another
    assert [site.name for site in world.work(CODE).sites] == ["New house", "The northern clinic"]
    assert world.work(CODE).audit_return.audit_round.key == "next-round"


def test_a_contributor_carries_what_is_about_no_site_and_the_lead_the_rest(signed: World) -> None:
    world = signed
    next_year(world)
    rid, contributor = world.returns[CODE].public_id, world.actor("contributor")
    plan = carry_plan(world.session, world.work(CODE), may_list=False)
    assert plan is not None
    assert [site.code for site in plan.unlisted] == ["RX2", "RX1"]
    assert not plan.sites
    assert not plan.dropped
    carried = carry(world.write(), rid, by=contributor, now=world.now)
    world.session.commit()
    assert carried
    assert not [key for key in carried if "rx" in key]
    assert not world.work(CODE).sites
    with pytest.raises(NotPossible, match="Ask the audit lead to list those of the last round"):
        carry(world.write(), rid, by=contributor, now=world.now)
    world.session.rollback()
    lead = world.actor("lead")
    carried = carry(world.write(), rid, by=lead, now=world.now)
    world.session.commit()
    assert {"door.rx1", "door.rx2"} <= set(carried)


def test_carrying_brings_back_no_site_that_was_removed_by_hand(signed: World) -> None:
    world = signed
    next_year(world)
    add(world, ("RX1", "Northern clinic"))
    remove(world, "rx1")
    plan = carry_plan(world.session, world.work(CODE))
    assert plan is not None
    assert [site.code for site in plan.sites] == ["RX2"]
    actor = world.actor("lead")
    carry(world.write(), world.returns[CODE].public_id, by=actor, now=world.now)
    world.session.commit()
    assert [site.code for site in world.work(CODE).sites] == ["RX2"]


# --- figures, feedback, checks, disclosure ---------------------------------------------------------------------------


def test_figures_count_answers_and_name_the_sites(signed: World) -> None:
    world = signed
    about = {"actor": SYSTEM, "now": world.now, "language": "en"}
    found = round_figures(world.session, world.audit_round, Narrowed(), **about)
    door = next(one for one in found.criteria if one.asked.criterion.id == "door")
    assert door.label.endswith("(one answer for each site)")
    behind = agencies_behind(world.session, world.audit_round, "trust", "door", Narrowed(), Behind(), **about)
    assert sorted((row.area, row.grade, row.question) for row in behind.rows) == [
        ("Annexe", "green", "door.rx2"), ("Northern clinic", "red", "door.rx1"),
    ]  # fmt: skip
    area = agencies_behind(world.session, world.audit_round, "trust", "partners", Narrowed(), Behind(), **about)
    assert [row.area for row in area.rows] == ["Mereland"]
    said = agencies_said(world.session, world.audit_round, "trust", "beds", Narrowed(), FactFilter(), **about)
    assert sorted(row.area for row in said.rows) == ["Annexe", "Northern clinic"]
    joint = joint_findings(world.session, world.audit_round, actor=SYSTEM, now=world.now)
    figure = next(one.figure for theme in joint.themes for one in theme.criteria if one.id == "door")
    assert (figure.asked, figure.met, figure.unanswered) == (2, 1, 0)


def test_an_agency_without_sites_is_missing_no_answer(world: World) -> None:
    sites.say_none(world.write(), world.returns[CODE].public_id, none=True, by=world.actor("lead"), now=world.now)
    world.session.commit()
    answer_all(world)
    sign(world, CODE)
    about = {"actor": SYSTEM, "now": world.now}
    found = round_figures(world.session, world.audit_round, Narrowed(), language="en", **about)
    door = next(one for one in found.criteria if one.asked.criterion.id == "door")
    assert found.submitted == 1 and door.figure.unanswered == 0
    joint = joint_findings(world.session, world.audit_round, **about)
    figures = {one.id: one.figure for theme in joint.themes for one in theme.criteria}
    assert "door" not in figures or figures["door"].unanswered == 0


def test_feedback_and_disclosure_name_the_site_of_an_answer(signed: World) -> None:
    world = signed
    put_in_sample(world, CODE, questions=["door.rx1", "door.rx2"])
    check(world, CODE, "door.rx2", "red", reason="The door of the annexe was open.", seen="A visit.")
    made = gather(world.session, world.audit_round, types=["trust"])
    statements = made[world.returns[CODE].id].model_dump_json()
    assert "2.1 (Annexe)" in statements
    found = entries(world.session, world.returns[CODE], actor=world.actor("lead-inspector"), now=world.now)
    assert any("2.1 (Annexe)" in one.what.rendered() for one in found if isinstance(one.what, Message))


# --- documents -------------------------------------------------------------------------------------------------------


def test_the_form_of_a_type_says_what_is_asked_per_site(world: World) -> None:
    form = blank_form_of_type(
        world.session, world.audit_round, "trust", actor=world.actor("inspector"), now=world.now
    )
    door = next(question for question in form.questions() if question.id == "door")
    assert "Asked once for each site of the agency: copy this for every site." in [one.text for one in door.conditions]
    partners = next(question for question in form.questions() if question.id == "partners")
    assert "once for each area" in partners.conditions[0].text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_forms_and_reports_have_each_site_by_name(world: World, tmp_path: Path) -> None:
    none_yet = tmp_path / "none-yet"
    none_yet.mkdir()
    blank, form = make(world, none_yet, "blank-form", CODE)
    assert [question.id for question in form.questions()].count("door") == 1
    assert has(blank, "copy this for every site")
    add(world, ("RX1", "Northern clinic"), ("RX2", "Annexe"))
    blank, form = make(world, tmp_path, "blank-form", CODE)
    assert_pdf_ua(blank)
    assert {"door.rx1", "door.rx2"} <= {question.id for question in form.questions()}
    assert has(blank, "2.1, Northern clinic")
    save(world, "door.rx1", **RED)
    answer_all(world)
    draft, form = make(world, tmp_path, "draft-return", CODE, draft=True)
    assert has(draft, "It stands open.")
    assert form.asked == form.complete == 8
    sign(world, CODE)
    world.session.rollback()
    whole = tmp_path / "whole.pdf"
    make_report(
        world.session, "agency-return", world.audit_round, world.returns[CODE], out=whole, actor=SYSTEM, now=world.now
    )
    assert_pdf_ua(whole)
    assert has(whole, "2.1, Annexe")
    assert has(whole, "Annexe (RX2); Northern clinic (RX1)")


def test_actions_for_a_site_that_was_removed_are_told_with_its_code(world: World) -> None:
    add(world, ("RX1", "Northern clinic"))
    actor = world.actor("lead")
    plan_action(
        world.write(), world.returns[CODE].public_id, "door.rx1", Typed("Mend the lock", "Pat", None, "planned"),
        by=actor, now=world.now,
    )  # fmt: skip
    world.session.commit()
    remove(world, "rx1")
    plan = action_plan(
        world.session, world.returns[CODE], draft=True, actor=world.actor("lead"), now=world.now
    )
    assert plan is not None
    told = json.dumps(plan.model_dump(mode="json"))
    assert "2.1, rx1" in told
    assert Place("rx1", "RX1", "Northern clinic", "site") not in world.work(CODE).places
