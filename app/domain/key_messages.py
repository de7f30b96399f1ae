"""Sentences chosen and filled by rules from figures: the key messages and the narrative of each chapter.

A rule is one small function. It looks for the extreme that its name says and gives a message, or None where the data
have nothing to say (too few agencies, nothing that differs). No sentence holds a figure of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from app.domain.findings import (
    AssuranceRow,
    CriterionFindings,
    Figure,
    FigureBy,
    JointFindings,
    KeyMessage,
    MilestoneFindings,
    Sentence,
    ThemeFindings,
    TwinFindings,
    percent,
)
from app.domain.message import N_, Message
from app.domain.templates import Pack
from app.domain.text import localise

MOST_MESSAGES = 10  # what fits on one page

# anchors of the chapters that messages point to; a theme's chapter is `theme-KEY`
RESPONSE, OVERVIEW, MILESTONES, TWINS, ASSURANCE = "response", "overview", "milestones", "twins", "assurance"
CHECKS = "checks-rates"


def listed(names: Sequence[str], last: str = N_(" and ")) -> str:
    """ "a", "a and b", "a, b and c"; `last` stands before the last one."""
    return last.join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


@dataclass(frozen=True)
class Wording:
    """What sentences need besides figures: the pack's words in one language."""

    pack: Pack
    language: str
    met: str
    small: int
    capitals: frozenset[str] = frozenset()
    translate: Callable[[str], str] = N_
    met_by: Mapping[str, str] = field(default_factory=dict)

    def met_of(self, *figures: Figure) -> str:
        """How a sentence about some figures says that something is met: in the words of their scheme, if it is one."""
        schemes = {figure.scheme for figure in figures}
        return self.met_by.get(schemes.pop(), self.met) if len(schemes) == 1 else self.met

    def quantifier(self, share: Fraction) -> str:
        """The pack's word for a share."""
        return localise(self.pack.quantify(share), self.language)

    def mid(self, phrase: str) -> str:
        """A name inside a sentence: its capital goes, unless it is an abbreviation or one of `capitals`."""
        if phrase[1:2].isupper() or phrase.split(" ")[0] in self.capitals:
            return phrase
        return phrase[:1].lower() + phrase[1:]

    def say(self, msgid: str, **params: object) -> str:
        """A part of a sentence in the language of the sentence."""
        return Message(msgid, params).rendered(self.translate)

    def listed(self, names: Sequence[str]) -> str:
        """Several names in a row: "a, b and c"."""
        return listed(names, self.translate(N_(" and ")))

    def agencies(self, agency_type: str) -> str:
        """The plural of an agency type inside a sentence."""
        return self.mid(localise(self.pack.agency_types[agency_type].plural, self.language))


def _sentence(msgid: str, **params: object) -> Sentence:
    return Sentence.of(Message(msgid, params))


def large_enough(criteria: Iterable[CriterionFindings], words: Wording) -> list[CriterionFindings]:
    """The criteria that enough agencies answered to be ranked."""
    return [c for c in criteria if c.figure.counted >= words.small]


def rank_by_met(criteria: Iterable[CriterionFindings]) -> list[CriterionFindings]:
    """Least often met first; of equals, the one with more answers, then by reference."""
    return sorted(criteria, key=lambda c: (c.figure.share, -c.figure.counted, c.reference))


def _met_sentence(criterion: CriterionFindings, words: Wording) -> Sentence:
    return _sentence(
        N_(
            "“%(label)s”: %(word)s of the %(counted)s %(agencies)s to which it applies say that it is "
            "%(met)s (%(number)s, or %(percent)s%%)."
        ),
        word=words.quantifier(criterion.figure.share),
        counted=criterion.figure.counted,
        agencies=words.agencies(criterion.agency_type),
        met=words.met_of(criterion.figure),
        label=criterion.label,
        number=criterion.figure.met,
        percent=criterion.figure.percent,
    )  # fmt: skip


# --- the narrative of a chapter --------------------------------------------------------------------------------------


