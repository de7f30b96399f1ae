"""The workbook itself: what is in the file, and that no file harms the reader."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from random import Random

import pytest

from app.domain.findings import Sentence
from app.domain.forms import FormAction, FormDocument, FormEvidence
from app.domain.message import Message
from app.operations.answers import Edit, save_answers
from app.queries.forms import draft_form
from app.sheets.cells import LARGEST, Sheet, Unreadable, read_cells, reference
from app.sheets.layout import MARK, TABLE, places_of
from app.sheets.read import read_day
from app.sheets.write import FIRST_ROW, write_workbook
from tests.sheets.workbooks import as_ods, column_of, members, row_of, saved_again, sheet_with, zipped
from tests.world import World, complete_answer, pack

TEMPLATE = next(iter(pack("section-11-2024").templates.values()))
TYPED = ("=1+1", "+44 20 7946 0000", "-1", "@SUM(A1)", "http://example.org", "{=A1}", "'=1", "\t=1")


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One database is enough: what is in a file does not depend on it."""
    return f"sqlite:///{tmp_path / 'candour.db'}"


@pytest.fixture
def form(world: World) -> FormDocument:
    """A return with a complete answer, and one that looks like a formula in every text."""
    code = next(iter(world.returns))
    first, *others = world.work(code).items
    edits = [Edit(first.id, complete_answer(first.scheme, best=False), 0, "k")]
    edits += [Edit(item.id, {"commentary": words}, 0, "k") for item, words in zip(others, TYPED, strict=False)]
    actor = world.actor("lead")
    assert save_answers(world.write(), world.returns[code].public_id, edits, by=actor, now=world.now).clean
    world.session.commit()
    return draft_form(world.session, world.returns[code], actor=actor, now=world.now)


def written(form: FormDocument) -> bytes:
    """The workbook of a form of the world's first type of agency."""
    return write_workbook(form, TEMPLATE)


def sheets_xml(content: bytes) -> dict[str, str]:
    """Name of each sheet to its XML."""
    parts = {name: part.decode() for name, part in members(content).items() if name.endswith((".xml", ".rels"))}
    targets = dict(re.findall(r'<Relationship Id="(\w+)" Type="[^"]*/worksheet" Target="([^"]+)"',
                              parts["xl/_rels/workbook.xml.rels"]))  # fmt: skip
    names = re.findall(r'<sheet name="([^"]+)"[^>]*r:id="(\w+)"', parts["xl/workbook.xml"])
    return {name: parts[f"xl/{targets[key]}"] for name, key in names}


def test_nothing_in_it_is_a_formula_a_link_or_a_macro(form: FormDocument) -> None:
    content = written(form)
    for name, part in members(content).items():
        assert not re.search(rb"<f[ >]|<hyperlink|<definedName[^>]*hidden", part), name
        assert not re.search(r"vba|macro|externalLink|connections", name)
    cells = {str(value).strip() for sheet in read_cells(content) for value in sheet.cells.values()}
    assert {words.strip() for words in TYPED} <= cells


def test_only_cells_for_answers_can_be_changed(form: FormDocument) -> None:
    content = written(form)
    styles = members(content)["xl/styles.xml"].decode()
    formats = re.findall(r"<xf [^>]*?(?:/>|>.*?</xf>)", styles.split("<cellXfs")[1].split("</cellXfs>")[0], re.DOTALL)
    unlocked = {place for place, one in enumerate(formats) if 'locked="0"' in one}
    sheets = {sheet.name: sheet for sheet in read_cells(content)}
    xml = sheets_xml(content)
    asked = {placed.criterion.id: placed.criterion.answer for placed in TEMPLATE.criteria()}
    standards = {standard.number: standard for standard in form.standards}
    tables = {f"{TABLE}{question.id}": question for question in form.questions() if question.type == "table"}
    open_cells = 0
    for name, text in xml.items():
        assert "<sheetProtection sheet=" in text, name
        assert "mergeCell" not in text
        cells = re.findall(r'<c r="([A-Z]+[0-9]+)" s="([0-9]+)"', text)
        free = {place for place, style in cells if int(style) in unlocked}
        if table := next((tables.pop(key) for key in list(tables) if key in sheets[name].cells.values()), None):
            rows, columns = asked[table.criterion].at_most, len(asked[table.criterion].columns)
            assert free == {reference(FIRST_ROW + row, place) for row in range(rows) for place in range(columns)}
            continue
        if not re.fullmatch(r"Standard \d+", name):
            assert not free
            continue
        wanted = {
            reference(row_of(sheets[name], question.id), column_of(sheets[name], column))
            for question in standards[int(name.split()[1])].questions
            for column in places_of(asked[question.criterion]).values()
        }
        assert free == wanted
        open_cells += len(free)
        assert 'state="frozen"' in text
        assert 'orientation="landscape"' in text
        assert "<tablePart " in text
    assert not tables and open_cells == sum(len(places_of(asked[one.criterion])) for one in form.questions())


