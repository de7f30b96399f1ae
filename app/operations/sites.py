"""The sites of a return: an agency lists them, renames and removes them, or says that it has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.life import NotPossible
from app.domain.message import N_, Message
from app.domain.sites import Named, SiteErrors, check, check_number, free_code, key_of
from app.models import AuditReturn, ReturnSite
from app.operations import events
from app.operations.answers import end_vouches
from app.operations.stage import move
from app.policy import Actor
from app.queries.returned_standards import correction_of
from app.queries.returns import checklist, get_return, why_closed
from app.queries.rounds import NotFound


@dataclass
class Listed:
    """What became of sites that were to be listed: new ones, those that had been removed, those listed already."""

    new: list[ReturnSite] = field(default_factory=list)
    back: list[ReturnSite] = field(default_factory=list)
    known: list[ReturnSite] = field(default_factory=list)


def add(session: Session, public_id: str, typed: Named, *, by: Actor, now: datetime) -> ReturnSite:
    """List a site; without a code it is given one. A site that was removed comes back with its answers.

    Raises NotFound, SiteErrors (its code is in the list already too), and NotPossible where nothing can be changed.
    """
    audit_return = _changeable(session, public_id, by=by, now=now)
    site = check(typed)
    row = _same(_rows(session, audit_return), site)
    if row and row.removed_at is None:
        words = N_("“%(name)s” is in your list already, with the code %(code)s")
        raise SiteErrors({"code" if site.code else "name": Message(words, {"name": row.name, "code": row.code})})
    listed = list_sites(session, audit_return, [site], by=by, now=now)
    return (listed.new or listed.back)[0]


def add_list(session: Session, public_id: str, typed: Sequence[Named], *, by: Actor, now: datetime) -> Listed:
    """List several sites. Those that are in the list already, by their code or (without one) their name, stay.

    `typed` is checked (`domain.sites.read_list`). Raises NotFound, and NotPossible where nothing can be changed.
    """
    audit_return = _changeable(session, public_id, by=by, now=now)
    return list_sites(session, audit_return, typed, by=by, now=now)


def list_sites(
    session: Session, audit_return: AuditReturn, sites: Iterable[Named], *, by: Actor, now: datetime
) -> Listed:
    """As `add_list`, for a return that the caller holds locked and found open, and an actor who may list its sites."""
    rows = _rows(session, audit_return)
    found = Listed()
    for site in sites:
        row = _same(rows, site)
        if row is None:
            code = site.code or free_code(rows)
            row = rows[key_of(code)] = ReturnSite(
                return_id=audit_return.id, key=key_of(code), code=code, name=site.name, added_at=now,
                added_by_id=by.user_id,
            )  # fmt: skip
            session.add(row)
            found.new.append(row)
        elif row.removed_at is not None:
            row.removed_at, row.name = None, site.name
            found.back.append(row)
        else:
            found.known.append(row)
    check_number(row for row in rows.values() if row.removed_at is None)
    if changed := [*found.new, *found.back]:
        audit_return.has_no_sites = False
        _record(session, audit_return, "site.added", changed, by=by, now=now)
    return found


def rename(session: Session, public_id: str, key: str, name: str, *, by: Actor, now: datetime) -> ReturnSite:
    """Give a site another name; its code stays, as answers go by it. Raises NotFound, SiteErrors and NotPossible."""
    audit_return = _changeable(session, public_id, by=by, now=now)
    row = _listed(session, audit_return, key)
    name = check(Named(row.code, name)).name
    if name != row.name:
        row.name = name
        events.append(
            session, events.chain_of(audit_return), "site.renamed", by=by, now=now,
            data={"sites": [row.code]}, texts={"names": name},
        )  # fmt: skip
        session.flush()
    return row


def remove(session: Session, public_id: str, key: str, *, by: Actor, now: datetime) -> ReturnSite:
    """Take a site off the list. What was answered about it is kept, asked no more, and back when it is added again.

    Raises NotFound, and NotPossible where nothing can be changed.
    """
    audit_return = _changeable(session, public_id, by=by, now=now)
    row = _listed(session, audit_return, key)
    row.removed_at = now
    _record(session, audit_return, "site.removed", [row], by=by, now=now)
    return row


def say_none(session: Session, public_id: str, *, none: bool, by: Actor, now: datetime) -> None:
    """Record that the agency has no sites, or take that back. Raises NotFound, and NotPossible: sites are listed."""
    audit_return = _changeable(session, public_id, by=by, now=now)
    if audit_return.has_no_sites == none:
        return
    if none and any(row.removed_at is None for row in _rows(session, audit_return).values()):
        raise NotPossible(N_("There are sites in your list. Remove them first if your agency has none."))
    audit_return.has_no_sites = none
    _record(session, audit_return, "site.none" if none else "site.none_taken_back", [], by=by, now=now)


def _changeable(session: Session, public_id: str, *, by: Actor, now: datetime) -> AuditReturn:
    """The return, locked. Raises NotFound (no site is asked about too) and NotPossible."""
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.sites", lock=True)
    work = checklist(session, audit_return)
    if not work.template.asks_sites:
        raise NotFound
    if reason := why_closed(audit_return, now=now):
        raise NotPossible(reason)
    if correction := correction_of(session, audit_return, work):
        about = [
            (section.standard.id, item.id)
            for section in work.sections
            for item in section.questions
            if item.criterion.scope == "site"
        ]
        if not about or not all(correction.allows(standard, question) for standard, question in about):
            raise NotPossible(
                N_(
                    "The list of sites stays as it was signed: not every standard that asks about sites was returned"
                    " for correction. If the list must change, ask the oversight body."
                )
            )
    return audit_return


def _rows(session: Session, audit_return: AuditReturn) -> dict[str, ReturnSite]:
    rows = session.scalars(
        select(ReturnSite).where(ReturnSite.return_id == audit_return.id).order_by(ReturnSite.id)
    )
    return {row.key: row for row in rows}


def _same(rows: Mapping[str, ReturnSite], site: Named) -> ReturnSite | None:
    """The site that is meant, removed ones too: of this code or, without one, of this name."""
    if site.code:
        return rows.get(key_of(site.code))
    return next((row for row in rows.values() if row.name.casefold() == site.name.casefold()), None)


def _listed(session: Session, audit_return: AuditReturn, key: str) -> ReturnSite:
    row = _rows(session, audit_return).get(key)
    if row is None or row.removed_at is not None:
        raise NotFound
    return row


def _record(
    session: Session, audit_return: AuditReturn, verb: str, rows: Sequence[ReturnSite], *, by: Actor, now: datetime
) -> None:
    """Put a changed list on record, and let what holds for the questions as they were end."""
    session.flush()
    chain = events.chain_of(audit_return)
    if audit_return.stage == "invited":
        move(audit_return, "started", now=now)
        events.append(session, chain, "return.started", by=by, now=now)
        session.flush()
    work = checklist(session, audit_return)
    audit_return.asked, audit_return.complete = work.asked, work.complete
    about = [placed.criterion.id for placed in work.template.criteria() if placed.criterion.scope == "site"]
    data: dict[str, object] = {"sites": [row.code for row in rows]} if rows else {}
    if ended := end_vouches(session, audit_return, work.template, dict.fromkeys(about, "")):
        data["vouches_ended"] = ended
    texts = {"names": "\n".join(f"{row.code}: {row.name}" for row in rows)} if rows else {}
    events.append(session, chain, verb, by=by, now=now, data=data, texts=texts)
    session.flush()
