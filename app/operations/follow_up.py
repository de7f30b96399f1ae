"""Following up: an inspector's word over a recommendation, monitoring, and requests for progress.

What an oversight body says among itself goes to the chain that agencies do not read; what it asks of an agency goes to
the return's own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.follow_up import LONGEST_NOTE, STATES
from app.domain.life import NotPossible, check_length
from app.domain.mail import page
from app.domain.message import N_, Message
from app.domain.recommendations import recommendations
from app.models import AuditReturn, Monitoring, RecommendationStatus, Thread, ThreadPost
from app.operations import events, mail, threads
from app.operations.mail import Draft
from app.policy import Actor
from app.queries.actions import signed_actions
from app.queries.follow_up import get_monitoring
from app.queries.mail import people_at, person
from app.queries.moderation import latest_submission
from app.queries.packs import template_of
from app.queries.returns import get_return
from app.queries.rounds import NotFound
from app.queries.threads import thread_of

MOST_AT_ONCE = 200  # agencies of one step
MOST_ABOUT = 5  # recommendations and actions that one request names
KIND = "progress"
ACTION = "action:"  # how a request names an action of a plan, beside recommendations


def _known(audit_return: AuditReturn, recommendation: str) -> None:
    """Raise NotFound unless the agency's checklist cites it."""
    pack, _template = template_of(audit_return)
    if all(one.key != recommendation for one in recommendations(pack, [audit_return.agency_type])):
        raise NotFound


def _needed(text: str, missing: str) -> str:
    """A reason or note with its ends trimmed. Raises NotPossible with `missing` where it is empty, or too long."""
    text = text.strip()
    if not text:
        raise NotPossible(missing)
    check_length(text, LONGEST_NOTE)
    return text


def _mine(session: Session, public_id: str, *, by: Actor, now: datetime) -> AuditReturn:
    return get_return(session, public_id, actor=by, now=now, permission="return.follow_up", lock=True)


# --- an inspector's word ---------------------------------------------------------------------------------------------


def say(
    session: Session, public_id: str, recommendation: str, *, state: str, note: str, by: Actor, now: datetime
) -> RecommendationStatus:
    """Put a word over what follows from the answers, with the reason. What follows stays to be seen beside it.

    Raises NotFound (no such return, or a recommendation that its checklist does not cite), and NotPossible: no such
    state, no note, or nothing is submitted.
    """
    audit_return = _mine(session, public_id, by=by, now=now)
    _known(audit_return, recommendation)
    if audit_return.stage != "submitted":
        raise NotPossible(N_("This audit is not submitted, so there is nothing to say about it yet."))
    if state not in STATES:
        raise NotPossible(N_("Choose one of the states listed"))
    note = _needed(note, N_("Say what this rests on"))
    row = _word(session, audit_return, recommendation)
    if row is None:
        row = RecommendationStatus(return_id=audit_return.id, recommendation=recommendation)
        session.add(row)
    row.state, row.note, row.by_id, row.at = state, note, by.user_id, now
    events.append(
        session, events.oversight_chain(audit_return), "recommendation.judged", by=by, now=now,
        data={"recommendation": recommendation, "state": state}, texts={"note": note},
    )  # fmt: skip
    session.flush()
    return row


def take_back(session: Session, public_id: str, recommendation: str, *, by: Actor, now: datetime) -> None:
    """Take a word back: what follows from the answers holds again. Raises NotFound where there is none."""
    audit_return = _mine(session, public_id, by=by, now=now)
    row = _word(session, audit_return, recommendation)
    if row is None:
        raise NotFound
    session.delete(row)
    events.append(
        session, events.oversight_chain(audit_return), "recommendation.taken_back", by=by, now=now,
        data={"recommendation": recommendation},
    )  # fmt: skip
    session.flush()


def _word(session: Session, audit_return: AuditReturn, recommendation: str) -> RecommendationStatus | None:
    return session.scalar(
        select(RecommendationStatus).where(
            RecommendationStatus.return_id == audit_return.id, RecommendationStatus.recommendation == recommendation
        )
    )


# --- monitoring ------------------------------------------------------------------------------------------------------


