"""The summary for one inspectorate: what the agencies that it asks declared, what was found, and what is followed up.

The figures are those of the joint findings, for the agency types of one body. Nothing here reads a database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Literal

from app.domain.findings import (
    Body,
    CriterionFindings,
    Document,
    Figure,
    FigureBy,
    Frozen,
    JudgedSpread,
    KeyMessage,
    MilestoneRow,
    NotResponding,
    ResponseRow,
    SchemeInfo,
    Sentence,
)
from app.domain.key_messages import rank_by_met
from app.domain.message import N_, Message
from app.domain.profiles import AgencyLine, Pairing, Part


class CameIn(Frozen):
    """How many submissions in force were signed on a day."""

    day: date
    number: int


class StandardSummary(Part):
    """One standard of a checklist: all answers to it taken together, and those that were checked."""

    optional: bool
    figure: Figure
    by_subtype: tuple[FigureBy, ...]
    checked: Pairing


class TypeSummary(Frozen):
    """What the agencies of one type declared, standard by standard and criterion by criterion.

    `most` and `least` are references of the criteria most and least often met.
    """

    key: str
    name: str
    plural: str
    template_title: str
    submitted: int
    figure: Figure
    checked: Pairing
    standards: tuple[StandardSummary, ...]
    criteria: tuple[CriterionFindings, ...]
    most: tuple[str, ...]
    least: tuple[str, ...]
    judgements: tuple[JudgedSpread, ...]


class MilestoneSummary(Frozen):
    """What must be in place by a day and is not: see `MilestoneFindings`, here for some agency types."""

    key: str
    label: str
    date: date
    counted: int
    met: int
    percent: int | None
    rows: tuple[MilestoneRow, ...]

    @property
    def not_yet(self) -> int:
        """Answers that are not in place yet."""
        return sum(row.not_yet for row in self.rows)


class FollowedRow(Frozen):
    """How many agencies stand how on one recommendation."""

    reference: str
    title: str
    overdue: int
    unlikely: int
    on_track: int
    met: int


class MonitoredRow(Frozen):
    """What is monitored, until it is cleared. `recommendation` is empty for an agency as a whole."""

    agency: str
    recommendation: str
    since: date
    review_on: date | None


class BodySummary(Document):
    """The document. `is_withheld`: what was found is not in it, because somebody still checks a return again."""

    format: Literal["candour-body-summary/1"] = "candour-body-summary/1"
    schemes: tuple[SchemeInfo, ...]
    met: str
    small_number: int
    response: tuple[ResponseRow, ...]
    response_total: ResponseRow
    came_in: tuple[CameIn, ...]
    figure: Figure
    checked: Pairing
    themes: tuple[Part, ...]
    types: tuple[TypeSummary, ...]
    milestones: tuple[MilestoneSummary, ...]
    agencies: tuple[AgencyLine, ...]
    not_responding: tuple[NotResponding, ...]
    followed: tuple[FollowedRow, ...]
    monitored: tuple[MonitoredRow, ...]
    messages: tuple[KeyMessage, ...] = ()
    is_withheld: bool = False

    @property
    def body(self) -> Body:
        """The inspectorate."""
        return self.bodies[0]


def _say(msgid: str, **params: object) -> Sentence:
    return Sentence.of(Message(msgid, params))


def messages_of(summary: BodySummary) -> tuple[KeyMessage, ...]:
    """What a reader should take away, from the figures alone and in this order. Empty where nothing is submitted."""
    return tuple(_messages(summary)) if summary.figure.counted else ()


def _messages(summary: BodySummary) -> Iterator[KeyMessage]:
    total, figure = summary.response_total, summary.figure
    expected = total.invited - total.nil
    yield KeyMessage(
        rule="response", chapter="response", figure=f"{total.percent}%" if total.percent is not None else "–",
        heading=_say(N_("Response")),
        sentence=_say(
            N_("%(submitted)s of %(expected)s agencies that were expected to answer have signed and submitted."),
            submitted=total.submitted, expected=expected,
        ),
        population=_say(N_("of %(number)s agencies"), number=expected),
    )  # fmt: skip
    yield KeyMessage(
        rule="met", chapter="standards", figure=f"{figure.percent}%", heading=_say(N_("What is in place")),
        sentence=_say(
            N_("By their own grades %(met)s of %(counted)s answers say that what is asked is %(phrase)s."),
            met=figure.met, counted=figure.counted, phrase=summary.met,
        ),
        population=_say(N_("of %(number)s answers"), number=figure.counted),
    )  # fmt: skip
    if figure.apart:
        yield KeyMessage(
            rule="apart", chapter="standards", figure=f"{figure.percent_apart}%",
            heading=_say(N_("What agencies cannot vouch for")),
            sentence=_say(
                N_("In %(number)s answers agencies say that they do not know how it works in practice."),
                number=figure.apart,
            ),
            population=_say(N_("of %(number)s answers"), number=figure.counted),
        )  # fmt: skip
    large = [
        one for kind in summary.types for one in kind.criteria
        if not one.optional and one.figure.counted >= summary.small_number
    ]
    # put in order as the tables of the chapters are
    weakest = next(iter(rank_by_met(large)), None)
    if weakest is not None:
        kind = next(one for one in summary.types if one.key == weakest.agency_type)
        yield KeyMessage(
            rule="least", chapter=f"type-{kind.key}", figure=f"{weakest.figure.percent}%",
            heading=_say(N_("Least often in place")),
            sentence=_say(
                N_("“%(label)s” (%(number)s) is met by %(met)s of %(counted)s %(agencies)s to which it applies."),
                label=weakest.label, number=weakest.number, met=weakest.figure.met, counted=weakest.figure.counted,
                agencies=kind.plural,
            ),
            population=_say(N_("of %(number)s answers"), number=weakest.figure.counted),
        )  # fmt: skip
    pairing = summary.checked
    if pairing.answers:
        yield KeyMessage(
            rule="checked", chapter="checked", figure=f"{pairing.adjusted:,}", heading=_say(N_("What did not hold")),
            sentence=_say(
                N_(
                    "Of %(answers)s answers that were checked, %(adjusted)s were adjusted, %(lower)s of them for the"
                    " worse."
                ),
                answers=pairing.answers, adjusted=pairing.adjusted, lower=pairing.lower,
            ),
            population=_say(N_("of %(number)s checked answers"), number=pairing.answers),
        )  # fmt: skip
    overdue = sum(one.overdue for one in summary.followed)
    if overdue:
        worst = max(summary.followed, key=lambda one: (one.overdue, one.reference))
        yield KeyMessage(
            rule="overdue", chapter="followed", figure=f"{overdue:,}", heading=_say(N_("What is overdue")),
            sentence=_say(
                N_("Most often overdue is %(recommendation)s, at %(number)s agencies."),
                recommendation=worst.reference, number=worst.overdue,
            ),
            population=_say(N_("times that an agency is late with a recommendation")),
        )  # fmt: skip


def came_in_by_day(days: Iterable[date]) -> tuple[CameIn, ...]:
    """How many were signed on each day that any was, in order."""
    counts: dict[date, int] = {}
    for day in days:
        counts[day] = counts.get(day, 0) + 1
    return tuple(CameIn(day=day, number=counts[day]) for day in sorted(counts))
