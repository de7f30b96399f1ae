"""Reading findings: figures over all submissions of a round, in a fixed number of SQL statements.

For each return the latest submission that is not voided is read; drafts never are. What the figures mean is decided in
`app.domain.findings`; the sentences in `app.domain.key_messages`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from functools import cached_property
from typing import Any

from sqlalchemy import CTE, ColumnElement, Subquery, and_, case, false, func, or_, select
from sqlalchemy.orm import Session, aliased

from app.clock import today
from app.domain import key_messages as say
from app.domain.asking import GradeAsked
from app.domain.findings import (
    AgencyInfo,
    AgencyTypeInfo,
    AssuranceFindings,
    AssuranceRow,
    BasisCount,
    BasisInfo,
    Body,
    CheckFindings,
    CriterionFindings,
    Figure,
    FigureBy,
    FindingsTexts,
    GradeInfo,
    JointFindings,
    JudgementFindings,
    MilestoneFindings,
    MilestoneRow,
    Named,
    NotResponding,
    Overall,
    PackInfo,
    Quantified,
    ResponseRow,
    RoundInfo,
    SchemeInfo,
    StaffFindings,
    Texts,
    ThemeFindings,
    TwinArea,
    TwinFindings,
    TwinSide,
    percent,
)
from app.domain.integrity import hash_of
from app.domain.key_messages import Wording
from app.domain.message import N_
from app.domain.suppression import for_readers
from app.domain.templates import Criterion, GradingScheme, Pack, Placed
from app.domain.text import Text, localise
from app.languages import translations
from app.models import (
    Agency,
    AgencyInArea,
    AuditReturn,
    AuditRound,
    Declaration,
    Feedback,
    Merger,
    OversightBody,
    RoundTemplate,
    Submission,
    SubmissionAnswer,
    TemplateVersion,
)
from app.policy import Actor, allows, require
from app.queries.checks import checks_of, is_second_at_work, judgements_of
from app.queries.facts import fact_findings
from app.queries.packs import pack_of
from app.queries.rounds import IN_FORCE, is_merged_clause, own_due, round_facts
from app.queries.staff import staff_findings
from app.queries.twins import VIEWS, counts_by_area, grades_by_area, in_force, sides_of, twin_pairs

EXTREMES = 3  # how many criteria a theme lists as most and least often met
NOT_RESPONDING = {"invited": "not_started", "started": "in_progress", "nil": "nil"}


@dataclass(frozen=True)
class Asked:
    """A criterion of one agency type with everything that figures need to know of it."""

    agency_type: str
    placed: Placed
    scheme_key: str
    scheme: GradingScheme

    @property
    def criterion(self) -> Criterion:
        """The criterion itself."""
        return self.placed.criterion

    @property
    def reference(self) -> str:
        """`agency-type#criterion`."""
        return f"{self.agency_type}#{self.criterion.id}"

    @property
    def optional(self) -> bool:
        """Whether its standard is optional."""
        return self.placed.standard.optional

    def kind(self, grade: str) -> str:
        """What a grade counts as: `met`, `not_met`, `apart`, `excluded`; empty for a grade of no scheme."""
        return self.kinds.get(grade, "")

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Each grade of the scheme, in its order, to what it counts as."""
        return {
            grade.key: "apart" if grade.counts_as == "not_met" and grade.shown_apart else grade.counts_as
            for grade in self.scheme.grades
        }


@dataclass(frozen=True)
class Reading:
    """One round being read: its pack, its words, and which agency types it serves.

    `asked` are the criteria that come to grades, `facts` those answered with a fact, each by reference.
    """

    session: Session
    audit_round: AuditRound
    pack: Pack
    texts: FindingsTexts
    words: Wording
    language: str
    types: tuple[str, ...]
    asked: Mapping[str, Asked]
    facts: Mapping[str, Asked]
    # filled from the first statement: submitted returns by (agency type, subtype)
    submitted: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    @cached_property
    def latest(self) -> CTE:
        """SQL: the submissions that are read. See `latest_submissions`."""
        return latest_submissions(self.audit_round)

    def say(self, text: Text | None) -> str:
        """A text of the pack in the language of the findings."""
        return localise(text, self.language) if text else ""

    def says(self, texts: Iterable[Text]) -> tuple[str, ...]:
        """Several paragraphs."""
        return tuple(self.say(text) for text in texts)

    def label(self, asked: Asked) -> str:
        """A few words for a criterion: the pack's label, or else its question."""
        labels = self.texts.labels
        given = labels.get(asked.reference) or labels.get(asked.criterion.id)
        label = self.say(given or asked.criterion.question)
        match asked.criterion.scope:
            case "area":
                return self.words.say(N_("%(label)s (one answer for each area)"), label=label)
            case "site":
                return self.words.say(N_("%(label)s (one answer for each site)"), label=label)
        return label

    def plural(self, agency_type: str, subtype: str = "") -> str:
        """The plural of an agency type, or of one of its subtypes."""
        kind = self.pack.agency_types[agency_type]
        if not subtype:
            return self.say(kind.plural)
        known = kind.subtypes.get(subtype)
        return self.say(known.plural) if known else subtype


