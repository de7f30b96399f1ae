"""Reading returns: one's work, a section, what is outstanding, what was submitted, the history."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import BindParameter, CompoundSelect, bindparam, func, literal, select, union_all
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from app.clock import today
from app.domain.actions import Action
from app.domain.answers import ANSWER_TYPES, AnswerType, Fact, Outstanding, question_id, question_parts
from app.domain.answers.facts import FileAnswer
from app.domain.content import return_content
from app.domain.evidence import Attached
from app.domain.integrity import hash_of
from app.domain.life import NotPossible, check_not_archived, check_open
from app.domain.message import N_, Message
from app.domain.templates import Criterion, Grade, GradingScheme, Pack, Standard, Template
from app.models import (
    Agency,
    AgencyInArea,
    Appointment,
    Area,
    AuditReturn,
    AuditRound,
    Event,
    Merger,
    PeerReview,
    ReturnSite,
    RoundTemplate,
    SelfAssessment,
    SelfAssessmentVersion,
    Submission,
    TemplateVersion,
    User,
    Vouch,
)
from app.policy import Actor, ReturnFacts, allows
from app.queries.actions import ByQuestion, actions_of_return, signed_actions
from app.queries.conflicts import in_conflict
from app.queries.evidence import ByQuestion as EvidenceByQuestion
from app.queries.evidence import evidence_of_return, signed_evidence
from app.queries.packs import template_of
from app.queries.rounds import NotFound


def _facts() -> CompoundSelect[str, int]:
    """The rows of what policy asks about a return: what it is, and a number. One statement for the four."""
    return_id: BindParameter[int] = bindparam("return_id")
    agency_id: BindParameter[int] = bindparam("agency_id")
    day: BindParameter[date] = bindparam("day")
    return union_all(
        select(literal("body"), RoundTemplate.oversight_body_id).where(
            RoundTemplate.round_id == bindparam("round_id"),
            RoundTemplate.agency_type == bindparam("agency_type"),
        ),
        select(literal("area"), AgencyInArea.area_id).where(
            AgencyInArea.agency_id == agency_id,
            AgencyInArea.starts <= day,
            (AgencyInArea.ends.is_(None)) | (AgencyInArea.ends >= day),
        ),
        select(literal("submission"), func.min(Submission.id)).where(Submission.return_id == return_id),
        select(literal("reviewer"), PeerReview.user_id).where(
            PeerReview.return_id == return_id,
            PeerReview.declared_at.is_not(None),
            PeerReview.conflict == "",
            PeerReview.ended_at.is_(None),
            ~in_conflict(PeerReview.user_id, agency_id, day),
        ),
    )


# made once: to build a statement takes longer than to run it
_FACTS = _facts()


def return_facts(
    session: Session, audit_return: AuditReturn, *, now: datetime, actor: Actor | None = None
) -> ReturnFacts:
    """What policy needs to know of a return.

    With `actor`, only what the rows of policy can ask of that actor: for somebody who is appointed at agencies alone
    the bodies, the areas and the submission decide nothing, and the database is not asked.
    """
    audit_round = audit_return.audit_round
    released = audit_round.area_release == "on_submission" or (
        audit_round.area_release == "at_close" and now > audit_round.open_until
    )
    if actor and not any(held.oversight_body_id or held.area_id for held in actor.held):
        return ReturnFacts(audit_return.agency_id, frozenset(), frozenset(), False, released)
    found: dict[str, set[int]] = {"body": set(), "area": set(), "submission": set(), "reviewer": set()}
    about = {
        "return_id": audit_return.id, "round_id": audit_return.round_id, "agency_type": audit_return.agency_type,
        "agency_id": audit_return.agency_id, "day": today(now),
    }  # fmt: skip
    for kind, key in session.execute(_FACTS, about):
        if key is not None:
            found[kind].add(key)
    if audit_return.stage != "submitted":
        found["reviewer"].clear()  # nothing stands that a peer could read
    return ReturnFacts(
        audit_return.agency_id, frozenset(found["body"]), frozenset(found["area"]), bool(found["submission"]), released,
        frozenset(found["reviewer"]),
    )  # fmt: skip


_RETURN = (
    select(AuditReturn)
    .where(AuditReturn.public_id == bindparam("public_id"))
    .options(
        joinedload(AuditReturn.audit_round),
        joinedload(AuditReturn.agency),
        joinedload(AuditReturn.merger).joinedload(Merger.into),
        joinedload(AuditReturn.returned),
        joinedload(AuditReturn.template_version).joinedload(TemplateVersion.pack_version),
    )
)
_LOCKED_RETURN = _RETURN.with_for_update(of=AuditReturn).execution_options(populate_existing=True)
_VOUCHES = select(Vouch).where(Vouch.return_id == bindparam("id"))


def get_return(
    session: Session, public_id: str, *, actor: Actor, now: datetime, permission: str = "return.read",
    lock: bool = False, archived: bool = False,
) -> AuditReturn:  # fmt: skip
    """One return by its public id, with its round, agency and template version.

    With `lock`, its row is held until the transaction ends: every write to a return begins so. Raises NotFound where
    there is none, where the actor may not, and for an agency's people while its round is not opened; with `lock`
    NotPossible too, where the round is archived, unless what is done can come later (`archived`).
    """
    found = session.scalars(_LOCKED_RETURN if lock else _RETURN, {"public_id": public_id})
    audit_return = found.unique().one_or_none()
    if audit_return is None:
        raise NotFound
    if not allows(actor, permission, return_facts(session, audit_return, now=now, actor=actor)):
        raise NotFound
    if audit_return.audit_round.stage == "draft" and not actor.system and not actor.body_ids():
        raise NotFound
    if lock and not archived:
        check_not_archived(audit_return.audit_round.archived_at)
    return audit_return


def sees_drafts(actor: Actor, audit_return: AuditReturn) -> bool:
    """Whether the actor may read what is not submitted yet: the agency's own people only."""
    return any(held.agency_id == audit_return.agency_id for held in actor.held)


