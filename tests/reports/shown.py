"""What the tables of a report must show, given its data: row by row, column by column.

A rule for each report gives the records that the rows of a table are of, and what stands in its columns, by their
heads. None: the table holds words. A column that is not named may hold no number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import partial
from typing import Any

from reports.charts import AXIS
from reports.tables import Cell, Figure, alternative, parsed, text_of

Record = Any
Columns = dict[str, Callable[[Record], str]]
Expected = tuple[list[Record], Columns]
# a cell that is a number, a share or a part of a whole; numbers inside words are no cells of their own
NUMBER = re.compile(r"[-−+]?\d[\d,]*(\.\d+)?%?|\d[\d,]* of \d[\d,]*( \(\d+%\))?")
# a number anywhere in words
DIGITS = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
NO_NUMBER = re.compile(r"SHA-256|\b\d\d:\d\d\b")  # a name, and hours
# chances inside the limits of a funnel plot; points below all that make a standard one of concern
OF_THE_METHOD = {"95", "998", "1,000", "99.8", "15"}
NONE = "–"
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip


def n(value: int | None) -> str:
    """A number with commas; a dash for none."""
    return NONE if value is None else f"{value:,}"


def pc(value: int | None) -> str:
    """Per cent; a dash of nothing."""
    return NONE if value is None else f"{value}%"


def of(share: Record, small: int = 1) -> str:
    """So many of so many, and per cent where they are enough."""
    return part(share) + (f" ({share['percent']}%)" if share["counted"] >= max(small, 1) else "")


def part(share: Record, met: str = "met", counted: str = "counted") -> str:
    """So many of so many; a dash of nothing."""
    return NONE if not share[counted] else f"{n(share[met])} of {n(share[counted])}"


def tenths(value: int) -> str:
    """Tenths of a per cent."""
    return f"{value // 10}%" if value in (0, 1000) else f"{value / 10:.1f}%"


def decimal(text: str | None, sign: str = "") -> str:
    """A number of data with commas."""
    whole, dot, rest = (text or "").partition(".")
    return f"{int(whole):,}{dot}{rest}{sign}"


def day(text: str | None) -> str:
    """A day as it is printed."""
    one = date.fromisoformat(text or "")
    return f"{one.day} {MONTHS[one.month - 1]} {one.year}"


def field(name: str) -> Callable[[Record], str]:
    """A number of a record."""
    return lambda record: n(record[name])


def fields(**names: str) -> Columns:
    """Columns that are numbers of a record; heads with _ for a space."""
    return {head.replace("_", " "): field(name) for head, name in names.items()}


# the heads that mean the same wherever they stand
AGAINST = fields(Not_yet="not_yet", No_date="no_date", No_date_given="no_date") | {
    head: field("by_then") for head in ("By then", "Expected in time", "Expected by then")
} | {head: field("after") for head in ("After", "Expected later", "Expected after")}  # fmt: skip
CHECKED = fields(Answers_checked="answers", Adjusted="adjusted", Lower="lower", Higher="higher")
RESPONSE = fields(
    Invited="invited", Submitted="submitted", On_time="on_time", Late="late", In_progress="in_progress",
    Not_begun="not_started", Nil="nil", Nil_returns="nil",
) | {
    "Open": lambda one: n(one["in_progress"] + one["not_started"]), "Response": lambda one: pc(one["percent"]),
}  # fmt: skip
JUDGED: Columns = {"Agencies": field("number")}


def few(small: int) -> Callable[[Record], str]:
    """Per cent met of a figure, but for few answers."""

    def said(one: Record) -> str:
        figure = one.get("figure", one)
        return NONE if not figure["counted"] else pc(figure["percent"]) if figure["counted"] >= small else "(few)"

    return said


def _grades(data: Record, get: Callable[[Record], Record] = lambda one: one) -> Columns:
    """A column for each grade, the answers that count together, and what of them is met."""
    columns: Columns = {
        grade["label"]: (lambda one, key=grade["key"]: n(get(one)["by_grade"].get(key, 0)))
        for scheme in data["schemes"] for grade in scheme["grades"]
    }  # fmt: skip
    return columns | {"Together": lambda one: n(get(one)["counted"]), "Open": lambda one: n(get(one)["unanswered"])}


def _named(rows: Iterable[Any], records: Iterable[Record], *keys: str) -> list[Record]:
    """The record of each row: that whose words begin its cells."""
    known = list(records)
    found = []
    for row in rows:
        texts = [cell.text.split("\n")[0] for cell in row.cells]
        found.append(next(
            one for one in known
            if all(texts[at].startswith(str(one[key])) if at else texts[at] == str(one[key])
                   for at, key in enumerate(keys))
        ))  # fmt: skip
    return found


def plain(source: str) -> str:
    """A path of data without what picks some of a list, and without places in lists."""
    return re.sub(r"\[[^\]]*\]", "[]", source)


def body(table: Figure) -> list[Any]:
    """The rows of a table but for headings of those below."""
    return [row for row in table.rows if not row.heading]


def at(data: Any, path: str) -> Any:
    """What stands at a path such as `types[0].standards`."""
    for name in re.findall(r"[a-z_]+|\d+", path):
        data = data[int(name)] if name.isdigit() else data[name]
    return data


# --- report by report ------------------------------------------------------------------------------------------------


def joint_findings(data: Record, table: Figure, source: str) -> Expected | None:
    small, rows = data["texts"]["small_number"], body(table)
    met, themes = few(small), data["themes"]
    facts = re.fullmatch(r"facts\[(\d+)\]", source)
    if facts:
        return _fact(data["facts"][int(facts[1])], table)
    match re.sub(r"\d+", "", source):
        case "themes[].by_subtype":
            names = [row.cells[0].text for row in rows]
            return names, {
                theme["title"]: lambda name, theme=theme: next(
                    (met(one) for one in (*theme["by_type"], *theme["by_subtype"]) if one["label"] == name), NONE
                )
                for theme in themes
            }
        case "overall.by_type":
            return data["overall"]["by_type"], {
                "Met": met, "Answers": lambda one: n(one["figure"]["counted"]),
                table.heads[3]: lambda one: pc(one["figure"]["percent_apart"]),
            }  # fmt: skip
        case "agency_types":
            return data["agency_types"], fields(Criteria="criteria", Optional="optional_criteria")
        case "response":
            return [*data["response"], data["response_total"]], RESPONSE
        case "themes[].by_type" if "Together" in table.heads:
            records = [*data["overall"]["by_type"], *(one for theme in themes for one in theme["by_type"])]
            # those of several schemes together have a table of their own
            is_mixed = "Shown apart" in table.heads
            records = [one for one in records if is_mixed != bool(one["figure"]["scheme"])]
            return _grade_rows(data, table, records, small)
        case "themes[].by_type":
            response = {one["agency_type"]: one["percent"] for one in data["response"] if not one["subtype"]}
            return at(data, source), {"Met": met, "Response": lambda one: pc(response[one["agency_type"]]),
                                      "Answers": lambda one: n(one["figure"]["counted"])}  # fmt: skip
        case "themes[].criteria" if "reference=" in table.source:
            theme = at(data, source.rpartition(".")[0])
            known = {one["reference"]: one for one in theme["criteria"]}
            extremes = [known[key] for key in (*theme["most"], *theme["least"])]
            return extremes, {"Met": lambda one: pc(one["figure"]["percent"]),
                              "Returns": lambda one: part(one["figure"])}  # fmt: skip
        case "themes[].criteria" if "Returns" in table.heads:
            kind = next(one["key"] for one in data["agency_types"] if table.caption.endswith(f": {one['plural']}"))
            mine = [one for one in at(data, source) if one["agency_type"] == kind]
            return _named(rows, mine, "number", "label"), {
                "Met": met, "Returns": lambda one: part(one["figure"]),
                table.heads[5]: lambda one: n(one["figure"]["apart"]),
            }  # fmt: skip
        case "themes[].criteria" | "optional":
            every = data["optional"] if source == "optional" else [one for theme in themes for one in theme["criteria"]]
            kinds = [one["key"] for one in data["agency_types"] if one["template_title"] == table.caption]
            every = [one for one in every if not kinds or one["agency_type"] in kinds]
            known = [one | {"said": one["question"]} for one in every] + [one | {"said": one["label"]} for one in every]
            return _named(rows, known, "number", "said"), _grades(data, lambda one: one["figure"]) | {"Met": met}
        case "milestones":
            return data["milestones"], AGAINST | {"In place": lambda one: pc(one["percent"])}
        case "milestones[].rows":
            return at(data, source), AGAINST | {"Of": field("counted")}
        case "twins":
            return data["twins"], fields(Both="both", Only_first="only_a", Only_second="only_b", Neither="neither",
                                         Left_out="not_comparable")  # fmt: skip
        case "assurance.rows":
            of_met = "all" not in table.counts and "say" in f"{table.caption} {table.counts}"
            total = [data["assurance"]["total"]] if len(rows) > len(data["assurance"]["rows"]) else []
            bases = data["assurance"]["rows"][0]["bases"]
            name, number = ("percent_met", "met") if of_met else ("percent", "answers")

            def share(one: Record, key: str) -> str:
                value = next((each[name] for each in one["bases"] if each["key"] == key), None)
                return pc(value) if value is None or one[number] >= small else "(few)"

            return [*data["assurance"]["rows"], *total], {
                basis["label"]: partial(share, key=basis["key"]) for basis in bases
            } | {"Answers": field(number)}
        case "checks.types" if "Drawn" in table.heads:
            def rate(one: Record, name: str) -> str:
                return tenths(one[name]["tenths"]) if one[name] else NONE

            return [*data["checks"]["types"], data["checks"]["total"]], fields(
                Submitted="population", Drawn="drawn", Checked="checked"
            ) | {"Returns with a change": lambda one: rate(one, "returns"),
                 "Answers changed": lambda one: rate(one, "answers")}  # fmt: skip
        case "checks.types":
            return [one["compared"] for one in (*data["checks"]["types"], data["checks"]["total"])], _compared()
        case "checks.themes":
            return [one["compared"] for one in data["checks"]["themes"]], _compared()
        case "checks.criteria":
            return [one["compared"] for one in _named(rows, data["checks"]["criteria"], "number", "label")], _compared()
        case "checks.risks":
            risks = [one | one["compared"] for one in (*data["checks"]["risks"], data["checks"]["by_risk"])]
            return risks, _compared() | fields(Chosen="chosen", Checked="checked", With_a_change="changed")
        case "judgements.spreads":
            kind = next(one for one in data["judgements"]["spreads"] if table.caption.startswith(f"{one['label']}:"))
            return [
                grade | {"of": one["total"] - one["waiting"]}
                for one in data["judgements"]["spreads"] if one["agency_type"] == kind["agency_type"]
                for grade in one["grades"]
            ], _judged(small)  # fmt: skip
        case "staff.lines":
            def signed(one: Record) -> str:
                return part(one, "met", "graded") if one["graded"] < small else pc(one["percent_met"])

            return data["staff"]["lines"], fields(Agencies="agencies", Too_few_answers="few") | {
                "Leadership: met": signed, "Staff: agree": lambda one: pc(one["percent"]),
                "Staff who answered": lambda one: n(one["counted"] or None),
            }  # fmt: skip
    return None


def _compared() -> Columns:
    return CHECKED | fields(**{"Met,_own_grade": "own_met", "Met,_as_found": "found_met"})


def _judged(small: int) -> Columns:
    return JUDGED | {"Per cent": lambda one: pc(one["percent"]) if one["of"] >= small else NONE}


def _grade_rows(data: Record, table: Figure, records: list[Record], small: int) -> Expected:
    """A table with a column for each grade, or for what grades count as where there are several schemes."""
    columns = _grades(data, lambda one: one["figure"])
    last, times = table.heads[-1], table.heads.count(table.heads[-1])
    if "Shown apart" in table.heads:
        columns |= {"Met": lambda one: n(one["figure"]["met"]), "Shown apart": lambda one: n(one["figure"]["apart"]),
                    "Not met": lambda one: n(one["figure"]["not_met"] - one["figure"]["apart"])}  # fmt: skip
    return records, columns | {f"{last}#{times}" if times > 1 else last: few(small)}


def _fact(fact: Record, table: Figure) -> Expected:
    whole = {"label": "", "returns": fact["returns"], "counted": fact["counted"]}
    rows = [*fact["rows"], *([whole] if len(fact["rows"]) > 1 else [])]
    if fact["choices"]:
        kinds = ([("All", whole)] if len(fact["rows"]) > 1 else []) + [(row["label"], row) for row in fact["rows"]]
        keys = [one["key"] for one in fact["choices"]] + [""]
        return keys, {
            head: lambda key, row=row: n(row["counted"]["chosen"][key] if key else row["counted"]["answers"])
            for head, row in kinds
        }
    sign = "%" if fact["type"] == "percentage" else ""
    columns: Columns = {"Answers": lambda one: n(one["counted"]["answers"]), "Of submitted audits": field("returns")}
    for head in ("Smallest", "Lower quartile", "Median", "Upper quartile", "Largest", "Total", "Together"):
        name = head.split(" ")[0].lower()
        columns[head] = lambda one, name=name: (
            decimal(one["counted"]["spread"][name], sign) if one["counted"]["spread"] else NONE
        )
    for head, name in (("Earliest", "earliest"), ("Middle", "median"), ("Latest", "latest")):
        columns[head] = lambda one, name=name: day(one["counted"]["days"][name]) if one["counted"]["days"] else NONE
    return rows, columns


def body_summary(data: Record, table: Figure, source: str) -> Expected | None:
    small, rows = data["small_number"], body(table)
    met = few(small)
    standards = [one for kind in data["types"] for one in kind["standards"]]
    match re.sub(r"\d+", "", source):
        case "response":
            return [*data["response"], data["response_total"]], RESPONSE
        case "types[].least" | "types[].most":
            kind = at(data, source.rpartition(".")[0])
            known = {one["reference"]: one for one in kind["criteria"]}
            return [known[key] for key in at(data, source)], {"Met": met}
        case "types[].standards[].by_subtype":
            kind = at(data, source.split(".")[0])
            known = [one | {"name": f"{one['number']}. {one['title']}"} for one in kind["standards"]]
            return _named(rows, known, "name"), {
                head: lambda one, head=head: next(
                    (met(each) for each in one["by_subtype"] if each["label"] == head), NONE
                )
                for head in table.heads[1:]
            }
        case "types[].criteria":
            known = {"Counted": "counted", "Met": "met", "Not assured": "apart", "Open": "unanswered"}
            return at(data, source), {
                head: lambda one, key=key: n(one["figure"][key]) for head, key in known.items()
            } | {"Share": met}
        case "types[].checked":
            total = [data] if len(rows) > len(data["types"]) else []
            return [one["checked"] for one in (*data["types"], *total)], _paired(small)
        case "types[].standards[].checked":
            return [one["checked"] for one in standards if one["checked"]["answers"]], _paired(small)
        case "types[].judgements[]":
            spread = at(data, source)
            return [one | {"of": spread["total"] - spread["waiting"]} for one in spread["grades"]], _judged(small)
        case "milestones[].rows":
            return at(data, source), AGAINST
        case "followed":
            states = fields(Overdue="overdue", Unlikely_in_time="unlikely", On_track="on_track", Met="met")
            return data["followed"], states
        case "agencies":
            kind = next(one["key"] for one in data["types"] if one["plural"] == table.caption)
            return [one for one in data["agencies"] if one["agency_type"] == kind], _agency(table, small)
        case "came_in":
            added, days = 0, []
            for one in data["came_in"]:
                added += one["number"]
                days.append(one | {"added": added})
            return days, fields(Submissions="number", Added_up="added")
        case "types[].standards[].figure":
            return _grade_rows(data, table, standards, small)
    return None


def _agency(table: Figure, small: int = 1) -> Columns:
    return {
        "Met": lambda one: of(one["share"], small), table.heads[-2]: lambda one: n(one["share"]["apart"]),
        "Adjusted, of checked": lambda one: part(one["checked"], "adjusted", "answers"),
    }  # fmt: skip


def _paired(small: int) -> Columns:
    return CHECKED | {
        "Met, own grade": lambda one: of(one["own"], small), "Met, as found": lambda one: of(one["found"], small),
    }  # fmt: skip


def area_report(data: Record, table: Figure, source: str) -> Expected | None:
    themes = data["themes"]
    match source:
        case "agencies":
            return data["agencies"], _agency(table)
        case "themes[].agencies":
            agencies = [[part(one) if one["counted"] else NONE for one in each["parts"]] for each in data["agencies"]]
            totals = [[pc(theme[name]["percent"]) for theme in themes] for name in ("here", "everywhere")]
            return [*agencies, *totals], {str(at + 1): (lambda one, at=at: one[at]) for at in range(len(themes))}
        case "agencies[].not_yet":
            return data["agencies"], AGAINST
        case "agencies[].figure":
            return _grade_rows(data, table, data["agencies"], 1)
    return None


def regional_concerns(data: Record, table: Figure, source: str) -> Expected | None:
    regions = [one for one in data["regions"] if one["invited"]]
    match re.sub(r"\d+", "", source):
        case "regions[].kinds":
            names = {"Lowest grade": "judged", "Monitored": "monitored", "Overdue": "overdue", "Far below": "far_below",
                     "Not assured": "apart", "Found worse": "changed", "Not submitted": "missing"}  # fmt: skip
            every = [one | {"of": len(one["agencies"])} for one in regions]
            return [*every, data | {"of": data["agencies_of_concern"]}], {
                head: lambda one, kind=kind: n(one["kinds"].get(kind)) for head, kind in names.items()
            } | {"Asked": field("invited"), "Of concern": field("of")}
        case "regions[].themes":
            parts = [[pc(one["percent"]) for one in (*each["themes"], each["share"])] for each in regions]
            whole = [pc(one["percent"]) for one in (*data["everywhere_by_theme"], data["everywhere"])]
            return [*parts, whole], {
                head: (lambda one, at=at: one[at]) for at, head in enumerate(table.heads[1:])
            }
        case "regions[].standards":
            return at(data, source), {"Here": lambda one: of(one["here"]), "All": lambda one: of(one["everywhere"])}
        case "regions[].agencies":
            return at(data, source), {"Met": lambda one: of(one["share"])}
    return None


def progress(data: Record, table: Figure, source: str) -> Expected | None:
    both = [kind[name] for kind in data["types"] for name in ("then", "now")]
    match source:
        case "types" if "Together" in table.heads:
            return _grade_rows(data, table, [{"figure": one} for one in both], data["small_number"])
        case "types":
            return both, {"Met": lambda one: of(one, data["small_number"])}
        case "actions":
            states = {"Done": "done", "Under way": "under_way", "Not begun": "planned", "Dropped": "dropped"}
            return data["actions"], {head: field(name) for head, name in states.items()} | {
                "Planned then": lambda one: n(sum(one[name] for name in states.values()))
            }  # fmt: skip
        case "movements":
            def points(one: Record) -> str:
                change = one["change"]
                return NONE if change is None else "0" if not change else f"{'+' if change > 0 else '−'}{abs(change)}"

            return data["movements"], {"Then": lambda one: of(one["then"]), "Now": lambda one: of(one["now"]),
                                       "Points": points}  # fmt: skip
    return None


def feedback(data: Record, table: Figure, source: str) -> Expected | None:
    match source:
        case "standards":
            whole = {"own": data["own"], "moderated": data["moderated"], "checked": data["checked"],
                     "adjusted": data["adjusted"]}  # fmt: skip
            return [*data["standards"], whole], {
                "Own grades": lambda one: part(one["own"]),
                "Checked": lambda one: n(one["checked"] or None),
                "Adjusted": lambda one: n(one["adjusted"] if one["checked"] else None),
                "With what we found": lambda one: part(one["moderated"]) if one["moderated"] else "not checked",
            }
        case "peers.bins":
            return [data["peers"]["bins"]], {
                head: (lambda one, at=at: n(one[at])) for at, head in enumerate(table.heads[1:])
            }
        case "answered[].peers":
            told = [one["peers"] for one in data["answered"] if one["peers"] and one["peers"]["quartiles"]]
            return told, {"You": field("own")} | {
                head: (lambda one, at=at: n(one["quartiles"][at]))
                for at, head in enumerate(("Lower quartile", "Median", "Upper quartile"))
            }
        case "twins":
            sides = {"Only your side: in place": "only_own", "Only the other: in place": "only_other"}
            return data["twins"], fields(Pairs="compared", Agree="agree", **sides)
        case "answered[].questions":
            due = {}
            for standard in data["answered"]:
                for one in standard["questions"] if not standard["optional"] else ():
                    if one["open"] and one["due"]:
                        due.setdefault((one["due"], one["milestone"]), []).append(one)
            return [due[key] for key in sorted(due)], {
                "Questions": lambda one: n(len(one)),
                "Expected in time": lambda one: _called(each for each in one if each["expected"] and not each["late"]),
                "Expected later": lambda one: _called(each for each in one if each["expected"] and each["late"]),
                "No day given": lambda one: _called(each for each in one if not each["expected"]),
            }  # fmt: skip
    return None


def _called(questions: Iterable[Record]) -> str:
    return ", ".join(one["number"] for one in questions) or NONE


def _by_standard(data: Record, table: Figure, columns: Mapping[str, str], name: str = "figure") -> Expected:
    records = [one[name] for one in data["standards"] if one[name]["asked"]]
    total = [data[name]] if len(body(table)) > len(records) else []
    return [*records, *total], {head: field(key) for head, key in columns.items()}


def agency_return(data: Record, table: Figure, source: str) -> Expected | None:
    if source == "standards[].figure":
        columns = {"Met": "met", "Of": "counted", "Not assured": "apart", "Left out": "excluded"}
        return _by_standard(data, table, columns)
    return None


def draft_return(data: Record, table: Figure, source: str) -> Expected | None:
    if source == "standards[].figure":
        columns = {"Met": "met", "Not met": "not_met", "Not assured": "apart", "No grade": "unanswered"}
        return _by_standard(data, table, columns)
    return None


def changes(data: Record, table: Figure, source: str) -> Expected | None:
    match source:
        case "standards":
            told = [one for one in (*data["standards"], data) if one["now"]["asked"]]
            return [one[name] for one in told for name in ("then", "now")], fields(Met="met", Of="counted")
        case "counts":
            return data["counts"], fields(Number="number")
    return None


def action_plan(data: Record, table: Figure, source: str) -> Expected | None:
    if source == "figures":
        order = ["gaps", "with_action", "without_action", "gaps_after_milestone", "actions"]
        states = ("planned", "under_way", "done", "dropped")
        told = [data["figures"][name] for name in order] + [data["figures"]["by_state"][state] for state in states]
        open_ones = ("open_actions", "overdue", "after_milestone", "no_owner", "no_date")
        told += [data["figures"][name] for name in open_ones]
        return told, {"Number": n}
    if source == "standards[].gaps" and "Done" in table.heads:
        planned = [_planned(one["gaps"], data["today"]) for one in data["standards"]]
        whole = _planned([gap for one in data["standards"] for gap in one["gaps"]], data["today"])
        return [*planned, whole], fields(
            Not_in_place="gaps", Without_action="without", Actions_open="open", Done="done", Overdue="overdue",
            After_milestone="after",
        )  # fmt: skip
    return None


def _planned(gaps: list[Record], today: str) -> Record:
    actions = [one for gap in gaps for one in gap["actions"]]
    still = [one for one in actions if one["action"]["state"] in ("planned", "under_way")]
    return {
        "gaps": len(gaps), "open": len(still),
        "without": sum(all(one["action"]["state"] == "dropped" for one in gap["actions"]) for gap in gaps),
        "done": sum(one["action"]["state"] == "done" for one in actions),
        "overdue": sum(bool(one["action"]["due"]) and one["action"]["due"] < today for one in still),
        "after": sum(one["is_after_milestone"] for one in still),
    }  # fmt: skip


def register_responses(data: Record, table: Figure, source: str) -> Expected | None:
    match re.sub(r"\d+", "", source):
        case "reports[].decisions":
            report = at(data, source.rpartition(".")[0])
            undecided = [{"number": report["undecided"]}] if report["undecided"] else []
            return [*report["decisions"], *undecided], fields(Number="number")
        case "reports[].over_time":
            return at(data, source), {
                head: lambda one, head=head: n({each["label"]: each["number"] for each in one["by_grade"]}[head])
                for head in table.heads[1:]
            }
    return None


def recommendations_register(data: Record, table: Figure, source: str) -> Expected | None:
    in_force = [one for one in data["entries"] if one["withdrawn_in"] is None]
    withdrawn = [one for one in data["entries"] if one["withdrawn_in"] is not None]
    match source:
        case "entries[].responses":
            def said(name: str) -> Callable[[Record], str]:
                return lambda one: n(one["responses"][name] if one.get("agency_type", "all") else None)

            names = {"Accepted": "accepted", "In part": "partly", "Not accepted": "not_accepted",
                     "Nothing said yet": "awaited", "Done": "done"}  # fmt: skip
            return [*in_force, {"responses": data["responses"]}, *withdrawn], {
                head: said(name) for head, name in names.items()
            }
        case "by_addressee" if "Agencies" in table.heads:
            asked = {"Asked for": "asked", "Not begun": "not_begun", "Under way": "under_way", "Done": "done"}
            return [one for one in data["by_addressee"] if one["agency_type"]], {
                head: (lambda one, name=name: n(one["responses"][name])) for head, name in asked.items()
            } | {"Given": lambda one: n(one["responses"]["asked"] - one["responses"]["awaited"]),
                 "Recommendations": field("recommendations"), "Agencies": field("addressed"),
                 "Agencies that owe one": field("waiting")}  # fmt: skip
        case "by_addressee":
            states = {"Nothing said yet": "open", "Accepted": "accepted", "Under way": "under_way", "Done": "done",
                      "Not accepted": "not_accepted"}  # fmt: skip
            return [*data["by_addressee"], {"standing": data["standing"]}], {
                head: (lambda one, name=name: n(one["standing"][name])) for head, name in states.items()
            }
        case "waiting":
            return data["waiting"], {"Recommendations": lambda one: ", ".join(map(str, one["numbers"]))}
    return None


# --- charts: what is drawn, as rows -----------------------------------------------------------------------------------


def share(part: int, whole: int) -> int:
    """Whole per cent, halves up; 0 is none and 100 is all."""
    exact = 100 * part / whole
    return round(exact) if part in (0, whole) else min(99, max(1, int(exact + 0.5)))


def _bars(data: Record, table: Figure, records: list[Record], small: int) -> Expected:
    """Stacked bars: how many count, and what share of them each grade is, where enough count."""
    columns: Columns = {}
    grades = [grade for scheme in data["schemes"] for grade in scheme["grades"]]
    roles = {"Met": lambda one: one["met"], "Shown apart": lambda one: one["apart"],
             "Not met": lambda one: one["not_met"] - one["apart"]}  # fmt: skip
    for head in table.heads[2:-1]:
        label = head.removesuffix(", %")
        keys = [grade["key"] for grade in grades if grade["label"] == label]

        def said(one: Record, head: str = head, label: str = label, keys: list[str] = keys) -> str:
            figure = one["figure"]
            if bool(figure["scheme"]) != bool(keys):
                return NONE
            number = sum(figure["by_grade"].get(key, 0) for key in keys) if keys else roles[label](figure)
            if head == label:
                return n(number)
            return f"{share(number, figure['counted'])}%" if figure["counted"] >= max(small, 1) else NONE

        columns[head] = said
    return records, columns | {
        table.heads[1]: lambda one: n(one["figure"]["counted"]), table.heads[-1]: few(small),
    }  # fmt: skip


def _two(table: Figure, records: list[Record], *cells: Callable[[Record], str]) -> Expected:
    """Columns in their order, after the label."""
    return records, dict(zip(table.heads[1:], cells, strict=True))


def joint_charts(data: Record, table: Figure, source: str) -> Expected | None:
    small = data["texts"]["small_number"]
    if source == "themes[].criteria":
        known = {one["reference"]: one for theme in data["themes"] for one in theme["criteria"]}
        drawn = table.source.partition("=")[2].rstrip("]").split("|")
        return _bars(data, table, [known[key] for key in drawn], small)
    if source == "checks.types[].compared; checks.themes[].compared":
        compared = [one["compared"] for one in (*data["checks"]["types"], *data["checks"]["themes"])
                    if not one["hidden"] and one["compared"]["answers"] >= small]  # fmt: skip
        return _two(
            table, compared, lambda one: pc(share(one["own_met"], one["answers"])),
            lambda one: pc(share(one["found_met"], one["answers"])), field("answers"),
        )  # fmt: skip
    return None


def summary_charts(data: Record, table: Figure, source: str) -> Expected | None:
    small = data["small_number"]
    standards = [one for kind in data["types"] if kind["figure"]["counted"] for one in kind["standards"]]
    match source:
        case "came_in":
            days, added = [], 0
            for one in data["came_in"]:
                added += one["number"]
                days.append(one | {"added": added})
            expected = data["response_total"]["invited"] - data["response_total"]["nil"]
            return _two(table, days, field("number"), field("added"), lambda _one: n(expected))
        case "types[].standards[].figure":
            return _bars(data, table, [one for one in standards if one["figure"]["counted"]], small)
        case "agencies[].share":
            where = {"inside": "as chance explains", "none": NONE}
            return _two(
                table, [one for one in data["agencies"] if one["share"]["counted"]],
                lambda one: n(one["share"]["counted"]), lambda one: pc(one["share"]["percent"]),
                lambda one: where.get(one["place"], one["place"].replace("_", " ")),
            )  # fmt: skip
        case "types[].standards[].checked":
            every = [one["checked"] for kind in data["types"] for one in kind["standards"]]
            enough = [one for one in every if one["own"]["counted"] >= small and one["found"]["counted"] >= small]
            return _then_now(table, enough, "own", "found")
    return None


def _then_now(
    table: Figure, records: list[Record], first: str, second: str, *more: Callable[[Record], str]
) -> Expected:
    """Two shares, what stands beside them, and of how many each is."""
    shares = [lambda one, name=name: pc(one[name]["percent"]) for name in (first, second)]
    counts = [lambda one, name=name: n(one[name]["counted"]) for name in (first, second)]
    return _two(table, records, *shares, *more, *counts)


def area_charts(data: Record, table: Figure, source: str) -> Expected | None:
    def everywhere(theme: Record) -> str:
        return "c" if theme["everywhere"]["hidden"] else pc(theme["everywhere"]["percent"])

    match source:
        case "agencies[].figure":
            return _bars(data, table, data["agencies"], 1)
        case "agencies[].parts":
            told = [(one, part, theme) for one in data["agencies"]
                    for part, theme in zip(one["parts"], data["themes"], strict=True)]  # fmt: skip
            return _two(
                table, told, lambda one: f"{one[0]['type_label']}, {part(one[0]['share'])}",
                lambda one: f"{data['themes'].index(one[2]) + 1} {one[2]['title']}",
                lambda one: pc(one[1]["percent"]), lambda one: everywhere(one[2]),
            )  # fmt: skip
        case "themes[].everywhere; themes[].here":
            return _two(
                table, data["themes"], everywhere, lambda one: pc(one["here"]["percent"]),
                lambda one: n(one["here"]["counted"]),
                lambda one: "c" if one["everywhere"]["hidden"] else n(one["everywhere"]["counted"]),
            )  # fmt: skip
    return None


def regional_charts(data: Record, table: Figure, source: str) -> Expected | None:
    if source != "regions[].themes":
        return None
    told = [(region, theme, place) for region in data["regions"] if region["invited"] and region["submitted"]
            for place, theme in enumerate(region["themes"])]  # fmt: skip
    return _two(
        table, told,
        lambda one: f"{n(one[0]['submitted'])} agenc{'y' if one[0]['submitted'] == 1 else 'ies'}, "
                    + (pc(one[0]["share"]["percent"]) if one[0]["share"]["counted"] else "nothing counts"),
        lambda one: f"{one[2] + 1} {data['themes'][one[2]]['title']}",
        lambda one: pc(one[1]["percent"]), lambda one: pc(data["everywhere_by_theme"][one[2]]["percent"]),
    )  # fmt: skip


def progress_charts(data: Record, table: Figure, source: str) -> Expected | None:
    if source == "types":
        met = few(data["small_number"])
        counts = [lambda one, name=name: n(one[name]["counted"]) for name in ("then", "now")]
        return _two(table, data["types"], lambda one: met(one["then"]), lambda one: met(one["now"]), *counts)
    if source == "movements":
        known = {f"{one['number']} {one['label']}": one for one in data["movements"]}
        drawn = [known[row.cells[0].text] for row in table.rows]
        down = "Less often" in table.caption
        assert all((one["change"] < 0) == down for one in drawn)
        return _then_now(
            table, drawn, "then", "now",
            lambda one: f"{'−' if one['change'] < 0 else '+'}{abs(one['change'])}",
        )  # fmt: skip
    return None


def feedback_charts(data: Record, table: Figure, source: str) -> Expected | None:
    match source:
        case "peers.bins":
            number, own = len(data["peers"]["bins"]), data["peers"]["own"]
            mine = None if own is None else min(number - 1, own * number // 100)
            return _two(
                table, list(enumerate(data["peers"]["bins"])), lambda one: n(one[1]),
                lambda one: pc(own) if one[0] == mine else "",
            )  # fmt: skip
        case "answered[].peers":
            told = [one["peers"] for one in data["answered"]]
            like = [data["like"]] if data["like"] and data["like"]["quartiles"] else []
            told = [*like, *(one for one in told if one and one["own"] is not None and one["quartiles"])]
            quartiles = [lambda one, place=place: pc(one["quartiles"][place]) for place in range(3)]
            return _two(table, told, lambda one: pc(one["own"]), *quartiles, field("others"))
        case "standards[].own; standards[].moderated":
            told = [one for one in data["standards"] if one["moderated"] and one["own"]["counted"]
                    and one["moderated"]["counted"]]  # fmt: skip
            return _then_now(table, told, "own", "moderated")
    return None


def register_charts(data: Record, table: Figure, source: str) -> Expected | None:
    if source != "entries[].responses":
        return None
    answers = {"Accepted": "accepted", "Accepted in part": "partly", "Not accepted": "not_accepted",
               "Nothing said yet": "awaited"}  # fmt: skip
    told = [one["responses"] for one in data["entries"]
            if one["withdrawn_in"] is None and one["agency_type"] and one["responses"]["asked"]]  # fmt: skip
    shares = [lambda one, name=name: pc(share(one[name], one["asked"])) for name in answers.values()]
    assert list(table.heads[2:6]) == list(answers)
    return _two(
        table, told, field("asked"), *map(field, answers.values()), *shares,
        lambda one: f"{n(one['asked'] - one['awaited'])} of {n(one['asked'])}",
    )  # fmt: skip


CHARTS: dict[str, Callable[[Record, Figure, str], Expected | None]] = {
    "joint-findings": joint_charts, "body-summary": summary_charts, "area-report": area_charts,
    "regional-concerns": regional_charts, "progress": progress_charts, "feedback": feedback_charts,
    "recommendations-register": register_charts,
}  # fmt: skip


def unsaid(figure: Figure, drawing: Any) -> list[str]:
    """Numbers that a chart prints, or says in its alternative text, that do not stand in its rows.

    A number may also say how many rows there are, of how many names, and how many lie outside the limits of chance;
    numbers at an axis are no figures.
    """
    cells = [cell.text for row in figure.rows for cell in (*row.cells, Cell(row.group))]
    known = {number for text in (*cells, figure.caption, *figure.heads) for number in DIGITS.findall(text)}
    outside = [sum(row.cells[-1].text.endswith(side) for row in figure.rows) for side in ("below", "above")]
    known |= {n(one) for one in (len(body(figure)), len({row.cells[0] for row in figure.rows}), *outside, sum(outside))}
    printed = [text_of(one) for one in drawing.iter("text") if one.get("font-size") != str(AXIS)]
    return [
        f"{number} in {text[:200]!r}" for text in (*printed, alternative(drawing)) for number in DIGITS.findall(text)
        if number not in known
    ]  # fmt: skip


def strings(data: Any) -> Iterable[str]:
    """Every text and number of data as it would be printed."""
    if isinstance(data, dict | list):
        for one in data.values() if isinstance(data, dict) else data:
            yield from strings(one)
    elif data is not None and not isinstance(data, bool):
        yield f"{data:,}" if isinstance(data, int) else str(data)


def unknown(report: str, data: Record, page: str) -> list[str]:
    """Numbers that paragraphs and alternative texts hold and the data do not, but for those about the document."""
    known = {number for text in strings(data) for number in DIGITS.findall(text)} | OF_THE_METHOD
    known |= {number.lstrip("0") or "0" for number in known}
    known |= {n(one) for one in (*ADDED_UP.get(report, lambda _data: [])(data), *not_met(data))}
    texts = []
    root = parsed(page)
    colophon = (one.getparent() for one in root.iter("h1") if one.get("id") == "colophon")
    about = {one for chapter in colophon for one in chapter.iter()}
    for element in root.iter("p", "li", "title"):
        if element in about or any(one.tag in ("table", "nav", "p") for one in element.iterancestors()):
            continue
        texts.append(text_of(element, words=False) if element.tag != "title" else element.text or "")
    return [
        f"{number} in {text[:300]!r}" for text in texts for number in DIGITS.findall(NO_NUMBER.sub("", text))
        if number not in known
    ]  # fmt: skip


def not_met(data: Any) -> Iterable[int]:
    """Of each share how many are not met."""
    for one in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from not_met(one)
    if isinstance(data, dict) and isinstance(data.get("counted"), int) and isinstance(data.get("met"), int):
        yield data["counted"] - data["met"]


# what words add up beside the data
ADDED_UP: dict[str, Callable[..., list[int]]] = {
    "changes": lambda data: [
        sum(one["number"] for one in data["counts"]
            if one["move"] in ("worse", "unknown", "better", "known", "differs", "same"))
    ]
}  # fmt: skip
RULES: dict[str, Callable[[Record, Figure, str], Expected | None]] = {
    "joint-findings": joint_findings, "body-summary": body_summary, "area-report": area_report,
    "regional-concerns": regional_concerns, "progress": progress, "feedback": feedback, "agency-return": agency_return,
    "draft-return": draft_return, "changes": changes, "action-plan": action_plan,
    "register-responses": register_responses, "recommendations-register": recommendations_register,
}  # fmt: skip


def wrong(report: str, data: Record, table: Figure) -> list[str]:
    """Where a table or chart shows something else than its data, or a number that no rule knows."""
    rule = (RULES if table.kind == "table" else CHARTS).get(report)
    # which of a list a table is of, its caption says too
    found = rule(data, table, re.sub(r"\[\w+=[^\]]*\]", "", table.source)) if rule else None
    records, columns = found or ([None] * len(body(table)), {})
    rows = body(table)
    where = f"{report} {table.name or table.id} ({table.source}, {table.caption})"
    if len(records) != len(rows):
        return [f"{where}: {len(rows)} rows, expected {len(records)}"]
    problems, seen = [], []
    for place, head in enumerate(table.heads):
        seen.append(head)
        name = f"{head}#{seen.count(head)}" if seen.count(head) > 1 else head
        for row, record in zip(rows, records, strict=True):
            text = row.cells[place].text.split("\n")[0]
            if name in columns:
                wanted = columns[name](record)
                if text != wanted:
                    problems.append(f"{where}, “{name}” of {row.cells[0].text[:40]!r}: {text!r}, expected {wanted!r}")
            elif place and head != "No." and NUMBER.fullmatch(text):
                problems.append(f"{where}, “{name}” of {row.cells[0].text[:40]!r}: nobody expects {text!r}")
    return problems
