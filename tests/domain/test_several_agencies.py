"""The rules of the reports on several agencies: shares, what an area has in common, what is of concern."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from app.domain.area_report import shared
from app.domain.body_summary import came_in_by_day
from app.domain.findings import Figure
from app.domain.profiles import AgencyLine, Pairing, Part, Share
from app.domain.progress import Movement, ProgressReport
from app.domain.regional import KIND_NAMES, KINDS, Known, concerns_of, is_of_concern

THEME = Part(key="theme", title="Theme")


def share(met: int, counted: int, apart: int = 0) -> Share:
    return Share.sum([Share(met=met, counted=counted, apart=apart)])


def line(met: int = 5, counted: int = 10, apart: int = 0, *, place: str = "inside", **checked: int) -> AgencyLine:
    return AgencyLine(
        name="A", code="a", agency_type="t", type_label="T", areas=(), signed_at=datetime(2003, 5, 1, tzinfo=UTC),
        share=share(met, counted, apart), parts=(), checked=Pairing(**checked), place=place,
    )  # fmt: skip


def kinds(of: AgencyLine, /, **known: object) -> list[str]:
    return [concern.kind for concern in concerns_of(of, Known(**known))]  # type: ignore[arg-type]


def test_shares_are_added_up_before_they_are_divided() -> None:
    whole = Share.sum([share(1, 2), share(0, 8, 4), Figure(met=3, counted=3)])
    assert (whole.met, whole.counted, whole.apart, whole.percent, whole.percent_apart) == (4, 13, 4, 31, 31)
    assert Share.sum([]).percent is None


@pytest.mark.parametrize(
    ("agencies", "kind"),
    [
        ([(3, 4), (9, 10)], "shared_strength"),
        ([(3, 4), (7, 10)], ""),
        ([(1, 3), (9, 10)], "shared_gap"),
        ([(1, 3), (9, 10), (8, 10)], ""),
        # of two criteria nothing is said, and one agency shares nothing
        ([(2, 2), (0, 2), (9, 10)], ""),
        ([(0, 10)], ""),
        ([], ""),
    ],
)
def test_what_an_area_has_in_common(agencies: list[tuple[int, int]], kind: str) -> None:
    found = shared(THEME, [share(*one) for one in agencies], share(50, 100))
    assert found.kind == kind
    assert found.of == sum(counted >= 3 for _met, counted in agencies)


def test_each_concern_has_its_rule() -> None:
    assert kinds(line()) == []
    assert kinds(line(), worst={"Overall": "Poor"}) == ["judged"]
    assert kinds(line(), monitored={"": date(2003, 5, 1), "Inquiry 7": date(2003, 5, 2)}) == ["monitored", "monitored"]
    assert [kinds(line(), overdue=overdue, of=10) for overdue in (0, 4, 5)] == [[], [], ["overdue"]]
    assert [kinds(line(place=place)) for place in ("far_below", "below", "far_above")] == [["far_below"], [], []]
    assert [kinds(line(apart=apart)) for apart in (1, 2)] == [[], ["apart"]]
    assert [kinds(line(answers=8, adjusted=2, lower=lower)) for lower in (1, 2)] == [[], ["changed"]]
    every = kinds(
        line(0, 10, 5, place="far_below", answers=1, lower=1), worst={"One": "Poor"}, monitored={"": date(2003, 5, 1)},
        overdue=1, of=1,
    )  # fmt: skip
    assert every == [kind for kind in KINDS if kind != "missing"] and set(KIND_NAMES) == set(KINDS)


@pytest.mark.parametrize(
    ("here", "everywhere", "expected"),
    [
        (share(4, 9), share(90, 100), False),
        (share(49, 100), share(50, 100), True),
        (share(50, 100), share(64, 100), False),
        (share(50, 100), share(65, 100), True),
        (share(0, 0), share(65, 100), False),
    ],
)
def test_standards_of_concern(here: Share, everywhere: Share, expected: bool) -> None:
    assert is_of_concern(here, everywhere) is expected


def test_days_on_which_nothing_came_in_are_left_out() -> None:
    days = [date(2003, 5, 3), date(2003, 5, 1), date(2003, 5, 3)]
    assert [(one.day.day, one.number) for one in came_in_by_day(days)] == [(1, 1), (3, 2)]


def test_movements_of_few_answers_are_not_shown_apart() -> None:
    def moved(change: int | None, counted: int = 20) -> Movement:
        return Movement(
            reference=f"t#{change}", type_label="T", number="1.1", label="L", then=share(1, counted),
            now=share(2, counted), change=change,
        )  # fmt: skip

    report = ProgressReport.model_construct(
        small_number=10, movements=(moved(60, 9), moved(40), moved(-30), moved(0), moved(None)),
    )  # fmt: skip
    assert [one.change for one in report.up] == [40] and [one.change for one in report.down] == [-30]
