"""Sharing a return out, on real databases: giving parts away, ready, accepted, sent back; appointments; links."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.life import NotPossible
from app.models import Appointment, Assignment, OutboxMessage, User
from app.operations import colleagues, events, links, people, sharing
from app.operations.answers import Edit, save_answers
from app.operations.settings import set_contributor_links
from app.operations.sign_in import ask_for_link, sign_in_by_link
from app.policy import Denied
from app.queries.returns import history
from app.queries.rounds import NotFound
from app.queries.sharing import assignable, get_share, returns_with_open_shares, shares, without_anybody
from app.queries.sharing import colleagues as colleagues_of
from app.queries.sign_in import by_link, usable_link
from tests.world import SYSTEM, World, build, complete_answer

DAY = date(2003, 5, 12)


@pytest.fixture
def code(world: World) -> str:
    """The first agency: the one with a signatory, a lead, a contributor and a board reader."""
    return next(iter(world.returns))


@pytest.fixture
def other(world: World) -> str:
    """Another agency: only its signatory is known."""
    return list(world.returns)[1]


def do(world: World, operation: Callable[..., Any], code: str, *args: Any, by: str = "lead", **named: Any) -> Any:
    """Call an operation on a return as somebody, and commit; undone where it raises."""
    actor = world.actor(by)
    try:
        done = operation(
            world.write(), world.returns[code].public_id, *args, by=actor, now=named.pop("now", world.now), **named
        )
        world.session.commit()
    except Exception:
        world.session.rollback()
        raise
    return done


def give(world: World, code: str, *parts: tuple[str, str], to: str = "contributor", by: str = "lead") -> list[str]:
    """Give parts to somebody; returns the public ids of all that they have, in the order of the questions."""
    person = world.people[to]
    do(world, sharing.assign, code, people=[person.public_id], parts=parts, by=by)
    found = shares(world.session, world.work(code), user_id=person.id)
    return [share.assignment.public_id for share in found]


def verbs(world: World, code: str) -> list[str]:
    """The verbs of the return's history; its chain must be whole."""
    world.session.rollback()
    chain = history(world.session, events.chain_of(world.returns[code]))
    assert events.verify(list(chain)) is None
    return [event.verb for event in chain]


def mails(world: World, kind: str) -> list[OutboxMessage]:
    world.session.rollback()
    return list(
        world.session.scalars(
            select(OutboxMessage).where(OutboxMessage.kind == kind).order_by(OutboxMessage.id)
        )
    )


def state(world: World, public_id: str) -> Assignment:
    world.session.rollback()
    return world.session.scalars(select(Assignment).where(Assignment.public_id == public_id)).one()


# --- giving parts away -----------------------------------------------------------------------------------------------


def test_parts_are_given_to_several_people_told_by_mail_and_recorded(world: World, code: str) -> None:
    first, second = world.work(code).sections[:2]
    single = second.items[1].criterion.id
    both = [world.people[name].public_id for name in ("contributor", "signatory")]
    made = do(
        world, sharing.assign, code, people=both, parts=[(first.standard.id, ""), (second.standard.id, single)]
    )
    assert made == 4
    found = shares(world.session, world.work(code))
    assert [(share.number, share.is_whole) for share in found] == [
        ("1", True), ("1", True), (second.items[1].number, False), (second.items[1].number, False),
    ]  # fmt: skip
    assert len(found[0].items) == len(first.items) and [item.criterion.id for item in found[2].items] == [single]
    sent = mails(world, "assignment")
    assert {mail.address for mail in sent} == {"contributor@agency.example", "signatory@agency.example"}
    assert str(len(first.items) + 1) in sent[0].body and world.audit_round.name in sent[0].subject
    assert verbs(world, code).count("assignment.made") == 2
    event = history(world.session, events.chain_of(world.returns[code]))[-1]
    assert "Contributor" not in str(event.data) and "Signatory" not in str(event.data), "names are texts"


