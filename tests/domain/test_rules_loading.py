"""judgements.yaml: what is refused when a pack is loaded, and where the message points."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.catalogue import CatalogueErrors, check, load_pack, pack_hash
from app.domain.rules.book import Rulebook
from app.domain.rules.judging import Facts, judge
from app.domain.templates import Pack
from tests.domain.test_catalogue import FILES, write

RULES = """\
format: 1
scales:
  stars:
    title: Stars
    grades:
      - {key: two, label: Two, meaning: Good., colour: "#00ff00"}
      - {key: one, label: One, meaning: Fair., colour: "#ffff00"}
      - {key: zero, label: Zero, meaning: Bad., colour: "#ff0000"}
  other:
    title: Other
    grades:
      - {key: yea, label: Yea, meaning: Good., colour: "#00ff00"}
      - {key: nay, label: Nay, meaning: Bad., colour: "#ff0000"}
profiles:
  - agency_types: [shop]
    indicators:
      shut:
        kind: share_met
        title: Doors shut
        of: {standards: [doors], themes: [care], criteria: [cellar]}
        weights: {door-shut: 2}
      reds:
        kind: count_of_grades
        title: Reds
        grades: [red]
      worst:
        kind: worst_grade
        title: Worst
    targets:
      door:
        title: The door is shut
        criteria: [door-shut]
        passes: [green]
    judgements:
      doors:
        title: Doors
        scale: stars
        rules:
          - grade: two
            when: {indicator: shut, at_least: 0.5}
            because: Half are shut.
          - grade: one
            when:
              any:
                - {target: door, failed: true}
                - {indicator: reds, below: 1}
            because: The door is open, or nothing is red.
          - grade: zero
            because: Everything else.
        caps:
          - to: one
            when: {criterion: door-shut, grades: [red]}
            because: An open door.
      entered:
        title: Entered
        scale: stars
        given: true
      whole:
        title: Whole
        scale: stars
        worst_of: [doors, entered]
    triggers:
      visit:
        calls_for: A visit
        when: {judgement: whole, is: [zero]}
        because: It is bad.
  - agency_types: [depot]
    judgements:
      gate:
        title: Gate
        scale: stars
        rules:
          - grade: two
            when: {criterion: gate-shut, grades: [green]}
            because: The gate is shut.
          - grade: zero
            because: Wolves.
        by_override: [one]
