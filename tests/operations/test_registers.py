"""Populations from public registers: recognised by heading or shape, closed organisations left out, areas from codes.

The lines have the registers' layouts; the organisations are made up.
"""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.models import Agency, AgencyInArea, Area
from app.operations import agencies, rounds
from app.operations.agencies import Parsed, parse_csv
from app.operations.registers import NHS, ONS, parse_register, read_date, recognise
from app.queries.agencies import area_names
from tests.world import SYSTEM, World, pack

TODAY = date(2003, 5, 12)
TYPES = pack("section-11-2024").agency_types
EMPTY = '"",' * 5
# code, name, grouping, geography, five lines of address, postcode, opened, closed, and fifteen more columns
NO_HEADING = "\n".join(
    f'"{code}","{name}","Y01","{area}","1 HIGH STREET","","","MERE","","ME1 1AA","{opened}","{closed}",{EMPTY}'
    '"01234 567890","","","","0","","","","",""'
    for code, name, area, opened, closed in (
        ("RX9", "NORTHMERE, SOUTHMERE AND LAKE NHS TRUST", "Q99", "19940401", ""),
        ("RX8", "OLD MERE NHS TRUST", "Q99", "19910401", "20020331"),
        ("RX7", "CLOSING TODAY NHS TRUST", "Q98", "19910401", "20030512"),
        ("RX6", "CLOSING LATER NHS TRUST", "Q98", "19910401", "20030513"),
    )
)  # fmt: skip
WITH_HEADING = """ORGANISATIONCODE,NAME,NATIONAL GROUPING,HIGH LEVEL HEALTH GEOGRAPHY,POSTCODE,OPEN DATE,CLOSE DATE
RX9,Northmere NHS Trust,Y01,Q99,ME1 1AA,1994-04-01,
RX8,Old Mere NHS Trust,Y01,Q99,ME1 1AB,1991-04-01,31/03/2002
"""
LOOKUP = """\ufeffLAD23CD,LAD23NM,LAD23NMW,PFA23CD,PFA23NM,ObjectId
E99000001,Northmere,,E23000091,Mereshire,1
E99000002,Southmere: the lake,,E23000091,Mereshire,2
E99000003,Westmere,,E23000092,West Mercia of Mere,3
"""


def read(text: str, **chosen: object) -> Parsed:
    register = recognise(text)
    assert register is not None
    more: dict[str, object] = {"agency_type": next(iter(TYPES)), "today": TODAY} | chosen
    return parse_register(text, register, TYPES, **more)  # type: ignore[arg-type]


def test_the_health_register_is_known_by_its_shape() -> None:
    register = recognise(NO_HEADING)
    assert register is not None and (register.kind, register.has_heading) == (NHS, False)
    parsed = read(NO_HEADING, areas=register.areas[0].key)
    assert parsed.problems == []
    assert [(one.code, one.name, one.areas) for one in parsed.entries] == [
        ("RX9", "NORTHMERE, SOUTHMERE AND LAKE NHS TRUST", (("Q99", ""),)),
        ("RX6", "CLOSING LATER NHS TRUST", (("Q98", ""),)),
    ]
    assert [(one.line, one.code, one.closed_on) for one in parsed.left_out] == [
        (2, "RX8", date(2002, 3, 31)), (3, "RX7", date(2003, 5, 12)),
    ]  # fmt: skip
    assert all(one.areas == () for one in read(NO_HEADING).entries)  # none where none were chosen
    assert read(NO_HEADING, areas="National Grouping").entries[0].areas == (("Y01", ""),)


def test_the_health_register_is_known_by_its_heading() -> None:
    register = recognise(WITH_HEADING)
    assert register is not None and (register.kind, register.has_heading) == (NHS, True)
    parsed = read(WITH_HEADING)
    assert [one.code for one in parsed.entries] == ["RX9"] and [one.code for one in parsed.left_out] == ["RX8"]
    status = "OrgId,Name,Status,OrgRecordClass,PostCode\nRX1,One,Active,RC1,M1\nRX2,Two,Inactive,RC1,M1\n"
    parsed = read(status)
    assert [one.code for one in parsed.entries] == ["RX1"]
    assert [(one.code, one.closed_on) for one in parsed.left_out] == [("RX2", None)]


def test_a_code_list_makes_agencies_of_either_kind() -> None:
    register = recognise(LOOKUP)
    assert register is not None and register.kind == ONS
    assert [pair.key for pair in register.agencies] == ["LAD23", "PFA23"]
    assert register.areas[0].key == "PFA23"
    councils = read(LOOKUP, areas="PFA23").entries
    assert [(one.code, one.areas) for one in councils] == [
        ("E99000001", (("E23000091", "Mereshire"),)),
        ("E99000002", (("E23000091", "Mereshire"),)),
        ("E99000003", (("E23000092", "West Mercia of Mere"),)),
    ]
    forces = read(LOOKUP, agencies="PFA23", areas="LAD23").entries
    assert [(one.name, one.areas) for one in forces] == [
        ("Mereshire", (("E99000001", "Northmere"), ("E99000002", "Southmere the lake"))),
        ("West Mercia of Mere", (("E99000003", "Westmere"),)),
    ]
    themselves = read(LOOKUP, agencies="LAD23", areas="LAD23").entries
    assert themselves[0].areas == (("E99000001", "Northmere"),)