def test_a_whole_standard_takes_in_single_questions_and_nothing_is_given_twice(world: World, code: str) -> None:
    standard = world.work(code).sections[0].standard.id
    criteria = [item.criterion.id for item in world.work(code).sections[0].items]
    assert len(give(world, code, (standard, criteria[0]), (standard, criteria[1]))) == 2
    assert len(give(world, code, (standard, ""), (standard, criteria[2]))) == 1
    with pytest.raises(NotPossible, match="have all of this already"):
        give(world, code, (standard, ""), (standard, criteria[0]))
    assert len(mails(world, "assignment")) == 2


@pytest.mark.parametrize("by", ["contributor", "board", "lead-inspector", "administrator", "signatory-health"])
def test_only_the_lead_and_the_signatory_share_out(world: World, code: str, by: str) -> None:
    """Everybody else gets the answer for a return that is not there."""
    if by not in world.people:
        by = next(name for name in world.people if name.startswith("signatory-"))
    standard = world.work(code).sections[0].standard.id
    with pytest.raises(NotFound):
        give(world, code, (standard, ""), by=by)
    assert give(world, code, (standard, ""), by="signatory")


def test_only_people_who_may_answer_get_parts(world: World, code: str) -> None:
    standard = world.work(code).sections[0].standard.id
    for name in ("board", "inspector", "outsider"):
        with pytest.raises(NotPossible, match="not appointed to answer"):
            give(world, code, (standard, ""), to=name)
    with pytest.raises(NotPossible, match="not asked any more"):
        give(world, code, (standard, "no-such-question"))
    with pytest.raises(NotPossible, match="not asked any more"):
        give(world, code, ("no-such-standard", ""))
    with pytest.raises(NotPossible, match="at least one standard"):
        do(world, sharing.assign, code, people=[world.people["contributor"].public_id], parts=[])
    with pytest.raises(NotPossible, match="at least one colleague"):
        do(world, sharing.assign, code, people=[], parts=[(standard, "")])
    names = [user.name for user in assignable(world.session, world.returns[code], now=world.now)]
    assert names == sorted(names, key=str.casefold) and len(names) == 3


def test_what_nobody_has_is_known(world: World, code: str) -> None:
    work = world.work(code)
    first, second = work.sections[:2]
    give(world, code, (first.standard.id, ""), (second.standard.id, second.items[0].criterion.id))
    left = without_anybody(work, shares(world.session, work))
    assert [section.standard.id for section in left] == [section.standard.id for section in work.sections[1:]]
    give(world, code, *((second.standard.id, item.criterion.id) for item in second.items[1:]), to="lead")
    left = without_anybody(work, shares(world.session, work))
    assert [section.standard.id for section in left] == [section.standard.id for section in work.sections[2:]]


def test_taking_a_part_away_keeps_the_answers(world: World, code: str) -> None:
    standard = world.work(code).sections[0].standard.id
    (mine,) = give(world, code, (standard, ""))
    world.answer(code, by="contributor", standards=1)
    before = world.work(code).complete
    with pytest.raises(NotFound):
        do(world, sharing.take_away, code, mine, by="contributor")
    do(world, sharing.take_away, code, mine)
    assert world.work(code).complete == before and before > 0
    assert shares(world.session, world.work(code)) == []
    assert verbs(world, code)[-1] == "assignment.taken_away"


# --- ready, accepted, sent back --------------------------------------------------------------------------------------


def test_ready_is_refused_while_a_required_question_is_not_finished(world: World, code: str) -> None:
    section = next(s for s in world.work(code).sections if all(item.required for item in s.items))
    (mine,) = give(world, code, (section.standard.id, ""))
    with pytest.raises(NotPossible) as refused:
        do(world, sharing.mark_ready, code, mine, by="contributor")
    assert all(item.number in str(refused.value) for item in section.items)
    assert state(world, mine).state == "open" and "assignment.ready" not in verbs(world, code)


def test_optional_questions_may_stay_unanswered(session: Session) -> None:
    world = build(session, pack_key="climbie-2003")  # the one with optional standards
    code = f"{next(iter(world.pack.agency_types))}-1"
    section, item = next((s, item) for s in world.work(code).sections for item in s.items if not item.required)
    (mine,) = give(world, code, (section.standard.id, item.criterion.id))
    share = get_share(world.session, world.work(code), mine)
    assert share.optional_left == list(share.items) and share.required_left == []
    do(world, sharing.mark_ready, code, mine, by="contributor")
    assert state(world, mine).state == "ready"


