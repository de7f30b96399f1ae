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
from app.domain.message import N_
from app.languages import LANGUAGES
from app.models import AGENCY_ROLES, OVERSIGHT_ROLES, ROLES, Agency, Appointment, Area, OversightBody, User
from app.operations import events, links, mail
from app.policy import BY_LINK, Actor, require
from app.queries.actors import actor_of


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


def account_for(session: Session, email: str, name: str) -> User:
    """The account with an e-mail address, made where there is none. The caller asked policy, and appoints them."""
    user = session.scalar(select(User).where(User.email == email.strip().lower()))
    if user is None:
        user = _new_user(email.strip().lower(), name.strip())
        session.add(user)
        session.flush()
    return user


def end_lesser_ways(session: Session, wanted: Sequence[tuple[User, Appointment]], *, now: datetime) -> None:
    """When people are appointed to more than before: links that let them in as what they were stop working.

    Somebody else may have seen such a link, to hand it out; it must not open what comes on top. Where they are signed
    in they sign in again. A link from a body that may see as much already stays as it is. One statement to read.
    """
    if not wanted:
        return
    held: dict[int, list[Appointment]] = {}
    for one in session.scalars(
        select(Appointment).where(Appointment.user_id.in_({user.id for user, _appointment in wanted}))
    ):
        held.setdefault(one.user_id, []).append(one)
    for user, appointment in wanted:
        before = [one for one in held.get(user.id, []) if one is not appointment]
        if not before:
            continue
        highest = max(_reach(one) for one in before)
        is_elsewhere = all(one.agency_id != appointment.agency_id for one in before)
        # whoever has a password came in by it, unless a link would have done
        has_links = user.password is None or highest == 0
        if (has_links and _reach(appointment) > highest) or (
            is_elsewhere and highest < 2 and user.password is None
        ):
            links.end_all(session, user, "sign_in", now=now)
            user.fs_uniquifier = uuid.uuid4().hex


def _reach(appointment: Appointment) -> int:
    """0 for who may sign in by a link alone, 1 for an audit lead, 2 for everybody else: who signs, or sees more."""
    if appointment.role in BY_LINK:
        return 0
    return 1 if appointment.role == "audit_lead" else 2


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
    """Make the accounts and appointments that are not there yet. Three statements to read, whatever the number."""
    day = today(now)
    users = {
        user.email: user
        for user in session.scalars(select(User).where(User.email.in_({one.email for one in wanted})))
    }
    known = set(users)
    held = signatories(session, day)
    appointed: list[Appointment] = []
    for one in wanted:
        user = users.get(one.email)
        if user is None:
            user = users[one.email] = _new_user(one.email, one.name)
            session.add(user)
        elif one.email in held.get(one.agency_id, set()):
            continue
        appointed.append(
            Appointment(
                user=user, role="accountable_signatory", post=one.post, agency_id=one.agency_id, starts=day
            )
        )
    session.add_all(appointed)
    session.flush()
    end_lesser_ways(session, [(one.user, one) for one in appointed if one.user.email in known], now=now)
    session.flush()


COVER_ENDS = N_("Whoever covers for somebody does so from a day to a day: give the last day.")


def add_person(
    session: Session, *, email: str, name: str, role: str, body_code: str, post: str, starts: date, ends: date | None,
    acting: bool = False, by: Actor, now: datetime,
) -> User:  # fmt: skip
    """Appoint a person, and make their account where there is none. `acting`: they cover for whoever holds the post.

    `body_code` is the code of the agency, oversight body or area that the role belongs to; empty for an administrator.
    Raises NotPossible for an unknown role or body, and for cover without an end.
    """
    require(by, "service.administer")
    if role not in ROLES:
        raise NotPossible(
            N_("There is no role “%(role)s”. Known are: %(known)s."), role=role, known=", ".join(ROLES)
        )
    if acting and ends is None:
        raise NotPossible(COVER_ENDS)
    appointment = Appointment(role=role, post=post, starts=starts, ends=ends, acting=acting)
    if role in AGENCY_ROLES:
        appointment.agency_id = _id_of(session, Agency, body_code)
    elif role in OVERSIGHT_ROLES:
        appointment.oversight_body_id = _id_of(session, OversightBody, body_code)
    elif role == "area_coordinator":
        appointment.area_id = _id_of(session, Area, body_code)
    user = account_for(session, email, name)
    appointment.user = user
    session.add(appointment)
    session.flush()
    end_lesser_ways(session, [(user, appointment)], now=now)
    events.append(
        session,
        "service:people",
        "person.appointed",
        by=by,
        now=now,
        data={"person": user.public_id, "role": role, "body": body_code, "from": starts.isoformat()},
        texts={"email": user.email},
    )
    mail.invite(session, user, dedupe_key=f"invited:{user.public_id}:{today(now)}", now=now)
    session.flush()
    return user


