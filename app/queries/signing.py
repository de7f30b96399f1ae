"""Reading what a signatory sees before signing: refusals, the board's comments, what is behind the answers.

The callers got the return through `get_return` and asked `sees_drafts`: all of this is for the agency's own people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.domain.actions import OPEN, Action
from app.domain.changes import ChangesDocument
from app.domain.evidence import Attached
from app.models import Assignment, AuditReturn, BoardComment, SigningDeclined, Submission
from app.queries.actions import actions_of_return
from app.queries.carrying import last_round
from app.queries.changes import compare
from app.queries.evidence import evidence_of_return
from app.queries.returns import Checklist, Item


def open_decline(session: Session, audit_return: AuditReturn) -> SigningDeclined | None:
    """The refusal to sign that nobody has answered: neither the lead by asking again, nor a signature since."""
    signed = (
        select(Submission.id)
        .where(Submission.return_id == audit_return.id, Submission.submitted_at >= SigningDeclined.at)
        .exists()
    )
    return session.scalar(
        select(SigningDeclined)
        .where(SigningDeclined.return_id == audit_return.id, SigningDeclined.answered_at.is_(None), ~signed)
        .options(joinedload(SigningDeclined.by))
        .order_by(SigningDeclined.id.desc())
        .limit(1)
    )


def declines(session: Session, audit_return: AuditReturn) -> Sequence[SigningDeclined]:
    """Every refusal to sign, the latest first, answered ones too."""
    return session.scalars(
        select(SigningDeclined)
        .where(SigningDeclined.return_id == audit_return.id)
        .options(joinedload(SigningDeclined.by), joinedload(SigningDeclined.answered_by))
        .order_by(SigningDeclined.id.desc())
    ).all()


def board_comments(session: Session, audit_return: AuditReturn) -> Sequence[BoardComment]:
    """What the board said about the draft, in the order in which it was said."""
    return session.scalars(
        select(BoardComment)
        .where(BoardComment.return_id == audit_return.id)
        .options(joinedload(BoardComment.by))
        .order_by(BoardComment.id)
    ).all()


def comment_count(session: Session, audit_return: AuditReturn) -> int:
    """How many comments the board made."""
    return session.scalar(
        select(func.count()).select_from(BoardComment).where(BoardComment.return_id == audit_return.id)
    ) or 0  # fmt: skip


@dataclass(frozen=True)
class Gap:
    """A question that is not in place, with what is planned for it."""

    item: Item
    actions: Sequence[Action]


@dataclass(frozen=True)
class Briefing:
    """What a signatory should know before signing, beside the answers themselves.

    `gaps`: what is not in place and known, the latest or missing date first; `unknown`: what nobody can say;
    `unplanned`: of both, what has no action that is open or done; `bare`: said to be in place, without any evidence;
    `unshared`: parts given to colleagues that the lead has not accepted; `unvouched`: standards nobody vouches for.
    """

    gaps: Sequence[Gap]
    unknown: Sequence[Gap]
    unplanned: Sequence[Item]
    bare: Sequence[Item]
    files: int
    actions: int
    assignments: Sequence[Assignment]
    changes: ChangesDocument | None
    comments: Sequence[BoardComment]
    declines: Sequence[SigningDeclined]


def briefing(session: Session, work: Checklist, *, now: datetime, language: str = "en") -> Briefing:
    """What a signatory should know of a draft before signing it. Eight statements at most, however long it is."""
    audit_return = work.audit_return
    planned = actions_of_return(session, audit_return)
    evidence = evidence_of_return(session, audit_return)
    answered = [item for item in work.items if item.grade]
    missing = [item for item in answered if item.grade and item.grade.counts_as == "not_met"]

    def gap(item: Item) -> Gap:
        return Gap(item, [one for one in planned.get(_key(item), ()) if one.state != "dropped"])

    gaps = [gap(item) for item in missing if item.grade and not item.grade.shown_apart]
    unknown = [gap(item) for item in missing if item.grade and item.grade.shown_apart]
    asked = {_key(item) for item in work.items}
    attached: dict[str, Attached] = {
        one.id: one for key, pieces in evidence.items() if key in asked for one in pieces
    }
    last = last_round(session, audit_return)
    return Briefing(
        gaps=sorted(gaps, key=_latest_first),
        unknown=sorted(unknown, key=_latest_first),
        unplanned=[one.item for one in (*gaps, *unknown) if not one.actions],
        bare=[
            item
            for item in answered
            if item.grade and item.grade.counts_as == "met" and not evidence.get(_key(item))
        ],
        files=len(attached),
        actions=sum(1 for key, some in planned.items() if key in asked for one in some if one.state in OPEN),
        assignments=session.scalars(
            select(Assignment)
            .where(Assignment.return_id == audit_return.id, Assignment.state != "accepted")
            .options(joinedload(Assignment.user))
            .order_by(Assignment.standard, Assignment.criterion, Assignment.id)
        ).all(),
        changes=compare(session, work, last, None, now=now, language=language) if last else None,
        comments=board_comments(session, audit_return),
        declines=declines(session, audit_return),
    )


def _key(item: Item) -> tuple[str, str]:
    return item.criterion.id, item.scope


def _latest_first(gap: Gap) -> tuple[bool, int]:
    """Without a date first, then the latest date."""
    expected = gap.item.date_expected
    return expected is not None, -expected.toordinal() if expected else 0
