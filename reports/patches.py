"""Six small changes to WeasyPrint and pydyf that make rendering faster and leave every byte as it is.

Each does nothing at any other version than the one it was written for, and each can be dropped on its own: take its
line out of `PATCHES`. `tests/reports/test_engine_patches.py` compares what comes out with what comes out without.
docs/rendering.md says what each gains and how it could become part of the library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from math import inf
from operator import itemgetter
from typing import Any

import pydyf
import weasyprint
from cssselect2 import ElementWrapper
from weasyprint import CSS
from weasyprint.draw import text as drawing
from weasyprint.formatting_structure import build
from weasyprint.html import UA, UA_COUNTER_STYLE
from weasyprint.layout import inline, preferred
from weasyprint.pdf import fonts
from weasyprint.text import ffi as native
from weasyprint.text import line_break
from weasyprint.text.constants import LST_TO_ISO, PANGO_DIRECTION
from weasyprint.text.fonts import font_features, get_font_description

VERSIONS = ("70.0", "0.13.0")  # of WeasyPrint and pydyf
SHORT = 60  # characters; longer strings seldom come twice
MOST = 50_000  # remembered strings of one document
NOTE = re.compile(r"^::(foot)?note-.*$", re.MULTILINE)  # of the library's own style sheet
SIZED = re.compile(r"^hb_codepoint_t\[\d+\]$")
Undo = Callable[[], None]
Patch = Callable[[], list[Undo]]


def _replace(owner: Any, name: str, value: Any) -> Undo:
    before = owner.__dict__[name]
    setattr(owner, name, value)
    return lambda: setattr(owner, name, before)


# --- 1: the references of pages -------------------------------------------------------------------------------------


def page_references() -> list[Undo]:
    """The tuple of page references is made once, not again for every structure element: it took time by the square."""

    def references(self: Any) -> tuple[bytes, ...]:
        kids = self.pages["Kids"]
        known: tuple[bytes, ...] = self.__dict__.get("_page_references", ())
        if len(known) * 3 != len(kids):
            known = self._page_references = tuple(f"{number} 0 R".encode() for number in kids[::3])
        return known

    return [_replace(pydyf.PDF, "page_references", property(references))]


# --- 2: Pango contexts ----------------------------------------------------------------------------------------------

CONTEXT = ("direction", "lang", "font_language_override")
FONT = (
    "font_family", "font_style", "font_stretch", "font_weight", "font_size", "font_variant_caps",
    "font_variation_settings",
)  # fmt: skip
FEATURES = (
    "font_kerning", "font_variant_ligatures", "font_variant_position", "font_variant_caps", "font_variant_numeric",
    "font_variant_alternates", "font_variant_east_asian", "font_feature_settings",
)  # fmt: skip
BREAKING = (
    "white_space", "letter_spacing", "word_spacing", "overflow_wrap", "word_break", "hyphens", "hyphenate_character",
    "hyphenate_limit_chars", "hyphenate_limit_zone", "tab_size", "text_decoration_line",
)  # fmt: skip
LOOK = tuple(dict.fromkeys(CONTEXT + FONT + FEATURES))


# what of a style decides how its text is shaped, as a key: values, so that a changed style is another
_look = itemgetter(*LOOK)
_look_and_breaks = itemgetter(*LOOK, *BREAKING)


def pango_contexts() -> list[Undo]:
    """One Pango context, font description and feature string for all text that looks alike, not one for each string."""
    setup = line_break.Layout.setup
    ffi, gobject, pango = native.ffi, native.gobject, native.pango

    def made(style: Any) -> tuple[Any, Any, Any, Any]:
        context = ffi.gc(pango.pango_font_map_create_context(style.font_config.font_map), gobject.g_object_unref)
        pango.pango_context_set_round_glyph_positions(context, False)
        pango.pango_context_set_base_dir(context, PANGO_DIRECTION[style["direction"]])
        override = style["font_language_override"]
        name = style["lang"] if override == "normal" else LST_TO_ISO.get(override.lower(), override)
        if name:
            pointer, _kept = native.unicode_to_char_p(name)
            language = pango.pango_language_from_string(pointer)
            pango.pango_context_set_language(context, language)
        else:
            language = pango.pango_language_get_default()
        features = font_features(*(style[key] for key in FEATURES))
        words = ",".join(f"{key} {value}" for key, value in features.items()).encode()
        return context, language, get_font_description(style), words

    def remembered(self: Any, style: Any) -> None:
        if style["text_decoration_line"] != "none":  # needs metrics, and is rare
            setup(self, style)
            return
        known = style.font_config.__dict__.setdefault("_looks", {})
        try:
            found = known.get(key := _look(style))
        except TypeError:  # a value that cannot be a key
            setup(self, style)
            return
        if found is None:
            found = known[key] = made(style)
        context, self.language, description, features = found
        self.style, self.first_line_direction = style, 0
        self.layout = ffi.gc(pango.pango_layout_new(context), gobject.g_object_unref)
        pango.pango_layout_set_auto_dir(self.layout, False)
        pango.pango_layout_set_font_description(self.layout, description)
        self.ascent = self.underline_position = self.strikethrough_position = None
        if features:
            attributes = ffi.gc(pango.pango_attr_list_new(), pango.pango_attr_list_unref)
            pango.pango_attr_list_insert(attributes, pango.pango_attr_font_features_new(features))
            pango.pango_layout_set_attributes(self.layout, attributes)

    return [_replace(line_break.Layout, "setup", remembered)]


# --- 3: short strings -----------------------------------------------------------------------------------------------


def short_strings() -> list[Undo]:
    """How a short string breaks into lines, and the glyphs that it is painted with, are worked out once a document."""
    split, draw, layout = line_break.split_first_line, drawing.draw_first_line, line_break.Layout
    reactivate, deactivate = layout.reactivate, layout.deactivate

    def split_first_line(
        text: str, style: Any, context: Any, max_width: Any, justification_spacing: Any,
        is_line_start: bool = True, minimum: bool = False,
    ) -> Any:  # fmt: skip
        def stock() -> Any:
            return split(text, style, context, max_width, justification_spacing, is_line_start, minimum)

        if len(text) > SHORT or "\n" in text or "\t" in text or "\xad" in text or style["letter_spacing"] != "normal":
            return stock()
        known = style.font_config.__dict__.setdefault("_lines", {})
        try:
            key = (text, justification_spacing, _look_and_breaks(style))
            whole = known.get(key)
        except TypeError:
            return stock()
        # what fits on a line is the same on any line that is wide enough
        if whole and (max_width is None or whole[3] <= max_width):
            found = whole
        else:
            found = known.get(narrow := (key, max_width, is_line_start, minimum))
            if found is None:
                if len(known) >= MOST:
                    known.clear()
                found = stock()
                fits = found[2] is None and max_width not in (None, inf) and found[3] <= max_width
                known[key if fits else narrow] = found
        again = copy(found[0])
        again.max_width = max_width
        return (again, *found[1:])

    runs: dict[Any, Any] = {}
    of: list[Any] = [None]  # the fonts of the document that `runs` is of

    class Recorder:
        """Passes on what is painted, and remembers it."""

        def __init__(self, stream: Any) -> None:
            self.stream, self.done = stream, []  # type: ignore[var-annotated]
            self.ink_rect, self.logical_rect = stream.ink_rect, stream.logical_rect
            self.add_font, self.set_text_matrix = stream.add_font, stream.set_text_matrix

        def __getattr__(self, name: str) -> Any:
            real = getattr(self.stream, name)

            def call(*given: Any) -> None:
                self.done.append((name, given))
                real(*given)

            return call

    def lazy(self: Any, style: Any) -> None:
        self.awaited = style

    def forget(self: Any) -> None:
        if self.__dict__.pop("awaited", None) is None:
            deactivate(self)

    def draw_first_line(stream: Any, textbox: Any, text_overflow: str, block_ellipsis: str, matrix: Any) -> Any:
        lines, style = textbox.pango_layout, textbox.style
        waits = "awaited" in lines.__dict__
        plain = waits and text_overflow != "ellipsis" and block_ellipsis == "none" and len(lines.text) <= SHORT
        key = None
        if plain:
            if of[0] is not stream._fonts or len(runs) >= MOST:
                runs.clear()
                of[0] = stream._fonts
            try:
                key = (lines.text, textbox.text.strip() == "", lines.justification_spacing, _look_and_breaks(style))
                done = runs.get(key)
            except TypeError:
                key = done = None
            if done is not None:
                first, *rest = done
                if first:
                    stream.set_text_matrix(*matrix.values)
                for name, given in rest:
                    getattr(stream, name)(*given)
                return []
        if waits:
            del lines.awaited
            reactivate(lines, style)
        if key is None:
            return draw(stream, textbox, text_overflow, block_ellipsis, matrix)
        painted = bool(textbox.text.strip()) and style["font_size"] >= 1e-6
        text = lines.text
        recorder = Recorder(stream)
        emojis = draw(recorder, textbox, text_overflow, block_ellipsis, matrix)
        if not emojis and lines.text == text:
            runs[key] = [painted, *recorder.done]
        return emojis

    undo = [_replace(module, "split_first_line", split_first_line) for module in (line_break, inline, preferred)]
    undo += [_replace(drawing, "draw_first_line", draw_first_line)]
    undo += [_replace(layout, "reactivate", lazy), _replace(layout, "deactivate", forget)]
    return undo


# --- 4: charts ------------------------------------------------------------------------------------------------------


def charts() -> list[Undo]:
    """No styles and boxes are made for what is inside an SVG: it is painted from its attributes, and has no boxes."""

    def iter_subtree(self: Any) -> Iterator[Any]:
        open_ = [iter([self])]
        while open_:
            element = next(open_[-1], None)
            if element is None:
                open_.pop()
                continue
            yield element
            if element.etree_element.tag != "{http://www.w3.org/2000/svg}svg":
                open_.append(element.iter_children())

    stock = build.element_to_box

    def element_to_box(element: Any, style_for: Any, *given: Any, **named: Any) -> Any:
        return stock(element, style_for, *given, **named) if style_for(element) is not None else []

    return [_replace(ElementWrapper, "iter_subtree", iter_subtree), _replace(build, "element_to_box", element_to_box)]


# --- 5: notes -------------------------------------------------------------------------------------------------------


def notes() -> list[Undo]:
    """No styles are made for notes, footnotes and markers that each element could have: six, of which few have any.

    Markers are styled where there are any, in lists. Pages that have notes are not for this patch; ours have none.
    """
    sheet = CSS(string=NOTE.sub("", UA).replace("\n::marker", "\nli::marker"), counter_style=UA_COUNTER_STYLE)

    def sheets(self: Any, forms: bool = False) -> list[Any]:
        return stock(self, True) if forms else [sheet]

    stock = weasyprint.HTML._ua_stylesheets
    return [_replace(weasyprint.HTML, "_ua_stylesheets", sheets)]


# --- 6: glyphs ------------------------------------------------------------------------------------------------------


def glyphs() -> list[Undo]:
    """Arrays of glyphs are of a type that has no length: one that has is parsed again for each length."""

    class Unsized:
        def __getattr__(self, name: str) -> Any:
            return getattr(native.ffi, name)

        def new(self, kind: str, *given: Any) -> Any:
            return native.ffi.new(SIZED.sub("hb_codepoint_t[]", kind), *given)

    return [_replace(fonts, "ffi", Unsized())]


PATCHES: tuple[Patch, ...] = (page_references, pango_contexts, short_strings, charts, notes, glyphs)


def fit() -> bool:
    """Whether the libraries are those that the patches were written for."""
    return (weasyprint.__version__, pydyf.__version__) == VERSIONS


def apply(patches: tuple[Patch, ...] = PATCHES) -> Undo:
    """Apply the patches where they fit; gives what takes them back."""
    undo = [one for patch in patches for one in patch()] if fit() else []

    def back() -> None:
        for one in reversed(undo):
            one()

    return back


@contextmanager
def applied(patches: tuple[Patch, ...] = PATCHES) -> Iterator[None]:
    """The patches, while it is open."""
    back = apply(patches)
    try:
        yield
    finally:
        back()
