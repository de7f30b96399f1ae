"""Written exchanges about a return: who answers which kind, and how a reply moves one on."""

from __future__ import annotations

from app.domain.life import NotPossible, check_length
from app.domain.message import N_

LONGEST_TEXT = 4000  # characters of a post
LONGEST_SUBJECT = 300
MOST_FILES = 20  # of one post

# who is asked; the agency in every other kind
_ANSWERS = {"accuracy": "oversight"}
# kinds that the agency is no party to: they stay out of the history that it reads
PRIVATE = frozenset({"comment"})


def state_after(kind: str, side: str) -> str:
    """The state of a thread of a kind after a post for a side: `answered` by whoever is asked, else `open`."""
    return "answered" if side == _ANSWERS.get(kind, "agency") else "open"


def words(text: str) -> str:
    """A post's text with its ends trimmed. Raises NotPossible where it is empty, too long, or cannot be kept."""
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise NotPossible(N_("Write what you want to say."))
    check_length(text, LONGEST_TEXT)
    if "\0" in text:
        raise NotPossible(N_("The text holds a character that cannot be kept. Type it anew."))
    return text


def line(subject: str) -> str:
    """A subject as one line. Raises NotPossible where it is empty or too long."""
    subject = " ".join(subject.replace("\0", " ").split())
    if not subject:
        raise NotPossible(N_("Say in a few words what it is about."))
    if len(subject) > LONGEST_SUBJECT:
        raise NotPossible(
            N_("The subject has %(length)s characters; shorten it to %(limit)s or fewer."),
            length=len(subject),
            limit=LONGEST_SUBJECT,
        )
    return subject
