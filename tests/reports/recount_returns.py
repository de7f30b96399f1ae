"""The reports on one return, counted once more: see `tests/reports/recount.py`."""

from __future__ import annotations

from typing import Any

import polars as pl

from tests.reports.recount import (
    ROUNDED,
    Expected,
    World,
    changes,
    figure,
    figures,
    put,
    sentence,
)
from tests.reports.recount_joint import meetings, twin_pairs, viewed
from tests.reports.seeded import AFTER

TODAY = AFTER.date()


def standing_among(table: pl.DataFrame, return_id: int, *, bins: bool) -> dict[str, Any]:
    """Where the share of a return lies among those of others; `table` has a `return` and a `part` for each."""
    others = table.filter(pl.col("return") != return_id)["part"]
    own = table.filter(pl.col("return") == return_id)["part"]
    found: dict[str, Any] = {"others": others.len(), "below": 0, "same": 0, "above": 0}
    if own.is_empty() or others.len() < 5:
        return found
    part = own.item()
    found |= {"own": rounded(part), "below": (others < part).sum(), "same": (others == part).sum(),
              "above": (others > part).sum(),
              "quartiles": [rounded(others.quantile(at, "linear")) for at in (0.25, 0.5, 0.75)]}  # fmt: skip
    if bins:
        tenth = (table["part"] * 10).round(ROUNDED).floor().clip(0, 9).cast(pl.Int64)
        found["bins"] = [(tenth == at).sum() for at in range(10)]
    return found


def rounded(part: float) -> int:
    """A share in whole per cents, halves up; 0 and 100 only where it is none and all."""
    return int(part * 100) if part in (0, 1) else min(99, max(1, int(round(part * 100, ROUNDED) + 0.5)))


def parts_of(rows: pl.DataFrame) -> pl.DataFrame:
    """The share that is met of what counts, by return."""
    rows = rows.filter(pl.col("kind").is_in(["met", "not_met", "apart"]))
    return rows.group_by("return").agg(part=((pl.col("kind") == "met").sum() / pl.len()).round(ROUNDED))


def feedback(w: World) -> Expected:
    x, e = w.now, {}
    rows = x.slots.filter((pl.col("return") == w.return_id) & pl.col("kind").is_not_null())
    mine = x.returns.filter(pl.col("return") == w.return_id).row(0, named=True)
    scored = rows.filter(~pl.col("optional"))
    peers = x.scored.filter(pl.col("type") == mine["type"])
    counts = changes(rows, "standard")
    for standard, own in figures(rows, "standard").items():
        of = counts.get(standard, {"answers": 0, "adjusted": 0})
        held = figure(rows.filter(pl.col("standard") == standard), grade="held", kind="held_kind")
        one = {"own": own, "checked": of["answers"], "adjusted": of["adjusted"]}
        put(e, f"standards/{standard}", one | ({"moderated": held} if of["answers"] else {}))
        put(e, f"answered/{standard}", one)
        table = parts_of(peers.filter(pl.col("standard") == standard))
        if w.return_id in table["return"]:
            put(e, f"answered/{standard}/peers", standing_among(table, w.return_id, bins=False))
        told = [own["met"], own["counted"]]
        if of["answers"]:
            told += [of["answers"], of["adjusted"], held["met"], held["counted"]]
        if own["counted"] or held["counted"]:
            e[f"parts/profile/statements/standard.{standard}/text"] = sentence(*told)
    whole_of = changes(rows)[()]
    like = peers.filter(pl.col("subtype") == mine["subtype"])
    asked = x.slots.filter((pl.col("return") == w.return_id) & ~pl.col("optional") & ~pl.col("depends"))
    put(e, "", {"own": figure(scored), "moderated": figure(scored, grade="held", kind="held_kind"),
                "checked": whole_of["answers"], "adjusted": whole_of["adjusted"],
                "peers": standing_among(parts_of(peers), w.return_id, bins=True),
                "like": standing_among(parts_of(like), w.return_id, bins=True),
                "signed": {"asked": asked.height, "answered": asked["kind"].is_not_null().sum()}})  # fmt: skip
    upheld = whole_of["answers"] - whole_of["adjusted"]
    place = [e[f"peers/{name}"] for name in ("own", "others", "below", "same", "above", "quartiles/1")]
    return e | {
        "parts/profile/statements/overall/text": sentence(e["own/met"], e["own/counted"], e["own/apart"]),
        "parts/profile/statements/overall.checked/text": sentence(e["moderated/met"], e["moderated/counted"]),
        "parts/peers/statements/peers/text": sentence(*place),
        "parts/checked/statements/checked/text": sentence(whole_of["answers"], upheld, whole_of["adjusted"]),
    }


