"""Rules about what answers say: numbers, choices, and facts that come to grades or to none."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.catalogue import check, load_pack
from app.domain.rules.book import Rulebook
from app.domain.rules.check import problems
from app.domain.rules.judging import Facts, Outcome, _Return, judge
from app.domain.rules.language import Judgements
from app.domain.rules.lifting import Lifts, lifts
from app.domain.templates import Pack
from tests.domain.test_catalogue import DEPOT, FILES, SHOP, write

CRITERION = """\
      - id: {id}
        question: Which?
        why: Because.
        evidence: Something.
        recommendations: [report-one/1]
        milestone: soon
        theme: zeal
        answer: {answer}
"""
QUESTIONS = {
    "staff": "{type: number, unit: people, most: 50}",
    "shelves": "{type: number}\n        scope: area",
    "seen": "{type: percentage, counted: Seen, out_of: All, bands: [{at_least: 90, grade: green}, {grade: red}]}",
    "alarm": "{type: yes_no}",
    "bell": "{type: yes_no, grades: {yes: green, no: red}}\n        scope: area",
    "locks": "{type: choices, choices: [{key: bolt, label: B}, {key: chain, label: C}, {key: bar, label: R}]}",
    "opened": "{type: date}",
}
FACTS = (
    SHOP.replace(
        "  - id: more\n",
        "".join(CRITERION.replace("{id}", key).replace("{answer}", answer) for key, answer in QUESTIONS.items())
        + "  - id: more\n",
    )
)
RULES = """\
format: 1
scales:
  stars:
    title: Stars
    grades:
      - {key: two, label: Two, meaning: Good., colour: "#00ff00"}
      - {key: one, label: One, meaning: Fair., colour: "#ffff00"}
      - {key: zero, label: Zero, meaning: Bad., colour: "#ff0000"}
profiles:
  - agency_types: [shop]
    indicators:
      met: {kind: share_met, title: Met}
      people: {kind: measure, title: People, of: {criteria: [staff]}}
      fewest: {kind: measure, title: Fewest shelves, of: {criteria: [shelves]}, take: lowest}
      all-shelves: {kind: measure, title: All shelves, of: {criteria: [shelves]}, take: total}
      mean: {kind: measure, title: Shelves on average, of: {criteria: [shelves]}, take: average}
      noes: {kind: count_of_answers, title: Noes, answers: [no]}
    judgements:
      safety:
        title: Safety
        scale: stars
        rules:
          - grade: two
            when: {all: [{criterion: alarm, answers: [yes]}, {indicator: people, at_least: 10}]}
            because: It has an alarm and ten people.
          - grade: one
            when: {any: [{criterion: locks, answers: [bolt, bar]}, {indicator: all-shelves, at_least: 100}]}
            because: It has a bolt or a bar, or a hundred shelves.
          - grade: zero
            because: Everything else.
        caps:
          - {to: one, when: {indicator: noes, at_least: 2}, because: Two answers are no.}
          - {to: zero, when: {indicator: fewest, below: 2.5}, because: Few shelves somewhere.}
    triggers:
      visit:
        calls_for: A visit
        when: {any: [{criterion: seen, grades: [red]}, {indicator: mean, below: 3}]}
        because: Too few are seen.
  - agency_types: [depot]
    judgements:
      gate: {title: Gate, scale: stars, given: true}
