"""The regional list of concerns: by region, the agencies and standards that give reason for concern, and why.

A concern is a plain rule with its number: nobody is ranked, and nothing is added up to a score. Nothing here reads a
database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from app.domain.findings import Document, Frozen, Sentence
from app.domain.message import N_, Message
from app.domain.profiles import AgencyLine, Part, Share

UNSURE = 20  # per cent of the criteria that count: from here on what an agency cannot vouch for is a concern
WEAK, BELOW = 50, 15  # a standard of concern: less than half met, or so many points below the share of all
LEAST = 10  # answers: of fewer no standard is called one of concern
KINDS = ("judged", "monitored", "overdue", "far_below", "apart", "changed", "missing")
OVERDUE = 2  # one in so many of the recommendations that concern an agency, or more, is a concern
CHANGED = 4  # every so many-th checked answer found worse than declared is a concern
KIND_NAMES = {
    "judged": N_("Lowest grade"),
    "monitored": N_("Monitored"),
    "overdue": N_("Overdue"),
    "far_below": N_("Far below"),
    "apart": N_("Not assured"),
    "changed": N_("Found worse"),
    "missing": N_("Not submitted"),
}


class Concern(Frozen):
    """One reason for concern, of one of `KINDS`."""

    kind: str
    sentence: Sentence


class AgencyOfConcern(Frozen):
    """An agency with the reasons for concern, those first that come first in `KINDS`."""

    name: str
    code: str
    agency_type: str
    type_label: str
    areas: tuple[str, ...]
    share: Share
    concerns: tuple[Concern, ...]


class StandardOfConcern(Part):
    """A standard of the checklist of one agency type: its share in the region, and in the whole round."""

    type_label: str
    here: Share
    everywhere: Share


class RegionFindings(Frozen):
    """One region, or (`is_area`) one area where areas are not grouped; `name` is empty for agencies of no region.

    `invited` agencies are asked, without nil returns; `submitted` of them have a submission in force. `kinds`: kind of
    concern to the number of agencies, in the order of `KINDS`.
    """

    name: str
    areas: tuple[str, ...]
    invited: int
    submitted: int
    share: Share
    themes: tuple[Share, ...]
    kinds: dict[str, int]
    agencies: tuple[AgencyOfConcern, ...]
    standards: tuple[StandardOfConcern, ...]


class RegionalConcerns(Document):
    """The document. `by_area`: no region is given, so it lists by area. `agencies_of_concern` counts each once.

    `is_withheld`: what was found is not in it, because somebody still checks a return again.
    """

    format: Literal["candour-regional-concerns/1"] = "candour-regional-concerns/1"
    met: str
    by_area: bool
    invited: int
    submitted: int
    everywhere: Share
    themes: tuple[Part, ...]
    everywhere_by_theme: tuple[Share, ...]
    agencies_of_concern: int
    kinds: dict[str, int]
    regions: tuple[RegionFindings, ...]
    is_withheld: bool = False

    @property
    def kinds_used(self) -> tuple[str, ...]:
        """The kinds of concern that there are any of."""
        return tuple(kind for kind in KINDS if self.kinds.get(kind))

    def named(self, kind: str) -> str:
        """What a kind is called, to be translated."""
        return KIND_NAMES[kind]


@dataclass(frozen=True)
class Known:
    """What is known of an agency besides its line: what it is judged as worst (title to grade), monitored since
    when (recommendation, empty for the whole, to the day), and how many recommendations are overdue `of` how many."""

    worst: Mapping[str, str] = field(default_factory=dict)
    monitored: Mapping[str, date] = field(default_factory=dict)
    overdue: int = 0
    of: int = 0


def concerns_of(line: AgencyLine, known: Known) -> tuple[Concern, ...]:
    """The reasons for concern about an agency that submitted."""
    return tuple(_concerns(line, known))


def missing() -> Concern:
    """That an agency has no submission in force."""
    return Concern(kind="missing", sentence=_say(N_("It has no submission that is in force.")))


def _say(msgid: str, **params: object) -> Sentence:
    return Sentence.of(Message(msgid, params))


def _concerns(line: AgencyLine, known: Known) -> Iterator[Concern]:
    for title, grade in known.worst.items():
        yield Concern(
            kind="judged",
            sentence=_say(
                N_("%(judgement)s: “%(grade)s” (lowest grade)."), judgement=title, grade=grade
            ),
        )
    for recommendation in known.monitored:
        yield Concern(
            kind="monitored",
            sentence=_say(N_("It is monitored until %(recommendation)s is carried out."), recommendation=recommendation)
            if recommendation
            else _say(N_("It is monitored as a whole.")),
        )
    if known.overdue and known.overdue * OVERDUE >= known.of:
        yield Concern(
            kind="overdue",
            sentence=_say(
                N_("Of %(of)s recommendations that concern it, %(number)s are overdue."),
                of=known.of, number=known.overdue,
            ),
        )  # fmt: skip
    if line.place == "far_below":
        yield Concern(
            kind="far_below",
            sentence=_say(
                N_(
                    "It meets %(met)s of %(counted)s criteria by its own grades, further below the mean of all than"
                    " chance explains."
                ),
                met=line.share.met, counted=line.share.counted,
            ),
        )  # fmt: skip
    if (line.share.percent_apart or 0) >= UNSURE:
        yield Concern(
            kind="apart",
            sentence=_say(
                N_("Of %(counted)s criteria it does not know of %(number)s how they work in practice."),
                counted=line.share.counted, number=line.share.apart,
            ),
        )  # fmt: skip
    if line.checked.lower and line.checked.lower * CHANGED >= line.checked.answers:
        yield Concern(
            kind="changed",
            sentence=_say(
                N_("Of %(answers)s answers that were checked, %(lower)s were found worse than declared."),
                answers=line.checked.answers, lower=line.checked.lower,
            ),
        )  # fmt: skip


def is_of_concern(here: Share, everywhere: Share) -> bool:
    """Whether a standard is one of concern where it has this share."""
    if here.counted < LEAST or here.percent is None or everywhere.percent is None:
        return False
    return here.percent < WEAK or everywhere.percent - here.percent >= BELOW
