"""Drawing a sample that nobody can steer, and that anybody can repeat.

Before a round closes a secret seed is made and its hash is put on record. After the round has closed, the seed is
revealed and orders the returns: each by the SHA-256 of `SEED:RETURN`, as lower-case hexadecimal digits, where RETURN is
the public id of the return; of each agency type the first so many are drawn. With standard tools:

    printf '%s' "$SEED" | sha256sum                                   # gives the hash that was put on record
    for id in $(cat ids); do
        echo "$(printf '%s' "$SEED:$id" | sha256sum | cut -c1-64) $id"
    done | sort | head -n 12                                          # the twelve that are drawn

Questions within a return are ordered in the same way by `SEED:RETURN:QUESTION`, and the returns drawn at random, for
those that a second inspector checks, by `SEED:RETURN:second`.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.integrity import hash_of, sha256_hex
from app.domain.message import N_, Message
from app.domain.risks import ModerationRules

FORMAT = "candour-sample-frame/1"
MOST = 1000  # of any number in a plan


def new_seed() -> str:
    """A fresh seed of 64 hexadecimal digits: 256 bits that nobody can guess from their hash."""
    return secrets.token_hex(32)


def seed_hash(seed: str) -> str:
    """What is made known before the round closes: the SHA-256 of the seed's digits as they are written."""
    return sha256_hex(seed.encode())


def _in_order(seed: str, about: str, names: Collection[str]) -> list[str]:
    prefix = f"{seed}:{about}"
    return sorted(names, key=lambda name: (sha256_hex(f"{prefix}{name}".encode()), name))


def draw(seed: str, frame: Mapping[str, Collection[str]], sizes: Mapping[str, int]) -> dict[str, list[str]]:
    """Agency type to the public ids that are drawn, in the order of the draw.

    `frame`: agency type to the public ids of its submitted returns; `sizes`: how many of each type. The order of the
    frame changes nothing.
    """
    return {stratum: _in_order(seed, "", ids)[: sizes.get(stratum, 0)] for stratum, ids in frame.items()}


def questions_drawn(seed: str, public_id: str, questions: Collection[str], number: int) -> list[str]:
    """The questions of a return that are checked, in the order of the draw; `number` 0 takes all, as they come."""
    return _in_order(seed, f"{public_id}:", questions)[:number] if number else list(questions)


def seconds_drawn(seed: str, drawn: Collection[str], percent: int) -> list[str]:
    """Those of the returns drawn at random that a second inspector checks: `percent` of them, rounded up."""
    ordered = sorted(drawn, key=lambda one: (sha256_hex(f"{seed}:{one}:second".encode()), one))
    return ordered[: -(-len(ordered) * percent // 100)]


def frame_hash(frame: Mapping[str, Collection[tuple[str, str]]]) -> str:
    """The hash of what was drawn from: agency type to (public id of the return, submission hash), in any order.

    SHA-256 of canonical JSON: `{"format": …, "frame": {TYPE: [[RETURN, SUBMISSION], …]}}`, each list sorted.
    """
    return hash_of(
        {
            "format": FORMAT,
            "frame": {stratum: sorted(list(one) for one in returns) for stratum, returns in frame.items()},
        }
    )


class PlanErrors(Exception):
    """What is wrong with a plan: field to message."""

    def __init__(self, errors: Mapping[str, Message]) -> None:
        super().__init__("; ".join(map(str, errors.values())))
        self.errors = dict(errors)


@dataclass(frozen=True)
class SamplePlan:
    """How many are drawn. `percent`: agency type to per cent of its submitted returns; `rules`: keys of risk rules.

    See `risks.PlanDefaults` for the others.
    """

    percent: Mapping[str, int]
    minimum: int
    questions: int
    risk_most: int
    second_percent: int
    small_round: int
    rules: tuple[str, ...] = ()
    risk_percent: int = 100

    @classmethod
    def of(cls, rules: ModerationRules, agency_types: Collection[str]) -> SamplePlan:
        """The plan that a pack begins with, for the agency types of a round."""
        plan = rules.plan
        return cls(
            percent={key: plan.percent_of_type.get(key, plan.percent) for key in agency_types},
            minimum=plan.minimum,
            questions=plan.questions,
            risk_most=plan.risk_most,
            second_percent=plan.second_percent,
            small_round=plan.small_round,
            rules=tuple(rule.key for rule in rules.risks),
            risk_percent=plan.risk_percent,
        )

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> SamplePlan:
        """The plan that `as_data` gave."""
        return cls(**{**data, "rules": tuple(data["rules"])})

    def as_data(self) -> dict[str, Any]:
        """The plan as it is stored and recorded."""
        return {
            "percent": dict(self.percent), "minimum": self.minimum, "questions": self.questions,
            "risk_most": self.risk_most, "second_percent": self.second_percent, "small_round": self.small_round,
            "rules": list(self.rules),
            # plans of before there was a share have none
            **({"risk_percent": self.risk_percent} if self.risk_percent < 100 else {}),
        }  # fmt: skip

    def size(self, agency_type: str, number: int) -> int:
        """How many of `number` returns of a type are drawn: the share rounded up, the minimum, never more than all."""
        share = -(-number * self.percent.get(agency_type, 0) // 100)
        return min(number, max(share, self.minimum))

    def sizes(self, numbers: Mapping[str, int]) -> dict[str, int]:
        """How many of each type are drawn, for agency type to number of submitted returns."""
        return {key: self.size(key, number) for key, number in numbers.items()}

    def risk_sizes(self, numbers: Mapping[str, int]) -> dict[str, int]:
        """How many of each type risk chooses at most: the smaller of the number and of the share, rounded up."""
        return {key: min(self.risk_most, -(-number * self.risk_percent // 100)) for key, number in numbers.items()}

    def is_small(self, submitted: int) -> bool:
        """Whether names stand in the place of estimates."""
        return submitted < self.small_round

    def errors(self, known_rules: Collection[str]) -> dict[str, Message]:
        """What is wrong with the plan: field to message; empty when nothing is."""
        found = {}
        for key, share in self.percent.items():
            if not 0 <= share <= 100:
                found[f"percent-{key}"] = Message(N_("Give a share from 0 to 100 per cent."))
        for name in ("second_percent", "risk_percent"):
            if not 0 <= getattr(self, name) <= 100:
                found[name] = Message(N_("Give a share from 0 to 100 per cent."))
        for name in ("minimum", "questions", "risk_most"):
            if not 0 <= getattr(self, name) <= MOST:
                found[name] = Message(N_("Give a whole number from 0 to %(most)s."), {"most": MOST})
        if not self.minimum and not any(self.percent.values()):
            found["minimum"] = Message(N_("With no share and no minimum nothing would be drawn. Give one of them."))
        if unknown := [key for key in self.rules if key not in known_rules]:
            found["rules"] = Message(
                N_("There is no rule of risk “%(key)s” in these checklists."), {"key": unknown[0]}
            )
        return found


def by_risk(
    seed: str, reasons: Mapping[str, Sequence[str]], agency_type_of: Mapping[str, str], most: Mapping[str, int]
) -> list[str]:
    """The returns that risk chooses: of each agency type at most `most` of it, those with the most reasons first.

    `reasons`: public id to the keys of its rules. Between equals the seed decides, so that nobody does.
    """
    taken: dict[str, int] = {}
    chosen = []
    for public_id in sorted(_in_order(seed, "", reasons), key=lambda one: -len(reasons[one])):
        kind = agency_type_of[public_id]
        if taken.get(kind, 0) < most.get(kind, 0):
            taken[kind] = taken.get(kind, 0) + 1
            chosen.append(public_id)
    return chosen