def test_grades_are_chosen_from_a_list(form: FormDocument) -> None:
    content = written(form)
    xml = sheets_xml(content)
    lists = next(sheet for sheet in read_cells(content) if sheet.name == "Lists")
    labels = {grade.label for scheme in form.schemes for grade in scheme.grades}
    assert labels <= set(lists.cells.values())
    for name, text in xml.items():
        if name.startswith("Standard"):
            number = int(name.split()[1])
            questions = next(s for s in form.standards if s.number == number).questions
            assert text.count('type="list"') == sum(
                (q.type in ("grade", "yes_no", "choice")) + bool(form.scheme(q.scheme).bases) for q in questions
            )
    book = members(content)["xl/workbook.xml"].decode()
    assert re.findall(r'<sheet name="(\w+)"[^>]*state="veryHidden"', book) == ["Lists", "Candour"]


def test_the_instructions_say_what_a_person_needs(form: FormDocument) -> None:
    text = " ".join(map(str, read_cells(written(form))[0].cells.values()))
    assert form.agency is not None
    for words in (form.agency.name, form.audit_round.name, "names or details of children", "upload", "yellow"):
        assert words in text
    for standard in form.standards:
        assert standard.title in text


def test_the_same_form_gives_the_same_bytes(form: FormDocument) -> None:
    assert written(form) == written(form)


def test_a_closed_return_is_locked_and_holds_no_ids(form: FormDocument) -> None:
    standard = form.standards[0]
    question = standard.questions[0].model_copy(
        update={
            "actions": (FormAction(what="=Train everybody", owner="Head", due=date(2003, 9, 1), state="planned"),),
            "evidence": (FormEvidence(title="Minutes", name="minutes.pdf", sha256="0" * 64),),
        }
    )
    first = standard.model_copy(
        update={"questions": (question, *standard.questions[1:]), "vouched_by": "Vera", "vouched_post": "Director"}
    )
    closed = form.model_copy(
        update={
            "closed": Sentence.of(Message("This round is closed.")),
            "standards": (first, *form.standards[1:]),
        }
    )
    content = written(closed)
    assert 'locked="0"' not in members(content)["xl/styles.xml"].decode()
    values = [str(value) for sheet in read_cells(content) for value in sheet.cells.values()]
    assert not any(value.startswith(MARK) for value in values)
    assert "=1+1" in values
    assert "=Train everybody (Head, 1 September 2003, Planned)" in values
    assert f"Minutes (minutes.pdf, SHA-256 {'0' * 64})" in values
    assert "Vera, Director, vouches for these answers." in values


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("31/10/2003", date(2003, 10, 31)),
        ("1/2/03", date(2003, 2, 1)),
        ("1.2.2003", date(2003, 2, 1)),
        (" 1 - 2 - 2003 ", date(2003, 2, 1)),
        ("31 October 2003", date(2003, 10, 31)),
        ("Friday 31st October, 2003", date(2003, 10, 31)),
        ("3 Sept 2003", date(2003, 9, 3)),
        ("3 sep. 03", date(2003, 9, 3)),
        ("1 Medi 2003", date(2003, 9, 1)),
        ("31 Hydref 2003", date(2003, 10, 31)),
        ("7 Mehefin 2003", date(2003, 6, 7)),
        ("7 Gorffennaf 2003", date(2003, 7, 7)),
        ("2003-10-31", date(2003, 10, 31)),
        ("2003-10-31 00:00:00", date(2003, 10, 31)),
        (37925.0, date(2003, 10, 31)),
        (date(2003, 10, 31), date(2003, 10, 31)),
        ("31/6/2003", None),
        ("10/31/2003", None),
        ("October 2003", None),
        ("soon", None),
        ("2003", None),
        (2003.0, None),
        (True, None),
        ("", None),
        ("1 Foo 2003", None),
    ],
)
def test_days_are_read_as_people_here_write_them(typed: object, day: date | None) -> None:
    assert read_day(typed) == day  # type: ignore[arg-type]


def test_places_are_named_as_a_spreadsheet_names_them() -> None:
    places = {(0, 0): "A1", (6, 5): "F7", (9, 25): "Z10", (0, 26): "AA1", (0, 701): "ZZ1", (0, 702): "AAA1"}
    assert {place: reference(*place) for place in places} == places


