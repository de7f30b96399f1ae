"""The other reports on several agencies, counted once more: see `tests/reports/recount.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import comb
from typing import Any

import polars as pl

from tests.reports.recount import (
    LONDON,
    NOT_CHECKED,
    Expected,
    Export,
    World,
    figure,
    figures,
    pairings,
    put,
    share,
    shares,
)
from tests.reports.recount_joint import (
    against,
    meetings,
    message,
    put_criteria,
    put_milestones,
    put_response,
    ranked,
    spreads,
    twin_pairs,
    viewed,
)
from tests.reports.seeded import AFTER

STRONG, WEAK, ENOUGH, UNSURE = 75, 50, 3, 20  # per cents and criteria, as the area report prints them
OF_CONCERN, BELOW = 10, 15  # answers, and points below the share of all, as the list of concerns prints them
TODAY = AFTER.date()


def place(met: int, counted: int, mean: float) -> str:
    """Where a share lies among all: outside what chance gives in 99.8 or in 95 of 100 cases."""
    if not counted:
        return "none"

    def chance(numbers: range) -> float:
        return sum(comb(counted, n) * mean**n * (1 - mean) ** (counted - n) for n in numbers)

    fewer, more = chance(range(met + 1)), chance(range(met, counted + 1))
    for inside, below, above in ((0.998, "far_below", "far_above"), (0.95, "below", "above")):
        if min(fewer, more) <= (1 - inside) / 2 + 1e-12:
            return below if fewer < more else above
    return "inside"


def in_order(w: World, rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Agencies by type and name."""
    kinds = [one["agency_type"] for one in w.pack("templates")]
    of = rows.select("return", "code", "name", "type", "agency").unique().rows(named=True)
    return sorted(of, key=lambda one: (kinds.index(one["type"]), one["name"].casefold(), one["code"]))


def themes_in(w: World, rows: pl.DataFrame) -> list[str]:
    """The themes of what is asked without optional standards, in the order of the pack."""
    asked = pl.col("type").is_in(rows["type"].unique().implode())
    used = set(w.now.criteria.filter(~pl.col("optional") & asked)["theme"])
    return [theme["key"] for theme in w.pack("themes") if theme["key"] in used]


def put_agencies(w: World, e: Expected, rows: pl.DataFrame, among: pl.DataFrame) -> None:
    """Agencies in a line each; their place is among those of `among`."""
    scored = rows.filter(~pl.col("optional"))
    whole_of, parts, checked = shares(scored, "code"), shares(scored, "code", "theme"), pairings(rows, "code")
    all_of = share(among.filter(~pl.col("optional")))
    for code, one in whole_of.items():
        put(e, f"agencies/{code}", {
            "share": one, "checked": checked.get(code, NOT_CHECKED),
            "parts": [parts.get((code, theme), NOTHING) for theme in themes_in(w, rows)],
            "place": place(one["met"], one["counted"], all_of["met"] / all_of["counted"]),
        })  # fmt: skip


NOTHING = {"met": 0, "counted": 0, "apart": 0}


def states(w: World) -> pl.DataFrame:
    """How each agency stands on each recommendation that it is asked about: by the worst of what cites it."""
    by, expected, kind = pl.col("by"), pl.col("expected"), pl.col("held_kind")
    state = (
        pl.when(kind == "excluded").then(pl.lit(4)).when(kind == "met").then(pl.lit(3))
        .when(by < TODAY).then(pl.lit(0)).when((kind == "apart") | expected.is_null()).then(pl.lit(1))
        .when(by.is_not_null() & (expected > by)).then(pl.lit(1))
        .when(by.is_null() & (expected < TODAY)).then(pl.lit(0)).otherwise(pl.lit(2))
    )  # fmt: skip
    cited = w.now.slots.explode("recommendations").filter(pl.col("recommendations").is_not_null())
    worst = pl.when(kind.is_not_null()).then(state).min().fill_null(4)
    return cited.group_by("code", "type", "recommendations").agg(state=worst)


STATES = ("overdue", "unlikely", "on_track", "met")


