"""Search: what is found, by whom, and what nobody may find. Every agency's texts hold a word of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.actions import Typed
from app.domain.search import wanted
from app.models import AuditReturn, PeerReview, SearchText
from app.operations import search, submissions
from app.operations.actions import plan_action
from app.operations.answers import Edit, save_answers
from app.operations.threads import open_thread, reply
from app.policy import Denied
from app.queries.returns import get_return
from app.queries.rounds import NotFound
from app.queries.search import Results, SearchFilter, criteria_in, parts_of, search_agency, search_round
from tests.operations.test_returns import sign
from tests.world import SYSTEM, World, build, complete

KINDS = ("query", "progress", "peer", "accuracy", "comment")


def token(code: str, what: str = "answer") -> str:
    """A word that stands in one place alone."""
    return f"tok{what}{code.replace('-', '')}"


def signatory(world: World, code: str) -> str:
    """The short name of who signs for an agency."""
    first = next(iter(world.pack.agency_types))
    return "signatory" if code == f"{first}-1" else f"signatory-{code.removesuffix('-1')}"


def answered(world: World, code: str, words: str) -> None:
    """Answer everything with the worst grade, so that each answer has a commentary, which holds the words."""
    for _round in range(3):  # an answer can make further questions be asked
        edits = [
            Edit(
                item.id, complete(item.criterion, item.scheme, best=False) | {"commentary": f"{words} of training"},
                item.answer.version, f"k{item.answer.version}",
            )
            for item in world.work(code).items
            if not item.handler.needs_files
        ]  # fmt: skip
        actor = world.actor(signatory(world, code))
        result = save_answers(world.write(), world.returns[code].public_id, edits, by=actor, now=world.now)
        assert result.clean, result
        world.session.commit()
        if not world.work(code).outstanding:
            break


def submitted(world: World, code: str) -> None:
    """Answer and sign, with the agency's own word in each commentary."""
    answered(world, code, token(code))
    sign(world, code, by=signatory(world, code))


def threads(world: World, code: str) -> None:
    """A thread of each kind about a return, each with a word of its own on either side."""
    for kind in KINDS:
        session = world.write()
        audit_return = get_return(session, world.returns[code].public_id, actor=SYSTEM, now=world.now, lock=True)
        thread = open_thread(
            session, audit_return, kind=kind, subject="Subject", text=f"{token(code, kind)} asked", side="oversight",
            by=SYSTEM, now=world.now,
        )  # fmt: skip
        reply(session, thread, text=f"{token(code, kind)} answered", side="agency", by=SYSTEM, now=world.now)
        world.session.commit()


def found(world: World, who: str, words: str, **narrowed: Any) -> Results:
    """What somebody finds in the round."""
    world.session.rollback()
    return search_round(
        world.session, world.audit_round, wanted(words), actor=world.actor(who), now=world.now,
        narrowed=SearchFilter(**narrowed),
    )  # fmt: skip


def found_of(world: World, who: str, code: str, words: str) -> Results:
    """What somebody finds in the search of one return. Raises NotFound."""
    world.session.rollback()
    audit_return = get_return(
        world.session, world.returns[code].public_id, actor=world.actor(who), now=world.now
    )
    return search_agency(world.session, audit_return, wanted(words), actor=world.actor(who), now=world.now)


# --- what is found ---------------------------------------------------------------------------------------------------


def test_a_text_is_found_once_it_is_signed_and_no_longer_once_it_is_reopened(world: World) -> None:
    code = "council-1"
    answered(world, code, token(code))
    assert found(world, "inspector", token(code)).total == 0, "drafts stay with the agency"
    assert found_of(world, "signatory", code, token(code)).total == 0
    sign(world, code)
    results = found(world, "inspector", token(code))
    assert results.total == sum(item.started for item in world.work(code).items) > 10 and results.pages >= 1
    one = results.rows[0]
    assert (token(code), True) in one.snippet and one.agency.code == code and one.kind == "answer"
    actor = world.actor("inspector")
    submissions.reopen(world.write(), world.returns[code].public_id, reason="x", by=actor, now=world.now)
    world.session.commit()
    assert found(world, "inspector", token(code)).total == 0
    answered(world, code, "quitedifferent")
    sign(world, code)
    assert found(world, "inspector", token(code)).total == 0
    assert found(world, "inspector", "quitedifferent").total == results.total


