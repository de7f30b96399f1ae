"""The same agencies a year later: a second round, of the same checklist or of a changed one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from sqlalchemy import select

from app import clock
from app.domain.templates import Criterion, Pack, Standard
from app.models import Agency, AuditReturn
from app.operations import rounds, templates
from tests.world import SYSTEM, World

LATER = datetime(2004, 5, 12, 9, 0, tzinfo=UTC)


def changed(pack: Pack, change: Callable[[Standard, Criterion], list[Criterion]]) -> Pack:
    """The next version of a pack: `change` gives what stands in place of each criterion."""
    template_of = {
        kind: template.model_copy(
            update={
                "standards": tuple(
                    standard.model_copy(
                        update={
                            "criteria": tuple(
                                new for criterion in standard.criteria for new in change(standard, criterion)
                            )
                        }
                    )
                    for standard in template.standards
                )
            }
        )
        for kind, template in pack.templates.items()
    }
    return pack.model_copy(
        update={"version": pack.version + 1, "changes": "What the test changed.", "templates": template_of}
    )


def next_year(world: World, pack: Pack | None = None) -> dict[str, AuditReturn]:
    """Open the round of 2004 in a world, and let it be its 12 May. Returns the returns of the year before."""
    before = dict(world.returns)
    world.now = LATER
    session = world.write()
    clock.pin(session, LATER.date())
    version = templates.publish(session, pack, by=SYSTEM, now=LATER) if pack else world.version
    plan = rounds.RoundPlan(
        key="next-round", name="Round of 2004", opens=date(2004, 5, 4), due=date(2004, 6, 16),
        closes=date(2004, 6, 30), milestones_from=date(2004, 1, 28), area_release="on_submission",
    )  # fmt: skip
    world.audit_round = rounds.create_round(session, plan, version, owner=world.body, by=SYSTEM, now=LATER)
    ids = list(session.scalars(select(Agency.public_id)))
    rounds.add_agencies(session, world.audit_round.public_id, ids, by=SYSTEM, now=LATER)
    rounds.open_round(session, world.audit_round.public_id, by=SYSTEM, now=LATER)
    session.commit()
    world.returns.update(
        (row.agency.code, row)
        for row in session.scalars(select(AuditReturn).where(AuditReturn.round_id == world.audit_round.id))
    )
    return before
