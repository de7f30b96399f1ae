"""Markdown that authors of packs write, as parts of a page: without HTML of their own, pictures, or links elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

_CLASSES = {
    "paragraph_open": "govuk-body",
    "bullet_list_open": "govuk-list govuk-list--bullet",
    "ordered_list_open": "govuk-list govuk-list--number",
    "table_open": "govuk-table",
    "thead_open": "govuk-table__head",
    "tbody_open": "govuk-table__body",
    "tr_open": "govuk-table__row",
    "th_open": "govuk-table__header",
    "td_open": "govuk-table__cell",
}
_READER = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "html_block", "html_inline"])


def _rendered(tokens: Sequence[Token]) -> str:
    return str(_READER.renderer.render(tokens, _READER.options, {}))


def markdown(text: str, *, below: int) -> Markup:
    """A text in Markdown as HTML whose headings are smaller than those of level `below`. Links become their words."""
    tokens = _READER.parse(text)
    for token in tokens:
        if token.type in _CLASSES:
            token.attrSet("class", _CLASSES[token.type])
        if token.type == "th_open":
            token.attrSet("scope", "col")
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(below + 1, 6)}"
            if token.nesting == 1:
                token.attrSet("class", "govuk-heading-s")
        if token.children:
            token.children = [child for child in token.children if child.type not in ("link_open", "link_close")]
    return Markup(_in_regions(tokens))  # noqa: S704 -- made by the renderer, which escapes what it is given


def _in_regions(tokens: Sequence[Token]) -> str:
    """The tokens as HTML, with a region that scrolls around each table."""
    before = f'<div class="cnd-scroll" tabindex="0" role="region" aria-label="{escape(_("Table"))}">'
    found: list[Any] = []
    waiting: list[Token] = []
    for token in tokens:
        if token.type == "table_open":
            found += [_rendered(waiting), before]
            waiting = []
        waiting.append(token)
        if token.type == "table_close":
            found += [_rendered(waiting), "</div>"]
            waiting = []
    return "".join([*found, _rendered(waiting)])
