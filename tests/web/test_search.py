"""Pages of search and of examples: what they show, to whom, escaped, as files, within few statements."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import Example, Submission
from app.operations import examples
from app.web.oversight.examples import PAGE
from tests.operations.test_search import answered, found, sign, signatory, submitted, threads, token
from tests.web.test_chasing import counted
from tests.web.test_oversight import words
from tests.world import World

CODE = "council-1"


@pytest.fixture
def inspector(client_as) -> FlaskClient:
    """An inspector of the body that owns the test round."""
    client: FlaskClient = client_as("inspector")
    return client


def search(client: FlaskClient, world: World, typed: str, **more: Any) -> Any:
    """The page of the round's search."""
    return client.get(f"/rounds/{world.audit_round.public_id}/search", query_string={"q": typed} | more)


def lines(response: Any) -> list[list[str]]:
    """The rows of a CSV file."""
    return list(csv.reader(io.StringIO(response.data.decode("utf-8-sig"))))


def test_a_search_shows_where_each_text_stands_with_the_words_marked(world, inspector):
    assert "Type one word or several" in words(search(inspector, world, ""))
    assert "no word to look for" in words(search(inspector, world, "***"))
    assert "Nothing fits" in words(search(inspector, world, "training"))
    submitted(world, CODE)
    page = search(inspector, world, f"trained {token(CODE)}")
    assert f"<mark>{token(CODE)}</mark>" in page.text and "<mark>training</mark>" in page.text
    shown = words(page)
    assert "Fictional council one, question 1.1" in shown
    href = re.search(r'<a class="govuk-link" href="(/returns/[^"]+)#q-([^"]+)">Fictional', page.text)
    assert href
    read = inspector.get(href[1])
    assert read.status_code == 200 and f'id="q-{href[2]}"' in read.text
    # each filter is offered, and what was chosen is shown again
    for name in ("type", "theme", "standard", "grade", "area", "kind"):
        assert f'name="{name}"' in page.text, name
    page = search(inspector, world, "training", type="council", kind="action")
    assert '<option value="council" selected>' in page.text and "Search without filters" in words(page)


def test_what_agencies_wrote_is_shown_as_text_and_never_as_markup(world, inspector):
    answered(world, CODE, '<script>alert("x")</script> <mark>faked</mark> 4 < 5 & "more" training')
    sign(world, CODE)
    page = search(inspector, world, "faked")
    assert "<script>alert" not in page.text and "&lt; 5 &amp;" in page.text
    # marked by us, once for each text: PostgreSQL leaves tags out of its snippets, SQLite shows them as text
    assert page.text.count("<mark>") == len(re.findall(r"<mark>faked</mark>", page.text)) > 0
    assert page.text.count("<mark>faked</mark>") == page.text.count("&lt; 5 &amp;")
    page = search(inspector, world, '"><script>x</script>')
    assert "<script>x" not in page.text
    every = found(world, "inspector", "faked").total
    table = lines(search(inspector, world, "faked", format="csv"))
    assert len(table) == every + 1 and table[1][0] == CODE
    assert '<script>alert("x")</script>' in table[1][-1]


def test_a_file_holds_everything_that_fits(world, inspector):
    for code in ("council-1", "police-1"):
        submitted(world, code)
    total = found(world, "inspector", "training").total
    assert len(lines(search(inspector, world, "training", format="csv"))) == total + 1
    table = lines(search(inspector, world, "training", format="csv", type="police"))
    assert {row[0] for row in table[1:]} == {"police-1"}
    assert lines(search(inspector, world, "", format="csv"))[1:] == []
    answer = search(inspector, world, "training", format="csv")
    assert "attachment" in answer.headers["Content-Disposition"]


def test_only_the_bodies_of_the_round_search_it(world, client_as):
    submitted(world, CODE)
    for name, status in (("outsider", 404), ("signatory", 403), ("coordinator", 403), ("administrator", 403)):
        for more in ({}, {"format": "csv"}):
            answer = search(client_as(name), world, "training", **more)
            assert answer.status_code == status and token(CODE) not in answer.text, name


