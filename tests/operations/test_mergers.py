"""Agencies that are merged, or close, while a round runs: nothing is lost, and everybody is accounted for."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select

from app.clock import today
from app.domain.life import NotPossible
from app.models import (
    Agency,
    AgencyInArea,
    AuditReturn,
    Merger,
    OutboxMessage,
    OversightBody,
    RollUp,
    SelfAssessment,
)
from app.operations import agencies, events, mergers, rounds, submissions
from app.operations.rounds import PlanErrors
from app.queries.agencies import AgencyFilter, candidates
from app.queries.findings import joint_findings
from app.queries.mail import unfinished_returns
from app.queries.mergers import merged_into, open_elsewhere, successors
from app.queries.returns import content_hash, get_return, history, why_closed
from app.queries.rounds import LedgerFilter, NotFound, ledger, response_counts
from tests.world import SYSTEM, World

DAY = date(2003, 5, 12)


def of(world: World, code: str, by: str = "") -> AuditReturn:
    actor = world.actor(by) if by else SYSTEM
    return get_return(world.session, world.returns[code].public_id, actor=actor, now=world.now)


def merge(world: World, code: str = "council-1", *, into: str = "nhs-1", by: str = "inspector", **more: object) -> None:
    actor = world.actor(by)
    given: dict[str, object] = {"merged_on": DAY, "reason": "Reorganised by order."} | more
    mergers.merge(
        world.write(), world.returns[code].public_id, into=into, by=actor, now=world.now, **given,  # type: ignore[arg-type]
    )  # fmt: skip
    world.session.commit()


def submit(world: World, code: str = "council-1") -> None:
    world.answer(code)
    shown = content_hash(world.work(code))
    actor = world.actor("signatory")
    submissions.sign_and_submit(
        world.write(), world.returns[code].public_id, by=actor, now=world.now, expected_hash=shown, identity_proved=True
    )
    world.session.commit()


def states(world: World) -> dict[str, str]:
    found = ledger(
        world.session, world.audit_round, actor=SYSTEM, now=world.now, narrowed=LedgerFilter(), page_size=None
    )
    return {row.agency_code: row.state for row in found.rows}


def drafts(world: World) -> int:
    return world.session.scalar(
        select(func.coalesce(func.sum(RollUp.count), 0)).where(
            RollUp.stage == "draft", RollUp.agency_type == "council"
        )
    ) or 0  # fmt: skip


def test_a_merged_agency_is_accounted_for_and_its_answers_stay(world: World) -> None:
    world.answer("council-1", standards=1)
    answers = world.session.scalar(select(func.count(SelfAssessment.id)))
    with_grade = world.session.scalar(select(func.count(SelfAssessment.id)).where(SelfAssessment.grade != ""))
    assert answers and with_grade and drafts(world) == with_grade
    merge(world)
    audit_return = of(world, "council-1")
    assert (audit_return.stage, states(world)["council-1"]) == ("started", "merged")
    assert world.session.scalar(select(func.count(SelfAssessment.id))) == answers and drafts(world) == 0
    counts = response_counts(world.session, [world.audit_round])[world.audit_round.id]
    assert sum(number.get("merged", 0) for number in counts.values()) == 1
    reason = why_closed(audit_return, now=world.now)
    assert reason is not None and audit_return.merger is not None
    assert reason.params["into"] == audit_return.merger.into.name and "merged into" in str(reason)
    assert audit_return.agency.closed_on == DAY
    assert of(world, "council-1", by="lead").id == audit_return.id  # its people read it as before
    with pytest.raises(NotPossible, match="merged into"):
        world.answer("council-1", by="lead")


def test_what_was_submitted_stays_a_submission(world: World) -> None:
    submit(world)
    merge(world)
    assert states(world)["council-1"] == "submitted"
    with pytest.raises(NotPossible, match="Take the merger back"):
        submissions.reopen(
            world.write(), world.returns["council-1"].public_id, reason="x", by=SYSTEM, now=world.now
        )
    findings = joint_findings(world.session, world.audit_round, actor=SYSTEM, now=world.now)
    assert (findings.response_total.submitted, findings.response_total.nil) == (1, 0)


def test_the_successors_people_are_told_and_read_no_answer(world: World) -> None:
    world.answer("council-1", standards=1)
    merge(world)
    theirs = merged_into(world.session, of(world, "nhs-1"))
    assert [(one.audit_return.agency.code, one.reason) for one in theirs] == [("council-1", "Reorganised by order.")]
    with pytest.raises(NotFound):
        of(world, "council-1", by="signatory-nhs")
    mails = world.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "round_change")).all()
    addresses = {mail.address for mail in mails}
    assert {"signatory@agency.example", "lead@agency.example", "signatory-nhs@agency.example"} == addresses
    assert all("Reorganised" not in mail.body for mail in mails)
    link = next(mail for mail in mails if mail.address == "signatory-nhs@agency.example")
    assert link.return_id == world.returns["nhs-1"].id and "From then on" in link.body


def test_a_merger_is_in_the_history_of_the_return(world: World) -> None:
    merge(world)
    chain = list(history(world.session, events.chain_of(world.returns["council-1"])))
    assert chain[-1].verb == "return.merged" and chain[-1].data["into"] == "nhs-1"
    assert {text.name: text.text for text in chain[-1].texts} == {"reason": "Reorganised by order."}
    assert events.verify(chain) is None


def test_nothing_more_is_expected_of_it(world: World) -> None:
    before = joint_findings(world.session, world.audit_round, actor=SYSTEM, now=world.now)
    assert len(unfinished_returns(world.session, now=world.now)) == len(world.returns)
    merge(world)
    assert "council-1" not in {one.agency.code for one in unfinished_returns(world.session, now=world.now)}
    findings = joint_findings(world.session, world.audit_round, actor=SYSTEM, now=world.now)
    assert findings.snapshot_id != before.snapshot_id
    assert (before.response_total.nil, findings.response_total.nil) == (0, 1)
    line = next(one for one in findings.not_responding if one.code == "council-1")
    assert line.stage == "nil" and line.reason == "merged into Fictional nhs one"


def test_taken_back_it_is_as_it_was(world: World) -> None:
    world.answer("council-1", standards=1)
    answers = drafts(world)
    merge(world)
    actor = world.actor("inspector")
    mergers.unmerge(world.write(), world.returns["council-1"].public_id, by=actor, now=world.now)
    world.session.commit()
    audit_return = of(world, "council-1")
    assert audit_return.merger is None and audit_return.agency.closed_on is None
    assert states(world)["council-1"] == "in_progress" and drafts(world) == answers
    assert why_closed(audit_return, now=world.now) is None
    with pytest.raises(NotPossible, match="No merger"):
        mergers.unmerge(world.write(), world.returns["council-1"].public_id, by=SYSTEM, now=world.now)


def test_the_successor_can_take_over_the_areas(world: World) -> None:
    text = "code,name,type,subtype,areas\nn-9,Newly Trust,nhs,,lake: Lakeland\n"
    agencies.import_csv(world.write(), text, world.pack.agency_types, by=SYSTEM, now=world.now)
    world.session.commit()
    merge(world, into="N-9", with_areas=True)
    placed = world.session.scalars(
        select(AgencyInArea).join(AgencyInArea.agency).where(Agency.code == "n-9")
    ).all()
    assert {(one.area.code, one.starts) for one in placed} == {("lake", today(world.now)), ("mere", DAY)}
    newly = placed[0].agency
    rounds.add_agencies(world.write(), world.audit_round.public_id, [newly.public_id], by=SYSTEM, now=world.now)
    theirs = world.session.scalars(select(AuditReturn).where(AuditReturn.agency_id == newly.id)).one()
    assert [one.audit_return.agency.code for one in merged_into(world.session, theirs)] == ["council-1"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"into": "council-1"}, "into"),
        ({"into": "no-such-code"}, "into"),
        ({"into": ""}, "into"),
        ({"merged_on": date(2003, 5, 13)}, "merged_on"),
        ({"reason": "  "}, "reason"),
        ({"reason": "x" * 2001}, "reason"),
    ],
)
def test_a_wrong_merger_says_which_field(world: World, more: dict[str, object], field: str) -> None:
    with pytest.raises(PlanErrors) as wrong:
        merge(world, **more)  # type: ignore[arg-type]
    assert list(wrong.value.errors) == [field]
    world.session.rollback()
    assert not world.session.scalars(select(Merger)).all()


def test_mergers_never_go_round_in_circles(world: World) -> None:
    merge(world, "council-1", into="nhs-1")
    assert "council-1" not in {one.code for one in successors(world.session, of(world, "police-1"))}
    with pytest.raises(PlanErrors):
        merge(world, "nhs-1", into="council-1")
    with pytest.raises(NotPossible, match="already"):
        merge(world, "council-1", into="police-1")


def test_only_inspectors_of_the_type_record_it(world: World) -> None:
    for who in ("outsider", "signatory", "lead", "coordinator", "administrator"):
        with pytest.raises(NotFound):
            merge(world, by=who)
        with pytest.raises(NotFound):
            actor = world.actor(who)
            mergers.unmerge(world.write(), world.returns["council-1"].public_id, by=actor, now=world.now)


def test_an_agency_that_closed_without_a_successor_is_a_nil_return(world: World) -> None:
    council = world.returns["council-1"].public_id
    with pytest.raises(NotPossible, match="lies ahead"):
        submissions.set_nil(
            world.write(), council, reason="Closed.", closed_on=date(2003, 5, 13), by=SYSTEM, now=world.now
        )
    submissions.set_nil(world.write(), council, reason="Closed.", closed_on=DAY, by=SYSTEM, now=world.now)
    world.session.commit()
    assert of(world, "council-1").agency.closed_on == DAY and states(world)["council-1"] == "nil"
    with pytest.raises(NotPossible, match="nil return"):
        merge(world)
    actor = world.actor("lead-inspector")
    draft = rounds.create_round(
        world.write(),
        rounds.RoundPlan("later", "Later", date(2003, 9, 1), date(2003, 10, 1), date(2003, 10, 9), date(2003, 9, 1)),
        world.version, owner=world.body, by=actor, now=world.now,
    )  # fmt: skip
    offered = candidates(world.session, draft, actor=actor, now=world.now, narrowed=AgencyFilter())
    assert "council-1" not in {agency.code for agency in offered.rows} and offered.total == len(world.returns) - 1
    submissions.take_back_nil(world.session, council, by=SYSTEM, now=world.now)
    assert of(world, "council-1").agency.closed_on is None


def test_a_merged_agency_gets_no_more_time_and_no_nil_return(world: World) -> None:
    merge(world)
    council = world.returns["council-1"].public_id
    with pytest.raises(NotPossible, match="merged into"):
        submissions.extend(world.write(), council, to=world.audit_round.shut_at, by=SYSTEM, now=world.now)  # type: ignore[arg-type]
    with pytest.raises(NotPossible, match="merged into"):
        submissions.set_nil(world.write(), council, reason="x", by=SYSTEM, now=world.now)


def test_who_answers_for_both_is_no_nil_return(world: World) -> None:
    nhs = world.returns["nhs-1"].public_id
    merge(world)
    with pytest.raises(NotPossible, match="answers for both"):
        submissions.set_nil(world.write(), nhs, reason="Nothing to say.", by=SYSTEM, now=world.now)
    session = world.write()
    mergers.unmerge(session, world.returns["council-1"].public_id, by=SYSTEM, now=world.now)
    submissions.set_nil(session, nhs, reason="Nothing to say.", by=SYSTEM, now=world.now)
    world.session.commit()
    assert "nhs-1" not in {one.code for one in successors(world.session, of(world, "council-1"))}
    with pytest.raises(PlanErrors) as wrong:
        merge(world)
    assert "nil return itself" in str(wrong.value.errors["into"])


def test_a_merger_is_recorded_in_every_open_round_at_once(world: World) -> None:
    first = world.returns["council-1"]
    session = world.write()
    body = session.merge(world.body)
    for key, owner in (("second", body), ("of-another-body", session.scalars(
        select(OversightBody).where(OversightBody.code == "south")).one())):  # fmt: skip
        plan = rounds.RoundPlan(
            key=key, name=key.title(), opens=DAY, due=date(2003, 6, 16), closes=date(2003, 6, 30), milestones_from=DAY,
            area_release="on_submission",
        )  # fmt: skip
        made = rounds.create_round(
            session, plan, session.merge(world.version), owner=owner, by=SYSTEM, now=world.now
        )
        ids = list(session.scalars(select(Agency.public_id).where(Agency.code.in_(("council-1", "nhs-1")))))
        rounds.add_agencies(session, made.public_id, ids, by=SYSTEM, now=world.now)
        rounds.open_round(session, made.public_id, by=SYSTEM, now=world.now)
    session.commit()
    actor = world.actor("inspector")
    elsewhere = open_elsewhere(world.session, first, actor=actor, now=world.now)
    assert [one.audit_round.key for one in elsewhere] == ["second"], "another body’s round is not theirs"
    given = {"merged_on": DAY, "reason": "Reorganised by order.", "by": actor, "now": world.now}
    with pytest.raises(PlanErrors):
        mergers.merge_everywhere(world.write(), first.public_id, into="no-such-agency", **given)  # type: ignore[arg-type]
    made_ = mergers.merge_everywhere(world.write(), first.public_id, into="nhs-1", **given)  # type: ignore[arg-type]
    world.session.commit()
    assert [one.audit_return.audit_round.key for one in made_] == ["test-round", "second"]
    assert world.session.scalar(select(func.count(Merger.id))) == 2
    assert open_elsewhere(world.session, first, actor=actor, now=world.now) == []