def reference_of(w: World, recommendation: str) -> str:
    """How readers cite a recommendation."""
    report, number = recommendation.split("/")
    short = next(one["short"] for one in w.pack("recommendation_reports") if one["key"] == report)
    return f"{short['en'] if isinstance(short, dict) else short} {number}"


def summary(w: World) -> Expected:
    x, e = w.now, {}
    of = pl.col("type").is_in(w.types)
    rows = x.slots.filter(of)
    scored = rows.filter(~pl.col("optional"))
    put_response(e, x.returns.filter(of), w.types)
    for day, number in x.submitted.filter(of).group_by(LONDON).len().rows():
        put(e, f"came_in/{day.isoformat()}/number", number)
    put(e, "figure", figure(scored))
    put(e, "checked", pairings(rows)[()])
    for kind in w.types:
        mine, path = rows.filter(pl.col("type") == kind), f"types/{kind}"
        put(e, path, {"submitted": mine["return"].n_unique(), "checked": pairings(mine)[()],
                      "figure": figure(mine.filter(~pl.col("optional")))})  # fmt: skip
        checked = pairings(mine, "standard")
        for standard, one in figures(mine, "standard").items():
            put(e, f"{path}/standards/{standard}", {"figure": one, "checked": checked.get(standard, NOT_CHECKED)})
        for (standard, subtype), one in figures(mine, "standard", "subtype", given=True).items():
            put(e, f"{path}/standards/{standard}/by_subtype/{kind}|{subtype}/figure", one)
        put_criteria(e, f"{path}/criteria", mine)
        for (of_kind, key), one in spreads(w).items():
            if of_kind == kind:
                put(e, f"{path}/judgements/{kind}|{key}", one)
    put_milestones(e, scored, totals=False)
    put_agencies(w, e, rows, rows)
    follow = states(w).filter(of)
    for recommendation in follow["recommendations"].unique():
        mine = follow.filter(pl.col("recommendations") == recommendation)
        put(e, f"followed/{reference_of(w, recommendation)}",
            {name: mine.filter(pl.col("state") == at).height for at, name in enumerate(STATES)})  # fmt: skip
    put_summary_messages(w, e, rows)
    return e


def put_summary_messages(w: World, e: Expected, rows: pl.DataFrame) -> None:
    asked = e["response_total/invited"] - e["response_total/nil"]
    message(e, "messages/response", f"{e['response_total/percent']}%", asked, expected=asked,
            submitted=e["response_total/submitted"])  # fmt: skip
    scored = rows.filter(~pl.col("optional"))
    one = figure(scored)
    if not one["counted"]:
        e.update(dict.fromkeys([path for path in e if path.startswith("messages/")]))
        return
    message(e, "messages/met", f"{one['percent']}%", one["counted"], met=one["met"], counted=one["counted"])
    if one["apart"]:
        message(e, "messages/apart", f"{one['percent_apart']}%", one["counted"], number=one["apart"])
    for first in ranked(scored, w.small).head(1).rows(named=True):
        message(e, "messages/least", f"{first['percent']}%", first["counted"], met=first["met"],
                counted=first["counted"])  # fmt: skip
    pair = pairings(rows)[()]
    if pair["answers"]:
        message(e, "messages/checked", f"{pair['adjusted']:,}", pair["answers"],
                **{name: pair[name] for name in ("answers", "adjusted", "lower")})  # fmt: skip
    late = {path: number for path, number in e.items() if path.startswith("followed/") and path.endswith("/overdue")}
    if any(late.values()):
        message(e, "messages/overdue", f"{sum(late.values()):,}", None, number=max(late.values()))


