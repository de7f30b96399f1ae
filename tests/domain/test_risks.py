"""Rules of risk: what each kind sees, and what a pack may not say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.catalogue import CatalogueErrors, json_schemas, load_pack, pack_hash
from app.domain.risks import ModerationRules, Reason, RiskRule, Signed, Then, reasons
from app.domain.sampling import SamplePlan
from app.domain.templates import Pack
from tests.domain.test_catalogue import FILES, write

DUE = datetime(2024, 3, 1, 23, 59, 59, tzinfo=UTC)
SCHEME = """    grades:
      - {key: green, label: Green, meaning: Good., colour: "#00ff00", counts_as: met, needs: []}
      - {key: amber, label: Amber, meaning: So so., colour: "#ffbf00", counts_as: not_met, needs: []}
      - {key: red, label: Red, meaning: Bad., colour: "#ff0000", counts_as: not_met, needs: []}
      - {key: fog, label: Fog, meaning: Unknown., colour: "#888888", counts_as: not_met, shown_apart: true, needs: []}
      - {key: away, label: Away, meaning: Not here., colour: "#eeeeee", counts_as: excluded, needs: []}
    bases:
      - {key: paper, label: Paper, meaning: Written down., asks: []}
      - {key: seen, label: Seen, meaning: Looked at., asks: []}
