"""Action plans through the real database: planning, editing, removing, signing, and progress afterwards."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event, select

from app.clock import today
from app.db import db
from app.domain.actions import LONGEST_OWNER, LONGEST_WHAT, ActionErrors, Typed
from app.domain.integrity import canonical_json, sha256_hex
from app.domain.life import NotPossible
from app.domain.templates import Criterion, Standard
from app.models import ActionProgress, Event, EventText, PlannedAction, Submission
from app.operations import events
from app.operations.actions import (
    MOST,
    ActionConflict,
    carry_actions,
    edit_action,
    plan_action,
    remove_action,
    report_progress,
)
from app.operations.submissions import reopen, set_nil
from app.policy import Denied
from app.queries.action_plan import action_plan
from app.queries.actions import actions_of_return
from app.queries.returns import content_hash, content_of, history, submitted_checklist
from app.queries.rounds import NotFound
from tests.next_year import changed, next_year
from tests.operations.test_returns import sign
from tests.world import SYSTEM, World, graded

TRAIN = Typed("Train all reception staff", "Head of training", date(2003, 9, 1))


@pytest.fixture
def code(world: World) -> str:
    """The first agency: the one with a signatory, a lead, a contributor and a board reader."""
    return next(iter(world.returns))


def question(world: World, code: str, place: int = 0) -> str:
    return world.work(code).items[place].id


def plan(world: World, code: str, typed: Typed = TRAIN, *, place: int = 0, by: str = "lead") -> str:
    """Plan an action for a question; its public id."""
    actor, about = world.actor(by), question(world, code, place)
    row = plan_action(world.write(), world.returns[code].public_id, about, typed, by=actor, now=world.now)
    world.session.commit()
    return row.public_id


def edit(world: World, code: str, action: str, typed: Typed, *, based_on: int, by: str = "lead"):  # type: ignore[no-untyped-def]
    actor = world.actor(by)
    result = edit_action(
        world.write(), world.returns[code].public_id, action, typed, based_on=based_on, by=actor, now=world.now
    )
    world.session.commit()
    return result


def progress(world: World, code: str, action: str, state: str, note: str = "", due: date | None = None, *,
             by: str = "contributor") -> None:  # fmt: skip
    actor = world.actor(by)
    report_progress(
        world.write(), world.returns[code].public_id, action, state=state, note=note, due=due, by=actor, now=world.now
    )
    world.session.commit()


def listed(world: World, code: str):  # type: ignore[no-untyped-def]
    """The actions of a return as they stand."""
    world.session.rollback()
    return [one for some in actions_of_return(world.session, world.returns[code]).values() for one in some]


def the_plan(world: World, code: str, by: str, *, draft: bool = False):  # type: ignore[no-untyped-def]
    world.session.rollback()
    return action_plan(world.session, world.returns[code], draft=draft, actor=world.actor(by), now=world.now)


def verbs(world: World, code: str) -> list[str]:
    world.session.rollback()
    return [one.verb for one in history(world.session, events.chain_of(world.returns[code]))]


def test_planning_starts_the_return_and_is_recorded_with_its_words_beside_the_chain(world: World, code: str) -> None:
    action = plan(world, code, Typed("  Train all staff \n", " Head  of\ttraining ", date(2003, 9, 1)))
    [found] = listed(world, code)
    assert (found.id, found.what, found.owner) == (action, "Train all staff", "Head of training")
    assert (found.state, found.version, found.saved_by) == ("planned", 1, "Lead")
    assert verbs(world, code) == ["return.invited", "return.started", "action.planned"]
    recorded = world.session.scalars(select(Event).where(Event.verb == "action.planned")).one()
    assert "Train" not in json.dumps(recorded.data) and recorded.data["due"] == "2003-09-01"
    assert {text.name: text.text for text in recorded.texts} == {"what": found.what, "owner": found.owner}
    assert events.verify(list(history(world.session, events.chain_of(world.returns[code])))) is None


def test_the_same_action_sent_twice_is_one_action(world: World, code: str) -> None:
    assert plan(world, code) == plan(world, code)
    assert plan(world, code, TRAIN, place=1) != plan(world, code)
    assert len(listed(world, code)) == 2


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        (Typed(" \n "), "what"),
        (Typed("x" * (LONGEST_WHAT + 1)), "what"),
        (Typed("x", "y" * (LONGEST_OWNER + 1)), "owner"),
        (Typed("x", state="splendid"), "state"),
    ],
)
def test_what_is_wrong_is_told_by_field_and_stores_nothing(world: World, code: str, typed: Typed, wrong: str) -> None:
    with pytest.raises(ActionErrors) as told:
        plan(world, code, typed)
    assert set(told.value.errors) == {wrong}
    assert listed(world, code) == []


def test_an_action_needs_a_question_that_is_asked_and_there_is_an_end_to_them(world: World, code: str) -> None:
    actor, rid = world.actor("lead"), world.returns[code].public_id
    with pytest.raises(NotFound):
        plan_action(world.write(), rid, "no-such-question", TRAIN, by=actor, now=world.now)
    for number in range(MOST):
        plan(world, code, Typed(f"Action {number}"))
    with pytest.raises(NotPossible, match="already"):
        plan(world, code, Typed("One more"))


def test_an_edit_of_an_old_version_gives_both_texts_back_and_changes_nothing(world: World, code: str) -> None:
    action = plan(world, code)
    mine, theirs = Typed("Mine", "Me"), Typed("Theirs", "They", date(2003, 8, 1), "under_way")
    edit(world, code, action, theirs, based_on=1, by="contributor")
    result = edit(world, code, action, mine, based_on=1)
    assert isinstance(result, ActionConflict)
    assert (result.yours, result.theirs, result.version, result.saved_by) == (mine, theirs, 2, "Contributor")
    [found] = listed(world, code)
    assert (found.what, found.version) == ("Theirs", 2)
    edit(world, code, action, mine, based_on=2)
    [found] = listed(world, code)
    assert (found.what, found.owner, found.due, found.version) == ("Mine", "Me", None, 3)
    # what was overwritten can still be read in the history
    assert world.session.scalar(select(sa.func.count()).where(EventText.text == "Theirs")) == 1


def test_an_edit_that_changes_nothing_is_no_edit_and_no_conflict(world: World, code: str) -> None:
    action = plan(world, code)
    edit(world, code, action, TRAIN, based_on=0)
    assert listed(world, code)[0].version == 1 and verbs(world, code).count("action.edited") == 0


def test_removing_keeps_the_row_and_asks_again_where_a_colleague_changed_it(world: World, code: str) -> None:
    action = plan(world, code)
    edit(world, code, action, Typed("Other words"), based_on=1, by="contributor")
    actor, rid = world.actor("lead"), world.returns[code].public_id
    with pytest.raises(NotPossible, match="colleague changed"):
        remove_action(world.write(), rid, action, based_on=1, by=actor, now=world.now)
    remove_action(world.write(), rid, action, based_on=2, by=actor, now=world.now)
    world.session.commit()
    assert listed(world, code) == []
    assert world.session.scalars(select(PlannedAction)).one().removed_at == world.now
    assert verbs(world, code)[-1] == "action.removed"
    with pytest.raises(NotFound):
        remove_action(world.write(), rid, action, based_on=2, by=actor, now=world.now)


@pytest.mark.parametrize("name", ["board", "inspector", "outsider", "coordinator", "administrator"])
def test_only_those_who_answer_can_plan(world: World, code: str, name: str) -> None:
    with pytest.raises(NotFound):
        plan(world, code, by=name)
    action = plan(world, code)
    world.answer(code)
    sign(world, code)
    with pytest.raises(NotFound):
        progress(world, code, action, "done", by=name)


def test_another_agencys_action_cannot_be_reached_through_ones_own_return(world: World, code: str) -> None:
    other = list(world.returns)[1]
    row = plan_action(
        world.write(), world.returns[other].public_id, question(world, other), TRAIN, by=SYSTEM, now=world.now
    )
    world.session.commit()
    foreign = row.public_id
    with pytest.raises(NotFound):
        edit(world, code, foreign, Typed("Mine now"), based_on=1)


def test_what_is_planned_is_part_of_what_is_signed(world: World, code: str) -> None:
    hashes = {content_hash(world.work(code))}
    action = plan(world, code)
    hashes.add(content_hash(world.work(code)))
    changes = ({"what": "Other"}, {"owner": "Other"}, {"due": None}, {"state": "done"})
    for version, new in enumerate(changes, start=1):
        typed = TRAIN._replace(**new)  # type: ignore[arg-type]
        edit(world, code, action, typed, based_on=version)
        hashes.add(content_hash(world.work(code)))
    assert len(hashes) == 6
    content = content_of(world.work(code))
    assert content["format"] == "candour-return/2"
    assert content["actions"] == [
        {"id": action, "criterion": world.work(code).items[0].criterion.id, "scope": "", "what": TRAIN.what,
         "owner": TRAIN.owner, "due": "2003-09-01", "state": "done", "version": 5}
    ]  # fmt: skip


def test_an_action_planned_after_the_page_was_shown_stops_the_signature(world: World, code: str) -> None:
    world.answer(code)
    shown = content_hash(world.work(code))
    plan(world, code)
    with pytest.raises(NotPossible, match="changed"):
        sign(world, code, expected=shown)


def test_progress_comes_after_signing_and_leaves_what_was_signed_alone(world: World, code: str) -> None:
    world.answer(code, best=False)
    action = plan(world, code)
    with pytest.raises(NotPossible, match="not signed yet"):
        progress(world, code, action, "done")
    submission = sign(world, code)
    before = submission.content
    for attempt in (
        lambda: plan(world, code, Typed("Late idea")),
        lambda: edit(world, code, action, Typed("Other"), based_on=1),
    ):
        with pytest.raises(NotPossible, match="submitted"):
            attempt()
    progress(world, code, action, "under_way", "Two of four teams trained.", date(2003, 12, 1))
    progress(world, code, action, "done", by="signatory")
    [found] = listed(world, code)
    assert (found.state, found.planned_due, found.due) == ("done", date(2003, 9, 1), date(2003, 12, 1))
    assert [(one.state, one.note, one.due, one.by) for one in found.progress] == [
        ("under_way", "Two of four teams trained.", date(2003, 12, 1), "Contributor"),
        ("done", "", None, "Sam Council"),
    ]
    world.session.rollback()
    stored = world.session.scalars(select(Submission)).one()
    assert stored.content == before and sha256_hex(canonical_json(json.loads(before))) == stored.content_hash
    [signed] = [one for item in submitted_checklist(stored, world.returns[code]).items for one in item.actions]
    assert (signed.state, signed.due, signed.progress) == ("planned", date(2003, 9, 1), ())
    assert verbs(world, code)[-2:] == ["action.progressed", "action.progressed"]


def test_progress_can_be_reported_after_the_round_has_closed(world: World, code: str) -> None:
    world.answer(code, best=False)
    action = plan(world, code)
    sign(world, code)
    world.now = world.audit_round.closes + timedelta(days=200)
    progress(world, code, action, "done", "Finished.")
    assert listed(world, code)[0].state == "done"


def test_a_report_says_something_new_and_the_same_one_twice_is_one(world: World, code: str) -> None:
    world.answer(code, best=False)
    action = plan(world, code)
    sign(world, code)
    for due in (None, TRAIN.due):  # the date that holds already is no new date
        with pytest.raises(ActionErrors) as told:
            progress(world, code, action, "planned", " ", due)
        assert set(told.value.errors) == {"note"}
    with pytest.raises(ActionErrors):
        progress(world, code, action, "splendid", "x")
    for _ in range(2):
        progress(world, code, action, "under_way", "Begun.", date(2003, 10, 1))
    world.session.rollback()
    assert world.session.scalar(select(sa.func.count()).select_from(ActionProgress)) == 1


def test_a_nil_return_takes_no_progress(world: World, code: str) -> None:
    action = plan(world, code)
    inspector = world.actor("inspector")
    set_nil(world.write(), world.returns[code].public_id, reason="Merged.", by=inspector, now=world.now)
    world.session.commit()
    with pytest.raises(NotPossible, match="nil return"):
        progress(world, code, action, "done")


def test_after_reopening_the_plan_can_be_edited_and_an_edit_settles_the_date(world: World, code: str) -> None:
    world.answer(code, best=False)
    action = plan(world, code)
    first = sign(world, code).id
    progress(world, code, action, "under_way", "Slower than planned.", date(2003, 12, 1))
    inspector = world.actor("inspector")
    reopen(world.write(), world.returns[code].public_id, reason="Please look again.", by=inspector, now=world.now)
    world.session.commit()
    # what moved is what is signed next, if nobody edits it
    assert content_of(world.work(code))["actions"][0]["due"] == "2003-12-01"
    edit(world, code, action, Typed(TRAIN.what, TRAIN.owner, date(2003, 11, 1), "under_way"), based_on=1)
    assert listed(world, code)[0].due == date(2003, 11, 1)
    # the draft is the agency's own; an inspector still reads what was signed, with the progress of that time
    theirs = the_plan(world, code, "inspector")
    [seen] = [one.action for gap in theirs.gaps for one in gap.actions]
    assert (seen.due, seen.planned_due, seen.state) == (date(2003, 12, 1), date(2003, 9, 1), "under_way")
    assert theirs.signature.is_voided
    with pytest.raises(Denied):
        the_plan(world, code, "inspector", draft=True)
    sign(world, code)
    world.session.rollback()
    contents = {one.id: json.loads(one.content) for one in world.session.scalars(select(Submission))}
    assert contents.pop(first)["actions"][0]["due"] == "2003-09-01"
    assert contents.popitem()[1]["actions"][0]["due"] == "2003-11-01"
    again = the_plan(world, code, "inspector")
    [seen] = [one.action for gap in again.gaps for one in gap.actions]
    assert (seen.due, seen.state, len(seen.progress)) == (date(2003, 11, 1), "under_way", 1)


def test_the_plan_counts_gaps_and_warns_of_late_dates(world: World, code: str) -> None:
    world.answer(code, best=False)
    work = world.work(code)
    gaps = [item for item in work.items if item.grade and item.grade.counts_as == "not_met"]
    assert gaps == graded(work)
    day = today(world.now)
    dated = next(
        place for place, item in enumerate(work.items) if item.milestone_due and item.milestone_due > day
    )
    milestone, expected = work.items[dated].milestone_due, work.items[dated].date_expected
    assert milestone and expected
    late = max(milestone, expected) + timedelta(days=1)
    plan(world, code, Typed("Too late", "Me", late), place=dated)
    plan(world, code, Typed("Overdue", "Me", day - timedelta(days=1)), place=dated)
    plan(world, code, Typed("Done late", "Me", late, "done"), place=dated)
    plan(world, code, Typed("No owner, no date", state="under_way"), place=dated)
    other = next(place for place in range(len(work.items)) if place != dated)
    plan(world, code, Typed("Given up", "Me", late, "dropped"), place=other)
    found = the_plan(world, code, "board", draft=True)
    figures = found.figures
    assert (figures.gaps, figures.with_action, figures.without_action) == (len(gaps), 1, len(gaps) - 1)
    assert (figures.actions, figures.open_actions) == (5, 3)
    assert figures.by_state == {"planned": 2, "under_way": 1, "done": 1, "dropped": 1}
    assert (figures.after_milestone, figures.overdue, figures.no_owner, figures.no_date) == (1, 1, 1, 1)
    assert figures.gaps_after_milestone == sum(1 for item in gaps if item.is_late)
    warned = {
        one.action.what: (one.is_overdue, one.is_after_milestone, one.is_after_expected)
        for gap in found.gaps
        for one in gap.actions
    }
    assert warned["Too late"] == (False, True, True)
    assert warned["Overdue"] == (True, False, False)
    assert warned["Done late"] == warned["Given up"] == (False, False, False)


def test_actions_for_what_is_in_place_stand_apart_and_count_in_no_figure(world: World, code: str) -> None:
    world.answer(code)
    plan(world, code)
    found = the_plan(world, code, "lead", draft=True)
    assert found.gaps == () and found.figures.actions == 0
    [apart] = found.apart
    assert (apart.why_apart, apart.actions[0].action.what) == ("in_place", TRAIN.what)


def test_the_actions_of_a_return_take_one_statement(app, world: World, code: str) -> None:  # type: ignore[no-untyped-def]
    world.answer(code, best=False)
    one, two = plan(world, code), plan(world, code, Typed("Second", "", date(2003, 8, 1)))
    plan(world, code, TRAIN, place=1)
    sign(world, code)
    for action in (one, two):
        progress(world, code, action, "under_way", "Begun.")
        progress(world, code, action, "done", "Finished.")
    world.session.rollback()
    audit_return = world.session.merge(world.returns[code])
    world.session.refresh(audit_return)
    statements: list[str] = []
    with app.app_context():
        engine = db.engine
    listen = lambda _c, _cursor, statement, *_rest: statements.append(statement)  # noqa: E731
    event.listen(engine, "before_cursor_execute", listen)
    try:
        found = actions_of_return(world.session, audit_return)
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    assert len([one for one in statements if one.startswith("SELECT")]) == 1
    first = found[world.work(code).items[0].criterion.id, ""]
    assert [action.what for action in first] == ["Second", TRAIN.what]  # the earliest first
    assert all(len(action.progress) == 2 for action in first)


def carry(world: World, code: str, by: str = "lead") -> int:
    actor = world.actor(by)
    number = carry_actions(world.write(), world.returns[code].public_id, by=actor, now=world.now)
    world.session.commit()
    return number


def test_open_actions_are_carried_into_the_next_round(world: World, code: str) -> None:
    world.answer(code, best=False)
    moved, done = plan(world, code), plan(world, code, Typed("Finished soon", "Me"), place=1)
    plan(world, code, Typed("Asked in other words next year"), place=2)
    sign(world, code)
    progress(world, code, moved, "under_way", due=date(2004, 9, 1))
    progress(world, code, done, "done")
    with pytest.raises(NotPossible, match="no longer changed"):
        carry(world, code)
    reworded = question(world, code, 2)

    def other_words(_standard: Standard, criterion: Criterion) -> list[Criterion]:
        is_it = criterion.id == reworded
        return [criterion.model_copy(update={"version": criterion.version + 1}) if is_it else criterion]

    next_year(world, changed(world.pack, other_words))
    with pytest.raises(NotFound):
        carry(world, code, by="inspector")
    assert carry(world, code) == 1
    [copied] = listed(world, code)
    assert (copied.what, copied.due, copied.state, copied.version) == (TRAIN.what, date(2004, 9, 1), "under_way", 1)
    assert copied.progress == () and verbs(world, code)[-2:] == ["return.started", "action.planned"]
    with pytest.raises(NotPossible, match="no open actions"):
        carry(world, code)
    actor = world.actor("lead")
    remove_action(
        world.write(), world.returns[code].public_id, copied.id, based_on=1, by=actor, now=world.now
    )
    world.session.commit()
    with pytest.raises(NotPossible, match="no open actions"):
        carry(world, code)  # what somebody took out is not offered again


def test_without_an_earlier_round_there_is_nothing_to_carry(world: World, code: str) -> None:
    plan(world, code)
    with pytest.raises(NotPossible, match="no open actions"):
        carry(world, code)