def test_a_formula_without_a_result_is_not_taken_for_an_empty_cell(form: FormDocument) -> None:
    content = written(form)
    question = form.questions()[0]
    sheet = sheet_with(read_cells(content), question.id)
    place = reference(row_of(sheet, question.id), column_of(sheet, "commentary"))
    parts = members(content)
    names = list(sheets_xml(content))
    part = f"xl/worksheets/sheet{names.index(sheet.name) + 1}.xml"
    changed = re.sub(rb'<c r="%s" s="(\d+)"[^>]*?(/>|>.*?</c>)' % place.encode(),
                     rb'<c r="%s" s="\1" t="e"><f>foo</f><v>#NAME?</v></c>' % place.encode(), parts[part])  # fmt: skip
    assert changed != parts[part]
    again = sheet_with(read_cells(zipped({**parts, part: changed})), question.id)
    assert again.cells[row_of(again, question.id), column_of(again, "commentary")] == "#NAME?"


# --- files that mean harm --------------------------------------------------------------------------------------------

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + place)} "{f"&{chr(97 + place)};" * 10}">' for place in range(9)
)


def corners(parts: dict[str, bytes], sheet: str) -> dict[str, bytes]:
    """One cell in each far corner: a table of seventeen thousand million cells."""
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return {**parts, sheet: f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'.encode()}


def long_column(parts: dict[str, bytes], sheet: str) -> dict[str, bytes]:
    rows = "".join(f'<row r="{row}"><c r="A{row}"><v>1</v></c></row>' for row in range(1, 300_000))
    return {**parts, sheet: f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'.encode()}


def laughing(parts: dict[str, bytes], sheet: str) -> dict[str, bytes]:
    xml = f'{LAUGHS}]><sst xmlns="{MAIN}"><si><t>&j;</t></si></sst>'
    return {**parts, "xl/sharedStrings.xml": xml.encode()}


def wide_ods(_parts: dict[str, bytes], _sheet: str) -> dict[str, bytes]:
    found = members(as_ods([Sheet("A", {(0, 0): "x"})]))
    content = found["content.xml"].replace(
        b"<table:table-row>",
        b'<table:table-row table:number-rows-repeated="1048576">'
        b'<table:table-cell table:number-columns-repeated="16384" office:value-type="string">'
        b"<text:p>x</text:p></table:table-cell>",
    )
    return {**found, "content.xml": content}


HARM: dict[str, Callable[[dict[str, bytes], str], dict[str, bytes]]] = {
    "corners": corners,
    "long column": long_column,
    "laughing": laughing,
    "wide ods": wide_ods,
    "large member": lambda parts, _: {**parts, "xl/sharedStrings.xml": b"\0" * (61 * 1024**2)},
    "many members": lambda parts, _: {**{f"xl/{number}": b"" for number in range(1100)}, **parts},
    "no relations": lambda parts, _: {name: part for name, part in parts.items() if "rels" not in name},
    "no workbook": lambda parts, _: {name: part for name, part in parts.items() if name != "xl/workbook.xml"},
    "half a sheet": lambda parts, sheet: {**parts, sheet: parts[sheet][: len(parts[sheet]) // 2]},
    "other ods": lambda _parts, _sheet: {"content.xml": b"x", "mimetype": b"text/plain"},
}


@pytest.mark.parametrize("name", HARM)
def test_a_file_that_means_harm_is_refused_soon(form: FormDocument, name: str) -> None:
    parts = HARM[name](members(written(form)), "xl/worksheets/sheet2.xml")
    started = time.monotonic()
    with pytest.raises(Unreadable) as refused:
        read_cells(zipped(parts))
    assert time.monotonic() - started < 60  # it ended, however busy the machine is
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"PK\x03\x04", b"\xd0\xcf\x11\xe0" + b"\0" * 4096, b"<html>", b"\0" * 1000, b"a,b\n1,2\n"],
)
def test_what_is_no_workbook_is_refused(content: bytes) -> None:
    with pytest.raises(Unreadable):
        read_cells(content)


def test_a_file_that_is_too_large_is_not_even_opened() -> None:
    with pytest.raises(Unreadable, match="larger than 10 MB"):
        read_cells(b"\0" * (LARGEST + 1))


def test_files_with_bytes_changed_at_random_are_read_or_refused(form: FormDocument) -> None:
    good = written(form)
    rng = Random(2003)
    for _round in range(25):
        broken = bytearray(good)
        for _change in range(rng.choice((1, 5, 200))):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        try:
            read_cells(bytes(broken))
        except Unreadable as refused:
            assert str(refused)


def test_a_workbook_without_answers_is_read_all_the_same() -> None:
    sheets = [Sheet("Empty"), Sheet("One", {(3, 2): "x", (4, 2): 1.5, (5, 2): date(2003, 5, 1), (6, 2): True})]
    for content in (saved_again(sheets), as_ods([sheets[0], Sheet("One", dict(list(sheets[1].cells.items())[:3]))])):
        found = read_cells(content)
        assert [sheet.name for sheet in found] == ["Empty", "One"]
        assert found[0].cells == {}
        assert found[1].cells[3, 2] == "x"
        assert found[1].cells[4, 2] == 1.5
        assert found[1].cells[5, 2] == date(2003, 5, 1)
