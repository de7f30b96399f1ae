"""The other forms of a report hold what its PDF shows: data, CSV, workbook, Word, page for a phone."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn
from fontTools.ttLib import TTFont
from markupsafe import escape
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import make_engine
from app.models import AuditReturn, Base, Submission
from app.policy import system_actor
from reports import charts, web_type
from reports.explain import rows_at
from reports.formats import FORMATS, ReportFile, as_data, file_of, schema_of
from reports.make import make_report
from reports.registry import reports
from reports.source import SOURCE, Source
from reports.tables import Cell, alternative, classes, figures_of, number_of, parsed, picture
from reports.web import policy
from reports.word import clean, drawn
from reports.worker import page
from tests.pdf_text import text_of
from tests.reports.made_up import PAGE, made_up
from tests.reports.seeded import AFTER, recommend, seed
from tests.reports.shown import wrong
from tests.world import pack

OF_RETURNS = ("agency-return", "receipt", "action-plan", "blank-form")
OF_ROUNDS = ("joint-findings", "regional-concerns", "recommendations-register")

@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The source of each report, beside its PDF, from one seeded round."""
    folder = tmp_path_factory.mktemp("formats")
    engine = make_engine(f"sqlite:///{folder / 'seeded.db'}")
    Base.metadata.create_all(engine)
    files: dict[str, Path] = {}
    with Session(engine) as session:
        audit_round = seed(session, pack("climbie-2003"), agencies=30)
        recommend(session, audit_round)
        submitted = select(AuditReturn).join(Submission, Submission.return_id == AuditReturn.id)
        signed = session.scalars(submitted.where(AuditReturn.stage == "submitted")).first()
        for key in (*OF_ROUNDS, *OF_RETURNS):
            files[key] = folder / f"{key}{SOURCE}"
            make_report(
                session, key, audit_round, signed if key in OF_RETURNS else None, out=folder / f"{key}.pdf",
                source=files[key], actor=system_actor("test"), now=AFTER,
            )  # fmt: skip
    engine.dispose()
    return files


@cache
def pdf_text(source: Path) -> str:
    """The letters and digits of a PDF beside a source: a line may end anywhere else."""
    return letters(text_of(source.with_name(source.name.removesuffix(SOURCE) + ".pdf")))


def letters(text: str) -> str:
    """The letters and digits of a text alone."""
    return re.sub(r"[\W_]+", "", text)


# --- what a page holds -----------------------------------------------------------------------------------------------


def test_figures_and_tables_of_a_page_are_read() -> None:
    table, figure = figures_of(PAGE)
    assert (table.id, table.name, table.number, table.caption, table.counts) == (
        "table-1", "Table 1", 1, "Counts", "of returns",
    )  # fmt: skip
    assert (table.source, table.chapter, table.heads) == ("rows", "One", ("No.", "What", "Met"))
    assert [row.heading for row in table.rows] == [True, False, False, False]
    assert table.rows[0].cells == (Cell("A kind"), Cell(""), Cell(""))
    # a number by which a criterion is called is none, and a cell over two rows stands in both
    assert table.rows[1].cells == (Cell("1.10"), Cell("=SUM(A1)"), Cell("45%", 45, "%"))
    assert table.rows[2].cells == (Cell("2"), Cell("Twice"), Cell("1,234", 1234))
    assert table.rows[3].cells == (Cell("3"), Cell("Twice"), Cell("12.5%\nfew"))
    assert (figure.id, figure.kind, figure.words) == ("figure-1", "figure", ("NHS 4, police 7",))
    assert (figure.source, figure.notes) == ("shares", ("From returns.",))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", (0, "")), ("12", (12, "")), ("−3", (-3, "")), ("+4", (4, "")), ("1,234,567", (1234567, "")),
        ("12.5%", (12.5, "%")), ("100%", (100, "%")), ("007", (None, "")), ("1.10.2", (None, "")), ("–", (None, "")),
        ("5/12", (None, "")), ("12 May", (None, "")), ("", (None, "")), ("1,23", (None, "")), ("(few)", (None, "")),
    ],
)  # fmt: skip
def test_numbers_are_told_from_names(text: str, number: tuple[float | None, str]) -> None:
    assert number_of(text) == number


