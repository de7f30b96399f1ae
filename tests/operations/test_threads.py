"""Threads: who answers moves one on, posts stay, the files that were shown stay, limits; queries and their mails."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from app.domain.life import NotPossible
from app.domain.threads import LONGEST_SUBJECT, LONGEST_TEXT, state_after
from app.models import (
    AuditReturn,
    AuditRound,
    Evidence,
    EvidenceRevision,
    OutboxMessage,
    StoredFile,
    Thread,
    ThreadPost,
)
from app.operations import events, querying, threads
from app.operations.evidence import remove
from app.operations.submissions import reopen
from app.queries.evidence import is_kept, is_shown
from app.queries.returns import get_return, history
from app.queries.rounds import NotFound
from app.queries.threads import (
    asked_of,
    file_of_thread,
    queries_of_round,
    thread_of,
    threads_of,
)
from tests.operations.test_returns import sign
from tests.world import SYSTEM, World

DUE = date(2003, 5, 26)
SECRET = "the rota of the duty team"


@pytest.fixture
def code(world: World) -> str:
    """The first agency, which has submitted."""
    code = next(iter(world.returns))
    world.answer(code)
    sign(world, code)
    return code


def asked(world: World, code: str, *, text: str = f"Please show {SECRET}.", about: str = "", by: str = "inspector",
          due: date = DUE) -> Thread:  # fmt: skip
    actor = world.actor(by)
    thread = querying.ask(
        world.write(), world.returns[code].public_id, subject="Rotas", text=text, due=due, about=about, by=actor,
        now=world.now,
    )  # fmt: skip
    world.session.commit()
    return thread


def answered(
    world: World, code: str, thread: Thread, *, by: str = "lead", evidence: tuple[str, ...] = ()
) -> ThreadPost:
    actor = world.actor(by)
    post = querying.answer(
        world.write(), world.returns[code].public_id, thread.public_id, text="Here they are.", evidence=evidence,
        by=actor, now=world.now,
    )  # fmt: skip
    world.session.commit()
    return post


def in_library(world: World, code: str, *, sha256: str = "a" * 64, title: str = "Rotas of March") -> str:
    """A piece of evidence in an agency's library, as a row: what files hold matters elsewhere."""
    session = world.write()
    session.merge(StoredFile(sha256=sha256, size=5, media_type="text/plain", stored_at=world.now, scan="clean"))
    row = Evidence(agency_id=world.returns[code].agency_id, title=title, description="What it shows.",
                   added_at=world.now)  # fmt: skip
    session.add(row)
    session.flush()
    session.add(EvidenceRevision(evidence_id=row.id, number=1, sha256=sha256, name="rota.txt", at=world.now))
    session.commit()
    return row.public_id


def again(world: World, code: str) -> AuditReturn:
    return get_return(world.write(), world.returns[code].public_id, actor=SYSTEM, now=world.now, lock=True)


def mails(world: World) -> list[OutboxMessage]:
    world.session.rollback()
    queries = select(OutboxMessage).where(OutboxMessage.kind == "query").order_by(OutboxMessage.id)
    return list(world.session.scalars(queries))


def test_a_query_goes_back_and_forth_without_the_return_being_reopened(world: World, code: str) -> None:
    question = world.work(code).items[0].id
    thread = asked(world, code, about=question)
    assert (thread.state, thread.kind, thread.about, thread.due) == ("open", "query", question, DUE)
    answered(world, code, thread)
    assert thread.state == "answered" and world.returns[code].stage == "submitted"
    actor = world.actor("inspector")
    later = DUE + timedelta(days=7)
    querying.ask_on(
        world.write(), world.returns[code].public_id, thread.public_id, text="And those of April?", due=later,
        by=actor, now=world.now,
    )  # fmt: skip
    world.session.commit()
    assert (thread.state, thread.due) == ("open", later)
    answered(world, code, thread, by="contributor")
    querying.close(
        world.write(), world.returns[code].public_id, thread.public_id, outcome="answered", by=actor, now=world.now
    )
    world.session.commit()
    world.session.expire_all()
    found = threads_of(world.session, world.returns[code], kinds=("query",))
    assert [one.state for one in found] == ["closed"] and found[0].outcome == "answered"
    assert [post.side for post in found[0].posts] == ["oversight", "agency", "oversight", "agency"]
    with pytest.raises(NotPossible, match="closed already"):
        answered(world, code, thread)
    chain = list(history(world.session, events.chain_of(world.returns[code])))
    assert events.verify(chain) is None
    verbs = [event.verb for event in chain if event.verb.startswith("thread.")]
    assert verbs == ["thread.opened", "thread.replied", "thread.replied", "thread.replied", "thread.closed"]
    assert SECRET not in str([event.data for event in chain]), "what people typed stays out of the chain"
    assert any(SECRET in text.text for event in chain for text in event.texts)


