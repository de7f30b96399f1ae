"""What a survey of front-line staff says, beside what the leadership of an agency answered.

An agency sees its own results: what it gave itself at once, and what the oversight body gave once it has submitted, so
that nobody fits an answer to them. Others see those of an agency only where they read its submission.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.findings import StaffLine, percent
from app.domain.survey import Survey
from app.domain.templates import Criterion, Pack
from app.domain.text import Text
from app.models import AuditReturn, AuditRound, SurveyResult
from app.policy import Actor, require
from app.queries.findings import latest_submissions
from app.queries.packs import pack_of
from app.queries.returns import return_facts, sees_drafts
from app.queries.rounds import invited_types, round_facts
from app.queries.staff import lines_of, results_of

MOST_APART = 20  # agencies that the figures name


@dataclass(frozen=True)
class Beside:
    """What staff say to one statement. `agree` of `counted`; None where too few answered for it to be shown.

    `at`: when the results were given, `given_by` the `agency` itself or the oversight `body`.
    """

    text: Text
    asked: int
    at: datetime
    given_by: str
    agree: int | None = None
    counted: int | None = None

    @property
    def percent(self) -> int | None:
        """Per cent who agree: 0 means none and 100 all."""
        return None if self.agree is None or self.counted is None else percent(self.agree, self.counted)


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
        row.statement: shown_beside(survey, row)
        for row in session.scalars(query.order_by(SurveyResult.id))
        if row.statement in survey.statements
    }


def shown_beside(survey: Survey, row: SurveyResult) -> Beside:
    """What may be shown of a result. The caller asked policy."""
    text = survey.statements[row.statement].text
    if not survey.may_be_shown(row.counts):
        return Beside(text, row.asked, row.at, row.given_by)
    return Beside(text, row.asked, row.at, row.given_by, *survey.share(row.counts))


# --- figures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Apart:
    """An agency whose leadership says that something is met, while fewer than half of its staff agree."""

    return_id: str
    agency: str
    agency_type: str
    criterion: Criterion
    number: str
    percent: int
    counted: int


@dataclass(frozen=True)
class SurveyFigures:
    """The survey of a round: by statement and agency type; where leaders and staff differ most; and who is covered.

    `returns`: submitted returns with results, `least` answers are shown at least. `statements` are those with results,
    id to words, whatever the figures are narrowed to.
    """

    title: Text
    least: int
    lines: tuple[StaffLine, ...]
    apart: tuple[Apart, ...]
    returns: int
    statements: Mapping[str, Text]


def survey_figures(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, language: str = "en",
    agency_type: str = "", statement: str = "",
) -> SurveyFigures | None:  # fmt: skip
    """The figures of the survey of a round, None where its checklists have none. Raises Denied.

    With `agency_type` and `statement` of these alone. Agencies are named only where the actor's body asks their type.
    """
    require(actor, "figures.read", round_facts(session, audit_round, now=now))
    found = survey_of(audit_round)
    if found is None:
        return None
    pack, survey = found
    every = results_of(session, latest_submissions(audit_round), pack, survey)
    given = {one.placed.criterion.id for one in every.asked}
    wanted = replace(
        every,
        asked=tuple(
            one
            for one in every.asked
            if agency_type in ("", one.agency_type) and statement in ("", one.placed.criterion.id)
        ),
    )
    named = frozenset(pack.agency_types) if actor.system else invited_types(audit_round, actor)
    apart = []
    for one in wanted.asked:
        for each in one.shown if one.agency_type in named else ():
            agree, counted = survey.share(each.result.counts)
            if each.signed and set(each.signed) == {"met"} and 2 * agree < counted:
                apart.append(
                    Apart(
                        each.return_id, each.agency, one.agency_type, one.placed.criterion, one.placed.number,
                        percent(agree, counted) or 0, counted,
                    )
                )  # fmt: skip
    apart.sort(key=lambda one: (one.percent, -one.counted, one.agency, one.number))
    return SurveyFigures(
        title=survey.title, least=survey.least, lines=tuple(lines_of(wanted, language)),
        apart=tuple(apart[:MOST_APART]), returns=every.returns,
        statements={key: one.text for key, one in survey.statements.items() if key in given},
    )  # fmt: skip
