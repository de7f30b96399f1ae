"""Reading the register of recommendations as a report. For who inspects in the round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.clock import today
from app.domain.integrity import hash_of
from app.domain.recommended import (
    Entry,
    RecommendedRegister,
    Responses,
    Said,
    Standing,
    by_addressee,
    months_until,
    waiting_of,
)
from app.domain.templates import Pack
from app.domain.text import localise
from app.models import AuditRound, Recommended
from app.policy import Actor, require
from app.queries.findings import bodies_of, pack_info, round_info
from app.queries.own_types import types_where
from app.queries.packs import pack_of
from app.queries.recommended import Addressee, addressees_of
from app.queries.rounds import round_facts


def recommends(session: Session, audit_round: AuditRound) -> bool:
    """Whether a published report of a round recommends anything, or once did."""
    return session.scalar(select(Recommended.id).where(Recommended.round_id == audit_round.id).limit(1)) is not None


def recommended_register(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, language: str = "en"
) -> RecommendedRegister | None:
    """The register of a round as it stands now; None where no published report of it recommended anything.

    It counts all agencies, and names those of the types whose returns the actor follows up. Raises Denied.
    """
    require(actor, "composing.read", round_facts(session, audit_round, now=now))
    rows = session.scalars(
        select(Recommended)
        .where(Recommended.round_id == audit_round.id)
        .options(joinedload(Recommended.body))
        .order_by(Recommended.withdrawn_in.is_not(None), Recommended.number, Recommended.id)
    ).all()
    if not rows:
        return None
    pack, own = pack_of(audit_round.pack_version), types_where(audit_round, actor, "return.follow_up")
    found = addressees_of(session, audit_round, rows, {row.agency_type for row in rows})
    told = [(row, [_said(one) for one in found[row.id]]) for row in rows]
    entries = [(_entry(row, said, pack, own, language, now=now), said) for row, said in told]
    in_force = [one for one, _said in entries if one.withdrawn_in is None]
    report = RecommendedRegister(
        snapshot_id="",
        language=language,
        audit_round=round_info(audit_round, as_at=_latest(rows, found), is_closed=now > audit_round.open_until),
        pack=pack_info(audit_round, pack, language).model_copy(
            update={"untranslated": any(one.language for one, _said in entries)}
        ),
        bodies=bodies_of(session, audit_round),
        today=today(now),
        in_force=len(in_force),
        withdrawn=len(entries) - len(in_force),
        past=sum(one.is_past for one in in_force),
        responses=Responses.sum(one.responses for one in in_force),
        standing=Standing.sum(one.standing for one in in_force),
        by_addressee=by_addressee(entries),
        entries=tuple(one for one, _said in entries),
        waiting=waiting_of([one for one, _said in entries]),
    )
    content = report.model_dump(mode="json", exclude={"snapshot_id"})
    return report.model_copy(update={"snapshot_id": hash_of({"kind": "recommended", "content": content})})


def _entry(
    row: Recommended, said: Sequence[Said], pack: Pack, own: frozenset[str], language: str, *, now: datetime
) -> Entry:
    published, standing = today(row.made_at), Standing.of(said)
    is_own = row.body is not None or row.agency_type in own
    text = localise(row.text, language)
    return Entry(
        number=row.number,
        text=text,
        # what is not translated was put into every language as it was written
        language="en" if language != "en" and text == localise(row.text) else "",
        addressee=row.body.name if row.body else localise(pack.agency_types[row.agency_type].plural, language),
        agency_type=row.agency_type,
        published_on=published,
        edition=row.edition,
        withdrawn_in=row.withdrawn_in,
        due=row.due,
        months=months_until(published, row.due) if row.due else None,
        is_past=row.withdrawn_in is None and row.due is not None and row.due < today(now) and standing.done < len(said),
        responses=Responses.of(said if row.agency_type else ()),
        standing=standing,
        is_counted_only=not is_own,
        said=tuple(said) if is_own else (),
    )


def _said(one: Addressee) -> Said:
    """What is said by and of one addressee, as the report says it."""
    response, status = one.response, one.status
    return Said.model_validate(
        {"name": one.name, "code": one.code}
        | (
            {"answer": response.answer, "progress": response.progress, "text": response.text,
             "expected": response.expected, "said_on": today(response.at)}
            if response else {}
        )
        | ({"state": status.state, "note": status.note, "recorded_on": today(status.at)} if status else {})
    )  # fmt: skip


def _latest(rows: Sequence[Recommended], found: Mapping[int, Sequence[Addressee]]) -> datetime:
    """The instant of the latest fact."""
    every: list[Any] = [said for one in found.values() for each in one for said in (each.response, each.status) if said]
    return max([row.made_at for row in rows] + [one.at for one in every])
