"""The pages of the sample: plan, hash, draw, who checks, what it shows; and what nobody else may see."""

from __future__ import annotations

import csv
import io
import re
import subprocess

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app import clock
from app.db import db
from app.models import Sample, SampledReturn
from tests.operations.test_sampling import (
    SHUT,
    commit,
    draw_it,
    inspector,
    moderate,
    more_agencies,
    plan_of,
    submit,
)
from tests.web.test_oversight import words
from tests.world import World, build


@pytest.fixture
def lead(client_as) -> FlaskClient:
    """A lead inspector of the body that owns the round."""
    client: FlaskClient = client_as("lead-inspector")
    return client


@pytest.fixture
def address(world: World) -> str:
    """The page of the sample."""
    return f"/rounds/{world.audit_round.public_id}/sample"


def shut(world: World) -> None:
    """The round's closing day has passed, by the pinned clock too."""
    clock.pin(world.write(), SHUT.date())
    world.session.commit()


def form(**changes: str | list[str]) -> dict[str, str | list[str]]:
    """The form of the plan, filled in."""
    kinds = ("council", "nhs", "police", "probation", "school", "voluntary")
    plan: dict[str, str | list[str]] = {f"percent-{kind}": "50" for kind in kinds}
    plan |= {"minimum": "1", "questions": "3", "risk_most": "2", "risk_percent": "100", "second_percent": "100"}
    plan |= {"rules": ["late"]}
    return plan | changes


def submitted(world: World, number: int = 3) -> list[str]:
    """So many councils with a submission."""
    codes = ["council-1", *more_agencies(world, number - 1)]
    for code in codes:
        submit(world, code)
    return codes


def test_from_plan_to_draw(lead: FlaskClient, world: World, address: str) -> None:
    submitted(world)
    page = words(lead.get(address))
    assert "Plan the sample" in page and "What this plan draws at random" in page
    shown = lead.post(f"{address}/plan", data=form(do="show"))
    assert "Councils 50% 3 2 3 2" in words(shown) and 'value="50"' in shown.text
    world.session.rollback()
    assert world.session.scalar(select(Sample)) is None, "showing the numbers saves nothing"
    assert lead.post(f"{address}/plan", data=form(do="save")).status_code == 303
    world.session.rollback()
    sample = world.session.scalars(select(Sample)).one()
    page = words(lead.get(address))
    assert sample.seed_hash in page and sample.seed not in page and "Draw the sample" not in page
    assert "still open" in words(lead.get(f"{address}/draw"))
    assert lead.post(f"{address}/draw").status_code == 409
    # the plan can change, the seed stays
    assert lead.post(f"{address}/plan", data=form(do="save", minimum="2")).status_code == 303
    shut(world)
    assert "The sample can be drawn now" in words(lead.get(address))
    asked = lead.get(f"{address}/draw")
    assert "This is done once" in words(asked) and sample.seed not in asked.text
    assert lead.post(f"{address}/draw").status_code == 303
    page = words(lead.get(address))
    assert sample.seed in page and "drawn at random of 3 submitted 2" in page
    assert lead.post(f"{address}/draw").status_code == 303  # once more changes nothing
    assert "can no longer change" in words(lead.get(f"{address}/plan"))
    history = words(lead.get(f"/rounds/{world.audit_round.public_id}/history"))
    assert "Made the seed of the sample" in history and "Drew the sample: 2 returns" in history


def test_a_wrong_plan_says_everything_and_keeps_what_was_typed(
    lead: FlaskClient, world: World, address: str
) -> None:
    wrong = form(do="save", minimum="many", questions="", second_percent="101", rules=["late", "no-such-rule"])
    answer = lead.post(f"{address}/plan", data=wrong | {"percent-council": "-3"})
    assert answer.status_code == 422 and 'value="many"' in answer.text and 'value="-3"' in answer.text
    for field in ("percent-council", "minimum", "questions", "second_percent"):
        assert f'href="#{field}"' in answer.text and f'id="{field}"' in answer.text, field
    nothing = {f"percent-{kind}": "0" for kind in ("council", "nhs", "police", "probation", "school", "voluntary")}
    assert "nothing would be drawn" in words(lead.post(f"{address}/plan", data=form(minimum="0") | nothing))
    world.session.rollback()
    assert world.session.scalar(select(Sample)) is None


