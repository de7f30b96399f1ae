"""What a demonstration shows of the oversight side: a round that ended before, and what goes on in the open one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from random import Random, SystemRandom
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.clock import now, start_of
from app.db import begin_write, make_engine
from app.domain import entropy
from app.domain.composing_facts import standard_chapters
from app.domain.demonstration import Plan
from app.domain.risks import BY_HAND
from app.domain.sampling import draw, frame_hash, seed_hash
from app.domain.templates import Pack
from app.models import (
    Agency,
    Assignment,
    AuditReturn,
    AuditRound,
    Base,
    Chase,
    CompositionComment,
    Example,
    Judgement,
    Moderation,
    Monitoring,
    PeerReview,
    PlannedAction,
    Publication,
    RecommendedResponse,
    Sample,
    SampledReturn,
    SelfAssessment,
    Submission,
    SubmissionVoided,
    Thread,
    new_public_id,
)
from app.operations import demonstration
from app.policy import Actor, system_actor
from app.queries.actors import actor_by_email
from app.queries.carrying import last_round
from app.queries.composing import desk
from app.queries.figures import Narrowed, trend
from app.queries.follow_up import followed_up
from app.queries.peers import my_challenges, my_reviews
from app.queries.recommended import recommended
from app.queries.release import editions, get_feedback_return, published_findings, visible
from app.queries.returns import returns_of_agencies
from app.queries.sampling import drawn, sample_of, stored_frame, verified
from tests.world import pack

AGENCIES = 60


@pytest.fixture(scope="module")
def chosen() -> Pack:
    """The pack, with an earlier round that most agencies of a small demonstration took part in."""
    found = pack("climbie-2003")
    planned: dict[str, Any] = json.loads(json.dumps(found.demonstration))
    planned["earlier"]["areas"] = [number for number in range(43) if number % 5]
    return found.model_copy(update={"demonstration": planned})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, chosen: Pack) -> Iterator[Session]:
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('story') / 'candour.db'}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        begin_write(session)
        demonstration.build(
            session, pack=chosen, seed=2003, by=system_actor("demonstration"), hash_password=lambda _word: "hash",
            scale=AGENCIES,
        )  # fmt: skip
        session.commit()
        yield session
    engine.dispose()


@pytest.fixture
def demo(built: Session) -> Iterator[SimpleNamespace]:
    """The session, the time, and both rounds."""
    past, present = built.scalars(select(AuditRound).order_by(AuditRound.opens)).all()
    yield SimpleNamespace(session=built, now=now(built), past=past, present=present)
    built.rollback()


def who(demo: SimpleNamespace, email: str) -> Actor:
    found = actor_by_email(demo.session, email, now=demo.now)
    assert found is not None
    return found


def inspector(demo: SimpleNamespace, kind: str, role: str = "inspector") -> Actor:
    return who(demo, f"{role}.{kind}@inspectorate.example.org")


def count(demo: SimpleNamespace, audit_round: AuditRound, model: Any, *where: Any) -> int:
    """So many rows about returns of a round."""
    query: Select[int] = select(func.count()).select_from(model).join(
        AuditReturn, AuditReturn.id == model.return_id
    )
    return demo.session.scalar(query.where(AuditReturn.round_id == audit_round.id, *where)) or 0


# --- the round that ended before -------------------------------------------------------------------------------------


def test_it_closed_by_the_clock_with_its_grace(demo: SimpleNamespace) -> None:
    past = demo.past
    assert past.closes < past.open_until < past.closed_at < start_of(demo.now.date())
    assert (past.open_until - past.closes).total_seconds() == past.grace_minutes * 60 > 0
    assert past.is_demonstration
    kinds = set(demo.session.scalars(select(AuditReturn.agency_type).where(AuditReturn.round_id == past.id)))
    assert kinds == {"nhs", "council", "police"}
    late = [row for row in _returns(demo, past, "submitted") if row.submitted_at > past.in_time_until]
    assert late


def _returns(demo: SimpleNamespace, audit_round: AuditRound, stage: str = "") -> list[AuditReturn]:
    query = select(AuditReturn).where(AuditReturn.round_id == audit_round.id).order_by(AuditReturn.id)
    return list(demo.session.scalars(query.where(AuditReturn.stage == stage) if stage else query))


def test_nothing_in_it_is_after_today(demo: SimpleNamespace) -> None:
    day = start_of(demo.now.date())
    for model in (Moderation, Thread, Judgement, Monitoring, Publication, Submission):
        for column in model.__table__.columns:
            if column.type.python_type is datetime and column.key != "due":
                newest = demo.session.scalar(select(func.max(column)))
                assert newest is None or newest < day, column


def test_the_sample_was_committed_before_the_end_and_can_be_drawn_again(demo: SimpleNamespace) -> None:
    sample = sample_of(demo.session, demo.past, actor=inspector(demo, "social"), now=demo.now)
    assert sample is not None and sample.drawn_at is not None
    assert sample.committed_at < demo.past.closes < sample.drawn_at
    assert seed_hash(sample.seed) == sample.seed_hash
    assert frame_hash(stored_frame(sample)) == sample.frame_hash
    again = draw(
        sample.seed, {kind: [one for one, _ in found] for kind, found in stored_frame(sample).items()},
        dict.fromkeys(sample.frame, 1),
    )  # fmt: skip
    first = demo.session.scalars(
        select(AuditReturn.public_id)
        .join(SampledReturn, SampledReturn.return_id == AuditReturn.id)
        .where(SampledReturn.sample_id == sample.id, SampledReturn.place == 1)
    ).all()
    assert set(first) == {ids[0] for ids in again.values()}
    assert all(check.holds for check in verified(demo.session, sample, demo.past))


def test_everything_in_the_sample_is_checked_and_a_share_of_it_twice(demo: SimpleNamespace) -> None:
    sampled = demo.session.scalars(select(SampledReturn).join(Sample).where(Sample.round_id == demo.past.id)).all()
    assert all(one.inspector_id and one.finished_at for one in sampled)
    second = [one for one in sampled if one.second_id]
    assert second and all(one.second_finished_at and one.second_id != one.inspector_id for one in second)
    assert any(one.place is None for one in sampled) and any(BY_HAND in one.risks for one in sampled)
    outcomes = {row.outcome for row in demo.session.scalars(select(Moderation))}
    assert outcomes == {"upheld", "adjusted"}
    adjusted = demo.session.scalars(select(Moderation).where(Moderation.outcome == "adjusted")).all()
    assert all(row.reason for row in adjusted)
    assert len({row.reason for row in adjusted}) > len(adjusted) / 3
    sample = sample_of(demo.session, demo.past, actor=inspector(demo, "social"), now=demo.now)
    page = drawn(demo.session, sample, demo.past, actor=inspector(demo, "health", "lead"))
    assert page.second is not None and page.total.population == len(_returns(demo, demo.past, "submitted"))


def test_a_standard_was_returned_and_signed_again_with_actions(demo: SimpleNamespace) -> None:
    chief = who(demo, "chief.executive@council.example.org")
    (past,) = [row for row in returns_of_agencies(demo.session, actor=chief) if row.round_id == demo.past.id]
    signed = demo.session.scalars(
        select(Submission).where(Submission.return_id == past.id).order_by(Submission.number)
    ).all()
    voided = set(demo.session.scalars(select(SubmissionVoided.submission_id)))
    assert [one.id in voided for one in signed] == [True, False]
    assert len(json.loads(signed[1].content)["actions"]) == 2
    states = set(demo.session.scalars(select(PlannedAction.state).where(PlannedAction.return_id == past.id)))
    assert states == {"under_way", "done"}


def test_words_went_to_and_fro(demo: SimpleNamespace) -> None:
    found = demo.session.execute(
        select(Thread.kind, Thread.state).join(AuditReturn).where(AuditReturn.round_id == demo.past.id)
    ).all()
    kinds = {kind: [state for one, state in found if one == kind] for kind, _ in found}
    assert kinds.keys() == {"query", "progress", "peer", "accuracy", "comment"}
    assert set(kinds["query"]) == {"closed"} and set(kinds["accuracy"]) == {"closed"}
    assert set(kinds["progress"]) == {"open", "answered", "closed"}
    outcomes = set(demo.session.scalars(select(Thread.outcome).where(Thread.kind == "accuracy")))
    assert outcomes == {"accepted", "declined"}


def test_a_peer_without_conflict_challenged_and_was_answered(demo: SimpleNamespace) -> None:
    peer = who(demo, "peer@primarycare.example.org")
    (mine,) = my_reviews(demo.session, actor=peer, now=demo.now)
    assert mine.state == "finished"
    challenges = my_challenges(demo.session, mine.review)
    assert [one.state for one in challenges] == ["closed", "closed"]
    assert {post.side for one in challenges for post in one.posts} == {"peer", "agency"}
    assert any(held.agency_id for held in peer.held)
    assert count(demo, demo.past, PeerReview) == 1


def test_all_are_judged_and_an_override_was_decided(demo: SimpleNamespace) -> None:
    submitted = len(_returns(demo, demo.past, "submitted"))
    judged = demo.session.scalars(
        select(Judgement).join(AuditReturn).where(AuditReturn.round_id == demo.past.id)
    ).all()
    assert len({row.return_id for row in judged}) == submitted
    assert not any(row.stale for row in judged) and all(row.grade for row in judged)
    assert not any(row.override and not row.approved_at for row in judged)
    approved = [row for row in judged if row.override]
    assert approved and all(row.approved_by_id != row.override_by_id for row in approved)
    assert {row.given for row in judged if row.given}


def test_recommendations_are_followed_up(demo: SimpleNamespace) -> None:
    monitored = count(demo, demo.past, Monitoring)
    cleared = count(demo, demo.past, Monitoring, Monitoring.cleared_at.is_not(None))
    assert monitored > cleared > 0
    lines = followed_up(
        demo.session, demo.past, actor=inspector(demo, "health", "lead"), now=demo.now
    ).lines
    states = {standing.state for line in lines for standing in line.standings.values()}
    assert {"met", "overdue", "unlikely", "on_track"} <= states


def test_examples_of_both_kinds_are_marked(demo: SimpleNamespace) -> None:
    assert count(demo, demo.past, Example, Example.kind == "good")
    assert count(demo, demo.past, Example, Example.kind == "concern")


def test_it_is_published_and_corrected_and_agencies_read_their_feedback(demo: SimpleNamespace) -> None:
    newest, first = editions(demo.session, demo.past, now=demo.now)
    assert (newest.number, first.number) == (2, 1)
    assert newest.reason and newest.changes
    for email in ("chief.executive@council.example.org", "chief.executive@hospital.example.org"):
        chief = who(demo, email)
        (past,) = [row for row in returns_of_agencies(demo.session, actor=chief) if row.round_id == demo.past.id]
        mine = get_feedback_return(
            demo.session, past.public_id, actor=chief, now=demo.now, permission="feedback.read"
        )
        seen = visible(demo.session, mine, actor=chief, now=demo.now)
        assert seen is not None and not seen.is_draft and seen.edition
        assert seen.row.narrative


def test_inspectors_wrote_its_report_and_agencies_answer_what_it_recommends(demo: SimpleNamespace) -> None:
    seen = inspector(demo, "social")
    out = published_findings(demo.session, demo.past, actor=seen, now=demo.now)
    report = out.composition
    assert report is not None and report.is_signed_off and not report.problems
    assert len(report.signed_off) == 3 and report.facts
    keys = [one.key for one in report.chapters]
    # another order than usual, one left out, one of their own with figures and words of an agency that is not named
    usual = [one.key for one in standard_chapters(out, str)]
    assert [key for key in keys if key in usual] != [key for key in usual if key in keys]
    assert set(usual) - set(keys) == {"optional"}
    (own,) = (one for one in report.chapters if one.is_own)
    parts = [*own.before, *own.after]
    assert [part.kind for part in parts].count("figure") == 2
    (quote,) = (part for part in parts if part.kind == "quote")
    assert quote.source and quote.source not in set(demo.session.scalars(select(Agency.name)))
    choices = desk(demo.session, demo.past, actor=seen, now=demo.now).composition.choices
    assert {one.state for one in choices} == {"accepted", "edited", "dropped"}
    assert not desk(demo.session, demo.past, actor=seen, now=demo.now).typed_numbers()
    remarks = demo.session.scalars(select(CompositionComment)).all()
    assert len(remarks) == 2 and all(one.resolved_at for one in remarks)
    # the correction has the words that were signed off, with figures of its own
    first = published_findings(demo.session, demo.past, 1, actor=seen, now=demo.now)
    assert first.composition is not None and first.composition.version == report.version
    assert first.snapshot_id != out.snapshot_id
    register = recommended(demo.session, demo.past, actor=seen, now=demo.now)
    assert [one.responded > 0 for one in register] == [True, True, False]
    answers = set(demo.session.scalars(select(RecommendedResponse.answer)))
    assert answers == {"accepted", "partly", "not_accepted"}
    assert sum(number for state, number in register[0].by_state.items() if state) == 3


# --- the round that is open ------------------------------------------------------------------------------------------


def test_the_present_round_has_a_seed_and_nobody_knows_it(demo: SimpleNamespace) -> None:
    sample = sample_of(demo.session, demo.present, actor=inspector(demo, "social"), now=demo.now)
    assert sample is not None and sample.drawn_at is None
    assert sample.seed_hash == seed_hash(sample.seed)


def test_reminders_went_out_once(demo: SimpleNamespace) -> None:
    assert 0 < count(demo, demo.present, Chase) < len(_returns(demo, demo.present))


def test_agencies_share_plan_and_carry_forward(demo: SimpleNamespace) -> None:
    states = set(
        demo.session.scalars(
            select(Assignment.state).join(AuditReturn).where(AuditReturn.round_id == demo.present.id)
        )
    )
    assert states == {"open", "ready", "accepted"}
    assert count(demo, demo.present, PlannedAction) == 4
    carried = demo.session.scalars(
        select(SelfAssessment)
        .join(AuditReturn, AuditReturn.id == SelfAssessment.return_id)
        .where(AuditReturn.round_id == demo.present.id, SelfAssessment.to_confirm)
    ).all()
    (return_id,) = {row.return_id for row in carried}
    before = last_round(demo.session, demo.session.get_one(AuditReturn, return_id))
    assert before is not None and before.audit_return.round_id == demo.past.id and before.submission is not None


def test_there_is_a_trend(demo: SimpleNamespace) -> None:
    found = trend(
        demo.session, demo.present, Narrowed(), actor=inspector(demo, "social", "lead"), now=demo.now, language="en"
    )
    assert found.last is not None and found.last.id == demo.past.id
    assert found.both > AGENCIES / 3
    better = [then.met / then.counted < since.met / since.counted for then, since in found.by_type.values()]
    assert sum(better) >= 2


# --- how it is planned -----------------------------------------------------------------------------------------------


def test_steps_in_the_wrong_order_are_mistakes(chosen: Pack) -> None:
    planned = json.loads(json.dumps(chosen.demonstration))
    planned["earlier"]["story"].reverse()
    with pytest.raises(ValidationError, match="follows one of day"):
        Plan.model_validate(planned)


def test_names_that_nobody_knows_are_mistakes(chosen: Pack) -> None:
    planned = json.loads(json.dumps(chosen.demonstration))
    steps = {step["do"]: step for step in planned["story"]}
    steps["plan action"] |= {"agency": {"at": "nowhere"}, "question": "no-such-question"}
    past = {step["do"]: step for step in planned["earlier"]["story"]}
    past["write"] |= {"by": "no-such-type"}
    past["recommend"] |= {"body": "no-such-body", "agency_type": ""}
    past["respond"] |= {"recommendation": "no-such-recommendation"}
    steps["share"] |= {"person": "nobody@example.org", "standards": ["no-such-standard"]}
    planned["earlier"]["areas"] = [99]
    planned["earlier"]["round"]["owner"] = "nobody"
    found = "\n".join(Plan.model_validate(planned).mistakes(chosen))
    for name in ("nowhere", "no-such-question", "no-such-standard", "nobody@example.org", "area 99", "body “nobody”",
                 "no-such-type", "no-such-body", "no-such-recommendation"):  # fmt: skip
        assert name in found, name


def test_a_pack_without_an_earlier_round_has_none(tmp_path: Any, chosen: Pack) -> None:
    planned = {key: value for key, value in (chosen.demonstration or {}).items() if key not in ("earlier", "story")}
    engine = make_engine(f"sqlite:///{tmp_path / 'candour.db'}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        begin_write(session)
        summary = demonstration.build(
            session, pack=chosen.model_copy(update={"demonstration": planned}), seed=1, by=system_actor("x"),
            hash_password=lambda _word: "hash", scale=20,
        )  # fmt: skip
        assert session.scalar(select(func.count()).select_from(AuditRound)) == 1
        assert "Before it" not in summary.text() and summary.took_part == 0
        session.rollback()
    engine.dispose()


# --- where ids and salts come from -----------------------------------------------------------------------------------


def test_ids_come_from_a_seed_only_while_it_is_asked_for() -> None:
    with entropy.drawn_from(Random(1)):
        seeded = [new_public_id(), entropy.token()]
        elsewhere: list[str] = []
        thread = threading.Thread(target=lambda: elsewhere.append(new_public_id()))
        thread.start()
        thread.join()
        after = new_public_id()
    with entropy.drawn_from(Random(1)):
        assert [new_public_id(), entropy.token(), new_public_id()] == [*seeded, after]
    assert elsewhere[0] not in (seeded[0], after)
    assert isinstance(entropy._SOURCE.get(), SystemRandom)
    assert len({new_public_id() for _ in range(100)}) == 100


def test_the_operating_system_is_the_source_again_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError), entropy.drawn_from(Random(1)):
        raise ZeroDivisionError
    assert isinstance(entropy._SOURCE.get(), SystemRandom)
