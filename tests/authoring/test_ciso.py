"""Framework libraries of CISO Assistant become packs as far as a checklist can hold them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.authoring.ciso import import_ciso
from app.authoring.draft import Draft, Refused
from app.catalogue import PACK_FILE, check
from app.cli import main

LIBRARY = """\
urn: urn:own:library:small
locale: en
ref_id: small
name: Small framework
description: What small clubs do.
copyright: Ours
version: 1
provider: Nobody
objects:
  reference_controls:
  - urn: urn:own:control:1
  framework:
    urn: urn:own:framework:small
    ref_id: small
    name: Small framework
    description: What small clubs do about {agency}.
    translations:
      fr: {name: Petit cadre}
    implementation_groups_definition:
    - {ref_id: B, name: Basic}
    - {ref_id: F, name: Full}
    requirement_nodes:
    - {urn: 'urn:own:node:1', assessable: false, depth: 1, ref_id: '1', name: People}
    - urn: urn:own:node:1.1
      parent_urn: urn:own:node:1
      assessable: false
      depth: 2
      ref_id: '1.1'
      name: Helpers
      description: Everybody who helps.
    - urn: urn:own:node:1.1.a
      parent_urn: URN:own:node:1.1
      assessable: true
      depth: 3
      ref_id: 1.1.a
      name: Checked
      description: Helpers are checked.
      annotation: Not all people are kind.
      typical_evidence: The list.
      implementation_groups: [B, F]
      threats: [urn:own:threat:1]
      translations:
        fr: {name: Vérifiés, description: Ils sont vérifiés.}
    - urn: urn:own:node:1.1.b
      parent_urn: urn:own:node:1.1
      assessable: true
      depth: 3
      description: Helpers are trained.
      implementation_groups: [F]
    - {urn: 'urn:own:node:2', assessable: true, depth: 1, ref_id: '2', name: Alone}
    - {urn: 'urn:own:node:3', assessable: false, depth: 1, name: Empty}
"""
SCORES = """\
    scores_definition:
    - {score: 0, name: Never}
    - {score: 1, name: Sometimes, description: Now and then.}
    - {score: 2, name: Always, description: At all times.}
    requirement_nodes:
"""
QUESTIONS = """\
      questions:
        urn:q:1:
          type: unique_choice
          text: Is there a policy?
          choices:
          - {urn: 'urn:q:1:yes', value: 'Yes'}
          - {urn: 'urn:q:1:no', value: 'No'}
        urn:q:2:
          type: multiple_choice
          text: For whom?
          depends_on: {question: 'urn:q:1', answers: ['urn:q:1:yes'], condition: any}
          choices:
          - {urn: 'urn:q:2:a', value: Staff}
          - {urn: 'urn:q:2:b', value: Helpers}
        urn:q:3: {type: date, text: Since when?}
        urn:q:4: {type: essay, text: How?}
        urn:q:5:
          type: text
          text: Why?
          depends_on: {question: 'urn:q:3', answers: [x], condition: any}