def test_words_are_found_in_other_forms_and_groups(world: World) -> None:
    submitted(world, "council-1")
    submitted(world, "police-1")
    both = found(world, "inspector", "trained").total
    council = found(world, "inspector", f"training {token('council-1')}").total
    assert 0 < council < both
    assert found(world, "inspector", f"training -{token('council-1')}").total == both - council
    assert found(world, "inspector", f"{token('council-1')} OR {token('police-1')}").total == both
    assert found(world, "inspector", f'"{token("council-1")} of training"').total == council
    assert found(world, "inspector", f'"training of {token("council-1")}"').total == 0


ODD = (
    "", " ", '"', '""', '"unclosed', "'", "'; DROP TABLE search_text; --", "a AND", "OR", "NOT", "-", "--x", "*",
    "training*", "^training", "text:training", "NEAR(a b, 2)", "(a", "a)", "{a b}: c", "a + b", "a & | ! b", "<->",
    "\\", "\\'", "%", "_", "\x00", "\x02\x03", "é ü ß 中文 ٣", "a" * 500, '" ' * 200, "-a -b", "or or or", "a:*",
    "&amp;", "<b>", "\u200b", "😀", "1.5", "don't", "co-operate", "a\nb\tc", "the", "training -the", "the OR of",
)  # fmt: skip


def test_nothing_that_is_typed_breaks_a_search(searched: World) -> None:
    for typed in ODD:
        assert found(searched, "inspector", typed).total >= 0, typed
        assert found(searched, "inspector", f"training {typed} {typed}").total >= 0, typed
        assert found_of(searched, "signatory", "council-1", f"{typed} -training").total >= 0, typed


@pytest.fixture
def searched(world: World) -> World:
    """The world with a text that can be found."""
    audit_return = world.returns["council-1"]
    world.write().add(
        SearchText(
            round_id=audit_return.round_id, return_id=audit_return.id, kind="answer", about="x", place="x",
            text="Training that couldn't stop at 1.5",
        )
    )  # fmt: skip
    world.session.commit()
    return world


def test_figures_and_contractions_are_found_as_typed(searched: World) -> None:
    for words in ("1.5", "couldn't", "training 1.5"):
        assert found(searched, "inspector", words).total == 1, words


def test_filters_narrow_by_what_the_pack_says(world: World) -> None:
    submitted(world, "council-1")
    submitted(world, "police-1")
    all_of_it = found(world, "inspector", "training").total
    by_type = found(world, "inspector", "training", agency_type="police").total
    assert 0 < by_type < all_of_it
    assert found(world, "inspector", "training", agency_type="police", subtype="nothing").total == 0
    template = world.pack.templates["council"]
    criterion = template.criteria()[0].criterion
    standard = template.standards[0]
    by_theme = found(world, "inspector", "training", theme=criterion.theme)
    assert {world.pack.templates[r.audit_return.agency_type].criterion(r.about).theme for r in by_theme.rows} == {
        criterion.theme
    }
    by_standard = found(world, "inspector", "training", standard=f"council:{standard.id}")
    ids = {one.id for one in standard.criteria}
    assert by_standard.total and {r.about for r in by_standard.rows} <= ids
    assert {r.audit_return.agency_type for r in by_standard.rows} == {"council"}
    assert found(world, "inspector", "training", standard="council:nothing").total == 0
    assert found(world, "inspector", "training", theme="nothing").total == 0
    answers = [item for code in ("council-1", "police-1") for item in world.work(code).items if item.started]
    grades = {item.grade.key for item in answers if item.grade}
    of_grades = sum(found(world, "inspector", "training", grade=grade).total for grade in grades)
    assert 0 < of_grades == sum(item.grade is not None for item in answers) < all_of_it == len(answers)
    assert found(world, "inspector", "training", kind="action").total == 0
    assert found(world, "inspector", "training", judgement="x:y").total == 0
    assert found(world, "inspector", "training", area="x").total == 0
    assert criteria_in(world.pack) and criteria_in(world.pack, theme="nothing") == {}