def returns_of_agencies(session: Session, *, actor: Actor) -> Sequence[AuditReturn]:
    """The returns of the agencies that the actor is appointed at, in rounds that are open or were; newest first."""
    agencies = {held.agency_id for held in actor.held if held.agency_id}
    return session.scalars(
        select(AuditReturn)
        .join(AuditReturn.audit_round)
        .where(AuditReturn.agency_id.in_(agencies), AuditRound.stage == "open")
        .options(
            contains_eager(AuditReturn.audit_round),
            joinedload(AuditReturn.agency),
            joinedload(AuditReturn.merger).joinedload(Merger.into),
        )
        .order_by(AuditRound.opens.desc(), AuditReturn.id)
    ).all()


@dataclass(frozen=True)
class Answered:
    """A stored answer as a page needs it."""

    value: Mapping[str, Any]
    version: int
    saved_at: datetime | None
    saved_by: str
    to_confirm: bool = False  # carried forward, and nobody has yet said that it still holds
    carried_from_id: int | None = None


UNANSWERED = Answered({}, 0, None, "")
TO_CONFIRM = Outstanding(
    "grade", Message(N_("Confirm that this answer, carried forward from your last return, still holds"))
)


LIST_SITES = Outstanding("", Message(N_("List your sites first, or say that your agency has none")))


@dataclass(frozen=True)
class Place:
    """An area or a site (`kind`) that questions are asked about; `scope` is how answers name it."""

    scope: str
    code: str
    name: str
    kind: str = "area"

    def order(self) -> tuple[str, str, str]:
        """Areas and sites stand by name."""
        return self.kind, self.name.casefold(), self.scope

    def signed(self) -> dict[str, str]:
        """As it stands in what is signed and in bundles."""
        return {"scope": self.scope, "code": self.code, "name": self.name}


def places_of(session: Session, audit_return: AuditReturn) -> list[Place]:
    """What a return is asked about, by name: the areas that its agency worked in when it was invited, and its sites.

    What happens to areas later does not change the questions. A statement for either, where its template asks per area
    or per site; without a look at the database where it does neither.
    """
    _pack, template = template_of(audit_return)
    areas = _areas_of(session, audit_return) if template.asks_areas else []
    return [*areas, *(sites_of(session, audit_return) if template.asks_sites else ())]