@pytest.mark.parametrize(
    "heading", ["LAD99CD,LAD99NM", "ctyua19cd,ctyua19nm", "UTLA03CD,UTLA03NM,FID", "PFA24NM,PFA24CD"]
)
def test_any_year_and_kind_of_code_list(heading: str) -> None:
    register = recognise(heading + "\nX1,Y1\n")
    assert register is not None and len(register.agencies) == 1


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "code,name,type\nC1,One,council\n", "name,postcode\nOne,M1\n", "LAD23CD,code\nE1,C1\n",
     "code,name,type,status\nC1,One,council,Active\n", '"RX9","ONE","Y01"\n', "Anything, at all, typed, by, hand\n"],
)  # fmt: skip
def test_other_files_are_no_register(text: str) -> None:
    assert recognise(text) is None


@given(st.text(max_size=300))
def test_recognising_never_fails(text: str) -> None:
    register = recognise(text)
    if register is not None:
        parse_register(text, register, TYPES, agency_type=next(iter(TYPES)), today=TODAY)


def test_all_problems_by_line() -> None:
    text = (
        "ORGANISATIONCODE,NAME,NATIONAL GROUPING,CLOSE DATE\n"
        "RX1,One,Y1,\n"
        ",Two,Y1,\n"
        "RX3,Three,Y1,tomorrow\n"
        "RX4,Four\n"
        "RX1,One again,Y1,\n"
        "RX 6,Six,Y1,\n"
        "RX7,,Y1,\n"
    )
    problems = {one.line: str(one.message) for one in read(text).problems}
    assert set(problems) == {3, 4, 5, 6, 7, 8}
    for line, words in ((3, "code is missing"), (4, "tomorrow"), (5, "cells"), (6, "line 2"), (7, "RX 6"), (8, "name")):
        assert words in problems[line], line
    lookup = "LAD23CD,LAD23NM,PFA23CD,PFA23NM\nE1,One,P1,Force\nE2,Two,P1,Other name\n"
    assert [one.line for one in read(lookup, agencies="PFA23").problems] == [3]


def test_a_file_with_nothing_open_says_so() -> None:
    closed = "ORGANISATIONCODE,NAME,CLOSE DATE\nRX1,One,20020101\n"
    assert "no open organisation" in str(read(closed).problems[0].message)
    assert "no organisation" in str(read("ORGANISATIONCODE,NAME,CLOSE DATE\n").problems[0].message)


@pytest.mark.parametrize(
    ("text", "day"),
    [("", None), ("20030616", date(2003, 6, 16)), ("2003-06-16", date(2003, 6, 16)), ("16/06/2003", date(2003, 6, 16))],
)
def test_dates_as_registers_write_them(text: str, day: date | None) -> None:
    assert read_date(text) == day


@pytest.mark.parametrize("text", ["2003", "20031301", "June", "32/01/2003", "٢٠٠٣٠٦١٦"])
def test_what_is_no_date_is_said(text: str) -> None:
    with pytest.raises(ValueError):
        read_date(text)


def test_forces_of_several_areas_come_into_a_round(world: World) -> None:
    kind = list(TYPES)[-1]
    parsed = read(LOOKUP, agency_type=kind, agencies="PFA23", areas="LAD23")
    actor = world.actor("lead-inspector")
    added = rounds.add_entries(
        world.write(), world.audit_round.public_id, parsed.entries, by=actor, now=world.now
    )
    world.session.commit()
    assert added == 2
    placed = world.session.scalars(
        select(Area.name).join(AgencyInArea).join(Agency).where(Agency.code == "E23000091").order_by(Area.name)
    ).all()
    assert placed == ["Northmere", "Southmere the lake"]


def test_importing_what_was_read(world: World) -> None:
    parsed = read(NO_HEADING)
    stored = agencies.import_csv(world.write(), NO_HEADING, TYPES, by=SYSTEM, now=world.now, parsed=parsed)
    assert [one.code for one in stored] == ["RX9", "RX6"]
    assert parse_csv(NO_HEADING, TYPES).problems  # it is no file of our own


def test_an_area_has_one_name_in_a_file() -> None:
    lookup = "LAD23CD,LAD23NM,PFA23CD,PFA23NM\nE1,One,P1,Mereshire\nE2,Two,P1,MERESHIRE\nE3,Three,P1,Lakeshire\n"
    (problem,) = read(lookup, agencies="LAD23", areas="PFA23").problems
    assert problem.line == 4
    assert all(part in str(problem.message) for part in ("P1", "“Lakeshire”", "“Mereshire”", "line 2"))
    kind = next(iter(TYPES))
    lines = ("C1,One,{0},p1: Mereshire; P2: Lake", "C2,Two,{0},P1: Lakeshire", "C3,Three,{0},P2")
    own = "\n".join(("code,name,type,areas", *lines)).format(kind)
    (problem,) = parse_csv(own, TYPES).problems
    assert problem.line == 3 and "line 2" in str(problem.message)


def test_an_area_takes_its_name_from_whichever_line_says_it(world: World) -> None:
    kind = next(iter(TYPES))
    text = f"code,name,type,areas\nC1,One,{kind},p1\nC2,Two,{kind},P1: Mereshire\n"
    agencies.import_csv(world.write(), text, TYPES, by=SYSTEM, now=world.now)
    world.session.commit()
    assert area_names(world.session)["p1"] == "Mereshire"
    # known areas keep their names, and whoever imports is told so
    other = f"code,name,type,areas\nC3,Three,{kind},P1: Lakeshire; p1: Lakeshire\n"
    kept = agencies.names_kept(parse_csv(other, TYPES).entries, area_names(world.session))
    assert [(one.line, one.code, one.name, one.given) for one in kept] == [(2, "P1", "Mereshire", "Lakeshire")]
    agencies.import_csv(world.write(), other, TYPES, by=SYSTEM, now=world.now)
    world.session.commit()
    assert area_names(world.session)["p1"] == "Mereshire"