def area(w: World) -> Expected:
    x, e = w.now, {}
    rows = x.here(x.slots, area=w.area)
    scored = rows.filter(~pl.col("optional"))
    others = x.areas.join(x.returns, on="agency")["area_id"].n_unique() - 1
    put(e, "", {"invited": x.here(x.returns, area=w.area).height, "others": others})
    put_agencies(w, e, rows, x.slots)
    due = against(scored, "code")
    nothing = {"not_yet": 0, "by_then": 0, "after": 0, "no_date": 0}
    for code, one in figures(scored, "code", given=True).items():
        put(e, f"agencies/{code}", due.get(code, nothing) | {"figure": one})
    put(e, "here", share(scored))
    put(e, "everywhere", share(x.scored))
    agencies, asked = in_order(w, rows), []
    for a, b in twin_pairs(x):
        met = meetings(x, a, b).filter(pl.col("area") == w.area)
        if met.height:
            one = viewed(met)
            put(e, f"twins/{a}~{b}", one)
            if one["only_a"] + one["only_b"]:
                asked.append({"rule": "twins", "number": one["only_a"] + one["only_b"]})
    parts, here, everywhere = shares(scored, "code", "theme"), shares(scored, "theme"), shares(x.scored, "theme")
    for theme in themes_in(w, rows):
        of = [parts.get((one["code"], theme), NOTHING) for one in agencies]
        enough = [one["percent"] for one in of if one["counted"] >= ENOUGH]
        weak = sum(one < WEAK for one in enough)
        put(e, f"themes/{theme}", {
            "here": here.get(theme, NOTHING), "everywhere": everywhere.get(theme, NOTHING), "agencies": of,
            "weak": weak, "of": len(enough),
        })  # fmt: skip
        if len(enough) > 1 and weak * 2 >= len(enough) and min(enough) < STRONG:
            asked.append({"rule": "shared_gap", "weak": weak, "of": len(enough)})
    late = [(one["name"], due.get(one["code"], nothing)) for one in agencies]
    asked.append({"rule": "milestone", "agencies": named((name, one["after"] + one["no_date"]) for name, one in late)})
    whole_of = shares(scored, "code")
    unsure = [(one["name"], whole_of[one["code"]]["apart"]) for one in agencies
              if (whole_of[one["code"]]["percent_apart"] or 0) >= UNSURE]  # fmt: skip
    asked.append({"rule": "apart", "agencies": named(unsure)})
    missing = x.here(x.returns, area=w.area).filter(pl.col("outcome").is_in(["in_progress", "not_started"]))
    asked += [{"rule": "missing"}] if missing.height else []
    said = [one for one in asked if one.get("agencies") != ""]
    put(e, "questions", [{"rule": one.pop("rule"), "sentence": {"params": one}} for one in said])
    return e


def named(numbered: Iterable[tuple[str, int]]) -> str:
    """Agencies with a number each, those with the most first."""
    found = sorted((one for one in numbered if one[1]), key=lambda one: -one[1])
    return "; ".join(f"{name} ({number})" for name, number in found)


def concerns(w: World) -> dict[str, list[tuple[str, dict[str, int]]]]:
    """Agency to its reasons for concern, each with its numbers."""
    x = w.now
    found: dict[str, list[tuple[str, dict[str, int]]]] = {one["code"]: [] for one in in_order(w, x.slots)}
    rules = w.pack("judgements")
    for profile in rules["profiles"]:
        for kind in profile["agency_types"]:
            rows = x.judged.join(x.submitted.filter(pl.col("type") == kind), on="return")
            for key, judgement in profile["judgements"].items():
                scale = judgement.get("scale") or profile["judgements"][judgement["worst_of"][0]]["scale"]
                lowest = rules["scales"][scale]["grades"][-1]["key"]
                for code in rows.filter((pl.col("key") == key) & (pl.col("holds") == lowest))["code"]:
                    found[code].append(("judged", {}))
    for code in w.monitored["code"]:
        found[code].append(("monitored", {}))
    for code, late, of in (
        states(w).filter(pl.col("state") < 4).group_by("code")
        .agg(late=(pl.col("state") == 0).sum(), of=pl.len()).rows()
    ):  # fmt: skip
        if late and late * 2 >= of:
            found[code].append(("overdue", {"of": of, "number": late}))
    of_all = share(x.scored)
    for code, one in shares(x.scored, "code").items():
        if place(one["met"], one["counted"], of_all["met"] / of_all["counted"]) == "far_below":
            found[code].append(("far_below", {"met": one["met"], "counted": one["counted"]}))
        if (one["percent_apart"] or 0) >= UNSURE:
            found[code].append(("apart", {"counted": one["counted"], "number": one["apart"]}))
    for code, one in pairings(x.slots, "code").items():
        if one["lower"] and one["lower"] * 4 >= one["answers"]:
            found[code].append(("changed", {"answers": one["answers"], "lower": one["lower"]}))
    for code in x.returns.filter(pl.col("outcome").is_in(["in_progress", "not_started"]))["code"]:
        found[code] = [("missing", {})]
    return {code: of for code, of in found.items() if of}


