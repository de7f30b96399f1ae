"""Reading the release of a round: feedback and who may see it, the window for factual accuracy, what was published.

Before the instant of publication nothing of it reaches anybody but the oversight bodies, except an agency's own draft
in the window. What was published is read as it was frozen, never computed again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

from babel.dates import format_date
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.clock import today
from app.domain.composing import Place
from app.domain.feedback import (
    NARRATIVE,
    PART_NAMES,
    Amendment,
    Answering,
    Basis,
    CheckedGrade,
    FeedbackContent,
    FeedbackDocument,
    Ranking,
    SaidPart,
    SaidStatement,
    SignedBy,
    SignedGrade,
    Statement,
    TwinSeen,
    answered,
    feedback,
    monitored,
    recommendation,
    said,
    unmet,
)
from app.domain.findings import Edition, JointFindings, TwinFindings
from app.domain.follow_up import STATES
from app.domain.integrity import hash_of
from app.domain.message import Message
from app.domain.recommendations import recommendations
from app.domain.register import Register
from app.domain.templates import Pack, Template
from app.domain.text import localise
from app.languages import LANGUAGES, translations
from app.models import (
    Agency,
    AgencyInArea,
    Appointment,
    Area,
    AuditReturn,
    AuditRound,
    Declaration,
    Event,
    Feedback,
    Judgement,
    Monitoring,
    Publication,
    RecommendationStatus,
    Release,
    SampledReturn,
    Submission,
    SubmissionAnswer,
    SubmissionVoided,
    Thread,
    User,
)
from app.policy import AGENCY_ROLES, Actor, FeedbackFacts, allows, require, system_actor
from app.queries.composing import composed_findings, named_in, signed_off_version, unsigned
from app.queries.findings import (
    agency_info,
    bodies_of,
    latest_submissions,
    newest_feedback,
    pack_info,
    round_info,
    scheme_infos,
    small_numbers,
)
from app.queries.judgements import book_of
from app.queries.letter_content import letters, without
from app.queries.moderation import check_not_hidden, checked, is_hidden_from
from app.queries.own_types import types_where
from app.queries.packs import pack_of, template_of
from app.queries.register import has_register, register
from app.queries.release_judgements import statements_of
from app.queries.returns import get_return, return_facts
from app.queries.rounds import PAGE, NotFound, like, round_facts
from app.queries.shared import once
from app.queries.sites import site_names
from app.queries.twins import in_force

_LOADER = system_actor("release")  # policy is asked with more facts, once they are read


# --- where the release of a round stands -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """Where a release stands at an instant. Instants are None until they are set.

    `window` is `none`, `ahead`, `open` or `over`; `publication` is `none`, `set` or `published`.
    """

    opens: datetime | None = None
    closes: datetime | None = None
    publish_at: datetime | None = None
    window: str = "none"
    publication: str = "none"


def release_of(session: Session, audit_round: AuditRound) -> Release | None:
    """The release of a round; None before anything of it is set. The caller got the round through `get_round`."""
    return session.scalar(select(Release).where(Release.round_id == audit_round.id))


def publication_event(session: Session, audit_round: AuditRound) -> Event | None:
    """What happened last to the time of publication: it was set, taken back, or held back by a challenge.

    For operations, and for whoever may read the release.
    """
    return session.scalar(
        select(Event)
        .where(
            Event.chain == f"round:{audit_round.public_id}",
            Event.verb.in_(("publication.set", "publication.taken_back", "publication.held")),
        )
        .options(selectinload(Event.texts))
        .order_by(Event.seq.desc())
        .limit(1)
    )


@dataclass(frozen=True)
class HeldBack:
    """That publication was held back at an instant, when it was to come out, and by the challenge of which agency.

    `agency` and `return_id` are empty where the agency is another body's.
    """

    at: datetime
    was: datetime
    agency: str = ""
    return_id: str = ""


def held_back(session: Session, audit_round: AuditRound, *, actor: Actor) -> HeldBack | None:
    """Why no time of publication is set any more, where a challenge held it back. The caller may read the release.

    Two statements.
    """
    event = publication_event(session, audit_round)
    if event is None or event.verb != "publication.held":
        return None
    was, public_id = datetime.fromisoformat(event.data["at"]), event.data["return"]
    name = session.scalar(
        select(Agency.name)
        .join(AuditReturn, AuditReturn.agency_id == Agency.id)
        .where(
            AuditReturn.public_id == public_id,
            AuditReturn.agency_type.in_(types_where(audit_round, actor, "feedback.write")),
        )
    )
    return HeldBack(event.at, was, name, public_id) if name else HeldBack(event.at, was)


def standing(release: Release | None, *, now: datetime) -> Standing:
    """Where a release stands. The clock alone opens and closes the window, and publishes."""
    if release is None:
        return Standing()
    opens, closes, at = release.accuracy_opens, release.accuracy_closes, release.publish_at
    window = "none"
    if opens and closes:
        window = "ahead" if now < opens else "open" if now < closes else "over"
    publication = "none" if at is None else "published" if at <= now else "set"
    return Standing(opens, closes, at, window, publication)


def feedback_facts(session: Session, audit_return: AuditReturn, *, now: datetime) -> FeedbackFacts:
    """What policy needs to know of the feedback to an agency.

    It is readable for the agency's people from the opening of the window on, where there is any; what of it they see
    then is for `visible` to say.
    """
    at = standing(release_of(session, audit_return.audit_round), now=now)
    there = session.scalar(select(Feedback.id).where(Feedback.return_id == audit_return.id).limit(1)) is not None
    facts = return_facts(session, audit_return, now=now)
    open_now = at.window == "open" and at.publication != "published"
    published = at.publication == "published"
    readable = there and (open_now or (at.window == "over" and not published))
    if published:
        readable = bool(published_versions(session, audit_return, now=now))
    return FeedbackFacts(**vars(facts), readable=readable, window_open=there and open_now)


def has_feedback(session: Session, audit_return: AuditReturn, *, actor: Actor, now: datetime) -> bool:
    """Whether the actor may open the feedback page of a return: one statement before anything of a release is set."""
    at = standing(release_of(session, audit_return.audit_round), now=now)
    if at.window in ("none", "ahead") and at.publication != "published":
        return False
    return allows(actor, "feedback.read", feedback_facts(session, audit_return, now=now))


def get_feedback_return(
    session: Session, public_id: str, *, actor: Actor, now: datetime, permission: str = "feedback.read",
    lock: bool = False,
) -> AuditReturn:  # fmt: skip
    """The return that feedback is about, locked where asked. Raises NotFound where the actor may not know of it, and
    NotYetYours for a second inspector at work: feedback says what was found."""
    audit_return = get_return(session, public_id, actor=_LOADER, now=now, permission="return.read", lock=lock)
    if not allows(actor, permission, feedback_facts(session, audit_return, now=now)):
        raise NotFound
    check_not_hidden(session, audit_return, actor)
    return audit_return


def is_oversight(session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime) -> bool:
    """Whether the actor inspects in this round: then they see what is under embargo."""
    return allows(actor, "release.read", round_facts(session, audit_round, now=now))


# --- feedback that is on record --------------------------------------------------------------------------------------


def latest(session: Session, audit_return: AuditReturn) -> Feedback | None:
    """The newest version of the feedback, published or not. For oversight bodies, and for `visible`."""
    return session.scalar(
        select(Feedback)
        .where(Feedback.return_id == audit_return.id)
        .options(joinedload(Feedback.by))
        .order_by(Feedback.version.desc())
        .limit(1)
    )


def version_of(session: Session, audit_return: AuditReturn, number: int) -> Feedback:
    """One version of the feedback. Raises NotFound."""
    found = session.scalar(
        select(Feedback).where(Feedback.return_id == audit_return.id, Feedback.version == number)
    )
    if found is None:
        raise NotFound
    return found


def versions(session: Session, audit_return: AuditReturn) -> Sequence[Feedback]:
    """All versions, the newest first. For oversight bodies."""
    return session.scalars(
        select(Feedback)
        .where(Feedback.return_id == audit_return.id)
        .options(joinedload(Feedback.by))
        .order_by(Feedback.version.desc())
    ).all()


def published_versions(session: Session, audit_return: AuditReturn, *, now: datetime) -> dict[int, int]:
    """Edition to the version of the feedback that came out with it, the newest first. Empty before anything did.

    An edition without feedback to this agency is not among them.
    """
    rows = session.execute(
        select(
            Publication.number,
            Publication.content["feedback"][audit_return.public_id].as_integer().label("version"),
        )
        .where(Publication.round_id == audit_return.round_id, Publication.at <= now)
        .order_by(Publication.number.desc())
    ).all()
    if rows:
        return {row.number: row.version for row in rows if row.version is not None}
    # the instant has come, and the clock has not put it on record yet
    release = session.scalar(
        select(Release).where(Release.round_id == audit_return.round_id, Release.publish_at <= now)
    )
    version = coming_out(session, release)["feedback"].get(audit_return.public_id) if release else None
    return {} if version is None else {1: version}


@dataclass(frozen=True)
class Visible:
    """What somebody sees of the feedback. `is_draft`: it never came out; else `edition` is the newest that it came out
    with, and `replaced_by` the newest of all where that is another one (0: it is in force).
    """

    row: Feedback
    content: FeedbackContent
    is_draft: bool
    edition: int
    replaced_by: int = 0


def visible(session: Session, audit_return: AuditReturn, *, actor: Actor, now: datetime) -> Visible | None:
    """The feedback that the actor sees now: inspectors the newest, an agency what was published last or, in the window,
    the draft. None where there is nothing to see. The caller got the return through `get_feedback_return`.

    What was published stays to be read when a correction leaves it out.
    """
    came_out = published_versions(session, audit_return, now=now)
    if allows(actor, "feedback.write", return_facts(session, audit_return, now=now)):
        row = latest(session, audit_return)
    elif came_out:
        row = version_of(session, audit_return, next(iter(came_out.values())))
    elif feedback_facts(session, audit_return, now=now).window_open:
        row = latest(session, audit_return)
    else:
        row = None
    if row is None:
        return None
    edition = next((number for number, version in came_out.items() if version == row.version), 0)
    newest = newest_edition(session, audit_return.audit_round, now=now) if edition else 0
    return Visible(row, content_of(row), not edition, edition, 0 if edition == newest else newest)


def may_see_version(
    session: Session, audit_return: AuditReturn, version: int, *, actor: Actor, now: datetime
) -> bool:
    """Whether the actor may read this version now: inspectors any, but for a second inspector at work; an agency those
    published and, in the window, the newest."""
    facts = feedback_facts(session, audit_return, now=now)
    if allows(actor, "feedback.write", facts):
        return not is_hidden_from(session, audit_return, actor)
    if not allows(actor, "feedback.read", facts):
        return False
    if facts.window_open:
        newest = latest(session, audit_return)
        if newest is not None and newest.version == version:
            return True
    return version in published_versions(session, audit_return, now=now).values()


def content_of(row: Feedback) -> FeedbackContent:
    """The stored content of a version. What a later program no longer knows is passed over."""
    return FeedbackContent.model_validate(row.content, extra="ignore")


def challenged(
    session: Session, audit_return: AuditReturn, threads: Sequence[Thread], *, language: str
) -> dict[str, SaidStatement]:
    """Thread to the statement that it challenged, as it read when the challenge was sent. One statement.

    The caller got the threads with a permission to read them.
    """
    if not threads:
        return {}
    rows = versions(session, audit_return)
    found = {}
    for thread in threads:
        row = next((one for one in rows if one.at <= thread.opened_at), None)
        parts = said_parts(content_of(row), row.narrative, language) if row else ()
        statement = next((one for part in parts for one in part.statements if one.id == thread.about), None)
        if statement:
            found[thread.public_id] = statement
    return found


# --- gathering what feedback is made of ------------------------------------------------------------------------------


@dataclass
class _Gathered:
    answers: dict[int, list[SignedGrade]] = field(default_factory=lambda: defaultdict(list))
    shares: dict[int, Fraction | None] = field(default_factory=dict)
    by_standard: dict[int, dict[str, Fraction]] = field(default_factory=dict)


def gather(
    session: Session, audit_round: AuditRound, *, types: Collection[str], only: AuditReturn | None = None
) -> dict[int, FeedbackContent]:
    """Return id to the feedback that follows from what is on record, for the submitted returns of some agency types.

    A fixed number of statements however many returns. With `only`, for that return alone. The caller may write it.
    """
    pack = pack_of(audit_round.pack_version)
    newest = latest_submissions(audit_round)
    rows = session.execute(
        select(AuditReturn, Submission.id, Submission.number, Declaration.submission_hash)
        .join(newest, newest.c.return_id == AuditReturn.id)
        .join(Submission, Submission.id == newest.c.submission_id)
        .join(Declaration, Declaration.submission_id == Submission.id)
        .where(AuditReturn.stage == "submitted", AuditReturn.agency_type.in_(types))
        .options(joinedload(AuditReturn.agency))
        .order_by(AuditReturn.id)
    ).all()
    wanted = [row for row in rows if only is None or row.AuditReturn.id == only.id]
    if not wanted:
        return {}
    found = _answers(session, audit_round, pack, {row.AuditReturn.id: row.AuditReturn for row in rows})
    ids = [row.AuditReturn.id for row in wanted]
    findings = checked(session, ids)
    areas = {row.public_id: row.name for row in session.execute(select(Area.public_id, Area.name))}
    by_site = any(pack.templates[row.AuditReturn.agency_type].asks_sites for row in wanted)
    sites = site_names(session, ids) if by_site else {}
    judged = _judged(session, audit_round, {row.AuditReturn.id: row.AuditReturn.agency_type for row in wanted})
    followed = _followed(session, pack, ids)
    amended = _amendments(session, ids)
    by_type: dict[str, list[Fraction]] = defaultdict(list)
    for row in rows:
        share = found.shares[row.AuditReturn.id]
        if share is not None:
            by_type[row.AuditReturn.agency_type].append(share)
    rankings = {agency_type: Ranking(shares) for agency_type, shares in by_type.items()}
    fewest, _names = small_numbers(audit_round)
    in_standards, likes = _rankings(found, [row.AuditReturn for row in rows])
    made = {}
    for row in wanted:
        one: AuditReturn = row.AuditReturn
        ranking = rankings.get(one.agency_type) or Ranking(())
        like = likes.get((one.agency_type, one.subtype))
        others = like and len(ranking) - len(like)
        if others and others < fewest:  # what is left of the type would be about too few
            like = None
        made[one.id] = feedback(
            Basis(
                pack=pack, template=pack.templates[one.agency_type], submission=row.number,
                submission_hash=row.submission_hash, answers=found.answers[one.id],
                checked={
                    key: CheckedGrade(moderation.grade, moderation.outcome == "adjusted", moderation.reason)
                    for key, moderation in findings.get(one.id, {}).items()
                },
                peers=ranking.place(found.shares[one.id], fewest),
                milestones_from=audit_round.milestones_from, areas={**areas, **sites.get(one.id, {})},
                judgements=judged.get(one.id, ()),
                follow_up=followed.get(one.id, ()), amendments=amended.get(one.id, {}),
                among={
                    standard: in_standards[one.agency_type, standard]
                    .place(share, fewest)
                    .model_copy(update={"bins": ()})
                    for standard, share in found.by_standard[one.id].items()
                },
                like=like.place(found.shares[one.id], fewest) if like else None,
            )
        )  # fmt: skip
    return made


def _answers(
    session: Session, audit_round: AuditRound, pack: Pack, returns: Mapping[int, AuditReturn]
) -> _Gathered:
    """All signed answers with grades, and the share of criteria met of each return."""
    newest = latest_submissions(audit_round)
    kinds: dict[tuple[str, str], dict[str, str]] = {}
    standards: dict[tuple[str, str], str] = {}
    for agency_type, template in pack.templates.items():
        for placed in template.criteria():
            scheme = pack.grading_schemes[placed.criterion.grading or template.grading]
            if not placed.standard.optional:
                kinds[agency_type, placed.criterion.id] = {grade.key: grade.counts_as for grade in scheme.grades}
                standards[agency_type, placed.criterion.id] = placed.standard.id
    found, counts = _Gathered(), defaultdict[int, list[int]](lambda: [0, 0])
    of_standards = defaultdict[int, dict[str, list[int]]](lambda: defaultdict(lambda: [0, 0]))
    for return_id, criterion, scope, grade, expected in session.execute(
        select(
            newest.c.return_id, SubmissionAnswer.criterion, SubmissionAnswer.scope_key, SubmissionAnswer.grade,
            SubmissionAnswer.value["date_expected"].as_string(),
        )
        .join(newest, newest.c.submission_id == SubmissionAnswer.submission_id)
        .where(SubmissionAnswer.grade != "")
    ):  # fmt: skip
        if return_id not in returns:
            continue
        day = date.fromisoformat(expected) if expected else None
        found.answers[return_id].append(SignedGrade(criterion, scope, grade, day))
        key = returns[return_id].agency_type, criterion
        counts_as = kinds.get(key, {}).get(grade)
        if counts_as in ("met", "not_met"):
            for numbers in (counts[return_id], of_standards[return_id][standards[key]]):
                numbers[0] += counts_as == "met"
                numbers[1] += 1
    for return_id in returns:
        found.by_standard[return_id] = {
            standard: Fraction(met, counted) for standard, (met, counted) in of_standards[return_id].items()
        }
        met, counted = counts[return_id]
        found.shares[return_id] = Fraction(met, counted) if counted else None
    return found


def _rankings(
    found: _Gathered, returns: Sequence[AuditReturn]
) -> tuple[dict[tuple[str, str], Ranking], dict[tuple[str, str], Ranking]]:
    """The shares of all agencies put in order by (agency type, standard), and by (agency type, subtype) where the type
    has several."""
    in_standards: dict[tuple[str, str], list[Fraction]] = defaultdict(list)
    likes: dict[tuple[str, str], list[Fraction]] = defaultdict(list)
    for one in returns:
        for standard, share in found.by_standard[one.id].items():
            in_standards[one.agency_type, standard].append(share)
        whole = found.shares[one.id]
        if one.subtype and whole is not None:
            likes[one.agency_type, one.subtype].append(whole)
    return (
        {key: Ranking(shares) for key, shares in in_standards.items()},
        {key: Ranking(shares) for key, shares in likes.items()},
    )


def _judged(
    session: Session, audit_round: AuditRound, types: Mapping[int, str]
) -> dict[int, list[Statement]]:
    rows: dict[int, dict[str, Judgement]] = defaultdict(dict)
    for row in session.scalars(select(Judgement).where(Judgement.return_id.in_(types))):
        rows[row.return_id][row.key] = row
    return {
        return_id: statements_of(book_of(audit_round.pack_version, types[return_id]), of_return)
        for return_id, of_return in rows.items()
    }


def _followed(session: Session, pack: Pack, ids: Collection[int]) -> dict[int, list[Statement]]:
    """What is said of recommendations, and what is monitored until it is cleared."""
    found: dict[int, list[Statement]] = defaultdict(list)
    for status in session.scalars(
        select(RecommendationStatus)
        .where(RecommendationStatus.return_id.in_(ids))
        .order_by(RecommendationStatus.recommendation)
    ):
        found[status.return_id].append(
            recommendation(
                status.recommendation, name=cited(pack, status.recommendation),
                state=STATES.get(status.state, status.state),  # type: ignore[call-overload]
                note=status.note,
            )
        )  # fmt: skip
    for watch in session.scalars(
        select(Monitoring)
        .where(Monitoring.return_id.in_(ids), Monitoring.cleared_at.is_(None))
        .order_by(Monitoring.since, Monitoring.id)
    ):
        found[watch.return_id].append(
            monitored(
                watch.public_id, recommendation=cited(pack, watch.recommendation), reason=watch.reason,
                review_on=watch.review_on,
            )
        )  # fmt: skip
    return found


def cited(pack: Pack, reference: str) -> str:
    """A recommendation as readers cite it; empty for none."""
    report, _slash, number = reference.partition("/")
    known = pack.recommendation_reports.get(report)
    return f"{localise(known.short)} {number}" if known else reference


def _amendments(session: Session, ids: Collection[int]) -> dict[int, dict[str, Amendment]]:
    """What accepted challenges made of statements: it stays when the feedback is prepared anew."""
    newest = newest_feedback(ids)
    rows = session.execute(
        select(Feedback.return_id, Feedback.content["amendments"].label("amendments")).join(
            newest, (newest.c.return_id == Feedback.return_id) & (newest.c.version == Feedback.version)
        )
    )
    return {
        row.return_id: {key: Amendment.model_validate(one) for key, one in (row.amendments or {}).items()}
        for row in rows
    }


# --- the round's page ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReleaseRow:
    """One agency in the list of a release. `version` 0: no feedback yet; `is_stale`: signed again since."""

    public_id: str
    agency_name: str
    agency_code: str
    agency_type: str
    version: int
    at: datetime | None
    has_narrative: bool
    is_stale: bool
    challenges: int
    open_challenges: int


@dataclass(frozen=True)
class ReleaseList:
    """A page of the submitted returns of a round, with what is on record for each."""

    rows: Sequence[ReleaseRow]
    total: int
    pages: int


def release_list(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, text: str = "", only: str = "",
    page: int = 1, page_size: int | None = PAGE,
) -> ReleaseList:  # fmt: skip
    """The submitted returns of the types that the actor’s bodies ask. `only`: `missing`, `stale` or `challenged`.

    Raises Denied.
    """
    require(actor, "release.read", round_facts(session, audit_round, now=now))
    newest = latest_submissions(audit_round)
    versions_ = newest_feedback()
    challenges = (
        select(
            Thread.return_id,
            func.count().label("all"),
            func.sum(case((Thread.state == "closed", 0), else_=1)).label("open"),
        )
        .where(Thread.kind == "accuracy")
        .group_by(Thread.return_id)
        .subquery()
    )
    conditions = [
        AuditReturn.round_id == audit_round.id,
        AuditReturn.stage == "submitted",
        AuditReturn.agency_type.in_(types_where(audit_round, actor, "feedback.write")),
    ]
    if text.strip():
        wanted = f"%{like(text.strip())}%"
        conditions.append(Agency.name.ilike(wanted, escape="\\") | Agency.code.ilike(wanted, escape="\\"))
    narrowed = {
        "missing": Feedback.id.is_(None),
        "stale": _is_stale(Submission.number),
        "challenged": func.coalesce(challenges.c.open, 0) > 0,
    }
    if only in narrowed:
        conditions.append(narrowed[only])
    # first the page, of what is short: the content and the narrative of a feedback are long, and there are hundreds
    listed = (
        select(
            AuditReturn.id, Feedback.id.label("feedback_id"), Submission.number,
            challenges.c.all.label("challenges"), challenges.c.open.label("open_challenges"),
            func.count().over().label("total"),
        )
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .join(newest, newest.c.return_id == AuditReturn.id)
        .join(Submission, Submission.id == newest.c.submission_id)
        .outerjoin(versions_, versions_.c.return_id == AuditReturn.id)
        .outerjoin(
            Feedback, (Feedback.return_id == AuditReturn.id) & (Feedback.version == versions_.c.version)
        )
        .outerjoin(challenges, challenges.c.return_id == AuditReturn.id)
        .where(*conditions)
        .order_by(Agency.name, AuditReturn.id)
    )  # fmt: skip
    if page_size:
        listed = listed.limit(page_size).offset((max(1, page) - 1) * page_size)
    shown = listed.subquery()
    base = (
        select(
            AuditReturn.public_id, Agency.name, Agency.code, AuditReturn.agency_type, Feedback.version, Feedback.at,
            (Feedback.narrative != "").label("has_narrative"), _is_stale(shown.c.number).label("is_stale"),
            shown.c.challenges, shown.c.open_challenges, shown.c.total,
        )
        .select_from(shown)
        .join(AuditReturn, AuditReturn.id == shown.c.id)
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .outerjoin(Feedback, Feedback.id == shown.c.feedback_id)
        .order_by(Agency.name, AuditReturn.id)
    )  # fmt: skip
    rows = session.execute(base).all()
    total = rows[0].total if rows else 0
    return ReleaseList(
        [
            ReleaseRow(
                row.public_id, row.name, row.code, row.agency_type, row.version or 0, row.at, bool(row.has_narrative),
                bool(row.is_stale), row.challenges or 0, row.open_challenges or 0,
            )
            for row in rows
        ],
        total,
        max(1, -(-total // page_size)) if page_size else 1,
    )  # fmt: skip


@dataclass(frozen=True)
class Counts:
    """Of the submitted returns of a round: how many have feedback, and what stands in the way of publishing.

    `stale`: their feedback is about an earlier submission; `judgements`: judgements computed before something changed,
    or waiting for approval; `unfinished`: returns of the sample that nobody has finished looking at; `queries`: without
    an answer of the agency; `returned`: opened again, or standards of them returned, and not signed again; `unsigned`:
    inspectorates that have not signed off what was written last; `has_signed_off`: whether all of them ever did, so
    that anything written comes out; `named`: agencies that it names, and where, though the report is to name none.
    """

    submitted: int
    prepared: int
    stale: int
    challenges: int
    judgements: int
    unfinished: int
    queries: int
    returned: int
    unsigned: int = 0
    has_signed_off: bool = False
    named: Sequence[tuple[Place, str]] = ()


def _is_stale(number: Any) -> ColumnElement[bool]:
    """SQL: the feedback is on an earlier submission than the one in force, whose number is given.

    Only of a return that was signed again is the content looked into: it is long, and there are hundreds.
    """
    return (number > 1) & (Feedback.content["submission"].as_integer() != number)


def counts_of(session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime) -> Counts:
    """What the release of a whole round is made of, all agency types. Raises Denied."""
    require(actor, "release.read", round_facts(session, audit_round, now=now))
    newest = latest_submissions(audit_round)
    versions_ = newest_feedback()
    row = session.execute(
        select(
            func.count().label("submitted"),
            func.count(Feedback.id).label("prepared"),
            func.sum(case((_is_stale(Submission.number), 1), else_=0)).label("stale"),
        )
        .select_from(AuditReturn)
        .join(newest, newest.c.return_id == AuditReturn.id)
        .join(Submission, Submission.id == newest.c.submission_id)
        .outerjoin(versions_, versions_.c.return_id == AuditReturn.id)
        .outerjoin(
            Feedback, (Feedback.return_id == AuditReturn.id) & (Feedback.version == versions_.c.version)
        )
        .where(AuditReturn.round_id == audit_round.id, AuditReturn.stage == "submitted")
    ).one()
    of_round = select(AuditReturn.id).where(AuditReturn.round_id == audit_round.id)

    def number(of: type[Any], *conditions: Any) -> Any:
        return select(func.count(of.id)).where(*conditions).scalar_subquery()

    others = session.execute(
        select(
            number(
                Thread, Thread.kind == "accuracy", Thread.state != "closed", Thread.return_id.in_(of_round)
            ).label("challenges"),
            number(
                Judgement,
                Judgement.return_id.in_(of_round),
                Judgement.stale | ((Judgement.override != "") & Judgement.approved_at.is_(None)),
            ).label("judgements"),
            number(
                SampledReturn, SampledReturn.return_id.in_(of_round), SampledReturn.finished_at.is_(None)
            ).label("unfinished"),
            number(
                Thread, Thread.kind == "query", Thread.state == "open", Thread.return_id.in_(of_round)
            ).label("queries"),
            number(
                AuditReturn,
                AuditReturn.round_id == audit_round.id,
                AuditReturn.stage == "started",
                select(Submission.id).where(Submission.return_id == AuditReturn.id).exists(),
            ).label("returned"),
        )
    ).one()
    left = unsigned(session, audit_round)
    comes_out = signed_off_version(session, audit_round) if left is not None else None
    return Counts(
        row.submitted, row.prepared, int(row.stale or 0), others.challenges, others.judgements, others.unfinished,
        others.queries, others.returned, left or 0, comes_out is not None, named_in(session, audit_round, comes_out),
    )  # fmt: skip


# --- what is published -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Published:
    """One edition of the findings without its content. `replaced_by` 0: it is the newest.

    `is_recorded` is False in the moments between its instant and the clock's record of it.
    """

    number: int
    at: datetime
    reason: str
    changes: Sequence[Mapping[str, Any]]
    sha256: str
    snapshot_id: str
    replaced_by: int
    is_recorded: bool = True


def editions(session: Session, audit_round: AuditRound, *, now: datetime) -> list[Published]:
    """The editions that are published, the newest first. The caller asked policy for `findings.read`."""
    rows = session.execute(
        select(
            Publication.number, Publication.at, Publication.reason, Publication.changes, Publication.sha256,
            Publication.snapshot_id,
        )
        .where(Publication.round_id == audit_round.id, Publication.at <= now)
        .order_by(Publication.number.desc())
    ).all()  # fmt: skip
    if rows:
        newest = rows[0].number
        return [
            Published(
                row.number, row.at, row.reason, row.changes, row.sha256, row.snapshot_id,
                0 if row.number == newest else row.number + 1,
            )
            for row in rows
        ]  # fmt: skip
    release = release_of(session, audit_round)
    if release is None or standing(release, now=now).publication != "published" or release.prepared is None:
        return []
    assert release.publish_at is not None  # noqa: S101 -- it is published
    content = coming_out(session, release)
    return [Published(1, release.publish_at, "", [], hash_of(content), snapshot_of(content), 0, False)]


def newest_edition(session: Session, audit_round: AuditRound, *, now: datetime) -> int:
    """The number of the newest edition; 0 where nothing is published."""
    number = session.scalar(
        select(func.max(Publication.number)).where(Publication.round_id == audit_round.id, Publication.at <= now)
    )
    return number or int(standing(release_of(session, audit_round), now=now).publication == "published")


def coming_out(session: Session, release: Release) -> dict[str, Any]:
    """What comes out at the instant that is set: what was frozen, without feedback about a submission that was set
    aside since, neither by itself nor as what opens a letter. `feedback` are the versions by return; `left_out`, the
    same of those, is there where any are.
    """
    content: dict[str, Any] = dict(release.prepared or {})
    frozen: Mapping[str, int] = content.get("feedback", {})
    rows = session.execute(
        select(AuditReturn.public_id, Feedback.version)
        .join(Feedback, Feedback.return_id == AuditReturn.id)
        .join(
            Submission,
            (Submission.return_id == AuditReturn.id)
            & (Submission.number == Feedback.content["submission"].as_integer()),
        )
        .join(SubmissionVoided, SubmissionVoided.submission_id == Submission.id)
        .where(AuditReturn.round_id == release.round_id, SubmissionVoided.at < release.publish_at)
        .order_by(AuditReturn.public_id)
    )
    # what was set aside already when it was frozen comes out: a lead gave a reason for that
    left_out = {
        row.public_id: row.version
        for row in rows
        if frozen.get(row.public_id) == row.version and row.public_id not in content.get("replaced", ())
    }
    if left_out:
        content["feedback"] = {key: version for key, version in frozen.items() if key not in left_out}
        content["left_out"] = left_out
        if "letters" in content:
            content["letters"] = without(
                session, release.round_id, content["letters"], left_out=left_out, feedback=content["feedback"]
            )
    return content


@dataclass(frozen=True)
class LeftOut:
    """An agency whose feedback stays out of the publication, because its audit was reopened after that was set.

    `is_submitted`: it is signed again; `version`: the newest feedback; `is_anew`: that is about what is signed now.
    """

    return_id: str
    agency: str
    is_submitted: bool
    version: int
    is_anew: bool


def left_out(
    session: Session, audit_round: AuditRound, release: Release | None, *, actor: Actor, now: datetime
) -> list[LeftOut]:
    """Whose feedback does not come out, or did not, though it was frozen, until a correction brings theirs; by agency.

    Of the agency types that the actor's bodies ask. Raises Denied.
    """
    require(actor, "release.read", round_facts(session, audit_round, now=now))
    if release is None or not release.prepared:
        return []
    out = coming_out(session, release).get("left_out", {})
    if number := newest_edition(session, audit_round, now=now):
        since = edition_content(session, audit_round, number, now=now)["feedback"]
        out = {key: version for key, version in out.items() if key not in since}
    if not out:
        return []
    newest = latest_submissions(audit_round)
    versions_ = newest_feedback()
    rows = session.execute(
        select(
            AuditReturn.public_id, Agency.name, AuditReturn.stage, Feedback.version,
            (Feedback.content["submission"].as_integer() == Submission.number).label("is_anew"),
        )
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .join(versions_, versions_.c.return_id == AuditReturn.id)
        .join(Feedback, (Feedback.return_id == AuditReturn.id) & (Feedback.version == versions_.c.version))
        .outerjoin(newest, newest.c.return_id == AuditReturn.id)
        .outerjoin(Submission, Submission.id == newest.c.submission_id)
        .where(
            AuditReturn.round_id == audit_round.id, AuditReturn.public_id.in_(out),
            AuditReturn.agency_type.in_(types_where(audit_round, actor, "feedback.write")),
        )
        .order_by(Agency.name, AuditReturn.id)
    )  # fmt: skip
    return [
        LeftOut(row.public_id, row.name, row.stage == "submitted", row.version, bool(row.is_anew)) for row in rows
    ]


def snapshot_of(content: Mapping[str, Any]) -> str:
    """The snapshot id of the findings in an edition."""
    return str(content["findings"]["en"]["snapshot_id"])


def edition_content(session: Session, audit_round: AuditRound, number: int, *, now: datetime) -> dict[str, Any]:
    """The frozen content of an edition: `findings` by language, `feedback` by return, and `letters` by area and
    language where there are any. Raises NotFound."""
    content = session.scalar(
        select(Publication.content).where(
            Publication.round_id == audit_round.id, Publication.number == number, Publication.at <= now
        )
    )
    if content is None and number == 1 and newest_edition(session, audit_round, now=now) == 1:
        release = release_of(session, audit_round)
        content = coming_out(session, release) if release else None
    if content is None:
        raise NotFound
    return content


def published_findings(
    session: Session, audit_round: AuditRound, number: int = 0, *, actor: Actor, now: datetime, language: str = "en"
) -> JointFindings:
    """The joint findings of an edition (0: the newest) as they were frozen, marked with what became of it.

    Raises Denied, and NotFound where there is no such edition.
    """
    require(actor, "findings.read", round_facts(session, audit_round, now=now, agencies=True))
    every = editions(session, audit_round, now=now)
    edition = next((one for one in every if number in (0, one.number)), None)
    if edition is None:
        raise NotFound
    content = edition_content(session, audit_round, edition.number, now=now)
    findings = content["findings"].get(language) or content["findings"]["en"]
    return JointFindings.model_validate(findings, extra="ignore").model_copy(
        update={
            "edition": Edition(
                number=edition.number, at=edition.at, reason=edition.reason, replaced_by=edition.replaced_by,
            )
        }
    )  # fmt: skip


def published_register(
    session: Session, audit_round: AuditRound, number: int = 0, *, actor: Actor, now: datetime, language: str = "en"
) -> Register:
    """The table of responses of an edition (0: the newest) as it was frozen, marked with what became of it.

    Raises Denied, and NotFound where there is no such edition, or none in it.
    """
    require(actor, "findings.read", round_facts(session, audit_round, now=now, agencies=True))
    every = editions(session, audit_round, now=now)
    edition = next((one for one in every if number in (0, one.number)), None)
    content = edition_content(session, audit_round, edition.number, now=now).get("register") if edition else None
    if edition is None or content is None:
        raise NotFound
    return Register.model_validate(content.get(language) or content["en"], extra="ignore").model_copy(
        update={
            "edition": Edition(
                number=edition.number, at=edition.at, reason=edition.reason, replaced_by=edition.replaced_by,
            )
        }
    )  # fmt: skip


def prepare_edition(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, corrects: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What would be published now: the findings in each language, in the report that was signed off where one was
    composed, the newest version of each return's feedback, and letters to areas and the table of responses where the
    pack has some. `replaced`: returns whose feedback is about a submission that was replaced since. In what `corrects`
    the content of an edition, such feedback stays where it came out before, and does not come out now; letters open
    with the feedback that comes out.

    Raises Denied.
    """
    findings = {
        language: composed_findings(
            session, audit_round, actor=actor, now=now, language=language, publishing=True
        )
        for language in LANGUAGES
    }
    newest = latest_submissions(audit_round)
    versions_ = newest_feedback()
    rows = session.execute(
        select(
            AuditReturn.public_id, Feedback.version,
            (Feedback.content["submission"].as_integer() != Submission.number).label("is_replaced"),
        )
        .join(versions_, versions_.c.return_id == AuditReturn.id)
        .join(Feedback, (Feedback.return_id == AuditReturn.id) & (Feedback.version == versions_.c.version))
        .join(newest, newest.c.return_id == AuditReturn.id)
        .join(Submission, Submission.id == newest.c.submission_id)
        .where(AuditReturn.round_id == audit_round.id, AuditReturn.stage == "submitted")
        .order_by(AuditReturn.public_id)
    ).all()  # fmt: skip
    feedback_out = {
        row.public_id: row.version
        for row in rows
        if not row.is_replaced or corrects is None or corrects["feedback"].get(row.public_id) == row.version
    }
    content: dict[str, Any] = {
        "findings": {language: one.model_dump(mode="json") for language, one in findings.items()},
        "feedback": feedback_out,
        "replaced": [row.public_id for row in rows if row.is_replaced],
    }
    if has_register(audit_round):
        tables = {
            language: register(
                session, audit_round, actor=actor, now=now, language=language, publishing=True,
                hidden={one.reference for one in (*found.criteria(), *found.optional) if one.figure.hidden},
            )
            for language, found in findings.items()
        }
        content["register"] = {language: one.model_dump(mode="json") for language, one in tables.items() if one}
    written = letters(session, audit_round, feedback=feedback_out, now=now)
    return content | {"letters": written} if written else content