def published_feedback(w: World) -> Expected:
    """The same with the duties that the agency shares, as its areas see them in what is published."""
    x, e = w.now, feedback(w)
    mine = x.submitted.filter(pl.col("return") == w.return_id).row(0, named=True)
    areas = sorted(x.areas.filter(pl.col("agency") == mine["agency"])["area"])
    seen = []
    for pair in twin_pairs(x):
        for own, other in (("only_a", "only_b"), ("only_b", "only_a")):
            if pair[own == "only_b"].split("#")[0] != mine["type"]:
                continue
            for area in areas:
                met = viewed(meetings(x, *pair).filter(pl.col("area") == area))
                if met["compared"]:
                    seen.append({"area": area, "compared": met["compared"], "agree": met["both"] + met["neither"],
                                 "only_own": met[own], "only_other": met[other]})  # fmt: skip
    put(e, "twins", seen)
    return e


def agency_return(w: World) -> Expected:
    x, e = w.now, {}
    rows = x.slots.filter((pl.col("return") == w.return_id) & pl.col("kind").is_not_null())
    put(e, "figure", figure(rows.filter(~pl.col("optional"))))
    for at, standard in enumerate(rows["standard"].unique(maintain_order=True)):
        mine = rows.filter(pl.col("standard") == standard)
        put(e, f"standards/{at}/figure", figure(mine))
        for criterion, files in mine.select("criterion", "files").rows():
            put(e, f"standards/{at}/answers/{criterion}/files", files)
    for criterion, files in rows.filter(~pl.col("optional") & pl.col("gap")).select("criterion", "files").rows():
        put(e, f"outstanding/{criterion}/files", files)
    return e


def receipt(w: World) -> Expected:
    rows = w.now.slots.filter((pl.col("return") == w.return_id) & pl.col("kind").is_not_null())
    e: Expected = {}
    put(e, "", {"answers": rows.height, "criteria": rows.filter(~pl.col("optional"))["criterion"].n_unique()})
    return e


def planned(w: World) -> Expected:
    """The plan of a return that is being written."""
    return plan(w.draft, w.planned.filter(pl.col("return") == w.draft_id))


def planned_since(w: World) -> Expected:
    """What was signed as the plan of a return, as it stands since; what was said of earlier wordings is over."""
    signed = w.now.actions.filter(pl.col("return") == w.return_id)
    since = w.updates.join(signed.select("id", "version"), on=["id", "version"]).group_by("id").agg(
        now=pl.col("state").last(), moved=pl.col("due").drop_nulls().last()
    )  # fmt: skip
    stands = signed.join(since, on="id", how="left").with_columns(
        state=pl.coalesce("now", "state"), due=pl.coalesce("moved", "due")
    )
    return plan(w.now.slots.filter(pl.col("return") == w.return_id), stands)


