"""Reading the report across the agencies of one area.

For who inspects in the round, with what was found and judged; and once the findings are published and the round has
released submissions to areas, for the area's coordinators, of what agencies signed alone. They read the submissions of
their own area themselves, so it names these agencies; of those elsewhere it gives no figure about too few.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.area_report import (
    AreaAgency,
    AreaMilestone,
    AreaReport,
    TwinHere,
    TwinPair,
    questions_of,
    shared,
)
from app.domain.findings import JointFindings, TwinSide
from app.domain.integrity import hash_of
from app.domain.profiles import Part, Share
from app.domain.suppression import for_readers
from app.models import Area, AuditRound
from app.policy import Actor, AreaFacts, allows, require, system_actor
from app.queries.checks import judgements_of
from app.queries.figures import areas_of_round
from app.queries.findings import Asked, Reading, has_joint, joint_findings, reading_of, small_numbers
from app.queries.judgements import books_of
from app.queries.profiles import Everybody, Signed, everybody, figure_of, lines_of, share_of, themes_of
from app.queries.rounds import NotFound, round_facts
from app.queries.twins import VIEWS, meetings, sides_of, twin_pairs, view_of

_LOADER = system_actor("area-report")  # policy was asked with more facts


def area_facts(session: Session, audit_round: AuditRound, area_id: int, *, now: datetime) -> AreaFacts:
    """What policy needs to know of the report on an area in a round."""
    facts = round_facts(session, audit_round, now=now)
    released = audit_round.area_release == "on_submission" or (
        audit_round.area_release == "at_close" and now > audit_round.open_until
    )
    return AreaFacts(**vars(facts), area_id=area_id, released=released)


def may_read_area_report(
    session: Session, audit_round: AuditRound, area: str, *, actor: Actor, now: datetime
) -> bool:
    """Whether the actor may read the report on an area, given by its public id."""
    area_id = session.scalar(select(Area.id).where(Area.public_id == area))
    if area_id is None or not has_joint(audit_round):
        return False
    return allows(actor, "area_report.read", area_facts(session, audit_round, area_id, now=now))


def area_report(
    session: Session, audit_round: AuditRound, area: str, *, actor: Actor, now: datetime, language: str = "en"
) -> AreaReport:
    """The report on an area, given by its public id. Raises Denied, and NotFound where no agency of the round works
    in it."""
    row = session.scalar(select(Area).where(Area.public_id == area))
    if row is None:
        raise NotFound
    facts = area_facts(session, audit_round, row.id, now=now)
    require(actor, "area_report.read", facts)
    inspects = allows(actor, "release.read", facts)
    reading = reading_of(session, audit_round, language)
    found = everybody(reading, with_findings=inspects)
    if not any(place.id == row.id for place in found.places):
        raise NotFound
    joint = joint_findings(session, audit_round, actor=_LOADER, now=now, language=language)
    shows = inspects and not found.without_findings
    judgements = judgements_of(reading) if shows else None
    mine = found.of_area(row.id)
    themes = themes_of(reading)
    by_line = lines_of(reading, mine, themes, judgements=judgements, among=found.signed)
    milestones = {
        key: AreaMilestone(
            key=key, label=reading.say(one.label), date=one.due(audit_round.milestones_from)
        )
        for key, one in reading.pack.milestones.items()
    }
    codes = {code for code, areas in found.invited.items() if row.id in areas}
    below = 0 if inspects else small_numbers(audit_round, reading.texts)[0]
    everywhere, every = _everywhere(reading, joint, found.signed, mine, below)
    report = AreaReport(
        snapshot_id="",
        language=language,
        audit_round=joint.audit_round,
        pack=joint.pack,
        bodies=joint.bodies,
        schemes=joint.schemes,
        met=joint.texts.met,
        area=row.name,
        region=row.region,
        others=len(found.places) - 1,
        invited=len(codes),
        agencies=tuple(
            AreaAgency(
                **{name: getattr(line, name) for name in type(line).model_fields}
                | ({"place": ""} if everywhere.hidden else {}),  # it is measured by the share of all
                figure=figure_of((given.asked, given.grade) for given in one.scored()),
                **_against(one, milestones),
            )
            for one, line in zip(mine, by_line, strict=True)
        ),
        not_responding=tuple(one for one in joint.not_responding if one.code in codes),
        here=share_of(given for one in mine for given in one.scored()),
        everywhere=everywhere,
        themes=tuple(
            shared(theme, [line.parts[place] for line in by_line], every.get(theme.key, Share()))
            for place, theme in enumerate(themes)
        ),
        twins=_twins(reading, found, row.id),
        milestones=tuple(sorted(milestones.values(), key=lambda one: (one.date, one.key))),
        judgements=_judgements(reading, {one.agency_type for one in mine}) if judgements else (),
        shows_findings=shows,
        is_withheld=inspects and found.without_findings,
        suppressed_below=below,
    )  # fmt: skip
    content = report.model_dump(mode="json", exclude={"snapshot_id"})
    return report.model_copy(
        update={
            "snapshot_id": hash_of({"kind": "area-report", "area": area, "content": content}),
            "questions": questions_of(report),
        }
    )


def _everywhere(
    reading: Reading, joint: JointFindings, signed: Sequence[Signed], mine: Sequence[Signed], below: int
) -> tuple[Share, Mapping[str, Share]]:
    """The share of all areas, and that of each theme: hidden where too few agencies are behind it, or would be behind
    what the area's own figures leave of it."""
    shown = for_readers(joint, below=below, names=True, words=reading.words)
    here = {one.return_id for one in mine}
    elsewhere: dict[str, set[int]] = defaultdict(set)
    for one in signed:
        if one.return_id not in here:
            for given in one.scored():
                elsewhere[given.asked.criterion.theme].add(one.return_id)
                elsewhere[""].add(one.return_id)
    by_theme = {
        theme.key: Share(hidden=True)
        if theme.figure.hidden or 0 < len(elsewhere[theme.key]) < below
        else Share.of(theme.figure)
        for theme in shown.themes
    }
    # the whole would give a hidden theme away
    few = 0 < len(elsewhere[""]) < below or shown.response_total.hidden
    if few or any(one.hidden for one in by_theme.values()):
        return Share(hidden=True), by_theme
    return share_of(given for one in signed for given in one.scored()), by_theme