@dataclass(frozen=True)
class Readers:
    """Who gets to read what at publication: agencies of the round and their people, and whose feedback comes out."""

    agencies: int
    people: int
    feedback: Sequence[tuple[str, str, int]]  # agency name, code, version


def readers(
    session: Session, audit_round: AuditRound, content: Mapping[str, Any], *, actor: Actor, now: datetime
) -> Readers:
    """Who would read an edition. Raises Denied."""
    require(actor, "release.publish", round_facts(session, audit_round, now=now))
    of_round = select(AuditReturn.agency_id).where(AuditReturn.round_id == audit_round.id)
    day = today(now)
    people = session.scalar(
        select(func.count(User.id.distinct()))
        .join(Appointment, Appointment.user_id == User.id)
        .where(
            Appointment.agency_id.in_(of_round), Appointment.role.in_(AGENCY_ROLES), Appointment.starts <= day,
            (Appointment.ends.is_(None)) | (Appointment.ends >= day),
        )
    )  # fmt: skip
    agencies = session.scalar(select(func.count()).select_from(of_round.subquery()))
    rows = session.execute(
        select(Agency.name, Agency.code, AuditReturn.public_id)
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .where(AuditReturn.round_id == audit_round.id)
        .order_by(Agency.name)
    )
    versions_ = content["feedback"]
    named = [(row.name, row.code, versions_[row.public_id]) for row in rows if row.public_id in versions_]
    return Readers(agencies or 0, people or 0, named)


