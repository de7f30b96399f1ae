"""Reading the agencies of a round one by one: signed grades, what was found, where they work. For reports.

In a fixed number of statements however many agencies there are. Drafts are never read. The caller asked policy, and
decides whether what inspectors found may be in it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select

from app.db import rows_of
from app.domain.control import place as place_of
from app.domain.findings import Figure, JudgedCell, JudgementFindings
from app.domain.profiles import AgencyLine, Pairing, Part, Share
from app.models import Agency, AgencyInArea, Area, AuditReturn, Declaration, SubmissionAnswer
from app.queries.checks import is_second_at_work
from app.queries.figures import found_last
from app.queries.findings import Asked, Reading
from app.queries.twins import in_force

_Question = tuple[str, str]  # criterion and scope


class Place(NamedTuple):
    """An area; `region` is empty where areas are not grouped."""

    id: int
    public_id: str
    name: str
    code: str
    region: str


class Given(NamedTuple):
    """One signed grade, and the day by which the agency expects it to be in place, if it gave one."""

    asked: Asked
    scope: str
    grade: str
    expected: date | None

    @property
    def kind(self) -> str:
        """What it counts as: `met`, `not_met`, `apart`, `excluded`."""
        return self.asked.kind(self.grade)


@dataclass
class Signed:
    """One agency with a submission in force. `found`: question to (self-grade, grade found) of checked answers."""

    return_id: int
    public_id: str
    agency_id: int
    name: str
    code: str
    agency_type: str
    subtype: str
    signed_at: datetime
    given: list[Given] = field(default_factory=list)
    found: dict[_Question, tuple[str, str]] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)

    def scored(self) -> list[Given]:
        """The grades in standards that are not optional."""
        return [one for one in self.given if not one.asked.optional]


@dataclass(frozen=True)
class Everybody:
    """The agencies of a round by type and name. `without_findings`: what was found is left out, since a second
    inspector is at work. `invited`: every agency asked, its area ids, and whether it has a submission in force."""

    signed: Sequence[Signed]
    places: Sequence[Place]
    invited: Mapping[str, frozenset[int]]
    without_findings: bool = False

    def of_area(self, area_id: int) -> list[Signed]:
        """Those that work in an area."""
        return [one for one in self.signed if any(place.id == area_id for place in one.places)]


def everybody(reading: Reading, *, with_findings: bool = True) -> Everybody:
    """The agencies of a round with a submission in force, and the areas that they work in. Five statements.

    What inspectors found is left out while a second inspector is at work, and where it is not asked for.
    """
    session, audit_round = reading.session, reading.audit_round
    latest = reading.latest
    hidden = not with_findings or is_second_at_work(session, audit_round)
    places = {
        row.id: Place(*row)
        for row in session.execute(select(Area.id, Area.public_id, Area.name, Area.code, Area.region))
    }
    worked: dict[int, list[Place]] = defaultdict(list)
    invited: dict[str, frozenset[int]] = {}
    of_round = select(AuditReturn.agency_id).where(AuditReturn.round_id == audit_round.id)
    for agency_id, area_id in rows_of(
        session,
        select(AgencyInArea.agency_id, AgencyInArea.area_id)
        .where(in_force(audit_round, AgencyInArea), AgencyInArea.agency_id.in_(of_round))
        .order_by(AgencyInArea.id)
    ):
        if places[area_id] not in worked[agency_id]:
            worked[agency_id].append(places[area_id])
    for agency_id, code in rows_of(
        session, select(Agency.id, Agency.code).where(Agency.id.in_(of_round)).order_by(Agency.id)
    ):
        invited[code] = frozenset(one.id for one in worked[agency_id])
    found: dict[int, Signed] = {}
    for row in rows_of(
        session,
        select(
            AuditReturn.id, AuditReturn.public_id, AuditReturn.agency_id, Agency.name, Agency.code,
            AuditReturn.agency_type, AuditReturn.subtype, Declaration.signed_at,
        )
        .join(latest, latest.c.return_id == AuditReturn.id)
        .join(Declaration, Declaration.submission_id == latest.c.submission_id)
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .where(AuditReturn.agency_type.in_(reading.types))
    ):  # fmt: skip
        found[row[0]] = Signed(*row)
        found[row[0]].places = sorted(worked[row[2]], key=lambda place: place.name.casefold())
    for return_id, criterion, scope, grade, expected in rows_of(
        session,
        select(
            latest.c.return_id, SubmissionAnswer.criterion, SubmissionAnswer.scope_key, SubmissionAnswer.grade,
            SubmissionAnswer.value["date_expected"].as_string(),
        )
        .join(latest, latest.c.submission_id == SubmissionAnswer.submission_id)
        .where(SubmissionAnswer.grade != "")
        .order_by(SubmissionAnswer.id)
    ):  # fmt: skip
        one = found.get(return_id)
        asked = reading.asked.get(f"{one.agency_type}#{criterion}") if one else None
        if one and asked and asked.kind(grade):
            one.given.append(Given(asked, scope, grade, date.fromisoformat(expected) if expected else None))
    if not hidden:
        findings = found_last(reading, ())
        for return_id, criterion, scope, self_grade, grade in rows_of(
            session,
            select(findings.c.return_id, findings.c.criterion, findings.c.scope_key, findings.c.self_grade,
                   findings.c.grade)
        ):  # fmt: skip
            if return_id in found:
                found[return_id].found[criterion, scope] = self_grade, grade
    # sorted here: databases sort names in different ways
    order = sorted(
        found.values(), key=lambda one: (reading.types.index(one.agency_type), one.name.casefold(), one.code)
    )
    used = {place for one in worked.values() for place in one}
    return Everybody(
        order, sorted(used, key=lambda place: (place.name.casefold(), place.code)), invited,
        with_findings and hidden,
    )  # fmt: skip


def figure_of(graded: Iterable[tuple[Asked, str]]) -> Figure:
    """Graded answers taken together."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    schemes = {}
    for asked, grade in graded:
        counts[asked.scheme_key][grade] += 1
        schemes[asked.scheme_key] = asked.scheme
    return Figure.total(
        Figure.of(by_grade, scheme_key=key, scheme=schemes[key], asked=by_grade.total())
        for key, by_grade in counts.items()
    )