def _areas_of(session: Session, audit_return: AuditReturn) -> list[Place]:
    day = today(max(audit_return.invited_at, audit_return.audit_round.opens))
    rows = session.execute(
        select(Area.public_id, Area.code, Area.name)
        .join(AgencyInArea, AgencyInArea.area_id == Area.id)
        .where(
            AgencyInArea.agency_id == audit_return.agency_id,
            AgencyInArea.starts <= day,
            (AgencyInArea.ends.is_(None)) | (AgencyInArea.ends >= day),
        )
        .distinct()
    )
    return sorted((Place(*row) for row in rows), key=Place.order)


_SITES = select(ReturnSite.key, ReturnSite.code, ReturnSite.name).where(
    ReturnSite.return_id == bindparam("id"), ReturnSite.removed_at.is_(None)
)


def sites_of(session: Session, audit_return: AuditReturn) -> list[Place]:
    """The sites that a return lists, by name. One statement. The caller got the return through `get_return`."""
    rows = session.execute(_SITES, {"id": audit_return.id})
    return sorted((Place(*row, kind="site") for row in rows), key=Place.order)


def scopes_of(criterion: Criterion, places: Sequence[Place]) -> list[str]:
    """The scopes in which a criterion is asked: once as a whole, or once for each area or each site.

    Per area where there is none it is asked once as a whole; per site where none is listed not at all.
    """
    if criterion.scope is None:
        return [""]
    found = [place.scope for place in places if place.kind == criterion.scope]
    return found or ([] if criterion.scope == "site" else [""])


def scope_names(places: Iterable[Place]) -> dict[tuple[str | None, str], str]:
    """The names of areas and sites by kind and scope: a site's code could be what an area happens to be called."""
    return {(place.kind, place.scope): place.name for place in places}


