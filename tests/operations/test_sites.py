"""Questions that are asked once for each site that the agency lists."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.actions import Typed
from app.domain.life import NotPossible
from app.domain.sites import ListRefused, Named, SiteErrors, read_list
from app.models import Event, ReturnSite, SelfAssessment, Submission, Vouch
from app.operations import sites
from app.operations.actions import plan_action
from app.operations.answers import Edit, save_answers, take_theirs, vouch
from app.operations.returned_standards import return_for_correction
from app.queries.returns import content_of, submissions, submitted_checklist
from app.queries.rounds import NotFound
from app.queries.sites import Kept, kept_about, removed_sites, site_rows
from tests import world as world_module
from tests.operations.test_returns import sign
from tests.world import World

CODE = "trust-1"


@pytest.fixture
def world(session: Session) -> World:
    return world_module.build(session, pack_key="every-site")


def add(world: World, *typed: tuple[str, str], by: str = "lead") -> None:
    actor = world.actor(by)
    listed = sites.add_list(
        world.write(), world.returns[CODE].public_id, [Named(*one) for one in typed], by=actor, now=world.now
    )
    assert len(listed.new) + len(listed.back) == len(typed)
    world.session.commit()


def remove(world: World, key: str) -> None:
    actor = world.actor("lead")
    sites.remove(world.write(), world.returns[CODE].public_id, key, by=actor, now=world.now)
    world.session.commit()


def save(world: World, question: str, by: str = "lead", based_on: int = 0, **raw: object) -> Any:
    actor = world.actor(by)
    edit = Edit(question, raw, based_on, f"{question}-{based_on}")
    result = save_answers(world.write(), world.returns[CODE].public_id, [edit], by=actor, now=world.now)
    world.session.commit()
    return result


GREEN = {"grade": "green", "basis": "paper"}


def answer_all(world: World) -> None:
    """Answer everything that is asked and required, the policy first: others depend on it."""
    save(world, "policy", **GREEN)
    for item in world.work(CODE).items:
        if not item.required or item.started:
            continue
        raw: dict[str, object] = {"number": 12} if item.criterion.id == "beds" else dict(GREEN)
        assert save(world, item.id, **raw).clean


def numbers(world: World) -> tuple[int, int]:
    world.session.rollback()
    audit_return = world.returns[CODE]
    world.session.refresh(audit_return)
    work = world.work(CODE)
    return work.complete, work.asked


def test_until_sites_are_listed_each_question_about_them_waits(world: World) -> None:
    work = world.work(CODE)
    sections = {section.standard.id: section for section in work.sections}
    assert [item.number for item in work.items] == ["1.1", "1.2, Mereland"]
    assert [item.criterion.id for item in sections["sites"].waiting] == ["door", "beds"]
    assert [item.number for item in sections["more"].waiting] == ["3.1", "3.2"]
    assert not sections["sites"].items
    assert sections["sites"].state == "not_started"
    # the optional ones stand in nobody's way
    assert [item.id for item in work.outstanding] == [*(item.id for item in work.items), "door", "beds"]
    assert (work.complete, work.asked) == (0, 4)
    with pytest.raises(NotPossible, match="this site is not in your list"):
        save(world, "door", **GREEN)
    answer_all(world)
    assert numbers(world) == (2, 5)  # with the policy another question is asked of each site
    with pytest.raises(NotPossible, match="not finished: 3"):
        sign(world, CODE)


def test_each_site_is_asked_and_answered_by_itself(world: World) -> None:
    add(world, ("RX1", "Northern clinic"), ("", "Annexe"))
    work = world.work(CODE)
    assert [(site.scope, site.code, site.name) for site in work.sites] == [
        ("site-1", "site-1", "Annexe"), ("rx1", "RX1", "Northern clinic"),
    ]  # fmt: skip
    doors = [item for item in work.items if item.criterion.id == "door"]
    assert [(item.id, item.number) for item in doors] == [
        ("door.site-1", "2.1, Annexe"), ("door.rx1", "2.1, Northern clinic"),
    ]  # fmt: skip
    assert not work.waiting
    assert save(world, "door.rx1", **GREEN).saved == {"door.rx1": 1}
    with pytest.raises(NotPossible, match="this site is not in your list"):
        save(world, "door.rx2", **GREEN)
    with pytest.raises(NotPossible, match="not asked of this area"):
        save(world, "policy.rx1", **GREEN)
    answer_all(world)
    complete, asked = numbers(world)
    assert complete == asked == 2 + 3 * 2
    assert (world.returns[CODE].complete, world.returns[CODE].asked) == (8, 8)
    rows = site_rows(world.work(CODE))
    assert [(row.site.name, row.complete, len(row.items), row.answered) for row in rows] == [
        ("Annexe", 3, 5, 3), ("Northern clinic", 3, 5, 3),
    ]  # fmt: skip


def test_what_is_signed_names_the_sites_and_reads_the_same_again(world: World) -> None:
    add(world, ("RX1", "Northern clinic"), ("RX2", "Annexe"))
    answer_all(world)
    submission = sign(world, CODE)
    content = json.loads(submission.content)
    assert content["sites"] == [
        {"scope": "rx1", "code": "RX1", "name": "Northern clinic"}, {"scope": "rx2", "code": "RX2", "name": "Annexe"},
    ]  # fmt: skip
    assert [area["name"] for area in content["areas"]] == ["Mereland"]
    signed = submitted_checklist(submissions(world.session, world.returns[CODE])[0], world.returns[CODE])
    assert [item.number for item in signed.items] == [item.number for item in world.work(CODE).items]
    assert [(item.id, item.answer.value) for item in signed.items] == [
        (item.id, item.answer.value) for item in world.work(CODE).items
    ]
    assert signed.places == tuple(world.work(CODE).places)


def test_an_agency_without_sites_says_so_and_signs_that(world: World) -> None:
    actor = world.actor("lead")
    sites.say_none(world.write(), world.returns[CODE].public_id, none=True, by=actor, now=world.now)
    world.session.commit()
    work = world.work(CODE)
    assert [section.standard.id for section in work.sections] == ["whole"]
    assert {criterion.id for criterion in work.not_applicable} == {"door", "beds", "fire", "rota"}
    answer_all(world)
    assert numbers(world) == (2, 2)
    submission = sign(world, CODE)
    assert json.loads(submission.content)["sites"] == []
    signed = submitted_checklist(submissions(world.session, world.returns[CODE])[0], world.returns[CODE])
    assert {criterion.id for criterion in signed.not_applicable} == {"door", "lock", "beds", "fire", "rota"}


def test_listing_a_site_takes_back_that_there_are_none(world: World) -> None:
    rid, actor = world.returns[CODE].public_id, world.actor("lead")
    sites.say_none(world.write(), rid, none=True, by=actor, now=world.now)
    sites.add(world.session, rid, Named("", "Annexe"), by=actor, now=world.now)
    world.session.commit()
    assert not world.returns[CODE].has_no_sites
    with pytest.raises(NotPossible, match="There are sites in your list"):
        sites.say_none(world.write(), rid, none=True, by=actor, now=world.now)
    world.session.rollback()
    remove(world, "site-1")
    sites.say_none(world.write(), rid, none=True, by=actor, now=world.now)
    sites.say_none(world.session, rid, none=False, by=actor, now=world.now)
    world.session.commit()
    assert [item.criterion.id for item in world.work(CODE).waiting] == ["door", "beds", "fire", "rota"]


def test_a_removed_site_is_asked_no_more_and_has_its_answers_back_when_it_returns(world: World) -> None:
    add(world, ("RX1", "Northern clinic"), ("RX2", "Annexe"))
    answer_all(world)
    actor = world.actor("lead")
    plan_action(
        world.write(), world.returns[CODE].public_id, "door.rx1", Typed("Mend the lock", "Pat", None, "planned"),
        by=actor, now=world.now,
    )  # fmt: skip
    world.session.commit()
    assert kept_about(world.session, world.work(CODE), "rx1") == Kept(answers=3, actions=1, files=0)
    remove(world, "rx1")
    work = world.work(CODE)
    assert [item.id for item in work.items if item.criterion.id == "door"] == ["door.rx2"]
    assert (work.complete, work.asked) == (5, 5)
    assert [row.name for row in removed_sites(world.session, world.returns[CODE])] == ["Northern clinic"]
    assert world.session.scalar(select(SelfAssessment.version).where(SelfAssessment.scope_key == "rx1").limit(1)) == 1
    with pytest.raises(NotFound):
        remove(world, "rx1")
    add(world, ("rx1", "The northern clinic"))
    door = next(item for item in world.work(CODE).items if item.id == "door.rx1")
    assert (door.scope_name, door.answer.value["grade"], len(door.actions)) == ("The northern clinic", "green", 1)
    assert len(world.session.scalars(select(ReturnSite)).all()) == 2


def test_adding_or_removing_a_site_ends_what_holds_for_the_questions_as_they_were(world: World) -> None:
    add(world, ("RX1", "Northern clinic"))
    answer_all(world)
    rid, actor = world.returns[CODE].public_id, world.actor("lead")
    for standard in ("whole", "sites"):
        vouch(world.write(), rid, standard, name="Vera Vouch", post="Director", by=actor, now=world.now)
        world.session.commit()
    sites.rename(world.write(), rid, "rx1", "Northern Clinic", by=actor, now=world.now)
    world.session.commit()
    assert {row.standard for row in world.session.scalars(select(Vouch))} == {"whole", "sites"}
    add(world, ("RX2", "Annexe"))
    assert {row.standard for row in world.session.scalars(select(Vouch))} == {"whole"}
    assert (world.returns[CODE].complete, world.returns[CODE].asked) == (5, 8)
    added = world.session.scalars(select(Event).where(Event.verb == "site.added").order_by(Event.seq.desc())).first()
    assert added is not None
    assert added.data["sites"] == ["RX2"]
    assert added.data["vouches_ended"] == ["sites"]
    # the name is text that can be erased; the chain holds its digest
    assert [text.text for text in added.texts] == ["RX2: Annexe"]
    assert "Annexe" not in json.dumps(added.data)


def test_who_lists_sites_and_until_when(world: World) -> None:
    rid = world.returns[CODE].public_id
    for name in ("contributor", "board", "inspector", "coordinator", "outsider"):
        actor = world.actor(name)
        with pytest.raises(NotFound):
            sites.add(world.write(), rid, Named("", "Annexe"), by=actor, now=world.now)
    add(world, ("RX1", "Northern clinic"), by="signatory")
    answer_all(world)
    sign(world, CODE)
    actor = world.actor("lead")
    with pytest.raises(NotPossible, match="has been submitted"):
        sites.rename(world.write(), rid, "rx1", "Another", by=actor, now=world.now)


def test_the_list_stays_as_signed_unless_every_standard_about_sites_is_returned(world: World) -> None:
    rid = world.returns[CODE].public_id
    add(world, ("RX1", "Northern clinic"))
    answer_all(world)
    sign(world, CODE)
    inspector, actor = world.actor("inspector"), world.actor("lead")

    def send_back(*standards: str) -> None:
        why = dict.fromkeys(standards, "Look again.")
        return_for_correction(world.write(), rid, why, until=date(2003, 7, 31), by=inspector, now=world.now)
        world.session.commit()

    send_back("sites")
    for change in (
        lambda: sites.add(world.write(), rid, Named("RX2", "Annexe"), by=actor, now=world.now),
        lambda: sites.rename(world.write(), rid, "rx1", "North", by=actor, now=world.now),
        lambda: sites.remove(world.write(), rid, "rx1", by=actor, now=world.now),
    ):
        with pytest.raises(NotPossible, match="not every standard that asks about sites was returned"):
            change()
    world.session.rollback()
    sign(world, CODE)
    send_back("sites", "more")
    add(world, ("RX2", "Annexe"))
    assert [item.id for item in world.work(CODE).outstanding] == ["door.rx2", "lock.rx2", "beds.rx2"]
    answer_all(world)
    content = json.loads(sign(world, CODE).content)
    assert [site["code"] for site in content["sites"]] == ["RX1", "RX2"]


def test_a_checklist_without_questions_about_sites_has_no_list_and_signs_as_before(session: Session) -> None:
    world = world_module.build(session, pack_key="every-answer")
    rid, actor = world.returns["club-1"].public_id, world.actor("lead")
    with pytest.raises(NotFound):
        sites.add(world.write(), rid, Named("", "Annexe"), by=actor, now=world.now)
    world.session.rollback()
    assert "sites" not in content_of(world.work("club-1"))


def test_what_is_wrong_with_a_site_is_said_at_its_field(world: World) -> None:
    rid, actor = world.returns[CODE].public_id, world.actor("lead")
    add(world, ("RX1", "Northern clinic"))
    for typed, field in (
        (Named("rx 1", "Annexe"), "code"), (Named("a--b", "Annexe"), "code"), (Named("a.b", "Annexe"), "code"),
        (Named("é", "Annexe"), "code"), (Named("a" * 31, "Annexe"), "code"), (Named("", " "), "name"),
        (Named("", "n" * 201), "name"), (Named("Rx1", "Annexe"), "code"), (Named("", "northern CLINIC"), "name"),
    ):  # fmt: skip
        with pytest.raises(SiteErrors) as wrong:
            sites.add(world.write(), rid, typed, by=actor, now=world.now)
        assert list(wrong.value.errors) == [field], typed
    assert len(world.work(CODE).sites) == 1


def test_a_pasted_list_is_read_line_by_line() -> None:
    assert read_list("Code,Name\nRX1,Northern clinic\n\nRX2;Annexe\nRX3\tHall, upper floor\nLone house\n") == [
        (2, Named("RX1", "Northern clinic")), (4, Named("RX2", "Annexe")), (5, Named("RX3", "Hall, upper floor")),
        (6, Named("", "Lone house")),
    ]  # fmt: skip
    assert read_list('"Hall, upper floor"\nRX9,Hall, upper floor') == [
        (1, Named("", "Hall, upper floor")), (2, Named("RX9", "Hall, upper floor")),
    ]  # fmt: skip
    with pytest.raises(ListRefused) as refused:
        read_list("RX1,One\nrx1,Two\nR X,Three\n,\n")
    assert list(refused.value.problems) == [2, 3, 4]
    assert "line 1" in str(refused.value.problems[2])
    for nothing in ("", "code,name\n"):
        with pytest.raises(ListRefused):
            read_list(nothing)
    with pytest.raises(ListRefused, match="Nothing of this list"):
        read_list("\n".join(f"House {number}" for number in range(501)))


def test_the_same_list_again_adds_nothing_and_more_than_can_be_are_refused(world: World) -> None:
    rid, actor = world.returns[CODE].public_id, world.actor("lead")
    add(world, ("RX1", "Northern clinic"), ("", "Annexe"))
    again = [Named("rx1", "Another name"), Named("", "annexe")]
    listed = sites.add_list(world.write(), rid, again, by=actor, now=world.now)
    assert (listed.new, listed.back, len(listed.known)) == ([], [], 2)
    world.session.commit()
    assert [site.name for site in world.work(CODE).sites] == ["Annexe", "Northern clinic"]
    many = [Named("", f"House {number}") for number in range(499)]
    with pytest.raises(NotPossible, match="500 sites at most"):
        sites.add_list(world.write(), rid, many, by=actor, now=world.now)
    world.session.rollback()
    assert world.session.scalar(select(Submission.id)) is None


def test_an_answer_about_a_site_that_was_removed_meanwhile_holds_nothing_up(world: World) -> None:
    add(world, ("RX1", "Northern clinic"), ("RX2", "Annexe"))
    save(world, "door.rx1", **GREEN)
    remove(world, "rx1")
    actor = world.actor("contributor")
    words = {"commentary": "It was mended."}
    edits = [
        Edit("door.rx1", {**GREEN, **words}, 1, "a"),
        Edit("door.rx2", {**GREEN, **words}, 0, "a"),
        Edit("beds.rx1", {"number": "many"}, 0, "a"),
        Edit("beds.rx2", {"number": "many"}, 0, "a"),
    ]
    rid = world.returns[CODE].public_id
    result = save_answers(world.write(), rid, edits, by=actor, now=world.now)
    world.session.commit()
    assert result.saved == {"door.rx2": 1}
    assert not result.clean
    gone = "“Northern clinic” is not in your list of sites any more, so this answer was not saved."
    assert {key: next(map(str, found.values())).startswith(gone) for key, found in result.errors.items()} == {
        "door.rx1": True, "beds.rx1": True, "beds.rx2": False,
    }  # fmt: skip
    # what says what is stored loses nothing, and is no error
    assert save(world, "door.rx1", based_on=1, **GREEN).unchanged == ["door.rx1"]
    theirs = take_theirs(world.write(), rid, edits[:1], by=actor, now=world.now)
    world.session.commit()
    assert list(theirs.errors) == ["door.rx1"]
    with pytest.raises(NotPossible, match="this site is not in your list"):
        save(world, "door.rx3", **GREEN)
    add(world, ("RX1", "Northern clinic"))
    assert {item.id: item.answer.version for item in world.work(CODE).items}["door.rx1"] == 1