def test_who_sees_the_sample(client_as, world: World, address: str) -> None:
    commit(world)
    paths = ("", "/plan", "/draw", "/add", "/verify", f"/{world.returns['council-1'].public_id}")
    for name in ("outsider", "signatory", "lead", "board", "coordinator", "administrator"):
        assert {client_as(name).get(address + path).status_code for path in paths} <= {403, 404}, name
    reader = client_as("inspector")
    assert reader.get(address).status_code == 200 and "Change the plan" not in reader.get(address).text
    assert {reader.get(address + path).status_code for path in ("/plan", "/draw", "/add")} == {403}


def test_before_the_draw_pages_say_what_comes_when(client_as, lead: FlaskClient, world: World, address: str) -> None:
    reader = client_as("inspector")
    page = reader.get(f"{address}/verify")
    assert page.status_code == 200 and "First a lead inspector makes a secret seed" in words(page)
    sample = commit(world)
    page = reader.get(f"{address}/verify")
    assert "The sample is not drawn yet" in words(page) and sample.seed_hash in page.text
    assert sample.seed not in page.text
    add = lead.get(f"{address}/add")
    assert add.status_code == 409 and "once the sample is drawn" in words(add)


def test_agencies_see_the_hash_and_nothing_else(client_as, world: World, address: str) -> None:
    own = f"/returns/{world.returns['council-1'].public_id}/"
    assert "fingerprint" not in words(client_as("signatory").get(own))
    sample = commit(world)
    page = client_as("signatory").get(own)
    assert sample.seed_hash in page.text and sample.seed not in page.text
    submit(world, "council-1")
    draw_it(world)
    moderate(world, "council-1", adjust=3)
    shut(world)
    world.session.expire_all()
    for path in ("", "history", "changes"):
        text = client_as("signatory").get(own + path).text
        assert sample.seed not in text and "sample." not in text and "adjusted" not in text.lower()


def test_sharing_out_and_checking(lead: FlaskClient, world: World, address: str) -> None:
    codes = submitted(world)
    inspector(world, "other", "north")
    commit(world, plan_of(world, percent={"council": 100}, second_percent=50, rules=()))
    draw_it(world)
    shut(world)
    ret = world.returns[codes[0]].public_id
    page = words(lead.get(f"{address}/{ret}"))
    assert "Who checks it" in page and "Other" in page
    about = f"/rounds/{world.audit_round.public_id}/returns/"
    assert "Why it is in the sample" in words(lead.get(about + ret))
    assert "sample" not in words(lead.get(about + world.returns["nhs-1"].public_id))
    ids = {name: world.people[name].public_id for name in ("inspector", "other", "outsider")}
    same = lead.post(f"{address}/{ret}", data={"inspector": ids["other"], "second": ids["other"]})
    assert same.status_code == 422 and 'href="#second"' in same.text and "two different inspectors" in same.text
    foreign = lead.post(f"{address}/{ret}", data={"inspector": ids["outsider"]})
    assert 'href="#inspector"' in foreign.text
    both = {"inspector": ids["other"], "second": ids["inspector"]}
    assert lead.post(f"{address}/{ret}", data=both).status_code == 303
    assert re.search(r"checks? with nobody assigned", words(lead.get(address)))
    assert lead.post(f"{address}/assign-rest").status_code == 303
    page = words(lead.get(address))
    assert "checks are assigned" in page and "with nobody assigned" not in page
    assert "Everything is assigned already" in words(lead.post(f"{address}/assign-rest", follow_redirects=True))
    narrowed = words(lead.get(f"{address}?type=council&stratum=risk&state=done&inspector=none&page=99"))
    assert "No return of the sample matches" in narrowed
    mine = words(lead.get(f"{address}?inspector={world.people['other'].id}"))
    assert "of 3 returns" in mine


def test_adding_by_hand(lead: FlaskClient, world: World, address: str) -> None:
    codes = submitted(world)
    commit(world, plan_of(world, percent={"council": 0}, minimum=1, rules=()))
    assert lead.get(f"{address}/add").status_code == 409  # nothing is drawn yet
    draw_it(world)
    shut(world)
    empty = lead.post(f"{address}/add", data={})
    assert 'href="#ret"' in empty.text and 'href="#reason"' in empty.text
    drawn = set(world.session.scalars(select(SampledReturn.return_id)))
    ret = next(world.returns[code].public_id for code in codes if world.returns[code].id not in drawn)
    typed = {"ret": ret, "reason": "A letter about <b>this</b> agency"}
    page = lead.post(f"{address}/add", data=typed, follow_redirects=True)
    assert "Added by hand: A letter about &lt;b&gt;this&lt;/b&gt; agency" in page.text
    again = lead.post(f"{address}/add", data=typed)
    assert "added by hand already" in words(again) and "A letter about" in words(again)