def has_joint(audit_round: AuditRound) -> bool:
    """Whether the answers of a round are added up; its author can say that they are not (`joint: false`)."""
    version = audit_round.pack_version
    return _frozen(version.sha256, pack_of(version))[0].joint


def joint_findings(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, language: str = "en",
    publishing: bool = False,
) -> JointFindings:  # fmt: skip
    """The joint findings of a round as they stand now. Raises Denied unless the actor may read them.

    For `publishing`: all of them, and as they come out. Nobody reads that before: see `whole_findings`.
    """
    found = whole_findings(session, audit_round, actor=actor, now=now, language=language, everything=publishing)
    return as_published(session, audit_round, found) if publishing else found


def whole_findings(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, language: str = "en",
    everything: bool = False,
) -> JointFindings:  # fmt: skip
    """The joint findings of a round as inspectors see them, with small numbers and names. Raises Denied.

    Figures are from submissions only. What checks and judgements came to is in it for oversight bodies; while a second
    inspector is at work, only with `everything`, which is for nobody to read before.
    """
    facts_ = round_facts(session, audit_round, now=now, agencies=True)
    require(actor, "findings.read", facts_)
    reading = reading_of(session, audit_round, language)
    checks = judgements = None
    if everything or (allows(actor, "release.read", facts_) and not is_second_at_work(session, audit_round)):
        checks, judgements = checks_of(reading), judgements_of(reading)
    staff = staff_findings(reading)
    facts, as_at = _facts(reading)
    if staff and staff.given_at:
        as_at = max(as_at, staff.given_at)
    response = _response(reading)
    criteria = _criteria(reading)
    themes = _themes(reading, criteria)
    scored = [criterion for criterion in criteria if not criterion.optional]
    is_closed = now > audit_round.open_until
    version = audit_round.pack_version
    findings = JointFindings(
        snapshot_id=hash_of({"facts": facts, "template": version.sha256, "round": audit_round.key,
                             "closed": is_closed, "language": language, **_came_to(checks, judgements, staff)}),
        language=language,
        audit_round=round_info(audit_round, as_at=as_at, is_closed=is_closed),
        pack=pack_info(audit_round, reading.pack, language),
        bodies=bodies_of(session, audit_round),
        texts=_texts(reading),
        agency_types=_agency_types(reading),
        schemes=scheme_infos(reading.pack, {asked.scheme_key for asked in reading.asked.values()}, language),
        quantifiers=_quantifiers(reading),
        response=response[:-1],
        response_total=response[-1],
        overall=_overall(reading, scored),
        themes=themes,
        milestones=_milestones(reading, scored),
        assurance=_assurance(reading),
        twins=_twins(reading),
        optional=tuple(criterion for criterion in criteria if criterion.optional),
        facts=fact_findings(reading),
        staff=staff,
        not_responding=_not_responding(reading),
        key_messages=(),
        checks=checks,
        judgements=judgements,
    )  # fmt: skip
    return findings.model_copy(update={"key_messages": say.key_messages(findings, reading.words)})


def small_numbers(audit_round: AuditRound, texts: FindingsTexts | None = None) -> tuple[int, bool]:
    """Below how many agencies nothing is said beyond the inspectorates (0: no limit), and whether agencies are named
    there: as the round has it, else as its pack does."""
    texts = texts or FindingsTexts.of(pack_of(audit_round.pack_version))
    below, names = audit_round.suppress_below, audit_round.names_agencies
    return texts.suppress_below if below is None else below, texts.names_agencies if names is None else names


def as_published(session: Session, audit_round: AuditRound, findings: JointFindings) -> JointFindings:
    """Whole findings as they come out: without small numbers, and without names where they are not to be in it."""
    below, names = small_numbers(audit_round)
    if not below and names:
        return findings
    reading = reading_of(session, audit_round, findings.language)
    left = for_readers(findings, below=below, names=names, words=reading.words)
    snapshot = hash_of({"findings": findings.snapshot_id, "below": below, "names": names})
    return left.model_copy(update={"snapshot_id": snapshot})


# --- what is read, and its snapshot ----------------------------------------------------------------------------------


def _came_to(
    checks: CheckFindings | None, judgements: JudgementFindings | None, staff: StaffFindings | None
) -> dict[str, Any]:
    """What a snapshot rests on besides submissions: nothing before anything was checked, judged or said by staff."""
    return {
        name: part.model_dump(mode="json")
        for name, part in (("checks", checks), ("judgements", judgements), ("staff", staff))
        if part is not None
    }


def latest_submissions(audit_round: AuditRound) -> CTE:
    """For each return of the round its latest submission that is not voided: `submission_id`, `return_id`."""
    return (
        select(Submission.id.label("submission_id"), Submission.return_id, Submission.submitted_at)
        .join(AuditReturn, AuditReturn.id == Submission.return_id)
        .where(AuditReturn.round_id == audit_round.id, IN_FORCE)
        .cte("latest")
    )


