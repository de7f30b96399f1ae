"""The charts of pages, as inline SVG without styles or scripts.

Words, numbers, lightness and hatching say whatever colour says, so that a copy in grey and a reader without colours
have it too. A chart says what it shows in its accessible name; the page puts its table beside it. Charts of rows are
as wide as their place and keep the size of their letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from flask_babel import gettext as _
from markupsafe import Markup, escape

from app.domain.control import Limits
from app.domain.findings import Figure
from reports.charts import ACCENT, INK, NOT_MET, Tone, heat, tone

# fills of the heat map from low to high, and the colour of the letters on them; none: too few to say
HEAT = {
    "h0": ("#f1f5f6", INK), "h1": ("#dde8eb", INK), "h2": ("#bcd2d8", INK), "h3": ("#8fb3bd", INK),
    "h4": ("#3f7886", "#ffffff"), "h5": (INK, "#ffffff"), "hx": ("#ffffff", INK),
}  # fmt: skip
GREY = "#5d6f74"
BAR = 28  # height of a bar
NARROW = 6  # per cent of a bar below which nothing can be written into a part
LETTER = 7.4  # the width of a letter of a bar, in about


@dataclass(frozen=True)
class Part:
    """A part of a bar: how often, what it stands for, how it looks, and where it leads (may be empty)."""

    label: str
    count: int
    tone: Tone
    href: str = ""


def tones(grades: Sequence[tuple[str, str]]) -> dict[str, Tone]:
    """The tone of each grade that counts, in a bar’s order, from (key, what it counts as) in the scheme’s order."""
    found: dict[str, Tone] = {}
    for role in ("met", "not_met", "apart"):
        own = [key for key, kind in grades if kind == role]
        found |= {key: tone(role, place, len(own)) for place, key in enumerate(own)}
    return found


def hatches() -> Markup:
    """The patterns that bars are hatched with; once on a page, before its first bar."""
    patterns = Markup("").join(
        Markup(
            '<pattern id="{}" width="6" height="6" patternUnits="userSpaceOnUse"{}>'
            '<path d="M3 0V6" stroke="{}" stroke-width="1.2"/></pattern>'
        ).format(
            _hatch_id(kind, line),
            Markup(' patternTransform="rotate(45)"') if kind == "diagonal" else "",
            line,
        )
        for kind, line in (("diagonal", "#5d8793"), ("upright", "#5d8793"), ("upright", "#ffffff"))
    )
    return Markup('<svg width="0" height="0" aria-hidden="true" focusable="false"><defs>{}</defs></svg>').format(
        patterns
    )


def _hatch_id(kind: str, line: str) -> str:
    return f"hatch-{kind}-{line.lstrip('#')}"


def bar(parts: Iterable[Part], name: str) -> Markup:
    """A bar of shares with its counts written into it; `name` says what it is of. Empty where nothing is counted.

    A bar whose parts lead somewhere is a group of links, any other a picture.
    """
    given = [part for part in parts if part.count]
    total = sum(part.count for part in given)
    if not total:
        return Markup("")
    words = ", ".join(f"{part.label} {part.count}" for part in given)
    drawn, before = [], 0
    for part in given:
        drawn.append(_part(part, 100 * before / total, 100 * part.count / total))
        before += part.count
    role = "group" if any(part.href for part in given) else "img"
    # by f-strings, as everything that a page has a hundred times: the formatter of Markup takes five times as long
    return Markup(  # noqa: S704 (numbers, and texts that are escaped)
        f'<svg class="cnd-chart" width="100%" height="{BAR}" role="{role}" aria-label="{escape(f"{name}: {words}")}"'
        f' focusable="false">{"".join(drawn)}<rect x="0.5" y="0.5" width="99.9%" height="{BAR - 1}" fill="none"'
        f' stroke="{INK}"/></svg>'
    )


def _part(part: Part, x: float, width: float) -> str:
    look, label = part.tone, escape(part.label)
    letters = ""
    if width >= NARROW:
        # a phone leaves the words out: they stand in the legend
        fits = LETTER * (len(part.label) + 5) < 6 * width
        words = f'<tspan class="cnd-chart__words"> {label}</tspan>'
        letters = (
            f'<text x="6" y="19" font-size="14" fill="{look.text}" stroke="{look.fill}" stroke-width="5"'
            f' paint-order="stroke">{part.count}{words if fits else ""}</text>'
        )
    inside = (
        f'<svg x="{x:.3f}%" y="0" width="{width:.3f}%" height="{BAR}">'
        f'<rect width="100%" height="100%" fill="{look.fill}"/>{_hatching(look, "100%", "100%")}'
        f'<rect width="1" height="100%" fill="#ffffff"/>{letters}</svg>'
    )
    if not part.href:
        return inside
    return (
        f'<a href="{escape(part.href)}" aria-label="{part.count} {label}"><title>{part.count} {label}</title>'
        f"{inside}</a>"
    )


def profile(parts: Sequence[tuple[str, int, str]], name: str) -> Markup:
    """A slim bar of (words, number, fill), without words in it: the numbers stand beside it in its table."""
    given = [part for part in parts if part[1]]
    total = sum(number for _words, number, _fill in given)
    if not total:
        return Markup("")
    drawn, upto = "", 0
    for _words, number, fill in given:
        drawn += (
            f'<rect x="{1000 * upto / total:.1f}" width="{1000 * number / total:.1f}" height="10" fill="{fill}"'
            ' stroke="#ffffff" stroke-width="2" vector-effect="non-scaling-stroke"/>'
        )
        upto += number
    words = escape(f"{name}: {', '.join(f'{words} {number}' for words, number, _fill in given)}")
    return Markup(  # noqa: S704 (numbers, our own fills, and words that are escaped)
        '<svg class="cnd-bar cnd-bar--slim" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img"'
        f' focusable="false"><title>{words}</title>{drawn}</svg>'
    )


def _hatching(look: Tone, width: str, height: str) -> str:
    if look.hatching == "none":
        return ""
    return f'<rect width="{width}" height="{height}" fill="url(#{_hatch_id(look.hatching, look.line)})"/>'


def swatch(look: Tone) -> Markup:
    """How a part of a bar looks, for the words beside it."""
    return Markup(
        '<svg width="24" height="16" aria-hidden="true" focusable="false"><rect width="24" height="16" fill="{}"/>{}'
        '<rect x="0.5" y="0.5" width="23" height="15" fill="none" stroke="{}"/></svg>'
    ).format(look.fill, Markup(_hatching(look, "24", "16")), INK)  # noqa: S704 (of our own tones)


def tile(figure: Figure, small: int) -> Markup:
    """A cell of the heat map: the share on its colour. The words that say the same stand beside it, in the cell."""
    step = heat(figure, small)
    fill, ink = HEAT[step]
    if figure.percent is None:
        words = "–"
    elif step == "hx":
        words = _("few")
    else:
        words = f"{figure.percent}%"
    dashes = ' stroke-dasharray="3 3"' if step == "hx" else ""
    return Markup(  # noqa: S704 (numbers, and a word that is escaped)
        '<svg class="cnd-chart" width="58" height="26" aria-hidden="true" focusable="false">'
        f'<rect x="0.5" y="0.5" width="57" height="25" fill="{fill}" stroke="{GREY}"{dashes}/>'
        f'<text x="29" y="18" font-size="15" text-anchor="middle" fill="{ink}">{escape(words)}</text></svg>'
    )


def dots(first: Figure, second: Figure, name: str) -> Markup:
    """Two shares on one line from 0 to 100: a ring for the first, a filled dot for the second, a line between."""
    marks = ""
    ring_at, dot_at = (_inset(100 * one.met / one.counted) if one.counted else None for one in (first, second))
    if ring_at is not None and dot_at is not None:
        marks += (
            f'<line x1="{ring_at:.2f}%" x2="{dot_at:.2f}%" y1="13" y2="13"'
            f' stroke="{ACCENT if dot_at < ring_at else INK}" stroke-width="3"/>'
        )
    if dot_at is not None:
        marks += f'<circle cx="{dot_at:.2f}%" cy="13" r="6" fill="{INK}"/>'
    if ring_at is not None:
        marks += (
            f'<circle cx="{ring_at:.2f}%" cy="13" r="7.5" fill="none" stroke="#ffffff" stroke-width="5"/>'
            f'<circle cx="{ring_at:.2f}%" cy="13" r="7.5" fill="none" stroke="{ACCENT}" stroke-width="2.5"/>'
        )
    return Markup(  # noqa: S704 (numbers, and a name that is escaped)
        f'<svg class="cnd-chart" width="240" height="26" role="img" aria-label="{escape(name)}" focusable="false">'
        f"{_scale()}{marks}</svg>"
    )


@cache
def _scale() -> str:
    """The line that `dots` stand on, with its quarters."""
    ticks = "".join(
        f'<line x1="{_inset(at):.2f}%" x2="{_inset(at):.2f}%" y1="{5 if at % 50 else 1}" y2="{21 if at % 50 else 25}"'
        ' stroke="#b8c7ca"/>'
        for at in (0, 25, 50, 75, 100)
    )
    return f'<line x1="{_inset(0):.2f}%" x2="{_inset(100):.2f}%" y1="13" y2="13" stroke="#b8c7ca"/>{ticks}'


def _inset(share: float) -> float:
    """A place from 0 to 100 with room for half a dot at both ends."""
    return 4 + 0.92 * share


def share(number: int, of: int, name: str) -> Markup:
    """A bar of `number` of `of`, for a cell; the words beside it say the same. Empty of nothing."""
    if not of:
        return Markup("")
    return Markup(
        '<svg class="cnd-chart" width="160" height="18" role="img" aria-label="{}" focusable="false">'
        '<rect width="{:.2f}%" height="18" fill="{}"/>'
        '<rect x="0.5" y="0.5" width="159" height="17" fill="none" stroke="{}"/></svg>'
    ).format(name, 100 * number / of, INK, GREY)


def box(points: Sequence[float], least: float, most: float, name: str) -> Markup:
    """Where numbers lie on a line from `least` to `most`: smallest, quartiles and largest, or first, middle and last.

    A line from end to end, a box between the quartiles, an upright line in the middle.
    """
    places = [_inset(100 * (one - least) / (most - least) if most > least else 50) for one in points]
    first, middle, last = places[0], places[len(places) // 2], places[-1]
    drawn = f'<line x1="{first:.2f}%" x2="{last:.2f}%" y1="13" y2="13" stroke="{INK}" stroke-width="2"/>'
    for end in (first, last):
        drawn += f'<line x1="{end:.2f}%" x2="{end:.2f}%" y1="8" y2="18" stroke="{INK}" stroke-width="2"/>'
    if len(places) == 5:
        drawn += (
            f'<rect x="{places[1]:.2f}%" y="5" width="{places[3] - places[1]:.2f}%" height="16" fill="{NOT_MET[0]}"'
            f' stroke="{INK}"/>'
        )
    drawn += f'<line x1="{middle:.2f}%" x2="{middle:.2f}%" y1="2" y2="24" stroke="{ACCENT}" stroke-width="4"/>'
    return Markup(  # noqa: S704 (numbers, and a name that is escaped)
        f'<svg class="cnd-chart" width="240" height="26" role="img" aria-label="{escape(name)}" focusable="false">'
        f"{drawn}</svg>"
    )


def ring() -> Markup:
    """The first mark of `dots`, for the words beside it."""
    return Markup(
        '<svg width="18" height="18" aria-hidden="true" focusable="false"><circle cx="9" cy="9" r="6.5" fill="none"'
        ' stroke="{}" stroke-width="2.5"/></svg>'
    ).format(ACCENT)


def dot() -> Markup:
    """The second mark of `dots`, for the words beside it."""
    return Markup(
        '<svg width="18" height="18" aria-hidden="true" focusable="false"><circle cx="9" cy="9" r="6" fill="{}"/></svg>'
    ).format(INK)


# --- the funnel plot -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """Agencies at one place of the funnel plot. Those outside have a `href`; `name` is what a pointer is told."""

    counted: int
    share: float
    agencies: int
    name: str
    outside: str = ""
    href: str = ""
    label: str = ""


WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 940, 470, 58, 24, 14, 52


def funnel(points: Sequence[Point], limits: Sequence[Limits], mean: float, name: str, about: str) -> Markup:
    """The share met of each agency against the number of criteria that count, with the limits around the mean.

    `name` is the accessible name, `about` a longer description. Empty without limits.
    """
    if not limits:
        return Markup("")
    least, most = limits[0].counted - 1, limits[-1].counted + 1
    lowest = min([one.share for one in points] + [limit.outer_low for limit in limits])
    floor = max(0.0, int(lowest * 10 - 0.3) / 10)

    def x(counted: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (counted - least) / (most - least)

    def y(share: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share) / (1 - floor)

    drawn: list[Markup] = [_axes(x, y, least, most, floor)]
    for attribute, dashes in (
        ("outer_low", ""), ("outer_high", ""), ("inner_low", "6 4"), ("inner_high", "6 4"),
    ):  # fmt: skip
        path = "".join(
            f"{'L' if place else 'M'}{x(one.counted - 0.5):.1f} {y(getattr(one, attribute)):.1f}"
            f"H{x(one.counted + 0.5):.1f}"
            for place, one in enumerate(limits)
        )
        drawn.append(
            Markup('<path d="{}" fill="none" stroke="{}" stroke-width="1.5"{}/>').format(
                path, GREY, Markup(' stroke-dasharray="{}"').format(dashes) if dashes else ""
            )
        )
    drawn.append(
        Markup('<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}" stroke="{}" stroke-width="2"/>').format(
            LEFT, WIDTH - RIGHT, y(mean), y(mean), INK
        )
    )
    drawn += [_point(one, x(one.counted), y(one.share)) for one in sorted(points, key=lambda p: bool(p.outside))]
    furthest = sorted(points, key=lambda one: -abs(one.share - mean))
    drawn += _labels([(one, x(one.counted), y(one.share)) for one in furthest])
    linked = any(one.href for one in points)
    return Markup(
        '<svg class="cnd-chart" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="{2}" aria-label="{3}"'
        ' focusable="false"><desc>{4}</desc>{5}</svg>'
    ).format(WIDTH, HEIGHT, "group" if linked else "img", name, about, Markup("").join(drawn))


def _axes(x, y, least: int, most: int, floor: float) -> Markup:  # type: ignore[no-untyped-def]
    drawn = []
    for tenth in range(round(floor * 10), 11):
        drawn.append(
            Markup(
                '<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}" stroke="#dfe7e8"/>'
                '<text x="{}" y="{:.1f}" font-size="14" text-anchor="end" fill="{}">{}%</text>'
            ).format(LEFT, WIDTH - RIGHT, y(tenth / 10), y(tenth / 10), LEFT - 8, y(tenth / 10) + 5, INK, tenth * 10)
        )
    step = next(size for size in (1, 2, 5, 10, 20, 50, 100, 1000) if (most - least) / size <= 14)
    for counted in range(-(-max(1, least) // step) * step, most + 1, step):
        drawn.append(
            Markup('<text x="{:.1f}" y="{}" font-size="14" text-anchor="middle" fill="{}">{}</text>').format(
                x(counted), HEIGHT - BOTTOM + 20, INK, counted
            )
        )
    drawn.append(
        Markup('<text x="{}" y="{}" font-size="14" text-anchor="middle" fill="{}">{}</text>').format(
            (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, INK, _("Criteria that count")
        )
    )
    return Markup("").join(drawn)


def _radius(one: Point) -> float:
    # by area: four agencies at one place make a dot of twice the size
    return min(14.0, 3.5 * one.agencies**0.5)


def _point(one: Point, x: float, y: float) -> Markup:
    radius = _radius(one)
    name = escape(one.name)
    if one.outside.startswith("far"):
        # a shape of its own, so that it is found without colours
        size = f"{radius + 2.5:.1f}"
        drawn = (
            f'<path d="M{x:.1f} {y - radius - 2.5:.1f}l{size} {size}l-{size} {size}l-{size} -{size}z" fill="{ACCENT}"'
            f' stroke="#ffffff"><title>{name}</title></path>'
        )
    else:
        fill, stroke = (ACCENT, "#ffffff") if one.outside else (NOT_MET[0], INK)
        drawn = (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}" stroke="{stroke}">'
            f"<title>{name}</title></circle>"
        )
    if one.href:
        drawn = f'<a href="{escape(one.href)}" aria-label="{name}">{drawn}</a>'
    return Markup(drawn)  # noqa: S704 (numbers, and texts that are escaped)


def _labels(points: Sequence[tuple[Point, float, float]]) -> list[Markup]:
    """Names beside the points that have one, as many as there is room for: none stands on another, nor on a dot."""
    dots = [(x - _radius(one), y - _radius(one), x + _radius(one), y + _radius(one)) for one, x, y in points]
    taken: list[tuple[float, float, float, float]] = []
    drawn = []
    for one, x, y in points:
        if not one.label:
            continue
        wide, gap = 6.6 * len(one.label), _radius(one) + 5
        for left in (x + gap, x - gap - wide):
            box = (left, y - 9, left + wide, y + 6)
            inside = box[0] >= LEFT and box[2] <= WIDTH - 2
            if inside and not any(
                box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
                for other in (*taken, *dots)
            ):
                taken.append(box)
                drawn.append(
                    Markup(
                        '<text x="{:.1f}" y="{:.1f}" font-size="13" fill="{}" stroke="#ffffff" stroke-width="3"'
                        ' paint-order="stroke" aria-hidden="true">{}</text>'
                    ).format(left, y + 4, INK, one.label)
                )
                break
    return drawn
