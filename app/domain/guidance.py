"""Guidance: texts of a pack in a small, safe part of Markdown, for pages and documents, and as plain text.

There are paragraphs, lists, emphasis, links to https, and tables. Everything else stands as it was typed: HTML is text,
never markup. `mistakes` says what an author may not write; what was published before that was checked is shown all the
same. What inspectors write in reports has headings and links within the report, too: its style says so (`heading`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from itertools import count, pairwise, repeat

from markdown_it import MarkdownIt
from markdown_it.token import Token

# a text without any of these is one paragraph that says what it says
_MAY_BE_MORE = re.compile(
    r"[\\`*_\[\]<>|#!~=]|\n[ \t]*\n| {2}\n|^[ \t]*(?:[-+]|\d+[.)]|-{2,})(?:[ \t]|$)|^(?: {4}|\t)", re.MULTILINE
)
_A_YEAR = re.compile(r"^([ \t]*\d{3,})([.)])", re.MULTILINE)  # begins a sentence; no list is as long as that
_KEPT = 8192  # texts and what was made of them: more than all guidance of the packs in use

_RULES = ["list", "table", "emphasis", "link", "autolink", "escape", "newline"]
_READER = MarkdownIt("zero").enable(_RULES)
_READER.validateLink = lambda url: url.lower().startswith("https://")  # type: ignore[method-assign]
_READER_OF_REPORTS = MarkdownIt("zero").enable([*_RULES, "heading"])
_READER_OF_REPORTS.validateLink = lambda url: url.lower().startswith(("https://", "#"))  # type: ignore[method-assign]
# sees what is not allowed, to say so
_STRICT = MarkdownIt("commonmark", {"html": True}).enable("table").disable(["backticks", "reference", "entity"])
_STRICT.validateLink = lambda url: True  # type: ignore[method-assign]

_NOT_ALLOWED = {
    "heading_open": "guidance has no headings; write a paragraph, or `\\#` for the sign itself",
    "image": "guidance has no pictures; say in words what it would show",
    "code_block": "guidance has no code: a line begins with four spaces or a tab; remove them",
    "fence": "guidance has no code; remove the line that opens it",
    "blockquote_open": "guidance has no quotations; write a paragraph, or `\\>` for the sign itself",
    "hr": "guidance has no lines across the page; leave an empty line",
    "html": "guidance has no HTML (`%s`); use Markdown, or write `\\<` for the sign itself",
    "link": "a link goes to an address that begins with https://, not to `%s`",
}


@dataclass(frozen=True)
class Fault:
    """Something that guidance may not have: a kind of `_NOT_ALLOWED`, and what it was found by or goes to.

    Of a heading that is its sign; it `is_empty`, or it `is_inside` a list.
    """

    kind: str
    found: str = ""
    is_empty: bool = False
    is_inside: bool = False


@dataclass(frozen=True)
class Style:
    """How guidance is dressed: the classes of its parts, what stands around a table, and whether the addresses of links
    are told behind their words. `heading`: in a report, the level of headings with two signs, with the classes of these
    and of those below; 0 where there are none. `points`: links within the report lead there; else their words stand.
    """

    bullets: str = ""
    numbers: str = ""
    link: str = ""
    table: str = ""
    head: str = ""
    body: str = ""
    row: str = ""
    header: str = ""
    cell: str = ""
    around_table: tuple[str, str] = ("", "")
    tells_addresses: bool = False
    heading: int = 0
    headings: tuple[str, str] = ("", "")
    points: bool = False


@lru_cache(maxsize=_KEPT)
def html(text: str, style: Style, *, paragraph: str = "", lead: str = "", language: str = "") -> str:
    """Guidance as HTML that is safe as it is. Kept: pages show the same texts again and again.

    `paragraph` is the class of paragraphs; `lead`, HTML, begins the first of them; `language` is that of the text,
    where it is not that of the page.
    """
    if not text:
        return ""
    if not _MAY_BE_MORE.search(text):
        opened, closed = _paragraph(paragraph, lead, language)
        return f"{opened}{escape(text, quote=False)}{closed}"
    tokens = _parsed(text, _READER_OF_REPORTS if style.heading else _READER)
    return "".join(_Writer(style, paragraph, lead, language).blocks(tokens))


@lru_cache(maxsize=_KEPT)
def plain(text: str) -> str:
    """Guidance as plain text, for a cell or a label: an empty line between paragraphs, a line for each item."""
    if not _MAY_BE_MORE.search(text):
        return text
    lines: list[str] = []
    marks: list[Iterator[str]] = []  # what stands before the items of the lists that are open
    mark = ""
    cells: list[str] | None = None
    for token in _parsed(text):
        match token.type:
            case "bullet_list_open":
                marks.append(repeat("• "))
            case "ordered_list_open":
                marks.append(f"{number}. " for number in count(int(token.attrGet("start") or 1)))
            case "bullet_list_close" | "ordered_list_close":
                marks.pop()
            case "list_item_open":
                mark = next(marks[-1])
            case "paragraph_open" if lines and not marks:
                lines.append("")
            case "tr_open":
                cells = []
            case "tr_close":
                lines.append(" | ".join(cells or ()))
                cells = None
            case "inline" if cells is not None:
                cells.append(_plain(token.children or (), " "))
            case "inline" if marks:
                lines.append("  " * (len(marks) - 1) + mark + _plain(token.children or (), " "))
                mark = ""
            case "inline":
                lines.append(_plain(token.children or (), "\n"))
    return "\n".join(lines)


def mistakes(text: str) -> list[str]:
    """What a text has that guidance may not have, each once, and how to mend it. Empty: all is well."""
    told = (_NOT_ALLOWED[one.kind] % ((one.found,) if one.kind in ("html", "link") else ()) for one in faults(text))
    return list(dict.fromkeys(told))


def faults(text: str) -> list[Fault]:
    """What a text has that guidance may not have, in order."""
    return list(_faults(_STRICT.parse(text))) if _MAY_BE_MORE.search(text) else []


def tamed(text: str) -> str:
    """A text that was made elsewhere as guidance: as it is if it may stand, else with its signs as mere signs."""
    if not mistakes(text):
        return text
    signs = re.sub(r"([\\`*_\[\]<>#!|~=])", r"\\\1", text)
    lines = [re.sub(r"^([-+])(?=\1|[ \t]*$)", r"\\\1", line.strip()) for line in signs.split("\n")]
    found = "\n".join(lines)
    return found if not mistakes(found) else " ".join(lines)


def _faults(tokens: Sequence[Token]) -> Iterator[Fault]:
    for token, after in pairwise([*tokens, Token("end", "", 0)]):
        if token.type == "heading_open":
            yield Fault(token.type, token.markup, is_empty=not after.content.strip(), is_inside=token.level > 0)
        elif token.type in _NOT_ALLOWED:
            yield Fault(token.type)
        elif token.type in ("html_block", "html_inline"):
            yield Fault("html", " ".join(token.content.split())[:30])
        elif token.type == "link_open" and not str(token.attrGet("href")).lower().startswith("https://"):
            yield Fault("link", str(token.attrGet("href"))[:60])
        yield from _faults(token.children or ())


def _parsed(text: str, reader: MarkdownIt = _READER) -> list[Token]:
    return reader.parse(_A_YEAR.sub(r"\1\\\2", text))


def _plain(children: Iterable[Token], between_lines: str) -> str:
    """The words of a paragraph, with the addresses of links behind theirs."""
    found = []
    for token, address in _with_addresses(children):
        if token.type == "text":
            found.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            found.append(between_lines)
        elif address:
            found.append(f" ({address})")
    return "".join(found)


def _with_addresses(children: Iterable[Token]) -> Iterator[tuple[Token, str]]:
    """The parts of a paragraph, the end of a link with its address, where its words are others."""
    address, words = "", ""
    for token in children:
        if token.type == "link_open":
            address, words = str(token.attrGet("href")), ""
        words += token.content
        yield token, address if token.type == "link_close" and words != address else ""


def _paragraph(paragraph: str, lead: str, language: str) -> tuple[str, str]:
    """What stands around the words of a paragraph."""
    lang = f' lang="{escape(language)}"' if language else ""
    named = f' class="{escape(paragraph)}"' if paragraph else ""
    if lead and language:
        return f"<p{named}>{lead} <span{lang}>", "</span></p>"
    return (f"<p{named}>{lead} ", "</p>") if lead else (f"<p{named}{lang}>", "</p>")


class _Writer:
    """Writes one text."""

    def __init__(self, style: Style, paragraph: str, lead: str, language: str) -> None:
        self.style = style
        self.paragraph = paragraph
        self.lead = lead
        self.language = language
        style_of = {
            "bullet_list": style.bullets, "ordered_list": style.numbers, "table": style.table, "thead": style.head,
            "tbody": style.body, "tr": style.row, "th": style.header, "td": style.cell,
        }  # fmt: skip
        self.classes = {name: f' class="{escape(value)}"' if value else "" for name, value in style_of.items()}

    def blocks(self, tokens: list[Token]) -> Iterator[str]:
        """The HTML of each part, in order."""
        closed = "</p>"
        if self.lead and tokens and tokens[0].type != "paragraph_open":
            yield "".join(_paragraph(self.paragraph, self.lead, ""))
            self.lead = ""
        for token, after in pairwise([*tokens, Token("end", "", 0)]):
            name = token.type.removesuffix("_open").removesuffix("_close")
            if token.type == "inline":
                yield from self.inline(token.children or [])
            elif token.hidden:  # a paragraph that is the whole of an item; a list may follow in the same
                if token.nesting < 0 and after.type.endswith("list_open"):
                    yield "\n"
            elif token.type == "paragraph_open":
                opened, closed = _paragraph(self.paragraph, self.lead, "" if token.level else self.language)
                self.lead = ""
                yield opened
            elif token.type == "paragraph_close":
                yield closed
            elif name == "heading":
                yield self.heading(token)
            elif token.nesting > 0:
                yield self.opened(token, name)
            elif token.nesting < 0:
                yield f"</{token.tag}>" + (self.style.around_table[1] if name == "table" else "")

    def heading(self, token: Token) -> str:
        """What opens or closes a heading: two signs make one of the style's level, more signs one below."""
        below = int(len(token.markup) > 2)
        level = self.style.heading + below
        if token.nesting < 0:
            return f"</h{level}>"
        lang = f' lang="{escape(self.language)}"' if self.language and not token.level else ""
        named = self.style.headings[below]
        return f"<h{level}" + (f' class="{escape(named)}"' if named else "") + f"{lang}>"

    def opened(self, token: Token, name: str) -> str:
        """What opens a part, with what is to be known of it."""
        lang = f' lang="{escape(self.language)}"' if self.language and not token.level else ""
        scope = ' scope="col"' if name == "th" else ""
        start = f' start="{token.attrGet("start")}"' if name == "ordered_list" and token.attrGet("start") else ""
        before = self.style.around_table[0] if name == "table" else ""
        return f"{before}<{token.tag}{self.classes.get(name, '')}{scope}{start}{lang}>"

    def inline(self, children: Iterable[Token]) -> Iterator[str]:
        """The HTML of what stands in a paragraph, an item or a cell."""
        is_left_out = False  # a link that leads nowhere here
        for token, address in _with_addresses(children):
            if token.type == "link_open":
                is_left_out = not self.style.points and str(token.attrGet("href")).startswith("#")
            if is_left_out and token.type in ("link_open", "link_close"):
                continue
            match token.type:
                case "text":
                    yield escape(token.content, quote=False)
                case "softbreak":
                    yield "\n"
                case "hardbreak":
                    yield "<br>"
                case "link_open":
                    named = f' class="{escape(self.style.link)}"' if self.style.link else ""
                    href = str(token.attrGet("href"))
                    away = "" if href.startswith("#") else ' rel="noreferrer noopener"'
                    yield f'<a{named} href="{escape(href)}"{away}>'
                case "link_close":
                    told = address and self.style.tells_addresses and not address.startswith("#")
                    yield "</a>" + (f" ({escape(address, quote=False)})" if told else "")
                case "em_open" | "em_close" | "strong_open" | "strong_close":
                    yield f"<{'/' if token.nesting < 0 else ''}{token.tag}>"
