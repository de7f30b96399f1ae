"""Composing the joint report: versions, two people at once, sign-off, publication, the register of recommendations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from app.domain.life import NotPossible
from app.domain.text import localise
from app.models import (
    Area,
    CompositionVersion,
    Event,
    OutboxMessage,
    OversightBody,
    Recommended,
    RecommendedStatus,
    RoundTemplate,
    User,
)
from app.operations import composing as operations
from app.operations import events, people, release, responding
from app.queries.composing import Desk, composed_findings, desk, signed_off_version, unsigned
from app.queries.disclosure import entries
from app.queries.recommended import (
    addressed_to,
    may_track,
    over_time,
    recommended,
    standing_on,
    standing_on_all,
    to_answer,
    withdrawn_on,
)
from app.queries.release import counts_of, edition_content, published_findings
from app.queries.rounds import NotFound
from tests.operations.test_examples import CODE, mark, question, submission
from tests.operations.test_release import clock, publish
from tests.operations.test_returns import sign
from tests.world import SYSTEM, World

LATER = timedelta(hours=1)
REASONS = dict.fromkeys(release.WAIVABLE, "It has to come out.")


@pytest.fixture
def signed(world: World) -> World:
    """The world with one submission."""
    world.answer(CODE, best=False)
    sign(world, CODE)
    return world


def do(world: World, operation: Callable[..., Any], *args: Any, by: str = "inspector", **values: Any) -> Any:
    """An operation on the round, by somebody, committed."""
    actor = world.actor(by)
    try:
        found = operation(world.write(), world.audit_round.public_id, *args, by=actor, now=world.now, **values)
    except Exception:
        world.session.rollback()
        raise
    world.session.commit()
    return found


def write(
    world: World, text: str, *, chapter: str = "about", based_on: int = 0, by: str = "inspector", **more: str
) -> Any:
    """Write before the figures of a chapter."""
    return do(
        world, operations.save_chapter, chapter, before={"en": text, "cy": more.get("cy", "")},
        after={"en": more.get("after", "")}, title={"en": more.get("title", "")}, based_on=based_on, by=by,
    )  # fmt: skip


def seen(world: World, by: str = "inspector", **values: Any) -> Desk:
    """The report as somebody composes it."""
    world.session.rollback()
    return desk(world.session, world.audit_round, actor=world.actor(by), now=world.now, **values)


def sign_off(world: World, *, by: str = "lead-inspector", body: str = "", version: int = 0) -> Any:
    """Sign the newest version off."""
    number = version or seen(world).number
    return do(world, operations.sign_off, body or world.body.code, version=number, by=by)


def texts(found: Any, chapter: str = "about") -> list[str]:
    """What stands before the figures of a chapter in composed findings."""
    return [part.text for one in found.composition.chapters if one.key == chapter for part in one.before]


def test_what_is_written_stands_in_the_findings_with_the_figures_of_the_data(signed: World) -> None:
    write(signed, "Of all, [[n: response.submitted]] answered.", cy="O bawb, [[n: response.submitted]].")
    found = composed_findings(signed.session, signed.audit_round, actor=signed.actor("inspector"), now=signed.now)
    assert texts(found) == ["Of all, 1 answered."]
    assert [(one.key, one.value) for one in found.composition.facts] == [("response.submitted", "1")]
    assert found.snapshot_id != seen(signed).findings.snapshot_id
    # and follow the data
    second = list(signed.returns)[1]
    kind = signed.returns[second].agency_type
    signed.answer(second, by=f"signatory-{kind}")
    sign(signed, second, by=f"signatory-{kind}")
    for language, words in (("en", "Of all, 2 answered."), ("cy", "O bawb, 2.")):
        found = composed_findings(
            signed.session, signed.audit_round, actor=signed.actor("inspector"), now=signed.now, language=language
        )
        assert texts(found) == [words]


def test_every_save_is_a_version_that_nothing_changes(signed: World) -> None:
    write(signed, "First.")
    write(signed, "Second.", based_on=1)
    write(signed, "Second.", based_on=2)  # nothing differs
    rows = signed.session.scalars(select(CompositionVersion).order_by(CompositionVersion.number)).all()
    assert [row.number for row in rows] == [1, 2]
    assert rows[0].by_id == signed.people["inspector"].id
    do(signed, operations.restore, 1)
    assert seen(signed).composition.chapter("about").before.en == "First."
    assert seen(signed).number == 3
    chain = signed.session.scalars(
        select(Event).where(Event.chain == events.chain_of(signed.audit_round)).order_by(Event.seq)
    ).all()
    assert [event.data["version"] for event in chain if event.verb == "composition.saved"] == [1, 2, 3]
    assert events.verify(list(chain)) is None
    # the text itself stands in no event
    assert "First" not in str([event.data for event in chain])
    with pytest.raises(sa.exc.DatabaseError, match="never changed"):
        signed.write().execute(sa.update(CompositionVersion).values(number=9))
    signed.session.rollback()


def test_two_people_at_once_lose_nothing(signed: World) -> None:
    write(signed, "Hers.", by="lead-inspector")
    with pytest.raises(operations.Disputed, match="Lead Inspector changed this too, in version 1") as told:
        write(signed, "His.", cy="Ei eiriau.", based_on=0)
    # what both changed, beside what is saved; the rest as each left it
    assert list(told.value.fields) == ["before-en"] and told.value.theirs == {"before-en": "Hers."}
    assert (told.value.values["before-en"], told.value.values["before-cy"]) == ("His.", "Ei eiriau.")
    assert seen(signed).composition.chapter("about").before.en == "Hers."
    # what only one of them touched is no conflict: it stays as whoever wrote it left it
    write(signed, "", after="His.", cy="Ei eiriau.", based_on=0)
    write(signed, "Hers, better.", by="lead-inspector", based_on=1)
    about = seen(signed).composition.chapter("about")
    assert (about.before.en, about.before.cy, about.after.en) == ("Hers, better.", "Ei eiriau.", "His.")
    with pytest.raises(NotFound):
        write(signed, "Mine.", based_on=99)
    # another chapter can be saved over the older version
    write(signed, "His.", chapter="overview", based_on=0)
    found = seen(signed).composition
    assert (found.chapter("about").before.en, found.chapter("overview").before.en) == ("Hers, better.", "His.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[n: no.such]]", "no figure “no.such”"),
        ("[[figure: no-such]]", "no table or chart"),
        ("[[figure: response]]\n\n[[figure: response]]", "stands in the report already: About the audit, after the"),
        ("# Heading", "a heading stands in a line of its own and begins with ##"),
        ("[[see: recommendation rec-1]]", "no recommendation “rec-1”"),
        ("x" * 20_001, "shorten it to 20000"),
    ],
)
def test_what_cannot_stand_is_refused_with_its_field(signed: World, text: str, said: str) -> None:
    with pytest.raises(operations.NotSaved, match=said) as refused:
        write(signed, "", after=text)
    assert list(refused.value.fields) == ["after-en"]
    assert seen(signed).number == 0


def test_chapters_are_moved_left_out_added_and_taken_away(signed: World) -> None:
    usual = [one.key for one in seen(signed).chapters]
    place = usual.index("about")
    do(signed, operations.move_chapter, "about", up=True)
    assert [one.key for one in seen(signed).chapters].index("about") == place - 1
    do(signed, operations.hide_chapter, "overview", hidden=True)
    key = do(signed, operations.add_chapter, title={"en": "What comes next"})
    # what is put in at the same time can be referred to
    write(signed, "See [[see: figure heat]] and [[see: chapter about]].\n\n[[figure: heat]]\n\n[[figure: response]]",
          chapter=key, title="Next", based_on=3)  # fmt: skip
    with pytest.raises(operations.NotSaved, match="“grades” stands nowhere in this report"):
        write(signed, "[[see: figure grades]]", based_on=4)
    found = composed_findings(signed.session, signed.audit_round, actor=signed.actor("inspector"), now=signed.now)
    keys = [one.key for one in found.composition.chapters]
    assert "overview" not in keys
    own = next(one for one in found.composition.chapters if one.key == key)
    assert (own.title, [part.kind for part in own.before]) == ("Next", ["text", "figure", "figure"])
    # it stands there once: another place is told where
    with pytest.raises(operations.NotSaved, match="stands in the report already: Next, before the figures") as refused:
        write(signed, "[[figure: response]]", based_on=4)
    assert list(refused.value.fields) == ["before-en"]
    do(signed, operations.remove_chapter, key)
    assert key not in [one.key for one in seen(signed).chapters]
    with pytest.raises(NotFound):
        do(signed, operations.remove_chapter, "about")
    with pytest.raises(NotFound):
        do(signed, operations.move_chapter, "no-such", up=True)


def test_key_messages_are_accepted_edited_and_dropped(signed: World) -> None:
    rule = seen(signed).proposed[0].rule
    do(signed, operations.decide, rule, state="edited", heading={"en": "Who answered"},
       text={"en": "[[n: response.percent]] did."}, based_on=0)  # fmt: skip
    found = composed_findings(signed.session, signed.audit_round, actor=signed.actor("inspector"), now=signed.now)
    one = found.composition.messages[0]
    assert (one.rule, one.heading.text) == (rule, "Who answered")
    assert one.sentence.text.endswith("% did.")
    do(signed, operations.decide, rule, state="dropped", based_on=1)
    found = composed_findings(signed.session, signed.audit_round, actor=signed.actor("inspector"), now=signed.now)
    assert rule not in [one.rule for one in found.composition.messages]
    with pytest.raises(NotPossible, match="meanwhile"):
        do(signed, operations.decide, rule, state="accepted", based_on=1)
    # the words of two people: the Welsh of one stays, the heading of both is told
    words = {"heading": {"en": "Who came"}, "text": {"en": "All did."}}
    do(signed, operations.decide, rule, state="edited", based_on=2, **words)
    welsh = {"heading": {"en": "Who came"}, "text": {"en": "All did.", "cy": "Pawb."}}
    do(signed, operations.decide, rule, state="edited", based_on=3, by="lead-inspector", **welsh)
    words["text"]["en"] = "Most did."
    do(signed, operations.decide, rule, state="edited", based_on=3, **words)
    said = seen(signed).composition.choice(rule)
    assert said is not None and (said.text.en, said.text.cy) == ("Most did.", "Pawb.")
    with pytest.raises(operations.Disputed) as told:
        do(signed, operations.decide, rule, state="edited", based_on=3, heading={"en": "x"}, text={"en": "Few did."})
    assert told.value.theirs == {"text-en": "Most did."}
    do(signed, operations.decide, rule, state="dropped", based_on=5)
    with pytest.raises(NotPossible, match="meanwhile"):  # no words beside his, but a decision
        do(signed, operations.decide, rule, state="edited", based_on=5, **words)
    with pytest.raises(NotFound):
        do(signed, operations.decide, "no-such-rule", state="accepted", based_on=2)


def test_an_example_is_quoted_without_a_name_unless_it_is_named(signed: World) -> None:
    items = [item for item in signed.work(CODE).items if (item.answer.value or {}).get("commentary")]
    one = mark(signed, about=items[0].id)
    write(signed, f"[[quote: {one.public_id}]]\n\n[[quote: {one.public_id} named]]")
    found = composed_findings(signed.session, signed.audit_round, actor=signed.actor("inspector"), now=signed.now)
    quotes = [part for chapter in found.composition.chapters for part in chapter.before if part.kind == "quote"]
    name = signed.returns[CODE].agency.name
    assert quotes[0].text == quotes[1].text == items[0].answer.value["commentary"]
    # without its subtype, of which there is no other
    kind = signed.pack.agency_types[signed.returns[CODE].agency_type]
    assert quotes[0].source == localise(kind.name) and kind.subtypes
    assert quotes[1].source == name
    # what would give the agency away: its name and code, its place, and whoever is appointed at it or signed
    who = seen(signed).known.quotes[one.public_id].who
    people = [signed.people[role].name for role in ("signatory", "lead", "contributor", "board")]
    area = signed.session.scalars(select(Area.name)).one()
    known = [name, CODE, area, *people]
    assert list(who.given_away("; ".join(known))) == known
    assert who.given_away(f"{signed.people['inspector'].name} asked, and {signed.body.name}.") == ()
    # where the report is to name none, its name stands in the way of publishing, and of signing off
    assert seen(signed).named() == []
    signed.write().execute(sa.update(type(signed.audit_round)).values(names_agencies=False))
    signed.session.commit()
    assert [(place.chapter, found) for place, found in seen(signed).named()] == [("about", name)]
    with pytest.raises(NotPossible, match="names no agency beyond the inspectorates"):
        sign_off(signed)
    assert submission(signed).public_id
    assert question(signed)


def test_comments_are_answered_for_and_resolved(signed: World) -> None:
    one = do(signed, operations.comment, "about", text="Is this so?")
    with pytest.raises(NotPossible, match="Write what you want to say"):
        do(signed, operations.comment, "about", text="  ")
    with pytest.raises(NotFound):
        do(signed, operations.comment, "no-such", text="x")
    assert do(signed, operations.comment, "about", text="Is this so? ").id == one.id, "sent twice"
    row = do(signed, operations.resolve, one.public_id, by="lead-inspector")
    assert do(signed, operations.comment, "about", text="Is this so?").id != one.id
    assert row.resolved_by_id == signed.people["lead-inspector"].id
    with pytest.raises(NotFound):
        do(signed, operations.resolve, "no-such")


@pytest.fixture
def joint(signed: World) -> World:
    """Two inspectorates in the round; `west` is the lead inspector of the second."""
    world, session = signed, signed.write()
    people.add_oversight_body(
        session, code="west", name="Westmere Inspectorate", short="West", kind="inspectorate", by=SYSTEM, now=world.now
    )
    west = session.scalars(select(OversightBody.id).where(OversightBody.code == "west")).one()
    last = list(world.returns.values())[-1].agency_type
    session.execute(sa.update(RoundTemplate).where(RoundTemplate.agency_type == last).values(oversight_body_id=west))
    people.add_person(
        session, email="west@agency.example", name="West", role="lead_inspector", body_code="west", post="",
        starts=world.now.date(), ends=None, by=SYSTEM, now=world.now,
    )  # fmt: skip
    session.commit()
    world.people |= {user.email.split("@")[0]: user for user in session.scalars(select(User))}
    return world


def test_each_inspectorate_signs_off_and_a_change_voids_it(joint: World) -> None:
    with pytest.raises(NotPossible, match="nothing to sign off"):
        sign_off(joint)
    write(joint, "Said.")
    assert unsigned(joint.session, joint.audit_round) == 2
    with pytest.raises(NotFound):
        sign_off(joint, by="inspector")
    with pytest.raises(NotFound):  # for another's inspectorate
        sign_off(joint, body="west")
    sign_off(joint)
    with pytest.raises(NotPossible, match="already"):
        sign_off(joint)
    assert signed_off_version(joint.session, joint.audit_round) is None
    sign_off(joint, by="west", body="west")
    assert unsigned(joint.session, joint.audit_round) == 0
    found = composed_findings(joint.session, joint.audit_round, actor=joint.actor("inspector"), now=joint.now)
    assert found.composition.is_signed_off
    write(joint, "Said otherwise.", based_on=1)
    assert unsigned(joint.session, joint.audit_round) == 2
    assert signed_off_version(joint.session, joint.audit_round).number == 1
    with pytest.raises(NotPossible, match="Version 2 was saved since"):
        sign_off(joint, version=1)
    found = composed_findings(joint.session, joint.audit_round, actor=joint.actor("inspector"), now=joint.now)
    assert not found.composition.is_signed_off


def recommend(world: World, text: str = "Look at [[n: response.submitted]] files.", **values: Any) -> str:
    """A recommendation to the agencies of the first type."""
    kind = world.returns[CODE].agency_type
    return do(
        world, operations.save_recommendation, values.pop("key", ""), text={"en": text},
        addressee=values.pop("addressee", f"type:{kind}"), due=date(2003, 12, 1),
        based_on=values.pop("based_on", seen(world).number),
    )  # type: ignore[no-any-return]  # fmt: skip


def test_what_was_signed_off_is_published_and_stays_as_it_was(signed: World) -> None:
    write(signed, "Of all, [[n: response.submitted]] answered.")
    with pytest.raises(NotPossible, match="nothing that was written comes out"):
        publish(signed, signed.now + LATER, waived={key: why for key, why in REASONS.items() if key != "unwritten"})
    sign_off(signed)
    write(signed, "Written later.", based_on=1)
    with pytest.raises(NotPossible, match="what was signed off last comes out"):
        publish(signed, signed.now + LATER, waived={key: why for key, why in REASONS.items() if key != "unsigned"})
    publish(signed, signed.now + LATER, waived=REASONS)
    assert clock(signed, signed.now + 2 * LATER) == 1
    out = published_findings(
        signed.session, signed.audit_round, actor=signed.actor("inspector"), now=signed.now + 2 * LATER
    )
    assert texts(out) == ["Of all, 1 answered."]
    # a correction brings what was signed off since
    sign_off(signed)
    signed.now += 2 * LATER
    actor = signed.actor("lead-inspector")
    row = release.correct(
        signed.write(), signed.audit_round.public_id, reason="Said better.", by=actor, now=signed.now
    )
    signed.session.commit()
    assert [one for one in row.changes if one["chapter"] == "composition"] == [
        {"chapter": "composition", "what": "About the audit", "field": "before", "old": "Of all, 1 answered.",
         "new": "Written later."},
    ]  # fmt: skip
    first = edition_content(signed.session, signed.audit_round, 1, now=signed.now)["findings"]["en"]["composition"]
    assert "Of all" in str(first)
    assert "Of all" not in str(row.content["findings"]["en"]["composition"])


def test_without_a_composed_report_nothing_changes(signed: World) -> None:
    publish(signed, signed.now + LATER, waived=REASONS)
    clock(signed, signed.now + 2 * LATER)
    content = edition_content(signed.session, signed.audit_round, 1, now=signed.now + 2 * LATER)
    assert content["findings"]["en"]["composition"] is None
    assert signed.session.scalars(select(Recommended)).all() == []


def test_recommendations_enter_the_register_and_are_tracked(signed: World) -> None:
    first = recommend(signed)
    second = recommend(signed, "Publish a guide.", addressee=f"body:{signed.body.code}")
    with pytest.raises(operations.NotSaved, match="Choose whom"):
        recommend(signed, addressee="type:no-such")
    # two people at once: his day and her words
    kind = signed.returns[CODE].agency_type
    same = {"text": {"en": "Look at [[n: response.submitted]] files."}, "addressee": f"type:{kind}", "based_on": 2}
    do(signed, operations.save_recommendation, first, due=date(2004, 1, 1), **same)
    her = same | {"text": {"en": "Look at [[n: response.submitted]] of the files."}}
    do(signed, operations.save_recommendation, first, due=date(2003, 12, 1), by="lead-inspector", **her)
    row = seen(signed).composition.recommendation(first)
    assert row is not None and (row.text.en[-13:], row.due) == ("of the files.", date(2004, 1, 1))
    with pytest.raises(operations.Disputed) as told:
        do(signed, operations.save_recommendation, first, due=date(2003, 11, 1), **same)
    assert told.value.theirs == {"due": date(2004, 1, 1)}
    recommend(signed, key=first)
    # one that somebody took out meanwhile is said to be
    third, opened = recommend(signed, "Third."), seen(signed).number
    do(signed, operations.remove_recommendation, third)
    with pytest.raises(NotPossible, match=rf"took this out since .* version {opened}, in which"):
        recommend(signed, "Third, better.", key=third, based_on=opened)
    with pytest.raises(NotFound):
        recommend(signed, key="rec-none")
    do(signed, operations.move_recommendation, second, up=True)
    sign_off(signed)
    publish(signed, signed.now + LATER, waived=REASONS)
    assert recommended(signed.session, signed.audit_round, actor=signed.actor("inspector"), now=signed.now) == []
    clock(signed, signed.now + 2 * LATER)
    found = recommended(signed.session, signed.audit_round, actor=signed.actor("inspector"), now=signed.now)
    assert [(one.row.number, one.row.key, one.row.text["en"]) for one in found] == [
        (1, second, "Publish a guide."), (2, first, "Look at 1 files."),
    ]  # fmt: skip
    assert [(one.total, one.by_state[""]) for one in found] == [(1, 1), (1, 1)]
    to_body, to_agencies = found[0].row, found[1].row
    ret = signed.returns[CODE]
    # those addressed are told, once, and nobody else
    clock(signed, signed.now + 2 * LATER)
    of_report = OutboxMessage.dedupe_key.startswith("recommended:")
    mails = signed.session.scalars(select(OutboxMessage).where(of_report)).all()
    assert {one.user_id for one in mails} == {signed.people[who].id for who in ("signatory", "lead")}
    assert len(mails) == 2
    assert all(ret.agency.name in one.subject and one.return_id == ret.id for one in mails)

    def track(row: Recommended, state: str, return_id: str = "", **values: Any) -> Any:
        return do(signed, operations.track, row.public_id, return_id=return_id, state=state,
                  note=values.pop("note", "They wrote to us."), **values)  # fmt: skip

    track(to_agencies, "accepted", ret.public_id)
    track(to_agencies, "done", ret.public_id)
    track(to_body, "under_way")
    found = recommended(signed.session, signed.audit_round, actor=signed.actor("inspector"), now=signed.now)
    assert [one.by_state for one in found] == [{"": 0, "under_way": 1}, {"": 0, "done": 1}]
    rows, total = standing_on(
        signed.session, signed.audit_round, to_agencies, actor=signed.actor("inspector"), page=1, size=9
    )
    assert [(one.return_id, one.state) for one in rows] == [(ret.public_id, "done")]
    assert total == 1
    assert [one.state for one in over_time(signed.session, to_agencies, ret)] == ["done", "accepted"]
    assert [one.state for one in over_time(signed.session, to_body, None)] == ["under_way"]
    # the agency says itself what it does about it, and only about what is addressed to it
    def respond(row: Recommended, by: str = "lead", **values: Any) -> Any:
        given = {"answer": "accepted", "progress": "under_way", "text": "We begin.", "expected": date(2004, 1, 1)}
        actor = signed.actor(by)
        try:
            found = responding.respond(
                signed.write(), ret.public_id, row.public_id, by=actor, now=signed.now, **given | values
            )
        except Exception:
            signed.session.rollback()
            raise
        signed.session.commit()
        return found

    for values, field in (
        ({"answer": "odd"}, "answer"), ({"text": " "}, "text"), ({"text": "x" * 5000}, "text"),
        ({"progress": ""}, "progress"), ({"expected": None}, "expected"),
    ):  # fmt: skip
        with pytest.raises(operations.NotSaved) as refused:
            respond(to_agencies, **values)
        assert list(refused.value.fields) == [field]
    for who, row in (("lead", to_body), ("board", to_agencies), ("inspector", to_agencies)):
        with pytest.raises(NotFound):
            respond(row, by=who)
    assert to_answer(addressed_to(signed.session, ret)) == 1
    respond(to_agencies)
    respond(to_agencies, answer="not_accepted", text="We cannot.")
    (mine,) = addressed_to(signed.session, ret)
    assert (mine.row.id, mine.response.answer, mine.response.progress) == (to_agencies.id, "not_accepted", "")
    assert mine.response.expected is None and to_answer([mine]) == 0
    chain = signed.session.scalars(select(Event).where(Event.chain == events.chain_of(ret)).order_by(Event.seq)).all()
    assert [event.data["answer"] for event in chain if event.verb == "recommendation.answered"] == [
        "accepted", "not_accepted",
    ]  # fmt: skip
    assert events.verify(list(chain)) is None
    found = recommended(signed.session, signed.audit_round, actor=signed.actor("inspector"), now=signed.now)
    assert [one.responded for one in found] == [0, 1]
    stands = standing_on_all(
        signed.session, signed.audit_round, [one.row for one in found], actor=signed.actor("inspector")
    )
    assert [(one.state, one.response and one.response.text) for one in stands[to_agencies.id]] == [
        ("done", "We cannot."),
    ]
    assert [(one.name, one.state) for one in stands[to_body.id]] == [(signed.body.name, "under_way")]
    # what was said about the agency, and by it, belongs to what it can ask for
    told = entries(signed.session, ret, actor=signed.actor("lead-inspector"), now=signed.now + 2 * LATER)
    assert [one.text for one in told if one.id.startswith("recommended:")] == [
        "Accepted.\nThey wrote to us.", "Done.\nThey wrote to us.",
    ]  # fmt: skip
    assert [one.text for one in told if one.id.startswith("response:")] == [
        "Accepted.\nWe begin.", "Not accepted.\nWe cannot.",
    ]  # fmt: skip
    for state, note, field in (("odd", "x", "state"), ("done", "  ", "note")):
        with pytest.raises(operations.NotSaved) as refused:
            track(to_agencies, state, ret.public_id, note=note)
        assert list(refused.value.fields) == [field]
    with pytest.raises(NotFound):
        track(to_agencies, "done")
    with pytest.raises(NotFound):
        track(to_body, "done", ret.public_id)
    assert signed.session.scalar(select(sa.func.count()).select_from(RecommendedStatus)) == 3


def test_a_correction_changes_the_register_and_forgets_nothing(signed: World) -> None:
    first, second = recommend(signed), recommend(signed, "Second.")
    sign_off(signed)
    publish(signed, signed.now + LATER, waived=REASONS)
    clock(signed, signed.now + 2 * LATER)
    do(signed, operations.remove_recommendation, first)
    third, fourth = recommend(signed, "Fourth."), recommend(signed, "Third.")
    # a number that came out is never another's: the rest keep theirs, and new ones follow
    with pytest.raises(NotPossible, match="published as number 2, and keeps it"):
        do(signed, operations.move_recommendation, second, up=False)
    with pytest.raises(NotPossible, match="any further"):
        do(signed, operations.move_recommendation, third, up=True)
    do(signed, operations.move_recommendation, third, up=False)
    third, fourth = fourth, third
    sign_off(signed)
    signed.now += 2 * LATER
    actor = signed.actor("lead-inspector")
    row = release.correct(signed.write(), signed.audit_round.public_id, reason="Not made.", by=actor, now=signed.now)
    signed.session.commit()
    made = row.content["findings"]["en"]["composition"]["recommendations"]
    assert [(one["key"], one["number"]) for one in made] == [(second, 2), (third, 3), (fourth, 4)]
    # what changed is those three, in words; the one that stays is not among them
    said = {(one["what"], one["field"]): (one["old"], one["new"]) for one in row.changes
            if one["chapter"] == "recommendations"}  # fmt: skip
    kind = {one["addressee"] for one in made}.pop()
    assert said == {
        ("1", "body"): ("Look at 1 files.", ""), ("1", "addressee"): (kind, ""), ("1", "due"): ("2003-12-01", ""),
        ("3", "body"): ("", "Third."), ("3", "addressee"): ("", kind), ("3", "due"): ("", "2003-12-01"),
        ("4", "body"): ("", "Fourth."), ("4", "addressee"): ("", kind), ("4", "due"): ("", "2003-12-01"),
    }  # fmt: skip
    found = recommended(signed.session, signed.audit_round, actor=signed.actor("inspector"), now=signed.now)
    assert [(one.row.key, one.row.number, one.row.edition, one.row.withdrawn_in) for one in found] == [
        (second, 2, 1, None), (third, 3, 2, None), (fourth, 4, 2, None), (first, 1, 1, 2),
    ]  # fmt: skip
    assert withdrawn_on(signed.session, [one.row for one in found]) == {found[3].row.id: row.at}
    lead = signed.actor("lead")
    with pytest.raises(NotPossible, match="is withdrawn"):
        responding.respond(
            signed.write(), signed.returns[CODE].public_id, found[3].row.public_id, answer="not_accepted", text="No.",
            by=lead, now=signed.now,
        )  # fmt: skip
    signed.session.rollback()


def test_only_inspectors_of_the_addressee_say_how_it_stands(joint: World) -> None:
    recommend(joint)
    sign_off(joint)
    sign_off(joint, by="west", body="west")
    publish(joint, joint.now + LATER, waived=REASONS)
    clock(joint, joint.now + 2 * LATER)
    row, ret = joint.session.scalars(select(Recommended)).one(), joint.returns[CODE]
    assert may_track(joint.session, row, ret, actor=joint.actor("inspector"), now=joint.now)
    assert not may_track(joint.session, row, ret, actor=joint.actor("west"), now=joint.now)
    assert standing_on(
        joint.session, joint.audit_round, row, actor=joint.actor("west"), page=1, size=9
    ) == ([], 0)
    with pytest.raises(NotFound):
        do(joint, operations.track, row.public_id, return_id=ret.public_id, state="done", note="x", by="west")


def test_a_report_with_a_reference_to_nothing_is_neither_signed_off_nor_published(signed: World) -> None:
    write(signed, "Of all, [[n: response.submitted]].")
    sign_off(signed)
    # as if the data had lost it since
    row = signed.session.scalars(select(CompositionVersion)).one()
    content = {**row.content, "chapters": [
        {**one, "before": {"en": "[[n: gone]]", "cy": ""}} if one["key"] == "about" else one
        for one in row.content["chapters"]
    ]}  # fmt: skip
    signed.write().add(CompositionVersion(round_id=row.round_id, number=2, content=content, by_id=None, at=signed.now))
    signed.session.commit()
    assert [str(problem) for _place, problem in seen(signed).problems()] == ["There is no figure “gone” in the data."]
    with pytest.raises(NotPossible, match=r"before the figures: There is no figure “gone” in the data\. Mend"):
        sign_off(signed)
    with pytest.raises(NotPossible, match="cannot be published"):
        operations.check_publishable(
            {"findings": {"en": composed_findings(
                signed.session, signed.audit_round, actor=signed.actor("inspector"), now=signed.now
            ).model_dump(mode="json")}}
        )  # fmt: skip


def test_small_numbers_are_in_no_text_that_comes_out(signed: World) -> None:
    """One agency has answered: of fewer than two nothing is said beyond the inspectorates."""
    write(signed, "Of all, [[n: overall.agencies]] answered.")
    usual = {one.rule for one in seen(signed).findings.key_messages}
    for rule in usual:
        do(signed, operations.decide, rule, state="edited", heading={"en": "Said"}, text={"en": "So it is."},
           based_on=1)  # fmt: skip
    signed.write().execute(sa.update(type(signed.audit_round)).values(suppress_below=2, names_agencies=False))
    signed.session.commit()
    # the inspectors see it still; it can neither be signed off nor saved anew
    found = composed_findings(signed.session, signed.audit_round, actor=signed.actor("inspector"), now=signed.now)
    assert texts(found) == ["Of all, 1 answered."]
    too_few = r"“overall\.agencies” is about fewer agencies than figures may be published of"
    with pytest.raises(NotPossible, match=too_few):
        sign_off(signed)
    with pytest.raises(operations.NotSaved, match=too_few):
        write(signed, "Only [[n: overall.agencies]] answered.", based_on=1)
    # what they write with is what comes out, figures, messages and charts alike: all that is offered can be saved
    here = seen(signed)
    out = composed_findings(
        signed.session, signed.audit_round, actor=signed.actor("inspector"), now=signed.now, coming_out=True
    )
    assert out.suppressed_below == 2 and here.with_composition() == out
    assert "overall.agencies" not in here.known.facts and here.known.facts
    assert out.key_messages == here.findings.key_messages and len(found.key_messages) > len(out.key_messages)
    assert not any("named in this report" in str(one.sentence) for one in here.proposed)
    gone = usual - {one.rule for one in here.proposed}
    assert gone and {one.rule for one in here.without_data} == gone
    told = "Key message “Said”: The data that come out no longer say what it was made from. Drop it."
    assert [f"{place.name}: {problem}" for place, problem in here.problems()[1:]] == [told] * len(gone)
    for rule in gone:
        do(signed, operations.decide, rule, state="dropped", based_on=here.number)
    assert seen(signed).without_data == [] and len(seen(signed).problems()) == 1
    offered = [f"[[n: {key}]]" for key in here.known.facts]
    write(signed, "\n\n".join([*offered, *(f"[[figure: {key}]]" for key in here.known.figures)]), based_on=1)


def test_a_report_that_names_no_agency_says_where_it_does(signed: World) -> None:
    """What comes out is searched: texts, titles, and what is quoted, of other agencies too."""
    signed.write().execute(sa.update(type(signed.audit_round)).values(names_agencies=False))
    signed.session.commit()
    name, other = (one.agency.name for one in list(signed.returns.values())[:2])
    write(signed, f"As {name.upper()} says.")
    key = do(signed, operations.add_chapter, title={"en": f"What {name} did"})
    recommend(signed, f"Help {other}.")
    places = [("Title of “What {0} did”", name), ("About the audit, before the figures", name.upper()),
              ("Recommendation 1", other)]  # fmt: skip
    places = [(place.format(name), which) for place, which in places]
    assert [(str(place.name), which) for place, which in seen(signed).named()] == places
    sign_off(signed)

    def in_the_way() -> list[str]:
        counts = counts_of(signed.session, signed.audit_round, actor=signed.actor("lead-inspector"), now=signed.now)
        found = release.obstacles(counts, None, at=None)
        return [str(which) for one in found if one.key == "named" for which in one.which]

    assert in_the_way() == [f"{place}: “{which}”" for place, which in places]
    unnamed = {key: why for key, why in REASONS.items() if key != "named"}
    with pytest.raises(NotPossible, match="Names of agencies in what was written, though this report is to name none"):
        publish(signed, signed.now + LATER, waived=unnamed)
    do(signed, operations.remove_chapter, key)
    write(signed, "As they say.", based_on=seen(signed).number)
    assert in_the_way() == [f"{place}: “{which}”" for place, which in places]  # of what was signed off
    publish(signed, signed.now + LATER, waived=REASONS)
    # a correction is held up alike, and comes out with a reason
    signed.now += 2 * LATER
    clock(signed, signed.now)
    sign_off(signed)
    actor, rid = signed.actor("lead-inspector"), signed.audit_round.public_id
    with pytest.raises(NotPossible, match="Names of agencies"):
        release.correct(signed.write(), rid, reason="Said better.", by=actor, now=signed.now)
    signed.session.rollback()
    why = {"named": "It agreed."}
    release.correct(signed.write(), rid, reason="Said better.", waived=why, by=actor, now=signed.now)
    signed.session.commit()
    last = signed.session.scalars(select(Event).where(Event.verb == "findings.published").order_by(Event.seq.desc()))
    assert {one.name: one.text for one in last.first().texts}["waived-named"] == "It agreed."
    signed.write().execute(sa.update(type(signed.audit_round)).values(names_agencies=True))
    signed.session.commit()
    assert seen(signed).named() == in_the_way() == []


def test_an_archived_round_takes_nothing(signed: World) -> None:
    signed.write().execute(sa.update(type(signed.audit_round)).values(archived_at=signed.now, closed_at=signed.now))
    signed.session.commit()
    with pytest.raises(NotPossible, match="archived"):
        write(signed, "Late.")