"""


def made(tmp_path: Path, text: str = LIBRARY) -> Draft:
    """The pack of a library with this text."""
    path = tmp_path / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return import_ciso(path, "small")


def template(draft: Draft) -> dict[str, Any]:
    """The only checklist."""
    (found,) = (content for name, content in draft.files.items() if name != PACK_FILE)
    return found


def criteria(draft: Draft) -> dict[str, dict[str, Any]]:
    """Its questions by id."""
    return {one["id"]: one for standard in template(draft)["standards"] for one in standard["criteria"]}


def test_nodes_become_standards_and_criteria(tmp_path: Path) -> None:
    draft = made(tmp_path)
    assert [(one["id"], one["title"]) for one in template(draft)["standards"]] == [
        ("1-1", "1 People – 1.1 Helpers"),
        ("questions", "Questions"),
    ]
    assert template(draft)["standards"][0]["introduction"] == "Everybody who helps."
    checked = criteria(draft)["1-1-a"]
    assert checked["question"] == {
        "en": "1.1.a Checked\n\nHelpers are checked.",
        "fr": "1.1.a Vérifiés\n\nIls sont vérifiés.",
    }
    assert (checked["why"], checked["evidence"]) == ("Not all people are kind.", "The list.")
    assert criteria(draft)["1-1-b"]["question"] == "Helpers are trained."
    assert criteria(draft)["2"]["question"] == "2 Alone"
    assert draft.files[PACK_FILE]["title"] == {"en": "Small framework", "fr": "Petit cadre"}


def test_implementation_groups_become_subtypes(tmp_path: Path) -> None:
    draft = made(tmp_path)
    (agency_type,) = draft.files[PACK_FILE]["agency_types"].values()
    assert {key: one["name"] for key, one in agency_type["subtypes"].items()} == {"b": "Basic", "f": "Full"}
    assert criteria(draft)["1-1-b"]["subtypes"] == ["f"]
    assert "subtypes" not in criteria(draft)["1-1-a"] and "subtypes" not in criteria(draft)["2"]


def test_scores_become_the_grading_scheme_best_first(tmp_path: Path) -> None:
    draft = made(tmp_path, LIBRARY.replace("    requirement_nodes:\n", SCORES))
    (scheme,) = draft.files[PACK_FILE]["grading_schemes"].values()
    told = [(grade["label"], grade["counts_as"]) for grade in scheme["grades"]]
    assert told == [
        ("Always", "met"),
        ("Sometimes", "not_met"),
        ("Never", "not_met"),
        ("Not applicable", "excluded"),
    ]
    assert scheme["grades"][0]["meaning"] == "At all times."
    assert "only the highest counts as met" in draft.readme and "small.yaml:22" in draft.readme


def test_questions_are_asked_after_their_requirement(tmp_path: Path) -> None:
    text = LIBRARY.replace(
        "      translations:\n        fr: {name: Vérifiés",
        QUESTIONS + "      translations:\n        fr: {name: Vérifiés",
    )
    draft = made(tmp_path, text)
    asked = criteria(draft)
    assert list(asked)[:6] == ["1-1-a", *(f"1-1-a-question-{number}" for number in range(1, 6))]
    assert asked["1-1-a-question-1"]["answer"]["choices"][1] == {"key": "no", "label": "No"}
    assert asked["1-1-a-question-2"]["shown_if"] == {"criterion": "1-1-a-question-1", "answers": ["yes"]}
    assert [asked[f"1-1-a-question-{number}"]["answer"]["type"] for number in (2, 3, 4)] == [
        "choices",
        "date",
        "text",
    ]
    assert "shown_if" not in asked["1-1-a-question-5"]
    assert "`essay` are answered as a text: small.yaml:57" in draft.readme


def test_what_is_left_out_is_listed_with_its_line(tmp_path: Path) -> None:
    readme = made(tmp_path).readme
    assert (
        "Objects of the library that are no framework are left out: small.yaml:10 (reference_controls)"
        in readme
    )
    assert "Threats are left out: a checklist has nothing like them: small.yaml:41" in readme
    assert "The source names its copyright: Ours" in readme
    assert "the source has no scores" in readme


def test_the_command_writes_a_pack_that_passes_the_check(tmp_path: Path) -> None:
    source = tmp_path / "small.yaml"
    source.write_text(LIBRARY.replace("locale: en", "locale: fr"), encoding="utf-8")
    run = CliRunner().invoke(main, ["templates", "import", "ciso", str(source), str(tmp_path / "petit")])
    assert run.exit_code == 0, run.output
    assert check([tmp_path / "petit"]) == []
    assert "Left out, changed or assumed" in run.output
    assert (tmp_path / "petit" / "README.md").read_text() in run.output


NO_FRAMEWORK = LIBRARY.replace("  framework:", "  risk_matrix:")
ROUND = LIBRARY.replace("'urn:own:node:1', ", "'urn:own:node:1', parent_urn: 'urn:own:node:1.1', ")
REFUSED = [
    (NO_FRAMEWORK, "small.yaml:10", "holds no framework, but `reference_controls`, `risk_matrix`"),
    ("urn: x\n", "small.yaml:1", "no `objects`"),
    ("urn: [x\n", "small.yaml:1", "close the bracket"),
    (LIBRARY.replace("assessable: true", "assessable: false"), "", "nothing in it can be asked"),
    (LIBRARY.replace("    requirement_nodes:", "    others:"), "small.yaml:13", "no `requirement_nodes`"),
    (
        LIBRARY.replace("'urn:own:node:2'", "'urn:own:node:3'"),
        "small.yaml:51",
        "is here twice, first in line 50",
    ),
    (ROUND, "small.yaml", "go round in a circle"),
]


@pytest.mark.parametrize(("text", "place", "said"), REFUSED)
def test_what_cannot_be_read_is_refused_with_its_line(
    tmp_path: Path, text: str, place: str, said: str
) -> None:
    with pytest.raises(Refused) as refused:
        made(tmp_path, text)
    assert said in str(refused.value)
    assert refused.value.mistakes[0].place.startswith(place)


def test_a_name_that_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(LIBRARY, encoding="utf-8")
    with pytest.raises(Refused, match="ill-formed"):
        import_ciso(path, "../Small")