def test_questions_asked_per_area_are_in_their_theme(session: Session) -> None:
    world = build(session, per_area=True)
    submitted(world, "council-1")
    criterion = world.pack.templates["council"].criteria()[0].criterion
    assert criterion.scope == "area"
    rows = found(world, "inspector", "training", theme=criterion.theme, agency_type="council").rows
    assert len({row.about for row in rows if row.about.startswith(f"{criterion.id}.")}) == 2


def test_pages_hold_each_text_once_and_the_best_come_first(world: World) -> None:
    submitted(world, "council-1")
    seen = []
    page = 1
    while True:
        results = search_round(
            world.session, world.audit_round, wanted("training"), actor=world.actor("inspector"), now=world.now,
            narrowed=SearchFilter(), page=page, page_size=5,
        )  # fmt: skip
        seen += [row.about for row in results.rows]
        if page == results.pages:
            break
        page += 1
    assert len(seen) == len(set(seen)) == results.total
    audit_return = world.returns["council-1"]
    row = SearchText(
        round_id=audit_return.round_id, return_id=audit_return.id, kind="answer", about="best", place="x",
        text="Training, training, training",
    )  # fmt: skip
    world.write().add(row)
    world.session.commit()
    assert found(world, "inspector", "training").rows[0].about == "best"


def test_a_snippet_is_cut_at_the_words_that_fit() -> None:
    assert parts_of("a \x02b\x03 c") == [("a ", False), ("b", True), (" c", False)]
    assert parts_of("\x02b\x03\x02c\x03") == [("b", True), ("c", True)]
    assert parts_of("plain") == [("plain", False)] and parts_of("") == []


# --- who finds what --------------------------------------------------------------------------------------------------


@pytest.fixture
def told(world: World) -> World:
    """Two agencies that submitted, with a thread of each kind about each."""
    for code in ("council-1", "police-1"):
        submitted(world, code)
        threads(world, code)
    return world


def words_found(results: Results) -> set[str]:
    """The tokens in what was found."""
    return {word for row in results.rows for word in row.text.split() if word.startswith("tok")}


def test_an_inspector_finds_every_kind_of_the_types_that_the_body_asks(told: World) -> None:
    for code in ("council-1", "police-1"):
        for what in ("answer", *KINDS):
            assert words_found(found(told, "inspector", token(code, what))) == {token(code, what)}
    for name in ("outsider", "signatory", "coordinator", "administrator", "board"):
        with pytest.raises(Denied):
            found(told, name, "training")


def test_an_inspector_finds_nothing_of_types_that_another_body_asks(session: Session) -> None:
    world = build(session, pack_key="climbie-2003")
    asked = {s.agency_type for s in world.audit_round.served if s.oversight_body_id == world.body.id}
    for code, audit_return in world.returns.items():
        submitted(world, code)
        threads(world, code)
        for what in ("answer", *KINDS):
            total = found(world, "lead-inspector", token(code, what)).total
            assert bool(total) == (audit_return.agency_type in asked), (code, what)
        if audit_return.agency_type not in asked:
            with pytest.raises(NotFound):
                found_of(world, "lead-inspector", code, "training")
            narrowed = {"agency_type": audit_return.agency_type}
            assert found(world, "lead-inspector", "training", **narrowed).total == 0
    assert asked and len(asked) < len(world.returns)