def monitor(
    session: Session, public_ids: Collection[str], *, reason: str, review_on: date | None, by: Actor, now: datetime,
    recommendation: str = "",
) -> list[Monitoring]:  # fmt: skip
    """Put agencies under monitoring, for one recommendation or (empty) as a whole; returns what is new.

    An agency that is monitored for it already is left as it is. Raises NotFound, and NotPossible: none or too many
    chosen, no reason, a date to review it that has passed.
    """
    wanted = _chosen(public_ids)
    reason = _needed(reason, N_("Say why they are monitored"))
    if review_on and review_on < today(now):
        raise NotPossible(N_("Choose a day to review it that is still ahead"))
    new = []
    for public_id in wanted:
        audit_return = _mine(session, public_id, by=by, now=now)
        if recommendation:
            _known(audit_return, recommendation)
        already = session.scalar(
            select(Monitoring.id).where(
                Monitoring.return_id == audit_return.id,
                Monitoring.recommendation == recommendation,
                Monitoring.cleared_at.is_(None),
            )
        )
        if already is not None:
            continue
        row = Monitoring(
            audit_return=audit_return, recommendation=recommendation, reason=reason, since=now, by_id=by.user_id,
            review_on=review_on, clear_reason="",
        )  # fmt: skip
        session.add(row)
        session.flush()
        events.append(
            session, events.oversight_chain(audit_return), "monitoring.started", by=by, now=now,
            data={
                "monitoring": row.public_id,
                "recommendation": recommendation,
                "review_on": review_on.isoformat() if review_on else "",
            },
            texts={"reason": reason},
        )  # fmt: skip
        new.append(row)
    session.flush()
    return new


def clear(session: Session, public_id: str, monitoring: str, *, reason: str, by: Actor, now: datetime) -> Monitoring:
    """End the monitoring of an agency with a reason. Raises NotFound, NotPossible: no reason, or cleared already."""
    audit_return = _mine(session, public_id, by=by, now=now)
    row = get_monitoring(session, audit_return, monitoring)
    if row.cleared_at is not None:
        raise NotPossible(N_("This monitoring has ended already."))
    row.clear_reason = _needed(reason, N_("Say why it is no longer monitored"))
    row.cleared_at, row.cleared_by_id = now, by.user_id
    events.append(
        session, events.oversight_chain(audit_return), "monitoring.cleared", by=by, now=now,
        data={"monitoring": row.public_id, "recommendation": row.recommendation},
        texts={"reason": row.clear_reason},
    )  # fmt: skip
    session.flush()
    return row


def review_again(
    session: Session, public_id: str, monitoring: str, *, on: date, by: Actor, now: datetime
) -> Monitoring:
    """Set another day to review the monitoring of an agency. Raises NotFound, NotPossible: ended, or a day gone by."""
    audit_return = _mine(session, public_id, by=by, now=now)
    row = get_monitoring(session, audit_return, monitoring)
    if row.cleared_at is not None:
        raise NotPossible(N_("This monitoring has ended already."))
    if on < today(now):
        raise NotPossible(N_("Choose a day to review it that is still ahead"))
    row.review_on = on
    events.append(
        session, events.oversight_chain(audit_return), "monitoring.review_set", by=by, now=now,
        data={"monitoring": row.public_id, "review_on": on.isoformat()},
    )  # fmt: skip
    session.flush()
    return row


def _chosen(public_ids: Collection[str]) -> list[str]:
    """The agencies chosen, each once and in one order, so that two inspectors never wait for each other in a circle."""
    wanted = sorted(set(public_ids))
    if not wanted:
        raise NotPossible(N_("Choose at least one agency"))
    if len(wanted) > MOST_AT_ONCE:
        raise NotPossible(N_("Choose %(limit)s agencies or fewer at once."), limit=MOST_AT_ONCE)
    return wanted


# --- requests for progress -------------------------------------------------------------------------------------------


def about_of(recommendations: Sequence[str], actions: Sequence[str] = ()) -> str:
    """How a request names the recommendations and actions that it is about; empty for the action plan as a whole."""
    return " ".join([*recommendations, *(f"{ACTION}{one}" for one in actions)])


def actions_in(about: str) -> frozenset[str]:
    """The public ids of the actions that a request names."""
    return frozenset(one.removeprefix(ACTION) for one in about.split() if one.startswith(ACTION))