def theme_sentences(theme: ThemeFindings, words: Wording) -> tuple[Sentence, ...]:
    """What stands at the head of a theme's chapter: the level, the difference, the extremes, what is not assured."""
    found: list[Sentence] = []
    types = [row for row in theme.by_type if row.figure.counted]
    if types:
        found.append(
            _sentence(
                N_("Of the answers on this theme, %(parts)s say that practice is %(met)s."),
                parts=words.listed(
                    [
                        words.say(
                            N_("%(percent)s%% of those from %(agencies)s"),
                            percent=row.figure.percent,
                            agencies=words.mid(row.label),
                        )
                        for row in types
                    ]
                ),
                met=words.met_of(*(row.figure for row in types)),
            )
        )
    ranked = rank_by_met(large_enough(theme.criteria, words))
    if len(ranked) > 1:
        found += [_met_sentence(ranked[-1], words), _met_sentence(ranked[0], words)]
    spread = widest_subtypes(theme.by_subtype, words)
    if spread:
        high, low = spread
        found.append(
            _sentence(
                N_(
                    "Within one type of agency the widest difference is between %(high)s "
                    "(%(high_percent)s%% of answers) and %(low)s (%(low_percent)s%%)."
                ),
                high=words.mid(high.label),
                high_percent=high.figure.percent,
                low=words.mid(low.label),
                low_percent=low.figure.percent,
            )
        )  # fmt: skip
    unsure = most_apart(theme.criteria, words)
    if unsure:
        found.append(_apart_sentence(unsure, words))
    return tuple(found)


def widest_subtypes(rows: Iterable[FigureBy], words: Wording) -> tuple[FigureBy, FigureBy] | None:
    """Of two subtypes of one agency type, the pair that differs most: the higher first. None where none differ."""
    large = [row for row in rows if row.figure.counted >= words.small]
    pairs = [
        (high, low)
        for high in large
        for low in large
        if high.agency_type == low.agency_type and high.figure.share > low.figure.share
    ]
    return max(
        pairs,
        key=lambda pair: (pair[0].figure.share - pair[1].figure.share, pair[0].subtype, pair[1].subtype),
        default=None,
    )


def most_apart(criteria: Iterable[CriterionFindings], words: Wording) -> CriterionFindings | None:
    """The criterion for which the largest share gave a grade that is shown apart."""
    found = [c for c in large_enough(criteria, words) if c.figure.apart]
    return max(found, key=lambda c: (Fraction(c.figure.apart, c.figure.counted), c.reference), default=None)


def _apart_sentence(criterion: CriterionFindings, words: Wording) -> Sentence:
    scheme = words.pack.grading_schemes[criterion.figure.scheme]
    labels = [localise(grade.label, words.language) for grade in scheme.grades if grade.shown_apart]
    return _sentence(
        N_(
            "What most often cannot be answered is “%(label)s”: %(number)s of the %(counted)s %(agencies)s "
            "to which it applies (%(percent)s%%) are “%(grade)s”."
        ),
        label=criterion.label,
        number=criterion.figure.apart,
        counted=criterion.figure.counted,
        agencies=words.agencies(criterion.agency_type),
        percent=criterion.figure.percent_apart,
        grade=words.listed([words.mid(label) for label in labels]),
    )  # fmt: skip


def milestone_sentences(milestone: MilestoneFindings, words: Wording) -> tuple[Sentence, ...]:
    """What is in place already, and how much of the rest is expected in time."""
    if not milestone.counted:
        return ()
    found = [
        _sentence(
            N_(
                "%(percent)s%% of the %(counted)s answers to these criteria say that practice is %(met)s "
                "already."
            ),
            percent=milestone.percent,
            counted=milestone.counted,
            met=words.met,
        )
    ]
    if milestone.not_yet and not milestone.no_date:
        found.append(
            _sentence(
                N_("Of the %(not_yet)s that do not, %(by_then)s expect it by the milestone and %(after)s after it."),
                not_yet=milestone.not_yet,
                by_then=milestone.by_then,
                after=milestone.after,
            )
        )  # fmt: skip
    elif milestone.not_yet:
        found.append(
            _sentence(
                N_(
                    "Of the %(not_yet)s that do not, %(by_then)s expect it by the milestone, %(after)s "
                    "after it, and %(no_date)s give no date."
                ),
                not_yet=milestone.not_yet,
                by_then=milestone.by_then,
                after=milestone.after,
                no_date=milestone.no_date,
            )
        )  # fmt: skip
    return tuple(found)


