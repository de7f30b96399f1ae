"""Reading what was counted for the people of a round's oversight bodies, and the agencies behind it.

The figures are those of `app.queries.facts`; here they are narrowed, and a reader goes on to who said what.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.orm import Session

from app.domain.asking import DateAsked, FileAsked, Measured, TextAsked
from app.domain.paging import paged
from app.models import (
    Agency,
    AuditReturn,
    AuditRound,
    EvidenceLink,
    ReturnSite,
    Submission,
    SubmissionAnswer,
)
from app.policy import Actor, require
from app.queries.facts import FactGroup, facts_of, said_of, value_of
from app.queries.figures import (
    FEW,
    AreaOf,
    Narrowed,
    areas_of_round,
    narrowing,
    readable_types,
    site_of,
    submitted_returns,
)
from app.queries.findings import Asked, Reading, reading_of
from app.queries.rounds import NotFound, round_facts

EXCERPT = 300  # characters of a text in a list


@dataclass(frozen=True)
class FactFigures:
    """What was counted in a round, as it is narrowed. `submitted`: the returns that it is of.

    `asks_facts`: whether any question of the round is answered with a fact.
    """

    reading: Reading
    areas: tuple[AreaOf, ...]
    submitted: int
    groups: tuple[FactGroup, ...]
    asks_facts: bool


def fact_figures(
    session: Session, audit_round: AuditRound, narrowed: Narrowed, *, actor: Actor, now: datetime, language: str
) -> FactFigures:  # fmt: skip
    """What the facts of submitted returns come to. Five statements at most, however many returns there are.

    Raises Denied unless the actor is an inspector of the round.
    """
    require(actor, "figures.read", round_facts(session, audit_round, now=now))
    reading = reading_of(session, audit_round, language)
    areas = areas_of_round(session, audit_round)
    conditions = narrowing(reading, narrowed, areas)
    returns = submitted_returns(session, conditions)
    facts = {
        reference: one
        for reference, one in reading.facts.items()
        if narrowed.agency_type in ("", one.agency_type)
        and narrowed.theme in ("", one.criterion.theme)
        and (not narrowed.subtype or one.criterion.asked_of(narrowed.subtype))
    }
    groups = facts_of(reading, facts, returns, conditions)
    return FactFigures(reading, areas, sum(returns.values()), groups, bool(reading.facts))


# --- who said it -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FactFilter:
    """What the list is narrowed to and sorted by. `at_least` and `at_most`: limits of a number or share, or of a day.

    `choice`: a key of those that can be chosen; `sort` is `name` or `value`.
    """

    choice: str = ""
    at_least: Fraction | date | None = None
    at_most: Fraction | date | None = None
    text: str = ""
    sort: str = "name"
    descending: bool = False
    page: int = 1


class SaidRow(NamedTuple):
    """What one agency said. `value`: as stored, but a text cut short (`is_cut`), and a table without its cells.

    `submission_id`, and a text, are given only where the actor's body asks this type of agency. `area` is empty where
    the answer is about all. `files`: how many, where they are the answer.
    """

    agency: str
    code: str
    subtype: str
    area: str
    value: dict[str, Any]
    files: int
    is_cut: bool
    return_id: str
    submission_id: str
    question: str


@dataclass(frozen=True)
class SaidOf:
    """A page of what agencies said. `readable`: whether the actor's body asks this type of agency."""

    reading: Reading
    asked: Asked
    areas: tuple[AreaOf, ...]
    rows: tuple[SaidRow, ...]
    total: int
    pages: int
    readable: bool


class _One(NamedTuple):
    """One answer that says something. Where files are the answer, `answer_id` is how many there are."""

    answer_id: int
    scope: str
    said: str
    value: dict[str, Any]
    subtype: str
    agency: str
    code: str
    return_id: str
    submission_id: str
    area: str


def agencies_said(
    session: Session, audit_round: AuditRound, agency_type: str, criterion: str, narrowed: Narrowed, wanted: FactFilter,
    *, actor: Actor, now: datetime, language: str, page_size: int | None = FEW,
) -> SaidOf:  # fmt: skip
    """What the agencies of a type said to one question. At most five statements.

    `page_size` None gives all. Raises Denied, and NotFound for a question that is not answered with a fact.
    """
    require(actor, "figures.read", round_facts(session, audit_round, now=now))
    reading = reading_of(session, audit_round, language)
    asked = reading.facts.get(f"{agency_type}#{criterion}")
    if asked is None:
        raise NotFound
    areas = areas_of_round(session, audit_round)
    conditions = [*narrowing(reading, narrowed, areas), AuditReturn.agency_type == agency_type]
    readable = agency_type in readable_types(audit_round, actor)
    # one question has an answer or two of each agency: filtering and sorting them here is quicker than SQL
    sought = wanted.text.strip().casefold()
    fitting = [
        one
        for one in _said(reading, asked, areas, conditions)
        if _fits(asked, wanted, one) and (sought in one.agency.casefold() or sought in one.code.casefold())
    ]
    backwards = wanted.descending and wanted.sort != "value"
    fitting.sort(key=lambda one: (one.agency.casefold(), one.code, one.area), reverse=backwards)
    if wanted.sort == "value":
        key = _sorting(asked)
        ordered = sorted((one for one in fitting if key(one) is not None), key=key, reverse=wanted.descending)
        fitting = ordered + [one for one in fitting if key(one) is None]
    page, pages = paged(len(fitting), page_size, wanted.page)
    start = (page - 1) * page_size if page_size else 0
    shown = fitting[start : start + page_size] if page_size else fitting
    rows = _rows(session, asked, shown, readable=readable, cut=page_size is not None)
    return SaidOf(reading, asked, areas, rows, len(fitting), pages, readable)


