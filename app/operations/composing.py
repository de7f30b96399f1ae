"""Composing the joint report of a round: its chapters and texts, key messages, recommendations, comments, sign-off.

Each save is a version with who and when; none is ever changed. Two people can work at once: whoever saves a text that
somebody else saved meanwhile is told, and nothing of either is lost. A version that every inspectorate signed off is
what is published; whatever is saved later has to be signed off anew.

Saves need the figures of the round, which take longer to read than the save to write: a page reads them first (`Ahead`)
and only then begins to write. Where nobody did, a save reads them itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.composing import (
    LANGUAGES,
    LONGEST_RECOMMENDATION,
    LONGEST_TEXT,
    LONGEST_TITLE,
    MOST_OWN,
    Chapter,
    Choice,
    Composition,
    Recommendation,
    Words,
    arranged,
    fields_of,
    in_line,
    in_order,
    moved,
    new_key,
    put_together,
    put_twice,
    read_narrative,
    why_not_markdown,
    with_chapter,
    without_chapter,
    words_of,
)
from app.domain.integrity import hash_of
from app.domain.life import NotPossible, check_length
from app.domain.message import N_, Message, too_long
from app.models import (
    AuditRound,
    CompositionComment,
    CompositionSignOff,
    CompositionVersion,
    OversightBody,
    Publication,
    Recommended,
    RecommendedStatus,
)
from app.operations import events
from app.operations.rounds import locked_round
from app.policy import Actor, RoundFacts, allows
from app.queries.composing import (
    Desk,
    content_of,
    desk,
    get_composed_round,
    newest_version,
    numbers_given,
    signing_bodies,
    version_numbered,
)
from app.queries.recommended import STATES, get_recommended, may_track
from app.queries.rounds import NotFound

LONGEST_COMMENT = 4_000
LONGEST_NOTE = 4_000
STATES_OF_CHOICE = ("accepted", "edited", "dropped")


class NotSaved(NotPossible):
    """What was typed cannot be saved: `fields` says what is wrong with which field. The message is the first."""

    def __init__(self, fields: Mapping[str, Message]) -> None:
        super().__init__(next(iter(fields.values())))
        self.fields = dict(fields)


class Late(NotPossible):
    """Somebody saved the same since the page was opened. `version`: the newest."""

    def __init__(self, newest: CompositionVersion) -> None:
        super().__init__(
            N_(
                "%(name)s saved this meanwhile, as version %(version)s. Read it below, put your words in, and save"
                " again."
            ),
            name=_saver(newest),
            version=newest.number,
        )
        self.version = newest.number


class Disputed(NotSaved):
    """Somebody else changed the same fields since the page was opened.

    `values`: what would be saved, by field, with what was typed where both changed one; `theirs`: what is saved there.
    """

    def __init__(self, newest: CompositionVersion, values: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
        said = Message(
            N_("%(name)s changed this too, in version %(version)s. Read both, then save what should stand."),
            {"name": _saver(newest), "version": newest.number},
        )
        super().__init__(dict.fromkeys(theirs, said))
        self.by = _saver(newest)
        self.version = newest.number
        self.values = dict(values)
        self.theirs = dict(theirs)


def _saver(version: CompositionVersion) -> str | Message:
    return version.by.name if version.by else Message(N_("The service"))


# --- saving ----------------------------------------------------------------------------------------------------------


def _open(
    session: Session, public_id: str, *, by: Actor, now: datetime, permission: str = "composing.edit"
) -> AuditRound:
    """The round, held until the transaction ends. Raises NotFound, and NotPossible where it is archived."""
    get_composed_round(session, public_id, actor=by, now=now, permission=permission)
    return locked_round(session, public_id, by=by, now=now, permission=permission)


def _save(
    session: Session, audit_round: AuditRound, content: Composition, what: str, *, by: Actor, now: datetime,
    about: str = "",
) -> CompositionVersion:  # fmt: skip
    """A new version, or the newest where nothing differs from it."""
    newest = newest_version(session, audit_round)
    data = content.model_dump(mode="json")
    if newest is not None and newest.content == data:
        return newest
    row = CompositionVersion(
        round_id=audit_round.id, number=newest.number + 1 if newest else 1, content=data, by_id=by.user_id, at=now
    )
    session.add(row)
    session.flush()
    events.append(
        session, events.chain_of(audit_round), "composition.saved", by=by, now=now,
        data={"version": row.number, "content": hash_of(data), "what": what, "about": about},
    )  # fmt: skip
    session.flush()
    return row


def _current(session: Session, audit_round: AuditRound) -> Composition:
    return content_of(newest_version(session, audit_round))


def _check_unchanged(
    session: Session, audit_round: AuditRound, based_on: int, find: Callable[[Composition], object]
) -> None:
    """Raise Late where somebody saved the same thing since the version that the page showed."""
    newest = newest_version(session, audit_round)
    if newest is None or newest.number == based_on:
        return
    before = content_of(version_numbered(session, audit_round, based_on)) if based_on else Composition()
    if find(before) != find(content_of(newest)):
        raise Late(newest)


def _why_missing(
    session: Session, audit_round: AuditRound, based_on: int, was_there: Callable[[Composition], object]
) -> Exception:
    """What to raise for something that is not there: whether it was when the page was opened."""
    if based_on and was_there(content_of(version_numbered(session, audit_round, based_on))):
        return NotPossible(
            N_(
                "Somebody took this out since you opened it. What you typed is below: put it elsewhere, or bring back"
                " version %(version)s, in which it was."
            ),
            version=based_on,
        )
    return NotFound()


def _with_theirs(
    session: Session, audit_round: AuditRound, based_on: int, mine: Mapping[str, Any],
    find: Callable[[Composition], Mapping[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    """What was filled in, with what somebody saved meanwhile in fields that were not touched.

    `find` gives the fields as they are in a version. Raises Disputed where both changed one.
    """
    newest = newest_version(session, audit_round)
    if newest is None or newest.number == based_on:
        return dict(mine)
    before = content_of(version_numbered(session, audit_round, based_on)) if based_on else Composition()
    values, theirs = put_together(mine, find(before), find(content_of(newest)))
    if theirs:
        raise Disputed(newest, values, theirs)
    return values


def cleaned(text: str) -> str:
    """A typed text as it is kept."""
    return text.replace("\r\n", "\n").replace("\0", "").strip()


def _words(given: Mapping[str, str]) -> Words:
    return Words(**{language: cleaned(given.get(language, "")) for language in LANGUAGES})


class Ahead:
    """The data that a save needs, in each language once. Read before the save begins, so that nobody waits for it.

    With all data: a person who may not see some of them yet can still work on a text that refers to them. Whatever a
    text refers to is resolved anew each time that it is shown, so data that change meanwhile do no harm.
    """

    def __init__(self, session: Session, *, by: Actor, now: datetime) -> None:
        self._session = session
        self._by = by
        self._now = now
        self._desks: dict[str, Desk] = {}

    def of(self, audit_round: AuditRound, language: str = "en") -> Desk:
        """The report as it was saved last, whatever was when its data were read."""
        if language not in self._desks:
            found = desk(self._session, audit_round, actor=self._by, now=self._now, language=language, publishing=True)
            self._desks[language] = found.read_ahead()
        return self._desks[language].at(newest_version(self._session, audit_round))

    def read_proposals(self, audit_round: AuditRound) -> None:
        """Read what rules propose as key messages, too."""
        self.of(audit_round)
        self._desks[LANGUAGES[0]].read_ahead(proposals=True)


def _opened(
    session: Session, public_id: str, ahead: Ahead | None, *, by: Actor, now: datetime,
    permission: str = "composing.edit",
) -> tuple[AuditRound, Ahead, Desk]:  # fmt: skip
    """What a save begins with: the round, held as by `_open`; what was read ahead, or is read now; and the report."""
    audit_round = _open(session, public_id, by=by, now=now, permission=permission)
    ahead = ahead or Ahead(session, by=by, now=now)
    return audit_round, ahead, ahead.of(audit_round)


def read_ahead(
    session: Session, public_id: str, *, by: Actor, now: datetime, texts: Mapping[str, str] | None = None,
    proposals: bool = False, permission: str = "composing.edit",
) -> Ahead:  # fmt: skip
    """What a save of `texts` (by language) will need. Raises NotFound."""
    audit_round = get_composed_round(session, public_id, actor=by, now=now, permission=permission)
    found = Ahead(session, by=by, now=now)
    for language in LANGUAGES:
        if language == LANGUAGES[0] or "[[" in (texts or {}).get(language, ""):
            found.of(audit_round, language)
    if proposals:
        found.read_proposals(audit_round)
    return found


def _check(
    audit_round: AuditRound, texts: Mapping[str, Words], ahead: Ahead, *, longest: int = LONGEST_TEXT,
    content: Composition | None = None,
) -> None:  # fmt: skip
    """Raise NotSaved for texts, by field, that are too long, are no guidance, or refer to what is not there.

    `content`: the report with them in it, of narratives; other texts are no guidance.
    """
    wrong: dict[str, Message] = {}
    for field, words in texts.items():
        for language, text in words.each():
            name = f"{field}-{language}"
            if is_long := too_long(text, longest):
                wrong[name] = is_long
            elif content and (problems := why_not_markdown(text)):
                wrong[name] = Message(N_("This text cannot stand as it is: %(problem)s."), {"problem": problems[0]})
            elif "[[" in text:
                here = ahead.of(audit_round, language)
                read = read_narrative(text, here.known_in(content)) if content else in_line(text, here.known)[1]
                if read.problems:
                    wrong[name] = read.problems[0]
    if wrong:
        raise NotSaved(wrong)


# --- chapters --------------------------------------------------------------------------------------------------------


def add_chapter(
    session: Session, public_id: str, *, title: Mapping[str, str], by: Actor, now: datetime, ahead: Ahead | None = None,
) -> str:  # fmt: skip
    """A chapter of the inspectors' own, before the annexes. Returns its key. Raises NotFound and NotPossible."""
    audit_round, _ahead, here = _opened(session, public_id, ahead, by=by, now=now)
    key = new_key("own")
    content = with_chapter(here.composition, here.standard, Chapter(key=key, title=_title(title)))
    _save(session, audit_round, content, "added", about=key, by=by, now=now)
    return key


