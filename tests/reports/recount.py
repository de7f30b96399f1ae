"""The figures of reports, counted once more: from what agencies signed, as it is exported, with polars.

An export is the signed content of each submission as JSON, the published pack version as JSON, and the ledger's rows
(who was invited, what was set aside, what inspectors found). Nothing here uses what the program counts with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import (
    Agency,
    AgencyInArea,
    Area,
    AuditReturn,
    AuditRound,
    Declaration,
    Judgement,
    Moderation,
    Submission,
    SubmissionVoided,
    SurveyResult,
)
from reports.source import Source

MET, APART = pl.col("kind") == "met", pl.col("kind") == "apart"
COUNTED = pl.col("kind").is_in(["met", "not_met", "apart"])
LONDON = pl.col("signed_at").dt.convert_time_zone("Europe/London").dt.date()


# --- the export ------------------------------------------------------------------------------------------------------


def unfolded(value: Any) -> Any:
    """Published JSON keeps the order of free mappings as pairs: these as mappings again."""
    if isinstance(value, list):
        return [unfolded(one) for one in value]
    if isinstance(value, dict):
        if set(value) == {"pairs"}:
            return {key: unfolded(one) for key, one in value["pairs"]}
        return {key: unfolded(one) for key, one in value.items()}
    return value


def frame(rows: Iterable[Mapping[str, Any]], schema: Mapping[str, Any]) -> pl.DataFrame:
    """Rows as a frame with these columns, of none too."""
    return pl.DataFrame([{key: row.get(key) for key in schema} for row in rows], schema=schema, orient="row")


@dataclass(frozen=True)
class Export:
    """What a round gives out. `returns`, `areas`, `signed` and `found` have a row for each of what they are called;
    `actions` for each that was signed."""

    pack: dict[str, Any]
    milestones_from: date
    due: date
    returns: pl.DataFrame
    areas: pl.DataFrame
    signed: pl.DataFrame
    found: pl.DataFrame
    judged: pl.DataFrame
    staff: pl.DataFrame
    actions: pl.DataFrame

    @classmethod
    def of(cls, session: Session, audit_round: AuditRound) -> Export:
        """Read it."""
        voided = set(session.scalars(select(SubmissionVoided.submission_id)))
        content: dict[int, dict[str, Any]] = {}  # return to what it signed last, if that is in force
        signed_at = {one.submission_id: one.signed_at for one in session.scalars(select(Declaration))}
        last: dict[int, Submission] = {}
        for one in session.scalars(
            select(Submission).join(AuditReturn).where(AuditReturn.round_id == audit_round.id)
            .order_by(Submission.number)
        ):  # fmt: skip
            if one.id not in voided:
                last[one.return_id], content[one.return_id] = one, json.loads(one.content)
        returns, answers, actions = [], [], []
        rows = session.execute(
            select(AuditReturn, Agency).join(Agency, Agency.id == AuditReturn.agency_id)
            .where(AuditReturn.round_id == audit_round.id)
        )  # fmt: skip
        for audit_return, agency in rows:
            submission = last.get(audit_return.id)
            at = signed_at[submission.id] if submission else None
            until = max(filter(None, (audit_round.due, audit_return.extended_to)))
            outcome = {"nil": "nil", "invited": "not_started"}.get(audit_return.stage, "in_progress")
            if submission:
                outcome = "late" if submission.submitted_at > until else "on_time"
            returns.append({
                "return": audit_return.id, "code": agency.code, "agency": agency.id, "name": agency.name,
                "type": audit_return.agency_type, "subtype": audit_return.subtype, "outcome": outcome,
                "signed_at": at,
            })  # fmt: skip
            for answer in content.get(audit_return.id, {}).get("answers", ()):
                value = answer["value"]
                answers.append({
                    "return": audit_return.id, "criterion": answer["criterion"], "scope": answer["scope"],
                    "grade": value.get("grade"), "basis": value.get("basis"), "files": value.get("files"),
                    "expected": date.fromisoformat(day) if (day := value.get("date_expected")) else None,
                    "value": json.dumps(value),
                })  # fmt: skip
            actions += [
                action | {"return": audit_return.id, "due": date.fromisoformat(day) if (day := action["due"]) else None}
                for action in content.get(audit_return.id, {}).get("actions", ())
            ]
        in_force = {one.id for one in last.values()}
        found = [
            {"return": one.return_id, "criterion": one.criterion, "scope": one.scope_key, "version": one.version,
             "own": one.self_grade, "found": one.grade}
            for one in session.scalars(select(Moderation).where(Moderation.second.is_(False)))
            if one.submission_id in in_force
        ]  # fmt: skip
        judged = [
            {"return": one.return_id, "key": one.key, "grade": one.grade, "uncapped": one.uncapped,
             "own": one.self_grade, "override": one.override if one.approved_at else ""}
            for one in session.scalars(select(Judgement))
        ]  # fmt: skip
        staff = [
            {"return": one.return_id, "statement": one.statement, "asked": one.asked, "chose": json.dumps(one.counts)}
            for one in session.scalars(select(SurveyResult))
        ]  # fmt: skip
        day = audit_round.due.date()
        places = [
            {"agency": member.agency_id, "area": area.name, "area_id": area.public_id, "region": area.region}
            for member, area in session.execute(select(AgencyInArea, Area).join(Area))
            if member.starts <= day and (member.ends is None or member.ends >= day)
        ]
        text, number = pl.String, pl.Int64
        return cls(
            pack=unfolded(json.loads(audit_round.pack_version.content)),
            milestones_from=audit_round.milestones_from,
            due=day,
            returns=frame(returns, {"return": number, "code": text, "agency": number, "name": text, "type": text,
                                    "subtype": text, "outcome": text, "signed_at": pl.Datetime("us", "UTC")}),
            areas=frame(places, {"agency": number, "area": text, "area_id": text, "region": text}),
            signed=frame(answers, {"return": number, "criterion": text, "scope": text, "grade": text, "basis": text,
                                   "files": number, "expected": pl.Date, "value": text}),
            found=frame(found, {"return": number, "criterion": text, "scope": text, "version": number, "own": text,
                                "found": text})
            .sort("version").unique(["return", "criterion", "scope"], keep="last").drop("version"),
            judged=frame(judged, dict.fromkeys(("key", "grade", "uncapped", "own", "override"), text)
                         | {"return": number})
            .with_columns(holds=pl.when(pl.col("override") != "").then("override").otherwise("grade")),
            staff=frame(staff, {"return": number, "statement": text, "asked": number, "chose": text}),
            actions=frame(actions, {"return": number, "id": text, "criterion": text, "owner": text, "due": pl.Date,
                                    "state": text, "version": number}),
        )  # fmt: skip

    @cached_property
    def criteria(self) -> pl.DataFrame:
        """The questions whose answers come to a grade."""
        return self.questions.filter("graded")

    @cached_property
    def questions(self) -> pl.DataFrame:
        """Every question of each agency type, as the pack has it."""
        rows = [
            {
                "type": template["agency_type"], "criterion": one["id"], "number": f"{place}.{step}",
                "reference": f"{template['agency_type']}#{one['id']}", "standard": standard["id"], "place": place,
                "optional": standard["optional"], "theme": one["theme"], "milestone": one["milestone"],
                "subtypes": one["subtypes"], "scheme": one["grading"] or template["grading"],
                "version": one["version"], "recommendations": one["recommendations"], "twins": one["twins"],
                "depends": one["shown_if"] is not None, "about": one.get("scope"), "answer": json.dumps(one["answer"]),
                "graded": one["answer"]["type"] == "grade" or '"grade' in json.dumps(one["answer"]),
            }
            for template in self.pack["templates"]
            for place, standard in enumerate(template["standards"], start=1)
            for step, one in enumerate(standard["criteria"], start=1)
        ]  # fmt: skip
        words, text = pl.List(pl.String), pl.String
        return frame(rows, {
            "type": text, "criterion": text, "number": text, "reference": text, "standard": text, "place": pl.Int64,
            "optional": pl.Boolean, "theme": text, "milestone": text, "subtypes": words, "scheme": text,
            "version": pl.Int64, "recommendations": words, "twins": words, "depends": pl.Boolean,
            "about": text, "answer": text, "graded": pl.Boolean,
        })  # fmt: skip

    @cached_property
    def grades(self) -> pl.DataFrame:
        """What each grade counts as: `met`, `not_met`, `apart` or `excluded`; `rank` 0 is the best."""
        rows = [
            {"scheme": scheme["key"], "grade": one["key"], "rank": rank,
             "kind": "apart" if one["shown_apart"] and one["counts_as"] == "not_met" else one["counts_as"]}
            for scheme in self.pack["grading_schemes"]
            for rank, one in enumerate(scheme["grades"])
        ]  # fmt: skip
        return frame(rows, {"scheme": pl.String, "grade": pl.String, "rank": pl.Int64, "kind": pl.String})

    @cached_property
    def milestones(self) -> pl.DataFrame:
        """The day of each milestone."""
        rows = [{"milestone": one["key"], "months": f"{one['months']}mo"} for one in self.pack["milestones"]]
        return frame(rows, {"milestone": pl.String, "months": pl.String}).select(
            "milestone", by=pl.lit(self.milestones_from).dt.offset_by(pl.col("months"))
        )

    @cached_property
    def submitted(self) -> pl.DataFrame:
        """The returns with a submission in force."""
        return self.returns.filter(pl.col("signed_at").is_not_null())

    def asked(self, returns: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
        """A row for each graded question that some returns were asked, answered or (no `kind`) not."""
        return (
            returns.join(self.criteria, on="type")
            .filter((pl.col("subtypes").list.len() == 0) | pl.col("subtypes").list.contains(pl.col("subtype")))
            .join(answers, on=["return", "criterion"], how="left")
            .join(self.grades, on=["scheme", "grade"], how="left")
            .join(self.milestones, on="milestone", how="left")
            .with_columns(gap=pl.col("kind").is_in(["not_met", "apart"]))
        )

    @cached_property
    def slots(self) -> pl.DataFrame:
        """The same of what was submitted. `checked` is the grade that an inspector looked at, `found` what it was
        found to be (each with its kind and rank); `held` is what holds of both."""
        asked = self.asked(self.submitted, self.signed).join(
            self.found.rename({"own": "checked"}), on=["return", "criterion", "scope"], how="left"
        )  # fmt: skip
        for name in ("checked", "found"):
            of = {"grade": name, "kind": f"{name}_kind", "rank": f"{name}_rank"}
            asked = asked.join(self.grades.rename(of), on=["scheme", name], how="left")
        return asked.with_columns(held=pl.coalesce("found", "grade"), held_kind=pl.coalesce("found_kind", "kind"))

    @cached_property
    def scored(self) -> pl.DataFrame:
        """Without optional standards."""
        return self.slots.filter(~pl.col("optional"))

    def here(self, rows: pl.DataFrame, **area: str) -> pl.DataFrame:
        """Of some rows those of agencies of an area or a region."""
        [(name, value)] = area.items()
        return rows.filter(pl.col("agency").is_in(self.areas.filter(pl.col(name) == value)["agency"].implode()))


# --- figures ---------------------------------------------------------------------------------------------------------


def whole(part: pl.Expr, of: pl.Expr) -> pl.Expr:
    """Whole per cents, halves up; none of nothing, and 0 and 100 only where it is none and all."""
    rounded = ((200 * part + of) // (2 * of)).clip(1, 99)
    return pl.when(of == 0).then(None).when(part == 0).then(0).when(part == of).then(100).otherwise(rounded)


def per_cent(part: int, of: int) -> int | None:
    """The same of two numbers."""
    return pl.select(whole(pl.lit(part), pl.lit(of))).item()


def _with_shares(counts: pl.DataFrame) -> pl.DataFrame:
    return counts.with_columns(
        percent=whole(pl.col("met"), pl.col("counted")), percent_apart=whole(pl.col("apart"), pl.col("counted"))
    )


def shares(rows: pl.DataFrame, *by: str, kind: str = "kind") -> dict[Any, dict[str, Any]]:
    """How much is met of what counts, by some columns; with none for all together. `kind`: by whose grades."""
    if kind != "kind":
        rows = rows.drop("kind").rename({kind: "kind"})
    counts = [pl.col("kind").filter(MET).len().alias("met"), pl.col("kind").filter(COUNTED).len().alias("counted"),
              pl.col("kind").filter(APART).len().alias("apart")]  # fmt: skip
    return _by(_with_shares(rows.group_by(by).agg(counts) if by else rows.select(counts)), by)


def share(rows: pl.DataFrame, *, kind: str = "kind") -> dict[str, Any]:
    """How much is met of what counts."""
    return shares(rows, kind=kind)[()]


def figures(
    rows: pl.DataFrame, *by: str, given: bool = False, grade: str = "grade", kind: str = "kind"
) -> dict[Any, dict[str, Any]]:
    """How answers stand, by some columns. `given`: of the answers that were given alone."""
    if kind != "kind":
        rows = rows.drop("kind", "grade").rename({kind: "kind", grade: "grade"})
    if given:
        rows = rows.filter(pl.col("kind").is_not_null())
    counts = [
        pl.len().alias("asked"), pl.col("kind").filter(COUNTED).len().alias("counted"),
        pl.col("kind").filter(MET).len().alias("met"), pl.col("kind").filter(COUNTED & ~MET).len().alias("not_met"),
        pl.col("kind").filter(APART).len().alias("apart"),
        pl.col("kind").filter(pl.col("kind") == "excluded").len().alias("excluded"),
        pl.col("kind").is_null().sum().alias("unanswered"),
    ]  # fmt: skip
    found = _by(_with_shares(rows.group_by(by).agg(counts) if by else rows.select(counts)), by)
    grades = rows.filter(pl.col("kind").is_not_null()).group_by(*by, "grade").len()
    for row in grades.rows():
        found[_key(row[: len(by)])].setdefault("by_grade", {})[row[-2]] = row[-1]
    return found


def figure(rows: pl.DataFrame, **how: Any) -> dict[str, Any]:
    """How answers stand, taken together."""
    return figures(rows, **how)[()]


def pairings(rows: pl.DataFrame, *by: str) -> dict[Any, dict[str, Any]]:
    """Checked answers as they were declared and as they were found, by some columns; without optional standards."""
    rows = rows.filter(pl.col("found").is_not_null() & ~pl.col("optional"))
    counts = changes(rows, *by)
    own, found = shares(rows, *by, kind="checked_kind"), shares(rows, *by, kind="found_kind")
    return {
        key: {name: one[name] for name in ("answers", "adjusted", "lower")} | {"own": own[key], "found": found[key]}
        for key, one in counts.items()
    }


def changes(rows: pl.DataFrame, *by: str) -> dict[Any, dict[str, int]]:
    """How many checked answers were met by either grade, and what was changed, by some columns."""
    both = (pl.col("checked_kind") != "excluded") & (pl.col("found_kind") != "excluded")
    counts = {
        "answers": pl.len(),
        "own_met": (pl.col("checked_kind") == "met").sum(), "found_met": (pl.col("found_kind") == "met").sum(),
        "adjusted": (pl.col("found") != pl.col("checked")).sum(),
        "lower": (both & (pl.col("found_rank") > pl.col("checked_rank"))).sum(),
        "higher": (both & (pl.col("found_rank") < pl.col("checked_rank"))).sum(),
    }  # fmt: skip
    rows = rows.filter(pl.col("found").is_not_null())
    return _by(rows.group_by(by).agg(**counts) if by else rows.select(**counts), by)


NOT_CHECKED: dict[str, Any] = {
    "answers": 0, "adjusted": 0, "lower": 0, "own": {"met": 0, "counted": 0, "apart": 0},
    "found": {"met": 0, "counted": 0, "apart": 0},
}  # fmt: skip


def _key(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else tuple(values)


def _by(found: pl.DataFrame, by: Sequence[str]) -> dict[Any, dict[str, Any]]:
    return {
        _key([row[name] for name in by]): {key: value for key, value in row.items() if key not in by}
        for row in found.iter_rows(named=True)
    }


# --- what a report says ----------------------------------------------------------------------------------------------

# by what the parts of a list are told apart, the first that tells all of them apart
NAMES = (
    ("reference",), ("code",), ("agency_type", "subtype", "key"), ("agency_type", "key"), ("agency_type", "subtype"),
    ("agency_type", "id"), ("id",), ("key",), ("move",), ("day",), ("rule",), ("standard",), ("agency_type",),
    ("area",), ("name",),
)  # fmt: skip


# figures that are words: as a message prints it, a place among all, numbers behind names
IN_WORDS = re.compile(r"(?s).*/figure:.*|agencies/[^/]*/place:.*|.*/params/agencies:.*\(\d+\).*|"
                      r"facts/.*/(spread|days)/.*|checks/kappa:.+")
# sentences that hold figures: these are looked at
SENTENCES = re.compile(r"parts/(profile|peers)/statements/.*/text|parts/checked/statements/checked/text|"
                       r"themes/[^/]*/sentences/0/params/parts")  # fmt: skip


def numbers(data: Any, path: str = "") -> dict[str, int | float | str | None]:
    """Every number of a document, and every None, by its path: parts of lists by what they are called."""
    found: dict[str, int | float | str | None] = {}
    if isinstance(data, dict):
        for key, value in data.items():
            found |= numbers(value, f"{path}/{key}" if path else key)
    elif isinstance(data, list):
        for name, value in zip(_names(data), data, strict=True):
            found |= numbers(value, f"{path}/{name}")
    elif isinstance(data, str):
        if IN_WORDS.fullmatch(f"{path}:{data}"):
            found[path] = data
        elif SENTENCES.fullmatch(path):
            found[path] = " ".join(re.findall(r"\d+", data))
    elif not isinstance(data, bool):
        found[path] = data
    return found


def _names(parts: list[Any]) -> list[str]:
    if parts and all(isinstance(one, dict) and {"a", "b"} <= set(one) for one in parts):
        return [f"{one['a']['reference']}~{one['b']['reference']}" for one in parts]
    for keys in NAMES:
        if parts and all(isinstance(one, dict) and set(keys) <= set(one) for one in parts):
            names = ["|".join(one[key] for key in keys) for one in parts]
            if len(set(names)) == len(names) and all(names):
                return names
    return [str(place) for place in range(len(parts))]


def sentence(*figures: int | None) -> str:
    """The figures that a sentence holds, in their order."""
    return " ".join(map(str, figures))


def put(into: dict[str, Any], path: str, value: Any) -> None:
    """Add what is expected at a path: a number, or a mapping of them."""
    into |= numbers(value, path)


# --- a round and its reports ------------------------------------------------------------------------------------------

VIEWS = ("both", "only_a", "only_b", "neither", "not_comparable")
ROUNDED = 12  # digits by which shares are put in order: thirds are not exact


@dataclass
class World:
    """A round and the one before, as they are exported, and what each report on it says."""

    now: Export
    before: Export | None
    made: dict[str, Source] = field(default_factory=dict)
    types: tuple[str, ...] = ()  # those that the body of the summary asks
    area: str = ""  # that of the area report, by name
    return_id: int = 0  # of the reports about one return
    sampled: pl.DataFrame = field(default_factory=pl.DataFrame)
    twice: pl.DataFrame = field(default_factory=pl.DataFrame)
    planned: pl.DataFrame = field(default_factory=pl.DataFrame)
    updates: pl.DataFrame = field(default_factory=pl.DataFrame)  # what was said about actions, in its order
    draft_id: int = 0  # of the reports about a return that is being written
    draft: pl.DataFrame = field(default_factory=pl.DataFrame)
    told: pl.DataFrame = field(default_factory=pl.DataFrame)  # what each return says as data
    monitored: pl.DataFrame = field(default_factory=pl.DataFrame)
    # what a published report recommends, what agencies say to it, and how inspectors say that it stands
    recommended: pl.DataFrame = field(default_factory=pl.DataFrame)
    responded: pl.DataFrame = field(default_factory=pl.DataFrame)
    tracked: pl.DataFrame = field(default_factory=pl.DataFrame)

    def pack(self, part: str) -> Any:
        """A part of the published pack."""
        return self.now.pack[part]

    @property
    def small(self) -> int:
        """Of fewer answers nothing is put in order."""
        return self.pack("findings").get("small_number", 10)


Expected = dict[str, Any]


# --- what differs -----------------------------------------------------------------------------------------------------

# what is no figure: numbers of places, versions, limits that the pack sets
NO_FIGURES = (
    "pack/version", "last/version", "version", "edition", "edition/*", "replaced_by", "signature/submission_number",
    "signed/submission", "suppressed_below", "small_number", "texts/small_number", "staff/least", "chain_seq",
    "standards/*/number", "answered/*/number", "standards/*/questions/*", "standards/*/changes/*version",
    "dropped/*version", "*/action/version", "*/actions/*version", "*/progress/*version", "checks/minimum",
    "checks/questions", "checks/second_percent",
)  # fmt: skip
FIGURE = {"asked", "counted", "met", "not_met", "apart", "excluded", "unanswered"}


def differences(said: dict[str, Any], expected: Expected) -> list[str]:
    """Where a report says something else than was counted, or a number that nobody counted."""
    found = []
    for path, value in said.items():
        of, _slash, name = path.rpartition("/")
        # grades that nobody gave, and figures of nobody at all, are not in what was counted
        is_nothing = value == 0 and ("/by_grade" in of or (said.get(f"{of}/asked") == 0 and name in FIGURE))
        if path in expected:
            if value != expected[path]:
                found.append(f"{path}: the report says {value!r}, counted again it is {expected[path]!r}")
        elif value is not None and not is_nothing and not any(fnmatchcase(path, one) for one in NO_FIGURES):
            found.append(f"{path}: nobody counts this {value!r} again")
    return found + [f"{path}: {value!r} is not said" for path, value in expected.items()
                    if value is not None and path not in said]  # fmt: skip
