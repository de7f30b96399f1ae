"""Drafting packs: beginning one, changing it, sending it to be published, and publishing it as a second person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.authoring.pieces import (
    MOST_CHARACTERS,
    MOST_FILES,
    Change,
    Checked,
    Files,
    Number,
    checked,
    is_key,
    is_name,
    same,
)
from app.catalogue import PACK_FILE
from app.domain.life import NotPossible
from app.domain.message import N_, Message
from app.domain.text import localise
from app.models import DraftFile, PackDraft, PackVersion, User
from app.operations import events, mail
from app.operations.templates import freeze
from app.policy import Actor, allows, require
from app.queries.drafts import (
    draft_facts,
    files_at,
    get_draft,
    is_second,
    needs_administrator,
    published,
    who_made,
    who_may_publish,
)

LONGEST_NOTE = 2000


class DraftConflict(Exception):
    """Somebody else changed the same part since it was shown. `revision` is the one that stands now."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"changed meanwhile: revision {revision}")
        self.revision = revision


@dataclass(frozen=True)
class Beginning:
    """What a draft begins with: its files, and where they come from."""

    pack: str
    files: Files
    origin: str
    name: str = ""
    left_out: Sequence[str] = ()
    base: PackVersion | None = None


def _chain(draft: PackDraft) -> str:
    return f"draft:{draft.public_id}"


def begin(
    session: Session, beginning: Beginning, *, body_id: int | None, by: Actor, now: datetime
) -> PackDraft:
    """Begin a draft of an oversight body; without one it is the administrators'. Raises Denied and NotPossible."""
    if body_id is None:
        require(by, "service.administer")
    draft = PackDraft(
        body_id=body_id, pack=beginning.pack, title="", origin=beginning.origin, origin_name=beginning.name[:200],
        left_out=list(beginning.left_out), base_id=beginning.base.id if beginning.base else None, made_at=now,
        made_by_id=by.user_id, edited_at=now, edited_by_id=by.user_id, revision=1,
    )  # fmt: skip
    require(by, "draft.edit", draft_facts(draft))
    if not is_key(beginning.pack):
        raise NotPossible(
            N_("A pack’s key has lower-case words, digits and hyphens, such as joint-working: up to 60 characters.")
        )
    _check_size(beginning.files)
    session.add(draft)
    session.flush()
    _store(session, draft, {}, beginning.files, by=by, now=now)
    events.append(
        session, _chain(draft), "draft.begun", by=by, now=now,
        data={"pack": draft.pack, "origin": draft.origin, "body": body_id},
    )  # fmt: skip
    session.flush()
    return draft


def _check_size(files: Files) -> None:
    if len(files) > MOST_FILES or sum(map(len, files.values())) > MOST_CHARACTERS:
        raise NotPossible(
            N_("A draft holds up to %(files)s files with %(characters)s characters in all. Divide it into two packs."),
            files=MOST_FILES,
            characters=f"{MOST_CHARACTERS:,}",
        )
    for name in files:
        if not is_name(name):
            raise NotPossible(
                N_("No file of a pack can be called “%(name)s”: a checklist is named after its agency type."), name=name
            )


def _store(session: Session, draft: PackDraft, before: Files, after: Files, *, by: Actor, now: datetime) -> None:
    """Keep the files that differ as those of the draft's revision, and what is told of the draft in lists."""
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            session.add(
                DraftFile(
                    draft_id=draft.id, name=name, revision=draft.revision, text=after.get(name), at=now,
                    by_id=by.user_id,
                )
            )  # fmt: skip
    content = checked(after, draft.pack).content.get(PACK_FILE, {})
    # the key that the author gives it now; what is no key is a mistake that the check names
    key = content.get("pack")
    if isinstance(key, str) and is_key(key):
        draft.pack = key
    found = checked(after, draft.pack)
    draft.mistakes = len(found.flaws)
    title: Any = content.get("title")
    words = title if isinstance(title, str) else localise(title) if _is_texts(title) else ""
    draft.title = words[:300] or draft.title or draft.pack


def _is_texts(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(text, str) for text in value.values())


def _to_change(session: Session, public_id: str, *, by: Actor) -> PackDraft:
    """A draft that can be changed, locked. Raises NotFound, and NotPossible once it was sent."""
    draft = get_draft(session, public_id, actor=by, permission="draft.edit", lock=True)
    if draft.state == "sent":
        raise NotPossible(N_("This draft waits to be published. Take it back first to change it."))
    if draft.state == "published":
        raise NotPossible(N_("This draft is published. Begin another from the published version to go on."))
    if draft.state == "withdrawn":
        raise NotPossible(N_("This draft was set aside. Take it up again to change it."))
    return draft


