"""Writing mails into the outbox, in the transaction of what they tell of. Sending is `app.operations.outbox`.

Nothing here sends, and nothing here can fail the save that it belongs to: a message that is there already is left.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.business_days import business_days_until
from app.domain.life import NotPossible
from app.domain.mail import ALWAYS_SENT, INVITATION, KINDS, PASSWORD, SIGN_IN, SIGN_IN_NOW, page, reminder_due
from app.domain.message import N_, Message
from app.languages import known
from app.mail.words import words
from app.models import AuditReturn, MailPreference, OutboxMessage, Submission, User, new_public_id
from app.operations import events
from app.policy import Actor
from app.queries.mail import (
    ROUND,
    invited_days,
    people_at,
    person,
    still_answering,
    unfinished_returns,
    unwanted,
)
from app.queries.sign_in import by_link

__all__ = ["INVITATION", "PASSWORD", "SIGN_IN", "SIGN_IN_NOW", "page", "queue", "queue_all", "way_in"]

BATCH = 500  # rows in one statement
PREFERENCES = page("/account/mail")


@dataclass(frozen=True)
class Draft:
    """A mail to one person, not yet in the outbox. `body` holds a message for each paragraph.

    `link` is a marker of `app.domain.mail`: what to open. `always`: send it whatever the person chose for this kind.
    """

    to: User
    kind: str
    subject: Message
    body: Sequence[Message]
    dedupe_key: str
    link: str | None = None
    audit_return: AuditReturn | None = None
    always: bool = False


def queue(
    session: Session, *, to: User, kind: str, subject: Message, body: Sequence[Message], dedupe_key: str,
    now: datetime, link: str | None = None, audit_return: AuditReturn | None = None, always: bool = False,
) -> bool:  # fmt: skip
    """Put one mail into the outbox. Returns whether it is there now and was not before.

    It is not put there where the person is not active or does not want this kind, or where a mail with this
    `dedupe_key` (200 characters at most) is there already. Texts that people typed do not belong into mails.
    """
    draft = Draft(to, kind, subject, body, dedupe_key, link, audit_return, always)
    return bool(queue_all(session, [draft], now=now))


def queue_all(session: Session, drafts: Collection[Draft], *, now: datetime) -> int:
    """Put mails into the outbox as `queue` does, in three statements for five hundred. Returns how many are new."""
    if not drafts:
        return 0
    session.flush()  # somebody new has no number yet
    refused = unwanted(session, {draft.to.id for draft in drafts})
    rows = [
        _row(draft, now)
        for draft in drafts
        if draft.to.active
        and (draft.always or draft.kind in ALWAYS_SENT or (draft.to.id, draft.kind) not in refused)
    ]
    insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert
    added = 0
    for start in range(0, len(rows), BATCH):
        done = session.execute(
            insert(OutboxMessage)
            .values(rows[start : start + BATCH])
            .on_conflict_do_nothing(index_elements=["dedupe_key"])
            .returning(OutboxMessage.id)
        )
        added += len(done.all())
    return added


def _row(draft: Draft, now: datetime) -> dict[str, object]:
    if draft.kind not in KINDS:
        raise ValueError(f"{draft.kind} is no kind of mail")  # nobody could choose whether to get it
    subject, body = written(draft, known(draft.to.language))
    return {
        "public_id": new_public_id(),
        "user_id": draft.to.id,
        "address": draft.to.email,
        "kind": draft.kind,
        "return_id": draft.audit_return.id if draft.audit_return else None,
        "dedupe_key": draft.dedupe_key,
        "subject": subject,
        "body": body,
        "queued_at": now,
        "next_try": now,
        "state": "waiting",
        "attempts": 0,
        "error": "",
        "provider_id": "",
    }


def written(draft: Draft, language: str) -> tuple[str, str]:
    """Subject and body of a mail as they are sent in one of our languages, but for its links, which are markers."""
    return " ".join(words(draft.subject, language).split())[:300], "\n\n".join(_paragraphs(draft, language)) + "\n"


def _paragraphs(draft: Draft, language: str) -> list[str]:
    parts = [Message(N_("Dear %(name)s,"), {"name": draft.to.name}), *draft.body]
    text = [words(part, language) for part in parts]
    if draft.link:
        text.append(draft.link)
    if draft.link in ABOUT_LINKS:
        text.append(words(Message(ABOUT_LINKS[draft.link]), language))
    text.append("–")
    text.append(words(Message(N_("This e-mail was sent by Candour. Nobody reads answers to it.")), language))
    if not (draft.always or draft.kind in ALWAYS_SENT):
        text.append(words(Message(N_("Choose which e-mails you receive, and in which language:")), language))
        text[-1] += f"\n{PREFERENCES}"
    return text


ABOUT_LINKS = {
    INVITATION: N_(
        "This link is for you alone: it lets you choose a password and come in. It works once, for 30 days. If it no"
        " longer works, ask the person who invited you for a new one."
    ),
    SIGN_IN: N_("This link is for you alone: it signs you in. It works once, for 14 days. Do not pass it on."),
    SIGN_IN_NOW: N_("This link is for you alone: it signs you in. It works once, for 30 minutes."),
    PASSWORD: N_("This link is for you alone. It works once, for two hours."),
}


def way_in(user: User, path: str, *, by_link: bool = False) -> str:
    """The link of a mail that leads to a page: straight there, or by what lets this person in.

    `by_link`: this person signs in by links alone. Otherwise somebody without a password is invited to choose one.
    """
    if by_link:
        return SIGN_IN
    return INVITATION if user.password is None else page(path)


# --- the mails that operations of people, rounds and submissions send ------------------------------------------------


def _deadline(audit_return: AuditReturn) -> date:
    due = audit_return.audit_round.due
    return today(max(due, audit_return.extended_to or due))


def _about(audit_return: AuditReturn) -> dict[str, object]:
    return {
        "agency": audit_return.agency.name,
        "round": audit_return.audit_round.name,
        "day": _deadline(audit_return),
    }


def _path(audit_return: AuditReturn) -> str:
    return f"/returns/{audit_return.public_id}/"


def invite_to_round(session: Session, returns: Sequence[AuditReturn], *, now: datetime) -> int:
    """Tell signatories and audit leads that their agencies are asked to answer. Returns how many mails are new."""
    by_agency = {one.agency_id: one for one in returns}
    drafts = []
    for one in people_at(session, by_agency, now=now):
        audit_return = by_agency[one.agency_id]
        about = _about(audit_return)
        role = (
            Message(N_("You are the person who signs for the whole of it."))
            if one.role == "accountable_signatory"
            else Message(N_("You lead the work on it."))
        )
        drafts.append(
            Draft(
                to=one.user, kind="invitation", audit_return=audit_return,
                subject=Message(N_("%(round)s: %(agency)s is invited"), about),
                body=[
                    Message(N_("%(agency)s is invited to take part in the self-audit “%(round)s”."), about),
                    role,
                    Message(N_("Please submit it by %(day)s. Colleagues can help you to answer."), about),
                ],
                link=way_in(one.user, _path(audit_return)),
                dedupe_key=f"{ROUND}{audit_return.public_id}:{one.user.public_id}",
            )
        )  # fmt: skip
    return queue_all(session, drafts, now=now)


def invite(session: Session, user: User, *, dedupe_key: str, now: datetime) -> bool:
    """Invite somebody who has no password: to choose one, or to sign in by links. Others are not written to."""
    if user.password is not None:
        return False
    alone = user.id in by_link(session, [user], now=now)
    return queue(
        session, to=user, kind="invitation", now=now, link=SIGN_IN if alone else INVITATION, dedupe_key=dedupe_key,
        subject=Message(N_("You are invited to Candour")),
        body=[
            Message(N_(
                "You are invited to Candour, where agencies that protect children audit themselves and say openly how"
                " far they have come."
            )),
            Message(N_("Open the link to come in."))
            if alone
            else Message(N_("Open the link to see what you are appointed to, and to choose a password.")),
        ],
    )  # fmt: skip


def receipt(
    session: Session, audit_return: AuditReturn, submission: Submission, *, by: Actor, now: datetime
) -> int:
    """The receipt for a submission: to whoever signed, always, and to the audit leads. Returns how many are new."""
    about = _about(audit_return) | {
        "day": today(submission.submitted_at),
        "name": by.name,
        "content": submission.content_hash,
        "signature": submission.declaration.submission_hash,
    }
    leads = [one.user for one in people_at(session, [audit_return.agency_id], now=now, roles=("audit_lead",))]
    signatory = person(session, by.user_id)
    return queue_all(
        session,
        [
            Draft(
                to=user, kind="receipt", audit_return=audit_return, always=user is signatory,
                subject=Message(N_("%(round)s: the audit of %(agency)s is submitted"), about),
                body=[
                    Message(
                        N_("%(name)s signed and submitted “%(round)s” for %(agency)s on %(day)s. Thank you."), about
                    ),
                    Message(N_(
                        "Please keep this e-mail. With these two fingerprints (SHA-256) anybody can check later that"
                        " what was signed has not been changed:"
                    )),
                    Message(N_("what was signed: %(content)s\nthe signature: %(signature)s"), about),
                    Message(N_("The receipt, everything that was submitted and the PDFs are here:")),
                ],
                link=page(f"{_path(audit_return)}receipt"),
                dedupe_key=f"receipt:{audit_return.public_id}:{submission.number}:{user.public_id}",
            )
            for user in dict.fromkeys([*([signatory] if signatory else []), *leads])
        ],
        now=now,
    )  # fmt: skip


def returned(session: Session, audit_return: AuditReturn, number: int, *, now: datetime) -> int:
    """A submission (its number) was reopened for correction: to signatories and audit leads. How many mails are new."""
    about = _about(audit_return)
    return queue_all(
        session,
        [
            Draft(
                to=user, kind="returned", audit_return=audit_return,
                subject=Message(N_("%(round)s: the audit of %(agency)s is returned for correction"), about),
                body=[
                    Message(N_(
                        "The audit “%(round)s” of %(agency)s has been returned to you, so that something can be"
                        " corrected. The reason stands in its history: sign in to read it."
                    ), about),
                    Message(N_(
                        "All answers are as they were. What was signed is kept, marked as set aside. When the answers"
                        " are corrected, the audit is signed and submitted again."
                    )),
                ],
                link=way_in(user, _path(audit_return)),
                dedupe_key=f"returned:{audit_return.public_id}:{number}:{user.public_id}",
            )
            for user in dict.fromkeys(one.user for one in people_at(session, [audit_return.agency_id], now=now))
        ],
        now=now,
    )  # fmt: skip


def remind(session: Session, *, now: datetime) -> int:
    """Queue the reminders that are due today: 10, 5 and 1 business days before a deadline.

    To signatories, audit leads and contributors whose share is open, of returns that are not submitted. Safe to run
    as often as one likes: nobody is reminded twice for the same reason. Returns how many mails are new.
    """
    day = today(now)
    due = {}
    unfinished = unfinished_returns(session, now=now)
    invited = invited_days(session, {audit_return.id for audit_return in unfinished}, now=now)
    for audit_return in unfinished:
        number = reminder_due(
            day, _deadline(audit_return), invited=invited.get(audit_return.id, date.min)
        )
        if number is not None:
            due[audit_return.id] = (audit_return, number)
    if not due:
        return 0
    responsible: dict[int, list[User]] = {}
    for one in people_at(session, {audit_return.agency_id for audit_return, _number in due.values()}, now=now):
        responsible.setdefault(one.agency_id, []).append(one.user)
    shares: dict[int, list[int]] = {}
    for return_id, user_id in sorted(still_answering(session, due, now=now)):
        shares.setdefault(return_id, []).append(user_id)
    ids = {user_id for users in shares.values() for user_id in users}
    users = {user.id: user for user in session.scalars(select(User).where(User.id.in_(ids)))}
    alone = by_link(session, list(users.values()), now=now)
    drafts = []
    for audit_return, number in due.values():
        told = responsible.get(audit_return.agency_id, [])
        helping = [users[user_id] for user_id in shares.get(audit_return.id, [])]
        drafts += [
            _reminder(audit_return, user, number, day, is_share=user not in told, by_link=user.id in alone)
            for user in dict.fromkeys([*told, *helping])
        ]
    return queue_all(session, drafts, now=now)


def _reminder(
    audit_return: AuditReturn, user: User, number: int, day: date, *, is_share: bool, by_link: bool
) -> Draft:
    deadline = _deadline(audit_return)
    about = _about(audit_return) | {
        "left": business_days_until(day, deadline),
        "complete": audit_return.complete,
        "asked": audit_return.asked,
    }
    return Draft(
        to=user, kind="reminder", audit_return=audit_return,
        subject=Message(N_("%(round)s: to be submitted by %(day)s"), about),
        body=[
            Message(N_("The audit “%(round)s” of %(agency)s is to be submitted by %(day)s."), about)
            if deadline > day
            else Message(N_("Today is the last day to submit the audit “%(round)s” of %(agency)s."), about),
            Message(N_("Business days left: %(left)s. Questions finished: %(complete)s of %(asked)s."), about),
            Message(N_("You still have questions of it to answer, or to hand over as ready."))
            if is_share
            else Message(N_(
                "If there is not enough time, ask the oversight body for an extension before the round closes."
            )),
        ],
        link=way_in(user, _path(audit_return), by_link=by_link),
        dedupe_key=f"reminder:{number}:{deadline}:{audit_return.public_id}:{user.public_id}",
    )  # fmt: skip


# --- passwords -------------------------------------------------------------------------------------------------------


def forgotten_password(session: Session, user: User, *, now: datetime) -> bool:
    """Send a link by which a person, who has a password, chooses a new one."""
    return queue(
        session, to=user, kind="password", now=now, link=PASSWORD,
        dedupe_key=f"password:{user.public_id}:{now.isoformat()}",
        subject=Message(N_("Choose a new password")),
        body=[
            Message(N_("Somebody, probably you, asked for a new password for this e-mail address.")),
            Message(N_("If it was not you, you need do nothing: your password stays as it is.")),
            Message(N_("Open this link to choose a new password:")),
        ],
    )  # fmt: skip


def password_changed(session: Session, user: User, *, now: datetime) -> bool:
    """Tell a person that their password was changed, so that they notice if it was somebody else."""
    return queue(
        session, to=user, kind="password", now=now,
        dedupe_key=f"password-changed:{user.public_id}:{now.isoformat()}",
        subject=Message(N_("Your password was changed")),
        body=[
            Message(N_("The password of your account was changed on %(day)s."), {"day": now}),
            Message(N_("If it was not you, choose a new one at once, and tell the administrator of this service:")),
        ],
        link=page("/forgotten-password"),
    )  # fmt: skip


# --- what each person chooses ----------------------------------------------------------------------------------------


def choose(session: Session, user: User, *, wanted: Collection[str], by: Actor, now: datetime) -> None:
    """Store which kinds of mail a person wants. Raises NotPossible where it is somebody else's choice."""
    if by.user_id != user.id:
        raise NotPossible(N_("Everybody chooses their own e-mails."))
    rows = {row.kind: row for row in session.scalars(select(MailPreference).where(MailPreference.user_id == user.id))}
    for kind in KINDS:
        if kind in ALWAYS_SENT:
            continue
        if kind in rows:
            rows[kind].wanted = kind in wanted
        elif kind not in wanted:
            session.add(MailPreference(user_id=user.id, kind=kind, wanted=False))
    refused = [kind for kind in KINDS if kind not in ALWAYS_SENT and kind not in wanted]
    events.append(
        session, "service:people", "person.mails_chosen", by=by, now=now,
        data={"person": user.public_id, "not_wanted": refused},
    )  # fmt: skip
    session.flush()
