"""Results of a survey of staff: what is read from a file, what is wrong with it, and what may be shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.catalogue import check, load_pack, pack_hash
from app.domain.survey import LEAST, Survey, SurveyRefused, read_results
from config import ROOT
from tests.world import pack

SURVEY = Survey.of(pack("every-answer"))
assert SURVEY
HEADS = "agency,statement,asked,answered,agree,disagree,not-for-me"
KNOWN = {"a": ("yes-no", "choice"), "b": ("yes-no",)}


def refused(text: str, own: str = "") -> list[str]:
    with pytest.raises(SurveyRefused) as caught:
        read_results(text, SURVEY, KNOWN, own=own)
    return [str(problem) for problem in caught.value.problems]


def test_a_file_is_read() -> None:
    found = read_results(f"{HEADS}\r\na,yes-no,40,30,20,8,2\r\n\r\nb,yes-no,0,0,0,0,0\r\n", SURVEY, KNOWN)
    assert [(one.line, one.agency, one.statement, one.asked, one.answered) for one in found] == [
        (2, "a", "yes-no", 40, 30), (4, "b", "yes-no", 0, 0)
    ]  # fmt: skip
    assert found[0].counts == {"agree": 20, "disagree": 8, "not-for-me": 2}
    assert SURVEY.share(found[0].counts) == (20, 28)
    own = read_results("statement,asked,answered,agree,disagree,not-for-me\nyes-no,1,1,1,0,0\n", SURVEY, KNOWN, own="a")
    assert own[0].agency == "a"


def test_every_mistake_is_named_by_its_line() -> None:
    lines = [
        "nobody,yes-no,1,1,1,0,0", "b,choice,1,1,1,0,0", "a,yes-no,10,11,11,0,0", "a,choice,10,9,5,5,0",
        "a,choice,ten,-1,1.5,,0", "b,yes-no,5,5,5,0,0", "b,yes-no,5,5,5,0,0",
    ]  # fmt: skip
    found = refused("\n".join([HEADS, *lines]))
    starts = [line.split(":")[0] for line in found]
    assert starts == ["line 2", "line 3", "line 4", "line 5", *["line 6"] * 4, "line 8"]
    assert "“nobody”" in found[0]
    assert "“choice”" in found[1]
    assert "11 answered, but only 10 were asked" in found[2]
    assert "add up to 10, but 9 answered" in found[3]
    assert "line 7 already" in found[-1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "“agency” is missing"),
        (HEADS, "no line of results"),
        (HEADS + ",maybe\na,yes-no,1,1,1,0,0,0", "“maybe” is no column"),
        (HEADS + ",agree\na,yes-no,1,1,1,0,0,0", "is there twice"),
        (HEADS + "\na,yes-no," + "9" * 5000 + ",1,1,0,0", "is no whole number"),
        (HEADS + "\na," + "x" * 200_000, "cell is too long"),
    ],
)
def test_a_file_of_another_shape_is_refused(text: str, told: str) -> None:
    assert told in refused(text)[0]


def test_few_answers_are_never_shown() -> None:
    assert LEAST == 10
    assert not SURVEY.may_be_shown({"agree": 9, "not-for-me": 50})
    assert SURVEY.may_be_shown({"agree": 5, "disagree": 5})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("  choice:", "  chioce:"), "no checklist has a question `chioce`; did you mean `choice`?"),
        (("counts_as: agree", "counts_as: other"), "no answer counts as `agree`"),
        (("key: disagree", "key: agree"), "named twice"),
        (("format: 1", "format: 1\nleast: 3"), "survey.yaml:2:8"),
    ],
)
def test_mistakes_in_a_survey_are_found_where_they_stand(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    folder = tmp_path / "every-answer"
    folder.mkdir()
    for file in (ROOT / "tests" / "packs" / "every-answer").iterdir():
        text = file.read_text()
        (folder / file.name).write_text(text.replace(*change) if file.name == "survey.yaml" else text)
    assert any(told in str(error) for error in check([folder])), check([folder])


def test_a_pack_without_a_survey_is_published_as_before() -> None:
    frozen = load_pack(ROOT / "audit_templates" / "climbie-2003").as_published().to_frozen()
    assert "survey" not in frozen
    assert "survey" in pack("every-answer").as_published().to_frozen()
    assert pack_hash(pack("every-answer")) != pack_hash(pack("every-answer").model_copy(update={"survey": None}))
