"""Rules of judgement: what follows from answers, and that the checks say what is true, over random rules and facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.rules.book import Rulebook
from app.domain.rules.check import MOST_CASES, problems
from app.domain.rules.judging import Facts, judge
from app.domain.rules.language import Judgements
from app.domain.rules.lifting import lifts
from app.domain.templates import Pack

CRITERIA = ("a", "b", "c", "d", "e")
GRADES = ("good", "fair", "bad", "unknown", "na")
SCALE = ("high", "middle", "low")


def small_pack(more: int = 0) -> Pack:
    """One agency type with five questions in two standards, and so many more; `e` is optional."""

    def criterion(key: str, **more: Any) -> dict[str, Any]:
        return {"id": key, "question": f"{key}?", "why": "w", "evidence": "e", "theme": "care", **more}

    counts = {"good": "met", "na": "excluded"}
    return Pack.model_validate(
        {
            "format": 1,
            "pack": "small",
            "version": 1,
            "title": "t",
            "summary": "s",
            "source": "s",
            "agency_types": {
                "shop": {"name": "n", "plural": "p", "signatory": "s", "oversight_body": "watch"}
            },
            "oversight_bodies": {"watch": {"name": "n", "short": "s", "kind": "k"}},
            "grading_schemes": {
                "light": {
                    "title": "t",
                    "grades": [
                        {
                            "key": key,
                            "label": key,
                            "meaning": "m",
                            "colour": "#000000",
                            "counts_as": counts.get(key, "not_met"),
                            "needs": [],
                        }
                        for key in GRADES
                    ],
                }
            },
            "milestones": {},
            "themes": {"care": {"title": "t"}, "zeal": {"title": "t"}},
            "recommendation_reports": {},
            "quantifiers": [{"at_least": 0, "word": "w"}],
            "templates": {
                "shop": {
                    "format": 1,
                    "agency_type": "shop",
                    "title": "t",
                    "introduction": "i",
                    "grading": "light",
                    "declaration": "d",
                    "standards": [
                        {
                            "id": "one",
                            "title": "t",
                            "criteria": [criterion("a"), criterion("b", scope="area")],
                        },
                        {
                            "id": "two",
                            "title": "t",
                            "criteria": [
                                criterion("c", theme="zeal"),
                                criterion("d"),
                                *(criterion(f"x{n}") for n in range(more)),
                            ],
                        },
                        {"id": "more", "title": "t", "optional": True, "criteria": [criterion("e")]},
                    ],
                }
            },
        }
    )


PACK = small_pack()


def rules_of(**profile: Any) -> Judgements:
    """The rules of one profile for the small pack."""
    grades = [{"key": key, "label": key, "meaning": "m", "colour": "#000000"} for key in SCALE]
    return Judgements.model_validate(
        {
            "format": 1,
            "scales": {"level": {"title": "t", "grades": grades}},
            "profiles": [{"agency_types": ["shop"], **profile}],
        }
    )


def book_of(rules: Judgements) -> Rulebook:
    return Rulebook(rules, rules.profiles[0], PACK, "shop")


def rule(grade: str, when: Any = None) -> dict[str, Any]:
    return {"grade": grade, "because": "x", **({"when": when} if when else {})}


def by_rules(*steps: dict[str, Any], caps: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    return {"title": "t", "scale": "level", "rules": list(steps), "caps": list(caps)}


def cap(to: str, when: Any) -> dict[str, Any]:
    return {"to": to, "when": when, "because": "x"}


MET = {"met": {"kind": "share_met", "title": "t"}}


def facts(answers: str = "", **grades: str) -> Facts:
    """Facts from `a=good` pairs; `b@north=bad` is about an area."""
    pairs = [part.split("=") for part in answers.split()] + [list(item) for item in grades.items()]
    found = {}
    for name, grade in pairs:
        criterion, _at, scope = name.partition("@")
        found[criterion, scope] = grade
    return Facts(found)


# --- indicators ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("indicator", "answers", "value"),
    [
        # the optional standard is left out, and what is excluded is not counted
        ({"kind": "share_met"}, "a=good b@n=bad b@s=good c=na d=fair e=bad", Fraction(2, 4)),
        ({"kind": "share_met", "of": {"standards": ["more"]}}, "a=bad e=good", Fraction(1)),
        (
            {"kind": "share_met", "of": {"themes": ["zeal"], "criteria": ["a"]}},
            "a=good b=bad c=bad d=bad",
            Fraction(1, 2),
        ),
        ({"kind": "share_met", "weights": {"a": 2, "d": 0.5}}, "a=good c=bad d=bad", Fraction(4, 7)),
        ({"kind": "share_met"}, "a=na", None),
        (
            {"kind": "share_of_grades", "grades": ["unknown", "bad"]},
            "a=unknown b=good c=bad d=na",
            Fraction(2, 3),
        ),
        ({"kind": "count_of_grades", "grades": ["na", "bad"]}, "a=na b@n=bad b@s=bad c=good", 3),
        ({"kind": "count_of_grades", "grades": ["bad"]}, "", 0),
        ({"kind": "count_of_grades", "grades": ["bad"], "each": "criterion"}, "a=bad b@n=bad b@s=bad c@s=bad d=na", 3),
        # the worst answer speaks, and what is excluded says nothing of the other areas
        ({"kind": "count_of_grades", "grades": ["fair"], "each": "criterion"}, "b@n=fair b@s=bad c@n=fair c@s=na", 1),
        ({"kind": "worst_grade"}, "a=good b=fair c=na", "fair"),
        ({"kind": "worst_grade"}, "c=na", None),
        ({"kind": "share_met"}, "a=no-such-grade no-such-criterion=good b=good", Fraction(1)),
    ],
)
def test_an_indicator_is_a_number_or_a_grade_from_its_answers(
    indicator: Any, answers: str, value: Any
) -> None:
    rules = rules_of(indicators={"i": {"title": "t", **indicator}}, judgements={"j": by_rules(rule("low"))})
    found = judge(book_of(rules), facts(answers)).indicators["i"]
    assert found == value and type(found) is type(value)


# --- conditions ------------------------------------------------------------------------------------------------------


def holds(when: Any, answers: str, **more: Any) -> bool:
    """Whether a condition gives the best grade."""
    rules = rules_of(
        indicators={
            **MET,
            "bad": {"kind": "count_of_grades", "title": "t", "grades": ["bad"]},
            "worst": {"kind": "worst_grade", "title": "t"},
        },
        targets={
            "a-in-place": {"title": "t", "criteria": ["a"], "passes": ["good", "fair"]},
            "enough": {"title": "t", "indicator": "met", "at_least": 0.5},
        },
        judgements={
            "other": {"title": "t", "scale": "level", "given": True},
            "j": by_rules(rule("high", when), rule("low")),
        },
    )
    given_facts = replace(facts(answers), given={"other": "middle"}, **more)
    return judge(book_of(rules), given_facts).judgements["j"].grade == "high"


@pytest.mark.parametrize(
    ("when", "answers", "expected"),
    [
        # limits are exact: at least includes its limit, below does not
        ({"indicator": "met", "at_least": 0.5}, "a=good b=bad", True),
        ({"indicator": "met", "below": 0.5}, "a=good b=bad", False),
        ({"indicator": "met", "at_least": 0.25, "below": 0.5}, "a=good b=bad c=bad", True),
        # without an answer that counts neither holds
        ({"indicator": "met", "at_least": 0}, "a=na", False),
        ({"indicator": "met", "below": 1}, "a=na", False),
        ({"unknown": "met"}, "a=na", True),
        ({"unknown": "met"}, "a=bad", False),
        ({"indicator": "bad", "at_least": 2}, "a=bad b=bad", True),
        ({"indicator": "bad", "below": 2}, "a=bad b=bad", False),
        ({"indicator": "worst", "is": ["fair", "bad"]}, "a=good b=fair", True),
        ({"indicator": "worst", "is": ["bad"]}, "a=na", False),
        ({"criterion": "a", "grades": ["good"]}, "a=good", True),
        ({"criterion": "a", "grades": ["good"]}, "", False),
        # asked per area, the worst answer speaks; an excluded one does not
        ({"criterion": "b", "grades": ["bad"]}, "b@n=good b@s=bad b@w=na", True),
        ({"criterion": "b", "grades": ["good"]}, "b@n=good b@s=na", True),
        ({"target": "a-in-place", "failed": True}, "a=bad", True),
        ({"target": "a-in-place", "failed": True}, "a=fair", False),
        ({"target": "a-in-place", "failed": True}, "a=na", False),
        ({"target": "a-in-place", "failed": False}, "", True),
        ({"targets_failed": 2}, "a=bad b=bad", True),
        ({"targets_failed": 2}, "a=bad b=good c=good", False),
        ({"judgement": "other", "is": ["middle"]}, "", True),
        ({"judgement": "other", "at_least": "middle"}, "", True),
        ({"judgement": "other", "at_least": "high"}, "", False),
        ({"judgement": "other", "at_most": "middle"}, "", True),
        ({"judgement": "other", "at_most": "low"}, "", False),
        (
            {"all": [{"criterion": "a", "grades": ["good"]}, {"criterion": "c", "grades": ["good"]}]},
            "a=good c=good",
            True,
        ),
        (
            {"all": [{"criterion": "a", "grades": ["good"]}, {"criterion": "c", "grades": ["good"]}]},
            "a=good c=bad",
            False,
        ),
        (
            {"any": [{"criterion": "a", "grades": ["good"]}, {"criterion": "c", "grades": ["good"]}]},
            "a=good c=bad",
            True,
        ),
        ({"not": {"criterion": "a", "grades": ["good"]}}, "a=bad", True),
        (
            {"at_least": 2, "of": [{"criterion": key, "grades": ["bad"]} for key in "acd"]},
            "a=bad d=bad",
            True,
        ),
        (
            {"at_least": 2, "of": [{"criterion": key, "grades": ["bad"]} for key in "acd"]},
            "a=bad d=good",
            False,
        ),
    ],
)
def test_a_condition_holds_or_does_not(when: Any, answers: str, expected: bool) -> None:
    assert holds(when, answers) == expected


# --- judgements ------------------------------------------------------------------------------------------------------


def test_the_first_rule_that_holds_gives_the_grade_and_the_worst_cap_limits_it() -> None:
    rules = rules_of(
        indicators=MET,
        judgements={
            "j": by_rules(
                rule("high", {"indicator": "met", "at_least": 0.5}),
                rule("middle", {"indicator": "met", "at_least": 0.5}),
                rule("low"),
                caps=[
                    cap("middle", {"criterion": "a", "grades": ["bad"]}),
                    cap("low", {"criterion": "c", "grades": ["bad"]}),
                    cap("high", {"criterion": "d", "grades": ["good"]}),
                ],
            )
        },
    )
    book = book_of(rules)

    def judged(answers: str) -> Any:
        return judge(book, facts(answers)).judgements["j"]

    free = judged("a=good c=good d=good")
    assert (free.grade, free.uncapped, free.rule, free.caps, free.bound) == ("high", "high", 0, (2,), ())
    limited = judged("a=bad c=good d=good")
    assert (limited.grade, limited.uncapped, limited.caps, limited.bound) == ("middle", "high", (0, 2), (0,))
    assert judged("a=bad c=bad d=good b=good").bound == (1,)
    assert judged("a=bad c=bad d=bad").rule == 2


def test_a_judgement_waits_for_what_nobody_has_entered_and_follows_from_what_was_decided() -> None:
    rules = rules_of(
        judgements={
            "entered": {
                "title": "t",
                "scale": "level",
                "given": True,
                "caps": [cap("middle", {"criterion": "a", "grades": ["bad"]})],
            },
            "ruled": by_rules(rule("high")),
            "worst": {"title": "t", "scale": "level", "worst_of": ["entered", "ruled"]},
            "after": by_rules(rule("low", {"judgement": "worst", "is": ["low"]}), rule("high")),
        },
        triggers={
            "look": {"calls_for": "c", "because": "b", "when": {"judgement": "worst", "at_most": "middle"}}
        },
    )
    book = book_of(rules)
    waiting = judge(book, facts("a=good"))
    assert {key: one.waits_for for key, one in waiting.judgements.items()} == {
        "entered": ("entered",),
        "ruled": (),
        "worst": ("entered",),
        "after": ("worst",),
    }
    assert [one.grade for one in waiting.judgements.values()] == [
        "",
        "high",
        "",
        "",
    ] and waiting.triggers == ()
    entered = judge(book, replace(facts("a=bad"), given={"entered": "high"}))
    assert [one.grade for one in entered.judgements.values()] == ["middle", "high", "middle", "high"]
    assert entered.triggers == ("look",)
    decided = judge(book, replace(facts("a=bad"), given={"entered": "high"}, decided={"worst": "low"}))
    # what was decided stands beside what the rules give, and what follows from it follows from that
    assert (decided.judgements["worst"].grade, decided.judgements["after"].grade) == ("middle", "low")


def test_an_outcome_is_json_in_the_order_of_the_file() -> None:
    rules = rules_of(
        indicators=MET,
        targets={"t": {"title": "t", "criteria": ["a"], "passes": ["good"]}},
        judgements={
            "j": by_rules(rule("low", {"judgement": "k", "is": ["low"]}), rule("high")),
            "k": by_rules(rule("low", {"targets_failed": 1}), rule("high")),
        },
    )
    data = judge(book_of(rules), facts("a=bad c=good d=good")).data()
    assert list(data["judgements"]) == ["j", "k"]
    assert (
        data["indicators"] == {"met": "2/3"}
        and data["targets"] == {"t": "failed"}
        and data["answers"] == {"a": "bad"}
    )


# --- lifting ---------------------------------------------------------------------------------------------------------


def test_the_nearest_better_answers_that_lift_alone_or_a_set_of_which_none_can_be_spared() -> None:
    rules = rules_of(
        indicators=MET,
        judgements={
            "j": by_rules(
                rule("high", {"indicator": "met", "at_least": 0.75}),
                rule("middle", {"indicator": "met", "at_least": 0.5}),
                rule("low"),
                caps=[cap("low", {"criterion": "a", "grades": ["bad"]})],
            )
        },
    )
    book = book_of(rules)
    # half are met; the cap alone holds it down, and the nearest better answer ends it
    alone = lifts(book, facts("a=bad b=good c=good d=fair"), "j")
    assert [(one.question, one.grade) for one in alone.alone] == [(("a", ""), "fair")]
    together = lifts(book, facts("a=fair b=bad c=bad d=na"), "j")
    assert together.alone == () and [one.question[0] for one in together.together] == ["a", "b"]
    assert lifts(book, facts("a=good b=good c=good d=good"), "j") == lifts(book, facts("a=na"), "j")


# --- all rules and facts ---------------------------------------------------------------------------------------------

share = st.sampled_from([0.2, 0.25, 0.3334, 0.5, 0.6, 0.75, 0.8, 1])
grades = st.lists(st.sampled_from(GRADES), min_size=1, max_size=4, unique=True)
leaf = st.one_of(
    share.map(lambda limit: {"indicator": "met", "at_least": limit}),
    share.map(lambda limit: {"indicator": "met", "below": limit}),
    share.map(lambda limit: {"indicator": "unknown", "at_least": limit}),
    st.integers(0, 4).map(lambda limit: {"indicator": "bad", "at_least": limit}),
    st.lists(st.sampled_from(GRADES[:4]), min_size=1, unique=True).map(
        lambda some: {"indicator": "worst", "is": some}
    ),
    st.just({"unknown": "met"}),
    st.builds(lambda key, some: {"criterion": key, "grades": some}, st.sampled_from(CRITERIA), grades),
    st.booleans().map(lambda failed: {"target": "first", "failed": failed}),
    st.integers(1, 2).map(lambda number: {"targets_failed": number}),
)
first_leaf = leaf
later_leaf = st.one_of(
    leaf,
    st.sampled_from(SCALE).map(lambda grade: {"judgement": "first", "at_most": grade}),
    st.sampled_from(SCALE).map(lambda grade: {"judgement": "entered", "at_least": grade}),
)


@cache
def conditions(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda parts: st.one_of(
            st.lists(parts, min_size=2, max_size=3).map(lambda some: {"all": some}),
            st.lists(parts, min_size=2, max_size=3).map(lambda some: {"any": some}),
            parts.map(lambda one: {"not": one}),
            st.lists(parts, min_size=2, max_size=3).map(lambda some: {"at_least": 2, "of": some}),
        ),
        max_leaves=4,
    )


@cache
def steps(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    made = st.builds(
        lambda some: [*some],
        st.lists(st.builds(rule, st.sampled_from(SCALE), conditions(leaves)), max_size=3),
    )
    return st.builds(lambda some, last: [*some, rule(last)], made, st.sampled_from(SCALE))


@cache
def caps_of(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.builds(cap, st.sampled_from(SCALE), conditions(leaves)), max_size=3)


@st.composite
def any_rules(draw: st.DrawFn) -> dict[str, Any]:
    """A profile with a judgement by rules, one that is entered, one that looks at both, and the worst of two."""
    return {
        "indicators": {
            "met": {
                "kind": "share_met",
                "title": "t",
                "weights": draw(st.sampled_from([{}, {"a": 2}, {"c": 0.5, "d": 3}])),
            },
            "unknown": {"kind": "share_of_grades", "title": "t", "grades": ["unknown"]},
            "bad": {"kind": "count_of_grades", "title": "t", "grades": ["bad"]},
            "worst": {"kind": "worst_grade", "title": "t", "of": {"standards": ["one"]}},
        },
        "targets": {
            "first": {"title": "t", "criteria": ["a", "e"], "passes": ["good"]},
            "second": {"title": "t", "indicator": "met", "at_least": 0.5},
        },
        "judgements": {
            "first": by_rules(*draw(steps(first_leaf)), caps=draw(caps_of(first_leaf))),
            "entered": {"title": "t", "scale": "level", "given": True, "caps": draw(caps_of(first_leaf))},
            "later": by_rules(*draw(steps(later_leaf)), caps=draw(caps_of(later_leaf))),
            "worst": {
                "title": "t",
                "scale": "level",
                "worst_of": ["first", "later"],
                "caps": draw(caps_of(later_leaf)),
            },
        },
    }


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    answered = {(key, ""): draw(st.sampled_from(GRADES)) for key in ("a", "c", "d")}
    answered |= {
        ("b", area): draw(st.sampled_from(GRADES)) for area in draw(st.sampled_from([[""], ["n", "s"]]))
    }
    if draw(st.booleans()):
        answered["e", ""] = draw(st.sampled_from(GRADES))
    return Facts(answered, {"entered": draw(st.sampled_from(SCALE))})


always = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
RANK = {grade: place for place, grade in enumerate(SCALE)}


@always
@given(any_rules(), any_facts())
def test_every_return_gets_exactly_one_grade_for_every_judgement(
    profile: dict[str, Any], known: Facts
) -> None:
    rules = rules_of(**profile)
    outcome = judge(book_of(rules), known)
    assert outcome.judgements.keys() == rules.profiles[0].judgements.keys()
    assert all(
        one.grade in SCALE and one.uncapped in SCALE and not one.waits_for
        for one in outcome.judgements.values()
    )
    assert judge(book_of(rules), known) == outcome


@always
@given(any_rules(), any_facts())
def test_a_cap_never_raises_a_judgement(profile: dict[str, Any], known: Facts) -> None:
    for one in judge(book_of(rules_of(**profile)), known).judgements.values():
        assert RANK[one.grade] >= RANK[one.uncapped]
        assert bool(one.bound) == (one.grade != one.uncapped) and set(one.bound) <= set(one.caps)


@always
@given(any_rules(), any_facts(), st.data())
def test_removing_a_cap_never_lowers_its_judgement(
    profile: dict[str, Any], known: Facts, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(profile["judgements"])))
    some = profile["judgements"][key]["caps"]
    if not some:
        return
    place = data.draw(st.integers(0, len(some) - 1))
    without = {**profile["judgements"][key], "caps": [*some[:place], *some[place + 1 :]]}
    fewer = {**profile, "judgements": {**profile["judgements"], key: without}}
    before = judge(book_of(rules_of(**profile)), known).judgements[key]
    after = judge(book_of(rules_of(**fewer)), known).judgements[key]
    assert RANK[after.grade] <= RANK[before.grade] and after.uncapped == before.uncapped


@always
@given(any_rules(), any_facts(), st.sampled_from(["first", "entered", "later", "worst"]))
def test_what_is_said_to_lift_a_judgement_lifts_it(profile: dict[str, Any], known: Facts, key: str) -> None:
    book = book_of(rules_of(**profile))
    found = lifts(book, known, key)
    start = RANK[judge(book, known).judgements[key].grade]
    assert lifts(book, known, key) == found and not (found.alone and found.together)

    def changed(changes: Iterable[Any]) -> int:
        better = {**known.grades, **{one.question: one.grade for one in changes}}
        return RANK[judge(book, replace(known, grades=better)).judgements[key].grade]

    for one in found.alone:
        assert changed([one]) < start
        assert GRADES.index(one.grade) < GRADES.index(known.grades[one.question])
    if found.together:
        assert changed(found.together) < start and len(found.together) > 1
        assert all(changed(x for x in found.together if x != one) >= start for one in found.together)


@always
@given(any_rules(), any_facts(), st.booleans())
def test_what_the_check_calls_impossible_never_happens(
    profile: dict[str, Any], known: Facts, cut: bool
) -> None:
    """Unreachable rules never fire, useless caps change nothing, and unless rules are missing there is a grade."""
    if cut:  # without the rule that takes the rest
        first = profile["judgements"]["first"]
        if len(first["rules"]) < 2:
            return
        profile = {
            **profile,
            "judgements": {**profile["judgements"], "first": {**first, "rules": first["rules"][:-1]}},
        }
    rules = rules_of(**profile)
    book, found = book_of(rules), problems(rules, PACK)
    if any("cases, more than" in problem.message for problem in found):
        return
    missing = [problem for problem in found if "no rule gives a grade" in problem.message]
    if missing:
        assert cut and missing[0].path[:4] == ("profiles", 0, "judgements", "first")
        return
    outcome = judge(book, known)
    for problem in found:
        _profiles, _place, part, key, *rest = problem.path
        assert part == "judgements"
        judgement, result = rules.profiles[0].judgements[str(key)], outcome.judgements[str(key)]
        if "no rule and no cap gives" in problem.message:
            assert f"the grade `{result.grade}`" not in problem.message
            continue
        if "rules" in rest:
            place = rest[rest.index("rules") + 1]
            if "never reached" in problem.message or rest[2:] == ["when"]:
                assert result.rule != place, problem
        elif "never change" in problem.message:
            said = [
                one for one in found if one.path[:5] == problem.path[:5] and "never change" in one.message
            ]
            useless = {one.path[-1] for one in said}
            kept = [judgement.caps[held].to for held in result.caps if held not in useless]
            assert RANK[result.grade] == max([RANK[result.uncapped], *(RANK[to] for to in kept)]), problem
        elif rest[2:] == ["when"]:
            assert rest[1] not in result.caps, problem


def test_a_judgement_with_too_many_cases_says_how_to_divide_it() -> None:
    when = {
        "all": [{"indicator": f"i{n}", "at_least": limit / 10} for n in range(7) for limit in range(1, 9)]
    }
    rules = rules_of(
        indicators={f"i{n}": {"kind": "share_met", "title": "t"} for n in range(7)},
        judgements={"j": by_rules(rule("high", when), rule("low"))},
    )
    [problem] = problems(rules, PACK)
    assert (
        f"more than the {MOST_CASES:,}" in problem.message and "a judgement of their own" in problem.message
    )


def test_nine_key_targets_with_five_grades_each_are_checked_in_no_time() -> None:
    """Grades that no condition tells apart are one case: two to the ninth, and not five."""
    rules = rules_of(
        targets={
            f"t{n}": {"title": "t", "criteria": [f"x{n}"], "passes": ["good", "fair"]} for n in range(9)
        },
        indicators=MET,
        judgements={
            "j": by_rules(
                rule("high", {"not": {"targets_failed": 1}}),
                rule("middle", {"indicator": "met", "at_least": 0.5}),
                rule("low"),
            )
        },
    )
    assert problems(rules, small_pack(9)) == []
