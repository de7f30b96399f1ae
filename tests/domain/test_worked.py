"""Worked examples of a pack: they are tried on its rules, and what comes out otherwise is told with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.catalogue import CatalogueErrors, check, json_schemas, load_pack, number_of_examples, pack_hash
from app.domain.rules.judging import Judged
from app.domain.worked import Example, Examples, try_out
from config import ROOT
from tests.domain.test_catalogue import write
from tests.domain.test_rules_facts import PLACES, RULES

# judgements on answers of every kind, with one that inspectors enter and one that is the worst of both
JUDGEMENTS = RULES.replace(
    "    triggers:\n      visit:",
    """\
      care:
        title: Care
        scale: stars
        rules:
          - {grade: two, when: {indicator: met, at_least: 0.75}, because: Three quarters are green.}
          - {grade: zero, because: Too little is green.}
        caps:
          - {to: one, when: {judgement: safety, at_most: zero}, because: It is not safe.}
      entered: {title: Entered, scale: stars, given: true}
      whole: {title: Whole, scale: stars, worst_of: [care, entered]}
    triggers:
      visit:""",
).replace(
    "    judgements:\n      safety:",
    """\
    targets:
      door: {title: The door is shut, criteria: [door-shut], passes: [green]}
      few: {title: Few noes, indicator: noes, below: 3}
    judgements:
      safety:""",
)
EXAMPLES = """\
format: 1
examples:
  - name: A good shop
    source: Our own assumption
    agency_type: shop
    subtype: corner
    answers:
      alarm: yes
      staff: 12
      shelves: [{number: 20}, {number: 30}]
      bell: [yes, no]
      locks: [bolt, chain]
      seen: {numerator: 90, denominator: 100}
    others: green
    given: {entered: one}
    expect: {safety: two, care: two, whole: one}
    uncapped: {safety: two}
    capped: {care: false}
    targets_failed: []
    triggers: []
  - name: An unsafe shop
    source: Our own assumption
    agency_type: shop
    answers:
      door-shut: red
      extra: green
      alarm: no
      shelves: 2
      seen: {numerator: 1, denominator: 100}
    others: green
    given: {entered: two}
    expect: {safety: zero, care: zero}
    capped: {whole: false}
    targets_failed: [door]
    triggers: [visit]
