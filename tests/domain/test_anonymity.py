"""What gives away who said something."""

from __future__ import annotations

import pytest

from app.domain.anonymity import NOBODY, Identity, Placed, initials, names_in, surname, telling_words

COMMITTEE = "%s Area Child Protection Committee"
NORTHMERE = Identity(
    names=("Northmere County Council", "CC-001"), words=("Northmere", "NCC"), people=("Hazel Young",),
    surnames=("Young",),
)  # fmt: skip


def test_names_are_found_whole_and_other_words_stand_for_them() -> None:
    text = "At northmere  county council, Hazel Young (Ms Young) of NCC. Young; young ncc, cc-001, Northmerely."
    assert NORTHMERE.given_away(text) == ("northmere  county council", "Hazel Young", "Young", "NCC", "cc-001")
    without = NORTHMERE.left_out(text, agency="[it]", person="[name]")
    assert without == "At [it], [name] (Ms [name]) of [it]. [name]; young ncc, [it], Northmerely."
    assert NORTHMERE.given_away(without) == ()
    # words of a name are no patterns
    assert Identity(names=("St. (Mary",)).given_away("Stx (Mary St. (Mary") == ("St. (Mary",)
    assert NOBODY.given_away(text) == () and NOBODY.left_out(text, agency="", person="") == text


def test_single_words_tell_where_only_agencies_of_the_same_place_have_them() -> None:
    agencies = [
        Placed(1, "Northmere County Council", {1: COMMITTEE % "Northmere"}),
        Placed(2, "Northmere Royal Hospital", {1: COMMITTEE % "Northmere"}),
        Placed(3, "Dellow County Council", {2: COMMITTEE % "Dellow"}),
        Placed(4, "Dellow Royal Hospital", {2: COMMITTEE % "Dellow"}),
    ]
    found = telling_words(agencies, {"council", "hospital"})
    assert found == {1: ("Northmere",), 2: ("Northmere",), 3: ("Dellow",), 4: ("Dellow",)}
    # where all are of one place, what only one of them has
    alone = [Placed(one.id, one.name, {1: COMMITTEE % "Northmere"}) for one in agencies[:3]]
    assert telling_words(alone, {"council", "hospital"}) == {1: (), 2: ("Royal",), 3: ("Dellow",)}


def test_short_names() -> None:
    assert initials("Northmere County Council") == "NCC"
    assert initials("Council of the North") == ""
    assert (surname("Hazel Ollerenshaw"), surname("Ollerenshaw"), surname("Li Wu")) == ("Ollerenshaw", "", "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("As NORTHMERE\nCounty  Council says.", ["NORTHMERE County Council"]),
        ("As **North**mere County Council says, and again Northmere County Council.", ["Northmere County Council"]),
        ("At St Mary's and St Luke's Trust, or st mary’s & st luke’s trust.",
         ["St Mary's and St Luke's Trust", "st mary's and st luke's trust"]),
        ("Code e0-17, not e0-171; nor 1234, nor ab.", ["e0-17"]),
        ("Northmere County Councillors are no council.", []),
    ],
)  # fmt: skip
def test_names_and_codes_are_found_however_they_are_written(text: str, found: list[str]) -> None:
    names = {"Northmere County Council", "St Mary’s & St Luke’s Trust", "E0-17", "1234", "AB"}
    assert list(names_in(text, names)) == found
