"""Which parts of a report's data rest on what a function of ours reads.

By the kind of data: a function of `app.queries` to the fields that its statements fill. No field: it is read on the
way, and this report does not show it. None, and every function that is not named: it is read for the whole report. Of
several functions that call each other the innermost counts.

`tests/reports/test_origins.py` takes the rows of one statement after the other away, and finds no other field changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from reports.registry import HERE

QUERIES = "queries.json"  # in the folder of a report, and inside its PDF

Origins = Mapping[str, tuple[str, ...] | None]

# who may read, in what round, which checklist: whatever asks for it
_WHOLE: Origins = dict.fromkeys(
    (
        "returns.return_facts", "rounds.round_facts", "packs.template_of", "packs.pack_of", "checks.is_second_at_work",
        "moderation.hidden_from",
    )
)  # fmt: skip
# what the joint findings read and a report made from them does not show, but for what it says below
_NOT_SHOWN: Origins = {
    f"findings.{name}": ()
    for name in (
        "_response", "_criteria", "_overall", "_milestones", "_assurance", "_twins", "_not_responding", "_agency_types",
        "bodies_of",
    )
} | {
    "findings._facts": ("audit_round",),
    "checks.checks_of": (),
    "checks.judgements_of": (),
    "facts.fact_findings": (),
    "staff.staff_findings": ("audit_round",),
}  # fmt: skip
_PLACES = ("regions", "kinds", "agencies_of_concern")
# what those addressed say is the newest fact, too
_ASKED = ("audit_round", "past", "responses", "standing", "by_addressee", "entries", "waiting")
_COMPARED = ("then", "now", "types", "movements")

_READS: Mapping[str, Origins] = {
    "joint-findings": {
        "findings._facts": ("audit_round",),
        "findings._response": (
            "response", "response_total", "overall", "themes", "optional", "facts", "key_messages",
        ),
        "findings._criteria": ("overall", "themes", "milestones", "optional", "key_messages"),
        "findings._overall": ("overall", "key_messages"),
        "findings._milestones": ("milestones", "key_messages"),
        "findings._assurance": ("assurance", "key_messages"),
        "findings._twins": ("twins", "key_messages"),
        "findings._not_responding": ("not_responding",),
        "findings._agency_types": ("agency_types",),
        "findings.bodies_of": ("bodies",),
        "checks.checks_of": ("checks",),
        "checks.judgements_of": ("judgements",),
        "facts.fact_findings": ("facts",),
        "staff.staff_findings": ("staff", "audit_round"),
        "composing.newest_version": ("composition",),
        "composing.version_numbered": ("composition",),
        "composing.signed_off_version": ("composition",),
        "composing.signing_bodies": ("composition",),
        "composing.sign_offs": ("composition",),
        "composing.quotable": ("composition",),
        "composing._agencies": ("composition",),
        "composing._identities": ("composition",),
        "composing.numbers_given": ("composition",),
        "figures.trend": ("composition",),
    },
    "body-summary": {
        **_NOT_SHOWN,
        "findings._response": ("response", "response_total", "figure", "types", "messages"),
        "findings._criteria": ("figure", "types", "milestones", "messages"),
        "findings._milestones": ("milestones",),
        "findings._not_responding": ("not_responding",),
        "findings._agency_types": ("types",),
        "checks.judgements_of": ("types", "agencies"),
        "body_summary.bodies_asking": ("bodies",),
        "profiles.everybody": ("agencies", "came_in", "checked", "types", "messages"),
        "follow_up.followed_up": ("followed", "messages"),
        "follow_up.monitoring_of_round": ("monitored",),
    },
    "area-report": {
        **_NOT_SHOWN,
        "findings.bodies_of": ("bodies",),
        "findings._criteria": ("themes",),
        "findings._not_responding": ("not_responding", "questions"),
        "checks.judgements_of": ("agencies", "judgements"),
        "profiles.everybody": (
            "invited", "agencies", "not_responding", "here", "everywhere", "themes", "twins", "judgements", "questions",
        ),
        "twins.sides_of": ("twins", "questions"),
    },
    "regional-concerns": {
        **_NOT_SHOWN,
        "findings.bodies_of": ("bodies",),
        "findings._not_responding": ("invited", *_PLACES),
        "checks.judgements_of": _PLACES,
        "profiles.everybody": ("by_area", "invited", "submitted", "everywhere", "everywhere_by_theme", *_PLACES),
        "follow_up.followed_up": _PLACES,
        "follow_up.monitoring_of_round": _PLACES,
    },
    "progress": {
        **_NOT_SHOWN,
        "findings.bodies_of": ("bodies",),
        "figures.areas_of_round": (),
        "figures._last_round": (
            "last", "both", "only_now", "only_then", "not_comparable", "schemes", "actions", *_COMPARED,
        ),
        "figures.trend": ("both", "only_now", "only_then", "schemes", "actions", *_COMPARED),
        "figures.grades": _COMPARED,
        "progress_report._actions": ("actions",),
    },
    "recommended": {
        "recommended_report.recommended_register": ("in_force", "withdrawn", *_ASKED),
        "recommended.addressees_of": _ASKED,
        "recommended._newest": _ASKED,
        "findings.bodies_of": ("bodies",),
    },
    "feedback": {
        "release.latest": (
            "standards", "own", "checked", "adjusted", "moderated", "peers", "like", "answered", "parts", "narrative",
            "unmet", "twins",
        ),
        "release._signed": ("signed",),
        "findings.bodies_of": ("bodies",),
    },
    "agency-return": {
        "documents._signed": ("signature", "standards", "figure", "outstanding", "sites"),
        "findings.bodies_of": ("bodies",),
    },
    "action-plan": {
        "action_plan.action_plan": ("signature", "standards", "apart", "figures"),
        "actions.with_progress": ("standards", "apart", "figures"),
        "returns.checklist": ("standards", "apart", "figures"),
        "findings.bodies_of": ("bodies",),
    },
    "draft-return": {
        "returns.checklist": ("standards", "figure", "asked", "complete"),
        "findings.bodies_of": ("bodies",),
    },
    "changes": {
        "changes._submission": ("standards", "counts", "then", "now", "dropped", "signed_at", "signed_by"),
        "carrying.last_round": ("last", "standards", "counts", "then", "now", "dropped", "to_confirm"),
        "returns.checklist": ("standards", "counts", "then", "now", "dropped", "to_confirm"),
        "findings.bodies_of": ("bodies",),
    },
    "area-letter": {
        "letter_content.contributed": ("sections", "contributors"),
        "letter_content._answers": ("sections", "contributors"),
        "letter_content._held": ("sections",),
        "letter_content.addressed": ("addressed_to",),
        "findings.bodies_of": ("bodies",),
    },
    "register": {
        "register._in_round": ("reports", "beside"),
        "register._earlier": ("reports",),
        "findings.bodies_of": ("bodies",),
    },
}  # fmt: skip
ORIGINS: Mapping[str, Origins] = {kind: {**_WHOLE, **reads} for kind, reads in _READS.items()}


@cache
def kept_queries(report_key: str) -> bytes:
    """The statements behind the figures of a report, as JSON; empty where none are kept.

    `make queries` writes them. They are those of this version of the program in the words of one database, with names
    for values: so they hold nothing of a round, and are the same in every file that this version makes.
    """
    path = HERE / report_key / QUERIES
    return path.read_bytes() if path.is_file() else b""