"""


def loaded(tmp_path: Path, rules: str = RULES) -> Pack:
    return load_pack(write(tmp_path, {**FILES, "judgements.yaml": rules}))


def test_a_pack_with_rules_is_frozen_with_them_and_one_without_as_it_was(tmp_path: Path) -> None:
    plain = load_pack(write(tmp_path, FILES, "small"))
    assert "judgements" not in plain.to_frozen() and Rulebook.of(plain, "shop") is None
    (tmp_path / "more").mkdir()
    pack = loaded(tmp_path / "more")
    assert pack_hash(pack) != pack_hash(plain)
    again = Pack.from_frozen(json.loads(json.dumps(pack.to_frozen())))
    assert again == pack and pack_hash(again) == pack_hash(pack)
    book = Rulebook.of(again, "shop")
    assert book is not None and list(book.profile.judgements) == ["doors", "entered", "whole"]
    found = judge(book, Facts({("door-shut", ""): "red", ("door-locked", ""): "green"}, {"entered": "two"}))
    assert {key: one.grade for key, one in found.judgements.items()} == {
        "doors": "one", "entered": "two", "whole": "one",
    }  # fmt: skip


# what to replace, what to put there (§ stands where the message must point), and a part of the message
DEFECTS = [
    # shapes
    ("    title: Stars", "    §titel: Stars", "`titel`; did you mean `title`?"),
    ("at_least: 0.5}", "§at_lest: 0.5}", "`at_lest`; did you mean `at_least`?"),
    (
        "        weights: {door-shut: 2}",
        "        §wieghts: {door-shut: 2}",
        "`wieghts`; did you mean `weights`?",
    ),
    ("{door-shut: 2}", "{door-shut: §-2}", "greater than 0"),
    ("at_least: 0.5}", 'at_least: §"0.5"}', "expected a number"),
    ("kind: share_met", "kind: share_mett\n", "did you mean `share_met`?"),
    (
        "when: {indicator: shut, at_least: 0.5}",
        "when: §{indicater: shut, at_least: 0.5}",
        "not a condition; give one of",
    ),
    ("when: {indicator: shut, at_least: 0.5}", "when: §always", "not a condition"),
    ("when: {indicator: shut, at_least: 0.5}", "§when:", "nothing is here"),
    ("            because: Half are shut.\n", "", "`because` is missing"),
    ("        given: true\n", "", "give one of them"),
    ("        given: true", "        given: §false", "`False` is not allowed here"),
    ("        criteria: [door-shut]\n        passes: [green]", "        passes: [green]", "give one of them"),
    ('colour: "#ffff00"}', "colour: §yellow}", "six hexadecimal digits"),
    # names
    ("{key: one, label: One", "{key: §two, label: One", "the grade `two` is here twice"),
    ("agency_types: [depot]", "agency_types: [§depott]", "no agency type `depott`; did you mean `depot`?"),
    ("agency_types: [depot]", "agency_types: [§shop]", "has rules already"),
    ("standards: [doors]", "standards: [§dors]", "`shop` has no standard `dors`; did you mean `doors`?"),
    ("themes: [care]", "themes: [§cares]", "no theme `cares`; did you mean `care`?"),
    ("criteria: [cellar]", "criteria: [§celar]", "`shop` has no criterion `celar`; did you mean `cellar`?"),
    (
        "agency_types: [depot]\n    judgements:",
        "agency_types: [depot]\n    indicators: {x: {kind: worst_grade, title: t, of: §{}}}\n    judgements:",
        "chooses no criterion of `depot`",
    ),
    ("grades: [red]\n      worst", "grades: [§read]\n      worst", "no grade `read`; did you mean `red`?"),
    ("{door-shut: 2}", "{gate-shut: §2}", "this indicator has no criterion `gate-shut`"),
    (
        "{criterion: gate-shut, grades: [green]}",
        "{criterion: §door-shut, grades: [green]}",
        "`depot` has no criterion",
    ),
    ("{criterion: gate-shut, grades: [green]}", "{criterion: gate-shut, grades: [§blue]}", "no grade `blue`"),
    ("passes: [green]", "passes: [§gren]", "no grade `gren`; did you mean `green`?"),
    (
        "scale: stars\n        worst_of",
        "scale: §star\n        worst_of",
        "no scale `star`; did you mean `stars`?",
    ),
    ("- grade: one", "- grade: §three", "the scale `stars` has no grade `three`"),
    ("- to: one", "- to: §nay", "the scale `stars` has no grade `nay`"),
    (
        "worst_of: [doors, entered]",
        "worst_of: [doors, §enterd]",
        "no judgement `enterd`; did you mean `entered`?",
    ),
    ("worst_of: [doors, entered]", "worst_of: [doors, §doors]", "here twice"),
    (
        "title: Entered\n        scale: stars",
        "title: Entered\n        scale: other",
        "worst of judgements on one scale",
    ),
    (
        "{judgement: whole, is: [zero]}",
        "{judgement: §hole, is: [zero]}",
        "no judgement `hole`; did you mean `whole`?",
    ),
    (
        "{judgement: whole, is: [zero]}",
        "{judgement: whole, is: [§nay]}",
        "the scale `stars` has no grade `nay`",
    ),
    (
        "{judgement: whole, is: [zero]}",
        "{judgement: whole, at_least: §nay}",
        "the scale `stars` has no grade `nay`",
    ),
    ("{judgement: whole, is: [zero]}", "§{judgement: whole}", "what should the judgement be?"),
    (
        "{target: door, failed: true}",
        "{target: §dor, failed: true}",
        "no key target `dor`; did you mean `door`?",
    ),
    (
        "{indicator: shut, at_least: 0.5}",
        "{indicator: §sut, at_least: 0.5}",
        "no indicator `sut`; did you mean `shut`?",
    ),
    ("{indicator: shut, at_least: 0.5}", "{unknown: §sut}", "no indicator `sut`"),
    # what does not suit
    ("{indicator: shut, at_least: 0.5}", "{indicator: shut, at_least: §50}", "a share lies between 0 and 1"),
    ("{indicator: shut, at_least: 0.5}", "§{indicator: shut}", "Add `at_least` or `below`"),
    ("{indicator: shut, at_least: 0.5}", "{indicator: shut, is: §[green]}", "this indicator is a number"),
    ("{indicator: shut, at_least: 0.5}", "{indicator: worst, at_least: §0.5}", "this indicator is a grade"),
    ("{indicator: shut, at_least: 0.5}", "§{indicator: worst}", "Add `is`"),
    ("{indicator: shut, at_least: 0.5}", "{indicator: worst, is: [§blue]}", "no grade `blue`"),
    ("{indicator: shut, at_least: 0.5}", "{indicator: reds, at_least: §1.5}", "write a whole number"),
    # what can never hold
    ("{indicator: shut, at_least: 0.5}", "{indicator: shut, at_least: 0.5, below: §0.5}", "can never hold"),
    ("{indicator: shut, at_least: 0.5}", "{targets_failed: §2}", "can never hold: there are 1 key targets"),
    ("{indicator: shut, at_least: 0.5}", "§{indicator: shut, below: 0}", "this can never hold"),
    ("{indicator: shut, at_least: 0.5}", "§{indicator: reds, at_least: 5}", "this can never hold"),
    (
        "{indicator: shut, at_least: 0.5}",
        "§{all: [{indicator: shut, at_least: 0.6}, {indicator: shut, below: 0.6}]}",
        "this can never hold",
    ),
    ("- {indicator: reds, below: 1}", "- §{indicator: reds, below: 0}", "this can never hold"),
    (
        "{judgement: whole, is: [zero]}",
        "§{all: [{judgement: whole, is: [zero]}, {judgement: whole, at_least: one}]}",
        "this can never hold",
    ),
    (
        "{criterion: gate-shut, grades: [green]}",
        "{at_least: §3, of: [{criterion: gate-shut, grades: [green]}, "
        "{criterion: gate-shut, grades: [red]}]}",
        "can never hold: there are 2 conditions",
    ),
    # unreachable, incomplete, useless
    (
        "- grade: one\n            when:",
        "- grade: zero\n            because: All.\n          - §grade: one\n            when:",
        "never reached",
    ),
    (
        "          - grade: zero\n            because: Wolves.\n",
        "",
        "no rule gives a grade when the answer to `gate-shut`",
    ),
    (
        "          - grade: zero\n            because: Everything else.\n",
        "",
        "end with a rule without `when`",
    ),
    ("- to: one", "- §to: two", "this cap can never change the judgement"),
    (
        "            because: An open door.\n",
        "            because: An open door.\n          - §to: one\n            when: "
        "{criterion: door-shut, grades: [red]}\n            because: Again.\n",
        "this cap can never change the judgement",
    ),
    ("passes: [green]", "passes: [green, red]", "no answers fail this key target"),
    ("        criteria: [door-shut]\n        passes: [green]", "        indicator: shut\n        at_least: 0",
     "no answers fail this key target"),
    ("{judgement: whole, is: [zero]}", "§{judgement: whole, at_least: zero}", "this always holds"),
    ("        by_override: [one]\n", "", "no rule and no cap gives the grade `one` of the scale `stars`"),
    ("by_override: [one]", "by_override: [one, §two]", "a rule or a cap gives the grade `two`"),
    ("by_override: [one]", "by_override: [one, §three]", "the scale `stars` has no grade `three`"),
    ("by_override: [one]", "by_override: [one, §one]", "here twice"),
    ("worst_of: [doors, entered]", "worst_of: §[doors]", "at least 2 are needed here"),
    # circles
    (
        "when: {indicator: shut, at_least: 0.5}",
        "when: {judgement: whole, is: [two]}",
        "in a circle: `doors` → `whole` → `doors`",
    ),
    ("worst_of: [doors, entered]", "worst_of: [doors, whole]", "in a circle: `whole` → `whole`"),
]


@pytest.mark.parametrize(("old", "new", "message"), DEFECTS)
def test_a_mistake_is_refused_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert RULES.count(old) >= 1, old
    broken = RULES.replace(old, new, 1)
    marked = "§" in broken
    before = broken[: broken.index("§")] if marked else ""
    folder = write(tmp_path, {**FILES, "judgements.yaml": broken.replace("§", "")})
    found = check([folder])
    assert any(message in error.message for error in found), "\n".join(map(str, found))
    assert all(error.file.endswith("judgements.yaml") for error in found)
    if marked:
        place = (before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        assert place in [(e.line, e.column) for e in found if message in e.message], "\n".join(
            map(str, found)
        )
    with pytest.raises(CatalogueErrors):
        load_pack(folder)


def test_an_agency_type_that_no_rules_judge_is_an_error(tmp_path: Path) -> None:
    rules = RULES[: RULES.index("  - agency_types: [depot]")]
    (error,) = check([write(tmp_path, {**FILES, "judgements.yaml": rules})])
    assert "no rules judge the returns of `depot`" in error.message
    assert error.line == rules[: rules.index("profiles:")].count("\n") + 1


def test_one_mistake_in_rules_for_several_agency_types_is_said_once(tmp_path: Path) -> None:
    rules = RULES[: RULES.index("profiles:")] + (
        "profiles:\n"
        "  - agency_types: [shop, depot]\n"
        "    judgements:\n"
        "      j:\n"
        "        title: T\n"
        "        scale: starz\n"
        "        rules:\n"
        "          - grade: two\n"
        "            because: x\n"
    )
    [error] = check([write(tmp_path, {**FILES, "judgements.yaml": rules})])
    assert error.line == 19 and "did you mean `stars`?" in error.message


@pytest.mark.parametrize(
    ("old", "new"),
    [("passes: [green]", "passes: []"), ("{door-shut: 2}", "{door-shut: 0}"), ("grades: [red]", "grades: []")],
)
def test_a_part_that_is_wrong_does_not_make_its_list_short(tmp_path: Path, old: str, new: str) -> None:
    rules = RULES[: RULES.index("  - agency_types: [depot]")].replace(old, new, 1)  # one profile alone
    (error,) = check([write(tmp_path, {**FILES, "judgements.yaml": rules})])
    assert error.line == rules[: rules.index(new)].count("\n") + 1


def test_a_cap_gives_a_grade_as_a_rule_does(tmp_path: Path) -> None:
    """The rules of `doors` give two and zero, and its cap gives one."""
    last = RULES.index("          - grade: zero\n            because: Everything")
    gone = RULES[RULES.index("          - grade: one\n") : last]
    assert Rulebook.of(loaded(tmp_path, RULES.replace(gone, "")), "shop") is not None


def test_the_file_is_no_agency_type(tmp_path: Path) -> None:
    pack = FILES["pack.yaml"].replace("  depot: {", "  judgements: {")
    found = check([write(tmp_path, {**FILES, "pack.yaml": pack, "judgements.yaml": RULES})])
    assert any("cannot be called `judgements`" in error.message for error in found)