@dataclass(frozen=True)
class Item:
    """A question that this return is asked, its answer, and what is outstanding in it.

    `number` is the criterion's, with the area or site behind it where it is asked for each (`scope`, `scope_name`).
    """

    criterion: Criterion
    number: str
    scheme: GradingScheme
    required: bool
    answer: Answered
    outstanding: Sequence[Outstanding]
    milestone_due: date | None
    scope: str = ""
    scope_name: str = ""
    actions: Sequence[Action] = ()
    evidence: Sequence[Attached] = ()

    @property
    def id(self) -> str:
        """What names the question within its return, in forms and links too."""
        return question_id(self.criterion.id, self.scope)

    @property
    def grade(self) -> Grade | None:
        """The grade chosen, if any."""
        key = self.answer.value.get("grade")
        return next((grade for grade in self.scheme.grades if grade.key == key), None)

    @property
    def started(self) -> bool:
        """Whether anything has been saved, or given where files are the answer."""
        return bool(self.answer.value) or (bool(self.evidence) and self.handler.needs_files)

    @property
    def handler(self) -> AnswerType[Any]:
        """How its answers are read."""
        return ANSWER_TYPES[self.criterion.answer.type]

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What the answer says beside its grade."""
        return self.handler.facts(self.answer.value, self.criterion)

    @property
    def date_expected(self) -> date | None:
        """The date by which it is expected to be in place."""
        given = self.answer.value.get("date_expected")
        return date.fromisoformat(given) if given else None

    @property
    def is_late(self) -> bool:
        """Whether the date expected is past the milestone."""
        return bool(
            self.milestone_due
            and self.date_expected
            and self.grade
            and self.grade.counts_as == "not_met"
            and self.date_expected > self.milestone_due
        )


@dataclass(frozen=True)
class Section:
    """A standard of the checklist as this return is asked it.

    `waiting`: what it asks for each site while none is listed. Each is one item that cannot be answered as it is.
    """

    standard: Standard
    number: int
    items: Sequence[Item]
    vouch: Vouch | None
    waiting: Sequence[Item] = ()

    @property
    def questions(self) -> tuple[Item, ...]:
        """What it asks, with what waits for sites to be listed."""
        return (*self.items, *self.waiting)

    @property
    def complete(self) -> int:
        """How many of its criteria are answered with nothing outstanding; a list that may stay empty is an answer."""
        return sum(1 for item in self.items if not item.outstanding and (item.started or item.required))

    @property
    def state(self) -> str:
        """`not_started`, `in_progress` or `complete`."""
        if self.complete == len(self.questions):
            return "complete"
        return "in_progress" if any(item.started for item in self.items) else "not_started"


@dataclass(frozen=True)
class Checklist:
    """A return with everything it is asked, in order.

    `actions` are all that are planned, those too for questions that are no longer asked. `has_no_sites`: the agency is
    asked about sites, and says that it has none.
    """

    audit_return: AuditReturn
    pack: Pack
    template: Template
    sections: Sequence[Section]
    not_applicable: Sequence[Criterion] = field(default_factory=tuple)
    places: Sequence[Place] = field(default_factory=tuple)
    actions: ByQuestion = field(default_factory=dict)
    has_no_sites: bool = False

    @property
    def items(self) -> list[Item]:
        """All criteria in order."""
        return [item for section in self.sections for item in section.items]

    @property
    def waiting(self) -> list[Item]:
        """What is asked for each site, in order, while no site is listed."""
        return [item for section in self.sections for item in section.waiting]

    @property
    def areas(self) -> list[Place]:
        """The areas that questions are asked about."""
        return [place for place in self.places if place.kind == "area"]

    @property
    def sites(self) -> list[Place]:
        """The sites that questions are asked about."""
        return [place for place in self.places if place.kind == "site"]

    @property
    def asked(self) -> int:
        """How many criteria must be answered before signing."""
        return sum(1 for item in (*self.items, *self.waiting) if item.required)

    @property
    def complete(self) -> int:
        """How many of those are answered with nothing outstanding."""
        return sum(1 for item in self.items if item.required and not item.outstanding)

    @property
    def outstanding(self) -> list[Item]:
        """The criteria that stand in the way of signing: required, or begun and left incomplete.

        Those too that wait for sites to be listed.
        """
        every = (item for section in self.sections for item in section.questions)
        return [item for item in every if item.outstanding and (item.required or item.started)]

    def section(self, key: str) -> Section:
        """The section of a standard. Raises NotFound where this return is asked none of that name."""
        for section in self.sections:
            if section.standard.id == key:
                return section
        raise NotFound


def build_checklist(
    audit_return: AuditReturn, pack: Pack, template: Template, answers: Mapping[str, Answered],
    vouches: Mapping[str, Vouch], places: Sequence[Place] = (), actions: ByQuestion | None = None,
    evidence: EvidenceByQuestion | None = None, *, no_sites: bool = False,
) -> Checklist:  # fmt: skip
    """The checklist of a return from its answers (question id to answer). Touches no database.

    `no_sites`: the agency says that it has no sites, so that what is asked for each site does not apply.
    """
    names = scope_names(places)
    # conditions never look at a criterion that is asked per area or per site: the catalogue refuses it
    values = {key: answer.value for key, answer in answers.items()}
    shown = template.shown(audit_return.subtype or None, values)
    asked = {criterion.id for criterion in shown.asked}
    no_sites = no_sites and template.asks_sites and not any(place.kind == "site" for place in places)
    without = {criterion.id for criterion in shown.asked if no_sites and criterion.scope == "site"}
    asked -= without
    counts_from = audit_return.audit_round.milestones_from
    sections = []
    for place, standard in enumerate(template.standards, start=1):
        items, waiting = [], []
        for criterion in standard.criteria:
            if criterion.id not in asked:
                continue
            scheme = pack.scheme_of(template, criterion)
            handler = ANSWER_TYPES[criterion.answer.type]
            milestone = pack.milestones[criterion.milestone] if criterion.milestone else None
            number = template.number_of(criterion)
            scopes = scopes_of(criterion, places)
            if not scopes:
                required = criterion.id in shown.required
                waiting.append(Item(criterion, number, scheme, required, UNANSWERED, (LIST_SITES,), None))
            for scope in scopes:
                answer = answers.get(question_id(criterion.id, scope), UNANSWERED)
                pieces = tuple((evidence or {}).get((criterion.id, scope), ()))
                outstanding = handler.problems(answer.value, criterion=criterion, scheme=scheme)
                if isinstance(handler, FileAnswer):
                    outstanding += handler.short_of(len(pieces), criterion)
                if answer.to_confirm:
                    outstanding = (TO_CONFIRM, *outstanding)
                items.append(
                    Item(
                        criterion=criterion,
                        number=f"{number}, {names[criterion.scope, scope]}" if scope else number,
                        scheme=scheme,
                        required=criterion.id in shown.required,
                        answer=answer,
                        outstanding=outstanding,
                        milestone_due=milestone.due(counts_from) if milestone else None,
                        scope=scope,
                        scope_name=names.get((criterion.scope, scope), ""),
                        actions=tuple((actions or {}).get((criterion.id, scope), ())),
                        evidence=pieces,
                    )
                )
        if items or waiting:
            sections.append(Section(standard, place, tuple(items), vouches.get(standard.id), tuple(waiting)))
    not_applicable = shown.not_applicable
    if without:
        left_out = without.union(criterion.id for criterion in not_applicable)
        not_applicable = tuple(placed.criterion for placed in template.criteria() if placed.criterion.id in left_out)
    return Checklist(
        audit_return, pack, template, tuple(sections), not_applicable, tuple(places), actions or {}, no_sites
    )


# made once, and columns instead of rows of the mapper: every page and every save of a return reads all its answers
_ANSWERS = (
    select(
        SelfAssessment.criterion,
        SelfAssessment.scope_key,
        SelfAssessment.value,
        SelfAssessment.version,
        SelfAssessment.saved_at,
        User.name,
        SelfAssessment.to_confirm,
        SelfAssessment.carried_from_id,
    )
    .outerjoin(User, User.id == SelfAssessment.saved_by_id)
    .where(SelfAssessment.return_id == bindparam("id"))
)
_ANSWERS_AND_KEYS = _ANSWERS.add_columns(SelfAssessmentVersion.idempotency_key).outerjoin(
    SelfAssessmentVersion,
    (SelfAssessmentVersion.return_id == SelfAssessment.return_id)
    & (SelfAssessmentVersion.criterion == SelfAssessment.criterion)
    & (SelfAssessmentVersion.scope_key == SelfAssessment.scope_key)
    & (SelfAssessmentVersion.version == SelfAssessment.version),
)


def answers_and_keys(
    session: Session, audit_return: AuditReturn
) -> tuple[dict[str, Answered], dict[str, str]]:
    """The answers of a return, and the idempotency keys of the versions that stand, by question id. One statement.

    The caller got the return through `get_return`, which asked policy.
    """
    answers, keys = {}, {}
    for *row, key in session.execute(_ANSWERS_AND_KEYS, {"id": audit_return.id}):
        question, answer = _answered(*row)
        answers[question], keys[question] = answer, key
    return answers, keys


def _answered(
    criterion: str, scope: str, value: Mapping[str, Any], version: int, saved_at: datetime, name: str | None, *more: Any
) -> tuple[str, Answered]:
    return question_id(criterion, scope), Answered(value, version, saved_at, name or "", *more)


def checklist(session: Session, audit_return: AuditReturn) -> Checklist:
    """The checklist of a return as it stands. The caller got the return through `get_return`, which asked policy."""
    pack, template = template_of(audit_return)
    answers = dict(_answered(*row) for row in session.execute(_ANSWERS, {"id": audit_return.id}))
    vouches = {v.standard: v for v in session.scalars(_VOUCHES, {"id": audit_return.id})}
    return build_checklist(
        audit_return, pack, template, answers, vouches, places_of(session, audit_return),
        actions_of_return(session, audit_return), evidence_of_return(session, audit_return),
        no_sites=audit_return.has_no_sites,
    )  # fmt: skip


def content_of(work: Checklist) -> dict[str, Any]:
    """What the signatory would sign now: the signed form of every answer, and the vouches."""
    audit_return = work.audit_return
    answers = []
    for item in work.items:
        if not item.started:
            continue
        answers.append(
            {
                "criterion": item.criterion.id,
                "scope": item.scope,
                "type": item.criterion.answer.type,
                "value": item.handler.signed_value(
                    item.answer.value, criterion=item.criterion, scheme=item.scheme
                ),
            }
        )
    return return_content(
        audit_round={"key": audit_return.audit_round.key, "name": audit_return.audit_round.name},
        agency={
            "code": audit_return.agency.code,
            "name": audit_return.agency.name,
            "type": audit_return.agency_type,
            "subtype": audit_return.subtype,
        },
        template={
            "pack": audit_return.template_version.pack_version.pack,
            "version": audit_return.template_version.pack_version.version,
            "sha256": audit_return.template_version.sha256,
        },
        answers=answers,
        vouches=[
            {
                "standard": s.standard.id,
                "name": s.vouch.name,
                "post": s.vouch.post,
                "at": s.vouch.at.isoformat(),
            }
            for s in work.sections
            if s.vouch
        ],
        areas=[place.signed() for place in work.areas],
        # an empty list says that the agency has none
        sites=[place.signed() for place in work.sites] if work.sites or work.has_no_sites else None,
        actions=[action.signed() for item in work.items for action in item.actions],
        evidence=[piece.signed() for item in work.items for piece in item.evidence],
    )


def content_hash(work: Checklist) -> str:
    """The content hash that is shown before signing."""
    return hash_of(content_of(work))


def why_closed(audit_return: AuditReturn, *, now: datetime) -> Message | None:
    """Why nothing can be changed in a return now; None where it can."""
    audit_round = audit_return.audit_round
    try:
        check_open(
            stage=audit_round.stage,
            opens=audit_round.opens,
            open_until=audit_round.open_until,
            own_until=audit_return.own_until,
            closed_at=audit_round.closed_at,
            archived_at=audit_round.archived_at,
            now=now,
        )
    except NotPossible as reason:
        return reason.message
    if audit_return.stage == "submitted":
        return Message(
            N_("This audit has been submitted. It can be read and downloaded, and no longer changed.")
        )
    if audit_return.stage == "nil":
        return Message(N_("This audit is recorded as a nil return."))
    if audit_return.merger:
        return Message(
            N_(
                "%(agency)s was merged into %(into)s on %(day)s, which answers for both from then on. What stands here"
                " can be read and downloaded, and no longer changed."
            ),
            {
                "agency": audit_return.agency.name,
                "into": audit_return.merger.into.name,
                "day": audit_return.merger.merged_on,
            },
        )
    return None


def submissions(session: Session, audit_return: AuditReturn) -> Sequence[Submission]:
    """Every submission of a return, latest first, voided ones too, with declarations."""
    return session.scalars(
        select(Submission)
        .where(Submission.return_id == audit_return.id)
        .options(joinedload(Submission.declaration), joinedload(Submission.voided))
        .order_by(Submission.number.desc())
    ).all()


@dataclass(frozen=True)
class Signatory:
    """Somebody who may sign for an agency today. `post` is empty where the pack's word for it will do."""

    name: str
    post: str
    acting: bool
    has_joined: bool


