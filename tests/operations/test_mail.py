"""Writing mails: in the transaction of what they tell of, to whom, once, in whose language, and without secrets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import end_of
from app.domain.life import NotPossible
from app.domain.mail import fill, page, secrets_in
from app.domain.message import Message
from app.models import Appointment, Assignment, Event, MailPreference, OutboxMessage, Setting, User
from app.operations import links, mail, people, rounds
from app.operations.submissions import extend, reopen
from app.queries.links import find
from app.queries.sign_in import CONTRIBUTOR_LINKS
from tests.operations.test_at_once import together  # noqa: F401 (a fixture)
from tests.operations.test_returns import sign
from tests.world import NOW, SYSTEM, World


def outbox(world: World, **narrowed: object) -> list[OutboxMessage]:
    """The messages with these values, as they are stored."""
    world.session.rollback()
    return list(
        world.session.scalars(select(OutboxMessage).filter_by(**narrowed).order_by(OutboxMessage.id))
    )


def note(world: World, name: str, key: str, **more: Any) -> bool:
    """Queue something small for somebody."""
    given: dict[str, Any] = {"kind": "nudge", "link": page("/here"), **more}
    return mail.queue(
        world.session, to=world.people[name], subject=Message("About %(what)s", {"what": "it"}),
        body=[Message("First.")], dedupe_key=key, now=NOW, **given,
    )  # fmt: skip


@pytest.fixture
def quiet(world: World) -> World:
    """The world with an empty outbox."""
    world.write().execute(sa.delete(OutboxMessage))
    world.session.commit()
    return world


def test_a_mail_is_written_in_the_transaction_of_its_cause(quiet: World) -> None:
    quiet.write()
    assert note(quiet, "lead", "one")
    quiet.session.rollback()
    assert outbox(quiet) == [], "what is rolled back tells nobody anything"
    quiet.write()
    assert note(quiet, "lead", "one")
    quiet.session.commit()
    (message,) = outbox(quiet)
    assert (message.address, message.subject, message.state) == ("lead@agency.example", "About it", "waiting")
    assert message.body.startswith("Dear Lead,\n\nFirst.\n\n⟦/here⟧\n\n–\n\n")
    assert "⟦/account/mail⟧" in message.body and message.next_try == NOW


def test_the_same_mail_is_written_once(quiet: World, together: Callable[..., list[Any]]) -> None:  # noqa: F811
    quiet.write()
    assert note(quiet, "lead", "one")
    assert not note(quiet, "lead", "one")
    quiet.session.commit()
    user_id = quiet.people["lead"].id
    quiet.session.rollback()

    def again(session: Session) -> bool:
        user = session.get_one(User, user_id)
        return mail.queue(
            session, to=user, kind="nudge", subject=Message("x"), body=[], dedupe_key="two", now=NOW
        )

    assert sorted(map(str, together(again, again, again))) == ["False", "False", "True"]
    assert len(outbox(quiet)) == 2


def test_each_person_chooses_and_some_mails_come_in_any_case(quiet: World) -> None:
    lead = quiet.people["lead"]
    actor = quiet.actor("lead")
    mail.choose(quiet.write(), lead, wanted={"reminder"}, by=actor, now=NOW)
    assert not note(quiet, "lead", "one")
    assert note(quiet, "lead", "two", kind="reminder")
    assert note(quiet, "lead", "three", kind="password")
    assert note(quiet, "lead", "four", kind="receipt", always=True)
    assert note(quiet, "contributor", "five")
    mail.choose(quiet.session, lead, wanted={"nudge"}, by=actor, now=NOW)
    assert note(quiet, "lead", "six") and not note(quiet, "lead", "seven", kind="reminder")
    quiet.session.commit()
    assert quiet.session.scalar(select(sa.func.count()).select_from(MailPreference)) == len(
        [kind for kind in mail.KINDS if kind not in mail.ALWAYS_SENT]
    )
    with pytest.raises(NotPossible):
        mail.choose(quiet.write(), lead, wanted=set(), by=quiet.actor("contributor"), now=NOW)
    with pytest.raises(ValueError, match="no kind"):
        note(quiet, "lead", "eight", kind="gossip")


def test_nobody_without_an_account_in_use_is_written_to(quiet: World) -> None:
    quiet.write()
    quiet.people["lead"].active = False
    assert not note(quiet, "lead", "one", kind="password")


def test_texts_that_people_wrote_make_no_links_and_no_lines_in_the_subject(quiet: World) -> None:
    quiet.write()
    evil = "A⟦password⟧B\nBcc: x@y.example"
    mail.queue(
        quiet.session, to=quiet.people["lead"], kind="nudge", subject=Message("On %(x)s", {"x": evil}),
        body=[Message("%(x)s", {"x": evil})], dedupe_key="one", now=NOW,
    )  # fmt: skip
    quiet.session.commit()
    (message,) = outbox(quiet)
    assert message.subject == "On A[password]B Bcc: x@y.example"
    assert not secrets_in(message.body)


def test_words_and_dates_are_in_the_readers_language(quiet: World) -> None:
    quiet.write()
    quiet.people["lead"].language = "cy"
    for name in ("lead", "contributor"):
        mail.queue(
            quiet.session, to=quiet.people[name], kind="nudge", dedupe_key=name, now=NOW,
            subject=Message("%(x)s, %(day)s", {"x": {"en": "one", "cy": "un"}, "day": date(2003, 6, 16)}),
            body=[Message("%(at)s", {"at": datetime(2003, 6, 15, 23, 30, tzinfo=UTC)})],
        )  # fmt: skip
    quiet.session.commit()
    welsh, english = outbox(quiet)
    assert welsh.subject == "un, 16 Mehefin 2003" and english.subject == "one, 16 June 2003"
    assert "16 Mehefin 2003" in welsh.body and "16 June 2003" in english.body, "an instant is its day in London"


def test_opening_a_round_invites_those_who_answer_for_each_agency(world: World) -> None:
    code = next(iter(world.returns))
    found = outbox(world, return_id=world.returns[code].id)
    assert {one.address for one in found} == {"signatory@agency.example", "lead@agency.example"}
    for one in found:
        assert secrets_in(one.body) == {"invitation"}, "nobody has a password yet"
        assert "16 June 2003" in one.body and world.audit_round.name in one.subject
    others = outbox(world, kind="invitation")
    assert len({one.return_id for one in others if one.return_id}) == len(world.returns)
    appointed = [one.address for one in others if one.return_id is None]
    assert "coordinator@agency.example" in appointed and "lead@agency.example" in appointed
    assert len(appointed) == len(set(appointed))


def test_an_agency_that_is_added_later_is_invited_then(quiet: World) -> None:
    types = next(iter(quiet.pack.agency_types))
    entry = f"code,name,type,email\nnew-1,New agency,{types},new@agency.example\n"
    from app.operations import agencies

    agencies.import_csv(quiet.write(), entry, quiet.pack.agency_types, by=SYSTEM, now=NOW)
    ids = [quiet.session.scalars(select(agencies.Agency.public_id).filter_by(code="new-1")).one()]
    rounds.add_agencies(quiet.session, quiet.audit_round.public_id, ids, by=SYSTEM, now=NOW)
    quiet.session.commit()
    assert [one.address for one in outbox(quiet)] == ["new@agency.example"]


def test_somebody_who_has_joined_is_led_to_the_page_itself(quiet: World) -> None:
    quiet.write()
    lead, helper = quiet.people["lead"], quiet.people["contributor"]
    lead.password = "x"
    assert mail.way_in(lead, "/a") == page("/a")
    assert mail.way_in(helper, "/a") == mail.INVITATION
    assert mail.way_in(helper, "/a", by_link=True) == mail.SIGN_IN


def test_the_receipt_goes_to_the_signatory_always_and_to_the_leads(quiet: World) -> None:
    code = next(iter(quiet.returns))
    quiet.answer(code)
    for name in ("signatory", "lead"):
        mail.choose(quiet.write(), quiet.people[name], wanted=set(), by=quiet.actor(name), now=NOW)
        quiet.session.commit()
    submission = sign(quiet, code)
    (receipt,) = outbox(quiet)
    assert receipt.address == "signatory@agency.example" and receipt.kind == "receipt"
    assert submission.content_hash in receipt.body and submission.declaration.submission_hash in receipt.body
    assert f"⟦/returns/{quiet.returns[code].public_id}/receipt⟧" in receipt.body


def test_who_reopens_tells_the_agency_but_not_why(quiet: World) -> None:
    code = next(iter(quiet.returns))
    quiet.answer(code)
    sign(quiet, code)
    reopen(
        quiet.write(), quiet.returns[code].public_id, reason="Question 3 names a child.",
        by=quiet.actor("inspector"), now=NOW,
    )  # fmt: skip
    quiet.session.commit()
    found = outbox(quiet, kind="returned")
    assert {one.address for one in found} == {"signatory@agency.example", "lead@agency.example"}
    assert all("names a child" not in one.body and "sign in to read it" in one.body for one in found)


def test_a_changed_password_is_told_to_its_owner(quiet: World) -> None:
    lead = quiet.people["lead"]
    people.set_password(quiet.write(), lead, "first", by=quiet.actor("lead"), now=NOW)
    quiet.session.commit()
    assert outbox(quiet) == [], "who has just joined knows"
    people.set_password(quiet.write(), lead, "second", by=quiet.actor("lead"), now=NOW)
    quiet.session.commit()
    (told,) = outbox(quiet)
    assert told.subject == "Your password was changed" and "12 May 2003" in told.body


# --- reminders -------------------------------------------------------------------------------------------------------


def at(day: date) -> datetime:
    """Nine o'clock on a day."""
    return datetime.combine(day, NOW.timetz())