def twin_sentences(twin: TwinFindings, words: Wording) -> tuple[Sentence, ...]:
    """The two views of one duty, counted."""
    if not twin.compared:
        return ()
    return (
        _sentence(
            N_(
                "Of %(compared)s pairs that can be compared, both sides say %(met)s in %(both)s, only %(a)s"
                " in %(only_a)s, only %(b)s in %(only_b)s, and neither in %(neither)s."
            ),
            compared=twin.compared,
            met=words.met,
            both=twin.both,
            a=_side(twin, "a", words),
            only_a=twin.only_a,
            b=_side(twin, "b", words),
            only_b=twin.only_b,
            neither=twin.neither,
        ),
    )  # fmt: skip


def _side(twin: TwinFindings, side: str, words: Wording) -> str:
    """How a sentence names a side: by its type of agency, or by what was asked where both are of one type."""
    this = twin.a if side == "a" else twin.b
    if twin.a.agency_type == twin.b.agency_type:
        return words.say(N_("the side asked for “%(label)s”"), label=this.label)
    return words.say(N_("the %(agencies)s"), agencies=words.mid(this.agencies))


def assurance_sentences(
    rows: Sequence[AssuranceRow], total: AssuranceRow | None, words: Wording, checked: str, on_paper: str
) -> tuple[Sentence, ...]:
    """How much of what is said to be in place somebody looked at, and how much rests on paper."""
    if total is None or not total.met:
        return ()
    found = [
        _sentence(
            N_(
                "Of the %(answers)s answers that say %(met)s, %(checked)s%% rest on %(checked_phrase)s and "
                "%(paper)s%% on %(paper_phrase)s."
            ),
            answers=total.met,
            met=words.met,
            checked=total.percent_checked_met,
            checked_phrase=checked,
            paper=total.percent_on_paper_met,
            paper_phrase=on_paper,
        )
    ]  # fmt: skip
    large = [row for row in rows if row.met >= words.small]
    if len(large) > 1:
        ranked = sorted(large, key=lambda row: (Fraction(row.checked_met, row.met), row.agency_type))
        found.append(
            _sentence(
                N_(
                    "The share that rests on %(checked_phrase)s is largest among %(high)s "
                    "(%(high_percent)s%%) and smallest among %(low)s (%(low_percent)s%%)."
                ),
                checked_phrase=checked,
                high=words.mid(ranked[-1].label),
                high_percent=ranked[-1].percent_checked_met,
                low=words.mid(ranked[0].label),
                low_percent=ranked[0].percent_checked_met,
            )
        )  # fmt: skip
    return tuple(found)


# --- the key messages ------------------------------------------------------------------------------------------------


def response(findings: JointFindings, words: Wording) -> KeyMessage | None:
    """How many answered, and who least."""
    total = findings.response_total
    if not total.invited or total.percent is None:
        return None
    types = [row for row in findings.response if not row.subtype and row.percent is not None]
    asked = total.invited - total.nil
    if total.submitted == asked:
        sentence = _sentence(
            N_("All %(asked)s agencies that were expected to answer submitted a signed audit."), asked=asked
        )
    elif not types:  # nothing is said of any type on its own
        sentence = _sentence(
            N_("%(submitted)s of the %(asked)s agencies that were expected to answer submitted a signed audit."),
            submitted=total.submitted, asked=asked,
        )  # fmt: skip
    else:
        ranked = sorted(
            types, key=lambda row: (Fraction(row.submitted, row.invited - row.nil), row.agency_type)
        )
        sentence = _sentence(
            N_(
                "%(submitted)s of the %(asked)s agencies that were expected to answer submitted a signed audit. The "
                "response is highest among %(high)s (%(high_percent)s%%) and lowest among %(low)s (%(low_percent)s%%). "
                "Agencies that did not respond are named in this report."
            )
            if findings.names_agencies
            else N_(
                "%(submitted)s of the %(asked)s agencies that were expected to answer submitted a signed audit. The "
                "response is highest among %(high)s (%(high_percent)s%%) and lowest among %(low)s (%(low_percent)s%%)."
            ),
            submitted=total.submitted,
            asked=asked,
            high=words.mid(ranked[-1].label),
            high_percent=ranked[-1].percent,
            low=words.mid(ranked[0].label),
            low_percent=ranked[0].percent,
        )  # fmt: skip
    return KeyMessage(
        rule="response",
        heading=_sentence(N_("Response")),
        sentence=sentence,
        figure=f"{total.percent}%",
        population=_sentence(N_("of %(number)s agencies expected to answer"), number=asked),
        chapter=RESPONSE,
    )


