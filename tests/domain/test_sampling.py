"""Drawing: nobody can steer it, anybody can repeat it."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.integrity import canonical_json
from app.domain.risks import ModerationRules
from app.domain.sampling import (
    SamplePlan,
    by_risk,
    draw,
    frame_hash,
    new_seed,
    questions_drawn,
    seconds_drawn,
    seed_hash,
)

SEED = "a" * 64
names = st.sets(st.text("abcdefghj23456789", min_size=3, max_size=6), max_size=30)
plans = st.builds(
    SamplePlan, percent=st.fixed_dictionaries({"a": st.integers(0, 100)}), minimum=st.integers(0, 20),
    questions=st.integers(0, 5), risk_most=st.integers(0, 5), second_percent=st.integers(0, 100),
    small_round=st.integers(0, 100),
)  # fmt: skip


def test_the_draw_is_repeated_with_standard_tools() -> None:
    """The recipe of the documentation, run by a shell, gives what the program draws."""
    ids = [f"return{number:02}" for number in range(30)]
    script = """
    printf '%s' "$SEED" | sha256sum | cut -c1-64
    for id in $IDS; do echo "$(printf '%s' "$SEED:$id" | sha256sum | cut -c1-64) $id"; done |
        LC_ALL=C sort | head -n 12 | cut -d' ' -f2
    """
    done = subprocess.run(
        ["/bin/sh", "-c", script], env={"SEED": SEED, "IDS": " ".join(ids), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    digest, *drawn = done.stdout.split()
    assert digest == seed_hash(SEED)
    assert drawn == draw(SEED, {"a": ids}, {"a": 12})["a"]


@given(names, st.integers(0, 40), st.integers(0, 40))
def test_a_larger_sample_holds_the_smaller_one_and_order_changes_nothing(ids: set[str], one: int, more: int) -> None:
    few = draw(SEED, {"a": ids}, {"a": one})["a"]
    many = draw(SEED, {"a": sorted(ids, reverse=True)}, {"a": one + more})["a"]
    assert many[: len(few)] == few and set(few) <= ids and len(few) == min(one, len(ids)) == len(set(few))


def test_another_seed_draws_others_and_every_return_can_be_drawn() -> None:
    ids = [f"r{number}" for number in range(20)]
    drawn = [draw(f"seed {number}", {"a": ids}, {"a": 2})["a"] for number in range(400)]
    counts = {one: sum(one in pair for pair in drawn) for one in ids}
    # 40 expected of each; a fair draw strays from 15 to 75 with a chance of less than one in ten thousand
    assert all(15 < count < 75 for count in counts.values()), counts


def test_strata_do_not_touch_each_other() -> None:
    frame = {"a": ["x1", "x2", "x3"], "b": ["y1", "y2"], "c": ["z1"]}
    found = draw(SEED, frame, {"a": 1, "b": 5})
    assert len(found["a"]) == 1 and set(found["b"]) == {"y1", "y2"} and found["c"] == []
    assert draw(SEED, {"a": frame["a"]}, {"a": 1})["a"] == found["a"]


@given(names, st.integers(0, 10))
def test_questions_are_drawn_within_a_return(questions: set[str], number: int) -> None:
    found = questions_drawn(SEED, "return", questions, number)
    assert set(found) <= questions
    assert len(found) == (min(number, len(questions)) if number else len(questions))


def test_two_returns_are_not_asked_the_same_questions() -> None:
    questions = [f"q{number}" for number in range(60)]
    assert questions_drawn(SEED, "one", questions, 12) != questions_drawn(SEED, "two", questions, 12)


@given(names, st.integers(0, 100))
def test_a_share_of_the_drawn_is_checked_again(drawn: set[str], percent: int) -> None:
    found = seconds_drawn(SEED, drawn, percent)
    assert set(found) <= drawn and len(found) == -(-len(drawn) * percent // 100)


@given(plans, st.integers(0, 900))
def test_sizes_keep_share_and_minimum_and_never_exceed_what_there_is(plan: SamplePlan, number: int) -> None:
    size = plan.size("a", number)
    assert size <= number
    assert size >= min(number, plan.minimum) and size * 100 >= number * plan.percent["a"]
    assert plan.size("b", number) == min(number, plan.minimum)
    assert size <= plan.size("a", number + 1)


@given(plans)
def test_a_plan_survives_being_stored(plan: SamplePlan) -> None:
    assert SamplePlan.from_data(plan.as_data()) == plan
    canonical_json(plan.as_data())


def test_what_is_wrong_with_a_plan_is_said_by_field() -> None:
    good = SamplePlan.of(ModerationRules(), ["a"])
    assert good.errors([]) == {} and good.percent == {"a": 10}

    def wrong(**changes: object) -> set[str]:
        return set(SamplePlan.from_data({**good.as_data(), **changes}).errors(["known"]))

    assert wrong(percent={"a": 101}) == {"percent-a"}
    assert wrong(second_percent=-1) == {"second_percent"}
    assert wrong(minimum=1001, questions=1001, risk_most=-1) == {"minimum", "questions", "risk_most"}
    assert wrong(minimum=0, percent={"a": 0}) == {"minimum"}
    assert wrong(rules=["known"]) == set() and wrong(rules=["other"]) == {"rules"}


def test_the_frame_hash_knows_every_entry_and_no_order() -> None:
    frame = {"a": [("x", "1"), ("y", "2")], "b": [("z", "3")]}
    same = {"b": [("z", "3")], "a": [("y", "2"), ("x", "1")]}
    assert frame_hash(frame) == frame_hash(same)
    # computed apart, from the description in the documentation
    text = '{"format":"candour-sample-frame/1","frame":{"a":[["x","1"],["y","2"]],"b":[["z","3"]]}}'
    assert frame_hash(frame) == hashlib.sha256(text.encode()).hexdigest()
    for other in ({**frame, "b": [("z", "4")]}, {"a": frame["a"]}, {"a": frame["a"], "c": frame["b"]}):
        assert frame_hash(other) != frame_hash(frame)


@given(names, st.integers(0, 6))
def test_risk_takes_those_with_most_reasons_first(ids: set[str], most: int) -> None:
    reasons = {one: ["rule"] * (1 + len(one) % 3) for one in ids}
    kinds = {one: one[0] for one in ids}
    chosen = by_risk(SEED, reasons, kinds, dict.fromkeys(kinds.values(), most))
    for kind in set(kinds.values()):
        here = [one for one in ids if kinds[one] == kind]
        taken = [one for one in chosen if kinds[one] == kind]
        assert len(taken) == min(most, len(here))
        left = set(here) - set(taken)
        assert all(len(reasons[one]) >= len(reasons[other]) for one in taken for other in left)


def test_risk_takes_the_smaller_of_a_number_and_a_share() -> None:
    plan = SamplePlan({"a": 10}, 1, 0, 39, 10, 50)
    assert plan.risk_sizes({"a": 400, "b": 3}) == {"a": 39, "b": 3}
    assert "risk_percent" not in plan.as_data()  # what is on record of plans of before stays as it is
    tenth = replace(plan, risk_percent=10)
    assert tenth.risk_sizes({"a": 400, "b": 3, "c": 21, "d": 0}) == {"a": 39, "b": 1, "c": 3, "d": 0}
    assert SamplePlan.from_data(tenth.as_data()) == tenth and SamplePlan.from_data(plan.as_data()) == plan
    assert set(replace(plan, risk_percent=101).errors(())) == {"risk_percent"}


def test_seeds_are_new_each_time() -> None:
    one, other = new_seed(), new_seed()
    assert one != other and len(one) == 64 and int(one, 16) >= 0


@pytest.mark.parametrize("submitted", [49, 50])
def test_small_rounds_are_those_below_the_number_of_the_pack(submitted: int) -> None:
    assert SamplePlan.of(ModerationRules(), ["a"]).is_small(submitted) is (submitted < 50)