def signatories(session: Session, audit_return: AuditReturn, *, now: datetime) -> list[Signatory]:
    """The accountable signatories of a return's agency, acting ones last. For those who may read the return."""
    day = today(now)
    rows = session.execute(
        select(User.name, Appointment.post, Appointment.acting, User.password)
        .join(User, User.id == Appointment.user_id)
        .where(
            Appointment.agency_id == audit_return.agency_id,
            Appointment.role == "accountable_signatory",
            Appointment.starts <= day,
            (Appointment.ends.is_(None)) | (Appointment.ends >= day),
        )
        .order_by(Appointment.acting, User.name)
    )
    return [Signatory(row.name, row.post, row.acting, row.password is not None) for row in rows]


def signing_event(session: Session, audit_return: AuditReturn, number: int) -> Event | None:
    """The event of one submission: its hash is the head of the chain that the signatory carries away."""
    rows = session.scalars(
        select(Event)
        .where(Event.chain == f"return:{audit_return.public_id}", Event.verb == "return.submitted")
        .order_by(Event.seq.desc())
    )
    return next((event for event in rows if event.data.get("number") == number), None)


def submitted_checklist(submission: Submission, audit_return: AuditReturn) -> Checklist:
    """The checklist as it was signed, from the frozen content."""
    pack, template = template_of(audit_return)
    content = json.loads(submission.content)
    answers = {
        question_id(answer["criterion"], answer["scope"]): Answered(
            answer["value"], 1, submission.submitted_at, ""
        )
        for answer in content["answers"]
    }
    vouches = {
        vouch["standard"]: Vouch(
            standard=vouch["standard"],
            name=vouch["name"],
            post=vouch["post"],
            at=datetime.fromisoformat(vouch["at"]),
        )
        for vouch in content["vouches"]
    }
    places = sorted(
        (Place(one["scope"], one["code"], one["name"], kind)
         for kind in ("area", "site")
         for one in content.get(f"{kind}s", ())),
        key=Place.order,
    )  # fmt: skip
    actions = signed_actions(content, submission.submitted_at)
    evidence = signed_evidence(content)
    return build_checklist(
        audit_return, pack, template, answers, vouches, places, actions, evidence, no_sites=content.get("sites") == []
    )


