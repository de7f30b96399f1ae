"""The recommendations that the questions of a checklist cite."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from app.domain.templates import Criterion, Pack, Placed, Template
from app.domain.text import Text


@dataclass(frozen=True)
class Cited:
    """A recommendation that questions cite, as `key` (`report/number`), and those questions by agency type."""

    key: str
    number: str
    title: Text
    short: Text
    questions: Mapping[str, tuple[Placed, ...]]

    @property
    def milestones(self) -> set[str]:
        """The milestones of the questions."""
        return {one.criterion.milestone for placed in self.questions.values() for one in placed
                if one.criterion.milestone}  # fmt: skip


def is_decision(pack: Pack, template: Template, criterion: Criterion) -> bool:
    """Whether an answer decides on something: no grade that it can be given says that it is in place, or is not."""
    grades = pack.scheme_of(template, criterion).grades
    return criterion.answer.is_graded and all(grade.counts_as == "excluded" for grade in grades)


def recommendations(pack: Pack, types: Collection[str], *, milestone: str = "") -> list[Cited]:
    """What the checklists of some agency types cite, in the order of the reports and then by number.

    Without decisions on a recommendation: to decide is not to have it in place. With `milestone`, only as far as
    questions should be in place by it.
    """
    found: dict[str, dict[str, list[Placed]]] = defaultdict(dict)
    for agency_type in pack.agency_types:
        if agency_type not in types:
            continue
        template = pack.templates[agency_type]
        for placed in template.criteria():
            criterion = placed.criterion
            # what comes to no grade cannot be followed by one
            if not criterion.answer.is_graded or is_decision(pack, template, criterion):
                continue
            if milestone not in ("", criterion.milestone):
                continue
            for key in criterion.recommendations:
                found[key].setdefault(agency_type, []).append(placed)
    order = list(pack.recommendation_reports)

    def place(key: str) -> tuple[int, list[tuple[int, str]]]:
        report, _slash, number = key.partition("/")
        parts = re.findall(r"\d+|\D+", number)
        return order.index(report), [(int(one), "") if one.isdigit() else (0, one) for one in parts]

    return [
        Cited(
            key, key.partition("/")[2], pack.recommendation_reports[key.partition("/")[0]].title,
            pack.recommendation_reports[key.partition("/")[0]].short,
            {agency_type: tuple(placed) for agency_type, placed in found[key].items()},
        )
        for key in sorted(found, key=place)
    ]  # fmt: skip
