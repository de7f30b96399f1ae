"""The content that a signatory signs: one JSON value, the same whoever computes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

FORMAT = "candour-return/2"  # 1 had no areas, evidence or actions


def return_content(
    *,
    audit_round: dict[str, Any],
    agency: dict[str, Any],
    template: dict[str, Any],
    answers: Iterable[dict[str, Any]],
    vouches: Iterable[dict[str, Any]],
    areas: Iterable[dict[str, Any]] = (),
    sites: Iterable[dict[str, Any]] | None = None,
    actions: Iterable[dict[str, Any]] = (),
    evidence: Iterable[dict[str, Any]] = (),
) -> dict[str, Any]:
    """The content of a return as a JSON value; its canonical form is what the content hash is made over.

    `audit_round`: key, name. `agency`: code, name, type, subtype. `template`: pack, version, sha256 (of the frozen
    template). `answers`: criterion, scope, type, value, in any order. `vouches`: standard, name, post, at (ISO 8601).
    `areas`: those that scopes name: scope, code, name. `sites`: likewise; empty where the agency says that it has none,
    and left out where None, so that content of checklists that ask nothing per site is what it always was.
    `actions`: what is planned (`actions.Action.signed`). `evidence`: what supports the answers, by content
    (`evidence.Attached.signed`).
    """
    content: dict[str, Any] = {
        "format": FORMAT,
        "round": audit_round,
        "agency": agency,
        "template": template,
        "answers": sorted(answers, key=lambda answer: (answer["criterion"], answer["scope"])),
        "vouches": sorted(vouches, key=lambda vouch: vouch["standard"]),
        "areas": sorted(areas, key=lambda area: area["scope"]),
        "actions": sorted(actions, key=lambda action: (action["criterion"], action["scope"], action["id"])),
        "evidence": sorted(evidence, key=lambda piece: (piece["criterion"], piece["scope"], piece["id"])),
    }
    if sites is not None:
        content["sites"] = sorted(sites, key=lambda site: site["scope"])
    return content
