"""Reading oversight bodies, for those who open rounds."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.templates import Pack
from app.models import AuditReturn, OversightBody, RoundTemplate
from app.policy import Actor


def bodies_led(session: Session, *, actor: Actor) -> Sequence[OversightBody]:
    """The oversight bodies that the actor leads rounds for."""
    ids = {held.oversight_body_id for held in actor.holding("lead_inspector")}
    return session.scalars(select(OversightBody).where(OversightBody.id.in_(ids)).order_by(OversightBody.name)).all()


def asking_bodies(session: Session, audit_return: AuditReturn) -> list[str]:
    """The names of the bodies that ask the agency of a return in its round. The caller may read the return."""
    return list(
        session.scalars(
            select(OversightBody.name)
            .join(RoundTemplate, RoundTemplate.oversight_body_id == OversightBody.id)
            .where(
                RoundTemplate.round_id == audit_return.round_id, RoundTemplate.agency_type == audit_return.agency_type
            )
            .order_by(OversightBody.name)
        )
    )


def owner_for(session: Session, pack: Pack, code: str | None, *, actor: Actor) -> OversightBody | None:
    """The body that owns a new round: the one named, else one the actor leads, else the pack’s first here."""
    if code:
        return session.scalar(select(OversightBody).where(OversightBody.code == code))
    led = bodies_led(session, actor=actor)
    if led:
        return led[0]
    for key in pack.oversight_bodies:
        body = session.scalar(select(OversightBody).where(OversightBody.code == key))
        if body:
            return body
    return None