"""
BEGIN, END = FILES["pack.yaml"].index("    grades:"), FILES["pack.yaml"].index("milestones:")
PACK = FILES["pack.yaml"][:BEGIN] + SCHEME + FILES["pack.yaml"][END:]


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """The small pack with a scale of three grades, one shown apart and one excluded."""
    return load_pack(write(tmp_path, {**FILES, "pack.yaml": PACK}))


def signed(
    name: str = "one", kind: str = "shop", areas: tuple[str, ...] = ("town",), evidenced: tuple[str, ...] = (),
    late: timedelta = timedelta(0), **answers: str,
) -> Signed:  # fmt: skip
    """A submitted return; `answers` are grades by criterion (underscores for hyphens), with `/basis` behind if any."""
    values: dict[str, dict[str, Any]] = {}
    for criterion, answer in answers.items():
        grade, _, basis = answer.partition("/")
        values[criterion.replace("_", "-")] = {"grade": grade} | ({"basis": basis} if basis else {})
    return Signed(name, kind, frozenset(areas), values, frozenset(evidenced), DUE + late, DUE)


def rule(kind: str, limit: int = 0, **more: Any) -> RiskRule:
    """A rule that a single answer can fire."""
    return RiskRule.model_validate({"key": "rule", "kind": kind, "title": "T", "limit": limit, "at_least": 1, **more})


def why(pack: Pack, one: RiskRule, *returns: Signed, last: dict[str, Then] | None = None) -> dict[str, tuple[int, int]]:
    """Return to figure and base, by one rule."""
    found = reasons(pack, returns, last or {}, [one])
    assert all(reason.rule == one.key for its in found.values() for reason in its)
    return {name: (reason.figure, reason.of) for name, [reason] in found.items()}


def test_grades_shown_apart_are_a_share_of_what_counts(pack: Pack) -> None:
    one = signed(door_shut="fog", door_locked="green", extra="away", cellar="fog")
    assert why(pack, rule("shown_apart", 65), one) == {"one": (66, 3)}
    assert why(pack, rule("shown_apart", 66), one) == {}, "above the limit, not at it"
    assert why(pack, rule("shown_apart", 65, at_least=4), one) == {}, "too few answers say nothing"
    assert why(pack, rule("shown_apart"), signed(extra="away"), signed("two")) == {}


def test_late_counts_begun_days(pack: Pack) -> None:
    cases = {0: None, 1: 1, 86400: 1, 86401: 2}
    for seconds, days in cases.items():
        found = why(pack, rule("late"), signed(late=timedelta(seconds=seconds)))
        assert found == ({"one": (days, 0)} if days else {}), seconds
    assert why(pack, rule("late", 1), signed(late=timedelta(days=1))) == {}
    assert why(pack, rule("late"), signed(late=-timedelta(days=3))) == {}


def test_a_jump_compares_like_with_like(pack: Pack) -> None:
    now = signed(door_shut="green", door_locked="green", extra="red", cellar="green")
    was = {"door-shut": {"grade": "red"}, "door-locked": {"grade": "fog"}, "extra": {"grade": "green"}}
    # two better, one worse, of three asked and counted both times
    assert why(pack, rule("jump", 30), now, last={"one": Then(pack, was)}) == {"one": (33, 3)}
    assert why(pack, rule("jump"), now) == {}, "no earlier round"
    frozen = pack.to_frozen()
    for template in frozen["templates"]:
        for standard in template["standards"]:
            for criterion in standard["criteria"]:
                criterion["version"] = 2
    changed = Pack.from_frozen(frozen)
    assert why(changed, rule("jump"), now, last={"one": Then(pack, was)}) == {}, "the questions mean something else now"
    fell = {"door-shut": {"grade": "green"}, "cellar": {"grade": "green"}}
    assert why(pack, rule("jump"), signed(door_shut="red", cellar="green"), last={"one": Then(pack, fell)}) == {}


def test_twins_choose_the_side_that_sees_it_better(pack: Pack) -> None:
    well, badly = signed(door_shut="green"), signed("two", "depot", gate_shut="red")
    assert why(pack, rule("twins", 99), well, badly) == {"one": (100, 1)}
    assert why(pack, rule("twins"), well, signed("two", "depot", areas=("village",), gate_shut="red")) == {}
    half = signed("two", "depot", gate_shut="amber")
    assert why(pack, rule("twins"), well, half) == {}
    assert why(pack, rule("twins", apart=50), well, half) == {"one": (100, 1)}
    for grade in ("away", "fog"):  # never where one side is not applicable or not assured
        assert why(pack, rule("twins", apart=1), well, signed("two", "depot", gate_shut=grade)) == {}
        assert why(pack, rule("twins", apart=1), signed(door_shut=grade), badly) == {}
    # of several in the area the one that sees it worst counts
    assert why(pack, rule("twins"), well, half, signed("three", "depot", gate_shut="red")) == {"one": (100, 1)}


def test_an_answer_about_one_area_stands_for_that_area(pack: Pack) -> None:
    both = ("town", "village")
    well = Signed("one", "shop", frozenset(both), {"door-shut.town": {"grade": "green"}}, frozenset(), DUE, DUE)
    assert why(pack, rule("twins"), well, signed("two", "depot", ("village",), gate_shut="red")) == {}
    assert why(pack, rule("twins"), well, signed("two", "depot", ("town",), gate_shut="red")) == {"one": (100, 1)}


def test_evidence_is_missed_for_the_best_grade_only(pack: Pack) -> None:
    one = signed(door_shut="green", door_locked="green", extra="red", cellar="fog", evidenced=("door-shut",))
    assert why(pack, rule("no_evidence"), one) == {"one": (50, 2)}
    assert why(pack, rule("no_evidence"), signed(extra="red")) == {}


def test_a_basis_is_a_share_of_what_counts(pack: Pack) -> None:
    one = signed(door_shut="green/paper", door_locked="red/seen", extra="away", cellar="fog")
    assert why(pack, rule("basis", bases=["paper"]), one) == {"one": (33, 3)}
    assert why(pack, rule("basis", bases=["paper", "seen"]), one) == {"one": (66, 3)}


def test_a_return_of_which_something_is_called_for_is_chosen_by_its_own_answers(pack: Pack) -> None:
    def trigger(grade: str) -> dict[str, Any]:
        return {"calls_for": "A visit", "because": "B", "when": {"criterion": "door-shut", "grades": [grade]}}

    profile = {"agency_types": ["shop"], "triggers": {"visit": trigger("red"), "letter": trigger("amber")}}
    judged = pack.model_copy(update={"judgements": {"format": 1, "profiles": [profile]}})
    bad, fair, well = signed(door_shut="red"), signed("two", door_shut="amber"), signed("three", door_shut="green")
    other = signed("four", "depot", gate_shut="red")  # of a type without rules
    both = rule("trigger", triggers=["visit", "letter"])
    assert why(judged, both, bad, fair, well, other) == {"one": (1, 0), "two": (1, 0)}
    assert why(judged, rule("trigger", triggers=["visit"]), bad, fair) == {"one": (1, 0)}
    assert why(judged, rule("trigger", 1, triggers=["visit", "letter"]), bad) == {}, "one is not more than one"
    said = [
        message
        for wrong in (rule("trigger"), rule("trigger", triggers=["call"]), rule("late", triggers=["visit"]),
                      rule("trigger", 1, triggers=["visit"]))
        for _path, message in ModerationRules(risks=(wrong,)).mistakes(judged)
    ]  # fmt: skip
    assert len(said) == 4 and "needs `triggers`" in said[0] and "no trigger `call`" in said[1]
    assert "remove it" in said[2] and "lower it" in said[3]


def test_several_rules_stand_in_their_order(pack: Pack) -> None:
    late = RiskRule.model_validate({"key": "late", "kind": "late", "title": "T", "limit": 0})
    apart = rule("shown_apart")
    found = reasons(pack, [signed(late=timedelta(days=2), door_shut="fog")], {}, [apart, late])
    assert found == {"one": [Reason("rule", 100, 1), Reason("late", 2)]}


# --- what a pack may say ---------------------------------------------------------------------------------------------

GOOD = """\
format: 1
plan:
  percent: 20
  percent_of_type: {depot: 100}
  minimum: 3
