"""Pages beside the list of sites: they open whatever is listed, and those who inspect read sites by their names."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests import world as world_module
from tests.next_year import next_year
from tests.operations.checking import check, put_in_sample
from tests.operations.test_bundles import pack_up, read, stage
from tests.operations.test_returns import sign
from tests.operations.test_sites import CODE, add, answer_all, remove, save
from tests.operations.test_sites_elsewhere import brought
from tests.web.test_figures import MOST_STATEMENTS, counted
from tests.web.test_queries import DUE
from tests.web.test_sites import to_copy, words
from tests.world import World

SignIn = Callable[[str], FlaskClient]

AGENCY_PAGES = (
    "", "check", "sign", "actions/", "evidence/", "evidence/add", "offline/", "offline/workbook", "offline/bundle",
    "sharing", "sharing/assign", "last-round", "history", "board", "changes", "sites", "sites/paste", "standards/whole",
    "standards/sites", "standards/more", "standards/sites/vouch",
)  # fmt: skip


@pytest.fixture
def world(session: Session) -> World:
    return world_module.build(session, pack_key="every-site")


@pytest.fixture
def base(world: World) -> str:
    return f"/returns/{world.returns[CODE].public_id}"


@pytest.fixture
def signed(world: World) -> World:
    """Two sites, answered and signed; the door of one stands open, and a word says so."""
    add(world, ("RX1", "Northern clinic"), ("RX2", "Annexe"))
    save(world, "door.rx1", grade="red", basis="paper", commentary="The portcullis is broken.")
    answer_all(world)
    sign(world, CODE)
    return world


def opened(client: FlaskClient, base: str) -> dict[str, str]:
    """What each of the agency's pages says."""
    found = {}
    for page in AGENCY_PAGES:
        response = client.get(f"{base}/{page}", follow_redirects=True)
        assert response.status_code == 200, (page, response.status_code)
        found[page] = "" if page == "offline/workbook" else words(response)
    return found


def test_every_page_opens_before_and_after_sites_are_listed(world: World, client_as: SignIn, base: str) -> None:
    lead = client_as("lead")
    said = opened(lead, base)
    assert "0 of 2 finished" in said["standards/sites"]
    assert "Is the door shut?" in said["sharing/assign"]
    assert "0 of 2 questions of this standard are finished" in said["standards/sites/vouch"]
    assert "4 questions are not finished" in said["sign"]
    add(world, ("RX1", "Northern clinic"))
    said = opened(lead, base)
    assert "2.1, Northern clinic" in said["check"]
    # a file for a question about the site, and a plan; then the site is removed
    file = (io.BytesIO(b"The rota.\n"), "rota.txt")
    form = {"file": file, "title": "Rota", "description": "Who locks up.", "questions": "door.rx1"}
    added = lead.post(f"{base}/evidence/add", data=form, content_type="multipart/form-data")
    assert added.status_code == 303
    planned = lead.post(f"{base}/actions/new/door.rx1", data={"what": "Mend it", "state": "planned"})
    assert planned.status_code == 303
    remove(world, "rx1")
    said = opened(lead, base)
    assert "Rota" in said["evidence/"]
    assert "2.1, rx1" in said["actions/"]
    assert lead.get(f"{base}/criteria/door.rx1/versions").status_code == 404
    assert lead.get(f"{base}/actions/new/door.rx1").status_code == 404
    assert lead.get(f"{base}/actions/new/door").status_code == 404


def test_the_list_of_the_last_round_is_taken_by_a_button(signed: World, client_as: SignIn) -> None:
    world = signed
    next_year(world)
    base = f"/returns/{world.returns[CODE].public_id}"
    lead = client_as("lead")
    assert "your list of 2 sites comes along" in words(lead.get(f"{base}/last-round"))
    page = words(lead.get(f"{base}/sites"))
    assert "2 sites were listed in" in page
    assert lead.post(f"{base}/sites/copy").status_code == 303
    page = words(lead.get(f"{base}/sites"))
    assert "2 sites added to your list." in page
    assert "Use that list" not in page
    opened(lead, base)
    last = words(lead.get(f"{base}/last-round"))
    assert "2.1, Northern clinic" in last


