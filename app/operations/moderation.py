"""Moderation: what inspectors find about signed answers, kept in versions. Agencies learn nothing of it here.

A finding belongs to the submission that it was made on: when the agency submits again, the checking begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.answers import question_parts
from app.domain.life import NotPossible, check_not_archived
from app.domain.message import N_, Message
from app.models import AuditReturn, AuditRound, Moderation, SampledReturn, Submission
from app.operations import events, judgements, rollup
from app.policy import Actor
from app.queries.moderation import Desk, desk_of, findings_on, sampled_returns
from app.queries.returns import get_return
from app.queries.rounds import NotFound, get_round

LONGEST = 4000  # characters of a reason, and of what was looked at


class FindingErrors(Exception):
    """What is wrong with a finding as it was typed: field (grade, reason, seen) to message."""

    def __init__(self, errors: dict[str, Message]) -> None:
        super().__init__("; ".join(map(str, errors.values())))
        self.errors = errors


@dataclass(frozen=True)
class Typed:
    """A finding as it was typed. `grade`: the grade that should hold; the agency's own upholds its answer."""

    grade: str
    reason: str = ""
    seen: str = ""


@dataclass(frozen=True)
class FindingConflict:
    """Somebody else recorded a finding since the page was shown. Theirs is stored, yours is here."""

    yours: Typed
    theirs: Moderation


def record(
    session: Session, public_id: str, question: str, typed: Typed, *, submission: str, based_on: int, by: Actor,
    now: datetime,
) -> Moderation | FindingConflict:  # fmt: skip
    """Uphold or adjust one signed answer, as the next version of the actor's finding.

    `submission`: public id of the one that the page showed; `based_on`: the version it showed, 0 for none. The same
    finding sent again is the same version. Raises NotFound (not theirs to check, no such question), FindingErrors, and
    NotPossible: submitted anew since, finished, or not submitted at all.
    """
    audit_return, desk = _open_desk(session, public_id, submission=submission, by=by, now=now)
    if desk.finished_at:
        raise NotPossible(
            N_("You have finished checking this audit. To change a finding, take the finishing back first.")
        )
    check = desk.checks.get(question)
    if check is None or check.item.grade is None:
        raise NotFound
    self_grade = check.item.grade
    typed = _clean(typed, self_grade=self_grade.key, grades={grade.key for grade in check.item.scheme.grades})
    latest = check.finding
    if latest and (latest.grade, latest.reason, latest.evidence_seen) == (typed.grade, typed.reason, typed.seen):
        return latest
    if based_on != (latest.version if latest else 0):
        if latest is None:
            raise NotPossible(N_("This answer was submitted anew since the page was shown to you. Read it again."))
        return FindingConflict(typed, latest)
    criterion, scope = question_parts(question)
    row = Moderation(
        return_id=audit_return.id, submission_id=desk.submission.id, criterion=criterion, scope_key=scope,
        second=desk.part == "second", version=(latest.version if latest else 0) + 1,
        outcome="upheld" if typed.grade == self_grade.key else "adjusted", self_grade=self_grade.key,
        grade=typed.grade, reason=typed.reason, evidence_seen=typed.seen, by_id=by.user_id, at=now,
    )  # fmt: skip
    session.add(row)
    if not row.second:
        before = [(criterion, latest.grade)] if latest else []
        rollup.change(session, audit_return, "moderated", before=before, after=[(criterion, row.grade)])
        judgements.mark_stale(session, audit_return)
    events.append(
        session, events.oversight_chain(audit_return), "answer.moderated", by=by, now=now,
        data={
            "criterion": criterion, "scope": scope, "submission": desk.submission.number, "second": row.second,
            "version": row.version, "outcome": row.outcome, "self_grade": row.self_grade, "grade": row.grade,
        },
        texts={"reason": row.reason, "evidence_seen": row.evidence_seen},
    )  # fmt: skip
    session.flush()
    return row


def _clean(typed: Typed, *, self_grade: str, grades: set[str]) -> Typed:
    reason, seen = (text.replace("\r\n", "\n").strip() for text in (typed.reason, typed.seen))
    errors: dict[str, Message] = {}
    if typed.grade not in grades:
        errors["grade"] = Message(N_("Choose whether to uphold the answer, or the grade that it is adjusted to"))
    elif typed.grade != self_grade and not reason:
        errors["reason"] = Message(N_("Give the reason for adjusting the grade"))
    for name, text in (("reason", reason), ("seen", seen)):
        if len(text) > LONGEST:
            errors[name] = Message(
                N_("This has %(length)s characters; shorten it to %(limit)s or fewer"),
                {"length": len(text), "limit": LONGEST},
            )
        elif "\0" in text:
            errors[name] = Message(N_("This holds a character that cannot be kept. Type it anew."))
    if errors:
        raise FindingErrors(errors)
    return Typed(typed.grade, reason, seen)