risks:
  - {key: fog, kind: shown_apart, title: {en: Fog, cy: Niwl}, limit: 10}
  - {key: paper, kind: basis, title: Paper, bases: [paper], limit: 50}
"""


def errors(tmp_path: Path, content: str) -> list[str]:
    """What is wrong with a `moderation.yaml`, as `line:column: message`."""
    folder = write(tmp_path, {**FILES, "pack.yaml": PACK, "moderation.yaml": content}, name="small")
    try:
        load_pack(folder)
    except CatalogueErrors as wrong:
        assert all(error.file.endswith("moderation.yaml") for error in wrong.errors), wrong
        return [f"{error.line}:{error.column}: {error.message}" for error in wrong.errors]
    return []


@pytest.mark.parametrize(
    ("change", "to", "expected"),
    [
        ("", "", None),
        ("depot: 100", "depto: 100", "4:21: there is no agency type `depto`"),
        ("percent: 20", "percent: 120", "3:12: this must be less than or equal to 100"),
        ("percent: 20", "precent: 20", "3:3: unknown key `precent`; did you mean `percent`"),
        ("kind: shown_apart", "kind: fogginess", "7:22: `fogginess` is not allowed here; use one of"),
        ("key: paper,", "key: fog,", "8:6: the rule `fog` is here twice"),
        ("key: paper,", "key: by-hand,", "8:6: `by-hand` is kept"),
        ("limit: 10", "limit: 100", "7:63: nothing is above 100 per cent"),
        ("bases: [paper], ", "", "8:5: a rule of the kind `basis` needs `bases`"),
        ("bases: [paper]", "bases: [paper, paprika]", "8:60: there is no basis of assurance `paprika`"),
        ("limit: 10", "limit: 10, bases: [paper]", "7:74: `bases` belongs to rules of the kind `basis`"),
        ("limit: 10", "limit: 10, apart: 5", "7:74: `apart` belongs to rules of the kind `twins`"),
        ("title: Paper, ", "", "8:5: `title` is missing"),
    ],
)
def test_mistakes_are_said_with_their_place(tmp_path: Path, change: str, to: str, expected: str | None) -> None:
    found = errors(tmp_path, GOOD.replace(change, to, 1))
    assert (found == []) if expected is None else (len(found) == 1 and found[0].startswith(expected)), found


def test_a_pack_without_the_file_is_frozen_as_before(tmp_path: Path, pack: Pack) -> None:
    assert "moderation" not in pack.to_frozen()
    folder = tmp_path / "more"
    folder.mkdir()
    with_rules = load_pack(write(folder, {**FILES, "pack.yaml": PACK, "moderation.yaml": GOOD}))
    assert pack_hash(with_rules) != pack_hash(pack)
    again = Pack.from_frozen(with_rules.to_frozen())
    assert pack_hash(again) == pack_hash(with_rules)
    rules = ModerationRules.of(again)
    assert [one.key for one in rules.risks] == ["fog", "paper"] and rules.rule("fog") == rules.risks[0]
    plan = SamplePlan.of(rules, ["shop", "depot"])
    assert (plan.percent, plan.minimum, plan.rules) == ({"shop": 20, "depot": 100}, 3, ("fog", "paper"))
    assert ModerationRules.of(pack).risks == () and SamplePlan.of(ModerationRules.of(pack), ["shop"]).small_round == 50


def test_a_later_programs_keys_do_not_stop_an_older_pack(pack: Pack) -> None:
    later = pack.model_copy(update={"moderation": {"format": 1, "later": 1, "plan": {"percent": 7, "newer": 2}}})
    assert ModerationRules.of(later).plan.percent == 7


def test_editors_get_a_schema() -> None:
    assert {"plan", "risks"} <= set(json_schemas()["moderation.schema.json"]["properties"])