def test_captions_with_the_same_number_are_told_apart() -> None:
    page = PAGE.replace("</body>", "<table><caption><span class='no'>Table 1</span> Again</caption></table></body>")
    assert [figure.id for figure in figures_of(page)] == ["table-1", "figure-1", "table-x1"]


# --- every report ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [*OF_ROUNDS, *OF_RETURNS])
def test_every_cell_of_the_data_stands_in_the_pdf(made: dict[str, Path], key: str) -> None:
    source, pdf = Source.kept(made[key]), pdf_text(made[key])
    missing = [
        cell.text
        for figure in figures_of(source.page)
        if figure.kind == "table"
        for row in figure.rows
        for cell in row.cells
        # words of charts are not printed: they are read out
        if not all(letters(line) in pdf for line in cell.text.split("\n"))
    ]
    drawn = {alternative(svg) for svg in parsed(source.page).iter("svg")}
    assert [text for text in missing if text.split("\n")[0] not in drawn][:5] == []
    if key in OF_ROUNDS:
        assert figures_of(source.page)


@pytest.mark.parametrize("key", [*OF_ROUNDS, *OF_RETURNS])
def test_the_data_fit_their_schema_and_name_the_queries(made: dict[str, Path], key: str) -> None:
    source = Source.kept(made[key])
    found = json.loads(FORMATS["json"].write(source))
    ReportFile.model_validate({name: value for name, value in found.items() if name != "data"})
    reports()[key].model.model_validate(found["data"])
    schema = schema_of(key)
    assert set(found) == set(schema["properties"]) and schema["required"]
    assert found["snapshot_id"] == found["data"]["snapshot_id"]
    assert found["queries"] and all(query["statement"].startswith(("SELECT", "WITH")) for query in found["queries"])


def test_a_source_is_kept_as_it_was(tmp_path: Path) -> None:
    made_up().keep(tmp_path / "one")
    assert Source.kept(tmp_path / "one") == made_up()
    (tmp_path / "other").write_text('{"format": "another"}')
    with pytest.raises(ValueError, match="not what a report was made from"):
        Source.kept(tmp_path / "other")


def test_a_form_is_made_once_and_again_when_its_source_is(tmp_path: Path) -> None:
    source = tmp_path / f"run{SOURCE}"
    made_up().keep(source)
    path = file_of(source, "csv")
    assert path.name == "run-csv.zip"
    first = path.read_bytes()
    path.write_bytes(b"kept")
    assert file_of(source, "csv").read_bytes() == b"kept"
    path.unlink()
    assert file_of(source, "csv").read_bytes() == first
    assert sorted(one.name for one in tmp_path.iterdir()) == ["run-csv.zip", f"run{SOURCE}"]
    with pytest.raises(KeyError):
        file_of(source, "gif")


@pytest.mark.parametrize("key", list(FORMATS))
def test_the_same_source_gives_the_same_bytes(key: str) -> None:
    assert FORMATS[key].write(made_up()) == FORMATS[key].write(made_up())


# --- CSV and workbook ------------------------------------------------------------------------------------------------


def test_csv_files_are_disarmed_and_listed() -> None:
    with zipfile.ZipFile(io.BytesIO(FORMATS["csv"].write(made_up()))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert list(files) == ["contents.csv", "table-1.csv", "figure-1.csv"]
    assert all(content.startswith(b"\xef\xbb\xbf") for content in files.values())
    rows = list(csv.reader(io.StringIO(files["table-1.csv"].decode("utf-8-sig"), newline="")))
    # a row says of which group it is, which no row of its own names
    assert rows[:2] == [["Group", "No.", "What", "Met"], ["A kind", "1.10", "'=SUM(A1)", "45%"]]
    listed = files["contents.csv"].decode("utf-8-sig")
    assert "figure-1.csv,Figure 1,Shares" in listed and "ab" * 32 in listed


def test_a_negative_number_is_a_number_and_a_formula_is_none() -> None:
    page = PAGE.replace("1,234", "-5").replace("45%", "-5+cmd")
    with zipfile.ZipFile(io.BytesIO(FORMATS["csv"].write(made_up(page)))) as archive:
        text = archive.read("table-1.csv").decode("utf-8-sig")
    assert ",-5\r\n" in text and "'-5+cmd" in text


def test_the_workbook_has_a_sheet_for_each_and_numbers_are_numbers() -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(FORMATS["xlsx"].write(made_up())))
    assert book.sheet_names == ["Contents", "Table 1", "Figure 1"]
    contents = book.get_sheet_by_name("Contents").to_python()
    assert any(row[0] == "Table 1" and row[1] == "Counts. of returns" for row in contents)
    assert any("ab" * 32 in row for row in contents)
    rows = book.get_sheet_by_name("Table 1").to_python()
    assert rows[0][0] == "Table 1. Counts" and rows[3] == ["Group", "No.", "What", "Met"]
    assert rows[4] == ["A kind", "1.10", "=SUM(A1)", 0.45]
    assert rows[5] == ["A kind", "2", "Twice", 1234]
    with zipfile.ZipFile(io.BytesIO(FORMATS["xlsx"].write(made_up()))) as archive:
        sheet = archive.read("xl/worksheets/sheet2.xml").decode()
        assert 'ySplit="4"' in sheet and 'state="frozen"' in sheet and "<f>" not in sheet