def test_ready_accepted_sent_back_and_ready_again(world: World, code: str) -> None:
    standard = world.work(code).sections[0].standard.id
    (mine,) = give(world, code, (standard, ""))
    with pytest.raises(NotPossible, match="has not said"):
        do(world, sharing.accept, code, mine)
    world.answer(code, by="contributor", standards=1)
    with pytest.raises(NotFound):
        do(world, sharing.mark_ready, code, mine, by="signatory")  # it is not theirs
    do(world, sharing.mark_ready, code, mine, by="contributor")
    assert [mail.address for mail in mails(world, "ready")] == ["lead@agency.example"]
    with pytest.raises(NotPossible, match="already"):
        do(world, sharing.mark_ready, code, mine, by="contributor")
    with pytest.raises(NotFound):
        do(world, sharing.accept, code, mine, by="contributor")
    with pytest.raises(NotPossible, match="what is still to be done"):
        do(world, sharing.send_back, code, mine, note="  ")
    do(world, sharing.send_back, code, mine, note="Say how many files.")
    row = state(world, mine)
    assert (row.state, row.note) == ("sent_back", "Say how many files.")
    (back,) = mails(world, "sent_back")
    assert back.address == "contributor@agency.example" and "how many files" not in back.subject + back.body
    do(world, sharing.mark_ready, code, mine, by="contributor")
    assert len(mails(world, "ready")) == 2
    do(world, sharing.accept, code, mine)
    row = state(world, mine)
    assert (row.state, row.note) == ("accepted", "")
    steps = [verb.partition(".")[2] for verb in verbs(world, code) if verb.startswith("assignment.")]
    assert steps == ["made", "ready", "sent_back", "ready", "accepted"]
    chain = history(world.session, events.chain_of(world.returns[code]))
    sent = next(event for event in chain if event.verb == "assignment.sent_back")
    assert "files" not in str(sent.data) and {text.name: text.text for text in sent.texts}["note"].startswith("Say")


def edit_first(world: World, code: str, by: str, words: str) -> None:
    """Change the first answer of the return."""
    item = world.work(code).items[0]
    raw = complete_answer(item.scheme) | {"commentary": words}
    actor = world.actor(by)
    edit = Edit(item.id, raw, item.answer.version, words)
    result = save_answers(world.write(), world.returns[code].public_id, [edit], by=actor, now=world.now)
    assert result.saved
    world.session.commit()


def test_an_edit_after_acceptance_puts_the_part_back_to_ready_and_says_so(world: World, code: str) -> None:
    section, second = world.work(code).sections[:2]
    mine, single, elsewhere = (
        *give(world, code, (section.standard.id, "")),
        *give(world, code, (section.standard.id, section.items[1].criterion.id), to="signatory"),
        give(world, code, (second.standard.id, ""))[1],
    )
    world.answer(code, by="contributor", standards=2)
    for part, by in ((mine, "contributor"), (single, "signatory"), (elsewhere, "contributor")):
        do(world, sharing.mark_ready, code, part, by=by)
        do(world, sharing.accept, code, part)
    edit_first(world, code, "lead", "The lead mends a word.")
    assert state(world, mine).state == "accepted", "the lead has seen what the lead wrote"
    edit_first(world, code, "contributor", "One more thing.")
    assert state(world, mine).state == "ready"
    assert state(world, single).state == "accepted", "another question"
    assert state(world, elsewhere).state == "accepted", "another standard"
    saved = history(world.session, events.chain_of(world.returns[code]))[-1]
    assert saved.data["to_accept_again"] == [section.standard.id]
    do(world, sharing.accept, code, mine)
    assert state(world, mine).state == "accepted"


def test_what_became_incomplete_cannot_be_accepted(world: World, code: str) -> None:
    standard = world.work(code).sections[0].standard.id
    (mine,) = give(world, code, (standard, ""))
    world.answer(code, by="contributor", standards=1)
    do(world, sharing.mark_ready, code, mine, by="contributor")
    item = world.work(code).items[0]
    actor = world.actor("contributor")
    save_answers(
        world.write(), world.returns[code].public_id, [Edit(item.id, {"grade": ""}, item.answer.version, "x")],
        by=actor, now=world.now,
    )  # fmt: skip
    world.session.commit()
    with pytest.raises(NotPossible, match=f"{item.number}.*Finish them first"):
        do(world, sharing.accept, code, mine)