def _title(given: Mapping[str, str]) -> Words:
    words = _words(given)
    _check_title(words)
    return words


def _check_title(words: Words) -> None:
    if not words.en:
        raise NotSaved({"title-en": Message(N_("Give the chapter a title in English."))})
    for language, text in words.each():
        if len(text) > LONGEST_TITLE:
            raise NotSaved(
                {
                    f"title-{language}": Message(
                        N_("The title has %(length)s characters; shorten it to %(limit)s or fewer."),
                        {"length": len(text), "limit": LONGEST_TITLE},
                    )
                }
            )


def save_chapter(
    session: Session, public_id: str, key: str, *, before: Mapping[str, str], after: Mapping[str, str],
    title: Mapping[str, str] | None = None, based_on: int, by: Actor, now: datetime, ahead: Ahead | None = None,
) -> CompositionVersion:  # fmt: skip
    """Save what is written in a chapter, over version `based_on`; the title only of one's own.

    What somebody saved meanwhile stays in the texts that were not touched. Raises NotFound, NotSaved for what was
    typed, and Disputed for texts that both changed.
    """
    audit_round, ahead, here = _opened(session, public_id, ahead, by=by, now=now)
    chapter = next((one for one in here.chapters if one.key == key), None)
    if chapter is None:
        raise _why_missing(session, audit_round, based_on, lambda content: content.chapter(key) in content.chapters)
    typed = {"before": _words(before), "after": _words(after)}
    if chapter.is_own:
        typed["title"] = _words(title or {})
    values = _with_theirs(
        session, audit_round, based_on, fields_of(**typed), lambda content: content.chapter(key).fields()
    )
    new = {name: words_of(values, name) for name in typed}
    if chapter.is_own:
        _check_title(new["title"])
    content = with_chapter(here.composition, here.standard, chapter.model_copy(update=new))
    _check(audit_round, {name: new[name] for name in ("before", "after")}, ahead, content=content)
    _check_put_once(here, content, key)
    return _save(session, audit_round, content, "written", about=key, by=by, now=now)


