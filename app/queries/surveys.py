"""What a survey of front-line staff says, beside what the leadership of an agency answered.

An agency sees its own results: what it gave itself at once, and what the oversight body gave once it has submitted, so
that nobody fits an answer to them. Others see those of an agency only where they read its submission.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.survey import Survey
from app.domain.templates import Criterion, Pack
from app.domain.text import Text
from app.models import Agency, AuditReturn, AuditRound, SubmissionAnswer, SurveyResult
from app.policy import Actor, require
from app.queries.findings import latest_submissions
from app.queries.packs import pack_of
from app.queries.returns import return_facts, sees_drafts
from app.queries.rounds import invited_types, round_facts

MOST_APART = 20  # agencies that the figures name


@dataclass(frozen=True)
class Beside:
    """What staff say to one statement. `agree` of `counted`; None where too few answered for it to be shown."""

    text: Text
    asked: int
    agree: int | None = None
    counted: int | None = None

    @property
    def percent(self) -> int | None:
        """Per cent who agree: 0 means none and 100 all."""
        return share_words(self.agree, self.counted)


def share_words(agree: int | None, counted: int | None) -> int | None:
    """A whole per cent, where 0 means none and 100 means all; None where there is nothing to divide."""
    if agree is None or not counted:
        return None
    percent = round(100 * agree / counted)
    return max(1, min(99, percent)) if 0 < agree < counted else percent


def survey_of(audit_round: AuditRound) -> tuple[Pack, Survey] | None:
    """The survey that belongs to the checklists of a round; None where there is none."""
    pack = pack_of(audit_round.pack_version)
    survey = Survey.of(pack)
    return (pack, survey) if survey else None


def beside_answers(
    session: Session, audit_return: AuditReturn, *, actor: Actor, now: datetime, permission: str = "return.read"
) -> dict[str, Beside]:
    """Criterion to what staff of the agency say of it. Raises Denied unless the actor has the permission."""
    found = survey_of(audit_return.audit_round)
    if found is None:
        return {}
    facts = return_facts(session, audit_return, now=now)
    require(actor, permission, facts)
    _pack, survey = found
    query = select(SurveyResult).where(SurveyResult.return_id == audit_return.id)
    if sees_drafts(actor, audit_return):
        if not facts.has_submission:
            query = query.where(SurveyResult.given_by == "agency")
    elif not (facts.has_submission or actor.system):
        return {}
    return {
        row.statement: _beside(survey, row)
        for row in session.scalars(query.order_by(SurveyResult.id))
        if row.statement in survey.statements
    }


def _beside(survey: Survey, row: SurveyResult) -> Beside:
    text = survey.statements[row.statement].text
    if not survey.may_be_shown(row.counts):
        return Beside(text, row.asked)
    return Beside(text, row.asked, *survey.share(row.counts))


# --- figures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One statement and agency type: agencies with enough answers, what their staff say, and what leaders answered.

    `met` of `graded`: those of the agencies whose signed grade counts as met, of those whose grade counts. `few`: the
    agencies left out because too few answered.
    """

    agency_type: str
    criterion: Criterion
    number: str
    text: Text
    agencies: int
    few: int
    asked: int
    agree: int
    counted: int
    met: int
    graded: int

    @property
    def percent(self) -> int | None:
        """Per cent of staff who agree."""
        return share_words(self.agree, self.counted)

    @property
    def percent_met(self) -> int | None:
        """Per cent of the agencies whose leadership says that it is met."""
        return share_words(self.met, self.graded)


@dataclass(frozen=True)
class Apart:
    """An agency whose leadership says that something is met, while fewer than half of its staff agree."""

    return_id: str
    agency: str
    criterion: Criterion
    number: str
    percent: int
    counted: int


@dataclass(frozen=True)
class SurveyFigures:
    """The survey of a round: by statement and agency type; where leaders and staff differ most; and who is covered.

    `returns`: submitted returns with results. Only these are in any figure.
    """

    title: Text
    least: int
    lines: tuple[Line, ...]
    apart: tuple[Apart, ...]
    returns: int


