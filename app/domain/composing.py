"""A joint report that inspectors compose: chapters in their order, what they write around the figures, what it says.

What they write is guidance (a small part of Markdown) with references in it, which are resolved when it is shown:

- `[[n: theme.leadership.percent]]`: a figure of the data in words, by its key in `composing_facts.facts`;
- `[[chapter: milestones]]`: the number that the chapter has in this report;
- `[[figure: heat]]`, in a line of its own: a table or chart of the data;
- `[[quote: ID]]`, in a line of its own: what an agency said in an answer that was marked as an example, anonymised;
  `[[quote: ID named]]` with its name, and `[[quote: ID: some words]]` only those words of it. In
  them “…” stands for words that are left out, and what is in square brackets, such as `[the agency]`, for words that
  were put in their place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from app.domain.anonymity import NOBODY, Identity
from app.domain.composing_facts import ANNEXES, RECOMMENDATIONS, Fact, Named
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
from app.domain.guidance import mistakes
from app.domain.life import NotPossible
from app.domain.message import N_, Message

LONGEST_TEXT = 20_000  # characters of one narrative in one language
LONGEST_TITLE = 150
LONGEST_RECOMMENDATION = 2_000
MOST_OWN = 40  # chapters of one's own, and as many recommendations
WORDS_AROUND = 6  # shown on either side of a number that was typed by hand
LANGUAGES = ("en", "cy")
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


class Chapter(Frozen):
    """A chapter: of every report (its key), or one's own (`own-…`, with a title). A hidden one is left out."""

    key: str
    title: Words = Words()
    before: Words = Words()
    after: Words = Words()
    is_hidden: bool = False

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


class Recommendation(Frozen):
    """What the report asks for, of the agencies of a type or of an oversight body (its code), and by when."""

    key: str
    text: Words
    agency_type: str = ""
    body: str = ""
    due: date | None = None


