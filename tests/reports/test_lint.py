"""The lint of the HTML of reports finds planted defects, and none in the reports of the demonstration."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import make_engine
from app.models import Area, AuditReturn, Base, OversightBody, Submission
from app.policy import system_actor
from reports.lint import Problem, contrast, lint
from reports.make import make_source
from reports.registry import reports
from reports.source import Source
from reports.web import page, styles
from tests.reports.seeded import AFTER, seed
from tests.world import pack

GOOD = (
    '<!DOCTYPE html><html lang="en"><head><title>A report</title></head><body><h1>A report</h1><h2>Part</h2>{}'
    "<p>And what else there is.</p></body></html>"
)


def rules(body: str) -> list[str]:
    """The rules that a page with this in it breaks."""
    return [problem.rule for problem in lint(GOOD.format(body))]


def test_a_page_without_defects_has_none() -> None:
    table = (
        '<table><caption>Counts</caption><thead><tr><th scope="col">A</th></tr></thead>'
        '<tbody><tr><th scope="row">b</th></tr></tbody></table>'
    )
    chart = '<figure><figcaption>F</figcaption><svg width="9pt"><title>Words</title><rect x="0"/></svg></figure>'
    facts = '<table><tbody><tr><th scope="row">Name</th><td>value</td></tr></tbody></table>'
    link = '<p><a href="#x">The method of sampling</a></p><p><strong>Bold</strong> begins a sentence.</p>'
    assert lint(GOOD.format(table + chart + facts + link)) == []


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        ("link-words", '<p><a href="#a"></a> nothing</p>'),
        ("link-words", '<p>Read it <a href="#a">here</a>.</p>'),
        ("link-words", '<p>Darllenwch <a href="#a">yma</a>.</p>'),
        ("list", "<p>• first</p>"),
        ("list", "<p>- first</p><p>- second</p>"),
        ("list", "<p>1. first</p><p>2. second</p>"),
        ("list", "<p>a) first</p><p>b) second</p>"),
        ("list", "<p>• first<br>• second</p>"),
        ("heading", "<p><strong>Looks like a heading</strong></p>"),
        ("heading", "<h4>Two levels down</h4>"),
        ("heading", "<h3></h3>"),
        ("table", '<table><thead><tr><th scope="col">A</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>'),
        ("table", "<table><caption>C</caption><tbody><tr><td>b</td><td>c</td></tr></tbody></table>"),
        ("table", "<table><caption>C</caption><thead><tr><th>A</th></tr></thead></table>"),
        ("table", '<table><caption> </caption><tbody><tr><th scope="row">A</th></tr></tbody></table>'),
        ("table", '<table><caption>C</caption><thead><tr><th scope="col"></th></tr></thead></table>'),
        ("words", '<svg width="9pt"><rect x="0"/></svg>'),
        ("words", '<svg width="9pt"><rect x="0"/><title>late</title></svg>'),
        ("words", '<img src="a.png">'),
        ("words", "<figure><p>none</p></figure>"),
        ("language", '<p lang="not a language">x</p>'),
        ("language", "<p>Mae hyn yn bod yn Gymraeg ac nid yw wedi bod yn y ddogfen gan eu bod.</p>"),
        ("contrast", '<p class="faint">grey on grey</p>'),
        ("contrast", '<div class="dark"><p>ink on ink</p></div>'),
        ("contrast", '<svg width="9pt"><title>W</title><rect x="0" y="0" width="9" height="9" fill="#0b3c49"/>'
                     '<text x="1" y="8" fill="#33484e">5</text></svg>'),
    ],
)  # fmt: skip
def test_planted_defects_are_found(rule: str, body: str) -> None:
    css = "body { color: #16252a } .faint { color: #bbbbbb } .dark { background: #0b3c49 }"
    found = [problem.rule for problem in lint(GOOD.format(body), css)]
    assert rule in found and set(found) == {rule}


def test_a_page_says_its_language_and_title() -> None:
    bare = GOOD.format("").replace(' lang="en"', "").replace("<title>A report</title>", "")
    assert [problem.why for problem in lint(bare)] == ["the page does not say its language", "the page has no title"]
    nothing = "<html lang='en'><head><title>T</title></head><body><p>x</p></body></html>"
    assert [problem.why for problem in lint(nothing)] == ["no heading at all"]


def test_large_text_may_stand_out_less() -> None:
    css = ".light { color: #888888 } .large { font-size: 20pt }"
    assert [one.rule for one in lint(GOOD.format('<p class="light">x y</p>'), css)] == ["contrast"]
    assert lint(GOOD.format('<p class="light large">x y</p>'), css) == []


def test_contrast_is_counted_as_the_guidelines_say() -> None:
    assert contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    assert contrast((1, 1, 1), (1, 1, 1)) == 1
    assert contrast((0.4667, 0.4667, 0.4667), (1, 1, 1)) == pytest.approx(4.48, abs=0.01)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Source]:
    """Every report that a seeded round has, English and Welsh."""
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('lint') / 'seeded.db'}")
    Base.metadata.create_all(engine)
    found: dict[str, Source] = {}
    with Session(engine) as session:
        audit_round = seed(session, pack("climbie-2003"), agencies=30)
        submitted = select(AuditReturn).join(Submission, Submission.return_id == AuditReturn.id)
        signed = session.scalars(submitted.where(AuditReturn.stage == "submitted")).first()
        body = session.scalars(select(OversightBody)).first()
        area = session.scalars(select(Area)).first()
        assert body and area and signed
        for key, report in reports().items():
            if report.data in ("feedback", "register", "area-letter", "changes", "recommended"):
                continue  # what these need, no seeded round has: test_demonstrated_reports
            for language in ("en", "cy"):
                found[f"{key}.{language}"] = make_source(
                    session, key, audit_round, signed if report.about == "return" else None,
                    body=body.code if report.about == "body" else "",
                    area=area.public_id if report.about == "area" else "",
                    language=language, actor=system_actor("test"), now=AFTER,
                )  # fmt: skip
    engine.dispose()
    return found


def of_words(problems: list[Problem]) -> list[str]:
    """Problems as lines; texts of a pack that are not translated stand in English in a Welsh report, and it says so."""
    return [str(problem) for problem in problems if problem.rule != "language" or "reads as" not in problem.why]


def test_no_report_has_defects(made: dict[str, Source]) -> None:
    assert len(made) >= 18
    wrong = {key: of_words(lint(source.page))[:5] for key, source in made.items()}
    assert {key: problems for key, problems in wrong.items() if problems} == {}
    for key, source in made.items():
        if key.endswith(".en"):
            assert not [problem for problem in lint(source.page) if problem.rule == "language"], key


def test_no_page_for_a_phone_has_defects(made: dict[str, Source]) -> None:
    wrong = {key: of_words(lint(page(source), styles()))[:5] for key, source in made.items()}
    assert {key: problems for key, problems in wrong.items() if problems} == {}


def test_styles_that_the_lint_reads_are_those_of_the_reports(made: dict[str, Source]) -> None:
    faint = "\nbody { color: #dddddd }"
    assert "contrast" in {problem.rule for problem in lint(made["receipt.en"].page, faint)}