# --- the document ----------------------------------------------------------------------------------------------------


def shown_in(language: str) -> Any:
    """How a parameter of a sentence is written in a language."""
    locale = LANGUAGES.get(language, language)
    words = translations(language).gettext

    def show(value: object) -> str:
        if isinstance(value, date):
            return str(format_date(value, "d MMMM y", locale=locale))
        if isinstance(value, Message):
            return value.rendered(words, show)
        return localise(value, language) if isinstance(value, Mapping) else str(value)

    return show


def said_parts(content: FeedbackContent, narrative: str, language: str) -> tuple[SaidPart, ...]:
    """The parts of the feedback in a language; the narrative first, and without the statements that were withdrawn."""
    words, show = translations(language).gettext, shown_in(language)
    found = []
    if narrative:
        given = SaidStatement(id=NARRATIVE, text=narrative, words="", is_amended=False)
        found.append(SaidPart(key="narrative", title=words(PART_NAMES["narrative"]), statements=(given,)))
    for part, statements in content.parts():
        shown = tuple(filter(None, (said(one, words, show) for one in statements)))
        if shown:
            found.append(SaidPart(key=part, title=words(PART_NAMES[part]), statements=shown))
    return tuple(found)


def feedback_document(
    session: Session, audit_return: AuditReturn, version: int = 0, *, actor: Actor, now: datetime, language: str = "en"
) -> FeedbackDocument:
    """A version of the feedback (0: what the actor sees now) as a document. Raises NotFound where they may not."""
    if version and not may_see_version(session, audit_return, version, actor=actor, now=now):
        raise NotFound
    if not allows(actor, "feedback.read", feedback_facts(session, audit_return, now=now)):
        raise NotFound
    check_not_hidden(session, audit_return, actor)
    if version:
        row = version_of(session, audit_return, version)
    else:
        seen = visible(session, audit_return, actor=actor, now=now)
        if seen is None:
            raise NotFound
        row = seen.row
    content = content_of(row)
    audit_round = audit_return.audit_round
    pack, template = template_of(audit_return)
    came_out = published_versions(session, audit_return, now=now)
    edition = next(
        (one for one in editions(session, audit_round, now=now) if came_out.get(one.number) == row.version), None
    )
    schemes = {
        placed.criterion.grading or template.grading
        for placed in template.criteria()
        if placed.criterion.answer.is_graded
    }
    window = standing(release_of(session, audit_round), now=now)
    until = window.closes if edition is None and window.window == "open" else None
    standards = answered(
        content,
        Answering(
            pack, template, language, audit_round.milestones_from, _places(session, audit_return, content),
            lambda reference: cited(pack, reference),
        ),
    )  # fmt: skip
    return FeedbackDocument(
        snapshot_id=hash_of(
            {
                "kind": "feedback", "content": row.content, "narrative": row.narrative, "version": row.version,
                "language": language, "edition": edition.number if edition else 0,
                "replaced": edition.replaced_by if edition else 0,
                **({"until": until.astimezone(UTC).isoformat()} if until else {}),
            }
        ),
        language=language,
        audit_round=round_info(audit_round, as_at=row.at, is_closed=now > audit_round.open_until),
        pack=pack_info(audit_round, pack, language),
        template_title=localise(template.title, language),
        bodies=bodies_of(session, audit_round, audit_return.agency_type),
        agency=agency_info(audit_return, pack, language),
        version=row.version,
        is_draft=edition is None,
        edition=edition.number if edition else 0,
        replaced_by=edition.replaced_by if edition else 0,
        reason=row.reason,
        schemes=scheme_infos(pack, schemes, language),
        standards=tuple(
            profile.model_copy(update={"title": localise(profile.title, language)}) for profile in content.standards
        ),
        own=content.own,
        checked=content.checked,
        adjusted=content.adjusted,
        moderated=content.moderated,
        peers=content.peers,
        narrative=row.narrative,
        parts=said_parts(content, row.narrative, language),
        signed=_signed(session, audit_return, content, template) if content.answers else None,
        like=content.like,
        answered=standards,
        unmet=unmet(
            standards,
            {
                cited(pack, one.key): localise(one.title, language)
                for one in recommendations(pack, {audit_return.agency_type})
            },
        ),
        twins=_twins_seen(session, audit_return, edition.number, language, now=now) if edition else (),
        challenge_until=until,
    )  # fmt: skip