def plan(rows: pl.DataFrame, actions: pl.DataFrame) -> Expected:
    """The gaps of a return by what is planned for them."""
    gaps = rows.filter("gap").join(actions.drop("return"), on="criterion", how="left")
    counted = gaps.group_by("criterion").agg(
        planned=(pl.col("state").is_not_null() & (pl.col("state") != "dropped")).any(),
        late=(pl.col("expected") > pl.col("by")).first(),
    )
    actions = gaps.filter(pl.col("state").is_not_null())
    still = actions.filter(pl.col("state").is_in(["planned", "under_way"]))
    e: Expected = {}
    put(e, "figures", {
        "gaps": counted.height, "with_action": counted["planned"].sum(), "without_action": (~counted["planned"]).sum(),
        "gaps_after_milestone": counted["late"].sum(), "actions": actions.height,
        "by_state": {one: actions.filter(pl.col("state") == one).height
                     for one in ("planned", "under_way", "done", "dropped")},
        "open_actions": still.height, "overdue": still.filter(pl.col("due") < TODAY).height,
        "after_milestone": still.filter(pl.col("due") > pl.col("by")).height,
        "no_owner": still.filter(pl.col("owner") == "").height, "no_date": still["due"].is_null().sum(),
    })  # fmt: skip
    return e


def form(w: World, rows: pl.DataFrame) -> Expected:
    """A form: how it is answered so far, and what is complete."""
    e: Expected = {}
    scored = rows.filter(~pl.col("optional"))
    put(e, "", {"figure": figure(scored), "asked": scored.height, "complete": scored["whole"].sum()})
    for standard, one in figures(rows, "standard").items():
        mine = rows.filter(pl.col("standard") == standard)
        put(e, f"standards/{standard}", {"figure": one, "complete": mine["whole"].sum()})
    return e


def blank(w: World) -> Expected:
    return form(w, w.draft.with_columns(kind=pl.lit(None, pl.String), whole=pl.lit(False)))


def drafted(w: World) -> Expected:
    return form(w, w.draft)


def moved(w: World) -> Expected:
    """One return beside that of the round before."""
    now = w.now.slots.filter(pl.col("return") == w.return_id)
    agency = now["agency"][0]
    then = w.before.slots.filter((pl.col("agency") == agency) & (pl.col("type") == now["type"][0]))
    both = now.join(then, on="criterion", how="left", suffix="_then")
    out, out_then = pl.col("kind") == "excluded", pl.col("kind_then") == "excluded"
    unsure, unsure_then = pl.col("kind") == "apart", pl.col("kind_then") == "apart"
    move = (
        pl.when(pl.col("version_then").is_null()).then(pl.lit("new"))
        .when(pl.col("version") != pl.col("version_then")).then(pl.lit("changed"))
        .when(pl.col("kind").is_null()).then(pl.lit("blank")).when(pl.col("kind_then").is_null()).then(pl.lit("first"))
        .when(out & out_then).then(pl.lit("same")).when(out_then).then(pl.lit("applies"))
        .when(out).then(pl.lit("not_applicable")).when(pl.col("grade") == pl.col("grade_then")).then(pl.lit("same"))
        .when(unsure & (pl.col("kind_then") == "not_met")).then(pl.lit("unknown"))
        .when(unsure_then & (pl.col("kind") == "not_met")).then(pl.lit("known"))
        .when(pl.col("rank") < pl.col("rank_then")).then(pl.lit("better")).otherwise(pl.lit("worse"))
    )  # fmt: skip
    both = both.with_columns(move=move, days=(pl.col("expected") - pl.col("expected_then")).dt.total_days())
    dropped = then.join(now, on="criterion", how="anti").filter(pl.col("kind").is_not_null())
    e: Expected = {"to_confirm": 0}
    for kind, number in both.group_by("move").len().rows():
        put(e, f"counts/{kind}/number", number)
    put(e, "counts/dropped/number", dropped.height or None)
    alike = both.filter(pl.col("move").is_in(["worse", "unknown", "better", "known", "same"]))
    for name, grade, kind in (("now", "grade", "kind"), ("then", "grade_then", "kind_then")):
        put(e, name, figure(alike.filter(~pl.col("optional")), grade=grade, kind=kind))
        for standard in both["standard"].unique():
            one = figure(alike.filter(pl.col("standard") == standard), grade=grade, kind=kind)
            put(e, f"standards/{standard}/{name}", one)
    # a date says something where the answer says that it is not in place
    dated = both.filter(pl.col("gap") & pl.col("gap_then"))
    for standard, criterion, days in dated.select("standard", "criterion", "days").rows():
        put(e, f"standards/{standard}/changes/{criterion}/days", days)
    return e
