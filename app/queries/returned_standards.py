"""What is returned for correction. The caller got the return through `get_return`, which asked policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.answers import question_parts
from app.domain.returned_standards import Correction
from app.models import AuditReturn, ReturnedStandard
from app.queries.packs import template_of
from app.queries.returns import Checklist, checklist


def correction_of(
    session: Session, audit_return: AuditReturn, work: Checklist | None = None
) -> Correction | None:
    """What may change in a return of which standards are returned; None where all may, as far as this goes.

    `work`: the checklist as it stands, where the caller has it.
    """
    reasons = {row.standard: row.reason for row in audit_return.returned}
    if not reasons:
        return None
    work = work or checklist(session, audit_return)
    also = (
        item.id
        for section in work.sections
        if section.standard.id not in reasons
        for item in section.questions
        if item.required and item.outstanding
    )
    return Correction(reasons, frozenset(also))


def check_questions(session: Session, audit_return: AuditReturn, questions: Iterable[str]) -> None:
    """Raise NotPossible where one of the questions is of a standard that may not be changed now."""
    correction = correction_of(session, audit_return)
    if correction is None:
        return
    _pack, template = template_of(audit_return)
    known = {placed.criterion.id: placed.criterion for placed in template.criteria()}
    for question in questions:
        criterion = known.get(question_parts(question)[0])
        if criterion is not None:
            correction.check(template.standard_of(criterion).id, question)


def returned_standards(session: Session, audit_return: AuditReturn) -> Sequence[ReturnedStandard]:
    """Every standard of a return that was ever returned for correction, latest first, settled ones too."""
    return session.scalars(
        select(ReturnedStandard)
        .where(ReturnedStandard.return_id == audit_return.id)
        .order_by(ReturnedStandard.id.desc())
    ).all()
