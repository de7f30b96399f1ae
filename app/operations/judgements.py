"""Judging returns: what the rules of the pack give, what inspectors enter, and overrides that a second person approves.

All of it is private to oversight bodies: events go to the oversight chain of the return, never to its own history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from app.domain.life import NotPossible, check_not_archived
from app.domain.message import N_
from app.domain.rules.book import Rulebook
from app.domain.rules.judging import Judged, Outcome, judge
from app.domain.rules.language import Given
from app.models import Agency, AuditReturn, Judgement
from app.operations import events
from app.operations.rollup import upsert
from app.policy import Actor
from app.queries.judgements import Signed, book_of, facts_of, judged_types, rows_of, signed_grades
from app.queries.returns import get_return
from app.queries.rounds import NotFound, get_round

LONGEST = 4000  # characters of a note or a reason


@dataclass(frozen=True)
class Done:
    """What judging came to: returns that were judged, those whose judgements changed, and those that wait for more."""

    judged: int
    changed: int
    waiting: int


# --- judging ---------------------------------------------------------------------------------------------------------


def judge_return(session: Session, public_id: str, *, by: Actor, now: datetime) -> Done:
    """Judge one submitted return by its pack's rules. Raises NotFound, and NotPossible: not submitted, or no rules."""
    return _judge(session, [_locked(session, public_id, by=by, now=now)], by=by, now=now)


def judge_round(
    session: Session, round_id: str, *, agency_code: str = "", by: Actor, now: datetime
) -> Done:
    """Judge the submitted returns of a round that the actor may judge, or one agency's. Few statements for any number.

    Raises NotFound (no such round or agency, or not theirs), and NotPossible: archived, or the pack has no rules.
    """
    audit_round = get_round(session, round_id, actor=by, now=now, permission="judgement.read")
    check_not_archived(audit_round.archived_at)
    types = judged_types(audit_round, by)
    if not types:
        raise NotPossible(N_("The pack of this round has no rules of judgement for the agencies that you may judge."))
    query = (
        select(AuditReturn)
        .join(AuditReturn.agency)
        .where(AuditReturn.round_id == audit_round.id, AuditReturn.agency_type.in_(types))
        .options(joinedload(AuditReturn.template_version))
        .order_by(AuditReturn.id)
        .with_for_update(of=AuditReturn)
    )
    if agency_code:
        found = session.scalar(query.where(Agency.code == agency_code))
        if found is None:
            raise NotFound
        if found.stage != "submitted":
            raise NotPossible(_NOT_SUBMITTED)
        return _judge(session, [found], by=by, now=now)
    returns = session.scalars(query.where(AuditReturn.stage == "submitted")).all()
    return _judge(session, returns, by=by, now=now)


_NOT_SUBMITTED = N_("This audit is not submitted, so there is nothing to judge.")


def _locked(
    session: Session, public_id: str, *, by: Actor, now: datetime, permission: str = "return.judge"
) -> AuditReturn:
    audit_return = get_return(session, public_id, actor=by, now=now, permission=permission, lock=True)
    check_not_archived(audit_return.audit_round.archived_at)
    if audit_return.stage != "submitted":
        raise NotPossible(_NOT_SUBMITTED)
    _book(audit_return)
    return audit_return


def _book(audit_return: AuditReturn) -> Rulebook:
    book = book_of(audit_return.template_version.pack_version, audit_return.agency_type)
    if book is None:
        raise NotPossible(N_("The pack of this round has no rules of judgement for this type of agency."))
    return book


def _judge(session: Session, returns: Sequence[AuditReturn], *, by: Actor, now: datetime) -> Done:
    """Judge returns whose rows are locked. What did not change is left as it is, and makes no event."""
    ids = [one.id for one in returns]
    books = {_book(one) for one in returns}
    signed, known = signed_grades(session, ids, books), rows_of(session, ids)
    values: list[dict[str, Any]] = []
    told: list[tuple[str, dict[str, Any]]] = []
    waiting = 0
    for one in returns:
        rows, book = known.get(one.id, {}), _book(one)
        fresh = _judgements(book, one, signed[one.id], rows)
        # what is decided is what other judgements rest on, so they are made again without it
        while lapsed := _lapsed(fresh, rows):
            for row in lapsed:
                _tell(session, one, "judgement.override_lapsed", row, row.override_reason, by=by, now=now)
                _clear(row)
            fresh = _judgements(book, one, signed[one.id], rows)
        waiting += any(not row["grade"] for row in fresh if row["key"])
        if all(_same(rows.get(row["key"]), row) for row in fresh):
            continue
        values += fresh
        told.append(
            (
                events.oversight_chain(one),
                {
                    "submission": signed[one.id].submission,
                    "inputs": fresh[0]["inputs_hash"],
                    "judgements": {
                        row["key"]: {name: row[name] for name in ("grade", "uncapped", "self_grade")}
                        for row in fresh
                        if row["key"]
                    },
                },
            )
        )
    if values:
        statement = upsert(session)(Judgement.__table__)
        changing = [name for name in values[0] if name not in ("return_id", "key")]
        session.connection().execute(
            statement.on_conflict_do_update(
                index_elements=["return_id", "key"],
                set_={
                    **{name: statement.excluded[name] for name in changing},
                    "judged_at": now, "stale": False,
                },
            ),
            [row | {"judged_at": now, "stale": False} for row in values],
        )  # fmt: skip
    events.append_each(session, told, "return.judged", by=by, now=now)
    session.flush()
    for rows in known.values():
        for row in rows.values():
            session.expire(row)  # the statement above wrote past the session
    return Done(len(returns), len(told), waiting)


