"""The text of a file with other content: comments and layout stay where nothing changed."""

from __future__ import annotations

import copy
import textwrap
from pathlib import Path

import pytest

from app.authoring.draft import as_yaml
from app.authoring.rewriting import rewritten
from app.catalogue import read_document
from config import ROOT

TEXT = textwrap.dedent(
    """\
    # what it is
    format: 1
    title: {en: A, cy: B}   # flow
    note: >-
      Folded
      over lines.

    # the standards
    standards:
      # the first
      - id: one
        title: One
        criteria:
          - {id: a, why: Because}
          # about b
          - id: b
            why: "Because: so"   # quoted
      # the second
      - id: two
        title: |
          # no comment
          Two
        criteria: []
    last: true
    """
)


def content(text: str, tmp_path: Path):  # type: ignore[no-untyped-def]
    path = tmp_path / "x.yaml"
    path.write_text(text)
    found = read_document(path).root
    assert found is not None
    return found.value


def test_the_same_content_is_the_same_text(tmp_path: Path) -> None:
    assert rewritten(TEXT, copy.deepcopy(content(TEXT, tmp_path))) == TEXT


def test_only_the_lines_of_what_changed_change(tmp_path: Path) -> None:
    after = content(TEXT, tmp_path)
    after["standards"][0]["criteria"][1]["why"] = "Another reason"
    assert rewritten(TEXT, after) == TEXT.replace('why: "Because: so"   # quoted', "why: Another reason")
    after = content(TEXT, tmp_path)
    after["standards"][0]["criteria"][0]["why"] = "Another reason"
    expected = TEXT.replace("- {id: a, why: Because}", "- id: a\n        why: Another reason")
    assert rewritten(TEXT, after) == expected


def test_parts_move_with_the_comments_above_them(tmp_path: Path) -> None:
    after = content(TEXT, tmp_path)
    after["standards"][0]["criteria"].reverse()
    text = rewritten(TEXT, after)
    assert content(text, tmp_path) == after
    assert text.index("# about b") < text.index("- id: b") < text.index("- {id: a")
    assert "# the second\n  - id: two" in text


def test_parts_are_added_and_removed(tmp_path: Path) -> None:
    after = content(TEXT, tmp_path)
    after["standards"].append({"id": "three", "title": "Three\n\nlines", "criteria": []})
    del after["standards"][1]
    del after["note"]
    after["more"] = {"a": [1, "yes"]}
    text = rewritten(TEXT, after)
    assert content(text, tmp_path) == after
    assert "# what it is" in text and "{en: A, cy: B}   # flow" in text and "Folded" not in text


@pytest.mark.parametrize(
    "text",
    ["{format: 1, a: [1, 2]}\n", "a: 1\n\nb:\n- x: 1\n  y: 2\n- x: 3\n", "a: [", "", "? a\n: 1\n", "a: {\n  b: 1 }\n"],
)
def test_whatever_the_layout_the_content_comes_out(tmp_path: Path, text: str) -> None:
    after = {"a": [1, 3], "b": [{"x": 3}, {"y": 2, "x": 1}], "c": {}}
    assert content(rewritten(text, after), tmp_path) == after


@pytest.mark.parametrize("path", sorted((ROOT / "audit_templates").glob("*/*.yaml")), ids=lambda path: path.stem)
def test_every_list_of_every_pack_can_be_turned_round(path: Path, tmp_path: Path) -> None:
    after = copy.deepcopy(content(path.read_text(), tmp_path))
    for value in after.values():
        if isinstance(value, list):
            value.reverse()
    text = rewritten(path.read_text(), after)
    assert content(text, tmp_path) == after
    assert text != as_yaml(after)