def change(
    session: Session, public_id: str, made: Change, *, revision: int, by: Actor, now: datetime
) -> PackDraft:
    """Apply a change that was made on a revision. What others changed elsewhere meanwhile stays.

    Raises NotFound, NotPossible, and DraftConflict where they changed what it was made on. A draft may hold mistakes.
    """
    draft = _to_change(session, public_id, by=by)
    before = files_at(session, draft)
    if revision != draft.revision:
        known = files_at(session, draft, min(revision, draft.revision))
        if not same(made.sees(known, draft.pack), made.sees(before, draft.pack)):
            raise DraftConflict(draft.revision)
    after = made.apply(before, draft.pack)
    _check_size(after)
    _save(session, draft, before, after, by=by, now=now)
    return draft


def _save(session: Session, draft: PackDraft, before: Files, after: Files, *, by: Actor, now: datetime) -> None:
    changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    if not changed:
        return
    draft.revision += 1
    draft.edited_at, draft.edited_by_id = now, by.user_id
    _store(session, draft, before, after, by=by, now=now)
    events.append(
        session, _chain(draft), "draft.saved", by=by, now=now, data={"revision": draft.revision, "files": changed}
    )
    session.flush()


# --- to publication --------------------------------------------------------------------------------------------------


def check_ready(session: Session, draft: PackDraft, found: Checked, version: int, note: Any) -> None:
    """Raise NotPossible where a draft cannot be published as this version with this note on what is new."""
    if found.flaws:
        raise NotPossible(N_("There are mistakes in this draft. Mend them first; the page of the draft names them."))
    latest = published(session, draft)
    if latest and version <= latest.version:
        raise NotPossible(
            N_("Version %(latest)s is published, so this must be version %(next)s or higher."),
            latest=latest.version,
            next=latest.version + 1,
        )
    if latest and not note:
        raise NotPossible(N_("An earlier version is published: say what is new in this one."))


def send(
    session: Session, public_id: str, made: Number, *, revision: int, by: Actor, now: datetime
) -> PackDraft:
    """Send a draft to be published by somebody else, as this version. Who can publish it is told by mail.

    Raises NotFound, NotPossible, and DraftConflict where it was changed since the sender looked.
    """
    draft = _to_change(session, public_id, by=by)
    if revision != draft.revision:
        raise DraftConflict(draft.revision)
    before = files_at(session, draft)
    check_ready(session, draft, checked(before, draft.pack), made.version, made.changes)
    after = made.apply(before, draft.pack)
    found = checked(after, draft.pack)
    check_ready(session, draft, found, made.version, made.changes)
    _save(session, draft, before, after, by=by, now=now)
    draft.state, draft.note, draft.reason = "sent", made.note.get("en", ""), ""
    draft.sent_at, draft.sent_by_id = now, by.user_id
    draft.settled_at, draft.settled_by_id = None, None
    events.append(
        session, _chain(draft), "draft.sent", by=by, now=now,
        data={"pack": draft.pack, "version": made.version, "revision": draft.revision}, texts={"note": draft.note},
    )  # fmt: skip
    bodies = found.pack.oversight_bodies.keys() if found.pack else ()
    _tell(
        session, draft, "sent", who_may_publish(session, draft, bodies, now=now), made.version,
        subject=N_("“%(title)s” waits to be published"),
        words=(
            N_("The draft of the pack “%(title)s” was sent for a second person to publish it as version %(version)s."),
            N_("You can look at what it changes, and publish it or return it with a reason."),
        ),
        path="/decide", by=by, now=now,
    )  # fmt: skip
    session.flush()
    return draft


def take_back(session: Session, public_id: str, *, by: Actor, now: datetime) -> PackDraft:
    """Go on with a draft that was sent, or set aside. Raises NotFound and NotPossible."""
    draft = get_draft(session, public_id, actor=by, permission="draft.edit", lock=True)
    if draft.state not in ("sent", "withdrawn"):
        raise NotPossible(N_("This draft was neither sent nor set aside, so there is nothing to take back."))
    draft.state, draft.settled_at, draft.settled_by_id = "drafting", None, None
    events.append(session, _chain(draft), "draft.taken_back", by=by, now=now)
    session.flush()
    return draft


