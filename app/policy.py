"""Who may do what: one table, read from top to bottom by whoever audits this program.

A permission is a tuple of rows; a row names roles and a predicate that ties the appointment to the thing. Somebody may
do a thing when one row lets one of their appointments. Policy answers *who*; the domain answers *when*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.models import AGENCY_ROLES, OVERSIGHT_ROLES, Appointment


class Denied(Exception):
    """The actor may not do this. The web shows it as 404 for things they may not know of, else as 403."""

    def __init__(self, permission: str) -> None:
        super().__init__(f"You may not do this ({permission}).")
        self.permission = permission


@dataclass(frozen=True)
class Held:
    """An appointment in force, as plain data."""

    role: str
    post: str = ""
    acting: bool = False
    agency_id: int | None = None
    oversight_body_id: int | None = None
    area_id: int | None = None
    user_id: int | None = None


@dataclass(frozen=True)
class Actor:
    """Who acts: a person with the appointments in force today, a named system actor, or nobody (anonymous)."""

    user_id: int | None = None
    public_id: str = ""
    name: str = ""
    held: tuple[Held, ...] = ()
    system: str = ""

    @property
    def label(self) -> str:
        """How events name the actor: an opaque id, never a name."""
        if self.system:
            return f"system:{self.system}"
        return f"person:{self.public_id}" if self.user_id else "anonymous"

    def holding(self, *roles: str) -> Iterable[Held]:
        """The appointments in one of the roles."""
        return (held for held in self.held if held.role in roles)

    def body_ids(self) -> frozenset[int]:
        """The oversight bodies this person inspects for."""
        return frozenset(
            held.oversight_body_id for held in self.holding(*INSPECTORS) if held.oversight_body_id
        )


ANONYMOUS = Actor()


def system_actor(name: str) -> Actor:
    """A named actor that is no person: a command run without `--as`, a background job. It may do everything."""
    return Actor(system=name)


def held_from(appointments: Iterable[Appointment], day: date) -> tuple[Held, ...]:
    """The appointments in force on a day."""
    return tuple(
        Held(a.role, a.post, a.acting, a.agency_id, a.oversight_body_id, a.area_id, a.user_id)
        for a in appointments
        if a.in_force(day)
    )


@dataclass(frozen=True)
class ReturnFacts:
    """What policy needs to know of a return.

    `reviewers`: the people who review the submission that stands as peers, who declared that no conflict of interest
    stands in the way, and for whom none has come up since.
    """

    agency_id: int
    body_ids: frozenset[int]
    area_ids: frozenset[int]
    has_submission: bool
    released_to_areas: bool
    reviewers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class FeedbackFacts(ReturnFacts):
    """What policy needs to know of the feedback to an agency: there is some that its people may know of, because the
    window for factual accuracy was opened or it is published; and whether that window is open."""

    readable: bool = False
    window_open: bool = False


@dataclass(frozen=True)
class RoundFacts:
    """What policy needs to know of a round. `findings_from`: when agencies may read its findings; None: embargo."""

    body_ids: frozenset[int]
    owner_id: int | None
    agency_ids: frozenset[int] = frozenset()
    findings_from: datetime | None = None
    now: datetime | None = None


@dataclass(frozen=True)
class LetterFacts(RoundFacts):
    """What policy needs to know of the letter to an area. `agency_ids`: those that it is written to or that contributed
    to it; `addressed`: of them those that it is written to. `window_open`: they can check the facts of a draft."""

    area_id: int = 0
    addressed: frozenset[int] = frozenset()
    window_open: bool = False


@dataclass(frozen=True)
class AreaFacts(RoundFacts):
    """What policy needs to know of the report on an area. `released`: its coordinators may read submissions."""

    area_id: int = 0
    released: bool = False


@dataclass(frozen=True)
class DraftFacts:
    """What policy needs to know of the draft of a pack: whose it is; None: the administrators'."""

    body_id: int | None


Predicate = Callable[[Held, Any], bool]


def anything(_held: Held, _thing: Any) -> bool:
    """The role is enough."""
    return True


def own_agency(held: Held, thing: ReturnFacts) -> bool:
    """The return is of the agency they are appointed at."""
    return held.agency_id is not None and held.agency_id == thing.agency_id


def own_agency_itself(held: Held, thing: ReturnFacts) -> bool:
    """The return is of the agency they are appointed at, and they do not merely cover for somebody."""
    return own_agency(held, thing) and not held.acting