def test_small_rounds_name_agencies_and_larger_ones_estimate(lead: FlaskClient, world: World, address: str) -> None:
    codes = submitted(world, 4)
    commit(world, plan_of(world, percent={"council": 50}, questions=4, rules=()))
    sample = draw_it(world)
    drawn = [code for code in codes if world.session.scalar(
        select(SampledReturn.place).where(SampledReturn.return_id == world.returns[code].id))]  # fmt: skip
    moderate(world, drawn[0], adjust=1)
    shut(world)
    page = words(lead.get(address))
    assert "fewer than 50 submitted returns" in page and "Drawn at random, by name" in page
    assert "95% intervals" not in page and "kappa" not in page
    assert f"Fictional {drawn[0]} Checked 4 of 4 1" in page or "Fictional council one Checked 4 of 4 1" in page
    world.write()
    sample.plan = {**sample.plan, "small_round": 4}
    world.session.commit()
    page = words(lead.get(address))
    assert "95% intervals" in page and "Provisional: 1 of the returns" in page
    assert "100% (25.0% to 100%)" in page
    assert "No answer is checked by two inspectors yet" in page


def test_downloads_repeat_the_draw(lead: FlaskClient, world: World, address: str) -> None:
    submitted(world, 4)
    commit(world, plan_of(world, percent={"council": 50}, questions=4, rules=()))
    sample = draw_it(world)
    shut(world)
    page = words(lead.get(f"{address}/verify"))
    assert page.count("agrees") == 7 and "does not agree" not in page
    rows = list(csv.DictReader(io.StringIO(lead.get(f"{address}?format=csv").data.decode("utf-8-sig"))))
    frame = lead.get(f"{address}?format=frame").data.decode("utf-8-sig")
    # as the page tells people to: with a shell and standard tools
    script = """
    printf '%s\n' "$FRAME" | grep '^council,' | cut -d, -f2 | while read id; do
      echo "$(printf '%s' "$SEED:$id" | sha256sum | cut -c1-64) $id"
    done | LC_ALL=C sort | head -n 2 | cut -d' ' -f2
    """
    done = subprocess.run(
        ["/bin/sh", "-c", script], env={"SEED": sample.seed, "FRAME": frame, "PATH": "/usr/bin:/bin"}, text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    assert [row["Id of the return"] for row in rows] == done.stdout.split()
    assert [row["Place in the random draw"] for row in rows] == ["1", "2"]


def test_bodies_of_a_joint_round_do_not_read_each_other(session: Session, app: Flask) -> None:
    world = build(session, pack_key="climbie-2003")
    submit(world, "nhs-1", by="signatory")
    submit(world, "police-1")
    commit(world, plan_of(world, questions=2))
    draw_it(world)
    shut(world)
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = world.people["lead-inspector"].fs_uniquifier
        cookie["_fresh"] = True
        cookie["fs_cc"] = "set"
    address = f"/rounds/{world.audit_round.public_id}/sample"
    page = client.get(address)
    assert "Fictional police one" in page.text  # jointly the whole: who was drawn
    assert client.get(f"{address}/{world.returns['nhs-1'].public_id}").status_code == 200
    assert client.get(f"{address}/{world.returns['police-1'].public_id}").status_code == 404


def test_the_page_takes_few_statements_however_many_are_drawn(lead: FlaskClient, world: World, address: str) -> None:
    codes = submitted(world, 3)
    commit(world, plan_of(world, percent={"council": 100}, questions=2, rules=()))
    draw_it(world)
    shut(world)

    def statements() -> int:
        count = 0

        def one(*_arguments: object) -> None:
            nonlocal count
            count += 1

        with lead.application.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", one)
        try:
            assert lead.get(address).status_code == 200
        finally:
            event.remove(engine, "before_cursor_execute", one)
        return count

    few = statements()
    for code in codes:
        moderate(world, code, adjust=1)
    assert statements() == few <= 15