def newest_feedback(ids: Collection[int] | None = None) -> Subquery:
    """For each return, or each of those given, the newest version of its feedback: `return_id`, `version`."""
    newest = select(Feedback.return_id, func.max(Feedback.version).label("version")).group_by(Feedback.return_id)
    return (newest if ids is None else newest.where(Feedback.return_id.in_(ids))).subquery()


_FROZEN: dict[str, tuple[FindingsTexts, dict[str, Asked], dict[str, Asked]]] = {}


def _frozen(sha256: str, pack: Pack) -> tuple[FindingsTexts, Mapping[str, Asked], Mapping[str, Asked]]:
    """The texts of a published pack, its graded criteria by reference, and those answered with a fact.

    What is answered with a fact that comes to a grade is in both. Read once: they never change.
    """
    found = _FROZEN.get(sha256)
    if found is None:
        asked: dict[str, Asked] = {}
        facts: dict[str, Asked] = {}
        for agency_type in pack.agency_types:
            template = pack.templates[agency_type]
            for placed in template.criteria():
                key = placed.criterion.grading or template.grading
                one = Asked(agency_type, placed, key, pack.grading_schemes[key])
                if placed.criterion.answer.is_graded:
                    asked[one.reference] = one
                if not isinstance(placed.criterion.answer, GradeAsked):
                    facts[one.reference] = one
        found = _FROZEN[sha256] = FindingsTexts.of(pack), asked, facts
    return found


def reading_of(session: Session, audit_round: AuditRound, language: str) -> Reading:
    """Everything that is needed to read the figures of a round: its pack, its words, and what it asks of whom."""
    pack = pack_of(audit_round.pack_version)
    texts, every, every_fact = _frozen(audit_round.pack_version.sha256, pack)
    served = {one.agency_type for one in audit_round.served}
    # the pack's order is the report's order
    types = tuple(key for key in pack.agency_types if key in served)
    asked, facts = (
        {reference: one for reference, one in of.items() if one.agency_type in served} for of in (every, every_fact)
    )
    words = Wording(
        pack,
        language,
        localise(texts.met, language),
        texts.small_number,
        frozenset(texts.capitals),
        translations(language).gettext,
        {key: localise(text, language) for key, text in texts.met_by.items()},
    )
    return Reading(
        session, audit_round, pack, texts, words, language, types, asked, facts
    )


def _facts(reading: Reading) -> tuple[dict[str, Any], datetime]:
    """What the figures rest on, for the snapshot id, and the instant of the latest fact."""
    latest, into = reading.latest, aliased(Agency)
    rows = reading.session.execute(
        select(
            AuditReturn.public_id,
            AuditReturn.stage,
            AuditReturn.invited_at,
            AuditReturn.started_at,
            AuditReturn.extended_to,
            AuditReturn.nil_reason,
            into.code.label("into"),
            latest.c.submitted_at,
            Declaration.submission_hash,
        )
        .outerjoin(Merger, Merger.return_id == AuditReturn.id)
        .outerjoin(into, into.id == Merger.into_id)
        .outerjoin(latest, latest.c.return_id == AuditReturn.id)
        .outerjoin(Declaration, Declaration.submission_id == latest.c.submission_id)
        .where(AuditReturn.round_id == reading.audit_round.id)
        .order_by(AuditReturn.public_id)
    ).all()
    instants = [at for row in rows for at in (row.invited_at, row.started_at, row.submitted_at) if at]
    facts = {
        "submissions": sorted(row.submission_hash for row in rows if row.submission_hash),
        "ledger": [
            [
                row.public_id,
                row.stage,
                row.submission_hash or "",
                row.extended_to.astimezone(UTC).isoformat() if row.extended_to else "",
                row.nil_reason,
                *(["merged", row.into] if row.into else []),
            ]
            for row in rows
        ],
    }
    return facts, max(instants, default=reading.audit_round.opens)


# --- response --------------------------------------------------------------------------------------------------------


