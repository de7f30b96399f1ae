"""The people of one agency, as its own lead and signatory appoint them: contributors, readers, leads, acting cover.

Nobody here can appoint a signatory but the signatory, and only to cover for some days.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.life import NotPossible
from app.domain.message import N_, Message
from app.models import Appointment, AuditReturn, User
from app.operations import events, links, mail, people
from app.policy import BY_LINK, Actor, allows
from app.queries.returns import get_return, return_facts
from app.queries.rounds import NotFound
from app.queries.sharing import colleagues, get_appointment_at
from app.queries.sign_in import by_link

INVITED_AS = ("contributor", "board_reader", "audit_lead")
LONGEST_COVER = timedelta(days=366)


def invite(
    session: Session, public_id: str, *, email: str, name: str, role: str, ends: date | None, by: Actor, now: datetime
) -> User:
    """Appoint somebody at the agency of a return from today, with an account where they have none, and mail them.

    `email` is one that a form has checked. Raises NotFound, and NotPossible: a role that is not for an agency to give,
    a last day that has passed, or somebody who has this role already.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.share", lock=True)
    day = today(now)
    if role not in INVITED_AS:
        raise NotPossible(N_("You can invite contributors, board readers and audit leads."))
    if ends is not None and ends < day:
        raise NotPossible(N_("The last day must be today or later."))
    user = people.account_for(session, email, name)
    held = _held(session, user, audit_return)
    if any(one.role == role and (one.ends is None or one.ends >= day) for one in held):
        raise NotPossible(
            N_("%(name)s has this role at your agency already: choose them from the list of colleagues."),
            name=user.name,
        )
    appointment = Appointment(user=user, role=role, agency_id=audit_return.agency_id, starts=day, ends=ends)
    _appoint(session, audit_return, appointment, "person.invited", by=by, now=now)
    words = {
        "contributor": N_("You are asked to help to answer it. Your colleagues choose the questions for you."),
        "board_reader": N_("As a board member you can read how it is answered, and comment on it."),
        "audit_lead": N_("You lead the work on it, together with whoever leads it so far."),
    }[role]
    no_password = user.password is None and user.id in by_link(session, [user], now=now)
    _mail(
        session, audit_return, appointment, by=by, now=now,
        words=[words, *([N_("You need no password: the link signs you in.")] if no_password else [])],
    )  # fmt: skip
    session.flush()
    return user


def hand_out(session: Session, public_id: str, person: str, *, by: Actor, now: datetime) -> tuple[User, str]:
    """What lets a colleague in who has not joined, for the lead to hand out; the history says so.

    Returns the person and the token of a sign-in link; an empty token where they join by an invitation instead, to
    choose a password. Raises NotFound, and NotPossible where they have joined, or where the link would open more than
    this agency's return, or a signature.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.share", lock=True)
    known = [one for one in colleagues(session, audit_return, now=now) if one.user.public_id == person]
    if not known:
        raise NotFound
    user = known[0].user
    if any(one.has_joined for one in known):
        raise NotPossible(N_("%(name)s has joined already, and comes in without your help."), name=user.name)
    if not any(one.may_hand_out for one in known):
        raise NotPossible(
            N_(
                "The link of %(name)s opens more than your agency’s audit. They get it by e-mail, or from the"
                " administrator of this service."
            ),
            name=user.name,
        )
    token = ""
    if user.id in by_link(session, [user], now=now):
        token = links.make(session, user, "sign_in", now=now)
    _record(session, audit_return, "person.link_handed_out", user, by=by, now=now)
    session.flush()
    return user, token


def end(session: Session, public_id: str, appointment: str, *, ends: date, by: Actor, now: datetime) -> Appointment:
    """Give an appointment at the agency its last day. One that has not begun is called off instead.

    Contributors and board readers: by whoever shares out. Audit leads and acting cover: by the signatory. Signatories
    themselves: not here. Raises NotFound, and NotPossible with what to do instead.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.share", lock=True)
    row = get_appointment_at(session, audit_return, appointment)
    if reason := why_not_end(row, leads=_covers(session, audit_return, by=by, now=now)):
        raise NotPossible(reason)
    day = today(now)
    if row.ends is not None and row.ends < day:
        raise NotPossible(N_("This appointment has ended already."))
    if row.starts > day:
        last_day = ""
        session.delete(row)
        _record(session, audit_return, "person.called_off", row.user, by=by, now=now, role=row.role)
    else:
        last_day = ends.isoformat()
        if ends < max(row.starts, day - timedelta(days=1)):
            raise NotPossible(
                N_("What was done while the appointment held must stay so: choose yesterday or a later day.")
            )
        if row.acting and row.ends is not None and ends > row.ends:
            raise NotPossible(N_("Cover cannot be made longer here. Name it anew from the day after."))
        row.ends = ends
        _record(session, audit_return, "person.ended", row.user, by=by, now=now, role=row.role, last_day=last_day)
    events.append(
        session, "service:people", "person.appointment_ended", by=by, now=now,
        data={"person": row.user.public_id, "role": row.role, "last_day": last_day},
    )  # fmt: skip
    session.flush()
    return row