# --- Word ------------------------------------------------------------------------------------------------------------


def test_the_word_document_has_real_structure() -> None:
    document = Document(io.BytesIO(FORMATS["docx"].write(made_up())))
    styles = [(one.style.name, one.text) for one in document.paragraphs if one.text]
    assert ("Title", "Title") in styles and ("Heading 1", "1 One") in styles
    assert ("Numbered paragraph", "First, with weight and pwyslais.") in styles
    assert ("List Bullet", "A point") in styles and ("List Bullet", "below it") in styles
    assert [text for style, text in styles if style == "List Number"] == ["Step", "Another beginning"]
    assert [text for style, text in styles if style == "Caption"] == ["Table 1 Counts of returns", "Figure 1 Shares"]
    runs = {run.text: run for one in document.paragraphs for run in one.runs}
    assert runs["weight"].bold and runs["pwyslais"].italic
    assert runs["pwyslais"]._r.rPr.find(qn("w:lang")).get(qn("w:val")) == "cy-GB"
    # the two lists of numbers are two
    numbers = [one._p.pPr.numPr.numId.val for one in document.paragraphs if one.style.name == "List Number"]
    assert len(set(numbers)) == 2
    depths = [one._p.pPr.numPr.ilvl.val for one in document.paragraphs if one.style.name == "List Bullet"]
    assert depths == [0, 1]


def test_tables_of_the_word_document_have_heads_and_spans() -> None:
    table = Document(io.BytesIO(FORMATS["docx"].write(made_up()))).tables[0]
    first = table.rows[0]
    assert first._tr.trPr.find(qn("w:tblHeader")) is not None
    assert [cell.text for cell in first.cells] == ["No.", "What", "Met"]
    assert [cell.text for cell in table.rows[2].cells] == ["1.10", "=SUM(A1)", "45%"]
    assert table.rows[3].cells[1].text == table.rows[4].cells[1].text == "Twice"  # one cell over two rows
    assert table.rows[1].cells[0]._tc is table.rows[1].cells[2]._tc
    assert table._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val")) == "Table 1 Counts of returns"


def test_charts_of_the_word_document_are_pictures_with_words() -> None:
    document = Document(io.BytesIO(FORMATS["docx"].write(made_up())))
    described = [one.get("descr") for one in document.element.body.iter(qn("wp:docPr"))]
    assert described == ["Ring", "NHS 4, police 7"]
    assert len({one.get("id") for one in document.element.body.iter(qn("wp:docPr"))}) == 2
    images = [part for part in document.part.package.iter_parts() if part.partname.startswith("/word/media/")]
    assert len(images) == 2 and all(image.blob.startswith(b"\x89PNG") for image in images)


def test_words_in_charts_are_drawn() -> None:
    svg = next(one for one in parsed(PAGE).iter("svg") if one.find("text") is not None)
    with_words = drawn(picture(svg))
    svg.remove(svg.find("text"))
    assert with_words != drawn(picture(svg))