# --- nudging ---------------------------------------------------------------------------------------------------------


def test_a_nudge_goes_out_once_a_day(world: World, code: str) -> None:
    first, second = (section.standard.id for section in world.work(code).sections[:2])
    give(world, code, (first, ""))
    person = world.people["contributor"].public_id
    do(world, sharing.nudge, code, person)
    for later in (timedelta(0), timedelta(hours=13)):
        with pytest.raises(NotPossible, match="today already"):
            do(world, sharing.nudge, code, person, now=world.now + later)
    assert len(mails(world, "nudge")) == 1
    give(world, code, (second, ""))
    do(world, sharing.nudge, code, person, now=world.now + timedelta(hours=1))  # for the new part
    do(world, sharing.nudge, code, person, now=world.now + timedelta(hours=16))  # the next day in London
    assert [mail.address for mail in mails(world, "nudge")] == ["contributor@agency.example"] * 3
    assert verbs(world, code).count("assignment.nudged") == 3


def test_nobody_is_nudged_for_nothing(world: World, code: str) -> None:
    standard = world.work(code).sections[0].standard.id
    with pytest.raises(NotFound):
        do(world, sharing.nudge, code, world.people["contributor"].public_id)
    (mine,) = give(world, code, (standard, ""))
    world.answer(code, by="contributor", standards=1)
    do(world, sharing.mark_ready, code, mine, by="contributor")
    with pytest.raises(NotPossible, match="nothing left to do"):
        do(world, sharing.nudge, code, world.people["contributor"].public_id)
    assert mails(world, "nudge") == []


def test_whoever_wants_no_nudges_gets_none_and_the_lead_is_told(world: World, code: str) -> None:
    from app.operations import mail

    standard = world.work(code).sections[0].standard.id
    give(world, code, (standard, ""))
    actor = world.actor("contributor")
    session = world.write()
    mail.choose(session, world.people["contributor"], wanted=["assignment"], by=actor, now=world.now)
    session.commit()
    with pytest.raises(NotPossible, match="Speak to them"):
        do(world, sharing.nudge, code, world.people["contributor"].public_id)
    assert mails(world, "nudge") == [] and "assignment.nudged" not in verbs(world, code)


# --- inviting and ending ---------------------------------------------------------------------------------------------


def invite(world: World, code: str, email: str, *, by: str = "lead", **named: Any) -> User:
    wanted: dict[str, Any] = {"name": "Ada Bell", "role": "contributor", "ends": None} | named
    user: User = do(world, colleagues.invite, code, email=email, by=by, **wanted)
    return user


def test_a_new_colleague_is_appointed_invited_and_can_have_parts(world: World, code: str) -> None:
    user = invite(world, code, "ada@agency.example", ends=DAY + timedelta(days=30))
    (held,) = world.session.scalars(select(Appointment).where(Appointment.user_id == user.id)).all()
    assert (held.role, held.starts, held.ends) == ("contributor", DAY, DAY + timedelta(days=30))
    mail = mails(world, "invitation")[-1]
    assert mail.address == "ada@agency.example" and "⟦invitation⟧" in mail.body
    assert verbs(world, code)[-1] == "person.invited"
    chain = history(world.session, events.chain_of(world.returns[code]))
    assert "Ada" not in str(chain[-1].data) and {text.name: text.text for text in chain[-1].texts} == {
        "name": "Ada Bell"
    }
    world.people["ada"] = user
    assert give(world, code, (world.work(code).sections[0].standard.id, ""), to="ada")
    with pytest.raises(NotPossible, match="already"):
        invite(world, code, "ada@agency.example")


@pytest.mark.parametrize("role", ["accountable_signatory", "inspector", "lead_inspector", "administrator", "nobody"])
def test_a_lead_appoints_nobody_who_signs_or_inspects(world: World, code: str, role: str) -> None:
    for by in ("lead", "signatory"):
        with pytest.raises(NotPossible, match="contributors, board readers and audit leads"):
            invite(world, code, "ada@agency.example", role=role, by=by)
    assert world.session.scalar(select(User).where(User.email == "ada@agency.example")) is None


