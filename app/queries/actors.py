"""Who acts: from a user to an actor with the appointments in force."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from app.clock import today
from app.models import Appointment, User
from app.policy import Actor, held_from

# made once: every request begins with it
_WITH_APPOINTMENTS = (
    select(User).where(User.fs_uniquifier == bindparam("uniquifier")).options(joinedload(User.appointments))
)


def user_with_appointments(session: Session, uniquifier: str) -> User | None:
    """The person whom a signed-in browser names, with all appointments, in one statement."""
    user = session.scalars(_WITH_APPOINTMENTS, {"uniquifier": uniquifier}).unique().one_or_none()
    if user:
        set_committed_value(user, "roles", [])  # nobody has any: see `models.Role`; Flask-Principal would look
    return user


def actor_with(user: User, appointments: Iterable[Appointment], *, now: datetime) -> Actor:
    """The actor that a person with these appointments is at `now`."""
    in_order = sorted(appointments, key=lambda one: one.id)
    return Actor(user.id, user.public_id, user.name, held_from(in_order, today(now)))


def actor_of(session: Session, user: User, *, now: datetime) -> Actor:
    """The actor a signed-in person is at `now`."""
    return actor_with(user, session.scalars(select(Appointment).where(Appointment.user_id == user.id)), now=now)


def actor_by_email(session: Session, email: str, *, now: datetime) -> Actor | None:
    """The actor with an e-mail address, for commands run `--as`; None where there is no such person."""
    user = session.scalar(select(User).where(User.email == email.strip().lower()))
    return actor_of(session, user, now=now) if user else None
