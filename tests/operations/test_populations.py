"""Agencies and their signatories: what a lead inspector may change, and what only an administrator may."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.models import Agency, Appointment, OversightBody, RoundTemplate, User
from app.operations import agencies, people, rounds
from app.operations.agencies import ImportFailed, parse_lines
from app.policy import Denied
from app.queries.rounds import invitees
from tests.world import SYSTEM, World, pack


def add(world: World, text: str, by: str = "lead-inspector"):  # type: ignore[no-untyped-def]
    parsed = parse_lines(text, world.pack.agency_types)
    assert parsed.problems == []
    actor = world.actor(by)
    count = rounds.add_entries(
        world.write(), world.audit_round.public_id, parsed.entries, by=actor, now=world.now
    )
    world.session.commit()
    return count


def test_thirty_pasted_agencies_come_with_their_signatories(world: World) -> None:
    kinds = list(world.pack.agency_types)
    lines = [f"Pasted agency {n}, {kinds[n % len(kinds)]}, chief{n}@pasted.example" for n in range(30)]
    assert add(world, "\n".join(lines)) == 30
    assert add(world, "\n".join(lines)) == 0, "pasting the same again adds nothing"
    emails = set(world.session.scalars(select(User.email).where(User.email.like("%@pasted.example"))))
    assert len(emails) == 30
    people = invitees(world.session, world.audit_round, actor=world.actor("lead-inspector"), now=world.now)
    assert sum(1 for one in people if one.is_ours and not one.can_sign_in) >= 30


@pytest.mark.parametrize("hidden", ["\u202e", "\u200f", "\u2066", "\u200b", "\x1b"])
def test_names_with_characters_that_nobody_sees_are_refused_by_line(hidden: str) -> None:
    types = pack("section-11-2024").agency_types
    kind = next(iter(types))
    parsed = parse_lines(f"Seen, {kind}, a@seen.example\nUn{hidden}seen, {kind}, b@seen.example", types)
    assert [entry.name for entry in parsed.entries] == ["Seen"]
    assert [problem.line for problem in parsed.problems] == [2]
    assert "cannot be seen" in str(parsed.problems[0].message)


def test_a_lead_inspector_cannot_put_a_stranger_over_an_agency_that_has_a_signatory(world: World) -> None:
    agency = next(iter(world.returns.values())).agency
    kind = agency.agency_type
    with pytest.raises(ImportFailed, match="another signatory already"):
        add(world, f"{agency.name}, {kind}, stranger@elsewhere.example")
    world.session.rollback()
    assert world.session.scalar(select(User.id).where(User.email == "stranger@elsewhere.example")) is None


def test_a_lead_inspector_cannot_rename_a_known_agency_and_an_administrator_can(world: World) -> None:
    agency = next(iter(world.returns.values())).agency
    old, code, kind = agency.name, agency.code, agency.agency_type
    text = f"code,name,type\n{code},Renamed,{kind}\n"
    parsed = agencies.parse_csv(text, world.pack.agency_types)
    inspector = world.actor("lead-inspector")
    session = world.write()
    rounds.add_entries(session, world.audit_round.public_id, parsed.entries, by=inspector, now=world.now)
    session.commit()
    assert session.scalar(select(Agency.name).where(Agency.code == code)) == old
    administrator = world.actor("administrator")
    agencies.import_csv(world.write(), text, world.pack.agency_types, by=administrator, now=world.now)
    world.session.commit()
    assert world.session.scalar(select(Agency.name).where(Agency.code == code)) == "Renamed"


def test_the_link_of_somebody_with_another_appointment_is_not_ours_to_hand_out(world: World) -> None:
    add(world, "Joint agency, " + next(iter(world.pack.agency_types)) + ", joint@pasted.example")

    def ours() -> bool:
        world.session.rollback()
        people = invitees(
            world.session, world.audit_round, actor=world.actor("lead-inspector"), now=world.now
        )
        return next(one.is_ours for one in people if one.email == "joint@pasted.example")

    assert ours()
    user = world.session.scalars(select(User).where(User.email == "joint@pasted.example")).one()
    session = world.write()
    session.add(Appointment(user_id=user.id, role="administrator", starts=world.now.date()))
    session.commit()
    assert not ours()
    every = invitees(world.session, world.audit_round, actor=SYSTEM, now=world.now)
    assert all(one.is_ours for one in every)


def test_in_a_joint_round_a_body_invites_the_people_of_its_own_agency_types(world: World) -> None:
    session = world.write()
    south = session.scalars(select(OversightBody).where(OversightBody.code == "south")).one()
    last = list(world.returns.values())[-1]
    served = session.scalars(select(RoundTemplate).where(RoundTemplate.agency_type == last.agency_type)).one()
    served.oversight_body_id = south.id
    session.commit()
    world.session.expire_all()

    def types(name: str) -> set[int]:
        people = invitees(world.session, world.audit_round, actor=world.actor(name), now=world.now)
        return {one.agency_id for one in people}

    assert types("outsider") == {last.agency_id}
    assert types("lead-inspector") == {row.agency_id for row in world.returns.values()}, "it runs the round"


def test_who_forgot_the_password_is_invited_anew_by_an_administrator_only(world: World) -> None:
    user = world.people["signatory"]
    user_email, lead = user.email, world.actor("lead-inspector")
    session = world.write()
    user.password = "a hash"
    session.flush()
    before = user.fs_uniquifier
    with pytest.raises(Denied):
        people.invite_again(session, user_email, by=lead, now=world.now)
    people.invite_again(session, user_email, by=world.actor("administrator"), now=world.now)
    assert user.password is None and user.fs_uniquifier != before, "old password and old sign-ins end"