@dataclass(frozen=True)
class HistoryLine:
    """One event of a chain, for reading. `texts` may be erased; `who` is a name where the person is still known."""

    seq: int
    at: datetime
    verb: str
    who: str
    data: Mapping[str, Any]
    texts: Mapping[str, str]
    hash: str


def history(session: Session, chain: str) -> Sequence[Event]:
    """The events of a chain in order, with their texts. The caller asked policy for the chain's subject."""
    return session.scalars(
        select(Event).where(Event.chain == chain).options(selectinload(Event.texts)).order_by(Event.seq)
    ).all()


def history_lines(session: Session, events: Sequence[Event]) -> list[HistoryLine]:
    """Events with the names of the people in them, two statements however many there are."""
    ids = {event.actor.removeprefix("person:") for event in events if event.actor.startswith("person:")}
    people = session.execute(select(User.public_id, User.name).where(User.public_id.in_(ids)))
    names = {row.public_id: row.name for row in people}
    return [
        HistoryLine(
            event.seq,
            event.at,
            event.verb,
            names.get(event.actor.removeprefix("person:"), event.actor),
            event.data,
            {text.name: text.text for text in event.texts},
            event.hash,
        )
        for event in events
    ]


def versions(session: Session, audit_return: AuditReturn, question: str) -> Sequence[SelfAssessmentVersion]:
    """Every saved version of the answer to one question, latest first, with who saved it."""
    criterion, scope = question_parts(question)
    return session.scalars(
        select(SelfAssessmentVersion)
        .where(
            SelfAssessmentVersion.return_id == audit_return.id,
            SelfAssessmentVersion.criterion == criterion,
            SelfAssessmentVersion.scope_key == scope,
        )
        .options(joinedload(SelfAssessmentVersion.saved_by))
        .order_by(SelfAssessmentVersion.version.desc())
    ).all()


