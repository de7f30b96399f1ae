"""Reading a return as a form: blank, as it stands, or as it was signed; and the blank form of an agency type."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.answers import question_id
from app.domain.answers.conditions import condition_words
from app.domain.asking import (
    Asked,
    Choice,
    ChoiceAsked,
    ChoicesAsked,
    DateAsked,
    FileAsked,
    NumberAsked,
    Percentage,
    TableAsked,
    TextAsked,
)
from app.domain.findings import Body, Figure, PackInfo, RoundInfo, Sentence, ShownFact
from app.domain.forms import (
    FormAction,
    FormAsked,
    FormBasis,
    FormChoice,
    FormColumn,
    FormDocument,
    FormEvidence,
    FormGrade,
    FormQuestion,
    FormScheme,
    FormStandard,
)
from app.domain.integrity import hash_of
from app.domain.message import N_, Message, number_words
from app.domain.templates import Condition, Criterion, GradingScheme, Pack, Standard, Template
from app.domain.text import localise
from app.models import (
    AuditReturn,
    AuditRound,
    RoundTemplate,
    SelfAssessment,
    Submission,
    TemplateVersion,
    User,
    Vouch,
)
from app.policy import Actor, require
from app.queries.documents import agency_return_document
from app.queries.findings import agency_info, bodies_of, citations, pack_info, round_info
from app.queries.packs import pack_of, template_of
from app.queries.returns import (
    UNANSWERED,
    Answered,
    Checklist,
    Item,
    Place,
    checklist,
    places_of,
    return_facts,
    scope_names,
    scopes_of,
    sees_drafts,
    submitted_checklist,
    why_closed,
)
from app.queries.rounds import NotFound, round_facts

BLANK_SPACE = "…" * 20


def draft_form(
    session: Session, audit_return: AuditReturn, *, actor: Actor, now: datetime, language: str = "en"
) -> FormDocument:
    """A return with the answers so far, and every question that it may be asked, conditions left aside.

    Raises NotFound unless the actor may read drafts: the agency's own people, or a system actor.
    """
    if not (actor.system or sees_drafts(actor, audit_return)):
        raise NotFound
    require(actor, "return.read", return_facts(session, audit_return, now=now))
    work = checklist(session, audit_return)
    reader = _Reader(work.pack, work.template, audit_return.audit_round, language)
    items = _by_criterion(every_item(session, audit_return, work))
    standards = reader.standards(
        lambda criterion: items.get(criterion.id) or reader.unlisted(criterion, audit_return),
        audit_return.subtype,
        {section.standard.id: section.vouch for section in work.sections},
    )
    return reader.document(
        session, "draft", standards, now=now, audit_return=audit_return, asked=work.asked, complete=work.complete
    )


def blank_form(
    session: Session, audit_return: AuditReturn, *, actor: Actor, now: datetime, language: str = "en"
) -> FormDocument:
    """A return without its answers. Raises Denied unless the actor may read the return."""
    require(actor, "return.read", return_facts(session, audit_return, now=now))
    pack, template = template_of(audit_return)
    reader = _Reader(pack, template, audit_return.audit_round, language)
    places = places_of(session, audit_return)
    names = scope_names(places)
    item = reader.blank()
    standards = reader.standards(
        lambda criterion: [
            item(criterion, scope, names.get((criterion.scope, scope), ""))
            for scope in scopes_of(criterion, places)
        ]
        or reader.unlisted(criterion, audit_return),
        audit_return.subtype,
    )
    return reader.document(session, "blank", standards, now=now, audit_return=audit_return)


def blank_form_of_type(
    session: Session, audit_round: AuditRound, agency_type: str, *, actor: Actor, now: datetime,
    language: str = "en",
) -> FormDocument:  # fmt: skip
    """The form of an agency type in a round, for whoever may read the round. Raises Denied, and NotFound."""
    require(actor, "round.read", round_facts(session, audit_round, now=now))
    version = session.scalars(
        select(TemplateVersion)
        .join(RoundTemplate, RoundTemplate.template_version_id == TemplateVersion.id)
        .where(RoundTemplate.round_id == audit_round.id, RoundTemplate.agency_type == agency_type)
        .limit(1)
    ).first()
    if version is None:
        raise NotFound
    pack = pack_of(version.pack_version)
    reader = _Reader(pack, pack.templates[agency_type], audit_round, language)
    item = reader.blank()
    standards = reader.standards(lambda criterion: [item(criterion)], None, every=True)
    return reader.document(session, "blank", standards, now=now, agency_type=agency_type, sha256=version.sha256)


def blank_form_of_pack(
    pack: Pack, agency_type: str, *, sha256: str, now: datetime, language: str = "en"
) -> FormDocument:
    """The form of an agency type as it is asked in any round: without dates, for every subtype. `sha256`: the pack's.

    Its round has no key, and is called as the pack is. KeyError for an agency type that the pack does not have.
    """
    template, kind = pack.templates[agency_type], pack.agency_types[agency_type]
    reader = _Reader(pack, template, None, language)
    item = reader.blank()
    standards = reader.standards(lambda criterion: [item(criterion)], None, every=True)
    body = pack.oversight_bodies[kind.oversight_body]
    day, title = today(now), reader.say(pack.title)
    form = FormDocument(
        kind="blank",
        snapshot_id="",
        language=language,
        return_id="",
        audit_round=RoundInfo(
            key="", name=title, opens=day, due=day, closes=day, milestones_from=day, is_demonstration=False,
            is_closed=False, as_at=now.astimezone(UTC),
        ),
        pack=PackInfo(
            key=pack.pack, version=pack.version, title=title, source=reader.say(pack.source), sha256=sha256,
            untranslated=not pack.is_translated(language),
        ),
        template_title=reader.say(template.title),
        template_introduction=reader.say(template.introduction),
        template_sha256=hash_of(template.model_dump(mode="json")),
        bodies=(Body(name=reader.say(body.name), short=reader.say(body.short), kind=reader.say(body.kind)),),
        agency=None,
        type_label=reader.say(kind.name),
        signatory=reader.say(kind.signatory),
        declaration=reader.say(template.declaration).format(
            agency=BLANK_SPACE, signatory=BLANK_SPACE, post=BLANK_SPACE, round=BLANK_SPACE
        ),
        due=day,
        closed=None,
        schemes=reader.schemes(standards),
        standards=standards,
        figure=Figure.total(standard.figure for standard in standards if not standard.optional),
        asked=_required(standards),
        complete=0,
        signature=None,
    )  # fmt: skip
    return form.model_copy(update={"snapshot_id": hash_of(form.model_dump(mode="json"))})


def _required(standards: Iterable[FormStandard]) -> int:
    """How many questions must be answered, whatever the others are answered."""
    return sum(question.required for standard in standards for question in standard.questions)


def signed_form(
    session: Session, audit_return: AuditReturn, submission: Submission, *, actor: Actor, now: datetime,
    language: str = "en",
) -> FormDocument:  # fmt: skip
    """A submission as it was signed. Raises Denied unless the actor may read the return, and NotFound."""
    found = agency_return_document(
        session, audit_return, submission, actor=actor, now=now, language=language
    )
    if found is None:
        raise NotFound
    work = submitted_checklist(submission, audit_return)
    reader = _Reader(work.pack, work.template, audit_return.audit_round, language)
    items = _by_criterion(work.items)
    standards = reader.standards(
        lambda criterion: items.get(criterion.id, []),
        audit_return.subtype,
        {section.standard.id: section.vouch for section in work.sections},
    )
    form = reader.document(
        session, "signed", standards, now=now, audit_return=audit_return, asked=work.asked, complete=work.complete
    )
    return form.model_copy(
        update={"signature": found.signature, "agency": found.agency, "audit_round": found.audit_round}
    )


def every_item(
    session: Session, audit_return: AuditReturn, work: Checklist, more: Sequence[Place] = ()
) -> list[Item]:
    """Every question that a return may be asked, in order: those too that its answers hide at present.

    `work` is its checklist; `more` are sites that it does not list, and would be asked about if it did. The caller got
    the return through `get_return`.
    """
    shown = {item.id: item for item in work.items}
    places = [*work.places, *more]
    wanted = [
        (criterion, scope)
        for criterion in work.template.asked_of(audit_return.subtype or None)
        for scope in scopes_of(criterion, places)
    ]
    if len(wanted) == len(shown):
        return list(shown.values())
    stored = _stored(session, audit_return)
    names = scope_names(places)
    return [
        shown.get(question_id(criterion.id, scope))
        or _item(
            work.pack, work.template, audit_return.audit_round, criterion, scope,
            names.get((criterion.scope, scope), ""), stored,
        )
        for criterion, scope in wanted
    ]  # fmt: skip


def _by_criterion(items: Iterable[Item]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        found[item.criterion.id].append(item)
    return found


def _item(
    pack: Pack, template: Template, audit_round: AuditRound | None, criterion: Criterion, scope: str = "",
    scope_name: str = "", answers: Mapping[str, Answered] | None = None,
) -> Item:  # fmt: skip
    """A question that no answer asks for at present, or of a blank form."""
    number = template.number_of(criterion)
    milestone = pack.milestones[criterion.milestone] if criterion.milestone else None
    return Item(
        criterion=criterion,
        number=f"{number}, {scope_name}" if scope else number,
        scheme=pack.scheme_of(template, criterion),
        required=False,
        answer=(answers or {}).get(question_id(criterion.id, scope), UNANSWERED),
        outstanding=(),
        milestone_due=milestone.due(audit_round.milestones_from) if milestone and audit_round else None,
        scope=scope,
        scope_name=scope_name,
    )


def _stored(session: Session, audit_return: AuditReturn) -> dict[str, Answered]:
    """Every stored answer, those to questions that are not asked at present too."""
    rows = session.execute(
        select(SelfAssessment, User.name)
        .outerjoin(User, User.id == SelfAssessment.saved_by_id)
        .where(SelfAssessment.return_id == audit_return.id)
    )
    return {
        question_id(one.criterion, one.scope_key): Answered(
            one.value, one.version, one.saved_at, name or "", one.to_confirm, one.carried_from_id
        )
        for one, name in rows
    }


class _Reader:
    """The texts of one template in one language, in a round or in none."""

    def __init__(self, pack: Pack, template: Template, audit_round: AuditRound | None, language: str) -> None:
        self.pack, self.template, self.audit_round, self.language = pack, template, audit_round, language

    def say(self, text: Any) -> str:
        """A template text; empty where there is none."""
        return localise(text, self.language) if text else ""

    def sentence(self, message: Message) -> Sentence:
        """A message with its parameters in the language of the form."""
        return Sentence.of(message, self.language)

    def item(self, criterion: Criterion, scope: str = "", scope_name: str = "") -> Item:
        """A question that nobody has answered, of whatever a form is."""
        return _item(self.pack, self.template, self.audit_round, criterion, scope, scope_name)

    def blank(self) -> Callable[..., Item]:
        """Gives the questions of a blank form: those that must be answered whatever the others are answered."""
        required = {
            placed.criterion.id
            for placed in self.template.criteria()
            if placed.criterion.is_required(placed.standard)
            and not (placed.criterion.shown_if or placed.criterion.required_if)
        }
        return lambda criterion, *place: replace(self.item(criterion, *place), required=criterion.id in required)

    def unlisted(self, criterion: Criterion, audit_return: AuditReturn) -> list[Item]:
        """One item to copy for a criterion that is asked per site, while the agency has not said which it has."""
        return [self.item(criterion)] if criterion.scope == "site" and not audit_return.has_no_sites else []

    def standards(
        self, items_of: Any, subtype: str | None, vouches: Mapping[str, Vouch | None] | None = None, *,
        every: bool = False,
    ) -> tuple[FormStandard, ...]:  # fmt: skip
        """All standards; `items_of` gives the items of a criterion. With `every`, of all subtypes."""
        found = []
        for place, standard in enumerate(self.template.standards, start=1):
            items = [
                item
                for criterion in standard.criteria
                if every or criterion.asked_of(subtype or None)
                for item in items_of(criterion)
            ]
            if items:
                vouch = (vouches or {}).get(standard.id)
                found.append(self._standard(place, standard, items, vouch, every))
        return tuple(found)

    def _standard(
        self, place: int, standard: Standard, items: Sequence[Item], vouch: Vouch | None, every: bool
    ) -> FormStandard:
        return FormStandard(
            number=place,
            id=standard.id,
            title=self.say(standard.title),
            introduction=self.say(standard.introduction),
            optional=standard.optional,
            label=self.say(standard.label),
            questions=tuple(self._question(item, every) for item in items),
            complete=sum(1 for item in items if item.started and not item.outstanding),
            figure=Figure.total(
                Figure.of(
                    {item.answer.value["grade"]: 1} if item.grade else {}, scheme_key=self._scheme_key(item.criterion),
                    scheme=item.scheme, asked=1,
                )
                for item in items
                if item.criterion.answer.is_graded
            ),
            vouched_by=vouch.name if vouch else "",
            vouched_post=vouch.post if vouch else "",
        )  # fmt: skip

    def _scheme_key(self, criterion: Criterion) -> str:
        return criterion.grading or self.template.grading

    def _question(self, item: Item, every: bool) -> FormQuestion:
        criterion, answer = item.criterion, item.answer
        milestone = self.pack.milestones[criterion.milestone] if criterion.milestone else None
        return FormQuestion(
            id=item.id,
            criterion=criterion.id,
            criterion_version=criterion.version,
            scope=item.scope,
            scope_name=item.scope_name,
            number=item.number,
            unlisted=criterion.scope == "site" and not item.scope,
            type=criterion.answer.type,
            asked=self._asked(criterion.answer),
            scheme=self._scheme_key(criterion),
            required=item.required,
            question=self.say(criterion.question),
            why=self.say(criterion.why),
            evidence_hint=self.say(criterion.evidence),
            conditions=tuple(self._conditions(item, every)),
            recommendations=citations(self.pack, criterion, self.language),
            milestone_label=self.say(milestone.label) if milestone else "",
            milestone_date=item.milestone_due,
            value=dict(answer.value),
            facts=tuple(ShownFact.of(fact, self.language) for fact in item.facts),
            version=answer.version,
            saved_at=answer.saved_at,
            saved_by=answer.saved_by,
            to_confirm=answer.to_confirm,
            outstanding=tuple(self.sentence(one.message) for one in item.outstanding) if item.started else (),
            is_after_milestone=item.is_late,
            evidence=tuple(
                FormEvidence(title=piece.title, name=piece.name, sha256=piece.sha256) for piece in item.evidence
            ),
            actions=tuple(
                FormAction(what=action.what, owner=action.owner, due=action.due, state=action.state)
                for action in item.actions
            ),
        )

    def _asked(self, asked: Asked) -> FormAsked:
        common: dict[str, Any] = {"type": asked.type, "is_graded": asked.is_graded}
        match asked:
            case NumberAsked():
                return FormAsked(
                    **common,
                    unit=self.say(asked.unit),
                    least="" if asked.lowest is None else number_words(asked.lowest),
                    most="" if asked.highest is None else number_words(asked.highest),
                    decimals=asked.decimals,
                )
            case Percentage():
                return FormAsked(**common, counted=self.say(asked.counted), out_of=self.say(asked.out_of))
            case DateAsked():
                return FormAsked(**common, past=asked.past)
            case ChoiceAsked():
                return FormAsked(**common, choices=self._choices(asked.choices), at_least=1, at_most=1)
            case ChoicesAsked():
                choices = self._choices(asked.choices)
                return FormAsked(**common, choices=choices, at_least=asked.at_least, at_most=asked.at_most)
            case TextAsked():
                return FormAsked(**common, longest=asked.longest)
            case FileAsked():
                return FormAsked(**common, at_least=asked.at_least)
            case TableAsked():
                columns = tuple(
                    FormColumn(
                        key=column.key,
                        label=self.say(column.label),
                        type=column.type,
                        unit=self.say(column.unit),
                        choices=self._choices(column.choices or ()),
                        required=column.required,
                    )
                    for column in asked.columns
                )
                return FormAsked(**common, columns=columns, at_least=asked.at_least, at_most=asked.at_most)
        return FormAsked(**common)

    def _choices(self, choices: Iterable[Choice]) -> tuple[FormChoice, ...]:
        return tuple(FormChoice(key=one.key, label=self.say(one.label)) for one in choices)

    def _conditions(self, item: Item, every: bool) -> Iterable[Sentence]:
        criterion = item.criterion
        for condition, msgid in (
            (criterion.shown_if, N_("Asked only where the answer to %(number)s is: %(grades)s.")),
            (criterion.required_if, N_("Must be answered where the answer to %(number)s is: %(grades)s.")),
            (criterion.not_applicable_if, N_("Not asked where the answer to %(number)s is: %(grades)s.")),
        ):
            if condition:
                yield self._condition(condition, msgid)
        if criterion.scope == "site" and not item.scope:
            yield Sentence.of(Message(N_("Asked once for each site of the agency: copy this for every site.")))
        if every and criterion.scope == "area":
            yield Sentence.of(Message(N_("Asked once for each area that the agency works in.")))
        if every and criterion.subtypes:
            kind = self.pack.agency_types[self.template.agency_type]
            names = [self.say(kind.subtypes[key].plural) for key in criterion.subtypes if key in kind.subtypes]
            yield Sentence.of(Message(N_("Asked only of: %(names)s."), {"names": ", ".join(names)}))

    def _condition(self, condition: Condition, msgid: str) -> Sentence:
        other = self.template.criterion(condition.criterion)
        words = condition_words(condition, other, self.pack.scheme_of(self.template, other))
        return self.sentence(Message(msgid, {"number": self.template.number_of(other), "grades": words}))

    def schemes(self, standards: Iterable[FormStandard]) -> tuple[FormScheme, ...]:
        """The grading schemes in use, in the pack's order."""
        used = {question.scheme for standard in standards for question in standard.questions}
        known = self.pack.grading_schemes.items()
        return tuple(self._scheme(key, scheme) for key, scheme in known if key in used)

    def _scheme(self, key: str, scheme: GradingScheme) -> FormScheme:
        return FormScheme(
            key=key,
            title=self.say(scheme.title),
            grades=tuple(
                FormGrade(
                    key=grade.key,
                    label=self.say(grade.label),
                    meaning=self.say(grade.meaning),
                    counts_as=grade.counts_as,
                    shown_apart=grade.shown_apart,
                    needs=grade.needs,
                )
                for grade in scheme.grades
            ),
            bases=tuple(
                FormBasis(
                    key=basis.key, label=self.say(basis.label), meaning=self.say(basis.meaning), asks=basis.asks
                )
                for basis in scheme.bases
            ),
        )

    def document(
        self, session: Session, kind: Literal["blank", "draft", "signed"], standards: tuple[FormStandard, ...], *,
        now: datetime, audit_return: AuditReturn | None = None, agency_type: str = "", sha256: str = "",
        asked: int | None = None, complete: int = 0,
    ) -> FormDocument:  # fmt: skip
        """The whole form. `asked`: how many must be answered, where that is known better than an empty form tells."""
        audit_round = self.audit_round
        assert audit_round is not None  # noqa: S101 -- a form of no round is made by `blank_form_of_pack`
        agency_type = audit_return.agency_type if audit_return else agency_type
        type_ = self.pack.agency_types[agency_type]
        agency, due, closed = None, audit_round.due, None
        if audit_return:
            agency = agency_info(audit_return, self.pack, self.language)
            due = max(due, audit_return.extended_to or due)
            sha256 = audit_return.template_version.sha256
            closed = why_closed(audit_return, now=now)
        form = FormDocument(
            kind=kind,
            snapshot_id="",
            language=self.language,
            return_id=audit_return.public_id if audit_return else "",
            audit_round=round_info(audit_round, as_at=now, is_closed=now > audit_round.open_until),
            pack=pack_info(audit_round, self.pack, self.language),
            template_title=self.say(self.template.title),
            template_introduction=self.say(self.template.introduction),
            template_sha256=sha256,
            bodies=bodies_of(session, audit_round, agency_type),
            agency=agency,
            type_label=self.say(type_.name),
            signatory=self.say(type_.signatory),
            declaration=self.say(self.template.declaration).format(
                agency=agency.name if agency else BLANK_SPACE,
                signatory=BLANK_SPACE,
                post=BLANK_SPACE,
                round=audit_round.name,
            ),
            due=today(due),
            closed=self.sentence(closed) if closed else None,
            schemes=self.schemes(standards),
            standards=standards,
            figure=Figure.total(standard.figure for standard in standards if not standard.optional),
            asked=_required(standards) if asked is None else asked,
            complete=complete,
            signature=None,
        )
        return form.model_copy(update={"snapshot_id": hash_of(form.model_dump(mode="json"))})
