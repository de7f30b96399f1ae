"""Disclosure packs: deciding what of them is exempt, and the record that one was handed out.

A request for information can come when a round has long been archived.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.domain.disclosure import GROUNDS, LONGEST_REASON, Entry
from app.domain.integrity import hash_of
from app.domain.life import NotPossible, check_length
from app.domain.message import N_
from app.models import AuditReturn
from app.operations import events
from app.policy import Actor
from app.queries.disclosure import entries
from app.queries.returns import get_return


def mark(
    session: Session, public_id: str, chosen: Sequence[str], *, exempt: bool, ground: str = "", reason: str = "",
    by: Actor, now: datetime,
) -> int:  # fmt: skip
    """Decide about some entries: exempt on a ground with a reason, or to be handed out. Returns how many.

    Raises NotFound, and NotPossible: nothing chosen, no such entry, no ground or no reason.
    """
    audit_return = get_return(
        session, public_id, actor=by, now=now, permission="disclosure.read", lock=True, archived=True
    )
    known = {one.id for one in entries(session, audit_return, actor=by, now=now)}
    keys = [key for key in dict.fromkeys(chosen) if key in known]
    if not keys:
        raise NotPossible(N_("Choose at least one entry."))
    reason = reason.replace("\0", "").strip()
    if exempt and ground not in GROUNDS:
        raise NotPossible(N_("Say on which ground they are exempt."))
    if exempt and not reason:
        raise NotPossible(N_("Say why they are exempt: the reason stands in the pack."))
    check_length(reason, LONGEST_REASON)
    events.append(
        session, events.oversight_chain(audit_return), "disclosure.marked", by=by, now=now,
        data={"entries": keys, "exempt": exempt, "ground": ground if exempt else ""},
        texts={"reason": reason} if reason else {},
    )  # fmt: skip
    session.flush()
    return len(keys)


def export(session: Session, public_id: str, *, form: str, by: Actor, now: datetime) -> list[Entry]:
    """The entries of a pack as it is handed out, on record with their hash. `form`: `sheet` or `page`.

    Raises NotFound.
    """
    audit_return: AuditReturn = get_return(
        session, public_id, actor=by, now=now, permission="disclosure.read", lock=True, archived=True
    )
    found = entries(session, audit_return, actor=by, now=now)
    events.append(
        session, events.oversight_chain(audit_return), "disclosure.exported", by=by, now=now,
        data={
            "form": form, "entries": len(found), "exempt": sum(one.is_exempt for one in found),
            "sha256": hash_of([[one.id, one.is_exempt, "" if one.is_exempt else one.text] for one in found]),
        },
    )  # fmt: skip
    session.flush()
    return found