def reminded(world: World, day: date) -> list[str]:
    """Whom a run on this day reminds, of the first agency."""
    before = {one.id for one in outbox(world, kind="reminder")}
    mail.remind(world.write(), now=at(day))
    world.session.commit()
    own = world.returns[next(iter(world.returns))].id
    new = [one for one in outbox(world, kind="reminder", return_id=own) if one.id not in before]
    return sorted(one.address.split("@")[0] for one in new)


def test_reminders_come_on_their_days_and_never_twice(quiet: World) -> None:
    """The round is due on Monday 16 June 2003."""
    days = [date(2003, 5, 12) + timedelta(days=ahead) for ahead in range(50)]
    told = {}
    for day in days:
        first, second = reminded(quiet, day), reminded(quiet, day)
        assert second == []
        if first:
            told[day] = first
    assert list(told) == [date(2003, 6, 2), date(2003, 6, 9), date(2003, 6, 13)]
    assert set(map(tuple, told.values())) == {("lead", "signatory")}
    bodies = [one.body for one in outbox(quiet, kind="reminder")]
    assert sum("Business days left: 10." in body for body in bodies) == 2 * 1 + len(quiet.returns) - 1
    assert all("Questions finished: 0 of " in body for body in bodies)


def test_a_standstill_is_caught_up_and_an_old_reminder_is_not(quiet: World) -> None:
    assert reminded(quiet, date(2003, 6, 5)) == ["lead", "signatory"]  # three days after the day of the first
    assert reminded(quiet, date(2003, 6, 6)) == []
    assert reminded(quiet, date(2003, 6, 15)) == ["lead", "signatory"], "the weekend before the deadline"
    assert reminded(quiet, date(2003, 6, 16)) == []
    assert reminded(quiet, date(2003, 6, 17)) == []


