"""Reading the regional list of concerns. For who inspects in the round: it names agencies and says why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.clock import today
from app.domain.findings import JointFindings, NotResponding
from app.domain.integrity import hash_of
from app.domain.profiles import AgencyLine, Share
from app.domain.regional import (
    KINDS,
    AgencyOfConcern,
    Known,
    RegionalConcerns,
    RegionFindings,
    StandardOfConcern,
    concerns_of,
    is_of_concern,
    missing,
)
from app.models import AuditRound
from app.policy import Actor, require
from app.queries.findings import Reading, joint_findings, reading_of
from app.queries.follow_up import followed_up, monitoring_of_round
from app.queries.judgements import books_of
from app.queries.profiles import (
    Everybody,
    Given,
    Place,
    Signed,
    everybody,
    lines_of,
    share_of,
    themes_of,
    type_label,
)
from app.queries.release import cited
from app.queries.rounds import round_facts


def regional_concerns(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, language: str = "en"
) -> RegionalConcerns:
    """The list as it stands now, by region or, where no area has one, by area. Raises Denied."""
    require(actor, "findings.make", round_facts(session, audit_round, now=now))
    reading = reading_of(session, audit_round, language)
    joint = joint_findings(session, audit_round, actor=actor, now=now, language=language)
    found = everybody(reading)
    themes = themes_of(reading)
    lines = lines_of(reading, found.signed, themes)
    of_concern = _of_concern(session, reading, joint, found, lines, actor=actor, now=now)
    by_area = not any(place.region for place in found.places)
    groups = _groups(found, by_area)
    standards = _standards(reading, found.signed)
    regions = []
    # codes of agencies in no area at all come last
    for name, places in groups:
        ids = {place.id for place in places}
        codes = {code for code, areas in found.invited.items() if areas & ids or (not ids and not areas)}
        members = [(one, line) for one, line in zip(found.signed, lines, strict=True) if one.code in codes]
        nil = sum(one.code in codes and one.stage == "nil" for one in joint.not_responding)
        if not codes:
            continue
        named = [of_concern[code] for code in of_concern if code in codes]
        regions.append(
            RegionFindings(
                name=name,
                areas=tuple(place.name for place in places),
                invited=len(codes) - nil,
                submitted=len(members),
                share=Share.sum(line.share for _one, line in members),
                themes=tuple(Share.sum(line.parts[place] for _one, line in members) for place in range(len(themes))),
                kinds=_kinds(named),
                agencies=tuple(named),
                standards=_of_region(reading, [one for one, _line in members], standards),
            )
        )
    nil = sum(one.stage == "nil" for one in joint.not_responding)
    report = RegionalConcerns(
        snapshot_id="",
        language=language,
        audit_round=joint.audit_round,
        pack=joint.pack,
        bodies=joint.bodies,
        met=joint.texts.met,
        by_area=by_area,
        invited=len(found.invited) - nil,
        submitted=len(found.signed),
        everywhere=Share.sum(line.share for line in lines),
        themes=themes,
        everywhere_by_theme=tuple(Share.sum(line.parts[place] for line in lines) for place in range(len(themes))),
        agencies_of_concern=len(of_concern),
        kinds=_kinds(list(of_concern.values())),
        regions=tuple(regions),
        is_withheld=found.without_findings,
    )
    content = report.model_dump(mode="json", exclude={"snapshot_id"})
    return report.model_copy(update={"snapshot_id": hash_of({"kind": "regional-concerns", "content": content})})


def _kinds(named: Sequence[AgencyOfConcern]) -> dict[str, int]:
    counts = Counter(kind for one in named for kind in {concern.kind for concern in one.concerns})
    return {kind: counts[kind] for kind in KINDS if counts[kind]}


def _groups(found: Everybody, by_area: bool) -> list[tuple[str, list[Place]]]:
    """Regions by name with their areas, then areas without one together, then agencies that work in no area."""
    if by_area:
        groups = [(place.name, [place]) for place in found.places]
    else:
        by_region: dict[str, list[Place]] = defaultdict(list)
        for place in found.places:
            by_region[place.region].append(place)
        groups = [(name, by_region[name]) for name in sorted(by_region, key=lambda name: (not name, name.casefold()))]
    return [*groups, ("", [])]


def _of_concern(
    session: Session, reading: Reading, joint: JointFindings, found: Everybody, lines: Sequence[AgencyLine], *,
    actor: Actor, now: datetime,
) -> dict[str, AgencyOfConcern]:  # fmt: skip
    """Agency code to the agency with its concerns: most kinds first, then by type and name."""
    audit_round = reading.audit_round
    worst: dict[str, dict[str, str]] = defaultdict(dict)
    books = books_of(audit_round)
    for agency in joint.judgements.agencies if joint.judgements and not found.without_findings else ():
        book = books[agency.agency_type]
        for cell in agency.cells:
            lowest = reading.say(book.scale(cell.key).grades[-1].label)
            if cell.grade and cell.grade == lowest:
                worst[agency.code][reading.say(book.profile.judgements[cell.key].title)] = cell.grade
    monitored: dict[str, dict[str, date]] = defaultdict(dict)
    for one in monitoring_of_round(session, audit_round, actor=actor, now=now):
        if one.cleared_at is None:
            name = cited(reading.pack, one.recommendation)
            monitored[one.audit_return.agency.code].setdefault(name, today(one.since))
    overdue = {
        line.code: (line.numbers["overdue"], line.numbers.total() - line.numbers["not_applicable"])
        for line in followed_up(session, audit_round, actor=actor, now=now).lines
    }
    made: list[AgencyOfConcern] = []
    for line in lines:
        known = Known(worst[line.code], monitored[line.code], *overdue.get(line.code, (0, 0)))
        concerns = concerns_of(line, known)
        if concerns:
            made.append(
                AgencyOfConcern(
                    name=line.name, code=line.code, agency_type=line.agency_type, type_label=line.type_label,
                    areas=line.areas, share=line.share, concerns=concerns,
                )
            )  # fmt: skip
    made += [_missing(reading, one, found) for one in joint.not_responding if one.stage != "nil"]
    made.sort(key=lambda one: -len({concern.kind for concern in one.concerns}))  # stable: by type and name within
    return {one.code: one for one in made}


def _missing(reading: Reading, one: NotResponding, found: Everybody) -> AgencyOfConcern:
    names = {place.id: place.name for place in found.places}
    return AgencyOfConcern(
        name=one.name, code=one.code, agency_type=one.agency_type,
        type_label=type_label(reading, one.agency_type, one.subtype),
        areas=tuple(sorted(names[id_] for id_ in found.invited.get(one.code, ()))), share=Share(),
        concerns=(missing(),),
    )  # fmt: skip


_Standards = Mapping[tuple[str, str], Share]


def _by_standard(signed: Sequence[Signed]) -> dict[tuple[str, str], list[Given]]:
    found: dict[tuple[str, str], list[Given]] = defaultdict(list)
    for one in signed:
        for given in one.scored():
            found[one.agency_type, given.asked.placed.standard.id].append(given)
    return found


def _standards(reading: Reading, signed: Sequence[Signed]) -> _Standards:
    return {key: share_of(given) for key, given in _by_standard(signed).items()}


def _of_region(reading: Reading, signed: Sequence[Signed], everywhere: _Standards) -> tuple[StandardOfConcern, ...]:
    found = []
    by_standard = _by_standard(signed)
    for kind in reading.types:
        for number, standard in enumerate(reading.pack.templates[kind].standards, start=1):
            given = by_standard.get((kind, standard.id))
            if not given:
                continue
            here, every = share_of(given), everywhere[kind, standard.id]
            if is_of_concern(here, every):
                found.append(
                    StandardOfConcern(
                        key=standard.id, number=str(number), title=reading.say(standard.title),
                        type_label=reading.plural(kind), here=here, everywhere=every,
                    )
                )  # fmt: skip
    return tuple(sorted(found, key=lambda one: one.here.percent or 0))


