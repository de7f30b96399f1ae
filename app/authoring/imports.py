"""What imports share: keys made of names, plain defaults that say so, and the list of what was left out and why."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.authoring.draft import Draft, Mistake, Refused, Where, mistakes
from app.catalogue import PACK_FILE, PLACEHOLDERS, read_document
from app.domain.guidance import tamed

DEFAULTS = Path(__file__).with_name("imported.yaml")
SHOWN = 12  # places that are listed for one reason

Words = str | dict[str, str]


def defaults() -> dict[str, Any]:
    """What a pack has where its source says nothing."""
    root = read_document(DEFAULTS).root
    return dict(root.value) if root else {}


def slug(text: str, taken: Collection[str] = (), fallback: str = "part", longest: int = 60) -> str:
    """A key made of a text, unlike those that are taken."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    key = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:longest].strip("-") or fallback
    found, number = key, 2
    while found in taken:
        found, number = f"{key}-{number}", number + 1
    return found


@dataclass
class Notes:
    """What was left out, changed or assumed: reason to places, in the order in which it came up."""

    reasons: dict[str, list[str]] = field(default_factory=dict)

    def add(self, place: str, reason: str) -> None:
        """Notes a reason at a place; "" is the whole source."""
        self.reasons.setdefault(reason, [])
        if place:
            self.reasons[reason].append(place)

    def lines(self) -> list[str]:
        """A line for each reason, with the first of its places."""
        told = []
        for reason, places in self.reasons.items():
            shown = ", ".join(places[:SHOWN]) + (
                f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
            )
            told.append(f"{reason}: {shown}" if shown else reason)
        return told


def clean(text: str, notes: Notes, place: str) -> str:
    """A text of a source as a pack can hold it: without control characters, and without what would be filled in."""
    plain = re.sub(
        r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", " ", text.replace("\r\n", "\n").replace("\r", "\n")
    )
    held = re.sub(r"\$\{\s*([^{}]+?)\s*\}", r"“\1”", plain)
    if held != plain:
        notes.add(
            place, "References to other answers inside texts stand as the name of the question in quotes"
        )
    for name in PLACEHOLDERS:
        held = held.replace("{" + name + "}", f"[{name}]")
    return held.strip()


def joined(parts: Mapping[str, list[str]]) -> Words | None:
    """Texts by language as a pack holds them; None where there are none."""
    texts = {language: "\n\n".join(filter(None, told)) for language, told in parts.items()}
    texts = {language: text for language, text in texts.items() if text}
    if not texts:
        return None
    return texts["en"] if set(texts) == {"en"} else texts


def named(words: Words) -> str:
    """One text of those in several languages."""
    return words if isinstance(words, str) else words.get("en") or next(iter(words.values()))


def finish(draft: Draft, notes: Notes, made_from: str) -> Draft:
    """The draft with its README; Refused where the check finds what an import cannot mend."""
    title = named(draft.files[PACK_FILE]["title"])
    draft.left_out = notes.lines()
    lines = "\n".join(f"- {line}" for line in draft.left_out) or "- Nothing."
    draft.readme = (
        f"# {title}\n\nMade from {made_from} by `candour templates import`. Check the licence of the source before you"
        " publish it, and replace what the defaults say.\n\n"
        f"## Left out, changed or assumed\n\n{lines}\n"
    )
    if wrong := mistakes(draft):
        raise Refused(*wrong)
    return draft