def _check_put_once(here: Desk, content: Composition, key: str) -> None:
    """Raise NotSaved where a table or chart in a chapter stands in the report already."""
    wrong = {}
    for one in put_twice(arranged(content, here.standard), here.titles):
        if key in (one.first.chapter, one.again.chapter):
            mine, other = (one.again, one.first) if one.again.chapter == key else (one.first, one.again)
            wrong[f"{mine.where}-{mine.language}"] = one.problem(other)
    if wrong:
        raise NotSaved(wrong)


def move_chapter(
    session: Session, public_id: str, key: str, *, up: bool, by: Actor, now: datetime, ahead: Ahead | None = None,
) -> CompositionVersion:  # fmt: skip
    """Move a chapter one place up or down. Raises NotFound, and NotPossible at the end."""
    audit_round, _ahead, here = _opened(session, public_id, ahead, by=by, now=now)
    if key not in {one.key for one in here.chapters}:
        raise NotFound
    content = moved(here.composition, here.standard, key, up)
    return _save(session, audit_round, content, "moved", about=key, by=by, now=now)


def hide_chapter(
    session: Session, public_id: str, key: str, *, hidden: bool, by: Actor, now: datetime, ahead: Ahead | None = None,
) -> CompositionVersion:  # fmt: skip
    """Leave a chapter out, or take it in again. Raises NotFound, and NotPossible for the last that is shown."""
    audit_round, _ahead, here = _opened(session, public_id, ahead, by=by, now=now)
    chapter = next((one for one in here.chapters if one.key == key), None)
    if chapter is None:
        raise NotFound
    if hidden and not any(one.key != key and not one.is_hidden for one in here.chapters):
        raise NotPossible(N_("A report needs at least one chapter."))
    content = with_chapter(here.composition, here.standard, chapter.model_copy(update={"is_hidden": hidden}))
    return _save(session, audit_round, content, "hidden" if hidden else "shown", about=key, by=by, now=now)