def set_aside(session: Session, public_id: str, *, by: Actor, now: datetime) -> PackDraft:
    """Work on a draft no longer. Nothing of it is deleted. Raises NotFound and NotPossible."""
    draft = _to_change(session, public_id, by=by)
    draft.state, draft.settled_at, draft.settled_by_id = "withdrawn", now, by.user_id
    events.append(session, _chain(draft), "draft.set_aside", by=by, now=now)
    session.flush()
    return draft


def _sent(session: Session, public_id: str, *, by: Actor) -> PackDraft:
    """A draft that waits for somebody to decide on it, locked. Raises NotFound and NotPossible."""
    draft = get_draft(session, public_id, actor=by, permission="draft.publish", lock=True)
    if draft.state != "sent":
        raise NotPossible(N_("This draft does not wait to be published."))
    if why := why_not_second(draft, by):
        raise why
    return draft


def why_not_second(draft: PackDraft, actor: Actor) -> NotPossible | None:
    """Why somebody cannot decide on a draft, though others of the same role can; None where they can."""
    if not is_second(draft, actor):
        return NotPossible(
            N_("You sent this draft, or changed it last. Somebody else has to look at it and publish it.")
        )
    return None


def publish(session: Session, public_id: str, *, revision: int, by: Actor, now: datetime) -> PackVersion:
    """Publish a draft that somebody else sent, as `operations.templates.publish` does. They are told by mail.

    It is checked again, its worked examples too. Raises NotFound, NotPossible, and DraftConflict where it is not the
    revision that was looked at.
    """
    draft = _sent(session, public_id, by=by)
    if revision != draft.revision:
        raise DraftConflict(draft.revision)
    found = checked(files_at(session, draft), draft.pack)
    if found.pack is None:
        raise NotPossible(N_("There are mistakes in this draft. Return it, so that they can be mended."))
    check_ready(session, draft, found, found.pack.version, found.pack.changes)
    foreign = needs_administrator(session, draft, found.pack.oversight_bodies.keys())
    if foreign and not allows(by, "service.administer"):
        raise NotPossible(
            N_(
                "This pack was published by others before, or brings new oversight bodies: an administrator has to"
                " publish this version."
            )
        )
    version = freeze(session, found.pack, by=by, now=now)
    draft.state, draft.published_id = "published", version.id
    draft.settled_at, draft.settled_by_id = now, by.user_id
    events.append(
        session, _chain(draft), "draft.published", by=by, now=now,
        data={"pack": version.pack, "version": version.version, "sha256": version.sha256},
    )  # fmt: skip
    _tell(
        session, draft, "published", who_made(session, draft, now=now), version.version,
        subject=N_("“%(title)s” is published"),
        words=(N_("Version %(version)s of the pack “%(title)s” is published. Rounds can use it now."),),
        by=by, now=now,
    )  # fmt: skip
    session.flush()
    return version


def give_back(session: Session, public_id: str, *, reason: str, by: Actor, now: datetime) -> PackDraft:
    """Return a draft to whoever works on it, with a reason; they are told by mail. Raises NotFound and NotPossible."""
    draft = _sent(session, public_id, by=by)
    if not reason:
        raise NotPossible(N_("Say why you return it, so that it can be mended."))
    draft.state, draft.reason = "drafting", reason[:LONGEST_NOTE]
    draft.settled_at, draft.settled_by_id = now, by.user_id
    events.append(session, _chain(draft), "draft.returned", by=by, now=now, texts={"reason": draft.reason})
    _tell(
        session, draft, "returned", who_made(session, draft, now=now), 0,
        subject=N_("“%(title)s” is returned to be mended"),
        words=(
            N_("The draft of the pack “%(title)s” was not published. The reason stands on its page after you sign in."),
        ),
        by=by, now=now,
    )  # fmt: skip
    session.flush()
    return draft


def _tell(
    session: Session, draft: PackDraft, what: str, users: Iterable[User], version: int, *, subject: str,
    words: Sequence[str], path: str = "", by: Actor, now: datetime,
) -> None:  # fmt: skip
    """Write to people about a draft; `path` leads on from its page."""
    about = {"title": draft.title, "version": version}
    mail.queue_all(
        session,
        [
            mail.Draft(
                to=user, kind="draft", subject=Message(subject, about), body=[Message(one, about) for one in words],
                link=mail.way_in(user, f"/drafts/{draft.public_id}{path}"),
                dedupe_key=f"draft:{what}:{draft.public_id}:{now.isoformat()}:{user.public_id}",
            )
            for user in users
            if user.id != by.user_id
        ],
        now=now,
    )  # fmt: skip
