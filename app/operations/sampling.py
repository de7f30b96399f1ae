"""The sample of a round: committing to a seed, drawing once the round is shut, saying who checks what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.life import NotPossible
from app.domain.message import N_, Message
from app.domain.risks import BY_HAND, ModerationRules, Reason, reasons
from app.domain.sampling import (
    PlanErrors,
    SamplePlan,
    by_risk,
    draw,
    frame_hash,
    new_seed,
    questions_drawn,
    seconds_drawn,
    seed_hash,
)
from app.models import AuditReturn, AuditRound, Sample, SampledReturn, User
from app.operations import events
from app.operations.mail import Draft, queue_all, way_in
from app.policy import Actor
from app.queries.own_types import types_where
from app.queries.packs import pack_of
from app.queries.rounds import NotFound, get_round
from app.queries.sampling import (
    Candidate,
    InFrame,
    as_frame,
    bodies_asking,
    candidates,
    frame_of,
    is_round_shut,
    questions_of,
    signed_returns,
    submitted_before,
)

LONGEST_REASON = 4000  # characters


def _locked(session: Session, public_id: str, *, by: Actor, now: datetime) -> tuple[AuditRound, Sample | None]:
    """The round with its row held until the transaction ends, and its sample."""
    audit_round = get_round(session, public_id, actor=by, now=now, permission="sample.draw")
    session.execute(select(AuditRound.id).where(AuditRound.id == audit_round.id).with_for_update())
    session.refresh(audit_round)
    if audit_round.archived_at:
        raise NotPossible(N_("This round is archived: it can be read and downloaded, and no longer changed."))
    sample = session.scalar(
        select(Sample).where(Sample.round_id == audit_round.id).execution_options(populate_existing=True)
    )
    return audit_round, sample


def _checked(audit_round: AuditRound, plan: SamplePlan) -> SamplePlan:
    known = [rule.key for rule in ModerationRules.of(pack_of(audit_round.pack_version)).risks]
    if errors := plan.errors(known):
        raise PlanErrors(errors)
    return plan


def commit_sample(
    session: Session, round_id: str, plan: SamplePlan, *, by: Actor, now: datetime, seed: str = ""
) -> Sample:
    """Make the secret seed and put its hash on record, before the round closes.

    `seed` is for demonstrations alone, which must come out the same every time. Raises NotFound, PlanErrors, and
    NotPossible: not open yet, committed already, or closed, when a seed would no longer prove anything.
    """
    audit_round, sample = _locked(session, round_id, by=by, now=now)
    if sample:
        raise NotPossible(N_("The seed of this round’s sample is committed already."))
    if audit_round.stage != "open":
        raise NotPossible(N_("This round is still being prepared. Open it first."))
    if is_round_shut(audit_round, now=now):
        raise NotPossible(
            N_(
                "The round is closed: a seed that is made now would not prove that nobody chose the sample. Reopen the"
                " round for a moment, commit the seed, and close it again."
            )
        )
    if seed and not audit_round.is_demonstration:
        raise ValueError("only a demonstration brings its own seed")
    _checked(audit_round, plan)
    seed = seed or new_seed()
    sample = Sample(
        round_id=audit_round.id, seed=seed, seed_hash=seed_hash(seed), plan=plan.as_data(), committed_at=now,
        committed_by_id=by.user_id, frame={},
    )  # fmt: skip
    session.add(sample)
    events.append(
        session, events.chain_of(audit_round), "sample.committed", by=by, now=now,
        data={"seed_hash": sample.seed_hash, "plan": plan.as_data()},
    )  # fmt: skip
    session.flush()
    return sample


def change_plan(session: Session, round_id: str, plan: SamplePlan, *, by: Actor, now: datetime) -> Sample:
    """Change how many are drawn, until the draw; the seed stays. Raises NotFound, PlanErrors, NotPossible."""
    audit_round, sample = _locked(session, round_id, by=by, now=now)
    if sample is None:
        raise NotPossible(N_("Commit the seed of this round’s sample first."))
    if sample.drawn_at:
        raise NotPossible(N_("The sample is drawn, so its plan can no longer change."))
    _checked(audit_round, plan)
    if sample.plan != plan.as_data():
        sample.plan = plan.as_data()
        events.append(
            session, events.chain_of(audit_round), "sample.plan_changed", by=by, now=now,
            data={"plan": plan.as_data()},
        )  # fmt: skip
    session.flush()
    return sample


def draw_sample(session: Session, round_id: str, *, by: Actor, now: datetime) -> Sample:
    """Draw the sample, once: a sample that is drawn already comes back as it is.

    The frame is every submitted return whose agency was not merged into another, with its latest submission. Chance
    draws by the seed, which is revealed; then the rules of risk choose. Raises NotFound, and NotPossible: no seed was
    committed, the round is not closed, or nothing was submitted.
    """
    audit_round, sample = _locked(session, round_id, by=by, now=now)
    if sample is None:
        raise NotPossible(N_("Commit the seed of this round’s sample first."))
    if sample.drawn_at:
        return sample
    if not is_round_shut(audit_round, now=now):
        raise NotPossible(
            N_("The round is still open. The sample is drawn after it has closed, so that nobody knows who is drawn.")
        )
    found = frame_of(session, audit_round)
    if not found:
        raise NotPossible(N_("No audit was submitted in this round, so there is nothing to draw from."))
    plan, frame = SamplePlan.from_data(sample.plan), as_frame(found)
    numbers = {kind: len(returns) for kind, returns in frame.items()}
    chance = draw(
        sample.seed, {kind: [one for one, _hash in returns] for kind, returns in frame.items()}, plan.sizes(numbers)
    )
    places = {one: place for ids in chance.values() for place, one in enumerate(ids, 1)}
    why = _risks(session, audit_round, found, plan)
    chosen = by_risk(
        sample.seed, {one: [reason.rule for reason in its] for one, its in why.items()},
        {one.public_id: one.agency_type for one in found},
        plan.risk_sizes(numbers),
    )  # fmt: skip
    taken = [one for one in found if one.public_id in places or one.public_id in chosen]
    asked = questions_of(session, [one.submission_id for one in taken])
    for one in taken:
        # what chance drew says so, and says too what the rules see in it
        its = why.get(one.public_id, []) if one.public_id in chosen else []
        session.add(
            SampledReturn(
                sample_id=sample.id, return_id=one.return_id, submission_id=one.submission_id,
                place=places.get(one.public_id), risks=[reason.rule for reason in its],
                figures={reason.rule: reason.as_data() for reason in its},
                questions=questions_drawn(
                    sample.seed, one.public_id, asked.get(one.submission_id, []), plan.questions
                ),
            )
        )  # fmt: skip
    sample.drawn_at, sample.drawn_by_id = now, by.user_id
    sample.frame = {kind: [list(one) for one in returns] for kind, returns in frame.items()}
    sample.frame_hash = frame_hash(frame)
    events.append(
        session, events.chain_of(audit_round), "sample.drawn", by=by, now=now,
        data={
            "seed": sample.seed, "frame_hash": sample.frame_hash, "numbers": numbers, "random": chance,
            "risk": {one: [reason.rule for reason in why[one]] for one in chosen},
        },
    )  # fmt: skip
    session.flush()
    return sample


def _risks(
    session: Session, audit_round: AuditRound, frame: list[InFrame], plan: SamplePlan
) -> dict[str, list[Reason]]:
    pack = pack_of(audit_round.pack_version)
    rules = [rule for rule in ModerationRules.of(pack).risks if rule.key in plan.rules]
    if not rules or not plan.risk_most:
        return {}
    compares = any(rule.kind == "jump" for rule in rules)
    return reasons(
        pack,
        signed_returns(session, audit_round, frame),
        submitted_before(session, audit_round, frame) if compares else {},
        rules,
    )


def _drawn(
    session: Session, round_id: str, *, by: Actor, now: datetime
) -> tuple[AuditRound, Sample, frozenset[str]]:
    """The round and its drawn sample, and the agency types whose checks are the actor's to share out."""
    audit_round, sample = _locked(session, round_id, by=by, now=now)
    if sample is None or sample.drawn_at is None:
        raise NotPossible(N_("The sample of this round is not drawn yet."))
    return audit_round, sample, types_where(audit_round, by, "return.assign_check")


