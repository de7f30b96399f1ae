"""Evidence: what an agency keeps of a piece of evidence, and how it stands in signed content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from app.domain.integrity import hash_of
from app.domain.message import N_, Message

LONGEST_TITLE = 200
LONGEST_DESCRIPTION = 2000


class EvidenceErrors(Exception):
    """What is wrong with a piece of evidence as it was typed: field (title, description, questions) to message."""

    def __init__(self, errors: dict[str, Message]) -> None:
        super().__init__("; ".join(map(str, errors.values())))
        self.errors = errors


class Described(NamedTuple):
    """What people type about a piece of evidence; `questions` are ids of questions of one return."""

    title: str
    description: str
    questions: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        """What an edit was based on: it differs as soon as anything of this does."""
        return hash_of([self.title, self.description, sorted(self.questions)])[:16]


def check(typed: Described, *, known: Sequence[str], default_title: str = "") -> Described:
    """The same with its ends trimmed; `known` are the questions there are. Raises EvidenceErrors."""
    errors: dict[str, Message] = {}
    title = " ".join(typed.title.split()) or default_title[:LONGEST_TITLE]
    description = typed.description.replace("\r\n", "\n").strip()
    if not title:
        errors["title"] = Message(N_("Give it a title"))
    if not description:
        errors["description"] = Message(N_("Say what it shows, so that others need not open it to find out"))
    for name, text, most in (
        ("title", title, LONGEST_TITLE), ("description", description, LONGEST_DESCRIPTION),
    ):  # fmt: skip
        if len(text) > most:
            errors[name] = Message(
                N_("This has %(length)s characters; shorten it to %(limit)s or fewer"),
                {"length": len(text), "limit": most},
            )
        elif "\0" in text:
            errors[name] = Message(N_("This holds a character that cannot be kept. Type it anew."))
    if set(typed.questions) - set(known):
        errors["questions"] = Message(
            N_("One of these questions is not asked any more. Reload the page, and choose again.")
        )
    if errors:
        raise EvidenceErrors(errors)
    return Described(title, description, tuple(dict.fromkeys(typed.questions)))


class Attached(BaseModel):
    """A piece of evidence as it supports one question: its latest file, by content.

    `scan`: clean, infected or not_scanned; empty in what was signed, because a file can be scanned later.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    criterion: str
    scope: str
    title: str
    description: str
    name: str
    sha256: str
    size: int
    media_type: str
    revision: int
    scan: str = ""
    at: datetime | None = None
    by: str = ""

    def signed(self) -> dict[str, Any]:
        """The piece as it stands in signed content."""
        return self.model_dump(mode="json", exclude={"scan", "at", "by"})

    @classmethod
    def of_signed(cls, signed: Mapping[str, Any]) -> Attached:
        """A piece from signed content."""
        return cls(**signed)
