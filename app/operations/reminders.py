"""All that people are reminded of by the date alone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.operations import mail, release, responding


def remind(session: Session, *, now: datetime) -> int:
    """Write every reminder that is due today. Nobody is reminded twice. Returns how many mails are new."""
    due = (mail.remind, release.remind_of_windows, responding.remind)
    return sum(write(session, now=now) for write in due)