def test_whoever_was_just_invited_is_not_reminded_at_once(world: World) -> None:
    """The agencies of the world were invited on 12 May, five business days before 19 May."""
    world.write()
    world.audit_round.due = end_of(date(2003, 5, 19))
    world.session.commit()
    assert reminded(world, date(2003, 5, 12)) == reminded(world, date(2003, 5, 15)) == []
    assert reminded(world, date(2003, 5, 16)) == ["lead", "signatory"], "the last reminder comes"


def test_an_extension_moves_the_reminders(quiet: World) -> None:
    code = next(iter(quiet.returns))
    assert reminded(quiet, date(2003, 6, 13)) == ["lead", "signatory"]
    extend(
        quiet.write(), quiet.returns[code].public_id, to=end_of(date(2003, 6, 30)), by=quiet.actor("inspector"),
        now=at(date(2003, 6, 13)),
    )  # fmt: skip
    quiet.session.commit()
    assert reminded(quiet, date(2003, 6, 17)) == ["lead", "signatory"], "ten business days before the new deadline"
    message = outbox(quiet, kind="reminder")[-1]
    assert "30 June 2003" in message.body


def test_whoever_has_an_open_share_is_reminded_too(quiet: World) -> None:
    code = next(iter(quiet.returns))
    audit_return, helper = quiet.returns[code], quiet.people["contributor"]

    def share(state: str) -> None:
        quiet.write().execute(sa.delete(Assignment))
        quiet.session.add(
            Assignment(
                return_id=audit_return.id, standard="s", user_id=helper.id, assigned_at=NOW, state=state, state_at=NOW
            )
        )
        quiet.session.commit()

    share("open")
    assert reminded(quiet, date(2003, 6, 2)) == ["contributor", "lead", "signatory"]
    share("ready")
    assert reminded(quiet, date(2003, 6, 9)) == ["lead", "signatory"]
    share("sent_back")
    held = quiet.write().scalars(select(Appointment).filter_by(user_id=helper.id)).one()
    held.ends = date(2003, 6, 12)
    quiet.session.commit()
    assert reminded(quiet, date(2003, 6, 13)) == ["lead", "signatory"], "they have left the agency"


