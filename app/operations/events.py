"""Appending to the hash chains. Every operation appends its event in the transaction of its change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from app.domain.integrity import GENESIS, chain_hash, new_salt, salted_digest
from app.models import AuditReturn, AuditRound, Event, EventText
from app.policy import Actor


def chain_of(subject: AuditReturn | AuditRound) -> str:
    """The chain that holds the history of a return or a round."""
    kind = "return" if isinstance(subject, AuditReturn) else "round"
    return f"{kind}:{subject.public_id}"


def oversight_chain(audit_return: AuditReturn) -> str:
    """The chain of what an oversight body does about a return in private: agencies never read it."""
    return f"oversight:{audit_return.public_id}"


def iso(at: datetime) -> str:
    """An instant as it stands in hashed records: ISO 8601, UTC, microseconds always written."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def record_of(event: Event) -> dict[str, Any]:
    """What an event's hash is made over, besides the hash before it."""
    return {
        "chain": event.chain, "seq": event.seq, "verb": event.verb,
        "at": iso(event.at), "actor": event.actor, "data": event.data,
    }  # fmt: skip


def build(
    *, chain: str, seq: int, previous_hash: str, verb: str, at: datetime, actor: str,
    data: dict[str, Any], texts: dict[str, str],
) -> Event:  # fmt: skip
    """An event that follows `previous_hash`, not yet in a session.

    `texts` is personal or free text: its salted digests enter the chain, the text stands beside it.
    """
    rows = [EventText(name=name, salt=new_salt(), text=text) for name, text in sorted(texts.items())]
    if rows:
        data = data | {"digests": {row.name: salted_digest(row.salt, row.text) for row in rows}}
    event = Event(
        chain=chain,
        seq=seq,
        verb=verb,
        at=at,
        actor=actor,
        data=data,
        previous_hash=previous_hash,
        texts=rows,
    )
    event.hash = chain_hash(previous_hash, record_of(event))
    return event


# made once: every write ends with it
_LAST = (
    select(Event.seq, Event.hash).where(Event.chain == bindparam("chain")).order_by(Event.seq.desc()).limit(1)
)


def append(
    session: Session, chain: str, verb: str, *, by: Actor, now: datetime,
    data: dict[str, Any] | None = None, texts: dict[str, str] | None = None,
) -> Event:  # fmt: skip
    """Append an event to a chain and return it.

    The caller holds the lock on the chain's subject (its row `FOR UPDATE`), so that two writers never take one number;
    a chain without such a row is locked here. On SQLite writers take turns anyway.
    """
    if session.get_bind().dialect.name == "postgresql" and not chain.startswith(("return:", "round:", "oversight:")):
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(chain))))
    last = session.execute(_LAST, {"chain": chain}).first()
    event = build(
        chain=chain,
        seq=last.seq + 1 if last else 1,
        previous_hash=last.hash if last else GENESIS,
        verb=verb,
        at=now,
        actor=by.label,
        data=data or {},
        texts=texts or {},
    )
    session.add(event)
    return event


def append_each(
    session: Session, entries: Sequence[tuple[str, dict[str, Any]]], verb: str, *, by: Actor, now: datetime
) -> None:
    """Append one event of the same verb to each of many chains, (chain, data), in few statements however many.

    As in `append` the caller holds the locks. Free text has no place here.
    """
    newest = (
        select(Event.chain, func.max(Event.seq).label("seq"))
        .where(Event.chain.in_([chain for chain, _data in entries]))
        .group_by(Event.chain)
        .subquery()
    )
    last = {
        row.chain: row
        for row in session.execute(
            select(Event.chain, Event.seq, Event.hash).join(
                newest, (newest.c.chain == Event.chain) & (newest.c.seq == Event.seq)
            )
        )
    }
    session.add_all(
        build(
            chain=chain,
            seq=last[chain].seq + 1 if chain in last else 1,
            previous_hash=last[chain].hash if chain in last else GENESIS,
            verb=verb,
            at=now,
            actor=by.label,
            data=data,
            texts={},
        )
        for chain, data in entries
    )


def verify(events: list[Event]) -> int | None:
    """The number of the first event of a whole chain that does not follow from the one before; None when all do."""
    previous = GENESIS
    for place, event in enumerate(events, start=1):
        if event.seq != place or event.previous_hash != previous:
            return place
        if chain_hash(previous, record_of(event)) != event.hash:
            return place
        digests = event.data.get("digests", {})
        if any(digests.get(text.name) != salted_digest(text.salt, text.text) for text in event.texts):
            return place
        previous = event.hash
    return None
