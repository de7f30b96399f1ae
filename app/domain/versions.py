"""Two versions of a pack side by side: what was added, changed and removed, and what it means for answers and figures.

It says what the service does with each question: whether its answer of the round before can be carried forward
(`queries.carrying`), and whether its figures are put beside those of the round before (`queries.figures`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.domain.message import N_, Message
from app.domain.rules.language import Judgements, Profile
from app.domain.templates import Basis, Criterion, Grade, GradingScheme, Pack, Placed, Template

Carried = Literal["all", "some", "none"]

# of a criterion: wording, which leaves answers as they are, and what makes another question of it
WORDING = ("question", "why", "evidence")
MEANING = ("answer", "grading", "scope")


@dataclass(frozen=True)
class ChangedCriterion:
    """A question that both versions ask, where anything about it differs.

    `parts`: what differs, by the author's keys; `standard` where it moved, `optional` where that moved with it. `lost`:
    grades and bases with which answers cannot be carried. `compared`: whether figures of both versions are put side by
    side.
    """

    then: Placed
    now: Placed
    parts: tuple[str, ...]
    carried: Carried
    lost: tuple[str, ...]
    compared: bool

    @property
    def is_raised(self) -> bool:
        """Whether its version was raised."""
        return self.now.criterion.version > self.then.criterion.version

    @property
    def meanings(self) -> tuple[Message, ...]:
        """What that means for answers and figures, and what the author should look at."""
        then, now = self.then.criterion, self.now.criterion
        found = [_CARRIED[self.carried], _COMPARED[self.compared]]
        if self.lost:
            found[0] = Message(
                N_("answers are carried, but for those with %(keys)s"), {"keys": ", ".join(self.lost)}
            )
        if now.version < then.version:
            found.append(Message(N_("its version went down: raise it above %(version)s"), {"version": then.version}))
        elif not self.is_raised and any(part in self.parts for part in MEANING):
            found.append(Message(N_("raise its version: it is answered differently")))
        elif not self.is_raised and any(part in self.parts for part in WORDING):
            found.append(Message(N_("raise its version if it means something else now")))
        return tuple(found)


_CARRIED: dict[Carried, Message] = {
    "all": Message(N_("answers are carried")),
    "some": Message(N_("some answers are carried")),
    "none": Message(N_("answers are not carried")),
}
_COMPARED = {
    True: Message(N_("figures are compared with the round before")),
    False: Message(N_("figures are not compared with the round before")),
}


@dataclass(frozen=True)
class ChangedRules:
    """What differs in the rules of an agency type: keys by part (`scales`, `indicators`, `targets`, `judgements`,
    `triggers`)."""

    added: Mapping[str, tuple[str, ...]]
    changed: Mapping[str, tuple[str, ...]]
    removed: Mapping[str, tuple[str, ...]]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True)
class ComparedTemplate:
    """The checklist of one agency type, in both versions, each in its own order. `texts`: title, introduction and
    declaration where they differ."""

    agency_type: str
    added: tuple[Placed, ...]
    changed: tuple[ChangedCriterion, ...]
    removed: tuple[Placed, ...]
    texts: tuple[str, ...]
    rules: ChangedRules

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not (self.added or self.changed or self.removed or self.texts or self.rules)


@dataclass(frozen=True)
class ChangedScheme:
    """A grading scheme that differs. `reordered`: the grades that both have stand in another order."""

    key: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    reordered: bool


@dataclass(frozen=True)
class Comparison:
    """Two versions of a pack. `parts`: keys of pack.yaml, and files, that differ beside checklists, grades and
    rules."""

    then: Pack
    now: Pack
    new_types: tuple[str, ...]
    gone_types: tuple[str, ...]
    templates: tuple[ComparedTemplate, ...]
    schemes: tuple[ChangedScheme, ...]
    parts: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing differs but the version itself and its change note."""
        return (
            not (self.new_types or self.gone_types or self.schemes or self.parts)
            and all(one.is_same for one in self.templates)
        )  # fmt: skip


def compare(then: Pack, now: Pack) -> Comparison:
    """What differs between two versions of a pack, in the order of the files."""
    both = [key for key in now.templates if key in then.templates]
    frozen_then, frozen_now = then.as_published().to_frozen(), now.as_published().to_frozen()
    told = {"format", "pack", "version", "changes", "templates", "judgements"}
    keys = dict.fromkeys([*frozen_now, *frozen_then])
    if then.grading_schemes.keys() == now.grading_schemes.keys():
        told.add("grading_schemes")  # what differs in them is told one by one
    return Comparison(
        then=then,
        now=now,
        new_types=tuple(key for key in now.templates if key not in then.templates),
        gone_types=tuple(key for key in then.templates if key not in now.templates),
        templates=tuple(_template(then, now, key) for key in both),
        schemes=tuple(_schemes(then, now)),
        parts=tuple(key for key in keys if key not in told and frozen_then.get(key) != frozen_now.get(key)),
    )


def _template(then: Pack, now: Pack, agency_type: str) -> ComparedTemplate:
    before, after = then.templates[agency_type], now.templates[agency_type]
    old = {placed.criterion.id: placed for placed in before.criteria()}
    new = {placed.criterion.id: placed for placed in after.criteria()}
    pairs = ((old[key], placed) for key, placed in new.items() if key in old)
    return ComparedTemplate(
        agency_type=agency_type,
        added=tuple(placed for key, placed in new.items() if key not in old),
        changed=tuple(_changed(then, now, agency_type, pairs)),
        removed=tuple(placed for key, placed in old.items() if key not in new),
        texts=tuple(
            key for key in ("title", "introduction", "declaration") if getattr(before, key) != getattr(after, key)
        ),
        rules=_rules(then, now, agency_type),
    )


