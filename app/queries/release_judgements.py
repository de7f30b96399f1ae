"""What feedback says of a judgement: the grade, the rule that gave it, and a cap with what it is without."""

from __future__ import annotations

from typing import Any

from app.domain.feedback import Statement
from app.domain.message import N_
from app.domain.rules.language import Judgement as Rules
from app.domain.rules.language import Judgements
from app.domain.templates import Pack
from app.models import Judgement


def statements_of(pack: Pack, agency_type: str, row: Judgement) -> list[Statement]:
    """The statements on one judgement: nothing while it has no grade. An override counts once it is approved."""
    judgements, rules = Judgements.of(pack), _rules(pack, agency_type, row.key)
    decided, grade = bool(row.approved_at), row.holds
    if not grade or rules is None or judgements is None:
        return []
    labels = {one.key: one.label for one in judgements.scales[rules.scale].grades}
    params: dict[str, Any] = {"judgement": rules.title, "grade": labels.get(grade, grade)}
    found = [
        Statement(
            id=f"judgement.{row.key}", part="judgement", msgid=N_("%(judgement)s: %(grade)s."), params=params,
            words=row.override_reason if decided else row.given_note if row.given else "",
        )
    ]  # fmt: skip
    if decided:
        return found
    place = row.explanation.get("rule")
    if place is not None and place < len(rules.steps):
        found.append(
            Statement(
                id=f"judgement.{row.key}.rule", part="judgement", msgid=N_("%(judgement)s, the rule: %(because)s"),
                params={"judgement": rules.title, "because": rules.steps[place].because},
            )
        )  # fmt: skip
    for bound in row.explanation.get("bound", ()):
        found.append(
            Statement(
                id=f"judgement.{row.key}.cap.{bound}", part="judgement",
                msgid=N_(
                    "%(judgement)s is limited to “%(grade)s”; without the limit it would be “%(uncapped)s”. The reason:"
                    " %(because)s"
                ),
                params=params
                | {"uncapped": labels.get(row.uncapped, row.uncapped), "because": rules.caps[bound].because},
            )
        )  # fmt: skip
    return found


def _rules(pack: Pack, agency_type: str, key: str) -> Rules | None:
    judgements = Judgements.of(pack)
    for profile in judgements.profiles if judgements else ():
        if agency_type in profile.agency_types and key in profile.judgements:
            return profile.judgements[key]
    return None
