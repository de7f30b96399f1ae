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
    in_order,
    moved,
    numbered,
    places,
    put_together,
    put_twice,
    read_narrative,
    titled,
    typed_numbers,
    why_not_markdown,
    with_chapter,
    within,
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
    figures={"heat": "Heat map", "grades": "Grades"},
    quotes={"abc": Quoted("abc", "We lock the files, and Elmbridge Trust keeps the key.\nNobody else does.",
                          "Elmbridge Trust", "Acute trust", who=Identity(names=("Elmbridge Trust",)))},
    chapters={"about": "chapter 2"},
    titles={"about": "About [it]"},
    recommendations={"rec-1": "recommendation 3"},
    stand=frozenset({"heat"}),
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
            "“[[what: x]]” is no reference. Write [[n: …]], [[chapter: …]], [[see: …]], [[figure: …]] or [[quote: …]].",
        ),
        ("as [[see: figure cold]] shows", "There is no table or chart “cold” in this report."),
        (
            "as [[see: figure grades]] shows",
            "The table or chart “grades” stands nowhere in this report: put it in, with [[figure: …]] in a line of its"
            " own, or take in the chapter that it is from.",
        ),
        (
            "[[see: recommendation rec-9]]",
            "There is no recommendation “rec-9” in this report, or its chapter is left out.",
        ),
        ("[[see: chapter twins]]", "There is no chapter “twins” in this report, or it is left out."),
        (
            "[[see: heat]]",
            "“[[see: heat]]” is no reference. Write [[see: figure …]], [[see: recommendation …]] or"
            " [[see: chapter …]].",
        ),
        ("[[figure: cold]]", "There is no table or chart “cold” in this report."),
        ("[[quote: zzz]]", "There is no example “zzz”, or it was set aside."),
        ("[[quote: abc: we never lock]]", "The words “we never lock” do not stand in the answer that is quoted."),
        ("[[quote: abc: …]]", "“…” quotes no words of the answer."),
        ("[[quote: abc named: [the agency] ... .]]", "“[the agency] ... .” quotes no words of the answer."),
    ],
)  # fmt: skip
def test_what_cannot_be_resolved_is_said_and_marked(text: str, said: str) -> None:
    read = read_narrative(text, KNOWN)
    assert [str(one) for one in read.problems] == [said]
    assert "[?: " in "".join(part.text for part in read.parts).replace("\\", "")


def test_a_reference_to_a_place_is_a_link_to_it() -> None:
    read = read_narrative("[[see: figure heat]], [[see: recommendation rec-1]] and [[see: chapter about]].", KNOWN)
    assert [part.text for part in read.parts] == [
        r"[Heat map](#figure:heat), [recommendation 3](#rec-1) and [About \[it\]](#about)."
    ]
    assert not read.problems
    # where there can be no link it cannot stand
    assert "in chapters only" in str(in_line("See [[see: chapter about]].", KNOWN)[1].problems[0])


def test_what_can_be_referred_to_is_what_stands_in_the_report() -> None:
    one = Recommendation(key="rec-1", text=Words(en="Do it."), body="north")
    other = Recommendation(key="rec-2", text=Words(en="Do that."), body="north")
    put = Chapter(key="own-1", title=Words(en="Next", cy="Nesaf"), before=Words(en="[[figure: grades]]"))
    composed = Composition(chapters=(put,), recommendations=(one, other))

    def known(composition: Composition, language: str = "en") -> Known:
        return within(
            KNOWN, composition, STANDARD, messages=True, published={"rec-2": 4}, language=language, translate=N_
        )

    found = known(composed)
    assert found.stand == {"grades"}, "the heat map stands in a chapter that this report does not have"
    assert (found.titles["own-1"], found.recommendations) == (
        "Next", {"rec-2": "recommendation 4", "rec-1": "recommendation 5"},
    )  # fmt: skip
    assert known(composed, "cy").titles["own-1"] == "Nesaf"
    hidden = tuple(Chapter(key=key, is_hidden=True) for key in (RECOMMENDATIONS, "about"))
    found = known(Composition(chapters=(*hidden, put.model_copy(update={"is_hidden": True})), recommendations=(one,)))
    assert not found.stand and not found.recommendations and "about" not in found.titles and "own-1" not in found.titles


