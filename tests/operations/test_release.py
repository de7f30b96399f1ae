"""Release: feedback, the window for factual accuracy, publication at its minute, and corrections."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.domain.life import NotPossible
from app.models import AuditReturn, AuditRound, Event, Feedback, Judgement, OutboxMessage, Publication, Thread
from app.operations import events
from app.operations import release as operations
from app.operations.submissions import reopen
from app.policy import Denied
from app.queries.release import (
    content_of,
    editions,
    feedback_document,
    get_feedback_return,
    held_back,
    latest,
    published_findings,
    published_versions,
    release_list,
    visible,
)
from app.queries.returns import history
from app.queries.rounds import NotFound
from tests.operations.test_returns import sign
from tests.world import SYSTEM, World

HOUR = timedelta(hours=1)


@pytest.fixture
def codes(world: World) -> list[str]:
    """The agencies; the first two have submitted."""
    codes = list(world.returns)
    for code in codes[:2]:
        by = "signatory" if code == codes[0] else f"signatory-{world.returns[code].agency_type}"
        world.answer(code, by=by, best=code == codes[0])
        sign(world, code, by=by)
    return codes


def prepare(world: World, by: str = "inspector") -> int:
    actor = world.actor(by)
    new = operations.prepare(world.write(), world.audit_round.public_id, by=actor, now=world.now)
    world.session.commit()
    return new


def window(world: World, opens: datetime, closes: datetime, *, now: datetime | None = None) -> None:
    actor = world.actor("lead-inspector")
    operations.set_window(
        world.write(), world.audit_round.public_id, opens=opens, closes=closes, by=actor, now=now or world.now
    )
    world.session.commit()


def publish(world: World, at: datetime, **more: object) -> None:
    actor = world.actor("lead-inspector")
    operations.set_publication(
        world.write(), world.audit_round.public_id, at=at, by=actor, now=world.now, **more  # type: ignore[arg-type]
    )
    world.session.commit()


def clock(world: World, now: datetime) -> int:
    done = operations.by_the_clock(world.write(), now=now)
    world.session.commit()
    return done


def seen(world: World, code: str, by: str, now: datetime):  # type: ignore[no-untyped-def]
    world.session.rollback()
    audit_return = get_feedback_return(
        world.session, world.returns[code].public_id, actor=world.actor(by), now=now
    )
    return visible(world.session, audit_return, actor=world.actor(by), now=now)


def mails(world: World) -> list[OutboxMessage]:
    world.session.rollback()
    kind = OutboxMessage.kind == "feedback"
    return list(world.session.scalars(select(OutboxMessage).where(kind).order_by(OutboxMessage.id)))


def challenged(world: World, code: str, about: str = "overall", *, by: str = "lead", now: datetime) -> Thread:
    actor = world.actor(by)
    thread = operations.challenge(
        world.write(), world.returns[code].public_id, about=about, text="That is not so.", by=actor, now=now
    )
    world.session.commit()
    return thread


def settled(world: World, code: str, thread: Thread, decision: str, now: datetime, **more: str) -> None:
    actor = world.actor("inspector")
    operations.settle(
        world.write(), world.returns[code].public_id, thread.public_id, decision=decision, text="We looked again.",
        by=actor, now=now, **more,
    )  # fmt: skip
    world.session.commit()


def test_feedback_is_prepared_once_and_anew_where_something_changed(world: World, codes: list[str]) -> None:
    assert prepare(world) == 2
    assert prepare(world) == 0, "nothing changed, so there is no new version"
    row = latest(world.session, world.returns[codes[0]])
    content = content_of(row)
    assert content.own.met == content.own.counted > 0 and content.moderated is None
    assert content.peers.others == 0 and content.peers.bins == ()
    other = content_of(latest(world.session, world.returns[codes[1]]))
    assert other.own.met == 0 and [one for one in other.statements if one.part == "gaps"]
    actor = world.actor("inspector")
    operations.write_narrative(
        world.write(), world.returns[codes[0]].public_id, narrative="Well done.", version=1, by=actor, now=world.now
    )
    world.session.commit()
    with pytest.raises(NotPossible, match="Somebody saved version 2"):
        operations.write_narrative(
            world.write(), world.returns[codes[0]].public_id, narrative="Not so.", version=1, by=actor, now=world.now
        )
    assert prepare(world) == 0
    row = latest(world.session, world.returns[codes[0]])
    assert (row.version, row.narrative) == (2, "Well done.")
    chain = history(world.session, events.oversight_chain(world.returns[codes[0]]))
    assert [event.verb for event in chain] == ["feedback.written"] and "Well" not in str(chain[0].data)
    verbs = {event.verb for event in history(world.session, events.chain_of(world.returns[codes[0]]))}
    assert not any(verb.startswith("feedback") for verb in verbs), "the agency reads this chain"


def test_only_in_the_window_and_only_its_own_people_see_a_draft(world: World, codes: list[str]) -> None:
    prepare(world)
    opens, closes = world.now + HOUR, world.now + 3 * HOUR
    window(world, opens, closes)
    assert mails(world) == [], "the window is not open yet"
    for name in ("signatory", "lead", "contributor", "board"):
        with pytest.raises(NotFound):
            seen(world, codes[0], name, opens - timedelta(seconds=1))
        draft = seen(world, codes[0], name, opens)
        assert draft.is_draft and draft.row.version == 1
        with pytest.raises(NotFound):
            seen(world, codes[1], name, opens)
        assert seen(world, codes[0], name, closes) is None, "the clock closes it"
    for name in ("coordinator", "outsider", "administrator"):
        with pytest.raises(NotFound):
            seen(world, codes[0], name, opens)
    assert clock(world, opens - timedelta(seconds=1)) == 0
    assert clock(world, opens) == 1 and clock(world, opens) == 0
    told = {mail.user_id for mail in mails(world)}
    people = world.people
    assert people["signatory"].id in told and people["lead"].id in told and people["contributor"].id not in told
    assert len(mails(world)) == 3, "two of the first agency, the signatory of the second, each once"


def test_agencies_are_told_before_the_window_closes_and_of_answers(world: World, codes: list[str]) -> None:
    prepare(world)
    window(world, world.now, world.now + 10 * 24 * HOUR)
    assert len(mails(world)) == 3

    def remind(now: datetime) -> int:
        added = operations.remind_of_windows(world.write(), now=now)
        world.session.commit()
        return added

    assert remind(world.now + 6 * 24 * HOUR) == 0, "not yet"
    assert remind(world.now + 8 * 24 * HOUR) == 3 and remind(world.now + 9 * 24 * HOUR) == 0, "once"
    assert remind(world.now + 10 * 24 * HOUR) == 0, "it has closed"
    last = mails(world)[-1]
    assert "until" in last.subject and "22 May 2003" in last.body
    thread = challenged(world, codes[0], now=world.now)
    settled(world, codes[0], thread, "reply", world.now)
    told = mails(world)[6:]
    assert len(told) == 2 and all("is answered" in one.subject and "We looked" not in one.body for one in told)


def test_a_short_window_is_told_of_once(world: World, codes: list[str]) -> None:
    prepare(world)
    window(world, world.now, world.now + 20 * HOUR)
    assert operations.remind_of_windows(world.write(), now=world.now + 19 * HOUR) == 0


def test_a_challenge_is_accepted_as_a_new_version_or_declined(world: World, codes: list[str]) -> None:
    prepare(world)
    window(world, world.now, world.now + HOUR)
    code = codes[0]
    with pytest.raises(NotPossible, match="not in your feedback"):
        challenged(world, code, "no-such-statement", now=world.now)
    with pytest.raises(NotFound):
        challenged(world, code, by="board", now=world.now)
    first = challenged(world, code, now=world.now)
    with pytest.raises(NotPossible, match="challenged already"):
        challenged(world, code, now=world.now)
    settled(world, code, first, "replace", world.now, replacement="All is met.")
    row = latest(world.session, world.returns[code])
    assert row.version == 2 and row.reason == "We looked again."
    statement = content_of(row).statement("overall")
    assert statement.amended.words == "All is met."
    assert world.session.get(Thread, first.id).outcome == "accepted"
    second = challenged(world, code, "peers", now=world.now)
    settled(world, code, second, "decline", world.now)
    assert latest(world.session, world.returns[code]).version == 2
    third = challenged(world, code, "peers", now=world.now)
    settled(world, code, third, "withdraw", world.now)
    document = feedback_document(
        world.session, world.returns[code], actor=world.actor("lead"), now=world.now, language="en"
    )
    said = {one.id: one for part in document.parts for one in part.statements}
    assert "peers" not in said and said["overall"].text == "All is met." and document.is_draft
    prepare(world)
    assert content_of(latest(world.session, world.returns[code])).amendments.keys() == {"overall", "peers"}
    fourth = challenged(world, code, now=world.now)
    settled(world, code, fourth, "anew", world.now)
    assert content_of(latest(world.session, world.returns[code])).amendments.keys() == {"peers"}
    with pytest.raises(NotFound):
        challenged(world, code, "checked", now=world.now + HOUR)


def test_what_stands_in_the_way_is_waved_through_with_a_reason_only(world: World, codes: list[str]) -> None:
    at = world.now + 2 * HOUR
    with pytest.raises(NotPossible, match="no feedback: 2"):
        publish(world, at)
    prepare(world)
    window(world, world.now, world.now + HOUR)
    challenged(world, codes[0], now=world.now)
    world.write().add(
        Judgement(return_id=world.returns[codes[0]].id, key="any", grade="x", explanation={}, stale=True)
    )
    world.session.commit()
    with pytest.raises(NotPossible, match="Challenges of agencies that are not settled: 1"):
        publish(world, at)
    with pytest.raises(NotPossible, match="out of date"):
        publish(world, at, waived={"challenges": "Answered by telephone."})
    with pytest.raises(NotPossible, match="not over by then"):
        publish(world, world.now + HOUR / 2, waived={"challenges": "x", "judgements": "y"})
    with pytest.raises(NotPossible, match="ahead"):
        publish(world, world.now)
    with pytest.raises(NotPossible, match="Something changed"):
        publish(world, at, waived={"challenges": "x", "judgements": "y"}, expected="0" * 64)
    publish(world, at, waived={"challenges": "Answered by telephone.", "judgements": "The same result."})
    event = history(world.session, events.chain_of(world.audit_round))[-1]
    assert event.verb == "publication.set" and event.data["waived"] == ["challenges", "judgements"]
    assert "telephone" not in str(event.data) and any("telephone" in text.text for text in event.texts)
    with pytest.raises(NotFound):
        operations.set_publication(
            world.write(), world.audit_round.public_id, at=at, by=world.actor("inspector"), now=world.now
        )
    actor = world.actor("lead-inspector")
    operations.take_back(world.write(), world.audit_round.public_id, by=actor, now=world.now)
    world.session.commit()
    assert clock(world, at) == 0 and world.session.get(AuditRound, world.audit_round.id).findings_from is None


def test_a_challenge_after_the_time_is_set_takes_it_back(world: World, codes: list[str]) -> None:
    prepare(world)
    now, at = world.now, world.now + 5 * HOUR
    window(world, now, now + 3 * HOUR)
    publish(world, at)
    thread = challenged(world, codes[0], now=now + HOUR)
    world.session.expire_all()
    assert operations.release_of(world.session, world.audit_round).publish_at is None
    assert world.audit_round.findings_from is None and clock(world, at + HOUR) == 0
    assert editions(world.session, world.audit_round, now=at + HOUR) == []
    told = [mail for mail in mails(world) if "held back" in mail.subject]
    assert [mail.address for mail in told] == [world.people["lead-inspector"].email]
    line = history(world.session, events.chain_of(world.audit_round))[-1]
    assert line.verb == "publication.held" and line.data["at"] == events.iso(at)
    lead, inspector = world.actor("lead-inspector"), world.actor("inspector")
    held = held_back(world.session, world.audit_round, actor=lead)
    assert held and (held.was, held.at) == (at, now + HOUR) and held.agency == world.returns[codes[0]].agency.name
    # what the agency reads says nothing of a time
    own = history(world.session, events.chain_of(world.returns[codes[0]]))
    assert not any(line.verb.startswith("publication") for line in own)
    settled(world, codes[0], thread, "decline", now + 2 * HOUR)
    operations.set_publication(
        world.write(), world.audit_round.public_id, at=at, by=lead, now=now + 2 * HOUR
    )
    world.session.commit()
    assert held_back(world.session, world.audit_round, actor=inspector) is None
    assert clock(world, at) == 1 and len(editions(world.session, world.audit_round, now=at)) == 1


def test_challenges_that_were_accepted_beforehand_hold_nothing_back(world: World, codes: list[str]) -> None:
    prepare(world)
    now, at = world.now, world.now + 5 * HOUR
    window(world, now, now + 3 * HOUR)
    publish(world, at, waived={"later": "The minister speaks then."})
    line = history(world.session, events.chain_of(world.audit_round))[-1]
    assert line.data["waived"] == ["later"]
    assert {one.name: one.text for one in line.texts} == {"waived-later": "The minister speaks then."}
    challenged(world, codes[0], now=now + HOUR)
    assert clock(world, at) == 1
    assert not [mail for mail in mails(world) if "held back" in mail.subject]


def test_a_time_within_the_window_is_accepted_with_the_window(world: World, codes: list[str]) -> None:
    prepare(world)
    now, at = world.now, world.now + 2 * HOUR
    window(world, now, now + 3 * HOUR)
    publish(world, at, waived={"window": "It must be today."})
    challenged(world, codes[0], now=now + HOUR)
    assert clock(world, at) == 1


def test_it_comes_out_at_its_minute_as_it_was_frozen(world: World, codes: list[str]) -> None:
    prepare(world)
    at = world.now + HOUR
    publish(world, at)
    just_before = at - timedelta(seconds=1)
    lead = world.actor("lead")
    with pytest.raises(NotFound):
        seen(world, codes[0], "lead", just_before)
    with pytest.raises(Denied):
        published_findings(world.session, world.audit_round, actor=lead, now=just_before)
    assert editions(world.session, world.audit_round, now=just_before) == []

    # what happens in between does not come out
    actor = world.actor("inspector")
    operations.write_narrative(
        world.write(), world.returns[codes[0]].public_id, narrative="Too late.", version=1, by=actor, now=world.now
    )
    reopen(world.session, world.returns[codes[1]].public_id, reason="A fault.", by=actor, now=world.now)
    world.session.commit()

    def check(recorded: bool) -> None:
        world.session.rollback()
        audit_round = world.session.get(AuditRound, world.audit_round.id)
        [edition] = editions(world.session, audit_round, now=at)
        assert (edition.number, edition.at, edition.is_recorded) == (1, at, recorded)
        findings = published_findings(world.session, audit_round, actor=lead, now=at)
        assert findings.response_total.submitted == 2 and findings.edition.number == 1
        mine = seen(world, codes[0], "lead", at)
        assert (mine.row.version, mine.row.narrative, mine.is_draft, mine.edition) == (1, "", False, 1)
        world.session.rollback()
        audit_return = world.session.get(AuditReturn, world.returns[codes[2]].id)
        assert published_versions(world.session, audit_return, now=at) == {}
        with pytest.raises(NotFound):
            seen(world, codes[1], "lead", at)

    check(recorded=False)
    assert operations.is_due(world.session, now=at) and not operations.is_due(world.session, now=just_before)
    assert clock(world, at + timedelta(seconds=40)) == 1
    check(recorded=True)
    assert clock(world, at + HOUR) == 0
    row = world.session.scalars(select(Publication)).one()
    assert row.at == at and row.sha256 == editions(world.session, world.audit_round, now=at)[0].sha256
    event = history(world.session, events.chain_of(world.audit_round))[-1]
    assert event.verb == "findings.published" and event.actor == "system:clock"
    assert {mail.user_id for mail in mails(world)} >= {world.people["signatory"].id, world.people["lead"].id}
    with pytest.raises(NotPossible, match="cannot be taken back"):
        operations.take_back(
            world.write(), world.audit_round.public_id, by=world.actor("lead-inspector"), now=at
        )


def test_a_correction_lists_what_changed_and_the_old_one_stays(world: World, codes: list[str]) -> None:
    actor = world.actor("lead-inspector")
    rid = world.audit_round.public_id
    with pytest.raises(NotPossible, match="Nothing is published"):
        operations.correct(world.write(), rid, reason="x", by=actor, now=world.now)
    prepare(world)
    at = world.now + HOUR
    publish(world, at)
    clock(world, at)
    later = at + HOUR
    with pytest.raises(NotPossible, match="Nothing is different"):
        operations.correct(world.write(), rid, reason="A slip.", by=actor, now=later)
    reopen(world.write(), world.returns[codes[1]].public_id, reason="A fault.", by=actor, now=later)
    world.session.commit()
    with pytest.raises(NotPossible, match="Say why"):
        operations.correct(world.write(), rid, reason=" ", by=actor, now=later)
    row = operations.correct(world.write(), rid, reason="One return was withdrawn.", by=actor, now=later)
    world.session.commit()
    assert row.number == 2
    changed = {(one["chapter"], one["what"], one["field"]): (one["old"], one["new"]) for one in row.changes}
    assert changed["response", "", "submitted"] == ("2", "1") and changed["feedback", "", "versions"] == ("", "1 / 2")
    assert any(chapter == "criteria" for chapter, _what, _field in changed)
    lead = world.actor("lead")
    world.session.rollback()
    audit_round = world.session.get(AuditRound, world.audit_round.id)
    old = published_findings(world.session, audit_round, 1, actor=lead, now=later)
    new = published_findings(world.session, audit_round, actor=lead, now=later)
    assert (old.edition.replaced_by, old.response_total.submitted) == (2, 2)
    assert (new.edition.replaced_by, new.edition.reason, new.response_total.submitted) == (
        0, "One return was withdrawn.", 1,
    )  # fmt: skip
    assert [one.number for one in editions(world.session, audit_round, now=later)] == [2, 1]


def test_inspectors_see_the_returns_of_their_own_types_only(world: World, codes: list[str]) -> None:
    prepare(world)
    listed = release_list(world.session, world.audit_round, actor=world.actor("inspector"), now=world.now)
    assert {row.version for row in listed.rows} == {1} and listed.total == 2
    with pytest.raises(Denied):
        release_list(world.session, world.audit_round, actor=world.actor("outsider"), now=world.now)
    with pytest.raises(Denied):
        release_list(world.session, world.audit_round, actor=world.actor("lead"), now=world.now)
    assert release_list(
        world.session, world.audit_round, actor=SYSTEM, now=world.now, only="missing"
    ).total == 0  # fmt: skip
    assert world.session.scalars(select(Event).where(Event.verb == "feedback.prepared")).one().data["new"] == 2
    assert len(world.session.scalars(select(Feedback)).all()) == 2


def test_feedback_and_publication_are_in_one_transaction_each(
    world: World, codes: list[str], session: Session
) -> None:
    """A process that dies on the way leaves nothing half done, and the clock tries again."""

    def elsewhere(row: type) -> int:
        with Session(session.get_bind()) as other:
            return other.scalar(select(func.count()).select_from(row)) or 0

    rid = world.audit_round.public_id
    assert operations.prepare(world.write(), rid, by=SYSTEM, now=world.now) == 2 and elsewhere(Feedback) == 0
    world.session.rollback()
    assert prepare(world) == 2 and elsewhere(Feedback) == 2
    at = world.now + HOUR
    publish(world, at)
    before = elsewhere(OutboxMessage)
    assert operations.by_the_clock(world.write(), now=at) == 1
    assert elsewhere(Publication) == 0 and elsewhere(OutboxMessage) == before
    world.session.rollback()
    assert operations.is_due(world.session, now=at) and clock(world, at) == 1
    assert elsewhere(Publication) == 1 and elsewhere(OutboxMessage) == before + 3
    assert not operations.is_due(world.session, now=at)
