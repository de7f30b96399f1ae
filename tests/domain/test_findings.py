"""What a figure means, and which sentences the rules choose: change the data and the messages change."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from pydantic import ValidationError

from app.domain.findings import (
    AssuranceFindings,
    AssuranceRow,
    CheckedType,
    CheckFindings,
    CriterionFindings,
    Figure,
    FigureBy,
    FindingsTexts,
    JointFindings,
    MilestoneFindings,
    Overall,
    PackInfo,
    Rate,
    ResponseRow,
    RoundInfo,
    Texts,
    ThemeFindings,
    TwinFindings,
    TwinSide,
    percent,
    tenths,
)
from app.domain.key_messages import (
    RULES,
    Wording,
    adjusted,
    all_met_sentence,
    assurance_sentences,
    in_tenths,
    key_messages,
    listed,
    theme_sentences,
)
from tests.world import pack

PACK = pack("climbie-2003")
SCHEME_KEY = next(iter(PACK.grading_schemes))
SCHEME = PACK.grading_schemes[SCHEME_KEY]
WORDS = Wording(PACK, "en", "fully in place", 10, frozenset({"London"}))
MET = next(g.key for g in SCHEME.grades if g.counts_as == "met")
NOT_MET = next(g.key for g in SCHEME.grades if g.counts_as == "not_met" and not g.shown_apart)
APART = next(g.key for g in SCHEME.grades if g.shown_apart)
EXCLUDED = next(g.key for g in SCHEME.grades if g.counts_as == "excluded")


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(0, 0, None), (0, 7, 0), (7, 7, 100), (1, 1000, 1), (999, 1000, 99), (1, 8, 13), (1, 2, 50), (2, 3, 67)],
)
def test_percent_never_says_none_or_all_of_some(part: int, whole: int, expected: int | None) -> None:
    assert percent(part, whole) == expected


def figure(met: int, not_met: int = 0, apart: int = 0, excluded: int = 0, asked: int | None = None) -> Figure:
    grades = {MET: met, NOT_MET: not_met, APART: apart, EXCLUDED: excluded}
    everyone = sum(grades.values())
    return Figure.of(grades, scheme_key=SCHEME_KEY, scheme=SCHEME, asked=everyone if asked is None else asked)


def test_grades_shown_apart_count_as_not_met_and_excluded_grades_do_not_count() -> None:
    one = figure(met=6, not_met=2, apart=2, excluded=5, asked=20)
    assert (one.counted, one.not_met, one.apart, one.excluded, one.unanswered) == (10, 4, 2, 5, 5)
    assert (one.percent, one.percent_apart) == (60, 20)


def test_a_grade_that_the_scheme_does_not_have_counts_as_no_answer() -> None:
    one = Figure.of({MET: 1, "invented": 3}, scheme_key=SCHEME_KEY, scheme=SCHEME, asked=4)
    assert (one.counted, one.unanswered) == (1, 3)


def test_a_total_adds_counts_and_forgets_the_scheme_of_mixed_parts() -> None:
    total = Figure.total([figure(3, 1), figure(1, 3, apart=4)])
    assert (total.met, total.counted, total.percent, total.scheme) == (4, 12, 33, SCHEME_KEY)
    other = figure(1).model_copy(update={"scheme": "other"})
    assert Figure.total([figure(1), other]).scheme == ""
    assert Figure.total([]).percent is None


def test_names_inside_a_sentence_keep_abbreviations_and_given_capitals() -> None:
    assert WORDS.mid("Police forces") == "police forces"
    assert WORDS.mid("NHS bodies") == "NHS bodies"
    assert WORDS.mid("London boroughs") == "London boroughs"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


# --- messages --------------------------------------------------------------------------------------------------------

COUNCIL, POLICE = "council", "police"


def criterion(kind: str, key: str, one: Figure, theme: str = "cases") -> CriterionFindings:
    return CriterionFindings(
        reference=f"{kind}#{key}", agency_type=kind, id=key, number="1.1", label=f"Label of {key}",
        question="Is it?", standard="First", theme=theme, optional=False, milestone="", recommendations=(),
        figure=one, by_subtype=(),
    )  # fmt: skip


def theme(key: str, criteria: list[CriterionFindings]) -> ThemeFindings:
    kinds = sorted({c.agency_type for c in criteria})
    return ThemeFindings(
        key=key, title=key.title(), introduction=(), criteria=tuple(criteria), by_subtype=(), most=(), least=(),
        sentences=(), figure=Figure.total(c.figure for c in criteria),
        by_type=tuple(
            FigureBy(agency_type=kind, label=kind.title(),
                     figure=Figure.total(c.figure for c in criteria if c.agency_type == kind))
            for kind in kinds
        ),
    )  # fmt: skip


def row(kind: str, invited: int, submitted: int, nil: int = 0) -> ResponseRow:
    return ResponseRow(
        agency_type=kind, label=kind.title(), invited=invited, submitted=submitted, on_time=submitted, nil=nil,
        not_started=invited - submitted - nil, percent=percent(submitted, invited - nil),
    )  # fmt: skip


def assured(kind: str, met: int, checked: int, on_paper: int) -> AssuranceRow:
    return AssuranceRow(
        agency_type=kind, label=kind.title(), answers=met, met=met, bases=(), checked_met=checked,
        percent_checked_met=percent(checked, met), on_paper_met=on_paper, percent_on_paper_met=percent(on_paper, met),
    )  # fmt: skip


def milestone(key: str, counted: int, met: int, by_then: int, after: int, no_date: int) -> MilestoneFindings:
    return MilestoneFindings(
        key=key, label=f"within {key}", date=date(2003, 4, 28), counted=counted, met=met, percent=percent(met, counted),
        not_yet=counted - met, by_then=by_then, after=after, no_date=no_date, rows=(), sentences=(),
    )  # fmt: skip


def twin(key: str, both: int, only_a: int, only_b: int, neither: int) -> TwinFindings:
    def side(kind: str) -> TwinSide:
        return TwinSide(
            reference=f"{kind}#{key}", agency_type=kind, agencies=kind.title(), number="1.1",
            label=f"{kind} side of {key}", question="Is it?",
        )  # fmt: skip

    compared = both + only_a + only_b + neither
    return TwinFindings(
        a=side(COUNCIL), b=side(POLICE), areas=3, percent_one_sided=percent(only_a + only_b, compared), by_area=(),
        sentences=(), pairs=compared + 2, compared=compared, both=both, only_a=only_a, only_b=only_b, neither=neither,
        not_comparable=2,
    )  # fmt: skip


def findings(**changes: object) -> JointFindings:
    criteria = [
        criterion(COUNCIL, "well-known", figure(38, 2)),
        criterion(COUNCIL, "seldom", figure(4, 26, apart=10)),
        criterion(POLICE, "half", figure(20, 18, apart=2), theme="staff"),
        criterion(COUNCIL, "common", figure(30, 10), theme="staff"),
    ]
    assurance = (assured(COUNCIL, 60, 30, 10), assured(POLICE, 40, 4, 30))
    total = assured("", 100, 34, 40)
    values: dict[str, object] = {
        "snapshot_id": "0" * 64,
        "language": "en",
        "audit_round": RoundInfo(
            key="r", name="Round", opens=date(2003, 1, 1), due=date(2003, 5, 1), closes=date(2003, 6, 1),
            milestones_from=date(2003, 1, 28), is_demonstration=False, is_closed=True,
            as_at=datetime(2003, 5, 1, tzinfo=UTC),
        ),
        "pack": PackInfo(key="p", version=1, title="Pack", source="", sha256="0" * 64),
        "bodies": (),
        "texts": Texts(
            title="T", subtitle="", met="fully in place", small_number=10, about=(), method=(), limits=(),
            milestones=(), assurance=(), twins=(), optional=(), acknowledgement="",
        ),
        "agency_types": (),
        "schemes": (),
        "quantifiers": (),
        "response": (row(COUNCIL, 50, 45, nil=2), row(POLICE, 40, 20)),
        "response_total": row("", 90, 65, nil=2),
        "overall": Overall(by_type=(), agencies=65, all_met=5, percent_all_met=8, areas=3,
                           sentence=all_met_sentence(5, 65, WORDS)),
        "themes": (theme("cases", criteria[:2]), theme("staff", criteria[2:])),
        "milestones": (milestone("3-months", 100, 60, 10, 25, 5), milestone("6-months", 100, 50, 45, 5, 0)),
        "assurance": AssuranceFindings(
            checked=(), checked_phrase="files", on_paper=(), on_paper_phrase="paper", untested=(), rows=assurance,
            total=total, sentences=assurance_sentences(assurance, total, WORDS, "files", "paper"),
        ),
        "twins": (twin("telling", 5, 6, 4, 5), twin("writing", 15, 1, 1, 3)),
        "optional": (),
        "not_responding": (),
        "key_messages": (),
    }  # fmt: skip
    return JointFindings.model_validate(values | changes)


def messages(one: JointFindings) -> dict[str, str]:
    return {message.rule: message.sentence.text for message in key_messages(one, WORDS)}


def test_every_rule_speaks_when_the_data_let_it() -> None:
    found = key_messages(findings(), WORDS)
    rules = [rule.__name__ for rule in RULES if rule is not adjusted]
    assert [message.rule for message in found] == rules and 6 <= len(found) <= 10


def with_checks(checked: int = 73, **bounds: int | None) -> JointFindings:
    """Findings of which something was checked: a rate with its bounds."""
    rate = Rate(found=54, checked=checked, population=746, tenths=729, **({"low": 630, "high": 1000} | bounds))
    total = CheckedType.model_construct(returns=rate)
    return findings().model_copy(update={"checks": CheckFindings.model_construct(total=total)})


def test_how_far_declarations_held_is_a_message_of_its_own() -> None:
    found = key_messages(with_checks(), WORDS)
    message = next(one for one in found if one.rule == "adjusted")
    assert (message.figure, message.population.text) == ("72.9%", "of 746 returns, estimated")
    assert "in 54 of them" in message.sentence.text and "63.0% to 100%." in message.sentence.text
    # ten fit on a page: what agencies say to their own credit gives way
    assert len(found) == 10 and {one.rule for one in found} == {one.__name__ for one in RULES} - {"most_met"}
    for few in (with_checks(checked=3), with_checks(low=None, high=None)):
        assert "adjusted" not in {one.rule for one in key_messages(few, WORDS)}


def test_tenths_are_none_and_all_only_where_they_are_exact() -> None:
    assert [tenths(Fraction(one)) for one in ("0", "1", "1/100000", "99999/100000", "1/3", "1/2000")] == [
        0, 1000, 1, 999, 333, 1,
    ]  # fmt: skip
    assert [in_tenths(one) for one in (0, 1, 333, 999, 1000)] == ["0", "0.1", "33.3", "99.9", "100"]


def test_messages_carry_figure_population_and_place() -> None:
    by_rule = {message.rule: message for message in key_messages(findings(), WORDS)}
    least = by_rule["least_met"]
    assert (least.figure, least.population.text, least.chapter) == ("10%", "of 40 councils", "theme-cases")
    assert least.sentence.text == (
        "“Label of seldom”: few of the 40 councils to which it applies say that it is fully in place (4, or 10%)."
    )
    assert by_rule["response"].figure == "74%"
    assert by_rule["twins_apart"].figure == "50%"
    assert by_rule["widest_difference"].figure == "25"


def test_least_and_most_met_follow_the_data() -> None:
    before = messages(findings())
    assert "Label of seldom" in before["least_met"]
    assert "Label of well-known" in before["most_met"]
    changed = [
        criterion(COUNCIL, "well-known", figure(1, 39)),
        criterion(COUNCIL, "seldom", figure(40, 0)),
    ]
    after = messages(findings(themes=(theme("cases", changed),)))
    assert "Label of well-known" in after["least_met"]
    assert "all of the 40 councils" in after["most_met"]
    assert "Label of seldom" in after["most_met"]


def test_a_criterion_that_few_answered_is_not_ranked() -> None:
    criteria = [
        criterion(COUNCIL, "tiny", figure(0, 3)),
        criterion(COUNCIL, "large", figure(20, 20)),
        criterion(COUNCIL, "larger", figure(30, 10)),
    ]
    assert "tiny" not in messages(findings(themes=(theme("cases", criteria),)))["least_met"]


def test_the_milestone_that_most_will_miss_is_named() -> None:
    assert "within 3-months" in messages(findings())["milestone_missed"]
    later = (milestone("3-months", 100, 60, 40, 0, 0), milestone("6-months", 100, 50, 20, 20, 10))
    after = messages(findings(milestones=later))["milestone_missed"]
    assert "within 6-months" in after
    assert "In 30 of the 50 answers" in after
    met = (milestone("3-months", 100, 100, 0, 0, 0),)
    assert "milestone_missed" not in messages(findings(milestones=met))


def test_twins_are_two_views_and_those_furthest_apart_are_named() -> None:
    assert "council side of telling" in messages(findings())["twins_apart"]
    after = messages(findings(twins=(twin("telling", 20, 0, 0, 0), twin("writing", 5, 9, 6, 0))))
    assert "In 15 of 20 pairs" in after["twins_apart"]
    assert "council side of writing" in after["twins_apart"]
    assert "twins_apart" not in messages(findings(twins=(twin("telling", 20, 0, 0, 0),)))


def test_the_response_names_highest_and_lowest_or_says_all() -> None:
    before = messages(findings())["response"]
    assert "65 of the 88 agencies" in before
    assert "highest among council (94%) and lowest among police (50%)" in before
    full = findings(response=(row(COUNCIL, 50, 50), row(POLICE, 40, 40)), response_total=row("", 90, 90))
    assert messages(full)["response"] == "All 90 agencies that were expected to answer submitted a signed audit."


def test_not_knowing_is_reported_where_it_is_most_frequent() -> None:
    assert "10 of the 40 councils" in messages(findings())["least_assured"]
    sure = [criterion(COUNCIL, "a", figure(20, 20)), criterion(COUNCIL, "b", figure(30, 10))]
    assert "least_assured" not in messages(findings(themes=(theme("cases", sure),)))


def test_assurance_says_what_rests_on_files_and_on_paper() -> None:
    assert "34% rest on files and 40% on paper" in messages(findings())["assurance"]


def test_large_numbers_have_commas_and_patterns_stay_translatable() -> None:
    sentence = all_met_sentence(1234, 56789, WORDS)
    assert sentence.text.startswith("1,234 of the 56,789 agencies")
    assert sentence.params["number"] == 1234
    assert "%(number)s" in sentence.msgid
    assert all_met_sentence(0, 20, WORDS).text.startswith("None of the 20 agencies")


def test_a_theme_says_nothing_of_what_nobody_answered() -> None:
    empty = theme("cases", [criterion(COUNCIL, "a", figure(0))])
    assert theme_sentences(empty, WORDS) == ()


def test_findings_survive_json() -> None:
    one = findings()
    one = one.model_copy(update={"key_messages": key_messages(one, WORDS)})
    assert JointFindings.model_validate_json(one.model_dump_json()) == one


# --- findings.yaml ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["climbie-2003", "section-11-2024"])
def test_packs_name_only_what_they_have_and_label_every_question(key: str) -> None:
    texts = FindingsTexts.of(pack(key))
    assert texts.unknown_keys(pack(key)) == ()
    for kind, template in pack(key).templates.items():
        for placed in template.criteria():
            assert {f"{kind}#{placed.criterion.id}", placed.criterion.id} & set(texts.labels), placed.criterion.id


def test_a_pack_without_findings_has_plain_defaults() -> None:
    assert FindingsTexts.of(PACK.model_copy(update={"findings": None})).met == "met"


def test_wrong_keys_in_findings_are_found() -> None:
    with pytest.raises(ValidationError):
        FindingsTexts.model_validate({"format": 1, "titel": "x"})
    kept = FindingsTexts.of(PACK.model_copy(update={"findings": {"format": 1, "retired": "x", "met": "done"}}))
    assert kept.met == "done", "a published version may hold keys that a later program no longer knows"
    texts = FindingsTexts.model_validate(
        {"labels": {"nobody#nothing": "x"}, "themes": {"no-theme": {}}, "met_by": {"no-scheme": "x", SCHEME_KEY: "y"}}
    )
    assert texts.unknown_keys(PACK) == ("themes: no-theme", "met_by: no-scheme", "labels: nobody#nothing")


def test_a_sentence_about_one_scheme_has_the_words_of_that_scheme() -> None:
    words = Wording(PACK, "en", "good or on target", 10, met_by={SCHEME_KEY: "good", "targets": "on target"})
    other = figure(12, 30).model_copy(update={"scheme": "targets"})
    one = theme("cases", [criterion(COUNCIL, "a", figure(30, 10)), criterion(COUNCIL, "b", figure(10, 30))])
    both = theme("cases", [criterion(COUNCIL, "a", figure(30, 10)), criterion(POLICE, "b", other)])
    assert all("on target" not in line.text for line in theme_sentences(one, words))
    level, most, least = theme_sentences(both, words)[:3]
    assert "practice is good or on target" in level.text
    assert "is good (" in most.text and "is on target (" in least.text
