"""Sharing a return out: giving parts to colleagues, saying that one is ready, accepting it or sending it back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.clock import today
from app.domain.life import NotPossible
from app.domain.message import N_, Message
from app.domain.templates import Template
from app.models import Assignment, AuditReturn, Event, User
from app.operations import events, mail
from app.policy import Actor, ReturnFacts, allows
from app.queries.mail import people_at
from app.queries.returns import Item, checklist, get_return, why_closed
from app.queries.rounds import NotFound
from app.queries.sharing import OPEN, Share, assignable, get_share, shares
from app.queries.sign_in import by_link

LONGEST_NOTE = 4000  # characters


def assign(
    session: Session, public_id: str, *, people: Collection[str], parts: Collection[tuple[str, str]], by: Actor,
    now: datetime,
) -> int:  # fmt: skip
    """Give parts of a return to colleagues, each part to each of them. Returns how many of these are new.

    `people` are public ids; a part is a standard and one criterion of it, or "" for all of it. Whoever has a whole
    standard has its questions; single ones that they had become part of it. Raises NotFound, and NotPossible: nobody
    or nothing chosen, somebody who may not answer for this agency today, an unknown part, the return is closed.
    """
    audit_return = _open_return(session, public_id, by=by, now=now)
    work = checklist(session, audit_return)
    asked = {section.standard.id: {item.criterion.id for item in section.questions} for section in work.sections}
    if any(criterion and criterion not in asked.get(standard, ()) for standard, criterion in parts) or any(
        standard not in asked for standard, _criterion in parts
    ):
        raise NotPossible(N_("A question that you chose is not asked any more. Reload the page and choose again."))
    if not parts:
        raise NotPossible(N_("Choose at least one standard or question to give away."))
    users = {user.public_id: user for user in assignable(session, audit_return, now=now)}
    if not people:
        raise NotPossible(N_("Choose at least one colleague."))
    if any(person not in users for person in people):
        raise NotPossible(N_("Somebody whom you chose is not appointed to answer for your agency today."))
    held: dict[int, dict[tuple[str, str], Assignment]] = {}
    for share in shares(session, work):
        row = share.assignment
        held.setdefault(row.user_id, {})[row.standard, row.criterion] = row
    whole = {standard for standard, criterion in parts if not criterion}
    made = 0
    for person in dict.fromkeys(people):
        user = users[person]
        own = held.get(user.id, {})
        new = []
        for standard, criterion in dict.fromkeys(parts):
            if (standard, "") in own or (standard, criterion) in own or (criterion and standard in whole):
                continue
            new.append(
                Assignment(
                    return_id=audit_return.id, standard=standard, criterion=criterion, user=user,
                    assigned_by_id=by.user_id, assigned_at=now, state="open", state_at=now,
                )
            )  # fmt: skip
        if not new:
            continue
        for (standard, criterion), row in own.items():
            if criterion and standard in whole:
                session.delete(row)
        session.add_all(new)
        made += len(new)
        event = _record(
            session, audit_return, "assignment.made", by=by, now=now, user=user,
            standards=[row.standard for row in new if not row.criterion],
            criteria=[row.criterion for row in new if row.criterion],
        )  # fmt: skip
        if user.id != by.user_id:
            given = {(row.standard, row.criterion) for row in new}
            number = sum(
                1
                for section in work.sections
                for item in section.items
                if (section.standard.id, "") in given or (section.standard.id, item.criterion.id) in given
            )
            _mail(
                session, audit_return, user, "assignment", event, now=now,
                subject=N_("Your part of %(round)s"),
                body=(
                    N_("%(who)s asks you to answer a part of the self-audit “%(round)s” of %(agency)s."),
                    N_("Questions that are yours to answer now: %(number)s. The audit is due on %(day)s."),
                ),
                who=by.name, number=number,
            )  # fmt: skip
    if made == 0:
        raise NotPossible(N_("They have all of this already, so nothing was changed."))
    session.flush()
    return made


def take_away(session: Session, public_id: str, assignment: str, *, by: Actor, now: datetime) -> User:
    """Take a part away from a colleague; the answers stay. Returns who had it. Raises NotFound and NotPossible."""
    audit_return = _open_return(session, public_id, by=by, now=now)
    row = get_share(session, checklist(session, audit_return), assignment).assignment
    session.delete(row)
    _record(session, audit_return, "assignment.taken_away", by=by, now=now, user=row.user, row=row)
    session.flush()
    return row.user


def mark_ready(session: Session, public_id: str, assignment: str, *, by: Actor, now: datetime) -> Share:
    """A colleague says that their part is ready. Questions that may stay unanswered may stay so.

    Raises NotFound where it is not theirs, and NotPossible while required questions of it are not finished.
    """
    audit_return = _open_return(session, public_id, by=by, now=now, permission="return.edit")
    share = get_share(session, checklist(session, audit_return), assignment, user_id=by.user_id or 0)
    row = share.assignment
    if not share.is_open:
        raise NotPossible(N_("You have said already that this part is ready."))
    _check_finished(share)
    row.state, row.state_at, row.note = "ready", now, ""
    event = _record(session, audit_return, "assignment.ready", by=by, now=now, user=row.user, row=row)
    for lead in _leads(session, audit_return, now=now):
        if lead.id != by.user_id:
            _mail(
                session, audit_return, lead, "ready", event, now=now,
                subject=N_("%(round)s: %(who)s has finished a part"),
                body=(
                    N_("%(who)s says that a part of the self-audit “%(round)s” of %(agency)s is ready."),
                    N_("Please read it, and accept it or send it back with a note."),
                ),
                who=by.name, path=f"sharing/{row.public_id}",
            )  # fmt: skip
    session.flush()
    return share


def accept(session: Session, public_id: str, assignment: str, *, by: Actor, now: datetime) -> Share:
    """The lead accepts a part that is ready. Raises NotFound, and NotPossible where it is not, or not any more."""
    audit_return = _open_return(session, public_id, by=by, now=now)
    share = get_share(session, checklist(session, audit_return), assignment)
    row = share.assignment
    if row.state == "accepted":
        raise NotPossible(N_("This part is accepted already."))
    if row.state != "ready":
        raise NotPossible(N_("%(name)s has not said that this part is ready."), name=row.user.name)
    _check_finished(share)
    row.state, row.state_at = "accepted", now
    _record(session, audit_return, "assignment.accepted", by=by, now=now, user=row.user, row=row)
    session.flush()
    return share


def send_back(session: Session, public_id: str, assignment: str, *, note: str, by: Actor, now: datetime) -> Share:
    """The lead sends a part that was ready or accepted back, with a note of what is to be done.

    Raises NotFound, and NotPossible without a note, or where the colleague has it already.
    """
    audit_return = _open_return(session, public_id, by=by, now=now)
    note = note.strip()
    if not note:
        raise NotPossible(N_("Say what is still to be done, so that your colleague knows."))
    if len(note) > LONGEST_NOTE:
        raise NotPossible(N_("Shorten the note to %(number)s characters or fewer."), number=LONGEST_NOTE)
    share = get_share(session, checklist(session, audit_return), assignment)
    row = share.assignment
    if share.is_open:
        raise NotPossible(N_("%(name)s has this part now, so it cannot be sent back."), name=row.user.name)
    row.state, row.state_at, row.note = "sent_back", now, note
    event = _record(
        session, audit_return, "assignment.sent_back", by=by, now=now, user=row.user, row=row, note=note
    )
    if row.user_id != by.user_id:
        _mail(
            session, audit_return, row.user, "sent_back", event, now=now,
            subject=N_("%(round)s: a part of yours is sent back"),
            body=(
                N_("%(who)s sent a part of the self-audit “%(round)s” of %(agency)s back to you, with a note."),
                N_("You can read the note after signing in. Your answers are as you left them."),
            ),
            who=by.name,
        )  # fmt: skip
    session.flush()
    return share


def nudge(session: Session, public_id: str, person: str, *, by: Actor, now: datetime) -> User:
    """Remind a colleague, by one mail, of their parts that are open; of each part at most once a day.

    Raises NotFound where this person has no part, and NotPossible: nothing of theirs is open, they were reminded
    today, they do not want such mails, or are no longer appointed.
    """
    audit_return = _open_return(session, public_id, by=by, now=now)
    rows = session.scalars(
        select(Assignment)
        .join(Assignment.user)
        .where(Assignment.return_id == audit_return.id, User.public_id == person)
        .options(joinedload(Assignment.user))
    ).all()
    if not rows:
        raise NotFound
    user = rows[0].user
    waiting = [row for row in rows if row.state in OPEN]
    if not waiting:
        raise NotPossible(N_("%(name)s has nothing left to do."), name=user.name)
    due = [row for row in waiting if row.nudged_at is None or today(row.nudged_at) < today(now)]
    if not due:
        raise NotPossible(N_("%(name)s was reminded today already. Try again tomorrow."), name=user.name)
    if user.id not in {one.id for one in assignable(session, audit_return, now=now)}:
        raise NotPossible(
            N_("%(name)s is no longer appointed at your agency. Give the part to somebody else."), name=user.name
        )
    for row in due:
        row.nudged_at = now
    event = _record(session, audit_return, "assignment.nudged", by=by, now=now, user=user, number=len(due))
    queued = _mail(
        session, audit_return, user, "nudge", event, now=now,
        subject=N_("%(round)s: your part is waiting"),
        body=(
            N_("%(who)s asks how far you are with your part of the self-audit “%(round)s” of %(agency)s."),
            N_(
                "Please finish it, and say that it is ready. If you cannot, tell %(who)s. The audit is due on %(day)s."
            ),
        ),
        who=by.name,
    )  # fmt: skip
    if not queued:
        raise NotPossible(
            N_("%(name)s chose not to get reminders by e-mail. Speak to them instead."), name=user.name
        )
    session.flush()
    return user


def back_to_ready(
    session: Session, audit_return: AuditReturn, template: Template, criteria: Iterable[str], *, by: Actor,
    now: datetime,
) -> list[str]:  # fmt: skip
    """Answers of these criteria changed: parts that were accepted with them are to be accepted anew.

    Not where somebody changed them who accepts parts. Returns the standards concerned, for the event of the save. One
    statement to read.
    """
    # who accepts parts of this agency's return: a matter of the appointment and the agency alone
    facts = ReturnFacts(audit_return.agency_id, frozenset(), frozenset(), False, False)
    if allows(by, "return.share", facts):
        return []
    changed = {(template.standard_of(template.criterion(key)).id, key) for key in criteria}
    rows = session.scalars(
        select(Assignment)
        .where(
            Assignment.return_id == audit_return.id,
            Assignment.state == "accepted",
            Assignment.standard.in_({standard for standard, _key in changed}),
            Assignment.criterion.in_({"", *(key for _standard, key in changed)}),
        )
        .order_by(Assignment.id)
    )
    reopened = []
    for row in rows:
        row.state, row.state_at = "ready", now
        reopened.append(row.standard)
    return sorted(set(reopened))


# --- what these share ------------------------------------------------------------------------------------------------


def _open_return(
    session: Session, public_id: str, *, by: Actor, now: datetime, permission: str = "return.share"
) -> AuditReturn:
    audit_return = get_return(session, public_id, actor=by, now=now, permission=permission, lock=True)
    if reason := why_closed(audit_return, now=now):
        raise NotPossible(reason)
    return audit_return


def _check_finished(share: Share) -> None:
    """Raises NotPossible with the numbers of the questions that are not finished."""
    if share.required_left:
        raise NotPossible(
            N_("These questions are not finished: %(questions)s. Finish them first."),
            questions=numbers(share.required_left),
        )


def numbers(items: Sequence[Item]) -> str:
    """The numbers of questions, as one says them: “1.2, 1.4”."""
    return ", ".join(item.number for item in items)


def _leads(session: Session, audit_return: AuditReturn, *, now: datetime) -> list[User]:
    """Who accepts parts: the audit leads, or the signatories where there are none."""
    for role in ("audit_lead", "accountable_signatory"):
        if found := people_at(session, [audit_return.agency_id], now=now, roles=(role,)):
            return list(dict.fromkeys(one.user for one in found))
    return []


def _record(
    session: Session, audit_return: AuditReturn, verb: str, *, by: Actor, now: datetime, user: User,
    row: Assignment | None = None, note: str = "", **data: object,
) -> Event:  # fmt: skip
    """Append an event about a part: whose it is by opaque id, the name and the note as texts."""
    where = {"standard": row.standard, "criterion": row.criterion} if row else {}
    texts = {"name": user.name} | ({"note": note} if note else {})
    return events.append(
        session, events.chain_of(audit_return), verb, by=by, now=now,
        data={"person": user.public_id, **where, **data}, texts=texts,
    )  # fmt: skip


def _mail(
    session: Session, audit_return: AuditReturn, user: User, kind: str, event: Event, *, subject: str,
    body: Sequence[str], now: datetime, path: str = "", **about: object,
) -> bool:  # fmt: skip
    """Put a mail about a part into the outbox; its event makes it one of a kind. Returns whether it is there."""
    audit_round = audit_return.audit_round
    params = about | {
        "round": audit_round.name,
        "agency": audit_return.agency.name,
        "day": today(max(audit_round.due, audit_return.extended_to or audit_round.due)),
    }
    alone = user.password is None and user.id in by_link(session, [user], now=now)
    page = f"/returns/{audit_return.public_id}/{path}" if path else "/assigned"
    return mail.queue(
        session, to=user, kind=kind, now=now, audit_return=audit_return,
        subject=Message(subject, params), body=[Message(words, params) for words in body],
        link=mail.way_in(user, page, by_link=alone),
        dedupe_key=f"{kind}:{event.chain}:{event.seq}:{user.public_id}",
    )  # fmt: skip