"""
PLACES = {"pack.yaml": FILES["pack.yaml"], "shop.yaml": FACTS, "depot.yaml": DEPOT, "judgements.yaml": RULES}


def judged(folder: Path, said: dict[str, Any], **grades: str) -> Outcome:
    """What comes of answers; `shelves@mere` is about an area."""
    book = Rulebook.of(load_pack(folder), "shop")
    assert book is not None

    def question(name: str) -> tuple[str, str]:
        key, _at, scope = name.partition("@")
        return key, scope

    graded = {question(key.replace("_", "-")): grade for key, grade in grades.items()}
    return judge(book, Facts(graded, said={question(key): value for key, value in said.items()}))


def test_judgements_follow_from_numbers_and_choices(tmp_path: Path) -> None:
    folder = write(tmp_path, PLACES)
    outcome = judged(folder, {"alarm": {"answer": "yes"}, "staff": {"number": "10"}, "shelves@a": {"number": "3"}})
    assert outcome.judgements["safety"].grade == "two"
    assert outcome.indicators["people"] == 10 and outcome.indicators["noes"] == 0
    assert outcome.chosen == {"alarm": ("yes",), "locks": ()}
    assert outcome.data()["chosen"] == {"alarm": ["yes"], "locks": []}
    fewer = judged(folder, {"alarm": {"answer": "yes"}, "staff": {"number": "9.5"}})
    assert fewer.judgements["safety"].grade == "zero"
    barred = judged(folder, {"alarm": {"answer": "no"}, "locks": {"choices": ["chain", "bar"]}})
    assert barred.judgements["safety"].grade == "one" and barred.chosen["locks"] == ("chain", "bar")


def test_areas_are_taken_together_as_the_author_says(tmp_path: Path) -> None:
    folder = write(tmp_path, PLACES)
    said = {"shelves@a": {"number": "2"}, "shelves@b": {"number": "98"}, "shelves@c": {"number": "0.5"}}
    outcome = judged(folder, said, seen="green")
    assert outcome.indicators["fewest"] == Fraction(1, 2)
    assert outcome.indicators["all-shelves"] == Fraction(201, 2)
    assert outcome.indicators["mean"] == Fraction(67, 2)
    assert outcome.judgements["safety"].uncapped == "one" and outcome.judgements["safety"].bound == (1,)
    assert outcome.triggers == ()


def test_an_answer_of_one_area_counts_once_for_it_and_grades_count_beside(tmp_path: Path) -> None:
    folder = write(tmp_path, PLACES)
    said = {"alarm": {"answer": "yes"}, "staff": {"number": "12"}, "bell@a": {"answer": "no"}}
    one = judged(folder, said | {"bell@b": {"answer": "yes"}}, bell="red")
    assert one.indicators["noes"] == 1 and one.judgements["safety"].grade == "two"
    both = judged(folder, said | {"bell@b": {"answer": "no"}})
    assert both.indicators["noes"] == 2 and both.judgements["safety"].bound == (0,)


def test_what_comes_to_no_grade_is_in_no_share(tmp_path: Path) -> None:
    pack = load_pack(write(tmp_path, PLACES))
    book = Rulebook.of(pack, "shop")
    assert book is not None
    assert set(book.criteria_of(book.profile.indicators["met"])) == {"door-shut", "door-locked", "seen", "bell"}
    assert book.facts_asked == {"staff", "shelves", "alarm", "bell", "locks"}


def test_the_hash_of_facts_stays_without_values_and_changes_with_them() -> None:
    plain, said = Facts({("a", ""): "green"}), {("staff", ""): {"number": "1"}}
    assert plain.hash == Facts({("a", ""): "green"}, said={}).hash
    empty = Facts(plain.grades, said={("staff", ""): {}})
    assert len({plain.hash, Facts(plain.grades, said=said).hash, empty.hash}) == 3


MET = "met: {kind: share_met, title: Met}"
ALARM = "{criterion: alarm, answers: [yes]}"
DEFECTS = [
    (MET, "met: {kind: share_met, title: Met, of: {criteria: [§staff]}}", "`number`, which comes to no grade"),
    (MET, "met: {kind: count_of_grades, title: Met, grades: [red], of: {criteria: [§opened]}}", "comes to no grade"),
    ("criteria: [staff]", "criteria: [§alarm]", "answered with `yes_no`, which has not a number"),
    ("criteria: [staff]", "criteria: [§stuff]", "no criterion `stuff`; did you mean `staff`?"),
    (", take: lowest", "", "there may be several numbers; add `take: lowest`"),
    ("criteria: [staff]}", "criteria: [staff, shelves]}", "there may be several numbers"),
    ("take: lowest", "take: §least", "is not allowed here"),
    ("people: {kind: measure, title: People, of: {criteria: [staff]}}", "§people: {kind: measure, title: People}",
     "`of` is missing"),
    ("answers: [no]}", "answers: [§never]}", "there is no answer `never`"),
    ("answers: [no]}", "answers: [no], of: {criteria: [§opened]}}", "has not choices"),
    ("answers: [no]}", "answers: [no], of: §{standards: [more]}}", "chooses no criterion of `shop` with choices"),
    (ALARM, "§{criterion: alarm}", "Add `grades`, or `answers`"),
    (ALARM, "{criterion: alarm, answers: [§yess]}", "no answer `yess`; did you mean `yes`?"),
    (ALARM, "{criterion: alarm, grades: §[green]}", "`alarm` is answered with `yes_no`, which comes to no grade"),
    (ALARM, "{criterion: staff, answers: §[yes]}", "answered with `number`, which has no choices"),
    (ALARM, "{criterion: alarm, answers: [yes, §yes]}", "here twice"),
    ("{indicator: people, at_least: 10}", "§{indicator: people, at_least: 51}", "this can never hold"),
    ("{indicator: people, at_least: 10}", "§{indicator: people, below: 0}", "this can never hold"),
    ("{indicator: people, at_least: 10}", "{indicator: people, is: §[green]}", "this indicator is a number"),
    ("{indicator: noes, at_least: 2}", "{indicator: noes, at_least: §-2}", "write a whole number"),
    # alarm is yes or no, and nothing else
    ("          - grade: one\n", "          - grade: two\n            when: {criterion: alarm, answers: [no]}\n"
     "            because: No.\n          - grade: one\n            when: {criterion: alarm, answers: [yes]}\n"
     "            because: Yes.\n          - §grade: one\n", "never reached"),
    ("          - grade: zero\n            because: Everything else.\n", "", "end with a rule without `when`"),
    ("{criterion: seen, grades: [red]}, ",
     "§{all: [{criterion: alarm, answers: [yes]}, {criterion: alarm, answers: [no]}]}, ",
     "this can never hold"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), DEFECTS)
def test_a_mistake_about_facts_is_refused_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in RULES, old
    broken = RULES.replace(old, new, 1)
    found = check([write(tmp_path, {**PLACES, "judgements.yaml": broken.replace("§", "")})])
    assert any(message in error.message for error in found), "\n".join(map(str, found))
    if "§" in broken:
        before = broken[: broken.index("§")]
        place = (before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        assert place in [(e.line, e.column) for e in found if message in e.message], "\n".join(map(str, found))


@pytest.mark.parametrize(
    ("answer", "is_complete"),
    [
        ("{type: yes_no}", True),
        # asked per area, both may be chosen, and one of them is
        ("{type: yes_no}\n        scope: area", True),
        ("{type: yes_no}\n        subtypes: [corner]", False),
        ("{type: choice, choices: [{key: yes, label: Y}, {key: no, label: N}]}", True),
        ("{type: choice, choices: [{key: yes, label: Y}, {key: no, label: N}, {key: maybe, label: M}]}", False),
        ("{type: choices, choices: [{key: yes, label: Y}, {key: no, label: N}]}", True),
        ("{type: choices, at_least: 0, choices: [{key: yes, label: Y}, {key: no, label: N}]}", False),
        (
            "{type: choices, at_least: 2, choices: [{key: yes, label: Y}, {key: no, label: N}, {key: x, label: X}]}",
            True,
        ),
        ("{type: choices, choices: [{key: yes, label: Y}, {key: no, label: N}, {key: x, label: X}]}", False),
    ],
)
def test_rules_are_complete_when_they_take_every_answer(tmp_path: Path, answer: str, is_complete: bool) -> None:
    shop = SHOP.replace(
        "  - id: more\n", CRITERION.replace("{id}", "alarm").replace("{answer}", answer) + "  - id: more\n"
    )
    start, end = RULES.index("    indicators:"), RULES.index("  - agency_types: [depot]")
    rules = (
        "    judgements:\n"
        "      safety:\n"
        "        title: Safety\n"
        "        scale: stars\n"
        "        by_override: [zero]\n"
        "        rules:\n"
        "          - {grade: two, when: {criterion: alarm, answers: [yes]}, because: Yes.}\n"
        "          - {grade: one, when: {criterion: alarm, answers: [no]}, because: No.}\n"
    )
    files = {**PLACES, "shop.yaml": shop, "judgements.yaml": RULES[:start] + rules + RULES[end:]}
    found = [str(error) for error in check([write(tmp_path, files)])]
    if is_complete:
        assert found == []
    else:
        assert len(found) == 1 and "no rule gives a grade when the answer to `alarm` is none of those" in found[0]


def test_a_share_of_nothing_comes_to_no_grade(tmp_path: Path) -> None:
    start, end = RULES.index("          - grade: two\n"), RULES.index("        caps:")
    both = "".join(
        f"          - {{grade: {grade}, when: {{criterion: seen, grades: [{key}]}}, because: Because.}}\n"
        for grade, key in (("two", "green"), ("one", "red"))
    )
    found = check([write(tmp_path, {**PLACES, "judgements.yaml": RULES[:start] + both + RULES[end:]})])
    assert any("no rule gives a grade when the answer to `seen` is missing" in error.message for error in found)


def test_more_choices_than_can_be_told_apart_are_refused(tmp_path: Path) -> None:
    choices = ", ".join(f"{{key: k{n}, label: L}}" for n in range(13))
    answer = f"{{type: choices, choices: [{choices}]}}"
    shop = FACTS.replace(QUESTIONS["locks"], answer)
    each = ", ".join(f"{{criterion: locks, answers: [k{n}]}}" for n in range(13))
    rules = RULES.replace("{criterion: locks, answers: [bolt, bar]}", f"{{at_least: 2, of: [{each}]}}")
    found = check([write(tmp_path, {**PLACES, "shop.yaml": shop, "judgements.yaml": rules})])
    assert any("tells more than 12 choices of one answer apart" in error.message for error in found)


def lifted(folder: Path, said: dict[str, Any]) -> tuple[Lifts, Facts, Rulebook]:
    """What would lift the safety of a shop."""
    book = Rulebook.of(load_pack(folder), "shop")
    assert book is not None
    questions = {(key.partition("@")[0], key.partition("@")[2]): value for key, value in said.items()}
    facts = Facts({}, said=questions)
    return lifts(book, facts, "safety"), facts, book


def test_the_nearest_answers_that_would_lift_a_judgement_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path, PLACES)
    enough = {"shelves@a": {"number": "50"}, "shelves@b": {"number": "60"}}
    found, _facts, _book = lifted(folder, enough | {"alarm": {"answer": "yes"}, "staff": {"number": "7"}})
    # ten people are enough; the shelves are enough already for what they can do
    assert [(one.question, one.value) for one in found.alone] == [(("staff", ""), {"number": "10"})]
    found, _facts, _book = lifted(
        folder, {"shelves@a": {"number": "40"}, "shelves@b": {"number": "50"}, "alarm": {"answer": "no"}}
    )
    # a hundred in all, with what the other area has
    assert [(one.question, one.value) for one in found.alone] == [
        (("shelves", "a"), {"number": "50"}), (("shelves", "b"), {"number": "60"}),
    ]  # fmt: skip


def test_answers_that_would_lift_it_only_together_are_found(tmp_path: Path) -> None:
    folder = write(tmp_path, PLACES)
    found, _facts, _book = lifted(
        folder, {"shelves@a": {"number": "200"}, "alarm": {"answer": "no"}, "staff": {"number": "0"}}
    )
    assert found.alone == ()
    assert [(one.question, one.value) for one in found.together] == [
        (("staff", ""), {"number": "10"}), (("alarm", ""), {"answer": "yes"}),
    ]  # fmt: skip


def test_a_share_is_lifted_by_as_few_as_are_needed(tmp_path: Path) -> None:
    rules = RULES.replace("of: {criteria: [staff]}", "of: {criteria: [seen]}").replace(
        "{indicator: people, at_least: 10}", "{indicator: people, at_least: 66.7}"
    )
    folder = write(tmp_path, {**PLACES, "judgements.yaml": rules})
    said = {"alarm": {"answer": "yes"}, "seen": {"numerator": 1, "denominator": 7}}
    found, facts, book = lifted(folder, said)
    (change,) = found.alone
    assert change.grade == "red" and change.value == {"numerator": 5, "denominator": 7, "grade": "red"}
    after = judge(book, Facts({}, said={**facts.said, change.question: change.value}))
    assert after.judgements["safety"].grade == "two"


def test_another_choice_lifts_with_the_grade_that_it_comes_to(tmp_path: Path) -> None:
    often = "{type: choice, choices: [{key: daily, label: D, grade: green}, {key: never, label: N, grade: red}]}"
    rules = RULES.replace("{criterion: alarm, answers: [yes]}", "{criterion: alarm, answers: [daily]}")
    rules = rules.replace("answers: [no]}", "answers: [never]}")
    shop = FACTS.replace(QUESTIONS["alarm"], often)
    folder = write(tmp_path, {**PLACES, "shop.yaml": shop, "judgements.yaml": rules})
    found, _facts, _book = lifted(folder, {"alarm": {"chosen": "never", "grade": "red"}, "staff": {"number": "10"}})
    assert [(one.question, one.grade, one.value) for one in found.alone] == [
        (("alarm", ""), "green", {"chosen": "daily", "grade": "green"})
    ]


# --- over random rules and answers: the check says what is true ------------------------------------------------------

ATOMS = st.one_of(
    st.builds(lambda keys: {"criterion": "alarm", "answers": keys}, st.sampled_from([["yes"], ["no"], ["yes", "no"]])),
    st.builds(
        lambda keys: {"criterion": "locks", "answers": sorted(keys)},
        st.sets(st.sampled_from(["bolt", "chain", "bar"]), min_size=1),
    ),
    st.builds(lambda keys: {"criterion": "bell", "answers": keys}, st.sampled_from([["yes"], ["no"]])),
    st.builds(lambda key: {"criterion": "seen", "grades": [key]}, st.sampled_from(["green", "red"])),
    st.builds(
        lambda key, limit, side: {"indicator": key, side: limit},
        st.sampled_from(["people", "fewest", "all-shelves", "mean"]),
        st.sampled_from([-1, 0, 0.5, 10, 50, 51]),
        st.sampled_from(["at_least", "below"]),
    ),
    st.builds(lambda limit: {"indicator": "noes", "at_least": limit}, st.integers(1, 4)),
    st.builds(lambda key: {"unknown": key}, st.sampled_from(["people", "fewest"])),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(lambda one, other: {"all": [one, other]}, inner, inner),
        st.builds(lambda one, other: {"any": [one, other]}, inner, inner),
        st.builds(lambda one: {"not": one}, inner),
    ),
    max_leaves=4,
)
AREAS = ("a", "b")


@st.composite
def answers(draw: st.DrawFn) -> Facts:
    """Complete answers of a shop that works in one area or two."""
    areas = AREAS[: draw(st.integers(1, 2))]
    whole = draw(st.integers(0, 4))
    said: dict[tuple[str, str], dict[str, Any]] = {
        ("alarm", ""): {"answer": draw(st.sampled_from(["yes", "no"]))},
        ("locks", ""): {"choices": sorted(draw(st.sets(st.sampled_from(["bolt", "chain", "bar"]), min_size=1)))},
        ("staff", ""): {"number": str(draw(st.integers(0, 50)))},
        ("seen", ""): {"numerator": draw(st.integers(0, whole)), "denominator": whole},
    }
    for area in areas:
        said["shelves", area] = {"number": str(draw(st.integers(0, 60)))}
        said["bell", area] = {"answer": draw(st.sampled_from(["yes", "no"]))}
    grades = {}
    for (key, scope), value in said.items():
        grade = RANDOM.templates["shop"].criterion(key).answer.grade_of(value)
        if grade:
            grades[key, scope] = grade
    return Facts(grades, said=said)


@st.composite
def random_rules(draw: st.DrawFn) -> Judgements:
    """Rules of one judgement, with or without one that takes everything else."""
    steps = draw(st.lists(CONDITIONS, min_size=1, max_size=3))
    grades = ["two", "one", "zero"]
    rules = [
        {"grade": draw(st.sampled_from(grades)), "when": when, "because": f"Number {place}."}
        for place, when in enumerate(steps)
    ]
    if draw(st.booleans()):
        rules.append({"grade": draw(st.sampled_from(grades)), "because": "Everything else."})
    given = {one["grade"] for one in rules}
    raw = json.loads(json.dumps(RANDOM.judgements))
    raw["profiles"][0] |= {
        "judgements": {
            "safety": {
                "title": "Safety", "scale": "stars", "rules": rules,
                "by_override": [grade for grade in grades if grade not in given],
            }
        },
        "triggers": {},
    }  # fmt: skip
    return Judgements.model_validate(raw)


@cache
def random_pack() -> Pack:
    with TemporaryDirectory() as folder:
        return load_pack(write(Path(folder), PLACES))


RANDOM = random_pack()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(random_rules(), st.lists(answers(), min_size=5, max_size=5))
def test_what_the_check_says_of_rules_about_facts_is_true(rules: Judgements, several: list[Facts]) -> None:
    found = problems(rules, RANDOM)
    book = Rulebook(rules, rules.profiles[0], RANDOM, "shop")
    said = [one.message for one in found]
    # rules are gone through in order only while every case gets a grade
    is_complete = not any("no rule gives a grade" in message or "cases" in message for message in said)
    never = {one.path[5] for one in found if "never" in one.message and len(one.path) in (6, 7)}
    for facts in several:
        view = _Return(book, facts)
        steps = book.profile.judgements["safety"].steps
        if not is_complete and not any(rule.when is None or rule.when.holds(view) for rule in steps):
            continue  # as it was told
        judged = judge(book, facts).judgements["safety"]
        assert judged.rule not in never, found