def add_by_hand(
    session: Session, round_id: str, return_id: str, *, reason: str, by: Actor, now: datetime
) -> SampledReturn:
    """Choose a return for a reason that no rule has: it counts with the cases of risk, never in an estimate.

    Raises NotFound (no such return in the round, or of another body's agency types), and NotPossible.
    """
    audit_round, sample, own = _drawn(session, round_id, by=by, now=now)
    reason = reason.replace("\x00", "").strip()
    if not reason:
        raise NotPossible(N_("Give the reason: it stands beside the agency in the list."))
    if len(reason) > LONGEST_REASON:
        raise NotPossible(N_("The reason is too long: %(limit)s characters at most."), limit=LONGEST_REASON)
    audit_return = session.scalar(
        select(AuditReturn).where(AuditReturn.round_id == audit_round.id, AuditReturn.public_id == return_id)
    )
    if audit_return is None or audit_return.agency_type not in own:
        raise NotFound
    one = next((one for one in frame_of(session, audit_round) if one.public_id == return_id), None)
    if one is None:
        raise NotPossible(N_("This audit is not submitted at present, so there is nothing to check."))
    sampled = session.scalar(
        select(SampledReturn).where(SampledReturn.sample_id == sample.id, SampledReturn.return_id == one.return_id)
    )
    if sampled is None:
        asked = questions_of(session, [one.submission_id]).get(one.submission_id, [])
        number = SamplePlan.from_data(sample.plan).questions
        sampled = SampledReturn(
            sample_id=sample.id, return_id=one.return_id, submission_id=one.submission_id, risks=[], figures={},
            questions=questions_drawn(sample.seed, return_id, asked, number),
        )  # fmt: skip
        session.add(sampled)
    elif BY_HAND in sampled.risks:
        raise NotPossible(N_("This agency was added by hand already."))
    # JSON columns notice a new value only
    sampled.risks = [*sampled.risks, BY_HAND]
    sampled.figures = {**sampled.figures, BY_HAND: {"reason": reason}}
    events.append(
        session, events.chain_of(audit_round), "sample.added", by=by, now=now, data={"return": return_id},
        texts={"reason": reason},
    )  # fmt: skip
    session.flush()
    return sampled


