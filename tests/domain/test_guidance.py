"""Guidance in Markdown: what it becomes, as HTML and as words, and what an author may not write."""

from __future__ import annotations

import html as html_parts
import re
import shutil
from pathlib import Path

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalogue import check
from app.domain.guidance import Style, html, mistakes, plain, tamed
from config import ROOT

BARE = Style()
PAPER = Style(tells_addresses=True)
ALLOWED = {"p", "ul", "ol", "li", "em", "strong", "a", "br", "table", "thead", "tbody", "tr", "th", "td", "span"}
ATTRIBUTES = {"a": {"href", "rel"}, "th": {"scope"}, "ol": {"start"}}


@pytest.mark.parametrize(
    "text",
    [
        "One sentence.", "Two lines\nof one paragraph.", "A year: 2003. And 5 < 6 & 7.", "2003. It began so.",
        "Minutes (of the board), 10% – “quoted”; snake_case_name, 3 * 4 * 5.", "-5 degrees, +1 more.",
    ],
)  # fmt: skip
def test_plain_texts_are_what_they_were(text: str) -> None:
    assert html(text, BARE) == f"<p>{html_parts.escape(text, quote=False)}</p>"
    assert plain(text) == text and mistakes(text) == []


@pytest.mark.parametrize(
    ("text", "made", "words"),
    [
        ("One.\n\nTwo.", "<p>One.</p><p>Two.</p>", "One.\n\nTwo."),
        ("Of:\n- a\n- b\n\nEnd.", "<p>Of:</p><ul><li>a</li><li>b</li></ul><p>End.</p>", "Of:\n• a\n• b\n\nEnd."),
        ("2. a\n3. b", '<ol start="2"><li>a</li><li>b</li></ol>', "2. a\n3. b"),
        ("- a\n  - b\n- c", "<ul><li>a\n<ul><li>b</li></ul></li><li>c</li></ul>", "• a\n  • b\n• c"),
        ("- a\n\n  b\n\n- c", "<ul><li><p>a</p><p>b</p></li><li><p>c</p></li></ul>", "• a\nb\n• c"),
        ("*Never* **one** \\*word\\*", "<p><em>Never</em> <strong>one</strong> *word*</p>", "Never one *word*"),
        (
            "| a | b |\n| --- | --: |\n| 1 | *2* |",
            '<table><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>'
            "<tbody><tr><td>1</td><td><em>2</em></td></tr></tbody></table>",
            "a | b\n1 | 2",
        ),
        (
            "See [the act](https://law.example/a?b=1&c=2).",
            '<p>See <a href="https://law.example/a?b=1&amp;c=2" rel="noreferrer noopener">the act</a>.</p>',
            "See the act (https://law.example/a?b=1&c=2).",
        ),
        (
            "<https://law.example>",
            '<p><a href="https://law.example" rel="noreferrer noopener">https://law.example</a></p>',
            "https://law.example",
        ),
    ],
)  # fmt: skip
def test_what_may_be_used(text: str, made: str, words: str) -> None:
    assert html(text, BARE) == made
    assert plain(text) == words
    assert mistakes(text) == []


def test_on_paper_the_address_of_a_link_can_be_read() -> None:
    made = html("[The act](https://law.example/) and <https://law.example/b>.", PAPER)
    assert made.count("https://law.example/") == 4 and "</a> (https://law.example/)" in made


def test_a_lead_and_another_language_stand_where_they_belong() -> None:
    said = html("One.\n\nTwo.", BARE, paragraph="p", lead="<strong>L:</strong>", language="en")
    assert said == '<p class="p"><strong>L:</strong> <span lang="en">One.</span></p><p class="p" lang="en">Two.</p>'
    assert html("- a", BARE, lead="L:", language="en") == '<p>L: </p><ul lang="en"><li>a</li></ul>'
    assert html("Short.", BARE, language="en") == '<p lang="en">Short.</p>'
    assert html("", BARE, lead="L:") == plain("") == ""


ATTACKS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "Text <b onclick='x'>bold</b>", "<!-- hidden -->",
    "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:x)", "[x](//evil.example)", "[x](http://plain.example)", "<javascript:alert(1)>", "[x](#top)",
    "![alt](https://evil.example/track.png)", "![a](javascript:alert(1))", "# Heading", "Heading\n===", "Heading\n---",
    "> quotation", "    code", "```\ncode\n```", "***", "[x](<javascript:alert(1)>)", "<someone@example.org>",
    "a <?php x ?> b", "<![CDATA[x]]>",
]  # fmt: skip


