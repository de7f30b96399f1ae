"""The joint findings, counted once more: see `tests/reports/recount.py`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import date
from fnmatch import fnmatchcase
from math import comb, pi, sin, sqrt, tan
from typing import Any

import polars as pl

from tests.reports.recount import (
    ROUNDED,
    VIEWS,
    Expected,
    Export,
    World,
    changes,
    figures,
    frame,
    per_cent,
    put,
    sentence,
    share,
    shares,
    whole,
)


def responses(returns: pl.DataFrame, *by: str) -> dict[Any, dict[str, Any]]:
    """Who was invited and what came of it, by some columns."""
    outcomes = ("on_time", "late", "nil", "in_progress", "not_started")
    counts = {one: (pl.col("outcome") == one).sum().cast(pl.Int64) for one in outcomes} | {"invited": pl.len()}
    found = (returns.group_by(by).agg(**counts) if by else returns.select(**counts)).with_columns(
        submitted=pl.col("on_time") + pl.col("late")
    ).with_columns(percent=whole(pl.col("submitted"), pl.col("invited").cast(pl.Int64) - pl.col("nil")))  # fmt: skip
    return {tuple(row[one] for one in by): {key: row[key] for key in row if key not in by}
            for row in found.iter_rows(named=True)}  # fmt: skip


def put_response(e: Expected, returns: pl.DataFrame, kinds: Iterable[str]) -> None:
    """Who responded, of each agency type that is asked, whether any was invited or not."""
    for kind in kinds:
        put(e, f"response/{kind}|", responses(returns.filter(pl.col("type") == kind))[()])
    for (kind, subtype), row in responses(returns.filter(pl.col("subtype") != ""), "type", "subtype").items():
        put(e, f"response/{kind}|{subtype}", row)
    put(e, "response_total", responses(returns)[()])


def put_criteria(e: Expected, path: str, slots: pl.DataFrame) -> None:
    """The figure of each criterion, and by subtype."""
    for reference, one in figures(slots, "reference").items():
        put(e, f"{path.format(*reference.split('#'))}/{reference}/figure", one)
    for (reference, subtype), one in figures(slots, "reference", "subtype").items():
        kind = reference.split("#")[0]
        put(e, f"{path.format(*reference.split('#'))}/{reference}/by_subtype/{kind}|{subtype}/figure", one)


def against(rows: pl.DataFrame, *by: str) -> dict[Any, dict[str, int]]:
    """What is not in place against its milestone: by then, after it, without a date."""
    rows = rows.filter(pl.col("by").is_not_null())
    gap, expected = pl.col("gap"), pl.col("expected")
    counts = {
        "not_yet": gap.sum(), "no_date": (gap & expected.is_null()).sum(),
        "by_then": (gap & (expected <= pl.col("by"))).sum(), "after": (gap & (expected > pl.col("by"))).sum(),
    }  # fmt: skip
    found = rows.group_by(by).agg(**counts)
    return {row[by[0]]: {key: row[key] for key in counts} for row in found.iter_rows(named=True)}


def put_milestones(e: Expected, rows: pl.DataFrame, totals: bool) -> None:
    of = shares(rows.filter(pl.col("by").is_not_null()), "milestone")
    for key, one in against(rows, "milestone").items():
        put(e, f"milestones/{key}", {name: of[key][name] for name in ("counted", "met", "percent")})
        if totals:
            put(e, f"milestones/{key}", one)
    milestone = dict(rows.select("reference", "milestone").unique().rows())
    of = shares(rows, "reference")
    for reference, one in against(rows, "reference").items():
        if one["not_yet"]:
            put(e, f"milestones/{milestone[reference]}/rows/{reference}", one | {"counted": of[reference]["counted"]})


def assurance(w: World, rows: pl.DataFrame) -> dict[str, Any]:
    """How some agencies know: answers by basis."""
    known = w.pack("findings")["assurance"]
    rows = rows.filter(pl.col("basis").is_not_null() & pl.col("kind").is_not_null())
    met = rows.filter(pl.col("kind") == "met")
    found: dict[str, Any] = {"answers": rows.height, "met": met.height}
    for name in ("checked", "on_paper"):
        number = met.filter(pl.col("basis").is_in(known[name])).height
        found |= {f"{name}_met": number, f"percent_{name}_met": per_cent(number, met.height)}
    found["bases"] = [
        {"key": basis["key"], "answers": (every := rows.filter(pl.col("basis") == basis["key"]).height),
         "percent": per_cent(every, rows.height),
         "met": (of_met := met.filter(pl.col("basis") == basis["key"]).height),
         "percent_met": per_cent(of_met, met.height)}
        for scheme in w.pack("grading_schemes") for basis in scheme["bases"]
    ]  # fmt: skip
    return found


def twin_pairs(x: Export) -> list[tuple[str, str]]:
    """Every two criteria that ask two agencies about one duty, once."""
    order = {reference: place for place, reference in enumerate(x.criteria["reference"])}
    pairs = {
        tuple(sorted((reference, twin), key=order.__getitem__))
        for reference, twins in x.criteria.select("reference", "twins").rows() for twin in twins
        if twin in order and twin != reference
    }  # fmt: skip
    return sorted(pairs, key=lambda pair: (order[pair[0]], order[pair[1]]))


def meetings(x: Export, a: str, b: str) -> pl.DataFrame:
    """Every two agencies of an area that answered a pair of twins, with what the two together say."""
    graded = x.slots.filter(pl.col("kind").is_not_null()).join(x.areas, on="agency")
    one, other = (graded.filter(pl.col("reference") == reference) for reference in (a, b))
    is_met, can = pl.col("kind") == "met", pl.col("kind").is_in(["met", "not_met"])
    return one.join(other, on="area_id", suffix="_b").filter(pl.col("return") != pl.col("return_b")).with_columns(
        view=pl.when(~can | ~pl.col("kind_b").is_in(["met", "not_met"])).then(pl.lit("not_comparable"))
        .when(is_met & (pl.col("kind_b") == "met")).then(pl.lit("both"))
        .when(is_met).then(pl.lit("only_a")).when(pl.col("kind_b") == "met").then(pl.lit("only_b"))
        .otherwise(pl.lit("neither"))
    )  # fmt: skip


def viewed(met: pl.DataFrame) -> dict[str, int]:
    """The two views of pairs of agencies, counted."""
    counts = {view: met.filter(pl.col("view") == view).height for view in VIEWS}
    return counts | {"pairs": met.height, "compared": met.height - counts["not_comparable"]}


def put_twins(w: World, e: Expected) -> None:
    for a, b in twin_pairs(w.now):
        met, path = meetings(w.now, a, b), f"twins/{a}~{b}"
        one = viewed(met)
        apart = per_cent(one["only_a"] + one["only_b"], one["compared"])
        put(e, path, one | {"areas": met["area_id"].n_unique(), "percent_one_sided": apart})
        for area in met["area"].unique():
            put(e, f"{path}/by_area/{area}", viewed(met.filter(pl.col("area") == area)))
        if one["compared"]:
            put(e, f"{path}/sentences/0/params", {key: one[key] for key in ("compared", *VIEWS[:4])})


def spreads(w: World) -> dict[tuple[str, str], dict[str, Any]]:
    """How judgements came out, by agency type and judgement."""
    rules, found = w.pack("judgements"), {}
    judged = w.now.judged.join(w.now.submitted, on="return")
    for profile in rules["profiles"]:
        for kind in profile["agency_types"]:
            for key, judgement in profile["judgements"].items():
                rows = judged.filter((pl.col("type") == kind) & (pl.col("key") == key))
                if not judged.filter(pl.col("type") == kind).height:
                    continue
                scale = judgement.get("scale") or profile["judgements"][judgement["worst_of"][0]]["scale"]
                done = rows.filter(pl.col("holds") != "")
                found[kind, key] = {
                    "total": rows.height, "waiting": rows.height - done.height,
                    "capped": done.filter((pl.col("override") == "") & (pl.col("grade") != pl.col("uncapped"))).height,
                    "overridden": done.filter(pl.col("override") != "").height,
                    "differs": done.filter(pl.col("holds") != pl.col("own")).height,
                    "grades": [
                        {"key": grade["key"], "number": (n := done.filter(pl.col("holds") == grade["key"]).height),
                         "percent": per_cent(n, done.height)}
                        for grade in rules["scales"][scale]["grades"]
                    ],
                }  # fmt: skip
    return found


def ranked(rows: pl.DataFrame, small: int) -> pl.DataFrame:
    """Criteria by the share that is met, the least first; of equals the one with more answers, then by reference."""
    found = [{"reference": reference, **one} for reference, one in figures(rows, "reference").items()]
    schema = {"reference": pl.String} | dict.fromkeys(
        ("counted", "met", "apart", "percent", "percent_apart"), pl.Int64
    )  # fmt: skip
    return (
        frame(found, schema).filter(pl.col("counted") >= small)
        .with_columns(share=(pl.col("met") / pl.col("counted")).round(ROUNDED),
                      unsure=(pl.col("apart") / pl.col("counted")).round(ROUNDED))
        .sort("share", -pl.col("counted"), "reference")
    )  # fmt: skip


def said_of(one: dict[str, Any]) -> dict[str, Any]:
    return {"counted": one["counted"], "number": one["met"], "percent": one["percent"]}


def unsure_of(one: dict[str, Any]) -> dict[str, Any]:
    return {"counted": one["counted"], "number": one["apart"], "percent": one["percent_apart"]}


def widest(found: dict[Any, dict[str, Any]], small: int, *, within: bool) -> tuple[Any, Any] | None:
    """The keys of the two shares that lie furthest apart, the higher first; `within` one type of agency."""
    rows = [{"type": key[0], "of": key[1], "part": one["met"] / one["counted"]}
            for key, one in found.items() if one["counted"] >= small and one["counted"]]  # fmt: skip
    table = frame(rows, {"type": pl.String, "of": pl.String, "part": pl.Float64})
    pairs = table.join(table, how="cross", suffix="_low").filter(pl.col("part") > pl.col("part_low"))
    if within:
        pairs = pairs.filter(pl.col("type") == pl.col("type_low"))
    pairs = pairs.with_columns(apart=(pl.col("part") - pl.col("part_low")).round(ROUNDED))
    if pairs.is_empty():
        return None
    top = pairs.sort("apart", "of", "of_low").row(-1, named=True)
    return (top["type"], top["of"]), (top["type_low"], top["of_low"])


def joint(w: World) -> Expected:
    x, e = w.now, {}
    for kind, optional, number in x.questions.group_by("type", "optional").len().rows():
        put(e, f"agency_types/{kind}", {"optional_criteria" if optional else "criteria": number})
    put_response(e, x.returns, [one["agency_type"] for one in w.pack("templates")])
    for kind, one in figures(x.scored, "type").items():
        put(e, f"overall/by_type/{kind}|/figure", one)
    by_agency = shares(x.scored, "return")
    all_met = sum(one["met"] == one["counted"] > 0 for one in by_agency.values())
    put(e, "overall", {"agencies": len(by_agency), "all_met": all_met,
                       "percent_all_met": per_cent(all_met, len(by_agency)),
                       "areas": x.areas.join(x.returns, on="agency")["area_id"].n_unique()})  # fmt: skip
    put(e, "overall/sentence/params", {"agencies": len(by_agency)} | ({"number": all_met} if all_met else {}))
    for theme, one in figures(x.scored, "theme").items():
        put(e, f"themes/{theme}/figure", one)
    for (theme, kind), one in figures(x.scored, "theme", "type").items():
        put(e, f"themes/{theme}/by_type/{kind}|/figure", one)
    for (theme, kind, subtype), one in figures(x.scored, "theme", "type", "subtype").items():
        put(e, f"themes/{theme}/by_subtype/{kind}|{subtype}/figure", one)
    for theme in x.scored["theme"].unique():
        put_criteria(e, f"themes/{theme}/criteria", x.scored.filter(pl.col("theme") == theme))
    put_criteria(e, "optional", x.slots.filter("optional"))
    put_milestones(e, x.scored, totals=True)
    for kind in x.scored["type"].unique():
        put(e, f"assurance/rows/{kind}", assurance(w, x.scored.filter(pl.col("type") == kind)))
    if (total := assurance(w, x.scored))["answers"]:
        put(e, "assurance/total", total)
    put_twins(w, e)
    for (kind, key), one in spreads(w).items():
        put(e, f"judgements/spreads/{kind}|{key}", one)
    if w.sampled.height:
        put_checks(w, e)
    put_facts(w, e)
    if w.now.staff.height:
        put_staff(w, e)
    put_sentences(w, e)
    return e


def fact_values(x: Export, references: list[str]) -> list[dict[str, Any]]:
    """What was said to some questions of facts."""
    signed = x.submitted.join(x.questions, on="type").join(x.signed, on=["return", "criterion"])
    return [json.loads(one) for one in signed.filter(pl.col("reference").is_in(references))["value"]]


def exact(number: float) -> str:
    """A number with finitely many decimals, as text."""
    return f"{round(number, 6):.6f}".rstrip("0").rstrip(".")


def tenth(number: float) -> float:
    """To one decimal, halves up."""
    return int(round(number * 10, ROUNDED) + 0.5) / 10


def said_to(answer: dict[str, Any], values: list[dict[str, Any]]) -> dict[str, Any]:
    """What values come to: choices counted, numbers and shares spread out, days from first to last."""
    kind = answer["type"]
    own = {"yes_no": "answer", "number": "number", "percentage": "numerator", "date": "date", "choice": "chosen",
           "choices": "choices", "text": "text", "table": "rows", "file": "files"}[kind]  # fmt: skip
    given = [value for value in values if value.get(own) is not None]
    found: dict[str, Any] = {"answers": len(given)}
    if kind in ("yes_no", "choice", "choices"):
        known = ["yes", "no"] if kind == "yes_no" else [one["key"] for one in answer["choices"]]
        chosen = pl.Series([key for value in given for key in ([value[own]] if kind != "choices" else value[own])],
                           dtype=pl.String)  # fmt: skip
        found["chosen"] = {key: (chosen == key).sum() for key in known}
    if kind == "date" and given:
        days = pl.Series([date.fromisoformat(value[own]) for value in given]).sort()
        found["days"] = {"number": days.len(), "earliest": str(days[0]), "median": str(days[(days.len() - 1) // 2]),
                         "latest": str(days[-1])}  # fmt: skip
    if kind in ("number", "table", "percentage"):
        found["spread"] = spread(kind, given)
    return found


def spread(kind: str, given: list[dict[str, Any]]) -> dict[str, Any] | None:
    """How numbers lie: the smallest, the quartiles and the largest; shares to a tenth of a per cent."""
    parts = [value for value in given if kind != "percentage" or value["denominator"]]
    measure = {"number": lambda value: float(value["number"]), "table": lambda value: float(len(value["rows"])),
               "percentage": lambda value: 100 * value["numerator"] / value["denominator"]}[kind]  # fmt: skip
    numbers = pl.Series([measure(value) for value in parts], dtype=pl.Float64)
    if numbers.is_empty():
        return None
    five = [numbers.quantile(at, "linear") for at in (0, 0.25, 0.5, 0.75, 1)]
    names, as_said = ("smallest", "lower", "median", "upper", "largest"), tenth if kind == "percentage" else float
    found: dict[str, Any] = {"number": numbers.len()} | {
        name: exact(as_said(one)) for name, one in zip(names, five, strict=True)
    }
    if kind != "percentage":
        return found | {"total": exact(numbers.sum())}
    part, of = (sum(value[name] for value in parts) for name in ("numerator", "denominator"))
    return found | {"numerator": part, "denominator": of, "together": exact(tenth(100 * part / of))}


def put_facts(w: World, e: Expected) -> None:
    """What facts come to, of each agency type and of all that are asked alike."""
    x = w.now
    facts = x.questions.filter(~pl.col("answer").str.contains('"type": "grade"'))
    places: dict[str, int] = {}
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for one in facts.rows(named=True):
        places.setdefault(one["criterion"], len(places))
        alike = tuple(one[name] for name in ("criterion", "version", "about", "optional", "answer"))
        groups.setdefault(alike, []).append(one)
    said = []
    for alike in sorted(groups.values(), key=lambda group: places[group[0]["criterion"]]):
        answer, rows = json.loads(alike[0]["answer"]), []
        for one in alike:
            asked = x.submitted.filter(pl.col("type") == one["type"])
            if one["subtypes"]:
                asked = asked.filter(pl.col("subtype").is_in(one["subtypes"]))
            rows.append({"agency_type": one["type"], "returns": asked.height,
                         "counted": said_to(answer, fact_values(x, [one["reference"]]))})  # fmt: skip
        together = said_to(answer, fact_values(x, [one["reference"] for one in alike]))
        said.append({"id": alike[0]["criterion"], "rows": rows, "returns": sum(row["returns"] for row in rows),
                     "counted": together})  # fmt: skip
    put(e, "facts", said)


def put_staff(w: World, e: Expected) -> None:
    """What staff say beside what leaders signed, of the agencies of which enough answered."""
    x, survey = w.now, w.pack("survey")
    kinds = {one["key"]: one["counts_as"] for one in survey["answers"]}
    least = survey.get("least", 10)
    given = [
        row | {"counted": sum(n for key, n in chose.items() if kinds[key] != "excluded"),
               "agree": sum(n for key, n in chose.items() if kinds[key] == "agree")}
        for row in x.staff.rows(named=True) if (chose := json.loads(row["chose"])) is not None
    ]  # fmt: skip
    number = pl.Int64
    rows = frame(given, {"return": number, "statement": pl.String, "asked": number, "counted": number, "agree": number})
    rows = rows.join(x.submitted, on="return").with_columns(shown=pl.col("counted") >= least)
    put(e, "staff", {"returns": rows["return"].n_unique()})
    lines = []
    for kind, criterion in x.questions.select("type", "criterion").rows():
        mine = rows.filter((pl.col("type") == kind) & (pl.col("statement") == criterion))
        if mine.is_empty():
            continue
        shown = mine.filter("shown")
        theirs = pl.col("return").is_in(shown["return"].implode())
        graded = share(x.slots.filter((pl.col("criterion") == criterion) & theirs))
        agree, counted = shown["agree"].sum(), shown["counted"].sum()
        lines.append({
            "agency_type": kind, "id": criterion, "agencies": shown.height, "few": mine.height - shown.height,
            "asked": shown["asked"].sum(), "agree": agree, "counted": counted, "percent": per_cent(agree, counted),
            "met": graded["met"], "graded": graded["counted"], "percent_met": graded["percent"],
        })  # fmt: skip
    put(e, "staff/lines", lines)


def put_sentences(w: World, e: Expected) -> None:
    """The numbers of what is said at the head of chapters, and of the key messages."""
    x, small = w.now, w.small
    for theme in x.scored["theme"].unique():
        rows = x.scored.filter(pl.col("theme") == theme)
        types = shares(rows, "type")
        in_order = [types[one["agency_type"]]["percent"] for one in w.pack("templates") if one["agency_type"] in types]
        said: list[dict[str, Any]] = [{"parts": sentence(*in_order)}]
        order = ranked(rows, small)
        if order.height > 1:
            said += [said_of(order.row(-1, named=True)), said_of(order.row(0, named=True))]
        of = shares(rows, "type", "subtype")
        if pair := widest(of, small, within=True):
            said.append({"high_percent": of[pair[0]]["percent"], "low_percent": of[pair[1]]["percent"]})
        unsure = order.filter(pl.col("apart") > 0).sort("unsure", "reference")
        if unsure.height:
            said.append(unsure_of(unsure.row(-1, named=True)))
        for place, params in enumerate(said):
            put(e, f"themes/{theme}/sentences/{place}/params", params)
    of = shares(x.scored.filter(pl.col("by").is_not_null()), "milestone")
    for key, one in against(x.scored, "milestone").items():
        put(e, f"milestones/{key}/sentences/0/params", {name: of[key][name] for name in ("counted", "percent")})
        if one["not_yet"]:
            put(e, f"milestones/{key}/sentences/1/params", one)
    total, paper = assurance(w, x.scored), {}
    if total["met"]:
        paper = {"answers": total["met"], "checked": total["percent_checked_met"],
                 "paper": total["percent_on_paper_met"]}  # fmt: skip
        put(e, "assurance/sentences/0/params", paper)
    by_type = {kind: assurance(w, x.scored.filter(pl.col("type") == kind)) for kind in x.scored["type"].unique()}
    large = sorted(
        (round(one["checked_met"] / one["met"], ROUNDED), kind, one["percent_checked_met"])
        for kind, one in by_type.items() if one["met"] >= small
    )  # fmt: skip
    if len(large) > 1:
        put(e, "assurance/sentences/1/params", {"high_percent": large[-1][2], "low_percent": large[0][2]})
    put_messages(w, e, paper)


def message(e: Expected, path: str, figure: object, of: int | None, **params: Any) -> None:
    """A message: its figure as it is printed, of how many, and the numbers of its sentence."""
    put(e, path, {"figure": str(figure), "sentence": {"params": params}})
    if of is not None:
        put(e, path, {"population": {"params": {"number": of}}})


def put_messages(w: World, e: Expected, paper: dict[str, int]) -> None:
    x, small = w.now, w.small
    total, types = responses(x.returns)[()], responses(x.returns, "type")
    asked = total["invited"] - total["nil"]
    order = sorted((round(one["submitted"] / (one["invited"] - one["nil"]), ROUNDED), kind, one["percent"])
                   for (kind,), one in types.items() if one["percent"] is not None)  # fmt: skip
    message(e, "key_messages/response", f"{total['percent']}%", asked, asked=asked, submitted=total["submitted"],
            high_percent=order[-1][2], low_percent=order[0][2])  # fmt: skip
    if "checks/total/returns/checked" in e:
        of_all = {name: e[f"checks/total/returns/{name}"] for name in ("checked", "found", "population")}
        rate = f"{e['checks/total/returns/tenths'] / 10:.1f}%"
        message(e, "key_messages/adjusted", rate, of_all["population"], **of_all)
    agencies, all_met = e["overall/agencies"], e["overall/all_met"]
    if agencies >= small:
        message(e, "key_messages/everything_met", f"{e['overall/percent_all_met']}%", agencies, agencies=agencies,
                **({"number": all_met} if all_met else {}))  # fmt: skip
    of = {key: one for key, one in shares(x.scored, "theme").items() if one["counted"] >= small}
    part = {key: round(one["met"] / one["counted"], ROUNDED) for key, one in of.items()}
    if len(set(part.values())) > 1:
        low, *_rest, high = sorted(of, key=lambda key: (part[key], key))
        message(e, "key_messages/themes_apart", f"{of[low]['percent']}%", of[low]["counted"],
                low_percent=of[low]["percent"], high_percent=of[high]["percent"])  # fmt: skip
    put_widest(e, shares(x.scored, "theme", "type"), small)
    order = ranked(x.scored, small)
    if order.height > 1:
        first, last = order.row(0, named=True), order.row(-1, named=True)
        message(e, "key_messages/least_met", f"{first['percent']}%", first["counted"], **said_of(first))
    unsure = order.filter(pl.col("apart") > 0).sort("unsure", "reference")
    if unsure.height:
        most = unsure.row(-1, named=True)
        message(e, "key_messages/least_assured", f"{most['percent_apart']}%", most["counted"], **unsure_of(most))
    if paper:
        message(e, "key_messages/assurance", f"{paper['checked']}%", paper["answers"], **paper)
    of, due = shares(x.scored.filter(pl.col("by").is_not_null()), "milestone"), against(x.scored, "milestone")
    missing = {key: one["after"] + one["no_date"] for key, one in due.items() if of[key]["counted"] >= small}
    if any(missing.values()):
        worst = max(missing, key=lambda key: (round(missing[key] / of[key]["counted"], ROUNDED), key))
        message(e, "key_messages/milestone_missed", f"{per_cent(missing[worst], of[worst]['counted'])}%",
                of[worst]["counted"], percent=of[worst]["percent"], missing=missing[worst],
                not_yet=due[worst]["not_yet"])  # fmt: skip
    seen = {pair: viewed(meetings(x, *pair)) for pair in twin_pairs(x)}
    of_pair = {pair: (one["only_a"] + one["only_b"], one["compared"]) for pair, one in seen.items()
               if one["compared"] >= small and one["only_a"] + one["only_b"]}  # fmt: skip
    if of_pair:
        pair = max(of_pair, key=lambda pair: (round(of_pair[pair][0] / of_pair[pair][1], ROUNDED), pair))
        one_sided, compared = of_pair[pair]
        message(e, "key_messages/twins_apart", f"{per_cent(one_sided, compared)}%", compared, compared=compared,
                one_sided=one_sided)  # fmt: skip
    # ten messages fill the page: what is most often met gives way
    if order.height > 1 and sum(fnmatchcase(path, "key_messages/*/figure") for path in e) < 10:
        message(e, "key_messages/most_met", f"{last['percent']}%", last["counted"], **said_of(last))


def put_widest(e: Expected, found: dict[tuple[str, str], dict[str, Any]], small: int) -> None:
    """The theme on which two types of agency differ most."""
    apart: dict[str, list[tuple[float, str, int]]] = {}
    for (theme, kind), one in found.items():
        if one["counted"] >= small:
            apart.setdefault(theme, []).append((round(one["met"] / one["counted"], ROUNDED), kind, one["percent"]))
    spread = {theme: (round(max(parts)[0] - min(parts)[0], ROUNDED), theme)
              for theme, parts in apart.items() if len(parts) > 1}  # fmt: skip
    if spread:
        parts = apart[max(spread, key=spread.__getitem__)]
        high, low = max(parts)[2], min(parts)[2]
        message(e, "key_messages/widest_difference", high - low, None, high_percent=high, low_percent=low)


def put_checks(w: World, e: Expected) -> None:
    """What the sample shows: what chance drew, and apart from it what rules of risk chose."""
    x = w.now
    done = w.sampled.filter("done").select("return", "turn", "risks", criterion="questions").explode("criterion")
    checked = x.slots.filter(pl.col("found").is_not_null()).join(done, on=["return", "criterion"])
    by_chance = checked.filter(pl.col("turn").is_not_null())
    drawn = w.sampled.filter(pl.col("turn").is_not_null()).join(x.submitted, on="return")
    nothing = {"answers": 0, "own_met": 0, "found_met": 0, "adjusted": 0, "lower": 0, "higher": 0}
    frames = dict(x.submitted.group_by("type").len().rows())
    clusters = (
        x.slots.filter(pl.col("kind").is_not_null()).group_by("return", "type").len("size")
        .join(by_chance.group_by("return").agg(
            checked=pl.len(), adjusted=(pl.col("found") != pl.col("checked")).sum()), on="return")
        .join(frame([{"type": kind, "all": n} for kind, n in frames.items()],
                    {"type": pl.String, "all": pl.Int64}), on="type")
        .with_columns(weight=pl.col("all") / pl.len().over("type"))
    )  # fmt: skip
    compared = changes(by_chance, "type")
    for kind, population in frames.items():
        mine = clusters.filter(pl.col("type") == kind)
        put(e, f"checks/types/{kind}", {
            "population": population, "drawn": drawn.filter(pl.col("type") == kind).height, "checked": mine.height,
            "compared": compared[kind], "answers": answers_rate(mine) | answers_between(mine),
            "returns": returns_rate(mine) | returns_between(mine, population),
        })  # fmt: skip
    put(e, "checks/total", {
        "population": sum(frames.values()), "drawn": drawn.height, "checked": clusters.height,
        "compared": changes(by_chance)[()], "answers": answers_rate(clusters) | answers_between(clusters),
        "returns": returns_rate(clusters) | total_between(clusters),
    })  # fmt: skip
    for theme, one in changes(by_chance.filter(~pl.col("optional")), "theme").items():
        put(e, f"checks/themes/{theme}/compared", one)
    for reference, one in changes(by_chance, "reference").items():
        put(e, f"checks/criteria/{reference}/compared", one)
    chosen = w.sampled.filter(pl.col("risks").list.contains("late"))
    of_risk = checked.filter(pl.col("risks").list.contains("late"))
    changed = of_risk.filter(pl.col("found") != pl.col("checked"))["return"].n_unique()
    risk = {"chosen": chosen.height, "checked": of_risk["return"].n_unique(), "changed": changed,
            "compared": changes(of_risk).get((), nothing)}  # fmt: skip
    put(e, "checks/risks/late", risk)
    put(e, "checks/by_risk", risk)
    if w.twice.height:
        e["checks/kappa"] = kappa(w.twice)
    put(e, "checks", {"twice": w.twice.height, "agreed": w.twice.filter(pl.col("found") == pl.col("second")).height})


def kappa(twice: pl.DataFrame) -> str:
    """How far two inspectors agree beyond what their habits alone would give (Cohen)."""
    number = twice.height
    agreed = (twice["found"] == twice["second"]).sum() / number
    habits = [twice.group_by(grade=name).len(name) for name in ("found", "second")]
    together = habits[0].join(habits[1], on="grade").select(pl.col("found") * pl.col("second")).sum().item()
    by_chance = together / number**2
    return f"{(agreed - by_chance) / (1 - by_chance):.2f}"


def tenths(share: float) -> int:
    """A share in tenths of a per cent, halves up; none and all stay what they are."""
    return int(share * 1000) if share in (0, 1) else min(999, max(1, int(share * 1000 + 0.5)))


def returns_rate(clusters: pl.DataFrame) -> dict[str, int]:
    """The share of returns with a change, each weighed by how many it stands for."""
    changed = clusters.filter(pl.col("adjusted") > 0)
    population = clusters.select("type", "all").unique()["all"].sum()
    return {"found": changed.height, "checked": clusters.height, "population": population,
            "tenths": tenths(round(changed["weight"].sum() / population, ROUNDED))}  # fmt: skip


def answers_rate(clusters: pl.DataFrame) -> dict[str, int]:
    """The share of answers that were changed: what was found of some of a return stands for all of it."""
    size = (clusters["weight"] * clusters["size"]).sum()
    changed = (clusters["weight"] * clusters["size"] * clusters["adjusted"] / clusters["checked"]).sum()
    return {"found": clusters["adjusted"].sum(), "checked": clusters["checked"].sum(), "population": round(size),
            "tenths": tenths(round(changed / size, ROUNDED))}  # fmt: skip


def returns_between(clusters: pl.DataFrame, population: int) -> dict[str, int]:
    """How few and how many returns with a change there can be, when so many drawn without replacement had one."""
    drawn, found = clusters.height, clusters.filter(pl.col("adjusted") > 0).height
    possible = range(found, population - drawn + found + 1)

    def chance(number: int, seen: range) -> float:
        ways = sum(comb(number, one) * comb(population - number, drawn - one) for one in seen)
        return ways / comb(population, drawn)

    low = min(number for number in possible if chance(number, range(found, drawn + 1)) > 0.025)
    high = max(number for number in possible if chance(number, range(found + 1)) > 0.025)
    rate = found / drawn
    return {"low": tenths(min(rate, low / population)), "high": tenths(max(rate, high / population))}


def total_between(clusters: pl.DataFrame) -> dict[str, int]:
    """The same over agency types: the weighed share and Student's t times its standard error to both sides.

    Within a type the variance is that of a share with one more of each kind.
    """
    types = clusters.group_by("type").agg(
        drawn=pl.len(), found=(pl.col("adjusted") > 0).sum(), all=pl.col("all").first()
    )  # fmt: skip
    drawn, every, population = pl.col("drawn"), pl.col("all"), types["all"].sum()
    moved = (pl.col("found") + 1) / (drawn + 2)
    rate, variance = types.select(
        (every * pl.col("found") / drawn).sum() / population,
        ((every / population) ** 2 * (1 - drawn / every) * moved * (1 - moved) / drawn).sum().alias("variance"),
    ).row(0)
    reach = student(clusters.height - types.height) * sqrt(variance)
    found = types["found"].sum()
    return within(rate - reach, rate + reach, rate, found, clusters.height - found, population)


def answers_between(clusters: pl.DataFrame) -> dict[str, int]:
    """The interval of the share of answers: as many drawn one by one as its variance is worth, never more than were
    checked, in the exact binomial interval (Korn and Graubard). The variance is Cochran's for two stages."""
    size, checked, part = pl.col("size"), pl.col("checked"), pl.col("adjusted") / pl.col("checked")
    every = (clusters["weight"] * clusters["size"]).sum()
    rate = clusters.select((pl.col("weight") * size * part).sum()).item() / every
    # what was not drawn at random, or shows no spread, is bound in other ways: no return here is so
    assert 0 < rate < 1 and clusters.filter((checked == 1) | (checked == size)).is_empty()
    types = clusters.group_by("type").agg(
        drawn=pl.len(), all=pl.col("all").first(), between=(size * (part - rate)).var(),
        inside=(size**2 * (1 - checked / size) * part * (1 - part) / (checked - 1)).sum(),
    )  # fmt: skip
    drawn, of = pl.col("drawn"), pl.col("all")
    assert types.filter((drawn == 1) | (drawn == of)).is_empty()
    variance = types.select(
        (of**2 * (1 - drawn / of) * pl.col("between") / drawn + of / drawn * pl.col("inside")).sum()
    ).item() / every**2  # fmt: skip
    number, found = clusters["checked"].sum(), clusters["adjusted"].sum()
    factor = (student(number - 1) / student(clusters.height - types.height)) ** 2
    worth = min(float(number), rate * (1 - rate) / variance * factor)
    low = beta(0.025, rate * worth, (1 - rate) * worth + 1)
    return within(low, beta(0.975, rate * worth + 1, (1 - rate) * worth), rate, found, number - found, every)