def test_each_reader_of_a_return_finds_what_they_may_read(world, client_as):
    for code in ("council-1", "police-1"):
        submitted(world, code)
        threads(world, code)
    rid = world.returns[CODE].public_id
    for name, kinds in (
        ("signatory", {"answer", "query", "progress"}), ("board", {"answer", "query", "progress"}),
        ("coordinator", {"answer"}), ("inspector", {"answer", "query", "progress", "peer", "accuracy", "comment"}),
    ):  # fmt: skip
        client = client_as(name)
        for what in ("answer", "query", "progress", "peer", "accuracy", "comment"):
            page = client.get(f"/returns/{rid}/search", query_string={"q": token(CODE, what)})
            assert page.status_code == 200
            assert (f"<mark>{token(CODE, what)}</mark>" in page.text) == (what in kinds), (name, what)
            foreign = client.get(f"/returns/{rid}/search", query_string={"q": token("police-1", what)})
            assert f"<mark>{token('police-1', what)}" not in foreign.text, (name, what)
    for name in ("outsider", "administrator", signatory(world, "police-1")):
        assert client_as(name).get(f"/returns/{rid}/search?q=training").status_code in (403, 404)


def test_every_kind_of_thread_leads_somewhere(world, inspector):
    submitted(world, CODE)
    threads(world, CODE)
    for what in ("query", "progress", "peer", "accuracy", "comment"):
        page = search(inspector, world, token(CODE, what))
        href = re.search(r'<h3[^>]*><a class="govuk-link" href="([^"]+)"', page.text)
        assert href, what
        if what != "accuracy":  # there is no feedback before an inspector prepared it
            assert inspector.get(href[1]).status_code == 200, (what, href[1])


def test_searches_take_few_statements(world, inspector, app):
    for code in ("council-1", "police-1"):
        submitted(world, code)
    for path in (
        f"/rounds/{world.audit_round.public_id}/search?q=training",
        f"/rounds/{world.audit_round.public_id}/examples",
        f"/returns/{world.returns[CODE].public_id}/search?q=training",
    ):
        inspector.get(path)
        with counted(app) as made:
            inspector.get(path)
        assert len(made) <= 15, "\n\n".join(made)


# --- examples --------------------------------------------------------------------------------------------------------


def marked(world: World) -> tuple[str, str]:
    """The addresses of marking the first answer of a submission, and of the round's examples."""
    world.session.rollback()
    signed = world.session.scalars(select(Submission).order_by(Submission.id.desc())).first()
    assert signed
    item = world.work(CODE).items[0]
    rid = world.returns[CODE].public_id
    return (
        f"/returns/{rid}/examples/{signed.public_id}/{item.id}",
        f"/rounds/{world.audit_round.public_id}/examples",
    )


def test_an_answer_is_marked_from_where_it_is_read_and_from_a_search(world, inspector):
    submitted(world, CODE)
    address, overview = marked(world)
    assert "No answer is marked yet" in words(inspector.get(overview))
    rid, sid = address.split("/")[2], address.split("/")[4]
    assert f'href="{address}"' in inspector.get(f"/returns/{rid}/submissions/{sid}").text
    assert f'href="{address}"' in search(inspector, world, "training").text
    page = inspector.get(address)
    assert "What makes it one" in words(page) and token(CODE) in page.text
    wrong = inspector.post(address, data={"note": "Kept <b>words</b>"})
    assert wrong.status_code == 422 and 'href="#kind"' in wrong.text and "Kept &lt;b&gt;words" in wrong.text
    wrong = inspector.post(address, data={"kind": "good", "note": ""})
    assert wrong.status_code == 422 and 'href="#note"' in wrong.text
    done = inspector.post(address, data={"kind": "good", "note": "=Shows how"})
    assert done.status_code == 303 and "#q-" in done.headers["Location"]
    shown = words(inspector.get(overview))
    assert "Good practice" in shown and "=Shows how" in shown and token(CODE) in shown
    table = lines(inspector.get(overview + "?format=csv"))
    assert table[1][2] == CODE and table[1][10] == "'=Shows how" and token(CODE) in table[1][9]
    assert "No example fits" in words(inspector.get(overview + "?kind=concern"))
    assert "Change the note" in words(inspector.get(overview))
    assert "=Shows how" in inspector.get(address + "?kind=good").text
    remove = re.search(r'action="(/returns/[^"]+/remove)"', inspector.get(overview).text)
    assert remove and inspector.post(remove[1]).status_code == 303
    world.session.rollback()
    assert world.session.scalars(select(Example)).all() == []


