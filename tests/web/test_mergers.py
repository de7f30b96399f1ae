"""The form that records a merger: its two boxes to tick, and what each of them does."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import Agency, AgencyInArea, AuditReturn, AuditRound, Merger
from app.operations import agencies, rounds
from tests.web.test_rounds_life import days, words
from tests.world import SYSTEM, World

DAY = date(2003, 5, 5)
CODE = "council-1"


@pytest.fixture
def inspector(client_as: Callable[[str], FlaskClient]) -> FlaskClient:
    return client_as("inspector")


@pytest.fixture
def successor(world: World) -> str:
    """The public id of an agency of the round that works in another area."""
    text = "code,name,type,subtype,areas\nn-9,Newly Trust,nhs,,lake: Lakeland\n"
    agencies.import_csv(world.write(), text, world.pack.agency_types, by=SYSTEM, now=world.now)
    newly = world.session.scalars(select(Agency.public_id).where(Agency.code == "n-9")).one()
    rounds.add_agencies(world.session, world.audit_round.public_id, [newly], by=SYSTEM, now=world.now)
    world.session.commit()
    return newly


@pytest.fixture
def second_round(world: World) -> str:
    """The name of another open round of the same body that asks the agency too."""
    session = world.write()
    plan = rounds.RoundPlan(
        key="second", name="Second round", opens=date(2003, 5, 12), due=date(2003, 6, 16), closes=date(2003, 6, 30),
        milestones_from=DAY, area_release="on_submission",
    )  # fmt: skip
    made = rounds.create_round(
        session, plan, session.merge(world.version), owner=session.merge(world.body), by=SYSTEM, now=world.now
    )
    ids = list(session.scalars(select(Agency.public_id).where(Agency.code.in_((CODE, "nhs-1")))))
    rounds.add_agencies(session, made.public_id, ids, by=SYSTEM, now=world.now)
    rounds.open_round(session, made.public_id, by=SYSTEM, now=world.now)
    session.commit()
    return plan.name


def address(world: World) -> str:
    """The page that records the merger of the agency."""
    return f"/returns/{world.returns[CODE].public_id}/merge"


def is_ticked(page: str, box: str) -> bool:
    """Whether a box of the form is ticked. The box must be there."""
    found = re.search(rf'<input[^>]*type="checkbox" id="{box}"[^>]*>', page)
    assert found, f"no box {box}"
    return " checked" in found[0]


def areas_of(world: World, code: str) -> set[tuple[str, date]]:
    """The areas of an agency, and from when on it works in them."""
    world.session.rollback()
    rows = world.session.scalars(select(AgencyInArea).join(AgencyInArea.agency).where(Agency.code == code))
    return {(row.area.code, row.starts) for row in rows}


def merged_in(world: World) -> set[str]:
    """The keys of the rounds in which a merger is recorded."""
    world.session.rollback()
    query = select(AuditRound.key).join(AuditReturn, AuditReturn.round_id == AuditRound.id).join(
        Merger, Merger.return_id == AuditReturn.id
    )
    return set(world.session.scalars(query))


@pytest.mark.parametrize("ticked", [True, False])
def test_the_other_agency_works_in_the_areas_too_where_that_is_ticked(
    inspector: FlaskClient, world: World, successor: str, ticked: bool
) -> None:
    page = inspector.get(address(world)).text
    assert not is_ticked(page, "with_areas"), "areas are changed only where somebody says so"
    form = days(merged_on=DAY) | {"into": successor, "reason": "Reorganised."}
    before = areas_of(world, "n-9")
    assert {code for code, _starts in before} == {"lake"}
    inspector.post(address(world), data=form | ({"with_areas": "1"} if ticked else {}))
    assert merged_in(world) == {"test-round"}
    assert areas_of(world, "n-9") == before | ({("mere", DAY)} if ticked else set())


def test_what_was_ticked_stands_in_the_form_that_comes_back(
    inspector: FlaskClient, world: World, successor: str, second_round: str
) -> None:
    form = days(merged_on=DAY) | {"into": successor, "reason": ""}
    for with_areas in ({}, {"with_areas": "1"}):
        for everywhere in ({}, {"everywhere": "1"}):
            answer = inspector.post(address(world), data=form | with_areas | everywhere)
            assert answer.status_code == 422 and 'href="#reason"' in answer.text
            assert is_ticked(answer.text, "with_areas") is bool(with_areas)
            assert is_ticked(answer.text, "everywhere") is bool(everywhere)
    assert merged_in(world) == set() and "mere" not in {code for code, _starts in areas_of(world, "n-9")}


@pytest.mark.parametrize(
    ("ticked", "recorded"), [({"everywhere": "1"}, {"test-round", "second"}), ({}, {"test-round"})]
)
def test_it_is_recorded_in_the_other_open_rounds_where_that_is_ticked(
    inspector: FlaskClient, world: World, second_round: str, ticked: dict[str, str], recorded: set[str]
) -> None:
    page = inspector.get(address(world))
    assert is_ticked(page.text, "everywhere") and second_round in words(page)
    form = days(merged_on=DAY) | {"into": world.returns["nhs-1"].agency.public_id, "reason": "Reorganised."}
    inspector.post(address(world), data=form | ticked)
    assert merged_in(world) == recorded


def test_nothing_is_offered_for_other_rounds_where_there_are_none(inspector: FlaskClient, world: World) -> None:
    assert 'id="everywhere"' not in inspector.get(address(world)).text
