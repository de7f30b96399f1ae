"""Opening rounds: plan, population, open."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, joinedload

from app.clock import end_of, start_of, today
from app.domain.life import LONGEST_GRACE, USUAL_GRACE, NotPossible, check_not_archived, is_shut, with_grace
from app.domain.message import N_, Message
from app.domain.templates import AgencyType, Pack
from app.models import Agency, AuditReturn, AuditRound, OversightBody, PackVersion, RoundTemplate
from app.operations import agencies, events, mail
from app.policy import Actor, require
from app.queries.packs import pack_of, template_versions
from app.queries.rounds import NotFound, get_round


@dataclass(frozen=True)
class RoundPlan:
    """What an oversight body decides before a round opens. Days are London days; due and closing days are included.

    `grace_minutes` is for how long after the due date a submission still counts as in time, and after the closing date
    answers are still taken.
    """

    key: str
    name: str
    opens: date
    due: date
    closes: date
    milestones_from: date
    area_release: str = "at_close"
    grace_minutes: int = USUAL_GRACE


class PlanErrors(Exception):
    """What is wrong with a plan: field to message."""

    def __init__(self, errors: Mapping[str, Message]) -> None:
        super().__init__("; ".join(map(str, errors.values())))
        self.errors = dict(errors)


def check_plan(plan: RoundPlan, *, now: datetime, kept: AuditRound | None = None) -> dict[str, Message]:
    """What is wrong with a plan by itself: field to message; empty when nothing is.

    Of a round that is there already (`kept`) dates that have passed may stay as they are.
    """
    errors = {}
    day = today(now)
    kept_due, kept_closes = (today(kept.due), today(kept.closes)) if kept else (None, None)
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", plan.key) or len(plan.key) > 60:
        errors["key"] = Message(
            N_("The key may have lower-case letters, digits and single hyphens only, 60 at most.")
        )
    if not plan.name.strip() or len(plan.name) > 200:
        errors["name"] = Message(N_("Give the round a name of 200 characters or fewer."))
    if plan.due < day and plan.due != kept_due:
        errors["due"] = Message(N_("The due date has passed. Choose a date from today on."))
    elif plan.due <= plan.opens:
        errors["due"] = Message(N_("The due date must be after the opening date."))
    if plan.closes < day and plan.closes != kept_closes:
        errors["closes"] = Message(N_("The closing date has passed. Choose a date from today on."))
    elif plan.closes < plan.due:
        errors["closes"] = Message(N_("The closing date must be the due date or later."))
    if plan.area_release not in ("never", "on_submission", "at_close"):
        errors["area_release"] = Message(N_("Choose when area coordinators may read submissions."))
    if not 0 <= plan.grace_minutes <= LONGEST_GRACE:
        errors["grace_minutes"] = Message(
            N_("Give the grace in whole minutes, from 0 to %(most)s."), {"most": LONGEST_GRACE}
        )
    return errors


def set_dates(audit_round: AuditRound, *, due: datetime, closes: datetime) -> None:
    """Set when a round is due and closes, and what follows from these with its grace."""
    audit_round.due, audit_round.closes = due, closes
    audit_round.late_after = with_grace(due, audit_round.grace_minutes)
    audit_round.shut_at = with_grace(closes, audit_round.grace_minutes)


def create_round(
    session: Session, plan: RoundPlan, pack_version: PackVersion, *, owner: OversightBody, by: Actor, now: datetime,
) -> AuditRound:  # fmt: skip
    """Make a round, not yet open, owned by one of the actor's oversight bodies.

    Raises Denied, PlanErrors (by field), NotPossible where the pack needs an oversight body that does not exist.
    """
    require(by, "round.create")
    errors = check_plan(plan, now=now)
    if "key" not in errors and session.scalar(select(AuditRound.id).where(AuditRound.key == plan.key)):
        errors["key"] = Message(
            N_("There is a round with the key “%(key)s” already. Choose another."), {"key": plan.key}
        )
    if not by.system and owner.id not in {held.oversight_body_id for held in by.holding("lead_inspector")}:
        errors["owner"] = Message(N_("Choose an oversight body that you are a lead inspector of."))
    if errors:
        raise PlanErrors(errors)
    pack = pack_of(pack_version)
    audit_round = AuditRound(
        key=plan.key,
        name=plan.name.strip(),
        pack_version_id=pack_version.id,
        owner_id=owner.id,
        stage="draft",
        opens=start_of(plan.opens),
        milestones_from=plan.milestones_from,
        area_release=plan.area_release,
        created_at=now,
        grace_minutes=plan.grace_minutes,
    )
    set_dates(audit_round, due=end_of(plan.due), closes=end_of(plan.closes))
    templates = template_versions(session, pack_version.id)
    for agency_type, kind in pack.agency_types.items():
        body = _body_for(session, pack, kind, owner)
        audit_round.served.append(
            RoundTemplate(
                oversight_body=body, template_version=templates[agency_type], agency_type=agency_type
            )
        )
    session.add(audit_round)
    session.flush()
    events.append(
        session,
        events.chain_of(audit_round),
        "round.created",
        by=by,
        now=now,
        data={
            "key": plan.key,
            "pack": pack.pack,
            "version": pack.version,
            "owner": owner.code,
            "opens": plan.opens.isoformat(),
            "due": plan.due.isoformat(),
            "closes": plan.closes.isoformat(),
            "milestones_from": plan.milestones_from.isoformat(),
            "grace_minutes": plan.grace_minutes,
        },
    )
    session.flush()
    return audit_round


def _body_for(session: Session, pack: Pack, kind: AgencyType, owner: OversightBody) -> OversightBody:
    """The body that asks an agency type: a pack of one body is asked by whoever owns the round, others by code."""
    if len(pack.oversight_bodies) <= 1:
        return owner
    body = session.scalar(select(OversightBody).where(OversightBody.code == kind.oversight_body))
    if body is None:
        raise NotPossible(
            N_("This pack needs the oversight body %(name)s (%(code)s), which is not set up here."),
            name=pack.oversight_bodies[kind.oversight_body].name,
            code=kind.oversight_body,
        )
    return body


def change_plan(session: Session, public_id: str, plan: RoundPlan, *, by: Actor, now: datetime) -> AuditRound:
    """Change the name, dates and releases of a round; the key stays. Raises NotFound and PlanErrors.

    Of a round that is open, the opening date and the date that milestones count from stay as agencies were told. Of one
    that is closed, its due and closing dates stay too: it can be reopened, with a reason.
    """
    audit_round = locked_round(session, public_id, by=by, now=now)
    errors = check_plan(plan, now=now, kept=audit_round)
    same_due, same_closes = plan.due == today(audit_round.due), plan.closes == today(audit_round.closes)
    shut = is_shut(open_until=audit_round.open_until, closed_at=audit_round.closed_at, now=now)
    if audit_round.stage == "open":
        if start_of(plan.opens) != audit_round.opens:
            errors["opens"] = Message(N_("The round is open, so its opening date can no longer change."))
        if plan.milestones_from != audit_round.milestones_from:
            errors["milestones_from"] = Message(
                N_("The round is open, so the date that milestones count from can no longer change.")
            )
        if (shut or audit_round.closed_at) and not same_due:
            errors["due"] = Message(N_("The round is closed, so its due date stays. Reopen it to give more time."))
        elif plan.due < today(audit_round.due):
            errors["due"] = Message(
                N_("The round is open: agencies were told the due date, so it can only move to a later day.")
            )
        if (shut or audit_round.closed_at) and not same_closes:
            errors["closes"] = Message(
                N_("The round is closed, so its closing date stays. Reopen it to give more time.")
            )
        if plan.grace_minutes < audit_round.grace_minutes:
            errors["grace_minutes"] = Message(
                N_("The round is open: agencies were told the grace, so it can only become longer.")
            )
        elif (shut or audit_round.closed_at) and plan.grace_minutes != audit_round.grace_minutes:
            errors["grace_minutes"] = Message(N_("The round is closed, so its grace stays as it was."))
    if errors:
        raise PlanErrors(errors)
    audit_round.name = plan.name.strip()
    audit_round.opens = start_of(plan.opens)
    if plan.grace_minutes != audit_round.grace_minutes:
        audit_round.grace_minutes = plan.grace_minutes
        extended = select(AuditReturn).where(
            AuditReturn.round_id == audit_round.id, AuditReturn.extended_to.is_not(None)
        )
        for audit_return in session.scalars(extended):
            audit_return.late_after = with_grace(audit_return.extended_to, plan.grace_minutes)  # type: ignore[arg-type]
    # a round that was closed early was closed at a minute, not at the end of that day
    set_dates(
        audit_round,
        due=audit_round.due if same_due else end_of(plan.due),
        closes=audit_round.closes if same_closes else end_of(plan.closes),
    )
    audit_round.milestones_from = plan.milestones_from
    audit_round.area_release = plan.area_release
    events.append(
        session,
        events.chain_of(audit_round),
        "round.changed",
        by=by,
        now=now,
        data={
            "opens": plan.opens.isoformat(),
            "due": plan.due.isoformat(),
            "closes": plan.closes.isoformat(),
            "milestones_from": plan.milestones_from.isoformat(),
            "area_release": plan.area_release,
            "grace_minutes": plan.grace_minutes,
        },
    )
    session.flush()
    return audit_round


def locked_round(
    session: Session, public_id: str, *, by: Actor, now: datetime, permission: str = "round.edit",
    archived: bool = False,
) -> AuditRound:  # fmt: skip
    """A round to be changed, its row held until the transaction ends.

    Raises NotFound, and NotPossible where it is archived, unless it is to be brought back (`archived`).
    """
    audit_round = get_round(session, public_id, actor=by, now=now, permission=permission)
    # of this row alone: PostgreSQL refuses to lock through the outer joins that the round was read with
    session.execute(select(AuditRound.id).where(AuditRound.id == audit_round.id).with_for_update())
    session.refresh(audit_round)
    if not archived:
        check_not_archived(audit_round.archived_at)
    return audit_round


def add_entries(
    session: Session, public_id: str, entries: Sequence[agencies.Entry], *, by: Actor, now: datetime
) -> int:
    """Store pasted or uploaded agencies and add them to a round. Returns how many are new to it.

    Raises NotFound, ImportFailed.
    """
    audit_round = locked_round(session, public_id, by=by, now=now)
    pack = pack_of(audit_round.pack_version)
    stored = agencies.store(session, entries, pack.agency_types, by=by, now=now)
    return _invite(session, audit_round, pack, stored, by=by, now=now)


def add_agencies(
    session: Session, public_id: str, agency_ids: Sequence[str], *, by: Actor, now: datetime
) -> int:
    """Add agencies that are known already, by public id. Returns how many are new to the round. Raises NotFound."""
    audit_round = locked_round(session, public_id, by=by, now=now)
    known = session.scalars(
        select(Agency)
        .where(Agency.public_id.in_(agency_ids), Agency.closed_on.is_(None))
        .order_by(Agency.name)
    ).all()
    return _invite(session, audit_round, pack_of(audit_round.pack_version), known, by=by, now=now)


def _invite(
    session: Session,
    audit_round: AuditRound,
    pack: Pack,
    invited: Sequence[Agency],
    *,
    by: Actor,
    now: datetime,
) -> int:
    there = set(session.scalars(select(AuditReturn.agency_id).where(AuditReturn.round_id == audit_round.id)))
    templates = {served.agency_type: served.template_version_id for served in audit_round.served}
    new = []
    for agency in invited:
        if agency.id in there or agency.agency_type not in templates:
            continue
        there.add(agency.id)
        template = pack.templates[agency.agency_type]
        shown = template.shown(agency.subtype or None, {})
        new.append(
            AuditReturn(
                round_id=audit_round.id,
                agency_id=agency.id,
                template_version_id=templates[agency.agency_type],
                agency_type=agency.agency_type,
                subtype=agency.subtype,
                asked=len(shown.required),
                invited_at=now,
            )
        )
    session.add_all(new)
    session.flush()
    for audit_return in new:
        session.add(
            events.build(
                chain=events.chain_of(audit_return),
                seq=1,
                previous_hash=events.GENESIS,
                verb="return.invited",
                at=now,
                actor=by.label,
                data={"round": audit_round.key},
                texts={},
            )
        )
    if new:
        events.append(
            session,
            events.chain_of(audit_round),
            "round.agencies_added",
            by=by,
            now=now,
            data={"number": len(new)},
        )
    if audit_round.stage == "open":
        mail.invite_to_round(session, new, now=now)
    session.flush()
    return len(new)


def remove_agency(session: Session, public_id: str, return_id: str, *, by: Actor, now: datetime) -> None:
    """Take an agency out of a round that is not open yet. Raises NotFound, NotPossible once the round is open."""
    audit_round = locked_round(session, public_id, by=by, now=now)
    if audit_round.stage != "draft":
        raise NotPossible(
            N_("The round is open. Record a nil return with the reason instead of removing the agency.")
        )
    removed = session.scalar(
        select(AuditReturn).where(AuditReturn.public_id == return_id, AuditReturn.round_id == audit_round.id)
    )
    if removed is None:
        raise NotFound
    agency = removed.agency
    session.execute(delete(AuditReturn).where(AuditReturn.id == removed.id))
    events.append(
        session, events.chain_of(audit_round), "round.agency_removed", by=by, now=now,
        data={"agency": agency.code}, texts={"name": agency.name},
    )  # fmt: skip
    session.flush()


def open_round(session: Session, public_id: str, *, by: Actor, now: datetime) -> AuditRound:
    """Open a round: from its opening date on, agencies can answer. Raises NotFound, NotPossible."""
    audit_round = locked_round(session, public_id, by=by, now=now)
    if audit_round.stage == "open":
        raise NotPossible(N_("This round is open already."))
    number = session.scalar(
        select(func.count()).select_from(AuditReturn).where(AuditReturn.round_id == audit_round.id)
    )
    if not number:
        raise NotPossible(N_("Add at least one agency before the round opens."))
    if audit_round.closes < now:
        raise NotPossible(N_("The closing date has passed. Change the dates, then open the round."))
    audit_round.stage = "open"
    events.append(
        session, events.chain_of(audit_round), "round.opened", by=by, now=now, data={"agencies": number}
    )
    returns = session.scalars(
        select(AuditReturn).where(AuditReturn.round_id == audit_round.id).options(joinedload(AuditReturn.agency))
    )
    mail.invite_to_round(session, returns.all(), now=now)
    session.flush()
    return audit_round
