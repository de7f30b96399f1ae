"""A joint report that inspectors compose: chapters in their order, what they write around the figures, what it says.

What they write is guidance (a small part of Markdown) with headings and with references in it, which are resolved when
it is shown:

- `[[n: theme.leadership.percent]]`: a figure of the data in words, by its key in `composing_facts.facts`;
- `[[chapter: milestones]]`: the number that the chapter has in this report;
- `[[see: figure heat]]`, `[[see: recommendation rec-…]]`, `[[see: chapter milestones]]`: the number of a table or chart
  that stands in this report and that of a recommendation, or the title of a chapter, and a link there;
- `[[figure: heat]]`, in a line of its own: a table or chart of the data;
- `[[quote: ID]]`, in a line of its own: what an agency said in an answer that was marked as an example, anonymised;
  `[[quote: ID named]]` with its name, and `[[quote: ID: some words]]` only those words of it. In
  them “…” stands for words that are left out, and what is in square brackets, such as `[the agency]`, for words that
  were put in their place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from app.domain.anonymity import NOBODY, Identity
from app.domain.composing_facts import ANNEXES, RECOMMENDATIONS, Fact, Named, chapter_of
from app.domain.entropy import letters
from app.domain.findings import (
    ComposedChapter,
    ComposedPart,
    ComposedRecommendation,
    Frozen,
    KeyMessage,
    Sentence,
    UsedFact,
)
from app.domain.guidance import Fault, faults
from app.domain.life import NotPossible
from app.domain.message import N_, Message

LONGEST_TEXT = 20_000  # characters of one narrative in one language
LONGEST_TITLE = 150
LONGEST_RECOMMENDATION = 2_000
MOST_OWN = 40  # chapters of one's own, and as many recommendations
WORDS_AROUND = 6  # shown on either side of a number that was typed by hand
LANGUAGES = ("en", "cy")
KEY_MESSAGES = "key-messages"  # their chapter
FIGURE = "figure:"  # where a reference to a table or chart leads, before its key
LANGUAGE_NAMES = {"en": N_("in English"), "cy": N_("in Welsh")}
PLACES = {"before": N_("before the figures"), "after": N_("after the figures")}

Translate = Callable[[str], str]


class Words(Frozen):
    """A text in English and, where somebody wrote it, in Welsh."""

    en: str = ""
    cy: str = ""

    def in_(self, language: str) -> tuple[str, str]:
        """The text for a reader, and its language where that is not theirs."""
        found = self.cy if language == "cy" else self.en
        return (found, "") if found or language == "en" or not self.en else (self.en, "en")

    def each(self) -> list[tuple[str, str]]:
        """(language, text) of those that are written."""
        return [(language, text) for language, text in (("en", self.en), ("cy", self.cy)) if text]


def fields_of(**texts: Words) -> dict[str, str]:
    """Texts by field, as forms have them: `NAME-LANGUAGE`."""
    return {f"{name}-{language}": getattr(words, language) for name, words in texts.items() for language in LANGUAGES}


def words_of(fields: Mapping[str, Any], name: str) -> Words:
    """A text of `fields_of`."""
    return Words(**{language: fields[f"{name}-{language}"] for language in LANGUAGES})


class Chapter(Frozen):
    """A chapter: of every report (its key), or one's own (`own-…`, with a title). A hidden one is left out."""

    key: str
    title: Words = Words()
    before: Words = Words()
    after: Words = Words()
    is_hidden: bool = False

    def fields(self) -> dict[str, str]:
        """Its texts by field, as forms have them."""
        return fields_of(title=self.title, before=self.before, after=self.after)

    @property
    def is_own(self) -> bool:
        """Whether inspectors added it."""
        return self.key.startswith("own-")


class Choice(Frozen):
    """What was decided about a key message that a rule proposes, by the rule. Edited ones have words of their own."""

    rule: str
    state: Literal["accepted", "edited", "dropped"]
    heading: Words = Words()
    text: Words = Words()

    def fields(self) -> dict[str, str]:
        """Its texts by field, as forms have them."""
        return fields_of(heading=self.heading, text=self.text)


class Recommendation(Frozen):
    """What the report asks for, of the agencies of a type or of an oversight body (its code), and by when."""

    key: str
    text: Words
    agency_type: str = ""
    body: str = ""
    due: date | None = None

    @property
    def addressee(self) -> str:
        """Whom it is addressed to, as `type:KEY` or `body:CODE`; empty for nobody yet."""
        return f"type:{self.agency_type}" if self.agency_type else f"body:{self.body}" if self.body else ""

    def fields(self) -> dict[str, Any]:
        """What it says by field, as forms have it."""
        return fields_of(text=self.text) | {"addressee": self.addressee, "due": self.due}


