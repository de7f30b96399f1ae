"""A submission of which some standards are returned for correction: what may change until it is signed again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.life import NotPossible
from app.domain.message import N_, Message

ELSEWHERE = Message(
    N_(
        "Only the standards that were returned for correction can be changed until this audit is signed again."
        " This is in another one. If it must change too, ask the oversight body."
    )
)


@dataclass(frozen=True)
class Correction:
    """`reasons`: the standards that were returned, each with why. `also`: ids of questions of other standards that
    stand in the way of signing, because a corrected answer made them asked.
    """

    reasons: Mapping[str, str]
    also: frozenset[str] = field(default_factory=frozenset)

    def allows(self, standard: str, question: str = "") -> bool:
        """Whether a standard, or a question of it, may be changed."""
        return standard in self.reasons or question in self.also

    def check(self, standard: str, question: str = "") -> None:
        """Raise NotPossible unless it may be changed."""
        if not self.allows(standard, question):
            raise NotPossible(ELSEWHERE)
