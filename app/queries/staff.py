"""Reading what staff say: the results of a survey beside what was signed, by statement and agency type.

Of submitted returns only, and of agencies where enough answered: of the others nothing enters a figure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import CTE, select
from sqlalchemy.orm import Session

from app.domain.findings import StaffFindings, StaffLine, percent
from app.domain.survey import Survey
from app.domain.templates import Pack, Placed
from app.domain.text import localise
from app.models import Agency, AuditReturn, SubmissionAnswer, SurveyResult

if TYPE_CHECKING:
    from app.queries.findings import Reading


@dataclass(frozen=True)
class Given:
    """What staff of one agency say to one statement, and what the grades that it signed there count as."""

    result: SurveyResult
    return_id: str
    agency: str
    signed: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """A statement as agencies of one type gave results: `shown` of them have enough answers, `few` have not."""

    agency_type: str
    placed: Placed
    shown: tuple[Given, ...]
    few: int


@dataclass(frozen=True)
class Results:
    """The results of submitted returns by agency type and statement, in the pack's order; `returns` have some."""

    survey: Survey
    asked: tuple[Asked, ...]
    returns: int


def results_of(
    session: Session, latest: CTE, pack: Pack, survey: Survey, *, types: Collection[str] | None = None
) -> Results:
    """The results of the submissions in `latest` (see `latest_submissions`), of some agency types where they are named.

    Two statements. The caller asked policy.
    """
    query = (
        select(SurveyResult, AuditReturn.agency_type, AuditReturn.public_id, Agency.name)
        .join(AuditReturn, AuditReturn.id == SurveyResult.return_id)
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .join(latest, latest.c.return_id == SurveyResult.return_id)
        .where(SurveyResult.statement.in_(list(survey.statements)))
        .order_by(Agency.name, AuditReturn.id)
    )
    if types is not None:
        query = query.where(AuditReturn.agency_type.in_(types))
    rows = session.execute(query).all()
    grades = _grades(session, latest, survey) if rows else {}
    by_type: Mapping[str, dict[str, list[Given]]] = defaultdict(lambda: defaultdict(list))
    kinds = _kinds(pack, survey)
    for result, agency_type, public_id, name in rows:
        counts_as = kinds.get((agency_type, result.statement), {})
        signed = tuple(
            counts_as[one] for one in grades.get((result.return_id, result.statement), ()) if one in counts_as
        )
        by_type[agency_type][result.statement].append(Given(result, public_id, name, signed))
    asked = []
    for agency_type, template in pack.templates.items():
        for placed in template.criteria():
            given = by_type[agency_type][placed.criterion.id]
            if given:
                shown = tuple(one for one in given if survey.may_be_shown(one.result.counts))
                asked.append(Asked(agency_type, placed, shown, len(given) - len(shown)))
    return Results(survey, tuple(asked), len({result.return_id for result, *_rest in rows}))


def _kinds(pack: Pack, survey: Survey) -> dict[tuple[str, str], dict[str, str]]:
    """Agency type and statement to what each grade of its question counts as."""
    return {
        (agency_type, placed.criterion.id): {
            grade.key: grade.counts_as for grade in pack.scheme_of(template, placed.criterion).grades
        }
        for agency_type, template in pack.templates.items()
        for placed in template.criteria()
        if placed.criterion.id in survey.statements
    }


def _grades(session: Session, latest: CTE, survey: Survey) -> Mapping[tuple[int, str], Sequence[str]]:
    """Return and criterion to the grades that were signed, one for each place where it is asked so."""
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


def lines_of(results: Results, language: str) -> Iterator[StaffLine]:
    """A line for each statement and agency type, from the agencies that may be shown."""
    survey = results.survey
    for one in results.asked:
        criterion = one.placed.criterion
        shares = [survey.share(given.result.counts) for given in one.shown]
        said = [kind for given in one.shown for kind in given.signed]
        agree, counted = sum(part for part, _of in shares), sum(of for _part, of in shares)
        met, graded = said.count("met"), len(said) - said.count("excluded")
        yield StaffLine(
            agency_type=one.agency_type, id=criterion.id, number=one.placed.number,
            label=localise(survey.statements[criterion.id].text, language),
            agencies=len(one.shown), few=one.few, asked=sum(given.result.asked for given in one.shown),
            agree=agree, counted=counted, percent=percent(agree, counted),
            met=met, graded=graded, percent_met=percent(met, graded),
        )  # fmt: skip


def staff_findings(reading: Reading) -> StaffFindings | None:
    """What staff say in a round, for its joint findings. None where nobody gave results. No agency is named."""
    survey = Survey.of(reading.pack)
    if survey is None:
        return None
    results = results_of(reading.session, reading.latest, reading.pack, survey, types=reading.types)
    if not results.asked:
        return None
    instants = [given.result.at for one in results.asked for given in one.shown]
    return StaffFindings(
        title=reading.say(survey.title), least=survey.least, returns=results.returns,
        given_at=max(instants, default=None), lines=tuple(lines_of(results, reading.language)),
    )  # fmt: skip
