"""The report across the agencies of one area: a profile of each, where two disagree, what they share, what to ask.

What the area committee is asked to consider follows by rules from the figures. Nothing here reads a database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Literal

from app.domain.findings import (
    Document,
    Figure,
    Frozen,
    NotResponding,
    SchemeInfo,
    Sentence,
    TwinCounts,
    TwinSide,
)
from app.domain.message import N_, Message
from app.domain.profiles import AgencyLine, Part, Share

STRONG, WEAK = 75, 50  # per cent met: from here it is a strength, below it a gap
UNSURE = 20  # per cent of the criteria that count: from here on the committee is asked about what is not assured
LEAST = 3  # criteria: a share of fewer says little


class AreaAgency(AgencyLine):
    """An agency of the area with its grades, and how what it has not in place stands against the milestones.

    `not_yet` = `by_then` + `after` + `no_date`, of criteria with a milestone.
    """

    figure: Figure
    not_yet: int = 0
    by_then: int = 0
    after: int = 0
    no_date: int = 0


class SharedTheme(Part):
    """A theme in the area: its share there and in all areas, and that of each agency in their order.

    `kind` is `shared_strength` where every agency with enough criteria is strong, `shared_gap` where at least half of
    them are weak; else empty. `weak` and `of` are how many are, of how many.
    """

    here: Share
    everywhere: Share
    agencies: tuple[Share, ...]
    kind: Literal["shared_strength", "shared_gap", ""] = ""
    weak: int = 0
    of: int = 0


class TwinPair(Frozen):
    """Two agencies on one duty that they share: what each signed. `view` as in `app.queries.twins`."""

    a_agency: str
    a_grade: str
    b_agency: str
    b_grade: str
    view: str


class TwinHere(TwinCounts):
    """A duty that two agencies of the area share, as each of them sees it."""

    a: TwinSide
    b: TwinSide
    rows: tuple[TwinPair, ...]


class Question(Frozen):
    """Something that the area committee is asked to consider, and the rule that asks it."""

    rule: str
    sentence: Sentence


class AreaMilestone(Frozen):
    """A milestone that criteria of agencies in the area have."""

    key: str
    label: str
    date: date


class AreaReport(Document):
    """The document. `shows_findings`: what inspectors found and judged is in it, as far as there is any.

    `is_withheld`: it is not, because somebody still checks a return again. `others`: how many other areas there are.
    `suppressed_below`: shares of all areas are left out where they, or what they leave of agencies elsewhere, are about
    fewer agencies (0: none is).
    """

    format: Literal["candour-area-report/1"] = "candour-area-report/1"
    schemes: tuple[SchemeInfo, ...]
    met: str
    area: str
    region: str
    others: int
    invited: int
    agencies: tuple[AreaAgency, ...]
    not_responding: tuple[NotResponding, ...]
    here: Share
    everywhere: Share
    themes: tuple[SharedTheme, ...]
    twins: tuple[TwinHere, ...]
    milestones: tuple[AreaMilestone, ...]
    judgements: tuple[Part, ...]
    questions: tuple[Question, ...] = ()
    shows_findings: bool = False
    is_withheld: bool = False
    suppressed_below: int = 0

    @property
    def disagreements(self) -> int:
        """How many pairs of agencies see a duty that they share differently."""
        return sum(one.only_a + one.only_b for one in self.twins)


def shared(part: Part, agencies: Sequence[Share], everywhere: Share) -> SharedTheme:
    """A theme of an area, with what its agencies have in common there."""
    enough = [one for one in agencies if one.counted >= LEAST]
    weak = sum((one.percent or 0) < WEAK for one in enough)
    strong = sum((one.percent or 0) >= STRONG for one in enough)
    kind: Literal["shared_strength", "shared_gap", ""] = ""
    if len(enough) > 1:
        kind = "shared_strength" if strong == len(enough) else "shared_gap" if weak * 2 >= len(enough) else ""
    return SharedTheme(
        key=part.key, number=part.number, title=part.title, here=Share.sum(agencies), everywhere=everywhere,
        agencies=tuple(agencies), kind=kind, weak=weak, of=len(enough),
    )  # fmt: skip


def questions_of(report: AreaReport) -> tuple[Question, ...]:
    """What the committee is asked to consider, the most telling first. Empty where nothing is submitted."""
    return tuple(_questions(report))


def _questions(report: AreaReport) -> Iterator[Question]:
    def ask(rule: str, msgid: str, **params: object) -> Question:
        return Question(rule=rule, sentence=Sentence.of(Message(msgid, params)))

    for twin in report.twins:
        apart = [row for row in twin.rows if row.view in ("only_a", "only_b")]
        if apart:
            row = apart[0]
            one, other = (row.a_agency, row.b_agency) if row.view == "only_a" else (row.b_agency, row.a_agency)
            yield ask(
                "twins",
                N_(
                    "“%(label)s” is seen differently: %(one)s says that it is in place, %(other)s that it is not (pairs"
                    " of agencies that disagree: %(number)s). What would each show the other?"
                ),
                one=one, other=other, label=twin.a.label, number=len(apart),
            )  # fmt: skip
    for theme in report.themes:
        if theme.kind == "shared_gap":
            yield ask(
                "shared_gap",
                N_(
                    "“%(theme)s” is a gap that agencies share: %(weak)s of %(of)s say that less than half of it is in"
                    " place. Is there something that they can only mend together?"
                ),
                theme=theme.title, weak=theme.weak, of=theme.of,
            )  # fmt: skip
    late = sorted(
        (one for one in report.agencies if one.after + one.no_date), key=lambda one: -(one.after + one.no_date)
    )
    if late:
        yield ask(
            "milestone",
            N_(
                "Criteria that will not be in place by the day that is set for them, or that have no day at all:"
                " %(agencies)s. What does that mean for the others?"
            ),
            agencies=_numbered((one.name, one.after + one.no_date) for one in late),
        )  # fmt: skip
    unsure = sorted(
        (one for one in report.agencies if (one.share.percent_apart or 0) >= UNSURE), key=lambda one: -one.share.apart
    )
    if unsure:
        yield ask(
            "apart",
            N_(
                "Criteria of which agencies do not know how they work in practice: %(agencies)s. Who in the area could"
                " help them to find out?"
            ),
            agencies=_numbered((one.name, one.share.apart) for one in unsure),
        )  # fmt: skip
    missing = [one.name for one in report.not_responding if one.stage != "nil"]
    if missing:
        yield ask(
            "missing", N_("These agencies have not submitted: %(agencies)s. Does the committee know why?"),
            agencies="; ".join(missing),
        )  # fmt: skip


def _numbered(named: Iterable[tuple[str, int]]) -> str:
    return "; ".join(f"{name} ({number})" for name, number in named)