def themes_apart(findings: JointFindings, words: Wording) -> KeyMessage | None:
    """The theme most often met and the theme least often met."""
    ranked = sorted(
        (theme for theme in findings.themes if theme.figure.counted >= words.small),
        key=lambda theme: (theme.figure.share, theme.key),
    )
    if len(ranked) < 2 or ranked[0].figure.share == ranked[-1].figure.share:
        return None
    low, high = ranked[0], ranked[-1]
    return KeyMessage(
        rule="themes_apart",
        heading=_sentence(N_("The weakest theme")),
        sentence=_sentence(
            N_(
                "“%(low)s” is the theme on which practice is least often %(met)s: %(low_percent)s%% of "
                "answers say so, against %(high_percent)s%% on “%(high)s”."
            ),
            low=low.title,
            low_percent=low.figure.percent,
            high=high.title,
            high_percent=high.figure.percent,
            met=words.met_of(low.figure, high.figure),
        ),
        figure=f"{low.figure.percent}%",
        population=_of_answers(low.figure.counted),
        chapter=f"theme-{low.key}",
    )  # fmt: skip


def least_met(findings: JointFindings, words: Wording) -> KeyMessage | None:
    """The criterion least often met."""
    ranked = rank_by_met(large_enough(findings.criteria(), words))
    if len(ranked) < 2:
        return None
    return _criterion_message("least_met", N_("Least often %(met)s"), ranked[0], words)


def most_met(findings: JointFindings, words: Wording) -> KeyMessage | None:
    """The criterion most often met."""
    ranked = rank_by_met(large_enough(findings.criteria(), words))
    if len(ranked) < 2:
        return None
    return _criterion_message("most_met", N_("Most often %(met)s"), ranked[-1], words)


def _criterion_message(rule: str, heading: str, criterion: CriterionFindings, words: Wording) -> KeyMessage:
    return KeyMessage(
        rule=rule,
        heading=_sentence(heading, met=words.met_of(criterion.figure)),
        sentence=_met_sentence(criterion, words),
        figure=f"{criterion.figure.percent}%",
        population=_population(criterion.figure.counted, criterion.agency_type, words),
        chapter=f"theme-{criterion.theme}",
    )


def _population(number: int, agency_type: str, words: Wording) -> Sentence:
    return _sentence(N_("of %(number)s %(agencies)s"), number=number, agencies=words.agencies(agency_type))


def _of_answers(number: int) -> Sentence:
    return _sentence(N_("of %(number)s answers"), number=number)


def _of_agencies(number: int) -> Sentence:
    return _sentence(N_("of %(number)s agencies"), number=number)


def differences(findings: JointFindings, words: Wording) -> list[tuple[ThemeFindings, FigureBy, FigureBy]]:
    """For each theme the two types of agency that are furthest apart, the higher first; the widest difference first."""
    found: list[tuple[ThemeFindings, FigureBy, FigureBy]] = []
    for theme in findings.themes:
        rows = sorted(
            (row for row in theme.by_type if row.figure.counted >= words.small),
            key=lambda row: (row.figure.share, row.agency_type),
        )
        if len(rows) > 1:
            found.append((theme, rows[-1], rows[0]))
    found.sort(key=lambda one: (one[1].figure.share - one[2].figure.share, one[0].key), reverse=True)
    return found