def kinds_of(found: Iterable[list[tuple[str, dict[str, int]]]]) -> dict[str, int]:
    """Kind of concern to how many agencies give it."""
    every = pl.Series([kind for one in found for kind in {kind for kind, _numbers in one}], dtype=pl.String)
    return dict(every.value_counts().rows())


def regional(w: World) -> Expected:
    x, e = w.now, {}
    found = concerns(w)
    nil = pl.col("outcome") == "nil"
    put(e, "", {"invited": x.returns.filter(~nil).height, "submitted": x.submitted.height,
                "agencies_of_concern": len(found), "kinds": kinds_of(found.values())})  # fmt: skip
    themes = themes_in(w, x.slots)
    of_theme, of_agency = shares(x.scored, "theme"), shares(x.scored, "code")
    of_standard = shares(x.scored, "type", "standard")
    put(e, "everywhere", share(x.scored))
    put(e, "everywhere_by_theme", [of_theme.get(theme, NOTHING) for theme in themes])
    places = x.areas.join(x.returns, on="agency")
    # where no area has a region, area by area
    of = "region" if places.filter(pl.col("region") != "").height else "area"
    names = sorted(places[of].unique(), key=lambda name: (not name, name.casefold()))
    regions: list[dict[str, Any]] = []
    standards = x.criteria.select("type", "standard").unique(maintain_order=True).rows()
    for name in names:
        returns, scored = x.here(x.returns, **{of: name}), x.here(x.scored, **{of: name})
        mine = {code: of for code, of in found.items() if code in set(returns["code"])}
        here = shares(scored, "theme")
        of_here = shares(scored, "type", "standard")
        weak = [
            {"key": key[1], "here": one, "everywhere": of_standard[key]}
            for key in standards
            if (one := of_here.get(key, NOTHING))["counted"] >= OF_CONCERN
            and (one["percent"] < WEAK or of_standard[key]["percent"] - one["percent"] >= BELOW)
        ]
        regions.append({
            "name": name, "invited": returns.filter(~nil).height, "submitted": scored["return"].n_unique(),
            "share": share(scored), "themes": [here.get(theme, NOTHING) for theme in themes],
            "kinds": kinds_of(mine.values()), "standards": sorted(weak, key=lambda one: one["here"]["percent"]),
            "agencies": [
                {"code": code, "share": of_agency.get(code, NOTHING),
                 "concerns": [{"sentence": {"params": params}} for _kind, params in reasons]}
                for code, reasons in mine.items()
            ],
        })  # fmt: skip
    put(e, "regions", regions)
    return e


def progress(w: World) -> Expected:
    x, before, e = w.now, w.before, {}
    if before is None:
        put(e, "", {"both": 0, "only_now": 0, "only_then": 0, "then": NOTHING, "now": NOTHING})
        return e
    ours, theirs = (one.submitted.select("agency", "type") for one in (x, before))
    both = ours.join(theirs, on=["agency", "type"])
    put(e, "", {"both": both.height, "only_now": ours.height - both.height, "only_then": theirs.height - both.height})
    alike = x.criteria.join(before.criteria, on=["reference", "version", "scheme"]).select("reference")
    sides = {}
    for name, one in (("then", before), ("now", x)):
        sides[name] = one.scored.join(both, on=["agency", "type"]).join(alike, on="reference")
    of = {name: shares(rows.filter(pl.col("kind").is_not_null()), "reference") for name, rows in sides.items()}
    shown = {reference for parts in of.values() for reference, one in parts.items() if one["counted"]}
    for reference in shown:
        then, now = (of[name].get(reference, NOTHING) for name in ("then", "now"))
        known = then.get("percent") is not None and now.get("percent") is not None
        put(e, f"movements/{reference}", {"then": then, "now": now,
                                          "change": now["percent"] - then["percent"] if known else None})  # fmt: skip
    for name, rows in sides.items():
        rows = rows.filter(pl.col("reference").is_in(list(shown)))
        put(e, name, share(rows))
        for kind, one in figures(rows, "type", given=True).items():
            put(e, f"types/{kind}/{name}", one)
    planned = w.planned.join(before.submitted, on="return").join(both, on=["agency", "type"])
    for kind in planned["type"].unique():
        mine = planned.filter(pl.col("type") == kind)["state"]
        states = ("done", "under_way", "planned", "dropped")
        put(e, f"actions/{kind}", {state: (mine == state).sum() for state in states})
    return e


