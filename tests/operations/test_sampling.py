"""The sample of a round: committed before it closes, drawn once after, shared out to inspectors without ties."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.life import NotPossible
from app.domain.risks import BY_HAND, ModerationRules
from app.domain.sampling import PlanErrors, SamplePlan, draw, seed_hash
from app.models import (
    Appointment,
    AuditReturn,
    Event,
    Moderation,
    OutboxMessage,
    Sample,
    SampledReturn,
    User,
)
from app.operations import agencies, events, mergers, people, rounds, sampling, submissions
from app.operations.answers import Edit, save_answers
from app.policy import system_actor
from app.queries.rounds import NotFound
from app.queries.sampling import agency_types_of, drawn, frame_of, sample_of, verified
from tests.operations.test_returns import sign
from tests.world import NOW, SYSTEM, World, build, complete

SHUT = datetime(2003, 7, 2, 9, 0, tzinfo=UTC)


def plan_of(world: World, **changes: object) -> SamplePlan:
    """The plan that the pack suggests, with changes."""
    plan = SamplePlan.of(ModerationRules.of(world.pack), agency_types_of(world.audit_round))
    return dataclasses.replace(plan, **changes)  # type: ignore[arg-type]


def more_agencies(world: World, number: int, kind: str = "council") -> list[str]:
    """More agencies of a type in the round; their codes. Their signatories are people of the world."""
    lines = ["code,name,type,subtype,areas,email,signatory"]
    codes = [f"{kind}-{place}" for place in range(2, number + 2)]
    lines += [f"{code},Fictional {code},{kind},,mere: Mereland,{code}@agency.example,Sam {code}" for code in codes]
    stored = agencies.import_csv(
        world.write(), "\n".join(lines), world.pack.agency_types, by=SYSTEM, now=NOW
    )
    rounds.add_agencies(
        world.session, world.audit_round.public_id, [one.public_id for one in stored], by=SYSTEM, now=NOW
    )
    world.session.commit()
    for row in world.session.scalars(select(AuditReturn).where(AuditReturn.round_id == world.audit_round.id)):
        world.returns[row.agency.code] = row
    world.people |= {user.email.split("@")[0]: user for user in world.session.scalars(select(User))}
    return codes


def submit(world: World, code: str, by: str = "", *, best: bool = True) -> None:
    """Answer and sign one return."""
    kind = code.split("-")[0]
    by = by or ("signatory" if code == "council-1" else f"signatory-{kind}" if code.endswith("-1") else code)
    world.answer(code, by=by, best=best)
    sign(world, code, by=by)


def commit(world: World, plan: SamplePlan | None = None, by: str = "lead-inspector") -> Sample:
    """Commit the seed as somebody."""
    actor = world.actor(by)
    sample = sampling.commit_sample(
        world.write(), world.audit_round.public_id, plan or plan_of(world), by=actor, now=world.now
    )
    world.session.commit()
    return sample


def draw_it(world: World, by: str = "lead-inspector") -> Sample:
    """Draw after the round has shut."""
    world.now = SHUT
    actor = world.actor(by)
    sample = sampling.draw_sample(world.write(), world.audit_round.public_id, by=actor, now=SHUT)
    world.session.commit()
    return sample


def round_events(world: World) -> list[Event]:
    """The round's chain."""
    world.session.rollback()
    chain = events.chain_of(world.audit_round)
    return list(world.session.scalars(select(Event).where(Event.chain == chain).order_by(Event.seq)))


def sampled(world: World, code: str) -> SampledReturn:
    """A return's row of the sample, read anew."""
    world.session.expire_all()
    found = world.session.scalars(
        select(SampledReturn).where(SampledReturn.return_id == world.returns[code].id)
    ).one()
    return found


# --- committing ------------------------------------------------------------------------------------------------------


def test_the_hash_is_on_record_and_the_seed_nowhere(world: World) -> None:
    sample = commit(world)
    assert seed_hash(sample.seed) == sample.seed_hash
    last = round_events(world)[-1]
    assert last.verb == "sample.committed" and last.data["seed_hash"] == sample.seed_hash
    every = world.session.scalars(select(Event)).all()
    assert not any(sample.seed in str(event.data) for event in every)
    assert events.verify(round_events(world)) is None


