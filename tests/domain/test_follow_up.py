"""How an agency stands on a recommendation: a table of cases, and what holds whatever the answers are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.follow_up import STATES, Planned, Question, part_of, stand

TODAY = date(2003, 7, 1)
BY = date(2003, 7, 28)
EARLIER, LATER = date(2003, 7, 20), date(2003, 9, 1)


def question(**given: object) -> Question:
    return replace(Question("q", "not_met", milestone="3-months", by=BY), **given)  # type: ignore[arg-type]


DONE = Planned("done", EARLIER, done_since=True)


@pytest.mark.parametrize(
    ("asked", "state", "why"),
    [
        (question(counts_as="met"), "met", "graded"),
        (question(counts_as="met", by=TODAY - timedelta(days=1)), "met", "graded"),
        (question(counts_as="excluded"), "not_applicable", "excluded"),
        (question(expected=BY), "on_track", "dated"),
        (question(expected=BY + timedelta(days=1)), "unlikely", "too_late"),
        (question(), "unlikely", "no_date"),
        (question(actions=(Planned("planned", EARLIER),)), "on_track", "dated"),
        (question(actions=(Planned("planned", EARLIER), Planned("under_way", LATER))), "unlikely", "too_late"),
        # an action that runs on after the date expected says more than that date
        (question(expected=EARLIER, actions=(Planned("under_way", LATER),)), "unlikely", "too_late"),
        (question(actions=(Planned("planned", EARLIER), Planned("planned"))), "unlikely", "no_date"),
        (question(expected=EARLIER, actions=(Planned("planned"),)), "on_track", "dated"),
        # what is done or dropped has no say in when the rest will be
        (question(expected=EARLIER, actions=(Planned("done", LATER), Planned("dropped", LATER))), "on_track", "dated"),
        (question(actions=(DONE,)), "met", "done"),
        (question(actions=(DONE, Planned("done", EARLIER))), "met", "done"),
        (question(actions=(DONE, Planned("dropped"))), "unlikely", "no_date"),
        (question(actions=(DONE, Planned("planned", EARLIER))), "on_track", "dated"),
        # done already when it was signed as not in place
        (question(actions=(Planned("done", EARLIER),)), "unlikely", "no_date"),
        (question(assured=False, expected=EARLIER), "unlikely", "not_assured"),
        (question(assured=False, actions=(DONE,)), "unlikely", "not_assured"),
        (question(expected=LATER, by=TODAY - timedelta(days=1)), "overdue", "passed"),
        (question(assured=False, by=TODAY - timedelta(days=1)), "overdue", "passed"),
        (question(expected=TODAY, by=TODAY), "on_track", "dated"),
        (question(milestone="", by=None, expected=LATER), "on_track", "dated"),
        (question(milestone="", by=None, expected=TODAY - timedelta(days=1)), "overdue", "passed"),
        (question(milestone="", by=None), "unlikely", "no_date"),
    ],
)
def test_one_question(asked: Question, state: str, why: str) -> None:
    part = part_of(asked, today=TODAY)
    assert (part.state, part.why) == (state, why)


def test_a_date_of_its_own_that_passed_is_said() -> None:
    passed = part_of(question(expected=TODAY - timedelta(days=1)), today=TODAY)
    assert passed.state == "on_track" and passed.slipped
    assert not part_of(question(expected=TODAY), today=TODAY).slipped


def test_the_worst_question_speaks_and_names_the_earliest_milestone() -> None:
    met = question(id="a", counts_as="met")
    late = question(id="b", milestone="6-months", by=date(2003, 8, 28), expected=LATER)
    no_date = question(id="c")
    found = stand([met, late, no_date], today=TODAY)
    assert (found.state, found.milestone, found.by) == ("unlikely", "3-months", BY)
    assert [part.state for part in found.parts] == ["met", "unlikely", "unlikely"]
    overdue = stand([met, late, no_date], today=BY + timedelta(days=1))
    assert (overdue.state, overdue.milestone) == ("overdue", "3-months")
    assert stand([met, late], today=BY + timedelta(days=1)).milestone == "6-months"


def test_what_does_not_apply_has_no_say() -> None:
    excluded = question(id="x", counts_as="excluded")
    assert stand([], today=TODAY).state == "not_applicable"
    assert stand([excluded], today=TODAY).state == "not_applicable"
    assert stand([excluded, question(counts_as="met")], today=TODAY).state == "met"


days = st.none() | st.dates(date(2003, 1, 1), date(2005, 12, 31))
actions = st.builds(
    Planned, st.sampled_from(["planned", "under_way", "done", "dropped"]), days, st.booleans()
)
questions = st.builds(
    Question, st.just("q"), st.sampled_from(["met", "not_met", "excluded"]), st.booleans(), days, st.just("m"), days,
    st.lists(actions, max_size=3).map(tuple),
)  # fmt: skip
ORDER = list(STATES)


@given(st.lists(questions, max_size=5), st.dates(date(2003, 1, 1), date(2005, 12, 31)))
def test_it_is_met_only_where_every_question_that_applies_is(asked: list[Question], today: date) -> None:
    found = stand(asked, today=today)
    applies = [part for part in found.parts if part.question.counts_as != "excluded"]
    assert (found.state == "not_applicable") == (not applies)
    assert (found.state == "met") == (bool(applies) and all(part.state == "met" for part in applies))
    for part in found.parts:
        if part.state == "met" and part.question.counts_as != "met":
            assert part.question.assured
            assert {action.state for action in part.question.actions} == {"done"}


@given(st.lists(questions, max_size=4), questions, st.dates(date(2003, 1, 1), date(2005, 12, 31)))
def test_another_question_that_applies_never_makes_it_better(
    asked: list[Question], more: Question, today: date
) -> None:
    before, after = stand(asked, today=today), stand([*asked, more], today=today)
    assert ORDER.index(after.state) <= ORDER.index(before.state)


@given(st.lists(questions, max_size=4), st.dates(date(2003, 1, 1), date(2005, 12, 31)), st.integers(0, 800))
def test_waiting_never_makes_it_better(asked: list[Question], today: date, wait: int) -> None:
    before, after = stand(asked, today=today), stand(asked, today=today + timedelta(days=wait))
    assert ORDER.index(after.state) <= ORDER.index(before.state)


@given(st.lists(questions, max_size=4), st.dates(date(2003, 1, 1), date(2005, 12, 31)))
def test_the_order_of_the_questions_does_not_matter(asked: list[Question], today: date) -> None:
    forward, backward = stand(asked, today=today), stand(asked[::-1], today=today)
    assert (forward.state, forward.by) == (backward.state, backward.by)


@given(questions, st.dates(date(2003, 1, 1), date(2005, 12, 31)))
def test_a_milestone_is_named_only_where_it_is_missed_or_ahead(asked: Question, today: date) -> None:
    found = stand([asked], today=today)
    if found.by is not None:
        assert found.state in ("overdue", "unlikely", "on_track")
        assert (found.state == "overdue") == (found.by < today)
