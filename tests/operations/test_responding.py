"""Recommendations that nobody responds to: who is reminded, who is not, and what inspectors read in the register."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import delete, select

from app.domain.recommended import RecommendedRegister
from app.models import MailPreference, OutboxMessage, Recommended, RecommendedStatus
from app.operations import mergers, reminders, responding
from app.operations.submissions import set_nil
from app.policy import Actor, Denied
from app.queries.recommended import recommended, standing_on
from app.queries.recommended_report import recommended_register, recommends
from reports.read import read
from reports.render import RenderFailed
from tests.operations.test_composing import joint, signed  # noqa: F401 (fixtures)
from tests.world import NOW, SYSTEM, World

DUE = date(2003, 12, 1)
LATER = NOW + timedelta(days=400)


def made(world: World, key: str, **more: object) -> Recommended:
    """A recommendation to the agencies of the first type, as a publication enters it."""
    row = Recommended(
        **{"round_id": world.audit_round.id, "key": key, "number": 1, "text": {"en": f"Do {key}."}, "made_at": NOW,
           "edition": 1, "due": DUE, "agency_type": next(iter(world.returns.values())).agency_type} | more
    )  # fmt: skip
    world.session.add(row)
    world.session.flush()
    return row


@pytest.fixture
def asked(world: World) -> dict[str, Recommended]:
    """A round in which things were recommended: to two types, to a body, with and without a day, one no more."""
    world.write().execute(delete(OutboxMessage))
    first, second = (one.agency_type for one in list(world.returns.values())[:2])
    rows = {
        "one": made(world, "one"), "two": made(world, "two", number=2),
        "undated": made(world, "undated", number=3, due=None),
        "other": made(world, "other", number=4, agency_type=second),
        "body": made(world, "body", number=5, agency_type="", oversight_body_id=world.body.id),
        "gone": made(world, "gone", number=1, withdrawn_in=2),
    }  # fmt: skip
    assert first != second
    world.session.commit()
    return rows


def respond(world: World, row: Recommended, by: str = "lead", **values: object) -> None:
    ret = next(iter(world.returns.values()))
    given: dict[str, object] = {"answer": "accepted", "progress": "done", "text": "We did.", "expected": None}
    actor = world.actor(by)
    responding.respond(
        world.write(), ret.public_id, row.public_id, by=actor, now=world.now, **given | values,  # type: ignore[arg-type]
    )
    world.session.commit()


def reminded(world: World, day: date) -> list[tuple[str, str]]:
    """Whom a run on a day reminds: the person, and how many recommendations wait as the mail says."""
    world.write()
    before = set(world.session.scalars(select(OutboxMessage.id)))
    reminders.remind(world.session, now=datetime.combine(day, NOW.timetz()))
    world.session.commit()
    of_reports = OutboxMessage.dedupe_key.startswith("response:")
    new = world.session.scalars(select(OutboxMessage).where(OutboxMessage.id.not_in(before), of_reports))
    return sorted((one.address.split("@")[0], one.body.split("response: ")[1][0]) for one in new)


def test_whoever_has_not_responded_is_reminded_once_for_each_day(world: World, asked: dict[str, Recommended]) -> None:
    second = list(world.returns.values())[1].agency_type
    other = f"signatory-{second}"
    assert reminded(world, NOW.date()) == []
    four_weeks = NOW.date() + timedelta(days=28)
    assert reminded(world, four_weeks) == [("lead", "1"), ("signatory", "1")], "what has no day"
    assert reminded(world, four_weeks) == []
    ten_before = date(2003, 11, 17)
    assert reminded(world, ten_before) == [("lead", "2"), ("signatory", "2"), (other, "1")], "two with the same day"
    mail = world.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc())).first()
    assert mail is not None and mail.kind == "feedback" and "1 December 2003" in mail.body
    assert "Do one" not in mail.body, "what is recommended is read after signing in"
    respond(world, asked["one"])
    respond(world, asked["undated"], answer="not_accepted", progress="")
    world.session.add(MailPreference(user_id=world.people["lead"].id, kind="feedback", wanted=False))
    world.session.commit()
    assert reminded(world, date(2003, 11, 24)) == [("signatory", "1"), (other, "1")]
    assert reminded(world, DUE + timedelta(days=1)) == [("signatory", "1"), (other, "1")], "its day has passed"
    respond(world, asked["two"], answer="partly")
    assert reminded(world, DUE + timedelta(days=29)) == [(other, "1")], "every four weeks, as long as it waits"
    # nobody waits for who has nothing to return, was merged, or whose round is over
    inspector = world.actor("inspector")
    ret = list(world.returns.values())[1]
    set_nil(world.write(), ret.public_id, reason="None.", by=inspector, now=world.now)
    world.session.commit()
    assert reminded(world, DUE + timedelta(days=57)) == []


def test_nobody_is_reminded_of_what_is_over_or_invented(world: World, asked: dict[str, Recommended]) -> None:
    day = DUE + timedelta(days=1)
    for values in ({"archived_at": NOW}, {"is_demonstration": True}):
        world.write()
        for name, value in values.items():
            setattr(world.audit_round, name, value)
        world.session.commit()
        assert reminded(world, day) == []
        for name in values:
            setattr(world.audit_round, name, None if name == "archived_at" else False)
        world.session.commit()
    assert len(reminded(world, day)) == 3


def seen(world: World, by: Actor) -> RecommendedRegister:
    world.session.rollback()
    found = recommended_register(world.session, world.audit_round, actor=by, now=LATER)
    assert found is not None
    return found


def test_the_register_counts_all_and_names_agencies_of_ones_own_types(joint: World) -> None:  # noqa: F811
    ret, *_some, last = joint.returns.values()
    joint.write()
    assert not recommends(joint.session, joint.audit_round)
    with pytest.raises(RenderFailed, match="No published report"):
        read(joint.session, "recommendations-register", joint.audit_round, None, actor=SYSTEM, now=NOW)
    mine = made(joint, "mine")
    other = made(joint, "other", number=2, agency_type=last.agency_type)
    body = made(joint, "body", number=3, agency_type="", oversight_body_id=joint.body.id)
    made(joint, "gone", number=1, withdrawn_in=2)
    joint.session.add(RecommendedStatus(recommended_id=body.id, state="done", note="They did.", at=NOW))
    joint.session.commit()
    respond(joint, mine, text="We know best.")
    joint.write().add(
        RecommendedStatus(recommended_id=mine.id, return_id=ret.id, state="under_way", note="Seen.", at=NOW)
    )
    joint.session.commit()
    own, others = seen(joint, joint.actor("inspector")), seen(joint, joint.actor("west"))
    # everybody counts the same
    for name in ("in_force", "withdrawn", "past", "responses", "standing", "by_addressee", "audit_round"):
        assert getattr(own, name) == getattr(others, name), name
    assert (own.in_force, own.withdrawn, own.past) == (3, 1, 2)
    assert own.responses.asked == 2 and own.responses.done == own.responses.given == 1
    assert own.agencies_waiting == 1
    # and each reads what single agencies of their own types say
    assert [one.is_counted_only for one in own.entries] == [False, True, False, False]
    assert [one.is_counted_only for one in others.entries] == [True, False, False, True]
    (said,) = own.entries[0].said
    assert (said.text, said.state, said.note, said.answer, said.progress) == (
        "We know best.", "under_way", "Seen.", "accepted", "done",
    )  # fmt: skip
    assert "We know best." not in others.model_dump_json() and ret.agency.name not in others.model_dump_json()
    assert [one.code for one in others.waiting] == [last.agency.code] and own.waiting == ()
    assert own.entries[2].said[0].note == others.entries[2].said[0].note == "They did."
    assert own.snapshot_id != others.snapshot_id == seen(joint, joint.actor("west")).snapshot_id
    for name in ("signatory", "lead", "outsider", "administrator"):
        with pytest.raises(Denied):
            recommended_register(joint.session, joint.audit_round, actor=joint.actor(name), now=LATER)
    # who has not responded is found on the page too
    for row, by, waiting in ((mine, "inspector", 0), (other, "west", 1)):
        rows, total = standing_on(
            joint.session, joint.audit_round, row, actor=joint.actor(by), page=1, size=9, waiting=True
        )
        assert (len(rows), total) == (waiting, waiting)


def test_agencies_that_are_no_more_are_no_addressees(world: World, asked: dict[str, Recommended]) -> None:
    first, second, third, *_more = world.returns.values()
    respond(world, asked["one"])
    inspector = world.actor("inspector")
    mergers.merge(
        world.write(), first.public_id, into=third.agency.code, merged_on=world.now.date(), reason="One.",
        by=inspector, now=world.now,
    )  # fmt: skip
    set_nil(world.session, second.public_id, reason="None.", by=inspector, now=world.now)
    world.session.commit()
    found = recommended(world.session, world.audit_round, actor=inspector, now=world.now)
    assert {one.total for one in found if one.row.agency_type} == {0}
    assert {one.responded for one in found} == {one.waiting for one in found} == {0}
    register = seen(world, inspector)
    assert register.responses.asked == 0 and register.waiting == () and register.by_addressee[0].addressed == 0
    assert reminded(world, DUE + timedelta(days=1)) == []