def own_types_submitted(held: Held, thing: ReturnFacts) -> bool:
    """Their body asks this agency type in this round, and the agency has submitted once: drafts stay private."""
    return held.oversight_body_id in thing.body_ids and thing.has_submission


def own_types(held: Held, thing: ReturnFacts) -> bool:
    """Their body asks this agency type in this round."""
    return held.oversight_body_id in thing.body_ids


def own_area_released(held: Held, thing: ReturnFacts) -> bool:
    """The agency works in their area, and the round's setting has released its submission to areas."""
    return held.area_id in thing.area_ids and thing.has_submission and thing.released_to_areas


def own_review(held: Held, thing: ReturnFacts) -> bool:
    """They review this return as a peer for a body that asks this agency type."""
    return held.user_id in thing.reviewers and held.oversight_body_id in thing.body_ids


def own_round(held: Held, thing: RoundFacts) -> bool:
    """Their body takes part in the round."""
    return held.oversight_body_id in thing.body_ids or (
        thing.owner_id is not None and held.oversight_body_id == thing.owner_id
    )


def embargo_over(held: Held, thing: RoundFacts) -> bool:
    """Their agency is in the round and the findings are no longer under embargo."""
    return (
        held.agency_id in thing.agency_ids
        and thing.findings_from is not None
        and thing.now is not None
        and thing.findings_from <= thing.now
    )


def own_draft_letter(held: Held, thing: LetterFacts) -> bool:
    """The letter is written to their agency, and its factual accuracy can be challenged now."""
    return held.agency_id in thing.addressed and thing.window_open


def own_area_letter(held: Held, thing: LetterFacts) -> bool:
    """The letter is to their area and no longer under embargo."""
    return (
        held.area_id == thing.area_id
        and thing.findings_from is not None
        and thing.now is not None
        and thing.findings_from <= thing.now
    )


def own_area_report(held: Held, thing: AreaFacts) -> bool:
    """The area is theirs, the findings are no longer under embargo, and submissions are released to areas."""
    return (
        held.area_id == thing.area_id
        and thing.released
        and thing.findings_from is not None
        and thing.now is not None
        and thing.findings_from <= thing.now
    )


def own_feedback(held: Held, thing: FeedbackFacts) -> bool:
    """The feedback is to their agency, and no longer the oversight body's alone."""
    return own_agency(held, thing) and thing.readable


def own_draft_feedback(held: Held, thing: FeedbackFacts) -> bool:
    """The feedback is to their agency, and its factual accuracy can be challenged now."""
    return own_agency(held, thing) and thing.window_open


def own_body(held: Held, thing: DraftFacts) -> bool:
    """The draft is of the oversight body that they are appointed at."""
    return thing.body_id is not None and held.oversight_body_id == thing.body_id


def own_area(held: Held, thing: int) -> bool:
    """The area is theirs."""
    return held.area_id == thing


@dataclass(frozen=True)
class Row:
    """Roles that may, where the predicate holds. `roles` is () for anybody, signed in or not."""

    roles: tuple[str, ...]
    where: Predicate = anything


INSPECTORS = ("inspector", "lead_inspector")
# whoever holds nothing but these may sign in by a link alone, where the service allows it: they decide nothing
BY_LINK = ("contributor", "board_reader")
ANYBODY = Row(())
SIGNED_IN = Row((*AGENCY_ROLES, *OVERSIGHT_ROLES, "area_coordinator", "administrator"))

