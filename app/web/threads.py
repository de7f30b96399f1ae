"""Replying in a thread, the same for every kind: words, pieces of the agency's library, and a new file for it.

Templates: the macros of `threads/thread.html`. A view that takes a reply of an agency is declared with `takes_file`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app, g, request
from flask_babel import gettext as _

from app.db import db
from app.domain.evidence import Described
from app.domain.life import NotPossible
from app.domain.threads import words
from app.files.kinds import ACCEPT
from app.models import AuditReturn
from app.operations.evidence import Upload, add_for_reply
from app.queries.bodies import asking_bodies
from app.queries.evidence import to_choose
from app.web.evidence import quota, store, with_upload
from app.web.pages import message
from app.web.request import actor, begin, commit, now, session
from app.web.typed import typed

FIELDS = {"text": "text", "file": "file", "title": "title", "description": "description", "files": "files"}


@dataclass(frozen=True)
class Reply:
    """A reply as it was typed: the text, the pieces chosen, and what is said about a new file."""

    text: str = ""
    chosen: Sequence[str] = ()
    title: str = ""
    description: str = ""

    @classmethod
    def sent(cls) -> Reply:
        """The reply of the form that was sent."""
        chosen = tuple(dict.fromkeys(request.form.getlist("files")))
        return cls(typed("text"), chosen, typed("title"), typed("description"))


def send_reply(
    rid: str, reply: Reply, *, permission: str, act: Callable[[str, Sequence[str]], Any]
) -> dict[str, str]:
    """Have `act` reply with the text and the pieces of evidence, a new one among them, and commit.

    `permission`: the one to reply, which adding to the library asks for too. What is wrong comes back by field;
    nothing is stored then. The view is declared with `takes_file`: the write begins here.
    """
    try:
        words(reply.text)
    except NotPossible as reason:
        return {"text": message(reason.message)}
    if any(file.filename for file in request.files.values()):

        def both(upload: Upload) -> None:
            row = add_for_reply(
                session(), rid, upload, Described(reply.title, reply.description), permission=permission,
                store=store(), quota=quota(), by=actor(), now=now(),
            )  # fmt: skip
            act(reply.text, (*reply.chosen, row.public_id))

        problems = with_upload(rid, both)
        return {name or "text": text for name, text in problems.items()}
    begin()
    try:
        act(reply.text, reply.chosen)
    except NotPossible as reason:
        db.session.rollback()
        return {"text": message(reason.message)}
    commit()
    return {}


def reply_context(audit_return: AuditReturn, reply: Reply, problems: Mapping[str, str]) -> dict[str, Any]:
    """What the macro `reply_fields` needs for the agency's own people, and the page's error summary."""
    return {
        "reply": reply,
        "choices": to_choose(session(), audit_return),
        "problems": problems,
        "errors": [
            {"text": text, "href": f"#{FIELDS[name]}" if name in FIELDS else ""} for name, text in problems.items()
        ],
        "accept": ACCEPT,
        "most": current_app.config["CANDOUR"].evidence_max_mb,
    }


def side_words(side: str, audit_return: AuditReturn) -> str:
    """Whom a post speaks for. The bodies that ask this agency are read once for each request."""
    names: dict[int, list[str]] = g.setdefault("asking_bodies", {})
    if side == "oversight" and audit_return.id not in names:
        names[audit_return.id] = asking_bodies(session(), audit_return)
    return {
        "agency": audit_return.agency.name,
        "oversight": ", ".join(names.get(audit_return.id, ())),
        "peer": _("the peer reviewer"),
        "area": _("the area"),
    }[side]