def difference_message(
    rule: str, heading: Sentence, msgid: str, theme: ThemeFindings, high: FigureBy, low: FigureBy, words: Wording
) -> KeyMessage | None:
    """What a message says of a theme on which two types of agency differ: `msgid` names them and their figures."""
    # of the two figures as they are printed: a reader will subtract them
    points = (high.figure.percent or 0) - (low.figure.percent or 0)
    if points <= 0:
        return None
    return KeyMessage(
        rule=rule,
        heading=heading,
        sentence=_sentence(
            msgid,
            theme=theme.title,
            high=words.mid(high.label),
            high_percent=high.figure.percent,
            low=words.mid(low.label),
            low_percent=low.figure.percent,
            met=words.met_of(low.figure, high.figure),
        ),
        figure=str(points),
        population=_sentence(N_("percentage points apart")),
        chapter=f"theme-{theme.key}",
    )


def widest_difference(findings: JointFindings, words: Wording) -> KeyMessage | None:
    """The theme on which two types of agency differ most."""
    found = differences(findings, words)
    if not found:
        return None
    msgid = N_(
        "Types of agency differ most on “%(theme)s”: %(high_percent)s%% of the answers from "
        "%(high)s say %(met)s, and %(low_percent)s%% of those from %(low)s."
    )
    return difference_message("widest_difference", _sentence(N_("The widest difference")), msgid, *found[0], words)


def least_assured(findings: JointFindings, words: Wording) -> KeyMessage | None:
    """The criterion on which most agencies do not know."""
    criterion = most_apart(findings.criteria(), words)
    if criterion is None:
        return None
    return KeyMessage(
        rule="least_assured",
        heading=_sentence(N_("What agencies do not know")),
        sentence=_apart_sentence(criterion, words),
        figure=f"{criterion.figure.percent_apart}%",
        population=_population(criterion.figure.counted, criterion.agency_type, words),
        chapter=f"theme-{criterion.theme}",
    )


def milestone_missed(findings: JointFindings, words: Wording) -> KeyMessage | None:
    """The milestone that the largest share of answers will miss or give no date for."""
    found = [m for m in findings.milestones if m.counted >= words.small and m.after + m.no_date]
    if not found:
        return None
    worst = max(found, key=lambda m: (Fraction(m.after + m.no_date, m.counted), m.key))
    missing = worst.after + worst.no_date
    return KeyMessage(
        rule="milestone_missed",
        heading=_sentence(N_("Milestones that will be missed")),
        sentence=_sentence(
            N_(
                "Practice that should be in place “%(milestone)s” is %(met)s in %(percent)s%% of answers. "
                "In %(missing)s of the %(not_yet)s answers where it is not, it is expected only after the "
                "milestone, or no date is given."
            ),
            milestone=worst.label,
            met=words.met,
            percent=worst.percent,
            missing=missing,
            not_yet=worst.not_yet,
        ),
        figure=f"{percent(missing, worst.counted)}%",
        population=_of_answers(worst.counted),
        chapter=MILESTONES,
    )  # fmt: skip


def twins_apart(findings: JointFindings, words: Wording) -> KeyMessage | None:
    """The shared duty on which most pairs of agencies in one area give different answers."""
    found = [t for t in findings.twins if t.compared >= words.small and t.only_a + t.only_b]
    if not found:
        return None
    twin = max(found, key=lambda t: (Fraction(t.only_a + t.only_b, t.compared), t.a.reference, t.b.reference))
    one_sided = twin.only_a + twin.only_b
    return KeyMessage(
        rule="twins_apart",
        heading=_sentence(N_("Two views of one duty, and no verdict")),
        sentence=_sentence(
            N_(
                "In %(one_sided)s of %(compared)s pairs of agencies in the same area, only one side says that the "
            "duty they share is %(met)s: “%(a)s” (%(a_agencies)s) and “%(b)s” (%(b_agencies)s)."
        ),
            one_sided=one_sided,
            compared=twin.compared,
            met=words.met,
            a=twin.a.label,
            a_agencies=words.mid(twin.a.agencies),
            b=twin.b.label,
            b_agencies=words.mid(twin.b.agencies),
        ),
        figure=f"{percent(one_sided, twin.compared)}%",
        population=_sentence(N_("of %(number)s pairs"), number=twin.compared),
        chapter=TWINS,
    )  # fmt: skip


