"""Composing a report: the order of chapters, references and blocks in a narrative, numbers typed by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.anonymity import Identity
from app.domain.composing import (
    Chapter,
    Choice,
    Composition,
    Known,
    Quoted,
    Recommendation,
    Words,
    arranged,
    compose,
    in_line,
    moved,
    numbered,
    places,
    read_narrative,
    typed_numbers,
    why_not_markdown,
    with_chapter,
    without_chapter,
)
from app.domain.composing_facts import RECOMMENDATIONS, Fact, Named
from app.domain.findings import KeyMessage, Sentence
from app.domain.life import NotPossible
from app.domain.message import N_, Message

STANDARD = [
    Named("key-messages", "Key messages"), Named("about", "About"), Named("theme-a", "Leading"),
    Named("theme-b", "Recording"), Named("annex-a", "Figures"), Named("annex-b", "Missing"),
]  # fmt: skip
KNOWN = Known(
    facts={"response.percent": Fact("response.percent", "Response", "Response", "72%"),
           "response.late": Fact("response.late", "Response", "Late", "1,204"),
           "odd": Fact("odd", "Odd", "Odd", "2 *of* [3]")},
    figures={"heat": "Heat map"},
    quotes={"abc": Quoted("abc", "We lock the files, and Elmbridge Trust keeps the key.\nNobody else does.",
                          "Elmbridge Trust", "Acute trust", who=Identity(names=("Elmbridge Trust",)))},
    chapters={"about": "chapter 2"},
)  # fmt: skip


def keys(composition: Composition) -> list[str]:
    return [one.key for one in arranged(composition, STANDARD)]


def message(rule: str) -> KeyMessage:
    say = Sentence.of(Message(rule))
    return KeyMessage(rule=rule, heading=say, sentence=say, figure="4", population=say, chapter="about")


# --- chapters --------------------------------------------------------------------------------------------------------


def test_a_report_that_nobody_composed_has_its_usual_order() -> None:
    assert keys(Composition()) == [one.key for one in STANDARD]


def test_a_chapter_moves_one_place_and_keeps_what_is_written_in_it() -> None:
    written = Composition(chapters=(Chapter(key="theme-b", before=Words(en="Said.")),))
    found = moved(written, STANDARD, "theme-b", up=True)
    assert keys(found)[1:4] == ["about", "theme-b", "theme-a"]
    assert found.chapter("theme-b").before.en == "Said."
    assert keys(moved(found, STANDARD, "theme-b", up=False)) == [one.key for one in STANDARD]


@pytest.mark.parametrize(
    ("key", "up"),
    [("key-messages", True), ("theme-b", False), ("annex-a", True), ("annex-b", False), ("nothing", True)],
)
def test_annexes_stay_behind_the_chapters(key: str, up: bool) -> None:
    with pytest.raises(NotPossible):
        moved(Composition(), STANDARD, key, up)


def test_a_chapter_that_the_data_bring_later_comes_where_it_usually_does() -> None:
    composed = moved(Composition(), STANDARD, "theme-a", up=True)
    later = [*STANDARD[:3], Named("theme-new", "New"), *STANDARD[3:]]
    assert [one.key for one in arranged(composed, later)][:5] == [
        "key-messages", "theme-a", "theme-new", "about", "theme-b",
    ]  # fmt: skip
    # and one that they bring no more is left out
    assert "about" not in [one.key for one in arranged(composed, [one for one in STANDARD if one.key != "about"])]


def test_own_chapters_stand_before_the_annexes_and_can_be_taken_away() -> None:
    composed = with_chapter(Composition(), STANDARD, Chapter(key="own-1", title=Words(en="Next steps")))
    assert keys(composed)[-3:] == ["own-1", "annex-a", "annex-b"]
    assert keys(without_chapter(composed, "own-1")) == [one.key for one in STANDARD]
    assert keys(without_chapter(composed, "about")) == keys(composed)


def test_recommendations_stand_behind_the_key_messages_once_there_are_any() -> None:
    one = Recommendation(key="rec-1", text=Words(en="Do it."), body="north")
    assert keys(Composition(recommendations=(one,)))[:2] == ["key-messages", RECOMMENDATIONS]


def test_numbers_of_chapters_follow_the_order_and_what_is_left_out() -> None:
    composed = Composition(chapters=(Chapter(key="about", is_hidden=True), Chapter(key="annex-a", is_hidden=True)))
    found = numbered(arranged(composed, STANDARD), N_)
    assert found["theme-a"] == f"chapter {keys(composed).index('theme-a')}"
    assert "about" not in found
    assert found["annex-b"] == "Annex A"


# --- references ------------------------------------------------------------------------------------------------------


def test_a_reference_becomes_the_words_of_the_data() -> None:
    read = read_narrative("Of all, [[n: response.percent]] answered; see [[chapter: about]].", KNOWN)
    assert [part.text for part in read.parts] == ["Of all, 72% answered; see chapter 2."]
    assert list(read.used) == ["response.percent"]
    assert not read.problems


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[n: nothing.here]]", "There is no figure “nothing.here” in the data."),
        ("[[chapter: twins]]", "There is no chapter “twins” in this report, or it is left out."),
        ("so [[figure: heat]] stands", "“[[figure: heat]]” must stand in a line of its own."),
        (
            "[[what: x]]",
            "“[[what: x]]” is no reference. Write [[n: …]], [[chapter: …]], [[figure: …]] or [[quote: …]].",
        ),
        ("[[figure: cold]]", "There is no table or chart “cold” in this report."),
        ("[[quote: zzz]]", "There is no example “zzz”, or it was set aside."),
        ("[[quote: abc: we never lock]]", "The words “we never lock” do not stand in the answer that is quoted."),
    ],
)  # fmt: skip
def test_what_cannot_be_resolved_is_said_and_marked(text: str, said: str) -> None:
    read = read_narrative(text, KNOWN)
    assert [str(one) for one in read.problems] == [said]
    assert "[?: " in "".join(part.text for part in read.parts).replace("\\", "")


def test_what_is_not_to_be_seen_yet_is_no_problem() -> None:
    held = Known(held=frozenset({"checks", "checked"}))
    read = read_narrative("[[n: checks.returns]] held, see [[chapter: checks]].\n[[figure: checked]]", held)
    assert [part.text for part in read.parts] == ["… held, see ….", "…"]
    assert not read.problems
    assert read_narrative("[[n: check.returns]]", held).problems


def test_the_words_of_the_data_are_never_markup() -> None:
    assert read_narrative("[[n: odd]]", KNOWN).parts[0].text == r"2 \*of\* \[3\]"
    # at the start of a line a number with a point would begin a list
    assert read_narrative("[[n: response.late]]. So many", KNOWN).parts[0].text == r"1,204\. So many"
    assert in_line("[[n: odd]]", KNOWN)[0] == "2 *of* [3]"


def test_figures_and_quotations_stand_between_the_text() -> None:
    read = read_narrative("One.\n\n[[figure: heat]]\n\nTwo.\n[[quote: abc named]]\n", KNOWN)
    assert [(part.kind, part.key or part.text) for part in read.parts] == [
        ("text", "One."), ("figure", "heat"), ("text", "Two."), ("quote", "abc"),
    ]  # fmt: skip
    assert read.parts[-1].source == "Elmbridge Trust"


def test_a_quotation_is_anonymous_unless_it_is_named() -> None:
    read = read_narrative("[[quote: abc: We lock the files]]", KNOWN)
    assert (read.parts[0].text, read.parts[0].source) == ("We lock the files", "Acute trust")
    assert not read.problems
    # words that give the agency away are held back, and said
    read = read_narrative("[[quote: abc]]", KNOWN)
    assert "Elmbridge" not in read.parts[0].text
    assert "say whose it is: “Elmbridge Trust”" in str(read.problems[0])
    # other words can stand for them, in brackets; they hide no change of the rest
    read = read_narrative("[[quote: abc: and [the agency] keeps the key]]", KNOWN)
    assert read.parts[0].text == "and [the agency] keeps the key" and not read.problems
    assert read_narrative("[[quote: abc: and [the agency] lost the key]]", KNOWN).problems
    assert typed_numbers("[[quote: abc: We [all 14] lock the files]]") == []


def test_no_agency_is_named_where_the_report_names_none() -> None:
    read = read_narrative("[[quote: abc named: We lock the files]]", replace(KNOWN, names=False))
    assert (read.parts[0].source, len(read.problems)) == ("Acute trust", 1)


def test_a_quotation_may_leave_words_out_and_never_changes_their_order() -> None:
    assert not read_narrative("[[quote: abc: We lock … Nobody else]]", KNOWN).problems
    assert read_narrative("[[quote: abc: Nobody else … We lock]]", KNOWN).problems


def test_a_narrative_takes_the_markdown_of_guidance_and_no_more() -> None:
    assert why_not_markdown("A *text* with a list:\n\n- [[n: response.percent]]\n- two\n\n[[figure: heat]]") == []
    assert why_not_markdown("# A heading")
    assert why_not_markdown("<script>alert(1)</script>")


# --- numbers typed by hand -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Some 72% answered, 1,204 of them late.", ["72%", "1,204"]),
        ("Two thirds, thirty-five agencies, five per cent and half of them.",
         ["Two thirds", "thirty-five", "five per cent", "half of"]),
        ("Hanner yr asiantaethau", ["Hanner"]),
        ("In [[n: response.percent]] of cases, ten of them", []),
        ("On 12 March 2003, in 2002/03 and after March 2004", []),
        ("1. First\n2. Second\nSee https://example.org/17", []),
        ("[[figure: theme-type:a/17]]", []),
    ],
)  # fmt: skip
def test_numbers_typed_by_hand_are_listed(text: str, numbers: list[str]) -> None:
    assert [one.number for one in typed_numbers(text)] == numbers


def test_places_say_where_a_text_stands() -> None:
    composed = Composition(
        chapters=(
            Chapter(key="about", before=Words(en="a", cy="b")),
            Chapter(key="theme-a", is_hidden=True, after=Words(en="c")),
        ),
        choices=(Choice(rule="r", state="edited", heading=Words(en="Late"), text=Words(en="d")),),
        recommendations=(Recommendation(key="rec-1", text=Words(en="e"), body="north"),),
    )  # fmt: skip
    titles = {one.key: one.title for one in STANDARD}
    assert [str(one.name) for one in places(composed, arranged(composed, STANDARD), titles)] == [
        "About, before the figures", "About, before the figures, in Welsh", "Key message “Late”", "Key message “Late”",
        "Recommendation 1",
    ]  # fmt: skip


# --- the report ------------------------------------------------------------------------------------------------------


def report(composition: Composition, language: str = "en"):  # type: ignore[no-untyped-def]
    return compose(
        composition, STANDARD, KNOWN, usual=[message("response"), message("adjusted")],
        proposed=[message("response"), message("rose:x")], addressees={("", "north"): "Northern Inspectorate"},
        language=language, translate=N_,
    )  # fmt: skip


def test_key_messages_are_those_accepted_and_the_usual_ones_that_nobody_decided_on() -> None:
    assert [one.rule for one in report(Composition()).messages] == ["response", "adjusted"]
    composed = Composition(
        choices=(
            Choice(rule="adjusted", state="dropped"),
            Choice(
                rule="response", state="edited", heading=Words(en="Who"), text=Words(en="[[n: response.percent]], all")
            ),
            Choice(rule="rose:x", state="accepted"),
        )
    )
    found = report(composed)
    assert [one.rule for one in found.messages] == ["response", "rose:x"]
    assert found.messages[0].sentence.rendered(N_) == "72%, all"
    assert found.messages[0].figure == "4"


def test_a_message_that_the_data_no_longer_say_is_a_problem() -> None:
    composed = Composition(choices=(Choice(rule="gone", state="edited", heading=Words(en="H"), text=Words(en="t")),))
    assert "the data no longer say" in str(report(composed).problems[0])


def test_a_text_that_is_not_in_welsh_is_marked_as_english() -> None:
    composed = Composition(
        chapters=(Chapter(key="about", before=Words(en="Only [[n: response.percent]]"), after=Words(en="x", cy="y")),),
        recommendations=(Recommendation(key="rec-1", text=Words(en="Do it."), body="north"),),
    )
    found = report(composed, "cy")
    about = next(one for one in found.chapters if one.key == "about")
    assert [(part.text, part.language) for part in (*about.before, *about.after)] == [("Only 72%", "en"), ("y", "")]
    assert found.recommendations[0].language == "en"
    assert found.recommendations[0].addressee == "Northern Inspectorate"
    assert [one.key for one in found.facts()] == ["response.percent"]


def test_a_problem_names_its_place() -> None:
    composed = Composition(chapters=(Chapter(key="theme-a", after=Words(en="[[n: nope]]")),))
    assert [str(one) for one in report(composed).problems] == [
        "Leading, after the figures: There is no figure “nope” in the data."
    ]
