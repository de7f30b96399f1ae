"""Signing in by a link alone, for those whose roles need no password, where the service allows it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.message import N_, Message
from app.models import SignInLink, User
from app.operations import events, links, mail
from app.policy import Actor
from app.queries.actors import actor_of
from app.queries.mail import person_with
from app.queries.sign_in import by_link, usable_link


def ask_for_link(session: Session, email: str, *, now: datetime) -> None:
    """Mail somebody what lets them in, if there is somebody with this address: a link, or what they use instead.

    Whoever needs a password is told so, and one who has none yet is invited to choose it. Who is appointed to nothing
    today gets nothing. Returns nothing: the page says the same to everybody.
    """
    user = person_with(session, email)
    if user is None or not user.active or not actor_of(session, user, now=now).held:
        return
    asked = N_("Somebody, probably you, asked for a link to sign in with this e-mail address.")
    if user.id in by_link(session, [user], now=now):
        link, words = mail.SIGN_IN_NOW, N_("Open this link and press the button to sign in:")
    elif user.password is None:
        link, words = mail.INVITATION, N_("You need a password for what you do here. Open this link to choose one:")
    else:
        link = mail.page("/sign-in")
        words = N_("You need your password for what you do here, so no link can sign you in. Sign in with it here:")
    mail.queue(
        session, to=user, kind="sign_in_link", now=now, link=link,
        subject=Message(N_("Signing in to Candour")),
        body=[Message(asked), Message(words), Message(N_("If it was not you, you need do nothing."))],
        dedupe_key=f"sign-in:{user.public_id}:{now.isoformat()}",
    )  # fmt: skip


def sign_in_by_link(session: Session, token: str, *, now: datetime) -> User | None:
    """Use a link up: who is signed in by it; None where it cannot be used, or can no longer sign this person in.

    The first time is recorded: so they joined.
    """
    link = usable_link(session, token, now=now)
    if link is None:
        return None
    came_before = session.scalar(
        select(SignInLink.id)
        .where(
            SignInLink.user_id == link.user_id, SignInLink.purpose == "sign_in", SignInLink.used_at.is_not(None)
        )
        .limit(1)
    )
    user = links.use(session, token, "sign_in", now=now)
    if user is not None and user.password is None and came_before is None:
        events.append(
            session, "service:people", "person.joined", by=Actor(user.id, user.public_id, user.name), now=now,
            data={"person": user.public_id, "by": "link"},
        )  # fmt: skip
        session.flush()
    return user