def remove_chapter(session: Session, public_id: str, key: str, *, by: Actor, now: datetime) -> CompositionVersion:
    """Take a chapter of the inspectors' own away; earlier versions keep it. Raises NotFound."""
    audit_round = _open(session, public_id, by=by, now=now)
    content = _current(session, audit_round)
    if key not in {one.key for one in content.chapters if one.is_own}:
        raise NotFound
    return _save(session, audit_round, without_chapter(content, key), "removed", about=key, by=by, now=now)


def restore(session: Session, public_id: str, number: int, *, by: Actor, now: datetime) -> CompositionVersion:
    """Save an earlier version again, as the newest. Raises NotFound."""
    audit_round = _open(session, public_id, by=by, now=now)
    old = version_numbered(session, audit_round, number)
    return _save(session, audit_round, content_of(old), "restored", about=str(number), by=by, now=now)


# --- key messages ----------------------------------------------------------------------------------------------------


def decide(
    session: Session, public_id: str, rule: str, *, state: str, heading: Mapping[str, str] | None = None,
    text: Mapping[str, str] | None = None, based_on: int, by: Actor, now: datetime, ahead: Ahead | None = None,
) -> CompositionVersion:  # fmt: skip
    """Accept, edit or drop a key message that a rule proposes; an empty state lets it be as it was proposed.

    Raises NotFound for a rule that proposes nothing, NotSaved, Late where somebody decided meanwhile, and Disputed
    for words that both changed.
    """
    audit_round, ahead, here = _opened(session, public_id, ahead, by=by, now=now)
    if here.composition.choice(rule) is None and rule not in {one.rule for one in here.proposed}:
        raise NotFound
    now_there = here.composition.choice(rule)
    typed = fields_of(heading=_words(heading or {}), text=_words(text or {}))
    if state == "edited" and now_there and now_there.state == "edited":
        typed = _with_theirs(
            session, audit_round, based_on, typed,
            lambda content: (content.choice(rule) or Choice(rule=rule, state="edited")).fields(),
        )  # fmt: skip
    else:
        _check_unchanged(session, audit_round, based_on, lambda content: content.choice(rule))
    left = [one for one in here.composition.choices if one.rule != rule]
    if state:
        if state not in STATES_OF_CHOICE:
            raise NotPossible(N_("Say whether the message is accepted, edited or dropped."))
        words = {}
        if state == "edited":
            words = {name: words_of(typed, name) for name in ("heading", "text")}
            missing = {
                f"{name}-en": Message(N_("Write this in English, or accept the message as it is."))
                for name, one in words.items()
                if not one.en
            }
            if missing:
                raise NotSaved(missing)
            _check(audit_round, {"heading": words["heading"]}, ahead, longest=LONGEST_TITLE)
            _check(audit_round, {"text": words["text"]}, ahead, longest=LONGEST_RECOMMENDATION)
        left.append(Choice(rule=rule, state=state, **words))  # type: ignore[arg-type]
    content = here.composition.model_copy(update={"choices": tuple(sorted(left, key=lambda one: one.rule))})
    return _save(session, audit_round, content, "message", about=rule, by=by, now=now)


