"""What a narrative can refer to in joint findings: their figures in words, their tables, and their chapters.

Each has a key that stays the same whatever the figures are. A figure that the report itself does not print, because too
few answers count or it is about too few agencies, is no fact either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from app.domain.findings import Figure, JointFindings, Rate
from app.domain.key_messages import in_tenths
from app.domain.message import N_, Message

Translate = Callable[[str], str]
RECOMMENDATIONS = "recommendations"  # the chapter that a report has once it recommends something
ANNEXES = ("annex-a", "annex-b", "annex-judgements")


@dataclass(frozen=True)
class Fact:
    """A figure in words: `group` is the title of the chapter that it is from, `value` what stands in the text."""

    key: str
    group: str
    label: str
    value: str


@dataclass(frozen=True)
class Named:
    """Something with a key and its title in the language of the findings."""

    key: str
    title: str


# the chapters that every report can have, but for those of themes, which have the titles of the pack
TITLES: dict[str, str] = {
    "key-messages": N_("Key messages"),
    RECOMMENDATIONS: N_("Recommendations"),
    "overview": N_("The findings at a glance"),
    "about": N_("About the audit"),
    "milestones": N_("What must be in place, and when"),
    "twins": N_("Two views of one duty"),
    "assurance": N_("How agencies know"),
    "facts": N_("What was counted"),
    "staff": N_("What front-line staff say"),
    "checks": N_("How declarations were checked"),
    "judgements": N_("Judgements"),
    "optional": N_("Further questions that agencies could answer"),
    "annex-a": N_("Figures for every criterion"),
    "annex-b": N_("Agencies that did not respond"),
    "annex-judgements": N_("Judgements of every agency"),
}


def titles_of(themes: Mapping[str, str], translate: Translate) -> dict[str, str]:
    """Chapter to title, of all that a report can have whatever the data say. `themes`: key to title."""
    of_themes = {f"theme-{key}": title for key, title in themes.items()}
    return {key: translate(title) for key, title in TITLES.items()} | of_themes


def standard_chapters(findings: JointFindings, translate: Translate) -> list[Named]:
    """The chapters that every report of these findings has, in their usual order, then its annexes.

    The same as `reports/joint-findings/page.html` has; a test holds the two together.
    """
    d = findings
    found = [
        ("key-messages", bool(d.key_messages)),
        ("overview", bool(d.overall.by_type)),
        ("about", True),
        *((f"theme-{theme.key}", True) for theme in d.themes),
        ("milestones", bool(d.milestones)),
        ("twins", bool(d.twins)),
        ("assurance", bool(d.assurance.rows)),
        ("facts", bool(d.facts)),
        ("staff", d.staff is not None),
        ("checks", d.checks is not None),
        ("judgements", d.judgements is not None),
        ("optional", bool(d.optional)),
        ("annex-a", bool(d.themes)),
        ("annex-b", bool(d.not_responding)),
        ("annex-judgements", d.judgements is not None),
    ]
    titles = titles_of({theme.key: theme.title for theme in d.themes}, translate)
    return [Named(key, titles[key]) for key, is_there in found if is_there]


_CHAPTERS = {
    "response": "about", "heat": "overview", "grades": "overview", "alike": "overview", "milestones": "milestones",
    "milestone": "milestones", "twins": "twins", "assurance": "assurance", "checked": "checks",
    "checked-dots": "checks",
}  # fmt: skip


def figures(findings: JointFindings, translate: Translate) -> dict[str, str]:
    """The tables and charts that can stand in a narrative: key to title."""
    d, found = findings, {}

    def say(msgid: str, **params: object) -> str:
        return Message(msgid, params).rendered(translate)

    found["response"] = say(N_("Response by type of agency"))
    if d.overall.by_type:
        found["heat"] = say(N_("Answers that say practice is %(met)s"), met=d.texts.met)
        found["grades"] = say(N_("Grades by type of agency"))
    small = max(d.texts.small_number, 1)
    criteria = (one for theme in d.themes for one in theme.criteria)
    asked = Counter(one.id for one in criteria if one.figure.counted >= small and not one.figure.hidden)
    if max(asked.values(), default=0) > 1:
        found["alike"] = say(N_("Where types of agency answer the same question differently"))
    for theme in d.themes:
        found[f"theme-grades:{theme.key}"] = say(N_("%(theme)s: grades by type of agency"), theme=theme.title)
        if theme.least:
            found[f"theme-extremes:{theme.key}"] = say(N_("%(theme)s: most and least often met"), theme=theme.title)
        for row in theme.by_type:
            found[f"theme-type:{theme.key}/{row.agency_type}"] = say(
                N_("%(theme)s: %(agencies)s"), theme=theme.title, agencies=row.label
            )
    if d.milestones:
        found["milestones"] = say(N_("The milestones"))
    for milestone in d.milestones:
        if milestone.rows:
            found[f"milestone:{milestone.key}"] = say(N_("Not yet in place, %(label)s"), label=milestone.label)
    if d.twins:
        found["twins"] = say(N_("Duties that two agencies share"))
    if d.assurance.rows:
        found["assurance"] = say(N_("How agencies know"))
    if d.checks is not None:
        found["checked"] = say(N_("Declared and found, by type of agency"))
        checked = [row.compared.answers for row in d.checks.types if not row.hidden]
        checked += [row.compared.answers for row in d.checks.themes if not row.hidden]
        if max(checked, default=0) >= small:
            found["checked-dots"] = say(N_("What was declared and what was found, of the same answers"))
    return found


def chapter_of(figure: str) -> str:
    """The chapter in which a table or chart stands in every report that has the chapter.

    The same as the chapters of `reports/joint-findings` have; a test holds the two together.
    """
    kind, _colon, of = figure.partition(":")
    if kind.startswith("theme-"):
        return f"theme-{of.partition('/')[0]}"
    return _CHAPTERS[kind]


def facts(findings: JointFindings, translate: Translate) -> dict[str, Fact]:
    """Every figure that a narrative can refer to, by key, in the order of the report."""
    return {one.key: one for one in _Facts(findings, translate).every()}


class _Facts:
    """Writes the catalogue."""

    def __init__(self, findings: JointFindings, translate: Translate) -> None:
        self.d = findings
        self.translate = translate
        self.group = ""

    def say(self, msgid: str, **params: object) -> str:
        return Message(msgid, params).rendered(self.translate)

    def one(self, key: str, value: int | str, msgid: str, **params: object) -> Fact:
        words = f"{value:,}" if isinstance(value, int) else value
        return Fact(key, self.group, self.say(msgid, **params), words)

    def every(self) -> Iterator[Fact]:
        """All of them."""
        yield from self.response()
        yield from self.overall()
        yield from self.themes()
        yield from self.milestones()
        yield from self.twins()
        yield from self.assurance()
        yield from self.checks()

    def figure(self, key: str, figure: Figure, of: str) -> Iterator[Fact]:
        """The share that is met and what it is of; no share where too few answers count."""
        if figure.percent is not None and figure.counted >= self.d.texts.small_number:
            yield self.one(f"{key}.percent", f"{figure.percent}%", N_("%(of)s: share met"), of=of)
        if figure.counted:
            yield self.one(f"{key}.met", figure.met, N_("%(of)s: answers that are met"), of=of)
            yield self.one(f"{key}.not_met", figure.not_met, N_("%(of)s: answers that are not met"), of=of)
            yield self.one(f"{key}.counted", figure.counted, N_("%(of)s: answers that count"), of=of)

    def response(self) -> Iterator[Fact]:
        self.group = self.say(N_("Who responded"))
        for row in (self.d.response_total, *(row for row in self.d.response if not row.subtype)):
            if row.hidden:
                continue
            key = f"response.{row.agency_type}" if row.agency_type else "response"
            of = row.label or self.say(N_("All agencies"))
            yield self.one(f"{key}.invited", row.invited, N_("%(of)s: invited"), of=of)
            yield self.one(f"{key}.submitted", row.submitted, N_("%(of)s: submitted"), of=of)
            yield self.one(f"{key}.late", row.late, N_("%(of)s: submitted late"), of=of)
            yield self.one(
                f"{key}.missing", row.in_progress + row.not_started, N_("%(of)s: did not submit"), of=of
            )
            yield self.one(f"{key}.nil", row.nil, N_("%(of)s: nil returns"), of=of)
            if row.percent is not None:
                yield self.one(f"{key}.percent", f"{row.percent}%", N_("%(of)s: response"), of=of)

    def overall(self) -> Iterator[Fact]:
        self.group = self.say(N_("The findings at a glance"))
        overall = self.d.overall
        if overall.agencies and not self.d.response_total.hidden:
            yield self.one("overall.agencies", overall.agencies, N_("Agencies that responded"))
            yield self.one("overall.areas", overall.areas, N_("Areas that they work in"))
            yield self.one("overall.all_met", overall.all_met, N_("Agencies that say everything is met"))
        if overall.percent_all_met is not None and overall.agencies >= self.d.texts.small_number:
            yield self.one(
                "overall.all_met_percent", f"{overall.percent_all_met}%",
                N_("Share of agencies that say everything is met"),
            )  # fmt: skip
        for row in overall.by_type:
            yield from self.figure(f"overall.{row.agency_type}", row.figure, row.label)

    def themes(self) -> Iterator[Fact]:
        for theme in self.d.themes:
            self.group = theme.title
            key = f"theme.{theme.key}"
            yield from self.figure(key, theme.figure, self.say(N_("All agencies")))
            for row in theme.by_type:
                yield from self.figure(f"{key}.{row.agency_type}", row.figure, row.label)
            large = [
                row.figure.percent
                for row in theme.by_type
                if row.figure.percent is not None and row.figure.counted >= self.d.texts.small_number
            ]
            if len(large) > 1:
                yield self.one(
                    f"{key}.difference", max(large) - min(large),
                    N_("Percentage points between the types of agency that are furthest apart"),
                )  # fmt: skip
            plurals = {kind.key: kind.plural for kind in self.d.agency_types}
            for criterion in theme.criteria:
                of = f"{criterion.number} {criterion.label} ({plurals.get(criterion.agency_type, '')})"
                yield from self.figure(f"criterion.{criterion.reference}", criterion.figure, of)

    def milestones(self) -> Iterator[Fact]:
        self.group = self.say(N_("What must be in place, and when"))
        for one in self.d.milestones:
            if not one.counted:
                continue
            key = f"milestone.{one.key}"
            if one.percent is not None and one.counted >= self.d.texts.small_number:
                yield self.one(f"{key}.percent", f"{one.percent}%", N_("%(of)s: share in place"), of=one.label)
            yield self.one(f"{key}.not_yet", one.not_yet, N_("%(of)s: not yet in place"), of=one.label)
            yield self.one(f"{key}.by_then", one.by_then, N_("%(of)s: expected by then"), of=one.label)
            yield self.one(f"{key}.after", one.after, N_("%(of)s: expected later"), of=one.label)
            yield self.one(f"{key}.no_date", one.no_date, N_("%(of)s: no date given"), of=one.label)

    def twins(self) -> Iterator[Fact]:
        self.group = self.say(N_("Two views of one duty"))
        for twin in self.d.twins:
            if twin.hidden:
                continue
            key, of = f"twins.{twin.a.reference}/{twin.b.reference}", f"{twin.a.label} / {twin.b.label}"
            yield self.one(f"{key}.compared", twin.compared, N_("%(of)s: pairs compared"), of=of)
            yield self.one(f"{key}.both", twin.both, N_("%(of)s: both say that it is met"), of=of)
            yield self.one(
                f"{key}.one_sided", twin.only_a + twin.only_b, N_("%(of)s: only one side says so"), of=of
            )
            if twin.percent_one_sided is not None and twin.compared >= self.d.texts.small_number:
                yield self.one(
                    f"{key}.percent", f"{twin.percent_one_sided}%",
                    N_("%(of)s: share where only one side says so"), of=of,
                )  # fmt: skip

    def assurance(self) -> Iterator[Fact]:
        self.group = self.say(N_("How agencies know"))
        rows = self.d.assurance.rows
        for row in (*((self.d.assurance.total,) if self.d.assurance.total else ()), *rows):
            if row.met < self.d.texts.small_number or row.percent_checked_met is None:
                continue
            key = f"assurance.{row.agency_type}" if row.agency_type else "assurance"
            of = row.label or self.say(N_("All agencies"))
            yield self.one(f"{key}.checked", f"{row.percent_checked_met}%", N_("%(of)s: met, and checked"), of=of)
            yield self.one(f"{key}.on_paper", f"{row.percent_on_paper_met}%", N_("%(of)s: met, on paper"), of=of)

    def checks(self) -> Iterator[Fact]:
        if self.d.checks is None or self.d.checks.is_small:
            return
        self.group = self.say(N_("How declarations were checked"))
        for row in (self.d.checks.total, *self.d.checks.types):
            if row.hidden:
                continue
            key = f"checks.{row.agency_type}" if row.agency_type else "checks"
            of = row.label or self.say(N_("All agencies"))
            yield self.one(f"{key}.drawn", row.drawn, N_("%(of)s: returns drawn"), of=of)
            yield self.one(f"{key}.checked", row.checked, N_("%(of)s: returns checked"), of=of)
            yield from self.rate(f"{key}.returns", row.returns, self.say(N_("%(of)s: returns with a change"), of=of))
            yield from self.rate(f"{key}.answers", row.answers, self.say(N_("%(of)s: answers adjusted"), of=of))

    def rate(self, key: str, rate: Rate | None, of: str) -> Iterator[Fact]:
        """An estimate with its bounds: the three stand together in a text, or none does."""
        if rate is None or rate.low is None or rate.high is None:
            return
        value = self.say(
            N_("%(rate)s%% (%(low)s%% to %(high)s%%)"),
            rate=in_tenths(rate.tenths), low=in_tenths(rate.low), high=in_tenths(rate.high),
        )  # fmt: skip
        yield Fact(key, self.group, of, value)
