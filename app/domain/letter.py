"""A letter to an area, in words: what the agencies that speak about it found, by theme, with nothing added up.

Nothing here reads a database or knows a pack. Those who *speak about* areas are the agency types whose checklists ask
something per area; the others that work in the area are those that the letter is written to. Themes are its headings,
grades the words under which paragraphs stand. There is no figure of answers, and no grade of the area.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from app.domain.answers import ANSWER_TYPES, Fact
from app.domain.findings import (
    AgencyInfo,
    Document,
    Edition,
    FindingsTexts,
    Frozen,
    ShownFact,
)
from app.domain.integrity import hash_of
from app.domain.templates import Criterion, Pack, Template
from app.domain.text import localise

# characters that turn the direction of what stands behind them, beyond the words that hold them
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


class Contributor(Frozen):
    """One agency that speaks about the area, and who signed for it. Paragraphs name it by `short`."""

    name: str
    short: str
    signed_by: str
    post: str
    signed_at: datetime


class Paragraph(Frozen):
    """What one agency wrote on one question, as typed: a line break ends a paragraph."""

    subject: str
    words: str
    by: str


class Found(Frozen):
    """The paragraphs that stand under one grade. `also`: subjects with that grade of which nothing more was written."""

    label: str
    paragraphs: tuple[Paragraph, ...] = ()
    also: tuple[str, ...] = ()


class Given(Frozen):
    """What one agency answered to a question that is answered with a fact."""

    by: str
    facts: tuple[ShownFact, ...]


class Told(Frozen):
    """The answers to one question that is answered with a fact."""

    subject: str
    given: tuple[Given, ...]


class Section(Frozen):
    """One theme. It is left out where nothing stands in it."""

    key: str
    title: str
    introduction: tuple[str, ...]
    found: tuple[Found, ...]
    told: tuple[Told, ...]


class AreaLetter(Document):
    """The letter. `opening` is what those who send it wrote themselves, to whom it is `addressed_to`.

    `is_draft`: shown for its factual accuracy only; else `edition` is the publication that it came out with, where it
    did.
    """

    format: Literal["candour-area-letter/1"] = "candour-area-letter/1"
    area: str
    addressed_to: tuple[AgencyInfo, ...]
    title: str
    subtitle: str
    about: tuple[str, ...]
    opening: str
    sections: tuple[Section, ...]
    method: tuple[str, ...]
    limits: tuple[str, ...]
    contributors: tuple[Contributor, ...]
    acknowledgement: str
    is_draft: bool = False
    edition: Edition | None = None

    @property
    def said(self) -> dict[str, Any]:
        """What is said in it, for comparing two of them: not when, from what snapshot, or in which edition."""
        return self.model_dump(mode="json", exclude={"snapshot_id", "audit_round", "is_draft", "edition"})

    def sealed(self) -> AreaLetter:
        """The letter with the id of the snapshot that it is."""
        facts = {
            "kind": "area-letter", "closed": self.audit_round.is_closed, "draft": self.is_draft, "said": self.said,
        }  # fmt: skip
        return self.model_copy(update={"snapshot_id": hash_of(facts)})


@dataclass(frozen=True)
class Signed:
    """One submission of an agency that speaks about the area: its answers about that area, by criterion.

    `held`: criterion to the grade that holds where an inspector checked the answer.
    """

    short: str
    agency_type: str
    answers: Mapping[str, Mapping[str, Any]]
    held: Mapping[str, str] = field(default_factory=dict)


def has_letters(pack: Pack) -> bool:
    """Whether the findings of a pack come out as letters to areas: its author says so, and somebody speaks of them."""
    return FindingsTexts.of(pack).letter and any(speaks(one) for one in pack.templates.values())


def speaks(template: Template) -> bool:
    """Whether agencies with this checklist contribute to letters."""
    return template.asks_areas


def short_names(pack: Pack, agencies: Sequence[tuple[str, str, str]], language: str) -> list[str]:
    """What a letter calls each of some agencies, given as (name, type, subtype): its subtype, if only one is of it."""
    kinds = Counter((kind, subtype) for _name, kind, subtype in agencies)
    found = []
    for name, kind, subtype in agencies:
        known = pack.agency_types[kind].subtypes.get(subtype)
        found.append(localise(known.name, language) if known and kinds[kind, subtype] == 1 else name)
    return found


def plain(words: str) -> str:
    """Typed words without what would turn the direction of the words behind them."""
    return _TURNING.sub("", words)


def sections_of(pack: Pack, signed: Sequence[Signed], language: str) -> tuple[Section, ...]:
    """The letter by theme, in the order of the pack. `signed`: in the order in which they are to speak."""
    writing = _Writing(pack, signed, language)
    return tuple(one for one in map(writing.section, pack.themes) if one.found or one.told)


class _Writing:
    """One letter in one language."""

    def __init__(self, pack: Pack, signed: Sequence[Signed], language: str) -> None:
        self.pack = pack
        self.signed = signed
        self.language = language
        self.texts = FindingsTexts.of(pack)

    def say(self, text: Any) -> str:
        return localise(text, self.language)

    def section(self, theme: str) -> Section:
        # by the place of the grade in its scheme, and its words: two checklists may have a scheme each
        paragraphs: dict[tuple[int, str], list[Paragraph]] = defaultdict(list)
        also: dict[tuple[int, str], dict[str, None]] = defaultdict(dict)
        told = []
        for kind, criterion in self._asked(theme):
            subject = self._subject(kind, criterion)
            given = []
            for one, value in self._answers(kind, criterion):
                if criterion.answer.type != "grade":
                    given.append(Given(by=one.short, facts=self._facts(criterion, value)))
                    continue
                key = one.held.get(criterion.id) or value.get("grade", "")
                scheme = self.pack.scheme_of(self.pack.templates[kind], criterion)
                if not key or (grade := scheme.grade(key)).counts_as == "excluded":
                    continue
                under = (scheme.rank(grade.key), self.say(grade.label))
                words = plain(value.get("commentary", "")).strip()
                if words:
                    paragraphs[under].append(Paragraph(subject=subject, words=words, by=one.short))
                else:
                    also[under][subject] = None
            if any(one.facts for one in given):
                told.append(Told(subject=subject, given=tuple(one for one in given if one.facts)))
        introduced = self.texts.themes.get(theme)
        return Section(
            key=theme,
            title=self.say(self.pack.themes[theme].title),
            introduction=tuple(map(self.say, introduced.introduction)) if introduced else (),
            found=tuple(
                Found(label=under[1], paragraphs=tuple(paragraphs[under]), also=tuple(also[under]))
                for under in sorted({*paragraphs, *also})
            ),
            told=tuple(told),
        )

    def _asked(self, theme: str) -> Iterable[tuple[str, Criterion]]:
        """What is asked about areas in a theme. The rest is between the agency and whoever sends the letter."""
        for kind, template in self.pack.templates.items():
            for placed in template.criteria() if speaks(template) else ():
                if placed.criterion.theme == theme and placed.criterion.scope == "area":
                    yield kind, placed.criterion

    def _answers(self, kind: str, criterion: Criterion) -> Iterable[tuple[Signed, Mapping[str, Any]]]:
        for one in self.signed:
            value = one.answers.get(criterion.id) if one.agency_type == kind else None
            if value:
                yield one, value

    def _subject(self, kind: str, criterion: Criterion) -> str:
        labels = self.texts.labels
        return self.say(labels.get(f"{kind}#{criterion.id}") or labels.get(criterion.id) or criterion.question)

    def _facts(self, criterion: Criterion, value: Mapping[str, Any]) -> tuple[ShownFact, ...]:
        facts = list(ANSWER_TYPES[criterion.answer.type].facts(value, criterion))
        if value.get("commentary"):
            facts.append(Fact(value["commentary"], typed=True))
        return tuple(_plain(ShownFact.of(fact, self.language)) for fact in facts)


def _plain(fact: ShownFact) -> ShownFact:
    """A fact whose typed words turn nothing."""
    return ShownFact.model_validate_json(_TURNING.sub("", fact.model_dump_json()))
