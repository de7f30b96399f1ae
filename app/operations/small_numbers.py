"""What a round says beyond the inspectorates of few agencies, and whether it names agencies there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.life import NotPossible
from app.domain.message import N_
from app.models import AuditReturn, Feedback
from app.operations import events
from app.operations.rounds import locked_round
from app.policy import Actor
from app.queries.findings import small_numbers
from app.queries.release import release_of, standing

MOST = 100


def set_small_numbers(
    session: Session, public_id: str, *, below: int, names: bool, by: Actor, now: datetime
) -> bool:
    """From now on nothing is published of fewer than `below` agencies (0: no limit), and agencies by name only with
    `names`. What is published stays as it is. True where feedback is prepared: it compares as it did before, until it
    is prepared anew.

    Raises NotFound, and NotPossible for a number that makes no sense, or while what comes out is frozen already."""
    audit_round = locked_round(session, public_id, by=by, now=now)
    if not 0 <= below <= MOST or below == 1:
        raise NotPossible(N_("Enter 0 for no limit, or a whole number from 2 to %(most)s."), most=MOST)
    if (below, names) == small_numbers(audit_round):
        return False
    if standing(release_of(session, audit_round), now=now).publication == "set":
        raise NotPossible(
            N_("The minute of publication is set, and what comes out then is frozen. Take it back on the release page.")
        )
    audit_round.suppress_below, audit_round.names_agencies = below, names
    data = {"below": below, "names": names}
    events.append(session, events.chain_of(audit_round), "round.small_numbers_set", by=by, now=now, data=data)
    session.flush()
    of_round = select(AuditReturn.id).where(AuditReturn.round_id == audit_round.id)
    return bool(session.scalar(select(Feedback.id).where(Feedback.return_id.in_(of_round)).limit(1)))
