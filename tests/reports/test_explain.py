"""`candour report explain`: what stands behind a figure, from the report as data and from a PDF with its data in it."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from markupsafe import escape
from pypdf import PdfWriter
from sqlalchemy.orm import Session

from app.cli import main
from app.db import make_engine
from app.models import Base
from app.policy import system_actor
from reports import charts
from reports.explain import CannotExplain, explanation, opened, rows_at
from reports.formats import FORMATS
from reports.make import make_source
from reports.origins import kept_queries
from reports.source import Source
from reports.tables import figures_of
from tests.reports.made_up import PAGE, made_up
from tests.reports.seeded import AFTER, seed
from tests.world import pack


@pytest.fixture(scope="module")
def joint(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """The joint findings of a seeded round."""
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('explain') / 'seeded.db'}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        audit_round = seed(session, pack("climbie-2003"), agencies=20)
        found = make_source(
            session, "joint-findings", audit_round, None, actor=system_actor("test"), now=AFTER
        )
    engine.dispose()
    return found


def pdf_with(files: dict[str, bytes]) -> bytes:
    """A PDF with files attached."""
    writer, out = PdfWriter(), BytesIO()
    writer.add_blank_page(100, 100)
    for name, content in files.items():
        writer.add_attachment(name, content)
    writer.write(out)
    return out.getvalue()


def test_every_table_of_the_joint_report_names_data_that_are_there(joint: Source) -> None:
    figures = figures_of(joint.page)
    assert len(figures) > 20
    for figure in figures:
        assert figure.source, figure.caption
        assert rows_at(joint.data, figure.source)


def test_a_figure_names_what_it_shows_and_no_more(joint: Source) -> None:
    data = {"kinds": [{"key": "a", "of": [{"id": 1}]}, {"key": "b", "of": [{"id": 2}, {"id": 3}]}, {"key": "c"}]}
    assert rows_at(data, "kinds[key=b|z].of[]") == [("b", {"id": 2}), ("b", {"id": 3})]
    assert rows_at(data, "kinds[1].of[id=3].id") == [("", 3)]
    assert rows_at(data, "kinds[0].of; kinds[1].of[0]") == [("", {"id": 1}), ("", {"id": 2})]
    with pytest.raises(KeyError):
        rows_at(data, "kinds[none=b]")
    by_type = [one for one in figures_of(joint.page) if ".criteria[agency_type=" in one.source]
    assert by_type
    for one in by_type:
        assert len(rows_at(joint.data, one.source)) == len(one.rows)


def test_a_chart_is_explained_with_its_rows() -> None:
    drawing = charts.dots([("Kind", 80, 60, "80 → 60", "9")], heads=["What", "Own", "Found", "Of"])
    page = PAGE.replace('<figure data-source="shares"', f'<figure data-table="{escape(drawing.table)}"')
    lines = list(explanation(opened(FORMATS["json"].write(made_up(page))), figures_of(page)[1]))
    assert lines[lines.index("Rows:") :][1:3] == ["  What | Own | Found | Of", "  Kind | 80% | 60% | 9"]


def test_tables_are_listed_after_the_contents(joint: Source) -> None:
    figures = figures_of(joint.page)
    listed = joint.page.partition('<nav class="contents listed">')[2].partition("</nav>")[0]
    assert [f'href="#{figure.id}"' in listed for figure in figures] == [True] * len(figures)
    assert joint.page.index("contents listed") < joint.page.index('<section class="chapter">')


def test_the_data_of_a_report_are_explained(joint: Source) -> None:
    found = opened(FORMATS["json"].write(joint))
    table = found.figure("Table 5")
    lines = list(explanation(found, table))
    assert lines[0].startswith("Table 5. ")
    assert f"Data: {table.source}" in lines
    assert any("SELECT" in line for line in lines) and any("by app.queries." in line for line in lines)
    # its own statements first, then those of the whole report, and none of another figure
    milestones = next(figure for figure in found.figures if figure.source == "milestones")
    said = "\n".join(explanation(found, milestones))
    assert "“milestones” rests on 2 statements" in said
    assert said.index("rests on") < said.index("The whole report rests on")
    assert "findings._milestones" in said and "rounds.round_facts" in said and "twins.sides_of" not in said
    assert "values [" in said and "run 1×" in said
    row = " | ".join(cell.text.replace("\n", "; ") for cell in table.rows[0].cells)
    assert f"  {row}" in lines
    assert found.figure("5") == found.figure("table-5") == found.figure("table 5") == table


def test_a_pdf_with_its_data_is_explained(joint: Source) -> None:
    files = {"joint-findings.json": json.dumps(joint.data).encode(), "made.json": b'{"report": "joint-findings"}'}
    found = opened(pdf_with(files))
    assert [figure.caption for figure in found.figures] == [figure.caption for figure in figures_of(joint.page)]
    said = "\n".join(explanation(found, found.figure("1")))
    assert "The statements that read the data are not in this file" in said
    # with the statements that are kept with the program, as every PDF has them
    kept = opened(pdf_with(files | {"queries.json": kept_queries("joint-findings")}))
    said = "\n".join(explanation(kept, kept.figure("1")))
    assert ":round_id_1" in said and "a name stands for each value" in said and "values [" not in said
    assert "The whole report rests" not in said and f"Data: {kept.figure('1').source}" in said
    whole = opened(pdf_with({"data.json": FORMATS["json"].write(joint)}))
    assert whole.queries and whole.figure("1").rows == found.figure("1").rows


def test_a_figure_is_found_before_a_table_of_its_number() -> None:
    found = opened(FORMATS["json"].write(made_up()))
    assert found.figure("1").kind == "figure" and found.figure("Table 1").kind == "table"
    with pytest.raises(CannotExplain, match=r"no figure or table “7”.*Table 1, Figure 1"):
        found.figure("7")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"nothing", "neither a PDF nor a report"),
        (b"[1]", "holds no report"),
        (b'{"themes": []}', "does not say of which report"),
        (b"%PDF-1.7 broken", "cannot be read"),
    ],
)
def test_what_is_no_report_is_said_so(content: bytes, why: str) -> None:
    with pytest.raises(CannotExplain, match=why):
        opened(content)
    with pytest.raises(CannotExplain, match="No data are attached"):
        opened(pdf_with({"readme.txt": b"x"}))


def test_paths_of_data() -> None:
    data = {"a": [{"name": "One", "b": [1, 2]}, {"b": [3]}], "c": {"d-e": 4}}
    assert rows_at(data, "a[1].b[0]") == [("", 3)]
    assert rows_at(data, "a[].b") == [("One", 1), ("One", 2), ("", 3)]
    assert rows_at(data, "c.d-e") == [("", 4)]
    for missing in ("a[2]", "x", "a.b", "c.d-e.f", "a[0].b[]!", "a[].c"):
        with pytest.raises(KeyError):
            rows_at(data, missing)


def test_the_command_needs_no_database(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(FORMATS["json"].write(made_up()))
    done = CliRunner().invoke(main, ["report", "explain", str(path), "--figure", "Table 1"])
    assert done.exit_code == 0 and done.output.startswith("Table 1. Counts\nCounts: of returns\n")
    assert "  1.10 | =SUM(A1) | 45%" in done.output
    wrong = CliRunner().invoke(main, ["report", "explain", str(path), "--figure", "9"])
    assert wrong.exit_code == 1 and "There is no figure or table" in wrong.output
