"""What the gallery says of a pack."""

from __future__ import annotations

from app.domain.gallery import ANSWERS, Shown, as_markdown, sections
from app.domain.text import localise
from app.web.answer_forms import FORMS
from tests.world import pack


def test_every_type_of_answer_has_a_name() -> None:
    assert set(ANSWERS) == set(FORMS)


def test_a_pack_is_counted() -> None:
    every = pack("every-answer")
    shown = Shown(every)
    placed = [one for template in every.templates.values() for one in template.criteria()]
    assert shown.questions == len(placed) == sum(shown.answers.values())
    assert set(shown.answers) == set(ANSWERS)
    assert sum(one.facts for one in shown.types) == sum(1 for one in placed if not one.criterion.answer.is_graded)
    assert shown.languages["en"]


def test_what_a_pack_shows_is_said() -> None:
    said = {feature.msgid for feature in Shown(pack("climbie-2003")).features}
    assert "A demonstration of invented agencies" in said
    assert "It gives no judgement" not in said
    published = {feature.msgid for feature in Shown(pack("climbie-2003").as_published()).features}
    assert said - published == {
        one for one in said if "demonstration" in one or "Worked examples" in one
    }


def test_a_readme_falls_into_its_sections() -> None:
    readme = "# Title\n\n## One\nText\n### Deeper\nMore\n```\n## not a heading\n```\n## Two ##\nEnd\n# Other\n!"
    assert sections(readme) == [
        ("One", "Text\n### Deeper\nMore\n```\n## not a heading\n```"),
        ("Two", "End"),
    ]
    assert sections("") == []


def test_the_page_of_the_documentation_names_every_pack_by_its_address() -> None:
    packs = [Shown(pack("section-11-2024"), "## Own\n"), Shown(pack("climbie-2003"))]
    page = as_markdown(packs)
    assert page == as_markdown(reversed(packs))
    assert page.index("climbie-2003") < page.index("section-11-2024")
    for one in packs:
        assert f"\n## {localise(one.pack.title)}\n" in page
        for type_ in one.types:
            assert f"| {localise(type_.kind.plural)} | {localise(type_.kind.signatory)} | {type_.questions} |" in page
    assert "audit_templates/section-11-2024/README.md" in page
    assert "audit_templates/climbie-2003/README.md" not in page