def _places(session: Session, audit_return: AuditReturn, content: FeedbackContent) -> dict[str, str]:
    """The areas and sites that answers are about, by what they name them by. Two statements at most."""
    scopes = {one.scope for one in content.answers if one.scope}
    if not scopes:
        return {}
    areas = {
        row.public_id: row.name
        for row in session.execute(select(Area.public_id, Area.name).where(Area.public_id.in_(scopes)))
    }
    return areas | dict(site_names(session, [audit_return.id]).get(audit_return.id, {}))


def _signed(
    session: Session, audit_return: AuditReturn, content: FeedbackContent, template: Template
) -> SignedBy | None:
    """Who signed the submission that the feedback is about. One statement."""
    row = session.execute(
        select(Declaration.name, Declaration.post, Declaration.acting, Declaration.signed_at)
        .join(Submission, Submission.id == Declaration.submission_id)
        .where(Submission.return_id == audit_return.id, Submission.number == content.submission)
    ).one_or_none()
    if row is None:
        return None
    asked = {
        placed.criterion.id
        for placed in template.criteria()
        if placed.criterion.asked_of(audit_return.subtype or None)
        and placed.criterion.answer.is_graded
        and not placed.standard.optional
        and placed.criterion.shown_if is None
    }
    answers = {one.criterion for one in content.answers}
    return SignedBy(
        submission=content.submission, name=row.name, post=row.post, acting=row.acting, signed_at=row.signed_at,
        asked=len(asked), answered=len(asked & answers),
    )  # fmt: skip


