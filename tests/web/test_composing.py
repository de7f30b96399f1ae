"""Composing the joint report in the browser: what is written, checked, signed off, published and tracked."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import Recommended, ReportRun
from app.operations import composing as operations
from app.queries import composing as queries
from tests.operations.test_composing import REASONS, do, recommend, seen, sign_off, write
from tests.operations.test_examples import CODE, mark
from tests.operations.test_release import clock, publish
from tests.operations.test_returns import sign
from tests.web.test_release import queue, words
from tests.world import World

Client = Callable[[str], FlaskClient]
__all__ = ["queue"]


@pytest.fixture
def signed(world: World) -> World:
    """The world with one submission."""
    world.answer(CODE, best=False)
    sign(world, CODE)
    return world


def page_of(world: World, below: str = "") -> str:
    return f"/rounds/{world.audit_round.public_id}/composing{below}"


def text(before: str = "", after: str = "", version: int = 0, **more: str) -> dict[str, str]:
    """A chapter as its form sends it."""
    return {"before-en": before, "after-en": after, "version": str(version), "step": "save"} | more


def test_from_an_empty_report_to_one_that_is_signed_off(signed: World, client_as: Client, queue: list[str]) -> None:
    inspector, lead = client_as("inspector"), client_as("lead-inspector")
    start = inspector.get(page_of(signed))
    assert "Nothing is written yet" in words(start)
    assert "nothing to sign off" in words(start)
    for below in ("/versions", "/recommendations"):
        assert "cnd-empty" in inspector.get(page_of(signed, below)).text, below
    assert "Nothing is written yet" in words(inspector.get(page_of(signed, "/preview")))

    chapter = page_of(signed, "/chapters/about")
    assert "[[n: response.percent]]" in inspector.get(chapter).text
    # looked at before it is saved
    look = inspector.post(chapter, data=text("So [[n: response.submitted]] came.") | {"step": "look"})
    assert look.status_code == 200
    assert "So 1 came." in words(look)
    assert seen(signed).number == 0
    wrong = inspector.post(chapter, data=text("<b>Mine</b>", "[[n: nothing]]"))
    assert wrong.status_code == 422
    assert 'href="#before-en"' in wrong.text and 'href="#after-en"' in wrong.text
    assert "&lt;b&gt;Mine&lt;/b&gt;</textarea>" in wrong.text
    assert inspector.post(chapter, data=text("So [[n: response.submitted]] of 17 came.")).status_code == 303
    # the report as a page, with its figures, that may fetch and run nothing
    shown = inspector.get(page_of(signed, "/preview"))
    assert "So 1 of 17 came." in words(shown) and f'href="{chapter}"' in shown.text
    assert "<svg" in shown.text and "default-src 'none'" in shown.headers["Content-Security-Policy"]
    found = words(inspector.get(page_of(signed, "/check")))
    assert "About the audit, before the figures : 17" in found
    assert "Not signed off by: Northmere Partnership" in found

    # two at once: both read
    lost = lead.post(chapter, data=text("Other words."))
    assert lost.status_code == 422
    assert "of 17 came." in words(lost) and "Other words." in words(lost) and 'value="1"' in lost.text
    assert lead.post(chapter, data=text("Other words.", version=1)).status_code == 303
    compared = inspector.get(page_of(signed, "/versions/2")).text
    assert "<ins>" in compared and "<del>" in compared and "Other" in compared
    assert inspector.get(page_of(signed, "/versions/9")).status_code == 404
    back = inspector.post(page_of(signed, "/versions/1"), follow_redirects=True)
    assert "Version 1 is saved again, as version 3" in words(back)

    # the PDF of it as it stands
    asked = inspector.post(f"/rounds/{signed.audit_round.public_id}/reports", data={"report": "joint-findings"})
    assert asked.status_code == 303
    assert len(queue) == 1
    signed.session.rollback()
    assert signed.session.scalars(select(ReportRun)).one().report == "joint-findings"

    # signed off by a lead inspector, and void with the next save
    assert "Sign version" not in inspector.get(page_of(signed)).text
    assert inspector.post(page_of(signed, "/sign-off"), data={"version": "3", "body": "north"}).status_code == 403
    stale = lead.post(page_of(signed, "/sign-off"), data={"version": "1", "body": "north"}, follow_redirects=True)
    assert "Version 3 was saved since" in words(stale)
    done = lead.post(page_of(signed, "/sign-off"), data={"version": "3", "body": "north"}, follow_redirects=True)
    assert "signed off for your inspectorate" in words(done)
    assert "Signed off by Lead Inspector" in words(inspector.get(page_of(signed)))
    inspector.post(chapter, data=text("Once more.", version=3))
    assert "Not signed off" in words(inspector.get(page_of(signed)))
    history = words(inspector.get(f"/rounds/{signed.audit_round.public_id}/history"))
    assert "Saved version 4 of what is written in the report." in history
    assert "Signed off version 3 of what is written in the report." in history


def test_chapters_are_ordered_without_script(signed: World, client_as: Client) -> None:
    client = client_as("inspector")

    def order() -> list[str]:
        return re.findall(r'id="chapter-([a-z0-9-]+)"', client.get(page_of(signed)).text)

    usual = order()
    place = usual.index("about")
    moved = client.post(page_of(signed, "/chapters/about/move"), data={"to": "up"})
    assert moved.status_code == 303 and moved.headers["Location"].endswith("#chapter-about")
    assert order().index("about") == place - 1
    first = client.post(page_of(signed, f"/chapters/{order()[0]}/move"), data={"to": "up"}, follow_redirects=True)
    assert "cannot be moved any further" in words(first)
    client.post(page_of(signed, "/chapters/overview/show"), data={"hidden": "yes"})
    assert "Left out" in words(client.get(page_of(signed)))
    assert "This chapter is not in the report" in words(client.get(page_of(signed, "/chapters/overview")))
    client.post(page_of(signed, "/chapters/overview/show"), data={"hidden": "no"})
    assert "Left out" not in words(client.get(page_of(signed)))
    empty = client.post(page_of(signed, "/new-chapter"), data={"title-cy": "Camau"})
    assert empty.status_code == 422 and 'href="#title-en"' in empty.text and 'value="Camau"' in empty.text
    made = client.post(page_of(signed, "/new-chapter"), data={"title-en": "Next steps"}).headers["Location"]
    assert made.rpartition("/")[2] in order()
    assert client.post(made, data=text("[[figure: response]]", version=4, **{"title-en": "Steps"})).status_code == 303
    assert "Here stands: Response by type of agency" in words(client.get(made))
    assert "Steps" in words(client.get(f"{made}/remove"))
    client.post(f"{made}/remove")
    assert client.get(made).status_code == 404
    assert client.get(page_of(signed, "/chapters/about/remove")).status_code == 404
    assert client.get(page_of(signed, "/chapters/no-such")).status_code == 404


def test_key_messages_are_decided_on_and_said_anew(signed: World, client_as: Client) -> None:
    client, rule = client_as("inspector"), seen(signed).proposed[0].rule
    assert "In every report" in words(client.get(page_of(signed, "/messages")))
    client.post(page_of(signed, "/messages"), data={"rule": rule, "state": "dropped", "version": "0"})
    assert "Dropped" in words(client.get(page_of(signed, "/messages")))
    late = client.post(
        page_of(signed, "/messages"), data={"rule": rule, "state": "accepted", "version": "0"}, follow_redirects=True
    )
    assert "saved this meanwhile" in words(late)
    edit = page_of(signed, f"/messages/edit?rule={rule}")
    assert seen(signed).proposed[0].sentence.text in words(client.get(edit)).replace("&#39;", "'")
    wrong = client.post(edit, data={"heading-en": "", "text-en": "[[n: x]]", "version": "1"})
    assert wrong.status_code == 422 and 'href="#heading-en"' in wrong.text and "[[n: x]]" in wrong.text
    said = {"heading-en": "Who came", "text-en": "[[n: response.percent]] came.", "version": "1"}
    assert client.post(edit, data=said).status_code == 303
    shown = words(client.get(page_of(signed, "/messages")))
    assert "Who came" in shown and "% came." in shown and "In your own words" in shown
    assert client.get(page_of(signed, "/messages/edit?rule=no-such")).status_code == 404


def test_figures_and_quotations_are_found(signed: World, client_as: Client) -> None:
    client = client_as("inspector")
    assert "[[n: response.percent]]" in client.get(page_of(signed, "/facts?text=response+all")).text
    assert "No figure fits" in words(client.get(page_of(signed, "/facts?text=zebra")))
    assert "No answer with words is marked" in words(client.get(page_of(signed, "/quotations")))
    item = next(item for item in signed.work(CODE).items if (item.answer.value or {}).get("commentary"))
    one = mark(signed, about=item.id)
    assert f"[[quote: {one.public_id} named]]" in client.get(page_of(signed, "/quotations")).text
    assert one.public_id in client.get(page_of(signed, "/chapters/about")).text


def test_comments_stand_below_the_chapter(signed: World, client_as: Client) -> None:
    client, chapter = client_as("inspector"), page_of(signed, "/chapters/about")
    empty = client.post(f"{chapter}/comments", data={"comment": " "})
    assert empty.status_code == 422 and 'href="#comment"' in empty.text
    client.post(f"{chapter}/comments", data={"comment": "Is <this> so?"})
    page = client.get(chapter)
    assert "Is &lt;this&gt; so?" in page.text
    address = re.search(r'action="([^"]*/resolve)"', page.text)[1]  # type: ignore[index]
    client.post(address)
    assert "Resolved" in words(client.get(chapter))
    assert client.post(f"{chapter[:-5]}no-such/comments", data={"comment": "x"}).status_code == 404


def test_recommendations_are_written_published_and_tracked(signed: World, client_as: Client) -> None:
    client, edit = client_as("inspector"), page_of(signed, "/recommendations/edit")
    kind = signed.returns[CODE].agency_type
    wrong = client.post(edit, data={"text-en": "Do it.", "due-day": "32", "version": "0"})
    assert wrong.status_code == 422 and 'href="#due-day"' in wrong.text and "Do it." in wrong.text
    wrong = client.post(edit, data={"text-en": "Do it.", "version": "0"})
    assert wrong.status_code == 422 and 'href="#addressee"' in wrong.text
    assert client.post(edit, data={"text-en": "Do it.", "addressee": f"type:{kind}", "version": "0"}).status_code == 303
    key = seen(signed).composition.recommendations[0].key
    recommend(signed, "And that.")
    rid = signed.audit_round.public_id
    client.post(page_of(signed, "/recommendations/move"), data={"key": key, "to": "down"})
    shown = words(client.get(page_of(signed, "/recommendations")))
    assert shown.index("And that.") < shown.index("Do it.")
    assert "No report of this round" in words(client.get(f"/rounds/{rid}/recommendations"))
    assert "Do it." in words(client.get(page_of(signed, f"/recommendations/remove?key={key}")))
    sign_off(signed)
    publish(signed, signed.now + timedelta(minutes=1), waived=REASONS)
    clock(signed, signed.now + timedelta(hours=1))

    register = f"/rounds/{rid}/recommendations"
    assert "And that." in words(client.get(register))
    row = signed.session.scalars(select(Recommended).where(Recommended.key == key)).one()
    one, ret = f"{register}/{row.public_id}", signed.returns[CODE].public_id
    assert "Nothing said yet" in words(client.get(one))
    status = f"{one}/status?return={ret}"
    wrong = client.post(status, data={"note": "They wrote."})
    assert wrong.status_code == 422 and 'href="#state"' in wrong.text and "They wrote." in wrong.text
    assert client.post(status, data={"state": "done", "note": "They wrote."}).status_code == 303
    assert "Done" in words(client.get(one)) and "They wrote." in words(client.get(status))
    assert client.get(f"{one}/status").status_code == 404
    # the agency reads what is addressed to it, and says what it does
    agency = client_as("lead")
    assert "recommends 2 things to your agency. 2 wait for your response" in words(agency.get(f"/returns/{ret}/"))
    own = f"/returns/{ret}/recommendations"
    shown = words(agency.get(own))
    assert "And that." in shown and "Do it." in shown and "They wrote." not in shown
    answer = f"{own}/{row.public_id}"
    wrong = agency.post(answer, data={"answer": "partly", "text": "We <begin>.", "expected-day": "40"})
    assert wrong.status_code == 422 and 'href="#expected-day"' in wrong.text and "We &lt;begin&gt;." in wrong.text
    said = {"answer": "partly", "text": "We <begin>.", "progress": "under_way"}
    wrong = agency.post(answer, data=said)
    assert wrong.status_code == 422 and 'href="#expected-day"' in wrong.text
    day = {"expected-day": "1", "expected-month": "10", "expected-year": "2003"}
    assert agency.post(answer, data=said | day).status_code == 303
    assert "Accepted in part · Under way" in words(agency.get(own)) and 'value="2003"' in agency.get(answer).text
    assert "1 waits for your response" in words(agency.get(f"/returns/{ret}/"))
    board = client_as("board")
    assert "We &lt;begin&gt;." in board.get(answer).text and "<form" not in board.get(answer).text.split("<main")[1]
    assert board.post(answer, data=said | day).status_code in (403, 404)
    assert agency.get(f"{own}/no-such").status_code == 404
    history = agency.get(f"/returns/{ret}/history").text
    assert "Responded to recommendation 2: Accepted in part. We &lt;begin&gt;." in history
    # and its inspectors track it
    for path in (one, status):
        assert "We &lt;begin&gt;." in client.get(path).text, path
    assert "1 of 1" in words(client.get(register))
    rows = list(csv.DictReader(io.StringIO(client.get(f"{register}.csv").text.lstrip("\ufeff"))))
    assert [(one["Recommendation"], one["Response"], one["To be done by"], one["How it stands"]) for one in rows] == [
        ("And that.", "", "", ""), ("Do it.", "Accepted in part", "2003-10-01", "Done"),
    ]  # fmt: skip
    # another agency reads none of it, nor answers
    other = client_as(f"signatory-{list(signed.returns.values())[1].agency_type}")
    assert other.get(own).status_code == other.get(answer).status_code == 404
    assert other.post(answer, data=said | day).status_code == 404
    # agencies read nothing else of it
    for who in ("lead", "board", "signatory"):
        for path in (register, one, status, page_of(signed)):
            assert client_as(who).get(path).status_code in (403, 404), (who, path)


def test_hostile_words_are_words(signed: World, client_as: Client) -> None:
    hostile = "\u202eabc </textarea><script>alert(1)</script> 🙂 " + "x" * 5000
    client = client_as("inspector")
    refused = client.post(page_of(signed, "/chapters/about"), data=text(hostile))
    assert refused.status_code == 422 and "<script>alert(1)" not in refused.text
    do(signed, operations.comment, "about", text=hostile[:4000])
    write(signed, "\\<script>alert(1)\\</script> " + "y" * 5000)
    for below in ("", "/chapters/about", "/preview", "/check", "/versions/1"):
        page = client.get(page_of(signed, below))
        assert page.status_code == 200 and "<script>alert(1)" not in page.text, below


def test_nobody_waits_while_the_figures_of_a_save_are_read(
    signed: World, client_as: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While they are read somebody else can change the round; a save that came between is not lost."""
    read, written = queries.joint_findings, []

    def reading(*args: Any, **values: Any) -> Any:
        monkeypatch.undo()
        found = read(*args, **values)
        written.append(write(signed, "Hers.", chapter="overview", by="lead-inspector").number)
        return found

    client = client_as("inspector")
    signed.session.rollback()
    monkeypatch.setattr(queries, "joint_findings", reading)
    chapter = page_of(signed, "/chapters/about")
    assert client.post(chapter, data=text("[[n: response.submitted]] came.")).status_code == 303
    assert written == [1]
    found = seen(signed)
    assert (found.number, found.composition.chapter("overview").before.en) == (2, "Hers.")
    assert found.composition.chapter("about").before.en == "[[n: response.submitted]] came."