def test_whoever_signs_in_by_links_gets_one(quiet: World) -> None:
    audit_return, helper = next(iter(quiet.returns.values())), quiet.people["contributor"]
    quiet.write().add(Setting(key=CONTRIBUTOR_LINKS, value={"on": True}))
    quiet.session.add(
        Assignment(
            return_id=audit_return.id, standard="s", user_id=helper.id, assigned_at=NOW, state="open", state_at=NOW
        )
    )
    quiet.session.commit()
    assert reminded(quiet, date(2003, 6, 2)) == ["contributor", "lead", "signatory"]
    ways = {one.address.split("@")[0]: secrets_in(one.body) for one in outbox(quiet, return_id=audit_return.id)}
    assert ways == {"contributor": {"sign_in"}, "lead": {"invitation"}, "signatory": {"invitation"}}
    for name, way in (("contributor", "sign_in"), ("lead", "invitation")):
        assert mail.invite(quiet.write(), quiet.people[name], dedupe_key=name, now=NOW)
        quiet.session.commit()
        assert secrets_in(outbox(quiet, dedupe_key=name)[0].body) == {way}


def test_who_has_submitted_is_left_in_peace_and_a_demonstration_too(quiet: World) -> None:
    code = next(iter(quiet.returns))
    quiet.answer(code)
    sign(quiet, code)
    assert reminded(quiet, date(2003, 6, 2)) == []
    assert len(outbox(quiet, kind="reminder")) == len(quiet.returns) - 1
    quiet.write()
    quiet.audit_round.is_demonstration = True
    quiet.session.commit()
    before = len(outbox(quiet))
    assert reminded(quiet, date(2003, 6, 9)) == [] and len(outbox(quiet)) == before


def test_reminders_take_few_statements_however_many_returns(quiet: World) -> None:
    seen: list[str] = []
    engine = quiet.write().get_bind()

    def count(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    sa.event.listen(engine, "before_cursor_execute", count)
    try:
        assert mail.remind(quiet.session, now=at(date(2003, 6, 2))) > 3
    finally:
        sa.event.remove(engine, "before_cursor_execute", count)
    assert len(seen) <= 8, seen


# --- links -----------------------------------------------------------------------------------------------------------


def test_a_link_lets_in_once_and_for_its_purpose_only(quiet: World) -> None:
    lead = quiet.people["lead"]
    token = links.make(quiet.write(), lead, "password", now=NOW)
    quiet.session.commit()
    stored = quiet.session.execute(sa.text("SELECT digest FROM sign_in_link")).scalars().all()
    assert len(token) == 43 and token not in stored, "only a digest is stored"
    session = quiet.write()
    assert find(session, token, "sign_in", now=NOW) is None
    assert find(session, token + "x", "password", now=NOW) is None
    assert find(session, "\ud800", "password", now=NOW) is None
    assert find(session, token, "password", now=NOW + links.LASTS["password"]) is None
    assert find(session, token, "password", now=NOW + timedelta(minutes=119)) is not None
    assert links.use(session, token, "password", now=NOW) is lead
    session.commit()
    assert links.use(quiet.write(), token, "password", now=NOW) is None


def test_of_many_who_use_a_link_at_once_one_comes_in(quiet: World, together: Callable[..., list[Any]]) -> None:  # noqa: F811
    token = links.make(quiet.write(), quiet.people["lead"], "password", now=NOW)
    quiet.session.commit()

    def use(session: Session) -> int | None:
        user = links.use(session, token, "password", now=NOW)
        return user.id if user else None

    results = together(*[use] * 6)
    assert sorted(result is not None for result in results) == [False] * 5 + [True], results


def test_a_reset_ends_every_sign_in_and_every_other_link(quiet: World) -> None:
    lead = quiet.people["lead"]
    quiet.write()
    lead.password, before = "old", lead.fs_uniquifier
    first, second = (links.make(quiet.session, lead, "password", now=NOW) for _ in range(2))
    assert people.reset_password(quiet.session, first, "new", now=NOW) is lead
    assert lead.password == "new" and lead.fs_uniquifier != before
    assert people.reset_password(quiet.session, second, "newer", now=NOW) is None and lead.password == "new"
    quiet.session.commit()
    verbs = quiet.session.scalars(select(Event.verb).where(Event.chain == "service:people").order_by(Event.seq)).all()
    assert verbs[-1] == "person.password_changed"


def test_markers_are_filled_and_nothing_else_is() -> None:
    body = "⟦/a⟧ ⟦sign_in⟧ [/b] ⟦⟧"
    assert fill(body, str.upper) == "/A SIGN_IN [/b] "
