"""Everything that was said about one agency, for a request for information: who said it as whom, what is exempt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.domain.message import N_, Message
from app.domain.roles import ROLE_NAMES

# why something is exempt; the first four are suggested where they fit
GROUNDS: dict[str, str] = {
    "personal": N_("Personal data"),
    "third_party": N_("About, or from, a third party"),
    "moderation": N_("Moderation is in progress"),
    "unpublished": N_("Not published yet"),
    "other": N_("Another reason"),
}
ROLES: dict[str, str] = ROLE_NAMES | {
    "service": N_("This service"),
    "unknown": N_("Somebody who is not appointed any more"),
}
LONGEST_REASON = 2000


@dataclass(frozen=True)
class Decision:
    """What an inspector decided of one entry: exempt on a ground with a reason, or to be handed out."""

    exempt: bool
    ground: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Entry:
    """One thing that was said. `id` stays the same; `role` is a key of ROLES, never a name.

    `suggestion` is the ground on which it would be exempt, or empty; `decision` what an inspector decided, if anything.
    """

    id: str
    at: datetime
    role: str
    what: Message
    text: str
    suggestion: str = ""
    decision: Decision | None = None

    @property
    def is_exempt(self) -> bool:
        """What holds: the decision or, before there is one, the suggestion."""
        return self.decision.exempt if self.decision else bool(self.suggestion)

    @property
    def ground(self) -> str:
        """The ground of an exempt entry: a key of GROUNDS, or empty."""
        if not self.is_exempt:
            return ""
        return self.decision.ground if self.decision else self.suggestion

    @property
    def reason(self) -> str:
        """What the inspector wrote about it; empty where the suggestion stands as it is."""
        return self.decision.reason if self.decision else ""


def without_names(text: str, roles: Mapping[str, str]) -> str:
    """A text with the names that are known (name to role in words) replaced by the role, the longest name first."""
    for name in sorted((name for name in roles if len(name) > 2), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", f"[{roles[name]}]", text, flags=re.IGNORECASE)
    return text