# --- recommendations -------------------------------------------------------------------------------------------------


def save_recommendation(
    session: Session, public_id: str, key: str, *, text: Mapping[str, str], addressee: str, due: date | None,
    based_on: int, by: Actor, now: datetime, ahead: Ahead | None = None,
) -> str:  # fmt: skip
    """Save a recommendation, a new one where `key` is empty. Returns its key.

    `addressee`: `type:KEY` for the agencies of a type in the round, `body:CODE` for an oversight body. What somebody
    saved meanwhile stays in the fields that were not touched. Raises NotFound, NotSaved, and Disputed for fields that
    both changed.
    """
    audit_round, ahead, here = _opened(session, public_id, ahead, by=by, now=now)
    every = list(here.composition.recommendations)
    place = next((place for place, one in enumerate(every) if one.key == key), None)
    if key and place is None:
        raise _why_missing(session, audit_round, based_on, lambda content: content.recommendation(key))
    typed: dict[str, Any] = fields_of(text=_words(text)) | {"addressee": addressee, "due": due}
    if key:
        nothing = Recommendation(key=key, text=Words())
        typed = _with_theirs(
            session, audit_round, based_on, typed,
            lambda content: (content.recommendation(key) or nothing).fields(),
        )  # fmt: skip
    words = words_of(typed, "text")
    kind, _colon, of = typed["addressee"].partition(":")
    to = {"agency_type": of if kind == "type" else "", "body": of if kind == "body" else ""}
    wrong = {}
    if not words.en:
        wrong["text-en"] = Message(N_("Write the recommendation in English."))
    if (to["agency_type"], to["body"]) not in here.addressees:
        wrong["addressee"] = Message(N_("Choose whom it is addressed to."))
    if wrong:
        raise NotSaved(wrong)
    _check(audit_round, {"text": words}, ahead, longest=LONGEST_RECOMMENDATION)
    one = Recommendation(key=key or new_key("rec"), text=words, due=typed["due"], **to)
    if place is None:
        if len(every) >= MOST_OWN:
            raise NotPossible(N_("There are %(number)s recommendations already. Remove one first."), number=MOST_OWN)
        every.append(one)
    else:
        every[place] = one
    content = here.composition.model_copy(update={"recommendations": tuple(every)})
    _save(session, audit_round, content, "recommendation", about=one.key, by=by, now=now)
    return one.key


def remove_recommendation(
    session: Session, public_id: str, key: str, *, by: Actor, now: datetime
) -> CompositionVersion:
    """Take a recommendation out of the report; one that was published stays in the register. Raises NotFound."""
    audit_round = _open(session, public_id, by=by, now=now)
    content = _current(session, audit_round)
    left = tuple(one for one in content.recommendations if one.key != key)
    if len(left) == len(content.recommendations):
        raise NotFound
    content = content.model_copy(update={"recommendations": left})
    return _save(session, audit_round, content, "recommendation", about=key, by=by, now=now)


def move_recommendation(
    session: Session, public_id: str, key: str, *, up: bool, by: Actor, now: datetime
) -> CompositionVersion:
    """Move a recommendation one place up or down: its number follows. Raises NotFound, and NotPossible at the end, and
    for one that was published, whose number stays."""
    audit_round = _open(session, public_id, by=by, now=now)
    content = _current(session, audit_round)
    given = numbers_given(session, audit_round)
    every = [one for _number, one in in_order(content.recommendations, given)]
    place = next((place for place, one in enumerate(every) if one.key == key), None)
    if place is None:
        raise NotFound
    if key in given:
        raise NotPossible(N_("This recommendation is published as number %(number)s, and keeps it."), number=given[key])
    other = place - 1 if up else place + 1
    if not 0 <= other < len(every) or every[other].key in given:
        raise NotPossible(N_("This recommendation cannot be moved any further."))
    every[place], every[other] = every[other], every[place]
    content = content.model_copy(update={"recommendations": tuple(every)})
    return _save(session, audit_round, content, "recommendation", about=key, by=by, now=now)