PERMISSIONS: dict[str, tuple[Row, ...]] = {
    # pages that need no sign-in: sign-in itself, help, the health check
    "public.read": (ANYBODY,),
    "account.own": (SIGNED_IN,),
    # one agency's return
    "return.read": (
        Row(AGENCY_ROLES, own_agency),
        Row(INSPECTORS, own_types_submitted),
        Row(("area_coordinator",), own_area_released),
        Row(("peer_reviewer",), own_review),
    ),
    # what was set aside too, what was reported since, and PDFs: not for peers, who read the submission that stands
    "return.read_all": (
        Row(AGENCY_ROLES, own_agency),
        Row(INSPECTORS, own_types_submitted),
        Row(("area_coordinator",), own_area_released),
    ),
    "return.history": (Row(AGENCY_ROLES, own_agency), Row(INSPECTORS, own_types)),
    "return.edit": (Row(("accountable_signatory", "audit_lead", "contributor"), own_agency),),
    # saying which sites the agency has, where questions are asked about each
    "return.sites": (Row(("accountable_signatory", "audit_lead"), own_agency),),
    # giving parts of it to colleagues, inviting them, accepting what they did
    "return.share": (Row(("accountable_signatory", "audit_lead"), own_agency),),
    # naming who signs in the signatory's place for some days: not for whoever is named so
    "return.cover": (Row(("accountable_signatory",), own_agency_itself),),
    # saying how planned actions go, once what was planned is signed
    "return.progress": (Row(("accountable_signatory", "audit_lead", "contributor"), own_agency),),
    "return.vouch": (Row(("accountable_signatory", "audit_lead"), own_agency),),
    "return.sign": (Row(("accountable_signatory",), own_agency),),
    # asking again a signatory who declined
    "return.ask_to_sign": (Row(("audit_lead",), own_agency),),
    # saying something about the draft, beside the answers
    "return.comment": (Row(("board_reader", "accountable_signatory"), own_agency),),
    "return.reopen": (Row(INSPECTORS, own_types),),
    "return.nil": (Row(INSPECTORS, own_types),),
    "return.extend": (Row(INSPECTORS, own_types),),
    # recording that its agency was merged into another
    "return.merge": (Row(INSPECTORS, own_types),),
    # a round and its findings
    "round.create": (Row(("lead_inspector",)),),
    "round.read": (Row(INSPECTORS, own_round),),
    "round.edit": (Row(("lead_inspector",), own_round),),
    # its end: more time for all, closing, reopening, archiving
    "round.close": (Row(("lead_inspector",), own_round),),
    "findings.read": (Row(INSPECTORS, own_round), Row(AGENCY_ROLES, embargo_over)),
    "findings.make": (Row(INSPECTORS, own_round),),
    # a report for many agencies at once, feedback that is not published too; of the agency types that one's body asks
    "batch.make": (Row(("lead_inspector",), own_round),),
    # charts of a round, the agencies behind them, and two views of one duty
    "figures.read": (Row(INSPECTORS, own_round),),
    # who is behind, and reminding them; agencies of one's own types only
    "round.chase": (Row(INSPECTORS, own_round),),
    "return.chase": (Row(INSPECTORS, own_types),),
    # searching what was signed and written, of one's own types only; a single return is searched by its readers
    "search.use": (Row(INSPECTORS, own_round),),
    # examples for the report: reading those of one's own types, marking an answer as one
    "example.mark": (Row(INSPECTORS, own_round),),
    "return.mark_example": (Row(INSPECTORS, own_types_submitted),),
    # following up what was recommended: how agencies stand, who is monitored, requests for progress
    "follow_up.read": (Row(INSPECTORS, own_round),),
    "return.follow_up": (Row(INSPECTORS, own_types_submitted),),
    "return.read_progress": (Row(AGENCY_ROLES, own_agency), Row(INSPECTORS, own_types_submitted)),
    "return.answer_progress": (
        Row(("accountable_signatory", "audit_lead", "contributor"), own_agency),
    ),
    # what a published report recommends to agencies: their own people read it and say what they do
    "return.read_recommended": (Row(AGENCY_ROLES, own_agency),),
    "return.answer_recommended": (
        Row(("accountable_signatory", "audit_lead", "contributor"), own_agency),
    ),
    # peers: who reviews whose submission, and the reviewer's own desk
    "peers.read": (Row(INSPECTORS, own_round),),
    "peers.assign": (Row(("lead_inspector",), own_round),),
    "return.assign_peer": (Row(("lead_inspector",), own_types_submitted),),
    # the agency reads and answers challenges of peers; inspectors read them
    "return.read_challenges": (Row(INSPECTORS, own_types_submitted),),
    "return.see_challenges": (Row(AGENCY_ROLES, own_agency), Row(INSPECTORS, own_types_submitted)),
    "return.answer_challenge": (Row(("accountable_signatory", "audit_lead", "contributor"), own_agency),),
    "return.peer_review": (Row(("peer_reviewer",), own_review),),
    "peer.desk": (Row(("peer_reviewer",)),),
    # what a partnership's scrutineers say about what is released to their area
    "return.scrutinise": (Row(("area_coordinator",), own_area_released),),
    # which returns are checked: planning and drawing the sample, saying who checks what of one's own types
    "sample.read": (Row(INSPECTORS, own_round),),
    "sample.draw": (Row(("lead_inspector",), own_round),),
    "return.assign_check": (Row(("lead_inspector",), own_types_submitted),),
    # checking what was signed. Agencies learn nothing of it before publication
    "moderation.read": (Row(INSPECTORS, own_round),),
    "moderation.lead": (Row(("lead_inspector",), own_round),),
    "return.moderate": (Row(INSPECTORS, own_types_submitted),),
    # checking what is assigned to others, or to nobody
    "return.moderate_any": (Row(("lead_inspector",), own_types_submitted),),
    # asking an agency about what it signed, and its answers; returning standards for correction
    "queries.read": (Row(INSPECTORS, own_round),),
    "return.query": (Row(INSPECTORS, own_types_submitted),),
    "return.read_queries": (Row(AGENCY_ROLES, own_agency), Row(INSPECTORS, own_types_submitted)),
    "return.answer_query": (Row(("accountable_signatory", "audit_lead", "contributor"), own_agency),),
    "return.correct": (Row(INSPECTORS, own_types_submitted),),
    # how the findings of a round come out; until then nobody but its inspectors learns anything
    "release.read": (Row(INSPECTORS, own_round),),
    "release.publish": (Row(("lead_inspector",), own_round),),
    # composing the joint report: by those who inspect in the round, signed off by a lead inspector of each body
    "composing.read": (Row(INSPECTORS, own_round),),
    "composing.edit": (Row(INSPECTORS, own_round),),
    "composing.sign_off": (Row(("lead_inspector",), own_round),),
    # letters to areas: as published, for those that they are written to, that wrote them, and the area's coordinators
    "letter.read": (
        Row(INSPECTORS, own_round), Row(AGENCY_ROLES, embargo_over), Row(("area_coordinator",), own_area_letter),
    ),
    "letter.draft": (Row(INSPECTORS, own_round), Row(AGENCY_ROLES, own_draft_letter)),
    # the report across the agencies of an area; for its coordinators once published, of what was signed alone
    "area_report.read": (Row(INSPECTORS, own_round), Row(("area_coordinator",), own_area_report)),
    # the feedback to one agency: its inspectors write it and answer challenges, its own people read and challenge it
    "feedback.read": (Row(INSPECTORS, own_types_submitted), Row(AGENCY_ROLES, own_feedback)),
    "feedback.write": (Row(INSPECTORS, own_types_submitted),),
    "feedback.challenge": (
        Row(("accountable_signatory", "audit_lead", "contributor"), own_draft_feedback),
    ),
    # everything that was said about one agency, for a request for information
    "disclosure.read": (Row(("lead_inspector",), own_types),),
    # judgements by the pack's rules: those of a round, judging a return, and deciding on overrides
    "judgement.read": (Row(INSPECTORS, own_round),),
    "round.judge": (Row(INSPECTORS, own_round),),
    "return.judge": (Row(INSPECTORS, own_types_submitted),),
    "judgement.approve": (Row(("lead_inspector",), own_types_submitted),),
    # results of a survey of staff: a lead inspector gives those of their types, an agency its own
    "survey.give": (Row(("lead_inspector",), own_round),),
    "return.give_survey": (Row(("accountable_signatory", "audit_lead"), own_agency),),
    # packs to look at before one is used, those that are not published yet too
    "gallery.read": (Row((*INSPECTORS, "administrator")),),
    # packs in the making: of one's own oversight body. Whoever publishes one neither sent it nor changed it last
    "draft.use": (Row((*INSPECTORS, "administrator")),),
    "draft.read": (Row(INSPECTORS, own_body), Row(("administrator",))),
    "draft.edit": (Row(INSPECTORS, own_body), Row(("administrator",))),
    "draft.publish": (Row(("lead_inspector",), own_body), Row(("administrator",))),
    # an area
    "area.read": (Row(("area_coordinator",), own_area),),
    # the service itself
    "service.administer": (Row(("administrator",)),),
}


def allows(actor: Actor, permission: str, thing: Any = None) -> bool:
    """Whether a row of the permission lets the actor. Raises KeyError for a permission that does not exist."""
    rows = PERMISSIONS[permission]
    if actor.system:
        return True
    return any(
        not row.roles or any(held.role in row.roles and row.where(held, thing) for held in actor.held)
        for row in rows
    )


def require(actor: Actor, permission: str, thing: Any = None) -> None:
    """Raise Denied unless the actor may."""
    if not allows(actor, permission, thing):
        raise Denied(permission)


def could(actor: Actor, permission: str) -> bool:
    """Whether the actor holds a role that the permission names, whatever the thing: the first check of a request."""
    return bool(actor.system) or any(
        not row.roles or any(held.role in row.roles for held in actor.held) for row in PERMISSIONS[permission]
    )