def _response(reading: Reading) -> tuple[ResponseRow, ...]:
    """Rows by agency type, each followed by its subtypes, and the total last. Fills `reading.submitted`."""
    latest = reading.latest
    is_late = latest.c.submitted_at > own_due(reading.audit_round)
    outcome = case(
        (and_(latest.c.submission_id.is_not(None), is_late), "late"),
        (latest.c.submission_id.is_not(None), "on_time"),
        (is_merged_clause(), "nil"),  # nothing is expected of it any more; the reason says into whom
        *((AuditReturn.stage == stage, outcome) for stage, outcome in NOT_RESPONDING.items()),
        else_="in_progress",
    )
    rows = reading.session.execute(
        select(
            AuditReturn.agency_type,
            AuditReturn.subtype,
            outcome.label("outcome"),
            func.count().label("number"),
        )
        .outerjoin(latest, latest.c.return_id == AuditReturn.id)
        .where(AuditReturn.round_id == reading.audit_round.id)
        .group_by(AuditReturn.agency_type, AuditReturn.subtype, outcome)
    ).all()
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        counts[row.agency_type, row.subtype][row.outcome] += row.number
    for key, by_outcome in counts.items():
        reading.submitted[key] = by_outcome["late"] + by_outcome["on_time"]

    found = []
    for agency_type in reading.types:
        subtypes = [key[1] for key in counts if key[0] == agency_type]
        order = [*reading.pack.agency_types[agency_type].subtypes, ""]
        parts = [
            _response_row(reading, agency_type, subtype, [counts[agency_type, subtype]])
            for subtype in sorted(subtypes, key=lambda key: order.index(key) if key in order else len(order))
        ]
        found.append(_response_row(reading, agency_type, "", [counts[agency_type, s] for s in subtypes]))
        found += [part for part in parts if part.subtype]
    served = [by_outcome for key, by_outcome in counts.items() if key[0] in reading.types]
    return (*found, _response_row(reading, "", "", served))


def _response_row(
    reading: Reading, agency_type: str, subtype: str, counts: Sequence[Mapping[str, int]]
) -> ResponseRow:
    number = {
        outcome: sum(by_outcome.get(outcome, 0) for by_outcome in counts)
        for outcome in ("on_time", "late", "nil", "in_progress", "not_started")
    }
    invited = sum(number.values())
    submitted = number["on_time"] + number["late"]
    return ResponseRow(
        agency_type=agency_type,
        subtype=subtype,
        label=reading.plural(agency_type, subtype) if agency_type else "",
        invited=invited,
        submitted=submitted,
        percent=percent(submitted, invited - number["nil"]),
        **number,
    )


def _not_responding(reading: Reading) -> tuple[NotResponding, ...]:
    latest, into = reading.latest, aliased(Agency)
    rows = reading.session.execute(
        select(
            Agency.name,
            Agency.code,
            AuditReturn.agency_type,
            AuditReturn.subtype,
            AuditReturn.stage,
            AuditReturn.nil_reason,
            Merger.merged_on,
            into.name.label("into"),
        )
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .outerjoin(Merger, Merger.return_id == AuditReturn.id)
        .outerjoin(into, into.id == Merger.into_id)
        .outerjoin(latest, latest.c.return_id == AuditReturn.id)
        .where(AuditReturn.round_id == reading.audit_round.id, latest.c.submission_id.is_(None))
    ).all()
    found = [
        NotResponding(
            name=row.name,
            code=row.code,
            agency_type=row.agency_type,
            subtype=row.subtype,
            type_label=reading.plural(row.agency_type, row.subtype),
            stage="nil" if row.into else NOT_RESPONDING.get(row.stage, "in_progress"),
            reason=row.nil_reason
            or (reading.words.say(N_("merged into %(name)s"), name=row.into) if row.into else ""),
        )
        for row in rows
        if row.agency_type in reading.types
    ]
    # sorted here: databases sort names in different ways
    return tuple(
        sorted(found, key=lambda row: (reading.types.index(row.agency_type), row.name.casefold(), row.code))
    )


# --- criteria and themes ---------------------------------------------------------------------------------------------


def _criteria(reading: Reading) -> tuple[CriterionFindings, ...]:
    """Every criterion of every agency type, in the order of the templates."""
    latest = reading.latest
    rows = reading.session.execute(
        select(
            AuditReturn.agency_type,
            AuditReturn.subtype,
            SubmissionAnswer.criterion,
            SubmissionAnswer.grade,
            func.count().label("number"),
        )
        .join(latest, latest.c.submission_id == SubmissionAnswer.submission_id)
        .join(AuditReturn, AuditReturn.id == latest.c.return_id)
        .where(SubmissionAnswer.grade != "")
        .group_by(
            AuditReturn.agency_type, AuditReturn.subtype, SubmissionAnswer.criterion, SubmissionAnswer.grade
        )
    ).all()
    grades: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        grades[f"{row.agency_type}#{row.criterion}"][row.subtype][row.grade] = row.number
    return tuple(_criterion(reading, asked, grades[reference]) for reference, asked in reading.asked.items())