def _judgements(
    book: Rulebook, audit_return: AuditReturn, signed: Signed, rows: Mapping[str, Judgement]
) -> list[dict[str, Any]]:
    """The columns of each judgement of a return; of one row without a key where its rules have triggers alone."""
    facts = facts_of(book, signed.held, signed, rows)
    outcome = judge(book, facts)
    own = judge(book, facts_of(book, signed.own, signed, rows)) if signed.checked else outcome
    held_facts, own_facts = _facts(outcome), _facts(own)
    inputs_hash = facts.hash
    alone = {} if outcome.judgements else {"": Judged("", "")}
    of_own = {**own.judgements, **alone}
    return [
        {
            "return_id": audit_return.id,
            "submission_id": signed.submission_id,
            "key": key,
            "grade": judged.grade,
            "uncapped": judged.uncapped,
            "self_grade": of_own[key].grade,
            # on the grades that hold; what differs on the agency's own alone stands under `self`
            "explanation": {
                **judged.data(),
                **held_facts,
                "checked": signed.checked,
                "self": {**of_own[key].data(), **own_facts},
            },
            "triggered": bool(outcome.triggers),
            "inputs_hash": inputs_hash,
        }
        for key, judged in {**outcome.judgements, **alone}.items()
    ]


def _lapsed(fresh: Sequence[Mapping[str, Any]], rows: Mapping[str, Judgement]) -> list[Judgement]:
    """The judgements that were overridden on other answers, or against another grade of the rules."""
    return [
        row
        for values in fresh
        if (row := rows.get(values["key"])) is not None
        and row.override
        and (row.submission_id, row.grade) != (values["submission_id"], values["grade"])
    ]


def _facts(outcome: Outcome) -> dict[str, Any]:
    data = outcome.data()
    del data["judgements"]
    return data


def _same(row: Judgement | None, fresh: Mapping[str, Any]) -> bool:
    return row is not None and not row.stale and all(getattr(row, name) == value for name, value in fresh.items())


def mark_stale(session: Session, audit_return: AuditReturn) -> None:
    """Answers or what was found about them changed: judgements made before are out of date until made anew."""
    session.execute(update(Judgement).where(Judgement.return_id == audit_return.id).values(stale=True))


# --- what inspectors enter -------------------------------------------------------------------------------------------


def give(
    session: Session, public_id: str, key: str, *, grade: str, note: str, by: Actor, now: datetime
) -> Judgement:
    """Enter a judgement that answers cannot tell, with what it rests on; what follows from it is judged again.

    Raises NotFound (also for a judgement that rules make), and NotPossible: no such grade, no note.
    """
    audit_return = _locked(session, public_id, by=by, now=now)
    book = _book(audit_return)
    if not isinstance(book.profile.judgements.get(key), Given):
        raise NotFound
    _check_grade(book, key, grade)
    note = _words(note, N_("Say what this judgement rests on: whoever approves or publishes it needs to know."))
    row = rows_of(session, [audit_return.id]).get(audit_return.id, {}).get(key)
    if row is None:
        row = Judgement(return_id=audit_return.id, key=key, explanation={})
        session.add(row)
    row.given, row.given_note, row.given_by_id, row.given_at = grade, note, by.user_id, now
    session.flush()
    events.append(
        session, events.oversight_chain(audit_return), "judgement.given", by=by, now=now,
        data={"judgement": key, "grade": grade}, texts={"note": note},
    )  # fmt: skip
    session.flush()
    _judge(session, [audit_return], by=by, now=now)
    return row


def propose_override(
    session: Session, public_id: str, key: str, *, grade: str, reason: str, by: Actor, now: datetime
) -> Judgement:
    """Propose another grade than the rules give, with the reason. Nothing changes until a lead inspector approves.

    Raises NotFound, and NotPossible: out of date, the same grade, an override stands or is proposed already, no reason.
    """
    audit_return, row = _row(session, public_id, key, by=by, now=now, permission="return.judge")
    _check_grade(_book(audit_return), key, grade)
    _check_current(row)
    if not row.grade:
        raise NotPossible(N_("There is no grade yet that could be overridden: another judgement is missing first."))
    if row.override:
        raise NotPossible(N_("Another grade was proposed already. Have it decided, or take it back first."))
    if grade == row.grade:
        raise NotPossible(N_("The rules give this grade already. Choose another, or leave it as it is."))
    reason = _words(reason, N_("Give the reason: the lead inspector who decides needs it, and it stays on record."))
    row.override, row.override_reason, row.override_by_id, row.override_at = grade, reason, by.user_id, now
    _tell(session, audit_return, "judgement.override_proposed", row, reason, by=by, now=now)
    return row


