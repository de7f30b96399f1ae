"""Composing the joint report in the browser: what is written, checked, signed off, published and tracked."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.models import Recommended, ReportRun
from app.operations import composing as operations
from app.queries import composing as queries
from app.web.oversight.composing import written_difference
from tests.operations.test_composing import REASONS, do, recommend, seen, sign_off, write
from tests.operations.test_examples import CODE, mark
from tests.operations.test_release import clock, publish
from tests.operations.test_returns import sign
from tests.web.test_release import AGES_AGO, moved, queue, words
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


def box(page: str, name: str) -> str:
    """What stands in a text area of a page."""
    found = re.search(rf'<textarea[^>]* name="{name}"[^>]*>([^<]*)</textarea>', page)
    assert found, name
    return unescape(found[1]).strip("\n")


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

    # two at once: hers is beside his, and whoever saves once more has both
    told = lead.post(chapter, data=text("Other words.", "Mine."))
    assert told.status_code == 422 and 'name="version" value="1"' in told.text
    assert 'href="#before-en"' in told.text and 'href="#after-en"' not in told.text
    assert "Inspector changed this too, in version 1" in words(told)
    assert "Version 1, of Inspector" in words(told) and "<ins>Other</ins>" in told.text
    both = box(told.text, "before-en")
    assert both == "Other words.\n\nSo [[n: response.submitted]] of 17 came." and box(told.text, "after-en") == "Mine."
    assert lead.post(chapter, data=text("Other words.", version=1)).status_code == 303
    # what he did not touch is hers by now, and a mistake of his does not change what it is compared with
    old = "So [[n: response.submitted]] of 17 came."
    wrong = inspector.post(chapter, data=text(old, "[[n: nothing]]", version=1))
    assert wrong.status_code == 422 and 'name="version" value="1"' in wrong.text
    assert inspector.post(chapter, data=text(old, "His.", version=1)).status_code == 303
    assert [seen(signed).composition.chapter("about").fields()[one] for one in ("before-en", "after-en")] == [
        "Other words.", "His.",
    ]  # fmt: skip
    compared = inspector.get(page_of(signed, "/versions/2")).text
    assert "<ins>" in compared and "<del>" in compared and "Other" in compared
    assert inspector.get(page_of(signed, "/versions/9")).status_code == 404
    back = inspector.post(page_of(signed, "/versions/1"), follow_redirects=True)
    assert "Version 1 is saved again, as version 4" in words(back)

    # the PDF of it as it stands
    asked = inspector.post(f"/rounds/{signed.audit_round.public_id}/reports", data={"report": "joint-findings"})
    assert asked.status_code == 303
    assert len(queue) == 1
    signed.session.rollback()
    assert signed.session.scalars(select(ReportRun)).one().report == "joint-findings"

    # signed off by a lead inspector, and void with the next save
    assert "Sign version" not in inspector.get(page_of(signed)).text
    assert inspector.post(page_of(signed, "/sign-off"), data={"version": "4", "body": "north"}).status_code == 403
    stale = lead.post(page_of(signed, "/sign-off"), data={"version": "1", "body": "north"}, follow_redirects=True)
    assert "Version 4 was saved since" in words(stale)
    done = lead.post(page_of(signed, "/sign-off"), data={"version": "4", "body": "north"}, follow_redirects=True)
    assert "signed off for your inspectorate" in words(done)
    assert "Signed off by Lead Inspector" in words(inspector.get(page_of(signed)))
    inspector.post(chapter, data=text("Once more.", version=4))
    assert "Not signed off" in words(inspector.get(page_of(signed)))
    history = words(inspector.get(f"/rounds/{signed.audit_round.public_id}/history"))
    assert "Saved version 5 of what is written in the report." in history
    assert "Signed off version 4 of what is written in the report." in history


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
    # who was writing in it has the words still
    late = client.post(made, data=text("More of it.", version=5, **{"title-en": "Steps"}))
    assert late.status_code == 422 and "Somebody took this out" in words(late)
    assert box(late.text, "before-en") == "More of it."
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
    # somebody else said it otherwise meanwhile
    late = client.post(edit, data=said | {"heading-en": "Who did"})
    assert late.status_code == 422 and 'href="#heading-en"' in late.text and 'href="#text-en"' not in late.text
    assert 'name="version" value="2"' in late.text and "<del>came</del>" in late.text and 'value="Who did"' in late.text
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
    empty = client.post(chapter, data=text("Typed.") | {"step": "comment", "comment": " "})
    assert empty.status_code == 422 and 'href="#comment"' in empty.text and box(empty.text, "before-en") == "Typed."
    # what is typed above stays, and is not saved
    said = {"step": "comment", "comment": "Is <this> so?"}
    page = client.post(chapter, data=text("Typed & so.", cy="Teipio.") | said)
    assert page.status_code == 200 and "Is &lt;this&gt; so?" in page.text and 'data-asks="unsaved"' in page.text
    assert (box(page.text, "before-en"), box(page.text, "comment")) == ("Typed & so.", "")
    assert seen(signed).number == 0
    # sent once more by the browser it stands once
    assert client.post(chapter, data=text("Typed.") | said).text.count("Is &lt;this&gt; so?") == 1
    step = re.search(r'value="(resolve [^"]+)"', page.text)[1]  # type: ignore[index]
    page = client.post(chapter, data=text("Typed.") | {"step": step, "comment": "And"})
    assert "Resolved" in words(page) and (box(page.text, "before-en"), box(page.text, "comment")) == ("Typed.", "And")
    # a comment that was typed and not added stays, too
    page = client.post(chapter, data=text("Typed.") | {"comment": "And"})
    assert "Saved." in words(page) and box(page.text, "comment") == "And" and 'value="1"' in page.text
    done = client.post(chapter, data=text("Typed.", version=1) | {"step": "comment", "comment": "And"})
    assert done.status_code == 303, "nothing is left to lose"
    assert client.post(chapter, data=text(version=1) | {"step": "resolve no-such"}).status_code == 404
    assert client.post(f"{chapter[:-5]}no-such", data=text() | said).status_code == 404


def test_recommendations_are_written_published_and_tracked(
    signed: World, client_as: Client, queue: list[str]
) -> None:
    client, edit = client_as("inspector"), page_of(signed, "/recommendations/edit")
    kind = signed.returns[CODE].agency_type
    wrong = client.post(edit, data={"text-en": "Do it.", "due-day": "32", "version": "0"})
    assert wrong.status_code == 422 and 'href="#due-day"' in wrong.text and "Do it." in wrong.text
    wrong = client.post(edit, data={"text-en": "Do it.", "version": "0"})
    assert wrong.status_code == 422 and 'href="#addressee"' in wrong.text
    assert client.post(edit, data={"text-en": "Do it.", "addressee": f"type:{kind}", "version": "0"}).status_code == 303
    key = seen(signed).composition.recommendations[0].key
    assert client.post(f"{edit}?key=rec-none", data={"text-en": "Do it.", "version": "1"}).status_code == 404
    # two at once: the other gave it a day and another addressee
    body, one = f"body:{signed.body.code}", f"{edit}?key={key}"
    opened = {"text-en": "Do it.", "addressee": f"type:{kind}", "version": "1"}
    due = {"due-day": "1", "due-month": "12", "due-year": "2003"}
    assert client.post(one, data=opened | due | {"addressee": body}).status_code == 303
    late = client.post(one, data=opened | due | {"due-day": "2"})
    assert late.status_code == 422 and 'href="#due-day"' in late.text and 'href="#addressee"' not in late.text
    assert "1 December 2003" in words(late) and f'value="{body}" selected' in late.text and 'value="2"' in late.text
    assert client.post(one, data={"text-en": "Do it.", "addressee": f"type:{kind}", "version": "2"}).status_code == 303
    recommend(signed, "And that.")
    rid = signed.audit_round.public_id
    client.post(page_of(signed, "/recommendations/move"), data={"key": key, "to": "down"})
    shown = words(client.get(page_of(signed, "/recommendations")))
    assert shown.index("And that.") < shown.index("Do it.")
    assert "No report of this round" in words(client.get(f"/rounds/{rid}/recommendations"))
    reports, asked = f"/rounds/{rid}/reports", {"report": "recommendations-register"}
    assert "Register of recommendations" not in words(client.get(reports))
    assert client.post(reports, data=asked).status_code == 409
    assert "Do it." in words(client.get(page_of(signed, f"/recommendations/remove?key={key}")))
    sign_off(signed)
    publish(signed, signed.now + timedelta(minutes=1), waived=REASONS)
    clock(signed, signed.now + timedelta(hours=1))

    register = f"/rounds/{rid}/recommendations"
    assert "And that." in words(client.get(register))
    row = signed.session.scalars(select(Recommended).where(Recommended.key == key)).one()
    one, ret = f"{register}/{row.public_id}", signed.returns[CODE].public_id
    assert "Nothing said yet" in words(client.get(one))
    assert "1 waits" in words(client.get(register))
    assert signed.returns[CODE].agency.name in client.get(f"{one}?waiting=1").text
    assert "Only those that have not responded" in words(client.get(one))
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
    shown = words(client.get(f"{one}?waiting=1"))
    assert "has responded" in shown and signed.returns[CODE].agency.name not in shown.partition("has responded")[2]
    # as a report, which is of whoever asks for it
    assert "Make “Register of recommendations” as a PDF" in words(client.get(reports))
    run = client.post(reports, data=asked).headers["Location"]
    assert run.endswith(queue[-1]) and client.get(run).status_code == 200
    assert queue[-1] in client.get(reports).text
    for who in ("lead-inspector", "lead", "signatory"):
        assert client_as(who).get(run).status_code == 404, who
        assert queue[-1] not in client_as(who).get(reports).text, who
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


def test_a_reference_is_compared_whole() -> None:
    found = written_difference("So [[quote: x: a [b] c]] it", "So [[quote: x named: a [b] c]], <it>")
    assert found == (
        "So <del>[[quote: x: a [b] c]]</del><ins>[[quote: x named: a [b] c]],</ins> <del>it</del><ins>&lt;it&gt;</ins>"
    )


def test_nobody_waits_while_the_figures_of_a_save_are_read(
    signed: World, client_as: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While they are read somebody else can change the round; a save that came between is not lost."""
    read, written = queries.whole_findings, []

    def reading(*args: Any, **values: Any) -> Any:
        monkeypatch.undo()
        found = read(*args, **values)
        written.append(write(signed, "Hers.", chapter="overview", by="lead-inspector").number)
        return found

    client = client_as("inspector")
    signed.session.rollback()
    monkeypatch.setattr(queries, "whole_findings", reading)
    chapter = page_of(signed, "/chapters/about")
    assert client.post(chapter, data=text("[[n: response.submitted]] came.")).status_code == 303
    assert written == [1]
    found = seen(signed)
    assert (found.number, found.composition.chapter("overview").before.en) == (2, "Hers.")
    assert found.composition.chapter("about").before.en == "[[n: response.submitted]] came."