def _criterion(reading: Reading, asked: Asked, grades: Mapping[str, Mapping[str, int]]) -> CriterionFindings:
    criterion = asked.criterion
    kinds = reading.pack.agency_types[asked.agency_type].subtypes
    submitted = {key[1]: number for key, number in reading.submitted.items() if key[0] == asked.agency_type}
    parts = []
    for subtype in sorted({*submitted, *grades}, key=lambda key: ([*kinds, key].index(key), key)):
        if not criterion.asked_of(subtype or None):
            continue
        by_grade = grades.get(subtype, {})
        returned = submitted.get(subtype, 0)
        # one answer for each area or site, all given before signing; none from an agency without sites
        answers = sum(by_grade.values())
        if criterion.scope:
            returned = answers if criterion.scope == "site" else max(returned, answers)
        figure = Figure.of(by_grade, scheme_key=asked.scheme_key, scheme=asked.scheme, asked=returned)
        parts.append(
            FigureBy(
                agency_type=asked.agency_type,
                subtype=subtype,
                label=reading.plural(asked.agency_type, subtype),
                figure=figure,
            )
        )
    total = Figure.total(part.figure for part in parts)
    return CriterionFindings(
        reference=asked.reference,
        agency_type=asked.agency_type,
        id=criterion.id,
        number=asked.placed.number,
        label=reading.label(asked),
        question=reading.say(criterion.question),
        standard=reading.say(asked.placed.standard.title),
        theme=criterion.theme,
        optional=asked.optional,
        milestone=criterion.milestone or "",
        recommendations=citations(reading.pack, criterion, reading.language),
        figure=total if parts else Figure(scheme=asked.scheme_key),
        by_subtype=tuple(part for part in parts if part.subtype),
    )


def _themes(reading: Reading, criteria: Sequence[CriterionFindings]) -> tuple[ThemeFindings, ...]:
    return tuple(
        _theme(reading, key, [c for c in criteria if c.theme == key and not c.optional])
        for key in reading.pack.themes
        if any(c.theme == key and not c.optional for c in criteria)
    )