# --- comments --------------------------------------------------------------------------------------------------------


def comment(
    session: Session, public_id: str, chapter: str, *, text: str, by: Actor, now: datetime, ahead: Ahead | None = None,
) -> CompositionComment:  # fmt: skip
    """Say something about a chapter to whoever composes the report. Raises NotFound and NotPossible."""
    audit_round, _ahead, here = _opened(session, public_id, ahead, by=by, now=now)
    if chapter not in {one.key for one in here.chapters}:
        raise NotFound
    text = cleaned(text)
    if not text:
        raise NotPossible(N_("Write what you want to say about this chapter."))
    check_length(text, LONGEST_COMMENT)
    # a page that was sent twice says it once
    there = session.scalar(
        select(CompositionComment).where(
            CompositionComment.round_id == audit_round.id, CompositionComment.chapter == chapter,
            CompositionComment.by_id == by.user_id, CompositionComment.text == text,
            CompositionComment.resolved_at.is_(None),
        )
    )  # fmt: skip
    if there is not None:
        return there
    row = CompositionComment(round_id=audit_round.id, chapter=chapter, text=text, by_id=by.user_id, at=now)
    session.add(row)
    session.flush()
    events.append(
        session, events.chain_of(audit_round), "composition.commented", by=by, now=now,
        data={"comment": row.public_id, "chapter": chapter}, texts={"text": text},
    )  # fmt: skip
    session.flush()
    return row


def resolve(session: Session, public_id: str, comment_id: str, *, by: Actor, now: datetime) -> CompositionComment:
    """Say that a comment is dealt with. Raises NotFound."""
    audit_round = _open(session, public_id, by=by, now=now)
    row = session.scalar(
        select(CompositionComment).where(
            CompositionComment.round_id == audit_round.id, CompositionComment.public_id == comment_id
        )
    )
    if row is None:
        raise NotFound
    if row.resolved_at is None:
        row.resolved_at, row.resolved_by_id = now, by.user_id
        events.append(
            session, events.chain_of(audit_round), "composition.comment_resolved", by=by, now=now,
            data={"comment": row.public_id, "chapter": row.chapter},
        )  # fmt: skip
        session.flush()
    return row


# --- sign-off --------------------------------------------------------------------------------------------------------


def may_sign_for(actor: Actor, body: OversightBody) -> bool:
    """Whether the actor is a lead inspector of the body."""
    facts = RoundFacts(body_ids=frozenset({body.id}), owner_id=None)
    return allows(actor, "composing.sign_off", facts)


def sign_off(
    session: Session, public_id: str, body_code: str, *, version: int, by: Actor, now: datetime,
    ahead: Ahead | None = None,
) -> CompositionSignOff:  # fmt: skip
    """Sign the newest version off for an oversight body, by a lead inspector of it.

    `version`: the one that the page showed. Raises NotFound, and NotPossible: it is not the newest any more, something
    in it refers to what is not in the data, or it is signed off already.
    """
    audit_round, _ahead, here = _opened(session, public_id, ahead, by=by, now=now, permission="composing.sign_off")
    body = next((one for one in signing_bodies(session, audit_round) if one.code == body_code), None)
    if body is None or not may_sign_for(by, body):
        raise NotFound
    newest = newest_version(session, audit_round)
    if newest is None:
        raise NotPossible(N_("Nobody has written anything yet, so there is nothing to sign off."))
    if newest.number != version:
        raise NotPossible(
            N_("Version %(number)s was saved since this page was shown. Read it, then sign it off."),
            number=newest.number,
        )
    if problems := here.problems():
        place, problem = problems[0]
        raise NotPossible(
            N_("%(where)s: %(problem)s Mend this first, then sign off."), where=place.name, problem=problem
        )
    there = session.scalar(
        select(CompositionSignOff).where(
            CompositionSignOff.version_id == newest.id, CompositionSignOff.oversight_body_id == body.id
        )
    )
    if there is not None:
        raise NotPossible(N_("This version is signed off for %(body)s already."), body=body.name)
    row = CompositionSignOff(version_id=newest.id, oversight_body_id=body.id, by_id=by.user_id, at=now)
    session.add(row)
    events.append(
        session, events.chain_of(audit_round), "composition.signed_off", by=by, now=now,
        data={"version": newest.number, "body": body.code, "content": hash_of(newest.content)},
    )  # fmt: skip
    session.flush()
    return row


