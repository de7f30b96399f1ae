"""An agency says what it does about a recommendation of a published report that is addressed to it; and is reminded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.clock import today
from app.domain.life import NotPossible
from app.domain.message import N_, Message, too_long
from app.domain.recommended import response_reminder
from app.models import AuditReturn, Recommended, RecommendedResponse, User
from app.operations import events
from app.operations.composing import LONGEST_NOTE, NotSaved, cleaned
from app.operations.mail import Draft, queue_all, way_in
from app.policy import Actor
from app.queries.mail import people_at
from app.queries.recommended import ANSWERS, PROGRESS, in_force_everywhere, one_addressed, without_response
from app.queries.returns import get_return
from app.queries.sign_in import by_link


def respond(
    session: Session, public_id: str, recommended: str, *, answer: str, text: str, progress: str = "",
    expected: date | None = None, by: Actor, now: datetime,
) -> RecommendedResponse:  # fmt: skip
    """Say whether the agency of a return accepts a recommendation, what it does, and by when; the latest counts.

    Raises NotFound; NotSaved for what is missing or too long; NotPossible where the recommendation is made no more.
    """
    audit_return = get_return(
        session, public_id, actor=by, now=now, permission="return.answer_recommended", lock=True
    )
    row = one_addressed(session, audit_return, recommended)
    if row.withdrawn_in is not None:
        raise NotPossible(N_("This recommendation is withdrawn, so nothing is to be said to it."))
    text = cleaned(text)
    refuses = answer == "not_accepted"
    wrong = {}
    if answer not in ANSWERS:
        wrong["answer"] = Message(N_("Say whether your agency accepts the recommendation."))
    if not text:
        wrong["text"] = Message(N_("Say what your agency does about it, or why it does not accept it."))
    elif is_long := too_long(text, LONGEST_NOTE):
        wrong["text"] = is_long
    if answer in ANSWERS and not refuses:
        if progress not in PROGRESS:
            wrong["progress"] = Message(N_("Say how far your agency is with it."))
        elif progress != "done" and expected is None:
            wrong["expected"] = Message(N_("Give the day by which it will be done."))
    if wrong:
        raise NotSaved(wrong)
    response = RecommendedResponse(
        recommended_id=row.id, return_id=audit_return.id, answer=answer, progress="" if refuses else progress,
        text=text, expected=None if refuses else expected, by_id=by.user_id, at=now,
    )  # fmt: skip
    session.add(response)
    events.append(
        session, events.chain_of(audit_return), "recommendation.answered", by=by, now=now,
        data={"recommendation": row.public_id, "number": row.number, "answer": answer}, texts={"text": text},
    )  # fmt: skip
    session.flush()
    return response


# --- reminders -------------------------------------------------------------------------------------------------------


def remind(session: Session, *, now: datetime) -> int:
    """Remind signatories and audit leads of recommendations to their agencies that nobody has said anything to.

    10, 5 and 1 business days before the day by which something is asked for, and every four weeks where that has passed
    or none is set. Safe to run as often as one likes. Returns how many mails are new.
    """
    day = today(now)
    due = {}
    for row in in_force_everywhere(session):
        if key := response_reminder(day, due=row.due, published=today(row.made_at)):
            due[row.id] = (row, key)
    if not due:
        return 0
    waiting: dict[tuple[int, str, date | None], list[tuple[Recommended, AuditReturn]]] = {}
    for row, audit_return in without_response(session, [row for row, _key in due.values()]):
        waiting.setdefault((audit_return.id, due[row.id][1], row.due), []).append((row, audit_return))
    people: dict[int, list[User]] = {}
    for one in people_at(session, {each[0][1].agency_id for each in waiting.values()}, now=now):
        people.setdefault(one.agency_id, []).append(one.user)
    alone = by_link(session, list({user for users in people.values() for user in users}), now=now)
    return queue_all(
        session,
        [
            _reminder(mine, key, user, day, by_link=user.id in alone)
            for (_return_id, key, _due), mine in waiting.items()
            for user in dict.fromkeys(people.get(mine[0][1].agency_id, []))
        ],
        now=now,
    )


def _reminder(
    mine: Sequence[tuple[Recommended, AuditReturn]], key: str, user: User, day: date, *, by_link: bool
) -> Draft:
    row, audit_return = mine[0]
    about: dict[str, object] = {
        "round": row.audit_round.name, "agency": audit_return.agency.name, "number": len(mine),
        "day": row.due or today(row.made_at),
    }  # fmt: skip
    if row.due is None:
        opening = N_(
            "The report on “%(round)s”, published on %(day)s, recommends something to %(agency)s. Your agency has not"
            " said yet what it does about it."
        )
    elif day > row.due:
        opening = N_(
            "The report on “%(round)s” recommends something to %(agency)s. The day by which it was to be done, %(day)s,"
            " has passed, and your agency has not said yet what it does about it."
        )
    else:
        opening = N_(
            "The report on “%(round)s” recommends something to %(agency)s that is to be done by %(day)s. Your agency"
            " has not said yet what it does about it."
        )
    return Draft(
        to=user, kind="feedback", audit_return=audit_return,
        subject=Message(N_("%(round)s: a recommendation to %(agency)s waits for a response"), about),
        body=[
            Message(opening, about),
            Message(N_("Recommendations that wait for a response: %(number)s."), about),
            Message(N_("Read it after you sign in, and say what your agency does about it.")),
        ],
        link=way_in(user, f"/returns/{audit_return.public_id}/recommendations", by_link=by_link),
        dedupe_key=f"response:{key}:{row.due or today(row.made_at)}:{audit_return.public_id}:{user.public_id}",
    )  # fmt: skip