@pytest.mark.parametrize("name", ["signatory", "lead", "contributor", "board"])
def test_an_agency_finds_its_own_and_never_what_is_said_about_it_in_private(told: World, name: str) -> None:
    seen = {what for what in ("answer", *KINDS) if found_of(told, name, "council-1", token("council-1", what)).total}
    assert seen == {"answer", "query", "progress"}
    for what in ("answer", *KINDS):
        assert found_of(told, name, "council-1", token("police-1", what)).total == 0, what
    with pytest.raises(NotFound):
        found_of(told, name, "police-1", "training")


def test_coordinators_and_peers_find_what_was_signed_and_no_exchange(told: World) -> None:
    for what in ("answer", *KINDS):
        assert bool(found_of(told, "coordinator", "council-1", token("council-1", what)).total) == (what == "answer")
    for name in ("outsider", "administrator"):
        with pytest.raises(NotFound):
            found_of(told, name, "council-1", "training")
    peer = replace(told.actor("inspector"), held=())
    held = [replace(one, role="peer_reviewer") for one in told.actor("inspector").held]
    peer = replace(peer, held=tuple(held))
    with pytest.raises(Denied):
        search_round(
            told.session, told.audit_round, wanted("training"), actor=peer, now=told.now, narrowed=SearchFilter()
        )
    with pytest.raises(NotFound):
        get_return(told.session, told.returns["council-1"].public_id, actor=peer, now=told.now)
    told.write().add(
        PeerReview(
            return_id=told.returns["council-1"].id, user_id=told.people["inspector"].id, assigned_at=told.now,
            declared_at=told.now,
        )
    )  # fmt: skip
    told.session.commit()
    one = get_return(told.session, told.returns["council-1"].public_id, actor=peer, now=told.now)

    def seen(words: str) -> int:
        return search_agency(told.session, one, wanted(words), actor=peer, now=told.now).total

    assert seen(token("council-1")) > 0
    assert [seen(token("council-1", kind)) for kind in KINDS] == [0] * 5
    assert seen("training") == seen(token("council-1"))
    with pytest.raises(NotFound):
        get_return(told.session, told.returns["police-1"].public_id, actor=peer, now=told.now)


# --- keeping it ------------------------------------------------------------------------------------------------------


def rows(world: World) -> list[tuple[Any, ...]]:
    """Everything that can be searched."""
    world.session.rollback()
    return sorted(
        (row.return_id, row.kind, row.thread_kind, row.about, row.place, row.grade, row.text)
        for row in world.session.scalars(select(SearchText))
    )


def test_filling_it_anew_gives_what_was_kept_in_step(told: World) -> None:
    actor = told.actor("inspector")
    submissions.reopen(told.write(), told.returns["police-1"].public_id, reason="x", by=actor, now=told.now)
    told.session.commit()
    kept = rows(told)
    assert {row[0] for row in kept if row[1] != "thread"} == {told.returns["council-1"].id}
    for row in told.write().scalars(select(SearchText)):
        told.session.delete(row)
    told.session.commit()
    assert found(told, "inspector", "training").total == 0
    number = search.rebuild(told.write(), by=told.actor("administrator"))
    told.session.commit()
    assert rows(told) == kept and number == len(kept)
    assert found(told, "inspector", token("council-1")).total > 0
    assert found(told, "inspector", token("police-1")).total == 0
    for name in ("inspector", "lead", "lead-inspector"):
        with pytest.raises(Denied):
            search.rebuild(told.write(), by=told.actor(name))


def test_planned_actions_are_found_with_the_grade_of_their_question(world: World) -> None:
    code = "council-1"
    answered(world, code, "plain")
    item = world.work(code).items[0]
    actor = world.actor("lead")
    planned = Typed("Appoint a tokendirector", "Tokenowner", date(2003, 9, 1), "planned")
    plan_action(world.write(), world.returns[code].public_id, item.id, planned, by=actor, now=world.now)
    world.session.commit()
    sign(world, code)
    (one,) = found(world, "inspector", "tokendirector").rows
    assert (one.kind, one.about) == ("action", item.id) and one.grade
    assert found(world, "inspector", "tokenowner").total == 0, "people's names are not searched"
    assert world.session.get(AuditReturn, world.returns[code].id)