def _twins_seen(
    session: Session, audit_return: AuditReturn, edition: int, language: str, *, now: datetime
) -> tuple[TwinSeen, ...]:
    """What an edition of the findings says of the duties that an agency shares, in the areas that it works in.

    Every agency of the round reads the same there: nothing else of another agency is told.
    """
    audit_round = audit_return.audit_round

    def read() -> tuple[TwinFindings, ...]:
        content = edition_content(session, audit_round, edition, now=now)["findings"]
        return JointFindings.model_validate(content.get(language) or content["en"], extra="ignore").twins

    twins = once(session, ("twins", audit_round.id, edition, language), read)
    mine = set(
        session.scalars(
            select(Area.name)
            .join(AgencyInArea, AgencyInArea.area_id == Area.id)
            .where(AgencyInArea.agency_id == audit_return.agency_id, in_force(audit_round, AgencyInArea))
        )
    )
    found = []
    for twin in twins:
        for own, other, only_own, only_other in (
            (twin.a, twin.b, "only_a", "only_b"), (twin.b, twin.a, "only_b", "only_a"),
        ):  # fmt: skip
            if own.agency_type != audit_return.agency_type:
                continue
            found += [
                TwinSeen(
                    area=row.area, number=own.number, label=own.label, others=other.agencies, compared=row.compared,
                    agree=row.both + row.neither, only_own=getattr(row, only_own), only_other=getattr(row, only_other),
                    hidden=row.hidden,
                )
                for row in twin.by_area
                if row.area in mine and (row.compared or row.hidden)
            ]  # fmt: skip
    return tuple(found)


