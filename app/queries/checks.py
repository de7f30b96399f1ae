"""What the joint findings say of checks and judgements: how declarations were checked, and what came of it.

Nothing here depends on who reads it: a publication is the same for everybody. Until every second check is finished the
caller decides whether any of it may be read, since a second inspector must not know what the first found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domain import estimates
from app.domain.answers import question_parts
from app.domain.findings import (
    CalledFor,
    CheckedByRisk,
    CheckedReturn,
    CheckedType,
    CheckFindings,
    Compared,
    ComparedCriterion,
    ComparedTheme,
    JudgedAgency,
    JudgedCell,
    JudgedGrade,
    JudgedSpread,
    JudgementFindings,
    Overridden,
    Rate,
    percent,
)
from app.domain.message import N_
from app.domain.risks import BY_HAND, ModerationRules
from app.domain.rules.book import Rulebook
from app.models import Agency, AuditReturn, AuditRound, Judgement, Sample, SampledReturn
from app.policy import system_actor
from app.queries.judgements import books_of
from app.queries.sampling import Drawn, SampledRow, drawn, stored_frame

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.queries.findings import Asked, Reading

_EVERYBODY = system_actor("findings")  # nobody in particular, from whom nothing is hidden


def is_second_at_work(session: Session, audit_round: AuditRound) -> bool:
    """Whether somebody checks a return of the round again and has not finished. One statement."""
    return (
        session.scalar(
            select(SampledReturn.id)
            .join(Sample, Sample.id == SampledReturn.sample_id)
            .where(
                Sample.round_id == audit_round.id,
                SampledReturn.second_id.is_not(None),
                SampledReturn.second_finished_at.is_(None),
            )
            .limit(1)
        )
        is not None
    )


# --- checks ----------------------------------------------------------------------------------------------------------


def checks_of(reading: Reading) -> CheckFindings | None:
    """How the declarations of a round were checked; None before any return was. A fixed number of statements."""
    audit_round = reading.audit_round
    sample = reading.session.scalar(select(Sample).where(Sample.round_id == audit_round.id))
    if sample is None or sample.drawn_at is None:
        return None
    found = drawn(reading.session, sample, audit_round, actor=_EVERYBODY)
    done = [row for row in found.rows if row.is_done and row.finding.checked]
    if not done:
        return None
    random, by_risk = [row for row in done if row.is_random], [row for row in done if row.risks]
    second = found.second
    return CheckFindings(
        committed_at=sample.committed_at,
        seed_hash=sample.seed_hash,
        drawn_at=sample.drawn_at,
        seed=sample.seed,
        frame_hash=sample.frame_hash,
        frame={kind: tuple(sorted(returns)) for kind, returns in stored_frame(sample).items()},
        drawn_returns={
            line.agency_type: tuple(
                row.public_id
                for row in sorted(found.rows, key=lambda row: row.place or 0)
                if row.is_random and row.agency_type == line.agency_type
            )
            for line in found.lines
        },
        minimum=found.plan.minimum,
        questions=found.plan.questions,
        second_percent=found.plan.second_percent,
        is_small=found.is_small,
        types=tuple(
            CheckedType(
                agency_type=line.agency_type,
                label=reading.plural(line.agency_type),
                population=line.population,
                drawn=line.drawn,
                checked=line.stratum.checked,
                returns=None if found.is_small else Rate.of(line.returns),
                answers=None if found.is_small else Rate.of(line.answers),
                compared=_compared(reading, [row for row in random if row.agency_type == line.agency_type]),
            )
            for line in found.lines
        ),
        total=CheckedType(
            agency_type="",
            label="",
            population=found.total.population,
            drawn=found.total.drawn,
            checked=found.total.stratum.checked,
            returns=None if found.is_small else Rate.of(found.total.returns),
            answers=None if found.is_small else Rate.of(found.total.answers),
            compared=_compared(reading, random),
        ),
        themes=_themes(reading, random),
        criteria=_criteria(reading, random),
        risks=_risks(reading, found),
        by_risk=_risk(reading, "", "", [row for row in found.rows if row.risks]) if by_risk else None,
        named=tuple(_named(reading, found, row) for row in done) if found.is_small else (),
        twice=second.pairs if second else 0,
        agreed=second.agreed if second else 0,
        kappa=_kappa(second) if not found.is_small else "",
    )


def _kappa(second: estimates.Agreement | None) -> str:
    return f"{float(second.kappa):.2f}" if second and second.kappa is not None else ""


def _checked(reading: Reading, rows: Iterable[SampledRow]) -> Iterable[tuple[Asked, tuple[str, str]]]:
    """What was asked, with the grade declared and the one found, of every checked answer of some returns."""
    for row in rows:
        for question, pair in row.finding.pairs.items():
            asked = reading.asked.get(f"{row.agency_type}#{question_parts(question)[0]}")
            if asked is not None:
                yield asked, pair


def _compared(reading: Reading, rows: Iterable[SampledRow]) -> Compared:
    return _compare(_checked(reading, rows))


def _compare(checked: Iterable[tuple[Asked, tuple[str, str]]]) -> Compared:
    counts: dict[str, int] = defaultdict(int)
    for asked, (own, found) in checked:
        counts["answers"] += 1
        counts["own_met"] += asked.kind(own) == "met"
        counts["found_met"] += asked.kind(found) == "met"
        if own != found:
            counts["adjusted"] += 1
            places = {grade.key: place for place, grade in enumerate(asked.scheme.grades)}
            if "excluded" not in (asked.kind(own), asked.kind(found)) and own in places and found in places:
                counts["lower" if places[found] > places[own] else "higher"] += 1
    return Compared(**counts)


def _themes(reading: Reading, rows: Sequence[SampledRow]) -> tuple[ComparedTheme, ...]:
    by_theme: dict[str, list[tuple[Asked, tuple[str, str]]]] = defaultdict(list)
    for asked, pair in _checked(reading, rows):
        if not asked.optional:
            by_theme[asked.criterion.theme].append((asked, pair))
    return tuple(
        ComparedTheme(key=key, title=reading.say(theme.title), compared=_compare(by_theme[key]))
        for key, theme in reading.pack.themes.items()
        if key in by_theme
    )


def _criteria(reading: Reading, rows: Sequence[SampledRow]) -> tuple[ComparedCriterion, ...]:
    by_criterion: dict[str, list[tuple[Asked, tuple[str, str]]]] = defaultdict(list)
    for asked, pair in _checked(reading, rows):
        by_criterion[asked.reference].append((asked, pair))
    return tuple(
        ComparedCriterion(
            reference=reference,
            agency_type=asked.agency_type,
            number=asked.placed.number,
            label=reading.label(asked),
            compared=_compare(by_criterion[reference]),
        )
        for reference, asked in reading.asked.items()
        if reference in by_criterion
    )


def _rules(reading: Reading) -> dict[str, str]:
    """Each rule of risk with its name, and what stands for what a person chose."""
    rules = ModerationRules.of(reading.pack).risks
    return {rule.key: reading.say(rule.title) for rule in rules} | {BY_HAND: reading.words.say(N_("Added by hand"))}


def _risks(reading: Reading, found: Drawn) -> tuple[CheckedByRisk, ...]:
    chosen = {key: [row for row in found.rows if key in row.risks] for key in _rules(reading)}
    return tuple(_risk(reading, key, title, chosen[key]) for key, title in _rules(reading).items() if chosen[key])


def _risk(reading: Reading, key: str, title: str, rows: Sequence[SampledRow]) -> CheckedByRisk:
    done = [row for row in rows if row.is_done and row.finding.checked]
    return CheckedByRisk(
        key=key,
        title=title,
        chosen=len(rows),
        checked=len(done),
        changed=sum(bool(row.finding.adjusted) for row in done),
        compared=_compared(reading, done),
    )


def _named(reading: Reading, found: Drawn, row: SampledRow) -> CheckedReturn:
    titles = _rules(reading)
    chance = [reading.words.say(N_("Drawn at random"))] if row.is_random else []
    twice, agreed = found.twice.get(row.return_id, (0, 0))
    return CheckedReturn(
        name=row.agency,
        code=row.code,
        agency_type=row.agency_type,
        type_label=reading.plural(row.agency_type, row.subtype),
        reasons=(*chance, *(titles.get(key, key) for key in row.risks)),
        compared=_compared(reading, [row]),
        twice=twice,
        agreed=agreed,
    )


# --- judgements ------------------------------------------------------------------------------------------------------


def judgements_of(reading: Reading) -> JudgementFindings | None:
    """How the returns of a round were judged; None before any was. Two statements at most."""
    books = {key: book for key, book in books_of(reading.audit_round).items() if key in reading.types}
    if not books:
        return None
    rows = reading.session.execute(
        select(
            Agency.name, Agency.code, AuditReturn.id, AuditReturn.agency_type, Judgement.key, Judgement.grade,
            Judgement.uncapped, Judgement.self_grade, Judgement.override, Judgement.override_reason,
            Judgement.approved_at, Judgement.stale,
        )
        .join(AuditReturn, AuditReturn.id == Judgement.return_id)
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .where(
            AuditReturn.round_id == reading.audit_round.id,
            AuditReturn.stage == "submitted",
            AuditReturn.agency_type.in_(books),
        )
    ).all()  # fmt: skip
    if not rows:
        return None
    by_return: dict[int, dict[str, _Judged]] = defaultdict(dict)
    named: dict[int, tuple[str, str, str]] = {}
    for row in rows:
        named[row.id] = row.name, row.code, row.agency_type
        by_return[row.id][row.key] = _Judged(
            row.grade, row.uncapped, row.self_grade, row.override if row.approved_at else "",
            row.override_reason if row.approved_at else "", row.stale,
        )  # fmt: skip
    # sorted here: databases sort names in different ways
    order = sorted(
        named, key=lambda one: (reading.types.index(named[one][2]), named[one][0].casefold(), named[one][1])
    )
    return JudgementFindings(
        spreads=tuple(
            _spread(reading, book, kind, key, [by_return[one][key] for one in order
                                               if named[one][2] == kind and key in by_return[one]])
            for kind, book in _in_order(reading, books)
            for key in book.profile.judgements
        ),
        agencies=tuple(
            _agency(reading, books[named[one][2]], named[one], by_return[one])
            for one in order
            if books[named[one][2]].profile.judgements
        ),
        overridden=tuple(
            overridden
            for one in order
            for overridden in _overridden(reading, books[named[one][2]], named[one], by_return[one])
        ),
        called_for=_called_for(reading, books, named, order),
    )  # fmt: skip


class _Judged:
    """One judgement of one return. `override` is empty unless it was approved."""

    def __init__(
        self, grade: str, uncapped: str, own: str, override: str, reason: str, is_stale: bool
    ) -> None:
        self.grade, self.uncapped, self.own = grade, uncapped, own
        self.override, self.reason, self.is_stale = override, reason, is_stale

    @property
    def holds(self) -> str:
        """The grade that holds."""
        return self.override or self.grade

    @property
    def is_capped(self) -> bool:
        """Whether a cap made it what it is."""
        return not self.override and self.grade != self.uncapped


def _in_order(reading: Reading, books: Mapping[str, Rulebook]) -> list[tuple[str, Rulebook]]:
    return [(kind, books[kind]) for kind in reading.types if kind in books]


def _label(reading: Reading, book: Rulebook, key: str, grade: str) -> str:
    found = next((one for one in book.scale(key).grades if one.key == grade), None)
    return reading.say(found.label) if found else grade


def _spread(
    reading: Reading, book: Rulebook, kind: str, key: str, rows: Sequence[_Judged]
) -> JudgedSpread:
    judged = [row for row in rows if row.holds]
    return JudgedSpread(
        agency_type=kind,
        label=reading.plural(kind),
        key=key,
        title=reading.say(book.profile.judgements[key].title),
        grades=tuple(
            JudgedGrade(
                key=grade.key,
                label=reading.say(grade.label),
                colour=grade.colour,
                number=(number := sum(row.holds == grade.key for row in judged)),
                percent=percent(number, len(judged)),
            )
            for grade in book.scale(key).grades
        ),
        waiting=len(rows) - len(judged),
        total=len(rows),
        capped=sum(row.is_capped for row in judged),
        overridden=sum(bool(row.override) for row in judged),
        differs=sum(row.holds != row.own for row in judged),
    )


def _agency(
    reading: Reading, book: Rulebook, named: tuple[str, str, str], rows: Mapping[str, _Judged]
) -> JudgedAgency:
    name, code, agency_type = named
    return JudgedAgency(
        name=name,
        code=code,
        agency_type=agency_type,
        cells=tuple(
            JudgedCell(
                key=key,
                grade=_label(reading, book, key, row.holds),
                own=_label(reading, book, key, row.own) if row.own != row.holds else "",
                is_capped=row.is_capped,
                is_overridden=bool(row.override),
                is_stale=row.is_stale,
            )
            if (row := rows.get(key))
            else JudgedCell(key=key, grade="")
            for key in book.profile.judgements
        ),
    )


def _overridden(
    reading: Reading, book: Rulebook, named: tuple[str, str, str], rows: Mapping[str, _Judged]
) -> Iterable[Overridden]:
    name, code, agency_type = named
    for key, judgement in book.profile.judgements.items():
        row = rows.get(key)
        if row and row.override:
            yield Overridden(
                name=name,
                code=code,
                agency_type=agency_type,
                title=reading.say(judgement.title),
                by_rules=_label(reading, book, key, row.grade),
                decided=_label(reading, book, key, row.override),
                reason=row.reason,
            )


def _called_for(
    reading: Reading, books: Mapping[str, Rulebook], named: Mapping[int, tuple[str, str, str]], order: Sequence[int]
) -> tuple[CalledFor, ...]:
    triggered: dict[int, list[str]] = {}
    for return_id, explanation in reading.session.execute(
        select(Judgement.return_id, Judgement.explanation)
        .join(AuditReturn, AuditReturn.id == Judgement.return_id)
        .where(AuditReturn.round_id == reading.audit_round.id, Judgement.triggered.is_(True))
    ):
        triggered[return_id] = explanation.get("triggers", [])
    return tuple(
        CalledFor(
            agency_type=kind,
            label=reading.plural(kind),
            what=reading.say(trigger.calls_for),
            because=reading.say(trigger.because),
            agencies=names,
        )
        for kind, book in _in_order(reading, books)
        for key, trigger in book.profile.triggers.items()
        if (
            names := tuple(
                named[one][0] for one in order if named[one][2] == kind and key in triggered.get(one, ())
            )
        )
    )