def assurance(findings: JointFindings, words: Wording) -> KeyMessage | None:
    """How much of what is said to be in place rests on something that somebody checked."""
    total = findings.assurance.total
    if total is None or not total.met or not findings.assurance.sentences:
        return None
    return KeyMessage(
        rule="assurance",
        heading=_sentence(N_("How agencies know")),
        sentence=findings.assurance.sentences[0],
        figure=f"{total.percent_checked_met}%",
        population=_of_answers(total.met),
        chapter=ASSURANCE,
    )


def all_met_sentence(all_met: int, agencies: int, words: Wording) -> Sentence:
    """How many agencies say that nothing is left to do."""
    if not all_met:
        return _sentence(
            N_(
                "None of the %(agencies)s agencies that responded says that every criterion that applies to it is "
                "%(met)s."
            ),
            agencies=agencies,
            met=words.met,
        )
    return _sentence(
        N_(
            "%(number)s of the %(agencies)s agencies that responded say that every criterion that applies to them is "
            "%(met)s; the others name at least one that is not."
        ),
        number=all_met,
        agencies=agencies,
        met=words.met,
    )


def everything_met(findings: JointFindings, words: Wording) -> KeyMessage | None:
    """How many agencies say that nothing is left to do."""
    overall = findings.overall
    if overall.agencies < words.small or not findings.themes:
        return None
    return KeyMessage(
        rule="everything_met",
        heading=_sentence(N_("Nothing left to do")),
        sentence=overall.sentence,
        figure=f"{overall.percent_all_met}%",
        population=_of_agencies(overall.agencies),
        chapter=OVERVIEW,
    )


def adjusted(findings: JointFindings, words: Wording) -> KeyMessage | None:
    """In how many of the returns that chance drew something did not hold, and what that says about all of them."""
    rate = findings.checks.total.returns if findings.checks else None
    if rate is None or rate.low is None or rate.high is None or rate.checked < words.small:
        return None
    return KeyMessage(
        rule="adjusted",
        heading=_sentence(N_("How far declarations held")),
        sentence=_sentence(
            N_(
                "Inspectors checked %(checked)s returns that chance had drawn, and in %(found)s of them changed at"
                " least one grade. Of all %(population)s submitted returns that is likely to be true of %(low)s%% to"
                " %(high)s%%."
            ),
            checked=rate.checked,
            found=rate.found,
            population=rate.population,
            low=in_tenths(rate.low),
            high=in_tenths(rate.high),
        ),
        figure=f"{in_tenths(rate.tenths)}%",
        population=_sentence(N_("of %(number)s returns, estimated"), number=rate.population),
        chapter=CHECKS,
    )  # fmt: skip


def in_tenths(tenths: int) -> str:
    """Tenths of a per cent as they are printed: `41.7`; 0 and 100 are whole."""
    return str(tenths // 10) if tenths in (0, 1000) else f"{tenths // 10}.{tenths % 10}"


Rule = Callable[[JointFindings, Wording], KeyMessage | None]
RULES: tuple[Rule, ...] = (
    response,
    adjusted,
    everything_met,
    themes_apart,
    widest_difference,
    most_met,
    least_met,
    least_assured,
    assurance,
    milestone_missed,
    twins_apart,
)


def key_messages(findings: JointFindings, words: Wording) -> tuple[KeyMessage, ...]:
    """What each rule has to say, in the order of `RULES`: ten at most."""
    found = [message for rule in RULES if (message := rule(findings, words))]
    if len(found) > MOST_MESSAGES:  # good news that agencies gave themselves is what a reader misses least
        found = [message for message in found if message.rule != "most_met"]
    return tuple(found[:MOST_MESSAGES])