def tree_of(made: str) -> list[tuple[str, dict[str, str]]]:
    """The elements of a piece of HTML, as a browser reads it, each with its attributes."""
    found = html5lib.parseFragment(made, namespaceHTMLElements=False)
    return [(str(one.tag), dict(one.attrib)) for one in found.iter() if one is not found]


def assert_safe(made: str) -> None:
    """Nothing in it but what guidance may have, and links to https alone."""
    for tag, attributes in tree_of(made):
        assert tag in ALLOWED, made
        assert set(attributes) <= ATTRIBUTES.get(tag, set()), made
        if tag == "a":
            assert attributes["href"].lower().startswith("https://"), made


@pytest.mark.parametrize("text", ATTACKS)
def test_what_may_not_be_used_is_refused_and_harmless(text: str) -> None:
    assert mistakes(text), text
    for style in (BARE, PAPER):
        assert_safe(html(text, style))
    # an import keeps the words, and they pass
    mild = tamed(text)
    assert mistakes(mild) == []
    assert re.sub(r"\s", "", plain(mild)) == re.sub(r"\s", "", text)
    assert_safe(html(mild, PAPER))


def test_what_is_no_html_is_text() -> None:
    made = html("<svg/onload=alert(1)> a<b", BARE)
    assert made == "<p>&lt;svg/onload=alert(1)&gt; a&lt;b</p>"


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab <>[]()!*_`#>-+|\\\n\t 1.&\"':/hjs=~x", max_size=60) | st.text(max_size=40))
def test_whatever_is_written_is_safe(text: str) -> None:
    assert_safe(html(text, PAPER))
    assert_safe(html(text, PAPER, lead="L:", language="cy").replace(' lang="cy"', ""))
    assert_safe(html(tamed(text), PAPER))
    assert mistakes(tamed(text)) == []
    assert plain(text) is not None


def test_texts_of_all_packs_are_guidance() -> None:
    """None of those that come with the program holds what is not allowed, or means by chance something else."""
    assert check([ROOT / "audit_templates"]) == []


def test_the_check_names_the_line(tmp_path: Path) -> None:
    folder = tmp_path / "joint-review"
    shutil.copytree(ROOT / "audit_templates" / "joint-review", folder)
    template = folder / "area-committee.yaml"
    lines = template.read_text().splitlines()
    why = next(place for place, line in enumerate(lines) if line.strip().startswith("why:"))
    standard = next(place for place, line in enumerate(lines) if line.startswith("    introduction:"))
    lines[why] = '        why: {en: "It <b>matters</b>.", cy: "![llun](https://x.example/a.png)"}'
    lines[standard] = "    introduction: '[Read](javascript:alert(1))'"
    template.write_text("\n".join(lines) + "\n")
    pack = folder / "pack.yaml"
    began = "  en: >-\n    Several inspectorates"
    pack.write_text(pack.read_text().replace(began, "  en: |\n    # Several inspectorates"))
    found = [(Path(one.file).name, one.line, one.message) for one in check([folder])]
    assert ("area-committee.yaml", why + 1, "guidance has no pictures; say in words what it would show") in found
    html_said = [message for file, line, message in found if (file, line) == ("area-committee.yaml", why + 1)]
    assert any("guidance has no HTML (`<b>`)" in message for message in html_said)
    (link,) = [message for file, line, message in found if (file, line) == ("area-committee.yaml", standard + 1)]
    assert "not to `javascript:alert(1)`" in link
    assert any(file == "pack.yaml" and "no headings" in message for file, _line, message in found)
    assert len(found) == 5


def test_reports_have_headings_and_links_within_them_and_guidance_has_neither() -> None:
    text = "## One *part*\n\nSee [Table](#figure:heat) and [that](https://example.org).\n\n### Below\n\n#### Far below"
    assert html(text, Style(heading=2, points=True, tells_addresses=True)) == (
        '<h2>One <em>part</em></h2><p>See <a href="#figure:heat">Table</a> and <a href="https://example.org"'
        ' rel="noreferrer noopener">that</a> (https://example.org).</p><h3>Below</h3><h3>Far below</h3>'
    )
    found = html(text, Style(heading=3, headings=("m", "s")), language="en")
    assert found.startswith('<h3 class="m" lang="en">One') and '<h4 class="s" lang="en">Below</h4>' in found
    assert "See Table and <a" in found, "a link that leads nowhere here"
    assert html(text, Style()).startswith("<p>## One <em>part</em></p><p>See [Table](#figure:heat) and <a")
