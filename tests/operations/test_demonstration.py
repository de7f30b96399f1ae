"""The demonstration: the same every time, and as sound as data that came about in use."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Select, create_engine, select
from sqlalchemy.orm import Session

from app.clock import end_of, now, start_of, today
from app.db import begin_write, make_engine
from app.domain.answers import ANSWER_TYPES
from app.domain.demonstration import Plan
from app.domain.integrity import sha256_hex, submission_hash
from app.domain.life import NotPossible, is_late
from app.domain.templates import Pack
from app.models import (
    Agency,
    AgencyInArea,
    Appointment,
    Area,
    AuditReturn,
    AuditRound,
    Base,
    Declaration,
    Event,
    OversightBody,
    RollUp,
    SelfAssessment,
    SelfAssessmentVersion,
    Setting,
    Submission,
    User,
    Vouch,
)
from app.operations import demonstration, events
from app.operations.submissions import sign_and_submit
from app.policy import ANONYMOUS, Denied, system_actor
from app.queries.actors import actor_by_email
from app.queries.packs import template_of
from app.queries.returns import checklist, content_hash, content_of, get_return, submissions
from tests.world import pack

BY = system_actor("demonstration")
AGENCIES = 40


@pytest.fixture(scope="module")
def chosen() -> Pack:
    return pack("climbie-2003")


@pytest.fixture(scope="module")
def plan(chosen: Pack) -> Plan:
    return Plan.model_validate(chosen.demonstration)


def build(session: Session, chosen: Pack, **changed: object) -> demonstration.DemonstrationSummary:
    settings: dict[str, object] = {"seed": 2003, "scale": AGENCIES, "by": BY, "hash_password": lambda word: "hash"}
    summary = demonstration.build(session, pack=chosen, **(settings | changed))  # type: ignore[arg-type]
    session.commit()
    return summary


def dump(folder: Path, chosen: Pack, **changed: object) -> str:
    """All rows of all tables of a demonstration in a database of its own."""
    engine = make_engine(f"sqlite:///{folder / 'dump.db'}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        build(session, chosen, **changed)
        lines = [
            f"{table.name} {tuple(row)!r}"
            for table in Base.metadata.sorted_tables
            for row in session.execute(select(table).order_by(*table.primary_key.columns))
        ]
    engine.dispose()
    (folder / "dump.db").unlink()
    return "\n".join(lines)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, chosen: Pack) -> Iterator[tuple[Session, AuditRound]]:
    """One small demonstration to look at. Tests that change it roll back."""
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('demonstration') / 'candour.db'}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        begin_write(session)
        build(session, chosen)
        yield session, present(session)
    engine.dispose()


def present(session: Session) -> AuditRound:
    """The round that is open; the one before it has ended."""
    return session.scalars(select(AuditRound).order_by(AuditRound.opens.desc())).first()  # type: ignore[return-value]


def returns_of(audit_round: AuditRound, stage: str = "") -> Select[AuditReturn]:
    query = select(AuditReturn).where(AuditReturn.round_id == audit_round.id).order_by(AuditReturn.id)
    return query.where(AuditReturn.stage == stage) if stage else query


@pytest.fixture
def demo(built: tuple[Session, AuditRound]) -> Iterator[tuple[Session, AuditRound]]:
    yield built
    built[0].rollback()


def test_a_seed_and_a_day_give_the_same_rows_and_another_seed_others(tmp_path: Path, chosen: Pack) -> None:
    first = dump(tmp_path, chosen, scale=20)
    assert "hash" in first
    assert first == dump(tmp_path, chosen, scale=20)
    assert first != dump(tmp_path, chosen, scale=20, seed=7)


def test_on_both_databases(session: Session, chosen: Pack) -> None:
    """In a migrated database, with its triggers, and with sequences that go on where the bulk writing ended."""
    summary = build(session, chosen, scale=20)
    assert summary.agencies == 20
    for chain in session.scalars(select(Event.chain).distinct()):
        assert _verified(session, chain)
    session.add(Agency(code="new", name="New", agency_type="a", subtype=""))
    session.add(User(name="New", email="new@example.org", active=True, fs_uniquifier="new"))
    session.flush()
    assert content_hash(checklist(session, _return(session, "submitted"))) == _latest(session).content_hash


def _return(session: Session, stage: str) -> AuditReturn:
    return session.scalars(returns_of(present(session), stage)).first()  # type: ignore[return-value]


def _latest(session: Session) -> Submission:
    return submissions(session, _return(session, "submitted"))[0]


def _verified(session: Session, chain: str) -> bool:
    found = list(session.scalars(select(Event).where(Event.chain == chain).order_by(Event.seq)))
    return events.verify(found) is None


def test_every_type_subtype_and_stage_is_there(demo: tuple[Session, AuditRound], chosen: Pack) -> None:
    session, audit_round = demo
    returns = session.scalars(returns_of(audit_round)).all()
    assert len(returns) == AGENCIES
    kinds = {(key, subtype) for key, one in chosen.agency_types.items() for subtype in one.subtypes}
    assert {(row.agency_type, row.subtype) for row in returns} == kinds
    stages = Counter(row.stage for row in returns)
    assert set(stages) == {"invited", "started", "submitted", "nil"}
    numbers = Counter(
        (row.stage, len(submissions(session, row))) for row in returns if len(submissions(session, row)) > 0
    )
    assert numbers[("started", 1)] == 1  # reopened
    assert numbers[("submitted", 2)] == 1  # reopened and signed again
    assert session.scalars(select(Agency)).all()
    placed = set(session.scalars(select(AgencyInArea.agency_id)))
    assert placed == set(session.scalars(select(Agency.id)))


def test_the_round_is_open_on_its_day_and_some_returns_were_late(demo: tuple[Session, AuditRound], plan: Plan) -> None:
    session, audit_round = demo
    at = now(session)
    assert today(start_of(plan.today)) == plan.today == today(at)
    assert audit_round.is_demonstration
    assert audit_round.stage == "open" and audit_round.opens < at < audit_round.closes
    submitted = session.scalars(returns_of(audit_round, "submitted")).all()
    late = [
        row
        for row in submitted
        if is_late(submitted_at=row.submitted_at, due=audit_round.due, extended_to=row.extended_to)
    ]
    assert 0 < len(late) < len(submitted) / 4
    milestones = [m.due(audit_round.milestones_from) for m in template_of(submitted[0])[0].milestones.values()]
    assert min(milestones) < plan.today < max(milestones)


def test_nothing_happens_after_today_or_out_of_order(demo: tuple[Session, AuditRound], plan: Plan) -> None:
    session, _ = demo
    times: dict[str, datetime] = {}
    for event in session.scalars(select(Event).order_by(Event.chain, Event.seq)):
        assert times.get(event.chain, event.at) <= event.at < start_of(plan.today)
        times[event.chain] = event.at
    for version in session.scalars(select(SelfAssessmentVersion)):
        assert version.saved_at < start_of(plan.today)


def test_every_chain_verifies(demo: tuple[Session, AuditRound], chosen: Pack) -> None:
    session, _ = demo
    chains = session.scalars(select(Event.chain).distinct()).all()
    returns = {f"return:{row}" for row in session.scalars(select(AuditReturn.public_id))}
    rounds = {f"round:{row}" for row in session.scalars(select(AuditRound.public_id))}
    private = {chain for chain in chains if chain.startswith("oversight:")}
    assert private and private <= {chain.replace("return:", "oversight:") for chain in returns}
    assert set(chains) - private == {*returns, *rounds, f"pack:{chosen.pack}"}
    assert all(_verified(session, chain) for chain in chains)


def test_every_signature_recomputes(demo: tuple[Session, AuditRound]) -> None:
    session, _ = demo
    found = session.scalars(select(Submission)).all()
    assert len(found) > AGENCIES / 2
    for submission in found:
        assert sha256_hex(submission.content.encode()) == submission.content_hash
        declaration, user = submission.declaration, submission.declaration.user
        assert user.name in declaration.text
        assert declaration.submission_hash == submission_hash(
            content_hash=submission.content_hash,
            signatory={
                "name": declaration.name,
                "post": declaration.post,
                "person": user.public_id,
                "acting": declaration.acting,
            },
            signed_at=events.iso(declaration.signed_at),
        )
        signed = {(row.criterion, row.scope_key): row.value for row in submission.answers}
        content = json.loads(submission.content)["answers"]
        assert signed == {(row["criterion"], row["scope"]): row["value"] for row in content}


def test_what_stands_is_what_was_signed(demo: tuple[Session, AuditRound]) -> None:
    """The content that the program makes from the stored answers is the content that was signed."""
    session, _ = demo
    for row in session.scalars(select(AuditReturn).where(AuditReturn.stage == "submitted")):
        work = checklist(session, row)
        assert not work.outstanding
        # how an action goes is reported after what was planned is signed
        stands, signed = content_of(work), json.loads(submissions(session, row)[0].content)
        assert stands | {"actions": ()} == signed | {"actions": ()}


def test_counts_of_returns_recompute(demo: tuple[Session, AuditRound]) -> None:
    session, _ = demo
    for row in session.scalars(select(AuditReturn)):
        work = checklist(session, row)
        assert (row.asked, row.complete) == (work.asked, work.complete)
        assert (row.started_at is None) == (row.stage in ("invited", "nil"))


def test_answers_could_have_been_typed_in(demo: tuple[Session, AuditRound]) -> None:
    session, _ = demo
    for row in session.scalars(select(AuditReturn)):
        pack_, template = template_of(row)
        saved = select(SelfAssessmentVersion).where(
            # what was carried forward was typed in the round before, and waits to be confirmed
            SelfAssessmentVersion.return_id == row.id, SelfAssessmentVersion.source != "carried"
        )  # fmt: skip
        for version in session.scalars(saved):
            criterion = template.criterion(version.criterion)
            assert criterion.asked_of(row.subtype)
            clean = ANSWER_TYPES[version.type].clean(
                version.value,
                criterion=criterion,
                scheme=pack_.scheme_of(template, criterion),
                today=today(version.saved_at),
                earliest=today(version.saved_at),
            )
            assert clean.value == version.value
            assert "{" not in json.dumps(clean.value)[1:]


def test_versions_lead_to_what_stands(demo: tuple[Session, AuditRound]) -> None:
    session, _ = demo
    last: dict[tuple[int, str], SelfAssessmentVersion] = {}
    ordered = select(SelfAssessmentVersion).order_by(SelfAssessmentVersion.version)
    for version in session.scalars(ordered):
        before = last.get((version.return_id, version.criterion))
        assert version.based_on == (before.version if before else 0) == version.version - 1
        assert before is None or (before.saved_at < version.saved_at and before.value != version.value)
        last[version.return_id, version.criterion] = version
    stands = session.scalars(select(SelfAssessment)).all()
    assert len(stands) == len(last)
    assert any(row.version == 2 for row in stands)
    for row in stands:
        version = last[row.return_id, row.criterion]
        assert (row.value, row.version, row.saved_at) == (version.value, version.version, version.saved_at)


def test_vouches_hold_for_the_answers_as_they_are(demo: tuple[Session, AuditRound]) -> None:
    session, _ = demo
    for vouch in session.scalars(select(Vouch)):
        row = session.get_one(AuditReturn, vouch.return_id)
        section = checklist(session, row).section(vouch.standard)
        assert section.state == "complete"
        assert all(item.answer.saved_at <= vouch.at for item in section.items if item.answer.saved_at)


def test_the_roll_up_is_what_counting_gives(demo: tuple[Session, AuditRound]) -> None:
    session, _ = demo
    for audit_round in session.scalars(select(AuditRound)):
        counted: Counter[tuple[str, str, str, str, str]] = Counter()
        for row in session.scalars(returns_of(audit_round)):
            kind = (row.agency_type, row.subtype)
            for submission in submissions(session, row):
                if submission.voided is None:
                    signed = submission.answers
                    counted.update((*kind, one.criterion, one.grade, "submitted") for one in signed if one.grade)
            if row.stage not in ("submitted", "nil"):
                stands = session.scalars(select(SelfAssessment).where(SelfAssessment.return_id == row.id))
                counted.update((*kind, one.criterion, one.grade, "draft") for one in stands if one.grade)
        rolled = {
            (row.agency_type, row.subtype, row.criterion, row.grade, row.stage): row.count
            for row in session.scalars(
                select(RollUp).where(RollUp.round_id == audit_round.id, RollUp.stage != "moderated", RollUp.count > 0)
            )
        }
        assert rolled == dict(counted)


def test_people_can_do_what_the_sign_in_page_says(demo: tuple[Session, AuditRound], plan: Plan) -> None:
    session, audit_round = demo
    setting = session.get_one(Setting, demonstration.SETTING).value
    assert setting["password"] == plan.password
    listed = {account["email"]: account for account in setting["accounts"]}
    with_password = select(User).where(User.password.is_not(None)).order_by(User.id)
    assert [user.email for user in session.scalars(with_password)] == list(listed)
    bodies = {body.name for body in session.scalars(select(OversightBody))}
    assert {account["body"] for account in listed.values()} >= bodies
    assert {row.role for row in session.scalars(select(Appointment))} >= {a.role for a in plan.accounts}
    # the one that is ready can be signed by the person who is shown for it
    at = now(session)
    chief = next(account for account in plan.accounts if account.at == plan.showcase[0].key)
    actor = actor_by_email(session, chief.email, now=at)
    assert actor is not None
    mine = session.scalars(
        returns_of(audit_round).where(AuditReturn.agency_id == actor.held[0].agency_id)
    ).one()
    work = checklist(session, get_return(session, mine.public_id, actor=actor, now=at))
    assert not work.outstanding
    assert all(section.vouch for section in work.sections if not section.standard.optional)
    signed = sign_and_submit(
        session, mine.public_id, by=actor, now=at, expected_hash=content_hash(work), identity_proved=True
    )
    assert signed.number == 1
    assert not is_late(submitted_at=mine.submitted_at, due=audit_round.due, extended_to=mine.extended_to)


def test_every_signatory_has_an_appointment(demo: tuple[Session, AuditRound]) -> None:
    session, _ = demo
    signatories = session.scalars(select(Appointment).where(Appointment.role == "accountable_signatory"))
    holders = {(row.user_id, row.agency_id) for row in signatories}
    assert len(holders) == AGENCIES
    for declaration in session.scalars(select(Declaration)):
        assert (declaration.user_id, declaration.submission.audit_return.agency_id) in holders


def test_another_day_moves_everything(tmp_path: Path, chosen: Pack, plan: Plan) -> None:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        summary = build(session, chosen, scale=20, today=date(2026, 2, 11))
        audit_round = present(session)
        assert summary.today == today(now(session)) == date(2026, 2, 11)
        assert audit_round.due == end_of(date(2026, 2, 11) + (date.min.resolution * plan.round.due))
    engine.dispose()


def test_the_plan_at_full_size(plan: Plan) -> None:
    counts = plan.counts()
    by_type: Counter[str] = Counter()
    for (agency_type, _), count in counts.items():
        by_type[agency_type] += count
    assert by_type == {"nhs": 625, "council": 150, "police": 43}
    assert len(plan.areas.places) == by_type[plan.areas.one_for_each]
    towns = [town for place in plan.areas.places for town in place.towns]
    assert len({*towns, *(place.name for place in plan.areas.places)}) == len(towns) + len(plan.areas.places) >= 160
    for theme in plan.answers.text.commentary.values():
        assert all(len(sentences) >= 6 for sentences in theme.values())


def test_refusals(demo: tuple[Session, AuditRound], chosen: Pack, session: Session) -> None:
    with pytest.raises(NotPossible, match="not empty"):
        build(demo[0], chosen)
    with pytest.raises(Denied):
        build(session, chosen, by=ANONYMOUS)
    with pytest.raises(NotPossible, match="at least 19 agencies"):
        build(session, chosen, scale=5)
    with pytest.raises(NotPossible, match="has no demonstration"):
        build(session, pack("section-11-2024"))
    broken = chosen.model_copy(update={"demonstration": {**(chosen.demonstration or {}), "format": 2}})
    with pytest.raises(NotPossible, match="has mistakes"):
        build(session, broken)


def test_a_plan_that_does_not_fit_the_pack(session: Session, chosen: Pack) -> None:
    planned = json.loads(json.dumps(chosen.demonstration))
    planned["round"]["owner"] = "nobody"
    planned["accounts"][0]["at"] = "nowhere"
    planned["answers"]["everyone"]["aside"] = {"excellent": 0.1}
    planned["answers"]["types"]["council"]["criteria"]["no-such-question"] = {"score": 1}
    broken = chosen.model_copy(update={"demonstration": planned})
    with pytest.raises(NotPossible) as refused:
        build(session, broken)
    for name in ("nobody", "nowhere", "excellent", "no-such-question"):
        assert f"“{name}”" in str(refused.value)


def test_areas_have_their_agencies(demo: tuple[Session, AuditRound], plan: Plan) -> None:
    session, _ = demo
    for area in session.scalars(select(Area)):
        kinds = {row.agency.agency_type for row in area.agencies}
        assert plan.areas.one_for_each in kinds
        assert len(kinds) > 1