class Maker:
    """A pack in the making, with one checklist; places by the part of the checklist."""

    def __init__(self, key: str) -> None:
        self.defaults = defaults()
        self.notes = Notes()
        self.agency_type = next(iter(self.defaults["pack"]["agency_types"]))
        self.key = key
        self.standards: list[dict[str, Any]] = []
        self.places: dict[Where, str] = {}
        self.scheme: dict[str, Any] = dict(self.defaults["scheme"])
        self.subtypes: dict[str, Any] = {}
        self.milestone = next(iter(self.defaults["pack"]["milestones"]))
        self.theme = next(iter(self.defaults["pack"]["themes"]))
        self.ids: set[str] = set()
        self.standard_ids: set[str] = set()

    def text(self, name: str) -> str:
        """The plain default for a text that the source has not."""
        return str(self.defaults["texts"][name])

    def standard(
        self, title: Words, introduction: Words | None, place: str, name: str = ""
    ) -> dict[str, Any]:
        """A new section."""
        key = slug(name or named(title), self.standard_ids, "standard")
        self.standard_ids.add(key)
        standard: dict[str, Any] = {"id": key, "title": title}
        if introduction:
            standard["introduction"] = introduction
        standard["criteria"] = []
        self.standards.append(standard)
        self.places[("standard", key)] = place
        return standard

    def criterion_id(self, name: str) -> str:
        """An id for a question, unlike the others."""
        key = slug(name, self.ids, "question")
        self.ids.add(key)
        return key

    def _tame(self, part: dict[str, Any], place: str, *names: str) -> None:
        """Keep signs that guidance may not have, such as those of HTML, as the signs that they are."""
        for name in names:
            words = part.get(name)
            if not words:
                continue
            found = (
                {language: tamed(text) for language, text in words.items()}
                if isinstance(words, dict)
                else tamed(words)
            )
            if found != words:
                part[name] = found
                self.notes.add(
                    place, "HTML, pictures, headings, code, quotations and links that are not to https stand as typed"
                )

    def draft(self, title: Words, summary: Words | None, introduction: Words | None, made_from: str) -> Draft:
        """The pack, checked, with its README. Refused where nothing is asked."""
        standards = [standard for standard in self.standards if standard["criteria"]]
        for standard in self.standards:
            if not standard["criteria"]:
                self.notes.add(
                    self.places[("standard", standard["id"])], "Sections without a question are left out"
                )
        if not standards:
            left_out = [Mistake(places[0], reason) for reason, places in self.notes.reasons.items() if places]
            raise Refused(
                Mistake("", "nothing in it can be asked, so there is no checklist to make"), *left_out
            )
        given = self.defaults["pack"]
        agency_type = {**given["agency_types"][self.agency_type]}
        if self.subtypes:
            agency_type["subtypes"] = self.subtypes
        name = named(title)
        pack = {
            "format": 1,
            "pack": self.key,
            "version": given["version"],
            "title": title,
            "summary": summary or given["summary"],
            "source": {language: text % {"name": name} for language, text in given["source_of"].items()},
            "agency_types": {self.agency_type: agency_type},
            "oversight_bodies": given["oversight_bodies"],
            "grading_schemes": {"grades": self.scheme},
            "milestones": given["milestones"],
            "themes": given["themes"],
            "recommendation_reports": given["recommendation_reports"],
            "quantifiers": given["quantifiers"],
        }
        template = {
            "format": 1,
            "agency_type": self.agency_type,
            "title": title,
            "introduction": introduction or self.text("introduction"),
            "grading": "grades",
            "declaration": self.text("declaration"),
            "standards": standards,
        }
        self._tame(pack, "", "summary", "source")
        self._tame(template, "", "introduction")
        for standard in standards:
            self._tame(standard, self.places[("standard", standard["id"])], "introduction")
            for criterion in standard["criteria"]:
                self._tame(criterion, self.places[("criterion", criterion["id"])], "why", "evidence")
        file = f"{self.agency_type}.yaml"
        places: dict[Where, str] = {}
        for position, standard in enumerate(standards):
            at: Where = (file, "standards", position)
            places[at] = self.places[("standard", standard["id"])]
            for place, criterion in enumerate(standard["criteria"]):
                places[(*at, "criteria", place)] = self.places[("criterion", criterion["id"])]
        self.notes.add(
            "",
            "Who is audited, the oversight body, the milestone, the theme and the declaration are plain defaults,"
            " because the source has none: replace them",
        )
        return finish(Draft({PACK_FILE: pack, file: template}, places), self.notes, made_from)
