"""Making the letter to an area from what was signed, and from the grades that inspectors' checks left.

Callers ask policy first: see `app.queries.letters`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select, true, tuple_
from sqlalchemy.orm import Session, contains_eager, joinedload

from app.clock import today
from app.domain.findings import Body, FindingsTexts
from app.domain.letter import (
    AreaLetter,
    Contributor,
    Signed,
    has_letters,
    plain,
    sections_of,
    short_names,
    speaks,
)
from app.domain.templates import Pack
from app.domain.text import localise
from app.languages import LANGUAGES
from app.models import (
    Agency,
    AgencyInArea,
    Area,
    AuditReturn,
    AuditRound,
    Declaration,
    Feedback,
    SubmissionAnswer,
)
from app.queries.checks import is_second_at_work
from app.queries.findings import (
    agency_info,
    bodies_of,
    latest_submissions,
    newest_feedback,
    pack_info,
    round_info,
)
from app.queries.moderation import Findings, checked
from app.queries.packs import pack_of
from app.queries.rounds import is_merged_clause


def contributed(session: Session, audit_round: AuditRound, *, only: str = "") -> dict[int, set[int]]:
    """Area to the agencies that signed something about it; `only`: of the area with this public id. One statement."""
    latest = latest_submissions(audit_round)
    found: dict[int, set[int]] = defaultdict(set)
    for area_id, agency_id in session.execute(
        select(Area.id, AuditReturn.agency_id)
        .join(SubmissionAnswer, SubmissionAnswer.scope_key == Area.public_id)
        .join(latest, latest.c.submission_id == SubmissionAnswer.submission_id)
        .join(AuditReturn, AuditReturn.id == latest.c.return_id)
        .where(_is_about_area(pack_of(audit_round.pack_version)), _is(only))
        .distinct()
    ):
        found[area_id].add(agency_id)
    return found


def _is_about_area(pack: Pack) -> ColumnElement[bool]:
    """SQL: the answer is to a question about an area. Agencies choose the codes of their sites, so a scope alone does
    not tell an area from a site."""
    asked = {
        kind: [placed.criterion.id for placed in template.criteria() if placed.criterion.scope == "area"]
        for kind, template in pack.templates.items()
    }
    return or_(
        false(),
        *(
            and_(AuditReturn.agency_type == kind, SubmissionAnswer.criterion.in_(ids))
            for kind, ids in asked.items()
            if ids
        ),
    )


def _is(only: str) -> ColumnElement[bool]:
    """SQL: the area with a public id; any where none is given."""
    return Area.public_id == only if only else true()


def addressed(session: Session, audit_round: AuditRound, *, only: str = "") -> dict[int, dict[int, AuditReturn]]:
    """Area to the agencies that letters to it are written to, each with its return: those that work there while the
    round runs and that are asked nothing about areas. By name; `only`: of the area with this public id. One statement.
    """
    pack = pack_of(audit_round.pack_version)
    kinds = [key for key, template in pack.templates.items() if not speaks(template)]
    opens, closes = today(audit_round.opens), today(audit_round.closes)
    found: dict[int, dict[int, AuditReturn]] = defaultdict(dict)
    for area_id, audit_return in session.execute(
        select(AgencyInArea.area_id, AuditReturn)
        .join(AgencyInArea.area)
        .join(AuditReturn, AuditReturn.agency_id == AgencyInArea.agency_id)
        .join(AuditReturn.agency)
        .where(
            _is(only),
            AuditReturn.round_id == audit_round.id,
            AuditReturn.agency_type.in_(kinds),
            ~is_merged_clause(),
            and_(AgencyInArea.starts <= closes, or_(AgencyInArea.ends.is_(None), AgencyInArea.ends >= opens)),
        )
        .options(contains_eager(AuditReturn.agency), joinedload(AuditReturn.audit_round))
        .order_by(Agency.name, AuditReturn.id)
    ):
        found[area_id][audit_return.agency_id] = audit_return
    return found


@dataclass(frozen=True)
class _Read:
    """What letters of a round are made of, read once for however many areas and languages.

    `answers`: public id of an area to what was signed about it, in the order in which agencies are to speak; `held`:
    return to what holds where an inspector checked it; `said`: public id of a return to what its feedback opens with.
    """

    audit_round: AuditRound
    answers: Mapping[str, Sequence[Any]]
    held: Mapping[int, Findings]
    written_to: Mapping[int, Mapping[int, AuditReturn]]
    bodies: tuple[Body, ...]
    said: Mapping[str, str]
    is_closed: bool
    is_draft: bool


def letter(
    session: Session, audit_round: AuditRound, area: Area, *, now: datetime, language: str,
    may_read: Callable[[AuditReturn], bool],
) -> AreaLetter | None:  # fmt: skip
    """The letter to an area as it would be now, a draft; None where nobody signed anything about the area.

    It opens with the newest words to those agencies alone whose feedback the reader `may_read`. While a second
    inspector is at work the agencies' own grades stand in it.
    """
    answers = _answers(session, audit_round, only=area.public_id)
    if not answers:
        return None
    written_to = addressed(session, audit_round, only=area.public_id)
    returns = {one.public_id: one for one in written_to.get(area.id, {}).values()}
    said = _newest_narratives(session, [one.id for one in returns.values()])
    hidden = is_second_at_work(session, audit_round)
    found = _Read(
        audit_round, answers, {} if hidden else _held(session, answers), written_to, bodies_of(session, audit_round),
        {key: words for key, words in said.items() if may_read(returns[key])}, now > audit_round.open_until,
        is_draft=True,
    )  # fmt: skip
    return _written(found, area, language)


def letters(
    session: Session, audit_round: AuditRound, *, feedback: Mapping[str, int], now: datetime
) -> dict[str, dict[str, Any]]:
    """Every letter of a round as it is published: area to language to the letter as data. Empty where it has none.

    `feedback`: public id of a return to the version that comes out: letters open with what these say, and nothing else.
    A fixed number of statements. The caller may publish the findings.
    """
    if not has_letters(pack_of(audit_round.pack_version)):
        return {}
    answers = _answers(session, audit_round)
    areas = session.scalars(select(Area).where(Area.public_id.in_(answers)).order_by(Area.id)).all()
    written_to = addressed(session, audit_round)
    returns = {one.public_id for each in written_to.values() for one in each.values()}
    found = _Read(
        audit_round, answers, _held(session, answers), written_to, bodies_of(session, audit_round),
        _narratives(session, {key: version for key, version in feedback.items() if key in returns}),
        now > audit_round.open_until, is_draft=False,
    )  # fmt: skip
    return {
        area.public_id: {language: _written(found, area, language).model_dump(mode="json") for language in LANGUAGES}
        for area in areas
    }


def without(
    session: Session, round_id: int, frozen: Mapping[str, Any], *, left_out: Mapping[str, int],
    feedback: Mapping[str, int],
) -> dict[str, Any]:  # fmt: skip
    """Letters as they were frozen, given by area and language, without the words to those whose feedback is `left_out`;
    `feedback`: that which comes out. Public id of a return to the version, both. Two statements at most.
    """
    read = {
        area: {language: AreaLetter.model_validate(one, extra="ignore") for language, one in each.items()}
        for area, each in frozen.items()
    }
    rows = session.execute(
        select(Agency.code, AuditReturn.public_id)
        .join(AuditReturn.agency)
        .where(
            AuditReturn.round_id == round_id,
            Agency.code.in_({one.code for each in read.values() for one in each["en"].addressed_to}),
        )
    )
    returns = {row.code: row.public_id for row in rows}
    to = {area: [returns.get(one.code, "") for one in each["en"].addressed_to] for area, each in read.items()}
    opens = set(returns.values())
    said = _narratives(session, {key: version for key, version in feedback.items() if key in opens})
    found: dict[str, Any] = dict(frozen)
    for area, each in read.items():
        if not left_out.keys().isdisjoint(to[area]):
            update = {"opening": _opening(said, to[area])}
            found[area] = {
                language: one.model_copy(update=update).sealed().model_dump(mode="json")
                for language, one in each.items()
            }
    return found


def _answers(session: Session, audit_round: AuditRound, *, only: str = "") -> dict[str, list[Any]]:
    """`_Read.answers`, of all areas or of one. One statement."""
    latest = latest_submissions(audit_round)
    rows = session.execute(
        select(
            Area.public_id.label("area"),
            AuditReturn.id, AuditReturn.agency_type, AuditReturn.subtype, Agency.name,
            Declaration.name.label("signed_by"), Declaration.post, Declaration.signed_at,
            SubmissionAnswer.criterion, SubmissionAnswer.value,
        )
        .join(SubmissionAnswer, SubmissionAnswer.scope_key == Area.public_id)
        .join(latest, latest.c.submission_id == SubmissionAnswer.submission_id)
        .join(AuditReturn, AuditReturn.id == latest.c.return_id)
        .join(AuditReturn.agency)
        .join(Declaration, Declaration.submission_id == latest.c.submission_id)
        .where(_is_about_area(pack_of(audit_round.pack_version)), _is(only))
        .order_by(Agency.name, AuditReturn.id, SubmissionAnswer.id)
    )  # fmt: skip
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.area].append(row)
    return found


def _held(session: Session, answers: Mapping[str, Iterable[Any]]) -> dict[int, Findings]:
    return checked(session, {row.id for rows in answers.values() for row in rows})


def _written(found: _Read, area: Area, language: str) -> AreaLetter:
    """The letter to an area about which something was signed."""
    audit_round = found.audit_round
    pack = pack_of(audit_round.pack_version)
    answers: dict[int, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    of: dict[int, Any] = {}
    for row in found.answers[area.public_id]:
        of[row.id] = row
        answers[row.id][row.criterion] = row.value
    held = {
        id_: {
            criterion: one
            for (criterion, scope), one in found.held.get(id_, {}).items()
            if scope == area.public_id and criterion in answers[id_]
        }
        for id_ in of
    }
    shorts = short_names(pack, [(row.name, row.agency_type, row.subtype) for row in of.values()], language)
    signed = [
        Signed(
            short, row.agency_type, answers[id_], {criterion: one.grade for criterion, one in held[id_].items()},
        )
        for short, (id_, row) in zip(shorts, of.items(), strict=True)
    ]  # fmt: skip
    instants = [row.signed_at for row in of.values()] + [one.at for each in held.values() for one in each.values()]
    texts = FindingsTexts.of(pack)
    written_to = found.written_to.get(area.id, {}).values()

    def say(text: Any) -> str:
        return localise(text, language) if text else ""

    return AreaLetter(
        snapshot_id="",
        language=language,
        audit_round=round_info(audit_round, as_at=max(instants), is_closed=found.is_closed),
        pack=pack_info(audit_round, pack, language),
        bodies=found.bodies,
        area=area.name,
        addressed_to=tuple(agency_info(one, pack, language) for one in written_to),
        title=say(texts.title or pack.title),
        subtitle=say(texts.subtitle),
        about=tuple(map(say, texts.about)),
        opening=_opening(found.said, [one.public_id for one in written_to]),
        sections=sections_of(pack, signed, language),
        method=tuple(map(say, texts.method)),
        limits=tuple(map(say, texts.limits)),
        contributors=tuple(
            Contributor(
                name=row.name, short=short, signed_by=row.signed_by, post=row.post,
                signed_at=row.signed_at.astimezone(UTC),
            )
            for short, row in zip(shorts, of.values(), strict=True)
        ),
        acknowledgement=say(texts.acknowledgement),
        is_draft=found.is_draft,
    ).sealed()  # fmt: skip


def _opening(said: Mapping[str, str], returns: Iterable[str]) -> str:
    """What the body that sends the letter says itself: its own words to those whom it addresses, in their order."""
    return "\n\n".join(plain(said[key]).strip() for key in returns if said.get(key))


def _newest_narratives(session: Session, ids: Sequence[int]) -> dict[str, str]:
    """Public id of a return to what the newest version of its feedback opens with, where that is anything."""
    newest = newest_feedback(ids)
    rows = session.execute(
        select(AuditReturn.public_id, Feedback.narrative)
        .join(AuditReturn, AuditReturn.id == Feedback.return_id)
        .join(newest, (newest.c.return_id == Feedback.return_id) & (newest.c.version == Feedback.version))
        .where(Feedback.narrative != "")
    )
    return {row.public_id: row.narrative for row in rows}


def _narratives(session: Session, versions: Mapping[str, int]) -> dict[str, str]:
    """Public id of a return to what the version of its feedback that is given opens with, where that is anything."""
    if not versions:
        return {}
    rows = session.execute(
        select(AuditReturn.public_id, Feedback.narrative)
        .join(AuditReturn, AuditReturn.id == Feedback.return_id)
        .where(
            tuple_(AuditReturn.public_id, Feedback.version).in_(list(versions.items())), Feedback.narrative != ""
        )
    )
    return {row.public_id: row.narrative for row in rows}