def test_the_desk_shows_what_would_come_out_and_what_stands_in_the_way(
    signed: World, client_as: Client, queue: list[str]
) -> None:
    client, lead = client_as("inspector"), client_as("lead-inspector")
    everything = [page_of(signed, below) for below in ("", "/preview")]
    left_out = "are left out, and those that would give them away"
    facts = page_of(signed, "/facts?text=overall.agencies")
    assert "[[n: overall.agencies]]" in client.get(facts).text
    for path in everything:
        assert left_out not in words(client.get(path)), path
    assert "for inspectors" not in client.get(page_of(signed)).text
    signed.write().execute(update(type(signed.audit_round)).values(suppress_below=2, names_agencies=False))
    signed.session.commit()
    for path in everything:
        assert left_out in words(client.get(path)) and "no agency is named" in words(client.get(path)), path
    assert "[[n: overall.agencies]]" not in client.get(facts).text
    assert "are named in this report" not in words(client.get(page_of(signed, "/messages")))
    name = signed.returns[CODE].agency.name
    few = client.post(page_of(signed, "/chapters/about"), data=text("[[n: overall.agencies]]") | {"step": "look"})
    assert "[?: overall.agencies]" in words(few)
    client.post(page_of(signed, "/chapters/about"), data=text(f"As {name} says."))
    # as PDF: with what comes out, or with all figures
    rid = signed.audit_round.public_id
    for figures, option in (("coming-out", True), ("all", None)):
        asked = {"report": "joint-findings", "figures": figures}
        assert client.post(f"/rounds/{rid}/reports", data=asked).status_code == 303
        signed.session.rollback()
        run = signed.session.scalars(select(ReportRun).where(ReportRun.public_id == queue[-1])).one()
        assert run.options.get("coming_out") == option
        shown = words(client.get(f"/reports/{run.public_id}"))
        assert ("as it would be published" in shown) == bool(option)
    # named: on the desk, on the release page, and before anything comes out
    assert "1 agency named" in words(client.get(page_of(signed)))
    sign_off(signed)
    where = f"About the audit, before the figures: “{name}”"
    assert where in words(lead.get(f"/rounds/{rid}/release"))
    at = {"at-day": "1", "at-month": "6", "at-year": "2003", "at-time": "09:30", "step": "look"}
    page = lead.post(f"/rounds/{rid}/release/publish", data=at)
    assert where in words(page) and 'name="waived-named"' in page.text
    # a recommendation that came out keeps its number, and says so
    recommend(signed, "Look again.")
    sign_off(signed)
    publish(signed, signed.now + timedelta(minutes=1), waived=REASONS)
    moved(signed, publish_at=AGES_AGO)
    clock(signed, signed.now)
    key = seen(signed).composition.recommendations[0].key
    recommend(signed, "And more.")
    shown = words(client.get(page_of(signed, "/recommendations")))
    assert "Recommendation 1 published" in shown and "Recommendation 2" in shown
    move = page_of(signed, "/recommendations/move")
    stays = client.post(move, data={"key": key, "to": "down"}, follow_redirects=True)
    assert "published as number 1, and keeps it" in words(stays)
    taken = page_of(signed, f"/recommendations/remove?key={key}")
    assert "nothing else gets its number" in words(client.get(taken))
    client.post(taken)
    sign_off(signed)
    correct = f"/rounds/{rid}/release/correct"
    page = lead.get(correct)
    said = words(page)
    assert "Recommendation 1" in said and "1 December 2003" in said and key not in said and where in said
    assert lead.post(correct, data={"reason": "Said better."}).status_code == 422
    done = lead.post(correct, data={"reason": "Said better.", "waived-named": "It agreed."}, follow_redirects=True)
    assert "published as number 2" in words(done)
    signed.session.rollback()
    row = signed.session.scalars(select(Recommended).where(Recommended.key == key)).one()
    for path in (f"/rounds/{rid}/recommendations", f"/rounds/{rid}/recommendations/{row.public_id}"):
        assert "withdrawn on 12 May 2003" in words(client.get(path)), path
    own, agency = f"/returns/{signed.returns[CODE].public_id}/recommendations", client_as("lead")
    for path in (own, f"{own}/{row.public_id}"):
        assert "withdrawn on 12 May 2003" in words(agency.get(path)), path
    assert ",2003-05-12," in client.get(f"/rounds/{rid}/recommendations.csv").text
