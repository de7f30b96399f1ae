"""The register of recommendations: which questions decide and which follow up, and what is counted of their answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from app.domain.recommendations import is_decision, recommendations
from app.domain.register import InRound, ReportOf, Signed, beside, decided_by, reports_of, without_names
from app.domain.templates import Pack
from tests.world import pack

DAY = date(2003, 6, 16)
REGISTERS = pack("recommendations")
DECIDES = "government"
FIRST = "climbie-inquiry-2003/1"  # decided on and carried out by those who decide
LOCAL = "climbie-inquiry-2003/19"  # decided on by them, and carried out by councils


def in_round(*returns: Signed, of: Pack = REGISTERS, name: str = "This round", types: object = None) -> InRound:
    return InRound(name, DAY, of, types or list(of.agency_types), returns)  # type: ignore[arg-type]


def signed(agency_type: str, agency: str = "One", **answers: Any) -> Signed:
    """A submission; names have `_` for `-`, and values are one or several."""
    every = {key.replace("_", "-"): given if isinstance(given, list) else [given] for key, given in answers.items()}
    return Signed(agency, agency_type, every)


def decision(key: str, words: str = "") -> dict[str, str]:
    return {"chosen": key, "grade": key, "commentary": words}


def progress(grade: str, expected: str = "") -> dict[str, str]:
    return {"grade": grade} | ({"date_expected": expected} if expected else {})


def first_report(*rounds: InRound, language: str = "en") -> ReportOf:
    return reports_of(rounds, language)[0]


def entry_of(report: ReportOf, key: str) -> Any:
    return next(one for one in report.entries if one.number == key.partition("/")[2])


def numbers(tallies: Any) -> dict[str, int]:
    return {one.key: one.number for one in tallies if one.number}


def with_grades(of: Pack, scheme: str, change: Any) -> Pack:
    """The pack with other grades in a scheme: `change` gives what stands in place of each."""
    frozen = of.to_frozen()
    (found,) = [one for one in frozen["grading_schemes"] if one["key"] == scheme]
    found["grades"] = [new for grade in found["grades"] for new in change(grade)]
    return Pack.from_frozen(frozen)


def test_whoever_decides_is_asked_once_about_every_recommendation() -> None:
    asked = decided_by(REGISTERS, list(REGISTERS.agency_types))
    assert len(asked) == 138 and {kind for kinds in asked.values() for kind in kinds} == {DECIDES}
    # a round without them has no register, and neither has a checklist that only follows up
    assert decided_by(REGISTERS, ["council", "police"]) == {}
    other = pack("climbie-2003")
    assert decided_by(other, list(other.agency_types)) == {}


def test_a_choice_that_says_what_is_in_place_is_no_decision() -> None:
    counts = with_grades(
        REGISTERS, "decision",
        lambda grade: [grade | ({"counts_as": "met"} if grade["key"] == "accept-whole" else {})],
    )  # fmt: skip
    assert decided_by(counts, [DECIDES]) == {}
    assert len(recommendations(counts, [DECIDES])) == 138


def test_a_decision_is_not_followed_up_and_progress_is() -> None:
    template = REGISTERS.templates[DECIDES]
    followed = recommendations(REGISTERS, [DECIDES])
    questions = [placed.criterion for one in followed for placed in one.questions[DECIDES]]
    assert len(followed) == 37
    assert not any(is_decision(REGISTERS, template, criterion) for criterion in questions)
    decided = [placed.criterion for kinds in decided_by(REGISTERS, [DECIDES]).values() for placed in kinds.values()]
    assert all(is_decision(REGISTERS, template, criterion) for criterion in decided)
    # who is addressed is asked, whatever others decided
    assert LOCAL in {one.key for one in recommendations(REGISTERS, ["council"])}


def test_decisions_are_counted_and_those_that_are_open_too() -> None:
    one = signed(
        DECIDES, "One", decision_inquiry_1=decision("accept-in-part", "Half.\nAnd no more."),
        decision_inquiry_2=decision("reject", "No."),
    )  # fmt: skip
    report = first_report(in_round(one))
    assert numbers(report.decisions) == {"accept-in-part": 1, "reject": 1}
    assert report.undecided == 106 and len(report.entries) == 108
    assert [tally.number for tally in report.timescales] == [45, 37, 26]
    first = entry_of(report, FIRST)
    (said,) = first.decided
    assert (said.agency, said.label, said.words) == ("One", "Accept in part", "Half.\nAnd no more.")
    assert first.topic == "A board of ministers for children and families"
    # all choices, in the author's order, also those that nobody made
    assert [tally.number for tally in report.decisions] == [0, 0, 0, 1, 1]


def test_two_who_decide_are_both_told() -> None:
    report = first_report(
        in_round(
            signed(DECIDES, "One", decision_inquiry_1=decision("accept-whole")),
            signed(DECIDES, "Two", decision_inquiry_1=decision("reject")),
        )
    )
    assert [one.agency for one in entry_of(report, FIRST).decided] == ["One", "Two"]
    assert numbers(report.decisions) == {"accept-whole": 1, "reject": 1} and report.undecided == 107


def test_progress_is_told_by_those_addressed_with_the_latest_date_that_is_still_ahead() -> None:
    report = first_report(
        in_round(
            signed("council", "One", inquiry_19=progress("under-way", "2003-09-01")),
            signed("council", "Two", inquiry_19=progress("running-late", "2004-03-01")),
            # an inspector found it carried out: the date that the agency gave says nothing any more
            signed("council", "Three", inquiry_19=progress("carried-out", "2009-01-01")),
            signed("council", "Four"),
        )
    )
    entry = entry_of(report, LOCAL)
    assert entry.addressees == ("Councils",) and not entry.decided
    (councils,) = entry.progress
    assert numbers(councils.by_grade) == {"carried-out": 1, "under-way": 1, "running-late": 1}
    assert councils.answers == 3 and councils.expected == date(2004, 3, 1)
    (moment,) = report.over_time
    assert numbers(moment.by_grade) == numbers(councils.by_grade)


def test_beyond_the_inspectorates_progress_of_few_is_hidden_and_what_would_give_it_away() -> None:
    many = [signed("council", f"Council {n}", inquiry_19=progress("under-way", "2003-09-01")) for n in range(6)]
    few = [signed("police", f"Force {n}", inquiry_91=progress("carried-out")) for n in range(2)]
    of = in_round(*many, *few)
    whole = first_report(of)
    found = first_report(replace(of, below=5))
    progresses = [one for entry in found.entries for one in entry.progress]
    assert {(one.agency_type, one.answers) for one in progresses if not one.hidden and one.answers} == {("council", 6)}
    hidden = [one for one in progresses if one.hidden]
    assert hidden and {one.agency_type for one in hidden} == {"police"}
    assert not any(one.answers or one.by_grade or one.expected for one in hidden)
    assert all(one.expected is None for one in progresses), "the latest day is what one agency gave"
    # the sum of all would give the police away
    assert found.over_time[-1].hidden and not numbers(found.over_time[-1].by_grade)
    assert numbers(whole.over_time[-1].by_grade) == {"carried-out": 2, "under-way": 6}
    assert not first_report(replace(in_round(*many), below=5)).over_time[-1].hidden
    # what the findings that come out with it hide is hidden here too
    criterion = next(
        placed.criterion.id
        for one in recommendations(of.pack, of.types)
        if one.key == LOCAL
        for placed in one.questions["council"]
    )
    alike = first_report(replace(in_round(*many), below=5, hidden=[f"council#{criterion}"]))
    assert entry_of(alike, LOCAL).progress[0].hidden and alike.over_time[-1].hidden


def test_without_names_those_who_decide_are_called_what_they_are() -> None:
    of = in_round(signed(DECIDES, "The Ministry", decision_inquiry_1=decision("accept-whole", "Yes.")))
    (decided,) = entry_of(first_report(without_names(of, "en")), FIRST).decided
    assert decided.agency != "The Ministry" and decided.agency and decided.words == "Yes."


def test_an_answer_for_each_area_counts_each_time() -> None:
    each = signed("council", "One", inquiry_19=[progress("carried-out"), progress("not-begun")])
    (councils,) = entry_of(first_report(in_round(each)), LOCAL).progress
    assert numbers(councils.by_grade) == {"carried-out": 1, "not-begun": 1}


def test_a_type_that_the_round_does_not_ask_is_addressed_and_has_no_progress() -> None:
    report = first_report(in_round(types=[DECIDES]))
    entry = entry_of(report, LOCAL)
    assert entry.addressees == ("Councils",) and entry.progress == ()


def test_rounds_are_told_one_after_the_other_each_by_its_own_grades() -> None:
    lost = {"key": "half-done", "label": {"en": "Half done"}, "counts_as": "not_met"}
    old = with_grades(
        REGISTERS, "progress",
        lambda grade: [grade, {**grade, **lost, "meaning": {"en": "Half of it."}}]
        if grade["key"] == "under-way" else [grade],
    )  # fmt: skip
    then = in_round(
        signed("council", "One", inquiry_19=progress("half-done")),
        signed("council", "Two", inquiry_19=progress("not-begun")),
        of=old, name="Last round",
    )  # fmt: skip
    now = in_round(signed("council", "One", inquiry_19=progress("carried-out")))
    before, after = first_report(then, now).over_time
    assert (before.round_name, after.round_name) == ("Last round", "This round")
    assert numbers(before.by_grade) == {"half-done": 1, "not-begun": 1}
    assert numbers(after.by_grade) == {"carried-out": 1}
    # the same columns for both, the one that is lost behind those that are known
    keys = [[tally.key for tally in one.by_grade] for one in (before, after)]
    assert keys[0] == keys[1] and keys[0][-1] == "half-done"
    # and none where nobody gave it
    (alone,) = first_report(now).over_time
    assert "half-done" not in [tally.key for tally in alone.by_grade]


def test_what_is_asked_beside_the_recommendations_is_told_as_it_was_answered() -> None:
    rows = [{"addressed-to": "others", "decided": "accepted", "number": "14"}]
    one = signed(
        DECIDES, "One", review_2005_decisions={"rows": rows},
        review_2005_accepted={"numerator": 22, "denominator": 24},
    )  # fmt: skip
    counts, share = beside(in_round(one, signed("council", "Two", review_2005_accepted={})), "en")
    assert counts.label == "Decisions on the review of 2005, counted"
    assert [cell.text for cell in counts.facts[0].rows[1]] == ["other agencies", "Accepted", "14"]
    assert [fact.words.text for fact in share.facts] == ["22", "24", "91.7"]
    assert beside(in_round(one, types=["council"]), "en") == ()


def test_the_register_speaks_the_language_that_is_asked_for() -> None:
    one = signed(DECIDES, "One", decision_inquiry_1=decision("reject", "No."))
    report = first_report(in_round(one), language="cy")
    assert report.title.startswith("Ymchwiliad") and entry_of(report, FIRST).decided[0].label == "Gwrthod"
