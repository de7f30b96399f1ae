"""What the tables of a report must show, given its data: row by row, column by column.

A rule for each report gives the records that the rows of a table are of, and what stands in its columns, by their
heads. None: the table holds words. A column that is not named may hold no number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from reports.tables import Figure, parsed, text_of

Record = Any
Columns = dict[str, Callable[[Record], str]]
Expected = tuple[list[Record], Columns]
# a cell that is a number, a share or a part of a whole; numbers inside words are no cells of their own
NUMBER = re.compile(r"[-−+]?\d[\d,]*(\.\d+)?%?|\d[\d,]*/\d[\d,]*( \d+%)?")
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


def of(share: Record) -> str:
    """So many of so many, and per cent."""
    return f"{part(share)} {share['percent']}%" if share["counted"] else NONE


def part(share: Record) -> str:
    """So many of so many; a dash of nothing."""
    return NONE if not share["counted"] else f"{n(share['met'])}/{n(share['counted'])}"


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
        case "themes[]":
            theme = at(data, source)
            known = {one["reference"]: one for one in theme["criteria"]}
            extremes = [known[key] for key in (*theme["most"], *theme["least"])]
            return extremes, {"Met": lambda one: pc(one["figure"]["percent"]),
                              "Returns": lambda one: part(one["figure"])}  # fmt: skip
        case "themes[].criteria" if "Of" in table.heads:
            kind = next(one["key"] for one in data["agency_types"] if table.caption.endswith(f": {one['plural']}"))
            mine = [one for one in at(data, source) if one["agency_type"] == kind]
            return _named(rows, mine, "number", "label"), {
                "Met": met, "Of": lambda one: part(one["figure"]),
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
            name = "percent_met" if of_met else "percent"
            return [*data["assurance"]["rows"], *total], {
                basis["label"]: lambda one, key=basis["key"]: pc(
                    next((each[name] for each in one["bases"] if each["key"] == key), None)
                )
                for basis in bases
            } | {"Answers": field("met" if of_met else "answers")}
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
                share = {"met": one["met"], "counted": one["graded"]}
                return NONE if not one["graded"] else part(share) if one["graded"] < small else pc(one["percent_met"])

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
            return [one["checked"] for one in (*data["types"], *total)], _paired()
        case "types[].standards[].checked":
            return [one["checked"] for one in standards if one["checked"]["answers"]], _paired()
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
            return [one for one in data["agencies"] if one["agency_type"] == kind], _agency(table)
        case "came_in":
            added, days = 0, []
            for one in data["came_in"]:
                added += one["number"]
                days.append(one | {"added": added})
            return days, fields(Submissions="number", Added_up="added")
        case "types[].standards[].figure":
            return _grade_rows(data, table, standards, small)
    return None


def _agency(table: Figure) -> Columns:
    return {
        "Met": lambda one: of(one["share"]), table.heads[-2]: lambda one: n(one["share"]["apart"]),
        "Adjusted, of checked": lambda one: (
            f"{one['checked']['adjusted']}/{one['checked']['answers']}" if one["checked"]["answers"] else NONE
        ),
    }  # fmt: skip


def _paired() -> Columns:
    return CHECKED | {"Met, own grade": lambda one: of(one["own"]), "Met, as found": lambda one: of(one["found"])}


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
            return both, {"Met": of}
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
    "register-responses": register_responses,
}  # fmt: skip


def wrong(report: str, data: Record, table: Figure) -> list[str]:
    """Where a table shows something else than its data, or a number that no rule knows."""
    rule = RULES.get(report)
    found = rule(data, table, table.source) if rule else None
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