def test_mails_say_that_there_is_a_query_and_never_what_it_says(world: World, code: str) -> None:
    thread = asked(world, code)
    found = mails(world)
    assert {mail.user_id for mail in found} == {world.people["signatory"].id, world.people["lead"].id}
    assert all(SECRET not in mail.body + mail.subject and "Rotas" not in mail.body + mail.subject for mail in found)
    answered(world, code, thread)
    assert mails(world)[-1].user_id == world.people["inspector"].id
    assert "Here they are" not in mails(world)[-1].body


def test_answers_go_on_while_the_round_is_closed_and_while_the_return_is_reopened(world: World, code: str) -> None:
    thread = asked(world, code)
    world.now += timedelta(days=120)  # long after the closing date
    answered(world, code, thread)
    assert thread.state == "answered"
    actor = world.actor("inspector")
    reopen(world.write(), world.returns[code].public_id, reason="Once more.", by=actor, now=world.now)
    world.session.commit()
    answered(world, code, thread)
    assert world.returns[code].stage == "started"


def test_a_file_is_shown_as_it_was_and_kept_although_the_piece_is_replaced_and_removed(
    world: World, code: str
) -> None:
    thread = asked(world, code)
    piece = in_library(world, code)
    post = answered(world, code, thread, evidence=(piece, piece))
    assert [one.revision.number for one in post.evidence] == [1]
    session = world.write()
    row = session.scalars(select(Evidence).where(Evidence.public_id == piece)).one()
    session.add(StoredFile(sha256="b" * 64, size=6, media_type="text/plain", stored_at=world.now, scan="clean"))
    session.flush()
    session.add(EvidenceRevision(evidence_id=row.id, number=2, sha256="b" * 64, name="new.txt", at=world.now))
    session.commit()
    actor = world.actor("inspector")
    reopen(world.write(), world.returns[code].public_id, reason="Once more.", by=actor, now=world.now)
    given_up = remove(world.session, world.returns[code].public_id, piece, by=world.actor("lead"), now=world.now)
    world.session.commit()
    assert given_up == ["b" * 64]
    assert is_shown(world.session, "a" * 64) and not is_kept(world.session, "a" * 64)
    found = file_of_thread(world.session, thread, post.public_id, 1)
    assert (found.name, found.sha256) == ("rota.txt", "a" * 64)
    for number in (0, 2):
        with pytest.raises(NotFound):
            file_of_thread(world.session, thread, post.public_id, number)


def test_no_file_of_another_agency_and_none_that_is_infected_is_shown(world: World, code: str) -> None:
    thread = asked(world, code)
    other = list(world.returns)[1]
    with pytest.raises(NotFound):
        answered(world, code, thread, evidence=(in_library(world, other, sha256="c" * 64),))
    mine = in_library(world, code)
    session = world.write()
    session.get_one(StoredFile, "a" * 64).scan = "infected"
    session.commit()
    with pytest.raises(NotPossible, match="harmful"):
        answered(world, code, thread, evidence=(mine,))
    world.session.rollback()
    assert len(thread_of(world.session, world.returns[code], thread.public_id).posts) == 1


@pytest.mark.parametrize(
    ("subject", "text", "says"),
    [
        ("Rotas", "  \r\n ", "Write what"),
        ("Rotas", "x" * (LONGEST_TEXT + 1), "shorten it"),
        ("Rotas", "zero\0byte", "cannot be kept"),
        (" ", "Something.", "few words"),
        ("x" * (LONGEST_SUBJECT + 1), "Something.", "shorten it"),
    ],
)
def test_what_cannot_be_said(world: World, code: str, subject: str, text: str, says: str) -> None:
    audit_return = again(world, code)
    with pytest.raises(NotPossible, match=says):
        threads.open_thread(
            world.session, audit_return, kind="query", subject=subject, text=text, side="oversight", by=SYSTEM,
            now=world.now,
        )  # fmt: skip


def test_a_text_of_the_greatest_length_is_kept_whole(world: World, code: str) -> None:
    text = "ŵ" * LONGEST_TEXT
    thread = asked(world, code, text=text)
    world.session.expire_all()
    assert thread_of(world.session, world.returns[code], thread.public_id).posts[0].text == text


