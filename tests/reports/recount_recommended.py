"""The register of recommendations, counted once more: see `tests/reports/recount.py`."""

from __future__ import annotations

from collections import Counter

import polars as pl

from tests.reports.recount import Expected, World, put
from tests.reports.seeded import AFTER

ANSWERS, STEPS = ("accepted", "partly", "not_accepted", "awaited"), ("not_begun", "under_way", "done")
STATES = ("open", "accepted", "under_way", "done", "not_accepted")


def recommended(w: World) -> Expected:
    """What is said to each recommendation, by whom it is addressed to, and who has said nothing."""
    e: Expected = {}
    every = addressed(w).with_columns(in_force=pl.col("withdrawn").is_null())
    now = every.filter("in_force")
    order = w.recommended.sort(pl.col("withdrawn").is_not_null(), "number").rows(named=True)
    past = [
        one["id"] for one in order
        if one["withdrawn"] is None and one["due"] and one["due"] < AFTER.date()
        and every.filter((pl.col("id") == one["id"]) & (pl.col("state") != "done")).height
    ]  # fmt: skip
    put(e, "", {"in_force": sum(one["withdrawn"] is None for one in order), "past": len(past),
                "withdrawn": sum(one["withdrawn"] is not None for one in order),
                "responses": responses(now), "standing": stood(now)})  # fmt: skip
    for place, one in enumerate(order):
        mine = every.filter(pl.col("id") == one["id"])
        due = pl.select(pl.lit(one["published"]).dt.offset_by(pl.int_range(0, 121).cast(pl.String) + "mo"))
        late = due.to_series().search_sorted(one["due"]) if one["due"] else None
        put(e, f"entries/{place}", {
            "number": one["number"], "edition": one["edition"], "withdrawn_in": one["withdrawn"], "months": late,
            "responses": responses(mine), "standing": stood(mine),
        })  # fmt: skip
    addressees = Counter(one["to"] for one in order if one["withdrawn"] is None)
    for place, (kind, number) in enumerate(addressees.items()):
        mine = now.filter(pl.col("to") == kind)
        silent = mine.filter((pl.col("answer") == "awaited") & (pl.col("to") != ""))
        put(e, f"by_addressee/{place}", {
            "addressed": mine["return"].n_unique(), "recommendations": number,
            "waiting": silent["return"].n_unique(), "responses": responses(mine), "standing": stood(mine),
        })  # fmt: skip
    silent = now.filter((pl.col("answer") == "awaited") & (pl.col("to") != ""))
    for (code,), mine in silent.group_by("code"):
        put(e, f"waiting/{code}", {"numbers": mine["number"].sort().to_list()})
    return e


def addressed(w: World) -> pl.DataFrame:
    """A row for each recommendation and addressee, with the latest answer and state."""
    there = w.now.returns.filter(pl.col("outcome") != "nil").select("return", "code", to="type")
    bodies = w.recommended.filter(pl.col("to") == "").with_columns(code=pl.lit(""))
    rows = pl.concat([w.recommended.join(there, on="to"), bodies], how="diagonal")
    for name, said in (("answer", w.responded), ("state", w.tracked)):
        last = said.sort("turn").unique(["id", "return"], keep="last").select("id", "return", "step", **{name: "says"})
        last = last.rename({"step": f"{name}_step"})
        rows = rows.join(last, on=["id", "return"], how="left", nulls_equal=True)
    return rows.with_columns(pl.col("answer").fill_null("awaited"), pl.col("state").fill_null("open"))


def responses(rows: pl.DataFrame) -> dict[str, int]:
    """Of agencies: how many say what, and how far they are."""
    asked = rows.filter(pl.col("to") != "")
    return {
        "asked": asked.height, **{one: asked.filter(pl.col("answer") == one).height for one in ANSWERS},
        **{one: asked.filter(pl.col("answer_step") == one).height for one in STEPS},
    }  # fmt: skip


def stood(rows: pl.DataFrame) -> dict[str, int]:
    """How many addressees stand how."""
    return {one: rows.filter(pl.col("state") == one).height for one in STATES}
