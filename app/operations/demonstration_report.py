"""How inspectors write the joint report of a demonstration's round, and what agencies say to it once it is out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import singledispatchmethod
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domain import demonstration_story as steps
from app.models import Recommended
from app.operations import composing, responding
from app.policy import Actor
from app.queries.composing import newest_version
from app.queries.rounds import NotFound

if TYPE_CHECKING:
    from app.operations.demonstration_story import Telling

_QUOTED = re.compile(r"(?<=\[\[quote: )[a-z-]+(?=[\]: ])")


class TooSmall(Exception):
    """The agency, the thread or the figure of a step is not there: the demonstration is too small for it."""


class Reporting:
    """The part of a telling that is about the report. Keys in steps stand for what got a public id when it was made."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling
        self.session = telling.session
        self.round_id = telling.round_id
        self.chapters: dict[str, str] = {}  # those of their own: key in the steps to key in the report
        self.recommended: dict[str, str] = {}
        self.examples: dict[str, str] = {}
        self._ahead: composing.Ahead | None = None

    def data_changed(self) -> None:
        """Something else happened: the figures are to be read anew."""
        self._ahead = None

    def tell(self, step: steps.Composing | steps.Respond | steps.Track) -> None:
        """One step. Raises TooSmall."""
        try:
            self._do(step)
        except (composing.NotSaved, NotFound) as missing:
            raise TooSmall from missing

    # --- who, what ---

    def _by(self, step: steps.Composing) -> Actor:
        telling = self.telling
        return telling.who(telling.inspectors[step.by] if step.by else telling.owner)

    def _read(self, by: Actor, step: steps.Step) -> composing.Ahead:
        if self._ahead is None:
            self._ahead = composing.Ahead(self.session, by=by, now=self.telling.at(step.on))
        return self._ahead

    def _version(self) -> int:
        newest = newest_version(self.session, self.telling.course.row)
        return newest.number if newest else 0

    def _words(self, text: str) -> Mapping[str, str]:
        def example(match: re.Match[str]) -> str:
            if match[0] not in self.examples:
                raise TooSmall
            return self.examples[match[0]]

        return {"en": _QUOTED.sub(example, text)}

    # --- the steps ---

    @singledispatchmethod
    def _do(self, step: steps.Step) -> None:
        raise TypeError(f"nobody knows how to tell {step!r}")

    @_do.register
    def _(self, step: steps.WriteChapter) -> None:
        by, before, after = self._by(step), self._words(step.before), self._words(step.after)
        ahead, key = self._read(by, step), step.chapter
        if step.title:
            key = composing.add_chapter(
                self.session, self.round_id, title={"en": step.title}, by=by, now=self.telling.at(step.on), ahead=ahead
            )
            self.chapters[step.chapter] = key
        composing.save_chapter(
            self.session, self.round_id, key, before=before, after=after, title={"en": step.title},
            based_on=self._version(), by=by, now=self.telling.at(step.on), ahead=ahead,
        )  # fmt: skip
        for _ in range(step.up):
            composing.move_chapter(
                self.session, self.round_id, key, up=True, by=by, now=self.telling.at(step.on), ahead=ahead
            )

    @_do.register
    def _(self, step: steps.LeaveOut) -> None:
        by = self._by(step)
        composing.hide_chapter(
            self.session, self.round_id, step.chapter, hidden=True, by=by, now=self.telling.at(step.on),
            ahead=self._read(by, step),
        )  # fmt: skip

    @_do.register
    def _(self, step: steps.DecideMessage) -> None:
        by = self._by(step)
        composing.decide(
            self.session, self.round_id, step.rule, state=step.state, heading=self._words(step.heading),
            text=self._words(step.text), based_on=self._version(), by=by, now=self.telling.at(step.on),
            ahead=self._read(by, step),
        )  # fmt: skip

    @_do.register
    def _(self, step: steps.Recommend) -> None:
        by = self._by(step)
        self.recommended[step.key] = composing.save_recommendation(
            self.session, self.round_id, "", text=self._words(step.text),
            addressee=f"type:{step.agency_type}" if step.agency_type else f"body:{step.body}",
            due=None if step.due is None else self.telling.days.day(step.due), based_on=self._version(), by=by,
            now=self.telling.at(step.on), ahead=self._read(by, step),
        )  # fmt: skip

    @_do.register
    def _(self, step: steps.Remark) -> None:
        by = self._by(step)
        row = composing.comment(
            self.session, self.round_id, self.chapters.get(step.chapter, step.chapter), text=step.text, by=by,
            now=self.telling.at(step.on), ahead=self._read(by, step),
        )  # fmt: skip
        if step.resolved is not None:
            owner = self.telling.who(self.telling.owner)
            composing.resolve(self.session, self.round_id, row.public_id, by=owner, now=self.telling.at(step.resolved))

    @_do.register
    def _(self, step: steps.SignOff) -> None:
        for agency_type, person in self.telling.leads.items():
            by, body = self.telling.who(person), self.telling.pack.agency_types[agency_type].oversight_body
            composing.sign_off(
                self.session, self.round_id, body, version=self._version(), by=by, now=self.telling.at(step.on),
                ahead=self._read(by, step),
            )  # fmt: skip

    def _published(self, key: str) -> str:
        """The public id of a recommendation in the register. Raises TooSmall."""
        found = self.session.scalar(
            select(Recommended.public_id).where(
                Recommended.round_id == self.telling.course.row.id, Recommended.key == self.recommended.get(key)
            )
        )
        if found is None:
            raise TooSmall
        return found

    @_do.register
    def _(self, step: steps.Respond) -> None:
        team = self.telling.which(step.agency)
        responding.respond(
            self.session, self.telling.return_of(team), self._published(step.recommendation), answer=step.answer,
            progress=step.progress, text=step.text,
            expected=None if step.expected is None else self.telling.days.day(step.expected),
            by=self.telling.who(team.lead), now=self.telling.at(step.on),
        )  # fmt: skip

    @_do.register
    def _(self, step: steps.Track) -> None:
        team = self.telling.which(step.agency)
        composing.track(
            self.session, self.round_id, self._published(step.recommendation),
            return_id=self.telling.return_of(team), state=step.state, note=step.note,
            by=self.telling.who(self.telling.inspectors[team.who.agency_type]), now=self.telling.at(step.on),
        )  # fmt: skip