def test_posts_cannot_be_changed_or_taken_away(world: World, code: str) -> None:
    thread = asked(world, code)
    for change in ("update thread_post set text = 'x'", "delete from thread_post"):
        session = world.write()
        with pytest.raises(DBAPIError):
            session.connection().exec_driver_sql(change)
        session.rollback()
    assert thread_of(world.session, world.returns[code], thread.public_id).posts[0].text.startswith("Please")


def test_who_is_asked_answers() -> None:
    assert state_after("query", "agency") == state_after("peer", "agency") == "answered"
    assert state_after("query", "oversight") == state_after("accuracy", "agency") == "open"
    assert state_after("accuracy", "oversight") == "answered"


def test_a_comment_of_a_scrutineer_stays_out_of_the_history_that_the_agency_reads(world: World, code: str) -> None:
    audit_return = again(world, code)
    threads.open_thread(
        world.session, audit_return, kind="comment", subject="Seen", text=SECRET, side="area", by=SYSTEM, now=world.now
    )
    world.session.commit()
    verbs = [event.verb for event in history(world.session, events.chain_of(audit_return))]
    assert "thread.opened" not in verbs
    assert [one.verb for one in history(world.session, events.oversight_chain(audit_return))] == ["thread.opened"]


@pytest.mark.parametrize("name", ["signatory", "lead", "outsider", "coordinator", "board", "administrator"])
def test_only_inspectors_of_this_agency_type_ask(world: World, code: str, name: str) -> None:
    with pytest.raises(NotFound):
        asked(world, code, by=name)


@pytest.mark.parametrize("name", ["inspector", "outsider", "coordinator", "board", "administrator"])
def test_only_the_agency_answers(world: World, code: str, name: str) -> None:
    thread = asked(world, code)
    with pytest.raises(NotFound):
        answered(world, code, thread, by=name)


def test_what_cannot_be_asked(world: World, code: str) -> None:
    other = list(world.returns)[1]
    with pytest.raises(NotFound):
        asked(world, other)  # nothing submitted: drafts are private
    with pytest.raises(NotPossible, match="not submitted at present"):
        asked(world, code, about="no-such-question")
    with pytest.raises(NotPossible, match="passed already"):
        asked(world, code, due=date(2003, 5, 11))
    with pytest.raises(NotPossible, match="what came of"):
        querying.close(
            world.write(), world.returns[code].public_id, asked(world, code).public_id, outcome="adjusted",
            by=SYSTEM, now=world.now,
        )  # fmt: skip


def test_an_archived_round_is_only_read(world: World, code: str) -> None:
    thread = asked(world, code)
    session = world.write()
    session.get_one(AuditRound, world.audit_round.id).archived_at = world.now
    session.commit()
    for act in (lambda: asked(world, code), lambda: answered(world, code, thread)):
        with pytest.raises(NotPossible, match="archived"):
            act()
    assert [one.state for one in threads_of(world.session, world.returns[code], kinds=("query",))] == ["open"]


def test_the_list_of_a_round_says_what_waits(world: World, code: str) -> None:
    open_one, overdue, done, closed = (asked(world, code, text=f"Query {number}") for number in range(4))
    session = world.write()
    session.get_one(Thread, overdue.id).due = date(2003, 5, 1)
    session.commit()
    answered(world, code, done)
    querying.close(
        world.write(), world.returns[code].public_id, closed.public_id, outcome="unanswered", by=SYSTEM, now=world.now
    )
    world.session.commit()
    types = {world.returns[code].agency_type}

    def listed(**narrowed: object):  # type: ignore[no-untyped-def]
        return queries_of_round(world.session, world.audit_round, agency_types=types, now=world.now, **narrowed)  # type: ignore[arg-type]

    found = listed()
    assert found.counts == {"open": 1, "overdue": 1, "answered": 1, "closed": 1} and found.total == 4
    assert [row.id for row in found.rows] == [one.public_id for one in (overdue, done, open_one, closed)]
    assert [row.id for row in listed(state="overdue").rows] == [overdue.public_id]
    assert listed(asked_by=world.people["lead-inspector"].id).total == 0
    assert listed(text="no such").total == 0 and listed(text="rota").total == 4
    assert queries_of_round(world.session, world.audit_round, agency_types=(), now=world.now).total == 0
    counted = asked_of(world.session, world.returns[code], "query")
    assert (counted.number, counted.waiting) == (4, 2)
