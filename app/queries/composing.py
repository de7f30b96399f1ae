"""Reading composed reports: what inspectors wrote around the figures of a round, resolved against the data.

For oversight bodies alone. What was published is read as it was frozen (`app.queries.release`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session, contains_eager, joinedload

from app.domain.anonymity import Identity, Placed, initials, names_in, surname, telling_words
from app.domain.answers import ANSWER_TYPES
from app.domain.composing import (
    LANGUAGES,
    NO_LONGER,
    Chapter,
    Choice,
    Composition,
    Known,
    Place,
    Quoted,
    Recommendation,
    TypedNumber,
    arranged,
    compose,
    has_messages,
    in_line,
    in_order,
    places,
    put_twice,
    read_narrative,
    titled,
    typed_numbers,
    within,
    without_data,
)
from app.domain.composing_facts import RECOMMENDATIONS, Named, facts, figures, standard_chapters, titles_of
from app.domain.composing_messages import Move, proposals
from app.domain.findings import ComposedReport, JointFindings, KeyMessage, Sentence
from app.domain.integrity import hash_of
from app.domain.message import N_, Message
from app.domain.templates import Pack
from app.domain.text import localise
from app.languages import translations
from app.models import (
    Agency,
    AgencyInArea,
    Appointment,
    Area,
    AuditReturn,
    AuditRound,
    CompositionComment,
    CompositionSignOff,
    CompositionVersion,
    Declaration,
    Example,
    OversightBody,
    Recommended,
    ReturnSite,
    Submission,
    SubmissionAnswer,
    SubmissionVoided,
    User,
    Vouch,
)
from app.policy import Actor, require, system_actor
from app.queries.checks import is_second_at_work
from app.queries.figures import Narrowed, trend
from app.queries.findings import Reading, as_published, has_joint, reading_of, small_numbers, whole_findings
from app.queries.own_types import types_where
from app.queries.packs import pack_of
from app.queries.rounds import NotFound, get_round, round_facts

_LOADER = system_actor("composing")  # a report says the same whoever makes it
NEWEST = -1
FEW = 5  # agencies of a subtype in a round: of fewer an anonymous quotation says the agency type alone
# what nobody sees while a second inspector is at work, by the first part of the keys
HELD = frozenset({"checks", "checked", "judgements", "annex-judgements"})


def get_composed_round(
    session: Session, public_id: str, *, actor: Actor, now: datetime, permission: str = "composing.read"
) -> AuditRound:
    """A round whose joint report can be composed. Raises NotFound."""
    audit_round = get_round(session, public_id, actor=actor, now=now, permission=permission)
    if not has_joint(audit_round):
        raise NotFound
    return audit_round


# --- versions and who signed them off --------------------------------------------------------------------------------


def newest_version(session: Session, audit_round: AuditRound) -> CompositionVersion | None:
    """The report as it was saved last; None where nobody composed it. The caller asked policy."""
    return session.scalar(
        select(CompositionVersion)
        .where(CompositionVersion.round_id == audit_round.id)
        .options(joinedload(CompositionVersion.by))
        .order_by(CompositionVersion.number.desc())
        .limit(1)
    )


def version_numbered(session: Session, audit_round: AuditRound, number: int) -> CompositionVersion:
    """One version. Raises NotFound. The caller asked policy."""
    found = session.scalar(
        select(CompositionVersion)
        .where(CompositionVersion.round_id == audit_round.id, CompositionVersion.number == number)
        .options(joinedload(CompositionVersion.by))
    )
    if found is None:
        raise NotFound
    return found


def versions(session: Session, audit_round: AuditRound, *, page: int, size: int) -> tuple[list[Any], int]:
    """A page of the versions, the newest first, without their content: number, at, and by; and how many there are.

    The caller asked policy.
    """
    of_round = CompositionVersion.round_id == audit_round.id
    total = session.scalar(select(func.count()).select_from(CompositionVersion).where(of_round)) or 0
    rows = session.scalars(
        select(CompositionVersion)
        .where(of_round)
        .options(joinedload(CompositionVersion.by))
        .order_by(CompositionVersion.number.desc())
        .offset((page - 1) * size)
        .limit(size)
    ).all()
    return list(rows), total


def content_of(version: CompositionVersion | None) -> Composition:
    """The composition of a version; an empty one for none. What a later program no longer knows is passed over."""
    return Composition.model_validate(version.content, extra="ignore") if version else Composition()


def signing_bodies(session: Session, audit_round: AuditRound) -> list[OversightBody]:
    """The oversight bodies that ask agencies in a round: each signs the report off. The owner comes first."""
    ids = {served.oversight_body_id for served in audit_round.served}
    found = session.scalars(select(OversightBody).where(OversightBody.id.in_(ids)).order_by(OversightBody.id)).all()
    return sorted(found, key=lambda body: body.id != audit_round.owner_id)


def sign_offs(session: Session, version: CompositionVersion) -> dict[int, CompositionSignOff]:
    """Who signed a version off, by oversight body. The caller asked policy."""
    rows = session.scalars(
        select(CompositionSignOff)
        .where(CompositionSignOff.version_id == version.id)
        .options(joinedload(CompositionSignOff.by))
    )
    return {row.oversight_body_id: row for row in rows}


def signed_off_version(session: Session, audit_round: AuditRound) -> CompositionVersion | None:
    """The newest version that every inspectorate of the round signed off; None where there is none."""
    ids = {served.oversight_body_id for served in audit_round.served}
    return session.scalar(
        select(CompositionVersion)
        .join(CompositionSignOff, CompositionSignOff.version_id == CompositionVersion.id)
        .where(CompositionVersion.round_id == audit_round.id, CompositionSignOff.oversight_body_id.in_(ids))
        .group_by(CompositionVersion.id)
        .having(func.count(CompositionSignOff.id) == len(ids))
        .order_by(CompositionVersion.number.desc())
        .limit(1)
    )


def unsigned(session: Session, audit_round: AuditRound) -> int | None:
    """How many inspectorates have not signed off what was saved last; None where nobody composed the report."""
    newest = newest_version(session, audit_round)
    if newest is None:
        return None
    return len({served.oversight_body_id for served in audit_round.served} - set(sign_offs(session, newest)))


# --- what a text can refer to ----------------------------------------------------------------------------------------


def to_quote(session: Session, audit_round: AuditRound, *, actor: Actor, language: str) -> list[Quoted]:
    """The examples of a round that somebody may choose from: those of the agency types whose returns they may read."""
    types = types_where(audit_round, actor, "return.mark_example")
    return list(quotable(session, audit_round, language, types).values())


def quotable(
    session: Session, audit_round: AuditRound, language: str, types: Collection[str] | None = None
) -> dict[str, Quoted]:
    """The words of the examples of a round by id, but for those whose submission was set aside. Three statements.

    Of all agency types, or of some: what was put into a report is read by all who write it. The caller asked policy.
    """
    rows = session.execute(
        select(Example, SubmissionAnswer.value)
        .join(Example.audit_return)
        .join(AuditReturn.agency)
        .join(Submission, Submission.id == Example.submission_id)
        .join(
            SubmissionAnswer,
            (SubmissionAnswer.submission_id == Example.submission_id)
            & (SubmissionAnswer.criterion == Example.criterion)
            & (SubmissionAnswer.scope_key == Example.scope_key),
        )
        .outerjoin(SubmissionVoided, SubmissionVoided.submission_id == Submission.id)
        .where(
            AuditReturn.round_id == audit_round.id,
            SubmissionVoided.id.is_(None),
            *(() if types is None else [AuditReturn.agency_type.in_(types)]),
        )
        .options(contains_eager(Example.audit_return).contains_eager(AuditReturn.agency))
        .order_by(Example.id)
    ).all()
    pack = pack_of(audit_round.pack_version)
    said = {
        row.Example: words
        for row in rows
        if (words := _said(pack, row.Example.audit_return.agency_type, row.Example.criterion, row.value))
    }
    if not said:
        return {}
    agencies = _agencies(session, audit_round)
    known_as = _identities(session, pack, agencies, [example.audit_return for example in said])
    # of a subtype with few agencies the name of the subtype would say which it is
    alike = Counter((row.agency_type, row.subtype) for row in {row.id: row for row in agencies}.values())
    found = {}
    for example, words in said.items():
        audit_return = example.audit_return
        kind = pack.agency_types[audit_return.agency_type]
        many = alike[audit_return.agency_type, audit_return.subtype] >= FEW
        named = (kind.subtypes.get(audit_return.subtype) if many else None) or kind
        found[example.public_id] = Quoted(
            example.public_id, words, audit_return.agency.name, localise(named.name, language),
            audit_return.agency_type, known_as[audit_return.id],
        )  # fmt: skip
    return found


def _agencies(session: Session, audit_round: AuditRound) -> Sequence[Any]:
    """The agencies of a round, each once for every area that it works in."""
    return session.execute(
        select(
            Agency.id, Agency.name, AuditReturn.agency_type, AuditReturn.subtype, Area.id.label("area"),
            Area.name.label("area_name"),
        )
        .join(AuditReturn, AuditReturn.agency_id == Agency.id)
        .outerjoin(AgencyInArea, AgencyInArea.agency_id == Agency.id)
        .outerjoin(Area, Area.id == AgencyInArea.area_id)
        .where(AuditReturn.round_id == audit_round.id)
    ).all()  # fmt: skip


def _identities(
    session: Session, pack: Pack, agencies: Sequence[Any], returns: Sequence[AuditReturn]
) -> dict[int, Identity]:
    """By return the words that would give its agency away: its names and places, its sites, its people."""
    placed: dict[int, Placed] = {}
    for row in agencies:
        one = placed.setdefault(row.id, Placed(row.id, row.name, {}))
        if row.area is not None:
            one.areas[row.area] = row.area_name
    telling = telling_words(list(placed.values()), _words_of_types(pack))
    in_names = {word for one in placed.values() for word in one.name.split()}
    ids = {one.id for one in returns}
    agency_ids = {one.agency_id for one in returns}
    kind = literal("people").label("kind")
    known: dict[tuple[str, int], set[str]] = defaultdict(set)
    texts: Sequence[Any] = session.execute(
        union_all(
            select(literal("site").label("kind"), ReturnSite.return_id.label("of"), ReturnSite.name.label("text"))
            .where(ReturnSite.return_id.in_(ids)),
            select(kind, Vouch.return_id, Vouch.name).where(Vouch.return_id.in_(ids)),
            select(kind, Submission.return_id, Declaration.name)
            .join(Declaration, Declaration.submission_id == Submission.id)
            .where(Submission.return_id.in_(ids)),
            select(literal("staff").label("kind"), Appointment.agency_id, User.name)
            .join(User, User.id == Appointment.user_id)
            .where(Appointment.agency_id.in_(agency_ids)),
        )
    ).all()  # fmt: skip
    for said in texts:
        known[said.kind, said.of].add(said.text)
    found = {}
    for audit_return in returns:
        agency = audit_return.agency
        short = initials(agency.name)
        people = sorted(known["people", audit_return.id] | known["staff", agency.id])
        sites = sorted(known["site", audit_return.id])
        found[audit_return.id] = Identity(
            names=(agency.name, agency.code, *placed[agency.id].areas.values(), *sites),
            words=(*telling[agency.id], *([short] if short and short not in in_names else ())),
            people=tuple(people),
            surnames=tuple(filter(None, map(surname, people))),
        )
    return found


def _words_of_types(pack: Pack) -> frozenset[str]:
    """The words in the names of agency types, in small letters: they give no agency away."""
    names = [
        localise(text, language)
        for kind in pack.agency_types.values()
        for text in (kind.name, kind.plural, *(n for one in kind.subtypes.values() for n in (one.name, one.plural)))
        for language in LANGUAGES
    ]
    return frozenset(word for name in names for word in name.casefold().split())


def _said(pack: Pack, agency_type: str, criterion_id: str, value: Mapping[str, Any]) -> str:
    """What the agency said in its own words: what it typed as the answer, and its commentary."""
    criterion = pack.templates[agency_type].criterion(criterion_id)
    typed = [
        localise(fact.words)
        for fact in ANSWER_TYPES[criterion.answer.type].facts(value, criterion)
        if fact.typed and isinstance(fact.words, str)
    ]
    return "\n".join(filter(None, (*typed, value.get("commentary", ""))))


def _moves(session: Session, audit_round: AuditRound, *, now: datetime, language: str) -> list[Move]:
    """How criteria stand beside the last round of the same owner, where all who inspect in this one may read it.

    None where small numbers are left out: of two rounds together they could be worked out.
    """
    if small_numbers(audit_round)[0]:
        return []
    found = trend(session, audit_round, Narrowed(), actor=_LOADER, now=now, language=language)
    bodies = {served.oversight_body_id for served in audit_round.served}
    if (
        found.last is None
        or found.last.owner_id != audit_round.owner_id
        or not bodies <= {*(served.oversight_body_id for served in found.last.served), audit_round.owner_id}
    ):
        return []
    return [
        Move(
            line.asked.reference, line.label, line.asked.agency_type, line.asked.criterion.theme, line.then, line.now
        )
        for line in found.lines
        if line.then.counted and line.now.counted and not line.asked.optional
    ]


def addressees(
    session: Session, audit_round: AuditRound, reading: Reading
) -> dict[tuple[str, str], str]:
    """Whom a recommendation can be addressed to: (agency type, body's code), one of them empty, to the name."""
    types = {(key, ""): reading.plural(key) for key in reading.types}
    return types | {("", body.code): body.name for body in signing_bodies(session, audit_round)}


# --- the composed report ---------------------------------------------------------------------------------------------


def composed_findings(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, language: str = "en",
    publishing: bool = False, coming_out: bool = False, number: int = NEWEST,
) -> JointFindings:  # fmt: skip
    """The joint findings as they stand now, with what inspectors wrote around them, where they did.

    What was saved last, or the version of a `number`, with all figures; where `coming_out`, with those alone that would
    come out. With `publishing` the newest that every inspectorate signed off, with everything that comes out. Raises
    Denied, and NotFound where there is no such version.
    """
    whole = whole_findings(session, audit_round, actor=actor, now=now, language=language, everything=publishing)
    found = as_published(session, audit_round, whole) if publishing or coming_out else whole
    if publishing:
        version = signed_off_version(session, audit_round)
    elif number == NEWEST:
        version = newest_version(session, audit_round)
    else:
        version = version_numbered(session, audit_round, number)
    if version is None:
        return found
    return Desk(session, audit_round, found, whole, version, now).with_composition()


@dataclass
class Desk:
    """A report that is being composed: the data, the version that was saved, and what its texts can refer to.

    `findings` are those that it is made with, `whole` those with small numbers and names in them.
    """

    session: Session
    audit_round: AuditRound
    findings: JointFindings
    whole: JointFindings
    version: CompositionVersion | None
    now: datetime
    composition: Composition = field(init=False)

    def __post_init__(self) -> None:
        self.composition = content_of(self.version)

    @property
    def number(self) -> int:
        """The number of the version; 0 before anything was saved."""
        return self.version.number if self.version else 0

    @cached_property
    def reading(self) -> Reading:
        """What the round asks, and the words of its pack."""
        return reading_of(self.session, self.audit_round, self.findings.language)

    @cached_property
    def translate(self) -> Any:
        """Words in the language of the report."""
        return translations(self.findings.language).gettext

    @cached_property
    def standard(self) -> list[Named]:
        """The chapters of every report of these findings."""
        return standard_chapters(self.findings, self.translate)

    @cached_property
    def titles(self) -> dict[str, str]:
        """The titles of those chapters by key, and of that of the recommendations."""
        return {one.key: one.title for one in self.standard} | {RECOMMENDATIONS: self.translate(N_("Recommendations"))}

    @cached_property
    def chapters(self) -> list[Chapter]:
        """All chapters in their order, hidden ones too."""
        return arranged(self.composition, self.standard)

    def title(self, chapter: Chapter) -> str:
        """What a chapter is called."""
        return self.titles.get(chapter.key) or chapter.title.in_(self.findings.language)[0]

    @cached_property
    def in_data(self) -> Known:
        """What texts can refer to, whatever was written: all but the numbers of chapters."""
        (said, shown), (every, all_shown) = (
            (facts(found, self.translate), figures(found, self.translate)) for found in (self.findings, self.whole)
        )
        return Known(
            said, shown, quotable(self.session, self.audit_round, self.findings.language), {},
            HELD if self.findings.checks is None and is_second_at_work(self.session, self.audit_round) else frozenset(),
            frozenset((every.keys() - said.keys()) | (all_shown.keys() - shown.keys())), self.findings.names_agencies,
        )  # fmt: skip

    @cached_property
    def known(self) -> Known:
        """What texts can refer to."""
        return self.known_in(self.composition)

    def known_in(self, composition: Composition, language: str = "") -> Known:
        """What texts could refer to if the report were composed so; in the words of its texts in a `language`."""
        return within(
            self.in_data, composition, self.standard, published=self.published,
            messages=has_messages(composition, self.findings.key_messages, lambda: self.proposed),
            language=language or self.findings.language, translate=self.translate,
        )  # fmt: skip

    def to_quote(self, actor: Actor) -> list[Quoted]:
        """The examples that somebody may choose from, as `to_quote`."""
        types = types_where(self.audit_round, actor, "return.mark_example")
        return [one for one in self.known.quotes.values() if one.agency_type in types]

    def read_ahead(self, *, proposals: bool = False) -> Desk:
        """The same, once all that it reads from the database is read: with `proposals` what rules propose, too."""
        _ = self.standard, self.in_data, self.addressees, self.published, proposals and self.proposed
        return self

    def at(self, version: CompositionVersion | None) -> Desk:
        """The same data with another version of what is written. What was read already is not read anew."""
        other = Desk(self.session, self.audit_round, self.findings, self.whole, version, self.now)
        for name in ("reading", "translate", "standard", "titles", "in_data", "proposed", "addressees", "published"):
            if name in self.__dict__:
                other.__dict__[name] = self.__dict__[name]
        return other

    @cached_property
    def proposed(self) -> tuple[KeyMessage, ...]:
        """The key messages that rules propose."""
        moves = _moves(self.session, self.audit_round, now=self.now, language=self.findings.language)
        return proposals(self.findings, self.reading.words, moves)

    @cached_property
    def addressees(self) -> dict[tuple[str, str], str]:
        """Whom recommendations can be addressed to."""
        return addressees(self.session, self.audit_round, self.reading)

    @cached_property
    def published(self) -> dict[str, int]:
        """The numbers that recommendations got when they came out."""
        return numbers_given(self.session, self.audit_round)

    @property
    def recommendations(self) -> list[tuple[int, Recommendation]]:
        """What is recommended, by number."""
        return in_order(self.composition.recommendations, self.published)

    @cached_property
    def places(self) -> list[Place]:
        """Every text that is written, with its place."""
        return places(self.composition, self.chapters, self.titles, self.published)

    def problems(self) -> list[tuple[Place, Message]]:
        """References to data that are not there, and what is there twice, with the place of each."""
        known = {language: self.known_in(self.composition, language) for language in LANGUAGES}
        references = [
            (place, problem)
            for place in self.places
            for problem in (
                read_narrative(place.text, known[place.language])
                if place.is_narrative
                else in_line(place.text, known[place.language])[1]
            ).problems
        ]
        gone = {one.rule for one in self.without_data}
        return [
            *references,
            *((one.again, one.problem(one.first)) for one in put_twice(self.chapters, self.titles)),
            *{place.rule: (place, NO_LONGER) for place in self.places if place.rule in gone}.values(),
        ]

    @cached_property
    def without_data(self) -> list[Choice]:
        """Key messages in inspectors' own words that the data no longer propose. They are read where there are any."""
        edited = without_data(self.composition, {one.rule for one in self.findings.key_messages})
        return edited and without_data(self.composition, {one.rule for one in self.proposed})

    def typed_numbers(self) -> list[tuple[Place, TypedNumber]]:
        """Numbers that were typed by hand, with the place of each."""
        return [(place, number) for place in self.places for number in typed_numbers(place.text)]

    def named(self) -> list[tuple[Place, str]]:
        """Agencies that texts name in a report that names none, with the place of each."""
        return _named(
            self.session, self.audit_round, [*titled(self.chapters), *self.places], lambda: self.known.quotes
        )

    def undecided(self) -> list[KeyMessage]:
        """Key messages of every report that nobody accepted, edited or dropped."""
        return [one for one in self.findings.key_messages if self.composition.choice(one.rule) is None]

    def with_composition(self) -> JointFindings:
        """The findings with the composed report in them, and a snapshot id of both."""
        version = self.version
        if version is None:
            return self.findings
        found = compose(
            self.composition, self.standard, self.known, usual=self.findings.key_messages, proposed=self.proposed,
            addressees=self.addressees, published=self.published, language=self.findings.language,
            translate=self.translate,
        )  # fmt: skip
        signed = sign_offs(self.session, version)
        bodies = signing_bodies(self.session, self.audit_round)
        report = ComposedReport(
            version=version.number,
            chapters=tuple(found.chapters),
            messages=tuple(found.messages),
            recommendations=tuple(found.recommendations),
            facts=found.facts(),
            signed_off=tuple(body.name for body in bodies if body.id in signed),
            is_signed_off=all(body.id in signed for body in bodies),
            problems=tuple(Sentence.of(one, self.findings.language) for one in found.problems),
        )
        snapshot = hash_of({"findings": self.findings.snapshot_id, "composition": report.model_dump(mode="json")})
        return self.findings.model_copy(update={"composition": report, "snapshot_id": snapshot})


def desk(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, language: str = "en",
    number: int = NEWEST, publishing: bool = False,
) -> Desk:  # fmt: skip
    """The report of a round as it is being composed, with the figures that would come out and no others. `publishing`:
    with what the reader may not see yet, too; for checking what was typed, never to be shown. Raises Denied, and
    NotFound where there is no such version."""
    require(actor, "composing.read", round_facts(session, audit_round, now=now))
    whole = whole_findings(session, audit_round, actor=actor, now=now, language=language, everything=publishing)
    version = (
        newest_version(session, audit_round) if number == NEWEST else version_numbered(session, audit_round, number)
    )
    return Desk(session, audit_round, as_published(session, audit_round, whole), whole, version, now)


def numbers_given(session: Session, audit_round: AuditRound) -> dict[str, int]:
    """The number that each recommendation of a round got when it came out first, by key, withdrawn ones too."""
    return {
        row.key: row.number
        for row in session.execute(
            select(Recommended.key, Recommended.number).where(Recommended.round_id == audit_round.id)
        )
    }


# --- agencies that are named -----------------------------------------------------------------------------------------


def named_in(session: Session, audit_round: AuditRound, version: CompositionVersion | None) -> list[tuple[Place, str]]:
    """Agencies that the texts of a version name, with the place of each, where the round’s report names none.

    The data are not read: where a chapter has nothing to say what is written in it is looked at all the same. The
    caller asked policy.
    """
    if version is None:
        return []
    composition, reading = content_of(version), reading_of(session, audit_round, LANGUAGES[0])
    titles = titles_of({key: reading.say(theme.title) for key, theme in reading.pack.themes.items()}, str)
    given = numbers_given(session, audit_round) if composition.recommendations else {}
    found = [*titled(composition.chapters), *places(composition, composition.chapters, titles, given)]
    return _named(session, audit_round, found, lambda: quotable(session, audit_round, LANGUAGES[0]))


def _named(
    session: Session, audit_round: AuditRound, found: Sequence[Place], quotes: Callable[[], Mapping[str, Quoted]]
) -> list[tuple[Place, str]]:
    """Agencies of a round that texts name, and what they quote, where its report names none. `quotes` are read where
    there is a quotation."""
    if small_numbers(audit_round)[1] or not found:
        return []
    names: set[str] = set()
    for row in session.execute(
        select(Agency.name, Agency.code).join(AuditReturn).where(AuditReturn.round_id == audit_round.id)
    ):
        names |= {row.name, row.code}
    known = Known(quotes=quotes() if any("[[quote" in place.text for place in found) else {})
    return [
        (place, name)
        for place in found
        for name in names_in(
            "\n".join(
                [place.text]
                + [f"{one.text}\n{one.source}" for one in read_narrative(place.text, known).parts if one.source]
            ),
            names,
        )
    ]


# --- comments --------------------------------------------------------------------------------------------------------


def comments(session: Session, audit_round: AuditRound) -> Sequence[CompositionComment]:
    """All comments on a report, by chapter, the oldest first. The caller asked policy."""
    return session.scalars(
        select(CompositionComment)
        .where(CompositionComment.round_id == audit_round.id)
        .options(joinedload(CompositionComment.by), joinedload(CompositionComment.resolved_by))
        .order_by(CompositionComment.at, CompositionComment.id)
    ).all()
