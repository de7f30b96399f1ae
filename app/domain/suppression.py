"""Small numbers: what is not said of fewer agencies than a set number, and what else must not be said, so that it
cannot be worked out.

A table of counts is a set of cells and of sums among them. A cell about too few agencies is hidden first. Then others
are, the smallest first, until no hidden cell follows from what is shown by adding and subtracting, and nothing that
follows is about too few agencies.

Nothing here reads a database or knows a pack, a grade or an agency type by name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, TypeVar

from pydantic import BaseModel

from app.domain import key_messages as say
from app.domain.counted import Counted, FactFindings
from app.domain.findings import (
    AssuranceFindings,
    CheckFindings,
    Compared,
    CriterionFindings,
    Figure,
    FigureBy,
    JointFindings,
    JudgementFindings,
    MilestoneFindings,
    MilestoneRow,
    ResponseRow,
    Sentence,
    StaffFindings,
    StaffLine,
    ThemeFindings,
    TwinFindings,
    TwinSide,
)
from app.domain.key_messages import Wording
from app.domain.message import N_, Message

Key = Hashable
K = TypeVar("K", bound=Hashable)
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Sum:
    """That a total is its parts added up. `apart`: no agency is in two of the parts, so what parts are about adds up
    too."""

    total: Key
    parts: tuple[Key, ...]
    apart: bool = True


def hidden(
    about: Mapping[Key, int], sums: Sequence[Sum], below: int, *, also: Collection[Key] = (),
    unsaid: Collection[Key] = (),
) -> frozenset[Key]:  # fmt: skip
    """The cells that are not shown. `about`: how many agencies each is about; those about none are known to be empty,
    and hide nothing. `also`: cells that are not shown whatever they are about. `unsaid`: cells that stand nowhere,
    which a reader may work out unless they are about too few.

    The same cells give the same answer, in whatever order they come.
    """
    out: set[Key] = {cell for cell, number in about.items() if 0 < number < below} | {
        cell for cell in also if about.get(cell)
    }
    if not out:
        return frozenset()
    free = {cell for cell in unsaid if about.get(cell, 0) >= below} - out
    out |= free
    filled = [
        Sum(one.total, tuple(cell for cell in one.parts if about.get(cell)), one.apart)
        for one in sums
        if about.get(one.total)
    ]
    within: dict[Key, list[Sum]] = defaultdict(list)
    for one in filled:
        for cell in (one.total, *one.parts):
            within[cell].append(one)
    more: set[Key] = out
    while more:
        while more:
            more = _too_few(filled, about, out, free, below)
            out |= more
        more = _derived(filled, within, about, out, free)
        out |= more
    return frozenset(out)


def _smallest(cells: Iterable[Key], about: Mapping[Key, int]) -> Key | None:
    return min(cells, key=lambda cell: (about[cell], repr(cell)), default=None)


def _too_few(
    sums: Sequence[Sum], about: Mapping[Key, int], out: Collection[Key], free: set[Key], below: int
) -> set[Key]:
    """Cells more to hide, where a shown total leaves of its hidden parts one alone, or too few agencies together."""
    found: set[Key] = set()
    for one in sums:
        gone = [cell for cell in one.parts if cell in out or cell in found]
        if one.total in out or one.total in found or not set(gone) - free:
            continue
        if len(gone) == 1 or (one.apart and sum(about[cell] for cell in gone) < below):
            more = _smallest((cell for cell in one.parts if cell not in gone), about)
            found.add(one.total if more is None else more)
    return found


def _derived(
    sums: Sequence[Sum], within: Mapping[Key, list[Sum]], about: Mapping[Key, int], out: Collection[Key],
    free: set[Key],
) -> set[Key]:  # fmt: skip
    """Cells more to hide, where hidden ones follow from those shown: one near each, and one for several where it is."""
    found: set[Key] = set()
    for cell in sorted(derivable(out, sums) - free, key=lambda cell: (about[cell], repr(cell))):
        seen, edge = {cell}, {cell}
        while edge:  # by ever more sums: what gives it away may lie several sums off
            edge = {other for at in edge for one in within[at] for other in (one.total, *one.parts)} - seen
            if edge & found:
                break
            more = _smallest(edge.difference(out), about)
            if more is not None:
                found.add(more)
                break
            seen |= edge
    return found


def derivable(out: Collection[K], sums: Iterable[Sum]) -> set[K]:
    """Of hidden cells those whose value follows from the others by the sums alone, whatever the numbers are."""
    unknown = set(out)
    rows: dict[Key, dict[Key, Fraction]] = {}  # by the cell that a row is solved for, which no other row holds
    for one in sums:
        row: dict[Key, Fraction] = defaultdict(Fraction)
        if one.total in unknown:
            row[one.total] -= 1
        for cell in one.parts:
            if cell in unknown:
                row[cell] += 1
        for cell in [cell for cell in row if cell in rows]:
            factor = row[cell]
            for other, value in rows[cell].items():
                row[other] -= factor * value
        row = {cell: value for cell, value in row.items() if value}
        if not row:
            continue
        pivot = next(iter(row))
        row = {cell: value / row[pivot] for cell, value in row.items()}
        for key, other_row in rows.items():
            if factor := other_row.get(pivot, Fraction(0)):
                mixed = {
                    cell: other_row.get(cell, Fraction(0)) - factor * row.get(cell, Fraction(0))
                    for cell in {*other_row, *row}
                }
                rows[key] = {cell: value for cell, value in mixed.items() if value}
        rows[pivot] = row
    return {cell for cell, row in rows.items() if len(row) == 1}  # type: ignore[misc]


# --- the joint findings ----------------------------------------------------------------------------------------------


def for_readers(found: JointFindings, *, below: int, names: bool, words: Wording) -> JointFindings:
    """The joint findings as they are for others than the inspectorates: no figure about fewer than `below` agencies (0:
    every figure), nor any that gives one away; agencies by name only with `names`.

    Sentences and key messages are those that were true of all figures and can be said of those shown.
    """
    open_ = found if names else _without_names(found, words)
    if not below:
        return open_
    return _Suppressing(open_, below, words).done()


def _without_names(found: JointFindings, words: Wording) -> JointFindings:
    checks, judgements = found.checks, found.judgements
    left = found.model_copy(
        update={
            "names_agencies": False,
            "not_responding": (),
            "checks": checks and checks.model_copy(update={"named": ()}),
            "judgements": judgements
            and judgements.model_copy(update={"agencies": (), "overridden": (), "called_for": ()}),
        }
    )
    return left.model_copy(update={"key_messages": say.key_messages(left, words)})


class _Suppressing:
    """Finds what is to be hidden in joint findings, and leaves it out."""

    def __init__(self, found: JointFindings, below: int, words: Wording) -> None:
        self.found, self.below, self.words = found, below, words
        self.submitted = {(row.agency_type, row.subtype): row.submitted for row in found.response}
        self.groups = self._groups()
        self.about: dict[Key, int] = {}
        self.sums: list[Sum] = []
        self._table()
        self.criteria = {one.reference: one for one in (*found.criteria(), *found.optional)}
        own = {cell for cell in self.about if self._is_of_hidden_group(cell)}
        unsaid = [cell for cell in self.about if cell[-1] is None]  # type: ignore[index]
        self.out = hidden(self.about, self.sums, below, also=own, unsaid=unsaid)

    # which groups of agencies are not spoken of at all, and which figures are not shown

    def _groups(self) -> frozenset[Key]:
        """The agency types, and subtypes as (type, subtype), of which nothing is said on their own."""
        about: dict[Key, int] = {}
        parts: dict[str, list[Key]] = defaultdict(list)
        for row in self.found.response:
            cell = (row.agency_type, row.subtype)
            about[cell] = row.submitted or row.invited
            if row.subtype:
                parts[row.agency_type].append(cell)
        types = [cell for cell in about if cell[1] == ""]  # type: ignore[index]
        sums = [Sum("", tuple(types))]
        about[""] = self.found.response_total.submitted or self.found.response_total.invited
        for kind, subtypes in parts.items():
            rest = about[kind, ""] - sum(about[cell] for cell in subtypes)
            if rest > 0:  # agencies without a subtype stand in no row of their own
                about[kind, None] = rest
            sums.append(Sum((kind, ""), (*subtypes, (kind, None))))
        few = {
            (row.agency_type, row.subtype)
            for row in self.found.response
            if 0 < row.invited < self.below or 0 < row.submitted < self.below
        }
        unsaid = [cell for cell in about if cell != "" and cell[1] is None]  # type: ignore[index]
        return hidden(about, sums, self.below, also=few, unsaid=unsaid)

    def _hides(self, agency_type: str, subtype: str = "") -> bool:
        return (agency_type, "") in self.groups or (bool(subtype) and (agency_type, subtype) in self.groups)

    def _is_of_hidden_group(self, cell: Key) -> bool:
        kind, agency_type, subtype = cell[0], cell[-2], cell[-1]  # type: ignore[index]
        if kind in ("theme", "milestone", "answers"):
            return "" in self.groups
        return subtype is not None and self._hides(agency_type, subtype)

    def _number(self, figure: Figure, agency_type: str, subtype: str = "") -> int:
        """How many agencies a figure is about, at most: answers are given for areas and sites too."""
        if not figure.asked:
            return 0
        return min(figure.counted or figure.asked, self.submitted.get((agency_type, subtype), figure.asked) or 1)

    def _table(self) -> None:
        """Every figure of criteria, themes, milestones and types as a cell, and what adds up to what.

        A cell ends with the agency type and the subtype that it is about, "" for all.
        """
        every = [*self.found.criteria(), *self.found.optional]
        for criterion in every:
            self._criterion(criterion)
        for theme in self.found.themes:
            self._theme(theme)
        for row in self.found.overall.by_type:
            cell = ("type", row.agency_type, "")
            self.about[cell] = self._number(row.figure, row.agency_type)
            self.sums.append(
                Sum(cell, tuple(("theme-type", t.key, row.agency_type, "") for t in self.found.themes), apart=False)
            )
        if self.found.assurance.total:
            self.about["answers", "", ""] = self.found.overall.agencies
            types = tuple(("type", row.agency_type, "") for row in self.found.assurance.rows)
            self.sums.append(Sum(("answers", "", ""), types))
        for milestone in self.found.milestones:
            own = [one for one in self.found.criteria() if one.milestone == milestone.key]
            whole = ("milestone", milestone.key, "", "")
            kinds = {one.agency_type for one in own if one.figure.asked}
            self.about[whole] = sum(self.submitted.get((kind, ""), 0) for kind in kinds)
            cells = tuple(("criterion", one.reference, one.agency_type, "") for one in own)
            self.sums.append(Sum(whole, cells, apart=False))

    def _criterion(self, one: CriterionFindings) -> None:
        cell = ("criterion", one.reference, one.agency_type, "")
        self.about[cell] = self._number(one.figure, one.agency_type)
        if not one.by_subtype:
            return
        parts: list[Key] = []
        for part in one.by_subtype:
            of_part = ("criterion", one.reference, one.agency_type, part.subtype)
            self.about[of_part] = self._number(part.figure, one.agency_type, part.subtype)
            parts.append(of_part)
        rest = one.figure.asked - sum(part.figure.asked for part in one.by_subtype)
        if rest > 0:
            self.about["criterion", one.reference, one.agency_type, None] = rest
            parts.append(("criterion", one.reference, one.agency_type, None))
        self.sums.append(Sum(cell, tuple(parts)))

    def _theme(self, theme: ThemeFindings) -> None:
        whole = ("theme", theme.key, "", "")
        types: list[Key] = []
        for row in theme.by_type:
            cell = ("theme-type", theme.key, row.agency_type, "")
            self.about[cell] = self._number(row.figure, row.agency_type)
            types.append(cell)
            own = [one for one in theme.criteria if one.agency_type == row.agency_type]
            self.sums.append(
                Sum(cell, tuple(("criterion", one.reference, row.agency_type, "") for one in own), apart=False)
            )
            parts: list[Key] = []
            for part in (one for one in theme.by_subtype if one.agency_type == row.agency_type):
                of_part = ("theme-type", theme.key, part.agency_type, part.subtype)
                self.about[of_part] = self._number(part.figure, part.agency_type, part.subtype)
                parts.append(of_part)
                cells = tuple(("criterion", one.reference, row.agency_type, part.subtype) for one in own)
                self.sums.append(Sum(of_part, cells, apart=False))
            if parts:
                rest = row.figure.asked - sum(
                    one.figure.asked for one in theme.by_subtype if one.agency_type == row.agency_type
                )
                if rest > 0:
                    self.about["theme-type", theme.key, row.agency_type, None] = rest
                    parts.append(("theme-type", theme.key, row.agency_type, None))
                self.sums.append(Sum(cell, tuple(parts)))
        self.about[whole] = sum(self.about[cell] for cell in types)
        self.sums.append(Sum(whole, tuple(types)))

    # leaving it out

    def done(self) -> JointFindings:
        """The findings without what is hidden."""
        found = self.found
        total_hidden = "" in self.groups
        themes = tuple(self._without_theme(one) for one in found.themes)
        left = found.model_copy(
            update={
                "suppressed_below": self.below,
                "response": tuple(self._response(row) for row in found.response),
                "response_total": _no_response(found.response_total) if total_hidden else found.response_total,
                "overall": found.overall.model_copy(
                    update={"by_type": tuple(self._by(row, "type") for row in found.overall.by_type)}
                    | (self._nothing_overall() if total_hidden else {})
                ),
                "themes": themes,
                "milestones": tuple(self._milestone(one) for one in found.milestones),
                "assurance": self._assurance(found.assurance),
                "twins": tuple(map(self._twin, found.twins)),
                "optional": tuple(self._without_criterion(one) for one in found.optional),
                "facts": tuple(map(self._fact, found.facts)),
                "staff": self._staff(found.staff),
                "not_responding": ()
                if total_hidden
                else tuple(one for one in found.not_responding if not self._hides(one.agency_type, one.subtype)),
                "checks": self._checks(found.checks),
                "judgements": self._judgements(found.judgements),
            }
        )
        allowed = {(one.rule, one.sentence.text) for one in found.key_messages}
        messages = say.key_messages(left, self.words)
        return left.model_copy(
            update={"key_messages": tuple(one for one in messages if (one.rule, one.sentence.text) in allowed)}
        )

    def _nothing_overall(self) -> dict[str, object]:
        words = Message(
            N_("Fewer than %(below)s agencies responded, so nothing is said of them together."), {"below": self.below}
        )
        sentence = Sentence.of(words, self.found.language)
        return {"agencies": 0, "all_met": 0, "percent_all_met": None, "sentence": sentence}

    def _response(self, row: ResponseRow) -> ResponseRow:
        return _no_response(row) if self._hides(row.agency_type, row.subtype) else row

    def _by(self, row: FigureBy, *cell: Key) -> FigureBy:
        if (*cell, row.agency_type, row.subtype) not in self.out:
            return row
        return row.model_copy(update={"figure": _nothing(row.figure)})

    def _without_criterion(self, one: CriterionFindings) -> CriterionFindings:
        cell = ("criterion", one.reference)
        return one.model_copy(
            update={
                "figure": _nothing(one.figure) if (*cell, one.agency_type, "") in self.out else one.figure,
                "by_subtype": tuple(self._by(part, *cell) for part in one.by_subtype),
            }
        )

    def _without_theme(self, theme: ThemeFindings) -> ThemeFindings:
        criteria = tuple(self._without_criterion(one) for one in theme.criteria)
        shown = {one.reference for one in criteria if not one.figure.hidden}
        left = theme.model_copy(
            update={
                "figure": _nothing(theme.figure) if ("theme", theme.key, "", "") in self.out else theme.figure,
                "by_type": tuple(self._by(row, "theme-type", theme.key) for row in theme.by_type),
                "by_subtype": tuple(self._by(row, "theme-type", theme.key) for row in theme.by_subtype),
                "criteria": criteria,
                "most": tuple(one for one in theme.most if one in shown),
                "least": tuple(one for one in theme.least if one in shown),
            }
        )
        sentences = say.theme_sentences(left, self.words)
        # the first lists those shown; the others say what is most or least of all, and must have been true of all
        head = 1 if any(row.figure.counted for row in left.by_type) else 0
        kept = (*sentences[:head], *(one for one in sentences[head:] if one in theme.sentences))
        return left.model_copy(update={"sentences": kept})

    def _milestone(self, one: MilestoneFindings) -> MilestoneFindings:
        """Those criteria that are hidden stand last, each that has the milestone: a place would tell how they stand."""
        kinds = [kind.key for kind in self.found.agency_types]
        known = {row.reference: row for row in one.rows}
        rows = [row for row in one.rows if not self._is_out(row.reference)] + [
            known.get(each.reference) or _not_met(each)
            for each in self.found.criteria()
            if each.milestone == one.key and self._is_out(each.reference)
        ]
        rows.sort(key=lambda row: kinds.index(row.agency_type))
        left = one.model_copy(
            update={"rows": tuple(_blank(row) if self._is_out(row.reference) else row for row in rows)}
        )
        if ("milestone", one.key, "", "") in self.out:
            return _blank(left).model_copy(update={"rows": left.rows})
        return left

    def _is_out(self, reference: str) -> bool:
        """Whether the figure of a criterion is hidden."""
        one = self.criteria.get(reference)
        return one is not None and ("criterion", reference, one.agency_type, "") in self.out

    def _leaves_few(self, reference: str, answers: int, agencies: int, *, excluded: bool = False) -> bool:
        """Whether a figure about some of the answers to a criterion (the `excluded` too), of so many agencies, is not
        to be shown beside the criterion's own: that is hidden, or what the one leaves of the other is about too few."""
        one = self.criteria.get(reference)
        if one is None:
            return False
        rest = one.figure.counted + (one.figure.excluded if excluded else 0) - answers
        others = self.submitted.get((one.agency_type, ""), 0) - agencies
        return self._is_out(reference) or 0 < (min(rest, others) if others > 0 else rest) < self.below

    def _assurance(self, found: AssuranceFindings) -> AssuranceFindings:
        gone = [("type", row.agency_type, "") in self.out for row in found.rows]
        shown = [row for row, is_out in zip(found.rows, gone, strict=True) if not is_out]
        total = None if ("answers", "", "") in self.out else found.total
        sentences = say.assurance_sentences(shown, total, self.words, found.checked_phrase, found.on_paper_phrase)
        return found.model_copy(
            update={
                "rows": tuple(_blank(row) if is_out else row for row, is_out in zip(found.rows, gone, strict=True)),
                "total": total,
                "sentences": tuple(one for one in sentences if one in found.sentences),
            }
        )

    def _twin(self, twin: TwinFindings) -> TwinFindings:
        """The two views of a duty, without those areas with too few pairs, and one or more to hide them."""
        sides = (twin.a, twin.b)
        about: dict[Key, int] = {("area", place): one.pairs for place, one in enumerate(twin.by_area)}
        about["all"] = min(twin.pairs, *(self.submitted.get((side.agency_type, ""), 0) for side in sides))
        areas = tuple(cell for cell in about if cell != "all")
        known = any(self._leaves_few(side.reference, twin.compared, twin.pairs) for side in sides)
        also = ["all"] if known or any(self._hides(side.agency_type) for side in sides) else []
        out = hidden(about, [Sum("all", areas)], self.below, also=also)
        if "all" in out:
            # areas without the duty as a whole could be added up again
            return _blank(twin).model_copy(update={"by_area": tuple(map(_blank, twin.by_area))})
        return twin.model_copy(
            update={
                "by_area": tuple(
                    _blank(one) if ("area", place) in out else one for place, one in enumerate(twin.by_area)
                )
            }
        )

    def _fact(self, fact: FactFindings) -> FactFindings:
        about: dict[Key, int] = {row.agency_type: row.returns for row in fact.rows}
        about[""] = fact.returns
        out = hidden(
            about, [Sum("", tuple(row.agency_type for row in fact.rows))], self.below,
            also=[
                row.agency_type
                for row in fact.rows
                if self._hides(row.agency_type) or self._is_out(f"{row.agency_type}#{fact.id}")
            ],
        )  # fmt: skip
        rows = tuple(
            _blank(row) if row.agency_type in out else row.model_copy(update={"counted": _inner(row.counted)})
            for row in fact.rows
        )
        if "" in out:
            rows = tuple(map(_blank, rows))
            return _blank(fact).model_copy(update={"rows": rows, "choices": fact.choices})
        return fact.model_copy(update={"rows": rows, "counted": _inner(fact.counted)})

    def _staff(self, found: StaffFindings | None) -> StaffFindings | None:
        """What staff say; None where the results of too few agencies are there."""
        if found is None or found.returns < self.below:
            return None
        return found.model_copy(
            update={"lines": tuple(_blank(one) if self._hides_line(one) else one for one in found.lines)}
        )

    def _hides_line(self, one: StaffLine) -> bool:
        return (
            one.agencies < self.below
            or self._hides(one.agency_type)
            or self._leaves_few(f"{one.agency_type}#{one.id}", one.graded, one.agencies)
        )

    def _checks(self, found: CheckFindings | None) -> CheckFindings | None:
        """What was checked; None where too few returns were."""
        if found is None:
            return None
        about: dict[Key, int] = {"all": found.total.checked}
        kinds = {one.agency_type: one.checked for one in found.types}
        theme_of = {one.reference: one.theme for one in self.found.criteria()}
        about |= {("type", kind): number for kind, number in kinds.items()}
        about |= {("theme", one.key): min(one.compared.answers, found.total.checked) for one in found.themes}
        for one in found.criteria:
            about["criterion", one.reference] = min(one.compared.answers, kinds.get(one.agency_type, 0))
        sums = [
            Sum("all", tuple(("type", kind) for kind in kinds)),
            Sum("all", tuple(("theme", one.key) for one in found.themes), apart=False),
        ]
        for kind in kinds:
            own = tuple(("criterion", one.reference) for one in found.criteria if one.agency_type == kind)
            sums.append(Sum(("type", kind), own, apart=False))
        for theme in found.themes:
            own = tuple(("criterion", one.reference) for one in found.criteria
                        if theme_of.get(one.reference) == theme.key)  # fmt: skip
            sums.append(Sum(("theme", theme.key), own, apart=False))
        out = hidden(about, sums, self.below, also=list(self._not_beside(found, kinds)))
        if "all" in out or not about["all"]:
            return None
        of_risk: dict[Key, int] = {one.key: one.checked for one in found.risks}
        sums = []
        if found.by_risk:
            of_risk[""] = found.by_risk.checked
            sums = [Sum("", tuple(one.key for one in found.risks))]
        risks_out = hidden(of_risk, sums, self.below)

        def left(rows: Iterable[M], kind: str, name: str) -> tuple[M, ...]:
            return tuple(_blank(one) if (kind, getattr(one, name)) in out else one for one in rows)

        return found.model_copy(
            update={
                "frame": {kind: one for kind, one in found.frame.items() if not self._hides(kind)},
                "drawn_returns": {kind: one for kind, one in found.drawn_returns.items() if not self._hides(kind)},
                "types": left(found.types, "type", "agency_type"),
                "themes": left(found.themes, "theme", "key"),
                "criteria": left(found.criteria, "criterion", "reference"),
                "risks": tuple(_blank(one) if one.key in risks_out else one for one in found.risks),
                "by_risk": _blank(found.by_risk) if found.by_risk and "" in risks_out else found.by_risk,
                "named": (),
            }
        )

    def _not_beside(self, found: CheckFindings, kinds: Mapping[str, int]) -> Iterable[Key]:
        """What was checked that is not to be shown beside what was declared: the one is hidden, or the answers that
        nobody checked are of too few agencies."""
        unchecked = {kind: self.submitted.get((kind, ""), 0) - number for kind, number in kinds.items()}
        for kind, number in unchecked.items():
            few = not found.questions and 0 < number < self.below
            if few or self._hides(kind) or ("type", kind, "") in self.out:
                yield "type", kind
        few = not found.questions and 0 < sum(unchecked.values()) < self.below
        for theme in found.themes:
            if few or ("theme", theme.key, "", "") in self.out:
                yield "theme", theme.key
        for one in found.criteria:
            agencies = kinds.get(one.agency_type, 0)
            if self._leaves_few(one.reference, one.compared.answers, agencies, excluded=True):
                yield "criterion", one.reference

    def _judgements(self, found: JudgementFindings | None) -> JudgementFindings | None:
        """Where agencies are named their judgements are public, and counting them tells nothing more."""
        if found is None or self.found.names_agencies:
            return found
        return found.model_copy(
            update={
                "spreads": tuple(
                    _blank(one) if one.total < self.below or self._hides(one.agency_type) else one
                    for one in found.spreads
                )
            }
        )