def test_a_seed_is_committed_once_and_only_before_the_round_closes(world: World) -> None:
    lead, rid = world.actor("lead-inspector"), world.audit_round.public_id
    with pytest.raises(NotPossible, match="The round is closed"):
        sampling.commit_sample(world.write(), rid, plan_of(world), by=lead, now=SHUT)
    commit(world)
    with pytest.raises(NotPossible, match="committed already"):
        commit(world)


def test_who_may_commit(world: World) -> None:
    for name in ("inspector", "outsider", "signatory", "administrator"):
        with pytest.raises(NotFound):
            commit(world, by=name)
    with pytest.raises(PlanErrors):
        commit(world, plan_of(world, second_percent=101))
    with pytest.raises(ValueError, match="demonstration"):
        sampling.commit_sample(
            world.write(), world.audit_round.public_id, plan_of(world), by=SYSTEM, now=NOW, seed="mine"
        )


def test_the_plan_changes_until_the_draw_and_the_seed_never(world: World) -> None:
    lead, rid = world.actor("lead-inspector"), world.audit_round.public_id
    with pytest.raises(NotPossible, match="Commit the seed"):
        sampling.change_plan(world.write(), rid, plan_of(world), by=lead, now=NOW)
    seed = commit(world).seed
    changed = plan_of(world, minimum=7)
    sampling.change_plan(world.write(), rid, changed, by=lead, now=NOW)
    sampling.change_plan(world.session, rid, changed, by=lead, now=NOW)  # the same again is no event
    world.session.commit()
    assert [event.verb for event in round_events(world)].count("sample.plan_changed") == 1
    submit(world, "council-1")
    sample = draw_it(world)
    assert sample.seed == seed and SamplePlan.from_data(sample.plan).minimum == 7
    with pytest.raises(NotPossible, match="can no longer change"):
        sampling.change_plan(world.write(), rid, plan_of(world), by=world.actor("lead-inspector"), now=SHUT)


# --- drawing ---------------------------------------------------------------------------------------------------------


def test_the_draw_waits_for_the_end_of_the_round_and_for_something_to_draw(world: World) -> None:
    rid = world.audit_round.public_id
    with pytest.raises(NotPossible, match="Commit the seed"):
        sampling.draw_sample(world.write(), rid, by=SYSTEM, now=SHUT)
    commit(world)
    with pytest.raises(NotPossible, match="still open"):
        sampling.draw_sample(world.write(), rid, by=SYSTEM, now=NOW)
    with pytest.raises(NotPossible, match="nothing to draw from"):
        sampling.draw_sample(world.write(), rid, by=SYSTEM, now=SHUT)


def merge(world: World, code: str, at: datetime = NOW) -> None:
    """Record that an agency was merged into the first council."""
    mergers.merge(
        world.write(), world.returns[code].public_id, into="council-1", merged_on=today(at), reason="One council now",
        by=SYSTEM, now=at,
    )  # fmt: skip
    world.session.commit()


def unmerge(world: World, code: str, at: datetime) -> None:
    """Take it back."""
    mergers.unmerge(world.write(), world.returns[code].public_id, by=SYSTEM, now=at)
    world.session.commit()


def test_the_draw_is_what_the_seed_gives_and_is_made_once(world: World) -> None:
    codes = ["council-1", *more_agencies(world, 6)]
    merged, draft = codes[5], codes[6]
    for code in [*codes[:6], "school-1"]:
        submit(world, code)
    merge(world, merged)
    commit(world, plan_of(world, percent={"council": 50, "school": 0}, minimum=1, questions=3, rules=()))
    sample = draw_it(world)
    kept = {code: world.returns[code].public_id for code in codes[:5]}
    council = draw(sample.seed, {"council": kept.values()}, {"council": 3})["council"]
    rows = {row.return_id: row for row in world.session.scalars(select(SampledReturn))}
    places = {
        row.audit_return.public_id: row.place for row in rows.values() if row.audit_return.agency_type == "council"
    }
    assert places == {one: place for place, one in enumerate(council, 1)}
    assert world.returns[merged].id not in rows and world.returns[draft].id not in rows
    assert sampled(world, "school-1").place == 1
    assert all(len(row.questions) == 3 and not row.risks for row in rows.values())
    assert {kind: len(ids) for kind, ids in sample.frame.items()} == {"council": 5, "school": 1}
    last = round_events(world)[-1]
    assert last.verb == "sample.drawn" and last.data["seed"] == sample.seed
    assert last.data["random"]["council"] == council
    again = draw_it(world)
    assert again.id == sample.id and len(rows) == len(world.session.scalars(select(SampledReturn)).all())
    assert [event.verb for event in round_events(world)].count("sample.drawn") == 1
    # nothing of it is in what agencies read
    for audit_return in world.returns.values():
        chain = world.session.scalars(select(Event).where(Event.chain == events.chain_of(audit_return)))
        assert not any("sample" in event.verb for event in chain)


