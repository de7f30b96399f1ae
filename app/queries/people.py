"""People, their appointments, and the bodies these belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.domain.paging import paged
from app.models import Appointment, OversightBody, User
from app.policy import Actor, require
from app.queries.rounds import PAGE, NotFound, like


@dataclass(frozen=True)
class People:
    """A page of people with their appointments."""

    rows: Sequence[User]
    total: int
    page: int
    pages: int


def people(session: Session, *, actor: Actor, text: str = "", page: int = 1) -> People:
    """People by name, narrowed to those whose name or e-mail address holds `text`. Raises Denied."""
    require(actor, "service.administer")
    query = select(User)
    if text.strip():
        wanted = f"%{like(text.strip())}%"
        query = query.where(or_(User.name.ilike(wanted, escape="\\"), User.email.ilike(wanted, escape="\\")))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    page, pages = paged(total, PAGE, page)
    appointments = selectinload(User.appointments)
    rows = session.scalars(
        query.options(
            appointments.joinedload(Appointment.agency),
            appointments.joinedload(Appointment.oversight_body),
            appointments.joinedload(Appointment.area),
        )
        .order_by(User.name, User.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    ).all()
    return People(rows, total, page, pages)


def get_appointment(session: Session, public_id: str, *, actor: Actor) -> Appointment:
    """One appointment with its person and body. Raises Denied, NotFound."""
    require(actor, "service.administer")
    found = session.scalar(
        select(Appointment)
        .where(Appointment.public_id == public_id)
        .options(
            joinedload(Appointment.user),
            joinedload(Appointment.agency),
            joinedload(Appointment.oversight_body),
            joinedload(Appointment.area),
        )
    )
    if found is None:
        raise NotFound
    return found


def oversight_bodies(session: Session, *, actor: Actor) -> Sequence[OversightBody]:
    """Every oversight body, by name. Raises Denied."""
    require(actor, "service.administer")
    return session.scalars(select(OversightBody).order_by(OversightBody.name)).all()


def bodies_led(session: Session, *, actor: Actor) -> Sequence[OversightBody]:
    """The oversight bodies that the actor is a lead inspector of, by name: those that may own a new round."""
    ids = {held.oversight_body_id for held in actor.holding("lead_inspector")}
    return session.scalars(select(OversightBody).where(OversightBody.id.in_(ids)).order_by(OversightBody.name)).all()