def assign(
    session: Session, round_id: str, return_id: str, *, inspector: str, second: str = "", by: Actor, now: datetime
) -> SampledReturn:
    """Say who checks a sampled return, and who checks it again; by public id, empty for nobody.

    Raises NotFound (no such return in the sample, or of another body's agency types) and NotPossible: not an inspector
    of a body that asks the agency, appointed at the agency now or before, both the same person, or finished already.
    """
    audit_round, sample, own = _drawn(session, round_id, by=by, now=now)
    row = session.execute(
        select(SampledReturn, AuditReturn)
        .join(AuditReturn, AuditReturn.id == SampledReturn.return_id)
        .where(SampledReturn.sample_id == sample.id, AuditReturn.public_id == return_id)
    ).first()
    if row is None or row.AuditReturn.agency_type not in own:
        raise NotFound
    sampled, audit_return = row.SampledReturn, row.AuditReturn
    if inspector and inspector == second:
        raise NotPossible(N_("The second check must be by somebody else. Choose two different inspectors."))
    if second and not inspector:
        raise NotPossible(N_("Choose who checks first before you choose who checks again."))
    known = {one.public_id: one for one in candidates(session, audit_round, now=now)}
    first_id = _chosen(known, inspector, audit_round, audit_return, sampled.inspector)
    second_id = _chosen(known, second, audit_round, audit_return, sampled.second)
    if sampled.finished_at and first_id != sampled.inspector_id:
        raise NotPossible(N_("This check is finished, so it can no longer be given to somebody else."))
    if sampled.second_finished_at and second_id != sampled.second_id:
        raise NotPossible(N_("The second check is finished, so it can no longer be given to somebody else."))
    if (first_id, second_id) != (sampled.inspector_id, sampled.second_id):
        new = {one for one in (first_id, second_id) if one not in (None, sampled.inspector_id, sampled.second_id)}
        sampled.inspector_id, sampled.second_id = first_id, second_id
        _tell(session, audit_round, sample, new, by=by, now=now)
        events.append(
            session, events.chain_of(audit_round), "sample.assigned", by=by, now=now,
            data={"returns": {return_id: {"first": inspector, "second": second}}},
        )  # fmt: skip
    session.flush()
    return sampled


def _chosen(
    known: Mapping[str, Candidate], public_id: str, audit_round: AuditRound, audit_return: AuditReturn,
    holder: User | None,
) -> int | None:  # fmt: skip
    if not public_id:
        return None
    if holder and holder.public_id == public_id:
        return holder.id  # who has it keeps it, though they have left since
    one = known.get(public_id)
    if one is None or one.bodies.isdisjoint(bodies_asking(audit_round, audit_return.agency_type)):
        raise NotPossible(N_("Choose an inspector of a body that asks this type of agency."))
    if audit_return.agency_id in one.agencies:
        raise NotPossible(
            N_("%(name)s holds or held an appointment at this agency. Choose somebody else."), name=one.name
        )
    return one.user_id