# --- recommendations that came out -----------------------------------------------------------------------------------


def check_publishable(content: Mapping[str, Any]) -> None:
    """Raise NotPossible where the composed report of an edition refers to what is not in the data."""
    for language in LANGUAGES:
        composition = (content["findings"].get(language) or {}).get("composition")
        if composition and composition["problems"]:
            raise NotPossible(
                N_("The composed report cannot be published as it was signed off. %(problem)s"),
                problem=composition["problems"][0]["text"],
            )


def enter_register(session: Session, audit_round: AuditRound, publication: Publication) -> list[Recommended]:
    """Enter what a published report recommends: new ones, changed words, and those it makes no more. Each keeps the
    number that it came out with first.

    Returns the new ones. The caller holds the round and records the publication.
    """
    said = {
        language: (findings.get("composition") or {}).get("recommendations", [])
        for language, findings in publication.content["findings"].items()
    }
    there = {
        row.key: row for row in session.scalars(select(Recommended).where(Recommended.round_id == audit_round.id))
    }
    codes = {row.code: row.id for row in session.execute(select(OversightBody.code, OversightBody.id))}
    now_said = {one["key"]: one for one in said.get("en", [])}
    made = []
    for key, one in now_said.items():
        text = {
            language: words["text"] for language, every in said.items() for words in every if words["key"] == key
        }
        row = there.get(key)
        if row is None:
            row = Recommended(
                round_id=audit_round.id, key=key, made_at=publication.at, edition=publication.number,
                number=one["number"], text=text, agency_type=one["agency_type"],
            )  # fmt: skip
            session.add(row)
            made.append(row)
        row.text, row.withdrawn_in = text, None
        row.agency_type, row.oversight_body_id = one["agency_type"], codes.get(one["body"])
        row.due = date.fromisoformat(one["due"]) if one["due"] else None
    for key, row in there.items():
        if key not in now_said and row.withdrawn_in is None:
            row.withdrawn_in = publication.number
    session.flush()
    return made


def track(
    session: Session, public_id: str, recommended: str, *, return_id: str = "", state: str, note: str, by: Actor,
    now: datetime,
) -> RecommendedStatus:  # fmt: skip
    """Say how an addressee stands on a recommendation: one agency, by its return, or the body that it is addressed to.

    Raises NotFound, and NotPossible where the state is unknown or the note is missing or too long.
    """
    audit_round = _open(session, public_id, by=by, now=now)
    row, audit_return = get_recommended(session, audit_round, recommended, return_id)
    if not may_track(session, row, audit_return, actor=by, now=now):
        raise NotFound
    note = cleaned(note)
    wrong = {}
    if state not in STATES:
        wrong["state"] = Message(N_("Choose how it stands."))
    if not note:
        wrong["note"] = Message(N_("Say what this rests on, in a sentence or two."))
    elif is_long := too_long(note, LONGEST_NOTE):
        wrong["note"] = is_long
    if wrong:
        raise NotSaved(wrong)
    status = RecommendedStatus(
        recommended_id=row.id, return_id=audit_return.id if audit_return else None, state=state, note=note,
        by_id=by.user_id, at=now,
    )  # fmt: skip
    session.add(status)
    # of one agency: that is for its own inspectors alone
    chain = events.oversight_chain(audit_return) if audit_return else events.chain_of(audit_round)
    events.append(
        session, chain, "recommendation.tracked", by=by, now=now,
        data={"recommendation": row.public_id, "number": row.number, "state": state}, texts={"note": note},
    )  # fmt: skip
    session.flush()
    return status