# --- the register of responses ---------------------------------------------------------------------------------------


def register(w: World) -> Expected:
    """What was decided on each recommendation, and how far those addressed have come."""
    x, e = w.now, {}
    rows = x.submitted.join(x.criteria, on="type").join(x.signed, on=["return", "criterion"])
    decisions = decided(x)
    said = rows.join(decisions.select("reference"), on="reference").with_columns(
        chosen=pl.col("value").str.json_path_match("$.chosen"), recommendation=pl.col("recommendations").list.first()
    ).filter(pl.col("chosen").is_not_null())  # fmt: skip
    by_report = decisions.with_columns(
        recommendation=pl.col("recommendations").list.first(),
        report=pl.col("recommendations").list.first().str.split("/").list.first(),
    )
    for report in by_report["report"].unique():
        mine = by_report.filter(pl.col("report") == report)
        keys = mine["recommendation"].unique(maintain_order=True)
        given = said.filter(pl.col("recommendation").is_in(keys.implode()))
        put(e, f"reports/{report}/undecided", keys.len() - given["recommendation"].n_unique())
        for choice in {one["key"] for answer in mine["answer"] for one in json.loads(answer)["choices"]}:
            put(e, f"reports/{report}/decisions/{choice}/number", given.filter(pl.col("chosen") == choice).height)
        first = mine.unique("recommendation", keep="first")
        for milestone, number in first.drop_nulls("milestone").group_by("milestone").len().rows():
            put(e, f"reports/{report}/timescales/{milestone}/number", number)
        for at, key in enumerate(keys):
            for kind, one in progressed(x, [key], "type").items():
                put(e, f"reports/{report}/entries/{at}/progress/{kind}", one)
        for day, of in ((w.before.due, w.before), (x.due, x)):
            total = progressed(of, list(keys)).get((), {"by_grade": []})
            put(e, f"reports/{report}/over_time/{day}/by_grade", total["by_grade"])
    return e


def decided(x: Export) -> pl.DataFrame:
    """The questions that decide on a recommendation: a choice, of a scheme without anything met or not met."""
    schemes = x.grades.group_by("scheme").agg(out=(pl.col("kind") == "excluded").all())
    return x.criteria.join(schemes, on="scheme").filter(
        pl.col("out") & pl.col("answer").str.contains('"type": "choice"') & (pl.col("recommendations").list.len() == 1)
    )


def progressed(x: Export, keys: list[str], *by: str) -> dict[Any, dict[str, Any]]:
    """The grades given to what follows some recommendations up, by some columns."""
    schemes = x.grades.group_by("scheme").agg(out=(pl.col("kind") == "excluded").all())
    asked = x.criteria.join(schemes, on="scheme").filter(~pl.col("out")).explode("recommendations")
    asked = asked.filter(pl.col("recommendations").is_in(keys)).select("type", "criterion", "scheme")
    rows = x.submitted.join(asked, on="type").join(x.signed, on=["return", "criterion"])
    rows = rows.join(x.grades, on=["scheme", "grade"])
    found: dict[Any, dict[str, Any]] = {}
    for *key, grade, number in rows.group_by(*by, "grade").len().rows():
        one = found.setdefault(key[0] if key else (), {"answers": 0, "by_grade": []})
        one["answers"] += number
        one["by_grade"].append({"key": grade, "number": number})
    for (kind,) in asked.select("type").unique().rows() if by else ():
        found.setdefault(kind, {"answers": 0})
    return found
