"""Release: feedback to each agency, the window for its factual accuracy, publication at an instant, corrections.

What is done here before publication goes to the round's chain and to the oversight chain of a return: agencies read
neither. What comes out is frozen when its instant is set; the clock puts it on record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import null, select
from sqlalchemy.orm import Session, joinedload

from app.clock import LONDON
from app.domain.composing import Place
from app.domain.corrections import Changed, changes, letter_changes, register_changes
from app.domain.feedback import LONGEST_NARRATIVE, NARRATIVE, Amendment, FeedbackContent
from app.domain.integrity import hash_of
from app.domain.life import NotPossible, check_length
from app.domain.message import N_, Message
from app.domain.threads import words
from app.models import AuditReturn, AuditRound, Feedback, Publication, Release, Thread, User
from app.operations import events
from app.operations.composing import check_publishable, enter_register
from app.operations.mail import Draft, queue_all, way_in
from app.operations.rounds import locked_round
from app.operations.threads import close_thread, open_thread, reply
from app.policy import Actor, system_actor
from app.queries.composing import named_in, signed_off_version
from app.queries.findings import has_joint, newest_feedback
from app.queries.mail import people_at
from app.queries.own_types import types_where
from app.queries.release import (
    Counts,
    coming_out,
    content_of,
    counts_of,
    edition_content,
    editions,
    gather,
    get_feedback_return,
    latest,
    prepare_edition,
    publication_event,
    release_of,
    snapshot_of,
    standing,
)
from app.queries.threads import thread_of

LONGEST_REASON = 4000
CLOCK = "clock"  # the system actor of what the clock does
DECISIONS = ("withdraw", "replace", "anew", "decline", "reply")
OUTCOMES = {"withdraw": "accepted", "replace": "accepted", "anew": "accepted", "decline": "declined"}

NOT_PREPARED = N_("No feedback is prepared for this agency yet. Prepare it on the release page first.")

# what stands in the way of publishing, each waved through with a reason: key to words
OBSTACLES: dict[str, str] = {
    "missing": N_("Submitted returns that have no feedback"),
    "stale": N_("Feedback about a submission that was replaced since"),
    "challenges": N_("Challenges of agencies that are not settled"),
    "judgements": N_("Judgements that are out of date or wait for approval"),
    "unfinished": N_("Returns of the sample that nobody has finished checking"),
    "queries": N_("Queries that agencies have not answered"),
    "returned": N_("Audits that were opened again, or standards returned, and not signed again"),
    "window": N_("The window for factual accuracy is not over by then"),
    "unsigned": N_("Inspectorates that have not signed off the composed report: what was signed off last comes out"),
    "unwritten": N_(
        "Inspectorates that have not signed off the composed report: nothing that was written comes out, as no version"
        " was ever signed off by all"
    ),
    "named": N_("Names of agencies in what was written, though this report is to name none"),
}


# accepted beforehand with a reason; else a challenge that comes takes the time of publication back
LATER = "later"
WAIVABLE = OBSTACLES | {LATER: N_("Challenges that come until the window closes")}


# --- feedback --------------------------------------------------------------------------------------------------------


def prepare(session: Session, public_id: str, *, by: Actor, now: datetime) -> int:
    """Prepare the feedback for all submitted returns of the agency types that the actor's bodies ask.

    A new version only where something changed since the last; narratives and settled challenges stay. Returns how many
    versions are new. Raises NotFound.
    """
    audit_round = locked_round(session, public_id, by=by, now=now, permission="release.read")
    made = gather(session, audit_round, types=types_where(audit_round, by, "feedback.write"))
    if not made:
        raise NotPossible(N_("Nothing is submitted yet, so there is nothing to give feedback on."))
    versions = newest_feedback(made)
    before = {
        row.return_id: row
        for row in session.scalars(
            select(Feedback).join(
                versions, (versions.c.return_id == Feedback.return_id) & (versions.c.version == Feedback.version)
            )
        )
    }
    rows = []
    for return_id, content in made.items():
        old, data = before.get(return_id), content.model_dump(mode="json")
        if old is None or old.content != data:
            rows.append(
                Feedback(
                    return_id=return_id, version=old.version + 1 if old else 1, content=data,
                    narrative=old.narrative if old else "", by_id=by.user_id, at=now,
                )
            )  # fmt: skip
    if rows:
        session.add_all(rows)
        events.append(
            session, events.chain_of(audit_round), "feedback.prepared", by=by, now=now,
            data={
                "returns": len(made), "new": len(rows),
                "content": hash_of({str(row.return_id): row.content for row in rows}),
            },
        )  # fmt: skip
        session.flush()
    return len(rows)


def _add_version(
    session: Session, audit_return: AuditReturn, old: Feedback, content: FeedbackContent, *, narrative: str,
    reason: str, by: Actor, now: datetime,
) -> Feedback:  # fmt: skip
    row = Feedback(
        return_id=audit_return.id, version=old.version + 1, content=content.model_dump(mode="json"),
        narrative=narrative, reason=reason, by_id=by.user_id, at=now,
    )  # fmt: skip
    session.add(row)
    events.append(
        session, events.oversight_chain(audit_return), "feedback.written", by=by, now=now,
        data={"version": row.version, "content": hash_of(row.content)},
        texts={"narrative": narrative} | ({"reason": reason} if reason else {}),
    )  # fmt: skip
    session.flush()
    return row


def write_narrative(
    session: Session, public_id: str, *, narrative: str, version: int, by: Actor, now: datetime
) -> Feedback:
    """Save the inspector's own text: a new version, over the one that the page showed.

    Raises NotFound, and NotPossible: nothing is prepared, somebody wrote meanwhile, or the text is too long.
    """
    audit_return = get_feedback_return(
        session, public_id, actor=by, now=now, permission="feedback.write", lock=True
    )
    old = _prepared(session, audit_return)
    if old.version != version:
        raise NotPossible(
            N_("Somebody saved version %(version)s meanwhile. Read it below, put your words in, and save again."),
            version=old.version,
        )
    narrative = narrative.replace("\r\n", "\n").replace("\0", "").strip()
    check_length(narrative, LONGEST_NARRATIVE)
    if narrative == old.narrative:
        return old
    return _add_version(
        session, audit_return, old, content_of(old), narrative=narrative, reason="", by=by, now=now
    )


def _prepared(session: Session, audit_return: AuditReturn) -> Feedback:
    found = latest(session, audit_return)
    if found is None:
        raise NotPossible(NOT_PREPARED)
    return found


# --- the window for factual accuracy ---------------------------------------------------------------------------------


def _release(session: Session, audit_round: AuditRound) -> Release:
    found = release_of(session, audit_round)
    if found is None:
        found = Release(round_id=audit_round.id)
        session.add(found)
    return found


def set_window(
    session: Session, public_id: str, *, opens: datetime, closes: datetime, by: Actor, now: datetime
) -> Release:
    """Say from when to when agencies see their own draft feedback and can challenge it. The clock opens and closes it.

    Signatories and audit leads get a mail when it opens. Raises NotFound and NotPossible.
    """
    audit_round = locked_round(session, public_id, by=by, now=now, permission="release.publish")
    release = _release(session, audit_round)
    at = standing(release, now=now)
    if at.publication == "published":
        raise NotPossible(N_("The findings are published, so the time to check drafts is over."))
    if opens >= closes:
        raise NotPossible(N_("The window must close after it opens."))
    if closes <= now:
        raise NotPossible(N_("The window must close later than now."))
    if at.window == "open" and opens > now:
        raise NotPossible(N_("The window is open: agencies read their drafts. You can change when it closes."))
    if not counts_of(session, audit_round, actor=by, now=now).prepared:
        raise NotPossible(N_("No feedback is prepared yet, so agencies would find nothing to read. Prepare it first."))
    if release.accuracy_opens != opens and at.window != "open":
        release.told_at = None
    if at.window == "open":
        opens = release.accuracy_opens or opens
    release.accuracy_opens, release.accuracy_closes = opens, closes
    events.append(
        session, events.chain_of(audit_round), "accuracy.window_set", by=by, now=now,
        data={"opens": events.iso(opens), "closes": events.iso(closes)},
    )  # fmt: skip
    session.flush()
    _tell_of_window(session, release, now=now)
    return release


def _tell_of_window(session: Session, release: Release, *, now: datetime) -> int:
    """Write to signatories and audit leads once the window is open. Returns how many mails are new."""
    at = standing(release, now=now)
    if at.window != "open" or at.publication == "published" or release.told_at is not None:
        return 0
    release.told_at = now
    session.flush()
    returns = _with_feedback(session, release.round_id)
    return _mail(
        session, returns, f"accuracy:{release.public_id}:{events.iso(at.opens or now)}", now=now,
        subject=N_("%(round)s: please check the draft feedback to %(agency)s"),
        body=(
            N_("The draft feedback to %(agency)s on “%(round)s” is there for you to check its facts."),
            N_(
                "You can read it, and challenge what is wrong in it, until %(time)s on %(day)s. It is not published:"
                " please do not pass it on."
            ),
        ),
        about={"day": _day(at.closes or now), "time": _time(at.closes or now)},
    )  # fmt: skip


SOON = timedelta(days=3)  # before the window closes


def remind_of_windows(session: Session, *, now: datetime) -> int:
    """Write once to signatories and audit leads when the window for factual accuracy closes within three days.

    Not where they were told of it less than a day ago. Safe to run as often as one likes. Returns how many are new.
    """
    added = 0
    for release in session.scalars(
        select(Release).where(
            Release.accuracy_closes > now, Release.accuracy_closes <= now + SOON,
            Release.told_at <= now - timedelta(days=1),
        )
    ):  # fmt: skip
        at = standing(release, now=now)
        if at.window != "open" or at.publication == "published" or at.closes is None:
            continue
        added += _mail(
            session, _with_feedback(session, release.round_id),
            f"accuracy-closes:{release.public_id}:{events.iso(at.closes)}", now=now,
            subject=N_("%(round)s: the draft feedback to %(agency)s can be checked until %(day)s"),
            body=(
                N_(
                    "You can still read the draft feedback to %(agency)s, and challenge what is wrong in it, until"
                    " %(time)s on %(day)s."
                ),
                N_("If everything in it is right you need do nothing."),
            ),
            about={"day": _day(at.closes), "time": _time(at.closes)},
        )  # fmt: skip
    return added


def _with_feedback(session: Session, round_id: int, published: Mapping[str, int] | None = None) -> list[AuditReturn]:
    rows = session.scalars(
        select(AuditReturn)
        .where(
            AuditReturn.round_id == round_id,
            select(Feedback.id).where(Feedback.return_id == AuditReturn.id).exists(),
        )
        .options(joinedload(AuditReturn.agency), joinedload(AuditReturn.audit_round))
        .order_by(AuditReturn.id)
    )
    return [row for row in rows if published is None or row.public_id in published]


def _day(at: datetime) -> Any:
    return at.astimezone(LONDON).date()


def _time(at: datetime) -> str:
    return f"{at.astimezone(LONDON):%H:%M}"


def _mail(
    session: Session, returns: Sequence[AuditReturn], key: str, *, now: datetime, subject: str, body: Sequence[str],
    about: Mapping[str, object], path: str = "feedback",
) -> int:  # fmt: skip
    by_agency = {one.agency_id: one for one in returns}
    drafts = []
    for one in people_at(session, by_agency, now=now):
        audit_return = by_agency[one.agency_id]
        params = {"agency": audit_return.agency.name, "round": audit_return.audit_round.name, **about}
        drafts.append(
            Draft(
                to=one.user, kind="feedback", audit_return=audit_return, subject=Message(subject, params),
                body=[Message(text, params) for text in body],
                link=way_in(one.user, f"/returns/{audit_return.public_id}/{path}"),
                dedupe_key=f"{key}:{audit_return.public_id}:{one.user.public_id}",
            )
        )  # fmt: skip
    return queue_all(session, drafts, now=now)


def challenge(
    session: Session, public_id: str, *, about: str, text: str, by: Actor, now: datetime, evidence: Sequence[str] = ()
) -> Thread:
    """An agency says that a statement of its draft feedback is wrong, while the window is open.

    Where the time of publication is set it is taken back, unless whoever set it accepted that with a reason. Raises
    NotFound, and NotPossible where there is no such statement, it is challenged already, or nothing is said.
    """
    audit_return = get_feedback_return(
        session, public_id, actor=by, now=now, permission="feedback.challenge"
    )
    # the round before the return, as everywhere
    session.execute(select(AuditRound.id).where(AuditRound.id == audit_return.round_id).with_for_update())
    audit_return = get_feedback_return(
        session, public_id, actor=by, now=now, permission="feedback.challenge", lock=True
    )
    row = _prepared(session, audit_return)
    if about != NARRATIVE and content_of(row).statement(about) is None:
        raise NotPossible(N_("This statement is not in your feedback any more. Read the newest version of it."))
    waiting = session.scalar(
        select(Thread.id).where(
            Thread.return_id == audit_return.id, Thread.kind == "accuracy", Thread.about == about,
            Thread.state != "closed",
        )
    )  # fmt: skip
    if waiting is not None:
        raise NotPossible(N_("This statement is challenged already. Add to that challenge instead."))
    thread = open_thread(
        session, audit_return, kind="accuracy", subject=about, text=text, side="agency", by=by, now=now, about=about,
        evidence=evidence,
    )  # fmt: skip
    _hold_back(session, audit_return, by=by, now=now)
    return thread


def _hold_back(session: Session, audit_return: AuditReturn, *, by: Actor, now: datetime) -> None:
    """Take the time of publication back for a challenge that came after it was set: what is frozen is contested.

    The agency is not told: it knows of no time. Whoever set it gets a mail.
    """
    audit_round = audit_return.audit_round
    release = release_of(session, audit_round)
    if release is None:
        return
    session.refresh(release)  # as it is under the lock
    if standing(release, now=now).publication != "set":
        return
    was_set = publication_event(session, audit_round)
    if was_set is None or not {LATER, "window"}.isdisjoint(was_set.data.get("waived", ())):
        return
    at = release.publish_at or now
    _take_off(release)
    events.append(
        session, events.chain_of(audit_round), "publication.held", by=by, now=now,
        data={"at": events.iso(at), "return": audit_return.public_id},
    )  # fmt: skip
    session.flush()
    if release.set_by_id is None:
        return
    user = session.get_one(User, release.set_by_id)
    about = {"round": audit_round.name, "time": _time(at), "day": _day(at)}
    queue_all(
        session,
        [
            Draft(
                to=user, kind="feedback",
                subject=Message(N_("%(round)s: the publication is held back"), about),
                body=[
                    Message(
                        N_(
                            "The findings of “%(round)s” were to come out at %(time)s on %(day)s. An agency has"
                            " challenged its draft feedback since, so no time is set any more."
                        ),
                        about,
                    ),
                    Message(
                        N_("Settle the challenge, then set the time again. The release page says which agency it is.")
                    ),
                ],
                link=way_in(user, f"/rounds/{audit_round.public_id}/release"),
                dedupe_key=f"held:{release.public_id}:{events.iso(at)}:{user.public_id}:{events.iso(now)}",
            )
        ],
        now=now,
    )  # fmt: skip


def add_to_challenge(
    session: Session, public_id: str, thread_id: str, *, text: str, by: Actor, now: datetime
) -> Thread:
    """The agency adds to its challenge, while the window is open. Raises NotFound and NotPossible."""
    audit_return = get_feedback_return(
        session, public_id, actor=by, now=now, permission="feedback.challenge", lock=True
    )
    thread = thread_of(session, audit_return, thread_id, kinds=("accuracy",))
    reply(session, thread, text=text, side="agency", by=by, now=now)
    return thread


def settle(
    session: Session, public_id: str, thread_id: str, *, decision: str, text: str, replacement: str = "", by: Actor,
    now: datetime,
) -> Thread:  # fmt: skip
    """The oversight body answers a challenge. `text` is what it says to the agency, with every decision.

    `reply` leaves it open. `decline` closes it. `withdraw`, `replace` (by `replacement`) and `anew` (computed from what
    is on record now, after somebody put that right) accept it: a new version of the feedback with `text` as its reason.
    Raises NotFound and NotPossible.
    """
    audit_return = get_feedback_return(
        session, public_id, actor=by, now=now, permission="feedback.write", lock=True
    )
    thread = thread_of(session, audit_return, thread_id, kinds=("accuracy",))
    if decision not in DECISIONS:
        raise NotPossible(N_("Say what you decide."))
    answer = words(text)
    reply(session, thread, text=answer, side="oversight", by=by, now=now)
    _mail(
        session, [audit_return], f"challenge:{thread.posts[-1].public_id}", now=now,
        subject=N_("%(round)s: a challenge of %(agency)s is answered"),
        body=(
            N_("What %(agency)s challenged in its draft feedback on “%(round)s” is answered."),
            N_("The answer stands with the draft after you sign in."),
        ),
        about={},
    )  # fmt: skip
    if decision == "reply":
        return thread
    close_thread(session, thread, by=by, now=now, outcome=OUTCOMES[decision])
    if decision != "decline":
        _amend(session, audit_return, thread.about, decision, replacement, reason=answer, by=by, now=now)
    return thread


def _amend(
    session: Session, audit_return: AuditReturn, about: str, decision: str, replacement: str, *, reason: str,
    by: Actor, now: datetime,
) -> None:  # fmt: skip
    old = _prepared(session, audit_return)
    content, narrative = content_of(old), old.narrative
    if decision == "anew":
        made = gather(
            session, audit_return.audit_round, types=(audit_return.agency_type,), only=audit_return
        ).get(audit_return.id)
        if made is None:
            raise NotPossible(N_("Nothing is submitted at the moment that the feedback could be computed from."))
        content = made.amended(about, None)
    elif about == NARRATIVE:
        narrative = "" if decision == "withdraw" else words(replacement)
    else:
        amendment = Amendment(withdrawn=True) if decision == "withdraw" else Amendment(words=words(replacement))
        content = content.amended(about, amendment)
    _add_version(session, audit_return, old, content, narrative=narrative, reason=reason, by=by, now=now)


# --- publication -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Obstacle:
    """What stands in the way of publishing, how many there are (of the window: 1), and which, where that is known."""

    key: str
    number: int
    which: Sequence[Message] = ()

    @property
    def words(self) -> str:
        """What it is, to be translated."""
        return OBSTACLES[self.key]


def obstacles(counts: Counts, release: Release | None, *, at: datetime | None) -> list[Obstacle]:
    """What stands in the way of publishing at an instant (None: at any); each can be waved through with a reason."""
    closes = release.accuracy_closes if release else None
    numbers = {
        "missing": counts.submitted - counts.prepared,
        "stale": counts.stale,
        "challenges": counts.challenges,
        "judgements": counts.judgements,
        "unfinished": counts.unfinished,
        "queries": counts.queries,
        "returned": counts.returned,
        "window": int(bool(closes and at and closes > at)),
        "unsigned" if counts.has_signed_off else "unwritten": counts.unsigned,
    }
    found = [Obstacle(key, number) for key, number in numbers.items() if number]
    return found + names_in_the_way(counts.named)


def names_in_the_way(named: Sequence[tuple[Place, str]]) -> list[Obstacle]:
    """That texts name agencies in a report that is to name none: which, and where each stands."""
    which = [Message(N_("%(place)s: “%(name)s”"), {"place": place.name, "name": name}) for place, name in named]
    return [Obstacle("named", len(which), which)] if which else []


def set_publication(
    session: Session, public_id: str, *, at: datetime, waived: Mapping[str, str] | None = None, expected: str = "",
    by: Actor, now: datetime,
) -> Release:  # fmt: skip
    """Set the instant at which the findings come out, and freeze what comes out then: nothing else will.

    `waived`: obstacle to the reason why it is published all the same; `later` accepts challenges that come until then.
    `expected`: the hash of what the page showed.
    Raises NotFound, and NotPossible: the instant has passed, it is published, something stands in the way, or what
    would come out is no longer what was shown.
    """
    audit_round = locked_round(session, public_id, by=by, now=now, permission="release.publish")
    release = _release(session, audit_round)
    if standing(release, now=now).publication == "published":
        raise NotPossible(N_("The findings are published already. What is wrong in them is corrected on this page."))
    if at <= now:
        raise NotPossible(N_("Choose a time that is ahead: what is published cannot be taken back."))
    counts = counts_of(session, audit_round, actor=by, now=now)
    if not counts.submitted:
        raise NotPossible(N_("Nothing is submitted, so there is nothing to publish."))
    reasons = _reasons(obstacles(counts, release, at=at), waived or {})
    later = (waived or {}).get(LATER, "").strip()[:LONGEST_REASON]
    if later and may_be_challenged(release, now=now):
        reasons[f"waived-{LATER}"] = later
    content = prepare_edition(session, audit_round, actor=by, now=now)
    check_publishable(content)
    _check_shown(content, expected)
    release.publish_at, release.prepared, release.set_by_id = at, content, by.user_id
    audit_round.findings_from = at
    events.append(
        session, events.chain_of(audit_round), "publication.set", by=by, now=now,
        data={
            "at": events.iso(at), "sha256": hash_of(content), "snapshot": snapshot_of(content),
            "feedback": len(content["feedback"]), "waived": sorted(name.removeprefix("waived-") for name in reasons),
        },
        texts=reasons,
    )  # fmt: skip
    session.flush()
    return release


def _reasons(in_the_way: Sequence[Obstacle], waived: Mapping[str, str]) -> dict[str, str]:
    """Why it is published all the same, as the event of it keeps that. Raises NotPossible where no reason is given."""
    reasons = {}
    for obstacle in in_the_way:
        reason = waived.get(obstacle.key, "").strip()[:LONGEST_REASON]
        if not reason:
            raise NotPossible(
                N_("%(what)s: %(number)s. Settle this first, or give a reason why it is published all the same."),
                what=Message(obstacle.words),
                number=obstacle.number,
            )
        reasons[f"waived-{obstacle.key}"] = reason
    return reasons


def may_be_challenged(release: Release | None, *, now: datetime) -> bool:
    """Whether agencies can challenge their drafts, or will be able to: then a challenge can come after the time of
    publication is set."""
    return standing(release, now=now).window in ("ahead", "open")


def _check_shown(content: Mapping[str, Any], expected: str) -> None:
    if expected and hash_of(content) != expected:
        raise NotPossible(
            N_("Something changed since this page was shown. Look again at what would come out, and confirm that.")
        )


def take_back(session: Session, public_id: str, *, by: Actor, now: datetime) -> Release:
    """Take the instant of publication back before it has come. Raises NotFound, and NotPossible after it."""
    audit_round = locked_round(session, public_id, by=by, now=now, permission="release.publish")
    release = _release(session, audit_round)
    stands = standing(release, now=now).publication
    if stands == "published":
        raise NotPossible(N_("The findings are published, and cannot be taken back any more."))
    if stands == "none":
        raise NotPossible(N_("No time is set for publication."))
    _take_off(release)
    events.append(session, events.chain_of(audit_round), "publication.taken_back", by=by, now=now)
    session.flush()
    return release


def _take_off(release: Release) -> None:
    """Set no instant of publication any more, and let go what was frozen for it."""
    release.publish_at, release.prepared = None, null()  # type: ignore[assignment]
    release.audit_round.findings_from = None


def by_the_clock(session: Session, *, now: datetime) -> int:
    """What the clock does: tell agencies of a window that opened, and put on record what was published.

    Safe to run as often as one likes. Returns how many releases it moved on.
    """
    done = 0
    for release in session.scalars(
        select(Release)
        .where(Release.accuracy_opens <= now, Release.accuracy_closes > now, Release.told_at.is_(None))
        .order_by(Release.id)
        .with_for_update()
    ):
        _tell_of_window(session, release, now=now)
        done += 1
    for release in session.scalars(
        select(Release)
        .where(
            Release.publish_at <= now,
            ~select(Publication.id).where(Publication.round_id == Release.round_id).exists(),
        )
        .order_by(Release.id)
    ):
        session.execute(select(AuditRound.id).where(AuditRound.id == release.round_id).with_for_update())
        if session.scalar(select(Publication.id).where(Publication.round_id == release.round_id)) is None:
            _record(session, release, now=now)
            done += 1
    return done


def is_due(session: Session, *, now: datetime) -> bool:
    """Whether `by_the_clock` has anything to do: a look without a lock."""
    waiting = select(Release.id).where(
        ((Release.accuracy_opens <= now) & (Release.accuracy_closes > now) & Release.told_at.is_(None))
        | (
            (Release.publish_at <= now)
            & ~select(Publication.id).where(Publication.round_id == Release.round_id).exists()
        )
    )
    return session.scalar(waiting.limit(1)) is not None


def _record(session: Session, release: Release, *, now: datetime) -> Publication:
    """Put the first edition on record, as it was frozen but for what was set aside since, and tell the agencies."""
    assert release.publish_at is not None  # noqa: S101 -- it is due
    content = coming_out(session, release)
    row = Publication(
        round_id=release.round_id, number=1, content=content, sha256=hash_of(content), snapshot_id=snapshot_of(content),
        changes=[], at=release.publish_at, by_id=release.set_by_id,
    )  # fmt: skip
    session.add(row)
    _published(session, release.audit_round, row, {}, by=system_actor(CLOCK), now=now)
    _mail(
        session, _with_feedback(session, release.round_id, content["feedback"]), f"published:{row.public_id}", now=now,
        subject=N_("%(round)s: the findings are published"),
        body=(
            N_("The findings of “%(round)s” and the feedback to %(agency)s are published. You can read both now."),
        ),
        about={},
    )  # fmt: skip
    return row


def _published(
    session: Session, audit_round: AuditRound, row: Publication, reasons: Mapping[str, str], *, by: Actor, now: datetime
) -> None:
    session.flush()
    events.append(
        session, events.chain_of(audit_round), "findings.published", by=by, now=now,
        data={
            "number": row.number, "sha256": row.sha256, "snapshot": row.snapshot_id, "at": events.iso(row.at),
            "changes": len(row.changes),
        },
        texts=({"reason": row.reason} if row.reason else {}) | dict(reasons),
    )  # fmt: skip
    made = enter_register(session, audit_round, row)
    _tell_of_recommended(session, audit_round, row, {one.agency_type for one in made if one.agency_type}, now=now)
    session.flush()


def _tell_of_recommended(
    session: Session, audit_round: AuditRound, row: Publication, types: Collection[str], *, now: datetime
) -> None:
    """Tell the agencies of some types that a published report recommends something to them."""
    if not types:
        return
    returns = session.scalars(
        select(AuditReturn)
        .where(
            AuditReturn.round_id == audit_round.id, AuditReturn.agency_type.in_(types), AuditReturn.stage != "nil"
        )
        .options(joinedload(AuditReturn.agency), joinedload(AuditReturn.audit_round))
    ).all()
    _mail(
        session, returns, f"recommended:{audit_round.public_id}:{row.number}", now=now, about={},
        subject=N_("%(round)s: the report recommends something to %(agency)s"),
        body=[
            N_("The report on “%(round)s” is published. It recommends something to agencies of your type."),
            N_("Read it after you sign in, and say what your agency does about it."),
        ],
        path="recommendations",
    )  # fmt: skip


@dataclass(frozen=True)
class Correction:
    """What a correction would put in the place of the newest edition: its content, its hash, what changes, and what
    stands in the way."""

    number: int
    content: Mapping[str, Any]
    sha256: str
    changes: Sequence[Changed]
    in_the_way: Sequence[Obstacle] = ()


def correction(session: Session, audit_round: AuditRound, *, by: Actor, now: datetime) -> Correction:
    """What a correction would change now. Raises Denied, and NotPossible where nothing is published."""
    every = editions(session, audit_round, now=now)
    if not every:
        raise NotPossible(N_("Nothing is published yet, so there is nothing to correct."))
    old = edition_content(session, audit_round, every[0].number, now=now)
    new = prepare_edition(session, audit_round, actor=by, now=now, corrects=old)
    found = changes(old["findings"]["en"], new["findings"]["en"]) if has_joint(audit_round) else []
    found += register_changes(old.get("register", {}).get("en", {}), new.get("register", {}).get("en", {}))
    found += letter_changes(old.get("letters", {}), new.get("letters", {}))
    anew = {key for key, version in new["feedback"].items() if old["feedback"].get(key) != version}
    gone = set(old["feedback"]) - set(new["feedback"])
    if anew or gone:
        found.append(
            Changed(
                chapter="feedback", what="", field="versions", old="",
                new=f"{len(anew | gone)} / {len(old['feedback'] | new['feedback'])}",
            )
        )
    named = named_in(session, audit_round, signed_off_version(session, audit_round))
    return Correction(every[0].number + 1, new, hash_of(new), found, names_in_the_way(named))


def correct(
    session: Session, public_id: str, *, reason: str, expected: str = "", waived: Mapping[str, str] | None = None,
    by: Actor, now: datetime,
) -> Publication:  # fmt: skip
    """Publish a correction at once: the next number, with its reason and what it changes. Old editions stay.

    `waived`: as of `set_publication`, of agencies that are named. Raises NotFound, and NotPossible: nothing is
    published, nothing changed, no reason, something stands in the way, or not what was shown.
    """
    audit_round = locked_round(session, public_id, by=by, now=now, permission="release.publish")
    reason = reason.strip()
    if not reason:
        raise NotPossible(N_("Say why it is corrected: everybody who reads the findings will read this."))
    check_length(reason, LONGEST_REASON)
    by_the_clock(session, now=now)  # the first edition first
    found = correction(session, audit_round, by=by, now=now)
    if not found.changes:
        raise NotPossible(
            N_(
                "Nothing is different from what is published, so there is nothing to correct. After a change to what"
                " single agencies are told, prepare the feedback again first."
            )
        )
    check_publishable(found.content)
    reasons = _reasons(found.in_the_way, waived or {})
    _check_shown(found.content, expected)
    row = Publication(
        round_id=audit_round.id, number=found.number, content=dict(found.content), sha256=found.sha256,
        snapshot_id=snapshot_of(found.content), reason=reason, changes=[one.model_dump() for one in found.changes],
        at=now, by_id=by.user_id,
    )  # fmt: skip
    session.add(row)
    _published(session, audit_round, row, reasons, by=by, now=now)
    _mail(
        session, _with_feedback(session, audit_round.id, found.content["feedback"]), f"published:{row.public_id}",
        now=now, subject=N_("%(round)s: the findings are corrected"),
        body=(
            N_(
                "The findings of “%(round)s” were corrected (number %(number)s). What changed, and why, stands beside"
                " them."
            ),
        ),
        about={"number": row.number},
    )  # fmt: skip
    return row

