"""Working offline: what is downloaded comes back unchanged, what was typed is saved, and nothing is overwritten."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from app.domain.life import NotPossible
from app.domain.templates import Criterion
from app.domain.text import localise
from app.models import Event, StagedImport
from app.operations.answers import Edit, save_answers
from app.operations.offline import Decision, apply_import, dismiss_import, stage_sheet
from app.queries.forms import draft_form
from app.queries.imports import Preview, get_import, preview
from app.queries.packs import template_of
from app.queries.returns import get_return
from app.sheets.cells import Sheet, read_cells
from app.sheets.write import write_workbook
from tests.sheets.workbooks import as_ods, edited, fill, saved_again
from tests.world import World, complete_answer


@pytest.fixture
def code(world: World) -> str:
    return next(iter(world.returns))


def download(world: World, code: str, by: str = "lead") -> bytes:
    audit_return = get_return(
        world.session, world.returns[code].public_id, actor=world.actor(by), now=world.now
    )
    form = draft_form(world.session, audit_return, actor=world.actor(by), now=world.now)
    return write_workbook(form, template_of(audit_return)[1])


def upload(world: World, code: str, content: bytes, by: str = "contributor") -> StagedImport:
    actor = world.actor(by)
    staged = stage_sheet(
        world.write(), world.returns[code].public_id, name="filled in.xlsx", content=content,
        sheets=read_cells(content), by=actor, now=world.now,
    )  # fmt: skip
    world.session.commit()
    return staged


def look(world: World, code: str, staged: StagedImport) -> Preview:
    audit_return = get_return(
        world.session, world.returns[code].public_id, actor=world.actor("lead"), now=world.now
    )
    return preview(
        world.session, audit_return, get_import(world.session, audit_return, staged.public_id), now=world.now
    )


def decide(world: World, code: str, staged: StagedImport, *decisions: Decision, by: str = "contributor"):  # type: ignore[no-untyped-def]
    actor = world.actor(by)
    result = apply_import(
        world.write(), world.returns[code].public_id, staged.public_id, decisions, by=actor, now=world.now
    )
    world.session.commit()
    return result


def save(world: World, code: str, question: str, raw: dict[str, object], by: str = "lead") -> None:
    item = next(item for item in world.work(code).items if item.id == question)
    actor = world.actor(by)
    edit = Edit(question, raw, item.answer.version, f"k{item.answer.version}-{by}")
    assert save_answers(world.write(), world.returns[code].public_id, [edit], by=actor, now=world.now).clean
    world.session.commit()


def in_a_form(world: World, code: str) -> list[Criterion]:
    """The questions of the form of an agency in one area: all that its answers could open."""
    subtype = world.returns[code].subtype
    return [
        placed.criterion
        for placed in world.work(code).template.criteria()
        if placed.criterion.asked_of(subtype)
    ]


NASTY = "=1+1\n+44 20 7946 0000\t-x  two spaces\n@SUM(A1)\n\n_x0041_ <b>&amp;</b> ‘quotes’ ŵŷ 𝄞 \u202eabc"


def test_what_was_downloaded_comes_back_as_it_was(world: World, code: str) -> None:
    world.answer(code, best=False)
    first = world.work(code).items[0]
    raw = complete_answer(first.scheme, best=False) | {"commentary": NASTY}
    save(world, code, first.id, raw)
    content = download(world, code)
    for again in (content, saved_again(read_cells(content)), as_ods(read_cells(content))):
        found = look(world, code, upload(world, code, again))
        assert {entry.kind for entry in found.entries} == {"same"}
        assert [entry.item.criterion for entry in found.entries] == in_a_form(world, code)
        assert not found.notes
        assert not found.passed_over


def test_what_was_typed_is_saved(world: World, code: str) -> None:
    world.answer(code, standards=1)
    items = world.work(code).items
    blank = next(item for item in items if not item.started)
    full = items[0]
    checked = next(basis for basis in full.scheme.bases if {"files", "files_date"} <= set(basis.asks))
    worst = next(grade for grade in full.scheme.grades if "date_expected" in grade.needs)

    def type_into(sheets: list[Sheet]) -> None:
        fill(sheets, full.id, commentary="=cmd|' /C calc'!A0", files=12.0, files_date=date(2003, 4, 1),
             basis=localise(checked.label).upper())  # fmt: skip
        fill(sheets, blank.id, grade=f" {localise(worst.label)} ", basis=checked.key, files="1,250",
             files_date="30th April 2003", commentary="A plan.\n\nIn two parts.", date_expected="1/9/03")  # fmt: skip

    staged = upload(world, code, edited(download(world, code), type_into))
    found = look(world, code, staged)
    assert [entry.item.id for entry in found.of("changed")] == [full.id, blank.id]
    assert found.pending == found.of("changed")
    seen = {entry.item.id: entry.item.answer.version for entry in found.entries}
    result = decide(
        world, code, staged, *(Decision(key, "file", seen[key]) for key in (full.id, blank.id))
    )
    assert result.clean
    saved = {item.id: item for item in world.work(code).items}
    assert saved[full.id].answer.value["commentary"] == "=cmd|' /C calc'!A0"
    assert saved[full.id].answer.value["files"] == 12
    assert saved[full.id].answer.value["files_date"] == "2003-04-01"
    assert saved[blank.id].answer.value == {
        "grade": worst.key, "basis": checked.key, "files": 1250, "files_date": "2003-04-30",
        "commentary": "A plan.\n\nIn two parts.", "date_expected": "2003-09-01",
    }  # fmt: skip
    assert saved[blank.id].answer.saved_by == "Contributor"
    after = look(world, code, staged)
    assert after.staged.state == "settled"
    assert not after.pending


def test_a_colleague_s_answer_is_never_overwritten_unasked(world: World, code: str) -> None:
    one, two, three = world.work(code).items[:3]
    content = edited(
        download(world, code),
        lambda sheets: [fill(sheets, item.id, commentary=f"From the sheet {item.id}") for item in (one, two)],
    )
    save(world, code, one.id, {"commentary": "From the page"})
    save(world, code, three.id, {"commentary": "From the page"})
    staged = upload(world, code, content)
    found = look(world, code, staged)
    assert [entry.item.id for entry in found.of("conflict")] == [one.id]
    assert found.of("conflict")[0].item.answer.value == {"commentary": "From the page"}
    assert [entry.item.id for entry in found.of("changed")] == [two.id]
    # not typed in the sheet: what was saved meanwhile stays, and nobody is asked
    assert three.id in {entry.item.id for entry in found.of("same")}

    # somebody saves between the preview and the decision
    save(world, code, two.id, {"commentary": "Between"})
    result = decide(world, code, staged, Decision(one.id, "file", 1), Decision(two.id, "file", 0))
    assert result.saved == {one.id: 2}
    assert list(result.conflicts) == [two.id]
    saved = {item.id: item.answer for item in world.work(code).items}
    assert saved[one.id].value == {"commentary": f"From the sheet {one.id}"}
    assert saved[two.id].value == {"commentary": "Between"}
    assert saved[three.id].value == {"commentary": "From the page"}
    found = look(world, code, staged)
    assert [entry.item.id for entry in found.pending] == [two.id]
    assert found.of("conflict")[0].raw == {"commentary": f"From the sheet {two.id}"}
    assert found.staged.state == "open"

    decide(world, code, staged, Decision(two.id, "saved", 1))
    assert look(world, code, staged).staged.state == "settled"
    assert world.work(code).items[1].answer.value == {"commentary": "Between"}


def test_an_emptied_answer_is_asked_about_by_itself(world: World, code: str) -> None:
    world.answer(code, standards=1)
    item = world.work(code).items[0]
    typed = dict.fromkeys(("grade", "basis", "files", "files_date", "commentary", "date_expected", "reason"))
    staged = upload(world, code, edited(download(world, code), lambda sheets: fill(sheets, item.id, **typed)))
    assert [entry.item.id for entry in look(world, code, staged).of("emptied")] == [item.id]


def test_what_is_wrong_is_named_by_its_cell_and_can_be_mended(world: World, code: str) -> None:
    item, other = world.work(code).items[:2]
    content = edited(
        download(world, code),
        lambda sheets: [
            fill(sheets, item.id, grade="Splendid", commentary="Words", date_expected="soon", files="a few"),
            fill(sheets, other.id, date_expected="31/6/2003", files_date="1/1/2099"),
        ],
    )
    staged = upload(world, code, content)
    wrong = {entry.item.id: entry for entry in look(world, code, staged).of("wrong")}
    assert set(wrong) == {item.id, other.id}
    assert set(wrong[item.id].errors) == {"grade", "date_expected", "files"}
    assert "Splendid" in str(wrong[item.id].errors["grade"])
    assert "soon" in str(wrong[item.id].errors["date_expected"])
    assert set(wrong[other.id].errors) == {"date_expected", "files_date"}
    assert wrong[item.id].cells["grade"][0].isalpha()
    assert wrong[item.id].value == {"commentary": "Words"}
    # the file's own words cannot be saved as they are
    assert decide(world, code, staged, Decision(item.id, "file", 0)).saved == {}
    raw = {"grade": item.scheme.grades[0].key, "commentary": "Words"}
    assert decide(world, code, staged, Decision(item.id, "typed", 0, raw)).saved == {item.id: 1}
    assert [entry.item.id for entry in look(world, code, staged).pending] == [other.id]


def test_rows_are_found_by_id_wherever_they_went(world: World, code: str) -> None:
    world.answer(code, standards=2)
    item = world.work(code).items[0]

    def stir(sheets: list[Sheet]) -> None:
        sheet = fill(sheets, item.id, commentary="Moved about")
        sheet.name = "My own name"
        widest = max(column for _row, column in sheet.cells)
        tallest = max(row for row, _column in sheet.cells)
        # columns the other way round, rows too (below the heads)
        sheet.cells = {
            (row if row < 4 else 4 + tallest - row, widest - column): value
            for (row, column), value in sheet.cells.items()
        }
        sheets.reverse()

    found = look(world, code, upload(world, code, edited(download(world, code), stir)))
    assert [entry.item.id for entry in found.pending] == [item.id]
    assert found.of("changed")[0].place == "My own name"


def test_nothing_that_was_typed_is_passed_over_in_silence(world: World, code: str) -> None:
    item = world.work(code).items[0]

    def scribble(sheets: list[Sheet]) -> None:
        sheet = fill(sheets, item.id)
        sheet.cells[200, 1] = "A note below"
        sheet.cells[5, 40] = "A note beside"
        sheets.append(Sheet("Mine", {(0, 0): "My own sheet"}))

    found = look(world, code, upload(world, code, edited(download(world, code), scribble)))
    assert not found.pending
    assert {one["text"] for one in found.passed_over} == {"A note below", "A note beside", "My own sheet"}
    assert {one["cell"] for one in found.passed_over} == {"B201", "AO6", "A1"}


def test_a_file_with_other_versions_in_it_decides_nothing_by_itself(world: World, code: str) -> None:
    world.answer(code, standards=1)
    one, two = world.work(code).items[:2]
    content = edited(download(world, code), lambda sheets: fill(sheets, one.id, commentary="Mine", version="7"))
    found = look(world, code, upload(world, code, content))
    assert [entry.item.id for entry in found.pending] == [one.id]
    assert found.pending[0].kind == "conflict"
    assert two.id in {entry.item.id for entry in found.of("same")}
    assert "were changed since it was downloaded" in str(found.notes[0])


def test_questions_that_are_missing_or_doubled_are_said(world: World, code: str) -> None:
    one, two = world.work(code).items[:2]

    def copy_row(sheets: list[Sheet]) -> None:
        sheet = fill(sheets, one.id, commentary="First")
        fill(sheets, two.id, id=one.id, commentary="Second")
        assert sheet

    found = look(world, code, upload(world, code, edited(download(world, code), copy_row)))
    notes = " ".join(map(str, found.notes))
    assert "stands twice" in notes
    assert "not in the file" in notes
    assert "Second" in {one["text"] for one in found.passed_over}
    assert next(e for e in found.entries if e.item.id == one.id).raw["commentary"] == "First"


def test_the_same_file_is_kept_once_and_the_history_names_it(world: World, code: str) -> None:
    item = world.work(code).items[0]
    content = edited(download(world, code), lambda sheets: fill(sheets, item.id, commentary="Words"))
    staged = upload(world, code, content)
    assert upload(world, code, content).id == staged.id
    decide(world, code, staged, Decision(item.id, "file", 0))
    again = upload(world, code, content)
    assert again.id != staged.id
    assert not look(world, code, again).pending  # it is saved already
    actor = world.actor("contributor")
    dismiss_import(world.write(), world.returns[code].public_id, again.public_id, by=actor, now=world.now)
    world.session.commit()
    events = world.session.scalars(select(Event).where(Event.verb.startswith("import.")).order_by(Event.id)).all()
    assert [event.verb for event in events] == [
        "import.uploaded", "import.applied", "import.uploaded", "import.dismissed",
    ]  # fmt: skip
    assert {event.data["sha256"] for event in events} == {staged.sha256}
    assert "filled in.xlsx" not in str([event.data for event in events])
    with pytest.raises(NotPossible):
        decide(world, code, again, Decision(item.id, "file", 1))
    with pytest.raises(NotPossible):
        dismiss_import(world.write(), world.returns[code].public_id, again.public_id, by=actor, now=world.now)


def test_a_sheet_in_one_language_comes_back_to_a_service_in_the_other(world: World, code: str) -> None:
    world.answer(code, standards=1)
    actor = world.actor("lead")
    form = draft_form(world.session, world.returns[code], actor=actor, now=world.now, language="cy")
    content = write_workbook(form, template_of(world.returns[code])[1])
    blank = next(item for item in world.work(code).items if not item.started)
    best = blank.scheme.grades[0]
    typed = {"grade": localise(best.label, "cy"), "files_date": "1 Mai 2003"}
    staged = upload(world, code, edited(content, lambda sheets: fill(sheets, blank.id, **typed)))
    found = look(world, code, staged)
    assert {entry.kind for entry in found.entries} == {"same", "changed"}
    assert found.of("changed")[0].value == {"grade": best.key, "files_date": "2003-05-01"}