def test_others_invite_nobody(world: World, code: str, other: str) -> None:
    for by in ("contributor", "board", "inspector", "administrator"):
        with pytest.raises(NotFound):
            invite(world, code, "ada@agency.example", by=by)
    with pytest.raises(NotFound):
        invite(world, other, "ada@agency.example", by="lead")
    with pytest.raises(NotPossible, match="today or later"):
        invite(world, code, "ada@agency.example", ends=DAY - timedelta(days=1))


def test_appointments_are_ended_by_those_who_may(world: World, code: str, other: str) -> None:
    ids = {
        one.role: one.public_id
        for one in world.session.scalars(
            select(Appointment).where(Appointment.agency_id == world.returns[code].agency_id)
        )
    }
    with pytest.raises(NotPossible, match="administrator"):
        do(world, colleagues.end, code, ids["accountable_signatory"], ends=DAY)
    with pytest.raises(NotPossible, match="accountable signatory can end"):
        do(world, colleagues.end, code, ids["audit_lead"], ends=DAY)
    with pytest.raises(NotFound):
        do(world, colleagues.end, code, ids["contributor"], ends=DAY, by="board")
    foreign = world.session.scalars(
        select(Appointment.public_id).where(Appointment.agency_id == world.returns[other].agency_id)
    ).first()
    with pytest.raises(NotFound):
        do(world, colleagues.end, code, foreign, ends=DAY)
    with pytest.raises(NotPossible, match="yesterday or a later day"):
        do(world, colleagues.end, code, ids["contributor"], ends=DAY - timedelta(days=2), now=world.now)
    do(world, colleagues.end, code, ids["contributor"], ends=DAY)
    assert world.actor("contributor").held, "the last day counts"
    world.now += timedelta(days=1)
    assert world.actor("contributor").held == ()
    do(world, colleagues.end, code, ids["audit_lead"], ends=DAY + timedelta(days=1), by="signatory")
    assert verbs(world, code)[-2:] == ["person.ended", "person.ended"]
    standing = {one.appointment.role: one.standing for one in colleagues_of(
        world.session, world.returns[code], now=world.now + timedelta(days=1))}  # fmt: skip
    assert standing == {
        "accountable_signatory": "now", "board_reader": "now", "contributor": "over", "audit_lead": "over",
    }  # fmt: skip


def test_cover_has_days_and_only_the_signatory_names_it(world: World, code: str) -> None:
    wanted: dict[str, Any] = {"email": "dee@agency.example", "name": "Dee Kent", "post": "Deputy"}
    week = {"starts": DAY + timedelta(days=7), "ends": DAY + timedelta(days=14)}
    for by in ("lead", "contributor", "board", "lead-inspector", "administrator"):
        with pytest.raises(NotFound):
            do(world, colleagues.name_cover, code, **wanted, **week, by=by)
    for wrong, told in (
        ({"starts": DAY - timedelta(days=1)}, "today or later"),
        ({"ends": DAY + timedelta(days=6)}, "first day or later"),
        ({"ends": DAY + timedelta(days=7 + 367)}, "a year at most"),
        ({"email": "signatory@agency.example"}, "sign yourself"),
    ):
        with pytest.raises(NotPossible, match=told):
            do(world, colleagues.name_cover, code, **(wanted | week | wrong), by="signatory")
    user = do(world, colleagues.name_cover, code, **wanted, **week, by="signatory")
    world.people["dee"] = user
    assert world.actor("dee").held == ()
    with pytest.raises(NotPossible, match="already"):
        do(world, colleagues.name_cover, code, **wanted, **week, by="signatory")
    world.now += timedelta(days=10)
    (held,) = world.actor("dee").held
    assert (held.role, held.acting, held.post) == ("accountable_signatory", True, "Deputy")
    with pytest.raises(NotFound):  # whoever covers names no further cover
        do(world, colleagues.name_cover, code, **(wanted | {"email": "eve@agency.example"}),
           starts=DAY + timedelta(days=11), ends=DAY + timedelta(days=12), by="dee")  # fmt: skip
    world.now += timedelta(days=5)
    assert world.actor("dee").held == ()