def _open_desk(
    session: Session, public_id: str, *, submission: str = "", by: Actor, now: datetime
) -> tuple[AuditReturn, Desk]:
    """The actor's desk, with the return locked."""
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.moderate", lock=True)
    check_not_archived(audit_return.audit_round.archived_at)
    if audit_return.stage != "submitted":
        raise NotPossible(N_("This audit is not submitted at present, so there is nothing to check."))
    desk = desk_of(session, audit_return, actor=by, now=now)
    if submission and desk.submission.public_id != submission:
        raise NotPossible(
            N_("The agency has submitted anew since this page was shown to you. Check the new submission.")
        )
    return audit_return, desk


def finish(session: Session, public_id: str, *, submission: str = "", by: Actor, now: datetime) -> SampledReturn:
    """Say that everything is checked. Raises NotFound, and NotPossible while an answer is unchecked."""
    audit_return, desk = _open_desk(session, public_id, submission=submission, by=by, now=now)
    if desk.finished_at:
        return desk.sampled
    if desk.unchecked:
        raise NotPossible(
            N_("Answers that are not checked yet: %(number)s. Check them first, then finish."),
            number=len(desk.unchecked),
        )
    return _finished(session, audit_return, desk, now, by=by, now=now)


def take_up_again(session: Session, public_id: str, *, by: Actor, now: datetime) -> SampledReturn:
    """Take the finishing back, to change findings. Raises NotFound, and NotPossible where it is not finished."""
    audit_return, desk = _open_desk(session, public_id, by=by, now=now)
    if not desk.finished_at:
        raise NotPossible(N_("You have not finished checking this audit, so there is nothing to take back."))
    if desk.part == "second":
        raise NotPossible(
            N_("A second check cannot be taken up again: since it was finished, the first findings can be read.")
        )
    return _finished(session, audit_return, desk, None, by=by, now=now)


def _finished(
    session: Session, audit_return: AuditReturn, desk: Desk, at: datetime | None, *, by: Actor, now: datetime
) -> SampledReturn:
    if desk.part == "second":
        desk.sampled.second_finished_at = at
    else:
        desk.sampled.finished_at = at
    events.append(
        session, events.oversight_chain(audit_return), "moderation.finished" if at else "moderation.taken_up_again",
        by=by, now=now, data={"submission": desk.submission.number, "second": desk.part == "second"},
    )  # fmt: skip
    session.flush()
    return desk.sampled


def begin_anew(session: Session, audit_return: AuditReturn, submission: Submission) -> None:
    """A submission is set aside: what was found about it is kept, and counts in no figure from here on."""
    found = findings_on(session, submission)
    grades = sorted((criterion, row.grade) for (criterion, _scope), row in found.items())
    rollup.change(session, audit_return, "moderated", before=grades, after=())
    session.execute(
        update(SampledReturn)
        .where(SampledReturn.return_id == audit_return.id)
        .values(finished_at=None, second_finished_at=None)
        .execution_options(synchronize_session="fetch")
    )


def ask_by(session: Session, round_id: str, *, day: date, by: Actor, now: datetime) -> int:
    """Say by which day the checks of a round that are not finished should be done. Returns how many they are.

    Of the actor's own agency types. Raises NotFound, and NotPossible for a day that has passed.
    """
    audit_round = get_round(session, round_id, actor=by, now=now, permission="moderation.lead")
    check_not_archived(audit_round.archived_at)
    if day < today(now):
        raise NotPossible(N_("This day has passed already. Choose a day from today on."))
    session.execute(select(AuditRound.id).where(AuditRound.id == audit_round.id).with_for_update())
    number = 0
    for sampled in sampled_returns(session, audit_round, actor=by):
        if sampled.finished_at is None or (sampled.second_id and sampled.second_finished_at is None):
            sampled.check_by = day
            number += 1
    events.append(
        session, events.chain_of(audit_round), "moderation.asked_by", by=by, now=now,
        data={"day": day.isoformat(), "returns": number},
    )  # fmt: skip
    session.flush()
    return number