def test_what_somebody_did_not_touch_is_as_others_saved_it() -> None:
    base = {"a": "1", "b": "2", "c": "3", "d": "4"}
    mine = base | {"b": "mine", "c": "mine", "d": "same"}
    assert put_together(mine, base, base | {"a": "theirs", "c": "theirs", "d": "same"}) == (
        {"a": "theirs", "b": "mine", "c": "mine", "d": "same"}, {"c": "theirs"},
    )  # fmt: skip


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
    assert why_not_markdown("## One\n\nSo.\n\n[[figure: heat]]\n\n### Below [[n: response.percent]]\n\n## Two") == []
    for text, said in (
        ("# One", "begins with ##"), ("#### One", "begins with ##"), ("One\n---", "begins with ##"),
        ("- ## One", "begins with ##"), ("##\n\nText", "no words"), ("### One\n\n## Two", "below one with ##"),
        ("<script>alert(1)</script>", "no HTML (<script>alert(1)</script>)"), ("![x](https://a.b/c)", "[[figure: …]]"),
        ("> So", "[[quote: …]]"), ("[x](#about)", "not to #about"), ("    x", "four spaces"),
    ):  # fmt: skip
        (problem,) = why_not_markdown(text)
        assert said in str(problem) and "guidance" not in str(problem), text


# --- numbers typed by hand -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Some 72% answered, 1,204 of them late.", ["72%", "1,204"]),
        ("Two thirds, thirty-five agencies, five per cent and half of them.",
         ["Two thirds", "thirty-five", "five per cent", "half"]),
        ("One in six, nine in every ten and 1 in 6; 9 out of 10. On behalf of one of the two, a third party",
         ["One in six", "nine in every ten", "1 in 6", "9 out of 10"]),
        ("¾, 2½ or 5/6: two-thirds, three-fifths, 40 %, twenty percent, six percentage points",
         ["¾", "2½", "5/6", "two-thirds", "three-fifths", "40 %", "twenty percent", "six percentage points"]),
        ("Un o bob chwech, traean, tri chwarter, dwy ran o dair, deg y cant, naw allan o ddeg, dau ddeg pump, deuddeg",
         ["Un o bob chwech", "traean", "tri chwarter", "dwy ran o dair", "deg y cant", "naw allan o ddeg",
          "dau ddeg pump", "deuddeg"]),
        ("[[see: recommendation rec-22]] and [[see: figure theme-type:a/17]]", []),
        ("Hanner yr asiantaethau", ["Hanner"]),
        ("In [[n: response.percent]] of cases, ten of them", []),
        ("On 12 March 2003, in 2002/03 and after March 2004", []),
        ("1. First\n2. Second\nSee https://example.org/17", []),
        ("[[figure: theme-type:a/17]]", []),
    ],
)  # fmt: skip
def test_numbers_typed_by_hand_are_listed(text: str, numbers: list[str]) -> None:
    assert [one.number for one in typed_numbers(text)] == numbers


def test_a_number_stands_among_the_words_and_references_as_they_were_typed() -> None:
    said = "from [[n: response.percent]] of [all](https://example.org), see [[see: chapter about]]. Half (72%) said."
    half, share = typed_numbers(f"We heard {said}")
    assert half.around == f"… {said}"
    assert share.number == "72%" and share.around.endswith("[[see: chapter about]]. Half (72%) said.")


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
    assert [str(one.name) for one in places(composed, arranged(composed, STANDARD), titles, {"rec-0": 4})] == [
        "About, before the figures", "About, before the figures, in Welsh", "Key message “Late”", "Key message “Late”",
        "Recommendation 5",
    ]  # fmt: skip
    own = Chapter(key="own-1", title=Words(en="Next", cy="Nesaf"))
    assert [one.text for one in titled([own, own.model_copy(update={"is_hidden": True})])] == ["Next", "Nesaf"]


