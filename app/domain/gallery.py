"""What a pack shows, told from its own content: for the gallery in the service, and for its page of the docs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.domain.findings import FindingsTexts
from app.domain.message import N_, Message
from app.domain.risks import ModerationRules
from app.domain.rules.language import Judgements
from app.domain.survey import Survey
from app.domain.templates import AgencyType, Grade, Pack, Template
from app.domain.text import localise

# how a question of each type is answered, as a reader calls it
ANSWERS: Mapping[str, str] = {
    "grade": N_("a grade"),
    "yes_no": N_("yes or no"),
    "number": N_("a number"),
    "percentage": N_("a percentage"),
    "date": N_("a date"),
    "choice": N_("one choice"),
    "choices": N_("several choices"),
    "text": N_("a text"),
    "file": N_("a file"),
    "table": N_("a table"),
}

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")


@dataclass(frozen=True)
class ShownType:
    """An agency type of a pack. `questions`: all that any subtype is asked, optional standards included; `optional`:
    those of optional standards; `facts`: those that come to no grade; `answers`: how many of each type of answer."""

    key: str
    kind: AgencyType
    template: Template
    questions: int
    optional: int
    facts: int
    answers: Mapping[str, int]


@dataclass(frozen=True)
class Shown:
    """A pack as the gallery shows it. `readme`: what its author says of it, in Markdown; empty where unknown."""

    pack: Pack
    readme: str = ""

    @cached_property
    def types(self) -> tuple[ShownType, ...]:
        """Its agency types, in the pack's order."""
        return tuple(_type(self.pack, key) for key in self.pack.agency_types)

    @cached_property
    def answers(self) -> Mapping[str, int]:
        """How many questions of all checklists are answered in each way, in a fixed order."""
        found: Counter[str] = Counter()
        for one in self.types:
            found.update(one.answers)
        return {key: found[key] for key in ANSWERS if found[key]}

    @property
    def questions(self) -> int:
        """The questions of all checklists."""
        return sum(one.questions for one in self.types)

    @cached_property
    def languages(self) -> Mapping[str, bool]:
        """The languages it is written in: whether every question is."""
        title = self.pack.title
        codes = {"en"} if isinstance(title, str) else {"en", *title}
        return {code: self.pack.is_translated(code) for code in sorted(codes, key=lambda code: (code != "en", code))}

    @cached_property
    def features(self) -> tuple[Message, ...]:
        """What it shows of the template language and of the rules, in sentences."""
        return tuple(_features(self.pack))


def _type(pack: Pack, key: str) -> ShownType:
    template = pack.templates[key]
    placed = list(template.criteria())
    answers = Counter[str](one.criterion.answer.type for one in placed)
    return ShownType(
        key=key,
        kind=pack.agency_types[key],
        template=template,
        questions=len(placed),
        optional=sum(1 for one in placed if one.standard.optional),
        facts=sum(1 for one in placed if not one.criterion.answer.is_graded),
        answers={kind: answers[kind] for kind in ANSWERS if answers[kind]},
    )


def _features(pack: Pack) -> Iterator[Message]:
    criteria = [placed.criterion for template in pack.templates.values() for placed in template.criteria()]
    if len(pack.oversight_bodies) > 1:
        yield Message(N_("Oversight bodies that share a round: %(number)s"), {"number": len(pack.oversight_bodies)})
    for msgid, number in (
        (N_("Questions that depend on other answers: %(number)s"), sum(1 for one in criteria if one.conditions)),
        (N_("Questions asked for each area: %(number)s"), sum(1 for one in criteria if one.scope == "area")),
        (N_("Questions asked for each site: %(number)s"), sum(1 for one in criteria if one.scope == "site")),
        (N_("Questions with a twin at another type of agency: %(number)s"), sum(1 for one in criteria if one.twins)),
        (
            N_("Facts that come to a grade by themselves: %(number)s"),
            sum(1 for one in criteria if one.answer.is_graded and one.answer.type != "grade"),
        ),
        (N_("Recommendations cited: %(number)s"), len({ref for one in criteria for ref in one.recommendations})),
        (N_("Milestones: %(number)s"), len(pack.milestones)),
    ):
        if number:
            yield Message(msgid, {"number": number})
    if FindingsTexts.of(pack).letter:
        yield Message(N_("Its findings come out as a letter to each area, in words"))
    yield from _of_rules(Judgements.of(pack))
    if pack.moderation is not None:
        rules = ModerationRules.of(pack)
        yield Message(
            N_("A sample is checked: %(percent)s per cent by chance, and by rules of risk: %(rules)s"),
            {"percent": rules.plan.percent, "rules": len(rules.risks)},
        )
    if survey := Survey.of(pack):
        number = len(survey.statements)
        yield Message(N_("A survey of staff beside the answers: %(number)s statements"), {"number": number})
    if pack.examples is not None:
        number = len(pack.examples["examples"])
        yield Message(N_("Worked examples that try the rules: %(number)s"), {"number": number})
    if pack.demonstration is not None:
        yield Message(N_("A demonstration of invented agencies"))


