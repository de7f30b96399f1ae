"""Charts that stand alone: what is drawn is what the figures say, and every label finds room or is cut."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from babel.support import NullTranslations
from jinja2 import Environment, FileSystemLoader

from app.domain.control import funnel as limits
from app.domain.findings import Figure, GradeInfo, SchemeInfo
from reports import charts, worker
from reports.charts import Drawing, Spot
from reports.registry import HERE

SCHEME = SchemeInfo(
    key="one", title="One", bases=(),
    grades=tuple(
        GradeInfo(key=key, label=key, meaning="", counts_as=counts, shown_apart=apart)
        for key, counts, apart in (("yes", "met", False), ("no", "not_met", False), ("unsure", "not_met", True))
    ),
)  # fmt: skip


def shapes(drawing: Drawing, kind: str) -> list[dict[str, str | float]]:
    return [attributes for tag, attributes, _words in drawing.shapes if tag == kind]


def words(drawing: Drawing) -> list[str]:
    return [text for tag, _attributes, text in drawing.shapes if tag == "text"]


def figure(**grades: int) -> Figure:
    met, unsure = grades.get("yes", 0), grades.get("unsure", 0)
    total = sum(grades.values())
    return Figure(
        asked=total, counted=total, met=met, not_met=total - met, apart=unsure, scheme="one", by_grade=grades,
        percent=None if not total else 100 * met // total,
    )  # fmt: skip


def test_two_shares_stand_where_their_numbers_are() -> None:
    drawing = charts.dots([("Both", 80, 60, "80 → 60"), ("Same", 50, 50, ""), ("One", 40, None, "")], labels=100)
    left, across = 112, charts.WIDE - 100 - 12 - 82
    dots = [one for one in shapes(drawing, "circle") if one["fill"] == charts.INK]
    rings = [one for one in shapes(drawing, "circle") if one["fill"] != charts.INK]
    assert [one["cx"] for one in dots] == pytest.approx([left + across * 0.6, left + across * 0.5], abs=0.01)
    assert [one["cx"] for one in rings] == pytest.approx(
        [left + across * share for share in (0.8, 0.5, 0.4)], abs=0.01
    )
    broken = [one for one in shapes(drawing, "line") if "stroke-dasharray" in one]
    assert len(broken) == 1, "less was found than was declared in one row only"
    assert {"Both", "80 → 60", "0%", "100%"} <= set(words(drawing))


def test_a_label_of_two_lines_takes_more_room_and_a_row_without_shares_is_a_heading() -> None:
    long = "A criterion whose label is so long that it needs two lines beside its dots"
    drawing = charts.dots([("Theme", None, None, ""), ("Short", 10, 20, "20"), (long, 30, 40, "40")], labels=165)
    assert drawing.height == pytest.approx(16 + 15 + 15 + 19 + 4)
    assert [one["cy"] for one in shapes(drawing, "circle") if one["fill"] == charts.INK] == [38.5, 55.5]
    bold = [text for tag, attributes, text in drawing.shapes if tag == "text" and "font-weight" in attributes]
    assert "Theme" in bold and "Short" not in bold
    one, two = (charts.stacked([(label, figure(yes=1), "")], [SCHEME]).height for label in ("Short", long))
    assert (one, two) == (18, 21)


def test_criteria_that_several_types_are_asked_come_by_how_far_they_lie_apart() -> None:
    def asked(key: str, kind: str, yes: int, no: int, hidden: bool = False) -> Any:
        found = figure(yes=yes, no=no).model_copy(update={"hidden": hidden})
        return SimpleNamespace(id=key, label=f"{key} {kind}", agency_type=kind, figure=found)

    themes = [
        SimpleNamespace(criteria=[asked("near", "a", 5, 5), asked("far", "a", 9, 1), asked("alone", "a", 5, 5)]),
        SimpleNamespace(criteria=[
            asked("near", "b", 6, 4), asked("far", "b", 1, 9), asked("few", "a", 1, 1), asked("few", "b", 9, 1),
            asked("secret", "a", 9, 1), asked("secret", "b", 0, 10, hidden=True),
        ]),
    ]  # fmt: skip
    found = charts.asked_alike(themes, 5)
    assert [(label, [one.agency_type for one in own]) for label, own in found] == [
        ("far a", ["a", "b"]), ("near a", ["a", "b"]),
    ]  # fmt: skip
    assert [label for label, _own in charts.asked_alike(themes, 5, most=5)] == ["far a"], "a page has so much room"
    assert charts.asked_alike([], 5) == []


def test_bars_add_up_to_their_width_and_say_their_percentages() -> None:
    drawing = charts.stacked([("A heading", Figure(), ""), ("Row", figure(yes=5, no=3, unsure=2), "50%")], [SCHEME])
    whole = charts.WIDE - 165 - 8 - 52
    parts = [one for one in shapes(drawing, "rect") if one["height"] == 11 and one["fill"] != "none"]
    assert sum(float(one["width"]) for one in parts) == pytest.approx(whole, abs=0.05)
    assert [float(one["width"]) / whole for one in parts] == pytest.approx([0.5, 0.3, 0.2], abs=0.001)
    assert {"50%", "30%", "20%", "A heading"} <= set(words(drawing))
    # in grey: no two grades that stand side by side have the same fill and hatching
    assert len({one["fill"] for one in parts}) == 3


def test_an_own_share_stands_among_the_quartiles() -> None:
    drawing = charts.strips([("Standard", 90, (20, 50, 70), "90%"), ("Nothing", None, (), "")])
    (box,) = shapes(drawing, "rect")
    left, across = 177, charts.WIDE - 165 - 12 - 112
    assert (box["x"], box["width"]) == pytest.approx((left + across * 0.2, across * 0.5), abs=0.01)
    assert len(shapes(drawing, "path")) == 2, "one diamond, with its white edge"


def test_the_tenth_of_the_own_share_is_marked() -> None:
    drawing = charts.bins([1, 0, 0, 0, 0, 0, 0, 4, 2, 3], 74, "your agency")
    dark = [one for one in shapes(drawing, "rect") if one["fill"] == charts.INK]
    assert len(dark) == 1 and dark[0]["x"] == pytest.approx(charts.WIDE * 0.7 + 2)
    assert "your agency" in words(drawing)
    for own, is_second in ((49, False), (50, True), (100, True), (None, False)):
        second = shapes(charts.bins([2, 1], own, "here"), "rect")[1]
        assert (second["fill"] == charts.INK) is is_second


def test_agencies_outside_the_limits_have_a_shape_of_their_own() -> None:
    spots = [
        Spot(20, 0.5, 4), Spot(20, 0.05, 1, "far_below", "Farley Council"), Spot(22, 0.3, 1, "below", "Nearby Trust"),
    ]
    drawing = charts.funnel(spots, limits([20, 22], 0.5), 0.5, across="Criteria", mean_words="Mean")
    assert len([one for one in shapes(drawing, "path") if one["fill"] == charts.ACCENT]) == 1
    assert [one["fill"] for one in shapes(drawing, "circle")] == [charts.NOT_MET[0], charts.ACCENT]
    assert {"Farley Council", "Nearby Trust", "Criteria", "Mean"} <= set(words(drawing))
    assert charts.funnel([], (), 0.0, across="", mean_words="").shapes == []


def test_submissions_are_added_up_by_day() -> None:
    drawing = charts.over_time(
        [(date(2003, 2, 3), 2), (date(2003, 2, 1), 1)], 6, [(date(2003, 2, 4), "Due")], first=date(2003, 2, 1),
        last=date(2003, 2, 5), ends="3 submitted", expected_words="6 expected", named=lambda day: day.isoformat(),
    )  # fmt: skip
    (path,) = shapes(drawing, "path")
    heights = [float(step.split("H")[0]) for step in str(path["d"]).split("V")[1:]]
    assert heights == pytest.approx([22 + 138 * (1 - 1 / 6), 22 + 138 * (1 - 3 / 6)], abs=0.01)
    assert {"3 submitted", "6 expected", "Due", "2003-02-01", "2003-02-05"} <= set(words(drawing))
    one_day = charts.over_time(
        [(date(2003, 2, 1), 1)], 0, [], first=date(2003, 2, 1), last=date(2003, 2, 1), ends="", expected_words="",
        named=str,
    )  # fmt: skip
    assert shapes(one_day, "path")


def test_small_charts_stand_side_by_side() -> None:
    rows = [("1", 40, 50), ("2", None, None)]
    drawing = charts.panels([(f"Place {number}", "3 agencies", rows) for number in range(4)])
    assert drawing.height == pytest.approx(2 * (25 + 20 + 12))
    bars = [one for one in shapes(drawing, "rect") if one["fill"] == charts.MET[1]]
    assert len(bars) == 4 and len({one["y"] for one in bars}) == 2
    assert len([one for one in shapes(drawing, "line") if one["stroke"] == charts.ACCENT]) == 4
    assert charts.panels([]).height == 0


@pytest.mark.parametrize(
    "hostile", ["x" * 5000, "word " * 200_000, "\u202eשלום עולם " * 500, "🧒" * 3000, "</svg><script>"]
)
def test_labels_never_leave_their_room(hostile: str) -> None:
    lines = charts.wrap(hostile, 100, 8, 2)
    assert 1 <= len(lines) <= 2
    assert all(charts.wide(line, 8) <= 100 for line in lines)
    if len(hostile) > 100:
        assert lines[-1].endswith("…")
    assert charts.wrap("Two words", 100, 8, 2) == ["Two words"]
    assert charts.wrap("", 100, 8, 2) == [""]


def test_a_column_of_numbers_is_as_wide_as_the_longest_word_of_its_head() -> None:
    assert charts.column("Met", 11) == 11
    assert 11 < charts.column("Not applicable", 11) == charts.column("applicable", 11) < 18
    assert charts.column("", 9) == 9 and charts.column("x" * 5000, 11) == 24


def test_a_drawing_is_written_as_a_figure_with_its_words_escaped() -> None:
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )  # fmt: skip
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    words = NullTranslations()
    environment.filters |= worker.filters("en", words) | charts.filters(words)
    page = environment.from_string(
        "{% import 'plots.html' as plots with context %}{% set count = namespace(table=0, figure=0, listed=[]) %}"
        "{{ plots.figure(count, drawing, 'Says <b>', 'What', 'of', source='where', data='a.b') }}"
        "{{ plots.figure(count, drawing, 'Again', 'More') }}"
    )
    written = page.render(drawing=charts.dots([("<i>label</i>", 1, 2, "")]), document=None)
    assert '<figure data-source="a.b" data-table="' in written and "Figure 2" in written
    assert "<title>Says &lt;b&gt;</title>" in written and "<i>" not in written and "&lt;i&gt;label" in written
    assert "text-anchor" not in written and "opacity" not in written