@pytest.mark.parametrize(
    "hostile",
    ['<image href="{}"/>', '<image xlink:href="file://{}"/>', '<use href="{}#a"/>', "<style>@import url({});</style>",
     '<filter id="f"><feImage href="{}"/></filter>'],
)  # fmt: skip
def test_a_drawing_that_would_fetch_is_refused(hostile: str, tmp_path: Path) -> None:
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    svg = f'<svg {spaces} width="9" height="9">{{}}</svg>'
    with pytest.raises(ValueError, match="refused"):
        drawn(svg.format(hostile.format(tmp_path / "secret.png")))
    assert drawn(svg.format("<title>&lt;image href='x'/&gt;</title>")).startswith(b"\x89PNG")


def test_a_cell_with_text_and_a_paragraph_says_each_once() -> None:
    table = (
        '<table><caption>Plan</caption><tbody><tr><th scope="row"><span>1</span> Asked<p>In part</p></th>'
        "<td>x</td></tr></tbody></table>"
    )
    written = FORMATS["docx"].write(made_up(PAGE.replace("</section></body>", f"{table}</section></body>")))
    cell = Document(io.BytesIO(written)).tables[-1].cell(0, 0)
    assert [one.text for one in cell.paragraphs] == ["1 Asked", "In part"]


def test_the_word_document_says_what_it_was_made_from() -> None:
    document = Document(io.BytesIO(FORMATS["docx"].write(replace(made_up(), language="cy"))))
    properties = document.core_properties
    assert properties.title == "Some & any" and properties.language == "cy-GB" and properties.author == "One; Two"
    foot = document.sections[0].footer.paragraphs[0]
    assert "ab" * 32 in foot.text and "cd" * 32 in foot.text
    instructions = "".join(one.text or "" for one in foot._p.iter(qn("w:instrText")))
    assert "PAGE" in instructions
    language = document.styles.element.find(qn("w:docDefaults")).find(".//" + qn("w:lang"))
    assert language.get(qn("w:val")) == "cy-GB"
    fields = "".join(one.text or "" for one in document.element.body.iter(qn("w:instrText")))
    assert "TOC" in fields
    # nobody knows pages before Word does
    assert document.settings.element.find(qn("w:updateFields")).get(qn("w:val")) == "true"


def test_the_list_of_tables_of_the_word_document_asks_for_their_pages() -> None:
    listed = '<nav class="contents listed"><h1>Tables and figures</h1><ul><li><a href="#one">Counts</a></li></ul></nav>'
    page = PAGE.replace('<section class="chapter">', listed + '<section class="chapter">')
    document = Document(io.BytesIO(FORMATS["docx"].write(made_up(page))))
    (entry,) = [one for one in document.paragraphs if one.text.startswith("Counts")]
    asked = "".join(one.text or "" for one in entry._p.iter(qn("w:instrText")))
    marks = {one.get(qn("w:name")) for one in document.element.body.iter(qn("w:bookmarkStart"))}
    assert asked.split()[0] == "PAGEREF" and asked.split()[1] in marks


def test_a_part_of_a_row_above_says_of_which() -> None:
    rows = "".join(
        f'<tr class="{name}"><th scope="row">{label}</th><td class="r">1</td></tr>'
        for name, label in (("total", "Councils"), ("sub", "Districts"), ("", "Others"), ("total", "All"))
    )
    page = f'<table><caption>C</caption><thead><tr><th>Type</th><th>N</th></tr></thead><tbody>{rows}</tbody></table>'
    (table,) = figures_of(f"<html><body>{page}</body></html>")
    assert [row.group for row in table.rows] == ["", "Councils", "", ""]


@pytest.mark.parametrize("key", [*OF_ROUNDS, *OF_RETURNS])
def test_the_word_document_of_every_report_says_what_its_tables_say(made: dict[str, Path], key: str) -> None:
    source = Source.kept(made[key])
    document = Document(io.BytesIO(FORMATS["docx"].write(source)))
    text = letters(" ".join(one.text or "" for one in document.element.body.iter(qn("w:t"))))
    described = {one.get("descr") for one in document.element.body.iter(qn("wp:docPr"))}
    for figure in figures_of(source.page):
        assert letters(figure.caption) in text
        # a chart is a picture with its words; its rows stand in the workbook
        assert figure.kind == "table" or set(map(clean, figure.words)) <= described
        for row in figure.rows if figure.kind == "table" else ():
            for cell in row.cells:
                for line in cell.text.split("\n"):
                    assert letters(line) in text or any(words in line for words in described), (figure.name, line)
    headings = [one.style.name for one in document.paragraphs if one.style.name.startswith(("Heading", "Title"))]
    assert headings and document.core_properties.title


