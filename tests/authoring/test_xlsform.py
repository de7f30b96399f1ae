"""XLSForm workbooks become packs as far as a checklist can hold them; the rest is listed with its cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.authoring.draft import Draft, Refused, mistakes
from app.authoring.xlsform import import_xlsform
from app.catalogue import PACK_FILE, check, load_pack
from app.cli import main
from app.domain.guidance import plain
from tests.authoring.books import form

LISTS = [
    ["list_name", "name", "label::English (en)", "label::Welsh (cy)"],
    ["often", "weekly", "Every week", "Bob wythnos"],
    ["often", "never", "Never", "Byth"],
    ["yn", "yes", "Yes", None],
    ["yn", "no", "No", None],
    ["one", "only", "The only one", None],
]
HEADS = ["type", "name", "label", "hint", "required", "relevant", "constraint"]


def made(*rows: list[Any], heads: list[str] = HEADS, **sheets: Any) -> Draft:
    """The pack of a form with these rows."""
    return import_xlsform(form(survey=[heads, *rows], choices=LISTS, **sheets), "a-form", "form.xlsx")


def criteria(draft: Draft) -> dict[str, dict[str, Any]]:
    """The questions of the only checklist, by id."""
    (template,) = (content for name, content in draft.files.items() if name != PACK_FILE)
    return {one["id"]: one for standard in template["standards"] for one in standard["criteria"]}


def standards(draft: Draft) -> list[dict[str, Any]]:
    """The sections of the only checklist."""
    (template,) = (content for name, content in draft.files.items() if name != PACK_FILE)
    return list(template["standards"])


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("text", {"type": "text"}),
        ("integer", {"type": "number"}),
        ("decimal", {"type": "number", "decimals": 6}),
        ("date", {"type": "date"}),
        ("dateTime", {"type": "date"}),
        ("time", {"type": "text"}),
        ("image", {"type": "file"}),
        ("acknowledge", {"type": "yes_no"}),
        ("select_one yn", {"type": "yes_no"}),
        ("select one from one", {"type": "yes_no"}),
        ("select_one_from_file towns.csv", {"type": "text"}),
    ],
)
def test_types_become_types_of_answers(kind: str, answer: dict[str, Any]) -> None:
    draft = made([kind, "q", "Question?"])
    assert criteria(draft)["q"]["answer"] == answer
    assert mistakes(draft) == []


def test_choices_keep_their_words_in_every_language() -> None:
    draft = made(["select_one often", "q", "How often?"], ["select_multiple often or_other", "r", "Which?"])
    choices = criteria(draft)["q"]["answer"]["choices"]
    assert choices == [
        {"key": "weekly", "label": {"en": "Every week", "cy": "Bob wythnos"}},
        {"key": "never", "label": {"en": "Never", "cy": "Byth"}},
    ]
    several = criteria(draft)["r"]["answer"]
    assert several["type"] == "choices" and [one["label"] for one in several["choices"]][-1] == "Other"


def test_a_plain_form_passes_the_check_and_can_be_loaded(tmp_path: Path) -> None:
    source = tmp_path / "form.xlsx"
    source.write_bytes(
        form(
            survey=[
                HEADS,
                ["text", "q", "Why {agency}?\r\nSay ${q}", "Because."],
                ["geopoint", "g", "Where?"],
            ],
            settings=[["form_title", "default_language"], ["Safe clubs", "English (en)"]],
        )
    )
    run = CliRunner().invoke(
        main, ["templates", "import", "xlsform", str(source), str(tmp_path / "safe-clubs")]
    )
    assert run.exit_code == 0, run.output
    assert "Places on a map are left out: no type of answer holds them: survey!A3" in run.output
    assert check([tmp_path / "safe-clubs"]) == []
    pack = load_pack(tmp_path / "safe-clubs")
    assert (pack.pack, pack.title) == ("safe-clubs", "Safe clubs")
    assert "survey!A3" in (tmp_path / "safe-clubs" / "README.md").read_text()
    again = CliRunner().invoke(
        main, ["templates", "import", "xlsform", str(source), str(tmp_path / "safe-clubs")]
    )
    assert again.exit_code == 1 and "--replace" in again.output


def test_groups_become_standards_and_what_lies_between_them_one_too() -> None:
    draft = made(
        ["text", "before", "Before?"],
        ["begin_group", "outer", "Outer"],
        ["note", "n", "Ask your team."],
        ["text", "a", "A?"],
        ["begin group", "inner", "Inner"],
        ["text", "b", "B?"],
        ["end group"],
        ["text", "c", "C?"],
        ["end_group"],
        ["text", "after", "After?"],
    )
    told = {one["id"]: (one["title"], [each["id"] for each in one["criteria"]]) for one in standards(draft)}
    assert told == {
        "questions": ("Questions", ["before", "after"]),
        "outer": ("Outer", ["a", "c"]),
        "inner": ("Outer – Inner", ["b"]),
    }
    assert standards(draft)[1]["introduction"] == "Ask your team."


def test_languages_are_known_by_code_and_by_name() -> None:
    heads = [
        "type",
        "name",
        "label",
        "label::Welsh (cy)",
        "label::French",
        "label::pt-br",
        "hint::Klingonish",
        "hint::cy",
    ]
    draft = made(
        ["text", "q", "Well?", "Wel?", "Eh bien ?", "Bem?", "x", "Achos"],
        heads=heads,
        settings=[["form_title::cy", "default_language"], ["x", "English"]],
    )
    question = criteria(draft)["q"]
    assert question["question"] == {"en": "Well?", "cy": "Wel?", "fr": "Eh bien ?", "pt-BR": "Bem?"}
    assert question["why"] == {"cy": "Achos"}
    assert "Texts in “Klingonish” are left out: it is no language that is known: survey!G1" in draft.readme


@pytest.mark.parametrize(
    ("relevant", "rule", "condition"),
    [
        ("${o} = 'weekly'", "shown_if", {"criterion": "o", "answers": ["weekly"]}),
        ('(${o}="weekly" or ${o} = "never")', "shown_if", {"criterion": "o", "answers": ["weekly", "never"]}),
        ("selected(${m}, 'never')", "shown_if", {"criterion": "m", "answers": ["never"]}),
        ("not(selected(${m}, 'never'))", "not_applicable_if", {"criterion": "m", "answers": ["never"]}),
        ("${o} != 'never'", "not_applicable_if", {"criterion": "o", "answers": ["never"]}),
        ("${y} = 'yes'", "shown_if", {"criterion": "y", "answers": ["yes"]}),
        ("${i} > 5", "shown_if", {"criterion": "i", "at_least": 6}),
        ("${i} >= 5 and ${i} <= 9", "shown_if", {"criterion": "i", "at_least": 5, "below": 10}),
        ("${i} = 3", "shown_if", {"criterion": "i", "at_least": 3, "below": 4}),
        ("${d} < 2.5", "shown_if", {"criterion": "d", "below": 2.5}),
    ],
)
def test_simple_conditions_are_kept(relevant: str, rule: str, condition: dict[str, Any]) -> None:
    draft = made(*LOOKED_AT, ["text", "q", "Question?", None, None, relevant])
    question = criteria(draft)["q"]
    assert {key: question[key] for key in question if key.endswith("_if")} == {rule: condition}
    assert mistakes(draft) == []


LOOKED_AT = [
    ["select_one often", "o", "How often?"],
    ["select_multiple often", "m", "Which?"],
    ["select_one yn", "y", "Is it?"],
    ["integer", "i", "How many?"],
    ["decimal", "d", "How much?"],
    ["text", "t", "What?"],
    ["geopoint", "g", "Where?"],
]


@pytest.mark.parametrize(
    "relevant",
    [
        "${o} = 'weekly' and ${i} > 5",
        "${o} = 'monthly'",
        "${d} > 2.5",
        "${t} = 'x'",
        "${g} != ''",
        "${later} = 'yes'",
        "${i} + 1 = 3",
        "${o} != 'weekly' or ${o} != 'never'",
        "${i} < 3 or ${i} > 7",
        "selected(${m}, 'never') and selected(${m}, 'weekly')",
        "count-selected(${m}) > 1",
    ],
)
def test_other_conditions_are_left_out_with_their_cell(relevant: str) -> None:
    draft = made(
        *LOOKED_AT, ["text", "q", "Question?", None, None, relevant], ["select_one yn", "later", "Later?"]
    )
    assert not [key for key in criteria(draft)["q"] if key.endswith("_if")]
    assert f"survey!F{len(LOOKED_AT) + 2}" in draft.readme


def test_the_condition_of_a_group_is_that_of_its_questions() -> None:
    draft = made(
        ["select_one yn", "y", "Is it?"],
        ["begin group", "g", "Group", None, None, "${y} = 'yes'"],
        ["text", "a", "A?"],
        ["integer", "b", "B?", None, None, "${y} = 'no'"],
        ["end group"],
    )
    assert criteria(draft)["a"]["shown_if"] == {"criterion": "y", "answers": ["yes"]}
    assert criteria(draft)["b"]["shown_if"] == {"criterion": "y", "answers": ["no"]}
    assert "A question has one condition" in draft.readme and "survey!F5" in draft.readme


@pytest.mark.parametrize(
    ("kind", "constraint", "limits"),
    [
        ("integer", ". >= 1 and . <= 10", {"least": 1, "most": 10}),
        ("integer", ". > 0 and . < 10", {"least": 1, "most": 9}),
        ("decimal", ".<=2.5", {"most": 2.5}),
        ("integer", ". >= -5", {"least": -5}),
    ],
)
def test_limits_of_numbers_are_kept(kind: str, constraint: str, limits: dict[str, Any]) -> None:
    answer = criteria(made([kind, "q", "Question?", None, None, None, constraint]))["q"]["answer"]
    assert {key: answer[key] for key in answer if key in ("least", "most")} == limits


def test_other_limits_are_listed() -> None:
    draft = made(
        ["decimal", "q", "Question?", None, None, None, ". > 0.5"],
        ["text", "t", "Text?", None, None, None, "regex(., 'x')"],
    )
    assert "survey!G2, survey!G3" in draft.readme
    assert criteria(draft)["q"]["answer"] == {"type": "number", "decimals": 6}


def test_required_is_kept_and_nothing_else_is_required() -> None:
    draft = made(
        ["text", "a", "A?", None, "yes"], ["text", "b", "B?"], ["text", "c", "C?", None, "${a} = 'x'"]
    )
    assert [criteria(draft)[key]["required"] for key in "abc"] == [True, False, False]
    assert "survey!E4" in draft.readme


def test_repeats_become_tables() -> None:
    inner = [["text", f"extra-{number}", f"Extra {number}"] for number in range(12)]
    draft = made(
        ["begin repeat", "child", "Children"],
        ["text", "child_name", "Name", None, "yes"],
        ["select_one often", "seen", "Seen"],
        ["image", "photo", "Photo"],
        *inner,
        ["end repeat"],
        ["text", "q", "Question?", None, None, "${child_name} = 'x'"],
    )
    answer = criteria(draft)["child"]["answer"]
    assert answer["type"] == "table" and len(answer["columns"]) == 12
    assert answer["columns"][0] == {"key": "child-name", "label": "Name", "type": "text", "required": True}
    assert answer["columns"][1]["choices"][0]["key"] == "weekly"
    assert "A table has 12 columns at most" in draft.readme and "survey!A5" in draft.readme
    assert "shown_if" not in criteria(draft)["q"]


def test_names_that_differ_only_in_signs_stay_apart() -> None:
    draft = made(
        ["text", "a_b", "One?"], ["text", "a b", "Two?"], ["text", "ÀÉ", "Three?"], ["text", "日本", "Four?"]
    )
    assert list(criteria(draft)) == ["a-b", "a-b-2", "ae", "question"]


REFUSED = [
    ([["select_one nothing", "q", "Q?"]], "survey!A2", "there is no list of choices `nothing`"),
    ([["select_one", "q", "Q?"]], "survey!A2", "names no list of choices"),
    ([["text", None, "Q?"]], "survey!B2", "the question has no name"),
    (
        [["text", "q", "Q?"], ["text", "q", "R?"]],
        "survey!B3",
        "the name `q` is here twice, first in survey!B2",
    ),
    ([["begin group", "g", "G"], ["text", "q", "Q?"]], "survey!A2", "has no `end group`"),
    ([["text", "q", "Q?"], ["end group"]], "survey!A3", "ends what was not begun"),
    ([["begin group", "g", "G"], ["end repeat"]], "survey!A3", "`begin group` in survey!A2 is still open"),
    ([["calculate", "c"]], "survey!A2", "Calculations are left out"),
]


@pytest.mark.parametrize(("rows", "place", "said"), REFUSED)
def test_what_cannot_be_read_is_refused_with_its_cell(rows: list[list[Any]], place: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        made(*rows)
    assert any(wrong.place == place and said in wrong.message for wrong in refused.value.mistakes), str(
        refused.value
    )


def test_one_name_in_two_groups_is_two_questions_that_nothing_looks_at() -> None:
    draft = made(
        ["begin group", "g", "G"], ["select_one yn", "q", "Q?"], ["end group"],
        ["begin group", "h", "H"], ["select_one yn", "q", "Q?"], ["end group"],
        ["text", "r", "R?", None, None, "${q} = 'yes'"],
    )  # fmt: skip
    assert list(criteria(draft)) == ["q", "q-2", "r"]
    assert "shown_if" not in criteria(draft)["r"]


def test_another_workbook_is_refused() -> None:
    with pytest.raises(Refused, match="no sheet “survey”"):
        import_xlsform(form(Sheet1=[["type"]]), "a-form")
    with pytest.raises(Refused, match="heading “type”"):
        import_xlsform(form(survey=[["kind", "name"], ["text", "q"]]), "a-form")
    with pytest.raises(Refused, match="not a spreadsheet"):
        import_xlsform(b"nonsense", "a-form")


def test_signs_that_guidance_may_not_have_stand_as_they_were_typed() -> None:
    hint = "Not <b>this</b> ![x](y.png)\n# nor this"
    draft = made(
        ["note", "intro", "<img src=x>", None],
        ["text", "mild", "Mild?", "Of *this*:\n\n- one"],
        ["text", "wild", "Wild?", hint],
    )
    assert criteria(draft)["mild"]["why"] == "Of *this*:\n\n- one"
    assert plain(criteria(draft)["wild"]["why"]) == hint
    assert plain(standards(draft)[0]["introduction"]) == "<img src=x>"
    assert mistakes(draft) == []
    assert any("stand as typed" in line and "survey!A4" in line for line in draft.left_out), draft.left_out
