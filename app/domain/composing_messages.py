"""Key messages that rules propose to whoever composes a report, besides the usual ones of every report.

Each has a stable id (`rule`): the same rule on the same thing, whatever its figures are then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from app.domain.findings import Figure, JointFindings, KeyMessage, Sentence, percent
from app.domain.key_messages import (
    RESPONSE,
    RULES,
    TWINS,
    Wording,
    difference_message,
    differences,
    large_enough,
    rank_by_met,
)
from app.domain.message import N_, Message

MOST_EACH = 3  # of a kind: extremes, movements, pairs


@dataclass(frozen=True)
class Move:
    """A criterion that was asked alike in this round and the last, of the agencies that submitted in both."""

    reference: str
    label: str
    agency_type: str
    theme: str
    then: Figure
    now: Figure

    @property
    def difference(self) -> Fraction:
        """How much more of them say now that it is met."""
        return self.now.share - self.then.share


def proposals(findings: JointFindings, words: Wording, moves: Sequence[Move]) -> tuple[KeyMessage, ...]:
    """All that rules have to say, the usual messages first: more than a report should have.

    Where small numbers are left out the usual ones are those that are true of all figures, as they were found.
    """
    if findings.suppressed_below:
        found = list(findings.key_messages)
    else:
        found = [message for rule in RULES if (message := rule(findings, words))]
    found += _extremes(findings, words)
    found += _differences(findings, words)
    found += _movements(moves, words)
    found += _disagreements(findings, words)
    found += _missing(findings, words)
    return tuple({one.rule: one for one in found}.values())


def _say(msgid: str, **params: object) -> Sentence:
    return Sentence.of(Message(msgid, params))


def _of(number: int, agency_type: str, words: Wording) -> Sentence:
    return _say(N_("of %(number)s %(agencies)s"), number=number, agencies=words.agencies(agency_type))


def _extremes(findings: JointFindings, words: Wording) -> Iterator[KeyMessage]:
    """The criteria most and least often met, after the first of each, which every report has."""
    ranked = rank_by_met(large_enough(findings.criteria(), words))
    least = ranked[1:MOST_EACH]
    most = [one for one in reversed(ranked[-MOST_EACH:-1]) if one not in least and one is not ranked[0]]
    for kind, heading, chosen in (
        ("least_met", N_("Seldom %(met)s"), least),
        ("most_met", N_("Often %(met)s"), most),
    ):
        for one in chosen:
            yield KeyMessage(
                rule=f"{kind}:{one.reference}",
                heading=_say(heading, met=words.met_of(one.figure)),
                sentence=_say(
                    N_("“%(label)s” is %(met)s at %(number)s of the %(counted)s %(agencies)s to which it applies."),
                    label=one.label,
                    met=words.met_of(one.figure),
                    number=one.figure.met,
                    counted=one.figure.counted,
                    agencies=words.agencies(one.agency_type),
                ),
                figure=f"{one.figure.percent}%",
                population=_of(one.figure.counted, one.agency_type, words),
                chapter=f"theme-{one.theme}",
            )


def _differences(findings: JointFindings, words: Wording) -> Iterator[KeyMessage]:
    """For each theme the two types of agency that are furthest apart, after the widest, which every report has."""
    msgid = N_(
        "On “%(theme)s” %(high_percent)s%% of the answers from %(high)s say %(met)s, and"
        " %(low_percent)s%% of those from %(low)s."
    )
    for theme, high, low in differences(findings, words)[1:MOST_EACH]:
        heading = _say(N_("Apart on “%(theme)s”"), theme=theme.title)
        if found := difference_message(f"difference:{theme.key}", heading, msgid, theme, high, low, words):
            yield found


def _movements(moves: Sequence[Move], words: Wording) -> Iterator[KeyMessage]:
    """The criteria that rose and fell most since the last round, among the same agencies."""
    large = [one for one in moves if min(one.then.counted, one.now.counted) >= words.small]
    ranked = sorted(large, key=lambda one: (-one.difference, one.reference))
    rose = [one for one in ranked[:MOST_EACH] if one.difference > 0]
    fell = [one for one in reversed(ranked[-MOST_EACH:]) if one.difference < 0]
    for kind, heading, chosen in (
        ("rose", N_("Better than in the last round"), rose),
        ("fell", N_("Worse than in the last round"), fell),
    ):
        for one in chosen:
            points = (one.now.percent or 0) - (one.then.percent or 0)
            yield KeyMessage(
                rule=f"{kind}:{one.reference}",
                heading=_say(heading),
                sentence=_say(
                    N_(
                        "“%(label)s”: of the %(agencies)s that answered in both rounds, %(now)s%% say now that it is"
                        " %(met)s, and %(then)s%% said so in the last."
                    ),
                    label=one.label,
                    agencies=words.agencies(one.agency_type),
                    now=one.now.percent,
                    then=one.then.percent,
                    met=words.met_of(one.now),
                ),
                figure=f"{points:+d}".replace("-", "−"),
                population=_say(N_("percentage points, %(agencies)s"), agencies=words.agencies(one.agency_type)),
                chapter=f"theme-{one.theme}",
            )


def _disagreements(findings: JointFindings, words: Wording) -> Iterator[KeyMessage]:
    """The shared duties on which agencies of one area disagree most often, after the first, which every report has."""
    found = [one for one in findings.twins if one.compared >= words.small and one.only_a + one.only_b]
    found.sort(key=lambda one: (-Fraction(one.only_a + one.only_b, one.compared), one.a.reference, one.b.reference))
    for one in found[1:MOST_EACH]:
        one_sided = one.only_a + one.only_b
        yield KeyMessage(
            rule=f"twins:{one.a.reference}/{one.b.reference}",
            heading=_say(N_("One duty, two answers")),
            sentence=_say(
                N_(
                    "In %(one_sided)s of %(compared)s pairs in the same area only one side says %(met)s: “%(a)s”"
                    " (%(a_agencies)s) and “%(b)s” (%(b_agencies)s)."
                ),
                one_sided=one_sided,
                compared=one.compared,
                met=words.met,
                a=one.a.label,
                a_agencies=words.mid(one.a.agencies),
                b=one.b.label,
                b_agencies=words.mid(one.b.agencies),
            ),
            figure=f"{percent(one_sided, one.compared)}%",
            population=_say(N_("of %(number)s pairs"), number=one.compared),
            chapter=TWINS,
        )


def _missing(findings: JointFindings, words: Wording) -> Iterator[KeyMessage]:
    """The types of agency of which many did not submit."""
    rows = [row for row in findings.response if not row.subtype and row.invited >= words.small]
    for row in sorted(rows, key=lambda row: (row.percent if row.percent is not None else 100, row.agency_type)):
        missing = row.in_progress + row.not_started
        if not missing:
            continue
        yield KeyMessage(
            rule=f"missing:{row.agency_type}",
            heading=_say(N_("Who is missing")),
            sentence=_say(
                N_(
                    "%(missing)s of the %(invited)s %(agencies)s that were expected to answer submitted no signed"
                    " audit."
                ),
                missing=missing,
                invited=row.invited - row.nil,
                agencies=words.agencies(row.agency_type),
            ),
            figure=f"{missing:,}",
            population=_of(row.invited - row.nil, row.agency_type, words),
            chapter=RESPONSE,
        )