"""
FILES = {**PLACES, "judgements.yaml": JUDGEMENTS, "examples.yaml": EXAMPLES}


def test_examples_that_hold_are_in_order_and_no_part_of_what_is_published(tmp_path: Path) -> None:
    folder = write(tmp_path, FILES)
    assert [str(error) for error in check([folder])] == []
    pack = load_pack(folder)
    (tmp_path / "plain").mkdir()
    plain = load_pack(write(tmp_path / "plain", {**PLACES, "judgements.yaml": JUDGEMENTS}))
    assert pack.examples is not None and "examples" not in plain.to_frozen()
    assert pack_hash(pack.as_published()) == pack_hash(plain)


def test_examples_are_counted(tmp_path: Path) -> None:
    folder = write(tmp_path, FILES)
    write(tmp_path, {**PLACES, "pack.yaml": PLACES["pack.yaml"].replace("pack: small", "pack: plain")}, "plain")
    assert number_of_examples([folder]) == number_of_examples([tmp_path]) == 2
    assert number_of_examples([tmp_path / "plain"]) == 0


ODD = ("[]", "{}", "[[1]]", "{number: [1]}", "{number: {a: 1}}", "true", "1.5e300", "''", "[{}, {}]", "{rows: 7}")


@pytest.mark.parametrize("key", ["staff", "locks", "bell", "seen", "opened", "door-shut"])
def test_what_nobody_could_answer_is_an_error_at_its_place(tmp_path: Path, key: str) -> None:
    example = (
        "format: 1\nexamples:\n  - {name: Odd, source: Ours, agency_type: shop, expect: {entered: two},"
        " given: {entered: two},\n     answers: {KEY: ANSWER}}\n"
    ).replace("KEY", key)
    folder = write(tmp_path, FILES)
    for answer in ODD:
        (folder / "examples.yaml").write_text(example.replace("ANSWER", answer))
        found = check([folder])
        assert found and all(error.file.endswith("examples.yaml") and error.line == 4 for error in found), answer


def test_an_example_is_tried_as_a_return_would_be(tmp_path: Path) -> None:
    pack = load_pack(write(tmp_path, FILES))
    examples = Examples.of(pack)
    assert examples is not None
    tried = try_out(examples.examples[0], pack)
    assert not tried.problems
    assert tried.outcome is not None and tried.facts is not None
    assert tried.outcome.judgements["care"] == Judged("two", "two", rule=0)
    # two areas for every question that is asked per area, and one green answer for what `others` stands for
    assert tried.facts.grades == {
        ("seen", ""): "green", ("bell", "1"): "green", ("bell", "2"): "red",
        ("door-shut", ""): "green", ("door-locked", ""): "green",
    }  # fmt: skip
    assert tried.facts.said["shelves", "2"] == {"number": "30"}
    assert tried.facts.said["locks", ""] == {"choices": ["bolt", "chain"]}


# what to replace, what to put there (§ stands where the message must point), and a part of the message
DEFECTS = [
    # what comes out otherwise
    ("expect: {safety: two,", "expect: {safety: §one,",
     "`safety` comes out as `two` (rule: It has an alarm and ten people.), expected `one`"),
    ("whole: one}", "whole: §two}",
     "`whole` comes out as `one` (the worst of `care` `two`, `entered` `one`), expected `two`"),
    ("expect: {safety: zero, care: zero}", "expect: {safety: zero, care: §one}",
     "`care` comes out as `zero` (rule: Too little is green.), expected `one`"),
    ("uncapped: {safety: two}", "uncapped: {safety: §zero}",
     "`safety` comes out as `two` (rule: It has an alarm and ten people.) without its caps, expected `zero`"),
    ("capped: {care: false}", "capped: {care: §true}", "but a cap should have lowered it"),
    ("targets_failed: []", "targets_failed: §[door]", "the key targets that are failed are nothing, expected `door`"),
    ("triggers: [visit]", "triggers: [visit]\n    waits: [§whole]",
     "`whole` comes out as `zero` (the worst of `care` `zero`, `entered` `two`), and waits for nothing"),
    ("triggers: [visit]", "triggers: [visit]\n    waits: [§hole]", "no judgement `hole`; did you mean `whole`?"),
    ("triggers: [visit]", "triggers: §[]", "what is called for is `visit`, expected nothing"),
    ("    given: {entered: one}\n", "", "`whole` comes to no grade, because `given` does not enter `entered`"),
    # names
    ("name: An unsafe shop", "name: §A good shop", "another example has this name"),
    ("agency_type: shop\n    subtype", "agency_type: §shopp\n    subtype",
     "no agency type `shopp`; did you mean `shop`?"),
    ("agency_type: shop\n    subtype: corner", "agency_type: shop\n    subtype: §cornr", "did you mean `corner`?"),
    ("      alarm: yes", "      alram: §yes", "`shop` has no criterion `alram`; did you mean `alarm`?"),
    ("      alarm: yes", "      alarm: §yess", "did you mean `yes`?"),
    ("      door-shut: red", "      door-shut: §rd", "there is no grade `rd`; did you mean `red`?"),
    ("    others: green\n    given: {entered: one}", "    others: §gren\n    given: {entered: one}",
     "did you mean `green`?"),
    ("    others: green\n    given: {entered: one}", "    others: {light: §gren}\n    given: {entered: one}",
     "did you mean `green`?"),
    ("    others: green\n    given: {entered: one}", "    others: {lite: §green}\n    given: {entered: one}",
     "no grading scheme `lite`; did you mean `light`?"),
    ("    others: green\n    given: {entered: one}", "    others: §[green]\n    given: {entered: one}",
     "expected text"),
    ("given: {entered: one}", "given: {entred: §one}", "no judgement `entred`; did you mean `entered`?"),
    ("given: {entered: one}", "given: {entered: §three}", "no grade on the scale of `entered` `three`"),
    ("given: {entered: one}", "given: {entered: one, care: §two}", "`care` follows from rules; nobody enters it"),
    ("capped: {care: false}", "capped: {caring: §false}", "no judgement `caring`"),
    ("targets_failed: []", "targets_failed: [§dor]", "no key target `dor`; did you mean `door`?"),
    ("triggers: [visit]", "triggers: [§vist]", "no trigger `vist`; did you mean `visit`?"),
    # answers
    ("staff: 12", "staff: §51", "the number must be 50 or less"),
    ("staff: 12", "staff: {number: §many}", "enter a number"),
    ("staff: 12", "staff: {nmber: §12}", "there is no field called nmber; did you mean `number`?"),
    ("seen: {numerator: 90, denominator: 100}", "seen: §{numerator: 90}", "give the number: All"),
    ("seen: {numerator: 90, denominator: 100}", "seen: §90", "write a mapping with `numerator`, `denominator`"),
    ("seen: {numerator: 90, denominator: 100}", "seen: {grade: §green}", "the grade follows from the answer"),
    ("bell: [yes, no]", "bell: §[yes]", "this has 1 areas, and another answer has 2"),
    ("bell: [yes, no]", "bell: [yes, §nope]", "choose yes or no; did you mean `no`?"),
    ("      door-shut: red\n", "      door-shut: red\n      door-locked: §green\n",
     "with these answers `door-locked` is not asked of this agency"),
    ("    expect: {safety: two, care: two, whole: one}\n    uncapped: {safety: two}\n    capped: {care: false}\n"
     "    targets_failed: []\n    triggers: []\n", "", "nothing is expected of this example"),
    ("    source: Our own assumption\n    agency_type: shop\n    subtype", "    agency_type: shop\n    subtype",
     "`source` is missing"),
    ("    expect: {safety: two", "    §expct: {safety: two", "did you mean `expect`?"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), DEFECTS)
def test_what_does_not_hold_is_told_at_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in EXAMPLES, old
    broken = EXAMPLES.replace(old, new, 1)
    folder = write(tmp_path, {**FILES, "examples.yaml": broken.replace("§", "")})
    found = check([folder])
    assert any(message in error.message for error in found), "\n".join(map(str, found))
    assert all(error.file.endswith("examples.yaml") for error in found)
    if "§" in broken:
        before = broken[: broken.index("§")]
        place = (before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        assert place in [(e.line, e.column) for e in found if message in e.message], "\n".join(map(str, found))
    with pytest.raises(CatalogueErrors):
        load_pack(folder)


def test_a_cap_is_told_with_its_reason(tmp_path: Path) -> None:
    broken = EXAMPLES.replace("shelves: [{number: 20}", "shelves: [{number: 1}")
    found = [error.message for error in check([write(tmp_path, {**FILES, "examples.yaml": broken})])]
    told = "`safety` comes out as `zero` (rule: It has an alarm and ten people.; cap: Few shelves somewhere.)"
    assert f"{told}, expected `two`" in found
    assert "`care` comes out as `one` (rule: Three quarters are green.; cap: It is not safe.), expected `two`" in found


def test_a_grade_may_stand_for_a_fact_that_can_come_to_it(tmp_path: Path) -> None:
    short = EXAMPLES.replace("seen: {numerator: 90, denominator: 100}", "seen: green")
    assert check([write(tmp_path, {**FILES, "examples.yaml": short})]) == []


def test_an_example_may_wait_for_what_nobody_entered(tmp_path: Path) -> None:
    waiting = EXAMPLES.replace("    given: {entered: two}\n", "    waits: [entered, whole]\n").replace(
        "    capped: {whole: false}\n", ""
    )
    assert check([write(tmp_path, {**FILES, "examples.yaml": waiting})]) == []


def test_others_may_be_given_for_each_grading_scheme(tmp_path: Path) -> None:
    each = EXAMPLES.replace("others: green", "others: {light: green}")
    assert check([write(tmp_path, {**FILES, "examples.yaml": each})]) == []


def test_examples_need_rules(tmp_path: Path) -> None:
    files = {key: content for key, content in FILES.items() if key != "judgements.yaml"}
    found = check([write(tmp_path, files)])
    message = "no rules judge the returns of `shop`; add some to judgements.yaml"
    assert [error.message for error in found] == [message] * 2


def test_rules_that_are_wrong_are_not_tried(tmp_path: Path) -> None:
    found = check([write(tmp_path, {**FILES, "judgements.yaml": JUDGEMENTS.replace("at_least: 10}", "at_least: 51}")})])
    assert found and all(error.file.endswith("judgements.yaml") for error in found)


def test_there_is_a_schema_for_editors() -> None:
    schema = json_schemas()["examples.schema.json"]
    assert "targets_failed" in str(schema) and schema["title"] == "Candour: worked examples of the rules of a pack"


def test_examples_have_as_many_sites_as_they_say() -> None:
    every = ROOT / "tests" / "packs" / "every-site"
    pack = load_pack(every)

    def said(**more: object) -> list[str]:
        frozen = {
            "name": "One", "source": "Our own.", "agency_type": "trust", "others": "green", "expect": {"sites": "safe"},
        } | more  # fmt: skip
        return [problem.message for problem in try_out(Example.model_validate(frozen), pack).problems]

    assert said(answers={"door": ["green", "green"], "beds": [1, 2]}) == []
    assert said(sites=0) == []
    # three sites of 40 beds each are many beds together
    assert "expected `safe`" in said(sites=3, answers={"beds": 40})[0]
    assert said(sites=2, answers={"beds": 40}) == []
    none = said(sites=0, answers={"door": "red"})
    assert "`door` is asked for each site, and this agency has none; remove it" in none
    wrong = said(sites=3, answers={"door": ["green", "green"]})
    assert wrong == ["this has 2 sites, and `sites` says 3; give as many for each"]
    wrong = said(answers={"door": ["green", "green"], "beds": [1]})
    assert wrong == ["this has 1 sites, and another answer has 2; give as many for each"]
    # areas and sites are counted apart
    assert said(answers={"partners": ["green"] * 3, "door": ["green"] * 2}) == []
