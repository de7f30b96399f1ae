"""Checking signed answers: versions, conflicts, finishing, the second inspector, and what an agency never learns."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from app.domain.life import NotPossible
from app.models import Judgement, Moderation, Submission
from app.operations import events
from app.operations.moderation import LONGEST, FindingConflict, FindingErrors, ask_by, take_up_again
from app.operations.submissions import reopen
from app.queries.moderation import checked, duties, findings_on, shown_findings
from app.queries.returns import history
from app.queries.rounds import NotFound, get_round
from tests.operations.checking import (
    check,
    desk,
    finished,
    moderated,
    private,
    put_in_sample,
    uphold_all,
)
from tests.operations.test_returns import sign
from tests.world import World, graded

REASON = "The rota that was shown ends in March."


@pytest.fixture
def code(world: World) -> str:
    """The first agency, which has submitted."""
    code = next(iter(world.returns))
    world.answer(code)
    sign(world, code)
    return code


def worse(world: World, code: str, question: str) -> tuple[str, str]:
    """The grade that was signed for a question, and another of the same scheme."""
    item = next(one for one in world.work(code).items if one.id == question)
    assert item.grade
    return item.grade.key, next(grade.key for grade in reversed(item.scheme.grades) if grade.key != item.grade.key)


def reopened(world: World, code: str) -> None:
    actor = world.actor("inspector")
    reopen(world.write(), world.returns[code].public_id, reason="Something is missing.", by=actor, now=world.now)
    world.session.commit()


def test_an_answer_is_upheld_and_another_adjusted_side_by_side_with_what_was_signed(world: World, code: str) -> None:
    first, second = (item.id for item in graded(world.work(code))[:2])
    put_in_sample(world, code, questions=[first, second])
    own, other = worse(world, code, first)
    assert check(world, code, first, own).outcome == "upheld"
    row = check(world, code, second, other, reason=REASON, seen="The rota.")
    assert (row.outcome, row.self_grade, row.grade, row.version) == ("adjusted", own, other, 1)
    assert moderated(world) == {(first, own): 1, (second, other): 1}
    found = checked(world.session, [world.returns[code].id])[world.returns[code].id]
    assert {key: one.grade for key, one in found.items()} == {(first, ""): own, (second, ""): other}
    # what was signed is not touched
    submission = world.session.scalars(select(Submission)).one()
    signed = {one.criterion: one.grade for one in submission.answers}
    assert submission.voided is None and (signed[first], signed[second]) == (own, own)
    assert [event.verb for event in private(world, code)] == ["answer.moderated"] * 2
    assert REASON not in str([event.data for event in private(world, code)])
    # nothing of it stands where the agency reads
    theirs = history(world.session, events.chain_of(world.returns[code]))
    assert not [event for event in theirs if "moderat" in event.verb or REASON in str([t.text for t in event.texts])]


def test_a_change_is_a_version_and_the_roll_up_follows(world: World, code: str) -> None:
    question = world.work(code).items[0].id
    put_in_sample(world, code, questions=[question])
    own, other = worse(world, code, question)
    check(world, code, question, other, reason=REASON)
    assert check(world, code, question, other, reason=REASON, based_on=0).version == 1, "the same again"
    row = check(world, code, question, own, based_on=1)
    assert row.version == 2 and moderated(world) == {(question, own): 1}
    world.session.rollback()
    assert world.session.scalars(select(Moderation.version).order_by(Moderation.version)).all() == [1, 2]
    for change in ("update moderation set grade = 'x'", "delete from moderation"):
        with pytest.raises(DBAPIError):
            world.write().connection().exec_driver_sql(change)


def test_two_who_check_the_same_answer_lose_nothing(world: World, code: str) -> None:
    question = world.work(code).items[0].id
    put_in_sample(world, code, questions=[question])
    own, other = worse(world, code, question)
    check(world, code, question, own, by="inspector")
    conflict = check(world, code, question, other, reason=REASON, by="lead-inspector", based_on=0)
    assert isinstance(conflict, FindingConflict)
    assert conflict.theirs.grade == own and conflict.yours.reason == REASON
    assert moderated(world) == {(question, own): 1}
    assert check(world, code, question, other, reason=REASON, by="lead-inspector", based_on=1).version == 2


def test_what_is_wrong_with_a_finding(world: World, code: str) -> None:
    question = world.work(code).items[0].id
    put_in_sample(world, code, questions=[question])
    own, other = worse(world, code, question)
    for grade, reason, seen, field in (
        ("", "", "", "grade"), ("no-such-grade", "x", "", "grade"), (other, "  ", "", "reason"),
        (own, "x" * (LONGEST + 1), "", "reason"), (own, "", "x" * (LONGEST + 1), "seen"), (own, "\0", "", "reason"),
    ):  # fmt: skip
        with pytest.raises(FindingErrors) as wrong:
            check(world, code, question, grade, reason=reason, seen=seen)
        assert list(wrong.value.errors) == [field]
    with pytest.raises(NotFound):
        check(world, code, "no-such-question", own)
    with pytest.raises(NotFound):
        check(world, code, graded(world.work(code))[1].id, own)  # not drawn
    assert moderated(world) == {}


def test_finishing_waits_for_every_answer_and_can_be_taken_back(world: World, code: str) -> None:
    questions = [item.id for item in graded(world.work(code))[:3]]
    put_in_sample(world, code, questions=questions)
    own, other = worse(world, code, questions[0])
    check(world, code, questions[0], own)
    with pytest.raises(NotPossible, match="not checked yet: 2"):
        finished(world, code)
    uphold_all(world, code)
    assert finished(world, code).finished_at == world.now
    with pytest.raises(NotPossible, match="have finished"):
        check(world, code, questions[0], other, reason=REASON, based_on=1)
    actor = world.actor("inspector")
    take_up_again(world.write(), world.returns[code].public_id, by=actor, now=world.now)
    world.session.commit()
    assert check(world, code, questions[0], other, reason=REASON, based_on=1).version == 2
    verbs = [event.verb for event in private(world, code)]
    assert verbs[-3:] == ["moderation.finished", "moderation.taken_up_again", "answer.moderated"]


def test_without_a_list_of_questions_the_whole_return_is_checked(world: World, code: str) -> None:
    put_in_sample(world, code)
    assert list(desk(world, code).checks) == [item.id for item in graded(world.work(code))]


def test_the_second_inspector_sees_nothing_of_the_first_until_both_have_finished(world: World, code: str) -> None:
    question = world.work(code).items[0].id
    put_in_sample(world, code, second="lead-inspector", questions=[question])
    own, other = worse(world, code, question)
    check(world, code, question, other, reason=REASON)
    second = desk(world, code, by="lead-inspector")
    assert second.part == "second" and second.checks[question].finding is None and second.checks[question].other is None
    actor = world.actor("lead-inspector")
    audit_return = world.returns[code]
    submission = second.submission
    assert shown_findings(world.session, audit_return, submission, actor=actor, now=world.now) == {}
    assert shown_findings(world.session, audit_return, submission, actor=world.actor("inspector"), now=world.now)
    check(world, code, question, own, by="lead-inspector")
    assert moderated(world) == {(question, other): 1}, "a second finding counts in no figure"
    assert checked(world.session, [audit_return.id])[audit_return.id][question, ""].grade == other
    finished(world, code)
    assert desk(world, code).checks[question].other is None, "the second has not finished"
    finished(world, code, by="lead-inspector")
    first, second = desk(world, code), desk(world, code, by="lead-inspector")
    assert first.checks[question].other and first.checks[question].other.grade == own
    assert second.checks[question].other and second.checks[question].other.grade == other
    with pytest.raises(NotPossible, match="cannot be taken up again"):
        take_up_again(world.write(), audit_return.public_id, by=actor, now=world.now)


def test_after_a_new_submission_checking_begins_anew_and_the_old_findings_are_kept(world: World, code: str) -> None:
    question = world.work(code).items[0].id
    put_in_sample(world, code, questions=[question])
    own, other = worse(world, code, question)
    check(world, code, question, other, reason=REASON)
    finished(world, code)
    before = desk(world, code).submission
    reopened(world, code)
    assert moderated(world) == {} and checked(world.session, [world.returns[code].id]) == {}
    with pytest.raises(NotFound):
        desk(world, code)
    with pytest.raises(NotPossible, match="not submitted at present"):
        check(world, code, question, own, submission=before.public_id)
    sign(world, code)
    now = desk(world, code)
    assert now.submission.number == 2 and now.finished_at is None and now.checks[question].finding is None
    assert findings_on(world.session, before)[question, ""].reason == REASON
    # a page that still shows the old submission
    with pytest.raises(NotPossible, match="submitted anew"):
        check(world, code, question, own, submission=before.public_id)
    assert check(world, code, question, own).version == 1
    assert moderated(world) == {(question, own): 1}


def test_a_finding_makes_the_judgement_stale(world: World, code: str) -> None:
    question = world.work(code).items[0].id
    put_in_sample(world, code, second="lead-inspector", questions=[question])
    session = world.write()
    session.add(Judgement(return_id=world.returns[code].id, key="overall", grade="good", explanation={}))
    session.commit()
    own, other = worse(world, code, question)

    def stale() -> bool:
        world.session.rollback()
        return world.session.scalars(select(Judgement.stale)).one()

    check(world, code, question, other, reason=REASON, by="lead-inspector")
    assert not stale(), "the second does not count"
    check(world, code, question, own)
    assert stale()


@pytest.mark.parametrize(
    "name", ["signatory", "lead", "contributor", "board", "outsider", "coordinator", "administrator"]
)
def test_nobody_else_reads_or_records_anything(world: World, code: str, name: str) -> None:
    question = world.work(code).items[0].id
    put_in_sample(world, code, questions=[question])
    own, _other = worse(world, code, question)
    submission = desk(world, code).submission
    check(world, code, question, own)
    with pytest.raises(NotFound):
        desk(world, code, by=name)
    with pytest.raises(NotFound):
        check(world, code, question, own, by=name, submission=submission.public_id)
    actor = world.actor(name)
    assert shown_findings(world.session, world.returns[code], submission, actor=actor, now=world.now) == {}
    if name != "outsider":
        with pytest.raises(NotFound):
            get_round(
                world.session, world.audit_round.public_id, actor=actor, now=world.now, permission="moderation.read"
            )


def test_an_inspector_sees_and_checks_what_is_assigned_to_them_only(world: World, code: str) -> None:
    put_in_sample(world, code, inspector="lead-inspector")
    assert desk(world, code, by="lead-inspector").part == "first"
    with pytest.raises(NotFound):
        desk(world, code)
    world.session.rollback()
    round_ = get_round(world.session, world.audit_round.public_id, actor=world.actor("inspector"), now=world.now)
    assert duties(world.session, round_, actor=world.actor("inspector"), now=world.now).lines == []
    other = list(world.returns)[1]
    with pytest.raises(NotFound):
        desk(world, other, by="lead-inspector")  # not in the sample


def test_the_list_says_how_far_each_check_is_and_what_is_overdue(world: World, code: str) -> None:
    questions = [item.id for item in world.work(code).items[:2]]
    put_in_sample(world, code, second="lead-inspector", questions=questions)
    own, _other = worse(world, code, questions[0])
    check(world, code, questions[0], own)
    check(world, code, questions[0], own, based_on=1, seen="The rota.")
    actor = world.actor("lead-inspector")
    number = ask_by(world.write(), world.audit_round.public_id, day=date(2003, 5, 20), by=actor, now=world.now)
    world.session.commit()
    assert number == 1
    round_ = get_round(world.session, world.audit_round.public_id, actor=actor, now=world.now)
    found = duties(world.session, round_, actor=actor, now=world.now)
    assert [(one.part, one.checked, one.asked, one.due) for one in found.lines] == [
        ("first", 1, 2, date(2003, 5, 20)), ("second", 0, 2, date(2003, 5, 20)),
    ]  # fmt: skip
    assert [one.can_open for one in found.lines] == [False, True], "who is second does not act as the first"
    mine = duties(world.session, round_, actor=world.actor("inspector"), now=world.now)
    assert [(one.part, one.can_open) for one in mine.lines] == [("first", True)]
    later = world.now.replace(month=6)
    assert duties(world.session, round_, actor=actor, now=later).overdue == 2
    with pytest.raises(NotPossible, match="passed already"):
        ask_by(world.write(), world.audit_round.public_id, day=date(2003, 5, 11), by=actor, now=world.now)
    with pytest.raises(NotFound):
        ask_by(
            world.write(), world.audit_round.public_id, day=date(2003, 5, 20), by=world.actor("inspector"),
            now=world.now,
        )  # fmt: skip