def test_a_number_that_was_published_is_kept_and_never_given_again() -> None:
    one, two, new, last = (Recommendation(key=key, text=Words(en=key), body="north") for key in ("a", "b", "c", "d"))
    assert [number for number, _one in in_order([one, two], {})] == [1, 2]
    # `a` came out as 1 and is taken out; a third that is withdrawn had 3
    given = {"a": 1, "b": 2, "gone": 3}
    assert [(number, each.key) for number, each in in_order([last, two, new], given)] == [(2, "b"), (4, "d"), (5, "c")]
    assert [(number, each.key) for number, each in in_order([new, two, one], given)] == [(1, "a"), (2, "b"), (4, "c")]


def test_a_figure_is_put_in_once_in_each_language() -> None:
    titles = {one.key: one.title for one in STANDARD}
    heat = "[[figure: heat]]"

    def found(*chapters: Chapter) -> list[tuple[str, str, str]]:
        return [(one.key, str(one.first.name), str(one.again.name)) for one in put_twice(chapters, titles)]

    about = Chapter(key="about", before=Words(en=heat, cy=heat))
    assert found(about) == []
    again = ("heat", "About, before the figures", "Leading, after the figures")
    assert found(about, Chapter(key="theme-a", after=Words(en=f"So:\n\n{heat}"))) == [again]
    # in Welsh alone: what is not translated stands there in English
    assert found(Chapter(key="about", before=Words(en="x", cy=heat)), Chapter(key="theme-a", after=Words(en=heat))) == [
        again
    ]
    assert found(about, Chapter(key="theme-a", after=Words(en=heat), is_hidden=True)) == []
    assert found(Chapter(key="about", before=Words(en=f"{heat}\n\n{heat}"))) == [
        ("heat", "About, before the figures", "About, before the figures")
    ]
    problem = put_twice([about, Chapter(key="own-1", title=Words(en="Next"), before=Words(en=heat))], titles)[0]
    assert str(problem.problem(problem.first)) == (
        "The table or chart “heat” stands in the report already: About, before the figures. Put it in once."
    )


def test_a_figure_about_too_few_is_refused_as_such() -> None:
    known = replace(KNOWN, small=frozenset({"response.small", "small-table"}))
    for text in ("[[n: response.small]]", "[[figure: small-table]]"):
        (problem,) = read_narrative(text, known).problems
        assert "is about fewer agencies than figures may be published of" in str(problem)
    assert "no figure “nope”" in str(read_narrative("[[n: nope]]", known).problems[0])


# --- the report ------------------------------------------------------------------------------------------------------


def report(composition: Composition, language: str = "en"):  # type: ignore[no-untyped-def]
    return compose(
        composition, STANDARD, KNOWN, usual=[message("response"), message("adjusted")],
        proposed=[message("response"), message("rose:x")], addressees={("", "north"): "Northern Inspectorate"},
        published={}, language=language, translate=N_,
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


def test_without_key_messages_their_chapter_has_no_number() -> None:
    dropped = tuple(Choice(rule=rule, state="dropped") for rule in ("response", "adjusted"))
    text = Chapter(key="about", before=Words(en="See [[chapter: theme-a]] and [[see: chapter key-messages]]."))
    for choices, number, problems in (
        ((), 3, 0), (dropped, 2, 1), (dropped[:1], 3, 0), ((*dropped, Choice(rule="rose:x", state="accepted")), 3, 0),
        ((*dropped, Choice(rule="gone:x", state="accepted")), 2, 1),
    ):  # fmt: skip
        found = report(Composition(chapters=(text,), choices=choices))
        about = next(one for one in found.chapters if one.key == "about")
        assert about.before[0].text.startswith(f"See chapter {number} and "), choices
        assert len(found.problems) == problems
        assert [one.key for one in found.chapters].index("theme-a") == number - 1


def test_a_message_that_the_data_no_longer_say_is_a_problem() -> None:
    composed = Composition(choices=(Choice(rule="gone", state="edited", heading=Words(en="H"), text=Words(en="t")),))
    assert str(report(composed).problems[0]) == (
        "Key message “H”: The data that come out no longer say what it was made from. Drop it."
    )


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