def another_seed(world: World) -> str:
    """A seed that draws other returns of this small frame, or in another order: one in twelve draws the same."""
    sample = world.session.scalars(select(Sample)).one()
    frame = {kind: [public_id for public_id, _hash in one] for kind, one in sample.frame.items()}
    sizes = {kind: len(one) // 2 for kind, one in frame.items()}
    drawn_now = draw(sample.seed, frame, sizes)
    return next(seed for seed in map("{:064x}".format, range(1000)) if draw(seed, frame, sizes) != drawn_now)


def test_a_draw_is_verified_and_every_change_is_noticed(world: World) -> None:
    for code in ["council-1", *more_agencies(world, 3)]:
        submit(world, code)
    commit(world, plan_of(world, percent={"council": 50}, minimum=1, questions=2, rules=()))
    draw_it(world)

    def differs() -> set[str]:
        session = world.session
        session.flush()
        session.expire_all()
        found = sample_of(session, world.audit_round, actor=SYSTEM, now=SHUT)
        assert found
        return {check.name for check in verified(session, found, world.audit_round) if not check.holds}

    assert differs() == set()
    session = world.session
    other = plan_of(world, percent={"council": 50}, minimum=2, questions=2, rules=())
    wrong_seed = another_seed(world)
    for expected, statement in (
        ({"seed", "draw", "questions"}, update(Sample).values(seed=wrong_seed)),
        ({"committed", "seed"}, update(Sample).values(seed_hash="0" * 64)),
        ({"frame"}, update(Sample).values(frame_hash="0" * 64)),
        ({"frame", "returns", "draw"}, update(Sample).values(frame={"council": []})),
        ({"draw", "record"}, update(SampledReturn).values(place=None)),
        ({"record"}, update(SampledReturn).values(risks=["late"])),
        ({"record"}, update(Sample).values(plan=other.as_data())),
        ({"draw", "record"}, delete(SampledReturn)),
        ({"questions"}, update(SampledReturn).values(questions=[])),
        ({"returns"}, update(Sample).values(drawn_at=NOW.replace(year=2002))),
    ):
        world.write().execute(statement)
        assert differs() == expected, statement
        session.rollback()
    assert differs() == set()
    # what happens afterwards changes nothing about the draw
    lead = world.actor("lead-inspector")
    later = SHUT.replace(hour=15)
    submissions.reopen(world.write(), world.returns["council-1"].public_id, reason="Wrong", by=lead, now=later)
    session.commit()
    assert differs() == set()


def test_risk_chooses_beside_chance_and_says_why(world: World) -> None:
    codes = ["council-1", *more_agencies(world, 3)]
    for code in codes[:3]:
        submit(world, code)
    world.now = datetime(2003, 6, 20, 9, 0, tzinfo=UTC)  # four days after it was due
    submit(world, codes[3])
    world.now = NOW
    commit(world, plan_of(world, percent={"council": 0}, minimum=1, risk_most=2, rules=("late", "evidence-missing")))
    draw_it(world)
    late = sampled(world, codes[3])
    assert late.risks[0] == "late" and late.figures["late"] == {"figure": 4, "of": 0}
    found = drawn(world.session, world.session.scalars(select(Sample)).one(), world.audit_round, actor=SYSTEM)
    assert found.lines[0].drawn == 1 and len(found.by_risk) == 2
    assert late.return_id in {row.return_id for row in found.by_risk}


def test_twins_far_apart_choose_the_side_that_says_it_is_well(world: World) -> None:
    submit(world, "council-1", best=True)
    for code in ("police-1", "nhs-1", "school-1"):
        submit(world, code, best=False)
    commit(world, plan_of(world, rules=("twins-far-apart",)))
    draw_it(world)
    assert sampled(world, "council-1").risks == ["twins-far-apart"]
    assert sampled(world, "police-1").risks == []


# --- who checks ------------------------------------------------------------------------------------------------------


def inspector(world: World, name: str, body: str) -> None:
    """One more inspector."""
    user = people.add_person(
        world.write(), email=f"{name}@agency.example", name=name.title(), role="inspector", body_code=body, post="",
        starts=today(NOW), ends=None, by=SYSTEM, now=NOW,
    )  # fmt: skip
    world.session.commit()
    world.people[name] = user


def assign(world: World, code: str, first: str, second: str = "", by: str = "lead-inspector") -> SampledReturn:
    """Assign by names of the world."""
    actor = world.actor(by)
    ids = [world.people[name].public_id if name else "" for name in (first, second)]
    row = sampling.assign(
        world.write(), world.audit_round.public_id, world.returns[code].public_id, inspector=ids[0], second=ids[1],
        by=actor, now=world.now,
    )  # fmt: skip
    world.session.commit()
    return row


@pytest.fixture
def drawn_world(world: World) -> World:
    """A sample of three councils and one school, drawn; with a second inspector and one who was at a council once."""
    for code in ["council-1", *more_agencies(world, 2), "school-1"]:
        submit(world, code)
    inspector(world, "other", "north")
    inspector(world, "tied", "north")
    people.add_person(
        world.write(), email="tied@agency.example", name="Tied", role="contributor", body_code="council-1", post="",
        starts=today(NOW), ends=today(NOW), by=SYSTEM, now=NOW,
    )  # fmt: skip
    world.session.commit()
    commit(world, plan_of(world, percent={"council": 100, "school": 100}, second_percent=100, rules=()))
    draw_it(world)
    return world


def test_inspectors_without_ties_are_assigned(drawn_world: World) -> None:
    world = drawn_world
    row = assign(world, "council-1", "inspector", "other")
    assert (row.inspector_id, row.second_id) == (world.people["inspector"].id, world.people["other"].id)
    with pytest.raises(NotPossible, match="held an appointment"):
        assign(world, "council-1", "tied")
    with pytest.raises(NotPossible, match="held an appointment"):
        assign(world, "council-1", "inspector", "tied")
    assert assign(world, "school-1", "tied").inspector_id == world.people["tied"].id
    with pytest.raises(NotPossible, match="somebody else"):
        assign(world, "council-1", "inspector", "inspector")
    with pytest.raises(NotPossible, match="who checks first"):
        assign(world, "council-1", "", "other")
    for name in ("outsider", "signatory", "administrator"):
        with pytest.raises(NotPossible, match="body that asks"):
            assign(world, "council-1", name)
    with pytest.raises(NotFound):
        assign(world, "nhs-1", "inspector")  # not in the sample
    for name in ("inspector", "outsider", "signatory"):
        with pytest.raises(NotFound):
            assign(world, "council-1", "other", by=name)
    assert assign(world, "council-1", "").inspector_id is None


def test_what_an_inspector_left_unfinished_is_shared_out_again(drawn_world: World) -> None:
    world = drawn_world
    row = assign(world, "council-2", "inspector", "other")
    left = assign(world, "school-1", "inspector")
    session = world.write()
    row.finished_at = world.now
    session.add(row)
    for appointment in session.scalars(
        select(Appointment).where(Appointment.user_id == world.people["inspector"].id)
    ):
        appointment.ends = NOW.date()
    session.commit()
    world.now = SHUT
    # what was finished stays theirs, and can still get a second inspector
    assert assign(world, "council-2", "inspector", "tied").second_id == world.people["tied"].id
    sampling.assign_rest(world.write(), world.audit_round.public_id, by=world.actor("lead-inspector"), now=SHUT)
    session.commit()
    session.expire_all()
    assert row.inspector_id == world.people["inspector"].id
    assert left.inspector_id not in (None, world.people["inspector"].id)


def checks_told(world: World) -> list[tuple[str, str]]:
    """Who was told by mail of audits to check, and what it says."""
    world.session.expire_all()
    rows = world.session.scalars(
        select(OutboxMessage).where(OutboxMessage.kind == "check").order_by(OutboxMessage.id)
    )
    return [(row.address.split("@")[0], row.body) for row in rows]


def test_inspectors_are_told_once_a_day_and_by_no_name(drawn_world: World) -> None:
    world = drawn_world
    assign(world, "council-1", "inspector", "other")
    first, second = sorted(checks_told(world))
    assert (first[0], second[0]) == ("inspector", "other")
    assert "on your list now: 1." in first[1] and "on your list now: 1." in second[1]
    assert "Inspector" not in second[1] and "Fictional" not in second[1], "neither the first’s name nor the agency’s"
    assign(world, "council-2", "inspector", "other")
    assign(world, "council-1", "inspector")
    assert len(checks_told(world)) == 2, "one mail a day, however much is given"
    world.now = SHUT.replace(day=3)
    assign(world, "council-3", "inspector", "lead-inspector")
    told = checks_told(world)
    assert [name for name, _body in told[2:]] == ["inspector"], "nobody is told of what they gave themselves"
    assert "on your list now: 3." in told[2][1]


def test_sharing_out_tells_each_inspector_once(drawn_world: World) -> None:
    world = drawn_world
    lead = world.actor("lead-inspector")
    sampling.assign_rest(world.write(), world.audit_round.public_id, by=lead, now=world.now)
    world.session.commit()
    names = [name for name, _body in checks_told(world)]
    assert len(names) == len(set(names)) >= 2


def test_a_finished_check_stays_with_whoever_did_it(drawn_world: World) -> None:
    world = drawn_world
    row = assign(world, "council-1", "inspector", "other")
    row.finished_at = row.second_finished_at = SHUT
    world.session.commit()
    with pytest.raises(NotPossible, match="check is finished"):
        assign(world, "council-1", "other")
    with pytest.raises(NotPossible, match="second check is finished"):
        assign(world, "council-1", "inspector", "lead-inspector")


def test_the_rest_is_shared_out_evenly(drawn_world: World) -> None:
    world = drawn_world
    assign(world, "school-1", "inspector")
    lead = world.actor("lead-inspector")
    done, left = sampling.assign_rest(world.write(), world.audit_round.public_id, by=lead, now=SHUT)
    world.session.commit()
    rows = [sampled(world, code) for code in ("council-1", "council-2", "council-3", "school-1")]
    assert (done, left) == (7, 0)
    assert all(row.inspector_id and row.second_id and row.inspector_id != row.second_id for row in rows)
    load = [one for row in rows for one in (row.inspector_id, row.second_id)]
    counts = [load.count(world.people[name].id) for name in ("inspector", "other", "tied", "lead-inspector")]
    assert sum(counts) == 8 and max(counts) - min(counts) <= 1
    assert world.people["tied"].id not in (rows[0].inspector_id, rows[0].second_id)
    assert sampling.assign_rest(world.write(), world.audit_round.public_id, by=lead, now=SHUT) == (0, 0)
    last = round_events(world)[-1]
    assert last.verb == "sample.assigned" and len(last.data["returns"]) == 4


def test_each_body_shares_out_its_own_types_to_its_own_people(session: Session) -> None:
    world = build(session, pack_key="climbie-2003")
    people.add_person(
        world.write(), email="police-lead@agency.example", name="Police Lead", role="lead_inspector",
        body_code="constabulary-inspectorate", post="", starts=today(NOW), ends=None, by=SYSTEM, now=NOW,
    )  # fmt: skip
    world.session.commit()
    world.people |= {user.email.split("@")[0]: user for user in world.session.scalars(select(User))}
    submit(world, "nhs-1", by="signatory")
    submit(world, "police-1")
    commit(world, plan_of(world, rules=()), by="police-lead")
    draw_it(world)
    assign(world, "nhs-1", "inspector")
    with pytest.raises(NotFound):
        assign(world, "police-1", "police-lead")
    with pytest.raises(NotPossible, match="body that asks"):
        assign(world, "nhs-1", "police-lead")
    lead = world.actor("police-lead")
    assert sampling.assign_rest(world.write(), world.audit_round.public_id, by=lead, now=SHUT)[0] == 1
    world.session.commit()
    assert sampled(world, "police-1").inspector_id == world.people["police-lead"].id
    with pytest.raises(NotFound):
        sampling.add_by_hand(
            world.write(), world.audit_round.public_id, world.returns["nhs-1"].public_id, reason="x", by=lead, now=SHUT
        )


def test_adding_by_hand_takes_a_reason_and_what_is_submitted(drawn_world: World) -> None:
    world = drawn_world
    rid, lead = world.audit_round.public_id, world.actor("lead-inspector")

    def add(code: str, reason: str = "A letter from a parent") -> SampledReturn:
        row = sampling.add_by_hand(
            world.write(), rid, world.returns[code].public_id, reason=reason, by=lead, now=SHUT
        )
        world.session.commit()
        return row

    row = add("council-1")
    assert row.place and row.risks == [BY_HAND] and row.figures[BY_HAND]["reason"] == "A letter from a parent"
    last = round_events(world)[-1]
    assert last.verb == "sample.added" and "parent" not in str(last.data) and last.texts[0].text.endswith("parent")
    with pytest.raises(NotPossible, match="already"):
        add("council-1")
    with pytest.raises(NotPossible, match="reason"):
        add("school-1", " ")
    with pytest.raises(NotPossible, match="too long"):
        add("school-1", "x" * 4001)
    with pytest.raises(NotPossible, match="not submitted"):
        add("nhs-1")
    with pytest.raises(NotFound):
        sampling.add_by_hand(world.write(), rid, "no-such-return", reason="x", by=lead, now=SHUT)


# --- what it shows ---------------------------------------------------------------------------------------------------


def moderate(world: World, code: str, *, adjust: int = 0, second: bool = False, version: int = 1) -> None:
    """Findings on every question of a sampled return: the first `adjust` are adjusted to the worst grade."""
    row = sampled(world, code)
    submission = world.session.scalars(
        select(submissions.Submission)
        .where(submissions.Submission.return_id == row.return_id)
        .order_by(submissions.Submission.number.desc())
    ).first()
    assert submission
    answers = {answer.criterion: answer.grade for answer in submission.answers}
    world.write()
    for place, question in enumerate(row.questions):
        grade = "starting" if place < adjust else answers[question]
        world.session.add(
            Moderation(
                return_id=row.return_id, submission_id=submission.id, criterion=question, version=version,
                outcome="upheld" if grade == answers[question] else "adjusted", self_grade=answers[question],
                grade=grade, second=second, at=SHUT,
            )
        )  # fmt: skip
    world.session.commit()


def finding(world: World):  # type: ignore[no-untyped-def]
    """The sample as it stands."""
    world.session.expire_all()
    return drawn(world.session, world.session.scalars(select(Sample)).one(), world.audit_round, actor=SYSTEM)


def test_rates_come_from_finished_random_returns_only(drawn_world: World) -> None:
    world = drawn_world
    rows = {code: sampled(world, code) for code in ("council-1", "council-2", "council-3", "school-1")}
    rows["council-3"].place = None  # as if risk alone had chosen it
    rows["council-3"].risks = ["late"]
    world.session.commit()
    assert finding(world).lines[0].returns is None
    moderate(world, "council-1", adjust=2)
    moderate(world, "council-3", adjust=9)
    found = finding(world)
    council = found.lines[0]
    questions = len(rows["council-1"].questions)
    assert council.returns and (council.returns.found, council.returns.checked, council.population) == (1, 1, 3)
    assert council.answers and (council.answers.found, council.answers.checked) == (2, questions)
    assert found.total.returns is None  # the school is not checked yet
    moderate(world, "council-2")
    moderate(world, "school-1")
    found = finding(world)
    assert found.lines[0].returns and found.lines[0].returns.found == 1 and found.lines[0].returns.checked == 2
    assert found.total.returns and found.total.returns.population == 4
    assert [row.state for row in found.rows] == ["done"] * 4 and found.is_small


def test_a_declaration_that_was_corrected_counts_as_adjusted(drawn_world: World) -> None:
    """The agency corrects its answers after it was asked to, and the inspector upholds the corrected ones."""
    world = drawn_world
    lead = world.actor("lead-inspector")
    submissions.reopen(world.write(), world.returns["council-1"].public_id, reason="Look again", by=lead, now=SHUT)
    submissions.extend(
        world.session, world.returns["council-1"].public_id, to=SHUT.replace(month=8), by=lead, now=SHUT
    )
    world.session.commit()
    edits = [
        Edit(item.id, complete(item.criterion, item.scheme, best=False), item.answer.version, "again")
        for item in world.work("council-1").items
        if not item.handler.needs_files
    ]
    signatory = world.actor("signatory")
    assert save_answers(world.write(), world.returns["council-1"].public_id, edits, by=signatory, now=SHUT).clean
    world.session.commit()
    sign(world, "council-1")
    moderate(world, "council-1")
    row = next(row for row in finding(world).rows if row.code == "council-1")
    assert row.is_done and len(row.finding.adjusted) == row.finding.asked
    schemes = {item.id: [grade.key for grade in item.scheme.grades] for item in world.work("council-1").items}
    for question, (own, found) in row.finding.adjusted.items():
        assert own == schemes[question][0] and found in {"starting", "off-target"}, question


def test_two_inspectors_agree_on_what_both_checked(drawn_world: World) -> None:
    world = drawn_world
    assign(world, "council-1", "inspector", "other")
    moderate(world, "council-1", adjust=4)
    assert finding(world).second is None
    moderate(world, "council-1", adjust=1, second=True)
    row = sampled(world, "council-1")
    row.finished_at = SHUT
    world.session.commit()
    assert finding(world).second is None, "not before both have finished"
    row.second_finished_at = SHUT
    world.session.commit()
    found = finding(world).second
    questions = len(sampled(world, "council-1").questions)
    assert found.pairs == questions and found.agreed == questions - 3 and 0 < found.kappa < 1
    # the second's findings are no findings
    row = next(row for row in finding(world).rows if row.code == "council-1")
    assert len(row.finding.adjusted) == 4


def test_the_frame_as_it_was_is_read_from_the_record(drawn_world: World) -> None:
    world = drawn_world
    before = frame_of(world.session, world.audit_round, at=SHUT)
    lead = world.actor("lead-inspector")
    later = SHUT.replace(hour=15)
    submissions.reopen(world.write(), world.returns["council-1"].public_id, reason="x", by=lead, now=later)
    world.session.commit()
    assert frame_of(world.session, world.audit_round, at=SHUT) == before
    assert len(frame_of(world.session, world.audit_round)) == len(before) - 1


def test_mergers_around_the_draw_do_not_make_an_honest_draw_fail(world: World) -> None:
    first, second, third, *_rest = more_agencies(world, 4)
    for code in ("council-1", first, second, third):
        submit(world, code)
    merge(world, first)
    merge(world, second)
    unmerge(world, second, NOW.replace(hour=10))
    commit(world, plan_of(world, percent={"council": 50}, minimum=1, questions=2, rules=()))
    sample = draw_it(world)
    assert [one for one, _hash in sample.frame["council"]] == sorted(
        world.returns[code].public_id for code in ("council-1", second, third)
    )
    # what becomes of mergers afterwards says nothing about the draw
    unmerge(world, first, SHUT.replace(hour=15))
    merge(world, third, SHUT.replace(hour=15))
    found = sample_of(world.session, world.audit_round, actor=SYSTEM, now=SHUT)
    assert found
    checks = verified(world.session, found, world.audit_round)
    failed = {check.name: check.detail for check in checks if not check.holds}
    assert failed == {}


def test_a_demonstration_brings_its_own_seed(world: World) -> None:
    world.audit_round.is_demonstration = True
    world.session.commit()
    made = sampling.commit_sample(
        world.write(), world.audit_round.public_id, plan_of(world), by=system_actor("demonstration"), now=NOW, seed="s"
    )
    assert made.seed == "s"
