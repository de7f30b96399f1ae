"""Making the letter to an area from what was signed, and from the grades that inspectors' checks left.

Callers ask policy first: see `app.queries.letters`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from app.clock import today
from app.domain.findings import AgencyInfo, FindingsTexts
from app.domain.integrity import hash_of
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
from app.queries.findings import bodies_of, latest_submissions, pack_info, round_info
from app.queries.moderation import checked
from app.queries.packs import pack_of
from app.queries.rounds import is_merged_clause


def contributed(session: Session, audit_round: AuditRound) -> dict[int, set[int]]:
    """Area to the agencies that signed something about it. One statement."""
    latest = latest_submissions(audit_round)
    found: dict[int, set[int]] = defaultdict(set)
    for area_id, agency_id in session.execute(
        select(Area.id, AuditReturn.agency_id)
        .join(SubmissionAnswer, SubmissionAnswer.scope_key == Area.public_id)
        .join(latest, latest.c.submission_id == SubmissionAnswer.submission_id)
        .join(AuditReturn, AuditReturn.id == latest.c.return_id)
        .distinct()
    ):
        found[area_id].add(agency_id)
    return found


def addressed(session: Session, audit_round: AuditRound) -> dict[int, dict[int, AuditReturn]]:
    """Area to the agencies that letters to it are written to, each with its return: those that work there while the
    round runs and that are asked nothing about areas. By name; one statement.
    """
    pack = pack_of(audit_round.pack_version)
    kinds = [key for key, template in pack.templates.items() if not speaks(template)]
    opens, closes = today(audit_round.opens), today(audit_round.closes)
    found: dict[int, dict[int, AuditReturn]] = defaultdict(dict)
    for area_id, audit_return in session.execute(
        select(AgencyInArea.area_id, AuditReturn)
        .join(AuditReturn, AuditReturn.agency_id == AgencyInArea.agency_id)
        .join(AuditReturn.agency)
        .where(
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


def letter(
    session: Session, audit_round: AuditRound, area: Area, *, now: datetime, language: str, publishing: bool = False
) -> AreaLetter | None:
    """The letter to an area as it would be now, and not a draft where it is for `publishing`; None where nobody signed
    anything about the area.

    While a second inspector is at work the agencies' own grades stand in it, but for publishing.
    """
    pack = pack_of(audit_round.pack_version)
    latest = latest_submissions(audit_round)
    rows = session.execute(
        select(
            AuditReturn.id, AuditReturn.agency_type, AuditReturn.subtype, Agency.name,
            Declaration.name.label("signed_by"), Declaration.post, Declaration.signed_at,
            SubmissionAnswer.criterion, SubmissionAnswer.value,
        )
        .join(latest, latest.c.submission_id == SubmissionAnswer.submission_id)
        .join(AuditReturn, AuditReturn.id == latest.c.return_id)
        .join(AuditReturn.agency)
        .join(Declaration, Declaration.submission_id == latest.c.submission_id)
        .where(SubmissionAnswer.scope_key == area.public_id)
        .order_by(Agency.name, AuditReturn.id, SubmissionAnswer.id)
    ).all()  # fmt: skip
    if not rows:
        return None
    answers: dict[int, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    of: dict[int, Any] = {}
    for row in rows:
        of[row.id] = row
        answers[row.id][row.criterion] = row.value
    found = {} if is_second_at_work(session, audit_round) and not publishing else checked(session, of)
    held = {
        id_: {criterion: one for (criterion, scope), one in each.items() if scope == area.public_id}
        for id_, each in found.items()
    }
    shorts = short_names(pack, [(row.name, row.agency_type, row.subtype) for row in of.values()], language)
    signed = [
        Signed(
            short, row.agency_type, answers[id_],
            {criterion: one.grade for criterion, one in held.get(id_, {}).items()},
        )
        for short, (id_, row) in zip(shorts, of.items(), strict=True)
    ]  # fmt: skip
    instants = [row.signed_at for row in of.values()] + [one.at for each in held.values() for one in each.values()]
    is_closed = now > audit_round.open_until
    texts = FindingsTexts.of(pack)
    written_to = addressed(session, audit_round).get(area.id, {})

    def say(text: Any) -> str:
        return localise(text, language) if text else ""

    made = AreaLetter(
        snapshot_id="",
        language=language,
        audit_round=round_info(audit_round, as_at=max(instants), is_closed=is_closed),
        pack=pack_info(audit_round, pack, language),
        bodies=bodies_of(session, audit_round),
        area=area.name,
        addressed_to=tuple(_addressee(one, language) for one in written_to.values()),
        title=say(texts.title or pack.title),
        subtitle=say(texts.subtitle),
        about=tuple(map(say, texts.about)),
        opening=_opening(session, written_to),
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
        is_draft=not publishing,
    )  # fmt: skip
    facts = {"kind": "area-letter", "closed": is_closed, "draft": made.is_draft, "said": made.said}
    return made.model_copy(update={"snapshot_id": hash_of(facts)})


def letters(session: Session, audit_round: AuditRound, *, now: datetime) -> dict[str, dict[str, Any]]:
    """Every letter of a round as it is published: area to language to the letter as data. Empty where it has none.

    The caller may publish the findings.
    """
    if not has_letters(pack_of(audit_round.pack_version)):
        return {}
    areas = session.scalars(select(Area).where(Area.id.in_(contributed(session, audit_round))).order_by(Area.id))
    found: dict[str, dict[str, Any]] = {}
    for area in areas:
        for language in LANGUAGES:
            made = letter(session, audit_round, area, now=now, language=language, publishing=True)
            if made is not None:
                found.setdefault(area.public_id, {})[language] = made.model_dump(mode="json")
    return found


def _addressee(audit_return: AuditReturn, language: str) -> AgencyInfo:
    kind = pack_of(audit_return.audit_round.pack_version).agency_types[audit_return.agency_type]
    subtype = kind.subtypes.get(audit_return.subtype)
    return AgencyInfo(
        name=audit_return.agency.name,
        code=audit_return.agency.code,
        type_label=localise(kind.name, language),
        subtype_label=localise(subtype.name, language) if subtype else "",
        signatory=localise(kind.signatory, language),
    )


def _opening(session: Session, written_to: Mapping[int, AuditReturn]) -> str:
    """What the body that sends the letter says itself: its own words to those whom it addresses, in their order."""
    ids = [one.id for one in written_to.values()]
    newest = (
        select(Feedback.return_id, func.max(Feedback.version).label("version"))
        .where(Feedback.return_id.in_(ids))
        .group_by(Feedback.return_id)
        .subquery()
    )
    rows = session.execute(
        select(Feedback.return_id, Feedback.narrative).join(
            newest, (newest.c.return_id == Feedback.return_id) & (newest.c.version == Feedback.version)
        )
    )
    said = {row.return_id: row.narrative for row in rows}
    return "\n\n".join(plain(said[id_]).strip() for id_ in ids if said.get(id_))
