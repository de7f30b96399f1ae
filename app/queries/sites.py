"""Reading the sites of returns: the list with how far each is, and their names where answers name them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.domain.sites import Named, SiteErrors, check, key_of
from app.models import AuditReturn, EvidenceLink, PlannedAction, ReturnSite, SelfAssessment
from app.queries.returned_standards import correction_of
from app.queries.returns import Checklist, Item, Place, Section
from app.queries.rounds import NotFound


@dataclass(frozen=True)
class SiteRow:
    """A site of a return, and what is asked about it."""

    site: Place
    items: Sequence[Item]

    @property
    def complete(self) -> int:
        """How many of its questions are answered with nothing outstanding."""
        return sum(1 for item in self.items if not item.outstanding and (item.started or item.required))

    @property
    def answered(self) -> int:
        """How many of its questions are answered or begun."""
        return sum(1 for item in self.items if item.started)

    @property
    def state(self) -> str:
        """`not_started`, `in_progress` or `complete`."""
        if self.complete == len(self.items):
            return "complete"
        return "in_progress" if self.answered else "not_started"


def site_rows(work: Checklist, section: Section | None = None) -> list[SiteRow]:
    """The sites that a return lists with their questions, or with those of one standard, by name.

    Touches no database.
    """
    items: dict[str, list[Item]] = defaultdict(list)
    for item in section.items if section else work.items:
        if item.criterion.scope == "site":
            items[item.scope].append(item)
    return [SiteRow(site, tuple(items[site.scope])) for site in work.sites]


def site_row(work: Checklist, key: str) -> SiteRow:
    """One of them. Raises NotFound where the return lists no such site."""
    for row in site_rows(work):
        if row.site.scope == key:
            return row
    raise NotFound


@dataclass(frozen=True)
class Kept:
    """What a return has about a site: kept, and asked about no more, once the site is removed."""

    answers: int
    actions: int
    files: int

    def __bool__(self) -> bool:
        return bool(self.answers or self.actions or self.files)


def kept_about(session: Session, work: Checklist, key: str) -> Kept:
    """What a return has about a site. One statement. The caller got the return through `get_return`."""
    about = [placed.criterion.id for placed in work.template.criteria() if placed.criterion.scope == "site"]
    answers, actions, files = (
        select(func.count(what)).where(
            model.return_id == work.audit_return.id, model.scope_key == key, model.criterion.in_(about)
        )
        for model, what in (
            (SelfAssessment, SelfAssessment.id),
            (PlannedAction, PlannedAction.id),
            (EvidenceLink, EvidenceLink.evidence_id.distinct()),
        )
    )
    row = session.execute(
        select(
            answers.scalar_subquery(),
            actions.where(PlannedAction.removed_at.is_(None)).scalar_subquery(),
            files.scalar_subquery(),
        )
    ).one()
    return Kept(*row)


def removed_sites(session: Session, audit_return: AuditReturn) -> Sequence[ReturnSite]:
    """The sites that were removed from a return's list, by name, for adding them again. One statement."""
    rows = session.scalars(
        select(ReturnSite).where(ReturnSite.return_id == audit_return.id, ReturnSite.removed_at.is_not(None))
    )
    return sorted(rows, key=lambda row: (row.name.casefold(), row.key))


def offered_sites(session: Session, work: Checklist, sites: Iterable[Mapping[str, str]]) -> list[Place]:
    """The sites (`code`, `name`) of a bundle that a return can list once answers about them are taken, in their order.

    Not one that it lists or ever listed: what was removed here stays removed. None where the agency has no sites, and
    where the list is as it was signed. The caller got the return through `get_return`.
    """
    if not work.template.asks_sites or work.has_no_sites or correction_of(session, work.audit_return, work):
        return []
    known = {site.scope for site in work.sites} | {row.key for row in removed_sites(session, work.audit_return)}
    found = []
    for site in sites:
        try:
            typed = check(Named(site["code"], site["name"]))
        except SiteErrors:
            continue  # answers about it are told as having no place here
        key = key_of(typed.code)
        if typed.code and key not in known:
            known.add(key)
            found.append(Place(key, typed.code, typed.name, "site"))
    return found


def site_names(session: Session, return_ids: Collection[int]) -> defaultdict[int, dict[str, str]]:
    """Return id to key to name of every site that returns list or listed. One statement.

    For figures and feedback, whose callers asked policy for the returns.
    """
    found: defaultdict[int, dict[str, str]] = defaultdict(dict)
    rows = session.execute(
        select(ReturnSite.return_id, ReturnSite.key, ReturnSite.name).where(ReturnSite.return_id.in_(return_ids))
    )
    for return_id, key, name in rows:
        found[return_id][key] = name
    return found
