"""Before signing: the signatory declines with a reason, the lead asks again, the board comments."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.domain.life import NotPossible
from app.domain.message import N_, Message
from app.models import AuditReturn, BoardComment, SigningDeclined
from app.operations import events, mail
from app.operations.submissions import LONGEST_REASON, signing_post
from app.policy import Actor
from app.queries.mail import people_at
from app.queries.returns import checklist, get_return, why_closed
from app.queries.signing import open_decline

LONGEST_COMMENT = 4000  # characters


def decline(session: Session, public_id: str, *, reason: str, by: Actor, now: datetime) -> SigningDeclined:
    """The accountable signatory declines to sign for now; the reason goes to the agency's own people.

    The return stays open for changes, and can be signed at any time after. Raises NotFound, and NotPossible: no
    reason, declined already and not answered, submitted, or the round is closed.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.sign", lock=True)
    if reason_closed := why_closed(audit_return, now=now):
        raise NotPossible(reason_closed)
    if signing_post(by, audit_return) is None:
        raise NotPossible(N_("Only the accountable signatory of the agency can sign, or decline to."))
    if open_decline(session, audit_return):
        raise NotPossible(
            N_("Signing has been declined already, and the audit lead has not answered yet. Nothing was changed.")
        )
    text = _text(reason, N_("Say why you do not sign: the audit lead needs it to put things right."), LONGEST_REASON)
    row = SigningDeclined(return_id=audit_return.id, reason=text, by_id=by.user_id, at=now)
    session.add(row)
    events.append(
        session, events.chain_of(audit_return), "return.signing_declined", by=by, now=now, texts={"reason": text}
    )
    session.flush()
    _tell(
        session, audit_return, row, ("audit_lead",), "declined", now=now,
        subject=N_("%(round)s: not signed yet"),
        body=[
            N_("The signatory of %(agency)s has read “%(round)s” and declined to sign it for now."),
            N_(
                "The reason stands on the task list after you sign in."
                " When it is dealt with, ask for the signature again."
            ),
        ],
    )  # fmt: skip
    return row


def ask_again(session: Session, public_id: str, *, by: Actor, now: datetime) -> SigningDeclined:
    """The audit lead answers a signatory who declined: what stood in the way is dealt with, please sign.

    Raises NotFound, and NotPossible where nobody declined, submitted, or the round is closed.
    """
    audit_return = get_return(
        session, public_id, actor=by, now=now, permission="return.ask_to_sign", lock=True
    )
    if reason := why_closed(audit_return, now=now):
        raise NotPossible(reason)
    row = open_decline(session, audit_return)
    if row is None:
        raise NotPossible(N_("Nobody has declined to sign, so there is nothing to answer."))
    row.answered_at, row.answered_by_id = now, by.user_id
    events.append(session, events.chain_of(audit_return), "return.signature_asked_again", by=by, now=now)
    session.flush()
    _tell(
        session, audit_return, row, ("accountable_signatory",), "nudge", now=now,
        subject=N_("%(round)s: please look at it again"),
        body=[
            N_("%(name)s asks you again to sign “%(round)s” for %(agency)s: what you said has been looked at."),
            N_("You see what changed since on the page where you sign."),
        ],
        name=by.name,
    )  # fmt: skip
    return row


def _tell(
    session: Session, audit_return: AuditReturn, row: SigningDeclined, roles: tuple[str, ...], kind: str, *,
    subject: str, body: list[str], now: datetime, name: str = "",
) -> None:  # fmt: skip
    about = {"round": audit_return.audit_round.name, "agency": audit_return.agency.name, "name": name}
    mail.queue_all(
        session,
        [
            mail.Draft(
                to=one.user, kind=kind, subject=Message(subject, about),
                body=[Message(words, about) for words in body],
                link=mail.way_in(one.user, f"/returns/{audit_return.public_id}/"), audit_return=audit_return,
                dedupe_key=f"{kind}:{row.public_id}:{one.user.public_id}",
            )
            for one in people_at(session, [audit_return.agency_id], now=now, roles=roles)
        ],
        now=now,
    )  # fmt: skip


def comment(
    session: Session, public_id: str, *, text: str, standard: str = "", by: Actor, now: datetime
) -> BoardComment:
    """A member of the board, or the signatory, comments on the draft, or on one standard of it, for good.

    Raises NotFound, also for a standard that is not asked, and NotPossible: no text, submitted, or the round is closed.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.comment", lock=True)
    if reason := why_closed(audit_return, now=now):
        raise NotPossible(reason)
    if standard:
        checklist(session, audit_return).section(standard)
    words = _text(text, N_("Write your comment."), LONGEST_COMMENT)
    row = BoardComment(return_id=audit_return.id, standard=standard, text=words, by_id=by.user_id, at=now)
    session.add(row)
    session.flush()
    events.append(
        session, events.chain_of(audit_return), "board.commented", by=by, now=now,
        data={"comment": row.public_id, "standard": standard}, texts={"comment": words},
    )  # fmt: skip
    session.flush()
    return row


def _text(text: str, remedy: str, longest: int) -> str:
    text = text.strip()
    if not text:
        raise NotPossible(remedy)
    if len(text) > longest:
        raise NotPossible(
            N_("This has %(length)s characters; shorten it to %(limit)s or fewer."), length=len(text), limit=longest
        )
    return text
