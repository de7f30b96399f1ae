"""Results of a survey of front-line staff: from an oversight body for a round, or from an agency for itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, joinedload

from app.domain.integrity import hash_of
from app.domain.life import NotPossible, check_not_archived
from app.domain.message import N_
from app.domain.survey import Result, Survey, read_results
from app.domain.templates import Pack
from app.models import AuditReturn, AuditRound, SurveyResult
from app.operations import events
from app.policy import Actor
from app.queries.packs import pack_of
from app.queries.returns import get_return, why_closed
from app.queries.rounds import get_round, invited_types


def give_for_round(session: Session, public_id: str, text: str, *, by: Actor, now: datetime) -> int:
    """Take a file of results for agencies of a round, in place of those that these agencies have; says of how many.

    Of the agency types that the actor's bodies ask, or of all for the body that runs the round. Raises NotFound,
    NotPossible (no survey in the pack, the round is archived), and SurveyRefused, where nothing is stored.
    """
    audit_round = get_round(session, public_id, actor=by, now=now, permission="survey.give")
    check_not_archived(audit_round.archived_at)
    pack, survey = _survey(audit_round)
    types = frozenset(pack.agency_types) if by.system else invited_types(audit_round, by)
    returns = session.scalars(
        select(AuditReturn)
        .where(AuditReturn.round_id == audit_round.id, AuditReturn.agency_type.in_(types))
        .options(joinedload(AuditReturn.agency))
    ).all()
    by_code = {one.agency.code: one for one in returns}
    statements = {code: survey.asked_of(pack, one.agency_type) for code, one in by_code.items()}
    results = read_results(text, survey, statements)
    named = {by_code[result.agency].id for result in results}
    session.execute(delete(SurveyResult).where(SurveyResult.return_id.in_(named)))
    _add(session, ((by_code[result.agency], result) for result in results), "body", by=by, now=now)
    events.append(
        session, events.chain_of(audit_round), "survey.given", by=by, now=now,
        data={"agencies": len(named), "lines": len(results), "sha256": _digest(results)},
    )  # fmt: skip
    session.flush()
    return len(named)


def give_own(session: Session, public_id: str, text: str, *, by: Actor, now: datetime) -> int:
    """Take an agency's file of its own results, in place of what it gave before; says of how many statements.

    Raises NotFound, NotPossible (no survey in the pack, nothing can be changed any more, the oversight body gave
    results itself), and SurveyRefused, where nothing is stored.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.give_survey", lock=True)
    if reason := why_closed(audit_return, now=now):
        raise NotPossible(reason)
    pack, survey = _survey(audit_return.audit_round)
    of_body = select(SurveyResult.id).where(
        SurveyResult.return_id == audit_return.id, SurveyResult.given_by == "body"
    )
    if session.scalar(of_body.limit(1)):
        raise NotPossible(N_("The oversight body gave the results of your staff itself, so yours were not taken."))
    code = audit_return.agency.code
    results = read_results(text, survey, {code: survey.asked_of(pack, audit_return.agency_type)}, own=code)
    session.execute(delete(SurveyResult).where(SurveyResult.return_id == audit_return.id))
    _add(session, ((audit_return, result) for result in results), "agency", by=by, now=now)
    events.append(
        session, events.chain_of(audit_return), "survey.given", by=by, now=now,
        data={"lines": len(results), "sha256": _digest(results)},
    )  # fmt: skip
    session.flush()
    return len(results)


def _survey(audit_round: AuditRound) -> tuple[Pack, Survey]:
    pack = pack_of(audit_round.pack_version)
    survey = Survey.of(pack)
    if survey is None:
        raise NotPossible(N_("The checklists of this round have no survey of staff."))
    return pack, survey


def _add(
    session: Session, results: Iterable[tuple[AuditReturn, Result]], side: str, *, by: Actor, now: datetime
) -> None:
    session.add_all(
        SurveyResult(
            return_id=audit_return.id, statement=result.statement, asked=result.asked, answered=result.answered,
            counts=dict(result.counts), given_by=side, at=now, by_id=by.user_id,
        )
        for audit_return, result in results
    )  # fmt: skip


def _digest(results: Sequence[Result]) -> str:
    """A hash over all that was stored, so that the history shows which results it was."""
    return hash_of([[one.agency, one.statement, one.asked, one.answered, dict(one.counts)] for one in results])
