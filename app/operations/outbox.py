"""The outbox: taking messages to be sent, one sender at a time for each, and recording what became of them.

A sender claims a message in one transaction, sends it outside of any, and records the outcome in another. A sender that
dies loses its claim after a while; the next attempt then says that an earlier one may have succeeded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.orm import Session, joinedload

from app.domain.life import NotPossible
from app.domain.mail import fill, next_wait, secrets_in
from app.domain.message import N_
from app.languages import known
from app.mail.transports import Mail
from app.models import AuditReturn, AuditRound, OutboxMessage, User
from app.operations import events, links
from app.policy import Actor, require
from app.queries.mail import get_message, sends_nothing
from app.queries.rounds import is_merged_clause

CHAIN = "service:mail"
CLAIM = timedelta(minutes=10)  # longer than a transport takes to give up
KEPT = timedelta(days=90)

# what a link that opens something is made of: the person, and the path that holds the token
LinkTo = Callable[[User | None, str], str]


@dataclass(frozen=True)
class Claimed:
    """A message that this sender, and nobody else, may send until `until`."""

    message_id: int
    until: datetime
    attempts: int
    mail: Mail


def address_of(
    session: Session, *, base_url: str, invitation: Callable[[User], str], now: datetime
) -> LinkTo:
    """A function that turns a marker of a stored mail into an address; links that open something are made anew.

    `invitation` makes the token of an invitation.
    """

    def address(user: User | None, marker: str) -> str:
        if marker.startswith("/"):
            return base_url + marker
        if user is None or (marker == "invitation" and user.password is not None):
            return base_url + "/"  # they have joined since: the start page leads them on
        if marker == "invitation":
            return f"{base_url}/welcome/{invitation(user)}"
        if marker == "password":
            return f"{base_url}/new-password/{links.make(session, user, marker, now=now)}"
        # whoever asked for a link sits there and waits for it; an invitation may lie for some days
        lasts = links.ASKED if marker == "sign_in_now" else None
        return f"{base_url}/sign-in/link/{links.make(session, user, 'sign_in', now=now, lasts=lasts)}"

    return address


def _due(now: datetime) -> Select[OutboxMessage]:
    demonstrations = select(AuditReturn.id).join(AuditReturn.audit_round).where(AuditRound.is_demonstration)
    return select(OutboxMessage).where(
        OutboxMessage.state == "waiting",
        OutboxMessage.next_try <= now,
        or_(OutboxMessage.claimed_until.is_(None), OutboxMessage.claimed_until <= now),
        or_(OutboxMessage.return_id.is_(None), OutboxMessage.return_id.not_in(demonstrations)),
    )


def is_due(session: Session, *, now: datetime) -> bool:
    """Whether there is anything to send at all."""
    return not sends_nothing(session) and session.scalar(_due(now).limit(1)) is not None


def claim(session: Session, *, now: datetime, link_to: LinkTo) -> Claimed | None:
    """Take the first message that is due; None where there is none. Never one of a demonstration.

    A reminder to submit what was submitted meanwhile, or is no longer expected, is taken out of the outbox instead.
    """
    if sends_nothing(session):
        return None
    while message := session.scalar(
        _due(now)
        .order_by(OutboxMessage.next_try, OutboxMessage.id)  # one that keeps failing goes behind the others
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ):
        if not _is_overtaken(session, message):
            break
        session.delete(message)
        session.flush()
    if message is None:
        return None
    message.attempts += 1
    message.claimed_until = now + CLAIM
    user = message.user
    mail = Mail(
        id=message.public_id,
        to=message.address,
        subject=message.subject,
        body=fill(message.body, lambda marker: link_to(user, marker)),
        language=known(user.language if user else None),
    )
    session.flush()
    return Claimed(message.id, message.claimed_until, message.attempts, mail)


def _is_overtaken(session: Session, message: OutboxMessage) -> bool:
    if message.kind not in ("reminder", "chase") or message.return_id is None:
        return False
    unfinished = session.scalar(
        select(AuditReturn.id).where(
            AuditReturn.id == message.return_id, AuditReturn.stage.in_(("invited", "started")), ~is_merged_clause()
        )
    )
    return unfinished is None


def record_sent(session: Session, claimed: Claimed, provider_id: str, *, now: datetime) -> bool:
    """A message has left. Returns False where the claim had run out and somebody else has it by now."""
    return _record(session, claimed, state="sent", sent_at=now, provider_id=provider_id[:120], error="")


def record_later(session: Session, claimed: Claimed, error: str, *, now: datetime) -> bool:
    """A message was not taken now: it is tried again, after ever longer waits and without end."""
    return _record(session, claimed, next_try=now + next_wait(claimed.attempts), error=error[:2000])


def record_refused(session: Session, claimed: Claimed, error: str) -> bool:
    """A message will never be taken: an administrator sees why, and can have it tried again."""
    return _record(session, claimed, state="failed", error=error[:2000])


def _record(session: Session, claimed: Claimed, **values: object) -> bool:
    done = session.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.id == claimed.message_id,
            OutboxMessage.state == "waiting",
            OutboxMessage.claimed_until == claimed.until,
        )
        .values(claimed_until=None, **values)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def retry(session: Session, public_id: str, *, by: Actor, now: datetime) -> OutboxMessage:
    """Try a message again now, to the address that the person has by now. Raises Denied, NotFound, NotPossible."""
    message = get_message(session, public_id, actor=by, lock=True)
    if message.state == "sent":
        raise NotPossible(N_("This e-mail has been sent already, so it is not sent again."))
    _again(message, now)
    events.append(session, CHAIN, "mail.retried", by=by, now=now, data={"message": message.public_id})
    session.flush()
    return message


def retry_failed(session: Session, *, by: Actor, now: datetime) -> int:
    """Try everything again that was refused. Returns how many messages that is. Raises Denied."""
    require(by, "service.administer")
    messages = session.scalars(
        select(OutboxMessage).where(OutboxMessage.state == "failed").options(joinedload(OutboxMessage.user))
    ).all()
    for message in messages:
        _again(message, now)
    if messages:
        events.append(session, CHAIN, "mail.all_retried", by=by, now=now, data={"number": len(messages)})
    session.flush()
    return len(messages)


def _again(message: OutboxMessage, now: datetime) -> None:
    message.state, message.error, message.next_try = "waiting", "", now
    if message.user is not None:
        message.address = message.user.email


def shown_link(
    session: Session, public_id: str, *, link_to: LinkTo, by: Actor, now: datetime
) -> tuple[OutboxMessage, str]:
    """A message, and the link in it that lets its person in, for an administrator to hand out. Recorded.

    Raises Denied, NotFound, and NotPossible for a link to a new password: whoever had it could sign in their place.
    """
    message = get_message(session, public_id, actor=by)
    names = secrets_in(message.body)
    if not names:
        raise NotPossible(N_("There is no such link in this e-mail."))
    if "password" in names:
        raise NotPossible(
            N_("A link to a new password goes to its owner only. You can end the old password and invite them anew.")
        )
    (name,) = names
    link = link_to(message.user, name)
    person = message.user.public_id if message.user else ""
    events.append(
        session, CHAIN, "mail.link_shown", by=by, now=now, data={"message": message.public_id, "person": person}
    )
    session.flush()
    return message, link


def forget_old(session: Session, *, now: datetime) -> None:
    """Delete what was sent more than 90 days ago: nobody needs it any more, and it names people."""
    session.execute(
        delete(OutboxMessage).where(OutboxMessage.state == "sent", OutboxMessage.sent_at < now - KEPT)
    )