def _changed(
    then: Pack, now: Pack, agency_type: str, pairs: Iterable[tuple[Placed, Placed]]
) -> Iterator[ChangedCriterion]:
    before, after = then.templates[agency_type], now.templates[agency_type]
    for old, new in pairs:
        parts = _parts(before, after, old, new)
        scheme_then, scheme_now = then.scheme_of(before, old.criterion), now.scheme_of(after, new.criterion)
        lost = _lost(scheme_then, scheme_now, new.criterion)
        counts = _counts(scheme_then) == _counts(scheme_now)
        if not parts and not lost and counts:
            continue
        asked_alike = old.criterion.version == new.criterion.version
        same_answer = old.criterion.answer == new.criterion.answer and old.criterion.scope == new.criterion.scope
        whole = asked_alike and same_answer and new.criterion.carried is not False
        carried: Carried = "none" if not whole else "some" if lost else "all"
        yield ChangedCriterion(
            then=old,
            now=new,
            parts=parts,
            carried=carried,
            lost=lost if whole else (),
            compared=asked_alike and counts and old.criterion.answer.is_graded and new.criterion.answer.is_graded,
        )


def _parts(before: Template, after: Template, old: Placed, new: Placed) -> tuple[str, ...]:
    """What differs of a criterion, by the author's keys."""
    told = ("version", "grading")
    found = [
        key
        for key in Criterion.model_fields
        if key not in told and getattr(old.criterion, key) != getattr(new.criterion, key)
    ]
    if (old.criterion.grading or before.grading) != (new.criterion.grading or after.grading):
        found.append("grading")
    if old.criterion.version != new.criterion.version:
        found.append("version")
    if old.standard.id != new.standard.id:
        found.append("standard")
    if old.standard.optional != new.standard.optional:
        found.append("optional")
    return tuple(found)


def _lost(then: GradingScheme, now: GradingScheme, criterion: Criterion) -> tuple[str, ...]:
    """The grades and bases that answers may have and that are offered no more."""
    grades = {grade.key for grade in now.grades}
    bases = {basis.key for basis in now.bases}
    # the grade of a fact follows from what was answered
    gone = [grade.key for grade in then.grades if grade.key not in grades] if criterion.answer.type == "grade" else []
    return tuple(gone + [basis.key for basis in then.bases if basis.key not in bases])


def _counts(scheme: GradingScheme) -> list[tuple[str, str]]:
    """What figures make of each grade, in order."""
    return [
        (grade.key, "apart" if grade.counts_as == "not_met" and grade.shown_apart else grade.counts_as)
        for grade in scheme.grades
    ]


def _schemes(then: Pack, now: Pack) -> Iterator[ChangedScheme]:
    for key, after in now.grading_schemes.items():
        before = then.grading_schemes.get(key)
        if before is None or before == after:
            continue
        old: dict[str, Grade | Basis] = {one.key: one for one in _grades_and_bases(before)}
        new: dict[str, Grade | Basis] = {one.key: one for one in _grades_and_bases(after)}
        both = [grade.key for grade in after.grades if grade.key in old]
        yield ChangedScheme(
            key=key,
            added=tuple(one for one in new if one not in old),
            changed=tuple(one for one in new if one in old and old[one] != new[one]),
            removed=tuple(one for one in old if one not in new),
            reordered=both != [grade.key for grade in before.grades if grade.key in new],
        )


def _grades_and_bases(scheme: GradingScheme) -> Iterator[Grade | Basis]:
    yield from scheme.grades
    yield from scheme.bases


def _rules(then: Pack, now: Pack, agency_type: str) -> ChangedRules:
    added: dict[str, tuple[str, ...]] = {}
    changed: dict[str, tuple[str, ...]] = {}
    removed: dict[str, tuple[str, ...]] = {}
    before, after = _rule_parts(then, agency_type), _rule_parts(now, agency_type)
    for part in ("scales", "indicators", "targets", "judgements", "triggers"):
        old, new = before.get(part, {}), after.get(part, {})
        found = {
            "added": tuple(key for key in new if key not in old),
            "changed": tuple(key for key in new if key in old and old[key] != new[key]),
            "removed": tuple(key for key in old if key not in new),
        }
        for into, name in ((added, "added"), (changed, "changed"), (removed, "removed")):
            if found[name]:
                into[part] = found[name]
    return ChangedRules(added, changed, removed)


def _rule_parts(pack: Pack, agency_type: str) -> Mapping[str, Mapping[str, Any]]:
    judgements = Judgements.of(pack)
    profiles: tuple[Profile, ...] = judgements.profiles if judgements else ()
    profile = next((one for one in profiles if agency_type in one.agency_types), None)
    if judgements is None or profile is None:
        return {}
    used = {judgement.scale for judgement in profile.judgements.values()}
    return {
        "scales": {key: scale for key, scale in judgements.scales.items() if key in used},
        "indicators": profile.indicators,
        "targets": profile.targets,
        "judgements": profile.judgements,
        "triggers": profile.triggers,
    }