class Composition(Frozen):
    """A report as it was composed. Chapters that it does not name stand where they usually do, unchanged."""

    chapters: tuple[Chapter, ...] = ()
    choices: tuple[Choice, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()

    def chapter(self, key: str) -> Chapter:
        """The chapter as it is composed; one that nobody touched is empty."""
        return next((one for one in self.chapters if one.key == key), Chapter(key=key))

    def recommendation(self, key: str) -> Recommendation | None:
        """One of the recommendations."""
        return next((one for one in self.recommendations if one.key == key), None)

    def choice(self, rule: str) -> Choice | None:
        """What was decided about a key message."""
        return next((one for one in self.choices if one.rule == rule), None)


# --- chapters --------------------------------------------------------------------------------------------------------


def arranged(composition: Composition, standard: Sequence[Named]) -> list[Chapter]:
    """All chapters in their order, hidden ones too, annexes last.

    Those of every report that the composition does not name come where they usually do: after the one that they follow
    in every report. What the data have nothing to say on is left out.
    """
    usual = [one.key for one in standard]
    there = {*usual, *([RECOMMENDATIONS] if composition.recommendations else [])}
    order = [one.key for one in composition.chapters if one.is_own or one.key in there]
    for place, key in enumerate(usual):
        if key not in order:
            before = next((usual[i] for i in range(place - 1, -1, -1) if usual[i] in order), None)
            order.insert(order.index(before) + 1 if before else 0, key)
    if composition.recommendations and RECOMMENDATIONS not in order:
        # what follows from the key messages stands next to them
        order.insert(order.index("key-messages") + 1 if "key-messages" in order else 0, RECOMMENDATIONS)
    order.sort(key=lambda key: key in ANNEXES)  # stable: annexes last
    return [composition.chapter(key) for key in order]


def moved(composition: Composition, standard: Sequence[Named], key: str, up: bool) -> Composition:
    """The composition with a chapter one place further up or down, past hidden ones too.

    Annexes stay behind the chapters. Raises NotPossible at either end.
    """
    chapters = arranged(composition, standard)
    place = next((place for place, one in enumerate(chapters) if one.key == key), None)
    other = None if place is None else place - 1 if up else place + 1
    if (
        place is None or other is None or not 0 <= other < len(chapters)
        or (chapters[place].key in ANNEXES) != (chapters[other].key in ANNEXES)
    ):  # fmt: skip
        raise NotPossible(N_("This chapter cannot be moved any further."))
    chapters[place], chapters[other] = chapters[other], chapters[place]
    return composition.model_copy(update={"chapters": tuple(chapters)})


def with_chapter(composition: Composition, standard: Sequence[Named], chapter: Chapter) -> Composition:
    """The composition with a chapter as it is given; a new one stands before the annexes.

    Raises NotPossible for one too many.
    """
    chapters = arranged(composition, standard)
    keys = [one.key for one in chapters]
    if chapter.key in keys:
        chapters[keys.index(chapter.key)] = chapter
    else:
        if sum(one.is_own for one in chapters) >= MOST_OWN:
            raise NotPossible(
                N_("There are %(number)s chapters of your own already. Remove one first."), number=MOST_OWN
            )
        chapters.insert(sum(key not in ANNEXES for key in keys), chapter)
    return composition.model_copy(update={"chapters": tuple(chapters)})


def without_chapter(composition: Composition, key: str) -> Composition:
    """The composition without a chapter of one's own."""
    left = tuple(one for one in composition.chapters if one.key != key or not one.is_own)
    return composition.model_copy(update={"chapters": left})


def put_together(
    mine: Mapping[str, Any], base: Mapping[str, Any], theirs: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What somebody filled in, over what others saved since the page was opened (with `base` in it), field by field.

    What they did not touch is as it is saved now. Returns the fields, with their own where both changed one, and what
    is saved of these.
    """
    found, disputed = dict(mine), {}
    for name, value in mine.items():
        if value == base[name]:
            found[name] = theirs[name]
        elif theirs[name] not in (base[name], value):
            disputed[name] = theirs[name]
    return found, disputed


def new_key(prefix: str) -> str:
    """A key for a new chapter or recommendation."""
    return f"{prefix}-{letters('23456789abcdefghjkmnpqrstvwxyz', 6)}"


# --- references in a narrative ---------------------------------------------------------------------------------------

_REFERENCE = re.compile(r"\[\[([^\[\]\n]*)\]\]")
_ALONE = re.compile(
    r"^[ \t]*\[\[[ \t]*(figure|quote)[ \t]*:((?:[^\[\]\n]|\[[^\[\]\n]*\])*)\]\][ \t]*$", re.MULTILINE
)
_QUOTE = re.compile(r"(?P<id>[a-z0-9]+)(?P<named>[ \t]+named)?[ \t]*(?::[ \t]*(?P<words>.+))?")


@dataclass(frozen=True)
class Quoted:
    """An answer that was marked as an example. `kind_of` says what agency it is from without its name; `who` knows the
    words that would give it away."""

    id: str
    text: str
    agency: str
    kind_of: str
    agency_type: str = ""
    who: Identity = NOBODY


@dataclass(frozen=True)
class Known:
    """What references can be to, in one language: facts, figures and quotations by key, and chapter to its number.

    Of the report as it is composed (`within`): the `titles` of its chapters, what its `recommendations` are called by
    their numbers, and the tables and charts that `stand` in it.
    `held`: what the reader is not to see yet, by the first part of its key; it stands as “…” and is no problem.
    `small`: keys of facts and figures that there are, and that do not come out, as they are about too few agencies.
    `names`: agencies can be named.
    """

    facts: Mapping[str, Fact] = field(default_factory=dict)
    figures: Mapping[str, str] = field(default_factory=dict)
    quotes: Mapping[str, Quoted] = field(default_factory=dict)
    chapters: Mapping[str, str] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    small: frozenset[str] = frozenset()
    names: bool = True
    titles: Mapping[str, str] = field(default_factory=dict)
    recommendations: Mapping[str, str] = field(default_factory=dict)
    stand: frozenset[str] = frozenset()

    def holds(self, key: str) -> bool:
        """Whether a key is of something that the reader is not to see yet."""
        return key.partition(".")[0] in self.held


@dataclass
class Read:
    """A narrative as it was read: its parts in order, the facts that it refers to, and what is wrong with it."""

    parts: list[ComposedPart] = field(default_factory=list)
    used: dict[str, Fact] = field(default_factory=dict)
    problems: list[Message] = field(default_factory=list)


def read_narrative(text: str, known: Known, language: str = "") -> Read:
    """A narrative with its references resolved. What cannot be resolved stands in the text as `[?: …]`, and is said.

    `language`: of the text, where it is not that of the document.
    """
    read = Read()
    last = 0
    for match in _ALONE.finditer(text):
        _text(text[last : match.start()], known, language, read)
        last = match.end()
        block = _figure if match[1] == "figure" else _quote
        block(match[2].strip(), known, language, read)
    _text(text[last:], known, language, read)
    return read


def in_line(text: str, known: Known) -> tuple[str, Read]:
    """A short text, such as the words of a key message, with its references resolved, and how it was read."""
    read = Read()
    return _resolved(text, known, read, escaped=False), read


def _text(text: str, known: Known, language: str, read: Read) -> None:
    if text.strip():
        resolved = _resolved(text.strip("\n"), known, read, escaped=True)
        read.parts.append(ComposedPart(kind="text", text=resolved, language=language))


def _resolved(text: str, known: Known, read: Read, *, escaped: bool) -> str:
    def value(match: re.Match[str]) -> str:
        kind, _colon, key = (part.strip() for part in match[1].partition(":"))
        if kind == "see" and escaped:
            return _seen(key, known, read)
        if kind == "n" and (fact := known.facts.get(key)):
            read.used[key] = fact
            found = fact.value
        elif kind == "chapter" and key in known.chapters:
            found = known.chapters[key]
        elif kind in ("n", "chapter") and known.holds(key):
            found = "…"
        else:
            read.problems.append(_unknown(kind, key, match[0], known))
            found = f"[?: {key or kind}]"
        if not escaped:
            return found
        signs = _as_words(found)
        # at the start of a line a number with a point would begin a list
        begins = match.start() == 0 or text[match.start() - 1] == "\n"
        return signs + ("\\" if begins and text[match.end() : match.end() + 1] in (".", ")") else "")

    return _REFERENCE.sub(value, text)


TOO_FEW = N_(
    "“%(key)s” is about fewer agencies than figures may be published of, or would give such a figure away. It does not"
    " come out."
)


def _as_words(text: str) -> str:
    """Words in which no sign is Markdown."""
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", text)


def _seen(given: str, known: Known, read: Read) -> str:
    """A link to a place of the report. That to a table or chart has its title: the page, which numbers them all, puts
    the number in its place."""
    kind, _space, key = (part.strip() for part in given.partition(" "))
    if kind == "figure" and key in known.stand:
        return f"[{_as_words(known.figures[key])}](#{FIGURE}{key})"
    if kind == "recommendation" and key in known.recommendations:
        return f"[{_as_words(known.recommendations[key])}](#{key})"
    if kind == "chapter" and key in known.titles:
        return f"[{_as_words(known.titles[key])}](#{key})"
    if kind in ("figure", "chapter") and known.holds(key):
        return "…"
    read.problems.append(_unseen(kind, key, known))
    return _as_words(f"[?: {key or kind}]")


def _unseen(kind: str, key: str, known: Known) -> Message:
    said = {"key": key}
    if kind == "figure" and key in known.small:
        return Message(TOO_FEW, said)
    if kind == "figure" and key in known.figures:
        return Message(
            N_(
                "The table or chart “%(key)s” stands nowhere in this report: put it in, with [[figure: …]] in a line of"
                " its own, or take in the chapter that it is from."
            ),
            said,
        )
    if kind == "figure":
        return Message(N_("There is no table or chart “%(key)s” in this report."), said)
    if kind == "recommendation":
        return Message(N_("There is no recommendation “%(key)s” in this report, or its chapter is left out."), said)
    if kind == "chapter":
        return Message(N_("There is no chapter “%(key)s” in this report, or it is left out."), said)
    return Message(
        N_("“%(what)s” is no reference. Write [[see: figure …]], [[see: recommendation …]] or [[see: chapter …]]."),
        {"what": f"[[see: {kind} {key}".rstrip() + "]]"},
    )


def _unknown(kind: str, key: str, whole: str, known: Known) -> Message:
    if kind == "n" and key in known.small:
        return Message(TOO_FEW, {"key": key})
    if kind == "n":
        return Message(N_("There is no figure “%(key)s” in the data."), {"key": key})
    if kind == "chapter":
        return Message(N_("There is no chapter “%(key)s” in this report, or it is left out."), {"key": key})
    if kind in ("figure", "quote"):
        return Message(N_("“%(what)s” must stand in a line of its own."), {"what": whole})
    if kind == "see":
        return Message(N_("“%(what)s” can stand in chapters only, where it can be a link."), {"what": whole})
    return Message(
        N_("“%(what)s” is no reference. Write [[n: …]], [[chapter: …]], [[see: …]], [[figure: …]] or [[quote: …]]."),
        {"what": whole},
    )


def _figure(key: str, known: Known, language: str, read: Read) -> None:
    if key in known.figures:
        read.parts.append(ComposedPart(kind="figure", key=key))
    elif known.holds(key):
        read.parts.append(ComposedPart(kind="text", text="…"))
    else:
        words = TOO_FEW if key in known.small else N_("There is no table or chart “%(key)s” in this report.")
        _missing(Message(words, {"key": key}), key, read)


def _quote(given: str, known: Known, language: str, read: Read) -> None:
    parts = _QUOTE.fullmatch(given)
    quoted = known.quotes.get(parts["id"]) if parts else None
    if parts is None or quoted is None:
        given = given[:60]
        _missing(Message(N_("There is no example “%(key)s”, or it was set aside."), {"key": given}), given, read)
        return
    words, named = (parts["words"] or "").strip() or quoted.text, bool(parts["named"])
    if not any(piece.strip(" .,;:–—-") for piece in _pieces(words)):
        _missing(Message(N_("“%(words)s” quotes no words of the answer."), {"words": words[:80]}), words[:60], read)
        return
    if not _occurs(words, quoted.text):
        text = Message(N_("The words “%(words)s” do not stand in the answer that is quoted."), {"words": words[:80]})
        _missing(text, words[:60], read)
        return
    if named and not known.names:
        read.problems.append(
            Message(N_("This report names no agency beyond the inspectorates: quote it without “named”."))
        )
        named = False
    if not named and (given_away := quoted.who.given_away(words)):
        read.problems.append(
            Message(
                N_(
                    "The quotation is anonymous, and some of its words say whose it is: “%(names)s”. Leave them out"
                    " with “…”, or write in square brackets what stands for them, such as [the agency]."
                ),
                {"names": "”, “".join(given_away)},
            )
        )
        words = quoted.who.left_out(words, agency="[…]", person="[…]")
    source = quoted.agency if named else quoted.kind_of
    read.parts.append(ComposedPart(kind="quote", key=quoted.id, text=words, source=source, language=language))


def _occurs(words: str, text: str) -> bool:
    """Whether words stand in a text, those before and after “…” and what is in brackets one after the other."""
    place, whole = 0, " ".join(text.split())
    for piece in _pieces(words):
        place = whole.find(piece.strip(), place)
        if place < 0:
            return False
        place += len(piece.strip())
    return True


def _pieces(words: str) -> list[str]:
    """The words of a quotation that must stand in the answer: what “…” and brackets leave."""
    return re.split(r"…|\.\.\.|\[[^\[\]]*\]", " ".join(words.split()))


def _missing(problem: Message, key: str, read: Read) -> None:
    read.problems.append(problem)
    read.parts.append(ComposedPart(kind="text", text=_as_words(f"[?: {key}]")))


_HEADINGS = ("##", "###")
_WHY_NOT = {
    "image": N_("there can be no pictures; put in a table or chart with [[figure: …]]"),
    "code_block": N_("a line begins with four spaces or a tab; remove them"),
    "fence": N_("there can be no code; remove the line that opens it"),
    "blockquote_open": N_("a quotation is put in with [[quote: …]]; for the sign itself, write \\>"),
    "hr": N_("there can be no lines across the page; leave an empty line"),
    "html": N_("there can be no HTML (%(found)s); use Markdown, or write \\< for the sign itself"),
    "link": N_("a link goes to an address that begins with https://, not to %(found)s"),
}


def why_not_markdown(text: str) -> list[Message]:
    """What a narrative has that it may not have, each once: pictures, HTML, headings that are none of its own."""
    found = faults(_REFERENCE.sub("0", _ALONE.sub("", text)))
    told = [
        Message(_WHY_NOT[one.kind], {"found": one.found} if one.kind in ("html", "link") else {})
        for one in found
        if one.kind in _WHY_NOT
    ]
    told += _wrong_headings([one for one in found if one.kind == "heading_open"])
    return list({str(one): one for one in told}.values())


def _wrong_headings(headings: Sequence[Fault]) -> Iterator[Message]:
    for place, one in enumerate(headings):
        if one.found not in _HEADINGS or one.is_inside:
            yield Message(
                N_(
                    "a heading stands in a line of its own and begins with ## or, below such a one, with ###; for the"
                    " sign itself, write \\#; above a line of signs leave an empty line"
                )
            )
        elif one.is_empty:
            yield Message(N_("a heading has no words"))
        elif one.found == _HEADINGS[1] and _HEADINGS[0] not in [other.found for other in headings[:place]]:
            yield Message(N_("a heading with ### stands below one with ##"))


# --- numbers that were typed by hand ---------------------------------------------------------------------------------

_MONTHS = (
    "January|February|March|April|May|June|July|August|September|October|November|December|Ionawr|Chwefror|Mawrth|"
    "Ebrill|Mai|Mehefin|Gorffennaf|Awst|Medi|Hydref|Tachwedd|Rhagfyr"
)
_NO_FIGURES = re.compile(
    rf"\b\d{{1,2}} (?:{_MONTHS})(?: \d{{4}})?\b|\b(?:{_MONTHS}) \d{{4}}\b|\b(?:19|20)\d\d(?:[-–/](?:\d\d)?\d\d)?\b"
    r"|https://\S+|^[ \t]*\d{1,2}[.)](?=[ \t])",
    re.MULTILINE,
)
# numbers up to ten: of themselves they are no figures, within a share or a percentage they are
_SMALL = (
    "one|two|three|four|five|six|seven|eight|nine|ten|un|dau|dwy|tri|tair|pedwar|pedair|pum|pump|chwe|chwech|saith|wyth"
    "|naw|deg"
)
_PERCENT = r"(?:per ?cent|percentage points?|y cant|pwynt canran)"
_PARTS = "half|third|quarter|fifth|sixth|seventh|eighth|ninth|tenth"
_TENS = "twen|thir|for|fif|six|seven|eigh|nine"
_COUNT = rf"(?:\d[\d,.]*|{_SMALL}|bump|dair|dri|drydedd|ddeg|ddau|ddwy|bedwar)"
_TYPED = re.compile(
    # one in six, 9 out of 10, un o bob chwech, saith allan o ddeg
    rf"\b{_COUNT} (?:in (?:every )?|out of (?:every )?|of every |o bob |allan o |mewn ){_COUNT}\b"
    rf"|\d*[¼-¾⅐-⅞]|\d+ ?[/⁄] ?\d+|(?:\d[\d,.]*\d|\d)(?: ?%| {_PERCENT}\b)?"
    rf"|\b(?:{_SMALL}|half) {_PERCENT}\b"
    rf"|\b(?:eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:{_TENS})ty(?:-\w+)?"
    rf"|hundreds?|thousands?|millions?|dozens?)(?: {_PERCENT}|\b)"
    rf"|\b(?:a|one|two|three|four|five|six|seven|eight|nine)[ -](?:{_PARTS})s?\b(?! part(?:y|ies)\b)"
    r"|\b(?:half|halves)\b"
    # fractions in Welsh, softened or not; eleven and more, as they were counted and as they are
    r"|\b(?:[td]ri |thri )?chwarter(?:i|au)?\b|\bhanner(?:au)?\b|\b(?:t|d|th)raean(?:au)?\b|\bdeuparth\b"
    rf"|\b(?:un|dwy|tair|pedair) ran? o (?:dair|bedair|bump|chwech|ddeg)\b"
    rf"|\b(?:{_SMALL}) (?:ar (?:ddeg|bymtheg|hugain)|(?:deg|ddeg)(?: (?:{_SMALL}))?)\b"
    r"|\b(?:deu|dau|pym|bym|pum)(?:deg|ddeg|theg)\b"
    r"|\b(?:h?ugain|deugain|trigain|pedwar ugain|cant|cannoedd|mil|miloedd|miliwn)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"(?:\[\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\]\]|\S)+")


@dataclass(frozen=True)
class TypedNumber:
    """A number that somebody typed, with some words around it, as they were typed."""

    number: str
    around: str


def typed_numbers(text: str) -> list[TypedNumber]:
    """The numbers in a narrative that are no references: digits, shares in words, and number words beyond ten.

    Days, years, addresses and the numbers of a list are no figures.
    """
    plain = text
    for no_figure in (_ALONE, _REFERENCE, _NO_FIGURES):
        plain = no_figure.sub(lambda match: re.sub(r"\S", " ", match[0]), plain)
    words = list(_WORD.finditer(text))
    found = []
    for match in _TYPED.finditer(plain):
        first = next(place for place, word in enumerate(words) if word.end() > match.start())
        last = next(place for place, word in enumerate(words) if word.end() >= match.end())
        start, end = max(0, first - WORDS_AROUND), last + 1 + WORDS_AROUND
        around = " ".join(word[0] for word in words[start:end])
        found.append(
            TypedNumber(match[0], f"{'… ' if start else ''}{around}{' …' if end < len(words) else ''}")
        )
    return found


# --- places: where a text of the report stands -----------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A text of the composition and where it stands. `chapter` is its chapter's key, `where` the side of the chapter's
    figures, `rule` and `key` those of a key message and of a recommendation."""

    name: Message
    text: str
    language: str
    chapter: str = ""
    where: str = ""
    rule: str = ""
    key: str = ""

    @property
    def is_narrative(self) -> bool:
        """Whether tables, charts and quotations can stand in it."""
        return bool(self.where)


def _named(chapter: Chapter, where: str, titles: Mapping[str, str]) -> Message:
    """How the place before or after a chapter's figures is called."""
    title = titles.get(chapter.key) or chapter.title.en
    return Message(N_("%(chapter)s, %(where)s"), {"chapter": title, "where": Message(PLACES[where])})


def places(
    composition: Composition, chapters: Iterable[Chapter], titles: Mapping[str, str], published: Mapping[str, int]
) -> list[Place]:
    """Every text that is written, chapter by chapter, then the key messages and the recommendations.

    `published`: as of `in_order`.
    """
    found = []

    def add(name: Message, language: str, text: str, **at: str) -> None:
        named = Message(N_("%(place)s, %(language)s"), {"place": name, "language": Message(LANGUAGE_NAMES[language])})
        found.append(Place(named if language != "en" else name, text, language, **at))

    for chapter in chapters:
        if chapter.is_hidden:
            continue
        for where, words in (("before", chapter.before), ("after", chapter.after)):
            for language, text in words.each():
                add(_named(chapter, where, titles), language, text, chapter=chapter.key, where=where)
    for choice in composition.choices:
        if choice.state == "edited":
            for words in (choice.heading, choice.text):
                for language, text in words.each():
                    add(Message(N_("Key message “%(heading)s”"), {"heading": choice.heading.en}), language, text,
                        chapter="key-messages", rule=choice.rule)  # fmt: skip
    for number, one in in_order(composition.recommendations, published):
        for language, text in one.text.each():
            add(Message(N_("Recommendation %(number)s"), {"number": number}), language, text,
                chapter=RECOMMENDATIONS, key=one.key)  # fmt: skip
    return found


def titled(chapters: Iterable[Chapter]) -> list[Place]:
    """The titles of the inspectors' own chapters that are shown."""
    return [
        Place(Message(N_("Title of “%(chapter)s”"), {"chapter": one.title.en}), text, language, chapter=one.key)
        for one in chapters
        if one.is_own and not one.is_hidden
        for language, text in one.title.each()
    ]


@dataclass(frozen=True)
class Twice:
    """A table or chart that stands twice in a report: its key, where it stands first, and where it stands again."""

    key: str
    first: Place
    again: Place

    def problem(self, other: Place) -> Message:
        """What is said of it at one of the two places."""
        return Message(
            N_("The table or chart “%(key)s” stands in the report already: %(place)s. Put it in once."),
            {"key": self.key, "place": other.name},
        )


def put_twice(chapters: Iterable[Chapter], titles: Mapping[str, str]) -> list[Twice]:
    """Tables and charts that inspectors put into the report twice, as readers of one language or the other see it."""
    found: dict[tuple[str, str, str], Twice] = {}
    shown = [one for one in chapters if not one.is_hidden]
    for language in LANGUAGES:
        first: dict[str, Place] = {}
        for chapter in shown:
            for where, words in (("before", chapter.before), ("after", chapter.after)):
                text, other = words.in_(language)
                for match in _ALONE.finditer(text):
                    if match[1] != "figure":
                        continue
                    key, name = match[2].strip(), _named(chapter, where, titles)
                    place = Place(name, text, other or language, chapter=chapter.key, where=where)
                    if key in first:
                        found.setdefault((key, chapter.key, where), Twice(key, first[key], place))
                    first.setdefault(key, place)
    return list(found.values())


# --- the report as it is shown ---------------------------------------------------------------------------------------


def in_order(
    recommendations: Iterable[Recommendation], published: Mapping[str, int]
) -> list[tuple[int, Recommendation]]:
    """Recommendations with their numbers, by number. `published`: those that every one got that was ever published, by
    its key. These are kept, and never given to another; new ones follow, in the order that they stand in.
    """
    every = list(recommendations)
    old = sorted(((published[one.key], one) for one in every if one.key in published), key=lambda found: found[0])
    new = [one for one in every if one.key not in published]
    return [*old, *enumerate(new, start=max(published.values(), default=0) + 1)]


@dataclass
class Composed:
    """What a composition comes to in a language: `app.domain.findings.ComposedReport` before it has a version."""

    chapters: list[ComposedChapter] = field(default_factory=list)
    messages: list[KeyMessage] = field(default_factory=list)
    recommendations: list[ComposedRecommendation] = field(default_factory=list)
    used: dict[str, Fact] = field(default_factory=dict)
    problems: list[Message] = field(default_factory=list)

    def facts(self) -> tuple[UsedFact, ...]:
        """The facts that texts refer to, by key."""
        return tuple(UsedFact(key=one.key, label=one.label, value=one.value) for _key, one in sorted(self.used.items()))

    def take(self, read: Read, where: Message) -> None:
        """Keep what was used, and what was wrong with its place."""
        self.used |= read.used
        self.problems += [
            Message(N_("%(where)s: %(problem)s"), {"where": where, "problem": one}) for one in read.problems
        ]


def numbered(chapters: Iterable[Chapter], translate: Translate) -> dict[str, str]:
    """How a text names each chapter that is shown: “chapter 3”, “Annex A”."""
    found: dict[str, str] = {}
    main = annexes = 0
    for one in chapters:
        if one.is_hidden:
            continue
        if one.key in ANNEXES:
            found[one.key] = translate((N_("Annex A"), N_("Annex B"), N_("Annex C"))[annexes])
            annexes += 1
        else:
            main += 1
            found[one.key] = Message(N_("chapter %(number)s"), {"number": main}).rendered(translate)
    return found


def within(
    known: Known, composition: Composition, standard: Sequence[Named], *, messages: bool, published: Mapping[str, int],
    language: str, translate: Translate,
) -> Known:  # fmt: skip
    """What texts of a report can refer to, in a language: with its chapters and recommendations, and what stands in it.

    `messages`: it has key messages, without which it has no chapter of them. `published`: as of `in_order`.
    """
    chapters = [one for one in arranged(composition, standard) if messages or one.key != KEY_MESSAGES]
    numbers = numbered(chapters, translate)
    titles = _titles(standard, translate) | {one.key: one.title.in_(language)[0] for one in chapters if one.is_own}
    put = {
        match[2].strip()
        for one in chapters
        for words in (one.before, one.after)
        for match in _ALONE.finditer("" if one.is_hidden else words.in_(language)[0])
        if match[1] == "figure"
    }
    return replace(
        known,
        chapters=numbers,
        titles={key: titles[key] for key in numbers},
        recommendations={
            one.key: Message(N_("recommendation %(number)s"), {"number": number}).rendered(translate)
            for number, one in in_order(composition.recommendations, published)
            if RECOMMENDATIONS in numbers
        },
        stand=frozenset(key for key in known.figures if key in put or chapter_of(key) in numbers),
    )


def has_messages(
    composition: Composition, usual: Sequence[KeyMessage], proposed: Callable[[], Sequence[KeyMessage]]
) -> bool:
    """Whether a report has key messages: `usual` ones that nobody dropped, or others that were taken in."""
    decided = {one.rule: one.state for one in composition.choices}
    if any(decided.get(one.rule) != "dropped" for one in usual):
        return True
    kept = {rule for rule, state in decided.items() if state != "dropped"}
    return bool(kept) and any(one.rule in kept for one in proposed())


def _titles(standard: Sequence[Named], translate: Translate) -> dict[str, str]:
    return {one.key: one.title for one in standard} | {RECOMMENDATIONS: translate(N_("Recommendations"))}


def compose(
    composition: Composition, standard: Sequence[Named], known: Known, *, usual: Sequence[KeyMessage],
    proposed: Sequence[KeyMessage], addressees: Mapping[tuple[str, str], str], published: Mapping[str, int],
    language: str, translate: Translate,
) -> Composed:  # fmt: skip
    """The report in a language. `usual`: the key messages of a report that nobody composed, `proposed` all that rules
    give; `addressees`: (agency type, body) to its name; `published`: as of `in_order`. `known`: without what `within`
    fills in.
    """
    chapters = arranged(composition, standard)
    titles = _titles(standard, translate)
    known = within(
        known, composition, standard, messages=has_messages(composition, usual, lambda: proposed), published=published,
        language=language, translate=translate,
    )  # fmt: skip
    found = Composed()
    found.messages = chosen_messages(composition, usual, proposed, known, language, found)
    for chapter in chapters:
        if chapter.is_hidden or (chapter.key == KEY_MESSAGES and not found.messages):
            continue
        title = titles.get(chapter.key) or chapter.title.in_(language)[0]
        parts = {}
        for where, words in (("before", chapter.before), ("after", chapter.after)):
            text, other = words.in_(language)
            read = read_narrative(text, known, other)
            found.take(read, Message(N_("%(chapter)s, %(where)s"), {"chapter": title, "where": Message(PLACES[where])}))
            parts[where] = tuple(read.parts)
        found.chapters.append(ComposedChapter(key=chapter.key, title=title, is_own=chapter.is_own, **parts))
    found.problems += [
        Message(N_("%(where)s: %(problem)s"), {"where": one.again.name, "problem": one.problem(one.first)})
        for one in put_twice(chapters, titles)
    ]
    for number, one in in_order(composition.recommendations, published):
        text, other = one.text.in_(language)
        said, read = in_line(text, known)
        found.take(read, Message(N_("Recommendation %(number)s"), {"number": number}))
        found.recommendations.append(
            ComposedRecommendation(
                key=one.key, number=number, text=said, addressee=addressees.get((one.agency_type, one.body), ""),
                agency_type=one.agency_type, body=one.body, due=one.due, language=other,
            )
        )  # fmt: skip
    return found


def chosen_messages(
    composition: Composition, usual: Sequence[KeyMessage], proposed: Sequence[KeyMessage], known: Known, language: str,
    found: Composed,
) -> list[KeyMessage]:  # fmt: skip
    """The key messages that the report has: those accepted and edited, and the usual ones that nobody decided on."""
    by_rule = {one.rule: one for one in (*usual, *proposed)}
    shown = []
    for rule, message in by_rule.items():
        choice = composition.choice(rule)
        if choice is None:
            if message in usual:
                shown.append(message)
        elif choice.state == "accepted":
            shown.append(message)
        elif choice.state == "edited":
            heading, text = choice.heading.in_(language)[0], choice.text.in_(language)[0]
            where = Message(N_("Key message “%(heading)s”"), {"heading": heading})
            said = []
            for words in (heading, text):
                words, read = in_line(words, known)
                found.take(read, where)
                said.append(Sentence(msgid=words.replace("%", "%%"), params={}, text=words))
            shown.append(message.model_copy(update={"heading": said[0], "sentence": said[1]}))
    found.problems += [
        Message(
            N_("%(where)s: %(problem)s"),
            {"where": Message(N_("Key message “%(heading)s”"), {"heading": choice.heading.en}), "problem": NO_LONGER},
        )
        for choice in without_data(composition, by_rule)
    ]
    return shown


NO_LONGER = Message(N_("The data that come out no longer say what it was made from. Drop it."))


def without_data(composition: Composition, rules: Collection[str]) -> list[Choice]:
    """Key messages in one's own words that no rule proposes any more. `rules`: those that propose one."""
    return [one for one in composition.choices if one.state == "edited" and one.rule not in rules]