def _theme(reading: Reading, key: str, criteria: Sequence[CriterionFindings]) -> ThemeFindings:
    theme, own = reading.pack.themes[key], reading.texts.themes.get(key)
    ranked = say.rank_by_met(say.large_enough(criteria, reading.words))
    extremes = min(EXTREMES, len(ranked) // 2)
    introduction = own.introduction if own else (theme.introduction,) if theme.introduction else ()
    found = ThemeFindings(
        key=key,
        title=reading.say(theme.title),
        introduction=reading.says(introduction),
        figure=Figure.total(c.figure for c in criteria),
        by_type=_by_type(reading, criteria),
        by_subtype=_by_subtype(reading, criteria),
        criteria=tuple(criteria),
        most=tuple(c.reference for c in reversed(ranked[len(ranked) - extremes :])),
        least=tuple(c.reference for c in ranked[:extremes]),
        sentences=(),
    )
    return found.model_copy(update={"sentences": say.theme_sentences(found, reading.words)})


def _by_type(reading: Reading, criteria: Sequence[CriterionFindings]) -> tuple[FigureBy, ...]:
    return tuple(
        FigureBy(
            agency_type=kind,
            label=reading.plural(kind),
            figure=Figure.total(c.figure for c in criteria if c.agency_type == kind),
        )
        for kind in reading.types
        if any(c.agency_type == kind for c in criteria)
    )


def _by_subtype(reading: Reading, criteria: Sequence[CriterionFindings]) -> tuple[FigureBy, ...]:
    figures: dict[tuple[str, str], list[Figure]] = defaultdict(list)
    for criterion in criteria:
        for part in criterion.by_subtype:
            figures[part.agency_type, part.subtype].append(part.figure)
    return tuple(
        FigureBy(
            agency_type=kind,
            subtype=subtype,
            label=reading.plural(kind, subtype),
            figure=Figure.total(figures[kind, subtype]),
        )
        for kind in reading.types
        for subtype in reading.pack.agency_types[kind].subtypes
        if (kind, subtype) in figures
    )


def _overall(reading: Reading, criteria: Sequence[CriterionFindings]) -> Overall:
    latest = reading.latest
    met_all = (
        select(SubmissionAnswer.submission_id)
        .join(latest, latest.c.submission_id == SubmissionAnswer.submission_id)
        .join(AuditReturn, AuditReturn.id == latest.c.return_id)
        .group_by(SubmissionAnswer.submission_id)
        .having(
            and_(
                func.sum(case((_graded(reading, "not_met", "apart"), 1), else_=0)) == 0,
                func.sum(case((_graded(reading, "met"), 1), else_=0)) > 0,
            )
        )
        .subquery()
    )
    row = reading.session.execute(
        select(
            select(func.count()).select_from(met_all).scalar_subquery().label("all_met"),
            select(func.count(AgencyInArea.area_id.distinct()))
            .join(AuditReturn, AuditReturn.agency_id == AgencyInArea.agency_id)
            .where(AuditReturn.round_id == reading.audit_round.id, in_force(reading.audit_round, AgencyInArea))
            .scalar_subquery()
            .label("areas"),
        )
    ).one()
    agencies = sum(number for key, number in reading.submitted.items() if key[0] in reading.types)
    return Overall(
        by_type=_by_type(reading, criteria),
        agencies=agencies,
        all_met=row.all_met,
        percent_all_met=percent(row.all_met, agencies),
        areas=row.areas,
        sentence=say.all_met_sentence(row.all_met, agencies, reading.words),
    )


def _graded(reading: Reading, *kinds: str) -> ColumnElement[bool]:
    """SQL: the answer is to a criterion that is not optional, with a grade that counts as one of `kinds`."""
    groups: dict[tuple[str, str], list[Asked]] = defaultdict(list)
    for asked in reading.asked.values():
        if not asked.optional:
            groups[asked.agency_type, asked.scheme_key].append(asked)
    return or_(
        false(),
        *(
            and_(
                AuditReturn.agency_type == agency_type,
                SubmissionAnswer.criterion.in_(sorted(a.criterion.id for a in group)),
                SubmissionAnswer.grade.in_(
                    [g.key for g in group[0].scheme.grades if group[0].kind(g.key) in kinds]
                ),
            )
            for (agency_type, _), group in groups.items()
        ),
    )


# --- milestones and assurance ----------------------------------------------------------------------------------------


def _milestones(reading: Reading, criteria: Sequence[CriterionFindings]) -> tuple[MilestoneFindings, ...]:
    pack, latest = reading.pack, reading.latest
    dates = {
        key: milestone.due(reading.audit_round.milestones_from) for key, milestone in pack.milestones.items()
    }
    ordered = sorted(dates, key=lambda key: (dates[key], key))
    expected = SubmissionAnswer.value["date_expected"].as_string()
    # the first milestone by which it is expected, as a place in `ordered`; dates are ISO texts, which sort as dates
    bucket = case(
        (expected.is_(None), -1),
        *((expected <= dates[key].isoformat(), place) for place, key in enumerate(ordered)),
        else_=len(ordered),
    )
    rows = reading.session.execute(
        select(
            AuditReturn.agency_type,
            SubmissionAnswer.criterion,
            SubmissionAnswer.grade,
            bucket.label("bucket"),
            func.count().label("number"),
        )
        .join(latest, latest.c.submission_id == SubmissionAnswer.submission_id)
        .join(AuditReturn, AuditReturn.id == latest.c.return_id)
        .where(SubmissionAnswer.grade != "")
        .group_by(AuditReturn.agency_type, SubmissionAnswer.criterion, SubmissionAnswer.grade, bucket)
    ).all()
    expecting: dict[str, dict[str, int]] = defaultdict(lambda: {"by_then": 0, "after": 0, "no_date": 0})
    for row in rows:
        asked = reading.asked.get(f"{row.agency_type}#{row.criterion}")
        milestone = asked.criterion.milestone if asked else None
        if asked is None or milestone is None or asked.kind(row.grade) not in ("not_met", "apart"):
            continue
        in_time = row.bucket <= ordered.index(milestone)
        when = "no_date" if row.bucket < 0 else "by_then" if in_time else "after"
        expecting[asked.reference][when] += row.number

    found = []
    for key in ordered:
        own = [c for c in criteria if c.milestone == key]
        if not own:
            continue
        missing = sorted(
            (c for c in own if c.figure.not_met),
            key=lambda c: (
                reading.types.index(c.agency_type),
                c.figure.share,
                -c.figure.not_met,
                c.reference,
            ),
        )
        total = Figure.total(c.figure for c in own)
        rows_of = tuple(
            MilestoneRow(
                reference=c.reference,
                agency_type=c.agency_type,
                number=c.number,
                label=c.label,
                counted=c.figure.counted,
                not_yet=c.figure.not_met,
                **expecting[c.reference],
            )
            for c in missing
        )
        milestone_findings = MilestoneFindings(
            key=key,
            label=reading.say(pack.milestones[key].label),
            date=dates[key],
            counted=total.counted,
            met=total.met,
            percent=total.percent,
            not_yet=total.not_met,
            by_then=sum(row.by_then for row in rows_of),
            after=sum(row.after for row in rows_of),
            no_date=sum(row.no_date for row in rows_of),
            rows=rows_of,
            sentences=(),
        )
        sentences = say.milestone_sentences(milestone_findings, reading.words)
        found.append(milestone_findings.model_copy(update={"sentences": sentences}))
    return tuple(found)


def _assurance(reading: Reading) -> AssuranceFindings:
    latest, texts = reading.latest, reading.texts.assurance
    basis = SubmissionAnswer.value["basis"].as_string()
    rows = reading.session.execute(
        select(
            AuditReturn.agency_type,
            SubmissionAnswer.criterion,
            SubmissionAnswer.grade,
            basis.label("basis"),
            func.count().label("number"),
        )
        .join(latest, latest.c.submission_id == SubmissionAnswer.submission_id)
        .join(AuditReturn, AuditReturn.id == latest.c.return_id)
        .where(SubmissionAnswer.grade != "", basis.is_not(None))
        .group_by(AuditReturn.agency_type, SubmissionAnswer.criterion, SubmissionAnswer.grade, basis)
    ).all()
    every: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    of_met: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        asked = reading.asked.get(f"{row.agency_type}#{row.criterion}")
        if asked is None or asked.optional:
            continue
        every[row.agency_type][row.basis] += row.number
        if asked.kind(row.grade) == "met":
            of_met[row.agency_type][row.basis] += row.number

    def phrase(given: Text | None, keys: Sequence[str]) -> str:
        labels = [basis.label for scheme in reading.pack.grading_schemes.values() for basis in scheme.bases
                  if basis.key in keys]  # fmt: skip
        return (
            reading.say(given)
            if given
            else reading.words.listed([reading.words.mid(reading.say(label)) for label in labels])
        )

    checked, on_paper = (
        phrase(texts.checked_phrase, texts.checked),
        phrase(texts.on_paper_phrase, texts.on_paper),
    )
    found = [
        _assurance_row(reading, kind, reading.plural(kind), every[kind], of_met[kind])
        for kind in reading.types
        if kind in every
    ]
    total = None
    if found and texts.checked and texts.on_paper:
        total = _assurance_row(reading, "", "", _sum(every.values()), _sum(of_met.values()))
    return AssuranceFindings(
        checked=texts.checked,
        checked_phrase=checked,
        on_paper=texts.on_paper,
        on_paper_phrase=on_paper,
        untested=texts.untested,
        rows=tuple(found),
        total=total,
        sentences=say.assurance_sentences(found, total, reading.words, checked, on_paper),
    )


def _sum(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = defaultdict(int)
    for part in parts:
        for key, number in part.items():
            total[key] += number
    return total


def _assurance_row(
    reading: Reading, agency_type: str, label: str, every: Mapping[str, int], of_met: Mapping[str, int]
) -> AssuranceRow:
    texts = reading.texts.assurance
    answers, met = sum(every.values()), sum(of_met.values())
    checked = sum(of_met.get(key, 0) for key in texts.checked)
    on_paper = sum(of_met.get(key, 0) for key in texts.on_paper)
    types = [agency_type] if agency_type else reading.types
    bases = {
        basis.key: basis
        for asked in reading.asked.values()
        if asked.agency_type in types
        for basis in asked.scheme.bases
    }
    return AssuranceRow(
        agency_type=agency_type,
        label=label,
        answers=answers,
        met=met,
        bases=tuple(
            BasisCount(
                key=key,
                label=reading.say(basis.label),
                answers=every.get(key, 0),
                percent=percent(every.get(key, 0), answers),
                met=of_met.get(key, 0),
                percent_met=percent(of_met.get(key, 0), met),
            )
            for key, basis in bases.items()
        ),
        checked_met=checked,
        percent_checked_met=percent(checked, met),
        on_paper_met=on_paper,
        percent_on_paper_met=percent(on_paper, met),
    )


# --- twins -----------------------------------------------------------------------------------------------------------


def _twins(reading: Reading) -> tuple[TwinFindings, ...]:
    """Pairs of agencies that work in one area, one on each side, both of which answered. One statement for all."""
    pairs = twin_pairs(reading.asked)
    if not pairs:
        return ()
    sides = sides_of(reading, pairs)
    return tuple(_twin(reading, *pair, counts_by_area(grades_by_area(sides, pair), pair)) for pair in pairs)


def _twin(
    reading: Reading, one: Asked, other: Asked, by_area: Mapping[tuple[str, int], Mapping[str, int]]
) -> TwinFindings:
    def side(asked: Asked) -> TwinSide:
        return TwinSide(
            reference=asked.reference,
            agency_type=asked.agency_type,
            agencies=reading.plural(asked.agency_type),
            number=asked.placed.number,
            label=reading.label(asked),
            question=reading.say(asked.criterion.question),
        )

    def counts(views: Mapping[str, int]) -> dict[str, int]:
        pairs = sum(views.values())
        return {
            "pairs": pairs,
            "compared": pairs - views.get("not_comparable", 0),
            **{view: views.get(view, 0) for view in VIEWS},
        }

    total = counts(_sum(by_area.values()))
    found = TwinFindings(
        a=side(one),
        b=side(other),
        areas=len(by_area),
        percent_one_sided=percent(total["only_a"] + total["only_b"], total["compared"]),
        by_area=tuple(TwinArea(area=name, **counts(by_area[name, key])) for name, key in sorted(by_area)),
        sentences=(),
        **total,
    )
    return found.model_copy(update={"sentences": say.twin_sentences(found, reading.words)})


# --- the pack's own words --------------------------------------------------------------------------------------------


def citations(pack: Pack, criterion: Criterion, language: str) -> tuple[str, ...]:
    """The recommendations that a criterion rests on, as a reader cites them: the report's short name and a number."""
    found = []
    for recommendation in criterion.recommendations:
        report, number = recommendation.split("/", 1)
        known = pack.recommendation_reports.get(report)
        found.append(f"{localise(known.short, language) if known else report} {number}")
    return tuple(found)


def round_info(audit_round: AuditRound, *, as_at: datetime, is_closed: bool) -> RoundInfo:
    """A round as reports show it; days are London days."""
    return RoundInfo(
        key=audit_round.key,
        name=audit_round.name,
        opens=today(audit_round.opens),
        due=today(audit_round.due),
        closes=today(audit_round.closes),
        milestones_from=audit_round.milestones_from,
        is_demonstration=audit_round.is_demonstration,
        is_closed=is_closed,
        as_at=as_at.astimezone(UTC),
    )


def pack_info(audit_round: AuditRound, pack: Pack, language: str) -> PackInfo:
    """The pack version of a round as reports show it."""
    return PackInfo(
        key=pack.pack,
        version=audit_round.pack_version.version,
        title=localise(pack.title, language),
        source=localise(pack.source, language),
        untranslated=not pack.is_translated(language),
        sha256=audit_round.pack_version.sha256,
    )


def agency_info(audit_return: AuditReturn, pack: Pack, language: str) -> AgencyInfo:
    """The agency of a return as reports show it."""
    return AgencyInfo.of(
        pack, audit_return.agency_type, audit_return.subtype, name=audit_return.agency.name,
        code=audit_return.agency.code, language=language,
    )  # fmt: skip


def bodies_of(session: Session, audit_round: AuditRound, agency_type: str | None = None) -> tuple[Body, ...]:
    """The oversight bodies of a round (for one agency type, if given), the round's owner first."""
    query = (
        select(OversightBody, func.min(RoundTemplate.id).label("place"))
        .join(RoundTemplate, RoundTemplate.oversight_body_id == OversightBody.id)
        .where(RoundTemplate.round_id == audit_round.id)
        .group_by(OversightBody.id)
        .order_by(func.min(RoundTemplate.id))
    )
    if agency_type:
        query = query.where(RoundTemplate.agency_type == agency_type)
    bodies = [row.OversightBody for row in session.execute(query)]
    bodies.sort(key=lambda body: body.id != audit_round.owner_id)
    return tuple(Body(name=body.name, short=body.short, kind=body.kind) for body in bodies)


def scheme_infos(pack: Pack, keys: set[str], language: str) -> tuple[SchemeInfo, ...]:
    """The grading schemes in use, in the pack's order, in one language."""
    return tuple(
        SchemeInfo(
            key=key,
            title=localise(scheme.title, language),
            grades=tuple(
                GradeInfo(
                    key=grade.key,
                    label=localise(grade.label, language),
                    meaning=localise(grade.meaning, language),
                    counts_as=grade.counts_as,
                    shown_apart=grade.shown_apart,
                )
                for grade in scheme.grades
            ),
            bases=tuple(
                BasisInfo(
                    key=basis.key,
                    label=localise(basis.label, language),
                    meaning=localise(basis.meaning, language),
                )
                for basis in scheme.bases
            ),
        )
        for key, scheme in pack.grading_schemes.items()
        if key in keys
    )


def _agency_types(reading: Reading) -> tuple[AgencyTypeInfo, ...]:
    rows = reading.session.execute(
        select(RoundTemplate.agency_type, TemplateVersion.sha256, OversightBody.short)
        .join(TemplateVersion, TemplateVersion.id == RoundTemplate.template_version_id)
        .join(OversightBody, OversightBody.id == RoundTemplate.oversight_body_id)
        .where(RoundTemplate.round_id == reading.audit_round.id)
        .order_by(RoundTemplate.id)
    ).all()
    found = []
    for key in reading.types:
        kind, template = reading.pack.agency_types[key], reading.pack.templates[key]
        own = [row for row in rows if row.agency_type == key]
        placed = template.criteria()
        found.append(
            AgencyTypeInfo(
                key=key,
                name=reading.say(kind.name),
                plural=reading.say(kind.plural),
                template_title=reading.say(template.title),
                criteria=sum(1 for p in placed if not p.standard.optional),
                optional_criteria=sum(1 for p in placed if p.standard.optional),
                sha256=own[0].sha256,
                body=reading.words.listed(list(dict.fromkeys(row.short for row in own))),
                subtypes=tuple(
                    Named(key=subtype, name=reading.say(info.name), plural=reading.say(info.plural))
                    for subtype, info in kind.subtypes.items()
                ),
            )
        )
    return tuple(found)


def _texts(reading: Reading) -> Texts:
    texts, says = reading.texts, reading.says
    return Texts(
        title=reading.say(texts.title or reading.pack.title),
        subtitle=reading.say(texts.subtitle),
        met=reading.words.met,
        met_by=dict(reading.words.met_by),
        small_number=texts.small_number,
        about=says(texts.about),
        method=says(texts.method),
        limits=says(texts.limits),
        milestones=says(texts.milestones.introduction),
        assurance=says(texts.assurance.introduction),
        twins=says(texts.twins.introduction),
        optional=says(texts.optional.introduction),
        acknowledgement=reading.say(texts.acknowledgement),
    )


def _quantifiers(reading: Reading) -> tuple[Quantified, ...]:
    found = []
    for quantifier in reading.pack.quantifiers:
        limit, above = quantifier.threshold
        # authors write a third as 0.3334 where it must be passed: say what they mean
        simple = limit.limit_denominator(12)
        if abs(simple - limit) < Fraction(1, 5000):
            limit, above = simple, above or limit > simple
        found.append(
            Quantified(word=reading.say(quantifier.word), limit=f"{float(limit * 100):.3g}%", above=above)
        )
    return tuple(found)
