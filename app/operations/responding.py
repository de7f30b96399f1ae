"""An agency says what it does about a recommendation of a published report that is addressed to it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from app.domain.life import NotPossible
from app.domain.message import N_, Message
from app.models import RecommendedResponse
from app.operations import events
from app.operations.composing import LONGEST_NOTE, NotSaved, cleaned
from app.policy import Actor
from app.queries.recommended import ANSWERS, PROGRESS, one_addressed
from app.queries.returns import get_return


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
        raise NotPossible(N_("This recommendation is made no more, so nothing is to be said to it."))
    text = cleaned(text)
    refuses = answer == "not_accepted"
    wrong = {}
    if answer not in ANSWERS:
        wrong["answer"] = Message(N_("Say whether your agency accepts the recommendation."))
    if not text:
        wrong["text"] = Message(N_("Say what your agency does about it, or why it does not accept it."))
    elif len(text) > LONGEST_NOTE:
        wrong["text"] = Message(
            N_("The text has %(length)s characters; shorten it to %(limit)s or fewer."),
            {"length": len(text), "limit": LONGEST_NOTE},
        )
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
