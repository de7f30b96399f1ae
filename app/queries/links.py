"""Links that were sent to somebody: to sign in by, or to choose a new password."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.domain.integrity import sha256_hex
from app.models import SignInLink


def digest_of(token: str) -> str:
    """What is stored of a token. It is random and long, so a plain hash cannot be turned back."""
    return sha256_hex(token.encode("utf-8", "replace"))


def find(session: Session, token: str, purpose: str, *, now: datetime) -> SignInLink | None:
    """The link with this token, while it can be used; None where it is forged, too old, used, or for something else.

    Changes nothing: programs that scan mails open every link in them.
    """
    link = session.scalar(
        select(SignInLink)
        .where(SignInLink.digest == digest_of(token), SignInLink.purpose == purpose)
        .options(joinedload(SignInLink.user))
    )
    if link is None or link.used_at is not None or link.expires_at <= now or not link.user.active:
        return None
    return link