def test_many_examples_come_page_by_page_and_the_filter_stays(world, inspector):
    """Each stands on one page, in the order of the file; a page that is not there gives the last."""
    overview, actor, notes_of = f"/rounds/{world.audit_round.public_id}/examples", world.actor("inspector"), {}
    for code in world.returns:
        submitted(world, code)
        sid = world.session.scalars(select(Submission.public_id).order_by(Submission.id.desc())).first()
        items = [item for item in world.work(code).items if item.started]
        session = world.write()
        for item in items:
            for kind in ("good", "concern"):
                note = f"note{kind}{len(notes_of)}."
                notes_of[note] = item.criterion.theme
                examples.mark(
                    session, world.returns[code].public_id, submission=sid, question=item.id, kind=kind, note=note,
                    by=actor, now=world.now,
                )  # fmt: skip
        session.commit()
        if len(notes_of) > PAGE:
            break
    total = len(notes_of)
    pages = -(-total // PAGE)
    assert pages > 1, "too few questions for a second page"

    def notes(text: str) -> list[str]:
        return re.findall(r"note(?:good|concern)\d+\.", text)

    first, last = inspector.get(overview).text, inspector.get(f"{overview}?page={pages}").text
    assert len(notes(first)) == PAGE and len(notes(last)) == total - (pages - 1) * PAGE
    shown = [note for page in range(1, pages + 1) for note in notes(inspector.get(f"{overview}?page={page}").text)]
    assert sorted(shown) == sorted(notes_of)
    assert shown == [row[10] for row in lines(inspector.get(f"{overview}?format=csv"))[1:]]
    assert f'href="{overview}?page=2"' in first and 'rel="next"' in first and 'rel="prev"' not in first
    assert 'rel="prev"' in last and 'rel="next"' not in last
    assert notes(inspector.get(f"{overview}?page={pages + 7}").text) == notes(last)
    theme = items[0].criterion.theme
    narrowed = notes(inspector.get(f"{overview}?kind=good&theme={theme}").text)
    of_theme = [note for note, here in notes_of.items() if here == theme and note.startswith("notegood")]
    assert 0 < len(of_theme) <= PAGE and sorted(narrowed) == sorted(of_theme)


@pytest.mark.parametrize("name", ["signatory", "lead", "board", "outsider", "coordinator", "administrator"])
def test_nobody_else_learns_of_examples(world, client_as, name):
    submitted(world, CODE)
    address, overview = marked(world)
    client_as("inspector").post(address, data={"kind": "concern", "note": "secretnote"})
    client = client_as(name)
    for path in (address, overview, overview + "?format=csv"):
        answer = client.get(path)
        assert answer.status_code in (403, 404) and "secretnote" not in answer.text
    assert client.post(address, data={"kind": "good", "note": "x"}).status_code in (403, 404)
    rid, sid = address.split("/")[2], address.split("/")[4]
    for path in (f"/returns/{rid}/submissions/{sid}", f"/returns/{rid}/history", f"/returns/{rid}/search?q=secret"):
        page = client.get(path)
        assert "secretnote" not in page.text and "Mark as an example" not in page.text, path
