"""Links that let somebody in once: made when a mail is sent or a link is handed out, used up by whoever opens it."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.models import SignInLink, User
from app.queries.links import digest_of, find

LASTS = {"sign_in": timedelta(days=14), "password": timedelta(hours=2)}
ASKED = timedelta(minutes=30)  # a link to sign in by that somebody asked for


def make(session: Session, user: User, purpose: str, *, now: datetime, lasts: timedelta | None = None) -> str:
    """A new link for a person: returns its token of 43 characters, which is stored nowhere, only its digest is."""
    token = secrets.token_urlsafe(32)
    session.add(
        SignInLink(
            user=user, purpose=purpose, digest=digest_of(token), made_at=now,
            expires_at=now + (lasts or LASTS[purpose]),
        )
    )  # fmt: skip
    session.flush()
    return token


def use(session: Session, token: str, purpose: str, *, now: datetime) -> User | None:
    """Use a link up: the person it lets in, or None where it cannot be used. Of two at once, one gets the person."""
    link = find(session, token, purpose, now=now)
    if link is None:
        return None
    taken = session.execute(
        update(SignInLink)
        .where(SignInLink.id == link.id, SignInLink.used_at.is_(None))
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    return link.user if taken.rowcount == 1 else None  # type: ignore[attr-defined]


def end_all(session: Session, user: User, purpose: str, *, now: datetime) -> None:
    """Make every link of a purpose that a person still has unusable."""
    session.execute(
        update(SignInLink)
        .where(SignInLink.user_id == user.id, SignInLink.purpose == purpose, SignInLink.expires_at > now)
        .values(expires_at=now)  # not `used_at`: nobody came in by them
        .execution_options(synchronize_session=False)
    )