def end_appointment(
    session: Session, appointment: Appointment, *, ends: date, by: Actor, now: datetime
) -> Appointment:
    """Give an appointment a last day. Raises Denied, and NotPossible for a day before its first or before yesterday."""
    require(by, "service.administer")
    if ends < appointment.starts:
        raise NotPossible(N_("The last day must be the first day or later."))
    if ends < today(now) - timedelta(days=1):
        raise NotPossible(
            N_("What was signed while the appointment held must stay so: choose yesterday or a later day.")
        )
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


NO_SUCH_BODY = {
    Agency: N_("There is no agency with the code “%(code)s”."),
    OversightBody: N_("There is no oversight body with the code “%(code)s”."),
    Area: N_("There is no area with the code “%(code)s”."),
}


def _id_of(session: Session, model: type[Agency] | type[OversightBody] | type[Area], code: str) -> int:
    found = session.scalar(select(model.id).where(model.code == code))
    if found is None:
        raise NotPossible(NO_SUCH_BODY[model], code=code)
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
    if not first:
        mail.password_changed(session, user, now=now)
    session.flush()


def choose_language(session: Session, user: User, language: str, *, by: Actor, now: datetime) -> None:
    """Remember in which language a person reads pages and mails. Raises NotPossible for a language unknown."""
    if language not in LANGUAGES:
        raise NotPossible(N_("There is no such language here. Go back and choose one of those offered."))
    if user.language == language:
        return
    user.language = language
    events.append(
        session,
        "service:people",
        "person.language_chosen",
        by=by,
        now=now,
        data={"person": user.public_id, "language": language},
    )
    session.flush()


def reset_password(session: Session, token: str, hashed: str, *, now: datetime) -> User | None:
    """Store a new password's hash by a link that was sent; every sign-in ends. None where the link cannot be used."""
    user = links.use(session, token, "password", now=now)
    if user is None:
        return None
    links.end_all(session, user, "password", now=now)
    user.fs_uniquifier = uuid.uuid4().hex
    set_password(session, user, hashed, by=actor_of(session, user, now=now), now=now)
    return user


def invite_again(session: Session, email: str, *, by: Actor, now: datetime) -> User:
    """For somebody who forgot their password: it no longer works, every sign-in ends, and they can be invited anew.

    Raises Denied, and NotPossible where nobody has this e-mail address.
    """
    require(by, "service.administer")
    user = session.scalar(select(User).where(User.email == email.strip().lower()))
    if user is None:
        raise NotPossible(N_("There is nobody with the e-mail address %(email)s."), email=email)
    user.password = None
    user.fs_uniquifier = uuid.uuid4().hex
    events.append(
        session, "service:people", "person.invited_again", by=by, now=now, data={"person": user.public_id}
    )
    mail.invite(session, user, dedupe_key=f"invited:{user.public_id}:{now.isoformat()}", now=now)
    session.flush()
    return user


def add_oversight_body(
    session: Session, *, code: str, name: str, short: str, kind: str, by: Actor, now: datetime
) -> OversightBody:
    """Make an oversight body. Raises NotPossible where the code is taken."""
    require(by, "service.administer")
    if session.scalar(select(OversightBody.id).where(OversightBody.code == code)):
        raise NotPossible(N_("There is an oversight body with the code “%(code)s” already."), code=code)
    body = OversightBody(code=code, name=name, short=short, kind=kind)
    session.add(body)
    events.append(session, "service:people", "oversight_body.added", by=by, now=now, data={"code": code})
    session.flush()
    return body
