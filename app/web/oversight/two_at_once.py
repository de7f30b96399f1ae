"""Forms of a text that several people write: what is wrong, and both texts where somebody else changed the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from app.domain.life import NotPossible
from app.operations.composing import Disputed, Late, NotSaved
from app.web.agency.answering import differences
from app.web.answer_forms import merged
from app.web.pages import message
from app.web.request import session


@dataclass(frozen=True)
class Sides:
    """What two people put into one field, with the words that only one of them has marked, and whose is saved."""

    mine: Markup
    theirs: Markup
    by: str
    version: int


@dataclass
class Tried:
    """What came of a form: what is wrong with its fields, and the version that it is saved over the next time."""

    version: int
    errors: dict[str, str] = field(default_factory=dict)
    disputed: Disputed | None = None

    def does(self, action: Callable[[], Any], named: str) -> bool:
        """Do something; what is wrong is kept under its field, or under that which is `named`."""
        try:
            action()
        except NotSaved as wrong:
            session().rollback()
            self.errors.update({name: message(problem) for name, problem in wrong.fields.items()})
            if isinstance(wrong, Disputed):
                self.disputed, self.version = wrong, wrong.version
        except NotPossible as problem:
            session().rollback()
            self.errors[named] = message(problem.message)
            if isinstance(problem, Late):
                self.version = problem.version
        return not self.errors

    def filled_in(self, sent: Mapping[str, Any], texts: Iterable[str] = ()) -> dict[str, Any]:
        """The fields as the form shows them again: untouched ones as they are saved now, and in those of `texts` that
        both changed the words of both, so that saving once more loses none."""
        if self.disputed is None:
            return dict(sent)
        theirs = self.disputed.theirs
        both = {name: merged(sent[name], theirs[name]) for name in texts if name in theirs}
        return {**sent, **self.disputed.values, **both}

    def sides(
        self, sent: Mapping[str, Any], shown: Mapping[str, Callable[[Any], str]] = MappingProxyType({})
    ) -> dict[str, Sides]:
        """The two sides of each field that both changed, by field. `shown` says in words what is no text."""
        if self.disputed is None:
            return {}
        by = self.disputed.by if isinstance(self.disputed.by, str) else message(self.disputed.by)
        return {
            name: Sides(*differences(*map(shown.get(name, str), (sent[name], value))), by, self.disputed.version)
            for name, value in self.disputed.theirs.items()
        }
