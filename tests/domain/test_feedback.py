"""Feedback as data: profiles, the place among peers, what is not in place; and what a correction changes."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.corrections import Changed, changes
from app.domain.feedback import (
    FEWEST_PEERS,
    Amendment,
    Answering,
    Basis,
    CheckedGrade,
    FeedbackContent,
    Peers,
    Ranking,
    SignedGrade,
    Statement,
    answered,
    feedback,
    said,
    unmet,
)
from app.domain.findings import percent
from app.domain.message import N_
from app.domain.templates import Pack, Template
from tests.world import pack


@pytest.fixture
def chosen() -> Pack:
    return pack("climbie-2003")


@pytest.fixture
def template(chosen: Pack) -> Template:
    return next(iter(chosen.templates.values()))


def grades(chosen: Pack, template: Template, criterion: str) -> tuple[str, str, str, str]:
    """Of the scheme of a criterion: the best grade, the worst that counts, one shown apart, one excluded."""
    found = next(one.criterion for one in template.criteria() if one.criterion.id == criterion)
    scheme = chosen.scheme_of(template, found)
    counted = [one.key for one in scheme.grades if one.counts_as != "excluded" and not one.shown_apart]
    apart = next(one.key for one in scheme.grades if one.shown_apart)
    return counted[0], counted[-1], apart, next(one.key for one in scheme.grades if one.counts_as == "excluded")


def basis(chosen: Pack, template: Template, **more: object) -> Basis:
    """All answers of the first standard: met, not met, unknown, then excluded for the rest."""
    standard = next(one for one in template.standards if not one.optional and len(one.criteria) > 3)
    answers = []
    for place, criterion in enumerate(standard.criteria):
        best, worst, apart, excluded = grades(chosen, template, criterion.id)
        given_ = (best, worst, apart)[place] if place < 3 else excluded
        answers.append(SignedGrade(criterion.id, "", given_, date(2004, 1, 31) if place == 1 else None))
    values: dict[str, object] = {
        "pack": chosen, "template": template, "submission": 1, "submission_hash": "ab" * 32, "answers": answers,
        "checked": {}, "peers": Peers(others=0), "milestones_from": date(2003, 1, 28),
    }  # fmt: skip
    return Basis(**(values | more))  # type: ignore[arg-type]


def text_of(content: FeedbackContent, key: str) -> str:
    statement = content.statement(key)
    assert statement is not None, key
    return str(statement.message)


def test_own_and_checked_grades_stand_side_by_side(chosen: Pack, template: Template) -> None:
    plain = feedback(basis(chosen, template))
    assert (plain.own.met, plain.own.counted, plain.own.apart) == (1, 3, 1)
    assert plain.moderated is None and plain.checked == 0
    assert "None of your answers was checked" in text_of(plain, "checked")

    first, second = basis(chosen, template).answers[:2]
    _best, worst, _apart, _excluded = grades(chosen, template, first.criterion)
    checked = {
        (first.criterion, ""): CheckedGrade(worst, True, "Nothing was on file."),
        (second.criterion, ""): CheckedGrade(second.grade, False, "It is so."),
    }
    content = feedback(basis(chosen, template, checked=checked))
    assert (content.own.met, content.own.counted) == (1, 3), "what was signed stays as it was"
    assert content.moderated is not None
    assert (content.moderated.met, content.moderated.counted) == (0, 3)
    assert (content.checked, content.adjusted) == (2, 1)
    said = text_of(content, "checked")
    assert "Upheld as you gave them: 1. Adjusted: 1." in said, "it reads well with any number"
    [profile] = content.standards
    assert (profile.checked, profile.adjusted, profile.own.met, profile.moderated.met) == (2, 1, 1, 0)
    adjusted = content.statement(f"adjusted.{first.criterion}")
    assert adjusted is not None and adjusted.words == "Nothing was on file."
    assert content.statement(f"adjusted.{second.criterion}") is None
    assert content.statement(f"gap.{first.criterion}") is not None, "a gap by the grade that holds"


def test_gaps_say_by_when_and_whether_that_is_after_the_milestone(chosen: Pack, template: Template) -> None:
    content = feedback(basis(chosen, template))
    _first, second, third = content_answers(chosen, template)
    criterion = next(one.criterion for one in template.criteria() if one.criterion.id == second)
    late = text_of(content, f"gap.{second}")
    assert "You expect it by 2004-01-31" in late and ("after the milestone" in late) is bool(criterion.milestone)
    assert "no day is named" in text_of(content, f"gap.{third}"), "not known counts as not in place"


def content_answers(chosen: Pack, template: Template) -> list[str]:
    return [one.criterion for one in basis(chosen, template).answers[:3]]


def test_statements_have_ids_of_their_own_that_stay(chosen: Pack, template: Template) -> None:
    content = feedback(basis(chosen, template))
    ids = [one.id for one in content.statements]
    assert len(set(ids)) == len(ids) and all(len(one) <= 160 for one in ids)
    assert FeedbackContent.model_validate(content.model_dump(mode="json")) == content
    assert feedback(basis(chosen, template)) == content
    without = basis(chosen, template)
    fewer = feedback(basis(chosen, template, answers=without.answers[1:]))
    assert {one.id for one in fewer.statements if one.part == "gaps"} == {
        one.id for one in content.statements if one.part == "gaps"
    }


def test_an_amendment_withdraws_or_replaces_and_lasts(chosen: Pack, template: Template) -> None:
    amended = {"overall": Amendment(words="As agreed."), "peers": Amendment(withdrawn=True)}
    content = feedback(basis(chosen, template, amendments=amended))

    def read(key: str) -> object:
        statement = content.statement(key)
        assert statement is not None
        return said(statement, N_, str)

    assert read("peers") is None
    shown = read("overall")
    assert shown is not None and (shown.text, shown.is_amended) == ("As agreed.", True)  # type: ignore[attr-defined]
    assert content.amended("overall", None).statement("overall").amended is None  # type: ignore[union-attr]
    assert content.amended("overall", None).amendments.keys() == {"peers"}


def test_words_that_are_translated_and_days_inside_a_sentence() -> None:
    statement = Statement(
        id="x", part="follow_up", msgid="%(state)s by %(on)s, %(title)s",
        params={"state": {"say": "Met"}, "on": {"day": "2003-09-01"}, "title": {"en": "Title", "cy": "Teitl"}},
    )  # fmt: skip

    def show(value: object) -> str:
        if isinstance(value, date):
            return f"{value:%-d/%-m}"
        return value["cy"] if isinstance(value, dict) else value.msgid.upper()  # type: ignore[attr-defined]

    shown = said(statement, N_, show)
    assert shown is not None and shown.text == "MET by 1/9, Teitl"


# --- peers -----------------------------------------------------------------------------------------------------------

SHARES = st.fractions(min_value=0, max_value=1, max_denominator=60)


@given(own=SHARES, others=st.lists(SHARES, max_size=40))
def test_the_place_among_peers_adds_up_or_says_nothing(own: Fraction, others: list[Fraction]) -> None:
    peers = Ranking([*others, own]).place(own)
    assert peers.others == len(others)
    if len(others) < FEWEST_PEERS:
        assert peers == Peers(others=len(others)), "nothing about single agencies"
        return
    assert peers.below + peers.same + peers.above == len(others)
    assert sum(peers.bins) == len(others) + 1
    low, middle, high = peers.quartiles
    assert 0 <= low <= middle <= high <= 100
    assert (peers.own == 100) is (own == 1) and (peers.own == 0) is (own == 0)
    assert peers.below == sum(share < own for share in others) and peers.same == others.count(own)
    whole = [percent(one.numerator, one.denominator) for one in sorted(others)]
    if len(others) % 4 == 1:  # then the quartiles are shares of single agencies
        assert [low, middle, high] == [whole[len(others) // 4 * step] for step in (1, 2, 3)]


def test_the_quartiles_of_known_shares() -> None:
    others = [Fraction(number, 10) for number in (1, 3, 5, 7, 9)]
    peers = Ranking([*others, Fraction(1, 2)]).place(Fraction(1, 2))
    assert peers.quartiles == (30, 50, 70) and (peers.below, peers.same, peers.above) == (2, 1, 2)
    assert peers.bins == (0, 1, 0, 1, 0, 2, 0, 1, 0, 1)
    assert Ranking(others).place(None) == Peers(others=5)


# --- corrections -----------------------------------------------------------------------------------------------------


def findings(met: int = 3, submitted: int = 4, missing: tuple[str, ...] = ()) -> dict[str, object]:
    """Joint findings as data, with what is compared."""
    figure = {"counted": 4, "met": met, "not_met": 4 - met, "apart": 0, "excluded": 0, "unanswered": 0, "percent": None}
    criterion = {"reference": "a#one", "label": "one", "figure": figure}
    theme = {"title": "Theme", "figure": figure, "by_type": [{"label": "Bodies", "figure": figure}],
             "criteria": [criterion]}  # fmt: skip
    row = {"label": "Bodies", "submitted": submitted}
    return {
        "key_messages": [], "response": [row], "response_total": row, "themes": [theme], "optional": [],
        "milestones": [], "assurance": {"rows": []}, "twins": [],
        "not_responding": [{"name": name, "stage": "not_started"} for name in missing],
    }  # fmt: skip


def test_only_what_differs_is_listed_by_chapter() -> None:
    assert changes(findings(), findings()) == []
    found = changes(findings(), findings(met=2, submitted=3, missing=("Northmere",)))
    assert found[0] == Changed(chapter="response", what="Bodies", field="submitted", old="4", new="3")
    assert Changed(chapter="criteria", what="a#one: one", field="met", old="3", new="2") in found
    assert found[-1] == Changed(chapter="not_responding", what="Northmere", field="listed", old="", new="not_started")
    assert [one.chapter for one in found] == sorted(
        (one.chapter for one in found), key=["response", "themes", "criteria", "not_responding"].index
    )
    assert not any(one.field == "percent" for one in found), "what is not there is no figure"


def test_facts_without_a_grade_are_no_part_of_it() -> None:
    chosen = pack("every-answer")
    template = chosen.templates["club"]
    given_ = [SignedGrade("plain", "", "green", None), SignedGrade("number", "", "red", None)]
    content = feedback(basis_of(chosen, template, given_))
    assert [profile.id for profile in content.standards] == ["graded"]
    assert (content.own.counted, content.own.met, content.own.unanswered) == (2, 1, 0)
    assert [one.id for one in content.statements if one.part == "gaps"] == ["gap.number"]


def test_a_checklist_without_grades_says_nothing_of_grades() -> None:
    chosen = pack("every-answer")
    template = chosen.templates["club"]
    facts = Template.model_validate(template.model_dump() | {"standards": [template.standards[1].model_dump()]})
    assert feedback(basis_of(chosen, facts, [])).statements == ()


def basis_of(chosen: Pack, template: Template, answers: list[SignedGrade]) -> Basis:
    return Basis(
        pack=chosen, template=template, submission=1, submission_hash="ab" * 32, answers=answers, checked={},
        peers=Peers(others=0), milestones_from=date(2003, 1, 28),
    )  # fmt: skip


def test_every_answer_is_gone_through_with_what_was_found(chosen: Pack, template: Template) -> None:
    given_ = basis(chosen, template)
    first, second = given_.answers[0], given_.answers[1]
    worst = grades(chosen, template, first.criterion)[1]
    content = feedback(
        basis(
            chosen, template, checked={
                (first.criterion, ""): CheckedGrade(worst, True, "The files show less."),
                (second.criterion, ""): CheckedGrade(second.grade, False, ""),
            },
        )
    )  # fmt: skip
    writing = Answering(chosen, template, "en", date(2003, 1, 28), {}, lambda reference: reference)
    (standard,) = answered(content, writing)
    assert [one.id for one in standard.questions] == [one.criterion for one in given_.answers]
    adjusted, upheld, unsure = standard.questions[:3]
    assert adjusted.adjusted and adjusted.reason == "The files show less." and adjusted.found and adjusted.open
    assert upheld.found == upheld.grade and not upheld.adjusted and upheld.expected == date(2004, 1, 31)
    assert unsure.found == "" and unsure.open
    assert all(one.late == bool(one.due and (not one.expected or one.expected > one.due))
               for one in standard.questions if one.open)  # fmt: skip
    cited = {reference for one in standard.questions if one.open for reference in one.recommendations}
    assert {one.reference for one in unmet([standard], {})} == cited
    # an accepted challenge holds here too
    for amendment, reason in ((Amendment(withdrawn=True), ""), (Amendment(words="It was so once."), "It was so")):
        amended = content.amended(f"adjusted.{first.criterion}", amendment)
        shown = answered(amended, writing)[0].questions[0]
        assert shown.found == "" and not shown.adjusted and shown.reason.startswith(reason)
        assert not shown.open, "by its own grade it is in place"
    without_gap = content.amended(f"gap.{second.criterion}", Amendment(withdrawn=True))
    assert not answered(without_gap, writing)[0].questions[1].open


def test_feedback_that_was_stored_before_has_no_answers(chosen: Pack, template: Template) -> None:
    content = feedback(basis(chosen, template)).model_dump(mode="json")
    old = {key: value for key, value in content.items() if key not in ("answers", "among", "like")}
    found = FeedbackContent.model_validate(old)
    assert found.answers == () and found.among == () and found.like is None and found.standards
    writing = Answering(chosen, template, "en", date(2003, 1, 28), {}, str)
    assert answered(found, writing) == ()