def values_at(
    session: Session, audit_return: AuditReturn, wanted: Mapping[str, int]
) -> dict[str, Mapping[str, Any]]:
    """The values that answers had at given versions: question to value, for question to version. Empty at 0."""
    rows = session.execute(
        select(
            SelfAssessmentVersion.criterion,
            SelfAssessmentVersion.scope_key,
            SelfAssessmentVersion.version,
            SelfAssessmentVersion.value,
        ).where(
            SelfAssessmentVersion.return_id == audit_return.id,
            SelfAssessmentVersion.criterion.in_({question_parts(question)[0] for question in wanted}),
            SelfAssessmentVersion.version.in_(set(wanted.values())),
        )
    )
    found = {(question_id(row.criterion, row.scope_key), row.version): row.value for row in rows}
    return {question: found.get((question, version), {}) for question, version in wanted.items()}


def return_by_agency(session: Session, audit_round: AuditRound, code: str) -> AuditReturn:
    """The return of an agency in a round, by the agency's code, for commands. Raises NotFound."""
    audit_return = session.scalar(
        select(AuditReturn)
        .join(AuditReturn.agency)
        .where(AuditReturn.round_id == audit_round.id, Agency.code == code)
        .options(contains_eager(AuditReturn.agency), joinedload(AuditReturn.audit_round))
    )
    if audit_return is None:
        raise NotFound
    return audit_return
