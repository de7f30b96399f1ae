"""Settings of the service that an administrator may change while it runs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.models import Setting
from app.operations import events
from app.policy import Actor, require
from app.queries.sign_in import CONTRIBUTOR_LINKS, links_are_on

CHAIN = "service:settings"


def set_contributor_links(session: Session, on: bool, *, by: Actor, now: datetime) -> bool:
    """Let contributors and board readers sign in by links alone, or no longer. Returns whether that is a change.

    Raises Denied. Links that were sent already do not work while the setting is off.
    """
    require(by, "service.administer")
    if links_are_on(session) == on:
        return False
    setting = session.get(Setting, CONTRIBUTOR_LINKS)
    if setting is None:
        setting = Setting(key=CONTRIBUTOR_LINKS)
        session.add(setting)
    setting.value = {"on": on}
    events.append(session, CHAIN, "setting.changed", by=by, now=now, data={"key": CONTRIBUTOR_LINKS, "on": on})
    session.flush()
    return True