class Composition(Frozen):
    """A report as it was composed. Chapters that it does not name stand where they usually do, unchanged."""

    chapters: tuple[Chapter, ...] = ()
    choices: tuple[Choice, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()

    def chapter(self, key: str) -> Chapter:
        """The chapter as it is composed; one that nobody touched is empty."""
        return next((one for one in self.chapters if one.key == key), Chapter(key=key))

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

    `held`: what the reader is not to see yet, by the first part of its key; it stands as “…” and is no problem.
    `names`: agencies can be named.
    """

    facts: Mapping[str, Fact] = field(default_factory=dict)
    figures: Mapping[str, str] = field(default_factory=dict)
    quotes: Mapping[str, Quoted] = field(default_factory=dict)
    chapters: Mapping[str, str] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    names: bool = True

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
        if kind == "n" and (fact := known.facts.get(key)):
            read.used[key] = fact
            found = fact.value
        elif kind == "chapter" and key in known.chapters:
            found = known.chapters[key]
        elif kind in ("n", "chapter") and known.holds(key):
            found = "…"
        else:
            read.problems.append(_unknown(kind, key, match[0]))
            found = f"[?: {key or kind}]"
        if not escaped:
            return found
        signs = re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", found)
        # at the start of a line a number with a point would begin a list
        begins = match.start() == 0 or text[match.start() - 1] == "\n"
        return signs + ("\\" if begins and text[match.end() : match.end() + 1] in (".", ")") else "")

    return _REFERENCE.sub(value, text)


def _unknown(kind: str, key: str, whole: str) -> Message:
    if kind == "n":
        return Message(N_("There is no figure “%(key)s” in the data."), {"key": key})
    if kind == "chapter":
        return Message(N_("There is no chapter “%(key)s” in this report, or it is left out."), {"key": key})
    if kind in ("figure", "quote"):
        return Message(N_("“%(what)s” must stand in a line of its own."), {"what": whole})
    return Message(
        N_("“%(what)s” is no reference. Write [[n: …]], [[chapter: …]], [[figure: …]] or [[quote: …]]."),
        {"what": whole},
    )


def _figure(key: str, known: Known, language: str, read: Read) -> None:
    if key in known.figures:
        read.parts.append(ComposedPart(kind="figure", key=key))
    elif known.holds(key):
        read.parts.append(ComposedPart(kind="text", text="…"))
    else:
        _missing(Message(N_("There is no table or chart “%(key)s” in this report."), {"key": key}), key, read)


def _quote(given: str, known: Known, language: str, read: Read) -> None:
    parts = _QUOTE.fullmatch(given)
    quoted = known.quotes.get(parts["id"]) if parts else None
    if parts is None or quoted is None:
        given = given[:60]
        _missing(Message(N_("There is no example “%(key)s”, or it was set aside."), {"key": given}), given, read)
        return
    words, named = (parts["words"] or "").strip() or quoted.text, bool(parts["named"])
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
    for piece in re.split(r"…|\.\.\.|\[[^\[\]]*\]", " ".join(words.split())):
        place = whole.find(piece.strip(), place)
        if place < 0:
            return False
        place += len(piece.strip())
    return True


def _missing(problem: Message, key: str, read: Read) -> None:
    read.problems.append(problem)
    signs = re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", f"[?: {key}]")
    read.parts.append(ComposedPart(kind="text", text=signs))


def why_not_markdown(text: str) -> list[str]:
    """What a narrative has that it may not have, in English: headings, pictures, HTML."""
    return mistakes(_REFERENCE.sub("0", _ALONE.sub("", text)))


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
_SMALL = (
    "one|two|three|four|five|six|seven|eight|nine|ten|un|dau|dwy|tri|tair|pedwar|pedair|pump|chwech|saith|wyth|naw|deg"
)
_TYPED = re.compile(
    r"\d[\d,.]*\d%?|\d%?"
    rf"|\b(?:{_SMALL}|half) (?:per cent|percent|y cant)\b"
    r"|\b(?:eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:-\w+)?"
    r"|hundreds?|thousands?|millions?|dozens?)\b"
    r"|\b(?:a|one|two|three|four) (?:half|third|quarter|fifth|tenth)s?\b|\bhalf of\b|\bhalf the\b|\btwo-thirds\b"
    r"|\bthree-quarters\b"
    r"|\b(?:ugain|deugain|trigain|pedwar ugain|cant|mil|hanner|traean|chwarter)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class TypedNumber:
    """A number that somebody typed, with some words around it."""

    number: str
    around: str


def typed_numbers(text: str) -> list[TypedNumber]:
    """The numbers in a narrative that are no references: digits, and number words beyond ten.

    Days, years, addresses and the numbers of a list are no figures.
    """
    plain = _REFERENCE.sub(" ", _ALONE.sub("", text))
    plain = _NO_FIGURES.sub(lambda match: " " * len(match[0]), plain)
    found = []
    for match in _TYPED.finditer(plain):
        before, after = plain[: match.start()].split(), plain[match.end() :].split()
        glued = "" if plain[match.end() : match.end() + 1].isspace() else after.pop(0) if after else ""
        around = " ".join([*before[-WORDS_AROUND:], match[0] + glued, *after[:WORDS_AROUND]])
        start, end = len(before) > WORDS_AROUND, len(after) > WORDS_AROUND
        found.append(TypedNumber(match[0], f"{'… ' if start else ''}{around}{' …' if end else ''}"))
    return found


# --- places: where a text of the report stands -----------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A text of the composition and where it stands. `chapter` is its chapter's key, `rule` and `key` those of a key
    message and of a recommendation."""

    name: Message
    text: str
    language: str
    chapter: str = ""
    rule: str = ""
    key: str = ""


def places(composition: Composition, chapters: Iterable[Chapter], titles: Mapping[str, str]) -> list[Place]:
    """Every text that is written, chapter by chapter, then the key messages and the recommendations."""
    found = []

    def add(name: Message, language: str, text: str, **at: str) -> None:
        named = Message(N_("%(place)s, %(language)s"), {"place": name, "language": Message(LANGUAGE_NAMES[language])})
        found.append(Place(named if language != "en" else name, text, language, **at))

    for chapter in chapters:
        if chapter.is_hidden:
            continue
        title = titles.get(chapter.key) or chapter.title.en
        for where, words in (("before", chapter.before), ("after", chapter.after)):
            name = Message(N_("%(chapter)s, %(where)s"), {"chapter": title, "where": Message(PLACES[where])})
            for language, text in words.each():
                add(name, language, text, chapter=chapter.key)
    for choice in composition.choices:
        if choice.state == "edited":
            for words in (choice.heading, choice.text):
                for language, text in words.each():
                    add(Message(N_("Key message “%(heading)s”"), {"heading": choice.heading.en}), language, text,
                        chapter="key-messages", rule=choice.rule)  # fmt: skip
    for number, one in enumerate(composition.recommendations, start=1):
        for language, text in one.text.each():
            add(Message(N_("Recommendation %(number)s"), {"number": number}), language, text,
                chapter=RECOMMENDATIONS, key=one.key)  # fmt: skip
    return found


# --- the report as it is shown ---------------------------------------------------------------------------------------


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


def compose(
    composition: Composition, standard: Sequence[Named], known: Known, *, usual: Sequence[KeyMessage],
    proposed: Sequence[KeyMessage], addressees: Mapping[tuple[str, str], str], language: str, translate: Translate,
) -> Composed:  # fmt: skip
    """The report in a language. `usual`: the key messages of a report that nobody composed, `proposed` all that rules
    give; `addressees`: (agency type, body) to its name; `known.chapters` is filled in here.
    """
    chapters = arranged(composition, standard)
    titles = {one.key: one.title for one in standard} | {RECOMMENDATIONS: translate(N_("Recommendations"))}
    known = replace(known, chapters=numbered(chapters, translate))
    found = Composed()
    found.messages = chosen_messages(composition, usual, proposed, known, language, found)
    for chapter in chapters:
        if chapter.is_hidden or (chapter.key == "key-messages" and not found.messages):
            continue
        title = titles.get(chapter.key) or chapter.title.in_(language)[0]
        parts = {}
        for where, words in (("before", chapter.before), ("after", chapter.after)):
            text, other = words.in_(language)
            read = read_narrative(text, known, other)
            found.take(read, Message(N_("%(chapter)s, %(where)s"), {"chapter": title, "where": Message(PLACES[where])}))
            parts[where] = tuple(read.parts)
        found.chapters.append(ComposedChapter(key=chapter.key, title=title, is_own=chapter.is_own, **parts))
    for number, one in enumerate(composition.recommendations, start=1):
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
    for choice in composition.choices:
        if choice.rule not in by_rule and choice.state == "edited":
            found.problems.append(
                Message(
                    N_("Key message “%(heading)s”: the data no longer say what it was made from. Drop it."),
                    {"heading": choice.heading.en},
                )
            )
    return shown
