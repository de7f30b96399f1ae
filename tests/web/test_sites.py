"""The pages on which an agency lists its sites, and answers about each."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.web.agency.by_site import MOST_AT_ONCE
from tests import world as world_module
from tests.operations.test_returns import sign
from tests.operations.test_sites import CODE, GREEN, add, answer_all, remove, save
from tests.world import World

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def world(session: Session) -> World:
    return world_module.build(session, pack_key="every-site")


@pytest.fixture
def base(world: World) -> str:
    return f"/returns/{world.returns[CODE].public_id}"


def words(response) -> str:  # type: ignore[no-untyped-def]
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text))


def test_the_task_list_asks_for_the_sites_first_and_the_lead_lists_them(
    world: World, client_as: SignIn, base: str
) -> None:
    lead = client_as("lead")
    tasks = lead.get(f"{base}/").text
    assert f'href="{base}/sites"' in tasks
    assert "list them first, or say that you have none" in tasks
    page = words(lead.get(f"{base}/sites"))
    assert "No site is listed yet." in page
    assert "5 questions of this audit are asked about each site" in page
    answer = lead.post(f"{base}/sites", data={"name": " Northern  clinic ", "code": "RX1"})
    assert (answer.status_code, answer.location) == (303, f"{base}/sites")
    page = words(lead.get(f"{base}/sites"))
    assert "Northern clinic RX1 0 of 4 finished" in page
    assert "1 site is listed" in words(lead.get(f"{base}/"))
    # the same again, and what is wrong, is said at its field, with what was typed
    wrong = lead.post(f"{base}/sites", data={"name": "Other & Co", "code": "rx1"})
    assert wrong.status_code == 422
    assert 'href="#code"' in wrong.text
    assert 'value="Other &amp; Co"' in wrong.text
    wrong = lead.post(f"{base}/sites", data={})
    assert wrong.status_code == 422
    assert 'href="#name"' in wrong.text


def test_a_list_is_pasted_and_what_is_wrong_with_its_lines_is_said(world: World, client_as: SignIn, base: str) -> None:
    lead = client_as("lead")
    assert lead.get(f"{base}/sites/paste").status_code == 200
    wrong = lead.post(f"{base}/sites/paste", data={"list": "RX1,One\nR X,Two"})
    assert wrong.status_code == 422
    assert "Line 2:" in wrong.text
    assert "R X,Two" in wrong.text
    assert not world.work(CODE).sites
    assert lead.post(f"{base}/sites/paste", data={"list": "code\tname\nRX1\tOne\nTwo"}).status_code == 303
    assert "2 sites added to your list." in words(lead.get(f"{base}/sites"))
    assert lead.post(f"{base}/sites/paste", data={"list": "RX1,One\nThree"}).status_code == 303
    assert "1 site added to your list. 1 was in it already." in words(lead.get(f"{base}/sites"))
    many = "\n".join(f"House {number}" for number in range(499))
    full = lead.post(f"{base}/sites/paste", data={"list": many})
    assert full.status_code == 422
    assert "House 498" in full.text


def test_a_site_is_renamed_and_removed_after_a_question(world: World, client_as: SignIn, base: str) -> None:
    add(world, ("RX1", "Northern clinic"))
    save(world, "door.rx1", **GREEN)
    lead = client_as("lead")
    assert 'value="Northern clinic"' in lead.get(f"{base}/sites/rx1/rename").text
    assert lead.post(f"{base}/sites/rx1/rename", data={"name": ""}).status_code == 422
    assert lead.post(f"{base}/sites/rx1/rename", data={"name": "North"}).status_code == 303
    sure = words(lead.get(f"{base}/sites/rx1/remove"))
    assert "Remove “North” from your sites?" in sure
    assert "1 answer" in sure
    assert world.work(CODE).sites
    assert lead.post(f"{base}/sites/rx1/remove").status_code == 303
    page = lead.get(f"{base}/sites")
    assert "No site is listed yet." in page.text
    assert "Add again" in page.text
    for path in ("rename", "remove"):
        assert lead.get(f"{base}/sites/rx1/{path}").status_code == 404
    assert lead.post(f"{base}/sites", data={"code": "RX1", "name": "North"}).status_code == 303
    assert "1 of 4 finished" in words(lead.get(f"{base}/sites"))
    history = words(lead.get(f"{base}/history"))
    for said in ("Listed sites: RX1: Northern clinic.", "Renamed the site RX1: North.", "Took a site off the list"):
        assert said in history


def test_having_no_sites_is_said_and_taken_back(world: World, client_as: SignIn, base: str) -> None:
    lead = client_as("lead")
    assert "We have no sites" in lead.get(f"{base}/sites").text
    assert lead.post(f"{base}/sites/none", data={"none": "yes"}).status_code == 303
    assert "Your agency has none" in words(lead.get(f"{base}/"))
    assert lead.get(f"{base}/standards/sites").status_code == 303
    assert lead.post(f"{base}/sites/none", data={"none": "no"}).status_code == 303
    assert "No site is listed yet." in lead.get(f"{base}/sites").text
    assert lead.post(f"{base}/sites/none", data={"none": "yes"}).status_code == 303
    answer_all(world)
    assert "That the agency has no sites" in words(client_as("signatory").get(f"{base}/sign"))
    submission = sign(world, CODE)
    read = words(client_as("inspector").get(f"{base}/submissions/{submission.public_id}"))
    assert "The agency says that it has no sites" in read


def test_who_may_read_the_list_and_who_may_change_it(world: World, client_as: SignIn, base: str) -> None:
    add(world, ("RX1", "Northern clinic"))
    contributor = client_as("contributor")
    page = contributor.get(f"{base}/sites")
    assert page.status_code == 200
    assert "Changing it is for the audit lead" in page.text
    assert "Remove" not in page.text
    for path in ("sites", "sites/paste", "sites/none", "sites/copy", "sites/rx1/rename", "sites/rx1/remove"):
        refused = contributor.post(f"{base}/{path}", data={"name": "x", "list": "x", "none": "no"})
        assert refused.status_code == 403, path
    inspector = client_as("inspector")
    assert inspector.get(f"{base}/sites").status_code == 404
    assert inspector.get(f"{base}/sites/paste").status_code == 403
    assert len(world.work(CODE).sites) == 1


def test_a_waiting_standard_leads_to_the_list(world: World, client_as: SignIn, base: str) -> None:
    page = client_as("lead").get(f"{base}/standards/sites")
    assert "none is listed yet" in page.text
    assert f'href="{base}/sites"' in page.text
    assert "Save this standard" not in page.text
    page = client_as("contributor").get(f"{base}/standards/sites")
    assert "Ask the audit lead" in page.text
    check = words(client_as("lead").get(f"{base}/check"))
    assert "List your sites first, or say that your agency has none" in check


def test_a_short_standard_is_answered_on_one_page_site_by_site(world: World, client_as: SignIn, base: str) -> None:
    add(world, ("RX1", "Northern clinic"), ("RX2", "Annexe"))
    lead = client_as("lead")
    page = lead.get(f"{base}/standards/sites").text
    # the questions of one site stand together under its name
    order = [page.index(mark) for mark in (">Annexe<", 'id="q-door.rx2"', 'id="q-beds.rx2"', ">Northern clinic<",
                                           'id="q-door.rx1"', 'id="q-beds.rx1"')]  # fmt: skip
    assert order == sorted(order)
    form = {"page_key": "k"}
    for key, grade in (("rx1", "green"), ("rx2", "red")):
        form |= {f"c-door.{key}--grade": grade, f"c-door.{key}--basis": "paper", f"c-door.{key}--version": "0",
                 f"c-door.{key}--commentary": f"About {key}."}  # fmt: skip
    assert lead.post(f"{base}/standards/sites", data=form).status_code == 303
    world.session.rollback()
    values = {item.id: item.answer.value for item in world.work(CODE).items}
    assert (values["door.rx1"]["grade"], values["door.rx2"]["grade"]) == ("green", "red")


def test_a_long_standard_has_a_page_for_each_site(world: World, client_as: SignIn, base: str) -> None:
    number = MOST_AT_ONCE // 2 + 1
    add(world, *((f"S{place:02}", f"House {place:02}") for place in range(1, number + 1)))
    lead = client_as("lead")
    address = f"{base}/standards/sites"
    index = lead.get(address)
    assert "Site by site" in index.text
    assert f'href="{address}?about=s01"' in index.text
    assert 'id="q-door' not in index.text
    page = lead.get(f"{address}?about=s02")
    assert f"Site 2 of {number}." in words(page)
    assert re.findall(r'id="q-([^"]+)"', page.text) == ["door.s02", "beds.s02"]
    assert "Save and go to House 03" in page.text
    form = {"page_key": "k", "c-beds.s02--number": "x", "c-beds.s02--version": "0", "c-beds.s02--type": "number"}
    wrong = lead.post(f"{address}?about=s02", data=form)
    assert wrong.status_code == 422
    assert re.findall(r'id="q-([^"]+)"', wrong.text) == ["door.s02", "beds.s02"]
    form["c-beds.s02--number"] = "12"
    assert lead.post(f"{address}?about=s02", data=form).location == f"{address}?about=s02"
    assert lead.post(f"{address}?about=s02", data={**form, "next": "1"}).location == f"{address}?about=s03"
    last = f"s{number:02}"
    assert lead.post(f"{address}?about={last}", data={"page_key": "k", "next": "1"}).location.endswith("standards/more")
    only = lead.post(f"{address}?about=s02", data={**form, "only": "beds.s02", "c-beds.s02--version": "1",
                                                   "c-beds.s02--number": "13"})  # fmt: skip
    assert only.location == f"{address}?about=s02&saved=beds.s02#q-beds.s02"
    # whoever comes from a list of questions lands on the page that has the question
    assert f'{address}?about=s05#q-door.s05"' in lead.get(f"{base}/check").text
    assert 'id="q-door' not in lead.get(f"{address}?about=elsewhere").text
    read = client_as("board").get(f"{address}?about=s02")
    assert re.findall(r'id="q-([^"]+)"', read.text) == ["door.s02", "beds.s02"]


def test_what_was_submitted_is_read_with_the_names_of_the_sites(world: World, client_as: SignIn, base: str) -> None:
    add(world, ("RX1", "Northern clinic"), ("RX2", "Annexe"))
    answer_all(world)
    page = words(client_as("signatory").get(f"{base}/sign"))
    assert "2 sites, about each of which questions were answered: Annexe, Northern clinic." in page
    submission = sign(world, CODE)
    inspector = client_as("inspector")
    page = inspector.get(f"{base}/submissions/{submission.public_id}")
    assert page.status_code == 200
    assert "2.1, Northern clinic" in page.text
    assert "2 sites that were listed Annexe (RX2) Northern clinic (RX1)" in words(page)
    assert client_as("lead").get(f"{base}/sites").status_code == 200
    assert client_as("lead").post(f"{base}/sites", data={"name": "Late"}).status_code == 409


def removed_meanwhile(world: World) -> dict[str, str]:
    """Two sites on one page, of which one is removed while somebody answers about both: what the form sends."""
    add(world, ("RX1", "Northern clinic"), ("RX2", "Annexe"))
    form = {"page_key": "k"}
    for key, grade in (("rx1", "red"), ("rx2", "green")):
        form |= {f"c-door.{key}--grade": grade, f"c-door.{key}--basis": "paper", f"c-door.{key}--version": "0",
                 f"c-door.{key}--commentary": f"About {key}."}  # fmt: skip
    remove(world, "rx1")
    return form


def stored_commentaries(world: World) -> dict[str, str]:
    world.session.rollback()
    return {item.id: item.answer.value["commentary"] for item in world.work(CODE).items if item.answer.value}


def to_copy(text: str) -> list[tuple[str, str]]:
    """The answers that a page holds to copy: the label, and what stands in the field."""
    return [
        (re.sub(r"<[^>]+>", "", label).strip(), words)
        for label, words in re.findall(
            r'<label[^>]* for="kept-\d+">(.*?)</label>\s*<textarea[^>]*readonly>\n(.*?)</textarea>', text, re.DOTALL
        )
    ]


@pytest.mark.parametrize("only", ["", "door.rx2", "door.rx1"])
def test_a_site_that_is_removed_meanwhile_holds_nothing_up_and_nothing_typed_is_lost(
    world: World, client_as: SignIn, base: str, only: str
) -> None:
    form = removed_meanwhile(world) | ({"only": only} if only else {})
    page = client_as("contributor").post(f"{base}/standards/sites", data=form)
    assert page.status_code == 409
    held = to_copy(page.text)
    assert held == [("2.1, Northern clinic – Is the door shut?", held[0][1])]
    assert held[0][1].startswith("Grade: Red")
    assert held[0][1].endswith("About rx1.")
    assert 'href="#kept-1"' in page.text
    assert 'id="q-door.rx2"' in page.text
    assert "About rx2." in page.text
    assert stored_commentaries(world) == ({} if only == "door.rx1" else {"door.rx2": "About rx2."})


def test_what_nobody_changed_about_a_removed_site_is_not_told(world: World, client_as: SignIn, base: str) -> None:
    form = removed_meanwhile(world)
    add(world, ("RX1", "Northern clinic"))
    lead = client_as("lead")
    assert lead.post(f"{base}/standards/sites", data=form).status_code == 303
    # somebody else saves the answer again, and the site goes: the page of before says of it what was stored then
    save(world, "door.rx1", based_on=1, grade="green", basis="paper")
    remove(world, "rx1")
    form |= {"c-door.rx1--version": "1", "c-door.rx2--version": "1", "c-door.rx2--commentary": "Again."}
    assert lead.post(f"{base}/standards/sites", data=form).status_code == 303
    assert stored_commentaries(world)["door.rx2"] == "Again."


def test_answers_that_have_no_page_left_are_told_on_their_own(world: World, client_as: SignIn, base: str) -> None:
    form = removed_meanwhile(world)
    remove(world, "rx2")
    lead = client_as("lead")
    assert lead.post(f"{base}/sites/none", data={"none": "yes"}).status_code == 303
    page = lead.post(f"{base}/standards/sites", data=form)
    assert page.status_code == 409
    assert [label for label, _words in to_copy(page.text)] == [
        "2.1, Annexe – Is the door shut?", "2.1, Northern clinic – Is the door shut?",
    ]  # fmt: skip


def test_settling_a_conflict_keeps_what_was_typed_about_a_removed_site(
    world: World, client_as: SignIn, base: str
) -> None:
    form = removed_meanwhile(world)
    form |= {name.replace("c-door.rx1", "m-door.rx1"): words for name, words in form.items() if "rx1" in name}
    page = client_as("contributor").post(f"{base}/standards/sites/resolve", data=form)
    assert page.status_code == 409
    assert [label for label, _words in to_copy(page.text)] == ["2.1, Northern clinic – Is the door shut?"]
    assert stored_commentaries(world) == {"door.rx2": "About rx2."}


def test_a_page_that_saves_as_one_types_hears_that_the_site_is_gone(
    world: World, client_as: SignIn, base: str
) -> None:
    removed_meanwhile(world)
    answers = {
        f"door.{key}": {"fields": {"grade": "green", "basis": "paper"}, "based_on": 0} for key in ("rx1", "rx2")
    }
    sent = {"person": world.people["contributor"].public_id, "page_key": "k", "answers": answers}
    told = client_as("contributor").post(f"{base}/answers", json=sent).get_json()["answers"]
    assert told["door.rx2"]["outcome"] == "saved"
    assert told["door.rx1"]["outcome"] == "wrong"
    assert "“Northern clinic” is not in your list of sites any more" in told["door.rx1"]["errors"]["grade"]


def test_answers_that_come_too_late_are_held_with_their_grade_and_their_site(
    world: World, client_as: SignIn, base: str
) -> None:
    form = removed_meanwhile(world)
    add(world, ("RX1", "Northern clinic"))
    answer_all(world)
    sign(world, CODE)
    page = client_as("contributor").post(f"{base}/standards/sites", data=form)
    assert page.status_code == 409
    held = dict(to_copy(page.text))
    assert list(held) == ["2.1, Annexe – Is the door shut?", "2.1, Northern clinic – Is the door shut?"]
    assert held["2.1, Northern clinic – Is the door shut?"].startswith("Grade: Red")