def test_cover_that_has_not_begun_is_called_off(world: World, code: str) -> None:
    user = do(
        world, colleagues.name_cover, code, email="dee@agency.example", name="Dee", post="",
        starts=DAY + timedelta(days=7), ends=DAY + timedelta(days=9), by="signatory",
    )  # fmt: skip
    (held,) = world.session.scalars(select(Appointment).where(Appointment.user_id == user.id)).all()
    with pytest.raises(NotPossible, match="Only the accountable signatory"):
        do(world, colleagues.end, code, held.public_id, ends=DAY)
    do(world, colleagues.end, code, held.public_id, ends=DAY, by="signatory")
    assert world.session.scalars(select(Appointment).where(Appointment.user_id == user.id)).all() == []
    assert verbs(world, code)[-1] == "person.called_off"


def test_an_administrator_names_no_open_ended_cover_either(world: World, code: str) -> None:
    with pytest.raises(NotPossible, match="give the last day"):
        people.add_person(
            world.write(), email="dee@agency.example", name="Dee", role="accountable_signatory", body_code=code,
            post="", starts=DAY, ends=None, acting=True, by=SYSTEM, now=world.now,
        )  # fmt: skip


# --- links -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def links_on(world: World) -> World:
    """The world, in which contributors and board readers sign in by links."""
    assert set_contributor_links(world.write(), True, by=SYSTEM, now=world.now)
    world.session.commit()
    return world


def make(world: World, user: User) -> str:
    token = links.make(world.write(), user, "sign_in", now=world.now)
    world.session.commit()
    return token


def test_only_an_administrator_switches_links(world: World) -> None:
    for name in ("lead", "lead-inspector", "contributor"):
        with pytest.raises(Denied):
            set_contributor_links(world.write(), True, by=world.actor(name), now=world.now)
    assert set_contributor_links(world.write(), True, by=world.actor("administrator"), now=world.now)
    assert not set_contributor_links(world.session, True, by=world.actor("administrator"), now=world.now)


def test_links_are_for_those_who_decide_nothing(links_on: World) -> None:
    everybody = list(links_on.people.values())
    allowed = by_link(links_on.session, everybody, now=links_on.now)
    assert {name for name, user in links_on.people.items() if user.id in allowed} == {"contributor", "board"}


def test_a_link_works_once_until_it_expires_and_while_the_setting_is_on(links_on: World, code: str) -> None:
    world, user = links_on, links_on.people["contributor"]
    token = make(world, user)
    assert usable_link(world.session, token, now=world.now) is not None
    assert usable_link(world.session, token, now=world.now + timedelta(days=14)) is None
    assert usable_link(world.session, "x" * 43, now=world.now) is None
    set_contributor_links(world.write(), False, by=SYSTEM, now=world.now)
    assert sign_in_by_link(world.session, token, now=world.now) is None
    set_contributor_links(world.session, True, by=SYSTEM, now=world.now)
    assert sign_in_by_link(world.session, token, now=world.now) is user
    assert sign_in_by_link(world.session, token, now=world.now) is None


def test_a_link_ends_with_the_appointment_and_with_a_greater_role(links_on: World, code: str) -> None:
    world, user = links_on, links_on.people["contributor"]
    held = world.session.scalars(select(Appointment).where(Appointment.user_id == user.id)).one()
    token = make(world, user)
    do(world, colleagues.end, code, held.public_id, ends=DAY - timedelta(days=0))
    assert usable_link(world.session, token, now=world.now + timedelta(days=1)) is None
    before = world.people["board"].fs_uniquifier
    token = make(world, world.people["board"])
    invite(world, code, "board@agency.example", role="audit_lead")
    assert usable_link(world.session, token, now=world.now) is None
    assert world.people["board"].fs_uniquifier != before, "invitations and sign-ins of before end too"