def ask_for_progress(
    session: Session, public_ids: Collection[str], *, subject: str, text: str, due: date, by: Actor, now: datetime,
    about: Sequence[str] = (), actions: Sequence[str] = (),
) -> list[Thread]:  # fmt: skip
    """Ask agencies how far they are with what they planned: a thread with each, and a mail to those responsible.

    `about`: recommendations, else the plan as a whole; an agency is asked about those that its checklist cites.
    `actions`: public ids of signed actions, where one agency alone is asked. Nothing is reopened. Raises NotFound, and
    NotPossible: none or too many chosen, a day that is not ahead, an agency that has submitted nothing or is concerned
    by none of them, or the words are missing.
    """
    wanted = _chosen(public_ids)
    if due < today(now):
        raise NotPossible(N_("Choose a day for the answer that is still ahead"))
    if len({*about, *actions}) > MOST_ABOUT:
        raise NotPossible(
            N_("Choose %(limit)s recommendations and actions or fewer, or none to ask about the whole plan."),
            limit=MOST_ABOUT,
        )
    if actions and len(wanted) > 1:
        raise NotPossible(N_("Single actions are of one agency’s plan. Ask that agency alone about them."))
    opened = []
    for public_id in wanted:
        audit_return = _mine(session, public_id, by=by, now=now)
        name = audit_return.agency.name
        if audit_return.stage != "submitted":
            raise NotPossible(N_("%(name)s has not submitted its audit, so there is no plan to ask about."), name=name)
        pack, _template = template_of(audit_return)
        known = {one.key for one in recommendations(pack, [audit_return.agency_type])}
        mine = [one for one in dict.fromkeys(about) if one in known]
        if about and not mine:
            raise NotPossible(N_("%(name)s is concerned by none of these recommendations."), name=name)
        if actions and not {*actions} <= _signed(session, audit_return):
            raise NotFound
        thread = threads.open_thread(
            session, audit_return, kind=KIND, subject=subject, text=text, side="oversight", by=by, now=now,
            about=about_of(mine, list(dict.fromkeys(actions))), due=due,
        )  # fmt: skip
        opened.append(thread)
    _tell(session, opened, now=now)
    return opened


def _signed(session: Session, audit_return: AuditReturn) -> set[str]:
    """The public ids of the actions that stand signed in a return."""
    submission = latest_submission(session, audit_return)
    if submission is None:
        return set()
    found = signed_actions(json.loads(submission.content), submission.submitted_at)
    return {action.id for actions in found.values() for action in actions}


def _tell(session: Session, opened: Sequence[Thread], *, now: datetime, again: str = "") -> None:
    """Write to those responsible; `again` is what makes the key of a mail about a request that is asked on."""
    by_agency = {thread.audit_return.agency_id: thread for thread in opened}
    drafts = []
    for one in people_at(session, by_agency, now=now):
        thread = by_agency[one.agency_id]
        audit_return = thread.audit_return
        about = {"agency": audit_return.agency.name, "round": audit_return.audit_round.name, "day": thread.due}
        drafts.append(
            Draft(
                to=one.user, kind="query", audit_return=audit_return,
                subject=Message(N_("%(round)s: how far is %(agency)s with what it planned?"), about),
                body=[
                    Message(N_("You are asked how far %(agency)s is with what it planned in “%(round)s”."), about),
                    Message(N_("Please answer by %(day)s. What was signed stays as it is."), about),
                ],
                link=page(f"/returns/{audit_return.public_id}/progress/{thread.public_id}"),
                dedupe_key=f"progress:{again or thread.public_id}:{one.user.public_id}",
            )
        )  # fmt: skip
    mail.queue_all(session, drafts, now=now)


def answer(
    session: Session, public_id: str, thread: str, *, text: str, evidence: Sequence[str] = (), by: Actor, now: datetime
) -> ThreadPost:
    """The agency answers a request, with files of its library where it likes; whoever asked is told by mail. The return
    stays as it was signed.

    Raises NotFound, and NotPossible: closed, nothing written, or a file that cannot be shown.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.answer_progress", lock=True)
    found = thread_of(session, audit_return, thread, kinds=(KIND,))
    post = threads.reply(session, found, text=text, side="agency", by=by, now=now, evidence=evidence)
    asker = person(session, found.opened_by_id)
    if asker:
        about = {"agency": audit_return.agency.name, "round": audit_return.audit_round.name}
        mail.queue(
            session, to=asker, kind="query", audit_return=audit_return,
            subject=Message(N_("%(round)s: %(agency)s says how far it is"), about),
            body=[
                Message(N_("%(agency)s has answered your request for progress in “%(round)s”."), about),
                Message(N_("The answer stands with the request after you sign in.")),
            ],
            link=page(f"/returns/{audit_return.public_id}/progress/{found.public_id}"),
            dedupe_key=f"progress:{post.public_id}:{asker.public_id}", now=now,
        )  # fmt: skip
    return post


def ask_on(session: Session, public_id: str, thread: str, *, text: str, by: Actor, now: datetime) -> ThreadPost:
    """The oversight body asks on. Raises NotFound, NotPossible: closed, or nothing written."""
    audit_return = _mine(session, public_id, by=by, now=now)
    found = thread_of(session, audit_return, thread, kinds=(KIND,))
    post = threads.reply(session, found, text=text, side="oversight", by=by, now=now)
    _tell(session, [found], now=now, again=post.public_id)
    return post


def close(session: Session, public_id: str, thread: str, *, by: Actor, now: datetime) -> Thread:
    """The oversight body closes a request. Raises NotFound, NotPossible: closed already."""
    audit_return = _mine(session, public_id, by=by, now=now)
    return threads.close_thread(session, thread_of(session, audit_return, thread, kinds=(KIND,)), by=by, now=now)
