"""The region that areas lie in: from the lines of agencies, said once, and never in two ways."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.models import Area
from app.operations.agencies import ImportFailed, import_csv, parse_csv, store
from tests.world import SYSTEM, World


def lines(world: World, *rows: str) -> str:
    kind = next(iter(world.pack.agency_types))
    return "\n".join(("code,name,type,areas,region", *(row.format(kind) for row in rows)))


def regions(world: World) -> dict[str, str]:
    return {row.code: row.region for row in world.session.execute(select(Area.code, Area.region))}


def test_areas_get_their_region_and_keep_it(world: World) -> None:
    types = world.pack.agency_types
    text = lines(world, "x1,One,{},p1: Alpha; p2: Beta,North", "x2,Two,{},p2; mere,", "x3,Three,{},p3: Gamma,")
    import_csv(world.write(), text, types, by=SYSTEM, now=world.now)
    world.session.commit()
    assert regions(world) == {"mere": "", "p1": "North", "p2": "North", "p3": ""}
    # who adds agencies to a round may say where an area lies that nobody said yet, and no more
    inspector = world.actor("lead-inspector")
    parsed = parse_csv(lines(world, "x4,Four,{},p1; p3,South"), types)
    store(world.write(), parsed.entries, types, by=inspector, now=world.now)
    world.session.commit()
    assert regions(world) == {"mere": "", "p1": "North", "p2": "North", "p3": "South"}
    # whoever brings agencies up to date says it anew
    import_csv(world.write(), lines(world, "x1,One,{},p1,West"), types, by=SYSTEM, now=world.now)
    assert regions(world)["p1"] == "West"


def test_two_regions_of_one_area_are_a_problem(world: World) -> None:
    text = lines(world, "x1,One,{},p1: Alpha,North", "x2,Two,{},P1,South")
    with pytest.raises(ImportFailed, match=r"line 3: The area P1 lies in “South” here and in “North” in line 2"):
        import_csv(world.write(), text, world.pack.agency_types, by=SYSTEM, now=world.now)
    assert regions(world) == {"mere": ""}
    hidden = parse_csv(lines(world, "x1,One,{},p1,Nor\u202eth"), world.pack.agency_types)
    assert "cannot be seen (in: region)" in str(hidden.problems[0])