def approve_override(
    session: Session, public_id: str, key: str, *, grade: str, by: Actor, now: datetime
) -> Judgement:
    """Approve what was proposed; `grade` is what the page showed. What follows from the judgement is judged again.

    Raises NotFound, and NotPossible: nothing is proposed, it is another grade, out of date, or the proposer decides.
    """
    audit_return, row = _proposed(session, public_id, key, by=by, now=now)
    _check_current(row)
    if row.override != grade:
        raise NotPossible(N_("Something else is proposed by now. Read it, then decide."))
    row.approved_by_id, row.approved_at = by.user_id, now
    _tell(session, audit_return, "judgement.override_approved", row, "", by=by, now=now)
    _judge(session, [audit_return], by=by, now=now)
    return row


def decline_override(
    session: Session, public_id: str, key: str, *, reason: str, by: Actor, now: datetime
) -> Judgement:
    """Decline what was proposed, with the reason: the grade of the rules stays. Raises as `approve_override`."""
    audit_return, row = _proposed(session, public_id, key, by=by, now=now)
    reason = _words(reason, N_("Say why not: whoever proposed it should know."))
    _tell(session, audit_return, "judgement.override_declined", row, reason, by=by, now=now)
    _clear(row)
    session.flush()
    return row


def withdraw_override(
    session: Session, public_id: str, key: str, *, reason: str, by: Actor, now: datetime
) -> Judgement:
    """Take an override back, with the reason: what is only proposed by its proposer, what is approved by a lead
    inspector. Raises NotFound, and NotPossible: there is none, it is somebody else's, no reason."""
    audit_return, row = _row(session, public_id, key, by=by, now=now, permission="return.judge")
    if not row.override:
        raise NotPossible(N_("No other grade is proposed, so there is nothing to take back."))
    approved = row.approved_at is not None
    if approved:
        get_return(session, public_id, actor=by, now=now, permission="judgement.approve")
    elif row.override_by_id != by.user_id:
        raise NotPossible(N_("Somebody else proposed this. Ask them, or a lead inspector, who can decline it."))
    reason = _words(reason, N_("Say why it is taken back: it stays on record."))
    _tell(session, audit_return, "judgement.override_withdrawn", row, reason, by=by, now=now)
    _clear(row)
    session.flush()
    if approved:
        _judge(session, [audit_return], by=by, now=now)
    return row


def _row(
    session: Session, public_id: str, key: str, *, by: Actor, now: datetime, permission: str
) -> tuple[AuditReturn, Judgement]:
    audit_return = _locked(session, public_id, by=by, now=now, permission=permission)
    row = rows_of(session, [audit_return.id]).get(audit_return.id, {}).get(key)
    if row is None:
        raise NotFound
    return audit_return, row


def _proposed(
    session: Session, public_id: str, key: str, *, by: Actor, now: datetime
) -> tuple[AuditReturn, Judgement]:
    audit_return, row = _row(session, public_id, key, by=by, now=now, permission="judgement.approve")
    if not row.override or row.approved_at:
        raise NotPossible(N_("Nothing is proposed here that waits for a decision."))
    if row.override_by_id == by.user_id:
        raise NotPossible(N_("You proposed this yourself. Another lead inspector has to decide."))
    return audit_return, row


def _clear(row: Judgement) -> None:
    row.override = row.override_reason = ""
    row.override_by_id = row.override_at = row.approved_by_id = row.approved_at = None


def _check_current(row: Judgement) -> None:
    if row.stale:
        raise NotPossible(
            N_("Something changed since this was judged. Judge the audit again, read what came of it, then decide.")
        )


def _check_grade(book: Rulebook, key: str, grade: str) -> None:
    if key not in book.profile.judgements:
        raise NotFound
    if grade not in book.ranks(key):
        raise NotPossible(N_("Choose one of the grades listed."))


def _tell(
    session: Session, audit_return: AuditReturn, verb: str, row: Judgement, reason: str, *, by: Actor, now: datetime
) -> None:
    events.append(
        session, events.oversight_chain(audit_return), verb, by=by, now=now,
        data={"judgement": row.key, "rules": row.grade, "grade": row.override},
        texts={"reason": reason} if reason else {},
    )  # fmt: skip
    session.flush()


def _words(text: str, remedy: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise NotPossible(remedy)
    if len(text) > LONGEST:
        raise NotPossible(
            N_("This has %(length)s characters; shorten it to %(limit)s or fewer."), length=len(text), limit=LONGEST
        )
    return text

