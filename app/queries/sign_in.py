"""Who may sign in by a link alone, without a password."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import today
from app.models import Appointment, Setting, SignInLink, User
from app.policy import BY_LINK
from app.queries.links import find

CONTRIBUTOR_LINKS = "contributor_links"


def links_are_on(session: Session) -> bool:
    """Whether this service lets contributors and board readers sign in by links alone. Off until somebody says so."""
    setting = session.get(Setting, CONTRIBUTOR_LINKS)
    return setting is not None and bool(setting.value.get("on"))


def by_link(session: Session, users: Collection[User], *, now: datetime) -> set[int]:
    """Which of these people may sign in by a link alone, by their number.

    They are active, are appointed to something today, and to nothing that needs a password.
    """
    if not users or not links_are_on(session):
        return set()
    day = today(now)
    held: dict[int, set[str]] = {}
    for user_id, role in session.execute(
        select(Appointment.user_id, Appointment.role).where(
            Appointment.user_id.in_({user.id for user in users}),
            Appointment.starts <= day,
            (Appointment.ends.is_(None)) | (Appointment.ends >= day),
        )
    ):
        held.setdefault(user_id, set()).add(role)
    return {user.id for user in users if user.active and user.id in held and held[user.id] <= set(BY_LINK)}


def usable_link(session: Session, token: str, *, now: datetime) -> SignInLink | None:
    """The link with this token, if it would sign somebody in now; it is not used up. None for every other."""
    link = find(session, token, "sign_in", now=now)
    if link is None or link.user_id not in by_link(session, [link.user], now=now):
        return None
    return link
