"""A pack goes into a workbook and comes back the same; what is wrong in a workbook is named by its cell."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.authoring import draft as drafts
from app.authoring.columns import as_cell
from app.authoring.draft import Draft, Refused, mistakes, put
from app.authoring.from_workbook import read_workbook
from app.authoring.workbook import begin, comments_in, frozen, read_folder, write_workbook
from app.catalogue import PACK_FILE, load_pack
from app.cli import main
from app.sheets.cells import read_cells
from config import ROOT
from tests.authoring.books import Editor, form

PACKS = sorted(
    path.parent for root in ("audit_templates", "tests/packs") for path in (ROOT / root).glob("*/pack.yaml")
)
EVERY = ROOT / "tests" / "packs" / "every-answer"


@cache
def every_answer() -> bytes:
    """The workbook of a pack with a question of every type."""
    return write_workbook(read_folder(EVERY))


@pytest.mark.parametrize("folder", PACKS, ids=lambda folder: folder.name)
def test_every_pack_comes_back_from_its_workbook_as_it_was(folder: Path, tmp_path: Path) -> None:
    draft = read_folder(folder)
    back = read_workbook(write_workbook(draft))
    drafts.write(back, tmp_path / folder.name)
    assert load_pack(tmp_path / folder.name).to_frozen() == load_pack(folder).to_frozen()
    assert back.readme == draft.readme


def unusual() -> Draft:
    """A pack with what columns cannot hold, and with what is easily lost."""
    draft = copy.deepcopy(read_folder(EVERY))
    pack, club = draft.files[PACK_FILE], draft.files["club.yaml"]
    pack["title"] = {"en": "Only English, but said so"}
    pack["summary"] = {"cy": "Dim ond Cymraeg"}
    pack["changes"] = "Line one.\n\n  Line two, “quoted”: #1 — = yes\t."
    pack["grading_schemes"]["lights"]["grades"][0]["shown_apart"] = False
    pack["quantifiers"][0] = {"above": 0.123456789, "word": "2003"}
    by_id = {one["id"]: one for standard in club["standards"] for one in standard["criteria"]}
    by_id["any-number"]["answer"] = {"type": "number", "least": -0.5, "most": 10, "decimals": 0}
    by_id["date"]["answer"] = {"type": "date", "past": False}
    by_id["plain"]["answer"] = {"type": "grade"}
    by_id["after-yes"]["not_applicable_if"] = {"criterion": "number", "at_least": 3.5, "below": 72}
    by_id["after-wait"]["shown_if"] = {"criterion": "yes-no", "answers": ["yes"], "grades": ["green", "red"]}
    by_id["after-wait"]["required"] = False
    by_id["after-wait"]["scope"] = "area"
    by_id["after-wait"]["question"] = {"fr": "Pourquoi ?", "cy": "Pam?"}
    club["standards"].append({"id": "nothing-yet", "title": "Nothing yet", "optional": True, "criteria": []})
    draft.files["findings.yaml"] = {
        "format": 1, "title": {"en": "Findings", "cy": "Canfyddiadau"},
        "about": ["  begins with spaces", "5", "true", "#1"], "method": [], "themes": {}, "small_number": 10,
    }  # fmt: skip
    draft.readme = "# Every answer\n\n- one\n  - within\n\n\nlast\n"
    return draft


def test_what_no_column_holds_is_kept_too() -> None:
    draft = unusual()
    assert mistakes(draft) == []
    back = read_workbook(write_workbook(draft, ["de"]))
    assert back.readme == draft.readme
    assert frozen(back) == frozen(draft)


def test_numbers_texts_and_truth_values_of_other_files_stay_what_they_are() -> None:
    draft = unusual()
    odd = {
        "a / b": {
            "#1": 1,
            '"q"': 0.1 + 0.2,
            " edge ": -(2**53) + 1,
            "true": True,
            "": "",
            "deep": [[1, [2]], {"x": []}],
        }
    }
    draft.files["demonstration.yaml"] = {"odd": odd}
    assert read_workbook(write_workbook(draft)).files["demonstration.yaml"] == {"odd": odd}


def test_a_text_that_no_cell_can_hold_is_refused_by_name() -> None:
    draft = copy.deepcopy(read_folder(EVERY))
    draft.files[PACK_FILE]["summary"] = "x" * 40_000
    with pytest.raises(Refused, match=r"About, row 5: a text has 40,000 characters"):
        write_workbook(draft)


def test_languages_have_columns_and_more_can_be_added() -> None:
    heads = {
        sheet.name: {value for (row, _), value in sheet.cells.items() if not row}
        for sheet in read_cells(write_workbook(begin("new-audit"), ["fr"]))
    }
    assert {"Question", "Question (cy)", "Question (fr)"} <= heads["Checklist organisation"]
    book = Editor(write_workbook(begin("new-audit")))
    book.set("Themes!J1", "Title (gd)")
    book.set("Themes!J2", "Gach rud")
    assert read_workbook(book.content()).files[PACK_FILE]["themes"]["everything"]["title"]["gd"] == "Gach rud"


def test_columns_and_sheets_may_be_moved() -> None:
    book = Editor(every_answer())
    cells = book.sheets["Grades"]
    width = 1 + max(column for _, column in cells)
    book.sheets["Grades"] = {(row, width - 1 - column): value for (row, column), value in cells.items()}
    book.sheets = {**dict(reversed(book.sheets.items())), "Notes of mine": {(3, 3): "call Ann"}}
    assert frozen(read_workbook(book.content())) == frozen(read_folder(EVERY))


def test_what_spreadsheets_make_of_what_is_typed_is_understood() -> None:
    book = Editor(every_answer())
    sheet = "Checklist club"
    row = book.row(sheet, "any-number")
    book.set(f"{sheet}!{book.column(sheet, 'Smallest')}{row}", 5.0)
    book.set(f"{sheet}!{book.column(sheet, 'Required')}{row}", True)
    book.set(f"{sheet}!{book.column(sheet, 'Question')}{row}", 2003.0)
    criterion = read_workbook(book.content()).files["club.yaml"]["standards"][1]["criteria"][0]
    assert (criterion["answer"]["least"], criterion["required"], criterion["question"]) == (5, True, "2003")
    assert isinstance(criterion["answer"]["least"], int)


CHECKLIST = "Checklist club"
# sheet, row with this cell, heading, what is put there, the heading that is named, and a part of what is said
WRONG = [
    (CHECKLIST, "plain", "Milestone", "sooner", "Milestone", "did you mean `soon`?"),
    (CHECKLIST, "plain", "Why", None, "Why", "`why` is missing"),
    (CHECKLIST, "plain", "Milestone", None, "Milestone", "needs `milestone`"),
    (CHECKLIST, "yes-no", "Grade of yes", "gren", "Grade of yes", "did you mean `green`?"),
    (CHECKLIST, "number", "Decimals", "two", "Decimals", "expected a whole number"),
    (CHECKLIST, "number", "Grades of numbers", "at most 24: green", "Grades of numbers", "has no grade"),
    (CHECKLIST, "any-number", "Answer", "numbr", "Answer", "`numbr` is not allowed here"),
    (CHECKLIST, "after-yes", "Shown if", "yes-no = perhaps", "Shown if", "there is no answer `perhaps`"),
    (CHECKLIST, "after-yes", "Shown if", "yes-on = yes", "Shown if", "did you mean `yes-no`?"),
    (CHECKLIST, "after-wait", "Id", "after-yes", "Id", "`after-yes` is here twice, first in Checklist club!B13"),
    (CHECKLIST, "text", "Longest", 3.0, "Longest", "greater than or equal to 10"),
    (CHECKLIST, "text", "Required", "maybe", "Required", "expected true or false"),
    ("Grades", "amber", "Colour", "orange", "Colour", "a colour is"),
    ("Grades", "amber", "Counts as", "half", "Counts as", "not allowed here"),
    ("Milestones", "soon", "Months", "3 months", "Months", "expected a whole number"),
    ("Agency types", "club", "Oversight body", "asociation", "Oversight body", "did you mean `association`?"),
    ("Checklists", "club", "Declaration", "I, {signatry}, sign.", "Declaration", "did you mean `signatory`?"),
    ("Choices", "monthly", "Grade", "highest", "Grade", "did you mean `high`?"),
    ("Columns of tables", "kind", "Type", "choise", "Type", "did you mean `choice`?"),
    ("Quantifiers", "most", "From this share", 7.0, "From this share", "less than or equal to 1"),
    ("About", "Version", "Value", "first", "Value", "expected a whole number"),
    ("About", "Source", "Value", None, "Value", "`source` is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("sheet", "row", "head", "value", "named", "said"), WRONG)
def test_a_mistake_is_named_by_its_cell(
    sheet: str, row: str, head: str, value: object, named: str, said: str
) -> None:
    book = Editor(every_answer())
    line = book.row(sheet, row)
    book.set(f"{sheet}!{book.column(sheet, head)}{line}", value)
    found = mistakes(read_workbook(book.content()))
    place = f"{sheet}!{book.column(sheet, named)}{line}"
    assert any(mistake.place == place and said in mistake.message for mistake in found), [*map(str, found)]


# a cell, what is put there, and what is said of it
UNREADABLE = [
    ("Choices!B2", "chioce", "there is no question id `chioce`; did you mean “choice”?"),
    ("Choices!A2", "clubs", "there is no agency type `clubs`; did you mean “club”?"),
    ("Checklist club!A2", "grades", "there is no standard `grades`; did you mean “graded”?"),
    ("Checklist club!A2", None, "“Standard” is empty"),
    ("Grades!A1", "Grading scheem", "did you mean “Grading scheme”?"),
    ("Themes!Z9", "lost", "this column has no heading"),
    ("Themes!A3", "all", "`all` is here twice, first in Themes!A2"),
    ("Checklists!B2", "Elsewhere", "there is no sheet “Elsewhere”"),
    ("About!A3", "Vresion", "did you mean “Version”?"),
]


@pytest.mark.parametrize(("place", "value", "said"), UNREADABLE)
def test_what_cannot_be_read_is_named_by_its_cell(place: str, value: object, said: str) -> None:
    book = Editor(every_answer())
    book.set(place, value)
    if place == "Themes!A3":
        book.set("Themes!B3", "Again")
    with pytest.raises(Refused) as refused:
        read_workbook(book.content())
    assert any(wrong.place == place and said in wrong.message for wrong in refused.value.mistakes), str(
        refused.value
    )


@pytest.mark.parametrize(
    ("head", "text"),
    [
        ("Grades of numbers", "at least: green"),
        ("Grades of numbers", "90 or more: green"),
        ("Shown if", "yes-no is yes"),
        ("Shown if", "number >= many"),
        ("Other parts", "{unquoted: 1}"),
        ("Other parts", '["a list"]'),
        ("Other parts", '{"why": "said twice"}'),
    ],
)
def test_a_cell_in_another_form_is_refused_with_the_form(head: str, text: str) -> None:
    book = Editor(every_answer())
    place = f"{CHECKLIST}!{book.column(CHECKLIST, head)}{book.row(CHECKLIST, 'number')}"
    book.set(place, text)
    with pytest.raises(Refused) as refused:
        read_workbook(book.content())
    assert [wrong.place for wrong in refused.value.mistakes] == [place]


def test_other_files_name_their_rows_too() -> None:
    draft = unusual()
    book = Editor(write_workbook(draft))
    row = book.row("findings", "small_number")
    book.set(f"findings!C{row}", "ten")
    assert [mistake.place for mistake in mistakes(read_workbook(book.content()))] == [f"findings!C{row}"]
    book.set(f"findings!A{row}", "about / #9")
    with pytest.raises(Refused, match=rf"findings!A{row}: #9 has no #8 before it"):
        read_workbook(book.content())


def test_what_is_missing_altogether_is_named_by_its_sheet() -> None:
    book = Editor(every_answer())
    for name in ("Quantifiers", "Themes"):
        book.sheets[name] = {place: value for place, value in book.sheets[name].items() if not place[0]}
    book.set("About!A4", None)
    book.set("About!B4", None)
    book.set("About!C4", None)
    places = {mistake.place for mistake in mistakes(read_workbook(book.content()))}
    assert {"Quantifiers", "About"} <= places


def test_what_is_no_workbook_of_a_pack_is_refused() -> None:
    with pytest.raises(Refused, match="About"):
        read_workbook(form(Sheet1=[["a"]]))
    with pytest.raises(Refused, match="not a spreadsheet"):
        read_workbook(b"nonsense")


@pytest.mark.parametrize("key", ["../outside", "Upper", "", "a" * 81])
def test_a_name_that_is_no_key_is_never_a_path(key: str, tmp_path: Path) -> None:
    book = Editor(every_answer())
    book.set("About!B2", key or None)
    for sheet in ("Agency types", "Checklists"):
        book.set(f"{sheet}!A2", key or "x")
    try:
        draft = read_workbook(book.content())
    except Refused:
        return
    assert mistakes(draft)
    with pytest.raises(Refused):
        put(draft, tmp_path / "pack")
    assert list(tmp_path.iterdir()) == []


def test_a_condition_that_a_cell_cannot_say_is_not_said_half() -> None:
    assert as_cell("condition", {"criterion": "a", "grades": ["x"], "at_least": 3}) is None
    assert as_cell("condition", {"criterion": "a", "at_least": 3, "below": 4.5}) == "a >= 3 and < 4.5"
    assert as_cell("keys", ["a,b"]) is None
    assert as_cell("words", "") is None


def test_texts_that_look_like_something_else_stay_texts(tmp_path: Path) -> None:
    texts = [
        "yes",
        "No",
        "null",
        "2003-06-16",
        "0o17",
        "1e3",
        ".inf",
        "12:30",
        "# not a comment",
        "~",
        "a: b",
        "=1+1",
        "é\n\n x",
    ]
    path = tmp_path / "texts.yaml"
    path.write_text(drafts.as_yaml({"texts": texts}), encoding="utf-8")
    root = drafts.read_document(path).root
    assert root and root.value == {"texts": texts}


def test_the_commands_make_a_workbook_and_a_pack_of_it(tmp_path: Path) -> None:
    run = CliRunner()
    book, folder = tmp_path / "book.xlsx", tmp_path / "every-answer"
    made = run.invoke(main, ["templates", "new", "every-answer", "--xlsx", str(book), "--from", str(EVERY)])
    assert made.exit_code == 0, made.output
    assert "pack.yaml: comments (1 lines) do not go into a workbook" in made.output
    again = run.invoke(main, ["templates", "new", "every-answer", "--xlsx", str(book)])
    assert again.exit_code == 1 and "is there already" in again.output
    assert run.invoke(main, ["templates", "from-xlsx", str(book), str(folder)]).exit_code == 0
    assert load_pack(folder).to_frozen() == load_pack(EVERY).to_frozen()
    (folder / "stray.yaml").write_text("format: 1\n")
    there = run.invoke(main, ["templates", "from-xlsx", str(book), str(folder)])
    assert there.exit_code == 1 and "--replace" in there.output
    assert run.invoke(main, ["templates", "from-xlsx", str(book), str(folder), "--replace"]).exit_code == 0
    assert not (folder / "stray.yaml").exists()
    other = run.invoke(main, ["templates", "from-xlsx", str(book), str(tmp_path / "another")])
    assert other.exit_code == 1 and "About!B2: the pack’s key is `every-answer`" in other.output


def test_a_pack_under_a_new_name_is_a_first_version(tmp_path: Path) -> None:
    draft = begin("our-own", ROOT / "audit_templates" / PACKS[0].name)
    assert (draft.key, draft.files[PACK_FILE]["version"]) == ("our-own", 1)
    assert "changes" not in draft.files[PACK_FILE]
    put(begin("brand-new"), tmp_path / "brand-new")
    assert comments_in(tmp_path / "brand-new") == {}