def assign_rest(session: Session, round_id: str, *, by: Actor, now: datetime) -> tuple[int, int]:
    """Share out evenly what nobody checks yet, second checks too: (how many checks were given, how many left over).

    What an inspector who has left did not finish counts as checked by nobody.
    Of the actor's own agency types. Whoever has least comes first; returns with fewest possible inspectors are shared
    out before the others. Left over is what nobody may check. Raises NotFound, NotPossible.
    """
    audit_round, sample, own = _drawn(session, round_id, by=by, now=now)
    rows = session.execute(
        select(SampledReturn, AuditReturn)
        .join(AuditReturn, AuditReturn.id == SampledReturn.return_id)
        .where(SampledReturn.sample_id == sample.id)
        .order_by(AuditReturn.agency_type, AuditReturn.public_id)
    ).all()
    people = candidates(session, audit_round, now=now)
    here = {one.user_id for one in people}
    load = Counter(one for row in rows for one in (row.SampledReturn.inspector_id, row.SampledReturn.second_id) if one)
    again = set(
        seconds_drawn(
            sample.seed, [row.AuditReturn.public_id for row in rows if row.SampledReturn.place is not None],
            SamplePlan.from_data(sample.plan).second_percent,
        )
    )  # fmt: skip
    possible = {
        row.SampledReturn.id: [
            one
            for one in people
            if one.may_check(row.AuditReturn.agency_id, bodies_asking(audit_round, row.AuditReturn.agency_type))
        ]
        for row in rows
    }
    given: dict[str, dict[str, str]] = {}
    told: set[int] = set()
    done = left = 0

    def give(sampled: SampledReturn, but: int | None) -> Candidate | None:
        free = [one for one in possible[sampled.id] if one.user_id != but]
        if not free:
            return None
        chosen = min(free, key=lambda one: load[one.user_id])
        load[chosen.user_id] += 1
        return chosen

    for row in sorted(rows, key=lambda row: len(possible[row.SampledReturn.id])):
        sampled, audit_return = row.SampledReturn, row.AuditReturn
        if audit_return.agency_type not in own:
            continue
        if sampled.finished_at is None and sampled.inspector_id not in here:
            sampled.inspector_id = None
        if sampled.second_finished_at is None and sampled.second_id not in here:
            sampled.second_id = None
        wanted = []
        if sampled.inspector_id is None:
            wanted.append("first")
        if sampled.second_id is None and audit_return.public_id in again:
            wanted.append("second")
        for part in wanted:
            other = sampled.inspector_id if part == "second" else sampled.second_id
            # nobody checks again before somebody checks
            chosen = None if part == "second" and other is None else give(sampled, other)
            if chosen is None:
                left += 1
                continue
            if part == "first":
                sampled.inspector_id = chosen.user_id
            else:
                sampled.second_id = chosen.user_id
            given.setdefault(audit_return.public_id, {})[part] = chosen.public_id
            told.add(chosen.user_id)
            done += 1
    if given:
        events.append(
            session, events.chain_of(audit_round), "sample.assigned", by=by, now=now, data={"returns": given}
        )
        _tell(session, audit_round, sample, told, by=by, now=now)
    session.flush()
    return done, left


def _tell(
    session: Session, audit_round: AuditRound, sample: Sample, user_ids: Collection[int | None], *, by: Actor,
    now: datetime,
) -> None:  # fmt: skip
    """Write to inspectors who were given something to check: one mail a day, however much it is, and no names in it."""
    session.flush()
    rows = session.execute(
        select(SampledReturn.inspector_id, SampledReturn.second_id)
        .where(
            SampledReturn.sample_id == sample.id,
            or_(
                and_(SampledReturn.inspector_id.in_(user_ids), SampledReturn.finished_at.is_(None)),
                and_(SampledReturn.second_id.in_(user_ids), SampledReturn.second_finished_at.is_(None)),
            ),
        )
    ).all()  # fmt: skip
    queue_all(
        session,
        [
            Draft(
                to=user, kind="check",
                subject=Message(N_("%(round)s: audits for you to check"), {"round": audit_round.name}),
                body=[
                    Message(
                        N_(
                            "You are asked to check submitted audits of “%(round)s”. Number of audits on your list now:"
                            " %(number)s."
                        ),
                        {
                            "round": audit_round.name,
                            "number": sum(user.id in (row.inspector_id, row.second_id) for row in rows),
                        },
                    ),
                    Message(N_("Your list says which they are, and by when they are asked for.")),
                ],
                link=way_in(user, f"/rounds/{audit_round.public_id}/moderation"),
                dedupe_key=f"check:{audit_round.public_id}:{today(now)}:{user.public_id}",
            )
            for user in session.scalars(select(User).where(User.id.in_(user_ids)).order_by(User.id))
            if user.id != by.user_id
        ],
        now=now,
    )  # fmt: skip
