"""A composed joint report: its chapters in their order, texts beside the figures, and the same in PDF and data."""

from __future__ import annotations

import io
import re
from decimal import ROUND_HALF_UP, Decimal
from html import unescape
from pathlib import Path
from typing import Any

import pypdf
import pytest
from docx import Document
from docx.oxml.ns import qn
from sqlalchemy.orm import Session

from app.db import make_engine
from app.domain.composing import Chapter, Choice, Composition, Recommendation, Words
from app.domain.composing_facts import ANNEXES, standard_chapters
from app.domain.composing_messages import Move, proposals
from app.domain.findings import Figure, JointFindings
from app.languages import translations
from app.models import AuditRound, Base, CompositionVersion
from app.policy import system_actor
from app.queries.composing import composed_findings, desk
from reports import worker
from reports.formats import FORMATS
from reports.registry import reports
from reports.render import render_pdf
from reports.source import Source
from tests.pdf_gate import assert_pdf_ua
from tests.pdf_text import text_of
from tests.reports.seeded import AFTER, seed
from tests.world import pack

SYSTEM = system_actor("test")
KEY = "joint-findings"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A seeded round in a database of its own."""
    made = make_engine(f"sqlite:///{tmp_path_factory.mktemp('composed') / 'seeded.db'}")
    Base.metadata.create_all(made)
    with Session(made) as session:
        seed(session, pack("climbie-2003"), agencies=44)
    yield made
    made.dispose()


@pytest.fixture
def seeded(engine: Any) -> Any:
    """The round in a session whose changes are taken back."""
    with Session(engine) as session:
        yield session, session.query(AuditRound).one()
        session.rollback()


def with_composition(session: Session, audit_round: AuditRound, content: Composition, number: int = 1) -> None:
    session.add(
        CompositionVersion(
            round_id=audit_round.id, number=number, content=content.model_dump(mode="json"), by_id=None, at=AFTER
        )
    )
    session.flush()


def findings_of(
    seeded: Any, content: Composition | None = None, language: str = "en", number: int = 1
) -> JointFindings:
    session, audit_round = seeded
    if content is not None:
        with_composition(session, audit_round, content, number)
    return composed_findings(session, audit_round, actor=SYSTEM, now=AFTER, language=language)


def html_of(findings: JointFindings) -> str:
    """The page of the report, white space as one space."""
    report = reports()[KEY]
    return re.sub(r"\s+", " ", worker.page(report.page, findings, report.options))


def contents(html: str) -> list[tuple[str, str, str]]:
    """Number, anchor and title of each chapter in the contents."""
    nav = html[html.index('<nav class="contents">') : html.index("</nav>")]
    nav = re.sub(r"<ul>.*?</ul>", "", nav)
    return re.findall(r'<li><span class="no">([^<]*)</span><a href="#([^"]*)">([^<]*)</a>', nav)


def headings(html: str) -> list[tuple[str, str]]:
    """Anchor and number of the heading of each chapter, as they stand in the report."""
    found = re.findall(r'<h1 id="([^"]+)" data-short="[^"]*">(?:<span class="no">([^<]*)</span>)?', html)
    return [one for one in found if one[0] != "colophon"]


@pytest.mark.parametrize("language", ["en", "cy"])
def test_an_uncomposed_report_has_the_chapters_that_the_service_knows(seeded: Any, language: str) -> None:
    findings = findings_of(seeded, language=language)
    assert findings.composition is None
    known = standard_chapters(findings, translations(language).gettext)
    shown = contents(html_of(findings))[:-1]  # the last is about the document
    unescaped = [(anchor, title.replace("&#39;", "'")) for _number, anchor, title in shown]
    assert unescaped == [(one.key, one.title) for one in known]
    # and stands as it did before there were composed ones
    assert [number for number, _anchor, _title in shown] == [
        *(str(place) for place, one in enumerate((one for one in known if one.key not in ANNEXES), start=1)), "A", "B",
    ]  # fmt: skip


@pytest.fixture
def composition(seeded: Any) -> Composition:
    """Chapters in another order, one left out, one of one's own, texts, messages and recommendations."""
    session, audit_round = seeded
    here = desk(session, audit_round, actor=SYSTEM, now=AFTER)
    theme, kind = here.findings.themes[0], here.findings.agency_types[0]
    usual = [one.key for one in here.chapters]
    order = ["key-messages", f"theme-{theme.key}", "own-next", *usual]
    said = f"On this [[n: theme.{theme.key}.percent]] is met; see [[chapter: twins]] and [[see: figure heat]]."
    own = (
        "## What [[n: response.invited]] agencies do next\n\n"
        "After [[see: figure heat]] and before [[see: figure twins]], as in [[see: recommendation rec-1]] and under"
        " “[[see: chapter twins]]”.\n\n### First\n\nA list:\n\n- *one*\n- two\n\n[[figure: heat]]\n\n"
        f"[[figure: theme-extremes:{theme.key}]]"
    )
    written: dict[str, dict[str, Any]] = {
        f"theme-{theme.key}": {"before": Words(en=said)},
        "own-next": {"title": Words(en="Next <steps>", cy="Camau"), "before": Words(en=own)},
        "about": {"is_hidden": True},
    }
    return Composition(
        chapters=tuple(Chapter(key=key, **written.get(key, {})) for key in dict.fromkeys(order)),
        choices=(
            Choice(
                rule="response", state="edited", heading=Words(en="Who came"),
                text=Words(en="100% of them: [[n: response.percent]]."),
            ),
            Choice(rule="everything_met", state="dropped"),
        ),
        recommendations=(Recommendation(key="rec-1", text=Words(en="Look at <files>."), agency_type=kind.key),),
    )  # fmt: skip


