"""Who acts: from a user to an actor with the appointments in force."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import today
from app.models import Appointment, User
from app.policy import Actor, held_from


def actor_of(session: Session, user: User, *, now: datetime) -> Actor:
    """The actor a signed-in person is at `now`."""
    appointments = session.scalars(
        select(Appointment).where(Appointment.user_id == user.id).order_by(Appointment.id)
    )
    return Actor(user.id, user.public_id, user.name, held_from(appointments, today(now)))


def actor_by_email(session: Session, email: str, *, now: datetime) -> Actor | None:
    """The actor with an e-mail address, for commands run `--as`; None where there is no such person."""
    user = session.scalar(select(User).where(User.email == email.strip().lower()))
    return actor_of(session, user, now=now) if user else None
