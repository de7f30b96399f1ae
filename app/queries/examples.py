"""Reading the examples that inspectors marked. Never for agencies: they learn of it from what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager, joinedload

from app.domain.answers import ANSWER_TYPES, Fact
from app.domain.templates import Criterion, Grade
from app.models import (
    Agency,
    AuditReturn,
    AuditRound,
    Example,
    Submission,
    SubmissionAnswer,
    SubmissionVoided,
)
from app.policy import Actor, require
from app.queries.own_types import types_where
from app.queries.packs import pack_of
from app.queries.rounds import round_facts
from app.queries.sites import site_names

KINDS = ("good", "concern")


@dataclass(frozen=True)
class ExampleFilter:
    """What the list is narrowed to; empty means all."""

    kind: str = ""
    theme: str = ""
    agency_type: str = ""


@dataclass(frozen=True)
class Marked:
    """An example with the answer that it is about, and the question's number with its site.

    `is_set_aside`: the agency has signed anew, or is about to.
    """

    example: Example
    criterion: Criterion
    number: str
    grade: Grade | None
    value: Mapping[str, Any]
    submission: str
    is_set_aside: bool

    @property
    def agency(self) -> Agency:
        """Whose answer it is."""
        return self.example.audit_return.agency

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What the answer says beside its grade."""
        return ANSWER_TYPES[self.criterion.answer.type].facts(self.value, self.criterion)


def examples(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, narrowed: ExampleFilter
) -> list[Marked]:
    """The examples of a round among the agency types that one may read, by theme as the pack has them, then agency.

    One statement, and one for the names of sites where the pack asks about any. Raises Denied.
    """
    require(actor, "example.mark", round_facts(session, audit_round, now=now))
    pack = pack_of(audit_round.pack_version)
    conditions = [
        AuditReturn.round_id == audit_round.id,
        AuditReturn.agency_type.in_(types_where(audit_round, actor, "return.mark_example")),
    ]
    if narrowed.kind:
        conditions.append(Example.kind == narrowed.kind)
    if narrowed.agency_type:
        conditions.append(AuditReturn.agency_type == narrowed.agency_type)
    rows = session.execute(
        select(
            Example, SubmissionAnswer.value, SubmissionAnswer.grade, Submission.public_id.label("submission"),
            SubmissionVoided.id.label("voided"),
        )
        .join(Example.audit_return)
        .join(AuditReturn.agency)
        .join(Submission, Submission.id == Example.submission_id)
        .join(
            SubmissionAnswer,
            (SubmissionAnswer.submission_id == Example.submission_id)
            & (SubmissionAnswer.criterion == Example.criterion)
            & (SubmissionAnswer.scope_key == Example.scope_key),
        )
        .outerjoin(SubmissionVoided, SubmissionVoided.submission_id == Submission.id)
        .where(*conditions)
        .options(contains_eager(Example.audit_return).contains_eager(AuditReturn.agency), joinedload(Example.by))
        .order_by(Agency.name, Example.id)
    ).all()  # fmt: skip
    asking = {row.Example.return_id for row in rows if pack.templates[row.Example.audit_return.agency_type].asks_sites}
    sites = site_names(session, asking) if asking else {}
    found = []
    for row in rows:
        template = pack.templates[row.Example.audit_return.agency_type]
        criterion = template.criterion(row.Example.criterion)
        scheme = pack.scheme_of(template, criterion)
        grade = next((grade for grade in scheme.grades if grade.key == row.grade), None)
        site = sites.get(row.Example.return_id, {}).get(row.Example.scope_key, "")
        number = template.number_of(criterion)
        if not narrowed.theme or criterion.theme == narrowed.theme:
            found.append(
                Marked(
                    row.Example, criterion, f"{number}, {site}" if site else number, grade, row.value, row.submission,
                    row.voided is not None,
                )
            )  # fmt: skip
    order = list(pack.themes)
    return sorted(found, key=lambda one: order.index(one.criterion.theme))


def example_on(session: Session, submission_id: int, criterion: str, scope: str, kind: str) -> Example | None:
    """The example of a kind that an answer is marked as, if it is. The caller asked policy."""
    return session.scalar(
        select(Example).where(
            Example.submission_id == submission_id,
            Example.criterion == criterion,
            Example.scope_key == scope,
            Example.kind == kind,
        )
    )


def examples_on(session: Session, submission: Submission) -> Sequence[Example]:
    """Every example in a submission, for inspectors: the caller asked policy."""
    return session.scalars(
        select(Example)
        .where(Example.submission_id == submission.id)
        .options(joinedload(Example.by))
        .order_by(Example.id)
    ).all()
