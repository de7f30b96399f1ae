"""The register of what a published report recommends: to whom, by when, what those addressed say, how it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Literal, Self

from app.domain.findings import Document, Figure, Frozen, GradeInfo, SchemeInfo
from app.domain.mail import CATCH_UP, reminder_due

ANSWER = Literal["", "accepted", "partly", "not_accepted"]
PROGRESS = Literal["", "not_begun", "under_way", "done"]
STATE = Literal["", "accepted", "under_way", "done", "not_accepted"]
LONGEST_TERM = 120  # months: what is asked for later than that is called by its day alone


class Said(Frozen):
    """One addressee: what an agency says itself (`answer` empty: nothing yet), and how inspectors say that it stands.

    Of an oversight body only the latter is recorded. `code` is an agency's.
    """

    name: str
    code: str = ""
    answer: ANSWER = ""
    progress: PROGRESS = ""
    text: str = ""
    expected: date | None = None
    said_on: date | None = None
    state: STATE = ""
    note: str = ""
    recorded_on: date | None = None


class Counts(Frozen):
    """Numbers that can be added up."""

    @classmethod
    def sum(cls, parts: Iterable[Self]) -> Self:
        """Those of several taken together."""
        total: Counter[str] = Counter()
        for one in parts:
            total.update(one.model_dump())
        return cls(**total)


class Responses(Counts):
    """Responses that agencies were asked for, one for each recommendation and agency: those there are, by what they
    say, and (where it is accepted, also in part) by how far the agency is with it; and those that are awaited."""

    asked: int = 0
    accepted: int = 0
    partly: int = 0
    not_accepted: int = 0
    awaited: int = 0
    not_begun: int = 0
    under_way: int = 0
    done: int = 0

    @classmethod
    def of(cls, said: Iterable[Said]) -> Responses:
        """Count them."""
        every = list(said)
        answers: Counter[str] = Counter(one.answer or "awaited" for one in every)
        steps: Counter[str] = Counter(one.progress for one in every if one.progress)
        return cls(asked=len(every), **answers, **steps)

    @property
    def given(self) -> int:
        """How many there are."""
        return self.asked - self.awaited

    @property
    def figure(self) -> Figure:
        """The same as charts draw it; those awaited count, as what is not there."""
        met = self.accepted + self.partly
        return Figure(
            asked=self.asked, counted=self.asked, met=met, not_met=self.asked - met, scheme="responses",
            by_grade={
                "accepted": self.accepted, "partly": self.partly, "not_accepted": self.not_accepted,
                "awaited": self.awaited,
            },
        )  # fmt: skip


class Standing(Counts):
    """How many addressees stand how, as inspectors say; of those `open` they have said nothing yet."""

    open: int = 0
    accepted: int = 0
    under_way: int = 0
    done: int = 0
    not_accepted: int = 0

    @classmethod
    def of(cls, said: Iterable[Said]) -> Standing:
        """Count them."""
        states: Counter[str] = Counter(one.state or "open" for one in said)
        return cls(**states)


class Entry(Frozen):
    """One recommendation. `language`: of its text, where that is not the document's. `addressee` in words.

    `months` from its publication to the day by which it is asked for. `withdrawn_in`: the edition that makes it no
    more; then nothing is asked of anybody. `said` has the addressees, which for agencies of other inspectors' types are
    only counted (`is_counted_only`).
    """

    number: int
    text: str
    language: str
    addressee: str
    agency_type: str
    published_on: date
    edition: int
    withdrawn_in: int | None
    due: date | None
    months: int | None
    is_past: bool
    responses: Responses
    standing: Standing
    is_counted_only: bool
    said: tuple[Said, ...]


class ByAddressee(Frozen):
    """The recommendations in force to the agencies of one type, or to a body, and what is said to them.

    `waiting`: agencies that have not responded to all of them.
    """

    addressee: str
    agency_type: str
    addressed: int
    recommendations: int
    waiting: int
    responses: Responses
    standing: Standing


class Waiting(Frozen):
    """An agency that has not responded to everything: the numbers of what waits, and since when it was asked."""

    name: str
    code: str
    addressee: str
    numbers: tuple[int, ...]
    since: date


class RecommendedRegister(Document):
    """The register of one round's written report, as it stood on the day `today`.

    For inspectors alone: it says what single agencies told them, and what they think of it themselves. `waiting` names
    agencies of their own types. `in_force`, `withdrawn`, `past`: recommendations. Figures are of those in force.
    """

    format: Literal["candour-recommended/1"] = "candour-recommended/1"
    today: date
    in_force: int
    withdrawn: int
    past: int
    responses: Responses
    standing: Standing
    by_addressee: tuple[ByAddressee, ...]
    entries: tuple[Entry, ...]
    waiting: tuple[Waiting, ...]

    @property
    def agencies_waiting(self) -> int:
        """How many agencies have not responded to everything, those that are not named among them."""
        return sum(one.waiting for one in self.by_addressee)

    @staticmethod
    def schemes(accepted: str, partly: str, not_accepted: str, awaited: str) -> tuple[SchemeInfo, ...]:
        """What responses can say, as charts draw it, in words of a language."""
        grades = (
            ("accepted", accepted, "met"), ("partly", partly, "met"), ("not_accepted", not_accepted, "not_met"),
            ("awaited", awaited, "not_met"),
        )  # fmt: skip
        return (
            SchemeInfo(
                key="responses", title="", bases=(),
                grades=tuple(
                    GradeInfo.model_validate(
                        {"key": key, "label": str(label), "meaning": "", "counts_as": counts, "shown_apart": False}
                    )
                    for key, label, counts in grades
                ),
            ),
        )  # fmt: skip


def months_until(start: date, end: date) -> int | None:
    """The smallest number of whole months that end no sooner than a day; None of too many."""
    if end <= start:
        return 0
    months = (end.year - start.year) * 12 + end.month - start.month
    whole = months if end.day <= start.day else months + 1
    return whole if whole <= LONGEST_TERM else None


# --- whoever does not respond is reminded ----------------------------------------------------------------------------

AGAIN = timedelta(weeks=4)  # where no day is ahead


def response_reminder(day: date, *, due: date | None, published: date) -> str:
    """Which reminder to respond to a recommendation is due on a day, as a key of its own; empty where none is.

    `before-10`, -5 and -1: business days before the day by which it is asked for. After that day, and where none is
    set, every four weeks (`after-1`, …), for as long as nobody responds.
    """
    is_ahead = due is not None and due > published
    if due is not None and is_ahead and day <= due:
        number = reminder_due(day, due, invited=published)
        return "" if number is None else f"before-{number}"
    # the first one comes on the day after
    start = due + timedelta(days=1) - AGAIN if due is not None and is_ahead else published
    number, over = divmod(day - start, AGAIN)
    return f"after-{number}" if number >= 1 and over <= CATCH_UP else ""


# --- what a register is made of --------------------------------------------------------------------------------------


def by_addressee(entries: Sequence[tuple[Entry, Sequence[Said]]]) -> tuple[ByAddressee, ...]:
    """Recommendations in force taken together by whom they are addressed to, in the order of the first of each.

    Each comes with all its addressees, those that are only counted too.
    """
    groups: dict[tuple[str, str], list[tuple[Entry, Sequence[Said]]]] = {}
    for entry, said in entries:
        if entry.withdrawn_in is None:
            groups.setdefault((entry.agency_type, entry.addressee), []).append((entry, said))
    found = []
    for (agency_type, addressee), mine in groups.items():
        every = [one for _entry, said in mine for one in said]
        waiting = {one.code for one in every if agency_type and not one.answer}
        found.append(
            ByAddressee(
                addressee=addressee, agency_type=agency_type, addressed=len(mine[0][1]), recommendations=len(mine),
                waiting=len(waiting), responses=Responses.of(every if agency_type else ()),
                standing=Standing.of(every),
            )
        )  # fmt: skip
    return tuple(found)


def waiting_of(entries: Sequence[Entry]) -> tuple[Waiting, ...]:
    """The agencies that have not responded to everything that is asked of them now: most first, then by name."""
    open_ones: dict[str, list[tuple[Entry, Said]]] = {}
    for entry in entries:
        for one in entry.said if entry.agency_type and entry.withdrawn_in is None else ():
            if not one.answer:
                open_ones.setdefault(one.code, []).append((entry, one))
    found = [
        Waiting(
            name=mine[0][1].name, code=code, addressee=mine[0][0].addressee,
            numbers=tuple(entry.number for entry, _said in mine),
            since=min(entry.published_on for entry, _said in mine),
        )
        for code, mine in open_ones.items()
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.since, -len(one.numbers), one.name.casefold(), one.code)))
