"""Before signing: declining with a reason, asking again, comments of the board, and what a signatory is shown."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.domain.life import NotPossible
from app.models import BoardComment, OutboxMessage, SigningDeclined
from app.operations import events
from app.operations.answers import Edit
from app.operations.signing import LONGEST_COMMENT, ask_again, comment, decline
from app.operations.submissions import reopen
from app.queries.returns import content_hash, history
from app.queries.rounds import NotFound
from app.queries.signing import board_comments, briefing, open_decline
from tests.next_year import next_year
from tests.operations.test_carrying import carried, confirmed
from tests.operations.test_returns import save, sign
from tests.world import World, complete_answer, graded

REASON = "The figures for case conferences are last year's."


@pytest.fixture
def code(world: World) -> str:
    """The first agency: the one with a signatory, a lead, a contributor and a board reader."""
    return next(iter(world.returns))


def declined(world: World, code: str, reason: str = REASON, *, by: str = "signatory") -> SigningDeclined:
    actor = world.actor(by)
    row = decline(world.write(), world.returns[code].public_id, reason=reason, by=actor, now=world.now)
    world.session.commit()
    return row


def asked_again(world: World, code: str, *, by: str = "lead") -> None:
    actor = world.actor(by)
    ask_again(world.write(), world.returns[code].public_id, by=actor, now=world.now)
    world.session.commit()


def commented(world: World, code: str, text: str, *, standard: str = "", by: str = "board") -> BoardComment:
    actor = world.actor(by)
    row = comment(
        world.write(), world.returns[code].public_id, text=text, standard=standard, by=actor, now=world.now
    )
    world.session.commit()
    return row


def mails(world: World, kind: str) -> list[OutboxMessage]:
    world.session.rollback()
    return list(world.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == kind)))


def waiting(world: World, code: str) -> SigningDeclined | None:
    world.session.rollback()
    return open_decline(world.session, world.returns[code])


def test_the_signatory_declines_the_lead_is_told_and_asks_again_and_it_is_signed(world: World, code: str) -> None:
    world.answer(code)
    row = declined(world, code)
    assert waiting(world, code) is row
    mail = mails(world, "declined")
    assert [one.user_id for one in mail] == [world.people["lead"].id]
    assert REASON not in mail[0].body + mail[0].subject, "what people typed stays out of mails"
    chain = list(history(world.session, events.chain_of(world.returns[code])))
    assert chain[-1].verb == "return.signing_declined" and REASON not in str(chain[-1].data)
    assert {text.name: text.text for text in chain[-1].texts} == {"reason": REASON}
    with pytest.raises(NotPossible, match="declined already"):
        declined(world, code)

    # the return stays open for changes
    item = world.work(code).items[0]
    value = {**item.answer.value, "commentary": "This year's figures."}
    assert save(world, code, Edit(item.id, value, item.answer.version, "k"), by="lead").saved
    asked_again(world, code)
    assert waiting(world, code) is None
    assert [one.user_id for one in mails(world, "nudge")] == [world.people["signatory"].id]
    with pytest.raises(NotPossible, match="nothing to answer"):
        asked_again(world, code)
    sign(world, code)
    world.session.rollback()
    chain = list(history(world.session, events.chain_of(world.returns[code])))
    assert [event.verb for event in chain[-2:]] == ["return.signature_asked_again", "return.submitted"]
    assert events.verify(chain) is None


def test_who_declined_can_sign_at_once_and_a_signature_settles_it(world: World, code: str) -> None:
    world.answer(code)
    declined(world, code)
    sign(world, code)
    assert waiting(world, code) is None
    inspector = world.actor("inspector")
    reopen(world.write(), world.returns[code].public_id, reason="Again", by=inspector, now=world.now)
    world.session.commit()
    assert waiting(world, code) is None, "what was signed since is no open refusal, also after reopening"


def test_declining_needs_a_reason_and_the_signatory_of_the_agency(world: World, code: str) -> None:
    for empty in ("", "   \n"):
        with pytest.raises(NotPossible, match="Say why"):
            declined(world, code, empty)
    with pytest.raises(NotPossible, match="shorten"):
        declined(world, code, "x" * 4001)
    for who in ("lead", "contributor", "board", "signatory-nhs", "inspector"):
        with pytest.raises(NotFound):
            declined(world, code, by=who)
    declined(world, code)
    for who in ("signatory", "contributor", "board", "inspector"):
        with pytest.raises(NotFound):
            asked_again(world, code, by=who)
    world.session.rollback()
    assert len(world.session.scalars(select(SigningDeclined)).all()) == 1


def test_after_signing_nobody_declines_or_comments(world: World, code: str) -> None:
    world.answer(code)
    sign(world, code)
    with pytest.raises(NotPossible, match="submitted"):
        declined(world, code)
    with pytest.raises(NotPossible, match="submitted"):
        commented(world, code, "Too late.")


def test_the_board_comments_and_changes_nothing_that_is_signed(world: World, code: str) -> None:
    world.answer(code)
    before = content_hash(world.work(code))
    standard = world.work(code).sections[0].standard.id
    commented(world, code, "Is 1.1 really so?", standard=standard)
    commented(world, code, "Well done.", by="signatory")
    world.session.rollback()
    found = board_comments(world.session, world.returns[code])
    assert [(one.text, one.standard, one.by.name if one.by else "") for one in found] == [
        ("Is 1.1 really so?", standard, world.people["board"].name),
        ("Well done.", "", world.people["signatory"].name),
    ]
    assert content_hash(world.work(code)) == before
    event = list(history(world.session, events.chain_of(world.returns[code])))[-2]
    assert event.verb == "board.commented" and event.data["standard"] == standard
    assert {text.name: text.text for text in event.texts} == {"comment": "Is 1.1 really so?"}


def test_a_comment_needs_words_and_somebody_who_may(world: World, code: str) -> None:
    with pytest.raises(NotPossible, match="Write your comment"):
        commented(world, code, " ")
    with pytest.raises(NotPossible, match="shorten"):
        commented(world, code, "x" * (LONGEST_COMMENT + 1))
    with pytest.raises(NotFound):
        commented(world, code, "Hello", standard="no-such-standard")
    for who in ("lead", "contributor", "signatory-nhs", "inspector", "coordinator"):
        with pytest.raises(NotFound):
            commented(world, code, "Hello", by=who)
    world.session.rollback()
    assert not world.session.scalars(select(BoardComment)).all()


def test_the_signatory_is_told_what_is_behind_the_answers(world: World, code: str) -> None:
    world.answer(code)
    sign(world, code)
    next_year(world)
    carried(world, code)
    confirmed(world, code, *[item.id for item in world.work(code).items])
    work = world.work(code)
    one, two, *others = graded(work)
    worst = complete_answer(one.scheme, best=False)
    apart = next(grade.key for grade in one.scheme.grades if grade.shown_apart)
    save(
        world, code,
        Edit(one.id, {**worst, "date_expected": "2004-09-01"}, 2, "k"),
        Edit(two.id, {**worst, "grade": apart, "date_expected": "2004-12-01"}, 2, "k"),
    )  # fmt: skip
    work = world.work(code)
    known = briefing(world.session, work, now=world.now)
    assert [gap.item.id for gap in known.gaps] == [one.id]
    assert [gap.item.id for gap in known.unknown] == [two.id]
    assert [item.id for item in known.unplanned] == [one.id, two.id]
    assert [item.id for item in known.bare] == [item.id for item in others]  # of facts none is expected
    assert known.files == known.actions == 0 and not known.assignments
    assert known.changes is not None
    assert {change.id for change in known.changes.moved("worse")} == {one.id, two.id}
