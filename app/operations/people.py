"""People and their appointments: accounts, signatories of invited agencies, invitations, passwords."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.life import NotPossible
from app.models import AGENCY_ROLES, OVERSIGHT_ROLES, ROLES, Agency, Appointment, Area, OversightBody, User
from app.operations import events
from app.policy import Actor, require


@dataclass(frozen=True)
class NewSignatory:
    """The person who will sign for an agency, as an invitation names them."""

    agency_id: int
    email: str
    name: str
    post: str


def _new_user(email: str, name: str) -> User:
    return User(
        email=email,
        name=name or email.split("@")[0],
        active=True,
        fs_uniquifier=uuid.uuid4().hex,
        password=None,
    )


def signatories(session: Session, day: date) -> dict[int, set[str]]:
    """The e-mail addresses of those who may sign for each agency on a day, by the agency's id."""
    found: dict[int, set[str]] = {}
    for agency_id, email in session.execute(
        select(Agency.id, User.email)
        .join(Appointment, Appointment.agency_id == Agency.id)
        .join(User, User.id == Appointment.user_id)
        .where(
            Appointment.role == "accountable_signatory",
            Appointment.starts <= day,
            (Appointment.ends.is_(None)) | (Appointment.ends >= day),
        )
    ):
        found.setdefault(agency_id, set()).add(email)
    return found


def appoint_signatories(session: Session, wanted: Sequence[NewSignatory], *, now: datetime) -> None:
    """Make the accounts and appointments that are not there yet. Two statements to read, whatever the number."""
    day = today(now)
    users = {
        user.email: user
        for user in session.scalars(select(User).where(User.email.in_({one.email for one in wanted})))
    }
    held = signatories(session, day)
    for one in wanted:
        user = users.get(one.email)
        if user is None:
            user = users[one.email] = _new_user(one.email, one.name)
            session.add(user)
        elif one.email in held.get(one.agency_id, set()):
            continue
        session.add(
            Appointment(
                user=user, role="accountable_signatory", post=one.post, agency_id=one.agency_id, starts=day
            )
        )
    session.flush()


def add_person(
    session: Session, *, email: str, name: str, role: str, body_code: str, post: str, starts: date, ends: date | None,
    acting: bool = False, by: Actor, now: datetime,
) -> User:  # fmt: skip
    """Appoint a person, and make their account where there is none. `acting`: they cover for whoever holds the post.

    `body_code` is the code of the agency, oversight body or area that the role belongs to; empty for an administrator.
    Raises NotPossible for an unknown role or body.
    """
    require(by, "service.administer")
    if role not in ROLES:
        raise NotPossible(f"There is no role “{role}”. Known are: {', '.join(ROLES)}.")
    appointment = Appointment(role=role, post=post, starts=starts, ends=ends, acting=acting)
    if role in AGENCY_ROLES:
        appointment.agency_id = _id_of(session, Agency, body_code)
    elif role in OVERSIGHT_ROLES:
        appointment.oversight_body_id = _id_of(session, OversightBody, body_code)
    elif role == "area_coordinator":
        appointment.area_id = _id_of(session, Area, body_code)
    email = email.strip().lower()
    user = session.scalar(select(User).where(User.email == email))
    if user is None:
        user = _new_user(email, name)
        session.add(user)
    appointment.user = user
    session.add(appointment)
    session.flush()
    events.append(
        session,
        "service:people",
        "person.appointed",
        by=by,
        now=now,
        data={"person": user.public_id, "role": role, "body": body_code, "from": starts.isoformat()},
        texts={"email": email},
    )
    session.flush()
    return user


def end_appointment(
    session: Session, appointment: Appointment, *, ends: date, by: Actor, now: datetime
) -> Appointment:
    """Give an appointment a last day. Raises Denied, and NotPossible for a day before its first or before yesterday."""
    require(by, "service.administer")
    if ends < appointment.starts:
        raise NotPossible("The last day must be the first day or later.")
    if ends < today(now) - timedelta(days=1):
        raise NotPossible("What was signed while the appointment held must stay so: choose yesterday or a later day.")
    appointment.ends = ends
    events.append(
        session,
        "service:people",
        "person.appointment_ended",
        by=by,
        now=now,
        data={"person": appointment.user.public_id, "role": appointment.role, "last_day": ends.isoformat()},
    )
    session.flush()
    return appointment


def _id_of(session: Session, model: type[Agency] | type[OversightBody] | type[Area], code: str) -> int:
    found = session.scalar(select(model.id).where(model.code == code))
    if found is None:
        raise NotPossible(f"There is no {model.__tablename__.replace('_', ' ')} with the code “{code}”.")
    return found


def set_password(session: Session, user: User, hashed: str, *, by: Actor, now: datetime) -> None:
    """Store a password's hash: an invitation is taken up, or a password changed."""
    first = user.password is None
    user.password = hashed
    events.append(
        session,
        "service:people",
        "person.joined" if first else "person.password_changed",
        by=by,
        now=now,
        data={"person": user.public_id},
    )
    session.flush()


def invite_again(session: Session, email: str, *, by: Actor, now: datetime) -> User:
    """For somebody who forgot their password: it no longer works, every sign-in ends, and they can be invited anew.

    Raises Denied, and NotPossible where nobody has this e-mail address.
    """
    require(by, "service.administer")
    user = session.scalar(select(User).where(User.email == email.strip().lower()))
    if user is None:
        raise NotPossible(f"There is nobody with the e-mail address {email}.")
    user.password = None
    user.fs_uniquifier = uuid.uuid4().hex
    events.append(
        session, "service:people", "person.invited_again", by=by, now=now, data={"person": user.public_id}
    )
    session.flush()
    return user


def add_oversight_body(
    session: Session, *, code: str, name: str, short: str, kind: str, by: Actor, now: datetime
) -> OversightBody:
    """Make an oversight body. Raises NotPossible where the code is taken."""
    require(by, "service.administer")
    if session.scalar(select(OversightBody.id).where(OversightBody.code == code)):
        raise NotPossible(f"There is an oversight body with the code “{code}” already.")
    body = OversightBody(code=code, name=name, short=short, kind=kind)
    session.add(body)
    events.append(session, "service:people", "oversight_body.added", by=by, now=now, data={"code": code})
    session.flush()
    return body
