"""What is kept of how returns stand is what would be worked out anew, whatever happens in between."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask import Flask
from sqlalchemy.orm import Session

from app.operations import actions
from app.operations.actions import Typed
from app.queries import stands
from app.queries.follow_up import FollowedUp, followed_up
from app.queries.rounds import get_round
from tests import world as world_module
from tests.operations.test_returns import sign
from tests.web.test_figures import counted
from tests.world import SYSTEM, World


def read(world: World, at: datetime) -> FollowedUp:
    world.session.rollback()
    audit_round = get_round(world.session, world.audit_round.public_id, actor=SYSTEM, now=at)
    return followed_up(world.session, audit_round, actor=SYSTEM, now=at)


def test_what_is_kept_is_what_would_be_worked_out(app: Flask, session: Session) -> None:
    world: World = world_module.build(session, pack_key="climbie-2003")
    world.answer("nhs-1", best=False)
    rid = world.returns["nhs-1"].public_id
    item = next(
        one
        for one in world.work("nhs-1").items
        if one.criterion.recommendations and one.milestone_due and one.milestone_due > date(2003, 7, 1)
    )
    by = world.actor("signatory")
    planned = actions.plan_action(
        world.write(), rid, item.id, Typed("Train the duty teams", "A", date(2003, 7, 10), "planned"), by=by,
        now=world.now,
    ).public_id  # fmt: skip
    world.session.commit()
    sign(world, "nhs-1")
    key = item.criterion.recommendations[0]

    def both(at: datetime) -> tuple[object, int, int]:
        """How the agency stands on the recommendation, and the statements that it took at first and then."""
        numbers, found = [], []
        for _again in range(2):
            with counted(app) as statements:
                seen = read(world, at)
            numbers.append(len(statements))
            found.append({line.code: dict(line.stands) for line in seen.lines})
        stands._KEPT.clear()
        assert found[0] == found[1] == {line.code: dict(line.stands) for line in read(world, at).lines}
        return found[0]["nhs-1"][key], numbers[0], numbers[1]

    stands._KEPT.clear()
    before, first, then = both(world.now)
    assert then == first - 3
    # what was reported changes it, and so does another day: both are worked out anew
    actions.report_progress(
        world.write(), rid, planned, state="under_way", note="x", due=date(2006, 1, 1), by=by,
        now=world.now + timedelta(hours=1),
    )  # fmt: skip
    world.session.commit()
    after, first, then = both(world.now + timedelta(hours=2))
    assert after != before and then == first - 3
    # kept under the first day, read on a later one
    read(world, world.now + timedelta(hours=2))
    later, first, then = both(world.now + timedelta(days=5 * 365))
    assert later != after and then == first - 3


def test_only_so_much_is_kept(session: Session) -> None:
    world: World = world_module.build(session, pack_key="climbie-2003")
    world.answer("nhs-1", best=False)
    sign(world, "nhs-1")
    stands._KEPT.clear()
    stands._KEPT.update({(str(number),): {} for number in range(stands.MOST_KEPT)})
    assert read(world, world.now).submitted == 1
    assert len(stands._KEPT) == 1