def _blank(row: M) -> M:
    """A row without its figures: whose it is, in words and keys, stays."""
    update: dict[str, Any] = {"hidden": True}
    for name in type(row).model_fields:
        value = getattr(row, name)
        if isinstance(value, bool | str | date | TwinSide):
            continue
        if isinstance(value, Compared | Counted):
            update[name] = type(value)()
        else:
            update[name] = 0 if isinstance(value, int) else () if isinstance(value, tuple) else None
    return row.model_copy(update=update)


def _inner(counted: Counted) -> Counted:
    """What was counted without the first and the last, which are figures of one agency each."""
    spread, days = counted.spread, counted.days
    return counted.model_copy(
        update={
            "spread": spread and spread.model_copy(update={"smallest": None, "largest": None}),
            "days": days and days.model_copy(update={"earliest": None, "latest": None}),
        }
    )


def _not_met(one: CriterionFindings) -> MilestoneRow:
    return MilestoneRow(
        reference=one.reference, agency_type=one.agency_type, number=one.number, label=one.label, counted=0,
        not_yet=0, by_then=0, after=0, no_date=0,
    )  # fmt: skip


def _nothing(figure: Figure) -> Figure:
    return Figure(scheme=figure.scheme, hidden=True)


def _no_response(row: ResponseRow) -> ResponseRow:
    return ResponseRow(agency_type=row.agency_type, subtype=row.subtype, label=row.label, hidden=True)

