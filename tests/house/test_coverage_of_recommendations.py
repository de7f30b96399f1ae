"""The 2003 checklists carry what the reference says they carried."""

from __future__ import annotations

import csv

import pytest

from config import ROOT
from tests.world import pack

# the recommendations that the self-audits carried, by agency type: from the response of September 2003, with the
# agencies inferred (the source does not say). Facts only.
CARRIED = csv.DictReader((ROOT / "tests" / "data" / "self_audit_recommendations.csv").read_text("utf-8").splitlines())
PAIRS = [(row["recommendation"], row["agency_type"], row["milestone"]) for row in CARRIED]
PER_TYPE = {"council": (38, 55, 65), "nhs": (19, 27, 33), "police": (11, 18, 23)}


def test_the_reference_has_the_68_pairs() -> None:
    assert len(PAIRS) == 68
    assert {kind: sum(1 for pair in PAIRS if pair[1] == kind) for kind in PER_TYPE} == {
        kind: numbers[0] for kind, numbers in PER_TYPE.items()
    }


@pytest.mark.parametrize(("recommendation", "agency_type", "milestone"), PAIRS)
def test_each_is_asked_in_the_checklist_of_its_agency(
    recommendation: str, agency_type: str, milestone: str
) -> None:
    carrying = [
        placed.criterion
        for placed in pack("climbie-2003").templates[agency_type].criteria()
        if recommendation in placed.criterion.recommendations
    ]
    assert carrying
    if milestone:
        assert milestone in {criterion.milestone for criterion in carrying}


@pytest.mark.parametrize(("agency_type", "numbers"), PER_TYPE.items())
def test_a_checklist_takes_two_hours(agency_type: str, numbers: tuple[int, int, int]) -> None:
    placed = pack("climbie-2003").templates[agency_type].criteria()
    asked = [one for one in placed if not one.standard.optional]
    assert numbers[1] <= len(asked) <= numbers[2]
    assert any(one.standard.optional for one in placed)
