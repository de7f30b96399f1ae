"""Year after year: what is carried forward, what is not, and that somebody has to say that it still holds."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from app.domain.life import NotPossible
from app.domain.templates import Criterion, Pack, Standard
from app.domain.versions import compare
from app.models import RollUp, SelfAssessment, SelfAssessmentVersion, Vouch
from app.operations import events
from app.operations.answers import Edit, vouch
from app.operations.carrying import carry, confirm
from app.operations.submissions import reopen, sign_and_submit
from app.queries.carrying import carry_plan, last_round, to_confirm
from app.queries.returns import content_hash, history
from app.queries.rounds import NotFound
from tests.next_year import changed, next_year
from tests.operations.test_returns import save, sign
from tests.world import World, complete_answer, graded


@pytest.fixture
def code(world: World) -> str:
    """The first agency: the one with a signatory, a lead, a contributor and a board reader."""
    return next(iter(world.returns))


def carried(world: World, code: str, *, by: str = "lead", standards: list[str] | None = None) -> dict[str, int]:
    actor = world.actor(by)
    found = carry(world.write(), world.returns[code].public_id, standards=standards, by=actor, now=world.now)
    world.session.commit()
    return found


def confirmed(world: World, code: str, *questions: str, by: str = "lead"):  # type: ignore[no-untyped-def]
    actor = world.actor(by)
    found = confirm(world.write(), world.returns[code].public_id, questions, by=actor, now=world.now)
    world.session.commit()
    return found


def stored(world: World, code: str) -> dict[str, SelfAssessment]:
    world.session.rollback()
    rows = world.session.scalars(
        select(SelfAssessment).where(SelfAssessment.return_id == world.returns[code].id)
    )
    return {row.criterion: row for row in rows}


def verbs(world: World, code: str) -> list[str]:
    world.session.rollback()
    chain = history(world.session, events.chain_of(world.returns[code]))
    assert events.verify(list(chain)) is None
    return [event.verb for event in chain]


def test_answers_are_carried_as_they_were_signed_and_must_be_confirmed_before_signing(
    world: World, code: str
) -> None:
    world.answer(code)
    sign(world, code)
    asked = [item.id for item in world.work(code).items if not item.handler.needs_files]
    before = next_year(world)
    assert set(carried(world, code)) == set(asked)
    work = world.work(code)
    old = last_round(world.session, world.returns[code])
    assert old and old.submission and old.audit_return.id == before[code].id
    for item in (one for one in work.items if one.id in asked):
        assert item.answer.value == old.answered[item.id].answer.value
        assert item.answer.to_confirm and item.answer.carried_from_id == before[code].id
    assert [item.id for item in work.outstanding] == asked and work.complete == 0
    assert world.returns[code].stage == "started" and world.returns[code].complete == 0
    rows = world.session.scalars(
        select(SelfAssessmentVersion).where(SelfAssessmentVersion.return_id == world.returns[code].id)
    ).all()
    assert {(row.source, row.version, row.saved_by_id) for row in rows} == {
        ("carried", 1, world.people["lead"].id)
    }
    assert verbs(world, code) == ["return.invited", "return.started", "answer.carried"]
    with pytest.raises(NotPossible, match=f"not finished: {len(asked)}"):
        sign(world, code)

    first, *others = asked
    assert confirmed(world, code, first).questions == {first: 2}
    work = world.work(code)
    assert len(to_confirm(work)) == len(others) and not work.items[0].outstanding
    assert work.items[0].answer.version == 2 and work.items[0].answer.saved_by == world.people["lead"].name
    assert confirmed(world, code, *asked).questions == dict.fromkeys(others, 2)
    last = world.session.scalars(
        select(SelfAssessmentVersion)
        .where(
            SelfAssessmentVersion.return_id == world.returns[code].id,
            SelfAssessmentVersion.criterion == first,
        )
        .order_by(SelfAssessmentVersion.version)
    ).all()
    assert [(row.source, row.value) for row in last] == [
        ("carried", work.items[0].answer.value),
        ("confirmed", work.items[0].answer.value),
    ]
    assert not world.work(code).outstanding and world.returns[code].complete == work.asked > 0
    assert sign(world, code).number == 1


def test_a_changed_new_or_dropped_question_is_not_carried(world: World, code: str) -> None:
    world.answer(code)
    sign(world, code)
    items = world.work(code).items
    kept, other, gone = (item.criterion for item in graded(world.work(code))[:3])

    def change(_standard: Standard, criterion: Criterion) -> list[Criterion]:
        if criterion.id == gone.id:
            return []
        if criterion.id == other.id:
            return [criterion.model_copy(update={"version": criterion.version + 1, "question": "Asked anew?"})]
        if criterion.id == kept.id:
            return [criterion, criterion.model_copy(update={"id": "quite-new", "question": "Quite new?"})]
        return [criterion]

    next_year(world, changed(world.pack, change))
    plan = carry_plan(world.session, world.work(code))
    assert plan is not None
    assert [pair.now.id for pair in plan.changed] == [other.id]
    assert (plan.changed[0].then.criterion.version, plan.changed[0].now.criterion.version) == (1, 2)
    assert not plan.changed[0].grading
    assert [item.id for item in plan.new] == ["quite-new"]
    assert [item.id for item in plan.dropped] == [gone.id]
    done = carried(world, code)
    assert set(done) == {item.id for item in items if item.started} - {other.id, gone.id}
    assert not {other.id, gone.id, "quite-new"} & set(stored(world, code))


def test_what_each_round_asks_anew_is_not_carried(world: World, code: str) -> None:
    world.answer(code)
    sign(world, code)
    first = world.work(code).items[0].criterion

    def change(_standard: Standard, criterion: Criterion) -> list[Criterion]:
        return [criterion.model_copy(update={"carried": False} if criterion.id == first.id else {})]

    anew = changed(world.pack, change)
    # what an author has not said stays out of what is published, so that hashes of before stand
    template = anew.templates[world.returns[code].agency_type]
    frozen = [one for each in template.model_dump(mode="json")["standards"] for one in each["criteria"]]
    assert ["carried" in one for one in frozen] == [one["id"] == first.id for one in frozen]
    next_year(world, anew)
    plan = carry_plan(world.session, world.work(code))
    assert plan is not None
    assert [pair.then.criterion.id for pair in plan.anew] == [first.id]
    assert first.id not in [pair.now.id for pair in (*plan.open, *plan.changed)]
    assert first.id not in carried(world, code)
    told = next(
        one
        for one in compare(world.pack, Pack.from_frozen(anew.to_frozen())).templates
        if one.agency_type == world.returns[code].agency_type
    )
    assert [(one.now.criterion.id, one.parts, one.carried, one.compared) for one in told.changed] == [
        (first.id, ("carried",), "none", True)
    ]


def test_a_grade_that_is_no_longer_offered_is_not_carried(world: World, code: str) -> None:
    world.answer(code)
    sign(world, code)
    item, *others = [one for one in world.work(code).items if one.started]
    assert item.grade
    schemes = {
        key: scheme.model_copy(
            update={"grades": tuple(one for one in scheme.grades if one.key != item.grade.key)}
        )
        for key, scheme in world.pack.grading_schemes.items()
    }
    next_year(world, changed(world.pack, lambda _s, c: [c]).model_copy(update={"grading_schemes": schemes}))
    plan = carry_plan(world.session, world.work(code))
    assert plan is not None
    assert all(pair.grading for pair in plan.changed)
    assert {pair.then.id for pair in plan.changed} == {one.id for one in (item, *others) if one.grade == item.grade}
    # facts, and grades of another scheme, are carried as ever
    assert carried(world, code).keys() == {one.id for one in others if one.grade != item.grade}
    with pytest.raises(NotPossible, match="nothing to carry"):
        carried(world, code)


def test_what_somebody_has_answered_here_is_never_written_over(world: World, code: str) -> None:
    world.answer(code)
    sign(world, code)
    next_year(world)
    key = world.work(code).items[0].id
    save(world, code, Edit(key, {"commentary": "This year."}, 0, "k"))
    assert key not in carried(world, code)
    assert stored(world, code)[key].value == {"commentary": "This year."}
    assert not stored(world, code)[key].to_confirm
    with pytest.raises(NotPossible, match="answered already"):
        carried(world, code)


def test_only_the_chosen_standards_are_carried(world: World, code: str) -> None:
    world.answer(code)
    sign(world, code)
    next_year(world)
    section = world.work(code).sections[1]
    assert set(carried(world, code, standards=[section.standard.id])) == {item.id for item in section.items}
    plan = carry_plan(world.session, world.work(code))
    assert plan is not None
    assert [len(one.kept) for one in plan.sections][:2] == [0, len(section.items)]


def test_saving_a_change_confirms_and_saving_the_same_does_not(world: World, code: str) -> None:
    world.answer(code)
    sign(world, code)
    next_year(world)
    carried(world, code)
    one, two = world.work(code).items[:2]
    same = {**one.answer.value, "files": str(one.answer.value.get("files", ""))}
    result = save(
        world, code, Edit(one.id, same, 1, "k"), Edit(two.id, {**two.answer.value, "commentary": "New words."}, 1, "k")
    )
    assert result.unchanged == [one.id] and result.saved == {two.id: 2}
    assert stored(world, code)[one.id].to_confirm and not stored(world, code)[two.id].to_confirm


def test_a_promise_whose_day_has_passed_must_be_renewed(world: World, code: str) -> None:
    """The worst grades of 2003 promised 1 September 2003."""
    world.answer(code, best=False)
    sign(world, code)
    next_year(world)
    carried(world, code)
    item = world.work(code).items[0]
    assert item.answer.value["date_expected"] == "2003-09-01"
    result = confirmed(world, code, item.id)
    assert [one.id for one in result.overdue] == [item.id] and not result.questions
    assert stored(world, code)[item.id].to_confirm
    # other words with the old date are kept, and still do not count as confirmed
    value = dict(item.answer.value)
    assert save(world, code, Edit(item.id, {**value, "commentary": "Later."}, 1, "a")).saved == {item.id: 2}
    assert stored(world, code)[item.id].to_confirm
    save(world, code, Edit(item.id, {**value, "date_expected": "2004-09-01"}, 2, "b"))
    assert not stored(world, code)[item.id].to_confirm
    # a grade that promises nothing needs no date, whatever still stands in the field
    other = world.work(code).items[1]
    best = complete_answer(other.scheme)
    save(world, code, Edit(other.id, {**other.answer.value, **best}, 1, "c"))
    assert stored(world, code)[other.id].value["date_expected"] == "2003-09-01"
    assert not stored(world, code)[other.id].to_confirm


def test_questions_that_an_answer_opens_are_carried_with_it(world: World, code: str) -> None:
    """A question that is not applicable given the carried answers stays away."""
    world.answer(code)
    condition = next(
        placed.criterion for placed in world.work(code).template.criteria() if placed.criterion.not_applicable_if
    )
    rule = condition.not_applicable_if
    assert rule is not None
    item = next(one for one in world.work(code).items if one.id == rule.criterion)
    void = next(grade.key for grade in item.scheme.grades if grade.key in rule.grades and grade.counts_as == "excluded")
    save(world, code, Edit(item.id, {"grade": void, "reason": "We buy nothing."}, item.answer.version, "n"))
    sign(world, code)
    next_year(world)
    done = carried(world, code)
    assert rule.criterion in done and condition.id not in done


def test_a_draft_that_was_never_signed_is_carried_too(world: World, code: str) -> None:
    key = world.work(code).items[0].id
    save(world, code, Edit(key, {"commentary": "Begun and left."}, 0, "k"))
    next_year(world)
    old = last_round(world.session, world.returns[code])
    assert old is not None and old.submission is None
    assert carried(world, code) == {key: 1}


def test_a_submission_that_was_set_aside_is_not_what_is_carried(world: World, code: str) -> None:
    world.answer(code)
    sign(world, code)
    inspector = world.actor("inspector")
    reopen(world.write(), world.returns[code].public_id, reason="Look again", by=inspector, now=world.now)
    world.session.commit()
    item = world.work(code).items[0]
    save(world, code, Edit(item.id, {**item.answer.value, "commentary": "Corrected."}, 1, "k"))
    next_year(world)
    carried(world, code)
    assert stored(world, code)[item.id].value["commentary"] == "Corrected."


def test_without_an_earlier_round_there_is_nothing_to_carry(world: World, code: str) -> None:
    assert last_round(world.session, world.returns[code]) is None
    with pytest.raises(NotPossible, match="no earlier round"):
        carried(world, code)
    # another agency's earlier answers are none of ours
    world.answer(list(world.returns)[1], by="signatory-nhs")
    next_year(world)
    assert last_round(world.session, world.returns[code]) is None


def test_figures_count_what_is_carried(world: World, code: str) -> None:
    world.answer(code)
    sign(world, code)
    next_year(world)
    carried(world, code)
    world.session.rollback()
    counted = world.session.scalar(
        select(sa.func.sum(RollUp.count)).where(
            RollUp.round_id == world.audit_round.id, RollUp.stage == "draft"
        )
    )
    assert counted == len(graded(world.work(code)))


def test_a_vouch_ends_where_an_answer_is_carried_into_its_standard(world: World, code: str) -> None:
    world.answer(code)
    sign(world, code)
    next_year(world)
    carried(world, code)
    confirmed(world, code, *[item.id for item in world.work(code).items])
    section = world.work(code).sections[0]
    lead = world.actor("lead")
    vouch(
        world.write(), world.returns[code].public_id, section.standard.id, name="Ann", post="Director", by=lead,
        now=world.now,
    )  # fmt: skip
    world.session.commit()
    item = section.items[0]
    # an answer that was emptied is none, and leaves its place to the one of the last round
    save(world, code, Edit(item.id, {}, item.answer.version, "empty"))
    assert carried(world, code) == {item.id: item.answer.version + 2}
    assert world.session.scalar(select(sa.func.count()).select_from(Vouch)) == 0


def test_who_may_not_edit_may_neither_carry_nor_confirm(world: World, code: str) -> None:
    world.answer(code)
    sign(world, code)
    next_year(world)
    for who in ("board", "signatory-nhs", "inspector"):
        with pytest.raises(NotFound):
            carried(world, code, by=who)
        with pytest.raises(NotFound):
            confirmed(world, code, "any", by=who)
    assert stored(world, code) == {}


def test_after_signing_nothing_is_carried_or_confirmed(world: World, code: str) -> None:
    world.answer(code)
    sign(world, code)
    next_year(world)
    carried(world, code)
    confirmed(world, code, *[item.id for item in world.work(code).items])
    actor = world.actor("signatory")
    shown = content_hash(world.work(code))
    sign_and_submit(
        world.write(), world.returns[code].public_id, by=actor, now=world.now, expected_hash=shown, identity_proved=True
    )
    world.session.commit()
    with pytest.raises(NotPossible, match="submitted"):
        carried(world, code)
    with pytest.raises(NotPossible, match="submitted"):
        confirmed(world, code, "any")