def areas_to_report(session: Session, audit_round: AuditRound) -> Sequence[tuple[str, str, str]]:
    """The areas that agencies of a round work in, by name: public id, name, region. The caller asked policy."""
    regions = {row.id: row.region for row in session.execute(select(Area.id, Area.region))}
    return [(one.public_id, one.name, regions[one.id]) for one in areas_of_round(session, audit_round)]


def _judgements(reading: Reading, types: set[str]) -> tuple[Part, ...]:
    """The judgements of some agency types; those of the same key and name once."""
    found: dict[str, Part] = {}
    for kind, book in books_of(reading.audit_round).items():
        if kind in types:
            for key, judgement in book.profile.judgements.items():
                found.setdefault(key, Part(key=key, title=reading.say(judgement.title)))
    return tuple(found.values())


def _against(one: Signed, milestones: dict[str, AreaMilestone]) -> dict[str, int]:
    """How what an agency has not in place stands against the milestones of its criteria."""
    counts: dict[str, int] = defaultdict(int)
    for given in one.scored():
        milestone = milestones.get(given.asked.criterion.milestone or "")
        if milestone is None or given.kind not in ("not_met", "apart"):
            continue
        counts["not_yet"] += 1
        late = given.expected is not None and given.expected > milestone.date
        counts["no_date" if given.expected is None else "after" if late else "by_then"] += 1
    return dict(counts)


def _twins(reading: Reading, found: Everybody, area_id: int) -> tuple[TwinHere, ...]:
    """The duties that agencies of the area share and both answered. Two statements."""
    pairs = twin_pairs(reading.asked)
    if not pairs:
        return ()
    sides = sides_of(reading, pairs)
    names = {one.return_id: one.name for one in found.signed}
    here = next(one for one in found.places if one.id == area_id)
    made = []
    for pair in pairs:
        rows = []
        counts: dict[str, int] = dict.fromkeys(VIEWS, 0)
        for a, b in meetings(sides, pair, (here.name, here.id)):
            if a.return_id not in names or b.return_id not in names:
                continue
            view = view_of(pair[0].kind(a.grade), pair[1].kind(b.grade))
            counts[view] += 1
            rows.append(
                TwinPair(
                    a_agency=names[a.return_id], a_grade=reading.say(pair[0].scheme.grade(a.grade).label),
                    b_agency=names[b.return_id], b_grade=reading.say(pair[1].scheme.grade(b.grade).label), view=view,
                )
            )  # fmt: skip
        if rows:
            rows.sort(key=lambda row: (VIEWS.index(row.view), row.a_agency.casefold(), row.b_agency.casefold()))
            made.append(
                TwinHere(
                    a=_side(reading, pair[0]), b=_side(reading, pair[1]), rows=tuple(rows), pairs=len(rows),
                    compared=len(rows) - counts["not_comparable"], **counts,
                )
            )  # fmt: skip
    return tuple(made)


def _side(reading: Reading, asked: Asked) -> TwinSide:
    return TwinSide(
        reference=asked.reference, agency_type=asked.agency_type, agencies=reading.plural(asked.agency_type),
        number=asked.placed.number, label=reading.label(asked), question=reading.say(asked.criterion.question),
    )  # fmt: skip