def why_not_end(appointment: Appointment, *, leads: bool) -> Message | None:
    """Why somebody who shares out may not end an appointment; None where they may. `leads`: they are the signatory."""
    if appointment.role in BY_LINK or (leads and (appointment.role == "audit_lead" or appointment.acting)):
        return None
    if appointment.role == "accountable_signatory" and not appointment.acting:
        return Message(N_("Who signs for your agency is appointed by the administrator of this service."))
    return Message(N_("Only the accountable signatory can end this appointment."))


def name_cover(
    session: Session, public_id: str, *, email: str, name: str, post: str, starts: date, ends: date, by: Actor,
    now: datetime,
) -> User:  # fmt: skip
    """The signatory names who signs in their place from a day to a day; at most a year, and never without an end.

    The person may be a colleague or somebody new; they need a password to sign. Raises NotFound, and NotPossible: days
    in the past or out of order, too long, oneself, or somebody who may sign on one of these days anyway.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.cover", lock=True)
    if starts < today(now):
        raise NotPossible(N_("The first day must be today or later."))
    if ends < starts:
        raise NotPossible(N_("The last day must be the first day or later."))
    if ends - starts > LONGEST_COVER:
        raise NotPossible(
            N_("Cover lasts a year at most. For longer, ask the administrator to appoint a signatory.")
        )
    user = people.account_for(session, email, name)
    if user.id == by.user_id:
        raise NotPossible(N_("You can sign yourself. Name somebody else for the days when you cannot."))
    if any(
        one.role == "accountable_signatory" and one.starts <= ends and (one.ends is None or one.ends >= starts)
        for one in _held(session, user, audit_return)
    ):
        raise NotPossible(N_("%(name)s can sign on some of these days already."), name=user.name)
    appointment = Appointment(
        user=user, role="accountable_signatory", post=post.strip(), acting=True, agency_id=audit_return.agency_id,
        starts=starts, ends=ends,
    )  # fmt: skip
    _appoint(session, audit_return, appointment, "person.cover_named", by=by, now=now)
    _mail(
        session, audit_return, appointment, by=by, now=now,
        words=[
            N_("%(who)s names you to sign for %(agency)s in their place, from %(starts)s to %(ends)s."),
            N_("To sign you need a password."),
        ],
    )  # fmt: skip
    session.flush()
    return user


# --- what these share ------------------------------------------------------------------------------------------------


def _held(session: Session, user: User, audit_return: AuditReturn) -> list[Appointment]:
    return list(
        session.scalars(
            select(Appointment).where(
                Appointment.user_id == user.id, Appointment.agency_id == audit_return.agency_id
            )
        )
    )


def _covers(session: Session, audit_return: AuditReturn, *, by: Actor, now: datetime) -> bool:
    return allows(by, "return.cover", return_facts(session, audit_return, now=now))


def _appoint(
    session: Session, audit_return: AuditReturn, appointment: Appointment, verb: str, *, by: Actor, now: datetime
) -> None:
    """Store an appointment, with its event in the return's history and in that of the service's people."""
    user = appointment.user
    session.add(appointment)
    session.flush()
    people.end_lesser_ways(session, [(user, appointment)], now=now)
    days = {
        "from": appointment.starts.isoformat(),
        "until": appointment.ends.isoformat() if appointment.ends else "",
    }
    _record(session, audit_return, verb, user, by=by, now=now, role=appointment.role, **days)
    events.append(
        session, "service:people", "person.appointed", by=by, now=now,
        data={
            "person": user.public_id, "role": appointment.role, "acting": appointment.acting,
            "body": audit_return.agency.code, **days,
        },
        texts={"email": user.email},
    )  # fmt: skip


def _record(
    session: Session, audit_return: AuditReturn, verb: str, user: User, *, by: Actor, now: datetime, **data: str
) -> None:
    events.append(
        session, events.chain_of(audit_return), verb, by=by, now=now,
        data={"person": user.public_id, **data}, texts={"name": user.name},
    )  # fmt: skip


def _mail(
    session: Session, audit_return: AuditReturn, appointment: Appointment, *, words: list[str], by: Actor,
    now: datetime,
) -> None:  # fmt: skip
    user = appointment.user
    about: dict[str, object] = {
        "who": by.name,
        "agency": audit_return.agency.name,
        "round": audit_return.audit_round.name,
        "starts": appointment.starts,
        "ends": appointment.ends or "",
    }
    first = N_("%(who)s invites you to the self-audit “%(round)s” of %(agency)s.")
    alone = user.password is None and user.id in by_link(session, [user], now=now) and not appointment.acting
    mail.queue(
        session, to=user, kind="invitation", now=now, audit_return=audit_return,
        subject=Message(N_("%(round)s: %(agency)s asks for your help"), about),
        body=[Message(text, about) for text in (*([] if appointment.acting else [first]), *words)],
        link=mail.way_in(user, f"/returns/{audit_return.public_id}/", by_link=alone),
        dedupe_key=f"appointed:{appointment.public_id}",
    )  # fmt: skip