def test_hostile_words_stay_words() -> None:
    hostile = '<p>A\x0b bell \x00 <b>x</b> &lt;script&gt;alert(1)&lt;/script&gt; مرحبا 👩‍👧 ' + "x" * 5000 + "</p>"
    source = made_up(PAGE.replace("</section></body>", f"{hostile}</section></body>"))
    document = Document(io.BytesIO(FORMATS["docx"].write(source)))
    assert any("<script>alert(1)</script> مرحبا 👩‍👧 xxx" in one.text for one in document.paragraphs)
    html = FORMATS["html"].write(source).decode()
    assert "<script" not in html and "&lt;script&gt;" in html


def test_what_several_types_are_asked_alike_stands_in_one_figure(made: dict[str, Path]) -> None:
    data = json.loads(json.dumps(Source.kept(made["joint-findings"]).data))
    data["texts"]["small_number"] = 2
    found = reports()["joint-findings"]
    (figure,) = [
        one for one in figures_of(page(found.page, found.model.model_validate(data), {}))
        if one.kind == "figure" and one.caption.startswith("Where types of agency")
    ]  # fmt: skip
    by_id: dict[str, list[dict[str, Any]]] = {}
    for criterion in (one for theme in data["themes"] for one in theme["criteria"]):
        if criterion["figure"]["counted"] >= 2:
            by_id.setdefault(criterion["id"], []).append(criterion)
    alike = [own for own in by_id.values() if len(own) > 1]
    assert len(alike) > 2
    assert len(figure.rows) == sum(1 + len(own) for own in alike) and not wrong("joint-findings", data, figure)
    assert len(rows_at(data, figure.source)) == sum(map(len, alike)), "it names what it shows and no more"
    said = figure.words[-1]
    answers = sum(one["figure"]["counted"] for own in alike for one in own)
    assert figure.counts.startswith(f"{answers:,} answers by grade")
    plural = {kind["key"]: kind["plural"] for kind in data["agency_types"]}
    for own in alike:
        shares = ", ".join(f"{plural[one['agency_type']]}: {one['figure']['percent']}%" for one in own)
        assert f"{own[0]['label']} – {shares}" in said
    apart = [max(one["figure"]["met"] / one["figure"]["counted"] for one in own)
             - min(one["figure"]["met"] / one["figure"]["counted"] for one in own) for own in alike]  # fmt: skip
    widest = alike[apart.index(max(apart))]
    assert said.startswith(widest[0]["label"])


# --- the page for a phone --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [*OF_ROUNDS, *OF_RETURNS])
def test_the_page_fetches_nothing_and_has_no_style_that_its_policy_refuses(made: dict[str, Path], key: str) -> None:
    html = FORMATS["html"].write(Source.kept(made[key])).decode()
    root = parsed(html)
    assert len(root.findall(".//style")) == 1 and not root.findall(".//link") and not root.findall(".//script")
    assert not [one for one in root.iter() if one.get("style") or one.get("src") or one.get("onclick")]
    assert len(list(root.iter("h1"))) == 1
    assert root.find("head/meta[@name='viewport']") is not None
    ids = [one.get("id") for one in root.iter() if isinstance(one.tag, str) and one.get("id")]
    assert len(ids) == len(set(ids))
    targets = {one.get("href")[1:] for one in root.iter("a") if one.get("href", "").startswith("#")}
    assert targets <= set(ids)
    named = {one.get("aria-labelledby") for one in root.iter("div") if one.get("role") == "region"} - {None}
    assert named <= set(ids)


def test_the_policy_names_the_styles_of_the_page() -> None:
    html = FORMATS["html"].write(made_up()).decode()
    assert re.search(r"style-src 'sha256-[A-Za-z0-9+/]{43}='", policy(html))
    assert policy(html) != policy(html.replace("body { margin: 0;", "body { margin: 1px;"))
    assert "@import" not in html and set(re.findall(r"url\((.{20})", html)) == {'"data:font/woff2;bas'}
    assert "font-src data:" in policy(html)


