"""Standards returned for correction: what can change until the audit is signed again, and what cannot."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app.clock import end_of
from app.domain.actions import Typed
from app.domain.evidence import Described
from app.domain.life import NotPossible
from app.domain.returned_standards import Correction
from app.models import Evidence, EvidenceLink, OutboxMessage, ReturnedStandard, Submission
from app.operations import events
from app.operations.actions import edit_action, plan_action, remove_action
from app.operations.answers import Edit, restore, vouch, withdraw_vouch
from app.operations.evidence import attach, describe, detach, remove
from app.operations.returned_standards import CorrectionErrors, return_for_correction
from app.operations.submissions import reopen
from app.queries.returned_standards import correction_of, returned_standards
from app.queries.returns import history
from app.queries.rounds import NotFound, is_late_clause
from tests.operations.test_returns import save, sign
from tests.operations.test_threads import in_library
from tests.world import World

WHY = "The figures are of the year before."
UNTIL = date(2003, 7, 31)  # after the closing date


@pytest.fixture
def code(world: World) -> str:
    """The first agency, which has submitted."""
    code = next(iter(world.returns))
    world.answer(code)
    sign(world, code)
    return code


def returned(
    world: World, code: str, *, until: date = UNTIL, by: str = "inspector", **reasons: str
) -> list[str]:
    """Return the second standard (or those named), and commit; what was returned."""
    reasons = reasons or {world.work(code).sections[1].standard.id: WHY}
    actor = world.actor(by)
    return_for_correction(
        world.write(), world.returns[code].public_id, reasons, until=until, by=actor, now=world.now
    )
    world.session.commit()
    return list(reasons)


def edit_of(world: World, code: str, section: int, words: str = "Corrected.") -> Edit:
    item = world.work(code).sections[section].items[0]
    return Edit(item.id, {**item.answer.value, "commentary": words}, item.answer.version, f"k{section}{words}")


def now_allowed(world: World, code: str) -> Correction | None:
    world.session.rollback()
    return correction_of(world.session, world.returns[code])


def test_only_the_returned_standard_can_be_changed_until_it_is_signed_again(world: World, code: str) -> None:
    keys = returned(world, code)
    audit_return = world.returns[code]
    submission = world.session.scalars(select(Submission)).one()
    assert audit_return.stage == "started" and submission.voided and WHY in submission.voided.reason
    assert now_allowed(world, code) == Correction(dict.fromkeys(keys, WHY))
    # the one is saved, the other comes back with the words to show
    result = save(world, code, edit_of(world, code, 1), edit_of(world, code, 0), by="lead")
    wrong = world.work(code).sections[0].items[0]
    assert set(result.saved) == {world.work(code).sections[1].items[0].id}
    assert list(result.errors) == [wrong.id] and "Only the standards" in str(result.errors[wrong.id]["grade"])
    assert wrong.answer.version == 1
    sign(world, code)
    row = returned_standards(world.session, audit_return)[0]
    assert row.settled_at == world.now and now_allowed(world, code) is None
    assert [one.number for one in world.session.scalars(select(Submission).order_by(Submission.number))] == [1, 2]
    # reopened as a whole later, everything can be changed
    actor = world.actor("inspector")
    reopen(world.write(), audit_return.public_id, reason="Everything.", by=actor, now=world.now)
    world.session.commit()
    assert save(world, code, edit_of(world, code, 0), by="lead").saved


def test_nothing_else_gets_round_it(world: World, code: str) -> None:
    """Versions, vouches, planned actions, evidence: all are parts of what was signed."""
    rid = world.returns[code].public_id
    frozen, open_ = (world.work(code).sections[place] for place in (0, 1))
    lead = world.actor("lead")
    piece = in_library(world, code)
    session = world.write()
    row = session.scalars(select(Evidence).where(Evidence.public_id == piece)).one()
    session.add(
        EvidenceLink(return_id=world.returns[code].id, criterion=frozen.items[0].criterion.id, evidence_id=row.id)
    )
    session.commit()
    actor = world.actor("inspector")
    reopen(world.write(), rid, reason="To begin with.", by=actor, now=world.now)
    world.session.commit()
    save(world, code, edit_of(world, code, 0))
    action = plan_action(
        world.write(), rid, frozen.items[0].id, Typed("Do it.", "Sam", date(2003, 9, 1), "planned"), by=lead,
        now=world.now,
    )  # fmt: skip
    vouch(world.session, rid, frozen.standard.id, name="Pat", post="Director", by=lead, now=world.now)
    world.session.commit()
    sign(world, code)
    returned(world, code)
    question, other = frozen.items[0].id, open_.items[0].id
    typed = Typed("Do something else.", "Sam", date(2003, 9, 1), "planned")
    same = Described(row.title, row.description, (question,))
    now = world.now
    refused = [
        lambda: restore(world.write(), rid, question, 1, based_on=2, by=lead, now=now),
        lambda: vouch(world.write(), rid, frozen.standard.id, name="A", post="B", by=lead, now=now),
        lambda: withdraw_vouch(world.write(), rid, frozen.standard.id, by=lead, now=now),
        lambda: plan_action(world.write(), rid, question, typed, by=lead, now=now),
        lambda: edit_action(world.write(), rid, action.public_id, typed, based_on=action.version, by=lead, now=now),
        lambda: remove_action(world.write(), rid, action.public_id, based_on=action.version, by=lead, now=now),
        lambda: attach(world.write(), rid, piece, frozen.items[1].id, by=lead, now=now),
        lambda: detach(world.write(), rid, piece, question, by=lead, now=now),
        lambda: remove(world.write(), rid, piece, by=lead, now=now),
        lambda: describe(
            world.write(), rid, piece, same._replace(title="Another"), based_on=same.token, by=lead, now=now
        ),
        lambda: describe(world.write(), rid, piece, same._replace(questions=()), based_on=same.token, by=lead, now=now),
    ]
    for act in refused:
        with pytest.raises(NotPossible, match="Only the standards"):
            act()
    world.session.rollback()
    # and in the standard that was returned all of it can be done
    plan_action(world.write(), rid, other, typed, by=lead, now=now)
    attach(world.session, rid, piece, other, by=lead, now=now)
    detach(world.session, rid, piece, other, by=lead, now=now)
    vouch(world.session, rid, open_.standard.id, name="Pat", post="Director", by=lead, now=now)
    world.session.commit()


def test_a_day_after_the_due_date_gives_more_time_and_the_new_signature_is_not_late(world: World, code: str) -> None:
    world.now = end_of(date(2003, 7, 15))  # the round is shut
    returned(world, code)
    audit_return = world.returns[code]
    assert audit_return.extended_to == end_of(UNTIL)
    assert save(world, code, edit_of(world, code, 1)).saved
    sign(world, code)
    late = select(is_late_clause(world.audit_round)).where(type(audit_return).id == audit_return.id)
    assert not world.session.scalar(late)


def test_a_day_before_the_due_date_takes_no_time_away(world: World, code: str) -> None:
    returned(world, code, until=date(2003, 5, 20))
    assert world.returns[code].extended_to is None


def test_an_extension_is_not_made_shorter(world: World, code: str) -> None:
    session = world.write()
    longer = end_of(UNTIL) + timedelta(days=30)
    audit_return = session.get_one(type(world.returns[code]), world.returns[code].id)
    audit_return.extended_to = longer
    session.commit()
    returned(world, code)
    assert world.returns[code].extended_to == longer


def test_the_agency_is_told_and_the_history_says_which_and_why(world: World, code: str) -> None:
    keys = returned(world, code)
    mails = world.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "returned")).all()
    assert {mail.user_id for mail in mails} == {world.people["signatory"].id, world.people["lead"].id}
    assert all(WHY not in mail.body for mail in mails)
    chain = list(history(world.session, events.chain_of(world.returns[code])))
    assert [event.verb for event in chain[-2:]] == ["return.reopened", "standards.returned"]
    assert chain[-1].data["standards"] == keys and WHY not in str(chain[-1].data)
    assert events.verify(chain) is None


def test_what_is_wrong_with_the_form(world: World, code: str) -> None:
    rid = world.returns[code].public_id
    key = world.work(code).sections[0].standard.id
    actor = world.actor("inspector")
    for reasons, until, fields in (
        ({}, UNTIL, ["standards"]), ({key: "  "}, UNTIL, [f"reason-{key}"]),
        ({key: "x" * 2001}, UNTIL, [f"reason-{key}"]),
        ({key: WHY}, date(2003, 5, 11), ["until"]), ({}, date(2003, 5, 11), ["standards", "until"]),
    ):  # fmt: skip
        with pytest.raises(CorrectionErrors) as wrong:
            return_for_correction(world.write(), rid, reasons, until=until, by=actor, now=world.now)
        assert list(wrong.value.errors) == fields
    with pytest.raises(NotFound):
        return_for_correction(world.write(), rid, {"no-such": WHY}, until=UNTIL, by=actor, now=world.now)
    world.session.rollback()
    assert world.session.scalars(select(ReturnedStandard)).all() == [] and world.returns[code].stage == "submitted"
    returned(world, code)
    with pytest.raises(NotPossible, match="not submitted at present"):
        returned(world, code)


@pytest.mark.parametrize("name", ["signatory", "lead", "board", "outsider", "coordinator", "administrator"])
def test_only_inspectors_of_this_agency_type_return_standards(world: World, code: str, name: str) -> None:
    with pytest.raises(NotFound):
        returned(world, code, by=name)


def test_what_a_correction_makes_necessary_elsewhere_can_be_answered() -> None:
    correction = Correction({"one": WHY}, frozenset({"two.3"}))
    assert correction.allows("one", "one.1") and correction.allows("two", "two.3")
    assert not correction.allows("two", "two.1") and not correction.allows("two")
    with pytest.raises(NotPossible):
        correction.check("two", "two.1")
