"""Letters to areas: who may read which, as it was published or as it would be now.

A letter comes out with the findings, frozen like them. Before that inspectors read what it would be, and in the window
for factual accuracy the agencies that it is written to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from app.domain.findings import Edition
from app.domain.letter import AreaLetter, speaks
from app.domain.letter import has_letters as pack_has_letters
from app.models import Area, AuditReturn, AuditRound, Publication
from app.policy import Actor, LetterFacts, allows, require, system_actor
from app.queries.letter_content import addressed, contributed, letter
from app.queries.moderation import is_hidden_from
from app.queries.packs import pack_of, template_of
from app.queries.release import coming_out, editions, feedback_facts, release_of, standing
from app.queries.rounds import NotFound, get_round, round_facts

_LOADER = system_actor("letters")  # policy is asked with more facts, once they are read


def has_letters(audit_round: AuditRound) -> bool:
    """Whether the findings of a round come out as letters to areas too."""
    return pack_has_letters(pack_of(audit_round.pack_version))


def get_letters(
    session: Session, public_id: str, *, actor: Actor, now: datetime
) -> tuple[AuditRound, list[AreaRow]]:
    """A round whose letters the actor may know of, with its areas as `letters_of` gives them.

    Raises NotFound where it has none, or none that is theirs yet.
    """
    audit_round = get_round(session, public_id, actor=_LOADER, now=now)
    areas = letters_of(session, audit_round, actor=actor, now=now)
    inspects = allows(actor, "release.read", round_facts(session, audit_round, now=now))
    if not has_letters(audit_round) or not (inspects or areas):
        raise NotFound
    return audit_round, areas


def opens_letter(audit_return: AuditReturn) -> bool:
    """Whether what is said to this agency opens a letter: those who are asked nothing of areas are written to."""
    _pack, template = template_of(audit_return)
    return has_letters(audit_return.audit_round) and not speaks(template)


@dataclass(frozen=True)
class AreaRow:
    """One area of a round, and what the actor may read of the letter to it.

    `contributors`: how many agencies signed something about it; `edition`: the newest publication with a letter to it
    that the actor may read, 0 for none; `may_draft`: the letter as it would be now.
    """

    public_id: str
    name: str
    contributors: int
    edition: int
    may_draft: bool


def letters_of(session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime) -> list[AreaRow]:
    """The areas of a round whose letter the actor may read, or make once somebody contributes, by name.

    Empty where the round has no letters, and where there is nothing to read yet.
    """
    if not has_letters(audit_round):
        return []
    came_out = _newest_with(session, audit_round, now=now)
    found = []
    for area, facts, number in _areas(session, audit_round, now=now):
        edition = came_out.get(area.public_id, 0) if allows(actor, "letter.read", facts) else 0
        may_draft = allows(actor, "letter.draft", facts)
        if edition or may_draft:
            found.append(AreaRow(area.public_id, area.name, number, edition, may_draft))
    return found


def area_letter(
    session: Session, audit_round: AuditRound, area_id: str, number: int = 0, *, actor: Actor, now: datetime,
    language: str = "en",
) -> AreaLetter | None:  # fmt: skip
    """The letter to an area, given by its public id, as it came out with an edition; 0: as it would be now, opening
    with words from feedback that the actor may read.

    None where nobody signed anything about it. Raises Denied, and NotFound where there is no such letter.
    """
    area, facts = _one(session, audit_round, area_id, now=now)
    require(actor, "letter.read" if number else "letter.draft", facts)
    if not number:

        def may_read(audit_return: AuditReturn) -> bool:
            """As on the page of the feedback, whose words open the letter."""
            of_return = feedback_facts(session, audit_return, now=now)
            return allows(actor, "feedback.read", of_return) and not is_hidden_from(session, audit_return, actor)

        return letter(session, audit_round, area, now=now, language=language, may_read=may_read)
    edition = next((one for one in editions(session, audit_round, now=now) if one.number == number), None)
    if edition is None:
        raise NotFound
    frozen = _frozen(session, audit_round, now=now, number=number).get(number, {}).get(area_id)
    if frozen is None:
        raise NotFound
    content = frozen.get(language) or frozen["en"]
    found = AreaLetter.model_validate(content, extra="ignore")
    mark = Edition(
        number=edition.number, at=edition.at, reason=edition.reason, replaced_by=edition.replaced_by,
    )  # fmt: skip
    return found.model_copy(update={"edition": mark})


def may_read_letter(
    session: Session, audit_round: AuditRound, area_id: str, number: int, *, actor: Actor, now: datetime
) -> bool:
    """Whether the actor may read the letter to an area, as it came out with an edition or (0) as it would be now."""
    try:
        _area, facts = _one(session, audit_round, area_id, now=now)
    except NotFound:
        return False
    return allows(actor, "letter.read" if number else "letter.draft", facts)


def letter_exists(session: Session, audit_round: AuditRound, area_id: str, number: int, *, now: datetime) -> bool:
    """Whether an edition has a letter to the area or, for 0, whether anybody signed something about it."""
    if number:
        return area_id in _frozen(session, audit_round, now=now, number=number).get(number, {})
    return bool(contributed(session, audit_round, only=area_id))


def area_named(session: Session, public_id: str) -> str:
    """The name of an area, for a run that the reader may read; its id where it is gone."""
    return session.scalar(select(Area.name).where(Area.public_id == public_id)) or public_id


def area_coded(session: Session, code: str) -> str:
    """The public id of the area with a code, for commands; empty where there is none."""
    return session.scalar(select(Area.public_id).where(Area.code == code)) or ""


def edition_to_read(session: Session, audit_round: AuditRound, area_id: str, *, actor: Actor, now: datetime) -> int:
    """Which letter to an area the actor reads: 0, as it would be now, where they may, else the newest published."""
    if may_read_letter(session, audit_round, area_id, 0, actor=actor, now=now):
        return 0
    return _newest_with(session, audit_round, now=now).get(area_id, 0)


def _one(
    session: Session, audit_round: AuditRound, area_id: str, *, now: datetime
) -> tuple[Area, LetterFacts]:
    if area_id and has_letters(audit_round):
        for area, facts, _number in _areas(session, audit_round, now=now, only=area_id):
            return area, facts
    raise NotFound


def _areas(
    session: Session, audit_round: AuditRound, *, now: datetime, only: str = ""
) -> list[tuple[Area, LetterFacts, int]]:
    """The areas that letters can be written to, by name, with what policy needs and how many agencies contributed.

    `only`: the one with this public id.
    """
    wrote = contributed(session, audit_round, only=only)
    written_to = addressed(session, audit_round, only=only)
    at = standing(release_of(session, audit_round), now=now)
    of_round = round_facts(session, audit_round, now=now)
    common = LetterFacts(
        **vars(of_round) | {"agency_ids": frozenset()},
        window_open=at.window == "open" and at.publication != "published",
    )  # fmt: skip
    found = []
    for area in session.scalars(select(Area).where(Area.id.in_({*wrote, *written_to})).order_by(Area.name, Area.id)):
        to = frozenset(written_to.get(area.id, ()))
        by = frozenset(wrote.get(area.id, ()))
        found.append((area, replace(common, area_id=area.id, addressed=to, agency_ids=to | by), len(by)))
    return found


def _frozen(
    session: Session, audit_round: AuditRound, *, now: datetime, number: int = 0
) -> dict[int, Mapping[str, Any]]:
    """The number of each edition, the newest first, or of one, to its letters by area and language.

    One statement once the clock has put the first on record: findings and feedback are long, and stay where they are.
    """
    rows = session.execute(
        select(Publication.number, Publication.content["letters"].label("letters"))
        .where(
            Publication.round_id == audit_round.id, Publication.at <= now,
            Publication.number == number if number else true(),
        )
        .order_by(Publication.number.desc())
    ).all()  # fmt: skip
    if rows:
        return {row.number: row.letters or {} for row in rows}
    every = editions(session, audit_round, now=now)
    if not every or every[0].is_recorded:
        return {}
    release = release_of(session, audit_round)
    return {1: coming_out(session, release).get("letters", {})} if release else {}


def _newest_with(session: Session, audit_round: AuditRound, *, now: datetime) -> dict[str, int]:
    """Area to the newest edition that has a letter to it."""
    found: dict[str, int] = {}
    for number, frozen in _frozen(session, audit_round, now=now).items():
        for area in frozen:
            found.setdefault(area, number)
    return found