def test_the_type_of_the_page_is_cut_from_what_is_printed() -> None:
    assert web_type.file_of("Sans", 400).read_bytes() == web_type.cut("Sans", 400)
    for family, weight in web_type.FACES:
        with TTFont(web_type.file_of(family, weight)) as face:
            names = {str(one) for one in face["name"].names if one.nameID in (1, 3, 4, 6, 16)}
            assert not any("Source" in name for name in names), "a cut font has a name of its own"
            assert set(map(ord, "ŵŷâêîôûïáéàèŴŶ“”‘’–−→…£·%")) <= set(face.getBestCmap())
    assert len(FORMATS["html"].write(made_up())) < 150_000


def test_rows_of_wide_tables_say_what_their_cells_are() -> None:
    head, cell = '<th scope="col" class="r">Met</th>', '<td class="r">'
    page = PAGE.replace(head, f'<th scope="col">A</th>{head}').replace(cell, f"<td>a</td>{cell}")
    root = parsed(FORMATS["html"].write(made_up(page)).decode())
    (table,) = [one for one in root.iter("table") if "stack" in classes(one)]
    assert table.get("role") == "table" and {one.get("role") for one in table.iter("tr")} == {"row"}
    assert [one.get("role") for one in table.find("thead").iter("th")] == ["columnheader"] * 4
    assert {one.get("role") for one in table.find("tbody").iter("th")} == {"rowheader"}
    (share,) = [one for one in table.iter("td") if one.text == "45%"]
    assert (share.get("role"), share.get("data-label"), "short" in classes(share)) == ("cell", "Met", True)
    narrow = parsed(FORMATS["html"].write(made_up()).decode()).iter("table")
    assert not any("stack" in classes(one) for one in narrow), "three columns fit"


def test_a_chart_of_the_page_is_there_for_both_widths_and_as_numbers() -> None:
    drawing = charts.dots([("Kind", None, None, ""), ("A <long> label", 80, 60, "80 → 60", "9")],
                          heads=["What", "Own", "Found", "Of"])  # fmt: skip
    page = PAGE.replace('<figure data-source="shares"', f'<figure data-table="{escape(drawing.table)}"')
    (figure,) = parsed(FORMATS["html"].write(made_up(page)).decode()).iter("figure")
    broad, slim = [one for one in figure.iter("svg") if classes(one) & {"broad", "slim"}]
    assert alternative(broad) == alternative(slim) == "NHS 4, police 7"
    assert float(slim.get("viewbox").split()[2]) == charts.SLIM
    assert [one.text for one in slim.iter("text")][-2:] == ["Kind", "A <long> label: 80 → 60"]
    (shown,) = [one for one in figures_of(FORMATS["html"].write(made_up(page)).decode()) if one.kind == "figure"]
    assert shown.heads == ("What", "Own", "Found", "Of") and shown.words == ("NHS 4, police 7",)
    assert [[cell.text for cell in row.cells] for row in shown.rows] == [
        ["Kind", "", "", ""], ["A <long> label", "80%", "60%", "9"],
    ]  # fmt: skip
    assert shown.rows == figures_of(page)[1].rows and shown.rows[1].group == "Kind"


def test_wide_tables_and_charts_scroll_in_boxes_of_their_own() -> None:
    root = parsed(FORMATS["html"].write(made_up()).decode())
    boxes = [one for one in root.iter("div") if one.get("class") == "scroll"]
    assert [box[0].tag for box in boxes] == ["table", "svg"]
    assert all(box.get("tabindex") == "0" and box.get("role") == "region" for box in boxes)


def test_the_list_of_figures_opens_when_it_is_asked_for() -> None:
    link = '<li><a href="#table-1">Counts</a></li>'
    listed = f'<nav class="contents listed"><h1>Tables and figures</h1><ul>{link}</ul></nav>'
    chapter = '<section class="chapter">'
    root = parsed(FORMATS["html"].write(made_up(PAGE.replace(chapter, listed + chapter))).decode())
    (details,) = root.iter("details")
    assert [one.tag for one in details] == ["summary", "ul"] and details[0].text == "Tables and figures"
    assert details.getparent().get("aria-label") == "Tables and figures", "it keeps its name without its heading"


def test_data_come_with_every_figure() -> None:
    found = as_data(made_up())
    assert [one["id"] for one in found["figures"]] == ["table-1", "figure-1"]
    assert found["figures"][0]["rows"][1]["cells"][2] == {"text": "45%", "number": 45, "unit": "%"}