def test_a_contributor_is_told_that_the_lead_lists_the_sites(signed: World, client_as: SignIn) -> None:
    world = signed
    next_year(world)
    base = f"/returns/{world.returns[CODE].public_id}"
    sentence = "Answers about sites can be carried forward once the sites are listed. Ask the audit lead"
    assert sentence not in words(client_as("lead").get(f"{base}/last-round"))
    contributor = client_as("contributor")
    page = words(contributor.get(f"{base}/last-round"))
    assert sentence in page
    assert "comes along" not in page
    chosen = {"standard": ["whole", "sites", "more"]}
    assert contributor.post(f"{base}/last-round", data=chosen).status_code == 303
    assert sentence in words(contributor.get(f"{base}/last-round"))
    assert not world.work(CODE).sites


def test_sites_of_a_bundle_are_listed_by_whoever_may_when_its_answers_are_saved(
    world: World, client_as: SignIn, base: str
) -> None:
    iid = stage(world, CODE, read(pack_up(brought(world, "rx1", "rx2"))))
    address = f"{base}/offline/uploads/{iid}"
    form = {f"c-door.{key}--{name}": value for key in ("rx1", "rx2") for name, value in (("seen", "0"), ("take", "1"))}
    contributor = client_as("contributor")
    page = words(contributor.get(address))
    assert "Sites that are not in your list: Northern clinic, Annexe." in page
    assert "2.1, Northern clinic" in page
    refused = contributor.post(address, data=form)
    assert refused.status_code == 422
    assert "Ask the audit lead to save it from this file" in words(refused)
    assert 'href="#c-door.rx1--take"' in refused.text
    assert 'id="c-door.rx1--take"' in refused.text
    lead = client_as("lead")
    saved = lead.post(address, data=form)
    assert saved.status_code == 303
    world.session.rollback()
    assert [site.name for site in world.work(CODE).sites] == ["Annexe", "Northern clinic"]


def test_what_is_put_right_about_a_site_that_was_removed_meanwhile_is_held(
    world: World, client_as: SignIn, base: str
) -> None:
    add(world, ("RX1", "Northern clinic"))
    iid = stage(world, CODE, read(pack_up(brought(world, "rx1"))))
    remove(world, "rx1")
    form = {"c-door.rx1--seen": "0", "c-door.rx1--choice": "typed", "c-door.rx1--version": "0",
            "c-door.rx1--commentary": "Put right."}  # fmt: skip
    page = client_as("contributor").post(f"{base}/offline/uploads/{iid}", data=form)
    assert page.status_code == 422
    assert "“Northern clinic” is not in your list of sites any more" in words(page)
    assert to_copy(page.text) == [("2.1, Northern clinic – Is the door shut?", "Put right.")]


def test_inspectors_read_sites_by_name_within_few_statements(
    app: Flask, signed: World, client_as: SignIn, base: str
) -> None:
    world = signed
    put_in_sample(world, CODE, questions=["door.rx1", "door.rx2"])
    check(world, CODE, "door.rx1", "red", reason="It is so.", seen="A visit.")
    rid = world.audit_round.public_id
    submission = re.search(r"/submissions/([a-z0-9]+)", client_as("signatory").get(f"{base}/").text)
    assert submission
    inspector = client_as("inspector")
    mark = f"{base}/examples/{submission[1]}/door.rx1"
    assert inspector.post(mark, data={"kind": "concern", "note": "Look at this door."}).status_code == 303
    ask = {"sent": "1", "about": "door.rx1", "subject": "The door", "text": "Since when?", **DUE}
    assert inspector.post(f"{base}/queries/ask?about=door.rx1", data=ask).status_code == 303
    lead_inspector = client_as("lead-inspector")
    lead_inspector.post(f"{base}/judge")
    pages = {
        f"{base}/moderation": "2.1, Northern clinic",
        f"{base}/queries": "About question 2.1, Northern clinic.",
        f"{base}/judgements": "2.1, Northern clinic",
        f"/rounds/{rid}/search?q=portcullis": "question 2.1, Northern clinic",
        f"/rounds/{rid}/examples": "question 2.1, Northern clinic",
        f"/rounds/{rid}/figures/trust/door": "Northern clinic",
        f"/rounds/{rid}/figures/facts/trust/beds": "Northern clinic",
        f"{base}/disclosure": "2.1 (Northern clinic)",
    }
    for page, said in pages.items():
        assert lead_inspector.get(page).status_code == 200, page  # what is read once for a process is read
        with counted(app) as statements:
            shown = words(lead_inspector.get(page))
        assert said in shown, (page, shown[-1500:])
        if page.startswith("/rounds/"):
            assert len(statements) <= MOST_STATEMENTS, (page, len(statements))
    agency = words(client_as("lead").get(f"{base}/queries"))
    assert "About question 2.1, Northern clinic." in agency