def share_of(given: Iterable[Given]) -> Share:
    """Signed grades as a share."""
    kinds = Counter(one.kind for one in given)
    return _share(kinds)


def _share(kinds: Mapping[str, int]) -> Share:
    met, apart = kinds.get("met", 0), kinds.get("apart", 0)
    return Share.sum([Share(met=met, counted=met + apart + kinds.get("not_met", 0), apart=apart)])


def pairing(reading: Reading, signed: Iterable[Signed], wanted: Callable[[Asked], bool] | None = None) -> Pairing:
    """What was declared and what was found of the checked answers of some agencies, without optional standards.

    With `wanted`, of the criteria that it takes.
    """
    answers = adjusted = lower = 0
    own: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for one in signed:
        for (criterion, _scope), (self_grade, grade) in one.found.items():
            asked = reading.asked.get(f"{one.agency_type}#{criterion}")
            if asked is None or asked.optional or (wanted and not wanted(asked)):
                continue
            answers += 1
            own[asked.kind(self_grade)] += 1
            held[asked.kind(grade)] += 1
            if grade != self_grade:
                adjusted += 1
                ranks = list(asked.kinds)
                lower += "excluded" not in (asked.kind(grade), asked.kind(self_grade)) and (
                    grade in ranks and self_grade in ranks and ranks.index(grade) > ranks.index(self_grade)
                )
    return Pairing(answers=answers, adjusted=adjusted, lower=lower, own=_share(own), found=_share(held))


def themes_of(reading: Reading) -> tuple[Part, ...]:
    """The themes that a round's graded criteria are put together under, in the pack's order."""
    used = {one.criterion.theme for one in reading.asked.values() if not one.optional}
    return tuple(
        Part(key=key, title=reading.say(theme.title)) for key, theme in reading.pack.themes.items() if key in used
    )


def lines_of(
    reading: Reading, signed: Sequence[Signed], themes: Sequence[Part], *,
    judgements: JudgementFindings | None = None, among: Sequence[Signed] = (),
) -> tuple[AgencyLine, ...]:  # fmt: skip
    """Agencies in a line each. Their place is among the agencies `among` (none given: among themselves)."""
    whole = share_of(given for one in among or signed for given in one.scored())
    mean = whole.met / whole.counted if whole.counted else 0.0
    judged: dict[str, tuple[JudgedCell, ...]] = {}
    if judgements:
        judged = {one.code: one.cells for one in judgements.agencies}
    found = []
    for one in signed:
        by_theme: dict[str, list[Given]] = defaultdict(list)
        for given in one.scored():
            by_theme[given.asked.criterion.theme].append(given)
        share = share_of(one.scored())
        found.append(
            AgencyLine(
                name=one.name, code=one.code, agency_type=one.agency_type,
                type_label=type_label(reading, one.agency_type, one.subtype),
                areas=tuple(place.name for place in one.places), signed_at=one.signed_at, share=share,
                parts=tuple(share_of(by_theme[theme.key]) for theme in themes),
                checked=pairing(reading, [one]), place=place_of(share.met, share.counted, mean),
                judged=judged.get(one.code, ()),
            )
        )  # fmt: skip
    return tuple(found)


def type_label(reading: Reading, agency_type: str, subtype: str = "") -> str:
    """What one agency of a type, or of one of its subtypes, is called."""
    kind = reading.pack.agency_types[agency_type]
    known = kind.subtypes.get(subtype)
    return reading.say(known.name if known else kind.name)
