"""Agencies that are merged while a round runs: the successor answers for both, and no return is lost."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.life import NotPossible
from app.domain.message import N_, Message
from app.models import Agency, AgencyInArea, AuditReturn, Merger, SelfAssessment
from app.operations import events, rollup
from app.operations.mail import Draft, queue_all, way_in
from app.operations.rounds import PlanErrors
from app.policy import Actor
from app.queries.mail import people_at
from app.queries.mergers import open_elsewhere, return_of
from app.queries.returns import get_return

LONGEST_REASON = 2000


def merge(
    session: Session, return_id: str, *, into: str, merged_on: date, reason: str, by: Actor, now: datetime,
    with_areas: bool = False,
) -> Merger:  # fmt: skip
    """Record that the agency of a return was merged into another, which `into` names by code or public id.

    What was answered or submitted before is kept, can be read by those who could, and no longer changed; the successor
    reads none of it. A return that was submitted still counts, one that was not leaves what is expected. The agency is
    closed from `merged_on` on; `with_areas`: the successor works in its areas from then on.

    Raises NotFound, PlanErrors (`into`, `merged_on`, `reason`), and NotPossible: merged already, or a nil return.
    """
    audit_return = get_return(session, return_id, actor=by, now=now, permission="return.merge", lock=True)
    agency = audit_return.agency
    if audit_return.merger:
        raise NotPossible(
            N_("%(agency)s is recorded as merged into %(into)s already."),
            agency=agency.name,
            into=audit_return.merger.into.name,
        )
    if audit_return.stage == "nil":
        raise NotPossible(N_("This audit is recorded as a nil return. Take that back first, then record the merger."))
    errors: dict[str, Message] = {}
    successor = session.scalar(
        select(Agency).where(or_(Agency.public_id == into.strip(), func.lower(Agency.code) == into.strip().lower()))
    )
    if successor is None:
        errors["into"] = Message(N_("Choose the agency that it was merged into, or give the code of a known one."))
    elif wrong := _wrong_successor(session, audit_return, successor):
        errors["into"] = wrong
    if merged_on > today(now):
        errors["merged_on"] = Message(N_("The day of the merger lies ahead. Record it when it has come."))
    reason = reason.strip()
    if not reason:
        errors["reason"] = Message(N_("Say what happened: both agencies read it, and it stays in the history."))
    elif len(reason) > LONGEST_REASON:
        errors["reason"] = Message(
            N_("The reason has %(length)s characters; shorten it to %(limit)s or fewer."),
            {"length": len(reason), "limit": LONGEST_REASON},
        )
    if errors or successor is None:
        raise PlanErrors(errors)
    merger = Merger(
        audit_return=audit_return, into=successor, merged_on=merged_on, reason=reason, at=now, by_id=by.user_id
    )
    session.add(merger)
    agency.closed_on = merged_on
    if with_areas:
        _take_over_areas(session, agency, successor, merged_on)
    _count_drafts(session, audit_return, leaving=True)
    data = {"into": successor.code, "merged_on": merged_on.isoformat(), "with_areas": with_areas}
    events.append(
        session, events.chain_of(audit_return), "return.merged", by=by, now=now, data=data, texts={"reason": reason}
    )
    session.flush()
    _tell(session, audit_return, merger, now=now)
    return merger


def merge_everywhere(
    session: Session, return_id: str, *, into: str, merged_on: date, reason: str, by: Actor, now: datetime,
    with_areas: bool = False,
) -> list[Merger]:  # fmt: skip
    """Record a merger in this round, and in every other open one in which the actor may: all of them, or none.

    Raises as `merge`.
    """
    here = get_return(session, return_id, actor=by, now=now, permission="return.merge")
    everywhere = [return_id, *(one.public_id for one in open_elsewhere(session, here, actor=by, now=now))]
    return [
        merge(
            session, public_id, into=into, merged_on=merged_on, reason=reason, by=by, now=now, with_areas=with_areas
        )
        for public_id in everywhere
    ]


def unmerge(session: Session, return_id: str, *, by: Actor, now: datetime) -> AuditReturn:
    """Take a merger back: the agency answers for itself again. Areas that its successor took over stay with that.

    Raises NotFound, and NotPossible where none is recorded.
    """
    audit_return = get_return(session, return_id, actor=by, now=now, permission="return.merge", lock=True)
    merger = audit_return.merger
    if merger is None:
        raise NotPossible(N_("No merger of this agency is recorded."))
    into = merger.into
    session.execute(delete(Merger).where(Merger.id == merger.id))
    session.expire(audit_return, ["merger"])
    elsewhere = session.scalar(
        select(func.max(Merger.merged_on))
        .join(AuditReturn, AuditReturn.id == Merger.return_id)
        .where(AuditReturn.agency_id == audit_return.agency_id)
    )
    audit_return.agency.closed_on = elsewhere
    _count_drafts(session, audit_return, leaving=False)
    events.append(
        session, events.chain_of(audit_return), "return.unmerged", by=by, now=now, data={"into": into.code}
    )
    session.flush()
    return audit_return


def _wrong_successor(session: Session, audit_return: AuditReturn, successor: Agency) -> Message | None:
    if successor.id == audit_return.agency_id:
        return Message(N_("An agency cannot be merged into itself. Choose the other one."))
    if successor.closed_on:
        return Message(
            N_("%(agency)s has closed itself. Choose the agency that answers now."), {"agency": successor.name}
        )
    theirs = return_of(session, audit_return, successor)
    if theirs and theirs.merger:
        return Message(
            N_("%(agency)s was merged into %(into)s in this round. Choose the agency that answers now."),
            {"agency": successor.name, "into": theirs.merger.into.name},
        )
    if theirs and theirs.stage == "nil":
        return Message(
            N_("%(agency)s is a nil return itself in this round. Take that back first, or choose another agency."),
            {"agency": successor.name},
        )
    return None


def _take_over_areas(session: Session, agency: Agency, successor: Agency, day: date) -> None:
    there = {placed.area_id for placed in successor.areas if placed.ends is None or placed.ends >= day}
    for placed in agency.areas:
        if (placed.ends is None or placed.ends >= day) and placed.area_id not in there:
            session.add(AgencyInArea(agency=successor, area_id=placed.area_id, starts=day))
            there.add(placed.area_id)


def _count_drafts(session: Session, audit_return: AuditReturn, *, leaving: bool) -> None:
    """Drafts that nobody will submit are no drafts of the round any more; a submission stays counted."""
    if audit_return.stage == "submitted":
        return
    rows = session.execute(
        select(SelfAssessment.criterion, SelfAssessment.grade).where(SelfAssessment.return_id == audit_return.id)
    )
    grades = [(row.criterion, row.grade) for row in rows]
    rollup.change(
        session, audit_return, "draft", before=grades if leaving else (), after=() if leaving else grades
    )


def _tell(session: Session, audit_return: AuditReturn, merger: Merger, *, now: datetime) -> None:
    """Mails to the people of both agencies; the successor's name no answer, as they read none of them."""
    about = {
        "round": audit_return.audit_round.name, "agency": audit_return.agency.name, "into": merger.into.name,
        "day": merger.merged_on,
    }  # fmt: skip
    theirs = return_of(session, audit_return, merger.into)
    drafts = []
    for one in people_at(session, [audit_return.agency_id, merger.into_id], now=now):
        ours = one.agency_id == audit_return.agency_id
        body = [
            Message(
                N_("It is recorded in “%(round)s” that %(agency)s was merged into %(into)s on %(day)s."), about
            ),
            Message(N_("What you answered is kept and can be read. It can no longer be changed."))
            if ours
            else Message(N_("From then on %(into)s answers for both."), about),
        ]
        shown = audit_return if ours else theirs
        drafts.append(
            Draft(
                to=one.user, kind="round_change", audit_return=shown, body=body,
                subject=Message(N_("%(round)s: %(agency)s is merged into %(into)s"), about),
                link=way_in(one.user, f"/returns/{shown.public_id}/" if shown else "/"),
                dedupe_key=f"merged:{audit_return.public_id}:{one.user.public_id}:{now.isoformat()}",
            )
        )  # fmt: skip
    queue_all(session, drafts, now=now)
