"""Asking for reports: they are made in the background, by whoever the enqueue port reaches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.life import NotPossible
from app.domain.message import N_
from app.models import AuditReturn, AuditRound, ReportRun
from app.operations import events
from app.policy import Actor, Denied, require
from app.queries.area_report import areas_to_report, may_read_area_report
from app.queries.body_summary import bodies_asking
from app.queries.findings import has_joint
from app.queries.letters import letter_exists, may_read_letter
from app.queries.release import edition_content, editions, may_see_version
from app.queries.reports import FEEDBACK
from app.queries.returns import return_facts, sees_drafts
from app.queries.rounds import NotFound, round_facts

PUBLISHED = "joint-findings"  # the report that what is published is made into
REGISTER = "register-responses"  # the report that the published table of responses is made into
LETTER = "area-letter"  # the letter to an area in a round
AREA = "area-report"  # the report about an area in a round
SUMMARY = "body-summary"  # the report about what one oversight body asks in a round

# how operations hand work to the background: the run's public id, in the caller's transaction
Enqueue = Callable[[Session, str], None]


def request_round_report(
    session: Session, audit_round: AuditRound, report: str, *, by: Actor, now: datetime, enqueue: Enqueue,
    language: str = "en", coming_out: bool = False,
) -> ReportRun:  # fmt: skip
    """Ask for a report about a whole round. A run of it that is still waiting or running is returned instead.

    `coming_out`: the joint findings with those figures and names alone that would come out. Raises Denied.
    """
    require(by, "findings.make", round_facts(session, audit_round, now=now))
    options: dict[str, Any] = {"language": language}
    if coming_out and report == PUBLISHED:
        options["coming_out"] = True
    return _request(session, report, audit_round, None, by=by, now=now, enqueue=enqueue, options=options)


def request_blank_form(
    session: Session, audit_round: AuditRound, report: str, agency_type: str, *, by: Actor, now: datetime,
    enqueue: Enqueue, language: str = "en",
) -> ReportRun:  # fmt: skip
    """Ask for the blank form of an agency type in a round. Raises Denied."""
    require(by, "findings.make", round_facts(session, audit_round, now=now))
    options = {"agency_type": agency_type, "language": language}
    return _request(session, report, audit_round, None, by=by, now=now, enqueue=enqueue, options=options)


def request_body_summary(
    session: Session, audit_round: AuditRound, body: str, *, by: Actor, now: datetime, enqueue: Enqueue,
    language: str = "en",
) -> ReportRun:  # fmt: skip
    """Ask for the summary for an oversight body, by its code. Raises Denied, and NotFound where it asks nobody."""
    require(by, "findings.make", round_facts(session, audit_round, now=now))
    if not has_joint(audit_round) or body not in {one.code for one in bodies_asking(session, audit_round)}:
        raise NotFound
    options = {"body": body, "language": language}
    return _request(session, SUMMARY, audit_round, None, by=by, now=now, enqueue=enqueue, options=options)


def request_area_report(
    session: Session, audit_round: AuditRound, area: str, *, by: Actor, now: datetime, enqueue: Enqueue,
    language: str = "en",
) -> ReportRun:  # fmt: skip
    """Ask for the report on an area, given by its public id. Raises NotFound where the actor may not read it."""
    if not may_read_area_report(session, audit_round, area, actor=by, now=now):
        raise NotFound
    if area not in {public_id for public_id, _name, _region in areas_to_report(session, audit_round)}:
        raise NotFound
    options = {"area": area, "language": language}
    return _request(session, AREA, audit_round, None, by=by, now=now, enqueue=enqueue, options=options)


def request_return_report(
    session: Session, audit_return: AuditReturn, report: str, *, by: Actor, now: datetime, enqueue: Enqueue,
    draft: bool = False, language: str = "en",
) -> ReportRun:  # fmt: skip
    """Ask for a report about one return's latest submission or, with `draft`, about the return as it is being written.

    Raises Denied, for a draft also unless the actor is one of the agency's own people.
    """
    require(by, "return.read_all", return_facts(session, audit_return, now=now))
    if draft and not (by.system or sees_drafts(by, audit_return)):
        raise Denied("return.read")
    options: dict[str, Any] = {"language": language}
    if draft:
        options["draft"] = True
    return _request(
        session, report, audit_return.audit_round, audit_return, by=by, now=now, enqueue=enqueue, options=options
    )


def request_feedback(
    session: Session, audit_return: AuditReturn, version: int, *, by: Actor, now: datetime, enqueue: Enqueue,
    language: str = "en",
) -> ReportRun:  # fmt: skip
    """Ask for the PDF of a version of the feedback to an agency. Raises NotFound where the actor may not read it."""
    if not may_see_version(session, audit_return, version, actor=by, now=now):
        raise NotFound
    return _request(
        session, FEEDBACK, audit_return.audit_round, audit_return, by=by, now=now, enqueue=enqueue, private=True,
        options={"language": language, "edition": version},
    )  # fmt: skip


def request_publication(
    session: Session, audit_round: AuditRound, number: int, *, by: Actor, now: datetime, enqueue: Enqueue,
    language: str = "en", report: str = PUBLISHED,
) -> ReportRun:  # fmt: skip
    """Ask for the PDF of findings, or of the table of responses, as they were published.

    One that is made, or being made, serves everybody.

    Raises Denied, and NotFound where there is no such edition, or it has no such report.
    """
    require(by, "findings.read", round_facts(session, audit_round, now=now, agencies=True))
    edition = next((one for one in editions(session, audit_round, now=now) if one.number == number), None)
    if edition is None or report not in (PUBLISHED, REGISTER) or (report == PUBLISHED and not has_joint(audit_round)):
        raise NotFound
    if report == REGISTER and "register" not in edition_content(session, audit_round, number, now=now):
        raise NotFound
    # one that was made before it was replaced lacks the mark that says so
    options = {"language": language, "edition": number, "replaced_by": edition.replaced_by}
    return _made(session, report, audit_round, options) or _request(
        session, report, audit_round, None, by=by, now=now, enqueue=enqueue, options=options
    )


def request_letter(
    session: Session, audit_round: AuditRound, area: str, number: int, *, by: Actor, now: datetime, enqueue: Enqueue,
    language: str = "en",
) -> ReportRun:  # fmt: skip
    """Ask for the letter to an area, given by its public id: as it came out with an edition, or (0) as it would be now.

    One of an edition that is made serves everybody. Raises NotFound where the actor may not read it, or an edition has
    none, and NotPossible where nobody signed anything about the area.
    """
    if not may_read_letter(session, audit_round, area, number, actor=by, now=now):
        raise NotFound
    there = letter_exists(session, audit_round, area, number, now=now)
    options: dict[str, Any] = {"language": language, "area": area}
    if not number:
        if not there:
            raise NotPossible(N_("Nothing about this area is signed yet, so there is no letter to it to make."))
        return _request(session, LETTER, audit_round, None, by=by, now=now, enqueue=enqueue, options=options)
    if not there:
        raise NotFound
    edition = next(one for one in editions(session, audit_round, now=now) if one.number == number)
    options |= {"edition": number, "replaced_by": edition.replaced_by}
    return _made(session, LETTER, audit_round, options) or _request(
        session, LETTER, audit_round, None, by=by, now=now, enqueue=enqueue, options=options
    )


def _made(session: Session, report: str, audit_round: AuditRound, options: dict[str, Any]) -> ReportRun | None:
    """The newest run of a report about a round with these options that is made, or being made."""
    made = session.scalars(
        select(ReportRun)
        .where(
            ReportRun.report == report, ReportRun.round_id == audit_round.id, ReportRun.stage != "failed",
            ReportRun.return_id.is_(None),
        )
        .order_by(ReportRun.id.desc())
    )  # fmt: skip
    return next((other for other in made if other.options == options), None)


def _request(
    session: Session, report: str, audit_round: AuditRound, audit_return: AuditReturn | None, *, by: Actor,
    now: datetime, enqueue: Enqueue, options: dict[str, Any] | None = None, private: bool = False,
) -> ReportRun:  # fmt: skip
    """`private`: the agency's history does not hold it."""
    options = options or {}
    under_way = session.scalars(
        select(ReportRun).where(
            ReportRun.report == report,
            ReportRun.round_id == audit_round.id,
            ReportRun.return_id.is_(None) if audit_return is None else ReportRun.return_id == audit_return.id,
            ReportRun.requested_by_id == by.user_id,
            ReportRun.stage.in_(("waiting", "running")),
        )
    )
    for other in under_way:
        if other.options == options:
            return other
    run = ReportRun(
        report=report,
        round_id=audit_round.id,
        return_id=audit_return.id if audit_return else None,
        options=options,
        requested_by_id=by.user_id,
        requested_at=now,
    )
    session.add(run)
    session.flush()
    chain = events.chain_of(audit_return or audit_round)
    if audit_return and private:
        chain = events.oversight_chain(audit_return)
    events.append(
        session,
        chain,
        "report.requested",
        by=by,
        now=now,
        data={"report": report, "run": run.public_id} | ({"area": options["area"]} if "area" in options else {}),
    )
    session.flush()
    enqueue(session, run.public_id)
    return run