def _of_rules(rules: Judgements | None) -> Iterator[Message]:
    if rules is None:
        yield Message(N_("It gives no judgement"))
        return
    titles = [judgement.title for profile in rules.profiles for judgement in profile.judgements.values()]
    every = list(dict.fromkeys(map(localise, titles)))
    if every:
        yield Message(N_("Judgements by rules: %(titles)s"), {"titles": "; ".join(every)})
    else:
        yield Message(N_("It gives no judgement"))
    judgements = [one for profile in rules.profiles for one in profile.judgements.values()]
    caps = sum(len(one.caps) for one in judgements)
    for msgid, number in (
        (N_("Caps on a judgement: %(number)s"), caps),
        (N_("Key targets: %(number)s"), sum(len(profile.targets) for profile in rules.profiles)),
        (N_("Triggers that call for something: %(number)s"), sum(len(profile.triggers) for profile in rules.profiles)),
    ):
        if number:
            yield Message(msgid, {"number": number})


def sections(readme: str) -> list[tuple[str, str]]:
    """The parts of a Markdown text below its headings of the second level: (heading, text without it)."""
    found: list[tuple[str, list[str]]] = []
    fenced = False
    for line in readme.splitlines():
        fenced ^= line.startswith("```")
        heading = None if fenced else _HEADING.match(line)
        if heading and len(heading[1]) <= 2:
            found.append((heading[2] if len(heading[1]) == 2 else "", []))
        elif found:
            found[-1][1].append(line)
    return [(title, "\n".join(lines).strip()) for title, lines in found if title]


# --- the page of the documentation -----------------------------------------------------------------------------------


def as_markdown(packs: Iterable[Shown]) -> str:
    """The gallery as a page in Markdown, in English, ended by a line feed. The same packs give the same page."""
    every = sorted(packs, key=lambda one: one.pack.pack)
    lines = [
        "# The gallery",
        "",
        "Every pack that comes with Candour, and what it shows. In the service, *Packs and examples* has them as",
        "forms, with blank forms and sample findings to download. This page is made by `candour templates gallery`;",
        "do not edit it.",
        "",
        "| pack | version | types of agency | questions | judges | languages |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in every:
        pack = one.pack
        judges = "yes" if pack.judgements else "no"
        lines.append(
            f"| [`{pack.pack}`](#{_anchor(localise(pack.title))}) | {pack.version} | {len(one.types)} | {one.questions}"
            f" | {judges} | {', '.join(_languages(one))} |"
        )
    for one in every:
        lines += ["", *_one(one)]
    return "\n".join(lines) + "\n"


def _languages(shown: Shown) -> list[str]:
    return [code if whole else f"{code} (in part)" for code, whole in shown.languages.items()]


def _anchor(title: str) -> str:
    """The address of a heading, as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _one(shown: Shown) -> list[str]:
    pack = shown.pack
    lines = [f"## {localise(pack.title)}", "", localise(pack.summary), ""]
    lines += [
        "| type of agency | signed by | questions | optional | facts | answered with |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in shown.types:
        answers = ", ".join(f"{ANSWERS[key]} ({number})" for key, number in one.answers.items())
        lines.append(
            f"| {localise(one.kind.plural)} | {localise(one.kind.signatory)} | {one.questions} | {one.optional}"
            f" | {one.facts} | {answers} |"
        )
    lines += ["", *(f"- {feature}" for feature in shown.features)]
    schemes = pack.grading_schemes.values()
    lines += [f"- Grades, {localise(scheme.title)}: {_grades(scheme.grades)}" for scheme in schemes]
    lines += ["", f"Source: {localise(pack.source)}"]
    if shown.readme:
        lines += ["", f"What is our own assumption stands in [its README](../audit_templates/{pack.pack}/README.md)."]
    lines += ["", f"Its blank forms and sample findings as PDF: `candour templates sample {pack.pack} FOLDER`."]
    return lines


def _grades(grades: Sequence[Grade]) -> str:
    return "; ".join(localise(grade.label) for grade in grades)