def _said(
    reading: Reading, asked: Asked, areas: Sequence[AreaOf], conditions: Sequence[ColumnElement[bool]]
) -> list[_One]:
    """Every signed answer to one question that says something. One statement."""
    latest, session, criterion = reading.latest, reading.session, asked.criterion
    names = {area.public_id: area.name for area in areas}
    by_site = criterion.scope == "site"
    of: tuple[Any, ...] = (
        AuditReturn.subtype, Agency.name, Agency.code, AuditReturn.public_id, Submission.public_id,
        ReturnSite.name if by_site else literal(None),
    )  # fmt: skip
    if isinstance(criterion.answer, FileAsked):
        query = (
            select(func.count(), EvidenceLink.scope_key, *of)
            .join(latest, latest.c.return_id == EvidenceLink.return_id)
            .join(AuditReturn, AuditReturn.id == EvidenceLink.return_id)
            .where(EvidenceLink.criterion == criterion.id)
            .group_by(EvidenceLink.scope_key, *of[:5], *([ReturnSite.name] if by_site else []))
        )
    else:
        query = (
            select(SubmissionAnswer.id, SubmissionAnswer.scope_key, *of, said_of(session).label("said"))
            .join(latest, latest.c.submission_id == SubmissionAnswer.submission_id)
            .join(AuditReturn, AuditReturn.id == latest.c.return_id)
            .where(SubmissionAnswer.criterion == criterion.id)
        )
    query = (
        query.join(Agency, Agency.id == AuditReturn.agency_id)
        .join(Submission, Submission.id == latest.c.submission_id)
        .where(*conditions)
    )
    if by_site:
        of_file = isinstance(criterion.answer, FileAsked)
        query = query.outerjoin(ReturnSite, site_of(EvidenceLink.scope_key if of_file else SubmissionAnswer.scope_key))
    return [
        _One(
            id_, scope, said[0] if said else "", value_of(criterion.answer.type, said[0]) if said else {}, subtype,
            agency, code, return_id, submission, site or names.get(scope, scope),
        )
        for id_, scope, subtype, agency, code, return_id, submission, site, *said in session.execute(query)
        if not said or said[0] is not None
    ]  # fmt: skip


def _fits(asked: Asked, wanted: FactFilter, one: _One) -> bool:
    answer = asked.criterion.answer
    if wanted.choice in answer.choices_known() and wanted.choice not in answer.chosen(one.value):
        return False
    kind = date if isinstance(answer, DateAsked) else Fraction
    # a day limits no number
    least, most = (limit if isinstance(limit, kind) else None for limit in (wanted.at_least, wanted.at_most))
    if least is None and most is None:
        return True
    given: Any = date.fromisoformat(one.value["date"]) if kind is date else answer.measure(one.value)
    return given is not None and (least is None or given >= least) and (most is None or given <= most)


def _sorting(asked: Asked) -> Callable[[_One], Any]:
    """What answers are sorted by: a number, a day, or the place of the first choice among those that can be made."""
    answer = asked.criterion.answer
    if isinstance(answer, FileAsked):
        return lambda one: one.answer_id
    if isinstance(answer, Measured) and not answer.choices_known():
        return lambda one: answer.measure(one.value)
    if places := {key: place for place, key in enumerate(answer.choices_known())}:
        return lambda one: [places[key] for key in answer.chosen(one.value)] or None
    return lambda one: one.said or None


def _rows(
    session: Session, asked: Asked, shown: Sequence[_One], *, readable: bool, cut: bool
) -> tuple[SaidRow, ...]:
    """The answers of a page; texts are looked up only here. One statement for texts, else none."""
    answer, texts = asked.criterion.answer, defaultdict[int, str](str)
    if isinstance(answer, TextAsked) and readable:
        whole = SubmissionAnswer.value["text"].as_string()
        for answer_id, text in session.execute(
            select(SubmissionAnswer.id, func.substr(whole, 1, EXCERPT + 1) if cut else whole)
            .where(SubmissionAnswer.id.in_([one.answer_id for one in shown]))
        ):
            texts[answer_id] = text
    rows = []
    for one in shown:
        text = texts[one.answer_id]
        value = {"text": text[:EXCERPT] if cut else text} if isinstance(answer, TextAsked) else one.value
        rows.append(
            SaidRow(
                one.agency, one.code, one.subtype, one.area, value,
                one.answer_id if isinstance(answer, FileAsked) else 0, cut and len(text) > EXCERPT, one.return_id,
                one.submission_id if readable else "",
                f"{asked.criterion.id}.{one.scope}" if one.scope else asked.criterion.id,
            )
        )  # fmt: skip
    return tuple(rows)
