"""The disclosure pack says what was said in words: both grades, signed grades, what queries were about and came to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.disclosure import Entry
from app.domain.text import localise
from app.models import Example, Judgement, RecommendationStatus
from app.operations import querying, submissions
from app.operations import release as operations
from app.queries.disclosure import entries
from app.queries.judgements import book_of
from app.queries.moderation import latest_submission
from tests.operations.checking import check, put_in_sample
from tests.web.test_moderation import worse
from tests.web.test_oversight import submit, words
from tests.world import World, graded

Clients = Callable[[str], FlaskClient]


@pytest.fixture
def code(world: World) -> str:
    """The first agency, whose return is submitted."""
    code = next(iter(world.returns))
    submit(world, code)
    return code


def pack(world: World, code: str) -> dict[str, Entry]:
    """What the entry is to the entry."""
    world.session.rollback()
    found = entries(world.session, world.returns[code], actor=world.actor("lead-inspector"), now=world.now)
    return {one.what.rendered(): one for one in found}


def test_grades_are_said_in_words_signed_ones_and_both_of_an_adjusted_answer(world: World, code: str) -> None:
    one, two = graded(world.work(code))[:2]
    put_in_sample(world, code, questions=[one.id, two.id])
    assert one.grade and two.grade
    check(world, code, one.id, worse(one), reason="The files say otherwise.", seen="Forty files.")
    check(world, code, two.id, two.grade.key)
    own, found = (
        localise(next(grade.label for grade in one.scheme.grades if grade.key == key))
        for key in (one.grade.key, worse(one))
    )
    said = pack(world, code)
    start = f"{one.number}, “{localise(one.criterion.question)[:20]}"
    adjusted = next(entry for what, entry in said.items() if what.startswith(f"Moderation of {start}"))
    assert adjusted.text == f"From “{own}” to “{found}”.\nThe files say otherwise.\nForty files."
    assert adjusted.role == "inspector" and adjusted.suggestion == "moderation"
    upheld = next(entry for what, entry in said.items() if "upheld" in what)
    assert upheld.text == f"“{localise(two.grade.label)}” stands."
    signed = said["Submission 1, the grades that were signed"]
    lines = signed.text.splitlines()
    said_of = [one for one in world.work(code).items if one.grade or any(not fact.typed for fact in one.facts)]
    assert len(lines) == len(said_of) > len(graded(world.work(code)))
    assert signed.role == "accountable_signatory"
    assert lines[0].startswith(start) and f": {own}" in lines[0]
    assert not any(item.criterion.id in "".join(said) for item in world.work(code).items), "words in place of keys"


def test_a_query_says_what_it_is_about_and_what_came_of_it(client_as: Clients, world: World, code: str) -> None:
    rid, item, inspector = world.returns[code].public_id, world.work(code).items[0], world.actor("inspector")
    asked = querying.ask(
        world.write(), rid, subject="The rota of Sam Council", text="Since when?", about=item.id,
        due=(world.now + timedelta(days=9)).date(), by=inspector, now=world.now,
    )  # fmt: skip
    world.session.commit()
    assert "Query, closed" not in pack(world, code)
    querying.close(
        world.write(), rid, asked.public_id, outcome="withdrawn", by=world.actor("lead-inspector"),
        now=world.now + timedelta(days=1),
    )  # fmt: skip
    world.session.commit()
    said = pack(world, code)
    subject, question = said["Query, what it is about"].text.splitlines()
    assert subject == "The rota of [Accountable signatory]", "no name, in subjects neither"
    assert question.startswith(f"{item.number}, “")
    closed = said["Query, closed"]
    assert closed.text == "Withdrawn: it was not needed" and closed.role == "lead_inspector"
    assert closed.at == world.now + timedelta(days=1) and said["Query"].text == "Since when?"
    page = words(client_as("lead-inspector").get(f"/returns/{rid}/disclosure"))
    assert "Query, what it is about" in page and "Withdrawn: it was not needed" in page


def test_a_challenge_says_which_words_it_challenged(world: World, code: str) -> None:
    rid, ret, lead = world.audit_round.public_id, world.returns[code].public_id, world.actor("lead-inspector")
    operations.prepare(world.write(), rid, by=lead, now=world.now)
    later = [world.now + timedelta(minutes=minutes) for minutes in range(4)]
    operations.set_window(world.session, rid, opens=later[1], closes=later[3], by=lead, now=world.now)
    world.session.commit()
    thread = operations.challenge(
        world.write(), ret, about="overall", text="Not so.", by=world.actor("lead"), now=later[1]
    )
    world.session.commit()
    operations.settle(
        world.write(), ret, thread.public_id, decision="replace", text="You are right.", replacement="All is met.",
        by=lead, now=later[2],
    )  # fmt: skip
    world.session.commit()
    said = pack(world, code)
    about = said["Challenge to the draft feedback, what it is about"]
    assert about.text.startswith("By your own grades") and about.suggestion == "unpublished"
    assert said["Challenge to the draft feedback, closed"].text == "Accepted"


def test_a_nil_return_stands_when_it_was_recorded_and_by_whom(world: World) -> None:
    code = list(world.returns)[1]
    ret, lead = world.returns[code].public_id, world.actor("lead-inspector")
    at = world.now + timedelta(hours=3)
    submit(world, code, by=f"signatory-{world.returns[code].agency_type}")
    submissions.reopen(world.write(), ret, reason="A fault.", by=lead, now=world.now)
    submissions.set_nil(world.session, ret, reason="They serve adults only.", by=lead, now=at)
    world.session.commit()
    nil = pack(world, code)["Nil return, the reason"]
    assert (nil.text, nil.at, nil.role) == ("They serve adults only.", at, "lead_inspector")


def test_judgements_examples_and_recommendations_are_said_in_words(world: World, code: str) -> None:
    one, audit_return = world.work(code).items[0], world.returns[code]
    submission = latest_submission(world.write(), audit_return)
    assert submission
    by = {"by_id": world.people["inspector"].id, "at": world.now}
    world.session.add_all(
        [
            Example(
                return_id=audit_return.id, submission_id=submission.id, criterion=one.criterion.id, kind="good",
                note="Well done.", **by,
            ),
            RecommendationStatus(
                return_id=audit_return.id, recommendation="any/1", state="on_track", note="They say so.", **by
            ),
            Judgement(
                return_id=audit_return.id, key="any", grade="poor", explanation={}, override="good",
                override_reason="We saw it.", override_at=world.now, override_by_id=by["by_id"],
            ),
        ]
    )  # fmt: skip
    world.session.commit()
    said = pack(world, code)
    assert any(what.startswith(f"Marked as good practice: {one.number}, “") for what in said)
    assert said["Recommendation any/1"].text == "On track.\nThey say so."
    judged = said["Judgement “any”, decided otherwise than by the rules"]
    assert judged.text == "From “poor” to “good”.\nWe saw it."
    book = book_of(audit_return.audit_round.pack_version, audit_return.agency_type)
    assert book, "rules of the pack"
    # the key of a judgement gives way to its title, those of grades to their labels
    key, known = next(iter(book.profile.judgements.items()))
    best, worst = book.scale(key).grades[0], book.scale(key).grades[-1]
    row = world.write().scalars(select(Judgement)).one()
    row.key, row.grade, row.override = key, worst.key, best.key
    world.session.commit()
    judged = pack(world, code)[f"Judgement “{localise(known.title)}”, decided otherwise than by the rules"]
    assert judged.text.startswith(f"From “{localise(worst.label)}” to “{localise(best.label)}”.")