def survey_figures(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime
) -> SurveyFigures | None:
    """The figures of the survey of a round, None where its checklists have none. Raises Denied.

    Agencies are named only where the actor's body asks their type.
    """
    require(actor, "figures.read", round_facts(session, audit_round, now=now))
    found = survey_of(audit_round)
    if found is None:
        return None
    pack, survey = found
    latest = latest_submissions(audit_round)
    rows = session.execute(
        select(SurveyResult, AuditReturn.agency_type, AuditReturn.public_id, Agency.name)
        .join(AuditReturn, AuditReturn.id == SurveyResult.return_id)
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .join(latest, latest.c.return_id == SurveyResult.return_id)
        .order_by(Agency.name, AuditReturn.id)
    ).all()
    grades = _grades(session, audit_round, survey)
    named = frozenset(pack.agency_types) if actor.system else invited_types(audit_round, actor)
    lines, apart = [], []
    by_type: Mapping[str, dict[str, list[tuple[SurveyResult, str, str]]]] = defaultdict(lambda: defaultdict(list))
    for result, agency_type, public_id, name in rows:
        by_type[agency_type][result.statement].append((result, public_id, name))
    for agency_type, template in pack.templates.items():
        for placed in template.criteria():
            given = by_type[agency_type][placed.criterion.id]
            if not given or placed.criterion.id not in survey.statements:
                continue
            counts_as = {grade.key: grade.counts_as for grade in pack.scheme_of(template, placed.criterion).grades}
            shown = [one for one in given if survey.may_be_shown(one[0].counts)]
            shares = [survey.share(result.counts) for result, _id, _name in shown]
            said = [
                counts_as[grade]
                for result, _id, _name in shown
                for grade in grades[result.return_id, result.statement]
                if grade in counts_as
            ]
            lines.append(
                Line(
                    agency_type=agency_type,
                    criterion=placed.criterion,
                    number=placed.number,
                    text=survey.statements[placed.criterion.id].text,
                    agencies=len(shown),
                    few=len(given) - len(shown),
                    asked=sum(result.asked for result, _id, _name in shown),
                    agree=sum(agree for agree, _counted in shares),
                    counted=sum(counted for _agree, counted in shares),
                    met=said.count("met"),
                    graded=len(said) - said.count("excluded"),
                )
            )
            for (result, public_id, name), (agree, counted) in zip(shown, shares, strict=True):
                signed = [counts_as.get(grade) for grade in grades[result.return_id, result.statement]]
                if agency_type in named and signed and set(signed) == {"met"} and 2 * agree < counted:
                    percent = share_words(agree, counted) or 0
                    apart.append(Apart(public_id, name, placed.criterion, placed.number, percent, counted))
    apart.sort(key=lambda one: (one.percent, -one.counted, one.agency, one.number))
    return SurveyFigures(
        title=survey.title,
        least=survey.least,
        lines=tuple(lines),
        apart=tuple(apart[:MOST_APART]),
        returns=len({result.return_id for result, *_rest in rows}),
    )


def _grades(session: Session, audit_round: AuditRound, survey: Survey) -> Mapping[tuple[int, str], Sequence[str]]:
    """Return and criterion to the grades that were signed, one for each area where it is asked so."""
    latest = latest_submissions(audit_round)
    rows = session.execute(
        select(latest.c.return_id, SubmissionAnswer.criterion, SubmissionAnswer.grade)
        .join(latest, latest.c.submission_id == SubmissionAnswer.submission_id)
        .where(SubmissionAnswer.criterion.in_(list(survey.statements)), SubmissionAnswer.grade != "")
        .order_by(SubmissionAnswer.id)
    )
    found: dict[tuple[int, str], list[str]] = defaultdict(list)
    for return_id, criterion, grade in rows:
        found[return_id, criterion].append(grade)
    return found