def test_order_numbers_and_references_follow_the_composition(seeded: Any, composition: Composition) -> None:
    findings = findings_of(seeded, composition)
    html = html_of(findings)
    shown = contents(html)[:-1]
    assert [anchor for _number, anchor, _title in shown][:4] == [
        "key-messages", "recommendations", f"theme-{findings.themes[0].key}", "own-next",
    ]  # fmt: skip
    assert "about" not in [anchor for _number, anchor, _title in shown]
    main = [one for one in shown if one[1] not in ANNEXES]
    assert [number for number, _anchor, _title in main] == [str(place + 1) for place in range(len(main))]
    # the headings are those of the contents, in their order
    assert [anchor for anchor, _number in headings(html)] == [anchor for _number, anchor, _title in shown]
    assert [number for anchor, number in headings(html) if anchor not in ANNEXES] == [one[0] for one in main]
    # a reference to a chapter says the number that it has
    twins = next(number for number, anchor, _title in shown if anchor == "twins")
    percent = findings.themes[0].figure.percent
    assert f"On this {percent}% is met; see chapter {twins} and <a " in html
    # one to a place says the number or the title that stands there, before it and after it, and leads there
    captions = dict(re.findall(r'<(?:fig)?caption id="([^"]+)"[^>]*><span class="no">([^<]+)</span>', html))
    heat, extremes = re.findall(r'<caption id="([^"]+)"', own_chapter(html))
    (pairs,) = re.findall(r'<caption id="([^"]+)"', html[html.index('<h1 id="twins"') :])[:1]
    for anchor in (heat, pairs):
        assert f'<a href="#{anchor}">{captions[anchor]}</a>' in own_chapter(html)
    assert html.count(f'<a href="#{heat}">{captions[heat]}</a>') == 2, "of the first theme's chapter, too"
    assert '<a href="#rec-1">recommendation 1</a>' in own_chapter(html) and 'id="rec-1">1<' in html
    assert '“<a href="#twins">Two views of one duty</a>”' in own_chapter(html)
    assert "figure:" not in html and extremes in captions
    invited = findings.response_total.invited
    assert f"<h2>What {invited} agencies do next</h2>" in html and "<h3>First</h3>" in own_chapter(html)
    # every link leads somewhere, and tables are numbered without a gap
    ids = re.findall(r'id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)
    tables = [int(one) for one in re.findall(r'<caption[^>]*><span class="no">Table (\d+)</span>', html)]
    assert tables == list(range(1, len(tables) + 1))


def own_chapter(html: str) -> str:
    """The chapter of one's own."""
    start = html.index('<h1 id="own-next"')
    return html[start : html.index("</section>", start)]


def test_figures_stand_where_they_are_put_and_words_are_never_markup(seeded: Any, composition: Composition) -> None:
    html = html_of(findings_of(seeded, composition))
    own = own_chapter(html)
    assert "Next &lt;steps&gt;" in own
    assert "<em>one</em>" in own
    assert own.index("<em>one</em>") < own.index('<table class="heat">') < own.index('<table class="extremes">')
    assert "Look at &lt;files&gt;." in html
    assert "<steps>" not in html
    assert "100% of them:" in html
    assert "Nothing left to do" not in html


def test_a_welsh_report_marks_what_is_not_translated(seeded: Any, composition: Composition) -> None:
    html = html_of(findings_of(seeded, composition, "cy"))
    assert "> Camau</h1>" in html
    assert '<div class="narrative" lang="en">' in html


def test_the_same_stands_in_the_pdf_and_the_data(seeded: Any, composition: Composition, tmp_path: Path) -> None:
    findings = findings_of(seeded, composition)
    out, data = tmp_path / "joint.pdf", tmp_path / "joint.json"
    render_pdf(KEY, findings.model_dump(mode="json"), out)
    data.write_text(findings.model_dump_json())
    assert_pdf_ua(out)
    text = text_of(out)
    for used in findings.composition.facts:  # type: ignore[union-attr]
        assert used.value in text
    assert "Draft, version 1: not signed off by every inspectorate." in text
    assert "Who came" in text
    again = JointFindings.model_validate_json(data.read_text())
    assert again == findings
    assert again.snapshot_id in text.replace(" ", "")
    reader = pypdf.PdfReader(out)
    outline = list(reader.outline)
    place = next(place for place, one in enumerate(outline) if "Next <steps>" in str(getattr(one, "title", "")))
    # its headings are below it, in the bookmarks of the PDF and in Word, and references lead to what they name
    heading = f"What {findings.response_total.invited} agencies do next"
    below, inside = outline[place + 1][:2]
    assert (below.title, [one.title for one in inside]) == (heading, ["First"])
    assert "Next <steps>" in text and f"After {heat_of(text)} and before" in text
    report = reports()[KEY]
    page = worker.page(report.page, findings, report.options)
    source = Source(KEY, "Joint", "en", findings.snapshot_id, "0" * 64, AFTER, "Candour", "1", {}, page)
    written = Document(io.BytesIO(FORMATS["docx"].write(source)))
    styles = {one.text: one.style.name for one in written.paragraphs}
    assert (styles[heading], styles["First"]) == ("Heading 2", "Heading 3")
    paragraph = next(one for one in written.paragraphs if one.text.startswith("After Table"))
    assert f"After {heat_of(text)} and before" in paragraph.text and "recommendation 1" in paragraph.text
    names = {one.get(qn("w:name")) for one in written.element.body.iter(qn("w:bookmarkStart"))}
    links = [one.get(qn("w:anchor")) for one in paragraph._p.iter(qn("w:hyperlink"))]
    assert len(links) == 4 and set(links) <= names


def heat_of(text: str) -> str:
    """The number of the heat map in the text of a report."""
    found = re.search(r"(Table \d+) +Answers that say practice is", text)
    assert found
    return found[1]


def test_facts_are_the_figures_that_the_report_prints(seeded: Any) -> None:
    """Counted again from the criteria, as a reader of the data would."""
    session, audit_round = seeded
    here = desk(session, audit_round, actor=SYSTEM, now=AFTER)
    facts, findings = here.known.facts, here.findings
    small = findings.texts.small_number
    for theme in findings.themes:
        met = sum(one.figure.met for one in theme.criteria)
        counted = sum(one.figure.met + one.figure.not_met for one in theme.criteria)
        assert facts[f"theme.{theme.key}.met"].value == f"{met:,}"
        share = (Decimal(100 * met) / counted).quantize(Decimal(1), ROUND_HALF_UP)
        assert facts[f"theme.{theme.key}.percent"].value == f"{share}%"
        for one in theme.criteria:
            # where the report says “few” there is no share to be put in
            assert (f"criterion.{one.reference}.percent" in facts) == (one.figure.counted >= small)
    total = findings.response_total
    assert facts["response.missing"].value == str(total.invited - total.submitted - total.nil)
    assert all(fact.label and fact.group and fact.value for fact in facts.values())
    # every figure that is offered can be put in, and stands there with a caption
    text = "\n\n".join(f"[[figure: {key}]]" for key in here.known.figures)
    everything = Chapter(key="own-all", title=Words(en="All"), before=Words(en=text))
    html = html_of(findings_of(seeded, Composition(chapters=(everything,))))
    start = html.index('<h1 id="own-all"')
    own = html[start : html.index("</section>", start)]
    # and each can be referred to where it stands in every report
    refers = "\n\n".join(f"[[see: figure {key}]]" for key in here.known.figures)
    chapter = Chapter(key="own-all", title=Words(en="All"), before=Words(en=refers))
    page = html_of(findings_of(seeded, Composition(chapters=(chapter,)), number=2))
    usual = re.findall(r'<a href="#((?:table|figure)-\d+)">([^<]+)</a></p>', page[page.index('<h1 id="own-all"') :])
    assert here.known.stand == here.known.figures.keys()
    assert len({anchor for anchor, _number in usual}) == len(here.known.figures), "each has one of its own"
    for (anchor, number), (key, title) in zip(usual, here.known.figures.items(), strict=True):
        caption = re.search(rf'id="{anchor}"[^>]*><span class="no">{number}</span> ([^<]+)', page)
        assert caption and (title in unescape(caption[1]) or key.startswith(("theme-extremes", "assurance"))), key
    # the table of bases comes in two
    captions = own.count("<caption") + own.count("<figcaption")
    assert captions == len(here.known.figures) + ("assurance" in here.known.figures)


def test_rules_propose_differences_movements_and_who_is_missing(seeded: Any) -> None:
    session, audit_round = seeded
    here = desk(session, audit_round, actor=SYSTEM, now=AFTER)
    findings, words = here.findings, here.reading.words
    first, second, third = findings.criteria()[:3]

    def figure(met: int, counted: int = 20) -> Figure:
        share = int(100 * met / counted)
        return Figure(asked=counted, counted=counted, met=met, not_met=counted - met, percent=share)

    moves = [
        Move(first.reference, "A", first.agency_type, first.theme, figure(10), figure(15)),
        Move(second.reference, "B", second.agency_type, second.theme, figure(10), figure(4)),
        Move(third.reference, "C", third.agency_type, third.theme, figure(2, 4), figure(4, 4)),  # too few
    ]
    found = {one.rule: one for one in proposals(findings, words, moves)}
    assert found[f"rose:{first.reference}"].figure == "+25"
    assert found[f"fell:{second.reference}"].figure == "−30"
    assert not any(third.reference in rule for rule in found if rule.startswith(("rose", "fell")))
    apart = {}
    for theme in findings.themes:
        shares = [row.figure.percent or 0 for row in theme.by_type if row.figure.counted >= words.small]
        if len(shares) > 1:
            apart[theme.key] = max(shares) - min(shares)
    widest, *others = sorted(apart, key=lambda key: (-apart[key], key))
    assert found["widest_difference"].figure == str(apart[widest])
    for key in others[:2]:
        assert found[f"difference:{key}"].figure == str(apart[key])
    for row in findings.response:
        rule = f"missing:{row.agency_type}"
        missing = row.in_progress + row.not_started
        if not row.subtype and row.invited >= words.small:
            assert (rule in found) == bool(missing)
            assert not missing or found[rule].figure == str(missing)
    # the usual ones come first, and each has an id of its own
    assert [one.rule for one in findings.key_messages if one.rule not in found] == []
