"""What tests about checking need: a submitted return in a sample, and looking at what is recorded."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from app.domain.risks import ModerationRules
from app.domain.sampling import SamplePlan
from app.models import Event, RollUp, Sample, SampledReturn
from app.operations import events
from app.operations.moderation import Typed, finish, record
from app.queries.moderation import Desk, desk_of, latest_submission
from app.queries.returns import get_return, history
from tests.world import World


def drawn_sample(world: World) -> Sample:
    """A sample that is drawn, and empty. Its hash is for everybody to see."""
    plan = SamplePlan.of(ModerationRules.of(world.pack), list(world.pack.agency_types))
    sample = Sample(
        round_id=world.audit_round.id, seed="s", seed_hash="h", plan=plan.as_data(), committed_at=world.now,
        drawn_at=world.now, frame={},
    )  # fmt: skip
    world.session.add(sample)
    world.session.flush()
    return sample


def put_in_sample(
    world: World, code: str, *, inspector: str = "inspector", second: str = "", questions: Sequence[str] = ()
) -> SampledReturn:
    """The return of an agency, which is submitted, drawn for an inspector and perhaps a second one."""
    session = world.write()
    audit_return = world.returns[code]
    sample = session.scalar(select(Sample)) or drawn_sample(world)
    submission = latest_submission(session, audit_return)
    assert submission is not None
    mine = [audit_return.public_id, submission.declaration.submission_hash]
    sample.frame = sample.frame | {audit_return.agency_type: [*sample.frame.get(audit_return.agency_type, ()), mine]}
    row = SampledReturn(
        sample_id=sample.id, return_id=audit_return.id, submission_id=submission.id, place=1, risks=[], figures={},
        questions=list(questions), inspector_id=world.people[inspector].id if inspector else None,
        second_id=world.people[second].id if second else None,
    )  # fmt: skip
    session.add(row)
    session.commit()
    return row


def desk(world: World, code: str, *, by: str = "inspector") -> Desk:
    """Somebody's desk of a return."""
    world.session.rollback()
    actor = world.actor(by)
    audit_return = get_return(
        world.session, world.returns[code].public_id, actor=actor, now=world.now, permission="return.moderate"
    )
    return desk_of(world.session, audit_return, actor=actor, now=world.now)


def check(
    world: World, code: str, question: str, grade: str, *, by: str = "inspector", reason: str = "", seen: str = "",
    based_on: int = 0, submission: str = "",
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Record one finding, and commit."""
    actor = world.actor(by)
    shown = submission or desk(world, code, by=by).submission.public_id
    result = record(
        world.write(), world.returns[code].public_id, question, Typed(grade, reason, seen), submission=shown,
        based_on=based_on, by=actor, now=world.now,
    )  # fmt: skip
    world.session.commit()
    return result


def uphold_all(world: World, code: str, *, by: str = "inspector") -> None:
    """Uphold every answer that somebody has not checked."""
    for key, one in desk(world, code, by=by).checks.items():
        if one.finding is None:
            assert one.item.grade
            check(world, code, key, one.item.grade.key, by=by)


def finished(world: World, code: str, *, by: str = "inspector") -> SampledReturn:
    """Finish a check, and commit."""
    actor = world.actor(by)
    row = finish(world.write(), world.returns[code].public_id, by=actor, now=world.now)
    world.session.commit()
    return row


def private(world: World, code: str) -> list[Event]:
    """What is recorded of a return in the chain that no agency reads."""
    world.session.rollback()
    chain = list(history(world.session, events.oversight_chain(world.returns[code])))
    assert events.verify(chain) is None
    return chain


def moderated(world: World) -> dict[tuple[str, str], int]:
    """The roll-up of checked grades: (criterion, grade) to count."""
    world.session.rollback()
    rows = world.session.scalars(select(RollUp).where(RollUp.stage == "moderated", RollUp.count != 0))
    return {(row.criterion, row.grade): row.count for row in rows}
