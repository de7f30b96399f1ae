"""Two versions of a pack side by side: what differs, and what that means for answers and figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.catalogue import load_pack
from app.cli import compared_lines
from app.domain.templates import Pack
from app.domain.versions import ChangedCriterion, Comparison, compare
from tests.domain.test_catalogue import FILES, PACK, SHOP, write
from tests.domain.test_rules_facts import PLACES, RULES

AMBER = """\
      - key: amber
        label: Amber
        meaning: Fair.
        colour: "#ffaa00"
        counts_as: not_met
        needs: []
      - key: red
"""


def packs(tmp_path: Path, now: dict[str, str], then: dict[str, str] | None = None) -> Comparison:
    """The small pack beside one with other files."""
    for name in ("then", "now"):
        (tmp_path / name).mkdir()
    files = {**FILES, **(then or {})}
    return compare(load_pack(write(tmp_path / "then", files)), load_pack(write(tmp_path / "now", {**files, **now})))


def one_changed(found: Comparison) -> ChangedCriterion:
    """The only criterion that changed."""
    (shop,) = [one for one in found.templates if not one.is_same]
    (changed,) = shop.changed
    return changed


def test_a_pack_beside_itself_differs_in_nothing(tmp_path: Path) -> None:
    found = packs(tmp_path, {"pack.yaml": PACK.replace("version: 1\n", "version: 2\nchanges: None.\n")})
    assert found.is_same and list(compared_lines(found)) == ["Nothing differs."]


def test_questions_that_came_and_went_are_listed_with_their_numbers(tmp_path: Path) -> None:
    found = packs(tmp_path, {"shop.yaml": SHOP.replace("id: extra", "id: more-still")})
    (shop,) = [one for one in found.templates if not one.is_same]
    assert [(one.number, one.criterion.id) for one in shop.added] == [("2.1", "more-still")]
    assert [(one.number, one.criterion.id) for one in shop.removed] == [("2.1", "extra")]
    assert shop.changed == () and not found.is_same
    lines = list(compared_lines(found))
    assert "shop: 1 added, 0 changed, 1 removed" in lines and "  + 2.1 more-still: What more?" in lines


# what is replaced in the shop's template, what stands there then: parts, carried, compared, and part of the advice
CHANGES = [
    ("question: Is it locked?", "question: Is it locked at night?", ("question",), "all", True,
     "if it means something"),
    ("question: Is it locked?", "question: Is it barred?\n        version: 2", ("question", "version"), "none",
     False, ""),
    ("milestone: soon\n        theme: zeal", "milestone: soon\n        theme: care", ("theme",), "all", True, ""),
    ("        theme: zeal\n", "        theme: zeal\n        scope: area\n", ("scope",), "none", True,
     "answered differently"),
    ("        theme: zeal\n", "        theme: zeal\n        answer: {type: yes_no}\n", ("answer",), "none", False,
     "raise its version: it is answered differently"),
    ("        theme: zeal\n", "        theme: zeal\n        answer: {type: yes_no, grades: {yes: green, no: red}}\n",
     ("answer",), "none", True, "raise its version"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "parts", "carried", "compared", "advice"), CHANGES)
def test_a_change_says_what_becomes_of_answers_and_figures(
    tmp_path: Path, old: str, new: str, parts: tuple[str, ...], carried: str, compared: bool, advice: str
) -> None:
    # a condition cannot look at what has no grade, or is asked per area
    shop = SHOP.replace("        not_applicable_if: {criterion: door-locked, grades: [green]}\n", "")
    assert shop.count(old) == 1
    changed = one_changed(packs(tmp_path, {"shop.yaml": shop.replace(old, new)}, {"shop.yaml": shop}))
    assert changed.now.criterion.id == "door-locked"
    assert (changed.parts, changed.carried, changed.compared) == (parts, carried, compared)
    told = [str(one) for one in changed.meanings]
    assert told[0] == {"all": "answers are carried", "none": "answers are not carried"}[carried]
    assert ("not compared" in told[1]) == (not compared)
    assert len(told) == 2 + bool(advice) and advice in told[-1]


def test_a_version_that_went_down_is_told(tmp_path: Path) -> None:
    higher = SHOP.replace("subtypes: [corner]", "version: 3\n        subtypes: [corner]")
    changed = one_changed(packs(tmp_path, {"shop.yaml": SHOP}, {"shop.yaml": higher}))
    assert not changed.is_raised and "raise it above 3" in str(changed.meanings[-1])


def test_a_question_that_moved_to_another_standard_says_so(tmp_path: Path) -> None:
    start, end = SHOP.index("      - id: door-locked"), SHOP.index("  - id: more\n")
    moved = SHOP[:start] + SHOP[end:] + SHOP[start:end]
    changed = one_changed(packs(tmp_path, {"shop.yaml": moved}))
    assert changed.parts == ("standard", "optional") and changed.carried == "all"
    assert (changed.then.number, changed.now.number) == ("1.2", "2.3")


def test_a_grade_that_is_new_leaves_answers_and_stops_comparison(tmp_path: Path) -> None:
    found = packs(tmp_path, {"pack.yaml": PACK.replace("      - key: red\n", AMBER)})
    (scheme,) = found.schemes
    assert (scheme.key, scheme.added, scheme.changed, scheme.removed) == ("light", ("amber",), (), ())
    every = [changed for one in found.templates for changed in one.changed]
    assert len(every) == 5 and all(one.carried == "all" and not one.compared and not one.parts for one in every)


def test_a_grade_that_is_gone_takes_its_answers_with_it(tmp_path: Path) -> None:
    less = PACK.replace("    bases:\n      - {key: paper, label: Paper, meaning: Written down., asks: []}\n", "")
    found = packs(tmp_path, {"pack.yaml": less}, {"pack.yaml": PACK.replace("      - key: red\n", AMBER)})
    (scheme,) = found.schemes
    assert scheme.removed == ("amber", "paper")
    every = [changed for one in found.templates for changed in one.changed]
    assert all((one.carried, one.lost) == ("some", ("amber", "paper")) for one in every) and len(every) == 5
    assert str(every[0].meanings[0]) == "answers are carried, but for those with amber, paper"


def test_rules_are_compared_by_agency_type(tmp_path: Path) -> None:
    rules = RULES.replace("at_least: 10}", "at_least: 11}").replace("      mean:", "      middle:").replace(
        "{indicator: mean, below: 3}", "{indicator: middle, below: 3}"
    )
    found = packs(tmp_path, {"judgements.yaml": rules}, PLACES)
    (shop,) = [one for one in found.templates if not one.is_same]
    assert shop.agency_type == "shop" and not shop.changed
    assert shop.rules.added == {"indicators": ("middle",)} and shop.rules.removed == {"indicators": ("mean",)}
    assert shop.rules.changed == {"judgements": ("safety",), "triggers": ("visit",)}
    assert "  ~ rules, judgements: safety" in compared_lines(found)


def test_agency_types_and_other_parts_are_told(tmp_path: Path) -> None:
    then = load_pack(write(tmp_path, FILES))
    now = then.model_copy(
        update={
            "templates": {"shop": then.templates["shop"]},
            "agency_types": {"shop": then.agency_types["shop"]},
            "summary": "Another.",
        }
    )
    assert isinstance(now, Pack)
    found = compare(then, now)
    assert found.gone_types == ("depot",) and found.new_types == () and set(found.parts) == {"summary", "agency_types"}
    assert list(compared_lines(found)) == ["agency types removed: depot", "also changed: summary, agency_types"]
    assert compare(now, then).new_types == ("depot",)
