"""Peers: conflicts of interest excluded, a declaration before anything is read, challenges and answers; scrutineers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.clock import today
from app.domain.life import NotPossible
from app.models import Appointment, OutboxMessage, PeerReview, Thread, User
from app.operations import events, people, submissions
from app.operations import peers as operations
from app.policy import allows
from app.queries.peers import (
    comments_of_areas,
    my_challenges,
    my_review,
    my_reviews,
    reviews_of_round,
    standing_submission,
)
from app.queries.returns import get_return, history, return_facts
from app.queries.rounds import NotFound, get_round, rounds_for
from tests.operations.test_returns import sign
from tests.world import SYSTEM, World


@pytest.fixture
def code(world: World) -> str:
    return next(iter(world.returns))


def person(world: World, name: str, role: str, body: str, *, starts_before: int = 0, days: int | None = None) -> User:
    """Somebody with an appointment from some days ago, for some days; a second one where they have one already."""
    starts = today(world.now) - timedelta(days=starts_before)
    people.add_person(
        world.write(), email=f"{name}@agency.example", name=name.title(), role=role, body_code=body, post="",
        starts=starts, ends=starts + timedelta(days=days) if days is not None else None, by=SYSTEM, now=world.now,
    )  # fmt: skip
    world.session.commit()
    user = world.session.scalars(select(User).where(User.email == f"{name}@agency.example")).one()
    world.people[name] = user
    return user


@pytest.fixture
def peer(world: World, code: str) -> User:
    """A peer reviewer of the owning body who works at no agency here, and a submission of the first agency."""
    world.answer(code)
    sign(world, code)
    return person(world, "peer", "peer_reviewer", world.body.code)


def assign(world: World, code: str, name: str = "peer", by: str = "lead-inspector") -> PeerReview:
    actor = world.actor(by)
    review = operations.assign(
        world.write(), world.returns[code].public_id, world.people[name].public_id, by=actor, now=world.now
    )
    world.session.commit()
    return review


def declare(world: World, review: str, conflict: str = "", by: str = "peer") -> None:
    actor = world.actor(by)
    operations.declare(world.write(), review, conflict=conflict, by=actor, now=world.now)
    world.session.commit()


def reads(world: World, code: str, name: str = "peer") -> bool:
    world.session.rollback()
    try:
        get_return(world.session, world.returns[code].public_id, actor=world.actor(name), now=world.now)
    except NotFound:
        return False
    return True


# --- what a peer reviewer may not ------------------------------------------------------------------------------------


def test_a_peer_reviewer_reads_nothing_without_a_declared_review(world: World, code: str, peer: User) -> None:
    actor = world.actor("peer")
    assert not reads(world, code)
    assert rounds_for(world.session, actor=actor) == []
    for permission in ("round.read", "findings.read"):
        with pytest.raises(NotFound):
            get_round(
                world.session, world.audit_round.public_id, actor=actor, now=world.now, permission=permission
            )
    review = assign(world, code).public_id
    assert not reads(world, code)
    declare(world, review)
    assert reads(world, code)
    facts = return_facts(world.session, world.returns[code], now=world.now)
    for permission in ("return.history", "return.reopen", "return.read_all", "return.edit", "return.follow_up"):
        assert not allows(world.actor("peer"), permission, facts), permission
    for other in list(world.returns)[1:]:
        assert not reads(world, other)
    assert rounds_for(world.session, actor=world.actor("peer")) == []


def test_a_declared_conflict_ends_the_review(world: World, code: str, peer: User) -> None:
    review = assign(world, code).public_id
    declare(world, review, "My sister works there.")
    assert not reads(world, code)
    (mine,) = my_reviews(world.session, actor=world.actor("peer"), now=world.now)
    assert mine.state == "ended"
    with pytest.raises(NotPossible):
        declare(world, review)
    with pytest.raises(NotPossible, match="already"):
        assign(world, code)
    chain = history(world.session, events.chain_of(world.returns[code]))
    assert not any(one.verb.startswith("peer.") for one in chain)
    private = history(world.session, events.oversight_chain(world.returns[code]))
    assert [one.verb for one in private] == ["peer.assigned", "peer.conflict_declared"]
    assert "sister" not in str(private[1].data)


def test_ending_the_review_or_the_appointment_ends_the_reading(world: World, code: str, peer: User) -> None:
    review = assign(world, code).public_id
    declare(world, review)
    session = world.write()
    appointment = session.scalars(select(Appointment).where(Appointment.user_id == peer.id)).one()
    appointment.ends = today(world.now) - timedelta(days=1)
    appointment.starts = appointment.ends
    session.commit()
    assert not reads(world, code)
    session = world.write()
    appointment = session.scalars(select(Appointment).where(Appointment.user_id == peer.id)).one()
    appointment.ends = None
    session.commit()
    assert reads(world, code)
    actor = world.actor("lead-inspector")
    operations.end(world.write(), world.returns[code].public_id, review, by=actor, now=world.now)
    world.session.commit()
    assert not reads(world, code)


def test_a_reopened_return_is_read_again_only_once_it_is_signed_again(world: World, code: str, peer: User) -> None:
    declare(world, assign(world, code).public_id)
    first = standing_submission(world.session, world.returns[code])
    actor = world.actor("inspector")
    submissions.reopen(world.write(), world.returns[code].public_id, reason="A date", by=actor, now=world.now)
    world.session.commit()
    assert not reads(world, code)
    (mine,) = my_reviews(world.session, actor=world.actor("peer"), now=world.now)
    assert mine.state == "waiting"
    sign(world, code)
    assert reads(world, code)
    second = standing_submission(world.session, world.returns[code])
    assert first is not None and second is not None and second.number == first.number + 1


# --- conflicts of interest -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "days"), [(400, 30), (0, None)])
def test_whoever_is_or_was_at_the_agency_is_refused(
    world: World, code: str, peer: User, before: int, days: int | None
) -> None:
    person(world, "peer", "contributor", code, starts_before=before, days=days)
    with pytest.raises(NotPossible, match="is or was appointed at this agency"):
        assign(world, code)


def test_whoever_works_at_an_agency_of_the_same_area_is_refused(world: World, code: str, peer: User) -> None:
    person(world, "peer", "contributor", list(world.returns)[1])
    with pytest.raises(NotPossible, match="same area"):
        assign(world, code)


def test_whoever_once_worked_in_the_area_is_not(world: World, code: str, peer: User) -> None:
    person(world, "peer", "contributor", list(world.returns)[1], starts_before=400, days=30)
    assert assign(world, code).user_id == peer.id


def test_a_coordinator_of_the_area_is_refused(world: World, code: str, peer: User) -> None:
    person(world, "peer", "area_coordinator", "mere")
    with pytest.raises(NotPossible, match="same area"):
        assign(world, code)


def test_a_conflict_that_comes_up_later_ends_the_reading(world: World, code: str, peer: User) -> None:
    declare(world, assign(world, code).public_id)
    assert reads(world, code)
    person(world, "peer", "contributor", list(world.returns)[1])
    assert not reads(world, code)
    (mine,) = my_reviews(world.session, actor=world.actor("peer"), now=world.now)
    assert mine.in_conflict and mine.state == "ended"


def test_who_may_assign_and_whom(world: World, code: str, peer: User) -> None:
    for name in ("inspector", "signatory", "outsider", "coordinator", "peer", "administrator"):
        with pytest.raises(NotFound):
            assign(world, code, by=name)
    for name in ("inspector", "lead"):
        with pytest.raises(NotFound):
            assign(world, code, name)  # no peer reviewer
    person(world, "stranger", "peer_reviewer", "south")
    with pytest.raises(NotFound):
        assign(world, code, "stranger")  # of a body that asks nobody here
    with pytest.raises(NotFound):
        assign(world, list(world.returns)[1])  # nothing was submitted
    world.session.rollback()
    assert world.session.scalars(select(PeerReview)).all() == []


# --- challenges ------------------------------------------------------------------------------------------------------


def challenge(world: World, review: str, about: str = "", by: str = "peer") -> Thread:
    actor = world.actor(by)
    thread = operations.challenge(
        world.write(), review, about=about, subject="How do you know?", text="Which files were looked at?", by=actor,
        now=world.now,
    )  # fmt: skip
    world.session.commit()
    return thread


def test_a_challenge_is_answered_and_closed(world: World, code: str, peer: User) -> None:
    review = assign(world, code).public_id
    with pytest.raises(NotFound):
        challenge(world, review)  # not declared
    declare(world, review)
    question = world.work(code).items[0].id
    tid = challenge(world, review, question).public_id
    rid = world.returns[code].public_id
    told = world.session.scalars(
        select(OutboxMessage).where(OutboxMessage.kind == "query", OutboxMessage.return_id.is_not(None))
    ).all()
    assert {one.address for one in told} == {"signatory@agency.example", "lead@agency.example"}
    with pytest.raises(NotFound):
        operations.answer(world.write(), rid, tid, text="Ours", by=world.actor("board"), now=world.now)
    operations.answer(world.write(), rid, tid, text="Ten of them.", by=world.actor("lead"), now=world.now)
    world.session.commit()
    mine = my_review(world.session, review, actor=world.actor("peer"), now=world.now)
    (thread,) = my_challenges(world.session, mine.review)
    assert (thread.state, thread.about, [post.side for post in thread.posts]) == (
        "answered", question, ["peer", "agency"],
    )  # fmt: skip
    inspector = world.actor("inspector")
    audit_round = get_round(world.session, world.audit_round.public_id, actor=inspector, now=world.now)
    (row,) = reviews_of_round(world.session, audit_round, actor=inspector, now=world.now)
    assert row.challenges == {"answered": 1}
    operations.close(world.write(), review, tid, by=world.actor("peer"), now=world.now)
    world.session.commit()
    with pytest.raises(NotPossible):
        operations.answer(world.write(), rid, tid, text="More", by=world.actor("lead"), now=world.now)


def test_a_challenge_is_about_something_that_was_asked(world: World, code: str, peer: User) -> None:
    review = assign(world, code).public_id
    declare(world, review)
    with pytest.raises(NotFound):
        challenge(world, review, "no-such-question")
    operations.finish(world.write(), review, by=world.actor("peer"), now=world.now)
    world.session.commit()
    with pytest.raises(NotPossible, match="finished"):
        challenge(world, review)
    operations.finish(world.write(), review, by=world.actor("peer"), now=world.now)
    world.session.commit()
    assert challenge(world, review).state == "open"


def test_another_reviewer_sees_and_touches_nothing_of_it(world: World, code: str, peer: User) -> None:
    person(world, "other", "peer_reviewer", world.body.code)
    review, second = assign(world, code).public_id, assign(world, code, "other").public_id
    declare(world, review)
    declare(world, second, by="other")
    tid = challenge(world, review).public_id
    other = world.actor("other")
    with pytest.raises(NotFound):
        my_review(world.session, review, actor=other, now=world.now)
    mine = my_review(world.session, second, actor=other, now=world.now)
    assert my_challenges(world.session, mine.review) == []
    for act in (
        lambda: operations.close(world.write(), second, tid, by=other, now=world.now),
        lambda: operations.ask_on(world.write(), second, tid, text="x", by=other, now=world.now),
        lambda: operations.declare(world.write(), review, conflict="", by=other, now=world.now),
    ):
        with pytest.raises(NotFound):
            act()


# --- scrutineers -----------------------------------------------------------------------------------------------------


def comment(world: World, code: str, by: str = "coordinator") -> Thread:
    actor = world.actor(by)
    thread = operations.comment(
        world.write(), world.returns[code].public_id, about="", subject="As we see it", text="We see less of it.",
        by=actor, now=world.now,
    )  # fmt: skip
    world.session.commit()
    return thread


def test_a_scrutineer_comments_on_what_is_released_for_the_oversight_body(world: World, code: str) -> None:
    with pytest.raises(NotFound):
        comment(world, code)  # nothing is submitted
    world.answer(code)
    sign(world, code)
    comment(world, code)
    for name in ("signatory", "board", "outsider", "inspector"):
        with pytest.raises(NotFound):
            comment(world, code, by=name)
    audit_return = world.returns[code]
    assert len(comments_of_areas(world.session, audit_return, actor=world.actor("inspector"))) == 1
    assert len(comments_of_areas(world.session, audit_return, actor=world.actor("coordinator"))) == 1
    # the agency is no party to it
    assert not any(
        one.data.get("kind") == "comment"
        for one in history(world.session, events.chain_of(audit_return))
    )