def within(low: float, high: float, rate: float, found: int, others: int, population: float) -> dict[str, int]:
    """An interval in tenths of a per cent, with its estimate in it, and never against what was seen for certain."""
    least, most = min(rate, found / population), max(rate, 1 - others / population)
    return {"low": tenths(max(least, min(rate, low))), "high": tenths(min(most, max(rate, high)))}


STEPS = 200_000  # in which distributions are added up


def angle(share: float, start: float, density: Callable[[pl.Expr], pl.Expr]) -> float:
    """Up to which angle from `start` to a right one a share of a density lies."""
    step = (pi / 2 - start) / STEPS
    middle = start + (pl.int_range(STEPS) + 0.5) * step
    sums = pl.select(end=middle + step / 2, sum=density(middle).cum_sum())
    return float(sums.filter(pl.col("sum") >= share * pl.col("sum").last())["end"][0])


def student(freedom: int) -> float:
    """Student's t beyond which, to both sides, one case in twenty lies: the tangent of an angle."""
    return sqrt(freedom) * tan(angle(0.975, -pi / 2, lambda at: at.cos() ** (freedom - 1)))


def beta(share: float, a: float, b: float) -> float:
    """Below what a share of the beta distribution lies: the square of a sine."""
    return sin(angle(share, 0, lambda at: at.sin() ** (2 * a - 1) * at.cos() ** (2 * b - 1))) ** 2