def test_whoever_hands_a_link_out_sees_only_what_opens_their_own_agency(links_on: World, code: str, other: str) -> None:
    world = links_on
    user = invite(world, code, "ada@agency.example")
    person, token = do(world, colleagues.hand_out, code, user.public_id)
    assert person.id == user.id and usable_link(world.session, token, now=world.now) is not None
    assert verbs(world, code)[-1] == "person.link_handed_out"
    before = user.fs_uniquifier
    # the other agency asks her too: no lead may see a link of hers any more, and the one that was seen is dead
    theirs = next(name for name in world.people if name.startswith("signatory-"))
    invite(world, other, "ada@agency.example", by=theirs)
    world.session.refresh(user)
    assert usable_link(world.session, token, now=world.now) is None and user.fs_uniquifier != before
    for where, by in ((code, "lead"), (other, theirs)):
        with pytest.raises(NotPossible, match="opens more than your agency"):
            do(world, colleagues.hand_out, where, user.public_id, by=by)


@pytest.mark.parametrize("name", ["signatory", "inspector", "coordinator"])
def test_a_link_of_who_signs_or_inspects_is_never_handed_out(world: World, code: str, name: str) -> None:
    """They have not joined either, but their link would open more than the lead may."""
    before = world.people[name].fs_uniquifier
    if name != "signatory":
        invite(world, code, f"{name}@agency.example")
        world.session.refresh(world.people[name])
        assert world.people[name].fs_uniquifier == before, "the link that their own body handed out still works"
    with pytest.raises(NotPossible, match="opens more than your agency"):
        do(world, colleagues.hand_out, code, world.people[name].public_id)


def test_a_link_seen_before_does_not_open_a_later_greater_role(world: World, code: str) -> None:
    """A lead who once handed out a joining link could otherwise join as the signatory's cover, and sign."""
    user = invite(world, code, "ada@agency.example")
    do(world, colleagues.hand_out, code, user.public_id)
    before = user.fs_uniquifier
    do(world, colleagues.name_cover, code, email="ada@agency.example", name="", post="",
       starts=DAY, ends=DAY, by="signatory")  # fmt: skip
    world.session.refresh(user)
    assert user.fs_uniquifier != before
    assert mails(world, "invitation")[-1].address == "ada@agency.example"
    with pytest.raises(NotPossible, match="opens more than your agency"):
        do(world, colleagues.hand_out, code, user.public_id)


def test_who_has_joined_needs_nobody_to_hand_them_a_link(links_on: World, code: str) -> None:
    world = links_on
    user = invite(world, code, "ada@agency.example")
    _person, token = do(world, colleagues.hand_out, code, user.public_id)
    assert sign_in_by_link(world.write(), token, now=world.now) is not None
    world.session.commit()
    with pytest.raises(NotPossible, match="has joined already"):
        do(world, colleagues.hand_out, code, user.public_id)
    people_events = history(world.session, "service:people")
    assert people_events[-1].verb == "person.joined" and people_events[-1].data["by"] == "link"


def test_asking_for_a_link_mails_what_lets_each_person_in(links_on: World) -> None:
    world = links_on
    session = world.write()
    world.people["lead"].password = "a hash"
    world.people["contributor"].active = True
    for email in (
        "contributor@agency.example", "Contributor@Agency.Example", "lead@agency.example", "signatory@agency.example",
        "nobody@agency.example",
    ):  # fmt: skip
        ask_for_link(session, email, now=world.now)
    session.commit()
    sent = {mail.address: mail.body for mail in mails(world, "sign_in_link")}
    assert set(sent) == {"contributor@agency.example", "lead@agency.example", "signatory@agency.example"}
    assert "⟦sign_in_now⟧" in sent["contributor@agency.example"]
    assert "⟦/sign-in⟧" in sent["lead@agency.example"] and "⟦sign_in_now⟧" not in sent["lead@agency.example"]
    assert "⟦invitation⟧" in sent["signatory@agency.example"]


def test_home_knows_whose_turn_it_is(world: World, code: str) -> None:
    standard = world.work(code).sections[0].standard.id
    assert returns_with_open_shares(world.session, actor=world.actor("contributor")) == []
    (mine,) = give(world, code, (standard, ""))
    assert returns_with_open_shares(world.session, actor=world.actor("contributor")) == [world.returns[code]]
    assert returns_with_open_shares(world.session, actor=world.actor("lead")) == []
    world.answer(code, by="contributor", standards=1)
    do(world, sharing.mark_ready, code, mine, by="contributor")
    assert returns_with_open_shares(world.session, actor=world.actor("contributor")) == []
